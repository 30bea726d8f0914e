/* polyopt_cuda.h: polyopt_math.h and polyopt_ops.h for the threads of a GPU.
 *
 * Compiled by NVRTC, which has no headers of its own, with -default-device (every function is the device's) and without contraction; the
 * tests compile the same text as C++. There is no libm of the process here and no floating-point flag: an operation that could raise one
 * is followed by a look at its result (polyopt_finite_*). What was seen goes into `polyopt_status`, which the host reads.
 */
#ifndef POLYOPT_CUDA_H
#define POLYOPT_CUDA_H

#define POLYOPT_DEVICE 1

#ifdef __CUDACC_RTC__
typedef signed char int8_t;
typedef short int16_t;
typedef int int32_t;
typedef long long int64_t;
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef unsigned long long uint64_t;
#define INT8_MIN (-128)
#define INT16_MIN (-32768)
#define INT32_MIN (-2147483647 - 1)
#define INT32_MAX 2147483647
#define INT64_C(x) x##LL
#define UINT64_C(x) x##ULL
#define INT64_MAX INT64_C(9223372036854775807)
#define INT64_MIN (-INT64_MAX - 1)
#define INFINITY __longlong_as_double(0x7ff0000000000000LL)
#define NAN __longlong_as_double(0x7ff8000000000000LL)
#else
#include <math.h>
#include <stdint.h>
#endif

#define POLYOPT_GLOBAL extern "C" __global__
#define POLYOPT_INLINE static inline
#define POLYOPT_COLD
#define POLYOPT_LIKELY(x) (x)
#define POLYOPT_UNLIKELY(x) (x)
#define POLYOPT_RESTRICT __restrict__

typedef struct { double re, im; } polyopt_c128;
typedef struct { float re, im; } polyopt_c64;

/* ---- what the host learns ------------------------------------------------------------------------------------------------------ */

/* [0]: not zero when a checked operation failed or a result is no number; [1]: floating-point flags that may have been raised. */
extern "C" __device__ unsigned int polyopt_status[2] = {0, 0};

enum { POLYOPT_FP_INVALID = 1, POLYOPT_FP_DIVIDE = 2, POLYOPT_FP_OVERFLOW = 4, POLYOPT_FP_UNDERFLOW = 8 };

POLYOPT_INLINE void polyopt_tell(int place, unsigned int bits)
{
    if (((volatile unsigned int *)polyopt_status)[place] != bits) atomicOr(&polyopt_status[place], bits);
}

/* What polyopt.h calls the context: here the thread's own, and only what polyopt_math.h needs of it. */
struct polyopt_ctx { int32_t failed; };
POLYOPT_INLINE void polyopt_fail(struct polyopt_ctx *ctx) { ctx->failed |= 1; }

POLYOPT_INLINE void polyopt_raise_invalid(void) { polyopt_tell(1, POLYOPT_FP_INVALID); }
POLYOPT_INLINE void polyopt_raise_divide(void) { polyopt_tell(1, POLYOPT_FP_DIVIDE); }
POLYOPT_INLINE void polyopt_raise_overflow(void) { polyopt_tell(1, POLYOPT_FP_OVERFLOW); }

/* ---- what compilers for CPUs have built in ------------------------------------------------------------------------------------- */

/* Comparisons are instructions of their own here; there is no flag that they could raise. */
#define isless(a, b) ((a) < (b))
#define islessequal(a, b) ((a) <= (b))
#define isgreater(a, b) ((a) > (b))
#define isgreaterequal(a, b) ((a) >= (b))
#define isunordered(a, b) ((a) != (a) || (b) != (b))

