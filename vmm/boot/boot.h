/*
 * Boot: from the files that a user names to guest memory and the registers of the first
 * instruction. boot_open looks at the files and decides where everything goes; then the caller
 * makes the device tree, which has to say where the initrd is; boot_load writes it all, after
 * start and after each reset.
 */
#ifndef VMM_BOOT_BOOT_H
#define VMM_BOOT_BOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arch.h"
#include "core/aspace.h"
#include "core/memory.h"
#include "util/err.h"

struct boot_request {
    enum arch arch;
    const char *kernel; /* paths; NULL: none. A kernel or a firmware there must be */
    const char *initrd;
    const char *firmware;
    struct aspace_ram ram[2];
    size_t n_ram;
    size_t dtb_bytes; /* what the device tree will take, at most */
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
};

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

/* BP_ERR_NO_SPACE when the tree is larger than announced, BP_ERR_IO when a file has become shorter
 * or cannot be read. Repeatable. */
int32_t boot_load(const struct boot *boot, struct memory *memory, const void *dtb, size_t dtb_bytes,
                  struct err *err);

/* The registers of a vCPU that begins to run (number 0, and with firmware all of them); returns how
 * many. 0: this one waits until the guest starts it. */
size_t boot_registers(const struct boot *boot, uint32_t vcpu,
                      struct boot_register out[BOOT_REGISTERS_MAX]);

#endif
