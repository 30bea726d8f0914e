/* polyopt_numpy.c: NumPy's types and constructors, found lazily in the NumPy that the process has imported; results and scalars. */
#include "polyopt_numpy.h"

#include <stdarg.h>
#include <string.h>

struct polyopt_numpy polyopt_np;

const int32_t polyopt_itemsize[POLYOPT_DTYPES] = {1, 1, 2, 4, 8, 1, 2, 4, 8, 4, 8, 8, 16};

static const char *const type_names[POLYOPT_DTYPES] = {
    "bool_", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64", "complex64", "complex128",
};

static PyObject *call1(PyObject *function, PyObject *argument) { return PyObject_CallFunctionObjArgs(function, argument, NULL); }

/* ---- loading ------------------------------------------------------------------------------------------------------------------------------ */

/* A scalar of each type with a known value, compared with the bytes behind its head. */
static int check_scalar(int dtype)
{
    static const double value[2] = {1.0, 0.0};
    char expected[16];
    PyObject *one = PyLong_FromLong(1), *scalar = one ? call1((PyObject *)polyopt_np.scalar[dtype], one) : NULL;
    int ok;
    Py_XDECREF(one);
    if (!scalar) return 0;
    memset(expected, 0, sizeof expected);
    if (dtype == POLYOPT_F64 || dtype == POLYOPT_C128) memcpy(expected, value, sizeof value);
    else if (dtype == POLYOPT_F32 || dtype == POLYOPT_C64) {
        float real = 1.0f;
        memcpy(expected, &real, sizeof real);
    }
    else {
        uint64_t integer = 1;
        memcpy(expected, &integer, sizeof integer); /* little-endian; on others the check fails and scalars are refused */
    }
    ok = Py_TYPE(scalar) == polyopt_np.scalar[dtype] &&
         memcmp((char *)scalar + sizeof(PyObject), expected, (size_t)polyopt_itemsize[dtype]) == 0;
    Py_DECREF(scalar);
    return ok;
}

static int load_types(PyObject *numpy)
{
    PyObject *dtype = PyObject_GetAttrString(numpy, "dtype");
    int ok = dtype != NULL;
    for (int i = 0; ok && i < POLYOPT_DTYPES; i++) {
        PyObject *type = PyObject_GetAttrString(numpy, type_names[i]);
        if (!type || !PyType_Check(type)) {
            Py_XDECREF(type);
            ok = 0;
            break;
        }
        polyopt_np.scalar[i] = (PyTypeObject *)type;
        polyopt_np.descr[i] = call1(dtype, type);
        ok = polyopt_np.descr[i] != NULL;
        polyopt_np.scalar_fields[i] = ok && check_scalar(i);
    }
    Py_XDECREF(dtype);
    return ok;
}

/* The structure of ndarray against what Python says of an array whose every field is known: every other column of a (3, 4) array. */
static int check_fields(void)
{
    PyObject *shape = Py_BuildValue("(ii)", 3, 4), *base = NULL, *view = NULL, *flags = NULL, *key = NULL, *two = PyLong_FromLong(2);
    const struct polyopt_ndarray *a;
    Py_buffer buffer;
    int ok = 0;
    if (shape) base = PyObject_CallFunctionObjArgs(polyopt_np.zeros, shape, polyopt_np.descr[POLYOPT_F64], NULL);
    if (base && two) key = Py_BuildValue("(NN)", PySlice_New(NULL, NULL, NULL), PySlice_New(NULL, NULL, two));
    if (key) view = PyObject_GetItem(base, key);
    if (view && PyObject_GetBuffer(view, &buffer, PyBUF_STRIDES) == 0) {
        a = (const struct polyopt_ndarray *)view;
        ok = a->data == buffer.buf && a->nd == 2 && a->dimensions[0] == 3 && a->dimensions[1] == 2 && a->strides[0] == 32 &&
             a->strides[1] == 16 && a->base == base && a->descr == polyopt_np.descr[POLYOPT_F64] &&
             (a->flags & (POLYOPT_ND_ALIGNED | POLYOPT_ND_WRITEABLE)) == (POLYOPT_ND_ALIGNED | POLYOPT_ND_WRITEABLE) &&
             (a->flags & 3) == 0 && (((const struct polyopt_ndarray *)base)->flags & 3) == 1;
        PyBuffer_Release(&buffer);
    }
    if (ok) flags = PyObject_GetAttrString(view, "flags");
    if (flags) ok = PyObject_SetAttrString(flags, "writeable", Py_False) == 0 && !(a->flags & POLYOPT_ND_WRITEABLE);
    Py_XDECREF(flags);
    Py_XDECREF(two);
    Py_XDECREF(view);
    Py_XDECREF(key);
    Py_XDECREF(base);
    Py_XDECREF(shape);
    return ok && !PyErr_Occurred();
}

