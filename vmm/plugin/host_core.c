/* The table every device has (backplane/host.h), and interfaces by id. */
#include <stdlib.h>
#include <string.h>

#include "core/vm.h"
#include "plugin/host_tables.h"
#include "util/hosttime.h"

static const void *get_interface(const struct bp_host *host, const char *id)
{
    (void)host;
    return host_interface(id);
}

/* A guest may have a say in the text: it shall not break the line or speak to the terminal. */
static void copy_line(char *to, size_t size, const char *from)
{
    size_t n = 0;
    for (; *from != '\0' && n + 1 < size; from++) {
        unsigned char c = (unsigned char)*from, next = (unsigned char)from[1];
        bool is_c1 = c == 0xc2 && next >= 0x80 && next < 0xa0; /* control characters in UTF-8 */
        from += is_c1;
        to[n++] = c < ' ' || c == 0x7f || is_c1 ? '?' : (char)c;
    }
    to[n] = '\0';
}

static void log_message(const struct bp_host *host, uint32_t level, const char *message)
{
    struct device *dev = device_of(host);
    if (level == BP_LOG_GUEST) {
        pthread_mutex_lock(&dev->inner);
        int allowed = log_allow(&dev->guest_limit, dev->name);
        pthread_mutex_unlock(&dev->inner);
        if (!allowed)
            return;
    }
    if (level > BP_LOG_DEBUG)
        return;
    char line[1024];
    copy_line(line, sizeof(line), message);
    log_text((enum log_level)level, dev->name, line);
}

static int32_t set_error(const struct bp_host *host, int32_t status, const char *sentence)
{
    return err_set(device_of(host)->error, status, "%s", sentence);
}

void device_irq_set(struct device *dev, uint32_t line, uint32_t level)
{
    if (line >= dev->class_->lines.n_rows)
        return;
    struct device_line *l = &dev->lines[line];
    struct device *chip = dev->irqchip;
    level = level != 0;
    /* Held across the call, so that the controller sees levels in the order they were set. */
    pthread_mutex_lock(&dev->inner);
    if (l->level != level) {
        l->level = level;
        if (l->connected && chip != NULL && device_enter(chip, "set of a line")) {
            chip->irqchip_ops->set(chip->instance, l->number, level);
            device_leave(chip);
        } else if (l->connected && chip == NULL && dev->vm != NULL) {
            vm_set_line(dev->vm, l->number, level != 0);
        }
    }
    pthread_mutex_unlock(&dev->inner);
}

static void irq_set(const struct bp_host *host, uint32_t line, uint32_t level)
{
    device_irq_set(device_of(host), line, level);
}

static uint64_t clock_ns(const struct bp_host *host)
{
    struct device *dev = device_of(host);
    return dev->vm != NULL ? clock_now_ns(loop_clock(vm_loop(dev->vm))) : 0;
}

static uint64_t wall_ns(const struct bp_host *host)
{
    (void)host;
    return host_wall_ns();
}

static int32_t defer(const struct bp_host *host, void (*fn)(void *dev, uint64_t arg), uint64_t arg)
{
    return fn != NULL ? device_post(device_of(host), fn, arg) : BP_ERR_INVALID;
}

/* --- Timers ----------------------------------------------------------------------------------- */

struct device_timer {
    struct device *dev;
    void (*fn)(void *dev);
    struct timer *timer;
    uint64_t deadline_ns; /* guarded by dev->inner, as is armed */
    bool armed;
};

static void timer_fired(void *ctx)
{
    struct device_timer *t = ctx;
    struct device *dev = t->dev;
    if (!device_enter(dev, "a timer"))
        return;
    /* Cancelled or moved while we waited for the device: then this is not its time. */
    pthread_mutex_lock(&dev->inner);
    bool is_due = t->armed && t->deadline_ns <= clock_ns(&dev->host);
    if (is_due) {
        t->armed = false;
        timer_cancel(t->timer);
    }
    pthread_mutex_unlock(&dev->inner);
    if (is_due)
        t->fn(dev->instance);
    device_leave(dev);
}

