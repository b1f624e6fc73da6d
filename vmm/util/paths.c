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
    return strcmp(dir, BP_BINDIR) != 0 && len > 4 && strcmp(dir + len - 4, "/bin") == 0 &&
           strncmp(installed, BP_PREFIX, *prefix_len) == 0;
}

static bool fits(int n, size_t size)
{
    return n > 0 && (size_t)n < size;
}

/* `beside`: where it is in a build tree, NULL: there is no such thing. */
static bool find(char *out, size_t size, const char *beside, const char *installed)
{
    char dir[PATH_MAX];
    size_t prefix_len;
    if (!own_directory(dir, sizeof(dir)))
        return fits(snprintf(out, size, "%s", installed), size);
    if (is_build_tree(dir))
        return beside != NULL && fits(snprintf(out, size, "%s/%s", dir, beside), size);
    if (is_moved(dir, installed, &prefix_len))
        return fits(
            snprintf(out, size, "%.*s%s", (int)(strlen(dir) - 4), dir, installed + prefix_len),
            size);
    return fits(snprintf(out, size, "%s", installed), size);
}

bool paths_plugins(char *out, size_t size)
{
    return find(out, size, "plugins", BP_LIBDIR "/backplane/plugins");
}

bool paths_machines(char *out, size_t size)
{
    return find(out, size, "machines", BP_DATADIR "/backplane/machines");
}

bool paths_templates(char *out, size_t size)
{
    return find(out, size, "template", BP_DATADIR "/backplane/template");
}

bool paths_plugins_third_party(size_t i, char *out, size_t size)
{
    static const char packages[] = BP_LIBDIR "/backplane/plugins.d";
    static const char local[] = "/usr/local/lib/backplane/plugins.d";
    char here[PATH_MAX];
    if (i > 1 || !find(here, sizeof(here), NULL, packages))
        return false;
    if (i == 0)
        return fits(snprintf(out, size, "%s", here), size);
    /* A program that was moved to another root says nothing of this host's administrator. */
    if (strcmp(here, packages) != 0 || strcmp(packages, local) == 0)
        return false;
    return fits(snprintf(out, size, "%s", local), size);
}
