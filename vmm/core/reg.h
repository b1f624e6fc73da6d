/*
 * Registers by stable numeric id. The ids go into snapshots and scripts: they are appended, never
 * renumbered. Each architecture has a range of its own.
 */
#ifndef VMM_CORE_REG_H
#define VMM_CORE_REG_H

#include <stdint.h>

#include "core/arch.h"

#define REG_X86_64_BASE  0x1000u
#define REG_ARM64_BASE   0x2000u
#define REG_RISCV64_BASE 0x3000u

/* x86_64: RAX RCX RDX RBX RSP RBP RSI RDI R8-R15 in the order of their encoding, then the rest. */
#define REG_X86_64_GPR(n)   (REG_X86_64_BASE + (n)) /* 0-15 */
#define REG_X86_64_RAX      REG_X86_64_GPR(0)
#define REG_X86_64_RCX      REG_X86_64_GPR(1)
#define REG_X86_64_RDX      REG_X86_64_GPR(2)
#define REG_X86_64_RBX      REG_X86_64_GPR(3)
#define REG_X86_64_RSP      REG_X86_64_GPR(4)
#define REG_X86_64_RBP      REG_X86_64_GPR(5)
#define REG_X86_64_RSI      REG_X86_64_GPR(6)
#define REG_X86_64_RDI      REG_X86_64_GPR(7)
#define REG_X86_64_RIP      (REG_X86_64_BASE + 16u)
#define REG_X86_64_RFLAGS   (REG_X86_64_BASE + 17u)
#define REG_X86_64_CR0      (REG_X86_64_BASE + 32u)
#define REG_X86_64_CR2      (REG_X86_64_BASE + 34u)
#define REG_X86_64_CR3      (REG_X86_64_BASE + 35u)
#define REG_X86_64_CR4      (REG_X86_64_BASE + 36u)
#define REG_X86_64_CR8      (REG_X86_64_BASE + 40u)
#define REG_X86_64_EFER     (REG_X86_64_BASE + 48u)
#define REG_X86_64_APICBASE (REG_X86_64_BASE + 49u)

/* arm64: the zero register reads 0, and writes to it are dropped; SP is that of the current
 * exception level; GICR_BASE is where the redistributor of this vCPU is. System registers go by
 * their encoding (Arm ARM, "System instruction encoding overview"); the stack pointers of the
 * exception levels, ELR_EL1 and SPSR_EL1 are among them. */
#define REG_ARM64_X(n)      (REG_ARM64_BASE + (n)) /* 0-30 */
#define REG_ARM64_XZR       (REG_ARM64_BASE + 31u)
#define REG_ARM64_SP        (REG_ARM64_BASE + 32u)
#define REG_ARM64_PC        (REG_ARM64_BASE + 33u)
#define REG_ARM64_PSTATE    (REG_ARM64_BASE + 34u)
#define REG_ARM64_GICR_BASE (REG_ARM64_BASE + 35u)
#define REG_ARM64_SYS(op0, op1, crn, crm, op2)                                                     \
    (0x10000u | (op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))
#define REG_ARM64_VBAR REG_ARM64_SYS(3u, 0u, 12u, 0u, 0u)

/* riscv64: x0-x31, pc, the floating-point registers and the CSRs by their own numbers. */
#define REG_RISCV64_X(n)   (REG_RISCV64_BASE + (n)) /* 0-31 */
#define REG_RISCV64_PC     (REG_RISCV64_BASE + 32u)
#define REG_RISCV64_MODE   (REG_RISCV64_BASE + 33u)       /* privilege: 0 U, 1 S, 3 M */
#define REG_RISCV64_F(n)   (REG_RISCV64_BASE + 64u + (n)) /* 0-31 */
#define REG_RISCV64_CSR(n) (0x4000u + (n))                /* 0-0xfff, privileged spec ch. 2 */

/* The register's name ("x10", "pc", "satp"); "unknown" for an id that means nothing. The string is
 * static or belongs to a per-thread buffer that the next call reuses. */
const char *reg_name(uint32_t reg);

#endif
