# Entry, traps and attempts of the hostile guest. Assembled for supervisor mode, or with -DMACHINE_MODE
# for machine mode. In C code tp is the hart's struct; it is found again by the scratch register.
#ifdef MACHINE_MODE
#define STATUS  mstatus
#define SCRATCH mscratch
#define TVEC    mtvec
#define CAUSE   mcause
#define IE      mie
#define IP      mip
#define EPC     mepc
#define RET     mret
#define IE_BIT  8
#define CLEAN   0x3800
#else
#define STATUS  sstatus
#define SCRATCH sscratch
#define TVEC    stvec
#define CAUSE   scause
#define IE      sie
#define IP      sip
#define EPC     sepc
#define RET     sret
#define IE_BIT  2
#define CLEAN   0x2000
#endif
#define FRAME 128
#define STIMECMP 0x14d

    .section .text.entry, "ax"
    .globl _start
_start:
#ifdef MACHINE_MODE
    csrr a0, mhartid
#endif
    j enter

    .globl secondary_entry
secondary_entry:
enter:
    li t0, 8
    bgeu a0, t0, forever
    la tp, harts
    li t0, 64
    mul t0, t0, a0
    add tp, tp, t0
    csrw SCRATCH, tp
    la t0, trap
    csrw TVEC, t0
    la sp, stacks
    li t0, 16384
    addi t1, a0, 1
    mul t0, t0, t1
    add sp, sp, t0
    li t0, CLEAN
    csrw STATUS, t0
    sd zero, 0(tp)
    call hart_main
forever:
    wfi
    j forever

    .globl attempt
attempt:
    addi sp, sp, -FRAME
    sd ra, 0(sp)
    sd s0, 8(sp)
    sd s1, 16(sp)
    sd s2, 24(sp)
    sd s3, 32(sp)
    sd s4, 40(sp)
    sd s5, 48(sp)
    sd s6, 56(sp)
    sd s7, 64(sp)
    sd s8, 72(sp)
    sd s9, 80(sp)
    sd s10, 88(sp)
    sd s11, 96(sp)
    ld t0, 0(tp)
    sd t0, 104(sp)
    sd sp, 0(tp)
    ld t1, 16(tp)
    csrw IE, t1
    mv t0, a0
    mv a0, a1
    mv a1, a2
    mv a2, a3
    csrsi STATUS, IE_BIT
    jalr t0
    li a0, 0
resume:
    csrci STATUS, IE_BIT
    ld t0, 104(sp)
    sd t0, 0(tp)
    ld ra, 0(sp)
    ld s0, 8(sp)
    ld s1, 16(sp)
    ld s2, 24(sp)
    ld s3, 32(sp)
    ld s4, 40(sp)
    ld s5, 48(sp)
    ld s6, 56(sp)
    ld s7, 64(sp)
    ld s8, 72(sp)
    ld s9, 80(sp)
    ld s10, 88(sp)
    ld s11, 96(sp)
    addi sp, sp, FRAME
    ret

# Every trap ends the innermost attempt; where it came from does not matter.
    .balign 256
trap:
    csrr tp, SCRATCH
    li t0, CLEAN
    csrw STATUS, t0
    csrw satp, zero
    sfence.vma
#ifdef MACHINE_MODE
    csrw medeleg, zero
    csrw mideleg, zero
#endif
    csrr t0, CAUSE
    sd t0, 8(tp)
    ld t0, 24(tp)
    addi t0, t0, 1
    sd t0, 24(tp)
    csrw IE, zero
    csrw IP, zero
    li t0, -1
    csrw STIMECMP, t0
    fence.i
    ld sp, 0(tp)
    beqz sp, forever
    li a0, 1
    j resume

    .globl leap
leap:
    csrw EPC, a0
    csrw STATUS, a2
    mv x31, a1
    ld x1, 0(x31)
    ld x2, 8(x31)
    ld x3, 16(x31)
    ld x4, 24(x31)
    ld x5, 32(x31)
    ld x6, 40(x31)
    ld x7, 48(x31)
    ld x8, 56(x31)
    ld x9, 64(x31)
    ld x10, 72(x31)
    ld x11, 80(x31)
    ld x12, 88(x31)
    ld x13, 96(x31)
    ld x14, 104(x31)
    ld x15, 112(x31)
    ld x16, 120(x31)
    ld x17, 128(x31)
    ld x18, 136(x31)
    ld x19, 144(x31)
    ld x20, 152(x31)
    ld x21, 160(x31)
    ld x22, 168(x31)
    ld x23, 176(x31)
    ld x24, 184(x31)
    ld x25, 192(x31)
    ld x26, 200(x31)
    ld x27, 208(x31)
    ld x28, 216(x31)
    ld x29, 224(x31)
    ld x30, 232(x31)
    ld x31, 240(x31)
    RET

    .section .bss
    .balign 64
    .globl harts
harts:
    .zero 8 * 64
    .balign 4096
stacks:
    .zero 8 * 16384
