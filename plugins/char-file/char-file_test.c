/* char-file on the bench, with real files in a directory of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <backplane/bench.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[64];
static char log_path[96];

static int make_directory(void **state)
{
    const char *base = getenv("TMPDIR");
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN); /* as the program does */
    (void)snprintf(directory, sizeof(directory), "%s/char-file.XXXXXX",
                   base != NULL && strlen(base) < 32 ? base : "/tmp");
    if (mkdtemp(directory) == NULL)
        return -1;
    (void)snprintf(log_path, sizeof(log_path), "%s/console.log", directory);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory);
}

static int32_t try_file(const char *path, const char *more, struct bench **b)
{
    static char setting[160];
    static const char *settings[3];
    static const struct bench_setup setup = {.settings = settings};
    (void)snprintf(setting, sizeof(setting), "path=%s", path);
    settings[0] = setting;
    settings[1] = more;
    return bench_try(BENCH_CLASS, &setup, b);
}

static struct bench *make(const char *path, const char *more)
{
    struct bench *b;
    if (try_file(path, more, &b) != BP_OK)
        fail_msg("%s", bench_error(b));
    return b;
}

static void check_content(const char *wanted)
{
    char text[256] = {0};
    int fd = open(log_path, O_RDONLY);
    assert_true(fd >= 0);
    assert_true(read(fd, text, sizeof(text) - 1) >= 0);
    close(fd);
    assert_string_equal(text, wanted);
}

static void output_is_in_the_file_at_once(void **state)
{
    struct bench *b = make(log_path, NULL);
    (void)state;
    assert_int_equal(bench_backend_write(b, "boot\n", 5), 5);
    check_content("boot\n");
    assert_int_equal(bench_backend_write(b, "ok\n", 3), 3);
    check_content("boot\nok\n");
    uint8_t byte;
    assert_int_equal(bench_backend_read(b, &byte, 1), 0);
    bench_destroy(b);
    assert_int_equal(unlink(log_path), 0);
}

static void append_keeps_what_was_there_and_without_it_the_file_begins_anew(void **state)
{
    (void)state;
    struct bench *b = make(log_path, NULL);
    (void)bench_backend_write(b, "one", 3);
    bench_destroy(b);
    b = make(log_path, "append=yes");
    (void)bench_backend_write(b, "two", 3);
    check_content("onetwo");
    bench_destroy(b);
    b = make(log_path, "append=no");
    check_content("");
    bench_destroy(b);
    assert_int_equal(unlink(log_path), 0);
}

static void a_full_disk_costs_the_bytes_and_one_warning(void **state)
{
    (void)state;
    struct bench *b = make("/dev/full", "append=yes");
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(bench_backend_write(b, "lost", 4), 4);
    assert_int_equal(bench_log_count(b, BP_LOG_WARN), 1);
    assert_true(bench_log_contains(b, "No space left on device"));
    bench_destroy(b);
}

static void a_pipe_makes_the_device_wait_until_there_is_room(void **state)
{
    (void)state;
    char path[128];
    static uint8_t bytes[8192];
    (void)snprintf(path, sizeof(path), "%s/pipe", directory);
    assert_int_equal(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    struct bench *b = make(path, "append=yes");
    uint32_t n = sizeof(bytes);
    uint32_t rounds = 0;
    while (n == sizeof(bytes) && rounds++ < 1000)
        n = bench_backend_write(b, bytes, sizeof(bytes));
    assert_true(n < sizeof(bytes));
    assert_int_equal(bench_poll(b, 0), 0); /* no room: nobody is woken */
    assert_int_equal(bench_notices(b, BP_LINK_WRITABLE), 0);
    while (read(reader, bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes))
        ;
    assert_int_equal(bench_poll(b, 1000), 1);
    assert_int_equal(bench_notices(b, BP_LINK_WRITABLE), 1);
    assert_int_equal(bench_poll(b, 0), 0); /* told once, not for ever */
    assert_int_equal(bench_backend_write(b, "x", 1), 1);
    close(reader);
    assert_int_equal(bench_backend_write(b, "x", 1), 1); /* vanishes */
    assert_true(bench_log_contains(b, "Broken pipe"));
    bench_destroy(b);
    assert_int_equal(unlink(path), 0);
}

static void check_refused(const char *path, const char *text)
{
    struct bench *b;
    assert_true(try_file(path, "append=yes", &b) < 0);
    if (strstr(bench_error(b), text) == NULL || strstr(bench_error(b), path) == NULL)
        fail_msg("\"%s\" or \"%s\" is not in \"%s\"", text, path, bench_error(b));
    bench_destroy(b);
}

static void a_file_that_cannot_be_written_is_refused_with_a_remedy(void **state)
{
    char path[128];
    (void)state;
    check_refused(directory, "give the name of a file in it");
    (void)snprintf(path, sizeof(path), "%s/none/log", directory);
    check_refused(path, "its directory must exist");
    (void)snprintf(path, sizeof(path), "%s/pipe", directory);
    assert_int_equal(mkfifo(path, 0600), 0);
    check_refused(path, "a pipe without a reader");
    assert_int_equal(unlink(path), 0);
}

static void its_state_is_saved_and_loaded_byte_for_byte(void **state)
{
    (void)state;
    struct bench *b = make(log_path, NULL);
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    bench_destroy(b);
    assert_int_equal(unlink(log_path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_is_in_the_file_at_once),
        cmocka_unit_test(append_keeps_what_was_there_and_without_it_the_file_begins_anew),
        cmocka_unit_test(a_full_disk_costs_the_bytes_and_one_warning),
        cmocka_unit_test(a_pipe_makes_the_device_wait_until_there_is_room),
        cmocka_unit_test(a_file_that_cannot_be_written_is_refused_with_a_remedy),
        cmocka_unit_test(its_state_is_saved_and_loaded_byte_for_byte),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
