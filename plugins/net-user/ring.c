/* A ring of frames: see frames.h. */
#include "frames.h"

#include <stdlib.h>
#include <string.h>

bool ring_open(struct frame_ring *ring, uint32_t size)
{
    *ring = (struct frame_ring){.bytes = malloc(size), .size = size};
    return ring->bytes != NULL;
}

void ring_close(struct frame_ring *ring)
{
    free(ring->bytes);
    *ring = (struct frame_ring){0};
}

void ring_clear(struct frame_ring *ring)
{
    ring->first = 0;
    ring->used = 0;
}

static void append(struct frame_ring *ring, const void *from, uint32_t size)
{
    uint32_t at = (ring->first + ring->used) & (ring->size - 1);
    uint32_t part = size < ring->size - at ? size : ring->size - at;
    memcpy(ring->bytes + at, from, part);
    memcpy(ring->bytes, (const uint8_t *)from + part, size - part);
    ring->used += size;
}

static void take(struct frame_ring *ring, void *to, uint32_t size)
{
    uint32_t part = size < ring->size - ring->first ? size : ring->size - ring->first;
    memcpy(to, ring->bytes + ring->first, part);
    memcpy((uint8_t *)to + part, ring->bytes, size - part);
    ring->first = (ring->first + size) & (ring->size - 1);
    ring->used -= size;
}

bool ring_put(struct frame_ring *ring, const void *frame, uint32_t size)
{
    if (size > ring->size - ring->used || ring->size - ring->used - size < sizeof(size))
        return false;
    append(ring, &size, sizeof(size));
    append(ring, frame, size);
    return true;
}

uint32_t ring_get(struct frame_ring *ring, void *frame)
{
    uint32_t size;
    if (ring->used == 0)
        return 0;
    take(ring, &size, sizeof(size));
    take(ring, frame, size);
    return size;
}
