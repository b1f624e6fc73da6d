/* The bench's fake at the other end of a bp.net/1 link, and calls of a network backend. */
#ifndef BACKPLANE_BENCH_NET_H
#define BACKPLANE_BENCH_NET_H

#include <backplane/if/net.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bench;

/* --- a device with a bp.net/1 link; `link` is the link's name --------------------------------- */
/* A frame arrives; settles, so that the device hears of it. As a terse backend: word comes only to
 * a device that has found nothing before. */
void bench_net_feed(struct bench *b, const char *link, const void *frame, uint32_t size);
uint32_t bench_net_waiting(struct bench *b, const char *link); /* frames not yet fetched */

/* How many frames the device has sent; the i-th of them (0: the oldest), the bench's until the next
 * call of anything. */
uint32_t bench_net_sent(struct bench *b, const char *link);
const uint8_t *bench_net_frame(struct bench *b, const char *link, uint32_t i, uint32_t *size);
void bench_net_clear(struct bench *b, const char *link);

/* How many more frames are taken (at first: no limit, UINT32_MAX). Settles: a device that was told
 * BP_ERR_BUSY gets BP_LINK_WRITABLE. */
void bench_net_room(struct bench *b, const char *link, uint32_t frames);

/* The link goes down (0) or up; the device gets BP_LINK_CHANGED when that is news. */
void bench_net_up(struct bench *b, const char *link, uint32_t up);

/* How often the device called read and write: a device that polls is slow. */
uint32_t bench_net_calls(struct bench *b, const char *link);

/* --- a backend that offers bp.net/1 ----------------------------------------------------------- */
int32_t bench_net_info(struct bench *b, struct bp_net_info *info);

/* As the host: sizes that no frame has are BP_ERR_RANGE before the backend sees them. */
int32_t bench_net_write(struct bench *b, const void *frame, uint32_t size);

/* The next frame's size, 0 for none; `frame` has room for BP_NET_FRAME_MAX bytes, or is NULL. */
uint32_t bench_net_read(struct bench *b, void *frame);

#ifdef __cplusplus
}
#endif
#endif
