/*
 * Calls of the supervisor binary interface (version 2.0) that KVM passes on: the debug console, and
 * the console of version 0.1. KVM itself answers the others.
 */
#include "accel/kvm_riscv64.h"

enum { SBI_SUCCESS = 0, SBI_FAILED = -1, SBI_NOT_SUPPORTED = -2, SBI_INVALID_PARAM = -3 };

#define EXT_PUTCHAR      1u
#define EXT_GETCHAR      2u
#define EXT_DBCN         0x4442434eu
#define DBCN_WRITE       0u
#define DBCN_READ        1u
#define DBCN_WRITE_BYTE  2u
#define CONSOLE_CHUNK    256u
#define CONSOLE_CALL_MAX 16384u /* bytes of one call: a vCPU in it hears no kick */

void kvm_sbi_enable(int vcpu_fd)
{
    const uint64_t on = 1;
    (void)kvm_onereg_write(
        vcpu_fd,
        KVM_RISCV_REG64(KVM_REG_RISCV_SBI_EXT | KVM_REG_RISCV_SBI_SINGLE, KVM_RISCV_SBI_EXT_DBCN),
        &on);
}

static void finish(struct accel_vcpu *vcpu, int64_t error, uint64_t value)
{
    vcpu->run->riscv_sbi.ret[0] = (uint64_t)error;
    vcpu->run->riscv_sbi.ret[1] = value;
}

/* Host memory behind [gpa, gpa + n), within one slot; NULL. */
static uint8_t *find_ram(const struct accel_vm *vm, uint64_t gpa, uint64_t n)
{
    for (uint32_t i = 0; i < vm->n_slots; i++) {
        const struct kvm_slot *s = &vm->slots[i];
        if (gpa >= s->gpa && gpa - s->gpa < s->size && n <= s->size - (gpa - s->gpa))
            return (uint8_t *)s->host + (gpa - s->gpa);
    }
    return NULL;
}

/* Copied once: other vCPUs may write there meanwhile. */
static size_t console_write(const struct accel_env *env, const uint8_t *from, uint64_t n)
{
    uint8_t chunk[CONSOLE_CHUNK];
    size_t done = 0;
    if (n > CONSOLE_CALL_MAX)
        n = CONSOLE_CALL_MAX; /* the caller goes on with the rest, as with a full console */
    while (done < n) {
        size_t size = n - done < CONSOLE_CHUNK ? (size_t)(n - done) : CONSOLE_CHUNK;
        for (size_t i = 0; i < size; i++)
            chunk[i] = __atomic_load_n(from + done + i, __ATOMIC_RELAXED);
        size_t accepted =
            env->console_write != NULL ? env->console_write(env->ctx, chunk, size) : 0;
        done += accepted < size ? accepted : size;
        if (accepted < size)
            break;
    }
    return done;
}

static size_t console_read(const struct accel_env *env, uint8_t *to, uint64_t n)
{
    uint8_t chunk[CONSOLE_CHUNK];
    size_t size = n < CONSOLE_CHUNK ? (size_t)n : CONSOLE_CHUNK;
    size_t got =
        size == 0 || env->console_read == NULL ? 0 : env->console_read(env->ctx, chunk, size);
    if (got > size)
        got = size;
    for (size_t i = 0; i < got; i++)
        __atomic_store_n(to + i, chunk[i], __ATOMIC_RELAXED);
    return got;
}

static void call_dbcn(struct accel_vcpu *vcpu)
{
    const struct accel_env *env = vcpu->vm->config.env;
    const uint64_t function = vcpu->run->riscv_sbi.function_id;
    const uint64_t n = vcpu->run->riscv_sbi.args[0], gpa = vcpu->run->riscv_sbi.args[1];
    const uint64_t high = vcpu->run->riscv_sbi.args[2];
    if (function == DBCN_WRITE_BYTE) {
        uint8_t byte = (uint8_t)n;
        finish(vcpu, console_write(env, &byte, 1) == 1 ? SBI_SUCCESS : SBI_FAILED, 0);
    } else if (function > DBCN_WRITE_BYTE) {
        finish(vcpu, SBI_NOT_SUPPORTED, 0);
    } else if (n == 0) {
        finish(vcpu, SBI_SUCCESS, 0);
    } else {
        uint8_t *host = high == 0 ? find_ram(vcpu->vm, gpa, n) : NULL;
        if (host == NULL)
            finish(vcpu, SBI_INVALID_PARAM, 0);
        else
            finish(vcpu, SBI_SUCCESS,
                   function == DBCN_READ ? console_read(env, host, n)
                                         : console_write(env, host, n));
    }
}

void kvm_sbi_call(struct accel_vcpu *vcpu)
{
    const struct accel_env *env = vcpu->vm->config.env;
    uint8_t byte = (uint8_t)vcpu->run->riscv_sbi.args[0];
    switch (vcpu->run->riscv_sbi.extension_id) {
    case EXT_PUTCHAR:
        (void)console_write(env, &byte, 1);
        finish(vcpu, SBI_SUCCESS, vcpu->run->riscv_sbi.args[1]);
        break;
    case EXT_GETCHAR:
        finish(vcpu, console_read(env, &byte, 1) == 1 ? byte : -1, vcpu->run->riscv_sbi.args[1]);
        break;
    case EXT_DBCN:
        call_dbcn(vcpu);
        break;
    default:
        finish(vcpu, SBI_NOT_SUPPORTED, 0);
        break;
    }
    vcpu->is_unfinished = true;
}
