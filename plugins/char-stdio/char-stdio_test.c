/* char-stdio on the bench, with pipes, files, sockets and terminals as standard streams. */
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
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define CTRL_A "\001"

static int saved_in, saved_out;

/* The test's own ends of what the device takes for its standard streams. */
static int near_in = -1, near_out = -1;

static int setup(void **state)
{
    (void)signal(SIGPIPE, SIG_IGN); /* as the program does */
    (void)fflush(stdout);
    saved_in = dup(0);
    saved_out = dup(1);
    *state = NULL;
    return 0;
}

static void close_near(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static int teardown(void **state)
{
    bench_destroy(*state);
    (void)dup2(saved_in, 0);
    (void)dup2(saved_out, 1);
    close(saved_in);
    close(saved_out);
    close_near(&near_in);
    close_near(&near_out);
    return 0;
}

static void become(int fd, int standard)
{
    assert_int_equal(dup2(fd, standard), standard);
    close(fd);
}

static struct bench *with_pipes(void **state)
{
    int in[2], out[2];
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    become(in[0], 0);
    become(out[1], 1);
    near_in = in[1];
    near_out = out[0];
    return *state = bench_create(BENCH_CLASS, NULL);
}

/* Both streams are one terminal, whose keyboard and screen the test has. */
static struct bench *with_terminal(void **state)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(master >= 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(slave >= 0);
    assert_int_equal(dup2(slave, 0), 0);
    become(slave, 1);
    near_in = master;
    near_out = dup(master);
    return *state = bench_create(BENCH_CLASS, NULL);
}

static void type(struct bench *b, const char *keys)
{
    assert_int_equal(write(near_in, keys, strlen(keys)), strlen(keys));
    while (bench_poll(b, 100) != 0)
        ;
}

static void check_read(struct bench *b, const char *wanted)
{
    char text[256] = {0};
    uint32_t n = bench_backend_read(b, text, sizeof(text) - 1);
    assert_int_equal(n, strlen(wanted));
    assert_string_equal(text, wanted);
}

/* What has come out, as a string. */
static const char *output(void)
{
    static char text[4096];
    struct pollfd ready = {.fd = near_out, .events = POLLIN};
    size_t n = 0;
    memset(text, 0, sizeof(text));
    while (n < sizeof(text) - 1 && poll(&ready, 1, 50) == 1) {
        ssize_t got = read(near_out, text + n, sizeof(text) - 1 - n);
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    return text;
}

/* --- Pipes ------------------------------------------------------------------------------------ */

static void piped_input_waits_until_it_is_wanted(void **state)
{
    struct bench *b = with_pipes(state);
    char bytes[4] = {0};
    check_read(b, "");
    assert_int_equal(write(near_in, "hello", 5), 5);
    assert_int_equal(bench_poll(b, 1000), 1);
    assert_int_equal(bench_notices(b, BP_LINK_READABLE), 1);
    assert_int_equal(bench_poll(b, 0), 0); /* told once, and then it is quiet */
    assert_int_equal(bench_backend_read(b, bytes, 3), 3);
    assert_string_equal(bytes, "hel");
    check_read(b, "lo");
    assert_int_equal(write(near_in, "!", 1), 1);
    assert_int_equal(bench_poll(b, 1000), 1); /* watched again, since a read came short */
    check_read(b, "!");
}

static void bytes_pass_unchanged_without_a_terminal(void **state)
{
    struct bench *b = with_pipes(state);
    type(b, CTRL_A "x\003\r\n" CTRL_A CTRL_A);
    check_read(b, CTRL_A "x\003\r\n" CTRL_A CTRL_A);
    assert_int_equal(bench_power(b), 0);
    assert_int_equal(bench_backend_write(b, "a\nb\r\n\033[m", 8), 8);
    bench_settle(b);
    assert_string_equal(output(), "a\nb\r\n\033[m");
}

static void the_end_of_input_is_quiet(void **state)
{
    struct bench *b = with_pipes(state);
    assert_int_equal(write(near_in, "bye", 3), 3);
    close_near(&near_in);
    (void)bench_poll(b, 1000);
    check_read(b, "bye");
    (void)bench_poll(b, 1000);
    check_read(b, "");
    assert_int_equal(bench_watches(b), 0);
    check_read(b, "");
    assert_int_equal(bench_backend_write(b, "still here", 10), 10);
    bench_settle(b);
    assert_string_equal(output(), "still here");
}

static void output_of_single_bytes_is_gathered(void **state)
{
    struct bench *b = with_pipes(state);
    for (const char *c = "one by one\n"; *c != '\0'; c++)
        assert_int_equal(bench_backend_write(b, c, 1), 1);
    bench_settle(b);
    char text[64] = {0};
    assert_int_equal(read(near_out, text, sizeof(text)), 11); /* in one piece */
    assert_string_equal(text, "one by one\n");
}

static void a_full_pipe_is_waited_for_and_nothing_is_lost(void **state)
{
    struct bench *b = with_pipes(state);
    uint8_t bytes[1000];
    uint32_t sent = 0, taken = sizeof(bytes);
    while (taken == sizeof(bytes)) {
        for (uint32_t i = 0; i < sizeof(bytes); i++)
            bytes[i] = (uint8_t)((sent + i) % 251);
        taken = bench_backend_write(b, bytes, sizeof(bytes));
        sent += taken;
        assert_true(sent < 1 << 20);
    }
    assert_int_equal(bench_poll(b, 0), 0);
    uint32_t got = 0;
    while (got < sent) {
        struct pollfd ready = {.fd = near_out, .events = POLLIN};
        assert_int_equal(poll(&ready, 1, 1000), 1);
        ssize_t n = read(near_out, bytes, sizeof(bytes));
        for (ssize_t i = 0; i < n; i++)
            assert_int_equal(bytes[i], (uint8_t)((got + (uint32_t)i) % 251));
        got += (uint32_t)n;
        (void)bench_poll(b, 0);
    }
    assert_int_equal(bench_notices(b, BP_LINK_WRITABLE), 1);
    assert_int_equal(bench_poll(b, 0), 0);
}

static void the_shared_descriptors_stay_blocking(void **state)
{
    (void)with_pipes(state);
    assert_int_equal(fcntl(0, F_GETFL) & O_NONBLOCK, 0);
    assert_int_equal(fcntl(1, F_GETFL) & O_NONBLOCK, 0);
}

static void output_without_a_reader_vanishes_with_one_warning(void **state)
{
    struct bench *b = with_pipes(state);
    close_near(&near_out);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(bench_backend_write(b, "lost", 4), 4);
        bench_settle(b);
    }
    assert_int_equal(bench_log_count(b, BP_LOG_WARN), 1);
    assert_true(bench_log_contains(b, "Broken pipe"));
    assert_int_equal(bench_poll(b, 0), 0);
}

static void a_reader_that_goes_while_the_pipe_is_full_ends_the_waiting(void **state)
{
    struct bench *b = with_pipes(state);
    uint8_t bytes[4096] = {0};
    while (bench_backend_write(b, bytes, sizeof(bytes)) == sizeof(bytes))
        ;
    close_near(&near_out);
    (void)bench_poll(b, 1000);
    assert_true(bench_log_contains(b, "Broken pipe"));
    assert_int_equal(bench_notices(b, BP_LINK_WRITABLE), 1);
    assert_int_equal(bench_poll(b, 0), 0);
    assert_int_equal(bench_backend_write(b, bytes, sizeof(bytes)), sizeof(bytes));
}

static void a_full_disk_behind_standard_output_costs_the_bytes(void **state)
{
    int null = open("/dev/null", O_RDONLY), full = open("/dev/full", O_WRONLY);
    become(null, 0);
    become(full, 1);
    struct bench *b = *state = bench_create(BENCH_CLASS, NULL);
    assert_int_equal(bench_backend_write(b, "lost", 4), 4);
    bench_settle(b);
    assert_int_equal(bench_log_count(b, BP_LOG_WARN), 1);
    assert_int_equal(bench_backend_write(b, "lost", 4), 4);
    check_read(b, "");
}

static void sockets_carry_both_directions(void **state)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(dup2(pair[0], 0), 0);
    become(pair[0], 1);
    near_in = pair[1];
    near_out = dup(pair[1]);
    struct bench *b = *state = bench_create(BENCH_CLASS, NULL);
    type(b, "ping");
    check_read(b, "ping");
    assert_int_equal(bench_backend_write(b, "pong", 4), 4);
    bench_settle(b);
    assert_string_equal(output(), "pong");
}

