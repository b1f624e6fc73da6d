/* Which plugins there are: directories, their order, who may own them, and what is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "plugin/registry.h"
#include "unit/plugin_files.h"

static char dir[64];
static struct registry *registry;
static struct file_bytes small;

static int begin(void **state)
{
    (void)state;
    files_begin(dir, sizeof(dir));
    registry = registry_create();
    small = file_load("small");
    unsetenv("BACKPLANE_PLUGIN_PATH");
    return 0;
}

static int end(void **state)
{
    (void)state;
    registry_destroy(registry);
    files_end(dir);
    free(small.bytes);
    return 0;
}

/* A copy of the good plugin under another id and version. */
static void store_as(const char *directory, const char *file, const char *id, const char *version)
{
    struct file_bytes copy = {.bytes = malloc(small.size), .size = small.size};
    memcpy(copy.bytes, small.bytes, small.size);
    struct bp_note *note = file_note(&copy);
    memset(note->id, 0, sizeof(note->id));
    memset(note->version, 0, sizeof(note->version));
    (void)snprintf(note->id, sizeof(note->id), "%s", id);
    (void)snprintf(note->version, sizeof(note->version), "%s", version);
    file_store(directory, file, copy.bytes, copy.size);
    free(copy.bytes);
}

static char *in_dir(const char *name)
{
    static char paths[4][128];
    static unsigned next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
    return path;
}

static void add(const char *path)
{
    struct err err = {{0}};
    assert_int_equal(registry_add_directory(registry, path, true, &err), BP_OK);
    assert_string_equal(err.text, "");
}

static void plugins_are_sorted_by_id_whatever_their_files_are_called(void **state)
{
    (void)state;
    store_as(dir, "1.so", "uart", "1.0");
    store_as(dir, "2.so", "org.example.sensor", "2.0");
    store_as(dir, "3.so", "disk", "3.0");
    add(dir);
    assert_int_equal(registry_count(registry), 3);
    assert_string_equal(registry_at(registry, 0)->id, "disk");
    assert_string_equal(registry_at(registry, 1)->id, "org.example.sensor");
    assert_string_equal(registry_at(registry, 2)->id, "uart");
    assert_null(registry_at(registry, 3));
    assert_string_equal(registry_find(registry, "uart")->path, in_dir("1.so"));
    assert_null(registry_find(registry, "uar"));
    assert_null(registry_refused(registry, 0));
}

static void only_shared_objects_are_looked_at(void **state)
{
    (void)state;
    store_as(dir, "a.so", "a", "1.0");
    file_store(dir, "README", "text", 4);
    file_store(dir, ".hidden.so", "text", 4);
    file_store(dir, "b.so.old", "text", 4);
    file_store(dir, ".so", "text", 4);
    add(dir);
    assert_int_equal(registry_count(registry), 1);
    assert_null(registry_refused(registry, 0));
}

static void directory_added_first_wins(void **state)
{
    (void)state;
    assert_int_equal(mkdir(in_dir("one"), 0755), 0);
    assert_int_equal(mkdir(in_dir("two"), 0755), 0);
    store_as(in_dir("one"), "a.so", "a", "1.0");
    store_as(in_dir("two"), "a.so", "a", "2.0");
    store_as(in_dir("two"), "b.so", "b", "2.0");
    add(in_dir("one"));
    add(in_dir("two"));
    assert_int_equal(registry_count(registry), 2);
    assert_string_equal(registry_find(registry, "a")->version, "1.0");
    assert_string_equal(registry_find(registry, "b")->version, "2.0");
}

/* What registry_class says on standard error for the plugin "small". */
static void load_and_hear(char *heard, size_t size)
{
    struct err err = {{0}};
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);
    assert_non_null(file);
    assert_true(saved >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
    const struct bp_class *class_ = registry_class(registry, "small", &err);
    (void)dup2(saved, STDERR_FILENO);
    (void)close(saved);
    assert_non_null(class_);
    rewind(file);
    heard[fread(heard, 1, size - 1, file)] = '\0';
    (void)fclose(file);
}

