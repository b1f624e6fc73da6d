/*
 * @ID@ - a virtio device that sends bytes back.
 * Specification: virtio 1.2 for everything but this. Queue 0 takes chains: what the driver has put
 * into the readable part comes back in the writable part, as much as has room there and in "limit";
 * with feature bit 0 (UPPER) small letters of ASCII come back as capitals. Configuration, little
 * endian: 0 u32 limit in bytes, 4 u32 chains answered since reset.
 * Not modelled: nothing. (Say here what of the real device you leave out.)
 *
 * Rings, negotiation and interrupts are the host's; a transport (virtio-mmio) is another plugin.
 * No exception may leave a callback (hence noexcept), and no constructor runs on the instance.
 */
#include <backplane/if/virtio.h>
#include <backplane/lib/log.h>
#include <backplane/plugin.h>

#include <algorithm>
#include <cstring>

namespace
{

/* Step 1: numbers of the device. This id is nobody's: OASIS gives out such that are. */
constexpr uint32_t DEVICE_ID = 63;
constexpr uint32_t QUEUE = 0;
constexpr uint32_t QUEUE_SIZE = 64;
constexpr uint64_t FEATURE_UPPER = UINT64_C(1) << 0;
constexpr uint32_t CONFIG_BYTES = 8;
constexpr uint32_t LIMIT_MAX = 4096;
constexpr uint32_t RUN_LIMIT = 16; /* chains in one go: no driver keeps a processor's thread busy */

/* Step 2: the state, with units. One instance for each device of a machine; no statics. */
struct Echo {
    const bp_host *host;
    const bp_virtio *virtio;
    uint32_t limit_bytes; /* the property "limit" */
    uint32_t answered;
    uint32_t is_upper;  /* the driver took FEATURE_UPPER */
    uint32_t is_parked; /* quiesced: fetches nothing */
    uint32_t will_run;  /* a deferred run is on its way */
    uint32_t pad;

    void answer(const bp_virtio_chain &chain) noexcept;
    void run() noexcept;
    void forget() noexcept;
};

Echo &echo_of(void *dev)
{
    return *static_cast<Echo *>(dev);
}

/* Step 3: one request. The chain was checked and copied by the host: it is what it says. */
void Echo::answer(const bp_virtio_chain &chain) noexcept
{
    uint8_t bytes[LIMIT_MAX];
    uint64_t size = std::min({chain.readable, chain.writable, uint64_t{limit_bytes}});

    if (!size)
        bp_guest_logf(host, "a request with nothing to send back");
    if (virtio->read(host, chain.handle, 0, bytes, size) != BP_OK)
        size = 0;
    for (uint64_t i = 0; is_upper && i < size; i++) {
        if (bytes[i] >= 'a' && bytes[i] <= 'z')
            bytes[i] = static_cast<uint8_t>(bytes[i] - 'a' + 'A');
    }
    if (virtio->write(host, chain.handle, 0, bytes, size) != BP_OK)
        size = 0;
    answered++;
    (void)virtio->push(host, chain.handle, static_cast<uint32_t>(size));
}

void run_later(void *dev, uint64_t) noexcept
{
    echo_of(dev).will_run = 0;
    echo_of(dev).run();
}

void Echo::run() noexcept
{
    bp_virtio_chain chain{};

    chain.struct_size = sizeof(chain);
    for (uint32_t n = 0; n < RUN_LIMIT && !is_parked; n++) {
        if (virtio->pop(host, QUEUE, &chain) != BP_OK)
            return;
        answer(chain);
    }
    if (!is_parked && !will_run)
        will_run = host->defer(host, run_later, 0) == BP_OK;
}

/* Step 4: what the driver does. */
void echo_notify(void *dev, uint32_t queue) noexcept
{
    if (queue == QUEUE)
        echo_of(dev).run();
}

uint64_t echo_features(void *) noexcept
{
    return FEATURE_UPPER;
}

void echo_activate(void *dev, uint64_t features) noexcept
{
    echo_of(dev).is_upper = (features & FEATURE_UPPER) != 0;
}

void put_le32(uint8_t *to, uint32_t value)
{
    for (uint32_t i = 0; i < 4; i++)
        to[i] = static_cast<uint8_t>(value >> (8 * i));
}

void echo_config_read(void *dev, uint32_t offset, void *to, uint32_t size) noexcept
{
    const Echo &s = echo_of(dev);
    uint8_t config[CONFIG_BYTES];

    put_le32(config, s.limit_bytes);
    put_le32(config + 4, s.answered);
    std::memcpy(to, config + offset, size);
}

void Echo::forget() noexcept
{
    answered = 0;
    is_upper = 0;
}

void echo_device_reset(void *dev) noexcept
{
    echo_of(dev).forget();
}

constexpr bp_virtio_device_ops make_ops()
{
    bp_virtio_device_ops ops{};

    ops.struct_size = sizeof(ops);
    ops.device_id = DEVICE_ID;
    ops.n_queues = 1;
    ops.queue_size = QUEUE_SIZE;
    ops.config_size = CONFIG_BYTES;
    ops.features = echo_features;
    ops.config_read = echo_config_read;
    ops.activate = echo_activate;
    ops.notify = echo_notify;
    ops.device_reset = echo_device_reset;
    return ops;
}

constexpr bp_virtio_device_ops virtio_ops = make_ops();

/* Step 5: the life cycle. Properties are in the instance before create is called. */
int32_t echo_create(const bp_host *host, void *dev) noexcept
{
    Echo &s = echo_of(dev);

    s.host = host;
    /* It is in `needs`, so it is there. */
    s.virtio = static_cast<const bp_virtio *>(host->get_interface(host, BP_VIRTIO_ID));
    return BP_OK;
}

void echo_reset(void *dev, uint32_t) noexcept
{
    echo_of(dev).forget();
}

void echo_start(void *dev) noexcept
{
    echo_of(dev).is_parked = 0;
    echo_of(dev).run(); /* what was left in the queue when it was parked */
}

int32_t echo_quiesce(void *dev) noexcept
{
    echo_of(dev).is_parked = 1;
    return BP_OK; /* nothing is ever in flight */
}

/* Step 6: the class's tables. Rows in the order of device.h, since C++17 names no members. */
constexpr bp_property properties[] = {
    BP_PROP_U32(Echo, limit_bytes, "limit", "4096", 1, LIMIT_MAX,
                "Most bytes that one request sends back."),
};

/* `is_upper` is not here: activate comes again after a snapshot of a running driver. */
constexpr bp_field fields[] = {BP_FIELD_U32(Echo, answered)};

constexpr bp_service services[] = {{BP_VIRTIO_DEVICE_ID, &virtio_ops}};
constexpr const char *needs[] = {BP_VIRTIO_ID, nullptr};

/* Step 7: the class, a constant, and the macro that makes it a plugin. */
constexpr bp_class make_class()
{
    bp_class c{};

    c.struct_size = sizeof(c);
    c.id = "@ID@";
    c.version = "1.0";
    c.summary = "virtio device that sends bytes back";
    c.instance_size = sizeof(Echo);
    c.state_version = 1;
    c.bus = "virtio";
    c.needs = needs;
    c.properties = BP_TABLE(properties);
    c.services = BP_TABLE(services);
    c.state = BP_TABLE(fields);
    c.create = echo_create;
    c.reset = echo_reset;
    c.start = echo_start;
    c.quiesce = echo_quiesce;
    return c;
}

constexpr bp_class echo = make_class();

} // namespace

BP_PLUGIN("@ID@", "1.0", &echo);
