/*
 * The instance's memory: its end lies at a page that nobody may touch, and what is free before and
 * behind it on its own pages is marked. A device that writes beyond its instance is found at once,
 * or at the latest when it is destroyed.
 */
#include "bench_internal.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ALIGN 16u /* as malloc's */
#define MARK  0xa5

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* Pages of the instance, without those that guard it. */
static size_t inner_size(size_t size)
{
    return (size + page_size() - 1) / page_size() * page_size();
}

static uint8_t *inner(const struct bench_room *room)
{
    return room->pages + page_size();
}

void bench_room_make(struct bench *b, size_t size)
{
    struct bench_room *room = &b->room;
    size_t inside = inner_size(size);
    void *pages =
        mmap(NULL, inside + 2 * page_size(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (pages == MAP_FAILED)
        bench_die(b, "out of memory");
    room->pages = pages;
    room->size = size;
    if (mprotect(inner(room), inside, PROT_READ | PROT_WRITE))
        bench_die(b, "out of memory");
    b->dev = inner(room) + (inside - size) / ALIGN * ALIGN;
    memset(inner(room), MARK, inside);
    memset(b->dev, 0, size);
}

static int is_marked(const uint8_t *from, const uint8_t *to)
{
    while (from < to && *from == MARK)
        from++;
    return from == to;
}

void bench_room_check(const struct bench *b)
{
    const struct bench_room *room = &b->room;
    const uint8_t *dev = b->dev;

    if (!room->pages)
        return;
    if (!is_marked(inner(room), dev))
        bench_die(b, "the device wrote before its instance");
    if (!is_marked(dev + room->size, inner(room) + inner_size(room->size)))
        bench_die(b, "the device wrote beyond its instance, which has %zu bytes", room->size);
}

void bench_room_free(struct bench *b)
{
    if (b->room.pages)
        (void)munmap(b->room.pages, inner_size(b->room.size) + 2 * page_size());
    b->room.pages = NULL;
}
