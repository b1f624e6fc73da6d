/*
 * cmos-rtc - the PC's real-time clock, an MC146818, and its 128 bytes of battery-backed RAM.
 * Specification: Motorola MC146818 data sheet (1984); IBM AT Technical Reference for the ports and
 * the bytes of the RAM. The chip counts the century at 0x32, as firmware does on a PC.
 * After a reset it is as PC firmware leaves it: 32.768 kHz, 24 hours, BCD, interrupts off.
 * Not modelled: the square wave, daylight saving (the bits can be set and read), other crystals
 * than 32.768 kHz, the test modes of the divider, bit 7 of the index port (it masks NMIs).
 */
#include "cmos-rtc.h"

#include <backplane/if/acpi.h>
#include <backplane/plugin.h>

#include <time.h>

/* The update takes 1984 us, and is announced 244 us before it begins. The new time is seen when it
 * ends, as is UF. */
#define UIP_NS UINT64_C(2228000)

#define A_FIRMWARE 0x26u /* 32.768 kHz, 1024 Hz */
#define B_FIRMWARE B_24H
#define D_VRT      0x80u /* the battery is good */

#define EQUIPMENT       0x14u
#define HAS_FPU         0x02u
#define BASE_KIB        0x15u /* two bytes each, the low one first */
#define EXTENDED_KIB    0x17u
#define CHECKSUM_FIRST  0x10u
#define CHECKSUM_LAST   0x2du
#define CHECKSUM        0x2eu /* the high byte first */
#define EXTENDED_KIB_2  0x30u /* as the firmware has counted it */
#define ABOVE_16M_64KIB 0x34u

enum { PORTS };                /* regions; port 0 is the index, port 1 the data */
enum { BASE_UTC, BASE_LOCAL }; /* choices of the property */

/* --- time ------------------------------------------------------------------------------------- */
static int is_time(uint32_t index)
{
    return index == CENTURY || (index <= YEAR && index != SECONDS_ALARM && index != MINUTES_ALARM &&
                                index != HOURS_ALARM);
}

/* The time that it is, into those of the bytes that have it, in the mode of `b`. */
static void show_time(const struct rtc *s, uint8_t b, uint8_t bytes[N_BYTES])
{
    struct calendar c;
    uint32_t year;

    calendar_from_seconds((int64_t)(rtc_chain_ns(s) / SECOND_NS + s->offset_s), &c);
    year = (uint32_t)((c.year % 10000 + 10000) % 10000);
    bytes[SECONDS] = code_number(b, c.second);
    bytes[MINUTES] = code_number(b, c.minute);
    bytes[HOURS] = code_hour(b, c.hour);
    bytes[WEEKDAY] = code_number(b, (c.weekday + s->weekday_shift) % 7 + 1);
    bytes[DAY] = code_number(b, c.day);
    bytes[MONTH] = code_number(b, c.month);
    bytes[YEAR] = code_number(b, year % 100);
    bytes[CENTURY] = code_number(b, year / 100);
}

/* The clock goes on from what is in the bytes. */
static void take_time(struct rtc *s)
{
    uint8_t b = s->bytes[REG_B];
    struct calendar c = {
        .year = decode_number(b, s->bytes[CENTURY]) % 100 * 100 +
                decode_number(b, s->bytes[YEAR]) % 100,
        .month = decode_number(b, s->bytes[MONTH]),
        .day = decode_number(b, s->bytes[DAY]),
        .hour = decode_hour(b, s->bytes[HOURS]),
        .minute = decode_number(b, s->bytes[MINUTES]),
        .second = decode_number(b, s->bytes[SECONDS]),
    };
    int64_t seconds = calendar_to_seconds(&c);
    uint32_t weekday = decode_number(b, s->bytes[WEEKDAY]) + 6; /* of any value, from Sunday */

    s->offset_s = (uint64_t)seconds - rtc_chain_ns(s) / SECOND_NS;
    calendar_from_seconds(seconds, &c);
    s->weekday_shift = (uint8_t)((weekday + 7 - c.weekday) % 7);
    for (uint32_t i = 0; i < N_BYTES; i++)
        s->bytes[i] = is_time(i) ? 0 : s->bytes[i];
}

/* The chain of dividers starts: the first update ends half a second later. */
static void release_chain(struct rtc *s)
{
    uint64_t wall_ns = s->host->wall_ns(s->host);

    s->phase_ns = (uint32_t)((SECOND_NS + SECOND_NS / 2 - wall_ns % SECOND_NS) % SECOND_NS);
    s->seen_ns = rtc_chain_ns(s);
}

/* New values of A and B. When the clock stops the bytes get the time, when it goes on it takes
 * them, in the mode that is then set. */
