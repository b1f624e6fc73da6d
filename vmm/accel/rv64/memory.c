/*
 * Loads, stores and atomic operations that the TLBs do not serve at once: first touch of a page,
 * misaligned, across two pages, devices. Unprivileged ISA 20191213: chapters 2.6, 8 (A), 14
 * (RVWMO); CMO 1.0.1.
 *
 * Memory is shared with other host threads, so every access to it is an atomic one of the host;
 * a misaligned access is done byte by byte, which the ISA permits. A store-conditional compares
 * the old value: it cannot tell a location that was changed and changed back.
 */
#include "accel/rv64/parts.h"

static bool fault(struct hart *h, uint64_t cause, uint64_t va)
{
    h->trap_cause = cause;
    h->trap_value = va;
    return false;
}

static uint64_t host_load(const uint8_t *host, uint32_t size)
{
    if (((uintptr_t)host & (size - 1)) != 0) {
        uint64_t value = 0;
        for (uint32_t i = 0; i < size; i++)
            value |= (uint64_t)__atomic_load_n(host + i, __ATOMIC_RELAXED) << (8 * i);
        return value;
    }
    switch (size) {
    case 1:
        return __atomic_load_n(host, __ATOMIC_RELAXED);
    case 2:
        return __atomic_load_n((const uint16_t *)(const void *)host, __ATOMIC_RELAXED);
    case 4:
        return __atomic_load_n((const uint32_t *)(const void *)host, __ATOMIC_RELAXED);
    default:
        return __atomic_load_n((const uint64_t *)(const void *)host, __ATOMIC_RELAXED);
    }
}

static void host_store(uint8_t *host, uint32_t size, uint64_t value)
{
    if (((uintptr_t)host & (size - 1)) != 0) {
        for (uint32_t i = 0; i < size; i++)
            __atomic_store_n(host + i, (uint8_t)(value >> (8 * i)), __ATOMIC_RELAXED);
        return;
    }
    switch (size) {
    case 1:
        __atomic_store_n(host, (uint8_t)value, __ATOMIC_RELAXED);
        return;
    case 2:
        __atomic_store_n((uint16_t *)(void *)host, (uint16_t)value, __ATOMIC_RELAXED);
        return;
    case 4:
        __atomic_store_n((uint32_t *)(void *)host, (uint32_t)value, __ATOMIC_RELAXED);
        return;
    default:
        __atomic_store_n((uint64_t *)(void *)host, value, __ATOMIC_RELAXED);
    }
}

/* The widest naturally aligned access at `gpa` of at most `size` bytes. */
static uint32_t piece_at(uint64_t gpa, uint32_t size)
{
    uint32_t piece = 8;
    while (piece > size || (gpa & (piece - 1)) != 0)
        piece /= 2;
    return piece;
}

static uint64_t low_bytes(uint64_t value, uint32_t size)
{
    return size == 8 ? value : value & ((UINT64_C(1) << (8 * size)) - 1);
}

static uint64_t device_load(struct hart *h, uint64_t gpa, uint32_t size)
{
    const struct accel_env *env = h->vm->env;
    uint64_t value = 0;
    for (uint32_t done = 0; done < size;) {
        uint32_t piece = piece_at(gpa + done, size - done);
        uint64_t part = low_bytes(env->mmio_read(env->ctx, gpa + done, piece), piece);
        value |= part << (8 * done);
        done += piece;
    }
    return value;
}

static void device_store(struct hart *h, uint64_t gpa, uint32_t size, uint64_t value)
{
    const struct accel_env *env = h->vm->env;
    for (uint32_t done = 0; done < size;) {
        uint32_t piece = piece_at(gpa + done, size - done);
        env->mmio_write(env->ctx, gpa + done, piece, low_bytes(value >> (8 * done), piece));
        done += piece;
    }
}

/* A part of an access that lies in one page. */
struct part {
    uint8_t *host; /* NULL: a device at gpa */
    uint64_t gpa;
    uint32_t size;
};

static bool find_part(struct hart *h, uint64_t va, uint32_t size, enum access access,
                      struct part *part)
{
    part->size = size;
    return mmu_data(h, va, size, access, &part->host, &part->gpa);
}

