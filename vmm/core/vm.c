#include "core/vm.h"

#include <backplane/abi.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/doorbells.h"
#include "core/vcpu_thread.h"
#include "util/hosttime.h"
#include "util/log.h"

#define OBJECT "machine"

struct vm {
    struct vm_config config;
    struct accel_env env;
    struct memory memory;
    bool has_memory;
    struct bus *bus;
    struct bus *ports; /* NULL where the architecture has none */
    struct doorbells doorbells;
    struct loop *loop;
    struct workers *workers;
    struct accel_vm *accel_vm;
    struct vcpu_thread **vcpus; /* config.n_cpus; NULL where not made yet */
    /* The first request of a run: result | code << 8 | vCPU << 32; 0 while there is none. */
    _Atomic uint64_t request;
    atomic_bool interrupted; /* by the user; not lost when the guest asks for something as well */
    _Atomic uint64_t ticks_offset;
    _Atomic uint64_t first_run_ns;
    pthread_mutex_t stray_lock;
    struct log_limit stray_limit;
    struct err error; /* of the vCPU that failed first */
    pthread_mutex_t error_lock;
};

/* --- What the processor asks of the machine --------------------------------------------------- */

static void log_stray(struct vm *vm, const char *place, uint64_t address, uint32_t width,
                      int is_write, const struct bus_handler *handler)
{
    vcpu_thread_count(VCPU_COUNT_STRAY);
    pthread_mutex_lock(&vm->stray_lock);
    if (log_allow(&vm->stray_limit, OBJECT))
        log_format(LOG_LEVEL_GUEST, OBJECT, "%u-byte %s at %s0x%llx: %s", width,
                   is_write ? "write" : "read", place, (unsigned long long)address,
                   handler == NULL ? "nothing is there"
                                   : "not a width or alignment of this region");
    pthread_mutex_unlock(&vm->stray_lock);
}

static void on_stray(void *ctx, uint64_t gpa, uint32_t width, int is_write,
                     const struct bus_handler *handler)
{
    log_stray(ctx, "", gpa, width, is_write, handler);
}

static void on_stray_port(void *ctx, uint64_t port, uint32_t width, int is_write,
                          const struct bus_handler *handler)
{
    log_stray(ctx, "port ", port, width, is_write, handler);
}

static uint64_t env_mmio_read(void *ctx, uint64_t gpa, uint32_t width)
{
    struct vm *vm = ctx;
    vcpu_thread_count(VCPU_COUNT_MMIO_READ);
    return bus_read(vm->bus, gpa, width);
}

static void env_mmio_write(void *ctx, uint64_t gpa, uint32_t width, uint64_t value)
{
    struct vm *vm = ctx;
    vcpu_thread_count(VCPU_COUNT_MMIO_WRITE);
    bus_write(vm->bus, gpa, width, value);
}

static uint64_t env_pio_read(void *ctx, uint16_t port, uint32_t width)
{
    struct vm *vm = ctx;
    vcpu_thread_count(VCPU_COUNT_PIO_READ);
    return bus_read(vm->ports, port, width);
}

static void env_pio_write(void *ctx, uint16_t port, uint32_t width, uint64_t value)
{
    struct vm *vm = ctx;
    vcpu_thread_count(VCPU_COUNT_PIO_WRITE);
    bus_write(vm->ports, port, width, value);
}

static void env_eoi(void *ctx, uint32_t vector)
{
    struct vm *vm = ctx;
    if (vm->config.eoi != NULL)
        vm->config.eoi(vm->config.ctx, vector);
}

static uint64_t env_ticks(void *ctx)
{
    return vm_ticks(ctx);
}

static size_t env_console_write(void *ctx, const uint8_t *bytes, size_t n)
{
    struct vm *vm = ctx;
    return vm->config.console_write != NULL ? vm->config.console_write(vm->config.ctx, bytes, n)
                                            : n;
}

static size_t env_console_read(void *ctx, uint8_t *bytes, size_t n)
{
    struct vm *vm = ctx;
    return vm->config.console_read != NULL ? vm->config.console_read(vm->config.ctx, bytes, n) : 0;
}

