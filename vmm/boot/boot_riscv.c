/*
 * Boot of riscv64 guests: a Linux Image (Documentation/arch/riscv/boot.rst and
 * boot-image-header.rst) or an ELF kernel in supervisor mode, or firmware in machine mode that
 * starts the kernel: OpenSBI's fw_dynamic, fw_jump and fw_payload (its docs/firmware/).
 *
 * RAM from its base: firmware, or nothing, up to 2 MiB; the kernel with its BSS; device tree;
 * initrd. Everything lies as low as it can, because the guest's early mappings reach up from the
 * kernel.
 */
#include <backplane/abi.h>
#include <string.h>

#include "boot/protocol.h"
#include "core/reg.h"

#define MIB           0x100000ull
#define KERNEL_OFFSET (2 * MIB)
#define KERNEL_ALIGN  (2 * MIB) /* the kernel maps itself with pages of this size */
#define FIRMWARE_BYTES                                                                             \
    (2 * MIB) /* its code, and behind it stacks and heap that no header tells                      \
               */
#define JUMP_DTB_OFFSET                                                                            \
    0x2200000                   /* where fw_jump and fw_payload of the generic platform want it    \
                                 */
#define DTB_SLACK_BYTES 0x10000 /* firmware adds nodes in place */
#define PAGE_BYTES      4096u

/* The Image header. */
#define HEADER_BYTES    64u
#define HEADER_OFFSET   8u  /* text_offset */
#define HEADER_SIZE     16u /* image_size, with BSS */
#define HEADER_FLAGS    24u
#define HEADER_MAGIC    48u
#define HEADER_MAGIC2   56u
#define FLAG_BIG_ENDIAN 1u

#define FW_INFO_MAGIC   0x4942534f /* "OSBI" */
#define FW_INFO_VERSION 2
#define MODE_S          1
#define MODE_M          3

static uint64_t ram_base(const struct boot *boot)
{
    return boot->space.ram[0].base;
}

static void set_flat(struct boot_image *image, uint64_t gpa, uint64_t size)
{
    image->segments[0] = (struct boot_segment){0, image->file.size, gpa, 0};
    image->n_segments = 1;
    image->entry_gpa = gpa;
    image->base = gpa;
    image->size = size;
}

static int32_t read_linux_image(struct boot *boot, const uint8_t *head, size_t n, struct err *err)
{
    struct boot_image *k = &boot->kernel;
    uint64_t offset = boot_le64(head + HEADER_OFFSET);
    uint64_t size = boot_le64(head + HEADER_SIZE);
    if (boot_le64(head + HEADER_FLAGS) & FLAG_BIG_ENDIAN)
        return boot_file_fail(&k->file, err, BP_ERR_UNSUPPORTED, "is a big-endian kernel");
    int32_t status = boot_check_efi_sections(&k->file, head, n, err);
    if (status != BP_OK)
        return status;
    if (size == 0)
        return boot_file_fail(&k->file, err, BP_ERR_FORMAT, "its header says image_size 0");
    if (offset == 0)
        offset = KERNEL_OFFSET;
    if (offset % KERNEL_ALIGN != 0)
        return boot_file_fail(&k->file, err, BP_ERR_FORMAT,
                              "its header says text_offset 0x%llx, no multiple of 2 MiB",
                              (unsigned long long)offset);
    if (offset > UINT64_MAX - ram_base(boot))
        return boot_file_fail(&k->file, err, BP_ERR_RANGE,
                              "its header says text_offset 0x%llx, beyond the last address",
                              (unsigned long long)offset);
    set_flat(k, ram_base(boot) + offset, size > k->file.size ? size : k->file.size);
    /* What Linux clears itself is not touched here, but it is not free either; and it takes its
     * last large page whole (setup_bootmem), where there is RAM for it. */
    uint64_t tail = -k->size & (KERNEL_ALIGN - 1);
    if (k->size <= UINT64_MAX - tail && boot_space_ram(&boot->space, k->base, k->size + tail))
        k->size += tail;
    status = boot_space_claim(&boot->space, "kernel", k->base, k->size, err);
    if (status != BP_OK)
        err_prefix(err, "%.300s", k->file.path);
    return status;
}

