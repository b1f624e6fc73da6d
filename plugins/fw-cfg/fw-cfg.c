/*
 * fw-cfg - QEMU's firmware configuration device: files that the host gives to firmware and kernel.
 * Specification: QEMU docs/specs/fw_cfg.rst.
 * Not modelled: items of fixed keys beyond signature, id and file directory (RAM size, processors,
 * the kernel to boot: Backplane's machines tell that in their tables), keys of one architecture
 * (bit 15), and writing: every item is the host's, a guest's write by DMA ends with an error and
 * one to the data register has no effect, as since QEMU 2.4.
 */
#include "fw-cfg.h"

#include <backplane/if/fdt.h>
#include <backplane/if/state.h>
#include <backplane/lib/log.h>
#include <backplane/plugin.h>

enum { REGS, PORTS }; /* regions */

/* REGS: data in bytes 0-7, the selector in 8 and 9, DMA in 16-23; all big-endian, the data as it
 * comes. PORTS: the selector in 0 and 1 (little-endian), data in 1, DMA in 4-11 (big-endian). */
#define REGS_SELECTOR  8u
#define REGS_DMA       16u
#define REGS_BYTES     24u
#define PORTS_SELECTOR 0u
#define PORTS_DATA     1u
#define PORTS_DMA      4u
#define PORTS_BYTES    12u

#define KEY_MASK  0xbfffu /* bit 14 once said that it shall be written */
#define DMA_BYTES 8u

/* --- selector and data ------------------------------------------------------------------------ */
void fw_cfg_select(struct fw_cfg *s, uint32_t key)
{
    s->key = key & KEY_MASK;
    s->offset = 0;
}

/* The first byte is at the lowest address, whatever the width: the lowest byte of our value. */
static uint64_t read_data(struct fw_cfg *s, uint32_t width)
{
    const struct item *item = items_find(s, s->key);
    uint64_t value = 0;

    for (uint32_t i = 0; i < width && item && s->offset < item->size; i++)
        value |= (uint64_t)item->bytes[s->offset++] << (8 * i);
    return value;
}

/* Reading the DMA register gives a signature, big-endian like the register. */
static uint64_t read_dma(uint64_t offset, uint32_t width)
{
    static const char signature[DMA_BYTES + 1] = "QEMU CFG";
    uint64_t value = 0;

    for (uint32_t i = 0; i < width && offset + i < DMA_BYTES; i++)
        value |= (uint64_t)signature[offset + i] << (8 * i);
    return value;
}

static uint64_t swap(uint64_t value, uint32_t width)
{
    uint64_t swapped = 0;

    for (uint32_t i = 0; i < width; i++)
        swapped |= (value >> (8 * i) & 0xff) << (8 * (width - 1 - i));
    return swapped;
}

/* Whole, or upper half and then the lower, which begins it. */
static void write_dma(struct fw_cfg *s, uint64_t offset, uint32_t width, uint64_t value)
{
    uint64_t gpa = swap(value, width);

    if (offset == 0 && width == 4) {
        s->dma_high = (uint32_t)gpa;
        return;
    }
    if (offset == 4 && width == 4)
        gpa |= (uint64_t)s->dma_high << 32;
    else if (width != 8)
        return;
    s->dma_high = 0;
    dma_begin(s, gpa);
}

static uint64_t fw_cfg_read(void *dev, uint32_t region, uint64_t offset, uint32_t width)
{
    uint32_t dma = region == REGS ? REGS_DMA : PORTS_DMA;

    if (offset >= dma)
        return read_dma(offset - dma, width);
    if (region == REGS ? offset < REGS_SELECTOR : offset == PORTS_DATA)
        return read_data(dev, width);
    return 0;
}

static void fw_cfg_write(void *dev, uint32_t region, uint64_t offset, uint32_t width,
                         uint64_t value)
{
    if (region == REGS && offset >= REGS_DMA)
        write_dma(dev, offset - REGS_DMA, width, value);
    else if (region == PORTS && offset >= PORTS_DMA)
        write_dma(dev, offset - PORTS_DMA, width, value);
    else if (region == REGS && offset == REGS_SELECTOR && width == 2)
        fw_cfg_select(dev, (uint32_t)swap(value, 2));
    else if (region == PORTS && offset == PORTS_SELECTOR && width == 2)
        fw_cfg_select(dev, (uint32_t)value);
}

/* --- life cycle ------------------------------------------------------------------------------- */
static void fw_cfg_start(void *dev)
{
    struct fw_cfg *s = dev;

    s->is_running = 1;
    dma_resume(s);
}

/* A transfer is parked where it is. */
static int32_t fw_cfg_quiesce(void *dev)
{
    struct fw_cfg *s = dev;

    s->is_running = 0;
    return BP_OK;
}

