/*
 * The socket's file. Its name outlives a process that is killed, so one is found there now and
 * then: whether somebody still has it is asked with a socket of another type, which tells without
 * anybody being called (EPROTOTYPE: somebody has it, ECONNREFUSED: nobody; unix(7)).
 */
#include "char-socket.h"

#include <backplane/lib/log.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define PATH_BYTES_MAX (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)
#define LOCK_TRIES     100
#define LOCK_WAIT_MS   10

/* --- Without looking -------------------------------------------------------------------------- */

static bool parse_mode(const char *text, uint32_t *mode)
{
    *mode = 0;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c < '0' || *c > '7')
            return false;
        *mode = *mode << 3 | (uint32_t)(*c - '0');
    }
    return text[0] != '\0' && *mode <= 0777;
}

int32_t address_check(struct char_socket *s)
{
    if (s->path[0] == '\0' || strlen(s->path) > PATH_BYTES_MAX)
        return bp_errorf(s->host, BP_ERR_RANGE,
                         "path has %zu bytes, and a socket's has 1-%zu: choose a shorter one, such "
                         "as one in /run",
                         strlen(s->path), PATH_BYTES_MAX);
    if (!parse_mode(s->mode_text, &s->mode))
        return bp_errorf(s->host, BP_ERR_INVALID,
                         "mode = %s: permissions in octal are wanted, 0000-0777", s->mode_text);
    return BP_OK;
}

/* --- What is there ---------------------------------------------------------------------------- */

static const char *remedy(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return "; its directory must exist";
    case EACCES:
    case EPERM:
    case EROFS:
        return "; choose a place where you may write";
    default:
        return "";
    }
}

static int32_t fail(const struct char_socket *s, int error)
{
    return bp_errorf(s->host, error == ENOENT ? BP_ERR_NOT_FOUND : BP_ERR_PERMISSION,
                     "cannot listen at %s: %s%s", s->path, strerror(error), remedy(error));
}

static struct sockaddr_un address_of(const struct char_socket *s)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, s->path, strlen(s->path) + 1); /* address_check */
    return address;
}

/* 0: somebody has the socket; otherwise why it seems not so. */
static int ask(const struct char_socket *s)
{
    struct sockaddr_un address = address_of(s);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return errno;
    int error = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : errno;
    (void)close(fd);
    return error == EPROTOTYPE ? 0 : error;
}

/* Removes what a dead process left. */
static int32_t make_way(const struct char_socket *s)
{
    struct stat st;
    if (lstat(s->path, &st) != 0)
        return errno == ENOENT ? BP_OK : fail(s, errno);
    if (!S_ISSOCK(st.st_mode))
        return bp_errorf(s->host, BP_ERR_EXISTS,
                         "%s is there and is no socket: it stays; choose another path", s->path);
    int error = ask(s);
    if (error == 0)
        return bp_errorf(s->host, BP_ERR_BUSY,
                         "%s belongs to a running program, perhaps this machine itself: end that, "
                         "or choose another path",
                         s->path);
    if (error != ECONNREFUSED)
        return fail(s, error);
    return unlink(s->path) == 0 || errno == ENOENT ? BP_OK : fail(s, errno);
}

/* Two machines that begin at once must not both take what they find for dead: they look one after
 * the other. -1: there is nothing to hold on to. */
static int lock_directory(const struct char_socket *s)
{
    char directory[PATH_BYTES_MAX + 1];
    const char *slash = strrchr(s->path, '/');
    size_t n = slash == NULL ? 0 : slash == s->path ? 1 : (size_t)(slash - s->path);
    (void)snprintf(directory, sizeof(directory), "%.*s", (int)n, s->path);
    int fd = open(n > 0 ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0 && i < LOCK_TRIES; i++)
        (void)poll(NULL, 0, LOCK_WAIT_MS);
    return fd;
}

/* --- Ours ------------------------------------------------------------------------------------- */

static bool is_ours(const struct char_socket *s, const struct stat *st)
{
    return S_ISSOCK(st->st_mode) && (uint64_t)st->st_dev == s->device &&
           (uint64_t)st->st_ino == s->inode;
}

/* The file has the mode before it has a name, less what the umask forbids. That is given now, by
 * way of a descriptor, so that no other file can get it. */
static bool set_mode(const struct char_socket *s)
{
    char link[64];
    struct stat st;
    int fd = open(s->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    bool is_done = fd >= 0 && fstat(fd, &st) == 0 && is_ours(s, &st) &&
                   ((st.st_mode & 0777) == s->mode || chmod(link, s->mode) == 0);
    int error = errno;
    if (fd >= 0)
        (void)close(fd);
    errno = error;
    return is_done;
}

static int32_t listen_there(struct char_socket *s)
{
    struct sockaddr_un address = address_of(s);
    struct stat st;
    s->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->listen_fd < 0 || fchmod(s->listen_fd, s->mode) != 0 ||
        bind(s->listen_fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        lstat(s->path, &st) != 0)
        return fail(s, errno);
    s->device = (uint64_t)st.st_dev;
    s->inode = (uint64_t)st.st_ino;
    return set_mode(s) && listen(s->listen_fd, 4) == 0 ? BP_OK : fail(s, errno);
}

int32_t address_open(struct char_socket *s)
{
    int lock = lock_directory(s);
    int32_t status = make_way(s);
    if (status == BP_OK)
        status = listen_there(s);
    if (lock >= 0)
        (void)close(lock);
    return status;
}

void address_close(struct char_socket *s)
{
    struct stat st;
    if (s->inode != 0 && lstat(s->path, &st) == 0 && is_ours(s, &st))
        (void)unlink(s->path);
    if (s->listen_fd >= 0)
        (void)close(s->listen_fd);
    s->inode = 0;
    s->listen_fd = -1;
}
