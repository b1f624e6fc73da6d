/* Caught by load.constructors alone: it prepares itself when it is loaded.
 * Says: broken_prepare is called when the file is loaded */
#include "broken.h"

#include <stdlib.h>

__attribute__((constructor)) static void broken_prepare(void)
{
    srand(1);
}

BROKEN_PLUGIN(.instance_size = 0);
