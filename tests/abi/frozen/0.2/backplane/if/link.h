/* bp.link/1 - about the device's links, and word to those who linked to it. */
#ifndef BACKPLANE_IF_LINK_H
#define BACKPLANE_IF_LINK_H

#include <backplane/host.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BP_LINK_ID "bp.link/1"

struct bp_link_if {
    uint32_t struct_size;
    uint32_t pad;
    /* [any] 1 if the machine file connected this link of the class's table, else 0. */
    uint32_t (*is_connected)(const struct bp_host *host, uint32_t link);
    /* [any] For a service: everyone linked to this device gets on_link(event) [dev] soon, on the
     * loop's thread. Several notices of one kind may arrive as one. */
    void (*notify)(const struct bp_host *host, uint32_t event);
};

#ifdef __cplusplus
}
#endif
#endif
