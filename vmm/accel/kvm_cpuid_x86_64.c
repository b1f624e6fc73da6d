/*
 * What a vCPU says about itself: what the kernel supports, with the topology of our machines (one
 * package, one thread for each core, APIC id = vCPU number). Intel SDM volume 2A, CPUID; AMD APM
 * volume 3, appendix E. Pure.
 * Left out: nested virtualization, monitor/mwait, memory encryption.
 */
#include <string.h>

#include "accel/kvm_x86_64.h"

#define LEAF_FEATURES     0x1u
#define LEAF_CACHES       0x4u
#define LEAF_TOPOLOGY     0xbu
#define LEAF_TSC          0x15u
#define LEAF_TOPOLOGY_2   0x1fu
#define LEAF_EXT          0x80000000u
#define LEAF_EXT_FEATURES 0x80000001u
#define LEAF_BRAND        0x80000002u
#define LEAF_SIZES        0x80000008u
#define LEAF_SVM          0x8000000au
#define LEAF_AMD_CACHES   0x8000001du
#define LEAF_AMD_TOPOLOGY 0x8000001eu
#define LEAF_AMD_MEMORY   0x8000001fu

#define ECX1_MONITOR     (1u << 3)
#define ECX1_VMX         (1u << 5)
#define ECX1_DEADLINE    (1u << 24)
#define ECX1_OSXSAVE     (1u << 27)
#define ECX1_HYPERVISOR  (1u << 31)
#define EDX1_HTT         (1u << 28)
#define ECX81_CMP_LEGACY (1u << 1)
#define ECX81_SVM        (1u << 2)

#define APIC_HZ      1000000000u /* the rate of KVM's local APIC timer */
#define LEVEL_THREAD 1u
#define LEVEL_CORE   2u

struct kvm_cpuid_entry2 *kvm_cpuid_find(struct kvm_cpuid_table *cpuid, uint32_t function,
                                        uint32_t index)
{
    for (uint32_t i = 0; i < cpuid->n; i++) {
        struct kvm_cpuid_entry2 *e = &cpuid->entries[i];
        bool is_indexed = (e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) != 0;
        if (e->function == function && (!is_indexed || e->index == index))
            return e;
    }
    return NULL;
}

/* How many bits number n things. */
static uint32_t bits_of(uint32_t n)
{
    uint32_t bits = 0;
    while ((1u << bits) < n)
        bits++;
    return bits;
}

static bool is_amd(struct kvm_cpuid_table *cpuid)
{
    const struct kvm_cpuid_entry2 *e = kvm_cpuid_find(cpuid, 0, 0);
    return e != NULL && (memcmp(&e->ebx, "Auth", 4) == 0 || memcmp(&e->ebx, "Hygo", 4) == 0);
}

static void drop_leaf(struct kvm_cpuid_table *cpuid, uint32_t function)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < cpuid->n; i++)
        if (cpuid->entries[i].function != function)
            cpuid->entries[kept++] = cpuid->entries[i];
    cpuid->n = kept;
}

static void add_entry(struct kvm_cpuid_table *cpuid, const struct kvm_cpuid_entry2 *entry)
{
    if (cpuid->n < KVM_CPUID_MAX)
        cpuid->entries[cpuid->n++] = *entry;
}

/* --- Features --------------------------------------------------------------------------------- */

static void shape_features(struct kvm_cpuid_table *cpuid, const struct kvm_cpuid_shape *shape)
{
    struct kvm_cpuid_entry2 *e = kvm_cpuid_find(cpuid, LEAF_FEATURES, 0);
    if (e == NULL)
        return;
    e->ebx = (e->ebx & 0xffff) | (1u << bits_of(shape->n_cpus)) << 16 | shape->index << 24;
    e->ecx &= ~(ECX1_MONITOR | ECX1_VMX | ECX1_OSXSAVE | ECX1_DEADLINE);
    e->ecx |= ECX1_HYPERVISOR | (shape->has_deadline_timer ? ECX1_DEADLINE : 0);
    e->edx = shape->n_cpus > 1 ? e->edx | EDX1_HTT : e->edx & ~EDX1_HTT;
}

static void shape_extended_features(struct kvm_cpuid_table *cpuid,
                                    const struct kvm_cpuid_shape *shape)
{
    struct kvm_cpuid_entry2 *e = kvm_cpuid_find(cpuid, LEAF_EXT_FEATURES, 0);
    if (e == NULL)
        return;
    e->ecx &= ~(ECX81_SVM | ECX81_CMP_LEGACY);
    if (is_amd(cpuid) && shape->n_cpus > 1)
        e->ecx |= ECX81_CMP_LEGACY;
}

static void clear_leaf(struct kvm_cpuid_table *cpuid, uint32_t function)
{
    struct kvm_cpuid_entry2 *e = kvm_cpuid_find(cpuid, function, 0);
    if (e != NULL)
        e->eax = e->ebx = e->ecx = e->edx = 0;
}

