/* bp.apic/1 between a device that is the I/O APIC and an accelerator that has the local ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <backplane/if/apic.h>
#include <backplane/if/irqchip.h>

#include "core/vm.h"
#include "plugin/device.h"
#include "unit/fake_accel.h"

/* --- An I/O APIC: sends one message for each rise of a line, and again at its end ------------- */

struct chip {
    const struct bp_host *host;
    const struct bp_apic *apic;
    unsigned n_ends;
    uint32_t last_end;
};

static int32_t chip_create(const struct bp_host *host, void *dev)
{
    struct chip *s = dev;
    s->host = host;
    s->apic = host->get_interface(host, BP_APIC_ID);
    return BP_OK;
}

static void chip_range(const void *dev, uint32_t *first, uint32_t *count)
{
    (void)dev;
    *first = 1;
    *count = 47;
}

static void chip_set(void *dev, uint32_t line, uint32_t level)
{
    struct chip *s = dev;
    if (level != 0)
        (void)s->apic->send(s->host, 0xfee00000, line);
}

static void chip_eoi(void *dev, uint32_t vector)
{
    struct chip *s = dev;
    s->n_ends++;
    s->last_end = vector;
    (void)s->apic->send(s->host, 0xfee00000, vector);
}

static const struct bp_irqchip_ops chip_ops = {
    .struct_size = sizeof(struct bp_irqchip_ops), .range = chip_range, .set = chip_set};
static const struct bp_apic_eoi_ops eoi_ops = {.struct_size = sizeof(struct bp_apic_eoi_ops),
                                               .eoi = chip_eoi};
static const struct bp_service chip_services[] = {{BP_IRQCHIP_ID, &chip_ops},
                                                  {BP_APIC_EOI_ID, &eoi_ops}};
static const struct bp_class chip_class = {.struct_size = sizeof(struct bp_class),
                                           .id = "chip",
                                           .version = "1.0",
                                           .summary = "an I/O APIC",
                                           .instance_size = sizeof(struct chip),
                                           .services = BP_TABLE(chip_services),
                                           .create = chip_create};

static const struct bp_service plain_services[] = {{BP_IRQCHIP_ID, &chip_ops}};
static const struct bp_class plain_class = {.struct_size = sizeof(struct bp_class),
                                            .id = "plain",
                                            .version = "1.0",
                                            .summary = "another controller",
                                            .services = BP_TABLE(plain_services)};

static const struct bp_line lines[] = {{"out", BP_LEVEL_HIGH, 0}};
static const struct bp_class sender_class = {.struct_size = sizeof(struct bp_class),
                                             .id = "sender",
                                             .version = "1.0",
                                             .summary = "has a line",
                                             .lines = BP_TABLE(lines)};

/* --- The accelerator -------------------------------------------------------------------------- */

static struct {
    uint64_t address;
    uint32_t data, pin;
    bool is_level, is_masked;
    unsigned n_sent, n_routed;
    int32_t status;
} apics;

static int32_t note_msi(struct accel_vm *accel_vm, uint64_t address, uint32_t data)
{
    (void)accel_vm;
    apics.address = address;
    apics.data = data;
    apics.n_sent++;
    return apics.status;
}

static int32_t note_route(struct accel_vm *accel_vm, uint32_t pin, uint64_t address, uint32_t data,
                          bool is_level, bool is_masked)
{
    (void)accel_vm;
    apics.pin = pin;
    apics.address = address;
    apics.data = data;
    apics.is_level = is_level;
    apics.is_masked = is_masked;
    apics.n_routed++;
    return apics.status;
}

static struct aspace *as;
static struct vm *vm;
static struct accel_ops accel;
static struct device *chip;

static struct device *make(const struct bp_class *class_)
{
    struct err err = {{0}};
    struct device *made = NULL;
    assert_int_equal(device_new(class_, class_->id, 1, 1000000, &made, &err), BP_OK);
    assert_int_equal(device_create(made, &err), BP_OK);
    return made;
}

static void on_eoi(void *ctx, uint32_t vector)
{
    (void)ctx;
    device_apic_eoi(chip, vector);
}

static void make_vm(void)
{
    struct vm_config config = {.arch = ARCH_X86_64,
                               .n_cpus = 1,
                               .timebase_hz = 1000000,
                               .ioapic_pins = device_apic_pins(chip),
                               .accel = &accel,
                               .aspace = as,
                               .eoi = on_eoi};
    struct err err = {{0}};
    assert_int_equal(vm_create(&config, &vm, &err), BP_OK);
    assert_int_equal(device_realize(chip, vm, &err), BP_OK);
}

static int begin(void **state)
{
    (void)state;
    memset(&apics, 0, sizeof(apics));
    fake_begin();
    accel = fake_accel;
    accel.send_msi = note_msi;
    accel.route_pin = note_route;
    vm = NULL;
    chip = NULL;
    return aspace_create(ARCH_X86_64, 0, 0x100000, 40, &as, NULL);
}

static int end(void **state)
{
    (void)state;
    device_destroy(chip);
    vm_destroy(vm);
    aspace_destroy(as);
    return 0;
}

