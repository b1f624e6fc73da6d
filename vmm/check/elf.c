/* What can be said of the file without loading it: head, note, symbols, segments, paths. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check/elf_parts.h"
#include "plugin/loader.h"
#include "util/paths.h"

static void is_shared_object(struct check_run *run)
{
    struct elf_image image;
    char room[32];
    elf_image_open(run, &image);
    check_note(run, "for %s", elf_machine_name(image.head->e_machine, room, sizeof(room)));
}

/* --- Note ------------------------------------------------------------------------------------- */

struct note {
    char id[BP_ID_MAX];
    char version[BP_VERSION_MAX];
    uint32_t abi_major, abi_minor, flags;
};

static void read_note(struct check_run *run, struct note *note)
{
    struct err err = {{0}};
    if (plugin_read_note(run->path, note->id, note->version, &note->abi_major, &note->abi_minor,
                         &note->flags, &err) != BP_OK)
        check_fail(run, "%s", err.text);
}

static void has_note(struct check_run *run)
{
    struct note note;
    struct err err = {{0}};
    read_note(run, &note);
    if (loader_check_abi(run->path, note.abi_major, note.abi_minor, &err) != BP_OK)
        check_fail(run, "%s", err.text);
    if ((note.flags & ~BP_CLASS_BACKEND) != 0)
        check_fail(run, "flags 0x%x: only BP_CLASS_BACKEND is known", note.flags);
}

/* Whether both paths have the same bytes: a copy is no other plugin. */
static bool has_same_bytes(const char *path, const char *other)
{
    char here[4096], there[4096];
    size_t n = 0, m = 0;
    FILE *a = fopen(path, "rbe"), *b = fopen(other, "rbe");
    while (a != NULL && b != NULL) {
        n = fread(here, 1, sizeof(here), a);
        m = fread(there, 1, sizeof(there), b);
        if (n != m || n == 0 || memcmp(here, there, n) != 0)
            break;
    }
    bool is_same = a != NULL && b != NULL && n == 0 && m == 0;
    if (a != NULL)
        (void)fclose(a);
    if (b != NULL)
        (void)fclose(b);
    return is_same;
}

/* Plain ids are those of the plugins that come with the program. */
static void has_id_of_its_own(struct check_run *run)
{
    struct note note;
    char folder[4096], other[4096 + BP_ID_MAX + 8], id[BP_ID_MAX], version[BP_VERSION_MAX];
    uint32_t abi_major, abi_minor, flags;
    read_note(run, &note);
    if (!paths_plugins(folder, sizeof(folder)))
        check_skip(run, "the plugins that come with this program are not found");
    (void)snprintf(other, sizeof(other), "%s/%s.so", folder, note.id);
    if (access(other, R_OK) != 0 ||
        plugin_read_note(other, id, version, &abi_major, &abi_minor, &flags, NULL) != BP_OK ||
        strcmp(id, note.id) != 0 || has_same_bytes(run->path, other))
        return;
    check_fail(run,
               "%s is the id of %s, which comes with this program and is not this file: take one "
               "of your own, such as org.example.%s",
               note.id, other, note.id);
}

/* --- Symbols ---------------------------------------------------------------------------------- */

static void exports_its_entry_alone(struct check_run *run)
{
    struct elf_image image;
    elf_image_open(run, &image);
    const Elf64_Shdr *table = elf_section_of_type(&image, SHT_DYNSYM);
    const Elf64_Sym *symbol;
    const char *name;
    char others[400] = "";
    size_t used = 0;
    bool is_there = false;
    for (uint64_t i = 0; (symbol = elf_symbol(&image, table, i, &name)) != NULL; i++) {
        if (symbol->st_shndx == SHN_UNDEF || ELF64_ST_BIND(symbol->st_info) == STB_LOCAL ||
            elf_is_sanitizers(name))
            continue;
        if (strcmp(name, "bp_plugin_1") == 0) {
            is_there = true;
            if (ELF64_ST_TYPE(symbol->st_info) != STT_OBJECT)
                check_fail(run, "bp_plugin_1 is no data: end the source with BP_PLUGIN(...)");
        } else if (used < sizeof(others)) {
            used += (size_t)snprintf(others + used, sizeof(others) - used, " %s", name);
        }
    }
    if (!is_there)
        check_fail(run, "does not export bp_plugin_1: end the source with BP_PLUGIN(...)");
    if (used > 0)
        check_fail(run,
                   "exports more than bp_plugin_1:%s; compile with -fvisibility=hidden and link "
                   "with the SDK's version script (pkg-config --libs backplane)",
                   others);
}

