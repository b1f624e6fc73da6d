/* JSON (RFC 8259) for --json, written as it goes: two blanks a level, members in the given order.
 */
#ifndef VMM_CLI_JSON_H
#define VMM_CLI_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_DEPTH_MAX 16

struct json {
    FILE *out;
    unsigned depth;
    bool has_member[JSON_DEPTH_MAX];
};

void json_begin(struct json *json, FILE *out); /* begins the outermost object */
void json_end(struct json *json);              /* ends it, and the line */

/* `name` is NULL within an array. */
void json_object(struct json *json, const char *name);
void json_array(struct json *json, const char *name);
void json_close_object(struct json *json);
void json_close_array(struct json *json);

/* Bytes that are not UTF-8 become U+FFFD; NULL is null. */
void json_string(struct json *json, const char *name, const char *value);
/* An array of the words between blanks. */
void json_words(struct json *json, const char *name, const char *words);
void json_u64(struct json *json, const char *name, uint64_t value);
void json_bool(struct json *json, const char *name, bool value);

#endif
