/*
 * lib/log.h - formatted lines for the log, and formatted set-up errors. Linked into the plugin
 * (libbackplane-device.a); not part of the ABI. Lines are cut at 255 bytes. Each function is [any],
 * but bp_errorf.
 */
#ifndef BACKPLANE_LIB_LOG_H
#define BACKPLANE_LIB_LOG_H

#include <backplane/host.h>

#ifdef __cplusplus
extern "C" {
#endif

/* `level` is BP_LOG_*. */
void bp_logf(const struct bp_host *host, uint32_t level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The guest did something wrong: BP_LOG_GUEST, which the host rate-limits. */
void bp_guest_logf(const struct bp_host *host, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* [setup] As host->set_error; returns `status`. */
int32_t bp_errorf(const struct bp_host *host, int32_t status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#ifdef __cplusplus
}
#endif
#endif
