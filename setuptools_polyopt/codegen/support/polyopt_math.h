/* polyopt_math.h: Python's and NumPy's arithmetic, bit for bit, inline. Included by polyopt.h only.
 *
 * Names: polyopt_py_* is what CPython computes on int (as int64), float, complex; where CPython raises, or leaves int64, the context
 * is marked as failed and the answer is arbitrary. polyopt_np_* is what NumPy's loops and scalars compute, with the floating-point
 * flags that NumPy turns into warnings. polyopt_* without either is plain helper arithmetic of generated loops.
 * Suffixes: i32 i64 f32 f64 c64 c128.
 */
#ifndef POLYOPT_MATH_H
#define POLYOPT_MATH_H

#if (defined(__GNUC__) || defined(__clang__)) && !defined(POLYOPT_DEVICE)
#define POLYOPT_BUILTIN(name) __builtin_##name
#else
#define POLYOPT_BUILTIN(name) name
#endif

#define POLYOPT_SQRT(x) POLYOPT_BUILTIN(sqrt)(x)
#define POLYOPT_SQRTF(x) POLYOPT_BUILTIN(sqrtf)(x)
#define POLYOPT_FABS(x) POLYOPT_BUILTIN(fabs)(x)
#define POLYOPT_FABSF(x) POLYOPT_BUILTIN(fabsf)(x)
#define POLYOPT_FLOOR(x) POLYOPT_BUILTIN(floor)(x)
#define POLYOPT_FLOORF(x) POLYOPT_BUILTIN(floorf)(x)
#define POLYOPT_CEIL(x) POLYOPT_BUILTIN(ceil)(x)
#define POLYOPT_CEILF(x) POLYOPT_BUILTIN(ceilf)(x)
#define POLYOPT_TRUNC(x) POLYOPT_BUILTIN(trunc)(x)
#define POLYOPT_TRUNCF(x) POLYOPT_BUILTIN(truncf)(x)
#define POLYOPT_RINT(x) POLYOPT_BUILTIN(rint)(x)
#define POLYOPT_RINTF(x) POLYOPT_BUILTIN(rintf)(x)
#define POLYOPT_COPYSIGN(x, y) POLYOPT_BUILTIN(copysign)(x, y)
#define POLYOPT_COPYSIGNF(x, y) POLYOPT_BUILTIN(copysignf)(x, y)

/* A product that stays one: gcc 12 and later turn `a*b - c` beside `d*e + f` into one instruction that does not round the products, for
 * all that -ffp-contract=off says. */
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12 && !defined(POLYOPT_DEVICE)
#define POLYOPT_PRODUCT(x) __builtin_assoc_barrier(x)
#else
#define POLYOPT_PRODUCT(x) (x)
#endif

/* ---- flags, raised by arithmetic that no compiler may fold ------------------------------------------------------------------ */

#ifndef POLYOPT_DEVICE
POLYOPT_COLD void polyopt_raise_invalid(void);
POLYOPT_COLD void polyopt_raise_divide(void);
POLYOPT_COLD void polyopt_raise_overflow(void);
#endif

/* ---- comparisons that leave FE_INVALID alone on quiet NaN (== and != do so by themselves) ------------------------------------
 * In scalar code. gcc vectorises them with instructions that do raise it: then a region that meets NaN may see a flag that NumPy
 * would not show, and the original runs. The values are right either way. */

#define POLYOPT_LT(a, b) POLYOPT_BUILTIN(isless)((a), (b))
#define POLYOPT_LE(a, b) POLYOPT_BUILTIN(islessequal)((a), (b))
#define POLYOPT_GT(a, b) POLYOPT_BUILTIN(isgreater)((a), (b))
#define POLYOPT_GE(a, b) POLYOPT_BUILTIN(isgreaterequal)((a), (b))

/* ---- integers of generated loops: b > 0, no overflow ------------------------------------------------------------------------- */

