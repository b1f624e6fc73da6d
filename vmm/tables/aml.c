#include "tables/aml.h"

#include <backplane/abi.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define OP_ZERO   0x00u
#define OP_ONE    0x01u
#define OP_NAME   0x08u
#define OP_BYTE   0x0Au
#define OP_WORD   0x0Bu
#define OP_DWORD  0x0Cu
#define OP_STRING 0x0Du
#define OP_QWORD  0x0Eu
#define OP_SCOPE  0x10u
#define OP_BUFFER 0x11u
#define OP_PACK   0x12u
#define OP_EXT    0x5Bu
#define OP_DEVICE 0x82u /* after OP_EXT */
#define OP_ONES   0xFFu

void aml_init(struct aml *a)
{
    *a = (struct aml){.status = BP_OK};
}

void aml_fini(struct aml *a)
{
    free(a->bytes);
    *a = (struct aml){.status = BP_OK};
}

bool aml_name_is_valid(const char *name)
{
    size_t n = name == NULL ? 0 : strnlen(name, 5);
    if (n == 0 || n > 4 || isdigit((unsigned char)name[0]))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!isupper((unsigned char)name[i]) && !isdigit((unsigned char)name[i]) && name[i] != '_')
            return false;
    return true;
}

static bool is_hex(const char *digits)
{
    return strspn(digits, "0123456789ABCDEF") == 4 && digits[4] == '\0';
}

bool aml_id_is_valid(const char *id)
{
    size_t n = id == NULL ? 0 : strnlen(id, 9);
    if ((n != 7 && n != 8) || !is_hex(id + n - 4))
        return false;
    for (size_t i = 0; i < n - 4; i++)
        if (!isupper((unsigned char)id[i]) && (n == 7 || !isdigit((unsigned char)id[i])))
            return false;
    return true;
}

static bool reserve(struct aml *a, size_t more)
{
    if (a->status != BP_OK)
        return false;
    if (more <= a->room - a->size)
        return true;
    if (more > AML_BYTES_MAX - a->size) {
        a->status = BP_ERR_NO_SPACE;
        return false;
    }
    size_t room = a->room < 128 ? 256 : a->room * 2;
    while (room - a->size < more)
        room *= 2;
    uint8_t *bytes = realloc(a->bytes, room);
    if (bytes == NULL) {
        a->status = BP_ERR_NO_MEMORY;
        return false;
    }
    a->bytes = bytes;
    a->room = room;
    return true;
}

void aml_bytes(struct aml *a, const void *bytes, size_t size)
{
    if (size == 0 || !reserve(a, size))
        return;
    memcpy(a->bytes + a->size, bytes, size);
    a->size += size;
}

void aml_byte(struct aml *a, uint8_t byte)
{
    aml_bytes(a, &byte, 1);
}

void aml_number(struct aml *a, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        aml_byte(a, (uint8_t)(value >> (8 * i)));
}

static void name_segment(struct aml *a, const char *name)
{
    char segment[4] = {'_', '_', '_', '_'};
    memcpy(segment, name, strnlen(name, sizeof(segment)));
    aml_bytes(a, segment, sizeof(segment));
}

void aml_name(struct aml *a, const char *name)
{
    aml_byte(a, OP_NAME);
    name_segment(a, name);
}

void aml_integer(struct aml *a, uint64_t value)
{
    if (value == 0 || value == 1 || value == UINT64_MAX) {
        aml_byte(a, value == 0 ? OP_ZERO : value == 1 ? OP_ONE : OP_ONES);
        return;
    }
    unsigned bytes = value <= UINT8_MAX ? 1 : value <= UINT16_MAX ? 2 : value <= UINT32_MAX ? 4 : 8;
    static const uint8_t prefix[9] = {[1] = OP_BYTE, [2] = OP_WORD, [4] = OP_DWORD, [8] = OP_QWORD};
    aml_byte(a, prefix[bytes]);
    aml_number(a, value, bytes);
}

void aml_string(struct aml *a, const char *text)
{
    aml_byte(a, OP_STRING);
    aml_bytes(a, text, strlen(text) + 1);
}

static uint32_t hex_value(char digit)
{
    return (uint32_t)(digit <= '9' ? digit - '0' : digit - 'A' + 10);
}

/* Compressed EISA identifier: five bits for each letter, four for each digit, big-endian (ACPI 6.5,
 * 19.3.4). PRP0001 has its form, but is a string wherever it is used. */
void aml_id(struct aml *a, const char *id)
{
    if (strlen(id) != 7 || strcmp(id, "PRP0001") == 0) {
        aml_string(a, id);
        return;
    }
    uint32_t value = 0;
    for (unsigned i = 0; i < 3; i++)
        value = value << 5 | (uint32_t)(id[i] - '@');
    for (unsigned i = 3; i < 7; i++)
        value = value << 4 | hex_value(id[i]);
    aml_integer(a, __builtin_bswap32(value));
}

/* --- packages --------------------------------------------------------------------------------- */
static void begin(struct aml *a)
{
    if (a->depth == AML_DEPTH_MAX && a->status == BP_OK)
        a->status = BP_ERR_NO_SPACE;
    if (a->status == BP_OK)
        a->open[a->depth++] = a->size;
}

