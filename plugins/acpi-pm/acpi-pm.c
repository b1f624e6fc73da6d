/*
 * acpi-pm - the fixed hardware of ACPI: power-management events and control, timer, power button,
 * soft-off and reset.
 * Specification: ACPI 6.5, 4.8.1 to 4.8.3 (fixed hardware) and 4.8.3.6 (reset register).
 * The machine is in ACPI mode from power-on: SCI_EN is always 1, there is no SMI command port.
 * Not modelled: sleep states but S5, and with them WAK_STS and RTC_STS (the clock wakes nobody);
 * bus-master status, GBL_STS (no firmware shares the global lock), the sleep button, general
 * purpose events, the button's four-second override. Their status bits never become 1; what a
 * driver enables for them it reads back.
 */
#include <backplane/if/acpi.h>
#include <backplane/if/power.h>
#include <backplane/if/power_button.h>
#include <backplane/lib/log.h>
#include <backplane/plugin.h>

/* Ours to choose, for the FADT tells where they are. */
#define PM1_STS   0x0u /* 16 bits each */
#define PM1_EN    0x2u
#define PM1_CNT   0x4u
#define PM_TMR    0x8u /* 32 bits */
#define RESET_REG 0xcu /* 8 bits */
#define N_PORTS   16u

#define TMR_STS    (1u << 0) /* of PM1_STS, and the enable bits of PM1_EN at the same places */
#define GBL_STS    (1u << 5)
#define PWRBTN_STS (1u << 8)
#define RTC_STS    (1u << 10)
#define ENABLES    (TMR_STS | GBL_STS | PWRBTN_STS | RTC_STS)

#define SCI_EN        (1u << 0)
#define BM_RLD        (1u << 1)
#define SLP_TYP       (7u << 10)
#define SLP_TYP_SHIFT 10
#define SLP_EN        (1u << 13)
#define CNT_KEPT      (BM_RLD | SLP_TYP)

#define S5_TYP      5u
#define RESET_VALUE 0x06u

#define TIMER_HZ  3579545u
#define SECOND_NS UINT64_C(1000000000)

enum { PORTS };    /* regions */
enum { LINE_SCI }; /* lines */

struct pm {
    const struct bp_host *host;
    const struct bp_power *power;
    bp_handle timer;      /* at the next change of the PM timer's highest bit, while that matters */
    uint64_t msb_changes; /* of the PM timer since time 0, as far as TMR_STS knows them */
    uint16_t sts;
    uint16_t en;
    uint16_t cnt;
};

/* --- the PM timer ----------------------------------------------------------------------------- */
/* Ticks since time 0: exact, the seconds and the rest for themselves. */
static uint64_t timer_ticks(const struct pm *s)
{
    uint64_t now_ns = s->host->clock_ns(s->host);

    return now_ns / SECOND_NS * TIMER_HZ + now_ns % SECOND_NS * TIMER_HZ / SECOND_NS;
}

/* The first nanosecond at which timer_ticks gives this. */
static uint64_t ticks_to_ns(uint64_t ticks)
{
    return ticks / TIMER_HZ * SECOND_NS + (ticks % TIMER_HZ * SECOND_NS + TIMER_HZ - 1) / TIMER_HZ;
}

/* TMR_STS is set by each change of bit 31, also by one that nobody waited for. */
static void watch_timer(struct pm *s)
{
    uint64_t changes = timer_ticks(s) >> 31;

    if (changes != s->msb_changes)
        s->sts |= TMR_STS;
    s->msb_changes = changes;
}

/* --- the system control interrupt ------------------------------------------------------------- */
/* The only place that drives the line and the host's timer. */
static void update_sci(struct pm *s)
{
    watch_timer(s);
    s->host->irq_set(s->host, LINE_SCI, (s->sts & s->en) != 0);
    if ((s->en & TMR_STS) && !(s->sts & TMR_STS))
        s->host->timer_arm(s->host, s->timer, ticks_to_ns((s->msb_changes + 1) << 31));
    else
        s->host->timer_cancel(s->host, s->timer);
}

static void timer_fired(void *dev)
{
    update_sci(dev);
}

static void press_button(void *dev)
{
    struct pm *s = dev;

    s->sts |= PWRBTN_STS;
    update_sci(s);
}

/* --- registers -------------------------------------------------------------------------------- */
/* The 32 bits at a multiple of 4. */
static uint32_t read_word(struct pm *s, uint32_t offset)
{
    switch (offset) {
    case PM1_STS:
        watch_timer(s);
        return s->sts | (uint32_t)s->en << 16;
    case PM1_CNT:
        return SCI_EN | s->cnt;
    case PM_TMR:
        return (uint32_t)timer_ticks(s);
    default: /* write-only or reserved */
        return 0;
    }
}

static uint64_t pm_read(void *dev, uint32_t region, uint64_t offset, uint32_t width)
{
    uint32_t byte = offset & 3;
    uint32_t value = read_word(dev, (uint32_t)offset - byte) >> (8 * byte);

    (void)region;
    return width == 4 ? value : value & ((1u << (8 * width)) - 1);
}

static void sleep_now(struct pm *s)
{
    uint32_t typ = (s->cnt & SLP_TYP) >> SLP_TYP_SHIFT;

    if (typ == S5_TYP)
        s->power->request(s->host, BP_POWER_OFF, 0);
    else
        bp_guest_logf(s->host, "sleep with SLP_TYP %u: only %u, soft off, is known", typ, S5_TYP);
}

