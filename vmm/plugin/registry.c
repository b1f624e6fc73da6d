#include "plugin/registry.h"

#include <backplane/plugin.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/loader.h"
#include "plugin/trust.h"
#include "util/log.h"
#include "util/nearest.h"
#include "util/paths.h"

struct plugin {
    struct plugin_info info;
    char id[BP_ID_MAX];
    char version[BP_VERSION_MAX];
    char *path;
    unsigned directory;            /* its number, in the order in which they were added */
    const struct bp_class *class_; /* once loaded */
};

struct refused {
    char id[BP_ID_MAX]; /* the file's name without .so */
    char *sentence;
    bool came_first; /* a plugin of this id that is found later takes its place */
};

struct hidden {
    char id[BP_ID_MAX];
    char *sentence;
    bool is_beside; /* in the directory of the one that is used: by mistake, then */
};

struct registry {
    struct plugin **plugins; /* sorted by id */
    size_t n, capacity;
    struct refused *refused;
    size_t n_refused;
    struct hidden *hidden;
    size_t n_hidden;
    unsigned n_directories;
};

static void plugin_free(struct plugin *plugin)
{
    if (plugin != NULL)
        free(plugin->path);
    free(plugin);
}

struct registry *registry_create(void)
{
    return calloc(1, sizeof(struct registry));
}

void registry_destroy(struct registry *registry)
{
    if (registry == NULL)
        return;
    for (size_t i = 0; i < registry->n; i++)
        plugin_free(registry->plugins[i]);
    for (size_t i = 0; i < registry->n_hidden; i++)
        free(registry->hidden[i].sentence);
    for (size_t i = 0; i < registry->n_refused; i++)
        free(registry->refused[i].sentence);
    free(registry->plugins);
    free(registry->refused);
    free(registry->hidden);
    free(registry);
}

/* The position of an id, or where it would go. */
static size_t position(const struct registry *registry, const char *id, bool *is_there)
{
    size_t low = 0, high = registry->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(registry->plugins[middle]->id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *is_there = low < registry->n && strcmp(registry->plugins[low]->id, id) == 0;
    return low;
}

static void refuse(struct registry *registry, const char *file_name, const char *sentence)
{
    struct refused *list =
        realloc(registry->refused, (registry->n_refused + 1) * sizeof(struct refused));
    if (list == NULL)
        return;
    registry->refused = list;
    struct refused *r = &list[registry->n_refused];
    bool is_there;
    (void)snprintf(r->id, sizeof(r->id), "%.*s", (int)strlen(file_name) - 3, file_name);
    (void)position(registry, r->id, &is_there);
    r->came_first = !is_there;
    r->sentence = strdup(sentence);
    if (r->sentence != NULL)
        registry->n_refused++;
}

static void hide(struct registry *registry, const struct plugin *loser, const struct plugin *winner)
{
    struct hidden *list =
        realloc(registry->hidden, (registry->n_hidden + 1) * sizeof(struct hidden));
    if (list == NULL)
        return;
    registry->hidden = list;
    struct hidden *h = &list[registry->n_hidden];
    *h = (struct hidden){.is_beside = loser->directory == winner->directory};
    memcpy(h->id, loser->id, sizeof(h->id));
    if (asprintf(&h->sentence, "%s: says that it is %s %s too; %s comes first", loser->path,
                 loser->id, loser->version, winner->path) >= 0)
        registry->n_hidden++;
}

static bool is_named_for_its_id(const struct plugin *plugin)
{
    const char *name = strrchr(plugin->path, '/') + 1;
    size_t n = strlen(plugin->id);
    return strncmp(name, plugin->id, n) == 0 && strcmp(name + n, ".so") == 0;
}

/* Two files with one id. The one that was there stays, but for ID.so of the same directory; a
 * directory that was named twice gives the same files twice, which is nothing to speak of. */
static void settle(struct registry *registry, size_t at, struct plugin *plugin)
{
    struct plugin *winner = registry->plugins[at], *loser = plugin;
    if (plugin->directory == winner->directory && is_named_for_its_id(plugin)) {
        loser = winner;
        winner = plugin;
        registry->plugins[at] = winner;
    }
    if (memcmp(&winner->info.file, &loser->info.file, sizeof(winner->info.file)) != 0)
        hide(registry, loser, winner);
    plugin_free(loser);
}

/* Takes the plugin over; BP_ERR_NO_MEMORY leaves it the caller's. */
static int32_t insert(struct registry *registry, struct plugin *plugin)
{
    bool is_there;
    size_t at = position(registry, plugin->id, &is_there);
    if (is_there) {
        settle(registry, at, plugin);
        return BP_OK;
    }
    if (registry->n == registry->capacity) {
        size_t capacity = registry->capacity == 0 ? 32 : 2 * registry->capacity;
        struct plugin **list = realloc(registry->plugins, capacity * sizeof(struct plugin *));
        if (list == NULL)
            return BP_ERR_NO_MEMORY;
        registry->plugins = list;
        registry->capacity = capacity;
    }
    memmove(&registry->plugins[at + 1], &registry->plugins[at],
            (registry->n - at) * sizeof(struct plugin *));
    registry->plugins[at] = plugin;
    registry->n++;
    return BP_OK;
}

/* The file is opened once: what is checked is what is read. `name` is a plain one, or where a link
 * leads. */
static int32_t read_file(struct plugin *plugin, int directory, const char *name, struct err *err)
{
    /* Not blocking: whoever opens a FIFO waits for its other end. */
    int fd = openat(directory, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        int error = errno;
        if (fd >= 0)
            (void)close(fd);
        return err_set(err, BP_ERR_NOT_FOUND, "%s: cannot be read: %s", plugin->path,
                       strerror(error));
    }
    int32_t status = trust_check(plugin->path, &st, err);
    if (status == BP_OK)
        status = plugin_read_note_fd(fd, &st, plugin->path, plugin->id, plugin->version,
                                     &plugin->info.abi_major, &plugin->info.abi_minor,
                                     &plugin->info.flags, err);
    loader_identify(&st, &plugin->info.file);
    (void)close(fd);
    return status;
}

static int32_t add_file(struct registry *registry, int directory, const char *path,
                        const char *name, struct err *err)
{
    char target[PATH_MAX];
    struct stat st;
    if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode)) {
        int32_t status = trust_follow_link(path, target, sizeof(target), err);
        if (status != BP_OK)
            return status;
        name = target;
    }
    struct plugin *plugin = calloc(1, sizeof(*plugin));
    if (plugin == NULL || (plugin->path = strdup(path)) == NULL) {
        free(plugin);
        return err_set(err, BP_ERR_NO_MEMORY, "%s: out of memory", path);
    }
    plugin->directory = registry->n_directories;
    plugin->info =
        (struct plugin_info){.id = plugin->id, .version = plugin->version, .path = plugin->path};
    int32_t status = read_file(plugin, directory, name, err);
    if (status == BP_OK) {
        status = insert(registry, plugin);
        if (status != BP_OK)
            (void)err_set(err, status, "%s: out of memory", path);
    }
    if (status != BP_OK)
        plugin_free(plugin);
    return status;
}