static uint64_t part_load(struct hart *h, const struct part *part)
{
    if (part->host == NULL)
        return device_load(h, part->gpa, part->size);
    if ((part->size & (part->size - 1)) == 0)
        return host_load(part->host, part->size);
    uint64_t value = 0;
    for (uint32_t i = 0; i < part->size; i++)
        value |= host_load(part->host + i, 1) << (8 * i);
    return value;
}

static void part_store(struct hart *h, const struct part *part, uint64_t value)
{
    if (part->host == NULL) {
        device_store(h, part->gpa, part->size, value);
    } else if ((part->size & (part->size - 1)) == 0) {
        host_store(part->host, part->size, value);
    } else {
        for (uint32_t i = 0; i < part->size; i++)
            host_store(part->host + i, 1, value >> (8 * i));
    }
}

/* Bytes of the access that lie in the first page. */
static uint32_t first_part(uint64_t va, uint32_t size)
{
    uint64_t left = RV64_PAGE - (va & RV64_PAGE_MASK);
    return left < size ? (uint32_t)left : size;
}

bool memory_load(struct hart *h, uint64_t va, uint32_t size, uint64_t *value)
{
    struct part low, high;
    uint32_t n = first_part(va, size);
    if (!find_part(h, va, n, ACCESS_LOAD, &low))
        return false;
    if (n != size && !find_part(h, va + n, size - n, ACCESS_LOAD, &high))
        return false;
    *value = part_load(h, &low);
    if (n != size)
        *value |= part_load(h, &high) << (8 * n);
    return true;
}

bool memory_store(struct hart *h, uint64_t va, uint32_t size, uint64_t value)
{
    struct part low, high;
    uint32_t n = first_part(va, size);
    if (!find_part(h, va, n, ACCESS_STORE, &low))
        return false;
    if (n != size && !find_part(h, va + n, size - n, ACCESS_STORE, &high))
        return false;
    part_store(h, &low, value);
    if (n != size)
        part_store(h, &high, value >> (8 * n));
    return true;
}

/* RAM for an atomic operation. */
static bool find_atomic(struct hart *h, uint64_t va, uint32_t size, enum access access,
                        uint8_t **host)
{
    uint64_t gpa;
    bool load = access == ACCESS_LOAD;
    if ((va & (size - 1)) != 0)
        return fault(h, load ? CAUSE_LOAD_MISALIGNED : CAUSE_STORE_MISALIGNED, va);
    if (!mmu_data(h, va, size, access, host, &gpa))
        return false;
    return *host != NULL || fault(h, load ? CAUSE_LOAD_ACCESS : CAUSE_STORE_ACCESS, va);
}

static uint64_t sign_extend(uint64_t value, uint32_t size)
{
    return size == 4 ? (uint64_t)(int64_t)(int32_t)(uint32_t)value : value;
}

bool memory_load_reserved(struct hart *h, uint64_t va, uint32_t size, uint64_t *value)
{
    uint8_t *host;
    if (!find_atomic(h, va, size, ACCESS_LOAD, &host))
        return false;
    if (size == 4)
        *value = __atomic_load_n((uint32_t *)(void *)host, __ATOMIC_SEQ_CST);
    else
        *value = __atomic_load_n((uint64_t *)(void *)host, __ATOMIC_SEQ_CST);
    h->reserved = host;
    h->reserved_size = size;
    h->reserved_value = *value;
    *value = sign_extend(*value, size);
    return true;
}

