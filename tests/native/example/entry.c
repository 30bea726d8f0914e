/* The entry points of the hand-written example: what the generator writes, plus probes of single functions for the tests. */
#include "polyopt_entry.h"

#include "example.h"

static const int32_t needs_exp[] = {LOOP_exp, LOOP_add, LOOP_multiply_c, -1}, needs_absurd[] = {LOOP_absurd, -1};

#define KERNEL(name, type, loops, flags)                                                                                          \
    extern int32_t name##_base(const void *, struct polyopt_ctx *);                                                               \
    extern int32_t name##_v3(const void *, struct polyopt_ctx *);                                                                 \
    static const polyopt_kernel name##_levels[POLYOPT_LEVELS] = {name##_base, NULL, name##_v3, NULL};                             \
    static const struct polyopt_kernel_spec name##_spec = {#name, name##_levels, sizeof(struct type), loops, flags};
KERNEL(axpy, axpy_args, NULL, POLYOPT_FP_ALL)
KERNEL(smooth, smooth_args, NULL, POLYOPT_FP_ALL)
KERNEL(exponential, exponential_args, needs_exp, POLYOPT_FP_ALL)
KERNEL(squares, squares_args, NULL, POLYOPT_FP_ALL)
KERNEL(wait, wait_args, NULL, 0)
KERNEL(flags, squares_args, NULL, POLYOPT_FP_ALL)
static const struct polyopt_kernel_spec absurd_spec = {"absurd", exponential_levels, sizeof(struct exponential_args), needs_absurd, 0};

enum { G_COUNT, G_GLOBALS, G_FIRST, G_SECOND, G_THIRD, G_EXTENTS, G_OVERLAP, G_MEMORY, G_RUN };
static const char *const guards[] = {"argument count", "globals", "first argument", "second argument", "third argument", "extents",
                                     "overlap", "memory", "kernel", NULL};

/* axpy(a, x, y): class undo */
static PyObject *enter_axpy(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    struct polyopt_call call;
    struct polyopt_array x, y;
    struct polyopt_saved saved;
    struct axpy_args k;
    PyObject *result = NULL;
    int64_t zero = 0;
    int why, relation;
    x.held = y.held = 0;
    polyopt_begin(&call, self);
    if (nargs != 3) POLYOPT_REFUSE(G_COUNT, POLYOPT_WHY_COUNT);
    if (!polyopt_globals_ok(call.state, 0, 2)) POLYOPT_REFUSE(G_GLOBALS, POLYOPT_WHY_GLOBAL);
    if ((why = polyopt_take_float(args[0], &k.a))) POLYOPT_REFUSE(G_FIRST, why);
    if ((why = polyopt_take_array(args[1], &x, POLYOPT_F64, 1, 0))) POLYOPT_REFUSE(G_SECOND, why);
    if ((why = polyopt_take_array(args[2], &y, POLYOPT_F64, 1, POLYOPT_WRITABLE))) POLYOPT_REFUSE(G_THIRD, why);
    if (x.extent[0] < y.extent[0]) POLYOPT_REFUSE(G_EXTENTS, POLYOPT_WHY_EXTENT);
    relation = polyopt_overlap(&x, &y);
    if (relation == POLYOPT_OVERLAP) POLYOPT_REFUSE(G_OVERLAP, POLYOPT_WHY_OVERLAP);
    k.x = x.data;
    k.y = y.data;
    k.n = y.extent[0];
    k.sx = x.stride[0];
    k.sy = y.stride[0];
    if ((why = polyopt_save(&call, &saved, &y, &zero, &k.n))) POLYOPT_REFUSE(G_MEMORY, why);
    if ((why = polyopt_run(&call, &axpy_spec, &k, args + 1, 2, (double)k.n))) {
        polyopt_restore(&saved);
        POLYOPT_REFUSE(G_RUN, why);
    }
    result = polyopt_pack(0);
done:
    polyopt_drop(&x);
    polyopt_drop(&y);
    polyopt_end(&call);
    return result;
}

