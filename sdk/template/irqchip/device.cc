/*
 * @ID@ - an interrupt controller of a few pins for riscv64 machines.
 * Specification: this comment. A pin that goes up sets its bit in PENDING; the bit is cleared by
 * writing 1, and comes back while the pin is still up. Each processor's external interrupt (the
 * supervisor's, or the machine's by "mode") is high while PENDING and ENABLE have a bit in common.
 * LEVEL shows the pins. Bit n is line n; bit 0 does not exist.
 * Not modelled: priorities. (Say here what of the real chip you leave out.)
 *
 * A machine has one interrupt controller: every line of its devices leads here.
 * No exception may leave a callback (hence noexcept), and no constructor runs on the instance.
 */
#include <backplane/if/cpu.h>
#include <backplane/if/fdt.h>
#include <backplane/if/irqchip.h>
#include <backplane/if/state.h>
#include <backplane/lib/regs.h>
#include <backplane/plugin.h>

namespace
{

/* Step 1: the registers, as in the data sheet. */
enum Register { LEVEL, PENDING, ENABLE, N_REGS };

constexpr uint32_t PINS_MAX = 31;

/* Step 2: the state, with units. One instance for each device of a machine; no statics. */
struct Pins {
    bp_regs regs; /* first member: lib/regs finds it there */
    const bp_host *host;
    const bp_cpu *cpu;
    uint32_t n_pins; /* the property "pins" */
    uint32_t mode;   /* the property "mode", an index into `inputs` */

