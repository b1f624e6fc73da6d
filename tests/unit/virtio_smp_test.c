/*
 * Driver and device at the same time: no notification and no interrupt is ever lost, whatever the
 * two suppress (virtio 1.2 sections 2.6.7 and 2.6.9). Once on two threads, where a lost one shows
 * as a wait that does not end; and once with the driver put exactly between two steps of the
 * device, by a fault on the page that the device is about to write.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/mman.h>
#include <time.h>

#include "unit/virtio_rig.h"

#define CHAINS 30000u
#define WAIT_S 20
#define LOOKS  2000u

struct pair {
    struct rig *r;
    bool has_event_idx;
    sem_t kick, interrupt;
    pthread_mutex_t lock; /* the device's */
    uint32_t n_served;
    uint32_t n_kicks, n_interrupts;
    bool is_lost;
};

static bool wait_for(sem_t *sem)
{
    struct timespec limit;
    (void)clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += WAIT_S;
    while (sem_timedwait(sem, &limit) != 0)
        if (errno != EINTR)
            return false;
    while (sem_trywait(sem) == 0)
        ; /* several in one */
    return true;
}

static uint16_t *field16(const struct pair *p, uint64_t gpa)
{
    return (uint16_t *)(void *)rig_at(p->r, gpa);
}

/* The interrupt line, as a processor sees it: a rise wakes the driver. */
static void take_interrupt(struct pair *p)
{
    pthread_mutex_lock(&p->lock);
    virtio_interrupt_ack(p->r->v, 3);
    pthread_mutex_unlock(&p->lock);
}

static void *device_thread(void *arg)
{
    struct pair *p = arg;
    struct bp_virtio_chain chain;
    while (p->n_served < CHAINS) {
        if (!wait_for(&p->kick)) {
            p->is_lost = true;
            return NULL;
        }
        for (;;) {
            pthread_mutex_lock(&p->lock);
            int32_t status = rig_pop(p->r, &chain);
            if (status == BP_OK) {
                (void)virtio_push(p->r->v, chain.handle, 1);
                p->n_served++;
            }
            bool raised = p->r->line;
            pthread_mutex_unlock(&p->lock);
            if (raised) {
                take_interrupt(p);
                p->n_interrupts++;
                sem_post(&p->interrupt);
            }
            if (status != BP_OK)
                break;
        }
    }
    return NULL;
}

static bool need_event(uint16_t event, uint16_t now, uint16_t old)
{
    return (uint16_t)(now - event - 1) < (uint16_t)(now - old);
}

/* Adds one chain and notifies if the device wants to hear of it. */
static void driver_add(struct pair *p, uint16_t idx)
{
    uint16_t *ring = field16(p, RIG_AVAIL(0) + 4 + 2 * (idx % RIG_QUEUE_SIZE));
    __atomic_store_n(ring, (uint16_t)(idx % RIG_QUEUE_SIZE), __ATOMIC_SEQ_CST);
    __atomic_store_n(field16(p, RIG_AVAIL(0) + 2), (uint16_t)(idx + 1), __ATOMIC_SEQ_CST);
    bool wanted;
    if (p->has_event_idx) {
        uint16_t event =
            __atomic_load_n(field16(p, RIG_USED(0) + 4 + 8 * RIG_QUEUE_SIZE), __ATOMIC_SEQ_CST);
        wanted = need_event(event, (uint16_t)(idx + 1), idx);
    } else {
        wanted = (__atomic_load_n(field16(p, RIG_USED(0)), __ATOMIC_SEQ_CST) & 1) == 0;
    }
    if (wanted) {
        p->n_kicks++;
        sem_post(&p->kick);
    }
}

/* Waits until fewer than `limit` chains are under way: first looking only, so that the next chain
 * meets the device just as it finds its queue empty, a little sooner or later each time. */
