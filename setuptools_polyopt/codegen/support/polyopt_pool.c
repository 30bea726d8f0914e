/* polyopt_pool.c: the process's threads. Plain C11 and pthreads; without them parallel loops run in the caller.
 *
 * A job is one parallel loop. The caller owns the pool while its job runs (a second caller meanwhile runs its loop alone), divides
 * [lo, hi) into one contiguous range a thread, and takes part itself. Ranges are handed out in pieces through one atomic counter a
 * range; who has finished his own helps with the others'. The caller never waits for a worker to wake up: when no piece is left it
 * closes the job and waits only for those that had entered it.
 *
 * Workers start when the first job needs them, spin for some microseconds after a job and then sleep. Waking one takes tens of
 * microseconds, also from the caller's time, so only large jobs do that, and small ones that follow each other closely. Before a fork an idle pool joins
 * its workers (so no other thread exists when fork runs, which CPython 3.12+ would warn of); the next job starts new ones. While a job
 * runs, fork leaves the pool alone and the child starts with an empty one.
 */
#define _GNU_SOURCE
#include <stdlib.h>

#include "polyopt_cpu.h"
#include "polyopt_fenv.h"
#include "polyopt_pool.h"

const struct polyopt_pool_api *polyopt_pool = &polyopt_own_pool;

double polyopt_work_per_thread = 60000.0, polyopt_work_to_wake = 2.5e6;

int32_t polyopt_threads_for(double work)
{
    double worth = work / polyopt_work_per_thread;
    int32_t most;
    if (!(worth >= 2.0)) return 1;
    most = polyopt_pool->threads();
    return worth < (double)most ? (int32_t)worth : most;
}

static int32_t inline_job(struct polyopt_ctx *ctx, int64_t lo, int64_t hi, polyopt_body body, void *env)
{
    int32_t nthreads = ctx->nthreads;
    ctx->nthreads = 1;
    body(env, lo, hi, ctx);
    ctx->nthreads = nthreads;
    return ctx->failed;
}

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#define MOST_THREADS 256
#define PIECES 8              /* a thread's range is handed out in so many pieces, if grain allows */
#define SPIN_WORKER 20000     /* nanoseconds before an idle worker sleeps */
#define SPIN_CALLER 100000    /* nanoseconds before a caller that waits for its workers sleeps */
#define CLOSE 40000           /* nanoseconds between small jobs that follow each other closely */
#define SERIES 4              /* of them wake the workers */
#define STACK_BYTES ((size_t)2 << 20)
#define KEEP_BYTES ((size_t)4 << 20) /* a worker keeps its arena's blocks up to this size between jobs */
#define OPEN 0x80000000u

struct range {
    _Alignas(64) atomic_llong next;
    int64_t end;
};

static struct {
    _Alignas(64) atomic_uint state;  /* OPEN | number of workers inside the job */
    atomic_uint generation;          /* one more with every job, and to wake everybody */
    atomic_int sleepers, stop, waiting;
    _Alignas(64) atomic_int owner;   /* a job runs, or a fork is under way */
    atomic_int slots, failed;
    atomic_uint fpflags;
    atomic_int nworkers;
    atomic_uint epoch;               /* changes in a forked child */
    atomic_llong jobs;
    /* the job: written before it opens */
    const struct polyopt_ctx *ctx;
    polyopt_body body;
    void *env;
    int64_t piece;
    int32_t nslots, series;
    int64_t ended;
    uint64_t control;
    struct range ranges[MOST_THREADS];
    pthread_t workers[MOST_THREADS];
    pthread_mutex_t mutex;
    pthread_cond_t wake, done;
    atomic_int size;                 /* threads(), once known */
    int held;                        /* between the fork handlers: owner is ours */
} pool = {.mutex = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};

