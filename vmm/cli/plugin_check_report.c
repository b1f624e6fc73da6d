/* The results of `plugin check`: a line or two each as they come, and one that says all. */
#include <stdio.h>
#include <string.h>

#include "cli/plugin_check.h"
#include "cli/text.h"

#define NAME_AT 6u
#define TEXT_AT 26u

static const char *outcome_word(enum check_outcome outcome)
{
    static const char *const words[] = {"ok", "FAIL", "skip"};
    return words[outcome];
}

static void name_plugin(struct check_report *report)
{
    char id[64], version[32];
    uint32_t abi_major, abi_minor, flags;
    const char *path = report->plan->path;
    const char *slash = strrchr(path, '/');
    if (plugin_read_note(path, id, version, &abi_major, &abi_minor, &flags, NULL) == BP_OK)
        (void)snprintf(report->who, sizeof(report->who), "%s %s", id, version);
    else
        (void)snprintf(report->who, sizeof(report->who), "%s", slash != NULL ? slash + 1 : path);
    for (char *p = report->who; *p != '\0'; p++) /* a file may be called anything */
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = '?';
}

/* "level state", or "tests of --only". */
static void print_scope(const struct check_plan *plan, char *out, size_t size)
{
    if (plan->n_only == 0)
        (void)snprintf(out, size, " at level %s", check_level_name(plan->level));
    else
        (void)snprintf(out, size, " what --only names");
}

/* "check: uart16550 1.0: passes at level state (32 tests, seed 1)" */
static void print_label(const struct check_report *report, char *out, size_t size)
{
    char scope[32], skipped[40] = "";
    uint32_t n = report->n_passed + report->n_failed + report->n_skipped;
    print_scope(report->plan, scope, sizeof(scope));
    if (report->n_skipped > 0)
        (void)snprintf(skipped, sizeof(skipped), "%u skipped, ", report->n_skipped);
    if (report->n_failed > 0)
        (void)snprintf(out, size, "check: %s: fails%s: %s (%u of %u test%s, %sseed %llu)",
                       report->who, scope, report->failed, report->n_failed, n, n == 1 ? "" : "s",
                       skipped, (unsigned long long)report->plan->seed);
    else
        (void)snprintf(out, size, "check: %s: passes%s (%u test%s, %sseed %llu)", report->who,
                       scope, n, n == 1 ? "" : "s", skipped,
                       (unsigned long long)report->plan->seed);
}

/* --- Results ---------------------------------------------------------------------------------- */

void check_report_begin(struct check_report *report)
{
    name_plugin(report);
    if (!report->as_json) {
        printf("%s\n\n", report->plan->path);
        return;
    }
    json_begin(&report->json, stdout);
    json_string(&report->json, "file", report->plan->path);
    json_string(&report->json, "plugin", report->who);
    json_string(&report->json, "level", check_level_name(report->plan->level));
    json_u64(&report->json, "seed", report->plan->seed);
    json_array(&report->json, "tests");
}

static void put_json(struct json *json, const struct check_result *result)
{
    char notes[CHECK_TEXT_MAX];
    char *rest = notes;
    json_object(json, NULL);
    json_string(json, "name", result->test->name);
    json_string(json, "title", result->test->title);
    json_string(json, "level", check_level_name(result->test->level));
    json_string(json, "result",
                result->outcome == CHECK_PASSED   ? "passed"
                : result->outcome == CHECK_FAILED ? "failed"
                                                  : "skipped");
    json_string(json, "reason", result->text[0] != '\0' ? result->text : NULL);
    json_array(json, "notes");
    (void)snprintf(notes, sizeof(notes), "%s", result->notes);
    for (char *note = strsep(&rest, "\n"); note != NULL; note = strsep(&rest, "\n"))
        if (note[0] != '\0')
            json_string(json, NULL, note);
    json_close_array(json);
    json_u64(json, "milliseconds", result->milliseconds);
    json_close_object(json);
}

/* One mistake makes many tests fail: what is said once need not be said again. */
static const char *reason_of(struct check_report *report, const struct check_result *result,
                             char *room, size_t size)
{
    if (result->outcome != CHECK_FAILED)
        return result->text;
    if (report->reason_of != NULL && strcmp(report->reason, result->text) == 0) {
        (void)snprintf(room, size, "as %s", report->reason_of->name);
        return room;
    }
    report->reason_of = result->test;
    (void)snprintf(report->reason, sizeof(report->reason), "%s", result->text);
    return result->text;
}

static void put_text(struct check_report *report, const struct check_result *result)
{
    char head[64], room[64];
    if (result->gate != NULL) {
        report->gate = result->gate;
        report->n_untried++;
        return;
    }
    (void)snprintf(head, sizeof(head), "%-*s%s", (int)NAME_AT, outcome_word(result->outcome),
                   result->test->name);
    text_row(stdout, 0, head, TEXT_AT, result->test->title);
    if (result->text[0] != '\0')
        text_row(stdout, NAME_AT, "", NAME_AT + 2, reason_of(report, result, room, sizeof(room)));
    if (result->notes[0] != '\0' && result->outcome == CHECK_PASSED)
        text_row(stdout, NAME_AT, "", NAME_AT + 2, result->notes);
    (void)fflush(stdout);
}

static void count(struct check_report *report, const struct check_result *result)
{
    size_t used = strlen(report->failed), room = sizeof(report->failed);
    report->n_passed += result->outcome == CHECK_PASSED;
    report->n_skipped += result->outcome == CHECK_SKIPPED;
    if (result->outcome != CHECK_FAILED)
        return;
    report->n_failed++;
    (void)snprintf(report->failed + used, room - used, "%s%s", used > 0 ? ", " : "",
                   result->test->name);
}

void check_report_result(void *context, const struct check_result *result)
{
    struct check_report *report = context;
    count(report, result);
    if (report->as_json)
        put_json(&report->json, result);
    else
        put_text(report, result);
}

void check_report_end(struct check_report *report)
{
    char label[700];
    print_label(report, label, sizeof(label));
    if (!report->as_json) {
        if (report->n_untried > 0)
            printf("%-*s%u more, not tried as %s failed\n", (int)NAME_AT, "skip", report->n_untried,
                   report->gate->name);
        printf("\n%s\n", label);
        return;
    }
    json_close_array(&report->json);
    json_u64(&report->json, "passed", report->n_passed);
    json_u64(&report->json, "failed", report->n_failed);
    json_u64(&report->json, "skipped", report->n_skipped);
    json_string(&report->json, "label", label);
    json_end(&report->json);
}

/* --- List ------------------------------------------------------------------------------------- */

void check_report_list(bool as_json)
{
    struct json json;
    const struct check_test *test;
    if (as_json) {
        json_begin(&json, stdout);
        json_array(&json, "tests");
    }
    for (size_t i = 0; (test = check_test_at(i)) != NULL; i++) {
        char head[64];
        (void)snprintf(head, sizeof(head), "%-*s%s", (int)NAME_AT, check_level_name(test->level),
                       test->name);
        if (!as_json) {
            text_row(stdout, 0, head, TEXT_AT, test->title);
            continue;
        }
        json_object(&json, NULL);
        json_string(&json, "name", test->name);
        json_string(&json, "title", test->title);
        json_string(&json, "level", check_level_name(test->level));
        json_close_object(&json);
    }
    if (as_json) {
        json_close_array(&json);
        json_end(&json);
    }
}
