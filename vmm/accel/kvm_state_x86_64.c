/*
 * All of an x86_64 vCPU's state: read when it has just been made, which is power-on, and written
 * back at each reset. KVM resets a vCPU only on the guest's own INIT.
 *
 * Model-specific registers are those that the kernel lists, and the memory type ranges, which it
 * does not. Some that are listed cannot be read or written on this host: those are skipped.
 */
#include <backplane/abi.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "accel/kvm_x86_64.h"

#define MSR_TSC            0x10u
#define MSR_MISC_ENABLE    0x1a0u
#define MSR_MTRR_VARIABLE  0x200u
#define MSR_MTRR_FIXED_64K 0x250u
#define MSR_MTRR_FIXED_16K 0x258u
#define MSR_MTRR_FIXED_4K  0x268u
#define MSR_MTRR_DEFAULT   0x2ffu
#define MSR_TSC_DEADLINE   0x6e0u

/* As a PC's firmware leaves them: all of memory is cached. */
#define MISC_FAST_STRINGS UINT64_C(1)
#define MTRR_ALL_CACHED   UINT64_C(0x0606060606060606)
#define MTRR_DEFAULT      UINT64_C(0xc06) /* on, fixed ranges on, write-back */

#define APIC_LVT_LINT0   0x350u
#define APIC_LVT_LINT1   0x360u
#define APIC_MODE_EXTINT 0x700u
#define APIC_MODE_NMI    0x400u

#define MTRR_VARIABLE_MSRS 16u
#define EXTRA_MSRS         (MTRR_VARIABLE_MSRS + 1u + 2u + 8u + 1u)

/* --- Model-specific registers ----------------------------------------------------------------- */

static void add_extra_msrs(uint32_t *msrs, uint32_t *n)
{
    for (uint32_t i = 0; i < MTRR_VARIABLE_MSRS; i++)
        msrs[(*n)++] = MSR_MTRR_VARIABLE + i;
    msrs[(*n)++] = MSR_MTRR_FIXED_64K;
    msrs[(*n)++] = MSR_MTRR_FIXED_16K;
    msrs[(*n)++] = MSR_MTRR_FIXED_16K + 1;
    for (uint32_t i = 0; i < 8; i++)
        msrs[(*n)++] = MSR_MTRR_FIXED_4K + i;
    msrs[(*n)++] = MSR_MTRR_DEFAULT;
}

/* The deadline last: it arms a timer against a time counter that must be set before. */
static void put_deadline_last(uint32_t *msrs, uint32_t n)
{
    for (uint32_t i = 0; i + 1 < n; i++)
        if (msrs[i] == MSR_TSC_DEADLINE) {
            msrs[i] = msrs[n - 1];
            msrs[n - 1] = MSR_TSC_DEADLINE;
        }
}

int32_t kvm_msr_list(int kvm_fd, uint32_t **out, uint32_t *n, struct err *err)
{
    struct kvm_msr_list count = {0};
    if (ioctl(kvm_fd, KVM_GET_MSR_INDEX_LIST, &count) != 0 && errno != E2BIG)
        return kvm_fail("KVM_GET_MSR_INDEX_LIST", err);
    struct kvm_msr_list *list = calloc(1, sizeof(*list) + count.nmsrs * sizeof(uint32_t));
    uint32_t *msrs = calloc(count.nmsrs + EXTRA_MSRS, sizeof(*msrs));
    int32_t status = BP_OK;
    if (list == NULL || msrs == NULL)
        status = err_set(err, BP_ERR_NO_MEMORY, KVM_OBJECT ": out of memory");
    else
        list->nmsrs = count.nmsrs;
    if (status == BP_OK && ioctl(kvm_fd, KVM_GET_MSR_INDEX_LIST, list) != 0)
        status = kvm_fail("KVM_GET_MSR_INDEX_LIST", err);
    if (status == BP_OK) {
        *n = list->nmsrs;
        memcpy(msrs, list->indices, *n * sizeof(*msrs));
        add_extra_msrs(msrs, n);
        put_deadline_last(msrs, *n);
        *out = msrs;
    } else {
        free(msrs);
    }
    free(list);
    return status;
}

