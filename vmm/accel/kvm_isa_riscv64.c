/*
 * What riscv64 guests on KVM have: the ISA string from the extensions that the kernel says they
 * have, their paging, the frequency of their time counter.
 * Not told to guests: the hypervisor extension; cache blocks of another size than the device tree
 * says; Ssaia where the machine does not have the interrupt controllers that it belongs to.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "accel/kvm_riscv64.h"

#define CACHE_BLOCK_BYTES 64u /* as in tables/fdt_riscv64.c */

/* Names of more than one letter; without one: not told. */
static const char *const names[KVM_RISCV_ISA_EXT_MAX] = {
    [KVM_RISCV_ISA_EXT_ZICBOM] = "zicbom",
    [KVM_RISCV_ISA_EXT_ZICBOZ] = "zicboz",
    [KVM_RISCV_ISA_EXT_ZICNTR] = "zicntr",
    [KVM_RISCV_ISA_EXT_ZICOND] = "zicond",
    [KVM_RISCV_ISA_EXT_ZICSR] = "zicsr",
    [KVM_RISCV_ISA_EXT_ZIFENCEI] = "zifencei",
    [KVM_RISCV_ISA_EXT_ZIHINTNTL] = "zihintntl",
    [KVM_RISCV_ISA_EXT_ZIHINTPAUSE] = "zihintpause",
    [KVM_RISCV_ISA_EXT_ZIHPM] = "zihpm",
    [KVM_RISCV_ISA_EXT_ZIMOP] = "zimop",
    [KVM_RISCV_ISA_EXT_ZACAS] = "zacas",
    [KVM_RISCV_ISA_EXT_ZAWRS] = "zawrs",
    [KVM_RISCV_ISA_EXT_ZFA] = "zfa",
    [KVM_RISCV_ISA_EXT_ZFH] = "zfh",
    [KVM_RISCV_ISA_EXT_ZFHMIN] = "zfhmin",
    [KVM_RISCV_ISA_EXT_ZCA] = "zca",
    [KVM_RISCV_ISA_EXT_ZCB] = "zcb",
    [KVM_RISCV_ISA_EXT_ZCD] = "zcd",
    [KVM_RISCV_ISA_EXT_ZCMOP] = "zcmop",
    [KVM_RISCV_ISA_EXT_ZBA] = "zba",
    [KVM_RISCV_ISA_EXT_ZBB] = "zbb",
    [KVM_RISCV_ISA_EXT_ZBC] = "zbc",
    [KVM_RISCV_ISA_EXT_ZBKB] = "zbkb",
    [KVM_RISCV_ISA_EXT_ZBKC] = "zbkc",
    [KVM_RISCV_ISA_EXT_ZBKX] = "zbkx",
    [KVM_RISCV_ISA_EXT_ZBS] = "zbs",
    [KVM_RISCV_ISA_EXT_ZKND] = "zknd",
    [KVM_RISCV_ISA_EXT_ZKNE] = "zkne",
    [KVM_RISCV_ISA_EXT_ZKNH] = "zknh",
    [KVM_RISCV_ISA_EXT_ZKR] = "zkr",
    [KVM_RISCV_ISA_EXT_ZKSED] = "zksed",
    [KVM_RISCV_ISA_EXT_ZKSH] = "zksh",
    [KVM_RISCV_ISA_EXT_ZKT] = "zkt",
    [KVM_RISCV_ISA_EXT_ZTSO] = "ztso",
    [KVM_RISCV_ISA_EXT_ZVBB] = "zvbb",
    [KVM_RISCV_ISA_EXT_ZVBC] = "zvbc",
    [KVM_RISCV_ISA_EXT_ZVFH] = "zvfh",
    [KVM_RISCV_ISA_EXT_ZVFHMIN] = "zvfhmin",
    [KVM_RISCV_ISA_EXT_ZVKB] = "zvkb",
    [KVM_RISCV_ISA_EXT_ZVKG] = "zvkg",
    [KVM_RISCV_ISA_EXT_ZVKNED] = "zvkned",
    [KVM_RISCV_ISA_EXT_ZVKNHA] = "zvknha",
    [KVM_RISCV_ISA_EXT_ZVKNHB] = "zvknhb",
    [KVM_RISCV_ISA_EXT_ZVKSED] = "zvksed",
    [KVM_RISCV_ISA_EXT_ZVKSH] = "zvksh",
    [KVM_RISCV_ISA_EXT_ZVKT] = "zvkt",
    [KVM_RISCV_ISA_EXT_SMSTATEEN] = "smstateen",
    [KVM_RISCV_ISA_EXT_SSAIA] = "ssaia",
    [KVM_RISCV_ISA_EXT_SSCOFPMF] = "sscofpmf",
    [KVM_RISCV_ISA_EXT_SSTC] = "sstc",
    [KVM_RISCV_ISA_EXT_SVINVAL] = "svinval",
    [KVM_RISCV_ISA_EXT_SVNAPOT] = "svnapot",
    [KVM_RISCV_ISA_EXT_SVPBMT] = "svpbmt",
};

