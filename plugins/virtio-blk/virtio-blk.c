/*
 * virtio-blk - a disk.
 * Specification: virtio 1.2 (OASIS), section 5.2.
 * Requests go to the block backend as the driver made them, several at once and in any order; the
 * data goes between the medium and guest RAM without passing here.
 * Not modelled: several queues, secure erase, lifetime, zoned disks, legacy geometry.
 */
#include "virtio-blk.h"

#include <backplane/lib/log.h>
#include <backplane/plugin.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE 0u

/* Feature bits: 5.2.3. */
#define F_SEG_MAX      (UINT64_C(1) << 2)
#define F_RO           (UINT64_C(1) << 5)
#define F_BLK_SIZE     (UINT64_C(1) << 6)
#define F_FLUSH        (UINT64_C(1) << 9)
#define F_TOPOLOGY     (UINT64_C(1) << 10)
#define F_CONFIG_WCE   (UINT64_C(1) << 11)
#define F_DISCARD      (UINT64_C(1) << 13)
#define F_WRITE_ZEROES (UINT64_C(1) << 14)

/* Offsets of the device configuration: 5.2.4. */
#define CONFIG_CAPACITY            0u
#define CONFIG_SEG_MAX             12u
#define CONFIG_BLK_SIZE            20u
#define CONFIG_PHYSICAL_BLOCK_EXP  24u
#define CONFIG_MIN_IO_SIZE         26u
#define CONFIG_WRITEBACK           32u
#define CONFIG_MAX_DISCARD_SECTORS 36u
#define CONFIG_MAX_DISCARD_SEG     40u
#define CONFIG_DISCARD_ALIGNMENT   44u
#define CONFIG_MAX_ZEROES_SECTORS  48u
#define CONFIG_MAX_ZEROES_SEG      52u
#define CONFIG_BYTES               60u

/* --- Configuration ---------------------------------------------------------------------------- */

static uint64_t blk_features(void *dev)
{
    const struct virtio_blk *s = dev;
    uint64_t features = F_SEG_MAX | F_BLK_SIZE | F_TOPOLOGY;
    if ((s->info.flags & BP_BLOCK_READ_ONLY) != 0)
        return features | F_RO;
    features |= F_FLUSH | F_CONFIG_WCE;
    if ((s->info.flags & BP_BLOCK_DISCARD) != 0)
        features |= F_DISCARD | F_WRITE_ZEROES;
    return features;
}

