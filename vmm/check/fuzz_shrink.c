/* Makes a list of actions that breaks a device short, and prints it. */
#include "check/fuzz.h"
#include "util/hosttime.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LATE_MS 300u /* each try of a list that hangs costs so much */

/* What the messages begin with, up to the first number, is the same. */
static bool is_same(const struct fuzz_verdict *a, const struct fuzz_verdict *b)
{
    if (a->end != b->end || a->code != b->code)
        return false;
    for (size_t i = 0;; i++) {
        char x = a->text[i], y = b->text[i];

        if (isdigit((unsigned char)x) || isdigit((unsigned char)y) || (!x && !y))
            return true;
        if (x != y)
            return false;
    }
}

static uint32_t limit_of(const struct fuzz_verdict *v)
{
    return v->end == FUZZ_LATE ? LATE_MS : FUZZ_LIMIT_MS;
}

/* Whether these actions do the same; then they are the list, up to where it ended. */
static bool try_list(struct fuzz_list *list, struct fuzz_verdict *verdict,
                     const struct bench_action *actions, uint32_t n)
{
    struct fuzz_list candidate = *list;
    struct fuzz_verdict v;

    candidate.actions = malloc((n + 1) * sizeof(*actions));
    if (!candidate.actions)
        return false;
    if (n)
        memcpy(candidate.actions, actions, n * sizeof(*actions));
    candidate.n = n;
    v = fuzz_play(&candidate, limit_of(verdict));
    if (!is_same(&v, verdict)) {
        free(candidate.actions);
        return false;
    }
    free(list->actions);
    *list = candidate;
    *verdict = v;
    if (v.at < list->n)
        list->n = v.at + 1;
    return true;
}

static bool try_without(struct fuzz_list *list, struct fuzz_verdict *verdict, uint32_t from,
                        uint32_t n)
{
    struct bench_action *rest = malloc((list->n + 1) * sizeof(*rest));
    bool is_shorter;

    if (!rest)
        return false;
    memcpy(rest, list->actions, from * sizeof(*rest));
    memcpy(rest + from, list->actions + from + n, (list->n - from - n) * sizeof(*rest));
    is_shorter = try_list(list, verdict, rest, list->n - n);
    free(rest);
    return is_shorter;
}

static bool is_over(uint64_t deadline_ns)
{
    return host_monotonic_ns() >= deadline_ns;
}

/* One pass with pieces of this length; whether something went. */
static bool leave_out(struct fuzz_list *list, struct fuzz_verdict *verdict, uint32_t piece,
                      uint64_t deadline_ns)
{
    bool is_shorter = false;

    for (uint32_t end = list->n; end > 0 && !is_over(deadline_ns);) {
        uint32_t from = end > piece ? end - piece : 0;

        if (try_without(list, verdict, from, end - from))
            is_shorter = true;
        end = from < list->n ? from : list->n;
    }
    return is_shorter;
}

/* Small numbers say more than large ones. */
static void simplify(struct fuzz_list *list, struct fuzz_verdict *verdict, uint64_t deadline_ns)
{
    for (uint32_t i = 0; i < list->n; i++) {
        const uint64_t values[] = {0, 1, list->actions[i].value & 0xff,
                                   list->actions[i].value & 0xffff};

        for (uint32_t k = 0; k < 4 && i < list->n && !is_over(deadline_ns); k++) {
            struct bench_action old = list->actions[i];
            struct bench_action *all;

            if (values[k] >= old.value)
                continue;
            all = malloc(list->n * sizeof(*all));
            if (!all)
                return;
            memcpy(all, list->actions, list->n * sizeof(*all));
            all[i].value = values[k];
            if (try_list(list, verdict, all, list->n))
                k = 4;
            free(all);
        }
    }
}

void fuzz_shrink(struct fuzz_list *list, struct fuzz_verdict *verdict, uint64_t deadline_ns)
{
    if (verdict->at < list->n)
        list->n = verdict->at + 1;
    for (uint32_t piece = list->n / 2; piece > 0 && !is_over(deadline_ns);) {
        bool is_shorter = leave_out(list, verdict, piece, deadline_ns);

        if (piece > list->n)
            piece = list->n; /* it may have become much shorter */
        if (!is_shorter || piece > 1)
            piece /= 2;
    }
    simplify(list, verdict, deadline_ns);
}

/* --- text ------------------------------------------------------------------------------------- */
static size_t print_setup(const struct bench_setup *s, char *text, size_t size)
{
    size_t used =
        (size_t)snprintf(text, size,
                         "    struct bench_setup setup = {.cpus = %u, .ram_bytes = %llu, "
                         ".doorbells = %u, .disk_flags = %u",
                         s->cpus, (unsigned long long)s->ram_bytes, s->doorbells, s->disk_flags);

    if (s->settings && s->settings[0]) {
        used += (size_t)snprintf(text + used, size - used,
                                 ",\n        .settings = (const char *const[]){");
        for (const char *const *p = s->settings; *p && used < size - 200; p++)
            used += (size_t)snprintf(text + used, size - used, "\"%.150s\", ", *p);
        used += (size_t)snprintf(text + used, size - used, "NULL}");
    }
    used += (size_t)snprintf(text + used, size - used,
                             "};\n    struct bench *b = bench_create_with(BENCH_CLASS, &setup);\n");
    return used;
}

void fuzz_print(const struct fuzz_list *list, char *text, size_t size)
{
    char lines[4096] = "";
    size_t room, used = print_setup(&list->setup, text, size);
    size_t at = sizeof(lines) - 1;
    uint32_t left = list->n;
    struct bench *b;

    room = size > used + 80 ? size - used - 80 : 0;
    if (bench_try(list->run->class_, &list->setup, &b)) {
        bench_destroy(b);
        return;
    }
    for (; left > 0; left--) { /* from the end: that is where it broke */
        char line[BENCH_ACTION_TEXT + 8] = "    ";
        uint32_t n = bench_action_print(b, &list->actions[left - 1], line + 4, BENCH_ACTION_TEXT);

        if (!n)
            continue;
        n += 4;
        line[n++] = '\n';
        if (n > at || sizeof(lines) - at + n > room)
            break;
        at -= n;
        memcpy(lines + at, line, n);
    }
    bench_destroy(b);
    if (left)
        used += (size_t)snprintf(text + used, size - used, "    /* and %u lines before */\n", left);
    snprintf(text + used, size - used, "%s", lines + at);
}
