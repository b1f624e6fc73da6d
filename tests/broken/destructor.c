/* Caught by load.constructors alone: it cleans up when the program ends.
 * Says: broken_clean is called when the file is unloaded */
#include "broken.h"

#include <stdlib.h>

__attribute__((destructor)) static void broken_clean(void)
{
    srand(1);
}

BROKEN_PLUGIN(.instance_size = 0);
