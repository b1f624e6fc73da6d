/*
 * block-file - a raw disk image or a block device of the host as a disk.
 *
 * Requests are done several at once by an engine: through io_uring, or by worker threads. A write
 * is in the host's page cache when it ends, and on stable storage after the next flush (fdatasync):
 * what a disk with a write cache does. Not modelled: image formats with a structure of their own,
 * sizes that change while it runs, access past the page cache.
 */
#include "block-file.h"

#include <backplane/lib/log.h>
#include <backplane/plugin.h>
#include <stdlib.h>
#include <string.h>

/* --- bp.block/1 ------------------------------------------------------------------------------- */

static int32_t block_file_info(void *dev, struct bp_block_info *out)
{
    const struct block_file *s = dev;
    if (s->fd < 0)
        return BP_ERR_STATE;
    out->flags = s->is_read_only ? BP_BLOCK_READ_ONLY : BP_BLOCK_DISCARD;
    out->capacity_bytes = s->capacity_bytes;
    out->block_bytes = s->block_bytes;
    memset(out->serial, 0, sizeof(out->serial));
    if (s->serial != NULL)
        memcpy(out->serial, s->serial, strnlen(s->serial, sizeof(out->serial)));
    return BP_OK;
}

static int32_t block_file_submit(void *dev, const struct bp_block_request *request)
{
    struct block_file *s = dev;
    if (s->engine == NULL)
        return BP_ERR_STATE;
    if (request->op == BP_BLOCK_FLUSH && s->is_read_only)
        return s->backend->complete(s->host, request->tag, BP_OK); /* nothing was written */
    struct file_job *job = file_job_create(request);
    if (job == NULL)
        return BP_ERR_NO_MEMORY;
    int32_t status = s->engine->submit(s, job);
    if (status != BP_OK)
        free(job);
    return status;
}

static void block_file_cancel(void *dev, uint64_t ticket)
{
    struct block_file *s = dev;
    if (s->engine != NULL)
        s->engine->cancel(s, ticket);
}

/* --- Life cycle ------------------------------------------------------------------------------- */

static int32_t block_file_create(const struct bp_host *host, void *dev)
{
    struct block_file *s = dev;
    s->host = host;
    s->fd = -1;
    s->mem = host->get_interface(host, BP_MEM_ID);
    s->worker = host->get_interface(host, BP_WORKER_ID);
    s->loop = host->get_interface(host, BP_LOOP_ID);
    s->backend = host->get_interface(host, BP_BLOCK_BACKEND_ID);
    if (s->mem == NULL || s->worker == NULL || s->loop == NULL || s->backend == NULL)
        return host->set_error(host, BP_ERR_UNSUPPORTED,
                               "this host lacks " BP_MEM_ID ", " BP_WORKER_ID ", " BP_LOOP_ID
                               " or " BP_BLOCK_BACKEND_ID);
    return BP_OK;
}

static int32_t choose_engine(struct block_file *s)
{
    char why[160];
    s->engine = &file_engine_threads;
    if (s->io == FILE_IO_THREADS)
        return BP_OK;
    int32_t status = uring_open(s, why, sizeof(why));
    if (status == BP_OK) {
        s->engine = &file_engine_uring;
        return BP_OK;
    }
    if (s->io == FILE_IO_URING)
        return bp_errorf(s->host, status,
                         "io = io_uring: %s; set \"io = auto\" to use threads instead", why);
    bp_logf(s->host, BP_LOG_DEBUG, "uses threads, as io_uring is not to be had: %s", why);
    return BP_OK;
}

static int32_t block_file_realize(void *dev)
{
    struct block_file *s = dev;
    int32_t status = file_open(s);
    return status == BP_OK ? choose_engine(s) : status;
}

static int32_t block_file_quiesce(void *dev)
{
    const struct block_file *s = dev;
    return s->n_busy == 0 ? BP_OK : BP_PENDING;
}

static void block_file_destroy(void *dev)
{
    struct block_file *s = dev;
    if (s->engine != NULL)
        s->engine->stop(s);
    if (s->host != NULL)
        file_close(s);
    for (uint32_t i = 0; i < FILE_BUFFERS; i++)
        free(atomic_load(&s->buffers[i]));
}

static const struct bp_block_ops block_ops = {
    .struct_size = sizeof(struct bp_block_ops),
    .info = block_file_info,
    .submit = block_file_submit,
    .cancel = block_file_cancel,
};

static const struct bp_service services[] = {{BP_BLOCK_ID, &block_ops}};

static const struct bp_property properties[] = {
    BP_PROP_PATH_REQUIRED(
        struct block_file, path, "path",
        "The image file or block device. It must exist, be no directory, and its size must be a "
        "multiple of 512 bytes. Make an empty one with \"truncate -s 1G disk.img\". It is locked "
        "while the machine exists: a second machine may share it only if both are read-only."),
    BP_PROP_BOOL(
        struct block_file, is_read_only, "readonly", "no",
        "The guest cannot write. The file is never opened for writing then, so that it may "
        "be one that you cannot write either."),
    BP_PROP_CHOICE(struct block_file, format, "format", "raw", "raw",
                   "How the file holds the disk. raw: byte by byte, which suits block devices and "
                   "the images of most distributions; convert others with \"qemu-img convert -O "
                   "raw\". The format is never guessed, because guests could fake it."),
    BP_PROP_CHOICE(struct block_file, io, "io", "auto", "auto|io_uring|threads",
                   "How requests are done. io_uring: by the kernel (Linux 5.6 or newer, if the "
                   "system permits it), without threads. threads: by up to 8 threads that all "
                   "disks of the machine share. auto: io_uring if it is to be had."),
    BP_PROP_STRING(struct block_file, serial, "serial", NULL, FILE_SERIAL_BYTES,
                   "Serial number that the guest sees, up to 20 bytes: under Linux it gives the "
                   "name /dev/disk/by-id/virtio-SERIAL."),
};

static const char *const needs[] = {BP_MEM_ID, BP_WORKER_ID, BP_LOOP_ID, BP_BLOCK_BACKEND_ID, NULL};

static const struct bp_class block_file = {
    .struct_size = sizeof(struct bp_class),
    .flags = BP_CLASS_BACKEND,
    .id = "block-file",
    .version = "1.0",
    .summary = "raw disk image or block device of the host",
    .instance_size = sizeof(struct block_file),
    .state_version = 1,
    .needs = needs,
    .properties = BP_TABLE(properties),
    .services = BP_TABLE(services),
    .create = block_file_create,
    .realize = block_file_realize,
    .quiesce = block_file_quiesce,
    .destroy = block_file_destroy,
};
BP_PLUGIN_BACKEND("block-file", "1.0", &block_file);