static uint64_t power_on_value(const struct kvm_msr_entry *msr)
{
    switch (msr->index) {
    case MSR_TSC:
    case MSR_TSC_DEADLINE:
        return 0; /* all vCPUs the same: the kernel keeps their counters in step */
    case MSR_MISC_ENABLE:
        return msr->data | MISC_FAST_STRINGS;
    case MSR_MTRR_DEFAULT:
        return MTRR_DEFAULT;
    default:
        break;
    }
    return msr->index >= MSR_MTRR_FIXED_64K && msr->index < MSR_MTRR_FIXED_4K + 8 ? MTRR_ALL_CACHED
                                                                                  : msr->data;
}

/* One of KVM_GET_MSRS and KVM_SET_MSRS stops at the first register that it does not know. */
static uint32_t transfer_msrs(int fd, unsigned long request, const struct kvm_msr_table *from,
                              struct kvm_msr_table *work, struct kvm_msr_table *done)
{
    uint32_t n = 0;
    for (uint32_t at = 0; at < from->n;) {
        work->n = from->n - at;
        memcpy(work->entries, from->entries + at, work->n * sizeof(work->entries[0]));
        int count = ioctl(fd, request, work);
        if (count < 0)
            return n;
        if (done != NULL)
            memcpy(done->entries + n, work->entries, (size_t)count * sizeof(work->entries[0]));
        n += (uint32_t)count;
        at += (uint32_t)count + 1;
    }
    return n;
}

static struct kvm_msr_table *table_create(uint32_t n)
{
    struct kvm_msr_table *table =
        calloc(1, sizeof(struct kvm_msr_table) + n * sizeof(struct kvm_msr_entry));
    if (table != NULL)
        table->n = n;
    return table;
}

static int32_t read_msrs(struct accel_vcpu *vcpu, struct kvm_vcpu_state *state, struct err *err)
{
    const struct kvm_arch_vm *a = vcpu->vm->arch;
    struct kvm_msr_table *from = table_create(a->n_msrs), *work = table_create(a->n_msrs);
    state->msrs = table_create(a->n_msrs);
    int32_t status = BP_OK;
    if (from == NULL || work == NULL || state->msrs == NULL) {
        status = err_set(err, BP_ERR_NO_MEMORY, KVM_OBJECT ": out of memory");
    } else {
        for (uint32_t i = 0; i < a->n_msrs; i++)
            from->entries[i].index = a->msrs[i];
        state->msrs->n = transfer_msrs(vcpu->fd, KVM_GET_MSRS, from, work, state->msrs);
        for (uint32_t i = 0; i < state->msrs->n; i++)
            state->msrs->entries[i].data = power_on_value(&state->msrs->entries[i]);
    }
    free(from);
    free(work);
    return status;
}

static int32_t write_msrs(struct accel_vcpu *vcpu, const struct kvm_vcpu_state *state,
                          struct err *err)
{
    const struct kvm_arch_vm *a = vcpu->vm->arch;
    struct kvm_msr_table *work = table_create(state->msrs->n);
    if (work == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, KVM_OBJECT ": out of memory");
    (void)transfer_msrs(vcpu->fd, KVM_SET_MSRS, state->msrs, work, NULL);
    free(work);
    uint64_t mcg_cap = a->mcg_cap;
    if (mcg_cap != 0 && ioctl(vcpu->fd, KVM_X86_SETUP_MCE, &mcg_cap) != 0)
        return kvm_fail("KVM_X86_SETUP_MCE", err);
    return BP_OK;
}

/* --- All of it -------------------------------------------------------------------------------- */

struct part {
    unsigned long request;
    const char *name;
    void *data;
};