static int32_t arrange_kernel(struct boot *boot, struct err *err)
{
    struct boot_image *k = &boot->kernel;
    uint8_t head[BOOT_HEAD_BYTES];
    size_t n;
    int32_t status = boot_file_head(&k->file, 0, head, sizeof(head), &n, err);
    if (status != BP_OK)
        return status;
    if (boot_is_elf(head, n)) {
        status = boot_elf_read(k, ARCH_RISCV64, &boot->space.ram[0], ram_base(boot) + KERNEL_OFFSET,
                               err);
        return status != BP_OK ? status : boot_claim_image(boot, k, err);
    }
    status = boot_refuse_foreign(&k->file, ARCH_RISCV64, head, n, err);
    if (status != BP_OK)
        return status;
    if (n < HEADER_BYTES)
        return boot_file_fail(&k->file, err, BP_ERR_FORMAT,
                              "is truncated: %zu bytes are less than a kernel's header", n);
    if (memcmp(head + HEADER_MAGIC2, "RSC\x05", 4) != 0)
        return boot_file_fail(&k->file, err, BP_ERR_FORMAT,
                              "is no riscv64 kernel: neither a Linux Image nor an ELF file");
    return read_linux_image(boot, head, n, err);
}

/* The firmware's stacks and heap lie behind its image. A kernel linked there is an error. */
static int32_t claim_firmware(struct boot *boot, struct err *err)
{
    struct boot_image *f = &boot->firmware;
    const struct aspace_ram *ram = boot_space_ram(&boot->space, f->base, f->size);
    uint64_t to_end = ram == NULL ? 0 : ram->size - (f->base - ram->base);
    if (ram != NULL && f->size < FIRMWARE_BYTES)
        f->size = to_end < FIRMWARE_BYTES ? to_end : FIRMWARE_BYTES;
    int32_t status = boot_space_claim(&boot->space, "firmware", f->base, f->size, err);
    if (status != BP_OK)
        err_prefix(err, "%.300s", f->file.path);
    return status;
}

/* fw_payload carries a kernel at 2 MiB, whose BSS reaches beyond the file. */
static int32_t add_payload_bss(struct boot_image *f, struct err *err)
{
    uint8_t head[HEADER_BYTES];
    size_t n;
    int32_t status = boot_file_head(&f->file, KERNEL_OFFSET, head, sizeof(head), &n, err);
    if (status != BP_OK || n < sizeof(head) || memcmp(head + HEADER_MAGIC2, "RSC\x05", 4) != 0)
        return status;
    uint64_t size = boot_le64(head + HEADER_SIZE);
    if (size <= UINT64_MAX - KERNEL_OFFSET && size + KERNEL_OFFSET > f->size)
        f->size = size + KERNEL_OFFSET;
    return BP_OK;
}

static int32_t arrange_firmware(struct boot *boot, struct err *err)
{
    struct boot_image *f = &boot->firmware;
    uint8_t head[BOOT_HEAD_BYTES];
    size_t n;
    int32_t status = boot_file_head(&f->file, 0, head, sizeof(head), &n, err);
    if (status != BP_OK)
        return status;
    if (boot_is_elf(head, n)) {
        status = boot_elf_read(f, ARCH_RISCV64, &boot->space.ram[0], ram_base(boot), err);
        return status != BP_OK ? status : claim_firmware(boot, err);
    }
    status = boot_refuse_foreign(&f->file, ARCH_RISCV64, head, n, err);
    if (status != BP_OK)
        return status;
    if (n >= HEADER_BYTES && memcmp(head + HEADER_MAGIC2, "RSC\x05", 4) == 0)
        return boot_file_fail(&f->file, err, BP_ERR_INVALID,
                              "is a Linux kernel, not firmware: name it with --kernel");
    set_flat(f, ram_base(boot), f->file.size);
    status = add_payload_bss(f, err);
    return status != BP_OK ? status : claim_firmware(boot, err);
}

static uint64_t end_of_images(const struct boot *boot)
{
    const struct boot_image *k = &boot->kernel;
    const struct boot_image *f = &boot->firmware;
    uint64_t kernel_end = k->n_segments > 0 ? k->base + (k->size - 1) : ram_base(boot);
    uint64_t firmware_end = f->n_segments > 0 ? f->base + (f->size - 1) : ram_base(boot);
    return kernel_end > firmware_end ? kernel_end : firmware_end;
}

