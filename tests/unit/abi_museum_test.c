/*
 * Plugins of earlier days (tests/abi/museum): each is loaded as it was built then, exercised on the
 * bench, and used in a machine. What no host may load any more is refused with the sentence that
 * names both versions. Those of this processor's architecture run; the others are refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <backplane/bench.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/vm.h"
#include "machine/machine.h"
#include "plugin/loader.h"
#include "plugin/registry.h"

#define MUSEUM       "tests/abi/museum"
#define VERSIONS_MAX 64u
#define BOX_GPA      UINT64_C(0x10100000)
#define ECHO_GPA     UINT64_C(0x10200000)
#define UART_GPA     UINT64_C(0x10000000)
#define RAM_GPA      UINT64_C(0x80000000)
#define DESC_GPA     (RAM_GPA + 0x10000)
#define AVAIL_GPA    (RAM_GPA + 0x11000)
#define USED_GPA     (RAM_GPA + 0x12000)
#define DATA_GPA     (RAM_GPA + 0x13000)

struct version {
    uint32_t major, minor; /* as in a note */
};

static struct version versions[VERSIONS_MAX];
static uint32_t n_versions;
static char directory[64]; /* copies: a checkout's files may be writable for others */
static const char *own_arch;

static const char *const arch_names[] = {"x86_64", "arm64", "riscv64"};
static const char *const plugin_names[] = {"box", "echo", "loop"};

/* --- The files -------------------------------------------------------------------------------- */

static void path_of(char path[256], const struct version *v, const char *arch, const char *name)
{
    (void)snprintf(path, 256, "%s/%u.%u-%s%s%s%s", directory, v->major, v->minor, arch,
                   name != NULL ? "/" : "", name != NULL ? name : "", name != NULL ? ".so" : "");
}

static void copy_plugin(const struct version *v, const char *arch, const char *name)
{
    char from[256], to[256];
    uint8_t bytes[65536];
    (void)snprintf(from, sizeof(from), MUSEUM "/%u.%u/%s/%s.so", v->major, v->minor, arch, name);
    path_of(to, v, arch, name);
    FILE *in = fopen(from, "rb");
    FILE *out = fopen(to, "wb");
    assert_non_null(in);
    assert_non_null(out);
    size_t n = fread(bytes, 1, sizeof(bytes), in);
    assert_true(n > 0 && n < sizeof(bytes));
    assert_int_equal(fwrite(bytes, 1, n, out), n);
    (void)fclose(in);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(chmod(to, 0644), 0);
}

static void copy_version(const struct version *v)
{
    char path[256];
    for (uint32_t a = 0; a < 3; a++) {
        path_of(path, v, arch_names[a], NULL);
        assert_int_equal(mkdir(path, 0755), 0);
        for (uint32_t i = 0; i < 3; i++)
            copy_plugin(v, arch_names[a], plugin_names[i]);
    }
}

static int open_museum(void **state)
{
    (void)state;
    own_arch = arch_native() == ARCH_INVALID ? NULL : arch_name(arch_native());
    (void)snprintf(directory, sizeof(directory), "/tmp/bp-museum-XXXXXX");
    DIR *dir = opendir(MUSEUM);
    if (mkdtemp(directory) == NULL || dir == NULL)
        return -1;
    for (const struct dirent *e; (e = readdir(dir)) != NULL && n_versions < VERSIONS_MAX;) {
        struct version *v = &versions[n_versions];
        char end;
        if (sscanf(e->d_name, "%u.%u%c", &v->major, &v->minor, &end) != 2)
            continue;
        copy_version(v);
        n_versions++;
    }
    return closedir(dir);
}

static int close_museum(void **state)
{
    (void)state;
    char command[128];
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", directory);
    return system(command);
}

static void fini_class(struct registry **registry)
{
    registry_destroy(*registry);
    *registry = NULL;
}

/* Before 1.0 versions must be equal; from then on every one of the major number goes on working. */
static bool is_served(const struct version *v)
{
    return v->major == BP_ABI_MAJOR && (BP_ABI_MAJOR == 0 ? v->minor == BP_ABI_MINOR : true);
}

