/*
 * backplane/abi.h - fixed parts of the plugin ABI: version, status codes, handles, size checks.
 *
 * Every struct that crosses the boundary begins with `uint32_t struct_size`, set by whoever fills
 * it in. A reader uses a member only if BP_HAS() says that the size covers it. Members are only
 * ever appended. ABI types are fixed-width integers and pointers; strings are UTF-8, NUL-ended.
 *
 * What follows holds wherever a header does not say otherwise.
 *
 * Thread tags used in all headers:
 *   [setup]  during create, plan and realize, on the thread that sets the machine up
 *   [dev]    with the device's lock held; never two at once for one device
 *   [any]    from every thread at every time between create and destroy; never calls back
 *   [pure]   needs no running machine; no effects beyond its arguments
 *   [worker] on a thread of its own, without the device's lock: see if/worker.h
 *
 * Ownership: what an argument points to belongs to the caller and is used during the call only; it
 * is copied if it is needed longer. An out-argument is written when the status is BP_OK, else left
 * as it was. Each side frees what it has allocated.
 *
 * Errors: a function that returns int32_t returns one of the codes below, and the text names those
 * that a caller meets; BP_ERR_INVALID for a NULL or a struct_size too small goes without saying.
 * One that returns void ignores what it cannot do, and logs it.
 *
 * Units: size, offset, stride, room and width are bytes; other names carry their unit (_ns, _hz).
 */
#ifndef BACKPLANE_ABI_H
#define BACKPLANE_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Before 1.0 the major number is 0 and a host loads only plugins of its own major and minor. */
#define BP_ABI_MAJOR 0u
#define BP_ABI_MINOR 2u

/* Status: 0 is success, 1 means "goes on by itself, you will hear", negative is an error. */
#define BP_OK              0
#define BP_PENDING         1
#define BP_ERR_INVALID     (-1)  /* an argument is wrong */
#define BP_ERR_RANGE       (-2)  /* outside what is allowed here */
#define BP_ERR_NOT_FOUND   (-3)  /* nothing of that name or number */
#define BP_ERR_EXISTS      (-4)  /* already there, or overlaps */
#define BP_ERR_NO_MEMORY   (-5)  /* the host is out of memory */
#define BP_ERR_NO_SPACE    (-6)  /* disk full, address window full, table full */
#define BP_ERR_IO          (-7)  /* the medium failed */
#define BP_ERR_PERMISSION  (-8)  /* not allowed, or read-only */
#define BP_ERR_UNSUPPORTED (-9)  /* cannot be done here */
#define BP_ERR_STATE       (-10) /* not at this point of the life cycle */
#define BP_ERR_STALE       (-11) /* the handle's object is gone */
#define BP_ERR_BUSY        (-12) /* try again later */
#define BP_ERR_FORMAT      (-13) /* bytes that are not what they claim to be */
#define BP_ERR_VERSION     (-14) /* made for another version */

/* A generation and an index; 0 is never valid. Using a stale handle is an error, not a crash. */
typedef uint64_t bp_handle;
#define BP_NO_HANDLE ((bp_handle)0)

/* True if the `type` that `p` points to was made by someone whose `member` existed. */
#define BP_HAS(type, p, member) ((p)->struct_size >= offsetof(type, member) + sizeof((p)->member))

#ifdef __cplusplus
}
#endif
#endif
