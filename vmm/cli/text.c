#include "cli/text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

unsigned text_character(const char *text)
{
    unsigned char c = (unsigned char)text[0], second = (unsigned char)text[1];
    if (c < 0x80)
        return 1;
    unsigned n = c >= 0xc2 && c < 0xe0   ? 2
                 : c >= 0xe0 && c < 0xf0 ? 3
                 : c >= 0xf0 && c < 0xf5 ? 4
                                         : 0;
    for (unsigned i = 1; i < n; i++)
        if (!is_continuation(text[i]))
            return 0;
    /* Overlong forms, surrogates, and what lies beyond U+10FFFF. */
    bool is_odd = (c == 0xe0 && second < 0xa0) || (c == 0xed && second >= 0xa0) ||
                  (c == 0xf0 && second < 0x90) || (c == 0xf4 && second >= 0x90);
    return is_odd ? 0 : n;
}

/* C1 control characters are U+0080 to U+009F. */
static bool is_printable(const char *text, unsigned n)
{
    unsigned char c = (unsigned char)text[0];
    bool is_c1 = n == 2 && c == 0xc2 && (unsigned char)text[1] < 0xa0;
    return n > 0 && c >= 0x20 && c != 0x7f && !is_c1;
}

static bool ends_word(char c)
{
    return c == '\0' || c == ' ' || c == '\n';
}

static unsigned word_columns(const char *text)
{
    unsigned columns = 0;
    while (!ends_word(*text)) {
        unsigned n = text_character(text);
        text += n == 0 ? 1 : n;
        columns++;
    }
    return columns;
}

static const char *put_word(FILE *out, const char *text)
{
    while (!ends_word(*text)) {
        unsigned n = text_character(text);
        if (is_printable(text, n))
            fwrite(text, 1, n, out);
        else
            fputc('?', out);
        text += n == 0 ? 1 : n;
    }
    return text;
}

void text_wrap(FILE *out, unsigned column, unsigned indent, const char *text)
{
    bool is_first = true;
    while (*text != '\0') {
        while (*text == ' ')
            text++;
        if (*text == '\n') {
            fprintf(out, "\n%*s", text[1] != '\0' ? (int)indent : 0, "");
            column = indent;
            is_first = true;
            text++;
            continue;
        }
        unsigned columns = word_columns(text);
        if (!is_first && column + 1 + columns > TEXT_COLUMNS) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (!is_first && columns > 0) {
            fputc(' ', out);
            column++;
        }
        text = put_word(out, text);
        column += columns;
        is_first = false;
    }
    fputc('\n', out);
}

static unsigned columns_of(const char *text)
{
    unsigned columns = 0;
    for (; *text != '\0'; text++)
        columns += !is_continuation(*text);
    return columns;
}

void text_row(FILE *out, unsigned indent, const char *label, unsigned at, const char *text)
{
    unsigned column = indent + columns_of(label);
    fprintf(out, "%*s%s", (int)indent, "", label);
    if (column + 1 > at)
        fprintf(out, "\n%*s", (int)at, "");
    else
        fprintf(out, "%*s", (int)(at - column), "");
    text_wrap(out, at, at, text);
}

void text_row_format(FILE *out, unsigned indent, const char *label, unsigned at, const char *format,
                     ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    text_row(out, indent, label, at, text);
}