/* With firmware, first where fw_jump would copy it: then it does not copy it over anything. */
static int32_t place_dtb(struct boot *boot, struct err *err)
{
    struct boot_plan *plan = &boot->plan;
    uint64_t wanted = ram_base(boot) + JUMP_DTB_OFFSET;
    plan->dtb_room = boot->dtb_bytes + DTB_SLACK_BYTES;
    if (plan->has_firmware && boot_space_ram(&boot->space, wanted, plan->dtb_room) != NULL &&
        boot_space_overlap(&boot->space, wanted, plan->dtb_room) == NULL) {
        plan->dtb_gpa = wanted;
        return boot_space_claim(&boot->space, "device tree", wanted, plan->dtb_room, err);
    }
    return boot_space_place(&boot->space, "device tree", plan->dtb_room, PAGE_BYTES,
                            end_of_images(boot), &plan->dtb_gpa, err);
}

static int32_t place_initrd(struct boot *boot, struct err *err)
{
    struct boot_plan *plan = &boot->plan;
    if (boot->initrd.path == NULL)
        return BP_OK;
    /* A kernel within the firmware is only known to end below the device tree. */
    uint64_t from = boot->kernel.n_segments > 0 ? end_of_images(boot) : plan->dtb_gpa;
    plan->initrd_bytes = boot->initrd.size;
    int32_t status = boot_space_place(&boot->space, "initrd", plan->initrd_bytes, PAGE_BYTES, from,
                                      &plan->initrd_gpa, err);
    if (status != BP_OK)
        err_prefix(err, "%.300s", boot->initrd.path);
    return status;
}

/* struct fw_dynamic_info (OpenSBI, docs/firmware/fw_dynamic.md): magic, version, next_addr,
 * next_mode, options, boot_hart. */
static int32_t place_info(struct boot *boot, struct err *err)
{
    if (!boot->plan.has_firmware || boot->kernel.n_segments == 0)
        return BP_OK;
    const uint64_t words[6] = {FW_INFO_MAGIC, FW_INFO_VERSION, boot->plan.kernel_gpa, MODE_S, 0, 0};
    for (unsigned i = 0; i < 6; i++)
        boot_put64(boot->info + 8 * i, words[i]);
    boot->info_bytes = sizeof(words);
    return boot_space_place(&boot->space, "firmware's start information", PAGE_BYTES, PAGE_BYTES,
                            end_of_images(boot), &boot->plan.info_gpa, err);
}

int32_t boot_riscv_arrange(struct boot *boot, struct err *err)
{
    struct boot_plan *plan = &boot->plan;
    int32_t status = BP_OK;
    plan->has_firmware = boot->firmware.file.path != NULL;
    if (plan->has_firmware)
        status = arrange_firmware(boot, err);
    if (status == BP_OK && boot->kernel.file.path != NULL)
        status = arrange_kernel(boot, err);
    if (status != BP_OK)
        return status;
    plan->kernel_gpa = boot->kernel.entry_gpa;
    plan->entry_gpa = plan->has_firmware ? boot->firmware.entry_gpa : plan->kernel_gpa;
    status = place_dtb(boot, err);
    if (status == BP_OK)
        status = place_info(boot, err);
    if (status == BP_OK)
        status = place_initrd(boot, err);
    return status;
}

size_t boot_riscv_registers(const struct boot *boot, uint32_t vcpu, struct boot_register *out)
{
    const struct boot_plan *plan = &boot->plan;
    if (vcpu != 0 && !plan->has_firmware)
        return 0;
    const struct boot_register all[] = {
        {REG_RISCV64_PC, plan->entry_gpa},
        {REG_RISCV64_MODE, plan->has_firmware ? MODE_M : MODE_S},
        {REG_RISCV64_X(10), vcpu},
        {REG_RISCV64_X(11), plan->dtb_gpa},
        {REG_RISCV64_X(12), plan->info_gpa},
    };
    memcpy(out, all, sizeof(all));
    return sizeof(all) / sizeof(all[0]);
}
