/* polyopt_list.c: see polyopt_list.h. */
#include "polyopt_list.h"
#include "polyopt_internal.h"
#include "polyopt_pool.h"

#include <string.h>

/* ---- what a list looks like inside ------------------------------------------------------------------------------------------------ */

/* The heads of CPython's list and float, which have not changed since 3.0. The limited API does not promise them, so they are compared
 * with what the API says of a list of known floats, and not used where they are different. */
struct list_layout {
    PyVarObject head;
    PyObject **items;
};
struct float_layout {
    PyObject head;
    double value;
};

static int layouts_hold(void)
{
    PyObject *list = PyList_New(2), *size = PyObject_GetAttrString((PyObject *)&PyList_Type, "__basicsize__");
    int ok = list && size && PyLong_AsSize_t(size) >= sizeof(struct list_layout);
    for (int k = 0; list && k < 2; k++) {
        PyObject *number = PyFloat_FromDouble(1.5 + k);
        ok = ok && number;
        PyList_SetItem(list, k, number ? number : Py_NewRef(Py_None));
    }
    if (ok) {
        const struct list_layout *seen = (const struct list_layout *)list;
        ok = seen->head.ob_size == 2 && seen->items;
        for (int k = 0; ok && k < 2; k++)
            ok = seen->items[k] == PyList_GetItem(list, k) && ((const struct float_layout *)seen->items[k])->value == 1.5 + k;
    }
    Py_XDECREF(size);
    Py_XDECREF(list);
    PyErr_Clear();
    return ok;
}

static int layouts_known(void)
{
    static int known = -1;
    if (POLYOPT_UNLIKELY(known < 0)) known = layouts_hold();
    return known;
}

/* ---- elements and rows -------------------------------------------------------------------------------------------------------------- */

static int is_row(PyObject *object, int tuple) { return tuple ? PyTuple_CheckExact(object) : PyList_CheckExact(object); }

static int64_t length(PyObject *row, int tuple) { return tuple ? PyTuple_Size(row) : PyList_Size(row); }

/* A borrowed reference; the index is in range unless another thread has changed the list. */
static PyObject *item(PyObject *row, int64_t index, int tuple)
{
    return tuple ? PyTuple_GetItem(row, (Py_ssize_t)index) : PyList_GetItem(row, (Py_ssize_t)index);
}

static int take_element(PyObject *object, int dtype, void *out)
{
    switch (dtype) {
    case POLYOPT_F64: return polyopt_take_float(object, out);
    case POLYOPT_I64: return polyopt_take_int(object, out, INT64_MIN, INT64_MAX);
    case POLYOPT_BOOL: return polyopt_take_bool(object, out);
    case POLYOPT_C128: return polyopt_take_complex(object, out);
    default: return POLYOPT_WHY_DTYPE;
    }
}

static PyObject *python_number(int dtype, const void *value)
{
    switch (dtype) {
    case POLYOPT_F64: return PyFloat_FromDouble(*(const double *)value);
    case POLYOPT_I64: return PyLong_FromLongLong(*(const int64_t *)value);
    case POLYOPT_BOOL: return PyBool_FromLong(*(const uint8_t *)value);
    default: return PyComplex_FromDoubles(((const double *)value)[0], ((const double *)value)[1]);
    }
}

static int read_floats(PyObject *const *items, int64_t count, double *out)
{
    for (int64_t k = 0; k < count; k++) {
        if (POLYOPT_UNLIKELY(!PyFloat_CheckExact(items[k]))) return POLYOPT_WHY_TYPE;
        out[k] = ((const struct float_layout *)items[k])->value;
    }
    return POLYOPT_WHY_NONE;
}

/* Elements [lo, hi) of a row of numbers. */
static int read_row(PyObject *row, int tuple, int dtype, int64_t lo, int64_t hi, char *out)
{
    const int64_t size = polyopt_itemsize[dtype];
    if (dtype == POLYOPT_F64 && !tuple && layouts_known()) return read_floats(((struct list_layout *)row)->items + lo, hi - lo, (double *)out);
    for (int64_t k = lo; k < hi; k++, out += size) {
        int why = take_element(item(row, k, tuple), dtype, out);
        if (why) return why;
    }
    return POLYOPT_WHY_NONE;
}

