/* polyopt_take.c: arguments: exact types, dtype, rank, alignment, strides; conditions on arrays. */
#include "polyopt_internal.h"

#include <string.h>

/* ---- arrays ---------------------------------------------------------------------------------------------------------------------------------- */

/* Elements of a written array must not share an address: by falling stride, each steps over all that the smaller ones reach. */
static int overlaps_itself(const struct polyopt_array *a)
{
    int64_t size[POLYOPT_MAXRANK], extent[POLYOPT_MAXRANK], reach = 0;
    int n = 0;
    for (int k = 0; k < a->rank; k++) {
        int64_t step = a->stride[k] < 0 ? -a->stride[k] : a->stride[k];
        int at;
        if (a->extent[k] == 0) return 0;
        if (a->extent[k] == 1) continue;
        for (at = n++; at > 0 && size[at - 1] > step; at--) {
            size[at] = size[at - 1];
            extent[at] = extent[at - 1];
        }
        size[at] = step;
        extent[at] = a->extent[k];
    }
    for (int k = 0; k < n; k++) {
        if (size[k] <= reach) return 1;
        reach += size[k] * (extent[k] - 1);
    }
    return 0;
}

static int finish(struct polyopt_array *out, int dtype, int rank, const intptr_t *extents, const intptr_t *strides, int flags)
{
    int64_t itemsize = polyopt_itemsize[dtype];
    out->rank = rank;
    out->dtype = dtype;
    out->itemsize = itemsize;
    for (int k = 0; k < rank; k++) {
        int64_t stride = strides[k] / itemsize; /* sizes are powers of two, but strides may be negative */
        out->extent[k] = extents[k];
        out->stride[k] = stride;
        if (stride * itemsize != strides[k]) {
            if (extents[k] > 1) return POLYOPT_WHY_STRIDES;
            out->stride[k] = 0;
        }
    }
    if (flags & POLYOPT_WRITABLE && overlaps_itself(out)) return POLYOPT_WHY_SELF_OVERLAP;
    return POLYOPT_WHY_NONE;
}

static char kind_of(const char *format)
{
    if (*format == '@') format++;
    if (format[0] == '\0') return 0;
    if (format[0] == 'Z') return format[1] && strchr("fd", format[1]) && !format[2] ? 'c' : 0;
    if (format[1] != '\0') return 0;
    return *format == '?' ? 'b' : strchr("bhilqn", *format) ? 'i' : strchr("BHILQN", *format) ? 'u' : strchr("fd", *format) ? 'f' : 0;
}

static int take_buffer(struct polyopt_array *out, int dtype, int rank, int flags)
{
    static const char kinds[POLYOPT_DTYPES + 1] = "biiiiuuuuffcc";
    const Py_buffer *view = &out->view;
    int64_t align = dtype == POLYOPT_C64 ? 4 : dtype == POLYOPT_C128 ? 8 : polyopt_itemsize[dtype];
    if (!view->format || kind_of(view->format) != kinds[dtype] || view->itemsize != polyopt_itemsize[dtype]) return POLYOPT_WHY_DTYPE;
    if (view->ndim != rank) return POLYOPT_WHY_RANK;
    if (flags & POLYOPT_WRITABLE && view->readonly) return POLYOPT_WHY_READONLY;
    if ((uintptr_t)view->buf % (uintptr_t)align != 0) return POLYOPT_WHY_ALIGNMENT;
    out->data = view->buf;
    return finish(out, dtype, rank, view->shape, view->strides, flags);
}

/* By the buffer protocol: arrays whose dtype object is not the usual one, and every array where ndarray's structure is not known. */
static POLYOPT_COLD int take_slowly(PyObject *object, struct polyopt_array *out, int dtype, int rank, int flags)
{
    int why;
    if (PyObject_GetBuffer(object, &out->view, PyBUF_STRIDES | PyBUF_FORMAT) != 0) {
        PyErr_Clear();
        return POLYOPT_WHY_DTYPE;
    }
    why = take_buffer(out, dtype, rank, flags);
    if (why != POLYOPT_WHY_NONE) PyBuffer_Release(&out->view);
    out->held = why == POLYOPT_WHY_NONE;
    return why;
}

