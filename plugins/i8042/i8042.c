/*
 * i8042 - the PC's keyboard controller, with a keyboard, and nothing at its auxiliary port.
 * Specification: IBM PS/2 Hardware Interface Technical Reference, "Keyboard and Auxiliary Device
 * Controller" (October 1990).
 * After a reset it is as PC firmware leaves it to an operating system: tested, the keyboard enabled
 * with interrupt and translation to scan set 1, the auxiliary port off.
 * Not modelled: keys (nobody presses any), a mouse (what is sent to it is answered by a time-out),
 * the password, the diagnostic dump, polling of the input port, and what A20 does to addresses (the
 * bit can be set and read). Bytes are carried at once, so the input buffer is never full.
 */
#include "i8042.h"

#include <backplane/if/acpi.h>
#include <backplane/if/power.h>
#include <backplane/lib/log.h>
#include <backplane/plugin.h>

#define STATUS_OBF      0x01u /* output buffer full */
#define STATUS_SYS      0x04u /* self-test passed */
#define STATUS_COMMAND  0x08u /* the last write was to port 0x64 */
#define STATUS_UNLOCKED 0x10u /* no key lock */
#define STATUS_AUX      0x20u /* the output buffer is from the auxiliary port */
#define STATUS_TIMEOUT  0x40u
#define STATUS_OF_BYTE  (STATUS_OBF | STATUS_AUX | STATUS_TIMEOUT)

#define MODE_KBD_INT   0x01u
#define MODE_AUX_INT   0x02u
#define MODE_SYS       0x04u
#define MODE_KBD_OFF   0x10u
#define MODE_AUX_OFF   0x20u
#define MODE_TRANSLATE 0x40u
#define MODE_BITS      0x7fu /* bit 7 is reserved */

#define OUT_NO_RESET 0x01u
#define OUT_A20      0x02u
#define OUT_KBD_IRQ  0x10u
#define OUT_AUX_IRQ  0x20u
#define OUT_IDLE     0xc0u /* the clock and data lines of both ports are high */

#define INPUT_UNLOCKED 0x80u

#define READ_RAM     0x20u /* to 0x3f: byte n & 0x1f; byte 0 is the command byte */
#define WRITE_RAM    0x60u /* to 0x7f, a parameter follows */
#define TEST_PASS    0xa4u
#define AUX_DISABLE  0xa7u
#define AUX_ENABLE   0xa8u
#define AUX_TEST     0xa9u
#define SELF_TEST    0xaau
#define KBD_TEST     0xabu
#define KBD_DISABLE  0xadu
#define KBD_ENABLE   0xaeu
#define READ_INPUT   0xc0u
#define READ_OUTPUT  0xd0u
#define WRITE_OUTPUT 0xd1u /* a parameter follows, up to WRITE_AUX */
#define WRITE_KBD_OB 0xd2u
#define WRITE_AUX_OB 0xd3u
#define WRITE_AUX    0xd4u
#define READ_TESTS   0xe0u
#define PULSE        0xf0u /* to 0xff: pulses the output port's bits that are 0 in the low nibble */

#define RAM_BYTES 32u
#define MODE      0u /* in RAM */

enum { DATA, COMMAND };      /* regions */
enum { LINE_KBD, LINE_AUX }; /* lines */

struct i8042 {
    const struct bp_host *host;
    const struct bp_power *power;
    struct keyboard keyboard;
    uint8_t ob; /* the output buffer, and its bits of the status register */
    uint8_t ob_status;
    uint8_t reply; /* of the controller: waits until the output buffer has been read */
    uint8_t reply_status;
    uint8_t expects;      /* the command whose parameter comes next to port 0x60, 0: none */
    uint8_t last_command; /* STATUS_COMMAND or 0 */
    uint8_t a20;          /* OUT_A20 or 0 */
    uint8_t ram[RAM_BYTES];
};

/* --- the output buffer ------------------------------------------------------------------------ */
static void update_irq(struct i8042 *s)
{
    uint32_t full = s->ob_status & STATUS_OBF, aux = s->ob_status & STATUS_AUX;

    s->host->irq_set(s->host, LINE_KBD, full && !aux && (s->ram[MODE] & MODE_KBD_INT));
    s->host->irq_set(s->host, LINE_AUX, full && aux && (s->ram[MODE] & MODE_AUX_INT));
}

/* Scan set 2 to set 1, for the bytes that this keyboard sends: no keys, but numbers of scan sets
 * and the second byte of its id go through the controller's table like keys. */
static uint8_t translate(const struct i8042 *s, uint8_t byte)
{
    static const uint8_t sets[] = {0xff, 0x43, 0x41, 0x3f};

    if (!(s->ram[MODE] & MODE_TRANSLATE))
        return byte;
    if (byte == 0x83)
        return 0x41;
    return byte < sizeof(sets) ? sets[byte] : byte;
}

