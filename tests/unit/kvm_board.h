/*
 * A machine of a megabyte on accel/kvm for tests of arm64 and riscv64: what the guest does where no
 * memory is, is noted. Guests are assembled into the test program.
 */
#ifndef TESTS_UNIT_KVM_BOARD_H
#define TESTS_UNIT_KVM_BOARD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <backplane/abi.h>

#include "core/accel.h"
#include "core/platform.h"
#include "core/reg.h"

#define BOARD_RAM_GPA   UINT64_C(0x80000000)
#define BOARD_RAM_BYTES 0x100000u
#define BOARD_PORT_GPA  UINT64_C(0x10000000) /* nothing is there: accesses come out */
#define BOARD_CPUS_MAX  4u
#define BOARD_LOG_MAX   64u

struct board {
    struct accel_env env;
    struct platform platform;
    struct accel_vm *vm;
    struct accel_vcpu *vcpus[BOARD_CPUS_MAX];
    uint32_t n_cpus;
    uint8_t *ram;
    pthread_mutex_t lock; /* guards the log */
    uint64_t offsets[BOARD_LOG_MAX], values[BOARD_LOG_MAX];
    uint32_t widths[BOARD_LOG_MAX];
    size_t n_log;
    void (*on_write)(struct board *board, uint64_t offset, uint64_t value);
    enum run_result power;
    char guest_log[256];
    char console[64];
    size_t n_console;
};

static uint64_t board_read(void *ctx, uint64_t gpa, uint32_t width)
{
    (void)ctx;
    return (gpa - BOARD_PORT_GPA) << 8 | width;
}

static void board_write(void *ctx, uint64_t gpa, uint32_t width, uint64_t value)
{
    struct board *board = ctx;
    pthread_mutex_lock(&board->lock);
    if (board->n_log < BOARD_LOG_MAX) {
        board->offsets[board->n_log] = gpa - BOARD_PORT_GPA;
        board->values[board->n_log] = value;
        board->widths[board->n_log++] = width;
    }
    pthread_mutex_unlock(&board->lock);
    if (board->on_write != NULL)
        board->on_write(board, gpa - BOARD_PORT_GPA, value);
}

static uint64_t board_ticks(void *ctx)
{
    (void)ctx;
    return 1234;
}

static void board_power(void *ctx, enum run_result what)
{
    struct board *board = ctx;
    board->power = what;
}

static void board_guest_log(void *ctx, uint32_t vcpu, const char *sentence)
{
    struct board *board = ctx;
    (void)snprintf(board->guest_log, sizeof(board->guest_log), "%u: %s", vcpu, sentence);
}

static size_t board_console_write(void *ctx, const uint8_t *bytes, size_t n)
{
    struct board *board = ctx;
    for (size_t i = 0; i < n && board->n_console + 1 < sizeof(board->console); i++)
        board->console[board->n_console++] = (char)bytes[i];
    return n;
}

static size_t board_console_read(void *ctx, uint8_t *bytes, size_t n)
{
    (void)ctx;
    if (n == 0)
        return 0;
    bytes[0] = 'k';
    return 1;
}

/* Prints the reason where no VM can be made. */
static inline bool board_is_impossible(void)
{
    struct err err = {{0}};
    if (accel_kvm.probe(arch_native(), &err) == BP_OK)
        return false;
    printf("no KVM for tests here: %s\n", err.text);
    return true;
}

static inline void board_expect_ok(int32_t status, const struct err *err)
{
    assert_string_equal(err->text, "");
    assert_int_equal(status, BP_OK);
}

