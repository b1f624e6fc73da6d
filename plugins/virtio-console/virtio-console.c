/*
 * virtio-console - a console: Linux's hvc0.
 * Specification: virtio 1.2 (OASIS), section 5.3.
 * What the guest writes is its own no longer once it has been copied here, and waits until the
 * backend takes it; then no more is fetched. Input waits at the backend until the guest has read
 * what was fetched before.
 * Not modelled: several ports (MULTIPORT), sizes that change.
 */
#include <backplane/device.h>
#include <backplane/if/char.h>
#include <backplane/if/state.h>
#include <backplane/if/virtio.h>
#include <backplane/lib/log.h>
#include <backplane/plugin.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Queues of port 0: 5.3.2 */
#define QUEUE_RX   0u
#define QUEUE_TX   1u
#define QUEUES     2u
#define QUEUE_SIZE 64u

/* Feature bits: 5.3.3 */
#define F_SIZE        (UINT64_C(1) << 0)
#define F_EMERG_WRITE (UINT64_C(1) << 2)

/* Offsets of the device configuration: 5.3.4 */
#define CONFIG_COLS     0u
#define CONFIG_ROWS     2u
#define CONFIG_EMERG_WR 8u
#define CONFIG_BYTES    12u

#define LINK_CHAR 0u
#define OUT_BYTES 65536u
#define IN_BYTES  4096u
#define RUN_LIMIT 64u /* pieces in one go: guest and backend may have no end of them */

#define FIELD_OUT "out"
#define FIELD_IN  "in"

/* Bytes on their way in one direction; the oldest is at `first`. */
struct buffer {
    uint8_t *bytes;
    uint32_t first;
    uint32_t n;
};

struct virtio_console {
    const struct bp_host *host;
    const struct bp_virtio *virtio;
    const struct bp_char *chars;
    uint32_t cols; /* properties */
    uint32_t rows;
    bool is_active;
    bool is_parked;       /* quiesced: moves nothing */
    bool will_run;        /* a deferred run is on its way */
    bp_handle long_chain; /* has more to say than fits into `out`; BP_NO_HANDLE: none */
    uint64_t long_done;   /* bytes of it that were copied, */
    uint64_t long_bytes;  /* of so many */
    struct buffer out;    /* OUT_BYTES */
    struct buffer in;     /* IN_BYTES */
};

/* --- From the guest --------------------------------------------------------------------------- */

/* Gives the backend what it takes; true when nothing is left. */
static bool flush(struct virtio_console *s)
{
    struct buffer *out = &s->out;
    if (out->n == 0)
        return true;
    uint32_t n = s->chars->write(s->host, LINK_CHAR, out->bytes + out->first, out->n);
    out->n -= n;
    out->first = out->n == 0 ? 0 : out->first + n;
    return out->n == 0;
}

/* The next part of a chain into the empty buffer; ends the chain with its last. */
static void copy_out(struct virtio_console *s)
{
    uint64_t left = s->long_bytes - s->long_done;
    uint32_t size = left < OUT_BYTES ? (uint32_t)left : OUT_BYTES;
    if (s->virtio->read(s->host, s->long_chain, s->long_done, s->out.bytes, size) == BP_OK)
        s->out = (struct buffer){s->out.bytes, 0, size};
    s->long_done += size;
    if (s->long_done < s->long_bytes)
        return;
    (void)s->virtio->push(s->host, s->long_chain, 0);
    s->long_chain = BP_NO_HANDLE;
}

/* False when there is nothing to do, or nothing can be done now. */
static bool send_step(struct virtio_console *s)
{
    if (!flush(s))
        return false; /* BP_LINK_WRITABLE comes */
    if (s->long_chain == BP_NO_HANDLE) {
        struct bp_virtio_chain chain = {.struct_size = sizeof(chain)};
        if (s->virtio->pop(s->host, QUEUE_TX, &chain) != BP_OK)
            return false;
        s->long_chain = chain.handle;
        s->long_bytes = chain.readable;
        s->long_done = 0;
    }
    copy_out(s);
    return true;
}

/* --- To the guest ----------------------------------------------------------------------------- */

