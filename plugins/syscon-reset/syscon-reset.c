/*
 * syscon-reset - a register that powers the machine off or resets it.
 * Specification: Linux Documentation/devicetree/bindings/power/reset/syscon-poweroff.yaml and
 * syscon-reboot.yaml: the device tree tells which value in which register does what, so that no
 * driver needs to know this device.
 * Not modelled: nothing; any other value is kept and can be read back.
 */
#include <backplane/if/fdt.h>
#include <backplane/if/power.h>
#include <backplane/lib/regs.h>
#include <backplane/plugin.h>

enum { CONTROL, N_REGS };

#define CONTROL_OFFSET 0x0u

struct syscon {
    struct bp_regs regs; /* first member */
    const struct bp_host *host;
    const struct bp_power *power;
    uint32_t poweroff_value;
    uint32_t reboot_value;
};

static void control_write(void *dev, uint32_t value)
{
    struct syscon *s = dev;

    if (value == s->poweroff_value)
        s->power->request(s->host, BP_POWER_OFF, 0);
    else if (value == s->reboot_value)
        s->power->request(s->host, BP_POWER_RESET, 0);
}

static const struct bp_reg syscon_regs[N_REGS] = {
    [CONTROL] = {.name = "CONTROL",
                 .offset = CONTROL_OFFSET,
                 .writable = UINT32_MAX,
                 .on_write = control_write},
};

static void describe_action(const struct bp_fdt_writer *w, const char *name, const char *compatible,
                            uint32_t value)
{
    w->child_begin(w, name);
    w->prop_string(w, "compatible", compatible);
    w->prop_self(w, "regmap");
    w->prop_u32(w, "offset", CONTROL_OFFSET);
    w->prop_u32(w, "value", value);
    w->child_end(w);
}

static void syscon_describe_fdt(const void *dev, const struct bp_fdt_writer *w)
{
    const struct syscon *s = dev;

    describe_action(w, "poweroff", "syscon-poweroff", s->poweroff_value);
    describe_action(w, "reboot", "syscon-reboot", s->reboot_value);
}

static int32_t syscon_create(const struct bp_host *host, void *dev)
{
    struct syscon *s = dev;

    s->host = host;
    s->power = host->get_interface(host, BP_POWER_ID);
    bp_regs_init(&s->regs, syscon_regs, N_REGS);
    if (s->poweroff_value == s->reboot_value)
        return host->set_error(host, BP_ERR_INVALID,
                               "poweroff-value and reboot-value are the same: give two values");
    return BP_OK;
}

static const char *const needs[] = {BP_POWER_ID, NULL};

static const struct bp_region regions[] = {
    {.name = "regs",
     .size = 0x1000,
     .kind = BP_MMIO,
     .widths = BP_W32,
     .regs = BP_TABLE(syscon_regs)},
};

static const struct bp_property properties[] = {
    BP_PROP_U32(struct syscon, poweroff_value, "poweroff-value", "0x5555", 0, UINT32_MAX,
                "Value that powers the machine off when the guest writes it."),
    BP_PROP_U32(struct syscon, reboot_value, "reboot-value", "0x7777", 0, UINT32_MAX,
                "Value that resets the machine when the guest writes it."),
};

static const struct bp_field fields[] = {BP_FIELD_REGS(struct syscon, regs, N_REGS)};

static const struct bp_class syscon_reset = {
    .struct_size = sizeof(struct bp_class),
    .id = "syscon-reset",
    .version = "1.0",
    .summary = "System-control register that powers off and resets",
    .instance_size = sizeof(struct syscon),
    .state_version = 1,
    .needs = needs,
    .regions = BP_TABLE(regions),
    .properties = BP_TABLE(properties),
    .state = BP_TABLE(fields),
    .dt_name = "syscon",
    .dt_compatible = "backplane,syscon-reset\0syscon\0simple-mfd\0",
    .create = syscon_create,
    .describe_fdt = syscon_describe_fdt,
    .reset = bp_regs_reset,
    .read = bp_regs_read,
    .write = bp_regs_write,
};
BP_PLUGIN("syscon-reset", "1.0", &syscon_reset);
