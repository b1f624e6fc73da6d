/*
 * A machine file around the plugin: for a device behind a bus its transport, for required links
 * backends of the tree. The file under test is the only one that is loaded for its id; the others
 * come from where the program looks for plugins.
 */
#include "check/describe_machine.h"
#include "accel/accel_list.h"
#include "classcheck.h"
#include "machine/source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MACHINE_FILE "machine.ini" /* in the test's own directory */

/* --- classes ---------------------------------------------------------------------------------- */
struct place {
    struct check_run *run;
    struct registry *registry;
};

static bool is_subject(const struct place *place, const char *id)
{
    return strcmp(id, place->run->class_->id) == 0;
}

static const struct bp_class *load_class(void *ctx, const char *id, struct err *err)
{
    const struct place *place = ctx;

    return is_subject(place, id) ? place->run->class_ : registry_class(place->registry, id, err);
}

static bool has_class(void *ctx, const char *id)
{
    const struct place *place = ctx;

    return is_subject(place, id) || registry_find(place->registry, id);
}

static const char *id_at(void *ctx, size_t i)
{
    const struct plugin_info *info = registry_at(((const struct place *)ctx)->registry, i);

    return info ? info->id : NULL;
}

static bool offers(const struct check_run *run, const char *interface)
{
    return class_service(run->class_, interface) != NULL;
}

/* The plugin that can be at the other end of such a link; NULL: none that needs nothing itself. */
static const char *provider_of(const char *interface)
{
    static const char *const known[][2] = {
        {BP_CHAR_ID, "char-null"}, {BP_BLOCK_ID, "block-file"}, {BP_NET_ID, "net-user"}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(interface, known[i][0]) == 0)
            return known[i][1];
    }
    return NULL;
}

/* --- the machine file ------------------------------------------------------------------------- */
static const char *transport_of(const struct bp_class *c)
{
    return c->bus && strcmp(c->bus, "virtio") == 0 ? "virtio-mmio" : NULL;
}

/* The link by which a transport carries a device: the machine file names no other end for it. */
static bool is_carrying(const struct bp_link *link)
{
    return strcmp(link->interface, BP_VIRTIO_DEVICE_ID) == 0;
}

static bool is_transport(const struct bp_class *c)
{
    for (uint32_t i = 0; i < c->links.n_rows; i++) {
        if (is_carrying(class_link(c, i)))
            return true;
    }
    return false;
}

static void write_settings(const struct check_run *run, FILE *f)
{
    for (const char *const *s = run->setup[0].settings; s && *s; s++)
        fprintf(f, "%s\n", *s);
}

static void write_ports(const struct check_run *run, FILE *f)
{
    uint64_t at = 0x2000;

    for (uint32_t i = 0; i < run->class_->regions.n_rows; i++) {
        const struct bp_region *region = class_region(run->class_, i);
        uint64_t align = region->align ? region->align : 1;

        if (region->kind != BP_PIO)
            continue;
        while (align < region->size)
            align *= 2;
        at = (at + align - 1) / align * align;
        fprintf(f, "port.%s = 0x%" PRIx64 "\n", region->name, at);
        at += region->size;
    }
}

static void write_subject(const struct check_run *run, bool pin_ports, FILE *f)
{
    const struct bp_class *c = run->class_;

    if (is_transport(c)) {
        fprintf(f, "[device subject]\nplugin = virtio-rng\nbus = %s\n", c->id);
        return;
    }
    fprintf(f, "[device subject]\nplugin = %s\n", c->id);
    if (c->bus)
        fprintf(f, "bus = %s\n", transport_of(c));
    write_settings(run, f);
    if (pin_ports)
        write_ports(run, f);
    for (uint32_t i = 0; i < c->links.n_rows; i++) {
        if (class_link(c, i)->flags & BP_LINK_REQUIRED)
            fprintf(f, "%s = other%u\n", class_link(c, i)->name, i);
    }
}

