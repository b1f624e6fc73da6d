/*
 * A machine of a page or two on accel/kvm, for tests: what the guest does at ports and in memory
 * that is not there is noted. Every /dev/kvm will do, also one that only emulates: guests are tiny.
 */
#ifndef TESTS_UNIT_KVM_RIG_H
#define TESTS_UNIT_KVM_RIG_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <backplane/abi.h>

#include "core/accel.h"
#include "core/reg.h"

#define RIG_RAM_BYTES 0x100000u
#define RIG_ROM_GPA   0xffff0000u
#define RIG_ROM_BYTES 0x10000u
#define RIG_CODE_GPA  0x1000u
#define RIG_CPUS_MAX  64u
#define RIG_LOG_MAX   256u

/* At this port the guest says that it is done: the vCPU is kicked. */
#define RIG_PORT_DONE 0xf4u

struct rig_access {
    char kind; /* 'r', 'w': memory; 'i', 'o': ports */
    uint32_t width;
    uint64_t address, value;
};

struct rig {
    struct accel_env env;
    struct accel_vm *vm;
    struct accel_vcpu *vcpus[RIG_CPUS_MAX];
    uint32_t n_cpus;
    uint8_t *ram, *rom;
    pthread_mutex_t lock; /* guards the log */
    struct rig_access log[RIG_LOG_MAX];
    size_t n_log;
    uint64_t answer; /* of reads, and one more each time */
    atomic_uint n_done;
    void (*on_port)(struct rig *rig, uint16_t port, uint64_t value); /* after it was noted */
    uint32_t eoi_vector;
    enum run_result power;
    char guest_log[256];
};

static void rig_note(struct rig *rig, char kind, uint64_t address, uint32_t width, uint64_t value)
{
    pthread_mutex_lock(&rig->lock);
    if (rig->n_log < RIG_LOG_MAX)
        rig->log[rig->n_log++] = (struct rig_access){kind, width, address, value};
    pthread_mutex_unlock(&rig->lock);
}

static uint64_t rig_answer(struct rig *rig, char kind, uint64_t address, uint32_t width)
{
    uint64_t value = rig->answer++;
    rig_note(rig, kind, address, width, value);
    return value;
}

static uint64_t rig_mmio_read(void *ctx, uint64_t gpa, uint32_t width)
{
    return rig_answer(ctx, 'r', gpa, width);
}

static void rig_mmio_write(void *ctx, uint64_t gpa, uint32_t width, uint64_t value)
{
    rig_note(ctx, 'w', gpa, width, value);
}

static uint64_t rig_pio_read(void *ctx, uint16_t port, uint32_t width)
{
    return rig_answer(ctx, 'i', port, width);
}

static void rig_pio_write(void *ctx, uint16_t port, uint32_t width, uint64_t value)
{
    struct rig *rig = ctx;
    if (port != RIG_PORT_DONE) {
        rig_note(rig, 'o', port, width, value);
        if (rig->on_port != NULL)
            rig->on_port(rig, port, value);
        return;
    }
    atomic_fetch_add(&rig->n_done, 1);
    for (uint32_t i = 0; i < rig->n_cpus; i++)
        if (rig->vcpus[i] != NULL)
            accel_kvm.vcpu_kick(rig->vcpus[i]);
}

static void rig_eoi(void *ctx, uint32_t vector)
{
    struct rig *rig = ctx;
    rig->eoi_vector = vector;
}

static uint64_t rig_ticks(void *ctx)
{
    (void)ctx;
    return 1234;
}

static void rig_power(void *ctx, enum run_result what)
{
    struct rig *rig = ctx;
    rig->power = what;
}

static void rig_guest_log(void *ctx, uint32_t vcpu, const char *sentence)
{
    struct rig *rig = ctx;
    (void)snprintf(rig->guest_log, sizeof(rig->guest_log), "%u: %s", vcpu, sentence);
}

/* Writes the reason and returns true where no VM can be made. */
static inline bool rig_is_impossible(void)
{
    struct accel_env env = {0};
    struct accel_config config = {.arch = arch_native(), .n_cpus = 1, .env = &env};
    struct accel_vm *vm = NULL;
    struct err err = {{0}};
    if (accel_kvm.vm_create(&config, &vm, &err) != BP_OK) {
        printf("no KVM for tests here: %s\n", err.text);
        return true;
    }
    accel_kvm.vm_destroy(vm);
    return false;
}

