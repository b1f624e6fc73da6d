/*
 * The kernel's interrupt controllers of riscv64 guests, where the host has them: an APLIC, whose
 * lines become messages, and an IMSIC for each vCPU. KVM's header asm/kvm.h, KVM_DEV_RISCV_AIA_*;
 * The RISC-V Advanced Interrupt Architecture 1.0, chapters 3 and 4.
 *
 * The vCPUs must be there before it works. Until then lines may be connected already. The kernel
 * has no function to reset it: all that the guest can change is written back.
 */
#include <backplane/abi.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "accel/kvm_arch.h"
#include "accel/kvm_riscv64.h"

/* APLIC, chapter 4.5. */
#define DOMAINCFG    0x0000u
#define SOURCECFG(n) (4u * (n)) /* from 1 on */
#define IN_CLRIP     0x1d00u
#define CLRIE        0x1f00u
#define TARGET(n)    (0x3000u + 4u * (n))
#define ALL          UINT32_MAX

/* IMSIC, chapter 3.8: numbers of indirect registers. Of the arrays only even ones are there. */
#define EIDELIVERY  0x70u
#define EITHRESHOLD 0x72u
#define EIP(id)     (0x80u + (id) / 32)
#define EIE(id)     (0xc0u + (id) / 32)

static bool write_attr(int fd, uint32_t group, uint64_t attr, const void *value)
{
    struct kvm_device_attr a = {.group = group, .attr = attr, .addr = (uintptr_t)value};
    return ioctl(fd, KVM_SET_DEVICE_ATTR, &a) == 0;
}

static bool read_attr(int fd, uint32_t group, uint64_t attr, void *value)
{
    struct kvm_device_attr a = {.group = group, .attr = attr, .addr = (uintptr_t)value};
    return ioctl(fd, KVM_GET_DEVICE_ATTR, &a) == 0;
}

static int make_device(int vm_fd)
{
    struct kvm_create_device device = {.type = KVM_DEV_TYPE_RISCV_AIA};
    return ioctl(vm_fd, KVM_CREATE_DEVICE, &device) == 0 ? (int)device.fd : -1;
}

uint32_t kvm_aia_ids(int vm_fd)
{
    uint32_t ids = 0;
    int fd = make_device(vm_fd);
    if (fd < 0)
        return 0;
    if (!read_attr(fd, KVM_DEV_RISCV_AIA_GRP_CONFIG, KVM_DEV_RISCV_AIA_CONFIG_IDS, &ids))
        ids = 0;
    close(fd);
    return ids;
}

/* --- Creation --------------------------------------------------------------------------------- */

static uint32_t bits_for(uint32_t highest)
{
    uint32_t bits = 0;
    while (highest >> bits != 0)
        bits++;
    return bits;
}

static int32_t configure(int fd, uint64_t attr, uint32_t value, const char *what, struct err *err)
{
    return write_attr(fd, KVM_DEV_RISCV_AIA_GRP_CONFIG, attr, &value) ? BP_OK : kvm_fail(what, err);
}

int32_t kvm_aia_create(struct accel_vm *vm, struct err *err)
{
    const struct platform *platform = vm->config.platform;
    if (platform == NULL || platform->aia_ids == 0)
        return BP_OK;
    int fd = make_device(vm->vm_fd);
    if (fd < 0)
        return errno == ENODEV || errno == EOPNOTSUPP
                   ? err_set(err, BP_ERR_UNSUPPORTED,
                             KVM_OBJECT ": this host's KVM has no AIA; leave the key aia out")
                   : kvm_fail("KVM_DEV_TYPE_RISCV_AIA", err);
    vm->arch->aia_fd = fd;
    vm->n_lines = platform->irq_first + platform->irq_count;
    vm->lines = calloc(vm->n_lines, sizeof(*vm->lines));
    if (vm->lines == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, KVM_OBJECT ": out of memory");
    int32_t status = configure(fd, KVM_DEV_RISCV_AIA_CONFIG_SRCS, platform->irq_count,
                               "KVM_DEV_RISCV_AIA_CONFIG_SRCS", err);
    if (status == BP_OK)
        status = configure(fd, KVM_DEV_RISCV_AIA_CONFIG_HART_BITS, bits_for(vm->config.n_cpus - 1),
                           "KVM_DEV_RISCV_AIA_CONFIG_HART_BITS", err);
    return status;
}

