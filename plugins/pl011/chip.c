/*
 * The chip's two directions: FIFOs and their interrupts. See pl011.c for specification and limits.
 *
 * Characters that were written are on their way at once, as far as the guest can see; they are
 * gathered in a hidden queue behind the transmitter's FIFO, so that a line of text costs one call
 * of the backend instead of one for each byte. The FIFO fills when the backend takes no more.
 *
 * Characters arrive when the guest listens for them, and wait at the backend until then: drivers
 * empty the FIFO when they start, and what was typed early, or piped in, shall not be lost by that.
 * A guest listens that polls FR, or has enabled the receiver's interrupts and then let a moment
 * pass: Linux' driver enables them long before it enables the UART, and empties the FIFO in
 * between. One for server systems (SBSA) never enables the UART: firmware had to.
 *
 * A driver reads until the FIFO is empty. Input that never ends (a file, another program) would
 * keep it there for ever: after the first few KiB a FIFO's worth comes every two milliseconds.
 */
#include "pl011.h"

enum { INTERESTED = 1, ENABLED }; /* how far a driver is that will be interrupted for input */

#define LISTEN_NS UINT64_C(1000000)   /* longer than any start of a driver */
#define UNSURE_NS UINT64_C(100000000) /* the same while the UART is disabled */

/* 16 a millisecond, which is 16 kB/s */
static const struct bp_pace_rate input_rate = {.byte_ns = 62500, .burst_bytes = 4096};

/* --- pure helpers ----------------------------------------------------------------------------- */
uint32_t uart_depth(const struct uart *s)
{
    return s->regs.v[LCR_H] & LCR_H_FEN ? FIFO_DEPTH : 1;
}

/* 1/8, 1/4, 1/2, 3/4, 7/8 of the FIFO; the other three codes are reserved. */
static uint32_t level_of(uint32_t code)
{
    static const uint8_t levels[] = {4, 8, 16, 24, 28, 28, 28, 28};

    return levels[code & 7];
}

static uint32_t rx_trigger(const struct uart *s)
{
    return s->regs.v[LCR_H] & LCR_H_FEN ? level_of(s->regs.v[IFLS] >> 3) : 1;
}

uint32_t uart_tx_trigger(const struct uart *s)
{
    return s->regs.v[LCR_H] & LCR_H_FEN ? level_of(s->regs.v[IFLS]) : 0;
}

/* Characters in the transmitter, as the guest sees it: those that the hidden queue has no room for.
 */
uint32_t uart_tx_level(const struct uart *s)
{
    return s->tx.n > QUEUE_DEPTH - FIFO_DEPTH ? s->tx.n - (QUEUE_DEPTH - FIFO_DEPTH) : 0;
}

static uint8_t attention_of(const struct uart *s)
{
    if (!(s->regs.v[IMSC] & (INT_RX | INT_RT)))
        return 0;
    return (s->regs.v[CR] & (CR_UARTEN | CR_RXE)) == (CR_UARTEN | CR_RXE) ? ENABLED : INTERESTED;
}

/* The backend's side is always ready; a loop shows the own outputs. As bits of RIS. */
uint32_t uart_modem_inputs(const struct uart *s)
{
    uint32_t cr = s->regs.v[CR];

    if (cr & CR_LBE)
        return (cr & CR_RTS ? INT_CTS : 0) | (cr & CR_DTR ? INT_DSR : 0) |
               (cr & CR_OUT1 ? INT_DCD : 0) | (cr & CR_OUT2 ? INT_RI : 0);
    return s->connected ? INT_CTS | INT_DSR | INT_DCD : 0;
}

void uart_update_irq(struct uart *s)
{
    s->host->irq_set(s->host, LINE_OUT, (s->regs.v[RIS] & s->regs.v[IMSC]) != 0);
}

/* --- the receiver ----------------------------------------------------------------------------- */
/* The trigger level counts when it is reached, not while it is. */
void uart_update_rx(struct uart *s)
{
    uint8_t reached = s->rx.n >= rx_trigger(s);

    if (!reached)
        s->regs.v[RIS] &= ~INT_RX;
    else if (!s->rx_reached)
        s->regs.v[RIS] |= INT_RX;
    s->rx_reached = reached;
    if (!s->rx.n)
        s->regs.v[RIS] &= ~INT_RT;
}

static void receive(struct uart *s, const uint8_t *bytes, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        bp_fifo_push(&s->rx, bytes[i]);
    if (n)
        s->regs.v[RIS] |= INT_RT; /* nothing more comes within the time of 32 bits */
    uart_update_rx(s);
}

