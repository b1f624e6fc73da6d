/* block-file on the bench, with real files in a directory of its own, by both engines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <backplane/bench.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk_test.h"

/* The flags of our descriptor of this file, as /proc tells them. */
static long descriptor_flags(const char *path)
{
    DIR *dir = opendir("/proc/self/fd");
    long flags = -1;
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char name[300], target[256] = {0}, line[128];
        (void)snprintf(name, sizeof(name), "/proc/self/fd/%s", entry->d_name);
        if (readlink(name, target, sizeof(target) - 1) < 0 || strcmp(target, path) != 0)
            continue;
        (void)snprintf(name, sizeof(name), "/proc/self/fdinfo/%s", entry->d_name);
        FILE *info = fopen(name, "r");
        assert_non_null(info);
        while (fgets(line, sizeof(line), info) != NULL)
            if (strncmp(line, "flags:", 6) == 0)
                flags = strtol(line + 6, NULL, 8);
        (void)fclose(info);
    }
    (void)closedir(dir);
    return flags;
}

/* --- Data ------------------------------------------------------------------------------------- */

static void what_is_written_is_in_the_file_and_is_read_again(void **state)
{
    struct bench *b = *state;
    fill(b, GPA, 1024, 1);
    assert_int_equal(request(b, BP_BLOCK_WRITE, 512, 1024, GPA), BP_OK);
    check_file(b, 512, GPA, 1024);
    assert_int_equal(request(b, BP_BLOCK_READ, 512, 1024, GPA + 0x10000), BP_OK);
    check_file(b, 512, GPA + 0x10000, 1024);
    assert_int_equal(request(b, BP_BLOCK_FLUSH, 0, 0, 0), BP_OK);
}

static void long_transfers_pass_in_chunks_over_many_segments(void **state)
{
    struct bench *b = *state;
    const uint64_t bytes = 300 << 10; /* more than two chunks */
    struct bp_segment segments[5] = {{GPA, 1},
                                     {GPA + 1, 131071},
                                     {GPA + 131072, 2},
                                     {GPA + 131074, 0},
                                     {GPA + 131074, (300 << 10) - 131074}};
    uint64_t ticket;
    fill(b, GPA, bytes, 5);
    assert_int_equal(bench_block_submit(b, BP_BLOCK_WRITE, 4096, bytes, segments, 5, &ticket),
                     BP_OK);
    assert_int_equal(await(b, ticket), BP_OK);
    check_file(b, 4096, GPA, bytes);
    for (uint32_t i = 0; i < 5; i++)
        segments[i].gpa += 400 << 10;
    assert_int_equal(bench_block_submit(b, BP_BLOCK_READ, 4096, bytes, segments, 5, &ticket),
                     BP_OK);
    assert_int_equal(await(b, ticket), BP_OK);
    check_file(b, 4096, GPA + (400 << 10), bytes);
}

static void requests_are_done_in_any_order(void **state)
{
    struct bench *b = *state;
    uint64_t ticket[3];
    struct bp_segment segment = {GPA, 512};
    bench_worker_hold(b, 1);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(
            bench_block_submit(b, BP_BLOCK_READ, 512 * i, 512, &segment, 1, &ticket[i]), BP_OK);
    assert_int_equal(bench_worker_waiting(b), 3);
    bench_worker_step(b, 2);
    assert_int_equal(bench_block_result(b, ticket[0]), BP_PENDING);
    assert_int_equal(bench_block_result(b, ticket[2]), BP_OK);
    bench_worker_hold(b, 0);
    bench_settle(b);
    assert_int_equal(bench_block_result(b, ticket[0]), BP_OK);
}

static void a_cancelled_request_ends_without_its_transfer_and_others_do_not(void **state)
{
    struct bench *b = *state;
    uint64_t ticket[2];
    struct bp_segment segment = {GPA, 512};
    fill(b, GPA, 512, 3);
    bench_worker_hold(b, 1);
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(
            bench_block_submit(b, BP_BLOCK_WRITE, 512 * i, 512, &segment, 1, &ticket[i]), BP_OK);
    bench_block_cancel(b, ticket[0]);
    bench_worker_hold(b, 0);
    bench_settle(b);
    assert_int_equal(bench_block_result(b, ticket[0]), BP_ERR_IO);
    assert_int_equal(bench_block_result(b, ticket[1]), BP_OK);
    check_file(b, 512, GPA, 512);
    uint8_t bytes[512], zeroes[512] = {0};
    assert_int_equal(request(b, BP_BLOCK_READ, 0, 512, GPA + 0x1000), BP_OK);
    bench_ram_read(b, GPA + 0x1000, bytes, sizeof(bytes));
    assert_memory_equal(bytes, zeroes, sizeof(bytes));
    bench_block_cancel(b, ticket[0]); /* it has ended: nothing happens */
}

