# Entry, traps and further processors of the bare-metal guests. Begins in 64-bit mode with every
# address mapped to itself. GS points at the processor's struct cpu (guest.h).
#define CODE32 0x08
#define CODE64 0x10
#define DATA   0x18

#define CPU_TOP   0
#define CPU_FLAGS 8
#define CPU_TRAPS 16
#define CPU_BYTES 64

#define STACK_BYTES 4096
#define CPUS_MAX    64

#define MSR_EFER    0xc0000080
#define MSR_GS_BASE 0xc0000101
#define CR4_BITS    0x620 /* PAE, OSFXSR, OSXMMEXCPT */

    .section .text.entry, "ax"
    .code64
    .globl _start
_start:
    cli
    cld
    lgdt gdt_pointer
    mov $stacks + STACK_BYTES, %rsp
    pushq $CODE64
    pushq $1f
    lretq
1:  mov $DATA, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov %cr3, %rax
    mov %eax, first_cr3
    call make_idt
    xor %edi, %edi
    jmp enter

# RDI: the processor's number, from 0.
enter:
    mov %cr0, %rax
    and $~0x4, %eax /* no emulation */
    or $0x2, %eax
    mov %rax, %cr0
    mov %cr4, %rax
    or $CR4_BITS, %eax
    mov %rax, %cr4
    lidt idt_pointer
    mov %edi, %eax
    imul $CPU_BYTES, %eax, %eax
    add $cpus, %eax
    xor %edx, %edx
    mov $MSR_GS_BASE, %ecx
    wrmsr
    mov %edi, %eax
    inc %eax
    imul $STACK_BYTES, %eax, %eax
    lea stacks(%rax), %rsp
    test %edi, %edi
    jnz 1f
    call guest_main
    jmp forever
1:  call secondary_main
    .globl forever
forever:
    cli
    hlt
    jmp forever

# int attempt(fn, a, b, c): 1 if a trap or an interrupt has ended it.
    .globl attempt
attempt:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    pushq %gs:CPU_TOP
    mov %rsp, %gs:CPU_TOP
    mov %rdi, %rax
    mov %rsi, %rdi
    mov %rdx, %rsi
    mov %rcx, %rdx
    testl $1, %gs:CPU_FLAGS
    jz 1f
    sti
1:  call *%rax
    xor %eax, %eax
resume:
    cli
    popq %gs:CPU_TOP
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret

# Every trap and interrupt ends the innermost attempt; where it came from does not matter.
    .globl trap
trap:
    cld
    incq %gs:CPU_TRAPS
    mov %gs:CPU_TOP, %rsp
    test %rsp, %rsp
    jz forever
    mov $1, %eax
    jmp resume

    .section .data
    .balign 8
gdt:
    .quad 0
    .quad 0x00cf9b000000ffff
    .quad 0x00af9b000000ffff
    .quad 0x00cf93000000ffff
gdt_pointer:
    .word 31
    .quad gdt
first_cr3:
    .long 0
    .globl n_begun
n_begun: /* processors that have begun beside the first */
    .long 0

# Where a processor begins after INIT and SIPI: real mode, CS:IP = 0x6000:0.
    .section .trampoline, "ax"
    .code16
trampoline:
    cli
    cld
    mov %cs, %ax
    mov %ax, %ds
    lgdtl near_pointer - trampoline
    mov %cr0, %eax
    or $1, %al
    mov %eax, %cr0
    ljmpl $CODE32, $protected
    .code32
protected:
    mov $DATA, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov $CR4_BITS, %eax
    mov %eax, %cr4
    mov first_cr3, %eax
    mov %eax, %cr3
    mov $MSR_EFER, %ecx
    rdmsr
    or $0x100, %eax
    wrmsr
    mov %cr0, %eax
    or $0x80000001, %eax
    mov %eax, %cr0
    ljmpl $CODE64, $secondary
near_pointer:
    .word 31
    .long gdt

    .section .text
    .code64
secondary:
    lgdt gdt_pointer
    mov $1, %edi
    lock xadd %edi, n_begun
    inc %edi
    cmp $CPUS_MAX, %edi
    jae forever
    jmp enter

    .section .bss
    .balign 4096
    .globl stacks, cpus
stacks:
    .zero CPUS_MAX * STACK_BYTES
cpus:
    .zero CPUS_MAX * CPU_BYTES

    .section .note.GNU-stack, "", @progbits
