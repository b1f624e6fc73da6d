/* The chip's registers: DDI 0183G, table 3-1. */
#include "pl011.h"

#define DR_OE 0x800u

#define FR_CTS  0x001u
#define FR_DSR  0x002u
#define FR_DCD  0x004u
#define FR_BUSY 0x008u
#define FR_RXFE 0x010u
#define FR_TXFF 0x020u
#define FR_RXFF 0x040u
#define FR_TXFE 0x080u
#define FR_RI   0x100u

#define CR_ALL  0xff87u
#define INT_ALL 0x7ffu

static uint32_t dr_read(void *dev)
{
    struct uart *s = dev;
    uint32_t value;

    if (!s->rx.n)
        s->polls = 0; /* someone who does not look first is not waiting for anything */
    value = bp_fifo_pop(&s->rx) | (s->overrun ? DR_OE : 0);
    s->overrun = 0;
    s->regs.v[RIS] |= INT_RT; /* for what is left, if anything */
    uart_update_rx(s);
    if (!s->rx.n)
        uart_fetch(s);
    uart_update_irq(s);
    return value;
}

static void dr_write(void *dev, uint32_t value)
{
    struct uart *s = dev;

    if (s->polls < POLLING)
        s->polls = 0; /* it polled for room */
    if (s->regs.v[CR] & CR_LBE)
        uart_receive_loop(s, (uint8_t)value);
    else
        uart_transmit(s, (uint8_t)value);
    if (uart_tx_level(s) <= uart_tx_trigger(s))
        s->regs.v[RIS] |= INT_TX;
    else
        s->regs.v[RIS] &= ~INT_TX;
    uart_update_irq(s);
}

/* Whatever is written. */
static void ecr_write(void *dev, uint32_t value)
{
    struct uart *s = dev;

    (void)value;
    s->regs.v[RSR_ECR] = 0;
}

static uint32_t fr_read(void *dev)
{
    struct uart *s = dev;
    uint32_t in = uart_modem_inputs(s);
    uint32_t waiting = uart_tx_level(s);

    if (!s->rx.n && !waiting && s->polls < POLLING)
        s->polls++;
    if (!s->rx.n) {
        uart_fetch(s);
        uart_update_irq(s);
    }
    return (in & INT_CTS ? FR_CTS : 0) | (in & INT_DSR ? FR_DSR : 0) | (in & INT_DCD ? FR_DCD : 0) |
           (in & INT_RI ? FR_RI : 0) | (waiting ? FR_BUSY : FR_TXFE) |
           (waiting >= uart_depth(s) ? FR_TXFF : 0) | (s->rx.n ? 0 : FR_RXFE) |
           (s->rx.n >= uart_depth(s) ? FR_RXFF : 0);
}

/* FIFOs on or off, or another level. What is in them stays. */
static void levels_write(void *dev, uint32_t value)
{
    struct uart *s = dev;

    (void)value;
    s->polls = 0;
    uart_update_rx(s);
    uart_fetch(s);
    uart_update_irq(s);
}

static void update_modem(struct uart *s)
{
    uint32_t inputs = uart_modem_inputs(s);

    s->regs.v[RIS] |= inputs ^ s->inputs;
    s->inputs = inputs;
}

static void cr_write(void *dev, uint32_t value)
{
    struct uart *s = dev;

    (void)value;
    s->polls = 0;
    update_modem(s);
    uart_watch_driver(s);
    uart_fetch(s);
    uart_update_irq(s);
}

static void imsc_write(void *dev, uint32_t value)
{
    struct uart *s = dev;

    (void)value;
    s->polls = 0;
    uart_watch_driver(s);
    uart_fetch(s);
    uart_update_irq(s);
}

static uint32_t mis_read(void *dev)
{
    const struct uart *s = dev;

    return s->regs.v[RIS] & s->regs.v[IMSC];
}

static void icr_write(void *dev, uint32_t value)
{
    struct uart *s = dev;

    s->regs.v[RIS] &= ~value;
    uart_update_irq(s);
}

/* clang-format off */
const struct bp_reg uart_regs[N_REGS] = {
    /*           name              offset  reset  writable w1c on_read   on_write */
    [DR]      = {"UARTDR",          0x000, 0,      0,       0, dr_read,  dr_write},
    [RSR_ECR] = {"UARTRSR/UARTECR", 0x004, 0,      0,       0, NULL,     ecr_write},
    [FR]      = {"UARTFR",          0x018, 0,      0,       0, fr_read,  NULL},
    [ILPR]    = {"UARTILPR",        0x020, 0,      0xff,    0, NULL,     NULL},
    [IBRD]    = {"UARTIBRD",        0x024, 0,      0xffff,  0, NULL,     NULL},
    [FBRD]    = {"UARTFBRD",        0x028, 0,      0x3f,    0, NULL,     NULL},
    [LCR_H]   = {"UARTLCR_H",       0x02c, 0,      0xff,    0, NULL,     levels_write},
    [CR]      = {"UARTCR",          0x030, 0x0300, CR_ALL,  0, NULL,     cr_write},
    [IFLS]    = {"UARTIFLS",        0x034, 0x12,   0x3f,    0, NULL,     levels_write},
    [IMSC]    = {"UARTIMSC",        0x038, 0,      INT_ALL, 0, NULL,     imsc_write},
    [RIS]     = {"UARTRIS",         0x03c, 0,      0,       0, NULL,     NULL},
    [MIS]     = {"UARTMIS",         0x040, 0,      0,       0, mis_read, NULL},
    [ICR]     = {"UARTICR",         0x044, 0,      0,       0, NULL,     icr_write},
    [DMACR]   = {"UARTDMACR",       0x048, 0,      7,       0, NULL,     NULL},
    [PID0]    = {"UARTPeriphID0",   0xfe0, 0x11,   0,       0, NULL,     NULL},
    [PID1]    = {"UARTPeriphID1",   0xfe4, 0x10,   0,       0, NULL,     NULL},
    [PID2]    = {"UARTPeriphID2",   0xfe8, 0x34,   0,       0, NULL,     NULL}, /* r1p5 */
    [PID3]    = {"UARTPeriphID3",   0xfec, 0x00,   0,       0, NULL,     NULL},
    [CID0]    = {"UARTPCellID0",    0xff0, 0x0d,   0,       0, NULL,     NULL},
    [CID1]    = {"UARTPCellID1",    0xff4, 0xf0,   0,       0, NULL,     NULL},
    [CID2]    = {"UARTPCellID2",    0xff8, 0x05,   0,       0, NULL,     NULL},
    [CID3]    = {"UARTPCellID3",    0xffc, 0xb1,   0,       0, NULL,     NULL},
};
/* clang-format on */

void uart_settle_registers(struct uart *s)
{
    uint32_t ris = s->regs.v[RIS] & INT_ALL, rsr = s->regs.v[RSR_ECR] & RSR_OE;

    for (uint32_t i = 0; i < N_REGS; i++)
        s->regs.v[i] =
            (s->regs.v[i] & uart_regs[i].writable) | (uart_regs[i].reset & ~uart_regs[i].writable);
    s->regs.v[RIS] = ris;
    s->regs.v[RSR_ECR] = rsr;
    uart_look_again(s);
}
