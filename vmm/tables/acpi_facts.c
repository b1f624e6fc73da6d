/* What devices say about the fixed hardware, PCI and the console: kept for FADT, MCFG and SPCR. */
#include <backplane/abi.h>
#include <backplane/device.h>

#include "tables/acpi_writer.h"

#define BUS_SHIFT 20u /* each bus has 1 MiB of configuration space */

/* True when the part is there and nobody was before. */
static bool take_block(struct acpi_writer *w, const char *what, struct acpi_block *block,
                       uint32_t row, uint64_t offset, uint32_t size)
{
    const struct layout_region *region = acpi_writer_region(w, what, row);
    if (region == NULL)
        return false;
    if (size == 0 || offset >= region->size || size > region->size - offset) {
        acpi_writer_fail(w, "%s: region %s has no %u bytes at 0x%llx", what, region->name, size,
                         (unsigned long long)offset);
        return false;
    }
    if (region->kind == BP_RAM) {
        acpi_writer_fail(w, "%s: region %s is RAM", what, region->name);
        return false;
    }
    if (block->dev != NULL) {
        acpi_writer_fail(w, "%s: device %s has said it already", what, block->dev->name);
        return false;
    }
    *block = (struct acpi_block){w->dev, region->kind, region->base + offset, size};
    return true;
}

static bool is_sound(const struct acpi_writer *w)
{
    return w->build->status == BP_OK;
}

/* Lengths that every guest takes (ACPI 6.5, 4.8.3): the timer has 4 bytes, events a status and an
 * enable half of 2 each. */
static void fixed_block(const struct bp_acpi_writer *face, uint32_t block, uint32_t region,
                        uint64_t offset, uint32_t size)
{
    struct acpi_writer *w = acpi_writer_of(face);
    if (!is_sound(w))
        return;
    bool good = block == BP_ACPI_PM1A_EVENT     ? size == 4
                : block == BP_ACPI_PM1A_CONTROL ? size == 2
                : block == BP_ACPI_PM_TIMER     ? size == 4
                : block == BP_ACPI_GPE0         ? size >= 2 && size <= 30 && size % 2 == 0
                                                : false;
    if (!good) {
        acpi_writer_fail(w,
                         "fixed_block %u with %u bytes: event blocks have 4, control 2, "
                         "timer 4, GPE0 2-30 and even",
                         block, size);
        return;
    }
    (void)take_block(w, "fixed_block", &w->build->facts.blocks[block], region, offset, size);
}

static void fixed_features(const struct bp_acpi_writer *face, uint32_t features)
{
    struct acpi_writer *w = acpi_writer_of(face);
    const uint32_t known = BP_ACPI_POWER_BUTTON | BP_ACPI_SLEEP_BUTTON | BP_ACPI_TIMER_32_BITS |
                           BP_ACPI_HAS_I8042 | BP_ACPI_HAS_CMOS_RTC | BP_ACPI_HAS_LEGACY_ISA;
    if (!is_sound(w))
        return;
    if ((features & ~known) != 0)
        acpi_writer_fail(w, "fixed_features: 0x%x is none", features & ~known);
    w->build->facts.features |= features;
}

static void fixed_sci(const struct bp_acpi_writer *face, uint32_t row)
{
    struct acpi_writer *w = acpi_writer_of(face);
    struct acpi_facts *facts = &w->build->facts;
    const struct layout_line *line = acpi_writer_line(w, "fixed_sci", row);
    if (line == NULL)
        return;
    if (facts->sci != NULL) {
        acpi_writer_fail(w, "fixed_sci: device %s has said it already", facts->sci_dev->name);
        return;
    }
    facts->sci = line;
    facts->sci_dev = w->dev;
    acpi_writer_note(w, true, row, "FADT, SCI_INT");
}

static void fixed_reset(const struct bp_acpi_writer *face, uint32_t region, uint64_t offset,
                        uint32_t value)
{
    struct acpi_writer *w = acpi_writer_of(face);
    if (!is_sound(w))
        return;
    if (value > UINT8_MAX)
        acpi_writer_fail(w, "fixed_reset: 0x%x is no byte", value);
    else if (take_block(w, "fixed_reset", &w->build->facts.reset, region, offset, 1))
        w->build->facts.reset_value = (uint8_t)value;
}

static void fixed_sleep(const struct bp_acpi_writer *face, uint32_t state, uint32_t slp_typ)
{
    struct acpi_writer *w = acpi_writer_of(face);
    struct acpi_facts *facts = &w->build->facts;
    if (!is_sound(w))
        return;
    if (state >= ACPI_SLEEP_STATES || slp_typ > 7 || facts->has_sleep[state]) {
        acpi_writer_fail(w,
                         "fixed_sleep: state %u with SLP_TYP %u: states are 0-5, each said "
                         "once, SLP_TYP is 0-7",
                         state, slp_typ);
        return;
    }
    facts->has_sleep[state] = true;
    facts->slp_typ[state] = (uint8_t)slp_typ;
}

