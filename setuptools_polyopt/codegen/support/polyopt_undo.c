/* polyopt_undo.c: what a run that is given up has overwritten comes back: copies of boxes, made before it, and notes that it takes.
 *
 * Notes cost as much as there are stores, a copy as much as there are elements; so where isl cannot say how much of a large box is written,
 * the kernel begins with notes.  When there are as many that a copy is cheaper, the box is copied as it is then, and later notes go to one
 * place that nobody reads.  Undoing puts the copy back, then what the notes say, the last one first.
 */
#include "polyopt_internal.h"

#include <stdlib.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* Bytes from which on a copy is made by all threads. */
#define BYTES_TO_SHARE ((size_t)1 << 18)
/* Bytes from which on such a copy goes past the caches, which could not hold it beside the array. */
#define BYTES_TO_STREAM ((int64_t)1 << 24)
/* Boxes of so few bytes, or of so few for each unit of work that is certain, are copied at once, and the kernel logs nothing. */
#define FEW_BYTES 2048
#define BYTES_A_UNIT 4.0
/* The first notes' number; how many bytes of the boxes make for one note more; memory of so many notes is kept for the next call. */
#define FIRST_NOTES 4096
#define BYTES_A_NOTE 32
#define KEPT_NOTES 262144

/* ---- copies ------------------------------------------------------------------------------------------------------------------------ */

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

/* The box is set, its data is NULL. Answers whether there is anything in it. */
static int set_box(struct polyopt_saved *saved, const struct polyopt_array *array, const int64_t *lo, const int64_t *hi)
{
    int some = 1;
    saved->array = array;
    saved->data = NULL;
    for (int k = 0; k < array->rank; k++) {
        saved->lo[k] = lo[k] > 0 ? lo[k] : 0;
        saved->hi[k] = hi[k] < array->extent[k] ? hi[k] : array->extent[k];
        if (saved->lo[k] >= saved->hi[k]) some = 0;
    }
    return some;
}

static size_t bytes_of(const struct polyopt_saved *saved)
{
    int64_t extents[POLYOPT_MAXRANK];
    for (int k = 0; k < saved->array->rank; k++) {
        extents[k] = saved->hi[k] - saved->lo[k];
        if (extents[k] <= 0) return 0;
    }
    return polyopt_bytes(extents, saved->array->rank, (size_t)saved->array->itemsize);
}

static void fill(struct polyopt_call *call, struct polyopt_saved *saved, size_t bytes)
{
    if (!saved->array->rank || bytes < BYTES_TO_SHARE) copy_box(saved, 0, saved->lo[0], saved->hi[0]);
    else {
        struct polyopt_ctx ctx = call->ctx;
        ctx.nthreads = polyopt_pool->threads();
        polyopt_pool->parallel_for(&ctx, saved->lo[0], saved->hi[0], 1, save_piece, saved);
    }
}

int polyopt_save(struct polyopt_call *call, struct polyopt_saved *saved, const struct polyopt_array *array, const int64_t *lo, const int64_t *hi)
{
    size_t bytes;
    if (!set_box(saved, array, lo, hi)) return POLYOPT_WHY_NONE;
    bytes = bytes_of(saved);
    saved->data = polyopt_alloc(&call->ctx, bytes);
    if (!saved->data) {
        call->ctx.failed = 0;
        return POLYOPT_WHY_MEMORY;
    }
    fill(call, saved, bytes);
    return POLYOPT_WHY_NONE;
}

void polyopt_restore(const struct polyopt_saved *saved)
{
    if (saved->data) copy_box(saved, 1, saved->lo[0], saved->hi[0]);
}

/* ---- notes ------------------------------------------------------------------------------------------------------------------------- */

struct polyopt_notes {
    struct polyopt_notes *next; /* in the list of those that are free */
    int64_t count, most;        /* room for so many; there may be so many before a copy is made */
    struct polyopt_note first[];
};
/* Whoever looks at it has the GIL. A handler of a signal may make a call within a call: each takes what is free. */
static struct polyopt_notes *spare;

static struct polyopt_notes *notes_of(struct polyopt_notes *old, int64_t count)
{
    struct polyopt_notes *notes = realloc(old, sizeof *notes + (size_t)count * sizeof notes->first[0]);
    if (notes) notes->count = count;
    return notes;
}

void polyopt_log_idle(struct polyopt_ctx *ctx)
{
    ctx->log.next = (char *)&ctx->unread;
    ctx->log.end = NULL;
    ctx->log.step = 0;
    ctx->log_full = NULL;
}

static void write_notes(struct polyopt_ctx *ctx, struct polyopt_notes *notes, int64_t from)
{
    ctx->log.next = (char *)(notes->first + from);
    ctx->log.end = (char *)(notes->first + notes->count);
    ctx->log.step = sizeof notes->first[0];
}

