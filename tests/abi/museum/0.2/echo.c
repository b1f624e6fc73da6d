/*
 * org.example.museum.echo - a virtio device for the museum: what the driver sends comes back
 * reversed, up to 64 bytes. Its configuration holds the number of chains so far. Models nothing
 * real.
 */
#include <backplane/device.h>
#include <backplane/if/virtio.h>
#include <backplane/plugin.h>

#define BYTES_MAX 64u
#define FEATURE_0 1u

struct echo {
    const struct bp_host *host;
    const struct bp_virtio *virtio;
    uint64_t features;
    uint32_t chains;
    uint32_t pad;
};

static uint32_t turn_round(const struct echo *e, const struct bp_virtio_chain *chain)
{
    uint8_t in[BYTES_MAX], out[BYTES_MAX];
    uint64_t n = chain->readable < chain->writable ? chain->readable : chain->writable;
    if (n > BYTES_MAX)
        n = BYTES_MAX;
    if (e->virtio->read(e->host, chain->handle, 0, in, n) != BP_OK)
        return 0;
    for (uint64_t i = 0; i < n; i++)
        out[i] = in[n - 1 - i];
    return e->virtio->write(e->host, chain->handle, 0, out, n) == BP_OK ? (uint32_t)n : 0;
}

static void echo_notify(void *dev, uint32_t queue)
{
    struct echo *e = dev;
    struct bp_virtio_chain chain;
    for (;;) {
        chain.struct_size = sizeof(chain);
        if (e->virtio->pop(e->host, queue, &chain) != BP_OK)
            return;
        e->chains++;
        (void)e->virtio->push(e->host, chain.handle, turn_round(e, &chain));
    }
}

static uint64_t echo_features(void *dev)
{
    (void)dev;
    return FEATURE_0;
}

static void echo_config_read(void *dev, uint32_t offset, void *to, uint32_t size)
{
    const struct echo *e = dev;
    uint8_t *bytes = to;
    for (uint32_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(e->chains >> 8 * (offset + i));
}

static void echo_activate(void *dev, uint64_t features)
{
    ((struct echo *)dev)->features = features;
}

static void echo_device_reset(void *dev)
{
    struct echo *e = dev;
    e->features = 0;
    e->chains = 0;
}

static int32_t echo_create(const struct bp_host *host, void *dev)
{
    struct echo *e = dev;
    e->host = host;
    e->virtio = (const struct bp_virtio *)host->get_interface(host, BP_VIRTIO_ID);
    return BP_OK;
}

static void echo_reset(void *dev, uint32_t kind)
{
    (void)kind;
    echo_device_reset(dev);
}

static const struct bp_virtio_device_ops ops = {
    .struct_size = sizeof(struct bp_virtio_device_ops),
    .device_id = 42,
    .n_queues = 1,
    .queue_size = 16,
    .config_size = 4,
    .features = echo_features,
    .config_read = echo_config_read,
    .activate = echo_activate,
    .notify = echo_notify,
    .device_reset = echo_device_reset,
};
static const struct bp_service services[] = {{BP_VIRTIO_DEVICE_ID, &ops}};
static const struct bp_field fields[] = {BP_FIELD_U32(struct echo, chains)};
static const char *const needs[] = {BP_VIRTIO_ID, NULL};

static const struct bp_class echo = {
    .struct_size = sizeof(struct bp_class),
    .id = "org.example.museum.echo",
    .version = "1.0",
    .summary = "virtio device that turns bytes round",
    .instance_size = sizeof(struct echo),
    .state_version = 1,
    .bus = "virtio",
    .needs = needs,
    .services = BP_TABLE(services),
    .state = BP_TABLE(fields),
    .create = echo_create,
    .reset = echo_reset,
};
BP_PLUGIN("org.example.museum.echo", "1.0", &echo);
