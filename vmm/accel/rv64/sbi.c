/*
 * The supervisor binary interface, version 2.0, when the guest brings no firmware: base, time,
 * IPI, remote fences, hart state, system reset, debug console, and the calls of version 0.1 that
 * old kernels still make. Not here: performance counters, nested acceleration, steal time, SUSP,
 * CPPC; hypervisor fences are refused.
 */
#include "accel/rv64/parts.h"

enum {
    SBI_SUCCESS = 0,
    SBI_FAILED = -1,
    SBI_NOT_SUPPORTED = -2,
    SBI_INVALID_PARAM = -3,
    SBI_INVALID_ADDRESS = -5,
    SBI_ALREADY_AVAILABLE = -6,
};

enum {
    EXT_LEGACY_LAST = 8,
    EXT_BASE = 0x10,
    EXT_TIME = 0x54494d45,
    EXT_IPI = 0x735049,
    EXT_RFENCE = 0x52464e43,
    EXT_HSM = 0x48534d,
    EXT_SRST = 0x53525354,
    EXT_DBCN = 0x4442434e,
};

#define SBI_VERSION                   (2u << 24)
#define SBI_IMPL_ID                   0x42706c6eu /* not a registered number */
#define SBI_IMPL_VERSION              1u
#define SUSPEND_RETENTIVE             0u
#define SUSPEND_DEFAULT_NON_RETENTIVE 0x80000000u
#define RESET_VENDOR                  0xf0000000u
#define REASON_SBI                    0xe0000000u
#define CONSOLE_CHUNK                 256u
#define CONSOLE_CALL_MAX              16384u /* bytes of one call: a hart in it hears no kick */
#define A0                            10
#define A1                            11
#define A6                            16
#define A7                            17

static enum exec finish(struct hart *h, int64_t error, uint64_t value)
{
    h->x[A0] = (uint64_t)error;
    h->x[A1] = value;
    return EXEC_NEXT;
}

/* ---- harts by mask */

struct hart_mask {
    uint64_t bits, base;
};

static bool mask_is_valid(const struct hart *h, const struct hart_mask *mask)
{
    if (mask->base == UINT64_MAX)
        return true;
    if (mask->bits == 0)
        return true;
    uint64_t highest = 63u - (uint64_t)__builtin_clzll(mask->bits);
    return mask->base < h->vm->n_harts && highest < h->vm->n_harts - mask->base;
}

static struct hart *mask_hart(const struct hart *h, const struct hart_mask *mask, uint32_t index)
{
    bool chosen = mask->base == UINT64_MAX || (index >= mask->base && index - mask->base < 64 &&
                                               (mask->bits >> (index - mask->base) & 1) != 0);
    return chosen ? __atomic_load_n(&h->vm->harts[index], __ATOMIC_ACQUIRE) : NULL;
}

static void send_ipis(struct hart *h, const struct hart_mask *mask)
{
    for (uint32_t i = 0; i < h->vm->n_harts; i++) {
        struct hart *target = mask_hart(h, mask, i);
        if (target != NULL)
            hart_set_lines(target, IRQ_SSIP, 0);
    }
}

/* Fences the harts of the mask, of instructions if `range` is NULL. False: this hart was kicked
 * while it waited; the call is to be made again. */
static bool remote_fence(struct hart *h, const struct hart_mask *mask,
                         const struct fence_range *range)
{
    uint32_t tickets[RV64_MAX_HARTS] = {0};
    for (uint32_t i = 0; i < h->vm->n_harts; i++) {
        struct hart *target = mask_hart(h, mask, i);
        if (target == h && range == NULL)
            hart_fence_i(h);
        else if (target == h)
            hart_flush_range(h, range);
        else if (target != NULL)
            tickets[i] = hart_ask_fence(target, range);
    }
    for (uint32_t i = 0; i < h->vm->n_harts; i++) {
        struct hart *target = mask_hart(h, mask, i);
        if (target != NULL && target != h && !hart_await_fence(h, target, tickets[i]))
            return false;
    }
    return true;
}

/* Leaves the run loop with the call still to be made. */
static enum exec call_again(struct hart *h)
{
    (void)__atomic_exchange_n(&h->kicked, 0, __ATOMIC_SEQ_CST);
    h->instret--;
    h->exit_result = RUN_INTERRUPTED;
    return EXEC_LEAVE;
}

