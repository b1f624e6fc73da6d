/*
 * A radix tree of 9 bits a level over the page number, as a processor's page tables are. An entry
 * is empty, a child node, one handler that covers the entry's whole span, or, at the last level, a
 * sorted list of the handlers that touch the page: short for memory, long for ports.
 */
#include "core/bus.h"

#include <backplane/device.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_SHIFT 12
#define LEVEL_BITS 9
#define FANOUT     (1u << LEVEL_BITS)
#define LEVELS     6 /* 12 + 6 * 9 = 66 bits: every address */

enum entry_kind { ENTRY_EMPTY, ENTRY_NODE, ENTRY_HANDLER, ENTRY_LIST };

/* A page's parts; the search begins in the address's own. */
#define PART_SHIFT 6
#define PARTS      (1u << (PAGE_SHIFT - PART_SHIFT))

struct bus_list {
    size_t n;
    uint16_t first[PARTS + 1]; /* the last row that begins at or below a part's start, or row 0 */
    struct {
        uint64_t base; /* the handler's: the search stays in this array */
        const struct bus_handler *handler;
    } rows[];
};

struct bus_entry {
    enum entry_kind kind;
    union {
        struct bus_node *node;
        const struct bus_handler *handler;
        struct bus_list *list;
    } to;
};

struct bus_node {
    struct bus_entry entries[FANOUT];
};

struct bus_owned {
    struct bus_owned *next;
    struct bus_handler handler;
};

struct bus {
    struct bus_node root;
    struct bus_owned *owned;
    bus_stray_fn *on_stray;
    void *ctx;
};

int32_t bus_create(struct bus **out, bus_stray_fn *on_stray, void *ctx, struct err *err)
{
    struct bus *bus = calloc(1, sizeof(*bus));
    if (bus == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, "bus: out of memory");
    bus->on_stray = on_stray;
    bus->ctx = ctx;
    *out = bus;
    return BP_OK;
}

static void node_free(struct bus_node *node)
{
    for (unsigned i = 0; i < FANOUT; i++) {
        if (node->entries[i].kind == ENTRY_NODE) {
            node_free(node->entries[i].to.node);
            free(node->entries[i].to.node);
        } else if (node->entries[i].kind == ENTRY_LIST) {
            free(node->entries[i].to.list);
        }
    }
}

void bus_destroy(struct bus *bus)
{
    if (bus == NULL)
        return;
    node_free(&bus->root);
    while (bus->owned != NULL) {
        struct bus_owned *next = bus->owned->next;
        free(bus->owned);
        bus->owned = next;
    }
    free(bus);
}

static unsigned span_shift(unsigned level)
{
    return PAGE_SHIFT + LEVEL_BITS * (LEVELS - 1 - level);
}

static unsigned index_at(uint64_t address, unsigned level)
{
    return (unsigned)(address >> span_shift(level)) & (FANOUT - 1);
}

/* An entry whose whole span one handler had becomes a node that says the same. */
static bool entry_split(struct bus_entry *entry)
{
    struct bus_node *node = calloc(1, sizeof(*node));
    if (node == NULL)
        return false;
    if (entry->kind == ENTRY_HANDLER)
        for (unsigned i = 0; i < FANOUT; i++)
            node->entries[i] = *entry;
    *entry = (struct bus_entry){ENTRY_NODE, {.node = node}};
    return true;
}

static void list_index(struct bus_list *list, uint64_t page)
{
    size_t row = 0;
    for (unsigned part = 0; part <= PARTS; part++) {
        uint64_t start = page + ((uint64_t)part << PART_SHIFT);
        while (row + 1 < list->n && list->rows[row + 1].base <= start)
            row++;
        list->first[part] = (uint16_t)row;
    }
}

/* A page has at most 4096 handlers. */
static bool list_add(struct bus_entry *entry, uint64_t page, const struct bus_handler *handler)
{
    size_t n = entry->kind == ENTRY_LIST ? entry->to.list->n : 0;
    struct bus_list *list = entry->kind == ENTRY_LIST ? entry->to.list : NULL;
    list = realloc(list, sizeof(*list) + (n + 1) * sizeof(list->rows[0]));
    if (list == NULL)
        return false;
    list->n = n + 1;
    size_t at = n;
    while (at > 0 && list->rows[at - 1].base > handler->base) {
        list->rows[at] = list->rows[at - 1];
        at--;
    }
    list->rows[at].base = handler->base;
    list->rows[at].handler = handler;
    list_index(list, page);
    *entry = (struct bus_entry){ENTRY_LIST, {.list = list}};
    return true;
}

