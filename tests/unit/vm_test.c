/* A machine below its devices: order of set-up, run results, calls to vCPUs, time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <backplane/device.h>

#include "core/vm.h"
#include "unit/fake_accel.h"

#define RAM_BASE 0x80000000u
#define RAM_SIZE 0x1000000u
#define HZ       10000000u

static struct aspace *as;
static struct vm *vm;

static struct vm_config config_of(uint32_t n_cpus)
{
    return (struct vm_config){.arch = ARCH_RISCV64,
                              .n_cpus = n_cpus,
                              .timebase_hz = HZ,
                              .accel = &fake_accel,
                              .aspace = as};
}

static int begin(void **state)
{
    (void)state;
    fake_begin();
    vm = NULL;
    return aspace_create(ARCH_RISCV64, RAM_BASE, RAM_SIZE, 56, &as, NULL);
}

static int end(void **state)
{
    (void)state;
    vm_destroy(vm);
    aspace_destroy(as);
    /* Whatever the test did: nothing of the accelerator's is left. */
    return fake.n_vms != 0 || fake.n_vcpus != 0;
}

static void make(const struct vm_config *config)
{
    struct err err = {{0}};
    int32_t status = vm_create(config, &vm, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(status, BP_OK);
}

static void make_plain(uint32_t n_cpus)
{
    struct vm_config config = config_of(n_cpus);
    make(&config);
}

static enum run_result run(bool stop_on_reboot, uint32_t *code)
{
    struct vm_outcome outcome = {.result = RUN_HANDLED};
    struct err err = {{0}};
    assert_int_equal(vm_run(vm, stop_on_reboot, &outcome, &err), BP_OK);
    assert_string_equal(err.text, "");
    if (code != NULL)
        *code = outcome.code;
    return outcome.result;
}

/* --- Set-up ----------------------------------------------------------------------------------- */

static int32_t fail_at; /* the callback that shall fail, from 1 */
static int32_t n_callbacks;

static int32_t callback(const char *event, struct err *err)
{
    fake_event("%s", event);
    return ++n_callbacks == fail_at ? err_set(err, BP_ERR_IO, "callback %s failed", event) : BP_OK;
}

static int32_t on_create_vm(void *ctx, struct vm *made, struct err *err)
{
    char byte = 0;
    struct err early = {{0}};
    assert_ptr_equal(ctx, &n_callbacks);
    /* RAM does not exist yet, and that is an error of its own. */
    assert_null(vm_memory(made));
    assert_int_equal(vm_read(made, RAM_BASE, &byte, 1, &early), BP_ERR_STATE);
    assert_string_equal(early.text, "guest memory: there is no RAM yet");
    assert_int_equal(vm_write(made, RAM_BASE, &byte, 1, &early), BP_ERR_STATE);
    return callback("on_vm", err);
}

static int32_t on_create_vm_with_memory(void *ctx, struct vm *made, struct err *err)
{
    (void)ctx;
    assert_non_null(vm_memory(made));
    assert_int_equal(vm_write(made, RAM_BASE, "x", 1, err), BP_OK);
    assert_null(vm_vcpu(made, 0));
    return callback("on_memory", err);
}

static int32_t on_create_vcpu(void *ctx, struct vm *made, uint32_t index, struct err *err)
{
    char event[32];
    (void)ctx;
    assert_non_null(vm_vcpu(made, index));
    (void)snprintf(event, sizeof(event), "on_vcpu%u", index);
    return callback(event, err);
}

static int32_t on_load(void *ctx, struct vm *made, struct err *err)
{
    (void)ctx;
    (void)made;
    return callback("load", err);
}

static void on_reset(void *ctx, struct vm *made)
{
    (void)ctx;
    (void)made;
    fake_event("devices");
}

static struct vm_config config_with_callbacks(int32_t failing)
{
    struct vm_config config = config_of(2);
    config.ctx = &n_callbacks;
    config.on_create_vm = on_create_vm;
    config.on_create_vm_with_memory = on_create_vm_with_memory;
    config.on_create_vcpu = on_create_vcpu;
    config.load = on_load;
    config.reset = on_reset;
    n_callbacks = 0;
    fail_at = failing;
    return config;
}

static enum run_result halt(struct accel_vcpu *vcpu, struct err *err)
{
    (void)err;
    return vcpu->index == 0 ? RUN_HALTED : fake_run_until_kicked(vcpu);
}

static void callbacks_come_in_the_documented_order(void **state)
{
    (void)state;
    struct vm_config config = config_with_callbacks(0);
    fake.guest = halt;
    make(&config);
    assert_string_equal(fake.events, "vm on_vm map:80000000+1000000 on_memory vcpu0 on_vcpu0 vcpu1 "
                                     "on_vcpu1 ");
    fake.events[0] = '\0';
    assert_int_equal(run(false, NULL), RUN_HALTED);
    assert_string_equal(fake.events, "reset0 reset1-waits load ");
}

static void guest_with_its_own_firmware_starts_on_all_vcpus(void **state)
{
    (void)state;
    struct vm_config config = config_of(3);
    config.firmware = true;
    fake.guest = halt;
    make(&config);
    fake.events[0] = '\0';
    assert_int_equal(run(false, NULL), RUN_HALTED);
    assert_string_equal(fake.events, "reset0 reset1 reset2 ");
}

static void split_ram_is_mapped_as_two_slots(void **state)
{
    (void)state;
    struct aspace *split = NULL;
    assert_int_equal(
        aspace_create_split(ARCH_X86_64, 0, 0xc0000000, 0x100000000, 0x80000000, 48, &split, NULL),
        BP_OK);
    struct vm_config config = config_of(1);
    config.aspace = split;
    make(&config);
    assert_string_equal(fake.events, "vm map:0+c0000000 map:100000000+80000000 vcpu0 ");
    assert_int_equal(vm_memory_size(vm), 0x140000000);
    assert_int_equal(vm_memory_base(vm), 0);
    vm_destroy(vm);
    vm = NULL;
    aspace_destroy(split);
}

static void expect_no_vm(const struct vm_config *config, const char *sentence)
{
    struct err err = {{0}};
    struct vm *none = NULL;
    assert_true(vm_create(config, &none, &err) < 0);
    assert_string_equal(err.text, sentence);
    vm_destroy(none); /* what there is of it */
    assert_int_equal(fake.n_vms, 0);
    assert_int_equal(fake.n_vcpus, 0);
}

static void failing_set_up_leaves_nothing_behind(void **state)
{
    (void)state;
    static const char *const sentences[] = {"callback on_vm failed", "callback on_memory failed",
                                            "callback on_vcpu0 failed", "callback on_vcpu1 failed"};
    for (int32_t i = 0; i < 4; i++) {
        struct vm_config config = config_with_callbacks(i + 1);
        expect_no_vm(&config, sentences[i]);
    }
    struct vm_config plain = config_of(2);
    fake.failing_vcpu = 1;
    expect_no_vm(&plain, "fake: no vCPU 1");
    fake.map_memory = BP_ERR_NO_MEMORY;
    expect_no_vm(&plain, "fake: no memory");
    fake.vm_create = BP_ERR_UNSUPPORTED;
    expect_no_vm(&plain, "fake: no VM");
}

static void failing_load_ends_the_run_with_its_sentence(void **state)
{
    (void)state;
    struct vm_config config = config_with_callbacks(5);
    struct vm_outcome outcome;
    struct err err = {{0}};
    make(&config);
    assert_int_equal(vm_run(vm, false, &outcome, &err), BP_ERR_IO);
    assert_string_equal(err.text, "callback load failed");
}

static void memory_that_a_device_brings_is_mapped_and_checked(void **state)
{
    (void)state;
    struct err err = {{0}};
    make_plain(1);
    fake.events[0] = '\0';
    assert_int_equal(vm_write(vm, 0x90000000, "x", 1, &err), BP_ERR_RANGE);
    assert_string_equal(err.text, "guest memory: [0x90000000, +0x1) is not all RAM");
    assert_int_equal(vm_add_memory(vm, 0x90000000, 0x10000, &err), BP_OK);
    assert_string_equal(fake.events, "map:90000000+10000 ");
    assert_int_equal(vm_write(vm, 0x90000000, "x", 1, &err), BP_OK);
}

/* --- Run results ------------------------------------------------------------------------------ */

static enum run_result wanted;
static atomic_uint n_entries;

/* The first vCPU only: another one's result at the same time might come before it. */
static enum run_result give_wanted_once(struct accel_vcpu *vcpu, struct err *err)
{
    if (vcpu->index != 0)
        return fake_run_until_kicked(vcpu);
    if (atomic_fetch_add(&n_entries, 1) != 0)
        return RUN_HALTED;
    return wanted == RUN_ERROR ? (err_set(err, 0, "vCPU 0: the host ran out of luck"), wanted)
                               : wanted;
}

static void give(enum run_result result)
{
    wanted = result;
    atomic_store(&n_entries, 0);
    fake.guest = give_wanted_once;
}

static void each_result_of_a_vcpu_ends_the_run_with_it(void **state)
{
    (void)state;
    static const enum run_result results[] = {RUN_HALTED, RUN_CRASHED, RUN_YIELD, RUN_USER_YIELD};
    make_plain(1);
    for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
        give(results[i]);
        assert_int_equal(run(false, NULL), results[i]);
        assert_int_equal(atomic_load(&n_entries), 1);
    }
}

