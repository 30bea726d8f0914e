/* polyopt_ops.h: what printed expressions call, for every element type, in forms that compilers can vectorise.
 *
 * Included by kernels after polyopt.h. Checked operations (`polyopt_try_*`) add to a local `failed` instead of leaving the loop; the
 * function that holds it hands it on at its next stop or at its end. Nothing here is undefined behaviour for any operand.
 */
#ifndef POLYOPT_OPS_H
#define POLYOPT_OPS_H

#ifndef POLYOPT_DEVICE /* polyopt_cuda.h has what is needed of it */
#include "polyopt.h"
#endif

/* Iterations are independent (memory only; nothing is reassociated). */
#if defined(POLYOPT_DEVICE)
#define POLYOPT_VECTOR
#elif defined(__clang__)
#define POLYOPT_VECTOR _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define POLYOPT_VECTOR _Pragma("GCC ivdep")
#else
#define POLYOPT_VECTOR
#endif

#if defined(POLYOPT_DEVICE)
#define POLYOPT_TRY_OP(op, a, b, r) polyopt_overflows_##op((a), (b), (r))
typedef int64_t polyopt_wide;
#elif defined(__GNUC__) || defined(__clang__)
#define POLYOPT_TRY_OP(op, a, b, r) __builtin_##op##_overflow((a), (b), (r))
__extension__ typedef __int128 polyopt_wide; /* guard conditions that might leave int64 */
#else
typedef int64_t polyopt_wide;
#endif

/* Values that nobody may read but whose floating-point flags count: their bits run into the local `kept`, which the end of the function
 * consumes. */
/* A subscript of an axis of extent n >= 1; negative ones count from the end. Fails outside, and is 0 then. */
POLYOPT_INLINE int64_t polyopt_index(int64_t i, int64_t n, int32_t *failed)
{
    const int64_t j = i < 0 ? i + n : i;
    if ((uint64_t)j < (uint64_t)n) return j;
    *failed = 1;
    return 0;
}

POLYOPT_INLINE uint64_t polyopt_bits_f64(double x) { union { double x; uint64_t bits; } u = {x}; return u.bits; }
POLYOPT_INLINE uint64_t polyopt_bits_f32(float x) { union { float x; uint32_t bits; } u = {x}; return u.bits; }
#define POLYOPT_KEEP_f64(x) (kept |= polyopt_bits_f64(x))
#define POLYOPT_KEEP_f32(x) (kept |= polyopt_bits_f32(x))
#define POLYOPT_KEEP_c128(x) (kept |= polyopt_bits_f64((x).re) | polyopt_bits_f64((x).im))
#define POLYOPT_KEEP_c64(x) (kept |= polyopt_bits_f32((x).re) | polyopt_bits_f32((x).im))
#define POLYOPT_KEEP_i8(x) (kept |= (uint64_t)(x))
#define POLYOPT_KEEP_i16 POLYOPT_KEEP_i8
#define POLYOPT_KEEP_i32 POLYOPT_KEEP_i8
#define POLYOPT_KEEP_i64 POLYOPT_KEEP_i8
#define POLYOPT_KEEP_u8 POLYOPT_KEEP_i8
#define POLYOPT_KEEP_u16 POLYOPT_KEEP_i8
#define POLYOPT_KEEP_u32 POLYOPT_KEEP_i8
#define POLYOPT_KEEP_u64 POLYOPT_KEEP_i8
#define POLYOPT_KEEP_b8 POLYOPT_KEEP_i8
/* The same in the middle of a test, which may be decided without the value. */
POLYOPT_INLINE double polyopt_keep_in_f64(uint64_t *kept, double x) { return *kept |= polyopt_bits_f64(x), x; }
POLYOPT_INLINE float polyopt_keep_in_f32(uint64_t *kept, float x) { return *kept |= polyopt_bits_f32(x), x; }
POLYOPT_INLINE polyopt_c128 polyopt_keep_in_c128(uint64_t *kept, polyopt_c128 x) { return *kept |= polyopt_bits_f64(x.re) | polyopt_bits_f64(x.im), x; }
POLYOPT_INLINE polyopt_c64 polyopt_keep_in_c64(uint64_t *kept, polyopt_c64 x) { return *kept |= polyopt_bits_f32(x.re) | polyopt_bits_f32(x.im), x; }
#define POLYOPT_KEEP_IN_f64(x) polyopt_keep_in_f64(&kept, x)
#define POLYOPT_KEEP_IN_f32(x) polyopt_keep_in_f32(&kept, x)
#define POLYOPT_KEEP_IN_c128(x) polyopt_keep_in_c128(&kept, x)
#define POLYOPT_KEEP_IN_c64(x) polyopt_keep_in_c64(&kept, x)
#if defined(__GNUC__) || defined(__clang__)
#define POLYOPT_CONSUME(x) __asm__ volatile("" : : "r"(x))
#else
#define POLYOPT_CONSUME(x) do { volatile uint64_t consumed = (x); (void)consumed; } while (0)
#endif

