/* The [machine] section: architecture, processors, memory, and what else concerns the whole. */
#include <backplane/abi.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/parts.h"
#include "util/nearest.h"

#define TIMEBASE_HZ    10000000u
#define MEMORY_DEFAULT (256u << 20)
#define CPUS_MAX       512u /* where the accelerator sets no bound */

static const char *const arch_names[] = {"x86_64", "arm64", "riscv64"};
static const char *const head_keys[] = {
    "summary",       "arch",    "cpus", "memory",       "append",  "ram-base",
    "timebase",      "console", "gic",  "manufacturer", "product", "product-version",
    "serial-number", "uuid",    "aia",  "pmu"};
#define N_HEAD_KEYS (sizeof(head_keys) / sizeof(head_keys[0]))

/* The interrupt controller of the most processors ends below (core/platform.c). */
#define ARM64_RAM_MIN       0x10000000u
#define RISCV64_AIA_RAM_MIN 0x28400000u

/* Where RAM begins unless the file says otherwise. */
static const uint64_t ram_bases[ARCH_COUNT] = {
    [ARCH_X86_64] = 0, [ARCH_ARM64] = 0x40000000, [ARCH_RISCV64] = 0x80000000};

/* --- shared by all that read keys ------------------------------------------------------------- */
void *assembly_need(struct assembly *a, void *memory)
{
    if (memory == NULL)
        a->out_of_memory = true;
    return memory;
}

bool assembly_expand(struct assembly *a, const struct doc_section *section,
                     const struct doc_key *key, struct expansion *out)
{
    struct err err;
    if (vars_expand(&a->vars, key->value, out, &err) == BP_OK)
        return true;
    doc_key_error(&a->doc, section, key, key->value, "%s", err.text);
    return false;
}

const char *assembly_value(struct assembly *a, const struct doc_section *section,
                           const struct doc_key *key)
{
    struct expansion expansion;
    return assembly_expand(a, section, key, &expansion) ? expansion.text : NULL;
}

const char *assembly_hint(struct assembly *a, const char *word, const char *const *known, size_t n)
{
    const char *nearest = a->diag->n < DIAG_MAX ? nearest_word(word, known, n) : NULL;
    const char *hint =
        nearest != NULL ? arena_format(&a->arena, "; did you mean %s?", nearest) : "";
    return hint != NULL ? hint : "";
}

void assembly_report_unknown_keys(struct assembly *a, const struct doc_section *section,
                                  const char *const *keys, size_t n)
{
    for (size_t i = 0; i < section->n_keys; i++) {
        const struct doc_key *key = section->keys[i];
        size_t k = 0;
        while (k < n && strcmp(key->name, keys[k]) != 0)
            k++;
        if (k == n)
            doc_key_error(&a->doc, section, key, key->value, "[%s] has no such key%s",
                          section->title, assembly_hint(a, key->name, keys, n));
    }
}

uint32_t assembly_arch_list(struct assembly *a, const struct doc_section *section,
                            const struct doc_key *key)
{
    const char *text = assembly_value(a, section, key);
    uint32_t list = 0;
    for (const char *at = text; at != NULL && *at != '\0';) {
        char word[64];
        size_t n = strcspn(at, " \t,");
        (void)snprintf(word, sizeof(word), "%.*s", (int)(n < 63 ? n : 63), at);
        at += n + strspn(at + n, " \t,");
        enum arch arch = arch_from_name(word);
        if (n != 0 && arch == ARCH_INVALID) {
            doc_key_error(&a->doc, section, key, text,
                          "there is no architecture %s; there are x86_64, arm64, riscv64%s", word,
                          assembly_hint(a, word, arch_names, 3));
            return 0;
        }
        list |= n != 0 ? 1u << arch : 0;
    }
    if (text != NULL && list == 0)
        doc_key_error(&a->doc, section, key, text,
                      "one or more of x86_64, arm64, riscv64 are wanted");
    return list;
}

/* --- the architecture ------------------------------------------------------------------------- */
static enum arch first_named(const char *text, uint32_t list)
{
    enum arch first = ARCH_RISCV64;
    const char *earliest = NULL;
    for (int arch = 1; arch < ARCH_COUNT; arch++) {
        const char *at = strstr(text, arch_name((enum arch)arch));
        if ((list & 1u << arch) != 0 && at != NULL && (earliest == NULL || at < earliest)) {
            earliest = at;
            first = (enum arch)arch;
        }
    }
    return first;
}

