/* What the words mean, and the candidates that the commands' own tables give: see complete.h. */
#include "cli/complete.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct cli_option option_log = {"log", "LEVEL", "messages to show", false};
static const struct cli_option option_help = {"help", NULL, "what there is to say", false};
static const struct cli_option option_version = {"version", NULL, "the program's version", false};

/* --- output ----------------------------------------------------------------------------------- */
/* In one line, and never a byte that could command the terminal. */
static void put_about(const char *about)
{
    for (; *about != '\0'; about++)
        putchar((unsigned char)*about < ' ' || *about == 0x7f ? ' ' : *about);
    putchar('\n');
}

void complete_word(const struct completion *c, const char *word, const char *about)
{
    /* What a terminal or a shell would take for something else is left out. */
    for (const char *p = word; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            return;
    if (strncmp(word, c->word, strlen(c->word)) != 0)
        return;
    printf("%s%s\t", c->prefix, word);
    put_about(about != NULL ? about : "");
}

void complete_files(const char *kind, const struct completion *c)
{
    printf(":%s %s\n", kind, c->prefix);
}

/* --- options ---------------------------------------------------------------------------------- */
static const struct cli_option *find_option(const struct completion *c, const char *word)
{
    const char *name = word + 2;
    size_t length = strcspn(name, "=");
    const struct cli_option *lists[2] = {&option_log, NULL};
    size_t counts[2] = {1, 0};
    if (c->command != NULL) {
        lists[0] = c->command->options;
        counts[0] = c->command->n_options;
        lists[1] = cli_machine_options;
        counts[1] = c->command->is_machine_command ? cli_n_machine_options : 0;
    }
    for (size_t l = 0; l < 2; l++)
        for (size_t i = 0; i < counts[l]; i++)
            if (strncmp(lists[l][i].name, name, length) == 0 && lists[l][i].name[length] == '\0')
                return &lists[l][i];
    return NULL;
}

static bool is_given(const struct completion *c, const struct cli_option *option)
{
    for (size_t i = 0; i < c->n_given && !option->repeats; i++)
        if (strcmp(c->given[i], option->name) == 0)
            return true;
    return false;
}

/* "of info: ..." in an option's text: not of the other things that the command does. */
static bool is_of_another(const struct completion *c, const struct cli_option *option)
{
    size_t n = strncmp(option->doc, "of ", 3) == 0 ? strcspn(option->doc + 3, ":") : 0;
    return n > 0 && option->doc[3 + n] == ':' && c->n_positional > 0 &&
           (strlen(c->positional[0]) != n || memcmp(c->positional[0], option->doc + 3, n) != 0);
}

static void offer_options(const struct completion *c, const struct cli_option *options, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char word[80];
        (void)snprintf(word, sizeof(word), "--%s", options[i].name);
        if (!is_given(c, &options[i]) && !is_of_another(c, &options[i]))
            complete_word(c, word, options[i].doc);
    }
}

static void all_options(const struct completion *c)
{
    if (c->command == NULL) {
        offer_options(c, &option_log, 1);
        offer_options(c, &option_version, 1);
    } else {
        offer_options(c, c->command->options, c->command->n_options);
        if (c->command->is_machine_command)
            offer_options(c, cli_machine_options, cli_n_machine_options);
    }
    offer_options(c, &option_help, 1);
}

/* --- the words before ------------------------------------------------------------------------- */
static void note_value(struct completion *c, const struct cli_option *option, const char *value)
{
    if (strcmp(option->name, "plugin-dir") == 0 && c->n_dirs < 16)
        c->dirs[c->n_dirs++] = value;
}

static void note_option(struct completion *c, const char *word)
{
    const struct cli_option *option = find_option(c, word);
    const char *equals = strchr(word, '=');
    if (option == NULL)
        return;
    if (c->n_given < 64)
        c->given[c->n_given++] = option->name;
    if (option->value != NULL && equals == NULL)
        c->pending = option;
    else if (equals != NULL)
        note_value(c, option, equals + 1);
}

static void note_positional(struct completion *c, const char *word)
{
    if (c->command == NULL) {
        for (size_t i = 0; i < cli_n_commands; i++)
            if (strcmp(cli_commands[i]->name, word) == 0)
                c->command = cli_commands[i];
    } else if (c->n_positional < 16) {
        c->positional[c->n_positional++] = word;
    }
}

