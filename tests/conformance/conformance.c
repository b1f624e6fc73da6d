/*
 * conformance PLUGIN.so...: what every plugin must do, whatever it models. Loads each file as the
 * program does, puts its class on the bench and tries. A line for each check, then the sum.
 * The bench aborts on what no status can tell: then the check that was announced last has failed.
 */
#include "conformance.h"
#include "classcheck.h"
#include "crc32c.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *subject_name;
static FILE *results; /* standard output as it was: a console backend writes to the one that is */
static uint32_t passed, failed, skipped;
/* Each of up to three devices at once gets files of its own: a disk may be locked. */
#define COPIES 3
static char scratch[COPIES][40];

void report(const char *check, const char *problem)
{
    if (problem) {
        failed++;
        fprintf(results, "FAIL %s: %s: %s\n", subject_name, check, problem);
    } else {
        passed++;
    }
    fflush(results);
}

/* To be read when a check ends in a crash. */
static void announce(const char *check)
{
    fprintf(stderr, "%s: %s\n", subject_name, check);
}

/* --- checks ----------------------------------------------------------------------------------- */
static void check_create_and_destroy(const struct subject *t)
{
    announce("can be made and destroyed a hundred times");
    for (int i = 0; i < 100; i++)
        bench_destroy(bench_create_with(t->class_, &t->setup[0]));
    report("can be made and destroyed a hundred times", NULL);
}

static void check_set_up_failures(const struct subject *t)
{
    announce("a failing call of set-up ends in a sentence");
    bench_check_setup_failures(t->class_, &t->setup[0]);
    report("a failing call of set-up ends in a sentence", NULL);
}

/* Interfaces that the class does not list in `needs` may be absent from a host. */
static void check_missing_interfaces(const struct subject *t)
{
    static const char *const ids[] = {
        "bp.region/1", "bp.config/1", "bp.link/1",          "bp.mem/1",    "bp.char/1",
        "bp.block/1",  "bp.loop/1",   "bp.block-backend/1", "bp.cpu/1",    "bp.worker/1",
        "bp.power/1",  "bp.virtio/1", "bp.net/1",           "bp.random/1", "bp.virtio-transport/1",
    };

    announce("lists the interfaces that it needs");
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        const char *const missing[] = {ids[i], NULL};
        struct bench_setup setup = t->setup[0];
        struct bench *b;

        setup.missing = missing;
        if (bench_try(t->class_, &setup, &b) == BP_OK)
            exercise(b, t->class_, i, 300);
        bench_destroy(b);
    }
    report("lists the interfaces that it needs", NULL);
}

static void check_unconnected_links(const struct subject *t)
{
    const char *names[16] = {NULL};
    struct bench_setup setup = t->setup[0];
    uint32_t n = 0;
    struct bench *b;

    for (uint32_t i = 0; i < t->class_->links.n_rows && n < 15; i++) {
        if (!(class_link(t->class_, i)->flags & BP_LINK_REQUIRED))
            names[n++] = class_link(t->class_, i)->name;
    }
    announce("works with its optional links unconnected");
    setup.unconnected = names;
    b = bench_create_with(t->class_, &setup);
    exercise(b, t->class_, 1, 3000);
    bench_destroy(b);
    report("works with its optional links unconnected", NULL);
}

static void check_sweep(const struct subject *t)
{
    struct bench *b = bench_create_with(t->class_, &t->setup[0]);

    announce("takes every offset, width and value");
    sweep(b, t->class_);
    report("takes every offset, width and value",
           bench_refused(b) ? "the bench refused an access that the tables allow" : NULL);
    announce("a reset after that lowers every line");
    bench_reset(b, BP_RESET_COLD);
    bench_reset(b, BP_RESET_WARM);
    report("a reset after that lowers every line", bench_timers_armed(b) ? "a timer runs" : NULL);
    bench_destroy(b);
}

