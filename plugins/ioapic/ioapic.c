/*
 * ioapic - I/O advanced programmable interrupt controller, for machines whose accelerator has only
 * the processors' local APICs.
 * Specification: Intel 82093AA datasheet (290566-001), chapter 3; the EOI register and version 0x20
 * as in Intel's later I/O controller hubs (ICH9 datasheet 316972-004, 13.5). Interrupts leave as
 * messages (Intel SDM volume 3, 11.11).
 * Not modelled: the APIC bus and its arbitration (the arbitration ID follows the ID); delivery
 * status, since a message is accepted at once or not at all; the electrical level of a pin: a line
 * is active or not, so the polarity bit is kept and has no effect.
 */
#include <backplane/if/apic.h>
#include <backplane/if/irqchip.h>
#include <backplane/if/state.h>
#include <backplane/lib/log.h>
#include <backplane/plugin.h>

#define MAX_PINS 120u /* the index register reaches no further */

/* 3.1: memory map. */
#define IOREGSEL 0x00u
#define IOWIN    0x10u
#define EOIR     0x40u

/* 3.2: registers behind the window. */
#define IOAPICID  0x00u
#define IOAPICVER 0x01u
#define IOAPICARB 0x02u
#define IOREDTBL  0x10u

#define VERSION 0x20u
#define ID_MASK 0x0f000000u

/* 3.2.4: a redirection entry's low half; the high half has the destination in bits 31:24. */
#define VECTOR        0xffu
#define DELIVERY      0x700u
#define DELIVERY_AT   8
#define LOGICAL       (1u << 11)
#define REMOTE_IRR    (1u << 14)
#define LEVEL         (1u << 15)
#define MASKED        (1u << 16)
#define LOW_WRITABLE  0x1afffu
#define LOW_BITS      (LOW_WRITABLE | REMOTE_IRR)
#define HIGH_WRITABLE 0xff000000u

enum { FIXED, LOWEST, SMI, RESERVED3, NMI, INIT, RESERVED6, EXTINT };

/* SDM volume 3, 11.11: what a message is made of. */
#define MESSAGE_ADDRESS 0xfee00000u
#define MESSAGE_LOGICAL (1u << 2)
#define MESSAGE_HINT    (1u << 3) /* redirection: to the processor of lowest priority */
#define MESSAGE_ASSERT  (1u << 14)
#define MESSAGE_LEVEL   (1u << 15)

enum { REGS };

struct ioapic {
    const struct bp_host *host;
    const struct bp_apic *apic;
    uint32_t n_pins;
    uint32_t id;
    uint32_t index;
    uint32_t low[MAX_PINS];
    uint32_t high[MAX_PINS];
    uint8_t active[MAX_PINS]; /* the lines */
};

struct message {
    uint64_t address;
    uint32_t data;
    uint32_t flags; /* BP_APIC_* */
};

/* --- pure helpers ----------------------------------------------------------------------------- */
static uint32_t delivery_of(uint32_t low)
{
    return (low & DELIVERY) >> DELIVERY_AT;
}

/* 3.2.4: the other delivery modes are edges, whatever the trigger bit says. */
static int is_level(uint32_t low)
{
    return (low & LEVEL) && delivery_of(low) <= LOWEST;
}

/* While an interrupt is in service its end is waited for, even if the pin has been masked since. */
static struct message message_of(const struct ioapic *s, uint32_t pin)
{
    uint32_t low = s->low[pin];
    struct message m;

    m.address = MESSAGE_ADDRESS | s->high[pin] >> 24 << 12;
    m.data = low & (VECTOR | DELIVERY);
    m.flags = 0;
    if (low & LOGICAL)
        m.address |= MESSAGE_LOGICAL;
    if (delivery_of(low) == LOWEST)
        m.address |= MESSAGE_HINT;
    if (is_level(low)) {
        m.data |= MESSAGE_LEVEL | MESSAGE_ASSERT;
        m.flags |= BP_APIC_LEVEL;
    }
    if ((low & (MASKED | REMOTE_IRR)) == MASKED)
        m.flags |= BP_APIC_MASKED;
    return m;
}

/* --- messages --------------------------------------------------------------------------------- */
static int send(struct ioapic *s, uint32_t pin)
{
    struct message m = message_of(s, pin);
    uint32_t mode = delivery_of(s->low[pin]);

    if (mode == RESERVED3 || mode == RESERVED6) {
        bp_guest_logf(s->host, "pin %u has the reserved delivery mode %u: nothing is sent", pin,
                      mode);
        return 0;
    }
    return s->apic->send(s->host, m.address, m.data) == BP_OK;
}

