/* The host's side of a device: life cycle, lock, lines, timers, links, and what destroy ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <backplane/if/char.h>
#include <backplane/if/config.h>
#include <backplane/if/cpu.h>
#include <backplane/if/irqchip.h>
#include <backplane/if/link.h>
#include <backplane/if/loop.h>
#include <backplane/if/mem.h>
#include <backplane/if/power.h>
#include <backplane/if/region.h>
#include <backplane/if/worker.h>

#include "core/vm.h"
#include "plugin/device.h"
#include "unit/fake_accel.h"

#define RAM_BASE 0x80000000u

/* --- A class that notes what happens to it ---------------------------------------------------- */

struct gadget {
    uint32_t on;
    uint32_t number;
    uint64_t size;
    uint32_t mode;
    const char *text;
    const char *file;
    const struct bp_host *host;
    bp_handle timer;
    unsigned counter; /* not atomic: the device's lock must be enough */
    uint64_t last_arg;
};

/* What the class's callbacks shall do, and what they have seen; for all gadgets of a test. */
static struct {
    int32_t create, plan, realize; /* status to return */
    const char *sentence;          /* for set_error; NULL: none */
    int32_t (*on_plan)(struct gadget *g);
    int32_t (*on_realize)(struct gadget *g);
    void (*on_write)(struct gadget *g);
    void (*on_timer)(struct gadget *g);
    unsigned n_created, n_planned, n_realized, n_reset, n_started, n_destroyed, n_fired, n_links;
    uint32_t reset_kind, link, link_event;
    uint64_t offset, value;
    uint32_t region, width;
} seen;

static int32_t gadget_create(const struct bp_host *host, void *dev)
{
    struct gadget *g = dev;
    g->host = host;
    seen.n_created++;
    return seen.sentence != NULL ? host->set_error(host, seen.create, seen.sentence) : seen.create;
}

static int32_t gadget_plan(void *dev)
{
    seen.n_planned++;
    return seen.on_plan != NULL ? seen.on_plan(dev) : seen.plan;
}

static int32_t gadget_realize(void *dev)
{
    seen.n_realized++;
    return seen.on_realize != NULL ? seen.on_realize(dev) : seen.realize;
}

static void gadget_reset(void *dev, uint32_t kind)
{
    (void)dev;
    seen.reset_kind = kind;
    seen.n_reset++;
}

static void gadget_start(void *dev)
{
    (void)dev;
    seen.n_started++;
}

static void gadget_destroy(void *dev)
{
    (void)dev;
    seen.n_destroyed++;
}

static uint64_t gadget_read(void *dev, uint32_t region, uint64_t offset, uint32_t width)
{
    struct gadget *g = dev;
    seen.region = region;
    seen.offset = offset;
    seen.width = width;
    return g->counter;
}

static void gadget_write(void *dev, uint32_t region, uint64_t offset, uint32_t width,
                         uint64_t value)
{
    struct gadget *g = dev;
    (void)region;
    (void)width;
    seen.offset = offset;
    seen.value = value;
    g->counter++;
    if (seen.on_write != NULL)
        seen.on_write(g);
}

static void gadget_on_link(void *dev, uint32_t link, uint32_t event)
{
    (void)dev;
    seen.link = link;
    seen.link_event = event;
    seen.n_links++;
}

static void gadget_fired(void *dev)
{
    seen.n_fired++;
    if (seen.on_timer != NULL)
        seen.on_timer(dev);
}

static const struct bp_region regions[] = {
    {.name = "regs", .size = 0x100, .kind = BP_MMIO, .widths = BP_W32},
    {.name = "more", .size = 0x1000, .kind = BP_MMIO, .widths = BP_W8 | BP_W64}};
static const struct bp_line lines[] = {{"out", BP_LEVEL_HIGH, 0}, {"err", BP_EDGE_RISING, 0}};
static const struct bp_property properties[] = {
    BP_PROP_BOOL(struct gadget, on, "on", "yes", "Is it on?"),
    BP_PROP_U32(struct gadget, number, "number", "17", 0, 100, "A number."),
    BP_PROP_SIZE(struct gadget, size, "size", "64K", 0, 0, "A size."),
    BP_PROP_CHOICE(struct gadget, mode, "mode", "slow", "fast|slow", "How fast it is."),
    BP_PROP_STRING(struct gadget, text, "text", NULL, 0, "Any text."),
    BP_PROP_PATH_REQUIRED(struct gadget, file, "file", "Where it is."),
};
static const struct bp_link links[] = {{"first", BP_CHAR_ID, "One.", 0, 0},
                                       {"second", BP_CHAR_ID, "Two.", 0, 0}};

