/* polyopt_offload.c: kernels that run elsewhere: the hook that is offered large runs, kernels by name, arguments of another array type. */
#include "polyopt_internal.h"

#include <math.h>
#include <string.h>

double polyopt_offload_work = INFINITY;

static PyObject *offload_hook, *foreign_hook;
static PyTypeObject *foreign_type;

/* ---- the hook -------------------------------------------------------------------------------------------------------------------- */

static PyObject *tuple_of(PyObject *const *items, Py_ssize_t count)
{
    PyObject *tuple = PyTuple_New(count);
    for (Py_ssize_t i = 0; tuple && i < count; i++) {
        Py_INCREF(items[i]);
        PyTuple_SetItem(tuple, i, items[i]);
    }
    return tuple;
}

/* What the hook raised: signals leave the call, anything else is written to standard error and gives the run up. */
static int32_t hook_raised(struct polyopt_call *call)
{
    if (PyErr_ExceptionMatches(PyExc_Exception)) {
        PyErr_WriteUnraisable(offload_hook);
        return POLYOPT_FAILED;
    }
    call->raised = 1;
    return POLYOPT_CANCELLED;
}

int32_t polyopt_offload(struct polyopt_call *call, const struct polyopt_kernel_spec *spec, const void *args, PyObject *const *arrays,
                        int narrays, double work)
{
    PyObject *objects = tuple_of(arrays, narrays), *hook = offload_hook, *answer = NULL;
    int32_t status = POLYOPT_NOT_OFFLOADED;
    Py_XINCREF(hook);
    if (objects && hook) answer = PyObject_CallFunction(hook, "sy#Od", spec->symbol, (const char *)args, (Py_ssize_t)spec->size, objects, work);
    Py_XDECREF(objects);
    Py_XDECREF(hook);
    if (!answer) return PyErr_Occurred() ? hook_raised(call) : POLYOPT_NOT_OFFLOADED;
    if (answer != Py_None && !PyArg_ParseTuple(answer, "iI;the hook answers None or (status, fpflags)", &status, &call->fpflags))
        status = hook_raised(call);
    Py_DECREF(answer);
    return status;
}

static PyObject *set_offload(PyObject *self, PyObject *args)
{
    PyObject *hook;
    double work;
    (void)self;
    if (!PyArg_ParseTuple(args, "Od:offload", &hook, &work)) return NULL;
    polyopt_offload_work = hook == Py_None ? INFINITY : work;
    Py_INCREF(hook);
    Py_XDECREF(offload_hook);
    offload_hook = hook;
    Py_RETURN_NONE;
}

/* ---- kernels by name -------------------------------------------------------------------------------------------------------------- */

static const struct polyopt_kernel_spec *spec_of(const char *symbol)
{
    for (int i = 0; i < polyopt_current->nkernels; i++)
        if (strcmp(polyopt_current->kernels[i]->symbol, symbol) == 0) return polyopt_current->kernels[i];
    PyErr_Format(PyExc_LookupError, "no kernel is called %s", symbol);
    return NULL;
}

static PyObject *run_spec(const struct polyopt_kernel_spec *spec, const void *args, int64_t lo, int64_t hi, int threads)
{
    struct polyopt_call call;
    int32_t level, status;
    polyopt_kernel kernel = polyopt_kernel_of(spec, &level);
    int most = polyopt_pool->threads();
    if (!kernel) return PyErr_Format(PyExc_RuntimeError, "%s cannot run here: a function of NumPy's that it needs is missing", spec->symbol);
    call.state = NULL;
    polyopt_begin_context(&call);
    call.ctx.chunk_lo = lo;
    call.ctx.chunk_hi = hi;
    status = polyopt_run_released(&call, kernel, args, threads < 1 || threads > most ? most : threads);
    polyopt_end(&call);
    return call.raised ? NULL : Py_BuildValue("iI", (int)status, (unsigned int)call.fpflags);
}

static PyObject *run(PyObject *self, PyObject *args)
{
    const struct polyopt_kernel_spec *spec;
    const char *symbol;
    const char *bytes;
    Py_ssize_t size;
    long long lo, hi;
    int threads;
    PyObject *result = NULL;
    void *copy;
    (void)self;
    if (!PyArg_ParseTuple(args, "sy#LLi:run", &symbol, &bytes, &size, &lo, &hi, &threads)) return NULL;
    if (!(spec = spec_of(symbol))) return NULL;
    if ((size_t)size != spec->size) return PyErr_Format(PyExc_ValueError, "%s takes %zu bytes of arguments, not %zd", symbol, spec->size, size);
    copy = PyMem_Malloc(spec->size); /* a bytes object need not be aligned as the struct */
    if (!copy) return PyErr_NoMemory();
    memcpy(copy, bytes, spec->size);
    result = run_spec(spec, copy, lo, hi, threads);
    PyMem_Free(copy);
    return result;
}

