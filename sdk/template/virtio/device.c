/*
 * @ID@ - a virtio device that sends bytes back.
 * Specification: virtio 1.2 for everything but this. Queue 0 takes chains: what the driver has put
 * into the readable part comes back in the writable part, as much as has room there and in "limit";
 * with feature bit 0 (UPPER) small letters of ASCII come back as capitals. Configuration, little
 * endian: 0 u32 limit in bytes, 4 u32 chains answered since reset.
 * Not modelled: nothing. (Say here what of the real device you leave out.)
 *
 * Rings, negotiation and interrupts are the host's; a transport (virtio-mmio) is another plugin.
 */
#include <backplane/if/virtio.h>
#include <backplane/lib/log.h>
#include <backplane/plugin.h>

#include <string.h>

/* Step 1: numbers of the device. This id is nobody's: OASIS gives out such that are. */
#define DEVICE_ID     63u
#define QUEUE         0u
#define QUEUE_SIZE    64u
#define FEATURE_UPPER (UINT64_C(1) << 0)
#define CONFIG_BYTES  8u
#define LIMIT_MAX     4096u
#define RUN_LIMIT     16u /* chains in one go: no driver keeps a processor's thread busy */

/* Step 2: the state, with units. One instance for each device of a machine; no statics. */
struct echo {
    const struct bp_host *host;
    const struct bp_virtio *virtio;
    uint32_t limit_bytes; /* the property "limit" */
    uint32_t answered;
    uint32_t is_upper;  /* the driver took FEATURE_UPPER */
    uint32_t is_parked; /* quiesced: fetches nothing */
    uint32_t will_run;  /* a deferred run is on its way */
    uint32_t pad;
};

/* Step 3: one request. The chain was checked and copied by the host: it is what it says. */
static void answer(struct echo *s, const struct bp_virtio_chain *chain)
{
    uint8_t bytes[LIMIT_MAX];
    uint64_t size = chain->readable < chain->writable ? chain->readable : chain->writable;

    if (size > s->limit_bytes)
        size = s->limit_bytes;
    if (!size)
        bp_guest_logf(s->host, "a request with nothing to send back");
    if (s->virtio->read(s->host, chain->handle, 0, bytes, size) != BP_OK)
        size = 0;
    for (uint64_t i = 0; s->is_upper && i < size; i++) {
        if (bytes[i] >= 'a' && bytes[i] <= 'z')
            bytes[i] = (uint8_t)(bytes[i] - 'a' + 'A');
    }
    if (s->virtio->write(s->host, chain->handle, 0, bytes, size) != BP_OK)
        size = 0;
    s->answered++;
    (void)s->virtio->push(s->host, chain->handle, (uint32_t)size);
}

static void run_later(void *dev, uint64_t arg);

static void run(struct echo *s)
{
    struct bp_virtio_chain chain = {.struct_size = sizeof(chain)};

    for (uint32_t n = 0; n < RUN_LIMIT && !s->is_parked; n++) {
        if (s->virtio->pop(s->host, QUEUE, &chain) != BP_OK)
            return;
        answer(s, &chain);
    }
    if (!s->is_parked && !s->will_run)
        s->will_run = s->host->defer(s->host, run_later, 0) == BP_OK;
}

static void run_later(void *dev, uint64_t arg)
{
    struct echo *s = dev;

    (void)arg;
    s->will_run = 0;
    run(s);
}

/* Step 4: what the driver does. */
static void echo_notify(void *dev, uint32_t queue)
{
    if (queue == QUEUE)
        run(dev);
}

static uint64_t echo_features(void *dev)
{
    (void)dev;
    return FEATURE_UPPER;
}

static void echo_activate(void *dev, uint64_t features)
{
    struct echo *s = dev;

    s->is_upper = (features & FEATURE_UPPER) != 0;
}

static void put_le32(uint8_t *to, uint32_t value)
{
    for (uint32_t i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

static void echo_config_read(void *dev, uint32_t offset, void *to, uint32_t size)
{
    const struct echo *s = dev;
    uint8_t config[CONFIG_BYTES];

    put_le32(config, s->limit_bytes);
    put_le32(config + 4, s->answered);
    memcpy(to, config + offset, size);
}

static void echo_device_reset(void *dev)
{
    struct echo *s = dev;

    s->answered = 0;
    s->is_upper = 0;
}

static const struct bp_virtio_device_ops virtio_ops = {
    .struct_size = sizeof(struct bp_virtio_device_ops),
    .device_id = DEVICE_ID,
    .n_queues = 1,
    .queue_size = QUEUE_SIZE,
    .config_size = CONFIG_BYTES,
    .features = echo_features,
    .config_read = echo_config_read,
    .activate = echo_activate,
    .notify = echo_notify,
    .device_reset = echo_device_reset,
};

/* Step 5: the life cycle. Properties are in the instance before create is called. */
static int32_t echo_create(const struct bp_host *host, void *dev)
{
    struct echo *s = dev;

    s->host = host;
    s->virtio = host->get_interface(host, BP_VIRTIO_ID); /* is in `needs`, so it is there */
    return BP_OK;
}

static void echo_reset(void *dev, uint32_t kind)
{
    (void)kind;
    echo_device_reset(dev);
}

static void echo_start(void *dev)
{
    struct echo *s = dev;

    s->is_parked = 0;
    run(s); /* what was left in the queue when it was parked */
}

static int32_t echo_quiesce(void *dev)
{
    struct echo *s = dev;

    s->is_parked = 1;
    return BP_OK; /* nothing is ever in flight */
}

/* Step 6: the class's tables. */
static const struct bp_property properties[] = {
    BP_PROP_U32(struct echo, limit_bytes, "limit", "4096", 1, LIMIT_MAX,
                "Most bytes that one request sends back."),
};

/* `is_upper` is not here: activate comes again after a snapshot of a running driver. */
static const struct bp_field fields[] = {BP_FIELD_U32(struct echo, answered)};

static const struct bp_service services[] = {{BP_VIRTIO_DEVICE_ID, &virtio_ops}};
static const char *const needs[] = {BP_VIRTIO_ID, NULL};

/* Step 7: the class, and the macro that makes it a plugin. */
static const struct bp_class echo = {
    .struct_size = sizeof(struct bp_class),
    .id = "@ID@",
    .version = "1.0",
    .summary = "virtio device that sends bytes back",
    .instance_size = sizeof(struct echo),
    .state_version = 1,
    .bus = "virtio",
    .needs = needs,
    .properties = BP_TABLE(properties),
    .services = BP_TABLE(services),
    .state = BP_TABLE(fields),
    .create = echo_create,
    .reset = echo_reset,
    .start = echo_start,
    .quiesce = echo_quiesce,
};
BP_PLUGIN("@ID@", "1.0", &echo);
