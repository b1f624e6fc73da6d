/*
 * Differential test of the software RISC-V processor: seeded random programs run on it and under
 * qemu-user, and all registers, fcsr and memory must come out the same, byte for byte.
 *
 * Covered: RV64IMAFDC, Zicsr (fcsr), Zifencei, Zba, Zbb, Zbs, illegal encodings; machine mode bare
 * and user mode under Sv39. Not covered: what qemu-user has not (privileged instructions, CSRs,
 * interrupts) and what the ISA leaves open.
 *
 *   rv64_diff [-d DIRECTORY] [-s SEED] [-n INSTRUCTIONS] [-g GROUP]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "diff/gen.h"
#include "diff/image.h"
#include "diff/shrink.h"
#include "diff/side.h"

#define PROGRAMS 40u /* in one image */
#define INPUTS   4u  /* blocks for each */

/* Our processor takes some milliseconds. */
#define MANY_TIMEOUT_S 20
#define ONE_TIMEOUT_S  2

/* A hang shrinks slowly. */
#define SHRINK_S 60

struct options {
    const char *directory;
    const char *group; /* NULL: all */
    uint64_t seed;
    uint64_t instructions;
};

struct counts {
    uint64_t passed, failed, instructions;
};

/* What one program with one input is made of. */
struct sample {
    const struct group *group;
    enum mode mode;
    uint64_t program_seed, input_seed;
};

struct bench {
    const char *directory;
    uint8_t *mem;      /* the image; after cpu_run, our processor's results */
    uint8_t *expected; /* the witness's data area */
};

static const char *mode_name(enum mode mode)
{
    return mode == MODE_MACHINE ? "machine mode" : "user mode with Sv39";
}

static uint64_t get64(const uint8_t *p)
{
    uint64_t value;

    memcpy(&value, p, sizeof(value));
    return value;
}

static bool is_block_equal(const struct bench *bench, uint32_t block)
{
    uint32_t offset = image_block_offset(block) - SCRATCH;

    return memcmp(bench->mem + offset, bench->expected + offset - IMAGE_DATA,
                  SCRATCH + BLOCK_END) == 0;
}

static void print_name(int32_t at)
{
    if (at < SCRATCH)
        printf("scratch %+" PRId32, at);
    else if (at < BLOCK_F)
        printf("x%" PRId32, (at - BLOCK_X) / 8);
    else if (at < BLOCK_FCSR)
        printf("f%" PRId32, (at - BLOCK_F) / 8);
    else
        printf("%s", at == BLOCK_FCSR ? "fcsr" : "hash of trapped addresses");
}

/* Every difference of the block, registers first, up to eight. */
static void print_differences(const struct bench *bench, uint32_t block)
{
    const uint8_t *ours = bench->mem + image_block_offset(block);
    const uint8_t *theirs = bench->expected + image_block_offset(block) - IMAGE_DATA;
    uint32_t n = 0;

    for (int32_t i = 0; i < SCRATCH + BLOCK_END && n < 8; i += 8) {
        int32_t at = i < BLOCK_END - BLOCK_X ? BLOCK_X + i : i - (BLOCK_END - BLOCK_X) - SCRATCH;
        if (get64(ours + at) == get64(theirs + at))
            continue;
        printf("  ");
        print_name(at);
        printf(": ours %016" PRIx64 ", qemu %016" PRIx64 "\n", get64(ours + at),
               get64(theirs + at));
        n++;
    }
}

static bool run_both(struct bench *bench, struct image *image, enum mode mode, unsigned timeout_s)
{
    return qemu_run(image, bench->directory, bench->expected) && cpu_run(image, mode, timeout_s);
}

/* --- one program, one input ------------------------------------------------------------------ */

struct attempt {
    struct bench *bench;
    const struct sample *sample;
    time_t until;
};

static bool build_one(struct bench *bench, const struct sample *sample,
                      const struct program *program, struct image *image, uint32_t *code)
{
    image_begin(image, bench->mem);
    return image_add_program(image, program, code) &&
           image_add_block(image, program, *code, sample->input_seed);
}

