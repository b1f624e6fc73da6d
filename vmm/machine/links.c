/* Links: names to parts, backends made on the spot, and an order in which everything comes after
 * what it uses. */
#include <backplane/abi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "classcheck.h"
#include "machine/parts.h"

/* --- names ------------------------------------------------------------------------------------ */
#define KNOWN_MAX 512

/* Words for "did you mean": sections, and X of every plugin LINK-X. */
static const char *hint_for(struct assembly *a, const char *link, const char *word)
{
    const char *known[KNOWN_MAX];
    size_t n = 0, length = strlen(link);
    if (a->diag->n >= DIAG_MAX)
        return "";
    const char *id;
    for (size_t i = 0; n < KNOWN_MAX && (id = a->source->id_at(a->source->ctx, i)) != NULL; i++) {
        if (strncmp(id, link, length) == 0 && id[length] == '-')
            known[n++] = id + length + 1;
    }
    for (size_t i = 0; n < KNOWN_MAX && i < a->n_parts; i++) {
        if (a->parts[i]->carried == NULL)
            known[n++] = a->parts[i]->name;
    }
    return assembly_hint(a, word, known, n);
}

static void link_error(struct assembly *a, struct part *part, const struct part_link *link,
                       const char *sentence)
{
    doc_key_error(&a->doc, part->section, link->key, link->text, "%s", sentence);
    part->failed = true;
}

/* --- backends made for a link ----------------------------------------------------------------- */
/* What a section of the class cannot leave out; NULL: nothing. */
static const char *required_key(const struct bp_class *class_)
{
    for (uint32_t i = 0; i < class_->properties.n_rows; i++) {
        if ((property_at(class_, i)->flags & BP_PROPERTY_REQUIRED) != 0)
            return property_at(class_, i)->name;
    }
    for (uint32_t i = 0; i < class_->links.n_rows; i++) {
        if ((class_link(class_, i)->flags & BP_LINK_REQUIRED) != 0)
            return class_link(class_, i)->name;
    }
    return NULL;
}

/* "char = stdio": an instance of char-stdio of its own. NULL: reported. */
static struct part *make_backend(struct assembly *a, struct part *part, struct part_link *link,
                                 const char *link_name, const char *id)
{
    char sentence[512];
    const struct bp_class *class_ =
        assembly_load_class(a, part->section, link->key, link->text, id);
    if (class_ == NULL) {
        part->failed = true;
        return NULL;
    }
    const char *key = required_key(class_);
    if (key != NULL || (class_->flags & BP_CLASS_BACKEND) == 0) {
        if (key != NULL)
            (void)snprintf(sentence, sizeof(sentence),
                           "plugin %s cannot do without %s: write a section [backend NAME] with "
                           "plugin = %s and %s, and link to NAME",
                           id, key, id, key);
        else
            (void)snprintf(sentence, sizeof(sentence),
                           "plugin %s is a device: write a section [device NAME] and link to NAME",
                           id);
        link_error(a, part, link, sentence);
        return NULL;
    }
    struct part *made =
        assembly_add_part(a, part->section, arena_format(&a->arena, "%s.%s", part->name, link_name),
                          link->key, link->text, class_);
    if (made != NULL)
        made->is_backend = true;
    return made;
}

/* --- one link --------------------------------------------------------------------------------- */
static struct part *find_target(struct assembly *a, struct part *part, struct part_link *link,
                                const struct bp_link *row)
{
    char sentence[512];
    struct part *target = strmap_find(&a->by_name, link->text);
    if (target != NULL)
        return target;
    const char *reason = strmap_find(&a->absent, link->text);
    const char *id = arena_format(&a->arena, "%s-%s", row->name, link->text);
    if (reason == NULL && id != NULL && a->source->has(a->source->ctx, id))
        return make_backend(a, part, link, row->name, id);
    if (reason != NULL)
        (void)snprintf(sentence, sizeof(sentence),
                       "the section %s does not count on this machine: %s", link->text, reason);
    else
        (void)snprintf(sentence, sizeof(sentence),
                       "there is neither a section of that name nor a plugin %s-%s%s", row->name,
                       link->text, hint_for(a, row->name, link->text));
    link_error(a, part, link, sentence);
    return NULL;
}

