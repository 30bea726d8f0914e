/* polyopt_loops.c: NumPy's inner loops, read through the public head of PyUFuncObject and checked before use.
 *
 * The head (nin, nout, nargs, identity, functions, data, ntypes, ..., types) is in NumPy's public headers, the same in NumPy 1 and 2.
 * Before a loop is used, the head is compared with what Python says of the ufunc, and the loop's results (whole, in two blocks, and on
 * operands with gaps where kernels have such) with the ufunc's own, bit for bit.
 */
#include "polyopt_internal.h"

#include "polyopt_fenv.h"

#include <string.h>

struct ufunc_head {
    PyObject_HEAD
    int nin, nout, nargs, identity;
    polyopt_loop_fn *functions;
    void **data;
    int ntypes, reserved;
    const char *name, *types;
};

struct signature { int nin, nargs, strided; int dtype[4]; };

struct polyopt_functions polyopt_functions;
const struct polyopt_extension *polyopt_current;
static struct polyopt_loop *table, *originals;
static signed char *known; /* 1 usable, -1 not, 0 not looked at */

/* ---- signatures: "f8f8->f8" ----------------------------------------------------------------------------------------------------------------- */

static const char *const tokens[POLYOPT_DTYPES] = {"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8", "c8", "c16"};

static int parse(const char *types, struct signature *out)
{
    out->nin = -1;
    out->nargs = 0;
    while (*types) {
        int dtype = POLYOPT_DTYPES - 1;
        if (types[0] == '-' && types[1] == '>') {
            out->nin = out->nargs;
            types += 2;
            continue;
        }
        while (dtype >= 0 && strncmp(types, tokens[dtype], strlen(tokens[dtype])) != 0) dtype--;
        if (dtype < 0 || out->nargs == 4) return 0;
        types += strlen(tokens[dtype]);
        out->dtype[out->nargs++] = dtype;
    }
    return out->nin > 0 && out->nargs == out->nin + 1; /* one output */
}

static int type_number(int dtype)
{
    PyObject *number = PyObject_GetAttrString(polyopt_np.descr[dtype], "num");
    long value = number ? PyLong_AsLong(number) : -1;
    Py_XDECREF(number);
    return (int)value;
}

/* ---- finding -------------------------------------------------------------------------------------------------------------------------------- */

static int attribute_equals(PyObject *object, const char *name, long expected)
{
    PyObject *value = PyObject_GetAttrString(object, name);
    int same = value && PyLong_AsLong(value) == expected;
    Py_XDECREF(value);
    return same && !PyErr_Occurred();
}

static int head_is_sound(PyObject *ufunc, const struct signature *types)
{
    const struct ufunc_head *head = (const struct ufunc_head *)ufunc;
    PyObject *name = PyObject_GetAttrString(ufunc, "__name__");
    int sound = name && attribute_equals(ufunc, "nin", head->nin) && attribute_equals(ufunc, "nout", head->nout) &&
                attribute_equals(ufunc, "nargs", head->nargs) && attribute_equals(ufunc, "ntypes", head->ntypes) &&
                head->nin == types->nin && head->nargs == types->nargs &&
                PyUnicode_CompareWithASCIIString(name, head->name) == 0;
    Py_XDECREF(name);
    return sound;
}

static int find(PyObject *ufunc, const struct signature *types, struct polyopt_loop *out)
{
    const struct ufunc_head *head = (const struct ufunc_head *)ufunc;
    for (int i = 0; i < head->ntypes; i++) {
        int k = 0;
        while (k < types->nargs && head->types[i * types->nargs + k] == (char)type_number(types->dtype[k])) k++;
        if (k < types->nargs || !head->functions[i]) continue;
        out->call = head->functions[i];
        out->data = head->data ? head->data[i] : NULL;
        return !PyErr_Occurred();
    }
    return 0;
}

/* ---- checking ------------------------------------------------------------------------------------------------------------------------------- */

#define COUNT 37
#define STEP 3 /* the strided run's operands lie this many items apart */

/* Small positive values: nearly every function is defined on them, and no integer power overflows into trouble. */
void polyopt_fill(char *at, int dtype, int argument, int count)
{
    for (int i = 0; i < count; i++, at += polyopt_itemsize[dtype]) {
        double real = 0.03125 + (double)((i * 7 + argument * 11) % COUNT) / 41.0, imaginary = 0.25 - (double)(i % 5) / 16.0;
        int64_t integer = 1 + (i * 5 + argument * 3) % 7;
        float low = (float)real, low_imaginary = (float)imaginary;
        switch (dtype) {
        case POLYOPT_BOOL: *at = (char)(integer & 1); break;
        case POLYOPT_F32: memcpy(at, &low, 4); break;
        case POLYOPT_F64: memcpy(at, &real, 8); break;
        case POLYOPT_C64: memcpy(at, &low, 4), memcpy(at + 4, &low_imaginary, 4); break;
        case POLYOPT_C128: memcpy(at, &real, 8), memcpy(at + 8, &imaginary, 8); break;
        default: memcpy(at, &integer, (size_t)polyopt_itemsize[dtype]); /* little-endian; elsewhere zeros, which do as well */
        }
    }
}

