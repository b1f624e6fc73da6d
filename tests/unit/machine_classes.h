/* Plugin classes for tests of machine files: small, built in, one for each thing that can go wrong.
 */
#ifndef TESTS_UNIT_MACHINE_CLASSES_H
#define TESTS_UNIT_MACHINE_CLASSES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <backplane/device.h>
#include <backplane/if/block.h>
#include <backplane/if/char.h>
#include <backplane/if/fdt.h>
#include <backplane/if/irqchip.h>
#include <backplane/if/region.h>
#include <backplane/if/virtio.h>

#include "machine/source.h"
#include "util/nearest.h"

struct fake {
    const struct bp_host *host;
    uint64_t bytes;
    const char *path;
    const char *label;
    uint32_t speed;
    uint32_t mode;
    uint32_t flag;
    uint32_t lines;
};

/* Order of life-cycle calls: create, realize, reset (0 cold, 1 warm), start, destroy. */
static char fake_calls[4096];

static inline void fake_note(char what, const struct fake *s)
{
    size_t n = strlen(fake_calls);
    if (n < sizeof(fake_calls) - 80)
        (void)snprintf(fake_calls + n, sizeof(fake_calls) - n, "%c:%s ", what, s->host->name);
}

static int32_t fake_create(const struct bp_host *host, void *dev)
{
    struct fake *s = dev;
    s->host = host;
    fake_note('c', s);
    return BP_OK;
}

static int32_t broken_create(const struct bp_host *host, void *dev)
{
    (void)fake_create(host, dev);
    return host->set_error(host, BP_ERR_RANGE, "the crystal is cracked: glue it");
}

static int32_t fake_plan(void *dev)
{
    struct fake *s = dev;
    const struct bp_region_if *region = s->host->get_interface(s->host, BP_REGION_ID);
    return region->resize(s->host, 0, s->bytes);
}

static int32_t fake_realize(void *dev)
{
    fake_note('r', dev);
    return BP_OK;
}

static void fake_reset(void *dev, uint32_t kind)
{
    fake_note(kind == BP_RESET_COLD ? '0' : '1', dev);
}

static void fake_start(void *dev)
{
    fake_note('s', dev);
}

static int32_t jammed_realize(void *dev)
{
    const struct bp_host *host = ((struct fake *)dev)->host;
    return host->set_error(host, BP_ERR_IO, "the lid is jammed: press harder");
}

static void fake_destroy(void *dev)
{
    fake_note('d', dev);
}

static void fake_range(const void *dev, uint32_t *first, uint32_t *count)
{
    *first = 1;
    *count = ((const struct fake *)dev)->lines;
}

static void fake_set(void *dev, uint32_t line, uint32_t level)
{
    (void)dev;
    (void)line;
    (void)level;
}

static uint32_t fake_specifier(const void *dev, uint32_t line, uint32_t trigger, uint32_t *cells)
{
    (void)dev;
    cells[0] = line;
    cells[1] = trigger;
    return 2;
}

static void fake_describe(const void *dev, const struct bp_fdt_writer *w)
{
    w->prop_u32(w, "speed", ((const struct fake *)dev)->speed);
}

static const struct bp_irqchip_ops fake_irqchip = {sizeof(struct bp_irqchip_ops), 0, fake_range,
                                                   fake_set, fake_specifier};
static const struct bp_char_ops fake_char = {sizeof(struct bp_char_ops), 0, NULL, NULL};
static const struct bp_block_ops fake_block = {.struct_size = sizeof(struct bp_block_ops)};
static const struct bp_virtio_device_ops fake_virtio = {.struct_size =
                                                            sizeof(struct bp_virtio_device_ops)};

static const struct bp_region fake_regs[] = {
    {.name = "regs", .size = 0x100, .kind = BP_MMIO, .widths = BP_W32},
    {.name = "ports",
     .size = 8,
     .align = 8,
     .kind = BP_PIO,
     .widths = BP_W8,
     .flags = BP_REGION_OPTIONAL},
};
static const struct bp_region fake_low[] = {
    {.name = "window",
     .size = 0x10000,
     .align = 0x10000,
     .kind = BP_MMIO,
     .widths = BP_W32,
     .flags = BP_REGION_BELOW_4G},
};
static const struct bp_region fake_ram[] = {
    {.name = "frames", .size = 0x1000, .kind = BP_RAM},
};
static const struct bp_line fake_out[] = {{"out", BP_LEVEL_HIGH, 0},
                                          {"extra", BP_EDGE_RISING, BP_LINE_OPTIONAL}};
static const struct bp_link fake_char_link[] = {{"char", BP_CHAR_ID, "Where bytes go.", 0, 0}};
static const struct bp_link fake_block_link[] = {
    {"block", BP_BLOCK_ID, "The disk.", BP_LINK_REQUIRED, 0}};
static const struct bp_link fake_virtio_link[] = {
    {"device", BP_VIRTIO_DEVICE_ID, "What it carries.", BP_LINK_REQUIRED, 0}};
static const struct bp_link fake_relay_link[] = {
    {"next", "com.example.relay/1", "The next one.", 0, 0}};
