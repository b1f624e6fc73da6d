/* ${name} in values: see vars.h. */
#include "machine/vars.h"

#include <backplane/abi.h>
#include <stdlib.h>
#include <string.h>

#include "util/nearest.h"

#define NAME_BYTES 63u

static bool is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

static size_t name_length(const char *text)
{
    size_t n = 0;
    while (is_name_character(text[n]) && !(text[n] == ':' && text[n + 1] == '-'))
        n++;
    return n;
}

static struct var *find_or_add(struct vars *vars, const char *name, size_t length)
{
    char key[NAME_BYTES + 1];
    memcpy(key, name, length);
    key[length] = '\0';
    struct var *var = strmap_find(&vars->map, key);
    if (var != NULL)
        return var;
    var = arena_alloc(vars->arena, sizeof(*var));
    if (var == NULL)
        return NULL;
    var->name = arena_copy(vars->arena, name, length);
    return var->name != NULL && strmap_put(&vars->map, var->name, var) ? var : NULL;
}

/* --- --set ------------------------------------------------------------------------------------ */
void vars_init(struct vars *vars, struct arena *arena, const char *const *set, size_t n_set,
               struct diag *diag)
{
    memset(vars, 0, sizeof(*vars));
    vars->arena = arena;
    for (size_t i = 0; i < n_set; i++) {
        size_t n = name_length(set[i]);
        if (n == 0 || n > NAME_BYTES || set[i][n] != '=') {
            diag_add(diag, NULL, 0, "--set %s: NAME=VALUE is wanted, such as disk=root.img",
                     set[i]);
            continue;
        }
        struct var *var = find_or_add(vars, set[i], n);
        if (var != NULL) {
            var->value = set[i] + n + 1;
            var->directory = "";
            var->is_fixed = true;
        }
    }
}

void vars_fini(struct vars *vars)
{
    strmap_fini(&vars->map);
    free(vars->names);
    vars->names = NULL;
}

bool vars_give(struct vars *vars, const char *name, const char *value, const char *directory)
{
    size_t n = name_length(name);
    if (n == 0 || n > NAME_BYTES || name[n] != '\0')
        return false;
    struct var *var = find_or_add(vars, name, n);
    if (var != NULL && !var->is_fixed) {
        var->value = value;
        var->directory = directory;
    }
    return true;
}

bool vars_is_used(struct vars *vars, const char *name)
{
    const struct var *var = strmap_find(&vars->map, name);
    return var != NULL && var->used;
}

void vars_report_unused(struct vars *vars, const char *const *set, size_t n_set, struct diag *diag)
{
    for (size_t i = 0; i < n_set; i++) {
        size_t n = name_length(set[i]);
        if (n == 0 || n > NAME_BYTES || set[i][n] != '=')
            continue;
        const struct var *var = find_or_add(vars, set[i], n);
        if (var == NULL || var->used)
            continue;
        const char *nearest = nearest_word(var->name, vars->names, vars->n_names);
        diag_add(diag, NULL, 0, "--set %s: no machine file here uses ${%s}%s%s%s", set[i],
                 var->name, nearest != NULL ? "; did you mean " : "",
                 nearest != NULL ? nearest : "", nearest != NULL ? "?" : "");
    }
}

/* --- one reference ---------------------------------------------------------------------------- */
struct reference {
    const char *name;
    size_t name_length;
    const char *fallback; /* NULL: none */
    size_t fallback_length;
    const char *rest; /* behind the closing brace */
};

/* `text` begins behind "${". NULL, or what is wrong. */
static const char *parse_reference(const char *text, struct reference *out)
{
    memset(out, 0, sizeof(*out));
    out->name = text;
    out->name_length = name_length(text);
    if (out->name_length == 0 || out->name_length > NAME_BYTES)
        return "a name of letters, digits, - and _ (at most 63) is wanted in ${}";
    const char *at = text + out->name_length;
    const char *close = strchr(at, '}');
    if (close == NULL)
        return "a ${ without its }";
    if (at != close) {
        if (at[0] != ':' || at[1] != '-')
            return "write ${name} or ${name:-default}";
        out->fallback = at + 2;
        out->fallback_length = (size_t)(close - out->fallback);
        if (memchr(out->fallback, '$', out->fallback_length) != NULL)
            return "a default in ${} is plain text: it cannot hold a $";
    }
    out->rest = close + 1;
    return NULL;
}