void kvm_aia_destroy(struct accel_vm *vm)
{
    if (vm->arch->aia_fd >= 0)
        close(vm->arch->aia_fd);
}

static int32_t set_address(int fd, uint64_t attr, uint64_t gpa, struct err *err)
{
    return write_attr(fd, KVM_DEV_RISCV_AIA_GRP_ADDR, attr, &gpa)
               ? BP_OK
               : kvm_fail("the address of the interrupt controller", err);
}

int32_t kvm_aia_complete(struct accel_vm *vm, struct err *err)
{
    int fd = vm->arch->aia_fd;
    if (fd < 0)
        return BP_OK;
    const struct platform_device *aplic = platform_find(vm->config.platform, "aplic");
    const struct platform_device *imsic = platform_find(vm->config.platform, "imsic");
    int32_t status = set_address(fd, KVM_DEV_RISCV_AIA_ADDR_APLIC, aplic->regions[0].base, err);
    for (uint32_t i = 0; i < vm->config.n_cpus && status == BP_OK; i++)
        status = set_address(fd, KVM_DEV_RISCV_AIA_ADDR_IMSIC(i),
                             imsic->regions[0].base + (uint64_t)i * KVM_DEV_RISCV_IMSIC_SIZE, err);
    if (status == BP_OK &&
        !write_attr(fd, KVM_DEV_RISCV_AIA_GRP_CTRL, KVM_DEV_RISCV_AIA_CTRL_INIT, NULL))
        status = kvm_fail("KVM_DEV_RISCV_AIA_CTRL_INIT", err);
    return status == BP_OK ? kvm_attach_lines(vm, err) : status;
}

/* --- Reset ------------------------------------------------------------------------------------ */

static bool write_aplic(int fd, uint32_t offset, uint32_t value)
{
    return write_attr(fd, KVM_DEV_RISCV_AIA_GRP_APLIC, offset, &value);
}

static bool write_imsic(int fd, uint32_t cpu, uint32_t isel)
{
    const unsigned long zero = 0;
    return write_attr(fd, KVM_DEV_RISCV_AIA_GRP_IMSIC,
                      KVM_DEV_RISCV_AIA_IMSIC_MKATTR((uint64_t)cpu, isel), &zero);
}

/* A source's configuration goes first: what is inactive is neither pending nor enabled. */
static bool reset_aplic(int fd, uint32_t n_sources)
{
    bool done = write_aplic(fd, DOMAINCFG, 0);
    for (uint32_t n = 1; n <= n_sources && done; n++)
        done = write_aplic(fd, SOURCECFG(n), 0) && write_aplic(fd, TARGET(n), 0);
    for (uint32_t at = 0; at <= n_sources / 32 && done; at++)
        done = write_aplic(fd, CLRIE + 4 * at, ALL) && write_aplic(fd, IN_CLRIP + 4 * at, ALL);
    return done;
}

static bool reset_imsic(int fd, uint32_t cpu, uint32_t n_ids)
{
    bool done = write_imsic(fd, cpu, EIDELIVERY) && write_imsic(fd, cpu, EITHRESHOLD);
    for (uint32_t id = 0; id <= n_ids && done; id += 64)
        done = write_imsic(fd, cpu, EIE(id)) && write_imsic(fd, cpu, EIP(id));
    return done;
}

int32_t kvm_aia_reset(struct accel_vm *vm, struct err *err)
{
    int fd = vm->arch->aia_fd;
    bool done = fd < 0 || reset_aplic(fd, vm->config.platform->irq_count);
    for (uint32_t i = 0; fd >= 0 && i < vm->config.n_cpus && done; i++)
        done = reset_imsic(fd, i, vm->config.platform->aia_ids);
    return done ? BP_OK : kvm_fail("a register of the interrupt controller", err);
}

/* --- Lines ------------------------------------------------------------------------------------ */

int32_t kvm_aia_find_gsi(struct accel_vm *vm, uint32_t line, uint32_t *gsi, struct err *err)
{
    if (vm->n_lines == 0)
        return err_set(err, BP_ERR_UNSUPPORTED,
                       KVM_OBJECT ": line %u: the interrupt controller is a device of the machine",
                       line);
    if (line == 0 || line >= vm->n_lines)
        return err_set(err, BP_ERR_RANGE,
                       KVM_OBJECT ": line %u: the interrupt controller has lines 1-%u", line,
                       vm->n_lines - 1);
    *gsi = line;
    return BP_OK;
}