static void discarded_sectors_read_zero_and_take_no_room(void **state)
{
    struct bench *b = *state;
    struct stat before, after;
    uint8_t bytes[4096], none[4096] = {0};
    fill(b, GPA, 256 << 10, 1);
    assert_int_equal(request(b, BP_BLOCK_WRITE, 0, 256 << 10, GPA), BP_OK);
    assert_int_equal(request(b, BP_BLOCK_FLUSH, 0, 0, 0), BP_OK);
    assert_int_equal(stat(disk_path, &before), 0);
    int32_t status = request(b, BP_BLOCK_DISCARD_OP, 64 << 10, 128 << 10, 0);
    if (status == BP_ERR_UNSUPPORTED) {
        print_message("this file system cannot punch holes\n");
        skip();
    }
    assert_int_equal(status, BP_OK);
    assert_int_equal(stat(disk_path, &after), 0);
    assert_true(after.st_blocks < before.st_blocks);
    assert_int_equal(after.st_size, DISK_BYTES);
    assert_int_equal(request(b, BP_BLOCK_READ, 64 << 10, 4096, GPA), BP_OK);
    bench_ram_read(b, GPA, bytes, 4096);
    assert_memory_equal(bytes, none, 4096);
    assert_int_equal(request(b, BP_BLOCK_READ, (64 << 10) - 512, 512, GPA), BP_OK);
    bench_ram_read(b, GPA, bytes, 512);
    assert_memory_not_equal(bytes, none, 512);
}

static void zeroed_sectors_read_zero_and_their_neighbours_do_not(void **state)
{
    struct bench *b = *state;
    uint8_t bytes[2048], none[1024] = {0};
    fill(b, GPA, 400 << 10, 1);
    assert_int_equal(request(b, BP_BLOCK_WRITE, 0, 400 << 10, GPA), BP_OK);
    assert_int_equal(request(b, BP_BLOCK_WRITE_ZEROES, 512, 1024, 0), BP_OK);
    assert_int_equal(request(b, BP_BLOCK_WRITE_ZEROES, 4096, 300 << 10, 0), BP_OK);
    assert_int_equal(request(b, BP_BLOCK_READ, 0, 2048, GPA), BP_OK);
    bench_ram_read(b, GPA, bytes, 2048);
    assert_memory_equal(bytes + 512, none, 1024);
    assert_int_not_equal(bytes[511], 0);
    assert_int_not_equal(bytes[1536], 0);
    assert_int_equal(request(b, BP_BLOCK_READ, (300 << 10) + 3072, 2048, GPA), BP_OK);
    bench_ram_read(b, GPA, bytes, 2048);
    assert_memory_equal(bytes, none, 1024);
    assert_int_not_equal(bytes[1024], 0);
}

static void the_disk_says_what_it_is(void **state)
{
    struct bp_block_info info;
    char serial[20] = "0123456789abcdefghij";
    assert_int_equal(bench_block_info(*state, &info), BP_OK);
    assert_int_equal(info.capacity_bytes, DISK_BYTES);
    assert_int_equal(info.flags, BP_BLOCK_DISCARD);
    assert_true(info.block_bytes == 512 || info.block_bytes == 4096);
    assert_int_equal(info.serial[0], 0);
    bench_destroy(*state);
    *state = make_disk("serial=0123456789abcdefghij");
    assert_int_equal(bench_block_info(*state, &info), BP_OK);
    assert_memory_equal(info.serial, serial, 20);
}

/* --- Read-only -------------------------------------------------------------------------------- */

static void a_read_only_disk_is_never_open_for_writing(void **state)
{
    struct bp_block_info info;
    assert_int_equal(descriptor_flags(disk_path) & O_ACCMODE, O_RDWR);
    assert_int_equal(descriptor_flags(disk_path) & O_CLOEXEC, O_CLOEXEC);
    bench_destroy(*state);
    *state = make_disk("readonly=yes");
    assert_int_equal(descriptor_flags(disk_path) & O_ACCMODE, O_RDONLY);
    assert_int_equal(descriptor_flags(disk_path) & O_CLOEXEC, O_CLOEXEC);
    assert_int_equal(bench_block_info(*state, &info), BP_OK);
    assert_int_equal(info.flags, BP_BLOCK_READ_ONLY);
    assert_int_equal(request(*state, BP_BLOCK_WRITE, 0, 512, GPA), BP_ERR_PERMISSION);
    assert_int_equal(request(*state, BP_BLOCK_DISCARD_OP, 0, 512, 0), BP_ERR_PERMISSION);
    assert_int_equal(request(*state, BP_BLOCK_READ, 0, 512, GPA), BP_OK);
    assert_int_equal(request(*state, BP_BLOCK_FLUSH, 0, 0, 0), BP_OK);
}

