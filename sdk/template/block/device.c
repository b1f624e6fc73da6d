/*
 * @ID@ - a disk in the host's memory: a backend for disk devices such as virtio-blk.
 * Its bytes are all 0 when power comes on, survive a warm reset and go with a snapshot.
 * Not modelled: latency. (Say here what of the real medium you leave out.)
 *
 * The host has checked requests before they come here: operation, alignment, that they lie within
 * the capacity, that segments have the request's size. That guest memory is there, it has not.
 */
#include <backplane/if/block.h>
#include <backplane/if/mem.h>
#include <backplane/if/state.h>
#include <backplane/plugin.h>

#include <stdlib.h>
#include <string.h>

/* Step 1: limits. */
#define SECTOR   512u
#define DISK_MAX (UINT64_C(256) << 20) /* a snapshot carries all of it */

/* Step 2: the state, with units. One instance for each backend of a machine; no statics. */
struct ramdisk {
    const struct bp_host *host;
    const struct bp_mem *mem;
    const struct bp_block_backend *backend;
    uint8_t *bytes;
    uint64_t size_bytes;   /* the property "size" */
    uint32_t is_read_only; /* the property "readonly" */
    uint32_t pad;
};

/* Step 3: what the host asks. */
static int32_t ramdisk_info(void *dev, struct bp_block_info *out)
{
    const struct ramdisk *s = dev;

    out->flags = BP_BLOCK_DISCARD | (s->is_read_only ? BP_BLOCK_READ_ONLY : 0);
    out->capacity_bytes = s->size_bytes;
    out->block_bytes = SECTOR;
    memcpy(out->serial, "ramdisk", 7);
    return BP_OK;
}

/* Between the disk and guest memory, segment by segment. */
static int32_t transfer(struct ramdisk *s, const struct bp_block_request *r)
{
    const uint8_t *row = (const uint8_t *)r->segments;
    uint8_t *at = s->bytes + r->offset;
    int32_t status = BP_OK;

    for (uint32_t i = 0; i < r->n_segments && status == BP_OK; i++, row += r->segment_stride) {
        const struct bp_segment *segment = (const void *)row;

        status = r->op == BP_BLOCK_READ ? s->mem->write(s->host, segment->gpa, at, segment->size)
                                        : s->mem->read(s->host, segment->gpa, at, segment->size);
        at += segment->size;
    }
    return status;
}

static int32_t perform(struct ramdisk *s, const struct bp_block_request *r)
{
    switch (r->op) {
    case BP_BLOCK_READ:
    case BP_BLOCK_WRITE:
        return transfer(s, r);
    case BP_BLOCK_DISCARD_OP:
    case BP_BLOCK_WRITE_ZEROES:
        memset(s->bytes + r->offset, 0, r->size);
        return BP_OK;
    default: /* BP_BLOCK_FLUSH: nothing is more stable than memory here */
        return BP_OK;
    }
}

/* A real medium takes its time: it would keep what it needs of the request, give the work to
 * bp.worker/1 and complete the ticket when that is done. */
static int32_t ramdisk_submit(void *dev, const struct bp_block_request *request)
{
    struct ramdisk *s = dev;

    return s->backend->complete(s->host, request->tag, perform(s, request));
}

static const struct bp_block_ops block_ops = {
    .struct_size = sizeof(struct bp_block_ops),
    .info = ramdisk_info,
    .submit = ramdisk_submit,
};

/* Step 4: the life cycle. Properties are in the instance before create is called. */
static int32_t ramdisk_create(const struct bp_host *host, void *dev)
{
    struct ramdisk *s = dev;

    s->host = host;
    s->mem = host->get_interface(host, BP_MEM_ID); /* both are in `needs`, so they are there */
    s->backend = host->get_interface(host, BP_BLOCK_BACKEND_ID);
    if (s->size_bytes % SECTOR)
        return host->set_error(host, BP_ERR_INVALID, "size: a multiple of 512 is wanted");
    return BP_OK;
}

static int32_t ramdisk_realize(void *dev)
{
    struct ramdisk *s = dev;

    s->bytes = calloc(1, s->size_bytes);
    if (!s->bytes)
        return s->host->set_error(s->host, BP_ERR_NO_MEMORY,
                                  "there is not so much memory: make the disk smaller");
    return BP_OK;
}

/* Also after a create that failed. */
static void ramdisk_destroy(void *dev)
{
    struct ramdisk *s = dev;

    free(s->bytes);
}

static void ramdisk_reset(void *dev, uint32_t kind)
{
    struct ramdisk *s = dev;

    if (kind == BP_RESET_COLD)
        memset(s->bytes, 0, s->size_bytes);
}

/* Step 5: state that no table can carry, since its size is a property. */
static int32_t ramdisk_save(const void *dev, const struct bp_state_writer *w)
{
    const struct ramdisk *s = dev;

    return w->put(w, "bytes", s->bytes, s->size_bytes);
}

static int32_t ramdisk_load_check(const void *dev, const struct bp_state_reader *r)
{
    const struct ramdisk *s = dev;
    uint64_t size;
    int32_t status = r->size(r, "bytes", &size);

    return status != BP_OK ? status : size == s->size_bytes ? BP_OK : BP_ERR_FORMAT;
}

static void ramdisk_load_commit(void *dev, const struct bp_state_reader *r)
{
    struct ramdisk *s = dev;

    (void)r->get(r, "bytes", s->bytes, s->size_bytes); /* load_check has seen that it fits */
}

/* Step 6: the class's tables. */
static const char *const needs[] = {BP_MEM_ID, BP_BLOCK_BACKEND_ID, NULL};

static const struct bp_property properties[] = {
    BP_PROP_SIZE(struct ramdisk, size_bytes, "size", "64K", SECTOR, DISK_MAX,
                 "Size of the disk, a multiple of 512."),
    BP_PROP_BOOL(struct ramdisk, is_read_only, "readonly", "no",
                 "Whether devices may only read it."),
};

static const struct bp_service services[] = {{BP_BLOCK_ID, &block_ops}};

/* Step 7: the class, and the macro that makes it a plugin. */
static const struct bp_class ramdisk = {
    .struct_size = sizeof(struct bp_class),
    .flags = BP_CLASS_BACKEND,
    .id = "@ID@",
    .version = "1.0",
    .summary = "disk in memory",
    .instance_size = sizeof(struct ramdisk),
    .state_version = 1,
    .needs = needs,
    .properties = BP_TABLE(properties),
    .services = BP_TABLE(services),
    .create = ramdisk_create,
    .realize = ramdisk_realize,
    .reset = ramdisk_reset,
    .save = ramdisk_save,
    .load_check = ramdisk_load_check,
    .load_commit = ramdisk_load_commit,
    .destroy = ramdisk_destroy,
};
BP_PLUGIN_BACKEND("@ID@", "1.0", &ramdisk);
