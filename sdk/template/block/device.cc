/*
 * @ID@ - a disk in the host's memory: a backend for disk devices such as virtio-blk.
 * Its bytes are all 0 when power comes on, survive a warm reset and go with a snapshot.
 * Not modelled: latency. (Say here what of the real medium you leave out.)
 *
 * The host has checked requests before they come here: operation, alignment, that they lie within
 * the capacity, that segments have the request's size. That guest memory is there, it has not.
 * No exception may leave a callback (hence noexcept, and the catch in realize). No constructor runs
 * on the instance: it is plain, and holds a pointer to what has one.
 */
#include <backplane/if/block.h>
#include <backplane/if/mem.h>
#include <backplane/if/state.h>
#include <backplane/plugin.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <vector>

namespace
{

/* Step 1: limits. */
constexpr uint32_t SECTOR = 512;
constexpr uint64_t DISK_MAX = UINT64_C(256) << 20; /* a snapshot carries all of it */

/* Step 2: the state, with units. One instance for each backend of a machine; no statics. */
struct Ramdisk {
    const bp_host *host;
    const bp_mem *mem;
    const bp_block_backend *backend;
    std::vector<uint8_t> *bytes; /* made by realize, deleted by destroy */
    uint64_t size_bytes;         /* the property "size" */
    uint32_t is_read_only;       /* the property "readonly" */
    uint32_t pad;

