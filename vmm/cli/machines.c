/* backplane machines: the machine files that run, check and describe find by name. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/listing.h"
#include "cli/text.h"
#include "machine/doc.h"
#include "util/paths.h"

static const struct cli_option options[] = {
    {"json", NULL, "as JSON, for programs", false},
};

static int is_machine_file(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return len > 4 && entry->d_name[0] != '.' && strcmp(entry->d_name + len - 4, ".ini") == 0;
}

/* A text of [machine], with ${} filled in where that needs no --set; NULL. */
static const char *machine_text(struct doc *doc, const char *key)
{
    if (doc->machine == NULL)
        return NULL;
    const struct doc_key *found = doc_find(doc, doc->machine, key, ARCH_INVALID);
    if (found == NULL)
        return NULL;
    struct expansion expansion;
    struct err err;
    return vars_expand(doc->vars, found->value, &expansion, &err) == BP_OK ? expansion.text
                                                                           : found->value;
}

/* The first line of what is wrong. */
static char *first_error(struct diag *diag)
{
    char *text = diag_text(diag);
    if (text != NULL)
        text[strcspn(text, "\n")] = '\0';
    return text;
}

static void read_machine(struct listed_machine *m)
{
    struct arena arena = {0};
    struct vars vars;
    struct diag diag;
    struct doc doc;
    diag_init(&diag);
    vars_init(&vars, &arena, NULL, 0, &diag);
    bool is_read = doc_read(&doc, m->path, &arena, &vars, &diag);
    if (is_read && diag_count(&diag) == 0 && machine_text(&doc, "arch") == NULL)
        diag_add(&diag, m->path, 0, "[machine] with arch = is missing; write arch = riscv64");
    if (!is_read || diag_count(&diag) > 0) {
        m->error = first_error(&diag);
    } else {
        const char *summary = machine_text(&doc, "summary");
        m->summary = strdup(summary != NULL ? summary : "");
        m->archs = strdup(machine_text(&doc, "arch"));
    }
    doc_fini(&doc);
    vars_fini(&vars);
    diag_fini(&diag);
    arena_free(&arena);
}

static bool add_machine(struct machine_list *list, const char *file)
{
    struct listed_machine *m = &list->machines[list->n++];
    m->name = strndup(file, strlen(file) - 4);
    if (asprintf(&m->path, "%s/%s", list->dir, file) < 0)
        m->path = NULL;
    if (m->name == NULL || m->path == NULL)
        return false;
    read_machine(m);
    return m->error != NULL || (m->summary != NULL && m->archs != NULL);
}

int32_t listing_machines(struct machine_list *list, struct err *err)
{
    *list = (struct machine_list){.n = 0};
    if (!paths_machines(list->dir, sizeof(list->dir)))
        return err_set(err, BP_ERR_NOT_FOUND, "machine directory: its path is too long");
    struct dirent **entries;
    int n = scandir(list->dir, &entries, is_machine_file, alphasort);
    if (n < 0)
        return err_set(err, BP_ERR_NOT_FOUND,
                       "machine directory %s: %s; install backplane's machine files, or give the "
                       "path of an .ini file",
                       list->dir, strerror(errno));
    list->machines = calloc((size_t)n + 1, sizeof(*list->machines));
    bool has_memory = list->machines != NULL;
    for (int i = 0; i < n; i++) {
        has_memory = has_memory && add_machine(list, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return has_memory ? BP_OK : err_set(err, BP_ERR_NO_MEMORY, "machine directory: out of memory");
}

void listing_machines_free(struct machine_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->machines[i].name);
        free(list->machines[i].path);
        free(list->machines[i].summary);
        free(list->machines[i].archs);
        free(list->machines[i].error);
    }
    free(list->machines);
    *list = (struct machine_list){.n = 0};
}

static void print_json(const struct machine_list *list)
{
    struct json json;
    json_begin(&json, stdout);
    json_string(&json, "directory", list->dir);
    json_array(&json, "machines");
    for (size_t i = 0; i < list->n; i++) {
        const struct listed_machine *m = &list->machines[i];
        json_object(&json, NULL);
        json_string(&json, "name", m->name);
        json_string(&json, "path", m->path);
        if (m->error != NULL) {
            json_string(&json, "error", m->error);
        } else {
            json_string(&json, "summary", m->summary);
            json_words(&json, "arch", m->archs);
        }
        json_close_object(&json);
    }
    json_close_array(&json);
    json_end(&json);
}

static void print_text(const struct machine_list *list)
{
    if (list->n == 0)
        text_row(stdout, 0, "no machine files in", 20, list->dir);
    for (size_t i = 0; i < list->n; i++) {
        const struct listed_machine *m = &list->machines[i];
        if (m->error != NULL)
            text_row_format(stdout, 0, m->name, 16, "cannot be used: %s", m->error);
        else
            text_row_format(stdout, 0, m->name, 16, "%s%s(%s)", m->summary,
                            m->summary[0] != '\0' ? " " : "", m->archs);
    }
}

static int run(const struct cli_command *command, const struct cli_args *args)
{
    (void)command;
    struct machine_list list;
    struct err err;
    if (listing_machines(&list, &err) != BP_OK) {
        listing_machines_free(&list);
        return cli_fail("%s", err.text);
    }
    if (cli_has(args, "json"))
        print_json(&list);
    else
        print_text(&list);
    listing_machines_free(&list);
    return cli_finish_output(0);
}

const struct cli_command command_machines = {
    .name = "machines",
    .arguments = "",
    .summary = "list the machines that can be named, and for which processors",
    .details = "A machine is an .ini file in the machine directory. `backplane check NAME` says "
               "everything that is wrong with one, `backplane describe NAME` what it consists of.",
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .run = run,
};
