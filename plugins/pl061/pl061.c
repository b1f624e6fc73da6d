/*
 * pl061 - ARM PrimeCell PL061 GPIO controller, eight lines, with a power button on one of them.
 * Specification: ARM DDI 0190B, "PrimeCell GPIO (PL061) Technical Reference Manual", chapter 3.
 * Not modelled: hardware control (GPIOAFSEL only keeps its bits), the integration test registers
 * (0x600-0x60c), and anything wired to the other lines: as inputs they are low. What the chip
 * drives it sees itself, as on a pad. ACPI guests get the chip without the button.
 */
#include <backplane/if/fdt.h>
#include <backplane/if/power_button.h>
#include <backplane/if/state.h>
#include <backplane/lib/regs.h>
#include <backplane/plugin.h>

enum { DATA, DIR, IS, IBE, IEV, IE, RIS, MIS, IC, AFSEL };
enum { PID0 = AFSEL + 1, PID1, PID2, PID3, CID0, CID1, CID2, CID3, N_REGS };

enum { REGS };      /* regions */
enum { LINE_INTR }; /* lines */

#define DATA_WINDOW 0x400u /* address bits 9:2 of an access to GPIODATA are a mask of lines */
#define ALL         0xffu
#define PCLK_HZ     24000000u           /* of the bus; nothing depends on it */
#define HOLD_NS     UINT64_C(100000000) /* longer than any debouncing */
#define KEY_POWER   116u                /* Linux' input event code */
#define ACTIVE_HIGH 0u                  /* the device tree's flags of a GPIO */

struct gpio {
    struct bp_regs regs; /* first member; RIS: the edges that have come */
    const struct bp_host *host;
    uint32_t has_button;
    uint32_t button_pin;
    bp_handle timer;
    uint64_t release_ns; /* the button is let go at this virtual time; 0: it is not pressed */
    uint8_t seen;        /* the pins' levels when last looked at, for edges */
};

/* --- pins and interrupts ---------------------------------------------------------------------- */
static uint32_t pins(const struct gpio *s)
{
    uint32_t inputs = s->release_ns ? 1u << s->button_pin : 0;

    return (s->regs.v[DATA] & s->regs.v[DIR]) | (inputs & ~s->regs.v[DIR]);
}

/* Edges are remembered, levels are what they are now. */
static uint32_t raw_status(const struct gpio *s)
{
    const uint32_t *v = s->regs.v;
    uint32_t active = pins(s) ^ ~v[IEV];

    return ((v[RIS] & ~v[IS]) | (active & v[IS])) & ALL;
}

static void update_irq(struct gpio *s)
{
    s->host->irq_set(s->host, LINE_INTR, (raw_status(s) & s->regs.v[IE]) != 0);
}

/* After anything that may have changed a pin. */
static void update_pins(struct gpio *s)
{
    uint32_t *v = s->regs.v;
    uint32_t now = pins(s), changed = now ^ s->seen;
    uint32_t wanted = (now & v[IEV]) | (~now & ~v[IEV]) | v[IBE];

    v[RIS] |= changed & wanted & ~v[IS] & ALL;
    s->seen = (uint8_t)now;
    update_irq(s);
}

/* --- the button ------------------------------------------------------------------------------- */
static void release_button(void *dev)
{
    struct gpio *s = dev;

    s->release_ns = 0;
    update_pins(s);
}

static void hold_button(struct gpio *s)
{
    if (s->host->timer_arm(s->host, s->timer, s->release_ns) != BP_OK)
        s->release_ns = 0;
    update_pins(s);
}

static void press_button(void *dev)
{
    struct gpio *s = dev;

    if (!s->has_button)
        return;
    s->release_ns = s->host->clock_ns(s->host) + HOLD_NS;
    hold_button(s);
}

/* --- registers -------------------------------------------------------------------------------- */
static uint32_t ris_read(void *dev)
{
    return raw_status(dev);
}

static uint32_t mis_read(void *dev)
{
    const struct gpio *s = dev;

    return raw_status(s) & s->regs.v[IE];
}

static void ic_write(void *dev, uint32_t value)
{
    struct gpio *s = dev;

    s->regs.v[RIS] &= ~value;
    update_irq(s);
}

