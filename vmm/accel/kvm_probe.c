/* The part of the KVM probe that is the same on every architecture: see kvm_probe.h. */
#include "accel/kvm_probe.h"

#include <backplane/abi.h>
#include <errno.h>
#include <pthread.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "accel/kvm.h"
#include "accel/kvm_probe_guest.h"
#include "core/arch.h"
#include "util/hosttime.h"

/* No further round of a slow guest begins when less than this of its time is left. */
#define ENOUGH_LEFT_NS (KVM_PROBE_LIMIT_NS - 60000000u)

/* --- Sentences -------------------------------------------------------------------------------- */

int32_t kvm_guest_fail(const struct kvm_guest *guest, const char *what, struct err *err)
{
    return err_set(err, BP_ERR_UNSUPPORTED,
                   "%s: %s failed: %s; update the host's kernel, or see its log (dmesg)",
                   guest->path, what, strerror(errno));
}

int32_t kvm_probe_explain_open(const char *path, int error, struct err *err)
{
    switch (error) {
    case ENOENT:
        return err_set(err, BP_ERR_NOT_FOUND,
                       "%s is missing; load the kvm module, or enable virtualization in the "
                       "firmware (on a virtual machine: nested virtualization in its host)",
                       path);
    case EACCES:
    case EPERM:
        return err_set(err, BP_ERR_PERMISSION,
                       "%s: permission denied; add yourself to the group that owns it "
                       "(usermod -aG kvm USER) and log in again",
                       path);
    case ENXIO:
    case ENODEV:
        return err_set(err, BP_ERR_UNSUPPORTED,
                       "%s: no driver behind it; load the kvm module, or enable virtualization in "
                       "the firmware",
                       path);
    default:
        return err_set(err, BP_ERR_UNSUPPORTED, "%s: cannot be opened: %s; see the kernel's log",
                       path, strerror(error));
    }
}

static double in_ms(uint64_t ns)
{
    return (double)ns / 1e6;
}

int32_t kvm_probe_judge(const char *path, struct kvm_report *report, struct err *err)
{
    const char *arch = arch_name(arch_native());
    report->is_fast = report->loop_ns != 0 && report->loop_ns <= KVM_PROBE_SLOWEST_NS;
    report->is_usable = report->is_fast && (report->has_timer || !kvm_guest_tests_timer);
    if (report->is_usable)
        return BP_OK;
    if (!report->runs_guest)
        return err_set(err, BP_ERR_UNSUPPORTED,
                       "%s: a loop of %u iterations did not end within %.0f ms, a processor needs "
                       "0.05 ms; %s guests cannot run on it; use a host with hardware "
                       "virtualization",
                       path, KVM_PROBE_ITERATIONS, in_ms(KVM_PROBE_LIMIT_NS), arch);
    if (!report->is_fast)
        return err_set(err, BP_ERR_UNSUPPORTED,
                       "%s works only by emulating instructions: %u iterations took %.1f ms, a "
                       "processor needs 0.05 ms; %s guests cannot run on it; use a host with "
                       "hardware virtualization",
                       path, KVM_PROBE_ITERATIONS, in_ms(report->loop_ns), arch);
    return err_set(err, BP_ERR_UNSUPPORTED,
                   "%s: no timer interrupt reached a guest; update the host's kernel", path);
}

/* --- The time limit: a blocked signal that only KVM_RUN lets through, so that no handler ------ */

struct limit {
    timer_t timer;
    sigset_t signal, old_mask;
    int number;
};

/* KVM_SET_SIGNAL_MASK takes the kernel's own set, which is smaller than the C library's. */
#define KERNEL_SIGSET_BYTES 8

static bool limit_let_through(const struct kvm_guest *guest, const struct limit *limit)
{
    uint32_t size = KERNEL_SIGSET_BYTES;
    uint64_t blocked = ~(1ull << (limit->number - 1));
    uint32_t mask[1 + KERNEL_SIGSET_BYTES / 4]; /* struct kvm_signal_mask with its set */
    memcpy(&mask[0], &size, sizeof(size));
    memcpy(&mask[1], &blocked, sizeof(blocked));
    return ioctl(guest->vcpu_fd, KVM_SET_SIGNAL_MASK, mask) == 0;
}

/* From now on. */
static bool limit_set(const struct limit *limit, uint64_t ns)
{
    struct itimerspec when = {.it_value.tv_sec = (time_t)(ns / NS_PER_SECOND),
                              .it_value.tv_nsec = (long)(ns % NS_PER_SECOND)};
    return timer_settime(limit->timer, 0, &when, NULL) == 0;
}

