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