static const struct bp_class gadget = {
    .struct_size = sizeof(struct bp_class),
    .id = "gadget",
    .version = "1.0",
    .summary = "notes what happens to it",
    .instance_size = sizeof(struct gadget),
    .regions = BP_TABLE(regions),
    .lines = BP_TABLE(lines),
    .properties = BP_TABLE(properties),
    .links = BP_TABLE(links),
    .create = gadget_create,
    .plan = gadget_plan,
    .realize = gadget_realize,
    .reset = gadget_reset,
    .start = gadget_start,
    .destroy = gadget_destroy,
    .read = gadget_read,
    .write = gadget_write,
    .on_link = gadget_on_link,
};

/* --- A backend and an interrupt controller ---------------------------------------------------- */

struct pipe_end {
    const struct bp_host *host;
    char taken[16];
    uint32_t n_taken;
};

static int32_t pipe_create(const struct bp_host *host, void *dev)
{
    ((struct pipe_end *)dev)->host = host;
    return BP_OK;
}

static uint32_t pipe_read(void *dev, void *to, uint32_t size)
{
    (void)dev;
    memset(to, 'r', size);
    return size;
}

static uint32_t pipe_write(void *dev, const void *from, uint32_t size)
{
    struct pipe_end *p = dev;
    uint32_t room = (uint32_t)sizeof(p->taken) - p->n_taken, n = size < room ? size : room;
    memcpy(p->taken + p->n_taken, from, n);
    p->n_taken += n;
    return n;
}

static const struct bp_char_ops pipe_ops = {
    .struct_size = sizeof(struct bp_char_ops), .read = pipe_read, .write = pipe_write};
static const struct bp_service pipe_services[] = {{BP_CHAR_ID, &pipe_ops}};
static const struct bp_class pipe_class = {.struct_size = sizeof(struct bp_class),
                                           .flags = BP_CLASS_BACKEND,
                                           .id = "pipe",
                                           .version = "1.0",
                                           .summary = "takes and gives bytes",
                                           .instance_size = sizeof(struct pipe_end),
                                           .services = BP_TABLE(pipe_services),
                                           .create = pipe_create};

static struct {
    uint32_t line, level;
    unsigned n;
} chip_seen;

static void chip_set(void *dev, uint32_t line, uint32_t level)
{
    (void)dev;
    chip_seen.line = line;
    chip_seen.level = level;
    chip_seen.n++;
}

static const struct bp_irqchip_ops chip_ops = {.struct_size = sizeof(struct bp_irqchip_ops),
                                               .set = chip_set};
static const struct bp_service chip_services[] = {{BP_IRQCHIP_ID, &chip_ops}};
static const struct bp_class chip_class = {.struct_size = sizeof(struct bp_class),
                                           .id = "chip",
                                           .version = "1.0",
                                           .summary = "takes lines",
                                           .services = BP_TABLE(chip_services)};

/* --- Machine ---------------------------------------------------------------------------------- */

static struct aspace *as;
static struct vm *vm;
static struct device *dev;

static struct device *make(const struct bp_class *class_, const char *name)
{
    struct device *made = NULL;
    assert_int_equal(device_new(class_, name, 2, 10000000, &made, NULL), BP_OK);
    return made;
}

static void set_file(struct device *d)
{
    struct property_value value = {.string = "a.img"};
    assert_int_equal(device_set(d, 5, &value), BP_OK);
}

/* A gadget with its defaults, created and planned, its first region at 0x1000. */
static struct device *make_gadget(const char *name, uint64_t base)
{
    struct err err = {{0}};
    struct device *d = make(&gadget, name);
    set_file(d);
    assert_int_equal(device_set_defaults(d, &err), BP_OK);
    assert_int_equal(device_create(d, &err), BP_OK);
    assert_int_equal(device_plan(d, &err), BP_OK);
    d->regions[0].placed = true;
    d->regions[0].base = base;
    d->regions[0].size = 0x1000;
    assert_string_equal(err.text, "");
    return d;
}

static void realize(struct device *d)
{
    struct err err = {{0}};
    assert_int_equal(device_realize(d, vm, &err), BP_OK);
    assert_string_equal(err.text, "");
}

static struct gadget *instance(struct device *d)
{
    return d->instance;
}

static const void *interface(struct device *d, const char *id)
{
    return d->host.get_interface(&d->host, id);
}

static int begin(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof(seen));
    memset(&chip_seen, 0, sizeof(chip_seen));
    fake_begin();
    dev = NULL;
    if (aspace_create(ARCH_RISCV64, RAM_BASE, 0x100000, 56, &as, NULL) != BP_OK)
        return -1;
    struct vm_config config = {.arch = ARCH_RISCV64,
                               .n_cpus = 2,
                               .timebase_hz = 10000000,
                               .accel = &fake_accel,
                               .aspace = as};
    return vm_create(&config, &vm, NULL);
}

static int end(void **state)
{
    (void)state;
    device_destroy(dev);
    vm_destroy(vm);
    aspace_destroy(as);
    return 0;
}

/* --- Properties ------------------------------------------------------------------------------- */

