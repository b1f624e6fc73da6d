/*
 * backplane/device.h - the class descriptor: what a device is, as const tables, and its callbacks.
 *
 * A device never knows its address, interrupt number, bus, machine or thread: it has regions,
 * lines, properties and links, each named in a table and used by its index there. Everything that
 * a table says needs no code: placement, width and alignment checks, property parsing, the generic
 * device-tree node and ACPI device, state, help text and conformance tests follow from it.
 *
 * Tables carry their row's size (stride), so rows can grow in later versions.
 *
 * Everything that a class points to is const and the plugin's, and lives as long as the process.
 */
#ifndef BACKPLANE_DEVICE_H
#define BACKPLANE_DEVICE_H

#include <backplane/abi.h>
#include <backplane/host.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bp_acpi_writer;  /* if/acpi.h */
struct bp_fdt_writer;   /* if/fdt.h */
struct bp_state_writer; /* if/state.h */
struct bp_state_reader; /* if/state.h */

/* --- Registers --------------------------------------------------------------------------------
 * One row per register, as in the datasheet. The helpers of lib/regs.h walk the table; the host
 * reads it for `plugin info` and for conformance tests. */
struct bp_reg {
    const char *name;                            /* the datasheet's name */
    uint32_t offset;                             /* bytes from the region's base */
    uint32_t reset;                              /* value after reset */
    uint32_t writable;                           /* bits that a guest write changes */
    uint32_t w1c;                                /* bits that a guest clears by writing 1 */
    uint32_t (*on_read)(void *dev);              /* [dev] NULL: the stored value */
    void (*on_write)(void *dev, uint32_t value); /* [dev] after the store; the value as written */
};

struct bp_reg_table {
    const struct bp_reg *rows;
    uint32_t n_rows;
    uint32_t stride; /* sizeof(struct bp_reg) when it was compiled */
};

/* --- Regions ---------------------------------------------------------------------------------- */
#define BP_MMIO 1u /* memory-mapped registers */
#define BP_PIO  2u /* x86 port registers; absent on machines without ports */
#define BP_RAM  3u /* memory that the guest reads and writes directly */

/* Widths that a guest may use, as bits; others read as all-ones and are ignored when written. */
#define BP_W8  1u
#define BP_W16 2u
#define BP_W32 4u
#define BP_W64 8u

#define BP_REGION_BELOW_4G    (1u << 0) /* a driver can only address 32 bits */
#define BP_REGION_OPTIONAL    (1u << 1) /* placed only if the machine file pins it */
#define BP_REGION_ALTERNATIVE (1u << 2) /* left out if the file pins another region only */

struct bp_region {
    const char *name;         /* "regs"; the key in a machine file is mmio.NAME or port.NAME */
    uint64_t size;            /* bytes (ports for BP_PIO); bp.region/1 may change it in plan() */
    uint64_t align;           /* bytes, a power of two; 0: 4 KiB, for ports 1 */
    uint32_t kind;            /* BP_MMIO, BP_PIO or BP_RAM */
    uint32_t widths;          /* BP_W*; ignored for BP_RAM */
    uint32_t flags;           /* BP_REGION_* */
    uint32_t pad;             /* 0 */
    struct bp_reg_table regs; /* optional: what lies in it */
};

struct bp_region_table {
    const struct bp_region *rows;
    uint32_t n_rows;
    uint32_t stride;
};

/* --- Lines ------------------------------------------------------------------------------------ */
#define BP_EDGE_RISING 1u /* numbers of the device tree's interrupt flags */
#define BP_LEVEL_HIGH  4u

#define BP_LINE_OPTIONAL (1u << 0) /* connected only if the machine file pins it */

struct bp_line {
    const char *name; /* the key in a machine file is irq.NAME */
    uint32_t trigger; /* BP_EDGE_RISING or BP_LEVEL_HIGH */
    uint32_t flags;   /* BP_LINE_* */
};

struct bp_line_table {
    const struct bp_line *rows;
    uint32_t n_rows;
    uint32_t stride;
};