static void one_writer_or_many_readers_have_the_file(void **state)
{
    struct bench *other, *third;
    assert_int_equal(try_disk(disk_path, NULL, &other), BP_ERR_BUSY);
    assert_non_null(strstr(bench_error(other), "in use by another machine"));
    bench_destroy(other);
    assert_int_equal(try_disk(disk_path, "readonly=yes", &other), BP_ERR_BUSY);
    bench_destroy(other);
    bench_destroy(*state);
    *state = make_disk("readonly=yes");
    assert_int_equal(try_disk(disk_path, "readonly=yes", &other), BP_OK);
    assert_int_equal(try_disk(disk_path, NULL, &third), BP_ERR_BUSY);
    bench_destroy(third);
    bench_destroy(other);
    bench_destroy(*state);
    *state = make_disk(NULL); /* the lock ends with its holder */
}

/* --- Files that are no disks ------------------------------------------------------------------ */

static void check_refused(const char *path, const char *more, int32_t status, const char *text)
{
    struct bench *b;
    assert_int_equal(try_disk(path, more, &b), status);
    if (strstr(bench_error(b), text) == NULL || strstr(bench_error(b), path) == NULL)
        fail_msg("\"%s\" or \"%s\" is not in \"%s\"", text, path, bench_error(b));
    bench_destroy(b);
}

static void what_cannot_be_a_disk_is_refused_with_a_sentence(void **state)
{
    char path[128];
    (void)state;
    (void)snprintf(path, sizeof(path), "%s/x", directory);
    check_refused(path, NULL, BP_ERR_NOT_FOUND, "No such file or directory; check the path");
    check_refused(directory, NULL, BP_ERR_INVALID, "is a directory");
    check_refused(directory, "readonly=yes", BP_ERR_INVALID, "is a directory");
    check_refused("/dev/null", NULL, BP_ERR_INVALID, "no image file and no block device");
    make_file(path, 0);
    check_refused(path, NULL, BP_ERR_INVALID, "is empty; give it a size with \"truncate -s 1G");
    make_file(path, 1025);
    check_refused(path, NULL, BP_ERR_INVALID, "has 1025 bytes, which is no multiple of 512");
    check_refused(path, NULL, BP_ERR_INVALID, "truncate -s %512 ");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0); /* opening it must not wait */
    check_refused(path, "readonly=yes", BP_ERR_INVALID, "no image file");
    assert_int_equal(unlink(path), 0);
    (void)snprintf(path, sizeof(path), "%s/x/disk", directory);
    check_refused(path, NULL, BP_ERR_NOT_FOUND, "check the path");
}

static void a_file_without_permission_is_refused_with_a_remedy(void **state)
{
    char path[128];
    (void)state;
    if (geteuid() == 0) {
        print_message("root may open everything\n");
        skip();
    }
    (void)snprintf(path, sizeof(path), "%s/x", directory);
    make_file(path, 512);
    assert_int_equal(chmod(path, 0400), 0);
    check_refused(path, NULL, BP_ERR_PERMISSION, "make it writable for you, or set");
    assert_int_equal(chmod(path, 0), 0);
    check_refused(path, "readonly=yes", BP_ERR_PERMISSION, "it must be readable for you");
    assert_int_equal(unlink(path), 0);
}

/* --- Errors ----------------------------------------------------------------------------------- */

static void a_full_disk_is_an_error_of_the_request_and_one_warning(void **state)
{
    struct bench *b = *state;
    struct rlimit before, small;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 64 << 10;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int32_t beyond = request(b, BP_BLOCK_WRITE, 128 << 10, 4096, GPA);
    int32_t again = request(b, BP_BLOCK_WRITE, 256 << 10, 4096, GPA);
    int32_t across = request(b, BP_BLOCK_WRITE, (64 << 10) - 512, 1024, GPA);
    int32_t below = request(b, BP_BLOCK_WRITE, 0, 4096, GPA);
    int32_t read = request(b, BP_BLOCK_READ, 128 << 10, 4096, GPA);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, handler);
    assert_int_equal(beyond, BP_ERR_NO_SPACE);
    assert_int_equal(again, BP_ERR_NO_SPACE);
    assert_int_equal(across, BP_ERR_NO_SPACE);
    assert_int_equal(below, BP_OK);
    assert_int_equal(read, BP_OK);
    assert_int_equal(bench_log_count(b, BP_LOG_WARN), 1);
    assert_true(bench_log_contains(b, "cannot write"));
    assert_int_equal(request(b, BP_BLOCK_WRITE, 128 << 10, 4096, GPA), BP_OK);
}

