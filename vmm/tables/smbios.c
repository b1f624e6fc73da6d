/*
 * Structures 0 (firmware), 1 (system), 3 (chassis), 4 (processors, as one package), 16, 17 and 19
 * (memory), 32 (boot) and 127 (end): what DSP0134 3.0, 6.2 requires, without slots and ports, which
 * the ACPI tables tell. Offsets and lengths are those of version 3.0's chapter 7.
 */
#include "tables/smbios.h"

#include <string.h>

#define ENTRY_BYTES   24u
#define STRUCTURE_MAX 64u
#define NO_HANDLE     0xfffeu /* no error information is kept */
#define OUT_OF_SPEC   0xffffu
#define SIZE_IS_ELSE  0x7fffu /* the extended size has it */
#define KIB_IS_ELSE   0xffffffffu
#define MIB           (1ull << 20)
#define RELEASE_DATE  "01/01/2026" /* month/day/year; Linux mistrusts the ACPI of old ones */
#define DEFAULT_MAKER "Backplane"

enum handle { FIRMWARE, SYSTEM, CHASSIS, PROCESSOR, MEMORY_ARRAY, MEMORY, BOOT, END, MEMORY_RANGE };

struct writer {
    struct smbios_blob *out;
    uint8_t form[STRUCTURE_MAX]; /* the structure being made, and its length */
    size_t length;
    char strings[512]; /* its strings, each NUL-ended */
    size_t strings_bytes;
    uint8_t n_strings;
};

static void put(uint8_t *at, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static void set(struct writer *w, size_t offset, uint64_t value, size_t bytes)
{
    put(w->form + offset, value, bytes);
}

static void begin(struct writer *w, uint8_t type, size_t length, uint32_t handle)
{
    memset(w->form, 0, sizeof(w->form));
    w->form[0] = type;
    w->form[1] = (uint8_t)length;
    w->length = length;
    w->strings_bytes = 0;
    w->n_strings = 0;
    set(w, 2, handle, 2);
}

/* The field at `offset` is the string's number, 0 for none. */
static void set_string(struct writer *w, size_t offset, const char *text)
{
    size_t bytes = text != NULL ? strlen(text) + 1 : 0;
    if (bytes <= 1 || bytes > sizeof(w->strings) - w->strings_bytes)
        return;
    memcpy(w->strings + w->strings_bytes, text, bytes);
    w->strings_bytes += bytes;
    w->form[offset] = ++w->n_strings;
}

/* 6.1.3: the strings and one more NUL; two where there are no strings. */
static void finish(struct writer *w)
{
    struct smbios_blob *out = w->out;
    size_t tail = w->strings_bytes > 0 ? w->strings_bytes + 1 : 2;
    if (w->length + tail > sizeof(out->bytes) - out->size)
        return;
    memcpy(out->bytes + out->size, w->form, w->length);
    memcpy(out->bytes + out->size + w->length, w->strings, w->strings_bytes);
    out->size += w->length + tail;
}

static const char *maker(const struct layout *layout)
{
    const char *text = layout->identity.manufacturer;
    return text != NULL ? text : DEFAULT_MAKER;
}

static void write_firmware(struct writer *w)
{
    begin(w, 0, 24, FIRMWARE);
    set_string(w, 4, DEFAULT_MAKER);
    set_string(w, 5, "1");
    set_string(w, 8, RELEASE_DATE);
    set(w, 10, 1u << 3, 8); /* its characteristics are not told, */
    w->form[18] = 1u << 0;  /* but that there is ACPI */
    w->form[19] = 1u << 4;  /* and that this is a virtual machine */
    w->form[20] = 1;
    w->form[22] = 0xff; /* no embedded controller */
    w->form[23] = 0xff;
    finish(w);
}

/* 7.2.1: the first three parts of a UUID are little-endian. */
static void set_uuid(struct writer *w, size_t offset, const uint8_t uuid[16])
{
    static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    for (size_t i = 0; i < 16; i++)
        w->form[offset + i] = uuid[order[i]];
}

static void write_system(struct writer *w, const struct layout *layout)
{
    const struct layout_identity *id = &layout->identity;
    begin(w, 1, 27, SYSTEM);
    set_string(w, 4, maker(layout));
    set_string(w, 5, id->product != NULL ? id->product : layout->name);
    set_string(w, 6, id->product_version);
    set_string(w, 7, id->serial_number);
    set_uuid(w, 8, id->uuid); /* all 0: none */
    w->form[24] = 6;          /* woken by the power switch */
    finish(w);
}

static void write_chassis(struct writer *w, const struct layout *layout)
{
    begin(w, 3, 22, CHASSIS);
    set_string(w, 4, maker(layout));
    w->form[5] = 1; /* other than any box */
    set_string(w, 7, layout->identity.serial_number);
    memset(w->form + 9, 3, 3); /* state, power supply and heat are safe */
    w->form[12] = 2;           /* security: unknown */
    finish(w);
}

static void write_processor(struct writer *w, const struct layout *layout)
{
    uint8_t few = layout->n_cpus < 256 ? (uint8_t)layout->n_cpus : 0xff;
    begin(w, 4, 48, PROCESSOR);
    set_string(w, 4, "CPU 0");
    w->form[5] = 3;     /* central processor */
    w->form[6] = 1;     /* family: CPUID tells */
    w->form[24] = 0x41; /* there, enabled */
    w->form[25] = 1;
    set(w, 26, OUT_OF_SPEC, 2); /* caches: CPUID tells */
    set(w, 28, OUT_OF_SPEC, 2);
    set(w, 30, OUT_OF_SPEC, 2);
    memset(w->form + 35, few, 3); /* cores, those enabled, threads */
    set(w, 38, 1u << 2, 2);       /* 64 bits */
    set(w, 40, 1, 2);
    set(w, 42, layout->n_cpus, 2);
    set(w, 44, layout->n_cpus, 2);
    set(w, 46, layout->n_cpus, 2);
    finish(w);
}

static uint64_t ram_bytes(const struct layout *layout)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < layout->n_ram; i++)
        bytes += layout->ram[i].size;
    return bytes;
}