static bool receive_step(struct virtio_console *s)
{
    struct bp_virtio_chain chain = {.struct_size = sizeof(chain)};
    struct buffer *in = &s->in;
    if (in->n == 0) {
        in->first = 0;
        in->n = s->chars->read(s->host, LINK_CHAR, in->bytes, IN_BYTES);
        if (in->n == 0)
            return false; /* BP_LINK_READABLE comes */
    }
    if (s->virtio->pop(s->host, QUEUE_RX, &chain) != BP_OK)
        return false;
    uint32_t size = chain.writable < in->n ? (uint32_t)chain.writable : in->n;
    if (size == 0)
        bp_guest_logf(s->host, "a buffer for input has no room for any");
    if (s->virtio->write(s->host, chain.handle, 0, in->bytes + in->first, size) == BP_OK) {
        in->first += size;
        in->n -= size;
    } else {
        size = 0;
    }
    (void)s->virtio->push(s->host, chain.handle, size);
    return true;
}

/* --- Both ------------------------------------------------------------------------------------- */

static void run_later(void *dev, uint64_t arg);

static void run(struct virtio_console *s)
{
    bool sends = true, receives = true;
    if (s->is_parked)
        return;
    if (!s->is_active) {
        (void)flush(s);
        return;
    }
    for (uint32_t n = 0; n < RUN_LIMIT && (sends || receives); n++) {
        sends = sends && send_step(s);
        receives = receives && receive_step(s);
    }
    if ((sends || receives) && !s->will_run)
        s->will_run = s->host->defer(s->host, run_later, 0) == BP_OK;
}

static void run_later(void *dev, uint64_t arg)
{
    struct virtio_console *s = dev;
    (void)arg;
    s->will_run = false;
    run(s);
}

static void console_on_link(void *dev, uint32_t link, uint32_t event)
{
    (void)link;
    (void)event;
    run(dev);
}

/* --- Configuration ---------------------------------------------------------------------------- */

static uint64_t console_features(void *dev)
{
    const struct virtio_console *s = dev;
    return F_EMERG_WRITE | (s->cols != 0 && s->rows != 0 ? F_SIZE : 0);
}

static void console_config_read(void *dev, uint32_t offset, void *to, uint32_t size)
{
    const struct virtio_console *s = dev;
    uint8_t config[CONFIG_BYTES] = {0};
    config[CONFIG_COLS] = (uint8_t)s->cols;
    config[CONFIG_COLS + 1] = (uint8_t)(s->cols >> 8);
    config[CONFIG_ROWS] = (uint8_t)s->rows;
    config[CONFIG_ROWS + 1] = (uint8_t)(s->rows >> 8);
    memcpy(to, config + offset, size);
}

/* A character of a guest in distress, also before there is a driver; lost when there is no room. */
static void console_config_write(void *dev, uint32_t offset, const void *from, uint32_t size)
{
    struct virtio_console *s = dev;
    if (offset != CONFIG_EMERG_WR || size == 0) {
        bp_guest_logf(s->host, "the driver writes %u bytes of the configuration at %u; ignored",
                      size, offset);
        return;
    }
    (void)flush(s);
    if (s->out.n >= OUT_BYTES - s->out.first)
        return;
    s->out.bytes[s->out.first + s->out.n++] = *(const uint8_t *)from;
    (void)flush(s);
}

/* --- Driver events ---------------------------------------------------------------------------- */

static void console_activate(void *dev, uint64_t features)
{
    struct virtio_console *s = dev;
    (void)features;
    s->is_active = true;
}

static void console_notify(void *dev, uint32_t queue)
{
    (void)queue;
    run(dev);
}

/* What was sent goes out, and what was typed is for the next driver. */
static void console_device_reset(void *dev)
{
    struct virtio_console *s = dev;
    s->is_active = false;
    s->long_chain = BP_NO_HANDLE;
}

/* --- Life cycle ------------------------------------------------------------------------------- */

static int32_t console_create(const struct bp_host *host, void *dev)
{
    struct virtio_console *s = dev;
    s->host = host;
    s->virtio = host->get_interface(host, BP_VIRTIO_ID);
    s->chars = host->get_interface(host, BP_CHAR_ID);
    if (s->virtio == NULL || s->chars == NULL)
        return host->set_error(host, BP_ERR_UNSUPPORTED,
                               "this host lacks " BP_VIRTIO_ID " or " BP_CHAR_ID);
    if ((s->cols == 0) != (s->rows == 0))
        return host->set_error(host, BP_ERR_INVALID,
                               "cols and rows: give both, or neither of them");
    s->out.bytes = calloc(1, OUT_BYTES);
    s->in.bytes = calloc(1, IN_BYTES);
    if (s->out.bytes == NULL || s->in.bytes == NULL)
        return host->set_error(host, BP_ERR_NO_MEMORY, "out of memory");
    return BP_OK;
}