/* A level pin sends while it is active, but not again before the interrupt has ended. */
static void serve_level(struct ioapic *s, uint32_t pin)
{
    uint32_t low = s->low[pin];

    if (!s->active[pin] || !is_level(low) || (low & (MASKED | REMOTE_IRR)))
        return;
    if (send(s, pin))
        s->low[pin] |= REMOTE_IRR;
}

static void tell_route(struct ioapic *s, uint32_t pin)
{
    struct message m = message_of(s, pin);

    (void)s->apic->route(s->host, pin, m.address, m.data, m.flags);
}

/* An entry's new content takes effect. An edge has no end to wait for: the bit goes, and a guest
 * may use that to end an interrupt (3.2.4, and Linux for controllers without the EOI register). */
static void set_entry(struct ioapic *s, uint32_t pin, uint32_t low, uint32_t high)
{
    struct message before = message_of(s, pin);
    struct message after;

    s->low[pin] = is_level(low) ? low : low & ~REMOTE_IRR;
    s->high[pin] = high;
    after = message_of(s, pin);
    if (after.address != before.address || after.data != before.data || after.flags != before.flags)
        tell_route(s, pin);
    serve_level(s, pin);
}

/* --- the pins --------------------------------------------------------------------------------- */
/* 3.2.4: an edge on a masked pin is lost; a level is looked at again when the mask goes. */
static void ioapic_set(void *dev, uint32_t line, uint32_t level)
{
    struct ioapic *s = dev;
    uint8_t active = level != 0;

    if (line >= s->n_pins || s->active[line] == active)
        return;
    s->active[line] = active;
    if (!active)
        return;
    if (is_level(s->low[line]))
        serve_level(s, line);
    else if (!(s->low[line] & MASKED))
        (void)send(s, line);
}

/* Every entry with the vector: two pins that share it cannot be told apart. */
static void ioapic_eoi(void *dev, uint32_t vector)
{
    struct ioapic *s = dev;

    for (uint32_t pin = 0; pin < s->n_pins; pin++) {
        uint32_t low = s->low[pin];

        if ((low & REMOTE_IRR) && (low & VECTOR) == vector)
            set_entry(s, pin, low & ~REMOTE_IRR, s->high[pin]);
    }
}

/* --- registers -------------------------------------------------------------------------------- */
static uint32_t window_read(const struct ioapic *s)
{
    uint32_t entry = s->index - IOREDTBL;

    switch (s->index) {
    case IOAPICID:
    case IOAPICARB:
        return s->id;
    case IOAPICVER:
        return (s->n_pins - 1) << 16 | VERSION;
    default:
        if (s->index < IOREDTBL || entry / 2 >= s->n_pins)
            return 0;
        return entry % 2 ? s->high[entry / 2] : s->low[entry / 2];
    }
}

static void window_write(struct ioapic *s, uint32_t value)
{
    uint32_t entry = s->index - IOREDTBL;
    uint32_t pin = entry / 2;

    if (s->index == IOAPICID)
        s->id = value & ID_MASK;
    if (s->index < IOREDTBL || pin >= s->n_pins)
        return;
    if (entry % 2)
        set_entry(s, pin, s->low[pin], value & HIGH_WRITABLE);
    else
        set_entry(s, pin, (value & LOW_WRITABLE) | (s->low[pin] & REMOTE_IRR), s->high[pin]);
}

static uint64_t ioapic_read(void *dev, uint32_t region, uint64_t offset, uint32_t width)
{
    const struct ioapic *s = dev;

    (void)region;
    (void)width;
    switch (offset) {
    case IOREGSEL:
        return s->index;
    case IOWIN:
        return window_read(s);
    default:
        return 0;
    }
}

static void ioapic_write(void *dev, uint32_t region, uint64_t offset, uint32_t width,
                         uint64_t value)
{
    struct ioapic *s = dev;

    (void)region;
    (void)width;
    switch (offset) {
    case IOREGSEL:
        s->index = value & 0xff;
        return;
    case IOWIN:
        window_write(s, (uint32_t)value);
        return;
    case EOIR:
        ioapic_eoi(s, value & VECTOR);
        return;
    default:
        return;
    }
}

/* --- services --------------------------------------------------------------------------------- */
/* Pin 0 is left out: operating systems take interrupt 0 for the 8254's, or for none. */
static void ioapic_range(const void *dev, uint32_t *first, uint32_t *count)
{
    const struct ioapic *s = dev;

    *first = 1;
    *count = s->n_pins - 1;
}