static int any_nan(const double *values, int64_t count)
{
    int found = 0;
    for (int64_t k = 0; k < count; k++) found |= values[k] != values[k];
    return found;
}

static int has_nan(int dtype, const void *values, int64_t count)
{
    return dtype == POLYOPT_F64 ? any_nan(values, count) : dtype == POLYOPT_C128 ? any_nan(values, 2 * count) : 0;
}

/* ---- rows of boxes ------------------------------------------------------------------------------------------------------------------- */

/* Calls visit for each row of numbers below the list, in order; inside: whether it lies in the box [lo, hi) of the axes before the last. */
struct walk {
    const struct polyopt_array *array;
    const int64_t *lo, *hi;
    int tuple;
    int (*visit)(struct walk *walk, PyObject *row, char *data, int inside);
    char *packed;
    void **seen;
    size_t room;
};

static int walk_rows(struct walk *walk, PyObject *list, int axis, char *data, int inside)
{
    const struct polyopt_array *a = walk->array;
    int why = POLYOPT_WHY_NONE;
    if (!is_row(list, walk->tuple)) return POLYOPT_WHY_TYPE;
    if (length(list, walk->tuple) != a->extent[axis]) return POLYOPT_WHY_EXTENT;
    if (axis == a->rank - 1) return walk->visit(walk, list, data, inside);
    for (int64_t k = 0; k < a->extent[axis] && !why; k++) {
        PyObject *row = item(list, k, walk->tuple);
        if (!row) return POLYOPT_WHY_EXTENT;
        Py_INCREF(row);
        why = walk_rows(walk, row, axis + 1, data + k * a->stride[axis] * a->itemsize, inside && walk->lo[axis] <= k && k < walk->hi[axis]);
        Py_DECREF(row);
    }
    return why;
}

static int visit_read(struct walk *walk, PyObject *row, char *data, int inside)
{
    const struct polyopt_array *a = walk->array;
    const int64_t lo = walk->lo[a->rank - 1], hi = walk->hi[a->rank - 1];
    return inside && lo < hi ? read_row(row, walk->tuple, a->dtype, lo, hi, data + lo * a->itemsize) : POLYOPT_WHY_NONE;
}

static int visit_nan(struct walk *walk, PyObject *row, char *data, int inside)
{
    const struct polyopt_array *a = walk->array;
    const int64_t lo = walk->lo[a->rank - 1], hi = walk->hi[a->rank - 1];
    (void)row;
    return inside && lo < hi && has_nan(a->dtype, data + lo * a->itemsize, hi - lo) ? POLYOPT_WHY_NAN : POLYOPT_WHY_NONE;
}

/* A new element is put in place of an old one that has another value, or of anything where the old values were never read. */
static int visit_write(struct walk *walk, PyObject *row, char *data, int inside)
{
    const struct polyopt_array *a = walk->array;
    const int64_t lo = walk->lo[a->rank - 1], hi = walk->hi[a->rank - 1], size = a->itemsize;
    if (!inside) return POLYOPT_WHY_NONE;
    for (int64_t k = lo; k < hi; k++) {
        const char *value = data + k * size;
        int same;
        if (walk->packed) {
            same = memcmp(value, walk->packed, (size_t)size) == 0;
            walk->packed += size;
        }
        else {
            char old[16];
            PyObject *there = item(row, k, 0);
            same = there && take_element(there, a->dtype, old) == POLYOPT_WHY_NONE && memcmp(value, old, (size_t)size) == 0;
        }
        if (!same) {
            PyObject *number = python_number(a->dtype, value);
            if (!number) return POLYOPT_WHY_EXCEPTION;
            if (PyList_SetItem(row, (Py_ssize_t)k, number) != 0) PyErr_Clear(); /* another thread has made the list shorter */
        }
    }
    return POLYOPT_WHY_NONE;
}

