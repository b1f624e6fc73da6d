/* From a loaded machine to a VM that can run, and what the VM asks of its machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accel/accel_list.h"
#include "cli/run.h"
#include "cli/terminal.h"
#include "plugin/stream.h"

/* --- The guest's side of the start ------------------------------------------------------------ */

static int32_t set_mode(const struct run *run, struct vm *vm, struct err *err)
{
    const struct boot_plan *plan = boot_get_plan(run->boot);
    const struct accel_ops *accel = vm_accel(vm);
    switch (plan->mode) {
    case BOOT_MODE_RESET:
        return BP_OK;
    case BOOT_MODE_PROTECTED:
        return accel->set_protected_mode(vm_vcpu(vm, 0), err);
    case BOOT_MODE_LONG:
        return accel->set_long_mode(vm_vcpu(vm, 0), &plan->long_mode, err);
    }
    return BP_OK;
}

static int32_t set_registers(const struct run *run, struct vm *vm, uint32_t index, struct err *err)
{
    struct boot_register registers[BOOT_REGISTERS_MAX];
    size_t n = boot_registers(run->boot, index, registers);
    for (size_t i = 0; i < n; i++) {
        int32_t status =
            vm_accel(vm)->set_reg(vm_vcpu(vm, index), registers[i].reg, registers[i].value, err);
        if (status != BP_OK)
            return status;
    }
    return BP_OK;
}

static int32_t on_load(void *ctx, struct vm *vm, struct err *err)
{
    struct run *run = ctx;
    int32_t status = run_tables_load(run, vm, err);
    if (status == BP_OK)
        status = set_mode(run, vm, err);
    for (uint32_t i = 0; i < vm_cpu_count(vm) && status == BP_OK; i++)
        status = set_registers(run, vm, i, err);
    if (status != BP_OK)
        return status;
    machine_start(run->m.machine);
    terminal_note_running();
    if (!run->is_announced)
        run_notify("READY=1\nSTATUS=The guest runs.");
    run->is_announced = true;
    return BP_OK;
}

static int32_t on_memory(void *ctx, struct vm *vm, struct err *err)
{
    struct run *run = ctx;
    return machine_realize(run->m.machine, vm, err);
}

static int32_t on_vcpu(void *ctx, struct vm *vm, uint32_t index, struct err *err)
{
    const struct run *run = ctx;
    const struct accel_ops *accel = vm_accel(vm);
    size_t none = 0;
    /* For a crash's report the exits that KVM keeps by itself are enough, and cost less. */
    if (!run->shows_trace && accel->read_trace(vm_vcpu(vm, index), NULL, &none, err) == BP_OK)
        return BP_OK;
    return accel->enable_trace(vm_vcpu(vm, index), run->trace_entries, err);
}

static void on_reset(void *ctx, struct vm *vm)
{
    struct run *run = ctx;
    memory_clear(vm_memory(vm));
    machine_reset(run->m.machine, BP_RESET_WARM);
}

/* Nobody outside listens for a guest's requests yet: a host service is declined by going on, a
 * pause ends the run. */
static bool on_yield(void *ctx, struct vm *vm, enum run_result what)
{
    (void)ctx;
    (void)vm;
    return what == RUN_USER_YIELD;
}

static void on_eoi(void *ctx, uint32_t vector)
{
    struct run *run = ctx;
    device_apic_eoi(run->m.machine->irqchip, vector);
}

static size_t on_console_write(void *ctx, const uint8_t *bytes, size_t n)
{
    struct run *run = ctx;
    return stream_write(run->m.machine->console, bytes, n);
}

static size_t on_console_read(void *ctx, uint8_t *bytes, size_t n)
{
    struct run *run = ctx;
    return stream_read(run->m.machine->console, bytes, n);
}

/* --- Set-up ----------------------------------------------------------------------------------- */

static int32_t join_bootargs(struct run *run, const char *append, struct err *err)
{
    const char *own = run->m.machine->append;
    if (own == NULL && append == NULL)
        return BP_OK;
    if (asprintf(&run->bootargs, "%s%s%s", own != NULL ? own : "",
                 own != NULL && append != NULL ? " " : "", append != NULL ? append : "") >= 0)
        return BP_OK;
    run->bootargs = NULL;
    return err_set(err, BP_ERR_NO_MEMORY, "kernel command line: out of memory");
}

static int32_t open_boot(struct run *run, struct err *err)
{
    struct boot_request request = {.arch = run->m.machine->arch,
                                   .kernel = run->m.machine->kernel,
                                   .initrd = run->m.machine->initrd,
                                   .firmware = run->m.machine->firmware,
                                   .cmdline = run->bootargs};
    request.n_ram = aspace_ram(run->m.machine->aspace, request.ram);
    int32_t status = run_tables_measure(run, request.initrd != NULL, &request, err);
    if (status == BP_OK)
        status = boot_open(&request, &run->boot, err);
    if (status == BP_OK)
        status = run_tables_make(run, err);
    return status;
}

bool run_has_files(const struct run *run)
{
    return run->m.machine->kernel != NULL || run->m.machine->firmware != NULL;
}

int32_t run_check_files(struct run *run, const struct cli_args *args, struct err *err)
{
    int32_t status = join_bootargs(run, cli_value(args, "append"), err);
    return status == BP_OK ? open_boot(run, err) : status;
}

static int32_t create_vm(struct run *run, const struct accel_ops *accel, struct err *err)
{
    const struct machine *machine = run->m.machine;
    const struct vm_config config = {.arch = machine->arch,
                                     .n_cpus = machine->n_cpus,
                                     .timebase_hz = machine->timebase_hz,
                                     .firmware = boot_get_plan(run->boot)->has_firmware,
                                     .ioapic_pins = device_apic_pins(machine->irqchip),
                                     .platform = &machine->platform,
                                     .accel = accel,
                                     .aspace = machine->aspace,
                                     .ctx = run,
                                     .on_create_vm_with_memory = on_memory,
                                     .on_create_vcpu = on_vcpu,
                                     .load = on_load,
                                     .reset = on_reset,
                                     .on_yield = on_yield,
                                     .on_power_button = run_press_button,
                                     .eoi = on_eoi,
                                     .console_write = on_console_write,
                                     .console_read = on_console_read};
    return vm_create(&config, &run->vm, err);
}

/* The accelerator comes first: whatever is wrong with the files, what cannot run here is said. */
int32_t run_set_up(struct run *run, const struct cli_args *args, struct err *err)
{
    const char *wanted = cli_value(args, "accel");
    const struct accel_ops *accel =
        accel_choose(wanted != NULL ? wanted : "auto", run->m.machine->arch, err);
    if (accel == NULL)
        return BP_ERR_UNSUPPORTED;
    int32_t status = run_check_files(run, args, err);
    if (status == BP_OK)
        status = create_vm(run, accel, err);
    return status;
}

/* Devices go before the VM they use; and the VM before the address space it reads. */
void run_tear_down(struct run *run)
{
    machine_destroy_devices(run->m.machine);
    vm_destroy(run->vm);
    boot_close(run->boot);
    run_tables_fini(run);
    free(run->bootargs);
    cli_machine_close(&run->m);
}