/* Elements [from, from + n) with operands `spread` items apart; the output is gathered into `out`. */
static void run(const struct polyopt_loop *loop, const struct signature *types, char operands[4][COUNT * 16], int from, int n, int spread, char *out)
{
    union { double align; char bytes[COUNT * 16 * STEP]; } buffers[4];
    char *args[4];
    intptr_t steps[4], count = n;
    for (int k = 0; k < types->nargs; k++) {
        int size = polyopt_itemsize[types->dtype[k]];
        args[k] = buffers[k].bytes;
        steps[k] = size * spread;
        for (int i = 0; i < n && k < types->nin; i++) memcpy(args[k] + i * size * spread, operands[k] + (from + i) * size, (size_t)size);
    }
    loop->call(args, &count, steps, loop->data);
    int size = polyopt_itemsize[types->dtype[types->nin]];
    for (int i = 0; i < n; i++) memcpy(out + (from + i) * size, buffers[types->nin].bytes + i * size * spread, (size_t)size);
}

static PyObject *array_of(int dtype, const char *bytes)
{
    struct polyopt_array out;
    int64_t extent = COUNT;
    PyObject *array;
    out.held = 0;
    array = polyopt_new_array(&out, dtype, 1, &extent, 0);
    if (array) memcpy(out.data, bytes, (size_t)(COUNT * polyopt_itemsize[dtype]));
    polyopt_drop(&out);
    return array;
}

static int agrees(PyObject *expected, const struct polyopt_loop *loop, const struct signature *types, char operands[4][COUNT * 16])
{
    int dtype = types->dtype[types->nin];
    size_t bytes = (size_t)(COUNT * polyopt_itemsize[dtype]);
    char found[COUNT * 16];
    struct polyopt_array out;
    int same;
    out.held = 0;
    if (polyopt_take_array(expected, &out, dtype, 1, 0) || !polyopt_c_contiguous(&out)) return 0;
    run(loop, types, operands, 0, COUNT, 1, found);
    same = memcmp(found, out.data, bytes) == 0;
    run(loop, types, operands, 0, 13, 1, found);
    run(loop, types, operands, 13, COUNT - 13, 1, found);
    same = same && memcmp(found, out.data, bytes) == 0;
    if (types->strided) {
        run(loop, types, operands, 0, COUNT, STEP, found);
        same = same && memcmp(found, out.data, bytes) == 0;
    }
    polyopt_drop(&out);
    return same;
}

static int check(PyObject *ufunc, const struct polyopt_loop *loop, const struct signature *types)
{
    char operands[4][COUNT * 16];
    PyObject *args = PyTuple_New(types->nin), *expected;
    int same;
    for (int k = 0; args && k < types->nin; k++) {
        PyObject *array;
        polyopt_fill(operands[k], types->dtype[k], k, COUNT);
        array = array_of(types->dtype[k], operands[k]);
        if (!array) Py_CLEAR(args);
        else PyTuple_SetItem(args, k, array);
    }
    expected = args ? PyObject_CallObject(ufunc, args) : NULL;
    same = expected && agrees(expected, loop, types, operands);
    Py_XDECREF(expected);
    Py_XDECREF(args);
    return same;
}

/* Whether the ufunc works on matrices. */
static int has_signature(PyObject *ufunc)
{
    PyObject *signature = PyObject_GetAttrString(ufunc, "signature");
    int has = signature && signature != Py_None;
    Py_XDECREF(signature);
    return has;
}

/* Runs check under np.errstate(all="ignore"). */
static int check_quietly(PyObject *numpy, PyObject *ufunc, const struct polyopt_loop *loop, const struct signature *types)
{
    PyObject *errstate = PyObject_GetAttrString(numpy, "errstate"), *none = PyTuple_New(0);
    PyObject *all = Py_BuildValue("{s:s}", "all", "ignore"), *state = NULL, *entered = NULL, *left = NULL;
    int same = 0;
    if (errstate && none && all) state = PyObject_Call(errstate, none, all);
    if (state) entered = PyObject_CallMethod(state, "__enter__", NULL);
    if (entered) {
        same = has_signature(ufunc) ? polyopt_product_agrees(numpy, ufunc, loop, types->dtype[0]) : check(ufunc, loop, types);
        PyErr_Clear();
        left = PyObject_CallMethod(state, "__exit__", "OOO", Py_None, Py_None, Py_None);
    }
    Py_XDECREF(left);
    Py_XDECREF(entered);
    Py_XDECREF(state);
    Py_XDECREF(all);
    Py_XDECREF(none);
    Py_XDECREF(errstate);
    return same;
}

