/* Seeded programs for the fuzz target of net-user: the same ones each time. BP_FUZZ_RUNS in the
 * environment makes more of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fuzz/net_user_fuzz.h"

#define RUNS          400u
#define PROGRAM_BYTES 8192u

static uint64_t xorshift(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

/* What goes to this descriptor from now on goes to a file. */
static int redirect(int fd, FILE *file)
{
    int saved = dup(fd);
    (void)fflush(NULL);
    assert_true(saved >= 0 && dup2(fileno(file), fd) == fd);
    return saved;
}

static void restore(int fd, int saved)
{
    (void)fflush(NULL);
    assert_int_equal(dup2(saved, fd), fd);
    close(saved);
}

static void no_guest_breaks_the_library_or_makes_it_print(void **state)
{
    const char *wanted = getenv("BP_FUZZ_RUNS");
    unsigned long runs = wanted == NULL ? RUNS : strtoul(wanted, NULL, 10);
    uint64_t seed = 0x9e3779b97f4a7c15u;
    static uint8_t bytes[PROGRAM_BYTES];
    FILE *printed = tmpfile();
    (void)state;
    assert_non_null(printed);
    int out = redirect(STDOUT_FILENO, printed), err = redirect(STDERR_FILENO, printed);
    for (unsigned long i = 0; i < runs; i++) {
        size_t size = xorshift(&seed) % PROGRAM_BYTES;
        for (size_t k = 0; k < size; k++)
            bytes[k] = (uint8_t)(xorshift(&seed) >> 32);
        net_user_fuzz(bytes, size);
    }
    restore(STDOUT_FILENO, out);
    restore(STDERR_FILENO, err);
    (void)fseek(printed, 0, SEEK_END);
    assert_int_equal(ftell(printed), 0);
    (void)fclose(printed);
    print_message("%lu frames sent, %lu heard\n", n_frames, n_answers);
    assert_true(n_frames > runs * 50 && n_answers > runs * 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_guest_breaks_the_library_or_makes_it_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