static void set_control(struct rtc *s, uint32_t a, uint32_t b)
{
    int was_stopped = rtc_is_stopped(s), was_held = rtc_is_held(s);
    uint8_t old_b = s->bytes[REG_B];

    s->bytes[REG_A] = (uint8_t)(a & ~A_UIP);
    s->bytes[REG_B] = (uint8_t)(b & B_SET ? b & ~B_UIE : b);
    if (was_held && !rtc_is_held(s))
        release_chain(s);
    if (!was_stopped && rtc_is_stopped(s))
        show_time(s, old_b, s->bytes);
    if (was_stopped && !rtc_is_stopped(s))
        take_time(s);
}

/* --- registers -------------------------------------------------------------------------------- */
static uint8_t read_a(const struct rtc *s)
{
    int updating = rtc_chain_ns(s) % SECOND_NS >= SECOND_NS - UIP_NS;

    return (uint8_t)(s->bytes[REG_A] | (updating && !rtc_is_stopped(s) ? A_UIP : 0));
}

static uint8_t read_c(struct rtc *s)
{
    uint8_t flags = s->flags;

    s->flags = 0;
    return (uint8_t)(flags | (flags & s->bytes[REG_B] ? C_IRQF : 0));
}

static uint8_t read_byte(struct rtc *s)
{
    uint8_t now[N_BYTES];

    rtc_catch_up(s);
    switch (s->index) {
    case REG_A:
        return read_a(s);
    case REG_C:
        return read_c(s);
    case REG_D:
        return D_VRT;
    default:
        if (!is_time(s->index) || rtc_is_stopped(s))
            return s->bytes[s->index];
        show_time(s, s->bytes[REG_B], now);
        return now[s->index];
    }
}

static void write_time(struct rtc *s, uint8_t value)
{
    if (!rtc_is_stopped(s))
        show_time(s, s->bytes[REG_B], s->bytes);
    s->bytes[s->index] = value;
    if (!rtc_is_stopped(s))
        take_time(s);
}

static void write_byte(struct rtc *s, uint8_t value)
{
    rtc_catch_up(s);
    switch (s->index) {
    case REG_A:
        set_control(s, value, s->bytes[REG_B]);
        return;
    case REG_B:
        set_control(s, s->bytes[REG_A], value);
        return;
    case REG_C: /* read-only */
    case REG_D:
        return;
    default:
        if (is_time(s->index))
            write_time(s, value);
        else
            s->bytes[s->index] = value;
    }
}

/* The index port cannot be read. A word at it is both ports, as on the ISA bus. */
static uint64_t rtc_read(void *dev, uint32_t region, uint64_t offset, uint32_t width)
{
    uint64_t value = 0xff;

    (void)region;
    if (offset || width == 2) {
        uint64_t byte = read_byte(dev);

        rtc_update_irq(dev);
        value = offset ? byte : byte << 8 | 0xff;
    }
    return value;
}

static void rtc_write(void *dev, uint32_t region, uint64_t offset, uint32_t width, uint64_t value)
{
    struct rtc *s = dev;

    (void)region;
    if (!offset)
        s->index = value & 0x7f;
    if (!offset && width == 1)
        return;
    write_byte(s, (uint8_t)(offset ? value : value >> 8));
    rtc_update_irq(s);
}

/* --- the RAM as firmware leaves it ------------------------------------------------------------ */
static void put_word(struct rtc *s, uint32_t at, uint64_t value)
{
    if (value > 0xffff)
        value = 0xffff;
    s->bytes[at] = (uint8_t)value;
    s->bytes[at + 1] = (uint8_t)(value >> 8);
}

static void fill_ram(struct rtc *s)
{
    uint64_t above_1m = s->memory_bytes > 1u << 20 ? s->memory_bytes - (1u << 20) : 0;
    uint64_t above_16m = s->memory_bytes > 16u << 20 ? s->memory_bytes - (16u << 20) : 0;
    uint32_t sum = 0;

    s->bytes[EQUIPMENT] = HAS_FPU;
    put_word(s, BASE_KIB, 640);
    put_word(s, EXTENDED_KIB, above_1m >> 10);
    put_word(s, EXTENDED_KIB_2, above_1m >> 10);
    put_word(s, ABOVE_16M_64KIB, above_16m >> 16);
    for (uint32_t i = CHECKSUM_FIRST; i <= CHECKSUM_LAST; i++)
        sum += s->bytes[i];
    s->bytes[CHECKSUM] = (uint8_t)(sum >> 8);
    s->bytes[CHECKSUM + 1] = (uint8_t)sum;
}

/* --- life cycle ------------------------------------------------------------------------------- */
/* East of Greenwich, of the time zone of the program's environment; 0 if that is unknown. */
static int64_t zone_seconds(const struct rtc *s)
{
    time_t now = (time_t)(s->host->wall_ns(s->host) / SECOND_NS);
    struct tm local;

    return s->base == BASE_LOCAL && localtime_r(&now, &local) ? local.tm_gmtoff : 0;
}

