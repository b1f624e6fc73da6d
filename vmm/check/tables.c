/* What the class's tables say of the device: documented for people, and true of each property. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/check.h"
#include "classcheck.h"
#include "property.h"

/* --- Documentation ---------------------------------------------------------------------------- */

static bool is_printable(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return false;
    return true;
}

/* Whole sentences: some words, and a full stop at the end. */
static void check_doc(struct check_run *run, const char *what, const char *name, const char *doc)
{
    size_t n = doc != NULL ? strlen(doc) : 0;
    if (n == 0)
        check_fail(run, "%s %s has no doc: say in a sentence what it is for", what, name);
    if (!is_printable(doc))
        check_fail(run, "%s %s: its doc has control characters: it is wrapped where it is shown",
                   what, name);
    if (n < 8 || strchr(doc, ' ') == NULL || doc[0] == ' ')
        check_fail(run, "%s %s: \"%s\" is no sentence that says what it is for", what, name, doc);
    if (doc[n - 1] != '.')
        check_fail(run, "%s %s: its doc does not end with a full stop: whole sentences are wanted",
                   what, name);
}

static void is_documented(struct check_run *run)
{
    const struct bp_class *c = run->class_;
    size_t n = strlen(c->summary);
    if (n < 8 || strchr(c->summary, ' ') == NULL)
        check_fail(run, "summary \"%s\": say in some words what the device is", c->summary);
    if (c->summary[n - 1] == '.')
        check_fail(run, "summary \"%s\": it is a title, without a full stop", c->summary);
    for (uint32_t i = 0; i < c->properties.n_rows; i++)
        check_doc(run, "property", property_at(c, i)->name, property_at(c, i)->doc);
    for (uint32_t i = 0; i < c->links.n_rows; i++)
        check_doc(run, "link", class_link(c, i)->name, class_link(c, i)->doc);
}

/* --- Properties ------------------------------------------------------------------------------- */

#define VALUE_MAX 5000u

/* The run's settings and this one, which wins. */
static const char *const *with_setting(struct check_run *run, const char *setting)
{
    const char *const *old = run->setup[0].settings;
    size_t n = 0;
    while (old[n] != NULL)
        n++;
    const char **list = calloc(n + 2, sizeof(*list));
    if (list == NULL)
        check_fail(run, "out of memory");
    memcpy(list, old, n * sizeof(*list));
    list[n] = setting;
    return list;
}

static int32_t try_value(struct check_run *run, const struct bp_property *p, const char *value,
                         char *why, size_t why_size)
{
    char setting[VALUE_MAX + 64];
    struct bench_setup setup = run->setup[0];
    struct bench *b;
    (void)snprintf(setting, sizeof(setting), "%s=%s", p->name, value);
    setup.settings = with_setting(run, setting);
    check_step(run, "set up with %.100s", setting);
    int32_t status = bench_try(run->class_, &setup, &b);
    (void)snprintf(why, why_size, "%s", bench_error(b));
    check_step(run, "destroy, after %.100s", setting);
    bench_destroy(b);
    free((void *)(uintptr_t)setup.settings);
    return status;
}

/* "cols and rows: give both": a matter of two properties, which no row can tell. */
static bool names_another(struct check_run *run, const struct bp_property *p, const char *sentence)
{
    for (uint32_t i = 0; i < run->class_->properties.n_rows; i++) {
        const struct bp_property *other = property_at(run->class_, i);
        if (strcmp(other->name, p->name) == 0 || strstr(sentence, other->name) == NULL)
            continue;
        check_note(run, "%s depends on %s", p->name, other->name);
        return true;
    }
    return false;
}

/* Texts have a meaning that no table tells: there a sentence of the device will do. */
static void expect_taken(struct check_run *run, const struct bp_property *p, const char *value)
{
    char why[512];
    int32_t status = try_value(run, p, value, why, sizeof(why));
    if (status == BP_OK || status == BP_ERR_NO_MEMORY || p->type == BP_STRING ||
        p->type == BP_PATH || names_another(run, p, why))
        return;
    check_fail(run,
               "%s = %.80s, which its table allows, is refused: %s; narrow min, max or choices",
               p->name, value, why);
}

