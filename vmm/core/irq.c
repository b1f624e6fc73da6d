/* Allocation of interrupt line numbers: see irq.h. */
#include "core/irq.h"

#include <backplane/abi.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct irq_lines {
    uint32_t first;
    uint32_t count;
    uint32_t next; /* index: all between where allocation began and here are taken */
    bool wrapped;  /* it has begun again at the first line */
    char **owners; /* by index from `first`; NULL: free */
};

int32_t irq_lines_create(uint32_t first, uint32_t count, struct irq_lines **out, struct err *err)
{
    *out = NULL;
    if (count == 0)
        return err_set(err, BP_ERR_RANGE, "the interrupt controller has no lines");
    if (count > IRQ_LINES_MAX || first > UINT32_MAX - (count - 1))
        return err_set(err, BP_ERR_RANGE,
                       "the interrupt controller claims %u lines from %u: at most %u are possible",
                       count, first, IRQ_LINES_MAX);
    struct irq_lines *lines = calloc(1, sizeof(*lines));
    char **owners = calloc(count, sizeof(*owners));
    if (lines == NULL || owners == NULL) {
        free(lines);
        free(owners);
        return err_set(err, BP_ERR_NO_MEMORY, "the host is out of memory");
    }
    *lines = (struct irq_lines){.first = first, .count = count, .owners = owners};
    *out = lines;
    return BP_OK;
}

void irq_lines_destroy(struct irq_lines *lines)
{
    if (lines == NULL)
        return;
    for (uint32_t i = 0; i < lines->count; i++)
        free(lines->owners[i]);
    free(lines->owners);
    free(lines);
}

static int32_t take(struct irq_lines *lines, const char *owner, uint32_t index, struct err *err)
{
    lines->owners[index] = strdup(owner);
    if (lines->owners[index] == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, "the host is out of memory");
    return BP_OK;
}

static uint32_t last_number(const struct irq_lines *lines)
{
    return lines->first + (lines->count - 1);
}

int32_t irq_lines_pin(struct irq_lines *lines, const char *owner, uint32_t number, struct err *err)
{
    if (number < lines->first || number - lines->first >= lines->count)
        return err_set(err, BP_ERR_RANGE, "this machine has lines %u-%u", lines->first,
                       last_number(lines));
    const char *other = irq_lines_owner(lines, number);
    if (other != NULL)
        return err_set(err, BP_ERR_EXISTS, "line %u belongs to %s: lines are not shared", number,
                       other);
    return take(lines, owner, number - lines->first, err);
}

void irq_lines_begin_at(struct irq_lines *lines, uint32_t number)
{
    if (number >= lines->first && number - lines->first < lines->count)
        lines->next = number - lines->first;
}

static void skip_taken(struct irq_lines *lines)
{
    while (lines->next < lines->count && lines->owners[lines->next] != NULL)
        lines->next++;
}

int32_t irq_lines_allocate(struct irq_lines *lines, const char *owner, uint32_t *number,
                           struct err *err)
{
    skip_taken(lines);
    if (lines->next == lines->count && !lines->wrapped) {
        lines->wrapped = true;
        lines->next = 0;
        skip_taken(lines);
    }
    if (lines->next == lines->count)
        return err_set(err, BP_ERR_NO_SPACE,
                       "no interrupt line is left: this machine has lines %u-%u, all taken",
                       lines->first, last_number(lines));
    *number = lines->first + lines->next;
    return take(lines, owner, lines->next, err);
}

const char *irq_lines_owner(const struct irq_lines *lines, uint32_t number)
{
    if (number < lines->first || number - lines->first >= lines->count)
        return NULL;
    return lines->owners[number - lines->first];
}
