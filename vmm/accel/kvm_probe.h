/*
 * Is this host's /dev/kvm usable? An open device is not enough: some hosts offer one that works
 * only by emulating instructions, and no Linux ever gets anywhere on it. The probe runs a tiny
 * 64-bit guest and times a loop.
 */
#ifndef VMM_ACCEL_KVM_PROBE_H
#define VMM_ACCEL_KVM_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "util/err.h"

#define KVM_PROBE_ITERATIONS 20000u /* of the timed loop, two instructions each */
#define KVM_PROBE_ROUNDS     5u     /* of the loop; the fastest counts */

/* The slowest round that a processor may need: one takes 0.02 ms, under a whole emulated host a
 * millisecond, KVM's own instruction emulator 29 ms. */
#define KVM_PROBE_SLOWEST_NS 5000000u

/* After this long the guest is kicked out, wherever it is. */
#define KVM_PROBE_LIMIT_NS 400000000u

/* A host that was quick in the loop has so much more for the timer: it may be busy just then. */
#define KVM_PROBE_TIMER_LIMIT_NS 3000000000u

/* How far the probe came: each step includes those before it. */
struct kvm_report {
    bool is_there;       /* /dev/kvm exists */
    bool is_open;        /* and may be opened */
    int32_t api_version; /* 12, or what was found; 0: not asked */
    bool makes_vcpus;    /* a VM, its memory and a vCPU could be made */
    bool runs_guest;     /* the loop ran to its end at least once */
    uint64_t loop_ns;    /* the fastest round; 0: none ended */
    bool is_fast;        /* within KVM_PROBE_SLOWEST_NS */
    bool has_timer;      /* a timer interrupt reached the guest, where there is a test of it */
    bool is_usable;      /* all of it */
};

/* BP_OK when usable; otherwise a status and one sentence with its remedy. Takes at most half a
 * second, but for a fast host whose timer never fires. Changes nothing in the process: no signal
 * handler, no thread, no descriptor stays. */
int32_t kvm_probe(struct kvm_report *out, struct err *err);

/* The same on the way to a guest's start: the kernel takes some milliseconds to end a VM, so a
 * thread of its own waits for that. */
int32_t kvm_probe_at_start(struct kvm_report *out, struct err *err);

/* The same as kvm_probe on another device file: for tests. */
int32_t kvm_probe_device(const char *path, struct kvm_report *out, struct err *err);

/* The verdict on what was measured: BP_OK, or BP_ERR_UNSUPPORTED and the sentence. */
int32_t kvm_probe_judge(const char *path, struct kvm_report *report, struct err *err);

/* Why the device could not be opened, by errno. */
int32_t kvm_probe_explain_open(const char *path, int error, struct err *err);

#endif
