/*
 * exit_path: what one exit of a guest costs in our own code, without KVM. From the return of
 * KVM_RUN through the accelerator's loop, the machine's callback, the bus, the device's lock and
 * its handler to the next KVM_RUN: only the system call is not the kernel's, but a function here
 * that says which port or memory the guest has touched.
 *
 * Prints "exits: PORT5 PORT500 MMIO5 MMIO500" in nanoseconds, with 5 and with 500 devices, the best
 * of several rounds each; then "exits: ALLOCATIONS LOCKS FOREIGN" of as many exits as it says
 * last: calls of malloc, of pthread_mutex_lock, and those for another mutex than the device's own.
 */
#include <dlfcn.h>
#include <errno.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include <backplane/device.h>

#include "accel/kvm.h"
#include "core/vm.h"
#include "plugin/device.h"

enum { EXITS = 100000, ROUNDS = 25, MAX_DEVICES = 500, PAGE_BYTES = 4096, RUN_BYTES = 8192 };
enum { FIRST_PORT = 0x1000, PORTS_EACH = 8 };

static const uint64_t first_gpa = 0x10000000;

/* --- What is counted -------------------------------------------------------------------------- */

static _Thread_local bool is_counting;
static uint64_t n_allocations, n_locks, n_foreign;
static const pthread_mutex_t *own_lock;

static void *real(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (found == NULL)
        abort();
    return found;
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    static int (*lock)(pthread_mutex_t * mutex);
    if (lock == NULL) {
        void *found = real("pthread_mutex_lock");
        memcpy(&lock, &found, sizeof(lock));
    }
    if (is_counting) {
        n_locks++;
        n_foreign += mutex != own_lock;
    }
    return lock(mutex);
}

/* glibc's own, for programs that put something before them. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size)
{
    n_allocations += is_counting;
    return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    n_allocations += is_counting;
    return __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
    n_allocations += is_counting;
    return __libc_realloc(old, size);
}

/* --- Devices ---------------------------------------------------------------------------------- */

struct gadget {
    uint64_t value;
};

static uint64_t gadget_read(void *dev, uint32_t region, uint64_t offset, uint32_t width)
{
    const struct gadget *g = dev;
    (void)region;
    return (g->value + offset) & (width == 1 ? 0xff : UINT32_MAX);
}

static void gadget_write(void *dev, uint32_t region, uint64_t offset, uint32_t width,
                         uint64_t value)
{
    struct gadget *g = dev;
    (void)region;
    (void)width;
    g->value += offset + value;
}

static const struct bp_region regions[] = {
    {.name = "regs", .size = PAGE_BYTES, .kind = BP_MMIO, .widths = BP_W32},
    {.name = "ports", .size = PORTS_EACH, .kind = BP_PIO, .widths = BP_W8}};

static const struct bp_class gadget = {.struct_size = sizeof(struct bp_class),
                                       .id = "gadget",
                                       .version = "1.0",
                                       .summary = "a register",
                                       .instance_size = sizeof(struct gadget),
                                       .regions = BP_TABLE(regions),
                                       .read = gadget_read,
                                       .write = gadget_write};

static struct device *devices[MAX_DEVICES];

/* --- The guest -------------------------------------------------------------------------------- */

static struct {
    bool is_port;
    uint32_t n_devices, left, random;
    struct kvm_run *run;
} guest;

/* Another device each time, in no order that a processor could guess; reads and writes by turns. */
static void touch_something(struct kvm_run *run)
{
    guest.random = guest.random * 1664525u + 1013904223u;
    uint32_t which = (guest.random >> 16) % guest.n_devices;
    bool is_write = (guest.left & 1) != 0;
    own_lock = &devices[which]->lock;
    if (guest.is_port) {
        run->exit_reason = KVM_EXIT_IO;
        run->io.direction = is_write ? KVM_EXIT_IO_OUT : KVM_EXIT_IO_IN;
        run->io.size = 1;
        run->io.count = 1;
        run->io.port = (uint16_t)(FIRST_PORT + which * PORTS_EACH + 1);
        run->io.data_offset = PAGE_BYTES;
        return;
    }
    run->exit_reason = KVM_EXIT_MMIO;
    run->mmio.phys_addr = first_gpa + (uint64_t)which * PAGE_BYTES + 4;
    run->mmio.len = 4;
    run->mmio.is_write = is_write;
    memset(run->mmio.data, 1, sizeof(run->mmio.data));
}

/* Instead of libc's: the only system call on the path. */
int ioctl(int fd, unsigned long request, ...)
{
    (void)fd;
    if (request != KVM_RUN || guest.run == NULL) {
        errno = ENOTTY;
        return -1;
    }
    if (guest.left-- != 0) {
        touch_something(guest.run);
        return 0;
    }
    guest.run->exit_reason = KVM_EXIT_SYSTEM_EVENT;
    guest.run->system_event.type = KVM_SYSTEM_EVENT_SHUTDOWN;
    return 0;
}

/* --- An accelerator that is KVM's loop and nothing else --------------------------------------- */

static int32_t part_vm_create(const struct accel_config *config, struct accel_vm **out,
                              struct err *err)
{
    (void)err;
    *out = calloc(1, sizeof(**out));
    if (*out == NULL)
        return BP_ERR_NO_MEMORY;
    (*out)->config = *config;
    return BP_OK;
}