/* ---- extensions */

static enum exec call_base(struct hart *h, uint64_t function)
{
    uint64_t ext = h->x[A0];
    switch (function) {
    case 0:
        return finish(h, SBI_SUCCESS, SBI_VERSION);
    case 1:
        return finish(h, SBI_SUCCESS, SBI_IMPL_ID);
    case 2:
        return finish(h, SBI_SUCCESS, SBI_IMPL_VERSION);
    case 3:
        return finish(h, SBI_SUCCESS,
                      ext <= EXT_LEGACY_LAST || ext == EXT_BASE || ext == EXT_TIME ||
                          ext == EXT_IPI || ext == EXT_RFENCE || ext == EXT_HSM ||
                          ext == EXT_SRST || ext == EXT_DBCN);
    case 4: /* mvendorid, marchid, mimpid */
    case 5:
    case 6:
        return finish(h, SBI_SUCCESS, 0);
    default:
        return finish(h, SBI_NOT_SUPPORTED, 0);
    }
}

static void set_timer(struct hart *h, uint64_t at)
{
    h->stimecmp = at;
    timer_update(h);
    trap_look_for_interrupts(h);
}

static enum exec call_time(struct hart *h, uint64_t function)
{
    if (function != 0)
        return finish(h, SBI_NOT_SUPPORTED, 0);
    set_timer(h, h->x[A0]);
    return finish(h, SBI_SUCCESS, 0);
}

static enum exec call_ipi(struct hart *h, uint64_t function)
{
    struct hart_mask mask = {.bits = h->x[A0], .base = h->x[A1]};
    if (function != 0)
        return finish(h, SBI_NOT_SUPPORTED, 0);
    if (!mask_is_valid(h, &mask))
        return finish(h, SBI_INVALID_PARAM, 0);
    send_ipis(h, &mask);
    return finish(h, SBI_SUCCESS, 0);
}

static enum exec call_rfence(struct hart *h, uint64_t function)
{
    struct hart_mask mask = {.bits = h->x[A0], .base = h->x[A1]};
    struct fence_range range = {.base = h->x[12], .size = h->x[13], .asid = FENCE_ALL_ASIDS};
    if (function > 2)
        return finish(h, SBI_NOT_SUPPORTED, 0);
    if (!mask_is_valid(h, &mask))
        return finish(h, SBI_INVALID_PARAM, 0);
    if (function == 2)
        range.asid = (uint32_t)h->x[14] & 0xffff;
    if (range.size == UINT64_MAX)
        range.size = 0;
    if (range.size != 0 && range.size - 1 > UINT64_MAX - range.base)
        return finish(h, SBI_INVALID_ADDRESS, 0);
    if (!remote_fence(h, &mask, function == 0 ? NULL : &range))
        return call_again(h);
    return finish(h, SBI_SUCCESS, 0);
}

static enum exec hart_start(struct hart *h)
{
    uint64_t index = h->x[A0], pc = h->x[A1];
    struct hart *target = NULL;
    if (index < h->vm->n_harts)
        target = __atomic_load_n(&h->vm->harts[index], __ATOMIC_ACQUIRE);
    if (target == NULL)
        return finish(h, SBI_INVALID_PARAM, 0);
    if ((pc & 1) != 0 || ram_find(h->vm, pc, 2) == NULL)
        return finish(h, SBI_INVALID_ADDRESS, 0);
    pthread_mutex_lock(&h->vm->lock);
    bool stopped = target->hsm == HSM_STOPPED;
    if (stopped) {
        target->start_pc = pc;
        target->start_arg = h->x[12];
        __atomic_store_n(&target->hsm, HSM_START_PENDING, __ATOMIC_SEQ_CST);
    }
    pthread_mutex_unlock(&h->vm->lock);
    if (!stopped)
        return finish(h, SBI_ALREADY_AVAILABLE, 0);
    hart_poke(target);
    return finish(h, SBI_SUCCESS, 0);
}

static enum exec hart_stop(struct hart *h)
{
    pthread_mutex_lock(&h->vm->lock);
    __atomic_store_n(&h->hsm, HSM_STOPPED, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&h->vm->lock);
    h->exit_result = RUN_HANDLED; /* hart_run() waits for the next start */
    return EXEC_LEAVE;
}

