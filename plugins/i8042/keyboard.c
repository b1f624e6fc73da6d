/*
 * The keyboard: commands and answers (IBM PS/2 Technical Reference, 101- and 102-key keyboards,
 * "Commands from the system"). No key is ever pressed; key types of set 3 are not modelled.
 */
#include "i8042.h"

#define SET_LEDS     0xedu /* a parameter follows */
#define ECHO         0xeeu
#define SCAN_SET     0xf0u /* a parameter follows */
#define IDENTIFY     0xf2u
#define SET_RATE     0xf3u /* a parameter follows */
#define ENABLE       0xf4u
#define DISABLE      0xf5u
#define SET_DEFAULTS 0xf6u
#define RESEND       0xfeu
#define RESET        0xffu

#define ACK           0xfau
#define TEST_PASSED   0xaau
#define DEFAULT_RATE  0x2bu /* 10.9 characters a second after half a second */
#define DEFAULT_SET   2u
#define FIRST_COMMAND 0x80u /* parameters are below */

static void send(struct keyboard *k, uint8_t byte)
{
    if (bp_fifo_room(&k->out, KEYBOARD_FIFO))
        bp_fifo_push(&k->out, byte);
    k->last = byte;
}

static void set_defaults(struct keyboard *k, uint8_t scanning)
{
    k->scanning = scanning;
    k->rate = DEFAULT_RATE;
    k->scan_set = DEFAULT_SET;
}

void keyboard_reset(struct keyboard *k)
{
    bp_fifo_clear(&k->out);
    k->expects = k->last = k->leds = 0;
    set_defaults(k, 1);
}

/* 0: there is no such value. */
static int take_parameter(struct keyboard *k, uint8_t command, uint8_t value)
{
    switch (command) {
    case SET_LEDS:
        k->leds = value & 7;
        break;
    case SET_RATE:
        k->rate = value;
        break;
    default: /* SCAN_SET; 0 asks for the set in use */
        if (value > 3)
            return 0;
        if (value)
            k->scan_set = value;
    }
    send(k, ACK);
    if (command == SCAN_SET && !value)
        send(k, k->scan_set);
    return 1;
}

/* Commands that empty the keyboard's queue. */
static void start_over(struct keyboard *k, uint8_t scanning)
{
    bp_fifo_clear(&k->out);
    set_defaults(k, scanning);
    send(k, ACK);
}

/* 0: there is no such command. */
static int take_command(struct keyboard *k, uint8_t command)
{
    switch (command) {
    case SET_LEDS:
    case SCAN_SET:
    case SET_RATE:
        k->expects = command;
        send(k, ACK);
        return 1;
    case ECHO:
        send(k, ECHO);
        return 1;
    case IDENTIFY:
        send(k, ACK);
        send(k, 0xab);
        send(k, 0x83);
        return 1;
    case ENABLE:
        bp_fifo_clear(&k->out);
        k->scanning = 1;
        send(k, ACK);
        return 1;
    case DISABLE:
        start_over(k, 0);
        return 1;
    case SET_DEFAULTS:
        start_over(k, 1);
        return 1;
    case RESEND:
        send(k, k->last);
        return 1;
    case RESET:
        keyboard_reset(k);
        send(k, ACK);
        send(k, TEST_PASSED);
        return 1;
    default:
        return 0;
    }
}

int keyboard_receive(struct keyboard *k, uint8_t byte)
{
    uint8_t command = k->expects;
    int known;

    k->expects = 0;
    if (command && byte < FIRST_COMMAND)
        known = take_parameter(k, command, byte);
    else
        known = take_command(k, byte);
    if (!known)
        send(k, RESEND);
    return known;
}
