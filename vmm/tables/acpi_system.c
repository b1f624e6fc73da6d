/*
 * MADT (ACPI 6.5, 5.2.12), MCFG (PCI Firmware 3.3, 4.1.2), SPCR (revision 2, which every guest and
 * iasl know: the clock of later revisions is left out).
 */
#include <backplane/abi.h>
#include <backplane/device.h>
#include <string.h>

#include "tables/acpi_parts.h"

#define MADT_REVISION 5u
#define PCAT_COMPAT   1u
#define LAPIC_GPA     0xfee00000u
#define LAPIC_IDS     255u /* below: in 8 bits; from here on only the x2APIC reaches them */

#define OVERRIDE_LEVEL_HIGH 0x000Du
#define OVERRIDE_EDGE_HIGH  0x0005u

#define SPCR_REVISION     2u
#define SPCR_VIA_8259     1u
#define SPCR_VIA_IOAPIC   2u
#define SPCR_VT_UTF8      2u /* terminal type */
#define SPCR_ONE_STOP_BIT 1u

const struct layout_device *acpi_builtin(const struct layout *layout, const char *name)
{
    for (size_t i = 0; i < layout->n_devices; i++)
        if (layout->devices[i].is_builtin && strcmp(layout->devices[i].name, name) == 0)
            return &layout->devices[i];
    return NULL;
}

void acpi_gas(struct aml *to, const struct acpi_block *block, uint32_t bits, uint8_t access)
{
    aml_byte(to, block->kind == BP_PIO);
    aml_byte(to, (uint8_t)bits);
    aml_byte(to, 0);
    aml_byte(to, access);
    aml_number(to, block->base, 8);
}

/* --- MADT ------------------------------------------------------------------------------------- */
static void put_processor(struct aml *to, uint32_t cpu)
{
    if (cpu < LAPIC_IDS) {
        aml_byte(to, 0);
        aml_byte(to, 8);
        aml_byte(to, (uint8_t)cpu); /* _UID */
        aml_byte(to, (uint8_t)cpu); /* APIC id */
        aml_number(to, 1, 4);       /* enabled */
        return;
    }
    aml_byte(to, 9);
    aml_byte(to, 16);
    aml_number(to, 0, 2);
    aml_number(to, cpu, 4);
    aml_number(to, 1, 4);
    aml_number(to, cpu, 4);
}

/* Its pins are the lines by number, from 0, whichever of them are given out. */
static void put_ioapic(struct aml *to, const struct layout_device *chip)
{
    for (size_t i = 0; chip != NULL && i < chip->n_regions; i++) {
        if (chip->regions[i].kind != BP_MMIO)
            continue;
        aml_byte(to, 1);
        aml_byte(to, 12);
        aml_number(to, 0, 2); /* id */
        aml_number(to, chip->regions[i].base, 4);
        aml_number(to, 0, 4);
        return;
    }
}

static void put_override(struct aml *to, uint32_t isa, uint32_t line, uint32_t flags)
{
    aml_byte(to, 2);
    aml_byte(to, 10);
    aml_byte(to, 0); /* ISA */
    aml_byte(to, (uint8_t)isa);
    aml_number(to, line, 4);
    aml_number(to, flags, 2);
}

/* The first 16 lines are taken for ISA's, edges, whatever a device's _CRS says; the SCI for a
 * level. */
static void put_line_overrides(const struct acpi_build *b, struct aml *to,
                               const struct layout_device *dev)
{
    for (size_t i = 0; i < dev->n_lines; i++) {
        const struct layout_line *line = &dev->lines[i];
        if (line->number >= ACPI_ISA_LINES)
            continue;
        if (line->trigger == BP_LEVEL_HIGH)
            put_override(to, line->number, line->number, OVERRIDE_LEVEL_HIGH);
        else if (line == b->facts.sci)
            put_override(to, line->number, line->number, OVERRIDE_EDGE_HIGH);
    }
}

static void put_overrides(const struct acpi_build *b, struct aml *to)
{
    const struct layout_device *pit = acpi_builtin(b->layout, "pit");
    if (pit != NULL && pit->n_lines > 0)
        put_override(to, 0, pit->lines[0].number, 0);
    for (size_t i = 0; i < b->layout->n_devices; i++)
        put_line_overrides(b, to, &b->layout->devices[i]);
}

