/* A GPU on a CPU: the words of CUDA C++ that generated kernels use, so that their very text compiles as C++ and runs.
 *
 * Threads of a block are contexts of their own that run one after the other up to the next barrier, in a shuffled order, and so are the blocks:
 * what a kernel wrongly takes for granted about order shows. Arithmetic is this machine's, without contraction. Mathematical functions are
 * the host's libm: this says nothing about CUDA's.
 */
#include <stdint.h>
#include <stdlib.h>
#include <ucontext.h>

struct dim3 { unsigned int x, y, z; };
static dim3 threadIdx, blockIdx, blockDim, gridDim;

#define __global__
#define __device__
#define __host__
#define __shared__ static
#define __launch_bounds__(most)

static inline unsigned int atomicOr(unsigned int *place, unsigned int bits)
{
    unsigned int old = *place;
    *place |= bits;
    return old;
}
static inline long long __mul64hi(long long a, long long b) { return (long long)((__int128)a * b >> 64); }
static inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b)
{
    return (unsigned long long)((unsigned __int128)a * b >> 64);
}

/* ---- a launch -------------------------------------------------------------------------------------------------------------------- */

struct standin_thread { ucontext_t context; char *stack; dim3 place; int done; };
static standin_thread *standin_threads;
static ucontext_t standin_main;
static unsigned int standin_current;
static int standin_barriers; /* whether the kernel has any */
static void (*standin_body)(void **);
static void **standin_arguments;

static inline void __syncthreads(void)
{
    unsigned int self = standin_current;
    swapcontext(&standin_threads[self].context, &standin_main);
    threadIdx = standin_threads[self].place;
}

static void standin_run(void)
{
    standin_body(standin_arguments);
    standin_threads[standin_current].done = 1;
    swapcontext(&standin_threads[standin_current].context, &standin_main);
}

/* k-th of count in an order that looks random and is the same every time */
static inline uint64_t standin_shuffled(uint64_t k, uint64_t count)
{
    uint64_t step = count * 618 / 1000 | 1;
    for (;; step += 2) {
        uint64_t a = step, b = count;
        while (b) { uint64_t r = a % b; a = b; b = r; }
        if (a == 1) return (k * step + count / 3) % count;
    }
}

static dim3 standin_place(uint64_t k, dim3 size)
{
    dim3 place = {(unsigned int)(k % size.x), (unsigned int)(k / size.x % size.y), (unsigned int)(k / size.x / size.y)};
    return place;
}

static void standin_block(uint64_t count)
{
    const size_t bytes = 64 * 1024;
    if (!standin_barriers) {
        for (uint64_t k = 0; k < count; k++) {
            threadIdx = standin_place(standin_shuffled(k, count), blockDim);
            standin_body(standin_arguments);
        }
        return;
    }
    standin_threads = (standin_thread *)calloc(count, sizeof *standin_threads);
    for (uint64_t k = 0; k < count; k++) {
        standin_thread *thread = &standin_threads[k];
        thread->stack = (char *)malloc(bytes);
        thread->place = standin_place(k, blockDim);
        getcontext(&thread->context);
        thread->context.uc_stack.ss_sp = thread->stack;
        thread->context.uc_stack.ss_size = bytes;
        makecontext(&thread->context, standin_run, 0);
    }
    for (uint64_t left = count; left;) {
        for (uint64_t k = 0; k < count; k++) {
            standin_current = (unsigned int)standin_shuffled(k, count);
            standin_thread *thread = &standin_threads[standin_current];
            if (thread->done) continue;
            threadIdx = thread->place;
            swapcontext(&standin_main, &thread->context);
            left -= thread->done;
        }
    }
    for (uint64_t k = 0; k < count; k++) free(standin_threads[k].stack);
    free(standin_threads);
}

static void standin_launch(void (*body)(void **), int barriers, const unsigned int *grid, const unsigned int *block, void **arguments)
{
    gridDim = {grid[0], grid[1], grid[2]};
    blockDim = {block[0], block[1], block[2]};
    standin_body = body;
    standin_arguments = arguments;
    standin_barriers = barriers;
    const uint64_t blocks = (uint64_t)grid[0] * grid[1] * grid[2];
    for (uint64_t k = 0; k < blocks; k++) {
        blockIdx = standin_place(standin_shuffled(k, blocks), gridDim);
        standin_block((uint64_t)block[0] * block[1] * block[2]);
    }
}
