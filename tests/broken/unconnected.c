/* Caught by life.unconnected: it works only with a link that its table calls optional.
 * Says: BP_LINK_REQUIRED */
#include "broken.h"

#include <backplane/if/link.h>

static int32_t broken_create(const struct bp_host *host, void *dev)
{
    const struct bp_link_if *link = host->get_interface(host, BP_LINK_ID);

    (void)dev;
    if (!link || !link->is_connected(host, 0))
        return host->set_error(host, BP_ERR_NOT_FOUND, "char must be given");
    return BP_OK;
}

static const struct bp_link links[] = {
    {.name = "char", .interface = "bp.char/1", .doc = "Where its bytes go."},
};
static const char *const needs[] = {BP_LINK_ID, NULL};

BROKEN_PLUGIN(.links = BP_TABLE(links), .needs = needs, .create = broken_create);