static void properties_are_in_the_instance_before_create(void **state)
{
    (void)state;
    struct err err = {{0}};
    dev = make(&gadget, "g");
    set_file(dev);
    assert_int_equal(device_set_defaults(dev, &err), BP_OK);
    assert_int_equal(instance(dev)->on, 1);
    assert_int_equal(instance(dev)->number, 17);
    assert_int_equal(instance(dev)->size, 65536);
    assert_int_equal(instance(dev)->mode, 1);
    assert_null(instance(dev)->text);
    assert_string_equal(instance(dev)->file, "a.img");
    assert_int_equal(seen.n_created, 0);
}

static void setting_wins_over_its_default_and_is_copied(void **state)
{
    (void)state;
    struct err err = {{0}};
    char text[] = "first";
    struct property_value number = {.number = 5}, string = {.string = text};
    dev = make(&gadget, "g");
    set_file(dev);
    assert_int_equal(device_set(dev, 1, &number), BP_OK);
    assert_int_equal(device_set(dev, 4, &string), BP_OK);
    memset(text, 'x', 5);
    assert_int_equal(device_set_defaults(dev, &err), BP_OK);
    assert_int_equal(instance(dev)->number, 5);
    assert_string_equal(instance(dev)->text, "first");
    string.string = "second";
    assert_int_equal(device_set(dev, 4, &string), BP_OK);
    assert_string_equal(instance(dev)->text, "second");
}

static void missing_required_property_is_named_with_its_doc(void **state)
{
    (void)state;
    struct err err;
    dev = make(&gadget, "g");
    assert_int_equal(device_set_defaults(dev, &err), BP_ERR_NOT_FOUND);
    assert_string_equal(err.text, "file is missing: Where it is.");
}

static void properties_can_be_asked_for_by_name(void **state)
{
    (void)state;
    uint64_t number = 0;
    const char *string = NULL;
    dev = make_gadget("g", 0x1000);
    const struct bp_config *config = interface(dev, BP_CONFIG_ID);
    assert_int_equal(config->get_u64(&dev->host, "number", &number), BP_OK);
    assert_int_equal(number, 17);
    assert_int_equal(config->get_u64(&dev->host, "mode", &number), BP_OK);
    assert_int_equal(number, 1);
    assert_int_equal(config->get_u64(&dev->host, "file", &number), BP_ERR_INVALID);
    assert_int_equal(config->get_u64(&dev->host, "nothing", &number), BP_ERR_NOT_FOUND);
    assert_int_equal(config->get_string(&dev->host, "file", &string), BP_OK);
    assert_string_equal(string, "a.img");
    assert_int_equal(config->get_string(&dev->host, "text", &string), BP_OK);
    assert_null(string);
    assert_int_equal(config->get_string(&dev->host, "number", &string), BP_ERR_INVALID);
}

/* --- Set-up ----------------------------------------------------------------------------------- */

static void sentence_of_a_failing_create_is_the_plugins_own(void **state)
{
    (void)state;
    struct err err = {{0}};
    dev = make(&gadget, "g");
    seen.create = BP_ERR_NO_SPACE;
    seen.sentence = "the cupboard is full; empty it";
    assert_int_equal(device_create(dev, &err), BP_ERR_NO_SPACE);
    assert_string_equal(err.text, "the cupboard is full; empty it");
}

static void failure_without_a_sentence_gets_one(void **state)
{
    (void)state;
    struct err err = {{0}};
    dev = make(&gadget, "g");
    seen.create = BP_ERR_IO;
    assert_int_equal(device_create(dev, &err), BP_ERR_IO);
    assert_string_equal(err.text,
                        "plugin gadget failed to create its device (status -7) and gave no reason");
    seen.create = BP_OK;
    seen.plan = BP_ERR_RANGE;
    assert_int_equal(device_plan(dev, &err), BP_ERR_RANGE);
    assert_string_equal(err.text, "plugin gadget failed to plan (status -2) and gave no reason");
    seen.realize = BP_ERR_IO;
    assert_int_equal(device_realize(dev, vm, &err), BP_ERR_IO);
    assert_string_equal(err.text, "plugin gadget failed to open (status -7) and gave no reason");
}

static void status_that_is_neither_success_nor_error_is_an_error(void **state)
{
    (void)state;
    struct err err = {{0}};
    dev = make(&gadget, "g");
    seen.create = EIO;
    assert_int_equal(device_create(dev, &err), BP_ERR_INVALID);
    assert_string_equal(err.text,
                        "plugin gadget failed to create its device (status 5) and gave no reason");
}

static void destroy_is_called_once_for_every_create_even_a_failed_one(void **state)
{
    (void)state;
    struct err err;
    device_destroy(NULL);
    device_destroy(make(&gadget, "g"));
    assert_int_equal(seen.n_destroyed, 0);
    struct device *failed = make(&gadget, "g");
    seen.create = BP_ERR_IO;
    assert_int_equal(device_create(failed, &err), BP_ERR_IO);
    device_destroy(failed);
    assert_int_equal(seen.n_destroyed, 1);
    seen.create = BP_OK;
    device_destroy(make_gadget("planned", 0x1000));
    assert_int_equal(seen.n_destroyed, 2);
}

