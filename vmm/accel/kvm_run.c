/*
 * Running a vCPU on KVM.
 *
 * A kick must neither be lost nor come late. Whoever kicks sets `kicked`, then the shared page's
 * immediate_exit, then signals the thread that is inside KVM_RUN. The vCPU's thread says that it is
 * inside, clears immediate_exit, and only then looks at `kicked`: a kick that it does not see there
 * sets immediate_exit after the clearing, so KVM_RUN returns at once, and one that comes later
 * finds the thread inside and interrupts it. While a kick is not answered, further ones are the
 * same.
 *
 * A port or memory access is completed by the kernel at the next KVM_RUN. So before the run ends
 * for a kick, KVM_RUN is entered once more with immediate_exit set: registers are then those after
 * the instruction.
 */
#include <backplane/abi.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "accel/kvm_arch.h"

/* --- Kicks ------------------------------------------------------------------------------------ */

/* Open on threads that run a vCPU, and only sent to them. */
#define KICK_SIGNAL (SIGRTMIN + 1)

static void on_kick(int number)
{
    (void)number; /* that KVM_RUN returns is all that is wanted */
}

static void install_handler(void)
{
    struct sigaction action = {.sa_handler = on_kick, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    (void)sigaction(KICK_SIGNAL, &action, NULL);
}

void kvm_prepare_kicks(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install_handler);
}

/* The calling thread's number, with the signal let through to it. */
static pid_t prepare_thread(void)
{
    static _Thread_local pid_t thread;
    if (thread != 0)
        return thread;
    sigset_t kick;
    sigemptyset(&kick);
    sigaddset(&kick, KICK_SIGNAL);
    (void)pthread_sigmask(SIG_UNBLOCK, &kick, NULL);
    thread = (pid_t)syscall(SYS_gettid);
    return thread;
}

static void set_immediate_exit(struct kvm_run *run, bool on)
{
    __atomic_store_n(&run->immediate_exit, on, __ATOMIC_SEQ_CST);
}

void kvm_vcpu_kick(struct accel_vcpu *vcpu)
{
    /* One signal for each kick that is answered: they queue, and thousands would keep the thread
     * busy with nothing else. */
    if (atomic_exchange(&vcpu->kicked, true))
        return;
    set_immediate_exit(vcpu->run, true);
    pid_t thread = atomic_load(&vcpu->in_kernel);
    if (thread != 0)
        (void)syscall(SYS_tgkill, getpid(), thread, KICK_SIGNAL);
}

/* --- Accesses --------------------------------------------------------------------------------- */

static void serve_port(struct accel_vcpu *vcpu)
{
    struct kvm_run *run = vcpu->run;
    const struct accel_env *env = vcpu->vm->config.env;
    const uint32_t width = run->io.size;
    uint8_t *data = (uint8_t *)run + run->io.data_offset;
    for (uint32_t i = 0; i < run->io.count; i++, data += width) {
        uint64_t value = 0;
        if (run->io.direction == KVM_EXIT_IO_OUT) {
            memcpy(&value, data, width);
            env->pio_write(env->ctx, run->io.port, width, value);
        } else {
            value = env->pio_read(env->ctx, run->io.port, width);
            memcpy(data, &value, width);
        }
    }
    vcpu->is_unfinished = true;
}

/* The widest access of 1, 2, 4 or 8 bytes that begins here and is aligned, but for a whole one. */
static uint32_t next_width(uint64_t gpa, uint32_t left)
{
    uint32_t width = 8;
    if (left == 1 || left == 2 || left == 4 || left == 8)
        return left;
    while (width > left || (gpa & (width - 1)) != 0)
        width /= 2;
    return width;
}

/* Pieces of an access that crossed a page have any length. */
static void serve_memory(struct accel_vcpu *vcpu)
{
    struct kvm_run *run = vcpu->run;
    const struct accel_env *env = vcpu->vm->config.env;
    uint32_t length = run->mmio.len <= sizeof(run->mmio.data) ? run->mmio.len : 0;
    for (uint32_t at = 0; at < length;) {
        uint64_t gpa = run->mmio.phys_addr + at, value = 0;
        uint32_t width = next_width(gpa, length - at);
        if (run->mmio.is_write) {
            memcpy(&value, run->mmio.data + at, width);
            env->mmio_write(env->ctx, gpa, width, value);
        } else {
            value = env->mmio_read(env->ctx, gpa, width);
            memcpy(run->mmio.data + at, &value, width);
        }
        at += width;
    }
    vcpu->is_unfinished = true;
}

/* --- Other exits ------------------------------------------------------------------------------ */