/* --- Properties -------------------------------------------------------------------------------
 * Parsed and checked by the host and stored in the instance at `offset` before create() is called.
 * The C type of the member: BP_BOOL, BP_U32, BP_CHOICE uint32_t; BP_U64, BP_SIZE uint64_t;
 * BP_STRING, BP_PATH const char * (the host's, valid until destroy; NULL when not set). */
#define BP_BOOL   1u /* yes no true false on off 1 0 */
#define BP_U32    2u /* decimal or 0x hexadecimal */
#define BP_U64    3u
#define BP_SIZE   4u /* bytes, with K M G T (powers of 1024) */
#define BP_STRING 5u
#define BP_PATH   6u /* a file; relative ones are resolved against the machine file */
#define BP_CHOICE 7u /* one word of `choices`; the member gets its position from 0 */

#define BP_PROPERTY_REQUIRED (1u << 0)

struct bp_property {
    const char *name;
    const char *doc;     /* one or more whole sentences, for `plugin info` and the manual */
    const char *initial; /* default, as one would write it in a machine file; NULL: none */
    const char *choices; /* BP_CHOICE: "one|two|three" */
    uint64_t min;        /* integers and sizes: smallest and largest value allowed; */
    uint64_t max;        /* strings and paths: length in bytes; both 0: no limit */
    uint32_t type;
    uint32_t flags;  /* BP_PROPERTY_* */
    uint32_t offset; /* of the member in the instance */
    uint32_t pad;    /* 0 */
};

struct bp_property_table {
    const struct bp_property *rows;
    uint32_t n_rows;
    uint32_t stride;
};

/* The member's offset. A member of another size than the type's is an array of negative size. */
#define BP_PROP_BYTES_(type_)                                                                      \
    ((type_) == BP_STRING || (type_) == BP_PATH ? sizeof(const char *)                             \
     : (type_) == BP_U64 || (type_) == BP_SIZE  ? sizeof(uint64_t)                                 \
                                                : sizeof(uint32_t))
#define BP_PROP_OFFSET_(type_, instance, member)                                                   \
    (uint32_t)(                                                                                    \
        offsetof(instance, member) +                                                               \
        0 * sizeof(char[sizeof(((instance *)0)->member) == BP_PROP_BYTES_(type_) ? 1 : -1]))

#define BP_PROP(type_, instance, member, name_, initial_, min_, max_, doc_)                        \
    {                                                                                              \
        (name_), (doc_), (initial_), NULL, (min_), (max_), (type_), 0,                             \
            BP_PROP_OFFSET_(type_, instance, member), 0                                            \
    }
#define BP_PROP_BOOL(instance, member, name, initial, doc)                                         \
    BP_PROP(BP_BOOL, instance, member, name, initial, 0, 0, doc)
#define BP_PROP_U32(instance, member, name, initial, min, max, doc)                                \
    BP_PROP(BP_U32, instance, member, name, initial, min, max, doc)
#define BP_PROP_U64(instance, member, name, initial, min, max, doc)                                \
    BP_PROP(BP_U64, instance, member, name, initial, min, max, doc)
#define BP_PROP_SIZE(instance, member, name, initial, min, max, doc)                               \
    BP_PROP(BP_SIZE, instance, member, name, initial, min, max, doc)
#define BP_PROP_STRING(instance, member, name, initial, max_bytes, doc)                            \
    BP_PROP(BP_STRING, instance, member, name, initial, 0, max_bytes, doc)
#define BP_PROP_PATH_REQUIRED(instance, member, name, doc)                                         \
    {                                                                                              \
        (name), (doc), NULL, NULL, 0, 0, BP_PATH, BP_PROPERTY_REQUIRED,                            \
            BP_PROP_OFFSET_(BP_PATH, instance, member), 0                                          \
    }
#define BP_PROP_CHOICE(instance, member, name, initial, choices, doc)                              \
    {                                                                                              \
        (name), (doc), (initial), (choices), 0, 0, BP_CHOICE, 0,                                   \
            BP_PROP_OFFSET_(BP_CHOICE, instance, member), 0                                        \
    }

