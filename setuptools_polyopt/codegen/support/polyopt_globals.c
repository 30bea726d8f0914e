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

/* np.mgrid and np.ogrid, which have no name of their own. */
static int is_grid(PyObject *object, const char *module, const char *name)
{
    PyObject *type = (PyObject *)Py_TYPE(object), *home = PyObject_GetAttrString(type, "__module__");
    const char *kind = strcmp(name, "mgrid") == 0 ? "MGridClass" : strcmp(name, "ogrid") == 0 ? "OGridClass" : NULL;
    int own = kind && same_root(home, module) && attribute_is(type, "__name__", kind);
    Py_XDECREF(home);
    PyErr_Clear();
    return own;
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
    if (!named(object, name)) return is_grid(object, module, name);
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

/* The code object of a function among the constants of a module's code, by its qualified name: "f", "K.f". Borrowed. */
static PyObject *code_named(PyObject *code, const char *name)
{
    PyTypeObject *type = code ? Py_TYPE(code) : NULL;
    while (code && *name) {
        size_t length = strcspn(name, ".");
        PyObject *constants = PyObject_GetAttrString(code, "co_consts"), *found = NULL, *part = PyUnicode_FromStringAndSize(name, (Py_ssize_t)length);
        Py_ssize_t n = constants && PyTuple_Check(constants) ? PyTuple_Size(constants) : 0;
        for (Py_ssize_t i = 0; part && i < n; i++) {
            PyObject *item = PyTuple_GetItem(constants, i), *own = Py_TYPE(item) == type ? PyObject_GetAttrString(item, "co_name") : NULL;
            if (own && PyUnicode_Compare(own, part) == 0) {
                n = found ? 0 : n; /* two of one name: neither */
                found = n ? item : NULL;
            }
            Py_XDECREF(own);
        }
        Py_XDECREF(part);
        Py_XDECREF(constants); /* the code keeps it */
        PyErr_Clear();
        code = found;
        name += length;
        name += *name == '.';
        if (strncmp(name, "<locals>.", 9) == 0) name += 9;
    }
    return code;
}

/* The names and the code of a module of the extension, as they were when they were first asked for; NULL if it has not been bound. */
static const struct polyopt_home *home_named(const struct polyopt_globals *globals, const char *name)
{
    int number = name ? polyopt_module_number(name) : (int)(globals->module - polyopt_current->modules);
    struct polyopt_home *home = number < 0 ? NULL : &globals->homes[number];
    if (home && !home->dict) {
        *home = polyopt_bound[number];
        Py_XINCREF(home->dict);
        Py_XINCREF(home->code);
    }
    return home && home->dict ? home : NULL;
}

PyObject *polyopt_code(PyObject *function)
{
    static PyObject *name;
    PyObject *code = name || (name = PyUnicode_InternFromString("__code__")) ? PyObject_GetAttr(function, name) : NULL;
    if (!code) PyErr_Clear();
    return code;
}

int polyopt_is_function(PyObject *object, const struct polyopt_globals *globals, const char *module, const char *name)
{
    const struct polyopt_home *home = home_named(globals, module);
    PyObject *names, *code, *closure;
    int own;
    if (!is_python_function(object) || !home) return 0;
    names = PyObject_GetAttrString(object, "__globals__");
    closure = PyObject_GetAttrString(object, "__closure__");
    code = polyopt_code(object);
    own = names == home->dict && closure == Py_None && code && code == code_named(home->code, name);
    Py_XDECREF(names);
    Py_XDECREF(closure);
    Py_XDECREF(code);
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
    if (global->kind == POLYOPT_GLOBAL_COMPLEX) {
        double real, imag;
        if (!PyComplex_CheckExact(object)) return 0;
        real = PyComplex_RealAsDouble(object);
        imag = PyComplex_ImagAsDouble(object);
        return memcmp(&real, &global->real, sizeof real) == 0 && memcmp(&imag, &global->integer, sizeof imag) == 0;
    }
    return object == (global->integer ? Py_True : Py_False);
}

static int is_text(PyObject *object, const char *text)
{
    Py_ssize_t length = 0;
    const char *own = PyUnicode_CheckExact(object) ? PyUnicode_AsUTF8AndSize(object, &length) : NULL;
    PyErr_Clear();
    return own && (size_t)length == strlen(text) && memcmp(own, text, (size_t)length) == 0;
}

/* A module of the extension must be the one whose names the other guards look at. */
static int is_home(PyObject *module, const struct polyopt_globals *globals, const char *name)
{
    const struct polyopt_home *home = polyopt_module_number(name) < 0 ? NULL : home_named(globals, name);
    return polyopt_module_number(name) < 0 || (home && PyModule_GetDict(module) == home->dict);
}

/* ---- classes ---- */

static int same_slot(PyTypeObject *type, PyTypeObject *other, int slot) { return PyType_GetSlot(type, slot) == PyType_GetSlot(other, slot); }

/* Making an object of the class, and setting its attributes, run no code but __init__ (or that of a dataclass or NamedTuple). */
static int makes_plainly(PyObject *object, int kind)
{
    PyTypeObject *type = (PyTypeObject *)object;
    if (!PyType_Check(object) || Py_TYPE(object) != &PyType_Type || !polyopt_is_plain_class(type)) return 0;
    if (kind == POLYOPT_CLASS_TUPLE) return 1;
    return same_slot(type, &PyBaseObject_Type, Py_tp_new) && (kind == POLYOPT_CLASS_DATA || same_slot(type, &PyBaseObject_Type, Py_tp_setattro));
}

/* The function of a dataclass or NamedTuple that makes its objects: a new reference, or NULL. */
static PyObject *maker(PyObject *class_, int kind)
{
    static PyObject *names[2];
    const int tuple = kind == POLYOPT_CLASS_TUPLE;
    PyObject *found = NULL;
    if (names[tuple] || (names[tuple] = PyUnicode_InternFromString(tuple ? "__new__" : "__init__"))) found = PyObject_GetAttr(class_, names[tuple]);
    if (!found) PyErr_Clear();
    return found;
}

/* The parameters of that function, made from text by the library, are the fields of `attribute`. */
static int makes_fields(PyObject *class_, const char *fields, int kind)
{
    PyObject *function = maker(class_, kind), *code = function && is_python_function(function) ? polyopt_code(function) : NULL;
    PyObject *names = code ? PyObject_GetAttrString(code, "co_varnames") : NULL, *count = code ? PyObject_GetAttrString(code, "co_argcount") : NULL;
    PyObject *text = PyUnicode_FromString(fields), *parts = text ? PyUnicode_Split(text, NULL, -1) : NULL;
    Py_ssize_t n = parts ? PyList_Size(parts) : -1;
    int same = code && attribute_is(code, "co_filename", "<string>") && names && PyTuple_Check(names) && PyTuple_Size(names) > n;
    same = same && count && PyLong_AsLong(count) == n + 1;
    for (Py_ssize_t k = 0; same && k < n; k++) same = PyUnicode_Compare(PyTuple_GetItem(names, k + 1), PyList_GetItem(parts, k)) == 0;
    Py_XDECREF(function);
    Py_XDECREF(code);
    Py_XDECREF(names);
    Py_XDECREF(count);
    Py_XDECREF(text);
    Py_XDECREF(parts);
    PyErr_Clear();
    return same;
}

static int is_class(PyObject *object, const struct polyopt_global *global)
{
    size_t length = strcspn(global->attribute, " ");
    const char *fields = global->attribute + length + (global->attribute[length] == ' ');
    PyObject *name = PyUnicode_FromStringAndSize(global->attribute, (Py_ssize_t)length), *own;
    int kind = (int)global->integer, same;
    if (!makes_plainly(object, kind) || !attribute_is(object, "__module__", global->module)) {
        Py_XDECREF(name);
        PyErr_Clear();
        return 0;
    }
    own = PyObject_GetAttrString(object, "__qualname__");
    same = own && name && PyUnicode_Check(own) && PyUnicode_Compare(own, name) == 0;
    Py_XDECREF(own);
    Py_XDECREF(name);
    PyErr_Clear();
    return same && (kind == POLYOPT_CLASS_PLAIN || makes_fields(object, fields, kind));
}

static int is_expected(PyObject *object, const struct polyopt_global *global, const struct polyopt_globals *globals)
{
    PyObject *module;
    int own;
    switch ((enum polyopt_global_kind)global->kind) {
    case POLYOPT_GLOBAL_MODULE:
        module = module_named(global->module);
        own = module == object && PyModule_Check(object) && is_home(object, globals, global->module);
        Py_XDECREF(module);
        return own;
    case POLYOPT_GLOBAL_ATTRIBUTE: return is_own(object, global->module, global->name);
    case POLYOPT_GLOBAL_OBJECT: return is_own(object, global->module, global->attribute);
    case POLYOPT_GLOBAL_BUILTIN: return is_own(object, "builtins", global->name);
    case POLYOPT_GLOBAL_FUNCTION: return polyopt_is_function(object, globals, global->module, global->attribute);
    case POLYOPT_GLOBAL_STR: return is_text(object, global->attribute);
    case POLYOPT_GLOBAL_INT:
    case POLYOPT_GLOBAL_FLOAT:
    case POLYOPT_GLOBAL_COMPLEX:
    case POLYOPT_GLOBAL_BOOL: return is_number(object, global);
    case POLYOPT_GLOBAL_NONE: return object == Py_None;
    case POLYOPT_GLOBAL_CLASS: return is_class(object, global);
    case POLYOPT_GLOBAL_ANY: return 1;
    }
    return 0;
}

/* An item of a function's `__defaults__`. */
static int is_default(PyObject *defaults, const struct polyopt_global *global, const struct polyopt_globals *globals)
{
    return PyTuple_Check(defaults) && PyTuple_Size(defaults) >= global->place &&
           is_expected(PyTuple_GetItem(defaults, global->place - 1), global, globals);
}

/* The names of a module: the extension's own by its home, another one as it is in sys.modules. Borrowed; NULL: not imported here. */
static PyObject *names_of(const struct polyopt_globals *globals, const char *name)
{
    const struct polyopt_home *home = !name || polyopt_module_number(name) >= 0 ? home_named(globals, name) : NULL;
    PyObject *module, *dict;
    if (!name || polyopt_module_number(name) >= 0) return home ? home->dict : NULL;
    module = module_named(name);
    dict = module && PyModule_Check(module) ? PyModule_GetDict(module) : NULL;
    Py_XDECREF(module); /* sys.modules keeps it */
    return dict;
}

/* Finds where the name lives: the user's module, the builtins, another module. */
static int find_home(const struct polyopt_globals *globals, const struct polyopt_global *global, struct polyopt_slot *slot)
{
    PyObject *names = names_of(globals, global->kind == POLYOPT_GLOBAL_ATTRIBUTE ? global->module : global->home);
    PyObject *dict = global->kind == POLYOPT_GLOBAL_BUILTIN ? globals->builtins : names;
    if (!slot->key) slot->key = PyUnicode_InternFromString(global->name);
    if (global->member && !slot->member) slot->member = PyUnicode_InternFromString(global->member);
    if (!names || !slot->key || (global->member && !slot->member)) {
        PyErr_Clear();
        return 0;
    }
    Py_INCREF(dict);
    slot->dict = dict;
    if (global->kind == POLYOPT_GLOBAL_BUILTIN) {
        Py_INCREF(names);
        slot->around = names;
    }
    return 1;
}

PyObject *polyopt_defaults(PyObject *function, const struct polyopt_global *expected, const struct polyopt_globals *globals)
{
    static PyObject *name;
    PyObject *defaults = NULL;
    if (is_python_function(function) && (name || (name = PyUnicode_InternFromString("__defaults__"))))
        defaults = PyObject_GetAttr(function, name);
    if (!defaults) PyErr_Clear();
    for (; defaults && expected && expected->name; expected++)
        if (!is_default(defaults, expected, globals)) Py_CLEAR(defaults);
    return defaults;
}

/* Verifies an object, and remembers it. */
static int verified(struct polyopt_globals *globals, const struct polyopt_global *global, struct polyopt_slot *slot, PyObject *object)
{
    PyObject *old;
    if (!(global->place ? is_default(object, global, globals) : is_expected(object, global, globals))) return 0;
    if (global->kind == POLYOPT_GLOBAL_FUNCTION) {
        Py_XDECREF(slot->code);
        slot->code = polyopt_code(object);
    }
    if (global->kind == POLYOPT_GLOBAL_CLASS && global->integer != POLYOPT_CLASS_PLAIN) {
        Py_XDECREF(slot->code);
        slot->code = maker(object, (int)global->integer);
    }
    Py_INCREF(object);
    old = slot->expected;
    slot->expected = object;
    Py_XDECREF(old);
    return 1;
}

/* An attribute of a class, as Python finds it; a new reference. NULL: none, or the class's class may have ways of its own. */
static PyObject *member_of(PyObject *owner, PyObject *name)
{
    PyObject *value = Py_TYPE(owner) == &PyType_Type ? PyObject_GetAttr(owner, name) : NULL;
    if (!value) PyErr_Clear();
    return value;
}

static POLYOPT_COLD int verify(struct polyopt_globals *globals, int index)
{
    struct polyopt_slot *slot = &globals->slots[index];
    const struct polyopt_global *global = &globals->module->globals[index];
    PyObject *object;
    int ok;
    if (!slot->dict && !find_home(globals, global, slot)) return 0;
    object = PyDict_GetItemWithError(slot->dict, slot->key);
    if (!object) {
        PyErr_Clear();
        return 0;
    }
    Py_INCREF(object); /* verification runs Python code */
    if (slot->member) {
        PyObject *owner = object;
        object = member_of(owner, slot->member);
        Py_DECREF(owner);
        if (!object) return 0;
    }
    if (global->place) {
        PyObject *defaults = polyopt_defaults(object, NULL, NULL);
        Py_DECREF(object);
        if (!defaults) return 0;
        object = defaults;
    }
    ok = verified(globals, global, slot, object);
    Py_DECREF(object);
    return ok;
}

/* A function is compared by its code as well, a default by the tuple that holds it: both can be assigned to. */
static int unchanged(const struct polyopt_global *global, const struct polyopt_slot *slot, PyObject *object)
{
    PyObject *part;
    if (global->kind == POLYOPT_GLOBAL_CLASS) {
        if (object != slot->expected || !makes_plainly(object, (int)global->integer)) return 0;
        part = slot->code ? maker(object, (int)global->integer) : NULL;
        Py_XDECREF(part); /* the class keeps it */
        return part == slot->code;
    }
    if (POLYOPT_LIKELY(!global->place && global->kind != POLYOPT_GLOBAL_FUNCTION)) return object == slot->expected;
    if (!global->place && object != slot->expected) return 0;
    part = global->place ? polyopt_defaults(object, NULL, NULL) : polyopt_code(object);
    Py_XDECREF(part); /* the function keeps it */
    return part && part == (global->place ? slot->expected : slot->code);
}

/* Whether the attribute of a class is what it was, or something that is as good. */
static int member_ok(struct polyopt_globals *globals, int index, PyObject *owner)
{
    PyObject *value = member_of(owner, globals->slots[index].member);
    int ok = value && (unchanged(&globals->module->globals[index], &globals->slots[index], value) || verify(globals, index));
    Py_XDECREF(value);
    return ok;
}

int polyopt_globals_ok(struct polyopt_state *state, int first, int count)
{
    struct polyopt_globals *globals = state->globals;
    for (int i = first; i < first + count; i++) {
        struct polyopt_slot *slot = &globals->slots[i];
        PyObject *object = slot->expected ? PyDict_GetItemWithError(slot->dict, slot->key) : NULL;
        int ok = object ? (slot->member ? member_ok(globals, i, object)
                                        : unchanged(&globals->module->globals[i], slot, object) || verify(globals, i))
                        : (PyErr_Clear(), !slot->expected && verify(globals, i));
        if (ok && slot->around) ok = !PyDict_GetItemWithError(slot->around, slot->key);
        if (!ok) {
            state->global = i;
            return 0;
        }
    }
    return 1;
}