/* LINT1 of every processor. */
static void put_nmi(struct aml *to, bool has_x2apic)
{
    aml_byte(to, 4);
    aml_byte(to, 6);
    aml_byte(to, 0xFF);
    aml_number(to, 0, 2);
    aml_byte(to, 1);
    if (!has_x2apic)
        return;
    aml_byte(to, 0x0A);
    aml_byte(to, 12);
    aml_number(to, 0, 2);
    aml_number(to, UINT32_MAX, 4);
    aml_byte(to, 1);
    aml_number(to, 0, 3);
}

size_t acpi_madt(const struct acpi_build *b, struct aml *to)
{
    const struct layout *l = b->layout;
    const struct layout_device *lapic = acpi_builtin(l, "lapic");
    size_t at = acpi_table_begin(to, "APIC", MADT_REVISION);
    aml_number(to, lapic != NULL && lapic->n_regions > 0 ? lapic->regions[0].base : LAPIC_GPA, 4);
    aml_number(to, acpi_builtin(l, "pic") != NULL ? PCAT_COMPAT : 0, 4);
    for (uint32_t cpu = 0; cpu < l->n_cpus; cpu++)
        put_processor(to, cpu);
    put_ioapic(to, l->irqchip);
    put_overrides(b, to);
    put_nmi(to, l->n_cpus > LAPIC_IDS);
    acpi_table_end(to, at);
    return at;
}

/* --- MCFG ------------------------------------------------------------------------------------- */
size_t acpi_mcfg(const struct acpi_build *b, struct aml *to)
{
    size_t at = acpi_table_begin(to, "MCFG", 1);
    aml_number(to, 0, 8);
    for (uint32_t i = 0; i < b->facts.n_mcfg; i++) {
        const struct acpi_mcfg_row *row = &b->facts.mcfg[i];
        aml_number(to, row->base, 8);
        aml_number(to, row->segment, 2);
        aml_byte(to, row->first_bus);
        aml_byte(to, row->last_bus);
        aml_number(to, 0, 4);
    }
    acpi_table_end(to, at);
    return at;
}

/* --- SPCR ------------------------------------------------------------------------------------- */
static uint8_t speed_code(uint32_t speed)
{
    switch (speed) {
    case 9600:
        return 3;
    case 19200:
        return 4;
    case 57600:
        return 6;
    case 115200:
        return 7;
    default:
        return 0; /* as it is */
    }
}

static void put_serial_line(const struct acpi_build *b, struct aml *to)
{
    const struct layout_line *line = b->facts.serial_line;
    bool via_8259 =
        line != NULL && line->number < ACPI_ISA_LINES && acpi_builtin(b->layout, "pic") != NULL;
    aml_byte(to, line == NULL ? 0 : (uint8_t)(SPCR_VIA_IOAPIC | (via_8259 ? SPCR_VIA_8259 : 0)));
    aml_byte(to, via_8259 ? (uint8_t)line->number : 0);
    aml_number(to, line != NULL ? line->number : 0, 4);
}

size_t acpi_spcr(const struct acpi_build *b, struct aml *to)
{
    const struct acpi_facts *f = &b->facts;
    uint8_t access = 1;
    while (1u << (access - 1) < f->serial_stride)
        access++;
    size_t at = acpi_table_begin(to, "SPCR", SPCR_REVISION);
    aml_byte(to, (uint8_t)f->serial_subtype);
    aml_number(to, 0, 3);
    acpi_gas(to, &f->serial, 8 * f->serial_stride, access);
    put_serial_line(b, to);
    aml_byte(to, speed_code(f->serial_speed));
    aml_byte(to, 0); /* no parity */
    aml_byte(to, SPCR_ONE_STOP_BIT);
    aml_byte(to, 0); /* no flow control */
    aml_byte(to, SPCR_VT_UTF8);
    aml_byte(to, 0);
    aml_number(to, 0xFFFF, 2); /* no PCI device */
    aml_number(to, 0xFFFF, 2);
    aml_number(to, 0, 3 + 4 + 1); /* bus, device, function; flags; segment */
    aml_number(to, 0, 4);         /* the clock, but only from revision 3 on */
    acpi_table_end(to, at);
    return at;
}
