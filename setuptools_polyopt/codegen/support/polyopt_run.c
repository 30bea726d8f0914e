/* polyopt_run.c: from a proved guard to a finished kernel: contexts, threads, GIL, signals, floating-point flags. */
#include "polyopt_internal.h"
#include "polyopt_fenv.h"

/* Work (about nanoseconds) from which on releasing the GIL, and looking for signals, is worth while. */
#define WORK_TO_RELEASE 20000.0
#define SIGNAL_NANOSECONDS 100000000
#define NEVER (1 << 30)

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
    polyopt_log_idle(ctx);
    call->nlogged = 0;
    call->noted = 0;
    call->notes = NULL;
    call->copies = NULL;
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
    if (POLYOPT_UNLIKELY(call->notes != NULL)) polyopt_log_end(call);
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
    if (POLYOPT_UNLIKELY(work >= polyopt_offload_work) && narrays >= 0) {
        if (polyopt_log_copy(call)) return POLYOPT_WHY_MEMORY;
        status = polyopt_offload(call, spec, args, arrays, narrays, work);
    }
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