static uint32_t ioapic_specifier(const void *dev, uint32_t line, uint32_t trigger, uint32_t *cells)
{
    (void)dev;
    cells[0] = line;
    cells[1] = trigger;
    return 2;
}

static const struct bp_irqchip_ops irqchip = {sizeof(struct bp_irqchip_ops), 0, ioapic_range,
                                              ioapic_set, ioapic_specifier};
static const struct bp_apic_eoi_ops apic_eoi = {sizeof(struct bp_apic_eoi_ops), 0, ioapic_eoi};

/* --- life cycle ------------------------------------------------------------------------------- */
/* A snapshot may have bits that do not exist. */
static void ioapic_load_commit(void *dev, const struct bp_state_reader *r)
{
    struct ioapic *s = dev;

    (void)r;
    s->id &= ID_MASK;
    for (uint32_t pin = 0; pin < MAX_PINS; pin++) {
        s->low[pin] &= pin < s->n_pins && is_level(s->low[pin]) ? LOW_BITS : LOW_WRITABLE;
        s->high[pin] &= HIGH_WRITABLE;
        s->active[pin] = pin < s->n_pins && s->active[pin];
        if (pin < s->n_pins)
            tell_route(s, pin);
    }
}

/* The lines are low already. 3.2.4: all pins are masked. */
static void ioapic_reset(void *dev, uint32_t kind)
{
    struct ioapic *s = dev;

    (void)kind;
    s->id = 0;
    s->index = 0;
    for (uint32_t pin = 0; pin < MAX_PINS; pin++) {
        s->active[pin] = 0;
        s->low[pin] = MASKED;
        s->high[pin] = 0;
        if (pin < s->n_pins)
            tell_route(s, pin);
    }
}

static int32_t ioapic_realize(void *dev)
{
    struct ioapic *s = dev;
    struct message none;

    s->low[s->n_pins - 1] = MASKED;
    none = message_of(s, s->n_pins - 1);
    switch (s->apic->route(s->host, s->n_pins - 1, none.address, none.data, none.flags)) {
    case BP_OK:
        return BP_OK;
    case BP_ERR_RANGE:
        return bp_errorf(s->host, BP_ERR_RANGE,
                         "pins = %u: the accelerator watches fewer pins of an I/O APIC; 24 are "
                         "always possible",
                         s->n_pins);
    default:
        return bp_errorf(s->host, BP_ERR_UNSUPPORTED,
                         "this accelerator takes no messages from an I/O APIC of the machine: "
                         "leave the device out, and the accelerator's own is used");
    }
}

static int32_t ioapic_create(const struct bp_host *host, void *dev)
{
    struct ioapic *s = dev;

    s->host = host;
    s->apic = host->get_interface(host, BP_APIC_ID);
    return BP_OK;
}

/* --- tables ----------------------------------------------------------------------------------- */
static const char *const needs[] = {BP_APIC_ID, NULL};

static const struct bp_region regions[] = {
    [REGS] = {.name = "regs",
              .size = 0x1000,
              .kind = BP_MMIO,
              .widths = BP_W32,
              .flags = BP_REGION_BELOW_4G},
};

static const struct bp_service services[] = {
    {BP_IRQCHIP_ID, &irqchip},
    {BP_APIC_EOI_ID, &apic_eoi},
};

static const struct bp_property properties[] = {
    BP_PROP_U32(struct ioapic, n_pins, "pins", "24", 24, MAX_PINS,
                "Number of pins, which are the machine's interrupt lines; pin 0 is not used."),
};

static const struct bp_field fields[] = {
    BP_FIELD_U32(struct ioapic, id),    BP_FIELD_U32_MAX(struct ioapic, index, 0xff),
    BP_FIELD_U32(struct ioapic, low),   BP_FIELD_U32(struct ioapic, high),
    BP_FIELD_U8(struct ioapic, active),
};

static const struct bp_class ioapic = {
    .struct_size = sizeof(struct bp_class),
    .id = "ioapic",
    .version = "1.0",
    .summary = "I/O APIC, where the accelerator's own is not used",
    .instance_size = sizeof(struct ioapic),
    .state_version = 1,
    .needs = needs,
    .arch = "x86_64",
    .regions = BP_TABLE(regions),
    .properties = BP_TABLE(properties),
    .services = BP_TABLE(services),
    .state = BP_TABLE(fields),
    .create = ioapic_create,
    .realize = ioapic_realize,
    .reset = ioapic_reset,
    .load_commit = ioapic_load_commit,
    .read = ioapic_read,
    .write = ioapic_write,
};
BP_PLUGIN("ioapic", "1.0", &ioapic);
