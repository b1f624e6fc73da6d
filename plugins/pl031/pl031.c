/*
 * pl031 - ARM PrimeCell PL031 real-time clock.
 * Specification: ARM DDI 0224C, "PrimeCell Real Time Clock (PL031) Technical Reference Manual".
 * Not modelled: the integration test registers (0x80-0x8c). RTCCR is as firmware leaves it: the
 * clock runs, and nothing but power stops it.
 * The counter is not stored: it is wall time plus an offset, so it keeps time while the machine is
 * paused. The match is set by wall time, the host's timer by virtual time: when they have drifted
 * apart the timer comes too early, and is armed again.
 */
#include <backplane/if/fdt.h>
#include <backplane/if/state.h>
#include <backplane/lib/regs.h>
#include <backplane/plugin.h>

enum {
    DR,
    MR,
    LR,
    CR,
    IMSC,
    RIS,
    MIS,
    ICR,
    PID0,
    PID1,
    PID2,
    PID3,
    CID0,
    CID1,
    CID2,
    CID3,
    N_REGS
};

#define INT       1u /* the one interrupt bit of IMSC, RIS, MIS, ICR */
#define SECOND_NS UINT64_C(1000000000)
#define PCLK_HZ   24000000u /* of the bus; nothing depends on it */

enum { LINE_ALARM };

struct rtc {
    struct bp_regs regs; /* first member */
    const struct bp_host *host;
    bp_handle timer;
    uint32_t offset_s; /* the counter is the low half of wall seconds + offset_s */
    uint32_t pad;
    uint64_t match_s; /* the next match, on the same scale but with all 64 bits */
};

/* Wide, so that a match that was passed in a pause is told from one that is to come. */
static uint64_t now_s(const struct rtc *s)
{
    return s->host->wall_ns(s->host) / SECOND_NS + s->offset_s;
}

static void update_irq(struct rtc *s)
{
    s->host->irq_set(s->host, LINE_ALARM, s->regs.v[RIS] & s->regs.v[IMSC] & INT);
}

/* The next time from `from_s` on that the counter's 32 bits equal MR. */
static void find_match(struct rtc *s, uint64_t from_s)
{
    s->match_s = from_s + (s->regs.v[MR] - (uint32_t)from_s);
}

/* For the time that is left until the match. */
static void arm_timer(struct rtc *s, uint64_t now)
{
    uint64_t clock_ns = s->host->clock_ns(s->host);
    uint64_t wall_ns = s->host->wall_ns(s->host);
    uint64_t left_s = s->match_s - now;
    uint64_t left_ns;

    if (left_s > UINT32_MAX) /* wall time has gone back: look again in a century */
        left_s = UINT32_MAX;
    left_ns = left_s * SECOND_NS - wall_ns % SECOND_NS;
    if (left_ns < UINT64_MAX - clock_ns)
        s->host->timer_arm(s->host, s->timer, clock_ns + left_ns);
}

/* A match that nobody is interrupted by is seen when someone looks. */
static void check_match(void *dev)
{
    struct rtc *s = dev;
    uint64_t now = now_s(s);

    if (s->match_s <= now) {
        s->regs.v[RIS] |= INT;
        find_match(s, now + 1);
    }
    if (s->regs.v[IMSC] & INT)
        arm_timer(s, now);
    else
        s->host->timer_cancel(s->host, s->timer);
    update_irq(s);
}

/* --- register hooks --------------------------------------------------------------------------- */
static uint32_t dr_read(void *dev)
{
    return (uint32_t)now_s(dev);
}

static void mr_write(void *dev, uint32_t value)
{
    (void)value;
    find_match(dev, now_s(dev));
    check_match(dev);
}

static void lr_write(void *dev, uint32_t value)
{
    struct rtc *s = dev;

    s->offset_s = value - (uint32_t)(s->host->wall_ns(s->host) / SECOND_NS);
    mr_write(s, 0);
}

static void imsc_write(void *dev, uint32_t value)
{
    (void)value;
    check_match(dev);
}

static uint32_t ris_read(void *dev)
{
    const struct rtc *s = dev;

    check_match(dev);
    return s->regs.v[RIS];
}

static uint32_t mis_read(void *dev)
{
    const struct rtc *s = dev;

    check_match(dev);
    return s->regs.v[RIS] & s->regs.v[IMSC];
}

static void icr_write(void *dev, uint32_t value)
{
    struct rtc *s = dev;

    check_match(s);
    s->regs.v[RIS] &= ~value;
    update_irq(s);
}

