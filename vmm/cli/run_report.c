/* What a run says on standard error once it is over: figures, a crash, the last traps and exits. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/run.h"
#include "core/reg.h"
#include "util/hosttime.h"

#define COLUMNS 79

/* --- Figures ---------------------------------------------------------------------------------- */

#define COUNTS_MAX 64

/* Adds one vCPU's counts, by name: those of all vCPUs need not be the same. */
static void add_counts(struct accel_count *sums, size_t *n, const struct accel_count *counts,
                       size_t n_counts)
{
    for (size_t i = 0; i < n_counts; i++) {
        size_t k = 0;
        while (k < *n && strcmp(sums[k].name, counts[i].name) != 0)
            k++;
        if (k == COUNTS_MAX)
            continue;
        if (k == *n)
            sums[(*n)++] = (struct accel_count){.name = counts[i].name};
        sums[k].n += counts[i].n;
    }
}

/* Kinds that never came are left out. */
static void print_counts(const struct accel_count *sums, size_t n)
{
    static const char begin[] = "backplane: exits:";
    int column = fprintf(stderr, "%s", begin);
    bool is_first = true;
    for (size_t i = 0; i < n; i++) {
        char text[80];
        if (sums[i].n == 0)
            continue;
        int length = snprintf(text, sizeof(text), "%s %" PRIu64, sums[i].name, sums[i].n);
        if (!is_first && column + 2 + length > COLUMNS)
            column = fprintf(stderr, ",\n%*s", (int)sizeof(begin) - 1, "") - 2;
        else if (!is_first)
            column += fprintf(stderr, ",");
        column += fprintf(stderr, " %s", text);
        is_first = false;
    }
    fprintf(stderr, "%s\n", is_first ? " none" : "");
}

static void report_exits(const struct run *run)
{
    const struct accel_ops *accel = vm_accel(run->vm);
    struct accel_count sums[COUNTS_MAX], counts[COUNTS_MAX];
    size_t n_sums = 0;
    if (accel->exit_counts == NULL)
        return;
    for (uint32_t i = 0; i < vm_cpu_count(run->vm); i++) {
        size_t n = accel->exit_counts(vm_vcpu(run->vm, i), counts, COUNTS_MAX);
        add_counts(sums, &n_sums, counts, n < COUNTS_MAX ? n : COUNTS_MAX);
    }
    print_counts(sums, n_sums);
}

void run_report_stats(const struct run *run)
{
    struct vm_stats stats;
    vm_stats_read(run->vm, &stats);
    fprintf(stderr,
            "backplane: start to first guest instruction %.3f ms, whole run %.3f ms\n"
            "backplane: device reads %" PRIu64 ", writes %" PRIu64 ", unclaimed %" PRIu64
            ", kicks %" PRIu64 "\n"
            "backplane: port reads %" PRIu64 ", writes %" PRIu64 ", doorbells %" PRIu64 "\n",
            (double)(stats.first_run_ns - run->start_ns) / 1e6,
            (double)(host_monotonic_ns() - run->start_ns) / 1e6, stats.mmio_reads,
            stats.mmio_writes, stats.stray, stats.kicks, stats.pio_reads, stats.pio_writes,
            stats.doorbells);
    report_exits(run);
}

/* --- The last traps and exits ----------------------------------------------------------------- */

static const char *name_of(const struct accel_ops *accel, uint64_t cause)
{
    static char number[24];
    const char *name = accel->cause_name != NULL ? accel->cause_name(cause) : NULL;
    if (name != NULL)
        return name;
    (void)snprintf(number, sizeof(number), "0x%" PRIx64, cause);
    return number;
}

/* Without the time where none was taken. */
static void print_entries(const struct accel_ops *accel, const struct trace_entry *entries,
                          size_t n)
{
    bool has_time = n > 0 && entries[n - 1].ticks != 0;
    if (n > 0)
        fprintf(stderr, "  %*s%-16s  %-26s %s\n", has_time ? 16 : 0, has_time ? "time  " : "", "pc",
                "cause", "value");
    for (size_t i = 0; i < n; i++) {
        fputs("  ", stderr);
        if (has_time)
            fprintf(stderr, "%14" PRIu64 "  ", entries[i].ticks);
        fprintf(stderr, "%016" PRIx64 "  %-26.26s %" PRIx64 "\n", entries[i].pc,
                name_of(accel, entries[i].cause), entries[i].value);
    }
}

