#include "accel/accel_list.h"

#include <backplane/abi.h>
#include <string.h>

const struct accel_ops *accel_choose(const char *wanted, enum arch arch, struct err *err)
{
    if (strcmp(wanted, "kvm") == 0) {
        (void)err_set(err, BP_ERR_UNSUPPORTED,
                      "--accel kvm: this version runs guests on the software processor only; "
                      "leave the option out, or use --accel soft");
        return NULL;
    }
    if (strcmp(wanted, "auto") != 0 && strcmp(wanted, "soft") != 0) {
        (void)err_set(err, BP_ERR_INVALID, "--accel %s: auto, kvm or soft is allowed", wanted);
        return NULL;
    }
    return accel_rv64.probe(arch, err) == BP_OK ? &accel_rv64 : NULL;
}

void accel_list_limits(const char *wanted, struct accel_limits limits[ARCH_COUNT])
{
    (void)wanted;
    memset(limits, 0, ARCH_COUNT * sizeof(limits[0]));
    accel_rv64.limits(ARCH_RISCV64, &limits[ARCH_RISCV64]);
}