/* The class of a plugin of that version, loaded as the program loads it. */
static const struct bp_class *load(const struct version *v, const char *name,
                                   struct registry **registry)
{
    char path[256], id[64];
    struct err err;
    path_of(path, v, own_arch, NULL);
    *registry = registry_create();
    assert_int_equal(registry_add_directory(*registry, path, true, &err), BP_OK);
    (void)snprintf(id, sizeof(id), "org.example.museum.%s", name);
    const struct bp_class *class_ = registry_class(*registry, id, &err);
    if (class_ == NULL)
        fail_msg("%s", err.text);
    return class_;
}

static void need_own_arch(void)
{
    if (own_arch != NULL)
        return;
    print_message("no plugins for this architecture are in the museum\n");
    skip();
}

/* --- Loading ---------------------------------------------------------------------------------- */

static void the_present_version_is_in_the_museum(void **state)
{
    (void)state;
    uint32_t served = 0;
    for (uint32_t i = 0; i < n_versions; i++)
        served += is_served(&versions[i]);
    assert_true(served >= 1);
}

static void every_plugin_that_may_be_loaded_is(void **state)
{
    (void)state;
    need_own_arch();
    for (uint32_t i = 0; i < n_versions; i++) {
        for (uint32_t k = 0; k < 3 && is_served(&versions[i]); k++) {
            struct registry *registry;
            const struct bp_class *class_ = load(&versions[i], plugin_names[k], &registry);
            assert_string_equal(class_->version, "1.0");
            assert_int_equal(registry_count(registry), 3);
            assert_null(registry_refused(registry, 0));
            fini_class(&registry);
        }
    }
}

/* What a program of another version would have to say of this one's plugins, too. */
static void expect_refused(const struct version *v)
{
    char path[256], wanted[512];
    struct err err;
    path_of(path, v, own_arch, NULL);
    struct registry *registry = registry_create();
    assert_int_equal(registry_add_directory(registry, path, true, &err), BP_OK);
    assert_null(registry_class(registry, "org.example.museum.box", &err));
    path_of(path, v, own_arch, "box");
    (void)snprintf(wanted, sizeof(wanted),
                   "%s: made for plugin ABI %u.%u, this backplane has %u.%u "
                   "(before 1.0 they must be equal): %s",
                   path, v->major, v->minor, BP_ABI_MAJOR, BP_ABI_MINOR,
                   v->major > BP_ABI_MAJOR
                       ? "update backplane, or build the plugin with this version's headers"
                       : "build the plugin again with this version's headers");
    assert_string_equal(err.text, wanted);
    registry_destroy(registry);
}

/* A box whose note has other numbers: they follow its name. */
static void forge_version(const struct version *real, const struct version *other)
{
    char path[256];
    uint8_t bytes[65536], *at = NULL;
    path_of(path, real, own_arch, "box");
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t n = fread(bytes, 1, sizeof(bytes), file);
    (void)fclose(file);
    for (size_t i = 0; i + 32 < n && at == NULL; i++)
        at = memcmp(&bytes[i], "Backplane", 10) == 0 ? &bytes[i] : NULL;
    assert_non_null(at);
    memcpy(at + 12, other, sizeof(*other));
    path_of(path, other, own_arch, NULL);
    assert_int_equal(mkdir(path, 0755), 0);
    path_of(path, other, own_arch, "box");
    file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0644), 0);
}

static void another_version_is_refused_with_both_numbers(void **state)
{
    static const struct version others[] = {{BP_ABI_MAJOR, 0}, {BP_ABI_MAJOR + 1, 4}};
    (void)state;
    need_own_arch();
    for (uint32_t i = 0; i < n_versions; i++) {
        if (!is_served(&versions[i]))
            expect_refused(&versions[i]);
    }
    for (uint32_t i = 0; i < 2; i++) {
        if (is_served(&others[i]))
            continue;
        forge_version(&versions[0], &others[i]);
        expect_refused(&others[i]);
    }
}

