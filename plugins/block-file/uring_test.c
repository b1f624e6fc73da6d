/*
 * block-file's ring. io_uring_submit is this program's own: it looks at what is about to go to the
 * kernel and gives it another descriptor, length or mode. So a pipe is a disk that answers when the
 * test likes, and /dev/full one that is full.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <backplane/bench.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disk_test.h"

#define SLOW_OFFSET 8192u /* requests for this place of the disk go to `slow` */

static void (*on_entry)(struct io_uring_sqe *entry); /* sees each entry once */
static uint32_t n_refused;                           /* so many submits fail with EAGAIN */
static uint32_t n_entries[IORING_OP_LAST];
static int slow[2] = {-1, -1}; /* a pipe */
static int full = -1;
static struct io_uring *ring_seen;

int io_uring_submit(struct io_uring *ring)
{
    int (*real)(struct io_uring *) = NULL;
    *(void **)&real = dlsym(RTLD_NEXT, "io_uring_submit");
    assert_non_null(real);
    ring_seen = ring;
    if (n_refused != 0) {
        n_refused--;
        return -EAGAIN;
    }
    for (unsigned i = ring->sq.sqe_head; i != ring->sq.sqe_tail; i++) {
        struct io_uring_sqe *entry = &ring->sq.sqes[i & *ring->sq.kring_mask];
        n_entries[entry->opcode]++;
        if (on_entry != NULL)
            on_entry(entry);
    }
    return real(ring);
}

static int ring_setup(void **state)
{
    engine = "io=io_uring";
    on_entry = NULL;
    n_refused = 0;
    memset(n_entries, 0, sizeof(n_entries));
    return pipe2(slow, O_CLOEXEC) == 0 ? setup(state) : -1;
}

static int ring_teardown(void **state)
{
    int status = teardown(state);
    on_entry = NULL;
    for (uint32_t i = 0; i < 2; i++) {
        if (slow[i] >= 0)
            close(slow[i]);
        slow[i] = -1;
    }
    return status;
}

static bool is_data(const struct io_uring_sqe *entry)
{
    return entry->opcode == IORING_OP_READ || entry->opcode == IORING_OP_WRITE;
}

/* Requests for the slow place wait at the pipe. */
static void send_to_pipe(struct io_uring_sqe *entry)
{
    if (!is_data(entry) || entry->off != SLOW_OFFSET)
        return;
    entry->fd = slow[entry->opcode == IORING_OP_READ ? 0 : 1];
    entry->off = UINT64_MAX; /* a pipe has no place */
}

static void send_to_pipe_for_good(struct io_uring_sqe *entry)
{
    send_to_pipe(entry);
    if (entry->opcode == IORING_OP_ASYNC_CANCEL)
        io_uring_prep_nop(entry);
}

static void feed_pipe(uint8_t byte, size_t size)
{
    uint8_t bytes[4096];
    memset(bytes, byte, sizeof(bytes));
    for (size_t done = 0; done < size; done += sizeof(bytes))
        assert_int_equal(write(slow[1], bytes, sizeof(bytes)), sizeof(bytes));
}

/* Writes to it wait. */
static void fill_pipe(void)
{
    uint8_t bytes[4096] = {0};
    assert_int_equal(fcntl(slow[1], F_SETFL, O_NONBLOCK), 0);
    while (write(slow[1], bytes, sizeof(bytes)) > 0)
        ;
    assert_int_equal(fcntl(slow[1], F_SETFL, 0), 0);
}

static void empty_pipe(void)
{
    uint8_t bytes[4096];
    assert_int_equal(fcntl(slow[0], F_SETFL, O_NONBLOCK), 0);
    while (read(slow[0], bytes, sizeof(bytes)) > 0)
        ;
    assert_int_equal(fcntl(slow[0], F_SETFL, 0), 0);
}

static void poll_some(struct bench *b)
{
    for (uint32_t i = 0; i < 3; i++)
        (void)bench_poll(b, 1);
}

static int32_t quiesce(struct bench *b)
{
    return BENCH_CLASS->quiesce(bench_instance(b));
}

static uint8_t first_byte(struct bench *b, uint64_t gpa)
{
    uint8_t byte;
    bench_ram_read(b, gpa, &byte, 1);
    return byte;
}

/* --- A slow disk ------------------------------------------------------------------------------ */

