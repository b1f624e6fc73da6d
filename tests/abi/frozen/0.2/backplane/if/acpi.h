/*
 * The writer that describe_acpi gets: adds to the device's generic ACPI device, which has already
 * _HID (acpi_hid, or PRP0001 and _DSD from dt_compatible, or else PNP0C02), _UID, _STA and a _CRS
 * of all placed regions and connected lines, from the class's tables (ACPI 6.5).
 *
 * Nothing here is an address or an interrupt number: regions and lines are named by their index in
 * the class's tables, and the host fills in where they are. What names a region that was not placed
 * or a line that is not connected writes nothing. Names of objects have up to 4 characters (A-Z,
 * 0-9, _). All functions are [pure]; an error sticks and is reported by the host with the device's
 * name.
 */
#ifndef BACKPLANE_IF_ACPI_H
#define BACKPLANE_IF_ACPI_H

#include <backplane/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Register blocks of the fixed ACPI hardware (ACPI 6.5, 4.8.3). */
#define BP_ACPI_PM1A_EVENT   1u
#define BP_ACPI_PM1A_CONTROL 2u
#define BP_ACPI_PM_TIMER     3u
#define BP_ACPI_GPE0         4u

/* Fixed features (FADT flags, ACPI 6.5, 5.2.9), as bits. */
#define BP_ACPI_POWER_BUTTON   (1u << 0) /* PWRBTN_STS is there */
#define BP_ACPI_SLEEP_BUTTON   (1u << 1)
#define BP_ACPI_TIMER_32_BITS  (1u << 2) /* the PM timer counts to 2^32, not 2^24 */
#define BP_ACPI_HAS_I8042      (1u << 3) /* keyboard controller at ports 0x60 and 0x64 */
#define BP_ACPI_HAS_CMOS_RTC   (1u << 4) /* clock at ports 0x70 and 0x71 */
#define BP_ACPI_HAS_LEGACY_ISA (1u << 5) /* other devices at the places of an old PC */

struct bp_acpi_writer {
    uint32_t struct_size;
    uint32_t n_cpus;
    void *ctx; /* the host's */

    /* Name (NAME, value) in the device's scope. Known names such as _ADR work. */
    void (*name_integer)(const struct bp_acpi_writer *w, const char *name, uint64_t value);
    void (*name_string)(const struct bp_acpi_writer *w, const char *name, const char *value);
    /* Name (_CID, ...) with one id. */
    void (*compatible_id)(const struct bp_acpi_writer *w, const char *id);
    /* Device properties: one _DSD package with the UUID of ACPI 6.5, 6.2.5. */
    void (*prop_u64)(const struct bp_acpi_writer *w, const char *name, uint64_t value);
    void (*prop_string)(const struct bp_acpi_writer *w, const char *name, const char *value);

    /* What iasl made of ASL: the term list of a definition block, without the table's header (the
     * first 36 bytes), goes into the device's scope. Before it the host puts, for each of the first
     * 16 regions of the class's table, Name (RGnB, base) and Name (RGnS, bytes), both 0 where it
     * was not placed, and for each line Name (LNnN, number), Ones where it is not connected, with n
     * as one hexadecimal digit: declare them External in the ASL. A _STA among the terms replaces
     * the host's; _HID, _UID, _CRS and _DSD are the host's own. */
    void (*aml)(const struct bp_acpi_writer *w, const void *terms, uint32_t size);

    /* A device within this one, with an EISA or ACPI id; what follows goes into it until child_end.
     * Its _CRS holds what child_region and child_line name: that leaves the parent's _CRS. */
    void (*child_begin)(const struct bp_acpi_writer *w, const char *name, const char *hid);
    void (*child_region)(const struct bp_acpi_writer *w, uint32_t region, uint64_t offset,
                         uint64_t size);
    void (*child_line)(const struct bp_acpi_writer *w, uint32_t line);
    void (*child_end)(const struct bp_acpi_writer *w);

    /* This device is, or has a part of, the fixed hardware that the FADT describes. */
    void (*fixed_block)(const struct bp_acpi_writer *w, uint32_t block, uint32_t region,
                        uint64_t offset, uint32_t size);
    void (*fixed_features)(const struct bp_acpi_writer *w, uint32_t features);
    void (*fixed_sci)(const struct bp_acpi_writer *w, uint32_t line);
    /* Writing `value` (one byte) there resets the machine. */
    void (*fixed_reset)(const struct bp_acpi_writer *w, uint32_t region, uint64_t offset,
                        uint32_t value);
    /* The machine has sleep state `state` (5: soft off): SLP_TYP of PM1a. */
    void (*fixed_sleep)(const struct bp_acpi_writer *w, uint32_t state, uint32_t slp_typ);
    /* Indexes in the clock's RAM (0: none): day alarm, month alarm, century. */
    void (*fixed_rtc)(const struct bp_acpi_writer *w, uint32_t day_alarm, uint32_t month_alarm,
                      uint32_t century);

    /* PCI configuration space as memory: one MCFG row (PCI Firmware 3.3, 4.1.2). */
    void (*pci_config)(const struct bp_acpi_writer *w, uint32_t region, uint32_t segment,
                       uint32_t first_bus, uint32_t last_bus);
    /* The device is a serial console: SPCR if it is the machine's. `subtype` of DBG2 (0: 16550,
     * 3: PL011), register stride in bytes, clock in Hz (0: unknown), speed in bit/s (0: as is). */
    void (*serial)(const struct bp_acpi_writer *w, uint32_t region, uint32_t line, uint32_t subtype,
                   uint32_t stride, uint32_t clock_hz, uint32_t speed);
};

#ifdef __cplusplus
}
#endif
#endif
