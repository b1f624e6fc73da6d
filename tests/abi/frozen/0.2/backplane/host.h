/*
 * backplane/host.h - what every device can ask of the machine.
 *
 * Each device has a host table of its own, and passes it back as the first argument. It lives from
 * create to the end of destroy. What few devices need is an interface by id: get_interface.
 */
#ifndef BACKPLANE_HOST_H
#define BACKPLANE_HOST_H

#include <backplane/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BP_LOG_ERROR 0u /* the machine cannot go on as asked */
#define BP_LOG_WARN  1u /* something the user should know */
#define BP_LOG_INFO  2u
#define BP_LOG_GUEST 3u /* the guest did something wrong; rate-limited */
#define BP_LOG_DEBUG 4u

struct bp_host {
    uint32_t struct_size;
    uint32_t abi_version; /* major << 16 | minor of the host */
    const char *name;     /* the device's in the machine file; valid until destroy */

    /* [any] The interface with this id ("bp.mem/1"), a const table that lives as long as the
     * device; NULL if this host has none. Ids and types are in the headers under if/. */
    const void *(*get_interface)(const struct bp_host *host, const char *id);

    /* [any] One line, without newline or device name; copied. */
    void (*log)(const struct bp_host *host, uint32_t level, const char *message);

    /* [setup] Why a set-up callback fails: a sentence that names problem and remedy; copied.
     * Returns `status`, so that `return host->set_error(host, BP_ERR_..., "...");` works. */
    int32_t (*set_error)(const struct bp_host *host, int32_t status, const char *sentence);

    /* [any] Level of a line by its index in the class's table; non-zero is active. An edge line
     * fires on each change from 0 to 1. Unconnected lines are ignored. */
    void (*irq_set)(const struct bp_host *host, uint32_t line, uint32_t level);

    /* [any] Nanoseconds of virtual time: begins at 0, stands still while the machine is paused. */
    uint64_t (*clock_ns)(const struct bp_host *host);

    /* [any] Nanoseconds since 1970-01-01 UTC, of the outside world. */
    uint64_t (*wall_ns)(const struct bp_host *host);

    /* [setup] In realize only (BP_ERR_STATE): a one-shot timer on virtual time; `fn` is called
     * [dev]. Freed by the host after destroy. BP_ERR_NO_MEMORY. */
    int32_t (*timer_create)(const struct bp_host *host, void (*fn)(void *dev), bp_handle *timer);

    /* [any] Fires once when clock_ns reaches `deadline_ns` (at once if it is past); arming again
     * moves it. BP_ERR_STALE for a handle that is not this device's. */
    int32_t (*timer_arm)(const struct bp_host *host, bp_handle timer, uint64_t deadline_ns);

    /* [any] It will not fire, unless its callback has already begun. BP_ERR_STALE as above. */
    int32_t (*timer_cancel)(const struct bp_host *host, bp_handle timer);

    /* [any] Calls `fn` [dev] soon, on the loop's thread, once per call. BP_ERR_STATE before realize
     * and after destroy began, BP_ERR_NO_MEMORY. */
    int32_t (*defer)(const struct bp_host *host, void (*fn)(void *dev, uint64_t arg), uint64_t arg);
};

#ifdef __cplusplus
}
#endif
#endif
