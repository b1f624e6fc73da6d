/*
 * Reset of the kernel's interrupt controller, which has no function for it but the translation
 * service's: what the guest can change is read when the controller is complete, and written back.
 * Enabled, pending and active interrupts are cleared before by registers made for that. KVM's
 * documentation, devices/arm-vgic-v3.rst and arm-vgic.rst; Arm IHI 0069 chapter 12, IHI 0048
 * chapter 4.
 */
#include <backplane/abi.h>
#include <stdlib.h>

#include "accel/kvm_arm64.h"

/* Offsets that distributors and the redistributors' second frame share. */
#define CTLR          0x0u
#define IGROUPR       0x80u
#define ISENABLER     0x100u
#define ICENABLER     0x180u
#define ISPENDR       0x200u
#define ICPENDR       0x280u
#define ICACTIVER     0x380u
#define IPRIORITYR    0x400u
#define ITARGETSR     0x800u
#define ICFGR         0xc00u
#define CPENDSGIR     0xf10u /* GICv2 */
#define IROUTER       0x6000u
#define GICR_SGI      0x10000u
#define GICR_PROPBASE 0x70u
#define GICR_PENDBASE 0x78u
#define ALL           0xffffffffu
#define PRIVATE_IRQS  32u
#define V2_CPU_SHIFT  KVM_DEV_ARM_VGIC_CPUID_SHIFT
#define REGS_MAX      8192u

/* ICC_*: encodings as the group CPU_SYSREGS takes them. */
#define ICC(op0, op1, crn, crm, op2) ((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))
static const uint32_t icc_regs[] = {
    ICC(3u, 0u, 4u, 6u, 0u),   /* PMR */
    ICC(3u, 0u, 12u, 8u, 3u),  /* BPR0 */
    ICC(3u, 0u, 12u, 12u, 3u), /* BPR1 */
    ICC(3u, 0u, 12u, 8u, 4u),  /* AP0R0 */
    ICC(3u, 0u, 12u, 9u, 0u),  /* AP1R0 */
    ICC(3u, 0u, 12u, 12u, 4u), /* CTLR */
    ICC(3u, 0u, 12u, 12u, 6u), /* IGRPEN0 */
    ICC(3u, 0u, 12u, 12u, 7u), /* IGRPEN1 */
};

/* GICC_CTLR, PMR, BPR, ABPR, APR0 of GICv2. */
static const uint32_t gicc_regs[] = {0x0, 0x4, 0x8, 0x1c, 0xd0};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* --- The list --------------------------------------------------------------------------------- */

static void add(struct kvm_arch_vm *a, uint32_t group, uint64_t attr, uint64_t value)
{
    if (a->n_regs < REGS_MAX)
        a->regs[a->n_regs++] = (struct kvm_vgic_reg){group, attr, value};
}

/* With the value that it has now; one that the kernel does not show cannot be changed either. */
static void add_current(struct kvm_arch_vm *a, uint32_t group, uint64_t attr)
{
    uint64_t value = 0;
    if (kvm_vgic_read(a->gic_fd, group, attr, &value))
        add(a, group, attr, value);
}

static void add_current_range(struct kvm_arch_vm *a, uint32_t group, uint64_t attr, uint32_t bytes)
{
    for (uint32_t at = 0; at < bytes; at += 4)
        add_current(a, group, attr + at);
}

static void add_range(struct kvm_arch_vm *a, uint32_t group, uint64_t attr, uint32_t bytes,
                      uint32_t value)
{
    for (uint32_t at = 0; at < bytes; at += 4)
        add(a, group, attr + at, value);
}

/* `n` interrupts from number `first` on. GICv3 takes a pending state as it is, GICv2 only ones. */
static void add_interrupts(struct kvm_arch_vm *a, uint32_t group, uint64_t base, uint32_t first,
                           uint32_t n)
{
    const bool is_v2 = a->gic_version == PLATFORM_GIC_V2;
    add_range(a, group, base + ICENABLER + first / 8, n / 8, ALL);
    add_current_range(a, group, base + ISENABLER + first / 8, n / 8);
    add_range(a, group, base + (is_v2 ? ICPENDR : ISPENDR) + first / 8, n / 8, is_v2 ? ALL : 0);
    add_range(a, group, base + ICACTIVER + first / 8, n / 8, ALL);
    add_current_range(a, group, base + IGROUPR + first / 8, n / 8);
    add_current_range(a, group, base + IPRIORITYR + first, n);
    add_current_range(a, group, base + ICFGR + first / 4, n / 4);
}

