#include "accel/kvm_onereg.h"

#include <backplane/abi.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

size_t kvm_onereg_bytes(uint64_t id)
{
    return (size_t)1 << ((id & KVM_REG_SIZE_MASK) >> KVM_REG_SIZE_SHIFT);
}

bool kvm_onereg_read(int vcpu_fd, uint64_t id, void *value)
{
    struct kvm_one_reg reg = {.id = id, .addr = (uintptr_t)value};
    return ioctl(vcpu_fd, KVM_GET_ONE_REG, &reg) == 0;
}

bool kvm_onereg_write(int vcpu_fd, uint64_t id, const void *value)
{
    struct kvm_one_reg reg = {.id = id, .addr = (uintptr_t)value};
    return ioctl(vcpu_fd, KVM_SET_ONE_REG, &reg) == 0;
}

static int32_t fail(const char *what, const char *name, struct err *err)
{
    int error = errno;
    if (error == ENOENT)
        return err_set(err, BP_ERR_UNSUPPORTED,
                       KVM_OBJECT ": register %s: this processor has none of that name", name);
    if (error == EINVAL)
        return err_set(err, BP_ERR_INVALID,
                       KVM_OBJECT ": register %s: a value that this processor does not take", name);
    return err_set(err, BP_ERR_IO, KVM_OBJECT ": register %s: %s failed: %s", name, what,
                   strerror(error));
}

int32_t kvm_onereg_get(int vcpu_fd, uint64_t id, const char *name, uint64_t *value, struct err *err)
{
    return kvm_onereg_read(vcpu_fd, id, value) ? BP_OK : fail("KVM_GET_ONE_REG", name, err);
}

int32_t kvm_onereg_put(int vcpu_fd, uint64_t id, const char *name, uint64_t value, struct err *err)
{
    return kvm_onereg_write(vcpu_fd, id, &value) ? BP_OK : fail("KVM_SET_ONE_REG", name, err);
}

/* --- Some of them at once --------------------------------------------------------------------- */

/* The first call only says how many there are. */
static struct kvm_reg_list *list_all(int vcpu_fd, struct err *err)
{
    struct kvm_reg_list none = {.n = 0};
    if (ioctl(vcpu_fd, KVM_GET_REG_LIST, &none) == 0 || errno != E2BIG) {
        (void)kvm_fail("KVM_GET_REG_LIST", err);
        return NULL;
    }
    struct kvm_reg_list *list = calloc(1, sizeof(*list) + none.n * sizeof(list->reg[0]));
    if (list == NULL) {
        (void)err_set(err, BP_ERR_NO_MEMORY, KVM_OBJECT ": out of memory");
        return NULL;
    }
    list->n = none.n;
    if (ioctl(vcpu_fd, KVM_GET_REG_LIST, list) == 0)
        return list;
    (void)kvm_fail("KVM_GET_REG_LIST", err);
    free(list);
    return NULL;
}

static int32_t allocate(const struct kvm_reg_list *list, bool (*wants)(uint64_t id),
                        struct kvm_onereg_set *out, struct err *err)
{
    size_t bytes = 0;
    out->ids = calloc(list->n + 1, sizeof(out->ids[0]));
    for (uint64_t i = 0; out->ids != NULL && i < list->n; i++) {
        if (!wants(list->reg[i]))
            continue;
        out->ids[out->n++] = list->reg[i];
        bytes += kvm_onereg_bytes(list->reg[i]);
    }
    out->values = calloc(1, bytes + 1);
    return out->ids != NULL && out->values != NULL
               ? BP_OK
               : err_set(err, BP_ERR_NO_MEMORY, KVM_OBJECT ": out of memory");
}

int32_t kvm_onereg_save(int vcpu_fd, bool (*wants)(uint64_t id), struct kvm_onereg_set *out,
                        struct err *err)
{
    *out = (struct kvm_onereg_set){0};
    struct kvm_reg_list *list = list_all(vcpu_fd, err);
    if (list == NULL)
        return BP_ERR_IO;
    int32_t status = allocate(list, wants, out, err);
    free(list);
    size_t at = 0;
    for (uint32_t i = 0; i < out->n && status == BP_OK; i++) {
        if (!kvm_onereg_read(vcpu_fd, out->ids[i], out->values + at))
            status = kvm_fail("KVM_GET_ONE_REG", err);
        at += kvm_onereg_bytes(out->ids[i]);
    }
    return status;
}

int32_t kvm_onereg_restore(int vcpu_fd, const struct kvm_onereg_set *set, struct err *err)
{
    size_t at = 0;
    for (uint32_t i = 0; i < set->n; i++) {
        if (!kvm_onereg_write(vcpu_fd, set->ids[i], set->values + at))
            return kvm_fail("KVM_SET_ONE_REG", err);
        at += kvm_onereg_bytes(set->ids[i]);
    }
    return BP_OK;
}

void kvm_onereg_free(struct kvm_onereg_set *set)
{
    free(set->ids);
    free(set->values);
    *set = (struct kvm_onereg_set){0};
}