static enum run_result third_crashes(struct accel_vcpu *vcpu, struct err *err)
{
    (void)err;
    return vcpu->index == 2 ? RUN_CRASHED : fake_run_until_kicked(vcpu);
}

static enum run_result second_asks_for_power_off(struct accel_vcpu *vcpu, struct err *err)
{
    (void)err;
    if (vcpu->index == 1)
        vm_request(vm, RUN_HALTED, 7);
    return fake_run_until_kicked(vcpu);
}

static void the_outcome_names_the_vcpu_that_ended_the_run(void **state)
{
    (void)state;
    struct vm_outcome outcome;
    struct err err;
    make_plain(4);
    fake.guest = third_crashes;
    assert_int_equal(vm_run(vm, false, &outcome, &err), BP_OK);
    assert_int_equal(outcome.result, RUN_CRASHED);
    assert_int_equal(outcome.vcpu, 2);
    fake.guest = second_asks_for_power_off; /* as a device does, on the vCPU's thread */
    assert_int_equal(vm_run(vm, false, &outcome, &err), BP_OK);
    assert_int_equal(outcome.code, 7);
    assert_int_equal(outcome.vcpu, 1);
    vm_request(vm, RUN_HALTED, 300); /* from outside; the code is a byte */
    assert_int_equal(vm_run(vm, false, &outcome, &err), BP_OK);
    assert_int_equal(outcome.code, 300 & 0xff);
    assert_int_equal(outcome.vcpu, UINT32_MAX);
    fake.guest = NULL;
    vm_interrupt(vm);
    assert_int_equal(vm_run(vm, false, &outcome, &err), BP_OK);
    assert_int_equal(outcome.result, RUN_INTERRUPTED);
    assert_int_equal(outcome.vcpu, UINT32_MAX);
}

