/* PL011: what its files share. Its place in a machine is in pl011.c, the registers in registers.c,
 * the receiver and the transmitter in chip.c. */
#ifndef PL011_H
#define PL011_H

#include <backplane/device.h>
#include <backplane/if/char.h>
#include <backplane/lib/fifo.h>
#include <backplane/lib/pace.h>
#include <backplane/lib/regs.h>

#define FIFO_DEPTH  32u /* of revision r1p5 */
#define QUEUE_DEPTH 64u /* the transmitter's FIFO, and as much hidden behind it */
#define POLLING     16u /* no driver reads FR so often for another reason */

#define RSR_OE    0x08u
#define LCR_H_FEN 0x10u
#define CR_UARTEN 0x0001u
#define CR_LBE    0x0080u
#define CR_TXE    0x0100u
#define CR_RXE    0x0200u
#define CR_DTR    0x0400u
#define CR_RTS    0x0800u
#define CR_OUT1   0x1000u
#define CR_OUT2   0x2000u

/* Of IMSC, RIS, MIS and ICR. Nobody sends frames that are wrong: of the errors there is one. */
#define INT_RI  0x001u
#define INT_CTS 0x002u
#define INT_DCD 0x004u
#define INT_DSR 0x008u
#define INT_RX  0x010u
#define INT_TX  0x020u
#define INT_RT  0x040u
#define INT_OE  0x400u

enum { LINE_OUT };  /* lines */
enum { LINK_CHAR }; /* links */

/* clang-format off */
enum {
    DR, RSR_ECR, FR, ILPR, IBRD, FBRD, LCR_H, CR, IFLS, IMSC, RIS, MIS, ICR, DMACR,
    PID0, PID1, PID2, PID3, CID0, CID1, CID2, CID3, N_REGS
};
/* clang-format on */

struct uart {
    struct bp_regs regs; /* first member */
    const struct bp_host *host;
    const struct bp_char *chars;
    uint32_t clock_hz;
    uint32_t speed; /* bit/s; 0: not told to the guest */
    uint32_t connected;
    uint32_t more;          /* the backend may have bytes that were not fetched */
    uint32_t flush_planned; /* a deferred flush is on its way */
    uint32_t fetch_planned; /* the timer is armed for when there is credit again */
    bp_handle timer;
    struct bp_pace pace; /* of what is fetched */
    uint32_t inputs;     /* of the modem, as bits of RIS, when last seen */
    uint8_t attention;   /* how far the driver was when last seen; 0: no interrupts wanted */
    uint8_t probing;     /* the timer is armed for when a driver is seen to listen */
    uint8_t rx_reached;  /* the receiver was at its trigger level when last seen */
    uint8_t overrun;     /* DR.OE for the next character */
    uint8_t polls; /* reads of FR in a row that found nothing to do; POLLING: the guest waits */
    struct bp_fifo rx;
    struct bp_fifo tx; /* FIFO and hidden queue */
};

extern const struct bp_reg uart_regs[N_REGS];

/* Everything that moves bytes ends with uart_update_irq, the only place that drives the line. */
void uart_update_irq(struct uart *s);

/* Characters that fit into a FIFO; those in the transmitter, as the guest sees it, and how many of
 * them interrupt when they become so few; the modem's inputs, as bits of RIS. */
uint32_t uart_depth(const struct uart *s);
uint32_t uart_tx_level(const struct uart *s);
uint32_t uart_tx_trigger(const struct uart *s);
uint32_t uart_modem_inputs(const struct uart *s);

/* A character from the guest, outwards or back to it. */
void uart_transmit(struct uart *s, uint8_t byte);
void uart_receive_loop(struct uart *s, uint8_t byte);

/* Takes bytes from the backend as far as they fit; gives it those that are on their way. */
void uart_fetch(struct uart *s);
void uart_fetch_later(void *dev);
void uart_flush(struct uart *s);

/* After what the receiver holds, or its level, has changed; after CR or IMSC have. */
void uart_update_rx(struct uart *s);
void uart_watch_driver(struct uart *s);

void uart_reset(void *dev, uint32_t kind);
void uart_start(void *dev);

/* After a load: nothing in the registers but what a guest could have brought about, and what was
 * last seen is what they say. */
void uart_settle_registers(struct uart *s);
void uart_look_again(struct uart *s);

#endif
