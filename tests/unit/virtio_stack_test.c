/*
 * The plugins virtio-mmio and virtio-blk on the real host interfaces, with a disk that answers when
 * the test wants it: locks, requests on their way, resets, ends. And bp.block/1 and bp.char/1 as a
 * device sees them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <backplane/if/char.h>
#include <backplane/if/link.h>
#include <backplane/if/worker.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/vm.h"
#include "plugin/host_tables.h"
#include "plugin/registry.h"
#include "state.h"

#define RAM_GPA    UINT64_C(0x80000000)
#define RAM_BYTES  (UINT64_C(2) << 20)
#define MMIO_GPA   UINT64_C(0x10000000)
#define DESC_GPA   RAM_GPA
#define AVAIL_GPA  (RAM_GPA + 0x1000)
#define USED_GPA   (RAM_GPA + 0x2000)
#define HEADER_GPA (RAM_GPA + 0x3000)
#define STATUS_GPA (RAM_GPA + 0x4000)
#define DATA_GPA   (RAM_GPA + 0x10000)
#define QUEUE_SIZE 64u

#define DISK_BYTES 65536u
#define HELD_MAX   128u

/* --- A disk that waits for the test ----------------------------------------------------------- */

struct slow_disk {
    const struct bp_host *host;
    uint64_t held[HELD_MAX];
    uint32_t n_held;
    bool answers_on_loop; /* by bp.worker/1's done, as a simple backend would */
    bool refuses;
    uint32_t flags;
    uint32_t n_submits;
};

static int32_t slow_create(const struct bp_host *host, void *dev)
{
    ((struct slow_disk *)dev)->host = host;
    return BP_OK;
}

static int32_t slow_info(void *dev, struct bp_block_info *out)
{
    out->capacity_bytes = DISK_BYTES;
    out->block_bytes = 512;
    out->flags = ((struct slow_disk *)dev)->flags;
    return BP_OK;
}

static int32_t slow_work(void *dev, uint64_t arg)
{
    (void)dev;
    (void)arg;
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL); /* a slow medium */
    return BP_OK;
}

static void slow_done(void *dev, uint64_t arg, int32_t result)
{
    const struct slow_disk *s = dev;
    (void)host_block_backend.complete(s->host, arg, result);
}

static int32_t slow_submit(void *dev, const struct bp_block_request *request)
{
    struct slow_disk *s = dev;
    s->n_submits++;
    if (s->refuses)
        return BP_ERR_BUSY;
    if (s->answers_on_loop)
        return host_worker.submit(s->host, slow_work, slow_done, request->tag);
    assert_true(s->n_held < HELD_MAX);
    s->held[s->n_held++] = request->tag;
    return BP_OK;
}

static const struct bp_block_ops slow_ops = {
    .struct_size = sizeof(slow_ops), .info = slow_info, .submit = slow_submit};
static const struct bp_service slow_services[] = {{BP_BLOCK_ID, &slow_ops}};
static const struct bp_class slow_class = {
    .struct_size = sizeof(slow_class),
    .flags = BP_CLASS_BACKEND,
    .id = "slow-disk",
    .version = "1.0",
    .summary = "a disk for tests",
    .instance_size = sizeof(struct slow_disk),
    .state_version = 1,
    .services = BP_TABLE(slow_services),
    .create = slow_create,
};

/* --- The machine ------------------------------------------------------------------------------ */

struct stack {
    struct registry *registry;
    struct aspace *aspace;
    struct vm *vm;
    struct device *disk, *blk, *mmio;
    struct slow_disk *slow;
    uint16_t avail_idx;
};

static struct device *make_device(const struct bp_class *class_, const char *name)
{
    struct device *dev;
    struct err err;
    assert_int_equal(device_new(class_, name, 1, 10000000, &dev, &err), BP_OK);
    if (device_set_defaults(dev, &err) != BP_OK || device_create(dev, &err) != BP_OK ||
        device_plan(dev, &err) != BP_OK)
        fail_msg("%s", err.text);
    return dev;
}

static struct device *make_plugin(struct stack *s, const char *id, const char *name)
{
    struct err err;
    const struct bp_class *class_ = registry_class(s->registry, id, &err);
    if (class_ == NULL)
        fail_msg("%s", err.text);
    return make_device(class_, name);
}