/* Iterations of a parallel loop that are worth handing to another thread, from the operations that one of them does. */
POLYOPT_INLINE int64_t polyopt_grain(double work)
{
    return work > 0.0 && work < 32768.0 ? (int64_t)(32768.0 / (work > 1e-6 ? work : 1e-6)) : 1; /* sets no flag but "inexact" */
}

/* How many iterations a loop makes. */
POLYOPT_INLINE int64_t polyopt_trips(int64_t lower, int64_t upper, int64_t step)
{
    if (step > 0) return lower < upper ? (upper - lower - 1) / step + 1 : 0;
    return lower > upper ? (lower - upper - 1) / -step + 1 : 0;
}

/* Positions in guard conditions whose terms might leave int64; b > 0 where it divides. */
POLYOPT_INLINE polyopt_wide polyopt_wide_min(polyopt_wide a, polyopt_wide b) { return a < b ? a : b; }
POLYOPT_INLINE polyopt_wide polyopt_wide_max(polyopt_wide a, polyopt_wide b) { return a > b ? a : b; }
POLYOPT_INLINE polyopt_wide polyopt_wide_floordiv(polyopt_wide a, polyopt_wide b) { return a / b - (a % b < 0); }
POLYOPT_INLINE polyopt_wide polyopt_wide_mod(polyopt_wide a, polyopt_wide b) { return a % b < 0 ? a % b + b : a % b; }

/* ---- integers ----------------------------------------------------------------------------------------------------------------- */