/* Puts [first, last] of the handler into the node at this level, whose span contains it. */
static bool node_add(struct bus_node *node, unsigned level, uint64_t first, uint64_t last,
                     const struct bus_handler *handler)
{
    uint64_t span_mask = (1ull << span_shift(level)) - 1;
    uint64_t at = first;
    for (;;) {
        uint64_t span_last = at | span_mask;
        uint64_t part_last = last < span_last ? last : span_last;
        struct bus_entry *entry = &node->entries[index_at(at, level)];
        bool whole = (at & span_mask) == 0 && part_last == span_last;
        if (whole && entry->kind == ENTRY_EMPTY) {
            *entry = (struct bus_entry){ENTRY_HANDLER, {.handler = handler}};
        } else if (level == LEVELS - 1) {
            if (!list_add(entry, at & ~span_mask, handler))
                return false;
        } else {
            if (entry->kind != ENTRY_NODE && !entry_split(entry))
                return false;
            if (!node_add(entry->to.node, level + 1, at, part_last, handler))
                return false;
        }
        if (part_last == last)
            return true;
        at = part_last + 1;
    }
}

/* The last one that begins at or below the address, if it reaches that far. No branch depends on
 * what is found but the last: a processor could not guess them. */
static const struct bus_handler *list_find(const struct bus_list *list, uint64_t address)
{
    unsigned part = (unsigned)(address >> PART_SHIFT) & (PARTS - 1);
    size_t first = list->first[part];
    for (size_t n = list->first[part + 1] - first + 1u; n > 1;) {
        size_t half = n / 2;
        first = list->rows[first + half].base <= address ? first + half : first;
        n -= half;
    }
    const struct bus_handler *handler = list->rows[first].handler;
    return address >= handler->base && address - handler->base < handler->size ? handler : NULL;
}

static const struct bus_handler *bus_find(const struct bus *bus, uint64_t address)
{
    const struct bus_node *node = &bus->root;
    for (unsigned level = 0; level < LEVELS; level++) {
        const struct bus_entry *entry = &node->entries[index_at(address, level)];
        switch (entry->kind) {
        case ENTRY_EMPTY:
            return NULL;
        case ENTRY_HANDLER:
            return entry->to.handler;
        case ENTRY_NODE:
            node = entry->to.node;
            break;
        case ENTRY_LIST:
            return list_find(entry->to.list, address);
        }
    }
    return NULL;
}

static const struct bus_handler *bus_overlap(const struct bus *bus, uint64_t base, uint64_t last)
{
    for (const struct bus_owned *o = bus->owned; o != NULL; o = o->next) {
        uint64_t other_last = o->handler.base + (o->handler.size - 1);
        if (base <= other_last && o->handler.base <= last)
            return &o->handler;
    }
    return NULL;
}

int32_t bus_add(struct bus *bus, const struct bus_handler *handler, struct err *err)
{
    if (handler->size == 0 || handler->size - 1 > UINT64_MAX - handler->base)
        return err_set(err, BP_ERR_INVALID, "bus: a range at 0x%llx is empty or wraps around",
                       (unsigned long long)handler->base);
    uint64_t last = handler->base + (handler->size - 1);
    if (bus_overlap(bus, handler->base, last) != NULL)
        return err_set(err, BP_ERR_EXISTS, "bus: 0x%llx is taken already",
                       (unsigned long long)handler->base);
    struct bus_owned *owned = malloc(sizeof(*owned));
    if (owned == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, "bus: out of memory");
    owned->handler = *handler;
    owned->next = bus->owned;
    bus->owned = owned;
    if (!node_add(&bus->root, 0, handler->base, last, &owned->handler))
        return err_set(err, BP_ERR_NO_MEMORY, "bus: out of memory");
    return BP_OK;
}

/* Offset, width and alignment are checked here, once, for every device. */
static bool access_allowed(const struct bus_handler *handler, uint64_t address, uint32_t width)
{
    uint64_t offset = address - handler->base;
    return (handler->widths & width) != 0 && (offset & (width - 1)) == 0 &&
           width <= handler->size - offset;
}

static uint64_t all_ones(uint32_t width)
{
    return UINT64_MAX >> (64 - 8 * width);
}

uint64_t bus_read(const struct bus *bus, uint64_t address, uint32_t width)
{
    const struct bus_handler *handler = bus_find(bus, address);
    if (handler == NULL || !access_allowed(handler, address, width)) {
        bus->on_stray(bus->ctx, address, width, 0, handler);
        return all_ones(width);
    }
    if (handler->read == NULL)
        return all_ones(width);
    return handler->read(handler->owner, handler->region, address - handler->base, width) &
           all_ones(width);
}

void bus_write(const struct bus *bus, uint64_t address, uint32_t width, uint64_t value)
{
    const struct bus_handler *handler = bus_find(bus, address);
    if (handler == NULL || !access_allowed(handler, address, width)) {
        bus->on_stray(bus->ctx, address, width, 1, handler);
        return;
    }
    if (handler->write != NULL)
        handler->write(handler->owner, handler->region, address - handler->base, width,
                       value & all_ones(width));
}
