/* Machine files with built-in classes: what is made of them, and what is said of wrong ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <time.h>

#include "machine_classes.h"

#define HEAD "[machine]\narch = riscv64\n"
#define UART "[device uart]\nplugin = uart\n"
#define PLIC "[device plic]\nplugin = plic\n"

static char directory[64];

static int make_directory(void **state)
{
    (void)state;
    (void)snprintf(directory, sizeof(directory), "/tmp/bp-machine-XXXXXX");
    return mkdtemp(directory) == NULL ? -1 : 0;
}

static int remove_directory(void **state)
{
    (void)state;
    char command[128];
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", directory);
    return system(command);
}

static const char *path_of(const char *name)
{
    static char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static void write_bytes(const char *name, const char *text, size_t size)
{
    FILE *f = fopen(path_of(name), "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static void write_file(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

/* What the last load said, without the directory. */
static char *said;

static void keep_said(struct diag *diag)
{
    char prefix[80];
    char *text = diag_text(diag);
    assert_non_null(text);
    (void)snprintf(prefix, sizeof(prefix), "%s/", directory);
    for (char *at; (at = strstr(text, prefix)) != NULL;)
        memmove(at, at + strlen(prefix), strlen(at + strlen(prefix)) + 1);
    free(said);
    said = text;
}

static struct machine *load_options(struct machine_options options)
{
    struct diag diag;
    struct machine *machine = NULL;
    char path[128];
    (void)snprintf(path, sizeof(path), "%s",
                   path_of(options.path != NULL ? options.path : "m.ini"));
    options.path = path;
    struct accel_limits limits[ARCH_COUNT] = {
        {.max_cpus = 16}, {.max_cpus = 16}, {.max_cpus = 16}, {.max_cpus = 16}};
    if (options.limits == NULL)
        options.limits = limits;
    fake_calls[0] = '\0';
    diag_init(&diag);
    int32_t status = machine_load_from(&options, &fake_source, &machine, &diag);
    assert_int_equal(status == BP_OK, machine != NULL);
    assert_int_equal(status == BP_OK, diag_count(&diag) == 0);
    keep_said(&diag);
    diag_fini(&diag);
    return machine;
}

static struct machine *load(const char *text)
{
    write_file("m.ini", text);
    struct machine *machine = load_options((struct machine_options){0});
    if (machine == NULL)
        fail_msg("refused: %s", said);
    return machine;
}

/* `expected`: the whole text of the errors, with | for line ends. */
static void assert_says(const char *expected)
{
    char *one_line = strdup(said);
    for (char *p = one_line; *p != '\0'; p++) {
        if (*p == '\n')
            *p = '|';
    }
    if (strcmp(one_line, expected) != 0)
        fail_msg("\nsaid:     %s\nexpected: %s", one_line, expected);
    free(one_line);
}

static void assert_refused(const char *text, const char *expected)
{
    write_file("m.ini", text);
    struct machine *machine = load_options((struct machine_options){0});
    assert_null(machine);
    assert_says(expected);
}

static struct device *device_named(const struct machine *machine, const char *name)
{
    for (size_t i = 0; i < machine->n_devices; i++) {
        if (strcmp(machine->devices[i]->name, name) == 0)
            return machine->devices[i];
    }
    fail_msg("there is no device %s", name);
    return NULL;
}

static const struct fake *instance(const struct machine *machine, const char *name)
{
    return device_named(machine, name)->instance;
}

/* --- what is made ----------------------------------------------------------------------------- */
static void machine_section_has_defaults(void **state)
{
    (void)state;
    struct machine *m = load(HEAD);
    assert_int_equal(m->arch, ARCH_RISCV64);
    assert_string_equal(m->name, "m");
    assert_int_equal(m->n_cpus, 1);
    assert_int_equal(m->memory_bytes, 256u << 20);
    assert_int_equal(m->ram_base, 0x80000000u);
    assert_int_equal(m->timebase_hz, 10000000);
    assert_null(m->append);
    assert_null(m->summary);
    assert_int_equal(m->n_devices, 0);
    assert_null(m->console);
    assert_int_equal(m->layout.n_ram, 1);
    assert_int_equal(m->layout.ram[0].base, 0x80000000u);
    machine_destroy(m);
}

static void machine_section_is_read(void **state)
{
    (void)state;
    struct machine *m = load("[machine]\nsummary = a \"test\"\narch = riscv64\ncpus = 4\n"
                             "memory = 1G\nmemory@arm64 = 7\nram-base = 0x40000000\n"
                             "timebase = 1000000\nappend = \" console=ttyS0 ; # x \"\n");
    assert_string_equal(m->summary, "a \"test\"");
    assert_int_equal(m->n_cpus, 4);
    assert_int_equal(m->memory_bytes, 1u << 30);
    assert_int_equal(m->ram_base, 0x40000000u);
    assert_int_equal(m->timebase_hz, 1000000);
    assert_string_equal(m->append, " console=ttyS0 ; # x ");
    machine_destroy(m);
}

static void options_win_over_the_file(void **state)
{
    (void)state;
    write_file("m.ini", "[machine]\narch = riscv64 arm64\ncpus = 4\nmemory = 1G\n");
    const struct accel_limits limits[ARCH_COUNT] = {
        [ARCH_ARM64] = {.gpa_bits = 40, .isa = "rv64i", .mmu_type = "riscv,sv39"}};
    struct machine *m = load_options((struct machine_options){
        .arch = "arm64", .memory_bytes = 4096, .cpus = 2, .limits = limits});
    assert_non_null(m);
    assert_int_equal(m->arch, ARCH_ARM64);
    assert_int_equal(m->n_cpus, 2);
    assert_int_equal(m->memory_bytes, 4096);
    assert_int_equal(m->ram_base, 0x40000000u);
    assert_int_equal(aspace_gpa_bits(m->aspace), 40);
    assert_int_equal(m->layout.gpa_bits, 40);
    assert_string_equal(m->layout.isa, "rv64i");
    assert_string_equal(m->layout.mmu_type, "riscv,sv39");
    machine_destroy(m);
}

static void wrong_options_are_refused(void **state)
{
    (void)state;
    write_file("m.ini", HEAD);
    const struct accel_limits limits[ARCH_COUNT] = {[ARCH_RISCV64] = {.max_cpus = 8}};
    struct machine_options options = {
        .arch = "riscv", .memory_bytes = 4097, .cpus = 99, .limits = limits};
    assert_null(load_options(options));
    assert_says(
        "backplane: --arch riscv: there is no such architecture; there are x86_64, arm64, riscv64; "
        "did you mean riscv64?|backplane: --cpus 99: 1-8 are allowed|"
        "backplane: --memory 4097: a multiple of 4K is wanted|");
    assert_null(load_options((struct machine_options){.arch = "x86_64"}));
    assert_says("m.ini:2: machine: arch = riscv64: --arch x86_64 was asked for, and this machine "
                "is not made for it|");
}

