/* polyopt_module.c: the extension module: bind, the state behind each region's function, the shared pool. */
#include "polyopt_internal.h"

#include <string.h>

#ifdef Py_GIL_DISABLED
#error "polyopt's native extension needs the GIL; build without it gives a pure Python wheel"
#endif

#if PY_VERSION_HEX >= 0x030B0000
#define PYTHON_VERSION Py_Version /* of the process, not of the build */
#else
#define PYTHON_VERSION PY_VERSION_HEX
#endif

struct polyopt_kinds polyopt_kinds;
int32_t polyopt_level;
const char *const polyopt_level_names[POLYOPT_LEVELS] = {"base", "v2", "v3", "v4"};

/* ---- state ------------------------------------------------------------------------------------------------------------------------------------- */

static const char *const why_texts[POLYOPT_WHYS] = {
    "", "number of arguments", "type", "dtype", "rank", "alignment", "read-only", "strides", "elements share memory", "out of range",
    "condition", "arguments overlap", "layout", "extent", "name was rebound", "no memory", "an operation would raise",
    "floating-point flag", "too little work", "gave up several times in a row", "NumPy's inner loop is not available", "exception",
    "a nan, whose identity can be seen",
};

PyObject *polyopt_refusal_text(const struct polyopt_state *state)
{
    const char *const *guards = state->region->guards, *guard = "";
    const char *why = state->why >= 0 && state->why < POLYOPT_WHYS ? why_texts[state->why] : "";
    if (state->guard < 0) Py_RETURN_NONE;
    for (int i = 0; guards && guards[i]; i++)
        if (i == state->guard) guard = guards[i];
    if (state->why == POLYOPT_WHY_GLOBAL)
        return PyUnicode_FromFormat("%s: %s: %s", guard, why, state->globals->module->globals[state->global].name);
    return PyUnicode_FromFormat("%s: %s", guard, why);
}

static PyObject *get_refusal(PyObject *self, void *unused)
{
    (void)unused;
    return polyopt_refusal_text((struct polyopt_state *)self);
}

static PyObject *get_variant(PyObject *self, void *unused)
{
    const struct polyopt_state *state = (struct polyopt_state *)self;
    (void)unused;
    return PyUnicode_FromFormat("cpu %s, %d %s", polyopt_level_names[state->level], (int)state->threads, state->threads == 1 ? "thread" : "threads");
}

static PyObject *get_nanoseconds(PyObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromLongLong(((struct polyopt_state *)self)->nanoseconds);
}

static void free_state(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    Py_XDECREF(((struct polyopt_state *)self)->owner);
    release(self);
    Py_DECREF(type);
}

