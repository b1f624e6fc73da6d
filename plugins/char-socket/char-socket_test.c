/* char-socket on the bench, with real sockets in a directory of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <backplane/bench.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KEPT 65536u
#define S(n) ((uint64_t)(n)*1000000000u)

static char directory[64], path[80], setting[96];

static int setup(void **state)
{
    /* SIGPIPE stays what it is: the device must not need more. */
    (void)snprintf(directory, sizeof(directory), "/tmp/bp-char-socket-XXXXXX");
    if (mkdtemp(directory) == NULL)
        return -1;
    (void)snprintf(path, sizeof(path), "%s/console", directory);
    (void)snprintf(setting, sizeof(setting), "path=%s", path);
    *state = NULL;
    return 0;
}

static int teardown(void **state)
{
    bench_destroy(*state);
    (void)unlink(path);
    return rmdir(directory);
}

static struct bench *make(void **state)
{
    return *state = bench_create(BENCH_CLASS, (const char *const[]){setting, NULL});
}

static int32_t try_with(struct bench **b, const char *one, const char *other)
{
    const char *const settings[] = {one, other, NULL};
    const struct bench_setup set_up = {.settings = settings};
    return bench_try(BENCH_CLASS, &set_up, b);
}

static void check_refused(const char *one, const char *other, int32_t status, const char *says)
{
    struct bench *b;
    assert_int_equal(try_with(&b, one, other), status);
    if (strstr(bench_error(b), says) == NULL)
        fail_msg("\nsaid:   %s\nwanted: %s", bench_error(b), says);
    bench_destroy(b);
}

