/*
 * Whole bare-metal guests on the boot loader, the machine core and accel/kvm, with devices of the
 * test's own on the bus. Every /dev/kvm will do, also one that only emulates: the guests are small.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include <backplane/device.h>

#include "boot/boot.h"
#include "core/vm.h"

#define RAM_BYTES   (48u << 20)
#define CPUS        4u
#define COM1        0x3f8
#define EXIT        0xf4
#define CLOCK       0x70
#define RESET       0xcf9
#define PAGE_GPA    0xd0000000u /* where a device is */
#define DOORBELL    (PAGE_GPA + 0x50)
#define BELL_VALUE  3u
#define WINDOWS_MAX 64

/* As in firmware/guests/x86_64/guest.h, typed again. */
struct config {
    char magic[8];
    uint64_t seed, rounds, flags, n_cpus, arena_gpa, arena_bytes;
    uint16_t console_port, exit_port, reset_port, keyboard_port, clock_port, speed_port, sleep_port,
        panic_port;
    uint64_t speed_gpa, doorbell_gpa, doorbell_value, n_windows;
    struct {
        uint64_t base, size;
        uint32_t kind, flags;
    } windows[WINDOWS_MAX];
};

#define FLAG_CRASH   2u
#define WINDOW_PORTS 1u
#define WINDOW_EXIT  5u

static struct {
    struct aspace *as;
    struct boot *boot;
    struct vm *vm;
    struct config config;
    char console[4096];
    size_t n_console;
    uint8_t clock[128], clock_index;
    unsigned n_resets, n_rung, n_page_reads, n_page_writes, n_bell_writes;
} m;

/* --- Devices ---------------------------------------------------------------------------------- */

static uint64_t on_read(void *owner, uint32_t region, uint64_t offset, uint32_t width)
{
    (void)owner;
    (void)width;
    switch (region) {
    case COM1:
        return offset == 5 ? 0x60 : 0;
    case CLOCK:
        return offset == 1 ? m.clock[m.clock_index] : 0xff;
    default:
        m.n_page_reads++;
        return offset;
    }
}

static void on_write(void *owner, uint32_t region, uint64_t offset, uint32_t width, uint64_t value)
{
    (void)owner;
    (void)width;
    switch (region) {
    case COM1:
        if (offset == 0 && m.n_console + 1 < sizeof(m.console))
            m.console[m.n_console++] = (char)value;
        return;
    case CLOCK:
        if (offset == 0)
            m.clock_index = value & 127;
        else
            m.clock[m.clock_index] = (uint8_t)value;
        return;
    case EXIT:
        vm_request(m.vm, RUN_HALTED, (uint32_t)value);
        return;
    case RESET:
        if (value == 6)
            vm_request(m.vm, RUN_REBOOT, 0);
        return;
    default:
        m.n_page_writes++;
        m.n_bell_writes += offset == DOORBELL - PAGE_GPA;
        return;
    }
}

static void add(struct bus *bus, uint64_t base, uint64_t size, uint32_t widths, uint32_t region)
{
    struct err err = {{0}};
    const struct bus_handler handler = {.base = base,
                                        .size = size,
                                        .widths = widths,
                                        .region = region,
                                        .read = on_read,
                                        .write = on_write};
    (void)bus_add(bus, &handler, &err);
    assert_string_equal(err.text, "");
}

static void on_rung(void *ctx)
{
    (void)ctx;
    m.n_rung++;
}

static int32_t on_memory(void *ctx, struct vm *vm, struct err *err)
{
    const struct vm_doorbell bell = {
        .address = DOORBELL, .width = 4, .value = BELL_VALUE, .fn = on_rung, .ctx = &m};
    (void)ctx;
    m.vm = vm;
    add(vm_ports(vm), COM1, 8, BP_W8, COM1);
    add(vm_ports(vm), EXIT, 1, BP_W8, EXIT);
    add(vm_ports(vm), CLOCK, 2, BP_W8, CLOCK);
    add(vm_ports(vm), RESET, 1, BP_W8, RESET);
    add(vm_bus(vm), PAGE_GPA, 0x1000, BP_W8 | BP_W16 | BP_W32 | BP_W64, 1);
    return vm_add_doorbell(vm, &bell, err);
}

