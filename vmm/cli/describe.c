/* backplane describe: what a machine is made of and where everything is; starts nothing. */
#include "cli/describe.h"

#include <backplane/abi.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "tables/fdt.h"
#include "tables/map.h"
#include "tables/svg.h"

/* Each writes one form of the machine's layout. `argument` is the option's value, "" for none. */
typedef int32_t writer_fn(const struct layout *layout, const char *argument, FILE *to,
                          struct err *err);

static int32_t write_map(const struct layout *layout, const char *argument, FILE *to,
                         struct err *err)
{
    (void)argument;
    return map_print(layout, to, err);
}

static int32_t write_dtb(const struct layout *layout, const char *argument, FILE *to,
                         struct err *err)
{
    void *blob;
    size_t size;
    (void)argument;
    int32_t status = fdt_build(layout, NULL, &blob, &size, err);
    if (status != BP_OK)
        return status;
    (void)fwrite(blob, 1, size, to);
    free(blob);
    return BP_OK;
}

static int32_t write_dts(const struct layout *layout, const char *argument, FILE *to,
                         struct err *err)
{
    void *blob;
    size_t size;
    (void)argument;
    int32_t status = fdt_build(layout, NULL, &blob, &size, err);
    if (status != BP_OK)
        return status;
    status = fdt_print_dts(blob, size, to, err);
    free(blob);
    return status;
}

static int32_t write_json(const struct layout *layout, const char *argument, FILE *to,
                          struct err *err)
{
    (void)argument;
    (void)err;
    describe_json(layout, to);
    return BP_OK;
}

static int32_t write_svg(const struct layout *layout, const char *argument, FILE *to,
                         struct err *err)
{
    (void)argument;
    return svg_print(layout, to, err);
}

static int32_t write_who(const struct layout *layout, const char *argument, FILE *to,
                         struct err *err)
{
    return map_print_who(layout, argument, to, err);
}

static int32_t write_acpi(const struct layout *layout, const char *argument, FILE *to,
                          struct err *err)
{
    (void)to;
    return describe_acpi(layout, argument, err);
}

static int32_t write_asl(const struct layout *layout, const char *argument, FILE *to,
                         struct err *err)
{
    (void)argument;
    return describe_asl(layout, to, err);
}

static int32_t write_e820(const struct layout *layout, const char *argument, FILE *to,
                          struct err *err)
{
    (void)argument;
    return describe_e820(layout, to, err);
}

static int32_t write_smbios(const struct layout *layout, const char *argument, FILE *to,
                            struct err *err)
{
    (void)argument;
    return describe_smbios(layout, to, err);
}

/* In the order of the options. */
static const struct form {
    const char *option;
    enum {
        TO_STDOUT,
        TO_FILE,     /* the option's value; "-" is standard output */
        TO_DIRECTORY /* the writer makes files there */
    } goes;
    bool binary;
    writer_fn *write;
} forms[] = {
    {"map", TO_STDOUT, false, write_map},    {"dts", TO_STDOUT, false, write_dts},
    {"dtb", TO_FILE, true, write_dtb},       {"acpi", TO_DIRECTORY, true, write_acpi},
    {"asl", TO_STDOUT, false, write_asl},    {"e820", TO_STDOUT, false, write_e820},
    {"smbios", TO_FILE, true, write_smbios}, {"json", TO_STDOUT, false, write_json},
    {"svg", TO_FILE, false, write_svg},      {"who", TO_STDOUT, false, write_who},
};

#define N_FORMS (sizeof(forms) / sizeof(forms[0]))

static int write_file(const char *path, const char *text, size_t size)
{
    FILE *f = fopen(path, "wb");
    if (f == NULL)
        return cli_fail("%s: cannot be written: %s", path, strerror(errno));
    errno = 0;
    bool written = fwrite(text, 1, size, f) == size && fflush(f) == 0;
    int error = errno;
    if (fclose(f) != 0 && written) {
        written = false;
        error = errno;
    }
    return written ? 0 : cli_fail("%s: cannot be written: %s", path, strerror(error));
}

/* Made whole in memory first: an error leaves no half of a file behind. */
static int write_form(const struct form *form, const struct layout *layout, const char *argument)
{
    char *text = NULL;
    size_t size = 0;
    struct err err = {.text = ""};
    FILE *memory = open_memstream(&text, &size);
    if (memory == NULL)
        return cli_fail("out of memory");
    int32_t result = form->write(layout, argument, memory, &err);
    if (fclose(memory) != 0) {
        free(text);
        return cli_fail("out of memory");
    }
    int status = 0;
    if (result != BP_OK)
        status = cli_fail("%s", err.text);
    else if (form->goes == TO_FILE && strcmp(argument, "-") != 0)
        status = write_file(argument, text, size);
    else if (form->binary && isatty(STDOUT_FILENO))
        status = cli_fail("--%s -: standard output is a terminal: name a file", form->option);
    else
        (void)fwrite(text, 1, size, stdout); /* cli_finish_output looks at the stream */
    free(text);
    return status;
}

static const char *form_argument(const struct cli_args *args, const struct form *form)
{
    const char *value = cli_value(args, form->option);
    return value != NULL ? value : "";
}

static bool is_to_stdout(const struct cli_args *args, const struct form *form)
{
    return form->goes == TO_STDOUT ||
           (form->goes == TO_FILE && strcmp(form_argument(args, form), "-") == 0);
}

static int run(const struct cli_command *command, const struct cli_args *args)
{
    unsigned asked = 0;
    unsigned to_stdout = 0;
    for (size_t i = 0; i < N_FORMS; i++) {
        if (!cli_has(args, forms[i].option))
            continue;
        asked++;
        to_stdout += is_to_stdout(args, &forms[i]);
    }
    if (to_stdout > 1)
        return cli_usage(command, "only one of them can go to standard output");
    struct cli_machine m;
    int status = cli_machine_open(args, false, &m);
    if (status != 0)
        return status;
    if (asked == 0)
        status = write_form(&forms[0], &m.machine->layout, "");
    for (size_t i = 0; i < N_FORMS && status == 0; i++)
        if (cli_has(args, forms[i].option))
            status = write_form(&forms[i], &m.machine->layout, form_argument(args, &forms[i]));
    cli_machine_close(&m);
    return cli_finish_output(status);
}

static const struct cli_option options[] = {
    {"map", NULL, "addresses, sizes, lines and their owners (default)", false},
    {"dts", NULL, "the device tree as source", false},
    {"dtb", "FILE", "the device tree as a blob", false},
    {"acpi", "DIR", "the ACPI tables, a file each in a directory", false},
    {"asl", NULL, "the ACPI devices as source, by iasl", false},
    {"e820", NULL, "the memory map that an x86_64 guest gets", false},
    {"smbios", "FILE", "the SMBIOS tables, as dmidecode --from-dump reads them", false},
    {"json", NULL, "all of it, for scripts", false},
    {"svg", "FILE", "a picture of the map", false},
    {"who", "X", "who owns an address (0x10000000), line (irq10) or port (port0x3f8)", false},
};

const struct cli_command command_describe = {
    .name = "describe",
    .arguments = "MACHINE",
    .summary = "show a machine's map, tables or picture; start nothing",
    .details =
        "FILE may be - for standard output. Device tree, ACPI tables and E820 are those that "
        "the guest gets, without what depends on the files that are booted: these may move "
        "the ACPI tables within RAM.",
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .is_machine_command = true,
    .min_positional = 1,
    .max_positional = 1,
    .run = run,
};
