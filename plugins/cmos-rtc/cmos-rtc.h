/*
 * What the files of cmos-rtc share: registers and ports are in cmos-rtc.c, the calendar and its
 * codes in calendar.c, interrupts in alarms.c.
 */
#ifndef CMOS_RTC_H
#define CMOS_RTC_H

#include <backplane/device.h>

#define SECOND_NS UINT64_C(1000000000)

/* Indexes. Those of the time, and the century's, are not stored while the clock runs. */
#define SECONDS       0x00u
#define SECONDS_ALARM 0x01u
#define MINUTES       0x02u
#define MINUTES_ALARM 0x03u
#define HOURS         0x04u
#define HOURS_ALARM   0x05u
#define WEEKDAY       0x06u
#define DAY           0x07u
#define MONTH         0x08u
#define YEAR          0x09u
#define REG_A         0x0au
#define REG_B         0x0bu
#define REG_C         0x0cu
#define REG_D         0x0du
#define FIRST_RAM     0x0eu
#define CENTURY       0x32u
#define N_BYTES       0x80u

#define A_UIP      0x80u /* update in progress */
#define A_DV       0x70u
#define A_DV_RESET 0x60u /* both bits: the divider is held in reset */
#define A_RS       0x0fu
#define B_SET      0x80u
#define B_PIE      0x40u /* the enable bits lie where the flags of C do */
#define B_AIE      0x20u
#define B_UIE      0x10u
#define B_BINARY   0x04u /* DM */
#define B_24H      0x02u
#define HOUR_PM    0x80u
#define C_IRQF     0x80u
#define C_PF       0x40u
#define C_AF       0x20u
#define C_UF       0x10u
#define C_FLAGS    (C_PF | C_AF | C_UF)

enum { LINE_IRQ }; /* lines */

/*
 * The clock is not stored: a chain of dividers counts nanoseconds, which are wall time + phase_ns;
 * its whole seconds + offset_s are the time in seconds since 1970. So it keeps time while the
 * machine is paused.
 */
struct rtc {
    const struct bp_host *host;
    bp_handle timer;
    uint32_t base;         /* property: BASE_* */
    uint64_t memory_bytes; /* property */
    uint64_t seen_ns;      /* of the chain: up to here flags are set */
    uint64_t saved_s;      /* seen_ns in a snapshot, in whole seconds */
    uint64_t offset_s;     /* modulo 2^64 */
    uint32_t phase_ns;     /* below a second */
    uint8_t weekday_shift; /* the weekday that was set, less the date's own: 0-6 */
    uint8_t index;
    uint8_t flags;          /* C_PF, C_AF, C_UF */
    uint8_t bytes[N_BYTES]; /* of A without UIP; those of the time only while it is stopped */
};

/* --- calendar.c ------------------------------------------------------------------------------- */
/* A date and time as one reads it. */
struct calendar {
    int64_t year;
    uint32_t month;   /* 1-12 */
    uint32_t day;     /* 1-31 */
    uint32_t weekday; /* 0-6, from Sunday */
    uint32_t hour;
    uint32_t minute;
    uint32_t second;
};

void calendar_from_seconds(int64_t seconds, struct calendar *c);

/* Fields out of range are brought into it; a day beyond its month's end is in the next. */
int64_t calendar_to_seconds(const struct calendar *c);

/* A number as register B wants it in a register, and back (at most 0xff). */
uint8_t code_number(uint8_t b, uint32_t value);
uint32_t decode_number(uint8_t b, uint8_t byte);
uint8_t code_hour(uint8_t b, uint32_t hour);
uint32_t decode_hour(uint8_t b, uint8_t byte);

/* --- alarms.c --------------------------------------------------------------------------------- */
int rtc_is_held(const struct rtc *s);    /* the chain of dividers is held in reset */
int rtc_is_stopped(const struct rtc *s); /* held, or the time is being set */

uint64_t rtc_chain_ns(const struct rtc *s);

/* Sets the flags of what has happened up to now. */
void rtc_catch_up(struct rtc *s);

/* The only place that drives the line and arms the host's timer for what comes next. */
void rtc_update_irq(struct rtc *s);
void rtc_timer_fired(void *dev);

#endif
