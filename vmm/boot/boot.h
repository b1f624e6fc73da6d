/*
 * Boot: from the files that a user names to guest memory and the registers of the first
 * instruction. boot_open looks at the files and decides where everything goes; then the caller
 * makes the tables that depend on it: the device tree says where the initrd is, E820 where the ACPI
 * tables are. boot_load writes it all, after start and after each reset.
 */
#ifndef VMM_BOOT_BOOT_H
#define VMM_BOOT_BOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/accel.h"
#include "core/arch.h"
#include "core/aspace.h"
#include "core/e820.h"
#include "core/memory.h"
#include "util/err.h"

struct boot_request {
    enum arch arch;
    const char *kernel; /* paths; NULL: none. A kernel or a firmware there must be */
    const char *initrd;
    const char *firmware;
    struct aspace_ram ram[2];
    size_t n_ram;
    const char *cmdline; /* NULL: none. riscv64 and arm64: only checked, it is in the tree */
    size_t dtb_bytes;    /* what the device tree will take, at most */
    size_t acpi_bytes;   /* x86_64: what the ACPI tables will take, at most; 0: none */
    size_t e820_max;     /* x86_64: how many entries the memory map will have, at most */
};

/* How the first vCPU begins. */
enum boot_mode {
    BOOT_MODE_RESET,     /* as the accelerator resets it */
    BOOT_MODE_PROTECTED, /* x86_64: flat 32-bit protected mode without paging */
    BOOT_MODE_LONG,      /* x86_64: 64-bit mode, every address mapped to itself */
};

/* Where things are. All ranges lie in RAM and none touches another. */
struct boot_plan {
    uint64_t entry_gpa;    /* of the first instruction: the firmware's, or the kernel's */
    uint64_t kernel_gpa;   /* its entry; 0: no kernel */
    uint64_t initrd_gpa;   /* with initrd_bytes 0: no initrd */
    uint64_t initrd_bytes; /* exact */
    uint64_t dtb_gpa;
    uint64_t dtb_room; /* bytes kept for the tree and what firmware adds to it */
    uint64_t info_gpa; /* what OpenSBI's fw_dynamic reads; 0: none */
    bool has_firmware; /* begins in the firmware's privilege, on every vCPU */
    enum boot_mode mode;
    struct accel_x86_long_mode long_mode; /* for BOOT_MODE_LONG; the tables come with boot_load */
    uint64_t acpi_gpa;                    /* where the tables go: a multiple of 4096; 0: none */
    uint64_t rsdp_gpa;
};

/* What the caller has made for this plan. All of it is copied. */
struct boot_tables {
    const void *dtb;
    size_t dtb_bytes;
    const uint8_t *rsdp;
    size_t rsdp_bytes;
    const uint8_t *acpi;
    size_t acpi_bytes; /* 0: the machine has none */
    const struct e820_entry *e820;
    size_t n_e820;
    const uint8_t *smbios; /* x86_64: written at smbios_gpa, in the area of the PC's firmware */
    uint64_t smbios_gpa;
    size_t smbios_bytes; /* 0: none */
    const uint8_t *seed; /* x86_64: random bytes for the guest; the device tree has its own */
    size_t seed_bytes;
};

#define BOOT_SEED_BYTES_MAX 64

struct boot_register {
    uint32_t reg; /* core/reg.h */
    uint64_t value;
};

#define BOOT_REGISTERS_MAX 8

struct boot;

/* Files are opened and stay open, so that a reset loads the same ones. Nothing is written. */
int32_t boot_open(const struct boot_request *request, struct boot **out, struct err *err);
void boot_close(struct boot *boot); /* takes NULL */

const struct boot_plan *boot_get_plan(const struct boot *boot);

/* BP_ERR_NO_SPACE when a table is larger than announced, BP_ERR_IO when a file has become shorter
 * or cannot be read. Repeatable. */
int32_t boot_load(const struct boot *boot, struct memory *memory, const struct boot_tables *tables,
                  struct err *err);

/* The registers of a vCPU that begins to run (number 0, and with firmware all of them); returns how
 * many. 0: this one waits until the guest starts it. */
size_t boot_registers(const struct boot *boot, uint32_t vcpu,
                      struct boot_register out[BOOT_REGISTERS_MAX]);

#endif