/* What is usual is 64 processors of 40 bits with either interrupt controller. */
static void arm64_machines_are_no_more_than_the_accelerator_can_do(void **state)
{
    (void)state;
    const struct accel_limits usual[ARCH_COUNT] = {[ARCH_ARM64] = {.max_cpus = 64}};
    const struct accel_limits only_v3[ARCH_COUNT] = {
        [ARCH_ARM64] = {.gpa_bits = 36, .gic_versions = 1u << PLATFORM_GIC_V3}};
    const struct accel_limits only_v2[ARCH_COUNT] = {
        [ARCH_ARM64] = {.gic_versions = 1u << PLATFORM_GIC_V2}};
    write_file("m.ini", "[machine]\narch = arm64\ncpus = 65\nmemory = 1T\n");
    assert_null(load_options((struct machine_options){.limits = usual}));
    assert_says("m.ini:3: machine: cpus = 65: 1-64 are allowed|"
                "m.ini:4: machine: memory = 1T: RAM of 0x10000000000 bytes at 0x40000000 ends "
                "beyond the guest's 40 physical address bits|");
    write_file("m.ini", "[machine]\narch = arm64\nmemory = 64G\ngic = 2\n");
    assert_null(load_options((struct machine_options){.limits = only_v3}));
    assert_says("m.ini:3: machine: memory = 64G: RAM of 0x1000000000 bytes at 0x40000000 ends "
                "beyond the guest's 36 physical address bits|"
                "m.ini:4: machine: gic = 2: this host's KVM has GICv3 only|");
    write_file("m.ini", "[machine]\narch = arm64\ncpus = 9\n");
    assert_null(load_options((struct machine_options){.limits = only_v2}));
    assert_says("m.ini:1: machine: 9 processors: GICv2 serves at most 8, and this host's KVM has "
                "no GICv3|");
    struct machine *m = load_options((struct machine_options){.limits = only_v2, .cpus = 8});
    assert_non_null(m);
    assert_int_equal(m->layout.gic_version, PLATFORM_GIC_V2);
    machine_destroy(m);
}

static const struct layout_device *row_named(const struct machine *m, const char *name)
{
    for (size_t i = 0; i < m->layout.n_devices; i++)
        if (strcmp(m->layout.devices[i].name, name) == 0)
            return &m->layout.devices[i];
    return NULL;
}

/* Unasked, and where it is not known to be there, the file's own controller stays. */
static void built_in_controllers_of_riscv64_take_the_place_of_a_device(void **state)
{
    (void)state;
    const struct accel_limits none[ARCH_COUNT] = {[ARCH_RISCV64] = {.isa = "rv64imac_sstc"}};
    const struct accel_limits there[ARCH_COUNT] = {
        [ARCH_RISCV64] = {.isa = "rv64imac_ssaia_sstc", .aia_ids = 127}};
    const struct accel_limits assumed[ARCH_COUNT] = {
        [ARCH_RISCV64] = {.isa = "rv64imac_sstc", .aia_ids = 255, .is_aia_assumed = true}};
    static const char rest[] = "[device plic]\nplugin = plic\n[device u]\nplugin = uart\n";
    struct {
        const char *aia;
        const struct accel_limits *limits;
        uint32_t ids;
    } all[] = {{"", there, 0},
               {"aia = no\n", there, 0},
               {"aia = auto\n", there, 127},
               {"aia = yes\n", there, 127},
               {"aia = auto\n", assumed, 0},
               {"aia = yes\n", assumed, 255},
               {"aia = auto\n", none, 0}};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        char text[200];
        snprintf(text, sizeof(text), HEAD "%s%s", all[i].aia, rest);
        write_file("m.ini", text);
        struct machine *m =
            load_options((struct machine_options){.limits = all[i].limits, .cpus = 3});
        assert_non_null(m);
        assert_int_equal(m->layout.aia_ids, all[i].ids);
        assert_int_equal(m->irqchip == NULL, all[i].ids != 0);
        assert_int_equal(strstr(m->layout.isa, "ssaia") != NULL, all[i].ids == 127);
        if (all[i].ids != 0) {
            assert_string_equal(m->layout.irqchip->name, "aplic");
            assert_int_equal(m->layout.irq_first, 1);
            assert_int_equal(m->layout.irq_count, 96);
            assert_int_equal(row_named(m, "imsic")->regions[0].size, 3 * 4096);
        }
        machine_destroy(m);
    }
    write_file("m.ini", HEAD "aia = yes\n");
    assert_null(load_options((struct machine_options){.limits = none}));
    assert_says(
        "m.ini:3: machine: aia = yes: the accelerator has no such interrupt controllers here: "
        "use aia = auto|");
    write_file("m.ini", HEAD "aia = yes\nram-base = 0x10000000\n");
    assert_null(load_options((struct machine_options){.limits = there}));
    assert_says(
        "m.ini:3: machine: aia = yes: the interrupt controllers lie below 0x28400000, and so "
        "does RAM: change ram-base|");
    write_file("m.ini", HEAD "aia = maybe\n");
    assert_null(load_options((struct machine_options){.limits = there}));
    assert_says("m.ini:3: machine: aia = maybe: auto, yes or no is wanted|");
}

static void regions_are_placed_pins_first_then_in_file_order(void **state)
{
    (void)state;
    struct machine *m = load(HEAD "[device a]\nplugin = uart\n"
                                  "[device b]\nplugin = uart\nmmio.regs = 0x90000000\n"
                                  "[device c]\nplugin = uart\n"
                                  "[device low]\nplugin = uart\nmmio.regs = 0x10000000\n");
    assert_int_equal(device_named(m, "a")->regions[0].base, 0x90001000u);
    assert_int_equal(device_named(m, "b")->regions[0].base, 0x90000000u);
    assert_int_equal(device_named(m, "c")->regions[0].base, 0x90002000u);
    assert_int_equal(device_named(m, "low")->regions[0].base, 0x10000000u);
    assert_true(device_named(m, "low")->regions[0].pinned);
    assert_false(device_named(m, "a")->regions[0].pinned);
    assert_int_equal(device_named(m, "a")->regions[0].size, 0x1000);
    assert_false(device_named(m, "a")->regions[1].placed); /* ports, and optional */
    assert_string_equal(aspace_find(m->aspace, 0x10000000u)->name, "low.regs");
    machine_destroy(m);
}

static void lines_are_connected_pins_first_then_in_file_order(void **state)
{
    (void)state;
    struct machine *m = load(HEAD "[device a]\nplugin = uart\n[device b]\nplugin = uart\n"
                                  "irq.out = 1\nirq.extra = 9\n" PLIC);
    assert_int_equal(device_named(m, "a")->lines[0].number, 2);
    assert_false(device_named(m, "a")->lines[1].connected);
    assert_int_equal(device_named(m, "b")->lines[0].number, 1);
    assert_int_equal(device_named(m, "b")->lines[1].number, 9);
    assert_ptr_equal(device_named(m, "a")->irqchip, device_named(m, "plic"));
    assert_ptr_equal(m->irqchip, device_named(m, "plic"));
    assert_null(m->irqchip->irqchip);
    assert_int_equal(m->layout.irq_first, 1);
    assert_int_equal(m->layout.irq_count, 31);
    uint32_t cells[4];
    assert_int_equal(m->layout.irq_specifier(m->layout.irq_ctx, 7, 4, cells), 2);
    assert_int_equal(cells[0], 7);
    machine_destroy(m);
}

