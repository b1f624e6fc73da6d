/* char-null on the bench. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <backplane/bench.h>

static void everything_vanishes_and_nothing_arrives(void **state)
{
    struct bench *b = bench_create(BENCH_CLASS, NULL);
    uint8_t bytes[4];
    (void)state;
    assert_int_equal(bench_backend_write(b, "abcd", 4), 4);
    assert_int_equal(bench_backend_write(b, "abcd", 0), 0);
    assert_int_equal(bench_backend_read(b, bytes, 4), 0);
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    bench_destroy(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_vanishes_and_nothing_arrives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
