/* A machine with a VM: realized, reset, started and destroyed in an order in which nothing is used
 * before it is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/vm.h"
#include "machine_classes.h"

#define DISK                                                                                       \
    "[machine]\narch = riscv64\nmemory = 2M\n"                                                     \
    "[device d]\nplugin = virtio-blk\nbus = virtio-mmio\nblock = b\n"                              \
    "[backend b]\nplugin = block-null\n"

static struct machine *load(const char *text)
{
    char path[] = "/tmp/bp-machine-XXXXXX";
    struct diag diag;
    struct machine *machine = NULL;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
    struct accel_limits limits[ARCH_COUNT] = {[ARCH_RISCV64] = {.max_cpus = 16, .gpa_bits = 56}};
    struct machine_options options = {.path = path, .limits = limits};
    diag_init(&diag);
    assert_int_equal(machine_load_from(&options, &fake_source, &machine, &diag), BP_OK);
    diag_fini(&diag);
    (void)unlink(path);
    fake_calls[0] = '\0';
    return machine;
}

static struct vm *make_vm(const struct machine *machine)
{
    struct vm *vm = NULL;
    struct err err;
    struct vm_config config = {.arch = machine->arch,
                               .n_cpus = machine->n_cpus,
                               .timebase_hz = machine->timebase_hz,
                               .accel = &accel_rv64,
                               .aspace = machine->aspace};
    if (vm_create(&config, &vm, &err) != BP_OK)
        fail_msg("%s", err.text);
    return vm;
}

static void what_is_used_comes_before_its_users_and_goes_after(void **state)
{
    (void)state;
    struct err err;
    struct machine *machine = load(DISK);
    struct vm *vm = make_vm(machine);
    if (machine_realize(machine, vm, &err) != BP_OK)
        fail_msg("%s", err.text);
    assert_string_equal(fake_calls, "r:b r:d r:d.virtio-mmio 0:b 0:d 0:d.virtio-mmio ");
    fake_calls[0] = '\0';
    machine_start(machine);
    machine_reset(machine, BP_RESET_WARM);
    assert_string_equal(fake_calls, "s:b s:d s:d.virtio-mmio 1:b 1:d 1:d.virtio-mmio ");
    fake_calls[0] = '\0';
    machine_destroy_devices(machine);
    assert_string_equal(fake_calls, "d:d.virtio-mmio d:d d:b ");
    vm_destroy(vm);
    machine_destroy(machine);
    machine_destroy(NULL);
    machine_destroy_devices(NULL);
    assert_string_equal(fake_calls, "d:d.virtio-mmio d:d d:b ");
}

static void device_that_does_not_open_is_named(void **state)
{
    (void)state;
    struct err err;
    struct machine *machine =
        load("[machine]\narch = riscv64\nmemory = 2M\n[device lid]\nplugin = jammed\n"
             "[device after]\nplugin = relay\n");
    struct vm *vm = make_vm(machine);
    assert_int_equal(machine_realize(machine, vm, &err), BP_ERR_IO);
    assert_string_equal(err.text, "device lid: the lid is jammed: press harder");
    assert_string_equal(fake_calls, "");
    machine_destroy_devices(machine);
    vm_destroy(vm);
    machine_destroy(machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_used_comes_before_its_users_and_goes_after),
        cmocka_unit_test(device_that_does_not_open_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
