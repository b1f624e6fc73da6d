/* What a device is set up with: what its class requires, as a stranger would guess it, and what the
 * user gives. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/child.h"
#include "property.h"

static char *print_setting(const char *name, const char *value)
{
    char *text = NULL;
    return asprintf(&text, "%s=%s", name, value) < 0 ? NULL : text;
}

static bool is_given(const struct check_plan *plan, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < plan->n_settings; i++)
        if (strncmp(plan->settings[i], name, n) == 0 && plan->settings[i][n] == '=')
            return true;
    return false;
}

/* A value within the row's limits. */
static char *guess(const struct bp_property *p, const struct check_place *place, uint32_t copy,
                   bool is_new)
{
    char value[PATH_MAX] = "yes";
    unsigned long long least = p->min > 0 ? p->min : p->max > 0 ? 1u : 0u;
    if (p->type == BP_PATH && is_new)
        (void)snprintf(value, sizeof(value), "%.4000s/new%u", place->folder, copy);
    else if (p->type == BP_PATH)
        check_place_file(place, copy, value, sizeof(value));
    else if (p->type == BP_CHOICE)
        (void)snprintf(value, sizeof(value), "%.*s", (int)strcspn(p->choices, "|"), p->choices);
    else if (p->type == BP_STRING)
        (void)snprintf(value, sizeof(value), "%0*d", least < 1000 ? (int)least : 1, 1);
    else if (p->type != BP_BOOL)
        (void)snprintf(value, sizeof(value), "%llu", least);
    return print_setting(p->name, value);
}

static const char *const *list_settings(const struct check_run *run,
                                        const struct check_place *place, uint32_t copy, bool is_new)
{
    const struct check_plan *plan = place->plan;
    uint32_t n_rows = run->class_->properties.n_rows;
    const char **list = calloc(n_rows + plan->n_settings + 1, sizeof(*list));
    size_t n = 0;
    for (uint32_t i = 0; list != NULL && i < n_rows; i++) {
        const struct bp_property *p = property_at(run->class_, i);
        if ((p->flags & BP_PROPERTY_REQUIRED) != 0 && !is_given(plan, p->name))
            list[n++] = guess(p, place, copy, is_new);
    }
    for (size_t i = 0; list != NULL && i < plan->n_settings; i++)
        list[n++] = plan->settings[i];
    return list;
}

static bool is_the_plans(const struct check_plan *plan, const char *setting)
{
    for (size_t i = 0; i < plan->n_settings; i++)
        if (plan->settings[i] == setting)
            return true;
    return false;
}

static void free_settings(const char *const *list, const struct check_plan *plan)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++)
        if (!is_the_plans(plan, list[i]))
            free((void *)(uintptr_t)list[i]);
    free((void *)(uintptr_t)list);
}

static void fill(struct check_run *run, const struct check_place *place, bool is_new)
{
    for (uint32_t i = 0; i < CHECK_COPIES; i++) {
        free_settings(run->setup[i].settings, place->plan);
        run->setup[i] = (struct bench_setup){
            .settings = list_settings(run, place, i, is_new), .cpus = 2, .ram_bytes = 8u << 20};
    }
}

static bool can_be_set_up(struct check_run *run, const char *with)
{
    struct bench *b;
    check_step(run, "set up with %s", with);
    int32_t status = bench_try(run->class_, &run->setup[0], &b);
    check_step(run, "destroy, after set-up with %s", with);
    bench_destroy(b);
    check_step(run, "%s", "");
    return status == BP_OK;
}

static bool requires_path(const struct check_run *run, const struct check_plan *plan)
{
    for (uint32_t i = 0; i < run->class_->properties.n_rows; i++) {
        const struct bp_property *p = property_at(run->class_, i);
        if (p->type == BP_PATH && (p->flags & BP_PROPERTY_REQUIRED) != 0 &&
            !is_given(plan, p->name))
            return true;
    }
    return false;
}

/* Some want a file that is there (a disk), some one that is not yet (a socket): it is tried. */
void check_settings_fill(struct check_run *run, const struct check_place *place)
{
    fill(run, place, false);
    if (!requires_path(run, place->plan) || can_be_set_up(run, "a file that is there"))
        return;
    fill(run, place, true);
    if (!can_be_set_up(run, "a file that is not there"))
        fill(run, place, false);
}