/* In the order of the unprivileged specification, chapter "ISA extension naming conventions". */
static const struct {
    char letter;
    uint32_t id;
} letters[] = {
    {'i', KVM_RISCV_ISA_EXT_I}, {'m', KVM_RISCV_ISA_EXT_M}, {'a', KVM_RISCV_ISA_EXT_A},
    {'f', KVM_RISCV_ISA_EXT_F}, {'d', KVM_RISCV_ISA_EXT_D}, {'c', KVM_RISCV_ISA_EXT_C},
    {'v', KVM_RISCV_ISA_EXT_V},
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static bool is_told(const struct kvm_isa_facts *facts, uint32_t id)
{
    if (id == KVM_RISCV_ISA_EXT_ZICSR || id == KVM_RISCV_ISA_EXT_ZIFENCEI)
        return true; /* kernels that do not say so have guests with them all the same */
    if (names[id] == NULL || !facts->has[id])
        return false;
    if (id == KVM_RISCV_ISA_EXT_ZICBOM)
        return facts->cbom_bytes == CACHE_BLOCK_BYTES;
    return id != KVM_RISCV_ISA_EXT_ZICBOZ || facts->cboz_bytes == CACHE_BLOCK_BYTES;
}

void kvm_isa_print(const struct kvm_isa_facts *facts, char *out, size_t size)
{
    size_t at = (size_t)snprintf(out, size, "rv64");
    for (size_t i = 0; i < COUNT(letters); i++)
        if (facts->has[letters[i].id] && at + 1 < size) {
            out[at++] = letters[i].letter;
            out[at] = '\0';
        }
    for (uint32_t id = 0; id < COUNT(names); id++) {
        size_t length = names[id] != NULL ? strlen(names[id]) + 1 : 0;
        if (is_told(facts, id) && length < size - at)
            at += (size_t)snprintf(out + at, size - at, "_%s", names[id]);
    }
}

const char *kvm_isa_mmu_type(uint64_t satp_mode)
{
    switch (satp_mode) {
    case 8:
        return "riscv,sv39";
    case 9:
        return "riscv,sv48";
    case 10:
        return "riscv,sv57";
    default:
        return NULL;
    }
}

/* --- The kernel's answers --------------------------------------------------------------------- */

static uint64_t read_reg(int vcpu_fd, uint64_t type, uint64_t index)
{
    uint64_t value = 0;
    return kvm_onereg_read(vcpu_fd, KVM_RISCV_REG64(type, index), &value) ? value : 0;
}

static uint64_t extension_reg(uint32_t id)
{
    return KVM_RISCV_REG64(KVM_REG_RISCV_ISA_EXT | KVM_REG_RISCV_ISA_SINGLE, id);
}

void kvm_isa_read(int vcpu_fd, struct kvm_isa_facts *out)
{
    *out = (struct kvm_isa_facts){.satp_mode = 0};
    for (uint32_t id = 0; id < COUNT(names); id++) {
        uint64_t value = 0;
        out->has[id] = kvm_onereg_read(vcpu_fd, extension_reg(id), &value) && value != 0;
    }
    out->cbom_bytes =
        read_reg(vcpu_fd, KVM_REG_RISCV_CONFIG, KVM_REG_RISCV_CONFIG_REG(zicbom_block_size));
    out->cboz_bytes =
        read_reg(vcpu_fd, KVM_REG_RISCV_CONFIG, KVM_REG_RISCV_CONFIG_REG(zicboz_block_size));
    out->satp_mode = read_reg(vcpu_fd, KVM_REG_RISCV_CONFIG, KVM_REG_RISCV_CONFIG_REG(satp_mode));
}

void kvm_isa_trim(int vcpu_fd, bool has_aia)
{
    struct kvm_isa_facts facts;
    const uint64_t off = 0;
    kvm_isa_read(vcpu_fd, &facts);
    for (uint32_t id = 0; id < COUNT(names); id++) {
        bool is_letter = false;
        bool is_wanted = is_told(&facts, id) && (id != KVM_RISCV_ISA_EXT_SSAIA || has_aia);
        for (size_t i = 0; i < COUNT(letters); i++)
            is_letter = is_letter || letters[i].id == id;
        if (facts.has[id] && !is_letter && !is_wanted)
            (void)kvm_onereg_write(vcpu_fd, extension_reg(id), &off);
    }
}

/* --- Limits ----------------------------------------------------------------------------------- */

static struct {
    pthread_mutex_t lock;
    bool is_known;
    char isa[512];
    const char *mmu_type;
    uint64_t timebase_hz;
    uint32_t aia_ids;
} known = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* A VM and a vCPU that never run. */
static void look(int kvm_fd)
{
    struct kvm_isa_facts facts;
    int vm_fd = ioctl(kvm_fd, KVM_CREATE_VM, 0);
    int vcpu_fd = vm_fd < 0 ? -1 : ioctl(vm_fd, KVM_CREATE_VCPU, 0);
    if (vcpu_fd >= 0) {
        kvm_isa_read(vcpu_fd, &facts);
        kvm_isa_print(&facts, known.isa, sizeof(known.isa));
        known.mmu_type = kvm_isa_mmu_type(facts.satp_mode);
        known.timebase_hz =
            read_reg(vcpu_fd, KVM_REG_RISCV_TIMER, KVM_REG_RISCV_TIMER_REG(frequency));
        known.is_known = facts.has[KVM_RISCV_ISA_EXT_I];
        known.aia_ids = facts.has[KVM_RISCV_ISA_EXT_SSAIA] ? kvm_aia_ids(vm_fd) : 0;
        close(vcpu_fd);
    }
    if (vm_fd >= 0)
        close(vm_fd);
}

void kvm_isa_limits(int kvm_fd, struct accel_limits *out)
{
    pthread_mutex_lock(&known.lock);
    if (!known.is_known)
        look(kvm_fd);
    if (known.is_known) {
        out->isa = known.isa;
        out->mmu_type = known.mmu_type;
        out->timebase_hz = known.timebase_hz;
        out->aia_ids = known.aia_ids;
        out->is_aia_assumed = false;
    }
    pthread_mutex_unlock(&known.lock);
}
