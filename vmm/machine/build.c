/* From parts to devices: made, set, connected, created and planned, what is used before its users.
 */
#include <backplane/abi.h>

#include "machine/parts.h"

static void build_error(struct assembly *a, struct part *part, const struct err *err)
{
    doc_key_error(&a->doc, part->section, part->origin, part->origin_text, "%s", err->text);
    part->failed = true;
}

static bool targets_are_built(const struct part *part)
{
    for (uint32_t i = 0; i < part->class_->links.n_rows; i++) {
        const struct part *target = part->links[i].target;
        if (target != NULL && (target->failed || target->dev == NULL))
            return false;
    }
    return true;
}

static int32_t set_up(struct part *part, struct err *err)
{
    int32_t status = BP_OK;
    for (uint32_t i = 0; status == BP_OK && i < part->n_settings; i++) {
        status = device_set(part->dev, part->settings[i].property, &part->settings[i].value);
        if (status != BP_OK)
            return err_set(err, status, "the host is out of memory");
    }
    status = device_set_defaults(part->dev, err);
    for (uint32_t i = 0; status == BP_OK && i < part->class_->links.n_rows; i++) {
        if (part->links[i].target != NULL)
            status = device_connect(part->dev, i, part->links[i].target->dev, err);
    }
    if (status == BP_OK)
        status = device_create(part->dev, err);
    if (status == BP_OK)
        status = device_plan(part->dev, err);
    return status;
}

static void build_part(struct assembly *a, struct part *part)
{
    struct machine *machine = a->machine;
    struct err err = {""};
    if (part->failed || !targets_are_built(part)) {
        part->failed = true;
        return;
    }
    if (device_new(part->class_, part->name, machine->n_cpus, machine->timebase_hz, &part->dev,
                   &err) != BP_OK) {
        part->dev = NULL;
        build_error(a, part, &err);
        return;
    }
    machine->own->order[machine->own->n_order++] = part->dev;
    if (set_up(part, &err) != BP_OK)
        build_error(a, part, &err);
}

void assembly_build(struct assembly *a)
{
    struct machine_own *own = a->machine->own;
    own->order = arena_array(&own->arena, a->n_order, sizeof(struct device *));
    if (assembly_need(a, own->order) == NULL)
        return;
    for (size_t i = 0; i < a->n_order; i++)
        build_part(a, a->order[i]);
}
