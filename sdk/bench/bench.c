/* The bench's life cycle: from a class to a running device and back. */
#include "bench_internal.h"
#include "property.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bench_die(const struct bench *b, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "bench: %s: ", b && b->class_ ? b->class_->id : "?");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    abort();
}

int32_t bench_set_error(struct bench *b, int32_t status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(b->error, sizeof(b->error), format, args);
    va_end(args);
    return status;
}

const char *bench_error(const struct bench *b)
{
    return b->error;
}

void *bench_instance(struct bench *b)
{
    return b->dev;
}

const void *bench_service(struct bench *b, const char *interface)
{
    return class_service(b->class_, interface);
}

void bench_enter(struct bench *b, const char *what)
{
    if (b->phase == PHASE_DEAD)
        bench_die(b, "%s after destroy", what);
    if (b->depth++)
        bench_die(b, "%s while the device is in a callback: a device is never re-entered", what);
}

void bench_leave(struct bench *b)
{
    b->depth--;
}

int bench_fails(struct bench *b, const char *what)
{
    if (b->phase > PHASE_REALIZE || ++b->calls != b->setup.fail_call)
        return 0;
    bench_set_error(b, BP_ERR_NO_MEMORY, "%s: made to fail, as call %u of set-up", what, b->calls);
    return 1;
}

/* --- properties ------------------------------------------------------------------------------- */
static int32_t store_text(struct bench *b, const struct bp_property *property, const char *text)
{
    struct property_value value;
    char why[300];
    int32_t status = property_parse(property, text, &value, why, sizeof(why));

    if (status)
        return bench_set_error(b, status, "%s = %s: %s", property->name, text, why);
    property_store(property, b->dev, &value);
    return BP_OK;
}

/* The setting's value when its key is `name`; NULL. */
static const char *value_of(const char *setting, const char *name)
{
    size_t n = strlen(name);

    return strncmp(setting, name, n) == 0 && setting[n] == '=' ? setting + n + 1 : NULL;
}

static int32_t check_keys(struct bench *b)
{
    for (const char *const *s = b->setup.settings; s && *s; s++) {
        uint32_t i = 0;

        while (i < b->class_->properties.n_rows && !value_of(*s, property_at(b->class_, i)->name))
            i++;
        if (i == b->class_->properties.n_rows)
            return bench_set_error(b, BP_ERR_NOT_FOUND, "%s: no such property", *s);
    }
    return BP_OK;
}

static int32_t store_properties(struct bench *b)
{
    int32_t status = check_keys(b);

    for (uint32_t i = 0; !status && i < b->class_->properties.n_rows; i++) {
        const struct bp_property *property = property_at(b->class_, i);
        const char *text = property->initial;

        for (const char *const *s = b->setup.settings; s && *s; s++) {
            const char *given = value_of(*s, property->name);

            text = given ? given : text;
        }
        if (text)
            status = store_text(b, property, text);
        else if (property->flags & BP_PROPERTY_REQUIRED)
            status = bench_set_error(b, BP_ERR_NOT_FOUND, "%s is required", property->name);
    }
    return status;
}

/* --- set-up ----------------------------------------------------------------------------------- */
static int32_t check_class(struct bench *b)
{
    const struct bp_class *c = b->class_;
    int32_t status = class_check(c, b->error, sizeof(b->error));

    if (status)
        return status;
    if (c->lines.n_rows > MAX_LINES || c->regions.n_rows > MAX_REGIONS ||
        c->links.n_rows > MAX_LINKS)
        return bench_set_error(b, BP_ERR_UNSUPPORTED,
                               "more than %u lines, %u regions or %u links are not for the bench",
                               MAX_LINES, MAX_REGIONS, MAX_LINKS);
    for (const char *const *id = c->needs; id && *id; id++) {
        if (!bench_find_interface(b, *id))
            return bench_set_error(b, BP_ERR_UNSUPPORTED, "needs %s, which this host has not", *id);
    }
    for (uint32_t i = 0; i < c->regions.n_rows; i++)
        b->region_sizes[i] = class_region(c, i)->size;
    bench_room_make(b, c->instance_size ? c->instance_size : 1);
    bench_links_init(b);
    for (uint32_t i = 0; i < c->links.n_rows; i++) {
        if ((class_link(c, i)->flags & BP_LINK_REQUIRED) && !b->links[i].connected)
            return bench_set_error(b, BP_ERR_NOT_FOUND, "link %s is required", b->links[i].name);
    }
    return BP_OK;
}

static int32_t call_create(struct bench *b)
{
    int32_t status;

    if (!b->class_->create)
        return BP_OK;
    b->created = 1;
    bench_enter(b, "create");
    status = b->class_->create(&b->host, b->dev);
    bench_leave(b);
    return status;
}

static int32_t call_step(struct bench *b, enum bench_phase phase, const char *what,
                         int32_t (*step)(void *dev))
{
    int32_t status;

    b->created = 1;
    b->phase = phase;
    if (!step)
        return BP_OK;
    bench_enter(b, what);
    status = step(b->dev);
    bench_leave(b);
    return status;
}

/* Whether the user wants no more than this step, or even less. */
static int stops_after(const struct bench *b, uint32_t step)
{
    return b->setup.stop_after && b->setup.stop_after <= step;
}