static void realize(struct stack *s, struct device *dev)
{
    struct err err = {{0}};
    if (device_realize(dev, s->vm, &err) != BP_OK)
        fail_msg("%s", err.text);
}

/* Registry, memory and loop; no vCPU ever runs. */
static struct stack *make_machine(void)
{
    struct err err;
    struct stack *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    s->registry = registry_create();
    assert_int_equal(registry_add_directory(s->registry, BUILD_DIR "/plugins", true, &err), BP_OK);
    assert_int_equal(aspace_create(ARCH_RISCV64, RAM_GPA, RAM_BYTES, 56, &s->aspace, &err), BP_OK);
    struct vm_config config = {.arch = ARCH_RISCV64,
                               .n_cpus = 1,
                               .timebase_hz = 10000000,
                               .accel = &accel_rv64,
                               .aspace = s->aspace};
    assert_int_equal(vm_create(&config, &s->vm, &err), BP_OK);
    return s;
}

/* The devices in front of s->disk, up to start. */
static void finish_machine(struct stack *s)
{
    struct err err;
    s->blk = make_plugin(s, "virtio-blk", "blk");
    s->mmio = make_plugin(s, "virtio-mmio", "blk.mmio");
    assert_int_equal(device_connect(s->blk, 0, s->disk, &err), BP_OK);
    assert_int_equal(device_connect(s->mmio, 0, s->blk, &err), BP_OK);
    s->mmio->regions[0].placed = true;
    s->mmio->regions[0].base = MMIO_GPA;
    s->mmio->regions[0].size = 4096;
    realize(s, s->disk);
    realize(s, s->blk);
    realize(s, s->mmio);
    struct device *all[] = {s->disk, s->blk, s->mmio};
    for (uint32_t i = 0; i < 3; i++)
        device_reset(all[i], BP_RESET_COLD);
    for (uint32_t i = 0; i < 3; i++)
        device_start(all[i]);
}

static int setup(void **state)
{
    struct stack *s = make_machine();
    s->disk = make_device(&slow_class, "disk");
    s->slow = s->disk->instance;
    finish_machine(s);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct stack *s = *state;
    device_destroy(s->mmio);
    device_destroy(s->blk);
    device_destroy(s->disk);
    vm_destroy(s->vm);
    aspace_destroy(s->aspace);
    registry_destroy(s->registry);
    free(s);
    return 0;
}

/* --- The driver ------------------------------------------------------------------------------- */

static void put(struct stack *s, uint64_t gpa, uint64_t value, uint32_t bytes)
{
    uint8_t raw[8];
    for (uint32_t i = 0; i < bytes; i++)
        raw[i] = (uint8_t)(value >> (8 * i));
    assert_int_equal(vm_write(s->vm, gpa, raw, bytes, NULL), BP_OK);
}

static uint64_t get(struct stack *s, uint64_t gpa, uint32_t bytes)
{
    uint8_t raw[8];
    uint64_t value = 0;
    assert_int_equal(vm_read(s->vm, gpa, raw, bytes, NULL), BP_OK);
    for (uint32_t i = bytes; i-- > 0;)
        value = value << 8 | raw[i];
    return value;
}

static void wr(struct stack *s, uint32_t offset, uint32_t value)
{
    bus_write(vm_bus(s->vm), MMIO_GPA + offset, 4, value);
}

static uint32_t rd(struct stack *s, uint32_t offset)
{
    return (uint32_t)bus_read(vm_bus(s->vm), MMIO_GPA + offset, 4);
}

static void start_driver(struct stack *s)
{
    assert_int_equal(memory_fill(vm_memory(s->vm), DESC_GPA, 0, 0x3000), BP_OK);
    s->avail_idx = 0;
    wr(s, 0x070, 0);
    wr(s, 0x070, 1);
    wr(s, 0x070, 3);
    wr(s, 0x024, 0);
    wr(s, 0x020, 1u << 9); /* FLUSH */
    wr(s, 0x024, 1);
    wr(s, 0x020, 1); /* VERSION_1 */
    wr(s, 0x070, 11);
    assert_int_equal(rd(s, 0x070), 11);
    wr(s, 0x030, 0);
    wr(s, 0x038, QUEUE_SIZE);
    wr(s, 0x080, (uint32_t)DESC_GPA);
    wr(s, 0x090, (uint32_t)AVAIL_GPA);
    wr(s, 0x0a0, (uint32_t)USED_GPA);
    wr(s, 0x044, 1);
    assert_int_equal(rd(s, 0x044), 1);
    wr(s, 0x070, 15);
}