static bool limit_begin(struct limit *limit, const struct kvm_guest *guest)
{
    limit->number = SIGRTMAX;
    sigemptyset(&limit->signal);
    sigaddset(&limit->signal, limit->number);
    if (pthread_sigmask(SIG_BLOCK, &limit->signal, &limit->old_mask) != 0)
        return false;
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = limit->number};
    event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
    if (timer_create(CLOCK_MONOTONIC, &event, &limit->timer) == 0) {
        if (limit_let_through(guest, limit) && limit_set(limit, KVM_PROBE_LIMIT_NS))
            return true;
        timer_delete(limit->timer);
    }
    pthread_sigmask(SIG_SETMASK, &limit->old_mask, NULL);
    return false;
}

static void limit_end(struct limit *limit)
{
    struct timespec at_once = {0};
    timer_delete(limit->timer);
    (void)sigtimedwait(&limit->signal, NULL, &at_once);
    pthread_sigmask(SIG_SETMASK, &limit->old_mask, NULL);
}

/* --- Making and running the guest ------------------------------------------------------------- */

static int32_t add_ram(struct kvm_guest *guest, struct err *err)
{
    void *ram =
        mmap(NULL, KVM_GUEST_RAM_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (ram == MAP_FAILED)
        return kvm_guest_fail(guest, "memory of a test guest", err);
    guest->ram = ram;
    struct kvm_userspace_memory_region region = {.guest_phys_addr = kvm_guest_ram_gpa,
                                                 .memory_size = KVM_GUEST_RAM_BYTES,
                                                 .userspace_addr = (uintptr_t)ram};
    if (ioctl(guest->vm_fd, KVM_SET_USER_MEMORY_REGION, &region) != 0)
        return kvm_guest_fail(guest, "KVM_SET_USER_MEMORY_REGION", err);
    return BP_OK;
}

static int32_t make_vcpu(struct kvm_guest *guest, struct err *err)
{
    guest->vcpu_fd = ioctl(guest->vm_fd, KVM_CREATE_VCPU, 0);
    if (guest->vcpu_fd < 0)
        return kvm_guest_fail(guest, "KVM_CREATE_VCPU", err);
    int bytes = ioctl(guest->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
    if (bytes < (int)sizeof(struct kvm_run))
        return kvm_guest_fail(guest, "KVM_GET_VCPU_MMAP_SIZE", err);
    void *run = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, guest->vcpu_fd, 0);
    if (run == MAP_FAILED)
        return kvm_guest_fail(guest, "mapping a vCPU", err);
    guest->run = run;
    guest->run_bytes = (size_t)bytes;
    return kvm_guest_set_up_vcpu(guest, err);
}

static int32_t make_guest(struct kvm_guest *guest, struct err *err)
{
    do
        guest->vm_fd = ioctl(guest->kvm_fd, KVM_CREATE_VM, 0);
    while (guest->vm_fd < 0 && errno == EINTR);
    if (guest->vm_fd < 0)
        return kvm_guest_fail(guest, "KVM_CREATE_VM", err);
    int32_t status = add_ram(guest, err);
    if (status == BP_OK)
        status = kvm_guest_set_up_vm(guest, err);
    if (status == BP_OK)
        status = make_vcpu(guest, err);
    return status;
}

static void guest_close(struct kvm_guest *guest)
{
    if (guest->run != NULL)
        munmap(guest->run, guest->run_bytes);
    if (guest->vcpu_fd >= 0)
        close(guest->vcpu_fd);
    if (guest->vm_fd >= 0)
        close(guest->vm_fd);
    if (guest->kvm_fd >= 0)
        close(guest->kvm_fd);
    if (guest->ram != NULL)
        munmap(guest->ram, KVM_GUEST_RAM_BYTES);
}

/* One exit. BP_PENDING: the time is over. */
static int32_t run_to_event(struct kvm_guest *guest, enum kvm_guest_event wanted, uint64_t end_ns,
                            struct err *err)
{
    for (;;) {
        if (ioctl(guest->vcpu_fd, KVM_RUN, 0) == 0)
            break;
        if (errno != EINTR && errno != EAGAIN)
            return kvm_guest_fail(guest, "KVM_RUN", err);
        if (host_monotonic_ns() >= end_ns)
            return BP_PENDING;
    }
    if (kvm_guest_event_of(guest->run) == wanted)
        return BP_OK;
    return err_set(err, BP_ERR_UNSUPPORTED,
                   "%s: a small 64-bit guest stopped with KVM exit reason %u; update the host's "
                   "kernel",
                   guest->path, guest->run->exit_reason);
}

static int32_t wait_for_timer(struct kvm_guest *guest, const struct limit *limit,
                              struct kvm_report *report, struct err *err)
{
    uint64_t end_ns = host_monotonic_ns() + KVM_PROBE_TIMER_LIMIT_NS;
    if (!limit_set(limit, KVM_PROBE_TIMER_LIMIT_NS))
        return kvm_guest_fail(guest, "a time limit for a test guest", err);
    int32_t status = run_to_event(guest, KVM_GUEST_TIMER_FIRED, end_ns, err);
    report->has_timer = status == BP_OK;
    return status;
}

static int32_t run_guest(struct kvm_guest *guest, const struct limit *limit,
                         struct kvm_report *report, struct err *err)
{
    uint64_t end_ns = host_monotonic_ns() + KVM_PROBE_LIMIT_NS;
    for (unsigned round = 0; round < KVM_PROBE_ROUNDS; round++) {
        uint64_t start_ns = host_monotonic_ns();
        int32_t status = run_to_event(guest, KVM_GUEST_ROUND_DONE, end_ns, err);
        if (status != BP_OK)
            return status;
        uint64_t ns = host_monotonic_ns() - start_ns;
        report->runs_guest = true;
        if (report->loop_ns == 0 || ns < report->loop_ns)
            report->loop_ns = ns;
        if (report->loop_ns > KVM_PROBE_SLOWEST_NS && end_ns - start_ns < ENOUGH_LEFT_NS)
            return BP_OK; /* slow, and not only once by bad luck */
    }
    if (!kvm_guest_tests_timer || report->loop_ns > KVM_PROBE_SLOWEST_NS)
        return BP_OK;
    return wait_for_timer(guest, limit, report, err);
}

static int32_t run_within_limit(struct kvm_guest *guest, struct kvm_report *report, struct err *err)
{
    struct limit limit;
    if (!limit_begin(&limit, guest))
        return kvm_guest_fail(guest, "a time limit for a test guest", err);
    int32_t status = run_guest(guest, &limit, report, err);
    limit_end(&limit);
    return status < 0 ? status : kvm_probe_judge(guest->path, report, err);
}

static int32_t probe(struct kvm_guest *guest, struct kvm_report *report, struct err *err)
{
    int32_t version;
    int32_t status = kvm_open(guest->path, &guest->kvm_fd, &version, err);
    report->is_there = status != BP_ERR_NOT_FOUND;
    report->is_open = version >= 0;
    report->api_version = version < 0 ? 0 : version;
    if (status != BP_OK)
        return status;
    status = make_guest(guest, err);
    report->makes_vcpus = status == BP_OK;
    return status == BP_OK ? run_within_limit(guest, report, err) : status;
}

static const struct kvm_guest no_guest = {.kvm_fd = -1, .vm_fd = -1, .vcpu_fd = -1};

int32_t kvm_probe_device(const char *path, struct kvm_report *out, struct err *err)
{
    struct kvm_guest guest = no_guest;
    guest.path = path;
    *out = (struct kvm_report){0};
    int32_t status = probe(&guest, out, err);
    guest_close(&guest);
    return status;
}

int32_t kvm_probe(struct kvm_report *out, struct err *err)
{
    return kvm_probe_device(KVM_DEVICE, out, err);
}

static void *close_later(void *arg)
{
    guest_close(arg);
    free(arg);
    return NULL;
}

/* False: no thread for it. */
static bool close_on_thread(struct kvm_guest *guest)
{
    pthread_t thread;
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    bool is_started = pthread_create(&thread, NULL, close_later, guest) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return is_started && pthread_detach(thread) == 0;
}

int32_t kvm_probe_at_start(struct kvm_report *out, struct err *err)
{
    struct kvm_guest *guest = malloc(sizeof(*guest));
    if (guest == NULL)
        return kvm_probe(out, err);
    *guest = no_guest;
    guest->path = KVM_DEVICE;
    *out = (struct kvm_report){0};
    int32_t status = probe(guest, out, err);
    if (!close_on_thread(guest))
        (void)close_later(guest);
    return status;
}