#define POLYOPT_INTEGER(T, U, S, BITS)                                                                                            \
    POLYOPT_INLINE T polyopt_add_##S(T a, T b) { return (T)(U)((U)a + (U)b); }                                                    \
    POLYOPT_INLINE T polyopt_sub_##S(T a, T b) { return (T)(U)((U)a - (U)b); }                                                    \
    POLYOPT_INLINE T polyopt_mul_##S(T a, T b) { return (T)(U)(UINT64_C(1) * (U)a * (U)b); }                                      \
    POLYOPT_INLINE T polyopt_invert_##S(T a) { return (T)(a ^ (T)-1); }                                                           \
    POLYOPT_INLINE T polyopt_neg_##S(T a) { return (T)(U)((U)0 - (U)a); }                                                         \
    POLYOPT_INLINE T polyopt_max_##S(T a, T b) { return a > b ? a : b; }                                                          \
    POLYOPT_INLINE T polyopt_min_##S(T a, T b) { return a < b ? a : b; }                                                          \
    POLYOPT_INLINE T polyopt_shl_##S(T a, T b) { return (U)b < BITS ? (T)(U)((uint64_t)(U)a << (U)b) : 0; }                       \
    POLYOPT_INLINE T polyopt_try_add_##S(T a, T b, int32_t *failed)                                                               \
    {                                                                                                                             \
        T r;                                                                                                                      \
        *failed |= POLYOPT_TRY_OP(add, a, b, &r);                                                                                 \
        return r;                                                                                                                 \
    }                                                                                                                             \
    POLYOPT_INLINE T polyopt_try_sub_##S(T a, T b, int32_t *failed)                                                               \
    {                                                                                                                             \
        T r;                                                                                                                      \
        *failed |= POLYOPT_TRY_OP(sub, a, b, &r);                                                                                 \
        return r;                                                                                                                 \
    }                                                                                                                             \
    POLYOPT_INLINE T polyopt_try_mul_##S(T a, T b, int32_t *failed)                                                               \
    {                                                                                                                             \
        T r;                                                                                                                      \
        *failed |= POLYOPT_TRY_OP(mul, a, b, &r);                                                                                 \
        return r;                                                                                                                 \
    }                                                                                                                             \
    POLYOPT_INLINE T polyopt_try_neg_##S(T a, int32_t *failed) { return polyopt_try_sub_##S((T)0, a, failed); }                   \
    POLYOPT_INLINE T polyopt_try_abs_##S(T a, int32_t *failed) { return a < (T)1 ? polyopt_try_neg_##S(a, failed) : a; }          \
    POLYOPT_INLINE T polyopt_abs_##S(T a) { return a < (T)1 ? polyopt_neg_##S(a) : a; }                                           \
    /* a ** b; a negative exponent fails. */                                                                                      \
    POLYOPT_INLINE T polyopt_pow_##S(T a, T b, int32_t *failed)                                                                   \
    {                                                                                                                             \
        U r = 1, base = (U)a;                                                                                                     \
        if (POLYOPT_UNLIKELY(b < (T)1)) {                                                                                         \
            *failed |= b != 0;                                                                                                    \
            return 1;                                                                                                             \
        }                                                                                                                         \
        for (U e = (U)b; e != 0; e = (U)(e >> 1), base = (U)(UINT64_C(1) * base * base))                                          \
            if (e & 1) r = (U)(UINT64_C(1) * r * base);                                                                           \
        return (T)r;                                                                                                              \
    }                                                                                                                             \
    POLYOPT_INLINE T polyopt_try_pow_##S(T a, T b, int32_t *failed)                                                               \
    {                                                                                                                             \
        T r = 1;                                                                                                                  \
        int32_t over = b != 0 && b < (T)1;                                                                                        \
        for (U e = b < (T)1 ? 0 : (U)b; e != 0 && !over;) {                                                                       \
            if (e & 1) r = polyopt_try_mul_##S(r, a, &over);                                                                      \
            e = (U)(e >> 1);                                                                                                      \
            if (e != 0) a = polyopt_try_mul_##S(a, a, &over);                                                                     \
        }                                                                                                                         \
        *failed |= over;                                                                                                          \
        return r;                                                                                                                 \
    }                                                                                                                             \
    /* Any value of a double or float that int() could give, or fail. */                                                          \
    POLYOPT_INLINE T polyopt_try_##S##_f64(double x, int32_t *failed)                                                             \
    {                                                                                                                             \
        const double low = (T)-1 < (T)1 ? -POLYOPT_HALF_RANGE(BITS) : 0.0;                                                        \
        const double high = (T)-1 < (T)1 ? POLYOPT_HALF_RANGE(BITS) : 2.0 * POLYOPT_HALF_RANGE(BITS);                             \
        double whole = POLYOPT_TRUNC(x);                                                                                          \
        int32_t fits = POLYOPT_GE(whole, low) && POLYOPT_LT(whole, high);                                                         \
        *failed |= !fits;                                                                                                         \
        return fits ? (T)whole : 0;                                                                                               \
    }                                                                                                                             \
    POLYOPT_INLINE T polyopt_try_##S##_f32(float x, int32_t *failed) { return polyopt_try_##S##_f64((double)x, failed); }

#define POLYOPT_HALF_RANGE(BITS) ((double)(UINT64_C(1) << (BITS - 1)))

