/* Property texts -> values: see property.h. */
#include "property.h"

#include <stdio.h>
#include <string.h>

const struct bp_property *property_at(const struct bp_class *class_, uint32_t i)
{
    const char *rows = (const char *)class_->properties.rows;

    return (const struct bp_property *)(const void *)(rows + (size_t)i * class_->properties.stride);
}

const struct bp_property *property_find(const struct bp_class *class_, const char *name,
                                        uint32_t *index)
{
    for (uint32_t i = 0; i < class_->properties.n_rows; i++) {
        const struct bp_property *property = property_at(class_, i);

        if (strcmp(property->name, name) == 0) {
            if (index)
                *index = i;
            return property;
        }
    }
    return NULL;
}

/* --- numbers ---------------------------------------------------------------------------------- */
static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 99;
}

static uint32_t suffix_shift(char c)
{
    static const char letters[] = "KMGT";
    const char *at = c ? strchr(letters, c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c) : NULL;

    return at ? (uint32_t)(at - letters + 1) * 10 : 0;
}

int32_t property_parse_number(const char *text, uint32_t suffixes, uint64_t *value)
{
    int base = 10;
    int overflow = 0;
    uint64_t v = 0;
    uint32_t shift;
    const char *p = text;

    if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
        base = 16;
        p += 2;
    }
    if (digit_value(*p) >= base)
        return BP_ERR_INVALID;
    for (; digit_value(*p) < base; p++) {
        uint64_t d = (uint64_t)digit_value(*p);

        if (v > (UINT64_MAX - d) / (uint64_t)base)
            overflow = 1;
        v = v * (uint64_t)base + d;
    }
    shift = suffixes ? suffix_shift(*p) : 0;
    if (shift)
        p++;
    if (*p)
        return BP_ERR_INVALID;
    if (overflow || v > UINT64_MAX >> shift)
        return BP_ERR_RANGE;
    *value = v << shift;
    return BP_OK;
}

/* --- limits ----------------------------------------------------------------------------------- */
static int is_number(uint32_t type)
{
    return type == BP_U32 || type == BP_U64 || type == BP_SIZE;
}

static void limits(const struct bp_property *property, uint64_t *min, uint64_t *max)
{
    uint64_t widest = property->type == BP_U32 ? UINT32_MAX : UINT64_MAX;

    *min = property->min;
    *max = property->min == 0 && property->max == 0 ? widest : property->max;
    if (*max > widest)
        *max = widest;
}

/* 4096 -> "4K" where `type` is a size; plain decimal otherwise. */
static void format_number(uint32_t type, uint64_t value, char *out, size_t out_size)
{
    static const char letters[] = "TGMK";

    for (uint32_t i = 0; type == BP_SIZE && value && i < 4; i++) {
        uint32_t shift = (4 - i) * 10;

        if (value & ((UINT64_C(1) << shift) - 1))
            continue;
        snprintf(out, out_size, "%llu%c", (unsigned long long)(value >> shift), letters[i]);
        return;
    }
    snprintf(out, out_size, "%llu", (unsigned long long)value);
}

static void format_limits(const struct bp_property *property, char *out, size_t out_size)
{
    uint64_t min, max;
    char low[32], high[32];

    limits(property, &min, &max);
    format_number(property->type, min, low, sizeof(low));
    format_number(property->type, max, high, sizeof(high));
    snprintf(out, out_size, "%s-%s", low, high);
}

/* --- one text --------------------------------------------------------------------------------- */
static int32_t parse_bool(const char *text, uint64_t *value, char *why, size_t why_size)
{
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};

    for (uint32_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(text, words[i]) == 0) {
            *value = i & 1;
            return BP_OK;
        }
    }
    snprintf(why, why_size, "yes or no is wanted (also true, false, on, off, 1, 0)");
    return BP_ERR_INVALID;
}

static int32_t parse_number(const struct bp_property *property, const char *text, uint64_t *value,
                            char *why, size_t why_size)
{
    uint64_t min, max;
    char range[72];
    int32_t status = property_parse_number(text, property->type == BP_SIZE, value);

    if (status == BP_ERR_INVALID) {
        snprintf(why, why_size, "%s",
                 property->type == BP_SIZE
                     ? "a size is wanted: bytes, or with K, M, G or T, such as 64K"
                     : "a number is wanted, decimal or with 0x");
        return status;
    }
    limits(property, &min, &max);
    if (status || *value < min || *value > max) {
        format_limits(property, range, sizeof(range));
        snprintf(why, why_size, "%s are allowed", range);
        return BP_ERR_RANGE;
    }
    return BP_OK;
}