static void a_file_that_was_cut_off_gives_errors_and_no_old_bytes(void **state)
{
    struct bench *b = *state;
    assert_int_equal(truncate(disk_path, 4096), 0);
    assert_int_equal(request(b, BP_BLOCK_READ, 0, 4096, GPA), BP_OK);
    assert_int_equal(request(b, BP_BLOCK_READ, 8192, 4096, GPA), BP_ERR_IO);
    assert_int_equal(request(b, BP_BLOCK_READ, 3584, 1024, GPA), BP_ERR_IO);
    assert_true(bench_log_contains(b, "cannot read"));
}

static void segments_outside_ram_are_an_error(void **state)
{
    struct bench *b = *state;
    assert_int_equal(request(b, BP_BLOCK_READ, 0, 512, 0), BP_ERR_RANGE);
    assert_int_equal(request(b, BP_BLOCK_WRITE, 0, 512, UINT64_MAX - 100), BP_ERR_RANGE);
    assert_int_equal(request(b, BP_BLOCK_READ, 0, 512, GPA), BP_OK);
}

/* --- Life cycle ------------------------------------------------------------------------------- */

static void its_state_is_saved_and_loaded_byte_for_byte(void **state)
{
    bench_destroy(*state); /* two at once: both must be readers */
    *state = make_disk("readonly=yes");
    if (bench_check_state_roundtrip(*state) != BP_OK)
        fail_msg("%s", bench_error(*state));
}

static void a_save_waits_for_the_work_that_is_out(void **state)
{
    struct bench *b = *state;
    struct bp_segment segment = {GPA, 512};
    uint64_t ticket, size;
    assert_int_equal(bench_block_submit(b, BP_BLOCK_WRITE, 0, 512, &segment, 1, &ticket), BP_OK);
    free(bench_save(b, &size));
    assert_int_equal(bench_block_result(b, ticket), BP_OK);
}

static void every_failure_of_set_up_has_a_sentence(void **state)
{
    static char setting[160];
    static const char *settings[3];
    struct bench_setup wanted = {.settings = settings};
    bench_destroy(*state);
    (void)snprintf(setting, sizeof(setting), "path=%s", disk_path);
    settings[0] = setting;
    settings[1] = engine;
    (void)bench_check_setup_failures(BENCH_CLASS, &wanted);
    *state = make_disk(NULL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static bool has_ring;

static void the_kernel_permits_io_uring(void **state)
{
    (void)state;
    has_ring = has_uring();
    if (!has_ring)
        skip();
}

static int run_both(void)
{
    const struct CMUnitTest tests[] = {
        T(what_is_written_is_in_the_file_and_is_read_again),
        T(long_transfers_pass_in_chunks_over_many_segments),
        T(discarded_sectors_read_zero_and_take_no_room),
        T(zeroed_sectors_read_zero_and_their_neighbours_do_not),
        T(the_disk_says_what_it_is),
        T(a_read_only_disk_is_never_open_for_writing),
        T(one_writer_or_many_readers_have_the_file),
        T(a_full_disk_is_an_error_of_the_request_and_one_warning),
        T(a_file_that_was_cut_off_gives_errors_and_no_old_bytes),
        T(segments_outside_ram_are_an_error),
        T(its_state_is_saved_and_loaded_byte_for_byte),
        T(a_save_waits_for_the_work_that_is_out),
        T(every_failure_of_set_up_has_a_sentence),
    };
    return cmocka_run_group_tests_name(engine, tests, make_directory, remove_directory);
}

static int run_threads(void)
{
    const struct CMUnitTest tests[] = {
        T(requests_are_done_in_any_order),
        T(a_cancelled_request_ends_without_its_transfer_and_others_do_not),
        cmocka_unit_test(what_cannot_be_a_disk_is_refused_with_a_sentence),
        cmocka_unit_test(a_file_without_permission_is_refused_with_a_remedy),
    };
    return cmocka_run_group_tests_name("threads alone", tests, make_directory, remove_directory);
}

int main(void)
{
    const struct CMUnitTest question[] = {cmocka_unit_test(the_kernel_permits_io_uring)};
    engine = "io=threads";
    int failed = run_both() + run_threads();
    engine = "io=io_uring";
    failed += cmocka_run_group_tests(question, make_directory, remove_directory);
    return failed + (has_ring ? run_both() : 0);
}