void run_report_trace(const struct run *run, uint32_t vcpu)
{
    const struct accel_ops *accel = vm_accel(run->vm);
    size_t n = run->trace_entries;
    struct trace_entry *entries = n > 0 ? calloc(n, sizeof(*entries)) : NULL;
    struct err err;
    if (entries == NULL || accel->read_trace(vm_vcpu(run->vm, vcpu), entries, &n, &err) != BP_OK) {
        free(entries);
        return;
    }
    fprintf(stderr, "backplane: vCPU %u, its last traps and exits (%zu), oldest first:\n", vcpu, n);
    print_entries(accel, entries, n);
    free(entries);
}

/* --- A crash ---------------------------------------------------------------------------------- */

#define CSR REG_RISCV64_CSR

static const uint32_t x86_64_registers[] = {
    REG_X86_64_RIP,     REG_X86_64_RFLAGS,  REG_X86_64_RSP,     REG_X86_64_RAX,
    REG_X86_64_RBX,     REG_X86_64_RCX,     REG_X86_64_RDX,     REG_X86_64_RBP,
    REG_X86_64_RSI,     REG_X86_64_RDI,     REG_X86_64_GPR(8),  REG_X86_64_GPR(9),
    REG_X86_64_GPR(10), REG_X86_64_GPR(11), REG_X86_64_GPR(12), REG_X86_64_GPR(13),
    REG_X86_64_GPR(14), REG_X86_64_GPR(15), REG_X86_64_CR0,     REG_X86_64_CR2,
    REG_X86_64_CR3,     REG_X86_64_CR4,     REG_X86_64_CR8,     REG_X86_64_EFER,
};

#define SYS REG_ARM64_SYS

/* pc, pstate, sp, then what says why: ESR_EL1, FAR_EL1, ELR_EL1, SPSR_EL1, VBAR_EL1, SCTLR_EL1,
 * TCR_EL1, TTBR0_EL1, TTBR1_EL1. */
static const uint32_t arm64_registers[] = {
    REG_ARM64_PC,       REG_ARM64_PSTATE,   REG_ARM64_SP,    SYS(3, 0, 5, 2, 0), SYS(3, 0, 6, 0, 0),
    SYS(3, 0, 4, 0, 1), SYS(3, 0, 4, 0, 0), REG_ARM64_VBAR,  SYS(3, 0, 1, 0, 0), SYS(3, 0, 2, 0, 2),
    SYS(3, 0, 2, 0, 0), SYS(3, 0, 2, 0, 1), REG_ARM64_X(0),  REG_ARM64_X(1),     REG_ARM64_X(2),
    REG_ARM64_X(3),     REG_ARM64_X(4),     REG_ARM64_X(5),  REG_ARM64_X(6),     REG_ARM64_X(7),
    REG_ARM64_X(8),     REG_ARM64_X(9),     REG_ARM64_X(10), REG_ARM64_X(11),    REG_ARM64_X(12),
    REG_ARM64_X(13),    REG_ARM64_X(14),    REG_ARM64_X(15), REG_ARM64_X(16),    REG_ARM64_X(17),
    REG_ARM64_X(18),    REG_ARM64_X(19),    REG_ARM64_X(20), REG_ARM64_X(21),    REG_ARM64_X(22),
    REG_ARM64_X(23),    REG_ARM64_X(24),    REG_ARM64_X(25), REG_ARM64_X(26),    REG_ARM64_X(27),
    REG_ARM64_X(28),    REG_ARM64_X(29),    REG_ARM64_X(30),
};

