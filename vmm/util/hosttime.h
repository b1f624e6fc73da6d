/* The host's clocks in nanoseconds. */
#ifndef VMM_UTIL_HOSTTIME_H
#define VMM_UTIL_HOSTTIME_H

#include <stdint.h>
#include <time.h>

#define NS_PER_SECOND 1000000000u

static inline uint64_t host_clock_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * NS_PER_SECOND + (uint64_t)t.tv_nsec;
}

/* Never steps; the base of virtual time. */
static inline uint64_t host_monotonic_ns(void)
{
    return host_clock_ns(CLOCK_MONOTONIC);
}

/* Since 1970-01-01 UTC. */
static inline uint64_t host_wall_ns(void)
{
    return host_clock_ns(CLOCK_REALTIME);
}

#endif
