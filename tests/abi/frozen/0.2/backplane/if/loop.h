/*
 * bp.loop/1 - the machine's event loop: for backends whose outside end is a file descriptor.
 * (No other interface asks for one.)
 */
#ifndef BACKPLANE_IF_LOOP_H
#define BACKPLANE_IF_LOOP_H

#include <backplane/host.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BP_LOOP_ID     "bp.loop/1"
#define BP_LOOP_READ   1u
#define BP_LOOP_WRITE  2u
#define BP_LOOP_HANGUP 4u /* reported always */

struct bp_loop {
    uint32_t struct_size;
    uint32_t pad;
    /* [setup] [dev] Calls `fn` [dev] while the descriptor is ready for one of `events`
     * (level-triggered), until unwatch. The descriptor stays the device's. Regular files:
     * BP_ERR_UNSUPPORTED; before realize: BP_ERR_STATE. */
    int32_t (*watch)(const struct bp_host *host, int32_t fd, uint32_t events,
                     void (*fn)(void *dev, uint32_t ready), bp_handle *watch);
    /* [dev] Other events; 0 rests it. BP_ERR_STALE for a watch that is not this device's. */
    int32_t (*change)(const struct bp_host *host, bp_handle watch, uint32_t events);
    /* [dev] Before the descriptor is closed. Ended by the host after destroy otherwise.
     * BP_ERR_STALE as above. */
    int32_t (*unwatch)(const struct bp_host *host, bp_handle watch);
};

#ifdef __cplusplus
}
#endif
#endif
