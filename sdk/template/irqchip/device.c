/*
 * @ID@ - an interrupt controller of a few pins for riscv64 machines.
 * Specification: this comment. A pin that goes up sets its bit in PENDING; the bit is cleared by
 * writing 1, and comes back while the pin is still up. Each processor's external interrupt (the
 * supervisor's, or the machine's by "mode") is high while PENDING and ENABLE have a bit in common.
 * LEVEL shows the pins. Bit n is line n; bit 0 does not exist.
 * Not modelled: priorities. (Say here what of the real chip you leave out.)
 *
 * A machine has one interrupt controller: every line of its devices leads here.
 */
#include <backplane/if/cpu.h>
#include <backplane/if/fdt.h>
#include <backplane/if/irqchip.h>
#include <backplane/if/state.h>
#include <backplane/lib/regs.h>
#include <backplane/plugin.h>

/* Step 1: the registers, as in the data sheet. */
enum { LEVEL, PENDING, ENABLE, N_REGS };

#define PINS_MAX 31u

/* Step 2: the state, with units. One instance for each device of a machine; no statics. */
struct pins {
    struct bp_regs regs; /* first member: lib/regs finds it there */
    const struct bp_host *host;
    const struct bp_cpu *cpu;
    uint32_t n_pins; /* the property "pins" */
    uint32_t mode;   /* the property "mode", an index into `inputs` */
};

static const uint32_t inputs[] = {BP_CPU_IRQ_S_EXTERNAL, BP_CPU_IRQ_M_EXTERNAL};

/* The bits that exist: 1 to n_pins. */
static uint32_t pin_mask(const struct pins *s)
{
    return (uint32_t)((UINT64_C(2) << s->n_pins) - 2);
}

/* Step 3: one function drives the processors' inputs, and computes them from the state. */
static void update_irq(struct pins *s)
{
    uint32_t level = (s->regs.v[PENDING] & s->regs.v[ENABLE]) != 0;

    for (uint32_t cpu = 0; cpu < s->cpu->count(s->host); cpu++)
        s->cpu->irq_set(s->host, cpu, inputs[s->mode], level);
}

/* Step 4: what the outside world does: here, the other devices. */
static void pins_set(void *dev, uint32_t line, uint32_t level)
{
    struct pins *s = dev;
    uint32_t bit = line <= PINS_MAX ? 1u << line & pin_mask(s) : 0;

    if (!level) {
        s->regs.v[LEVEL] &= ~bit;
        return;
    }
    s->regs.v[PENDING] |= bit & ~s->regs.v[LEVEL];
    s->regs.v[LEVEL] |= bit;
    update_irq(s);
}

/* Step 5: the hooks of the registers that do more than keep their bits. */
static void pending_write(void *dev, uint32_t value)
{
    struct pins *s = dev;

    (void)value;
    s->regs.v[PENDING] |= s->regs.v[LEVEL]; /* still up: it comes back */
    update_irq(s);
}

static void enable_write(void *dev, uint32_t value)
{
    struct pins *s = dev;

    (void)value;
    s->regs.v[ENABLE] &= pin_mask(s);
    update_irq(s);
}

/* Step 6: the register table. Offset, reset value, writable bits, bits cleared by writing 1. */
/* clang-format off */
static const struct bp_reg pins_regs[N_REGS] = {
    /*            name       offset reset writable    w1c         on_read on_write */
    [LEVEL]   = {"LEVEL",    0x00,  0,    0,          0,          NULL,   NULL},
    [PENDING] = {"PENDING",  0x04,  0,    0,          UINT32_MAX, NULL,   pending_write},
    [ENABLE]  = {"ENABLE",   0x08,  0,    UINT32_MAX, 0,          NULL,   enable_write},
};
/* clang-format on */

/* Step 7: what it is for other devices: its lines, and how their nodes name them. */
static void pins_range(const void *dev, uint32_t *first, uint32_t *count)
{
    const struct pins *s = dev;

    *first = 1;
    *count = s->n_pins;
}

static uint32_t pins_specifier(const void *dev, uint32_t line, uint32_t trigger, uint32_t *cells)
{
    (void)dev;
    (void)trigger; /* #interrupt-cells is 1: it has no place */
    cells[0] = line;
    return 1;
}

static const struct bp_irqchip_ops irqchip = {
    .struct_size = sizeof(struct bp_irqchip_ops),
    .range = pins_range,
    .set = pins_set,
    .specifier = pins_specifier,
};

static void pins_describe_fdt(const void *dev, const struct bp_fdt_writer *w)
{
    const struct pins *s = dev;

    w->prop_empty(w, "interrupt-controller");
    w->prop_u32(w, "#interrupt-cells", 1);
    w->prop_u32(w, "#address-cells", 0);
    w->prop_cpu_irqs(w, "interrupts-extended", &inputs[s->mode], 1);
}

/* Step 8: the life cycle. Properties are in the instance before create is called. */
static int32_t pins_create(const struct bp_host *host, void *dev)
{
    struct pins *s = dev;

    s->host = host;
    s->cpu = host->get_interface(host, BP_CPU_ID); /* is in `needs`, so it is there */
    bp_regs_init(&s->regs, pins_regs, N_REGS);
    return BP_OK;
}

static void pins_reset(void *dev, uint32_t kind)
{
    bp_regs_reset(dev, kind);
    update_irq(dev);
}

/* The table's fields are in place; what they mean outside the instance is done again. A snapshot
 * may have been written by hand: pins that are not there stay away. */
static void pins_load_commit(void *dev, const struct bp_state_reader *r)
{
    struct pins *s = dev;

    (void)r;
    for (uint32_t i = 0; i < N_REGS; i++)
        s->regs.v[i] &= pin_mask(s);
    update_irq(s);
}

/* Step 9: the class's tables. */
static const char *const needs[] = {BP_CPU_ID, NULL};

static const struct bp_region regions[] = {
    {.name = "regs",
     .size = 0x1000,
     .kind = BP_MMIO,
     .widths = BP_W32,
     .regs = BP_TABLE(pins_regs)},
};

static const struct bp_property properties[] = {
    BP_PROP_U32(struct pins, n_pins, "pins", "31", 1, PINS_MAX,
                "Number of interrupt lines; they count from 1."),
    BP_PROP_CHOICE(struct pins, mode, "mode", "supervisor", "supervisor|machine",
                   "Whose external interrupt is raised."),
};

static const struct bp_service services[] = {{BP_IRQCHIP_ID, &irqchip}};

static const struct bp_field fields[] = {BP_FIELD_REGS(struct pins, regs, N_REGS)};

/* Step 10: the class, and the macro that makes it a plugin. bp.cpu/1 names riscv64's inputs. */
static const struct bp_class pins = {
    .struct_size = sizeof(struct bp_class),
    .id = "@ID@",
    .version = "1.0",
    .summary = "interrupt controller of a few pins",
    .instance_size = sizeof(struct pins),
    .state_version = 1,
    .needs = needs,
    .arch = "riscv64",
    .regions = BP_TABLE(regions),
    .properties = BP_TABLE(properties),
    .services = BP_TABLE(services),
    .state = BP_TABLE(fields),
    .dt_name = "interrupt-controller",
    .dt_compatible = "example,pins\0",
    .create = pins_create,
    .describe_fdt = pins_describe_fdt,
    .reset = pins_reset,
    .load_commit = pins_load_commit,
    .read = bp_regs_read,
    .write = bp_regs_write,
};
BP_PLUGIN("@ID@", "1.0", &pins);
