/* polyopt_globals.c: does a name of the user's module still stand for what it stood for at build time?
 *
 * On every call an object is compared by identity with the one that was verified last. A new object (the first call, or somebody
 * assigned to the name) is verified by its kind, so that a monkeypatched function fails the guard and the restored one passes again.
 */
#include "polyopt_internal.h"

#include <string.h>

static PyObject *module_named(const char *name)
{
    PyObject *text = PyUnicode_InternFromString(name), *module = text ? PyImport_GetModule(text) : NULL;
    Py_XDECREF(text);
    PyErr_Clear();
    return module;
}

/* object.name is the text; no attribute is "no". */
static int attribute_is(PyObject *object, const char *name, const char *text)
{
    PyObject *value = PyObject_GetAttrString(object, name);
    int same = value && PyUnicode_Check(value) && PyUnicode_CompareWithASCIIString(value, text) == 0;
    Py_XDECREF(value);
    PyErr_Clear();
    return same;
}

/* The names that NumPy gives to objects it offers under several. */
static int named(PyObject *object, const char *name)
{
    static const char *const alias[][2] = {
        {"abs", "absolute"}, {"conj", "conjugate"}, {"mod", "remainder"}, {"true_divide", "divide"}, {"max", "amax"}, {"min", "amin"},
        {"amax", "max"}, {"amin", "min"}, {"bool", "bool_"}, {"bool_", "bool"}, {"round", "round_"}, {"round", "around"}, {"around", "round"},
        {"round_", "around"}, {"acos", "arccos"}, {"acosh", "arccosh"}, {"asin", "arcsin"}, {"asinh", "arcsinh"}, {"atan", "arctan"},
        {"atan2", "arctan2"}, {"atanh", "arctanh"}, {"pow", "power"}, {"bitwise_not", "invert"}, {"bitwise_invert", "invert"},
        {"bitwise_left_shift", "left_shift"}, {"bitwise_right_shift", "right_shift"}, {"concat", "concatenate"},
        {"permute_dims", "transpose"}, {"float_", "float64"}, {"complex_", "complex128"}, {"int_", "int64"}, {"intp", "int64"},
        {"intc", "int32"}, {"double", "float64"}, {"single", "float32"}, {"cdouble", "complex128"}, {"csingle", "complex64"},
        {"fabs", "fabs"}, {"product", "prod"},
    };
    if (attribute_is(object, "__name__", name)) return 1;
    for (size_t i = 0; i < sizeof alias / sizeof *alias; i++)
        if (strcmp(alias[i][0], name) == 0 && attribute_is(object, "__name__", alias[i][1])) return 1;
    return 0;
}

/* The first component of the text is that of the module's name: numpy and numpy._core.umath. */
static int same_root(PyObject *text, const char *module)
{
    size_t root = strcspn(module, ".");
    const char *other = text && PyUnicode_Check(text) ? PyUnicode_AsUTF8AndSize(text, NULL) : NULL;
    PyErr_Clear();
    return other && strncmp(other, module, root) == 0 && (other[root] == '\0' || other[root] == '.');
}

static int is_python_function(PyObject *object) { return polyopt_kinds.function && Py_TYPE(object) == polyopt_kinds.function; }

/* A constant of numpy or math, by its value. */
static int is_constant(PyObject *object, const char *name)
{
    static const struct { const char *name; double value; } constants[] = {
        {"pi", 3.141592653589793}, {"e", 2.718281828459045}, {"tau", 6.283185307179586}, {"euler_gamma", 0.5772156649015329},
    };
    double value = PyFloat_AsDouble(object);
    if (strcmp(name, "nan") == 0) return value != value;
    if (strcmp(name, "inf") == 0) return value == (double)INFINITY;
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++)
        if (strcmp(constants[i].name, name) == 0) return constants[i].value == value;
    return 0;
}

/* The object is what `module` itself offers under `name`, not something that was put there. */
static int is_own(PyObject *object, const char *module, const char *name)
{
    PyObject *home;
    int own;
    if (object == Py_None) return strcmp(name, "newaxis") == 0;
    if (PyFloat_CheckExact(object)) return is_constant(object, name);
    if (PyModule_Check(object)) {
        PyObject *full = PyUnicode_FromFormat("%s.%s", module, name), *found = full ? PyImport_GetModule(full) : NULL;
        own = found == object;
        Py_XDECREF(full);
        Py_XDECREF(found);
        PyErr_Clear();
        return own;
    }
    if (!named(object, name)) return 0;
    if (is_python_function(object)) { /* functools.wraps copies __module__, but not the globals */
        PyObject *globals = PyObject_GetAttrString(object, "__globals__");
        home = globals ? PyDict_GetItemString(globals, "__name__") : NULL;
        own = same_root(home, module);
        Py_XDECREF(globals);
    }
    else {
        home = PyObject_GetAttrString(object, "__module__");
        if (!home) { /* ufuncs of NumPy 1 have none */
            PyErr_Clear();
            home = PyObject_GetAttrString((PyObject *)Py_TYPE(object), "__module__");
        }
        own = same_root(home, module);
        Py_XDECREF(home);
    }
    PyErr_Clear();
    return own;
}

