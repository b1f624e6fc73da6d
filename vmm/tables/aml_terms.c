/*
 * Looks through AML that a plugin gives, before it becomes a part of the DSDT: every term must be
 * whole and end where the list ends, so that a wrong size cannot swallow what follows it. Bodies of
 * methods and fields are not looked into: they cannot reach beyond their own length.
 *
 * iasl puts External declarations into its output, bare or within If (Zero) {}. They are left out,
 * because what they declare stands in the same table (ACPI 6.5, 20.2.5.2: ExternalOp only helps
 * disassemblers).
 */
#include <backplane/abi.h>
#include <stdio.h>
#include <string.h>

#include "tables/aml.h"

#define NESTING_MAX 8u

struct cursor {
    const uint8_t *bytes;
    size_t at;
    size_t end;
    const char *why; /* NULL: good so far */
};

static bool fail(struct cursor *c, const char *why)
{
    if (c->why == NULL)
        c->why = why;
    return false;
}

static bool skip(struct cursor *c, size_t n)
{
    if (n > c->end - c->at)
        return fail(c, "it ends within a term");
    c->at += n;
    return true;
}

static int peek(const struct cursor *c)
{
    return c->at < c->end ? c->bytes[c->at] : -1;
}

/* Past the length; *end is where the package ends. */
static bool package_length(struct cursor *c, size_t *end)
{
    size_t begin = c->at;
    if (!skip(c, 1))
        return false;
    uint8_t lead = c->bytes[begin];
    unsigned more = lead >> 6;
    size_t length = more == 0 ? lead & 0x3Fu : lead & 0xFu;
    if (!skip(c, more))
        return false;
    for (unsigned i = 0; i < more; i++)
        length |= (size_t)c->bytes[begin + 1 + i] << (8 * i + 4);
    if (length < 1 + more || length > c->end - begin || (more > 0 && (lead & 0x30) != 0))
        return fail(c, "a package's length is wrong");
    *end = begin + length;
    return true;
}

static bool segment(struct cursor *c, char name[5])
{
    size_t at = c->at;
    if (!skip(c, 4))
        return false;
    memcpy(name, c->bytes + at, 4);
    name[4] = '\0';
    return aml_name_is_valid(name) && strlen(name) == 4 ? true : fail(c, "a name is none");
}

/* `name` gets a name without prefix or path, otherwise "". */
static bool name_string(struct cursor *c, char name[5])
{
    char part[5];
    bool plain = true;
    name[0] = '\0';
    while (peek(c) == '\\' || peek(c) == '^') {
        plain = false;
        c->at++;
    }
    int lead = peek(c);
    size_t n = 1;
    if (lead == 0)
        return skip(c, 1);
    if (lead == 0x2E || lead == 0x2F) {
        plain = false;
        n = 2;
        if (!skip(c, 1) || (lead == 0x2F && !skip(c, 1)))
            return false;
        if (lead == 0x2F)
            n = c->bytes[c->at - 1];
    }
    for (size_t i = 0; i < n; i++)
        if (!segment(c, part))
            return false;
    if (plain)
        memcpy(name, part, sizeof(part));
    return true;
}

static bool string(struct cursor *c)
{
    const uint8_t *nul = memchr(c->bytes + c->at, 0, c->end - c->at);
    return nul != NULL ? skip(c, (size_t)(nul - (c->bytes + c->at)) + 1)
                       : fail(c, "a string has no end");
}

static bool whole_package(struct cursor *c)
{
    size_t end;
    if (!package_length(c, &end))
        return false;
    c->at = end;
    return true;
}

static bool is_binary_operator(int op)
{
    return op == 0x72 || op == 0x74 || op == 0x77 || (op >= 0x79 && op <= 0x7F);
}

static bool is_name_lead(int byte)
{
    return byte == '\\' || byte == '^' || byte == '_' || byte == 0x2E || byte == 0x2F ||
           (byte >= 'A' && byte <= 'Z');
}

/* Constants, names, and what iasl leaves of sums with them: an address in a region. */
static bool argument(struct cursor *c, unsigned depth)
{
    char name[5];
    int op = peek(c);
    if (is_name_lead(op))
        return name_string(c, name);
    if (!skip(c, 1))
        return false;
    if (op == 0x00 || op == 0x01 || op == 0xFF)
        return true;
    if (op >= 0x0A && op <= 0x0C)
        return skip(c, (size_t)1 << (op - 0x0A));
    if (op == 0x0E)
        return skip(c, 8);
    if (op == 0x0D)
        return string(c);
    if (op >= 0x11 && op <= 0x13)
        return whole_package(c);
    if (!is_binary_operator(op) || depth == NESTING_MAX)
        return fail(c, "a value is neither a constant, nor a name, nor a sum of them");
    return argument(c, depth + 1) && argument(c, depth + 1) && name_string(c, name);
}

static bool arguments(struct cursor *c, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (!argument(c, 0))
            return false;
    return true;
}