/* After an error the check goes on, as if it were for some architecture. */
static enum arch pick_arch(struct assembly *a, const struct doc_section *head)
{
    const char *asked = a->options->arch;
    enum arch wanted = asked != NULL ? arch_from_name(asked) : ARCH_INVALID;
    if (asked != NULL && wanted == ARCH_INVALID)
        diag_add(a->diag, NULL, 0,
                 "--arch %s: there is no such architecture; there are x86_64, arm64, riscv64%s",
                 asked, assembly_hint(a, asked, arch_names, 3));
    enum arch any = wanted != ARCH_INVALID ? wanted : ARCH_RISCV64;
    const struct doc_key *key = doc_find(&a->doc, head, "arch", ARCH_INVALID);
    if (key == NULL) {
        if (!head->broken)
            doc_section_error(&a->doc, head,
                              "arch is missing: add arch = riscv64, or a list of x86_64, arm64, "
                              "riscv64");
        return any;
    }
    uint32_t list = assembly_arch_list(a, head, key);
    if (list == 0)
        return any;
    if (wanted != ARCH_INVALID && (list & 1u << wanted) == 0)
        doc_key_error(&a->doc, head, key, key->value,
                      "--arch %s was asked for, and this machine is not made for it", asked);
    if (wanted != ARCH_INVALID)
        return wanted;
    if (arch_native() != ARCH_INVALID && (list & 1u << arch_native()) != 0)
        return arch_native();
    const char *text = assembly_value(a, head, key);
    return text != NULL ? first_named(text, list) : any;
}

/* --- single keys ------------------------------------------------------------------------------ */
/* NULL: not in the file, or its ${} cannot be resolved. */
static const char *head_text(struct assembly *a, const struct doc_section *head, const char *name,
                             const struct doc_key **key)
{
    *key = doc_find(&a->doc, head, name, a->machine->arch);
    return *key != NULL ? assembly_value(a, head, *key) : NULL;
}

static uint64_t head_number(struct assembly *a, const struct doc_section *head, const char *name,
                            uint64_t otherwise, uint64_t min, uint64_t max)
{
    const struct doc_key *key;
    uint64_t value = otherwise;
    const char *text = head_text(a, head, name, &key);
    if (text == NULL)
        return otherwise;
    int32_t status = property_parse_number(text, 0, &value);
    if (status == BP_ERR_INVALID)
        doc_key_error(&a->doc, head, key, text, "a number is wanted, decimal or with 0x");
    else if (status != BP_OK || value < min || value > max)
        doc_key_error(&a->doc, head, key, text, "%" PRIu64 "-%" PRIu64 " are allowed", min, max);
    else
        return value;
    return otherwise;
}

static void read_cpus(struct assembly *a, const struct doc_section *head)
{
    uint32_t max = a->limits.max_cpus != 0 ? a->limits.max_cpus : CPUS_MAX;
    uint64_t cpus = head_number(a, head, "cpus", 1, 1, max);
    if (a->options->cpus > max)
        diag_add(a->diag, NULL, 0, "--cpus %u: 1-%u are allowed", a->options->cpus, max);
    else if (a->options->cpus != 0)
        cpus = a->options->cpus;
    a->machine->n_cpus = (uint32_t)cpus;
}

static void read_memory(struct assembly *a, const struct doc_section *head)
{
    const struct doc_key *key;
    uint64_t bytes = 0;
    a->machine->memory_bytes = MEMORY_DEFAULT;
    const char *text = head_text(a, head, "memory", &key);
    if (text != NULL && property_parse_number(text, 1, &bytes) != BP_OK)
        doc_key_error(&a->doc, head, key, text,
                      "a size is wanted: bytes, or with K, M, G or T, such as 256M");
    else if (text != NULL && (bytes == 0 || bytes % ASPACE_PAGE_BYTES != 0))
        doc_key_error(&a->doc, head, key, text, "a multiple of 4K is wanted, at least 4K");
    else if (text != NULL)
        a->machine->memory_bytes = bytes;
    if (a->options->memory_bytes % ASPACE_PAGE_BYTES != 0)
        diag_add(a->diag, NULL, 0, "--memory %" PRIu64 ": a multiple of 4K is wanted",
                 a->options->memory_bytes);
    else if (a->options->memory_bytes != 0)
        a->machine->memory_bytes = a->options->memory_bytes;
}