/* smooth(u) -> out: class fresh */
static PyObject *enter_smooth(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    struct polyopt_call call;
    struct polyopt_array u, out;
    struct smooth_args k;
    PyObject *result = NULL, *array = NULL;
    int why;
    u.held = out.held = 0;
    polyopt_begin(&call, self);
    if (nargs != 1) POLYOPT_REFUSE(G_COUNT, POLYOPT_WHY_COUNT);
    if ((why = polyopt_take_array(args[0], &u, POLYOPT_F64, 1, 0))) POLYOPT_REFUSE(G_FIRST, why);
    k.n = u.extent[0] - 2;
    if (k.n < 0) POLYOPT_REFUSE(G_EXTENTS, POLYOPT_WHY_EXTENT);
    if (!(array = polyopt_new_array(&out, POLYOPT_F64, 1, &k.n, 0))) POLYOPT_REFUSE(G_MEMORY, POLYOPT_WHY_MEMORY);
    k.u = u.data;
    k.su = u.stride[0];
    k.out = out.data;
    if ((why = polyopt_run(&call, &smooth_spec, &k, (PyObject *const[]){args[0], array}, 2, (double)k.n * 3.0))) POLYOPT_REFUSE(G_RUN, why);
    result = polyopt_pack(1, array);
    array = NULL;
done:
    polyopt_drop(&u);
    polyopt_drop(&out);
    Py_XDECREF(array);
    polyopt_end(&call);
    return result;
}

/* exponential(x) -> out, by NumPy's own loop; also the region whose loop does not exist (absurd) */
static PyObject *enter_loop(PyObject *self, PyObject *const *args, Py_ssize_t nargs, const struct polyopt_kernel_spec *spec)
{
    struct polyopt_call call;
    struct polyopt_array x, out;
    struct exponential_args k;
    PyObject *result = NULL, *array = NULL;
    int why;
    x.held = out.held = 0;
    polyopt_begin(&call, self);
    if (nargs != 1) POLYOPT_REFUSE(G_COUNT, POLYOPT_WHY_COUNT);
    if ((why = polyopt_take_array(args[0], &x, POLYOPT_F64, 1, 0))) POLYOPT_REFUSE(G_FIRST, why);
    if (!polyopt_c_contiguous(&x)) POLYOPT_REFUSE(G_FIRST, POLYOPT_WHY_LAYOUT);
    k.n = x.extent[0];
    if (!(array = polyopt_new_array(&out, POLYOPT_F64, 1, &k.n, 0))) POLYOPT_REFUSE(G_MEMORY, POLYOPT_WHY_MEMORY);
    k.x = x.data;
    k.out = out.data;
    if ((why = polyopt_run(&call, spec, &k, (PyObject *const[]){args[0], array}, 2, (double)k.n * 5.0))) POLYOPT_REFUSE(G_RUN, why);
    result = polyopt_pack(1, array);
    array = NULL;
done:
    polyopt_drop(&x);
    polyopt_drop(&out);
    Py_XDECREF(array);
    polyopt_end(&call);
    return result;
}

static PyObject *enter_exponential(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    return enter_loop(self, args, nargs, &exponential_spec);
}
static PyObject *enter_absurd(PyObject *self, PyObject *const *args, Py_ssize_t nargs) { return enter_loop(self, args, nargs, &absurd_spec); }