static void who_put_a_plugin_first_that_is_refused_is_told_which_one_runs(void **state)
{
    (void)state;
    char heard[600], wanted[600];
    assert_int_equal(mkdir(in_dir("one"), 0755), 0);
    assert_int_equal(mkdir(in_dir("two"), 0755), 0);
    file_store(in_dir("one"), "small.so", "text", 4);
    file_store(in_dir("two"), "small.so", small.bytes, small.size);
    add(in_dir("one"));
    add(in_dir("two"));
    (void)snprintf(wanted, sizeof(wanted), "backplane: warn: plugins: %s; %s is used instead\n",
                   registry_refused(registry, 0), in_dir("two/small.so"));
    load_and_hear(heard, sizeof(heard));
    assert_string_equal(heard, wanted);
    load_and_hear(heard, sizeof(heard)); /* once */
    assert_string_equal(heard, "");
}

static void a_refused_file_behind_the_one_that_runs_is_not_worth_a_word(void **state)
{
    (void)state;
    char heard[600];
    assert_int_equal(mkdir(in_dir("one"), 0755), 0);
    assert_int_equal(mkdir(in_dir("two"), 0755), 0);
    file_store(in_dir("one"), "small.so", small.bytes, small.size);
    file_store(in_dir("two"), "small.so", "text", 4);
    add(in_dir("one"));
    add(in_dir("two"));
    load_and_hear(heard, sizeof(heard));
    assert_string_equal(heard, "");
}

static void hundred_plugins_are_all_found(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        char file[32], id[32];
        (void)snprintf(file, sizeof(file), "%u.so", i);
        (void)snprintf(id, sizeof(id), "p%02u", i * 37 % 100);
        store_as(dir, file, id, "1.0");
    }
    add(dir);
    assert_int_equal(registry_count(registry), 100);
    for (unsigned i = 0; i < 100; i++) {
        char id[32];
        (void)snprintf(id, sizeof(id), "p%02u", i);
        assert_string_equal(registry_at(registry, i)->id, id);
        assert_non_null(registry_find(registry, id));
    }
}

/* --- Directories that cannot be used ---------------------------------------------------------- */

static void missing_directory_is_an_error_only_if_it_was_named(void **state)
{
    (void)state;
    struct err err = {{0}};
    assert_int_equal(registry_add_directory(registry, "/nonexistent/x", false, &err), BP_OK);
    assert_int_equal(registry_add_directory(registry, "/nonexistent/x", true, &err),
                     BP_ERR_NOT_FOUND);
    assert_string_equal(err.text, "plugin directory /nonexistent/x: No such file or directory; "
                                  "name the directory that holds the .so files");
}

static void file_is_no_directory(void **state)
{
    (void)state;
    struct err err;
    char wanted[256];
    store_as(dir, "a.so", "a", "1.0");
    assert_int_equal(registry_add_directory(registry, in_dir("a.so"), true, &err), BP_ERR_INVALID);
    (void)snprintf(wanted, sizeof(wanted),
                   "plugin directory %s: not a directory; name the one that holds the .so files",
                   in_dir("a.so"));
    assert_string_equal(err.text, wanted);
}

static void directory_that_others_may_write_to_is_refused(void **state)
{
    (void)state;
    static const mode_t modes[] = {0775, 0757, 01777};
    struct err err;
    char wanted[256];
    (void)snprintf(wanted, sizeof(wanted),
                   "plugin directory: %s: others may write to it; run: chmod go-w %s", dir, dir);
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        assert_int_equal(chmod(dir, modes[i]), 0);
        assert_int_equal(registry_add_directory(registry, dir, true, &err), BP_ERR_PERMISSION);
        assert_string_equal(err.text, wanted);
    }
    assert_int_equal(chmod(dir, 0755), 0);
}

/* --- Files that are refused ------------------------------------------------------------------- */

static void expect_refused(const char *sentence)
{
    add(dir);
    assert_int_equal(registry_count(registry), 0);
    assert_string_equal(registry_refused(registry, 0), sentence);
    assert_null(registry_refused(registry, 1));
}