static struct sockaddr_un address(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    (void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
    return to;
}

static int knock(void)
{
    struct sockaddr_un to = address();
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

static void poll_all(struct bench *b)
{
    for (int i = 0; i < 1000 && bench_poll(b, 0) != 0; i++)
        ;
}

static int join(struct bench *b)
{
    int fd = knock();
    poll_all(b);
    return fd;
}

static void say(struct bench *b, int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    poll_all(b);
}

static void check_guest_reads(struct bench *b, const char *wanted)
{
    char text[256] = {0};
    uint32_t n = bench_backend_read(b, text, sizeof(text) - 1);
    assert_string_equal(text, wanted);
    assert_int_equal(n, strlen(wanted));
}

static void guest_writes(struct bench *b, const char *text)
{
    uint32_t n = (uint32_t)strlen(text);
    assert_int_equal(bench_backend_write(b, text, n), n);
    bench_settle(b);
}

/* Everything that is there for the client, at most what fits. */
static size_t receive(int fd, char *to, size_t size)
{
    size_t n = 0;
    for (ssize_t got; n < size && (got = recv(fd, to + n, size - n, MSG_DONTWAIT)) > 0;)
        n += (size_t)got;
    return n;
}

static void check_client_gets(int fd, const char *wanted)
{
    char text[256] = {0};
    (void)receive(fd, text, sizeof(text) - 1);
    assert_string_equal(text, wanted);
}

static bool is_over(int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno == ECONNRESET);
}

/* The guest's endless output: byte i is i % 251. */
static uint32_t fill(struct bench *b, uint64_t *sent, uint32_t most)
{
    uint8_t bytes[1000];
    uint32_t n = most < sizeof(bytes) ? most : (uint32_t)sizeof(bytes);
    for (uint32_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)((*sent + i) % 251);
    uint32_t taken = bench_backend_write(b, bytes, n);
    *sent += taken;
    return taken;
}

/* --- To and fro ------------------------------------------------------------------------------- */

static void bytes_pass_both_ways_unchanged(void **state)
{
    struct bench *b = make(state);
    int fd = join(b);
    guest_writes(b, "login: \r\n\033[m\xff");
    check_client_gets(fd, "login: \r\n\033[m\xff");
    say(b, fd, "root\001x\r");
    assert_int_equal(bench_notices(b, BP_LINK_READABLE), 1);
    check_guest_reads(b, "root\001x\r");
    check_guest_reads(b, "");
    say(b, fd, "again");
    assert_int_equal(bench_notices(b, BP_LINK_READABLE), 2);
    check_guest_reads(b, "again");
    close(fd);
}

static void input_waits_in_the_socket_until_the_guest_wants_it(void **state)
{
    struct bench *b = make(state);
    int fd = join(b);
    char bytes[4] = {0};
    say(b, fd, "hello");
    assert_int_equal(bench_poll(b, 0), 0); /* told once, and then it is quiet */
    assert_int_equal(bench_backend_read(b, bytes, 3), 3);
    assert_string_equal(bytes, "hel");
    check_guest_reads(b, "lo");
    assert_int_equal(bench_backend_read(b, NULL, 0), 0);
    close(fd);
}

static void output_of_single_bytes_is_gathered(void **state)
{
    struct bench *b = make(state);
    int fd = join(b);
    for (const char *c = "one by one\n"; *c != '\0'; c++)
        assert_int_equal(bench_backend_write(b, c, 1), 1);
    bench_settle(b);
    char text[64] = {0};
    assert_int_equal(recv(fd, text, sizeof(text), MSG_DONTWAIT), 11); /* in one piece */
    assert_string_equal(text, "one by one\n");
    close(fd);
}

/* --- Coming and going ------------------------------------------------------------------------- */

static void what_was_written_before_the_client_came_is_shown_first(void **state)
{
    struct bench *b = make(state);
    check_guest_reads(b, "");
    guest_writes(b, "booting\n");
    int fd = join(b);
    guest_writes(b, "ready\n");
    check_client_gets(fd, "booting\nready\n");
    close(fd);
}

static void the_newest_64_kib_are_kept_for_the_next_client(void **state)
{
    struct bench *b = make(state);
    static char got[2 * KEPT];
    uint64_t sent = 0;
    while (sent < 1000000)
        assert_int_equal(fill(b, &sent, 997), 997);
    static uint8_t huge[3 * KEPT];
    int fd = join(b);
    (void)bench_poll(b, 0);
    assert_int_equal(receive(fd, got, sizeof(got)), KEPT);
    for (uint32_t i = 0; i < KEPT; i++)
        assert_int_equal((uint8_t)got[i], (sent - KEPT + i) % 251);
    close(fd);
    poll_all(b);
    memset(huge, 'a', sizeof(huge));
    memcpy(huge + sizeof(huge) - 3, "end", 3);
    assert_int_equal(bench_backend_write(b, huge, sizeof(huge)), sizeof(huge));
    fd = join(b);
    assert_int_equal(receive(fd, got, sizeof(got)), KEPT);
    assert_memory_equal(got + KEPT - 5, "aaend", 5);
    close(fd);
}

static void clients_come_and_go(void **state)
{
    struct bench *b = make(state);
    for (int i = 0; i < 100; i++) {
        int fd = join(b);
        say(b, fd, "ping");
        check_guest_reads(b, "ping");
        guest_writes(b, "pong");
        check_client_gets(fd, "pong");
        close(fd);
        if (i % 3 == 0)
            poll_all(b); /* now and then it is noticed only when the next one comes */
    }
    poll_all(b);
    assert_int_equal(bench_watches(b), 1); /* the door's */
    assert_int_equal(bench_log_count(b, BP_LOG_WARN), 0);
}

static void a_second_client_is_turned_away(void **state)
{
    struct bench *b = make(state);
    int first = join(b);
    int second = join(b);
    check_client_gets(second,
                      "backplane: another client has this console; come back when it has left\r\n");
    assert_true(is_over(second));
    close(second);
    guest_writes(b, "yours");
    check_client_gets(first, "yours");
    close(first);
    second = join(b);
    guest_writes(b, "now yours");
    check_client_gets(second, "now yours");
    close(second);
}

static void what_a_client_sent_outlives_it(void **state)
{
    struct bench *b = make(state);
    int fd = knock();
    assert_int_equal(send(fd, "reboot\n", 7, 0), 7);
    close(fd);
    poll_all(b);
    assert_true(bench_notices(b, BP_LINK_READABLE) >= 1);
    fd = join(b);
    say(b, fd, "and more\n");
    check_guest_reads(b, "reboot\n");
    check_guest_reads(b, "and more\n");
    close(fd);
}

static void a_client_that_sends_no_more_still_reads(void **state)
{
    struct bench *b = make(state);
    int fd = join(b);
    say(b, fd, "date\n");
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    poll_all(b);
    check_guest_reads(b, "date\n");
    poll_all(b);
    check_guest_reads(b, "");
    assert_int_equal(bench_poll(b, 0), 0); /* no spinning */
    guest_writes(b, "today\n");
    check_client_gets(fd, "today\n");
    close(fd);
    fd = join(b);
    guest_writes(b, "next");
    check_client_gets(fd, "next");
    close(fd);
}

static void output_for_a_client_that_is_gone_is_for_the_next(void **state)
{
    struct bench *b = make(state);
    int fd = join(b);
    close(fd);
    guest_writes(b, "anybody?"); /* no SIGPIPE, which is not ignored here */
    poll_all(b);
    fd = join(b);
    check_client_gets(fd, "anybody?");
    close(fd);
}

static void a_client_that_reads_no_more_may_still_send(void **state)
{
    struct bench *b = make(state);
    int fd = join(b);
    assert_int_equal(shutdown(fd, SHUT_RD), 0);
    guest_writes(b, "lost on you");
    say(b, fd, "x");
    check_guest_reads(b, "x");
    close(fd);
    fd = join(b);
    check_client_gets(fd, "lost on you");
    close(fd);
}

/* --- Slow clients ----------------------------------------------------------------------------- */

static void a_slow_client_loses_nothing(void **state)
{
    struct bench *b = make(state);
    int fd = join(b);
    static char got[4 * KEPT];
    uint64_t sent = 0, received = 0;
    for (int i = 0; i < 400; i++) {
        while (sent < 8000000 && fill(b, &sent, (uint32_t)(8000000 - sent)) == 1000)
            ;
        bench_advance_ns(b, S(1) / 2);
        size_t n = receive(fd, got, sizeof(got));
        for (size_t k = 0; k < n; k++)
            assert_int_equal((uint8_t)got[k], (received + k) % 251);
        received += n;
        poll_all(b);
    }
    assert_int_equal(sent, 8000000);
    assert_int_equal(received, sent);
    assert_true(bench_notices(b, BP_LINK_WRITABLE) > 10);
    assert_int_equal(bench_log_count(b, BP_LOG_INFO), 0);
    close(fd);
}

static void a_client_that_does_not_read_keeps_the_guest_one_second_at_most(void **state)
{
    struct bench *b = make(state);
    static char got[16 * KEPT];
    int fd = join(b);
    uint64_t sent = 0;
    while (fill(b, &sent, 1000) == 1000)
        assert_true(sent < 8 * KEPT);
    bench_advance_ns(b, S(1) - 1);
    assert_int_equal(bench_notices(b, BP_LINK_WRITABLE), 0);
    assert_int_equal(fill(b, &sent, 1), 0);
    bench_advance_ns(b, 1);
    assert_int_equal(bench_notices(b, BP_LINK_WRITABLE), 1);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(fill(b, &sent, 1000), 1000);
    assert_int_equal(bench_log_count(b, BP_LOG_INFO), 1);
    /* When it reads again, the newest is there, and the guest waits for it again. */
    size_t n = 0;
    for (int i = 0; i < 20; i++) {
        n += receive(fd, got + n, sizeof(got) - n);
        poll_all(b);
    }
    assert_true(n > KEPT);
    for (uint32_t i = 0; i < KEPT; i++)
        assert_int_equal((uint8_t)got[n - KEPT + i], (sent - KEPT + i) % 251);
    while (fill(b, &sent, 1000) == 1000)
        ;
    assert_int_equal(fill(b, &sent, 1), 0);
    close(fd);
}

static void a_client_that_leaves_a_waiting_guest_lets_it_go_on(void **state)
{
    struct bench *b = make(state);
    int fd = join(b);
    uint64_t sent = 0;
    while (fill(b, &sent, 1000) == 1000)
        ;
    close(fd);
    poll_all(b);
    assert_int_equal(bench_notices(b, BP_LINK_WRITABLE), 1);
    assert_int_equal(fill(b, &sent, 1000), 1000);
    bench_advance_ns(b, S(10));
    assert_int_equal(bench_log_count(b, BP_LOG_INFO), 0);
}

static void a_client_that_sends_without_end_waits_and_what_it_leaves_is_bounded(void **state)
{
    struct bench *b = make(state);
    int fd = join(b);
    char bytes[4096];
    uint64_t sent = 0, read = 0;
    memset(bytes, 'x', sizeof(bytes));
    for (ssize_t n; (n = send(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0; sent += (uint64_t)n)
        poll_all(b);
    close(fd);
    fd = join(b);
    for (uint32_t n; (n = bench_backend_read(b, bytes, sizeof(bytes))) > 0; read += n)
        ;
    assert_int_equal(read, sent < KEPT ? sent : KEPT);
    assert_true(bench_log_contains(b, "some of it is lost"));
    close(fd);
}

/* --- The file --------------------------------------------------------------------------------- */

static mode_t mode_of_file(void)
{
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISSOCK(st.st_mode));
    return st.st_mode & 07777;
}

static void the_socket_has_the_mode_that_was_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *setting;
        mode_t mode, umask;
    } rows[] = {
        {NULL, 0600, 0}, {"mode=0660", 0660, 077}, {"mode=777", 0777, 022}, {"mode=0", 0, 0}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bench *b;
        mode_t before = umask(rows[i].umask);
        assert_int_equal(try_with(&b, setting, rows[i].setting), BP_OK);
        (void)umask(before);
        assert_int_equal(mode_of_file(), rows[i].mode);
        bench_destroy(b);
    }
}