static void a_slow_disk_holds_up_neither_the_caller_nor_other_requests(void **state)
{
    struct bench *b = *state;
    on_entry = send_to_pipe;
    uint64_t held = submit(b, BP_BLOCK_READ, SLOW_OFFSET, 4096, GPA);
    fill(b, GPA + 0x2000, 4096, 1);
    assert_int_equal(request(b, BP_BLOCK_WRITE, 0, 4096, GPA + 0x2000), BP_OK);
    assert_int_equal(request(b, BP_BLOCK_FLUSH, 0, 0, 0), BP_OK);
    check_file(b, 0, GPA + 0x2000, 4096);
    assert_int_equal(bench_block_result(b, held), BP_PENDING);
    feed_pipe(0x5a, 4096);
    assert_int_equal(await(b, held), BP_OK);
    assert_int_equal(first_byte(b, GPA), 0x5a);
}

static void nothing_goes_to_the_kernel_while_the_caller_waits(void **state)
{
    struct bench *b = *state;
    uint64_t ticket = submit(b, BP_BLOCK_READ, 0, 4096, GPA);
    assert_int_equal(n_entries[IORING_OP_READ], 0); /* the loop's thread does that */
    assert_int_equal(await(b, ticket), BP_OK);
    assert_int_equal(n_entries[IORING_OP_READ], 1);
}

static void more_requests_than_the_ring_takes_wait_their_turn(void **state)
{
    struct bench *b = *state;
    uint64_t tickets[100];
    on_entry = send_to_pipe;
    for (uint32_t i = 0; i < 100; i++)
        tickets[i] = submit(b, BP_BLOCK_READ, SLOW_OFFSET, 4096, GPA + 4096 * i);
    poll_some(b);
    assert_int_equal(n_entries[IORING_OP_READ], 32);
    for (uint32_t i = 0; i < 100; i++) {
        feed_pipe((uint8_t)(i + 1), 4096);
        (void)bench_poll(b, 1);
    }
    for (uint32_t i = 0; i < 100; i++) {
        assert_int_equal(await(b, tickets[i]), BP_OK);
        assert_int_not_equal(first_byte(b, GPA + 4096 * i), 0);
    }
    assert_int_equal(quiesce(b), BP_OK);
}

static void it_rests_when_the_last_answer_is_there(void **state)
{
    struct bench *b = *state;
    on_entry = send_to_pipe;
    uint64_t held = submit(b, BP_BLOCK_READ, SLOW_OFFSET, 4096, GPA);
    assert_int_equal(quiesce(b), BP_PENDING); /* not with the kernel yet */
    poll_some(b);
    assert_int_equal(quiesce(b), BP_PENDING);
    feed_pipe(1, 4096);
    assert_int_equal(await(b, held), BP_OK);
    assert_int_equal(quiesce(b), BP_OK);
}

/* --- Cancelled -------------------------------------------------------------------------------- */

static void a_cancelled_request_is_answered_at_once_and_touches_no_ram(void **state)
{
    struct bench *b = *state;
    on_entry = send_to_pipe_for_good;
    uint64_t held = submit(b, BP_BLOCK_READ, SLOW_OFFSET, 4096, GPA);
    poll_some(b);
    bench_block_cancel(b, held);
    assert_int_equal(bench_block_result(b, held), BP_ERR_IO);
    assert_int_equal(request(b, BP_BLOCK_READ, 0, 4096, GPA), BP_OK); /* it is no write */
    assert_int_equal(quiesce(b), BP_PENDING); /* the kernel has its buffer */
    feed_pipe(0x77, 4096);
    poll_some(b);
    assert_int_equal(quiesce(b), BP_OK);
    assert_int_equal(first_byte(b, GPA), 0);
    bench_block_cancel(b, held); /* it has ended: nothing happens */
}

static void the_kernel_is_asked_to_end_a_cancelled_request(void **state)
{
    struct bench *b = *state;
    on_entry = send_to_pipe;
    uint64_t held = submit(b, BP_BLOCK_READ, SLOW_OFFSET, 4096, GPA);
    poll_some(b);
    bench_block_cancel(b, held);
    for (uint32_t i = 0; i < 100 && quiesce(b) != BP_OK; i++)
        (void)bench_poll(b, 100);
    assert_int_equal(quiesce(b), BP_OK);
    assert_int_equal(n_entries[IORING_OP_ASYNC_CANCEL], 1);
}

