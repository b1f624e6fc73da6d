/* What run, check and describe have in common: from MACHINE and options to a loaded machine. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accel/accel_list.h"
#include "cli/cli.h"
#include "cli/terminal.h"
#include "plugin/crash.h"
#include "property.h"
#include "util/nearest.h"
#include "util/paths.h"

const struct cli_option cli_machine_options[] = {
    {"arch", "A", "guest architecture: x86_64, arm64 or riscv64", false},
    {"accel", "A", "auto (default), kvm or soft", false},
    {"memory", "SIZE", "guest RAM, with K M G T; instead of the file's", false},
    {"cpus", "N", "number of processors; instead of the file's", false},
    {"set", "K=V", "value for ${K} in the machine file", true},
    {"plugin-dir", "DIR", "look for plugins here first", true},
};
const size_t cli_n_machine_options = sizeof(cli_machine_options) / sizeof(cli_machine_options[0]);

int cli_registry_open(const struct cli_args *args, struct registry **out)
{
    size_t n;
    const char *const *dirs = cli_values(args, "plugin-dir", &n);
    struct err err;
    struct registry *registry = registry_create();
    if (registry == NULL)
        return cli_fail("out of memory");
    if (registry_add_defaults(registry, dirs, n, &err) != BP_OK) {
        registry_destroy(registry);
        return cli_fail("%s", err.text);
    }
    *out = registry;
    return 0;
}

static void say_unknown_machine(const char *name, const char *dir)
{
    char known[128][64];
    const char *words[128];
    size_t n = 0;
    DIR *d = opendir(dir);
    for (struct dirent *e; d != NULL && n < 128 && (e = readdir(d)) != NULL;) {
        size_t len = strlen(e->d_name);
        if (len <= 4 || len >= 64 || strcmp(e->d_name + len - 4, ".ini") != 0)
            continue;
        (void)snprintf(known[n], sizeof(known[n]), "%.*s", (int)(len - 4), e->d_name);
        words[n] = known[n];
        n++;
    }
    if (d != NULL)
        closedir(d);
    const char *near = nearest_word(name, words, n);
    if (near != NULL)
        (void)cli_fail("there is no machine \"%s\"; did you mean \"%s\"?", name, near);
    else
        (void)cli_fail("there is no machine \"%s\", neither a file nor in %s; `backplane machines` "
                       "shows those there are",
                       name, dir);
}

bool cli_find_machine(const char *name, char *path, size_t size)
{
    size_t len = strlen(name);
    bool is_path = strchr(name, '/') != NULL || (len > 4 && strcmp(name + len - 4, ".ini") == 0);
    if (is_path) {
        /* Whatever is wrong with the file is said by who reads it. */
        if (len < size) {
            memcpy(path, name, len + 1);
            return true;
        }
        (void)cli_fail("%.40s...: the path is too long", name);
        return false;
    }
    char dir[PATH_MAX];
    if (!paths_machines(dir, sizeof(dir)))
        return false;
    if (snprintf(path, size, "%s/%s.ini", dir, name) < (int)size && access(path, F_OK) == 0)
        return true;
    say_unknown_machine(name, dir);
    return false;
}

static int fill_options(const struct cli_args *args, struct machine_options *options)
{
    const char *text = cli_value(args, "memory");
    if (text != NULL && (property_parse_number(text, 1, &options->memory_bytes) != BP_OK ||
                         options->memory_bytes == 0))
        return cli_fail("--memory %s: not a size; write for example 512M or 2G", text);
    uint64_t cpus = 0;
    text = cli_value(args, "cpus");
    if (text != NULL &&
        (property_parse_number(text, 0, &cpus) != BP_OK || cpus == 0 || cpus > UINT32_MAX))
        return cli_fail("--cpus %s: not a number of processors; write for example 4", text);
    options->cpus = (uint32_t)cpus;
    options->arch = cli_value(args, "arch");
    options->set = cli_values(args, "set", &options->n_set);
    options->kernel = cli_value(args, "kernel");
    options->initrd = cli_value(args, "initrd");
    options->firmware = cli_value(args, "firmware");
    return 0;
}

static int load(const struct machine_options *options, struct cli_machine *m)
{
    struct diag diag;
    diag_init(&diag);
    int status = 0;
    if (machine_load(options, m->registry, &m->machine, &diag) != BP_OK) {
        char *text = diag_text(&diag);
        fputs(text != NULL ? text : "backplane: out of memory\n", stderr);
        free(text);
        status = EXIT_FAILED;
    }
    diag_fini(&diag);
    return status;
}

int cli_machine_open(const struct cli_args *args, bool will_boot, struct cli_machine *out)
{
    *out = (struct cli_machine){0};
    crash_watch(terminal_restore);
    struct accel_limits limits[ARCH_COUNT];
    const char *accel = cli_value(args, "accel");
    struct err err;
    if (accel_list_limits(accel != NULL ? accel : "auto", limits, &err) != BP_OK)
        return cli_fail("%s", err.text);
    struct machine_options options = {.path = out->path, .limits = limits, .will_boot = will_boot};
    int status = fill_options(args, &options);
    if (status != 0)
        return status;
    if (!cli_find_machine(args->positional[0], out->path, sizeof(out->path)))
        return EXIT_FAILED;
    status = cli_registry_open(args, &out->registry);
    if (status == 0)
        status = load(&options, out);
    if (status != 0)
        cli_machine_close(out);
    return status;
}

void cli_machine_close(struct cli_machine *m)
{
    machine_destroy(m->machine);
    registry_destroy(m->registry);
    *m = (struct cli_machine){0};
}