/* Some kernels and processors have no brand; a guest's own listings look better with one. */
static void shape_brand(struct kvm_cpuid_table *cpuid)
{
    static const char brand[48] = "Backplane virtual processor";
    struct kvm_cpuid_entry2 *e[3];
    for (uint32_t i = 0; i < 3; i++) {
        e[i] = kvm_cpuid_find(cpuid, LEAF_BRAND + i, 0);
        if (e[i] == NULL || (e[i]->eax | e[i]->ebx | e[i]->ecx | e[i]->edx) != 0)
            return;
    }
    for (uint32_t i = 0; i < 3; i++)
        memcpy(&e[i]->eax, brand + 16 * i, 16);
}

/* Crystal and ratio such that both the time counter and the APIC's timer come out right. */
static void shape_tsc(struct kvm_cpuid_table *cpuid, const struct kvm_cpuid_shape *shape)
{
    struct kvm_cpuid_entry2 *e = kvm_cpuid_find(cpuid, LEAF_TSC, 0);
    if (e == NULL || is_amd(cpuid) || shape->tsc_khz == 0)
        return;
    e->eax = APIC_HZ / 1000;
    e->ebx = shape->tsc_khz;
    e->ecx = APIC_HZ;
    e->edx = 0;
}

/* --- Topology --------------------------------------------------------------------------------- */

/* Deterministic cache parameters, of either vendor: levels 1 and 2 are a core's own. */
static void shape_caches(struct kvm_cpuid_table *cpuid, const struct kvm_cpuid_shape *shape)
{
    const uint32_t cores = 1u << bits_of(shape->n_cpus);
    for (uint32_t i = 0; i < cpuid->n; i++) {
        struct kvm_cpuid_entry2 *e = &cpuid->entries[i];
        uint32_t type = e->eax & 0x1f, level = e->eax >> 5 & 7;
        if ((e->function != LEAF_CACHES && e->function != LEAF_AMD_CACHES) || type == 0)
            continue;
        uint32_t sharing = level >= 3 ? cores : 1;
        e->eax &= 0x3fff;
        e->eax |= (sharing - 1) << 14;
        if (e->function == LEAF_CACHES)
            e->eax |= (cores - 1) << 26;
    }
}

static void shape_x2apic(struct kvm_cpuid_table *cpuid, const struct kvm_cpuid_shape *shape,
                         uint32_t function)
{
    struct kvm_cpuid_entry2 e = {.function = function,
                                 .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
                                 .ebx = 1,
                                 .ecx = LEVEL_THREAD << 8,
                                 .edx = shape->index};
    drop_leaf(cpuid, function);
    add_entry(cpuid, &e);
    e.index = 1;
    e.eax = bits_of(shape->n_cpus);
    e.ebx = shape->n_cpus;
    e.ecx = LEVEL_CORE << 8 | e.index;
    add_entry(cpuid, &e);
    e.index = 2;
    e.eax = e.ebx = 0;
    e.ecx = e.index;
    add_entry(cpuid, &e);
}

static void shape_topology(struct kvm_cpuid_table *cpuid, const struct kvm_cpuid_shape *shape)
{
    struct kvm_cpuid_entry2 *base = kvm_cpuid_find(cpuid, 0, 0);
    if (base == NULL)
        return;
    if (base->eax < LEAF_TOPOLOGY)
        base->eax = LEAF_TOPOLOGY;
    bool has_second = base->eax >= LEAF_TOPOLOGY_2; /* `base` moves when leaves are dropped */
    shape_x2apic(cpuid, shape, LEAF_TOPOLOGY);
    if (has_second)
        shape_x2apic(cpuid, shape, LEAF_TOPOLOGY_2);
}

static void shape_amd(struct kvm_cpuid_table *cpuid, const struct kvm_cpuid_shape *shape)
{
    struct kvm_cpuid_entry2 *sizes = kvm_cpuid_find(cpuid, LEAF_SIZES, 0);
    struct kvm_cpuid_entry2 *e = kvm_cpuid_find(cpuid, LEAF_AMD_TOPOLOGY, 0);
    if (!is_amd(cpuid))
        return;
    if (sizes != NULL)
        sizes->ecx = bits_of(shape->n_cpus) << 12 | (shape->n_cpus - 1);
    if (e == NULL)
        return;
    e->eax = shape->index; /* APIC id */
    e->ebx = shape->index; /* core, of one thread */
    e->ecx = e->edx = 0;   /* one node */
}

void kvm_cpuid_shape(struct kvm_cpuid_table *cpuid, const struct kvm_cpuid_shape *shape)
{
    shape_features(cpuid, shape);
    shape_extended_features(cpuid, shape);
    clear_leaf(cpuid, LEAF_SVM);
    clear_leaf(cpuid, LEAF_AMD_MEMORY);
    shape_brand(cpuid);
    shape_tsc(cpuid, shape);
    shape_caches(cpuid, shape);
    shape_amd(cpuid, shape);
    shape_topology(cpuid, shape);
}
