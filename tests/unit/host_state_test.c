/* Device state of sdk/host/state.h: the bytes, and that no broken ones change anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "crc32c.h"
#include "state.h"

struct instance {
    uint64_t when;
    uint32_t regs[3];
    uint16_t half[2];
    uint8_t fifo[5];
    uint8_t level; /* at most 3 */
    uint8_t later; /* optional */
    uint8_t extra[4];
    uint32_t commits;
};

static const struct bp_field fields[] = {
    BP_FIELD_U64(struct instance, when),        BP_FIELD_U32(struct instance, regs),
    BP_FIELD_U16(struct instance, half),        BP_FIELD_U8(struct instance, fifo),
    BP_FIELD_U8_MAX(struct instance, level, 3),
};

static const struct bp_field newer_fields[] = {
    BP_FIELD_U64(struct instance, when),
    BP_FIELD_U32(struct instance, regs),
    BP_FIELD_U16(struct instance, half),
    BP_FIELD_U8(struct instance, fifo),
    BP_FIELD_U8_MAX(struct instance, level, 3),
    {"later", 0, BP_FIELD_TYPE_U8, 1, offsetof(struct instance, later), BP_FIELD_OPTIONAL},
};

static int32_t save(const void *dev, const struct bp_state_writer *w)
{
    const struct instance *s = dev;

    return w->put(w, "extra", s->extra, sizeof(s->extra));
}

static int32_t load_check(const void *dev, const struct bp_state_reader *r)
{
    uint8_t extra[4];
    int32_t status = r->get(r, "extra", extra, sizeof(extra));

    (void)dev;
    return status ? status : extra[0] == 0xbd ? BP_ERR_RANGE : BP_OK;
}

static void load_commit(void *dev, const struct bp_state_reader *r)
{
    struct instance *s = dev;

    r->get(r, "extra", s->extra, sizeof(s->extra));
    s->commits++;
}

static const struct bp_class class_ = {
    .struct_size = sizeof(struct bp_class),
    .id = "clock",
    .version = "1.2",
    .instance_size = sizeof(struct instance),
    .state_version = 4,
    .state = BP_TABLE(fields),
    .save = save,
    .load_check = load_check,
    .load_commit = load_commit,
};

static const struct instance sample = {
    .when = 0x0102030405060708,
    .regs = {0x11223344, 0, 0xffffffff},
    .half = {0x1234, 0xffff},
    .fifo = {1, 2, 3, 4, 5},
    .level = 3,
    .extra = {9, 8, 7, 6},
};

static struct state_buffer save_of(const struct bp_class *c, const struct instance *s)
{
    struct state_buffer b;
    char why[200] = "";

    assert_int_equal(state_save(c, s, &b, why, sizeof(why)), BP_OK);
    return b;
}

/* Loading must give `status` and leave the instance as it was. */
static void refused(const struct bp_class *c, const uint8_t *bytes, uint64_t size, int32_t status,
                    const char *sentence)
{
    struct instance s = {.when = 77, .commits = 5}, before = s;
    char why[200] = "";
    int32_t got = state_load(c, &s, bytes, size, why, sizeof(why));

    if (status)
        assert_int_equal(got, status);
    assert_true(got < 0);
    assert_memory_equal(&s, &before, sizeof(s));
    if (sentence)
        assert_string_equal(why, sentence);
    else
        assert_true(strlen(why) > 0);
}

static void crc_put(struct state_buffer *b)
{
    uint32_t crc = crc32c(0, b->bytes, b->size - 4);

    for (int i = 0; i < 4; i++)
        b->bytes[b->size - 4 + (uint64_t)i] = (uint8_t)(crc >> (8 * i));
}

static void crc32c_gives_the_values_of_rfc_3720(void **state)
{
    uint8_t zeroes[32] = {0}, ones[32], up[32];

    (void)state;
    memset(ones, 0xff, sizeof(ones));
    for (uint8_t i = 0; i < 32; i++)
        up[i] = i;
    assert_int_equal(crc32c(0, zeroes, 32), 0x8a9136aa);
    assert_int_equal(crc32c(0, ones, 32), 0x62a8ab43);
    assert_int_equal(crc32c(0, up, 32), 0x46dd794e);
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
}

