/*
 * What a machine file becomes on its way to a machine: one part for each section that counts here,
 * for each transport, and for each backend made for a link ("char = stdio"). The files of this
 * folder work on it in turn: head, boot, parts, keys, links, build, place, layout. An error is
 * reported, a part that cannot be built without what was wrong is marked as failed, and all others
 * go on, so that one run finds them all: a misspelt key does not hide an address that is taken.
 */
#ifndef VMM_MACHINE_PARTS_H
#define VMM_MACHINE_PARTS_H

#include "core/platform.h"
#include "machine/arena.h"
#include "machine/doc.h"
#include "machine/machine.h"
#include "machine/source.h"
#include "machine/strmap.h"
#include "machine/vars.h"

struct pin {
    const struct doc_key *key; /* NULL: not pinned */
    const char *text;
    uint64_t value;
};

struct setting {
    uint32_t property;
    struct property_value value;
};

struct part_link {
    const struct doc_key *key; /* NULL: not in the file */
    const char *text;
    struct part *target; /* NULL: not connected */
};

struct part {
    const struct doc_section *section;
    const char *name;
    const struct doc_key *origin; /* the key that names the plugin: plugin, bus or a link */
    const char *origin_text;
    const struct bp_class *class_; /* NULL: unknown, reported */
    struct part *transport;        /* that carries it; NULL */
    struct part *carried;          /* by this transport; NULL */
    bool is_backend;
    bool failed;
    struct part_link *links; /* a row for each of the class's */
    struct pin *regions;
    struct pin *lines;
    struct setting *settings;
    uint32_t n_settings;
    size_t waiting;      /* targets that are not in the order yet */
    size_t order_number; /* of ordering: marks of the walk that looks for cycles */
    struct part **users; /* parts that link to it */
    size_t n_users, users_capacity;
    struct device *dev; /* NULL: not built */
};

struct machine_own {
    struct arena arena;    /* names and the layout's arrays */
    struct device **order; /* what is used before its users */
    size_t n_order;
};

struct assembly {
    const struct machine_options *options;
    struct accel_limits limits; /* of this architecture */
    const struct class_source *source;
    struct diag *diag;
    struct arena arena; /* for the time of loading */
    struct vars vars;
    struct doc doc;
    struct machine *machine;
    struct part **parts; /* in file order, transports behind what they carry, made backends last */
    size_t n_parts, capacity;
    struct part **order; /* what is used before its users */
    size_t n_order;
    struct strmap by_name; /* parts of sections */
    struct strmap absent;  /* sections that do not count here: name -> reason */
    struct part *irqchip;
    struct part *console;
    const struct doc_key *console_key;
    bool out_of_memory;
};

/* Passes `memory` on and remembers if it is NULL. */
void *assembly_need(struct assembly *a, void *memory);

/* head.c: the [machine] section into a->machine. */
void assembly_read_head(struct assembly *a);

/* identity.c: who made the machine, into its layout. */
void assembly_read_identity(struct assembly *a, const struct doc_section *head);

/* boot.c: the [boot] section into a->machine. */
void assembly_read_boot(struct assembly *a);

/* The key's value with ${} resolved; false, or NULL, and reported. */
bool assembly_expand(struct assembly *a, const struct doc_section *section,
                     const struct doc_key *key, struct expansion *out);
const char *assembly_value(struct assembly *a, const struct doc_section *section,
                           const struct doc_key *key);

/* A list of architectures as bits 1 << enum arch; 0, reported. */
uint32_t assembly_arch_list(struct assembly *a, const struct doc_section *section,
                            const struct doc_key *key);

/* "; did you mean X?", or "". Costly only for errors that are shown. */
const char *assembly_hint(struct assembly *a, const char *word, const char *const *known, size_t n);

/* Of a section that takes these keys only. */
void assembly_report_unknown_keys(struct assembly *a, const struct doc_section *section,
                                  const char *const *keys, size_t n);

/* parts.c: sections that count here, with their classes and transports. */
void assembly_find_parts(struct assembly *a);
struct part *assembly_add_part(struct assembly *a, const struct doc_section *section,
                               const char *name, const struct doc_key *origin,
                               const char *origin_text, const struct bp_class *class_);

/* The class, fit for this machine; NULL, reported at the key: its value is shown as `text`. */
const struct bp_class *assembly_load_class(struct assembly *a, const struct doc_section *section,
                                           const struct doc_key *key, const char *text,
                                           const char *id);

/* keys.c: every key of every part to what it belongs to. */
void assembly_read_keys(struct assembly *a);

/* links.c: names to parts, backends made for links, the order. */
void assembly_connect(struct assembly *a);

/* build.c: devices. */
void assembly_build(struct assembly *a);

/* What the accelerator brings of its own to this machine. */
bool assembly_has_builtin(const struct assembly *a, const struct platform_device *dev);

/* place.c: addresses, ports and lines. */
void assembly_place(struct assembly *a);

/* layout.c: the machine's lists and its layout. */
void assembly_finish(struct assembly *a);

#endif