static void a_request_that_waits_is_cancelled_without_the_kernel(void **state)
{
    struct bench *b = *state;
    uint64_t tickets[3];
    fill(b, GPA, 512, 1);
    for (uint32_t i = 0; i < 3; i++)
        tickets[i] = submit(b, BP_BLOCK_WRITE, 512 * i, 512, GPA);
    bench_block_cancel(b, tickets[2]);
    bench_block_cancel(b, tickets[0]);
    assert_int_equal(bench_block_result(b, tickets[0]), BP_ERR_IO);
    assert_int_equal(bench_block_result(b, tickets[2]), BP_ERR_IO);
    uint64_t later = submit(b, BP_BLOCK_WRITE, 1536, 512, GPA); /* the queue's end is found */
    assert_int_equal(await(b, tickets[1]), BP_OK);
    assert_int_equal(await(b, later), BP_OK);
    assert_int_equal(n_entries[IORING_OP_WRITE], 2);
    check_file(b, 512, GPA, 512);
    check_file(b, 1536, GPA, 512);
}

static void a_cancelled_write_is_never_overtaken(void **state)
{
    struct bench *b = *state;
    on_entry = send_to_pipe_for_good;
    fill_pipe();
    uint64_t held = submit(b, BP_BLOCK_WRITE, SLOW_OFFSET, 4096, GPA);
    poll_some(b);
    bench_block_cancel(b, held);
    assert_int_equal(bench_block_result(b, held), BP_ERR_IO);
    uint64_t later = submit(b, BP_BLOCK_WRITE, 0, 4096, GPA);
    poll_some(b);
    assert_int_equal(bench_block_result(b, later), BP_PENDING);
    empty_pipe();
    assert_int_equal(await(b, later), BP_OK);
    assert_int_equal(quiesce(b), BP_OK);
}

/* --- Destroyed -------------------------------------------------------------------------------- */

static void destroy_ends_what_is_in_flight_and_what_waits(void **state)
{
    struct bench *b = *state;
    on_entry = send_to_pipe;
    for (uint32_t i = 0; i < 40; i++)
        (void)submit(b, BP_BLOCK_READ, SLOW_OFFSET, 4096, GPA);
    poll_some(b);
    (void)submit(b, BP_BLOCK_READ, SLOW_OFFSET, 4096, GPA); /* not with the kernel yet */
    bench_destroy(b);
    assert_int_equal(n_entries[IORING_OP_ASYNC_CANCEL], 32);
    on_entry = NULL;
    *state = make_disk(NULL); /* nobody has the file any more */
}

/* The kernel goes on with the transfer after it was asked to end it. */
static void feed_instead_of_cancelling(struct io_uring_sqe *entry)
{
    bool is_cancel = entry->opcode == IORING_OP_ASYNC_CANCEL;
    send_to_pipe_for_good(entry);
    if (is_cancel)
        feed_pipe(0x99, 128 << 10 >> 1);
}

static void destroy_waits_for_buffers_that_the_kernel_still_fills(void **state)
{
    struct bench *b = *state;
    on_entry = feed_instead_of_cancelling;
    (void)submit(b, BP_BLOCK_READ, SLOW_OFFSET, 128 << 10, GPA);
    poll_some(b);
    bench_destroy(b);
    on_entry = NULL;
    *state = make_disk(NULL);
}

/* --- What the kernel does in part, later, or not ---------------------------------------------- */

static void shorten(struct io_uring_sqe *entry)
{
    if (is_data(entry) && entry->len > 10007)
        entry->len = 10007;
}

static void what_the_kernel_does_in_part_is_continued(void **state)
{
    struct bench *b = *state;
    on_entry = shorten;
    fill(b, GPA, 300 << 10, 9);
    assert_int_equal(request(b, BP_BLOCK_WRITE, 512, 300 << 10, GPA), BP_OK);
    check_file(b, 512, GPA, 300 << 10);
    assert_int_equal(request(b, BP_BLOCK_READ, 512, 300 << 10, GPA + (400 << 10)), BP_OK);
    check_file(b, 512, GPA + (400 << 10), 300 << 10);
    assert_true(n_entries[IORING_OP_READ] > 30);
}

/* Nothing to read there, and no waiting for it. */
static void never_now(struct io_uring_sqe *entry)
{
    entry->fd = slow[0];
    entry->off = UINT64_MAX;
    entry->rw_flags = RWF_NOWAIT;
    entry->flags = 0;
}

static void three_times_not_now(struct io_uring_sqe *entry)
{
    if (n_entries[IORING_OP_READ] <= 3)
        never_now(entry);
}

static void what_the_kernel_cannot_do_now_is_asked_again(void **state)
{
    struct bench *b = *state;
    on_entry = three_times_not_now;
    int32_t status = request(b, BP_BLOCK_READ, 0, 4096, GPA);
    if (status == BP_ERR_UNSUPPORTED) {
        print_message("pipes of this kernel cannot be asked to answer now\n");
        skip();
    }
    assert_int_equal(status, BP_OK);
    assert_int_equal(n_entries[IORING_OP_READ], 4);
}