/* squares(out, grain, fail_at, temporaries, work): adds i * i to out[i]; for the tests of threads and arenas */
static PyObject *enter_parallel(PyObject *self, PyObject *const *args, Py_ssize_t nargs, const struct polyopt_kernel_spec *spec)
{
    struct polyopt_call call;
    struct polyopt_array out;
    struct polyopt_saved saved;
    struct squares_args k;
    PyObject *result = NULL;
    double work;
    int64_t zero = 0;
    int why;
    out.held = 0;
    polyopt_begin(&call, self);
    if (nargs != 5) POLYOPT_REFUSE(G_COUNT, POLYOPT_WHY_COUNT);
    if ((why = polyopt_take_array(args[0], &out, POLYOPT_I64, 1, POLYOPT_WRITABLE))) POLYOPT_REFUSE(G_FIRST, why);
    if ((why = polyopt_take_int(args[1], &k.grain, 1, INT64_MAX))) POLYOPT_REFUSE(G_SECOND, why);
    if ((why = polyopt_take_int(args[2], &k.fail_at, -1, INT64_MAX))) POLYOPT_REFUSE(G_THIRD, why);
    if ((why = polyopt_take_int(args[3], &k.temporaries, 1, INT64_MAX / 8))) POLYOPT_REFUSE(G_THIRD, why);
    if ((why = polyopt_take_float(args[4], &work))) POLYOPT_REFUSE(G_THIRD, why);
    k.n = out.extent[0];
    k.out = out.data;
    if ((why = polyopt_save(&call, &saved, &out, &zero, &k.n))) POLYOPT_REFUSE(G_MEMORY, why);
    if ((why = polyopt_run(&call, spec, &k, args, 1, work))) {
        polyopt_restore(&saved);
        POLYOPT_REFUSE(G_RUN, why);
    }
    result = polyopt_pack(0);
done:
    polyopt_drop(&out);
    polyopt_end(&call);
    return result;
}

static PyObject *enter_squares(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    return enter_parallel(self, args, nargs, &squares_spec);
}
static PyObject *enter_flags(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    return enter_parallel(self, args, nargs, &flags_spec);
}

/* wait(ticks, rounds) */
static PyObject *enter_wait(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    struct polyopt_call call;
    struct polyopt_array ticks;
    struct wait_args k;
    PyObject *result = NULL;
    int why;
    ticks.held = 0;
    polyopt_begin(&call, self);
    if (nargs != 2) POLYOPT_REFUSE(G_COUNT, POLYOPT_WHY_COUNT);
    if ((why = polyopt_take_array(args[0], &ticks, POLYOPT_I64, 1, POLYOPT_WRITABLE))) POLYOPT_REFUSE(G_FIRST, why);
    if ((why = polyopt_take_int(args[1], &k.rounds, 0, INT64_MAX))) POLYOPT_REFUSE(G_SECOND, why);
    k.ticks = ticks.data;
    if ((why = polyopt_run(&call, &wait_spec, &k, args, 1, (double)k.rounds * 1000.0))) POLYOPT_REFUSE(G_RUN, why);
    result = polyopt_pack(0);
done:
    polyopt_drop(&ticks);
    polyopt_end(&call);
    return result;
}

/* ---- probes ---------------------------------------------------------------------------------------------------------------------------- */

static PyObject *ints(const int64_t *values, int count)
{
    PyObject *tuple = PyTuple_New(count);
    for (int i = 0; tuple && i < count; i++) PyTuple_SetItem(tuple, i, PyLong_FromLongLong(values[i]));
    return tuple;
}

/* take(object, dtype, rank, flags) -> why, or (extents, strides, layout bits) */
static PyObject *enter_take(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    struct polyopt_array a;
    PyObject *result;
    int why, rank = (int)PyLong_AsLong(args[2]);
    (void)self;
    (void)nargs;
    why = polyopt_take_array(args[0], &a, (int)PyLong_AsLong(args[1]), rank, (int)PyLong_AsLong(args[3]));
    if (PyErr_Occurred()) return NULL;
    if (why) return PyLong_FromLong(why);
    result = polyopt_pack(3, ints(a.extent, rank), ints(a.stride, rank),
                          PyLong_FromLong(polyopt_c_contiguous(&a) | polyopt_f_contiguous(&a) << 1 | polyopt_c_order(&a) << 2 |
                                          (rank && polyopt_unit_stride(&a, rank - 1)) << 3));
    polyopt_drop(&a);
    return result;
}