PyObject *polyopt_signature;

/* Whether this NumPy means the same by its operators as the one of the build: asked of `facts` beside the extension. */
static int same_facts(void)
{
    PyObject *answer;
    int same;
    if (!polyopt_current->facts) return 1;
    answer = polyopt_signature ? PyObject_CallObject(polyopt_signature, NULL) : NULL;
    same = answer && PyUnicode_Check(answer) && PyUnicode_CompareWithASCIIString(answer, polyopt_current->facts) == 0;
    Py_XDECREF(answer);
    PyErr_Clear();
    return same;
}

static int load(PyObject *numpy)
{
    static const char *const flags[4] = {"invalid", "divide", "over", "under"};
    PyObject *ndarray = PyObject_GetAttrString(numpy, "ndarray");
    if (!ndarray || !PyType_Check(ndarray) || !load_types(numpy)) return 0;
    polyopt_np.ndarray = (PyTypeObject *)ndarray;
    polyopt_np.true_ = PyObject_GetAttrString(numpy, "True_");
    polyopt_np.false_ = PyObject_GetAttrString(numpy, "False_");
    polyopt_np.empty = PyObject_GetAttrString(numpy, "empty");
    polyopt_np.zeros = PyObject_GetAttrString(numpy, "zeros");
    polyopt_np.geterr = PyObject_GetAttrString(numpy, "geterr");
    polyopt_np.ignore = PyUnicode_InternFromString("ignore");
    polyopt_np.fortran = PyUnicode_InternFromString("F");
    for (int i = 0; i < 4; i++)
        if (!(polyopt_np.flag_names[i] = PyUnicode_InternFromString(flags[i]))) return 0;
    if (!polyopt_np.true_ || !polyopt_np.false_ || !polyopt_np.empty || !polyopt_np.zeros || !polyopt_np.geterr || !polyopt_np.ignore ||
        !polyopt_np.fortran)
        return 0;
    polyopt_np.fields = check_fields();
    PyErr_Clear();
    return same_facts();
}

int polyopt_numpy_load(void)
{
    PyObject *name, *numpy, *type, *value, *trace;
    if (polyopt_np.ready) return polyopt_np.ready > 0;
    PyErr_Fetch(&type, &value, &trace);
    name = PyUnicode_FromString("numpy");
    numpy = name ? PyImport_GetModule(name) : NULL;
    Py_XDECREF(name);
    if (numpy) polyopt_np.ready = load(numpy) ? 1 : PyObject_HasAttrString(numpy, "geterr") ? -1 : 0; /* 0: still being imported */
    Py_XDECREF(numpy);
    PyErr_Clear();
    PyErr_Restore(type, value, trace);
    return polyopt_np.ready > 0;
}

/* ---- results ---------------------------------------------------------------------------------------------------------------------------------- */

PyObject *polyopt_new_array(struct polyopt_array *out, int dtype, int rank, const int64_t *extents, int flags)
{
    PyObject *shape, *result = NULL, *maker;
    if (!polyopt_numpy_ready()) return NULL;
    maker = flags & POLYOPT_ZEROED ? polyopt_np.zeros : polyopt_np.empty;
    if (rank == 1) shape = PyLong_FromLongLong(extents[0]);
    else {
        shape = PyTuple_New(rank);
        for (int k = 0; shape && k < rank; k++) {
            PyObject *extent = PyLong_FromLongLong(extents[k]);
            if (!extent) {
                Py_DECREF(shape);
                shape = NULL;
            }
            else PyTuple_SetItem(shape, k, extent);
        }
    }
    if (shape)
        result = PyObject_CallFunctionObjArgs(maker, shape, polyopt_np.descr[dtype], flags & POLYOPT_FORTRAN ? polyopt_np.fortran : NULL, NULL);
    Py_XDECREF(shape);
    if (result && polyopt_take_array(result, out, dtype, rank, POLYOPT_WRITABLE) != POLYOPT_WHY_NONE) {
        Py_DECREF(result);
        result = NULL;
    }
    if (!result) PyErr_Clear();
    return result;
}

