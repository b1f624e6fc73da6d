/*
 * What the files of accel/kvm share. The seam to the architecture is kvm_arch.h; the rest of the
 * program knows only accel_kvm (core/accel.h).
 */
#ifndef VMM_ACCEL_KVM_H
#define VMM_ACCEL_KVM_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/accel.h"

#define KVM_DEVICE   "/dev/kvm"
#define KVM_OBJECT   "accelerator kvm"
#define KVM_CPUS_MAX 64u

/* Exits by kind, in the order of accel_ops.exit_counts. */
enum kvm_kind {
    KVM_KIND_PORT,
    KVM_KIND_MMIO,
    KVM_KIND_HALT,
    KVM_KIND_WINDOW,
    KVM_KIND_INTERRUPTED,
    KVM_KIND_EOI,
    KVM_KIND_SHUTDOWN,
    KVM_KIND_SYSTEM,
    KVM_KIND_INTERNAL,
    KVM_KIND_OTHER,
    KVM_N_KINDS,
};

/* The last exits of a vCPU. `quiet` is always on; enable_trace replaces it by a larger ring. */
#define KVM_QUIET_ENTRIES 32u
struct kvm_trace {
    struct trace_entry *ring; /* quiet, or the user's */
    size_t size, next, n;
    bool has_ticks; /* the user's: the time is worth its cost */
    struct trace_entry quiet[KVM_QUIET_ENTRIES];
};

struct kvm_slot {
    uint64_t gpa, size;
    void *host;
    uint32_t flags;
};

/* One input of the kernel's interrupt controller. */
struct kvm_line {
    bool is_connected;
    uint32_t trigger;
    uint32_t gsi;     /* as KVM_IRQFD takes it, and with kvm_arch.irq_base KVM_IRQ_LINE */
    int event_fd;     /* edge: the kernel raises it at each write; -1: none */
    bool is_attached; /* it is known to the kernel's interrupt controller */
};

struct accel_vm {
    struct accel_config config;
    int kvm_fd, vm_fd; /* -1: not made */
    size_t run_bytes;  /* of a vCPU's shared pages */
    uint32_t gpa_bits;
    struct kvm_slot *slots;
    uint32_t n_slots, max_slots;
    struct kvm_line *lines;
    uint32_t n_lines;
    pthread_mutex_t route_lock; /* guards what follows */
    struct kvm_irq_routing_entry *routes;
    uint32_t n_routes;
    struct kvm_arch_vm *arch;
};

struct accel_vcpu {
    struct accel_vm *vm;
    uint32_t index;
    int fd; /* -1: not made */
    struct kvm_run *run;
    atomic_bool kicked;
    _Atomic pid_t in_kernel; /* the thread inside KVM_RUN; 0: none */
    /* The last exit was an access that only the next KVM_RUN completes. */
    bool is_unfinished;
    struct kvm_trace trace;
    uint64_t counts[KVM_N_KINDS];
    struct err failure; /* of a reset: the next run reports it */
    struct kvm_arch_vcpu *arch;
};

/* A capability that the kernel must have. */
struct kvm_need {
    int cap;
    const char *name; /* "KVM_CAP_IRQFD" */
    const char *what; /* it is for */
};

/* --- kvm_open.c: the device and what it offers ------------------------------------------------ */

/* Opens it and checks the interface's version. *version is what was found: 0 for a file of another
 * kind, -1 when it could not be opened. The sentences begin with the path. */
int32_t kvm_open(const char *path, int *fd, int32_t *version, struct err *err);

/* The value of KVM_CHECK_EXTENSION, 0 for what there is not. */
typedef uint32_t kvm_check_fn(void *ctx, int cap);
uint32_t kvm_check_fd(void *fd, int cap); /* ctx: int * */

/* BP_OK, or the sentence that names the first missing one. */
int32_t kvm_check_needs(const char *path, const struct kvm_need *needs, size_t n,
                        kvm_check_fn *check, void *ctx, struct err *err);

/* accel_ops.probe and limits. */
int32_t kvm_accel_probe(enum arch arch, struct err *err);
void kvm_accel_limits(enum arch arch, struct accel_limits *out);

/* "accelerator kvm: WHAT failed: ERRNO; ...", with a status made of errno. */
int32_t kvm_fail(const char *what, struct err *err);

/* --- kvm_memory.c ----------------------------------------------------------------------------- */

int32_t kvm_map_memory(struct accel_vm *vm, uint64_t gpa, void *host, uint64_t size,
                       struct err *err);
int32_t kvm_track_dirty(struct accel_vm *vm, uint64_t gpa, bool enable, struct err *err);
int32_t kvm_fetch_dirty(struct accel_vm *vm, uint64_t gpa, uint64_t *bitmap, size_t n_words,
                        struct err *err);

/* --- kvm_irq.c -------------------------------------------------------------------------------- */

/* Hands the routes to the kernel. With route_lock held, or during set-up. */
int32_t kvm_commit_routes(struct accel_vm *vm, struct err *err);
int32_t kvm_connect_line(struct accel_vm *vm, uint32_t number, uint32_t trigger, struct err *err);
/* When the kernel's interrupt controller is complete: lines that were connected before. */
int32_t kvm_attach_lines(struct accel_vm *vm, struct err *err);
void kvm_set_line(struct accel_vm *vm, uint32_t number, bool level);
int32_t kvm_send_msi(struct accel_vm *vm, uint64_t address, uint32_t data);
int32_t kvm_route_pin(struct accel_vm *vm, uint32_t pin, uint64_t address, uint32_t data,
                      bool is_level, bool is_masked);
int32_t kvm_add_doorbell(struct accel_vm *vm, const struct accel_doorbell *doorbell,
                         struct err *err);
void kvm_lines_free(struct accel_vm *vm);

/* --- kvm_run.c -------------------------------------------------------------------------------- */

/* Once per process, before the first kick: the handler of its signal. */
void kvm_prepare_kicks(void);
enum run_result kvm_vcpu_run(struct accel_vcpu *vcpu, struct err *err);
void kvm_vcpu_kick(struct accel_vcpu *vcpu);

/* The guest has ended itself: RUN_CRASHED, with the sentence in the guest's log and in `err`. */
enum run_result kvm_crash(struct accel_vcpu *vcpu, struct err *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* --- kvm_trace.c ------------------------------------------------------------------------------ */

/* Notes the exit that vcpu->run describes. */
void kvm_trace_exit(struct accel_vcpu *vcpu);
void kvm_trace_init(struct kvm_trace *trace);
void kvm_trace_free(struct kvm_trace *trace);
int32_t kvm_enable_trace(struct accel_vcpu *vcpu, size_t entries, struct err *err);
int32_t kvm_read_trace(struct accel_vcpu *vcpu, struct trace_entry *out, size_t *n,
                       struct err *err);
const char *kvm_cause_name(uint64_t cause);
size_t kvm_exit_counts(struct accel_vcpu *vcpu, struct accel_count *out, size_t n);

#endif
