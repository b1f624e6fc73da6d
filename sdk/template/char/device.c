/*
 * @ID@ - a console that answers itself: a backend for serial ports and the like.
 * What a device writes can be read again, oldest first; up to "depth" bytes wait, then there is no
 * room until some have been read. "upper" sends capitals back.
 * Not modelled: a line's speed. (Say here what of the real end you leave out.)
 *
 * Two promises of bp.char/1: after a read that found less than was asked for, READABLE is said when
 * there is something; after a write that was not taken whole, WRITABLE when there is room.
 */
#include <backplane/if/char.h>
#include <backplane/if/link.h>
#include <backplane/if/state.h>
#include <backplane/lib/fifo.h>
#include <backplane/plugin.h>

/* Step 1: the state, with units. One instance for each backend of a machine; no statics. */
struct loopback {
    const struct bp_host *host;
    const struct bp_link_if *link;
    uint32_t depth;     /* bytes; the property "depth" */
    uint32_t is_upper;  /* the property "upper" */
    uint8_t is_hungry;  /* a read came up short */
    uint8_t is_blocked; /* a write came up short */
    struct bp_fifo fifo;
};

/* Step 2: what devices do. */
static uint32_t loopback_read(void *dev, void *to, uint32_t size)
{
    struct loopback *s = dev;
    uint8_t *bytes = to;
    uint32_t n;

    for (n = 0; n < size && s->fifo.n; n++)
        bytes[n] = bp_fifo_pop(&s->fifo);
    s->is_hungry = n < size;
    if (n && s->is_blocked) {
        s->is_blocked = 0;
        s->link->notify(s->host, BP_LINK_WRITABLE);
    }
    return n;
}

static uint8_t transform(const struct loopback *s, uint8_t byte)
{
    return s->is_upper && byte >= 'a' && byte <= 'z' ? (uint8_t)(byte - 'a' + 'A') : byte;
}

static uint32_t loopback_write(void *dev, const void *from, uint32_t size)
{
    struct loopback *s = dev;
    const uint8_t *bytes = from;
    uint32_t n;

    for (n = 0; n < size && bp_fifo_room(&s->fifo, s->depth); n++)
        bp_fifo_push(&s->fifo, transform(s, bytes[n]));
    s->is_blocked = n < size;
    if (n && s->is_hungry) {
        s->is_hungry = 0;
        s->link->notify(s->host, BP_LINK_READABLE);
    }
    return n;
}

static const struct bp_char_ops char_ops = {
    .struct_size = sizeof(struct bp_char_ops),
    .read = loopback_read,
    .write = loopback_write,
};

/* Step 3: the life cycle. Properties are in the instance before create is called. */
static int32_t loopback_create(const struct bp_host *host, void *dev)
{
    struct loopback *s = dev;

    s->host = host;
    s->link = host->get_interface(host, BP_LINK_ID); /* is in `needs`, so it is there */
    return BP_OK;
}

static void loopback_reset(void *dev, uint32_t kind)
{
    struct loopback *s = dev;

    (void)kind;
    bp_fifo_clear(&s->fifo);
    s->is_hungry = 1; /* nobody has asked yet, but whoever is there may be waiting */
    s->is_blocked = 0;
}

/* The table's fields are in place. A snapshot may be of a machine with a deeper one, or have been
 * written by hand: bytes that have no room are gone. */
static void loopback_load_commit(void *dev, const struct bp_state_reader *r)
{
    struct loopback *s = dev;

    (void)r;
    if (s->fifo.n > s->depth)
        bp_fifo_drop(&s->fifo, s->fifo.n - s->depth);
}

/* Step 4: the class's tables. */
static const char *const needs[] = {BP_LINK_ID, NULL};

static const struct bp_property properties[] = {
    BP_PROP_U32(struct loopback, depth, "depth", "64", 1, BP_FIFO_MAX, "Bytes that may wait."),
    BP_PROP_BOOL(struct loopback, is_upper, "upper", "no", "Whether capitals come back."),
};

static const struct bp_field fields[] = {
    BP_FIELD_FIFO(struct loopback, fifo, BP_FIFO_MAX, "bytes", "n"),
    BP_FIELD_U8_MAX(struct loopback, is_hungry, 1),
    BP_FIELD_U8_MAX(struct loopback, is_blocked, 1),
};

static const struct bp_service services[] = {{BP_CHAR_ID, &char_ops}};

/* Step 5: the class, and the macro that makes it a plugin. */
static const struct bp_class loopback = {
    .struct_size = sizeof(struct bp_class),
    .flags = BP_CLASS_BACKEND,
    .id = "@ID@",
    .version = "1.0",
    .summary = "console that answers itself",
    .instance_size = sizeof(struct loopback),
    .state_version = 1,
    .needs = needs,
    .properties = BP_TABLE(properties),
    .services = BP_TABLE(services),
    .state = BP_TABLE(fields),
    .create = loopback_create,
    .reset = loopback_reset,
    .load_commit = loopback_load_commit,
};
BP_PLUGIN_BACKEND("@ID@", "1.0", &loopback);
