#include "accel/accel_list.h"

#include <backplane/abi.h>
#include <string.h>

/* Where the software processor does not run such guests, everything hangs on KVM. */
static const struct accel_ops *choose_auto(enum arch arch, struct err *err)
{
    struct err why = {{0}};
    int32_t status = accel_kvm.probe(arch, &why);
    if (status == BP_OK)
        return &accel_kvm;
    if (accel_rv64.probe(arch, NULL) == BP_OK)
        return &accel_rv64;
    (void)err_set(err, status,
                  "%s guests need KVM here: %s; --arch riscv64 runs on the software processor",
                  arch_name(arch), why.text);
    return NULL;
}

static int32_t refuse_choice(const char *wanted, struct err *err)
{
    return err_set(err, BP_ERR_INVALID, "--accel %s: auto, kvm or soft is allowed", wanted);
}

const struct accel_ops *accel_choose(const char *wanted, enum arch arch, struct err *err)
{
    if (strcmp(wanted, "auto") == 0)
        return choose_auto(arch, err);
    if (strcmp(wanted, "kvm") == 0) {
        if (accel_kvm.probe(arch, err) == BP_OK)
            return &accel_kvm;
        err_prefix(err, "--accel kvm");
        return NULL;
    }
    if (strcmp(wanted, "soft") == 0)
        return accel_rv64.probe(arch, err) == BP_OK ? &accel_rv64 : NULL;
    (void)refuse_choice(wanted, err);
    return NULL;
}

/* What such a processor has is only known where there is one. */
static bool riscv64_runs_on_kvm(const char *wanted)
{
    struct accel_limits limits;
    accel_kvm.limits(ARCH_RISCV64, &limits);
    return limits.isa != NULL && strcmp(wanted, "soft") != 0 &&
           (strcmp(wanted, "kvm") == 0 || accel_kvm.probe(ARCH_RISCV64, NULL) == BP_OK);
}

/* A machine for another host's KVM is described with what the software processor has, and with the
 * interrupt controllers that there may be. */
static void assume_aia(struct accel_limits *riscv64)
{
    struct accel_limits kvm;
    accel_kvm.limits(ARCH_RISCV64, &kvm);
    riscv64->aia_ids = kvm.aia_ids;
    riscv64->is_aia_assumed = kvm.is_aia_assumed;
}

int32_t accel_list_limits(const char *wanted, struct accel_limits limits[ARCH_COUNT],
                          struct err *err)
{
    if (strcmp(wanted, "auto") != 0 && strcmp(wanted, "kvm") != 0 && strcmp(wanted, "soft") != 0)
        return refuse_choice(wanted, err);
    memset(limits, 0, ARCH_COUNT * sizeof(limits[0]));
    accel_rv64.limits(ARCH_RISCV64, &limits[ARCH_RISCV64]);
    accel_kvm.limits(ARCH_X86_64, &limits[ARCH_X86_64]);
    accel_kvm.limits(ARCH_ARM64, &limits[ARCH_ARM64]);
    if (riscv64_runs_on_kvm(wanted))
        accel_kvm.limits(ARCH_RISCV64, &limits[ARCH_RISCV64]);
    else if (strcmp(wanted, "kvm") == 0)
        assume_aia(&limits[ARCH_RISCV64]);
    return BP_OK;
}
