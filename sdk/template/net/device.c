/*
 * @ID@ - a network that sends every frame back to where it came from: a backend for network cards.
 * A frame comes back with its two addresses exchanged. Up to 16 wait, then there is no room until
 * one has been read. Frames longer than "mtu" and the header are lost and counted in the log, as a
 * network does that cannot carry them. "down" takes the cable out.
 * Not modelled: anything of IP. (Say here what of the real network you leave out.)
 *
 * Two promises of bp.net/1: after a read that found nothing, READABLE is said when there is
 * something; after a write that was BP_ERR_BUSY, WRITABLE when there is room.
 */
#include <backplane/if/link.h>
#include <backplane/if/net.h>
#include <backplane/if/state.h>
#include <backplane/lib/log.h>
#include <backplane/plugin.h>

#include <string.h>

/* Step 1: limits, and the header of a frame. */
#define FRAMES       16u
#define MAC_BYTES    6u
#define HEADER_BYTES 14u
#define MTU_MAX      1500u
#define FRAME_BYTES  (MTU_MAX + HEADER_BYTES)

/* Step 2: the state, with units. One instance for each backend of a machine; no statics. */
struct mirror {
    const struct bp_host *host;
    const struct bp_link_if *link;
    uint32_t mtu;     /* bytes behind the header; the property "mtu" */
    uint32_t is_down; /* the property "down" */
    uint32_t first;   /* the oldest frame */
    uint32_t n;       /* frames that wait */
    uint32_t is_hungry;
    uint32_t is_blocked;
    uint32_t sizes[FRAMES];
    uint8_t frames[FRAMES][FRAME_BYTES];
};

/* Step 3: what network cards do. The host has checked sizes. */
static int32_t mirror_info(void *dev, struct bp_net_info *out)
{
    const struct mirror *s = dev;

    out->flags = s->is_down ? 0 : BP_NET_LINK_UP;
    out->mtu = s->mtu;
    return BP_OK;
}

static int32_t mirror_read(void *dev, void *frame, uint32_t room)
{
    struct mirror *s = dev;
    uint32_t size = s->sizes[s->first];

    (void)room; /* the host has checked that any frame fits */
    s->is_hungry = !s->n;
    if (!s->n)
        return 0;
    memcpy(frame, s->frames[s->first], size);
    s->first = (s->first + 1) % FRAMES;
    s->n--;
    if (s->is_blocked) {
        s->is_blocked = 0;
        s->link->notify(s->host, BP_LINK_WRITABLE);
    }
    return (int32_t)size;
}

/* A frame with its two addresses, destination and source, exchanged. */
static void keep(struct mirror *s, const uint8_t *frame, uint32_t size)
{
    uint32_t at = (s->first + s->n) % FRAMES;

    memcpy(s->frames[at], frame + MAC_BYTES, MAC_BYTES);
    memcpy(s->frames[at] + MAC_BYTES, frame, MAC_BYTES);
    memcpy(s->frames[at] + 2 * MAC_BYTES, frame + 2 * MAC_BYTES, size - 2 * MAC_BYTES);
    s->sizes[at] = size;
    s->n++;
}

static int32_t mirror_write(void *dev, const void *frame, uint32_t size)
{
    struct mirror *s = dev;

    if (s->is_down)
        return BP_OK; /* the cable is out: it vanishes */
    if (size > s->mtu + HEADER_BYTES) {
        bp_guest_logf(s->host, "a frame of %u bytes is lost: %u are possible", size,
                      s->mtu + HEADER_BYTES);
        return BP_OK;
    }
    s->is_blocked = s->n == FRAMES;
    if (s->is_blocked)
        return BP_ERR_BUSY;
    keep(s, frame, size);
    if (s->is_hungry) {
        s->is_hungry = 0;
        s->link->notify(s->host, BP_LINK_READABLE);
    }
    return BP_OK;
}

static const struct bp_net_ops net_ops = {
    .struct_size = sizeof(struct bp_net_ops),
    .info = mirror_info,
    .read = mirror_read,
    .write = mirror_write,
};

/* Step 4: the life cycle. Properties are in the instance before create is called. */
static int32_t mirror_create(const struct bp_host *host, void *dev)
{
    struct mirror *s = dev;

    s->host = host;
    s->link = host->get_interface(host, BP_LINK_ID); /* is in `needs`, so it is there */
    return BP_OK;
}

static void mirror_reset(void *dev, uint32_t kind)
{
    struct mirror *s = dev;

    (void)kind;
    s->first = 0;
    s->n = 0;
    s->is_hungry = 1; /* nobody has asked yet, but whoever is there may be waiting */
    s->is_blocked = 0;
}

/* A snapshot carries no frames: networks lose some, and those who sent them know that. Whoever
 * waited for room hears that there is. */
static void mirror_load_commit(void *dev, const struct bp_state_reader *r)
{
    struct mirror *s = dev;

    (void)r;
    s->link->notify(s->host, BP_LINK_WRITABLE);
}

/* Step 5: the class's tables. */
static const char *const needs[] = {BP_LINK_ID, NULL};

static const struct bp_property properties[] = {
    BP_PROP_U32(struct mirror, mtu, "mtu", "1500", 68, MTU_MAX,
                "Largest payload of a frame in bytes, behind its header of 14."),
    BP_PROP_BOOL(struct mirror, is_down, "down", "no", "Whether the cable is out."),
};

static const struct bp_service services[] = {{BP_NET_ID, &net_ops}};

/* Step 6: the class, and the macro that makes it a plugin. */
static const struct bp_class mirror = {
    .struct_size = sizeof(struct bp_class),
    .flags = BP_CLASS_BACKEND,
    .id = "@ID@",
    .version = "1.0",
    .summary = "network that sends every frame back",
    .instance_size = sizeof(struct mirror),
    .state_version = 1,
    .needs = needs,
    .properties = BP_TABLE(properties),
    .services = BP_TABLE(services),
    .create = mirror_create,
    .reset = mirror_reset,
    .load_commit = mirror_load_commit,
};
BP_PLUGIN_BACKEND("@ID@", "1.0", &mirror);
