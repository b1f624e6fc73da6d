/* The one parser of the command line: what commands get, and what is said of wrong arguments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/options.h"

/* What the test's command was given, and what was written to standard error. */
static struct {
    unsigned n_runs;
    const char *file, *second;
    size_t n_names;
    char names[256];
    bool is_quiet, has_positional;
    char positional[128];
    char text[2048];
} seen;

static int run(const struct cli_command *command, const struct cli_args *args)
{
    (void)command;
    seen.n_runs++;
    seen.file = cli_value(args, "file");
    seen.is_quiet = cli_has(args, "quiet");
    size_t n;
    const char *const *names = cli_values(args, "name", &n);
    seen.n_names = n;
    seen.names[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        strncat(seen.names, names[i], 30);
        strncat(seen.names, " ", 2);
    }
    seen.positional[0] = '\0';
    for (size_t i = 0; i < args->n_positional; i++) {
        strncat(seen.positional, args->positional[i], 30);
        strncat(seen.positional, " ", 2);
    }
    return 42;
}

static const struct cli_option options[] = {
    {"file", "FILE", "a file", false},
    {"name", "N", "a name", true},
    {"quiet", NULL, "says nothing", false},
};

static const struct cli_command command = {.name = "test",
                                           .arguments = "THING",
                                           .summary = "is tested",
                                           .options = options,
                                           .n_options = 3,
                                           .min_positional = 1,
                                           .max_positional = 2,
                                           .run = run};

/* Calls with standard error in seen.text. */
static int call(int (*f)(int argc, char **argv), int argc, char **argv)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    fflush(stderr);
    int saved = dup(STDERR_FILENO);
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
    int status = f(argc, argv);
    fflush(stderr);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    close(saved);
    rewind(file);
    seen.text[fread(seen.text, 1, sizeof(seen.text) - 1, file)] = '\0';
    fclose(file);
    return status;
}

static int run_command(int argc, char **argv)
{
    return options_run(&command, argc, argv);
}

/* The words of one line, as a shell would give them. */
static int parse(const char *line)
{
    static char copy[512];
    char *argv[128];
    int argc = 0;
    (void)snprintf(copy, sizeof(copy), "%s", line);
    char *rest = copy;
    for (char *word; (word = strsep(&rest, " ")) != NULL;)
        if (word[0] != '\0')
            argv[argc++] = word;
    memset(&seen, 0, sizeof(seen));
    return call(run_command, argc, argv);
}

static void value_follows_its_option_or_an_equals_sign(void **state)
{
    (void)state;
    assert_int_equal(parse("x --file a.img"), 42);
    assert_string_equal(seen.file, "a.img");
    assert_int_equal(parse("x --file=a=b"), 42);
    assert_string_equal(seen.file, "a=b");
    assert_int_equal(parse("x --file="), 42);
    assert_string_equal(seen.file, "");
    assert_int_equal(parse("x"), 42);
    assert_null(seen.file);
    assert_string_equal(seen.text, "");
}

static void value_may_begin_with_dashes(void **state)
{
    (void)state;
    assert_int_equal(parse("x --file --quiet"), 42);
    assert_string_equal(seen.file, "--quiet");
    assert_false(seen.is_quiet);
}

static void repeated_options_keep_their_order(void **state)
{
    (void)state;
    assert_int_equal(parse("--name a x --name=b --quiet --name c"), 42);
    assert_int_equal(seen.n_names, 3);
    assert_string_equal(seen.names, "a b c ");
    assert_true(seen.is_quiet);
    assert_string_equal(seen.positional, "x ");
}

static void two_dashes_end_the_options(void **state)
{
    (void)state;
    assert_int_equal(parse("-- --file --"), 42);
    assert_string_equal(seen.positional, "--file -- ");
    assert_int_equal(parse("-"), 42);
    assert_string_equal(seen.positional, "- ");
}

#define USAGE "\nusage: backplane test THING [OPTION]...; see: backplane help test\n"

static void expect_usage(const char *line, const char *sentence)
{
    char wanted[512];
    assert_int_equal(parse(line), EXIT_USAGE);
    assert_int_equal(seen.n_runs, 0);
    (void)snprintf(wanted, sizeof(wanted), "backplane: %s" USAGE, sentence);
    assert_string_equal(seen.text, wanted);
}