static unsigned n_presses;

static void on_power_button(void *ctx)
{
    assert_ptr_equal(ctx, &n_presses);
    n_presses++;
}

static void a_press_of_the_power_button_is_passed_on(void **state)
{
    (void)state;
    struct vm_config config = config_of(1);
    config.ctx = &n_presses;
    config.on_power_button = on_power_button;
    make(&config);
    n_presses = 0;
    vm_press_power_button(vm);
    vm_press_power_button(vm);
    assert_int_equal(n_presses, 2);
}

static void handled_exits_go_on(void **state)
{
    (void)state;
    make_plain(1);
    give(RUN_HANDLED);
    assert_int_equal(run(false, NULL), RUN_HALTED);
    assert_int_equal(atomic_load(&n_entries), 2);
}

static void error_of_a_vcpu_comes_with_its_sentence(void **state)
{
    (void)state;
    struct vm_outcome outcome;
    struct err err = {{0}};
    make_plain(2);
    give(RUN_ERROR);
    assert_int_equal(vm_run(vm, false, &outcome, &err), BP_ERR_IO);
    assert_string_equal(err.text, "vCPU 0: the host ran out of luck");
}

static void reboot_restarts_the_guest_with_all_devices_reset(void **state)
{
    (void)state;
    struct vm_config config = config_with_callbacks(0);
    make(&config);
    give(RUN_REBOOT);
    fake.events[0] = '\0';
    assert_int_equal(run(false, NULL), RUN_HALTED);
    assert_string_equal(fake.events, "reset0 reset1-waits load "
                                     "devices reset0 reset1-waits load ");
}

static void reboot_can_end_the_run(void **state)
{
    (void)state;
    make_plain(1);
    give(RUN_REBOOT);
    assert_int_equal(run(true, NULL), RUN_REBOOT);
    assert_int_equal(atomic_load(&n_entries), 1);
}

static unsigned n_yields;
static bool goes_on;

static bool on_yield(void *ctx, struct vm *made, enum run_result what)
{
    (void)ctx;
    assert_int_equal(what, wanted);
    n_yields++;
    /* The machine is paused: time stands still, and vCPUs can be looked at from here. */
    uint64_t now_ns = clock_now_ns(loop_clock(vm_loop(made)));
    assert_int_equal(clock_now_ns(loop_clock(vm_loop(made))), now_ns);
    return goes_on;
}