static void put(uint8_t *at, uint64_t value, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

/* Physical blocks are 2^n logical ones. */
static uint32_t physical_block_exp(const struct virtio_blk *s)
{
    uint32_t n = 0;
    while (n < 8 && BLK_SECTOR_BYTES << n < s->info.block_bytes)
        n++;
    return n;
}

static void blk_config_read(void *dev, uint32_t offset, void *to, uint32_t size)
{
    const struct virtio_blk *s = dev;
    uint8_t config[CONFIG_BYTES] = {0};
    put(config + CONFIG_CAPACITY, s->info.capacity_bytes / BLK_SECTOR_BYTES, 8);
    put(config + CONFIG_SEG_MAX, BLK_SEG_MAX, 4);
    put(config + CONFIG_BLK_SIZE, BLK_SECTOR_BYTES, 4);
    put(config + CONFIG_PHYSICAL_BLOCK_EXP, physical_block_exp(s), 1);
    put(config + CONFIG_MIN_IO_SIZE, UINT64_C(1) << physical_block_exp(s), 2);
    config[CONFIG_WRITEBACK] = s->writeback;
    if ((s->info.flags & BP_BLOCK_DISCARD) != 0) {
        put(config + CONFIG_MAX_DISCARD_SECTORS, BLK_RANGE_SECTORS_MAX, 4);
        put(config + CONFIG_MAX_DISCARD_SEG, BLK_RANGES_MAX, 4);
        put(config + CONFIG_DISCARD_ALIGNMENT, UINT64_C(1) << physical_block_exp(s), 4);
        put(config + CONFIG_MAX_ZEROES_SECTORS, BLK_RANGE_SECTORS_MAX, 4);
        put(config + CONFIG_MAX_ZEROES_SEG, BLK_RANGES_MAX, 4);
        /* write_zeroes_may_unmap stays 0: blocks of zeroes are kept allocated. */
    }
    memcpy(to, config + offset, size);
}

/* Only the cache mode can be written, and only if the driver may: 5.2.5.2. */
static void blk_config_write(void *dev, uint32_t offset, const void *from, uint32_t size)
{
    struct virtio_blk *s = dev;
    if (offset != CONFIG_WRITEBACK || size != 1 || (blk_features(dev) & F_CONFIG_WCE) == 0) {
        bp_guest_logf(s->host, "the driver writes %u bytes of the configuration at %u; ignored",
                      size, offset);
        return;
    }
    s->writeback = *(const uint8_t *)from & 1;
}

/* --- Driver events ---------------------------------------------------------------------------- */

static void blk_activate(void *dev, uint64_t features)
{
    struct virtio_blk *s = dev;
    s->can_flush = (features & F_FLUSH) != 0;
    s->can_set_cache = (features & F_CONFIG_WCE) != 0;
}

static void blk_notify(void *dev, uint32_t queue)
{
    if (queue == QUEUE)
        blk_queue_run(dev);
}

static void to_power_on(struct virtio_blk *s)
{
    blk_requests_forget(s);
    s->writeback = 1;
    s->can_flush = 0;
    s->can_set_cache = 0;
}

static void blk_device_reset(void *dev)
{
    to_power_on(dev);
}

/* --- Life cycle ------------------------------------------------------------------------------- */

static int32_t blk_create(const struct bp_host *host, void *dev)
{
    struct virtio_blk *s = dev;
    s->host = host;
    s->virtio = host->get_interface(host, BP_VIRTIO_ID);
    s->block = host->get_interface(host, BP_BLOCK_ID);
    if (s->virtio == NULL || s->block == NULL)
        return host->set_error(host, BP_ERR_UNSUPPORTED,
                               "this host lacks " BP_VIRTIO_ID " or " BP_BLOCK_ID);
    s->requests = calloc(BLK_REQUESTS, sizeof(*s->requests));
    if (s->requests == NULL)
        return host->set_error(host, BP_ERR_NO_MEMORY, "out of memory");
    to_power_on(s);
    return BP_OK;
}

static int32_t blk_realize(void *dev)
{
    struct virtio_blk *s = dev;
    s->info.struct_size = sizeof(s->info);
    int32_t status = s->block->info(s->host, BLK_LINK_BLOCK, &s->info);
    if (status != BP_OK)
        return s->host->set_error(s->host, status,
                                  "the disk behind \"block\" does not say how large it is");
    return BP_OK;
}

static void blk_reset(void *dev, uint32_t kind)
{
    (void)kind;
    to_power_on(dev);
}

static void blk_start(void *dev)
{
    struct virtio_blk *s = dev;
    s->is_parked = false;
    blk_queue_run(s);
}

static int32_t blk_quiesce(void *dev)
{
    struct virtio_blk *s = dev;
    s->is_parked = true; /* nothing new is fetched */
    return s->n_busy == 0 ? BP_OK : BP_PENDING;
}

static void blk_destroy(void *dev)
{
    struct virtio_blk *s = dev;
    free(s->requests);
}

static const struct bp_virtio_device_ops virtio_ops = {
    .struct_size = sizeof(struct bp_virtio_device_ops),
    .device_id = 2,
    .n_queues = 1,
    .queue_size = BLK_QUEUE_SIZE,
    .config_size = CONFIG_BYTES,
    .features = blk_features,
    .config_read = blk_config_read,
    .config_write = blk_config_write,
    .activate = blk_activate,
    .notify = blk_notify,
    .device_reset = blk_device_reset,
};

static const struct bp_service services[] = {{BP_VIRTIO_DEVICE_ID, &virtio_ops}};

static const struct bp_link links[] = {{
    .name = "block",
    .interface = BP_BLOCK_ID,
    .doc = "The disk: the name of a [backend] section, for example of plugin block-file. The guest "
           "sees its size, serial number, and whether it is read-only.",
    .flags = BP_LINK_REQUIRED,
}};

static const struct bp_field state[] = {
    BP_FIELD_U8_MAX(struct virtio_blk, writeback, 1),
};

static const char *const needs[] = {BP_VIRTIO_ID, BP_BLOCK_ID, NULL};

static const struct bp_class virtio_blk = {
    .struct_size = sizeof(struct bp_class),
    .id = "virtio-blk",
    .version = "1.0",
    .summary = "virtio disk",
    .instance_size = sizeof(struct virtio_blk),
    .state_version = 1,
    .bus = "virtio",
    .needs = needs,
    .links = BP_TABLE(links),
    .services = BP_TABLE(services),
    .state = BP_TABLE(state),
    .create = blk_create,
    .realize = blk_realize,
    .reset = blk_reset,
    .start = blk_start,
    .quiesce = blk_quiesce,
    .destroy = blk_destroy,
};
BP_PLUGIN("virtio-blk", "1.0", &virtio_blk);
