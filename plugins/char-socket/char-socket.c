/*
 * char-socket - a console on a UNIX stream socket, for machines that run in the background: one
 * client at a time, which may come and go.
 *
 * What the guest writes while nobody is connected is kept, the last 64 KiB of it, and the next
 * client gets it first. A client that reads loses nothing: when it is slow the device waits. One
 * that takes nothing for a second keeps the guest no longer: the oldest output is dropped until it
 * reads again. What a client sends waits in the socket until the guest wants it, and outlives the
 * client. A second client is told that the console is taken. NOT here: telnet, TCP, a terminal's
 * settings.
 */
#include "char-socket.h"

#include <backplane/plugin.h>
#include <stdlib.h>

/* --- bp.char/1 -------------------------------------------------------------------------------- */

static uint32_t socket_read(void *dev, void *to, uint32_t size)
{
    return client_read(dev, to, size);
}

static uint32_t socket_write(void *dev, const void *from, uint32_t size)
{
    return output_write(dev, from, size);
}

/* --- Life cycle ------------------------------------------------------------------------------- */

static int32_t socket_create(const struct bp_host *host, void *dev)
{
    struct char_socket *s = dev;
    s->host = host;
    s->listen_fd = -1;
    s->client_fd = -1;
    s->loop = host->get_interface(host, BP_LOOP_ID);
    s->link = host->get_interface(host, BP_LINK_ID);
    if (s->loop == NULL || s->link == NULL)
        return host->set_error(host, BP_ERR_UNSUPPORTED,
                               "this host lacks " BP_LOOP_ID " or " BP_LINK_ID);
    int32_t status = address_check(s);
    if (status != BP_OK)
        return status;
    s->in.bytes = malloc(SOCKET_RING_BYTES);
    s->out.bytes = malloc(SOCKET_RING_BYTES);
    if (s->in.bytes == NULL || s->out.bytes == NULL)
        return host->set_error(host, BP_ERR_NO_MEMORY, "out of memory");
    return BP_OK;
}

static void on_arrival(void *dev, uint32_t ready)
{
    (void)ready;
    client_arrive(dev);
}

static void on_retry(void *dev)
{
    struct char_socket *s = dev;
    (void)s->loop->change(s->host, s->listen_watch, BP_LOOP_READ);
}

static int32_t socket_realize(void *dev)
{
    struct char_socket *s = dev;
    int32_t status = s->host->timer_create(s->host, on_retry, &s->retry_timer);
    if (status == BP_OK)
        status = s->host->timer_create(s->host, output_check_stall, &s->stall_timer);
    if (status != BP_OK)
        return s->host->set_error(s->host, status, "out of memory");
    status = address_open(s);
    if (status != BP_OK)
        return status;
    status = s->loop->watch(s->host, s->listen_fd, BP_LOOP_READ, on_arrival, &s->listen_watch);
    return status == BP_OK ? BP_OK : s->host->set_error(s->host, status, "out of memory");
}

static int32_t socket_quiesce(void *dev)
{
    output_flush(dev); /* what the guest has written is part of what it has done */
    return BP_OK;
}

static void socket_destroy(void *dev)
{
    struct char_socket *s = dev;
    if (s->client_fd >= 0) {
        output_finish(s);
        client_drop(s);
    }
    if (s->listen_watch != BP_NO_HANDLE)
        (void)s->loop->unwatch(s->host, s->listen_watch);
    address_close(s);
    free(s->in.bytes);
    free(s->out.bytes);
}

static const struct bp_char_ops char_ops = {
    .struct_size = sizeof(struct bp_char_ops),
    .read = socket_read,
    .write = socket_write,
};

static const struct bp_service services[] = {{BP_CHAR_ID, &char_ops}};

static const struct bp_property properties[] = {
    BP_PROP_PATH_REQUIRED(struct char_socket, path, "path",
                          "The socket, made when the machine starts and removed when it ends. At "
                          "most 107 bytes. What a dead process left there is replaced, any other "
                          "file is not."),
    BP_PROP_STRING(struct char_socket, mode_text, "mode", "0600", 4,
                   "Who may connect, as permissions in octal: 0600 the user that runs the machine "
                   "and root, 0660 its group, too."),
};

static const char *const needs[] = {BP_LOOP_ID, BP_LINK_ID, NULL};

static const struct bp_class char_socket = {
    .struct_size = sizeof(struct bp_class),
    .flags = BP_CLASS_BACKEND,
    .id = "char-socket",
    .version = "1.0",
    .summary = "console on a UNIX socket, for clients that come and go",
    .instance_size = sizeof(struct char_socket),
    .state_version = 1,
    .needs = needs,
    .properties = BP_TABLE(properties),
    .services = BP_TABLE(services),
    .create = socket_create,
    .realize = socket_realize,
    .quiesce = socket_quiesce,
    .destroy = socket_destroy,
};
BP_PLUGIN_BACKEND("char-socket", "1.0", &char_socket);