static void without_an_interrupt_controller_lines_stay_unconnected(void **state)
{
    (void)state;
    struct machine *m = load(HEAD UART);
    assert_false(device_named(m, "uart")->lines[0].connected);
    assert_null(device_named(m, "uart")->irqchip);
    assert_null(m->layout.irqchip);
    assert_int_equal(m->layout.devices[0].n_lines, 0);
    machine_destroy(m);
}

static void planned_sizes_are_what_is_placed(void **state)
{
    (void)state;
    struct machine *m = load(HEAD "[device w]\nplugin = window\nsize = 100K\n"
                                  "[device f]\nplugin = frames\nsize = 1M\n");
    assert_int_equal(device_named(m, "w")->regions[0].size, 0x20000);
    assert_int_equal(device_named(m, "w")->regions[0].base, 0xfffe0000u);
    assert_int_equal(device_named(m, "f")->regions[0].base, 0x90000000u);
    assert_int_equal(device_named(m, "f")->regions[0].size, 0x100000);
    machine_destroy(m);
}

static void link_by_name_connects_two_sections(void **state)
{
    (void)state;
    struct machine *m = load(HEAD UART "char = term\n[backend term]\nplugin = char-null\n");
    assert_ptr_equal(device_named(m, "uart")->links[0].target, device_named(m, "term"));
    assert_string_equal(m->devices[0]->name, "term"); /* backends first */
    assert_int_equal(m->layout.n_devices, 1);
    machine_destroy(m);
}

static void link_by_kind_makes_a_backend_for_each_user(void **state)
{
    (void)state;
    struct machine *m = load(HEAD UART "char = stdio\n[device b]\nplugin = uart\nchar = stdio\n");
    assert_int_equal(m->n_devices, 4);
    assert_ptr_equal(device_named(m, "uart")->links[0].target, device_named(m, "uart.char"));
    assert_ptr_equal(device_named(m, "b")->links[0].target, device_named(m, "b.char"));
    assert_string_equal(device_named(m, "b.char")->class_->id, "char-stdio");
    machine_destroy(m);
}

static void device_on_a_bus_gets_a_transport_that_takes_its_pins(void **state)
{
    (void)state;
    struct machine *m =
        load(HEAD PLIC "[device disk]\nplugin = virtio-blk\nbus = virtio-mmio\nblock = null\n"
                       "mmio.regs = 0x10001000\nirq.out = 5\ncoherent = yes\n");
    struct device *transport = device_named(m, "disk.virtio-mmio");
    assert_int_equal(transport->regions[0].base, 0x10001000u);
    assert_int_equal(transport->lines[0].number, 5);
    assert_ptr_equal(transport->links[0].target, device_named(m, "disk"));
    assert_int_equal(((const struct fake *)transport->instance)->flag, 1);
    assert_string_equal(m->layout.devices[1].name, "disk");
    assert_string_equal(m->layout.devices[1].behind, "disk.virtio-mmio");
    assert_string_equal(m->layout.devices[2].name, "disk.virtio-mmio");
    machine_destroy(m);
}

static void providers_are_created_before_users_and_destroyed_after(void **state)
{
    (void)state;
    struct machine *m = load(HEAD "[device d]\nplugin = virtio-blk\nbus = virtio-mmio\nblock = b\n"
                                  "[backend b]\nplugin = block-null\n");
    assert_string_equal(fake_calls, "c:b c:d c:d.virtio-mmio ");
    fake_calls[0] = '\0';
    machine_destroy(m);
    assert_string_equal(fake_calls, "d:d.virtio-mmio d:d d:b ");
}

static void properties_reach_the_instance(void **state)
{
    (void)state;
    struct machine *m = load(HEAD UART "speed = 115200\nmode = slow\necho = on\nlabel = \"a;b\"\n"
                                       "[device second]\nplugin = uart\n");
    assert_int_equal(instance(m, "uart")->speed, 115200);
    assert_int_equal(instance(m, "uart")->mode, 0);
    assert_int_equal(instance(m, "uart")->flag, 1);
    assert_string_equal(instance(m, "uart")->label, "a;b");
    assert_int_equal(instance(m, "second")->speed, 9600);
    assert_int_equal(instance(m, "second")->mode, 1);
    assert_null(instance(m, "second")->label);
    machine_destroy(m);
}

static void arch_suffix_wins_on_its_architecture_only(void **state)
{
    (void)state;
    struct machine *m = load(HEAD UART "speed@riscv64 = 1200\nspeed = 2400\nlabel = x\n"
                                       "label@arm64 = y\nmode@x86_64 = nonsense\n");
    assert_int_equal(instance(m, "uart")->speed, 1200);
    assert_string_equal(instance(m, "uart")->label, "x");
    machine_destroy(m);
}

static void sections_of_other_architectures_do_not_count(void **state)
{
    (void)state;
    struct machine *m = load("[machine]\narch = riscv64\n[device gic]\nplugin = gic\narch = arm64\n"
                             "whatever = 1\n[device p]\nplugin = plic\narch = x86_64 riscv64\n");
    assert_int_equal(m->n_devices, 1);
    assert_string_equal(m->devices[0]->name, "p");
    machine_destroy(m);
}

static void if_decides_whether_a_section_is_there(void **state)
{
    (void)state;
    static const char text[] = HEAD "[device d]\nif = ${disk:-}\nplugin = virtio-blk\n"
                                    "bus = virtio-mmio\nblock = root\n[backend root]\n"
                                    "if = ${disk:-}\nplugin = block-file\npath = ${disk}\n"
                                    "[device u]\nif = no\nplugin = uart\n";
    struct machine *m = load(text);
    assert_int_equal(m->n_devices, 0);
    machine_destroy(m);
    const char *set[] = {"disk=root.img"};
    m = load_options((struct machine_options){.set = set, .n_set = 1});
    assert_non_null(m);
    assert_int_equal(m->n_devices, 3);
    /* What --set gives is relative to the working directory. */
    assert_string_equal(instance(m, "root")->path, "root.img");
    machine_destroy(m);
}

static void paths_of_the_file_are_relative_to_the_file(void **state)
{
    (void)state;
    static const char text[] = HEAD "[backend a]\nplugin = block-file\npath = a.img\n"
                                    "[backend b]\nplugin = block-file\npath = /b.img\n"
                                    "[backend c]\nplugin = block-file\npath = ${c:-c.img}\n"
                                    "[backend d]\nplugin = block-file\npath = ${dir:-x}/d.img\n";
    const char *set[] = {"dir=y"};
    write_file("m.ini", text);
    struct machine *m = load_options((struct machine_options){.set = set, .n_set = 1});
    assert_non_null(m);
    assert_string_equal(instance(m, "a")->path, path_of("a.img"));
    assert_string_equal(instance(m, "b")->path, "/b.img");
    assert_string_equal(instance(m, "c")->path, path_of("c.img"));
    assert_string_equal(instance(m, "d")->path, "y/d.img");
    machine_destroy(m);
}