static void file_that_others_may_write_to_is_refused(void **state)
{
    (void)state;
    char wanted[256];
    store_as(dir, "a.so", "a", "1.0");
    assert_int_equal(chmod(in_dir("a.so"), 0664), 0);
    (void)snprintf(wanted, sizeof(wanted), "%s: others may write to it; run: chmod go-w %s",
                   in_dir("a.so"), in_dir("a.so"));
    expect_refused(wanted);
}

static void directory_below_one_that_everybody_may_rename_in_is_refused(void **state)
{
    (void)state;
    struct err err;
    char wanted[512];
    assert_int_equal(mkdir(in_dir("open"), 0755), 0);
    assert_int_equal(mkdir(in_dir("open/deep"), 0755), 0);
    assert_int_equal(mkdir(in_dir("open/deep/plugins"), 0755), 0);
    assert_int_equal(chmod(in_dir("open"), 0777), 0);
    const char *path = in_dir("open/deep/plugins");
    (void)snprintf(wanted, sizeof(wanted),
                   "plugin directory: %s: everybody may rename what is in %s, above it; run: chmod "
                   "o-w %s",
                   path, in_dir("open"), in_dir("open"));
    path = in_dir("open/deep/plugins");
    assert_int_equal(registry_add_directory(registry, path, true, &err), BP_ERR_PERMISSION);
    assert_string_equal(err.text, wanted);
    /* With the sticky bit everybody may only rename what is his; a group was given its right. */
    assert_int_equal(chmod(in_dir("open"), 01777), 0);
    add(in_dir("open/deep/plugins"));
    assert_int_equal(chmod(in_dir("open"), 0775), 0);
    add(in_dir("open/deep/plugins"));
}

/* --- Links ------------------------------------------------------------------------------------ */

static void link_within_the_directory_is_followed(void **state)
{
    (void)state;
    store_as(dir, "a-1.0.so.real", "a", "1.0");
    assert_int_equal(symlink("a-1.0.so.real", in_dir("a.so")), 0);
    add(dir);
    assert_null(registry_refused(registry, 0));
    assert_string_equal(registry_find(registry, "a")->path, in_dir("a.so"));
}

/* As alternatives and stow make them: over several steps to a place that is as good as this one. */
static void link_to_another_safe_place_is_followed(void **state)
{
    (void)state;
    assert_int_equal(mkdir(in_dir("plugins"), 0755), 0);
    assert_int_equal(mkdir(in_dir("store"), 0755), 0);
    assert_int_equal(mkdir(in_dir("alternatives"), 0755), 0);
    store_as(in_dir("store"), "small-2", "small", "1.5");
    assert_int_equal(symlink("../store/../store/./small-2", in_dir("alternatives/small")), 0);
    assert_int_equal(symlink(in_dir("alternatives/small"), in_dir("plugins/small.so")), 0);
    add(in_dir("plugins"));
    assert_null(registry_refused(registry, 0));
    struct err err = {{0}};
    assert_non_null(registry_class(registry, "small", &err));
    assert_string_equal(err.text, "");
}

static void link_to_where_others_may_write_is_refused(void **state)
{
    (void)state;
    char wanted[600];
    assert_int_equal(mkdir(in_dir("plugins"), 0755), 0);
    assert_int_equal(mkdir(in_dir("open"), 0755), 0);
    store_as(in_dir("open"), "a", "a", "1.0");
    assert_int_equal(symlink("../open/a", in_dir("plugins/a.so")), 0);
    assert_int_equal(chmod(in_dir("open"), 01777), 0);
    (void)snprintf(wanted, sizeof(wanted),
                   "%s/plugins/a.so: a link to %s/open/a, which others could replace: %s/open: "
                   "others may write to it; run: chmod go-w %s/open; or put a copy of the file in "
                   "the link's place",
                   dir, dir, dir, dir);
    add(in_dir("plugins"));
    assert_int_equal(registry_count(registry), 0);
    assert_string_equal(registry_refused(registry, 0), wanted);
}

