/*
 * char-stdio - a console on the standard input and output of the program.
 *
 * On a terminal: raw mode while the machine runs, Ctrl-A x quits, Ctrl-A p presses the power
 * button, Ctrl-A h helps, Ctrl-A Ctrl-A sends Ctrl-A. What is typed is read at once, so that the
 * escapes work even when the guest hangs. With pipes and files bytes pass unchanged, and input
 * waits where it is until the guest wants it.
 */
#include "char-stdio.h"

#include <backplane/lib/log.h>
#include <backplane/plugin.h>
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* The standard streams are the process's, of which there is one: so is this mark of who has them.
 */
static atomic_flag process_terminal_is_taken = ATOMIC_FLAG_INIT;

/* --- Input ------------------------------------------------------------------------------------ */

static void end_input(struct char_stdio *s)
{
    if (s->in_watch != BP_NO_HANDLE)
        (void)s->loop->unwatch(s->host, s->in_watch);
    s->in_watch = BP_NO_HANDLE;
    s->is_armed = false;
    s->input = INPUT_NONE;
}

static void on_typed(struct char_stdio *s)
{
    uint8_t bytes[1024];
    ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0) {
        end_input(s);
        return;
    }
    for (ssize_t i = 0; i < n; i++)
        terminal_byte(s, bytes[i]);
    if (s->in.n != 0)
        s->link->notify(s->host, BP_LINK_READABLE);
}

/* A stream is watched only while the device waits for it. */
static void on_stream(struct char_stdio *s)
{
    (void)s->loop->change(s->host, s->in_watch, 0);
    s->is_armed = false;
    s->link->notify(s->host, BP_LINK_READABLE);
}

static void on_input(void *dev, uint32_t ready)
{
    struct char_stdio *s = dev;
    (void)ready;
    if (s->input == INPUT_TERMINAL)
        on_typed(s);
    else
        on_stream(s);
}

static void arm(struct char_stdio *s)
{
    if (s->is_armed || s->in_watch == BP_NO_HANDLE)
        return;
    s->is_armed = s->loop->change(s->host, s->in_watch, BP_LOOP_READ) == BP_OK;
}

static uint32_t read_stream(struct char_stdio *s, void *to, uint32_t size)
{
    struct pollfd ready = {.fd = STDIN_FILENO, .events = POLLIN};
    if (s->input == INPUT_STREAM && poll(&ready, 1, 0) != 1) {
        arm(s);
        return 0;
    }
    ssize_t n = read(STDIN_FILENO, to, size);
    if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) {
        end_input(s);
        return 0;
    }
    if (n < (ssize_t)size)
        arm(s);
    return n < 0 ? 0 : (uint32_t)n;
}

static uint32_t stdio_read(void *dev, void *to, uint32_t size)
{
    struct char_stdio *s = dev;
    if (s->in.n != 0)
        return ring_get(&s->in, to, size);
    if (size == 0 || s->input == INPUT_NONE || s->input == INPUT_TERMINAL)
        return 0;
    return read_stream(s, to, size);
}

static uint32_t stdio_write(void *dev, const void *from, uint32_t size)
{
    return output_write(dev, from, size);
}

/* --- Life cycle ------------------------------------------------------------------------------- */

static int32_t stdio_create(const struct bp_host *host, void *dev)
{
    struct char_stdio *s = dev;
    s->host = host;
    s->loop = host->get_interface(host, BP_LOOP_ID);
    s->link = host->get_interface(host, BP_LINK_ID);
    s->power = host->get_interface(host, BP_POWER_ID);
    if (s->loop == NULL || s->link == NULL || s->power == NULL)
        return host->set_error(host, BP_ERR_UNSUPPORTED,
                               "this host lacks " BP_LOOP_ID ", " BP_LINK_ID " or " BP_POWER_ID);
    if (atomic_flag_test_and_set(&process_terminal_is_taken))
        return host->set_error(host, BP_ERR_BUSY,
                               "another console has the terminal already; let this one use a "
                               "[backend] of plugin char-file or char-null");
    s->is_the_one = true;
    s->in.size = STDIO_INPUT_BYTES;
    s->in.bytes = malloc(STDIO_INPUT_BYTES);
    s->out.size = STDIO_OUTPUT_BYTES;
    s->out.bytes = malloc(STDIO_OUTPUT_BYTES);
    if (s->in.bytes == NULL || s->out.bytes == NULL)
        return host->set_error(host, BP_ERR_NO_MEMORY, "out of memory");
    return BP_OK;
}

static int32_t stdio_realize(void *dev)
{
    struct char_stdio *s = dev;
    output_open(s);
    s->input = terminal_probe(s);
    if (s->input == INPUT_NONE)
        return BP_OK;
    int32_t status = s->loop->watch(s->host, STDIN_FILENO, BP_LOOP_READ, on_input, &s->in_watch);
    s->is_armed = status == BP_OK;
    if (status == BP_ERR_UNSUPPORTED)
        s->input = INPUT_FILE;
    else if (status == BP_ERR_NO_MEMORY)
        return s->host->set_error(s->host, status, "out of memory");
    else if (status != BP_OK)
        s->input = INPUT_NONE; /* standard input is closed */
    return BP_OK;
}

static void stdio_start(void *dev)
{
    struct char_stdio *s = dev;
    terminal_make_raw(s);
    if (s->input == INPUT_FILE)
        s->link->notify(s->host, BP_LINK_READABLE);
}

static int32_t stdio_quiesce(void *dev)
{
    output_flush(dev); /* what the guest has written is part of what it has done */
    return BP_OK;
}

static void stdio_destroy(void *dev)
{
    struct char_stdio *s = dev;
    if (!s->is_the_one)
        return;
    if (s->out.bytes != NULL)
        output_close(s);
    end_input(s);
    terminal_restore(s);
    free(s->in.bytes);
    free(s->out.bytes);
    atomic_flag_clear(&process_terminal_is_taken);
}

static const struct bp_char_ops char_ops = {
    .struct_size = sizeof(struct bp_char_ops),
    .read = stdio_read,
    .write = stdio_write,
};

static const struct bp_service services[] = {{BP_CHAR_ID, &char_ops}};
static const char *const needs[] = {BP_LOOP_ID, BP_LINK_ID, BP_POWER_ID, NULL};

static const struct bp_class char_stdio = {
    .struct_size = sizeof(struct bp_class),
    .flags = BP_CLASS_BACKEND,
    .id = "char-stdio",
    .version = "1.0",
    .summary = "console on the terminal, or on standard input and output",
    .instance_size = sizeof(struct char_stdio),
    .state_version = 1,
    .needs = needs,
    .services = BP_TABLE(services),
    .create = stdio_create,
    .realize = stdio_realize,
    .start = stdio_start,
    .quiesce = stdio_quiesce,
    .destroy = stdio_destroy,
};
BP_PLUGIN_BACKEND("char-stdio", "1.0", &char_stdio);
