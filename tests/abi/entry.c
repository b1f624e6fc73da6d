/* What the headers' macros make: the entry of a plugin, and rows of tables. Compiled by entry.py,
 * as C and as C++; what is not static is read back. */
#include <backplane/if/power.h>
#include <backplane/lib/fifo.h>
#include <backplane/lib/regs.h>
#include <backplane/plugin.h>

#ifdef __cplusplus
#define SEEN extern "C" __attribute__((visibility("default")))
#else
#define SEEN extern __attribute__((visibility("default")))
#endif

struct instance {
    struct bp_regs regs;
    struct bp_fifo fifo;
    uint8_t bytes[3];
    uint16_t halves[2];
    uint32_t word;
    uint64_t wide;
    const char *text;
};

SEEN const struct bp_property properties[8];
const struct bp_property properties[8] = {
    BP_PROP_BOOL(struct instance, word, "a", "no", ""),
    BP_PROP_U32(struct instance, word, "b", "2", 1, 3, ""),
    BP_PROP_U64(struct instance, wide, "c", "2", 1, 3, ""),
    BP_PROP_SIZE(struct instance, wide, "d", "2", 1, 3, ""),
    BP_PROP_STRING(struct instance, text, "e", "2", 7, ""),
    BP_PROP_PATH_REQUIRED(struct instance, text, "f", ""),
    BP_PROP_CHOICE(struct instance, word, "g", "x", "x|y", ""),
    BP_PROP(BP_PATH, struct instance, text, "h", "2", 1, 3, ""),
};

SEEN const struct bp_field fields[9];
const struct bp_field fields[9] = {
    BP_FIELD_U8(struct instance, bytes),        BP_FIELD_U16(struct instance, halves),
    BP_FIELD_U32(struct instance, word),        BP_FIELD_U64(struct instance, wide),
    BP_FIELD_U8_MAX(struct instance, bytes, 9), BP_FIELD_U32_MAX(struct instance, word, 9),
    BP_FIELD_REGS(struct instance, regs, 5),    BP_FIELD_FIFO(struct instance, fifo, 16, "i", "j"),
};

SEEN const struct bp_field_table table;
const struct bp_field_table table = BP_TABLE(fields);

#ifdef __cplusplus
/* In C this is no constant expression. */
static constexpr struct bp_power whole = {16, 0, nullptr};
static constexpr struct bp_power cut = {15, 0, nullptr};
static_assert(BP_HAS(struct bp_power, &whole, request), "BP_HAS sees what is there");
static_assert(!BP_HAS(struct bp_power, &cut, request), "BP_HAS sees what is cut off");
#endif

static const struct bp_class entry = {sizeof(entry), 0, "org.example.entry", "1.2", "An entry"};

BP_PLUGIN("org.example.entry", "1.2", &entry);
