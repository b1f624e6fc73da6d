/*
 * Integer work of four kinds, as small programs do it: a linked list is searched, reversed and
 * sorted; 16-bit matrices are multiplied; text goes through a state machine; all results through a
 * bitwise CRC. The same source runs on the host and in the guest, and the final CRC must agree.
 * Nothing depends on addresses, on the C library or on the width of long.
 */
#include <stdint.h>
#include <stdio.h>

#include "mark.h"

enum { LIST_NODES = 128, MATRIX_SIDE = 12, TEXT_BYTES = 512 };

struct node {
    struct node *next;
    int16_t value;
    uint16_t index;
};

static uint16_t crc_byte(uint16_t crc, uint8_t byte)
{
    crc ^= byte;
    for (int bit = 0; bit < 8; bit++)
        crc = (uint16_t)((crc >> 1) ^ ((crc & 1) ? 0xa001 : 0));
    return crc;
}

static uint16_t crc_u16(uint16_t crc, uint16_t value)
{
    return crc_byte(crc_byte(crc, (uint8_t)value), (uint8_t)(value >> 8));
}

static uint16_t crc_u32(uint16_t crc, uint32_t value)
{
    return crc_u16(crc_u16(crc, (uint16_t)value), (uint16_t)(value >> 16));
}

static uint32_t random_next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* --- lists ---------------------------------------------------------------------------------- */

static struct node *list_make(struct node *nodes, uint32_t seed)
{
    for (int i = 0; i < LIST_NODES; i++) {
        nodes[i].value = (int16_t)random_next(&seed);
        nodes[i].index = (uint16_t)i;
        nodes[i].next = i + 1 < LIST_NODES ? &nodes[i + 1] : NULL;
    }
    return nodes;
}

static struct node *list_reverse(struct node *list)
{
    struct node *done = NULL;
    while (list != NULL) {
        struct node *next = list->next;
        list->next = done;
        done = list;
        list = next;
    }
    return done;
}

static const struct node *list_find(const struct node *list, uint16_t index)
{
    while (list != NULL && list->index != index)
        list = list->next;
    return list;
}

static int by_value(const struct node *a, const struct node *b)
{
    return a->value - b->value;
}

static int by_index(const struct node *a, const struct node *b)
{
    return a->index - b->index;
}

static struct node *list_merge(struct node *a, struct node *b,
                               int (*compare)(const struct node *, const struct node *))
{
    struct node head = {.next = NULL};
    struct node *tail = &head;
    while (a != NULL && b != NULL) {
        struct node **least = compare(a, b) <= 0 ? &a : &b;
        tail->next = *least;
        tail = *least;
        *least = (*least)->next;
    }
    tail->next = a != NULL ? a : b;
    return head.next;
}

static struct node *list_sort(struct node *list, int count,
                              int (*compare)(const struct node *, const struct node *))
{
    if (count <= 1) {
        if (list != NULL)
            list->next = NULL;
        return list;
    }
    struct node *half = list;
    for (int i = 0; i < count / 2; i++)
        half = half->next;
    struct node *right = list_sort(half, count - count / 2, compare);
    return list_merge(list_sort(list, count / 2, compare), right, compare);
}

static uint16_t work_list(uint16_t crc, uint32_t seed)
{
    struct node nodes[LIST_NODES];
    struct node *list = list_make(nodes, seed);
    for (uint16_t i = 0; i < LIST_NODES; i = (uint16_t)(i + 3)) {
        const struct node *found = list_find(list, i);
        crc = crc_u16(crc, found == NULL ? 0xffff : (uint16_t)found->value);
        list = list_reverse(list);
    }
    list = list_sort(list, LIST_NODES, by_value);
    crc = crc_u16(crc, list->index);
    list = list_sort(list, LIST_NODES, by_index);
    return crc_u16(crc, (uint16_t)list->value);
}

/* --- matrices ------------------------------------------------------------------------------- */

static uint16_t work_matrix(uint16_t crc, uint32_t seed)
{
    int16_t a[MATRIX_SIDE][MATRIX_SIDE];
    int16_t b[MATRIX_SIDE][MATRIX_SIDE];
    for (int row = 0; row < MATRIX_SIDE; row++)
        for (int column = 0; column < MATRIX_SIDE; column++) {
            a[row][column] = (int16_t)(random_next(&seed) & 0x3ff);
            b[row][column] = (int16_t)(a[row][column] ^ (row * 7 + column));
        }
    for (int row = 0; row < MATRIX_SIDE; row++)
        for (int column = 0; column < MATRIX_SIDE; column++) {
            int32_t sum = 0;
            for (int i = 0; i < MATRIX_SIDE; i++)
                sum += (int32_t)a[row][i] * b[i][column];
            crc = crc_u32(crc, (uint32_t)sum >> (row & 3));
        }
    return crc;
}

/* --- a state machine over numbers in text ---------------------------------------------------- */

enum state { START, SIGN, DIGITS, POINT, FRACTION, EXPONENT, WRONG, STATES };

static enum state step(enum state state, uint8_t c)
{
    int digit = c >= '0' && c <= '9';
    switch (state) {
    case START:
        return c == '-' || c == '+' ? SIGN : digit ? DIGITS : c == '.' ? POINT : WRONG;
    case SIGN:
        return digit ? DIGITS : c == '.' ? POINT : WRONG;
    case DIGITS:
        return digit ? DIGITS : c == '.' ? POINT : c == 'e' ? EXPONENT : WRONG;
    case POINT:
    case FRACTION:
        return digit ? FRACTION : c == 'e' ? EXPONENT : WRONG;
    case EXPONENT:
        return digit ? EXPONENT : WRONG;
    case WRONG:
    case STATES:
        break;
    }
    return WRONG;
}

static uint16_t work_state(uint16_t crc, uint32_t seed)
{
    static const uint8_t letters[16] = "0123456789+-.e, ";
    uint8_t text[TEXT_BYTES];
    uint32_t ends[STATES] = {0};
    for (int i = 0; i < TEXT_BYTES; i++)
        text[i] = letters[random_next(&seed) & 15];
    enum state state = START;
    for (int i = 0; i < TEXT_BYTES; i++) {
        if (text[i] != ',' && text[i] != ' ') {
            state = step(state, text[i]);
            continue;
        }
        ends[state]++;
        state = START;
    }
    for (int i = 0; i < STATES; i++)
        crc = crc_u32(crc, ends[i]);
    return crc;
}

int mark_int(uint32_t rounds)
{
    uint16_t crc = 0xffff;
    double begin = mark_seconds();
    for (uint32_t i = 0; i < rounds; i++) {
        crc = work_list(crc, i + 1);
        crc = work_matrix(crc, i + crc);
        crc = work_state(crc, i ^ crc);
    }
    double took = mark_seconds() - begin;
    printf("int: %.3f rounds/s crc %04x\n", rounds / took, crc);
    return 0;
}
