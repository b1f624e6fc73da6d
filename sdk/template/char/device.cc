/*
 * @ID@ - a console that answers itself: a backend for serial ports and the like.
 * What a device writes can be read again, oldest first; up to "depth" bytes wait, then there is no
 * room until some have been read. "upper" sends capitals back.
 * Not modelled: a line's speed. (Say here what of the real end you leave out.)
 *
 * Two promises of bp.char/1: after a read that found less than was asked for, READABLE is said when
 * there is something; after a write that was not taken whole, WRITABLE when there is room.
 * No exception may leave a callback (hence noexcept), and no constructor runs on the instance.
 */
#include <backplane/if/char.h>
#include <backplane/if/link.h>
#include <backplane/if/state.h>
#include <backplane/lib/fifo.h>
#include <backplane/plugin.h>

namespace
{

/* Step 1: the state, with units. One instance for each backend of a machine; no statics. */
struct Loopback {
    const bp_host *host;
    const bp_link_if *link;
    uint32_t depth;     /* bytes; the property "depth" */
    uint32_t is_upper;  /* the property "upper" */
    uint8_t is_hungry;  /* a read came up short */
    uint8_t is_blocked; /* a write came up short */
    bp_fifo fifo;

    uint32_t read(uint8_t *to, uint32_t size) noexcept;
    uint32_t write(const uint8_t *from, uint32_t size) noexcept;
    uint8_t transform(uint8_t byte) const noexcept;
};

Loopback &loopback_of(void *dev)
{
    return *static_cast<Loopback *>(dev);
}

/* Step 2: what devices do. */
uint32_t Loopback::read(uint8_t *to, uint32_t size) noexcept
{
    uint32_t n;

    for (n = 0; n < size && fifo.n; n++)
        to[n] = bp_fifo_pop(&fifo);
    is_hungry = n < size;
    if (n && is_blocked) {
        is_blocked = 0;
        link->notify(host, BP_LINK_WRITABLE);
    }
    return n;
}

uint8_t Loopback::transform(uint8_t byte) const noexcept
{
    return is_upper && byte >= 'a' && byte <= 'z' ? static_cast<uint8_t>(byte - 'a' + 'A') : byte;
}

uint32_t Loopback::write(const uint8_t *from, uint32_t size) noexcept
{
    uint32_t n;

    for (n = 0; n < size && bp_fifo_room(&fifo, depth); n++)
        bp_fifo_push(&fifo, transform(from[n]));
    is_blocked = n < size;
    if (n && is_hungry) {
        is_hungry = 0;
        link->notify(host, BP_LINK_READABLE);
    }
    return n;
}

uint32_t loopback_read(void *dev, void *to, uint32_t size) noexcept
{
    return loopback_of(dev).read(static_cast<uint8_t *>(to), size);
}

uint32_t loopback_write(void *dev, const void *from, uint32_t size) noexcept
{
    return loopback_of(dev).write(static_cast<const uint8_t *>(from), size);
}

constexpr bp_char_ops char_ops = {sizeof(bp_char_ops), 0, loopback_read, loopback_write};

/* Step 3: the life cycle. Properties are in the instance before create is called. */
int32_t loopback_create(const bp_host *host, void *dev) noexcept
{
    Loopback &s = loopback_of(dev);

    s.host = host;
    /* It is in `needs`, so it is there. */
    s.link = static_cast<const bp_link_if *>(host->get_interface(host, BP_LINK_ID));
    return BP_OK;
}

void loopback_reset(void *dev, uint32_t) noexcept
{
    Loopback &s = loopback_of(dev);

    bp_fifo_clear(&s.fifo);
    s.is_hungry = 1; /* nobody has asked yet, but whoever is there may be waiting */
    s.is_blocked = 0;
}

/* The table's fields are in place. A snapshot may be of a machine with a deeper one, or have been
 * written by hand: bytes that have no room are gone. */
void loopback_load_commit(void *dev, const bp_state_reader *) noexcept
{
    Loopback &s = loopback_of(dev);

    if (s.fifo.n > s.depth)
        bp_fifo_drop(&s.fifo, s.fifo.n - s.depth);
}

/* Step 4: the class's tables. Rows in the order of device.h, since C++17 names no members. */
constexpr const char *needs[] = {BP_LINK_ID, nullptr};

constexpr bp_property properties[] = {
    BP_PROP_U32(Loopback, depth, "depth", "64", 1, BP_FIFO_MAX, "Bytes that may wait."),
    BP_PROP_BOOL(Loopback, is_upper, "upper", "no", "Whether capitals come back."),
};

constexpr bp_field fields[] = {
    BP_FIELD_FIFO(Loopback, fifo, BP_FIFO_MAX, "bytes", "n"),
    BP_FIELD_U8_MAX(Loopback, is_hungry, 1),
    BP_FIELD_U8_MAX(Loopback, is_blocked, 1),
};

constexpr bp_service services[] = {{BP_CHAR_ID, &char_ops}};

/* Step 5: the class, a constant, and the macro that makes it a plugin. */
constexpr bp_class make_class()
{
    bp_class c{};

    c.struct_size = sizeof(c);
    c.flags = BP_CLASS_BACKEND;
    c.id = "@ID@";
    c.version = "1.0";
    c.summary = "console that answers itself";
    c.instance_size = sizeof(Loopback);
    c.state_version = 1;
    c.needs = needs;
    c.properties = BP_TABLE(properties);
    c.services = BP_TABLE(services);
    c.state = BP_TABLE(fields);
    c.create = loopback_create;
    c.reset = loopback_reset;
    c.load_commit = loopback_load_commit;
    return c;
}

constexpr bp_class loopback = make_class();

} // namespace

BP_PLUGIN_BACKEND("@ID@", "1.0", &loopback);
