/* One input of a fuzzer: see bench_fuzz.h. */
#include "bench_internal.h"

#include <backplane/bench_fuzz.h>

#include <stdio.h>
#include <stdlib.h>

#define ACTIONS_MAX 1000u
#define SMALL_BYTES (256u << 10) /* to be cleared for each input */

/* The first byte picks the surroundings. */
static struct bench_setup surroundings(uint8_t choice)
{
    struct bench_setup setup = {0};

    setup.doorbells = choice & 1;
    setup.disk_flags = (choice & 2 ? BP_BLOCK_READ_ONLY : 0) | (choice & 4 ? BP_BLOCK_DISCARD : 0);
    setup.cpus = 1 + (choice >> 3 & 3);
    setup.ram_bytes = SMALL_BYTES;
    setup.disk_bytes = SMALL_BYTES;
    return setup;
}

static void play_all(struct bench *b, const uint8_t *data, size_t size)
{
    int is_shown = getenv("BENCH_FUZZ_PRINT") != NULL;
    char text[BENCH_ACTION_TEXT];
    struct bench_action a;

    for (uint32_t i = 0; i < ACTIONS_MAX && bench_action_parse(&data, &size, &a); i++) {
        if (is_shown && bench_action_print(b, &a, text, sizeof(text)))
            fprintf(stderr, "    %s\n", text);
        bench_action_play(b, &a);
    }
}

int bench_fuzz_one(const struct bp_class *class_, const struct bench_setup *setup,
                   const uint8_t *data, size_t size)
{
    struct bench_setup chosen = surroundings(size ? data[0] : 0);
    struct bench *b = bench_create_with(class_, setup ? setup : &chosen);

    if (size)
        play_all(b, data + 1, size - 1);
    if (bench_reload(b))
        bench_die(b, "at the end it refuses its own state: %s", bench_error(b));
    bench_destroy(b);
    return 0;
}
