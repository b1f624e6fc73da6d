/* A device that does what no plugin may, where it is told to: for tests/hostile/bad_plugins.py. */
#include <backplane/if/region.h>
#include <backplane/if/worker.h>
#include <backplane/plugin.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum where { NOWHERE, CREATE, REALIZE, DESCRIBE, START, READ, WORKER, DESTROY };
enum what { SEGV, ABORT, DIVIDE, ILLEGAL, STACK, EXIT, FORK, HANG, TOUCH };

struct trouble {
    const struct bp_host *host;
    const char *file; /* the plugin's own */
    uint32_t where;
    uint32_t what;
};

/* Ends only when the stack does, which no compiler sees. */
static uint32_t endless(volatile const uint32_t *depth)
{
    volatile uint32_t frame[512];
    frame[511] = *depth + 1;
    return frame[511] == 0 ? 0 : endless(&frame[511]) + frame[511];
}

static void write_nowhere(void)
{
    volatile uint32_t *volatile p =
        (volatile uint32_t *)(uintptr_t)0x10; /* what is mapped nowhere */
    *p = 1;
}

static void make(const struct trouble *t)
{
    volatile uint32_t number = 0;
    switch (t->what) {
    case SEGV:
        write_nowhere();
        break;
    case ABORT:
        abort();
        break;
    case DIVIDE:
        (void)raise(SIGFPE);
        break;
    case ILLEGAL:
        __builtin_trap();
        break;
    case STACK:
        number = endless(&number);
        break;
    case EXIT:
        exit(0);
        break;
    case FORK:
        (void)!fork();
        break;
    case HANG:
        for (;;)
            (void)pause();
        break;
    case TOUCH:
        (void)utimensat(AT_FDCWD, t->file, NULL, 0);
        write_nowhere();
        break;
    default:
        break;
    }
}

static void here(const struct trouble *t, uint32_t where)
{
    if (t->where == where)
        make(t);
}

static int32_t trouble_create(const struct bp_host *host, void *dev)
{
    struct trouble *t = dev;
    t->host = host;
    here(t, CREATE);
    return BP_OK;
}

static int32_t trouble_realize(void *dev)
{
    here(dev, REALIZE);
    return BP_OK;
}

static void trouble_describe(const void *dev, const struct bp_fdt_writer *w)
{
    (void)w;
    here(dev, DESCRIBE);
}

static void trouble_start(void *dev)
{
    here(dev, START);
}

static int32_t trouble_work(void *dev, uint64_t arg)
{
    (void)arg;
    here(dev, WORKER);
    return BP_OK;
}

static uint64_t trouble_read(void *dev, uint32_t region, uint64_t offset, uint32_t width)
{
    struct trouble *t = dev;
    const struct bp_worker *worker = t->host->get_interface(t->host, BP_WORKER_ID);
    (void)region;
    (void)width;
    here(t, READ);
    if (worker != NULL && t->where == WORKER)
        (void)worker->submit(t->host, trouble_work, NULL, 0);
    return offset;
}

static void trouble_destroy(void *dev)
{
    here(dev, DESTROY);
}

static const struct bp_region regions[] = {
    {.name = "regs", .size = 0x1000, .kind = BP_MMIO, .widths = BP_W32}};

static const struct bp_property properties[] = {
    BP_PROP_CHOICE(struct trouble, where, "where", "nowhere",
                   "nowhere|create|realize|describe|start|read|worker|destroy", "When."),
    BP_PROP_CHOICE(struct trouble, what, "what", "segv",
                   "segv|abort|divide|illegal|stack|exit|fork|hang|touch", "What."),
    BP_PROP_STRING(struct trouble, file, "file", "", 4096, "The plugin's own."),
};

static const struct bp_class trouble = {
    .struct_size = sizeof(struct bp_class),
    .id = "trouble",
    .version = "1.0",
    .summary = "a plugin for tests",
    .instance_size = sizeof(struct trouble),
    .regions = BP_TABLE(regions),
    .properties = BP_TABLE(properties),
    .dt_name = "trouble",
    .create = trouble_create,
    .realize = trouble_realize,
    .describe_fdt = trouble_describe,
    .start = trouble_start,
    .read = trouble_read,
    .destroy = trouble_destroy,
};
BP_PLUGIN("trouble", "1.0", &trouble);