static void console_reset(void *dev, uint32_t kind)
{
    struct virtio_console *s = dev;
    (void)kind;
    (void)flush(s);
    s->out = (struct buffer){s->out.bytes, 0, 0};
    s->in = (struct buffer){s->in.bytes, 0, 0};
    console_device_reset(s);
}

static void console_start(void *dev)
{
    struct virtio_console *s = dev;
    s->is_parked = false;
    run(s);
}

/* A chain longer than the buffer is written first, as far as the backend lets it. */
static int32_t console_quiesce(void *dev)
{
    struct virtio_console *s = dev;
    while (flush(s) && s->long_chain != BP_NO_HANDLE)
        copy_out(s);
    if (s->long_chain != BP_NO_HANDLE)
        return BP_PENDING;
    s->is_parked = true;
    return BP_OK;
}

static int32_t console_save(const void *dev, const struct bp_state_writer *w)
{
    const struct virtio_console *s = dev;
    int32_t status = w->put(w, FIELD_OUT, s->out.bytes + s->out.first, s->out.n);
    return status == BP_OK ? w->put(w, FIELD_IN, s->in.bytes + s->in.first, s->in.n) : status;
}

static int32_t check_field(const struct bp_state_reader *r, const char *name, uint32_t max)
{
    uint64_t size;
    int32_t status = r->size(r, name, &size);
    return status == BP_OK && size > max ? BP_ERR_FORMAT : status;
}

static int32_t console_load_check(const void *dev, const struct bp_state_reader *r)
{
    (void)dev;
    int32_t status = check_field(r, FIELD_OUT, OUT_BYTES);
    return status == BP_OK ? check_field(r, FIELD_IN, IN_BYTES) : status;
}

static void load_buffer(const struct bp_state_reader *r, const char *name, struct buffer *b)
{
    uint64_t size = 0;
    *b = (struct buffer){b->bytes, 0, 0};
    if (r->size(r, name, &size) == BP_OK && r->get(r, name, b->bytes, size) == BP_OK)
        b->n = (uint32_t)size; /* the check has read the same bytes */
}

static void console_load_commit(void *dev, const struct bp_state_reader *r)
{
    struct virtio_console *s = dev;
    load_buffer(r, FIELD_OUT, &s->out);
    load_buffer(r, FIELD_IN, &s->in);
}

/* The machine may be switched off in the middle of a line: what was sent goes out. */
static void console_destroy(void *dev)
{
    struct virtio_console *s = dev;
    if (s->out.bytes != NULL)
        (void)flush(s);
    free(s->out.bytes);
    free(s->in.bytes);
}

/* --- Tables ----------------------------------------------------------------------------------- */

static const struct bp_virtio_device_ops virtio_ops = {
    .struct_size = sizeof(struct bp_virtio_device_ops),
    .device_id = 3,
    .n_queues = QUEUES,
    .queue_size = QUEUE_SIZE,
    .config_size = CONFIG_BYTES,
    .features = console_features,
    .config_read = console_config_read,
    .config_write = console_config_write,
    .activate = console_activate,
    .notify = console_notify,
    .device_reset = console_device_reset,
};

static const struct bp_link links[] = {
    {"char", BP_CHAR_ID,
     "Where the characters go to and come from. With nothing connected the console is silent.", 0,
     0},
};

static const struct bp_property properties[] = {
    BP_PROP_U32(struct virtio_console, cols, "cols", "0", 0, 65535,
                "Width in characters that the guest is told, together with rows; 0 tells nothing."),
    BP_PROP_U32(struct virtio_console, rows, "rows", "0", 0, 65535,
                "Height in lines that the guest is told, together with cols; 0 tells nothing."),
};

static const struct bp_service services[] = {{BP_VIRTIO_DEVICE_ID, &virtio_ops}};
static const char *const needs[] = {BP_VIRTIO_ID, BP_CHAR_ID, NULL};

static const struct bp_class virtio_console = {
    .struct_size = sizeof(struct bp_class),
    .id = "virtio-console",
    .version = "1.0",
    .summary = "virtio console",
    .instance_size = sizeof(struct virtio_console),
    .state_version = 1,
    .bus = "virtio",
    .needs = needs,
    .properties = BP_TABLE(properties),
    .links = BP_TABLE(links),
    .services = BP_TABLE(services),
    .create = console_create,
    .reset = console_reset,
    .start = console_start,
    .quiesce = console_quiesce,
    .save = console_save,
    .load_check = console_load_check,
    .load_commit = console_load_commit,
    .destroy = console_destroy,
    .on_link = console_on_link,
};
BP_PLUGIN("virtio-console", "1.0", &virtio_console);
