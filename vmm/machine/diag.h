/* Errors of one run, each "file:line: sentence", in the order of the file. */
#ifndef VMM_MACHINE_DIAG_H
#define VMM_MACHINE_DIAG_H

#include <stddef.h>
#include <stdint.h>

struct diag_entry {
    char *file;     /* as the user named it; for included files, by their own path */
    uint32_t line;  /* 0: the whole file */
    uint32_t order; /* of the report */
    char *sentence;
};

struct diag {
    struct diag_entry *entries;
    size_t n;
    size_t n_left_out; /* beyond DIAG_MAX */
};

#define DIAG_MAX 200

void diag_init(struct diag *diag);
void diag_fini(struct diag *diag);
void diag_add(struct diag *diag, const char *file, uint32_t line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Sorted by file in order of reading, then line; the text, one error a line; free(). */
char *diag_text(struct diag *diag);

#endif