static int look_up(int32_t index)
{
    const struct polyopt_loop_spec *spec = &polyopt_current->loops[index];
    struct signature types;
    PyObject *numpy = PyImport_ImportModule("numpy"), *ufunc = numpy ? PyObject_GetAttrString(numpy, spec->ufunc) : NULL;
    PyObject *type = numpy ? PyObject_GetAttrString(numpy, "ufunc") : NULL;
    types.strided = spec->strided;
    int ok = ufunc && type && (PyObject *)Py_TYPE(ufunc) == type && parse(spec->types, &types) && head_is_sound(ufunc, &types) &&
             find(ufunc, &types, &table[index]) && check_quietly(numpy, ufunc, &table[index], &types);
    Py_XDECREF(type);
    Py_XDECREF(ufunc); /* NumPy keeps its ufuncs, and their loops are static */
    Py_XDECREF(numpy);
    PyErr_Clear();
    return ok;
}

/* ---- how much a reduction takes at once ------------------------------------------------------------------------------------------------ */

enum { SPAN = 8192, TRIED = 10000 };

static double reduced(const struct polyopt_loop *add, const double *x, int64_t n, double start)
{
    char *args[3] = {(char *)&start, (char *)(uintptr_t)x, (char *)&start};
    intptr_t steps[3] = {0, sizeof *x, 0}, count = (intptr_t)n;
    add->call(args, &count, steps, add->data);
    return start;
}

/* Before 2.3, NumPy reduced 8192 elements at a time, a buffer's length; since then all of them. Tried, on numbers whose sum depends on it;
 * 0 where neither holds. */
static int64_t reduce_span(PyObject *numpy)
{
    struct signature types;
    struct polyopt_loop loop;
    struct polyopt_array x;
    const int64_t extent = TRIED;
    PyObject *add = PyObject_GetAttrString(numpy, "add"), *array = add ? polyopt_new_array(&x, POLYOPT_F64, 1, &extent, 0) : NULL;
    PyObject *whole = NULL;
    int64_t span = 0;
    if (array && parse("f8f8->f8", &types) && head_is_sound(add, &types) && find(add, &types, &loop)) {
        double *data = x.data;
        for (uint32_t i = 0; i < TRIED; i++) data[i] = (double)(uint32_t)(i * 2654435761u) * (i % 3 == 0 ? 1.0 : 1e-7);
        whole = PyObject_CallMethod(add, "reduce", "O", array);
        double found = whole ? PyFloat_AsDouble(whole) : -1.0;
        if (found == reduced(&loop, data, TRIED, 0.0)) span = INT64_MAX;
        else if (found == reduced(&loop, data + SPAN, TRIED - SPAN, reduced(&loop, data, SPAN, 0.0))) span = SPAN;
    }
    if (array) polyopt_drop(&x);
    Py_XDECREF(whole);
    Py_XDECREF(array);
    Py_XDECREF(add);
    PyErr_Clear();
    return span;
}

static int64_t look_for_span(void)
{
    PyObject *numpy = PyImport_ImportModule("numpy");
    int64_t span = numpy ? reduce_span(numpy) : 0;
    Py_XDECREF(numpy);
    return span ? span : -1;
}

/* Some of NumPy's loops (minimum, comparisons, absolute, ...) clear the floating-point flags when they end: those of NumPy's own call,
 * they think. In a kernel they are also those of everything that it has computed before. Set aside beforehand, they are safe, and the loop
 * finds nothing to clear, which would cost it more than a short row. */
static void run_keeping_flags(char **args, intptr_t const *dimensions, intptr_t const *steps, void *data)
{
    const struct polyopt_loop *original = data;
    uint32_t raised = polyopt_fp_set_aside();
    original->call(args, dimensions, steps, original->data);
    if (raised) polyopt_fp_raise_again(raised);
}

int polyopt_loop_ready(int32_t index)
{
    if (!table) {
        size_t count = (size_t)polyopt_current->nloops;
        table = PyMem_Calloc(count, sizeof *table);
        originals = PyMem_Calloc(count, sizeof *originals);
        known = PyMem_Calloc(count, 1);
        if (!table || !originals || !known) return 0;
        polyopt_functions.loops = table;
    }
    if (known[index] == 0) {
        if (!polyopt_numpy_ready()) return 0;
        if (polyopt_functions.reduce_span == 0) polyopt_functions.reduce_span = look_for_span();
        known[index] = polyopt_functions.reduce_span > 0 && look_up(index) ? 1 : -1;
        originals[index] = table[index];
        table[index].call = run_keeping_flags;
        table[index].data = &originals[index];
    }
    return known[index] > 0;
}