static void env_power(void *ctx, enum run_result what)
{
    vm_request(ctx, what, 0);
}

static void env_guest_log(void *ctx, uint32_t vcpu, const char *sentence)
{
    struct vm *vm = ctx;
    pthread_mutex_lock(&vm->stray_lock);
    if (log_allow(&vm->stray_limit, OBJECT))
        log_format(LOG_LEVEL_GUEST, OBJECT, "vCPU %u: %s", vcpu, sentence);
    pthread_mutex_unlock(&vm->stray_lock);
}

/* --- Creation --------------------------------------------------------------------------------- */

static int32_t vm_create_memory(struct vm *vm, struct err *err)
{
    int32_t status = memory_init(&vm->memory, vm->config.aspace, err);
    if (status != BP_OK)
        return status;
    vm->has_memory = true;
    for (size_t i = 0; i < vm->memory.n_slots; i++) {
        const struct memory_slot *slot = &vm->memory.slots[i];
        status = vm->config.accel->map_memory(vm->accel_vm, slot->gpa, slot->host, slot->size, err);
        if (status != BP_OK)
            return status;
    }
    return BP_OK;
}

/* What a vCPU's run ended with that concerns the whole machine. */
static void on_vcpu_result(void *ctx, enum run_result result, const struct err *err)
{
    struct vm *vm = ctx;
    if (result == RUN_ERROR) {
        pthread_mutex_lock(&vm->error_lock);
        if (vm->error.text[0] == '\0')
            vm->error = *err;
        pthread_mutex_unlock(&vm->error_lock);
    }
    vm_request(vm, result, 0);
}

static int32_t vm_create_vcpus(struct vm *vm, struct err *err)
{
    for (uint32_t i = 0; i < vm->config.n_cpus; i++) {
        int32_t status = vcpu_thread_create(vm->config.accel, vm->accel_vm, i, on_vcpu_result, vm,
                                            &vm->vcpus[i], err);
        if (status == BP_OK && vm->config.on_create_vcpu != NULL)
            status = vm->config.on_create_vcpu(vm->config.ctx, vm, i, err);
        if (status != BP_OK)
            return status;
    }
    return BP_OK;
}

static int32_t vm_build(struct vm *vm, struct err *err)
{
    const struct vm_config *c = &vm->config;
    vm->vcpus = calloc(c->n_cpus, sizeof(struct vcpu_thread *));
    if (vm->vcpus == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, OBJECT ": out of memory");
    int32_t status = bus_create(&vm->bus, on_stray, vm, err);
    if (status == BP_OK && c->arch == ARCH_X86_64)
        status = bus_create(&vm->ports, on_stray_port, vm, err);
    if (status == BP_OK)
        status = loop_create(&vm->loop, err);
    if (status == BP_OK)
        status = workers_create(vm->loop, &vm->workers, err);
    if (status != BP_OK)
        return status;
    struct accel_config accel = {.arch = c->arch,
                                 .n_cpus = c->n_cpus,
                                 .timebase_hz = c->timebase_hz,
                                 .firmware = c->firmware,
                                 .ioapic_pins = c->ioapic_pins,
                                 .platform = c->platform,
                                 .env = &vm->env};
    status = c->accel->vm_create(&accel, &vm->accel_vm, err);
    if (status == BP_OK && c->on_create_vm != NULL)
        status = c->on_create_vm(c->ctx, vm, err);
    if (status == BP_OK)
        status = vm_create_memory(vm, err);
    if (status == BP_OK && c->on_create_vm_with_memory != NULL)
        status = c->on_create_vm_with_memory(c->ctx, vm, err);
    if (status == BP_OK)
        status = vm_create_vcpus(vm, err);
    return status;
}

