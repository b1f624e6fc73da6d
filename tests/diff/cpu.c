/*
 * Our processor runs the image in machine mode, or in user mode under Sv39 with 4 KiB pages. There
 * programs and data lie in memory in reverse, so that what crosses from a page to the next one
 * must be translated twice. The trap handler is in machine mode, and looks at programs and data
 * with their translation (MPRV). The exit is an ECALL; what the handler then stores to an address
 * without memory is the cause.
 */
#include "diff/side.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "backplane/abi.h"
#include "core/accel.h"
#include "core/reg.h"
#include "diff/insn.h"

/* In the first pages: */
#define HANDLER   0x400u
#define SAVED     0xc00u    /* what mscratch points at: x6 to x10 */
#define CONSTANTS 0xc40u    /* satp, pmpaddr0, the first program */
#define REVERSED  0x10000u  /* from here to the tables */
#define TABLES    0x3f0000u /* page tables: root, middle, two leaves, at the end of the image */

#define EXIT_GPA 0x10000000u

#define MSTATUS_MPRV 0x20000u

#define CAUSE_ILLEGAL    2
#define CAUSE_ECALL_USER 8
#define CAUSE_ECALL_M    11

enum csr {
    CSR_SATP = 0x180,
    CSR_MSTATUS = 0x300,
    CSR_MTVEC = 0x305,
    CSR_MSCRATCH = 0x340,
    CSR_MEPC = 0x341,
    CSR_MCAUSE = 0x342,
    CSR_MTVAL = 0x343,
    CSR_PMPCFG0 = 0x3a0,
    CSR_PMPADDR0 = 0x3b0,
};

struct run {
    struct accel_vcpu *vcpu;
    uint64_t cause, pc, value;
    unsigned timeout_s;
    bool done, timed_out;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool finished; /* under lock */
};

static void csr_write(struct writer *w, uint32_t csr, uint32_t rs)
{
    write_insn(w, enc_i(OP_SYSTEM, 1, 0, rs, (int32_t)csr));
}

static void csr_read(struct writer *w, uint32_t rd, uint32_t csr)
{
    write_insn(w, enc_i(OP_SYSTEM, 2, rd, 0, (int32_t)csr));
}

/* FS on, MPP: 3 << 11 or 0. */
static void write_entry(struct image *image, enum mode mode)
{
    struct writer w = {image->mem, 0};
    uint32_t previous = mode == MODE_MACHINE ? 3u << 11 : 0;

    write_li(&w, 5, IMAGE_BASE + HANDLER);
    csr_write(&w, CSR_MTVEC, 5);
    write_li(&w, 5, IMAGE_BASE + SAVED);
    csr_write(&w, CSR_MSCRATCH, 5);
    write_li(&w, 6, IMAGE_BASE + CONSTANTS);
    write_insn(&w, enc_i(OP_LOAD, 3, 5, 6, 8));
    csr_write(&w, CSR_PMPADDR0, 5);
    write_li(&w, 5, 0x1f);
    csr_write(&w, CSR_PMPCFG0, 5);
    write_insn(&w, enc_i(OP_LOAD, 3, 5, 6, 0));
    csr_write(&w, CSR_SATP, 5);
    write_insn(&w, 0x12000073); /* sfence.vma */
    write_insn(&w, enc_i(OP_MISC_MEM, 1, 0, 0, 0));
    write_li(&w, 5, 3u << 13 | previous);
    csr_write(&w, CSR_MSTATUS, 5);
    write_insn(&w, enc_i(OP_LOAD, 3, 6, 6, 16));
    write_li(&w, 5, IMAGE_BASE + image_block_offset(0));
    csr_write(&w, CSR_MEPC, 6);
    write_insn(&w, 0x30200073); /* mret */

    w.at = SIDE_EXIT;
    write_insn(&w, enc_i(OP_SYSTEM, 0, 0, 0, 0));
}