static int32_t timer_new(const struct bp_host *host, void (*fn)(void *dev), bp_handle *timer)
{
    struct device *dev = device_of(host);
    if (dev->vm == NULL)
        return host->set_error(host, BP_ERR_STATE, "its plugin calls timer_create before realize");
    if (fn == NULL)
        return host->set_error(host, BP_ERR_INVALID, "its plugin calls timer_create with no fn");
    if (dev->error == NULL)
        return BP_ERR_STATE; /* the set-up is over */
    struct device_timer *t = calloc(1, sizeof(*t));
    if (t == NULL)
        return host->set_error(host, BP_ERR_NO_MEMORY, "out of memory");
    t->dev = dev;
    t->fn = fn;
    t->timer = timer_create_on(loop_clock(vm_loop(dev->vm)), timer_fired, t);
    if (t->timer != NULL) {
        pthread_mutex_lock(&dev->inner);
        *timer = handle_add(&dev->timers, t);
        pthread_mutex_unlock(&dev->inner);
        if (*timer != BP_NO_HANDLE)
            return BP_OK;
    }
    timer_destroy(t->timer);
    free(t);
    return host->set_error(host, BP_ERR_NO_MEMORY, "out of memory, or of room for one more timer");
}

static int32_t timer_set(const struct bp_host *host, bp_handle timer, bool armed,
                         uint64_t deadline_ns)
{
    struct device *dev = device_of(host);
    pthread_mutex_lock(&dev->inner);
    struct device_timer *t = handle_find(&dev->timers, timer);
    if (t != NULL) {
        t->armed = armed;
        t->deadline_ns = deadline_ns;
        if (armed)
            timer_arm(t->timer, deadline_ns);
        else
            timer_cancel(t->timer);
    }
    pthread_mutex_unlock(&dev->inner);
    return t != NULL ? BP_OK : BP_ERR_STALE;
}

static int32_t timer_arm_at(const struct bp_host *host, bp_handle timer, uint64_t deadline_ns)
{
    return timer_set(host, timer, true, deadline_ns);
}

static int32_t timer_disarm(const struct bp_host *host, bp_handle timer)
{
    return timer_set(host, timer, false, 0);
}

void host_timers_stop(struct device *dev)
{
    pthread_mutex_lock(&dev->inner);
    uint32_t cursor = 0;
    for (struct device_timer *t; (t = handle_next(&dev->timers, &cursor)) != NULL;) {
        t->armed = false;
        timer_cancel(t->timer);
    }
    pthread_mutex_unlock(&dev->inner);
}

void host_timers_fini(struct device *dev)
{
    uint32_t cursor = 0;
    for (struct device_timer *t; (t = handle_next(&dev->timers, &cursor)) != NULL;) {
        timer_destroy(t->timer);
        free(t);
    }
}

const struct bp_host host_core = {
    .struct_size = sizeof(struct bp_host),
    .abi_version = BP_ABI_MAJOR << 16 | BP_ABI_MINOR,
    .get_interface = get_interface,
    .log = log_message,
    .set_error = set_error,
    .irq_set = irq_set,
    .clock_ns = clock_ns,
    .wall_ns = wall_ns,
    .timer_create = timer_new,
    .timer_arm = timer_arm_at,
    .timer_cancel = timer_disarm,
    .defer = defer,
};

const void *host_interface(const char *id)
{
    static const struct {
        const char *id;
        const void *table;
    } interfaces[] = {
        {BP_APIC_ID, &host_apic},
        {BP_BLOCK_ID, &host_block},
        {BP_BLOCK_BACKEND_ID, &host_block_backend},
        {BP_CHAR_ID, &host_char},
        {BP_CONFIG_ID, &host_config},
        {BP_CPU_ID, &host_cpu},
        {BP_DOORBELL_ID, &host_doorbell},
        {BP_LINK_ID, &host_link},
        {BP_LOOP_ID, &host_loop},
        {BP_MEM_ID, &host_mem},
        {BP_NET_ID, &host_net},
        {BP_POWER_ID, &host_power},
        {BP_REGION_ID, &host_region},
        {BP_VIRTIO_ID, &host_virtio},
        {BP_VIRTIO_TRANSPORT_ID, &host_virtio_transport},
        {BP_WORKER_ID, &host_worker},
    };
    for (size_t i = 0; i < sizeof(interfaces) / sizeof(interfaces[0]); i++)
        if (strcmp(interfaces[i].id, id) == 0)
            return interfaces[i].table;
    return NULL;
}
