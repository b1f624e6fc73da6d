/* The fake host table, the small interfaces beside it, the log and the guest's RAM. */
#include "bench_internal.h"
#include "property.h"

#include <backplane/if/config.h>
#include <backplane/if/mem.h>
#include <backplane/if/region.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bench *bench_of(const struct bp_host *host)
{
    return (struct bench *)(uintptr_t)host;
}

void bench_not_while_saving(struct bench *b, const char *what)
{
    if (b->phase == PHASE_SAVE)
        bench_die(b,
                  "%s between quiesce and start: only the log and the writer of state are allowed",
                  what);
}

/* --- memory ----------------------------------------------------------------------------------- */
void *bench_alloc(size_t size)
{
    void *p = calloc(1, size ? size : 1);

    if (!p)
        bench_die(NULL, "out of memory");
    return p;
}

void bytes_add(struct bytes *b, const void *from, size_t size)
{
    if (b->room - b->size < size + 1) {
        b->room = b->room * 2 + size + 1;
        b->at = realloc(b->at, b->room);
        if (!b->at)
            bench_die(NULL, "out of memory");
    }
    memcpy(b->at + b->size, from, size);
    b->size += size;
    b->at[b->size] = 0;
}

void bytes_drop(struct bytes *b, size_t n)
{
    if (!b->at)
        return;
    b->size -= n;
    memmove(b->at, b->at + n, b->size + 1);
}

void bytes_free(struct bytes *b)
{
    free(b->at);
    memset(b, 0, sizeof(*b));
}

/* --- log and errors --------------------------------------------------------------------------- */
static void host_log(const struct bp_host *host, uint32_t level, const char *message)
{
    struct bench *b = bench_of(host);

    if (strchr(message, '\n'))
        bench_die(b, "a line of the log with a newline: \"%s\"", message);
    b->log_counts[level & 7]++;
    bytes_add(&b->log, message, strlen(message));
    bytes_add(&b->log, "\n", 1);
}

static int32_t host_set_error(const struct bp_host *host, int32_t status, const char *sentence)
{
    return bench_set_error(bench_of(host), status, "%s", sentence);
}

const char *bench_log_text(const struct bench *b)
{
    return b->log.at ? b->log.at : "";
}

uint32_t bench_log_contains(const struct bench *b, const char *text)
{
    return strstr(bench_log_text(b), text) != NULL;
}

uint32_t bench_log_count(const struct bench *b, uint32_t level)
{
    return b->log_counts[level & 7];
}

void bench_log_clear(struct bench *b)
{
    bytes_free(&b->log);
    memset(b->log_counts, 0, sizeof(b->log_counts));
}

/* --- lines and clocks ------------------------------------------------------------------------- */
static void host_irq_set(const struct bp_host *host, uint32_t line, uint32_t level)
{
    struct bench *b = bench_of(host);

    bench_not_while_saving(b, "irq_set");
    if (line >= b->class_->lines.n_rows)
        bench_die(b, "irq_set of line %u: the class has %u", line, b->class_->lines.n_rows);
    if (level && !b->lines[line])
        b->raises[line]++;
    b->lines[line] = level != 0;
}

static uint64_t host_clock_ns(const struct bp_host *host)
{
    return bench_of(host)->now_ns;
}

static uint64_t host_wall_ns(const struct bp_host *host)
{
    return bench_of(host)->wall_ns;
}

/* --- timers and deferred functions (bench_time.c runs them) ----------------------------------- */
static int32_t host_timer_create(const struct bp_host *host, void (*fn)(void *dev),
                                 bp_handle *timer)
{
    struct bench *b = bench_of(host);
    struct bench_timer *t;

    if (b->phase > PHASE_REALIZE)
        return bench_set_error(b, BP_ERR_STATE, "timer_create after set-up");
    if (b->phase < PHASE_REALIZE)
        return bench_set_error(b, BP_ERR_STATE, "timer_create before realize");
    if (bench_fails(b, "timer_create"))
        return BP_ERR_NO_MEMORY;
    t = bench_alloc(sizeof(*t));
    t->fn = fn;
    *timer = handle_add(&b->timers, t);
    return BP_OK;
}

static int32_t host_timer_arm(const struct bp_host *host, bp_handle timer, uint64_t deadline_ns)
{
    struct bench *b = bench_of(host);
    struct bench_timer *t = handle_find(&b->timers, timer);

    bench_not_while_saving(b, "timer_arm");
    if (!t)
        return BP_ERR_STALE;
    t->armed = 1;
    t->deadline_ns = deadline_ns;
    t->order = b->orders++;
    return BP_OK;
}