static int32_t resize_regions(struct gadget *g)
{
    const struct bp_region_if *region = g->host->get_interface(g->host, BP_REGION_ID);
    assert_int_equal(region->size(g->host, 0), 0x100);
    assert_int_equal(region->size(g->host, 2), 0);
    assert_int_equal(region->resize(g->host, 0, 0), BP_ERR_INVALID);
    assert_int_equal(region->resize(g->host, 2, 0x10), BP_ERR_NOT_FOUND);
    assert_int_equal(region->resize(g->host, 0, 0x300), BP_OK);
    return BP_OK;
}

static void regions_can_be_resized_in_plan_and_not_afterwards(void **state)
{
    (void)state;
    seen.on_plan = resize_regions;
    dev = make_gadget("g", 0x1000);
    const struct bp_region_if *region = interface(dev, BP_REGION_ID);
    assert_int_equal(region->size(&dev->host, 0), 0x300);
    assert_int_equal(region->resize(&dev->host, 0, 0x400), BP_ERR_STATE);
    assert_int_equal(dev->regions[0].asked_bytes, 0x300);
    realize(dev);
    (void)bus_read(vm_bus(vm), 0x12fc, 4);
    assert_int_equal(seen.offset, 0x2fc);
}

static void without_a_machine_there_is_no_time_and_no_memory(void **state)
{
    (void)state;
    char byte;
    bp_handle handle;
    dev = make_gadget("g", 0x1000);
    const struct bp_host *host = &dev->host;
    const struct bp_mem *mem = interface(dev, BP_MEM_ID);
    const struct bp_cpu *cpu = interface(dev, BP_CPU_ID);
    const struct bp_loop *loop = interface(dev, BP_LOOP_ID);
    assert_string_equal(host->name, "g");
    assert_int_equal(host->clock_ns(host), 0);
    assert_int_equal(host->timer_create(host, gadget_fired, &handle), BP_ERR_STATE);
    assert_int_equal(mem->read(host, RAM_BASE, &byte, 1), BP_ERR_STATE);
    assert_int_equal(loop->watch(host, 0, BP_LOOP_READ, NULL, &handle), BP_ERR_STATE);
    assert_int_equal(cpu->count(host), 2);
    assert_int_equal(cpu->timebase_hz(host), 10000000);
    assert_int_equal(cpu->ticks_to_ns(host, 1), UINT64_MAX);
    cpu->irq_set(host, 0, BP_CPU_IRQ_S_EXTERNAL, 1);
    host->irq_set(host, 0, 1);
}

static void interfaces_are_found_by_their_exact_id(void **state)
{
    (void)state;
    static const char *const ids[] = {BP_CHAR_ID,
                                      BP_CONFIG_ID,
                                      BP_CPU_ID,
                                      BP_LINK_ID,
                                      BP_LOOP_ID,
                                      BP_MEM_ID,
                                      BP_POWER_ID,
                                      BP_REGION_ID,
                                      BP_WORKER_ID,
                                      "bp.block/1",
                                      "bp.block-backend/1",
                                      "bp.virtio/1",
                                      "bp.virtio-transport/1"};
    dev = make_gadget("g", 0x1000);
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        const uint32_t *struct_size = interface(dev, ids[i]);
        assert_non_null(struct_size);
        assert_true(*struct_size >= 16);
    }
    assert_null(interface(dev, "bp.mem/2"));
    assert_null(interface(dev, "bp.mem"));
    assert_null(interface(dev, ""));
}

/* --- Accesses and the lock -------------------------------------------------------------------- */

static void guests_accesses_reach_the_device(void **state)
{
    (void)state;
    dev = make_gadget("g", 0x1000);
    dev->regions[1].placed = true;
    dev->regions[1].base = 0x10000;
    realize(dev);
    bus_write(vm_bus(vm), 0x1010, 4, 0x55);
    assert_int_equal(seen.offset, 0x10);
    assert_int_equal(seen.value, 0x55);
    assert_int_equal(bus_read(vm_bus(vm), 0x10ff8, 8), 1);
    assert_int_equal(seen.region, 1);
    assert_int_equal(seen.offset, 0xff8);
    assert_int_equal(seen.width, 8);
    /* Beyond what the class has, though placement gave it a whole page. */
    assert_int_equal(bus_read(vm_bus(vm), 0x1100, 4), 0xffffffff);
}

static uint64_t read_back;

static void read_own_register(struct gadget *g)
{
    (void)g;
    seen.offset = 0x99;
    read_back = bus_read(vm_bus(vm), 0x1000, 4);
}

