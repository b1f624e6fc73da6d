/* Kicks of accel/kvm: none is lost, whenever it comes and however many there are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#include "core/vcpu_thread.h"
#include "unit/kvm_guests_x86_64.h"
#include "unit/kvm_rig.h"
#include "util/hosttime.h"

static struct rig rig;

static void begin(uint32_t n_cpus)
{
    if (rig_is_impossible())
        skip();
    rig_make(&rig, n_cpus, 0);
}

static int end(void **state)
{
    (void)state;
    rig_end(&rig);
    memset(&rig, 0, sizeof(rig));
    return 0;
}

GUEST(spin, ".code64\n 1: jmp 1b\n");
GUEST(sleep, ".code64\n cli\n 1: hlt\n jmp 1b\n");
GUEST(talk, ".code64\n mov $0xc0000000, %edi\n"
            "1: in $0x70, %al\n mov %eax, (%rdi)\n jmp 1b\n");

static void a_kick_before_the_run_is_not_lost(void **state)
{
    (void)state;
    begin(1);
    guest_start_long(&rig, GUEST_OF(spin));
    for (unsigned i = 0; i < 100; i++) {
        accel_kvm.vcpu_kick(rig.vcpus[0]);
        accel_kvm.vcpu_kick(rig.vcpus[0]); /* two are one */
        assert_int_equal(rig_run(&rig), RUN_INTERRUPTED);
    }
}

/* --- From other threads -------------------------------------------------------------------------
 */

static struct {
    atomic_uint asked, answered; /* a kick is due whenever they are equal */
    atomic_bool is_over;
} game;

/* Kicks again as soon as the last kick has been answered, at a moment that nobody chose. */
static void *kick_in_turn(void *arg)
{
    unsigned seed = 12345;
    while (!atomic_load(&game.is_over)) {
        unsigned asked = atomic_load(&game.asked);
        if (asked != atomic_load(&game.answered)) {
            sched_yield();
            continue;
        }
        for (volatile unsigned i = (unsigned)rand_r(&seed) % 3000; i > 0; i--)
            ;
        atomic_fetch_add(&game.asked, 1);
        accel_kvm.vcpu_kick(arg);
    }
    return NULL;
}

/* A kick that was lost would leave the vCPU in the guest for ever. */
static void answer_kicks(const uint8_t *code, size_t size, unsigned rounds)
{
    pthread_t kicker;
    begin(1);
    atomic_store(&game.asked, 0);
    atomic_store(&game.answered, 0);
    atomic_store(&game.is_over, false);
    guest_start_long(&rig, code, size);
    assert_int_equal(pthread_create(&kicker, NULL, kick_in_turn, rig.vcpus[0]), 0);
    while (atomic_load(&game.answered) < rounds) {
        assert_int_equal(rig_run(&rig), RUN_INTERRUPTED);
        /* A result may belong to a kick that was answered by the one before. */
        atomic_store(&game.answered, atomic_load(&game.asked));
    }
    atomic_store(&game.is_over, true);
    pthread_join(kicker, NULL);
}

static void kicks_reach_a_guest_that_computes(void **state)
{
    (void)state;
    answer_kicks(GUEST_OF(spin), 500);
}

static void kicks_reach_a_guest_that_sleeps_with_interrupts_off(void **state)
{
    (void)state;
    answer_kicks(GUEST_OF(sleep), 2000);
}

static void kicks_reach_a_guest_between_its_exits(void **state)
{
    (void)state;
    answer_kicks(GUEST_OF(talk), 2000);
}

static void *kick_all_the_time(void *arg)
{
    while (!atomic_load(&game.is_over)) {
        accel_kvm.vcpu_kick(arg);
        sched_yield();
    }
    return NULL;
}

static void kicks_of_several_threads_at_once_do_no_harm(void **state)
{
    (void)state;
    pthread_t kickers[4];
    begin(1);
    atomic_store(&game.is_over, false);
    guest_start_long(&rig, GUEST_OF(talk));
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&kickers[i], NULL, kick_all_the_time, rig.vcpus[0]), 0);
    for (unsigned i = 0; i < 2000; i++)
        assert_int_equal(rig_run(&rig), RUN_INTERRUPTED);
    atomic_store(&game.is_over, true);
    for (unsigned i = 0; i < 4; i++)
        pthread_join(kickers[i], NULL);
}

/* --- What a kick leaves --------------------------------------------------------------------------
 */

