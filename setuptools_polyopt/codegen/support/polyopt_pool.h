/* polyopt_pool.h: threads, processor levels, floating-point environment; no Python header.
 *
 * One pool serves the process: the first extension publishes its table of functions (struct polyopt_pool_api) in the interpreter's
 * dictionary, later ones use what they find there, whichever version of this file made it, as long as the capsule's name is the same.
 */
#ifndef POLYOPT_POOL_H
#define POLYOPT_POOL_H

#include "polyopt.h"

#if defined(__GNUC__) || defined(__clang__)
#pragma GCC visibility push(hidden)
#endif

#define POLYOPT_POOL_CAPSULE "polyopt._pool_v1"

/* Shared between extensions that may come from different builds: only ever extended at the end. */
struct polyopt_pool_api {
    int32_t abi, size;
    int32_t (*parallel_for)(struct polyopt_ctx *ctx, int64_t lo, int64_t hi, int64_t grain, polyopt_body body, void *env);
    int32_t (*threads)(void);   /* how many threads a parallel loop may have */
    int32_t (*running)(void);   /* worker threads alive now (for tests) */
    int64_t (*jobs)(void);      /* parallel loops that the pool has run (for tests) */
    int32_t (*prepare)(void);   /* called once, by the extension that publishes the pool: installs the fork handlers */
};
extern const struct polyopt_pool_api polyopt_own_pool;

/* The pool in use: polyopt_own_pool until the extension found a published one. */
extern const struct polyopt_pool_api *polyopt_pool;

/* The threads worth starting for this much work (operations, about nanoseconds on one core): 1 .. polyopt_pool->threads(). */
int32_t polyopt_threads_for(double work);
/* A thread that looks for work is worth its share from about this much on; a thread that sleeps is worth waking from that much work of the
 * whole call on. `_native.tune` sets what was measured. */
extern double polyopt_work_per_thread, polyopt_work_to_wake;

/* Highest POLYOPT_LEVEL_* that this processor and its operating system support, lowered by POLYOPT_CPU_LEVEL (base, v2, v3, v4). */
int32_t polyopt_cpu_level(void);

int64_t polyopt_clock(void); /* nanoseconds, monotonic */

void polyopt_libm_fill(struct polyopt_libm *libm);
/* For polyopt_libm.sum_error, from Python 3.12 on: (total + item) - rounded(total + item), exactly. */
double polyopt_rounding_error(double total, double item);

/* Frees the blocks that an arena took from malloc. */
void polyopt_arena_clear(struct polyopt_arena *arena);
/* An empty arena over `size` bytes that the caller owns; block is the caller's too. */
void polyopt_arena_init(struct polyopt_arena *arena, struct polyopt_block *block, char *bytes, size_t size);

#if defined(__GNUC__) || defined(__clang__)
#pragma GCC visibility pop
#endif
#endif
