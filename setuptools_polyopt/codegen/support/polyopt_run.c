/* polyopt_run.c: from a proved guard to a finished kernel: contexts, threads, GIL, signals, floating-point flags, undo copies. */
#include "polyopt_internal.h"
#include "polyopt_fenv.h"

#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* Work (about nanoseconds) from which on releasing the GIL, and looking for signals, is worth while. */
#define WORK_TO_RELEASE 20000.0
#define SIGNAL_NANOSECONDS 100000000
#define NEVER (1 << 30)
/* Bytes from which on a copy for undo is made by all threads. */
#define BYTES_TO_SHARE ((size_t)1 << 18)
/* Bytes from which on such a copy goes past the caches, which could not hold it beside the array. */
#define BYTES_TO_STREAM ((int64_t)1 << 24)

int32_t polyopt_timing;

#define KEEP_BYTES ((size_t)8 << 20)
/* Blocks of the arena of a call that has ended, for the next one; whoever holds the GIL may take them. */
static struct polyopt_block *spare;

PyObject *polyopt_refuse(struct polyopt_state *state, int guard, int why)
{
    if (PyErr_Occurred() && why != POLYOPT_WHY_EXCEPTION) PyErr_Clear();
    state->guard = guard;
    state->why = why;
    if (why == POLYOPT_WHY_EXCEPTION) return NULL;
    Py_INCREF(Py_None);
    return Py_None;
}

void polyopt_begin(struct polyopt_call *call, PyObject *self)
{
    call->state = (struct polyopt_state *)self;
    call->state->guard = -1;
    polyopt_begin_context(call);
}

void polyopt_begin_context(struct polyopt_call *call)
{
    struct polyopt_ctx *ctx = &call->ctx;
    call->cancel = 0;
    call->raised = call->polled = 0;
    call->fpflags = 0;
    polyopt_arena_init(&call->arena, &call->block, call->stack.bytes, sizeof call->stack.bytes);
    call->block.next = spare;
    spare = NULL;
    ctx->abi = POLYOPT_ABI;
    ctx->nthreads = 1;
    ctx->chunk_lo = INT64_MIN;
    ctx->chunk_hi = INT64_MAX;
    ctx->failed = 0;
    ctx->fpflags = 0;
    ctx->cancel = &call->cancel;
    ctx->fn = &polyopt_functions;
    ctx->arena = &call->arena;
    ctx->parallel_for = polyopt_pool->parallel_for;
    ctx->poll = NULL;
    ctx->poll_data = call;
    ctx->poll_last = 0;
    ctx->poll_left = ctx->poll_step = NEVER;
    ctx->wake = 1;
}

/* Fresh memory costs a page fault for each page, as much as copying a list does: so the next call has what this one leaves behind. */
static void keep_blocks(struct polyopt_call *call)
{
    size_t bytes = 0;
    for (struct polyopt_block *block = call->block.next; block; block = block->next) bytes += (size_t)(block->limit - (char *)block);
    if (spare || bytes > KEEP_BYTES) polyopt_arena_clear(&call->arena);
    else spare = call->block.next;
}

void polyopt_end(struct polyopt_call *call)
{
    if (POLYOPT_UNLIKELY(call->block.next != NULL)) keep_blocks(call);
}

/* ---- signals ------------------------------------------------------------------------------------------------------------------------------- */

/* 1, 0, or -1 with an exception: this runs Python code, in which a signal's handler may raise. */
static int in_main_thread(void)
{
    PyObject *name = PyUnicode_FromString("threading"), *threading = name ? PyImport_GetModule(name) : NULL, *thread = NULL, *ident = NULL;
    int is_main = 1; /* without threading there is one thread */
    if (threading) thread = PyObject_CallMethod(threading, "main_thread", NULL);
    if (thread) ident = PyObject_GetAttrString(thread, "ident");
    if (ident) is_main = PyLong_AsUnsignedLong(ident) == PyThread_get_thread_ident();
    Py_XDECREF(ident);
    Py_XDECREF(thread);
    Py_XDECREF(threading);
    Py_XDECREF(name);
    return PyErr_Occurred() ? -1 : is_main;
}

/* Called by polyopt_poll in the thread that made the call, without the GIL; ten times a second it asks Python for signals. */
static void poll_signals(struct polyopt_ctx *ctx)
{
    struct polyopt_call *call = ctx->poll_data;
    int is_main = 1;
    if (ctx->poll_last - call->started < SIGNAL_NANOSECONDS || call->raised) return;
    call->started = ctx->poll_last;
    PyEval_RestoreThread(call->thread);
    call->raised = PyErr_CheckSignals() != 0;
    if (!call->raised && !call->polled) is_main = in_main_thread();
    call->polled = 1;
    if (is_main < 0) call->raised = 1;
    if (is_main == 0) ctx->poll = NULL;
    call->thread = PyEval_SaveThread();
    if (call->raised) call->cancel = 1;
}

