/* Caught by load.stack alone: every thread's stack could be run.
 * Flags: -Wl,-z,execstack */
#include "broken.h"

BROKEN_PLUGIN(.instance_size = 0);