static void read_ram_base(struct assembly *a, const struct doc_section *head)
{
    struct machine *machine = a->machine;
    const struct doc_key *key = doc_find(&a->doc, head, "ram-base", machine->arch);
    uint64_t otherwise = ram_bases[machine->arch];
    machine->ram_base = head_number(a, head, "ram-base", otherwise, 0, UINT64_MAX);
    if (machine->ram_base % (2u << 20) != 0) {
        doc_key_error(&a->doc, head, key, key->value, "a multiple of 2M (0x200000) is wanted");
        machine->ram_base = otherwise;
    } else if (machine->arch == ARCH_X86_64 && machine->ram_base != 0) {
        doc_key_error(&a->doc, head, key, key->value, "RAM of x86_64 begins at 0");
        machine->ram_base = otherwise;
    } else if (machine->arch == ARCH_ARM64 && machine->ram_base < ARM64_RAM_MIN) {
        doc_key_error(&a->doc, head, key, key->value,
                      "RAM of arm64 begins at 0x%x or above: the interrupt controller lies below",
                      ARM64_RAM_MIN);
        machine->ram_base = otherwise;
    }
}

static char *head_string(struct assembly *a, const struct doc_section *head, const char *name)
{
    const struct doc_key *key;
    const char *text = head_text(a, head, name, &key);
    if (text == NULL || text[0] == '\0')
        return NULL;
    return assembly_need(a, arena_string(&a->machine->own->arena, text));
}

/* --- what the accelerator brings -------------------------------------------------------------- */
static bool offers_gic(const struct assembly *a, uint32_t version)
{
    return a->limits.gic_versions == 0 || (a->limits.gic_versions & 1u << version) != 0;
}

/* The newest that there is, unless the file asks for one. */
static uint32_t read_gic(struct assembly *a, const struct doc_section *head)
{
    uint32_t newest = offers_gic(a, PLATFORM_GIC_V3) ? PLATFORM_GIC_V3 : PLATFORM_GIC_V2;
    const struct doc_key *key;
    const char *text = head_text(a, head, "gic", &key);
    if (text == NULL || strcmp(text, "auto") == 0)
        return newest;
    if (strcmp(text, "2") != 0 && strcmp(text, "3") != 0) {
        doc_key_error(&a->doc, head, key, text, "auto, 2 or 3 is wanted");
        return newest;
    }
    uint32_t wanted = text[0] == '2' ? PLATFORM_GIC_V2 : PLATFORM_GIC_V3;
    if (!offers_gic(a, wanted))
        doc_key_error(&a->doc, head, key, text, "this host's KVM has GICv%u only", newest);
    return wanted;
}

/* Performance counters are the host's own: a guest has them only if it shall. */
static bool read_pmu(struct assembly *a, const struct doc_section *head)
{
    const struct doc_key *key;
    const char *text = head_text(a, head, "pmu", &key);
    if (text == NULL || strcmp(text, "no") == 0)
        return false;
    if (strcmp(text, "yes") != 0)
        doc_key_error(&a->doc, head, key, text, "yes or no is wanted");
    else if (a->limits.has_no_pmu)
        doc_key_error(&a->doc, head, key, text,
                      "this host's KVM has no performance counters for guests: leave it out");
    else
        return true;
    return false;
}

/* The accelerator's controllers of riscv64, by their identities; 0: a device's. Only a machine that
 * asks for them gets them, for they take the place of the one that it names. */
static uint32_t read_aia(struct assembly *a, const struct doc_section *head)
{
    uint32_t offered = a->limits.aia_ids;
    const struct doc_key *key;
    const char *text = head_text(a, head, "aia", &key);
    if (text == NULL || strcmp(text, "no") == 0)
        return 0;
    if (strcmp(text, "auto") == 0)
        return a->limits.is_aia_assumed || a->machine->ram_base < RISCV64_AIA_RAM_MIN ? 0 : offered;
    if (strcmp(text, "yes") != 0)
        doc_key_error(&a->doc, head, key, text, "auto, yes or no is wanted");
    else if (offered == 0)
        doc_key_error(&a->doc, head, key, text,
                      "the accelerator has no such interrupt controllers here: use aia = auto");
    else if (a->machine->ram_base < RISCV64_AIA_RAM_MIN)
        doc_key_error(&a->doc, head, key, text,
                      "the interrupt controllers lie below 0x%x, and so does RAM: change ram-base",
                      RISCV64_AIA_RAM_MIN);
    else
        return offered;
    return 0;
}

