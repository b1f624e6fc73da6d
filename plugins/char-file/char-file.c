/*
 * char-file - a console whose output goes to a file, for logs. It has no input.
 *
 * Also for named pipes and character devices: when such a one takes nothing more, the device waits.
 * An error (a full disk, a reader that has gone) costs the bytes, with one warning: a guest must
 * not stand still because its log cannot be written.
 */
#include <backplane/device.h>
#include <backplane/if/char.h>
#include <backplane/if/link.h>
#include <backplane/if/loop.h>
#include <backplane/lib/log.h>
#include <backplane/plugin.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

struct char_file {
    /* Properties. */
    const char *path;
    uint32_t append;

    const struct bp_host *host;
    const struct bp_loop *loop;
    const struct bp_link_if *link;
    int fd;          /* -1 until it is open */
    bp_handle watch; /* for room; made when it is first needed */
    bool has_warned;
};

/* --- bp.char/1 -------------------------------------------------------------------------------- */

static uint32_t file_read(void *dev, void *to, uint32_t size)
{
    (void)dev;
    (void)to;
    (void)size;
    return 0;
}

/* The watch rests while the device does not wait. */
static void on_room(void *dev, uint32_t ready)
{
    struct char_file *s = dev;
    (void)ready;
    (void)s->loop->change(s->host, s->watch, 0);
    s->link->notify(s->host, BP_LINK_WRITABLE);
}

static bool wait_for_room(struct char_file *s)
{
    if (s->watch != BP_NO_HANDLE)
        return s->loop->change(s->host, s->watch, BP_LOOP_WRITE) == BP_OK;
    return s->loop->watch(s->host, s->fd, BP_LOOP_WRITE, on_room, &s->watch) == BP_OK;
}

static uint32_t file_write(void *dev, const void *from, uint32_t size)
{
    struct char_file *s = dev;
    const uint8_t *at = from;
    uint32_t done = 0;
    while (s->fd >= 0 && done < size) {
        ssize_t n = write(s->fd, at + done, size - done);
        if (n > 0) {
            done += (uint32_t)n;
            continue;
        }
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN && wait_for_room(s))
            return done;
        if (!s->has_warned)
            bp_logf(s->host, BP_LOG_WARN,
                    "cannot write %s: %s; the console's output is lost, and this is said once",
                    s->path, strerror(n < 0 ? errno : EIO));
        s->has_warned = true;
        break;
    }
    return size;
}

/* --- Life cycle ------------------------------------------------------------------------------- */

static int32_t file_create(const struct bp_host *host, void *dev)
{
    struct char_file *s = dev;
    s->host = host;
    s->fd = -1;
    s->loop = host->get_interface(host, BP_LOOP_ID);
    s->link = host->get_interface(host, BP_LINK_ID);
    if (s->loop == NULL || s->link == NULL)
        return host->set_error(host, BP_ERR_UNSUPPORTED,
                               "this host lacks " BP_LOOP_ID " or " BP_LINK_ID);
    return BP_OK;
}

static const char *remedy(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return "; its directory must exist";
    case EISDIR:
        return "; give the name of a file in it";
    case EACCES:
    case EPERM:
    case EROFS:
        return "; choose a place where you may write";
    case ENXIO:
        return "; it is a pipe without a reader: start the reader first";
    default:
        return "";
    }
}

static int32_t file_realize(void *dev)
{
    struct char_file *s = dev;
    int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    s->fd = open(s->path, flags | (s->append ? O_APPEND : O_TRUNC), 0666);
    if (s->fd < 0)
        return bp_errorf(s->host, errno == ENOENT ? BP_ERR_NOT_FOUND : BP_ERR_PERMISSION,
                         "cannot open %s for writing: %s%s", s->path, strerror(errno),
                         remedy(errno));
    return BP_OK;
}

static void file_destroy(void *dev)
{
    struct char_file *s = dev;
    if (s->fd < 0)
        return;
    if (s->watch != BP_NO_HANDLE)
        (void)s->loop->unwatch(s->host, s->watch);
    (void)close(s->fd);
}

static const struct bp_char_ops char_ops = {
    .struct_size = sizeof(struct bp_char_ops),
    .read = file_read,
    .write = file_write,
};

static const struct bp_service services[] = {{BP_CHAR_ID, &char_ops}};

static const struct bp_property properties[] = {
    BP_PROP_PATH_REQUIRED(struct char_file, path, "path",
                          "The file that gets the console's output. It is made if it is not there. "
                          "A named pipe needs its reader first."),
    BP_PROP_BOOL(struct char_file, append, "append", "no",
                 "Adds to what the file holds already. Without it the file begins empty each time "
                 "the machine starts."),
};

static const char *const needs[] = {BP_LOOP_ID, BP_LINK_ID, NULL};

static const struct bp_class char_file = {
    .struct_size = sizeof(struct bp_class),
    .flags = BP_CLASS_BACKEND,
    .id = "char-file",
    .version = "1.0",
    .summary = "console output into a file",
    .instance_size = sizeof(struct char_file),
    .state_version = 1,
    .needs = needs,
    .properties = BP_TABLE(properties),
    .services = BP_TABLE(services),
    .create = file_create,
    .realize = file_realize,
    .destroy = file_destroy,
};
BP_PLUGIN_BACKEND("char-file", "1.0", &char_file);