static void save_load_save_gives_the_same_bytes(void **state)
{
    struct instance s = {0};
    struct state_buffer a = save_of(&class_, &sample), b;
    char why[200];

    (void)state;
    assert_int_equal(state_load(&class_, &s, a.bytes, a.size, why, sizeof(why)), BP_OK);
    assert_int_equal(s.commits, 1);
    assert_true(s.when == sample.when);
    assert_memory_equal(s.regs, sample.regs, sizeof(s.regs));
    assert_memory_equal(s.extra, sample.extra, sizeof(s.extra));
    b = save_of(&class_, &s);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.bytes, b.bytes, a.size);
    free(a.bytes);
    free(b.bytes);
}

static void the_bytes_are_little_endian_and_begin_with_the_header(void **state)
{
    static const uint8_t head[] = {'B', 'P', 'D', 'S', 1, 0, 0, 0};
    static const uint8_t when[] = {8, 7, 6, 5, 4, 3, 2, 1};
    struct state_buffer b = save_of(&class_, &sample);

    (void)state;
    assert_memory_equal(b.bytes, head, sizeof(head));
    assert_int_equal(b.bytes[8] | b.bytes[9] << 8, b.size);
    assert_int_equal(b.bytes[16], 4); /* the class's state_version */
    assert_int_equal(b.bytes[20], 6); /* five rows and one extra field */
    assert_string_equal((const char *)b.bytes + 24, "clock");
    assert_memory_equal(b.bytes + 88 + 16, "when", 4);
    assert_memory_equal(b.bytes + 88 + 20, when, 8);
    free(b.bytes);
}

static void every_truncation_is_refused_and_changes_nothing(void **state)
{
    struct state_buffer b = save_of(&class_, &sample);

    (void)state;
    for (uint64_t size = 0; size < b.size; size++) {
        uint8_t *exact = malloc(size ? size : 1); /* so that reading on is found */

        assert_non_null(exact);
        memcpy(exact, b.bytes, size);
        refused(&class_, exact, size, 0, NULL);
        free(exact);
    }
    free(b.bytes);
}

