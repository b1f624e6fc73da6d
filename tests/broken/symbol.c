/* Caught by load.symbols alone: a function for other plugins to call.
 * Says: broken_call_me */
#include "broken.h"

extern __attribute__((visibility("default"))) uint32_t broken_call_me(void);

uint32_t broken_call_me(void)
{
    return 1;
}

BROKEN_PLUGIN(.instance_size = 0);