static bool driver_wait(struct pair *p, uint16_t idx, uint32_t limit)
{
    for (uint32_t i = 0; i < LOOKS; i++) {
        uint16_t used = __atomic_load_n(field16(p, RIG_USED(0) + 2), __ATOMIC_SEQ_CST);
        if ((uint16_t)(idx - used) >= limit)
            continue;
        for (volatile uint32_t delay = idx % 67; delay != 0; delay--)
            ;
        return true;
    }
    for (;;) {
        uint16_t used = __atomic_load_n(field16(p, RIG_USED(0) + 2), __ATOMIC_SEQ_CST);
        if ((uint16_t)(idx - used) < limit)
            return true;
        /* Asks for the interrupt of the next entry, then looks again, as drivers do. */
        if (p->has_event_idx)
            __atomic_store_n(field16(p, RIG_AVAIL(0) + 4 + 2 * RIG_QUEUE_SIZE), used,
                             __ATOMIC_SEQ_CST);
        else
            __atomic_store_n(field16(p, RIG_AVAIL(0)), 0, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(field16(p, RIG_USED(0) + 2), __ATOMIC_SEQ_CST) != used)
            continue;
        if (!wait_for(&p->interrupt))
            return false;
        if (!p->has_event_idx)
            __atomic_store_n(field16(p, RIG_AVAIL(0)), 1, __ATOMIC_SEQ_CST);
    }
}

static void run_pair(bool has_event_idx, uint32_t limit)
{
    struct pair p = {.r = rig_create(), .has_event_idx = has_event_idx};
    pthread_t device;
    pthread_mutex_init(&p.lock, NULL);
    sem_init(&p.kick, 0, 0);
    sem_init(&p.interrupt, 0, 0);
    rig_start(p.r, has_event_idx ? FEATURE_EVENT_IDX : 0);
    for (uint32_t i = 0; i < RIG_QUEUE_SIZE; i++)
        rig_desc(p.r, i, RIG_DATA + i, 1, DESC_WRITE, 0);
    assert_int_equal(pthread_create(&device, NULL, device_thread, &p), 0);
    bool is_fine = true;
    for (uint32_t i = 0; i < CHAINS && is_fine; i++) {
        is_fine = driver_wait(&p, (uint16_t)i, limit);
        if (is_fine)
            driver_add(&p, (uint16_t)i);
    }
    is_fine = is_fine && driver_wait(&p, (uint16_t)CHAINS, 1);
    pthread_join(device, NULL);
    assert_true(is_fine);
    assert_false(p.is_lost);
    assert_int_equal(p.n_served, CHAINS);
    assert_string_equal(p.r->log, "");
    rig_destroy(p.r);
    sem_destroy(&p.kick);
    sem_destroy(&p.interrupt);
    pthread_mutex_destroy(&p.lock);
}

static void nothing_is_lost_with_flags_and_a_full_queue(void **state)
{
    (void)state;
    run_pair(false, RIG_QUEUE_SIZE);
}

static void nothing_is_lost_with_event_indexes_and_a_full_queue(void **state)
{
    (void)state;
    run_pair(true, RIG_QUEUE_SIZE);
}

static void nothing_is_lost_with_event_indexes_one_by_one(void **state)
{
    (void)state;
    run_pair(true, 1);
}

static void nothing_is_lost_with_flags_two_by_two(void **state)
{
    (void)state;
    run_pair(false, 2);
}

/* --- The driver between two steps ------------------------------------------------------------- */

#define USED_PAGE (RIG_RAM_GPA + 0x20000u)

static struct rig *between_rig;
static void (*between_driver)(struct rig *r); /* what the driver does there */

static void protect(const struct rig *r, int protection)
{
    if (mprotect(rig_at(r, USED_PAGE), 4096, protection) != 0)
        abort();
}

static void on_fault(int signal)
{
    (void)signal;
    if (between_driver == NULL)
        abort();
    protect(between_rig, PROT_READ | PROT_WRITE);
    between_driver(between_rig);
    between_driver = NULL;
}

