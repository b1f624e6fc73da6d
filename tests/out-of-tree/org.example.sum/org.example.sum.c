/*
 * org.example.sum - adds up the bytes of a piece of guest memory: a device with DMA.
 * Specification: this comment. ADDR_LOW and ADDR_HIGH hold a guest-physical address, SIZE a number
 * of bytes. Writing 1 to COMMAND starts the sum; STATUS is 0 until it is there, then DONE, or ERROR
 * when the bytes are not all RAM or SIZE is above the limit. The line is high while STATUS is not
 * 0; writing STATUS clears its bits that are written as 1. Not modelled: nothing.
 */
#include <backplane/if/mem.h>
#include <backplane/if/state.h>
#include <backplane/lib/log.h>
#include <backplane/lib/regs.h>
#include <backplane/plugin.h>

enum { ADDR_LOW, ADDR_HIGH, SIZE, COMMAND, RESULT, STATUS, N_REGS };
enum { LINE_DONE };

#define STATUS_DONE  (1u << 0)
#define STATUS_ERROR (1u << 1)
#define PIECE        512u /* bytes fetched at once */

struct sum {
    struct bp_regs regs; /* first member */
    const struct bp_host *host;
    const struct bp_mem *mem;
    uint64_t limit_bytes; /* the property "limit" */
    uint8_t busy;         /* COMMAND was written and the sum is not there yet */
};

static void update_irq(struct sum *s)
{
    s->host->irq_set(s->host, LINE_DONE, s->regs.v[STATUS] != 0);
}

/* The guest may change its memory meanwhile; each byte is copied once, and then only the copy
 * counts. */
static int32_t add_up(struct sum *s, uint64_t gpa, uint32_t size, uint32_t *result)
{
    uint8_t piece[PIECE];
    uint32_t total = 0;

    for (uint32_t at = 0; at < size; at += PIECE) {
        uint32_t n = size - at < PIECE ? size - at : PIECE;
        int32_t status = s->mem->read(s->host, gpa + at, piece, n);

        if (status)
            return status;
        for (uint32_t i = 0; i < n; i++)
            total += piece[i];
    }
    *result = total;
    return BP_OK;
}

static void finish(struct sum *s)
{
    uint64_t gpa = (uint64_t)s->regs.v[ADDR_HIGH] << 32 | s->regs.v[ADDR_LOW];
    uint32_t size = s->regs.v[SIZE];
    int32_t status = BP_ERR_RANGE;

    if (!s->busy)
        return;
    s->busy = 0;
    if (size <= s->limit_bytes && size <= UINT64_MAX - gpa)
        status = add_up(s, gpa, size, &s->regs.v[RESULT]);
    if (status)
        bp_guest_logf(s->host, "0x%x bytes at 0x%llx cannot be added up", size,
                      (unsigned long long)gpa);
    s->regs.v[STATUS] |= status ? STATUS_ERROR : STATUS_DONE;
    update_irq(s);
}

/* The guest's processor does not wait: the work is done on the machine's loop. */
static void finish_later(void *dev, uint64_t arg)
{
    (void)arg;
    finish(dev);
}

static void command_write(void *dev, uint32_t value)
{
    struct sum *s = dev;

    if (value != 1 || s->busy)
        return;
    s->busy = 1;
    if (s->host->defer(s->host, finish_later, 0))
        finish(s);
}

static void status_write(void *dev, uint32_t value)
{
    (void)value;
    update_irq(dev);
}

static const struct bp_reg sum_regs[N_REGS] = {
    [ADDR_LOW] = {.name = "ADDR_LOW", .offset = 0x00, .writable = UINT32_MAX},
    [ADDR_HIGH] = {.name = "ADDR_HIGH", .offset = 0x04, .writable = UINT32_MAX},
    [SIZE] = {.name = "SIZE", .offset = 0x08, .writable = UINT32_MAX},
    [COMMAND] = {.name = "COMMAND", .offset = 0x0c, .on_write = command_write},
    [RESULT] = {.name = "RESULT", .offset = 0x10},
    [STATUS] = {.name = "STATUS",
                .offset = 0x14,
                .w1c = STATUS_DONE | STATUS_ERROR,
                .on_write = status_write},
};

static int32_t sum_create(const struct bp_host *host, void *dev)
{
    struct sum *s = dev;

    s->host = host;
    s->mem = host->get_interface(host, BP_MEM_ID);
    bp_regs_init(&s->regs, sum_regs, N_REGS);
    return BP_OK;
}

static void sum_reset(void *dev, uint32_t kind)
{
    struct sum *s = dev;

    bp_regs_reset(dev, kind);
    s->busy = 0;
}

/* Nothing is in flight in a snapshot. */
static int32_t sum_quiesce(void *dev)
{
    finish(dev);
    return BP_OK;
}

static void sum_load_commit(void *dev, const struct bp_state_reader *r)
{
    (void)r;
    update_irq(dev);
}

static const char *const needs[] = {BP_MEM_ID, NULL};

static const struct bp_region regions[] = {
    {.name = "regs", .size = 0x1000, .kind = BP_MMIO, .widths = BP_W32, .regs = BP_TABLE(sum_regs)},
};

static const struct bp_line lines[] = {
    [LINE_DONE] = {.name = "done", .trigger = BP_LEVEL_HIGH},
};

static const struct bp_property properties[] = {
    BP_PROP_SIZE(struct sum, limit_bytes, "limit", "64K", 1, 1u << 20,
                 "Largest number of bytes that one command may add up."),
};

static const struct bp_field fields[] = {BP_FIELD_REGS(struct sum, regs, N_REGS)};

static const struct bp_class sum = {
    .struct_size = sizeof(struct bp_class),
    .id = "org.example.sum",
    .version = "1.0",
    .summary = "Adds up bytes of guest memory",
    .instance_size = sizeof(struct sum),
    .state_version = 1,
    .needs = needs,
    .regions = BP_TABLE(regions),
    .lines = BP_TABLE(lines),
    .properties = BP_TABLE(properties),
    .state = BP_TABLE(fields),
    .dt_name = "sum",
    .dt_compatible = "example,sum\0",
    .create = sum_create,
    .reset = sum_reset,
    .quiesce = sum_quiesce,
    .load_commit = sum_load_commit,
    .read = bp_regs_read,
    .write = bp_regs_write,
};
BP_PLUGIN("org.example.sum", "1.0", &sum);
