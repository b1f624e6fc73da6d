/* A disk in a file of the test's own, on the bench: what the tests share. */
#ifndef BLOCK_FILE_DISK_TEST_H
#define BLOCK_FILE_DISK_TEST_H

#define DISK_BYTES (1u << 20)
#define GPA        (BENCH_RAM_BASE + 0x1000)

static char directory[64];
static char disk_path[96];
static const char *engine; /* "io=threads" or "io=io_uring" */

static inline int make_directory(void **state)
{
    const char *base = getenv("TMPDIR");
    (void)state;
    (void)snprintf(directory, sizeof(directory), "%s/block-file.XXXXXX",
                   base != NULL && strlen(base) < 32 ? base : "/tmp");
    if (mkdtemp(directory) == NULL)
        return -1;
    (void)snprintf(disk_path, sizeof(disk_path), "%s/disk.img", directory);
    return 0;
}

static inline int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory);
}

static inline void make_file(const char *path, uint64_t bytes)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
    close(fd);
}

/* A bench whose settings live as long as the test program. */
static inline int32_t try_disk(const char *path, const char *more, struct bench **b)
{
    static char setting[8][160];
    static const char *settings[8][4];
    static struct bench_setup setups[8];
    static uint32_t n;
    uint32_t i = n++ % 8;
    (void)snprintf(setting[i], sizeof(setting[i]), "path=%s", path);
    settings[i][0] = setting[i];
    settings[i][1] = engine;
    settings[i][2] = more;
    settings[i][3] = NULL;
    setups[i] = (struct bench_setup){.settings = settings[i]};
    return bench_try(BENCH_CLASS, &setups[i], b);
}

static inline struct bench *make_disk(const char *more)
{
    struct bench *b;
    if (try_disk(disk_path, more, &b) != BP_OK)
        fail_msg("%s", bench_error(b));
    return b;
}

static inline int setup(void **state)
{
    make_file(disk_path, DISK_BYTES);
    *state = make_disk(NULL);
    return 0;
}

static inline int teardown(void **state)
{
    bench_destroy(*state);
    return unlink(disk_path);
}

/* Does this kernel permit io_uring? If not, says why. */
static inline bool has_uring(void)
{
    struct bench *b;
    const char *before = engine;
    engine = "io=io_uring";
    make_file(disk_path, DISK_BYTES);
    bool has = try_disk(disk_path, NULL, &b) == BP_OK;
    if (!has)
        print_message("%s\n", bench_error(b));
    bench_destroy(b);
    assert_int_equal(unlink(disk_path), 0);
    engine = before;
    return has;
}

static inline void fill(struct bench *b, uint64_t gpa, uint64_t bytes, uint32_t seed)
{
    uint8_t *data = malloc(bytes);
    assert_non_null(data);
    for (uint64_t i = 0; i < bytes; i++)
        data[i] = (uint8_t)((i * 7 + seed) % 251 + 1);
    bench_ram_write(b, gpa, data, bytes);
    free(data);
}

/* Does the file hold what guest RAM holds? */
static inline void check_file(struct bench *b, uint64_t offset, uint64_t gpa, uint64_t bytes)
{
    uint8_t *ram = malloc(bytes), *file = malloc(bytes);
    int fd = open(disk_path, O_RDONLY);
    assert_true(ram != NULL && file != NULL && fd >= 0);
    bench_ram_read(b, gpa, ram, bytes);
    assert_int_equal(pread(fd, file, bytes, (off_t)offset), bytes);
    assert_memory_equal(ram, file, bytes);
    close(fd);
    free(ram);
    free(file);
}

/* One request with one segment. */
static inline uint64_t submit(struct bench *b, uint32_t op, uint64_t offset, uint64_t size,
                              uint64_t gpa)
{
    struct bp_segment segment = {gpa, size};
    bool has_data = op == BP_BLOCK_READ || op == BP_BLOCK_WRITE;
    uint64_t ticket;
    assert_int_equal(bench_block_submit(b, op, offset, size, &segment, has_data, &ticket), BP_OK);
    return ticket;
}

/* Waits, for the kernel does what it does when it likes. */
static inline int32_t await(struct bench *b, uint64_t ticket)
{
    bench_settle(b);
    for (uint32_t i = 0; i < 100 && bench_block_result(b, ticket) == BP_PENDING; i++)
        (void)bench_poll(b, 100);
    return bench_block_result(b, ticket);
}

static inline int32_t request(struct bench *b, uint32_t op, uint64_t offset, uint64_t size,
                              uint64_t gpa)
{
    struct bp_segment segment = {gpa, size};
    bool has_data = op == BP_BLOCK_READ || op == BP_BLOCK_WRITE;
    uint64_t ticket;
    int32_t status = bench_block_submit(b, op, offset, size, &segment, has_data, &ticket);
    return status == BP_OK ? await(b, ticket) : status;
}

#endif
