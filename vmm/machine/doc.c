/* Machine files as sections of keys: see doc.h. */
#include "machine/doc.h"

#include <backplane/abi.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine/ini.h"
#include "util/nearest.h"
#include "util/paths.h"

/* One file that is being read. */
struct reading {
    struct doc *doc;
    const struct doc_file *file;
    uint32_t depth;
    struct doc_section *section; /* NULL: before the first, or in one that cannot be used */
    bool in_section;             /* the first header was seen */
};

static void doc_read_file(struct doc *doc, const char *path, const char *shown, uint32_t depth,
                          const struct reading *from, uint32_t line);

/* --- messages --------------------------------------------------------------------------------- */
void doc_section_error(const struct doc *doc, const struct doc_section *section, const char *format,
                       ...)
{
    char sentence[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(sentence, sizeof(sentence), format, args);
    va_end(args);
    diag_add(doc->diag, section->file->path, section->line, "%s: %s", section->title, sentence);
}

/* Values can be as long as what --set gives: messages show their beginning. */
#define SHOWN_BYTES 80

void doc_key_error(const struct doc *doc, const struct doc_section *section,
                   const struct doc_key *key, const char *value, const char *format, ...)
{
    char sentence[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(sentence, sizeof(sentence), format, args);
    va_end(args);
    bool cut = strlen(value) > SHOWN_BYTES;
    diag_add(doc->diag, key->file->path, key->line, "%s: %s =%s%.*s%s: %s", section->title,
             key->full, value[0] != '\0' ? " " : "", cut ? SHOWN_BYTES : (int)strlen(value), value,
             cut ? "..." : "", sentence);
}

/* --- keys ------------------------------------------------------------------------------------- */
static const struct doc_key *find_full(const struct doc *doc, const struct doc_section *section,
                                       const char *name, const char *at_arch)
{
    char id[384];
    int n = snprintf(id, sizeof(id), "%zu/%s%s%s", section->number, name,
                     at_arch != NULL ? "@" : "", at_arch != NULL ? at_arch : "");
    return n < (int)sizeof(id) ? strmap_find(&doc->by_key, id) : NULL;
}

const struct doc_key *doc_find(const struct doc *doc, const struct doc_section *section,
                               const char *name, enum arch arch)
{
    const struct doc_key *key =
        arch != ARCH_INVALID ? find_full(doc, section, name, arch_name(arch)) : NULL;
    return key != NULL ? key : find_full(doc, section, name, NULL);
}

bool doc_counts(const struct doc *doc, const struct doc_section *section, const struct doc_key *key,
                enum arch arch)
{
    return key->arch == ARCH_INVALID ? find_full(doc, section, key->name, arch_name(arch)) == NULL
                                     : key->arch == arch;
}

/* Splits "name@arch"; false, reported, when that is wrong. */
static bool split_key(struct reading *reading, struct doc_key *key)
{
    static const char *const known[] = {"x86_64", "arm64", "riscv64"};
    struct doc *doc = reading->doc;
    char *at = strchr(key->full, '@');
    if (at == NULL) {
        key->name = key->full;
        return true;
    }
    key->name = arena_copy(doc->arena, key->full, (size_t)(at - key->full));
    key->arch = arch_from_name(at + 1);
    if (key->name == NULL || key->name[0] == '\0' || key->arch == ARCH_INVALID) {
        const char *nearest = nearest_word(at + 1, known, 3);
        diag_add(doc->diag, key->file->path, key->line,
                 "%s: %s: @ stands before x86_64, arm64 or riscv64%s%s%s", reading->section->title,
                 key->full, nearest != NULL ? "; did you mean @" : "",
                 nearest != NULL ? nearest : "", nearest != NULL ? "?" : "");
        return false;
    }
    if (strcmp(key->name, "arch") == 0) {
        diag_add(doc->diag, key->file->path, key->line,
                 "%s: %s: arch itself has no @ARCH: list the architectures as its value",
                 reading->section->title, key->full);
        return false;
    }
    return true;
}

static bool append_key(struct doc *doc, struct doc_section *section, struct doc_key *key)
{
    if (section->n_keys == section->capacity) {
        size_t capacity = section->capacity == 0 ? 8 : section->capacity * 2;
        struct doc_key **keys = realloc(section->keys, capacity * sizeof(struct doc_key *));
        if (keys == NULL)
            return false;
        section->keys = keys;
        section->capacity = capacity;
    }
    section->keys[section->n_keys++] = key;
    const char *id = arena_format(doc->arena, "%zu/%s", section->number, key->full);
    return id != NULL && strmap_put(&doc->by_key, id, key);
}

/* Puts the key in its section, over one of an included file. */
static void store_key(struct reading *reading, const struct doc_key *key)
{
    struct doc *doc = reading->doc;
    struct doc_section *section = reading->section;
    struct doc_key *there = (struct doc_key *)(uintptr_t)find_full(doc, section, key->full, NULL);
    if (there == NULL) {
        there = arena_alloc(doc->arena, sizeof(*there));
        if (there == NULL || !append_key(doc, section, there = memcpy(there, key, sizeof(*key))))
            diag_add(doc->diag, key->file->path, key->line, "the host is out of memory");
        return;
    }
    if (there->file == key->file) {
        doc_key_error(doc, section, key, key->value,
                      "the key is there already, at line %u: remove one of them", there->line);
        return;
    }
    *there = *key;
}

const char *doc_path(struct arena *arena, const struct doc_file *file,
                     const struct expansion *value)
{
    const char *directory = value->directory != NULL ? value->directory : file->directory;
    if (value->text[0] == '/' || directory[0] == '\0')
        return value->text;
    return arena_format(arena, "%s%s", directory, value->text);
}

/* The path of what an include names: a file, or a machine that comes with the program; NULL,
 * reported. */
static const char *included_path(const struct doc *doc, const struct doc_key *key,
                                 const struct expansion *value)
{
    char directory[PATH_MAX];
    bool is_name = strpbrk(value->text, "/.") == NULL;
    if (is_name && !paths_machines(directory, sizeof(directory)))
        directory[0] = '\0';
    const char *path = is_name ? arena_format(doc->arena, "%s/%s.ini", directory, value->text)
                               : doc_path(doc->arena, key->file, value);
    if (path == NULL) {
        diag_add(doc->diag, key->file->path, key->line, "the host is out of memory");
        return NULL;
    }
    if (!is_name || access(path, F_OK) == 0)
        return path;
    diag_add(doc->diag, key->file->path, key->line,
             "include = %s: there is no machine of this name in %s; write ./%s for a file that is "
             "here",
             value->text, directory, value->text);
    return NULL;
}

static void on_include(struct reading *reading, const struct doc_key *key)
{
    struct doc *doc = reading->doc;
    struct err err;
    struct expansion value;
    if (vars_expand(doc->vars, key->value, &value, &err) != BP_OK) {
        diag_add(doc->diag, key->file->path, key->line, "include = %s: %s", key->value, err.text);
        return;
    }
    if (value.text[0] == '\0') {
        diag_add(doc->diag, key->file->path, key->line, "include =: a file name is wanted");
        return;
    }
    const char *path = included_path(doc, key, &value);
    if (path != NULL)
        doc_read_file(doc, path, value.text, reading->depth + 1, reading, key->line);
}

static void on_key_outside(struct reading *reading, const struct doc_key *key)
{
    if (strcmp(key->full, "include") == 0) {
        on_include(reading, key);
        return;
    }
    diag_add(reading->doc->diag, key->file->path, key->line,
             "%s = %s: a key before the first section; only include stands there", key->full,
             key->value);
}

static void on_key(void *ctx, const char *name, const char *value, uint32_t line)
{
    struct reading *reading = ctx;
    struct doc *doc = reading->doc;
    struct err err;
    struct doc_key key = {.full = arena_string(doc->arena, name),
                          .value = arena_string(doc->arena, value),
                          .file = reading->file,
                          .line = line};
    if (key.full == NULL || key.value == NULL) {
        diag_add(doc->diag, reading->file->path, line, "the host is out of memory");
        return;
    }
    bool well_formed = vars_scan(doc->vars, key.value, &err) == BP_OK;
    if (reading->section == NULL && !well_formed)
        diag_add(doc->diag, key.file->path, line, "%s = %s: %s", name, value, err.text);
    else if (!reading->in_section)
        on_key_outside(reading, &key);
    if (reading->section == NULL)
        return;
    if (!well_formed)
        doc_key_error(doc, reading->section, &key, value, "%s", err.text);
    else if (strcmp(key.full, "include") == 0)
        doc_key_error(doc, reading->section, &key, value,
                      "include stands at the top of a file, before the first section");
    else if (split_key(reading, &key)) {
        store_key(reading, &key);
        return;
    }
    reading->section->broken = true;
}

/* --- sections --------------------------------------------------------------------------------- */
static bool is_part_name(const char *name)
{
    for (const char *p = name; *p != '\0'; p++) {
        bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z');
        bool other = (*p >= '0' && *p <= '9') || *p == '-' || *p == '_';
        if (!letter && (!other || p == name))
            return false;
    }
    return name[0] != '\0';
}

/* By enum doc_kind. */
static const char *const kind_words[] = {"machine", "boot", "set", "device", "backend"};
#define N_KINDS (sizeof(kind_words) / sizeof(kind_words[0]))

/* Where the section of a kind without names is kept. */
static struct doc_section **only_section(struct doc *doc, enum doc_kind kind)
{
    return kind == DOC_MACHINE ? &doc->machine : kind == DOC_BOOT ? &doc->boot : &doc->set;
}

/* "device console" -> its kind and name; false, reported, when it is neither. */
static bool parse_title(struct reading *reading, const char *title, uint32_t line,
                        enum doc_kind *kind, const char **name)
{
    size_t n = strcspn(title, " \t");
    char word[INI_NAME_BYTES + 1];
    memcpy(word, title, n);
    word[n] = '\0';
    *name = title + n + strspn(title + n, " \t");
    struct diag *diag = reading->doc->diag;
    const char *file = reading->file->path;
    for (size_t i = 0; i < N_KINDS; i++) {
        if (strcmp(word, kind_words[i]) != 0)
            continue;
        *kind = (enum doc_kind)i;
        bool has_name = *kind >= DOC_DEVICE;
        if (has_name ? is_part_name(*name) : (*name)[0] == '\0')
            return true;
        if (has_name)
            diag_add(diag, file, line,
                     "[%s]: a name is wanted: a letter, then letters, digits, - and _", title);
        else
            diag_add(diag, file, line, "[%s]: the section has no name of its own: write [%s]",
                     title, word);
        return false;
    }
    const char *nearest = nearest_word(word, kind_words, N_KINDS);
    diag_add(diag, file, line,
             "[%s]: unknown section; there are [machine], [boot], [set], [device NAME] and "
             "[backend NAME]%s%s%s",
             title, nearest != NULL ? "; did you mean " : "", nearest != NULL ? nearest : "",
             nearest != NULL ? "?" : "");
    return false;
}

static struct doc_section *add_section(struct reading *reading, enum doc_kind kind,
                                       const char *name, uint32_t line)
{
    struct doc *doc = reading->doc;
    if (doc->n_sections == doc->capacity) {
        size_t capacity = doc->capacity == 0 ? 16 : doc->capacity * 2;
        struct doc_section **all = realloc(doc->sections, capacity * sizeof(struct doc_section *));
        if (all == NULL)
            return NULL;
        doc->sections = all;
        doc->capacity = capacity;
    }
    struct doc_section *section = arena_alloc(doc->arena, sizeof(*section));
    if (section == NULL)
        return NULL;
    section->kind = kind;
    section->number = doc->n_sections;
    section->name = arena_string(doc->arena, name);
    section->title = kind < DOC_DEVICE ? kind_words[kind]
                                       : arena_format(doc->arena, "%s %s", kind_words[kind], name);
    section->file = reading->file;
    section->line = line;
    if (section->name == NULL || section->title == NULL)
        return NULL;
    if (kind < DOC_DEVICE)
        *only_section(doc, kind) = section;
    else if (!strmap_put(&doc->by_name, section->name, section))
        return NULL;
    doc->sections[doc->n_sections++] = section;
    return section;
}

static struct doc_section *enter_section(struct reading *reading, enum doc_kind kind,
                                         const char *name, uint32_t line)
{
    struct doc *doc = reading->doc;
    struct doc_section *there =
        kind < DOC_DEVICE ? *only_section(doc, kind) : strmap_find(&doc->by_name, name);
    if (there == NULL) {
        there = add_section(reading, kind, name, line);
        if (there == NULL) {
            diag_add(doc->diag, reading->file->path, line, "the host is out of memory");
            return NULL;
        }
    } else if (there->kind != kind) {
        diag_add(doc->diag, reading->file->path, line,
                 "[%s %s]: the name belongs to [%s] at %s:%u already: choose another",
                 kind_words[kind], name, there->title, there->file->path, there->line);
        return NULL;
    } else if (there->last_file == reading->file) {
        diag_add(doc->diag, reading->file->path, line,
                 "[%s]: the section is there already, at line %u: put its keys together",
                 there->title, there->last_line);
        return NULL;
    }
    there->last_file = reading->file;
    there->last_line = line;
    return there;
}

static void on_section(void *ctx, const char *title, uint32_t line)
{
    struct reading *reading = ctx;
    enum doc_kind kind;
    const char *name;
    reading->in_section = true;
    reading->section = NULL;
    if (title != NULL && parse_title(reading, title, line, &kind, &name))
        reading->section = enter_section(reading, kind, name, line);
}

static void on_refused(void *ctx)
{
    struct reading *reading = ctx;
    if (reading->section != NULL)
        reading->section->broken = true;
}

/* --- files ------------------------------------------------------------------------------------ */
static struct doc_file *add_file(struct doc *doc, const char *path, const struct stat *st)
{
    struct doc_file *file = arena_alloc(doc->arena, sizeof(*file));
    if (file == NULL)
        return NULL;
    const char *slash = strrchr(path, '/');
    file->path = arena_string(doc->arena, path);
    file->directory = arena_copy(doc->arena, path, slash != NULL ? (size_t)(slash - path) + 1 : 0);
    file->device = (uint64_t)st->st_dev;
    file->inode = (uint64_t)st->st_ino;
    if (file->path == NULL || file->directory == NULL)
        return NULL;
    doc->files[doc->n_files++] = file;
    diag_file(doc->diag, file->path);
    return file;
}

/* Where an error about the file itself belongs: at the line that includes it. */
static void file_error(struct doc *doc, const struct reading *from, uint32_t line, const char *path,
                       const char *shown, const char *sentence)
{
    if (from == NULL)
        diag_add(doc->diag, path, 0, "%s", sentence);
    else if (strcmp(path, shown) == 0)
        diag_add(doc->diag, from->file->path, line, "include = %s: %s", shown, sentence);
    else
        diag_add(doc->diag, from->file->path, line, "include = %s: %s: %s", shown, path, sentence);
}

/* NULL: not to be read, and reported unless it was read before. */
static struct doc_file *admit_file(struct doc *doc, const char *path, const char *shown,
                                   uint32_t depth, const struct reading *from, uint32_t line)
{
    struct stat st;
    memset(&st, 0, sizeof(st));
    bool exists = stat(path, &st) == 0;
    for (size_t i = 0; exists && i < doc->n_files; i++) {
        const struct doc_file *file = doc->files[i];
        if (file->device != (uint64_t)st.st_dev || file->inode != (uint64_t)st.st_ino)
            continue;
        if (file->open)
            file_error(doc, from, line, shown, shown,
                       "a file cannot include itself, also not "
                       "through others: remove this line");
        return NULL;
    }
    const char *fault = NULL;
    if (depth >= DOC_DEPTH_MAX)
        fault = "more than 8 files include one another: include fewer levels";
    else if (doc->n_files == DOC_FILES_MAX)
        fault = "more than 64 files: include fewer";
    if (fault != NULL) {
        file_error(doc, from, line, shown, shown, fault);
        return NULL;
    }
    struct doc_file *file = add_file(doc, path, &st);
    if (file == NULL)
        file_error(doc, from, line, shown, shown, "the host is out of memory");
    return file;
}

static void doc_read_file(struct doc *doc, const char *path, const char *shown, uint32_t depth,
                          const struct reading *from, uint32_t line)
{
    struct err err;
    char *text = NULL;
    size_t size = 0;
    struct doc_file *file = admit_file(doc, path, shown, depth, from, line);
    if (file == NULL)
        return;
    if (ini_text_read(path, &text, &size, &err) != BP_OK) {
        file_error(doc, from, line, path, shown, err.text);
        return;
    }
    struct reading reading = {doc, file, depth, NULL, false};
    struct ini_handler handler = {&reading, on_section, on_key, on_refused};
    file->open = true;
    ini_text_parse(file->path, text, size, &handler, doc->diag);
    file->open = false;
    free(text);
}

bool doc_read(struct doc *doc, const char *path, struct arena *arena, struct vars *vars,
              struct diag *diag)
{
    memset(doc, 0, sizeof(*doc));
    doc->arena = arena;
    doc->vars = vars;
    doc->diag = diag;
    doc_read_file(doc, path, path, 0, NULL, 0);
    doc_apply_set(doc, ARCH_INVALID);
    return doc->n_sections > 0;
}

void doc_fini(struct doc *doc)
{
    for (size_t i = 0; i < doc->n_sections; i++)
        free(doc->sections[i]->keys);
    free(doc->sections);
    strmap_fini(&doc->by_name);
    strmap_fini(&doc->by_key);
    memset(doc, 0, sizeof(*doc));
}
