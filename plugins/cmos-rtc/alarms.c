/*
 * What the clock sets flags and interrupts for: the end of each update, the alarm, the periodic
 * rate (MC146818 data sheet, "Interrupts"). Flags are set when someone looks at them; the host's
 * timer is only armed for a flag that shall interrupt and is not set yet.
 */
#include "cmos-rtc.h"

#define CHAIN_HZ 32768u
#define DAY_S    86400u
#define NEVER    UINT64_MAX

int rtc_is_held(const struct rtc *s)
{
    return (s->bytes[REG_A] & A_DV_RESET) == A_DV_RESET;
}

int rtc_is_stopped(const struct rtc *s)
{
    return rtc_is_held(s) || (s->bytes[REG_B] & B_SET);
}

uint64_t rtc_chain_ns(const struct rtc *s)
{
    return s->host->wall_ns(s->host) + s->phase_ns;
}

/* --- the periodic rate ------------------------------------------------------------------------ */
static uint64_t ns_to_ticks(uint64_t ns)
{
    return ns / SECOND_NS * CHAIN_HZ + ns % SECOND_NS * CHAIN_HZ / SECOND_NS;
}

/* The first nanosecond at which ns_to_ticks gives this. */
static uint64_t ticks_to_ns(uint64_t ticks)
{
    return ticks / CHAIN_HZ * SECOND_NS + (ticks % CHAIN_HZ * SECOND_NS + CHAIN_HZ - 1) / CHAIN_HZ;
}

/* As ticks; 0: off. Rates 1 and 2 are the same as 8 and 9. */
static uint32_t period(const struct rtc *s)
{
    uint32_t rate = s->bytes[REG_A] & A_RS;

    if (!rate || rtc_is_held(s))
        return 0;
    return 1u << (rate < 3 ? rate + 6 : rate - 1);
}

/* --- the alarm -------------------------------------------------------------------------------- */
/* The two highest bits set: any value will do. */
static int is_match(uint8_t alarm, uint8_t coded)
{
    return (alarm & 0xc0) == 0xc0 || alarm == coded;
}

/* The first second of a day, from `from`, that the alarm is set to; a day's length if none is. */
static uint32_t alarm_in_day(const struct rtc *s, uint32_t from)
{
    uint8_t b = s->bytes[REG_B];
    uint32_t at = from;

    while (at < DAY_S) {
        if (!is_match(s->bytes[HOURS_ALARM], code_hour(b, at / 3600)))
            at = (at / 3600 + 1) * 3600;
        else if (!is_match(s->bytes[MINUTES_ALARM], code_number(b, at / 60 % 60)))
            at = (at / 60 + 1) * 60;
        else if (!is_match(s->bytes[SECONDS_ALARM], code_number(b, at % 60)))
            at++;
        else
            break;
    }
    return at;
}

/* The first second of the chain, from `from`, that the alarm is set to, or NEVER. */
static uint64_t next_alarm(const struct rtc *s, uint64_t from)
{
    int64_t local = (int64_t)(from + s->offset_s) % DAY_S;
    uint32_t second = (uint32_t)(local < 0 ? local + DAY_S : local);
    uint32_t at = alarm_in_day(s, second);

    if (at < DAY_S)
        return from + (at - second);
    at = alarm_in_day(s, 0);
    return at < DAY_S ? from + (DAY_S - second) + at : NEVER;
}

/* --- flags and the line ----------------------------------------------------------------------- */
void rtc_catch_up(struct rtc *s)
{
    uint64_t now_ns = rtc_chain_ns(s), was_ns = s->seen_ns;
    uint64_t now_s = now_ns / SECOND_NS, was_s = was_ns / SECOND_NS;
    uint32_t ticks = period(s);

    s->seen_ns = now_ns;
    if (now_ns <= was_ns) /* the outside world's clock was set back */
        return;
    if (ticks && ns_to_ticks(now_ns) / ticks != ns_to_ticks(was_ns) / ticks)
        s->flags |= C_PF;
    if (rtc_is_stopped(s) || now_s == was_s)
        return;
    s->flags |= C_UF;
    if (next_alarm(s, was_s + 1) <= now_s)
        s->flags |= C_AF;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* When the chain comes to what shall interrupt and has not come yet. */
static uint64_t next_event_ns(const struct rtc *s)
{
    uint32_t wanted = s->bytes[REG_B] & ~s->flags;
    uint64_t next_s = s->seen_ns / SECOND_NS + 1;
    uint32_t ticks = period(s);
    uint64_t at = NEVER;

    if ((wanted & B_PIE) && ticks)
        at = ticks_to_ns((ns_to_ticks(s->seen_ns) / ticks + 1) * ticks);
    if (rtc_is_stopped(s))
        return at;
    if (wanted & B_UIE)
        at = sooner(at, next_s * SECOND_NS);
    if (wanted & B_AIE) {
        uint64_t alarm_s = next_alarm(s, next_s);

        at = sooner(at, alarm_s == NEVER ? NEVER : alarm_s * SECOND_NS);
    }
    return at;
}

void rtc_update_irq(struct rtc *s)
{
    uint64_t at = next_event_ns(s);

    s->host->irq_set(s->host, LINE_IRQ, (s->flags & s->bytes[REG_B]) != 0);
    if (at == NEVER)
        s->host->timer_cancel(s->host, s->timer);
    else
        s->host->timer_arm(s->host, s->timer, s->host->clock_ns(s->host) + (at - s->seen_ns));
}

/* Early, if the outside world's clock and the machine's have drifted apart: then it waits again. */
void rtc_timer_fired(void *dev)
{
    rtc_catch_up(dev);
    rtc_update_irq(dev);
}
