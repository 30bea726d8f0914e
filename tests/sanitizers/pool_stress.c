/* pool_stress.c: several threads that all want parallel loops, and a process that forks meanwhile (see test_sanitizers.py). */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "polyopt_pool.h"

enum { CALLERS = 4, MOST = 5000 };

struct job {
    unsigned char *seen;
    int64_t fails;
};

static void body(void *env, int64_t lo, int64_t hi, struct polyopt_ctx *ctx)
{
    struct job *job = env;
    for (int64_t i = lo; i < hi; i++) {
        double *scratch = malloc(64);
        scratch[0] = (double)i;
        job->seen[i] += scratch[0] == (double)i;
        free(scratch);
        if (i == job->fails) polyopt_fail(ctx);
    }
}

static int one(int64_t count, int64_t fails, int32_t threads)
{
    unsigned char *seen = calloc((size_t)count + 1, 1);
    struct job job = {seen, fails};
    struct polyopt_ctx ctx;
    struct polyopt_block block;
    struct polyopt_arena arena;
    char bytes[256];
    int32_t cancel = 0, failed;
    int wrong = 0;
    memset(&ctx, 0, sizeof ctx);
    polyopt_arena_init(&arena, &block, bytes, sizeof bytes);
    ctx.abi = POLYOPT_ABI;
    ctx.nthreads = threads;
    ctx.cancel = &cancel;
    ctx.arena = &arena;
    ctx.parallel_for = polyopt_pool->parallel_for;
    ctx.poll_left = ctx.poll_step = 1000;
    ctx.wake = 1;
    failed = polyopt_pool->parallel_for(&ctx, 0, count, 1 + count / 100, body, &job);
    for (int64_t i = 0; i < count && !failed; i++) wrong |= seen[i] != 1;
    wrong |= (fails >= 0 && fails < count) != (failed != 0);
    polyopt_arena_clear(&arena);
    free(seen);
    return wrong;
}

static void *caller(void *seed)
{
    unsigned state = (unsigned)(size_t)seed;
    size_t wrong = 0;
    for (int k = 0; k < 400; k++) {
        int64_t count = rand_r(&state) % MOST;
        wrong += (size_t)one(count, k % 5 ? -1 : rand_r(&state) % MOST, 1 + (int32_t)(rand_r(&state) % 4));
        if (k % 50 == 0) usleep(200);
    }
    return (void *)wrong;
}

int main(int argc, char **argv)
{
    pthread_t threads[CALLERS];
    size_t wrong = 0;
    (void)argv;
    polyopt_pool->prepare();
    for (size_t k = 0; k < CALLERS; k++) pthread_create(&threads[k], NULL, caller, (void *)(k + 1));
    for (size_t k = 0; k < CALLERS; k++) {
        void *found = NULL;
        pthread_join(threads[k], &found);
        wrong += (size_t)found;
    }
    for (int k = 0; argc > 1 && k < 5; k++) {
        int status = 0;
        pid_t child = fork();
        if (child == 0) _exit(one(1000, -1, 4));
        waitpid(child, &status, 0);
        wrong += status != 0;
        wrong += (size_t)one(1000, -1, 4);
    }
    printf("%zu wrong, %lld jobs\n", wrong, (long long)polyopt_pool->jobs());
    return wrong != 0;
}
