/*
 * Boot of x86_64 guests: a Linux bzImage by its 64-bit entry, an ELF kernel with a PVH note, or a
 * plain ELF file: a 64-bit one begins in 64-bit mode, a 32-bit one in protected mode, both with the
 * zero page in RSI. There is no firmware: its tables are made here.
 *
 * RAM from its base: descriptor and page tables, zero page and command line below 640 KiB; nothing
 * in the PC's area up to 1 MiB but the RSDP and SMBIOS; the kernel. From the top of the RAM below 3
 * GiB down: ACPI tables, initrd.
 */
#include <backplane/abi.h>
#include <string.h>

#include "boot/protocol.h"
#include "core/reg.h"
#include "core/x86_tables.h"

#define MIB             0x100000ull
#define GIB_4           0x100000000ull
#define LOW_GPA         0x1000u  /* above the real-mode vectors */
#define BIOS_AREA_GPA   0x9fc00u /* from where E820 keeps it, up to 1 MiB */
#define BIOS_AREA_BYTES 0x60400u
#define RSDP_GPA        0xe0000u /* the first place where a guest looks for it */
#define ELF_LOAD_GPA    (2 * MIB)
#define PAGE_BYTES      4096u

/* Linux's COMMAND_LINE_SIZE, for kernels that have no header to say it: more would be cut. */
#define ELF_CMDLINE_MAX 2047u

#define RFLAGS_RESERVED 0x2u

/* --- The kernel ------------------------------------------------------------------------------- */

/* A kernel linked at 0, or nowhere in RAM, is moved up: below 1 MiB there is the PC. */
static int32_t read_elf(struct boot *boot, struct err *err)
{
    struct boot_image *k = &boot->kernel;
    struct aspace_ram ram = boot->space.ram[0];
    uint64_t pvh_gpa;
    ram.base += PAGE_BYTES;
    ram.size -= PAGE_BYTES;
    int32_t status = boot_elf_read(k, ARCH_X86_64, &ram, ELF_LOAD_GPA, err);
    if (status == BP_OK)
        status = boot_claim_image(boot, k, err);
    if (status == BP_OK)
        status = boot_pvh_find(k, &pvh_gpa, err);
    if (status != BP_OK)
        return status;
    struct boot_x86 *x = &boot->x86;
    x->initrd_last = GIB_4 - 1;
    x->cmdline_max = ELF_CMDLINE_MAX;
    boot->plan.mode = k->is_32bit || pvh_gpa != 0 ? BOOT_MODE_PROTECTED : BOOT_MODE_LONG;
    if (pvh_gpa != 0)
        k->entry_gpa = pvh_gpa;
    else
        boot_zero_page_make_header(x);
    if (boot->plan.mode == BOOT_MODE_PROTECTED && k->entry_gpa >= GIB_4)
        return boot_file_fail(&k->file, err, BP_ERR_RANGE,
                              "its entry 0x%llx lies beyond 4 GiB, and it begins in 32-bit mode",
                              (unsigned long long)k->entry_gpa);
    return BP_OK;
}

static int32_t read_kernel(struct boot *boot, struct err *err)
{
    struct boot_image *k = &boot->kernel;
    uint8_t head[BOOT_HEAD_BYTES];
    size_t n;
    int32_t status = boot_file_head(&k->file, 0, head, sizeof(head), &n, err);
    if (status != BP_OK)
        return status;
    if (boot_is_elf(head, n))
        return read_elf(boot, err);
    status = boot_refuse_foreign(&k->file, ARCH_X86_64, head, n, err);
    if (status != BP_OK)
        return status;
    boot->plan.mode = BOOT_MODE_LONG;
    return boot_bzimage_read(boot, head, n, err);
}

/* --- Where everything goes -------------------------------------------------------------------- */

int32_t boot_x86_place_low(struct boot *boot, const char *what, uint64_t bytes, uint64_t *gpa,
                           struct err *err)
{
    uint64_t whole = (bytes + (PAGE_BYTES - 1)) & ~(uint64_t)(PAGE_BYTES - 1);
    int32_t status = boot_space_place(&boot->space, what, whole, PAGE_BYTES, LOW_GPA, gpa, err);
    if (status == BP_OK && *gpa >= GIB_4)
        return err_set(err, BP_ERR_NO_SPACE,
                       "%s does not fit: the kernel takes all the RAM below 4 GiB", what);
    return status;
}

static int32_t place_acpi(struct boot *boot, struct err *err)
{
    if (boot->acpi_bytes == 0)
        return BP_OK;
    const struct aspace_ram *low = &boot->space.ram[0];
    boot->plan.rsdp_gpa = RSDP_GPA;
    return boot_space_place_high(&boot->space, "ACPI table area", boot->acpi_bytes, PAGE_BYTES,
                                 low->base + (low->size - 1), &boot->plan.acpi_gpa, err);
}

static int32_t place_tables(struct boot *boot, struct err *err)
{
    struct boot_x86 *x = &boot->x86;
    if (boot->plan.mode != BOOT_MODE_LONG)
        return BP_OK;
    x->covered_bytes = boot->kernel.base + boot->kernel.size;
    int32_t status = boot_x86_place_low(boot, "page tables", x86_tables_bytes(x->covered_bytes),
                                        &x->tables_gpa, err);
    boot->plan.long_mode = x86_tables_mode(x->tables_gpa);
    return status;
}

