/*
 * plic - RISC-V platform-level interrupt controller.
 * Specification: RISC-V Platform-Level Interrupt Controller Specification 1.0.0, chapters 3 to 9.
 * Contexts: two for each hart in order, M-mode (2 * hart) and S-mode (2 * hart + 1).
 * Not modelled: more than 7 priorities; sources that choose between level and edge: a gateway
 * remembers an edge that comes while its interrupt is in service, and follows a level that is still
 * high at completion, so that neither kind of source loses an interrupt.
 */
#include <backplane/if/cpu.h>
#include <backplane/if/fdt.h>
#include <backplane/if/irqchip.h>
#include <backplane/if/region.h>
#include <backplane/if/state.h>
#include <backplane/lib/log.h>
#include <backplane/plugin.h>

#define MAX_SOURCES  1024u /* with source 0, which does not exist */
#define WORDS        (MAX_SOURCES / 32u)
#define MAX_HARTS    64u
#define MAX_CONTEXTS (2u * MAX_HARTS)
#define MAX_PRIORITY 7u

/* Chapter 3: memory map. */
#define PENDING        0x1000u
#define ENABLE         0x2000u
#define ENABLE_STRIDE  0x80u
#define CONTEXT        0x200000u
#define CONTEXT_STRIDE 0x1000u
#define THRESHOLD      0x0u
#define CLAIM          0x4u

enum { REGS };

struct plic {
    const struct bp_host *host;
    const struct bp_cpu *cpu;
    uint32_t n_sources;
    uint32_t n_contexts;
    /* One bit for each source. */
    uint32_t level[WORDS];   /* the lines */
    uint32_t pending[WORDS]; /* IP */
    uint32_t claimed[WORDS]; /* in service */
    uint32_t again[WORDS];   /* an edge came while in service */
    uint32_t enable[MAX_CONTEXTS * WORDS];
    uint8_t priority[MAX_SOURCES];
    uint8_t threshold[MAX_CONTEXTS];
    uint8_t output[MAX_CONTEXTS]; /* as the harts were told */
};

/* --- pure helpers ----------------------------------------------------------------------------- */
static uint32_t bit_of(uint32_t source)
{
    return 1u << source % 32;
}

static int is_source(const struct plic *s, uint32_t source)
{
    return source && source <= s->n_sources;
}

/* The sources of a word of 32 that exist. */
static uint32_t word_mask(const struct plic *s, uint32_t word)
{
    uint32_t first = word * 32;
    uint32_t mask;

    if (s->n_sources < first)
        return 0;
    mask = s->n_sources - first >= 31 ? UINT32_MAX : (2u << (s->n_sources - first)) - 1;
    return word ? mask : mask & ~1u;
}

static int is_enabled(const struct plic *s, uint32_t context, uint32_t source)
{
    return (s->enable[context * WORDS + source / 32] & bit_of(source)) != 0;
}

/* The pending source of highest priority above `floor`, the lowest number first; 0 for none. */
static uint32_t best_source(const struct plic *s, uint32_t context, uint32_t floor)
{
    const uint32_t *enable = &s->enable[context * WORDS];
    uint32_t best = 0;

    for (uint32_t word = 0; word <= s->n_sources / 32; word++) {
        uint32_t candidates = s->pending[word] & enable[word];

        for (; candidates; candidates &= candidates - 1) {
            uint32_t source = word * 32 + (uint32_t)__builtin_ctz(candidates);

            if (s->priority[source] > floor) {
                floor = s->priority[source];
                best = source;
            }
        }
    }
    return best;
}

static void update_context(struct plic *s, uint32_t context)
{
    uint8_t level = best_source(s, context, s->threshold[context]) != 0;

    if (level == s->output[context])
        return;
    s->output[context] = level;
    s->cpu->irq_set(s->host, context / 2,
                    context % 2 ? BP_CPU_IRQ_S_EXTERNAL : BP_CPU_IRQ_M_EXTERNAL, level);
}

static void update_all(struct plic *s)
{
    for (uint32_t context = 0; context < s->n_contexts; context++)
        update_context(s, context);
}

/* --- the gateways (chapter 2) ----------------------------------------------------------------- */
static void plic_set(void *dev, uint32_t line, uint32_t level)
{
    struct plic *s = dev;
    uint32_t word = line / 32;
    uint32_t bit = bit_of(line);

    if (!is_source(s, line) || !(s->level[word] & bit) == !level)
        return;
    if (!level) { /* a request that has been taken stays */
        s->level[word] &= ~bit;
        return;
    }
    s->level[word] |= bit;
    if (s->claimed[word] & bit)
        s->again[word] |= bit;
    else
        s->pending[word] |= bit;
    update_all(s);
}

