/*
 * The [set] section: values for ${NAME}, as --set gives them, in a file. It is how a file that
 * includes another says which disk it means. --set wins; a value is plain text.
 */
#include <backplane/abi.h>
#include <string.h>

#include "machine/doc.h"
#include "util/nearest.h"

static void give(struct doc *doc, const struct doc_key *key)
{
    struct expansion value;
    struct err err;
    /* $$ is a dollar sign here, too. */
    if (strstr(key->value, "${") != NULL) {
        doc_key_error(doc, doc->set, key, key->value,
                      "a value in [set] is plain text, without ${}");
        return;
    }
    if (vars_expand(doc->vars, key->value, &value, &err) != BP_OK)
        doc_key_error(doc, doc->set, key, key->value, "%s", err.text);
    else if (!vars_give(doc->vars, key->name, value.text, key->file->directory))
        doc_key_error(doc, doc->set, key, key->value,
                      "a name of letters, digits, - and _ (at most 63) is wanted");
}

void doc_apply_set(struct doc *doc, enum arch arch)
{
    for (size_t i = 0; doc->set != NULL && i < doc->set->n_keys; i++) {
        const struct doc_key *key = doc->set->keys[i];
        if (key->arch == arch)
            give(doc, key);
    }
}

void doc_report_unused_set(const struct doc *doc)
{
    const struct vars *vars = doc->vars;
    for (size_t i = 0; doc->set != NULL && i < doc->set->n_keys; i++) {
        const struct doc_key *key = doc->set->keys[i];
        if (vars_is_used(doc->vars, key->name) || strchr(key->name, '.') != NULL)
            continue;
        const char *nearest = nearest_word(key->name, vars->names, vars->n_names);
        doc_key_error(doc, doc->set, key, key->value, "no machine file here uses ${%s}%s%s%s",
                      key->name, nearest != NULL ? "; did you mean " : "",
                      nearest != NULL ? nearest : "", nearest != NULL ? "?" : "");
    }
}
