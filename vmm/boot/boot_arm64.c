/*
 * Boot of arm64 guests: a Linux Image (Documentation/arch/arm64/booting.rst), as it is, packed with
 * gzip, or within an EFI zboot kernel whose payload is gzip; or an ELF kernel. It begins at EL1,
 * with the MMU off and all interrupts masked. There is no firmware: PSCI is the accelerator's.
 *
 * RAM from its base: the kernel at text_offset, with its BSS; device tree; initrd. A kernel older
 * than 3.17 does not tell its size: what it shares RAM with then lies as far behind as it may.
 */
#include <backplane/abi.h>
#include <string.h>

#include "boot/gzip.h"
#include "boot/protocol.h"
#include "core/reg.h"

#define MIB        0x100000ull
#define GIB        0x40000000ull
#define PAGE_BYTES 4096u

/* The Image header. */
#define HEADER_BYTES    64u
#define HEADER_OFFSET   8u  /* text_offset */
#define HEADER_SIZE     16u /* image_size, with BSS */
#define HEADER_FLAGS    24u
#define HEADER_MAGIC    56u
#define FLAG_BIG_ENDIAN 1u

/* image_size 0: a kernel older than 3.17. The field before it may be in either byte order then, and
 * the device tree lies within 512 MiB (up to 4.1). */
#define OLD_TEXT_OFFSET 0x80000u
#define OLD_REACH       (512 * MIB)

#define DTB_BYTES_MAX      (2 * MIB)  /* what the kernel maps */
#define INITRD_WINDOW      (32 * GIB) /* around kernel and initrd, aligned to 1 GiB */
#define UNPACKED_BYTES_MAX GIB        /* whatever the header and the RAM allow */
#define CMDLINE_MAX        2047u      /* Linux's COMMAND_LINE_SIZE: more would be cut */

#define PSTATE_EL1H_MASKED 0x3c5u /* EL1 with its own stack pointer; D, A, I and F are masked */

/* What the kernel's header says. */
struct header {
    uint64_t text_offset;
    uint64_t image_size; /* 0: it does not say */
};

static bool is_image(const uint8_t *head, size_t n)
{
    return n >= HEADER_BYTES && memcmp(head + HEADER_MAGIC, "ARM\x64", 4) == 0;
}

static struct header read_header(const uint8_t *head)
{
    struct header h = {boot_le64(head + HEADER_OFFSET), boot_le64(head + HEADER_SIZE)};
    if (h.image_size == 0)
        h.text_offset = OLD_TEXT_OFFSET;
    return h;
}

/* --- Packed kernels --------------------------------------------------------------------------- */

/* The stream in the file; false when the file is not packed with gzip. */
static bool find_gzip(const struct boot_file *file, const uint8_t *head, size_t n,
                      struct boot_gzip *stream)
{
    if (n >= 2 && memcmp(head, "\x1f\x8b", 2) == 0) {
        *stream = (struct boot_gzip){0, file->size};
        return true;
    }
    if (!boot_is_zboot(head, n, "gzip"))
        return false;
    *stream = (struct boot_gzip){boot_le32(head + 8), boot_le32(head + 12)};
    return true;
}

/* The bound is what the kernel itself says, not more than there is RAM for. */
static uint64_t unpacked_max(const struct boot *boot, const uint8_t *head, size_t n,
                             const char **limit)
{
    uint64_t max = boot->space.ram[0].size;
    uint64_t says = is_image(head, n) ? read_header(head).image_size : 0;
    *limit = "the machine's RAM";
    if (says != 0 && says < max) {
        max = says;
        *limit = "its header's image_size";
    }
    if (max > UNPACKED_BYTES_MAX) {
        max = UNPACKED_BYTES_MAX;
        *limit = "the largest kernel that is unpacked here";
    }
    return max;
}

/* What cannot be booted is refused before all of it is unpacked. */
static int32_t unpack(struct boot *boot, const struct boot_gzip *stream, struct err *err)
{
    struct boot_file *file = &boot->kernel.file;
    uint8_t head[BOOT_HEAD_BYTES];
    const char *limit;
    size_t n;
    if (stream->offset > file->size || stream->bytes > file->size - stream->offset)
        return boot_file_fail(file, err, BP_ERR_FORMAT,
                              "is truncated: its packed kernel ends beyond its %llu bytes",
                              (unsigned long long)file->size);
    int32_t status = boot_gzip_head(file, stream, head, sizeof(head), &n, err);
    if (status == BP_OK)
        status = boot_refuse_foreign(file, ARCH_ARM64, head, n, err);
    if (status != BP_OK)
        return status;
    if (!is_image(head, n) && !boot_is_elf(head, n))
        return boot_file_fail(file, err, BP_ERR_FORMAT,
                              "unpacks to no arm64 kernel: neither a Linux Image nor an ELF file");
    uint64_t max = unpacked_max(boot, head, n, &limit);
    return boot_gzip_unpack(file, stream, max, limit, err);
}

