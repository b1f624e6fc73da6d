/* Caught by access.addresses alone: it ends the program when the guest's buffer crosses the end of
 * memory. */
#include "chip.h"

#include <backplane/if/mem.h>
#include <stdlib.h>

static void broken_write(void *dev, uint32_t region, uint64_t offset, uint32_t width,
                         uint64_t value)
{
    struct chip *s = dev;
    const struct bp_mem *mem = s->host->get_interface(s->host, BP_MEM_ID);
    uint32_t word;

    chip_write(dev, region, offset, width, value);
    if (mem->read(s->host, s->v[DATA], &word, sizeof(word)) != BP_OK && s->v[DATA] == 0xfffffff8)
        abort();
}

static const char *const needs[] = {BP_MEM_ID, NULL};

BROKEN_PLUGIN(CHIP_TABLES, CHIP_STATE, .needs = needs, CHIP_TIMER, CHIP_RESET, .read = chip_read,
              .write = broken_write);