static const char *difference(struct bench *a, struct bench *b)
{
    uint64_t size_a, size_b;
    uint8_t *bytes_a = bench_save(a, &size_a);
    uint8_t *bytes_b = bench_save(b, &size_b);
    int same = size_a == size_b && memcmp(bytes_a, bytes_b, size_a) == 0;

    free(bytes_a);
    free(bytes_b);
    return same ? NULL : "the saved states differ";
}

static void check_cold_reset(const struct subject *t)
{
    struct bench *a = bench_create_with(t->class_, &t->setup[0]);
    struct bench *b;

    announce("a cold reset is as good as a new one");
    if (bench_try(t->class_, &t->setup[1], &b) == BP_OK) {
        exercise(a, t->class_, 7, 2000);
        bench_reset(a, BP_RESET_COLD);
        report("a cold reset is as good as a new one", difference(a, b));
    } else {
        skipped++;
        fprintf(results, "SKIP %s: a second one cannot be made: %s\n", subject_name,
                bench_error(b));
    }
    bench_destroy(a);
    bench_destroy(b);
}

static void check_two_instances(const struct subject *t)
{
    struct bench *a = bench_create_with(t->class_, &t->setup[0]);
    struct bench *b, *c;

    announce("two of them share nothing");
    if (bench_try(t->class_, &t->setup[1], &b) == BP_OK &&
        bench_try(t->class_, &t->setup[2], &c) == BP_OK) {
        exercise(a, t->class_, 9, 2000);
        report("two of them share nothing", difference(b, c));
        bench_destroy(c);
    } else {
        skipped++;
        fprintf(results, "SKIP %s: a second one cannot be made: %s\n", subject_name,
                bench_error(b));
    }
    bench_destroy(a);
    bench_destroy(b);
}

static void check_random(const struct subject *t)
{
    const char *problem = NULL;
    char text[600];

    announce("survives random accesses, and its state a round trip after them");
    for (uint64_t seed = 1; seed <= 20 && !problem; seed++) {
        struct bench *b = bench_create_with(t->class_, &t->setup[0]);

        exercise(b, t->class_, seed, 3000);
        if (bench_check_state_roundtrip(b)) {
            snprintf(text, sizeof(text), "seed %u: %s", (unsigned)seed, bench_error(b));
            problem = text;
        }
        bench_destroy(b);
    }
    report("survives random accesses, and its state a round trip after them", problem);
}

static void spoil(uint8_t *bytes, uint64_t size, uint64_t *seed)
{
    uint32_t n = 1 + (uint32_t)(random_next(seed) & 3);
    uint32_t crc;

    for (; n; n--)
        bytes[88 + random_next(seed) % (size - 92)] = (uint8_t)random_next(seed);
    crc = crc32c(0, bytes, size - 4);
    for (uint32_t i = 0; i < 4; i++)
        bytes[size - 4 + i] = (uint8_t)(crc >> (8 * i));
}

/* A snapshot that someone has made: loaded or refused, and then the device still works. */
static void check_forged_state(const struct subject *t)
{
    uint64_t seed = 42;
    struct bench *b = bench_create_with(t->class_, &t->setup[0]);
    uint64_t size;
    uint8_t *bytes;

    announce("a forged state is loaded or refused, never a crash");
    exercise(b, t->class_, 3, 1000);
    bytes = bench_save(b, &size);
    for (uint32_t i = 0; i < 200 && size > 93; i++) {
        uint8_t *copy = malloc(size);

        if (!copy)
            break;
        memcpy(copy, bytes, size);
        spoil(copy, size, &seed);
        bench_load(b, copy, size);
        exercise(b, t->class_, i, 50);
        free(copy);
    }
    free(bytes);
    bench_destroy(b);
    report("a forged state is loaded or refused, never a crash", NULL);
}