static int32_t host_timer_cancel(const struct bp_host *host, bp_handle timer)
{
    struct bench *b = bench_of(host);
    struct bench_timer *t = handle_find(&b->timers, timer);

    bench_not_while_saving(b, "timer_cancel");
    if (!t)
        return BP_ERR_STALE;
    t->armed = 0;
    return BP_OK;
}

void bench_defer(struct bench *b, void (*fn)(void *dev, uint64_t arg), uint64_t arg)
{
    b->deferred = realloc(b->deferred, (b->n_deferred + 1) * sizeof(*b->deferred));
    if (!b->deferred)
        bench_die(b, "out of memory");
    b->deferred[b->n_deferred++] = (struct bench_deferred){fn, arg};
}

static int32_t host_defer(const struct bp_host *host, void (*fn)(void *dev, uint64_t arg),
                          uint64_t arg)
{
    struct bench *b = bench_of(host);

    bench_not_while_saving(b, "defer");
    if (bench_fails_ever(b, "host", "defer"))
        return BP_ERR_NO_MEMORY;
    bench_defer(b, fn, arg);
    return BP_OK;
}

/* --- interfaces ------------------------------------------------------------------------------- */
static const struct {
    const char *id;
    const void *table;
} interfaces[] = {
    {BP_REGION_ID, &bench_region_if},
    {BP_CONFIG_ID, &bench_config_if},
    {BP_LINK_ID, &bench_link_if},
    {BP_MEM_ID, &bench_mem_if},
    {BP_CHAR_ID, &bench_char_if},
    {BP_NET_ID, &bench_net_if},
    {BP_BLOCK_ID, &bench_block_if},
    {BP_BLOCK_BACKEND_ID, &bench_block_backend_if},
    {BP_WORKER_ID, &bench_worker_if},
    {BP_LOOP_ID, &bench_loop_if},
    {BP_CPU_ID, &bench_cpu_if},
    {BP_DOORBELL_ID, &bench_doorbell_if},
    {BP_POWER_ID, &bench_power_if},
    {BP_VIRTIO_ID, &bench_virtio_if},
    {BP_VIRTIO_TRANSPORT_ID, &bench_transport_if},
    {BP_APIC_ID, &bench_apic_if},
};

const char *bench_interface(uint32_t i)
{
    return i < sizeof(interfaces) / sizeof(interfaces[0]) ? interfaces[i].id : NULL;
}

const void *bench_find_interface(const struct bench *b, const char *id)
{
    for (const char *const *m = b->setup.missing; m && *m; m++) {
        if (strcmp(*m, id) == 0)
            return NULL;
    }
    for (size_t i = 0; i < sizeof(interfaces) / sizeof(interfaces[0]); i++) {
        if (strcmp(interfaces[i].id, id) == 0)
            return interfaces[i].table;
    }
    return NULL;
}

static int is_needed(const struct bench *b, const char *id)
{
    for (const char *const *n = b->class_->needs; n && *n; n++) {
        if (strcmp(*n, id) == 0)
            return 1;
    }
    return 0;
}

/* What a class needs it gets; everything else may be missing one day. */
static const void *host_get_interface(const struct bp_host *host, const char *id)
{
    struct bench *b = bench_of(host);
    const void *table = bench_find_interface(b, id);

    if (table && !is_needed(b, id) && bench_fails(b, id))
        return NULL;
    return table;
}

const struct bp_host bench_host_template = {
    sizeof(struct bp_host),
    BP_ABI_MAJOR << 16 | BP_ABI_MINOR,
    NULL,
    host_get_interface,
    host_log,
    host_set_error,
    host_irq_set,
    host_clock_ns,
    host_wall_ns,
    host_timer_create,
    host_timer_arm,
    host_timer_cancel,
    host_defer,
};

/* --- bp.region/1 ------------------------------------------------------------------------------ */
static int32_t region_resize(const struct bp_host *host, uint32_t region, uint64_t size)
{
    struct bench *b = bench_of(host);

    if (b->phase != PHASE_PLAN)
        return bench_set_error(b, BP_ERR_STATE, "resize outside plan");
    if (bench_fails(b, "resize"))
        return BP_ERR_NO_MEMORY;
    if (region >= b->class_->regions.n_rows)
        return bench_set_error(b, BP_ERR_NOT_FOUND, "resize of region %u", region);
    if (!size)
        return bench_set_error(b, BP_ERR_INVALID, "resize to 0");
    b->region_sizes[region] = size;
    return BP_OK;
}