static int is_function(PyObject *object, const struct polyopt_global *global, PyObject *dict)
{
    PyObject *globals, *code = NULL, *line = NULL, *closure = NULL, *home = NULL;
    int own = 0;
    if (!is_python_function(object)) return 0;
    if (global->module) {
        PyObject *module = module_named(global->module);
        home = module && PyModule_Check(module) ? PyModule_GetDict(module) : NULL;
        Py_XDECREF(module); /* sys.modules keeps it */
    }
    else home = dict;
    globals = PyObject_GetAttrString(object, "__globals__");
    if (globals && globals == home) code = PyObject_GetAttrString(object, "__code__");
    if (code) line = PyObject_GetAttrString(code, "co_firstlineno");
    if (line) closure = PyObject_GetAttrString(object, "__closure__");
    if (closure)
        own = closure == Py_None && PyLong_AsLongLong(line) == global->integer &&
              attribute_is(code, "co_name", global->attribute ? global->attribute : global->name);
    Py_XDECREF(globals);
    Py_XDECREF(code);
    Py_XDECREF(line);
    Py_XDECREF(closure);
    PyErr_Clear();
    return own;
}

static int is_number(PyObject *object, const struct polyopt_global *global)
{
    if (global->kind == POLYOPT_GLOBAL_INT) {
        int overflow;
        return PyLong_CheckExact(object) && PyLong_AsLongLongAndOverflow(object, &overflow) == global->integer && !overflow;
    }
    if (global->kind == POLYOPT_GLOBAL_FLOAT) {
        double value;
        if (!PyFloat_CheckExact(object)) return 0;
        value = PyFloat_AsDouble(object);
        return memcmp(&value, &global->real, sizeof value) == 0;
    }
    return object == (global->integer ? Py_True : Py_False);
}

static int is_expected(PyObject *object, const struct polyopt_global *global, PyObject *dict)
{
    PyObject *module;
    int own;
    switch ((enum polyopt_global_kind)global->kind) {
    case POLYOPT_GLOBAL_MODULE:
        module = module_named(global->module);
        own = module == object && PyModule_Check(object);
        Py_XDECREF(module);
        return own;
    case POLYOPT_GLOBAL_ATTRIBUTE: return is_own(object, global->module, global->name);
    case POLYOPT_GLOBAL_OBJECT: return is_own(object, global->module, global->attribute);
    case POLYOPT_GLOBAL_BUILTIN: return is_own(object, "builtins", global->name);
    case POLYOPT_GLOBAL_FUNCTION: return is_function(object, global, dict);
    case POLYOPT_GLOBAL_INT:
    case POLYOPT_GLOBAL_FLOAT:
    case POLYOPT_GLOBAL_BOOL: return is_number(object, global);
    case POLYOPT_GLOBAL_NONE: return object == Py_None;
    }
    return 0;
}

/* The dictionary in which the name lives: the user's module's, the builtins', another module's (not imported here: NULL). */
static PyObject *home_of(const struct polyopt_globals *globals, const struct polyopt_global *global)
{
    PyObject *module, *dict;
    if (global->kind == POLYOPT_GLOBAL_BUILTIN) return globals->builtins;
    if (global->kind != POLYOPT_GLOBAL_ATTRIBUTE) return globals->dict;
    module = module_named(global->module);
    dict = module && PyModule_Check(module) ? PyModule_GetDict(module) : NULL;
    Py_XDECREF(module);
    return dict;
}

static POLYOPT_COLD int verify(struct polyopt_globals *globals, int index)
{
    struct polyopt_slot *slot = &globals->slots[index];
    const struct polyopt_global *global = &globals->module->globals[index];
    PyObject *object;
    if (!slot->dict) {
        PyObject *dict = home_of(globals, global);
        if (!slot->key) slot->key = PyUnicode_InternFromString(global->name);
        if (!dict || !slot->key) {
            PyErr_Clear();
            return 0;
        }
        Py_INCREF(dict);
        slot->dict = dict;
    }
    object = PyDict_GetItemWithError(slot->dict, slot->key);
    if (!object) {
        PyErr_Clear();
        return 0;
    }
    Py_INCREF(object); /* verification runs Python code */
    if (!is_expected(object, global, globals->dict)) {
        Py_DECREF(object);
        return 0;
    }
    PyObject *old = slot->expected;
    slot->expected = object;
    Py_XDECREF(old);
    return 1;
}

int polyopt_globals_ok(struct polyopt_state *state, int first, int count)
{
    struct polyopt_globals *globals = state->globals;
    for (int i = first; i < first + count; i++) {
        struct polyopt_slot *slot = &globals->slots[i];
        PyObject *object = slot->expected ? PyDict_GetItemWithError(slot->dict, slot->key) : NULL;
        int ok = object ? object == slot->expected || verify(globals, i) : (PyErr_Clear(), !slot->expected && verify(globals, i));
        if (ok && globals->module->globals[i].kind == POLYOPT_GLOBAL_BUILTIN) ok = !PyDict_GetItemWithError(globals->dict, slot->key);
        if (!ok) {
            state->global = i;
            return 0;
        }
    }
    return 1;
}
