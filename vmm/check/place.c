/* Where tests run: a directory for the files of devices, and what the test's process shares. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check/child.h"

void check_place_file(const struct check_place *place, uint32_t i, char *out, size_t size)
{
    (void)snprintf(out, size, "%.4000s/file%u", place->folder, i);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    if (where->level > 0)
        (void)remove(path);
    return 0;
}

static void empty_folder(const struct check_place *place)
{
    (void)nftw(place->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Away with the folder and all that is in it. */
static void remove_folder(struct check_place *place)
{
    if (place->folder[0] == '\0')
        return;
    empty_folder(place);
    (void)rmdir(place->folder);
    place->folder[0] = '\0';
}

static bool make_folder_in(struct check_place *place, const char *base)
{
    int n = snprintf(place->folder, sizeof(place->folder), "%s/backplane-check-XXXXXX", base);
    if (n < (int)sizeof(place->folder) - 100 && mkdtemp(place->folder) != NULL)
        return true;
    place->folder[0] = '\0';
    return false;
}

/* In memory where there is room for it: a disk that others write to is slow to say that it has
 * written. */
static int32_t make_folder(struct check_place *place, struct err *err)
{
    const char *base = getenv("TMPDIR");
    bool is_given = base != NULL && base[0] == '/';
    if (!is_given && make_folder_in(place, "/dev/shm")) {
        if (check_place_clean(place, err) == BP_OK)
            return BP_OK;
        remove_folder(place);
    }
    if (make_folder_in(place, is_given ? base : "/tmp"))
        return BP_OK;
    return err_set(err, BP_ERR_IO, "%s: no directory for tests can be made there: %s; set TMPDIR",
                   is_given ? base : "/tmp", strerror(errno));
}

int32_t check_place_open(struct check_place *place, const struct check_plan *plan, struct err *err)
{
    *place = (struct check_place){.plan = plan};
    if (realpath(plan->path, place->plugin) == NULL)
        return err_set(err, BP_ERR_NOT_FOUND, "%s: cannot be read: %s", plan->path,
                       strerror(errno));
    void *shared =
        mmap(NULL, CHECK_STEP_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return err_set(err, BP_ERR_NO_MEMORY, "%s: out of memory", plan->path);
    place->step = shared;
    return make_folder(place, err);
}

void check_place_close(struct check_place *place)
{
    remove_folder(place);
    if (place->step != NULL)
        (void)munmap(place->step, CHECK_STEP_MAX);
    place->step = NULL;
}

int32_t check_place_clean(const struct check_place *place, struct err *err)
{
    empty_folder(place);
    for (uint32_t i = 0; i < CHECK_COPIES; i++) {
        char path[PATH_MAX];
        check_place_file(place, i, path, sizeof(path));
        int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
        bool is_made = fd >= 0 && ftruncate(fd, CHECK_FILE_BYTES) == 0;
        int error = errno;
        if (fd >= 0)
            (void)close(fd);
        if (!is_made)
            return err_set(err, BP_ERR_IO, "%s: cannot be made: %s; set TMPDIR", path,
                           strerror(error));
    }
    return BP_OK;
}
