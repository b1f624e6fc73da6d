/* /dev/kvm: opening it, what it must offer, and whether guests can run on it. */
#include <backplane/abi.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "accel/kvm_arch.h"
#include "accel/kvm_probe.h"

int32_t kvm_fail(const char *what, struct err *err)
{
    int error = errno;
    return err_set(err, error == ENOMEM ? BP_ERR_NO_MEMORY : BP_ERR_IO,
                   KVM_OBJECT ": %s failed: %s; update the host's kernel, or see its log (dmesg)",
                   what, strerror(error));
}

int32_t kvm_open(const char *path, int *fd, int32_t *version, struct err *err)
{
    *version = -1;
    *fd = open(path, O_RDWR | O_CLOEXEC);
    if (*fd < 0)
        return kvm_probe_explain_open(path, errno, err);
    int32_t status = BP_OK;
    int found = ioctl(*fd, KVM_GET_API_VERSION, 0);
    if (found < 0)
        status =
            err_set(err, BP_ERR_UNSUPPORTED, "%s: is not KVM's device (%s); load the kvm module",
                    path, strerror(errno));
    else if (found != KVM_API_VERSION)
        status = err_set(err, BP_ERR_VERSION,
                         "%s: KVM API version %d, %d is needed; update the host's kernel", path,
                         found, KVM_API_VERSION);
    *version = found < 0 ? 0 : found;
    if (status != BP_OK) {
        close(*fd);
        *fd = -1;
    }
    return status;
}

uint32_t kvm_check_fd(void *fd, int cap)
{
    int value = ioctl(*(const int *)fd, KVM_CHECK_EXTENSION, (unsigned long)cap);
    return value < 0 ? 0 : (uint32_t)value;
}

int32_t kvm_check_needs(const char *path, const struct kvm_need *needs, size_t n,
                        kvm_check_fn *check, void *ctx, struct err *err)
{
    for (size_t i = 0; i < n; i++)
        if (check(ctx, needs[i].cap) == 0)
            return err_set(err, BP_ERR_UNSUPPORTED,
                           "%s: this kernel's KVM lacks %s (%s); update the host's kernel", path,
                           needs[i].name, needs[i].what);
    return BP_OK;
}

/* --- Can a guest run here? -------------------------------------------------------------------- */

static int32_t check_arch(enum arch arch, struct err *err)
{
    if (arch != arch_native())
        return err_set(err, BP_ERR_UNSUPPORTED,
                       "KVM runs guests of the host's own architecture, %s, not %s",
                       arch_name(arch_native()), arch_name(arch));
    if (arch != kvm_arch.arch)
        return err_set(err, BP_ERR_UNSUPPORTED,
                       "there is no support for %s guests on KVM in this version", arch_name(arch));
    return BP_OK;
}

static int32_t probe_device(struct err *err)
{
    int fd;
    int32_t version;
    int32_t status = kvm_open(KVM_DEVICE, &fd, &version, err);
    if (status != BP_OK)
        return status;
    status = kvm_check_needs(KVM_DEVICE, kvm_arch.needs, kvm_arch.n_needs, kvm_check_fd, &fd, err);
    close(fd);
    struct kvm_report report;
    return status == BP_OK ? kvm_probe_at_start(&report, err) : status;
}

/* The host does not change while the program runs. */
static struct {
    pthread_once_t once;
    int32_t status;
    struct err err;
} probed = {.once = PTHREAD_ONCE_INIT};

static void probe_once(void)
{
    probed.status = probe_device(&probed.err);
}

int32_t kvm_accel_probe(enum arch arch, struct err *err)
{
    int32_t status = check_arch(arch, err);
    if (status != BP_OK)
        return status;
    pthread_once(&probed.once, probe_once);
    return probed.status == BP_OK ? BP_OK : err_set(err, probed.status, "%s", probed.err.text);
}

#define AIA_IDS_USUAL 255u /* for machines that this host cannot run */

/* --- What a machine may ask for --------------------------------------------------------------- */

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

void kvm_accel_limits(enum arch arch, struct accel_limits *out)
{
    *out = (struct accel_limits){
        .max_cpus = KVM_CPUS_MAX, .aia_ids = AIA_IDS_USUAL, .is_aia_assumed = true};
    int fd = -1;
    int32_t version;
    if (arch != kvm_arch.arch)
        return; /* the architecture's usual width */
    if (kvm_open(KVM_DEVICE, &fd, &version, NULL) != BP_OK)
        fd = -1;
    out->gpa_bits = kvm_arch.gpa_bits(fd);
    if (fd < 0)
        return;
    uint32_t cpus = kvm_check_fd(&fd, KVM_CAP_MAX_VCPUS);
    if (cpus != 0)
        out->max_cpus = least(cpus, KVM_CPUS_MAX);
    if (kvm_arch.limits != NULL)
        kvm_arch.limits(fd, out);
    close(fd);
}
