/* NS16550A: what its files share. The chip is in chip.c, its place in a machine in uart16550.c. */
#ifndef UART16550_H
#define UART16550_H

#include <backplane/device.h>
#include <backplane/if/char.h>
#include <backplane/lib/fifo.h>
#include <backplane/lib/pace.h>

#define FIFO_DEPTH  16u
#define QUEUE_DEPTH 64u /* hidden, behind the transmitter */
#define POLLING     16u /* no driver reads LSR so often for another reason */
#define IER_ALL     0x0fu
#define MCR_ALL     0x1fu
#define LSR_ERRORS  0x1eu /* OE, PE, FE, BI */

enum { REGS, PORTS }; /* regions */
enum { LINE_OUT };    /* lines */
enum { LINK_CHAR };   /* links */

struct uart {
    const struct bp_host *host;
    const struct bp_char *chars;
    uint32_t clock_hz;
    uint32_t speed; /* bit/s; 0: not told to the guest */
    uint32_t reg_shift;
    uint32_t reg_io_width; /* bytes */
    uint32_t connected;
    uint32_t more;          /* the backend may have bytes that were not fetched */
    uint32_t flush_planned; /* a deferred flush is on its way */
    bp_handle timer;        /* fetches when there is credit again */
    uint32_t fetch_planned; /* it is armed for that */
    uint32_t probing;       /* it is armed for when a driver is seen to listen */
    struct bp_pace pace;    /* of what is fetched */
    uint8_t ier;
    uint8_t fcr;
    uint8_t lcr;
    uint8_t mcr;
    uint8_t errors; /* LSR bits 1-4 */
    uint8_t msr;
    uint8_t scr;
    uint8_t dll;
    uint8_t dlm;
    uint8_t polls;    /* reads of LSR in a row that found nothing to do; POLLING: the guest waits */
    uint8_t thre_irq; /* the transmitter has become empty, and nobody has seen it */
    struct bp_fifo rx;
    struct bp_fifo tx; /* the hidden queue */
};

/* Everything that moves bytes ends with uart_update_irq, the only place that drives the line. */
void uart_update_irq(struct uart *s);

/* Takes bytes from the backend as far as they fit; gives it those that are on their way. */
void uart_fetch(struct uart *s);
void uart_fetch_later(void *dev);
void uart_flush(struct uart *s);

/* The chip's registers as a class's read, write and reset. */
uint64_t uart_read(void *dev, uint32_t region, uint64_t offset, uint32_t width);
void uart_write(void *dev, uint32_t region, uint64_t offset, uint32_t width, uint64_t value);
void uart_reset(void *dev, uint32_t kind);

#endif