/* --- Machine ---------------------------------------------------------------------------------- */

/* What the guest shall know lies somewhere in its image, behind the magic bytes. */
static int32_t fill_config(struct vm *vm, struct err *err)
{
    static uint8_t image[1 << 16];
    int32_t status = vm_read(vm, 0x200000, image, sizeof(image), err);
    uint8_t *at = status == BP_OK ? memmem(image, sizeof(image), "BPGUESTX", 8) : NULL;
    if (at == NULL)
        return err_set(err, BP_ERR_NOT_FOUND, "the guest has no place for its settings");
    return vm_write(vm, 0x200000 + (uint64_t)(at - image), &m.config, sizeof(m.config), err);
}

static int32_t on_load(void *ctx, struct vm *vm, struct err *err)
{
    static const struct e820_entry e820[] = {{0, 0xa0000, 1}, {0x100000, RAM_BYTES - 0x100000, 1}};
    const struct boot_tables tables = {.e820 = e820, .n_e820 = 2};
    struct boot_register registers[BOOT_REGISTERS_MAX];
    (void)ctx;
    int32_t status = boot_load(m.boot, vm_memory(vm), &tables, err);
    if (status == BP_OK)
        status = accel_kvm.set_long_mode(vm_vcpu(vm, 0), &boot_get_plan(m.boot)->long_mode, err);
    size_t n = boot_registers(m.boot, 0, registers);
    for (size_t i = 0; i < n && status == BP_OK; i++)
        status = accel_kvm.set_reg(vm_vcpu(vm, 0), registers[i].reg, registers[i].value, err);
    return status == BP_OK ? fill_config(vm, err) : status;
}

static void on_reset(void *ctx, struct vm *vm)
{
    (void)ctx;
    memory_clear(vm_memory(vm));
    m.n_resets++;
}

static void set_window(uint64_t base, uint64_t size, uint32_t kind, uint32_t flags)
{
    uint64_t i = m.config.n_windows++;
    m.config.windows[i].base = base;
    m.config.windows[i].size = size;
    m.config.windows[i].kind = kind;
    m.config.windows[i].flags = flags;
}

static void make(const char *guest, uint32_t n_cpus)
{
    char path[256];
    struct err err = {{0}};
    (void)snprintf(path, sizeof(path), BUILD_DIR "/guests/x86_64/%s.elf", guest);
    struct boot_request request = {.arch = ARCH_X86_64, .kernel = path, .e820_max = 2};
    assert_int_equal(aspace_create(ARCH_X86_64, 0, RAM_BYTES, 40, &m.as, &err), BP_OK);
    request.n_ram = aspace_ram(m.as, request.ram);
    struct vm_config config = {.arch = ARCH_X86_64,
                               .n_cpus = n_cpus,
                               .timebase_hz = 1000000000,
                               .accel = &accel_kvm,
                               .aspace = m.as,
                               .on_create_vm_with_memory = on_memory,
                               .load = on_load,
                               .reset = on_reset};
    if (vm_create(&config, &m.vm, &err) != BP_OK) {
        printf("no KVM for tests here: %s\n", err.text);
        skip();
    }
    if (boot_open(&request, &m.boot, &err) != BP_OK)
        fail_msg("%s (make tests builds the guests)", err.text);
    memcpy(m.config.magic, "BPGUESTX", 8);
    m.config.seed = 1;
    m.config.rounds = 10;
    m.config.n_cpus = n_cpus;
    m.config.arena_gpa = 16 << 20;
    m.config.arena_bytes = 16 << 20;
    m.config.console_port = COM1;
    m.config.exit_port = EXIT;
}

static int begin(void **state)
{
    (void)state;
    memset(&m, 0, sizeof(m));
    return 0;
}

static int end(void **state)
{
    (void)state;
    if (m.vm != NULL)
        vm_remove_doorbells(m.vm, &m);
    vm_destroy(m.vm);
    boot_close(m.boot);
    aspace_destroy(m.as);
    return 0;
}

static struct vm_outcome run(void)
{
    struct err err = {{0}};
    struct vm_outcome outcome = {.result = RUN_ERROR};
    if (vm_run(m.vm, false, &outcome, &err) != BP_OK)
        fail_msg("%s", err.text);
    return outcome;
}

