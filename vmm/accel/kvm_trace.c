/*
 * A vCPU's exits: counted by kind, and the last ones kept. A trace entry's cause is KVM's exit
 * reason, with the direction and the width of an access above it.
 */
#include <backplane/abi.h>
#include <stdio.h>
#include <stdlib.h>

#include "accel/kvm_arch.h"

#define CAUSE_REASON(cause) ((uint32_t)(cause)&0xffffu)
#define CAUSE_WRITE         UINT64_C(0x10000)
#define CAUSE_WIDTH_SHIFT   32

static const char *const kind_names[KVM_N_KINDS] = {
    [KVM_KIND_PORT] = "port",
    [KVM_KIND_MMIO] = "mmio",
    [KVM_KIND_HALT] = "halt",
    [KVM_KIND_WINDOW] = "interrupt window",
    [KVM_KIND_INTERRUPTED] = "interrupted",
    [KVM_KIND_EOI] = "eoi",
    [KVM_KIND_SHUTDOWN] = "shutdown",
    [KVM_KIND_SYSTEM] = "system event",
    [KVM_KIND_INTERNAL] = "internal error",
    [KVM_KIND_OTHER] = "other",
};

static enum kvm_kind kind_of(uint32_t reason)
{
    switch (reason) {
    case KVM_EXIT_IO:
        return KVM_KIND_PORT;
    case KVM_EXIT_MMIO:
        return KVM_KIND_MMIO;
    case KVM_EXIT_HLT:
        return KVM_KIND_HALT;
    case KVM_EXIT_IRQ_WINDOW_OPEN:
        return KVM_KIND_WINDOW;
    case KVM_EXIT_INTR:
        return KVM_KIND_INTERRUPTED;
    case KVM_EXIT_IOAPIC_EOI:
        return KVM_KIND_EOI;
    case KVM_EXIT_SHUTDOWN:
        return KVM_KIND_SHUTDOWN;
    case KVM_EXIT_SYSTEM_EVENT:
        return KVM_KIND_SYSTEM;
    case KVM_EXIT_INTERNAL_ERROR:
        return KVM_KIND_INTERNAL;
    default:
        return KVM_KIND_OTHER;
    }
}

static void describe(const struct kvm_run *run, struct trace_entry *entry)
{
    uint64_t is_write = 0, width = 0;
    entry->value = 0;
    switch (run->exit_reason) {
    case KVM_EXIT_IO:
        is_write = run->io.direction == KVM_EXIT_IO_OUT;
        width = run->io.size;
        entry->value = run->io.port;
        break;
    case KVM_EXIT_MMIO:
        is_write = run->mmio.is_write != 0;
        width = run->mmio.len;
        entry->value = run->mmio.phys_addr;
        break;
    case KVM_EXIT_IOAPIC_EOI:
        entry->value = run->eoi.vector;
        break;
    case KVM_EXIT_INTERNAL_ERROR:
        entry->value = run->internal.suberror;
        break;
    case KVM_EXIT_SYSTEM_EVENT:
        entry->value = run->system_event.type;
        break;
    default:
        break;
    }
    entry->cause =
        run->exit_reason | (is_write != 0 ? CAUSE_WRITE : 0) | width << CAUSE_WIDTH_SHIFT;
}

void kvm_trace_exit(struct accel_vcpu *vcpu)
{
    struct kvm_trace *t = &vcpu->trace;
    const struct accel_env *env = vcpu->vm->config.env;
    struct trace_entry *entry = &t->ring[t->next];
    vcpu->counts[kind_of(vcpu->run->exit_reason)]++;
    t->next = t->next + 1 == t->size ? 0 : t->next + 1;
    t->n += t->n < t->size;
    describe(vcpu->run, entry);
    entry->pc = kvm_arch.pc(vcpu);
    entry->ticks = t->has_ticks && env->ticks != NULL ? env->ticks(env->ctx) : 0;
}

void kvm_trace_init(struct kvm_trace *t)
{
    t->ring = t->quiet;
    t->size = KVM_QUIET_ENTRIES;
}

void kvm_trace_free(struct kvm_trace *t)
{
    if (t->ring != t->quiet)
        free(t->ring);
    t->ring = NULL;
}

int32_t kvm_enable_trace(struct accel_vcpu *vcpu, size_t entries, struct err *err)
{
    struct kvm_trace *t = &vcpu->trace;
    if (entries == 0)
        return err_set(err, BP_ERR_INVALID, KVM_OBJECT ": a trace of 0 entries");
    struct trace_entry *ring = calloc(entries, sizeof(*ring));
    if (ring == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, KVM_OBJECT ": no memory for a trace of %zu", entries);
    kvm_trace_free(t);
    *t = (struct kvm_trace){.ring = ring, .size = entries, .has_ticks = true};
    return BP_OK;
}

int32_t kvm_read_trace(struct accel_vcpu *vcpu, struct trace_entry *out, size_t *n, struct err *err)
{
    const struct kvm_trace *t = &vcpu->trace;
    (void)err;
    size_t count = *n < t->n ? *n : t->n;
    size_t first = (t->next + t->size - count) % t->size;
    for (size_t i = 0; i < count; i++)
        out[i] = t->ring[(first + i) % t->size];
    *n = count;
    return BP_OK;
}

const char *kvm_cause_name(uint64_t cause)
{
    static _Thread_local char name[48];
    uint32_t reason = CAUSE_REASON(cause), width = (uint32_t)(cause >> CAUSE_WIDTH_SHIFT);
    enum kvm_kind kind = kind_of(reason);
    if (kind == KVM_KIND_PORT || kind == KVM_KIND_MMIO)
        (void)snprintf(name, sizeof(name), "%s %s, %u byte%s", kind_names[kind],
                       (cause & CAUSE_WRITE) != 0 ? "write" : "read", width, width == 1 ? "" : "s");
    else if (kind == KVM_KIND_OTHER)
        (void)snprintf(name, sizeof(name), "KVM exit %u", reason);
    else
        return kind_names[kind];
    return name;
}

size_t kvm_exit_counts(struct accel_vcpu *vcpu, struct accel_count *out, size_t n)
{
    for (size_t i = 0; i < KVM_N_KINDS && i < n; i++)
        out[i] = (struct accel_count){.name = kind_names[i], .n = vcpu->counts[i]};
    return KVM_N_KINDS;
}
