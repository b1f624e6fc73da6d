/* A driver of org.example.sensor: finds it in the device tree, sets the thresholds, sleeps until
 * the alert's interrupt comes through the PLIC, and reads the temperature. */
#include "guest.h"

enum { ID = 0x00, ADDR = 0x04, REG = 0x08, DATA = 0x0c, CMD = 0x10, STATUS = 0x14, MASK = 0x18 };
enum { READ = 1, WRITE = 2 };
enum { BUSY = 1, DONE = 2, NACK = 4, ALERT = 8 };
enum { TEMP, CONFIG, LOW, HIGH };

static uint64_t regs;
static uint32_t irq;

static void take_interrupt(void)
{
    uint32_t number = plic_wait();
    expect("the interrupt's number is ", number, irq);
}

/* Waits for the end of the transfer by interrupt. */
static void transfer(uint32_t reg, uint32_t command)
{
    uint64_t begin_us = now_us();
    write32(regs + MASK, DONE);
    write32(regs + REG, reg);
    write32(regs + CMD, command);
    expect("STATUS of a running transfer is ", read32(regs + STATUS) & (BUSY | DONE), BUSY);
    take_interrupt();
    expect("STATUS after a transfer is ", read32(regs + STATUS) & (BUSY | DONE | NACK), DONE);
    write32(regs + STATUS, DONE);
    plic_handled(irq);
    if (now_us() - begin_us < 380)
        fail("a transfer took only us: ", now_us() - begin_us);
    expect("pending after it was handled: ", (uint64_t)plic_is_pending(), 0);
}

static uint32_t get(uint32_t reg)
{
    transfer(reg, READ);
    return read32(regs + DATA);
}

static void set(uint32_t reg, uint32_t value)
{
    write32(regs + DATA, value);
    transfer(reg, WRITE);
}

static void find(const void *tree)
{
    struct node node = {.property = "example,bus-address"};
    if (!tree_find(tree, "example,sensor-1", 0, &node))
        fail("no example,sensor-1 in the device tree", 0);
    regs = node.base;
    irq = node.irq;
    plic_enable(tree, irq);
    expect("ID is ", read32(regs + ID), 0x534e5331);
    write32(regs + ADDR, node.number);
    print_number("sensor at bus address ", node.number, "\n");
}

/* Everything else masked: only the alert can wake us. */
static void wait_for_alert(void)
{
    write32(regs + MASK, ALERT);
    take_interrupt();
    write32(regs + MASK, 0);
    plic_handled(irq);
    expect("ALERT is ", read32(regs + STATUS) & ALERT, ALERT);
}

void test_device(const void *tree)
{
    find(tree);
    expect("HIGH after reset is ", get(HIGH), 35315);
    set(LOW, 29500);
    set(HIGH, 29615);
    set(CONFIG, 0);
    wait_for_alert();
    uint32_t temp = get(TEMP);
    print_number("alert at ", temp, " centikelvin\n");
    if (temp < 29615 || temp > 30315)
        fail("the temperature at the alert is ", temp);
    /* It stays on until the world is colder than LOW, and comes again. */
    while ((read32(regs + STATUS) & ALERT) != 0)
        (void)get(TEMP);
    temp = get(TEMP);
    if (temp >= 29615)
        fail("the temperature after the alert is ", temp);
    wait_for_alert();
    set(CONFIG, 1);
    temp = get(TEMP);
    expect("the temperature of a sensor that sleeps is ", get(TEMP), temp);
}
