/*
 * virtio-mmio - the memory-mapped transport of virtio devices, version 2.
 * Specification: virtio 1.2 (OASIS), section 4.2. The registers are only the driver's view of the
 * host's virtio machinery, which checks what the driver writes.
 * Not modelled: the legacy interface (version 1), shared memory regions (their length and base read
 * all-ones, as 4.2.2 asks), reset of single queues (QueueReset, which is offered to no driver).
 */
#include <backplane/device.h>
#include <backplane/if/doorbell.h>
#include <backplane/if/fdt.h>
#include <backplane/if/virtio.h>
#include <backplane/if/virtio_transport.h>
#include <backplane/lib/regs.h>
#include <backplane/plugin.h>

enum reg {
    MAGIC_VALUE,
    VERSION,
    DEVICE_ID,
    VENDOR_ID,
    DEVICE_FEATURES,
    DEVICE_FEATURES_SEL,
    DRIVER_FEATURES,
    DRIVER_FEATURES_SEL,
    QUEUE_SEL,
    QUEUE_NUM_MAX,
    QUEUE_NUM,
    QUEUE_READY,
    QUEUE_NOTIFY,
    INTERRUPT_STATUS,
    INTERRUPT_ACK,
    STATUS,
    QUEUE_DESC_LOW,
    QUEUE_DESC_HIGH,
    QUEUE_DRIVER_LOW,
    QUEUE_DRIVER_HIGH,
    QUEUE_DEVICE_LOW,
    QUEUE_DEVICE_HIGH,
    SHM_SEL,
    SHM_LEN_LOW,
    SHM_LEN_HIGH,
    SHM_BASE_LOW,
    SHM_BASE_HIGH,
    CONFIG_GENERATION,
    N_REGS
};

#define MAGIC          0x74726976u /* "virt" */
#define VENDOR         0x4c504b42u /* "BKPL" */
#define CONFIG_OFFSET  0x100u
#define REGION_BYTES   0x200u
#define LINE_INTERRUPT 0u
#define NOTIFY_OFFSET  0x050u

struct virtio_mmio {
    struct bp_regs regs; /* first; stored are only the selectors */
    const struct bp_host *host;
    const struct bp_virtio_transport *virtio;
    uint32_t dma_coherent;
};

/* --- Register hooks --------------------------------------------------------------------------- */

static uint32_t device_id_read(void *dev)
{
    const struct virtio_mmio *s = dev;
    return s->virtio->device_id(s->host);
}

/* The 32 feature bits that a selector chooses. */
static uint32_t features_half(uint64_t features, uint32_t selector)
{
    return selector > 1 ? 0 : (uint32_t)(features >> (32 * selector));
}

static uint32_t device_features_read(void *dev)
{
    const struct virtio_mmio *s = dev;
    return features_half(s->virtio->device_features(s->host), s->regs.v[DEVICE_FEATURES_SEL]);
}

static uint64_t replace_half(uint64_t whole, uint32_t half, uint32_t value)
{
    uint32_t shift = 32 * half;
    return (whole & ~((uint64_t)UINT32_MAX << shift)) | (uint64_t)value << shift;
}

static void driver_features_write(void *dev, uint32_t value)
{
    const struct virtio_mmio *s = dev;
    uint32_t half = s->regs.v[DRIVER_FEATURES_SEL];
    if (half > 1)
        return;
    uint64_t features = replace_half(s->virtio->driver_features(s->host), half, value);
    s->virtio->set_driver_features(s->host, features);
}

static uint32_t queue_get(const struct virtio_mmio *s, uint32_t field)
{
    return (uint32_t)s->virtio->queue_get(s->host, s->regs.v[QUEUE_SEL], field);
}

static void queue_set(const struct virtio_mmio *s, uint32_t field, uint64_t value)
{
    s->virtio->queue_set(s->host, s->regs.v[QUEUE_SEL], field, value);
}

static void queue_set_half(const struct virtio_mmio *s, uint32_t field, uint32_t half,
                           uint32_t value)
{
    uint64_t gpa = s->virtio->queue_get(s->host, s->regs.v[QUEUE_SEL], field);
    queue_set(s, field, replace_half(gpa, half, value));
}

static uint32_t queue_num_max_read(void *dev)
{
    return queue_get(dev, BP_VIRTQ_SIZE_MAX);
}