static void included_file_is_changed_by_the_one_that_includes_it(void **state)
{
    (void)state;
    write_file("base.ini", "[machine]\narch = riscv64\ncpus = 2\nmemory = 128M\n"
                           "[device uart]\nplugin = uart\nspeed = 300\nchar = null\n"
                           "[device extra]\nplugin = uart\n");
    struct machine *m = load("include = base.ini\n[machine]\nmemory = 64M\n"
                             "[device uart]\nspeed = 600\n[device mine]\nplugin = uart\n"
                             "[device extra]\nif = no\n");
    assert_int_equal(m->n_cpus, 2);
    assert_int_equal(m->memory_bytes, 64u << 20);
    assert_int_equal(instance(m, "uart")->speed, 600);
    assert_string_equal(m->devices[0]->name, "uart.char");
    assert_string_equal(m->devices[1]->name, "uart");
    assert_string_equal(m->devices[2]->name, "mine");
    machine_destroy(m);
}

static void file_that_is_included_twice_is_read_once(void **state)
{
    (void)state;
    write_file("c.ini", UART);
    write_file("a.ini", "include = c.ini\n[device uart]\nspeed = 300\n");
    write_file("b.ini", "include = c.ini\n[device uart]\nlabel = b\n");
    struct machine *m = load("include = a.ini\ninclude = b.ini\n" HEAD);
    assert_int_equal(instance(m, "uart")->speed, 300);
    assert_string_equal(instance(m, "uart")->label, "b");
    machine_destroy(m);
}

/* --- [boot] and [set] ------------------------------------------------------------------------- */
static void assert_path(const char *path, const char *name)
{
    assert_non_null(path);
    assert_string_equal(path, path_of(name));
}

static void boot_section_names_what_the_guest_starts_from(void **state)
{
    (void)state;
    struct machine *m =
        load(HEAD "append = quiet\n[boot]\nkernel = Image\ninitrd@riscv64 = r.img\n"
                  "initrd = other.img\nfirmware = /fw.elf\nappend = root=/dev/vda\n");
    assert_path(m->kernel, "Image");
    assert_path(m->initrd, "r.img");
    assert_string_equal(m->firmware, "/fw.elf");
    assert_string_equal(m->append, "quiet root=/dev/vda");
    machine_destroy(m);
    m = load(HEAD "[boot]\nappend = ro\nkernel =\n");
    assert_string_equal(m->append, "ro");
    assert_null(m->kernel);
    machine_destroy(m);
}

static void command_line_goes_before_the_boot_section(void **state)
{
    (void)state;
    write_file("m.ini", HEAD "[boot]\nkernel = absent\ninitrd = absent.img\nfirmware = fw\n");
    struct machine *m = load_options((struct machine_options){
        .kernel = "mine", .initrd = "", .firmware = "/f", .will_boot = true});
    assert_non_null(m);
    assert_string_equal(m->kernel, "mine");
    assert_null(m->initrd);
    assert_string_equal(m->firmware, "/f");
    machine_destroy(m);
}

static void files_of_the_boot_section_are_there_when_the_machine_will_boot(void **state)
{
    (void)state;
    const struct machine_options boots = {.will_boot = true};
    write_file("m.ini", HEAD "[boot]\nkernel = absent\ninitrd = .\nkernl = x\n");
    assert_null(load_options(boots));
    /* keep_said leaves out the directory with its slash. */
    assert_says("m.ini:4: boot: kernel = absent: kernel absent: there is no such file|"
                "m.ini:5: boot: initrd = .: initrd .: is a directory: name a file|"
                "m.ini:6: boot: kernl = x: [boot] has no such key; did you mean kernel?|");
    write_file("Image", "x");
    write_file("m.ini", HEAD "[boot]\nkernel = Image\n");
    struct machine *m = load_options(boots);
    assert_non_null(m);
    machine_destroy(m);
    machine_destroy(load(HEAD "[boot]\nkernel = absent\n")); /* nobody looks */
}

static void set_section_gives_values(void **state)
{
    (void)state;
    write_file("base.ini", HEAD "[device u]\nif = ${u:-}\nplugin = uart\nlabel = ${u}\n"
                                "speed = ${speed:-50}\n");
    struct machine *m = load("include = base.ini\n[set]\nu = a$$b\nspeed = 75\n"
                             "speed@riscv64 = 110\nspeed@arm64 = 300\n");
    assert_string_equal(instance(m, "u")->label, "a$b");
    assert_int_equal(instance(m, "u")->speed, 110);
    machine_destroy(m);
    const char *set[] = {"u=c", "speed=150"};
    m = load_options((struct machine_options){.set = set, .n_set = 2});
    assert_non_null(m);
    assert_string_equal(instance(m, "u")->label, "c");
    assert_int_equal(instance(m, "u")->speed, 150);
    machine_destroy(m);
}

static void set_section_of_the_file_that_includes_wins(void **state)
{
    (void)state;
    write_file("base.ini", "[machine]\narch = ${arch}\n[set]\nu = b\nspeed = 75\n"
                           "[device u]\nplugin = uart\nlabel = ${u}\nspeed = ${speed}\n");
    write_file("middle.ini", "include = base.ini\n[set]\nu = m\nspeed = 200\n");
    struct machine *m = load("include = middle.ini\n[set]\nspeed = 600\narch = riscv64\n");
    assert_string_equal(instance(m, "u")->label, "m");
    assert_int_equal(instance(m, "u")->speed, 600);
    machine_destroy(m);
}

static void paths_of_the_set_section_are_relative_to_its_file(void **state)
{
    (void)state;
    (void)mkdir(path_of("below"), 0755);
    write_file("below/base.ini", HEAD "[backend a]\nplugin = block-file\npath = ${disk:-own.img}\n"
                                      "[boot]\nkernel = ${k:-Image}\ninitrd = initrd.img\n");
    struct machine *m = load("include = below/base.ini\n");
    assert_path(instance(m, "a")->path, "below/own.img");
    machine_destroy(m);
    m = load("include = below/base.ini\n[set]\ndisk = x.img\nk = /boot/Image\n");
    assert_path(instance(m, "a")->path, "x.img");
    assert_string_equal(m->kernel, "/boot/Image");
    assert_path(m->initrd, "below/initrd.img");
    machine_destroy(m);
    const char *set[] = {"disk=y.img", "k=Image"};
    m = load_options((struct machine_options){.set = set, .n_set = 2});
    assert_non_null(m);
    assert_string_equal(instance(m, "a")->path, "y.img");
    assert_string_equal(m->kernel, "Image");
    machine_destroy(m);
}

static void wrong_boot_and_set_sections_are_refused(void **state)
{
    (void)state;
    assert_refused(HEAD UART "label = ${disk:-}\n[set]\ndsk = a\ndisk = ${x:-}\na.b = 1\n",
                   "m.ini:7: set: dsk = a: no machine file here uses ${dsk}; did you mean disk?|"
                   "m.ini:8: set: disk = ${x:-}: a value in [set] is plain text, without ${}|"
                   "m.ini:9: set: a.b = 1: a name of letters, digits, - and _ (at most 63) is "
                   "wanted|");
    assert_refused(HEAD "[boot fast]\nkernel = x\n[set x]\n[boto]\n",
                   "m.ini:3: [boot fast]: the section has no name of its own: write [boot]|"
                   "m.ini:5: [set x]: the section has no name of its own: write [set]|"
                   "m.ini:6: [boto]: unknown section; there are [machine], [boot], [set], [device "
                   "NAME] and [backend NAME]; did you mean boot?|");
    assert_refused(HEAD "[boot]\nkernel = ${k}\n",
                   "m.ini:4: boot: kernel = ${k}: ${k} is not given: add --set k=VALUE|");
}