static int32_t place_cmdline(struct boot *boot, struct err *err)
{
    size_t n = boot->cmdline != NULL ? strlen(boot->cmdline) : 0;
    if (n > boot->x86.cmdline_max)
        return err_set(err, BP_ERR_RANGE,
                       "kernel command line: it has %zu bytes and this kernel takes %llu: shorten "
                       "--append or the machine file's own",
                       n, (unsigned long long)boot->x86.cmdline_max);
    return boot_x86_place_low(boot, "kernel command line", n + 1, &boot->x86.cmdline_gpa, err);
}

static int32_t place_initrd(struct boot *boot, struct err *err)
{
    struct boot_plan *plan = &boot->plan;
    uint64_t last = boot->x86.initrd_last < GIB_4 ? boot->x86.initrd_last : GIB_4 - 1;
    if (boot->initrd.path == NULL)
        return BP_OK;
    plan->initrd_bytes = boot->initrd.size;
    int32_t status = boot_space_place_high(&boot->space, "initrd", plan->initrd_bytes, PAGE_BYTES,
                                           last, &plan->initrd_gpa, err);
    if (status != BP_OK)
        err_prefix(err, "%.300s", boot->initrd.path);
    return status;
}

int32_t boot_x86_arrange(struct boot *boot, struct err *err)
{
    if (boot->firmware.file.path != NULL)
        return boot_file_fail(
            &boot->firmware.file, err, BP_ERR_UNSUPPORTED,
            "x86_64 machines have no place for firmware: name a kernel (--kernel) "
            "and leave --firmware out");
    int32_t status = boot_space_claim(&boot->space, "area of the PC's firmware", BIOS_AREA_GPA,
                                      BIOS_AREA_BYTES, err);
    if (status == BP_OK)
        status = read_kernel(boot, err);
    if (status == BP_OK)
        status = place_acpi(boot, err);
    if (status == BP_OK)
        status = place_tables(boot, err);
    if (status == BP_OK)
        status = place_cmdline(boot, err);
    if (status == BP_OK)
        status = boot->x86.header_bytes > 0 ? boot_zero_page_place(boot, err)
                                            : boot_pvh_place(boot, err);
    if (status == BP_OK)
        status = place_initrd(boot, err);
    boot->plan.kernel_gpa = boot->kernel.entry_gpa;
    boot->plan.entry_gpa = boot->kernel.entry_gpa;
    return status;
}

/* --- Loading ---------------------------------------------------------------------------------- */

static int32_t check_announced(const struct boot *boot, const struct boot_tables *tables,
                               struct err *err)
{
    if (tables->acpi_bytes > boot->acpi_bytes)
        return err_set(err, BP_ERR_NO_SPACE,
                       "ACPI tables: %zu bytes, but only %zu were announced for them",
                       tables->acpi_bytes, boot->acpi_bytes);
    if (tables->n_e820 > boot->x86.e820_max)
        return err_set(err, BP_ERR_NO_SPACE,
                       "memory map: %zu entries, but only %zu were announced for it",
                       tables->n_e820, boot->x86.e820_max);
    if (tables->seed_bytes > BOOT_SEED_BYTES_MAX)
        return err_set(err, BP_ERR_NO_SPACE, "random numbers: %zu bytes, more than %u",
                       tables->seed_bytes, BOOT_SEED_BYTES_MAX);
    return BP_OK;
}

static int32_t write_plain(const struct boot *boot, struct memory *memory,
                           const struct boot_tables *tables, struct err *err)
{
    const struct boot_plan *plan = &boot->plan;
    const char *cmdline = boot->cmdline != NULL ? boot->cmdline : "";
    int32_t status = memory_write(memory, boot->x86.cmdline_gpa, cmdline, strlen(cmdline) + 1);
    if (status == BP_OK && tables->acpi_bytes > 0)
        status = memory_write(memory, plan->acpi_gpa, tables->acpi, tables->acpi_bytes);
    if (status == BP_OK && tables->acpi_bytes > 0)
        status = memory_write(memory, plan->rsdp_gpa, tables->rsdp, tables->rsdp_bytes);
    if (status == BP_OK && tables->smbios_bytes > 0)
        status = memory_write(memory, tables->smbios_gpa, tables->smbios, tables->smbios_bytes);
    if (status == BP_OK && plan->mode == BOOT_MODE_LONG) {
        struct accel_x86_long_mode mode;
        status = x86_tables_write(memory, boot->x86.tables_gpa, boot->x86.covered_bytes, &mode);
    }
    return status == BP_OK ? BP_OK
                           : err_set(err, status, "start of the guest: its tables lie outside RAM");
}

int32_t boot_x86_load(const struct boot *boot, struct memory *memory,
                      const struct boot_tables *tables, struct err *err)
{
    int32_t status = check_announced(boot, tables, err);
    if (status == BP_OK)
        status = write_plain(boot, memory, tables, err);
    if (status != BP_OK)
        return status;
    return boot->x86.header_bytes > 0 ? boot_zero_page_write(boot, memory, tables, err)
                                      : boot_pvh_write(boot, memory, tables, err);
}

size_t boot_x86_registers(const struct boot *boot, uint32_t vcpu, struct boot_register *out)
{
    if (vcpu != 0)
        return 0;
    const struct boot_register all[] = {
        {REG_X86_64_RIP, boot->plan.entry_gpa},
        {REG_X86_64_RFLAGS, RFLAGS_RESERVED},
        {REG_X86_64_RSI, boot->x86.zero_page_gpa},
        {REG_X86_64_RBX, boot->x86.start_info_gpa},
        {REG_X86_64_RBP, 0},
        {REG_X86_64_RDI, 0},
    };
    memcpy(out, all, sizeof(all));
    return sizeof(all) / sizeof(all[0]);
}
