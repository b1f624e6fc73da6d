/* Interrupts, doorbells and dirty pages of accel/kvm, as tiny x86_64 guests see them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <backplane/device.h>

#include "unit/kvm_guests_x86_64.h"
#include "unit/kvm_rig.h"

static struct rig rig;

static void begin(uint32_t n_cpus, uint32_t ioapic_pins)
{
    if (rig_is_impossible())
        skip();
    rig_make(&rig, n_cpus, ioapic_pins);
}

static int end(void **state)
{
    (void)state;
    rig_end(&rig);
    memset(&rig, 0, sizeof(rig));
    return 0;
}

#define PORT_READY 0x80u
#define PORT_FIRST 0x90u
#define PORT_LAST  0x91u

/* --- Lines ------------------------------------------------------------------------------------ */

extern const uint8_t lines_edge[], lines_level[];
GUEST(lines, ".code64\n" GUEST_LIDT GUEST_APIC_ON "mov $0xfec00000, %esi\n"
             "movl $0x1a, (%rsi)\n movl $0x31, 0x10(%rsi)\n" /* pin 5: edge */
             "movl $0x1b, (%rsi)\n movl $0, 0x10(%rsi)\n"
             "movl $0x30, (%rsi)\n movl $0x8032, 0x10(%rsi)\n" /* pin 16: level */
             "movl $0x31, (%rsi)\n movl $0, 0x10(%rsi)\n"
             "sti\n out %al, $0x80\n"
             "1: hlt\n jmp 1b\n"
             "lines_edge: out %al, $0x90\n" GUEST_EOI "iretq\n"
             "lines_level: out %al, $0x91\n" GUEST_EOI "iretq\n");

static void drive_lines(struct rig *r, uint16_t port, uint64_t value)
{
    (void)value;
    if (port == PORT_READY)
        accel_kvm.set_line(r->vm, 5, true);
    if (port == PORT_FIRST && rig_count(r, PORT_FIRST) == 1) {
        accel_kvm.set_line(r->vm, 5, false); /* an edge line has no level */
        accel_kvm.set_line(r->vm, 5, true);
    } else if (port == PORT_FIRST) {
        accel_kvm.set_line(r->vm, 16, true);
    }
    if (port == PORT_LAST && rig_count(r, PORT_LAST) == 3) {
        accel_kvm.set_line(r->vm, 16, false);
        accel_kvm.vcpu_kick(r->vcpus[0]);
    }
}

static void an_edge_fires_once_and_a_level_until_it_falls(void **state)
{
    (void)state;
    begin(1, 0);
    assert_int_equal(accel_kvm.connect_line(rig.vm, 5, BP_EDGE_RISING, NULL), BP_OK);
    assert_int_equal(accel_kvm.connect_line(rig.vm, 16, BP_LEVEL_HIGH, NULL), BP_OK);
    rig.on_port = drive_lines;
    guest_start_long(&rig, GUEST_OF(lines));
    guest_set_gate(&rig, 0x31, GUEST_ADDRESS(lines, lines_edge));
    guest_set_gate(&rig, 0x32, GUEST_ADDRESS(lines, lines_level));
    assert_int_equal(rig_run(&rig), RUN_INTERRUPTED);
    assert_int_equal(rig_count(&rig, PORT_FIRST), 2);
    assert_int_equal(rig_count(&rig, PORT_LAST), 3);
}

