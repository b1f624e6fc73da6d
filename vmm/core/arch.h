/* Guest architectures. The numbers are those of the snapshot header and never change. */
#ifndef VMM_CORE_ARCH_H
#define VMM_CORE_ARCH_H

#include <stdint.h>

enum arch {
    ARCH_INVALID = 0,
    ARCH_X86_64 = 1,
    ARCH_ARM64 = 2,
    ARCH_RISCV64 = 3,
};

#define ARCH_COUNT 4

/* "x86_64", "arm64", "riscv64" or "invalid". */
const char *arch_name(enum arch arch);

/* ARCH_INVALID when no architecture has this name. */
enum arch arch_from_name(const char *name);

/* The architecture of the machine we run on; ARCH_INVALID when it is none of ours. */
enum arch arch_native(void);

#endif
