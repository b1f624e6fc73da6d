/* Register banks by table: see backplane/lib/regs.h. */
#include <backplane/lib/regs.h>

void bp_regs_init(struct bp_regs *regs, const struct bp_reg *table, uint32_t n_regs)
{
    regs->table = table;
    regs->n_regs = n_regs < BP_REGS_MAX ? n_regs : BP_REGS_MAX;
    bp_regs_reset(regs, BP_RESET_COLD);
}

void bp_regs_reset(void *dev, uint32_t kind)
{
    struct bp_regs *regs = dev;

    (void)kind;
    for (uint32_t i = 0; i < regs->n_regs; i++)
        regs->v[i] = regs->table[i].reset;
}

/* The row at this offset, a multiple of 4; n_regs when there is none. Most tables lie in a row, so
 * that the first guess is right. */
static uint32_t row_at(const struct bp_regs *regs, uint64_t offset)
{
    uint64_t guess = offset / 4;

    if (guess < regs->n_regs && regs->table[guess].offset == offset)
        return (uint32_t)guess;
    for (uint32_t i = 0; i < regs->n_regs; i++) {
        if (regs->table[i].offset == offset)
            return i;
    }
    return regs->n_regs;
}

static uint32_t read_row(struct bp_regs *regs, uint64_t offset)
{
    uint32_t i = row_at(regs, offset);

    if (i == regs->n_regs)
        return 0;
    return regs->table[i].on_read ? regs->table[i].on_read(regs) : regs->v[i];
}

/* `lanes` has ones in the bytes that are written. */
static void write_row(struct bp_regs *regs, uint64_t offset, uint32_t value, uint32_t lanes)
{
    uint32_t i = row_at(regs, offset);
    const struct bp_reg *row;
    uint32_t changes;

    if (i == regs->n_regs)
        return;
    row = &regs->table[i];
    changes = row->writable & lanes;
    regs->v[i] = (regs->v[i] & ~changes) | (value & changes);
    regs->v[i] &= ~(value & row->w1c & lanes);
    if (row->on_write)
        row->on_write(regs, value & lanes);
}

static uint32_t lanes_of(uint32_t width)
{
    return width >= 4 ? UINT32_MAX : (1u << (8 * width)) - 1;
}

uint64_t bp_regs_read(void *dev, uint32_t region, uint64_t offset, uint32_t width)
{
    uint32_t shift = (uint32_t)(offset & 3) * 8;
    uint64_t low = read_row(dev, offset & ~UINT64_C(3));

    (void)region;
    if (width == 8)
        return low | (uint64_t)read_row(dev, offset + 4) << 32;
    return (low >> shift) & lanes_of(width);
}

void bp_regs_write(void *dev, uint32_t region, uint64_t offset, uint32_t width, uint64_t value)
{
    uint32_t shift = (uint32_t)(offset & 3) * 8;

    (void)region;
    write_row(dev, offset & ~UINT64_C(3), (uint32_t)value << shift, lanes_of(width) << shift);
    if (width == 8)
        write_row(dev, offset + 4, (uint32_t)(value >> 32), UINT32_MAX);
}