static void the_socket_goes_with_the_machine(void **state)
{
    struct bench *b = make(state);
    int fd = join(b);
    guest_writes(b, "bye");
    assert_int_equal(bench_backend_write(b, "!", 1), 1); /* not yet flushed */
    bench_destroy(b);
    *state = NULL;
    assert_int_equal(access(path, F_OK), -1);
    check_client_gets(fd, "bye!");
    assert_true(is_over(fd));
    close(fd);
}

static void a_file_that_took_its_place_stays(void **state)
{
    struct bench *b = make(state);
    assert_int_equal(unlink(path), 0);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    bench_destroy(b);
    *state = NULL;
    assert_int_equal(access(path, F_OK), 0);
}

static void what_a_dead_process_left_is_replaced(void **state)
{
    struct sockaddr_un to = address();
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(listen(fd, 1), 0);
    close(fd);
    struct bench *b = make(state);
    fd = join(b);
    guest_writes(b, "mine");
    check_client_gets(fd, "mine");
    close(fd);
}

static void a_socket_in_use_is_refused_and_not_disturbed(void **state)
{
    struct bench *b = make(state);
    guest_writes(b, "kept");
    check_refused(setting, NULL, BP_ERR_BUSY, "belongs to a running program");
    poll_all(b);
    int fd = join(b);
    check_client_gets(fd, "kept"); /* nobody else was called */
    close(fd);
    bench_destroy(b);
    /* Also one that does not listen yet, and one of another type. */
    for (int i = 0; i < 2; i++) {
        struct sockaddr_un to = address();
        fd = socket(AF_UNIX, (i == 0 ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
        check_refused(setting, NULL, BP_ERR_BUSY, "belongs to a running program");
        close(fd);
        assert_int_equal(unlink(path), 0);
    }
    *state = NULL;
}

static void other_files_are_refused_and_stay(void **state)
{
    (void)state;
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    close(fd);
    check_refused(setting, NULL, BP_ERR_EXISTS, "is there and is no socket: it stays");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("nowhere", path), 0);
    check_refused(setting, NULL, BP_ERR_EXISTS, "is there and is no socket");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    check_refused(setting, NULL, BP_ERR_EXISTS, "is there and is no socket");
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    check_refused(setting, NULL, BP_ERR_EXISTS, "is there and is no socket");
}

static void wrong_settings_are_refused(void **state)
{
    (void)state;
    char text[200] = "path=/tmp/";
    memset(text + 10, 'x', 103);
    check_refused(text, NULL, BP_ERR_RANGE, "path has 108 bytes, and a socket's has 1-107");
    check_refused(setting, "mode=0888", BP_ERR_INVALID, "permissions in octal are wanted");
    check_refused(setting, "mode=1777", BP_ERR_INVALID, "permissions in octal are wanted");
    check_refused(setting, "mode=-1", BP_ERR_INVALID, "permissions in octal are wanted");
    check_refused(setting, "mode=", BP_ERR_INVALID, "permissions in octal are wanted");
    check_refused("path=/tmp/bp-nowhere-at-all/console", NULL, BP_ERR_NOT_FOUND,
                  "its directory must exist");
    text[112] = '\0';
    struct bench *b;
    assert_int_equal(try_with(&b, text, NULL), BP_OK); /* 107 */
    bench_destroy(b);
    assert_int_equal(access(text + 5, F_OK), -1);
}

static void starters_at_once_get_one_winner(void **state)
{
    (void)state;
    struct sockaddr_un to = address();
    int left = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(left, (struct sockaddr *)&to, sizeof(to)), 0);
    close(left);
    int ready[2], won = 0;
    assert_int_equal(pipe(ready), 0);
    pid_t pids[8];
    for (int i = 0; i < 8; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            struct bench *b;
            int32_t status = try_with(&b, setting, NULL);
            char done = '.';
            /* Nobody ends before all have tried. */
            (void)!write(ready[1], &done, 1);
            (void)poll(NULL, 0, 300);
            bench_destroy(b);
            _exit(status == BP_OK ? 0 : status == BP_ERR_BUSY ? 1 : 2);
        }
    }
    for (int i = 0; i < 8; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
        won += WEXITSTATUS(status) == 0;
    }
    assert_int_equal(won, 1);
    close(ready[0]);
    close(ready[1]);
}

