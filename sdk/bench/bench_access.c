/* A guest's accesses to the device's regions, with the bus's checks, and the levels of lines. */
#include "bench_internal.h"

#include <string.h>

static uint32_t region_named(struct bench *b, const char *name)
{
    for (uint32_t i = 0; i < b->class_->regions.n_rows; i++) {
        if (strcmp(class_region(b->class_, i)->name, name) == 0)
            return i;
    }
    bench_die(b, "the class has no region \"%s\"", name);
}

static uint32_t line_named(struct bench *b, const char *name)
{
    for (uint32_t i = 0; i < b->class_->lines.n_rows; i++) {
        if (strcmp(class_line(b->class_, i)->name, name) == 0)
            return i;
    }
    bench_die(b, "the class has no line \"%s\"", name);
}

/* BP_W8 is 1, BP_W16 2, ...: a width's bit is the width itself. */
int bench_is_allowed(const struct bench *b, uint32_t region, uint64_t offset, uint32_t width)
{
    uint64_t size = b->region_sizes[region];

    return (width == 1 || width == 2 || width == 4 || width == 8) &&
           (class_region(b->class_, region)->widths & width) && offset % width == 0 &&
           width <= size && offset <= size - width;
}

static uint64_t ones(uint32_t width)
{
    return width >= 8 ? UINT64_MAX : (UINT64_C(1) << (8 * width)) - 1;
}

uint64_t bench_read(struct bench *b, const char *region, uint64_t offset, uint32_t width)
{
    uint32_t i = region_named(b, region);
    uint64_t value;

    if (!bench_is_allowed(b, i, offset, width)) {
        b->refused++;
        return ones(width);
    }
    if (!b->class_->read)
        return ones(width);
    bench_enter(b, "read");
    value = b->class_->read(b->dev, i, offset, width);
    bench_leave(b);
    if (value & ~ones(width))
        bench_die(b, "read of %u bytes at 0x%llx of %s gave 0x%llx: more than fits", width,
                  (unsigned long long)offset, region, (unsigned long long)value);
    return value;
}

void bench_write(struct bench *b, const char *region, uint64_t offset, uint32_t width,
                 uint64_t value)
{
    uint32_t i = region_named(b, region);

    if (!bench_is_allowed(b, i, offset, width)) {
        b->refused++;
        return;
    }
    if (bench_rings_doorbell(b, i, offset, width, value & ones(width)) || !b->class_->write)
        return;
    bench_enter(b, "write");
    b->class_->write(b->dev, i, offset, width, value & ones(width));
    bench_leave(b);
}

uint8_t bench_read8(struct bench *b, const char *region, uint64_t offset)
{
    return (uint8_t)bench_read(b, region, offset, 1);
}

uint16_t bench_read16(struct bench *b, const char *region, uint64_t offset)
{
    return (uint16_t)bench_read(b, region, offset, 2);
}

uint32_t bench_read32(struct bench *b, const char *region, uint64_t offset)
{
    return (uint32_t)bench_read(b, region, offset, 4);
}

uint64_t bench_read64(struct bench *b, const char *region, uint64_t offset)
{
    return bench_read(b, region, offset, 8);
}

void bench_write8(struct bench *b, const char *region, uint64_t offset, uint8_t value)
{
    bench_write(b, region, offset, 1, value);
}

void bench_write16(struct bench *b, const char *region, uint64_t offset, uint16_t value)
{
    bench_write(b, region, offset, 2, value);
}

void bench_write32(struct bench *b, const char *region, uint64_t offset, uint32_t value)
{
    bench_write(b, region, offset, 4, value);
}

void bench_write64(struct bench *b, const char *region, uint64_t offset, uint64_t value)
{
    bench_write(b, region, offset, 8, value);
}

uint32_t bench_refused(const struct bench *b)
{
    return b->refused;
}

uint64_t bench_region_size(struct bench *b, const char *region)
{
    return b->region_sizes[region_named(b, region)];
}

uint32_t bench_line(struct bench *b, const char *line)
{
    return b->lines[line_named(b, line)];
}

uint32_t bench_line_raises(struct bench *b, const char *line)
{
    return b->raises[line_named(b, line)];
}