template <class T> POLYOPT_INLINE int32_t polyopt_overflows_add(T a, T b, T *r)
{
    *r = (T)((uint64_t)a + (uint64_t)b);
    return (T)-1 < (T)1 ? (T)((a ^ *r) & (b ^ *r)) < (T)1 && (T)((a ^ *r) & (b ^ *r)) != 0 : *r < a;
}
template <class T> POLYOPT_INLINE int32_t polyopt_overflows_sub(T a, T b, T *r)
{
    *r = (T)((uint64_t)a - (uint64_t)b);
    return (T)-1 < (T)1 ? (T)((a ^ b) & (a ^ *r)) < (T)1 && (T)((a ^ b) & (a ^ *r)) != 0 : a < b;
}
template <class T> POLYOPT_INLINE int32_t polyopt_overflows_mul(T a, T b, T *r)
{
    *r = (T)((uint64_t)a * (uint64_t)b);
    if (sizeof(T) < 8) return (T)-1 < (T)1 ? (int64_t)a * (int64_t)b != (int64_t)*r : (uint64_t)a * (uint64_t)b != (uint64_t)*r;
    if ((T)-1 < (T)1) return __mul64hi((int64_t)a, (int64_t)b) != ((int64_t)*r >> 63);
    return __umul64hi((uint64_t)a, (uint64_t)b) != 0;
}

#include "polyopt_math.h"
#include "polyopt_ops.h"

/* ---- flags, by looking at results ---------------------------------------------------------------------------------------------- */

/* The result of arithmetic. Not a number: the run has failed (its bits would differ from a CPU's), and the original runs. Infinite: an
 * overflow or a division by zero may have been raised. Both may come from the operands: then the original runs for nothing. */
POLYOPT_INLINE void polyopt_odd(double x)
{
    if (x != x) polyopt_tell(0, 1);
    else polyopt_tell(1, POLYOPT_FP_INVALID | POLYOPT_FP_DIVIDE | POLYOPT_FP_OVERFLOW);
}
POLYOPT_INLINE double polyopt_finite_f64(double x)
{
    if ((polyopt_bits_f64(x) >> 52 & 0x7ff) == 0x7ff) polyopt_odd(x);
    return x;
}
POLYOPT_INLINE float polyopt_finite_f32(float x)
{
    if ((polyopt_bits_f32(x) >> 23 & 0xff) == 0xff) polyopt_odd((double)x);
    return x;
}
POLYOPT_INLINE polyopt_c128 polyopt_finite_c128(polyopt_c128 x)
{
    polyopt_finite_f64(x.re);
    polyopt_finite_f64(x.im);
    return x;
}
POLYOPT_INLINE polyopt_c64 polyopt_finite_c64(polyopt_c64 x)
{
    polyopt_finite_f32(x.re);
    polyopt_finite_f32(x.im);
    return x;
}

/* A divisor of complex numbers, small enough for no intermediate result to be lost in an infinite one. */
POLYOPT_INLINE polyopt_c128 polyopt_modest_c128(polyopt_c128 x)
{
    if (!(fabs(x.re) < 8e307 && fabs(x.im) < 8e307)) polyopt_odd((double)INFINITY);
    return x;
}
POLYOPT_INLINE polyopt_c64 polyopt_modest_c64(polyopt_c64 x)
{
    if (!(fabsf(x.re) < 1.6e38f && fabsf(x.im) < 1.6e38f)) polyopt_odd((double)INFINITY);
    return x;
}

/* The remainder, whose quotient may leave the floats though it does not. */
POLYOPT_INLINE double polyopt_remainder_f64(double a, double b) { polyopt_finite_f64(a / b); return polyopt_np_mod_f64(a, b); }
POLYOPT_INLINE float polyopt_remainder_f32(float a, float b) { polyopt_finite_f32(a / b); return polyopt_np_mod_f32(a, b); }

/* ---- where a thread stands ------------------------------------------------------------------------------------------------------- */

/* Loops over threads go in steps of all the threads there are, so that any grid runs all of their iterations. */
#define POLYOPT_THREAD(axis) ((int64_t)blockIdx.axis * blockDim.axis + threadIdx.axis)
#define POLYOPT_THREADS(axis) ((int64_t)gridDim.axis * blockDim.axis)
/* Loops over blocks, whose threads do the same and share the work of reductions. */
#define POLYOPT_BLOCK(axis) ((int64_t)blockIdx.axis)
#define POLYOPT_BLOCKS(axis) ((int64_t)gridDim.axis)
/* The number of a thread in its block. */
#define POLYOPT_SELF ((int64_t)((threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x))