static void power_on(struct rtc *s)
{
    for (uint32_t i = 0; i < N_BYTES; i++)
        s->bytes[i] = 0;
    s->bytes[REG_A] = A_FIRMWARE;
    s->bytes[REG_B] = B_FIRMWARE;
    s->offset_s = (uint64_t)zone_seconds(s);
    s->phase_ns = 0;
    s->weekday_shift = 0;
    s->saved_s = 0;
    fill_ram(s);
}

/* Time and RAM outlive a warm reset. A clock that was being set goes on, in the mode it was in. */
static void rtc_reset(void *dev, uint32_t kind)
{
    struct rtc *s = dev;

    if (kind == BP_RESET_COLD)
        power_on(s);
    set_control(s, A_FIRMWARE, s->bytes[REG_B] & ~B_SET);
    set_control(s, A_FIRMWARE, B_FIRMWARE);
    s->seen_ns = rtc_chain_ns(s);
    s->index = s->flags = 0;
}

/* An alarm that came while the machine was paused. */
static void rtc_start(void *dev)
{
    rtc_timer_fired(dev);
}

static int32_t rtc_quiesce(void *dev)
{
    struct rtc *s = dev;

    rtc_timer_fired(s);
    s->saved_s = s->seen_ns / SECOND_NS;
    return BP_OK;
}

/* Of the second in which it was saved nothing comes again, of those after it everything. */
static void rtc_load_commit(void *dev, const struct bp_state_reader *r)
{
    struct rtc *s = dev;
    uint64_t now_ns = rtc_chain_ns(s);

    (void)r;
    s->bytes[REG_A] &= (uint8_t)~A_UIP;
    s->bytes[REG_C] = s->bytes[REG_D] = 0;
    s->flags &= C_FLAGS;
    s->seen_ns = now_ns;
    if (s->saved_s < now_ns / SECOND_NS)
        s->seen_ns = s->saved_s * SECOND_NS + SECOND_NS - 1;
    rtc_timer_fired(s);
}

static void rtc_describe_acpi(const void *dev, const struct bp_acpi_writer *w)
{
    (void)dev;
    w->fixed_features(w, BP_ACPI_HAS_CMOS_RTC);
    w->fixed_rtc(w, 0, 0, CENTURY);
}

static int32_t rtc_create(const struct bp_host *host, void *dev)
{
    struct rtc *s = dev;

    s->host = host;
    return BP_OK;
}

static int32_t rtc_realize(void *dev)
{
    struct rtc *s = dev;

    return s->host->timer_create(s->host, rtc_timer_fired, &s->timer);
}

/* --- tables ----------------------------------------------------------------------------------- */
static const struct bp_region regions[] = {
    [PORTS] = {.name = "ports", .size = 2, .align = 2, .kind = BP_PIO, .widths = BP_W8 | BP_W16},
};

static const struct bp_line lines[] = {
    [LINE_IRQ] = {.name = "irq", .trigger = BP_EDGE_RISING},
};

static const struct bp_property properties[] = {
    BP_PROP_CHOICE(struct rtc, base, "base", "utc", "utc|localtime",
                   "What the clock shows when the machine is switched on. localtime is for guests "
                   "that expect it: the time of the zone that the program runs in, as it is then."),
    BP_PROP_SIZE(struct rtc, memory_bytes, "memory", "0", 0, UINT64_C(4) << 30,
                 "RAM below 4 GiB, for old systems that look for its size in the clock's RAM. 0 "
                 "tells them nothing; others read the tables."),
};

static const struct bp_field fields[] = {
    BP_FIELD_U64(struct rtc, offset_s),
    BP_FIELD_U64(struct rtc, saved_s),
    BP_FIELD_U32_MAX(struct rtc, phase_ns, 999999999),
    BP_FIELD_U8_MAX(struct rtc, weekday_shift, 6),
    BP_FIELD_U8_MAX(struct rtc, index, N_BYTES - 1),
    BP_FIELD_U8(struct rtc, flags),
    BP_FIELD_U8(struct rtc, bytes),
};

static const struct bp_class cmos_rtc = {
    .struct_size = sizeof(struct bp_class),
    .id = "cmos-rtc",
    .version = "1.0",
    .summary = "PC real-time clock with alarm and battery-backed RAM",
    .instance_size = sizeof(struct rtc),
    .state_version = 1,
    .arch = "x86_64",
    .regions = BP_TABLE(regions),
    .lines = BP_TABLE(lines),
    .properties = BP_TABLE(properties),
    .state = BP_TABLE(fields),
    .acpi_hid = "PNP0B00",
    .create = rtc_create,
    .realize = rtc_realize,
    .describe_acpi = rtc_describe_acpi,
    .reset = rtc_reset,
    .start = rtc_start,
    .quiesce = rtc_quiesce,
    .load_commit = rtc_load_commit,
    .read = rtc_read,
    .write = rtc_write,
};
BP_PLUGIN("cmos-rtc", "1.0", &cmos_rtc);
