/*
 * Fragments of IPv4 packets (RFC 791 section 3.2) are put together here: two fragments are enough
 * for Debian 12's build of libslirp 4.7.0 to take an incomplete packet for a whole one and write to
 * where the guest's bytes say. Stricter than the standard, as RFC 5722 is for IPv6: where two
 * fragments overlap the whole packet is dropped. Few packets at once; one more takes the place of
 * the oldest.
 */
#include "frames.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define ETHER_BYTES 14u
#define HEADER_MAX  60u
#define DATA_AT     (ETHER_BYTES + HEADER_MAX)
#define DATA_MAX    65535u
#define UNIT_BYTES  8u
#define LIFE_NS     UINT64_C(30000000000)

struct fragments_packet {
    bool is_used;
    uint8_t key[11]; /* protocol, id, source, destination */
    uint64_t begun_ns;
    uint32_t header_bytes; /* 0: its first fragment has not come */
    uint32_t size;         /* of the data; 0: its last fragment has not come */
    uint32_t end;          /* of what has come */
    uint32_t n_units;
    uint8_t units[(DATA_MAX / UNIT_BYTES + 8) / 8];
    uint8_t bytes[DATA_AT + DATA_MAX + 1]; /* frame and IP header end where the data begin */
};

struct fragments {
    struct fragments_packet packets[FRAGMENTS_PACKETS];
};

struct fragments *fragments_create(void)
{
    return calloc(1, sizeof(struct fragments));
}

void fragments_destroy(struct fragments *f)
{
    free(f);
}

void fragments_clear(struct fragments *f)
{
    for (uint32_t i = 0; i < FRAGMENTS_PACKETS; i++)
        f->packets[i].is_used = false;
}

static uint32_t get16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* The sum of a header with its checksum is 0 when that is right. */
static uint16_t checksum(const uint8_t *header, uint32_t size)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < size; i += 2)
        sum += get16(header + i);
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* The packet that a fragment belongs to, or the place for one more. */
static struct fragments_packet *packet_of(struct fragments *f, uint64_t now_ns, const uint8_t *ip)
{
    uint8_t key[11];
    struct fragments_packet *place = &f->packets[0];
    key[0] = ip[9];
    memcpy(key + 1, ip + 4, 2);
    memcpy(key + 3, ip + 12, 8);
    for (uint32_t i = 0; i < FRAGMENTS_PACKETS; i++) {
        struct fragments_packet *p = &f->packets[i];
        if (p->is_used && now_ns - p->begun_ns > LIFE_NS)
            p->is_used = false;
        if (p->is_used && memcmp(p->key, key, sizeof(key)) == 0)
            return p;
        if (place->is_used && (!p->is_used || p->begun_ns < place->begun_ns))
            place = p;
    }
    memset(place, 0, offsetof(struct fragments_packet, bytes));
    memcpy(place->key, key, sizeof(key));
    place->begun_ns = now_ns;
    place->is_used = true;
    return place;
}

/* Marks what a fragment brings; false if some of it was there, or cannot be. */
static bool mark_units(struct fragments_packet *p, uint32_t offset, uint32_t size, bool is_last)
{
    uint32_t end = offset + size;
    if (is_last && (p->size != 0 || p->end > end))
        return false;
    if (p->size != 0 && end > p->size)
        return false;
    for (uint32_t unit = offset / UNIT_BYTES; unit * UNIT_BYTES < end; unit++) {
        uint8_t bit = (uint8_t)(1u << (unit & 7));
        if ((p->units[unit / 8] & bit) != 0)
            return false;
        p->units[unit / 8] |= bit;
        p->n_units++;
    }
    if (is_last)
        p->size = end;
    if (p->end < end)
        p->end = end;
    return true;
}

/* The frame of the whole packet; NULL when that would be too large. */
static uint8_t *finish(struct fragments_packet *p, uint32_t *size)
{
    uint32_t total = p->header_bytes + p->size;
    uint8_t *frame = p->bytes + DATA_AT - p->header_bytes - ETHER_BYTES, *ip = frame + ETHER_BYTES;
    p->is_used = false;
    if (total > UINT16_MAX - ETHER_BYTES)
        return NULL;
    put16(ip + 2, total);
    put16(ip + 6, 0);
    put16(ip + 10, 0);
    put16(ip + 10, checksum(ip, p->header_bytes));
    *size = ETHER_BYTES + total;
    return frame;
}

uint8_t *fragments_add(struct fragments *f, uint64_t now_ns, const uint8_t *frame, uint32_t *size)
{
    const uint8_t *ip = frame + ETHER_BYTES;
    uint32_t header = (ip[0] & 15u) * 4, bytes = get16(ip + 2) - header;
    uint32_t offset = (get16(ip + 6) & 0x1fffu) * UNIT_BYTES;
    bool is_last = (get16(ip + 6) & 0x2000u) == 0;
    if (checksum(ip, header) != 0 || (!is_last && bytes % UNIT_BYTES != 0))
        return NULL;
    struct fragments_packet *p = packet_of(f, now_ns, ip);
    if (!mark_units(p, offset, bytes, is_last)) {
        p->is_used = false;
        return NULL;
    }
    memcpy(p->bytes + DATA_AT + offset, ip + header, bytes);
    if (offset == 0) {
        p->header_bytes = header;
        memcpy(p->bytes + DATA_AT - header - ETHER_BYTES, frame, ETHER_BYTES + header);
    }
    if (p->size == 0 || p->n_units != (p->size + UNIT_BYTES - 1) / UNIT_BYTES)
        return NULL;
    return finish(p, size);
}
