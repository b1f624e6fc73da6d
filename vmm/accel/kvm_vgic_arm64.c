/*
 * The interrupt controller of arm64 guests, in the kernel: GICv3, with its translation service
 * where the machine has one, or GICv2. KVM's documentation, devices/arm-vgic-v3.rst, -its.rst and
 * arm-vgic.rst; Arm IHI 0069 and IHI 0048.
 *
 * Its vCPUs must be there before it works. Until then lines may be connected already, but the
 * kernel takes nothing from them.
 */
#include <backplane/abi.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "accel/kvm_arm64.h"

#define PRIVATE_IRQS    32u
#define REDIST_BYTES    UINT64_C(0x20000)
#define REGION_COUNT_AT 52 /* of the attribute KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION */

bool kvm_vgic_read(int fd, uint32_t group, uint64_t attr, void *value)
{
    struct kvm_device_attr a = {.group = group, .attr = attr, .addr = (uintptr_t)value};
    return ioctl(fd, KVM_GET_DEVICE_ATTR, &a) == 0;
}

bool kvm_vgic_write(int fd, uint32_t group, uint64_t attr, const void *value)
{
    struct kvm_device_attr a = {.group = group, .attr = attr, .addr = (uintptr_t)value};
    return ioctl(fd, KVM_SET_DEVICE_ATTR, &a) == 0;
}

/* --- What there is ---------------------------------------------------------------------------- */

static bool can_make(int vm_fd, uint32_t type)
{
    struct kvm_create_device device = {.type = type, .flags = KVM_CREATE_DEVICE_TEST};
    return ioctl(vm_fd, KVM_CREATE_DEVICE, &device) == 0;
}

void kvm_vgic_limits(int kvm_fd, struct accel_limits *out)
{
    int vm_fd = ioctl(kvm_fd, KVM_CREATE_VM, 0);
    if (vm_fd < 0)
        return;
    if (can_make(vm_fd, KVM_DEV_TYPE_ARM_VGIC_V2))
        out->gic_versions |= 1u << PLATFORM_GIC_V2;
    if (can_make(vm_fd, KVM_DEV_TYPE_ARM_VGIC_V3)) {
        out->gic_versions |= 1u << PLATFORM_GIC_V3;
        out->has_its = can_make(vm_fd, KVM_DEV_TYPE_ARM_VGIC_ITS);
    }
    close(vm_fd);
}

/* --- Creation --------------------------------------------------------------------------------- */

static int32_t make_device(struct accel_vm *vm, uint32_t type, const char *name, int *fd,
                           struct err *err)
{
    struct kvm_create_device device = {.type = type};
    if (ioctl(vm->vm_fd, KVM_CREATE_DEVICE, &device) != 0) {
        if (errno == ENODEV)
            return err_set(err, BP_ERR_UNSUPPORTED,
                           KVM_OBJECT ": this host's KVM has no %s; leave the key gic out", name);
        return kvm_fail(name, err);
    }
    *fd = (int)device.fd;
    return BP_OK;
}

static int32_t set_address(int fd, uint64_t type, uint64_t gpa, struct err *err)
{
    return kvm_vgic_write(fd, KVM_DEV_ARM_VGIC_GRP_ADDR, type, &gpa)
               ? BP_OK
               : kvm_fail("the address of the interrupt controller", err);
}

static int32_t set_lines(struct accel_vm *vm, struct err *err)
{
    uint32_t irqs = PRIVATE_IRQS + vm->config.platform->irq_count;
    if (!kvm_vgic_write(vm->arch->gic_fd, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &irqs))
        return kvm_fail("KVM_DEV_ARM_VGIC_GRP_NR_IRQS", err);
    vm->n_lines = vm->config.platform->irq_count;
    vm->lines = calloc(vm->n_lines + 1, sizeof(*vm->lines));
    return vm->lines != NULL ? BP_OK : err_set(err, BP_ERR_NO_MEMORY, KVM_OBJECT ": out of memory");
}