POLYOPT_INLINE int64_t polyopt_floordiv(int64_t a, int64_t b) { return a / b - (a % b < 0); }
POLYOPT_INLINE int64_t polyopt_ceildiv(int64_t a, int64_t b) { return a / b + (a % b > 0); }
POLYOPT_INLINE int64_t polyopt_mod(int64_t a, int64_t b) { int64_t r = a % b; return r < 0 ? r + b : r; }
POLYOPT_INLINE int64_t polyopt_min(int64_t a, int64_t b) { return a < b ? a : b; }
POLYOPT_INLINE int64_t polyopt_max(int64_t a, int64_t b) { return a > b ? a : b; }

/* ---- Python's int, held in int64: anything that leaves int64 fails ----------------------------------------------------------- */

#if (defined(__GNUC__) || defined(__clang__)) && !defined(POLYOPT_DEVICE)
#define POLYOPT_OVERFLOWS_add(a, b, r) __builtin_add_overflow((a), (b), (r))
#define POLYOPT_OVERFLOWS_sub(a, b, r) __builtin_sub_overflow((a), (b), (r))
#define POLYOPT_OVERFLOWS_mul(a, b, r) __builtin_mul_overflow((a), (b), (r))
#else
POLYOPT_INLINE int POLYOPT_OVERFLOWS_add(int64_t a, int64_t b, int64_t *r)
{
    *r = (int64_t)((uint64_t)a + (uint64_t)b);
    return ((a ^ *r) & (b ^ *r)) < 0;
}
POLYOPT_INLINE int POLYOPT_OVERFLOWS_sub(int64_t a, int64_t b, int64_t *r)
{
    *r = (int64_t)((uint64_t)a - (uint64_t)b);
    return ((a ^ b) & (a ^ *r)) < 0;
}
POLYOPT_INLINE int POLYOPT_OVERFLOWS_mul(int64_t a, int64_t b, int64_t *r)
{
    *r = (int64_t)((uint64_t)a * (uint64_t)b);
    if (a == 0 || b == 0) return 0;
    if ((a == -1 && b == INT64_MIN) || (b == -1 && a == INT64_MIN)) return 1;
    return *r / b != a;
}
#endif