static void another_architecture_is_refused_by_its_name(void **state)
{
    (void)state;
    need_own_arch();
    for (uint32_t i = 0; i < n_versions; i++) {
        for (uint32_t a = 0; a < 3; a++) {
            char path[256], wanted[512];
            struct err err;
            if (strcmp(arch_names[a], own_arch) == 0)
                continue;
            path_of(path, &versions[i], arch_names[a], NULL);
            struct registry *registry = registry_create();
            assert_int_equal(registry_add_directory(registry, path, true, &err), BP_OK);
            assert_int_equal(registry_count(registry), 0);
            path_of(path, &versions[i], arch_names[a], "box");
            (void)snprintf(wanted, sizeof(wanted),
                           "%s: built for %s, this program runs on %s; build the plugin for %s",
                           path, arch_names[a], own_arch, own_arch);
            bool found = false;
            for (size_t k = 0; registry_refused(registry, k) != NULL; k++)
                found |= strcmp(registry_refused(registry, k), wanted) == 0;
            if (!found)
                fail_msg("not said: %s", wanted);
            registry_destroy(registry);
        }
    }
}

/* --- On the bench ----------------------------------------------------------------------------- */

static void use_box(const struct bp_class *class_)
{
    const char *const settings[] = {"period-us=100", "label=x", "mode=fancy", "window=8K", NULL};
    struct bench *b = bench_create(class_, settings);
    uint32_t count = 0;
    assert_int_equal(bench_region_size(b, "regs"), 8192);
    assert_int_equal(bench_read32(b, "regs", 0x00), 0x30584f42);
    assert_non_null(strstr(bench_fdt(b), "period-us = <100>;"));
    assert_non_null(strstr(bench_fdt(b), "label = \"x\";"));
    bench_write32(b, "regs", 0x04, 3);
    assert_int_equal(bench_timers_armed(b), 1);
    bench_advance_ns(b, 250000);
    assert_int_equal(bench_read32(b, "regs", 0x0c), 2);
    assert_int_equal(bench_line(b, "out"), 1);
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    bench_write32(b, "regs", 0x08, 1);
    assert_int_equal(bench_line(b, "out"), 0);
    bench_write32(b, "regs", 0x10, (uint32_t)BENCH_RAM_BASE);
    bench_write32(b, "regs", 0x04, 3 | 4);
    bench_settle(b);
    bench_ram_read(b, BENCH_RAM_BASE, &count, 4);
    assert_int_equal(count, 2);
    assert_int_equal(bench_read32(b, "regs", 0x08), 4);
    bench_write32(b, "regs", 0x10, 0x1000); /* no RAM */
    bench_write32(b, "regs", 0x04, 3 | 4);
    assert_int_equal(bench_log_count(b, BP_LOG_GUEST), 1);
    bench_reset(b, BP_RESET_WARM);
    assert_int_equal(bench_line(b, "out"), 0);
    assert_int_equal(bench_timers_armed(b), 0);
    bench_destroy(b);
    const struct bench_setup setup = {.settings = settings};
    assert_true(bench_check_setup_failures(class_, &setup) >= 2);
}

static void use_echo(const struct bp_class *class_)
{
    struct bench *b = bench_create(class_, NULL);
    char back[5] = "";
    uint32_t chains = 0;
    assert_int_equal(bench_virtio_device_id(b), 42);
    assert_int_equal(bench_virtio_features(b), 1);
    bench_virtio_activate(b, 1);
    uint32_t chain = bench_virtq_add(b, 0, "abcd", 4, 16);
    bench_virtio_notify(b, 0);
    assert_int_equal(bench_virtq_done(b, chain), 1);
    assert_int_equal(bench_virtq_written(b, chain), 4);
    bench_virtq_result(b, chain, 0, back, 4);
    assert_string_equal(back, "dcba");
    bench_virtio_config_read(b, 0, &chains, 4);
    assert_int_equal(chains, 1);
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    bench_destroy(b);
}

static void use_loop(const struct bp_class *class_)
{
    struct bench *b = bench_create(class_, (const char *const[]){"raise=1", NULL});
    char back[32] = "";
    assert_int_equal(bench_backend_write(b, "HAL", 3), 3);
    assert_int_equal(bench_notices(b, BP_LINK_READABLE), 1);
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    assert_int_equal(bench_backend_read(b, back, sizeof(back)), 3);
    assert_string_equal(back, "IBM");
    assert_int_equal(bench_backend_write(b, "0123456789abcdefg", 17), 16);
    bench_destroy(b);
}