static void dir_write(void *dev, uint32_t value)
{
    (void)value;
    update_pins(dev);
}

static void sense_write(void *dev, uint32_t value)
{
    (void)value;
    update_irq(dev);
}

/* clang-format off */
static const struct bp_reg gpio_regs[N_REGS] = {
    /*         name             offset reset writable w1c on_read   on_write */
    [DATA]  = {"GPIODATA",       0x3fc, 0,    ALL, 0, NULL,     NULL}, /* of all lines */
    [DIR]   = {"GPIODIR",        0x400, 0,    ALL, 0, NULL,     dir_write},
    [IS]    = {"GPIOIS",         0x404, 0,    ALL, 0, NULL,     sense_write},
    [IBE]   = {"GPIOIBE",        0x408, 0,    ALL, 0, NULL,     sense_write},
    [IEV]   = {"GPIOIEV",        0x40c, 0,    ALL, 0, NULL,     sense_write},
    [IE]    = {"GPIOIE",         0x410, 0,    ALL, 0, NULL,     sense_write},
    [RIS]   = {"GPIORIS",        0x414, 0,    0,   0, ris_read, NULL},
    [MIS]   = {"GPIOMIS",        0x418, 0,    0,   0, mis_read, NULL},
    [IC]    = {"GPIOIC",         0x41c, 0,    0,   0, NULL,     ic_write},
    [AFSEL] = {"GPIOAFSEL",      0x420, 0,    ALL, 0, NULL,     NULL},
    [PID0]  = {"GPIOPeriphID0",  0xfe0, 0x61, 0,   0, NULL,     NULL},
    [PID1]  = {"GPIOPeriphID1",  0xfe4, 0x10, 0,   0, NULL,     NULL},
    [PID2]  = {"GPIOPeriphID2",  0xfe8, 0x04, 0,   0, NULL,     NULL},
    [PID3]  = {"GPIOPeriphID3",  0xfec, 0x00, 0,   0, NULL,     NULL},
    [CID0]  = {"GPIOPCellID0",   0xff0, 0x0d, 0,   0, NULL,     NULL},
    [CID1]  = {"GPIOPCellID1",   0xff4, 0xf0, 0,   0, NULL,     NULL},
    [CID2]  = {"GPIOPCellID2",   0xff8, 0x05, 0,   0, NULL,     NULL},
    [CID3]  = {"GPIOPCellID3",   0xffc, 0xb1, 0,   0, NULL,     NULL},
};
/* clang-format on */

static uint32_t line_mask(uint64_t offset)
{
    return (uint32_t)(offset >> 2) & ALL;
}

static uint64_t gpio_read(void *dev, uint32_t region, uint64_t offset, uint32_t width)
{
    if (offset >= DATA_WINDOW)
        return bp_regs_read(dev, region, offset, width);
    return offset & 3 ? 0 : pins(dev) & line_mask(offset);
}

static void gpio_write(void *dev, uint32_t region, uint64_t offset, uint32_t width, uint64_t value)
{
    struct gpio *s = dev;
    uint32_t mask = line_mask(offset);

    if (offset >= DATA_WINDOW) {
        bp_regs_write(dev, region, offset, width, value);
        return;
    }
    if (offset & 3)
        return;
    s->regs.v[DATA] = (s->regs.v[DATA] & ~mask) | ((uint32_t)value & mask);
    update_pins(s);
}

/* --- life cycle ------------------------------------------------------------------------------- */
/* A snapshot is not to be believed: only bits that are writable can have changed. */
static void gpio_load_commit(void *dev, const struct bp_state_reader *r)
{
    struct gpio *s = dev;
    uint32_t edges = s->regs.v[RIS] & ALL;
    uint64_t longest_ns = s->host->clock_ns(s->host) + HOLD_NS;

    (void)r;
    for (uint32_t i = 0; i < N_REGS; i++)
        s->regs.v[i] = (s->regs.v[i] & gpio_regs[i].writable) | gpio_regs[i].reset;
    s->regs.v[RIS] = edges;
    if (s->release_ns > longest_ns || !s->has_button)
        s->release_ns = s->has_button ? longest_ns : 0;
    if (s->release_ns)
        hold_button(s);
    update_pins(s);
}

