/* Made-up bzImages. Offsets are re-typed from Linux, Documentation/arch/x86/boot.rst. */
#ifndef TESTS_BZIMAGE_SAMPLE_H
#define TESTS_BZIMAGE_SAMPLE_H

#include "tables/boot_sample.h"

#define MIB 0x100000ull

#define SAMPLE_CODE_BYTES  8192u
#define SAMPLE_SETUP_BYTES (5u * 512u)
#define SAMPLE_BYTES       (SAMPLE_SETUP_BYTES + SAMPLE_CODE_BYTES)

/* Protocol 2.15, relocatable, 64-bit, wants to be at 2 MiB and needs 1 MiB there. */
static inline void make_bzimage(uint8_t *image)
{
    for (size_t i = 0; i < SAMPLE_BYTES; i++)
        image[i] = (uint8_t)(i * 11 + 3);
    memset(image + 0x1f1, 0, 0x290 - 0x1f1);
    image[0x1f1] = 4; /* setup_sects */
    put32(image + 0x1f4, SAMPLE_CODE_BYTES / 16);
    put16(image + 0x1fe, 0xaa55);
    image[0x200] = 0xeb;
    image[0x201] = 0x6a; /* the header ends at 0x26c */
    memcpy(image + 0x202, "HdrS", 4);
    put16(image + 0x206, 0x020f);
    image[0x211] = 1;                 /* LOADED_HIGH */
    put32(image + 0x214, 0x100000);   /* code32_start */
    put32(image + 0x22c, 0x7fffffff); /* initrd_addr_max */
    put32(image + 0x230, 0x200000);   /* kernel_alignment */
    image[0x234] = 1;                 /* relocatable_kernel */
    image[0x235] = 21;                /* min_alignment */
    put16(image + 0x236, 0x0003);     /* 64-bit, may be above 4 GiB */
    put32(image + 0x238, 2047);       /* cmdline_size */
    put32(image + 0x248, 0x400);      /* payload_offset */
    put32(image + 0x24c, 0x800);      /* payload_length */
    put64(image + 0x258, 2 * MIB);    /* pref_address */
    put32(image + 0x260, (uint32_t)MIB);
}

static inline struct boot_request x86_request(const struct scratch *s, const char *kernel)
{
    struct boot_request r = scratch_request(s, kernel);
    r.arch = ARCH_X86_64;
    r.dtb_bytes = 0;
    r.acpi_bytes = 8192;
    r.e820_max = 8;
    return r;
}

/* A sample with one field changed. */
static inline struct boot_request changed_request(struct scratch *s, unsigned at, unsigned bytes,
                                                  uint64_t value)
{
    uint8_t image[SAMPLE_BYTES];
    make_bzimage(image);
    for (unsigned i = 0; i < bytes; i++)
        image[at + i] = (uint8_t)(value >> (8 * i));
    return x86_request(s, scratch_file(s, "bzImage", image, sizeof(image)));
}

static inline struct boot_request plain_request(struct scratch *s)
{
    return changed_request(s, 0, 0, 0);
}

static const uint8_t sample_rsdp[36] = "RSD PTR made up";
static uint8_t sample_acpi[8192] = "FACS made up";
static const struct e820_entry sample_e820[] = {
    {0, 0xa0000, E820_RAM},
    {0xa0000, 0x60000, E820_RESERVED},
    {0x100000, 0xf00000, E820_RAM},
};
static const uint8_t sample_seed[64] = "0123456789abcdef0123456789abcdef0123456789abcdef";

static inline struct boot_tables sample_tables(void)
{
    return (struct boot_tables){.rsdp = sample_rsdp,
                                .rsdp_bytes = sizeof(sample_rsdp),
                                .acpi = sample_acpi,
                                .acpi_bytes = sizeof(sample_acpi),
                                .e820 = sample_e820,
                                .n_e820 = 3,
                                .seed = sample_seed,
                                .seed_bytes = sizeof(sample_seed)};
}

static inline void loads(struct scratch *s, const struct boot *boot,
                         const struct boot_tables *tables)
{
    int32_t status = boot_load(boot, &s->memory, tables, &s->err);
    if (status != 0)
        fail_msg("status %d: %s", status, s->err.text);
}

static inline uint64_t register_of(const struct boot *boot, uint32_t reg)
{
    struct boot_register regs[BOOT_REGISTERS_MAX];
    size_t n = boot_registers(boot, 0, regs);
    for (size_t i = 0; i < n; i++)
        if (regs[i].reg == reg)
            return regs[i].value;
    fail_msg("register 0x%x is not set", reg);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

#endif
