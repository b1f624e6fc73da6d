/* Caught by tables.note alone: the note promises another version.
 * Says: 1.1 */
#include "broken.h"

BROKEN_CLASS(.instance_size = 0);
BP_PLUGIN(BROKEN_ID, "1.1", &broken);
