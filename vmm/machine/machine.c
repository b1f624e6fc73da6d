/* Loading a machine, and its life: see machine.h. */
#include "machine/machine.h"

#include <backplane/abi.h>
#include <stdlib.h>
#include <string.h>

#include "machine/parts.h"
#include "util/log.h"

/* --- loading ---------------------------------------------------------------------------------- */
static struct machine *allocate_machine(void)
{
    struct machine *machine = calloc(1, sizeof(*machine));
    if (machine != NULL)
        machine->own = calloc(1, sizeof(*machine->own));
    if (machine != NULL && machine->own == NULL) {
        free(machine);
        return NULL;
    }
    return machine;
}

/* Nothing is wrong with a backend that nobody uses, but somebody may wonder. */
static void note_unused_backends(const struct assembly *a)
{
    for (size_t i = 0; i < a->n_parts; i++) {
        const struct part *part = a->parts[i];
        if (part->is_backend && part->n_users == 0)
            log_format(LOG_LEVEL_INFO, part->name, "no device links to this backend");
    }
}

static void assemble(struct assembly *a)
{
    assembly_read_head(a);
    assembly_read_boot(a);
    assembly_find_parts(a);
    assembly_read_keys(a);
    assembly_connect(a);
    assembly_build(a);
    assembly_place(a);
    assembly_finish(a);
}

static void assembly_fini(struct assembly *a)
{
    for (size_t i = 0; i < a->n_parts; i++)
        free(a->parts[i]->users);
    free(a->parts);
    strmap_fini(&a->by_name);
    strmap_fini(&a->absent);
    doc_fini(&a->doc);
    vars_fini(&a->vars);
    arena_free(&a->arena);
}

int32_t machine_load_from(const struct machine_options *options, const struct class_source *source,
                          struct machine **out, struct diag *diag)
{
    struct assembly a = {.options = options, .source = source, .diag = diag};
    size_t errors_before = diag_count(diag);
    *out = NULL;
    a.machine = allocate_machine();
    if (a.machine == NULL) {
        diag_add(diag, NULL, 0, "the host is out of memory");
        return BP_ERR_NO_MEMORY;
    }
    vars_init(&a.vars, &a.arena, options->set, options->n_set, diag);
    bool has_sections = doc_read(&a.doc, options->path, &a.arena, &a.vars, diag);
    if (has_sections || diag_count(diag) == errors_before)
        assemble(&a);
    if (has_sections) {
        doc_report_unused_set(&a.doc);
        vars_report_unused(&a.vars, options->set, options->n_set, diag);
    }
    if (a.out_of_memory)
        diag_add(diag, NULL, 0, "the host is out of memory");
    bool failed = diag_count(diag) > errors_before;
    if (!failed)
        note_unused_backends(&a);
    assembly_fini(&a);
    if (failed) {
        machine_destroy(a.machine);
        return BP_ERR_INVALID;
    }
    *out = a.machine;
    return BP_OK;
}

/* --- classes of the registry ------------------------------------------------------------------ */
static const struct bp_class *load_from_registry(void *ctx, const char *id, struct err *err)
{
    return registry_class(ctx, id, err);
}

static bool registry_has(void *ctx, const char *id)
{
    return registry_find(ctx, id) != NULL;
}

static const char *registry_id_at(void *ctx, size_t i)
{
    const struct plugin_info *info = registry_at(ctx, i);
    return info != NULL ? info->id : NULL;
}

int32_t machine_load(const struct machine_options *options, struct registry *registry,
                     struct machine **out, struct diag *diag)
{
    struct class_source source = {registry, load_from_registry, registry_has, registry_id_at};
    return machine_load_from(options, &source, out, diag);
}

/* --- life ------------------------------------------------------------------------------------- */
void machine_destroy_devices(struct machine *machine)
{
    if (machine == NULL)
        return;
    for (size_t i = machine->own->n_order; i > 0; i--)
        device_destroy(machine->own->order[i - 1]);
    machine->own->n_order = 0;
    machine->n_devices = 0;
    machine->irqchip = NULL;
    machine->console = NULL;
}

void machine_destroy(struct machine *machine)
{
    if (machine == NULL)
        return;
    machine_destroy_devices(machine);
    aspace_destroy(machine->aspace);
    arena_free(&machine->own->arena);
    free(machine->own);
    free(machine);
}

int32_t machine_realize(struct machine *machine, struct vm *vm, struct err *err)
{
    for (size_t i = 0; i < machine->own->n_order; i++) {
        struct device *dev = machine->own->order[i];
        int32_t status = device_realize(dev, vm, err);
        if (status != BP_OK) {
            err_prefix(err, "device %s", dev->name);
            return status;
        }
    }
    machine_reset(machine, BP_RESET_COLD);
    return BP_OK;
}

void machine_reset(struct machine *machine, uint32_t kind)
{
    for (size_t i = 0; i < machine->own->n_order; i++)
        device_reset(machine->own->order[i], kind);
}

void machine_start(struct machine *machine)
{
    for (size_t i = 0; i < machine->own->n_order; i++)
        device_start(machine->own->order[i]);
}