static void wrong_arguments_are_named_and_nothing_runs(void **state)
{
    (void)state;
    expect_usage("", "test: THING is missing");
    expect_usage("a b c", "test: one argument too many: c");
    expect_usage("x --fil a", "unknown option --fil; did you mean --file?");
    expect_usage("x --fiel=a", "unknown option --fiel; did you mean --file?");
    expect_usage("x --unheard-of", "unknown option --unheard-of");
    expect_usage("x -f a", "unknown option -f; options begin with two dashes");
    expect_usage("x --file", "--file needs a value: --file FILE");
    expect_usage("x --file a --file b", "--file is given twice");
    expect_usage("x --quiet=yes", "--quiet takes no value");
    expect_usage("x --quiet --quiet", "--quiet is given twice");
}

static void there_is_a_limit_of_repetitions(void **state)
{
    (void)state;
    char *argv[2 * CLI_VALUES_MAX + 4];
    char name[] = "--name", value[] = "n", thing[] = "x";
    int argc = 0;
    argv[argc++] = thing;
    for (unsigned i = 0; i < CLI_VALUES_MAX; i++) {
        argv[argc++] = name;
        argv[argc++] = value;
    }
    memset(&seen, 0, sizeof(seen));
    assert_int_equal(call(run_command, argc, argv), 42);
    assert_int_equal(seen.n_names, CLI_VALUES_MAX);
    argv[argc++] = name;
    argv[argc++] = value;
    memset(&seen, 0, sizeof(seen));
    assert_int_equal(call(run_command, argc, argv), EXIT_USAGE);
    assert_string_equal(seen.text, "backplane: --name is given more than 64 times" USAGE);
}

/* --- The program ------------------------------------------------------------------------------ */

static int program(const char *line)
{
    static char copy[512];
    char *argv[32];
    int argc = 0;
    (void)snprintf(copy, sizeof(copy), "backplane %s", line);
    char *rest = copy;
    for (char *word; (word = strsep(&rest, " ")) != NULL;)
        if (word[0] != '\0')
            argv[argc++] = word;
    memset(&seen, 0, sizeof(seen));
    return call(commands_main, argc, argv);
}

#define PROGRAM_USAGE "\nusage: backplane COMMAND [ARGUMENT]...; see: backplane help\n"

static void wrong_commands_get_the_nearest_one(void **state)
{
    (void)state;
    assert_int_equal(program(""), EXIT_USAGE);
    assert_string_equal(seen.text, "backplane: no command given" PROGRAM_USAGE);
    assert_int_equal(program("chekc"), EXIT_USAGE);
    assert_string_equal(
        seen.text, "backplane: unknown command \"chekc\"; did you mean \"check\"?" PROGRAM_USAGE);
    assert_int_equal(program("xyzzyx"), EXIT_USAGE);
    assert_string_equal(seen.text, "backplane: unknown command \"xyzzyx\"" PROGRAM_USAGE);
    assert_int_equal(program("--log loud version"), EXIT_USAGE);
    assert_string_equal(seen.text, "backplane: --log loud: error, warn, info, guest or debug is "
                                   "allowed" PROGRAM_USAGE);
}

static void every_command_has_a_name_a_summary_and_documented_options(void **state)
{
    (void)state;
    assert_true(cli_n_commands >= 8);
    for (size_t i = 0; i < cli_n_commands; i++) {
        const struct cli_command *c = cli_commands[i];
        assert_non_null(c->run);
        assert_true(strlen(c->summary) > 10 && strlen(c->summary) < 70);
        assert_true(c->min_positional <= c->max_positional && c->max_positional <= 16);
        for (size_t j = 0; j < c->n_options; j++)
            assert_true(strlen(c->options[j].doc) > 5);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(c->name, cli_commands[j]->name);
        /* args hold 32 options of each command. */
        assert_true(c->n_options + (c->is_machine_command ? cli_n_machine_options : 0) <= 32);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(value_follows_its_option_or_an_equals_sign),
        cmocka_unit_test(value_may_begin_with_dashes),
        cmocka_unit_test(repeated_options_keep_their_order),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(wrong_arguments_are_named_and_nothing_runs),
        cmocka_unit_test(there_is_a_limit_of_repetitions),
        cmocka_unit_test(wrong_commands_get_the_nearest_one),
        cmocka_unit_test(every_command_has_a_name_a_summary_and_documented_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