/* The next byte comes when the last was read: lines that were high have been low between. */
static void fill_buffer(struct i8042 *s)
{
    if (s->ob_status & STATUS_OBF)
        return;
    if (s->reply_status & STATUS_OBF) {
        s->ob = s->reply;
        s->ob_status = s->reply_status;
        s->reply = s->reply_status = 0;
    } else if (s->keyboard.out.n && !(s->ram[MODE] & MODE_KBD_OFF)) {
        s->ob = translate(s, bp_fifo_pop(&s->keyboard.out));
        s->ob_status = STATUS_OBF;
    }
    update_irq(s);
}

static void reply(struct i8042 *s, uint32_t byte, uint32_t status)
{
    s->reply = (uint8_t)byte;
    s->reply_status = (uint8_t)(STATUS_OBF | status);
    fill_buffer(s);
}

/* --- commands to port 0x64 -------------------------------------------------------------------- */
static uint32_t output_port(const struct i8042 *s)
{
    uint32_t irqs = 0;

    if (s->ob_status & STATUS_OBF)
        irqs = s->ob_status & STATUS_AUX ? OUT_AUX_IRQ : OUT_KBD_IRQ;
    return OUT_IDLE | OUT_NO_RESET | s->a20 | irqs;
}

static void write_output_port(struct i8042 *s, uint8_t value)
{
    s->a20 = value & OUT_A20;
    if (!(value & OUT_NO_RESET))
        s->power->request(s->host, BP_POWER_RESET, 0);
}

static void set_mode(struct i8042 *s, uint32_t mode)
{
    s->ram[MODE] = (uint8_t)(mode & MODE_BITS);
    update_irq(s);
    fill_buffer(s);
}

/* Commands that have a number in their low bits. */
static int take_range(struct i8042 *s, uint8_t command)
{
    if ((command & ~(RAM_BYTES - 1)) == READ_RAM) {
        reply(s, s->ram[command & (RAM_BYTES - 1)], 0);
    } else if ((command & ~(RAM_BYTES - 1)) == WRITE_RAM) {
        s->expects = command;
    } else if (command >= PULSE) {
        if (!(command & OUT_NO_RESET))
            s->power->request(s->host, BP_POWER_RESET, 0);
    } else {
        return 0;
    }
    return 1;
}

static void take_command(struct i8042 *s, uint8_t command)
{
    uint32_t mode = s->ram[MODE];

    switch (command) {
    case TEST_PASS: /* no password is set */
        reply(s, 0xf1, 0);
        return;
    case AUX_DISABLE:
        set_mode(s, mode | MODE_AUX_OFF);
        return;
    case AUX_ENABLE:
        set_mode(s, mode & ~MODE_AUX_OFF);
        return;
    case AUX_TEST: /* no error: the lines are high */
    case KBD_TEST:
        reply(s, 0x00, 0);
        return;
    case SELF_TEST:
        set_mode(s, mode | MODE_SYS);
        reply(s, 0x55, 0);
        return;
    case KBD_DISABLE:
        set_mode(s, mode | MODE_KBD_OFF);
        return;
    case KBD_ENABLE:
        set_mode(s, mode & ~MODE_KBD_OFF);
        return;
    case READ_INPUT:
        reply(s, INPUT_UNLOCKED, 0);
        return;
    case READ_OUTPUT:
        reply(s, output_port(s), 0);
        return;
    case READ_TESTS: /* both clock lines are low while the controller works */
        reply(s, 0x00, 0);
        return;
    case WRITE_OUTPUT:
    case WRITE_KBD_OB:
    case WRITE_AUX_OB:
    case WRITE_AUX:
        s->expects = command;
        return;
    default:
        if (!take_range(s, command))
            bp_guest_logf(s->host, "command 0x%x is not known", command);
    }
}

/* --- bytes to port 0x60 ----------------------------------------------------------------------- */
static void take_parameter(struct i8042 *s, uint8_t command, uint8_t value)
{
    switch (command) {
    case WRITE_RAM:
        set_mode(s, value);
        return;
    case WRITE_OUTPUT:
        write_output_port(s, value);
        return;
    case WRITE_KBD_OB:
        reply(s, value, 0);
        return;
    case WRITE_AUX_OB:
        reply(s, value, STATUS_AUX);
        return;
    case WRITE_AUX: /* enables the port; nobody is there to answer */
        set_mode(s, s->ram[MODE] & ~MODE_AUX_OFF);
        reply(s, 0xfe, STATUS_AUX | STATUS_TIMEOUT);
        return;
    default:
        s->ram[command & (RAM_BYTES - 1)] = value;
    }
}