/* --- The kernel ------------------------------------------------------------------------------- */

static int32_t check_text_offset(const struct boot *boot, const struct header *h, struct err *err)
{
    const struct boot_file *file = &boot->kernel.file;
    uint64_t ram_bytes = boot->space.ram[0].size;
    if (h->text_offset % PAGE_BYTES != 0)
        return boot_file_fail(file, err, BP_ERR_FORMAT,
                              "its header says text_offset 0x%llx, no multiple of 4096",
                              (unsigned long long)h->text_offset);
    if (h->text_offset >= ram_bytes)
        return boot_file_fail(file, err, BP_ERR_RANGE,
                              "its header says text_offset 0x%llx, and the machine has only 0x%llx "
                              "bytes of RAM: give it more (--memory)",
                              (unsigned long long)h->text_offset, (unsigned long long)ram_bytes);
    return BP_OK;
}

static int32_t read_linux_image(struct boot *boot, const uint8_t *head, size_t n, struct err *err)
{
    struct boot_image *k = &boot->kernel;
    struct header h = read_header(head);
    if (boot_le64(head + HEADER_FLAGS) & FLAG_BIG_ENDIAN)
        return boot_file_fail(&k->file, err, BP_ERR_UNSUPPORTED, "is a big-endian kernel");
    int32_t status = boot_check_efi_sections(&k->file, head, n, err);
    if (status == BP_OK)
        status = check_text_offset(boot, &h, err);
    if (status != BP_OK)
        return status;
    if (boot->cmdline != NULL && strlen(boot->cmdline) > CMDLINE_MAX)
        return err_set(err, BP_ERR_RANGE,
                       "kernel command line: %zu bytes, and the kernel takes %u: shorten it",
                       strlen(boot->cmdline), CMDLINE_MAX);
    boot->has_kernel_size = h.image_size != 0;
    k->base = boot->space.ram[0].base + h.text_offset;
    k->entry_gpa = k->base;
    k->size = h.image_size > k->file.size ? h.image_size : k->file.size;
    k->segments[0] = (struct boot_segment){0, k->file.size, k->base, 0};
    k->n_segments = 1;
    status = boot_space_claim(&boot->space, "kernel", k->base, k->size, err);
    if (status != BP_OK)
        err_prefix(err, "%.300s (text_offset 0x%llx, image_size 0x%llx)", k->file.path,
                   (unsigned long long)h.text_offset, (unsigned long long)h.image_size);
    return status;
}

static int32_t read_elf(struct boot *boot, struct err *err)
{
    struct boot_image *k = &boot->kernel;
    const struct aspace_ram *ram = &boot->space.ram[0];
    int32_t status = boot_elf_read(k, ARCH_ARM64, ram, ram->base, err);
    boot->has_kernel_size = true;
    return status != BP_OK ? status : boot_claim_image(boot, k, err);
}

static int32_t arrange_kernel(struct boot *boot, struct err *err)
{
    struct boot_file *file = &boot->kernel.file;
    uint8_t head[BOOT_HEAD_BYTES];
    struct boot_gzip stream;
    size_t n;
    int32_t status = boot_file_head(file, 0, head, sizeof(head), &n, err);
    if (status == BP_OK && find_gzip(file, head, n, &stream)) {
        status = unpack(boot, &stream, err);
        if (status == BP_OK)
            status = boot_file_head(file, 0, head, sizeof(head), &n, err);
    }
    if (status != BP_OK)
        return status;
    if (boot_is_elf(head, n))
        return read_elf(boot, err);
    status = boot_refuse_foreign(file, ARCH_ARM64, head, n, err);
    if (status != BP_OK)
        return status;
    if (n < HEADER_BYTES)
        return boot_file_fail(file, err, BP_ERR_FORMAT,
                              "is truncated: %zu bytes are less than a kernel's header", n);
    if (!is_image(head, n))
        return boot_file_fail(file, err, BP_ERR_FORMAT,
                              "is no arm64 kernel: neither a Linux Image nor an ELF file");
    return read_linux_image(boot, head, n, err);
}

