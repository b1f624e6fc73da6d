#include "core/reg.h"

#include <stdio.h>

struct csr_name {
    uint16_t number;
    const char *name;
};

/* Privileged ISA 1.12, tables 2.2-2.5; registers in series are named by their number. */
static const struct csr_name csr_names[] = {
    {0x001, "fflags"},   {0x002, "frm"},        {0x003, "fcsr"},       {0x100, "sstatus"},
    {0x104, "sie"},      {0x105, "stvec"},      {0x106, "scounteren"}, {0x10a, "senvcfg"},
    {0x140, "sscratch"}, {0x141, "sepc"},       {0x142, "scause"},     {0x143, "stval"},
    {0x144, "sip"},      {0x14d, "stimecmp"},   {0x180, "satp"},       {0x300, "mstatus"},
    {0x301, "misa"},     {0x302, "medeleg"},    {0x303, "mideleg"},    {0x304, "mie"},
    {0x305, "mtvec"},    {0x306, "mcounteren"}, {0x30a, "menvcfg"},    {0x320, "mcountinhibit"},
    {0x340, "mscratch"}, {0x341, "mepc"},       {0x342, "mcause"},     {0x343, "mtval"},
    {0x344, "mip"},      {0xb00, "mcycle"},     {0xb02, "minstret"},   {0xc00, "cycle"},
    {0xc01, "time"},     {0xc02, "instret"},    {0xf11, "mvendorid"},  {0xf12, "marchid"},
    {0xf13, "mimpid"},   {0xf14, "mhartid"},    {0xf15, "mconfigptr"},
};

struct csr_series {
    uint16_t first, last;
    const char *prefix;
    uint16_t base; /* the number that follows the prefix is number - base */
};

