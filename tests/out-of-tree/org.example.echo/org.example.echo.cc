/*
 * org.example.echo - a virtio device of its own: what the driver sends comes back.
 * Specification: README.md, on top of virtio 1.2 (OASIS). Queue 0 takes messages, queue 1 gives
 * them back in order; the feature REVERSE turns each of them round, and a key of the configuration
 * is xored onto every byte. Not modelled: nothing. The device id is of no standard: README.md says
 * what to do about that.
 *
 * Messages on their way lie here and not in chains of the driver, so that a snapshot needs to know
 * of no chain.
 */
#include <algorithm>
#include <cstring>
#include <deque>
#include <new>
#include <vector>

#include <backplane/if/state.h>
#include <backplane/if/virtio.h>
#include <backplane/lib/log.h>
#include <backplane/plugin.h>

namespace
{

constexpr uint32_t DEVICE_ID = 4091;
constexpr uint32_t QUEUE_SIZE = 64;
constexpr uint64_t F_REVERSE = UINT64_C(1) << 0;

enum Queue { SEND, RECEIVE, N_QUEUES };

/* The configuration, little-endian. */
enum Config { MAX_BYTES = 0, ECHOED = 4, KEY = 8, CONFIG_SIZE = 12 };

using Message = std::vector<uint8_t>;

void put32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = static_cast<uint8_t>(value >> (8 * i));
}

uint32_t get32(const uint8_t *from)
{
    return from[0] | uint32_t(from[1]) << 8 | uint32_t(from[2]) << 16 | uint32_t(from[3]) << 24;
}

/* What has constructors; the instance is zeroed bytes. */
struct Backlog {
    std::deque<Message> messages;
};

struct Echo {
    const bp_host *host;
    const bp_virtio *virtio;
    Backlog *backlog;
    uint64_t features; /* that the driver took; 0 while it is not active */
    uint32_t echoed;
    uint32_t key;
    /* properties */
    uint32_t max_bytes;
    uint32_t max_messages;

    int32_t create(const bp_host *h);
    void forget() noexcept;
    void take();
    void give();
    void work() noexcept;
    void read_message(const bp_virtio_chain &chain);
    void config(uint8_t (&to)[CONFIG_SIZE]) const noexcept;
};

Echo &echo_of(void *dev) noexcept
{
    return *static_cast<Echo *>(dev);
}

/* --- Messages --------------------------------------------------------------------------------- */

/* Every byte is fetched once; the chain ends here. */
void Echo::read_message(const bp_virtio_chain &chain)
{
    if (chain.readable == 0 || chain.readable > max_bytes) {
        bp_guest_logf(host, "a message of %llu bytes was dropped: 1 to %u are allowed",
                      static_cast<unsigned long long>(chain.readable), max_bytes);
        return;
    }
    Message m(static_cast<size_t>(chain.readable));
    if (virtio->read(host, chain.handle, 0, m.data(), m.size()) != BP_OK) {
        bp_guest_logf(host, "a message outside of RAM was dropped");
        return;
    }
    for (uint8_t &byte : m)
        byte = static_cast<uint8_t>(byte ^ key);
    if ((features & F_REVERSE) != 0)
        std::reverse(m.begin(), m.end());
    backlog->messages.push_back(std::move(m));
}

/* Stops when there is no room: give() makes some, and work() comes back. */
void Echo::take()
{
    bp_virtio_chain chain{};
    chain.struct_size = sizeof(chain);
    while (backlog->messages.size() < max_messages && virtio->pop(host, SEND, &chain) == BP_OK) {
        read_message(chain);
        (void)virtio->push(host, chain.handle, 0);
    }
}

/* A message longer than the driver's room is cut. */
void Echo::give()
{
    bp_virtio_chain chain{};
    chain.struct_size = sizeof(chain);
    while (!backlog->messages.empty() && virtio->pop(host, RECEIVE, &chain) == BP_OK) {
        const Message &m = backlog->messages.front();
        uint64_t size = std::min<uint64_t>(m.size(), chain.writable);
        if (size == 0 || virtio->write(host, chain.handle, 0, m.data(), size) != BP_OK) {
            bp_guest_logf(host, "a buffer without room, or outside of RAM, was given back empty");
            (void)virtio->push(host, chain.handle, 0);
            continue;
        }
        (void)virtio->push(host, chain.handle, static_cast<uint32_t>(size));
        backlog->messages.pop_front();
        echoed++;
    }
}

/* Until nothing moves any more: each round ends at least one chain, and a ring has so many. */
void Echo::work() noexcept
{
    try {
        size_t before;
        do {
            take();
            before = backlog->messages.size();
            give();
        } while (backlog->messages.size() < before);
    } catch (const std::bad_alloc &) {
        host->log(host, BP_LOG_WARN, "out of memory: a message was dropped");
    }
}

/* --- What the host calls of a virtio device --------------------------------------------------- */

uint64_t echo_features(void *) noexcept
{
    return F_REVERSE;
}

void Echo::config(uint8_t (&to)[CONFIG_SIZE]) const noexcept
{
    std::memset(to, 0, CONFIG_SIZE);
    put32(to + MAX_BYTES, max_bytes);
    put32(to + ECHOED, echoed);
    to[KEY] = static_cast<uint8_t>(key);
}

void echo_config_read(void *dev, uint32_t offset, void *to, uint32_t size) noexcept
{
    uint8_t bytes[CONFIG_SIZE];
    echo_of(dev).config(bytes);
    std::memcpy(to, bytes + offset, size);
}

/* Of the configuration only the key can be written. */
void echo_config_write(void *dev, uint32_t offset, const void *from, uint32_t size) noexcept
{
    if (offset <= KEY && KEY - offset < size)
        echo_of(dev).key = static_cast<const uint8_t *>(from)[KEY - offset];
}