int32_t vm_create(const struct vm_config *config, struct vm **out, struct err *err)
{
    struct vm *vm = calloc(1, sizeof(struct vm));
    *out = NULL;
    if (vm == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, OBJECT ": out of memory");
    vm->config = *config;
    vm->env = (struct accel_env){.ctx = vm,
                                 .mmio_read = env_mmio_read,
                                 .mmio_write = env_mmio_write,
                                 .pio_read = env_pio_read,
                                 .pio_write = env_pio_write,
                                 .eoi = env_eoi,
                                 .ticks = env_ticks,
                                 .console_write = env_console_write,
                                 .console_read = env_console_read,
                                 .power = env_power,
                                 .guest_log = env_guest_log};
    pthread_mutex_init(&vm->stray_lock, NULL);
    pthread_mutex_init(&vm->error_lock, NULL);
    *out = vm;
    return vm_build(vm, err);
}

void vm_destroy(struct vm *vm)
{
    if (vm == NULL)
        return;
    for (uint32_t i = 0; vm->vcpus != NULL && i < vm->config.n_cpus; i++)
        vcpu_thread_destroy(vm->vcpus[i]);
    free(vm->vcpus);
    doorbells_remove(&vm->doorbells, NULL);
    if (vm->accel_vm != NULL)
        vm->config.accel->vm_destroy(vm->accel_vm);
    memory_fini(&vm->memory);
    workers_destroy(vm->workers);
    loop_destroy(vm->loop);
    bus_destroy(vm->ports);
    bus_destroy(vm->bus);
    pthread_mutex_destroy(&vm->error_lock);
    pthread_mutex_destroy(&vm->stray_lock);
    free(vm);
}

/* --- Parts and memory ------------------------------------------------------------------------- */

struct memory *vm_memory(struct vm *vm)
{
    return vm->has_memory ? &vm->memory : NULL;
}

static int32_t vm_access_status(const struct vm *vm, int32_t status, uint64_t gpa, uint64_t size,
                                struct err *err)
{
    if (!vm->has_memory)
        return err_set(err, BP_ERR_STATE, "guest memory: there is no RAM yet");
    if (status != BP_OK)
        return err_set(err, status, "guest memory: [0x%llx, +0x%llx) is not all RAM",
                       (unsigned long long)gpa, (unsigned long long)size);
    return BP_OK;
}

int32_t vm_read(struct vm *vm, uint64_t gpa, void *to, uint64_t size, struct err *err)
{
    int32_t status = vm->has_memory ? memory_read(&vm->memory, gpa, to, size) : BP_ERR_STATE;
    return vm_access_status(vm, status, gpa, size, err);
}

int32_t vm_write(struct vm *vm, uint64_t gpa, const void *from, uint64_t size, struct err *err)
{
    int32_t status = vm->has_memory ? memory_write(&vm->memory, gpa, from, size) : BP_ERR_STATE;
    return vm_access_status(vm, status, gpa, size, err);
}

uint64_t vm_memory_size(const struct vm *vm)
{
    return aspace_ram_size(vm->config.aspace);
}

uint64_t vm_memory_base(const struct vm *vm)
{
    return aspace_ram_base(vm->config.aspace);
}

struct bus *vm_bus(struct vm *vm)
{
    return vm->bus;
}

struct bus *vm_ports(struct vm *vm)
{
    return vm->ports;
}

int32_t vm_connect_line(struct vm *vm, uint32_t number, uint32_t trigger, struct err *err)
{
    const struct accel_ops *accel = vm->config.accel;
    return accel->connect_line != NULL ? accel->connect_line(vm->accel_vm, number, trigger, err)
                                       : BP_OK;
}

void vm_set_line(struct vm *vm, uint32_t number, bool level)
{
    if (vm->config.accel->set_line != NULL)
        vm->config.accel->set_line(vm->accel_vm, number, level);
}

int32_t vm_add_doorbell(struct vm *vm, const struct vm_doorbell *doorbell, struct err *err)
{
    return doorbells_add(&vm->doorbells, vm->config.accel, vm->accel_vm, vm->loop, doorbell, err);
}

void vm_remove_doorbells(struct vm *vm, const void *ctx)
{
    doorbells_remove(&vm->doorbells, ctx);
}

struct loop *vm_loop(struct vm *vm)
{
    return vm->loop;
}