static int insert(struct walk *walk, void *object)
{
    size_t at = ((uintptr_t)object >> 4) * 0x9E3779B97F4A7C15u >> 7 & (walk->room - 1);
    while (walk->seen[at] && walk->seen[at] != object) at = (at + 1) & (walk->room - 1);
    if (walk->seen[at]) return 0;
    walk->seen[at] = object;
    return 1;
}

static int visit_insert(struct walk *walk, PyObject *row, char *data, int inside)
{
    (void)data, (void)inside;
    return insert(walk, row) ? POLYOPT_WHY_NONE : POLYOPT_WHY_OVERLAP;
}

static int64_t rows_of(const struct polyopt_array *a)
{
    int64_t rows = 1;
    for (int k = 0; k < a->rank - 1; k++) rows *= a->extent[k];
    return rows;
}

/* Puts the rows of numbers of some lists into one table: POLYOPT_WHY_OVERLAP where one appears twice. */
static int distinct(struct polyopt_call *call, const struct polyopt_list *const *lists, int count)
{
    struct polyopt_mark mark = polyopt_mark(&call->ctx);
    struct walk walk = {.visit = visit_insert, .room = 16};
    int64_t rows = 0;
    int why = POLYOPT_WHY_NONE;
    for (int k = 0; k < count; k++) rows += rows_of(lists[k]->array);
    while ((int64_t)walk.room < 2 * rows) walk.room *= 2;
    walk.seen = polyopt_alloc(&call->ctx, walk.room * sizeof(void *));
    if (!walk.seen) {
        call->ctx.failed = 0;
        return POLYOPT_WHY_MEMORY;
    }
    memset(walk.seen, 0, walk.room * sizeof(void *));
    for (int k = 0; k < count && !why; k++) {
        walk.array = lists[k]->array;
        walk.lo = lists[k]->lo;
        walk.hi = lists[k]->hi;
        walk.tuple = (lists[k]->flags & POLYOPT_TUPLE) != 0;
        why = walk_rows(&walk, lists[k]->object, 0, NULL, 0);
    }
    polyopt_release(&call->ctx, mark);
    return why;
}

/* ---- before the run -------------------------------------------------------------------------------------------------------------------- */

static void shape(struct polyopt_array *out, int dtype, int rank)
{
    out->rank = rank;
    out->dtype = dtype;
    out->itemsize = polyopt_itemsize[dtype];
    out->held = 0;
    out->data = NULL;
    for (int k = rank - 1; k >= 0; k--) out->stride[k] = k == rank - 1 ? 1 : out->stride[k + 1] * out->extent[k + 1];
}

int polyopt_take_list(PyObject *object, struct polyopt_array *out, int dtype, int rank, int flags)
{
    const int tuple = (flags & POLYOPT_TUPLE) != 0;
    char element[16];
    for (int k = 0; k < rank; k++) out->extent[k] = 0;
    for (int k = 0; k < rank; k++) {
        if (!is_row(object, tuple)) return POLYOPT_WHY_TYPE;
        out->extent[k] = length(object, tuple);
        if (!out->extent[k]) break;
        object = item(object, 0, tuple);
        if (k == rank - 1 && take_element(object, dtype, element)) return POLYOPT_WHY_TYPE;
    }
    shape(out, dtype, rank);
    return POLYOPT_WHY_NONE;
}

static int64_t clipped(int64_t index, int64_t extent) { return index < 0 ? 0 : index > extent ? extent : index; }

static int64_t volume(const int64_t *lo, const int64_t *hi, int rank)
{
    int64_t count = 1;
    for (int k = 0; k < rank; k++) count *= hi[k] > lo[k] ? hi[k] - lo[k] : 0;
    return count;
}

