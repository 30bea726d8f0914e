/* polyopt_base.c: the arena's slow path, the poll, the flags, libm. Compiled once, for the baseline, with -fno-builtin. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <time.h>

#include "polyopt_pool.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif
#if defined(_WIN32)
#include <windows.h>
int64_t polyopt_clock(void)
{
    LARGE_INTEGER count, frequency;
    QueryPerformanceCounter(&count);
    QueryPerformanceFrequency(&frequency);
    return (int64_t)((double)count.QuadPart * 1e9 / (double)frequency.QuadPart);
}
#else
int64_t polyopt_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
#endif

/* ---- arena ---------------------------------------------------------------------------------------------------------------------- */

#define BLOCK_HEAD 64
#define BLOCK_LEAST ((size_t)1 << 16)

static char *block_start(struct polyopt_block *block, char *first)
{
    return block->owned ? (char *)block + BLOCK_HEAD : first;
}

void polyopt_arena_init(struct polyopt_arena *arena, struct polyopt_block *block, char *bytes, size_t size)
{
    block->next = NULL;
    block->limit = bytes + size;
    block->owned = 0;
    arena->cursor = bytes;
    arena->limit = block->limit;
    arena->first = arena->current = block;
}

void polyopt_arena_clear(struct polyopt_arena *arena)
{
    struct polyopt_block *block = arena->first ? arena->first->next : NULL;
    while (block) {
        struct polyopt_block *next = block->next;
        free(block);
        block = next;
    }
    if (arena->first) arena->first->next = NULL;
}

/* Large blocks ask for huge pages, as NumPy's arrays do: fresh memory costs a page fault for each page. */
static void *new_block(size_t bytes)
{
    char *block = malloc(bytes);
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    if (block && bytes >= (size_t)1 << 22) {
        const uintptr_t page = 4096, start = ((uintptr_t)block + page - 1) & ~(page - 1);
        (void)madvise((void *)start, bytes - (start - (uintptr_t)block), MADV_HUGEPAGE); /* advice: a refusal changes nothing */
    }
#endif
    return block;
}

/* Moves on to the next block; those that a release left behind are used again, a too small one is replaced. */
void *polyopt_alloc_slow(struct polyopt_ctx *ctx, size_t bytes)
{
    struct polyopt_arena *arena = ctx->arena;
    struct polyopt_block *block = arena->current->next;
    while (block && (size_t)(block->limit - block_start(block, NULL)) < bytes + 64) {
        arena->current->next = block->next;
        free(block);
        block = arena->current->next;
    }
    if (!block) {
        size_t size = bytes + 64 < BLOCK_LEAST ? BLOCK_LEAST : bytes + 64;
        block = bytes > SIZE_MAX / 4 ? NULL : new_block(BLOCK_HEAD + size);
        if (!block) {
            ctx->failed |= POLYOPT_NO_MEMORY;
            return NULL;
        }
        block->next = NULL;
        block->owned = 1;
        block->limit = (char *)block + BLOCK_HEAD + size;
        arena->current->next = block;
    }
    uintptr_t start = ((uintptr_t)block_start(block, NULL) + 63) & ~(uintptr_t)63;
    arena->current = block;
    arena->limit = block->limit;
    arena->cursor = (char *)start + bytes;
    return (void *)start;
}

/* ---- poll ------------------------------------------------------------------------------------------------------------------------ */

#define POLL_NANOSECONDS 2000000

/* Reads the clock, adapts the number of boundaries until the next reading, and lets the entry side look for signals. */
int32_t polyopt_poll(struct polyopt_ctx *ctx)
{
    int64_t now = polyopt_clock(), passed = now - ctx->poll_last;
    if (passed < POLL_NANOSECONDS) {
        if (ctx->poll_step < 1 << 20) ctx->poll_step *= 2;
    }
    else {
        int64_t step = ctx->poll_step / (passed / POLL_NANOSECONDS + 1);
        ctx->poll_step = step < 1 ? 1 : (int32_t)step;
    }
    ctx->poll_left = ctx->poll_step;
    ctx->poll_last = now;
    if (ctx->poll) ctx->poll(ctx);
    if (ctx->cancel && *ctx->cancel) ctx->failed |= POLYOPT_CANCELLED;
    return ctx->failed;
}

/* ---- flags ------------------------------------------------------------------------------------------------------------------------ */

static volatile double zero = 0.0, huge_ = 1e308;
static volatile double sink;

void polyopt_raise_invalid(void) { sink = zero / zero; }
void polyopt_raise_divide(void) { sink = 1.0 / zero; }
void polyopt_raise_overflow(void) { sink = huge_ * huge_; }

/* ---- libm -------------------------------------------------------------------------------------------------------------------------- */

static double no_error(double total, double item)
{
    (void)total, (void)item;
    return 0.0;
}

double polyopt_rounding_error(double total, double item)
{
    const double sum = total + item;
    return fabs(total) >= fabs(item) ? (total - sum) + item : (item - sum) + total;
}

void polyopt_libm_fill(struct polyopt_libm *libm)
{
    libm->sum_error = no_error;
#define FILL(name) libm->name = name;
    POLYOPT_LIBM1(FILL)
    POLYOPT_LIBM2(FILL)
    FILL(powf)
    FILL(hypotf)
#undef FILL
}