void uart_receive_loop(struct uart *s, uint8_t byte)
{
    if (bp_fifo_room(&s->rx, uart_depth(s))) {
        receive(s, &byte, 1);
        return;
    }
    s->overrun = 1;
    s->regs.v[RSR_ECR] |= RSR_OE;
    s->regs.v[RIS] |= INT_OE;
}

static void plan_fetch(struct uart *s)
{
    uint64_t at_ns = bp_pace_ready_ns(&s->pace, &input_rate, FIFO_DEPTH);

    if (!s->fetch_planned)
        s->fetch_planned = s->host->timer_arm(s->host, s->timer, at_ns) == BP_OK;
}

void uart_fetch_later(void *dev)
{
    struct uart *s = dev;

    s->fetch_planned = s->probing = 0;
    uart_fetch(s);
    uart_update_irq(s);
}

static void wait_for_driver(struct uart *s)
{
    uint64_t wait_ns = s->attention == ENABLED ? LISTEN_NS : UNSURE_NS;
    uint64_t at_ns = s->host->clock_ns(s->host) + wait_ns;

    s->probing = s->host->timer_arm(s->host, s->timer, at_ns) == BP_OK;
    s->fetch_planned = 0; /* one timer for both: the fetch follows */
}

/* When the driver has got further in starting up, or down: wait if there is something to be lost.
 */
void uart_watch_driver(struct uart *s)
{
    uint8_t attention = attention_of(s);

    if (attention == s->attention)
        return;
    s->attention = attention;
    s->probing = 0;
    if (attention && s->more)
        wait_for_driver(s);
}

/* Fetches what fits; only while the backend may have something, so that polling costs no calls. */
void uart_fetch(struct uart *s)
{
    uint8_t bytes[FIFO_DEPTH];
    uint32_t room = bp_fifo_room(&s->rx, uart_depth(s));
    uint32_t n;

    if (!s->more || !room || s->fetch_planned || s->probing || (s->regs.v[CR] & CR_LBE) ||
        !(s->attention || s->polls == POLLING))
        return;
    room = bp_pace_take(&s->pace, &input_rate, s->host->clock_ns(s->host), room);
    if (!room) {
        plan_fetch(s);
        return;
    }
    n = s->chars->read(s->host, LINK_CHAR, bytes, room);
    s->more = n == room;
    bp_pace_return(&s->pace, room - n);
    receive(s, bytes, n);
}

/* --- the transmitter -------------------------------------------------------------------------- */
/* Likewise passing the level counts, which a character does that leaves at once. */
void uart_flush(struct uart *s)
{
    int was_above = uart_tx_level(s) > uart_tx_trigger(s);

    if (s->tx.n)
        bp_fifo_drop(&s->tx, s->chars->write(s->host, LINK_CHAR, s->tx.bytes, s->tx.n));
    if (was_above && uart_tx_level(s) <= uart_tx_trigger(s))
        s->regs.v[RIS] |= INT_TX;
}

static void flush_later(void *dev, uint64_t arg)
{
    struct uart *s = dev;

    (void)arg;
    s->flush_planned = 0;
    uart_flush(s);
    uart_update_irq(s);
}

void uart_transmit(struct uart *s, uint8_t byte)
{
    if (bp_fifo_room(&s->tx, QUEUE_DEPTH))
        bp_fifo_push(&s->tx, byte); /* else the driver has not looked at TXFF: it is lost */
    if (uart_tx_level(s)) {
        uart_flush(s);
    } else if (!s->flush_planned) {
        s->flush_planned = s->host->defer(s->host, flush_later, 0) == BP_OK;
        if (!s->flush_planned)
            uart_flush(s);
    }
}

/* --- reset and start -------------------------------------------------------------------------- */
void uart_look_again(struct uart *s)
{
    s->inputs = uart_modem_inputs(s);
    s->attention = attention_of(s);
    s->rx_reached = s->rx.n >= rx_trigger(s);
}

/* The timer stands still now, and who knows what the backend has. */
static void begin_again(struct uart *s)
{
    s->more = s->connected;
    s->fetch_planned = 0;
    bp_pace_begin(&s->pace, &input_rate, s->host->clock_ns(s->host));
}

void uart_reset(void *dev, uint32_t kind)
{
    struct uart *s = dev;

    uart_flush(s);
    bp_fifo_clear(&s->tx);
    bp_fifo_clear(&s->rx);
    bp_regs_reset(s, kind);
    s->overrun = s->polls = s->probing = 0;
    uart_look_again(s);
    begin_again(s);
}

void uart_start(void *dev)
{
    struct uart *s = dev;

    begin_again(s);
    if (s->probing)
        wait_for_driver(s);
    uart_fetch(s);
    uart_flush(s);
    uart_update_irq(s);
}
