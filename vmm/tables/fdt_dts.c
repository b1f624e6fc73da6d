/*
 * Device tree source from a blob, for people to read and for dtc to turn back: strings where the
 * bytes are strings, 32-bit cells where the size allows it, bytes otherwise.
 */
#include <backplane/abi.h>
#include <libfdt.h>
#include <string.h>

#include "tables/fdt.h"

static void indent(FILE *to, int depth)
{
    for (int i = 0; i < depth; i++)
        fputc('\t', to);
}

/* One or more strings, none empty, all printable, up to the last byte. */
static bool is_strings(const char *value, int size)
{
    if (size == 0 || value[size - 1] != '\0')
        return false;
    for (int i = 0; i < size; i++) {
        if (value[i] == '\0' && (i == 0 || value[i - 1] == '\0'))
            return false;
        if (value[i] != '\0' && (value[i] < 0x20 || value[i] > 0x7e))
            return false;
    }
    return true;
}

static void print_strings(FILE *to, const char *value, int size)
{
    for (int at = 0; at < size; at += (int)strlen(value + at) + 1) {
        fputs(at > 0 ? ", \"" : "\"", to);
        for (const char *c = value + at; *c != '\0'; c++) {
            if (*c == '"' || *c == '\\')
                fputc('\\', to);
            fputc(*c, to);
        }
        fputc('"', to);
    }
}

static void print_value(FILE *to, const char *value, int size)
{
    const uint8_t *bytes = (const uint8_t *)value;
    if (is_strings(value, size)) {
        print_strings(to, value, size);
        return;
    }
    const char *gap = "";
    fputc(size % 4 == 0 ? '<' : '[', to);
    if (size % 4 == 0) {
        for (int i = 0; i < size; i += 4, gap = " ")
            fprintf(to, "%s0x%x", gap,
                    (uint32_t)bytes[i] << 24 | (uint32_t)bytes[i + 1] << 16 |
                        (uint32_t)bytes[i + 2] << 8 | bytes[i + 3]);
    } else {
        for (int i = 0; i < size; i++, gap = " ")
            fprintf(to, "%s%02x", gap, bytes[i]);
    }
    fputc(size % 4 == 0 ? '>' : ']', to);
}

static void print_properties(const void *blob, int node, FILE *to, int depth)
{
    int offset;
    fdt_for_each_property_offset(offset, blob, node)
    {
        const char *name = NULL;
        int size = 0;
        const char *value = fdt_getprop_by_offset(blob, offset, &name, &size);
        if (value == NULL)
            return;
        indent(to, depth);
        fputs(name, to);
        if (size > 0) {
            fputs(" = ", to);
            print_value(to, value, size);
        }
        fputs(";\n", to);
    }
}

static void close_nodes(FILE *to, int from, int down_to)
{
    for (; from >= down_to; from--) {
        indent(to, from);
        fputs("};\n", to);
    }
}

int32_t fdt_print_dts(const void *blob, size_t size, FILE *to, struct err *err)
{
    int result = size < 8 ? -FDT_ERR_TRUNCATED : fdt_check_full(blob, size);
    if (result != 0)
        return err_set(err, BP_ERR_FORMAT, "device tree: not a valid blob: %s",
                       fdt_strerror(result));
    fputs("/dts-v1/;\n", to);
    int depth = 0;
    int open = -1;
    for (int node = 0; node >= 0 && depth >= 0; node = fdt_next_node(blob, node, &depth)) {
        close_nodes(to, open, depth);
        const char *name = fdt_get_name(blob, node, NULL);
        fputc('\n', to);
        indent(to, depth);
        fprintf(to, "%s {\n", depth == 0 ? "/" : name);
        print_properties(blob, node, to, depth + 1);
        open = depth;
    }
    close_nodes(to, open, 0);
    return BP_OK;
}
