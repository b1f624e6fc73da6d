/* Checks of a class descriptor: see classcheck.h. The rows of each table: classcheck_tables.c. */
#include "classcheck_tables.h"

#include <backplane/plugin.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CLASS_SIZE_FIRST                                                                           \
    (offsetof(struct bp_class, on_link) + sizeof(((struct bp_class *)0)->on_link))

int32_t class_wrong(struct class_why *why, const char *format, ...)
{
    va_list args;

    if (why->size) {
        va_start(args, format);
        vsnprintf(why->text, why->size, format, args);
        va_end(args);
    }
    return BP_ERR_FORMAT;
}

const void *class_row(const void *rows, uint32_t stride, uint32_t i)
{
    return (const char *)rows + (size_t)i * stride;
}

const struct bp_region *class_region(const struct bp_class *class_, uint32_t i)
{
    return class_row(class_->regions.rows, class_->regions.stride, i);
}

const struct bp_line *class_line(const struct bp_class *class_, uint32_t i)
{
    return class_row(class_->lines.rows, class_->lines.stride, i);
}

const struct bp_link *class_link(const struct bp_class *class_, uint32_t i)
{
    return class_row(class_->links.rows, class_->links.stride, i);
}

const struct bp_field *class_field(const struct bp_class *class_, uint32_t i)
{
    return class_row(class_->state.rows, class_->state.stride, i);
}

const void *class_service(const struct bp_class *class_, const char *interface)
{
    for (uint32_t i = 0; i < class_->services.n_rows; i++) {
        const struct bp_service *service =
            class_row(class_->services.rows, class_->services.stride, i);

        if (strcmp(service->interface, interface) == 0)
            return service->ops;
    }
    return NULL;
}

/* --- words ------------------------------------------------------------------------------------ */
static int is_lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

int class_is_word(const char *text, const char *also, size_t max)
{
    size_t n = text ? strlen(text) : 0;

    if (!n || n > max || !is_lower_or_digit(text[0]) || !is_lower_or_digit(text[n - 1]))
        return 0;
    for (size_t i = 0; i < n; i++) {
        if (!is_lower_or_digit(text[i]) && !strchr(also, text[i]))
            return 0;
    }
    return 1;
}

int class_is_interface_id(const char *text)
{
    char name[BP_ID_MAX];
    const char *slash = text ? strchr(text, '/') : NULL;
    size_t n = slash ? (size_t)(slash - text) : 0;

    if (!n || n >= sizeof(name) || strspn(slash + 1, "0123456789") != strlen(slash + 1) ||
        slash[1] == '0' || !slash[1])
        return 0;
    memcpy(name, text, n);
    name[n] = 0;
    return class_is_word(name, ".-", BP_ID_MAX) && strchr(name, '.');
}

static int is_one_line(const char *text, size_t max)
{
    size_t n = text ? strlen(text) : 0;

    if (!n || n > max)
        return 0;
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return 0;
    }
    return 1;
}

/* "a b c" made of the three architectures' names. */
static int is_arch_list(const char *text)
{
    static const char *const names[] = {"x86_64", "arm64", "riscv64"};

    while (*text) {
        size_t n = strcspn(text, " ");
        int known = 0;

        for (uint32_t i = 0; i < 3; i++)
            known |= strlen(names[i]) == n && memcmp(names[i], text, n) == 0;
        if (!known)
            return 0;
        text += n;
        text += strspn(text, " ");
    }
    return 1;
}