static const struct bp_property fake_uart_properties[] = {
    BP_PROP_U32(struct fake, speed, "speed", "9600", 50, 4000000, "Bits a second."),
    BP_PROP_CHOICE(struct fake, mode, "mode", "fast", "slow|fast", "How."),
    BP_PROP_BOOL(struct fake, flag, "echo", "no", "Whether."),
    BP_PROP_STRING(struct fake, label, "label", NULL, 400, "What it is called."),
};
static const struct bp_property fake_file_properties[] = {
    BP_PROP_PATH_REQUIRED(struct fake, path, "path", "The image."),
    BP_PROP_BOOL(struct fake, flag, "readonly", "no", "Whether."),
};
static const struct bp_property fake_size_properties[] = {
    BP_PROP_SIZE(struct fake, bytes, "size", "64K", 1, UINT64_MAX, "Of the region."),
};
static const struct bp_property fake_lines_properties[] = {
    BP_PROP_U32(struct fake, lines, "sources", "31", 0, UINT32_MAX, "Lines."),
};
static const struct bp_property fake_transport_properties[] = {
    BP_PROP_BOOL(struct fake, flag, "coherent", "no", "Whether."),
};
static const struct bp_service fake_irqchip_service[] = {{BP_IRQCHIP_ID, &fake_irqchip}};
static const struct bp_service fake_char_service[] = {{BP_CHAR_ID, &fake_char}};
static const struct bp_service fake_block_service[] = {{BP_BLOCK_ID, &fake_block}};
static const struct bp_service fake_virtio_service[] = {{BP_VIRTIO_DEVICE_ID, &fake_virtio}};
static const struct bp_service fake_relay_service[] = {{"com.example.relay/1", &fake_char}};
static const char *const fake_absent[] = {"com.example.absent/1", "com.example.gone/2", NULL};

#define FAKE(id_)                                                                                  \
    .struct_size = sizeof(struct bp_class), .id = (id_), .version = "1", .summary = "fake " id_,   \
    .instance_size = sizeof(struct fake), .state_version = 1, .create = fake_create,               \
    .reset = fake_reset, .start = fake_start, .destroy = fake_destroy
#define FAKE_REALIZE .realize = fake_realize

static const struct bp_class fake_classes[] = {
    {FAKE("block-file"), FAKE_REALIZE, .flags = BP_CLASS_BACKEND,
     .properties = BP_TABLE(fake_file_properties), .services = BP_TABLE(fake_block_service)},
    {FAKE("block-null"), FAKE_REALIZE, .flags = BP_CLASS_BACKEND,
     .services = BP_TABLE(fake_block_service)},
    {.struct_size = sizeof(struct bp_class),
     .id = "broken",
     .version = "1",
     .summary = "cracked",
     .instance_size = sizeof(struct fake),
     .state_version = 1,
     .create = broken_create,
     .destroy = fake_destroy},
    {FAKE("char-null"), FAKE_REALIZE, .flags = BP_CLASS_BACKEND,
     .services = BP_TABLE(fake_char_service)},
    {FAKE("char-stdio"), FAKE_REALIZE, .flags = BP_CLASS_BACKEND,
     .services = BP_TABLE(fake_char_service)},
    {FAKE("frames"), FAKE_REALIZE, .regions = BP_TABLE(fake_ram),
     .properties = BP_TABLE(fake_size_properties), .plan = fake_plan},
    {FAKE("gic"), FAKE_REALIZE, .arch = "arm64", .services = BP_TABLE(fake_irqchip_service)},
    {FAKE("jammed"), .realize = jammed_realize},
    {FAKE("needy"), FAKE_REALIZE, .needs = fake_absent},
    {FAKE("plic"), FAKE_REALIZE, .regions = BP_TABLE(fake_regs),
     .properties = BP_TABLE(fake_lines_properties), .services = BP_TABLE(fake_irqchip_service)},
    {FAKE("relay"), FAKE_REALIZE, .links = BP_TABLE(fake_relay_link),
     .services = BP_TABLE(fake_relay_service)},
    {FAKE("uart"), FAKE_REALIZE, .regions = BP_TABLE(fake_regs), .lines = BP_TABLE(fake_out),
     .properties = BP_TABLE(fake_uart_properties), .links = BP_TABLE(fake_char_link),
     .dt_name = "serial", .dt_compatible = "ns16550a\0", .describe_fdt = fake_describe},
    {FAKE("virtio-blk"), FAKE_REALIZE, .bus = "virtio", .links = BP_TABLE(fake_block_link),
     .services = BP_TABLE(fake_virtio_service)},
    {FAKE("virtio-mmio"), FAKE_REALIZE, .regions = BP_TABLE(fake_regs), .lines = BP_TABLE(fake_out),
     .properties = BP_TABLE(fake_transport_properties), .links = BP_TABLE(fake_virtio_link)},
    {FAKE("virtio-rng"), FAKE_REALIZE, .bus = "virtio", .services = BP_TABLE(fake_virtio_service)},
    {FAKE("window"), FAKE_REALIZE, .regions = BP_TABLE(fake_low),
     .properties = BP_TABLE(fake_size_properties), .plan = fake_plan},
};
#define N_FAKE_CLASSES (sizeof(fake_classes) / sizeof(fake_classes[0]))

static bool fake_has(void *ctx, const char *id)
{
    (void)ctx;
    for (size_t i = 0; i < N_FAKE_CLASSES; i++) {
        if (strcmp(fake_classes[i].id, id) == 0)
            return true;
    }
    return false;
}

static const char *fake_id_at(void *ctx, size_t i)
{
    (void)ctx;
    return i < N_FAKE_CLASSES ? fake_classes[i].id : NULL;
}

static const struct bp_class *fake_load(void *ctx, const char *id, struct err *err)
{
    const char *known[N_FAKE_CLASSES];
    (void)ctx;
    for (size_t i = 0; i < N_FAKE_CLASSES; i++) {
        known[i] = fake_classes[i].id;
        if (strcmp(fake_classes[i].id, id) == 0)
            return &fake_classes[i];
    }
    const char *nearest = nearest_word(id, known, N_FAKE_CLASSES);
    (void)err_set(err, BP_ERR_NOT_FOUND, "there is no plugin %s; did you mean %s?", id,
                  nearest != NULL ? nearest : "another");
    return NULL;
}

static const struct class_source fake_source = {NULL, fake_load, fake_has, fake_id_at};

#endif