static void but_not_for_ever(void **state)
{
    struct bench *b = *state;
    on_entry = never_now;
    int32_t status = request(b, BP_BLOCK_READ, 0, 4096, GPA);
    if (status == BP_ERR_UNSUPPORTED)
        skip(); /* as above */
    assert_int_equal(status, BP_ERR_IO);
    assert_true(bench_log_contains(b, "cannot read"));
}

/* The kernel does that when the thread that asked ends. */
static void what_ends_without_our_asking_is_done_again(void **state)
{
    struct bench *b = *state;
    on_entry = send_to_pipe;
    uint64_t held = submit(b, BP_BLOCK_READ, SLOW_OFFSET, 4096, GPA);
    poll_some(b);
    struct io_uring_sqe *entry = io_uring_get_sqe(ring_seen);
    assert_non_null(entry);
    io_uring_prep_cancel64(entry, 0, IORING_ASYNC_CANCEL_ANY);
    entry->user_data = 0;
    assert_int_equal(io_uring_submit(ring_seen), 1);
    poll_some(b);
    assert_int_equal(bench_block_result(b, held), BP_PENDING);
    assert_int_equal(n_entries[IORING_OP_READ], 2);
    feed_pipe(3, 4096);
    assert_int_equal(await(b, held), BP_OK);
}

static void a_kernel_that_takes_nothing_now_is_asked_again(void **state)
{
    struct bench *b = *state;
    n_refused = 5;
    assert_int_equal(request(b, BP_BLOCK_READ, 0, 4096, GPA), BP_OK);
    assert_int_equal(n_refused, 0);
}

/* --- Errors ----------------------------------------------------------------------------------- */

static void send_to_full(struct io_uring_sqe *entry)
{
    entry->fd = full;
}

static void a_full_disk_says_so(void **state)
{
    struct bench *b = *state;
    full = open("/dev/full", O_RDWR | O_CLOEXEC);
    assert_true(full >= 0);
    on_entry = send_to_full;
    assert_int_equal(request(b, BP_BLOCK_WRITE, 0, 4096, GPA), BP_ERR_NO_SPACE);
    assert_int_equal(request(b, BP_BLOCK_WRITE, 0, 4096, GPA), BP_ERR_NO_SPACE);
    assert_int_equal(request(b, BP_BLOCK_READ, 0, 4096, GPA), BP_OK);
    assert_int_equal(bench_log_count(b, BP_LOG_WARN), 1);
    close(full);
}

static void send_to_nobody(struct io_uring_sqe *entry)
{
    entry->fd = -1;
}

static void every_operation_can_fail(void **state)
{
    struct bench *b = *state;
    on_entry = send_to_nobody;
    for (uint32_t op = BP_BLOCK_READ; op <= BP_BLOCK_WRITE_ZEROES; op++)
        assert_int_equal(request(b, op, 0, op == BP_BLOCK_FLUSH ? 0 : 4096, GPA), BP_ERR_IO);
    assert_int_equal(bench_log_count(b, BP_LOG_WARN), 1);
    on_entry = NULL;
    assert_int_equal(request(b, BP_BLOCK_READ, 0, 4096, GPA), BP_OK);
    assert_int_equal(quiesce(b), BP_OK);
}

static void no_such_mode(struct io_uring_sqe *entry)
{
    if (entry->opcode == IORING_OP_FALLOCATE)
        entry->len = 1u << 30;
}

static void what_the_file_system_cannot_zero_is_written(void **state)
{
    struct bench *b = *state;
    uint8_t bytes[1024], zeroes[1024] = {0};
    on_entry = no_such_mode;
    fill(b, GPA, 300 << 10, 4);
    assert_int_equal(request(b, BP_BLOCK_WRITE, 0, 300 << 10, GPA), BP_OK);
    assert_int_equal(request(b, BP_BLOCK_WRITE_ZEROES, 512, 256 << 10, 0), BP_OK);
    assert_int_equal(request(b, BP_BLOCK_READ, 0, 1024, GPA), BP_OK);
    bench_ram_read(b, GPA, bytes, 1024);
    assert_int_not_equal(bytes[511], 0);
    assert_memory_equal(bytes + 512, zeroes, 512);
    assert_int_equal(request(b, BP_BLOCK_READ, 256 << 10, 1024, GPA), BP_OK);
    bench_ram_read(b, GPA, bytes, 1024);
    assert_memory_equal(bytes, zeroes, 512);
    assert_int_not_equal(bytes[512], 0);
    assert_int_equal(request(b, BP_BLOCK_DISCARD_OP, 0, 4096, 0), BP_ERR_UNSUPPORTED);
    assert_int_equal(bench_log_count(b, BP_LOG_WARN), 0);
}

