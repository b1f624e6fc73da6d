/*
 * A machine: an INI file that was read, checked against the plugins' tables, and laid out. Errors
 * are collected, all of one run, each with file:line. Nothing is opened or started here;
 * machine_realize does that.
 */
#ifndef VMM_MACHINE_MACHINE_H
#define VMM_MACHINE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/accel.h"
#include "core/arch.h"
#include "core/aspace.h"
#include "core/layout.h"
#include "machine/diag.h"
#include "plugin/device.h"
#include "plugin/registry.h"

struct machine_options {
    const char *path;       /* the .ini file */
    const char *arch;       /* NULL: the file's only one, the host's own, or the first named */
    uint64_t memory_bytes;  /* 0: as the file says */
    uint32_t cpus;          /* 0: as the file says */
    const char *const *set; /* "key=value" for ${key}; n_set of them */
    size_t n_set;
    /* Instead of those of [boot]; NULL: as the file says, "": none. */
    const char *kernel, *initrd, *firmware;
    bool will_boot; /* the files that [boot] names are looked at, too */
    /* Bounds of the accelerator that will run it, by architecture (ARCH_COUNT of them); NULL, and 0
     * in them: what is usual. */
    const struct accel_limits *limits;
};

struct machine_own; /* what the machine keeps for itself */

struct machine {
    enum arch arch;
    char *name;
    char *summary;
    uint32_t n_cpus;
    uint64_t memory_bytes;
    uint64_t ram_base;
    uint64_t timebase_hz;
    struct platform platform;         /* what the accelerator brings */
    char *append;                     /* kernel command line: [machine]'s, then [boot]'s; NULL */
    char *kernel, *initrd, *firmware; /* paths; NULL: none */
    struct aspace *aspace;
    struct device **devices; /* backends first, then devices in file order, a transport right
                                after the device that it carries */
    size_t n_devices;
    struct device *irqchip; /* NULL: none */
    struct device *console; /* the device whose stream the firmware console shares; NULL */
    struct layout layout;   /* of the above */
    struct machine_own *own;
};

/* Reads, checks, creates and plans the devices, places everything. On an error *out is NULL and
 * `diag` holds every error found. Unknown --set keys are errors too. */
int32_t machine_load(const struct machine_options *options, struct registry *registry,
                     struct machine **out, struct diag *diag);

/* Takes NULL. Destroys the devices, users before what they use. */
void machine_destroy(struct machine *machine);

/* The devices alone, users before what they use: they must go before the VM that they use, and the
 * VM before the address space. machine_destroy then frees the rest. Takes NULL. */
void machine_destroy_devices(struct machine *machine);

/* With a VM: realizes every device, what is used before its users, and resets them. */
int32_t machine_realize(struct machine *machine, struct vm *vm, struct err *err);
void machine_reset(struct machine *machine, uint32_t kind);
void machine_start(struct machine *machine);

#endif
