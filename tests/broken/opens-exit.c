/* Caught by load.opens: it ends whatever loads it.
 * Also by load.constructors
 * Says: ended the process with status 77 */
#include "broken.h"

#include <unistd.h>

__attribute__((constructor)) static void broken_prepare(void)
{
    _exit(77);
}

BROKEN_PLUGIN(.instance_size = 0);
