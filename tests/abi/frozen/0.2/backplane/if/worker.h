/* bp.worker/1 - work that blocks (disk I/O), away from the processors and the event loop. */
#ifndef BACKPLANE_IF_WORKER_H
#define BACKPLANE_IF_WORKER_H

#include <backplane/host.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BP_WORKER_ID "bp.worker/1"

struct bp_worker {
    uint32_t struct_size;
    uint32_t pad;
    /* [any] Calls work(dev, arg) [worker], WITHOUT the device's lock, then done(dev, arg, result)
     * [dev] on the loop's thread. work may use [any] functions, and of the instance only
     * what does not change meanwhile. Several pieces run at once and in no set order. destroy is
     * called only after all pieces are done. BP_ERR_NO_MEMORY, BP_ERR_STATE after destroy began. */
    int32_t (*submit)(const struct bp_host *host, int32_t (*work)(void *dev, uint64_t arg),
                      void (*done)(void *dev, uint64_t arg, int32_t result), uint64_t arg);
};

#ifdef __cplusplus
}
#endif
#endif
