/*
 * aclint - RISC-V core-local interrupts and timer: MSWI, MTIMER and SSWI.
 * Specification: RISC-V Advanced Core Local Interruptor Specification 1.0-rc4, chapters 2 to 4. The
 * region "regs" has the layout of SiFive's CLINT (section 2.3), which every firmware knows: MSWI at
 * 0x0, MTIMECMP at 0x4000, MTIME at 0xbff8. SSWI is the region "sswi", which is there only where
 * the machine file pins it: no Linux before 6.13 has a driver, and SBI does it as well.
 * Not modelled: harts beyond 64.
 */
#include <backplane/if/cpu.h>
#include <backplane/if/fdt.h>
#include <backplane/if/state.h>
#include <backplane/lib/log.h>
#include <backplane/plugin.h>

#define MAX_HARTS 64u

#define MSIP     0x0u    /* 4 bytes for each hart */
#define MTIMECMP 0x4000u /* 8 bytes for each hart */
#define MTIME    0xbff8u
#define NEVER    UINT64_MAX

enum { REGS, SSWI }; /* regions */

struct aclint {
    const struct bp_host *host;
    const struct bp_cpu *cpu;
    bp_handle alarm; /* at the next MTIMECMP that the time has not reached */
    uint32_t n_harts;
    uint64_t mtimecmp[MAX_HARTS]; /* ticks */
    uint8_t msip[MAX_HARTS];
};

/* The only place that drives MTIP: from the time and the comparators. */
static void update_timers(void *dev)
{
    struct aclint *s = dev;
    uint64_t now = s->cpu->ticks(s->host);
    uint64_t next = NEVER;
    uint64_t deadline_ns;

    for (uint32_t hart = 0; hart < s->n_harts; hart++) {
        uint64_t at = s->mtimecmp[hart];

        s->cpu->irq_set(s->host, hart, BP_CPU_IRQ_M_TIMER, now >= at);
        if (at > now && at < next)
            next = at;
    }
    deadline_ns = next == NEVER ? NEVER : s->cpu->ticks_to_ns(s->host, next);
    if (deadline_ns == NEVER)
        s->host->timer_cancel(s->host, s->alarm);
    else
        s->host->timer_arm(s->host, s->alarm, deadline_ns);
}

static void set_msip(struct aclint *s, uint32_t hart, uint32_t level)
{
    s->msip[hart] = level & 1;
    s->cpu->irq_set(s->host, hart, BP_CPU_IRQ_M_SOFT, level & 1);
}

/* --- registers -------------------------------------------------------------------------------- */
/* 64-bit registers are read and written whole or by halves: offset & 4 is the upper one. */
static uint64_t part_read(uint64_t value, uint64_t offset, uint32_t width)
{
    if (width == 8)
        return value;
    return offset & 4 ? value >> 32 : value & UINT32_MAX;
}

static uint64_t part_write(uint64_t old, uint64_t offset, uint32_t width, uint64_t value)
{
    if (width == 8)
        return value;
    if (offset & 4)
        return (old & UINT32_MAX) | value << 32;
    return (old & ~(uint64_t)UINT32_MAX) | value;
}

static uint64_t msip_read(const struct aclint *s, uint64_t offset, uint32_t width)
{
    uint64_t hart = offset / 4;
    uint64_t low = hart < s->n_harts ? s->msip[hart] : 0;
    uint64_t high = hart + 1 < s->n_harts ? s->msip[hart + 1] : 0;

    return width == 8 ? low | high << 32 : low;
}

static void msip_write(struct aclint *s, uint64_t offset, uint32_t width, uint64_t value)
{
    uint32_t hart = (uint32_t)(offset / 4);

    if (hart < s->n_harts)
        set_msip(s, hart, (uint32_t)value);
    if (width == 8 && hart + 1 < s->n_harts)
        set_msip(s, hart + 1, (uint32_t)(value >> 32));
}

static uint64_t aclint_read(void *dev, uint32_t region, uint64_t offset, uint32_t width)
{
    struct aclint *s = dev;
    uint64_t hart;

    if (region == SSWI) /* chapter 4: SETSSIP reads 0 */
        return 0;
    if (offset < MTIMECMP)
        return msip_read(s, offset, width);
    if (offset >= MTIME)
        return offset < MTIME + 8 ? part_read(s->cpu->ticks(s->host), offset, width) : 0;
    hart = (offset - MTIMECMP) / 8;
    return hart < s->n_harts ? part_read(s->mtimecmp[hart], offset, width) : 0;
}

