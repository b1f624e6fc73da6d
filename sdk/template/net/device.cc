/*
 * @ID@ - a network that sends every frame back to where it came from: a backend for network cards.
 * A frame comes back with its two addresses exchanged. Up to 16 wait, then there is no room until
 * one has been read. Frames longer than "mtu" and the header are lost and counted in the log, as a
 * network does that cannot carry them. "down" takes the cable out.
 * Not modelled: anything of IP. (Say here what of the real network you leave out.)
 *
 * Two promises of bp.net/1: after a read that found nothing, READABLE is said when there is
 * something; after a write that was BP_ERR_BUSY, WRITABLE when there is room.
 * No exception may leave a callback (hence noexcept, and the catch in create). No constructor runs
 * on the instance: it is plain, and holds a pointer to what has one.
 */
#include <backplane/if/link.h>
#include <backplane/if/net.h>
#include <backplane/if/state.h>
#include <backplane/lib/log.h>
#include <backplane/plugin.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

namespace
{

/* Step 1: limits, and the header of a frame. */
constexpr uint32_t FRAMES = 16;
constexpr uint32_t MAC_BYTES = 6;
constexpr uint32_t HEADER_BYTES = 14;
constexpr uint32_t MTU_MAX = 1500;

struct Frame {
    uint32_t size;
    std::array<uint8_t, MTU_MAX + HEADER_BYTES> bytes;
};

/* Frames that wait: a ring, which needs no memory once it is made. */
class Queue
{
  public:
    bool is_empty() const noexcept
    {
        return n_ == 0;
    }
    bool is_full() const noexcept
    {
        return n_ == FRAMES;
    }
    void clear() noexcept
    {
        first_ = n_ = 0;
    }
    Frame &add() noexcept
    {
        return frames_[(first_ + n_++) % FRAMES];
    }
    const Frame &take() noexcept
    {
        const Frame &oldest = frames_[first_];

        first_ = (first_ + 1) % FRAMES;
        n_--;
        return oldest;
    }

  private:
    uint32_t first_ = 0;
    uint32_t n_ = 0;
    std::array<Frame, FRAMES> frames_{};
};

/* Step 2: the state, with units. One instance for each backend of a machine; no statics. */
struct Mirror {
    const bp_host *host;
    const bp_link_if *link;
    Queue *queue;     /* made by create, deleted by destroy */
    uint32_t mtu;     /* bytes behind the header; the property "mtu" */
    uint32_t is_down; /* the property "down" */
    uint32_t is_hungry;
    uint32_t is_blocked;

    int32_t read(uint8_t *to) noexcept;
    int32_t write(const uint8_t *from, uint32_t size) noexcept;
};

Mirror &mirror_of(void *dev)
{
    return *static_cast<Mirror *>(dev);
}

/* Step 3: what network cards do. The host has checked sizes. */
int32_t Mirror::read(uint8_t *to) noexcept
{
    is_hungry = queue->is_empty();
    if (is_hungry)
        return 0;
    const Frame &frame = queue->take();
    std::copy_n(frame.bytes.begin(), frame.size, to);
    if (is_blocked) {
        is_blocked = 0;
        link->notify(host, BP_LINK_WRITABLE);
    }
    return static_cast<int32_t>(frame.size);
}

int32_t Mirror::write(const uint8_t *from, uint32_t size) noexcept
{
    if (is_down)
        return BP_OK; /* the cable is out: it vanishes */
    if (size > mtu + HEADER_BYTES) {
        bp_guest_logf(host, "a frame of %u bytes is lost: %u are possible", size,
                      mtu + HEADER_BYTES);
        return BP_OK;
    }
    is_blocked = queue->is_full();
    if (is_blocked)
        return BP_ERR_BUSY;
    Frame &frame = queue->add();
    frame.size = size;
    std::copy_n(from, size, frame.bytes.begin());
    /* destination and source */
    std::swap_ranges(frame.bytes.begin(), frame.bytes.begin() + MAC_BYTES,
                     frame.bytes.begin() + MAC_BYTES);
    if (is_hungry) {
        is_hungry = 0;
        link->notify(host, BP_LINK_READABLE);
    }
    return BP_OK;
}

int32_t mirror_info(void *dev, bp_net_info *out) noexcept
{
    const Mirror &s = mirror_of(dev);

    out->flags = s.is_down ? 0 : BP_NET_LINK_UP;
    out->mtu = s.mtu;
    return BP_OK;
}

/* The host has checked that any frame fits. */
int32_t mirror_read(void *dev, void *frame, uint32_t) noexcept
{
    return mirror_of(dev).read(static_cast<uint8_t *>(frame));
}

int32_t mirror_write(void *dev, const void *frame, uint32_t size) noexcept
{
    return mirror_of(dev).write(static_cast<const uint8_t *>(frame), size);
}

constexpr bp_net_ops net_ops = {sizeof(bp_net_ops), 0, mirror_info, mirror_read, mirror_write};

/* Step 4: the life cycle. Properties are in the instance before create is called. */
int32_t mirror_create(const bp_host *host, void *dev) noexcept
{
    Mirror &s = mirror_of(dev);

    s.host = host;
    /* It is in `needs`, so it is there. */
    s.link = static_cast<const bp_link_if *>(host->get_interface(host, BP_LINK_ID));
    try {
        s.queue = new Queue;
    } catch (const std::bad_alloc &) {
        return host->set_error(host, BP_ERR_NO_MEMORY, "out of memory");
    }
    return BP_OK;
}

/* Also after a create that failed. */
void mirror_destroy(void *dev) noexcept
{
    delete mirror_of(dev).queue;
}

void mirror_reset(void *dev, uint32_t) noexcept
{
    Mirror &s = mirror_of(dev);

    s.queue->clear();
    s.is_hungry = 1; /* nobody has asked yet, but whoever is there may be waiting */
    s.is_blocked = 0;
}

/* A snapshot carries no frames: networks lose some, and those who sent them know that. Whoever
 * waited for room hears that there is. */
void mirror_load_commit(void *dev, const bp_state_reader *) noexcept
{
    const Mirror &s = mirror_of(dev);

    s.link->notify(s.host, BP_LINK_WRITABLE);
}

/* Step 5: the class's tables. Rows in the order of device.h, since C++17 names no members. */
constexpr const char *needs[] = {BP_LINK_ID, nullptr};

constexpr bp_property properties[] = {
    BP_PROP_U32(Mirror, mtu, "mtu", "1500", 68, MTU_MAX,
                "Largest payload of a frame in bytes, behind its header of 14."),
    BP_PROP_BOOL(Mirror, is_down, "down", "no", "Whether the cable is out."),
};

constexpr bp_service services[] = {{BP_NET_ID, &net_ops}};

/* Step 6: the class, a constant, and the macro that makes it a plugin. */
constexpr bp_class make_class()
{
    bp_class c{};

    c.struct_size = sizeof(c);
    c.flags = BP_CLASS_BACKEND;
    c.id = "@ID@";
    c.version = "1.0";
    c.summary = "network that sends every frame back";
    c.instance_size = sizeof(Mirror);
    c.state_version = 1;
    c.needs = needs;
    c.properties = BP_TABLE(properties);
    c.services = BP_TABLE(services);
    c.create = mirror_create;
    c.reset = mirror_reset;
    c.load_commit = mirror_load_commit;
    c.destroy = mirror_destroy;
    return c;
}

constexpr bp_class mirror = make_class();

} // namespace

BP_PLUGIN_BACKEND("@ID@", "1.0", &mirror);
