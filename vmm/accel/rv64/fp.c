/*
 * Floating-point instructions: registers, NaN boxes and rounding modes around the arithmetic of
 * fpu.c. Unprivileged ISA 20191213, chapters 11 (F) and 12 (D). mstatus.FS has been looked at
 * when we get here.
 */
#include "accel/rv64/fpu.h"
#include "accel/rv64/parts.h"

struct fp {
    uint32_t a, b, c; /* operands as singles */
    uint64_t da, db, dc;
    uint64_t x; /* the integer operand */
    uint32_t rm;
};

bool fp_resolve_rm(const struct hart *h, uint32_t imm, uint32_t *rm)
{
    *rm = imm >> 8 & 7;
    if (*rm == 7)
        *rm = h->frm;
    return fpu_is_rm(*rm);
}

/* Operations on singles with a single as result. */
static bool single_to_single(const struct fp *p, uint32_t op, uint32_t *flags, uint32_t *out)
{
    switch (op) {
    case FP_ADD:
        *out = fpu_add_s(p->a, p->b, p->rm, flags);
        return true;
    case FP_SUB:
        *out = fpu_sub_s(p->a, p->b, p->rm, flags);
        return true;
    case FP_MUL:
        *out = fpu_mul_s(p->a, p->b, p->rm, flags);
        return true;
    case FP_DIV:
        *out = fpu_div_s(p->a, p->b, p->rm, flags);
        return true;
    case FP_SQRT:
        *out = fpu_sqrt_s(p->a, p->rm, flags);
        return true;
    case FP_SGNJ:
        *out = fpu_sgnj_s(p->a, p->b);
        return true;
    case FP_SGNJN:
        *out = fpu_sgnjn_s(p->a, p->b);
        return true;
    case FP_SGNJX:
        *out = fpu_sgnjx_s(p->a, p->b);
        return true;
    case FP_MIN:
        *out = fpu_min_s(p->a, p->b, flags);
        return true;
    case FP_MAX:
        *out = fpu_max_s(p->a, p->b, flags);
        return true;
    case FP_MADD:
        *out = fpu_fma_s(p->a, p->b, p->c, p->rm, flags);
        return true;
    case FP_MSUB:
        *out = fpu_fma_s(p->a, p->b, fpu_neg_s(p->c), p->rm, flags);
        return true;
    case FP_NMSUB:
        *out = fpu_fma_s(fpu_neg_s(p->a), p->b, p->c, p->rm, flags);
        return true;
    case FP_NMADD:
        *out = fpu_fma_s(fpu_neg_s(p->a), p->b, fpu_neg_s(p->c), p->rm, flags);
        return true;
    default:
        return false;
    }
}

static bool other_to_single(const struct fp *p, uint32_t op, uint32_t *flags, uint32_t *out)
{
    switch (op) {
    case FP_MV_FROM_X:
        *out = (uint32_t)p->x;
        return true;
    case FP_CVT_FROM_W:
        *out = fpu_cvt_s_w(p->x, p->rm, flags);
        return true;
    case FP_CVT_FROM_WU:
        *out = fpu_cvt_s_wu(p->x, p->rm, flags);
        return true;
    case FP_CVT_FROM_L:
        *out = fpu_cvt_s_l(p->x, p->rm, flags);
        return true;
    case FP_CVT_FROM_LU:
        *out = fpu_cvt_s_lu(p->x, p->rm, flags);
        return true;
    case FP_CVT_FROM_OTHER:
        *out = fpu_cvt_s_d(p->da, p->rm, flags);
        return true;
    default:
        return false;
    }
}

/* `raw` is the register as it is, for FMV.X.W, which does not look at the box. */
static uint64_t single_to_x(const struct fp *p, uint32_t op, uint64_t raw, uint32_t *flags)
{
    switch (op) {
    case FP_LE:
        return fpu_le_s(p->a, p->b, flags);
    case FP_LT:
        return fpu_lt_s(p->a, p->b, flags);
    case FP_EQ:
        return fpu_eq_s(p->a, p->b, flags);
    case FP_CLASS:
        return fpu_class_s(p->a);
    case FP_CVT_TO_W:
        return fpu_cvt_w_s(p->a, p->rm, flags);
    case FP_CVT_TO_WU:
        return fpu_cvt_wu_s(p->a, p->rm, flags);
    case FP_CVT_TO_L:
        return fpu_cvt_l_s(p->a, p->rm, flags);
    case FP_CVT_TO_LU:
        return fpu_cvt_lu_s(p->a, p->rm, flags);
    default: /* FP_MV_TO_X */
        return (uint64_t)(int64_t)(int32_t)(uint32_t)raw;
    }
}