/* The length counts its own bytes: one up to 63, then a nibble and one to three bytes (20.2.4). */
void aml_end(struct aml *a)
{
    if (a->status != BP_OK || a->depth == 0)
        return;
    size_t at = a->open[--a->depth];
    size_t size = a->size - at;
    unsigned n = size + 1 <= 0x3F ? 1 : size + 2 <= 0xFFF ? 2 : size + 3 <= 0xFFFFF ? 3 : 4;
    if (!reserve(a, n))
        return;
    memmove(a->bytes + at + n, a->bytes + at, size);
    a->size += n;
    size += n;
    if (n == 1) {
        a->bytes[at] = (uint8_t)size;
        return;
    }
    a->bytes[at] = (uint8_t)((n - 1) << 6 | (size & 0xF));
    for (unsigned i = 1; i < n; i++)
        a->bytes[at + i] = (uint8_t)(size >> (8 * i - 4));
}

void aml_package_begin(struct aml *a, uint8_t n_elements)
{
    aml_byte(a, OP_PACK);
    begin(a);
    aml_byte(a, n_elements);
}

void aml_scope_begin(struct aml *a, const char *name)
{
    aml_byte(a, OP_SCOPE);
    begin(a);
    name_segment(a, name);
}

void aml_device_begin(struct aml *a, const char *name)
{
    aml_byte(a, OP_EXT);
    aml_byte(a, OP_DEVICE);
    begin(a);
    name_segment(a, name);
}

void aml_buffer(struct aml *a, const void *bytes, size_t size)
{
    aml_byte(a, OP_BUFFER);
    begin(a);
    aml_integer(a, size);
    aml_bytes(a, bytes, size);
    aml_end(a);
}

void aml_unicode(struct aml *a, const char *text)
{
    size_t n = strlen(text) + 1;
    aml_byte(a, OP_BUFFER);
    begin(a);
    aml_integer(a, 2 * n);
    for (size_t i = 0; i < n; i++)
        aml_number(a, (uint8_t)text[i], 2);
    aml_end(a);
}

/* --- resources -------------------------------------------------------------------------------- */
#define MEMORY32_FIXED     0x86u
#define DWORD_SPACE        0x87u
#define WORD_SPACE         0x88u
#define QWORD_SPACE        0x8Au
#define EXTENDED_INTERRUPT 0x89u
#define IO_PORT            0x47u
#define END_TAG            0x79u

#define SPACE_MEMORY    0u
#define SPACE_IO        1u
#define FIXED_CONSUMER  0x0Du /* both ends fixed, positive decode, consumed here */
#define READ_WRITE      0x01u
#define MEM_CACHEABLE   0x02u
#define IO_ENTIRE_RANGE 0x03u

/* Address space descriptors (6.4.3.5): granularity, minimum, maximum, translation, length. */
static void address_space(struct aml *r, uint8_t tag, uint8_t type, uint8_t flags, uint64_t base,
                          uint64_t size)
{
    unsigned bytes = tag == QWORD_SPACE ? 8 : tag == DWORD_SPACE ? 4 : 2;
    aml_byte(r, tag);
    aml_number(r, 3 + 5 * bytes, 2);
    aml_byte(r, type);
    aml_byte(r, FIXED_CONSUMER);
    aml_byte(r, flags);
    aml_number(r, 0, bytes);
    aml_number(r, base, bytes);
    aml_number(r, base + (size - 1), bytes);
    aml_number(r, 0, bytes);
    aml_number(r, size, bytes);
}

void aml_resource_memory(struct aml *r, uint64_t base, uint64_t size, bool cacheable)
{
    if (base + (size - 1) > UINT32_MAX || size > UINT32_MAX) {
        address_space(r, QWORD_SPACE, SPACE_MEMORY,
                      (uint8_t)(READ_WRITE | (cacheable ? MEM_CACHEABLE : 0)), base, size);
        return;
    }
    aml_byte(r, MEMORY32_FIXED);
    aml_number(r, 9, 2);
    aml_byte(r, READ_WRITE);
    aml_number(r, base, 4);
    aml_number(r, size, 4);
}

/* The small descriptor counts up to 255 ports. */
void aml_resource_ports(struct aml *r, uint16_t base, uint32_t count)
{
    if (count > UINT8_MAX) {
        address_space(r, count > UINT16_MAX ? DWORD_SPACE : WORD_SPACE, SPACE_IO, IO_ENTIRE_RANGE,
                      base, count);
        return;
    }
    aml_byte(r, IO_PORT);
    aml_byte(r, 1); /* decodes 16 bits */
    aml_number(r, base, 2);
    aml_number(r, base, 2);
    aml_byte(r, 1);
    aml_byte(r, (uint8_t)count);
}

void aml_resource_interrupt(struct aml *r, uint32_t number, bool edge)
{
    aml_byte(r, EXTENDED_INTERRUPT);
    aml_number(r, 6, 2);
    aml_byte(r, edge ? 0x03 : 0x01); /* consumer, active high, exclusive */
    aml_byte(r, 1);
    aml_number(r, number, 4);
}

/* Zero as checksum says that there is none to check (6.4.2.9). */
void aml_resources(struct aml *a, const struct aml *r)
{
    aml_byte(a, OP_BUFFER);
    begin(a);
    aml_integer(a, r->size + 2);
    aml_bytes(a, r->bytes, r->size);
    aml_byte(a, END_TAG);
    aml_byte(a, 0);
    aml_end(a);
    if (r->status != BP_OK && a->status == BP_OK)
        a->status = r->status;
}
