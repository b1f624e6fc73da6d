/* Candidates that are not in the commands' tables: values of options, machines, plugins, and what a
 * machine file takes with --set. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/run.h"
#include "cli/complete.h"
#include "cli/listing.h"
#include "core/arch.h"
#include "machine/doc.h"
#include "property.h"

/* Words that an option takes, or how the files are called that it wants. Others are free text. */
static const struct {
    const char *option, *words;
} values[] = {
    {"accel", "auto kvm soft"},
    {"on-reboot", "restart exit"},
    {"without-button", "nothing end"},
    {"log", "error warn info guest debug"},
    {"kind", "mmio port virtio irqchip block char net"},
    {"lang", "c c++"},
    {"level", "load api state fuzz"},
};

static void offer_words(const struct completion *c, const char *words)
{
    while (*words != '\0') {
        char word[32];
        size_t n = strcspn(words, " ");
        (void)snprintf(word, sizeof(word), "%.*s", (int)n, words);
        complete_word(c, word, NULL);
        words += n + (words[n] == ' ');
    }
}

/* --- machines, plugins ------------------------------------------------------------------------ */
void complete_machines(const struct completion *c)
{
    struct machine_list list;
    struct err err;
    if (listing_machines(&list, &err) == BP_OK)
        for (size_t i = 0; i < list.n; i++)
            complete_word(c, list.machines[i].name,
                          list.machines[i].error == NULL ? list.machines[i].summary
                                                         : "cannot be used");
    listing_machines_free(&list);
    complete_files(".ini", c);
}

static struct registry *open_registry(const struct completion *c)
{
    struct err err;
    struct registry *registry = registry_create();
    /* Of directories that cannot be read, the others still count. */
    if (registry != NULL)
        (void)registry_add_defaults(registry, c->dirs, c->n_dirs, &err);
    return registry;
}

/* Those whose ids begin with a prefix, without it. */
static void offer_plugins(const struct completion *c, const char *prefix, size_t length)
{
    struct registry *registry = open_registry(c);
    for (size_t i = 0; registry != NULL && i < registry_count(registry); i++) {
        const struct plugin_info *p = registry_at(registry, i);
        if (strncmp(p->id, prefix, length) == 0)
            complete_word(c, p->id + length,
                          (p->flags & BP_CLASS_BACKEND) != 0 ? "backend" : "device");
    }
    registry_destroy(registry);
}

void complete_plugins(const struct completion *c)
{
    offer_plugins(c, "", 0);
}

/* `plugin check ID`: its properties. A file that is named is not loaded here. */
static void offer_settings(const struct completion *c)
{
    struct err ignored;
    struct registry *registry = c->n_positional > 1 ? open_registry(c) : NULL;
    const struct bp_class *class_ =
        registry != NULL ? registry_class(registry, c->positional[1], &ignored) : NULL;
    for (uint32_t i = 0; class_ != NULL && i < class_->properties.n_rows; i++) {
        char word[80];
        (void)snprintf(word, sizeof(word), "%s=", property_at(class_, i)->name);
        complete_word(c, word, property_at(class_, i)->doc);
    }
    registry_destroy(registry);
}

static void offer_checks(const struct completion *c)
{
    const struct check_test *test;
    for (size_t i = 0; (test = check_test_at(i)) != NULL; i++)
        complete_word(c, test->name, test->title);
}

/* --- --set ------------------------------------------------------------------------------------ */
struct source {
    struct arena arena;
    struct vars vars;
    struct diag diag;
    struct doc doc;
};

static bool source_open(struct source *s, const struct completion *c)
{
    static char path[PATH_MAX];
    if (c->n_positional == 0 || !cli_find_machine(c->positional[0], path, sizeof(path)))
        return false;
    *s = (struct source){.arena = {0}};
    diag_init(&s->diag);
    vars_init(&s->vars, &s->arena, NULL, 0, &s->diag);
    (void)doc_read(&s->doc, path, &s->arena, &s->vars, &s->diag);
    return true;
}

static void source_close(struct source *s)
{
    doc_fini(&s->doc);
    vars_fini(&s->vars);
    diag_fini(&s->diag);
    arena_free(&s->arena);
}