static PyGetSetDef state_attributes[] = {
    {"refusal", get_refusal, NULL, "which guard failed in the last call, or None", NULL},
    {"variant", get_variant, NULL, "what ran in the last call that ran", NULL},
    {"nanoseconds", get_nanoseconds, NULL, "time in kernels whose results were kept, while it is kept (see time)", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
static PyType_Slot state_slots[] = {
    {Py_tp_dealloc, (void *)free_state},
    {Py_tp_getset, state_attributes},
    {0, NULL},
};
static PyType_Spec state_spec = {"polyopt.Region", sizeof(struct polyopt_state), 0, Py_TPFLAGS_DEFAULT, state_slots};

/* ---- bind ----------------------------------------------------------------------------------------------------------------------------------------- */

static void free_globals(PyObject *capsule)
{
    struct polyopt_globals *globals = PyCapsule_GetPointer(capsule, "polyopt.globals");
    for (int i = 0; i < globals->module->nglobals; i++) {
        Py_XDECREF(globals->slots[i].dict);
        Py_XDECREF(globals->slots[i].key);
        Py_XDECREF(globals->slots[i].expected);
        Py_XDECREF(globals->slots[i].code);
        Py_XDECREF(globals->slots[i].around);
        Py_XDECREF(globals->slots[i].member);
    }
    for (int i = 0; i < polyopt_current->nmodules; i++) {
        Py_XDECREF(globals->homes[i].dict);
        Py_XDECREF(globals->homes[i].code);
    }
    Py_XDECREF(globals->dict);
    Py_XDECREF(globals->builtins);
    PyMem_Free(globals);
}

/* ---- the modules of the extension ---- */

struct polyopt_home *polyopt_bound;

int polyopt_module_number(const char *name)
{
    for (int i = 0; i < polyopt_current->nmodules; i++)
        if (strcmp(polyopt_current->modules[i].name, name) == 0) return i;
    return -1;
}

static void set_home(struct polyopt_home *home, PyObject *dict, PyObject *code)
{
    struct polyopt_home old = *home;
    Py_INCREF(dict);
    Py_XINCREF(code);
    home->dict = dict;
    home->code = code;
    Py_XDECREF(old.dict);
    Py_XDECREF(old.code);
}

static PyObject *make_globals(const struct polyopt_module *module, PyObject *dict, PyObject *code, struct polyopt_globals **out)
{
    PyObject *builtins = PyDict_GetItemString(dict, "__builtins__"), *capsule;
    size_t slots = (size_t)module->nglobals * sizeof(struct polyopt_slot), homes = (size_t)polyopt_current->nmodules * sizeof(struct polyopt_home);
    struct polyopt_globals *globals;
    if (!polyopt_bound && !(polyopt_bound = PyMem_Calloc(1, homes))) return PyErr_NoMemory();
    if (builtins && PyModule_Check(builtins)) builtins = PyModule_GetDict(builtins);
    if (!builtins || !PyDict_Check(builtins)) builtins = PyEval_GetBuiltins();
    globals = PyMem_Calloc(1, sizeof(struct polyopt_globals) + slots + homes);
    if (!globals) return PyErr_NoMemory();
    globals->module = module;
    globals->slots = (struct polyopt_slot *)(globals + 1);
    globals->homes = (struct polyopt_home *)(globals->slots + module->nglobals);
    set_home(&globals->homes[module - polyopt_current->modules], dict, code);
    set_home(&polyopt_bound[module - polyopt_current->modules], dict, code);
    Py_INCREF(dict);
    globals->dict = dict;
    Py_INCREF(builtins);
    globals->builtins = builtins;
    capsule = PyCapsule_New(globals, "polyopt.globals", free_globals);
    if (!capsule) PyMem_Free(globals);
    *out = globals;
    return capsule;
}

static PyObject *make_function(const struct polyopt_region *region, struct polyopt_globals *globals, PyObject *owner)
{
    allocfunc allocate = (allocfunc)PyType_GetSlot(polyopt_kinds.state, Py_tp_alloc);
    struct polyopt_state *state = (struct polyopt_state *)allocate(polyopt_kinds.state, 0);
    PyObject *function;
    if (!state) return NULL;
    state->region = region;
    state->globals = globals;
    Py_INCREF(owner);
    state->owner = owner;
    state->guard = -1;
    state->level = polyopt_level;
    state->threads = 1;
    state->method.ml_name = region->name;
    state->method.ml_meth = (PyCFunction)(void (*)(void))region->entry;
    state->method.ml_flags = METH_FASTCALL;
    function = PyCFunction_NewEx(&state->method, (PyObject *)state, NULL);
    Py_DECREF(state);
    return function;
}

static PyObject *bind_module(const struct polyopt_module *module, PyObject *dict, PyObject *code)
{
    struct polyopt_globals *globals = NULL;
    PyObject *owner = make_globals(module, dict, code, &globals), *bound = owner ? PyModule_New("_polyopt") : NULL;
    for (int i = 0; bound && i < module->nregions; i++) {
        PyObject *function = make_function(&module->regions[i], globals, owner);
        if (!function || PyObject_SetAttrString(bound, module->regions[i].name, function) != 0) Py_CLEAR(bound);
        Py_XDECREF(function);
    }
    Py_XDECREF(owner);
    return bound;
}

static PyObject *bind(PyObject *self, PyObject *args)
{
    PyObject *name, *dict, *signature = NULL, *code = NULL;
    (void)self;
    if (!PyArg_ParseTuple(args, "UO!|OO:bind", &name, &PyDict_Type, &dict, &signature, &code)) return NULL;
    if (signature && !polyopt_signature) {
        Py_INCREF(signature);
        polyopt_signature = signature;
    }
    for (int i = 0; i < polyopt_current->nmodules; i++)
        if (PyUnicode_CompareWithASCIIString(name, polyopt_current->modules[i].name) == 0)
            return bind_module(&polyopt_current->modules[i], dict, code);
    PyErr_Format(PyExc_LookupError, "no regions were built for %U", name);
    return NULL;
}

static PyObject *set_timing(PyObject *self, PyObject *on)
{
    int timing = PyObject_IsTrue(on);
    (void)self;
    if (timing < 0) return NULL;
    polyopt_timing = timing;
    Py_RETURN_NONE;
}

static PyObject *status(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    return Py_BuildValue("{s:s,s:i,s:i,s:L,s:N,s:N}", "level", polyopt_level_names[polyopt_level], "threads", (int)polyopt_pool->threads(), "running",
                         (int)polyopt_pool->running(), "jobs", (long long)polyopt_pool->jobs(), "own_pool",
                         PyBool_FromLong(polyopt_pool == &polyopt_own_pool), "direct_arrays", PyBool_FromLong(polyopt_np.fields));
}

/* ---- the shared pool ---------------------------------------------------------------------------------------------------------------------------------- */

/* In the interpreter's dictionary: first come, first published. A pool of another ABI is left alone, and our own stays private. */
static int share_pool(void)
{
    PyObject *dict = PyInterpreterState_GetDict(PyInterpreterState_Get()), *capsule;
    if (!dict) return 0;
    capsule = PyDict_GetItemString(dict, POLYOPT_POOL_CAPSULE);
    if (capsule && PyCapsule_IsValid(capsule, POLYOPT_POOL_CAPSULE)) {
        const struct polyopt_pool_api *found = PyCapsule_GetPointer(capsule, POLYOPT_POOL_CAPSULE);
        if (found->abi == POLYOPT_ABI && found->size >= (int32_t)sizeof *found) {
            polyopt_pool = found;
            return 0;
        }
    }
    if (polyopt_own_pool.prepare() != 0) {
        PyErr_NoMemory();
        return -1;
    }
    if (capsule) return 0;
    capsule = PyCapsule_New((void *)(uintptr_t)&polyopt_own_pool, POLYOPT_POOL_CAPSULE, NULL);
    if (!capsule || PyDict_SetItemString(dict, POLYOPT_POOL_CAPSULE, capsule) != 0) {
        Py_XDECREF(capsule);
        return -1;
    }
    Py_DECREF(capsule);
    return 0;
}

/* ---- module -------------------------------------------------------------------------------------------------------------------------------------------- */

static int load_kinds(void)
{
    PyObject *types = PyImport_ImportModule("types"), *function = types ? PyObject_GetAttrString(types, "FunctionType") : NULL;
    PyObject *method = types ? PyObject_GetAttrString(types, "MethodType") : NULL;
    PyObject *static_method = PyDict_GetItemString(PyEval_GetBuiltins(), "staticmethod");
    Py_XDECREF(types);
    if (!function || !method) return -1;
    polyopt_kinds.function = (PyTypeObject *)function;
    polyopt_kinds.method = (PyTypeObject *)method;
    Py_XINCREF(static_method);
    polyopt_kinds.static_method = static_method && PyType_Check(static_method) ? (PyTypeObject *)static_method : NULL;
    polyopt_kinds.state = (PyTypeObject *)PyType_FromSpec(&state_spec);
    return polyopt_kinds.state ? 0 : -1;
}

static int prepare(PyObject *module)
{
    static int prepared;
    if (PyInterpreterState_GetID(PyInterpreterState_Get()) != 0) {
        PyErr_SetString(PyExc_ImportError, "polyopt's native extension does not support subinterpreters");
        return -1;
    }
    if (PyModule_AddFunctions(module, polyopt_offload_methods) != 0) return -1;
    if (prepared) return 0;
    polyopt_level = polyopt_cpu_level();
    polyopt_libm_fill(&polyopt_functions.libm);
    if (PYTHON_VERSION >= 0x030C0000) polyopt_functions.libm.sum_error = polyopt_rounding_error;
    if (load_kinds() != 0 || share_pool() != 0) return -1;
    prepared = 1;
    return 0;
}

static PyMethodDef methods[] = {
    {"bind", bind, METH_VARARGS, "bind(module_name, globals, signature=None, code=None): an object with one function per region of the module, whose code object is\n"
     "needed for calls of its functions to be known"},
    {"time", set_timing, METH_O, "time(on): whether the time that kernels take is added up in `nanoseconds` of each region's __self__"},
    {"status", status, METH_NOARGS, "status(): the instruction-set level and the pool, as a dictionary"},
    {NULL, NULL, 0, NULL},
};
static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)prepare}, {0, NULL}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_native", NULL, 0, methods, slots, NULL, NULL, NULL};

PyObject *polyopt_extension_init(const struct polyopt_extension *extension)
{
    polyopt_current = extension;
    return PyModuleDef_Init(&definition);
}