static void lines_that_are_not_there_or_taken_are_errors(void **state)
{
    (void)state;
    struct err err = {{0}};
    begin(1, 0);
    assert_int_equal(accel_kvm.connect_line(rig.vm, 24, BP_LEVEL_HIGH, &err), BP_ERR_RANGE);
    assert_string_equal(err.text, "accelerator kvm: line 24: the I/O APIC has lines 1-23");
    assert_int_equal(accel_kvm.connect_line(rig.vm, 0, BP_LEVEL_HIGH, &err), BP_ERR_RANGE);
    assert_int_equal(accel_kvm.connect_line(rig.vm, 2, BP_LEVEL_HIGH, &err), BP_ERR_EXISTS);
    assert_string_equal(err.text, "accelerator kvm: line 2: it is the timer's");
    assert_int_equal(accel_kvm.connect_line(rig.vm, 9, BP_LEVEL_HIGH, &err), BP_OK);
    assert_int_equal(accel_kvm.connect_line(rig.vm, 9, BP_LEVEL_HIGH, &err), BP_OK);
    assert_int_equal(accel_kvm.connect_line(rig.vm, 9, BP_EDGE_RISING, &err), BP_ERR_EXISTS);
    accel_kvm.set_line(rig.vm, 7, true);   /* not connected */
    accel_kvm.set_line(rig.vm, 999, true); /* not there */
}

/* --- The 8254 by the 8259s: the way in which kernels without the I/O APIC take interrupts ------
 */

extern const uint8_t pic_timer[];
GUEST(pic, ".code64\n" GUEST_LIDT "mov $0xfee00000, %edi\n movl $0x1ff, 0xf0(%rdi)\n"
           "mov $0x11, %al\n out %al, $0x20\n out %al, $0xa0\n"
           "mov $0x40, %al\n out %al, $0x21\n mov $0x48, %al\n out %al, $0xa1\n"
           "mov $4, %al\n out %al, $0x21\n mov $2, %al\n out %al, $0xa1\n"
           "mov $1, %al\n out %al, $0x21\n out %al, $0xa1\n"
           "mov $0xfe, %al\n out %al, $0x21\n mov $0xff, %al\n out %al, $0xa1\n"
           "mov $0x34, %al\n out %al, $0x43\n mov $0, %al\n out %al, $0x40\n"
           "mov $0x10, %al\n out %al, $0x40\n"
           "sti\n 1: hlt\n jmp 1b\n"
           "pic_timer: mov $0x20, %al\n out %al, $0x20\n out %al, $0xf4\n iretq\n");

static void the_timer_reaches_the_guest_through_the_8259(void **state)
{
    (void)state;
    begin(1, 0);
    guest_start_long(&rig, GUEST_OF(pic));
    guest_set_gate(&rig, 0x40, GUEST_ADDRESS(pic, pic_timer));
    assert_int_equal(rig_run(&rig), RUN_INTERRUPTED);
    assert_int_equal(rig.n_done, 1);
    assert_int_equal(rig.n_log, 0);
}

/* --- Messages --------------------------------------------------------------------------------- */

extern const uint8_t message_handler[];
GUEST(message, ".code64\n" GUEST_LIDT GUEST_APIC_ON "sti\n out %al, $0x80\n"
               "1: hlt\n jmp 1b\n"
               "message_handler: out %al, $0x90\n" GUEST_EOI "out %al, $0xf4\n iretq\n");

static void send_message(struct rig *r, uint16_t port, uint64_t value)
{
    (void)value;
    if (port == PORT_READY)
        assert_int_equal(accel_kvm.send_msi(r->vm, 0xfee00000, 0x45), BP_OK);
}

static void a_message_becomes_its_vector(void **state)
{
    (void)state;
    begin(1, 0);
    rig.on_port = send_message;
    guest_start_long(&rig, GUEST_OF(message));
    guest_set_gate(&rig, 0x45, GUEST_ADDRESS(message, message_handler));
    assert_int_equal(rig_run(&rig), RUN_INTERRUPTED);
    assert_int_equal(rig_count(&rig, PORT_FIRST), 1);
}

/* --- An I/O APIC of the machine's own ----------------------------------------------------------
 */

#define LEVEL_MESSAGE 0xc045u