/* --- Links and services -----------------------------------------------------------------------
 * A link is a named connection from this device to another plugin's service: the key in a machine
 * file is the link's name, its value the name of a [backend] or [device] section, or X for the
 * plugin NAME-X with default properties ("char = stdio" means char-stdio). The host carries every
 * call across, with the other device's lock held; links never form a cycle. */
#define BP_LINK_REQUIRED (1u << 0)

struct bp_link {
    const char *name;
    const char *interface; /* "bp.char/1" */
    const char *doc;
    uint32_t flags; /* BP_LINK_* */
    uint32_t pad;   /* 0 */
};

struct bp_link_table {
    const struct bp_link *rows;
    uint32_t n_rows;
    uint32_t stride;
};

/* What this class offers to others: a table of functions whose first argument is the instance,
 * called [dev]. Its header under if/ gives the type for each id. */
struct bp_service {
    const char *interface; /* "bp.char/1" */
    const void *ops;       /* const struct bp_char_ops *, ... */
};

struct bp_service_table {
    const struct bp_service *rows;
    uint32_t n_rows;
    uint32_t stride;
};

/* --- State ------------------------------------------------------------------------------------
 * Members that a snapshot carries. Types are the element's; `count` elements lie in a row. On load
 * every field is checked before any is written. */
#define BP_FIELD_TYPE_U8  1u
#define BP_FIELD_TYPE_U16 2u
#define BP_FIELD_TYPE_U32 4u
#define BP_FIELD_TYPE_U64 8u

#define BP_FIELD_OPTIONAL (1u << 0) /* may be absent in an older snapshot; then left as reset */

struct bp_field {
    const char *name; /* tag in the snapshot; never reused for another meaning */
    uint64_t max;     /* largest value of each element; 0: any */
    uint32_t type;    /* BP_FIELD_TYPE_*: the element's size in bytes */
    uint32_t count;   /* elements */
    uint32_t offset;  /* of the first in the instance */
    uint32_t flags;   /* BP_FIELD_* */
};

struct bp_field_table {
    const struct bp_field *rows;
    uint32_t n_rows;
    uint32_t stride;
};

#define BP_FIELD(type_, instance, member, max_)                                                    \
    {                                                                                              \
#member, (max_), (type_), (uint32_t)(sizeof(((instance *)0)->member) / (type_)),           \
            (uint32_t)offsetof(instance, member), 0                                                \
    }
#define BP_FIELD_U8(instance, member)           BP_FIELD(BP_FIELD_TYPE_U8, instance, member, 0)
#define BP_FIELD_U16(instance, member)          BP_FIELD(BP_FIELD_TYPE_U16, instance, member, 0)
#define BP_FIELD_U32(instance, member)          BP_FIELD(BP_FIELD_TYPE_U32, instance, member, 0)
#define BP_FIELD_U64(instance, member)          BP_FIELD(BP_FIELD_TYPE_U64, instance, member, 0)
#define BP_FIELD_U8_MAX(instance, member, max)  BP_FIELD(BP_FIELD_TYPE_U8, instance, member, max)
#define BP_FIELD_U32_MAX(instance, member, max) BP_FIELD(BP_FIELD_TYPE_U32, instance, member, max)

/* `.regions = BP_TABLE(regions)` for an array of rows that is in scope. */
#define BP_TABLE(array)                                                                            \
    {                                                                                              \
        (array), (uint32_t)(sizeof(array) / sizeof((array)[0])), (uint32_t)sizeof((array)[0])      \
    }

/* --- The class --------------------------------------------------------------------------------
 * Life cycle: create -> plan -> (the host places everything) -> realize -> reset -> start ->
 * reads, writes, timers, link events ... -> quiesce -> save -> start ... -> destroy. A machine
 * that is only described goes create -> plan -> describe_* -> destroy. destroy is called for
 * every create that was called, also for one that failed. Every callback may be NULL. */
#define BP_RESET_COLD 0u /* power on */
#define BP_RESET_WARM 1u /* the guest asked for a reset */