#define ALL UINT32_MAX

/* clang-format off */
static const struct bp_reg rtc_regs[N_REGS] = {
    /*        name            offset  reset writable w1c on_read   on_write */
    [DR]   = {"RTCDR",         0x000, 0,    0,   0, dr_read,  NULL},
    [MR]   = {"RTCMR",         0x004, 0,    ALL, 0, NULL,     mr_write},
    [LR]   = {"RTCLR",         0x008, 0,    ALL, 0, NULL,     lr_write},
    [CR]   = {"RTCCR",         0x00c, 1,    0,   0, NULL,     NULL},
    [IMSC] = {"RTCIMSC",       0x010, 0,    INT, 0, NULL,     imsc_write},
    [RIS]  = {"RTCRIS",        0x014, 0,    0,   0, ris_read, NULL},
    [MIS]  = {"RTCMIS",        0x018, 0,    0,   0, mis_read, NULL},
    [ICR]  = {"RTCICR",        0x01c, 0,    0,   0, NULL,     icr_write},
    [PID0] = {"RTCPeriphID0",  0xfe0, 0x31, 0,   0, NULL,     NULL},
    [PID1] = {"RTCPeriphID1",  0xfe4, 0x10, 0,   0, NULL,     NULL},
    [PID2] = {"RTCPeriphID2",  0xfe8, 0x04, 0,   0, NULL,     NULL},
    [PID3] = {"RTCPeriphID3",  0xfec, 0x00, 0,   0, NULL,     NULL},
    [CID0] = {"RTCPCellID0",   0xff0, 0x0d, 0,   0, NULL,     NULL},
    [CID1] = {"RTCPCellID1",   0xff4, 0xf0, 0,   0, NULL,     NULL},
    [CID2] = {"RTCPCellID2",   0xff8, 0x05, 0,   0, NULL,     NULL},
    [CID3] = {"RTCPCellID3",   0xffc, 0xb1, 0,   0, NULL,     NULL},
};
/* clang-format on */

/* --- life cycle ------------------------------------------------------------------------------- */
/* A snapshot is not to be believed: only bits that are writable can have changed. */
static void rtc_load_commit(void *dev, const struct bp_state_reader *r)
{
    struct rtc *s = dev;
    uint32_t ris = s->regs.v[RIS] & INT;

    (void)r;
    for (uint32_t i = 0; i < N_REGS; i++)
        s->regs.v[i] = (s->regs.v[i] & rtc_regs[i].writable) | rtc_regs[i].reset;
    s->regs.v[RIS] = ris;
    if ((uint32_t)s->match_s != s->regs.v[MR])
        find_match(s, now_s(s));
    check_match(s);
}

/* The clock goes on through a reset: it has a battery. A match in this second came before it. */
static void rtc_reset(void *dev, uint32_t kind)
{
    struct rtc *s = dev;

    bp_regs_reset(dev, kind);
    if (kind == BP_RESET_COLD)
        s->offset_s = 0;
    find_match(s, now_s(s) + 1);
}

static int32_t rtc_realize(void *dev)
{
    struct rtc *s = dev;

    return s->host->timer_create(s->host, check_match, &s->timer);
}

static void rtc_describe_fdt(const void *dev, const struct bp_fdt_writer *w)
{
    (void)dev;
    w->prop_clock(w, "clocks", PCLK_HZ);
    w->prop_string(w, "clock-names", "apb_pclk");
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
    BP_FIELD_U32(struct rtc, offset_s),
    BP_FIELD_U64(struct rtc, match_s),
};

static const struct bp_class pl031 = {
    .struct_size = sizeof(struct bp_class),
    .id = "pl031",
    .version = "1.0",
    .summary = "ARM PL031 real-time clock with alarm",
    .instance_size = sizeof(struct rtc),
    .state_version = 1,
    .regions = BP_TABLE(regions),
    .lines = BP_TABLE(lines),
    .state = BP_TABLE(fields),
    .dt_name = "rtc",
    .dt_compatible = "arm,pl031\0arm,primecell\0",
    .acpi_hid = "ARMH0031",
    .create = rtc_create,
    .realize = rtc_realize,
    .describe_fdt = rtc_describe_fdt,
    .reset = rtc_reset,
    .load_commit = rtc_load_commit,
    .read = bp_regs_read,
    .write = bp_regs_write,
};
BP_PLUGIN("pl031", "1.0", &pl031);
