/* What the files that play, print and make actions share. */
#ifndef SDK_BENCH_ACTIONS_H
#define SDK_BENCH_ACTIONS_H

#include "bench_internal.h"

/* Bytes of a frame, a chain, RAM that are not 0: what a device looks at lies in front. */
#define ACTION_BYTES_MAX 64u

struct action_player {
    struct bench *b;
    char *text; /* NULL: play, otherwise print */
    size_t size;
    size_t used;
    char literal[40 + 4 * ACTION_BYTES_MAX];
};

/* 1 when it is only to be printed, and then this is what. */
int action_says(struct action_player *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* An action's bytes, and how C writes them: the player's until the next call. */
void action_bytes(const struct bench_action *a, uint8_t *bytes, uint32_t size);
const char *action_literal(struct action_player *p, const uint8_t *bytes, uint32_t size);

/* Deterministic random numbers. */
uint64_t action_number(uint64_t *seed);

void action_play_link(struct action_player *p, const struct bench_action *a);
void action_play_room(struct action_player *p, const struct bench_action *a);
void action_play_event(struct action_player *p, const struct bench_action *a);
void action_play_line(struct action_player *p, const struct bench_action *a);
void action_play_service(struct action_player *p, const struct bench_action *a);
void action_play_virtio(struct action_player *p, const struct bench_action *a);
void action_play_chain(struct action_player *p, const struct bench_action *a);

#endif