static void every_plugin_still_does_on_the_bench_what_it_did(void **state)
{
    static void (*const use[])(const struct bp_class *) = {use_box, use_echo, use_loop};
    (void)state;
    need_own_arch();
    for (uint32_t i = 0; i < n_versions; i++) {
        for (uint32_t k = 0; k < 3 && is_served(&versions[i]); k++) {
            struct registry *registry;
            use[k](load(&versions[i], plugin_names[k], &registry));
            fini_class(&registry);
        }
    }
}

/* --- In a machine, with plugins of today --------------------------------------------------------
 */

static const char machine_text[] = "[machine]\narch = riscv64\nmemory = 4M\n"
                                   "[device plic]\nplugin = plic\n"
                                   "[device box]\nplugin = org.example.museum.box\n"
                                   "mmio.regs = 0x10100000\nirq.out = 7\nperiod-us = 1000\n"
                                   "[device echo]\nplugin = org.example.museum.echo\n"
                                   "bus = virtio-mmio\nmmio.regs = 0x10200000\n"
                                   "[device uart]\nplugin = uart16550\nmmio.regs = 0x10000000\n"
                                   "char = back\n"
                                   "[backend back]\nplugin = org.example.museum.loop\nraise = 1\n";

struct stage {
    struct registry *registry;
    struct machine *machine;
    struct vm *vm;
};

static void make_stage(struct stage *s, const struct version *v)
{
    char path[256];
    struct err err = {{0}};
    struct diag diag;
    s->registry = registry_create();
    path_of(path, v, own_arch, NULL);
    assert_int_equal(registry_add_directory(s->registry, path, true, &err), BP_OK);
    assert_int_equal(registry_add_directory(s->registry, BUILD_DIR "/plugins", true, &err), BP_OK);
    (void)snprintf(path, sizeof(path), "%s/m.ini", directory);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs(machine_text, file);
    assert_int_equal(fclose(file), 0);
    struct accel_limits limits[ARCH_COUNT] = {[ARCH_RISCV64] = {.max_cpus = 16, .gpa_bits = 56}};
    struct machine_options options = {.path = path, .limits = limits};
    diag_init(&diag);
    if (machine_load(&options, s->registry, &s->machine, &diag) != BP_OK)
        fail_msg("%s", diag_text(&diag));
    diag_fini(&diag);
    struct vm_config config = {.arch = s->machine->arch,
                               .n_cpus = s->machine->n_cpus,
                               .timebase_hz = s->machine->timebase_hz,
                               .accel = &accel_rv64,
                               .aspace = s->machine->aspace};
    if (vm_create(&config, &s->vm, &err) != BP_OK ||
        machine_realize(s->machine, s->vm, &err) != BP_OK)
        fail_msg("%s", err.text);
    machine_start(s->machine);
    clock_resume(loop_clock(vm_loop(s->vm)));
}

static void end_stage(struct stage *s)
{
    machine_destroy_devices(s->machine);
    vm_destroy(s->vm);
    machine_destroy(s->machine);
    registry_destroy(s->registry);
}

static void wr(const struct stage *s, uint64_t gpa, uint32_t width, uint64_t value)
{
    bus_write(vm_bus(s->vm), gpa, width, value);
}

static uint32_t rd(const struct stage *s, uint64_t gpa, uint32_t width)
{
    return (uint32_t)bus_read(vm_bus(s->vm), gpa, width);
}

static void settle(const struct stage *s)
{
    for (uint32_t i = 0; i < 4; i++)
        loop_step(vm_loop(s->vm), 0);
}

