/* describe --acpi, --asl, --e820, --smbios: what an x86_64 guest reads about its machine. */
#include <backplane/abi.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/describe.h"
#include "tables/acpi.h"
#include "tables/e820.h"
#include "tables/smbios.h"

extern char **environ;

static int32_t write_table(const char *directory, const char *name, const uint8_t *bytes,
                           size_t size, struct err *err)
{
    char path[4096];
    if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
        return err_set(err, BP_ERR_INVALID, "%.200s...: the name is too long", directory);
    FILE *f = fopen(path, "wb");
    if (f == NULL)
        return err_set(err, BP_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
    errno = 0;
    bool written = fwrite(bytes, 1, size, f) == size && fflush(f) == 0;
    int error = errno;
    if (fclose(f) != 0 && written) {
        written = false;
        error = errno;
    }
    return written ? BP_OK
                   : err_set(err, BP_ERR_IO, "%s: cannot be written: %s", path, strerror(error));
}

static int32_t write_tables(const struct acpi_blob *blob, const char *directory, struct err *err)
{
    struct acpi_table table;
    size_t cursor = 0;
    int32_t status = write_table(directory, "rsdp.bin", blob->rsdp, sizeof(blob->rsdp), err);
    while (status == BP_OK && acpi_blob_next(blob, &cursor, &table)) {
        char name[16];
        (void)snprintf(name, sizeof(name), "%s.aml", table.signature);
        for (char *c = name; *c != '\0'; c++)
            *c = (char)tolower((unsigned char)*c);
        status = write_table(directory, name, table.bytes, table.size, err);
    }
    return status;
}

int32_t describe_acpi(const struct layout *layout, const char *directory, struct err *err)
{
    struct acpi_blob blob;
    int32_t status = acpi_build_described(layout, &blob, err);
    if (status != BP_OK)
        return status;
    if (mkdir(directory, 0777) != 0 && errno != EEXIST)
        status = err_set(err, BP_ERR_IO, "%s: the directory cannot be made: %s", directory,
                         strerror(errno));
    else
        status = write_tables(&blob, directory, err);
    acpi_blob_fini(&blob);
    return status;
}

/* --- ASL -------------------------------------------------------------------------------------- */
static int32_t run_iasl(const char *directory, struct err *err)
{
    char prefix[64];
    char table[64];
    int exited;
    pid_t child;
    posix_spawn_file_actions_t silent;
    (void)snprintf(prefix, sizeof(prefix), "%s/dsdt", directory);
    (void)snprintf(table, sizeof(table), "%s/dsdt.aml", directory);
    char *const argv[] = {"iasl", "-p", prefix, "-d", table, NULL};
    if (posix_spawn_file_actions_init(&silent) != 0)
        return err_set(err, BP_ERR_NO_MEMORY, "ASL: out of memory");
    (void)posix_spawn_file_actions_addopen(&silent, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    (void)posix_spawn_file_actions_addopen(&silent, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    int error = posix_spawnp(&child, "iasl", &silent, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&silent);
    if (error != 0)
        return err_set(err, BP_ERR_NOT_FOUND,
                       "ASL: iasl cannot be run: %s: install the package acpica-tools, or write "
                       "the tables with --acpi DIR",
                       strerror(error));
    while (waitpid(child, &exited, 0) < 0 && errno == EINTR)
        ;
    if (!WIFEXITED(exited) || WEXITSTATUS(exited) != 0)
        return err_set(err, BP_ERR_INVALID, "ASL: iasl does not take the DSDT");
    return BP_OK;
}

/* Without the comment that iasl puts first: it has the time and a temporary file's name in it. */
static int32_t copy_source(const char *directory, FILE *to, struct err *err)
{
    char path[64];
    char *line = NULL;
    size_t room = 0;
    bool begun = false;
    (void)snprintf(path, sizeof(path), "%s/dsdt.dsl", directory);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return err_set(err, BP_ERR_IO, "ASL: %s: cannot be read: %s", path, strerror(errno));
    while (getline(&line, &room, f) >= 0) {
        begun = begun || strncmp(line, "DefinitionBlock", 15) == 0;
        if (begun)
            (void)fputs(line, to);
    }
    free(line);
    (void)fclose(f);
    return begun ? BP_OK : err_set(err, BP_ERR_FORMAT, "ASL: iasl has written no source");
}

static void remove_directory(const char *directory, const struct acpi_blob *blob)
{
    static const char *const others[] = {"rsdp.bin", "dsdt.dsl"};
    struct acpi_table table;
    size_t cursor = 0;
    char path[96];
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", directory, others[i]);
        (void)unlink(path);
    }
    while (acpi_blob_next(blob, &cursor, &table)) {
        (void)snprintf(path, sizeof(path), "%s/%s.aml", directory, table.signature);
        for (char *c = path + strlen(directory); *c != '\0'; c++)
            *c = (char)tolower((unsigned char)*c);
        (void)unlink(path);
    }
    (void)rmdir(directory);
}

int32_t describe_asl(const struct layout *layout, FILE *to, struct err *err)
{
    char directory[] = "/tmp/backplane-asl-XXXXXX";
    struct acpi_blob blob;
    int32_t status = acpi_build_described(layout, &blob, err);
    if (status != BP_OK)
        return status;
    if (mkdtemp(directory) == NULL) {
        status =
            err_set(err, BP_ERR_IO, "ASL: /tmp: no directory can be made: %s", strerror(errno));
    } else {
        status = write_tables(&blob, directory, err);
        if (status == BP_OK)
            status = run_iasl(directory, err);
        if (status == BP_OK)
            status = copy_source(directory, to, err);
        remove_directory(directory, &blob);
    }
    acpi_blob_fini(&blob);
    return status;
}

/* --- E820 ------------------------------------------------------------------------------------- */
int32_t describe_e820(const struct layout *layout, FILE *to, struct err *err)
{
    struct acpi_blob blob;
    struct e820_entry *entries;
    size_t n;
    int32_t status = acpi_build_described(layout, &blob, err);
    if (status != BP_OK)
        return status;
    status = e820_build(layout, &blob, &entries, &n, err);
    acpi_blob_fini(&blob);
    if (status != BP_OK)
        return status;
    e820_print(entries, n, to);
    free(entries);
    return BP_OK;
}

/* --- SMBIOS ----------------------------------------------------------------------------------- */
int32_t describe_smbios(const struct layout *layout, FILE *to, struct err *err)
{
    struct smbios_blob blob;
    if (layout->arch != ARCH_X86_64)
        return err_set(err, BP_ERR_UNSUPPORTED,
                       "SMBIOS tables: none are made for %s machines: they have a device tree "
                       "(--dts)",
                       arch_name(layout->arch));
    smbios_build(layout, 0, &blob);
    (void)fwrite(blob.bytes, 1, blob.size, to);
    return BP_OK;
}