#define BP_CLASS_BACKEND (1u << 0) /* lives in a [backend] section: no regions, no lines */

#define BP_LINK_READABLE 1u /* bytes, frames or events can be fetched */
#define BP_LINK_WRITABLE 2u /* room again after a short write */
#define BP_LINK_CHANGED  3u /* configuration (capacity, link state) changed */

struct bp_class {
    uint32_t struct_size; /* sizeof(struct bp_class) */
    uint32_t flags;       /* BP_CLASS_* */
    const char *id;       /* "pl031"; outside the tree "org.example.sensor" */
    const char *version;
    const char *summary;      /* one line */
    uint32_t instance_size;   /* bytes; the host allocates them, zeroed, for each device */
    uint32_t state_version;   /* 1 and up; raised when old state can no longer be read */
    const char *bus;          /* "virtio": needs a transport that links to it; NULL: none */
    const char *const *needs; /* host interfaces without which it cannot work, NULL-ended */
    const char *arch;         /* "arm64 riscv64": only there; NULL: everywhere */
    struct bp_region_table regions;
    struct bp_line_table lines;
    struct bp_property_table properties;
    struct bp_link_table links;
    struct bp_service_table services;
    struct bp_field_table state;
    const char *dt_name;       /* generic node name, "rtc"; NULL: no node of its own */
    const char *dt_compatible; /* "arm,pl031\0arm,primecell\0": a list, each NUL-ended */
    const char *acpi_hid;      /* "ARMH0031"; NULL: PRP0001 with dt_compatible */

    /* [setup] Properties are already in the instance. Allocates, prepares; starts nothing, opens
     * nothing. On failure returns a status after host->set_error. */
    int32_t (*create)(const struct bp_host *host, void *dev);
    /* [setup] Only for what the tables cannot say: region sizes that depend on properties. Fails as
     * create does: a status after host->set_error. */
    int32_t (*plan)(void *dev);
    /* [setup] Addresses are fixed. Opens files, creates timers, registers watches. Fails as create
     * does. */
    int32_t (*realize)(void *dev);
    /* [pure] Adds properties and child nodes to the generic node. Repeatable, gives the same each
     * time, also before realize. */
    void (*describe_fdt)(const void *dev, const struct bp_fdt_writer *w);
    /* [dev] Back to the power-on state (kind BP_RESET_*). Lines are low afterwards: the host has
     * lowered them and cancelled the timers already. */
    void (*reset)(void *dev, uint32_t kind);
    /* [dev] The machine runs from now on. */
    void (*start)(void *dev);
    /* [dev] The machine stops: finish or park what is in flight. BP_PENDING: not yet, ask again
     * after the next completion. Until start no call to the host but state and log. */
    int32_t (*quiesce)(void *dev);
    /* [dev] quiesced: what the state table does not carry. An error: nothing is saved. */
    int32_t (*save)(const void *dev, const struct bp_state_writer *w);
    /* [dev] Looks at the extra fields without changing anything; an error refuses the snapshot. */
    int32_t (*load_check)(const void *dev, const struct bp_state_reader *r);
    /* [dev] The table's fields are in place: take the extra fields, arm timers, set lines. */
    void (*load_commit)(void *dev, const struct bp_state_reader *r);
    /* [dev] Ends what create and realize began. The host frees the instance, timers, watches. */
    void (*destroy)(void *dev);

    /* [dev] A guest access: offset < the region's size, width one of the region's, aligned. The
     * value is zero-extended. NULL: reads all-ones, ignores writes. */
    uint64_t (*read)(void *dev, uint32_t region, uint64_t offset, uint32_t width);
    void (*write)(void *dev, uint32_t region, uint64_t offset, uint32_t width, uint64_t value);

    /* [dev] Something happened at the other end of a link (BP_LINK_*). */
    void (*on_link)(void *dev, uint32_t link, uint32_t event);

    /* [pure] Adds to the generic ACPI device, as describe_fdt does to the node (ABI 0.2). */
    void (*describe_acpi)(const void *dev, const struct bp_acpi_writer *w);
};

#ifdef __cplusplus
}
#endif
#endif
