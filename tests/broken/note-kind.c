/* Caught by tables.note alone: the note says that it is a backend, the class that it is a device.
 * Says: BP_PLUGIN_BACKEND */
#include "broken.h"

BROKEN_CLASS(.instance_size = 0);
BP_PLUGIN_BACKEND(BROKEN_ID, "1.0", &broken);
