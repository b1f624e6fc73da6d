/*
 * backplane complete WORD...: what could stand in place of the last word, for shells. The words are
 * those behind the program's name. It is in no table of commands: it has no options of its own, and
 * takes any words.
 *
 * Output is a line for each candidate: the whole word, a tab, what it is (or nothing). A word that
 * ends with = wants more behind it. A line ":KIND PREFIX" asks the shell to complete PREFIX and a
 * file name: :file any file, :directory a directory, :.EXT a file of that extension, or a directory
 * on the way. Nothing is written to standard error, and the exit status is 0 whatever the words
 * are.
 */
#ifndef VMM_CLI_COMPLETE_H
#define VMM_CLI_COMPLETE_H

#include "cli/cli.h"

int complete_run(int argc, char **argv);

/* --- between its files ------------------------------------------------------------------------ */

/* What the words before the last one say. */
struct completion {
    const struct cli_command *command; /* NULL: none yet */
    const char *positional[16];
    size_t n_positional;
    const struct cli_option *pending; /* the option whose value the last word is; NULL */
    const char *dirs[16];             /* of --plugin-dir */
    size_t n_dirs;
    const char *given[64]; /* options */
    size_t n_given;
    const char *prefix; /* of the last word, before what is completed: "--arch=" */
    const char *word;   /* what is completed */
};

/* A candidate, shown if it begins with the word. */
void complete_word(const struct completion *c, const char *word, const char *about);
void complete_files(const char *kind, const struct completion *c);

/* complete_values.c */
void complete_value(const struct completion *c, const struct cli_option *option);
void complete_machines(const struct completion *c);
void complete_plugins(const struct completion *c);

#endif