#define POLYOPT_CHECKED(op)                                                                                                       \
    POLYOPT_INLINE int64_t polyopt_py_##op##_i64(struct polyopt_ctx *ctx, int64_t a, int64_t b)                                   \
    {                                                                                                                             \
        int64_t r;                                                                                                                \
        if (POLYOPT_UNLIKELY(POLYOPT_OVERFLOWS_##op(a, b, &r))) polyopt_fail(ctx);                                                \
        return r;                                                                                                                 \
    }
POLYOPT_CHECKED(add)
POLYOPT_CHECKED(sub)
POLYOPT_CHECKED(mul)
#undef POLYOPT_CHECKED

POLYOPT_INLINE int64_t polyopt_py_neg_i64(struct polyopt_ctx *ctx, int64_t a) { return polyopt_py_sub_i64(ctx, 0, a); }
POLYOPT_INLINE int64_t polyopt_py_abs_i64(struct polyopt_ctx *ctx, int64_t a) { return a < 0 ? polyopt_py_neg_i64(ctx, a) : a; }

POLYOPT_INLINE int64_t polyopt_py_floordiv_i64(struct polyopt_ctx *ctx, int64_t a, int64_t b)
{
    if (POLYOPT_UNLIKELY(b == 0 || (b == -1 && a == INT64_MIN))) {
        polyopt_fail(ctx);
        return 0;
    }
    return a / b - ((a % b != 0) & ((a < 0) != (b < 0)));
}

POLYOPT_INLINE int64_t polyopt_py_mod_i64(struct polyopt_ctx *ctx, int64_t a, int64_t b)
{
    if (POLYOPT_UNLIKELY(b == 0)) {
        polyopt_fail(ctx);
        return 0;
    }
    if (b == -1) return 0;
    int64_t r = a % b;
    return r != 0 && ((r < 0) != (b < 0)) ? r + b : r;
}

/* int / int is the correctly rounded quotient; beyond 2**53 it is left to Python. */
POLYOPT_INLINE double polyopt_py_truediv_i64(struct polyopt_ctx *ctx, int64_t a, int64_t b)
{
    const int64_t top = INT64_C(1) << 53;
    if (POLYOPT_UNLIKELY(b == 0 || a > top || a < -top || b > top || b < -top)) {
        polyopt_fail(ctx);
        return 0.0;
    }
    return (double)a / (double)b;
}

/* int ** int; a negative exponent gives a float in Python: fails. */
POLYOPT_INLINE int64_t polyopt_py_pow_i64(struct polyopt_ctx *ctx, int64_t a, int64_t b)
{
    int64_t r = 1;
    if (POLYOPT_UNLIKELY(b < 0)) {
        polyopt_fail(ctx);
        return 0;
    }
    for (;;) {
        if (b & 1) r = polyopt_py_mul_i64(ctx, r, a);
        b >>= 1;
        if (b == 0 || ctx->failed) return r;
        a = polyopt_py_mul_i64(ctx, a, a);
    }
}

POLYOPT_INLINE int64_t polyopt_py_lshift_i64(struct polyopt_ctx *ctx, int64_t a, int64_t b)
{
    if (a == 0 && b >= 0) return 0;
    if (a == -1 && b == 63) return INT64_MIN;
    if (POLYOPT_UNLIKELY(b < 0 || b > 62)) {
        polyopt_fail(ctx);
        return 0;
    }
    return polyopt_py_mul_i64(ctx, a, INT64_C(1) << b);
}

POLYOPT_INLINE int64_t polyopt_py_rshift_i64(struct polyopt_ctx *ctx, int64_t a, int64_t b)
{
    if (POLYOPT_UNLIKELY(b < 0)) polyopt_fail(ctx);
    return b > 62 ? -(a < 0) : (b < 0 ? 0 : a >> b);
}

/* An int that meets a float in a comparison: Python compares exactly, so the conversion has to be exact. */
POLYOPT_INLINE double polyopt_py_exact_f64(struct polyopt_ctx *ctx, int64_t a)
{
    const int64_t top = INT64_C(1) << 53;
    if (POLYOPT_UNLIKELY(a > top || a < -top)) polyopt_fail(ctx);
    return (double)a;
}

/* ---- Python's float ---------------------------------------------------------------------------------------------------------- */

POLYOPT_INLINE double polyopt_py_truediv_f64(struct polyopt_ctx *ctx, double a, double b)
{
    if (POLYOPT_UNLIKELY(b == 0.0)) {
        polyopt_fail(ctx);
        return 0.0;
    }
    return a / b;
}

/* The quotient and remainder that CPython (float_divmod) and NumPy (npy_divmod) share; b != 0. */
POLYOPT_INLINE double polyopt_divmod_f64(double a, double b, double *mod)
{
    double m = fmod(a, b), div = (a - m) / b, floored;
    if (m != 0.0) {
        if (POLYOPT_LT(b, 0.0) != POLYOPT_LT(m, 0.0)) {
            m += b;
            div -= 1.0;
        }
    }
    else m = POLYOPT_COPYSIGN(0.0, b);
    if (div != 0.0) {
        floored = POLYOPT_FLOOR(div);
        if (POLYOPT_GT(div - floored, 0.5)) floored += 1.0;
    }
    else floored = POLYOPT_COPYSIGN(0.0, a / b);
    *mod = m;
    return floored;
}

POLYOPT_INLINE float polyopt_divmod_f32(float a, float b, float *mod)
{
    float m = fmodf(a, b), div = (a - m) / b, floored;
    if (m != 0.0f) {
        if (POLYOPT_LT(b, 0.0f) != POLYOPT_LT(m, 0.0f)) {
            m += b;
            div -= 1.0f;
        }
    }
    else m = POLYOPT_COPYSIGNF(0.0f, b);
    if (div != 0.0f) {
        floored = POLYOPT_FLOORF(div);
        if (POLYOPT_GT(div - floored, 0.5f)) floored += 1.0f;
    }
    else floored = POLYOPT_COPYSIGNF(0.0f, a / b);
    *mod = m;
    return floored;
}

POLYOPT_INLINE double polyopt_py_floordiv_f64(struct polyopt_ctx *ctx, double a, double b)
{
    double mod;
    if (POLYOPT_UNLIKELY(b == 0.0)) {
        polyopt_fail(ctx);
        return 0.0;
    }
    return polyopt_divmod_f64(a, b, &mod);
}

POLYOPT_INLINE double polyopt_py_mod_f64(struct polyopt_ctx *ctx, double a, double b)
{
    double mod;
    if (POLYOPT_UNLIKELY(b == 0.0)) {
        polyopt_fail(ctx);
        return 0.0;
    }
    mod = fmod(a, b);
    if (mod != 0.0) return POLYOPT_LT(b, 0.0) != POLYOPT_LT(mod, 0.0) ? mod + b : mod;
    return POLYOPT_COPYSIGN(0.0, b);
}

#ifndef POLYOPT_DEVICE
/* x ** y for floats (float_pow): complex results, 0 ** negative and overflow fail. */
POLYOPT_INLINE double polyopt_py_pow_f64(struct polyopt_ctx *ctx, double x, double y)
{
    int negate = 0;
    double r;
    if (y == 0.0) return 1.0;
    if (x != x) return x;
    if (y != y) return x == 1.0 ? 1.0 : y;
    if (y - y != 0.0) { /* infinite */
        x = POLYOPT_FABS(x);
        if (x == 1.0) return 1.0;
        return (y > 0.0) == (x > 1.0) ? POLYOPT_FABS(y) : 0.0;
    }
    int odd = fmod(POLYOPT_FABS(y), 2.0) == 1.0;
    if (x - x != 0.0) {
        if (y > 0.0) return odd ? x : POLYOPT_FABS(x);
        return odd ? POLYOPT_COPYSIGN(0.0, x) : 0.0;
    }
    if (x == 0.0) {
        if (y < 0.0) polyopt_fail(ctx);
        return odd ? x : 0.0;
    }
    if (x < 0.0) {
        if (y != POLYOPT_FLOOR(y)) {
            polyopt_fail(ctx);
            return 0.0;
        }
        x = -x;
        negate = odd;
    }
    if (x == 1.0) return negate ? -1.0 : 1.0;
    r = ctx->fn->libm.pow(x, y);
    if (POLYOPT_UNLIKELY(r - r != 0.0)) polyopt_fail(ctx);
    return negate ? -r : r;
}
#endif

/* The result r = f(x) of a math.* function: where CPython would raise ValueError or OverflowError, fails. */
POLYOPT_INLINE double polyopt_py_math1(struct polyopt_ctx *ctx, double x, double r)
{
    if (POLYOPT_UNLIKELY(r - r != 0.0 && x - x == 0.0)) polyopt_fail(ctx);    /* finite to infinite or nan */
    else if (POLYOPT_UNLIKELY(r != r && x == x)) polyopt_fail(ctx);           /* infinite to nan */
    return r;
}

/* The same for two arguments (atan2 never fails; fmod, copysign, remainder). math.pow is polyopt_py_math_pow. */
POLYOPT_INLINE double polyopt_py_math2(struct polyopt_ctx *ctx, double x, double y, double r)
{
    if (POLYOPT_UNLIKELY(r != r && x == x && y == y)) polyopt_fail(ctx);
    else if (POLYOPT_UNLIKELY(r - r != 0.0 && r == r && x - x == 0.0 && y - y == 0.0)) polyopt_fail(ctx);
    return r;
}

#ifndef POLYOPT_DEVICE
/* math.log, log2, log10 (f names the libm function): x <= 0 raises; CPython calls libm for the rest. */
POLYOPT_INLINE double polyopt_py_math_log(struct polyopt_ctx *ctx, polyopt_libm1 f, double x)
{
    if (POLYOPT_UNLIKELY(POLYOPT_LE(x, 0.0))) {
        polyopt_fail(ctx);
        return 0.0;
    }
    return x - x == 0.0 ? f(x) : x;
}

POLYOPT_INLINE double polyopt_py_math_pow(struct polyopt_ctx *ctx, double x, double y)
{
    double r;
    if (x - x == 0.0 && y - y == 0.0) {
        r = ctx->fn->libm.pow(x, y);
        if (POLYOPT_UNLIKELY(r - r != 0.0)) polyopt_fail(ctx);
        return r;
    }
    if (x != x) return y == 0.0 ? 1.0 : x;
    if (y != y) return x == 1.0 ? 1.0 : y;
    if (x - x != 0.0) {
        int odd = y - y == 0.0 && fmod(POLYOPT_FABS(y), 2.0) == 1.0;
        if (y > 0.0) return odd ? x : POLYOPT_FABS(x);
        if (y == 0.0) return 1.0;
        return odd ? POLYOPT_COPYSIGN(0.0, x) : 0.0;
    }
    if (POLYOPT_FABS(x) == 1.0) return 1.0;
    if (y > 0.0) return POLYOPT_FABS(x) > 1.0 ? y : 0.0;
    if (x == 0.0) polyopt_fail(ctx); /* raises on 3.10, inf from 3.11 on */
    return POLYOPT_FABS(x) < 1.0 ? -y : 0.0;
}
#endif

/* int(x), math.floor, math.ceil, round(x): an int that must fit in int64. */
POLYOPT_INLINE int64_t polyopt_py_int_f64(struct polyopt_ctx *ctx, double x)
{
    if (POLYOPT_UNLIKELY(!(POLYOPT_GE(x, -9223372036854775808.0) && POLYOPT_LT(x, 9223372036854775808.0)))) {
        polyopt_fail(ctx);
        return 0;
    }
    return (int64_t)x;
}
POLYOPT_INLINE int64_t polyopt_py_floor_f64(struct polyopt_ctx *ctx, double x) { return polyopt_py_int_f64(ctx, POLYOPT_FLOOR(x)); }
POLYOPT_INLINE int64_t polyopt_py_ceil_f64(struct polyopt_ctx *ctx, double x) { return polyopt_py_int_f64(ctx, POLYOPT_CEIL(x)); }
POLYOPT_INLINE int64_t polyopt_py_round_f64(struct polyopt_ctx *ctx, double x)
{
    double r = POLYOPT_TRUNC(x), d = POLYOPT_FABS(x - r); /* independent of the rounding mode */
    if (d > 0.5 || (d == 0.5 && fmod(r, 2.0) != 0.0)) r += POLYOPT_COPYSIGN(1.0, x);
    return polyopt_py_int_f64(ctx, r);
}

/* max(a, b) and min(a, b) of two arguments: the first one wins unless the second is truly greater (less). */
POLYOPT_INLINE double polyopt_py_max_f64(double a, double b) { return POLYOPT_GT(b, a) ? b : a; }
POLYOPT_INLINE double polyopt_py_min_f64(double a, double b) { return POLYOPT_LT(b, a) ? b : a; }

/* ---- Python's complex (and NumPy's complex scalars, for + - *) ---------------------------------------------------------------- */

#define POLYOPT_COMPLEX(C, F, S)                                                                                                  \
    POLYOPT_INLINE C polyopt_make_##S(F re, F im) { C r = {re, im}; return r; }                                                   \
    POLYOPT_INLINE C polyopt_add_##S(C a, C b) { C r = {a.re + b.re, a.im + b.im}; return r; }                                    \
    POLYOPT_INLINE C polyopt_sub_##S(C a, C b) { C r = {a.re - b.re, a.im - b.im}; return r; }                                    \
    POLYOPT_INLINE C polyopt_mul_##S(C a, C b)                                                                                    \
    {                                                                                                                             \
        C r = {POLYOPT_PRODUCT(a.re * b.re) - POLYOPT_PRODUCT(a.im * b.im), POLYOPT_PRODUCT(a.re * b.im) + POLYOPT_PRODUCT(a.im * b.re)};\
        return r;                                                                                                                 \
    }                                                                                                                             \
    POLYOPT_INLINE C polyopt_neg_##S(C a) { C r = {-a.re, -a.im}; return r; }                                                     \
    POLYOPT_INLINE C polyopt_conj_##S(C a) { C r = {a.re, -a.im}; return r; }                                                     \
    POLYOPT_INLINE int32_t polyopt_eq_##S(C a, C b) { return a.re == b.re && a.im == b.im; }                                      \
    POLYOPT_INLINE int32_t polyopt_ne_##S(C a, C b) { return !(a.re == b.re && a.im == b.im); }                                   \
    /* Smith's division as NumPy's scalars do it; b == 0 divides the parts by zero. */                                            \
    POLYOPT_INLINE C polyopt_np_div_##S(C a, C b)                                                                                 \
    {                                                                                                                             \
        F br = (F)POLYOPT_FABS((double)b.re), bi = (F)POLYOPT_FABS((double)b.im);                                                 \
        C r;                                                                                                                      \
        if (POLYOPT_GE(br, bi)) {                                                                                                 \
            if (br == 0 && bi == 0) {                                                                                             \
                r.re = a.re / br;                                                                                                 \
                r.im = a.im / br;                                                                                                 \
                return r;                                                                                                         \
            }                                                                                                                     \
            F rat = b.im / b.re, scl = (F)1 / (b.re + POLYOPT_PRODUCT(b.im * rat));                                               \
            r.re = (a.re + POLYOPT_PRODUCT(a.im * rat)) * scl;                                                                    \
            r.im = (a.im - POLYOPT_PRODUCT(a.re * rat)) * scl;                                                                    \
        }                                                                                                                         \
        else {                                                                                                                    \
            F rat = b.re / b.im, scl = (F)1 / (b.im + POLYOPT_PRODUCT(b.re * rat));                                               \
            r.re = (POLYOPT_PRODUCT(a.re * rat) + a.im) * scl;                                                                    \
            r.im = (POLYOPT_PRODUCT(a.im * rat) - a.re) * scl;                                                                    \
        }                                                                                                                         \
        return r;                                                                                                                 \
    }
POLYOPT_COMPLEX(polyopt_c128, double, c128)
POLYOPT_COMPLEX(polyopt_c64, float, c64)
#undef POLYOPT_COMPLEX

POLYOPT_INLINE polyopt_c128 polyopt_py_div_c128(struct polyopt_ctx *ctx, polyopt_c128 a, polyopt_c128 b)
{
    double br = b.re < 0 ? -b.re : b.re, bi = b.im < 0 ? -b.im : b.im;
    polyopt_c128 r;
    if (POLYOPT_GE(br, bi)) {
        if (POLYOPT_UNLIKELY(br == 0.0)) polyopt_fail(ctx);
        double ratio = b.im / b.re, denom = b.re + POLYOPT_PRODUCT(b.im * ratio);
        r.re = (a.re + POLYOPT_PRODUCT(a.im * ratio)) / denom;
        r.im = (a.im - POLYOPT_PRODUCT(a.re * ratio)) / denom;
    }
    else if (POLYOPT_GE(bi, br)) {
        double ratio = b.re / b.im, denom = POLYOPT_PRODUCT(b.re * ratio) + b.im;
        r.re = (POLYOPT_PRODUCT(a.re * ratio) + a.im) / denom;
        r.im = (POLYOPT_PRODUCT(a.im * ratio) - a.re) / denom;
    }
    else r.re = r.im = (double)NAN;
    return r;
}

#ifndef POLYOPT_DEVICE
/* abs(z) of a Python complex: libm's hypot; overflow raises. */
POLYOPT_INLINE double polyopt_py_abs_c128(struct polyopt_ctx *ctx, polyopt_c128 z)
{
    double r;
    if (z.re - z.re != 0.0 || z.im - z.im != 0.0) {
        if (z.re - z.re != 0.0 && z.re == z.re) return POLYOPT_FABS(z.re);
        if (z.im - z.im != 0.0 && z.im == z.im) return POLYOPT_FABS(z.im);
        return (double)NAN;
    }
    r = ctx->fn->libm.hypot(z.re, z.im);
    if (POLYOPT_UNLIKELY(r - r != 0.0)) polyopt_fail(ctx);
    return r;
}
#endif

/* ---- NumPy's integers: they wrap ---------------------------------------------------------------------------------------------- */

#define POLYOPT_WRAPPING(T, U, S, LOW)                                                                                            \
    POLYOPT_INLINE T polyopt_np_add_##S(T a, T b) { return (T)((U)a + (U)b); }                                                    \
    POLYOPT_INLINE T polyopt_np_sub_##S(T a, T b) { return (T)((U)a - (U)b); }                                                    \
    POLYOPT_INLINE T polyopt_np_mul_##S(T a, T b) { return (T)((U)a * (U)b); }                                                    \
    POLYOPT_INLINE T polyopt_np_neg_##S(T a) { return (T)((U)0 - (U)a); }                                                         \
    POLYOPT_INLINE T polyopt_np_abs_##S(T a) { return a < 0 ? (T)((U)0 - (U)a) : a; }                                             \
    POLYOPT_INLINE T polyopt_np_sign_##S(T a) { return (T)((a > 0) - (a < 0)); }                                                  \
    POLYOPT_INLINE T polyopt_np_max_##S(T a, T b) { return a > b ? a : b; }                                                       \
    POLYOPT_INLINE T polyopt_np_min_##S(T a, T b) { return a < b ? a : b; }                                                       \
    POLYOPT_INLINE T polyopt_np_floordiv_##S(T a, T b)                                                                            \
    {                                                                                                                             \
        if (POLYOPT_UNLIKELY(b == 0)) { polyopt_raise_divide(); return 0; }                                                       \
        if (POLYOPT_UNLIKELY(b == -1 && a == LOW)) { polyopt_raise_overflow(); return LOW; }                                      \
        return (T)(a / b - ((a % b != 0) & ((a < 0) != (b < 0))));                                                                \
    }                                                                                                                             \
    POLYOPT_INLINE T polyopt_np_mod_##S(T a, T b)                                                                                 \
    {                                                                                                                             \
        if (POLYOPT_UNLIKELY(b == 0)) { polyopt_raise_divide(); return 0; }                                                       \
        if (b == -1) return 0;                                                                                                    \
        T r = (T)(a % b);                                                                                                         \
        return r != 0 && ((r < 0) != (b < 0)) ? (T)(r + b) : r;                                                                   \
    }                                                                                                                             \
    /* a ** b; a negative exponent raises ValueError: fails. */                                                                  \
    POLYOPT_INLINE T polyopt_np_pow_##S(struct polyopt_ctx *ctx, T a, T b)                                                        \
    {                                                                                                                             \
        U r = 1, base = (U)a;                                                                                                     \
        if (POLYOPT_UNLIKELY(b < 0)) { polyopt_fail(ctx); return 0; }                                                             \
        for (; b > 0; b >>= 1, base *= base)                                                                                      \
            if (b & 1) r *= base;                                                                                                 \
        return (T)r;                                                                                                              \
    }                                                                                                                             \
    POLYOPT_INLINE T polyopt_np_lshift_##S(T a, T b) { return (U)b < sizeof(T) * 8 ? (T)((U)a << b) : 0; }                        \
    POLYOPT_INLINE T polyopt_np_rshift_##S(T a, T b) { return (U)b < sizeof(T) * 8 ? (T)(a >> b) : (T)(-(a < 0)); }
POLYOPT_WRAPPING(int64_t, uint64_t, i64, INT64_MIN)
POLYOPT_WRAPPING(int32_t, uint32_t, i32, INT32_MIN)
#undef POLYOPT_WRAPPING

/* ---- NumPy's floats ----------------------------------------------------------------------------------------------------------- */

#define POLYOPT_FLOATS(F, S, FMOD, ZERO)                                                                                          \
    POLYOPT_INLINE F polyopt_np_floordiv_##S(F a, F b) { F mod; return b == 0 ? a / b : polyopt_divmod_##S(a, b, &mod); }         \
    POLYOPT_INLINE F polyopt_np_mod_##S(F a, F b)                                                                                 \
    {                                                                                                                             \
        F mod;                                                                                                                    \
        if (b == 0) return FMOD(a, b);                                                                                            \
        (void)polyopt_divmod_##S(a, b, &mod);                                                                                     \
        return mod;                                                                                                               \
    }                                                                                                                             \
    /* maximum, minimum: a nan wins, the first one's. fmax, fmin: a nan loses. */                                                \
    POLYOPT_INLINE F polyopt_np_maximum_##S(F a, F b) { return (POLYOPT_GE(a, b) || a != a) ? a : b; }                            \
    POLYOPT_INLINE F polyopt_np_minimum_##S(F a, F b) { return (POLYOPT_LE(a, b) || a != a) ? a : b; }                            \
    POLYOPT_INLINE F polyopt_np_fmax_##S(F a, F b) { return (POLYOPT_GE(a, b) || b != b) ? a : b; }                               \
    POLYOPT_INLINE F polyopt_np_fmin_##S(F a, F b) { return (POLYOPT_LE(a, b) || b != b) ? a : b; }                               \
    POLYOPT_INLINE F polyopt_np_sign_##S(F a)                                                                                     \
    {                                                                                                                             \
        return POLYOPT_GT(a, ZERO) ? (F)1 : POLYOPT_LT(a, ZERO) ? (F)-1 : a == ZERO ? ZERO : a;                                   \
    }
POLYOPT_FLOATS(double, f64, fmod, 0.0)
POLYOPT_FLOATS(float, f32, fmodf, 0.0f)
#undef POLYOPT_FLOATS

/* ---- casts as NumPy's astype and assignment do them --------------------------------------------------------------------------- */

/* Float to integer: out of range and nan give what this machine's conversion gives, and raise FE_INVALID (NumPy warns). */
#if defined(__aarch64__) || defined(_M_ARM64)
#define POLYOPT_SATURATE(x, LOW, HIGH) ((x) != (x) ? 0 : POLYOPT_LT((x), 0) ? (LOW) : (HIGH))
#else
#define POLYOPT_SATURATE(x, LOW, HIGH) (LOW)
#endif
#define POLYOPT_CAST(F, FS, T, TS, LOW, HIGH, BELOW, ABOVE)                                                                       \
    POLYOPT_INLINE T polyopt_np_cast_##FS##_##TS(F x)                                                                             \
    {                                                                                                                             \
        if (POLYOPT_LIKELY(POLYOPT_GT(x, BELOW) && POLYOPT_LT(x, ABOVE))) return (T)x;                                            \
        polyopt_raise_invalid();                                                                                                  \
        return POLYOPT_SATURATE(x, LOW, HIGH);                                                                                    \
    }
POLYOPT_CAST(double, f64, int64_t, i64, INT64_MIN, INT64_MAX, -9223372036854777856.0, 9223372036854775808.0)
POLYOPT_CAST(float, f32, int64_t, i64, INT64_MIN, INT64_MAX, -9223373136366403584.0f, 9223372036854775808.0f)
POLYOPT_CAST(double, f64, int32_t, i32, INT32_MIN, INT32_MAX, -2147483649.0, 2147483648.0)
POLYOPT_CAST(float, f32, int32_t, i32, INT32_MIN, INT32_MAX, -2147483904.0f, 2147483648.0f)
#undef POLYOPT_CAST
POLYOPT_INLINE int32_t polyopt_np_cast_i64_i32(int64_t x) { return (int32_t)(uint32_t)(uint64_t)x; }

#endif
