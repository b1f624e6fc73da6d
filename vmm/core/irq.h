/*
 * Line numbers at the machine's interrupt controller: who has which. One line belongs to one
 * device: sharing, also of level lines, is refused, because edge and level devices would then have
 * to be told apart and every driver would be asked on every interrupt.
 *
 * Pin first, allocate afterwards: allocation takes the lowest number that is free.
 */
#ifndef VMM_CORE_IRQ_H
#define VMM_CORE_IRQ_H

#include <stdint.h>

#include "util/err.h"

/* More lines than any controller has (a PLIC 1023, a GIC 988); bounds what a plugin may claim. */
#define IRQ_LINES_MAX 65536u

struct irq_lines;

/* Lines first .. first + count - 1. BP_ERR_RANGE for none or more than IRQ_LINES_MAX. */
int32_t irq_lines_create(uint32_t first, uint32_t count, struct irq_lines **out, struct err *err);
void irq_lines_destroy(struct irq_lines *lines); /* takes NULL */

/* Gives the line `number` to `owner` ("console.irq", copied). BP_ERR_RANGE: the controller has no
 * such line; BP_ERR_EXISTS: names the other owner. */
int32_t irq_lines_pin(struct irq_lines *lines, const char *owner, uint32_t number, struct err *err);

/* The lowest free number at or above where allocation begins (irq_lines_begin_at), then the lowest
 * of all. BP_ERR_NO_SPACE: all are taken. Constant time on average. */
int32_t irq_lines_allocate(struct irq_lines *lines, const char *owner, uint32_t *number,
                           struct err *err);

/* Allocation begins here instead of at the first line. Before the first allocation. */
void irq_lines_begin_at(struct irq_lines *lines, uint32_t number);

/* The owner of a line; NULL when it is free or does not exist. */
const char *irq_lines_owner(const struct irq_lines *lines, uint32_t number);

#endif
