/* polyopt.h: what a kernel may use.
 *
 * A kernel is `int32_t POLYOPT_KERNEL(name)(const struct name_args *args, struct polyopt_ctx *ctx)`; it answers zero for success
 * and is compiled once per instruction-set level (-DPOLYOPT_LEVEL=v3 ...).  This header includes no Python header: a kernel runs
 * without the GIL, raises nothing and knows nothing of objects.  An operation to which Python would answer with an exception marks
 * the context as failed (polyopt_fail); one to which NumPy would answer with a warning sets a floating-point flag, as NumPy's does.
 *
 * All text that generated code includes: this file (ABI, arena, parallel loops), polyopt_math.h (bit-exact arithmetic).
 * Flags that the code relies on: -ffp-contract=off -fno-builtin -fno-math-errno -fno-strict-aliasing, and no -ffast-math relative.
 */
#ifndef POLYOPT_H
#define POLYOPT_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define POLYOPT_ABI 1
#define POLYOPT_MAXRANK 8

/* Instruction-set levels: the suffix of a kernel's symbol, and the index into a table of kernels. */
#ifndef POLYOPT_LEVEL
#define POLYOPT_LEVEL base
#endif
#define POLYOPT_PASTE_(a, b) a##_##b
#define POLYOPT_PASTE(a, b) POLYOPT_PASTE_(a, b)
#define POLYOPT_KERNEL(name) POLYOPT_PASTE(name, POLYOPT_LEVEL)
enum { POLYOPT_LEVEL_BASE, POLYOPT_LEVEL_V2, POLYOPT_LEVEL_V3, POLYOPT_LEVEL_V4, POLYOPT_LEVELS };

#if defined(__GNUC__) || defined(__clang__)
#define POLYOPT_LIKELY(x) __builtin_expect(!!(x), 1)
#define POLYOPT_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define POLYOPT_INLINE static inline __attribute__((unused))
#define POLYOPT_COLD __attribute__((cold, noinline))
#define POLYOPT_RESTRICT __restrict__
#define POLYOPT_ASSUME_ALIGNED(p, n) __builtin_assume_aligned((p), (n))
#pragma GCC visibility push(hidden)
#else
#define POLYOPT_LIKELY(x) (x)
#define POLYOPT_UNLIKELY(x) (x)
#define POLYOPT_INLINE static inline
#define POLYOPT_COLD
#define POLYOPT_RESTRICT
#define POLYOPT_ASSUME_ALIGNED(p, n) (p)
#endif

/* Complex numbers are pairs: C's own operators are never used on them. Same layout as NumPy's and Python's. */
typedef struct { double re, im; } polyopt_c128;
typedef struct { float re, im; } polyopt_c64;

/* ---- the process's functions -------------------------------------------------------------------------------------------- */

/* NumPy's own inner loop: `intptr_t` is npy_intp. */
typedef void (*polyopt_loop_fn)(char **args, const intptr_t *dimensions, const intptr_t *steps, void *data);
struct polyopt_loop { polyopt_loop_fn call; void *data; };

typedef double (*polyopt_libm1)(double);
typedef double (*polyopt_libm2)(double, double);

/* The process's libm, through pointers, so that no compiler folds or replaces a call. The order is part of the ABI. */
#define POLYOPT_LIBM1(X)                                                                                                          \
    X(sin) X(cos) X(tan) X(asin) X(acos) X(atan) X(sinh) X(cosh) X(tanh) X(asinh) X(acosh) X(atanh) X(exp) X(exp2) X(expm1)       \
    X(log) X(log2) X(log10) X(log1p) X(sqrt) X(cbrt) X(erf) X(erfc) X(floor) X(ceil) X(trunc) X(rint) X(fabs)
#define POLYOPT_LIBM2(X) X(pow) X(atan2) X(fmod) X(hypot) X(copysign) X(remainder)
struct polyopt_libm {
#define POLYOPT_FIELD(name) polyopt_libm1 name;
    POLYOPT_LIBM1(POLYOPT_FIELD)
#undef POLYOPT_FIELD
#define POLYOPT_FIELD(name) polyopt_libm2 name;
    POLYOPT_LIBM2(POLYOPT_FIELD)
#undef POLYOPT_FIELD
    float (*powf)(float, float), (*hypotf)(float, float); /* NumPy's float32 and complex64 scalars */
    double (*sum_error)(double, double); /* what Python's sum() keeps beside total + item: the rounding error from 3.12 on, else zero */
};