/* A read of one sector into slot i (0 to 19). */
static void add_read(struct stack *s, uint32_t i)
{
    put(s, HEADER_GPA + 16 * i, 0, 8);
    put(s, HEADER_GPA + 16 * i + 8, i, 8);
    put(s, STATUS_GPA + i, 0xff, 1);
    uint64_t parts[3][2] = {
        {HEADER_GPA + 16 * i, 16}, {DATA_GPA + 512 * i, 512}, {STATUS_GPA + i, 1}};
    for (uint32_t k = 0; k < 3; k++) {
        uint64_t desc = DESC_GPA + 16 * (3 * i + k);
        put(s, desc, parts[k][0], 8);
        put(s, desc + 8, parts[k][1], 4);
        put(s, desc + 12, (k < 2 ? 1 : 0) | (k > 0 ? 2 : 0), 2);
        put(s, desc + 14, 3 * i + k + 1, 2);
    }
    put(s, AVAIL_GPA + 4 + 2 * (s->avail_idx % QUEUE_SIZE), 3 * i, 2);
    put(s, AVAIL_GPA + 2, ++s->avail_idx, 2);
    wr(s, 0x050, 0);
}

static uint32_t used_idx(struct stack *s)
{
    return (uint32_t)get(s, USED_GPA + 2, 2);
}

static int32_t answer(struct stack *s, uint32_t i, int32_t status)
{
    return host_block_backend.complete(&s->disk->host, s->slow->held[i], status);
}

static void run_loop(struct stack *s)
{
    for (uint32_t i = 0; i < 4; i++)
        loop_step(vm_loop(s->vm), 0);
}

/* --- The whole way ---------------------------------------------------------------------------- */

static void a_request_goes_all_the_way_and_back(void **state)
{
    struct stack *s = *state;
    start_driver(s);
    assert_int_equal(rd(s, 0x008), 2);
    assert_int_equal(rd(s, 0x100), DISK_BYTES / 512);
    add_read(s, 0);
    assert_int_equal(s->slow->n_held, 1);
    assert_int_equal(used_idx(s), 0);
    assert_int_equal(answer(s, 0, BP_OK), BP_OK);
    assert_int_equal(answer(s, 0, BP_OK), BP_ERR_STALE); /* once only */
    run_loop(s);
    assert_int_equal(used_idx(s), 1);
    assert_int_equal(get(s, STATUS_GPA, 1), 0);
    assert_int_equal(rd(s, 0x060), 1);
    assert_int_equal(s->mmio->lines[0].level, 1);
    wr(s, 0x064, 1);
    assert_int_equal(s->mmio->lines[0].level, 0);
}

static void an_error_of_the_disk_is_the_requests_status(void **state)
{
    struct stack *s = *state;
    start_driver(s);
    add_read(s, 0);
    assert_int_equal(answer(s, 0, BP_ERR_IO), BP_OK);
    run_loop(s);
    assert_int_equal(get(s, STATUS_GPA, 1), 1);
    s->slow->refuses = true; /* at once */
    add_read(s, 1);
    assert_int_equal(used_idx(s), 2);
    assert_int_equal(get(s, STATUS_GPA + 1, 1), 1);
}

struct resetter {
    struct stack *s;
    atomic_bool is_done;
};

static void *reset_thread(void *arg)
{
    struct resetter *r = arg;
    wr(r->s, 0x070, 0);
    atomic_store(&r->is_done, true);
    return NULL;
}

