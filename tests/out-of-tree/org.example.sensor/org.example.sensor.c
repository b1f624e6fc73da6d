/*
 * org.example.sensor - a temperature sensor on a two-wire bus, and the bus's controller.
 * Specification: README.md. The sensor has four registers of 16 bits behind a pointer, as an LM75
 * has; a guest reaches them by transfers, which take the time of their bits at 100 kHz.
 * Not modelled: other chips on the bus, clock stretching, arbitration.
 *
 * What it measures is made up: from `temperature` up by `step` with each sample, and down again
 * from `temperature` + `swing`.
 */
#include <backplane/if/fdt.h>
#include <backplane/if/state.h>
#include <backplane/lib/log.h>
#include <backplane/lib/regs.h>
#include <backplane/plugin.h>

/* The controller's registers. */
enum { ID, ADDR, REG, DATA, CMD, STATUS, MASK, N_REGS };

#define ID_VALUE     0x534e5331u /* "SNS1" */
#define CMD_READ     1u
#define CMD_WRITE    2u
#define STATUS_BUSY  (1u << 0)
#define STATUS_DONE  (1u << 1)
#define STATUS_NACK  (1u << 2)
#define STATUS_ALERT (1u << 3) /* the sensor's alert pin */
#define STATUS_W1C   (STATUS_DONE | STATUS_NACK)
#define STATUS_ALL   (STATUS_BUSY | STATUS_W1C | STATUS_ALERT)

/* The sensor's registers; temperatures are centikelvin. */
enum { TEMP, CONFIG, LOW, HIGH, N_SENSOR_REGS };

#define CONFIG_SHUTDOWN 1u
#define LOW_RESET       34815u /* 75 degrees Celsius */
#define HIGH_RESET      35315u /* 80 */

/* Start, stop, and nine bits for each byte: address, pointer, (address again,) two of data. */
#define BIT_NS            UINT64_C(10000)
#define TRANSFER_READ_NS  ((2 + 5 * 9) * BIT_NS)
#define TRANSFER_WRITE_NS ((2 + 4 * 9) * BIT_NS)

#define TEMPERATURE_MAX_MK 600000u
#define SWING_MAX_MK       50000u

enum { LINE_ALERT };

struct sensor {
    struct bp_regs regs;
    const struct bp_host *host;
    bp_handle transfer_timer;
    bp_handle sample_timer;
    uint64_t transfer_end_ns; /* while STATUS.BUSY */
    uint64_t next_sample_ns;  /* while not CONFIG.SHUTDOWN */
    uint32_t now_mk;          /* of the world around the sensor */
    uint32_t is_falling;
    uint32_t sensor[N_SENSOR_REGS];
    /* properties */
    uint32_t temperature_mk;
    uint32_t swing_mk;
    uint32_t step_mk;
    uint32_t period_ms;
    uint32_t address;
};

static void update_irq(struct sensor *s)
{
    s->host->irq_set(s->host, LINE_ALERT, s->regs.v[STATUS] & s->regs.v[MASK]);
}

/* --- The sensor ------------------------------------------------------------------------------- */

/* Between the thresholds the pin stays as it is. */
static void compare(struct sensor *s)
{
    if (s->sensor[TEMP] >= s->sensor[HIGH])
        s->regs.v[STATUS] |= STATUS_ALERT;
    else if (s->sensor[TEMP] < s->sensor[LOW])
        s->regs.v[STATUS] &= ~STATUS_ALERT;
    update_irq(s);
}

static uint64_t period_ns(const struct sensor *s)
{
    return s->period_ms * UINT64_C(1000000);
}

static void measure(struct sensor *s)
{
    uint32_t top_mk = s->temperature_mk + s->swing_mk;

    s->sensor[TEMP] = s->now_mk / 10;
    if (s->is_falling)
        s->now_mk -=
            s->now_mk - s->temperature_mk < s->step_mk ? s->now_mk - s->temperature_mk : s->step_mk;
    else
        s->now_mk += top_mk - s->now_mk < s->step_mk ? top_mk - s->now_mk : s->step_mk;
    if (s->now_mk == top_mk || s->now_mk == s->temperature_mk)
        s->is_falling = s->now_mk == top_mk && s->swing_mk != 0;
    compare(s);
}

static void sample(void *dev)
{
    struct sensor *s = dev;

    measure(s);
    s->next_sample_ns += period_ns(s);
    s->host->timer_arm(s->host, s->sample_timer, s->next_sample_ns);
}