static bool double_to_double(const struct fp *p, uint32_t op, uint32_t *flags, uint64_t *out)
{
    switch (op) {
    case FP_ADD:
        *out = fpu_add_d(p->da, p->db, p->rm, flags);
        return true;
    case FP_SUB:
        *out = fpu_sub_d(p->da, p->db, p->rm, flags);
        return true;
    case FP_MUL:
        *out = fpu_mul_d(p->da, p->db, p->rm, flags);
        return true;
    case FP_DIV:
        *out = fpu_div_d(p->da, p->db, p->rm, flags);
        return true;
    case FP_SQRT:
        *out = fpu_sqrt_d(p->da, p->rm, flags);
        return true;
    case FP_SGNJ:
        *out = fpu_sgnj_d(p->da, p->db);
        return true;
    case FP_SGNJN:
        *out = fpu_sgnjn_d(p->da, p->db);
        return true;
    case FP_SGNJX:
        *out = fpu_sgnjx_d(p->da, p->db);
        return true;
    case FP_MIN:
        *out = fpu_min_d(p->da, p->db, flags);
        return true;
    case FP_MAX:
        *out = fpu_max_d(p->da, p->db, flags);
        return true;
    case FP_MADD:
        *out = fpu_fma_d(p->da, p->db, p->dc, p->rm, flags);
        return true;
    case FP_MSUB:
        *out = fpu_fma_d(p->da, p->db, fpu_neg_d(p->dc), p->rm, flags);
        return true;
    case FP_NMSUB:
        *out = fpu_fma_d(fpu_neg_d(p->da), p->db, p->dc, p->rm, flags);
        return true;
    case FP_NMADD:
        *out = fpu_fma_d(fpu_neg_d(p->da), p->db, fpu_neg_d(p->dc), p->rm, flags);
        return true;
    default:
        return false;
    }
}

static bool other_to_double(const struct fp *p, uint32_t op, uint32_t *flags, uint64_t *out)
{
    switch (op) {
    case FP_MV_FROM_X:
        *out = p->x;
        return true;
    case FP_CVT_FROM_W:
        *out = fpu_cvt_d_w(p->x);
        return true;
    case FP_CVT_FROM_WU:
        *out = fpu_cvt_d_wu(p->x);
        return true;
    case FP_CVT_FROM_L:
        *out = fpu_cvt_d_l(p->x, p->rm, flags);
        return true;
    case FP_CVT_FROM_LU:
        *out = fpu_cvt_d_lu(p->x, p->rm, flags);
        return true;
    case FP_CVT_FROM_OTHER:
        *out = fpu_cvt_d_s(p->a, flags);
        return true;
    default:
        return false;
    }
}

static uint64_t double_to_x(const struct fp *p, uint32_t op, uint32_t *flags)
{
    switch (op) {
    case FP_LE:
        return fpu_le_d(p->da, p->db, flags);
    case FP_LT:
        return fpu_lt_d(p->da, p->db, flags);
    case FP_EQ:
        return fpu_eq_d(p->da, p->db, flags);
    case FP_CLASS:
        return fpu_class_d(p->da);
    case FP_CVT_TO_W:
        return fpu_cvt_w_d(p->da, p->rm, flags);
    case FP_CVT_TO_WU:
        return fpu_cvt_wu_d(p->da, p->rm, flags);
    case FP_CVT_TO_L:
        return fpu_cvt_l_d(p->da, p->rm, flags);
    case FP_CVT_TO_LU:
        return fpu_cvt_lu_d(p->da, p->rm, flags);
    default: /* FP_MV_TO_X */
        return p->da;
    }
}

static bool uses_rm(uint32_t op)
{
    return op <= FP_SQRT || op >= FP_CVT_TO_W;
}

bool fp_execute(struct hart *h, const struct op *op)
{
    uint32_t imm = (uint32_t)op->imm, kind = imm & 31, single;
    uint64_t fa = h->f[op->rs1], fb = h->f[op->rs2], fc = h->f[imm >> 16 & 31], wide;
    struct fp p = {.a = fpu_unbox_s(fa),
                   .b = fpu_unbox_s(fb),
                   .c = fpu_unbox_s(fc),
                   .da = fa,
                   .db = fb,
                   .dc = fc,
                   .x = h->x[op->rs1]};
    if (!fp_resolve_rm(h, imm, &p.rm) && uses_rm(kind))
        return false;
    if ((imm & FP_D) != 0) {
        if (double_to_double(&p, kind, &h->fflags, &wide) ||
            other_to_double(&p, kind, &h->fflags, &wide))
            h->f[op->rd] = wide;
        else
            h->x[op->rd] = double_to_x(&p, kind, &h->fflags);
        return true;
    }
    if (single_to_single(&p, kind, &h->fflags, &single) ||
        other_to_single(&p, kind, &h->fflags, &single))
        h->f[op->rd] = fpu_box_s(single);
    else
        h->x[op->rd] = single_to_x(&p, kind, fa, &h->fflags);
    return true;
}