static int32_t transfer_parts(struct accel_vcpu *vcpu, const struct part *parts, size_t n,
                              struct err *err)
{
    for (size_t i = 0; i < n; i++)
        if (ioctl(vcpu->fd, parts[i].request, parts[i].data) != 0)
            return kvm_fail(parts[i].name, err);
    return BP_OK;
}

/* The first vCPU's local APIC passes on what the 8259s raise; every one takes the NMI line. */
static void set_local_lines(struct kvm_lapic_state *lapic, bool is_boot_vcpu)
{
    const uint32_t lint0 = APIC_MODE_EXTINT, lint1 = APIC_MODE_NMI;
    if (is_boot_vcpu)
        memcpy(lapic->regs + APIC_LVT_LINT0, &lint0, sizeof(lint0));
    memcpy(lapic->regs + APIC_LVT_LINT1, &lint1, sizeof(lint1));
}

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

int32_t kvm_state_read(struct accel_vcpu *vcpu, struct kvm_vcpu_state *s, struct err *err)
{
    const struct kvm_arch_vm *a = vcpu->vm->arch;
    s->xsave = calloc(1, a->xsave_bytes);
    if (s->xsave == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, KVM_OBJECT ": out of memory");
    const struct part parts[] = {
        {KVM_GET_REGS, "KVM_GET_REGS", &s->regs},
        {KVM_GET_SREGS, "KVM_GET_SREGS", &s->sregs},
        {KVM_GET_XCRS, "KVM_GET_XCRS", &s->xcrs},
        {a->has_xsave2 ? KVM_GET_XSAVE2 : KVM_GET_XSAVE, "KVM_GET_XSAVE", s->xsave},
        {KVM_GET_LAPIC, "KVM_GET_LAPIC", &s->lapic},
        {KVM_GET_VCPU_EVENTS, "KVM_GET_VCPU_EVENTS", &s->events},
        {KVM_GET_DEBUGREGS, "KVM_GET_DEBUGREGS", &s->debugregs},
    };
    int32_t status = transfer_parts(vcpu, parts, COUNT(parts), err);
    if (status != BP_OK)
        return status;
    set_local_lines(&s->lapic, vcpu->index == 0);
    return read_msrs(vcpu, s, err);
}

/* Events first, since they end what the guest was in the middle of; again last, since setting the
 * rest can leave some. Local APIC after its base address; the deadline needs the APIC's mode. */
int32_t kvm_state_write(struct accel_vcpu *vcpu, const struct kvm_vcpu_state *state,
                        struct err *err)
{
    struct kvm_vcpu_state s = *state;
    const struct part first[] = {
        {KVM_SET_VCPU_EVENTS, "KVM_SET_VCPU_EVENTS", &s.events},
        {KVM_SET_SREGS, "KVM_SET_SREGS", &s.sregs},
        {KVM_SET_XCRS, "KVM_SET_XCRS", &s.xcrs},
        {KVM_SET_XSAVE, "KVM_SET_XSAVE", s.xsave},
        {KVM_SET_LAPIC, "KVM_SET_LAPIC", &s.lapic},
    };
    const struct part last[] = {
        {KVM_SET_DEBUGREGS, "KVM_SET_DEBUGREGS", &s.debugregs},
        {KVM_SET_REGS, "KVM_SET_REGS", &s.regs},
        {KVM_SET_VCPU_EVENTS, "KVM_SET_VCPU_EVENTS", &s.events},
    };
    int32_t status = transfer_parts(vcpu, first, COUNT(first), err);
    if (status == BP_OK)
        status = write_msrs(vcpu, state, err);
    return status == BP_OK ? transfer_parts(vcpu, last, COUNT(last), err) : status;
}

void kvm_state_free(struct kvm_vcpu_state *state)
{
    free(state->xsave);
    free(state->msrs);
    state->xsave = NULL;
    state->msrs = NULL;
}