static int32_t create_v2(struct accel_vm *vm, const struct platform_device *gic, struct err *err)
{
    int *fd = &vm->arch->gic_fd;
    int32_t status = make_device(vm, KVM_DEV_TYPE_ARM_VGIC_V2, "GICv2", fd, err);
    if (status == BP_OK)
        status = set_address(*fd, KVM_VGIC_V2_ADDR_TYPE_DIST, gic->regions[0].base, err);
    if (status == BP_OK)
        status = set_address(*fd, KVM_VGIC_V2_ADDR_TYPE_CPU, gic->regions[1].base, err);
    return status;
}

static int32_t create_its(struct accel_vm *vm, struct err *err)
{
    const struct platform_device *its = platform_find(vm->config.platform, "its");
    if (its == NULL)
        return BP_OK;
    int *fd = &vm->arch->its_fd;
    int32_t status =
        make_device(vm, KVM_DEV_TYPE_ARM_VGIC_ITS, "interrupt translation service", fd, err);
    if (status == BP_OK)
        status = set_address(*fd, KVM_VGIC_ITS_ADDR_TYPE, its->regions[0].base, err);
    return status;
}

static int32_t create_v3(struct accel_vm *vm, const struct platform_device *gic, struct err *err)
{
    int *fd = &vm->arch->gic_fd;
    const uint64_t count = gic->regions[1].size / REDIST_BYTES;
    int32_t status = make_device(vm, KVM_DEV_TYPE_ARM_VGIC_V3, "GICv3", fd, err);
    if (status == BP_OK)
        status = set_address(*fd, KVM_VGIC_V3_ADDR_TYPE_DIST, gic->regions[0].base, err);
    if (status == BP_OK)
        status = set_address(*fd, KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION,
                             count << REGION_COUNT_AT | gic->regions[1].base, err);
    return status == BP_OK ? create_its(vm, err) : status;
}

int32_t kvm_vgic_create(struct accel_vm *vm, struct err *err)
{
    const struct platform *platform = vm->config.platform;
    const struct platform_device *gic = platform != NULL ? platform_find(platform, "gic") : NULL;
    if (gic == NULL)
        return BP_OK;
    vm->arch->gic_version = platform->gic_version;
    int32_t status = platform->gic_version == PLATFORM_GIC_V2 ? create_v2(vm, gic, err)
                                                              : create_v3(vm, gic, err);
    return status == BP_OK ? set_lines(vm, err) : status;
}

void kvm_vgic_destroy(struct accel_vm *vm)
{
    if (vm->arch->its_fd >= 0)
        close(vm->arch->its_fd);
    if (vm->arch->gic_fd >= 0)
        close(vm->arch->gic_fd);
    free(vm->arch->regs);
}

static int32_t initialise(int fd, struct err *err)
{
    return fd < 0 || kvm_vgic_write(fd, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL)
               ? BP_OK
               : kvm_fail("KVM_DEV_ARM_VGIC_CTRL_INIT", err);
}

int32_t kvm_vgic_complete(struct accel_vm *vm, struct err *err)
{
    int32_t status = initialise(vm->arch->gic_fd, err);
    if (status == BP_OK)
        status = initialise(vm->arch->its_fd, err);
    return status == BP_OK ? kvm_attach_lines(vm, err) : status;
}

/* --- Places and lines ------------------------------------------------------------------------- */

uint64_t kvm_vgic_redistributor(const struct accel_vcpu *vcpu)
{
    const struct accel_vm *vm = vcpu->vm;
    if (vm->arch->gic_version != PLATFORM_GIC_V3)
        return 0;
    const struct platform_device *gic = platform_find(vm->config.platform, "gic");
    return gic->regions[1].base + vcpu->index * REDIST_BYTES;
}

int32_t kvm_vgic_find_gsi(struct accel_vm *vm, uint32_t line, uint32_t *gsi, struct err *err)
{
    if (vm->n_lines == 0)
        return err_set(err, BP_ERR_STATE,
                       KVM_OBJECT ": line %u: the machine has no interrupt controller", line);
    if (line >= vm->n_lines)
        return err_set(err, BP_ERR_RANGE,
                       KVM_OBJECT ": line %u: the interrupt controller has lines 0-%u", line,
                       vm->n_lines - 1);
    *gsi = line;
    return BP_OK;
}