static const struct bp_apic *apic(void)
{
    return chip->host.get_interface(&chip->host, BP_APIC_ID);
}

/* --- Tests ------------------------------------------------------------------------------------ */

static void messages_and_routes_reach_the_accelerator(void **state)
{
    (void)state;
    chip = make(&chip_class);
    make_vm();
    assert_int_equal(apic()->send(&chip->host, 0xfee03000, 0x31), BP_OK);
    assert_int_equal(apics.address, 0xfee03000);
    assert_int_equal(apics.data, 0x31);
    assert_int_equal(apic()->route(&chip->host, 7, 0xfee01000, 0xc052, BP_APIC_LEVEL), BP_OK);
    assert_int_equal(apics.pin, 7);
    assert_int_equal(apics.address, 0xfee01000);
    assert_int_equal(apics.data, 0xc052);
    assert_true(apics.is_level);
    assert_false(apics.is_masked);
    assert_int_equal(apic()->route(&chip->host, 7, 0, 0, BP_APIC_MASKED), BP_OK);
    assert_false(apics.is_level);
    assert_true(apics.is_masked);
}

static void a_refusal_of_the_accelerator_is_the_answer(void **state)
{
    (void)state;
    chip = make(&chip_class);
    make_vm();
    apics.status = BP_ERR_RANGE;
    assert_int_equal(apic()->send(&chip->host, 0, 0), BP_ERR_RANGE);
    assert_int_equal(apic()->route(&chip->host, 200, 0, 0, 0), BP_ERR_RANGE);
}

static void an_accelerator_without_local_apics_says_unsupported(void **state)
{
    (void)state;
    accel = fake_accel;
    chip = make(&chip_class);
    make_vm();
    assert_int_equal(apic()->send(&chip->host, 0xfee00000, 0x31), BP_ERR_UNSUPPORTED);
    assert_int_equal(apic()->route(&chip->host, 1, 0xfee00000, 0x31, 0), BP_ERR_UNSUPPORTED);
}

static void before_there_is_a_machine_nothing_is_sent(void **state)
{
    (void)state;
    chip = make(&chip_class);
    assert_int_equal(apic()->send(&chip->host, 0xfee00000, 0x31), BP_ERR_STATE);
    assert_int_equal(apic()->route(&chip->host, 1, 0xfee00000, 0x31, 0), BP_ERR_STATE);
    assert_int_equal(apics.n_sent + apics.n_routed, 0);
}

static void only_an_io_apic_has_pins_that_the_accelerator_must_know(void **state)
{
    (void)state;
    assert_int_equal(device_apic_pins(NULL), 0);
    chip = make(&plain_class);
    assert_int_equal(device_apic_pins(chip), 0);
    device_apic_eoi(chip, 1); /* nothing */
    device_apic_eoi(NULL, 1);
    device_destroy(chip);
    chip = make(&chip_class);
    assert_int_equal(device_apic_pins(chip), 48); /* from 0, though its lines begin at 1 */
}

static enum run_result end_and_power_off(struct accel_vcpu *vcpu, struct err *err)
{
    const struct accel_env *env = vcpu->vm->config.env;
    (void)err;
    env->eoi(env->ctx, 0x52);
    env->power(env->ctx, RUN_HALTED);
    return RUN_HALTED;
}

static void the_end_of_an_interrupt_reaches_the_device_which_may_send_again(void **state)
{
    (void)state;
    struct vm_outcome outcome;
    struct err err = {{0}};
    chip = make(&chip_class);
    make_vm();
    fake.guest = end_and_power_off;
    assert_int_equal(vm_run(vm, true, &outcome, &err), BP_OK);
    assert_int_equal(((struct chip *)chip->instance)->n_ends, 1);
    assert_int_equal(((struct chip *)chip->instance)->last_end, 0x52);
    assert_int_equal(apics.n_sent, 1);
    assert_int_equal(apics.data, 0x52);
}

static void a_line_of_another_device_becomes_a_message(void **state)
{
    (void)state;
    chip = make(&chip_class);
    make_vm();
    struct device *sender = make(&sender_class);
    sender->irqchip = chip;
    sender->lines[0].connected = true;
    sender->lines[0].number = 33;
    struct err err = {{0}};
    assert_int_equal(device_realize(sender, vm, &err), BP_OK);
    device_irq_set(sender, 0, 1);
    device_irq_set(sender, 0, 1);
    device_irq_set(sender, 0, 0);
    assert_int_equal(apics.n_sent, 1);
    assert_int_equal(apics.data, 33);
    device_destroy(sender);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(messages_and_routes_reach_the_accelerator),
        T(a_refusal_of_the_accelerator_is_the_answer),
        T(an_accelerator_without_local_apics_says_unsupported),
        T(before_there_is_a_machine_nothing_is_sent),
        T(only_an_io_apic_has_pins_that_the_accelerator_must_know),
        T(the_end_of_an_interrupt_reaches_the_device_which_may_send_again),
        T(a_line_of_another_device_becomes_a_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