/* Chapter 8: the threshold does not matter here, priority 0 does. */
static uint32_t claim(struct plic *s, uint32_t context)
{
    uint32_t source = best_source(s, context, 0);

    if (!source)
        return 0;
    s->pending[source / 32] &= ~bit_of(source);
    s->claimed[source / 32] |= bit_of(source);
    update_all(s);
    return source;
}

/* Chapter 9: ignored for a source that is not enabled for the context. */
static void complete(struct plic *s, uint32_t context, uint32_t source)
{
    uint32_t word = source / 32;
    uint32_t bit = bit_of(source);

    if (!is_source(s, source) || !is_enabled(s, context, source) || !(s->claimed[word] & bit))
        return;
    s->claimed[word] &= ~bit;
    if ((s->level[word] | s->again[word]) & bit)
        s->pending[word] |= bit;
    s->again[word] &= ~bit;
    update_all(s);
}

/* --- registers -------------------------------------------------------------------------------- */
static uint32_t context_read(struct plic *s, uint64_t offset)
{
    uint32_t context = (uint32_t)(offset / CONTEXT_STRIDE);

    if (context >= s->n_contexts)
        return 0;
    switch (offset % CONTEXT_STRIDE) {
    case THRESHOLD:
        return s->threshold[context];
    case CLAIM:
        return claim(s, context);
    default:
        return 0;
    }
}

static void context_write(struct plic *s, uint64_t offset, uint32_t value)
{
    uint32_t context = (uint32_t)(offset / CONTEXT_STRIDE);

    if (context >= s->n_contexts)
        return;
    switch (offset % CONTEXT_STRIDE) {
    case THRESHOLD:
        s->threshold[context] = value & MAX_PRIORITY;
        update_context(s, context);
        return;
    case CLAIM:
        complete(s, context, value);
        return;
    default:
        return;
    }
}

/* The word of enable bits at this offset behind ENABLE; NULL: no such context or source. */
static uint32_t *enable_at(struct plic *s, uint64_t offset)
{
    uint64_t context = offset / ENABLE_STRIDE;
    uint64_t word = offset % ENABLE_STRIDE / 4;

    return context < s->n_contexts ? &s->enable[context * WORDS + word] : NULL;
}

static uint64_t plic_read(void *dev, uint32_t region, uint64_t offset, uint32_t width)
{
    struct plic *s = dev;
    const uint32_t *enable;

    (void)region;
    (void)width;
    if (offset >= CONTEXT)
        return context_read(s, offset - CONTEXT);
    if (offset >= ENABLE) {
        enable = enable_at(s, offset - ENABLE);
        return enable ? *enable : 0;
    }
    if (offset >= PENDING)
        return offset - PENDING < WORDS * 4 ? s->pending[(offset - PENDING) / 4] : 0;
    return s->priority[offset / 4];
}

static void plic_write(void *dev, uint32_t region, uint64_t offset, uint32_t width, uint64_t value)
{
    struct plic *s = dev;
    uint32_t *enable;

    (void)region;
    (void)width;
    if (offset >= CONTEXT) {
        context_write(s, offset - CONTEXT, (uint32_t)value);
    } else if (offset >= ENABLE) {
        enable = enable_at(s, offset - ENABLE);
        if (!enable)
            return;
        *enable = (uint32_t)value & word_mask(s, offset % ENABLE_STRIDE / 4);
        update_context(s, (uint32_t)((offset - ENABLE) / ENABLE_STRIDE));
    } else if (offset < PENDING && is_source(s, (uint32_t)(offset / 4))) {
        s->priority[offset / 4] = value & MAX_PRIORITY;
        update_all(s);
    }
}

/* --- service ---------------------------------------------------------------------------------- */
static void plic_range(const void *dev, uint32_t *first, uint32_t *count)
{
    const struct plic *s = dev;

    *first = 1;
    *count = s->n_sources;
}

/* #interrupt-cells is 1: the trigger has no place. */
static uint32_t plic_specifier(const void *dev, uint32_t line, uint32_t trigger, uint32_t *cells)
{
    (void)dev;
    (void)trigger;
    cells[0] = line;
    return 1;
}

static const struct bp_irqchip_ops irqchip = {sizeof(struct bp_irqchip_ops), 0, plic_range,
                                              plic_set, plic_specifier};