static const struct csr_series csr_series[] = {
    {0x323, 0x33f, "mhpmevent", 0x320},  {0x3a0, 0x3af, "pmpcfg", 0x3a0},
    {0x3b0, 0x3ef, "pmpaddr", 0x3b0},    {0xb03, 0xb1f, "mhpmcounter", 0xb00},
    {0xc03, 0xc1f, "hpmcounter", 0xc00},
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const char *numbered(const char *prefix, uint32_t number)
{
    static _Thread_local char name[32];
    (void)snprintf(name, sizeof(name), "%s%u", prefix, number);
    return name;
}

static const char *csr_name(uint32_t number)
{
    static _Thread_local char name[16];
    for (size_t i = 0; i < COUNT(csr_names); i++)
        if (csr_names[i].number == number)
            return csr_names[i].name;
    for (size_t i = 0; i < COUNT(csr_series); i++)
        if (number >= csr_series[i].first && number <= csr_series[i].last)
            return numbered(csr_series[i].prefix, number - csr_series[i].base);
    (void)snprintf(name, sizeof(name), "csr0x%03x", number);
    return name;
}

static const char *x86_name(uint32_t index)
{
    static const char *const names[] = {
        [0] = "rax",  [1] = "rcx",  [2] = "rdx",     [3] = "rbx",   [4] = "rsp",
        [5] = "rbp",  [6] = "rsi",  [7] = "rdi",     [8] = "r8",    [9] = "r9",
        [10] = "r10", [11] = "r11", [12] = "r12",    [13] = "r13",  [14] = "r14",
        [15] = "r15", [16] = "rip", [17] = "rflags", [32] = "cr0",  [34] = "cr2",
        [35] = "cr3", [36] = "cr4", [40] = "cr8",    [48] = "efer", [49] = "apicbase"};
    return index < COUNT(names) && names[index] != NULL ? names[index] : "unknown";
}

struct sysreg_name {
    uint32_t reg;
    const char *name;
};

/* Arm ARM DDI 0487, chapters D17 and D19. */
static const struct sysreg_name sysreg_names[] = {
    {REG_ARM64_SYS(2u, 0u, 0u, 2u, 2u), "mdscr_el1"},
    {REG_ARM64_SYS(3u, 0u, 0u, 0u, 0u), "midr_el1"},
    {REG_ARM64_SYS(3u, 0u, 0u, 0u, 5u), "mpidr_el1"},
    {REG_ARM64_SYS(3u, 0u, 1u, 0u, 0u), "sctlr_el1"},
    {REG_ARM64_SYS(3u, 0u, 1u, 0u, 1u), "actlr_el1"},
    {REG_ARM64_SYS(3u, 0u, 1u, 0u, 2u), "cpacr_el1"},
    {REG_ARM64_SYS(3u, 0u, 2u, 0u, 0u), "ttbr0_el1"},
    {REG_ARM64_SYS(3u, 0u, 2u, 0u, 1u), "ttbr1_el1"},
    {REG_ARM64_SYS(3u, 0u, 2u, 0u, 2u), "tcr_el1"},
    {REG_ARM64_SYS(3u, 0u, 4u, 0u, 0u), "spsr_el1"},
    {REG_ARM64_SYS(3u, 0u, 4u, 0u, 1u), "elr_el1"},
    {REG_ARM64_SYS(3u, 0u, 4u, 1u, 0u), "sp_el0"},
    {REG_ARM64_SYS(3u, 4u, 4u, 1u, 0u), "sp_el1"},
    {REG_ARM64_SYS(3u, 0u, 5u, 1u, 0u), "afsr0_el1"},
    {REG_ARM64_SYS(3u, 0u, 5u, 1u, 1u), "afsr1_el1"},
    {REG_ARM64_SYS(3u, 0u, 5u, 2u, 0u), "esr_el1"},
    {REG_ARM64_SYS(3u, 0u, 6u, 0u, 0u), "far_el1"},
    {REG_ARM64_SYS(3u, 0u, 7u, 4u, 0u), "par_el1"},
    {REG_ARM64_SYS(3u, 0u, 10u, 2u, 0u), "mair_el1"},
    {REG_ARM64_SYS(3u, 0u, 10u, 3u, 0u), "amair_el1"},
    {REG_ARM64_VBAR, "vbar_el1"},
    {REG_ARM64_SYS(3u, 0u, 13u, 0u, 1u), "contextidr_el1"},
    {REG_ARM64_SYS(3u, 0u, 13u, 0u, 4u), "tpidr_el1"},
    {REG_ARM64_SYS(3u, 0u, 14u, 1u, 0u), "cntkctl_el1"},
    {REG_ARM64_SYS(3u, 2u, 0u, 0u, 0u), "csselr_el1"},
    {REG_ARM64_SYS(3u, 3u, 13u, 0u, 2u), "tpidr_el0"},
    {REG_ARM64_SYS(3u, 3u, 13u, 0u, 3u), "tpidrro_el0"},
    {REG_ARM64_SYS(3u, 3u, 14u, 0u, 2u), "cntvct_el0"},
    {REG_ARM64_SYS(3u, 3u, 14u, 3u, 1u), "cntv_ctl_el0"},
    {REG_ARM64_SYS(3u, 3u, 14u, 3u, 2u), "cntv_cval_el0"},
};

/* Others are called as assemblers call them. */
static const char *sysreg_name(uint32_t reg)
{
    static _Thread_local char name[32];
    for (size_t i = 0; i < COUNT(sysreg_names); i++)
        if (sysreg_names[i].reg == reg)
            return sysreg_names[i].name;
    (void)snprintf(name, sizeof(name), "s%u_%u_c%u_c%u_%u", reg >> 14 & 3, reg >> 11 & 7,
                   reg >> 7 & 15, reg >> 3 & 15, reg & 7);
    return name;
}

static const char *arm64_name(uint32_t index)
{
    static const char *const names[] = {
        [31] = "xzr", [32] = "sp", [33] = "pc", [34] = "pstate", [35] = "gicr_base"};
    if (index < 31)
        return numbered("x", index);
    return index < COUNT(names) ? names[index] : "unknown";
}

const char *reg_name(uint32_t reg)
{
    if (reg >= REG_X86_64_BASE && reg < REG_ARM64_BASE)
        return x86_name(reg - REG_X86_64_BASE);
    if (reg >= REG_ARM64_BASE && reg < REG_RISCV64_BASE)
        return arm64_name(reg - REG_ARM64_BASE);
    if (reg >= REG_ARM64_SYS(0u, 0u, 0u, 0u, 0u) && reg <= REG_ARM64_SYS(3u, 7u, 15u, 15u, 7u))
        return sysreg_name(reg);
    if (reg >= REG_RISCV64_X(0) && reg <= REG_RISCV64_X(31))
        return numbered("x", reg - REG_RISCV64_X(0));
    if (reg == REG_RISCV64_PC)
        return "pc";
    if (reg == REG_RISCV64_MODE)
        return "mode";
    if (reg >= REG_RISCV64_F(0) && reg <= REG_RISCV64_F(31))
        return numbered("f", reg - REG_RISCV64_F(0));
    if (reg >= REG_RISCV64_CSR(0) && reg <= REG_RISCV64_CSR(0xfff))
        return csr_name(reg - REG_RISCV64_CSR(0));
    return "unknown";
}