void polyopt_list_of(struct polyopt_list *list, PyObject *object, struct polyopt_array *array, int flags, const int64_t *lo, const int64_t *hi,
                     const int64_t *from, const int64_t *to)
{
    list->object = object;
    list->array = array;
    list->flags = flags;
    list->old.data = NULL;
    for (int k = 0; k < array->rank; k++) {
        list->lo[k] = flags & POLYOPT_READ ? clipped(lo[k], array->extent[k]) : 0;
        list->hi[k] = flags & POLYOPT_READ ? clipped(hi[k], array->extent[k]) : 0;
        list->from[k] = flags & POLYOPT_WRITE ? clipped(from[k], array->extent[k]) : 0;
        list->to[k] = flags & POLYOPT_WRITE ? clipped(to[k], array->extent[k]) : 0;
    }
}

/* Nanoseconds: what a unit of work at least takes the interpreter; what the copies take for an element in and out, for a row, and for a
 * call, beyond what every guard takes. */
#define INTERPRETED 9.0
#define TRIAL 3.0 /* what a trial that does not pay may cost each of the calls behind it */
#define ELEMENT_IN 6.0
#define ELEMENT_OUT 16.0
#define ROW 6.0
#define CALL 60.0

static double copies_cost(const struct polyopt_list *lists, int count, double made)
{
    double cost = CALL + ELEMENT_OUT * made;
    for (int k = 0; k < count; k++) {
        const struct polyopt_list *list = &lists[k];
        cost += ELEMENT_IN * (double)volume(list->lo, list->hi, list->array->rank) + ROW * (double)rows_of(list->array);
        cost += ELEMENT_OUT * (double)volume(list->from, list->to, list->array->rank);
    }
    return cost;
}

int polyopt_lists_pay(const struct polyopt_list *lists, int count, double made, double work)
{
    return work * INTERPRETED >= copies_cost(lists, count, made);
}

int polyopt_lists_try(struct polyopt_state *state) { return state->unpaid ? (state->unpaid--, 0) : 1; }

int64_t polyopt_lists_now(void) { return polyopt_clock(); }

void polyopt_lists_tried(struct polyopt_state *state, const struct polyopt_list *lists, int count, double made, int64_t took)
{
    const double cost = copies_cost(lists, count, made), calls = cost / TRIAL;
    state->unpaid = (double)took * (INTERPRETED - 1.0) >= cost ? 0 : calls < 1e9 ? (int32_t)calls : 1000000000;
}

static int read_list(struct polyopt_call *call, struct polyopt_list *list)
{
    struct polyopt_array *a = list->array;
    struct walk walk = {.array = a, .lo = list->lo, .hi = list->hi, .tuple = (list->flags & POLYOPT_TUPLE) != 0, .visit = visit_read};
    const int written = (list->flags & POLYOPT_WRITE) != 0;
    int why = polyopt_local_array(call, a, a->dtype, a->rank, a->extent);
    if (!why && written && a->rank > 1) why = distinct(call, (const struct polyopt_list *const[]){list}, 1);
    if (!why) why = walk_rows(&walk, list->object, 0, a->data, 1);
    if (why || !written || !(list->flags & POLYOPT_READ)) return why;
    walk.visit = visit_nan;
    why = walk_rows(&walk, list->object, 0, a->data, 1);
    return why ? why : polyopt_save(call, &list->old, a, list->from, list->to);
}

int polyopt_lists_read(struct polyopt_call *call, struct polyopt_list *lists, int count)
{
    int why = POLYOPT_WHY_NONE;
    for (int k = 0; k < count && !why; k++) why = read_list(call, &lists[k]);
    return why;
}

int polyopt_lists_apart(struct polyopt_call *call, const struct polyopt_list *a, const struct polyopt_list *b)
{
    if (a->array->rank == 1 && b->array->rank == 1) return a->object == b->object ? POLYOPT_WHY_OVERLAP : POLYOPT_WHY_NONE;
    return distinct(call, (const struct polyopt_list *const[]){a, b}, 2);
}

/* ---- after the run --------------------------------------------------------------------------------------------------------------------- */

