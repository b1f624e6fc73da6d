/* Who made the machine and which one it is: keys of [machine], for SMBIOS and the device tree. */
#include <ctype.h>
#include <string.h>

#include "machine/parts.h"

#define TEXT_MAX  64u /* what guests' tools show whole */
#define UUID_TEXT 36u

static bool is_printable(const char *text)
{
    while (*text >= ' ' && *text <= '~')
        text++;
    return *text == '\0';
}

static const char *read_text(struct assembly *a, const struct doc_section *head, const char *name)
{
    const struct doc_key *key = doc_find(&a->doc, head, name, a->machine->arch);
    const char *text = key != NULL ? assembly_value(a, head, key) : NULL;
    if (text == NULL || text[0] == '\0')
        return NULL;
    if (!is_printable(text) || strlen(text) > TEXT_MAX) {
        doc_key_error(&a->doc, head, key, text, "1-%u printable ASCII characters are wanted",
                      TEXT_MAX);
        return NULL;
    }
    return assembly_need(a, arena_string(&a->machine->own->arena, text));
}

static bool uuid_parse(const char *text, uint8_t uuid[16])
{
    size_t n = 0; /* digits */
    if (strlen(text) != UUID_TEXT)
        return false;
    memset(uuid, 0, 16);
    for (size_t i = 0; i < UUID_TEXT; i++) {
        int c = tolower((unsigned char)text[i]);
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (c != '-')
                return false;
            continue;
        }
        if (!isxdigit(c))
            return false;
        uuid[n / 2] = (uint8_t)(uuid[n / 2] << 4 | (c <= '9' ? c - '0' : c - 'a' + 10));
        n++;
    }
    return true;
}

static void read_uuid(struct assembly *a, const struct doc_section *head, uint8_t uuid[16])
{
    const struct doc_key *key = doc_find(&a->doc, head, "uuid", a->machine->arch);
    const char *text = key != NULL ? assembly_value(a, head, key) : NULL;
    if (text == NULL || text[0] == '\0' || uuid_parse(text, uuid))
        return;
    memset(uuid, 0, 16);
    doc_key_error(&a->doc, head, key, text,
                  "a UUID is wanted, such as 123e4567-e89b-12d3-a456-426614174000");
}

void assembly_read_identity(struct assembly *a, const struct doc_section *head)
{
    struct layout_identity *id = &a->machine->layout.identity;
    id->manufacturer = read_text(a, head, "manufacturer");
    id->product = read_text(a, head, "product");
    id->product_version = read_text(a, head, "product-version");
    id->serial_number = read_text(a, head, "serial-number");
    read_uuid(a, head, id->uuid);
}
