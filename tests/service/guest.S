# A riscv64 guest of this test's machines, in supervisor mode: echoes its console and powers off when
# the button is pressed (PL061, line 3). After an 'i' it ignores the button, with an 'x' it powers off
# by itself. Everything is polled.

        .equ    UART, 0x10000000        # 16550: data, and line status at 5
        .equ    BUTTON, 0x10003020      # PL061 GPIODATA, masked to line 3
        .equ    POWER, 0x00100000       # sifive,test0
        .equ    POWER_OFF, 0x5555

        .globl  _start
_start:
        li      s0, UART
        li      s1, BUTTON
        li      s2, POWER
        li      s3, 0                   # 1: the button is ignored
        la      a0, up
        call    print
loop:
        lbu     t0, 5(s0)
        andi    t0, t0, 1
        bnez    t0, typed
        bnez    s3, loop
        lbu     t0, 0(s1)               # all-ones where there is no button
        li      t1, 8
        bne     t0, t1, loop
        la      a0, pressed
        call    print
off:
        li      t0, POWER_OFF
        sw      t0, 0(s2)
hang:
        j       hang

typed:
        lbu     t1, 0(s0)
        sb      t1, 0(s0)
        li      t2, 'x'
        beq     t1, t2, off
        li      t2, 'i'
        bne     t1, t2, loop
        li      s3, 1
        la      a0, ignoring
        call    print
        j       loop

print:                                  # a0: text
        lbu     t0, 0(a0)
        beqz    t0, 2f
1:      lbu     t1, 5(s0)
        andi    t1, t1, 0x20
        beqz    t1, 1b
        sb      t0, 0(s0)
        addi    a0, a0, 1
        j       print
2:      ret

up:             .asciz "guest: up\r\n"
pressed:        .asciz "guest: the button\r\n"
ignoring:       .asciz "guest: ignoring\r\n"
