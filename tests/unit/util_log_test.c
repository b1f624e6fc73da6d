/* Messages: their form, their levels, and the budget of a noisy guest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "util/err.h"
#include "util/hosttime.h"
#include "util/log.h"

static FILE *file;
static int saved;
static char text[1 << 20];

static int begin(void **state)
{
    (void)state;
    file = tmpfile();
    fflush(stderr);
    saved = dup(STDERR_FILENO);
    return file == NULL || dup2(fileno(file), STDERR_FILENO) < 0;
}

static int end(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_WARN);
    fflush(stderr);
    int status = dup2(saved, STDERR_FILENO) < 0;
    close(saved);
    fclose(file);
    return status;
}

static const char *written(void)
{
    fflush(stderr);
    rewind(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    return text;
}

static void message_names_level_and_object(void **state)
{
    (void)state;
    log_text(LOG_LEVEL_ERROR, "uart0", "it broke");
    log_text(LOG_LEVEL_WARN, NULL, "careful");
    log_format(LOG_LEVEL_WARN, "disk", "%d of %s", 3, "five");
    assert_string_equal(written(), "backplane: error: uart0: it broke\nbackplane: warn: careful\n"
                                   "backplane: warn: disk: 3 of five\n");
}

static void levels_below_the_shown_one_are_silent(void **state)
{
    (void)state;
    assert_int_equal(log_level_shown(), LOG_LEVEL_WARN);
    log_text(LOG_LEVEL_INFO, "a", "x");
    log_text(LOG_LEVEL_DEBUG, "a", "x");
    log_format(LOG_LEVEL_GUEST, "a", "x");
    assert_string_equal(written(), "");
    log_set_level(LOG_LEVEL_ERROR);
    log_text(LOG_LEVEL_WARN, "a", "x");
    assert_string_equal(written(), "");
    log_set_level(LOG_LEVEL_DEBUG);
    log_text(LOG_LEVEL_DEBUG, "a", "x");
    assert_string_equal(written(), "backplane: debug: a: x\n");
}

static void levels_have_names(void **state)
{
    (void)state;
    assert_int_equal(log_level_from_name("error"), LOG_LEVEL_ERROR);
    assert_int_equal(log_level_from_name("guest"), LOG_LEVEL_GUEST);
    assert_int_equal(log_level_from_name("debug"), LOG_LEVEL_DEBUG);
    assert_int_equal(log_level_from_name("loud"), -1);
    assert_int_equal(log_level_from_name(""), -1);
}

/* A terminal whose output is passed on as it is, as run makes it for a guest's console. */
static void raw_terminal_needs_carriage_returns(void **state)
{
    (void)state;
    struct termios raw;
    char seen[64] = "";
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    int terminal = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(terminal >= 0 && tcgetattr(terminal, &raw) == 0);
    cfmakeraw(&raw);
    assert_int_equal(tcsetattr(terminal, TCSANOW, &raw), 0);
    assert_true(dup2(terminal, STDERR_FILENO) >= 0);
    log_text(LOG_LEVEL_ERROR, "a", "x");
    fflush(stderr);
    assert_true(read(master, seen, sizeof(seen) - 1) > 0);
    assert_string_equal(seen, "backplane: error: a: x\r\n");
    close(terminal);
    close(master);
}

static void noisy_guest_gets_ten_lines_and_one_sum(void **state)
{
    (void)state;
    struct log_limit limit = {0};
    log_set_level(LOG_LEVEL_GUEST);
    unsigned allowed = 0;
    for (unsigned i = 0; i < 1000; i++)
        allowed += log_allow(&limit, "uart0") != 0;
    /* A second may begin meanwhile, not more. */
    assert_in_range(allowed, 10, 20);
    /* A second later: the test does not wait for it, the budget's window is moved. */
    limit.window_start_ns -= NS_PER_SECOND;
    uint32_t left_out = limit.left_out;
    assert_true(left_out > 0);
    assert_true(log_allow(&limit, "uart0"));
    char wanted[128];
    (void)snprintf(wanted, sizeof(wanted), "backplane: guest: uart0: %u more messages left out\n",
                   left_out);
    assert_non_null(strstr(written(), wanted));
}

static void silent_level_costs_no_budget(void **state)
{
    (void)state;
    struct log_limit limit = {0};
    for (unsigned i = 0; i < 100; i++)
        assert_false(log_allow(&limit, "a"));
    log_set_level(LOG_LEVEL_GUEST);
    assert_true(log_allow(&limit, "a"));
    assert_string_equal(written(), "");
}

static void *write_lines(void *arg)
{
    for (unsigned i = 0; i < 500; i++)
        log_format(LOG_LEVEL_WARN, arg, "%s%s%s%s", "abcdefghij", "klmnopqrst", "uvwxyz", "012345");
    return NULL;
}

static void lines_of_several_threads_are_not_mixed(void **state)
{
    (void)state;
    pthread_t threads[3];
    char name[] = "thread";
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, name), 0);
    for (unsigned i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    unsigned n = 0;
    (void)written();
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n")) != NULL && line[0] != '\0'; n++)
        assert_string_equal(line, "backplane: warn: thread: abcdefghijklmnopqrstuvwxyz012345");
    assert_int_equal(n, 1500);
}

/* --- Error sentences -------------------------------------------------------------------------- */

static void sentence_is_set_and_prefixed(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(err_set(&err, -5, "%s is %d", "it", 7), -5);
    err_prefix(&err, "a.ini:%d", 3);
    assert_string_equal(err.text, "a.ini:3: it is 7");
    assert_int_equal(err_set(NULL, -6, "nobody listens"), -6);
    err_prefix(NULL, "nobody");
}

static void long_sentences_are_cut_not_spilt(void **state)
{
    (void)state;
    struct {
        struct err err;
        char guard[16];
    } e;
    char many[2000];
    memset(many, 'm', sizeof(many) - 1);
    many[sizeof(many) - 1] = '\0';
    memset(e.guard, 'g', sizeof(e.guard));
    (void)err_set(&e.err, 0, "%s", many);
    assert_int_equal(strlen(e.err.text), sizeof(e.err.text) - 1);
    err_prefix(&e.err, "prefix");
    assert_int_equal(strlen(e.err.text), sizeof(e.err.text) - 1);
    assert_memory_equal(e.err.text, "prefix: mmm", 11);
    err_prefix(&e.err, "%s", many);
    assert_int_equal(strlen(e.err.text), sizeof(e.err.text) - 1);
    for (unsigned i = 0; i < sizeof(e.guard); i++)
        assert_int_equal(e.guard[i], 'g');
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(message_names_level_and_object),
        TEST(levels_below_the_shown_one_are_silent),
        TEST(levels_have_names),
        TEST(raw_terminal_needs_carriage_returns),
        TEST(noisy_guest_gets_ten_lines_and_one_sum),
        TEST(silent_level_costs_no_budget),
        TEST(lines_of_several_threads_are_not_mixed),
        cmocka_unit_test(sentence_is_set_and_prefixed),
        cmocka_unit_test(long_sentences_are_cut_not_spilt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
