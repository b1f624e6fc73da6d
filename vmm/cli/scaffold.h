/* Copies the templates of plugins (sdk/template) with an author's names in them. */
#ifndef VMM_CLI_SCAFFOLD_H
#define VMM_CLI_SCAFFOLD_H

#include <stddef.h>

#include "util/err.h"

/* @NAME@ in a template and in the names of files stands for `value`. */
struct scaffold_value {
    const char *name;
    const char *value;
};

struct scaffold {
    const char *template_dir;
    const char *dir; /* made, or there and empty */
    const struct scaffold_value *values;
    size_t n_values;
};

struct scaffold_file {
    const char *from; /* below template_dir, with @NAME@ */
    const char *to;   /* below dir */
};

/* Reads a template whole, with the values put in: free() it. NULL after an error. */
char *scaffold_read(const struct scaffold *s, const char *from, struct err *err);

/* Makes the directory and all files, or none of them and a sentence. */
int32_t scaffold_make(const struct scaffold *s, const struct scaffold_file *files, size_t n_files,
                      struct err *err);

#endif