static void device_is_never_entered_again_from_within_itself(void **state)
{
    (void)state;
    dev = make_gadget("g", 0x1000);
    realize(dev);
    seen.on_write = read_own_register;
    log_set_level(LOG_LEVEL_ERROR);
    bus_write(vm_bus(vm), 0x1000, 4, 1);
    log_set_level(LOG_LEVEL_WARN);
    assert_int_equal(read_back, 0xffffffff);
    assert_int_equal(seen.offset, 0x99);
    /* Afterwards all is as before. */
    seen.on_write = NULL;
    assert_int_equal(bus_read(vm_bus(vm), 0x1000, 4), 1);
}

static void *write_often(void *arg)
{
    for (unsigned i = 0; i < 20000; i++)
        bus_write(vm_bus(vm), 0x1000, 4, 1);
    return arg;
}

static void lock_keeps_accesses_of_several_vcpus_apart(void **state)
{
    (void)state;
    pthread_t threads[3];
    dev = make_gadget("g", 0x1000);
    realize(dev);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_often, NULL), 0);
    for (unsigned i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(instance(dev)->counter, 60000);
}

/* --- Lines ------------------------------------------------------------------------------------ */

static void line_reaches_the_controller_on_each_change_only(void **state)
{
    (void)state;
    struct device *chip = make(&chip_class, "chip");
    dev = make_gadget("g", 0x1000);
    dev->irqchip = chip;
    dev->lines[0].connected = true;
    dev->lines[0].number = 33;
    const struct bp_host *host = &dev->host;
    host->irq_set(host, 0, 1);
    assert_int_equal(chip_seen.line, 33);
    assert_int_equal(chip_seen.level, 1);
    host->irq_set(host, 0, 5); /* any non-zero is active */
    assert_int_equal(chip_seen.n, 1);
    host->irq_set(host, 0, 0);
    assert_int_equal(chip_seen.level, 0);
    assert_int_equal(chip_seen.n, 2);
    host->irq_set(host, 1, 1); /* not connected */
    host->irq_set(host, 2, 1); /* no such line */
    host->irq_set(host, UINT32_MAX, 1);
    assert_int_equal(chip_seen.n, 2);
    host->irq_set(host, 0, 1);
    device_reset(dev, BP_RESET_WARM);
    assert_int_equal(chip_seen.level, 0);
    assert_int_equal(chip_seen.n, 4);
    assert_int_equal(seen.reset_kind, BP_RESET_WARM);
    device_destroy(dev);
    dev = NULL;
    device_destroy(chip);
}

/* --- Timers, deferred calls, work ------------------------------------------------------------- */

static int32_t make_timer(struct gadget *g)
{
    return g->host->timer_create(g->host, gadget_fired, &g->timer);
}

static struct device *make_with_timer(void)
{
    seen.on_realize = make_timer;
    struct device *d = make_gadget("g", 0x1000);
    realize(d);
    clock_resume(loop_clock(vm_loop(vm)));
    return d;
}

static void step(void)
{
    for (unsigned i = 0; i < 3; i++)
        loop_step(vm_loop(vm), 0);
}

static void timer_fires_once_with_the_lock_held(void **state)
{
    (void)state;
    dev = make_with_timer();
    assert_int_equal(dev->host.timer_arm(&dev->host, instance(dev)->timer, 0), BP_OK);
    step();
    step();
    assert_int_equal(seen.n_fired, 1);
}

static void arm_thrice(struct gadget *g)
{
    if (seen.n_fired < 3)
        assert_int_equal(g->host->timer_arm(g->host, g->timer, 0), BP_OK);
}

static void timer_may_be_armed_again_in_its_callback(void **state)
{
    (void)state;
    seen.on_timer = arm_thrice;
    dev = make_with_timer();
    assert_int_equal(dev->host.timer_arm(&dev->host, instance(dev)->timer, 0), BP_OK);
    step();
    assert_int_equal(seen.n_fired, 3);
}

static void cancel_and_reset_stop_timers(void **state)
{
    (void)state;
    dev = make_with_timer();
    const struct bp_host *host = &dev->host;
    bp_handle timer = instance(dev)->timer;
    assert_int_equal(host->timer_arm(host, timer, 0), BP_OK);
    assert_int_equal(host->timer_cancel(host, timer), BP_OK);
    step();
    assert_int_equal(host->timer_arm(host, timer, 0), BP_OK);
    device_reset(dev, BP_RESET_COLD);
    step();
    assert_int_equal(seen.n_fired, 0);
    assert_int_equal(host->timer_arm(host, timer, 0), BP_OK);
    step();
    assert_int_equal(seen.n_fired, 1);
}

static void handle_that_is_not_the_devices_own_is_stale(void **state)
{
    (void)state;
    dev = make_with_timer();
    const struct bp_host *host = &dev->host;
    assert_int_equal(host->timer_arm(host, BP_NO_HANDLE, 0), BP_ERR_STALE);
    assert_int_equal(host->timer_arm(host, instance(dev)->timer + 1, 0), BP_ERR_STALE);
    assert_int_equal(host->timer_cancel(host, UINT64_MAX), BP_ERR_STALE);
    bp_handle none;
    assert_int_equal(host->timer_create(host, NULL, &none), BP_ERR_INVALID);
}