static void send_to_keyboard(struct i8042 *s, uint8_t value)
{
    if (!keyboard_receive(&s->keyboard, value))
        bp_guest_logf(s->host, "0x%x is not known to the keyboard", value);
    set_mode(s, s->ram[MODE] & ~MODE_KBD_OFF); /* sending to it enables it */
}

static uint64_t i8042_read(void *dev, uint32_t region, uint64_t offset, uint32_t width)
{
    struct i8042 *s = dev;
    uint8_t value = s->ob;

    (void)offset;
    (void)width;
    if (region == COMMAND)
        return STATUS_UNLOCKED | s->last_command | s->ob_status |
               (s->ram[MODE] & MODE_SYS ? STATUS_SYS : 0);
    s->ob_status = 0; /* the byte itself can be read again */
    update_irq(s);
    fill_buffer(s);
    return value;
}

static void i8042_write(void *dev, uint32_t region, uint64_t offset, uint32_t width, uint64_t value)
{
    struct i8042 *s = dev;
    uint8_t expects = s->expects;

    (void)offset;
    (void)width;
    s->expects = 0;
    s->last_command = region == COMMAND ? STATUS_COMMAND : 0;
    if (region == COMMAND)
        take_command(s, (uint8_t)value);
    else if (expects)
        take_parameter(s, expects, (uint8_t)value);
    else
        send_to_keyboard(s, (uint8_t)value);
}

/* --- life cycle ------------------------------------------------------------------------------- */
static void i8042_load_commit(void *dev, const struct bp_state_reader *r)
{
    struct i8042 *s = dev;

    (void)r;
    if (!s->keyboard.scan_set)
        s->keyboard.scan_set = 2;
    s->ram[MODE] &= MODE_BITS;
    s->ob_status &= STATUS_OF_BYTE;
    s->reply_status &= STATUS_OF_BYTE;
    s->last_command &= STATUS_COMMAND;
    s->a20 &= OUT_A20;
    update_irq(s);
}

static void i8042_describe_acpi(const void *dev, const struct bp_acpi_writer *w)
{
    (void)dev;
    w->fixed_features(w, BP_ACPI_HAS_I8042);
}

static void i8042_reset(void *dev, uint32_t kind)
{
    struct i8042 *s = dev;

    (void)kind;
    keyboard_reset(&s->keyboard);
    s->ob = s->ob_status = s->reply = s->reply_status = s->expects = s->last_command = 0;
    s->a20 = OUT_A20;
    for (uint32_t i = 0; i < RAM_BYTES; i++)
        s->ram[i] = 0;
    s->ram[MODE] = MODE_KBD_INT | MODE_SYS | MODE_AUX_OFF | MODE_TRANSLATE;
}

static int32_t i8042_create(const struct bp_host *host, void *dev)
{
    struct i8042 *s = dev;

    s->host = host;
    s->power = host->get_interface(host, BP_POWER_ID);
    return BP_OK;
}

/* --- tables ----------------------------------------------------------------------------------- */
static const char *const needs[] = {BP_POWER_ID, NULL};

static const struct bp_region regions[] = {
    [DATA] = {.name = "data", .size = 1, .kind = BP_PIO, .widths = BP_W8},
    [COMMAND] = {.name = "command", .size = 1, .kind = BP_PIO, .widths = BP_W8},
};

static const struct bp_line lines[] = {
    [LINE_KBD] = {.name = "kbd", .trigger = BP_EDGE_RISING},
    [LINE_AUX] = {.name = "aux", .trigger = BP_EDGE_RISING, .flags = BP_LINE_OPTIONAL},
};

static const struct bp_field fields[] = {
    KEYBOARD_FIELDS(struct i8042, keyboard), BP_FIELD_U8(struct i8042, ob),
    BP_FIELD_U8(struct i8042, ob_status),    BP_FIELD_U8(struct i8042, reply),
    BP_FIELD_U8(struct i8042, reply_status), BP_FIELD_U8(struct i8042, expects),
    BP_FIELD_U8(struct i8042, last_command), BP_FIELD_U8(struct i8042, a20),
    BP_FIELD_U8(struct i8042, ram),
};

static const struct bp_class i8042 = {
    .struct_size = sizeof(struct bp_class),
    .id = "i8042",
    .version = "1.0",
    .summary = "PC keyboard controller with a keyboard",
    .instance_size = sizeof(struct i8042),
    .state_version = 1,
    .needs = needs,
    .arch = "x86_64",
    .regions = BP_TABLE(regions),
    .lines = BP_TABLE(lines),
    .state = BP_TABLE(fields),
    .acpi_hid = "PNP0303",
    .create = i8042_create,
    .describe_acpi = i8042_describe_acpi,
    .reset = i8042_reset,
    .load_commit = i8042_load_commit,
    .read = i8042_read,
    .write = i8042_write,
};
BP_PLUGIN("i8042", "1.0", &i8042);
