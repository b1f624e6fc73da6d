/* Status, features, interrupts, configuration and state (virtio 1.2 chapters 2 and 3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "unit/virtio_rig.h"

#define ACK         1u
#define DRIVER      2u
#define DRIVER_OK   4u
#define FEATURES_OK 8u
#define NEEDS_RESET 64u
#define FAILED      128u

static int setup(void **state)
{
    *state = rig_create();
    return 0;
}

static int teardown(void **state)
{
    rig_destroy(*state);
    return 0;
}

/* --- Status and features ---------------------------------------------------------------------- */

static void a_driver_that_keeps_the_order_gets_a_live_device(void **state)
{
    struct rig *r = *state;
    assert_int_equal(virtio_status(r->v), 0);
    rig_negotiate(r, 5);
    assert_int_equal(virtio_status(r->v), ACK | DRIVER | FEATURES_OK);
    assert_int_equal(r->n_activated, 0);
    rig_enable_queue(r, 0);
    virtio_set_status(r->v, ACK | DRIVER | FEATURES_OK | DRIVER_OK);
    assert_int_equal(virtio_status(r->v), ACK | DRIVER | FEATURES_OK | DRIVER_OK);
    assert_int_equal(r->n_activated, 1);
    assert_int_equal(r->activated, FEATURE_VERSION_1 | 5);
    virtio_notify(r->v, 0);
    assert_int_equal(r->n_notified[0], 1);
    assert_int_equal(r->n_logs, 0);
}

static void the_rings_features_are_offered_and_the_class_cannot_fake_others(void **state)
{
    struct rig *r = *state;
    r->own_features = UINT64_MAX;
    uint64_t offered = virtio_device_features(r->v);
    assert_int_equal(offered & FEATURE_VERSION_1, FEATURE_VERSION_1);
    assert_int_equal(offered & FEATURE_INDIRECT, FEATURE_INDIRECT);
    assert_int_equal(offered & FEATURE_EVENT_IDX, FEATURE_EVENT_IDX);
    assert_int_equal(offered >> 33 & 0x1ffff, 0); /* 33 to 49: packed rings and the like */
    assert_int_equal(offered >> 24 & 0xf, 0);
    assert_int_equal(offered & 0xffffff, 0xffffff);
    assert_int_equal(offered >> 50, 0x3fff);
}

static void features_ok_is_refused_with_unknown_features(void **state)
{
    struct rig *r = *state;
    rig_negotiate(r, 8);
    assert_int_equal(virtio_status(r->v), ACK | DRIVER);
    assert_non_null(strstr(r->log, "0x8, which were not offered"));
    virtio_set_driver_features(r->v, FEATURE_VERSION_1 | 1); /* it may think again */
    virtio_set_status(r->v, ACK | DRIVER | FEATURES_OK);
    assert_int_equal(virtio_status(r->v), ACK | DRIVER | FEATURES_OK);
}

static void features_ok_is_refused_without_version_1(void **state)
{
    struct rig *r = *state;
    virtio_set_status(r->v, ACK | DRIVER);
    virtio_set_driver_features(r->v, 1);
    virtio_set_status(r->v, ACK | DRIVER | FEATURES_OK);
    assert_int_equal(virtio_status(r->v), ACK | DRIVER);
    assert_non_null(strstr(r->log, "VERSION_1"));
}

static void features_ok_is_refused_before_acknowledge_and_driver(void **state)
{
    struct rig *r = *state;
    virtio_set_driver_features(r->v, FEATURE_VERSION_1);
    virtio_set_status(r->v, FEATURES_OK);
    assert_int_equal(virtio_status(r->v), 0);
    virtio_set_status(r->v, ACK | FEATURES_OK);
    assert_int_equal(virtio_status(r->v), ACK);
}

static void driver_ok_is_refused_before_features_ok(void **state)
{
    struct rig *r = *state;
    virtio_set_status(r->v, ACK | DRIVER | DRIVER_OK);
    assert_int_equal(virtio_status(r->v), ACK | DRIVER);
    virtio_set_status(r->v, ACK | DRIVER | DRIVER_OK | FEATURES_OK); /* without VERSION_1 */
    assert_int_equal(virtio_status(r->v), ACK | DRIVER);
    assert_int_equal(r->n_activated, 0);
}

