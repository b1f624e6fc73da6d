/*
 * disk FILE: what a disk gives a device that keeps so many requests under way, by each engine of
 * block-file, one after the other in the same run. FILE is made, filled and removed.
 *
 * Prints "disk: ENGINE WHAT DEPTH REQUESTS_PER_S SUBMIT_US": the last is the longest of all calls
 * of submit, which is how long a processor may have waited for the disk.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <backplane/if/block.h>

#include "core/vm.h"
#include "plugin/host_tables.h"
#include "plugin/registry.h"

#define RAM_GPA    UINT64_C(0x80000000)
#define RAM_BYTES  (UINT64_C(16) << 20)
#define FILE_BYTES (UINT64_C(256) << 20)
#define DEPTH_MAX  32u
#define SLOT_BYTES (RAM_BYTES / DEPTH_MAX)

struct pattern {
    const char *what;
    uint32_t op;
    uint32_t bytes;
    uint32_t depth;
    uint32_t n;
    bool is_random;
    bool is_cold; /* not in the host's page cache */
};

static const struct pattern patterns[] = {
    {"read 4K random, cached", BP_BLOCK_READ, 4096, 1, 20000, true, false},
    {"read 4K random, cached", BP_BLOCK_READ, 4096, 32, 60000, true, false},
    {"read 128K in order, cached", BP_BLOCK_READ, 128 << 10, 8, 8000, false, false},
    {"read 4K random", BP_BLOCK_READ, 4096, 1, 1000, true, true},
    {"read 4K random", BP_BLOCK_READ, 4096, 32, 10000, true, true},
    {"read 128K in order", BP_BLOCK_READ, 128 << 10, 8, 2000, false, true},
    {"write 4K random", BP_BLOCK_WRITE, 4096, 32, 40000, true, false},
    {"flush", BP_BLOCK_FLUSH, 0, 1, 200, false, false},
};

static struct {
    const struct bp_host *host;
    const struct pattern *pattern;
    uint32_t n_begun, n_ended;
    uint32_t random;
    double longest_us;
} user;

static void fail(const char *what, const struct err *err)
{
    (void)fprintf(stderr, "disk: %s: %s\n", what, err != NULL ? err->text : "failed");
    exit(1);
}

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* --- The device that asks --------------------------------------------------------------------- */

static void request_ended(void *dev, uint64_t tag, int32_t status);

static void begin_request(uint64_t slot)
{
    const struct pattern *p = user.pattern;
    user.random = user.random * 1664525u + 1013904223u;
    uint64_t block = p->is_random ? user.random >> 4 : user.n_begun;
    struct bp_segment segment = {RAM_GPA + slot * SLOT_BYTES, p->bytes};
    struct bp_block_request request = {.struct_size = sizeof(request),
                                       .op = p->op,
                                       .offset = p->bytes * block % FILE_BYTES,
                                       .size = p->bytes,
                                       .segments = &segment,
                                       .n_segments = p->bytes != 0,
                                       .segment_stride = sizeof(segment),
                                       .tag = slot};
    double begin = now_us();
    if (host_block.submit(user.host, 0, &request, request_ended) != BP_OK)
        fail("submit", NULL);
    double took = now_us() - begin;
    user.longest_us = took > user.longest_us ? took : user.longest_us;
    user.n_begun++;
}

static void request_ended(void *dev, uint64_t tag, int32_t status)
{
    (void)dev;
    if (status != BP_OK)
        fail("a request", NULL);
    user.n_ended++;
    if (user.n_begun < user.pattern->n)
        begin_request(tag);
}

static int32_t user_create(const struct bp_host *host, void *dev)
{
    (void)dev;
    user.host = host;
    return BP_OK;
}

static const struct bp_link links[] = {
    {.name = "disk", .interface = BP_BLOCK_ID, .flags = BP_LINK_REQUIRED, .doc = "the disk"}};
static const struct bp_class user_class = {
    .struct_size = sizeof(user_class),
    .id = "asker",
    .version = "1.0",
    .summary = "keeps a disk busy",
    .instance_size = 8,
    .state_version = 1,
    .links = BP_TABLE(links),
    .create = user_create,
};