static inline void pause_(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

/* ---- taking part in a job -------------------------------------------------------------------------------------------------------------- */

static int next_piece(int32_t range, int64_t *lo, int64_t *hi)
{
    struct range *r = &pool.ranges[range];
    long long start = atomic_load_explicit(&r->next, memory_order_relaxed);
    do {
        if (start >= r->end) return 0;
        *hi = r->end - start > pool.piece ? start + pool.piece : r->end;
    } while (!atomic_compare_exchange_weak_explicit(&r->next, &start, *hi, memory_order_relaxed, memory_order_relaxed));
    *lo = start;
    return 1;
}

static void take_part(int32_t slot, struct polyopt_ctx *ctx)
{
    int64_t lo, hi;
    for (int32_t k = 0; k < pool.nslots; k++) {
        int32_t range = slot + k < pool.nslots ? slot + k : slot + k - pool.nslots;
        while (next_piece(range, &lo, &hi)) {
            pool.body(pool.env, lo, hi, ctx);
            if (ctx->failed) atomic_fetch_or_explicit(&pool.failed, ctx->failed, memory_order_relaxed);
            if (atomic_load_explicit(&pool.failed, memory_order_relaxed)) return;
        }
    }
}

/* ---- workers ------------------------------------------------------------------------------------------------------------------------------ */

static void work(struct polyopt_arena *arena)
{
    int32_t slot = atomic_fetch_add_explicit(&pool.slots, 1, memory_order_relaxed);
    if (slot >= pool.nslots) return;
    struct polyopt_ctx ctx = *pool.ctx;
    struct polyopt_mark mark;
    ctx.nthreads = 1;
    ctx.chunk_lo = INT64_MIN;
    ctx.chunk_hi = INT64_MAX;
    ctx.failed = 0;
    ctx.fpflags = 0;
    ctx.arena = arena;
    ctx.poll = NULL;
    ctx.poll_left = ctx.poll_step;
    mark = polyopt_mark(&ctx);
    polyopt_fp_adopt(pool.control);
    take_part(slot, &ctx);
    atomic_fetch_or_explicit(&pool.fpflags, polyopt_fp_flags() | ctx.fpflags, memory_order_relaxed);
    polyopt_release(&ctx, mark);
}

static void leave(void)
{
    unsigned before = atomic_fetch_sub(&pool.state, 1);
    if ((before & ~OPEN) == 1 && atomic_load(&pool.waiting)) {
        pthread_mutex_lock(&pool.mutex);
        pthread_cond_signal(&pool.done);
        pthread_mutex_unlock(&pool.mutex);
    }
}

static int enter(void)
{
    unsigned state = atomic_load(&pool.state);
    while (state & OPEN)
        if (atomic_compare_exchange_weak(&pool.state, &state, state + 1)) return 1;
    return 0;
}

/* Returns when there is a new generation: spins, then sleeps. */
static unsigned await(unsigned seen)
{
    unsigned now;
    int64_t until = polyopt_clock() + SPIN_WORKER;
    do {
        for (int i = 0; i < 64; i++) {
            now = atomic_load_explicit(&pool.generation, memory_order_acquire);
            if (now != seen) return now;
            pause_();
        }
    } while (polyopt_clock() < until);
    pthread_mutex_lock(&pool.mutex);
    atomic_fetch_add(&pool.sleepers, 1);
    while ((now = atomic_load(&pool.generation)) == seen) pthread_cond_wait(&pool.wake, &pool.mutex);
    atomic_fetch_sub(&pool.sleepers, 1);
    pthread_mutex_unlock(&pool.mutex);
    return now;
}

static void trim(struct polyopt_arena *arena)
{
    size_t bytes = 0;
    for (struct polyopt_block *block = arena->first->next; block; block = block->next) bytes += (size_t)(block->limit - (char *)block);
    if (bytes > KEEP_BYTES) polyopt_arena_clear(arena);
}

static void *worker(void *first_generation)
{
    struct polyopt_arena arena;
    struct polyopt_block block;
    char bytes[64];
    unsigned seen = (unsigned)(uintptr_t)first_generation;
    polyopt_arena_init(&arena, &block, bytes, sizeof bytes);
    while (!atomic_load(&pool.stop)) {
        if (enter()) {
            seen = atomic_load(&pool.generation);
            work(&arena);
            leave();
            trim(&arena);
        }
        seen = await(seen);
    }
    polyopt_arena_clear(&arena);
    return NULL;
}

/* Starts workers until there are `wanted`; fewer when the system gives no more. The owner's call. */
static int32_t start(int32_t wanted)
{
    int32_t count = atomic_load(&pool.nworkers);
    pthread_attr_t attributes;
    sigset_t all, before;
    if (count >= wanted) return count;
    if (pthread_attr_init(&attributes) != 0) return count;
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (count < wanted) {
        void *generation = (void *)(uintptr_t)atomic_load(&pool.generation);
        if (pthread_create(&pool.workers[count], &attributes, worker, generation) != 0) break;
        atomic_store(&pool.nworkers, ++count);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return count;
}

static void wake(int32_t wanted)
{
    int32_t sleeping = atomic_load(&pool.sleepers);
    if (sleeping == 0) return;
    pthread_mutex_lock(&pool.mutex);
    if (wanted >= sleeping) pthread_cond_broadcast(&pool.wake);
    else
        while (wanted-- > 0) pthread_cond_signal(&pool.wake);
    pthread_mutex_unlock(&pool.mutex);
}

/* ---- the caller ------------------------------------------------------------------------------------------------------------------------------ */

/* Waits for the workers inside the job; looks for signals meanwhile. False when a fork took the workers away (we are the child). */
static int wait_for_workers(struct polyopt_ctx *ctx, unsigned epoch)
{
    unsigned state = atomic_fetch_and(&pool.state, ~OPEN) & ~OPEN;
    int64_t until = 0;
    while (state != 0) {
        for (int i = 0; i < 64 && state != 0; i++) {
            pause_();
            state = atomic_load(&pool.state);
        }
        if (state == 0) break;
        if (until == 0) until = polyopt_clock() + SPIN_CALLER;
        if (polyopt_clock() < until) continue;
        struct timespec limit;
        clock_gettime(CLOCK_REALTIME, &limit);
        limit.tv_nsec += 20000000;
        limit.tv_sec += limit.tv_nsec / 1000000000;
        limit.tv_nsec %= 1000000000;
        pthread_mutex_lock(&pool.mutex);
        atomic_store(&pool.waiting, 1);
        if (atomic_load(&pool.state) != 0) pthread_cond_timedwait(&pool.done, &pool.mutex, &limit);
        atomic_store(&pool.waiting, 0);
        pthread_mutex_unlock(&pool.mutex);
        if (ctx->poll) {
            (void)polyopt_poll(ctx);
            if (atomic_load(&pool.epoch) != epoch) return 0;
        }
        state = atomic_load(&pool.state);
    }
    return 1;
}

static void divide(int64_t lo, int64_t hi, int64_t grain, int32_t nslots)
{
    int64_t count = hi - lo, share = count / nslots, rest = count % nslots, start = lo;
    pool.piece = share / PIECES > grain ? share / PIECES : grain;
    for (int32_t t = 0; t < nslots; t++) {
        int64_t end = start + share + (t < rest);
        atomic_store_explicit(&pool.ranges[t].next, start, memory_order_relaxed);
        pool.ranges[t].end = end;
        start = end;
    }
}

/* Whether a job may wake workers that sleep. The owner's call. */
static int may_wake(const struct polyopt_ctx *ctx)
{
    if (ctx->wake) return 1;
    pool.series = polyopt_clock() - pool.ended < CLOSE ? pool.series + 1 : 0;
    return pool.series >= SERIES;
}

static int32_t run_job(struct polyopt_ctx *ctx, int64_t lo, int64_t hi, int64_t grain, polyopt_body body, void *env, int32_t wanted)
{
    unsigned epoch = atomic_load(&pool.epoch);
    int32_t nthreads = ctx->nthreads, waking = may_wake(ctx), helpers = waking ? start(wanted - 1) : atomic_load(&pool.nworkers);
    divide(lo, hi, grain, wanted);
    pool.ctx = ctx;
    pool.body = body;
    pool.env = env;
    pool.nslots = wanted;
    pool.control = polyopt_fp_control();
    atomic_store_explicit(&pool.slots, 1, memory_order_relaxed);
    atomic_store_explicit(&pool.failed, 0, memory_order_relaxed);
    atomic_store_explicit(&pool.fpflags, 0, memory_order_relaxed);
    atomic_fetch_add_explicit(&pool.jobs, 1, memory_order_relaxed);
    struct polyopt_ctx mine = *ctx; /* workers copy *ctx while they enter: it must not change */
    mine.nthreads = 1;
    mine.chunk_lo = INT64_MIN;
    mine.chunk_hi = INT64_MAX;
    atomic_store(&pool.state, OPEN);
    atomic_fetch_add(&pool.generation, 1);
    if (helpers && waking) wake(wanted - 1);
    take_part(0, &mine);
    int alive = atomic_load(&pool.epoch) == epoch && wait_for_workers(&mine, epoch);
    *ctx = mine;
    ctx->nthreads = nthreads;
    if (!alive) {
        ctx->failed |= POLYOPT_FAILED;
        return ctx->failed;
    }
    ctx->failed |= atomic_load(&pool.failed);
    ctx->fpflags |= atomic_load(&pool.fpflags);
    if (!ctx->wake) pool.ended = polyopt_clock();
    return ctx->failed;
}

static int32_t pool_parallel_for(struct polyopt_ctx *ctx, int64_t lo, int64_t hi, int64_t grain, polyopt_body body, void *env)
{
    int64_t most, chunk_lo = ctx->chunk_lo, chunk_hi = ctx->chunk_hi;
    int32_t wanted = ctx->nthreads, free_ = 0, status;
    if (grain < 1) grain = 1;
    most = hi / 2 - lo / 2 > INT64_MAX / 4 ? 1 : (hi - lo + grain - 1) / grain;
    if (wanted > most) wanted = (int32_t)most;
    if (wanted > MOST_THREADS) wanted = MOST_THREADS;
    if (wanted <= 1 || !atomic_compare_exchange_strong(&pool.owner, &free_, 1)) return inline_job(ctx, lo, hi, body, env);
    status = run_job(ctx, lo, hi, grain, body, env, wanted);
    ctx->chunk_lo = chunk_lo;
    ctx->chunk_hi = chunk_hi;
    atomic_store(&pool.owner, 0);
    return status;
}

static int32_t pool_threads(void)
{
    int32_t size = atomic_load_explicit(&pool.size, memory_order_relaxed);
    if (size == 0) {
        size = polyopt_default_threads();
        if (size > MOST_THREADS) size = MOST_THREADS;
        atomic_store(&pool.size, size);
    }
    return size;
}

static int32_t pool_running(void) { return atomic_load(&pool.nworkers); }
static int64_t pool_jobs(void) { return atomic_load(&pool.jobs); }

/* ---- fork -------------------------------------------------------------------------------------------------------------------------------------- */

static void before_fork(void)
{
    int free_ = 0;
    pool.held = atomic_compare_exchange_strong(&pool.owner, &free_, 1);
    if (!pool.held) return;
    int32_t count = atomic_load(&pool.nworkers);
    if (count == 0) return;
    pthread_mutex_lock(&pool.mutex);
    atomic_store(&pool.stop, 1);
    atomic_fetch_add(&pool.generation, 1);
    pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.mutex);
    for (int32_t i = 0; i < count; i++) pthread_join(pool.workers[i], NULL);
    atomic_store(&pool.nworkers, 0);
    atomic_store(&pool.stop, 0);
}

static void after_fork_parent(void)
{
    if (pool.held) atomic_store(&pool.owner, 0);
}

/* A child of a process whose pool was busy: the workers are gone, and whoever held the locks with them. */
static void after_fork_child(void)
{
    if (!pool.held) {
        static const pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
        static const pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
        pool.mutex = mutex;
        pool.wake = pool.done = cond;
        atomic_store(&pool.state, 0);
        atomic_store(&pool.sleepers, 0);
        atomic_store(&pool.waiting, 0);
        atomic_store(&pool.nworkers, 0);
    }
    atomic_fetch_add(&pool.epoch, 1);
    atomic_store(&pool.owner, 0);
}

static int32_t pool_prepare(void) { return pthread_atfork(before_fork, after_fork_parent, after_fork_child); }

#else

static int32_t pool_parallel_for(struct polyopt_ctx *ctx, int64_t lo, int64_t hi, int64_t grain, polyopt_body body, void *env)
{
    (void)grain;
    return inline_job(ctx, lo, hi, body, env);
}
static int32_t pool_threads(void) { return 1; }
static int32_t pool_running(void) { return 0; }
static int64_t pool_jobs(void) { return 0; }
static int32_t pool_prepare(void) { return 0; }

#endif

const struct polyopt_pool_api polyopt_own_pool = {
    POLYOPT_ABI, (int32_t)sizeof(struct polyopt_pool_api), pool_parallel_for, pool_threads, pool_running, pool_jobs, pool_prepare,
};