static void every_flipped_bit_is_refused_and_changes_nothing(void **state)
{
    struct state_buffer b = save_of(&class_, &sample);

    (void)state;
    for (uint64_t i = 0; i < b.size * 8; i++) {
        b.bytes[i / 8] ^= (uint8_t)(1u << i % 8);
        refused(&class_, b.bytes, b.size, 0, NULL);
        b.bytes[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    free(b.bytes);
}

/* A forger can make the checksum right: then the structure itself must hold. */
static void every_flipped_bit_with_a_right_checksum_is_safe(void **state)
{
    struct state_buffer b = save_of(&class_, &sample);

    (void)state;
    for (uint64_t i = 0; i < (b.size - 4) * 8; i++) {
        struct instance s = {.when = 77}, before = s;
        char why[200];

        b.bytes[i / 8] ^= (uint8_t)(1u << i % 8);
        crc_put(&b);
        if (state_load(&class_, &s, b.bytes, b.size, why, sizeof(why)))
            assert_memory_equal(&s, &before, sizeof(s));
        else
            assert_true(s.level <= 3);
        b.bytes[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    free(b.bytes);
}

static void a_value_above_the_fields_max_is_refused(void **state)
{
    struct instance s = sample;
    struct state_buffer b;

    (void)state;
    s.level = 4;
    b = save_of(&class_, &s);
    refused(&class_, b.bytes, b.size, BP_ERR_RANGE, "clock: field level = 4: at most 3 is allowed");
    free(b.bytes);
}

static void load_check_can_refuse_before_anything_changes(void **state)
{
    struct instance s = sample;
    struct state_buffer b;

    (void)state;
    s.extra[0] = 0xbd;
    b = save_of(&class_, &s);
    refused(&class_, b.bytes, b.size, BP_ERR_RANGE, "clock refuses the state (-2)");
    free(b.bytes);
}

static void state_of_another_class_or_version_is_refused_by_name(void **state)
{
    struct bp_class other = class_;
    struct state_buffer b = save_of(&class_, &sample);

    (void)state;
    other.id = "lamp";
    refused(&other, b.bytes, b.size, BP_ERR_INVALID,
            "the state is of a clock, the device is a lamp");
    other = class_;
    other.state_version = 5;
    refused(&other, b.bytes, b.size, BP_ERR_VERSION,
            "clock: state of version 4; this plugin (1.2) reads version 5");
    free(b.bytes);
}

static void an_optional_field_may_be_absent_and_a_required_one_not(void **state)
{
    struct bp_class newer = class_;
    struct bp_field required[6];
    struct instance s = {.later = 42};
    struct state_buffer b = save_of(&class_, &sample);
    char why[200];

    (void)state;
    newer.state = (struct bp_field_table)BP_TABLE(newer_fields);
    assert_int_equal(state_load(&newer, &s, b.bytes, b.size, why, sizeof(why)), BP_OK);
    assert_int_equal(s.later, 42);
    memcpy(required, newer_fields, sizeof(required));
    required[5].flags = 0;
    newer.state.rows = required;
    refused(&newer, b.bytes, b.size, BP_ERR_FORMAT, "clock: field later is missing");
    free(b.bytes);
}

static void a_field_that_the_class_does_not_know_is_refused(void **state)
{
    struct bp_class newer = class_, plain = class_;
    struct state_buffer b;

    (void)state;
    newer.state = (struct bp_field_table)BP_TABLE(newer_fields);
    b = save_of(&newer, &sample);
    refused(&class_, b.bytes, b.size, BP_ERR_FORMAT, "clock: field later is not known");
    free(b.bytes);
    plain.save = NULL;
    plain.load_check = NULL;
    plain.load_commit = NULL;
    b = save_of(&class_, &sample);
    refused(&plain, b.bytes, b.size, BP_ERR_FORMAT, "clock: field extra is not known");
    free(b.bytes);
}

static int32_t save_twice(const void *dev, const struct bp_state_writer *w)
{
    (void)dev;
    w->put(w, "a", "1", 1);
    w->put(w, "a", "2", 1); /* the error sticks */
    return BP_OK;
}

static int32_t save_fails(const void *dev, const struct bp_state_writer *w)
{
    (void)dev;
    return w->put(w, "", "1", 1);
}

static void a_save_that_goes_wrong_gives_no_bytes(void **state)
{
    struct bp_class c = class_;
    struct state_buffer b;
    char why[200];

    (void)state;
    c.save = save_twice;
    assert_int_equal(state_save(&c, &sample, &b, why, sizeof(why)), BP_ERR_EXISTS);
    assert_null(b.bytes);
    c.save = save_fails;
    assert_int_equal(state_save(&c, &sample, &b, why, sizeof(why)), BP_ERR_INVALID);
    assert_null(b.bytes);
    assert_string_equal(why, "the state of clock cannot be saved (-1)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc32c_gives_the_values_of_rfc_3720),
        cmocka_unit_test(save_load_save_gives_the_same_bytes),
        cmocka_unit_test(the_bytes_are_little_endian_and_begin_with_the_header),
        cmocka_unit_test(every_truncation_is_refused_and_changes_nothing),
        cmocka_unit_test(every_flipped_bit_is_refused_and_changes_nothing),
        cmocka_unit_test(every_flipped_bit_with_a_right_checksum_is_safe),
        cmocka_unit_test(a_value_above_the_fields_max_is_refused),
        cmocka_unit_test(load_check_can_refuse_before_anything_changes),
        cmocka_unit_test(state_of_another_class_or_version_is_refused_by_name),
        cmocka_unit_test(an_optional_field_may_be_absent_and_a_required_one_not),
        cmocka_unit_test(a_field_that_the_class_does_not_know_is_refused),
        cmocka_unit_test(a_save_that_goes_wrong_gives_no_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