PyObject *polyopt_box_int(int64_t value) { return PyLong_FromLongLong(value); }
PyObject *polyopt_box_float(double value) { return PyFloat_FromDouble(value); }
PyObject *polyopt_box_bool(int value) { return PyBool_FromLong(value); }
PyObject *polyopt_box_complex(polyopt_c128 value) { return PyComplex_FromDoubles(value.re, value.im); }

static PyObject *python_value(int dtype, const void *value)
{
    switch (dtype) {
    case POLYOPT_I8: return PyLong_FromLong(*(const int8_t *)value);
    case POLYOPT_I16: return PyLong_FromLong(*(const int16_t *)value);
    case POLYOPT_I32: return PyLong_FromLong(*(const int32_t *)value);
    case POLYOPT_I64: return PyLong_FromLongLong(*(const int64_t *)value);
    case POLYOPT_U8: return PyLong_FromLong(*(const uint8_t *)value);
    case POLYOPT_U16: return PyLong_FromLong(*(const uint16_t *)value);
    case POLYOPT_U32: return PyLong_FromUnsignedLong(*(const uint32_t *)value);
    case POLYOPT_U64: return PyLong_FromUnsignedLongLong(*(const uint64_t *)value);
    case POLYOPT_F32: return PyFloat_FromDouble((double)*(const float *)value);
    case POLYOPT_F64: return PyFloat_FromDouble(*(const double *)value);
    case POLYOPT_C64: return PyComplex_FromDoubles((double)((const float *)value)[0], (double)((const float *)value)[1]);
    case POLYOPT_C128: return PyComplex_FromDoubles(((const double *)value)[0], ((const double *)value)[1]);
    default: return NULL;
    }
}

PyObject *polyopt_box_scalar(int dtype, const void *value)
{
    PyObject *plain, *scalar;
    if (!polyopt_numpy_ready()) return PyErr_NoMemory();
    if (dtype == POLYOPT_BOOL) {
        PyObject *truth = *(const uint8_t *)value ? polyopt_np.true_ : polyopt_np.false_;
        Py_INCREF(truth);
        return truth;
    }
    plain = python_value(dtype, value);
    scalar = plain ? call1((PyObject *)polyopt_np.scalar[dtype], plain) : NULL;
    Py_XDECREF(plain);
    return scalar;
}

/* A scalar of which only the run has shown what type it has; the value is exact in it. */
PyObject *polyopt_box_tagged(int dtype, const void *value, int32_t tag)
{
    PyObject *wide, *real;
    if (tag == POLYOPT_TAG_NUMPY) return polyopt_box_scalar(dtype, value);
    wide = dtype == POLYOPT_BOOL ? PyBool_FromLong(*(const uint8_t *)value) : python_value(dtype, value);
    if (!wide || tag == POLYOPT_TAG_BOOL || tag == POLYOPT_TAG_COMPLEX) return wide;
    real = PyComplex_CheckExact(wide) ? PyFloat_FromDouble(PyComplex_RealAsDouble(wide)) : Py_NewRef(wide);
    Py_DECREF(wide);
    if (!real) return NULL;
    wide = tag == POLYOPT_TAG_INT ? PyNumber_Long(real) : PyNumber_Float(real);
    Py_DECREF(real);
    return wide;
}

PyObject *polyopt_pack(int n, ...)
{
    PyObject *tuple = PyTuple_New(n);
    va_list items;
    va_start(items, n);
    for (int k = 0; k < n; k++) {
        PyObject *item = va_arg(items, PyObject *);
        if (item && tuple) PyTuple_SetItem(tuple, k, item);
        else {
            Py_XDECREF(item);
            Py_CLEAR(tuple);
        }
    }
    va_end(items);
    return tuple;
}

/* ---- np.errstate ---------------------------------------------------------------------------------------------------------------------------------- */

uint32_t polyopt_flags_matter(uint32_t flags)
{
    PyObject *modes;
    uint32_t left = flags;
    if (!flags || !polyopt_numpy_ready()) return flags;
    modes = PyObject_CallFunctionObjArgs(polyopt_np.geterr, NULL);
    for (int i = 0; modes && i < 4; i++) {
        PyObject *mode = flags & 1u << i ? PyDict_GetItemWithError(modes, polyopt_np.flag_names[i]) : NULL;
        if (mode && PyUnicode_Compare(mode, polyopt_np.ignore) == 0) left &= ~(1u << i);
    }
    Py_XDECREF(modes);
    PyErr_Clear();
    return left;
}