    int32_t transfer(const bp_block_request &r) noexcept;
    int32_t perform(const bp_block_request &r) noexcept;
};

Ramdisk &ramdisk_of(void *dev)
{
    return *static_cast<Ramdisk *>(dev);
}

const Ramdisk &ramdisk_of(const void *dev)
{
    return *static_cast<const Ramdisk *>(dev);
}

/* Step 3: what the host asks. */
int32_t ramdisk_info(void *dev, bp_block_info *out) noexcept
{
    const Ramdisk &s = ramdisk_of(dev);

    out->flags = BP_BLOCK_DISCARD | (s.is_read_only ? BP_BLOCK_READ_ONLY : 0);
    out->capacity_bytes = s.size_bytes;
    out->block_bytes = SECTOR;
    std::memcpy(out->serial, "ramdisk", 7);
    return BP_OK;
}

/* Between the disk and guest memory, segment by segment. */
int32_t Ramdisk::transfer(const bp_block_request &r) noexcept
{
    const char *row = reinterpret_cast<const char *>(r.segments);
    uint8_t *at = bytes->data() + r.offset;
    int32_t status = BP_OK;

    for (uint32_t i = 0; i < r.n_segments && status == BP_OK; i++, row += r.segment_stride) {
        const bp_segment &segment = *reinterpret_cast<const bp_segment *>(row);

        status = r.op == BP_BLOCK_READ ? mem->write(host, segment.gpa, at, segment.size)
                                       : mem->read(host, segment.gpa, at, segment.size);
        at += segment.size;
    }
    return status;
}

int32_t Ramdisk::perform(const bp_block_request &r) noexcept
{
    switch (r.op) {
    case BP_BLOCK_READ:
    case BP_BLOCK_WRITE:
        return transfer(r);
    case BP_BLOCK_DISCARD_OP:
    case BP_BLOCK_WRITE_ZEROES:
        std::fill_n(bytes->data() + r.offset, r.size, uint8_t{0});
        return BP_OK;
    default: /* BP_BLOCK_FLUSH: nothing is more stable than memory here */
        return BP_OK;
    }
}

/* A real medium takes its time: it would keep what it needs of the request, give the work to
 * bp.worker/1 and complete the ticket when that is done. */
int32_t ramdisk_submit(void *dev, const bp_block_request *request) noexcept
{
    Ramdisk &s = ramdisk_of(dev);

    return s.backend->complete(s.host, request->tag, s.perform(*request));
}

constexpr bp_block_ops block_ops = {sizeof(bp_block_ops), 0, ramdisk_info, ramdisk_submit, nullptr};

/* Step 4: the life cycle. Properties are in the instance before create is called. */
int32_t ramdisk_create(const bp_host *host, void *dev) noexcept
{
    Ramdisk &s = ramdisk_of(dev);

    s.host = host;
    /* Both are in `needs`, so they are there. */
    s.mem = static_cast<const bp_mem *>(host->get_interface(host, BP_MEM_ID));
    s.backend =
        static_cast<const bp_block_backend *>(host->get_interface(host, BP_BLOCK_BACKEND_ID));
    if (s.size_bytes % SECTOR)
        return host->set_error(host, BP_ERR_INVALID, "size: a multiple of 512 is wanted");
    return BP_OK;
}

int32_t ramdisk_realize(void *dev) noexcept
{
    Ramdisk &s = ramdisk_of(dev);

    try {
        s.bytes = new std::vector<uint8_t>(s.size_bytes);
    } catch (const std::bad_alloc &) {
        return s.host->set_error(s.host, BP_ERR_NO_MEMORY,
                                 "there is not so much memory: make the disk smaller");
    }
    return BP_OK;
}

/* Also after a create that failed. */
void ramdisk_destroy(void *dev) noexcept
{
    delete ramdisk_of(dev).bytes;
}

void ramdisk_reset(void *dev, uint32_t kind) noexcept
{
    std::vector<uint8_t> &bytes = *ramdisk_of(dev).bytes;

    if (kind == BP_RESET_COLD)
        std::fill(bytes.begin(), bytes.end(), uint8_t{0});
}

/* Step 5: state that no table can carry, since its size is a property. */
int32_t ramdisk_save(const void *dev, const bp_state_writer *w) noexcept
{
    const Ramdisk &s = ramdisk_of(dev);

    return w->put(w, "bytes", s.bytes->data(), s.size_bytes);
}

int32_t ramdisk_load_check(const void *dev, const bp_state_reader *r) noexcept
{
    uint64_t size;
    int32_t status = r->size(r, "bytes", &size);

    return status != BP_OK ? status : size == ramdisk_of(dev).size_bytes ? BP_OK : BP_ERR_FORMAT;
}

void ramdisk_load_commit(void *dev, const bp_state_reader *r) noexcept
{
    const Ramdisk &s = ramdisk_of(dev);

    /* load_check has seen that it fits */
    (void)r->get(r, "bytes", s.bytes->data(), s.size_bytes);
}

/* Step 6: the class's tables. Rows in the order of device.h, since C++17 names no members. */
constexpr const char *needs[] = {BP_MEM_ID, BP_BLOCK_BACKEND_ID, nullptr};

constexpr bp_property properties[] = {
    BP_PROP_SIZE(Ramdisk, size_bytes, "size", "64K", SECTOR, DISK_MAX,
                 "Size of the disk, a multiple of 512."),
    BP_PROP_BOOL(Ramdisk, is_read_only, "readonly", "no", "Whether devices may only read it."),
};

constexpr bp_service services[] = {{BP_BLOCK_ID, &block_ops}};

/* Step 7: the class, a constant, and the macro that makes it a plugin. */
constexpr bp_class make_class()
{
    bp_class c{};

    c.struct_size = sizeof(c);
    c.flags = BP_CLASS_BACKEND;
    c.id = "@ID@";
    c.version = "1.0";
    c.summary = "disk in memory";
    c.instance_size = sizeof(Ramdisk);
    c.state_version = 1;
    c.needs = needs;
    c.properties = BP_TABLE(properties);
    c.services = BP_TABLE(services);
    c.create = ramdisk_create;
    c.realize = ramdisk_realize;
    c.reset = ramdisk_reset;
    c.save = ramdisk_save;
    c.load_check = ramdisk_load_check;
    c.load_commit = ramdisk_load_commit;
    c.destroy = ramdisk_destroy;
    return c;
}

constexpr bp_class ramdisk = make_class();

} // namespace

BP_PLUGIN_BACKEND("@ID@", "1.0", &ramdisk);