static void a_file_as_input_is_read_to_its_end(void **state)
{
    char path[] = "/tmp/char-stdio.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "ls\n", 3), 3);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(unlink(path), 0);
    become(fd, 0);
    struct bench *b = *state = bench_create(BENCH_CLASS, NULL);
    assert_int_equal(bench_notices(b, BP_LINK_READABLE), 1);
    check_read(b, "ls\n");
    check_read(b, "");
}

static void closed_standard_streams_are_a_silent_console(void **state)
{
    close(0);
    close(1);
    struct bench *b = *state = bench_create(BENCH_CLASS, NULL);
    assert_int_equal(bench_backend_write(b, "x", 1), 1);
    bench_settle(b);
    check_read(b, "");
    assert_int_equal(bench_watches(b), 0);
}

/* --- Terminals -------------------------------------------------------------------------------- */

static void a_terminal_is_raw_while_the_machine_exists(void **state)
{
    struct bench *b = with_terminal(state);
    struct termios now;
    assert_int_equal(tcgetattr(0, &now), 0);
    assert_int_equal(now.c_lflag & (tcflag_t)(ICANON | ECHO | ISIG | IEXTEN), 0);
    assert_int_equal(now.c_iflag & (tcflag_t)(IXON | ICRNL), 0);
    assert_int_equal(now.c_oflag & (tcflag_t)OPOST, 0);
    type(b, "\003\032\004\021\r");
    check_read(b, "\003\032\004\021\r");
    bench_destroy(b);
    *state = NULL;
    assert_int_equal(tcgetattr(0, &now), 0);
    assert_int_equal(now.c_lflag & (tcflag_t)(ICANON | ECHO | ISIG), (ICANON | ECHO | ISIG));
    assert_int_equal(now.c_oflag & (tcflag_t)OPOST, OPOST);
}