static void write_others(const struct check_run *run, FILE *f)
{
    for (uint32_t i = 0; i < run->class_->links.n_rows && !is_transport(run->class_); i++) {
        const struct bp_link *link = class_link(run->class_, i);

        if (!(link->flags & BP_LINK_REQUIRED))
            continue;
        fprintf(f, "[backend other%u]\nplugin = %s\n", i, provider_of(link->interface));
        if (strcmp(link->interface, BP_BLOCK_ID) == 0)
            fprintf(f, "path = %s\n", run->path); /* is described, and never opened */
    }
}

static void write_machine(struct place *place, enum arch arch, bool pin_ports)
{
    FILE *f = fopen(MACHINE_FILE, "w");

    if (!f)
        check_fail(place->run, "%s: cannot be written: %s", MACHINE_FILE, strerror(errno));
    fprintf(f, "[machine]\narch = %s\ncpus = 2\nmemory = 64M\n", arch_name(arch));
    if (arch == ARCH_RISCV64 && !offers(place->run, BP_IRQCHIP_ID) &&
        registry_find(place->registry, "plic"))
        fprintf(f, "[device chip]\nplugin = plic\n");
    write_subject(place->run, pin_ports, f);
    write_others(place->run, f);
    if (fclose(f))
        check_fail(place->run, "%s: cannot be written: %s", MACHINE_FILE, strerror(errno));
}

/* --- loading ---------------------------------------------------------------------------------- */
void describe_machine_need(struct check_run *run)
{
    const struct bp_class *c = run->class_;

    if (c->flags & BP_CLASS_BACKEND)
        check_skip(run, "a backend is not described to guests");
    if (c->bus && !transport_of(c))
        check_skip(run, "there is no transport for its bus \"%s\"", c->bus);
    for (uint32_t i = 0; i < c->links.n_rows; i++) {
        const struct bp_link *link = class_link(c, i);

        if ((link->flags & BP_LINK_REQUIRED) && !is_carrying(link) && !provider_of(link->interface))
            check_skip(run, "no plugin of the tree can be connected to its link %s (%s)",
                       link->name, link->interface);
    }
}

bool describe_machine_is_for(const struct check_run *run, enum arch arch)
{
    const char *name = arch_name(arch);
    const char *at = run->class_->arch;
    size_t n = strlen(name);

    if (!at)
        return true;
    while ((at = strstr(at, name))) {
        if ((at == run->class_->arch || at[-1] == ' ') && (at[n] == 0 || at[n] == ' '))
            return true;
        at += n;
    }
    return false;
}

static void need_others(struct place *place)
{
    const struct bp_class *c = place->run->class_;
    const char *id = is_transport(c) ? "virtio-rng" : transport_of(c);

    if (id && !has_class(place, id))
        check_skip(place->run, "the plugin %s is not where this program looks for plugins", id);
    for (uint32_t i = 0; i < c->links.n_rows && !is_transport(c); i++) {
        if (!(class_link(c, i)->flags & BP_LINK_REQUIRED))
            continue;
        id = provider_of(class_link(c, i)->interface);
        if (!has_class(place, id))
            check_skip(place->run, "the plugin %s is not where this program looks for plugins", id);
    }
}

struct machine *describe_machine_load(struct check_run *run, enum arch arch, bool pin_ports)
{
    struct place place = {run, registry_create()};
    const struct class_source source = {&place, load_class, has_class, id_at};
    struct accel_limits limits[ARCH_COUNT]; /* of any accelerator: no guest runs */
    const struct machine_options options = {.path = MACHINE_FILE, .limits = limits};
    struct machine *machine = NULL;
    struct diag diag;
    struct err err;
    char *text;

    check_step(run, "a machine for %s with it", arch_name(arch));
    if (!place.registry || registry_add_defaults(place.registry, NULL, 0, &err) != BP_OK ||
        accel_list_limits("soft", limits, &err) != BP_OK)
        check_fail(run, "%s", place.registry ? err.text : "out of memory");
    need_others(&place);
    write_machine(&place, arch, pin_ports);
    diag_init(&diag);
    if (machine_load_from(&options, &source, &machine, &diag) != BP_OK) {
        text = diag_text(&diag);
        check_fail(run, "a machine for %s with it cannot be made: %s", arch_name(arch),
                   text ? text : "out of memory");
    }
    diag_fini(&diag);
    registry_destroy(place.registry);
    return machine;
}