static void read_words(struct completion *c, char **words, int n)
{
    bool only_positional = false;
    for (int i = 0; i < n; i++) {
        if (c->pending != NULL) {
            note_value(c, c->pending, words[i]);
            c->pending = NULL;
        } else if (!only_positional && strcmp(words[i], "--") == 0) {
            only_positional = true;
        } else if (!only_positional && strncmp(words[i], "--", 2) == 0) {
            note_option(c, words[i]);
        } else {
            note_positional(c, words[i]);
        }
    }
}

/* --- arguments, by the command's own usage: "list | info ID" ---------------------------------- */
static void offer_commands(const struct completion *c)
{
    for (size_t i = 0; i < cli_n_commands; i++)
        complete_word(c, cli_commands[i]->name, cli_commands[i]->summary);
}

static bool is_word(const char *token, size_t n, const char *word)
{
    return strlen(word) == n && memcmp(token, word, n) == 0;
}

static bool is_literal(char c)
{
    return c >= 'a' && c <= 'z';
}

/* One token of a usage: a word that stands as it is, or the kind of what is wanted. A new plugin's
 * ID is nobody's yet. */
static void offer_token(const struct completion *c, const char *token, size_t n)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "%.*s", (int)n, token);
    bool is_new = c->n_positional > 0 && strcmp(c->positional[0], "new") == 0;
    if (is_literal(text[0]))
        complete_word(c, text, NULL);
    else if (strcmp(text, "MACHINE") == 0)
        complete_machines(c);
    else if (strcmp(text, "ID") == 0 && !is_new)
        complete_plugins(c);
    else if (strcmp(text, "COMMAND") == 0)
        offer_commands(c);
    else if (strcmp(text, "FILE") == 0)
        complete_files("file", c);
    else if (strncmp(text, "FILE.", 5) == 0)
        complete_files(text + 4, c);
    if (strcmp(text, "FILE.so") == 0) /* or its id */
        complete_plugins(c);
}

/* One alternative, up to its end or the first option. */
static void offer_alternative(const struct completion *c, const char *usage, size_t length)
{
    const char *end = usage + length;
    for (size_t position = 0; usage < end; position++) {
        usage += strspn(usage, " []");
        size_t n = strcspn(usage, " []");
        if (usage >= end || usage[0] == '-' || usage[0] == '|')
            return;
        if (position == c->n_positional) {
            offer_token(c, usage, n);
            return;
        }
        if (is_literal(usage[0]) && !is_word(usage, n, c->positional[position]))
            return;
        usage += n;
    }
}

static void offer_arguments(const struct completion *c)
{
    for (const char *usage = c->command->arguments; *usage != '\0';) {
        const char *bar = strstr(usage, " | ");
        size_t n = bar != NULL ? (size_t)(bar - usage) : strlen(usage);
        offer_alternative(c, usage, n);
        usage += n + (bar != NULL ? 3 : 0);
    }
}

/* --- all -------------------------------------------------------------------------------------- */
static void complete(struct completion *c, char *last)
{
    char *equals = strchr(last, '=');
    const struct cli_option *option = NULL;
    char prefix[128];
    c->word = last;
    if (c->pending != NULL) {
        complete_value(c, c->pending);
        return;
    }
    if (strncmp(last, "--", 2) == 0 && equals != NULL)
        option = find_option(c, last);
    if (option != NULL && option->value != NULL && equals - last < (int)sizeof(prefix) - 1) {
        (void)snprintf(prefix, sizeof(prefix), "%.*s", (int)(equals - last) + 1, last);
        c->prefix = prefix;
        c->word = equals + 1;
        complete_value(c, option);
        return;
    }
    if (last[0] == '-')
        all_options(c);
    else if (c->command == NULL)
        offer_commands(c);
    else
        offer_arguments(c);
}

/* Messages are for those who run a command, not for those who type one. */
static void be_quiet(void)
{
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)dup2(fd, STDERR_FILENO);
        close(fd);
    }
}

int complete_run(int argc, char **argv)
{
    struct completion c = {.prefix = "", .word = ""};
    char nothing[1] = "";
    be_quiet();
    if (argc > 0)
        read_words(&c, argv, argc - 1);
    complete(&c, argc > 0 ? argv[argc - 1] : nothing);
    (void)fflush(stdout);
    return 0;
}