/* --- Trouble ---------------------------------------------------------------------------------- */

static void a_host_without_descriptors_lets_clients_wait(void **state)
{
    struct bench *b = make(state);
    struct rlimit before, none;
    int fd = knock();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = (rlim_t)fd + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    uint32_t called = bench_poll(b, 0), again = bench_poll(b, 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(called, 1);
    assert_int_equal(again, 0); /* no spinning */
    assert_int_equal(bench_log_count(b, BP_LOG_WARN), 1);
    bench_advance_ns(b, S(1));
    poll_all(b);
    guest_writes(b, "welcome");
    check_client_gets(fd, "welcome");
    close(fd);
}

static void failing_set_up_calls_clean_up(void **state)
{
    (void)state;
    const char *const settings[] = {setting, NULL};
    const struct bench_setup set_up = {.settings = settings};
    assert_true(bench_check_setup_failures(BENCH_CLASS, &set_up) >= 3);
    assert_int_equal(access(path, F_OK), -1);
}

static void a_host_that_lacks_an_interface_is_told(void **state)
{
    (void)state;
    const char *const settings[] = {setting, NULL};
    const char *const missing[] = {BP_LOOP_ID, NULL};
    const struct bench_setup set_up = {.settings = settings, .missing = missing};
    struct bench *b;
    assert_int_equal(bench_try(BENCH_CLASS, &set_up, &b), BP_ERR_UNSUPPORTED);
    bench_destroy(b);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Clients and the guest do what they like; what the guest reads is what clients sent, in order. */
static void anything_may_happen_in_any_order(void **state)
{
    struct bench *b = make(state);
    uint32_t seed = 1;
    uint64_t written = 0;
    int fds[3] = {-1, -1, -1};
    static char bytes[3 * KEPT];
    for (int i = 0; i < 20000; i++) {
        uint32_t r = next_random(&seed);
        int *fd = &fds[r % 3];
        switch (r / 3 % 10) {
        case 0:
            if (*fd < 0)
                *fd = knock();
            break;
        case 1:
            if (*fd >= 0)
                close(*fd);
            *fd = -1;
            break;
        case 2:
            if (*fd >= 0)
                (void)send(*fd, bytes, r % 5000, MSG_DONTWAIT | MSG_NOSIGNAL);
            break;
        case 3:
            if (*fd >= 0)
                (void)recv(*fd, bytes, r % sizeof(bytes), MSG_DONTWAIT);
            break;
        case 4:
            if (*fd >= 0)
                (void)shutdown(*fd, r % 2 == 0 ? SHUT_RD : SHUT_WR);
            break;
        case 5:
            assert_true(bench_backend_read(b, bytes, r % 9000) <= r % 9000);
            break;
        case 6:
        case 7:
            (void)fill(b, &written, r % 1000);
            break;
        case 8:
            bench_advance_ns(b, S(1) / 4);
            break;
        default:
            (void)bench_poll(b, 0);
        }
        /* A full queue at the door would block the test itself. */
        if (r % 4 == 0)
            (void)bench_poll(b, 0);
    }
    for (int i = 0; i < 3; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    poll_all(b);
    int fd = join(b);
    assert_true(receive(fd, bytes, sizeof(bytes)) <= KEPT);
    guest_writes(b, "alive");
    check_client_gets(fd, "alive");
    close(fd);
}

static void the_state_is_empty(void **state)
{
    struct bench *b = make(state);
    guest_writes(b, "not part of the state");
    uint64_t size;
    free(bench_save(b, &size));
    assert_true(size < 256);
}

int main(void)
{
#define ONE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        ONE(bytes_pass_both_ways_unchanged),
        ONE(input_waits_in_the_socket_until_the_guest_wants_it),
        ONE(output_of_single_bytes_is_gathered),
        ONE(what_was_written_before_the_client_came_is_shown_first),
        ONE(the_newest_64_kib_are_kept_for_the_next_client),
        ONE(clients_come_and_go),
        ONE(a_second_client_is_turned_away),
        ONE(what_a_client_sent_outlives_it),
        ONE(a_client_that_sends_no_more_still_reads),
        ONE(output_for_a_client_that_is_gone_is_for_the_next),
        ONE(a_client_that_reads_no_more_may_still_send),
        ONE(a_slow_client_loses_nothing),
        ONE(a_client_that_does_not_read_keeps_the_guest_one_second_at_most),
        ONE(a_client_that_leaves_a_waiting_guest_lets_it_go_on),
        ONE(a_client_that_sends_without_end_waits_and_what_it_leaves_is_bounded),
        ONE(the_socket_has_the_mode_that_was_asked_for),
        ONE(the_socket_goes_with_the_machine),
        ONE(a_file_that_took_its_place_stays),
        ONE(what_a_dead_process_left_is_replaced),
        ONE(a_socket_in_use_is_refused_and_not_disturbed),
        ONE(other_files_are_refused_and_stay),
        ONE(wrong_settings_are_refused),
        ONE(starters_at_once_get_one_winner),
        ONE(a_host_without_descriptors_lets_clients_wait),
        ONE(failing_set_up_calls_clean_up),
        ONE(a_host_that_lacks_an_interface_is_told),
        ONE(anything_may_happen_in_any_order),
        ONE(the_state_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