static void yield_goes_on_without_a_reset_when_the_host_wants_it(void **state)
{
    (void)state;
    struct vm_config config = config_with_callbacks(0);
    config.on_yield = on_yield;
    make(&config);
    give(RUN_USER_YIELD);
    n_yields = 0;
    goes_on = true;
    fake.events[0] = '\0';
    assert_int_equal(run(false, NULL), RUN_HALTED);
    assert_int_equal(n_yields, 1);
    assert_string_equal(fake.events, "reset0 reset1-waits load ");
}

static void yield_ends_the_run_when_the_host_wants_that(void **state)
{
    (void)state;
    struct vm_config config = config_of(1);
    config.on_yield = on_yield;
    make(&config);
    give(RUN_YIELD);
    n_yields = 0;
    goes_on = false;
    assert_int_equal(run(false, NULL), RUN_YIELD);
    assert_int_equal(n_yields, 1);
}

static enum run_result request_twice(struct accel_vcpu *vcpu, struct err *err)
{
    (void)err;
    vm_request(vm, RUN_HALTED, 0x142);
    vm_request(vm, RUN_CRASHED, 7);
    return fake_run_until_kicked(vcpu);
}

static void first_request_of_a_run_counts_and_its_code_is_a_byte(void **state)
{
    (void)state;
    uint32_t code = 0;
    make_plain(1);
    fake.guest = request_twice;
    assert_int_equal(run(false, &code), RUN_HALTED);
    assert_int_equal(code, 0x42);
}

static void *interrupt(void *arg)
{
    vm_interrupt(arg);
    return NULL;
}

static void user_ends_a_guest_that_computes_for_ever(void **state)
{
    (void)state;
    make_plain(4);
    for (unsigned i = 0; i < 100; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, interrupt, vm), 0);
        assert_int_equal(run(false, NULL), RUN_INTERRUPTED);
        pthread_join(thread, NULL);
    }
}

static enum run_result interrupt_and_give(struct accel_vcpu *vcpu, struct err *err)
{
    (void)vcpu;
    (void)err;
    vm_interrupt(vm);
    return wanted;
}

static void interrupt_wins_over_a_reboot_but_not_over_the_end(void **state)
{
    (void)state;
    make_plain(1);
    fake.guest = interrupt_and_give;
    wanted = RUN_REBOOT;
    assert_int_equal(run(false, NULL), RUN_INTERRUPTED);
    wanted = RUN_HALTED;
    enum run_result result = run(false, NULL);
    /* The loop may have stopped before the guest's result came. */
    assert_true(result == RUN_HALTED || result == RUN_INTERRUPTED);
}

static atomic_uint n_threads;
static pthread_barrier_t barrier;

static enum run_result meet_and_halt(struct accel_vcpu *vcpu, struct err *err)
{
    (void)err;
    atomic_fetch_add(&n_threads, 1);
    (void)pthread_barrier_wait(&barrier);
    return vcpu->index == 0 ? RUN_HALTED : fake_run_until_kicked(vcpu);
}

static void every_vcpu_has_a_thread_of_its_own(void **state)
{
    (void)state;
    make_plain(16);
    atomic_store(&n_threads, 0);
    assert_int_equal(pthread_barrier_init(&barrier, NULL, 16), 0);
    fake.guest = meet_and_halt;
    assert_int_equal(run(false, NULL), RUN_HALTED);
    assert_int_equal(atomic_load(&n_threads), 16);
    pthread_barrier_destroy(&barrier);
    assert_int_equal(vm_cpu_count(vm), 16);
    assert_null(vm_vcpu(vm, 16));
}

/* --- Calls to vCPUs --------------------------------------------------------------------------- */

struct called {
    struct accel_vcpu *vcpu;
    pthread_t thread;
    unsigned n;
};

static void on_call(void *ctx, struct accel_vcpu *vcpu)
{
    struct called *c = ctx;
    c->vcpu = vcpu;
    c->thread = pthread_self();
    c->n++;
}

static void call_before_the_run_is_made_at_once(void **state)
{
    (void)state;
    struct called c = {.n = 0};
    make_plain(2);
    assert_int_equal(vm_vcpu_call(vm, 1, on_call, &c), BP_OK);
    assert_int_equal(c.n, 1);
    assert_ptr_equal(c.vcpu, vm_vcpu(vm, 1));
    assert_true(pthread_equal(c.thread, pthread_self()));
    assert_int_equal(vm_vcpu_call(vm, 2, on_call, &c), BP_ERR_NOT_FOUND);
    assert_int_equal(c.n, 1);
}

