/* I/O ports: one owner for each of them; the lowest fit from PORTS_DYNAMIC_BASE on. */
#include "machine/ports.h"

#include <backplane/abi.h>
#include <inttypes.h>
#include <stdlib.h>

struct ports {
    const char *owners[PORTS_COUNT];
    uint32_t next; /* all from PORTS_DYNAMIC_BASE to here are taken */
};

struct ports *ports_create(void)
{
    struct ports *ports = calloc(1, sizeof(*ports));
    if (ports != NULL)
        ports->next = PORTS_DYNAMIC_BASE;
    return ports;
}

void ports_destroy(struct ports *ports)
{
    free(ports);
}

/* The first taken port of the range; PORTS_COUNT when it is free. The range lies inside. */
static uint32_t first_taken(const struct ports *ports, uint64_t base, uint64_t count)
{
    for (uint64_t port = base; port < base + count; port++) {
        if (ports->owners[port] != NULL)
            return (uint32_t)port;
    }
    return PORTS_COUNT;
}

static void take(struct ports *ports, const char *owner, uint64_t base, uint64_t count)
{
    for (uint64_t port = base; port < base + count; port++)
        ports->owners[port] = owner;
    while (ports->next < PORTS_COUNT && ports->owners[ports->next] != NULL)
        ports->next++;
}

int32_t ports_register(struct ports *ports, const char *owner, uint64_t base, uint64_t count,
                       uint64_t align, struct err *err)
{
    if (base % align != 0)
        return err_set(err, BP_ERR_INVALID, "a multiple of 0x%" PRIx64 " is wanted", align);
    if (base >= PORTS_COUNT || count > PORTS_COUNT - base)
        return err_set(err, BP_ERR_RANGE,
                       "%s needs 0x%" PRIx64 " ports, and the last port is 0xffff", owner, count);
    uint32_t taken = first_taken(ports, base, count);
    if (taken != PORTS_COUNT)
        return err_set(err, BP_ERR_EXISTS, "%s overlaps %s at port 0x%x", owner,
                       ports->owners[taken], taken);
    take(ports, owner, base, count);
    return BP_OK;
}

int32_t ports_allocate(struct ports *ports, const char *owner, uint64_t count, uint64_t align,
                       uint64_t *base, struct err *err)
{
    uint64_t at = ports->next;
    for (;;) {
        at = (at + align - 1) & ~(align - 1);
        if (at >= PORTS_COUNT || count > PORTS_COUNT - at)
            return err_set(err, BP_ERR_NO_SPACE,
                           "%s: no free 0x%" PRIx64 " ports are left from 0x%x on", owner, count,
                           PORTS_DYNAMIC_BASE);
        uint32_t taken = first_taken(ports, at, count);
        if (taken == PORTS_COUNT)
            break;
        at = (uint64_t)taken + 1;
    }
    take(ports, owner, at, count);
    *base = at;
    return BP_OK;
}
