/* plugins DIR: how long the first 30 plugins of a directory take to be loaded: their classes are
 * asked for as a machine file does. A plugin is loaded once, so a process is one measurement. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "plugin/registry.h"

#define WANTED 30u

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
    struct err err;
    struct registry *registry = registry_create();
    if (argc != 2 || registry == NULL)
        return 2;
    if (registry_add_directory(registry, argv[1], true, &err) != BP_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    size_t n = registry_count(registry) < WANTED ? registry_count(registry) : WANTED;
    double begin = now_ms();
    for (size_t i = 0; i < n; i++)
        if (registry_class(registry, registry_at(registry, i)->id, &err) == NULL) {
            fprintf(stderr, "%s\n", err.text);
            return 1;
        }
    printf("plugins: %zu loaded in %.3f ms\n", n, now_ms() - begin);
    registry_destroy(registry);
    return 0;
}