/* --- The machine ------------------------------------------------------------------------------ */

static void set_text(struct device *dev, const char *name, const char *text)
{
    struct property_value value;
    char why[200];
    uint32_t index;
    const struct bp_property *row = property_find(dev->class_, name, &index);
    if (row == NULL || property_parse(row, text, &value, why, sizeof(why)) != BP_OK ||
        device_set(dev, index, &value) != BP_OK)
        fail(name, NULL);
}

static struct device *make_device(const struct bp_class *class_, const char *name)
{
    struct device *dev;
    struct err err;
    if (device_new(class_, name, 1, 10000000, &dev, &err) != BP_OK)
        fail(name, &err);
    return dev;
}

static void finish_device(struct device *dev, struct vm *vm)
{
    struct err err;
    if (device_set_defaults(dev, &err) != BP_OK || device_create(dev, &err) != BP_OK ||
        device_realize(dev, vm, &err) != BP_OK)
        fail(dev->name, &err);
    device_start(dev);
}

/* --- The measurement -------------------------------------------------------------------------- */

static void write_out(const char *path, bool forget)
{
    int fd = open(path, O_RDWR);
    if (fd < 0 || fsync(fd) != 0 || (forget && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0))
        fail(path, NULL);
    close(fd);
}

static void measure(struct vm *vm, const char *path, const char *engine, const struct pattern *p)
{
    write_out(path, p->is_cold);
    user.pattern = p;
    user.n_begun = user.n_ended = 0;
    user.longest_us = 0;
    double begin = now_us();
    for (uint32_t i = 0; i < p->depth; i++)
        begin_request(i);
    while (user.n_ended < p->n)
        loop_step(vm_loop(vm), UINT64_MAX);
    double took = now_us() - begin;
    printf("disk: %-9s %-28s %2u %9.0f %7.0f\n", engine, p->what, p->depth, p->n / took * 1e6,
           user.longest_us);
}

static void measure_engine(const struct aspace *aspace, struct registry *registry, const char *path,
                           const char *engine)
{
    struct vm_config config = {.arch = ARCH_RISCV64,
                               .n_cpus = 1,
                               .timebase_hz = 10000000,
                               .accel = &accel_rv64,
                               .aspace = aspace};
    struct err err;
    struct vm *vm;
    const struct bp_class *class_ = registry_class(registry, "block-file", &err);
    if (class_ == NULL || vm_create(&config, &vm, &err) != BP_OK)
        fail("machine", &err);
    struct device *disk = make_device(class_, "disk");
    struct device *asker = make_device(&user_class, "asker");
    set_text(disk, "path", path);
    set_text(disk, "io", engine);
    if (device_connect(asker, 0, disk, &err) != BP_OK)
        fail("link", &err);
    finish_device(disk, vm);
    finish_device(asker, vm);
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
        measure(vm, path, engine, &patterns[i]);
    device_destroy(asker);
    device_destroy(disk);
    vm_destroy(vm);
}

static void make_file(const char *path)
{
    static uint8_t block[1 << 20];
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    memset(block, 0x5a, sizeof(block));
    for (uint64_t done = 0; done < FILE_BYTES; done += sizeof(block))
        if (write(fd, block, sizeof(block)) != (ssize_t)sizeof(block))
            fail(path, NULL);
    close(fd);
}

int main(int argc, char **argv)
{
    struct err err;
    struct aspace *aspace;
    struct registry *registry = registry_create();
    if (argc != 2 || registry_add_directory(registry, BUILD_DIR "/plugins", true, &err) != BP_OK ||
        aspace_create(ARCH_RISCV64, RAM_GPA, RAM_BYTES, 56, &aspace, &err) != BP_OK)
        fail("usage: disk FILE", NULL);
    make_file(argv[1]);
    static const char *const engines[] = {"threads", "io_uring"};
    for (uint32_t i = 0; i < 2; i++)
        measure_engine(aspace, registry, argv[1], engines[i]);
    unlink(argv[1]);
    aspace_destroy(aspace);
    registry_destroy(registry);
    return 0;
}
