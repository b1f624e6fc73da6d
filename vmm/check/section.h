/* A look into a device's saved state (sdk/host/state.c): its fields, and how to change them. */
#ifndef VMM_CHECK_SECTION_H
#define VMM_CHECK_SECTION_H

#include "check/exercise.h"

#define SECTION_VERSION_AT 16u /* u32 */
#define SECTION_ID_AT      24u
#define SECTION_HEAD       88u
#define SECTION_TAIL       4u /* the checksum */

struct section_field {
    char name[64];
    uint32_t type;       /* bytes of an element; 0: bytes of the class's own save */
    uint64_t count;      /* elements */
    uint64_t size;       /* bytes of data */
    uint64_t at;         /* where its head is */
    uint64_t data_at;    /* where its data is */
    const uint8_t *data; /* in the section that was walked */
};

/* The next field; *cursor begins at 0. False: no more. The section is one that the host made. */
bool section_next(const struct saved *s, uint64_t *cursor, struct section_field *out);

/* Copies; free() the bytes. Size, number of fields and checksum are right again. */
struct saved section_copy(const struct saved *s);
struct saved section_without(const struct saved *s, const struct section_field *f);
struct saved section_until(const struct saved *s, const struct section_field *f);
struct saved section_resized(const struct saved *s, const struct section_field *f, uint64_t size);

/* After bytes were changed. */
void section_seal(struct saved *s);

void section_put(uint8_t *to, uint64_t value, uint32_t size);

#endif
