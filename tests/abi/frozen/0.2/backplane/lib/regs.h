/*
 * lib/regs.h - a bank of 32-bit registers driven by a table of struct bp_reg. Linked into the
 * plugin (libbackplane-device.a); not part of the ABI.
 *
 * struct bp_regs is the FIRST member of the instance; the class then needs no read, write or reset
 * of its own:  .read = bp_regs_read, .write = bp_regs_write, .reset = bp_regs_reset.
 */
#ifndef BACKPLANE_LIB_REGS_H
#define BACKPLANE_LIB_REGS_H

#include <backplane/device.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BP_REGS_MAX 64

struct bp_regs {
    const struct bp_reg *table;
    uint32_t n_regs;
    uint32_t pad;
    uint32_t v[BP_REGS_MAX]; /* by the row's index */
};

/* [setup] In create. The table (at most BP_REGS_MAX rows) outlives the instance. */
void bp_regs_init(struct bp_regs *regs, const struct bp_reg *table, uint32_t n_regs);

/* [dev] As class callbacks; `dev` begins with struct bp_regs. An offset without a row reads 0 and
 * ignores writes. A write sets the row's writable bits, clears its w1c bits that are 1 in the
 * value, then calls on_write. Accesses narrower than 32 bits see the bytes they name. */
uint64_t bp_regs_read(void *dev, uint32_t region, uint64_t offset, uint32_t width);
void bp_regs_write(void *dev, uint32_t region, uint64_t offset, uint32_t width, uint64_t value);
void bp_regs_reset(void *dev, uint32_t kind);

/* The state table's row for the bank of a given instance and number of registers. */
#define BP_FIELD_REGS(instance, member, n)                                                         \
    {                                                                                              \
        "regs", 0, BP_FIELD_TYPE_U32, (n),                                                         \
            (uint32_t)(offsetof(instance, member) + offsetof(struct bp_regs, v)), 0                \
    }

#ifdef __cplusplus
}
#endif
#endif
