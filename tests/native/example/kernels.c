/* The kernels of the hand-written example, compiled once a level. */
#include "example.h"

/* for i in range(n): y[i] = a * x[i] + y[i] */
int32_t POLYOPT_KERNEL(axpy)(const void *p, struct polyopt_ctx *ctx)
{
    const struct axpy_args *k = p;
    for (int64_t i = 0; i < k->n; i++) k->y[i * k->sy] = k->a * k->x[i * k->sx] + k->y[i * k->sy];
    return ctx->failed;
}

/* out = (u[:-2] + u[1:-1] + u[2:]) / 3.0 */
static void smooth_body(void *env, int64_t lo, int64_t hi, struct polyopt_ctx *ctx)
{
    const struct smooth_args *k = env;
    const double *u = k->u;
    double *out = k->out;
    (void)ctx;
    for (int64_t i = lo; i < hi; i++) out[i] = ((u[i * k->su] + u[(i + 1) * k->su]) + u[(i + 2) * k->su]) / 3.0;
}

int32_t POLYOPT_KERNEL(smooth)(const void *p, struct polyopt_ctx *ctx)
{
    return polyopt_parallel_chunk(ctx, 0, ((const struct smooth_args *)p)->n, 1024, smooth_body, (void *)(uintptr_t)p);
}

/* out = np.exp(x), in blocks through a temporary of the arena */
int32_t POLYOPT_KERNEL(exponential)(const void *p, struct polyopt_ctx *ctx)
{
    const struct exponential_args *k = p;
    for (int64_t i = 0; i < k->n; i += 100) {
        int64_t m = polyopt_min(100, k->n - i);
        struct polyopt_mark mark = polyopt_mark(ctx);
        double *block = polyopt_alloc(ctx, (size_t)m * sizeof *block);
        if (!block) return ctx->failed;
        polyopt_ufunc1(ctx, LOOP_exp, k->x + i, 8, block, 8, m);
        for (int64_t j = 0; j < m; j++) k->out[i + j] = block[j];
        polyopt_release(ctx, mark);
    }
    return ctx->failed;
}

/* out[i] = i * i, computed by some thread through a temporary; iteration fail_at fails. The last one also adds two loops. */
static void squares_body(void *env, int64_t lo, int64_t hi, struct polyopt_ctx *ctx)
{
    const struct squares_args *k = env;
    for (int64_t i = lo; i < hi; i++) {
        struct polyopt_mark mark = polyopt_mark(ctx);
        int64_t *one = polyopt_alloc(ctx, (size_t)k->temporaries * sizeof *one);
        if (!one || polyopt_stop(ctx)) return;
        if ((uintptr_t)one % 64) polyopt_fail(ctx);
        one[k->temporaries - 1] = i;
        one[0] = polyopt_py_mul_i64(ctx, one[k->temporaries - 1], i);
        if (i == k->fail_at) polyopt_fail(ctx);
        k->out[i] += one[0];
        polyopt_release(ctx, mark);
    }
}

int32_t POLYOPT_KERNEL(squares)(const void *p, struct polyopt_ctx *ctx)
{
    const struct squares_args *k = p;
    return polyopt_parallel_for(ctx, 0, k->n, k->grain, squares_body, (void *)(uintptr_t)p);
}

/* Busy until it is told to stop, or for `rounds` rounds. */
int32_t POLYOPT_KERNEL(wait)(const void *p, struct polyopt_ctx *ctx)
{
    const struct wait_args *k = p;
    volatile double sink = 1.0;
    for (int64_t i = 0; i < k->rounds; i++) {
        if (polyopt_stop(ctx)) return ctx->failed;
        for (int j = 0; j < 1000; j++) sink = sink * 1.0000001;
        ++*k->ticks;
    }
    return ctx->failed;
}

/* Raises flags in whichever threads take part; the result is made of zeros. */
static void flags_body(void *env, int64_t lo, int64_t hi, struct polyopt_ctx *ctx)
{
    const struct squares_args *k = env;
    volatile double zero = 0.0, result;
    for (int64_t i = lo; i < hi; i++) {
        if (i == k->fail_at) result = 1.0 / zero;
        for (int j = 0; j < 100; j++) result = zero + 1.0;
        k->out[i] = 0;
    }
    (void)ctx;
    (void)result;
}

int32_t POLYOPT_KERNEL(flags)(const void *p, struct polyopt_ctx *ctx)
{
    const struct squares_args *k = p;
    return polyopt_parallel_for(ctx, 0, k->n, k->grain, flags_body, (void *)(uintptr_t)p);
}
