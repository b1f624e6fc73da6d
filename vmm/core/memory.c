#include "core/memory.h"

#include <backplane/abi.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

/* Aligned so that the host can back RAM with huge pages wherever the guest's own are. */
#define HUGE_BYTES (2u << 20)

/* Guest RAM between two guards: nothing of the program's lies next to it, and whoever looks at
 * /proc/PID/smaps finds it apart, by name where the kernel knows names. */
static uint8_t *reserve(struct memory *memory, uint64_t bytes, struct err *err)
{
    if (memory->n_mappings == MEMORY_SLOTS_MAX || bytes > SIZE_MAX - 2 * HUGE_BYTES) {
        (void)err_set(err, BP_ERR_NO_SPACE, "memory: more than this host can map");
        return NULL;
    }
    void *start = mmap(NULL, bytes + 2 * HUGE_BYTES, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    uintptr_t ram = ((uintptr_t)start + HUGE_BYTES) & ~(uintptr_t)(HUGE_BYTES - 1);
    if (start != MAP_FAILED)
        memory->mappings[memory->n_mappings++] =
            (struct memory_mapping){.start = start, .bytes = bytes + 2 * HUGE_BYTES};
    if (start == MAP_FAILED || mprotect((void *)ram, bytes, PROT_READ | PROT_WRITE) != 0) {
        (void)err_set(err, BP_ERR_NO_MEMORY,
                      "memory: cannot reserve %llu MiB of guest RAM: %s; give the machine less",
                      (unsigned long long)(bytes >> 20), strerror(errno));
        return NULL;
    }
    (void)prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, ram, bytes, "guest RAM");
    return (uint8_t *)ram;
}

int32_t memory_init(struct memory *memory, const struct aspace *as, struct err *err)
{
    *memory = (struct memory){0};
    struct aspace_ram ram[2];
    size_t n = aspace_ram(as, ram);
    uint8_t *host = reserve(memory, aspace_ram_size(as), err);
    if (host == NULL)
        return BP_ERR_NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        memory->slots[memory->n_slots++] = (struct memory_slot){ram[i].base, ram[i].size, host};
        host += ram[i].size;
    }
    return BP_OK;
}

int32_t memory_add(struct memory *memory, uint64_t gpa, uint64_t size, size_t *slot,
                   struct err *err)
{
    if (memory->n_slots == MEMORY_SLOTS_MAX)
        return err_set(err, BP_ERR_NO_SPACE, "memory: more than %d regions of RAM",
                       MEMORY_SLOTS_MAX);
    uint8_t *host = reserve(memory, size, err);
    if (host == NULL)
        return BP_ERR_NO_MEMORY;
    *slot = memory->n_slots;
    memory->slots[memory->n_slots++] = (struct memory_slot){gpa, size, host};
    return BP_OK;
}

void memory_fini(struct memory *memory)
{
    for (size_t i = 0; i < memory->n_mappings; i++)
        munmap(memory->mappings[i].start, memory->mappings[i].bytes);
    *memory = (struct memory){0};
}

/* The slot that holds gpa, and how many bytes follow in it. */
static uint8_t *memory_run(const struct memory *memory, uint64_t gpa, uint64_t *run)
{
    *run = 0;
    for (size_t i = 0; i < memory->n_slots; i++) {
        const struct memory_slot *slot = &memory->slots[i];
        if (gpa >= slot->gpa && gpa - slot->gpa < slot->size) {
            *run = slot->size - (gpa - slot->gpa);
            return slot->host + (gpa - slot->gpa);
        }
    }
    return NULL;
}

static int32_t memory_check(const struct memory *memory, uint64_t gpa, uint64_t size)
{
    while (size > 0) {
        uint64_t run;
        if (memory_run(memory, gpa, &run) == NULL)
            return BP_ERR_RANGE;
        if (size <= run)
            return BP_OK;
        size -= run;
        gpa += run;
    }
    return BP_OK;
}

enum copy_kind { COPY_OUT, COPY_IN, COPY_FILL };

static int32_t memory_copy(const struct memory *memory, uint64_t gpa, uint64_t size,
                           enum copy_kind kind, void *to, const void *from, uint8_t byte)
{
    int32_t status = memory_check(memory, gpa, size);
    if (status != BP_OK)
        return status;
    uint64_t done = 0;
    while (done < size) {
        uint64_t run;
        uint8_t *host = memory_run(memory, gpa + done, &run);
        size_t n = (size_t)(run < size - done ? run : size - done);
        switch (kind) {
        case COPY_OUT:
            memcpy((uint8_t *)to + done, host, n);
            break;
        case COPY_IN:
            memcpy(host, (const uint8_t *)from + done, n);
            break;
        case COPY_FILL:
            memset(host, byte, n);
            break;
        }
        done += n;
    }
    return BP_OK;
}

int32_t memory_read(const struct memory *memory, uint64_t gpa, void *to, uint64_t size)
{
    return memory_copy(memory, gpa, size, COPY_OUT, to, NULL, 0);
}

int32_t memory_write(struct memory *memory, uint64_t gpa, const void *from, uint64_t size)
{
    return memory_copy(memory, gpa, size, COPY_IN, NULL, from, 0);
}

int32_t memory_fill(struct memory *memory, uint64_t gpa, uint8_t byte, uint64_t size)
{
    return memory_copy(memory, gpa, size, COPY_FILL, NULL, NULL, byte);
}

void *memory_at(const struct memory *memory, uint64_t gpa, uint64_t size)
{
    uint64_t run;
    uint8_t *host = memory_run(memory, gpa, &run);
    return host != NULL && size <= run ? host : NULL;
}

void memory_clear(struct memory *memory)
{
    for (size_t i = 0; i < memory->n_mappings; i++)
        (void)madvise(memory->mappings[i].start, memory->mappings[i].bytes, MADV_DONTNEED);
}