/* ---- running -------------------------------------------------------------------------------------------------------------------------------- */

static int loops_ready(const struct polyopt_kernel_spec *spec)
{
    for (const int32_t *loop = spec->loops; loop && *loop >= 0; loop++)
        if (!polyopt_loop_ready(*loop)) return 0;
    return 1;
}

polyopt_kernel polyopt_kernel_of(const struct polyopt_kernel_spec *spec, int32_t *level)
{
    *level = polyopt_level;
    while (*level > 0 && !spec->levels[*level]) --*level;
    return loops_ready(spec) ? spec->levels[*level] : NULL;
}

int32_t polyopt_run_released(struct polyopt_call *call, polyopt_kernel kernel, const void *args, int32_t threads)
{
    uint64_t saved = polyopt_fp_enter();
    int32_t status;
    call->ctx.nthreads = threads;
    call->ctx.poll = poll_signals;
    call->ctx.poll_left = call->ctx.poll_step = 1;
    call->ctx.poll_last = call->started = polyopt_clock();
    call->thread = PyEval_SaveThread();
    status = kernel(args, &call->ctx);
    call->fpflags = polyopt_fp_flags() | call->ctx.fpflags;
    PyEval_RestoreThread(call->thread);
    polyopt_fp_leave(saved);
    return status | call->ctx.failed;
}

/* After the fourth run in a row that was given up, the next 1, 2, 4, ... 64 calls rest. */
int polyopt_given_up(struct polyopt_state *state, int why)
{
    if (state->strikes < 10) state->strikes++;
    state->rest = state->strikes < 4 ? 0 : 1 << (state->strikes - 4);
    return why;
}

int polyopt_run(struct polyopt_call *call, const struct polyopt_kernel_spec *spec, const void *args, PyObject *const *arrays, int narrays,
                double work)
{
    struct polyopt_state *state = call->state;
    polyopt_kernel kernel = polyopt_kernel_of(spec, &state->level);
    int32_t status = POLYOPT_NOT_OFFLOADED;
    int64_t began = POLYOPT_UNLIKELY(polyopt_timing) ? polyopt_clock() : 0;
    if (POLYOPT_UNLIKELY(!kernel)) return POLYOPT_WHY_LOOP;
    if (POLYOPT_UNLIKELY(work >= polyopt_offload_work) && narrays >= 0) status = polyopt_offload(call, spec, args, arrays, narrays, work);
    if (POLYOPT_LIKELY(status == POLYOPT_NOT_OFFLOADED)) {
        call->ctx.wake = work >= polyopt_work_to_wake;
        if (work >= WORK_TO_RELEASE) status = polyopt_run_released(call, kernel, args, polyopt_threads_for(work));
        else {
            uint64_t saved = polyopt_fp_enter();
            status = kernel(args, &call->ctx) | call->ctx.failed;
            call->fpflags = polyopt_fp_flags();
            polyopt_fp_leave(saved);
        }
    }
    state->threads = call->ctx.nthreads;
    if (POLYOPT_UNLIKELY(call->raised)) return POLYOPT_WHY_EXCEPTION;
    if (POLYOPT_UNLIKELY(status)) return polyopt_given_up(state, status & POLYOPT_NO_MEMORY ? POLYOPT_WHY_MEMORY : POLYOPT_WHY_KERNEL);
    if (POLYOPT_UNLIKELY(call->fpflags & spec->flags) && polyopt_flags_matter(call->fpflags & spec->flags))
        return polyopt_given_up(state, POLYOPT_WHY_FLAGS);
    state->strikes = 0;
    if (POLYOPT_UNLIKELY(began)) state->nanoseconds += polyopt_clock() - began;
    return POLYOPT_WHY_NONE;
}

/* ---- undo -------------------------------------------------------------------------------------------------------------------------------------- */

/* Bytes of the box between two indices of the first axis. */
static int64_t box_bytes(const struct polyopt_saved *saved, int64_t from, int64_t to)
{
    int64_t bytes = (to - from) * saved->array->itemsize;
    for (int k = 1; k < saved->array->rank; k++) bytes *= saved->hi[k] - saved->lo[k];
    return bytes;
}