/* mepc in x6; x5 to x10 are saved. */
static void write_handler(struct image *image)
{
    struct writer w = {image->mem, HANDLER};

    write_insn(&w, enc_i(OP_SYSTEM, 1, 5, 5, CSR_MSCRATCH));
    for (uint32_t i = 0; i < 5; i++)
        write_insn(&w, enc_s(OP_STORE, 3, 5, 6 + i, 8 * (int32_t)i));
    csr_read(&w, 7, CSR_MCAUSE);
    write_insn(&w, enc_i(OP_IMM, 0, 8, 0, CAUSE_ILLEGAL));
    csr_read(&w, 6, CSR_MEPC);
    write_insn(&w, enc_b(0, 7, 8, 32)); /* over the exit */
    write_li(&w, 8, EXIT_GPA);
    csr_read(&w, 9, CSR_MTVAL);
    write_insn(&w, enc_s(OP_STORE, 3, 8, 9, 16));
    write_insn(&w, enc_s(OP_STORE, 3, 8, 6, 8));
    write_insn(&w, enc_s(OP_STORE, 3, 8, 7, 0));
    write_insn(&w, enc_j(0, 0)); /* until the kick arrives */
    write_li(&w, 10, MSTATUS_MPRV);
    write_insn(&w, enc_i(OP_SYSTEM, 2, 0, 10, CSR_MSTATUS));
    write_record_trap(&w, 6, 7);
    write_insn(&w, enc_i(OP_SYSTEM, 3, 0, 10, CSR_MSTATUS));
    csr_write(&w, CSR_MEPC, 6);
    for (uint32_t i = 0; i < 5; i++)
        write_insn(&w, enc_i(OP_LOAD, 3, 6 + i, 5, 8 * (int32_t)i));
    write_insn(&w, enc_i(OP_SYSTEM, 1, 5, 5, CSR_MSCRATCH));
    write_insn(&w, 0x30200073); /* mret */
}

static void put64(struct image *image, uint32_t offset, uint64_t value)
{
    memcpy(image->mem + offset, &value, sizeof(value));
}

static uint64_t table_entry(uint32_t offset, uint64_t flags)
{
    return (uint64_t)(IMAGE_BASE + offset) >> 12 << 10 | flags;
}

/* Where the page at an offset lies in user mode. */
static uint32_t physical(uint32_t offset)
{
    if (offset < REVERSED || offset >= TABLES)
        return offset;
    return TABLES - 0x1000 - (offset - REVERSED);
}

static void reverse_pages(struct image *image)
{
    uint8_t page[0x1000];

    for (uint32_t low = REVERSED; low < physical(low); low += sizeof(page)) {
        memcpy(page, image->mem + low, sizeof(page));
        memcpy(image->mem + low, image->mem + physical(low), sizeof(page));
        memcpy(image->mem + physical(low), page, sizeof(page));
    }
}

static void write_tables(struct image *image, enum mode mode)
{
    uint32_t root = TABLES, middle = TABLES + 0x1000, leaves = TABLES + 0x2000;
    uint64_t satp = mode == MODE_USER ? UINT64_C(8) << 60 | (IMAGE_BASE + root) >> 12 : 0;

    put64(image, CONSTANTS, satp);
    put64(image, CONSTANTS + 8, UINT64_MAX >> 10);
    memcpy(image->mem + CONSTANTS + 16, image->mem + image_block_offset(0) + BLOCK_CODE, 8);
    put64(image, root, table_entry(middle, 1));
    for (uint32_t i = 0; i < IMAGE_SIZE >> 21; i++)
        put64(image, middle + 8 * ((IMAGE_BASE >> 21) + i), table_entry(leaves + i * 0x1000, 1));
    for (uint32_t i = 0; i < IMAGE_SIZE >> 12; i++) /* D A U X W R V */
        put64(image, leaves + 8 * i, table_entry(physical(i << 12), 0xdf));
}

static uint64_t on_mmio_read(void *ctx, uint64_t gpa, uint32_t width)
{
    (void)ctx;
    (void)gpa;
    (void)width;
    return 0;
}

static void on_mmio_write(void *ctx, uint64_t gpa, uint32_t width, uint64_t value)
{
    struct run *run = ctx;

    (void)width;
    if (gpa == EXIT_GPA + 16)
        run->value = value;
    if (gpa == EXIT_GPA + 8)
        run->pc = value;
    if (gpa != EXIT_GPA)
        return;
    run->cause = value;
    run->done = true;
    accel_rv64.vcpu_kick(run->vcpu);
}

static uint64_t on_ticks(void *ctx)
{
    (void)ctx;
    return 0;
}

static size_t on_console_write(void *ctx, const uint8_t *bytes, size_t n)
{
    (void)ctx;
    (void)bytes;
    return n;
}

static size_t on_console_read(void *ctx, uint8_t *bytes, size_t n)
{
    (void)ctx;
    (void)bytes;
    (void)n;
    return 0;
}

static void on_power(void *ctx, enum run_result what)
{
    (void)ctx;
    (void)what;
}

static void on_guest_log(void *ctx, uint32_t vcpu, const char *sentence)
{
    (void)ctx;
    (void)vcpu;
    fprintf(stderr, "guest: %s\n", sentence);
}

