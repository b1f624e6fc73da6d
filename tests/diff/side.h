/*
 * The two sides that run an image. Each writes its own entry, trap handler and exit into the first
 * page, runs, and gives back the data area.
 */
#ifndef TESTS_DIFF_SIDE_H
#define TESTS_DIFF_SIDE_H

#include <stdbool.h>

#include "diff/image.h"

enum mode {
    MODE_MACHINE, /* machine mode, no paging */
    MODE_USER,    /* user mode, Sv39 */
};

/* The exit lies at this offset on both sides. */
#define SIDE_EXIT 0x800u

/* Our processor. Runs in image->mem, so that the data area there holds the results. False and a
 * sentence on stderr if the run did not come to its end. */
bool cpu_run(struct image *image, enum mode mode, unsigned timeout_s);

/* qemu-user: writes an ELF file under `directory` and copies what comes out to `data`. The image's
 * programs and data stay as they are. */
bool qemu_run(struct image *image, const char *directory, uint8_t *data);

/* The program to run, or NULL if there is none in PATH. QEMU_RISCV64 in the environment names
 * another. */
const char *qemu_program(void);

#endif
