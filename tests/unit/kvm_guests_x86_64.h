/* Guests for the tests of accel/kvm, assembled with the test, and the ways to start one. */
#ifndef TESTS_UNIT_KVM_GUESTS_X86_64_H
#define TESTS_UNIT_KVM_GUESTS_X86_64_H

#include "unit/kvm_rig.h"

/* Position-independent code; `text` begins with .code16, .code32 or .code64. */
#define GUEST(name, text)                                                                          \
    extern const uint8_t guest_##name[], guest_##name##_end[];                                     \
    __asm__(".pushsection .rodata\n"                                                               \
            ".globl guest_" #name ", guest_" #name "_end\n"                                        \
            "guest_" #name ":\n" text "guest_" #name "_end:\n"                                     \
            ".code64\n"                                                                            \
            ".popsection\n")
#define GUEST_OF(name) guest_##name, (size_t)(guest_##name##_end - guest_##name)

/* Page tables of set_long_mode: the first GiB, and the one that has the APICs, in 2 MiB pages. */
#define GUEST_PML4_GPA 0x8000u
#define GUEST_GDT_GPA  0xe000u
#define GUEST_CS       0x10u
#define GUEST_DS       0x18u

static inline void guest_put64(struct rig *rig, uint64_t gpa, uint64_t value)
{
    memcpy(rig->ram + gpa, &value, sizeof(value));
}

/* An interrupt table for GUEST_LIDT; handlers are labels of the guest. */
#define GUEST_IDT_GPA              0x3000u
#define GUEST_IDTR_GPA             0x2ff0u
#define GUEST_LIDT                 "lidt 0x2ff0\n"
#define GUEST_ADDRESS(name, label) (RIG_CODE_GPA + (uint64_t)((label)-guest_##name))

static inline void guest_set_gate(struct rig *rig, uint32_t vector, uint64_t handler)
{
    const uint16_t limit = 0xfff;
    memcpy(rig->ram + GUEST_IDTR_GPA, &limit, sizeof(limit));
    guest_put64(rig, GUEST_IDTR_GPA + 2, GUEST_IDT_GPA);
    guest_put64(rig, GUEST_IDT_GPA + 16 * vector,
                (handler & 0xffff) | (uint64_t)GUEST_CS << 16 | UINT64_C(0x8e00) << 32);
}

/* The 8259s masked, the local APIC on. */
#define GUEST_APIC_ON                                                                              \
    "mov $0xff, %al\n out %al, $0x21\n out %al, $0xa1\n"                                           \
    "mov $0xfee00000, %edi\n movl $0x1ff, 0xf0(%rdi)\n"
#define GUEST_EOI "movl $0, 0xb0(%rdi)\n"

static inline void guest_load(struct rig *rig, const uint8_t *code, size_t size)
{
    memcpy(rig->ram + RIG_CODE_GPA, code, size);
}

static inline void guest_set_start(struct rig *rig)
{
    rig_set(rig, 0, REG_X86_64_RIP, RIG_CODE_GPA);
    rig_set(rig, 0, REG_X86_64_RSP, 0x7000);
    rig_set(rig, 0, REG_X86_64_RFLAGS, 0);
}

/* From the reset vector, in real mode. */
static inline void guest_start_real(struct rig *rig, const uint8_t *code, size_t size)
{
    static const uint8_t jump[] = {0xea, 0x00, 0x10, 0x00, 0x00}; /* to 0:RIG_CODE_GPA */
    guest_load(rig, code, size);
    memcpy(rig->rom + RIG_ROM_BYTES - 16, jump, sizeof(jump));
    accel_kvm.vcpu_reset(rig->vcpus[0], ENTRY_BOOT_VCPU);
}

static inline void guest_start_protected(struct rig *rig, const uint8_t *code, size_t size)
{
    struct err err = {{0}};
    guest_load(rig, code, size);
    accel_kvm.vcpu_reset(rig->vcpus[0], ENTRY_BOOT_VCPU);
    (void)accel_kvm.set_protected_mode(rig->vcpus[0], &err);
    assert_string_equal(err.text, "");
    guest_set_start(rig);
}

static inline void guest_fill_tables(struct rig *rig)
{
    guest_put64(rig, GUEST_PML4_GPA, (GUEST_PML4_GPA + 0x1000) | 3);
    for (uint64_t gib = 0; gib < 4; gib++) {
        uint64_t pd = GUEST_PML4_GPA + 0x2000 + gib * 0x1000;
        guest_put64(rig, GUEST_PML4_GPA + 0x1000 + 8 * gib, pd | 3);
    }
    for (uint64_t i = 0; i < 512; i++) {
        guest_put64(rig, GUEST_PML4_GPA + 0x2000 + 8 * i, i << 21 | 0x83);
        guest_put64(rig, GUEST_PML4_GPA + 0x5000 + 8 * i, (UINT64_C(3) << 30 | i << 21) | 0x83);
    }
    guest_put64(rig, GUEST_GDT_GPA + GUEST_CS, 0x00af9b000000ffff);
    guest_put64(rig, GUEST_GDT_GPA + GUEST_DS, 0x00cf93000000ffff);
}

static inline void guest_start_long(struct rig *rig, const uint8_t *code, size_t size)
{
    struct err err = {{0}};
    const struct accel_x86_long_mode mode = {.cr3 = GUEST_PML4_GPA,
                                             .gdt_gpa = GUEST_GDT_GPA,
                                             .gdt_limit = 0x1f,
                                             .cs = GUEST_CS,
                                             .ds = GUEST_DS};
    guest_load(rig, code, size);
    guest_fill_tables(rig);
    accel_kvm.vcpu_reset(rig->vcpus[0], ENTRY_BOOT_VCPU);
    (void)accel_kvm.set_long_mode(rig->vcpus[0], &mode, &err);
    assert_string_equal(err.text, "");
    guest_set_start(rig);
}

#endif