static void route_and_send(struct rig *r, uint16_t port, uint64_t value)
{
    (void)value;
    if (port != PORT_READY)
        return;
    assert_int_equal(accel_kvm.route_pin(r->vm, 5, 0xfee00000, LEVEL_MESSAGE, true, false), BP_OK);
    assert_int_equal(accel_kvm.route_pin(r->vm, 5, 0xfee00000, LEVEL_MESSAGE, true, true), BP_OK);
    assert_int_equal(accel_kvm.route_pin(r->vm, 24, 0xfee00000, 0x46, true, false), BP_ERR_RANGE);
    assert_int_equal(accel_kvm.send_msi(r->vm, 0xfee00000, LEVEL_MESSAGE), BP_OK);
}

static void the_end_of_a_level_interrupt_is_told_to_the_machines_ioapic(void **state)
{
    (void)state;
    struct err err;
    begin(1, 24);
    rig.on_port = route_and_send;
    guest_start_long(&rig, GUEST_OF(message));
    guest_set_gate(&rig, 0x45, GUEST_ADDRESS(message, message_handler));
    assert_int_equal(rig_run(&rig), RUN_INTERRUPTED);
    assert_int_equal(rig.eoi_vector, 0x45);
    /* The 8259s are not there either: the ports that masked them came out. */
    assert_int_equal(rig_count(&rig, 0x21), 1);
    assert_int_equal(rig_count(&rig, 0xa1), 1);
    assert_int_equal(accel_kvm.connect_line(rig.vm, 5, BP_LEVEL_HIGH, &err), BP_ERR_STATE);
    assert_string_equal(err.text,
                        "accelerator kvm: line 5: a device of the machine is the I/O APIC");
}

/* --- Doorbells -------------------------------------------------------------------------------- */

GUEST(doorbell, ".code64\n"
                "mov $0xc0000050, %edi\n"
                "movl $3, (%rdi)\n movl $4, (%rdi)\n movl $3, (%rdi)\n"
                "mov $0x700, %dx\n mov $9, %ax\n out %ax, %dx\n mov $8, %ax\n out %ax, %dx\n"
                "out %al, $0xf4\n 1: jmp 1b\n");

static uint64_t rings_of(int fd)
{
    uint64_t n = 0;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, 0) == 1)
        assert_int_equal(read(fd, &n, sizeof(n)), sizeof(n));
    return n;
}

static void a_doorbell_takes_its_value_and_leaves_the_others(void **state)
{
    (void)state;
    struct err err = {{0}};
    begin(1, 0);
    struct accel_doorbell memory = {.address = 0xc0000050, .width = 4, .value = 3};
    struct accel_doorbell port = {.is_port = true, .address = 0x700, .width = 2, .value = 9};
    memory.event_fd = eventfd(0, EFD_CLOEXEC);
    port.event_fd = eventfd(0, EFD_CLOEXEC);
    assert_int_equal(accel_kvm.add_doorbell(rig.vm, &memory, &err), BP_OK);
    assert_int_equal(accel_kvm.add_doorbell(rig.vm, &port, &err), BP_OK);
    assert_int_equal(accel_kvm.add_doorbell(rig.vm, &port, &err), BP_ERR_IO); /* there already */
    port.width = 8;
    assert_int_equal(accel_kvm.add_doorbell(rig.vm, &port, &err), BP_ERR_INVALID);
    guest_start_long(&rig, GUEST_OF(doorbell));
    assert_int_equal(rig_run(&rig), RUN_INTERRUPTED);
    assert_int_equal(rings_of(memory.event_fd), 2);
    assert_int_equal(rings_of(port.event_fd), 1);
    rig_check(&rig, 0, 'w', 0xc0000050, 4, 4);
    rig_check(&rig, 1, 'o', 0x700, 2, 8);
    assert_int_equal(rig.n_log, 2);
    close(memory.event_fd);
    close(port.event_fd);
}

/* --- Memory slots and dirty pages --------------------------------------------------------------
 */

GUEST(dirty, ".code64\n"
             "movb $1, 0x50000\n movb $1, 0x52fff\n movb $1, 0x9f000\n"
             "out %al, $0xf4\n 1: jmp 1b\n");