static void expect_refused(struct check_run *run, const struct bp_property *p, const char *value)
{
    char why[512];
    if (try_value(run, p, value, why, sizeof(why)) == BP_OK)
        check_fail(run, "%s = \"%.80s\" is taken, and its table does not allow it", p->name, value);
}

static void try_numbers(struct check_run *run, const struct bp_property *p)
{
    static const char *const wrong[] = {"", "x", "-1", "0x", "1 2", "99999999999999999999999"};
    uint64_t widest = p->type == BP_U32 ? UINT32_MAX : UINT64_MAX;
    uint64_t max = p->min == 0 && p->max == 0 ? widest : p->max;
    char text[32];
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)p->min);
    expect_taken(run, p, text);
    (void)snprintf(text, sizeof(text), "0x%llx", (unsigned long long)max);
    expect_taken(run, p, text);
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)p->min - 1);
    if (p->min > 0)
        expect_refused(run, p, text);
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)max + 1);
    if (max < UINT64_MAX)
        expect_refused(run, p, text);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        expect_refused(run, p, wrong[i]);
}

static void try_choices(struct check_run *run, const struct bp_property *p)
{
    char word[VALUE_MAX];
    for (const char *at = p->choices; at != NULL && *at != '\0';) {
        size_t n = strcspn(at, "|");
        (void)snprintf(word, sizeof(word), "%.*s", (int)n, at);
        expect_taken(run, p, word);
        at += n + (at[n] == '|');
    }
    expect_refused(run, p, "none-of-these");
    expect_refused(run, p, "");
    if (p->choices != NULL && strchr(p->choices, '|') != NULL)
        expect_refused(run, p, p->choices);
}

static void try_texts(struct check_run *run, const struct bp_property *p)
{
    char text[VALUE_MAX];
    uint64_t max = p->max > 0 && p->max < VALUE_MAX - 2 ? p->max : VALUE_MAX - 2;
    memset(text, 'a', sizeof(text));
    text[max] = '\0';
    expect_taken(run, p, text);
    text[max] = 'a';
    text[max + 1] = '\0';
    if (max == p->max)
        expect_refused(run, p, text);
    text[p->min < max ? p->min : max] = '\0';
    if (p->min > 0 || p->type == BP_STRING)
        expect_taken(run, p, text);
    text[p->min > 0 && p->min <= max ? p->min - 1 : 0] = '\0';
    if (p->min > 0 || p->type == BP_PATH)
        expect_refused(run, p, text);
    expect_taken(run, p, "/nonexistent/of \"any\" kind, <really>");
}

static void try_property(struct check_run *run, const struct bp_property *p)
{
    switch (p->type) {
    case BP_BOOL:
        expect_taken(run, p, "yes");
        expect_taken(run, p, "no");
        expect_refused(run, p, "2");
        expect_refused(run, p, "maybe");
        break;
    case BP_CHOICE:
        try_choices(run, p);
        break;
    case BP_STRING:
    case BP_PATH:
        try_texts(run, p);
        break;
    default:
        try_numbers(run, p);
    }
}

/* Without one that is required there is no device, and a sentence says so. */
static void leave_out_required(struct check_run *run)
{
    static const char *const none[] = {NULL};
    struct bench_setup setup = run->setup[0];
    struct bench *b;
    bool has_required = false;
    for (uint32_t i = 0; i < run->class_->properties.n_rows; i++)
        has_required |= (property_at(run->class_, i)->flags & BP_PROPERTY_REQUIRED) != 0 &&
                        property_at(run->class_, i)->initial == NULL;
    setup.settings = none;
    check_step(run, "set up without any property");
    int32_t status = bench_try(run->class_, &setup, &b);
    bench_destroy(b);
    if (status == BP_OK && has_required)
        check_fail(run, "can be set up without the properties that are required");
}

static void properties_are_as_told(struct check_run *run)
{
    leave_out_required(run);
    for (uint32_t i = 0; i < run->class_->properties.n_rows; i++)
        try_property(run, property_at(run->class_, i));
    check_note(run, "%u properties", run->class_->properties.n_rows);
}

static const struct check_test tests[] = {
    {"tables.doc", "summary, properties and links are documented", CHECK_API, 0, false,
     is_documented},
    {"tables.properties", "properties take what their rows allow", CHECK_API, 20, false,
     properties_are_as_told},
};
const struct check_table check_tables_tests = CHECK_TABLE(tests);
