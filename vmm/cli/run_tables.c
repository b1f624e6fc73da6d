/* What the guest reads about its machine: a device tree, or ACPI tables and E820. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "cli/run.h"
#include "tables/e820.h"
#include "tables/fdt.h"
#include "tables/smbios.h"

#define SEED_BYTES 64u

/* Where the ACPI tables lie parts RAM in another way. */
#define E820_MARGIN 8u

static int32_t fill_random(void *to, size_t n, struct err *err)
{
    return getrandom(to, n, 0) == (ssize_t)n
               ? BP_OK
               : err_set(err, BP_ERR_IO, "random numbers for the guest: %s", strerror(errno));
}

/* --- arm64, riscv64: the device tree ---------------------------------------------------------- */

static int32_t build_tree(const struct run *run, const struct boot_plan *plan, void **blob,
                          size_t *size, struct err *err)
{
    uint8_t seed[SEED_BYTES];
    uint64_t kaslr_seed;
    int32_t status = fill_random(seed, sizeof(seed), err);
    if (status == BP_OK)
        status = fill_random(&kaslr_seed, sizeof(kaslr_seed), err);
    if (status != BP_OK)
        return status;
    struct fdt_chosen chosen = {.bootargs = run->bootargs,
                                .initrd_gpa = plan->initrd_gpa,
                                .initrd_bytes = plan->initrd_bytes,
                                .rng_seed = seed,
                                .rng_seed_bytes = sizeof(seed),
                                .kaslr_seed = kaslr_seed};
    return fdt_build(&run->m.machine->layout, &chosen, blob, size, err);
}

static int32_t measure_tree(const struct run *run, bool has_initrd, struct boot_request *request,
                            struct err *err)
{
    /* An initrd beyond 4 GiB makes the largest tree. */
    const struct boot_plan draft = {.initrd_gpa = UINT64_MAX / 2,
                                    .initrd_bytes = has_initrd ? 1 : 0};
    void *blob;
    int32_t status = build_tree(run, &draft, &blob, &request->dtb_bytes, err);
    if (status == BP_OK)
        free(blob);
    return status;
}

/* Made anew for each load: its random numbers are used up by the guest. */
static int32_t load_with_tree(struct run *run, struct vm *vm, struct err *err)
{
    void *blob;
    struct boot_tables tables = {0};
    int32_t status = build_tree(run, boot_get_plan(run->boot), &blob, &tables.dtb_bytes, err);
    if (status != BP_OK)
        return status;
    tables.dtb = blob;
    status = boot_load(run->boot, vm_memory(vm), &tables, err);
    free(blob);
    return status;
}

/* --- x86_64: ACPI and E820 -------------------------------------------------------------------- */

static int32_t build_acpi(struct run *run, uint64_t tables_gpa, struct err *err)
{
    const struct layout *layout = &run->m.machine->layout;
    run_tables_fini(run);
    int32_t status = acpi_build(layout, tables_gpa, &run->acpi, err);
    if (status == BP_OK)
        status = e820_build(layout, &run->acpi, &run->e820, &run->n_e820, err);
    return status;
}

/* The tables' size does not depend on where they lie; in the middle of RAM they make the longest
 * map. */
static int32_t measure_acpi(struct run *run, struct boot_request *request, struct err *err)
{
    uint64_t middle = request->ram[0].base + request->ram[0].size / 2;
    int32_t status = build_acpi(run, middle & ~(uint64_t)(ASPACE_PAGE_BYTES - 1), err);
    if (status != BP_OK)
        return status;
    request->acpi_bytes = run->acpi.tables_bytes;
    request->e820_max = run->n_e820 + E820_MARGIN;
    return BP_OK;
}

static int32_t load_with_acpi(struct run *run, struct vm *vm, struct err *err)
{
    uint8_t seed[SEED_BYTES];
    int32_t status = fill_random(seed, sizeof(seed), err);
    if (status != BP_OK)
        return status;
    struct smbios_blob smbios;
    smbios_build(&run->m.machine->layout, SMBIOS_GPA, &smbios);
    const struct boot_tables tables = {.smbios = smbios.bytes,
                                       .smbios_gpa = SMBIOS_GPA,
                                       .smbios_bytes = smbios.size,
                                       .rsdp = run->acpi.rsdp,
                                       .rsdp_bytes = sizeof(run->acpi.rsdp),
                                       .acpi = run->acpi.tables,
                                       .acpi_bytes = run->acpi.tables_bytes,
                                       .e820 = run->e820,
                                       .n_e820 = run->n_e820,
                                       .seed = seed,
                                       .seed_bytes = sizeof(seed)};
    return boot_load(run->boot, vm_memory(vm), &tables, err);
}

/* --- Which ------------------------------------------------------------------------------------ */

static bool has_acpi(const struct run *run)
{
    return run->m.machine->arch == ARCH_X86_64;
}

int32_t run_tables_measure(struct run *run, bool has_initrd, struct boot_request *request,
                           struct err *err)
{
    return has_acpi(run) ? measure_acpi(run, request, err)
                         : measure_tree(run, has_initrd, request, err);
}

int32_t run_tables_make(struct run *run, struct err *err)
{
    return has_acpi(run) ? build_acpi(run, boot_get_plan(run->boot)->acpi_gpa, err) : BP_OK;
}

int32_t run_tables_load(struct run *run, struct vm *vm, struct err *err)
{
    return has_acpi(run) ? load_with_acpi(run, vm, err) : load_with_tree(run, vm, err);
}

void run_tables_fini(struct run *run)
{
    acpi_blob_fini(&run->acpi);
    free(run->e820);
    run->acpi = (struct acpi_blob){.tables = NULL};
    run->e820 = NULL;
    run->n_e820 = 0;
}