static bool is_dirty(const uint64_t *bitmap, uint32_t gpa)
{
    return (bitmap[gpa / 0x1000 / 64] >> (gpa / 0x1000 % 64) & 1) != 0;
}

static void pages_that_the_guest_writes_are_noted_once(void **state)
{
    (void)state;
    struct err err = {{0}};
    uint64_t bitmap[RIG_RAM_BYTES / 0x1000 / 64];
    const size_t n = sizeof(bitmap) / sizeof(bitmap[0]);
    begin(1, 0);
    assert_int_equal(accel_kvm.fetch_dirty(rig.vm, 0, bitmap, n, &err), BP_ERR_STATE);
    assert_int_equal(accel_kvm.track_dirty(rig.vm, 0x1000, true, &err), BP_ERR_NOT_FOUND);
    assert_int_equal(accel_kvm.track_dirty(rig.vm, 0, true, &err), BP_OK);
    guest_start_long(&rig, GUEST_OF(dirty));
    assert_int_equal(rig_run(&rig), RUN_INTERRUPTED);
    assert_int_equal(accel_kvm.fetch_dirty(rig.vm, 0, bitmap, n - 1, &err), BP_ERR_INVALID);
    assert_int_equal(accel_kvm.fetch_dirty(rig.vm, 0, bitmap, n, &err), BP_OK);
    assert_true(is_dirty(bitmap, 0x50000) && is_dirty(bitmap, 0x52000) &&
                is_dirty(bitmap, 0x9f000));
    assert_false(is_dirty(bitmap, 0x51000) || is_dirty(bitmap, 0x53000));
    assert_int_equal(accel_kvm.fetch_dirty(rig.vm, 0, bitmap, n, &err), BP_OK);
    assert_false(is_dirty(bitmap, 0x50000));
    assert_int_equal(accel_kvm.track_dirty(rig.vm, 0, false, &err), BP_OK);
}

static void slots_are_checked_before_the_kernel_sees_them(void **state)
{
    (void)state;
    struct err err = {{0}};
    begin(1, 0);
    assert_int_equal(accel_kvm.map_memory(rig.vm, 0x200800, rig.ram, 0x1000, &err), BP_ERR_INVALID);
    assert_int_equal(accel_kvm.map_memory(rig.vm, 0x200000, rig.ram, 0, &err), BP_ERR_INVALID);
    assert_int_equal(accel_kvm.map_memory(rig.vm, 0xff000, rig.ram, 0x2000, &err), BP_ERR_EXISTS);
    assert_string_equal(err.text, "accelerator kvm: memory at 0xff000 overlaps memory at 0x0");
    assert_int_equal(accel_kvm.map_memory(rig.vm, UINT64_MAX - 0xfff, rig.ram, 0x1000, &err),
                     BP_ERR_RANGE);
    /* The split of a PC's RAM: what lies beyond the hole is another slot. */
    assert_int_equal(accel_kvm.map_memory(rig.vm, UINT64_C(1) << 32, rig.ram, 0x1000, &err), BP_OK);
}

/* --- More processors ----------------------------------------------------------------------------
 */

/* The first starts the second, which begins at 0x2000 in real mode. */
GUEST(starter, ".code64\n"
               "mov $0xfee00000, %edi\n movl $0x1ff, 0xf0(%rdi)\n"
               "movl $0x1000000, 0x310(%rdi)\n movl $0x4500, 0x300(%rdi)\n"
               "movl $0x1000000, 0x310(%rdi)\n movl $0x4602, 0x300(%rdi)\n"
               "1: pause\n cmpb $0, 0x5000\n je 1b\n"
               "out %al, $0xf4\n 2: jmp 2b\n");
