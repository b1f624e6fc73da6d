/* Checks of the rows of a class's tables: see classcheck.h. */
#include "classcheck_tables.h"
#include "property.h"

#include <backplane/if/block.h>
#include <backplane/if/char.h>
#include <backplane/if/irqchip.h>
#include <backplane/if/net.h>
#include <backplane/if/virtio.h>

#include <string.h>

#define REGION_SIZE_MAX (UINT64_C(1) << 46) /* bytes: more than any guest can address */
#define PORTS           0x10000u

/* A table's three numbers; `first` is the row's size in this ABI's first version. */
static int32_t check_table(const char *what, const void *rows, uint32_t n_rows, uint32_t stride,
                           size_t first, struct class_why *why)
{
    if (!n_rows)
        return BP_OK;
    if (!rows)
        return class_wrong(why, "%s: %u rows and no table", what, n_rows);
    if (stride < first || stride % sizeof(void *))
        return class_wrong(why, "%s: stride %u, at least %zu is wanted: use BP_TABLE", what, stride,
                           first);
    if (n_rows > CLASS_ROWS_MAX)
        return class_wrong(why, "%s: %u rows, at most %u are allowed", what, n_rows,
                           CLASS_ROWS_MAX);
    return BP_OK;
}
#define CHECK_TABLE(what, table, row_type, why)                                                    \
    check_table(what, (table)->rows, (table)->n_rows, (table)->stride, sizeof(row_type), why)

/* Each row of these tables begins with its name. */
static int32_t check_name(const char *what, const void *rows, uint32_t stride, uint32_t i,
                          struct class_why *why)
{
    const char *name = *(const char *const *)class_row(rows, stride, i);

    if (!class_is_word(name, "-_", 31))
        return class_wrong(why, "%s %u: a name of up to 31 of a-z, 0-9, '-' and '_' is wanted",
                           what, i);
    for (uint32_t j = 0; j < i; j++) {
        if (strcmp(name, *(const char *const *)class_row(rows, stride, j)) == 0)
            return class_wrong(why, "%s %s is there twice", what, name);
    }
    return BP_OK;
}

/* --- regions ---------------------------------------------------------------------------------- */
static int32_t check_registers(const struct bp_region *region, struct class_why *why)
{
    const struct bp_reg_table *t = &region->regs;
    int32_t status = CHECK_TABLE("registers", t, struct bp_reg, why);

    for (uint32_t i = 0; !status && i < t->n_rows; i++) {
        const struct bp_reg *reg = class_row(t->rows, t->stride, i);

        if (!reg->name || !*reg->name)
            return class_wrong(why, "region %s: register %u has no name", region->name, i);
        if (reg->offset % 4 || region->size < 4 || reg->offset > region->size - 4)
            return class_wrong(why,
                               "region %s: register %s: offset 0x%x is not one of a 32-bit "
                               "register in the region",
                               region->name, reg->name, reg->offset);
        if (reg->writable & reg->w1c)
            return class_wrong(why,
                               "region %s: register %s: bits 0x%x are both writable and "
                               "cleared by writing 1",
                               region->name, reg->name, reg->writable & reg->w1c);
        for (uint32_t j = 0; j < i; j++) {
            const struct bp_reg *other = class_row(t->rows, t->stride, j);

            if (other->offset == reg->offset)
                return class_wrong(why, "region %s: registers %s and %s have the same offset 0x%x",
                                   region->name, other->name, reg->name, reg->offset);
        }
    }
    return status;
}