int polyopt_lists_write(struct polyopt_call *call, const struct polyopt_list *lists, int count)
{
    for (int pass = 0; pass < 2; pass++) /* nothing is written before it is certain that everything can be */
        for (int k = 0; k < count; k++) {
            const struct polyopt_list *list = &lists[k];
            struct walk walk = {.array = list->array, .lo = list->from, .hi = list->to, .visit = pass ? visit_write : visit_nan, .packed = list->old.data};
            int why;
            if (!(list->flags & POLYOPT_WRITE) || !volume(list->from, list->to, list->array->rank)) continue;
            why = walk_rows(&walk, list->object, 0, list->array->data, 1);
            if (why == POLYOPT_WHY_EXCEPTION) return why;
            if (why && !pass) return polyopt_given_up(call->state, why);
        }
    return POLYOPT_WHY_NONE;
}

int polyopt_local_array(struct polyopt_call *call, struct polyopt_array *out, int dtype, int rank, const int64_t *extents)
{
    for (int k = 0; k < rank; k++) out->extent[k] = extents[k];
    shape(out, dtype, rank);
    out->data = polyopt_alloc(&call->ctx, polyopt_bytes(out->extent, rank, (size_t)out->itemsize));
    if (out->data) return POLYOPT_WHY_NONE;
    call->ctx.failed = 0;
    return POLYOPT_WHY_MEMORY;
}

int polyopt_list_leaves(struct polyopt_call *call, const struct polyopt_array *array)
{
    int64_t count = rows_of(array) * array->extent[array->rank - 1];
    return has_nan(array->dtype, array->data, count) ? polyopt_given_up(call->state, POLYOPT_WHY_NAN) : POLYOPT_WHY_NONE;
}

int polyopt_number_leaves(struct polyopt_call *call, int dtype, const void *value)
{
    return has_nan(dtype, value, 1) ? polyopt_given_up(call->state, POLYOPT_WHY_NAN) : POLYOPT_WHY_NONE;
}

static PyObject *box_element(const struct polyopt_array *a, const char *data, const uint8_t *is_float, int numpy)
{
    if (numpy) return polyopt_box_scalar(a->dtype, data);
    return is_float && !*is_float ? PyLong_FromDouble(*(const double *)data) : python_number(a->dtype, data);
}

/* An element with the bits of the one before is that object again. */
static PyObject *box_row(const struct polyopt_array *a, const char *data, const uint8_t *is_float, int numpy)
{
    const int64_t count = a->extent[a->rank - 1], size = a->itemsize;
    PyObject *list = PyList_New((Py_ssize_t)(count > 0 ? count : 0)), *last = NULL; /* range(-1) makes an empty list, too */
    for (int64_t k = 0; list && k < count; k++) {
        const char *value = data + k * size;
        const uint8_t *flag = is_float ? is_float + k : NULL;
        const int again = last && !numpy && memcmp(value, value - size, (size_t)size) == 0 && (!flag || flag[0] == flag[-1]);
        last = again ? Py_NewRef(last) : box_element(a, value, flag, numpy);
        if (!last) Py_CLEAR(list);
        else PyList_SetItem(list, (Py_ssize_t)k, last);
    }
    return list;
}

static PyObject *box_rows(const struct polyopt_array *a, int axis, const char *data, const uint8_t *is_float, int numpy)
{
    PyObject *list;
    if (axis == a->rank - 1) return box_row(a, data, is_float, numpy);
    list = PyList_New((Py_ssize_t)(a->extent[axis] > 0 ? a->extent[axis] : 0));
    for (int64_t k = 0; list && k < a->extent[axis]; k++) {
        const int64_t at = k * a->stride[axis];
        PyObject *row = box_rows(a, axis + 1, data + at * a->itemsize, is_float ? is_float + at : NULL, numpy);
        if (!row) Py_CLEAR(list);
        else PyList_SetItem(list, (Py_ssize_t)k, row);
    }
    return list;
}

PyObject *polyopt_box_list(const struct polyopt_array *array, const struct polyopt_array *floats, int numpy)
{
    return box_rows(array, 0, array->data, floats ? floats->data : NULL, numpy);
}
