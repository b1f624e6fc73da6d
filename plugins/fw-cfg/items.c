/*
 * What can be selected. The lists in the properties are "NAME=VALUE,NAME=VALUE", with ",," for a
 * comma, as other programs have it.
 */
#include "fw-cfg.h"

#include <backplane/lib/log.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_SIGNATURE  0x0000u
#define KEY_ID         0x0001u
#define KEY_DIRECTORY  0x0019u
#define KEY_FIRST_FILE 0x0020u

#define ID_TRADITIONAL 1u
#define ID_DMA         2u

enum { SIGNATURE, ID, DIRECTORY, FIRST_FILE };

#define DIRECTORY_HEAD 4u
#define DIRECTORY_ROW  64u /* size, key, 2 reserved bytes, name */

static int32_t no_memory(const struct fw_cfg *s)
{
    return s->host->set_error(s->host, BP_ERR_NO_MEMORY, "out of memory");
}

const struct item *items_find(const struct fw_cfg *s, uint32_t key)
{
    for (uint32_t i = 0; i < s->n_items; i++) {
        if (s->items[i].key == key)
            return &s->items[i];
    }
    return NULL;
}

/* --- what the properties say ------------------------------------------------------------------ */
/* The list's next element, without what stands for a comma; *at is behind it, NULL after the last.
 * NULL: out of memory. */
static char *next_element(const char **at)
{
    const char *from = *at;
    char *element = malloc(strlen(from) + 1);
    size_t n = 0;

    while (element && *from && (*from != ',' || from[1] == ',')) {
        if (*from == ',')
            from++;
        element[n++] = *from++;
    }
    if (element)
        element[n] = '\0';
    *at = *from ? from + 1 : NULL;
    return element;
}

static int name_is_valid(const char *name, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (name[i] <= ' ' || name[i] > '~')
            return 0;
    }
    return length > 0 && length < FILE_NAME_BYTES;
}

static int name_is_taken(const struct fw_cfg *s, const char *name)
{
    for (uint32_t i = 0; i < s->n_items; i++) {
        if (!strcmp(s->items[i].name, name))
            return 1;
    }
    return 0;
}

/* Takes `element`, "NAME=VALUE", which becomes the item's value, at its beginning. */
static int32_t add_file(struct fw_cfg *s, const char *property, char *element, int is_path)
{
    struct item *item = &s->items[s->n_items];
    const char *equals = strchr(element, '=');
    size_t length = equals ? (size_t)(equals - element) : 0;
    int32_t status = BP_OK;

    if (!name_is_valid(element, length))
        status = bp_errorf(s->host, BP_ERR_INVALID,
                           "%s: \"%.80s\": write NAME=%s, the name with 1-%u printable characters "
                           "and no space",
                           property, element, is_path ? "PATH" : "TEXT", FILE_NAME_BYTES - 1);
    else if (s->n_items == FIRST_FILE + FILES_MAX)
        status = bp_errorf(s->host, BP_ERR_NO_SPACE, "%s: more than %u files", property, FILES_MAX);
    if (status != BP_OK) {
        free(element);
        return status;
    }
    memset(item, 0, sizeof(*item));
    memcpy(item->name, element, length);
    if (name_is_taken(s, item->name))
        status = bp_errorf(s->host, BP_ERR_EXISTS, "%s: %s is there already", property, item->name);
    else if (is_path && !equals[1])
        status = bp_errorf(s->host, BP_ERR_INVALID, "%s: %s has no path", property, item->name);
    if (status != BP_OK) {
        free(element);
        return status;
    }
    item->key = KEY_FIRST_FILE + s->n_items - FIRST_FILE;
    memmove(element, equals + 1, strlen(equals + 1) + 1);
    if (is_path) {
        item->path = element;
    } else {
        item->bytes = (uint8_t *)element;
        item->size = (uint32_t)strlen(element);
    }
    s->n_items++;
    return BP_OK;
}

static int32_t add_list(struct fw_cfg *s, const char *property, const char *list, int is_path)
{
    const char *at = list && *list ? list : NULL;

    while (at) {
        char *element = next_element(&at);
        int32_t status = element ? add_file(s, property, element, is_path) : no_memory(s);

        if (status != BP_OK)
            return status;
    }
    return BP_OK;
}

static int32_t add_fixed(struct fw_cfg *s, uint32_t index, uint32_t key, const void *from,
                         uint32_t size)
{
    struct item *item = &s->items[index];

    free(item->bytes);
    *item = (struct item){.key = key, .size = size, .bytes = malloc(size)};
    if (!item->bytes)
        return no_memory(s);
    memcpy(item->bytes, from, size);
    return BP_OK;
}