bool memory_store_conditional(struct hart *h, uint64_t va, uint32_t size, uint64_t value,
                              uint64_t *failed)
{
    uint8_t *host;
    if (!find_atomic(h, va, size, ACCESS_STORE, &host))
        return false;
    bool stored = false;
    if (h->reserved == host && h->reserved_size == size && size == 4) {
        uint32_t old = (uint32_t)h->reserved_value;
        stored = __atomic_compare_exchange_n((uint32_t *)(void *)host, &old, (uint32_t)value, false,
                                             __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    } else if (h->reserved == host && h->reserved_size == size) {
        uint64_t old = h->reserved_value;
        stored = __atomic_compare_exchange_n((uint64_t *)(void *)host, &old, value, false,
                                             __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    }
    h->reserved = NULL;
    *failed = !stored;
    return true;
}

enum {
    AMO_ADD = 0,
    AMO_SWAP = 1,
    AMO_XOR = 4,
    AMO_OR = 8,
    AMO_AND = 12,
    AMO_MIN = 16,
    AMO_MAX = 20,
    AMO_MINU = 24,
    AMO_MAXU = 28
};

static uint32_t pick_word(uint32_t funct5, uint32_t a, uint32_t b)
{
    bool less = funct5 <= AMO_MAX ? (int32_t)a < (int32_t)b : a < b;
    bool wants_less = funct5 == AMO_MIN || funct5 == AMO_MINU;
    return less == wants_less ? a : b;
}

static uint64_t pick_double(uint32_t funct5, uint64_t a, uint64_t b)
{
    bool less = funct5 <= AMO_MAX ? (int64_t)a < (int64_t)b : a < b;
    bool wants_less = funct5 == AMO_MIN || funct5 == AMO_MINU;
    return less == wants_less ? a : b;
}

static uint32_t amo_word(uint32_t *p, uint32_t funct5, uint32_t operand)
{
    uint32_t old;
    switch (funct5) {
    case AMO_ADD:
        return __atomic_fetch_add(p, operand, __ATOMIC_SEQ_CST);
    case AMO_SWAP:
        return __atomic_exchange_n(p, operand, __ATOMIC_SEQ_CST);
    case AMO_XOR:
        return __atomic_fetch_xor(p, operand, __ATOMIC_SEQ_CST);
    case AMO_OR:
        return __atomic_fetch_or(p, operand, __ATOMIC_SEQ_CST);
    case AMO_AND:
        return __atomic_fetch_and(p, operand, __ATOMIC_SEQ_CST);
    default:
        old = __atomic_load_n(p, __ATOMIC_RELAXED);
        while (!__atomic_compare_exchange_n(p, &old, pick_word(funct5, old, operand), false,
                                            __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            continue;
        return old;
    }
}

static uint64_t amo_double(uint64_t *p, uint32_t funct5, uint64_t operand)
{
    uint64_t old;
    switch (funct5) {
    case AMO_ADD:
        return __atomic_fetch_add(p, operand, __ATOMIC_SEQ_CST);
    case AMO_SWAP:
        return __atomic_exchange_n(p, operand, __ATOMIC_SEQ_CST);
    case AMO_XOR:
        return __atomic_fetch_xor(p, operand, __ATOMIC_SEQ_CST);
    case AMO_OR:
        return __atomic_fetch_or(p, operand, __ATOMIC_SEQ_CST);
    case AMO_AND:
        return __atomic_fetch_and(p, operand, __ATOMIC_SEQ_CST);
    default:
        old = __atomic_load_n(p, __ATOMIC_RELAXED);
        while (!__atomic_compare_exchange_n(p, &old, pick_double(funct5, old, operand), false,
                                            __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            continue;
        return old;
    }
}

bool memory_amo(struct hart *h, uint64_t va, uint32_t size, uint32_t funct5, uint64_t operand,
                uint64_t *old)
{
    uint8_t *host;
    if (!find_atomic(h, va, size, ACCESS_STORE, &host))
        return false;
    if (size == 4)
        *old = sign_extend(amo_word((uint32_t *)(void *)host, funct5, (uint32_t)operand), 4);
    else
        *old = amo_double((uint64_t *)(void *)host, funct5, operand);
    return true;
}

/* The block of `va`: its page by the address itself, its protection as a whole. Faults name `va`.
 */
static bool find_block(struct hart *h, uint64_t va, enum access access, uint8_t **host)
{
    uint64_t gpa, block = va & ~(uint64_t)(CBO_BYTES - 1);
    bool found =
        mmu_data(h, va, 1, access, host, &gpa) && mmu_data(h, block, CBO_BYTES, access, host, &gpa);
    if (!found)
        h->trap_value = va;
    return found;
}

bool memory_zero_block(struct hart *h, uint64_t va)
{
    uint8_t *block;
    if (!find_block(h, va, ACCESS_STORE, &block))
        return false;
    if (block == NULL)
        return fault(h, CAUSE_STORE_ACCESS, va);
    for (uint32_t i = 0; i < CBO_BYTES; i += 8)
        host_store(block + i, 8, 0);
    return true;
}

bool memory_probe_block(struct hart *h, uint64_t va)
{
    uint8_t *block;
    return find_block(h, va, ACCESS_LOAD, &block) || find_block(h, va, ACCESS_STORE, &block);
}