/* SETSSIP makes an edge: SSIP stays until the hart clears it. */
static void setssip_write(struct aclint *s, uint64_t offset, uint64_t value)
{
    uint64_t hart = offset / 4;

    if (!(value & 1) || hart >= s->n_harts)
        return;
    s->cpu->irq_set(s->host, (uint32_t)hart, BP_CPU_IRQ_S_SOFT, 1);
    s->cpu->irq_set(s->host, (uint32_t)hart, BP_CPU_IRQ_S_SOFT, 0);
}

static void regs_write(struct aclint *s, uint64_t offset, uint32_t width, uint64_t value)
{
    uint64_t hart = (offset - MTIMECMP) / 8;

    if (offset < MTIMECMP) {
        msip_write(s, offset, width, value);
        return;
    }
    if (offset >= MTIME && offset < MTIME + 8)
        s->cpu->set_ticks(s->host, part_write(s->cpu->ticks(s->host), offset, width, value));
    else if (hart < s->n_harts)
        s->mtimecmp[hart] = part_write(s->mtimecmp[hart], offset, width, value);
    else
        return;
    update_timers(s);
}

static void aclint_write(void *dev, uint32_t region, uint64_t offset, uint32_t width,
                         uint64_t value)
{
    if (region == SSWI)
        setssip_write(dev, offset, value);
    else
        regs_write(dev, offset, width, value);
}

/* --- life cycle ------------------------------------------------------------------------------- */
static void aclint_describe_fdt(const void *dev, const struct bp_fdt_writer *w)
{
    static const uint32_t inputs[] = {BP_CPU_IRQ_M_SOFT, BP_CPU_IRQ_M_TIMER};

    (void)dev;
    w->prop_cpu_irqs(w, "interrupts-extended", inputs, 2);
}

static void aclint_load_commit(void *dev, const struct bp_state_reader *r)
{
    struct aclint *s = dev;

    (void)r;
    for (uint32_t hart = 0; hart < s->n_harts; hart++)
        set_msip(s, hart, s->msip[hart]);
    update_timers(s);
}

/* MTIMECMP has no defined value after reset: never is the one that does not interrupt. */
static void aclint_reset(void *dev, uint32_t kind)
{
    struct aclint *s = dev;

    (void)kind;
    for (uint32_t hart = 0; hart < MAX_HARTS; hart++)
        s->mtimecmp[hart] = NEVER;
    for (uint32_t hart = 0; hart < s->n_harts; hart++)
        set_msip(s, hart, 0);
    update_timers(s);
}

static int32_t aclint_realize(void *dev)
{
    struct aclint *s = dev;

    return s->host->timer_create(s->host, update_timers, &s->alarm);
}

static int32_t aclint_create(const struct bp_host *host, void *dev)
{
    struct aclint *s = dev;

    s->host = host;
    s->cpu = host->get_interface(host, BP_CPU_ID);
    s->n_harts = s->cpu->count(host);
    if (s->n_harts > MAX_HARTS)
        return bp_errorf(host, BP_ERR_RANGE,
                         "the machine has %u harts; an ACLINT serves at most %u", s->n_harts,
                         MAX_HARTS);
    return BP_OK;
}

/* --- tables ----------------------------------------------------------------------------------- */
static const char *const needs[] = {BP_CPU_ID, NULL};

static const struct bp_region regions[] = {
    [REGS] = {.name = "regs", .size = 0x10000, .kind = BP_MMIO, .widths = BP_W32 | BP_W64},
    [SSWI] = {.name = "sswi",
              .size = 0x4000,
              .kind = BP_MMIO,
              .widths = BP_W32,
              .flags = BP_REGION_OPTIONAL},
};

static const struct bp_field fields[] = {
    BP_FIELD_U64(struct aclint, mtimecmp),
    BP_FIELD_U8_MAX(struct aclint, msip, 1),
};

static const struct bp_class aclint = {
    .struct_size = sizeof(struct bp_class),
    .id = "aclint",
    .version = "1.0",
    .summary = "RISC-V core-local timer and software interrupts (CLINT layout)",
    .instance_size = sizeof(struct aclint),
    .state_version = 1,
    .needs = needs,
    .arch = "riscv64",
    .regions = BP_TABLE(regions),
    .state = BP_TABLE(fields),
    .dt_name = "timer",
    .dt_compatible = "sifive,clint0\0riscv,clint0\0",
    .create = aclint_create,
    .realize = aclint_realize,
    .describe_fdt = aclint_describe_fdt,
    .reset = aclint_reset,
    .load_commit = aclint_load_commit,
    .read = aclint_read,
    .write = aclint_write,
};
BP_PLUGIN("aclint", "1.0", &aclint);
