/*
 * The probe's guest on x86_64: 64-bit mode with paging, a timed loop, then one interrupt of the
 * local APIC's timer. Intel SDM volume 3, chapters 4 (paging), 6 (interrupts), 10 (local APIC).
 */
#include <backplane/abi.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "accel/kvm_probe_guest.h"
#include "accel/kvm_x86_64.h"

/* Where things lie in the guest's RAM, from 0. */
#define CODE_GPA       0x1000u
#define GDT_GPA        0x2000u
#define IDT_GPA        0x3000u
#define PML4_GPA       0x4000u
#define PDPT_GPA       0x5000u
#define PD_LOW_GPA     0x6000u /* 0 - 1 GiB */
#define PD_APIC_GPA    0x7000u /* 3 - 4 GiB */
#define STACK_TOP_GPA  0xf000u
#define APIC_GPA       0xfee00000u
#define TSS_GPA        0xfffbd000u /* three pages that older Intel processors need */
#define CODE_SELECTOR  0x08u
#define DATA_SELECTOR  0x10u
#define TIMER_VECTOR   0x20u
#define PORT_ROUND     0xf4u
#define PORT_TIMER     0xf5u
#define PAGE_PRESENT   1u
#define PAGE_WRITE     2u
#define PAGE_LARGE     0x80u
#define PAGE_NO_CACHE  0x10u
#define CR0_WANTED     0x80010033u /* PG WP NE ET MP PE */
#define CR4_PAE        0x20u
#define EFER_LME_LMA   0x500u
#define GATE_INTERRUPT 0x8e00u /* present, 64-bit interrupt gate */

const bool kvm_guest_tests_timer = true;
const uint64_t kvm_guest_ram_gpa = 0;

/* Position-independent; esi is the number of iterations, ebp that of the rounds. */
extern const uint8_t kvm_guest_code[], kvm_guest_handler[], kvm_guest_code_end[];
__asm__(".pushsection .rodata\n"
        ".globl kvm_guest_code, kvm_guest_handler, kvm_guest_code_end\n"
        ".hidden kvm_guest_code, kvm_guest_handler, kvm_guest_code_end\n"
        "kvm_guest_code:\n"
        "1:  mov %esi, %ecx\n"
        "2:  dec %ecx\n"
        "    jnz 2b\n"
        "    out %al, $0xf4\n" /* PORT_ROUND */
        "    dec %ebp\n"
        "    jnz 1b\n"
        "    xor %ebx, %ebx\n"
        "    mov $0xfee00000, %edi\n"
        "    movl $0x1ff, 0xf0(%rdi)\n"   /* spurious vector 0xff, APIC on */
        "    movl $0xb, 0x3e0(%rdi)\n"    /* timer counts undivided */
        "    movl $0x20, 0x320(%rdi)\n"   /* one-shot, TIMER_VECTOR */
        "    movl $100000, 0x380(%rdi)\n" /* 0.1 ms of KVM's 1 GHz */
        "3:  sti\n"
        "    hlt\n" /* sti holds interrupts off until it has begun: none is missed */
        "    cli\n"
        "    test %ebx, %ebx\n"
        "    jz 3b\n"
        "    out %al, $0xf5\n" /* PORT_TIMER */
        "4:  hlt\n"
        "    jmp 4b\n"
        "kvm_guest_handler:\n"
        "    inc %ebx\n"
        "    movl $0, 0xb0(%rdi)\n" /* end of interrupt */
        "    iretq\n"
        "kvm_guest_code_end:\n"
        ".popsection\n");

static void put64(struct kvm_guest *guest, uint32_t gpa, uint64_t value)
{
    memcpy(guest->ram + gpa, &value, sizeof(value));
}

/* Addresses are equal to guest-physical ones: 2 MiB at 0, and those around the APIC. */
static void fill_page_tables(struct kvm_guest *guest)
{
    uint32_t apic_entry = (APIC_GPA >> 21) & 511;
    put64(guest, PML4_GPA, PDPT_GPA | PAGE_PRESENT | PAGE_WRITE);
    put64(guest, PDPT_GPA, PD_LOW_GPA | PAGE_PRESENT | PAGE_WRITE);
    put64(guest, PDPT_GPA + 8 * (APIC_GPA >> 30), PD_APIC_GPA | PAGE_PRESENT | PAGE_WRITE);
    put64(guest, PD_LOW_GPA, PAGE_PRESENT | PAGE_WRITE | PAGE_LARGE);
    put64(guest, PD_APIC_GPA + 8 * apic_entry,
          APIC_GPA | PAGE_PRESENT | PAGE_WRITE | PAGE_LARGE | PAGE_NO_CACHE);
}

