/*
 * The program without its probe of /dev/kvm, for kvm.py: on a host whose KVM only emulates, a guest
 * of a few instructions does run, and everything before its first one takes the time that it takes
 * elsewhere. Linked with --wrap=kvm_probe_at_start.
 */
#include <backplane/abi.h>

#include "accel/kvm_probe.h"
#include "cli/commands.h"

int32_t __wrap_kvm_probe_at_start(struct kvm_report *out, struct err *err);

int32_t __wrap_kvm_probe_at_start(struct kvm_report *out, struct err *err)
{
    (void)err;
    *out = (struct kvm_report){.is_usable = true};
    return BP_OK;
}

int main(int argc, char **argv)
{
    return commands_main(argc, argv);
}
