/* Queues of a virtio device that a hostile driver fills. */
#include "check/check.h"
#include "check/exercise.h"
#include "classcheck.h"

static const struct bp_virtio_device_ops *virtio_ops(struct check_run *run)
{
    const struct bp_virtio_device_ops *ops = class_service(run->class_, BP_VIRTIO_DEVICE_ID);

    if (!ops)
        check_skip(run, "it is no virtio device");
    return ops;
}

static void config_at_every_offset(struct check_run *run)
{
    const struct bp_virtio_device_ops *ops = virtio_ops(run);
    struct bench *b = exercise_create(run, 0);
    uint8_t bytes[8] = {0xff, 0, 0x55, 0xaa, 1, 2, 3, 4};

    for (uint32_t size = 1; size <= 8 && size <= ops->config_size; size *= 2) {
        for (uint32_t offset = 0; offset <= ops->config_size - size; offset++) {
            check_step(run, "read and write %u bytes of configuration at %u", size, offset);
            bench_virtio_config_read(b, offset, bytes, size);
            bench_virtio_config_write(b, offset, bytes, size);
        }
    }
    bench_destroy(b);
}

static const struct check_test tests[] = {
    {"virtio.config", "takes reads and writes of its configuration", CHECK_API, 0, false,
     config_at_every_offset},
};

const struct check_table check_virtio_tests = {tests, sizeof(tests) / sizeof(tests[0])};