static bool fails(void *ctx, const struct program *program)
{
    struct attempt *attempt = ctx;
    struct image image;
    uint32_t code;

    if (time(NULL) > attempt->until)
        return false;
    if (!build_one(attempt->bench, attempt->sample, program, &image, &code))
        return false;
    return !run_both(attempt->bench, &image, attempt->sample->mode, ONE_TIMEOUT_S) ||
           !is_block_equal(attempt->bench, 0);
}

static void print_input(const struct image *image)
{
    const uint8_t *block = image->mem + image_block_offset(0);

    printf("  before it, fcsr %02" PRIx64 "\n", get64(block + BLOCK_FCSR));
    for (uint32_t i = 0; i < 32; i++)
        printf("  x%-2" PRIu32 " %016" PRIx64 "  f%-2" PRIu32 " %016" PRIx64 "%s", i,
               get64(block + BLOCK_X + 8 * i), i, get64(block + BLOCK_F + 8 * i),
               i % 2 ? "\n" : "");
}

/* Shrinks and prints. False if the sample does not fail when it runs alone. */
static bool report(struct bench *bench, const struct sample *sample)
{
    static struct program program;
    struct attempt attempt = {bench, sample, time(NULL) + SHRINK_S};
    struct image image;
    uint32_t code;

    gen_program(&program, sample->group, sample->program_seed);
    if (!fails(&attempt, &program))
        return false;
    printf("  program seed %#" PRIx64 ", input seed %#" PRIx64 "\n", sample->program_seed,
           sample->input_seed);
    shrink_program(&program, fails, &attempt);
    build_one(bench, sample, &program, &image, &code);
    print_input(&image);
    image_list(&program, code);
    if (run_both(bench, &image, sample->mode, ONE_TIMEOUT_S))
        print_differences(bench, 0);
    return true;
}

/* --- many at once ---------------------------------------------------------------------------- */

static uint32_t count_instructions(const struct program *program)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < program->n_items; i++)
        n += program->items[i].n;
    return n;
}

static uint64_t derive(uint64_t seed, uint64_t index)
{
    struct rng rng = rng_from_seed(seed + index * UINT64_C(0x632be59bd9b4e019));

    return rng_next(&rng);
}

/* Fills an image with programs from `seed` on, and records what its blocks are. */
static uint64_t build_many(struct image *image, struct bench *bench, const struct sample *first,
                           struct sample *samples)
{
    static struct program program;
    uint64_t n = 0;
    uint32_t code;

    image_begin(image, bench->mem);
    for (uint32_t i = 0; i < PROGRAMS; i++) {
        struct sample sample = *first;
        sample.program_seed = derive(first->program_seed, i);
        gen_program(&program, first->group, sample.program_seed);
        if (!image_add_program(image, &program, &code))
            break;
        for (uint32_t k = 0; k < INPUTS; k++) {
            sample.input_seed = derive(sample.program_seed, k + 1);
            samples[image->n_blocks] = sample;
            image_add_block(image, &program, code, sample.input_seed);
            n += count_instructions(&program);
        }
    }
    return n;
}

/* False at the first difference, which is reported. */
static bool run_many(struct bench *bench, const struct sample *first, struct counts *counts)
{
    static struct sample samples[PROGRAMS * INPUTS];
    struct image image;

    counts->instructions += build_many(&image, bench, first, samples);
    bool ran = run_both(bench, &image, first->mode, MANY_TIMEOUT_S);
    uint32_t block = 0;
    while (ran && block < image.n_blocks && is_block_equal(bench, block))
        block++;
    if (block == image.n_blocks)
        return true;
    if (ran)
        print_differences(bench, block);
    while (block < image.n_blocks && !report(bench, &samples[block]))
        block++;
    if (block == image.n_blocks)
        printf("  seed %#" PRIx64 ": nothing fails when it runs alone\n", first->program_seed);
    return false;
}

static void run_group(struct bench *bench, const struct group *group, enum mode mode,
                      const struct options *options, struct counts *counts)
{
    struct counts here = {0, 0, 0};
    bool ok = true;

    for (uint64_t i = 0; ok && here.instructions < options->instructions; i++) {
        struct sample first = {group, mode, derive(options->seed, 2 * i + (uint64_t)mode), 0};
        ok = run_many(bench, &first, &here);
    }
    *(ok ? &counts->passed : &counts->failed) += 1;
    counts->instructions += here.instructions;
    printf("[  %s ] %s, %s: %" PRIu64 " instructions\n", ok ? "     OK" : " FAILED", group->name,
           mode_name(mode), here.instructions);
    fflush(stdout);
}