static void features_are_frozen_after_features_ok(void **state)
{
    struct rig *r = *state;
    rig_negotiate(r, 1);
    virtio_set_driver_features(r->v, FEATURE_VERSION_1 | 3);
    assert_int_equal(virtio_driver_features(r->v), FEATURE_VERSION_1 | 1);
    assert_int_equal(r->n_logs, 1);
}

static void status_bits_are_only_added(void **state)
{
    struct rig *r = *state;
    rig_start(r, 0);
    virtio_set_status(r->v, ACK);
    assert_int_equal(virtio_status(r->v), ACK | DRIVER | FEATURES_OK | DRIVER_OK);
    virtio_set_status(r->v, 0xffffff00u | NEEDS_RESET | 0x30); /* not the driver's to set */
    assert_int_equal(virtio_status(r->v), ACK | DRIVER | FEATURES_OK | DRIVER_OK);
    virtio_set_status(r->v, FAILED | ACK | DRIVER | FEATURES_OK | DRIVER_OK);
    assert_int_equal(virtio_status(r->v), FAILED | ACK | DRIVER | FEATURES_OK | DRIVER_OK);
    assert_int_equal(r->n_activated, 1);
}

static void a_reset_clears_everything_and_tells_the_class(void **state)
{
    struct rig *r = *state;
    rig_start(r, 7);
    virtio_config_changed(r->v);
    assert_true(r->line);
    virtio_set_status(r->v, 0);
    assert_int_equal(r->n_resets, 1);
    assert_int_equal(virtio_status(r->v), 0);
    assert_int_equal(virtio_driver_features(r->v), 0);
    assert_int_equal(virtio_interrupt_status(r->v), 0);
    assert_false(r->line);
    assert_int_equal(virtio_queue_get(r->v, 0, BP_VIRTQ_READY), 0);
    assert_int_equal(virtio_queue_get(r->v, 0, BP_VIRTQ_DESC), 0);
    assert_int_equal(virtio_queue_get(r->v, 0, BP_VIRTQ_SIZE), RIG_QUEUE_SIZE);
    virtio_notify(r->v, 0);
    assert_int_equal(r->n_notified[0], 0);
}

static void a_notification_before_driver_ok_is_ignored(void **state)
{
    struct rig *r = *state;
    rig_negotiate(r, 0);
    rig_enable_queue(r, 0);
    virtio_notify(r->v, 0);
    assert_int_equal(r->n_notified[0], 0);
    assert_int_equal(r->n_logs, 1);
}

static void a_queue_before_features_ok_is_ignored(void **state)
{
    struct rig *r = *state;
    virtio_set_status(r->v, ACK | DRIVER);
    rig_enable_queue(r, 0);
    assert_int_equal(virtio_queue_get(r->v, 0, BP_VIRTQ_READY), 0);
    assert_int_equal(virtio_status(r->v), ACK | DRIVER);
    assert_non_null(strstr(r->log, "before FEATURES_OK"));
}

/* --- Interrupts and configuration ------------------------------------------------------------- */

static void a_changed_configuration_interrupts_a_live_driver_only(void **state)
{
    struct rig *r = *state;
    uint32_t generation = virtio_config_generation(r->v);
    virtio_config_changed(r->v);
    assert_false(r->line);
    assert_int_not_equal(virtio_config_generation(r->v), generation);
    rig_start(r, 0);
    generation = virtio_config_generation(r->v);
    virtio_config_changed(r->v);
    assert_true(r->line);
    assert_int_equal(virtio_interrupt_status(r->v), 2);
    assert_int_not_equal(virtio_config_generation(r->v), generation);
}