static int32_t check_region(const struct bp_region *region, struct class_why *why)
{
    uint32_t widths = BP_W8 | BP_W16 | BP_W32 | (region->kind == BP_MMIO ? BP_W64 : 0);

    if (region->kind != BP_MMIO && region->kind != BP_PIO && region->kind != BP_RAM)
        return class_wrong(why, "region %s: kind %u is none of BP_MMIO, BP_PIO, BP_RAM",
                           region->name, region->kind);
    if (!region->size || region->size > (region->kind == BP_PIO ? PORTS : REGION_SIZE_MAX))
        return class_wrong(why, "region %s: size 0x%llx is out of range", region->name,
                           (unsigned long long)region->size);
    if ((region->align & (region->align - 1)) || region->align > REGION_SIZE_MAX)
        return class_wrong(why, "region %s: align 0x%llx is no power of two", region->name,
                           (unsigned long long)region->align);
    if (region->flags & ~(BP_REGION_BELOW_4G | BP_REGION_OPTIONAL | BP_REGION_ALTERNATIVE))
        return class_wrong(why, "region %s: flags 0x%x are not known", region->name, region->flags);
    if (region->kind != BP_RAM && (!region->widths || region->widths & ~widths))
        return class_wrong(why,
                           "region %s: widths 0x%x: some of BP_W8, BP_W16, BP_W32%s are "
                           "wanted",
                           region->name, region->widths, region->kind == BP_MMIO ? ", BP_W64" : "");
    return check_registers(region, why);
}

int32_t class_check_regions(const struct bp_class *c, struct class_why *why)
{
    int32_t status = CHECK_TABLE("regions", &c->regions, struct bp_region, why);

    for (uint32_t i = 0; !status && i < c->regions.n_rows; i++) {
        status = check_name("region", c->regions.rows, c->regions.stride, i, why);
        if (!status)
            status = check_region(class_region(c, i), why);
    }
    return status;
}

/* --- lines ------------------------------------------------------------------------------------ */
int32_t class_check_lines(const struct bp_class *c, struct class_why *why)
{
    int32_t status = CHECK_TABLE("lines", &c->lines, struct bp_line, why);

    for (uint32_t i = 0; !status && i < c->lines.n_rows; i++) {
        const struct bp_line *line = class_line(c, i);

        status = check_name("line", c->lines.rows, c->lines.stride, i, why);
        if (!status && line->trigger != BP_EDGE_RISING && line->trigger != BP_LEVEL_HIGH)
            return class_wrong(why,
                               "line %s: trigger %u is neither BP_EDGE_RISING nor "
                               "BP_LEVEL_HIGH",
                               line->name, line->trigger);
        if (!status && line->flags & ~BP_LINE_OPTIONAL)
            return class_wrong(why, "line %s: flags 0x%x are not known", line->name, line->flags);
    }
    return status;
}

/* --- properties ------------------------------------------------------------------------------- */
static uint32_t member_size(uint32_t type)
{
    if (type == BP_STRING || type == BP_PATH)
        return sizeof(const char *);
    return type == BP_U64 || type == BP_SIZE ? 8 : 4;
}

/* 0 when [offset, offset + size) is outside the instance or not aligned to `align`. */
static int is_member(const struct bp_class *c, uint32_t offset, uint64_t size, uint32_t align)
{
    return size <= c->instance_size && offset <= c->instance_size - size && offset % align == 0;
}

static int32_t check_initial(const struct bp_property *p, struct class_why *why)
{
    struct property_value value;
    char problem[160];

    if (!p->initial)
        return BP_OK;
    if (p->flags & BP_PROPERTY_REQUIRED)
        return class_wrong(why, "property %s: a required one has no default", p->name);
    if (property_parse(p, p->initial, &value, problem, sizeof(problem)))
        return class_wrong(why, "property %s: default \"%s\": %s", p->name, p->initial, problem);
    return BP_OK;
}

static int32_t check_property(const struct bp_class *c, const struct bp_property *p,
                              struct class_why *why)
{
    static const char *const taken[] = {"plugin", "bus", "arch", "if", "include"};
    uint32_t size;

