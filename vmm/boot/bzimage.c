/*
 * The setup header of a Linux bzImage (Documentation/arch/x86/boot.rst), for the 64-bit entry:
 * protocol 2.12 with XLF_KERNEL_64. Not done: the 16- and 32-bit entries, kernels loaded low, the
 * EFI handover.
 *
 * The kernel goes to its preferred address: it unpacks itself there or above, never below, and
 * needs init_size bytes for that.
 */
#include <backplane/abi.h>
#include <string.h>

#include "boot/protocol.h"

#define MIB          0x100000ull
#define GIB_4        0x100000000ull
#define SECTOR_BYTES 512u
#define ENTRY_OFFSET 0x200u /* of the 64-bit entry, from where the kernel is loaded */

/* Offsets in the file, and the fields' own names. */
#define SETUP_SECTS        0x1f1
#define SYSSIZE            0x1f4
#define BOOT_FLAG          0x1fe
#define JUMP               0x200
#define HEADER_MAGIC       0x202
#define VERSION            0x206
#define LOADFLAGS          0x211
#define INITRD_ADDR_MAX    0x22c
#define KERNEL_ALIGNMENT   0x230
#define RELOCATABLE_KERNEL 0x234
#define XLOADFLAGS         0x236
#define CMDLINE_SIZE       0x238
#define PAYLOAD_OFFSET     0x248
#define PAYLOAD_LENGTH     0x24c
#define PREF_ADDRESS       0x258
#define INIT_SIZE          0x260
#define HEADER_END_MIN     0x264 /* behind init_size */
#define HEADER_END_MAX     0x290 /* what the zero page has room for */

#define BOOT_FLAG_VALUE 0xaa55u
#define VERSION_MIN     0x020cu
#define LOADED_HIGH     0x01u
#define XLF_KERNEL_64   0x01u

/* The header in numbers. */
struct header {
    uint64_t code_offset; /* in the file */
    uint64_t code_bytes;
    uint64_t init_size;
    uint64_t pref_address;
    uint64_t alignment;
    bool is_relocatable;
};

static int32_t check_magic(const struct boot_file *f, const uint8_t *head, size_t n,
                           struct err *err)
{
    if (n < HEADER_END_MIN)
        return boot_file_fail(f, err, BP_ERR_FORMAT,
                              "is truncated: %zu bytes are less than a kernel's header", n);
    if (memcmp(head + HEADER_MAGIC, "HdrS", 4) != 0)
        return boot_file_fail(f, err, BP_ERR_FORMAT,
                              "is no x86_64 kernel: neither a Linux bzImage nor an ELF file");
    if (boot_le16(head + BOOT_FLAG) != BOOT_FLAG_VALUE)
        return boot_file_fail(f, err, BP_ERR_FORMAT, "its header says boot_flag 0x%04x, not 0x%04x",
                              boot_le16(head + BOOT_FLAG), BOOT_FLAG_VALUE);
    return BP_OK;
}

static int32_t check_entry(const struct boot_file *f, const uint8_t *head, struct err *err)
{
    unsigned version = boot_le16(head + VERSION);
    unsigned end = HEADER_MAGIC + head[JUMP + 1];
    if (version >> 8 != VERSION_MIN >> 8 || version < VERSION_MIN)
        return boot_file_fail(f, err, BP_ERR_UNSUPPORTED,
                              "speaks boot protocol %u.%u, and 2.12 is needed: use a kernel of "
                              "Linux 3.8 or later",
                              version >> 8, version & 0xff);
    if (end < HEADER_END_MIN)
        return boot_file_fail(f, err, BP_ERR_FORMAT,
                              "its header ends at 0x%x, but that of its protocol at 0x%x", end,
                              HEADER_END_MIN);
    if (!(head[LOADFLAGS] & LOADED_HIGH))
        return boot_file_fail(f, err, BP_ERR_UNSUPPORTED,
                              "is a kernel that is loaded below 640 KiB (zImage): use a bzImage");
    if (!(boot_le16(head + XLOADFLAGS) & XLF_KERNEL_64))
        return boot_file_fail(f, err, BP_ERR_UNSUPPORTED,
                              "is a 32-bit x86 kernel: use an x86_64 one");
    return BP_OK;
}