/* --- A kernel without it ---------------------------------------------------------------------- */

/* A filter of system calls stays for ever: only a child may have one. */
static void forbid(unsigned call, unsigned error)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        _exit(77);
}

/* In the child: 0 if all is as it should be. */
static int check_without(int32_t status, const char *text)
{
    struct bench *b;
    engine = "io=io_uring";
    if (try_disk(disk_path, NULL, &b) != status || strstr(bench_error(b), text) == NULL ||
        strstr(bench_error(b), "set \"io = auto\"") == NULL) {
        print_message("\"%s\" is not in \"%s\"\n", text, bench_error(b));
        return 1;
    }
    bench_destroy(b);
    engine = "io=auto";
    b = make_disk(NULL);
    if (bench_log_count(b, BP_LOG_DEBUG) != 1 || !bench_log_contains(b, "uses threads") ||
        bench_watches(b) != 0 || request(b, BP_BLOCK_READ, 0, 4096, GPA) != BP_OK)
        return 2;
    bench_destroy(b);
    return 0;
}

static void check_forbidden(unsigned call, unsigned error, int32_t status, const char *text)
{
    int result;
    make_file(disk_path, DISK_BYTES);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        forbid(call, error);
        _exit(check_without(status, text));
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(unlink(disk_path), 0);
    assert_true(WIFEXITED(result));
    if (WEXITSTATUS(result) == 77) {
        print_message("this system has no filters of system calls\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(result), 0);
}

static void without_it_threads_are_used_or_a_sentence_says_why(void **state)
{
    (void)state;
    check_forbidden(SYS_io_uring_setup, ENOSYS, BP_ERR_UNSUPPORTED, "this kernel has no io_uring");
    check_forbidden(SYS_io_uring_setup, EPERM, BP_ERR_PERMISSION, "kernel.io_uring_disabled");
    check_forbidden(SYS_io_uring_setup, ENOMEM, BP_ERR_NO_MEMORY, "ulimit -l");
    check_forbidden(SYS_io_uring_setup, EMFILE, BP_ERR_IO, "Too many open files");
    check_forbidden(SYS_io_uring_register, EINVAL, BP_ERR_UNSUPPORTED, "Linux 5.6 is needed");
}

static void by_itself_it_uses_the_ring(void **state)
{
    bench_destroy(*state);
    engine = "io=auto";
    *state = make_disk(NULL);
    assert_int_equal(request(*state, BP_BLOCK_READ, 0, 4096, GPA), BP_OK);
    assert_int_equal(n_entries[IORING_OP_READ], 1);
    assert_int_equal(bench_watches(*state), 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, ring_setup, ring_teardown)

static int run_ring(void)
{
    const struct CMUnitTest tests[] = {
        T(a_slow_disk_holds_up_neither_the_caller_nor_other_requests),
        T(nothing_goes_to_the_kernel_while_the_caller_waits),
        T(more_requests_than_the_ring_takes_wait_their_turn),
        T(it_rests_when_the_last_answer_is_there),
        T(a_cancelled_request_is_answered_at_once_and_touches_no_ram),
        T(the_kernel_is_asked_to_end_a_cancelled_request),
        T(a_request_that_waits_is_cancelled_without_the_kernel),
        T(a_cancelled_write_is_never_overtaken),
        T(destroy_ends_what_is_in_flight_and_what_waits),
        T(destroy_waits_for_buffers_that_the_kernel_still_fills),
        T(what_the_kernel_does_in_part_is_continued),
        T(what_the_kernel_cannot_do_now_is_asked_again),
        T(but_not_for_ever),
        T(what_ends_without_our_asking_is_done_again),
        T(a_kernel_that_takes_nothing_now_is_asked_again),
        T(a_full_disk_says_so),
        T(every_operation_can_fail),
        T(what_the_file_system_cannot_zero_is_written),
        T(by_itself_it_uses_the_ring),
    };
    return cmocka_run_group_tests_name("the ring", tests, make_directory, remove_directory);
}

static bool has_ring;

static void the_kernel_permits_io_uring(void **state)
{
    (void)state;
    has_ring = has_uring();
    if (!has_ring)
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kernel_permits_io_uring),
        cmocka_unit_test(without_it_threads_are_used_or_a_sentence_says_why),
    };
    int failed = cmocka_run_group_tests(tests, make_directory, remove_directory);
    return failed + (has_ring ? run_ring() : 0);
}
