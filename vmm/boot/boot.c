#include "boot/boot.h"

#include <backplane/abi.h>
#include <stdlib.h>
#include <string.h>

#include "boot/protocol.h"

int32_t boot_claim_image(struct boot *boot, const struct boot_image *image, struct err *err)
{
    char old[sizeof(err->text)];
    for (size_t i = 0; i < image->n_segments; i++) {
        const struct boot_segment *s = &image->segments[i];
        int32_t status = boot_space_claim(&boot->space, image->file.what, s->gpa,
                                          s->file_bytes + s->zero_bytes, err);
        if (status == BP_OK)
            continue;
        if (err != NULL) {
            memcpy(old, err->text, sizeof(old));
            (void)err_set(err, status, "%.300s: %.700s", image->file.path, old);
        }
        return status;
    }
    return BP_OK;
}

static int32_t open_files(struct boot *boot, const struct boot_request *r, struct err *err)
{
    if (r->kernel == NULL && r->firmware == NULL)
        return err_set(err, BP_ERR_INVALID,
                       "nothing to boot: name a kernel (--kernel FILE) or firmware "
                       "(--firmware FILE)");
    int32_t status = BP_OK;
    if (r->firmware != NULL)
        status = boot_file_open(&boot->firmware.file, "firmware", r->firmware, err);
    if (status == BP_OK && r->kernel != NULL)
        status = boot_file_open(&boot->kernel.file, "kernel", r->kernel, err);
    if (status == BP_OK && r->initrd != NULL)
        status = boot_file_open(&boot->initrd, "initrd", r->initrd, err);
    return status;
}

static int32_t arrange(struct boot *boot, struct err *err)
{
    if (boot->space.n_ram == 0)
        return err_set(err, BP_ERR_INVALID, "nothing can be loaded: the machine has no RAM");
    switch (boot->arch) {
    case ARCH_RISCV64:
        return boot_riscv_arrange(boot, err);
    case ARCH_X86_64:
        return boot_x86_arrange(boot, err);
    case ARCH_ARM64:
        return boot_arm64_arrange(boot, err);
    case ARCH_INVALID:
        break;
    }
    return err_set(err, BP_ERR_UNSUPPORTED, "no boot protocol for %s machines",
                   arch_name(boot->arch));
}

static int32_t copy_request(struct boot *boot, const struct boot_request *request, struct err *err)
{
    boot->arch = request->arch;
    boot->dtb_bytes = request->dtb_bytes;
    boot->acpi_bytes = request->acpi_bytes;
    boot->x86.e820_max = request->e820_max;
    boot->space.n_ram = request->n_ram;
    memcpy(boot->space.ram, request->ram, sizeof(boot->space.ram));
    if (request->cmdline == NULL)
        return BP_OK;
    boot->cmdline = strdup(request->cmdline);
    return boot->cmdline != NULL
               ? BP_OK
               : err_set(err, BP_ERR_NO_MEMORY, "kernel command line: out of memory");
}

int32_t boot_open(const struct boot_request *request, struct boot **out, struct err *err)
{
    *out = NULL;
    struct boot *boot = calloc(1, sizeof(*boot));
    if (boot == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, "boot: out of memory");
    int32_t status = copy_request(boot, request, err);
    if (status == BP_OK)
        status = open_files(boot, request, err);
    if (status == BP_OK)
        status = arrange(boot, err);
    if (status != BP_OK) {
        boot_close(boot);
        return status;
    }
    *out = boot;
    return BP_OK;
}

void boot_close(struct boot *boot)
{
    if (boot == NULL)
        return;
    boot_file_close(&boot->kernel.file);
    boot_file_close(&boot->firmware.file);
    boot_file_close(&boot->initrd);
    free(boot->cmdline);
    free(boot);
}

const struct boot_plan *boot_get_plan(const struct boot *boot)
{
    return &boot->plan;
}

/* What no file stands behind. */
static int32_t load_tree(const struct boot *boot, struct memory *memory,
                         const struct boot_tables *tables, struct err *err)
{
    const struct boot_plan *plan = &boot->plan;
    if (tables->dtb_bytes > boot->dtb_bytes)
        return err_set(err, BP_ERR_NO_SPACE,
                       "device tree: %zu bytes, but only %zu were announced for it",
                       tables->dtb_bytes, boot->dtb_bytes);
    if (memory_write(memory, plan->dtb_gpa, tables->dtb, tables->dtb_bytes) != BP_OK ||
        (boot->info_bytes > 0 &&
         memory_write(memory, plan->info_gpa, boot->info, boot->info_bytes) != BP_OK))
        return err_set(err, BP_ERR_RANGE, "device tree: 0x%llx is not RAM",
                       (unsigned long long)plan->dtb_gpa);
    return BP_OK;
}

int32_t boot_load(const struct boot *boot, struct memory *memory, const struct boot_tables *tables,
                  struct err *err)
{
    int32_t status = boot_image_load(&boot->firmware, memory, err);
    if (status == BP_OK)
        status = boot_image_load(&boot->kernel, memory, err);
    if (status == BP_OK && boot->plan.initrd_bytes > 0)
        status = boot_file_load(&boot->initrd, 0, boot->plan.initrd_bytes, memory,
                                boot->plan.initrd_gpa, err);
    if (status != BP_OK)
        return status;
    return boot->arch == ARCH_X86_64 ? boot_x86_load(boot, memory, tables, err)
                                     : load_tree(boot, memory, tables, err);
}

size_t boot_registers(const struct boot *boot, uint32_t vcpu,
                      struct boot_register out[BOOT_REGISTERS_MAX])
{
    switch (boot->arch) {
    case ARCH_RISCV64:
        return boot_riscv_registers(boot, vcpu, out);
    case ARCH_X86_64:
        return boot_x86_registers(boot, vcpu, out);
    case ARCH_ARM64:
        return boot_arm64_registers(boot, vcpu, out);
    case ARCH_INVALID:
        break;
    }
    return 0;
}