static void write_reset(struct pm *s, uint8_t value)
{
    if (value == RESET_VALUE)
        s->power->request(s->host, BP_POWER_RESET, 0);
    else
        bp_guest_logf(s->host, "0x%x written to the reset register: 0x%x resets", value,
                      RESET_VALUE);
}

/* One byte of a register, at its place in `bits`; `mask` has the places. */
static void write_byte(struct pm *s, uint32_t offset, uint8_t value)
{
    uint32_t shift = offset & 1 ? 8 : 0;
    uint32_t mask = 0xffu << shift, bits = (uint32_t)value << shift;

    switch (offset & ~1u) {
    case PM1_STS:
        watch_timer(s);
        s->sts &= (uint16_t)~bits;
        return;
    case PM1_EN:
        s->en = (uint16_t)((s->en & ~mask) | (bits & ENABLES));
        return;
    case PM1_CNT:
        s->cnt = (uint16_t)((s->cnt & ~mask) | (bits & CNT_KEPT));
        if (bits & SLP_EN)
            sleep_now(s);
        return;
    case RESET_REG:
        if (offset == RESET_REG)
            write_reset(s, value);
        return;
    default: /* read-only or reserved */
        return;
    }
}

static void pm_write(void *dev, uint32_t region, uint64_t offset, uint32_t width, uint64_t value)
{
    (void)region;
    for (uint32_t i = 0; i < width; i++)
        write_byte(dev, (uint32_t)offset + i, (uint8_t)(value >> (8 * i)));
    update_sci(dev);
}

/* --- life cycle ------------------------------------------------------------------------------- */
static void pm_load_commit(void *dev, const struct bp_state_reader *r)
{
    struct pm *s = dev;

    (void)r;
    s->sts &= TMR_STS | PWRBTN_STS;
    s->en &= ENABLES;
    s->cnt &= CNT_KEPT;
    update_sci(s);
}

static void pm_describe_acpi(const void *dev, const struct bp_acpi_writer *w)
{
    (void)dev;
    w->fixed_block(w, BP_ACPI_PM1A_EVENT, PORTS, PM1_STS, 4);
    w->fixed_block(w, BP_ACPI_PM1A_CONTROL, PORTS, PM1_CNT, 2);
    w->fixed_block(w, BP_ACPI_PM_TIMER, PORTS, PM_TMR, 4);
    w->fixed_features(w, BP_ACPI_POWER_BUTTON | BP_ACPI_TIMER_32_BITS);
    w->fixed_sci(w, LINE_SCI);
    w->fixed_reset(w, PORTS, RESET_REG, RESET_VALUE);
    w->fixed_sleep(w, 5, S5_TYP);
}

static void pm_reset(void *dev, uint32_t kind)
{
    struct pm *s = dev;

    (void)kind;
    s->sts = s->en = s->cnt = 0;
    s->msb_changes = timer_ticks(s) >> 31;
}

static int32_t pm_create(const struct bp_host *host, void *dev)
{
    struct pm *s = dev;

    s->host = host;
    s->power = host->get_interface(host, BP_POWER_ID);
    return BP_OK;
}

static int32_t pm_realize(void *dev)
{
    struct pm *s = dev;

    return s->host->timer_create(s->host, timer_fired, &s->timer);
}

/* --- tables ----------------------------------------------------------------------------------- */
static const char *const needs[] = {BP_POWER_ID, NULL};

static const struct bp_region regions[] = {
    [PORTS] = {.name = "ports",
               .size = N_PORTS,
               .align = N_PORTS,
               .kind = BP_PIO,
               .widths = BP_W8 | BP_W16 | BP_W32},
};

static const struct bp_line lines[] = {
    [LINE_SCI] = {.name = "sci", .trigger = BP_LEVEL_HIGH},
};

static const struct bp_power_button_ops button_ops = {
    .struct_size = sizeof(struct bp_power_button_ops),
    .press = press_button,
};

static const struct bp_service services[] = {{BP_POWER_BUTTON_ID, &button_ops}};

static const struct bp_field fields[] = {
    BP_FIELD_U64(struct pm, msb_changes),
    BP_FIELD_U16(struct pm, sts),
    BP_FIELD_U16(struct pm, en),
    BP_FIELD_U16(struct pm, cnt),
};

static const struct bp_class acpi_pm = {
    .struct_size = sizeof(struct bp_class),
    .id = "acpi-pm",
    .version = "1.0",
    .summary = "ACPI power management: power button, soft off, reset, PM timer",
    .instance_size = sizeof(struct pm),
    .state_version = 1,
    .needs = needs,
    .arch = "x86_64",
    .regions = BP_TABLE(regions),
    .lines = BP_TABLE(lines),
    .services = BP_TABLE(services),
    .state = BP_TABLE(fields),
    .acpi_hid = "PNP0C02", /* a motherboard's resources: nobody else gets these ports */
    .create = pm_create,
    .realize = pm_realize,
    .describe_acpi = pm_describe_acpi,
    .reset = pm_reset,
    .load_commit = pm_load_commit,
    .read = pm_read,
    .write = pm_write,
};
BP_PLUGIN("acpi-pm", "1.0", &acpi_pm);