static bool list(struct cursor *c, unsigned depth, struct aml *to, struct aml_term_names *names);

/* A package with a name; of scopes and devices the terms in it are looked at too. */
static bool named_package(struct cursor *c, char name[5], bool has_terms, size_t fixed,
                          unsigned depth)
{
    size_t end;
    if (!package_length(c, &end))
        return false;
    struct cursor body = {c->bytes, c->at, end, NULL};
    bool good = name_string(&body, name) && skip(&body, fixed);
    if (good && has_terms)
        good = depth < NESTING_MAX ? list(&body, depth + 1, NULL, NULL)
                                   : fail(&body, "scopes lie too deep in each other");
    c->at = good ? end : body.at;
    c->why = body.why;
    return good;
}

static bool extended_term(struct cursor *c, char name[5], unsigned depth)
{
    int op = peek(c);
    if (!skip(c, 1))
        return false;
    switch (op) {
    case 0x01: /* Mutex */
        return name_string(c, name) && skip(c, 1);
    case 0x02: /* Event */
        return name_string(c, name);
    case 0x13: /* CreateField */
        return arguments(c, 3) && name_string(c, name);
    case 0x80: /* OperationRegion */
        return name_string(c, name) && skip(c, 1) && arguments(c, 2);
    case 0x82: /* Device */
    case 0x85: /* ThermalZone */
        return named_package(c, name, true, 0, depth);
    case 0x84: /* PowerResource */
        return named_package(c, name, true, 3, depth);
    case 0x88: /* DataRegion */
        return name_string(c, name) && arguments(c, 3);
    case 0x81: /* Field, */
    case 0x86: /* IndexField, */
    case 0x87: /* BankField: the name is that of a region */
        return whole_package(c);
    default:
        return fail(c, "a term has no place in a device's scope");
    }
}

/* If (Zero) { External (...) ... }, or one External. */
static bool externals(struct cursor *c)
{
    char name[5];
    if (peek(c) == 0x15)
        return skip(c, 1) && name_string(c, name) && skip(c, 2);
    size_t end;
    if (!skip(c, 1) || !package_length(c, &end))
        return false;
    struct cursor body = {c->bytes, c->at, end, NULL};
    bool good = skip(&body, 1) && c->bytes[body.at - 1] == 0;
    while (good && body.at < end)
        good = peek(&body) == 0x15 && externals(&body);
    c->at = end;
    return good ? true : fail(c, "code stands outside of a method");
}

static bool term(struct cursor *c, char name[5], unsigned depth)
{
    char other[5];
    int op = peek(c);
    name[0] = '\0';
    if (!skip(c, 1))
        return false;
    switch (op) {
    case 0x06: /* Alias */
        return name_string(c, other) && name_string(c, name);
    case 0x08: /* Name */
        return name_string(c, name) && argument(c, 0);
    case 0x10: { /* Scope: defines no name */
        bool good = named_package(c, name, true, 0, depth);
        name[0] = '\0';
        return good;
    }
    case 0x14: /* Method: one byte of flags */
        return named_package(c, name, false, 1, depth);
    case 0x8A: /* CreateDWordField, */
    case 0x8B: /* CreateWordField, */
    case 0x8C: /* CreateByteField, */
    case 0x8D: /* CreateBitField, */
    case 0x8F: /* CreateQWordField */
        return arguments(c, 2) && name_string(c, name);
    case 0x5B:
        return extended_term(c, name, depth);
    default:
        return fail(c, "a term has no place in a device's scope");
    }
}

static bool keep_name(struct cursor *c, struct aml_term_names *names, const char *name)
{
    if (names == NULL || name[0] == '\0')
        return true;
    if (names->n == AML_TERM_NAMES_MAX)
        return fail(c, "it defines too many names (limit 128)");
    memcpy(names->names[names->n++], name, 5);
    return true;
}

/* `to`, `names` NULL: only looks. */
static bool list(struct cursor *c, unsigned depth, struct aml *to, struct aml_term_names *names)
{
    while (c->at < c->end) {
        size_t begin = c->at;
        char name[5];
        int op = peek(c);
        if (op == 0x15 || op == 0xA0) {
            if (!externals(c))
                return false;
            continue;
        }
        if (!term(c, name, depth) || !keep_name(c, names, name))
            return false;
        if (to != NULL)
            aml_bytes(to, c->bytes + begin, c->at - begin);
    }
    return true;
}

int32_t aml_terms(struct aml *a, const uint8_t *terms, size_t size, struct aml_term_names *names,
                  struct err *err)
{
    struct cursor c = {terms, 0, size, NULL};
    names->n = 0;
    if (size >= 4 && (memcmp(terms, "SSDT", 4) == 0 || memcmp(terms, "DSDT", 4) == 0))
        return err_set(err, BP_ERR_INVALID,
                       "it begins with a table's header: leave out the first 36 bytes");
    if (!list(&c, 0, a, names))
        return err_set(err, BP_ERR_INVALID, "at byte %zu: %s", c.at, c.why);
    return BP_OK;
}