/* --- What lies beside it ---------------------------------------------------------------------- */

/* A kernel that says how much it takes has its neighbours close by, another as far as it bears. */
static int32_t place_beside(struct boot *boot, const char *what, uint64_t bytes, uint64_t *gpa,
                            struct err *err)
{
    const struct boot_image *k = &boot->kernel;
    uint64_t last = boot->space.ram[0].base + (OLD_REACH - 1);
    int32_t status = boot->has_kernel_size ? boot_space_place(&boot->space, what, bytes, PAGE_BYTES,
                                                              k->base + (k->size - 1), gpa, err)
                                           : boot_space_place_high(&boot->space, what, bytes,
                                                                   PAGE_BYTES, last, gpa, err);
    if (status != BP_OK)
        err_prefix(err, "beside kernel %.300s, which takes 0x%llx-0x%llx", k->file.path,
                   (unsigned long long)k->base, (unsigned long long)(k->base + (k->size - 1)));
    return status;
}

static int32_t place_dtb(struct boot *boot, struct err *err)
{
    struct boot_plan *plan = &boot->plan;
    if (boot->dtb_bytes > DTB_BYTES_MAX)
        return err_set(err, BP_ERR_NO_SPACE,
                       "device tree: %zu bytes, and kernels map no more than 2 MiB",
                       boot->dtb_bytes);
    plan->dtb_room = boot->dtb_bytes;
    return place_beside(boot, "device tree", plan->dtb_room, &plan->dtb_gpa, err);
}

static int32_t check_window(const struct boot *boot, struct err *err)
{
    const struct boot_image *k = &boot->kernel;
    const struct boot_plan *plan = &boot->plan;
    uint64_t first = plan->initrd_gpa < k->base ? plan->initrd_gpa : k->base;
    uint64_t last = plan->initrd_gpa + (plan->initrd_bytes - 1);
    if (k->base + (k->size - 1) > last)
        last = k->base + (k->size - 1);
    if (last - (first & ~(GIB - 1)) < INITRD_WINDOW)
        return BP_OK;
    return boot_file_fail(&boot->initrd, err, BP_ERR_RANGE,
                          "0x%llx-0x%llx does not lie within 32 GiB of the kernel: use a smaller "
                          "one",
                          (unsigned long long)plan->initrd_gpa,
                          (unsigned long long)(plan->initrd_gpa + (plan->initrd_bytes - 1)));
}

static int32_t place_initrd(struct boot *boot, struct err *err)
{
    struct boot_plan *plan = &boot->plan;
    if (boot->initrd.path == NULL)
        return BP_OK;
    plan->initrd_bytes = boot->initrd.size;
    int32_t status = place_beside(boot, "initrd", plan->initrd_bytes, &plan->initrd_gpa, err);
    if (status != BP_OK) {
        err_prefix(err, "%.300s", boot->initrd.path);
        return status;
    }
    return check_window(boot, err);
}

int32_t boot_arm64_arrange(struct boot *boot, struct err *err)
{
    struct boot_plan *plan = &boot->plan;
    if (boot->firmware.file.path != NULL)
        return boot_file_fail(&boot->firmware.file, err, BP_ERR_UNSUPPORTED,
                              "arm64 machines run no firmware yet: name a kernel (--kernel FILE)");
    int32_t status = arrange_kernel(boot, err);
    if (status != BP_OK)
        return status;
    plan->kernel_gpa = boot->kernel.entry_gpa;
    plan->entry_gpa = plan->kernel_gpa;
    status = place_dtb(boot, err);
    if (status == BP_OK)
        status = place_initrd(boot, err);
    return status;
}

/* Only the first vCPU begins to run: the guest starts the others by PSCI. */
size_t boot_arm64_registers(const struct boot *boot, uint32_t vcpu, struct boot_register *out)
{
    const struct boot_register all[] = {
        {REG_ARM64_X(0), boot->plan.dtb_gpa},
        {REG_ARM64_X(1), 0},
        {REG_ARM64_X(2), 0},
        {REG_ARM64_X(3), 0},
        {REG_ARM64_PC, boot->plan.entry_gpa},
        {REG_ARM64_PSTATE, PSTATE_EL1H_MASKED},
    };
    if (vcpu != 0)
        return 0;
    memcpy(out, all, sizeof(all));
    return sizeof(all) / sizeof(all[0]);
}
