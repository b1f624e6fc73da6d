/* Guest memory on KVM: slots, and the pages that the guest has written. */
#include <backplane/abi.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "accel/kvm.h"

#define PAGE_BYTES 0x1000u

static int32_t set_slot(struct accel_vm *vm, uint32_t number, const struct kvm_slot *slot,
                        struct err *err)
{
    struct kvm_userspace_memory_region region = {.slot = number,
                                                 .flags = slot->flags,
                                                 .guest_phys_addr = slot->gpa,
                                                 .memory_size = slot->size,
                                                 .userspace_addr = (uintptr_t)slot->host};
    return ioctl(vm->vm_fd, KVM_SET_USER_MEMORY_REGION, &region) == 0
               ? BP_OK
               : kvm_fail("KVM_SET_USER_MEMORY_REGION", err);
}

static int32_t check_range(const struct accel_vm *vm, uint64_t gpa, const void *host, uint64_t size,
                           struct err *err)
{
    const uint64_t limit = vm->gpa_bits >= 64 ? UINT64_MAX : UINT64_C(1) << vm->gpa_bits;
    if (size == 0 || ((gpa | size | (uintptr_t)host) & (PAGE_BYTES - 1)) != 0)
        return err_set(err, BP_ERR_INVALID,
                       KVM_OBJECT ": memory at 0x%llx, size 0x%llx: not made of whole pages",
                       (unsigned long long)gpa, (unsigned long long)size);
    if (gpa >= limit || size > limit - gpa)
        return err_set(err, BP_ERR_RANGE,
                       KVM_OBJECT ": memory at 0x%llx, size 0x%llx: beyond this host's %u "
                                  "guest-physical address bits",
                       (unsigned long long)gpa, (unsigned long long)size, vm->gpa_bits);
    for (uint32_t i = 0; i < vm->n_slots; i++) {
        const struct kvm_slot *s = &vm->slots[i];
        if (gpa - s->gpa < s->size || s->gpa - gpa < size)
            return err_set(err, BP_ERR_EXISTS,
                           KVM_OBJECT ": memory at 0x%llx overlaps memory at 0x%llx",
                           (unsigned long long)gpa, (unsigned long long)s->gpa);
    }
    if (vm->n_slots >= vm->max_slots)
        return err_set(err, BP_ERR_NO_SPACE,
                       KVM_OBJECT ": memory at 0x%llx: this kernel's KVM has %u ranges at most",
                       (unsigned long long)gpa, vm->max_slots);
    return BP_OK;
}

int32_t kvm_map_memory(struct accel_vm *vm, uint64_t gpa, void *host, uint64_t size,
                       struct err *err)
{
    int32_t status = check_range(vm, gpa, host, size, err);
    if (status != BP_OK)
        return status;
    struct kvm_slot *slots = realloc(vm->slots, (vm->n_slots + 1) * sizeof(*slots));
    if (slots == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, KVM_OBJECT ": out of memory");
    vm->slots = slots;
    slots[vm->n_slots] = (struct kvm_slot){.gpa = gpa, .size = size, .host = host};
    status = set_slot(vm, vm->n_slots, &slots[vm->n_slots], err);
    if (status == BP_OK)
        vm->n_slots++;
    return status;
}

/* --- Dirty pages ------------------------------------------------------------------------------ */

static int32_t find_slot(const struct accel_vm *vm, uint64_t gpa, uint32_t *number, struct err *err)
{
    for (uint32_t i = 0; i < vm->n_slots; i++)
        if (vm->slots[i].gpa == gpa) {
            *number = i;
            return BP_OK;
        }
    return err_set(err, BP_ERR_NOT_FOUND, KVM_OBJECT ": no memory is mapped at 0x%llx",
                   (unsigned long long)gpa);
}

int32_t kvm_track_dirty(struct accel_vm *vm, uint64_t gpa, bool enable, struct err *err)
{
    uint32_t number = 0;
    int32_t status = find_slot(vm, gpa, &number, err);
    if (status != BP_OK)
        return status;
    struct kvm_slot slot = vm->slots[number];
    slot.flags = enable ? KVM_MEM_LOG_DIRTY_PAGES : 0;
    if (slot.flags == vm->slots[number].flags)
        return BP_OK;
    status = set_slot(vm, number, &slot, err);
    if (status == BP_OK)
        vm->slots[number] = slot;
    return status;
}

int32_t kvm_fetch_dirty(struct accel_vm *vm, uint64_t gpa, uint64_t *bitmap, size_t n_words,
                        struct err *err)
{
    uint32_t number = 0;
    int32_t status = find_slot(vm, gpa, &number, err);
    if (status != BP_OK)
        return status;
    const struct kvm_slot *slot = &vm->slots[number];
    uint64_t wanted = (slot->size / PAGE_BYTES + 63) / 64;
    if ((slot->flags & KVM_MEM_LOG_DIRTY_PAGES) == 0)
        return err_set(err, BP_ERR_STATE,
                       KVM_OBJECT ": memory at 0x%llx: dirty pages are not tracked",
                       (unsigned long long)gpa);
    if (n_words < wanted)
        return err_set(err, BP_ERR_INVALID,
                       KVM_OBJECT ": memory at 0x%llx: %zu words for dirty pages, %llu are needed",
                       (unsigned long long)gpa, n_words, (unsigned long long)wanted);
    memset(bitmap, 0, n_words * sizeof(*bitmap));
    struct kvm_dirty_log log = {.slot = number, .dirty_bitmap = bitmap};
    return ioctl(vm->vm_fd, KVM_GET_DIRTY_LOG, &log) == 0 ? BP_OK
                                                          : kvm_fail("KVM_GET_DIRTY_LOG", err);
}