static void console_is_the_first_serial_device_or_the_one_named(void **state)
{
    (void)state;
    struct machine *m = load(HEAD PLIC UART "[device second]\nplugin = uart\n");
    assert_string_equal(m->console->name, "uart");
    assert_string_equal(m->layout.console->name, "uart");
    machine_destroy(m);
    m = load(HEAD "console = second\n" UART "[device second]\nplugin = uart\n");
    assert_string_equal(m->console->name, "second");
    machine_destroy(m);
}

static void layout_says_what_was_placed(void **state)
{
    (void)state;
    struct machine *m =
        load("[machine]\narch = riscv64\nsummary = small\n" PLIC UART "irq.extra = 4\n");
    const struct layout *l = &m->layout;
    assert_string_equal(l->name, "m");
    assert_string_equal(l->summary, "small");
    assert_int_equal(l->n_devices, 2);
    assert_true(l->devices[0].is_irqchip);
    assert_ptr_equal(l->irqchip, &l->devices[0]);
    const struct layout_device *uart = &l->devices[1];
    assert_string_equal(uart->class_id, "uart");
    assert_string_equal(uart->dt_name, "serial");
    assert_int_equal(uart->n_regions, 1);
    assert_string_equal(uart->regions[0].name, "regs");
    assert_int_equal(uart->regions[0].base, 0x90001000u);
    assert_int_equal(uart->n_lines, 2);
    assert_int_equal(uart->lines[1].number, 4);
    assert_int_equal(uart->lines[1].trigger, BP_EDGE_RISING);
    assert_true(uart->lines[1].pinned);
    assert_non_null(uart->describe_fdt);
    assert_null(l->devices[0].describe_fdt);
    machine_destroy(m);
}

static void big_x86_memory_is_split_and_ports_are_placed(void **state)
{
    (void)state;
    struct machine *m = load("[machine]\narch = x86_64\nmemory = 5G\n[device a]\nplugin = uart\n"
                             "port.ports@x86_64 = 0x3f8\n");
    assert_int_equal(m->layout.n_ram, 2);
    assert_int_equal(m->layout.ram[1].base, 0x100000000u);
    assert_int_equal(m->layout.ram[1].size, 0x80000000u);
    assert_int_equal(device_named(m, "a")->regions[0].base, 0x180000000u);
    assert_int_equal(device_named(m, "a")->regions[1].base, 0x3f8);
    assert_int_equal(m->layout.devices[m->layout.n_devices - 1].n_regions, 2);
    machine_destroy(m);
}

static void what_the_accelerator_brings_is_in_the_layout_of_an_x86_machine(void **state)
{
    (void)state;
    struct machine *m = load("[machine]\narch = x86_64\n[device a]\nplugin = uart\n"
                             "[device b]\nplugin = uart\nirq.out = 4\n");
    assert_ptr_equal(m->layout.irqchip, row_named(m, "ioapic"));
    assert_true(m->layout.irqchip->is_builtin);
    assert_int_equal(m->layout.irqchip->regions[0].base, 0xfec00000u);
    assert_int_equal(row_named(m, "pic")->regions[1].base, 0xa0);
    assert_int_equal(row_named(m, "pit")->lines[0].number, 2);
    assert_int_equal(m->layout.irq_first, 1);
    assert_int_equal(m->layout.irq_count, 23);
    assert_int_equal(device_named(m, "a")->lines[0].number, 16);
    assert_int_equal(device_named(m, "b")->lines[0].number, 4);
    assert_null(device_named(m, "a")->irqchip);
    machine_destroy(m);
}

static void what_the_accelerator_brings_cannot_be_overlapped(void **state)
{
    (void)state;
    assert_refused("[machine]\narch = x86_64\n"
                   "[device a]\nplugin = uart\nmmio.regs = 0xfec00000\n"
                   "[device b]\nplugin = uart\nport.ports = 0x40\n"
                   "[device c]\nplugin = uart\nirq.out = 2\n"
                   "[device d]\nplugin = uart\nirq.out = 24\n"
                   "[device e]\nplugin = uart\nirq.out = 0\n",
                   "m.ini:5: device a: mmio.regs = 0xfec00000: a.regs [0xfec00000, 0xfec01000) "
                   "overlaps ioapic.regs [0xfec00000, 0xfec01000)|"
                   "m.ini:8: device b: port.ports = 0x40: b.ports overlaps pit.timer at port 0x40|"
                   "m.ini:11: device c: irq.out = 2: line 2 belongs to pit.timer: lines are not "
                   "shared|"
                   "m.ini:14: device d: irq.out = 24: this machine has lines 1-23|"
                   "m.ini:17: device e: irq.out = 0: this machine has lines 1-23|");
}

static void byte_order_mark_and_carriage_returns_are_fine(void **state)
{
    (void)state;
    struct machine *m =
        load("\xef\xbb\xbf[machine]\r\narch = riscv64\r\n\r\n   ; an indented comment\r\n"
             "# and one at the left\r\n[device   uart]   \r\nplugin\t=\tuart\t");
    assert_string_equal(m->devices[0]->name, "uart");
    machine_destroy(m);
}

/* --- what is refused -------------------------------------------------------------------------- */
static void every_error_of_a_file_is_reported_in_one_run(void **state)
{
    (void)state;
    assert_refused("[machine]\narch = riscv64\ncpus = 0\nmemry = 1G\n"
                   "[device uart]\nplugin = uart\nspeed = fast\nlabl = x\n"
                   "mmio.regs = 0x80000000\n"
                   "[device other]\nplugin = uart\nmmio.regs = 0x80000000\n"
                   "[device disk]\nplugin = virtio-blk\n",
                   "m.ini:3: machine: cpus = 0: 1-16 are allowed|"
                   "m.ini:4: machine: memry = 1G: [machine] has no such key; did you mean memory?|"
                   "m.ini:7: device uart: speed = fast: a number is wanted, decimal or with 0x|"
                   "m.ini:8: device uart: labl = x: plugin uart has no such key; did you mean "
                   "label?|"
                   "m.ini:9: device uart: mmio.regs = 0x80000000: uart.regs [0x80000000, "
                   "0x80001000) overlaps RAM [0x80000000, 0x90000000)|"
                   "m.ini:12: device other: mmio.regs = 0x80000000: other.regs [0x80000000, "
                   "0x80001000) overlaps RAM [0x80000000, 0x90000000)|"
                   "m.ini:13: device disk: bus is missing: plugin virtio-blk sits behind a virtio "
                   "transport: add bus = virtio-mmio|"
                   "m.ini:13: device disk: block is missing: plugin virtio-blk needs it: add block "
                   "= NAME of a section that offers bp.block/1, or X for the plugin block-X|");
}