static void link_to_a_file_that_others_may_write_to_is_refused(void **state)
{
    (void)state;
    char wanted[256];
    assert_int_equal(mkdir(in_dir("plugins"), 0755), 0);
    store_as(dir, "a", "a", "1.0");
    assert_int_equal(chmod(in_dir("a"), 0666), 0);
    assert_int_equal(symlink("../a", in_dir("plugins/a.so")), 0);
    add(in_dir("plugins"));
    (void)snprintf(wanted, sizeof(wanted),
                   "%s/plugins/a.so: others may write to it; run: chmod go-w %s/plugins/a.so", dir,
                   dir);
    assert_string_equal(registry_refused(registry, 0), wanted);
}

static void link_of_another_user_is_refused(void **state)
{
    (void)state;
    char wanted[600];
    assert_int_equal(mkdir(in_dir("plugins"), 0755), 0);
    store_as(dir, "a", "a", "1.0");
    assert_int_equal(symlink("a", in_dir("theirs")), 0);
    assert_int_equal(symlink("../theirs", in_dir("plugins/a.so")), 0);
    if (lchown(in_dir("theirs"), 12345, 12345) != 0) {
        printf("only root can give a link away\n");
        skip();
    }
    add(in_dir("plugins"));
    (void)snprintf(wanted, sizeof(wanted),
                   "%s/plugins/a.so: the link %s/theirs belongs to user 12345, who can turn it "
                   "elsewhere; make it your own, or name where it leads",
                   dir, dir);
    assert_string_equal(registry_refused(registry, 0), wanted);
}

static void links_that_never_end_are_refused(void **state)
{
    (void)state;
    char wanted[256];
    assert_int_equal(symlink("b.so", in_dir("a.so")), 0);
    assert_int_equal(symlink("a.so", in_dir("b.so")), 0);
    add(dir);
    (void)snprintf(wanted, sizeof(wanted), "%s: Too many levels of symbolic links", in_dir("a.so"));
    assert_string_equal(registry_refused(registry, 0), wanted);
    assert_non_null(registry_refused(registry, 1));
}

static void directory_may_be_a_link_and_have_any_spelling(void **state)
{
    (void)state;
    char spelled[256];
    assert_int_equal(mkdir(in_dir("real"), 0755), 0);
    store_as(in_dir("real"), "a.so", "a", "1.0");
    assert_int_equal(symlink("real", in_dir("link")), 0);
    (void)snprintf(spelled, sizeof(spelled), "%s//./real/../link/", dir);
    add(spelled);
    assert_int_equal(registry_count(registry), 1);
}

/* --- Files of no use -------------------------------------------------------------------------- */

static void what_is_no_file_is_refused_and_does_not_block(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(in_dir("a.so"), 0600), 0);
    assert_int_equal(mkdir(in_dir("b.so"), 0755), 0);
    add(dir);
    char wanted[256];
    (void)snprintf(wanted, sizeof(wanted), "%s: not a regular file, so not a plugin",
                   in_dir("a.so"));
    assert_string_equal(registry_refused(registry, 0), wanted);
    (void)snprintf(wanted, sizeof(wanted), "%s: not a regular file, so not a plugin",
                   in_dir("b.so"));
    assert_string_equal(registry_refused(registry, 1), wanted);
}

static void file_that_is_longer_than_any_memory_is_no_effort(void **state)
{
    (void)state;
    store_as(dir, "a.so", "a", "1.0");
    if (truncate(in_dir("a.so"), (off_t)1 << 40) != 0) {
        printf("this file system has no files of 1 TiB\n");
        skip();
    }
    file_store(dir, "b.so", "", 0);
    assert_int_equal(truncate(in_dir("b.so"), (off_t)1 << 40), 0);
    add(dir);
    assert_string_equal(registry_find(registry, "a")->version, "1.0");
    assert_non_null(strstr(registry_refused(registry, 0), "b.so: not an ELF file"));
}

/* --- Two files of one id ---------------------------------------------------------------------- */

