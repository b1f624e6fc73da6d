/* A supervisor's first instructions: firmware gives the hart's number in a0, the device tree in a1. */
        .section .text.start
        .globl _start
_start:
        la      sp, stack_top
        la      t0, bss_begin
        la      t1, bss_end
1:      bgeu    t0, t1, 2f
        sd      zero, 0(t0)
        addi    t0, t0, 8
        j       1b
2:      la      t0, trapped
        csrw    stvec, t0
        call    guest_main
        .balign 4
trapped:
        csrr    a0, scause
        csrr    a1, sepc
        csrr    a2, stval
        call    guest_trapped
        j       trapped