/* --- the class itself ------------------------------------------------------------------------- */
static int32_t check_identity(const struct bp_class *c, struct class_why *why)
{
    if (!class_is_word(c->id, ".-", BP_ID_MAX - 1))
        return class_wrong(why, "id: up to 63 of a-z, 0-9, '-' and '.' are wanted, such as "
                                "\"org.example.sensor\"");
    if (!is_one_line(c->version, BP_VERSION_MAX - 1) || strchr(c->version, ' '))
        return class_wrong(why, "version: a word of up to 31 bytes is wanted, such as \"1.0\"");
    if (!is_one_line(c->summary, 100))
        return class_wrong(why, "summary: one line of up to 100 bytes is wanted");
    if (c->flags & ~BP_CLASS_BACKEND)
        return class_wrong(why, "flags 0x%x: only BP_CLASS_BACKEND is known", c->flags);
    if (c->instance_size > CLASS_INSTANCE_MAX)
        return class_wrong(why,
                           "instance_size %u: at most %u bytes are allowed; allocate more in "
                           "create",
                           c->instance_size, CLASS_INSTANCE_MAX);
    if (c->bus && !class_is_word(c->bus, "-", 31))
        return class_wrong(why, "bus: a word of a-z, 0-9 and '-' is wanted, such as \"virtio\"");
    if (c->arch && (!*c->arch || !is_arch_list(c->arch)))
        return class_wrong(why, "arch \"%s\": a list out of x86_64, arm64, riscv64 is wanted",
                           c->arch);
    if (!c->state_version && (c->state.n_rows || c->save || c->load_commit))
        return class_wrong(why, "state_version 0: it counts from 1 where there is state");
    if (c->save && !c->load_commit)
        return class_wrong(why, "save without load_commit: what is saved could not be loaded");
    if ((c->flags & BP_CLASS_BACKEND) && (c->regions.n_rows || c->lines.n_rows || c->dt_name))
        return class_wrong(why, "a backend has no regions, lines or device-tree node");
    return BP_OK;
}

static int32_t check_needs(const struct bp_class *c, struct class_why *why)
{
    for (uint32_t i = 0; c->needs && c->needs[i]; i++) {
        if (!class_is_interface_id(c->needs[i]))
            return class_wrong(why, "needs: \"%s\" is no interface id; one is \"bp.mem/1\"",
                               c->needs[i]);
        for (uint32_t j = 0; j < i; j++) {
            if (strcmp(c->needs[i], c->needs[j]) == 0)
                return class_wrong(why, "needs: \"%s\" is there twice", c->needs[i]);
        }
    }
    return BP_OK;
}

static int32_t check_dt(const struct bp_class *c, struct class_why *why)
{
    const char *p = c->dt_compatible;

    if (c->dt_name && !class_is_word(c->dt_name, "-,._+", 31))
        return class_wrong(why, "dt_name \"%s\": up to 31 of a-z, 0-9 and \"-,._+\" are wanted",
                           c->dt_name);
    if (p && !*p)
        return class_wrong(why, "dt_compatible is empty: NULL means none");
    for (uint32_t n = 0; p && *p; n++) {
        if (n == 16)
            return class_wrong(why, "dt_compatible: more than 16 strings; end each with \\0");
        if (!is_one_line(p, 63) || strchr(p, ' '))
            return class_wrong(why, "dt_compatible: strings of up to 63 bytes without blanks are "
                                    "wanted, each ended by \\0");
        p += strlen(p) + 1;
    }
    return BP_OK;
}

static int32_t check_acpi(const struct bp_class *c, struct class_why *why)
{
    size_t n = c->acpi_hid ? strlen(c->acpi_hid) : 0;

    if (!c->acpi_hid)
        return BP_OK;
    if ((n != 7 && n != 8) || strspn(c->acpi_hid, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != n)
        return class_wrong(why,
                           "acpi_hid \"%s\": 7 or 8 of A-Z and 0-9 are wanted, such as "
                           "\"ARMH0031\"",
                           c->acpi_hid);
    return BP_OK;
}

int32_t class_check(const struct bp_class *class_, char *text, size_t text_size)
{
    static int32_t (*const checks[])(const struct bp_class *, struct class_why *) = {
        check_identity,
        check_needs,
        check_dt,
        check_acpi,
        class_check_regions,
        class_check_lines,
        class_check_properties,
        class_check_links,
        class_check_services,
        class_check_fields,
    };
    struct class_why why = {text, text_size};
    int32_t status = BP_OK;

    if (!class_)
        return class_wrong(&why, "the class is missing");
    if (class_->struct_size < CLASS_SIZE_FIRST)
        return class_wrong(&why,
                           "struct_size %u: at least %zu are wanted: set it to "
                           "sizeof(struct bp_class)",
                           class_->struct_size, CLASS_SIZE_FIRST);
    for (uint32_t i = 0; !status && i < sizeof(checks) / sizeof(checks[0]); i++)
        status = checks[i](class_, &why);
    return status;
}
