/*
 * A bare machine around the software processor: RAM, an exit register, a recording device, a
 * console, a clock that is the host's or stands still. Programs run in M mode unless the test says
 * otherwise; every trap into M mode ends them, and the test reads mcause, mepc and mtval.
 */
#ifndef TESTS_UNIT_RV64_MACHINE_H
#define TESTS_UNIT_RV64_MACHINE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "core/accel.h"
#include "core/reg.h"
#include "unit/rv64_asm.h"

#define RAM_BASE   UINT64_C(0x80000000)
#define RAM_BYTES  UINT64_C(0x2000000)
#define HANDLER    (RAM_BASE + 0x800)
#define CODE       (RAM_BASE + 0x1000)
#define DATA       (RAM_BASE + 0x100000)
#define TABLES     (RAM_BASE + 0x200000)
#define EXIT_GPA   UINT64_C(0x100000)
#define DEVICE_GPA UINT64_C(0x10000000)
#define WATCHDOG_S 120

#define CSR_MSTATUS 0x300
#define CSR_MCAUSE  0x342
#define CSR_MEPC    0x341
#define CSR_MTVAL   0x343
#define CSR_SATP    0x180
#define MODE_U      0
#define MODE_S      1
#define MODE_M      3

struct device_access {
    uint64_t gpa, value;
    uint32_t width;
    int write;
};

struct machine {
    struct accel_vm *vm;
    struct accel_vcpu *cpu[16];
    uint32_t n_cpus;
    uint8_t *ram;
    int stopped; /* atomic */
    enum run_result power;
    uint64_t exit_value;
    uint64_t fixed_ticks; /* atomic; 0: the host's clock, 10 MHz */
    struct device_access log[64];
    uint32_t n_log;
    char console[256];
    size_t n_console;
    const char *input;
    pthread_mutex_t lock;
    struct accel_env env;
};

static inline void machine_stop(struct machine *m)
{
    __atomic_store_n(&m->stopped, 1, __ATOMIC_SEQ_CST);
    for (uint32_t i = 0; i < m->n_cpus; i++)
        accel_rv64.vcpu_kick(m->cpu[i]);
}

static inline void machine_record(struct machine *m, uint64_t gpa, uint32_t width, uint64_t value,
                                  int write)
{
    pthread_mutex_lock(&m->lock);
    if (m->n_log < 64)
        m->log[m->n_log++] =
            (struct device_access){.gpa = gpa, .value = value, .width = width, .write = write};
    pthread_mutex_unlock(&m->lock);
}

/* Every byte of the device reads as the low byte of its address. */
static inline uint64_t machine_read(void *ctx, uint64_t gpa, uint32_t width)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < width; i++)
        value |= ((gpa + i) & 0xff) << (8 * i);
    machine_record(ctx, gpa, width, value, 0);
    return value;
}

static inline void machine_write(void *ctx, uint64_t gpa, uint32_t width, uint64_t value)
{
    struct machine *m = ctx;
    if (gpa != EXIT_GPA) {
        machine_record(m, gpa, width, value, 1);
        return;
    }
    m->exit_value = value;
    machine_stop(m);
}

static inline uint64_t machine_ticks(void *ctx)
{
    struct machine *m = ctx;
    uint64_t fixed = __atomic_load_n(&m->fixed_ticks, __ATOMIC_SEQ_CST);
    struct timespec now;
    if (fixed != 0)
        return fixed;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 10000000u + (uint64_t)now.tv_nsec / 100;
}

static inline size_t machine_console_write(void *ctx, const uint8_t *bytes, size_t n)
{
    struct machine *m = ctx;
    size_t room = sizeof(m->console) - 1 - m->n_console;
    n = n < room ? n : room;
    memcpy(m->console + m->n_console, bytes, n);
    m->n_console += n;
    return n;
}

static inline size_t machine_console_read(void *ctx, uint8_t *bytes, size_t n)
{
    struct machine *m = ctx;
    size_t got = 0;
    while (got < n && m->input != NULL && *m->input != 0)
        bytes[got++] = (uint8_t)*m->input++;
    return got;
}

static inline void machine_power(void *ctx, enum run_result what)
{
    struct machine *m = ctx;
    m->power = what;
    machine_stop(m);
}

static inline void machine_log(void *ctx, uint32_t vcpu, const char *sentence)
{
    (void)ctx;
    (void)vcpu;
    (void)sentence;
}

static inline void put(struct machine *m, uint64_t gpa, const uint32_t *words, size_t n)
{
    memcpy(m->ram + (gpa - RAM_BASE), words, n * sizeof(*words));
}
#define PUT(m, gpa, ...)                                                                           \
    do {                                                                                           \
        const uint32_t words_[] = {__VA_ARGS__};                                                   \
        put(m, gpa, words_, sizeof(words_) / sizeof(words_[0]));                                   \
    } while (0)

static inline void poke64(struct machine *m, uint64_t gpa, uint64_t value)
{
    memcpy(m->ram + (gpa - RAM_BASE), &value, 8);
}

static inline uint64_t peek64(struct machine *m, uint64_t gpa)
{
    uint64_t value;
    memcpy(&value, m->ram + (gpa - RAM_BASE), 8);
    return value;
}

static inline void set_reg(struct machine *m, uint32_t cpu, uint32_t reg, uint64_t value)
{
    assert_int_equal(accel_rv64.set_reg(m->cpu[cpu], reg, value, NULL), 0);
}