static void wrong_links_are_refused(void **state)
{
    (void)state;
    assert_refused(HEAD UART "char = stdoi\n",
                   "m.ini:5: device uart: char = stdoi: there is neither a section of that name "
                   "nor a plugin char-stdoi; did you mean stdio?|");
    assert_refused(HEAD UART "char = disk\n[backend disk]\nplugin = block-null\n",
                   "m.ini:5: device uart: char = disk: the link wants bp.char/1, which plugin "
                   "block-null does not offer: choose another|");
    assert_refused(HEAD "[device d]\nplugin = virtio-blk\nbus = virtio-mmio\nblock = file\n",
                   "m.ini:6: device d: block = file: plugin block-file cannot do without path: "
                   "write a section [backend NAME] with plugin = block-file and path, and link to "
                   "NAME|");
    assert_refused(HEAD UART "char = t\n[backend t]\nplugin = char-null\nif = no\n",
                   "m.ini:5: device uart: char = t: the section t does not count on this machine: "
                   "its if says no|");
}

static void cycles_of_links_are_refused(void **state)
{
    (void)state;
    assert_refused(HEAD "[device a]\nplugin = relay\nnext = a\n",
                   "m.ini:5: device a: next = a: links never form a cycle, and this one does: "
                   "a -> a|");
    assert_refused(HEAD "[device x]\nplugin = relay\nnext = a\n"
                        "[device a]\nplugin = relay\nnext = b\n"
                        "[device b]\nplugin = relay\nnext = a\n"
                        "[device c]\nplugin = relay\nnext = c\n",
                   "m.ini:8: device a: next = b: links never form a cycle, and this one does: "
                   "a -> b -> a|m.ini:14: device c: next = c: links never form a cycle, and this "
                   "one does: c -> c|");
}

static void wrong_sections_of_classes_are_refused(void **state)
{
    (void)state;
    assert_refused(HEAD "[device t]\nplugin = char-null\n",
                   "m.ini:4: device t: plugin = char-null: the plugin is a backend: write [backend "
                   "t]|");
    assert_refused(HEAD "[backend u]\nplugin = uart\n",
                   "m.ini:4: backend u: plugin = uart: the plugin is a device: write [device u]|");
    assert_refused(HEAD UART "bus = virtio-mmio\n",
                   "m.ini:5: device uart: bus = virtio-mmio: plugin uart sits on no bus: remove "
                   "the line|");
    assert_refused(HEAD "[device r]\nplugin = virtio-rng\nbus = uart\n",
                   "m.ini:5: device r: bus = uart: the plugin is no transport for virtio devices: "
                   "use virtio-mmio|");
    assert_refused(HEAD "[device g]\nplugin = gic\n",
                   "m.ini:4: device g: plugin = gic: the plugin is for arm64, not for riscv64: add "
                   "arch = arm64 to the section|");
    assert_refused(HEAD "[device n]\nplugin = needy\n",
                   "m.ini:4: device n: plugin = needy: the plugin needs com.example.absent/1, "
                   "com.example.gone/2, which this program does not have: use a newer one|");
    assert_refused(HEAD PLIC "[device p2]\nplugin = plic\n",
                   "m.ini:6: device p2: plugin = plic: a machine has one interrupt controller, and "
                   "device plic is one already: remove one|");
    assert_refused(HEAD "[device b]\nplugin = broken\n",
                   "m.ini:4: device b: plugin = broken: the crystal is cracked: glue it|");
    assert_string_equal(fake_calls, "c:b d:b ");
}

static void wrong_pins_are_refused(void **state)
{
    (void)state;
    assert_refused(HEAD UART "mmio.regs = 0x10000100\n",
                   "m.ini:5: device uart: mmio.regs = 0x10000100: a multiple of 0x1000 is wanted|");
    assert_refused(HEAD UART "mmio.reg = 0x10000000\n",
                   "m.ini:5: device uart: mmio.reg = 0x10000000: plugin uart has no such region; "
                   "did you mean mmio.regs?|");
    assert_refused(HEAD UART "mmio.regs = here\n",
                   "m.ini:5: device uart: mmio.regs = here: an address is wanted, such as "
                   "0x10000000|");
    assert_refused(HEAD UART "mmio.regs = 0x100000000000000\n",
                   "m.ini:5: device uart: mmio.regs = 0x100000000000000: uart.regs of 0x1000 bytes "
                   "at 0x100000000000000 ends beyond the guest's 56 physical address bits|");
    assert_refused(HEAD UART "port.ports = 0x3f8\n",
                   "m.ini:5: device uart: port.ports = 0x3f8: riscv64 has no ports: write "
                   "port.ports@x86_64|");
    assert_refused(HEAD "[device w]\nplugin = window\nmmio.window = 0x100000000\n",
                   "m.ini:5: device w: mmio.window = 0x100000000: the region has 0x10000 bytes and "
                   "must end below 4 GiB (0x100000000): its drivers use 32-bit addresses|");
    assert_refused(HEAD UART "irq.out = 3\n",
                   "m.ini:5: device uart: irq.out = 3: this machine has no interrupt controller: "
                   "add one, such as plugin = plic|");
    assert_refused(HEAD PLIC UART "irq.out = 32\n",
                   "m.ini:7: device uart: irq.out = 32: this machine has lines 1-31|");
    assert_refused(HEAD PLIC UART "irq.out = 3\n[device v]\nplugin = uart\nirq.out = 3\n",
                   "m.ini:10: device v: irq.out = 3: line 3 belongs to uart.out: lines are not "
                   "shared|");
    assert_refused(HEAD PLIC "sources = 1\n" UART "[device v]\nplugin = uart\n",
                   "m.ini:9: device v: plugin = uart: no interrupt line is left: this machine has "
                   "lines 1-1, all taken|");
    assert_refused(HEAD PLIC "sources = 4000000000\n",
                   "m.ini:4: device plic: plugin = plic: the interrupt controller claims "
                   "4000000000 lines from 1: at most 65536 are possible|");
    assert_refused(
        HEAD "[device f]\nplugin = frames\nsize = 0xffffffffffffffff\n",
        "m.ini:4: device f: plugin = frames: f.frames: no free 0xffffffffffffffff bytes, "
        "aligned to 0x1000, are left above RAM (the guest has 56 physical address "
        "bits)|");
}

static void wrong_variables_are_refused(void **state)
{
    (void)state;
    const char *set[] = {"dsk=x", "=y", "z"};
    write_file("m.ini", HEAD "[backend b]\nplugin = block-file\npath = ${disk}\n");
    assert_null(load_options((struct machine_options){.set = set, .n_set = 3}));
    assert_says("backplane: --set =y: NAME=VALUE is wanted, such as disk=root.img|"
                "backplane: --set z: NAME=VALUE is wanted, such as disk=root.img|"
                "backplane: --set dsk=x: no machine file here uses ${dsk}; did you mean disk?|"
                "m.ini:5: backend b: path = ${disk}: ${disk} is not given: add --set disk=VALUE|");
    assert_refused(HEAD UART "label = $HOME\n",
                   "m.ini:5: device uart: label = $HOME: a lone $: write $$ for a dollar sign|");
    assert_refused(HEAD UART "label = ${a\n", "m.ini:5: device uart: label = ${a: a ${ without its "
                                              "}|");
    assert_refused(HEAD UART "label = ${a-b}${c:d}\n",
                   "m.ini:5: device uart: label = ${a-b}${c:d}: write ${name} or "
                   "${name:-default}|");
    assert_refused(HEAD UART "label = ${a:-${b}}\n",
                   "m.ini:5: device uart: label = ${a:-${b}}: a default in ${} is plain text: it "
                   "cannot hold a $|");
    assert_refused(HEAD UART "label = ${}\n",
                   "m.ini:5: device uart: label = ${}: a name of letters, digits, - and _ (at most "
                   "63) is wanted in ${}|");
}

