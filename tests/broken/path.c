/* Caught by load.path alone: it looks for libraries where its author had them.
 * Says: /opt/mine/lib
 * Flags: -Wl,-rpath,/opt/mine/lib */
#include "broken.h"

BROKEN_PLUGIN(.instance_size = 0);