static int only_shared_objects(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return len > 3 && entry->d_name[0] != '.' && strcmp(entry->d_name + len - 3, ".so") == 0;
}

static int32_t add_files(struct registry *registry, const char *path, int directory,
                         struct err *err)
{
    struct dirent **entries;
    int n = scandirat(directory, ".", &entries, only_shared_objects, alphasort);
    if (n < 0)
        return err_set(err, BP_ERR_PERMISSION, "plugin directory %s: cannot be listed: %s", path,
                       strerror(errno));
    registry->n_directories++;
    for (int i = 0; i < n; i++) {
        char file[PATH_MAX];
        struct err why;
        if (snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name) < (int)sizeof(file) &&
            add_file(registry, directory, file, entries[i]->d_name, &why) != BP_OK)
            refuse(registry, entries[i]->d_name, why.text);
        free(entries[i]);
    }
    free(entries);
    return BP_OK;
}

/* The directory itself, and the way to it. */
static int32_t check_directory(const char *path, int directory, struct err *err)
{
    char resolved[PATH_MAX];
    struct stat st;
    int32_t status = trust_resolve(path, resolved, sizeof(resolved), err);
    if (status == BP_OK && fstat(directory, &st) != 0)
        status = err_set(err, BP_ERR_IO, "%s: %s", path, strerror(errno));
    if (status == BP_OK)
        status = trust_check(path, &st, err);
    if (status != BP_OK)
        err_prefix(err, "plugin directory");
    return status;
}

int32_t registry_add_directory(struct registry *registry, const char *path, bool must_exist,
                               struct err *err)
{
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0 && errno == ENOENT && !must_exist)
        return BP_OK;
    if (directory < 0 && errno == ENOTDIR)
        return err_set(err, BP_ERR_INVALID,
                       "plugin directory %s: not a directory; name the one that holds the .so "
                       "files",
                       path);
    if (directory < 0)
        return err_set(err, BP_ERR_NOT_FOUND,
                       "plugin directory %s: %s; name the directory that holds the .so files", path,
                       strerror(errno));
    int32_t status = check_directory(path, directory, err);
    if (status == BP_OK)
        status = add_files(registry, path, directory, err);
    (void)close(directory);
    return status;
}