static void file_behind_another_of_its_id_is_told(void **state)
{
    (void)state;
    char wanted[512];
    assert_int_equal(mkdir(in_dir("one"), 0755), 0);
    assert_int_equal(mkdir(in_dir("two"), 0755), 0);
    store_as(in_dir("one"), "a.so", "a", "1.0");
    store_as(in_dir("two"), "innocent.so", "a", "6.6");
    add(in_dir("one"));
    add(in_dir("two"));
    assert_string_equal(registry_find(registry, "a")->version, "1.0");
    (void)snprintf(wanted, sizeof(wanted),
                   "%s/two/innocent.so: says that it is a 6.6 too; %s/one/a.so comes first", dir,
                   dir);
    assert_string_equal(registry_hidden(registry, 0), wanted);
    assert_null(registry_hidden(registry, 1));
}

static void directory_that_is_named_twice_hides_nothing(void **state)
{
    (void)state;
    char again[128];
    store_as(dir, "a.so", "a", "1.0");
    (void)snprintf(again, sizeof(again), "%s/.", dir);
    add(dir);
    add(again);
    assert_null(registry_hidden(registry, 0));
    assert_string_equal(registry_find(registry, "a")->path, in_dir("a.so"));
}

static void in_one_directory_the_file_that_is_called_like_its_id_is_used(void **state)
{
    (void)state;
    char heard[1000], wanted[1000];
    file_store(dir, "another.so", small.bytes, small.size);
    store_as(dir, "small.so", "small", "1.5");
    store_as(dir, "yet-another.so", "small", "9.9");
    add(dir);
    assert_string_equal(registry_find(registry, "small")->path, in_dir("small.so"));
    load_and_hear(heard, sizeof(heard));
    (void)snprintf(wanted, sizeof(wanted),
                   "backplane: warn: plugins: %s/another.so: says that it is small 1.5 too; "
                   "%s/small.so comes first: remove one of them\n"
                   "backplane: warn: plugins: %s/yet-another.so: says that it is small 9.9 too; "
                   "%s/small.so comes first: remove one of them\n",
                   dir, dir, dir, dir);
    assert_string_equal(heard, wanted);
}

/* --- A file that changes ---------------------------------------------------------------------- */

static void expect_changed(void)
{
    struct err err;
    char wanted[256];
    assert_null(registry_class(registry, "small", &err));
    (void)snprintf(wanted, sizeof(wanted),
                   "%s: was changed or replaced while it was being loaded; start again",
                   in_dir("small.so"));
    assert_string_equal(err.text, wanted);
}

static void file_that_was_replaced_after_its_note_was_read_is_not_loaded(void **state)
{
    (void)state;
    store_as(dir, "small.so", "small", "1.5");
    store_as(dir, "new", "small", "1.5");
    add(dir);
    assert_int_equal(rename(in_dir("new"), in_dir("small.so")), 0);
    expect_changed();
}

