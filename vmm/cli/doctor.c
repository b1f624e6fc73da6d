/* backplane doctor: what of this host can run guests, which plugins and machines there are. */
#include "cli/doctor.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/text.h"

#define TEXT_AT 16u

static const struct cli_option options[] = {
    {"json", NULL, "as JSON, for programs", false},
    {"plugin-dir", "DIR", "look for plugins here first", true},
};

/* --- As text ---------------------------------------------------------------------------------- */

static void print_accels(const struct doctor *d)
{
    puts("Accelerators");
    for (size_t i = 0; i < d->n_accels; i++) {
        const struct doctor_accel *a = &d->accels[i];
        char label[32];
        (void)snprintf(label, sizeof(label), "%s %s", a->name, arch_name(a->arch));
        text_row_format(stdout, 2, label, TEXT_AT, "%s%s",
                        a->is_usable ? "usable: " : "not usable: ", a->why.text);
    }
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static void print_dirs(const struct doctor *d)
{
    puts("\nPlugin directories");
    for (size_t i = 0; i < d->n_dirs; i++) {
        const struct doctor_dir *dir = &d->dirs[i];
        text_row_format(stdout, 2, dir->path, TEXT_AT, "(%s)", dir->origin);
        if (dir->error.text[0] != '\0') {
            text_row_format(stdout, 4, "not used:", TEXT_AT, "%s", dir->error.text);
            continue;
        }
        text_row_format(stdout, 4, "plugins:", TEXT_AT, "%zu", dir->n_plugins);
        if (dir->n_hidden > 0)
            text_row_format(stdout, 4, "hidden:", TEXT_AT,
                            "%zu more, whose names a directory above has", dir->n_hidden);
        for (size_t j = 0; j < dir->n_refused; j++)
            text_row(stdout, 4, "refused:", TEXT_AT, dir->refused[j].text);
    }
}

static void print_machines(const struct doctor *d)
{
    puts("\nMachine directory");
    if (d->machines_error.text[0] != '\0') {
        text_row(stdout, 2, "none:", TEXT_AT, d->machines_error.text);
        return;
    }
    size_t n_broken = 0;
    for (size_t i = 0; i < d->machines.n; i++)
        n_broken += d->machines.machines[i].error != NULL;
    text_row_format(stdout, 2, d->machines.dir, TEXT_AT, "(%zu machine%s)",
                    d->machines.n - n_broken, plural(d->machines.n - n_broken));
    for (size_t i = 0; i < d->machines.n; i++)
        if (d->machines.machines[i].error != NULL)
            text_row(stdout, 4, "broken:", TEXT_AT, d->machines.machines[i].error);
}

static void print_host(const struct doctor *d)
{
    puts("\nHost, all of it optional");
    for (size_t i = 0; i < d->n_host; i++)
        text_row(stdout, 2, d->host[i].name, TEXT_AT, d->host[i].finding.text);
}

static void print_text(const struct doctor *d)
{
    print_accels(d);
    print_dirs(d);
    print_machines(d);
    print_host(d);
    fputc('\n', stdout);
    text_wrap(stdout, 0, 0,
              doctor_is_well(d) ? "Guests can run here."
                                : "Guests cannot run here: an accelerator and plugins are needed. "
                                  "Install backplane's plugins, or name their directory with "
                                  "--plugin-dir.");
}

/* --- As JSON ---------------------------------------------------------------------------------- */

static void json_accels(struct json *json, const struct doctor *d)
{
    json_array(json, "accelerators");
    for (size_t i = 0; i < d->n_accels; i++) {
        json_object(json, NULL);
        json_string(json, "name", d->accels[i].name);
        json_string(json, "arch", arch_name(d->accels[i].arch));
        json_bool(json, "usable", d->accels[i].is_usable);
        json_string(json, "reason", d->accels[i].why.text);
        json_close_object(json);
    }
    json_close_array(json);
    json_object(json, "kvm");
    json_bool(json, "exists", d->kvm.is_there);
    json_bool(json, "permitted", d->kvm.is_open);
    json_u64(json, "api_version", (uint64_t)d->kvm.api_version);
    json_bool(json, "makes_vcpus", d->kvm.makes_vcpus);
    json_u64(json, "loop_iterations", KVM_PROBE_ITERATIONS);
    json_u64(json, "loop_ns", d->kvm.loop_ns);
    json_bool(json, "fast", d->kvm.is_fast);
    json_bool(json, "would_be_usable", d->kvm.is_usable);
    json_close_object(json);
}

static void json_dirs(struct json *json, const struct doctor *d)
{
    json_array(json, "plugin_directories");
    for (size_t i = 0; i < d->n_dirs; i++) {
        const struct doctor_dir *dir = &d->dirs[i];
        json_object(json, NULL);
        json_string(json, "path", dir->path);
        json_string(json, "origin", dir->origin);
        json_string(json, "error", dir->error.text[0] != '\0' ? dir->error.text : NULL);
        json_u64(json, "plugins", dir->n_plugins);
        json_u64(json, "hidden", dir->n_hidden);
        json_array(json, "refused");
        for (size_t j = 0; j < dir->n_refused; j++)
            json_string(json, NULL, dir->refused[j].text);
        json_close_array(json);
        json_close_object(json);
    }
    json_close_array(json);
}

static void json_machines(struct json *json, const struct doctor *d)
{
    json_object(json, "machine_directory");
    json_string(json, "path", d->machines.dir);
    json_string(json, "error", d->machines_error.text[0] != '\0' ? d->machines_error.text : NULL);
    json_array(json, "machines");
    for (size_t i = 0; i < d->machines.n; i++) {
        json_object(json, NULL);
        json_string(json, "name", d->machines.machines[i].name);
        json_string(json, "error", d->machines.machines[i].error);
        json_close_object(json);
    }
    json_close_array(json);
    json_close_object(json);
}

static void print_json(const struct doctor *d)
{
    struct json json;
    json_begin(&json, stdout);
    json_bool(&json, "ok", doctor_is_well(d));
    json_accels(&json, d);
    json_dirs(&json, d);
    json_machines(&json, d);
    json_array(&json, "host");
    for (size_t i = 0; i < d->n_host; i++) {
        json_object(&json, NULL);
        json_string(&json, "name", d->host[i].name);
        json_bool(&json, "good", d->host[i].is_good);
        json_string(&json, "finding", d->host[i].finding.text);
        json_close_object(&json);
    }
    json_close_array(&json);
    json_end(&json);
}

static int run(const struct cli_command *command, const struct cli_args *args)
{
    (void)command;
    struct doctor *d = malloc(sizeof(*d));
    if (d == NULL)
        return cli_fail("out of memory");
    size_t n_dirs;
    const char *const *dirs = cli_values(args, "plugin-dir", &n_dirs);
    doctor_look(d, dirs, n_dirs);
    if (cli_has(args, "json"))
        print_json(d);
    else
        print_text(d);
    int status = doctor_is_well(d) ? 0 : EXIT_FAILED;
    doctor_free(d);
    free(d);
    return cli_finish_output(status);
}

const struct cli_command command_doctor = {
    .name = "doctor",
    .arguments = "",
    .summary = "what of this host can run guests, and what is missing",
    .details = "Looks at the accelerators (the software processor; /dev/kvm, with a tiny guest), "
               "the plugin directories, the machine directory and the host. The exit status is 0 "
               "when an accelerator is usable and there are plugins, otherwise 1.",
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .run = run,
};