static int32_t set_up(struct bench *b)
{
    int32_t status = check_class(b);

    if (!status)
        status = store_properties(b);
    if (!status)
        status = call_create(b);
    if (!status && !stops_after(b, BENCH_AFTER_CREATE))
        status = call_step(b, PHASE_PLAN, "plan", b->class_->plan);
    if (!status && !stops_after(b, BENCH_AFTER_CREATE)) { /* a machine that is only described */
        bench_fdt(b);
        bench_acpi(b);
    }
    if (!status && !stops_after(b, BENCH_AFTER_PLAN))
        status = call_step(b, PHASE_REALIZE, "realize", b->class_->realize);
    if (!status)
        return BP_OK;
    if (!b->error[0])
        bench_die(b, "set-up failed with %d and no sentence: use host->set_error", status);
    return status;
}

void bench_start(struct bench *b)
{
    b->phase = PHASE_RUN;
    if (!b->class_->start)
        return;
    bench_enter(b, "start");
    b->class_->start(b->dev);
    bench_leave(b);
}

int32_t bench_try(const struct bp_class *class_, const struct bench_setup *setup,
                  struct bench **out)
{
    static const struct bench_setup plain;
    struct bench *b = bench_alloc(sizeof(*b));

    b->host = bench_host_template;
    b->host.name = "bench";
    b->class_ = class_;
    b->setup = setup ? *setup : plain;
    if (!b->setup.cpus)
        b->setup.cpus = 1;
    if (b->setup.cpus > MAX_CPUS)
        bench_die(b, "at most %u processors", MAX_CPUS);
    if (!b->setup.timebase_hz)
        b->setup.timebase_hz = 10000000;
    if (!b->setup.ram_bytes)
        b->setup.ram_bytes = 1u << 20;
    if (!b->setup.disk_bytes)
        b->setup.disk_bytes = 1u << 20;
    b->wall_ns = UINT64_C(1577836800) * 1000000000;
    b->ram = bench_alloc(b->setup.ram_bytes);
    bench_transport_init(b);
    *out = b;
    b->status = set_up(b);
    if (b->status || stops_after(b, BENCH_AFTER_REALIZE))
        return b->status;
    b->phase = PHASE_RUN;
    bench_reset(b, BP_RESET_COLD);
    if (!stops_after(b, BENCH_AFTER_RESET))
        bench_start(b);
    return BP_OK;
}

struct bench *bench_create_with(const struct bp_class *class_, const struct bench_setup *setup)
{
    struct bench *b;

    if (bench_try(class_, setup, &b))
        bench_die(b, "set-up: %s", b->error);
    return b;
}

struct bench *bench_create(const struct bp_class *class_, const char *const *settings)
{
    struct bench_setup setup = {.settings = settings};

    return bench_create_with(class_, &setup);
}

static void lower_line(struct bench *b, uint32_t line)
{
    b->lines[line] = 0;
}

void bench_reset(struct bench *b, uint32_t kind)
{
    struct bench_timer *timer;
    uint32_t cursor = 0;

    for (uint32_t i = 0; i < b->class_->lines.n_rows; i++)
        lower_line(b, i);
    while ((timer = handle_next(&b->timers, &cursor)))
        timer->armed = 0;
    bench_transport_reset(b);
    if (class_service(b->class_, BP_VIRTIO_DEVICE_ID))
        bench_virtio_reset(b);
    bench_drain_disks(b);
    if (!b->class_->reset)
        return;
    bench_enter(b, "reset");
    b->class_->reset(b->dev, kind);
    bench_leave(b);
    for (uint32_t i = 0; i < b->class_->lines.n_rows; i++) {
        if (b->lines[i])
            bench_die(b, "line %s is high after reset", class_line(b->class_, i)->name);
    }
}

static void free_all(struct handle_table *table)
{
    uint32_t cursor = 0;
    void *object;

    while ((object = handle_next(table, &cursor)))
        free(object);
    handle_table_fini(table);
}

static void free_bench(struct bench *b)
{
    bench_links_fini(b);
    bench_apic_fini(b);
    free_all(&b->timers);
    free_all(&b->watches);
    free_all(&b->tickets);
    for (uint32_t i = 0; i < b->n_chains; i++)
        free(b->chains[i].segments);
    free(b->chains);
    free(b->deferred);
    free(b->doorbells);
    free(b->jobs);
    bytes_free(&b->log);
    bytes_free(&b->fdt);
    bytes_free(&b->acpi);
    free(b->ram);
    bench_room_free(b);
    free(b);
}

void bench_destroy(struct bench *b)
{
    if (!b)
        return;
    b->hold_jobs = 0;
    while (bench_step_jobs(b)) /* destroy comes only after all work is done */
        ;
    if (b->created && b->class_->destroy) {
        bench_enter(b, "destroy");
        b->class_->destroy(b->dev);
        bench_leave(b);
    }
    if (b->n_jobs)
        bench_die(b, "destroy began new work");
    bench_room_check(b);
    free_bench(b);
}

uint32_t bench_check_setup_failures(const struct bp_class *class_, const struct bench_setup *setup)
{
    struct bench_setup s = setup ? *setup : (struct bench_setup){0};

    for (s.fail_call = 1;; s.fail_call++) {
        struct bench *b;
        uint32_t calls;

        bench_try(class_, &s, &b); /* that a failure has a sentence, set_up has seen */
        calls = b->calls;
        bench_destroy(b);
        if (calls < s.fail_call)
            return calls;
    }
}