/* ---- transcendental functions (never in strict mode) --------------------------------------------------------------------------- */

/* CUDA's double functions are within 4 ULP, those taken here; single precision is computed in double and rounded once. */
#define POLYOPT_FUNCTION1(name, function)                                                                                         \
    POLYOPT_INLINE double polyopt_##name##_f64(double x) { return function(x); }                                                  \
    POLYOPT_INLINE float polyopt_##name##_f32(float x) { return (float)function((double)x); }
#define POLYOPT_FUNCTION2(name, function)                                                                                         \
    POLYOPT_INLINE double polyopt_##name##_f64(double x, double y) { return function(x, y); }                                       \
    POLYOPT_INLINE float polyopt_##name##_f32(float x, float y) { return (float)function((double)x, (double)y); }
POLYOPT_FUNCTION1(exp, exp)
POLYOPT_FUNCTION1(exp2, exp2)
POLYOPT_FUNCTION1(expm1, expm1)
POLYOPT_FUNCTION1(log, log)
POLYOPT_FUNCTION1(log2, log2)
POLYOPT_FUNCTION1(log10, log10)
POLYOPT_FUNCTION1(log1p, log1p)
POLYOPT_FUNCTION1(sin, sin)
POLYOPT_FUNCTION1(cos, cos)
POLYOPT_FUNCTION1(tan, tan)
POLYOPT_FUNCTION1(arcsin, asin)
POLYOPT_FUNCTION1(arccos, acos)
POLYOPT_FUNCTION1(arctan, atan)
POLYOPT_FUNCTION1(sinh, sinh)
POLYOPT_FUNCTION1(cosh, cosh)
POLYOPT_FUNCTION1(tanh, tanh)
POLYOPT_FUNCTION1(arcsinh, asinh)
POLYOPT_FUNCTION1(arccosh, acosh)
POLYOPT_FUNCTION1(arctanh, atanh)
POLYOPT_FUNCTION1(cbrt, cbrt)
POLYOPT_FUNCTION2(power, pow)
POLYOPT_FUNCTION2(arctan2, atan2)
POLYOPT_FUNCTION2(hypot, hypot)
#undef POLYOPT_FUNCTION1
#undef POLYOPT_FUNCTION2

/* e**re * (cos im + i sin im): within 4 ULP by parts, where e**re is finite. */
POLYOPT_INLINE polyopt_c128 polyopt_exp_c128(polyopt_c128 x)
{
    double size = exp(x.re);
    return polyopt_make_c128(size * cos(x.im), size * sin(x.im));
}
POLYOPT_INLINE polyopt_c64 polyopt_exp_c64(polyopt_c64 x)
{
    polyopt_c128 y = polyopt_exp_c128(polyopt_make_c128(x.re, x.im));
    return polyopt_make_c64((float)y.re, (float)y.im);
}

/* ---- reductions ------------------------------------------------------------------------------------------------------------------------ */

/* Pairs of pairs: runs of eight one after the other, then runs of equal length two by two. An element takes part in at most
 * log2(count) + 8 additions, which is less than in NumPy's sum. `step` is in bytes. */
#define POLYOPT_REDUCE(F, S)                                                                                                      \
    POLYOPT_INLINE F polyopt_reduce_add_##S(struct polyopt_ctx *, F init, const void *first, int64_t step, int64_t count)         \
    {                                                                                                                             \
        F waiting[60];                                                                                                            \
        int depth = 0;                                                                                                            \
        for (int64_t start = 0, run = 0; start < count; start += 8) {                                                             \
            F sum = *(const F *)((const char *)first + start * step);                                                             \
            for (int64_t k = start + 1; k < count && k < start + 8; k++) sum += *(const F *)((const char *)first + k * step);     \
            for (int64_t pairs = run++; pairs & 1; pairs >>= 1) sum = waiting[--depth] + sum;                                     \
            waiting[depth++] = sum;                                                                                               \
        }                                                                                                                         \
        if (!depth) return init;                                                                                                  \
        F total = waiting[--depth];                                                                                               \
        while (depth) total = waiting[--depth] + total;                                                                           \
        return init + total;                                                                                                      \
    }                                                                                                                             \
    POLYOPT_EXTREME(F, S, maximum)                                                                                                \
    POLYOPT_EXTREME(F, S, minimum)
