/* The smallest real machine that has the plugin in it, for tests of what its guests read. */
#ifndef VMM_CHECK_DESCRIBE_MACHINE_H
#define VMM_CHECK_DESCRIBE_MACHINE_H

#include "check/check.h"
#include "core/arch.h"
#include "machine/machine.h"

/* Ends the test when the class cannot be in such a machine; does nothing else. */
void describe_machine_need(struct check_run *run);

/* Whether the class says that it is for this architecture. */
bool describe_machine_is_for(const struct check_run *run, enum arch arch);

/* Checked, placed, with its layout; nothing is opened. Ends the test when there is none.
 * `pin_ports`: regions that are placed only when the machine file says where get a place, too. */
struct machine *describe_machine_load(struct check_run *run, enum arch arch, bool pin_ports);

#endif
