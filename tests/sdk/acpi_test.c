/* The bench's fake of the ACPI writer: what it records, and what it refuses as the host does. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <backplane/bench.h>
#include <backplane/if/acpi.h>

struct probe {
    const struct bp_host *host;
};

static const struct bp_region regions[] = {
    {.name = "regs", .size = 16, .kind = BP_PIO, .widths = BP_W8},
    {.name = "config", .size = 0x200000, .kind = BP_MMIO, .widths = BP_W32},
};
static const struct bp_line lines[] = {{"sci", BP_LEVEL_HIGH, 0}};
static const uint8_t terms[] = {0x08, 'A', 'B', 'C', 'D', 0x00};

static void describe_all(const void *dev, const struct bp_acpi_writer *w)
{
    (void)dev;
    w->name_integer(w, "_ADR", 5);
    w->name_string(w, "_STR", "lamp");
    w->compatible_id(w, "PNP0B00");
    w->prop_u64(w, "clock-frequency", 1843200);
    w->prop_string(w, "label", "red");
    w->aml(w, terms, sizeof(terms));
    w->child_begin(w, "KBD", "PNP0303");
    w->child_region(w, 0, 4, 1);
    w->child_line(w, 0);
    w->child_begin(w, "PORT", NULL);
    w->child_end(w);
    w->child_end(w);
    w->fixed_block(w, BP_ACPI_PM1A_EVENT, 0, 0, 4);
    w->fixed_block(w, BP_ACPI_PM1A_CONTROL, 0, 4, 2);
    w->fixed_block(w, BP_ACPI_PM_TIMER, 0, 8, 4);
    w->fixed_block(w, BP_ACPI_GPE0, 0, 12, 4);
    w->fixed_features(w, BP_ACPI_POWER_BUTTON | BP_ACPI_HAS_I8042);
    w->fixed_sci(w, 0);
    w->fixed_reset(w, 0, 6, 1);
    w->fixed_sleep(w, 5, 7);
    w->fixed_rtc(w, 0, 0, 50);
    w->pci_config(w, 1, 0, 4, 5);
    w->serial(w, 0, 0, 0, 1, 1843200, 115200);
}

static struct bp_class probe = {
    .struct_size = sizeof(struct bp_class),
    .id = "probe",
    .version = "1",
    .summary = "says what it is told to",
    .instance_size = sizeof(struct probe),
    .state_version = 1,
    .regions = BP_TABLE(regions),
    .lines = BP_TABLE(lines),
    .describe_acpi = describe_all,
};

static void everything_is_recorded_by_name(void **state)
{
    struct bench *b = bench_create(&probe, NULL);

    (void)state;
    assert_string_equal(bench_acpi(b),
                        "Name (_ADR, 5)\n"
                        "Name (_STR, \"lamp\")\n"
                        "Name (_CID, \"PNP0B00\")\n"
                        "Property (\"clock-frequency\", 1843200)\n"
                        "Property (\"label\", \"red\")\n"
                        "Terms (6 bytes)\n"
                        "Device (KBD, PNP0303) {\n"
                        "    Region (regs, 4, 1)\n"
                        "    Line (sci)\n"
                        "    Device (PORT, no id) {\n"
                        "    }\n"
                        "}\n"
                        "Fixed (PM1a event, regs, 0, 4)\n"
                        "Fixed (PM1a control, regs, 4, 2)\n"
                        "Fixed (PM timer, regs, 8, 4)\n"
                        "Fixed (GPE0, regs, 12, 4)\n"
                        "Features (power button, i8042)\n"
                        "SCI (sci)\n"
                        "Reset (regs, 6, 1)\n"
                        "Sleep (S5, 7)\n"
                        "RTC (day 0, month 0, century 50)\n"
                        "PCI (config, segment 0, buses 4-5)\n"
                        "Serial (regs, sci, subtype 0, stride 1, 1843200 Hz, 115200 bit/s)\n");
    bench_destroy(b);
}

static void a_class_of_an_older_abi_has_nothing_to_say(void **state)
{
    struct bp_class old = probe;

    (void)state;
    old.struct_size = offsetof(struct bp_class, describe_acpi);
    struct bench *b = bench_create(&old, NULL);
    assert_string_equal(bench_acpi(b), "");
    bench_destroy(b);
}

/* --- what is refused -------------------------------------------------------------------------- */
static void bad_name(const struct bp_acpi_writer *w)
{
    w->name_integer(w, "lamp", 1);
}

static void bad_id(const struct bp_acpi_writer *w)
{
    w->compatible_id(w, "PNP0X00");
}

static void bad_string(const struct bp_acpi_writer *w)
{
    w->prop_string(w, "label", "red\n");
}

static void bad_region(const struct bp_acpi_writer *w)
{
    w->fixed_reset(w, 2, 0, 1);
}

static void beyond_the_region(const struct bp_acpi_writer *w)
{
    w->fixed_reset(w, 0, 16, 1);
}

static void bad_line(const struct bp_acpi_writer *w)
{
    w->fixed_sci(w, 1);
}

static void not_ended(const struct bp_acpi_writer *w)
{
    w->child_begin(w, "KBD", "PNP0303");
}

static void ended_twice(const struct bp_acpi_writer *w)
{
    w->child_end(w);
}

static void with_a_header(const struct bp_acpi_writer *w)
{
    w->aml(w, "SSDT, and so on", 15);
}

static void bad_block(const struct bp_acpi_writer *w)
{
    w->fixed_block(w, BP_ACPI_PM_TIMER, 0, 8, 3);
}

static void too_many_buses(const struct bp_acpi_writer *w)
{
    w->pci_config(w, 1, 0, 0, 2);
}

static void (*wrong)(const struct bp_acpi_writer *w);

static void describe_wrong(const void *dev, const struct bp_acpi_writer *w)
{
    (void)dev;
    wrong(w);
}

static void what_the_host_refuses_ends_the_test(void **state)
{
    static void (*const all[])(const struct bp_acpi_writer *w) = {
        bad_name,  bad_id,      bad_string,    bad_region, beyond_the_region, bad_line,
        not_ended, ended_twice, with_a_header, bad_block,  too_many_buses};
    struct bp_class c = probe;

    (void)state;
    c.describe_acpi = describe_wrong;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        int status;
        pid_t child = fork();

        wrong = all[i];
        if (!child) {
            signal(SIGABRT, SIG_DFL);
            if (!freopen("/dev/null", "w", stderr))
                _exit(1);
            bench_create(&c, NULL);
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
            fail_msg("mistake %zu was taken", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_recorded_by_name),
        cmocka_unit_test(a_class_of_an_older_abi_has_nothing_to_say),
        cmocka_unit_test(what_the_host_refuses_ends_the_test),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