struct polyopt_functions {
    const struct polyopt_loop *loops; /* by the index that the extension's table of loops gives them */
    int64_t reduce_span; /* NumPy reduces so many elements with one call of an inner loop, then goes on with what this has given */
    struct polyopt_libm libm;         /* ctx->fn->libm.sin(x) */
};

/* ---- the arena ---------------------------------------------------------------------------------------------------------- */

struct polyopt_block {
    struct polyopt_block *next; /* younger blocks stay linked after a release and are used again */
    char *limit;
    int32_t owned; /* came from malloc */
};
struct polyopt_arena {
    char *cursor, *limit;
    struct polyopt_block *first, *current;
};
struct polyopt_mark { char *cursor; struct polyopt_block *block; };

/* ---- the context -------------------------------------------------------------------------------------------------------- */

enum { POLYOPT_OK = 0, POLYOPT_FAILED = 1, POLYOPT_NO_MEMORY = 2, POLYOPT_CANCELLED = 4 }; /* bits of ctx->failed */

/* Exception flags, the same numbers on every platform (polyopt_ctx.fpflags). */
enum { POLYOPT_FP_INVALID = 1, POLYOPT_FP_DIVIDE = 2, POLYOPT_FP_OVERFLOW = 4, POLYOPT_FP_UNDERFLOW = 8 };

/* What was where a kernel stores: which array's element (polyopt_log), and its bits. `step` is the bytes from one note to the next; it is 0
 * where nobody reads them, and then all go to one place. */
struct polyopt_note { int64_t where; uint64_t bits; };
struct polyopt_log { char *next, *end; int64_t step; };
#define POLYOPT_LOGGED 16 /* the most arrays that a kernel logs */

struct polyopt_ctx;
typedef void (*polyopt_body)(void *env, int64_t lo, int64_t hi, struct polyopt_ctx *ctx);

struct polyopt_ctx {
    int32_t abi;
    int32_t nthreads;           /* how many threads a parallel loop may use; 1 inside one */
    int64_t chunk_lo, chunk_hi; /* the kernel's outermost parallel loop runs from max(lo, chunk_lo) to min(hi, chunk_hi) */
    int32_t failed;             /* POLYOPT_FAILED | ... ; the kernel returns it */
    uint32_t fpflags;           /* flags that threads other than the caller's raised */
    const volatile int32_t *cancel;
    const struct polyopt_functions *fn;
    struct polyopt_arena *arena; /* this thread's own */
    int32_t (*parallel_for)(struct polyopt_ctx *ctx, int64_t lo, int64_t hi, int64_t grain, polyopt_body body, void *env);
    void (*poll)(struct polyopt_ctx *ctx); /* looks for signals and sets the cancel flag; NULL where nobody is to look */
    void *poll_data;
    int64_t poll_last;  /* nanoseconds on the clock when poll was last asked for the time */
    int32_t poll_left, poll_step; /* boundaries left until the clock is read again */
    int32_t wake;       /* there is enough work to wake threads that sleep, not only to use those that look for some */
    struct polyopt_log log;
    struct polyopt_note unread;                       /* where notes go that nobody reads */
    int32_t (*log_full)(struct polyopt_ctx *ctx);     /* makes room behind the last note; answers ctx->failed */
};

POLYOPT_INLINE void polyopt_fail(struct polyopt_ctx *ctx) { ctx->failed |= POLYOPT_FAILED; }

/* At a tile boundary, or once an iteration of an outer loop whose body does at least some hundred operations:
 *     if (polyopt_stop(ctx)) return;        (in a body)      if (polyopt_stop(ctx)) return ctx->failed;     (in a kernel)
 * True when the kernel has failed or was cancelled. Costs about a nanosecond; the clock is read every few milliseconds. */
POLYOPT_COLD int32_t polyopt_poll(struct polyopt_ctx *ctx);
POLYOPT_INLINE int32_t polyopt_stop(struct polyopt_ctx *ctx)
{
    if (POLYOPT_UNLIKELY(--ctx->poll_left <= 0)) return polyopt_poll(ctx);
    return ctx->failed;
}

/* ---- memory ------------------------------------------------------------------------------------------------------------- */