static void queue_num_write(void *dev, uint32_t value)
{
    queue_set(dev, BP_VIRTQ_SIZE, value);
}

static uint32_t queue_ready_read(void *dev)
{
    return queue_get(dev, BP_VIRTQ_READY);
}

static void queue_ready_write(void *dev, uint32_t value)
{
    queue_set(dev, BP_VIRTQ_READY, value & 1);
}

static void queue_notify_write(void *dev, uint32_t value)
{
    const struct virtio_mmio *s = dev;
    s->virtio->notify(s->host, value);
}

static uint32_t interrupt_status_read(void *dev)
{
    const struct virtio_mmio *s = dev;
    return s->virtio->interrupt_status(s->host);
}

static void interrupt_ack_write(void *dev, uint32_t value)
{
    const struct virtio_mmio *s = dev;
    s->virtio->interrupt_ack(s->host, value);
}

static uint32_t status_read(void *dev)
{
    const struct virtio_mmio *s = dev;
    return s->virtio->status(s->host);
}

static void status_write(void *dev, uint32_t value)
{
    const struct virtio_mmio *s = dev;
    s->virtio->set_status(s->host, value);
}

static void queue_desc_low_write(void *dev, uint32_t value)
{
    queue_set_half(dev, BP_VIRTQ_DESC, 0, value);
}

static void queue_desc_high_write(void *dev, uint32_t value)
{
    queue_set_half(dev, BP_VIRTQ_DESC, 1, value);
}

static void queue_driver_low_write(void *dev, uint32_t value)
{
    queue_set_half(dev, BP_VIRTQ_DRIVER, 0, value);
}

static void queue_driver_high_write(void *dev, uint32_t value)
{
    queue_set_half(dev, BP_VIRTQ_DRIVER, 1, value);
}

static void queue_device_low_write(void *dev, uint32_t value)
{
    queue_set_half(dev, BP_VIRTQ_DEVICE, 0, value);
}

static void queue_device_high_write(void *dev, uint32_t value)
{
    queue_set_half(dev, BP_VIRTQ_DEVICE, 1, value);
}

static uint32_t config_generation_read(void *dev)
{
    const struct virtio_mmio *s = dev;
    return s->virtio->config_generation(s->host);
}

/* --- The registers: table 4.1 ----------------------------------------------------------------- */

/* A register that is written only and has nothing to store reads 0. */
static const struct bp_reg virtio_mmio_regs[N_REGS] = {
    /* name, offset, reset, writable, w1c, on_read, on_write */
    [MAGIC_VALUE] = {"MagicValue", 0x000, MAGIC, 0, 0, NULL, NULL},
    [VERSION] = {"Version", 0x004, 2, 0, 0, NULL, NULL},
    [DEVICE_ID] = {"DeviceID", 0x008, 0, 0, 0, device_id_read, NULL},
    [VENDOR_ID] = {"VendorID", 0x00c, VENDOR, 0, 0, NULL, NULL},
    [DEVICE_FEATURES] = {"DeviceFeatures", 0x010, 0, 0, 0, device_features_read, NULL},
    [DEVICE_FEATURES_SEL] = {"DeviceFeaturesSel", 0x014, 0, UINT32_MAX, 0, NULL, NULL},
    [DRIVER_FEATURES] = {"DriverFeatures", 0x020, 0, 0, 0, NULL, driver_features_write},
    [DRIVER_FEATURES_SEL] = {"DriverFeaturesSel", 0x024, 0, UINT32_MAX, 0, NULL, NULL},
    [QUEUE_SEL] = {"QueueSel", 0x030, 0, UINT32_MAX, 0, NULL, NULL},
    [QUEUE_NUM_MAX] = {"QueueNumMax", 0x034, 0, 0, 0, queue_num_max_read, NULL},
    [QUEUE_NUM] = {"QueueNum", 0x038, 0, 0, 0, NULL, queue_num_write},
    [QUEUE_READY] = {"QueueReady", 0x044, 0, 0, 0, queue_ready_read, queue_ready_write},
    [QUEUE_NOTIFY] = {"QueueNotify", NOTIFY_OFFSET, 0, 0, 0, NULL, queue_notify_write},
    [INTERRUPT_STATUS] = {"InterruptStatus", 0x060, 0, 0, 0, interrupt_status_read, NULL},
    [INTERRUPT_ACK] = {"InterruptACK", 0x064, 0, 0, 0, NULL, interrupt_ack_write},
    [STATUS] = {"Status", 0x070, 0, 0, 0, status_read, status_write},
    [QUEUE_DESC_LOW] = {"QueueDescLow", 0x080, 0, 0, 0, NULL, queue_desc_low_write},
    [QUEUE_DESC_HIGH] = {"QueueDescHigh", 0x084, 0, 0, 0, NULL, queue_desc_high_write},
    [QUEUE_DRIVER_LOW] = {"QueueDriverLow", 0x090, 0, 0, 0, NULL, queue_driver_low_write},
    [QUEUE_DRIVER_HIGH] = {"QueueDriverHigh", 0x094, 0, 0, 0, NULL, queue_driver_high_write},
    [QUEUE_DEVICE_LOW] = {"QueueDeviceLow", 0x0a0, 0, 0, 0, NULL, queue_device_low_write},
    [QUEUE_DEVICE_HIGH] = {"QueueDeviceHigh", 0x0a4, 0, 0, 0, NULL, queue_device_high_write},
    [SHM_SEL] = {"SHMSel", 0x0ac, 0, UINT32_MAX, 0, NULL, NULL},
    [SHM_LEN_LOW] = {"SHMLenLow", 0x0b0, UINT32_MAX, 0, 0, NULL, NULL},
    [SHM_LEN_HIGH] = {"SHMLenHigh", 0x0b4, UINT32_MAX, 0, 0, NULL, NULL},
    [SHM_BASE_LOW] = {"SHMBaseLow", 0x0b8, UINT32_MAX, 0, 0, NULL, NULL},
    [SHM_BASE_HIGH] = {"SHMBaseHigh", 0x0bc, UINT32_MAX, 0, 0, NULL, NULL},
    [CONFIG_GENERATION] = {"ConfigGeneration", 0x0fc, 0, 0, 0, config_generation_read, NULL},
};

