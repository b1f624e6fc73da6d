/*
 * bp.char/1 - a stream of bytes in both directions: consoles.
 *
 * Pull model: bytes wait at the backend until the device fetches them, so nothing is lost and no
 * buffer grows. A device may leave its link unconnected: reads give nothing, writes vanish.
 */
#ifndef BACKPLANE_IF_CHAR_H
#define BACKPLANE_IF_CHAR_H

#include <backplane/host.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BP_CHAR_ID "bp.char/1"

/* For devices, from get_interface(BP_CHAR_ID). `link` is the index in the class's link table. */
struct bp_char {
    uint32_t struct_size;
    uint32_t pad;
    /* [dev] Up to `size` bytes that have arrived; returns how many, 0 when there are none: then
     * on_link(BP_LINK_READABLE) comes when there are. */
    uint32_t (*read)(const struct bp_host *host, uint32_t link, void *to, uint32_t size);
    /* [dev] Returns how many bytes were taken; fewer than `size`: on_link(BP_LINK_WRITABLE) comes
     * when there is room. */
    uint32_t (*write)(const struct bp_host *host, uint32_t link, const void *from, uint32_t size);
};

/* For backends: the service table. They tell of news with bp.link/1 notify. All functions are
 * called [dev]. */
struct bp_char_ops {
    uint32_t struct_size;
    uint32_t pad;
    /* As in struct bp_char: how many bytes were given or taken. A short answer promises the event:
     * BP_LINK_READABLE, BP_LINK_WRITABLE. What goes wrong outside is the backend's to log. */
    uint32_t (*read)(void *dev, void *to, uint32_t size);
    uint32_t (*write)(void *dev, const void *from, uint32_t size);
};

#ifdef __cplusplus
}
#endif
#endif