static uint64_t region_size(const struct bp_host *host, uint32_t region)
{
    struct bench *b = bench_of(host);

    return region < b->class_->regions.n_rows ? b->region_sizes[region] : 0;
}

const struct bp_region_if bench_region_if = {sizeof(struct bp_region_if), 0, region_resize,
                                             region_size};

/* --- bp.config/1 ------------------------------------------------------------------------------ */
static int is_text(const struct bp_property *property)
{
    return property->type == BP_STRING || property->type == BP_PATH;
}

static int32_t config_get_u64(const struct bp_host *host, const char *name, uint64_t *value)
{
    struct bench *b = bench_of(host);
    const struct bp_property *property = property_find(b->class_, name, NULL);
    const char *member;
    uint32_t narrow;

    if (!property)
        return BP_ERR_NOT_FOUND;
    if (is_text(property))
        return BP_ERR_INVALID;
    member = (const char *)b->dev + property->offset;
    if (property->type == BP_U64 || property->type == BP_SIZE) {
        memcpy(value, member, sizeof(*value));
        return BP_OK;
    }
    memcpy(&narrow, member, sizeof(narrow));
    *value = narrow;
    return BP_OK;
}

static int32_t config_get_string(const struct bp_host *host, const char *name, const char **value)
{
    struct bench *b = bench_of(host);
    const struct bp_property *property = property_find(b->class_, name, NULL);

    if (!property)
        return BP_ERR_NOT_FOUND;
    if (!is_text(property))
        return BP_ERR_INVALID;
    memcpy(value, (const char *)b->dev + property->offset, sizeof(*value));
    return BP_OK;
}

const struct bp_config bench_config_if = {sizeof(struct bp_config), 0, config_get_u64,
                                          config_get_string};

/* --- bp.mem/1 and the guest's RAM ------------------------------------------------------------- */
uint8_t *bench_ram_at(struct bench *b, uint64_t gpa, uint64_t size)
{
    uint64_t offset = gpa - BENCH_RAM_BASE;

    if (gpa < BENCH_RAM_BASE || size > b->setup.ram_bytes || offset > b->setup.ram_bytes - size)
        return NULL;
    return b->ram + offset;
}

static int32_t mem_read(const struct bp_host *host, uint64_t gpa, void *to, uint64_t size)
{
    const uint8_t *from = bench_ram_at(bench_of(host), gpa, size);

    bench_not_while_saving(bench_of(host), "a read of guest memory");
    if (!size)
        return BP_OK;
    if (!from || bench_fails_running(bench_of(host), BP_MEM_ID))
        return BP_ERR_RANGE;
    memcpy(to, from, size);
    return BP_OK;
}

static int32_t mem_write(const struct bp_host *host, uint64_t gpa, const void *from, uint64_t size)
{
    uint8_t *to = bench_ram_at(bench_of(host), gpa, size);

    bench_not_while_saving(bench_of(host), "a write of guest memory");
    if (!size)
        return BP_OK;
    if (!to || bench_fails_running(bench_of(host), BP_MEM_ID))
        return BP_ERR_RANGE;
    memcpy(to, from, size);
    return BP_OK;
}

const struct bp_mem bench_mem_if = {sizeof(struct bp_mem), 0, mem_read, mem_write};

void bench_ram_write(struct bench *b, uint64_t gpa, const void *from, uint64_t size)
{
    uint8_t *to = bench_ram_at(b, gpa, size);

    if (size && !to)
        bench_die(b, "0x%llx is not in the bench's RAM", (unsigned long long)gpa);
    if (size)
        memcpy(to, from, size);
}

void bench_ram_read(struct bench *b, uint64_t gpa, void *to, uint64_t size)
{
    const uint8_t *from = bench_ram_at(b, gpa, size);

    if (size && !from)
        bench_die(b, "0x%llx is not in the bench's RAM", (unsigned long long)gpa);
    if (size)
        memcpy(to, from, size);
}

uint64_t bench_ram_alloc(struct bench *b, uint64_t size)
{
    uint64_t at = (b->ram_used + 15) & ~UINT64_C(15);

    if (at > b->setup.ram_bytes || size > b->setup.ram_bytes - at)
        bench_die(b, "the bench's RAM is full: set ram_bytes");
    b->ram_used = at + size;
    return BENCH_RAM_BASE + at;
}