static enum exec hart_status(struct hart *h)
{
    uint64_t index = h->x[A0];
    struct hart *target = NULL;
    if (index < h->vm->n_harts)
        target = __atomic_load_n(&h->vm->harts[index], __ATOMIC_ACQUIRE);
    if (target == NULL)
        return finish(h, SBI_INVALID_PARAM, 0);
    return finish(h, SBI_SUCCESS, __atomic_load_n(&target->hsm, __ATOMIC_SEQ_CST));
}

static enum exec hart_suspend(struct hart *h)
{
    uint64_t type = h->x[A0], resume = h->x[A1], arg = h->x[12];
    bool loses_state = type == SUSPEND_DEFAULT_NON_RETENTIVE;
    if (type != SUSPEND_RETENTIVE && !loses_state) {
        bool reserved = (type & 0x7fffffffu) < 0x10000000u || type > UINT32_MAX;
        return finish(h, reserved ? SBI_INVALID_PARAM : SBI_NOT_SUPPORTED, 0);
    }
    if (loses_state && ram_find(h->vm, resume, 2) == NULL)
        return finish(h, SBI_INVALID_ADDRESS, 0);
    h->pc += 4;
    (void)finish(h, SBI_SUCCESS, 0);
    __atomic_store_n(&h->hsm, HSM_SUSPENDED, __ATOMIC_SEQ_CST);
    hart_wait(h);
    __atomic_store_n(&h->hsm, HSM_STARTED, __ATOMIC_SEQ_CST);
    if (!loses_state)
        return EXEC_JUMP;
    h->satp = 0;
    csr_set_mstatus(h, h->mstatus & ~MSTATUS_SIE);
    mmu_update(h);
    h->x[A0] = h->index;
    h->x[A1] = arg;
    h->pc = resume & ~UINT64_C(1);
    return EXEC_JUMP;
}

static enum exec call_hsm(struct hart *h, uint64_t function)
{
    switch (function) {
    case 0:
        return hart_start(h);
    case 1:
        return hart_stop(h);
    case 2:
        return hart_status(h);
    case 3:
        return hart_suspend(h);
    default:
        return finish(h, SBI_NOT_SUPPORTED, 0);
    }
}

static enum exec leave_machine(struct hart *h, enum run_result what)
{
    const struct accel_env *env = h->vm->env;
    h->pc += 4;
    env->power(env->ctx, what);
    h->exit_result = what;
    return EXEC_LEAVE;
}

/* Between the standard values and those of vendors and implementations. */
static bool is_reserved_reset(uint64_t value, uint64_t last_standard, uint64_t first_own)
{
    return value > UINT32_MAX || (value > last_standard && value < first_own);
}

static enum exec call_srst(struct hart *h, uint64_t function)
{
    uint64_t type = h->x[A0], reason = h->x[A1];
    if (function != 0)
        return finish(h, SBI_NOT_SUPPORTED, 0);
    if (is_reserved_reset(type, 2, RESET_VENDOR) || is_reserved_reset(reason, 1, REASON_SBI))
        return finish(h, SBI_INVALID_PARAM, 0);
    if (type > 2 || reason > 1)
        return finish(h, SBI_NOT_SUPPORTED, 0);
    if (type != 0)
        return leave_machine(h, RUN_REBOOT);
    return leave_machine(h, reason == 0 ? RUN_HALTED : RUN_CRASHED);
}

static size_t console_write(struct hart *h, const uint8_t *from, uint64_t n)
{
    const struct accel_env *env = h->vm->env;
    uint8_t chunk[CONSOLE_CHUNK];
    size_t done = 0;
    if (n > CONSOLE_CALL_MAX)
        n = CONSOLE_CALL_MAX; /* the caller goes on with the rest, as with a full console */
    while (done < n) {
        size_t size = n - done < CONSOLE_CHUNK ? (size_t)(n - done) : CONSOLE_CHUNK;
        for (size_t i = 0; i < size; i++)
            chunk[i] = __atomic_load_n(from + done + i, __ATOMIC_RELAXED);
        size_t accepted = env->console_write(env->ctx, chunk, size);
        done += accepted < size ? accepted : size;
        if (accepted < size)
            break;
    }
    return done;
}

