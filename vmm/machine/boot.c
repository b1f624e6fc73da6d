/* The [boot] section: what the guest starts from, where the command line names nothing else. */
#include <backplane/abi.h>
#include <string.h>

#include "boot/file.h"
#include "machine/parts.h"

static const char *const boot_keys[] = {"kernel", "initrd", "firmware", "append"};
#define N_BOOT_KEYS (sizeof(boot_keys) / sizeof(boot_keys[0]))

/* NULL: not in the file, or empty, or its ${} cannot be resolved. */
static const struct doc_key *find_key(struct assembly *a, const char *name, struct expansion *value)
{
    const struct doc_section *section = a->doc.boot;
    const struct doc_key *key =
        section != NULL ? doc_find(&a->doc, section, name, a->machine->arch) : NULL;
    if (key == NULL || !assembly_expand(a, section, key, value) || value->text[0] == '\0')
        return NULL;
    return key;
}

/* Whether there is such a file; what is in it is looked at when all else is right. */
static void check_file(struct assembly *a, const struct doc_key *key, const char *text,
                       const char *path)
{
    struct boot_file file;
    struct err err;
    if (boot_file_open(&file, key->name, path, &err) == BP_OK)
        boot_file_close(&file);
    else
        doc_key_error(&a->doc, a->doc.boot, key, text, "%s", err.text);
}

/* The path that counts, kept with the machine; NULL: none. */
static char *read_file(struct assembly *a, const char *name, const char *given)
{
    struct expansion value;
    const struct doc_key *key = find_key(a, name, &value);
    const char *path = given;
    if (given == NULL && key != NULL) {
        path = assembly_need(a, (void *)(uintptr_t)doc_path(&a->arena, key->file, &value));
        if (path != NULL && a->options->will_boot)
            check_file(a, key, value.text, path);
    }
    if (path == NULL || path[0] == '\0')
        return NULL;
    return assembly_need(a, arena_string(&a->machine->own->arena, path));
}

/* The machine's own words come first: of two that contradict each other kernels take the last. */
static void read_append(struct assembly *a)
{
    struct machine *machine = a->machine;
    struct expansion value;
    if (find_key(a, "append", &value) == NULL)
        return;
    bool has_more = machine->append != NULL;
    machine->append = assembly_need(a, arena_format(&machine->own->arena, "%s%s%s",
                                                    has_more ? machine->append : "",
                                                    has_more ? " " : "", value.text));
}

void assembly_read_boot(struct assembly *a)
{
    const struct machine_options *options = a->options;
    if (a->doc.boot != NULL)
        assembly_report_unknown_keys(a, a->doc.boot, boot_keys, N_BOOT_KEYS);
    a->machine->kernel = read_file(a, "kernel", options->kernel);
    a->machine->initrd = read_file(a, "initrd", options->initrd);
    a->machine->firmware = read_file(a, "firmware", options->firmware);
    read_append(a);
}