static size_t logged_bytes(const struct polyopt_call *call)
{
    size_t bytes = 0;
    for (int k = 0; k < call->nlogged; k++) {
        size_t more = bytes_of(&call->logged[k]);
        bytes = more > SIZE_MAX / 2 - bytes ? SIZE_MAX / 2 : bytes + more;
    }
    return bytes;
}

int polyopt_log_copy(struct polyopt_call *call)
{
    struct polyopt_ctx *ctx = &call->ctx;
    char *free_ = call->copies;
    if (!ctx->log.step) return POLYOPT_WHY_NONE;
    call->copies = free_ = malloc(logged_bytes(call) + 1);
    if (!free_) return POLYOPT_WHY_MEMORY;
    for (int k = 0; k < call->nlogged; k++) {
        size_t bytes = bytes_of(&call->logged[k]);
        if (!bytes) continue;
        call->logged[k].data = free_;
        fill(call, &call->logged[k], bytes);
        free_ += bytes;
    }
    call->noted = ((struct polyopt_note *)ctx->log.next) - call->notes->first;
    polyopt_log_idle(ctx);
    return POLYOPT_WHY_NONE;
}

/* More room, or a copy. The kernel has its own copy of ctx->log: all notes are written. */
static int32_t log_full(struct polyopt_ctx *ctx)
{
    struct polyopt_call *call = ctx->poll_data;
    struct polyopt_notes *notes = call->notes;
    int64_t count = notes->count;
    if (count < notes->most && (notes = notes_of(notes, 2 * count < notes->most ? 2 * count : notes->most))) {
        call->notes = notes;
        write_notes(ctx, notes, count);
        return 0;
    }
    ctx->log.next = ctx->log.end;
    if (polyopt_log_copy(call)) ctx->failed |= POLYOPT_NO_MEMORY;
    return ctx->failed & POLYOPT_NO_MEMORY;
}

void polyopt_log_of(struct polyopt_saved *logged, const struct polyopt_array *array, const int64_t *lo, const int64_t *hi)
{
    (void)set_box(logged, array, lo, hi);
}

int polyopt_log_begin(struct polyopt_call *call, struct polyopt_saved *logged, int count, double work)
{
    size_t bytes;
    int why = POLYOPT_WHY_NONE;
    call->logged = logged;
    call->nlogged = count;
    call->noted = 0;
    bytes = logged_bytes(call);
    if (bytes <= FEW_BYTES || (double)bytes <= work * BYTES_A_UNIT) {
        for (int k = 0; k < count && !why; k++) why = polyopt_save(call, &logged[k], logged[k].array, logged[k].lo, logged[k].hi);
        return why;
    }
    call->notes = spare;
    if (spare) spare = spare->next;
    else call->notes = notes_of(NULL, FIRST_NOTES);
    if (!call->notes) return POLYOPT_WHY_MEMORY;
    call->notes->most = bytes / BYTES_A_NOTE > FIRST_NOTES ? (int64_t)(bytes / BYTES_A_NOTE) : FIRST_NOTES;
    write_notes(&call->ctx, call->notes, 0);
    call->ctx.log_full = log_full;
    return POLYOPT_WHY_NONE;
}

void polyopt_log_undo(struct polyopt_call *call)
{
    if (call->ctx.log.step) call->noted = ((struct polyopt_note *)call->ctx.log.next) - call->notes->first;
    for (int k = 0; k < call->nlogged; k++) polyopt_restore(&call->logged[k]);
    while (call->noted) {
        const struct polyopt_note *note = &call->notes->first[--call->noted];
        const int number = (int)(note->where & (POLYOPT_LOGGED - 1));
        const struct polyopt_array *array = call->logged[number].array;
        const int64_t unit = array->itemsize >> (array->dtype == POLYOPT_C64 || array->dtype == POLYOPT_C128);
        char *place = (char *)array->data + (note->where - number) / POLYOPT_LOGGED * unit;
        switch (unit) { /* the value of a number is in the low bits, whichever end of the memory they are at */
        case 1: { const uint8_t bits = (uint8_t)note->bits; memcpy(place, &bits, sizeof bits); break; }
        case 2: { const uint16_t bits = (uint16_t)note->bits; memcpy(place, &bits, sizeof bits); break; }
        case 4: { const uint32_t bits = (uint32_t)note->bits; memcpy(place, &bits, sizeof bits); break; }
        default: memcpy(place, &note->bits, sizeof note->bits);
        }
    }
}

void polyopt_log_end(struct polyopt_call *call)
{
    struct polyopt_notes *notes = call->notes;
    call->notes = NULL;
    free(call->copies);
    call->copies = NULL;
    if (notes->count > KEPT_NOTES) free(notes);
    else {
        notes->next = spare;
        spare = notes;
    }
}