enum run_result kvm_crash(struct accel_vcpu *vcpu, struct err *err, const char *format, ...)
{
    const struct accel_env *env = vcpu->vm->config.env;
    char sentence[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(sentence, sizeof(sentence), format, args);
    va_end(args);
    (void)err_set(err, BP_ERR_IO, "vCPU %u: %s", vcpu->index, sentence);
    if (env->guest_log != NULL)
        env->guest_log(env->ctx, vcpu->index, sentence);
    return RUN_CRASHED;
}

static enum run_result on_internal_error(struct accel_vcpu *vcpu, struct err *err)
{
    const struct kvm_run *run = vcpu->run;
    uint32_t suberror = run->internal.suberror;
    char bytes[3 * 15 + 1] = "";
    if (suberror != KVM_INTERNAL_ERROR_EMULATION)
        return kvm_crash(
            vcpu, err, "KVM cannot go on with this guest (internal error, suberror %u)", suberror);
    const bool has_bytes =
        run->emulation_failure.ndata >= 1 &&
        (run->emulation_failure.flags & KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES) != 0;
    for (unsigned i = 0; has_bytes && i < run->emulation_failure.insn_size && i < 15; i++)
        (void)snprintf(bytes + 3 * i, 4, " %02x", run->emulation_failure.insn_bytes[i]);
    return kvm_crash(
        vcpu, err, "KVM cannot emulate an instruction at 0x%llx (internal error, suberror %u)%s%s",
        (unsigned long long)kvm_arch.pc(vcpu), suberror, has_bytes ? ":" : "", bytes);
}

static enum run_result on_system_event(struct accel_vcpu *vcpu, struct err *err)
{
    const struct accel_env *env = vcpu->vm->config.env;
    enum run_result result = RUN_HANDLED;
    switch (vcpu->run->system_event.type) {
    case KVM_SYSTEM_EVENT_SHUTDOWN:
        result = RUN_HALTED;
        break;
    case KVM_SYSTEM_EVENT_RESET:
        result = RUN_REBOOT;
        break;
    case KVM_SYSTEM_EVENT_CRASH:
        result = kvm_crash(vcpu, err, "the guest says that it has crashed");
        break;
    default:
        return RUN_HANDLED;
    }
    if (env->power != NULL)
        env->power(env->ctx, result);
    return result;
}

static enum run_result fail_run(struct accel_vcpu *vcpu, struct err *err, const char *what,
                                uint64_t reason)
{
    (void)err_set(err, BP_ERR_IO,
                  KVM_OBJECT ": vCPU %u: %s 0x%llx; update the host's kernel, or see its log "
                             "(dmesg)",
                  vcpu->index, what, (unsigned long long)reason);
    return RUN_ERROR;
}

static enum run_result on_exit_of(struct accel_vcpu *vcpu, struct err *err)
{
    struct kvm_run *run = vcpu->run;
    switch (run->exit_reason) {
    case KVM_EXIT_IO:
        serve_port(vcpu);
        return RUN_HANDLED;
    case KVM_EXIT_MMIO:
        serve_memory(vcpu);
        return RUN_HANDLED;
    case KVM_EXIT_IRQ_WINDOW_OPEN:
    case KVM_EXIT_INTR:
    case KVM_EXIT_NMI:
        return RUN_HANDLED;
    case KVM_EXIT_HLT: /* without a local APIC nothing ever wakes it */
        return RUN_HALTED;
    case KVM_EXIT_SHUTDOWN:
        return kvm_crash(vcpu, err, "triple fault");
    case KVM_EXIT_SYSTEM_EVENT:
        return on_system_event(vcpu, err);
    case KVM_EXIT_INTERNAL_ERROR:
        return on_internal_error(vcpu, err);
    case KVM_EXIT_FAIL_ENTRY:
        return fail_run(vcpu, err, "the processor refused to enter the guest: reason",
                        run->fail_entry.hardware_entry_failure_reason);
    case KVM_EXIT_UNKNOWN:
        return fail_run(vcpu, err, "unknown exit of the hardware:", run->hw.hardware_exit_reason);
    default:
        return kvm_arch.on_exit(vcpu, err);
    }
}

/* --- The loop --------------------------------------------------------------------------------- */

/* False: a kick ends the run; nothing is left to complete. */
static bool may_enter(struct accel_vcpu *vcpu)
{
    set_immediate_exit(vcpu->run, false);
    if (!atomic_load(&vcpu->kicked))
        return true;
    if (vcpu->is_unfinished) {
        set_immediate_exit(vcpu->run, true);
        return true;
    }
    atomic_store(&vcpu->kicked, false);
    return false;
}

/* KVM_RUN has failed. */
static enum run_result on_failed_run(struct accel_vcpu *vcpu, int error, struct err *err)
{
    if (error == EINTR || error == EAGAIN) { /* EAGAIN: a secondary vCPU was started */
        vcpu->counts[KVM_KIND_INTERRUPTED]++;
        vcpu->is_unfinished = false;
        return RUN_HANDLED;
    }
    const char *sentence = kvm_arch.guest_fault != NULL ? kvm_arch.guest_fault(error) : NULL;
    uint64_t pc = 0;
    if (sentence != NULL) {
        (void)kvm_arch.get_reg(vcpu, kvm_arch.pc_reg, &pc, NULL);
        return kvm_crash(vcpu, err, "%s, at 0x%llx", sentence, (unsigned long long)pc);
    }
    (void)err_set(err, BP_ERR_IO,
                  KVM_OBJECT ": vCPU %u: KVM_RUN failed: %s; see the host kernel's log (dmesg)",
                  vcpu->index, strerror(error));
    return RUN_ERROR;
}

enum run_result kvm_vcpu_run(struct accel_vcpu *vcpu, struct err *err)
{
    const pid_t thread = prepare_thread();
    enum run_result result = RUN_HANDLED;
    if (vcpu->failure.text[0] != '\0') {
        (void)err_set(err, BP_ERR_IO, "%s", vcpu->failure.text);
        return RUN_ERROR;
    }
    while (result == RUN_HANDLED) {
        atomic_store(&vcpu->in_kernel, thread);
        if (!may_enter(vcpu)) {
            result = RUN_INTERRUPTED;
        } else if (ioctl(vcpu->fd, KVM_RUN, 0) != 0) {
            int error = errno;
            atomic_store_explicit(&vcpu->in_kernel, 0, memory_order_release);
            result = on_failed_run(vcpu, error, err);
        } else {
            atomic_store_explicit(&vcpu->in_kernel, 0, memory_order_release);
            vcpu->is_unfinished = false;
            kvm_trace_exit(vcpu);
            result = on_exit_of(vcpu, err);
        }
    }
    atomic_store(&vcpu->in_kernel, 0);
    return result;
}
