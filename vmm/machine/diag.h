/* Errors of one run, each "file:line: sentence", in the order of the files. */
#ifndef VMM_MACHINE_DIAG_H
#define VMM_MACHINE_DIAG_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct diag_entry {
    const char *file;    /* as the user named it; for included files, by their own path; or NULL */
    uint32_t file_order; /* in which the files were first named */
    uint32_t line;       /* 0: the whole file */
    uint32_t order;      /* of the report */
    char *sentence;
};

struct diag {
    struct diag_entry *entries;
    size_t n;
    size_t n_left_out; /* beyond DIAG_MAX, or for want of memory */
    char **files;
    size_t n_files;
};

#define DIAG_MAX 200

void diag_init(struct diag *diag);
void diag_fini(struct diag *diag);

/* Gives a file its place in the order of the text, before any error in it. */
void diag_file(struct diag *diag, const char *file);

/* `file` NULL: nothing that stands in a file (an argument of the program). */
void diag_add(struct diag *diag, const char *file, uint32_t line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void diag_add_v(struct diag *diag, const char *file, uint32_t line, const char *format,
                va_list args) __attribute__((format(printf, 4, 0)));

/* Errors so far, those left out included. */
size_t diag_count(const struct diag *diag);

/* Sorted by file in order of reading, then line; the text, one error a line; free(). */
char *diag_text(struct diag *diag);

#endif
