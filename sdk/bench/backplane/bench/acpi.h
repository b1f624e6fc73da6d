/* The bench's fake of the ACPI writer (if/acpi.h). */
#ifndef BACKPLANE_BENCH_ACPI_H
#define BACKPLANE_BENCH_ACPI_H

#ifdef __cplusplus
extern "C" {
#endif

struct bench;

/* What describe_acpi adds to the generic device, a line each; numbers in decimal, regions and lines
 * by their names:
 *     Name (_ADR, 5)    Name (_STR, "text")    Name (_CID, "PNP0B00")
 *     Property ("clock-frequency", 1843200)
 *     Terms (90 bytes)
 *     Device (KBD, PNP0303) {
 *         Region (data, 0, 1)
 *         Line (keys)
 *     }
 *     Fixed (PM1a event, regs, 0, 4)    Fixed (PM1a control, ...)    Fixed (PM timer, ...)
 *     Fixed (GPE0, ...)    Features (power button, i8042)    SCI (sci)    Reset (regs, 2, 6)
 *     Sleep (S5, 5)    RTC (day 0, month 0, century 50)
 *     PCI (config, segment 0, buses 0-255)
 *     Serial (regs, out, subtype 0, stride 1, 1843200 Hz, 115200 bit/s)
 * The bench's until the next call; "" without describe_acpi. Every region is placed and every line
 * connected. Aborts when what it gives is no name, index, size or nesting that the host takes, and
 * when it differs from what it gave before realize, or at the last call. */
const char *bench_acpi(struct bench *b);

#ifdef __cplusplus
}
#endif
#endif