static int32_t add_search_path(struct registry *registry, const char *list, struct err *err)
{
    char *copy = strdup(list);
    if (copy == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, "plugin path: out of memory");
    int32_t status = BP_OK;
    char *rest = copy;
    for (char *dir = strsep(&rest, ":"); dir != NULL && status == BP_OK; dir = strsep(&rest, ":"))
        if (dir[0] != '\0')
            status = registry_add_directory(registry, dir, true, err);
    free(copy);
    return status;
}

int32_t registry_add_defaults(struct registry *registry, const char *const *dirs, size_t n_dirs,
                              struct err *err)
{
    int32_t status = BP_OK;
    for (size_t i = 0; i < n_dirs && status == BP_OK; i++)
        status = registry_add_directory(registry, dirs[i], true, err);
    bool privileged = getauxval(AT_SECURE) != 0;
    const char *search = getenv("BACKPLANE_PLUGIN_PATH");
    if (status == BP_OK && search != NULL && !privileged)
        status = add_search_path(registry, search, err);
    char path[PATH_MAX];
    if (status == BP_OK && paths_plugins(path, sizeof(path)))
        status = registry_add_directory(registry, path, false, err);
    for (size_t i = 0; status == BP_OK && paths_plugins_third_party(i, path, sizeof(path)); i++)
        status = registry_add_directory(registry, path, false, err);
    return status;
}

size_t registry_count(const struct registry *registry)
{
    return registry->n;
}

const struct plugin_info *registry_at(const struct registry *registry, size_t i)
{
    return i < registry->n ? &registry->plugins[i]->info : NULL;
}

const struct plugin_info *registry_find(const struct registry *registry, const char *id)
{
    bool is_there;
    size_t at = position(registry, id, &is_there);
    return is_there ? &registry->plugins[at]->info : NULL;
}

const char *registry_refused(const struct registry *registry, size_t i)
{
    return i < registry->n_refused ? registry->refused[i].sentence : NULL;
}

const char *registry_hidden(const struct registry *registry, size_t i)
{
    return i < registry->n_hidden ? registry->hidden[i].sentence : NULL;
}

static void explain_unknown(const struct registry *registry, const char *id, struct err *err)
{
    for (size_t i = 0; i < registry->n_refused; i++)
        if (strcmp(registry->refused[i].id, id) == 0) {
            (void)err_set(err, BP_ERR_FORMAT, "plugin %s: %s", id, registry->refused[i].sentence);
            return;
        }
    const char **known = calloc(registry->n + 1, sizeof(*known));
    for (size_t i = 0; known != NULL && i < registry->n; i++)
        known[i] = registry->plugins[i]->id;
    const char *near = known != NULL ? nearest_word(id, known, registry->n) : NULL;
    if (near != NULL)
        (void)err_set(err, BP_ERR_NOT_FOUND, "there is no plugin \"%s\"; did you mean \"%s\"?", id,
                      near);
    else
        (void)err_set(err, BP_ERR_NOT_FOUND,
                      "there is no plugin \"%s\"; `backplane plugin list` shows those there are",
                      id);
    free(known);
}

/* Whoever put a plugin before the usual one must learn that it is not the one that runs. */
static void tell_replaced(const struct registry *registry, const struct plugin_info *used)
{
    for (size_t i = 0; i < registry->n_refused; i++)
        if (registry->refused[i].came_first && strcmp(registry->refused[i].id, used->id) == 0)
            log_format(LOG_LEVEL_WARN, "plugins", "%s; %s is used instead",
                       registry->refused[i].sentence, used->path);
    for (size_t i = 0; i < registry->n_hidden; i++)
        if (registry->hidden[i].is_beside && strcmp(registry->hidden[i].id, used->id) == 0)
            log_format(LOG_LEVEL_WARN, "plugins", "%s: remove one of them",
                       registry->hidden[i].sentence);
}

const struct bp_class *registry_class(struct registry *registry, const char *id, struct err *err)
{
    bool is_there;
    size_t at = position(registry, id, &is_there);
    if (!is_there) {
        explain_unknown(registry, id, err);
        return NULL;
    }
    struct plugin *plugin = registry->plugins[at];
    if (plugin->class_ != NULL)
        return plugin->class_;
    tell_replaced(registry, &plugin->info);
    plugin->class_ = loader_load(&plugin->info, err);
    return plugin->class_;
}