int polyopt_take_array(PyObject *object, struct polyopt_array *out, int dtype, int rank, int flags)
{
    const struct polyopt_ndarray *a = (const struct polyopt_ndarray *)object;
    out->held = 0;
    if (POLYOPT_UNLIKELY(!polyopt_numpy_ready()) || Py_TYPE(object) != polyopt_np.ndarray) return POLYOPT_WHY_TYPE;
    if (POLYOPT_UNLIKELY(!polyopt_np.fields)) return take_slowly(object, out, dtype, rank, flags);
    if (POLYOPT_UNLIKELY(a->descr != polyopt_np.descr[dtype])) return take_slowly(object, out, dtype, rank, flags);
    if (a->nd != rank) return POLYOPT_WHY_RANK;
    if (!(a->flags & POLYOPT_ND_ALIGNED)) return POLYOPT_WHY_ALIGNMENT;
    if (flags & POLYOPT_WRITABLE && (a->flags & (POLYOPT_ND_WRITEABLE | POLYOPT_ND_WARN_ON_WRITE)) != POLYOPT_ND_WRITEABLE)
        return POLYOPT_WHY_READONLY;
    out->data = a->data;
    return finish(out, dtype, rank, a->dimensions, a->strides, flags);
}

void polyopt_drop_view(struct polyopt_array *array)
{
    PyBuffer_Release(&array->view);
    array->held = 0;
}

/* ---- scalars --------------------------------------------------------------------------------------------------------------------------------- */

int polyopt_take_int(PyObject *object, int64_t *out, int64_t lo, int64_t hi)
{
    int overflow;
    long long value;
    if (!PyLong_CheckExact(object)) return POLYOPT_WHY_TYPE;
    value = PyLong_AsLongLongAndOverflow(object, &overflow);
    if (overflow || value < lo || value > hi) return POLYOPT_WHY_RANGE;
    *out = value;
    return POLYOPT_WHY_NONE;
}

int polyopt_take_float(PyObject *object, double *out)
{
    if (!PyFloat_CheckExact(object)) return POLYOPT_WHY_TYPE;
    *out = PyFloat_AsDouble(object);
    return POLYOPT_WHY_NONE;
}

int polyopt_take_bool(PyObject *object, uint8_t *out)
{
    if (object != Py_True && object != Py_False) return POLYOPT_WHY_TYPE;
    *out = object == Py_True;
    return POLYOPT_WHY_NONE;
}

int polyopt_take_complex(PyObject *object, polyopt_c128 *out)
{
    if (!PyComplex_CheckExact(object)) return POLYOPT_WHY_TYPE;
    out->re = PyComplex_RealAsDouble(object);
    out->im = PyComplex_ImagAsDouble(object);
    return POLYOPT_WHY_NONE;
}

int polyopt_take_scalar(PyObject *object, int dtype, void *out)
{
    if (!polyopt_numpy_ready() || Py_TYPE(object) != polyopt_np.scalar[dtype] || !polyopt_np.scalar_fields[dtype]) return POLYOPT_WHY_TYPE;
    memcpy(out, (const char *)object + sizeof(PyObject), (size_t)polyopt_itemsize[dtype]);
    return POLYOPT_WHY_NONE;
}

/* ---- conditions ------------------------------------------------------------------------------------------------------------------------------ */

/* The addresses [low, high) that an array's elements cover; false for an array without elements. */
static int byte_range(const struct polyopt_array *a, intptr_t *low, intptr_t *high)
{
    *low = *high = (intptr_t)a->data;
    for (int k = 0; k < a->rank; k++) {
        int64_t reach = (a->extent[k] - 1) * a->stride[k] * a->itemsize;
        if (a->extent[k] == 0) return 0;
        *(reach < 0 ? low : high) += (intptr_t)reach;
    }
    *high += (intptr_t)a->itemsize;
    return 1;
}