/* Without vCPUs: lines are connected before those. */
static inline void board_make_vm(struct board *board, uint32_t n_cpus, uint32_t gic_version)
{
    struct err err = {{0}};
    memset(board, 0, sizeof(*board));
    pthread_mutex_init(&board->lock, NULL);
    board->env = (struct accel_env){.ctx = board,
                                    .mmio_read = board_read,
                                    .mmio_write = board_write,
                                    .ticks = board_ticks,
                                    .console_write = board_console_write,
                                    .console_read = board_console_read,
                                    .power = board_power,
                                    .guest_log = board_guest_log};
    const struct platform_request request = {
        .arch = arch_native(), .n_cpus = n_cpus, .gic_version = gic_version, .has_its = true};
    platform_make(&request, &board->platform);
    const struct accel_config config = {
        .arch = arch_native(), .n_cpus = n_cpus, .platform = &board->platform, .env = &board->env};
    board->n_cpus = n_cpus;
    board_expect_ok(accel_kvm.vm_create(&config, &board->vm, &err), &err);
    board->ram =
        mmap(NULL, BOARD_RAM_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(board->ram, MAP_FAILED);
    board_expect_ok(
        accel_kvm.map_memory(board->vm, BOARD_RAM_GPA, board->ram, BOARD_RAM_BYTES, &err), &err);
}

static inline void board_make_vcpus(struct board *board)
{
    struct err err = {{0}};
    for (uint32_t i = 0; i < board->n_cpus; i++)
        board_expect_ok(accel_kvm.vcpu_create(board->vm, i, &board->vcpus[i], &err), &err);
}

static inline void board_set(struct board *board, uint32_t index, uint32_t reg, uint64_t value)
{
    struct err err = {{0}};
    board_expect_ok(accel_kvm.set_reg(board->vcpus[index], reg, value, &err), &err);
}

static inline uint64_t board_get(struct board *board, uint32_t index, uint32_t reg)
{
    struct err err = {{0}};
    uint64_t value = 0;
    board_expect_ok(accel_kvm.get_reg(board->vcpus[index], reg, &value, &err), &err);
    return value;
}

/* Power-on, or a reboot, with this code at the beginning of RAM. */
static inline void board_reset(struct board *board, const uint8_t *code, const uint8_t *end)
{
    memset(board->ram, 0, BOARD_RAM_BYTES);
    memcpy(board->ram, code, (size_t)(end - code));
    for (uint32_t i = 0; i < board->n_cpus; i++)
        accel_kvm.vcpu_reset(board->vcpus[i], i == 0 ? ENTRY_BOOT_VCPU : ENTRY_SECONDARY);
    board->n_log = 0;
}

/* Runs a vCPU until something ends it. */
static inline enum run_result board_run(struct board *board, uint32_t index)
{
    struct err err = {{0}};
    enum run_result result = accel_kvm.vcpu_run(board->vcpus[index], &err);
    if (result == RUN_ERROR)
        fail_msg("%s", err.text);
    return result;
}

static inline void board_check(const struct board *board, size_t at, uint64_t offset,
                               uint64_t value)
{
    assert_true(at < board->n_log);
    assert_int_equal(board->offsets[at], offset);
    assert_int_equal(board->values[at], value);
}

/* Whether the guest wrote so there, anywhere in the log. */
static inline bool board_has(const struct board *board, uint64_t offset, uint64_t value)
{
    for (size_t i = 0; i < board->n_log; i++)
        if (board->offsets[i] == offset && board->values[i] == value)
            return true;
    return false;
}

static inline void board_end(struct board *board)
{
    if (board->vm == NULL)
        return; /* the test was skipped */
    for (uint32_t i = 0; i < board->n_cpus; i++)
        accel_kvm.vcpu_destroy(board->vcpus[i]);
    accel_kvm.vm_destroy(board->vm);
    if (board->ram != NULL)
        (void)munmap(board->ram, BOARD_RAM_BYTES);
    pthread_mutex_destroy(&board->lock);
}

/* The guest NAME: code from NAME to NAME_end. */
#define BOARD_GUEST(name, text)                                                                    \
    extern const uint8_t name[], name##_end[];                                                     \
    __asm__(".pushsection .rodata\n.balign 4096\n.globl " #name ", " #name "_end\n" #name          \
            ":\n" text "\n" #name "_end:\n.popsection\n")

#endif