static void ctrl_a_x_powers_off_with_status_0(void **state)
{
    struct bench *b = with_terminal(state);
    type(b, "x" CTRL_A);
    assert_int_equal(bench_power(b), 0);
    type(b, "x"); /* also when the two keys come apart */
    assert_int_equal(bench_power(b), BP_POWER_OFF);
    assert_int_equal(bench_power_code(b), 0);
    check_read(b, "x");
}

static void ctrl_a_p_presses_the_power_button(void **state)
{
    struct bench *b = with_terminal(state);
    type(b, "xp" CTRL_A);
    assert_int_equal(bench_power(b), 0);
    type(b, "p");
    assert_int_equal(bench_power(b), BP_POWER_BUTTON);
    check_read(b, "xp");
}

static void ctrl_a_twice_sends_one_ctrl_a(void **state)
{
    struct bench *b = with_terminal(state);
    type(b, "a" CTRL_A CTRL_A "x" CTRL_A CTRL_A CTRL_A "qb");
    check_read(b, "a" CTRL_A "x" CTRL_A "b"); /* Ctrl-A q means nothing and is dropped */
    assert_int_equal(bench_power(b), 0);
}

static void ctrl_a_h_helps_within_80_columns(void **state)
{
    struct bench *b = with_terminal(state);
    type(b, CTRL_A "h");
    const char *help = output();
    assert_non_null(strstr(help, "Ctrl-A x"));
    assert_non_null(strstr(help, "Ctrl-A p"));
    assert_non_null(strstr(help, "Ctrl-A h"));
    assert_non_null(strstr(help, "Ctrl-A Ctrl-A"));
    while (*help != '\0') {
        size_t columns = strcspn(help, "\r\n");
        assert_true(columns <= 80);
        help += columns;
        help += strspn(help, "\r\n");
    }
    check_read(b, "");
}

static void escapes_work_while_the_guest_reads_nothing(void **state)
{
    struct bench *b = with_terminal(state);
    static char keys[1001];
    memset(keys, 'k', sizeof(keys) - 1);
    for (uint32_t i = 0; i < 80; i++)
        type(b, keys);
    assert_int_equal(bench_log_count(b, BP_LOG_WARN), 1);
    assert_true(bench_log_contains(b, "what is typed is lost"));
    type(b, CTRL_A "x");
    assert_int_equal(bench_power(b), BP_POWER_OFF);
    uint32_t n = 0;
    char bytes[1000];
    for (uint32_t got; (got = bench_backend_read(b, bytes, sizeof(bytes))) != 0; n += got)
        ;
    assert_int_equal(n, 65536);
}

static void a_frozen_terminal_holds_up_neither_the_guest_nor_the_end(void **state)
{
    struct bench *b = with_terminal(state);
    uint8_t bytes[4096];
    struct timespec begin, end;
    memset(bytes, 'o', sizeof(bytes));
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    while (bench_backend_write(b, bytes, sizeof(bytes)) == sizeof(bytes))
        ;
    bench_destroy(b);
    *state = NULL;
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    assert_true(end.tv_sec - begin.tv_sec < 10);
}