#define POLYOPT_SIGNED(T, U, S, BITS, LOW)                                                                                        \
    POLYOPT_INTEGER(T, U, S, BITS)                                                                                                \
    POLYOPT_INLINE T polyopt_shr_##S(T a, T b) { return (T)(a >> ((U)b < BITS ? b : BITS - 1)); }                                 \
    POLYOPT_INLINE T polyopt_floordiv_##S(T a, T b)                                                                               \
    {                                                                                                                             \
        if (POLYOPT_UNLIKELY(b == 0)) return 0;                                                                                   \
        if (POLYOPT_UNLIKELY(b == -1)) return polyopt_neg_##S(a);                                                                 \
        return (T)(a / b - ((a % b != 0) & ((a < 0) != (b < 0))));                                                                \
    }                                                                                                                             \
    POLYOPT_INLINE T polyopt_mod_##S(T a, T b)                                                                                    \
    {                                                                                                                             \
        if (POLYOPT_UNLIKELY(b == 0 || b == -1)) return 0;                                                                        \
        T r = (T)(a % b);                                                                                                         \
        return r != 0 && ((r < 0) != (b < 0)) ? (T)(r + b) : r;                                                                   \
    }                                                                                                                             \
    POLYOPT_INLINE T polyopt_try_floordiv_##S(T a, T b, int32_t *failed)                                                          \
    {                                                                                                                             \
        *failed |= (b == 0) | ((b == -1) & (a == LOW));                                                                           \
        return polyopt_floordiv_##S(a, b);                                                                                        \
    }                                                                                                                             \
    POLYOPT_INLINE T polyopt_try_shl_##S(T a, T b, int32_t *failed)                                                               \
    {                                                                                                                             \
        T r = polyopt_shl_##S(a, b);                                                                                              \
        *failed |= ((U)b >= 64) | (a != 0 && ((U)b >= BITS || polyopt_shr_##S(r, b) != a));                                       \
        return r;                                                                                                                 \
    }                                                                                                                             \
    POLYOPT_INLINE T polyopt_try_shr_##S(T a, T b, int32_t *failed)                                                               \
    {                                                                                                                             \
        *failed |= b < 0;                                                                                                         \
        return polyopt_shr_##S(a, b);                                                                                             \
    }                                                                                                                             \
    /* From any integer: the value, or fail. */                                                                                   \
    POLYOPT_INLINE T polyopt_try_##S##_i64(int64_t a, int32_t *failed) { *failed |= (T)a != a; return (T)a; }                     \
    POLYOPT_INLINE T polyopt_try_##S##_u64(uint64_t a, int32_t *failed)                                                           \
    {                                                                                                                             \
        *failed |= a > (UINT64_C(1) << (BITS - 1)) - 1;                                                                           \
        return (T)a;                                                                                                              \
    }

#define POLYOPT_UNSIGNED(T, S, BITS)                                                                                              \
    POLYOPT_INTEGER(T, T, S, BITS)                                                                                                \
    POLYOPT_INLINE T polyopt_shr_##S(T a, T b) { return b < BITS ? (T)(a >> b) : 0; }                                             \
    POLYOPT_INLINE T polyopt_floordiv_##S(T a, T b) { return POLYOPT_LIKELY(b != 0) ? (T)(a / b) : 0; }                           \
    POLYOPT_INLINE T polyopt_mod_##S(T a, T b) { return POLYOPT_LIKELY(b != 0) ? (T)(a % b) : 0; }                                \
    POLYOPT_INLINE T polyopt_try_floordiv_##S(T a, T b, int32_t *failed)                                                          \
    {                                                                                                                             \
        *failed |= b == 0;                                                                                                        \
        return polyopt_floordiv_##S(a, b);                                                                                        \
    }                                                                                                                             \
    POLYOPT_INLINE T polyopt_try_shl_##S(T a, T b, int32_t *failed)                                                               \
    {                                                                                                                             \
        T r = polyopt_shl_##S(a, b);                                                                                              \
        *failed |= (b >= 64) | (a != 0 && (b >= BITS || polyopt_shr_##S(r, b) != a));                                             \
        return r;                                                                                                                 \
    }                                                                                                                             \
    POLYOPT_INLINE T polyopt_try_shr_##S(T a, T b, int32_t *failed) { (void)failed; return polyopt_shr_##S(a, b); }               \
    POLYOPT_INLINE T polyopt_try_##S##_i64(int64_t a, int32_t *failed)                                                            \
    {                                                                                                                             \
        *failed |= a < 0 || (uint64_t)a > (T)-1;                                                                                  \
        return (T)a;                                                                                                              \
    }                                                                                                                             \
    POLYOPT_INLINE T polyopt_try_##S##_u64(uint64_t a, int32_t *failed) { *failed |= a > (T)-1; return (T)a; }

POLYOPT_SIGNED(int8_t, uint8_t, i8, 8, INT8_MIN)
POLYOPT_SIGNED(int16_t, uint16_t, i16, 16, INT16_MIN)
POLYOPT_SIGNED(int32_t, uint32_t, i32, 32, INT32_MIN)
POLYOPT_SIGNED(int64_t, uint64_t, i64, 64, INT64_MIN)
POLYOPT_UNSIGNED(uint8_t, u8, 8)
POLYOPT_UNSIGNED(uint16_t, u16, 16)
POLYOPT_UNSIGNED(uint32_t, u32, 32)
POLYOPT_UNSIGNED(uint64_t, u64, 64)
#undef POLYOPT_SIGNED
#undef POLYOPT_UNSIGNED
#undef POLYOPT_INTEGER

#define POLYOPT_MODULO(T, S)                                                                                                      \
    POLYOPT_INLINE T polyopt_try_mod_##S(T a, T b, int32_t *failed)                                                               \
    {                                                                                                                             \
        *failed |= b == 0;                                                                                                        \
        return polyopt_mod_##S(a, b);                                                                                             \
    }
POLYOPT_MODULO(int8_t, i8)
POLYOPT_MODULO(int16_t, i16)
POLYOPT_MODULO(int32_t, i32)
POLYOPT_MODULO(int64_t, i64)
POLYOPT_MODULO(uint8_t, u8)
POLYOPT_MODULO(uint16_t, u16)
POLYOPT_MODULO(uint32_t, u32)
POLYOPT_MODULO(uint64_t, u64)
#undef POLYOPT_MODULO

/* ---- floats ------------------------------------------------------------------------------------------------------------------- */

/* Comparisons that are quiet on nan however they are compiled: gcc turns isless() beside a choice into an instruction that signals, in
 * vectors and for scalars (minsd). Here both operands become numbers first, which costs nothing that shows: by a choice in scalar code,
 * by a mask in vector loops, since a choice would be a branch around a comparison that may trap, which no compiler vectorises. */
#define POLYOPT_FLOATING(F, U, S)                                                                                                 \
    POLYOPT_INLINE F polyopt_masked_##S(F x, U mask)                                                                              \
    {                                                                                                                             \
        union { F value; U bits; } u = {x};                                                                                       \
        u.bits &= mask;                                                                                                           \
        return u.value;                                                                                                           \
    }                                                                                                                             \
    POLYOPT_INLINE int32_t polyopt_lt_##S(F a, F b)                                                                               \
    {                                                                                                                             \
        int32_t unordered = POLYOPT_BUILTIN(isunordered)(a, b);                                                                   \
        F x = unordered ? 0 : a, y = unordered ? 0 : b;                                                                           \
        return x < y;                                                                                                             \
    }                                                                                                                             \
    POLYOPT_INLINE int32_t polyopt_gt_##S(F a, F b) { return polyopt_lt_##S(b, a); }                                              \
    POLYOPT_INLINE int32_t polyopt_le_##S(F a, F b)                                                                               \
    {                                                                                                                             \
        int32_t unordered = POLYOPT_BUILTIN(isunordered)(a, b);                                                                   \
        F x = unordered ? 1 : a, y = unordered ? 0 : b;                                                                           \
        return x <= y;                                                                                                            \
    }                                                                                                                             \
    POLYOPT_INLINE int32_t polyopt_ge_##S(F a, F b) { return polyopt_le_##S(b, a); }                                              \
    POLYOPT_INLINE int32_t polyopt_vector_lt_##S(F a, F b)                                                                        \
    {                                                                                                                             \
        U mask = (U)!!POLYOPT_BUILTIN(isunordered)(a, b) - 1;                                                                     \
        return polyopt_masked_##S(a, mask) < polyopt_masked_##S(b, mask);                                                         \
    }                                                                                                                             \
    POLYOPT_INLINE int32_t polyopt_vector_le_##S(F a, F b)                                                                        \
    {                                                                                                                             \
        int32_t unordered = POLYOPT_BUILTIN(isunordered)(a, b) != 0;                                                              \
        U mask = (U)unordered - 1;                                                                                                \
        return (polyopt_masked_##S(a, mask) <= polyopt_masked_##S(b, mask)) & !unordered;                                         \
    }                                                                                                                             \
    POLYOPT_INLINE int32_t polyopt_vector_gt_##S(F a, F b) { return polyopt_vector_lt_##S(b, a); }                                \
    POLYOPT_INLINE int32_t polyopt_vector_ge_##S(F a, F b) { return polyopt_vector_le_##S(b, a); }                                \
    POLYOPT_INLINE F polyopt_vector_maximum_##S(F a, F b)                                                                         \
    {                                                                                                                             \
        F larger = polyopt_vector_gt_##S(a, b) ? a : b;                                                                           \
        return a != a ? a : larger;                                                                                               \
    }                                                                                                                             \
    POLYOPT_INLINE F polyopt_vector_minimum_##S(F a, F b)                                                                         \
    {                                                                                                                             \
        F smaller = polyopt_vector_lt_##S(a, b) ? a : b;                                                                          \
        return a != a ? a : smaller;                                                                                              \
    }                                                                                                                             \
    /* NumPy's, as its vector loops on x86 do it: the first nan wins, equal operands give the second. */                         \
    POLYOPT_INLINE F polyopt_maximum_##S(F a, F b)                                                                                \
    {                                                                                                                             \
        F larger = polyopt_gt_##S(a, b) ? a : b;                                                                                  \
        return a != a ? a : larger;                                                                                               \
    }                                                                                                                             \
    POLYOPT_INLINE F polyopt_minimum_##S(F a, F b)                                                                                \
    {                                                                                                                             \
        F smaller = polyopt_lt_##S(a, b) ? a : b;                                                                                 \
        return a != a ? a : smaller;                                                                                              \
    }                                                                                                                             \
    POLYOPT_INLINE int32_t polyopt_isnan_##S(F a) { return a != a; }                                                              \
    POLYOPT_INLINE int32_t polyopt_isfinite_##S(F a) { return POLYOPT_BUILTIN(isfinite)(a) != 0; }                                \
    POLYOPT_INLINE int32_t polyopt_isinf_##S(F a) { return POLYOPT_BUILTIN(isinf)(a) != 0; }                                      \
    POLYOPT_INLINE int32_t polyopt_signbit_##S(F a) { return POLYOPT_BUILTIN(signbit)(a) != 0; }                                  \
    POLYOPT_INLINE F polyopt_try_div_##S(F a, F b, int32_t *failed) { *failed |= b == 0; return a / b; }                          \
    POLYOPT_INLINE F polyopt_try_floordiv_##S(F a, F b, int32_t *failed)                                                          \
    {                                                                                                                             \
        *failed |= b == 0;                                                                                                        \
        return b == 0 ? 0 : polyopt_np_floordiv_##S(a, b);                                                                        \
    }                                                                                                                             \
    POLYOPT_INLINE F polyopt_try_mod_##S(F a, F b, int32_t *failed)                                                               \
    {                                                                                                                             \
        *failed |= b == 0;                                                                                                        \
        return b == 0 ? 0 : polyopt_np_mod_##S(a, b);                                                                             \
    }
POLYOPT_FLOATING(double, uint64_t, f64)
POLYOPT_FLOATING(float, uint32_t, f32)
#undef POLYOPT_FLOATING

POLYOPT_INLINE double polyopt_try_sqrt_f64(double x, int32_t *failed) { *failed |= POLYOPT_LT(x, 0.0); return POLYOPT_SQRT(x); }
POLYOPT_INLINE float polyopt_try_sqrt_f32(float x, int32_t *failed) { *failed |= POLYOPT_LT(x, 0.0f); return POLYOPT_SQRTF(x); }

#ifndef POLYOPT_DEVICE
/* math.NAME through the process's libm. */
POLYOPT_INLINE double polyopt_try_libm1(struct polyopt_ctx *ctx, polyopt_libm1 f, double x) { return polyopt_py_math1(ctx, x, f(x)); }
POLYOPT_INLINE double polyopt_try_libm2(struct polyopt_ctx *ctx, polyopt_libm2 f, double x, double y)
{
    return polyopt_py_math2(ctx, x, y, f(x, y));
}
#endif

/* Float to integer as NumPy's compiled conversions do it on this machine, also where the compiler knows the operand (C leaves values
 * out of range open, and compilers fold them otherwise than the machine converts them). */
#if (defined(__GNUC__) || defined(__clang__)) && !defined(POLYOPT_DEVICE)
#define POLYOPT_KNOWN(x) __builtin_constant_p(x)
#else
#define POLYOPT_KNOWN(x) 1
#endif
#define POLYOPT_VECTOR_CAST(F, FS, T, S)                                                                                          \
    POLYOPT_INLINE T polyopt_vector_cast_##FS##_##S(F x) { return POLYOPT_KNOWN(x) ? polyopt_cast_##FS##_##S(x) : (T)x; }
#define POLYOPT_FROM_FLOAT(F, FS)                                                                                                 \
    POLYOPT_INLINE int64_t polyopt_cast_##FS##_i64(F x) { return polyopt_np_cast_##FS##_i64(x); }                                 \
    POLYOPT_INLINE int32_t polyopt_cast_##FS##_i32(F x) { return polyopt_np_cast_##FS##_i32(x); }                                 \
    POLYOPT_INLINE int16_t polyopt_cast_##FS##_i16(F x) { return (int16_t)polyopt_np_cast_##FS##_i32(x); }                        \
    POLYOPT_INLINE int8_t polyopt_cast_##FS##_i8(F x) { return (int8_t)polyopt_np_cast_##FS##_i32(x); }                           \
    POLYOPT_INLINE uint8_t polyopt_cast_##FS##_u8(F x) { return (uint8_t)polyopt_np_cast_##FS##_i32(x); }                         \
    POLYOPT_INLINE uint16_t polyopt_cast_##FS##_u16(F x) { return (uint16_t)polyopt_np_cast_##FS##_i32(x); }                      \
    POLYOPT_INLINE uint32_t polyopt_cast_##FS##_u32(F x) { return (uint32_t)polyopt_np_cast_##FS##_i64(x); }                      \
    POLYOPT_INLINE uint64_t polyopt_cast_##FS##_u64(F x)                                                                          \
    {                                                                                                                             \
        const F half = (F)9223372036854775808.0;                                                                                  \
        if (!POLYOPT_GE(x, half)) return (uint64_t)polyopt_np_cast_##FS##_i64(x);                                                 \
        return (uint64_t)polyopt_np_cast_##FS##_i64(x - half) ^ (UINT64_C(1) << 63);                                              \
    }                                                                                                                             \
    POLYOPT_VECTOR_CAST(F, FS, int32_t, i32)                                                                                      \
    POLYOPT_VECTOR_CAST(F, FS, int16_t, i16)                                                                                      \
    POLYOPT_VECTOR_CAST(F, FS, int8_t, i8)                                                                                        \
    POLYOPT_VECTOR_CAST(F, FS, uint8_t, u8)                                                                                       \
    POLYOPT_VECTOR_CAST(F, FS, uint16_t, u16)
POLYOPT_FROM_FLOAT(double, f64)
POLYOPT_FROM_FLOAT(float, f32)
#undef POLYOPT_FROM_FLOAT

/* ---- complex ------------------------------------------------------------------------------------------------------------------- */

POLYOPT_INLINE polyopt_c64 polyopt_try_div_c64(polyopt_c64 a, polyopt_c64 b, int32_t *failed)
{
    *failed |= b.re == 0 && b.im == 0;
    return polyopt_np_div_c64(a, b);
}
POLYOPT_INLINE polyopt_c128 polyopt_c128_c64(polyopt_c64 a) { return polyopt_make_c128(a.re, a.im); }
POLYOPT_INLINE polyopt_c64 polyopt_c64_c128(polyopt_c128 a) { return polyopt_make_c64((float)a.re, (float)a.im); }
POLYOPT_INLINE int32_t polyopt_nonzero_c128(polyopt_c128 a) { return (a.re != 0) | (a.im != 0); }
POLYOPT_INLINE int32_t polyopt_nonzero_c64(polyopt_c64 a) { return (a.re != 0) | (a.im != 0); }

#endif