static void *call_many(void *arg)
{
    uintptr_t failures = 0;
    (void)arg;
    for (unsigned i = 0; i < 500; i++) {
        struct called c = {.n = 0};
        uint32_t index = i % 2;
        failures += vm_vcpu_call(vm, index, on_call, &c) != BP_OK || c.n != 1 ||
                    c.vcpu != vm_vcpu(vm, index);
    }
    return (void *)failures;
}

static void *call_many_and_stop(void *arg)
{
    pthread_t helper;
    void *failures;
    if (pthread_create(&helper, NULL, call_many, NULL) != 0)
        abort();
    arg = call_many(NULL);
    pthread_join(helper, &failures);
    vm_interrupt(vm);
    return (void *)((uintptr_t)arg + (uintptr_t)failures);
}

/* Each call needs a kick to get through: a lost one would hang here. */
static void calls_interrupt_a_guest_that_computes_for_ever_and_none_is_lost(void **state)
{
    (void)state;
    pthread_t thread;
    void *failures = NULL;
    make_plain(2);
    assert_int_equal(pthread_create(&thread, NULL, call_many_and_stop, NULL), 0);
    assert_int_equal(run(false, NULL), RUN_INTERRUPTED);
    pthread_join(thread, &failures);
    assert_null(failures);
}

static struct called from_within;

static void call_again(void *ctx, struct accel_vcpu *vcpu)
{
    on_call(ctx, vcpu);
    assert_int_equal(vm_vcpu_call(vm, vcpu->index, on_call, ctx), BP_OK);
}

static enum run_result call_itself(struct accel_vcpu *vcpu, struct err *err)
{
    (void)err;
    if (vm_vcpu_call(vm, vcpu->index, call_again, &from_within) != BP_OK)
        return RUN_CRASHED;
    return from_within.n == 2 && pthread_equal(from_within.thread, pthread_self()) ? RUN_HALTED
                                                                                   : RUN_CRASHED;
}

static void call_from_the_vcpus_own_thread_does_not_deadlock(void **state)
{
    (void)state;
    make_plain(1);
    from_within = (struct called){.n = 0};
    fake.guest = call_itself;
    assert_int_equal(run(false, NULL), RUN_HALTED);
}

static enum run_result call_the_other(struct accel_vcpu *vcpu, struct err *err)
{
    (void)err;
    if (vcpu->index != 0)
        return fake_run_until_kicked(vcpu);
    for (unsigned i = 0; i < 100; i++)
        if (vm_vcpu_call(vm, 1, on_call, &from_within) != BP_OK)
            return RUN_CRASHED;
    return from_within.n == 100 && from_within.vcpu->index == 1 &&
                   !pthread_equal(from_within.thread, pthread_self())
               ? RUN_HALTED
               : RUN_CRASHED;
}

static void one_vcpu_may_call_another(void **state)
{
    (void)state;
    make_plain(2);
    from_within = (struct called){.n = 0};
    fake.guest = call_the_other;
    assert_int_equal(run(false, NULL), RUN_HALTED);
}

/* --- Accesses, time, counts ------------------------------------------------------------------- */

static uint64_t device_read(void *owner, uint32_t region, uint64_t offset, uint32_t width)
{
    (void)owner;
    return region + offset + width;
}

static enum run_result touch_devices(struct accel_vcpu *vcpu, struct err *err)
{
    const struct accel_env *env = vcpu->vm->config.env;
    uint8_t bytes[4] = {0};
    (void)err;
    bool is_right = env->mmio_read(env->ctx, 0x1004, 4) == 3 + 4 + 4 &&
                    env->mmio_read(env->ctx, 0x2000, 2) == 0xffff &&
                    env->console_write(env->ctx, bytes, 4) == 4 &&
                    env->console_read(env->ctx, bytes, 4) == 0;
    env->mmio_write(env->ctx, 0x2000, 8, 1);
    env->guest_log(env->ctx, vcpu->index, "something odd");
    env->power(env->ctx, is_right ? RUN_HALTED : RUN_CRASHED);
    return fake_run_until_kicked(vcpu);
}