/* An `Alloc` of the Loop IR: bytes of the thread's arena, aligned to 64, uninitialised; they never move. NULL when there is no
 * memory (then the context is marked as failed: return at once). Mark before, release at the end of the scope:
 *     struct polyopt_mark m = polyopt_mark(ctx);  double *t = polyopt_alloc(ctx, bytes);  if (!t) return ...;  polyopt_release(ctx, m); */
POLYOPT_COLD void *polyopt_alloc_slow(struct polyopt_ctx *ctx, size_t bytes);

POLYOPT_INLINE struct polyopt_mark polyopt_mark(const struct polyopt_ctx *ctx)
{
    struct polyopt_mark mark = {ctx->arena->cursor, ctx->arena->current};
    return mark;
}

POLYOPT_INLINE void polyopt_release(struct polyopt_ctx *ctx, struct polyopt_mark mark)
{
    ctx->arena->cursor = mark.cursor;
    if (POLYOPT_UNLIKELY(ctx->arena->current != mark.block)) {
        ctx->arena->current = mark.block;
        ctx->arena->limit = mark.block ? mark.block->limit : NULL;
    }
}

POLYOPT_INLINE void *polyopt_alloc(struct polyopt_ctx *ctx, size_t bytes)
{
    struct polyopt_arena *arena = ctx->arena;
    uintptr_t start = ((uintptr_t)arena->cursor + 63) & ~(uintptr_t)63;
    if (POLYOPT_LIKELY(start <= (uintptr_t)arena->limit && bytes < (uintptr_t)arena->limit - start)) {
        arena->cursor = (char *)start + bytes;
        return POLYOPT_ASSUME_ALIGNED((void *)start, 64);
    }
    return polyopt_alloc_slow(ctx, bytes);
}

/* bytes = product of extents and the item's size, or SIZE_MAX (which polyopt_alloc refuses) on overflow or a negative extent. */
POLYOPT_INLINE size_t polyopt_bytes(const int64_t *extents, int rank, size_t itemsize)
{
    size_t bytes = itemsize;
    for (int i = 0; i < rank; i++) {
        if (extents[i] < 0 || (extents[i] != 0 && bytes > (SIZE_MAX / 4) / (size_t)extents[i])) return SIZE_MAX;
        bytes *= (size_t)extents[i];
    }
    return bytes;
}

/* ---- parallel loops ----------------------------------------------------------------------------------------------------- */

/* Runs body(env, a, b, ctx_of_the_thread) on disjoint pieces that cover [lo, hi) exactly once, none (but the last of a thread)
 * shorter than grain; which thread runs which piece is open, so iterations must be independent. The pieces' contexts have their
 * own arena, failed flag and nthreads == 1. Answers ctx->failed. One thread: one inline call, no other cost. */
POLYOPT_INLINE int32_t polyopt_parallel_for(struct polyopt_ctx *ctx, int64_t lo, int64_t hi, int64_t grain, polyopt_body body, void *env)
{
    if (lo >= hi) return ctx->failed;
    if (ctx->nthreads <= 1 || hi - lo <= grain || !ctx->parallel_for) {
        body(env, lo, hi, ctx);
        return ctx->failed;
    }
    return ctx->parallel_for(ctx, lo, hi, grain, body, env);
}

/* The same for the kernel's outermost parallel loop: clipped to the chunk that the caller asked for. */
POLYOPT_INLINE int32_t polyopt_parallel_chunk(struct polyopt_ctx *ctx, int64_t lo, int64_t hi, int64_t grain, polyopt_body body, void *env)
{
    if (lo < ctx->chunk_lo) lo = ctx->chunk_lo;
    if (hi > ctx->chunk_hi) hi = ctx->chunk_hi;
    return polyopt_parallel_for(ctx, lo, hi, grain, body, env);
}

/* ---- the undo log -------------------------------------------------------------------------------------------------------- */

/* Before a store to an element of which nobody has a copy, in the function of the kernel itself and in no piece of a parallel loop:
 *     struct polyopt_log undo = ctx->log;
 *     if (polyopt_log_64(ctx, &undo, 0, k, &a[k])) goto stop;  a[k] = x;     (element k of the array that the entry point logs as number 0)
 * stop:
 *     ctx->log = undo;                                                                                                                    */