static void timer_is_created_in_set_up_only(void **state)
{
    (void)state;
    dev = make_with_timer();
    bp_handle none;
    assert_int_equal(dev->host.timer_create(&dev->host, gadget_fired, &none), BP_ERR_STATE);
}

static void line_of_the_log_cannot_be_broken_by_its_text(void **state)
{
    (void)state;
    char text[128] = "";
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);
    assert_non_null(file);
    dev = make(&gadget, "g");
    fflush(stderr);
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
    dev->host.log(&dev->host, BP_LOG_WARN, "name \x1b[2J\n\xc2\x9b\x7f \xc3\xa4");
    fflush(stderr);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    close(saved);
    rewind(file);
    (void)!fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    assert_string_equal(text, "backplane: warn: g: name ?[2J??? \xc3\xa4\n");
}

static void armed_timer_goes_with_its_device(void **state)
{
    (void)state;
    struct device *d = make_with_timer();
    assert_int_equal(d->host.timer_arm(&d->host, instance(d)->timer, 0), BP_OK);
    device_destroy(d);
    step();
    assert_int_equal(seen.n_fired, 0);
    assert_int_equal(clock_wait_ns(loop_clock(vm_loop(vm))), UINT64_MAX);
}

static void note_arg(void *instance_, uint64_t arg)
{
    struct gadget *g = instance_;
    g->counter++;
    g->last_arg = arg;
    seen.value = seen.value * 10 + arg;
}

static void deferred_calls_come_later_and_in_order(void **state)
{
    (void)state;
    dev = make_gadget("g", 0x1000);
    const struct bp_host *host = &dev->host;
    assert_int_equal(host->defer(host, note_arg, 1), BP_ERR_STATE);
    realize(dev);
    assert_int_equal(host->defer(host, NULL, 1), BP_ERR_INVALID);
    for (uint64_t i = 1; i <= 3; i++)
        assert_int_equal(host->defer(host, note_arg, i), BP_OK);
    assert_int_equal(instance(dev)->counter, 0);
    step();
    assert_int_equal(instance(dev)->counter, 3);
    assert_int_equal(seen.value, 123);
}

static int32_t slow_work(void *instance_, uint64_t arg)
{
    (void)instance_;
    for (unsigned i = 0; i < 1000; i++)
        sched_yield();
    return (int32_t)arg;
}

static void work_done(void *instance_, uint64_t arg, int32_t result)
{
    struct gadget *g = instance_;
    assert_int_equal(result, arg);
    g->counter++;
    seen.value++;
}

static void destroy_waits_for_work_and_for_deferred_calls(void **state)
{
    (void)state;
    struct device *d = make_gadget("g", 0x1000);
    realize(d);
    const struct bp_worker *worker = interface(d, BP_WORKER_ID);
    assert_int_equal(worker->submit(&d->host, NULL, work_done, 0), BP_ERR_INVALID);
    for (uint64_t i = 0; i < 20; i++)
        assert_int_equal(worker->submit(&d->host, slow_work, work_done, i), BP_OK);
    assert_int_equal(d->host.defer(&d->host, note_arg, 0), BP_OK);
    seen.value = 0;
    device_destroy(d);
    assert_in_range(seen.value, 20, 200); /* the deferred call multiplies what was there by 10 */
    assert_int_equal(seen.n_destroyed, 1);
}

/* --- Links ------------------------------------------------------------------------------------ */

static void link_to_a_plugin_without_the_service_is_refused(void **state)
{
    (void)state;
    struct err err;
    struct device *other = make(&chip_class, "chip0");
    dev = make_gadget("g", 0x1000);
    assert_int_equal(device_connect(dev, 1, other, &err), BP_ERR_INVALID);
    assert_string_equal(err.text, "second = chip0: plugin chip does not offer bp.char/1");
    device_destroy(other);
}

static void bytes_cross_a_link_and_vanish_without_one(void **state)
{
    (void)state;
    struct err err;
    char bytes[4] = "";
    struct device *end_of_pipe = make(&pipe_class, "pipe0");
    assert_int_equal(device_create(end_of_pipe, &err), BP_OK);
    dev = make_gadget("g", 0x1000);
    assert_int_equal(device_connect(dev, 1, end_of_pipe, &err), BP_OK);
    realize(end_of_pipe);
    realize(dev);
    const struct bp_char *c = interface(dev, BP_CHAR_ID);
    const struct bp_link_if *link = interface(dev, BP_LINK_ID);
    assert_int_equal(link->is_connected(&dev->host, 0), 0);
    assert_int_equal(link->is_connected(&dev->host, 1), 1);
    assert_int_equal(link->is_connected(&dev->host, 2), 0);
    assert_int_equal(c->write(&dev->host, 1, "hello", 5), 5);
    assert_memory_equal(((struct pipe_end *)end_of_pipe->instance)->taken, "hello", 5);
    assert_int_equal(c->write(&dev->host, 1, "0123456789abcdef", 16), 11);
    assert_int_equal(c->read(&dev->host, 1, bytes, 3), 3);
    assert_memory_equal(bytes, "rrr", 3);
    assert_int_equal(c->write(&dev->host, 0, "hello", 5), 5);
    assert_int_equal(c->read(&dev->host, 0, bytes, 3), 0);
    assert_int_equal(c->read(&dev->host, 7, bytes, 3), 0);
    device_destroy(dev);
    dev = NULL;
    device_destroy(end_of_pipe);
}

