/*
 * The guest-physical address space: see aspace.h. Regions lie in one array sorted by base; beside
 * it runs an array that remembers in which order they came.
 *
 * Two marks keep placing cheap: everything between the first dynamic address and `packed_end` is in
 * use, and so is everything between `packed_top` and 4 GiB. Searches begin at the marks.
 */
#include "core/aspace.h"

#include <backplane/abi.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct aspace {
    enum arch arch;
    uint32_t gpa_bits;
    uint64_t limit; /* first address that no region may contain */
    struct aspace_ram ram[2];
    size_t n_ram;
    struct aspace_region *regions; /* sorted by base */
    uint64_t *orders;              /* orders[i]: when regions[i] was made */
    size_t n;
    size_t capacity;
    uint64_t next_order;
    uint64_t dynamic_base;
    uint64_t packed_end;
    uint64_t packed_top;
};

/* --- arithmetic that cannot wrap -------------------------------------------------------------- */
static bool is_power_of_two(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

/* False when the result does not fit in 64 bits. */
static bool align_up(uint64_t value, uint64_t alignment, uint64_t *out)
{
    uint64_t rest = alignment - 1;
    if (value > UINT64_MAX - rest)
        return false;
    *out = (value + rest) & ~rest;
    return true;
}

/* Both ranges are known not to wrap. */
static bool overlaps(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
    return a < b ? b - a < a_size : a - b < b_size;
}

static uint64_t region_end(const struct aspace_region *region)
{
    return region->base + region->size;
}

/* The index of the first region whose base is not below `gpa`. */
static size_t index_at_or_after(const struct aspace *as, uint64_t gpa)
{
    size_t low = 0, high = as->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (as->regions[middle].base < gpa)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* --- create, destroy -------------------------------------------------------------------------- */
static int32_t check_ram(const struct aspace *as, const char *name, uint64_t base, uint64_t size,
                         struct err *err)
{
    if (size == 0)
        return err_set(err, BP_ERR_INVALID, "%s has 0 bytes: a machine needs memory", name);
    if (base > as->limit || size > as->limit - base)
        return err_set(err, BP_ERR_RANGE,
                       "%s of 0x%" PRIx64 " bytes at 0x%" PRIx64
                       " ends beyond the guest's %u physical address bits",
                       name, size, base, as->gpa_bits);
    return BP_OK;
}

static int32_t check_ram_ranges(const struct aspace *as, struct err *err)
{
    const struct aspace_ram *low = &as->ram[0], *high = &as->ram[1];
    if (as->n_ram == 1)
        return check_ram(as, "RAM", low->base, low->size, err);
    int32_t status = check_ram(as, "low RAM", low->base, low->size, err);
    if (status == BP_OK)
        status = check_ram(as, "high RAM", high->base, high->size, err);
    if (status != BP_OK)
        return status;
    if (high->base < low->base || high->base - low->base < low->size)
        return err_set(err, BP_ERR_EXISTS,
                       "high RAM at 0x%" PRIx64 " does not lie above low RAM [0x%" PRIx64
                       ", 0x%" PRIx64 ")",
                       high->base, low->base, low->base + low->size);
    return BP_OK;
}

int32_t aspace_create_split(enum arch arch, uint64_t low_base, uint64_t low_size,
                            uint64_t high_base, uint64_t high_size, uint32_t gpa_bits,
                            struct aspace **out, struct err *err)
{
    *out = NULL;
    if (arch <= ARCH_INVALID || arch >= ARCH_COUNT)
        return err_set(err, BP_ERR_INVALID, "an address space needs a known architecture");
    if (gpa_bits < 1 || gpa_bits > 64)
        return err_set(err, BP_ERR_RANGE, "%u physical address bits: 1-64 are possible", gpa_bits);
    struct aspace *as = calloc(1, sizeof(*as));
    if (as == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, "the host is out of memory");
    as->arch = arch;
    as->gpa_bits = gpa_bits;
    as->limit = gpa_bits == 64 ? UINT64_MAX : UINT64_C(1) << gpa_bits;
    as->ram[0] = (struct aspace_ram){low_base, low_size};
    as->ram[1] = (struct aspace_ram){high_base, high_size};
    as->n_ram = high_size != 0 ? 2 : 1;
    int32_t status = check_ram_ranges(as, err);
    if (status != BP_OK) {
        free(as);
        return status;
    }
    /* Where no page lies above RAM, nothing can be placed there: the search finds that out. */
    if (!align_up(aspace_ram_end(as), ASPACE_PAGE_BYTES, &as->dynamic_base))
        as->dynamic_base = UINT64_MAX;
    as->packed_end = as->dynamic_base;
    as->packed_top = as->limit < ASPACE_4G ? as->limit : ASPACE_4G;
    *out = as;
    return BP_OK;
}

int32_t aspace_create(enum arch arch, uint64_t ram_base, uint64_t ram_size, uint32_t gpa_bits,
                      struct aspace **out, struct err *err)
{
    return aspace_create_split(arch, ram_base, ram_size, 0, 0, gpa_bits, out, err);
}

void aspace_destroy(struct aspace *as)
{
    if (as == NULL)
        return;
    for (size_t i = 0; i < as->n; i++)
        free((char *)(uintptr_t)as->regions[i].name);
    free(as->regions);
    free(as->orders);
    free(as);
}

/* --- the sorted array ------------------------------------------------------------------------- */
static bool make_room(struct aspace *as)
{
    if (as->n < as->capacity)
        return true;
    size_t capacity = as->capacity == 0 ? 16 : as->capacity * 2;
    struct aspace_region *regions = realloc(as->regions, capacity * sizeof(*regions));
    if (regions == NULL)
        return false;
    as->regions = regions;
    uint64_t *orders = realloc(as->orders, capacity * sizeof(*orders));
    if (orders == NULL)
        return false;
    as->orders = orders;
    as->capacity = capacity;
    return true;
}

static int32_t insert(struct aspace *as, const char *name, uint64_t base, uint64_t size, bool fixed,
                      struct err *err)
{
    char *copy = strdup(name);
    if (copy == NULL || !make_room(as)) {
        free(copy);
        return err_set(err, BP_ERR_NO_MEMORY, "the host is out of memory");
    }
    size_t at = index_at_or_after(as, base);
    memmove(&as->regions[at + 1], &as->regions[at], (as->n - at) * sizeof(*as->regions));
    memmove(&as->orders[at + 1], &as->orders[at], (as->n - at) * sizeof(*as->orders));
    as->regions[at] = (struct aspace_region){copy, base, size, fixed};
    as->orders[at] = as->next_order++;
    as->n++;
    return BP_OK;
}

/* The region that overlaps the range, or NULL. */
static const struct aspace_region *region_in(const struct aspace *as, uint64_t base, uint64_t size)
{
    size_t next = index_at_or_after(as, base);
    if (next < as->n && overlaps(base, size, as->regions[next].base, as->regions[next].size))
        return &as->regions[next];
    if (next > 0 && overlaps(base, size, as->regions[next - 1].base, as->regions[next - 1].size))
        return &as->regions[next - 1];
    return NULL;
}

static const struct aspace_ram *ram_in(const struct aspace *as, uint64_t base, uint64_t size)
{
    for (size_t i = 0; i < as->n_ram; i++) {
        if (overlaps(base, size, as->ram[i].base, as->ram[i].size))
            return &as->ram[i];
    }
    return NULL;
}

/* --- placing ---------------------------------------------------------------------------------- */
/* The lowest fit above RAM. */
static bool find_above_ram(struct aspace *as, uint64_t size, uint64_t alignment, uint64_t *base)
{
    size_t i = index_at_or_after(as, as->packed_end);
    while (i < as->n && as->regions[i].base == as->packed_end)
        as->packed_end = region_end(&as->regions[i++]);
    uint64_t at = as->packed_end;
    /* A region registered astride the end of RAM's last page may begin below the mark. */
    if (i > 0 && region_end(&as->regions[i - 1]) > at)
        at = region_end(&as->regions[i - 1]);
    for (;; i++) {
        if (!align_up(at, alignment, &at) || at > as->limit || size > as->limit - at)
            return false;
        if (i == as->n || (as->regions[i].base >= at && as->regions[i].base - at >= size))
            break;
        if (region_end(&as->regions[i]) > at)
            at = region_end(&as->regions[i]);
    }
    *base = at;
    return true;
}

/* What lies just below `top` and touches it: moves the mark of what is full down to it. */
static void lower_packed_top(struct aspace *as)
{
    for (bool moved = true; moved;) {
        moved = false;
        uint64_t top = as->packed_top;
        size_t next = index_at_or_after(as, top);
        if (next > 0 && region_end(&as->regions[next - 1]) >= top) {
            as->packed_top = as->regions[next - 1].base;
            moved = true;
        }
        for (size_t i = 0; i < as->n_ram; i++) {
            const struct aspace_ram *ram = &as->ram[i];
            if (ram->base < top && top - ram->base <= ram->size) {
                as->packed_top = ram->base;
                moved = true;
            }
        }
    }
}

/* The highest fit below 4 GiB. */
static bool find_below_4g(struct aspace *as, uint64_t size, uint64_t alignment, uint64_t *base)
{
    lower_packed_top(as);
    uint64_t top = as->packed_top;
    while (size <= top) {
        uint64_t at = (top - size) & ~(alignment - 1);
        const struct aspace_region *region = region_in(as, at, size);
        const struct aspace_ram *ram = ram_in(as, at, size);
        if (region == NULL && ram == NULL) {
            *base = at;
            return true;
        }
        top = region != NULL ? region->base : ram->base;
    }
    return false;
}

int32_t aspace_allocate(struct aspace *as, const struct aspace_request *request,
                        struct aspace_region *out, struct err *err)
{
    uint64_t alignment = request->alignment != 0 ? request->alignment : ASPACE_PAGE_BYTES;
    if (request->size == 0)
        return err_set(err, BP_ERR_INVALID, "%s has 0 bytes: a region needs a size", request->name);
    if (!is_power_of_two(alignment))
        return err_set(err, BP_ERR_INVALID, "%s: alignment 0x%" PRIx64 ": a power of two is wanted",
                       request->name, alignment);
    uint64_t size, base;
    bool found = align_up(request->size, alignment, &size);
    if (found)
        found = request->below_4g ? find_below_4g(as, size, alignment, &base)
                                  : find_above_ram(as, size, alignment, &base);
    if (!found)
        return err_set(err, BP_ERR_NO_SPACE,
                       "%s: no free 0x%" PRIx64 " bytes, aligned to 0x%" PRIx64
                       ", are left %s (the guest has %u physical address bits)",
                       request->name, request->size, alignment,
                       request->below_4g ? "below 4 GiB" : "above RAM", as->gpa_bits);
    int32_t status = insert(as, request->name, base, size, false, err);
    if (status == BP_OK)
        *out = *aspace_find(as, base);
    return status;
}

static const char *ram_name(const struct aspace *as, const struct aspace_ram *ram)
{
    if (as->n_ram == 1)
        return "RAM";
    return ram == &as->ram[0] ? "low RAM" : "high RAM";
}

static int32_t overlap_error(struct err *err, const char *name, uint64_t base, uint64_t size,
                             const char *other, uint64_t other_base, uint64_t other_size)
{
    return err_set(err, BP_ERR_EXISTS,
                   "%s [0x%" PRIx64 ", 0x%" PRIx64 ") overlaps %s [0x%" PRIx64 ", 0x%" PRIx64 ")",
                   name, base, base + size, other, other_base, other_base + other_size);
}

int32_t aspace_register_fixed(struct aspace *as, const char *name, uint64_t base, uint64_t size,
                              struct err *err)
{
    if (size == 0)
        return err_set(err, BP_ERR_INVALID, "%s has 0 bytes: a region needs a size", name);
    if (base > as->limit || size > as->limit - base)
        return err_set(err, BP_ERR_RANGE,
                       "%s of 0x%" PRIx64 " bytes at 0x%" PRIx64
                       " ends beyond the guest's %u physical address bits",
                       name, size, base, as->gpa_bits);
    const struct aspace_ram *ram = ram_in(as, base, size);
    if (ram != NULL)
        return overlap_error(err, name, base, size, ram_name(as, ram), ram->base, ram->size);
    const struct aspace_region *region = region_in(as, base, size);
    if (region != NULL)
        return overlap_error(err, name, base, size, region->name, region->base, region->size);
    return insert(as, name, base, size, true, err);
}

int32_t aspace_release(struct aspace *as, uint64_t base, struct err *err)
{
    size_t at = index_at_or_after(as, base);
    if (at == as->n || as->regions[at].base != base)
        return err_set(err, BP_ERR_NOT_FOUND, "no region begins at 0x%" PRIx64, base);
    uint64_t end = region_end(&as->regions[at]);
    free((char *)(uintptr_t)as->regions[at].name);
    as->n--;
    memmove(&as->regions[at], &as->regions[at + 1], (as->n - at) * sizeof(*as->regions));
    memmove(&as->orders[at], &as->orders[at + 1], (as->n - at) * sizeof(*as->orders));
    if (as->packed_end > base)
        as->packed_end = base > as->dynamic_base ? base : as->dynamic_base;
    if (as->packed_top < end)
        as->packed_top = as->limit < ASPACE_4G ? as->limit : ASPACE_4G;
    return BP_OK;
}

/* --- looking ---------------------------------------------------------------------------------- */
const struct aspace_region *aspace_find(const struct aspace *as, uint64_t gpa)
{
    return region_in(as, gpa, 1);
}

const struct aspace_region *aspace_sorted(const struct aspace *as, size_t *n)
{
    *n = as->n;
    return as->regions;
}

struct ordered {
    uint64_t order;
    struct aspace_region region;
};

static int by_order(const void *a, const void *b)
{
    uint64_t x = ((const struct ordered *)a)->order, y = ((const struct ordered *)b)->order;
    return x < y ? -1 : x > y;
}

static struct aspace_region *copies(const struct aspace *as, bool fixed, size_t *n)
{
    *n = 0;
    struct ordered *ordered = calloc(as->n + 1, sizeof(*ordered));
    struct aspace_region *out = calloc(as->n + 1, sizeof(*out));
    size_t count = 0;
    for (size_t i = 0; ordered != NULL && i < as->n; i++) {
        if (as->regions[i].fixed == fixed)
            ordered[count++] = (struct ordered){as->orders[i], as->regions[i]};
    }
    if (ordered == NULL || out == NULL || count == 0) {
        free(ordered);
        free(out);
        return NULL;
    }
    qsort(ordered, count, sizeof(*ordered), by_order);
    for (size_t i = 0; i < count; i++)
        out[i] = ordered[i].region;
    free(ordered);
    *n = count;
    return out;
}

struct aspace_region *aspace_allocations(const struct aspace *as, size_t *n)
{
    return copies(as, false, n);
}

struct aspace_region *aspace_fixed_regions(const struct aspace *as, size_t *n)
{
    return copies(as, true, n);
}

size_t aspace_ram(const struct aspace *as, struct aspace_ram out[2])
{
    memcpy(out, as->ram, as->n_ram * sizeof(*out));
    return as->n_ram;
}

uint64_t aspace_ram_base(const struct aspace *as)
{
    return as->ram[0].base;
}

uint64_t aspace_ram_size(const struct aspace *as)
{
    return as->ram[0].size + (as->n_ram == 2 ? as->ram[1].size : 0);
}

uint64_t aspace_ram_end(const struct aspace *as)
{
    const struct aspace_ram *last = &as->ram[as->n_ram - 1];
    return last->base + last->size;
}

enum arch aspace_arch(const struct aspace *as)
{
    return as->arch;
}

uint32_t aspace_gpa_bits(const struct aspace *as)
{
    return as->gpa_bits;
}
