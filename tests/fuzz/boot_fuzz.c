/*
 * Fuzz target: kernels and firmware made of anything. Whatever comes in is refused with a sentence
 * or loaded within RAM, in ranges that do not touch. The first byte picks the part that it plays.
 *
 * With libFuzzer: make MODE=fuzz fuzzers. Without: tests/unit/boot_fuzz_test.c gives it images that
 * are nearly right.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "boot/boot.h"

#define RAM_BASE  0x80000000ull
#define RAM_BYTES (8u << 20)
#define DTB_BYTES 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned n_loaded; /* how many were accepted */

static void require(bool holds)
{
    if (!holds)
        abort();
}

static bool in_ram(uint64_t base, uint64_t size)
{
    return base >= RAM_BASE && base - RAM_BASE < RAM_BYTES && size <= RAM_BYTES - (base - RAM_BASE);
}

static bool apart(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
    return a_size == 0 || b_size == 0 || a + a_size <= b || b + b_size <= a;
}

static void check_plan(const struct boot *boot)
{
    const struct boot_plan *p = boot_get_plan(boot);
    require(in_ram(p->dtb_gpa, p->dtb_room));
    require(p->initrd_bytes == 0 || in_ram(p->initrd_gpa, p->initrd_bytes));
    require(p->info_gpa == 0 || in_ram(p->info_gpa, 48));
    require(apart(p->dtb_gpa, p->dtb_room, p->initrd_gpa, p->initrd_bytes));
    require(apart(p->dtb_gpa, p->dtb_room, p->entry_gpa, 1));
    require(apart(p->initrd_gpa, p->initrd_bytes, p->entry_gpa, 1));
    struct boot_register registers[BOOT_REGISTERS_MAX];
    require(boot_registers(boot, 0, registers) <= BOOT_REGISTERS_MAX);
}

static void load(const struct boot *boot)
{
    static uint8_t *ram;
    static const uint8_t dtb[DTB_BYTES];
    struct err err;
    if (ram == NULL)
        ram = malloc(RAM_BYTES); /* its own allocation, so that a byte beyond it is found */
    require(ram != NULL);
    struct memory memory = {.slots = {{RAM_BASE, RAM_BYTES, ram}}, .n_slots = 1};
    const struct boot_tables tables = {.dtb = dtb, .dtb_bytes = sizeof(dtb)};
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
    check_plan(boot);
    load(boot);
    n_loaded++;
    boot_close(boot);
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
    struct boot_request request = {.arch = ARCH_RISCV64,
                                   .kernel = data[0] & 1 ? path : NULL,
                                   .firmware = data[0] & 2 ? path : NULL,
                                   .initrd = data[0] & 4 ? path : NULL,
                                   .ram = {{RAM_BASE, RAM_BYTES}},
                                   .n_ram = 1,
                                   .dtb_bytes = DTB_BYTES};
    try_boot(&request);
    return 0;
}