/* The comparison itself: each changed bit of a result is found, in its block alone. */
static void check_comparison(struct bench *bench, const struct options *options,
                             struct counts *counts)
{
    static struct sample samples[PROGRAMS * INPUTS];
    const struct sample first = {&gen_groups[0], MODE_MACHINE, options->seed, 0};
    static const int32_t places[] = {-SCRATCH, SCRATCH - 1, BLOCK_X + 8,
                                     BLOCK_F,  BLOCK_FCSR,  BLOCK_TRAPS};
    struct image image;
    bool ok = true;

    build_many(&image, bench, &first, samples);
    memcpy(bench->expected, bench->mem + IMAGE_DATA, image_data_size(&image));
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        uint32_t block = (uint32_t)i % image.n_blocks;
        uint8_t *byte = bench->mem + image_block_offset(block) + places[i];
        ok = ok && is_block_equal(bench, block);
        *byte ^= 1;
        ok = ok && !is_block_equal(bench, block) && is_block_equal(bench, block + 1);
        *byte ^= 1;
    }
    *(ok ? &counts->passed : &counts->failed) += 1;
    printf("[  %s ] a changed bit is found\n", ok ? "     OK" : " FAILED");
}

static bool parse(int argc, char **argv, struct options *options)
{
    int c;

    while ((c = getopt(argc, argv, "d:s:n:g:")) != -1) {
        if (c == 'd')
            options->directory = optarg;
        else if (c == 'g')
            options->group = optarg;
        else if (c == 's')
            options->seed = strtoull(optarg, NULL, 0);
        else if (c == 'n')
            options->instructions = strtoull(optarg, NULL, 0);
        else
            return false;
    }
    return optind == argc;
}

static uint8_t *reserve(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return p == MAP_FAILED ? NULL : p;
}

static uint32_t count_groups(const struct options *options)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < gen_n_groups; i++)
        n += options->group == NULL || strcmp(options->group, gen_groups[i].name) == 0;
    return n;
}

static int run_all(struct options *options)
{
    struct bench bench = {options->directory, reserve(IMAGE_SIZE), reserve(IMAGE_SIZE)};
    struct counts counts = {0, 0, 0};

    if (bench.mem == NULL || bench.expected == NULL) {
        fprintf(stderr, "rv64_diff: no memory\n");
        return 2;
    }
    printf("seed %#" PRIx64 ", against %s\n", options->seed, qemu_program());
    check_comparison(&bench, options, &counts);
    options->instructions /= 2 * (uint64_t)count_groups(options);
    for (uint32_t i = 0; i < gen_n_groups; i++) {
        if (options->group != NULL && strcmp(options->group, gen_groups[i].name) != 0)
            continue;
        run_group(&bench, &gen_groups[i], MODE_MACHINE, options, &counts);
        run_group(&bench, &gen_groups[i], MODE_USER, options, &counts);
    }
    printf("%" PRIu64 " instructions compared\n", counts.instructions);
    printf("%" PRIu64 " passed, %" PRIu64 " failed, 0 skipped\n", counts.passed, counts.failed);
    munmap(bench.mem, IMAGE_SIZE);
    munmap(bench.expected, IMAGE_SIZE);
    return counts.failed != 0;
}

int main(int argc, char **argv)
{
    struct options options = {"/tmp", NULL, 1, 400000};

    if (!parse(argc, argv, &options) || count_groups(&options) == 0) {
        fprintf(stderr, "usage: %s [-d DIRECTORY] [-s SEED] [-n INSTRUCTIONS] [-g GROUP]\ngroups:",
                argv[0]);
        for (uint32_t i = 0; i < gen_n_groups; i++)
            fprintf(stderr, " %s", gen_groups[i].name);
        fprintf(stderr, "\n");
        return 2;
    }
    if (qemu_program() == NULL) {
        printf("SKIP: qemu-riscv64-static is not installed (package qemu-user-static)\n");
        printf("0 passed, 0 failed, 1 skipped\n");
        return 0;
    }
    return run_all(&options);
}