/* Copies past the caches: what is copied here is not read again unless the run fails, while the kernel is about to read what it was copied
 * from. */
static void stream(char *to, const char *from, size_t bytes)
{
#if defined(__SSE2__)
    for (; bytes && ((uintptr_t)to & 15); bytes--) *to++ = *from++;
    for (; bytes >= 64; bytes -= 64, to += 64, from += 64) {
        const __m128i a = _mm_loadu_si128((const __m128i *)from), b = _mm_loadu_si128((const __m128i *)(from + 16));
        const __m128i c = _mm_loadu_si128((const __m128i *)(from + 32)), d = _mm_loadu_si128((const __m128i *)(from + 48));
        _mm_stream_si128((__m128i *)to, a);
        _mm_stream_si128((__m128i *)(to + 16), b);
        _mm_stream_si128((__m128i *)(to + 32), c);
        _mm_stream_si128((__m128i *)(to + 48), d);
    }
#endif
    memcpy(to, from, bytes);
}

/* Copies between the packed copy and the array's box, from one index of the first axis to another, the last axis innermost. */
static void copy_box(const struct polyopt_saved *saved, int back, int64_t from, int64_t to)
{
    const struct polyopt_array *a = saved->array;
    int64_t index[POLYOPT_MAXRANK], itemsize = a->itemsize;
    int last = a->rank - 1;
    char *packed = saved->data;
    const int large = !back && box_bytes(saved, a->rank ? saved->lo[0] : 0, a->rank ? saved->hi[0] : 1) >= BYTES_TO_STREAM;
    if (a->rank) {
        if (from >= to) return;
        packed += box_bytes(saved, saved->lo[0], from);
        for (int k = 0; k < a->rank; k++) index[k] = saved->lo[k];
        index[0] = from;
    }
    for (;;) {
        char *element = a->data;
        int64_t run = last < 0 ? 1 : last == 0 ? to - from : saved->hi[last] - saved->lo[last], step = last < 0 ? itemsize : a->stride[last] * itemsize;
        int k;
        for (k = 0; k < a->rank; k++) element += index[k] * a->stride[k] * itemsize;
        if (step == itemsize) {
            if (large) stream(packed, element, (size_t)(run * itemsize));
            else memcpy(back ? element : packed, back ? packed : element, (size_t)(run * itemsize));
            packed += run * itemsize;
        }
        else
            for (int64_t i = 0; i < run; i++, packed += itemsize, element += step)
                memcpy(back ? element : packed, back ? packed : element, (size_t)itemsize);
        for (k = last - 1; k >= 0 && ++index[k] >= (k == 0 ? to : saved->hi[k]); k--) index[k] = saved->lo[k];
        if (k < 0) return;
    }
}

static void save_piece(void *saved, int64_t lo, int64_t hi, struct polyopt_ctx *ctx)
{
    (void)ctx;
    copy_box(saved, 0, lo, hi);
#if defined(__SSE2__)
    _mm_sfence(); /* another thread may have to put it back */
#endif
}

int polyopt_save(struct polyopt_call *call, struct polyopt_saved *saved, const struct polyopt_array *array, const int64_t *lo, const int64_t *hi)
{
    int64_t extents[POLYOPT_MAXRANK];
    size_t bytes;
    saved->array = array;
    saved->data = NULL;
    for (int k = 0; k < array->rank; k++) {
        saved->lo[k] = lo[k] > 0 ? lo[k] : 0;
        saved->hi[k] = hi[k] < array->extent[k] ? hi[k] : array->extent[k];
        if (saved->lo[k] >= saved->hi[k]) return POLYOPT_WHY_NONE;
        extents[k] = saved->hi[k] - saved->lo[k];
    }
    bytes = polyopt_bytes(extents, array->rank, (size_t)array->itemsize);
    saved->data = polyopt_alloc(&call->ctx, bytes);
    if (!saved->data) {
        call->ctx.failed = 0;
        return POLYOPT_WHY_MEMORY;
    }
    if (!array->rank || bytes < BYTES_TO_SHARE) copy_box(saved, 0, saved->lo[0], saved->hi[0]);
    else {
        struct polyopt_ctx ctx = call->ctx;
        ctx.nthreads = polyopt_pool->threads();
        polyopt_pool->parallel_for(&ctx, saved->lo[0], saved->hi[0], 1, save_piece, saved);
    }
    return POLYOPT_WHY_NONE;
}

void polyopt_restore(const struct polyopt_saved *saved)
{
    if (saved->data) copy_box(saved, 1, saved->lo[0], saved->hi[0]);
}
