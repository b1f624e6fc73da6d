#include "cli/json.h"

#include <string.h>

#include "cli/text.h"

static void begin_member(struct json *json, const char *name)
{
    if (json->depth > 0) {
        fputs(json->has_member[json->depth - 1] ? ",\n" : "\n", json->out);
        json->has_member[json->depth - 1] = true;
        fprintf(json->out, "%*s", (int)(2 * json->depth), "");
    }
    if (name != NULL)
        fprintf(json->out, "\"%s\": ", name);
}

static void open_level(struct json *json, const char *name, char bracket)
{
    begin_member(json, name);
    fputc(bracket, json->out);
    json->has_member[json->depth++] = false;
}

static void close_level(struct json *json, char bracket)
{
    json->depth--;
    if (json->has_member[json->depth])
        fprintf(json->out, "\n%*s", (int)(2 * json->depth), "");
    fputc(bracket, json->out);
}

void json_begin(struct json *json, FILE *out)
{
    *json = (struct json){.out = out};
    open_level(json, NULL, '{');
}

void json_end(struct json *json)
{
    close_level(json, '}');
    fputc('\n', json->out);
}

void json_object(struct json *json, const char *name)
{
    open_level(json, name, '{');
}

void json_array(struct json *json, const char *name)
{
    open_level(json, name, '[');
}

void json_close_object(struct json *json)
{
    close_level(json, '}');
}

void json_close_array(struct json *json)
{
    close_level(json, ']');
}

static void put_text(FILE *out, const char *text)
{
    while (*text != '\0') {
        unsigned n = text_character(text);
        unsigned char c = (unsigned char)*text;
        if (n == 0)
            fputs("\\ufffd", out);
        else if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            fprintf(out, "\\u%04x", c);
        else
            fwrite(text, 1, n, out);
        text += n == 0 ? 1 : n;
    }
}

void json_string(struct json *json, const char *name, const char *value)
{
    begin_member(json, name);
    if (value == NULL) {
        fputs("null", json->out);
        return;
    }
    fputc('"', json->out);
    put_text(json->out, value);
    fputc('"', json->out);
}

void json_words(struct json *json, const char *name, const char *words)
{
    json_array(json, name);
    for (const char *word = words + strspn(words, " "); *word != '\0';) {
        char copy[64];
        size_t n = strcspn(word, " ");
        (void)snprintf(copy, sizeof(copy), "%.*s", (int)n, word);
        json_string(json, NULL, copy);
        word += n;
        word += strspn(word, " ");
    }
    json_close_array(json);
}

void json_u64(struct json *json, const char *name, uint64_t value)
{
    begin_member(json, name);
    fprintf(json->out, "%llu", (unsigned long long)value);
}

void json_bool(struct json *json, const char *name, bool value)
{
    begin_member(json, name);
    fputs(value ? "true" : "false", json->out);
}