void echo_activate(void *dev, uint64_t features) noexcept
{
    echo_of(dev).features = features;
}

void echo_notify(void *dev, uint32_t) noexcept
{
    echo_of(dev).work();
}

void Echo::forget() noexcept
{
    backlog->messages.clear();
    features = 0;
    echoed = 0;
    key = 0;
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
    ops.n_queues = N_QUEUES;
    ops.queue_size = QUEUE_SIZE;
    ops.config_size = CONFIG_SIZE;
    ops.features = echo_features;
    ops.config_read = echo_config_read;
    ops.config_write = echo_config_write;
    ops.activate = echo_activate;
    ops.notify = echo_notify;
    ops.device_reset = echo_device_reset;
    return ops;
}

constexpr bp_virtio_device_ops ops = make_ops();

/* --- Life cycle ------------------------------------------------------------------------------- */

int32_t Echo::create(const bp_host *h)
{
    host = h;
    virtio = static_cast<const bp_virtio *>(h->get_interface(h, BP_VIRTIO_ID));
    backlog = new (std::nothrow) Backlog;
    if (backlog == nullptr)
        return h->set_error(h, BP_ERR_NO_MEMORY, "out of memory");
    return BP_OK;
}

int32_t echo_create(const bp_host *host, void *dev) noexcept
{
    try {
        return echo_of(dev).create(host);
    } catch (const std::bad_alloc &) {
        return host->set_error(host, BP_ERR_NO_MEMORY, "out of memory");
    }
}

void echo_reset(void *dev, uint32_t) noexcept
{
    echo_of(dev).forget();
}

/* What stood still while the machine did. */
void echo_start(void *dev) noexcept
{
    if (echo_of(dev).features != 0)
        echo_of(dev).work();
}

void echo_destroy(void *dev) noexcept
{
    delete echo_of(dev).backlog;
}

/* --- State: the table's fields, and the messages as length and bytes, one behind the other -----
 */

constexpr char MESSAGES[] = "messages";

int32_t echo_save(const void *dev, const bp_state_writer *w) noexcept
{
    try {
        const Backlog &backlog = *static_cast<const Echo *>(dev)->backlog;
        Message all;
        for (const Message &m : backlog.messages) {
            uint8_t length[4];
            put32(length, static_cast<uint32_t>(m.size()));
            all.insert(all.end(), length, length + sizeof(length));
            all.insert(all.end(), m.begin(), m.end());
        }
        return w->put(w, MESSAGES, all.data(), all.size());
    } catch (const std::bad_alloc &) {
        return BP_ERR_NO_MEMORY;
    }
}

/* Nothing of the device is changed here. */
int32_t read_messages(const Echo &s, const bp_state_reader *r, std::deque<Message> &to)
{
    uint64_t size;
    int32_t status = r->size(r, MESSAGES, &size);
    if (status != BP_OK)
        return status;
    if (size > uint64_t(s.max_messages) * (s.max_bytes + UINT64_C(4)))
        return BP_ERR_RANGE;
    Message all(static_cast<size_t>(size));
    status = r->get(r, MESSAGES, all.data(), size);
    if (status != BP_OK)
        return status;
    for (size_t at = 0; at < all.size();) {
        if (all.size() - at < 4 || to.size() == s.max_messages)
            return BP_ERR_FORMAT;
        uint32_t length = get32(&all[at]);
        at += 4;
        if (length == 0 || length > s.max_bytes || length > all.size() - at)
            return BP_ERR_FORMAT;
        to.emplace_back(&all[at], &all[at] + length);
        at += length;
    }
    return BP_OK;
}

int32_t echo_load_check(const void *dev, const bp_state_reader *r) noexcept
{
    try {
        std::deque<Message> ignored;
        return read_messages(*static_cast<const Echo *>(dev), r, ignored);
    } catch (const std::bad_alloc &) {
        return BP_ERR_NO_MEMORY;
    }
}

void echo_load_commit(void *dev, const bp_state_reader *r) noexcept
{
    Echo &s = echo_of(dev);
    try {
        std::deque<Message> messages;
        if (read_messages(s, r, messages) == BP_OK)
            s.backlog->messages.swap(messages);
    } catch (const std::bad_alloc &) {
        s.host->log(s.host, BP_LOG_ERROR, "out of memory: messages of the snapshot are lost");
    }
}

/* --- Tables ----------------------------------------------------------------------------------- */

constexpr bp_service services[] = {{BP_VIRTIO_DEVICE_ID, &ops}};

constexpr const char *needs[] = {BP_VIRTIO_ID, nullptr};

constexpr bp_property properties[] = {
    BP_PROP_U32(Echo, max_bytes, "max-bytes", "4096", 1, 65536,
                "The longest message, in bytes. Longer ones are dropped."),
    BP_PROP_U32(Echo, max_messages, "backlog", "16", 1, 1024,
                "How many messages wait here for buffers of the driver."),
};

constexpr bp_field fields[] = {
    BP_FIELD_U32(Echo, echoed),
    BP_FIELD_U32_MAX(Echo, key, 255),
};

constexpr bp_class make_class()
{
    bp_class c{};
    c.struct_size = sizeof(c);
    c.id = "org.example.echo";
    c.version = "1.0";
    c.summary = "virtio device that sends back what it is sent";
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
    c.save = echo_save;
    c.load_check = echo_load_check;
    c.load_commit = echo_load_commit;
    c.destroy = echo_destroy;
    return c;
}

constexpr bp_class echo = make_class();

} // namespace

BP_PLUGIN("org.example.echo", "1.0", &echo);
