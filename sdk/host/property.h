/* Property texts of machine files -> values, by the class's property table. Shared by all hosts. */
#ifndef SDK_HOST_PROPERTY_H
#define SDK_HOST_PROPERTY_H

#include <backplane/device.h>

struct property_value {
    uint64_t number;    /* BP_BOOL, BP_U32, BP_U64, BP_SIZE, BP_CHOICE */
    const char *string; /* BP_STRING, BP_PATH: points into the text given; NULL when not set */
};

/* Row `i` of the class's table, whatever its stride. */
const struct bp_property *property_at(const struct bp_class *class_, uint32_t i);

/* The row with this name and its index; NULL. */
const struct bp_property *property_find(const struct bp_class *class_, const char *name,
                                        uint32_t *index);

/* Parses and checks one text. On an error `why` gets what is wrong and what is allowed, to follow
 * "KEY = TEXT: ": "0-31 are allowed". */
int32_t property_parse(const struct bp_property *property, const char *text,
                       struct property_value *value, char *why, size_t why_size);

/* Stores a checked value in the instance. Strings are stored as given: the owner keeps them. */
void property_store(const struct bp_property *property, void *instance,
                    const struct property_value *value);

/* "size, 4K-1G, default 64K": for lists and help. */
void property_describe(const struct bp_property *property, char *out, size_t out_size);

/* Numbers as machine files write them: decimal or 0x; `suffixes` allows K M G T. Shared with the
 * core's own keys. BP_ERR_INVALID, BP_ERR_RANGE. */
int32_t property_parse_number(const char *text, uint32_t suffixes, uint64_t *value);

#endif