static void make_platform(struct assembly *a, const struct doc_section *head)
{
    struct machine *machine = a->machine;
    struct platform_request request = {.arch = machine->arch, .n_cpus = machine->n_cpus};
    if (machine->arch == ARCH_ARM64) {
        request.gic_version = read_gic(a, head);
        request.has_its = a->limits.gic_versions == 0 || a->limits.has_its;
        request.has_pmu = read_pmu(a, head);
    }
    if (machine->arch == ARCH_RISCV64)
        request.aia_ids = read_aia(a, head);
    if (request.gic_version == PLATFORM_GIC_V2 && machine->n_cpus > PLATFORM_GIC_V2_CPUS)
        doc_section_error(&a->doc, head, "%u processors: GICv2 serves at most %u%s",
                          machine->n_cpus, PLATFORM_GIC_V2_CPUS,
                          offers_gic(a, PLATFORM_GIC_V3) ? "; use gic = 3"
                                                         : ", and this host's KVM has no GICv3");
    platform_make(&request, &machine->platform);
}

/* The frequency that the host's counter has, where the guest reads that one. */
static void read_timebase(struct assembly *a, const struct doc_section *head)
{
    uint64_t fixed = a->limits.timebase_hz;
    const struct doc_key *key = doc_find(&a->doc, head, "timebase", a->machine->arch);
    a->machine->timebase_hz =
        head_number(a, head, "timebase", fixed != 0 ? fixed : TIMEBASE_HZ, 1000, 1000000000);
    if (fixed != 0 && a->machine->timebase_hz != fixed)
        doc_key_error(&a->doc, head, key, key->value,
                      "guests on this host's KVM count at %" PRIu64 " Hz: leave the key out",
                      fixed);
}

/* --- RAM -------------------------------------------------------------------------------------- */
static void create_aspace(struct assembly *a, const struct doc_section *head)
{
    struct machine *machine = a->machine;
    uint64_t low = machine->memory_bytes, high = 0;
    uint32_t bits = machine->layout.gpa_bits;
    struct err err;
    if (machine->arch == ARCH_X86_64 && low > ASPACE_X86_LOW_BYTES) {
        high = low - ASPACE_X86_LOW_BYTES;
        low = ASPACE_X86_LOW_BYTES;
    }
    if (aspace_create_split(machine->arch, machine->ram_base, low, ASPACE_4G, high, bits,
                            &machine->aspace, &err) == BP_OK)
        return;
    const struct doc_key *key = doc_find(&a->doc, head, "memory", machine->arch);
    if (a->options->memory_bytes != 0 || key == NULL)
        diag_add(a->diag, NULL, 0, "memory of %" PRIu64 " bytes: %s", machine->memory_bytes,
                 err.text);
    else
        doc_key_error(&a->doc, head, key, key->value, "%s", err.text);
}

void assembly_read_head(struct assembly *a)
{
    struct machine *machine = a->machine;
    const struct doc_section *head = a->doc.machine;
    static const uint32_t widths[ARCH_COUNT] = {
        [ARCH_X86_64] = 46, [ARCH_ARM64] = 40, [ARCH_RISCV64] = 56};
    if (head == NULL) {
        diag_add(a->diag, a->options->path, 0,
                 "there is no [machine] section: a machine file begins with [machine] and arch = "
                 "riscv64");
        machine->arch = ARCH_RISCV64;
        machine->n_cpus = 1;
        machine->timebase_hz = TIMEBASE_HZ;
        return;
    }
    machine->arch = pick_arch(a, head);
    doc_apply_set(&a->doc, machine->arch);
    if (a->options->limits != NULL)
        a->limits = a->options->limits[machine->arch];
    machine->layout.gpa_bits = a->limits.gpa_bits != 0 ? a->limits.gpa_bits : widths[machine->arch];
    assembly_report_unknown_keys(a, head, head_keys, N_HEAD_KEYS);
    machine->summary = head_string(a, head, "summary");
    machine->append = head_string(a, head, "append");
    read_cpus(a, head);
    read_memory(a, head);
    read_ram_base(a, head);
    read_timebase(a, head);
    make_platform(a, head);
    assembly_read_identity(a, head);
    a->console_key = doc_find(&a->doc, head, "console", machine->arch);
    create_aspace(a, head);
}
