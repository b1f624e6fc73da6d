/*
 * bp.config/1 - the device's own properties by name, beyond what the property table has stored in
 * the instance: for code that is shared by several classes.
 */
#ifndef BACKPLANE_IF_CONFIG_H
#define BACKPLANE_IF_CONFIG_H

#include <backplane/host.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BP_CONFIG_ID "bp.config/1"

struct bp_config {
    uint32_t struct_size;
    uint32_t pad;
    /* [any] A number, size, boolean (0, 1) or choice (position). BP_ERR_NOT_FOUND: no such
     * property; BP_ERR_INVALID: it is a string. */
    int32_t (*get_u64)(const struct bp_host *host, const char *property, uint64_t *value);
    /* [any] A string or path; NULL when it is not set. The host's, valid until destroy.
     * BP_ERR_NOT_FOUND: no such property; BP_ERR_INVALID: it is a number. */
    int32_t (*get_string)(const struct bp_host *host, const char *property, const char **value);
};

#ifdef __cplusplus
}
#endif
#endif