    for (uint32_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        if (strcmp(p->name, taken[i]) == 0)
            return class_wrong(why, "property %s: the name is the host's own", p->name);
    }
    if (!p->doc || !*p->doc)
        return class_wrong(why, "property %s: doc is missing", p->name);
    if (p->type < BP_BOOL || p->type > BP_CHOICE)
        return class_wrong(why, "property %s: type %u is not known", p->name, p->type);
    if (p->flags & ~BP_PROPERTY_REQUIRED)
        return class_wrong(why, "property %s: flags 0x%x are not known", p->name, p->flags);
    if (p->min > p->max)
        return class_wrong(why, "property %s: min is above max", p->name);
    if (p->type == BP_CHOICE && (!p->choices || !*p->choices))
        return class_wrong(why, "property %s: choices are missing", p->name);
    size = member_size(p->type);
    if (!is_member(c, p->offset, size, size))
        return class_wrong(why,
                           "property %s: offset %u: no member of %u bytes in an instance of "
                           "%u",
                           p->name, p->offset, size, c->instance_size);
    return check_initial(p, why);
}

/* Two properties in one member: the later one would win, silently. */
static int32_t check_property_alone(const struct bp_class *c, uint32_t i, struct class_why *why)
{
    const struct bp_property *p = property_at(c, i);

    for (uint32_t j = 0; j < i; j++) {
        const struct bp_property *other = property_at(c, j);

        if (p->offset < other->offset + member_size(other->type) &&
            other->offset < p->offset + member_size(p->type))
            return class_wrong(why, "properties %s and %s share bytes of the instance", other->name,
                               p->name);
    }
    return BP_OK;
}

int32_t class_check_properties(const struct bp_class *c, struct class_why *why)
{
    int32_t status = CHECK_TABLE("properties", &c->properties, struct bp_property, why);

    for (uint32_t i = 0; !status && i < c->properties.n_rows; i++) {
        status = check_name("property", c->properties.rows, c->properties.stride, i, why);
        if (!status)
            status = check_property(c, property_at(c, i), why);
        if (!status)
            status = check_property_alone(c, i, why);
    }
    return status;
}

/* --- links and services ----------------------------------------------------------------------- */
int32_t class_check_links(const struct bp_class *c, struct class_why *why)
{
    int32_t status = CHECK_TABLE("links", &c->links, struct bp_link, why);

    for (uint32_t i = 0; !status && i < c->links.n_rows; i++) {
        const struct bp_link *link = class_link(c, i);

        status = check_name("link", c->links.rows, c->links.stride, i, why);
        if (status)
            break;
        if (property_find(c, link->name, NULL))
            return class_wrong(why, "link %s has the name of a property", link->name);
        if (!class_is_interface_id(link->interface))
            return class_wrong(why, "link %s: interface: an id such as \"bp.char/1\" is wanted",
                               link->name);
        if (!link->doc || !*link->doc)
            return class_wrong(why, "link %s: doc is missing", link->name);
        if (link->flags & ~BP_LINK_REQUIRED)
            return class_wrong(why, "link %s: flags 0x%x are not known", link->name, link->flags);
    }
    return status;
}

/* The host calls what it knows without asking again. Each begins with two numbers; of an interrupt
 * controller all functions are needed. */
static int32_t check_known_ops(const struct bp_service *service, struct class_why *why)
{
#define UP_TO(type, member) (uint32_t)(offsetof(type, member) + sizeof(((type *)0)->member))
    static const struct {
        const char *interface;
        uint32_t first; /* the size in this ABI's first version */
    } known[] = {
        {BP_CHAR_ID, UP_TO(struct bp_char_ops, write)},
        {BP_BLOCK_ID, UP_TO(struct bp_block_ops, submit)},
        {BP_NET_ID, UP_TO(struct bp_net_ops, write)},
        {BP_IRQCHIP_ID, UP_TO(struct bp_irqchip_ops, specifier)},
        {BP_VIRTIO_DEVICE_ID, UP_TO(struct bp_virtio_device_ops, device_reset)},
    };
    uint32_t size = *(const uint32_t *)service->ops;
    const struct bp_irqchip_ops *chip = service->ops;

    for (uint32_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(service->interface, known[i].interface) == 0 && size < known[i].first)
            return class_wrong(why,
                               "service %s: struct_size %u: at least %u is wanted: set it to "
                               "the sizeof of its ops",
                               service->interface, size, known[i].first);
    }
    if (strcmp(service->interface, BP_IRQCHIP_ID) == 0 &&
        (!chip->range || !chip->set || !chip->specifier))
        return class_wrong(why, "service %s: range, set and specifier are all needed",
                           service->interface);
    return BP_OK;
}