static void gpio_reset(void *dev, uint32_t kind)
{
    struct gpio *s = dev;

    bp_regs_reset(dev, kind);
    s->release_ns = 0;
    s->seen = 0;
}

static void gpio_describe_fdt(const void *dev, const struct bp_fdt_writer *w)
{
    const struct gpio *s = dev;
    const uint32_t pin[] = {s->button_pin, ACTIVE_HIGH};

    w->prop_empty(w, "gpio-controller");
    w->prop_u32(w, "#gpio-cells", 2);
    w->prop_empty(w, "interrupt-controller");
    w->prop_u32(w, "#interrupt-cells", 2);
    w->prop_u32(w, "#address-cells", 0); /* dtc before 1.7 wants it there */
    w->prop_clock(w, "clocks", PCLK_HZ);
    w->prop_string(w, "clock-names", "apb_pclk");
    if (!s->has_button)
        return;
    w->root_begin(w, "gpio-keys");
    w->prop_string(w, "compatible", "gpio-keys");
    w->prop_string(w, "label", "Power Button"); /* of the input device, by which guests find it */
    w->child_begin(w, "power-button");
    w->prop_string(w, "label", "Power Button");
    w->prop_u32(w, "linux,code", KEY_POWER);
    w->prop_self_cells(w, "gpios", pin, 2);
    w->child_end(w);
    w->child_end(w);
}

static int32_t gpio_realize(void *dev)
{
    struct gpio *s = dev;

    return s->host->timer_create(s->host, release_button, &s->timer);
}

static int32_t gpio_create(const struct bp_host *host, void *dev)
{
    struct gpio *s = dev;

    s->host = host;
    bp_regs_init(&s->regs, gpio_regs, N_REGS);
    return BP_OK;
}

/* --- tables ----------------------------------------------------------------------------------- */
static const struct bp_region regions[] = {
    [REGS] = {.name = "regs",
              .size = 0x1000,
              .kind = BP_MMIO,
              .widths = BP_W8 | BP_W16 | BP_W32,
              .regs = BP_TABLE(gpio_regs)},
};

static const struct bp_line lines[] = {
    [LINE_INTR] = {.name = "intr", .trigger = BP_LEVEL_HIGH},
};

static const struct bp_property properties[] = {
    BP_PROP_BOOL(struct gpio, has_button, "button", "yes",
                 "Whether the machine's power button is wired to this chip."),
    BP_PROP_U32(struct gpio, button_pin, "button-pin", "3", 0, 7,
                "The line that the power button is wired to. It is high for a tenth of a second "
                "when the button is pressed, and the guest is told of it as a key."),
};

static const struct bp_power_button_ops button_ops = {
    .struct_size = sizeof(struct bp_power_button_ops),
    .press = press_button,
};

static const struct bp_service services[] = {{BP_POWER_BUTTON_ID, &button_ops}};

static const struct bp_field fields[] = {
    BP_FIELD_REGS(struct gpio, regs, N_REGS),
    BP_FIELD_U64(struct gpio, release_ns),
    BP_FIELD_U8(struct gpio, seen),
};

static const struct bp_class pl061 = {
    .struct_size = sizeof(struct bp_class),
    .id = "pl061",
    .version = "1.0",
    .summary = "ARM PL061 GPIO controller with a power button",
    .instance_size = sizeof(struct gpio),
    .state_version = 1,
    .regions = BP_TABLE(regions),
    .lines = BP_TABLE(lines),
    .properties = BP_TABLE(properties),
    .services = BP_TABLE(services),
    .state = BP_TABLE(fields),
    .dt_name = "gpio",
    .dt_compatible = "arm,pl061\0arm,primecell\0",
    .acpi_hid = "ARMH0061",
    .create = gpio_create,
    .realize = gpio_realize,
    .describe_fdt = gpio_describe_fdt,
    .reset = gpio_reset,
    .load_commit = gpio_load_commit,
    .read = gpio_read,
    .write = gpio_write,
};
BP_PLUGIN("pl061", "1.0", &pl061);
