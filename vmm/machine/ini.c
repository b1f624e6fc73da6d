/*
 * The reader of INI text: see ini.h. Grammar on top of inih r55 and later:
 *
 *   [section]      from the first column, at most INI_NAME_BYTES between the brackets
 *   key = value    from the first column; a value with `;` or `#` after a blank, or with blanks at
 *                  its ends, stands in "..." (\" and \\ inside)
 *   ; or #         begin a comment, on a line of its own
 *
 * Lines end with LF or CR LF; a byte order mark is skipped; the text is UTF-8.
 */
#include "machine/ini.h"

#include <backplane/abi.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Stands for a `;` inside quotes, where inih would see a comment. Never occurs in a text. */
#define HIDDEN_SEMICOLON '\x01'

struct reader {
    const char *file;
    const char *next; /* the first byte of the line to read next */
    const char *end;
    uint32_t line; /* of the line that inih has got last */
    const struct ini_handler *handler;
    struct diag *diag;
};

/* --- the file --------------------------------------------------------------------------------- */
static int32_t check_file(int fd, struct err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return err_set(err, BP_ERR_IO, "cannot be read: %s", strerror(errno));
    if (S_ISDIR(st.st_mode))
        return err_set(err, BP_ERR_INVALID, "is a directory: name a machine file in it");
    if (!S_ISREG(st.st_mode))
        return err_set(err, BP_ERR_INVALID,
                       "is not a regular file: machine files are not read from devices or pipes");
    if (st.st_size > (off_t)INI_TEXT_MAX)
        return err_set(err, BP_ERR_RANGE,
                       "has %lld bytes: a machine file has at most %u, so this is none",
                       (long long)st.st_size, INI_TEXT_MAX);
    return BP_OK;
}

static int32_t read_all(int fd, char **text, size_t *size, struct err *err)
{
    char *bytes = malloc(INI_TEXT_MAX + 1);
    size_t have = 0;
    if (bytes == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, "the host is out of memory");
    for (;;) {
        ssize_t n = read(fd, bytes + have, INI_TEXT_MAX + 1 - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || have + (size_t)n > INI_TEXT_MAX) {
            free(bytes);
            return n < 0 ? err_set(err, BP_ERR_IO, "cannot be read: %s", strerror(errno))
                         : err_set(err, BP_ERR_RANGE, "has more than %u bytes", INI_TEXT_MAX);
        }
        if (n == 0)
            break;
        have += (size_t)n;
    }
    char *fitted = realloc(bytes, have + 1);
    *text = fitted != NULL ? fitted : bytes;
    *size = have;
    return BP_OK;
}

int32_t ini_text_read(const char *path, char **text, size_t *size, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return err_set(err, errno == ENOENT ? BP_ERR_NOT_FOUND : BP_ERR_IO, "cannot be opened: %s",
                       strerror(errno));
    int32_t status = check_file(fd, err);
    if (status == BP_OK)
        status = read_all(fd, text, size, err);
    (void)close(fd);
    return status;
}

/* --- bytes ------------------------------------------------------------------------------------ */
static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Bytes of the well-formed UTF-8 character at `p` (Unicode, table 3-7); 0: it is none. */
static size_t utf8_length(const unsigned char *p, size_t left)
{
    if (p[0] < 0x80)
        return 1;
    size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || left < n)
        return 0;
    unsigned char low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    return n;
}

/* NULs and foreign encodings concern the whole file: one error, and nothing of it is used. */
static bool check_text(const char *file, const char *text, size_t size, struct diag *diag)
{
    uint32_t line = 1;
    for (size_t i = 0; i < size;) {
        size_t n = utf8_length((const unsigned char *)text + i, size - i);
        if (text[i] == '\0') {
            diag_add(diag, file, line, "a NUL byte: this is not a text file");
            return false;
        }
        if (n == 0) {
            diag_add(diag, file, line, "not UTF-8 (byte 0x%02x): save the file as UTF-8 text",
                     (unsigned char)text[i]);
            return false;
        }
        line += text[i] == '\n';
        i += n;
    }
    return true;
}

/* What follows a refused header belongs to no section; another refused line leaves a gap. */
static void refuse(struct reader *reader, bool is_header, const char *why)
{
    diag_add(reader->diag, reader->file, reader->line, "%s", why);
    if (is_header)
        reader->handler->on_section(reader->handler->ctx, NULL, reader->line);
    else
        reader->handler->on_refused(reader->handler->ctx);
}

/* --- one line --------------------------------------------------------------------------------- */
/* NULL, or why the section header in `line` (blanks stripped at its end) cannot be used. */
static const char *section_fault(const char *line, size_t length)
{
    const char *bracket = memchr(line, ']', length);
    if (bracket == NULL)
        return "a section header without its ]: write [device NAME]";
    if (bracket != line + length - 1)
        return "text after the section's ]: put it on a line of its own";
    if (length - 2 > INI_NAME_BYTES)
        return "a section header of more than 49 characters between its brackets: shorten the name";
    for (size_t i = 1; i < length - 1; i++) {
        if (line[i] == '[' || line[i] == ';' || line[i] == '#')
            return "a section header with [, ; or # in it: write [device NAME]";
    }
    return NULL;
}

static bool is_key_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-' || c == '@';
}

static const char *quoted_fault(const char *value, size_t length)
{
    size_t i = 1;
    for (; i < length && value[i] != '"'; i++) {
        if (value[i] != '\\')
            continue;
        i++;
        if (i == length || (value[i] != '"' && value[i] != '\\'))
            return "a \\ inside quotes stands before \" or \\ only: write \\\\ for one \\";
    }
    if (i >= length)
        return "a value that begins with \" and does not end with one: close the quotes";
    if (i != length - 1)
        return "text after the closing quote: quote the whole value, put a comment on a line of "
               "its own";
    return NULL;
}