static void the_line_stays_up_until_every_cause_is_acknowledged(void **state)
{
    struct rig *r = *state;
    struct bp_virtio_chain chain;
    rig_start(r, 0);
    rig_desc(r, 0, RIG_DATA, 1, DESC_WRITE, 0);
    rig_avail(r, 0);
    assert_int_equal(rig_pop(r, &chain), BP_OK);
    assert_int_equal(virtio_push(r->v, chain.handle, 0), BP_OK);
    virtio_config_changed(r->v);
    assert_int_equal(virtio_interrupt_status(r->v), 3);
    virtio_interrupt_ack(r->v, 1);
    assert_true(r->line);
    virtio_interrupt_ack(r->v, 0xfffffffeu);
    assert_false(r->line);
    assert_int_equal(r->raises, 1);
}

static void the_configuration_ends_where_it_ends(void **state)
{
    struct rig *r = *state;
    uint8_t bytes[8];
    for (uint8_t i = 0; i < 8; i++)
        r->config[i] = (uint8_t)(i + 1);
    virtio_config_read(r->v, 2, bytes, 4);
    assert_memory_equal(bytes, "\3\4\5\6", 4);
    virtio_config_read(r->v, 6, bytes, 4);
    assert_memory_equal(bytes, "\7\10\0\0", 4);
    virtio_config_read(r->v, 8, bytes, 4);
    assert_memory_equal(bytes, "\0\0\0\0", 4);
    virtio_config_read(r->v, UINT32_MAX, bytes, 8);
    assert_memory_equal(bytes, "\0\0\0\0\0\0\0\0", 8);
    virtio_config_write(r->v, 7, "\x11\x22", 2);
    virtio_config_write(r->v, UINT32_MAX - 1, "\x33\x44\x55\x66", 4);
    assert_int_equal(r->config[7], 0x11);
    assert_int_equal(r->config[0], 1);
}

static void a_class_with_impossible_tables_is_refused(void **state)
{
    struct err err;
    struct virtio_dev *v;
    (void)state;
    for (uint32_t i = 0; i < 5; i++) {
        struct bp_virtio_device_ops ops = rig_ops;
        if (i == 0)
            ops.struct_size = 8;
        if (i == 1)
            ops.n_queues = 1025;
        if (i == 2)
            ops.queue_size = 0;
        if (i == 3)
            ops.queue_size = 24;
        if (i == 4)
            ops.queue_size = 2048;
        struct virtio_config config = {.ops = &ops, .set_irq = rig_set_irq, .guest_log = rig_log};
        assert_int_equal(virtio_create(&config, &v, &err), BP_ERR_INVALID);
        assert_null(v);
    }
}

static void a_class_with_nothing_but_queues_works(void **state)
{
    static const struct bp_virtio_device_ops ops = {
        .struct_size = sizeof(ops), .device_id = 4, .n_queues = 1, .queue_size = 16};
    uint8_t bytes[4] = {1, 1, 1, 1};
    (void)state;
    struct rig *r = rig_create_with(&ops);
    rig_start(r, 0);
    virtio_notify(r->v, 0);
    virtio_config_read(r->v, 0, bytes, 4);
    assert_memory_equal(bytes, "\0\0\0\0", 4);
    virtio_config_write(r->v, 0, bytes, 4);
    assert_int_equal(virtio_device_features(r->v) & 0xffffff, 0);
    virtio_set_status(r->v, 0);
    rig_destroy(r);
}

/* --- State ------------------------------------------------------------------------------------ */

struct fields {
    struct {
        char name[32];
        uint8_t bytes[256];
        uint64_t size;
    } field[4];
    uint32_t n;
};

static int32_t put_field(const struct bp_state_writer *w, const char *name, const void *from,
                         uint64_t size)
{
    struct fields *f = w->ctx;
    assert_true(f->n < 4 && size <= sizeof(f->field[0].bytes) && strlen(name) < 32);
    memcpy(f->field[f->n].name, name, strlen(name) + 1);
    memcpy(f->field[f->n].bytes, from, size);
    f->field[f->n++].size = size;
    return BP_OK;
}

