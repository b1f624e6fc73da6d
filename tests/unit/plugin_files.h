/* Plugin files for the tests of notes, loader and registry: those of tests/unit/plugins, whole or
 * with bytes changed, in a directory of the test's own. */
#ifndef TESTS_UNIT_PLUGIN_FILES_H
#define TESTS_UNIT_PLUGIN_FILES_H

#include <elf.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <backplane/plugin.h>

struct file_bytes {
    uint8_t *bytes;
    size_t size;
};

static inline struct file_bytes file_load(const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof(path), BUILD_DIR "/tests/unit/plugins/%s.so", name);
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        fprintf(stderr, "%s is missing: make %s\n", path, path);
        abort();
    }
    struct file_bytes file = {.bytes = malloc(1 << 20)};
    file.size = fread(file.bytes, 1, 1 << 20, f);
    fclose(f);
    return file;
}

/* A directory that only we can write to; files in it go with files_end. */
static inline void files_begin(char *dir, size_t size)
{
    (void)snprintf(dir, size, "/tmp/backplane-plugins-XXXXXX");
    if (mkdtemp(dir) == NULL)
        abort();
}

static inline void files_end(const char *dir)
{
    char command[512];
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
    if (system(command) != 0)
        abort();
}

static inline void file_store(const char *dir, const char *name, const void *bytes, size_t size)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size || close(fd) != 0)
        abort();
}

/* Where the plugin's note lies in the file. */
static inline struct bp_note *file_note(const struct file_bytes *file)
{
    for (size_t i = 0; i + sizeof(struct bp_note) <= file->size; i += 4) {
        struct bp_note *note = (struct bp_note *)(void *)(file->bytes + i);
        if (note->name_size == 10 && note->type == 1 && memcmp(note->name, "Backplane", 10) == 0)
            return note;
    }
    abort();
}

#endif