static void config_write(struct sensor *s, uint32_t value)
{
    uint32_t was = s->sensor[CONFIG];

    s->sensor[CONFIG] = value & CONFIG_SHUTDOWN;
    if (was == s->sensor[CONFIG])
        return;
    if (s->sensor[CONFIG] & CONFIG_SHUTDOWN) {
        s->host->timer_cancel(s->host, s->sample_timer);
        return;
    }
    s->next_sample_ns = s->host->clock_ns(s->host) + period_ns(s);
    s->host->timer_arm(s->host, s->sample_timer, s->next_sample_ns);
}

static void sensor_write(struct sensor *s, uint32_t reg, uint32_t value)
{
    if (reg == TEMP)
        return; /* it answers, and keeps what it has measured */
    if (reg == CONFIG) {
        config_write(s, value);
        return;
    }
    s->sensor[reg] = value;
    compare(s);
}

/* --- The controller --------------------------------------------------------------------------- */

/* ADDR, REG and DATA count as they are when the transfer ends. */
static void transfer_ended(void *dev)
{
    struct sensor *s = dev;
    uint32_t command = s->regs.v[CMD], reg = s->regs.v[REG];

    s->regs.v[CMD] = 0;
    s->regs.v[STATUS] = (s->regs.v[STATUS] & ~STATUS_BUSY) | STATUS_DONE;
    if (s->regs.v[ADDR] != s->address || reg >= N_SENSOR_REGS)
        s->regs.v[STATUS] |= STATUS_NACK;
    else if (command == CMD_READ)
        s->regs.v[DATA] = s->sensor[reg];
    else
        sensor_write(s, reg, s->regs.v[DATA]);
    update_irq(s);
}

static void cmd_write(void *dev, uint32_t value)
{
    struct sensor *s = dev;

    if (s->regs.v[STATUS] & STATUS_BUSY) {
        bp_guest_logf(s->host, "CMD = %u during a transfer: ignored", value);
        return;
    }
    if (value != CMD_READ && value != CMD_WRITE) {
        bp_guest_logf(s->host, "CMD = %u: neither READ (1) nor WRITE (2)", value);
        return;
    }
    s->regs.v[CMD] = value;
    s->regs.v[STATUS] |= STATUS_BUSY;
    s->transfer_end_ns =
        s->host->clock_ns(s->host) + (value == CMD_READ ? TRANSFER_READ_NS : TRANSFER_WRITE_NS);
    s->host->timer_arm(s->host, s->transfer_timer, s->transfer_end_ns);
}

static void status_or_mask_write(void *dev, uint32_t value)
{
    (void)value;
    update_irq(dev);
}

static const struct bp_reg sensor_regs[N_REGS] = {
    [ID] = {"ID", 0x00, ID_VALUE, 0, 0, NULL, NULL},
    [ADDR] = {"ADDR", 0x04, 0, 0x7f, 0, NULL, NULL},
    [REG] = {"REG", 0x08, 0, 0xff, 0, NULL, NULL},
    [DATA] = {"DATA", 0x0c, 0, 0xffff, 0, NULL, NULL},
    [CMD] = {"CMD", 0x10, 0, 0, 0, NULL, cmd_write},
    [STATUS] = {"STATUS", 0x14, 0, 0, STATUS_W1C, NULL, status_or_mask_write},
    [MASK] = {"MASK", 0x18, 0, STATUS_W1C | STATUS_ALERT, 0, NULL, status_or_mask_write},
};

/* --- Life cycle ------------------------------------------------------------------------------- */

static int32_t sensor_create(const struct bp_host *host, void *dev)
{
    struct sensor *s = dev;

    s->host = host;
    bp_regs_init(&s->regs, sensor_regs, N_REGS);
    return BP_OK;
}

static int32_t sensor_realize(void *dev)
{
    struct sensor *s = dev;
    int32_t status = s->host->timer_create(s->host, transfer_ended, &s->transfer_timer);

    return status == BP_OK ? s->host->timer_create(s->host, sample, &s->sample_timer) : status;
}

static void sensor_reset(void *dev, uint32_t kind)
{
    struct sensor *s = dev;

    bp_regs_reset(dev, kind);
    s->transfer_end_ns = 0;
    s->next_sample_ns = 0;
    s->now_mk = s->temperature_mk;
    s->is_falling = 0;
    s->sensor[TEMP] = 0;
    s->sensor[CONFIG] = CONFIG_SHUTDOWN;
    s->sensor[LOW] = LOW_RESET;
    s->sensor[HIGH] = HIGH_RESET;
}

/* No farther than it can be. */
static uint64_t deadline(uint64_t saved_ns, uint64_t now_ns, uint64_t longest_ns)
{
    return saved_ns < now_ns || saved_ns - now_ns > longest_ns ? now_ns : saved_ns;
}