static void write_memory_array(struct writer *w, uint64_t bytes)
{
    begin(w, 16, 23, MEMORY_ARRAY);
    w->form[4] = 1; /* located elsewhere */
    w->form[5] = 3; /* system memory */
    w->form[6] = 3; /* no error correction */
    set(w, 7, 0x80000000u, 4);
    set(w, 11, NO_HANDLE, 2);
    set(w, 13, 1, 2);
    set(w, 15, bytes, 8);
    finish(w);
}

static void write_memory(struct writer *w, uint64_t bytes)
{
    uint64_t mib = bytes / MIB;
    begin(w, 17, 40, MEMORY);
    set(w, 4, MEMORY_ARRAY, 2);
    set(w, 6, NO_HANDLE, 2);
    set(w, 8, OUT_OF_SPEC, 2); /* widths: unknown */
    set(w, 10, OUT_OF_SPEC, 2);
    set(w, 12, mib < SIZE_IS_ELSE ? mib : SIZE_IS_ELSE, 2);
    w->form[14] = 1; /* no module */
    set_string(w, 16, "RAM");
    w->form[18] = 7; /* RAM */
    set(w, 19, 1u << 1, 2);
    set_string(w, 23, DEFAULT_MAKER);
    set(w, 28, mib < SIZE_IS_ELSE ? 0 : mib, 4);
    finish(w);
}

static void write_range(struct writer *w, const struct aspace_ram *ram, uint32_t index)
{
    begin(w, 19, 31, MEMORY_RANGE + index);
    set(w, 4, KIB_IS_ELSE, 4);
    set(w, 8, KIB_IS_ELSE, 4);
    set(w, 12, MEMORY_ARRAY, 2);
    w->form[14] = 1;
    set(w, 15, ram->base, 8);
    set(w, 23, ram->base + (ram->size - 1), 8);
    finish(w);
}

static void write_empty(struct writer *w, uint8_t type, size_t length, enum handle handle)
{
    begin(w, type, length, handle);
    finish(w);
}

static void write_entry(struct smbios_blob *out, uint64_t gpa)
{
    uint8_t sum = 0;
    memcpy(out->bytes, "_SM3_", 5);
    out->bytes[6] = ENTRY_BYTES;
    out->bytes[7] = 3; /* version 3.0.0 */
    out->bytes[10] = 1;
    put(out->bytes + 12, out->size - SMBIOS_TABLE_AT, 4);
    put(out->bytes + 16, gpa + SMBIOS_TABLE_AT, 8);
    for (size_t i = 0; i < ENTRY_BYTES; i++)
        sum = (uint8_t)(sum + out->bytes[i]);
    out->bytes[5] = (uint8_t)-sum;
}

void smbios_build(const struct layout *layout, uint64_t gpa, struct smbios_blob *out)
{
    struct writer w = {.out = out};
    memset(out, 0, sizeof(*out));
    out->size = SMBIOS_TABLE_AT;
    write_firmware(&w);
    write_system(&w, layout);
    write_chassis(&w, layout);
    write_processor(&w, layout);
    write_memory_array(&w, ram_bytes(layout));
    write_memory(&w, ram_bytes(layout));
    for (size_t i = 0; i < layout->n_ram; i++)
        write_range(&w, &layout->ram[i], (uint32_t)i);
    write_empty(&w, 32, 11, BOOT);
    write_empty(&w, 127, 4, END);
    write_entry(out, gpa);
}
