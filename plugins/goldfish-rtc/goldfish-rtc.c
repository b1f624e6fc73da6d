/*
 * goldfish-rtc - real-time clock of the Goldfish virtual platform.
 * Specification: Android "Goldfish Virtual Hardware", section VIII "Goldfish RTC".
 * Not modelled: nothing.
 * The time is not stored: it is wall time plus an offset, so it keeps time while the machine is
 * paused. The alarm is set by wall time, the host's timer by virtual time: when they have drifted
 * apart the alarm's timer comes too early, and is armed again.
 */
#include <backplane/if/state.h>
#include <backplane/lib/regs.h>
#include <backplane/plugin.h>

enum {
    TIME_LOW,
    TIME_HIGH,
    ALARM_LOW,
    ALARM_HIGH,
    IRQ_ENABLED,
    CLEAR_ALARM,
    ALARM_STATUS,
    CLEAR_INTERRUPT,
    N_REGS
};

enum { LINE_ALARM };

struct rtc {
    struct bp_regs regs; /* first member; TIME_HIGH: latched by reading or writing its pair */
    const struct bp_host *host;
    bp_handle timer;
    uint64_t offset_ns; /* time = wall time + offset_ns, modulo 2^64 */
    uint64_t alarm_ns;  /* as it was when the alarm was armed: the registers may have changed */
    uint8_t interrupt;  /* the alarm has come and was not cleared */
};

static uint64_t time_ns(const struct rtc *s)
{
    return s->host->wall_ns(s->host) + s->offset_ns;
}

static void update_irq(struct rtc *s)
{
    s->host->irq_set(s->host, LINE_ALARM, s->interrupt && (s->regs.v[IRQ_ENABLED] & 1));
}

/* The alarm comes, or its timer is set for the time that is left. */
static void check_alarm(void *dev)
{
    struct rtc *s = dev;
    uint64_t clock_ns = s->host->clock_ns(s->host);
    uint64_t now_ns = time_ns(s);

    if (!s->regs.v[ALARM_STATUS])
        return;
    if (s->alarm_ns <= now_ns) {
        s->regs.v[ALARM_STATUS] = 0;
        s->interrupt = 1;
        update_irq(s);
        return;
    }
    if (s->alarm_ns - now_ns < UINT64_MAX - clock_ns)
        s->host->timer_arm(s->host, s->timer, clock_ns + (s->alarm_ns - now_ns));
}

/* --- register hooks --------------------------------------------------------------------------- */
/* Reading the lower half latches the upper one. */
static uint32_t time_low_read(void *dev)
{
    struct rtc *s = dev;
    uint64_t now_ns = time_ns(s);

    s->regs.v[TIME_HIGH] = (uint32_t)(now_ns >> 32);
    return (uint32_t)now_ns;
}

/* Writing the lower half sets the clock, with the upper half that was written before. */
static void time_low_write(void *dev, uint32_t value)
{
    struct rtc *s = dev;
    uint64_t wanted_ns = (uint64_t)s->regs.v[TIME_HIGH] << 32 | value;

    s->offset_ns = wanted_ns - s->host->wall_ns(s->host);
    s->host->timer_cancel(s->host, s->timer);
    check_alarm(s);
}

/* Likewise, this arms the alarm. */
static void alarm_low_write(void *dev, uint32_t value)
{
    struct rtc *s = dev;

    s->alarm_ns = (uint64_t)s->regs.v[ALARM_HIGH] << 32 | value;
    s->regs.v[ALARM_STATUS] = 1;
    s->host->timer_cancel(s->host, s->timer);
    check_alarm(s);
}

static void irq_enabled_write(void *dev, uint32_t value)
{
    (void)value;
    update_irq(dev);
}

static void clear_alarm_write(void *dev, uint32_t value)
{
    struct rtc *s = dev;

    (void)value;
    s->regs.v[ALARM_STATUS] = 0;
    s->host->timer_cancel(s->host, s->timer);
}

