/*
 * The software RISC-V processor as an accelerator: RV64GC with Zicsr, Zifencei, Zicntr, Zba, Zbb,
 * Zbs, Zicbom, Zicboz, Sstc, Svadu, Svinval, Svnapot, Svpbmt; M, S and U mode; Sv39, Sv48, Sv57;
 * 16 PMP entries. Without firmware harts start in S mode and the supervisor binary interface is
 * served here; with firmware they all start in M mode.
 * Not modelled: H, V, Zicbop beyond HINTs, debug and trigger registers, event counters.
 */
#include "accel/rv64/parts.h"

#include <backplane/abi.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/reg.h"

/* The types of accel.h are ours under other names. */
struct accel_vm {
    struct rv64_vm rv64;
};

struct accel_vcpu {
    struct hart hart;
};

static int32_t rv64_probe(enum arch arch, struct err *err)
{
    if (arch == ARCH_RISCV64)
        return BP_OK;
    return err_set(err, BP_ERR_UNSUPPORTED,
                   "accelerator soft: it runs riscv64, not %s: choose another accelerator",
                   arch_name(arch));
}

static int32_t check_config(const struct accel_config *config, struct err *err)
{
    if (config->arch != ARCH_RISCV64)
        return rv64_probe(config->arch, err);
    if (config->n_cpus == 0 || config->n_cpus > RV64_MAX_HARTS)
        return err_set(err, BP_ERR_RANGE, "accelerator soft: %u cpus: it has 1 to %u",
                       config->n_cpus, RV64_MAX_HARTS);
    if (config->timebase_hz == 0 || config->env == NULL)
        return err_set(err, BP_ERR_INVALID,
                       "accelerator soft: a machine needs a time base and an environment");
    return BP_OK;
}

static int32_t rv64_vm_create(const struct accel_config *config, struct accel_vm **out,
                              struct err *err)
{
    int32_t status = check_config(config, err);
    if (status != BP_OK)
        return status;
    struct accel_vm *vm = calloc(1, sizeof(*vm));
    if (vm == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, "accelerator soft: out of memory for a machine");
    vm->rv64.env = config->env;
    vm->rv64.timebase_hz = config->timebase_hz;
    vm->rv64.n_harts = config->n_cpus;
    vm->rv64.firmware = config->firmware;
    vm->rv64.handlers = interp_handlers();
    pthread_mutex_init(&vm->rv64.lock, NULL);
    if (!timer_start(&vm->rv64)) {
        timer_stop(&vm->rv64);
        free(vm);
        return err_set(err, BP_ERR_NO_MEMORY, "accelerator soft: no thread for the timers");
    }
    *out = vm;
    return BP_OK;
}

static void rv64_vm_destroy(struct accel_vm *vm)
{
    if (vm == NULL)
        return;
    timer_stop(&vm->rv64);
    pthread_mutex_destroy(&vm->rv64.lock);
    free(vm);
}

static int32_t rv64_map_memory(struct accel_vm *vm, uint64_t gpa, void *host, uint64_t size,
                               struct err *err)
{
    const uint64_t limit = UINT64_C(1) << RV64_GPA_BITS;
    struct rv64_vm *v = &vm->rv64;
    if (size == 0 || ((gpa | size | (uintptr_t)host) & RV64_PAGE_MASK) != 0)
        return err_set(err, BP_ERR_INVALID,
                       "accelerator soft: memory at 0x%llx, size 0x%llx: not made of whole pages",
                       (unsigned long long)gpa, (unsigned long long)size);
    if (gpa >= limit || size > limit - gpa)
        return err_set(err, BP_ERR_RANGE,
                       "accelerator soft: memory at 0x%llx, size 0x%llx: beyond %u address bits",
                       (unsigned long long)gpa, (unsigned long long)size, RV64_GPA_BITS);
    for (uint32_t i = 0; i < v->n_slots; i++) {
        const struct slot *s = &v->slots[i];
        if (gpa - s->gpa < s->size || s->gpa - gpa < size)
            return err_set(err, BP_ERR_EXISTS,
                           "accelerator soft: memory at 0x%llx overlaps memory at 0x%llx",
                           (unsigned long long)gpa, (unsigned long long)s->gpa);
    }
    if (v->n_slots == RV64_MAX_SLOTS)
        return err_set(err, BP_ERR_NO_SPACE, "accelerator soft: more than %u ranges of memory",
                       RV64_MAX_SLOTS);
    v->slots[v->n_slots++] = (struct slot){.gpa = gpa, .size = size, .host = host};
    return BP_OK;
}

static void init_waiting(struct hart *h)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->wake, &attr);
    pthread_condattr_destroy(&attr);
}

static void rv64_vcpu_destroy(struct accel_vcpu *vcpu)
{
    if (vcpu == NULL)
        return;
    struct hart *h = &vcpu->hart;
    pthread_mutex_lock(&h->vm->timer.lock); /* the timer thread looks at harts */
    __atomic_store_n(&h->vm->harts[h->index], NULL, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&h->vm->timer.lock);
    if (h->code != NULL)
        (void)munmap(h->code, sizeof(*h->code));
    pthread_cond_destroy(&h->wake);
    pthread_mutex_destroy(&h->lock);
    free(h->scratch);
    free(h->unlinked);
    free(h->trace.entries);
    free(vcpu);
}

