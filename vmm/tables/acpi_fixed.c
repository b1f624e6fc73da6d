/* FADT (ACPI 6.5, 5.2.9) and FACS (5.2.10). The FADT has fixed places: they are numbers here. */
#include <backplane/abi.h>
#include <backplane/device.h>
#include <string.h>

#include "tables/acpi_parts.h"

#define FADT_REVISION 6u
#define FADT_MINOR    5u
#define FADT_BYTES    276u

#define FLAG_WBINVD        (1u << 0)
#define FLAG_PROC_C1       (1u << 2)
#define FLAG_PWR_BUTTON    (1u << 4) /* set: not the fixed one */
#define FLAG_SLP_BUTTON    (1u << 5)
#define FLAG_FIX_RTC       (1u << 6) /* set: the clock's wake-up is not in PM1 */
#define FLAG_TMR_VAL_EXT   (1u << 8)
#define FLAG_RESET_REG_SUP (1u << 10)
#define FLAG_HW_REDUCED    (1u << 20)

#define BOOT_LEGACY_DEVICES (1u << 0)
#define BOOT_8042           (1u << 1)
#define BOOT_NO_VGA         (1u << 2)
#define BOOT_NO_CMOS_RTC    (1u << 5)

#define NO_C2_LATENCY 0xFFFu /* above 100 and 1000 us: not there */
#define NO_C3_LATENCY 0xFFFu

#define GAS_BYTES 12u

static void put(uint8_t *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static void put_gas(uint8_t *at, const struct acpi_block *block, uint8_t access)
{
    at[0] = block->kind == BP_PIO;
    at[1] = (uint8_t)(block->size * 8);
    at[3] = access;
    put(at + 4, block->base, 8);
}

void acpi_facs(struct aml *to)
{
    uint8_t t[64] = {'F', 'A', 'C', 'S', sizeof(t)};
    t[32] = 2; /* version */
    aml_bytes(to, t, sizeof(t));
}

/* One block in both forms: the old field holds only ports, at most 32 bits. */
static void put_block(uint8_t *t, const struct acpi_block *block, size_t old, size_t length,
                      size_t extended, uint8_t access)
{
    if (block->dev == NULL)
        return;
    if (block->kind == BP_PIO)
        put(t + old, block->base, 4);
    t[length] = (uint8_t)block->size;
    put_gas(t + extended, block, access);
}

static void put_blocks(uint8_t *t, const struct acpi_facts *f)
{
    put_block(t, &f->blocks[BP_ACPI_PM1A_EVENT], 56, 88, 148, 2);
    put_block(t, &f->blocks[BP_ACPI_PM1A_CONTROL], 64, 89, 172, 2);
    put_block(t, &f->blocks[BP_ACPI_PM_TIMER], 76, 91, 208, 3);
    put_block(t, &f->blocks[BP_ACPI_GPE0], 80, 92, 220, 1);
}

static uint32_t flags_of(const struct acpi_facts *f)
{
    uint32_t flags = FLAG_WBINVD | FLAG_PROC_C1 | FLAG_FIX_RTC;
    if ((f->features & BP_ACPI_POWER_BUTTON) == 0)
        flags |= FLAG_PWR_BUTTON;
    if ((f->features & BP_ACPI_SLEEP_BUTTON) == 0)
        flags |= FLAG_SLP_BUTTON;
    if ((f->features & BP_ACPI_TIMER_32_BITS) != 0)
        flags |= FLAG_TMR_VAL_EXT;
    if (f->reset.dev != NULL)
        flags |= FLAG_RESET_REG_SUP;
    if (f->blocks[BP_ACPI_PM1A_EVENT].dev == NULL)
        flags |= FLAG_HW_REDUCED;
    return flags;
}

static uint32_t boot_flags_of(const struct acpi_facts *f)
{
    uint32_t flags = BOOT_NO_VGA;
    if ((f->features & BP_ACPI_HAS_LEGACY_ISA) != 0)
        flags |= BOOT_LEGACY_DEVICES;
    if ((f->features & BP_ACPI_HAS_I8042) != 0)
        flags |= BOOT_8042;
    if ((f->features & BP_ACPI_HAS_CMOS_RTC) == 0)
        flags |= BOOT_NO_CMOS_RTC;
    return flags;
}

/* SMI_CMD is 0: the machine is always in ACPI mode, and SCI_EN of PM1a control reads as 1. The FACS
 * is below 4 GiB, so its 64-bit field stays 0. */
size_t acpi_fadt(const struct acpi_build *b, struct aml *to, uint64_t facs_gpa, uint64_t dsdt_gpa)
{
    const struct acpi_facts *f = &b->facts;
    uint8_t t[FADT_BYTES] = {0};
    put(t + 36, facs_gpa, 4);
    put(t + 40, dsdt_gpa, 4);
    put(t + 96, NO_C2_LATENCY, 2);
    put(t + 98, NO_C3_LATENCY, 2);
    t[106] = f->day_alarm;
    t[107] = f->month_alarm;
    t[108] = f->century;
    put(t + 109, boot_flags_of(f), 2);
    put(t + 112, flags_of(f), 4);
    if (f->reset.dev != NULL) {
        put_gas(t + 116, &f->reset, 1);
        t[128] = f->reset_value;
    }
    t[131] = FADT_MINOR;
    put(t + 140, dsdt_gpa, 8);
    if (f->blocks[BP_ACPI_PM1A_EVENT].dev != NULL) {
        put(t + 46, f->sci->number, 2);
        put_blocks(t, f);
    }
    memcpy(t + 268, "BACKPLAN", 8); /* hypervisor vendor identity */
    size_t at = acpi_table_begin(to, "FACP", FADT_REVISION);
    aml_bytes(to, t + ACPI_HEADER_BYTES, sizeof(t) - ACPI_HEADER_BYTES);
    acpi_table_end(to, at);
    return at;
}
