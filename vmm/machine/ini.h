/*
 * Machine files as text: the only user of inih. What inih would misread (long lines, long section
 * names, continuation lines, ` ;` in values, text after a section's bracket, `:` for `=`) is
 * refused here with its line, so that what is handed on is what the author wrote.
 */
#ifndef VMM_MACHINE_INI_H
#define VMM_MACHINE_INI_H

#include <stddef.h>
#include <stdint.h>

#include "machine/diag.h"
#include "util/err.h"

#define INI_TEXT_MAX   (1u << 20) /* bytes of a file */
#define INI_LINE_BYTES 197u       /* inih's limit, without line end */
#define INI_NAME_BYTES 49u        /* of a section, between its brackets */

struct ini_handler {
    void *ctx;
    /* Between the brackets, stripped; NULL: a header that cannot be used, reported already. */
    void (*on_section)(void *ctx, const char *name, uint32_t line);
    /* The value without its quotes. Both last for the call. */
    void (*on_key)(void *ctx, const char *key, const char *value, uint32_t line);
    /* A line of the present section was refused and reported. */
    void (*on_refused)(void *ctx);
};

/* The whole of a regular file of at most INI_TEXT_MAX bytes; free(). Never blocks. */
int32_t ini_text_read(const char *path, char **text, size_t *size, struct err *err);

/* Walks the text line by line. Errors go to `diag` under the name `file`. */
void ini_text_parse(const char *file, const char *text, size_t size,
                    const struct ini_handler *handler, struct diag *diag);

#endif
