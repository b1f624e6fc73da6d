/*
 * sifive-test - the test finisher of SiFive's cores: powers off, resets, or ends with a code.
 * Specification: SiFive test finisher, as drivers know it: one write of CODE << 16 | COMMAND.
 * Not modelled: nothing else is known of it; it reads as 0.
 */
#include <backplane/if/power.h>
#include <backplane/lib/log.h>
#include <backplane/lib/regs.h>
#include <backplane/plugin.h>

#define FAIL  0x3333u
#define PASS  0x5555u
#define RESET 0x7777u

enum { FINISHER, N_REGS };

struct finisher {
    struct bp_regs regs; /* first member */
    const struct bp_host *host;
    const struct bp_power *power;
};

/* An exit status has 8 bits and 0 means success: other codes must not look like it. */
static uint32_t exit_code(uint32_t code)
{
    return code > 255 || !code ? 1 : code;
}

static void finisher_write(void *dev, uint32_t value)
{
    struct finisher *s = dev;

    switch (value & 0xffff) {
    case PASS:
        s->power->request(s->host, BP_POWER_OFF, 0);
        return;
    case FAIL:
        s->power->request(s->host, BP_POWER_OFF, exit_code(value >> 16));
        return;
    case RESET:
        s->power->request(s->host, BP_POWER_RESET, 0);
        return;
    default:
        bp_guest_logf(s->host, "0x%x written: 0x5555, 0x3333 and 0x7777 are known", value);
    }
}

static const struct bp_reg finisher_regs[N_REGS] = {
    [FINISHER] = {.name = "FINISHER", .offset = 0x0, .on_write = finisher_write},
};

static int32_t finisher_create(const struct bp_host *host, void *dev)
{
    struct finisher *s = dev;

    s->host = host;
    s->power = host->get_interface(host, BP_POWER_ID);
    bp_regs_init(&s->regs, finisher_regs, N_REGS);
    return BP_OK;
}

static const char *const needs[] = {BP_POWER_ID, NULL};

static const struct bp_region regions[] = {
    {.name = "regs",
     .size = 0x1000,
     .kind = BP_MMIO,
     .widths = BP_W16 | BP_W32,
     .regs = BP_TABLE(finisher_regs)},
};

static const struct bp_class sifive_test = {
    .struct_size = sizeof(struct bp_class),
    .id = "sifive-test",
    .version = "1.0",
    .summary = "SiFive test finisher: power off, reset, exit with a code",
    .instance_size = sizeof(struct finisher),
    .needs = needs,
    .regions = BP_TABLE(regions),
    .dt_name = "test",
    .dt_compatible = "sifive,test1\0sifive,test0\0",
    .create = finisher_create,
    .reset = bp_regs_reset,
    .read = bp_regs_read,
    .write = bp_regs_write,
};
BP_PLUGIN("sifive-test", "1.0", &sifive_test);