/* --- Tests ------------------------------------------------------------------------------------ */

static void a_guest_says_hello_and_ends_with_status_0(void **state)
{
    (void)state;
    make("hello", 1);
    struct vm_outcome outcome = run();
    assert_int_equal(outcome.result, RUN_HALTED);
    assert_int_equal(outcome.code, 0);
    assert_string_equal(m.console, "hello from x86_64\n");
}

static void all_processors_begin_when_the_first_calls_them(void **state)
{
    (void)state;
    make("smp", CPUS);
    struct vm_outcome outcome = run();
    assert_string_equal(m.console, "processors: 4\n");
    assert_int_equal(outcome.result, RUN_HALTED);
    assert_int_equal(outcome.code, 0);
}

static void a_guest_that_resets_in_a_loop_begins_anew_each_time(void **state)
{
    (void)state;
    make("resetloop", 2);
    m.config.rounds = 12;
    m.config.reset_port = RESET;
    m.config.clock_port = CLOCK;
    struct vm_outcome outcome = run();
    assert_int_equal(outcome.result, RUN_HALTED);
    assert_int_equal(m.n_resets, 12);
    assert_string_equal(m.console, "resets: 12\n");
}

static void a_triple_fault_ends_the_machine_as_crashed(void **state)
{
    (void)state;
    make("resetloop", 1);
    m.config.rounds = 0;
    m.config.flags = FLAG_CRASH;
    m.config.clock_port = CLOCK;
    assert_int_equal(run().result, RUN_CRASHED);
    assert_int_equal(m.n_resets, 0);
}

static uint64_t count_of(const char *kind)
{
    struct accel_count counts[16];
    size_t n = accel_kvm.exit_counts(vm_vcpu(m.vm, 0), counts, 16);
    for (size_t i = 0; i < n && i < 16; i++)
        if (strcmp(counts[i].name, kind) == 0)
            return counts[i].n;
    return 0;
}

static void doorbells_never_leave_the_guest_and_other_accesses_do_each_time(void **state)
{
    (void)state;
    make("exits", 1);
    m.config.rounds = 100;
    m.config.speed_gpa = PAGE_GPA;
    m.config.doorbell_gpa = DOORBELL;
    m.config.doorbell_value = BELL_VALUE;
    assert_int_equal(run().result, RUN_HALTED);
    assert_non_null(strstr(m.console, "mmio 100 "));
    assert_non_null(strstr(m.console, "doorbell 100 "));
    assert_int_equal(m.n_page_reads, 100);
    assert_int_equal(m.n_bell_writes, 0);
    assert_int_equal(count_of("mmio"), 100);
    assert_in_range(m.n_rung, 1, 100);
}

static void another_value_at_a_doorbell_is_a_plain_write(void **state)
{
    (void)state;
    make("exits", 1);
    m.config.rounds = 50;
    m.config.doorbell_gpa = DOORBELL;
    m.config.doorbell_value = BELL_VALUE + 1;
    assert_int_equal(run().result, RUN_HALTED);
    assert_int_equal(m.n_bell_writes, 50);
    assert_int_equal(m.n_rung, 0);
}

static void accesses_at_random_end_in_good_order(void **state)
{
    (void)state;
    make("fuzz", 1);
    m.config.rounds = 60;
    m.config.seed = 7;
    set_window(PAGE_GPA, 0x1000, 0, 0);
    set_window(COM1, 8, 0, WINDOW_PORTS);
    set_window(CLOCK, 2, 0, WINDOW_PORTS);
    set_window(EXIT, 1, WINDOW_EXIT, WINDOW_PORTS);
    struct vm_outcome outcome = run();
    assert_true(outcome.result == RUN_HALTED || outcome.result == RUN_CRASHED);
    assert_true(m.n_page_reads > 0);
    assert_true(m.n_page_writes > 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(a_guest_says_hello_and_ends_with_status_0),
        T(all_processors_begin_when_the_first_calls_them),
        T(a_guest_that_resets_in_a_loop_begins_anew_each_time),
        T(a_triple_fault_ends_the_machine_as_crashed),
        T(doorbells_never_leave_the_guest_and_other_accesses_do_each_time),
        T(another_value_at_a_doorbell_is_a_plain_write),
        T(accesses_at_random_end_in_good_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
