#include "boot/image.h"

#include <backplane/abi.h>
#include <string.h>

uint16_t boot_le16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

uint32_t boot_le32(const uint8_t *at)
{
    return boot_le16(at) | (uint32_t)boot_le16(at + 2) << 16;
}

uint64_t boot_le64(const uint8_t *at)
{
    return boot_le32(at) | (uint64_t)boot_le32(at + 4) << 32;
}

void boot_put32(uint8_t *to, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

void boot_put64(uint8_t *to, uint64_t value)
{
    boot_put32(to, (uint32_t)value);
    boot_put32(to + 4, (uint32_t)(value >> 32));
}

int boot_is_elf(const uint8_t *head, size_t n)
{
    return n >= 4 && memcmp(head, "\177ELF", 4) == 0;
}

bool boot_image_has(const struct boot_image *image, uint64_t gpa)
{
    for (size_t i = 0; i < image->n_segments; i++) {
        const struct boot_segment *s = &image->segments[i];
        if (gpa >= s->gpa && gpa - s->gpa < s->file_bytes)
            return true;
    }
    return false;
}

#define HEADER_PE 60u /* PE/COFF specification, "section table" */

int32_t boot_check_efi_sections(const struct boot_file *file, const uint8_t *head, size_t n,
                                struct err *err)
{
    uint32_t pe = boot_le32(head + HEADER_PE);
    bool is_all = n == file->size;
    if (memcmp(head, "MZ", 2) != 0)
        return BP_OK;
    if (is_all && (n < 24 || pe > n - 24))
        return boot_file_fail(file, err, BP_ERR_FORMAT,
                              "is truncated: it has %zu bytes and its EFI header lies behind", n);
    if (n < 24 || pe > n - 24 || memcmp(head + pe, "PE\0\0", 4) != 0)
        return BP_OK;
    size_t table = (size_t)pe + 24 + boot_le16(head + pe + 20);
    unsigned sections = boot_le16(head + pe + 6);
    for (size_t at = table; sections > 0 && n >= 40 && at <= n - 40; at += 40, sections--) {
        uint64_t end = (uint64_t)boot_le32(head + at + 20) + boot_le32(head + at + 16);
        if (end > file->size)
            return boot_file_fail(file, err, BP_ERR_FORMAT,
                                  "is truncated: it has %llu bytes and its header says %llu",
                                  (unsigned long long)file->size, (unsigned long long)end);
    }
    if (is_all && sections > 0)
        return boot_file_fail(file, err, BP_ERR_FORMAT,
                              "is truncated: it has %zu bytes and its section table does not end",
                              n);
    return BP_OK;
}

struct kind {
    uint32_t offset;
    uint32_t length;
    const char *magic;
    enum arch arch; /* ARCH_INVALID: none can boot it */
    const char *sentence;
};

#define MAGIC(text) (uint32_t)(sizeof(text) - 1), (text)

static const struct kind kinds[] = {
    {0, MAGIC("\x1f\x8b"), ARCH_INVALID,
     "is compressed with gzip: unpack it first (gunzip -c FILE > Image)"},
    {0,
     MAGIC("\xfd"
           "7zXZ"),
     ARCH_INVALID, "is compressed with xz: unpack it first (xz -dc FILE > Image)"},
    {0, MAGIC("\x28\xb5\x2f\xfd"), ARCH_INVALID,
     "is compressed with zstd: unpack it first (zstd -dc FILE > Image)"},
    {0, MAGIC("BZh"), ARCH_INVALID,
     "is compressed with bzip2: unpack it first (bunzip2 -c FILE > Image)"},
    {0, MAGIC("\x02\x21\x4c\x18"), ARCH_INVALID,
     "is compressed with lz4: unpack it first (lz4 -dc FILE > Image)"},
    {0, MAGIC("\x04\x22\x4d\x18"), ARCH_INVALID,
     "is compressed with lz4: unpack it first (lz4 -dc FILE > Image)"},
    {0, MAGIC("\x27\x05\x19\x56"), ARCH_INVALID,
     "is a U-Boot image: use the kernel's own Image instead"},
    {0, MAGIC("\xd0\x0d\xfe\xed"), ARCH_INVALID,
     "is a device tree or a FIT image: use the kernel's own Image; Backplane makes the device "
     "tree"},
    {0, MAGIC("#!"), ARCH_INVALID, "is a script"},
    {0x202, MAGIC("HdrS"), ARCH_X86_64, "is an x86_64 kernel (bzImage)"},
    {0x38, MAGIC("ARM\x64"), ARCH_ARM64, "is an arm64 kernel (Image)"},
    {0x38, MAGIC("RSC\x05"), ARCH_RISCV64, "is a riscv64 kernel (Image)"},
    {0x24, MAGIC("\x18\x28\x6f\x01"), ARCH_INVALID, "is a 32-bit ARM kernel (zImage)"},
};

/* A kernel that unpacks itself, but only on EFI firmware. The header (Linux, drivers/firmware/efi/
 * libstub/zboot-header.S): "zimg" at 4, offset and size of the payload at 8, its kind at 24. */
bool boot_is_zboot(const uint8_t *head, size_t n, const char *kind)
{
    return n >= 64 && memcmp(head, "MZ", 2) == 0 && memcmp(head + 4, "zimg", 4) == 0 &&
           (kind == NULL || memcmp(head + 24, kind, strlen(kind) + 1) == 0);
}

static int32_t refuse_zboot(const struct boot_file *file, const uint8_t *head, struct err *err)
{
    char kind[16] = "";
    memcpy(kind, head + 24, sizeof(kind) - 1);
    const char *tool = strncmp(kind, "zstd", 4) == 0 ? "zstd -dc"
                       : strcmp(kind, "xz") == 0     ? "xz -dc"
                       : strcmp(kind, "lzma") == 0   ? "lzma -dc"
                       : strcmp(kind, "lz4") == 0    ? "lz4 -dc"
                                                     : "gunzip -c";
    return boot_file_fail(file, err, BP_ERR_UNSUPPORTED,
                          "is an EFI zboot kernel, compressed inside: unpack it first "
                          "(tail -c +%llu FILE | head -c %u | %s > Image)",
                          boot_le32(head + 8) + 1ull, boot_le32(head + 12), tool);
}

int32_t boot_refuse_foreign(const struct boot_file *file, enum arch arch, const uint8_t *head,
                            size_t n, struct err *err)
{
    if (boot_is_zboot(head, n, NULL))
        return refuse_zboot(file, head, err);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const struct kind *k = &kinds[i];
        if (n < k->offset + k->length || memcmp(head + k->offset, k->magic, k->length) != 0)
            continue;
        if (k->arch == ARCH_INVALID)
            return boot_file_fail(file, err, BP_ERR_UNSUPPORTED, "%s", k->sentence);
        if (k->arch != arch)
            return boot_file_fail(file, err, BP_ERR_UNSUPPORTED,
                                  "%s, but the machine is %s: use one for %s, or another --arch",
                                  k->sentence, arch_name(arch), arch_name(arch));
    }
    return BP_OK;
}

int32_t boot_image_load(const struct boot_image *image, struct memory *memory, struct err *err)
{
    for (size_t i = 0; i < image->n_segments; i++) {
        const struct boot_segment *s = &image->segments[i];
        int32_t status = s->file_bytes == 0 ? BP_OK
                                            : boot_file_load(&image->file, s->offset, s->file_bytes,
                                                             memory, s->gpa, err);
        if (status != BP_OK)
            return status;
        if (s->zero_bytes > 0 &&
            memory_fill(memory, s->gpa + s->file_bytes, 0, s->zero_bytes) != BP_OK)
            return boot_file_fail(&image->file, err, BP_ERR_RANGE, "0x%llx is not RAM",
                                  (unsigned long long)s->gpa);
    }
    return BP_OK;
}