struct workers *vm_workers(struct vm *vm)
{
    return vm->workers;
}

int32_t vm_add_memory(struct vm *vm, uint64_t gpa, uint64_t size, struct err *err)
{
    size_t slot;
    int32_t status = memory_add(&vm->memory, gpa, size, &slot, err);
    if (status != BP_OK)
        return status;
    return vm->config.accel->map_memory(vm->accel_vm, gpa, vm->memory.slots[slot].host, size, err);
}

const struct accel_ops *vm_accel(const struct vm *vm)
{
    return vm->config.accel;
}

struct accel_vm *vm_accel_vm(struct vm *vm)
{
    return vm->accel_vm;
}

struct accel_vcpu *vm_vcpu(struct vm *vm, uint32_t index)
{
    return index < vm->config.n_cpus && vm->vcpus[index] != NULL
               ? vcpu_thread_vcpu(vm->vcpus[index])
               : NULL;
}

uint32_t vm_cpu_count(const struct vm *vm)
{
    return vm->config.n_cpus;
}

/* --- The guest's time counter: virtual time in ticks, plus what a device has set -------------- */

uint64_t vm_ticks(const struct vm *vm)
{
    uint64_t now_ns = clock_now_ns(loop_clock(vm->loop));
    uint64_t hz = vm->config.timebase_hz;
    uint64_t ticks = now_ns / NS_PER_SECOND * hz + now_ns % NS_PER_SECOND * hz / NS_PER_SECOND;
    return ticks + atomic_load_explicit(&vm->ticks_offset, memory_order_relaxed);
}

void vm_set_ticks(struct vm *vm, uint64_t ticks)
{
    atomic_fetch_add(&vm->ticks_offset, ticks - vm_ticks(vm));
    if (vm->config.accel->ticks_changed != NULL)
        vm->config.accel->ticks_changed(vm->accel_vm);
}

uint64_t vm_ticks_to_ns(const struct vm *vm, uint64_t ticks)
{
    uint64_t now = vm_ticks(vm);
    if (ticks <= now)
        return 0;
    uint64_t wait = ticks - now;
    uint64_t hz = vm->config.timebase_hz;
    if (wait / hz >= UINT64_MAX / NS_PER_SECOND / 2)
        return UINT64_MAX;
    uint64_t wait_ns = wait / hz * NS_PER_SECOND + (wait % hz * NS_PER_SECOND + hz - 1) / hz;
    return clock_now_ns(loop_clock(vm->loop)) + wait_ns;
}

/* --- Running ---------------------------------------------------------------------------------- */

void vm_request(struct vm *vm, enum run_result what, uint32_t code)
{
    uint64_t none = RUN_HANDLED;
    if (atomic_compare_exchange_strong(&vm->request, &none,
                                       (uint64_t)what | (uint64_t)(code & 0xff) << 8 |
                                           (uint64_t)vcpu_thread_current() << 32))
        loop_stop(vm->loop);
}

void vm_interrupt(struct vm *vm)
{
    atomic_store(&vm->interrupted, true);
    loop_stop(vm->loop);
}

void vm_press_power_button(struct vm *vm)
{
    if (vm->config.on_power_button != NULL)
        vm->config.on_power_button(vm->config.ctx);
}

static struct vm_outcome vm_take_request(struct vm *vm)
{
    uint64_t request = atomic_exchange(&vm->request, RUN_HANDLED);
    struct vm_outcome outcome = {.result = (enum run_result)(request & 0xff),
                                 .code = (uint32_t)(request >> 8) & 0xff,
                                 .vcpu = (uint32_t)(request >> 32)};
    bool has_ended = outcome.result == RUN_HALTED || outcome.result == RUN_CRASHED ||
                     outcome.result == RUN_ERROR;
    if (atomic_exchange(&vm->interrupted, false) && !has_ended)
        outcome = (struct vm_outcome){.result = RUN_INTERRUPTED, .vcpu = VCPU_NONE};
    return outcome;
}