/* --- Segments --------------------------------------------------------------------------------- */

static void runs_no_data(struct check_run *run)
{
    struct elf_image image;
    const Elf64_Phdr *segment;
    bool has_stack = false;
    elf_image_open(run, &image);
    for (uint32_t i = 0; (segment = elf_segment(&image, i)) != NULL; i++) {
        has_stack |= segment->p_type == PT_GNU_STACK;
        if ((segment->p_flags & PF_X) == 0)
            continue;
        if (segment->p_type == PT_GNU_STACK)
            check_fail(run, "wants an executable stack: link it with -Wl,-z,noexecstack; what asks "
                            "for it is assembler without .note.GNU-stack, or a nested function");
        if (segment->p_type == PT_LOAD && (segment->p_flags & PF_W) != 0)
            check_fail(run, "segment %u is both writable and executable", i);
    }
    if (!has_stack)
        check_fail(run, "does not say that its stack is not executable: link it with "
                        "-Wl,-z,noexecstack");
}

static void has_no_text_relocations(struct check_run *run)
{
    struct elf_image image;
    const Elf64_Dyn *entry;
    elf_image_open(run, &image);
    for (uint32_t i = 0; (entry = elf_dynamic(&image, i)) != NULL; i++)
        if (entry->d_tag == DT_TEXTREL ||
            (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL) != 0))
            check_fail(run, "its code is changed when it is loaded: compile all of it with -fPIC");
}

/* --- Paths ------------------------------------------------------------------------------------ */

static void check_search_path(struct check_run *run, const char *list)
{
    for (;;) {
        size_t n = strcspn(list, ":");
        if (strncmp(list, "$ORIGIN", 7) != 0 && strncmp(list, "${ORIGIN}", 9) != 0)
            check_fail(run,
                       "looks for libraries in \"%.*s\": only paths from $ORIGIN, the plugin's own "
                       "directory, are the same on every host; link it without -rpath",
                       (int)n, list);
        if (list[n] == '\0')
            return;
        list += n + 1;
    }
}

static void has_no_foreign_path(struct check_run *run)
{
    struct elf_image image;
    const Elf64_Dyn *entry;
    elf_image_open(run, &image);
    for (uint32_t i = 0; (entry = elf_dynamic(&image, i)) != NULL; i++)
        if (entry->d_tag == DT_RPATH || entry->d_tag == DT_RUNPATH)
            check_search_path(run, elf_dynamic_string(&image, entry));
}

static const struct check_test tests[] = {
    {"load.elf", "a shared object for this machine", CHECK_LOAD, 0, true, is_shared_object},
    {"load.note", "has a well-formed note of this ABI", CHECK_LOAD, 0, true, has_note},
    {"load.id", "its id is no other plugin's", CHECK_LOAD, 0, true, has_id_of_its_own},
    {"load.symbols", "exports its entry and nothing else", CHECK_LOAD, 0, true,
     exports_its_entry_alone},
    {"load.imports", "uses nothing but what its libraries have", CHECK_LOAD, 0, true,
     elf_check_imports},
    {"load.statics", "has no variables that its devices would share", CHECK_LOAD, 0, true,
     elf_check_statics},
    {"load.constructors", "runs nothing when it is loaded", CHECK_LOAD, 0, true,
     elf_check_constructors},
    {"load.stack", "has no executable stack or data", CHECK_LOAD, 0, true, runs_no_data},
    {"load.text", "its code is the same wherever it is loaded", CHECK_LOAD, 0, true,
     has_no_text_relocations},
    {"load.path", "looks for libraries in no foreign place", CHECK_LOAD, 0, true,
     has_no_foreign_path},
};
const struct check_table check_elf_tests = CHECK_TABLE(tests);