/* The driver may use its buffers again right after the write: nothing may write to them then. */
static void a_drivers_reset_waits_for_requests_that_are_under_way(void **state)
{
    struct stack *s = *state;
    struct resetter r = {.s = s};
    pthread_t thread;
    start_driver(s);
    add_read(s, 0);
    add_read(s, 1);
    assert_int_equal(pthread_create(&thread, NULL, reset_thread, &r), 0);
    assert_int_equal(answer(s, 1, BP_OK), BP_OK);
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL); /* it would be done long ago */
    assert_false(atomic_load(&r.is_done));
    assert_int_equal(answer(s, 0, BP_OK), BP_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
    run_loop(s);
    assert_int_equal(used_idx(s), 0);
    assert_int_equal(rd(s, 0x070), 0);
    s->slow->n_held = 0;
    start_driver(s);
    add_read(s, 2);
    assert_int_equal(s->slow->n_held, 1);
    assert_int_equal(answer(s, 0, BP_OK), BP_OK);
    run_loop(s);
    assert_int_equal(used_idx(s), 1);
}

static void a_queue_that_is_stopped_waits_as_a_reset_does(void **state)
{
    struct stack *s = *state;
    start_driver(s);
    s->slow->answers_on_loop = false;
    wr(s, 0x044, 0); /* nothing is under way: at once */
    assert_int_equal(rd(s, 0x044), 0);
    add_read(s, 0);
    assert_int_equal(s->slow->n_held, 0);
}

/* The machine's reset runs on the loop's thread, which such a disk needs for its answer. */
static void a_machines_reset_waits_even_for_a_disk_that_needs_the_loop(void **state)
{
    struct stack *s = *state;
    start_driver(s);
    s->slow->answers_on_loop = true;
    add_read(s, 0);
    add_read(s, 1);
    device_reset(s->disk, BP_RESET_WARM);
    device_reset(s->blk, BP_RESET_WARM);
    device_reset(s->mmio, BP_RESET_WARM);
    assert_int_equal(rd(s, 0x070), 0);
    assert_int_equal(used_idx(s), 0);
    run_loop(s);
    start_driver(s);
    s->slow->answers_on_loop = false;
    add_read(s, 0);
    assert_int_equal(answer(s, 0, BP_OK), BP_OK);
    run_loop(s);
    assert_int_equal(used_idx(s), 1);
}

static void a_machine_ends_with_requests_under_way(void **state)
{
    struct stack *s = *state;
    start_driver(s);
    s->slow->answers_on_loop = true;
    for (uint32_t i = 0; i < 10; i++)
        add_read(s, i);
    /* teardown destroys everything */
}

static void a_snapshot_is_refused_until_quiesced_and_brings_the_driver_back(void **state)
{
    struct stack *s = *state;
    struct state_buffer saved, again;
    char why[256];
    start_driver(s);
    add_read(s, 0);
    assert_int_equal(device_quiesce(s->blk), BP_PENDING);
    assert_int_equal(state_save(s->mmio->class_, s->mmio->instance, &saved, why, sizeof(why)),
                     BP_ERR_STATE);
    assert_int_equal(answer(s, 0, BP_OK), BP_OK);
    run_loop(s);
    assert_int_equal(device_quiesce(s->blk), BP_OK);
    assert_int_equal(state_save(s->mmio->class_, s->mmio->instance, &saved, why, sizeof(why)),
                     BP_OK);
    device_reset(s->blk, BP_RESET_COLD);
    device_reset(s->mmio, BP_RESET_COLD);
    assert_int_equal(s->mmio->lines[0].level, 0);
    (void)device_enter(s->mmio, "a test");
    int32_t status =
        state_load(s->mmio->class_, s->mmio->instance, saved.bytes, saved.size, why, sizeof(why));
    device_leave(s->mmio);
    if (status != BP_OK)
        fail_msg("%s", why);
    assert_int_equal(s->mmio->lines[0].level, 1);
    assert_int_equal(state_save(s->mmio->class_, s->mmio->instance, &again, why, sizeof(why)),
                     BP_OK);
    assert_int_equal(saved.size, again.size);
    assert_memory_equal(saved.bytes, again.bytes, saved.size);
    free(saved.bytes);
    free(again.bytes);
    device_start(s->blk);
    device_start(s->mmio);
    assert_int_equal(rd(s, 0x070), 15);
    add_read(s, 1);
    assert_int_equal(answer(s, 1, BP_OK), BP_OK);
    run_loop(s);
    assert_int_equal(used_idx(s), 2);
}