static void notices_reach_those_who_linked_and_several_may_be_one(void **state)
{
    (void)state;
    struct err err;
    struct device *provider = make(&pipe_class, "pipe0");
    assert_int_equal(device_create(provider, &err), BP_OK);
    dev = make_gadget("g", 0x1000);
    assert_int_equal(device_connect(dev, 1, provider, &err), BP_OK);
    realize(provider);
    const struct bp_link_if *link = interface(provider, BP_LINK_ID);
    link->notify(&provider->host, BP_LINK_READABLE);
    step();
    assert_int_equal(seen.n_links, 0); /* not open yet */
    realize(dev);
    link->notify(&provider->host, BP_LINK_READABLE);
    link->notify(&provider->host, BP_LINK_READABLE);
    link->notify(&provider->host, 77);
    assert_int_equal(seen.n_links, 0);
    step();
    assert_int_equal(seen.n_links, 1);
    assert_int_equal(seen.link, 1);
    assert_int_equal(seen.link_event, BP_LINK_READABLE);
    link->notify(&provider->host, BP_LINK_READABLE);
    device_destroy(dev);
    dev = NULL;
    step();
    assert_int_equal(seen.n_links, 1);
    device_destroy(provider);
}

/* --- Descriptors, memory, processors, power --------------------------------------------------- */

static void fd_ready(void *instance_, uint32_t ready)
{
    struct gadget *g = instance_;
    seen.value = ready;
    g->counter++;
}

static void watched_descriptor_calls_the_device_until_it_is_unwatched(void **state)
{
    (void)state;
    int fds[2];
    char byte = 'x';
    bp_handle watch;
    assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    dev = make_gadget("g", 0x1000);
    realize(dev);
    const struct bp_loop *loop = interface(dev, BP_LOOP_ID);
    const struct bp_host *host = &dev->host;
    assert_int_equal(loop->watch(host, fds[0], BP_LOOP_READ, NULL, &watch), BP_ERR_INVALID);
    assert_int_equal(loop->watch(host, -1, BP_LOOP_READ, fd_ready, &watch), BP_ERR_INVALID);
    assert_int_equal(loop->watch(host, fds[0], BP_LOOP_READ, fd_ready, &watch), BP_OK);
    assert_int_equal(write(fds[1], &byte, 1), 1);
    loop_step(vm_loop(vm), UINT64_MAX);
    assert_int_equal(seen.value, BP_LOOP_READ);
    unsigned n = instance(dev)->counter;
    assert_int_equal(loop->change(host, watch, 0), BP_OK);
    step();
    assert_int_equal(instance(dev)->counter, n);
    assert_int_equal(loop->change(host, watch, BP_LOOP_READ), BP_OK);
    step();
    assert_true(instance(dev)->counter > n);
    assert_int_equal(loop->unwatch(host, watch), BP_OK);
    n = instance(dev)->counter;
    step();
    assert_int_equal(instance(dev)->counter, n);
    assert_int_equal(loop->unwatch(host, watch), BP_ERR_STALE);
    assert_int_equal(loop->change(host, watch, BP_LOOP_READ), BP_ERR_STALE);
    close(fds[0]);
    close(fds[1]);
}

static void watch_that_was_left_ends_with_its_device(void **state)
{
    (void)state;
    int fds[2];
    bp_handle watch;
    assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    struct device *d = make_gadget("g", 0x1000);
    realize(d);
    const struct bp_loop *loop = interface(d, BP_LOOP_ID);
    assert_int_equal(loop->watch(&d->host, fds[0], BP_LOOP_READ, fd_ready, &watch), BP_OK);
    assert_int_equal(write(fds[1], "x", 1), 1);
    device_destroy(d);
    seen.value = 0;
    step();
    assert_int_equal(seen.value, 0);
    close(fds[0]);
    close(fds[1]);
}

static void dma_reaches_ram_and_nothing_else(void **state)
{
    (void)state;
    char back[4] = "";
    dev = make_gadget("g", 0x1000);
    realize(dev);
    const struct bp_mem *mem = interface(dev, BP_MEM_ID);
    assert_int_equal(mem->write(&dev->host, RAM_BASE + 16, "abc", 3), BP_OK);
    assert_int_equal(mem->read(&dev->host, RAM_BASE + 16, back, 3), BP_OK);
    assert_string_equal(back, "abc");
    /* Its own registers are no RAM: nothing is called. */
    assert_int_equal(mem->write(&dev->host, 0x1000, "abcd", 4), BP_ERR_RANGE);
    assert_int_equal(instance(dev)->counter, 0);
    assert_int_equal(mem->read(&dev->host, RAM_BASE + 0xffffe, back, 3), BP_ERR_RANGE);
    assert_int_equal(mem->read(&dev->host, 0, NULL, 0), BP_OK);
}