POLYOPT_INLINE int32_t polyopt_log(struct polyopt_ctx *ctx, struct polyopt_log *log, int32_t number, int64_t at, uint64_t bits)
{
    struct polyopt_note *note = (struct polyopt_note *)log->next;
    note->where = at * POLYOPT_LOGGED + number;
    note->bits = bits;
    log->next += log->step;
    if (POLYOPT_LIKELY(log->next != log->end)) return 0;
    number = ctx->log_full(ctx);
    *log = ctx->log;
    return number;
}

#define POLYOPT_LOG(size)                                                                                                          \
    POLYOPT_INLINE int32_t polyopt_log_##size(struct polyopt_ctx *ctx, struct polyopt_log *log, int32_t number, int64_t at, const void *place) \
    {                                                                                                                              \
        return polyopt_log(ctx, log, number, at, *(const uint##size##_t *)place);                                                  \
    }
POLYOPT_LOG(8)
POLYOPT_LOG(16)
POLYOPT_LOG(32)
POLYOPT_LOG(64)
#undef POLYOPT_LOG

/* Complex numbers are two elements. */
#define POLYOPT_LOG_PAIR(size)                                                                                                     \
    POLYOPT_INLINE int32_t polyopt_log_pair_##size(struct polyopt_ctx *ctx, struct polyopt_log *log, int32_t number, int64_t at, const void *place) \
    {                                                                                                                              \
        const uint##size##_t *const parts = place;                                                                                 \
        if (polyopt_log(ctx, log, number, 2 * at, parts[0])) return ctx->failed;                                                   \
        return polyopt_log(ctx, log, number, 2 * at + 1, parts[1]);                                                                \
    }
POLYOPT_LOG_PAIR(32)
POLYOPT_LOG_PAIR(64)
#undef POLYOPT_LOG_PAIR

/* ---- NumPy's inner loops on blocks -------------------------------------------------------------------------------------- */

/* One call of NumPy's inner loop: args[k] is the first element of operand k, steps[k] its step in BYTES (0 broadcasts). */
POLYOPT_INLINE void polyopt_ufunc_block(const struct polyopt_ctx *ctx, int loop, char *const args[], int64_t n, const int64_t steps[], int nargs)
{
    char *pointers[8];
    intptr_t bytes[8], count = (intptr_t)n;
    int up = 0, down = 0;
    if (n <= 0) return;
    for (int k = 0; k < nargs; k++) {
        up |= steps[k] > 0;
        down |= steps[k] < 0;
    }
    /* NumPy's loops have other bits for negative steps, which no array that a kernel takes has */
    const int64_t turns = up && down ? n : 1;
    count = (intptr_t)(n / turns);
    for (int64_t i = 0; i < turns; i++) {
        for (int k = 0; k < nargs; k++) {
            pointers[k] = args[k] + (down && !up ? (n - 1) * steps[k] : i * steps[k]);
            bytes[k] = (intptr_t)(steps[k] < 0 ? -steps[k] : steps[k]);
        }
        ctx->fn->loops[loop].call(pointers, &count, bytes, ctx->fn->loops[loop].data);
    }
}

/* y[0..n) = f(x[0..n)); steps in bytes. */
POLYOPT_INLINE void polyopt_ufunc1(const struct polyopt_ctx *ctx, int loop, const void *x, int64_t sx, void *y, int64_t sy, int64_t n)
{
    char *args[2] = {(char *)x, (char *)y};
    intptr_t steps[2] = {(intptr_t)sx, (intptr_t)sy}, count = (intptr_t)n;
    if (n > 0) ctx->fn->loops[loop].call(args, &count, steps, ctx->fn->loops[loop].data);
}

/* z = f(x, y); steps in bytes. */
POLYOPT_INLINE void polyopt_ufunc2(const struct polyopt_ctx *ctx, int loop, const void *x, int64_t sx, const void *y, int64_t sy,
                                   void *z, int64_t sz, int64_t n)
{
    char *args[3] = {(char *)x, (char *)y, (char *)z};
    intptr_t steps[3] = {(intptr_t)sx, (intptr_t)sy, (intptr_t)sz}, count = (intptr_t)n;
    if (n > 0) ctx->fn->loops[loop].call(args, &count, steps, ctx->fn->loops[loop].data);
}

/* *acc = f(...f(f(*acc, x[0]), x[1])..., x[n-1]) in NumPy's own order (pairwise for floating-point add). */
POLYOPT_INLINE void polyopt_reduce_block(const struct polyopt_ctx *ctx, int loop, void *acc, const void *x, int64_t sx, int64_t n)
{
    const char *first = x;
    for (; n > ctx->fn->reduce_span; n -= ctx->fn->reduce_span, first += ctx->fn->reduce_span * sx)
        polyopt_ufunc2(ctx, loop, acc, 0, first, sx, acc, 0, ctx->fn->reduce_span);
    polyopt_ufunc2(ctx, loop, acc, 0, first, sx, acc, 0, n);
}

/* ---- masks --------------------------------------------------------------------------------------------------------------- */

/* Whether eight truth values that lie side by side are all false. */
POLYOPT_INLINE int polyopt_none_of_8(const uint8_t *mask)
{
    uint64_t all;
    memcpy(&all, mask, sizeof all);
    return all == 0;
}

/* ---- NumPy's products of matrices ---------------------------------------------------------------------------------------- */

/* c = a @ b, of m by n and n by p matrices, by NumPy's own loop for numpy.matmul and with the very arguments that NumPy gives it; a vector is
 * a row (m == 1) or a column (p == 1). Steps in bytes, first along rows' numbers, then along columns'; NumPy's are zero along one element. */
POLYOPT_INLINE void polyopt_matmul(const struct polyopt_ctx *ctx, int loop, int64_t m, int64_t n, int64_t p, const void *a, int64_t a_m,
                                   int64_t a_n, const void *b, int64_t b_n, int64_t b_p, void *c, int64_t c_m, int64_t c_p)
{
    char *args[3] = {(char *)a, (char *)b, (char *)c};
    const intptr_t extents[4] = {1, (intptr_t)m, (intptr_t)n, (intptr_t)p};
    const intptr_t steps[9] = {0, 0, 0, m == 1 ? 0 : (intptr_t)a_m, n == 1 ? 0 : (intptr_t)a_n, n == 1 ? 0 : (intptr_t)b_n,
                               p == 1 ? 0 : (intptr_t)b_p, m == 1 ? 0 : (intptr_t)c_m, p == 1 ? 0 : (intptr_t)c_p};
    if (m > 0 && p > 0) ctx->fn->loops[loop].call(args, extents, steps, ctx->fn->loops[loop].data);
}

/* c = numpy.dot(a, b), elements of `size` bytes, c without gaps; answers ctx->failed. */
POLYOPT_COLD int32_t polyopt_dot(struct polyopt_ctx *ctx, int loop, int64_t size, int64_t m, int64_t n, int64_t p, const void *a, int64_t a_m,
                                 int64_t a_n, const void *b, int64_t b_n, int64_t b_p, void *c, int64_t c_m, int64_t c_p);

/* The products of two vectors. */
#define POLYOPT_VECTORS(tail, type, one)                                                                                           \
    POLYOPT_INLINE type polyopt_matmul_##tail(const struct polyopt_ctx *ctx, int loop, const void *a, int64_t sa, const void *b, int64_t sb, int64_t n) \
    {                                                                                                                              \
        type c;                                                                                                                    \
        polyopt_matmul(ctx, loop, 1, n, 1, a, 0, sa, b, sb, 0, &c, 0, 0);                                                          \
        return c;                                                                                                                  \
    }                                                                                                                              \
    POLYOPT_INLINE type polyopt_dot_##tail(struct polyopt_ctx *ctx, int loop, const void *a, int64_t sa, const void *b, int64_t sb, int64_t n) \
    {                                                                                                                              \
        type c;                                                                                                                    \
        one                                                                                                                        \
        polyopt_dot(ctx, loop, (int64_t)sizeof c, 1, n, 1, a, 0, sa, b, sb, 0, &c, 0, 0);                                          \
        return c;                                                                                                                  \
    }
POLYOPT_VECTORS(f32, float, if (n == 1) return *(const float *)a * *(const float *)b;)
POLYOPT_VECTORS(f64, double, if (n == 1) return *(const double *)a * *(const double *)b;)
POLYOPT_VECTORS(c64, polyopt_c64, )
POLYOPT_VECTORS(c128, polyopt_c128, )
#undef POLYOPT_VECTORS

#include "polyopt_math.h"

#if defined(__GNUC__) || defined(__clang__)
#pragma GCC visibility pop
#endif
#endif