/* A live rig whose device area has a page of its own; the driver acts when the device writes it. */
static struct rig *create_between(uint64_t features, struct sigaction *before)
{
    struct sigaction action = {.sa_handler = on_fault};
    struct rig *r = rig_create();
    rig_negotiate(r, features);
    virtio_queue_set(r->v, 0, BP_VIRTQ_DESC, RIG_DESC(0));
    virtio_queue_set(r->v, 0, BP_VIRTQ_DRIVER, RIG_AVAIL(0));
    virtio_queue_set(r->v, 0, BP_VIRTQ_DEVICE, USED_PAGE);
    virtio_queue_set(r->v, 0, BP_VIRTQ_READY, 1);
    virtio_set_status(r->v, 15);
    rig_desc(r, 0, RIG_DATA, 1, DESC_WRITE, 0);
    rig_desc(r, 1, RIG_DATA, 1, DESC_WRITE, 0);
    between_rig = r;
    assert_int_equal(sigaction(SIGSEGV, &action, before), 0);
    return r;
}

static void destroy_between(struct rig *r, const struct sigaction *before)
{
    assert_null(between_driver);
    assert_int_equal(sigaction(SIGSEGV, before, NULL), 0);
    rig_destroy(r);
}

static void driver_adds_a_chain(struct rig *r)
{
    rig_avail(r, 1);
}

/* The driver has read "do not notify" just before the device takes that back. */
static void check_chain_added_while_falling_asleep(uint64_t features)
{
    struct sigaction before;
    struct bp_virtio_chain chain;
    struct rig *r = create_between(features, &before);
    rig_avail(r, 0);
    assert_int_equal(rig_pop(r, &chain), BP_OK);
    protect(r, PROT_READ);
    between_driver = driver_adds_a_chain;
    assert_int_equal(rig_pop(r, &chain), BP_OK);
    assert_int_equal(rig_pop(r, &chain), BP_ERR_NOT_FOUND);
    destroy_between(r, &before);
}

static void a_chain_added_while_the_device_falls_asleep_is_found(void **state)
{
    (void)state;
    check_chain_added_while_falling_asleep(0);
    check_chain_added_while_falling_asleep(FEATURE_EVENT_IDX);
}

static void driver_wants_interrupts(struct rig *r)
{
    rig_put(r, RIG_AVAIL(0), 0, 2);                          /* flags */
    rig_put(r, RIG_AVAIL(0) + 4 + 2 * RIG_QUEUE_SIZE, 0, 2); /* used_event */
}

/* The driver asks for an interrupt and sees no used entry yet: it will sleep. */
static void check_interrupt_wanted_during_push(uint64_t features)
{
    struct sigaction before;
    struct bp_virtio_chain chain;
    struct rig *r = create_between(features, &before);
    rig_put(r, RIG_AVAIL(0), 1, 2);
    rig_put(r, RIG_AVAIL(0) + 4 + 2 * RIG_QUEUE_SIZE, 0x8000, 2);
    rig_avail(r, 0);
    assert_int_equal(rig_pop(r, &chain), BP_OK);
    protect(r, PROT_READ);
    between_driver = driver_wants_interrupts;
    assert_int_equal(virtio_push(r->v, chain.handle, 0), BP_OK);
    assert_true(r->line);
    destroy_between(r, &before);
}

static void an_interrupt_that_is_wanted_just_before_the_push_comes(void **state)
{
    (void)state;
    check_interrupt_wanted_during_push(0);
    check_interrupt_wanted_during_push(FEATURE_EVENT_IDX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_added_while_the_device_falls_asleep_is_found),
        cmocka_unit_test(an_interrupt_that_is_wanted_just_before_the_push_comes),
        cmocka_unit_test(nothing_is_lost_with_flags_and_a_full_queue),
        cmocka_unit_test(nothing_is_lost_with_event_indexes_and_a_full_queue),
        cmocka_unit_test(nothing_is_lost_with_event_indexes_one_by_one),
        cmocka_unit_test(nothing_is_lost_with_flags_two_by_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
