/* Collected errors: see diag.h. */
#include "machine/diag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void diag_init(struct diag *diag)
{
    memset(diag, 0, sizeof(*diag));
}

void diag_fini(struct diag *diag)
{
    for (size_t i = 0; i < diag->n; i++)
        free(diag->entries[i].sentence);
    for (size_t i = 0; i < diag->n_files; i++)
        free(diag->files[i]);
    free(diag->entries);
    free(diag->files);
    diag_init(diag);
}

/* Position from 1; 0 for no file, or when memory is short. */
static size_t file_place(struct diag *diag, const char *file)
{
    if (file == NULL)
        return 0;
    for (size_t i = 0; i < diag->n_files; i++) {
        if (strcmp(diag->files[i], file) == 0)
            return i + 1;
    }
    char *copy = strdup(file);
    char **files = realloc(diag->files, (diag->n_files + 1) * sizeof(*files));
    if (files != NULL)
        diag->files = files;
    if (copy == NULL || files == NULL) {
        free(copy);
        return 0;
    }
    files[diag->n_files++] = copy;
    return diag->n_files;
}

void diag_file(struct diag *diag, const char *file)
{
    (void)file_place(diag, file);
}

void diag_add_v(struct diag *diag, const char *file, uint32_t line, const char *format,
                va_list args)
{
    if (diag->entries == NULL)
        diag->entries = calloc(DIAG_MAX, sizeof(*diag->entries));
    char *sentence = NULL;
    if (diag->entries == NULL || diag->n == DIAG_MAX || vasprintf(&sentence, format, args) < 0) {
        diag->n_left_out++;
        return;
    }
    size_t place = file_place(diag, file);
    diag->entries[diag->n] =
        (struct diag_entry){place == 0 ? NULL : diag->files[place - 1], (uint32_t)place, line,
                            (uint32_t)diag->n, sentence};
    diag->n++;
}

void diag_add(struct diag *diag, const char *file, uint32_t line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    diag_add_v(diag, file, line, format, args);
    va_end(args);
}

size_t diag_count(const struct diag *diag)
{
    return diag->n + diag->n_left_out;
}

static int by_place(const void *a, const void *b)
{
    const struct diag_entry *x = a, *y = b;
    if (x->file_order != y->file_order)
        return x->file_order < y->file_order ? -1 : 1;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

char *diag_text(struct diag *diag)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return NULL;
    if (diag->n > 0)
        qsort(diag->entries, diag->n, sizeof(*diag->entries), by_place);
    for (size_t i = 0; i < diag->n; i++) {
        const struct diag_entry *entry = &diag->entries[i];
        fprintf(out, "%s:", entry->file != NULL ? entry->file : "backplane");
        if (entry->file != NULL && entry->line != 0)
            fprintf(out, "%u:", entry->line);
        fprintf(out, " %s\n", entry->sentence);
    }
    if (diag->n_left_out > 0)
        fprintf(out, "and %zu more errors\n", diag->n_left_out);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