static void a_device_has_one_transport(void **state)
{
    struct stack *s = *state;
    struct err err;
    struct device *second = make_plugin(s, "virtio-mmio", "second");
    assert_int_equal(device_connect(second, 0, s->blk, &err), BP_OK);
    assert_int_equal(device_realize(second, s->vm, &err), BP_ERR_EXISTS);
    assert_non_null(strstr(err.text, "behind blk.mmio already"));
    device_destroy(second);
    start_driver(s);
    assert_int_equal(rd(s, 0x070), 15);
}

static void a_transport_without_a_device_is_refused(void **state)
{
    struct stack *s = *state;
    struct err err = {{0}};
    struct device *alone = make_plugin(s, "virtio-mmio", "alone");
    assert_true(device_realize(alone, s->vm, &err) < 0);
    assert_non_null(strstr(err.text, "no virtio device is behind it"));
    device_destroy(alone);
}

/* Processors at the registers, the disk's answers, and the loop, all at once (with TSan: no race).
 * Whatever happens in between, in the end the device works. */
struct hammer {
    struct stack *s;
    atomic_bool is_over;
    uint64_t seed;
};

static void *hammer_thread(void *arg)
{
    struct hammer *h = arg;
    while (!atomic_load(&h->is_over)) {
        h->seed ^= h->seed << 13;
        h->seed ^= h->seed >> 7;
        h->seed ^= h->seed << 17;
        uint32_t offset = (uint32_t)(h->seed >> 20) & 0x1fc;
        if (offset == 0x070 && (h->seed & 0xf00) != 0)
            continue; /* resets are rarer */
        if ((h->seed & 1) != 0)
            (void)rd(h->s, offset);
        else
            wr(h->s, offset,
               offset == 0x070 ? (uint32_t)(h->seed >> 40) & 15 : (uint32_t)(h->seed >> 32) & 7);
    }
    return NULL;
}

static void registers_answers_and_loop_meet_without_harm(void **state)
{
    struct stack *s = *state;
    struct hammer h[2] = {{.s = s, .seed = 11}, {.s = s, .seed = 77}};
    pthread_t threads[2];
    s->slow->answers_on_loop = true;
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hammer_thread, &h[i]), 0);
    struct timespec begin, now;
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    do {
        loop_step(vm_loop(s->vm), 1000000);
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000 < 500);
    for (uint32_t i = 0; i < 2; i++)
        atomic_store(&h[i].is_over, true);
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    s->slow->answers_on_loop = false;
    s->slow->n_held = 0;
    device_reset(s->mmio, BP_RESET_WARM);
    run_loop(s);
    start_driver(s);
    add_read(s, 0);
    assert_int_equal(answer(s, 0, BP_OK), BP_OK);
    run_loop(s);
    assert_int_equal(used_idx(s), 1);
}

/* --- A real disk ------------------------------------------------------------------------------ */

static char image_path[] = "/tmp/virtio-stack-XXXXXX";

static int setup_file(void **state)
{
    struct err err;
    uint8_t sector[512];
    int fd = mkstemp(image_path);
    assert_true(fd >= 0);
    for (uint32_t i = 0; i < DISK_BYTES / 512; i++) {
        memset(sector, (int)i + 1, sizeof(sector));
        assert_int_equal(write(fd, sector, sizeof(sector)), sizeof(sector));
    }
    (void)close(fd);
    struct stack *s = make_machine();
    const struct bp_class *class_ = registry_class(s->registry, "block-file", &err);
    if (class_ == NULL || device_new(class_, "disk", 1, 10000000, &s->disk, &err) != BP_OK)
        fail_msg("%s", err.text);
    uint32_t path;
    assert_non_null(property_find(class_, "path", &path));
    struct property_value value = {.string = image_path};
    assert_int_equal(device_set(s->disk, path, &value), BP_OK);
    assert_int_equal(device_set_defaults(s->disk, &err), BP_OK);
    assert_int_equal(device_create(s->disk, &err), BP_OK);
    finish_machine(s);
    *state = s;
    return 0;
}

static int teardown_file(void **state)
{
    (void)teardown(state);
    (void)unlink(image_path);
    memcpy(image_path + sizeof(image_path) - 7, "XXXXXX", 6);
    return 0;
}

static void wait_used(struct stack *s, uint32_t wanted)
{
    for (uint32_t i = 0; i < 1000 && used_idx(s) != wanted; i++)
        loop_step(vm_loop(s->vm), 10000000);
    assert_int_equal(used_idx(s), wanted);
}

