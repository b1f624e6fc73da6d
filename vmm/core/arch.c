#include "core/arch.h"

#include <string.h>
#include <sys/utsname.h>

static const char *const names[ARCH_COUNT] = {
    [ARCH_INVALID] = "invalid",
    [ARCH_X86_64] = "x86_64",
    [ARCH_ARM64] = "arm64",
    [ARCH_RISCV64] = "riscv64",
};

const char *arch_name(enum arch arch)
{
    return (unsigned)arch < ARCH_COUNT ? names[arch] : names[ARCH_INVALID];
}

enum arch arch_from_name(const char *name)
{
    for (unsigned i = 1; i < ARCH_COUNT; i++)
        if (strcmp(names[i], name) == 0)
            return (enum arch)i;
    return ARCH_INVALID;
}

enum arch arch_native(void)
{
    struct utsname host;
    if (uname(&host) != 0)
        return ARCH_INVALID;
    if (strcmp(host.machine, "aarch64") == 0)
        return ARCH_ARM64;
    return arch_from_name(host.machine);
}
