/* Caught by load.text alone: an address in the code, which the loader has to write into it.
 * Flags: -Wl,-z,notext */
#include "broken.h"

__asm__(".pushsection .text\n\t.balign 8\n\t.quad bp_plugin_1\n\t.popsection");

BROKEN_PLUGIN(.instance_size = 0);