/* Several worker threads at once (with TSan: no race). */
static void many_requests_reach_a_real_file_at_once(void **state)
{
    struct stack *s = *state;
    start_driver(s);
    for (uint32_t round = 1; round <= 10; round++) {
        assert_int_equal(memory_fill(vm_memory(s->vm), DATA_GPA, 0, 20 * 512), BP_OK);
        for (uint32_t i = 0; i < 20; i++)
            add_read(s, i);
        wait_used(s, 20 * round);
        for (uint32_t i = 0; i < 20; i++) {
            assert_int_equal(get(s, STATUS_GPA + i, 1), 0);
            assert_int_equal(get(s, DATA_GPA + 512 * i, 1), i + 1);
            assert_int_equal(get(s, DATA_GPA + 512 * i + 511, 1), i + 1);
        }
    }
}

static void a_reset_leaves_the_drivers_buffers_alone_afterwards(void **state)
{
    struct stack *s = *state;
    for (uint32_t round = 0; round < 50; round++) {
        start_driver(s);
        for (uint32_t i = 0; i < 20; i++)
            add_read(s, i);
        wr(s, 0x070, 0); /* from here on the buffers are the driver's */
        assert_int_equal(memory_fill(vm_memory(s->vm), DATA_GPA, 0xee, 20 * 512), BP_OK);
        run_loop(s);
        for (uint32_t i = 0; i < 20; i++)
            assert_int_equal(get(s, DATA_GPA + 512 * i, 1), 0xee);
    }
}

/* --- bp.block/1 as a device sees it ----------------------------------------------------------- */

static void never(void *dev, uint64_t tag, int32_t status)
{
    (void)dev;
    (void)tag;
    (void)status;
    abort();
}

static int32_t submit(struct stack *s, uint32_t link, uint32_t op, uint64_t offset, uint64_t size,
                      uint64_t segment_bytes)
{
    struct bp_segment segment = {DATA_GPA, segment_bytes};
    struct bp_block_request r = {.struct_size = sizeof(r),
                                 .op = op,
                                 .offset = offset,
                                 .size = size,
                                 .segments = &segment,
                                 .n_segments = 1,
                                 .segment_stride = sizeof(segment)};
    (void)device_enter(s->blk, "a test");
    int32_t status = host_block.submit(&s->blk->host, link, &r, never);
    device_leave(s->blk);
    return status;
}