/* overlap(a, rank_a, b, rank_b) of float64 arrays */
static PyObject *enter_overlap(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    struct polyopt_array a, b;
    PyObject *result = NULL;
    (void)self;
    (void)nargs;
    a.held = b.held = 0;
    if (polyopt_take_array(args[0], &a, POLYOPT_F64, (int)PyLong_AsLong(args[1]), 0) == 0 &&
        polyopt_take_array(args[2], &b, POLYOPT_F64, (int)PyLong_AsLong(args[3]), 0) == 0)
        result = PyLong_FromLong(polyopt_overlap(&a, &b));
    else PyErr_SetString(PyExc_TypeError, "float64 arrays wanted");
    polyopt_drop(&a);
    polyopt_drop(&b);
    return result;
}

/* scalar(dtype, object): a NumPy scalar taken and boxed again, or why; dtype -1 int, -2 float, -3 bool, -4 complex */
static PyObject *enter_scalar(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    union { int64_t integer; double real; uint8_t truth; polyopt_c128 complex; } value;
    int dtype = (int)PyLong_AsLong(args[0]), why;
    (void)self;
    (void)nargs;
    switch (dtype) {
    case -1: return (why = polyopt_take_int(args[1], &value.integer, INT64_MIN, INT64_MAX)) ? polyopt_pack(1, PyLong_FromLong(why)) : polyopt_box_int(value.integer);
    case -2: return (why = polyopt_take_float(args[1], &value.real)) ? polyopt_pack(1, PyLong_FromLong(why)) : polyopt_box_float(value.real);
    case -3: return (why = polyopt_take_bool(args[1], &value.truth)) ? polyopt_pack(1, PyLong_FromLong(why)) : polyopt_box_bool(value.truth);
    case -4: return (why = polyopt_take_complex(args[1], &value.complex)) ? polyopt_pack(1, PyLong_FromLong(why)) : polyopt_box_complex(value.complex);
    default: return (why = polyopt_take_scalar(args[1], dtype, &value)) ? polyopt_pack(1, PyLong_FromLong(why)) : polyopt_box_scalar(dtype, &value);
    }
}

/* create(dtype, extents tuple, flags) */
static PyObject *enter_create(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    struct polyopt_array a;
    int64_t extents[POLYOPT_MAXRANK];
    int rank = (int)PyTuple_Size(args[1]);
    PyObject *array;
    (void)self;
    (void)nargs;
    for (int i = 0; i < rank; i++) extents[i] = PyLong_AsLongLong(PyTuple_GetItem(args[1], i));
    a.held = 0;
    array = polyopt_new_array(&a, (int)PyLong_AsLong(args[0]), rank, extents, (int)PyLong_AsLong(args[2]));
    polyopt_drop(&a);
    if (array || PyErr_Occurred()) return array;
    Py_RETURN_NONE;
}

/* undo(array of float64, rank, lo tuple, hi tuple): saves the box, sets every element to -1, restores */
static PyObject *enter_undo(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    struct polyopt_call call;
    struct polyopt_array a, all;
    struct polyopt_saved saved;
    int64_t lo[POLYOPT_MAXRANK], hi[POLYOPT_MAXRANK];
    int rank = (int)PyLong_AsLong(args[1]);
    PyObject *result = NULL;
    (void)nargs;
    a.held = all.held = 0;
    polyopt_begin(&call, self);
    for (int i = 0; i < rank; i++) {
        lo[i] = PyLong_AsLongLong(PyTuple_GetItem(args[2], i));
        hi[i] = PyLong_AsLongLong(PyTuple_GetItem(args[3], i));
    }
    if (polyopt_take_array(args[0], &a, POLYOPT_F64, rank, POLYOPT_WRITABLE)) POLYOPT_REFUSE(G_FIRST, POLYOPT_WHY_TYPE);
    if (polyopt_save(&call, &saved, &a, lo, hi)) POLYOPT_REFUSE(G_MEMORY, POLYOPT_WHY_MEMORY);
    if (PyObject_CallMethod(args[0], "fill", "d", -1.0) == NULL) goto done;
    polyopt_restore(&saved);
    result = polyopt_pack(0);
done:
    polyopt_drop(&a);
    polyopt_end(&call);
    return result;
}