static int32_t get_field(const struct bp_state_reader *r, const char *name, void *to, uint64_t size)
{
    const struct fields *f = r->ctx;
    for (uint32_t i = 0; i < f->n; i++) {
        if (strcmp(f->field[i].name, name) != 0)
            continue;
        if (f->field[i].size != size)
            return BP_ERR_FORMAT;
        memcpy(to, f->field[i].bytes, size);
        return BP_OK;
    }
    return BP_ERR_NOT_FOUND;
}

static struct fields save(const struct rig *r)
{
    struct fields f = {.n = 0};
    struct bp_state_writer w = {.struct_size = sizeof(w), .ctx = &f, .put = put_field};
    assert_int_equal(virtio_save(r->v, &w), BP_OK);
    return f;
}

static struct bp_state_reader reader_of(struct fields *f)
{
    return (struct bp_state_reader){
        .struct_size = sizeof(struct bp_state_reader), .version = 1, .ctx = f, .get = get_field};
}

static int32_t load(struct rig *r, struct fields *f)
{
    struct bp_state_reader reader = reader_of(f);
    int32_t status = virtio_load_check(r->v, &reader);
    if (status == BP_OK)
        virtio_load_commit(r->v, &reader);
    return status;
}

/* A driver in the middle of its work: five chains have passed. */
static void make_busy(struct rig *r)
{
    struct bp_virtio_chain chain;
    rig_start(r, FEATURE_EVENT_IDX | FEATURE_INDIRECT | 3);
    rig_put(r, RIG_AVAIL(0) + 4 + 2 * RIG_QUEUE_SIZE, 4, 2);
    for (uint32_t i = 0; i < 5; i++) {
        rig_desc(r, i, RIG_DATA, 64, DESC_WRITE, 0);
        rig_avail(r, i);
        assert_int_equal(rig_pop(r, &chain), BP_OK);
        assert_int_equal(virtio_push(r->v, chain.handle, 1), BP_OK);
    }
    virtio_config_changed(r->v);
}

static void a_driver_goes_on_after_save_and_load(void **state)
{
    struct rig *r = *state;
    struct rig *other = rig_create();
    struct bp_virtio_chain chain;
    make_busy(r);
    struct fields saved = save(r);
    memcpy(other->ram, r->ram, RIG_RAM_BYTES);
    other->avail_idx[0] = r->avail_idx[0];
    assert_int_equal(load(other, &saved), BP_OK);
    assert_true(other->line);
    assert_int_equal(virtio_interrupt_status(other->v), 3);
    assert_int_equal(virtio_status(other->v), ACK | DRIVER | FEATURES_OK | DRIVER_OK);
    assert_int_equal(other->activated,
                     FEATURE_VERSION_1 | FEATURE_EVENT_IDX | FEATURE_INDIRECT | 3);
    struct fields again = save(other);
    assert_memory_equal(&again, &saved, sizeof(saved));
    rig_desc(other, 9, RIG_INDIRECT, 16, DESC_INDIRECT, 0);
    rig_indirect(other, 0, RIG_DATA, 8, DESC_WRITE, 0);
    rig_avail(other, 9);
    assert_int_equal(rig_pop(other, &chain), BP_OK);
    assert_int_equal(virtio_push(other->v, chain.handle, 8), BP_OK);
    assert_int_equal(rig_used_idx(other), 6);
    rig_destroy(other);
}

static void a_device_that_was_never_touched_is_saved_and_loaded(void **state)
{
    struct rig *r = *state;
    struct fields saved = save(r);
    assert_int_equal(load(r, &saved), BP_OK);
    assert_int_equal(r->n_activated, 0);
    struct fields again = save(r);
    assert_memory_equal(&again, &saved, sizeof(saved));
}

