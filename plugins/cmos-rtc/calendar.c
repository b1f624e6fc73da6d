/*
 * Seconds and dates (proleptic Gregorian calendar, for a clock that can be set to any year from 0
 * to 9999), and how registers show numbers.
 */
#include "cmos-rtc.h"

#define DAY_S       86400
#define DAYS_400    146097 /* in 400 years */
#define DAYS_100    36524
#define DAYS_4      1461
#define EPOCH_DAYS  719468 /* from 0000-03-01 to 1970-01-01 */
#define CYCLE_YEARS 400

static uint32_t clamp(uint32_t value, uint32_t min, uint32_t max)
{
    if (value < min)
        return min;
    return value > max ? max : value;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Years begin in March here, so that leap days come last. Days before month m (0: March) of a year:
 * 0 31 61 92 122 153 184 214 245 275 306 337. */
static uint32_t days_before(uint32_t m)
{
    return (153 * m + 2) / 5;
}

void calendar_from_seconds(int64_t seconds, struct calendar *c)
{
    int64_t days = floor_div(seconds, DAY_S);
    uint32_t second = (uint32_t)(seconds - days * DAY_S);
    int64_t cycle = floor_div(days + EPOCH_DAYS, DAYS_400);
    uint32_t rest = (uint32_t)(days + EPOCH_DAYS - cycle * DAYS_400);
    uint32_t year = (rest - rest / (DAYS_4 - 1) + rest / DAYS_100 - rest / (DAYS_400 - 1)) / 365;
    uint32_t m;

    rest -= 365 * year + year / 4 - year / 100;
    m = (5 * rest + 2) / 153;
    c->second = second % 60;
    c->minute = second / 60 % 60;
    c->hour = second / 3600;
    c->weekday = (uint32_t)(days + 4 - 7 * floor_div(days + 4, 7)); /* 1970 began on a Thursday */
    c->day = rest - days_before(m) + 1;
    c->month = m < 10 ? m + 3 : m - 9;
    c->year = cycle * CYCLE_YEARS + year + (m >= 10);
}

int64_t calendar_to_seconds(const struct calendar *c)
{
    uint32_t month = clamp(c->month, 1, 12);
    uint32_t m = month > 2 ? month - 3 : month + 9;
    int64_t years = c->year - (month <= 2);
    int64_t cycle = floor_div(years, CYCLE_YEARS);
    uint32_t year = (uint32_t)(years - cycle * CYCLE_YEARS);
    uint32_t rest = 365 * year + year / 4 - year / 100 + days_before(m) + clamp(c->day, 1, 31) - 1;
    int64_t days = cycle * DAYS_400 + rest - EPOCH_DAYS;

    return days * DAY_S + clamp(c->hour, 0, 23) * 3600 + clamp(c->minute, 0, 59) * 60 +
           clamp(c->second, 0, 59);
}

/* --- codes ------------------------------------------------------------------------------------ */
uint8_t code_number(uint8_t b, uint32_t value)
{
    return (uint8_t)(b & B_BINARY ? value : (value / 10 << 4) + value % 10);
}

uint32_t decode_number(uint8_t b, uint8_t byte)
{
    return b & B_BINARY ? byte : (byte >> 4) * 10u + (byte & 15u);
}

/* In 12-hour mode 1 to 12 and a bit for the afternoon: midnight and noon are 12. */
uint8_t code_hour(uint8_t b, uint32_t hour)
{
    if (b & B_24H)
        return code_number(b, hour);
    return (uint8_t)(code_number(b, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? HOUR_PM : 0));
}

uint32_t decode_hour(uint8_t b, uint8_t byte)
{
    if (b & B_24H)
        return decode_number(b, byte);
    return decode_number(b, byte & 0x7f) % 12 + (byte & HOUR_PM ? 12 : 0);
}