/* globals(first, count): are they as expected? */
static PyObject *enter_globals(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    struct polyopt_state *state = (struct polyopt_state *)self;
    (void)nargs;
    int ok = polyopt_globals_ok(state, (int)PyLong_AsLong(args[0]), (int)PyLong_AsLong(args[1]));
    if (PyErr_Occurred()) return NULL;
    return ok ? PyLong_FromLong(-1) : PyLong_FromLong(state->global);
}

static const struct polyopt_loop_spec loops[LOOPS] = {{"exp", "f8->f8", 1}, {"add", "f4f4->f4", 1}, {"multiply", "c16c16->c16", 0}, {"exp", "i8->i8", 1}};

static const struct polyopt_global globals[] = {
    {POLYOPT_GLOBAL_MODULE, "np", "numpy", NULL, 0, 0.0, NULL, 0, NULL},
    {POLYOPT_GLOBAL_BUILTIN, "range", NULL, NULL, 0, 0.0, NULL, 0, NULL},
    {POLYOPT_GLOBAL_ATTRIBUTE, "sqrt", "numpy", NULL, 0, 0.0, NULL, 0, NULL},
    {POLYOPT_GLOBAL_OBJECT, "root", "math", "sqrt", 0, 0.0, NULL, 0, NULL},
    {POLYOPT_GLOBAL_FUNCTION, "helper", NULL, "helper", 0, 0.0, NULL, 0, NULL},
    {POLYOPT_GLOBAL_INT, "N", NULL, NULL, 100, 0.0, NULL, 0, NULL},
    {POLYOPT_GLOBAL_FLOAT, "EPS", NULL, NULL, 0, 0.25, NULL, 0, NULL},
    {POLYOPT_GLOBAL_BOOL, "FLAG", NULL, NULL, 1, 0.0, NULL, 0, NULL},
    {POLYOPT_GLOBAL_NONE, "NOTHING", NULL, NULL, 0, 0.0, NULL, 0, NULL},
    {POLYOPT_GLOBAL_ATTRIBUTE, "linalg", "numpy", NULL, 0, 0.0, NULL, 0, NULL},
    {POLYOPT_GLOBAL_ATTRIBUTE, "abs", "numpy", NULL, 0, 0.0, NULL, 0, NULL},
    {POLYOPT_GLOBAL_ATTRIBUTE, "sum", "numpy", NULL, 0, 0.0, NULL, 0, NULL},
    {POLYOPT_GLOBAL_ATTRIBUTE, "zeros", "numpy", NULL, 0, 0.0, NULL, 0, NULL},
    {POLYOPT_GLOBAL_ATTRIBUTE, "float64", "numpy", NULL, 0, 0.0, NULL, 0, NULL},
    {POLYOPT_GLOBAL_ATTRIBUTE, "pi", "numpy", NULL, 0, 0.0, NULL, 0, NULL},
};
#define COUNT(table) ((int32_t)(sizeof table / sizeof *table))

static const struct polyopt_region regions[] = {
    {"axpy", enter_axpy, guards},
    {"smooth", enter_smooth, guards},
    {"exponential", enter_exponential, guards},
    {"absurd", enter_absurd, guards},
    {"squares", enter_squares, guards},
    {"flags", enter_flags, guards},
    {"wait", enter_wait, guards},
    {"take", enter_take, guards},
    {"overlap", enter_overlap, guards},
    {"scalar", enter_scalar, guards},
    {"create", enter_create, guards},
    {"undo", enter_undo, guards},
    {"globals", enter_globals, guards},
};
static const struct polyopt_module modules[] = {{"example.user", regions, COUNT(regions), globals, COUNT(globals)}};
static const struct polyopt_kernel_spec *const kernels[] = {&axpy_spec, &smooth_spec, &exponential_spec, &squares_spec, &wait_spec, &flags_spec};
static const struct polyopt_extension extension = {"example._polyopt._native", modules, COUNT(modules), loops, COUNT(loops), kernels, COUNT(kernels), NULL};

PyMODINIT_FUNC PyInit__native(void) { return polyopt_extension_init(&extension); }