    uint32_t pin_mask() const noexcept;
    void update_irq() const noexcept;
    void set(uint32_t line, uint32_t level) noexcept;
    void load() noexcept;
};

constexpr uint32_t inputs[] = {BP_CPU_IRQ_S_EXTERNAL, BP_CPU_IRQ_M_EXTERNAL};

Pins &pins_of(void *dev)
{
    return *static_cast<Pins *>(dev);
}

const Pins &pins_of(const void *dev)
{
    return *static_cast<const Pins *>(dev);
}

/* The bits that exist: 1 to n_pins. */
uint32_t Pins::pin_mask() const noexcept
{
    return static_cast<uint32_t>((UINT64_C(2) << n_pins) - 2);
}

/* Step 3: one function drives the processors' inputs, and computes them from the state. */
void Pins::update_irq() const noexcept
{
    uint32_t level = (regs.v[PENDING] & regs.v[ENABLE]) != 0;

    for (uint32_t i = 0; i < cpu->count(host); i++)
        cpu->irq_set(host, i, inputs[mode], level);
}

/* Step 4: what the outside world does: here, the other devices. */
void Pins::set(uint32_t line, uint32_t level) noexcept
{
    uint32_t bit = line <= PINS_MAX ? 1u << line & pin_mask() : 0;

    if (!level) {
        regs.v[LEVEL] &= ~bit;
        return;
    }
    regs.v[PENDING] |= bit & ~regs.v[LEVEL];
    regs.v[LEVEL] |= bit;
    update_irq();
}

void pins_set(void *dev, uint32_t line, uint32_t level) noexcept
{
    pins_of(dev).set(line, level);
}

/* Step 5: the hooks of the registers that do more than keep their bits. */
void pending_write(void *dev, uint32_t) noexcept
{
    Pins &s = pins_of(dev);

    s.regs.v[PENDING] |= s.regs.v[LEVEL]; /* still up: it comes back */
    s.update_irq();
}

void enable_write(void *dev, uint32_t) noexcept
{
    Pins &s = pins_of(dev);

    s.regs.v[ENABLE] &= s.pin_mask();
    s.update_irq();
}

/* Step 6: the register table, in the order of the enum: offset, reset value, writable bits, bits
 * cleared by writing 1, hooks. */
constexpr bp_reg pins_regs[N_REGS] = {
    {"LEVEL", 0x00, 0, 0, 0, nullptr, nullptr},
    {"PENDING", 0x04, 0, 0, UINT32_MAX, nullptr, pending_write},
    {"ENABLE", 0x08, 0, UINT32_MAX, 0, nullptr, enable_write},
};

/* Step 7: what it is for other devices: its lines, and how their nodes name them. */
void pins_range(const void *dev, uint32_t *first, uint32_t *count) noexcept
{
    *first = 1;
    *count = pins_of(dev).n_pins;
}

/* #interrupt-cells is 1: the trigger has no place. */
uint32_t pins_specifier(const void *, uint32_t line, uint32_t, uint32_t *cells) noexcept
{
    cells[0] = line;
    return 1;
}

constexpr bp_irqchip_ops irqchip = {sizeof(bp_irqchip_ops), 0, pins_range, pins_set,
                                    pins_specifier};

void pins_describe_fdt(const void *dev, const bp_fdt_writer *w) noexcept
{
    w->prop_empty(w, "interrupt-controller");
    w->prop_u32(w, "#interrupt-cells", 1);
    w->prop_u32(w, "#address-cells", 0);
    w->prop_cpu_irqs(w, "interrupts-extended", &inputs[pins_of(dev).mode], 1);
}

/* Step 8: the life cycle. Properties are in the instance before create is called. */
int32_t pins_create(const bp_host *host, void *dev) noexcept
{
    Pins &s = pins_of(dev);

    s.host = host;
    /* It is in `needs`, so it is there. */
    s.cpu = static_cast<const bp_cpu *>(host->get_interface(host, BP_CPU_ID));
    bp_regs_init(&s.regs, pins_regs, N_REGS);
    return BP_OK;
}

void pins_reset(void *dev, uint32_t kind) noexcept
{
    bp_regs_reset(dev, kind);
    pins_of(dev).update_irq();
}

/* The table's fields are in place; what they mean outside the instance is done again. A snapshot
 * may have been written by hand: pins that are not there stay away. */
void Pins::load() noexcept
{
    for (uint32_t i = 0; i < N_REGS; i++)
        regs.v[i] &= pin_mask();
    update_irq();
}

void pins_load_commit(void *dev, const bp_state_reader *) noexcept
{
    pins_of(dev).load();
}

/* Step 9: the class's tables. Rows in the order of device.h, since C++17 names no members. */
constexpr const char *needs[] = {BP_CPU_ID, nullptr};

constexpr bp_region regions[] = {
    /* name, size, align, kind, widths, flags, 0, registers */
    {"regs", 0x1000, 0, BP_MMIO, BP_W32, 0, 0, BP_TABLE(pins_regs)},
};

constexpr bp_property properties[] = {
    BP_PROP_U32(Pins, n_pins, "pins", "31", 1, PINS_MAX,
                "Number of interrupt lines; they count from 1."),
    BP_PROP_CHOICE(Pins, mode, "mode", "supervisor", "supervisor|machine",
                   "Whose external interrupt is raised."),
};

constexpr bp_service services[] = {{BP_IRQCHIP_ID, &irqchip}};

constexpr bp_field fields[] = {BP_FIELD_REGS(Pins, regs, N_REGS)};

/* Step 10: the class, a constant, and the macro that makes it a plugin. bp.cpu/1 names riscv64's
 * inputs. */
constexpr bp_class make_class()
{
    bp_class c{};

    c.struct_size = sizeof(c);
    c.id = "@ID@";
    c.version = "1.0";
    c.summary = "interrupt controller of a few pins";
    c.instance_size = sizeof(Pins);
    c.state_version = 1;
    c.needs = needs;
    c.arch = "riscv64";
    c.regions = BP_TABLE(regions);
    c.properties = BP_TABLE(properties);
    c.services = BP_TABLE(services);
    c.state = BP_TABLE(fields);
    c.dt_name = "interrupt-controller";
    c.dt_compatible = "example,pins\0";
    c.create = pins_create;
    c.describe_fdt = pins_describe_fdt;
    c.reset = pins_reset;
    c.load_commit = pins_load_commit;
    c.read = bp_regs_read;
    c.write = bp_regs_write;
    return c;
}

constexpr bp_class pins = make_class();

} // namespace

BP_PLUGIN("@ID@", "1.0", &pins);
