#include "diff/shrink.h"

#include <string.h>

static struct program without(const struct program *program, uint32_t first, uint32_t n)
{
    struct program rest = *program;

    memmove(&rest.items[first], &rest.items[first + n],
            (rest.n_items - first - n) * sizeof(rest.items[0]));
    rest.n_items -= n;
    return rest;
}

/* Leaves out chunks of `n` items. True if any could go. */
static bool drop_chunks(struct program *program, uint32_t n, shrink_fails *fails, void *ctx)
{
    bool dropped = false;

    for (uint32_t first = 0; first + n <= program->n_items;) {
        struct program rest = without(program, first, n);
        if (!fails(ctx, &rest)) {
            first += n;
            continue;
        }
        *program = rest;
        dropped = true;
    }
    return dropped;
}

void shrink_program(struct program *program, shrink_fails *fails, void *ctx)
{
    for (uint32_t n = program->n_items / 2; n > 1; n /= 2)
        drop_chunks(program, n, fails, ctx);
    while (drop_chunks(program, 1, fails, ctx))
        continue;
}
