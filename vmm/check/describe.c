/*
 * What a device says about itself in the device tree and in ACPI: alone on the bench, and in a
 * whole machine, whose tables other people's programs must accept.
 */
#include "check/check.h"
#include "check/describe_machine.h"
#include "check/exercise.h"
#include "check/tool.h"
#include "classcheck.h"
#include "tables/acpi.h"
#include "tables/fdt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define TOOL_MS 10000u

/* --- on the bench ----------------------------------------------------------------------------- */
static void describe(struct check_run *run, struct bench *b, const char *when)
{
    check_step(run, "describe_fdt %s", when); /* the bench compares */
    bench_fdt(b);
    check_step(run, "describe_acpi %s", when);
    bench_acpi(b);
}

static void description_is_pure(struct check_run *run)
{
    struct bench *b = exercise_create(run, 0); /* describes it before realize, too */
    struct saved before = exercise_save(run, b), after;

    describe(run, b, "after realize");
    describe(run, b, "once more");
    after = exercise_save(run, b);
    if (!exercise_is_same(&before, &after))
        check_fail(run, "describing it changes its state: %s",
                   exercise_difference(&before, &after));
    free(before.bytes);
    free(after.bytes);
    for (uint64_t seed = run->seed; seed < run->seed + 3; seed++) {
        exercise(run, b, seed, 700);
        describe(run, b, "after the guest has used it");
        check_step(run, "save and load");
        if (bench_reload(b))
            check_fail(run, "it refuses its own state: %s", bench_error(b));
        describe(run, b, "after a load");
        bench_reset(b, BP_RESET_COLD);
        describe(run, b, "after a reset");
    }
    bench_destroy(b);
}

/* --- in a machine ----------------------------------------------------------------------------- */
static void write_file(struct check_run *run, const char *name, const void *bytes, size_t size)
{
    FILE *f = fopen(name, "wb");
    bool is_written = f && fwrite(bytes, 1, size, f) == size;

    if (!f || fclose(f) || !is_written)
        check_fail(run, "%s: cannot be written: %s", name, strerror(errno));
}

/* What iasl counts at the end. */
static bool has_warnings(const char *said)
{
    return strstr(said, " Warnings,") && !strstr(said, ", 0 Warnings,");
}

/* Runs a program on a file of the directory. dtc says nothing about a tree without fault. */
static void run_tool(struct check_run *run, char *const argv[], bool is_silent, const char *subject)
{
    char said[3000];
    int status = 0;

    check_step(run, "%s looks at %s", argv[0], subject);
    switch (tool_run(argv, TOOL_MS, said, sizeof(said), &status)) {
    case TOOL_ABSENT:
        check_skip(run, "%s is not installed", argv[0]);
    case TOOL_BROKEN:
        check_skip(run, "%s cannot be run", argv[0]);
    case TOOL_LATE:
        check_fail(run, "%s did not end within %u seconds", argv[0], TOOL_MS / 1000);
    case TOOL_ENDED:
        break;
    }
    if (status != 0 || (is_silent && said[0]) || has_warnings(said))
        check_fail(run, "%s does not accept %s:\n%.700s", argv[0], subject, said);
}

static void look_at_fdt(struct check_run *run, enum arch arch)
{
    char *const argv[] = {"dtc", "-I",          "dtb",         "-O", "dts",
                          "-o",  "machine.dts", "machine.dtb", NULL};
    struct machine *machine = describe_machine_load(run, arch, false);
    struct err err;
    size_t size;
    void *blob;
    char subject[64];

    if (fdt_build(&machine->layout, NULL, &blob, &size, &err) != BP_OK)
        check_fail(run, "the device tree of a machine for %s with it cannot be made: %s",
                   arch_name(arch), err.text);
    write_file(run, "machine.dtb", blob, size);
    snprintf(subject, sizeof(subject), "the device tree of a machine for %s", arch_name(arch));
    run_tool(run, argv, true, subject);
    free(blob);
    machine_destroy(machine);
}

static void fdt_passes_dtc(struct check_run *run)
{
    static const enum arch archs[] = {ARCH_ARM64, ARCH_RISCV64};
    uint32_t n = 0;

    describe_machine_need(run);
    for (uint32_t i = 0; i < sizeof(archs) / sizeof(archs[0]); i++) {
        if (!describe_machine_is_for(run, archs[i]))
            continue;
        look_at_fdt(run, archs[i]);
        n++;
    }
    if (!n)
        check_skip(run, "it is for machines without a device tree (arch = \"%s\")",
                   run->class_->arch);
}

/* The compiler's own name and the checksum may differ. */
static bool is_same_table(const struct acpi_table *table, const char *name)
{
    static uint8_t again[1 << 20];
    FILE *f = fopen(name, "rb");
    size_t size = f ? fread(again, 1, sizeof(again), f) : 0;

    if (f)
        (void)fclose(f);
    return size == table->size && size >= 36 &&
           memcmp(again + 36, table->bytes + 36, size - 36) == 0;
}

static void look_at_acpi(struct check_run *run, bool pin_ports)
{
    char *const disassemble[] = {"iasl", "-p", "dsdt", "-d", "dsdt.aml", NULL};
    char *const compile[] = {"iasl", "-p", "again", "dsdt.dsl", NULL};
    struct machine *machine = describe_machine_load(run, ARCH_X86_64, pin_ports);
    struct acpi_table table;
    struct acpi_blob blob;
    size_t cursor = 0;
    struct err err;

    if (acpi_build_described(&machine->layout, &blob, &err) != BP_OK)
        check_fail(run, "the ACPI tables of a machine with it cannot be made: %s", err.text);
    while (acpi_blob_next(&blob, &cursor, &table)) {
        if (strcmp(table.signature, "DSDT") != 0)
            continue;
        write_file(run, "dsdt.aml", table.bytes, table.size);
        run_tool(run, disassemble, false, "the ACPI devices");
        run_tool(run, compile, false, "the ACPI devices, disassembled");
        if (!is_same_table(&table, "again.aml"))
            check_fail(run, "iasl makes another table of the ACPI devices that it has "
                            "disassembled: compare `backplane describe --asl`");
    }
    acpi_blob_fini(&blob);
    machine_destroy(machine);
}

static bool has_ports(const struct bp_class *c)
{
    for (uint32_t i = 0; i < c->regions.n_rows; i++) {
        if (class_region(c, i)->kind == BP_PIO)
            return true;
    }
    return false;
}

static void aml_passes_iasl(struct check_run *run)
{
    describe_machine_need(run);
    if (!describe_machine_is_for(run, ARCH_X86_64))
        check_skip(run, "it is for machines without ACPI (arch = \"%s\")", run->class_->arch);
    look_at_acpi(run, false);
    if (has_ports(run->class_))
        look_at_acpi(run, true);
}

static const struct check_test tests[] = {
    {"describe.pure", "describes itself the same at all times", CHECK_API, 0, false,
     description_is_pure},
    {"describe.fdt", "dtc accepts the device tree of a machine with it", CHECK_API, 0, false,
     fdt_passes_dtc},
    {"describe.acpi", "iasl accepts the ACPI devices of a machine with it", CHECK_API, 20, false,
     aml_passes_iasl},
};

const struct check_table check_describe_tests = CHECK_TABLE(tests);