static void plic_describe_fdt(const void *dev, const struct bp_fdt_writer *w)
{
    static const uint32_t inputs[] = {BP_CPU_IRQ_M_EXTERNAL, BP_CPU_IRQ_S_EXTERNAL};
    const struct plic *s = dev;

    w->prop_empty(w, "interrupt-controller");
    w->prop_u32(w, "#interrupt-cells", 1);
    w->prop_u32(w, "#address-cells", 0);
    w->prop_u32(w, "riscv,ndev", s->n_sources);
    w->prop_cpu_irqs(w, "interrupts-extended", inputs, 2);
}

/* --- life cycle ------------------------------------------------------------------------------- */
/* A snapshot may have bits of sources that are not there: they must not come back as claims. */
static void plic_load_commit(void *dev, const struct bp_state_reader *r)
{
    struct plic *s = dev;

    (void)r;
    for (uint32_t word = 0; word < WORDS; word++) {
        uint32_t mask = word_mask(s, word);

        s->level[word] &= mask;
        s->pending[word] &= mask;
        s->claimed[word] &= mask;
        s->again[word] &= mask;
        for (uint32_t context = 0; context < MAX_CONTEXTS; context++)
            s->enable[context * WORDS + word] &= context < s->n_contexts ? mask : 0;
    }
    update_all(s);
}

static void plic_reset(void *dev, uint32_t kind)
{
    struct plic *s = dev;

    (void)kind;
    for (uint32_t word = 0; word < WORDS; word++)
        s->level[word] = s->pending[word] = s->claimed[word] = s->again[word] = 0;
    for (uint32_t i = 0; i < MAX_CONTEXTS * WORDS; i++)
        s->enable[i] = 0;
    for (uint32_t i = 0; i < MAX_SOURCES; i++)
        s->priority[i] = 0;
    for (uint32_t i = 0; i < MAX_CONTEXTS; i++)
        s->threshold[i] = 0;
    update_all(s);
}

static int32_t plic_plan(void *dev)
{
    struct plic *s = dev;
    const struct bp_region_if *region = s->host->get_interface(s->host, BP_REGION_ID);

    return region->resize(s->host, REGS, CONTEXT + s->n_contexts * CONTEXT_STRIDE);
}

static int32_t plic_create(const struct bp_host *host, void *dev)
{
    struct plic *s = dev;
    uint32_t n_harts;

    s->host = host;
    s->cpu = host->get_interface(host, BP_CPU_ID);
    n_harts = s->cpu->count(host);
    if (n_harts > MAX_HARTS)
        return bp_errorf(host, BP_ERR_RANGE, "the machine has %u harts; a PLIC serves at most %u",
                         n_harts, MAX_HARTS);
    s->n_contexts = 2 * n_harts;
    return BP_OK;
}

/* --- tables ----------------------------------------------------------------------------------- */
static const char *const needs[] = {BP_CPU_ID, BP_REGION_ID, NULL};

static const struct bp_region regions[] = {
    [REGS] = {.name = "regs",
              .size = CONTEXT + 2 * CONTEXT_STRIDE, /* of one hart; plan says more */
              .kind = BP_MMIO,
              .widths = BP_W32},
};

static const struct bp_service services[] = {{BP_IRQCHIP_ID, &irqchip}};

static const struct bp_property properties[] = {
    BP_PROP_U32(struct plic, n_sources, "sources", "127", 1, MAX_SOURCES - 1,
                "Number of interrupt sources; they count from 1."),
};

static const struct bp_field fields[] = {
    BP_FIELD_U32(struct plic, level),
    BP_FIELD_U32(struct plic, pending),
    BP_FIELD_U32(struct plic, claimed),
    BP_FIELD_U32(struct plic, again),
    BP_FIELD_U32(struct plic, enable),
    BP_FIELD_U8_MAX(struct plic, priority, MAX_PRIORITY),
    BP_FIELD_U8_MAX(struct plic, threshold, MAX_PRIORITY),
};

static const struct bp_class plic = {
    .struct_size = sizeof(struct bp_class),
    .id = "plic",
    .version = "1.0",
    .summary = "RISC-V platform-level interrupt controller",
    .instance_size = sizeof(struct plic),
    .state_version = 1,
    .needs = needs,
    .arch = "riscv64",
    .regions = BP_TABLE(regions),
    .properties = BP_TABLE(properties),
    .services = BP_TABLE(services),
    .state = BP_TABLE(fields),
    .dt_name = "interrupt-controller",
    .dt_compatible = "sifive,plic-1.0.0\0riscv,plic0\0",
    .create = plic_create,
    .plan = plic_plan,
    .describe_fdt = plic_describe_fdt,
    .reset = plic_reset,
    .load_commit = plic_load_commit,
    .read = plic_read,
    .write = plic_write,
};
BP_PLUGIN("plic", "1.0", &plic);
