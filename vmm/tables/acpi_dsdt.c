/* The terms of the DSDT: what is written in ASL, sleep states, processors, devices. */
#include <backplane/abi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acpi/root.h"
#include "tables/acpi_parts.h"

#define PROCESSORS_MAX 0x1000u

uint32_t acpi_next_uid(struct acpi_build *b, const char *hid)
{
    struct acpi_ids *ids = &b->ids;
    for (size_t i = 0; i < ids->n; i++)
        if (strcmp(ids->rows[i].hid, hid) == 0)
            return ids->rows[i].next++;
    if (ids->n == ids->room) {
        size_t room = ids->room == 0 ? 32 : ids->room * 2;
        struct acpi_id *rows = realloc(ids->rows, room * sizeof(*rows));
        if (rows == NULL) {
            acpi_fail(b, BP_ERR_NO_MEMORY, "ACPI tables: out of memory");
            return 0;
        }
        ids->rows = rows;
        ids->room = room;
    }
    struct acpi_id *id = &ids->rows[ids->n++];
    (void)snprintf(id->hid, sizeof(id->hid), "%s", hid);
    id->next = 1;
    return 0;
}

/* _UID is the processor's number in the MADT (ACPI 6.5, 8.4). */
static void write_processors(struct acpi_build *b)
{
    if (b->layout->n_cpus > PROCESSORS_MAX) {
        acpi_fail(b, BP_ERR_UNSUPPORTED, "ACPI tables: %u processors are too many (limit %u)",
                  b->layout->n_cpus, PROCESSORS_MAX);
        return;
    }
    for (uint32_t i = 0; i < b->layout->n_cpus; i++) {
        char name[8];
        (void)snprintf(name, sizeof(name), "C%03X", i % PROCESSORS_MAX);
        aml_device_begin(&b->dsdt, name);
        aml_name(&b->dsdt, "_HID");
        aml_id(&b->dsdt, "ACPI0007");
        aml_name(&b->dsdt, "_UID");
        aml_integer(&b->dsdt, acpi_next_uid(b, "ACPI0007"));
        aml_end(&b->dsdt);
    }
}

/* SLP_TYP of PM1a and PM1b (ACPI 6.5, 7.4.2); without PM1a there is nothing to write it to. */
static void write_sleep_states(struct acpi_build *b)
{
    const struct acpi_facts *facts = &b->facts;
    for (uint32_t state = 0; state < ACPI_SLEEP_STATES; state++) {
        char name[16];
        if (!facts->has_sleep[state] || facts->blocks[BP_ACPI_PM1A_CONTROL].dev == NULL)
            continue;
        (void)snprintf(name, sizeof(name), "_S%u", state);
        aml_name(&b->dsdt, name);
        aml_package_begin(&b->dsdt, 4);
        aml_integer(&b->dsdt, facts->slp_typ[state]);
        aml_integer(&b->dsdt, facts->slp_typ[state]);
        aml_integer(&b->dsdt, 0);
        aml_integer(&b->dsdt, 0);
        aml_end(&b->dsdt);
    }
}

static void write_root(struct acpi_build *b)
{
    struct err why = {.text = ""};
    struct aml_term_names *names = malloc(sizeof(*names));
    if (names == NULL)
        acpi_fail(b, BP_ERR_NO_MEMORY, "ACPI tables: out of memory");
    else if (aml_terms(&b->dsdt, acpi_root, sizeof(acpi_root), names, &why) != BP_OK)
        acpi_fail(b, BP_ERR_INVALID, "firmware/acpi/root.asl: %s", why.text);
    free(names);
}

void acpi_dsdt(struct acpi_build *b)
{
    write_root(b);
    aml_scope_begin(&b->dsdt, "_SB");
    write_processors(b);
    for (size_t i = 0; i < b->layout->n_devices; i++)
        acpi_device(b, &b->layout->devices[i]);
    aml_end(&b->dsdt);
    write_sleep_states(b);
}