/* --- Accesses: the device configuration lies behind the registers ----------------------------- */

static uint64_t mmio_read(void *dev, uint32_t region, uint64_t offset, uint32_t width)
{
    const struct virtio_mmio *s = dev;
    uint8_t bytes[8] = {0};
    uint64_t value = 0;
    if (offset < CONFIG_OFFSET)
        return width == 4 ? bp_regs_read(dev, region, offset, width) : 0;
    s->virtio->config_read(s->host, (uint32_t)offset - CONFIG_OFFSET, bytes, width);
    for (uint32_t i = width; i-- > 0;)
        value = value << 8 | bytes[i];
    return value;
}

static void mmio_write(void *dev, uint32_t region, uint64_t offset, uint32_t width, uint64_t value)
{
    const struct virtio_mmio *s = dev;
    uint8_t bytes[8];
    if (offset < CONFIG_OFFSET) {
        if (width == 4)
            bp_regs_write(dev, region, offset, width, value);
        else
            s->host->log(s->host, BP_LOG_GUEST,
                         "a register was not written with 32 bits (virtio 4.2.2.2); ignored");
        return;
    }
    for (uint32_t i = 0; i < width; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    s->virtio->config_write(s->host, (uint32_t)offset - CONFIG_OFFSET, bytes, width);
}

/* --- Life cycle ------------------------------------------------------------------------------- */

static void notified(void *dev, uint64_t queue)
{
    const struct virtio_mmio *s = dev;
    s->virtio->notify(s->host, (uint32_t)queue);
}

/* Where the host has doorbells, notifications do not stop the processor; otherwise they come to
 * queue_notify_write. */
static int32_t add_doorbells(struct virtio_mmio *s)
{
    const struct bp_doorbell *doorbells = s->host->get_interface(s->host, BP_DOORBELL_ID);
    uint32_t n = doorbells != NULL ? s->virtio->n_queues(s->host) : 0;
    for (uint32_t i = 0; i < n; i++) {
        int32_t status = doorbells->add(s->host, 0, NOTIFY_OFFSET, 4, i, notified, i);
        if (status == BP_ERR_UNSUPPORTED)
            return BP_OK;
        if (status != BP_OK)
            return s->host->set_error(s->host, status, "its doorbells cannot be set up");
    }
    return BP_OK;
}

static int32_t virtio_mmio_realize(void *dev)
{
    struct virtio_mmio *s = dev;
    int32_t status = s->virtio->attach(s->host, LINE_INTERRUPT);
    if (status != BP_OK)
        return s->host->set_error(s->host, status,
                                  "no virtio device is behind it: set its link \"device\"");
    return add_doorbells(s);
}

static int32_t virtio_mmio_create(const struct bp_host *host, void *dev)
{
    struct virtio_mmio *s = dev;
    s->host = host;
    s->virtio = host->get_interface(host, BP_VIRTIO_TRANSPORT_ID);
    if (s->virtio == NULL || !BP_HAS(struct bp_virtio_transport, s->virtio, load_commit))
        return host->set_error(host, BP_ERR_UNSUPPORTED,
                               "this host has no " BP_VIRTIO_TRANSPORT_ID " with state");
    bp_regs_init(&s->regs, virtio_mmio_regs, N_REGS);
    return BP_OK;
}

static void virtio_mmio_describe_fdt(const void *dev, const struct bp_fdt_writer *w)
{
    const struct virtio_mmio *s = dev;
    if (s->dma_coherent)
        w->prop_empty(w, "dma-coherent");
}

static int32_t virtio_mmio_save(const void *dev, const struct bp_state_writer *w)
{
    const struct virtio_mmio *s = dev;
    return s->virtio->save(s->host, w);
}

static int32_t virtio_mmio_load_check(const void *dev, const struct bp_state_reader *r)
{
    const struct virtio_mmio *s = dev;
    return s->virtio->load_check(s->host, r);
}

static void virtio_mmio_load_commit(void *dev, const struct bp_state_reader *r)
{
    const struct virtio_mmio *s = dev;
    s->virtio->load_commit(s->host, r);
}

static const struct bp_region regions[] = {{
    .name = "regs",
    .size = REGION_BYTES,
    .kind = BP_MMIO,
    .widths = BP_W8 | BP_W16 | BP_W32 | BP_W64, /* narrow ones are for the configuration */
    .regs = BP_TABLE(virtio_mmio_regs),
}};

static const struct bp_line lines[] = {{"interrupt", BP_EDGE_RISING, 0}};

static const struct bp_link links[] = {{
    .name = "device",
    .interface = BP_VIRTIO_DEVICE_ID,
    .doc = "The virtio device behind this transport. A device with \"bus = virtio-mmio\" gets a "
           "transport of its own and this link by itself.",
    .flags = BP_LINK_REQUIRED,
}};

static const struct bp_property properties[] = {
    BP_PROP_BOOL(struct virtio_mmio, dma_coherent, "dma-coherent", "no",
                 "Adds dma-coherent to the device tree node: the processors' caches see what the "
                 "device writes. Guests of architectures that are coherent by definition, such as "
                 "riscv64, need no such word."),
};

#define SELECTOR(tag, index)                                                                       \
    {                                                                                              \
        (tag), 0, BP_FIELD_TYPE_U32, 1, (uint32_t)offsetof(struct virtio_mmio, regs.v[index]), 0   \
    }
static const struct bp_field state[] = {
    SELECTOR("device-features-sel", DEVICE_FEATURES_SEL),
    SELECTOR("driver-features-sel", DRIVER_FEATURES_SEL),
    SELECTOR("queue-sel", QUEUE_SEL),
    SELECTOR("shm-sel", SHM_SEL),
};

static const char *const needs[] = {BP_VIRTIO_TRANSPORT_ID, NULL};

static const struct bp_class virtio_mmio = {
    .struct_size = sizeof(struct bp_class),
    .id = "virtio-mmio",
    .version = "1.0",
    .summary = "memory-mapped transport of virtio devices",
    .instance_size = sizeof(struct virtio_mmio),
    .state_version = 1,
    .needs = needs,
    .regions = BP_TABLE(regions),
    .lines = BP_TABLE(lines),
    .properties = BP_TABLE(properties),
    .links = BP_TABLE(links),
    .state = BP_TABLE(state),
    .dt_name = "virtio_mmio",
    .dt_compatible = "virtio,mmio\0",
    .acpi_hid = "LNRO0005",
    .create = virtio_mmio_create,
    .realize = virtio_mmio_realize,
    .describe_fdt = virtio_mmio_describe_fdt,
    .reset = bp_regs_reset,
    .save = virtio_mmio_save,
    .load_check = virtio_mmio_load_check,
    .load_commit = virtio_mmio_load_commit,
    .read = mmio_read,
    .write = mmio_write,
};
BP_PLUGIN("virtio-mmio", "1.0", &virtio_mmio);