static inline uint64_t get_reg(struct machine *m, uint32_t cpu, uint32_t reg)
{
    uint64_t value = 0;
    assert_int_equal(accel_rv64.get_reg(m->cpu[cpu], reg, &value, NULL), 0);
    return value;
}
#define SET_X(m, n, value)     set_reg(m, 0, REG_RISCV64_X(n), value)
#define GET_X(m, n)            get_reg(m, 0, REG_RISCV64_X(n))
#define SET_CSR(m, csr, value) set_reg(m, 0, REG_RISCV64_CSR(csr), value)
#define GET_CSR(m, csr)        get_reg(m, 0, REG_RISCV64_CSR(csr))
#define SET_MODE(m, mode)      set_reg(m, 0, REG_RISCV64_MODE, mode)

static inline struct machine *machine_create(uint32_t n_cpus, bool firmware)
{
    struct machine *m = calloc(1, sizeof(*m));
    assert_non_null(m);
    alarm(WATCHDOG_S); /* a guest that never ends fails the test instead of hanging it */
    pthread_mutex_init(&m->lock, NULL);
    m->n_cpus = n_cpus;
    m->env = (struct accel_env){.ctx = m,
                                .mmio_read = machine_read,
                                .mmio_write = machine_write,
                                .ticks = machine_ticks,
                                .console_write = machine_console_write,
                                .console_read = machine_console_read,
                                .power = machine_power,
                                .guest_log = machine_log};
    struct accel_config config = {.arch = ARCH_RISCV64,
                                  .n_cpus = n_cpus,
                                  .timebase_hz = 10000000,
                                  .firmware = firmware,
                                  .env = &m->env};
    m->ram = mmap(NULL, RAM_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(m->ram, MAP_FAILED);
    assert_int_equal(accel_rv64.vm_create(&config, &m->vm, NULL), 0);
    assert_int_equal(accel_rv64.map_memory(m->vm, RAM_BASE, m->ram, RAM_BYTES, NULL), 0);
    for (uint32_t i = 0; i < n_cpus; i++)
        assert_int_equal(accel_rv64.vcpu_create(m->vm, i, &m->cpu[i], NULL), 0);
    PUT(m, HANDLER, LUI(T6, EXIT_GPA >> 12), SW(X0, T6, 0), J(0));
    for (uint32_t i = 0; i < n_cpus && firmware; i++) {
        set_reg(m, i, REG_RISCV64_CSR(0x305), HANDLER);    /* mtvec */
        set_reg(m, i, REG_RISCV64_CSR(0x3b0), UINT64_MAX); /* pmpaddr0: everything */
        set_reg(m, i, REG_RISCV64_CSR(0x3a0), 0x1f);       /* pmpcfg0: NAPOT RWX */
    }
    return m;
}

static inline void machine_destroy(struct machine *m)
{
    for (uint32_t i = 0; i < m->n_cpus; i++)
        accel_rv64.vcpu_destroy(m->cpu[i]);
    accel_rv64.vm_destroy(m->vm);
    munmap(m->ram, RAM_BYTES);
    pthread_mutex_destroy(&m->lock);
    free(m);
    alarm(0);
}

/* Runs one vCPU until the machine is stopped. */
static inline enum run_result machine_run_cpu(struct machine *m, uint32_t cpu)
{
    enum run_result result = RUN_INTERRUPTED;
    while (__atomic_load_n(&m->stopped, __ATOMIC_SEQ_CST) == 0)
        result = accel_rv64.vcpu_run(m->cpu[cpu], NULL);
    return result;
}

/* Runs cpu 0 from `pc` to the end of the program, and gives mcause. */
static inline uint64_t run_at(struct machine *m, uint64_t pc)
{
    m->stopped = 0;
    SET_CSR(m, CSR_MCAUSE, UINT64_MAX);
    set_reg(m, 0, REG_RISCV64_PC, pc);
    (void)machine_run_cpu(m, 0);
    return GET_CSR(m, CSR_MCAUSE);
}

/* The same, in mode `mode`. */
static inline uint64_t run_in(struct machine *m, uint64_t mode, uint64_t pc)
{
    SET_MODE(m, mode);
    return run_at(m, pc);
}

struct machine_thread {
    struct machine *m;
    uint32_t cpu;
    pthread_t thread;
};

static inline void *machine_thread_main(void *arg)
{
    struct machine_thread *t = arg;
    (void)machine_run_cpu(t->m, t->cpu);
    return NULL;
}

/* Runs all vCPUs, each on a thread of its own, until the machine is stopped. */
static inline void run_all(struct machine *m)
{
    struct machine_thread threads[16];
    m->stopped = 0;
    for (uint32_t i = 0; i < m->n_cpus; i++) {
        threads[i] = (struct machine_thread){.m = m, .cpu = i};
        assert_int_equal(pthread_create(&threads[i].thread, NULL, machine_thread_main, &threads[i]),
                         0);
    }
    for (uint32_t i = 0; i < m->n_cpus; i++)
        pthread_join(threads[i].thread, NULL);
}

static inline int make_m_machine(void **state)
{
    *state = machine_create(1, true);
    return 0;
}

static inline int make_s_machine(void **state)
{
    *state = machine_create(1, false);
    return 0;
}

static inline int end_machine(void **state)
{
    machine_destroy(*state);
    return 0;
}
#define M_TEST(f) cmocka_unit_test_setup_teardown(f, make_m_machine, end_machine)
#define S_TEST(f) cmocka_unit_test_setup_teardown(f, make_s_machine, end_machine)

#endif