static void file_that_was_written_to_after_its_note_was_read_is_not_loaded(void **state)
{
    (void)state;
    store_as(dir, "small.so", "small", "1.5");
    const struct timespec past[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    assert_int_equal(utimensat(AT_FDCWD, in_dir("small.so"), past, 0), 0);
    add(dir);
    store_as(dir, "small.so", "small", "1.5");
    expect_changed();
}

static void file_that_is_gone_after_its_note_was_read_is_not_loaded(void **state)
{
    (void)state;
    store_as(dir, "small.so", "small", "1.5");
    add(dir);
    assert_int_equal(unlink(in_dir("small.so")), 0);
    expect_changed();
}

static void file_of_another_user_is_refused(void **state)
{
    (void)state;
    char wanted[256];
    store_as(dir, "a.so", "a", "1.0");
    if (chown(in_dir("a.so"), 12345, 12345) != 0) {
        printf("only root can give a file away\n");
        skip();
    }
    (void)snprintf(wanted, sizeof(wanted),
                   "%s: belongs to user 12345; it must be owned by root or by you (chown it)",
                   in_dir("a.so"));
    expect_refused(wanted);
}

static void directory_of_another_user_is_refused(void **state)
{
    (void)state;
    struct err err;
    char wanted[256];
    if (chown(dir, 12345, 12345) != 0) {
        printf("only root can give a directory away\n");
        skip();
    }
    assert_int_equal(registry_add_directory(registry, dir, true, &err), BP_ERR_PERMISSION);
    (void)snprintf(
        wanted, sizeof(wanted),
        "plugin directory: %s: belongs to user 12345; it must be owned by root or by you "
        "(chown it)",
        dir);
    assert_string_equal(err.text, wanted);
}

static void dangling_link_is_refused(void **state)
{
    (void)state;
    char wanted[256];
    assert_int_equal(symlink("/nonexistent/a.so", in_dir("a.so")), 0);
    (void)snprintf(wanted, sizeof(wanted), "%s: No such file or directory", in_dir("a.so"));
    expect_refused(wanted);
}

static void file_that_is_no_plugin_is_remembered_and_the_others_are_used(void **state)
{
    (void)state;
    char wanted[256];
    store_as(dir, "a.so", "a", "1.0");
    file_store(dir, "bad.so", "not ELF at all", 14);
    add(dir);
    assert_int_equal(registry_count(registry), 1);
    (void)snprintf(wanted, sizeof(wanted), "%s: not an ELF file, so not a plugin",
                   in_dir("bad.so"));
    assert_string_equal(registry_refused(registry, 0), wanted);
}

/* --- Classes ---------------------------------------------------------------------------------- */

static void class_is_loaded_once(void **state)
{
    (void)state;
    struct err err = {{0}};
    store_as(dir, "small.so", "small", "1.5");
    add(dir);
    const struct bp_class *c = registry_class(registry, "small", &err);
    assert_string_equal(err.text, "");
    assert_non_null(c);
    assert_string_equal(c->summary, "a plugin for tests");
    assert_ptr_equal(registry_class(registry, "small", &err), c);
}

static void expect_no_class(const char *id, const char *sentence)
{
    struct err err;
    assert_null(registry_class(registry, id, &err));
    assert_string_equal(err.text, sentence);
}

static void unknown_id_gets_the_nearest_one(void **state)
{
    (void)state;
    store_as(dir, "a.so", "uart16550", "1.0");
    add(dir);
    expect_no_class("uart16650", "there is no plugin \"uart16650\"; did you mean \"uart16550\"?");
    expect_no_class("framebuffer", "there is no plugin \"framebuffer\"; `backplane plugin list` "
                                   "shows those there are");
}

static void refused_file_is_explained_when_its_name_is_asked_for(void **state)
{
    (void)state;
    char wanted[256];
    file_store(dir, "org.example.sensor.so", "text", 4);
    add(dir);
    (void)snprintf(wanted, sizeof(wanted),
                   "plugin org.example.sensor: %s: not an ELF file, so not a plugin",
                   in_dir("org.example.sensor.so"));
    expect_no_class("org.example.sensor", wanted);
}

static void plugin_of_another_abi_is_listed_and_refused_by_name(void **state)
{
    (void)state;
    char wanted[512];
    struct file_bytes copy = {.bytes = malloc(small.size), .size = small.size};
    memcpy(copy.bytes, small.bytes, small.size);
    file_note(&copy)->abi_minor = BP_ABI_MINOR + 1;
    file_store(dir, "small.so", copy.bytes, copy.size);
    free(copy.bytes);
    add(dir);
    assert_int_equal(registry_count(registry), 1);
    (void)snprintf(
        wanted, sizeof(wanted),
        "%s: made for plugin ABI %u.%u, this backplane has %u.%u (before 1.0 they must be "
        "equal): update backplane, or build the plugin with this version's headers",
        in_dir("small.so"), BP_ABI_MAJOR, BP_ABI_MINOR + 1, BP_ABI_MAJOR, BP_ABI_MINOR);
    expect_no_class("small", wanted);
}

/* --- Where is looked -------------------------------------------------------------------------- */

static void named_directories_come_before_the_search_path(void **state)
{
    (void)state;
    struct err err = {{0}};
    char search[512];
    assert_int_equal(mkdir(in_dir("named"), 0755), 0);
    assert_int_equal(mkdir(in_dir("first"), 0755), 0);
    assert_int_equal(mkdir(in_dir("second"), 0755), 0);
    store_as(in_dir("named"), "a.so", "a", "1.0");
    store_as(in_dir("first"), "a.so", "a", "2.0");
    store_as(in_dir("first"), "b.so", "b", "2.0");
    store_as(in_dir("second"), "b.so", "b", "3.0");
    store_as(in_dir("second"), "c.so", "c", "3.0");
    (void)snprintf(search, sizeof(search), "%s::%s:", in_dir("first"), in_dir("second"));
    setenv("BACKPLANE_PLUGIN_PATH", search, 1);
    const char *named = in_dir("named");
    assert_int_equal(registry_add_defaults(registry, &named, 1, &err), BP_OK);
    assert_string_equal(registry_find(registry, "a")->version, "1.0");
    assert_string_equal(registry_find(registry, "b")->version, "2.0");
    assert_string_equal(registry_find(registry, "c")->version, "3.0");
}

static void missing_directory_of_the_search_path_is_an_error(void **state)
{
    (void)state;
    struct err err;
    setenv("BACKPLANE_PLUGIN_PATH", "/nonexistent/y", 1);
    assert_int_equal(registry_add_defaults(registry, NULL, 0, &err), BP_ERR_NOT_FOUND);
    assert_string_equal(err.text, "plugin directory /nonexistent/y: No such file or directory; "
                                  "name the directory that holds the .so files");
}

static void empty_registry_can_be_destroyed(void **state)
{
    (void)state;
    registry_destroy(NULL);
    registry_destroy(registry_create());
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(plugins_are_sorted_by_id_whatever_their_files_are_called),
        TEST(only_shared_objects_are_looked_at),
        TEST(directory_added_first_wins),
        TEST(who_put_a_plugin_first_that_is_refused_is_told_which_one_runs),
        TEST(a_refused_file_behind_the_one_that_runs_is_not_worth_a_word),
        TEST(hundred_plugins_are_all_found),
        TEST(missing_directory_is_an_error_only_if_it_was_named),
        TEST(file_is_no_directory),
        TEST(directory_that_others_may_write_to_is_refused),
        TEST(file_that_others_may_write_to_is_refused),
        TEST(directory_below_one_that_everybody_may_rename_in_is_refused),
        TEST(link_within_the_directory_is_followed),
        TEST(link_to_another_safe_place_is_followed),
        TEST(link_to_where_others_may_write_is_refused),
        TEST(link_to_a_file_that_others_may_write_to_is_refused),
        TEST(link_of_another_user_is_refused),
        TEST(links_that_never_end_are_refused),
        TEST(directory_may_be_a_link_and_have_any_spelling),
        TEST(what_is_no_file_is_refused_and_does_not_block),
        TEST(file_that_is_longer_than_any_memory_is_no_effort),
        TEST(file_behind_another_of_its_id_is_told),
        TEST(directory_that_is_named_twice_hides_nothing),
        TEST(in_one_directory_the_file_that_is_called_like_its_id_is_used),
        TEST(file_that_was_replaced_after_its_note_was_read_is_not_loaded),
        TEST(file_that_was_written_to_after_its_note_was_read_is_not_loaded),
        TEST(file_that_is_gone_after_its_note_was_read_is_not_loaded),
        TEST(file_of_another_user_is_refused),
        TEST(directory_of_another_user_is_refused),
        TEST(dangling_link_is_refused),
        TEST(file_that_is_no_plugin_is_remembered_and_the_others_are_used),
        TEST(class_is_loaded_once),
        TEST(unknown_id_gets_the_nearest_one),
        TEST(refused_file_is_explained_when_its_name_is_asked_for),
        TEST(plugin_of_another_abi_is_listed_and_refused_by_name),
        TEST(named_directories_come_before_the_search_path),
        TEST(missing_directory_of_the_search_path_is_an_error),
        TEST(empty_registry_can_be_destroyed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