static size_t console_read(struct hart *h, uint8_t *to, uint64_t n)
{
    const struct accel_env *env = h->vm->env;
    uint8_t chunk[CONSOLE_CHUNK];
    size_t size = n < CONSOLE_CHUNK ? (size_t)n : CONSOLE_CHUNK;
    size_t got = size == 0 ? 0 : env->console_read(env->ctx, chunk, size);
    if (got > size)
        got = size;
    for (size_t i = 0; i < got; i++)
        __atomic_store_n(to + i, chunk[i], __ATOMIC_RELAXED);
    return got;
}

static enum exec call_dbcn(struct hart *h, uint64_t function)
{
    uint64_t n = h->x[A0], gpa = h->x[A1], high = h->x[12];
    if (function == 2) {
        uint8_t byte = (uint8_t)n;
        return finish(h, console_write(h, &byte, 1) == 1 ? SBI_SUCCESS : SBI_FAILED, 0);
    }
    if (function > 2)
        return finish(h, SBI_NOT_SUPPORTED, 0);
    if (n == 0)
        return finish(h, SBI_SUCCESS, 0);
    uint8_t *host = high == 0 ? ram_find(h->vm, gpa, n) : NULL;
    if (host == NULL)
        return finish(h, SBI_INVALID_PARAM, 0);
    return finish(h, SBI_SUCCESS,
                  function == 0 ? console_write(h, host, n) : console_read(h, host, n));
}

/* ---- version 0.1: the result is in a0 alone, hart masks are pointers */

static enum exec finish_legacy(struct hart *h, int64_t result)
{
    h->x[A0] = (uint64_t)result;
    return EXEC_NEXT;
}

static bool legacy_mask(struct hart *h, struct hart_mask *mask)
{
    mask->base = h->x[A0] == 0 ? UINT64_MAX : 0;
    mask->bits = 0;
    return h->x[A0] == 0 || memory_load(h, h->x[A0], 8, &mask->bits);
}

static enum exec legacy_fence(struct hart *h, uint64_t ext)
{
    struct hart_mask mask;
    struct fence_range range = {.base = h->x[A1], .size = h->x[12], .asid = FENCE_ALL_ASIDS};
    if (!legacy_mask(h, &mask))
        return EXEC_FAULT;
    if (ext == 7)
        range.asid = (uint32_t)h->x[13] & 0xffff;
    if (range.size == UINT64_MAX || (range.size != 0 && range.size - 1 > UINT64_MAX - range.base))
        range.size = 0;
    if (!remote_fence(h, &mask, ext == 5 ? NULL : &range))
        return call_again(h);
    return finish_legacy(h, SBI_SUCCESS);
}

static enum exec call_legacy(struct hart *h, uint64_t ext)
{
    struct hart_mask mask;
    uint8_t byte = (uint8_t)h->x[A0];
    switch (ext) {
    case 0:
        set_timer(h, h->x[A0]);
        return finish_legacy(h, SBI_SUCCESS);
    case 1:
        (void)console_write(h, &byte, 1);
        return finish_legacy(h, SBI_SUCCESS);
    case 2:
        return finish_legacy(h, console_read(h, &byte, 1) == 1 ? byte : -1);
    case 3:
        hart_set_lines(h, 0, IRQ_SSIP);
        return finish_legacy(h, SBI_SUCCESS);
    case 4:
        if (!legacy_mask(h, &mask))
            return EXEC_FAULT;
        send_ipis(h, &mask);
        return finish_legacy(h, SBI_SUCCESS);
    case 8:
        return leave_machine(h, RUN_HALTED);
    default:
        return legacy_fence(h, ext);
    }
}

enum exec sbi_call(struct hart *h)
{
    uint64_t ext = h->x[A7], function = h->x[A6];
    if (ext <= EXT_LEGACY_LAST)
        return call_legacy(h, ext);
    switch (ext) {
    case EXT_BASE:
        return call_base(h, function);
    case EXT_TIME:
        return call_time(h, function);
    case EXT_IPI:
        return call_ipi(h, function);
    case EXT_RFENCE:
        return call_rfence(h, function);
    case EXT_HSM:
        return call_hsm(h, function);
    case EXT_SRST:
        return call_srst(h, function);
    case EXT_DBCN:
        return call_dbcn(h, function);
    default:
        return finish(h, SBI_NOT_SUPPORTED, 0);
    }
}
