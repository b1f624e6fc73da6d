#include "util/paths.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

/* The directory of the running program; a privileged program never looks beside itself. */
static bool own_directory(char *out, size_t size)
{
    if (getauxval(AT_SECURE) != 0)
        return false;
    ssize_t n = readlink("/proc/self/exe", out, size - 1);
    if (n <= 0 || (size_t)n >= size - 1)
        return false;
    out[n] = '\0';
    char *slash = strrchr(out, '/');
    if (slash == NULL)
        return false;
    *slash = '\0';
    return true;
}

static bool is_build_tree(const char *dir)
{
    char probe[PATH_MAX];
    struct stat st;
    return snprintf(probe, sizeof(probe), "%s/machines/.stamp", dir) < (int)sizeof(probe) &&
           stat(probe, &st) == 0;
}

/* Installed under another root than it was built for (a staging directory, a relocated prefix):
 * bin/ and the rest still lie beside each other. */
static bool is_moved(const char *dir, const char *installed, size_t *prefix_len)
{
    size_t len = strlen(dir);
    *prefix_len = strlen(BP_PREFIX);
    return len > 4 && strcmp(dir + len - 4, "/bin") == 0 &&
           strncmp(installed, BP_PREFIX, *prefix_len) == 0;
}

static bool find(char *out, size_t size, const char *beside, const char *installed)
{
    char dir[PATH_MAX];
    size_t prefix_len;
    int n;
    if (!own_directory(dir, sizeof(dir)))
        n = snprintf(out, size, "%s", installed);
    else if (is_build_tree(dir))
        n = snprintf(out, size, "%s/%s", dir, beside);
    else if (is_moved(dir, installed, &prefix_len))
        n = snprintf(out, size, "%.*s%s", (int)(strlen(dir) - 4), dir, installed + prefix_len);
    else
        n = snprintf(out, size, "%s", installed);
    return n > 0 && (size_t)n < size;
}

bool paths_plugins(char *out, size_t size)
{
    return find(out, size, "plugins", BP_LIBDIR "/backplane/plugins");
}

bool paths_machines(char *out, size_t size)
{
    return find(out, size, "machines", BP_PREFIX "/share/backplane/machines");
}