static uint8_t *rig_map(struct rig *rig, uint64_t gpa, size_t size)
{
    struct err err = {{0}};
    void *host = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(host, MAP_FAILED);
    (void)accel_kvm.map_memory(rig->vm, gpa, host, size, &err);
    assert_string_equal(err.text, "");
    return host;
}

/* Without vCPUs. */
static inline void rig_make_vm(struct rig *rig, uint32_t n_cpus, uint32_t ioapic_pins)
{
    struct err err = {{0}};
    memset(rig, 0, sizeof(*rig));
    pthread_mutex_init(&rig->lock, NULL);
    rig->env = (struct accel_env){.ctx = rig,
                                  .mmio_read = rig_mmio_read,
                                  .mmio_write = rig_mmio_write,
                                  .pio_read = rig_pio_read,
                                  .pio_write = rig_pio_write,
                                  .eoi = rig_eoi,
                                  .ticks = rig_ticks,
                                  .power = rig_power,
                                  .guest_log = rig_guest_log};
    struct accel_config config = {.arch = arch_native(),
                                  .n_cpus = n_cpus,
                                  .timebase_hz = 1000000000,
                                  .ioapic_pins = ioapic_pins,
                                  .env = &rig->env};
    rig->n_cpus = n_cpus;
    int32_t status = accel_kvm.vm_create(&config, &rig->vm, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(status, BP_OK);
    rig->ram = rig_map(rig, 0, RIG_RAM_BYTES);
    rig->rom = rig_map(rig, RIG_ROM_GPA, RIG_ROM_BYTES);
}

static inline void rig_make(struct rig *rig, uint32_t n_cpus, uint32_t ioapic_pins)
{
    struct err err = {{0}};
    rig_make_vm(rig, n_cpus, ioapic_pins);
    for (uint32_t i = 0; i < n_cpus; i++) {
        int32_t status = accel_kvm.vcpu_create(rig->vm, i, &rig->vcpus[i], &err);
        assert_string_equal(err.text, "");
        assert_int_equal(status, BP_OK);
    }
}

static void rig_end(struct rig *rig)
{
    if (rig->vm == NULL)
        return; /* the test was skipped */
    for (uint32_t i = 0; i < rig->n_cpus; i++)
        accel_kvm.vcpu_destroy(rig->vcpus[i]);
    accel_kvm.vm_destroy(rig->vm);
    if (rig->ram != NULL)
        (void)munmap(rig->ram, RIG_RAM_BYTES);
    if (rig->rom != NULL)
        (void)munmap(rig->rom, RIG_ROM_BYTES);
    pthread_mutex_destroy(&rig->lock);
}

static inline void rig_check(const struct rig *rig, size_t at, char kind, uint64_t address,
                             uint32_t width, uint64_t value)
{
    assert_true(at < rig->n_log);
    assert_int_equal(rig->log[at].kind, kind);
    assert_int_equal(rig->log[at].address, address);
    assert_int_equal(rig->log[at].width, width);
    assert_int_equal(rig->log[at].value, value);
}

/* How often the guest wrote to a port. */
static inline unsigned rig_count(const struct rig *rig, uint16_t port)
{
    unsigned n = 0;
    for (size_t i = 0; i < rig->n_log; i++)
        n += rig->log[i].kind == 'o' && rig->log[i].address == port;
    return n;
}

static inline void rig_set(struct rig *rig, uint32_t index, uint32_t reg, uint64_t value)
{
    struct err err = {{0}};
    (void)accel_kvm.set_reg(rig->vcpus[index], reg, value, &err);
    assert_string_equal(err.text, "");
}

static inline uint64_t rig_get(struct rig *rig, uint32_t index, uint32_t reg)
{
    struct err err = {{0}};
    uint64_t value = 0;
    (void)accel_kvm.get_reg(rig->vcpus[index], reg, &value, &err);
    assert_string_equal(err.text, "");
    return value;
}

/* Runs vCPU 0 until something ends it. */
static inline enum run_result rig_run(struct rig *rig)
{
    struct err err = {{0}};
    enum run_result result = accel_kvm.vcpu_run(rig->vcpus[0], &err);
    if (result == RUN_ERROR)
        fail_msg("%s", err.text);
    return result;
}

#endif