static void variables_are_put_in(void **state)
{
    (void)state;
    const char *set[] = {"a=A", "e=", "only-elsewhere=1"};
    write_file("m.ini", HEAD UART "label = $$x ${a}${b:-B}${e}${e:-E}${a-b:-}$$\n"
                                  "[device v]\narch = arm64\nplugin = ${only-elsewhere}\n");
    struct machine *m = load_options((struct machine_options){.set = set, .n_set = 3});
    assert_non_null(m);
    assert_string_equal(instance(m, "uart")->label, "$x ABE$");
    machine_destroy(m);
}

static void wrong_includes_are_refused(void **state)
{
    (void)state;
    write_file("self.ini", "include = self.ini\n" HEAD);
    assert_null(load_options((struct machine_options){.path = "self.ini"}));
    assert_says("self.ini:1: include = self.ini: a file cannot include itself, also not through "
                "others: remove this line|");
    write_file("a.ini", "include = m.ini\n");
    assert_refused("include = a.ini\n" HEAD,
                   "a.ini:1: include = m.ini: a file cannot include itself, also not through "
                   "others: remove this line|");
    for (int i = 0; i < 9; i++) {
        char name[32], text[64];
        (void)snprintf(name, sizeof(name), "d%d.ini", i);
        (void)snprintf(text, sizeof(text), "include = d%d.ini\n", i + 1);
        write_file(name, text);
    }
    assert_refused("include = d0.ini\n" HEAD,
                   "d6.ini:1: include = d7.ini: more than 8 files include one another: include "
                   "fewer levels|");
    assert_refused(HEAD "include = a.ini\n",
                   "m.ini:3: machine: include = a.ini: include stands at the top of a file, before "
                   "the first section|");
    assert_refused("include = gone.ini\ninclude =\n" HEAD,
                   "m.ini:1: include = gone.ini: gone.ini: cannot be opened: No such file or "
                   "directory|m.ini:2: include =: a file name is wanted|");
    assert_refused("include = .\n" HEAD,
                   "m.ini:1: include = .: .: is a directory: name a machine file in it|");
}

static void duplicates_are_refused(void **state)
{
    (void)state;
    assert_refused(HEAD UART "speed = 300\nspeed = 600\n",
                   "m.ini:6: device uart: speed = 600: the key is there already, at line 5: remove "
                   "one of them|");
    assert_refused(HEAD UART "[device b]\nplugin = uart\n" UART,
                   "m.ini:7: [device uart]: the section is there already, at line 3: put its keys "
                   "together|");
    assert_refused(HEAD UART "[backend uart]\nplugin = char-null\n",
                   "m.ini:5: [backend uart]: the name belongs to [device uart] at m.ini:3 already: "
                   "choose another|");
}

static void wrong_heads_are_refused(void **state)
{
    (void)state;
    assert_refused("", "m.ini: there is no [machine] section: a machine file begins with [machine] "
                       "and arch = riscv64|");
    assert_refused("[machine]\n", "m.ini:1: machine: arch is missing: add arch = riscv64, or a "
                                  "list of x86_64, arm64, riscv64|");
    assert_refused("[machine]\narch = riscv32\n",
                   "m.ini:2: machine: arch = riscv32: there is no architecture riscv32; there are "
                   "x86_64, arm64, riscv64; did you mean riscv64?|");
    assert_refused("[machine]\narch =\n", "m.ini:2: machine: arch =: one or more of x86_64, arm64, "
                                          "riscv64 are wanted|");
    assert_refused("[machine]\narch@arm64 = arm64\n",
                   "m.ini:2: machine: arch@arm64: arch itself has no @ARCH: list the architectures "
                   "as its value|");
    assert_refused(HEAD "cpus@riscv = 2\n", "m.ini:3: machine: cpus@riscv: @ stands before x86_64, "
                                            "arm64 or riscv64; did you mean @riscv64?|");
    assert_refused(HEAD "memory = 0\n",
                   "m.ini:3: machine: memory = 0: a multiple of 4K is wanted, at least 4K|");
    assert_refused(HEAD "memory = 1025\n",
                   "m.ini:3: machine: memory = 1025: a multiple of 4K is wanted, at least 4K|");
    assert_refused(HEAD "memory = lots\n",
                   "m.ini:3: machine: memory = lots: a size is wanted: bytes, or with K, M, G or "
                   "T, such as 256M|");
    assert_refused(
        HEAD "memory = 65536T\n",
        "m.ini:3: machine: memory = 65536T: RAM of 0x100000000000000 bytes at 0x80000000 "
        "ends beyond the guest's 56 physical address bits|");
    assert_refused(HEAD "ram-base = 0x1000\n",
                   "m.ini:3: machine: ram-base = 0x1000: a multiple of 2M (0x200000) is wanted|");
    assert_refused(HEAD "timebase = 1\ncpus = 17\nconsole = nobody\n" UART,
                   "m.ini:3: machine: timebase = 1: 1000-1000000000 are allowed|"
                   "m.ini:4: machine: cpus = 17: 1-16 are allowed|"
                   "m.ini:5: machine: console = nobody: there is no [device] of that name|");
    assert_refused("[machine x]\n[devise y]\n[device]\n[device 1]\n[device a b]\nlost = 1\n",
                   "m.ini:1: [machine x]: the section has no name of its own: write [machine]|"
                   "m.ini:2: [devise y]: unknown section; there are [machine], [boot], [set], "
                   "[device NAME] and [backend NAME]; did you mean device?|"
                   "m.ini:3: [device]: a name is wanted: a letter, then letters, digits, - and _|"
                   "m.ini:4: [device 1]: a name is wanted: a letter, then letters, digits, - and "
                   "_|m.ini:5: [device a b]: a name is wanted: a letter, then letters, digits, - "
                   "and _|");
}

static void refused_line_does_not_make_the_rest_look_wrong(void **state)
{
    (void)state;
    assert_refused("[machine]\n arch = riscv64\n[device uart]\n plugin = uart\nspeed = 1\n",
                   "m.ini:2: a line that begins with blanks continues the line before in other INI "
                   "files: move it to the first column|m.ini:4: a line that begins with blanks "
                   "continues the line before in other INI files: move it to the first column|");
}