static void a_backend_sees_only_requests_that_fit_its_disk(void **state)
{
    struct stack *s = *state;
    static const struct {
        uint32_t op;
        uint64_t offset, size, segment;
        int32_t status;
    } wrong[] = {
        {BP_BLOCK_READ, DISK_BYTES, 512, 512, BP_ERR_RANGE},
        {BP_BLOCK_READ, DISK_BYTES - 512, 1024, 1024, BP_ERR_RANGE},
        {BP_BLOCK_READ, UINT64_MAX - 511, 512, 512, BP_ERR_RANGE},
        {BP_BLOCK_READ, 0, UINT64_MAX - 511, 512, BP_ERR_RANGE},
        {BP_BLOCK_READ, 1, 512, 512, BP_ERR_INVALID},
        {BP_BLOCK_READ, 0, 100, 100, BP_ERR_INVALID},
        {BP_BLOCK_READ, 0, 0, 0, BP_ERR_INVALID},
        {BP_BLOCK_READ, 0, 1024, 512, BP_ERR_INVALID},
        {BP_BLOCK_WRITE, 0, 512, 1024, BP_ERR_INVALID},
        {BP_BLOCK_DISCARD_OP, 0, 512, 0, BP_ERR_UNSUPPORTED},
        {BP_BLOCK_WRITE_ZEROES, 0, 512, 0, BP_ERR_UNSUPPORTED},
        {0, 0, 512, 512, BP_ERR_UNSUPPORTED},
        {99, 0, 512, 512, BP_ERR_UNSUPPORTED},
    };
    for (uint32_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(
            submit(s, 0, wrong[i].op, wrong[i].offset, wrong[i].size, wrong[i].segment),
            wrong[i].status);
    assert_int_equal(submit(s, 1, BP_BLOCK_READ, 0, 512, 512), BP_ERR_NOT_FOUND);
    assert_int_equal(submit(s, UINT32_MAX, BP_BLOCK_READ, 0, 512, 512), BP_ERR_NOT_FOUND);
    s->slow->flags = BP_BLOCK_READ_ONLY | BP_BLOCK_DISCARD;
    assert_int_equal(submit(s, 0, BP_BLOCK_WRITE, 0, 512, 512), BP_ERR_PERMISSION);
    assert_int_equal(submit(s, 0, BP_BLOCK_DISCARD_OP, 0, 512, 0), BP_ERR_PERMISSION);
    s->slow->refuses = true;
    assert_int_equal(s->slow->n_submits, 0);
    assert_int_equal(submit(s, 0, BP_BLOCK_READ, 0, 512, 512), BP_ERR_BUSY);
    assert_int_equal(s->slow->n_submits, 1);
    s->slow->flags = 0;
}

static void answers_to_tickets_that_never_were_are_stale(void **state)
{
    struct stack *s = *state;
    static const uint64_t wrong[] = {0, 1, UINT64_MAX, UINT64_C(1) << 32 | 1};
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(host_block_backend.complete(&s->disk->host, wrong[i], BP_OK),
                         BP_ERR_STALE);
}

static void an_unconnected_console_is_silent(void **state)
{
    struct stack *s = *state;
    uint8_t byte;
    assert_int_equal(host_char.read(&s->disk->host, 0, &byte, 1), 0);
    assert_int_equal(host_char.write(&s->disk->host, 0, "x", 1), 1);
    assert_int_equal(host_char.write(&s->disk->host, UINT32_MAX, "xyz", 3), 3);
}

static void virtio_calls_of_a_device_that_is_none_are_refused(void **state)
{
    struct stack *s = *state;
    struct bp_virtio_chain chain = {.struct_size = sizeof(chain)};
    const struct bp_host *host = &s->disk->host;
    uint8_t bytes[4] = {1, 1, 1, 1};
    uint32_t n = 1;
    assert_int_equal(host_virtio.pop(host, 0, &chain), BP_ERR_STATE);
    assert_int_equal(host_virtio.push(host, 1, 0), BP_ERR_STATE);
    assert_int_equal(host_virtio.read(host, 1, 0, bytes, 1), BP_ERR_STATE);
    assert_int_equal(host_virtio.write(host, 1, 0, bytes, 1), BP_ERR_STATE);
    assert_int_equal(host_virtio.segments(host, 1, 0, 0, 0, NULL, &n), BP_ERR_STATE);
    host_virtio.config_changed(host);
    assert_int_equal(host_virtio_transport.attach(host, 0), BP_ERR_STATE);
    assert_int_equal(host_virtio_transport.status(&s->blk->host), 0); /* the wrong end */
    host_virtio_transport.set_status(host, 15);
    host_virtio_transport.config_read(host, 0, bytes, 4);
    assert_memory_equal(bytes, "\0\0\0\0", 4);
    assert_int_equal(host_virtio_transport.attach(&s->mmio->host, 5), BP_ERR_NOT_FOUND);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define F(name) cmocka_unit_test_setup_teardown(name, setup_file, teardown_file)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_request_goes_all_the_way_and_back),
        T(an_error_of_the_disk_is_the_requests_status),
        T(a_drivers_reset_waits_for_requests_that_are_under_way),
        T(a_queue_that_is_stopped_waits_as_a_reset_does),
        T(a_machines_reset_waits_even_for_a_disk_that_needs_the_loop),
        T(a_machine_ends_with_requests_under_way),
        T(a_snapshot_is_refused_until_quiesced_and_brings_the_driver_back),
        T(a_device_has_one_transport),
        T(a_transport_without_a_device_is_refused),
        T(registers_answers_and_loop_meet_without_harm),
        F(many_requests_reach_a_real_file_at_once),
        F(a_reset_leaves_the_drivers_buffers_alone_afterwards),
        T(a_backend_sees_only_requests_that_fit_its_disk),
        T(answers_to_tickets_that_never_were_are_stale),
        T(an_unconnected_console_is_silent),
        T(virtio_calls_of_a_device_that_is_none_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
