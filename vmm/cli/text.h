/* Text on a terminal: wrapped to 80 columns, and never a byte that could command the terminal. */
#ifndef VMM_CLI_TEXT_H
#define VMM_CLI_TEXT_H

#include <stdio.h>

#define TEXT_COLUMNS 80u

/* Bytes of the UTF-8 character (RFC 3629) that begins here; 0 when these bytes are none. */
unsigned text_character(const char *text);

/* Writes words up to column 80 and then a line end. The cursor stands at `column`; further lines
 * begin after `indent` blanks. A word longer than a line stays whole. Line ends in the text are
 * kept; control characters and bytes that are not UTF-8 become '?'. */
void text_wrap(FILE *out, unsigned column, unsigned indent, const char *text);

/* "  label      text": the label at `indent`, the text from column `at` on, wrapped. */
void text_row(FILE *out, unsigned indent, const char *label, unsigned at, const char *text);

/* The same with a format for the text, of up to a thousand bytes. */
void text_row_format(FILE *out, unsigned indent, const char *label, unsigned at, const char *format,
                     ...) __attribute__((format(printf, 5, 6)));

#endif
