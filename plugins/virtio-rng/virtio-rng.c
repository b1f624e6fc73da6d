/*
 * virtio-rng - entropy for the guest.
 * Specification: virtio 1.2 (OASIS), section 5.4.
 * The bytes are the host kernel's (getrandom), which cannot run dry. A request gets at most 4 KiB,
 * and so many requests are served in one go, so that no driver keeps a processor's thread busy
 * here. Not modelled: the leak queue (VIRTIO_RNG_F_LEAK).
 */
#include <backplane/device.h>
#include <backplane/if/virtio.h>
#include <backplane/lib/log.h>
#include <backplane/plugin.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>

#define QUEUE         0u
#define QUEUE_SIZE    64u
#define REQUEST_BYTES 4096u
#define RUN_LIMIT     16u /* requests in one go */

struct virtio_rng {
    const struct bp_host *host;
    const struct bp_virtio *virtio;
    bool is_parked; /* quiesced: fetches nothing */
    bool will_run;  /* a deferred run is on its way */
};

/* Returns how many bytes were filled; the kernel may be interrupted by a signal. */
static uint32_t fill(uint8_t *to, uint32_t size)
{
    uint32_t done = 0;
    for (uint32_t tries = 0; done < size && tries < 64; tries++) {
        ssize_t n = getrandom(to + done, size - done, 0);
        if (n > 0)
            done += (uint32_t)n;
    }
    return done;
}

static void serve(struct virtio_rng *s, const struct bp_virtio_chain *chain)
{
    uint8_t bytes[REQUEST_BYTES];
    uint32_t size = chain->writable < REQUEST_BYTES ? (uint32_t)chain->writable : REQUEST_BYTES;
    if (size == 0)
        bp_guest_logf(s->host, "a request for entropy has no room for any");
    size = fill(bytes, size);
    if (s->virtio->write(s->host, chain->handle, 0, bytes, size) != BP_OK)
        size = 0;
    (void)s->virtio->push(s->host, chain->handle, size);
}

static void run_later(void *dev, uint64_t arg);

static void run(struct virtio_rng *s)
{
    struct bp_virtio_chain chain = {.struct_size = sizeof(chain)};
    for (uint32_t n = 0; n < RUN_LIMIT && !s->is_parked; n++) {
        if (s->virtio->pop(s->host, QUEUE, &chain) != BP_OK)
            return;
        serve(s, &chain);
    }
    if (!s->is_parked && !s->will_run)
        s->will_run = s->host->defer(s->host, run_later, 0) == BP_OK;
}

static void run_later(void *dev, uint64_t arg)
{
    struct virtio_rng *s = dev;
    (void)arg;
    s->will_run = false;
    run(s);
}

static void rng_notify(void *dev, uint32_t queue)
{
    if (queue == QUEUE)
        run(dev);
}

/* --- Life cycle ------------------------------------------------------------------------------- */

static int32_t rng_create(const struct bp_host *host, void *dev)
{
    struct virtio_rng *s = dev;
    s->host = host;
    s->virtio = host->get_interface(host, BP_VIRTIO_ID);
    if (s->virtio == NULL)
        return host->set_error(host, BP_ERR_UNSUPPORTED, "this host lacks " BP_VIRTIO_ID);
    return BP_OK;
}

static void rng_start(void *dev)
{
    struct virtio_rng *s = dev;
    s->is_parked = false;
    run(s);
}

static int32_t rng_quiesce(void *dev)
{
    struct virtio_rng *s = dev;
    s->is_parked = true;
    return BP_OK; /* nothing is ever in flight */
}

static const struct bp_virtio_device_ops virtio_ops = {
    .struct_size = sizeof(struct bp_virtio_device_ops),
    .device_id = 4,
    .n_queues = 1,
    .queue_size = QUEUE_SIZE,
    .notify = rng_notify,
};

static const struct bp_service services[] = {{BP_VIRTIO_DEVICE_ID, &virtio_ops}};
static const char *const needs[] = {BP_VIRTIO_ID, NULL};

static const struct bp_class virtio_rng = {
    .struct_size = sizeof(struct bp_class),
    .id = "virtio-rng",
    .version = "1.0",
    .summary = "virtio entropy source",
    .instance_size = sizeof(struct virtio_rng),
    .state_version = 1,
    .bus = "virtio",
    .needs = needs,
    .services = BP_TABLE(services),
    .create = rng_create,
    .start = rng_start,
    .quiesce = rng_quiesce,
};
BP_PLUGIN("virtio-rng", "1.0", &virtio_rng);