static int64_t gcd(int64_t a, int64_t b)
{
    if (a < 0) a = -a;
    if (b < 0) b = -b;
    while (b) {
        int64_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

static int64_t step_gcd(const struct polyopt_array *a, int64_t g)
{
    for (int k = 0; k < a->rank; k++)
        if (a->extent[k] > 1) g = gcd(g, a->stride[k] * a->itemsize);
    return g;
}

/* Axes whose steps are multiples of m aside, an array covers the bytes [data + *low, data + *high). */
static void window(const struct polyopt_array *a, int64_t m, int64_t *low, int64_t *high)
{
    *low = 0;
    *high = a->itemsize;
    for (int k = 0; k < a->rank; k++) {
        int64_t step = a->stride[k] * a->itemsize, reach = (a->extent[k] - 1) * step;
        if (step % m != 0) *(reach < 0 ? low : high) += reach;
    }
}

/* Whether, modulo m bytes, the two arrays keep to windows that do not meet: columns of one matrix, even and odd elements. */
static int apart(const struct polyopt_array *a, const struct polyopt_array *b, int64_t m)
{
    int64_t alow, ahigh, blow, bhigh, distance;
    if (m < 0) m = -m;
    if (m == 0) return 0;
    window(a, m, &alow, &ahigh);
    window(b, m, &blow, &bhigh);
    distance = ((int64_t)((intptr_t)b->data - (intptr_t)a->data) + blow - alow) % m;
    if (distance < 0) distance += m;
    return distance >= ahigh - alow && distance <= m - (bhigh - blow);
}

static int apart_by_an_axis(const struct polyopt_array *a, const struct polyopt_array *b, const struct polyopt_array *which)
{
    for (int k = 0; k < which->rank; k++)
        if (which->extent[k] > 1 && apart(a, b, which->stride[k] * which->itemsize)) return 1;
    return 0;
}

int polyopt_overlap(const struct polyopt_array *a, const struct polyopt_array *b)
{
    intptr_t alow, ahigh, blow, bhigh;
    int same = a->data == b->data && a->dtype == b->dtype && a->rank == b->rank;
    if (!byte_range(a, &alow, &ahigh) || !byte_range(b, &blow, &bhigh) || ahigh <= blow || bhigh <= alow) return POLYOPT_DISJOINT;
    for (int k = 0; same && k < a->rank; k++) same = a->extent[k] == b->extent[k] && (a->stride[k] == b->stride[k] || a->extent[k] <= 1);
    if (same) return POLYOPT_SAME;
    if (apart_by_an_axis(a, b, a) || apart_by_an_axis(a, b, b) || apart(a, b, step_gcd(b, step_gcd(a, 0)))) return POLYOPT_DISJOINT;
    return POLYOPT_OVERLAP;
}

int polyopt_unit_stride(const struct polyopt_array *a, int axis) { return a->stride[axis] == 1 || a->extent[axis] <= 1; }

int polyopt_c_order(const struct polyopt_array *a)
{
    int64_t inner = 1;
    for (int k = a->rank - 1; k >= 0; k--) {
        if (a->extent[k] <= 1) continue;
        if (a->stride[k] < inner) return 0;
        inner = a->stride[k];
    }
    return 1;
}

/* Whether `count` axes, the innermost `first` and then outwards by `step`, are contiguous. */
static int packed(const struct polyopt_array *a, int first, int step, int count)
{
    int64_t expected = 1;
    for (int k = 0; k < a->rank; k++)
        if (a->extent[k] == 0) return 1;
    for (int k = 0, axis = first; k < count; k++, axis += step) {
        if (a->extent[axis] > 1 && a->stride[axis] != expected) return 0;
        expected *= a->extent[axis];
    }
    return 1;
}

int polyopt_c_contiguous(const struct polyopt_array *a) { return packed(a, a->rank - 1, -1, a->rank); }
int polyopt_c_contiguous_from(const struct polyopt_array *a, int axis) { return packed(a, a->rank - 1, -1, a->rank - axis); }
int polyopt_f_contiguous(const struct polyopt_array *a) { return packed(a, 0, 1, a->rank); }

#define SHORT_ROW 512 /* elements; below, what a row costs by itself shows */
#define TINY_ROW 64   /* below, it costs more than a second thread gains */
#define LONG_ROW 1024
#define WHOLE 4096 /* up to here all elements make one row; beyond, there are rows for several threads */
#define TRIES 64

/* How many rows to take as one: so many last axes as make no long row, and of the next one the smallest part that does, or all of it;
 * all rows where that would be too long, if rows are tiny, else none (0). */
static int64_t rows_together(const int64_t *extents, int rank, int64_t rows)
{
    int64_t row = extents[rank - 1];
    for (int k = rank - 2; k >= 0; row *= extents[k--]) {
        const int64_t wanted = (LONG_ROW + row - 1) / row;
        if (extents[k] <= wanted) continue;
        for (int64_t part = wanted; part < wanted + TRIES && part < extents[k]; part++)
            if (extents[k] % part == 0) return row / extents[rank - 1] * part;
        if (extents[k] * row > WHOLE) return extents[rank - 1] < TINY_ROW ? rows : 0;
    }
    return rows;
}

int polyopt_merge(int64_t *extents, int64_t *steps, int rank, double work)
{
    int64_t row = extents[rank - 1], rows = 1, factor;
    if (row <= 0 || row >= SHORT_ROW || work >= polyopt_offload_work) return 0;
    for (int k = 0; k < rank - 1; k++) rows *= extents[k];
    if (rows <= 1) return 0;
    factor = row * rows > WHOLE ? rows_together(extents, rank, rows) : rows;
    if (!factor) return 0;
    for (int k = 0; k < rank; k++) extents[k] = 1, steps[k] = row * factor;
    extents[0] = rows / factor;
    extents[rank - 1] = row * factor;
    steps[rank - 1] = 1;
    return 1;
}
