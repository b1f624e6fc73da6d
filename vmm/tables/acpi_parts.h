/* Parts of the ACPI tables, for acpi*.c only. */
#ifndef VMM_TABLES_ACPI_PARTS_H
#define VMM_TABLES_ACPI_PARTS_H

#include "tables/acpi.h"
#include "tables/aml.h"

#define ACPI_HEADER_BYTES    36u
#define ACPI_TABLE_ALIGNMENT 64u
#define ACPI_MCFG_ROWS_MAX   16u
#define ACPI_SLEEP_STATES    6u
#define ACPI_ISA_LINES       16u

/* A part of a region, where it is. */
struct acpi_block {
    const struct layout_device *dev; /* NULL: nobody has said anything */
    uint32_t kind;                   /* BP_MMIO, BP_PIO */
    uint64_t base;
    uint32_t size;
};

/* What devices say about the fixed hardware, and about tables other than the DSDT. */
struct acpi_facts {
    struct acpi_block blocks[BP_ACPI_GPE0 + 1]; /* by BP_ACPI_PM1A_EVENT ... */
    uint32_t features;                          /* BP_ACPI_POWER_BUTTON ... */
    const struct layout_device *sci_dev;
    const struct layout_line *sci; /* NULL: none */
    struct acpi_block reset;
    uint8_t reset_value;
    bool has_sleep[ACPI_SLEEP_STATES];
    uint8_t slp_typ[ACPI_SLEEP_STATES];
    const struct layout_device *rtc_dev;
    uint8_t day_alarm, month_alarm, century;
    struct acpi_block serial; /* of the console */
    const struct layout_line *serial_line;
    uint32_t serial_subtype, serial_stride, serial_speed;
    struct acpi_mcfg_row {
        uint64_t base; /* of bus 0 */
        uint16_t segment;
        uint8_t first_bus, last_bus;
    } mcfg[ACPI_MCFG_ROWS_MAX];
    uint32_t n_mcfg;
};

/* How often each _HID was used: the next _UID. */
struct acpi_ids {
    struct acpi_id {
        char hid[9];
        uint32_t next;
    } * rows;
    size_t n, room;
};

/* The question of acpi_where, answered while the DSDT is made. */
struct acpi_question {
    const struct layout_device *dev; /* NULL: nobody asks */
    bool is_line;
    uint32_t row;
    char where[ACPI_WHERE_BYTES]; /* "": in the device's own _CRS */
};

struct acpi_build {
    const struct layout *layout;
    struct acpi_question question;
    struct acpi_facts facts;
    struct acpi_ids ids;
    struct aml dsdt; /* terms, without a header */
    int32_t status;  /* the first error; its sentence is in err */
    struct err *err;
};

/* Sticks, if nothing else has before. */
void acpi_fail(struct acpi_build *b, int32_t status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* 0, 1, ... for each _HID. */
uint32_t acpi_next_uid(struct acpi_build *b, const char *hid);

/* Appends a device to the DSDT, and notes what it says about other tables. */
void acpi_device(struct acpi_build *b, const struct layout_device *dev);

/* "D000": by the device's place in the machine. */
void acpi_device_name(const struct layout *layout, const struct layout_device *dev, char name[5]);

/* \_SB with processors and devices, \_S5, and what is written in ASL. */
void acpi_dsdt(struct acpi_build *b);

/* Each appends a whole table; its offset within `to`. */
size_t acpi_table_begin(struct aml *to, const char *signature, uint8_t revision);
void acpi_table_end(struct aml *to, size_t at);
void acpi_facs(struct aml *to);
size_t acpi_fadt(const struct acpi_build *b, struct aml *to, uint64_t facs_gpa, uint64_t dsdt_gpa);
size_t acpi_madt(const struct acpi_build *b, struct aml *to);
size_t acpi_mcfg(const struct acpi_build *b, struct aml *to);
size_t acpi_spcr(const struct acpi_build *b, struct aml *to);

/* What must hold between facts of several devices: an error sticks. */
void acpi_check_facts(struct acpi_build *b);

/* A built-in device of the platform by name; NULL when this machine has none. */
const struct layout_device *acpi_builtin(const struct layout *layout, const char *name);

/* Register descriptions (ACPI 6.5, 5.2.3.2): 12 bytes. `access`: 1 to 4 for 1, 2, 4, 8 bytes. */
void acpi_gas(struct aml *to, const struct acpi_block *block, uint32_t bits, uint8_t access);

#endif