GUEST(second, ".code16\n"
              "mov $0x77, %al\n out %al, $0x90\n"
              "xor %ax, %ax\n mov %ax, %ds\n movb $1, 0x5000\n"
              "1: hlt\n jmp 1b\n");

static atomic_bool is_over;

/* A kick may belong to a round before: only the test's word ends this one. */
static void *run_second(void *arg)
{
    struct rig *r = arg;
    struct err err = {{0}};
    while (!atomic_load(&is_over))
        if (accel_kvm.vcpu_run(r->vcpus[1], &err) != RUN_INTERRUPTED)
            return NULL;
    return arg;
}

static void a_secondary_processor_waits_for_its_start_and_starts_again_after_a_reset(void **state)
{
    (void)state;
    begin(2, 0);
    for (unsigned round = 1; round <= 3; round++) {
        pthread_t thread;
        void *interrupted;
        rig.ram[0x5000] = 0;
        atomic_store(&is_over, false);
        accel_kvm.vcpu_reset(rig.vcpus[1], ENTRY_SECONDARY);
        guest_start_long(&rig, GUEST_OF(starter));
        memcpy(rig.ram + 0x2000, guest_second, (size_t)(guest_second_end - guest_second));
        assert_int_equal(pthread_create(&thread, NULL, run_second, &rig), 0);
        while (rig.n_done < round)
            assert_int_equal(rig_run(&rig), RUN_INTERRUPTED);
        atomic_store(&is_over, true);
        accel_kvm.vcpu_kick(rig.vcpus[1]);
        pthread_join(thread, &interrupted);
        assert_ptr_equal(interrupted, &rig);
        assert_int_equal(rig_count(&rig, 0x90), round);
    }
}

static void sixty_four_processors_can_be_made_and_no_more(void **state)
{
    (void)state;
    struct err err = {{0}};
    struct accel_vm *vm = NULL;
    struct accel_vcpu *vcpu = NULL;
    struct accel_env env = {0};
    begin(64, 0);
    for (uint32_t i = 0; i < 64; i++)
        accel_kvm.vcpu_reset(rig.vcpus[i], i == 0 ? ENTRY_BOOT_VCPU : ENTRY_SECONDARY);
    guest_start_long(&rig, GUEST_OF(dirty));
    assert_int_equal(rig_run(&rig), RUN_INTERRUPTED);
    assert_int_equal(accel_kvm.vcpu_create(rig.vm, 64, &vcpu, &err), BP_ERR_RANGE);
    struct accel_config config = {.arch = ARCH_X86_64, .n_cpus = 65, .env = &env};
    assert_int_equal(accel_kvm.vm_create(&config, &vm, &err), BP_ERR_RANGE);
    assert_string_equal(err.text, "accelerator kvm: 65 cpus: it has 1 to 64");
    assert_null(vm);
    config = (struct accel_config){.arch = ARCH_RISCV64, .n_cpus = 1, .env = &env};
    assert_int_equal(accel_kvm.vm_create(&config, &vm, &err), BP_ERR_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(an_edge_fires_once_and_a_level_until_it_falls, end),
        cmocka_unit_test_teardown(lines_that_are_not_there_or_taken_are_errors, end),
        cmocka_unit_test_teardown(the_timer_reaches_the_guest_through_the_8259, end),
        cmocka_unit_test_teardown(a_message_becomes_its_vector, end),
        cmocka_unit_test_teardown(the_end_of_a_level_interrupt_is_told_to_the_machines_ioapic, end),
        cmocka_unit_test_teardown(a_doorbell_takes_its_value_and_leaves_the_others, end),
        cmocka_unit_test_teardown(pages_that_the_guest_writes_are_noted_once, end),
        cmocka_unit_test_teardown(slots_are_checked_before_the_kernel_sees_them, end),
        cmocka_unit_test_teardown(
            a_secondary_processor_waits_for_its_start_and_starts_again_after_a_reset, end),
        cmocka_unit_test_teardown(sixty_four_processors_can_be_made_and_no_more, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