static bool add_user(struct part *target, struct part *user)
{
    if (target->n_users == target->users_capacity) {
        size_t capacity = target->users_capacity == 0 ? 4 : target->users_capacity * 2;
        struct part **users = realloc(target->users, capacity * sizeof(struct part *));
        if (users == NULL)
            return false;
        target->users = users;
        target->users_capacity = capacity;
    }
    target->users[target->n_users++] = user;
    user->waiting++;
    return true;
}

static bool check_target(struct assembly *a, struct part *part, struct part_link *link,
                         const struct bp_link *row, const struct part *target)
{
    char sentence[512];
    if (target->class_ == NULL) { /* reported where it is named */
        part->failed = true;
        return false;
    }
    if (class_service(target->class_, row->interface) == NULL) {
        (void)snprintf(sentence, sizeof(sentence),
                       "the link wants %s, which plugin %s does not offer: choose another",
                       row->interface, target->class_->id);
        link_error(a, part, link, sentence);
        return false;
    }
    if (target->transport != NULL && target->transport != part &&
        strstr(row->interface, "-device/") != NULL) {
        (void)snprintf(sentence, sizeof(sentence),
                       "%s has its transport already, by its bus: remove this section",
                       target->section->title);
        link_error(a, part, link, sentence);
        return false;
    }
    return true;
}

static void resolve(struct assembly *a, struct part *part, uint32_t i)
{
    struct part_link *link = &part->links[i];
    const struct bp_link *row = class_link(part->class_, i);
    if (link->key == NULL)
        return;
    struct part *target = link->target != NULL ? link->target : find_target(a, part, link, row);
    link->target = NULL;
    if (target == NULL || !check_target(a, part, link, row, target))
        return;
    link->target = target;
    if (!add_user(target, part))
        a->out_of_memory = true;
}

/* --- order ------------------------------------------------------------------------------------ */
/* What is used before its users; parts that are in a cycle, or use one, are left out. */
static void order_parts(struct assembly *a)
{
    a->order = arena_array(&a->arena, a->n_parts, sizeof(struct part *));
    if (assembly_need(a, a->order) == NULL)
        return;
    for (size_t i = 0; i < a->n_parts; i++) {
        if (a->parts[i]->waiting == 0)
            a->order[a->n_order++] = a->parts[i];
    }
    for (size_t next = 0; next < a->n_order; next++) {
        struct part *part = a->order[next];
        for (size_t i = 0; i < part->n_users; i++) {
            if (--part->users[i]->waiting == 0)
                a->order[a->n_order++] = part->users[i];
        }
    }
}

/* A link to a part that waits as well: every part left out has one. */
static struct part_link *waiting_link(struct part *part)
{
    for (uint32_t i = 0; i < part->class_->links.n_rows; i++) {
        struct part *target = part->links[i].target;
        if (target != NULL && target->waiting > 0)
            return &part->links[i];
    }
    return NULL;
}

static void report_cycle(struct assembly *a, struct part *first)
{
    char path[256];
    size_t n = 0;
    struct part *part = first;
    do {
        int wrote = snprintf(path + n, sizeof(path) - n, "%s -> ", part->name);
        n += wrote > 0 ? (size_t)wrote : 0;
        part = waiting_link(part)->target;
    } while (part != first && n < sizeof(path) - 80);
    (void)snprintf(path + n, sizeof(path) - n, "%s%s", part != first ? "... -> " : "", first->name);
    const struct part_link *link = waiting_link(first);
    doc_key_error(&a->doc, first->section, link->key, link->text,
                  "links never form a cycle, and this one does: %s", path);
}

/* Walks along links from every part that was left out; each cycle is told of once. */
static void report_cycles(struct assembly *a)
{
    for (size_t i = 0; i < a->n_parts; i++) {
        struct part *part = a->parts[i];
        if (part->waiting == 0)
            continue;
        while (part->order_number == 0) {
            part->order_number = i + 1;
            part = waiting_link(part)->target;
        }
        if (part->order_number == i + 1)
            report_cycle(a, part);
        a->parts[i]->failed = true;
    }
}

void assembly_connect(struct assembly *a)
{
    for (size_t i = 0; i < a->n_parts; i++) { /* grows by the backends that are made */
        struct part *part = a->parts[i];
        for (uint32_t k = 0; part->class_ != NULL && k < part->class_->links.n_rows; k++)
            resolve(a, part, k);
    }
    order_parts(a);
    if (a->order != NULL && a->n_order < a->n_parts)
        report_cycles(a);
}
