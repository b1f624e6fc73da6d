/*
 * org.example.museum.box - a device for the museum: registers, a line, a timer, DMA, state, a
 * property of each kind that matters, a region whose size is planned, a deferred call. Models
 * nothing real.
 *
 *   0x00 ID      0x30584f42
 *   0x04 CTRL    1: runs, 2: raises the line; writing 4 copies COUNT to the address in DMA
 *   0x08 STATUS  1: ticked, 2: DMA failed, 4: the deferred call was made; cleared by writing 1
 *   0x0c COUNT   ticks so far
 *   0x10 DMA     guest-physical address, 64 bits
 */
#include <backplane/device.h>
#include <backplane/if/fdt.h>
#include <backplane/if/mem.h>
#include <backplane/if/region.h>
#include <backplane/if/state.h>
#include <backplane/plugin.h>

#define ID_VALUE 0x30584f42u

#define CTRL_RUN  1u
#define CTRL_IRQ  2u
#define CTRL_COPY 4u

#define STATUS_TICK     1u
#define STATUS_FAILED   2u
#define STATUS_DEFERRED 4u

struct box {
    const struct bp_host *host;
    const struct bp_mem *mem;
    const char *label;
    uint64_t window; /* bytes */
    bp_handle timer;
    uint64_t deadline_ns; /* 0: not running */
    uint64_t dma;
    uint32_t period_us;
    uint32_t loud;
    uint32_t mode;
    uint32_t ctrl;
    uint32_t status;
    uint32_t count;
};

static void drive_line(struct box *b)
{
    b->host->irq_set(b->host, 0, (b->ctrl & CTRL_IRQ) != 0 && b->status != 0);
}

static void arm(struct box *b)
{
    (void)b->host->timer_arm(b->host, b->timer, b->deadline_ns);
}

static void on_tick(void *dev)
{
    struct box *b = dev;
    if (b->deadline_ns == 0)
        return;
    b->count++;
    b->status |= STATUS_TICK;
    b->deadline_ns += (uint64_t)b->period_us * 1000;
    arm(b);
    drive_line(b);
    if (b->loud)
        b->host->log(b->host, BP_LOG_INFO, "tick");
}

static void on_deferred(void *dev, uint64_t arg)
{
    struct box *b = dev;
    b->status |= (uint32_t)arg;
    drive_line(b);
}

static void copy_count(struct box *b)
{
    const uint8_t bytes[4] = {(uint8_t)b->count, (uint8_t)(b->count >> 8),
                              (uint8_t)(b->count >> 16), (uint8_t)(b->count >> 24)};
    if (b->mem->write(b->host, b->dma, bytes, sizeof(bytes)) != BP_OK) {
        b->status |= STATUS_FAILED;
        b->host->log(b->host, BP_LOG_GUEST, "DMA outside RAM");
    }
    (void)b->host->defer(b->host, on_deferred, STATUS_DEFERRED);
    drive_line(b);
}

static void write_ctrl(struct box *b, uint32_t value)
{
    uint32_t was = b->ctrl;
    b->ctrl = value & (CTRL_RUN | CTRL_IRQ);
    if ((b->ctrl & CTRL_RUN) == 0) {
        b->deadline_ns = 0;
        (void)b->host->timer_cancel(b->host, b->timer);
    } else if ((was & CTRL_RUN) == 0) {
        b->deadline_ns = b->host->clock_ns(b->host) + (uint64_t)b->period_us * 1000;
        arm(b);
    }
    if (value & CTRL_COPY)
        copy_count(b);
    drive_line(b);
}

static uint64_t box_read(void *dev, uint32_t region, uint64_t offset, uint32_t width)
{
    const struct box *b = dev;
    (void)region;
    (void)width;
    switch (offset) {
    case 0x00:
        return ID_VALUE;
    case 0x04:
        return b->ctrl;
    case 0x08:
        return b->status;
    case 0x0c:
        return b->count;
    case 0x10:
        return (uint32_t)b->dma;
    case 0x14:
        return b->dma >> 32;
    default:
        return 0;
    }
}

static void box_write(void *dev, uint32_t region, uint64_t offset, uint32_t width, uint64_t value)
{
    struct box *b = dev;
    (void)region;
    (void)width;
    switch (offset) {
    case 0x04:
        write_ctrl(b, (uint32_t)value);
        break;
    case 0x08:
        b->status &= ~(uint32_t)value;
        drive_line(b);
        break;
    case 0x10:
        b->dma = (b->dma & ~(uint64_t)UINT32_MAX) | (uint32_t)value;
        break;
    case 0x14:
        b->dma = (uint32_t)b->dma | value << 32;
        break;
    default:
        break;
    }
}