/* pc, mode, x1-x31, then what says why: privileged ISA, 3.1 and 4.1. */
static const uint32_t riscv64_registers[] = {
    REG_RISCV64_PC,    REG_RISCV64_MODE,  CSR(0x300),        CSR(0x341),        CSR(0x342),
    CSR(0x343),        CSR(0x305),        CSR(0x100),        CSR(0x141),        CSR(0x142),
    CSR(0x143),        CSR(0x105),        CSR(0x180),        REG_RISCV64_X(1),  REG_RISCV64_X(2),
    REG_RISCV64_X(3),  REG_RISCV64_X(4),  REG_RISCV64_X(5),  REG_RISCV64_X(6),  REG_RISCV64_X(7),
    REG_RISCV64_X(8),  REG_RISCV64_X(9),  REG_RISCV64_X(10), REG_RISCV64_X(11), REG_RISCV64_X(12),
    REG_RISCV64_X(13), REG_RISCV64_X(14), REG_RISCV64_X(15), REG_RISCV64_X(16), REG_RISCV64_X(17),
    REG_RISCV64_X(18), REG_RISCV64_X(19), REG_RISCV64_X(20), REG_RISCV64_X(21), REG_RISCV64_X(22),
    REG_RISCV64_X(23), REG_RISCV64_X(24), REG_RISCV64_X(25), REG_RISCV64_X(26), REG_RISCV64_X(27),
    REG_RISCV64_X(28), REG_RISCV64_X(29), REG_RISCV64_X(30), REG_RISCV64_X(31),
};

static const uint32_t *registers_of(enum arch arch, size_t *n)
{
    switch (arch) {
    case ARCH_X86_64:
        *n = sizeof(x86_64_registers) / sizeof(x86_64_registers[0]);
        return x86_64_registers;
    case ARCH_RISCV64:
        *n = sizeof(riscv64_registers) / sizeof(riscv64_registers[0]);
        return riscv64_registers;
    case ARCH_ARM64:
        *n = sizeof(arm64_registers) / sizeof(arm64_registers[0]);
        return arm64_registers;
    case ARCH_INVALID:
        break;
    }
    *n = 0;
    return NULL;
}

/* Three in a line: with all their digits, four do not fit on a terminal. */
static void print_registers(const struct run *run, uint32_t vcpu)
{
    const struct accel_ops *accel = vm_accel(run->vm);
    size_t n, shown = 0;
    const uint32_t *registers = registers_of(run->m.machine->arch, &n);
    for (size_t i = 0; i < n; i++) {
        uint64_t value;
        struct err err;
        if (accel->get_reg(vm_vcpu(run->vm, vcpu), registers[i], &value, &err) != BP_OK)
            continue;
        fprintf(stderr, "%s%-8s %016" PRIx64, shown % 3 == 0 ? "  " : " ", reg_name(registers[i]),
                value);
        if (++shown % 3 == 0)
            fputc('\n', stderr);
    }
    if (shown % 3 != 0)
        fputc('\n', stderr);
}

/* AMD's processors keep nothing of a guest that shuts down, and KVM shows one that was reset. */
static bool is_lost(const struct run *run, uint32_t vcpu)
{
    const struct accel_ops *accel = vm_accel(run->vm);
    uint64_t pc = 0, cr0 = 0;
    struct err err;
    return run->m.machine->arch == ARCH_X86_64 &&
           accel->get_reg(vm_vcpu(run->vm, vcpu), REG_X86_64_RIP, &pc, &err) == BP_OK &&
           accel->get_reg(vm_vcpu(run->vm, vcpu), REG_X86_64_CR0, &cr0, &err) == BP_OK &&
           pc == 0xfff0 && (cr0 & 1) == 0;
}

/* A device may have noticed the crash outside any vCPU: then the first is shown. */
void run_report_crash(const struct run *run, const struct vm_outcome *outcome)
{
    uint32_t vcpu = outcome->vcpu < vm_cpu_count(run->vm) ? outcome->vcpu : 0;
    fprintf(stderr, "backplane: the guest crashed; the registers of vCPU %u:\n", vcpu);
    print_registers(run, vcpu);
    if (is_lost(run, vcpu))
        fprintf(stderr, "  (this processor loses them in a triple fault: they are those after a "
                        "reset)\n");
    if (!run->shows_trace)
        run_report_trace(run, vcpu);
}