static int32_t fw_cfg_save(const void *dev, const struct bp_state_writer *w)
{
    const struct fw_cfg *s = dev;
    uint8_t bytes[8];

    for (uint32_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(s->contents >> (8 * i));
    return w->put(w, "contents", bytes, sizeof(bytes));
}

/* A guest that has read half of a file cannot go on with another one. */
static int32_t fw_cfg_load_check(const void *dev, const struct bp_state_reader *r)
{
    const struct fw_cfg *s = dev;
    uint8_t bytes[8];
    int32_t status = r->get(r, "contents", bytes, sizeof(bytes));

    for (uint32_t i = 0; status == BP_OK && i < sizeof(bytes); i++) {
        if (bytes[i] == (uint8_t)(s->contents >> (8 * i)))
            continue;
        bp_logf(s->host, BP_LOG_ERROR,
                "the files are not those that the machine was saved with: give it the same");
        status = BP_ERR_FORMAT;
    }
    return status;
}

static void fw_cfg_load_commit(void *dev, const struct bp_state_reader *r)
{
    struct fw_cfg *s = dev;

    (void)r;
    s->key &= KEY_MASK;
}

static void fw_cfg_reset(void *dev, uint32_t kind)
{
    struct fw_cfg *s = dev;

    (void)kind;
    fw_cfg_select(s, 0);
    s->dma_high = s->dma_left = 0;
    s->dma_gpa = s->dma_descriptor_gpa = 0;
}

static void fw_cfg_destroy(void *dev)
{
    items_free(dev);
}

static void fw_cfg_describe_fdt(const void *dev, const struct bp_fdt_writer *w)
{
    (void)dev;
    w->prop_empty(w, "dma-coherent");
}

static int32_t fw_cfg_create(const struct bp_host *host, void *dev)
{
    struct fw_cfg *s = dev;

    s->host = host;
    s->mem = host->get_interface(host, BP_MEM_ID);
    return items_create(s);
}

static int32_t fw_cfg_realize(void *dev)
{
    return items_load(dev);
}

/* --- tables ----------------------------------------------------------------------------------- */
static const char *const needs[] = {BP_MEM_ID, NULL};

static const struct bp_region regions[] = {
    [REGS] = {.name = "regs",
              .size = REGS_BYTES,
              .kind = BP_MMIO,
              .widths = BP_W8 | BP_W16 | BP_W32 | BP_W64,
              .flags = BP_REGION_ALTERNATIVE},
    [PORTS] = {.name = "ports",
               .size = PORTS_BYTES,
               .align = 16,
               .kind = BP_PIO,
               .widths = BP_W8 | BP_W16 | BP_W32,
               .flags = BP_REGION_OPTIONAL},
};

static const struct bp_property properties[] = {
    BP_PROP_STRING(struct fw_cfg, files, "file", NULL, 0,
                   "Files for the guest: NAME=PATH,NAME=PATH, with ,, for a comma. Names of your "
                   "own begin with opt/ and your domain, as opt/org.example/NAME. Paths are those "
                   "of the program's working directory."),
    BP_PROP_STRING(struct fw_cfg, strings, "string", NULL, 0,
                   "Files for the guest whose content is given here: NAME=TEXT,NAME=TEXT, with ,, "
                   "for a comma."),
};

static const struct bp_field fields[] = {
    BP_FIELD_U32(struct fw_cfg, key),      BP_FIELD_U32(struct fw_cfg, offset),
    BP_FIELD_U32(struct fw_cfg, dma_high), BP_FIELD_U32(struct fw_cfg, dma_left),
    BP_FIELD_U64(struct fw_cfg, dma_gpa),  BP_FIELD_U64(struct fw_cfg, dma_descriptor_gpa),
};

static const struct bp_class fw_cfg = {
    .struct_size = sizeof(struct bp_class),
    .id = "fw-cfg",
    .version = "1.0",
    .summary = "QEMU's firmware configuration: files for firmware and kernel",
    .instance_size = sizeof(struct fw_cfg),
    .state_version = 1,
    .needs = needs,
    .regions = BP_TABLE(regions),
    .properties = BP_TABLE(properties),
    .state = BP_TABLE(fields),
    .dt_name = "fw-cfg",
    .dt_compatible = "qemu,fw-cfg-mmio\0",
    .acpi_hid = "QEMU0002",
    .create = fw_cfg_create,
    .realize = fw_cfg_realize,
    .describe_fdt = fw_cfg_describe_fdt,
    .reset = fw_cfg_reset,
    .start = fw_cfg_start,
    .quiesce = fw_cfg_quiesce,
    .save = fw_cfg_save,
    .load_check = fw_cfg_load_check,
    .load_commit = fw_cfg_load_commit,
    .destroy = fw_cfg_destroy,
    .read = fw_cfg_read,
    .write = fw_cfg_write,
};
BP_PLUGIN("fw-cfg", "1.0", &fw_cfg);
