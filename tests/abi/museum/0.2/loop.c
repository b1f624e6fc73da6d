/*
 * org.example.museum.loop - a character backend for the museum: what is written can be read again,
 * up to 16 bytes of it at a time. Models nothing real.
 */
#include <backplane/device.h>
#include <backplane/if/char.h>
#include <backplane/if/link.h>
#include <backplane/plugin.h>

#define ROOM 16u

struct loop {
    const struct bp_host *host;
    const struct bp_link_if *link;
    uint8_t bytes[ROOM];
    uint32_t n;
    uint32_t raise; /* property: added to each byte */
};

static uint32_t loop_read(void *dev, void *to, uint32_t size)
{
    struct loop *l = dev;
    uint8_t *bytes = to;
    uint32_t n = size < l->n ? size : l->n;
    for (uint32_t i = 0; i < n; i++)
        bytes[i] = l->bytes[i];
    for (uint32_t i = 0; i < l->n; i++)
        l->bytes[i] = i + n < l->n ? l->bytes[i + n] : 0;
    if (n && l->n == ROOM)
        l->link->notify(l->host, BP_LINK_WRITABLE);
    l->n -= n;
    return n;
}

static uint32_t loop_write(void *dev, const void *from, uint32_t size)
{
    struct loop *l = dev;
    const uint8_t *bytes = from;
    uint32_t n = 0;
    while (n < size && l->n < ROOM)
        l->bytes[l->n++] = (uint8_t)(bytes[n++] + l->raise);
    if (n)
        l->link->notify(l->host, BP_LINK_READABLE);
    return n;
}

static int32_t loop_create(const struct bp_host *host, void *dev)
{
    struct loop *l = dev;
    l->host = host;
    l->link = (const struct bp_link_if *)host->get_interface(host, BP_LINK_ID);
    return BP_OK;
}

static void loop_reset(void *dev, uint32_t kind)
{
    struct loop *l = dev;
    (void)kind;
    for (uint32_t i = 0; i < ROOM; i++)
        l->bytes[i] = 0;
    l->n = 0;
}

static const struct bp_char_ops ops = {
    .struct_size = sizeof(struct bp_char_ops),
    .read = loop_read,
    .write = loop_write,
};
static const struct bp_service services[] = {{BP_CHAR_ID, &ops}};
static const struct bp_property properties[] = {
    BP_PROP_U32(struct loop, raise, "raise", "0", 0, 255, "What is added to each byte."),
};
static const struct bp_field fields[] = {
    BP_FIELD_U8(struct loop, bytes),
    BP_FIELD_U32_MAX(struct loop, n, ROOM),
};
static const char *const needs[] = {BP_LINK_ID, NULL};

static const struct bp_class loop = {
    .struct_size = sizeof(struct bp_class),
    .flags = BP_CLASS_BACKEND,
    .id = "org.example.museum.loop",
    .version = "1.0",
    .summary = "gives back what was written to it",
    .instance_size = sizeof(struct loop),
    .state_version = 1,
    .needs = needs,
    .properties = BP_TABLE(properties),
    .services = BP_TABLE(services),
    .state = BP_TABLE(fields),
    .create = loop_create,
    .reset = loop_reset,
};
BP_PLUGIN_BACKEND("org.example.museum.loop", "1.0", &loop);