static bool note_used(struct vars *vars, struct var *var)
{
    if (var->used)
        return true;
    if (vars->n_names == vars->capacity) {
        size_t capacity = vars->capacity == 0 ? 16 : vars->capacity * 2;
        const char **names = realloc(vars->names, capacity * sizeof(*names));
        if (names == NULL)
            return false;
        vars->names = names;
        vars->capacity = capacity;
    }
    vars->names[vars->n_names++] = var->name;
    var->used = true;
    return true;
}

int32_t vars_scan(struct vars *vars, const char *text, struct err *err)
{
    while ((text = strchr(text, '$')) != NULL) {
        if (text[1] == '$') {
            text += 2;
            continue;
        }
        if (text[1] != '{')
            return err_set(err, BP_ERR_FORMAT, "a lone $: write $$ for a dollar sign");
        struct reference reference;
        const char *fault = parse_reference(text + 2, &reference);
        if (fault != NULL)
            return err_set(err, BP_ERR_FORMAT, "%s", fault);
        struct var *var = find_or_add(vars, reference.name, reference.name_length);
        if (var == NULL || !note_used(vars, var))
            return err_set(err, BP_ERR_NO_MEMORY, "the host is out of memory");
        text = reference.rest;
    }
    return BP_OK;
}

/* --- expansion -------------------------------------------------------------------------------- */
/* Where pieces go: first only counted, then copied. */
struct output {
    char *text; /* NULL: only count */
    size_t n;
    const char *directory;
};

static void append(struct output *out, const char *piece, size_t n, const char *directory)
{
    if (out->n == 0 && n > 0)
        out->directory = directory;
    if (out->text != NULL)
        memcpy(out->text + out->n, piece, n);
    out->n += n;
}

static int32_t append_reference(struct vars *vars, const struct reference *reference,
                                struct output *out, struct err *err)
{
    const struct var *var = find_or_add(vars, reference->name, reference->name_length);
    if (var != NULL && var->value != NULL &&
        (var->value[0] != '\0' || reference->fallback == NULL)) {
        append(out, var->value, strlen(var->value), var->directory);
        return BP_OK;
    }
    if (reference->fallback == NULL)
        return err_set(err, BP_ERR_NOT_FOUND, "${%.*s} is not given: add --set %.*s=VALUE",
                       (int)reference->name_length, reference->name, (int)reference->name_length,
                       reference->name);
    append(out, reference->fallback, reference->fallback_length, NULL);
    return BP_OK;
}

static int32_t walk(struct vars *vars, const char *text, struct output *out, struct err *err)
{
    while (*text != '\0') {
        size_t plain = strcspn(text, "$");
        append(out, text, plain, NULL);
        text += plain;
        if (text[0] == '\0')
            break;
        struct reference reference;
        if (text[1] == '$') {
            append(out, "$", 1, NULL);
            text += 2;
            continue;
        }
        if (text[1] != '{' || parse_reference(text + 2, &reference) != NULL)
            return err_set(err, BP_ERR_FORMAT, "a lone $: write $$ for a dollar sign");
        int32_t status = append_reference(vars, &reference, out, err);
        if (status != BP_OK)
            return status;
        text = reference.rest;
    }
    return BP_OK;
}

int32_t vars_expand(struct vars *vars, const char *text, struct expansion *out, struct err *err)
{
    struct output output = {NULL, 0, NULL};
    if (strchr(text, '$') == NULL) {
        *out = (struct expansion){text, NULL};
        return BP_OK;
    }
    int32_t status = walk(vars, text, &output, err);
    if (status != BP_OK)
        return status;
    output = (struct output){arena_alloc(vars->arena, output.n + 1), 0, NULL};
    if (output.text == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, "the host is out of memory");
    (void)walk(vars, text, &output, err);
    *out = (struct expansion){output.text, output.directory};
    return BP_OK;
}
