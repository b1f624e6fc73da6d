#include "boot/space.h"

#include <backplane/abi.h>

const struct aspace_ram *boot_space_ram(const struct boot_space *space, uint64_t base,
                                        uint64_t size)
{
    for (size_t i = 0; i < space->n_ram; i++) {
        const struct aspace_ram *ram = &space->ram[i];
        if (base >= ram->base && base - ram->base < ram->size &&
            size <= ram->size - (base - ram->base))
            return ram;
    }
    return NULL;
}

const struct boot_range *boot_space_overlap(const struct boot_space *space, uint64_t base,
                                            uint64_t size)
{
    for (size_t i = 0; i < space->n_taken; i++) {
        const struct boot_range *r = &space->taken[i];
        if (base >= r->base ? base - r->base < r->size : r->base - base < size)
            return r;
    }
    return NULL;
}

static unsigned long long last_byte(uint64_t base, uint64_t size)
{
    return base + (size - 1);
}

static uint64_t total_ram(const struct boot_space *space)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < space->n_ram; i++)
        sum += space->ram[i].size;
    return sum;
}

/* Rounded up: "0 MiB" would say nothing. */
static unsigned long long mib(uint64_t bytes)
{
    return bytes / 1048576 + (bytes % 1048576 != 0);
}

static int32_t explain_range(const struct boot_space *space, const char *what, uint64_t base,
                             uint64_t size, struct err *err)
{
    const struct aspace_ram *ram = &space->ram[0];
    if (space->n_ram == 0)
        return err_set(err, BP_ERR_RANGE, "%s: the machine has no RAM", what);
    if (size - 1 > UINT64_MAX - base)
        return err_set(err, BP_ERR_RANGE, "%s: %llu bytes at 0x%llx go beyond the last address",
                       what, (unsigned long long)size, (unsigned long long)base);
    while (ram + 1 < space->ram + space->n_ram && base >= ram[1].base)
        ram++;
    if (base >= ram->base)
        return err_set(err, BP_ERR_RANGE,
                       "%s does not fit: it needs 0x%llx-0x%llx and RAM ends at 0x%llx: give the "
                       "machine more memory (--memory)",
                       what, (unsigned long long)base, last_byte(base, size),
                       last_byte(ram->base, ram->size));
    return err_set(err, BP_ERR_RANGE,
                   "%s wants to be at 0x%llx-0x%llx, which is not RAM: RAM begins at 0x%llx", what,
                   (unsigned long long)base, last_byte(base, size), (unsigned long long)ram->base);
}

int32_t boot_space_claim(struct boot_space *space, const char *what, uint64_t base, uint64_t size,
                         struct err *err)
{
    if (size == 0 || space->n_taken == BOOT_SPACE_MAX)
        return err_set(err, BP_ERR_INVALID, "%s: %s", what,
                       size == 0 ? "has no size" : "too many ranges to load");
    if (boot_space_ram(space, base, size) == NULL)
        return explain_range(space, what, base, size, err);
    const struct boot_range *other = boot_space_overlap(space, base, size);
    if (other != NULL)
        return err_set(err, BP_ERR_EXISTS, "%s (0x%llx-0x%llx) overlaps %s (0x%llx-0x%llx)", what,
                       (unsigned long long)base, last_byte(base, size), other->what,
                       (unsigned long long)other->base, last_byte(other->base, other->size));
    space->taken[space->n_taken++] = (struct boot_range){what, base, size};
    return BP_OK;
}

/* The lowest aligned and free base in one RAM range at or above `from`. */
static bool find_gap(const struct boot_space *space, const struct aspace_ram *ram, uint64_t size,
                     uint64_t alignment, uint64_t from, uint64_t *base)
{
    uint64_t at = from > ram->base ? from : ram->base;
    while (at <= UINT64_MAX - (alignment - 1)) {
        at = (at + (alignment - 1)) & ~(alignment - 1);
        if (at - ram->base >= ram->size || size > ram->size - (at - ram->base))
            return false;
        const struct boot_range *other = boot_space_overlap(space, at, size);
        if (other == NULL) {
            *base = at;
            return true;
        }
        at = other->base + (other->size - 1);
        if (at == UINT64_MAX)
            return false;
        at++;
    }
    return false;
}

static int32_t explain_no_space(const struct boot_space *space, const char *what, uint64_t size,
                                struct err *err)
{
    return err_set(
        err, BP_ERR_NO_SPACE,
        "%s does not fit: no %llu MiB in one piece are left of the machine's %llu MiB of "
        "RAM: give it more (--memory)",
        what, mib(size), mib(total_ram(space)));
}

int32_t boot_space_place(struct boot_space *space, const char *what, uint64_t size,
                         uint64_t alignment, uint64_t from, uint64_t *base, struct err *err)
{
    for (size_t i = 0; i < space->n_ram; i++)
        if (find_gap(space, &space->ram[i], size, alignment, from, base))
            return boot_space_claim(space, what, *base, size, err);
    for (size_t i = 0; i < space->n_ram; i++)
        if (find_gap(space, &space->ram[i], size, alignment, 0, base))
            return boot_space_claim(space, what, *base, size, err);
    return explain_no_space(space, what, size, err);
}

/* The highest aligned and free base in one RAM range with its last byte at or below `last`. */
static bool find_high_gap(const struct boot_space *space, const struct aspace_ram *ram,
                          uint64_t size, uint64_t alignment, uint64_t last, uint64_t *base)
{
    if (last_byte(ram->base, ram->size) < last)
        last = last_byte(ram->base, ram->size);
    while (last >= ram->base && last - ram->base >= size - 1) {
        uint64_t at = (last - (size - 1)) & ~(alignment - 1);
        if (at < ram->base)
            return false;
        const struct boot_range *other = boot_space_overlap(space, at, size);
        if (other == NULL) {
            *base = at;
            return true;
        }
        if (other->base == 0)
            return false;
        last = other->base - 1;
    }
    return false;
}

static bool find_high(const struct boot_space *space, uint64_t size, uint64_t alignment,
                      uint64_t last, uint64_t *base)
{
    for (size_t i = space->n_ram; i > 0 && size > 0; i--)
        if (find_high_gap(space, &space->ram[i - 1], size, alignment, last, base))
            return true;
    return false;
}

int32_t boot_space_place_high(struct boot_space *space, const char *what, uint64_t size,
                              uint64_t alignment, uint64_t last, uint64_t *base, struct err *err)
{
    if (find_high(space, size, alignment, last, base))
        return boot_space_claim(space, what, *base, size, err);
    if (find_high(space, size, alignment, UINT64_MAX, base))
        return err_set(err, BP_ERR_NO_SPACE,
                       "%s does not fit: no %llu MiB in one piece are free up to 0x%llx, the last "
                       "address where it may lie",
                       what, mib(size), (unsigned long long)last);
    return explain_no_space(space, what, size, err);
}