/* syssize counts 16-byte units, rounded up. */
static int32_t read_sizes(const struct boot_file *f, const uint8_t *head, struct header *h,
                          struct err *err)
{
    unsigned sectors = head[SETUP_SECTS] == 0 ? 4 : head[SETUP_SECTS];
    uint64_t syssize = boot_le32(head + SYSSIZE);
    h->code_offset = (sectors + 1ull) * SECTOR_BYTES;
    uint64_t wanted = h->code_offset + syssize * 16;
    if (syssize == 0)
        return boot_file_fail(f, err, BP_ERR_FORMAT, "its header says syssize 0");
    if (f->size <= h->code_offset || f->size + 15 < wanted)
        return boot_file_fail(f, err, BP_ERR_FORMAT,
                              "is truncated: it has %llu bytes and its header says %llu",
                              (unsigned long long)f->size, (unsigned long long)wanted);
    /* What follows, a signature for example, is not for the guest. */
    h->code_bytes = (f->size < wanted ? f->size : wanted) - h->code_offset;
    uint64_t payload = boot_le32(head + PAYLOAD_OFFSET);
    uint64_t payload_bytes = boot_le32(head + PAYLOAD_LENGTH);
    if (payload > h->code_bytes || payload_bytes > h->code_bytes - payload)
        return boot_file_fail(f, err, BP_ERR_FORMAT,
                              "its header says that its payload has %llu bytes at %llu, and there "
                              "are %llu in all",
                              (unsigned long long)payload_bytes, (unsigned long long)payload,
                              (unsigned long long)h->code_bytes);
    return BP_OK;
}

static int32_t read_placement(const struct boot_file *f, const uint8_t *head, struct header *h,
                              struct err *err)
{
    h->init_size = boot_le32(head + INIT_SIZE);
    h->pref_address = boot_le64(head + PREF_ADDRESS);
    h->alignment = boot_le32(head + KERNEL_ALIGNMENT);
    h->is_relocatable = head[RELOCATABLE_KERNEL] != 0;
    if (h->init_size < h->code_bytes)
        return boot_file_fail(f, err, BP_ERR_FORMAT,
                              "its header says init_size %llu, less than the %llu bytes that are "
                              "loaded",
                              (unsigned long long)h->init_size, (unsigned long long)h->code_bytes);
    if (h->is_relocatable && (h->alignment == 0 || (h->alignment & (h->alignment - 1)) != 0))
        return boot_file_fail(f, err, BP_ERR_FORMAT,
                              "its header says kernel_alignment 0x%llx, no power of two",
                              (unsigned long long)h->alignment);
    if (h->pref_address >= GIB_4)
        return boot_file_fail(f, err, BP_ERR_RANGE,
                              "its header says pref_address 0x%llx, beyond 4 GiB",
                              (unsigned long long)h->pref_address);
    if (h->is_relocatable) {
        if (h->pref_address < MIB)
            h->pref_address = MIB;
        h->pref_address = (h->pref_address + (h->alignment - 1)) & ~(h->alignment - 1);
    }
    return BP_OK;
}

static void take_header(struct boot_x86 *x86, const uint8_t *head)
{
    size_t end = HEADER_MAGIC + (size_t)head[JUMP + 1];
    if (end > HEADER_END_MAX)
        end = HEADER_END_MAX;
    x86->header_bytes = end - SETUP_SECTS;
    memcpy(x86->header, head + SETUP_SECTS, x86->header_bytes);
    x86->initrd_last = boot_le32(head + INITRD_ADDR_MAX);
    x86->cmdline_max = boot_le32(head + CMDLINE_SIZE);
}

int32_t boot_bzimage_read(struct boot *boot, const uint8_t *head, size_t n, struct err *err)
{
    struct boot_image *k = &boot->kernel;
    struct header h = {0};
    int32_t status = check_magic(&k->file, head, n, err);
    if (status == BP_OK)
        status = check_entry(&k->file, head, err);
    if (status == BP_OK)
        status = read_sizes(&k->file, head, &h, err);
    if (status == BP_OK)
        status = read_placement(&k->file, head, &h, err);
    if (status != BP_OK)
        return status;
    take_header(&boot->x86, head);
    k->segments[0] = (struct boot_segment){h.code_offset, h.code_bytes, h.pref_address, 0};
    k->n_segments = 1;
    k->entry_gpa = h.pref_address + ENTRY_OFFSET;
    k->base = h.pref_address;
    k->size = h.init_size;
    status = boot_space_claim(&boot->space, "kernel", k->base, k->size, err);
    if (status != BP_OK)
        err_prefix(err, "%.300s", k->file.path);
    return status;
}
