/*
 * dispatch: what one memory-mapped access costs on the bus, with 5 and with 500 devices on it.
 * Prints "dispatch: N5 N500" in nanoseconds, the best of several rounds each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <backplane/device.h>

#include "core/bus.h"

enum { ACCESSES = 1000000, ROUNDS = 7, PAGE_BYTES = 4096, MAX_DEVICES = 500 };

static const uint64_t first_gpa = 0x10000000;

static uint64_t answer(void *owner, uint32_t region, uint64_t offset, uint32_t width)
{
    (void)region;
    (void)width;
    return *(const uint64_t *)owner + offset;
}

static void take(void *owner, uint32_t region, uint64_t offset, uint32_t width, uint64_t value)
{
    (void)region;
    (void)width;
    *(uint64_t *)owner += offset + value;
}

static void on_stray(void *ctx, uint64_t address, uint32_t width, int is_write,
                     const struct bus_handler *handler)
{
    (void)address;
    (void)width;
    (void)is_write;
    (void)handler;
    ++*(int *)ctx;
}

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Every access goes to another device than the one before, in no order a processor could guess. */
static double measure(uint32_t devices)
{
    static uint64_t owners[MAX_DEVICES];
    struct err err;
    struct bus *bus;
    int strays = 0;
    if (bus_create(&bus, on_stray, &strays, &err) != BP_OK)
        exit(1);
    for (uint32_t i = 0; i < devices; i++) {
        struct bus_handler handler = {.base = first_gpa + (uint64_t)i * PAGE_BYTES,
                                      .size = PAGE_BYTES,
                                      .widths = BP_W32,
                                      .owner = &owners[i],
                                      .read = answer,
                                      .write = take};
        if (bus_add(bus, &handler, &err) != BP_OK)
            exit(1);
    }
    double best = 1e9;
    uint64_t sum = 0;
    uint32_t random = 1;
    for (int round = 0; round < ROUNDS; round++) {
        double begin = now_ns();
        for (int i = 0; i < ACCESSES; i++) {
            random = random * 1664525u + 1013904223u;
            uint64_t gpa = first_gpa + (uint64_t)((random >> 16) % devices) * PAGE_BYTES;
            sum += bus_read(bus, gpa, 4);
            bus_write(bus, gpa + 4, 4, sum & 1);
        }
        double took = (now_ns() - begin) / (2.0 * ACCESSES);
        best = took < best ? took : best;
    }
    bus_destroy(bus);
    if (strays != 0)
        exit(1);
    return best;
}

int main(void)
{
    double few = measure(5);
    double many = measure(MAX_DEVICES);
    printf("dispatch: %.2f %.2f\n", few, many);
    return 0;
}