int32_t items_create(struct fw_cfg *s)
{
    static const uint8_t id[4] = {ID_TRADITIONAL | ID_DMA, 0, 0, 0};
    static const uint8_t no_files[DIRECTORY_HEAD];
    int32_t status;

    s->items = calloc(FIRST_FILE + FILES_MAX, sizeof(*s->items));
    if (!s->items)
        return no_memory(s);
    s->n_items = FIRST_FILE;
    status = add_fixed(s, SIGNATURE, KEY_SIGNATURE, "QEMU", 4);
    if (status == BP_OK)
        status = add_fixed(s, ID, KEY_ID, id, sizeof(id));
    if (status == BP_OK)
        status = add_fixed(s, DIRECTORY, KEY_DIRECTORY, no_files, sizeof(no_files));
    if (status == BP_OK)
        status = add_list(s, "file", s->files, 1);
    if (status == BP_OK)
        status = add_list(s, "string", s->strings, 0);
    return status;
}

/* --- the files' bytes ------------------------------------------------------------------------- */
static int32_t refuse(const struct fw_cfg *s, const struct item *item, const char *why)
{
    return bp_errorf(s->host, BP_ERR_IO, "file: %s: %s: %s", item->name, item->path, why);
}

static int32_t read_all(struct fw_cfg *s, struct item *item, int fd, uint32_t size)
{
    uint32_t done = 0;

    item->bytes = malloc(size ? size : 1);
    if (!item->bytes)
        return no_memory(s);
    while (done < size) {
        ssize_t n = read(fd, item->bytes + done, size - done);

        if (n < 0 && errno != EINTR)
            return refuse(s, item, strerror(errno));
        if (n == 0)
            break; /* it has become shorter */
        done += n > 0 ? (uint32_t)n : 0;
    }
    item->size = done;
    return BP_OK;
}

static int32_t load_open(struct fw_cfg *s, struct item *item, int fd)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return refuse(s, item, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return refuse(s, item, "no plain file; name one");
    if (st.st_size > (off_t)FILE_BYTES_MAX)
        return refuse(s, item, "larger than 256 MiB, too much for firmware");
    return read_all(s, item, fd, (uint32_t)st.st_size);
}

static int32_t load_file(struct fw_cfg *s, struct item *item)
{
    int fd = open(item->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int32_t status;

    if (fd < 0)
        return refuse(s, item, strerror(errno));
    status = load_open(s, item, fd);
    close(fd);
    return status;
}

/* --- directory and digest --------------------------------------------------------------------- */
static void put_be(uint8_t *to, uint32_t value, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++)
        to[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

static int32_t make_directory(struct fw_cfg *s)
{
    uint8_t rows[DIRECTORY_HEAD + FILES_MAX * DIRECTORY_ROW] = {0};
    uint8_t *at = rows + DIRECTORY_HEAD;

    put_be(rows, s->n_items - FIRST_FILE, 4);
    for (uint32_t i = FIRST_FILE; i < s->n_items; i++, at += DIRECTORY_ROW) {
        put_be(at, s->items[i].size, 4);
        put_be(at + 4, s->items[i].key, 2);
        memcpy(at + 8, s->items[i].name, FILE_NAME_BYTES);
    }
    return add_fixed(s, DIRECTORY, KEY_DIRECTORY, rows, (uint32_t)(at - rows));
}

/* FNV-1a: tells files that were changed by mistake, not by an enemy. */
static uint64_t digest(uint64_t hash, const uint8_t *bytes, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

int32_t items_load(struct fw_cfg *s)
{
    int32_t status = BP_OK;

    for (uint32_t i = FIRST_FILE; i < s->n_items && status == BP_OK; i++) {
        if (s->items[i].path)
            status = load_file(s, &s->items[i]);
    }
    if (status == BP_OK)
        status = make_directory(s);
    s->contents = UINT64_C(0xcbf29ce484222325);
    for (uint32_t i = 0; i < s->n_items && status == BP_OK; i++)
        s->contents = digest(s->contents, s->items[i].bytes, s->items[i].size);
    return status;
}

void items_free(struct fw_cfg *s)
{
    for (uint32_t i = 0; i < s->n_items; i++) {
        free(s->items[i].bytes);
        free(s->items[i].path);
    }
    free(s->items);
    s->items = NULL;
    s->n_items = 0;
}