static void fill_ram(struct kvm_guest *guest)
{
    uint64_t handler = CODE_GPA + (uint64_t)(kvm_guest_handler - kvm_guest_code);
    memcpy(guest->ram + CODE_GPA, kvm_guest_code, (size_t)(kvm_guest_code_end - kvm_guest_code));
    put64(guest, GDT_GPA + CODE_SELECTOR, 0x00af9b000000ffffu); /* 64-bit code, accessed */
    put64(guest, GDT_GPA + DATA_SELECTOR, 0x00cf93000000ffffu);
    put64(guest, IDT_GPA + 16 * TIMER_VECTOR,
          handler | (uint64_t)CODE_SELECTOR << 16 | (uint64_t)GATE_INTERRUPT << 32);
    fill_page_tables(guest);
}

int32_t kvm_guest_set_up_vm(struct kvm_guest *guest, struct err *err)
{
    if (ioctl(guest->vm_fd, KVM_SET_TSS_ADDR, (unsigned long)TSS_GPA) != 0)
        return kvm_guest_fail(guest, "KVM_SET_TSS_ADDR", err);
    if (ioctl(guest->vm_fd, KVM_CREATE_IRQCHIP, 0) != 0)
        return kvm_guest_fail(guest, "KVM_CREATE_IRQCHIP", err);
    fill_ram(guest);
    return BP_OK;
}

static int32_t set_cpuid(struct kvm_guest *guest, struct err *err)
{
    struct kvm_cpuid_table *cpuid = malloc(sizeof(*cpuid));
    if (cpuid == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, "%s: out of memory", guest->path);
    int32_t status = BP_OK;
    if (kvm_cpuid_supported(guest->kvm_fd, cpuid, NULL) != BP_OK)
        status = kvm_guest_fail(guest, "KVM_GET_SUPPORTED_CPUID", err);
    else if (ioctl(guest->vcpu_fd, KVM_SET_CPUID2, cpuid) != 0)
        status = kvm_guest_fail(guest, "KVM_SET_CPUID2", err);
    free(cpuid);
    return status;
}

static int32_t set_system_registers(struct kvm_guest *guest, struct err *err)
{
    struct kvm_sregs s;
    if (ioctl(guest->vcpu_fd, KVM_GET_SREGS, &s) != 0)
        return kvm_guest_fail(guest, "KVM_GET_SREGS", err);
    struct kvm_segment data = {.limit = UINT32_MAX,
                               .selector = DATA_SELECTOR,
                               .type = 3,
                               .present = 1,
                               .db = 1,
                               .s = 1,
                               .g = 1};
    s.ds = s.es = s.fs = s.gs = s.ss = data;
    s.cs = data;
    s.cs.selector = CODE_SELECTOR;
    s.cs.type = 11;
    s.cs.db = 0;
    s.cs.l = 1;
    s.gdt = (struct kvm_dtable){.base = GDT_GPA, .limit = 0x17};
    s.idt = (struct kvm_dtable){.base = IDT_GPA, .limit = 16 * (TIMER_VECTOR + 1) - 1};
    s.cr3 = PML4_GPA;
    s.cr4 = CR4_PAE;
    s.efer = EFER_LME_LMA;
    s.cr0 = CR0_WANTED;
    if (ioctl(guest->vcpu_fd, KVM_SET_SREGS, &s) != 0)
        return kvm_guest_fail(guest, "entering 64-bit mode (KVM_SET_SREGS)", err);
    return BP_OK;
}

int32_t kvm_guest_set_up_vcpu(struct kvm_guest *guest, struct err *err)
{
    int32_t status = set_cpuid(guest, err);
    if (status == BP_OK)
        status = set_system_registers(guest, err);
    if (status != BP_OK)
        return status;
    struct kvm_regs regs = {.rip = CODE_GPA,
                            .rsp = STACK_TOP_GPA,
                            .rsi = KVM_PROBE_ITERATIONS,
                            .rbp = KVM_PROBE_ROUNDS,
                            .rflags = 2};
    if (ioctl(guest->vcpu_fd, KVM_SET_REGS, &regs) != 0)
        return kvm_guest_fail(guest, "KVM_SET_REGS", err);
    return BP_OK;
}

enum kvm_guest_event kvm_guest_event_of(const struct kvm_run *run)
{
    if (run->exit_reason != KVM_EXIT_IO || run->io.direction != KVM_EXIT_IO_OUT)
        return KVM_GUEST_UNEXPECTED;
    if (run->io.port == PORT_ROUND)
        return KVM_GUEST_ROUND_DONE;
    return run->io.port == PORT_TIMER ? KVM_GUEST_TIMER_FIRED : KVM_GUEST_UNEXPECTED;
}