static void part_vm_destroy(struct accel_vm *vm)
{
    free(vm);
}

static int32_t part_map_memory(struct accel_vm *vm, uint64_t gpa, void *host, uint64_t size,
                               struct err *err)
{
    (void)vm;
    (void)gpa;
    (void)host;
    (void)size;
    (void)err;
    return BP_OK;
}

static int32_t part_vcpu_create(struct accel_vm *vm, uint32_t index, struct accel_vcpu **out,
                                struct err *err)
{
    struct accel_vcpu *vcpu = calloc(1, sizeof(*vcpu));
    (void)err;
    if (vcpu == NULL)
        return BP_ERR_NO_MEMORY;
    vcpu->vm = vm;
    vcpu->index = index;
    vcpu->fd = -1;
    vcpu->run = guest.run = calloc(1, RUN_BYTES);
    kvm_trace_init(&vcpu->trace);
    *out = vcpu;
    return vcpu->run != NULL ? BP_OK : BP_ERR_NO_MEMORY;
}

static void part_vcpu_destroy(struct accel_vcpu *vcpu)
{
    kvm_trace_free(&vcpu->trace);
    free(vcpu->run);
    free(vcpu);
}

static void part_vcpu_reset(struct accel_vcpu *vcpu, enum accel_entry entry)
{
    (void)vcpu;
    (void)entry;
}

static double took_ns;

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static enum run_result part_vcpu_run(struct accel_vcpu *vcpu, struct err *err)
{
    double begin = now_ns();
    is_counting = true;
    enum run_result result = kvm_vcpu_run(vcpu, err);
    is_counting = false;
    took_ns = now_ns() - begin;
    return result;
}

static const struct accel_ops part = {.name = "part",
                                      .vm_create = part_vm_create,
                                      .vm_destroy = part_vm_destroy,
                                      .map_memory = part_map_memory,
                                      .vcpu_create = part_vcpu_create,
                                      .vcpu_destroy = part_vcpu_destroy,
                                      .vcpu_reset = part_vcpu_reset,
                                      .vcpu_run = part_vcpu_run,
                                      .vcpu_kick = kvm_vcpu_kick};

/* --- The machine ------------------------------------------------------------------------------ */

static void must(int32_t status, const struct err *err)
{
    if (status == BP_OK)
        return;
    fprintf(stderr, "exit_path: %s\n", err->text);
    exit(1);
}

static void add_device(struct vm *vm, uint32_t i)
{
    struct err err = {{0}};
    must(device_new(&gadget, "gadget", 1, 1000000000, &devices[i], &err), &err);
    must(device_create(devices[i], &err), &err);
    struct device_region *r = devices[i]->regions;
    r[0].placed = r[1].placed = true;
    r[0].base = first_gpa + (uint64_t)i * PAGE_BYTES;
    r[0].size = PAGE_BYTES;
    r[1].base = FIRST_PORT + i * PORTS_EACH;
    r[1].size = PORTS_EACH;
    must(device_realize(devices[i], vm, &err), &err);
}

static double run_round(struct vm *vm, bool is_port)
{
    struct err err = {{0}};
    struct vm_outcome outcome;
    guest.is_port = is_port;
    guest.left = EXITS;
    must(vm_run(vm, true, &outcome, &err), &err);
    if (outcome.result != RUN_HALTED)
        exit(1);
    return took_ns / EXITS;
}

static double best_of(struct vm *vm, bool is_port)
{
    double best = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        double one = run_round(vm, is_port);
        best = one < best ? one : best;
    }
    return best;
}

static void measure(uint32_t n_devices, double *port, double *mmio)
{
    struct err err = {{0}};
    struct aspace *as;
    struct vm *vm;
    struct vm_stats stats;
    must(aspace_create(ARCH_X86_64, 0, 0x100000, 40, &as, &err), &err);
    const struct vm_config config = {
        .arch = ARCH_X86_64, .n_cpus = 1, .timebase_hz = 1000000000, .accel = &part, .aspace = as};
    must(vm_create(&config, &vm, &err), &err);
    for (uint32_t i = 0; i < n_devices; i++)
        add_device(vm, i);
    guest.n_devices = n_devices;
    guest.random = 1;
    *port = best_of(vm, true);
    *mmio = best_of(vm, false);
    vm_stats_read(vm, &stats);
    if (stats.stray != 0 || stats.pio_reads + stats.pio_writes != (uint64_t)EXITS * ROUNDS ||
        stats.mmio_reads + stats.mmio_writes != (uint64_t)EXITS * ROUNDS) {
        fprintf(stderr, "exit_path: the exits did not reach the devices\n");
        exit(1);
    }
    for (uint32_t i = 0; i < n_devices; i++)
        device_destroy(devices[i]);
    vm_destroy(vm);
    aspace_destroy(as);
}

int main(void)
{
    double port_5, port_500, mmio_5, mmio_500;
    measure(5, &port_5, &mmio_5);
    measure(MAX_DEVICES, &port_500, &mmio_500);
    printf("exits: %.1f %.1f %.1f %.1f\n", port_5, port_500, mmio_5, mmio_500);
    printf("exits: %llu %llu %llu %d\n", (unsigned long long)n_allocations,
           (unsigned long long)n_locks, (unsigned long long)n_foreign, EXITS * ROUNDS * 4);
    return 0;
}