/* The code cache is mapped and not allocated, so that only what is used costs memory. */
static bool make_caches(struct hart *h)
{
    h->scratch = calloc(1, BLOCK_MAX_BYTES);
    h->unlinked = calloc(1, sizeof(struct block));
    void *code = mmap(NULL, sizeof(*h->code), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (code == MAP_FAILED)
        return false;
    h->code = code;
    h->arena_used = BLOCK_UNIT; /* unit 0 means none */
    if (h->unlinked != NULL)
        h->unlinked->epoch = BLOCK_NEVER;
    return h->scratch != NULL && h->unlinked != NULL;
}

static int32_t rv64_vcpu_create(struct accel_vm *vm, uint32_t index, struct accel_vcpu **out,
                                struct err *err)
{
    struct rv64_vm *v = &vm->rv64;
    if (index >= v->n_harts)
        return err_set(err, BP_ERR_RANGE, "accelerator soft: cpu %u: the machine has %u", index,
                       v->n_harts);
    if (v->harts[index] != NULL)
        return err_set(err, BP_ERR_EXISTS, "accelerator soft: cpu %u exists already", index);
    struct accel_vcpu *vcpu = calloc(1, sizeof(*vcpu));
    if (vcpu == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, "accelerator soft: out of memory for cpu %u", index);
    struct hart *h = &vcpu->hart;
    h->vm = v;
    h->index = index;
    h->epoch = 1;
    h->next_id = 1;
    h->timer_at_ns = RV64_NO_DEADLINE;
    init_waiting(h);
    if (!make_caches(h)) {
        rv64_vcpu_destroy(vcpu);
        return err_set(err, BP_ERR_NO_MEMORY, "accelerator soft: out of memory for cpu %u", index);
    }
    hart_reset(h, index == 0 ? ENTRY_BOOT_VCPU : ENTRY_SECONDARY);
    __atomic_store_n(&v->harts[index], h, __ATOMIC_RELEASE);
    *out = vcpu;
    return BP_OK;
}

static void rv64_vcpu_reset(struct accel_vcpu *vcpu, enum accel_entry entry)
{
    hart_reset(&vcpu->hart, entry);
}

static enum run_result rv64_vcpu_run(struct accel_vcpu *vcpu, struct err *err)
{
    (void)err;
    return hart_run(&vcpu->hart);
}

static void rv64_vcpu_kick(struct accel_vcpu *vcpu)
{
    __atomic_store_n(&vcpu->hart.kicked, 1, __ATOMIC_SEQ_CST);
    hart_poke(&vcpu->hart);
}

static int32_t unknown_reg(uint32_t reg, struct err *err)
{
    return err_set(err, BP_ERR_UNSUPPORTED,
                   "accelerator soft: register %s (0x%x): this processor has none of that name",
                   reg_name(reg), reg);
}

static int32_t rv64_get_reg(struct accel_vcpu *vcpu, uint32_t reg, uint64_t *value, struct err *err)
{
    struct hart *h = &vcpu->hart;
    if (reg >= REG_RISCV64_X(0) && reg <= REG_RISCV64_X(31))
        *value = h->x[reg - REG_RISCV64_X(0)];
    else if (reg == REG_RISCV64_PC)
        *value = h->pc;
    else if (reg == REG_RISCV64_MODE)
        *value = (uint64_t)h->priv;
    else if (reg >= REG_RISCV64_F(0) && reg <= REG_RISCV64_F(31))
        *value = h->f[reg - REG_RISCV64_F(0)];
    else if (reg < REG_RISCV64_CSR(0) || reg > REG_RISCV64_CSR(0xfff) ||
             !csr_peek(h, reg - REG_RISCV64_CSR(0), value))
        return unknown_reg(reg, err);
    return BP_OK;
}

static int32_t set_mode(struct hart *h, uint64_t value, struct err *err)
{
    if (value != PRIV_U && value != PRIV_S && value != PRIV_M)
        return err_set(err, BP_ERR_INVALID, "accelerator soft: mode %llu: 0 is U, 1 is S, 3 is M",
                       (unsigned long long)value);
    h->priv = (enum priv)value;
    mmu_update(h);
    return BP_OK;
}

static void set_pc(struct hart *h, uint64_t value)
{
    h->pc = value & ~UINT64_C(1);
    hart_fence_i(h); /* whoever sets a pc may have written code there */
}

static int32_t rv64_set_reg(struct accel_vcpu *vcpu, uint32_t reg, uint64_t value, struct err *err)
{
    struct hart *h = &vcpu->hart;
    if (reg == REG_RISCV64_X(0))
        return BP_OK; /* x0 drops writes */
    if (reg > REG_RISCV64_X(0) && reg <= REG_RISCV64_X(31))
        h->x[reg - REG_RISCV64_X(0)] = value;
    else if (reg == REG_RISCV64_PC)
        set_pc(h, value);
    else if (reg == REG_RISCV64_MODE)
        return set_mode(h, value, err);
    else if (reg >= REG_RISCV64_F(0) && reg <= REG_RISCV64_F(31))
        h->f[reg - REG_RISCV64_F(0)] = value;
    else if (reg < REG_RISCV64_CSR(0) || reg > REG_RISCV64_CSR(0xfff) ||
             !csr_poke(h, reg - REG_RISCV64_CSR(0), value))
        return unknown_reg(reg, err);
    return BP_OK;
}

static void rv64_set_irq(struct accel_vcpu *vcpu, enum cpu_irq irq, bool level)
{
    static const uint64_t bits[] = {[CPU_IRQ_M_SOFT] = IRQ_MSIP,
                                    [CPU_IRQ_M_TIMER] = IRQ_MTIP,
                                    [CPU_IRQ_M_EXTERNAL] = IRQ_MEIP,
                                    [CPU_IRQ_S_SOFT] = IRQ_SSIP,
                                    [CPU_IRQ_S_EXTERNAL] = IRQ_SEIP};
    if ((unsigned)irq >= sizeof(bits) / sizeof(bits[0]) || bits[irq] == 0)
        return;
    /* SSIP is a bit that the device sets and the guest clears: its input is an edge. */
    if (level)
        hart_set_lines(&vcpu->hart, bits[irq], 0);
    else if (irq != CPU_IRQ_S_SOFT)
        hart_set_lines(&vcpu->hart, 0, bits[irq]);
}

static int32_t rv64_enable_trace(struct accel_vcpu *vcpu, size_t entries, struct err *err)
{
    struct trace *t = &vcpu->hart.trace;
    if (entries == 0)
        return err_set(err, BP_ERR_INVALID, "accelerator soft: a trace of 0 entries");
    struct trace_entry *ring = calloc(entries, sizeof(*ring));
    if (ring == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, "accelerator soft: no memory for a trace of %zu",
                       entries);
    free(t->entries);
    *t = (struct trace){.entries = ring, .size = entries};
    return BP_OK;
}

static int32_t rv64_read_trace(struct accel_vcpu *vcpu, struct trace_entry *out, size_t *n,
                               struct err *err)
{
    const struct trace *t = &vcpu->hart.trace;
    if (t->size == 0)
        return err_set(err, BP_ERR_INVALID,
                       "accelerator soft: cpu %u has no trace: enable it first", vcpu->hart.index);
    size_t count = *n < t->n ? *n : t->n;
    size_t first = (t->next + t->size - count) % t->size;
    for (size_t i = 0; i < count; i++)
        out[i] = t->entries[(first + i) % t->size];
    *n = count;
    return BP_OK;
}

static const char *rv64_isa_string(struct accel_vm *vm)
{
    (void)vm;
    return "rv64imafdc_zicbom_zicboz_zicntr_zicsr_zifencei_zihintpause_zba_zbb_zbs_sstc_svadu_"
           "svinval_svnapot_"
           "svpbmt";
}

static const char *rv64_mmu_type(struct accel_vm *vm)
{
    (void)vm;
    return "riscv,sv57";
}

static void rv64_ticks_changed(struct accel_vm *vm)
{
    for (uint32_t i = 0; i < vm->rv64.n_harts; i++) {
        struct hart *h = __atomic_load_n(&vm->rv64.harts[i], __ATOMIC_ACQUIRE);
        if (h == NULL)
            continue;
        __atomic_store_n(&h->timer_fired, true, __ATOMIC_SEQ_CST); /* arm anew */
        hart_poke(h);
    }
}

static void rv64_limits(enum arch arch, struct accel_limits *out)
{
    (void)arch;
    *out = (struct accel_limits){.max_cpus = RV64_MAX_HARTS,
                                 .gpa_bits = 56,
                                 .isa = rv64_isa_string(NULL),
                                 .mmu_type = rv64_mmu_type(NULL)};
}

const struct accel_ops accel_rv64 = {
    .name = "soft",
    .probe = rv64_probe,
    .limits = rv64_limits,
    .vm_create = rv64_vm_create,
    .vm_destroy = rv64_vm_destroy,
    .map_memory = rv64_map_memory,
    .vcpu_create = rv64_vcpu_create,
    .vcpu_destroy = rv64_vcpu_destroy,
    .vcpu_reset = rv64_vcpu_reset,
    .vcpu_run = rv64_vcpu_run,
    .vcpu_kick = rv64_vcpu_kick,
    .get_reg = rv64_get_reg,
    .set_reg = rv64_set_reg,
    .set_irq = rv64_set_irq,
    .enable_trace = rv64_enable_trace,
    .read_trace = rv64_read_trace,
    .isa_string = rv64_isa_string,
    .mmu_type = rv64_mmu_type,
    .ticks_changed = rv64_ticks_changed,
};
