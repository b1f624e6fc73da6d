/*
 * Fuzz target: kernels and firmware made of anything. Whatever comes in is refused with a sentence
 * or loaded within RAM, in ranges that do not touch. The first byte picks the machine and the part
 * that the rest of the input plays.
 *
 * With libFuzzer: make MODE=fuzz fuzzers. Without: tests/unit/boot_fuzz_test.c gives it images that
 * are nearly right.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "boot/protocol.h"

#define RAM_BYTES  (8u << 20)
#define DTB_BYTES  4096u
#define ACPI_BYTES 8192u
#define E820_MAX   200u

/* The first byte of the input. */
#define AS_KERNEL   0x01u
#define AS_FIRMWARE 0x02u
#define AS_INITRD   0x04u
#define ON_X86      0x08u
#define LONG_MAP    0x10u /* more entries than the zero page takes */
#define CMDLINE     0x20u
#define NO_ACPI     0x40u
#define ON_ARM64    0x80u /* without ON_X86 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned n_loaded; /* how many were accepted */

static void require(bool holds)
{
    if (!holds)
        abort();
}

static uint64_t ram_base(const struct boot_request *r)
{
    return r->ram[0].base;
}

static bool in_ram(const struct boot_request *r, uint64_t base, uint64_t size)
{
    return base >= ram_base(r) && base - ram_base(r) < RAM_BYTES &&
           size <= RAM_BYTES - (base - ram_base(r));
}

static void check_ranges(const struct boot_request *r, const struct boot_space *space)
{
    for (size_t i = 0; i < space->n_taken; i++) {
        const struct boot_range *a = &space->taken[i];
        require(in_ram(r, a->base, a->size));
        for (size_t k = 0; k < i; k++) {
            const struct boot_range *b = &space->taken[k];
            require(a->base + a->size <= b->base || b->base + b->size <= a->base);
        }
    }
}

static void check_plan(const struct boot_request *r, const struct boot *boot)
{
    const struct boot_plan *p = boot_get_plan(boot);
    struct boot_register registers[BOOT_REGISTERS_MAX];
    check_ranges(r, &boot->space);
    require(in_ram(r, p->entry_gpa, 1));
    require(boot_registers(boot, 0, registers) <= BOOT_REGISTERS_MAX);
    require(p->mode == BOOT_MODE_RESET || r->arch == ARCH_X86_64);
    require(p->mode != BOOT_MODE_LONG || in_ram(r, p->long_mode.cr3, 4096));
}

static void load(const struct boot_request *r, const struct boot *boot)
{
    static uint8_t *ram;
    static const uint8_t bytes[ACPI_BYTES];
    static struct e820_entry map[E820_MAX];
    struct err err;
    if (ram == NULL)
        ram = malloc(RAM_BYTES); /* its own allocation, so that a byte beyond it is found */
    require(ram != NULL);
    struct memory memory = {.slots = {{ram_base(r), RAM_BYTES, ram}}, .n_slots = 1};
    const struct boot_tables tables = {.dtb = bytes,
                                       .dtb_bytes = r->dtb_bytes,
                                       .rsdp = bytes,
                                       .rsdp_bytes = 36,
                                       .acpi = bytes,
                                       .acpi_bytes = r->acpi_bytes,
                                       .e820 = map,
                                       .n_e820 = r->e820_max,
                                       .seed = bytes,
                                       .seed_bytes = BOOT_SEED_BYTES_MAX};
    require(boot_load(boot, &memory, &tables, &err) == 0);
}

static void try_boot(const struct boot_request *request)
{
    struct boot *boot = NULL;
    struct err err = {.text = ""};
    if (boot_open(request, &boot, &err) != 0) {
        require(boot == NULL && err.text[0] != '\0');
        return;
    }
    check_plan(request, boot);
    load(request, boot);
    n_loaded++;
    boot_close(boot);
}

static struct boot_request riscv_request(uint8_t flags, const char *path)
{
    return (struct boot_request){.arch = ARCH_RISCV64,
                                 .kernel = flags & AS_KERNEL ? path : NULL,
                                 .firmware = flags & AS_FIRMWARE ? path : NULL,
                                 .initrd = flags & AS_INITRD ? path : NULL,
                                 .ram = {{0x80000000, RAM_BYTES}},
                                 .n_ram = 1,
                                 .dtb_bytes = DTB_BYTES};
}

static struct boot_request arm64_request(uint8_t flags, const char *path)
{
    return (struct boot_request){.arch = ARCH_ARM64,
                                 .kernel = path,
                                 .initrd = flags & AS_INITRD ? path : NULL,
                                 .cmdline = flags & CMDLINE ? "console=ttyAMA0 quiet" : NULL,
                                 .ram = {{0x40000000, RAM_BYTES}},
                                 .n_ram = 1,
                                 .dtb_bytes = DTB_BYTES};
}

static struct boot_request x86_request(uint8_t flags, const char *path)
{
    return (struct boot_request){.arch = ARCH_X86_64,
                                 .kernel = path,
                                 .initrd = flags & AS_INITRD ? path : NULL,
                                 .cmdline = flags & CMDLINE ? "console=ttyS0 quiet" : NULL,
                                 .ram = {{0, RAM_BYTES}},
                                 .n_ram = 1,
                                 .acpi_bytes = flags & NO_ACPI ? 0 : ACPI_BYTES,
                                 .e820_max = flags & LONG_MAP ? E820_MAX : 8};
}

static struct boot_request make_request(uint8_t flags, const char *path)
{
    if (flags & ON_X86)
        return x86_request(flags, path);
    return flags & ON_ARM64 ? arm64_request(flags, path) : riscv_request(flags, path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static char path[64];
    if (fd < 0) {
        fd = memfd_create("boot_fuzz", 0);
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    }
    if (size < 2)
        return 0;
    require(ftruncate(fd, 0) == 0);
    require(pwrite(fd, data + 1, size - 1, 0) == (ssize_t)(size - 1));
    struct boot_request request = make_request(data[0], path);
    try_boot(&request);
    return 0;
}