/* A snapshot may have been written by hand: registers get only the bits that they have. */
static void sensor_load_commit(void *dev, const struct bp_state_reader *r)
{
    struct sensor *s = dev;
    uint64_t now_ns = s->host->clock_ns(s->host);

    (void)r;
    s->regs.v[ID] = ID_VALUE;
    s->regs.v[ADDR] &= 0x7f;
    s->regs.v[REG] &= 0xff;
    s->regs.v[DATA] &= 0xffff;
    s->regs.v[STATUS] &= STATUS_ALL;
    s->regs.v[MASK] &= STATUS_W1C | STATUS_ALERT;
    s->sensor[CONFIG] &= CONFIG_SHUTDOWN;
    if (s->now_mk < s->temperature_mk)
        s->now_mk = s->temperature_mk;
    if (s->now_mk > s->temperature_mk + s->swing_mk)
        s->now_mk = s->temperature_mk + s->swing_mk;
    if (s->regs.v[STATUS] & STATUS_BUSY) {
        s->transfer_end_ns = deadline(s->transfer_end_ns, now_ns, TRANSFER_READ_NS);
        s->host->timer_arm(s->host, s->transfer_timer, s->transfer_end_ns);
    }
    if (!(s->sensor[CONFIG] & CONFIG_SHUTDOWN)) {
        s->next_sample_ns = deadline(s->next_sample_ns, now_ns, period_ns(s));
        s->host->timer_arm(s->host, s->sample_timer, s->next_sample_ns);
    }
    update_irq(s);
}

/* Where the driver finds the sensor on the bus. */
static void sensor_describe_fdt(const void *dev, const struct bp_fdt_writer *w)
{
    const struct sensor *s = dev;

    w->prop_u32(w, "example,bus-address", s->address);
}

/* --- Tables ----------------------------------------------------------------------------------- */

static const struct bp_region regions[] = {
    {.name = "regs",
     .size = 0x1000,
     .kind = BP_MMIO,
     .widths = BP_W32,
     .regs = BP_TABLE(sensor_regs)},
};

static const struct bp_line lines[] = {
    [LINE_ALERT] = {.name = "alert", .trigger = BP_LEVEL_HIGH},
};

static const struct bp_property properties[] = {
    BP_PROP_U32(struct sensor, temperature_mk, "temperature", "293150", 1000, TEMPERATURE_MAX_MK,
                "The lowest temperature, in millikelvin; what is measured first."),
    BP_PROP_U32(struct sensor, swing_mk, "swing", "10000", 0, SWING_MAX_MK,
                "How far the temperature rises before it falls again, in millikelvin."),
    BP_PROP_U32(struct sensor, step_mk, "step", "250", 1, SWING_MAX_MK,
                "How much it changes from one sample to the next, in millikelvin."),
    BP_PROP_U32(struct sensor, period_ms, "period", "100", 1, 3600000,
                "Time between two samples, in milliseconds."),
    BP_PROP_U32(struct sensor, address, "address", "0x48", 0x08, 0x77,
                "The sensor's address on the two-wire bus."),
};

static const struct bp_field fields[] = {
    BP_FIELD_REGS(struct sensor, regs, N_REGS),
    BP_FIELD_U64(struct sensor, transfer_end_ns),
    BP_FIELD_U64(struct sensor, next_sample_ns),
    BP_FIELD_U32_MAX(struct sensor, now_mk, TEMPERATURE_MAX_MK + SWING_MAX_MK),
    BP_FIELD_U32_MAX(struct sensor, is_falling, 1),
    BP_FIELD_U32_MAX(struct sensor, sensor, 0xffff),
};

static const struct bp_class sensor = {
    .struct_size = sizeof(struct bp_class),
    .id = "org.example.sensor",
    .version = "1.0",
    .summary = "temperature sensor on a two-wire bus, with its controller",
    .instance_size = sizeof(struct sensor),
    .state_version = 1,
    .regions = BP_TABLE(regions),
    .lines = BP_TABLE(lines),
    .properties = BP_TABLE(properties),
    .state = BP_TABLE(fields),
    .dt_name = "sensor",
    .dt_compatible = "example,sensor-1\0",
    .create = sensor_create,
    .realize = sensor_realize,
    .describe_fdt = sensor_describe_fdt,
    .reset = sensor_reset,
    .load_commit = sensor_load_commit,
    .read = bp_regs_read,
    .write = bp_regs_write,
};
BP_PLUGIN("org.example.sensor", "1.0", &sensor);