static int32_t parse_choice(const struct bp_property *property, const char *text, uint64_t *value,
                            char *why, size_t why_size)
{
    size_t length = strlen(text);
    const char *word = property->choices;

    for (uint64_t i = 0; word; i++) {
        const char *end = strchr(word, '|');
        size_t n = end ? (size_t)(end - word) : strlen(word);

        if (n == length && memcmp(word, text, n) == 0) {
            *value = i;
            return BP_OK;
        }
        word = end ? end + 1 : NULL;
    }
    snprintf(why, why_size, "one of %s is wanted", property->choices ? property->choices : "none");
    return BP_ERR_INVALID;
}

static int32_t parse_string(const struct bp_property *property, const char *text,
                            struct property_value *value, char *why, size_t why_size)
{
    size_t length = strlen(text);

    if (property->type == BP_PATH && !length) {
        snprintf(why, why_size, "a file name is wanted");
        return BP_ERR_INVALID;
    }
    if (length < property->min) {
        snprintf(why, why_size, "at least %llu bytes are wanted",
                 (unsigned long long)property->min);
        return BP_ERR_RANGE;
    }
    if (property->max && length > property->max) {
        snprintf(why, why_size, "at most %llu bytes are allowed",
                 (unsigned long long)property->max);
        return BP_ERR_RANGE;
    }
    value->string = text;
    return BP_OK;
}

int32_t property_parse(const struct bp_property *property, const char *text,
                       struct property_value *value, char *why, size_t why_size)
{
    memset(value, 0, sizeof(*value));
    switch (property->type) {
    case BP_BOOL:
        return parse_bool(text, &value->number, why, why_size);
    case BP_U32:
    case BP_U64:
    case BP_SIZE:
        return parse_number(property, text, &value->number, why, why_size);
    case BP_CHOICE:
        return parse_choice(property, text, &value->number, why, why_size);
    case BP_STRING:
    case BP_PATH:
        return parse_string(property, text, value, why, why_size);
    default:
        snprintf(why, why_size, "this host does not know properties of type %u", property->type);
        return BP_ERR_UNSUPPORTED;
    }
}

void property_store(const struct bp_property *property, void *instance,
                    const struct property_value *value)
{
    char *member = (char *)instance + property->offset;
    uint32_t narrow = (uint32_t)value->number;

    switch (property->type) {
    case BP_STRING:
    case BP_PATH:
        memcpy(member, &value->string, sizeof(value->string));
        return;
    case BP_U64:
    case BP_SIZE:
        memcpy(member, &value->number, sizeof(value->number));
        return;
    default:
        memcpy(member, &narrow, sizeof(narrow));
    }
}

void property_describe(const struct bp_property *property, char *out, size_t out_size)
{
    static const char *const types[] = {"?",    "yes or no", "number", "number",
                                        "size", "text",      "file",   "one of"};
    char range[160] = "";
    char tail[160] = "";
    uint64_t max = property->max;

    if (is_number(property->type)) {
        char numbers[72];

        format_limits(property, numbers, sizeof(numbers));
        snprintf(range, sizeof(range), ", %s", numbers);
    } else if (property->type == BP_CHOICE) {
        snprintf(range, sizeof(range), " %s", property->choices ? property->choices : "");
    } else if (property->min) {
        snprintf(range, sizeof(range), ", %llu-%llu bytes", (unsigned long long)property->min,
                 (unsigned long long)max);
    } else if (max) {
        snprintf(range, sizeof(range), ", at most %llu bytes", (unsigned long long)max);
    }
    if (property->flags & BP_PROPERTY_REQUIRED)
        snprintf(tail, sizeof(tail), ", required");
    else if (property->initial)
        snprintf(tail, sizeof(tail), ", default %s", property->initial);
    snprintf(out, out_size, "%s%s%s", types[property->type <= BP_CHOICE ? property->type : 0],
             range, tail);
}
