/* An accelerator whose guests are C functions: for the tests of what lies around a processor. */
#ifndef TESTS_UNIT_FAKE_ACCEL_H
#define TESTS_UNIT_FAKE_ACCEL_H

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <backplane/abi.h>

#include "core/accel.h"

#define FAKE_CPUS_MAX 16

struct accel_vm {
    struct accel_config config;
};

struct accel_vcpu {
    struct accel_vm *vm;
    uint32_t index;
    pthread_mutex_t lock; /* guards kicked */
    pthread_cond_t changed;
    bool kicked;
    unsigned n_runs;
    enum accel_entry entry;
    pthread_t thread; /* of the last run */
    atomic_uint irqs; /* levels, as bits */
};

/* What the test sets before it makes a machine, and what it finds afterwards. */
static struct {
    enum run_result (*guest)(struct accel_vcpu *vcpu, struct err *err); /* NULL: sleeps */
    int32_t vm_create, map_memory, vcpu_create; /* status that each shall return */
    uint32_t failing_vcpu;
    char events[2048]; /* what happened during set-up and reset, with blanks between */
    unsigned n_vms, n_vcpus;
    atomic_uint n_ticks_changed;
} fake;

static void fake_event(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void fake_event(const char *format, ...)
{
    size_t used = strlen(fake.events);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(fake.events + used, sizeof(fake.events) - used, format, args);
    va_end(args);
    strncat(fake.events, " ", sizeof(fake.events) - strlen(fake.events) - 1);
}

static void fake_begin(void)
{
    memset(&fake, 0, sizeof(fake));
    fake.failing_vcpu = UINT32_MAX;
}

static int32_t fake_probe(enum arch arch, struct err *err)
{
    (void)arch;
    (void)err;
    return BP_OK;
}

static int32_t fake_vm_create(const struct accel_config *config, struct accel_vm **out,
                              struct err *err)
{
    if (fake.vm_create != BP_OK)
        return err_set(err, fake.vm_create, "fake: no VM");
    *out = calloc(1, sizeof(**out));
    (*out)->config = *config;
    fake.n_vms++;
    fake_event("vm");
    return BP_OK;
}

static void fake_vm_destroy(struct accel_vm *vm)
{
    fake.n_vms--;
    free(vm);
}

static int32_t fake_map_memory(struct accel_vm *vm, uint64_t gpa, void *host, uint64_t size,
                               struct err *err)
{
    (void)vm;
    (void)host;
    if (fake.map_memory != BP_OK)
        return err_set(err, fake.map_memory, "fake: no memory");
    fake_event("map:%llx+%llx", (unsigned long long)gpa, (unsigned long long)size);
    return BP_OK;
}

static int32_t fake_vcpu_create(struct accel_vm *vm, uint32_t index, struct accel_vcpu **out,
                                struct err *err)
{
    if (index == fake.failing_vcpu)
        return err_set(err, BP_ERR_NO_MEMORY, "fake: no vCPU %u", index);
    *out = calloc(1, sizeof(**out));
    (*out)->vm = vm;
    (*out)->index = index;
    pthread_mutex_init(&(*out)->lock, NULL);
    pthread_cond_init(&(*out)->changed, NULL);
    fake.n_vcpus++;
    fake_event("vcpu%u", index);
    return BP_OK;
}

static void fake_vcpu_destroy(struct accel_vcpu *vcpu)
{
    fake.n_vcpus--;
    pthread_cond_destroy(&vcpu->changed);
    pthread_mutex_destroy(&vcpu->lock);
    free(vcpu);
}

static void fake_vcpu_reset(struct accel_vcpu *vcpu, enum accel_entry entry)
{
    vcpu->entry = entry;
    fake_event("reset%u%s", vcpu->index, entry == ENTRY_BOOT_VCPU ? "" : "-waits");
}

/* Until the next kick, as a guest that computes for ever would run. */
static inline enum run_result fake_run_until_kicked(struct accel_vcpu *vcpu)
{
    pthread_mutex_lock(&vcpu->lock);
    while (!vcpu->kicked)
        pthread_cond_wait(&vcpu->changed, &vcpu->lock);
    vcpu->kicked = false;
    pthread_mutex_unlock(&vcpu->lock);
    return RUN_INTERRUPTED;
}

static enum run_result fake_vcpu_run(struct accel_vcpu *vcpu, struct err *err)
{
    vcpu->n_runs++;
    vcpu->thread = pthread_self();
    pthread_mutex_lock(&vcpu->lock);
    bool was_kicked = vcpu->kicked;
    vcpu->kicked = false;
    pthread_mutex_unlock(&vcpu->lock);
    if (was_kicked)
        return RUN_INTERRUPTED;
    return fake.guest != NULL ? fake.guest(vcpu, err) : fake_run_until_kicked(vcpu);
}

static void fake_vcpu_kick(struct accel_vcpu *vcpu)
{
    pthread_mutex_lock(&vcpu->lock);
    vcpu->kicked = true;
    pthread_cond_broadcast(&vcpu->changed);
    pthread_mutex_unlock(&vcpu->lock);
}

static void fake_set_irq(struct accel_vcpu *vcpu, enum cpu_irq irq, bool level)
{
    if (level)
        atomic_fetch_or(&vcpu->irqs, 1u << irq);
    else
        atomic_fetch_and(&vcpu->irqs, ~(1u << irq));
}

static void fake_ticks_changed(struct accel_vm *vm)
{
    (void)vm;
    atomic_fetch_add(&fake.n_ticks_changed, 1);
}

static const struct accel_ops fake_accel = {
    .name = "fake",
    .probe = fake_probe,
    .vm_create = fake_vm_create,
    .vm_destroy = fake_vm_destroy,
    .map_memory = fake_map_memory,
    .vcpu_create = fake_vcpu_create,
    .vcpu_destroy = fake_vcpu_destroy,
    .vcpu_reset = fake_vcpu_reset,
    .vcpu_run = fake_vcpu_run,
    .vcpu_kick = fake_vcpu_kick,
    .set_irq = fake_set_irq,
    .ticks_changed = fake_ticks_changed,
};

#endif