static const char *value_fault(const char *value, size_t length)
{
    if (length > 0 && value[0] == '"')
        return quoted_fault(value, length);
    for (size_t i = 0; i < length; i++) {
        if ((value[i] == ';' || value[i] == '#') && (i == 0 || is_blank(value[i - 1])))
            return "a value is cut at ; or # after a blank: put the value in \"quotes\", or the "
                   "comment on a line of its own";
    }
    return NULL;
}

/* NULL, or why the line is no good `key = value`. */
static const char *key_fault(const char *line, size_t length)
{
    static const char neither[] = "neither [section] nor key = value nor a comment";
    size_t n = 0;
    while (n < length && is_key_character(line[n]))
        n++;
    size_t at = n;
    while (at < length && is_blank(line[at]))
        at++;
    if (n == 0 || at == length || line[at] != '=')
        return at < length && n > 0 && line[at] == ':' ? "write = instead of : after the key"
                                                       : neither;
    at++;
    while (at < length && is_blank(line[at]))
        at++;
    return value_fault(line + at, length - at);
}

/* Those of ASCII and those of Latin-1 (U+0080-U+009F): terminals obey both in messages. */
static bool has_control_character(const char *line, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)line[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return true;
        if (c == 0xc2 && i + 1 < length && (unsigned char)line[i + 1] < 0xa0)
            return true;
    }
    return false;
}

static const char *line_fault(const char *line, size_t length)
{
    if (has_control_character(line, length))
        return "a control character: this is not text";
    if (is_blank(line[0]))
        return "a line that begins with blanks continues the line before in other INI files: move "
               "it to the first column";
    if (length > INI_LINE_BYTES)
        return "a line of more than 197 bytes: shorten it, or give the long part with --set";
    return line[0] == '[' ? section_fault(line, length) : key_fault(line, length);
}

/* Tells of a section; inih itself is silent about those without keys. */
static void announce_section(struct reader *reader, const char *line, size_t length)
{
    char name[INI_NAME_BYTES + 1];
    size_t from = 1, to = length - 1;
    while (from < to && is_blank(line[from]))
        from++;
    while (to > from && is_blank(line[to - 1]))
        to--;
    memcpy(name, line + from, to - from);
    name[to - from] = '\0';
    reader->handler->on_section(reader->handler->ctx, name, reader->line);
}

/* Copies a checked line for inih, which then reads nothing else into it. */
static void hand_over(char *out, const char *line, size_t length)
{
    bool quoted = false;
    for (size_t i = 0; i < length; i++) {
        if (line[i] == '"')
            quoted = true;
        out[i] = quoted && line[i] == ';' ? HIDDEN_SEMICOLON : line[i];
    }
    out[length] = '\n';
    out[length + 1] = '\0';
}

/* inih's fgets: the next line, or an empty one in place of what must not reach it. */
static char *next_line(char *out, int capacity, void *stream)
{
    struct reader *reader = stream;
    if (reader->next == reader->end || capacity < (int)INI_LINE_BYTES + 3)
        return NULL;
    const char *line = reader->next;
    const char *newline = memchr(line, '\n', (size_t)(reader->end - line));
    size_t length = (size_t)((newline != NULL ? newline : reader->end) - line);
    reader->next = newline != NULL ? newline + 1 : reader->end;
    reader->line++;
    if (length > 0 && line[length - 1] == '\r')
        length--;
    while (length > 0 && is_blank(line[length - 1]))
        length--;
    size_t first = 0;
    while (first < length && is_blank(line[first]))
        first++;
    hand_over(out, "", 0);
    if (first == length || line[first] == ';' || line[first] == '#')
        return out;
    const char *fault = line_fault(line, length);
    if (fault != NULL) {
        refuse(reader, line[first] == '[', fault);
        return out;
    }
    if (line[0] == '[')
        announce_section(reader, line, length);
    hand_over(out, line, length);
    return out;
}

/* --- from inih -------------------------------------------------------------------------------- */
static int on_pair(void *user, const char *section, const char *name, const char *value)
{
    struct reader *reader = user;
    char plain[INI_LINE_BYTES + 1];
    size_t n = 0;
    (void)section;
    bool quoted = value[0] == '"';
    for (const char *p = value + (quoted ? 1 : 0); *p != '\0' && n < INI_LINE_BYTES; p++) {
        if (quoted && *p == '"')
            break;
        if (quoted && *p == '\\')
            p++;
        plain[n++] = *p == HIDDEN_SEMICOLON ? ';' : *p;
    }
    plain[n] = '\0';
    reader->handler->on_key(reader->handler->ctx, name, plain, reader->line);
    return 1;
}

void ini_text_parse(const char *file, const char *text, size_t size,
                    const struct ini_handler *handler, struct diag *diag)
{
    static const char mark[] = "\xef\xbb\xbf";
    if (size >= 3 && memcmp(text, mark, 3) == 0) {
        text += 3;
        size -= 3;
    }
    if (!check_text(file, text, size, diag))
        return;
    struct reader reader = {file, text, text + size, 0, handler, diag};
    int status = ini_parse_stream(next_line, &reader, on_pair, &reader);
    /* Every line was checked, so this is a newer library that reads them otherwise. */
    if (status != 0 || reader.next != reader.end)
        diag_add(diag, file, status > 0 ? (uint32_t)status : reader.line,
                 "the INI library does not read this line");
}
