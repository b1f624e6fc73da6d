/* Opening the disk's file: what may be one, who else has it, and how large it is. */
#include "block-file.h"

#include <backplane/lib/log.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static int32_t status_of(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return BP_ERR_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return BP_ERR_PERMISSION;
    case EBUSY:
        return BP_ERR_BUSY;
    case ENOMEM:
        return BP_ERR_NO_MEMORY;
    default:
        return BP_ERR_IO;
    }
}

/* What the user can do about a file that cannot be opened. */
static const char *remedy(const struct block_file *s, int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return "; check the path, or make an empty disk with \"truncate -s 1G FILE\"";
    case EACCES:
    case EPERM:
    case EROFS:
        return s->is_read_only ? "; it must be readable for you"
                               : "; make it writable for you, or set \"readonly = yes\"";
    case EBUSY:
        return "; it is mounted or in use by the host: unmount it, or set \"readonly = yes\"";
    default:
        return "";
    }
}

static int32_t refuse_open(struct block_file *s, int error)
{
    return bp_errorf(s->host, status_of(error), "cannot open %s%s: %s%s", s->path,
                     s->is_read_only ? "" : " for writing", strerror(error), remedy(s, error));
}

static int32_t refuse_kind(struct block_file *s)
{
    return bp_errorf(s->host, BP_ERR_INVALID,
                     "%s is no image file and no block device; a disk needs one of them", s->path);
}

/* Looked at before it is opened: opening some kinds of files has effects, or waits. */
static int32_t check_kind(struct block_file *s)
{
    struct stat st;
    if (stat(s->path, &st) != 0)
        return refuse_open(s, errno);
    s->is_device = S_ISBLK(st.st_mode);
    if (S_ISDIR(st.st_mode))
        return bp_errorf(s->host, BP_ERR_INVALID,
                         "%s is a directory; a disk needs an image file or a block device",
                         s->path);
    if (!S_ISREG(st.st_mode) && !s->is_device)
        return refuse_kind(s);
    return BP_OK;
}

/* One writer, or any number of readers. The lock belongs to the open file and ends with it. */
static int32_t lock_file(struct block_file *s)
{
    struct flock lock = {.l_type = s->is_read_only ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(s->fd, F_OFD_SETLK, &lock) == 0)
        return BP_OK;
    if (errno == EAGAIN || errno == EACCES)
        return bp_errorf(s->host, BP_ERR_BUSY,
                         "%s is in use by another machine; end that one, make a copy for this one, "
                         "or set \"readonly = yes\" in both",
                         s->path);
    bp_logf(s->host, BP_LOG_WARN, "%s cannot be locked here (%s): see that no one else writes it",
            s->path, strerror(errno));
    return BP_OK;
}

static int32_t measure(struct block_file *s)
{
    struct stat st;
    if (fstat(s->fd, &st) != 0)
        return refuse_open(s, errno);
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) /* put in its place meanwhile */
        return refuse_kind(s);
    s->capacity_bytes = (uint64_t)st.st_size;
    if (s->is_device && ioctl(s->fd, BLKGETSIZE64, &s->capacity_bytes) != 0)
        return bp_errorf(s->host, BP_ERR_IO, "%s does not say how large it is: %s", s->path,
                         strerror(errno));
    s->block_bytes = st.st_blksize >= 4096 ? 4096 : FILE_SECTOR_BYTES;
    if (s->capacity_bytes == 0)
        return bp_errorf(s->host, BP_ERR_INVALID,
                         "%s is empty; give it a size with \"truncate -s 1G %s\"", s->path,
                         s->path);
    if (s->capacity_bytes % FILE_SECTOR_BYTES != 0)
        return bp_errorf(s->host, BP_ERR_INVALID,
                         "%s has %llu bytes, which is no multiple of 512; round it up with "
                         "\"truncate -s %%512 %s\"",
                         s->path, (unsigned long long)s->capacity_bytes, s->path);
    return BP_OK;
}

int32_t file_open(struct block_file *s)
{
    int32_t status = check_kind(s);
    if (status != BP_OK)
        return status;
    /* O_NONBLOCK: a pipe put in its place meanwhile must not stop us. O_EXCL on a block device
     * refuses one that is mounted. */
    int flags = O_CLOEXEC | O_NONBLOCK | (s->is_read_only ? O_RDONLY : O_RDWR);
    if (s->is_device && !s->is_read_only)
        flags |= O_EXCL;
    s->fd = open(s->path, flags);
    if (s->fd < 0)
        return refuse_open(s, errno);
    status = lock_file(s);
    if (status == BP_OK)
        status = measure(s);
    /* io_uring would not wait for such a file, but fail. */
    if (status == BP_OK && fcntl(s->fd, F_SETFL, flags & ~O_NONBLOCK) != 0)
        return refuse_open(s, errno);
    return status;
}

void file_close(struct block_file *s)
{
    struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
    if (s->fd < 0)
        return;
    /* The kernel may hold the file for a moment after the last answer of a ring. */
    (void)fcntl(s->fd, F_OFD_SETLK, &lock);
    (void)close(s->fd);
    s->fd = -1;
}
