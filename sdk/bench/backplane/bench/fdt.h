/* The bench's fake of the device-tree writer (if/fdt.h). */
#ifndef BACKPLANE_BENCH_FDT_H
#define BACKPLANE_BENCH_FDT_H

#ifdef __cplusplus
extern "C" {
#endif

struct bench;

/* What describe_fdt adds to the generic node, a line each, as in a .dts:
 *     clock-frequency = <3686400>;          numbers in decimal
 *     interrupts-extended = <&cpu0 11>, <&cpu0 9>;
 *     regmap = <&self>;   clocks = <&clock-1000000>;   reboot { ... };
 *     gpios = <&self 3 0>;   /gpio-keys { ... };
 * The bench's until the next call. Aborts when it differs from what describe_fdt gave before
 * realize, or at the last call. */
const char *bench_fdt(struct bench *b);

#ifdef __cplusplus
}
#endif
#endif
