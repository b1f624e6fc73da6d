/* What the files of i8042 share: the controller is in i8042.c, the keyboard in keyboard.c. */
#ifndef I8042_H
#define I8042_H

#include <backplane/device.h>
#include <backplane/lib/fifo.h>

#define KEYBOARD_FIFO 16u /* bytes that it keeps until the controller takes them */

struct keyboard {
    struct bp_fifo out;
    uint8_t expects;  /* the command whose parameter comes next, 0: none */
    uint8_t last;     /* what it sent last, for 0xfe */
    uint8_t scanning; /* keys would be sent */
    uint8_t leds;
    uint8_t rate;
    uint8_t scan_set; /* 1-3 */
};

/* The keyboard as after its power-on test, whose result nobody has to fetch any more. */
void keyboard_reset(struct keyboard *k);

/* A byte for the keyboard: the answer is in `out`. Gives 0 if it is no command. */
int keyboard_receive(struct keyboard *k, uint8_t byte);

#define KEYBOARD_FIELDS(instance, member)                                                          \
    BP_FIELD_FIFO(instance, member.out, KEYBOARD_FIFO, "keyboard.out", "keyboard.n"),              \
        BP_FIELD_U8(instance, member.expects), BP_FIELD_U8(instance, member.last),                 \
        BP_FIELD_U8_MAX(instance, member.scanning, 1), BP_FIELD_U8_MAX(instance, member.leds, 7),  \
        BP_FIELD_U8_MAX(instance, member.rate, 0x7f),                                              \
        BP_FIELD_U8_MAX(instance, member.scan_set, 3)

#endif