static void accesses_reach_the_bus_and_are_counted(void **state)
{
    (void)state;
    struct vm_stats stats;
    struct bus_handler handler = {
        .base = 0x1000, .size = 0x100, .widths = BP_W32, .region = 3, .read = device_read};
    make_plain(1);
    vm_stats_read(vm, &stats);
    assert_int_equal(stats.first_run_ns, 0);
    assert_int_equal(bus_add(vm_bus(vm), &handler, NULL), BP_OK);
    fake.guest = touch_devices;
    assert_int_equal(run(false, NULL), RUN_HALTED);
    vm_stats_read(vm, &stats);
    assert_int_equal(stats.mmio_reads, 2);
    assert_int_equal(stats.mmio_writes, 1);
    assert_int_equal(stats.stray, 2);
    assert_true(stats.first_run_ns > 0);
}

static void guests_time_stands_still_until_the_machine_runs(void **state)
{
    (void)state;
    make_plain(1);
    assert_int_equal(vm_ticks(vm), 0);
    fake.guest = halt;
    assert_int_equal(run(false, NULL), RUN_HALTED);
    uint64_t ticks = vm_ticks(vm);
    assert_int_equal(vm_ticks(vm), ticks);
}

static void ticks_can_be_set_and_turn_into_deadlines(void **state)
{
    (void)state;
    make_plain(1);
    vm_set_ticks(vm, 5000);
    assert_int_equal(vm_ticks(vm), 5000);
    assert_int_equal(atomic_load(&fake.n_ticks_changed), 1);
    /* 10 MHz: 100 ns a tick; the machine has not run, so now is 0. */
    assert_int_equal(vm_ticks_to_ns(vm, 5001), 100);
    assert_int_equal(vm_ticks_to_ns(vm, 5000 + 3 * HZ), 3000000000);
    assert_int_equal(vm_ticks_to_ns(vm, 5000), 0);
    assert_int_equal(vm_ticks_to_ns(vm, 0), 0);
    assert_int_equal(vm_ticks_to_ns(vm, UINT64_MAX), UINT64_MAX);
    vm_set_ticks(vm, 1);
    assert_int_equal(vm_ticks(vm), 1);
    /* Backwards over zero, as a guest may write any value. */
    vm_set_ticks(vm, UINT64_MAX);
    assert_int_equal(vm_ticks(vm), UINT64_MAX);
}

static void deadline_is_never_before_its_tick(void **state)
{
    (void)state;
    struct vm_config config = config_of(1);
    config.timebase_hz = 32768;
    make(&config);
    for (uint64_t tick = 1; tick < 1000; tick++) {
        uint64_t ns = vm_ticks_to_ns(vm, tick);
        assert_true(ns * 32768 >= tick * 1000000000);
        assert_true((ns - 1) * 32768 < tick * 1000000000);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(callbacks_come_in_the_documented_order),
        TEST(guest_with_its_own_firmware_starts_on_all_vcpus),
        TEST(split_ram_is_mapped_as_two_slots),
        TEST(failing_set_up_leaves_nothing_behind),
        TEST(failing_load_ends_the_run_with_its_sentence),
        TEST(memory_that_a_device_brings_is_mapped_and_checked),
        TEST(each_result_of_a_vcpu_ends_the_run_with_it),
        TEST(the_outcome_names_the_vcpu_that_ended_the_run),
        TEST(a_press_of_the_power_button_is_passed_on),
        TEST(handled_exits_go_on),
        TEST(error_of_a_vcpu_comes_with_its_sentence),
        TEST(reboot_restarts_the_guest_with_all_devices_reset),
        TEST(reboot_can_end_the_run),
        TEST(yield_goes_on_without_a_reset_when_the_host_wants_it),
        TEST(yield_ends_the_run_when_the_host_wants_that),
        TEST(first_request_of_a_run_counts_and_its_code_is_a_byte),
        TEST(user_ends_a_guest_that_computes_for_ever),
        TEST(interrupt_wins_over_a_reboot_but_not_over_the_end),
        TEST(every_vcpu_has_a_thread_of_its_own),
        TEST(call_before_the_run_is_made_at_once),
        TEST(calls_interrupt_a_guest_that_computes_for_ever_and_none_is_lost),
        TEST(call_from_the_vcpus_own_thread_does_not_deadlock),
        TEST(one_vcpu_may_call_another),
        TEST(accesses_reach_the_bus_and_are_counted),
        TEST(guests_time_stands_still_until_the_machine_runs),
        TEST(ticks_can_be_set_and_turn_into_deadlines),
        TEST(deadline_is_never_before_its_tick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
