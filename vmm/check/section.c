/* Fields of a saved state, and forged ones. */
#include "check/section.h"
#include "crc32c.h"

#include <stdlib.h>
#include <string.h>

#define SIZE_AT     8u  /* u64 */
#define N_FIELDS_AT 20u /* u32 */
#define FIELD_HEAD  16u /* u32 type, u32 bytes of the name, u64 elements */

static uint64_t get(const uint8_t *from, uint32_t size)
{
    uint64_t value = 0;

    for (uint32_t i = 0; i < size; i++)
        value |= (uint64_t)from[i] << (8 * i);
    return value;
}

void section_put(uint8_t *to, uint64_t value, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

bool section_next(const struct saved *s, uint64_t *cursor, struct section_field *out)
{
    uint64_t at = *cursor ? *cursor : SECTION_HEAD;
    uint64_t name_size;

    if (at + FIELD_HEAD + SECTION_TAIL > s->size)
        return false;
    memset(out, 0, sizeof(*out));
    out->at = at;
    out->type = (uint32_t)get(s->bytes + at, 4);
    name_size = get(s->bytes + at + 4, 4);
    out->count = get(s->bytes + at + 8, 8);
    out->size = out->count * (out->type ? out->type : 1);
    memcpy(out->name, s->bytes + at + FIELD_HEAD,
           name_size < sizeof(out->name) ? name_size : sizeof(out->name) - 1);
    out->data_at = at + FIELD_HEAD + name_size;
    out->data = s->bytes + out->data_at;
    *cursor = out->data_at + out->size;
    return true;
}

static struct saved copy(const struct saved *s, uint64_t size)
{
    struct saved c = {malloc(size), size};

    if (!c.bytes)
        abort();
    memcpy(c.bytes, s->bytes, size < s->size ? size : s->size);
    return c;
}

struct saved section_copy(const struct saved *s)
{
    return copy(s, s->size);
}

void section_seal(struct saved *s)
{
    section_put(s->bytes + SIZE_AT, s->size, 8);
    section_put(s->bytes + s->size - SECTION_TAIL,
                crc32c(0, s->bytes, (size_t)(s->size - SECTION_TAIL)), SECTION_TAIL);
}

struct saved section_without(const struct saved *s, const struct section_field *f)
{
    struct saved c = section_copy(s);
    uint64_t end = f->data_at + f->size;

    memmove(c.bytes + f->at, c.bytes + end, c.size - end);
    c.size -= end - f->at;
    section_put(c.bytes + N_FIELDS_AT, get(s->bytes + N_FIELDS_AT, 4) - 1, 4);
    section_seal(&c);
    return c;
}

struct saved section_until(const struct saved *s, const struct section_field *f)
{
    struct saved c = copy(s, f->at + SECTION_TAIL);
    struct section_field g;
    uint64_t cursor = 0;
    uint32_t n = 0;

    while (section_next(s, &cursor, &g) && g.at < f->at)
        n++;
    section_put(c.bytes + N_FIELDS_AT, n, 4);
    section_seal(&c);
    return c;
}

struct saved section_resized(const struct saved *s, const struct section_field *f, uint64_t size)
{
    struct saved c = copy(s, s->size - f->size + size);
    uint64_t end = f->data_at + f->size;

    if (size > f->size)
        memset(c.bytes + end, 0, size - f->size);
    memcpy(c.bytes + f->data_at + size, s->bytes + end, s->size - end);
    section_put(c.bytes + f->at + 8, size / (f->type ? f->type : 1), 8);
    section_seal(&c);
    return c;
}