static void box_ticks_and_copies(const struct stage *s)
{
    uint32_t count = 0;
    assert_int_equal(rd(s, BOX_GPA, 4), 0x30584f42);
    assert_int_equal(rd(s, BOX_GPA, 1), 0xff); /* a width that it does not have */
    wr(s, BOX_GPA + 0x04, 4, 3);
    for (uint32_t i = 0; i < 200 && rd(s, BOX_GPA + 0x0c, 4) == 0; i++)
        loop_step(vm_loop(s->vm), 50000000);
    assert_int_not_equal(rd(s, BOX_GPA + 0x0c, 4), 0);
    wr(s, BOX_GPA + 0x10, 4, (uint32_t)DATA_GPA);
    wr(s, BOX_GPA + 0x04, 4, 4); /* stops, and copies */
    settle(s);
    assert_int_equal(vm_read(s->vm, DATA_GPA, &count, 4, NULL), BP_OK);
    assert_int_equal(count, rd(s, BOX_GPA + 0x0c, 4));
    assert_int_equal(rd(s, BOX_GPA + 0x08, 4) & 4, 4);
}

static void echo_answers_the_driver(const struct stage *s)
{
    static const uint32_t setup[][2] = {
        {0x070, 0},
        {0x070, 3},
        {0x024, 0},
        {0x020, 1},
        {0x024, 1},
        {0x020, 1},
        {0x070, 11},
        {0x030, 0},
        {0x038, 16},
        {0x080, (uint32_t)DESC_GPA},
        {0x090, (uint32_t)AVAIL_GPA},
        {0x0a0, (uint32_t)USED_GPA},
        {0x044, 1},
        {0x070, 15},
    };
    /* A chain of "stressed" and room for eight bytes. */
    static const struct {
        uint64_t gpa;
        uint32_t size;
        uint16_t flags, next;
    } desc[2] = {{DATA_GPA, 8, 1, 1}, {DATA_GPA + 64, 8, 2, 0}};
    static const uint16_t avail[] = {0, 1, 0};
    char back[9] = "";
    assert_int_equal(rd(s, ECHO_GPA + 0x008, 4), 42);
    for (size_t i = 0; i < sizeof(setup) / sizeof(setup[0]); i++)
        wr(s, ECHO_GPA + setup[i][0], 4, setup[i][1]);
    assert_int_equal(vm_write(s->vm, DATA_GPA, "stressed", 8, NULL), BP_OK);
    assert_int_equal(vm_write(s->vm, DESC_GPA, desc, sizeof(desc), NULL), BP_OK);
    assert_int_equal(vm_write(s->vm, AVAIL_GPA, avail, sizeof(avail), NULL), BP_OK);
    wr(s, ECHO_GPA + 0x050, 4, 0);
    settle(s);
    assert_int_equal(vm_read(s->vm, DATA_GPA + 64, back, 8, NULL), BP_OK);
    assert_string_equal(back, "desserts");
    assert_int_equal(rd(s, ECHO_GPA + 0x060, 4), 1);
    assert_int_equal(rd(s, ECHO_GPA + 0x100, 4), 1); /* chains so far */
}

static void uart_hears_what_it_says(const struct stage *s)
{
    wr(s, UART_GPA, 1, 'H');
    for (uint32_t i = 0; i < 200 && (rd(s, UART_GPA + 5, 1) & 1) == 0; i++)
        loop_step(vm_loop(s->vm), 50000000);
    assert_int_equal(rd(s, UART_GPA, 1), 'I');
}

static void every_plugin_works_in_a_machine_among_those_of_today(void **state)
{
    (void)state;
    need_own_arch();
    for (uint32_t i = 0; i < n_versions; i++) {
        struct stage s;
        if (!is_served(&versions[i]))
            continue;
        make_stage(&s, &versions[i]);
        box_ticks_and_copies(&s);
        echo_answers_the_driver(&s);
        uart_hears_what_it_says(&s);
        machine_reset(s.machine, BP_RESET_WARM);
        assert_int_equal(rd(&s, BOX_GPA + 0x0c, 4), 0);
        end_stage(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_present_version_is_in_the_museum),
        cmocka_unit_test(every_plugin_that_may_be_loaded_is),
        cmocka_unit_test(another_version_is_refused_with_both_numbers),
        cmocka_unit_test(another_architecture_is_refused_by_its_name),
        cmocka_unit_test(every_plugin_still_does_on_the_bench_what_it_did),
        cmocka_unit_test(every_plugin_works_in_a_machine_among_those_of_today),
    };
    return cmocka_run_group_tests(tests, open_museum, close_museum);
}