static void note_v3(struct accel_vm *vm)
{
    struct kvm_arch_vm *a = vm->arch;
    const uint32_t redist = KVM_DEV_ARM_VGIC_GRP_REDIST_REGS;
    add_current(a, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, CTLR);
    add_interrupts(a, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0, PRIVATE_IRQS, vm->n_lines);
    for (uint32_t i = 0; i < vm->n_lines; i++)
        add_current(a, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, IROUTER + UINT64_C(8) * (PRIVATE_IRQS + i));
    for (uint32_t cpu = 0; cpu < vm->config.n_cpus; cpu++) {
        const uint64_t which = a->affinities[cpu] << 32;
        add_current(a, redist, which | CTLR);
        add_current_range(a, redist, which | GICR_PROPBASE, 8);
        add_current_range(a, redist, which | GICR_PENDBASE, 8);
        add_interrupts(a, redist, which | GICR_SGI, 0, PRIVATE_IRQS);
        for (size_t i = 0; i < COUNT(icc_regs); i++)
            add_current(a, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS, which | icc_regs[i]);
    }
}

/* Registers of the private interrupts are each processor's own. */
static void note_v2(struct accel_vm *vm)
{
    struct kvm_arch_vm *a = vm->arch;
    const uint32_t dist = KVM_DEV_ARM_VGIC_GRP_DIST_REGS;
    add_current(a, dist, CTLR);
    add_interrupts(a, dist, 0, PRIVATE_IRQS, vm->n_lines);
    add_current_range(a, dist, ITARGETSR + PRIVATE_IRQS, vm->n_lines);
    for (uint32_t cpu = 0; cpu < vm->config.n_cpus; cpu++) {
        const uint64_t which = (uint64_t)cpu << V2_CPU_SHIFT;
        add_interrupts(a, dist, which, 0, PRIVATE_IRQS);
        add_range(a, dist, which | CPENDSGIR, 16, ALL);
        for (size_t i = 0; i < COUNT(gicc_regs); i++)
            add_current(a, KVM_DEV_ARM_VGIC_GRP_CPU_REGS, which | gicc_regs[i]);
    }
}

int32_t kvm_vgic_note(struct accel_vm *vm, struct err *err)
{
    struct kvm_arch_vm *a = vm->arch;
    if (a->gic_version == 0)
        return BP_OK;
    a->regs = calloc(REGS_MAX, sizeof(*a->regs));
    if (a->regs == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, KVM_OBJECT ": out of memory");
    if (a->gic_version == PLATFORM_GIC_V2)
        note_v2(vm);
    else
        note_v3(vm);
    if (a->n_regs < REGS_MAX)
        return BP_OK;
    return err_set(err, BP_ERR_NO_SPACE,
                   KVM_OBJECT ": the interrupt controller has more than %u registers", REGS_MAX);
}

/* --- Reset ------------------------------------------------------------------------------------ */

/* The redistributors' control comes before their tables', which are locked while it is on. */
int32_t kvm_vgic_reset(struct accel_vm *vm, struct err *err)
{
    const struct kvm_arch_vm *a = vm->arch;
    for (size_t i = 0; i < a->n_regs; i++)
        if (!kvm_vgic_write(a->gic_fd, a->regs[i].group, a->regs[i].attr, &a->regs[i].value)) {
            int32_t status = kvm_fail("a register of the interrupt controller", err);
            err_prefix(err, "group %u, attribute 0x%llx", a->regs[i].group,
                       (unsigned long long)a->regs[i].attr);
            return status;
        }
    if (a->its_fd >= 0 &&
        !kvm_vgic_write(a->its_fd, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_ITS_CTRL_RESET, NULL))
        return kvm_fail("KVM_DEV_ARM_ITS_CTRL_RESET", err);
    return BP_OK;
}
