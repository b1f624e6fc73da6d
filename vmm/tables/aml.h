/*
 * Writes AML (ACPI 6.5, chapter 20) as iasl would encode it, so that what is disassembled compiles
 * to the same bytes: the shortest integers and package lengths.
 *
 * Values follow the name or package that they belong to. The first error sticks: what follows it
 * does nothing. Names have been checked by the caller (aml_name_is_valid).
 */
#ifndef VMM_TABLES_AML_H
#define VMM_TABLES_AML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

#define AML_DEPTH_MAX 16u
#define AML_BYTES_MAX 0x1000000u

struct aml {
    uint8_t *bytes;
    size_t size;
    size_t room;
    int32_t status;             /* BP_OK, BP_ERR_NO_MEMORY, BP_ERR_NO_SPACE */
    size_t open[AML_DEPTH_MAX]; /* where the length of each open package goes */
    uint32_t depth;
};

void aml_init(struct aml *a);
void aml_fini(struct aml *a);

/* 1-4 of A-Z, 0-9 and _, the first no digit. */
bool aml_name_is_valid(const char *name);
/* An identifier that iasl takes for _HID: three letters or four letters and digits, then four
 * hexadecimal digits. */
bool aml_id_is_valid(const char *id);

void aml_byte(struct aml *a, uint8_t byte);
void aml_bytes(struct aml *a, const void *bytes, size_t size);
void aml_number(struct aml *a, uint64_t value, unsigned bytes); /* little-endian, no prefix */

void aml_name(struct aml *a, const char *name); /* Name (NAME, what follows) */
void aml_integer(struct aml *a, uint64_t value);
void aml_string(struct aml *a, const char *text);  /* printable ASCII */
void aml_unicode(struct aml *a, const char *text); /* Unicode (), as _STR wants it */
void aml_buffer(struct aml *a, const void *bytes, size_t size);
void aml_id(struct aml *a, const char *id); /* "PNP0501" as EisaId, others as a string */

/* Each is ended by aml_end. */
void aml_package_begin(struct aml *a, uint8_t n_elements);
void aml_scope_begin(struct aml *a, const char *name); /* "_SB" */
void aml_device_begin(struct aml *a, const char *name);
void aml_end(struct aml *a);

/* Resource descriptors (ACPI 6.5, 6.4) go into an aml of their own; aml_resources writes it, with
 * its end tag, as the buffer that is ResourceTemplate (). */
void aml_resource_memory(struct aml *r, uint64_t base, uint64_t size, bool cacheable);
void aml_resource_ports(struct aml *r, uint16_t base, uint32_t count);
void aml_resource_interrupt(struct aml *r, uint32_t number, bool edge);
void aml_resources(struct aml *a, const struct aml *r);

/* --- AML that others have made ---------------------------------------------------------------- */
#define AML_TERM_NAMES_MAX 128u

struct aml_term_names {
    char names[AML_TERM_NAMES_MAX][5]; /* single names that terms define, 4 characters */
    uint32_t n;
};

/* Appends a list of terms as iasl made it, each of a kind that may stand in a device's scope, and
 * whole; declarations of External names are left out. BP_ERR_INVALID and what is wrong. */
int32_t aml_terms(struct aml *a, const uint8_t *terms, size_t size, struct aml_term_names *names,
                  struct err *err);

#endif