/* From all vCPUs started to all stopped. */
static int32_t vm_run_once(struct vm *vm, struct vm_outcome *outcome, struct err *err)
{
    int32_t status = BP_OK;
    uint64_t never = 0;
    atomic_compare_exchange_strong(&vm->first_run_ns, &never, host_monotonic_ns());
    clock_resume(loop_clock(vm->loop));
    for (uint32_t i = 0; i < vm->config.n_cpus; i++)
        vcpu_thread_begin_start(vm->vcpus[i]);
    for (uint32_t i = 0; i < vm->config.n_cpus && status == BP_OK; i++)
        status = vcpu_thread_start(vm->vcpus[i], err);
    if (status == BP_OK)
        loop_run(vm->loop);
    for (uint32_t i = 0; i < vm->config.n_cpus; i++)
        vcpu_thread_begin_stop(vm->vcpus[i]);
    for (uint32_t i = 0; i < vm->config.n_cpus; i++)
        vcpu_thread_finish_stop(vm->vcpus[i]);
    clock_pause(loop_clock(vm->loop));
    *outcome = vm_take_request(vm);
    return status;
}

static int32_t vm_boot(struct vm *vm, struct err *err)
{
    for (uint32_t i = 0; i < vm->config.n_cpus; i++)
        vm->config.accel->vcpu_reset(vcpu_thread_vcpu(vm->vcpus[i]), i == 0 || vm->config.firmware
                                                                         ? ENTRY_BOOT_VCPU
                                                                         : ENTRY_SECONDARY);
    return vm->config.load != NULL ? vm->config.load(vm->config.ctx, vm, err) : BP_OK;
}

/* True: the run goes on with the vCPUs as they are. */
static bool vm_yield(struct vm *vm, enum run_result what)
{
    return vm->config.on_yield != NULL && vm->config.on_yield(vm->config.ctx, vm, what);
}

int32_t vm_run(struct vm *vm, bool stop_on_reboot, struct vm_outcome *outcome, struct err *err)
{
    int32_t status = vm_boot(vm, err);
    while (status == BP_OK) {
        status = vm_run_once(vm, outcome, err);
        if (status != BP_OK)
            break;
        switch (outcome->result) {
        case RUN_REBOOT:
            if (stop_on_reboot)
                return BP_OK;
            if (vm->config.reset != NULL)
                vm->config.reset(vm->config.ctx, vm);
            status = vm_boot(vm, err);
            break;
        case RUN_YIELD:
        case RUN_USER_YIELD:
            if (!vm_yield(vm, outcome->result))
                return BP_OK;
            break;
        case RUN_ERROR:
            return err_set(err, BP_ERR_IO, "%s", vm->error.text);
        case RUN_HANDLED: /* woken without a request: go on */
            break;
        case RUN_HALTED:
        case RUN_INTERRUPTED:
        case RUN_CRASHED:
            return BP_OK;
        }
    }
    return status;
}

int32_t vm_vcpu_call(struct vm *vm, uint32_t index, void (*f)(void *ctx, struct accel_vcpu *vcpu),
                     void *ctx)
{
    if (index >= vm->config.n_cpus)
        return BP_ERR_NOT_FOUND;
    return vcpu_thread_call(vm->vcpus[index], f, ctx);
}

void vm_stats_read(const struct vm *vm, struct vm_stats *out)
{
    *out = (struct vm_stats){.first_run_ns = atomic_load(&vm->first_run_ns),
                             .doorbells = vm->doorbells.n_rung};
    for (uint32_t i = 0; i < vm->config.n_cpus; i++) {
        const uint64_t *counts = vcpu_thread_counts(vm->vcpus[i]);
        out->mmio_reads += counts[VCPU_COUNT_MMIO_READ];
        out->mmio_writes += counts[VCPU_COUNT_MMIO_WRITE];
        out->pio_reads += counts[VCPU_COUNT_PIO_READ];
        out->pio_writes += counts[VCPU_COUNT_PIO_WRITE];
        out->stray += counts[VCPU_COUNT_STRAY];
        out->kicks += counts[VCPU_COUNT_KICK];
    }
}
