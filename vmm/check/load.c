/* Loading the plugin, in the test's process, and what its entry and class say of themselves. */
#include "check/load.h"

#include <stdio.h>
#include <string.h>

#include "classcheck.h"
#include "plugin/loader_library.h"
#include "plugin/registry.h"

#define SYMBOL "bp_plugin_1"

void check_load(struct check_run *run)
{
    check_step(run, "load the file");
    void *library = loader_library_open(run->path);
    if (library == NULL)
        check_fail(run, "cannot be loaded: %s; link it with -Wl,-z,defs to find what is missing",
                   loader_library_error());
    const struct bp_plugin *entry = loader_library_find(library, SYMBOL);
    if (entry == NULL)
        check_fail(run, "has no symbol " SYMBOL ": end its source with BP_PLUGIN(...) and export "
                        "the symbol");
    if (entry->struct_size < sizeof(struct bp_plugin) ||
        entry->abi_version != (BP_ABI_MAJOR << 16 | BP_ABI_MINOR))
        check_fail(run,
                   SYMBOL " is of ABI 0x%x and has %u bytes: build it with this version's "
                          "headers, and end its source with BP_PLUGIN(...)",
                   entry->abi_version, entry->struct_size);
    if (entry->n_classes != 1 || entry->classes == NULL || entry->classes[0] == NULL)
        check_fail(run, SYMBOL " has not one class: give BP_PLUGIN the address of a const class");
    run->plugin = entry;
    run->class_ = entry->classes[0];
    check_step(run, "%s", "");
}

static void opens(struct check_run *run)
{
    check_note(run, "ABI %u.%u", run->plugin->abi_version >> 16,
               run->plugin->abi_version & 0xffffu);
}

static void tables_are_sane(struct check_run *run)
{
    char why[512];
    if (class_check(run->class_, why, sizeof(why)) != BP_OK)
        check_fail(run, "%s", why);
}

static void note_equals_class(struct check_run *run)
{
    const struct bp_class *c = run->class_;
    char id[BP_ID_MAX], version[BP_VERSION_MAX];
    uint32_t abi_major, abi_minor, flags;
    struct err err = {{0}};
    if (plugin_read_note(run->path, id, version, &abi_major, &abi_minor, &flags, &err) != BP_OK)
        check_fail(run, "%s", err.text);
    if (strcmp(id, c->id) != 0)
        check_fail(run, "the note says id %s, the class says %s: give BP_PLUGIN the same", id,
                   c->id);
    if (strcmp(version, c->version) != 0)
        check_fail(run, "the note says version %s, the class says %s: give BP_PLUGIN the same",
                   version, c->version);
    if (flags != c->flags)
        check_fail(run,
                   "the note says flags 0x%x, the class says 0x%x: a backend ends with "
                   "BP_PLUGIN_BACKEND, a device with BP_PLUGIN",
                   flags, c->flags);
    if ((abi_major << 16 | abi_minor) != run->plugin->abi_version)
        check_fail(run, "the note says ABI %u.%u, " SYMBOL " says %u.%u: build it anew", abi_major,
                   abi_minor, run->plugin->abi_version >> 16, run->plugin->abi_version & 0xffffu);
}

static const struct check_test tests[] = {
    {.name = "load.opens",
     .title = "can be loaded and has an entry of this ABI",
     .level = CHECK_LOAD,
     .run = opens},
    {.name = "tables.sane",
     .title = "its class's tables are well formed",
     .level = CHECK_LOAD,
     .run = tables_are_sane},
    {.name = "tables.note",
     .title = "note and class say the same",
     .level = CHECK_LOAD,
     .run = note_equals_class},
};
const struct check_table check_load_tests = CHECK_TABLE(tests);