static void check_description(const struct subject *t)
{
    struct bench *b = bench_create_with(t->class_, &t->setup[0]);

    announce("its description does not depend on what the guest did");
    bench_fdt(b);
    bench_acpi(b);
    exercise(b, t->class_, 5, 1000);
    bench_fdt(b);
    bench_acpi(b);
    bench_destroy(b);
    report("its description does not depend on what the guest did", NULL);
}

/* --- subjects --------------------------------------------------------------------------------- */
static int make_scratch(uint32_t copy)
{
    int fd;

    snprintf(scratch[copy], sizeof(scratch[copy]), "/tmp/bp-conformance-XXXXXX");
    fd = mkstemp(scratch[copy]);
    if (fd < 0 || ftruncate(fd, 1 << 20))
        return -1;
    return close(fd);
}

/* Required properties get values that a stranger would try: files exist and have 1 MiB. */
static void give_settings(struct subject *t, uint32_t copy)
{
    static char texts[COPIES][7][128];
    uint32_t n = 0;

    for (uint32_t i = 0; i < t->class_->properties.n_rows && n < 7; i++) {
        const struct bp_property *p = (const void *)((const char *)t->class_->properties.rows +
                                                     (size_t)i * t->class_->properties.stride);

        if (!(p->flags & BP_PROPERTY_REQUIRED))
            continue;
        snprintf(texts[copy][n], sizeof(texts[copy][n]), "%s=%s", p->name,
                 p->type == BP_PATH ? scratch[copy] : "1");
        t->settings[copy][n] = texts[copy][n];
        n++;
    }
    t->setup[copy].settings = t->settings[copy];
    t->setup[copy].cpus = 2;
    t->setup[copy].ram_bytes = 8u << 20;
}

/* A plugin that makes its file itself, such as a socket, refuses one that is there: it gets a name
 * that is free. */
static void offer_free_names(const struct subject *t)
{
    struct bench *b;

    if (bench_try(t->class_, &t->setup[0], &b) != BP_OK)
        for (uint32_t copy = 0; copy < COPIES; copy++)
            unlink(scratch[copy]);
    bench_destroy(b);
}

static const struct bp_class *load(const char *path)
{
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const struct bp_plugin *plugin = object ? dlsym(object, "bp_plugin_1") : NULL;
    char why[300];

    if (!plugin) {
        report("loads", dlerror());
        return NULL;
    }
    report("loads", NULL);
    report("is made for this ABI",
           plugin->abi_version != (BP_ABI_MAJOR << 16 | BP_ABI_MINOR) || plugin->n_classes != 1
               ? "another version, or not one class"
               : NULL);
    if (class_check(plugin->classes[0], why, sizeof(why))) {
        report("has sane tables", why);
        return NULL;
    }
    report("has sane tables", NULL);
    return plugin->classes[0];
}

static void check_plugin(const char *path)
{
    static void (*const checks[])(const struct subject *) = {
        check_create_and_destroy, check_set_up_failures, check_missing_interfaces,
        check_unconnected_links,  check_description,     check_sweep,
        check_cold_reset,         check_two_instances,   check_random,
        check_forged_state,
    };
    struct subject t = {.class_ = load(path)};

    if (!t.class_)
        return;
    for (uint32_t copy = 0; copy < COPIES; copy++) {
        if (make_scratch(copy))
            report("can be given a file", "no temporary file can be made");
        give_settings(&t, copy);
    }
    offer_free_names(&t);
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
        checks[i](&t);
    for (uint32_t copy = 0; copy < COPIES; copy++)
        unlink(scratch[copy]);
}

int main(int argc, char **argv)
{
    results = fdopen(dup(STDOUT_FILENO), "w");
    if (!results || !freopen("/dev/null", "w", stdout))
        return 2;
    for (int i = 1; i < argc; i++) {
        const char *slash = strrchr(argv[i], '/');

        subject_name = slash ? slash + 1 : argv[i];
        check_plugin(argv[i]);
    }
    fprintf(results, "%u passed, %u failed, %u skipped\n", passed, failed, skipped);
    return failed != 0;
}