int32_t class_check_services(const struct bp_class *c, struct class_why *why)
{
    int32_t status = CHECK_TABLE("services", &c->services, struct bp_service, why);

    for (uint32_t i = 0; !status && i < c->services.n_rows; i++) {
        const struct bp_service *service = class_row(c->services.rows, c->services.stride, i);

        if (!class_is_interface_id(service->interface))
            return class_wrong(why, "service %u: an id such as \"bp.char/1\" is wanted", i);
        if (!service->ops)
            return class_wrong(why, "service %s: ops are missing", service->interface);
        if (*(const uint32_t *)service->ops < 2 * sizeof(uint32_t))
            return class_wrong(why, "service %s: struct_size of its ops is not set",
                               service->interface);
        if (class_service(c, service->interface) != service->ops)
            return class_wrong(why, "service %s is there twice", service->interface);
        status = check_known_ops(service, why);
    }
    return status;
}

/* --- state ------------------------------------------------------------------------------------ */
/* A snapshot must not be able to set a pointer. */
static const char *string_property_inside(const struct bp_class *c, const struct bp_field *f)
{
    uint64_t end = f->offset + (uint64_t)f->type * f->count;

    for (uint32_t i = 0; i < c->properties.n_rows; i++) {
        const struct bp_property *p = property_at(c, i);

        if ((p->type == BP_STRING || p->type == BP_PATH) && p->offset < end &&
            f->offset < p->offset + sizeof(const char *))
            return p->name;
    }
    return NULL;
}

/* Two fields in one place: the later one would overwrite what the earlier has loaded. */
static const char *field_sharing(const struct bp_class *c, uint32_t i)
{
    const struct bp_field *f = class_field(c, i);

    for (uint32_t j = 0; j < i; j++) {
        const struct bp_field *other = class_field(c, j);

        if (f->offset < other->offset + (uint64_t)other->type * other->count &&
            other->offset < f->offset + (uint64_t)f->type * f->count)
            return other->name;
    }
    return NULL;
}

static int32_t check_field(const struct bp_class *c, uint32_t i, struct class_why *why)
{
    const struct bp_field *f = class_field(c, i);
    const char *property;
    const char *sharing;

    if (!f->name || !*f->name || strlen(f->name) > 63)
        return class_wrong(why, "field %u: a name of 1 to 63 bytes is wanted", i);
    for (uint32_t j = 0; j < i; j++) {
        if (strcmp(f->name, class_field(c, j)->name) == 0)
            return class_wrong(why, "field %s is there twice", f->name);
    }
    if (f->type != 1 && f->type != 2 && f->type != 4 && f->type != 8)
        return class_wrong(why, "field %s: type %u is none of 1, 2, 4, 8 bytes", f->name, f->type);
    if (!f->count || !is_member(c, f->offset, (uint64_t)f->type * f->count, f->type))
        return class_wrong(why,
                           "field %s: %u elements of %u bytes at %u do not lie in an instance "
                           "of %u",
                           f->name, f->count, f->type, f->offset, c->instance_size);
    if (f->type < 8 && f->max >> (f->type * 8))
        return class_wrong(why, "field %s: max does not fit its type", f->name);
    if (f->flags & ~BP_FIELD_OPTIONAL)
        return class_wrong(why, "field %s: flags 0x%x are not known", f->name, f->flags);
    property = string_property_inside(c, f);
    if (property)
        return class_wrong(why, "field %s covers the pointer of property %s", f->name, property);
    sharing = field_sharing(c, i);
    if (sharing)
        return class_wrong(why, "fields %s and %s share bytes of the instance", sharing, f->name);
    return BP_OK;
}

int32_t class_check_fields(const struct bp_class *c, struct class_why *why)
{
    int32_t status = CHECK_TABLE("state", &c->state, struct bp_field, why);

    for (uint32_t i = 0; !status && i < c->state.n_rows; i++)
        status = check_field(c, i, why);
    return status;
}