/* ---- other array types ------------------------------------------------------------------------------------------------------------- */

static PyObject *set_foreign(PyObject *self, PyObject *args)
{
    PyObject *type, *hook;
    (void)self;
    if (!PyArg_ParseTuple(args, "OO:foreign", &type, &hook)) return NULL;
    if (type != Py_None && !PyType_Check(type)) return PyErr_Format(PyExc_TypeError, "foreign wants a type or None");
    Py_XINCREF(type == Py_None ? NULL : type);
    Py_XDECREF((PyObject *)foreign_type);
    foreign_type = type == Py_None ? NULL : (PyTypeObject *)type;
    Py_INCREF(hook);
    Py_XDECREF(foreign_hook);
    foreign_hook = hook;
    Py_RETURN_NONE;
}

/* CuPy's array, once the program has imported it: a look into a dictionary at a call whose arguments have other types. */
static void find_foreign(void)
{
    PyObject *module = PyDict_GetItemString(PyImport_GetModuleDict(), "cupy");
    PyObject *type = module ? PyObject_GetAttrString(module, "ndarray") : NULL;
    PyErr_Clear();
    if (type && PyType_Check(type)) foreign_type = (PyTypeObject *)type;
    else Py_XDECREF(type);
}

static int is_foreign(PyObject *const *args, Py_ssize_t nargs)
{
    for (Py_ssize_t i = 0; i < nargs; i++)
        if (Py_TYPE(args[i]) == foreign_type) return 1;
    return 0;
}

PyObject *polyopt_miss(struct polyopt_state *state, PyObject *const *args, Py_ssize_t nargs, int guard, int why)
{
    PyObject *objects, *result;
    if (!foreign_type && foreign_hook && why == POLYOPT_WHY_TYPE) find_foreign();
    if (POLYOPT_LIKELY(!foreign_type) || why != POLYOPT_WHY_TYPE || !is_foreign(args, nargs)) return polyopt_refuse(state, guard, why);
    if (!(objects = tuple_of(args, nargs))) return NULL;
    result = PyObject_CallFunction(foreign_hook, "ssO", state->globals->module->name, state->region->name, objects);
    Py_DECREF(objects);
    if (result && result != Py_None) return result;
    if (!result && !PyErr_ExceptionMatches(PyExc_Exception)) return NULL;
    if (!result) PyErr_WriteUnraisable(foreign_hook);
    Py_XDECREF(result);
    return polyopt_refuse(state, guard, why);
}

/* ---- what was measured -------------------------------------------------------------------------------------------------------------- */

double polyopt_cost[POLYOPT_COSTS];

static int set_costs(PyObject *units)
{
    Py_ssize_t count = PyTuple_Size(units);
    for (Py_ssize_t i = 0; i < count && i < POLYOPT_COSTS; i++) {
        double value = PyFloat_AsDouble(PyTuple_GetItem(units, i));
        if (PyErr_Occurred()) return 0;
        polyopt_cost[i] = value;
    }
    return 1;
}

static PyObject *tune(PyObject *self, PyObject *args)
{
    double share, wake;
    PyObject *units = NULL;
    (void)self;
    if (!PyArg_ParseTuple(args, "dd|O!:tune", &share, &wake, &PyTuple_Type, &units)) return NULL;
    if (!(share >= 1.0 && wake >= 1.0)) return PyErr_Format(PyExc_ValueError, "the work of a thread is at least 1");
    if (units && !set_costs(units)) return NULL;
    polyopt_work_per_thread = share;
    polyopt_work_to_wake = wake;
    Py_RETURN_NONE;
}

PyMethodDef polyopt_offload_methods[] = {
    {"offload", set_offload, METH_VARARGS,
     "offload(hook, work): hook(symbol, args, arrays, work) is asked before runs of at least that much work; it answers None, or "
     "(status, fpflags) once it has done everything. hook None: nobody is asked."},
    {"run", run, METH_VARARGS, "run(symbol, args, lo, hi, threads): (status, fpflags) of a kernel between the chunk bounds; threads 0: all"},
    {"foreign", set_foreign, METH_VARARGS, "foreign(type, hook): hook(module, region, args) is asked where an argument is exactly of that type; None: of CuPy's array type, "
     "once it is there"},
    {"tune", tune, METH_VARARGS, "tune(share, wake, costs=()): another thread is worth its share from so much work on, and worth waking from so much work of a call on; "
     "costs: units of slow operations"},
    {NULL, NULL, 0, NULL},
};