/* The text before "${NAME" in a value that ends with it; NULL: it does not. */
static const char *find_reference(const char *value, const char *name, size_t *before)
{
    char plain[80], with_default[80];
    (void)snprintf(plain, sizeof(plain), "${%s}", name);
    (void)snprintf(with_default, sizeof(with_default), "${%s:-", name);
    const char *at = strstr(value, plain);
    if (at == NULL)
        at = strstr(value, with_default);
    if (at == NULL || strchr(at, '}') == NULL || strchr(at, '}')[1] != '\0')
        return NULL;
    *before = (size_t)(at - value);
    return at;
}

static void offer_choices(const struct completion *c, const char *choices)
{
    while (*choices != '\0') {
        char word[64];
        size_t n = strcspn(choices, "|");
        (void)snprintf(word, sizeof(word), "%.*s", (int)n, choices);
        complete_word(c, word, NULL);
        choices += n + (choices[n] == '|');
    }
}

/* By the property that the value becomes. False: that says nothing. */
static bool offer_property(const struct completion *c, const struct doc_section *section,
                           const char *name)
{
    const char *id = NULL;
    struct err ignored;
    if (section->kind == DOC_BOOT && strcmp(name, "append") != 0) {
        complete_files("file", c);
        return true;
    }
    for (size_t i = 0; i < section->n_keys; i++)
        if (strcmp(section->keys[i]->name, "plugin") == 0 && id == NULL)
            id = section->keys[i]->value;
    if (id == NULL || strchr(id, '$') != NULL)
        return false;
    struct registry *registry = open_registry(c);
    const struct bp_class *class_ =
        registry != NULL ? registry_class(registry, id, &ignored) : NULL;
    const struct bp_property *p = class_ != NULL ? property_find(class_, name, NULL) : NULL;
    if (p != NULL && p->type == BP_BOOL)
        offer_words(c, "yes no");
    else if (p != NULL && p->type == BP_CHOICE)
        offer_choices(c, p->choices);
    else if (p != NULL && p->type == BP_PATH)
        complete_files("file", c);
    registry_destroy(registry);
    return p != NULL;
}

/* What NAME is used for says what it may be. */
static void offer_set_value(const struct completion *c, const struct doc *doc, const char *name)
{
    struct completion value = *c;
    char prefix[256];
    (void)snprintf(prefix, sizeof(prefix), "%s%s=", c->prefix, name);
    value.prefix = prefix;
    value.word = c->word + strlen(name) + 1;
    for (size_t i = 0; i < doc->n_sections; i++)
        for (size_t k = 0; k < doc->sections[i]->n_keys; k++) {
            const struct doc_key *key = doc->sections[i]->keys[k];
            size_t before;
            if (find_reference(key->value, name, &before) == NULL || strcmp(key->name, "if") == 0)
                continue;
            if (strcmp(key->name, "plugin") == 0) {
                offer_plugins(&value, key->value, before);
                return;
            }
            if (before == 0 && offer_property(&value, doc->sections[i], key->name))
                return;
        }
}

static void offer_set(const struct completion *c)
{
    struct source s;
    char name[64];
    size_t n = strcspn(c->word, "=");
    if (!source_open(&s, c))
        return;
    if (c->word[n] == '=' && n < sizeof(name)) {
        (void)snprintf(name, sizeof(name), "%.*s", (int)n, c->word);
        offer_set_value(c, &s.doc, name);
    } else {
        for (size_t i = 0; i < s.vars.n_names; i++) {
            char word[80];
            (void)snprintf(word, sizeof(word), "%s=", s.vars.names[i]);
            complete_word(c, word, NULL);
        }
    }
    source_close(&s);
}

/* --- all -------------------------------------------------------------------------------------- */
void complete_value(const struct completion *c, const struct cli_option *option)
{
    if (strcmp(option->name, "set") == 0 && c->command == &command_plugin)
        offer_settings(c);
    else if (strcmp(option->name, "set") == 0)
        offer_set(c);
    else if (strcmp(option->name, "only") == 0)
        offer_checks(c);
    else if (strcmp(option->name, "arch") == 0)
        for (int arch = ARCH_INVALID + 1; arch < ARCH_COUNT; arch++)
            complete_word(c, arch_name((enum arch)arch), NULL);
    else if (strcmp(option->value, "FILE") == 0)
        complete_files("file", c);
    else if (strcmp(option->value, "DIR") == 0)
        complete_files("directory", c);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        if (strcmp(values[i].option, option->name) == 0)
            offer_words(c, values[i].words);
}