static void a_broken_device_is_saved_and_loaded(void **state)
{
    struct rig *r = *state;
    struct bp_virtio_chain chain;
    rig_start(r, 0);
    rig_desc(r, 0, RIG_DATA, 64, DESC_WRITE, 0);
    rig_avail(r, 0);
    assert_int_equal(rig_pop(r, &chain), BP_OK);
    rig_avail(r, 200);
    assert_int_equal(rig_pop(r, &chain), BP_ERR_FORMAT);
    struct fields saved = save(r);
    struct rig *other = rig_create();
    assert_int_equal(load(other, &saved), BP_OK);
    assert_int_equal(virtio_status(other->v) & NEEDS_RESET, NEEDS_RESET);
    assert_int_equal(rig_pop(other, &chain), BP_ERR_FORMAT);
    struct fields again = save(other);
    assert_memory_equal(&again, &saved, sizeof(saved));
    rig_destroy(other);
}

static void nothing_is_saved_while_chains_are_in_flight(void **state)
{
    struct rig *r = *state;
    struct bp_virtio_chain chain;
    struct fields f = {.n = 0};
    struct bp_state_writer w = {.struct_size = sizeof(w), .ctx = &f, .put = put_field};
    rig_start(r, 0);
    rig_desc(r, 0, RIG_DATA, 64, DESC_WRITE, 0);
    rig_avail(r, 0);
    assert_int_equal(rig_pop(r, &chain), BP_OK);
    assert_int_equal(virtio_save(r->v, &w), BP_ERR_STATE);
    assert_int_equal(f.n, 0);
}

/* Every bit of a snapshot turned over: it is refused with nothing changed, or it loads; and then
 * the device saves again just what it was given. */
static void a_snapshot_that_lies_is_refused_or_harmless(void **state)
{
    struct rig *r = *state;
    struct bp_virtio_chain chain;
    uint32_t n_refused = 0;
    make_busy(r);
    const struct fields saved = save(r);
    for (uint32_t field = 0; field < saved.n; field++) {
        for (uint32_t bit = 0; bit < 8 * saved.field[field].size; bit++) {
            struct rig *other = rig_create();
            struct fields lie = saved;
            struct fields before = save(other);
            lie.field[field].bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            if (load(other, &lie) == BP_OK) {
                struct fields after = save(other);
                assert_memory_equal(&after, &lie, sizeof(lie));
                (void)rig_pop(other, &chain);
            } else {
                struct fields after = save(other);
                assert_memory_equal(&after, &before, sizeof(before));
                n_refused++;
            }
            rig_destroy(other);
        }
    }
    assert_true(n_refused > 100);
}

static void a_snapshot_of_another_shape_is_refused(void **state)
{
    struct rig *r = *state;
    make_busy(r);
    struct fields saved = save(r);
    struct fields wrong = saved;
    wrong.field[1].size -= 1;
    assert_int_equal(load(r, &wrong), BP_ERR_FORMAT);
    wrong = saved;
    wrong.n = 1;
    assert_int_equal(load(r, &wrong), BP_ERR_NOT_FOUND);
    wrong.n = 0;
    assert_int_equal(load(r, &wrong), BP_ERR_NOT_FOUND);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_driver_that_keeps_the_order_gets_a_live_device),
        T(the_rings_features_are_offered_and_the_class_cannot_fake_others),
        T(features_ok_is_refused_with_unknown_features),
        T(features_ok_is_refused_without_version_1),
        T(features_ok_is_refused_before_acknowledge_and_driver),
        T(driver_ok_is_refused_before_features_ok),
        T(features_are_frozen_after_features_ok),
        T(status_bits_are_only_added),
        T(a_reset_clears_everything_and_tells_the_class),
        T(a_notification_before_driver_ok_is_ignored),
        T(a_queue_before_features_ok_is_ignored),
        T(a_changed_configuration_interrupts_a_live_driver_only),
        T(the_line_stays_up_until_every_cause_is_acknowledged),
        T(the_configuration_ends_where_it_ends),
        T(a_class_with_impossible_tables_is_refused),
        T(a_class_with_nothing_but_queues_works),
        T(a_driver_goes_on_after_save_and_load),
        T(a_device_that_was_never_touched_is_saved_and_loaded),
        T(a_broken_device_is_saved_and_loaded),
        T(nothing_is_saved_while_chains_are_in_flight),
        T(a_snapshot_that_lies_is_refused_or_harmless),
        T(a_snapshot_of_another_shape_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