static int32_t box_create(const struct bp_host *host, void *dev)
{
    struct box *b = dev;
    b->host = host;
    b->mem = (const struct bp_mem *)host->get_interface(host, BP_MEM_ID);
    if (b->label && b->label[0] == '!')
        return host->set_error(host, BP_ERR_INVALID, "label begins with '!'; use a letter");
    return BP_OK;
}

static int32_t box_plan(void *dev)
{
    const struct box *b = dev;
    const struct bp_region_if *region =
        (const struct bp_region_if *)b->host->get_interface(b->host, BP_REGION_ID);
    return region->resize(b->host, 0, b->window);
}

static int32_t box_realize(void *dev)
{
    struct box *b = dev;
    return b->host->timer_create(b->host, on_tick, &b->timer);
}

static void box_reset(void *dev, uint32_t kind)
{
    struct box *b = dev;
    (void)kind;
    b->ctrl = b->status = b->count = 0;
    b->deadline_ns = b->dma = 0;
}

static int32_t box_save(const void *dev, const struct bp_state_writer *w)
{
    const struct box *b = dev;
    const uint8_t mode = (uint8_t)b->mode;
    return w->put(w, "mode", &mode, 1);
}

static int32_t box_load_check(const void *dev, const struct bp_state_reader *r)
{
    const struct box *b = dev;
    uint8_t mode = 0;
    int32_t status = r->get(r, "mode", &mode, 1);
    if (status != BP_OK)
        return status;
    return mode == b->mode ? BP_OK : BP_ERR_FORMAT;
}

static void box_load_commit(void *dev, const struct bp_state_reader *r)
{
    struct box *b = dev;
    (void)r;
    if (b->deadline_ns)
        arm(b);
    drive_line(b);
}

static void box_describe_fdt(const void *dev, const struct bp_fdt_writer *w)
{
    const struct box *b = dev;
    w->prop_u32(w, "period-us", b->period_us);
    w->prop_string(w, "label", b->label ? b->label : "none");
}

static const struct bp_region regions[] = {
    {"regs", 0x1000, 0, BP_MMIO, BP_W32, 0, 0, {NULL, 0, 0}},
};
static const struct bp_line lines[] = {{"out", BP_LEVEL_HIGH, 0}};
static const struct bp_property properties[] = {
    BP_PROP_U32(struct box, period_us, "period-us", "1000", 10, 1000000, "Microseconds of a tick."),
    BP_PROP_BOOL(struct box, loud, "loud", "no", "Whether each tick is logged."),
    BP_PROP_SIZE(struct box, window, "window", "4K", 4096, 65536,
                 "Bytes of the registers' region."),
    BP_PROP_STRING(struct box, label, "label", NULL, 16, "A word for the device tree."),
    BP_PROP_CHOICE(struct box, mode, "mode", "plain", "plain|fancy", "Goes into the state."),
};
static const struct bp_field fields[] = {
    BP_FIELD_U64(struct box, deadline_ns), BP_FIELD_U64(struct box, dma),
    BP_FIELD_U32_MAX(struct box, ctrl, 3), BP_FIELD_U32_MAX(struct box, status, 7),
    BP_FIELD_U32(struct box, count),
};
static const char *const needs[] = {BP_MEM_ID, BP_REGION_ID, NULL};

static const struct bp_class box = {
    .struct_size = sizeof(struct bp_class),
    .id = "org.example.museum.box",
    .version = "1.0",
    .summary = "registers, a line, a timer, DMA and state",
    .instance_size = sizeof(struct box),
    .state_version = 1,
    .needs = needs,
    .regions = BP_TABLE(regions),
    .lines = BP_TABLE(lines),
    .properties = BP_TABLE(properties),
    .state = BP_TABLE(fields),
    .dt_name = "box",
    .dt_compatible = "example,museum-box\0",
    .create = box_create,
    .plan = box_plan,
    .realize = box_realize,
    .describe_fdt = box_describe_fdt,
    .reset = box_reset,
    .save = box_save,
    .load_check = box_load_check,
    .load_commit = box_load_commit,
    .read = box_read,
    .write = box_write,
};
BP_PLUGIN("org.example.museum.box", "1.0", &box);
