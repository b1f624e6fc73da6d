/* bp.mem/1: DMA, which reaches RAM only. */
#include "core/vm.h"
#include "plugin/host_tables.h"

static int32_t mem_read(const struct bp_host *host, uint64_t gpa, void *to, uint64_t size)
{
    struct device *dev = device_of(host);
    struct memory *memory = dev->vm != NULL ? vm_memory(dev->vm) : NULL;
    return memory != NULL ? memory_read(memory, gpa, to, size) : BP_ERR_STATE;
}

static int32_t mem_write(const struct bp_host *host, uint64_t gpa, const void *from, uint64_t size)
{
    struct device *dev = device_of(host);
    struct memory *memory = dev->vm != NULL ? vm_memory(dev->vm) : NULL;
    return memory != NULL ? memory_write(memory, gpa, from, size) : BP_ERR_STATE;
}

const struct bp_mem host_mem = {
    .struct_size = sizeof(struct bp_mem), .read = mem_read, .write = mem_write};