static void files_that_are_none_are_refused(void **state)
{
    (void)state;
    assert_null(load_options((struct machine_options){.path = "absent.ini"}));
    assert_says("absent.ini: cannot be opened: No such file or directory|");
    assert_null(load_options((struct machine_options){.path = "."}));
    assert_non_null(strstr(said, "is a directory"));
    assert_int_equal(mkfifo(path_of("fifo.ini"), 0600), 0);
    assert_null(load_options((struct machine_options){.path = "fifo.ini"}));
    assert_says("fifo.ini: is not a regular file: machine files are not read from devices or "
                "pipes|");
    assert_int_equal(symlink("/dev/zero", path_of("zero.ini")), 0);
    assert_null(load_options((struct machine_options){.path = "zero.ini"}));
    assert_non_null(strstr(said, "is not a regular file"));
    int fd = open(path_of("huge.ini"), O_CREAT | O_WRONLY, 0600);
    assert_int_equal(ftruncate(fd, (1 << 20) + 1), 0);
    (void)close(fd);
    assert_null(load_options((struct machine_options){.path = "huge.ini"}));
    assert_says("huge.ini: has 1048577 bytes: a machine file has at most 1048576, so this is "
                "none|");
    write_bytes("m.ini", "[machine]\nar\0ch", 15);
    assert_null(load_options((struct machine_options){0}));
    assert_says("m.ini:2: a NUL byte: this is not a text file|");
}

static void more_errors_than_anyone_reads_are_counted(void **state)
{
    (void)state;
    char *text = malloc(65536);
    size_t n = (size_t)sprintf(text, HEAD UART);
    for (int i = 0; i < 500; i++)
        n += (size_t)sprintf(text + n, "key%d = 1\n", i);
    write_file("m.ini", text);
    assert_null(load_options((struct machine_options){0}));
    assert_non_null(strstr(said, "\nand 300 more errors\n"));
    free(text);
}

/* --- size ------------------------------------------------------------------------------------- */
static double load_seconds(unsigned n_devices)
{
    char *text = malloc(200 + n_devices * 160u);
    size_t n = (size_t)sprintf(text, HEAD PLIC "sources = 60000\n");
    for (unsigned i = 0; i < n_devices; i++)
        n += (size_t)sprintf(text + n,
                             "[device d%u]\nplugin = virtio-blk\nbus = virtio-mmio\nblock = b%u\n"
                             "[backend b%u]\nplugin = block-null\n",
                             i, i, i);
    struct timespec from, to;
    write_file("m.ini", text);
    free(text);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    struct machine *m = load_options((struct machine_options){0});
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    assert_non_null(m);
    assert_int_equal(m->n_devices, 3 * n_devices + 1);
    machine_destroy(m);
    return (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);
}

/* Where this runs in an emulator, that says how much slower things are there. */
static double slowdown(void)
{
    const char *text = getenv("BP_SLOWDOWN");
    return text == NULL ? 1 : strtod(text, NULL);
}

static void five_hundred_devices_load_quickly_and_no_worse_than_linearly(void **state)
{
    (void)state;
    double small = load_seconds(500), large = load_seconds(5000);
    print_message("500 devices %.1f ms, 5000 devices %.1f ms of processor time\n", 1e3 * small,
                  1e3 * large);
    /* 50 ms wanted; sanitizers and loaded hosts are slower. */
    assert_true(small < 0.25 * slowdown());
    assert_true(large < 40 * small + 0.1);
}

static void long_chain_of_links_is_no_deep_recursion(void **state)
{
    (void)state;
    const unsigned length = 15000;
    char *text = malloc(200 + length * 60u);
    size_t n = (size_t)sprintf(text, HEAD);
    for (unsigned i = 0; i < length; i++)
        n += (size_t)sprintf(text + n, "[device d%u]\nplugin = relay\nnext = d%u\n", i,
                             (i + 1) % length);
    write_file("m.ini", text);
    assert_null(load_options((struct machine_options){0}));
    assert_non_null(strstr(said, "links never form a cycle"));
    text[n - strlen("next = d0\n")] = '\0';
    write_file("m.ini", text);
    struct machine *m = load_options((struct machine_options){0});
    assert_non_null(m);
    assert_int_equal(m->n_devices, length);
    machine_destroy(m);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(machine_section_has_defaults),
        cmocka_unit_test(machine_section_is_read),
        cmocka_unit_test(options_win_over_the_file),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(arm64_machines_are_no_more_than_the_accelerator_can_do),
        cmocka_unit_test(built_in_controllers_of_riscv64_take_the_place_of_a_device),
        cmocka_unit_test(regions_are_placed_pins_first_then_in_file_order),
        cmocka_unit_test(lines_are_connected_pins_first_then_in_file_order),
        cmocka_unit_test(without_an_interrupt_controller_lines_stay_unconnected),
        cmocka_unit_test(planned_sizes_are_what_is_placed),
        cmocka_unit_test(link_by_name_connects_two_sections),
        cmocka_unit_test(link_by_kind_makes_a_backend_for_each_user),
        cmocka_unit_test(device_on_a_bus_gets_a_transport_that_takes_its_pins),
        cmocka_unit_test(providers_are_created_before_users_and_destroyed_after),
        cmocka_unit_test(properties_reach_the_instance),
        cmocka_unit_test(arch_suffix_wins_on_its_architecture_only),
        cmocka_unit_test(sections_of_other_architectures_do_not_count),
        cmocka_unit_test(if_decides_whether_a_section_is_there),
        cmocka_unit_test(paths_of_the_file_are_relative_to_the_file),
        cmocka_unit_test(included_file_is_changed_by_the_one_that_includes_it),
        cmocka_unit_test(file_that_is_included_twice_is_read_once),
        cmocka_unit_test(boot_section_names_what_the_guest_starts_from),
        cmocka_unit_test(command_line_goes_before_the_boot_section),
        cmocka_unit_test(files_of_the_boot_section_are_there_when_the_machine_will_boot),
        cmocka_unit_test(set_section_gives_values),
        cmocka_unit_test(set_section_of_the_file_that_includes_wins),
        cmocka_unit_test(paths_of_the_set_section_are_relative_to_its_file),
        cmocka_unit_test(wrong_boot_and_set_sections_are_refused),
        cmocka_unit_test(console_is_the_first_serial_device_or_the_one_named),
        cmocka_unit_test(layout_says_what_was_placed),
        cmocka_unit_test(big_x86_memory_is_split_and_ports_are_placed),
        cmocka_unit_test(what_the_accelerator_brings_is_in_the_layout_of_an_x86_machine),
        cmocka_unit_test(what_the_accelerator_brings_cannot_be_overlapped),
        cmocka_unit_test(byte_order_mark_and_carriage_returns_are_fine),
        cmocka_unit_test(every_error_of_a_file_is_reported_in_one_run),
        cmocka_unit_test(wrong_links_are_refused),
        cmocka_unit_test(cycles_of_links_are_refused),
        cmocka_unit_test(wrong_sections_of_classes_are_refused),
        cmocka_unit_test(wrong_pins_are_refused),
        cmocka_unit_test(wrong_variables_are_refused),
        cmocka_unit_test(variables_are_put_in),
        cmocka_unit_test(wrong_includes_are_refused),
        cmocka_unit_test(duplicates_are_refused),
        cmocka_unit_test(wrong_heads_are_refused),
        cmocka_unit_test(refused_line_does_not_make_the_rest_look_wrong),
        cmocka_unit_test(files_that_are_none_are_refused),
        cmocka_unit_test(more_errors_than_anyone_reads_are_counted),
        cmocka_unit_test(five_hundred_devices_load_quickly_and_no_worse_than_linearly),
        cmocka_unit_test(long_chain_of_links_is_no_deep_recursion),
    };
    int failed = cmocka_run_group_tests(tests, make_directory, remove_directory);
    free(said);
    return failed;
}