static void a_terminal_that_hangs_up_is_the_end_of_input(void **state)
{
    struct bench *b = with_terminal(state);
    close_near(&near_in);
    close_near(&near_out);
    (void)bench_poll(b, 1000);
    check_read(b, "");
    assert_int_equal(bench_poll(b, 0), 0);
    assert_int_equal(bench_backend_write(b, "x", 1), 1);
    bench_settle(b);
}

/* A process in the background of a terminal's session: 0 when it got no input and was not stopped.
 */
static int background_child(const char *terminal)
{
    if (setsid() < 0)
        return 2;
    int slave = open(terminal, O_RDWR); /* ours now */
    if (slave < 0 || ioctl(slave, TIOCSCTTY, 0) < 0 || dup2(slave, 0) < 0 || dup2(slave, 1) < 0)
        return 3;
    pid_t pid = fork();
    if (pid == 0) {
        (void)setpgid(0, 0);
        struct bench *b = bench_create(BENCH_CLASS, NULL);
        struct termios now;
        int fine = bench_log_contains(b, "in the background") && bench_watches(b) == 0 &&
                   tcgetattr(0, &now) == 0 && (now.c_lflag & (tcflag_t)ICANON) != 0;
        bench_destroy(b);
        _exit(fine ? 0 : 4);
    }
    int status = 0;
    if (waitpid(pid, &status, WUNTRACED) != pid)
        return 5;
    if (WIFSTOPPED(status))
        (void)kill(pid, SIGKILL);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 6;
}

static void in_the_background_there_is_no_input_and_nobody_is_stopped(void **state)
{
    (void)state;
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(master >= 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(background_child(ptsname(master)));
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    close(master);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* --- Life cycle ------------------------------------------------------------------------------- */

static void a_second_one_is_refused_while_the_first_exists(void **state)
{
    static const struct bench_setup plain = {0};
    struct bench *b = with_pipes(state), *second;
    assert_int_equal(bench_try(BENCH_CLASS, &plain, &second), BP_ERR_BUSY);
    assert_non_null(strstr(bench_error(second), "another console has the terminal already"));
    bench_destroy(second);
    assert_int_equal(bench_backend_write(b, "mine", 4), 4);
    bench_destroy(b);
    assert_string_equal(output(), "mine"); /* what was written comes out before the end */
    *state = bench_create(BENCH_CLASS, NULL);
}

static void its_state_is_saved_and_loaded_byte_for_byte(void **state)
{
    struct bench *b = with_pipes(state);
    uint64_t size, again_size;
    assert_int_equal(bench_backend_write(b, "before", 6), 6);
    uint8_t *bytes = bench_save(b, &size);
    assert_string_equal(output(), "before"); /* a save lets it out */
    assert_int_equal(bench_load(b, bytes, size), BP_OK);
    uint8_t *again = bench_save(b, &again_size);
    assert_int_equal(size, again_size);
    assert_memory_equal(bytes, again, size);
    free(bytes);
    free(again);
}

static void every_failure_of_set_up_has_a_sentence(void **state)
{
    (void)state;
    (void)bench_check_setup_failures(BENCH_CLASS, NULL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(piped_input_waits_until_it_is_wanted),
        T(bytes_pass_unchanged_without_a_terminal),
        T(the_end_of_input_is_quiet),
        T(output_of_single_bytes_is_gathered),
        T(a_full_pipe_is_waited_for_and_nothing_is_lost),
        T(the_shared_descriptors_stay_blocking),
        T(output_without_a_reader_vanishes_with_one_warning),
        T(a_reader_that_goes_while_the_pipe_is_full_ends_the_waiting),
        T(a_full_disk_behind_standard_output_costs_the_bytes),
        T(sockets_carry_both_directions),
        T(a_file_as_input_is_read_to_its_end),
        T(closed_standard_streams_are_a_silent_console),
        T(a_terminal_is_raw_while_the_machine_exists),
        T(ctrl_a_x_powers_off_with_status_0),
        T(ctrl_a_p_presses_the_power_button),
        T(ctrl_a_twice_sends_one_ctrl_a),
        T(ctrl_a_h_helps_within_80_columns),
        T(escapes_work_while_the_guest_reads_nothing),
        T(a_frozen_terminal_holds_up_neither_the_guest_nor_the_end),
        T(a_terminal_that_hangs_up_is_the_end_of_input),
        T(in_the_background_there_is_no_input_and_nobody_is_stopped),
        T(a_second_one_is_refused_while_the_first_exists),
        T(its_state_is_saved_and_loaded_byte_for_byte),
        T(every_failure_of_set_up_has_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
