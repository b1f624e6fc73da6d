/*
 * char-null - a console that nobody watches: what is written vanishes, nothing ever arrives.
 */
#include <backplane/device.h>
#include <backplane/if/char.h>
#include <backplane/plugin.h>

struct char_null {
    uint32_t pad;
};

static uint32_t null_read(void *dev, void *to, uint32_t size)
{
    (void)dev;
    (void)to;
    (void)size;
    return 0;
}

static uint32_t null_write(void *dev, const void *from, uint32_t size)
{
    (void)dev;
    (void)from;
    return size;
}

static const struct bp_char_ops char_ops = {
    .struct_size = sizeof(struct bp_char_ops),
    .read = null_read,
    .write = null_write,
};

static const struct bp_service services[] = {{BP_CHAR_ID, &char_ops}};

static const struct bp_class char_null = {
    .struct_size = sizeof(struct bp_class),
    .flags = BP_CLASS_BACKEND,
    .id = "char-null",
    .version = "1.0",
    .summary = "console that swallows everything and says nothing",
    .instance_size = sizeof(struct char_null),
    .state_version = 1,
    .services = BP_TABLE(services),
};
BP_PLUGIN_BACKEND("char-null", "1.0", &char_null);