#define POLYOPT_EXTREME(F, S, name)                                                                                               \
    POLYOPT_INLINE F polyopt_reduce_##name##_##S(struct polyopt_ctx *, F init, const void *first, int64_t step, int64_t count)    \
    {                                                                                                                             \
        for (int64_t k = 0; k < count; k++) init = polyopt_##name##_##S(init, *(const F *)((const char *)first + k * step));      \
        return init;                                                                                                              \
    }
POLYOPT_REDUCE(double, f64)
POLYOPT_REDUCE(float, f32)
#undef POLYOPT_REDUCE
#undef POLYOPT_EXTREME

/* The same by all POLYOPT_WIDTH threads of a block, which come here together and leave with the same value. A round takes eight elements a
 * thread; the rounds' sums are added as pairs of pairs. An element takes part in at most log2(count) + 8 additions. */
#define POLYOPT_WIDTH 256
#define POLYOPT_TOGETHER(F, S, name, COMBINE)                                                                                     \
    POLYOPT_INLINE F polyopt_block_##name##_##S(struct polyopt_ctx *, F init, const void *first, int64_t step, int64_t count)     \
    {                                                                                                                             \
        __shared__ F parts[POLYOPT_WIDTH];                                                                                        \
        const int self = (int)threadIdx.x;                                                                                        \
        F waiting[60], total;                                                                                                     \
        int depth = 0;                                                                                                            \
        for (int64_t start = 0, run = 0; start < count; start += 8 * POLYOPT_WIDTH) {                                             \
            const int64_t end = polyopt_min(count, start + 8 * POLYOPT_WIDTH);                                                    \
            int width = (int)polyopt_min(POLYOPT_WIDTH, end - start);                                                             \
            if (self < width) total = *(const F *)((const char *)first + (start + self) * step);                                  \
            for (int64_t k = start + self + POLYOPT_WIDTH; k < end; k += POLYOPT_WIDTH)                                           \
                total = COMBINE(total, *(const F *)((const char *)first + k * step));                                             \
            if (self < width) parts[self] = total;                                                                                \
            __syncthreads();                                                                                                      \
            while (width > 1) {                                                                                                   \
                const int half = (width + 1) / 2;                                                                                 \
                if (self + half < width) parts[self] = COMBINE(parts[self], parts[self + half]);                                  \
                width = half;                                                                                                     \
                __syncthreads();                                                                                                  \
            }                                                                                                                     \
            total = parts[0];                                                                                                     \
            __syncthreads();                                                                                                      \
            for (int64_t pairs = run++; pairs & 1; pairs >>= 1) total = COMBINE(waiting[--depth], total);                         \
            waiting[depth++] = total;                                                                                             \
        }                                                                                                                         \
        if (!depth) return init;                                                                                                  \
        total = waiting[--depth];                                                                                                 \
        while (depth) total = COMBINE(waiting[--depth], total);                                                                   \
        return COMBINE(init, total);                                                                                              \
    }
#define POLYOPT_PLUS(a, b) ((a) + (b))
POLYOPT_TOGETHER(double, f64, add, POLYOPT_PLUS)
POLYOPT_TOGETHER(float, f32, add, POLYOPT_PLUS)
POLYOPT_TOGETHER(double, f64, maximum, polyopt_maximum_f64)
POLYOPT_TOGETHER(float, f32, maximum, polyopt_maximum_f32)
POLYOPT_TOGETHER(double, f64, minimum, polyopt_minimum_f64)
POLYOPT_TOGETHER(float, f32, minimum, polyopt_minimum_f32)
#undef POLYOPT_TOGETHER
#undef POLYOPT_PLUS

#endif