/* Ends a run that does not end by itself. */
static void *watch(void *arg)
{
    struct run *run = arg;
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += run->timeout_s;
    pthread_mutex_lock(&run->lock);
    int status = 0;
    while (!run->finished && status == 0)
        status = pthread_cond_timedwait(&run->changed, &run->lock, &until);
    if (!run->finished) {
        run->timed_out = true;
        accel_rv64.vcpu_kick(run->vcpu);
    }
    pthread_mutex_unlock(&run->lock);
    return NULL;
}

static bool is_timed_out(struct run *run)
{
    pthread_mutex_lock(&run->lock);
    bool timed_out = run->timed_out;
    pthread_mutex_unlock(&run->lock);
    return timed_out;
}

static enum run_result run_watched(struct run *run, struct err *err)
{
    enum run_result result;
    pthread_t watcher;
    bool watched = pthread_create(&watcher, NULL, watch, run) == 0;

    do {
        result = accel_rv64.vcpu_run(run->vcpu, err);
    } while (!run->done && !is_timed_out(run) &&
             (result == RUN_HANDLED || result == RUN_INTERRUPTED));
    pthread_mutex_lock(&run->lock);
    run->finished = true;
    pthread_cond_signal(&run->changed);
    pthread_mutex_unlock(&run->lock);
    if (watched)
        pthread_join(watcher, NULL);
    return result;
}

static bool judge(struct run *run, enum run_result result, enum mode mode, const struct err *err)
{
    uint64_t pc = 0, expected = mode == MODE_MACHINE ? CAUSE_ECALL_M : CAUSE_ECALL_USER;

    if (run->done && run->cause == expected)
        return true;
    accel_rv64.get_reg(run->vcpu, REG_RISCV64_PC, &pc, NULL);
    if (run->done)
        fprintf(stderr, "our processor: trap %" PRIu64 " at %#" PRIx64 ", value %#" PRIx64 "\n",
                run->cause, run->pc, run->value);
    else if (run->timed_out)
        fprintf(stderr, "our processor: no end after %u s, pc %#" PRIx64 "\n", run->timeout_s, pc);
    else
        fprintf(stderr, "our processor: result %d at pc %#" PRIx64 ": %s\n", (int)result, pc,
                err->text);
    return false;
}

static int32_t start(struct image *image, const struct accel_config *config, struct run *run,
                     struct accel_vm **vm, struct err *err)
{
    int32_t status = accel_rv64.vm_create(config, vm, err);

    if (status == BP_OK)
        status = accel_rv64.map_memory(*vm, IMAGE_BASE, image->mem, IMAGE_SIZE, err);
    if (status == BP_OK)
        status = accel_rv64.vcpu_create(*vm, 0, &run->vcpu, err);
    if (status != BP_OK)
        return status;
    accel_rv64.vcpu_reset(run->vcpu, ENTRY_BOOT_VCPU);
    status = accel_rv64.set_reg(run->vcpu, REG_RISCV64_MODE, 3, err);
    if (status == BP_OK)
        status = accel_rv64.set_reg(run->vcpu, REG_RISCV64_PC, IMAGE_BASE, err);
    return status;
}

bool cpu_run(struct image *image, enum mode mode, unsigned timeout_s)
{
    struct run run = {.timeout_s = timeout_s,
                      .lock = PTHREAD_MUTEX_INITIALIZER,
                      .changed = PTHREAD_COND_INITIALIZER};
    const struct accel_env env = {
        .ctx = &run,
        .mmio_read = on_mmio_read,
        .mmio_write = on_mmio_write,
        .ticks = on_ticks,
        .console_write = on_console_write,
        .console_read = on_console_read,
        .power = on_power,
        .guest_log = on_guest_log,
    };
    const struct accel_config config = {
        .arch = ARCH_RISCV64, .n_cpus = 1, .timebase_hz = 10000000, .firmware = true, .env = &env};
    struct accel_vm *vm = NULL;
    struct err err = {""};
    bool ok = false;

    write_entry(image, mode);
    write_handler(image);
    write_tables(image, mode);
    image_finish(image, SIDE_EXIT);
    if (mode == MODE_USER)
        reverse_pages(image);
    if (start(image, &config, &run, &vm, &err) == BP_OK)
        ok = judge(&run, run_watched(&run, &err), mode, &err);
    else
        fprintf(stderr, "our processor does not start: %s\n", err.text);
    if (run.vcpu != NULL)
        accel_rv64.vcpu_destroy(run.vcpu);
    accel_rv64.vm_destroy(vm);
    if (mode == MODE_USER)
        reverse_pages(image);
    return ok;
}