static void inputs_of_processors_are_driven_and_wrong_ones_ignored(void **state)
{
    (void)state;
    dev = make_gadget("g", 0x1000);
    realize(dev);
    const struct bp_cpu *cpu = interface(dev, BP_CPU_ID);
    cpu->irq_set(&dev->host, 1, BP_CPU_IRQ_M_TIMER, 1);
    assert_int_equal(atomic_load(&vm_vcpu(vm, 1)->irqs), 1u << CPU_IRQ_M_TIMER);
    assert_int_equal(atomic_load(&vm_vcpu(vm, 0)->irqs), 0);
    cpu->irq_set(&dev->host, 1, BP_CPU_IRQ_M_TIMER, 0);
    cpu->irq_set(&dev->host, 2, BP_CPU_IRQ_M_TIMER, 1);
    cpu->irq_set(&dev->host, 0, 0, 1);
    cpu->irq_set(&dev->host, 0, 6, 1);
    cpu->irq_set(&dev->host, 0, UINT32_MAX, 1);
    assert_int_equal(atomic_load(&vm_vcpu(vm, 0)->irqs), 0);
    assert_int_equal(atomic_load(&vm_vcpu(vm, 1)->irqs), 0);
    cpu->set_ticks(&dev->host, 77);
    assert_int_equal(cpu->ticks(&dev->host), 77);
    assert_int_equal(cpu->ticks_to_ns(&dev->host, 78), 100);
}

static void power_requests_end_the_run_with_their_result(void **state)
{
    (void)state;
    static const struct {
        uint32_t what;
        enum run_result result;
    } pairs[] = {{BP_POWER_OFF, RUN_HALTED},
                 {BP_POWER_RESET, RUN_REBOOT},
                 {BP_POWER_CRASHED, RUN_CRASHED},
                 {BP_POWER_YIELD, RUN_YIELD},
                 {BP_POWER_USER_YIELD, RUN_USER_YIELD}};
    struct err err;
    dev = make_gadget("g", 0x1000);
    realize(dev);
    const struct bp_power *power = interface(dev, BP_POWER_ID);
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct vm_outcome outcome = {.result = RUN_HANDLED};
        power->request(&dev->host, 0, 0);
        power->request(&dev->host, 7, 0);
        power->request(&dev->host, pairs[i].what, 9);
        assert_int_equal(vm_run(vm, true, &outcome, &err), BP_OK);
        assert_int_equal(outcome.result, pairs[i].result);
        assert_int_equal(outcome.code, 9);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(properties_are_in_the_instance_before_create),
        TEST(setting_wins_over_its_default_and_is_copied),
        TEST(missing_required_property_is_named_with_its_doc),
        TEST(properties_can_be_asked_for_by_name),
        TEST(sentence_of_a_failing_create_is_the_plugins_own),
        TEST(failure_without_a_sentence_gets_one),
        TEST(status_that_is_neither_success_nor_error_is_an_error),
        TEST(destroy_is_called_once_for_every_create_even_a_failed_one),
        TEST(regions_can_be_resized_in_plan_and_not_afterwards),
        TEST(without_a_machine_there_is_no_time_and_no_memory),
        TEST(interfaces_are_found_by_their_exact_id),
        TEST(guests_accesses_reach_the_device),
        TEST(device_is_never_entered_again_from_within_itself),
        TEST(lock_keeps_accesses_of_several_vcpus_apart),
        TEST(line_reaches_the_controller_on_each_change_only),
        TEST(timer_fires_once_with_the_lock_held),
        TEST(timer_may_be_armed_again_in_its_callback),
        TEST(cancel_and_reset_stop_timers),
        TEST(handle_that_is_not_the_devices_own_is_stale),
        TEST(timer_is_created_in_set_up_only),
        TEST(line_of_the_log_cannot_be_broken_by_its_text),
        TEST(armed_timer_goes_with_its_device),
        TEST(deferred_calls_come_later_and_in_order),
        TEST(destroy_waits_for_work_and_for_deferred_calls),
        TEST(link_to_a_plugin_without_the_service_is_refused),
        TEST(bytes_cross_a_link_and_vanish_without_one),
        TEST(notices_reach_those_who_linked_and_several_may_be_one),
        TEST(watched_descriptor_calls_the_device_until_it_is_unwatched),
        TEST(watch_that_was_left_ends_with_its_device),
        TEST(dma_reaches_ram_and_nothing_else),
        TEST(inputs_of_processors_are_driven_and_wrong_ones_ignored),
        TEST(power_requests_end_the_run_with_their_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
