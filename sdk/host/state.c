/*
 * One device's state as bytes, little-endian:
 *   0  u32 magic "BPDS"   4  u32 format 1   8  u64 bytes in all   16 u32 state version
 *   20 u32 fields         24 char id[64]    88 the fields         at the end: u32 CRC32C
 * A field: u32 element size (0: bytes of save), u32 name length, u64 elements, name, data.
 */
#include "state.h"
#include "classcheck.h"
#include "crc32c.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC          0x53445042u
#define FORMAT         1u
#define HEAD_SIZE      88u
#define FIELD_HEAD     16u
#define ID_SIZE        64u
#define FIELD_NAME_MAX 63u
#define TYPE_BYTES     0u
#define FIELDS_MAX     4096u /* names are compared pairwise */

static int32_t fail(int32_t status, char *why, size_t why_size, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static int32_t fail(int32_t status, char *why, size_t why_size, const char *format, ...)
{
    va_list args;

    if (why_size) {
        va_start(args, format);
        vsnprintf(why, why_size, format, args);
        va_end(args);
    }
    return status;
}

static void put_le(uint8_t *to, uint64_t value, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get_le(const uint8_t *from, uint32_t size)
{
    uint64_t value = 0;

    for (uint32_t i = 0; i < size; i++)
        value |= (uint64_t)from[i] << (8 * i);
    return value;
}

/* An element of the instance, in the host's byte order. */
static uint64_t element_get(const uint8_t *at, uint32_t size)
{
    uint16_t v16;
    uint32_t v32;
    uint64_t v64;

    switch (size) {
    case 1:
        return *at;
    case 2:
        memcpy(&v16, at, 2);
        return v16;
    case 4:
        memcpy(&v32, at, 4);
        return v32;
    default:
        memcpy(&v64, at, 8);
        return v64;
    }
}

static void element_set(uint8_t *at, uint32_t size, uint64_t value)
{
    uint16_t v16 = (uint16_t)value;
    uint32_t v32 = (uint32_t)value;

    switch (size) {
    case 1:
        *at = (uint8_t)value;
        return;
    case 2:
        memcpy(at, &v16, 2);
        return;
    case 4:
        memcpy(at, &v32, 4);
        return;
    default:
        memcpy(at, &value, 8);
    }
}

/* --- fields in a section ---------------------------------------------------------------------- */
struct view { /* a field as found */
    uint32_t type;
    uint64_t count;
    const char *name;
    uint32_t name_size;
    const uint8_t *data;
    uint64_t data_size;
};

/* The fields of a section: [at, end). */
struct fields {
    const uint8_t *at;
    const uint8_t *end;
};

/* 1: a field, and `fields` is behind it; 0: the end; -1: broken. */
static int next_field(struct fields *fields, struct view *v)
{
    uint64_t left = (uint64_t)(fields->end - fields->at);
    const uint8_t *p = fields->at;

    if (!left)
        return 0;
    if (left < FIELD_HEAD)
        return -1;
    v->type = (uint32_t)get_le(p, 4);
    v->name_size = (uint32_t)get_le(p + 4, 4);
    v->count = get_le(p + 8, 8);
    left -= FIELD_HEAD;
    if (v->type > 8 || (v->type & (v->type - 1)) || !v->name_size ||
        v->name_size > FIELD_NAME_MAX || v->name_size > left)
        return -1;
    left -= v->name_size;
    if (v->count > left / (v->type ? v->type : 1))
        return -1;
    v->name = (const char *)p + FIELD_HEAD;
    v->data = p + FIELD_HEAD + v->name_size;
    v->data_size = v->count * (v->type ? v->type : 1);
    fields->at = v->data + v->data_size;
    return 1;
}

static int find_field(struct fields fields, const char *name, int extra, struct view *v)
{
    size_t size = strlen(name);

    while (next_field(&fields, v) > 0) {
        if ((v->type == TYPE_BYTES) == extra && v->name_size == size &&
            memcmp(v->name, name, size) == 0)
            return 1;
    }
    return 0;
}

/* --- saving ----------------------------------------------------------------------------------- */
struct builder {
    uint8_t *bytes;
    uint64_t size;
    uint64_t capacity;
    uint32_t n_fields;
    int32_t status; /* sticks */
};

/* Room for `size` more bytes, or NULL. */
static uint8_t *extend(struct builder *b, uint64_t size)
{
    uint8_t *at;

    if (b->status)
        return NULL;
    if (size > b->capacity - b->size) {
        uint64_t capacity = b->capacity * 2 + size;
        uint8_t *bytes = size < UINT64_MAX / 4 ? realloc(b->bytes, capacity) : NULL;

        if (!bytes) {
            b->status = BP_ERR_NO_MEMORY;
            return NULL;
        }
        b->bytes = bytes;
        b->capacity = capacity;
    }
    at = b->bytes + b->size;
    b->size += size;
    return at;
}

/* The field's head and name; the data is the caller's to fill in. */
static uint8_t *add_field(struct builder *b, const char *name, uint32_t type, uint64_t count)
{
    uint32_t name_size = (uint32_t)strlen(name);
    uint64_t data_size = count * (type ? type : 1);
    uint8_t *p = extend(b, FIELD_HEAD + name_size + data_size);

    if (!p)
        return NULL;
    put_le(p, type, 4);
    put_le(p + 4, name_size, 4);
    put_le(p + 8, count, 8);
    memcpy(p + FIELD_HEAD, name, name_size);
    b->n_fields++;
    return p + FIELD_HEAD + name_size;
}

static int32_t extra_put(const struct bp_state_writer *w, const char *name, const void *from,
                         uint64_t size)
{
    struct builder *b = w->ctx;
    struct view v;
    uint8_t *to;

    if (b->status)
        return b->status;
    if (!name || !*name || strlen(name) > FIELD_NAME_MAX)
        return b->status = BP_ERR_INVALID;
    if (b->n_fields == FIELDS_MAX)
        return b->status = BP_ERR_NO_SPACE;
    if (find_field((struct fields){b->bytes + HEAD_SIZE, b->bytes + b->size}, name, 1, &v))
        return b->status = BP_ERR_EXISTS;
    to = size < UINT64_MAX / 8 ? add_field(b, name, TYPE_BYTES, size) : NULL;
    if (!to)
        return b->status = BP_ERR_NO_MEMORY;
    if (size)
        memcpy(to, from, size);
    return BP_OK;
}

static void add_table(struct builder *b, const struct bp_class *class_, const void *instance)
{
    for (uint32_t i = 0; i < class_->state.n_rows; i++) {
        const struct bp_field *f = class_field(class_, i);
        const uint8_t *from = (const uint8_t *)instance + f->offset;
        uint8_t *to = add_field(b, f->name, f->type, f->count);

        for (uint32_t k = 0; to && k < f->count; k++)
            put_le(to + (size_t)k * f->type, element_get(from + (size_t)k * f->type, f->type),
                   f->type);
    }
}

static void seal(struct builder *b, const struct bp_class *class_)
{
    uint8_t *crc = extend(b, 4);

    if (!crc)
        return;
    put_le(b->bytes, MAGIC, 4);
    put_le(b->bytes + 4, FORMAT, 4);
    put_le(b->bytes + 8, b->size, 8);
    put_le(b->bytes + 16, class_->state_version, 4);
    put_le(b->bytes + 20, b->n_fields, 4);
    memset(b->bytes + 24, 0, ID_SIZE);
    memcpy(b->bytes + 24, class_->id, strnlen(class_->id, ID_SIZE - 1));
    put_le(crc, crc32c(0, b->bytes, b->size - 4), 4);
}

int32_t state_save(const struct bp_class *class_, const void *instance, struct state_buffer *out,
                   char *why, size_t why_size)
{
    struct builder b = {0};
    struct bp_state_writer w = {sizeof(w), 0, &b, extra_put};
    int32_t status;

    memset(out, 0, sizeof(*out));
    extend(&b, HEAD_SIZE);
    add_table(&b, class_, instance);
    status = b.status;
    if (!status && class_->save)
        status = class_->save(instance, &w);
    if (!status)
        seal(&b, class_);
    if (!status)
        status = b.status;
    if (status) {
        free(b.bytes);
        return fail(status, why, why_size, "the state of %s cannot be saved (%d)", class_->id,
                    status);
    }
    out->bytes = b.bytes;
    out->size = b.size;
    return BP_OK;
}

/* --- loading ---------------------------------------------------------------------------------- */
static int32_t extra_size(const struct bp_state_reader *r, const char *name, uint64_t *size)
{
    struct view v;

    if (!find_field(*(const struct fields *)r->ctx, name, 1, &v))
        return BP_ERR_NOT_FOUND;
    *size = v.data_size;
    return BP_OK;
}

static int32_t extra_get(const struct bp_state_reader *r, const char *name, void *to, uint64_t size)
{
    struct view v;

    if (!find_field(*(const struct fields *)r->ctx, name, 1, &v))
        return BP_ERR_NOT_FOUND;
    if (v.data_size != size)
        return BP_ERR_FORMAT;
    if (size)
        memcpy(to, v.data, size);
    return BP_OK;
}

static int32_t check_head(const struct bp_class *class_, const uint8_t *bytes, uint64_t size,
                          char *why, size_t why_size)
{
    const char *id = (const char *)bytes + 24;
    uint32_t version;

    if (size < HEAD_SIZE + 4 || get_le(bytes, 4) != MAGIC)
        return fail(BP_ERR_FORMAT, why, why_size, "this is no device state");
    if (get_le(bytes + 4, 4) != FORMAT)
        return fail(BP_ERR_VERSION, why, why_size, "device state of format %u; this host reads %u",
                    (unsigned)get_le(bytes + 4, 4), FORMAT);
    if (get_le(bytes + 8, 8) != size)
        return fail(BP_ERR_FORMAT, why, why_size, "device state of %llu bytes where %llu are there",
                    (unsigned long long)get_le(bytes + 8, 8), (unsigned long long)size);
    if (get_le(bytes + size - 4, 4) != crc32c(0, bytes, size - 4))
        return fail(BP_ERR_FORMAT, why, why_size, "the checksum of the device state is wrong");
    if (id[ID_SIZE - 1] || strcmp(id, class_->id))
        return fail(BP_ERR_INVALID, why, why_size, "the state is of a %.63s, the device is a %s",
                    id, class_->id);
    version = (uint32_t)get_le(bytes + 16, 4);
    if (version != class_->state_version)
        return fail(BP_ERR_VERSION, why, why_size,
                    "%s: state of version %u; this plugin (%s) reads version %u", class_->id,
                    version, class_->version, class_->state_version);
    return BP_OK;
}

static const struct bp_field *row_named(const struct bp_class *class_, const struct view *v)
{
    for (uint32_t i = 0; i < class_->state.n_rows; i++) {
        const struct bp_field *f = class_field(class_, i);

        if (strlen(f->name) == v->name_size && memcmp(f->name, v->name, v->name_size) == 0)
            return f;
    }
    return NULL;
}

/* Each field of the section: whole, known, and there once. */
static int32_t check_known(const struct bp_class *class_, struct fields fields, uint32_t n_fields,
                           char *why, size_t why_size)
{
    struct fields rest = fields;
    struct view v;
    uint32_t n = 0;
    int more = n_fields > FIELDS_MAX ? -1 : 1;

    while (more > 0 && (more = next_field(&rest, &v)) > 0) {
        char name[FIELD_NAME_MAX + 1] = "";
        struct view first;
        int extra = v.type == TYPE_BYTES;

        memcpy(name, v.name, v.name_size);
        n++;
        if (extra ? !class_->load_commit : !row_named(class_, &v))
            return fail(BP_ERR_FORMAT, why, why_size, "%s: field %s is not known", class_->id,
                        name);
        if (!find_field(fields, name, extra, &first) || first.data != v.data)
            return fail(BP_ERR_FORMAT, why, why_size, "%s: field %s is there twice", class_->id,
                        name);
    }
    if (more < 0 || n != n_fields)
        return fail(BP_ERR_FORMAT, why, why_size, "%s: the fields of the state are broken",
                    class_->id);
    return BP_OK;
}

static int32_t check_row(const struct bp_class *class_, const struct bp_field *f,
                         struct fields fields, char *why, size_t why_size)
{
    struct view v;

    if (!find_field(fields, f->name, 0, &v)) {
        if (f->flags & BP_FIELD_OPTIONAL)
            return BP_OK;
        return fail(BP_ERR_FORMAT, why, why_size, "%s: field %s is missing", class_->id, f->name);
    }
    if (v.type != f->type || v.count != f->count)
        return fail(BP_ERR_FORMAT, why, why_size,
                    "%s: field %s: %llu elements of %u bytes where %u of %u are wanted", class_->id,
                    f->name, (unsigned long long)v.count, v.type, f->count, f->type);
    for (uint32_t k = 0; f->max && k < f->count; k++) {
        uint64_t value = get_le(v.data + (size_t)k * f->type, f->type);

        if (value > f->max)
            return fail(BP_ERR_RANGE, why, why_size, "%s: field %s = %llu: at most %llu is allowed",
                        class_->id, f->name, (unsigned long long)value, (unsigned long long)f->max);
    }
    return BP_OK;
}

static void commit_row(const struct bp_field *f, void *instance, struct fields fields)
{
    uint8_t *to = (uint8_t *)instance + f->offset;
    struct view v;

    if (!find_field(fields, f->name, 0, &v))
        return;
    for (uint32_t k = 0; k < f->count; k++)
        element_set(to + (size_t)k * f->type, f->type,
                    get_le(v.data + (size_t)k * f->type, f->type));
}

int32_t state_load(const struct bp_class *class_, void *instance, const uint8_t *bytes,
                   uint64_t size, char *why, size_t why_size)
{
    int32_t status = check_head(class_, bytes, size, why, why_size);
    struct fields fields;
    struct bp_state_reader r = {sizeof(r), class_->state_version, &fields, extra_size, extra_get};

    if (status)
        return status;
    fields = (struct fields){bytes + HEAD_SIZE, bytes + size - 4};
    status = check_known(class_, fields, (uint32_t)get_le(bytes + 20, 4), why, why_size);
    for (uint32_t i = 0; !status && i < class_->state.n_rows; i++)
        status = check_row(class_, class_field(class_, i), fields, why, why_size);
    if (status)
        return status;
    if (class_->load_check) {
        status = class_->load_check(instance, &r);
        if (status)
            return fail(status, why, why_size, "%s refuses the state (%d)", class_->id, status);
    }
    for (uint32_t i = 0; i < class_->state.n_rows; i++)
        commit_row(class_field(class_, i), instance, fields);
    if (class_->load_commit)
        class_->load_commit(instance, &r);
    return BP_OK;
}