static void fixed_rtc(const struct bp_acpi_writer *face, uint32_t day_alarm, uint32_t month_alarm,
                      uint32_t century)
{
    struct acpi_writer *w = acpi_writer_of(face);
    struct acpi_facts *facts = &w->build->facts;
    if (!is_sound(w))
        return;
    if ((day_alarm | month_alarm | century) > UINT8_MAX || facts->rtc_dev != NULL) {
        acpi_writer_fail(w, "fixed_rtc: an index is beyond 255, or another clock was before");
        return;
    }
    facts->rtc_dev = w->dev;
    facts->day_alarm = (uint8_t)day_alarm;
    facts->month_alarm = (uint8_t)month_alarm;
    facts->century = (uint8_t)century;
}

/* A row counts from bus 0, wherever the first bus is (PCI Firmware 3.3, table 4-3). */
static void pci_config(const struct bp_acpi_writer *face, uint32_t row, uint32_t segment,
                       uint32_t first_bus, uint32_t last_bus)
{
    struct acpi_writer *w = acpi_writer_of(face);
    struct acpi_facts *facts = &w->build->facts;
    const struct layout_region *region = acpi_writer_region(w, "pci_config", row);
    if (region == NULL)
        return;
    if (first_bus > last_bus || last_bus > 255 || segment > UINT16_MAX || region->kind != BP_MMIO ||
        (uint64_t)(last_bus - first_bus + 1) << BUS_SHIFT > region->size ||
        (uint64_t)first_bus << BUS_SHIFT > region->base) {
        acpi_writer_fail(w,
                         "pci_config: buses %u-%u of segment %u do not fit in region %s of "
                         "0x%llx bytes (1 MiB each, memory-mapped)",
                         first_bus, last_bus, segment, region->name,
                         (unsigned long long)region->size);
        return;
    }
    if (facts->n_mcfg == ACPI_MCFG_ROWS_MAX) {
        acpi_writer_fail(w, "pci_config: one too many (limit %u)", ACPI_MCFG_ROWS_MAX);
        return;
    }
    facts->mcfg[facts->n_mcfg++] =
        (struct acpi_mcfg_row){region->base - ((uint64_t)first_bus << BUS_SHIFT), (uint16_t)segment,
                               (uint8_t)first_bus, (uint8_t)last_bus};
}

static void serial(const struct bp_acpi_writer *face, uint32_t row, uint32_t line, uint32_t subtype,
                   uint32_t stride, uint32_t clock_hz, uint32_t speed)
{
    struct acpi_writer *w = acpi_writer_of(face);
    struct acpi_facts *facts = &w->build->facts;
    struct acpi_block block = {.dev = NULL};
    (void)clock_hz; /* revision 2 of SPCR has no place for it */
    if (!is_sound(w))
        return;
    if (subtype > UINT8_MAX || (stride != 1 && stride != 2 && stride != 4 && stride != 8)) {
        acpi_writer_fail(w, "serial: subtype %u (0-255), stride %u (1, 2, 4 or 8)", subtype,
                         stride);
        return;
    }
    const struct layout_line *at = acpi_writer_line(w, "serial", line);
    if (!take_block(w, "serial", &block, row, 0, 1) || w->dev != w->build->layout->console)
        return;
    facts->serial = block;
    facts->serial_line = at;
    facts->serial_subtype = subtype;
    facts->serial_stride = stride;
    facts->serial_speed = speed;
}

void acpi_writer_set_facts(struct bp_acpi_writer *face)
{
    face->fixed_block = fixed_block;
    face->fixed_features = fixed_features;
    face->fixed_sci = fixed_sci;
    face->fixed_reset = fixed_reset;
    face->fixed_sleep = fixed_sleep;
    face->fixed_rtc = fixed_rtc;
    face->pci_config = pci_config;
    face->serial = serial;
}

/* Not of one plugin but of the machine: the sentence names what to add. */
void acpi_check_facts(struct acpi_build *b)
{
    const struct acpi_facts *f = &b->facts;
    const struct acpi_block *event = &f->blocks[BP_ACPI_PM1A_EVENT];
    const struct acpi_block *control = &f->blocks[BP_ACPI_PM1A_CONTROL];
    const struct layout_device *dev = event->dev != NULL ? event->dev : control->dev;
    if (dev == NULL)
        return;
    if (event->dev == NULL || control->dev == NULL)
        acpi_fail(b, BP_ERR_INVALID,
                  "device %s (%s): ACPI's fixed hardware needs both the PM1a event and the PM1a "
                  "control registers: place the region that holds the %s registers",
                  dev->name, dev->class_id, event->dev == NULL ? "event" : "control");
    else if (f->sci == NULL)
        acpi_fail(b, BP_ERR_INVALID,
                  "device %s (%s): ACPI's fixed hardware needs an interrupt: connect the line of "
                  "the SCI",
                  dev->name, dev->class_id);
}