GUEST(read_once, ".code64\n xor %eax, %eax\n in $0x70, %al\n out %al, $0x71\n 1: jmp 1b\n");

static uint64_t kick_and_read(void *ctx, uint16_t port, uint32_t width)
{
    struct rig *r = ctx;
    accel_kvm.vcpu_kick(r->vcpus[0]);
    return rig_pio_read(ctx, port, width);
}

static void an_access_is_complete_when_its_kick_has_ended_the_run(void **state)
{
    (void)state;
    begin(1);
    rig.env.pio_read = kick_and_read;
    rig.answer = 0x5a;
    guest_start_long(&rig, GUEST_OF(read_once));
    assert_int_equal(rig_run(&rig), RUN_INTERRUPTED);
    assert_int_equal(rig_get(&rig, 0, REG_X86_64_RAX), 0x5a);
    assert_int_equal(rig_get(&rig, 0, REG_X86_64_RIP), RIG_CODE_GPA + 4);
    assert_int_equal(rig.n_log, 1); /* and the next instruction has not run */
    accel_kvm.vcpu_kick(rig.vcpus[0]);
    assert_int_equal(rig_run(&rig), RUN_INTERRUPTED);
}

static void the_programs_signals_stay_as_they_are(void **state)
{
    (void)state;
    sigset_t before, after;
    struct sigaction action;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    begin(1);
    guest_start_long(&rig, GUEST_OF(spin));
    accel_kvm.vcpu_kick(rig.vcpus[0]);
    assert_int_equal(rig_run(&rig), RUN_INTERRUPTED);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int i = 1; i < SIGRTMIN; i++) {
        assert_int_equal(sigismember(&before, i), sigismember(&after, i));
        if (i != SIGKILL && i != SIGSTOP && i != 32 && i != 33 &&
            sigaction(i, NULL, &action) == 0 &&
            (i == SIGINT || i == SIGTERM || i == SIGUSR1 || i == SIGUSR2 || i == SIGALRM))
            assert_true(action.sa_handler == SIG_DFL);
    }
}

/* --- On the machine's own threads, where all signals are blocked ---------------------------------
 */

static void on_result(void *ctx, enum run_result result, const struct err *err)
{
    (void)ctx;
    (void)err;
    fail_msg("a vCPU's thread ended with %d", (int)result);
}

static void read_pc(void *ctx, struct accel_vcpu *vcpu)
{
    uint64_t *pc = ctx;
    assert_int_equal(accel_kvm.get_reg(vcpu, REG_X86_64_RIP, pc, NULL), BP_OK);
}

static void calls_interrupt_a_guest_on_its_thread(void **state)
{
    (void)state;
    struct err err = {{0}};
    struct vcpu_thread *thread = NULL;
    if (rig_is_impossible())
        skip();
    rig_make_vm(&rig, 1, 0);
    assert_int_equal(vcpu_thread_create(&accel_kvm, rig.vm, 0, on_result, NULL, &thread, &err),
                     BP_OK);
    rig.vcpus[0] = vcpu_thread_vcpu(thread);
    guest_start_long(&rig, GUEST_OF(spin));
    for (unsigned round = 0; round < 10; round++) {
        vcpu_thread_begin_start(thread);
        assert_int_equal(vcpu_thread_start(thread, &err), BP_OK);
        for (unsigned i = 0; i < 20; i++) {
            uint64_t pc = 0;
            assert_int_equal(vcpu_thread_call(thread, read_pc, &pc), BP_OK);
            assert_int_equal(pc, RIG_CODE_GPA);
        }
        vcpu_thread_begin_stop(thread);
        vcpu_thread_finish_stop(thread);
    }
    vcpu_thread_destroy(thread);
    rig.vcpus[0] = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_kick_before_the_run_is_not_lost, end),
        cmocka_unit_test_teardown(kicks_reach_a_guest_that_computes, end),
        cmocka_unit_test_teardown(kicks_reach_a_guest_that_sleeps_with_interrupts_off, end),
        cmocka_unit_test_teardown(kicks_reach_a_guest_between_its_exits, end),
        cmocka_unit_test_teardown(kicks_of_several_threads_at_once_do_no_harm, end),
        cmocka_unit_test_teardown(an_access_is_complete_when_its_kick_has_ended_the_run, end),
        cmocka_unit_test_teardown(the_programs_signals_stay_as_they_are, end),
        cmocka_unit_test_teardown(calls_interrupt_a_guest_on_its_thread, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
