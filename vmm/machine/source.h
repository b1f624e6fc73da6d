/* Where plugin classes come from: the registry, or a table of classes in tests. */
#ifndef VMM_MACHINE_SOURCE_H
#define VMM_MACHINE_SOURCE_H

#include "machine/machine.h"

struct class_source {
    void *ctx;
    /* The class with this id; NULL and a sentence. */
    const struct bp_class *(*load)(void *ctx, const char *id, struct err *err);
    bool (*has)(void *ctx, const char *id);
    /* Ids by position, sorted; NULL at the end. */
    const char *(*id_at)(void *ctx, size_t i);
};

/* machine_load from any source. */
int32_t machine_load_from(const struct machine_options *options, const struct class_source *source,
                          struct machine **out, struct diag *diag);

#endif