static void clear_interrupt_write(void *dev, uint32_t value)
{
    struct rtc *s = dev;

    (void)value;
    s->interrupt = 0;
    update_irq(s);
}

#define ALL UINT32_MAX

/* clang-format off */
static const struct bp_reg rtc_regs[N_REGS] = {
    /*                   name               offset reset writable w1c  on_read  on_write */
    [TIME_LOW]        = {"TIME_LOW",         0x00, 0, 0,   0, time_low_read, time_low_write},
    [TIME_HIGH]       = {"TIME_HIGH",        0x04, 0, ALL, 0, NULL,          NULL},
    [ALARM_LOW]       = {"ALARM_LOW",        0x08, 0, ALL, 0, NULL,          alarm_low_write},
    [ALARM_HIGH]      = {"ALARM_HIGH",       0x0c, 0, ALL, 0, NULL,          NULL},
    [IRQ_ENABLED]     = {"IRQ_ENABLED",      0x10, 0, 1,   0, NULL,          irq_enabled_write},
    [CLEAR_ALARM]     = {"CLEAR_ALARM",      0x14, 0, 0,   0, NULL,          clear_alarm_write},
    [ALARM_STATUS]    = {"ALARM_STATUS",     0x18, 0, 0,   0, NULL,          NULL},
    [CLEAR_INTERRUPT] = {"CLEAR_INTERRUPT",  0x1c, 0, 0,   0, NULL,          clear_interrupt_write},
};
/* clang-format on */

/* --- life cycle ------------------------------------------------------------------------------- */
static void rtc_load_commit(void *dev, const struct bp_state_reader *r)
{
    struct rtc *s = dev;

    (void)r;
    s->regs.v[ALARM_STATUS] &= 1;
    s->regs.v[IRQ_ENABLED] &= 1;
    update_irq(s);
    check_alarm(s);
}

/* The clock goes on through a reset: it has a battery. */
static void rtc_reset(void *dev, uint32_t kind)
{
    struct rtc *s = dev;

    bp_regs_reset(dev, kind);
    s->interrupt = 0;
    s->alarm_ns = 0;
    if (kind == BP_RESET_COLD)
        s->offset_ns = 0;
}

static int32_t rtc_realize(void *dev)
{
    struct rtc *s = dev;

    return s->host->timer_create(s->host, check_alarm, &s->timer);
}

static int32_t rtc_create(const struct bp_host *host, void *dev)
{
    struct rtc *s = dev;

    s->host = host;
    bp_regs_init(&s->regs, rtc_regs, N_REGS);
    return BP_OK;
}

/* --- tables ----------------------------------------------------------------------------------- */
static const struct bp_region regions[] = {
    {.name = "regs", .size = 0x1000, .kind = BP_MMIO, .widths = BP_W32, .regs = BP_TABLE(rtc_regs)},
};

static const struct bp_line lines[] = {
    [LINE_ALARM] = {.name = "alarm", .trigger = BP_LEVEL_HIGH},
};

static const struct bp_field fields[] = {
    BP_FIELD_REGS(struct rtc, regs, N_REGS),
    BP_FIELD_U64(struct rtc, offset_ns),
    BP_FIELD_U64(struct rtc, alarm_ns),
    BP_FIELD_U8_MAX(struct rtc, interrupt, 1),
};

static const struct bp_class goldfish_rtc = {
    .struct_size = sizeof(struct bp_class),
    .id = "goldfish-rtc",
    .version = "1.0",
    .summary = "Goldfish real-time clock with alarm",
    .instance_size = sizeof(struct rtc),
    .state_version = 1,
    .regions = BP_TABLE(regions),
    .lines = BP_TABLE(lines),
    .state = BP_TABLE(fields),
    .dt_name = "rtc",
    .dt_compatible = "google,goldfish-rtc\0",
    .create = rtc_create,
    .realize = rtc_realize,
    .reset = rtc_reset,
    .load_commit = rtc_load_commit,
    .read = bp_regs_read,
    .write = bp_regs_write,
};
BP_PLUGIN("goldfish-rtc", "1.0", &goldfish_rtc);
