/*
 * The software processor against hostile guests: random instructions in every mode, with random
 * registers, random page tables and random CSR values. Nothing is checked but that the host
 * survives, that a kick always ends it, and that x0 stays 0.
 */
#include "unit/rv64_machine.h"

#define ROUNDS_DEFAULT 300
#define WORDS          2048

static uint64_t seed = 88172645463325252u;

static uint64_t noise(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Words that are instructions more often than chance would have it. */
static uint32_t noisy_word(void)
{
    static const uint32_t opcodes[] = {0x03, 0x07, 0x0f, 0x13, 0x17, 0x1b, 0x23, 0x27,
                                       0x2f, 0x33, 0x37, 0x3b, 0x43, 0x47, 0x4b, 0x4f,
                                       0x53, 0x63, 0x67, 0x6f, 0x73, 0x73};
    uint32_t word = (uint32_t)noise();
    if (noise() % 4 == 0)
        return word;
    word = (word & ~0x7fu) | opcodes[noise() % (sizeof(opcodes) / sizeof(opcodes[0]))];
    if ((word & 0x7f) == 0x33 || (word & 0x7f) == 0x3b || (word & 0x7f) == 0x53)
        word &= ~(0xa000000u << (noise() % 4));
    return word == 0x10500073 ? 0x13 : word; /* WFI would only wait */
}

/* A number that is an address of something more often than chance would have it. */
static uint64_t noisy_number(void)
{
    switch (noise() % 6) {
    case 0:
        return noise();
    case 1:
        return DEVICE_GPA + noise() % 64;
    case 2:
        return noise() % 8;
    case 3:
        return RAM_BASE + RAM_BYTES - noise() % 16;
    default:
        return RAM_BASE + noise() % RAM_BYTES;
    }
}

static void make_noise(struct machine *m)
{
    static const uint32_t csrs[] = {0x100, 0x104, 0x106, 0x10a, 0x141, 0x14d, 0x300, 0x302,
                                    0x303, 0x304, 0x306, 0x30a, 0x341, 0x344, 0x003};
    for (uint64_t i = 0; i < WORDS; i++)
        PUT(m, CODE + 4 * i, noisy_word());
    for (uint64_t i = 0; i < 512; i++)
        poke64(m, TABLES + 8 * i,
               (RAM_BASE + (noise() % RAM_BYTES & ~UINT64_C(4095))) >> 2 | (noise() & 0xff) |
                   (noise() % 8 == 0 ? noise() : 0));
    poke64(m, TABLES + 2 * 8, RAM_BASE >> 2 | (noise() % 2 == 0 ? 0xcf : 0xdf));
    for (uint32_t i = 1; i < 32; i++)
        SET_X(m, i, noisy_number());
    for (uint32_t i = 0; i < 32; i++)
        set_reg(m, 0, REG_RISCV64_F(i), noise());
    for (size_t i = 0; i < sizeof(csrs) / sizeof(csrs[0]); i++)
        SET_CSR(m, csrs[i], noise());
    SET_CSR(m, 0x105, CODE + (noise() % WORDS) * 4);
    SET_CSR(m, 0x305, CODE + (noise() % WORDS) * 4);
    SET_CSR(m, CSR_SATP, noise() % 2 == 0 ? 0 : UINT64_C(8) << 60 | TABLES >> 12);
    if (noise() % 4 == 0) {
        SET_CSR(m, 0x3b1, noise());
        SET_CSR(m, 0x3a0, (noise() & UINT64_C(0x1f1f1f1f1f1f1f1f)) | 0x1f);
    }
}

struct kicker {
    struct machine *m;
    int over; /* atomic */
};

static void *kick_for_ever(void *arg)
{
    struct kicker *k = arg;
    while (__atomic_load_n(&k->over, __ATOMIC_SEQ_CST) == 0) {
        struct timespec pause = {.tv_nsec = 200000};
        nanosleep(&pause, NULL);
        accel_rv64.vcpu_kick(k->m->cpu[0]);
    }
    return NULL;
}

static void survive(bool firmware)
{
    static const uint64_t modes[] = {MODE_U, MODE_S, MODE_M};
    struct machine *m = machine_create(1, firmware);
    struct kicker k = {.m = m};
    pthread_t thread;
    const char *asked = getenv("NOISE_ROUNDS");
    int rounds = asked != NULL ? atoi(asked) : ROUNDS_DEFAULT;
    pthread_create(&thread, NULL, kick_for_ever, &k);
    for (int round = 0; round < rounds; round++) {
        accel_rv64.vcpu_reset(m->cpu[0], ENTRY_BOOT_VCPU);
        make_noise(m);
        SET_MODE(m, modes[noise() % (firmware ? 3 : 2)]);
        set_reg(m, 0, REG_RISCV64_PC, CODE + noise() % WORDS * 4);
        for (int run = 0; run < 3; run++)
            (void)accel_rv64.vcpu_run(m->cpu[0], NULL);
        assert_int_equal(get_reg(m, 0, REG_RISCV64_X(0)), 0);
        m->n_log = 0;
        m->n_console = 0;
    }
    __atomic_store_n(&k.over, 1, __ATOMIC_SEQ_CST);
    pthread_join(thread, NULL);
    machine_destroy(m);
}

static void noise_with_firmware_never_upsets_the_host(void **state)
{
    (void)state;
    survive(true);
}

static void noise_without_firmware_never_upsets_the_host(void **state)
{
    (void)state;
    survive(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(noise_with_firmware_never_upsets_the_host),
        cmocka_unit_test(noise_without_firmware_never_upsets_the_host),
    };
    return cmocka_run_group_tests_name("rv64 noise", tests, NULL, NULL);
}
