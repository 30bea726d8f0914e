/* polyopt_attribute.c: see polyopt_attribute.h. */
#include "polyopt_attribute.h"

#include "polyopt_internal.h"

#include <string.h>

/* What a NamedTuple's class has for each field, a type of the interpreter's own (no class of a program is immutable): it answers an item. */
static int is_tuple_field(PyObject *name, PyTypeObject *type)
{
    unsigned long flags = PyType_GetFlags(type);
    return (!(flags & Py_TPFLAGS_HEAPTYPE) || (flags & Py_TPFLAGS_IMMUTABLETYPE)) && PyUnicode_CompareWithASCIIString(name, "_tuplegetter") == 0;
}

/* 1: a slot of the class; 0: not found in its dict; -1: a descriptor that could run code. A plain class attribute counts as not found:
 * it is what an instance without that attribute gives. */
static int descriptor(PyObject *class_, PyObject *key)
{
    PyObject *dict = PyObject_GetAttrString(class_, "__dict__"), *found = NULL;
    int answer = 0;
    if (dict) {
        found = PyObject_GetItem(dict, key);
        if (found) {
            PyTypeObject *type = Py_TYPE(found);
            PyObject *name = PyObject_GetAttrString((PyObject *)type, "__name__");
            if (name && (PyUnicode_CompareWithASCIIString(name, "member_descriptor") == 0 || is_tuple_field(name, type))) answer = 1;
            else if (PyType_GetSlot(type, Py_tp_descr_get)) answer = -1;
            Py_XDECREF(name);
            Py_DECREF(found);
        }
        Py_DECREF(dict);
    }
    PyErr_Clear();
    return answer;
}

/* A class may be given a __getattribute__ or __getattr__ later. */
static int takes_plainly(PyTypeObject *type) { return PyType_GetSlot(type, Py_tp_getattro) == (void *)PyObject_GenericGetAttr; }

static int harmless(PyObject *key, PyTypeObject *type)
{
    PyObject *mro;
    Py_ssize_t n;
    int answer = 1;
    if (!(PyType_GetFlags(type) & Py_TPFLAGS_HEAPTYPE) || !takes_plainly(type)) return 0;
    mro = PyObject_GetAttrString((PyObject *)type, "__mro__");
    if (!mro || !PyTuple_Check(mro)) {
        Py_XDECREF(mro);
        PyErr_Clear();
        return 0;
    }
    n = PyTuple_Size(mro);
    for (Py_ssize_t i = 0; i < n; i++) {
        int found = descriptor(PyTuple_GetItem(mro, i), key);
        if (found < 0) answer = 0;
        if (found) break;
    }
    Py_DECREF(mro);
    return answer;
}

PyObject *polyopt_attribute(struct polyopt_attribute *slot, PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    PyObject *value;
    if (POLYOPT_UNLIKELY(slot->type != (PyObject *)type || !takes_plainly(type))) {
        if (!slot->key && !(slot->key = PyUnicode_InternFromString(slot->name))) {
            PyErr_Clear();
            return NULL;
        }
        if (!harmless(slot->key, type)) return NULL;
        Py_INCREF((PyObject *)type);
        Py_XDECREF(slot->type);
        slot->type = (PyObject *)type;
    }
    value = PyObject_GetAttr(object, slot->key);
    if (!value) PyErr_Clear();
    return value;
}

PyObject *polyopt_settable(struct polyopt_attribute *slot, PyObject *object)
{
    if (PyType_GetSlot(Py_TYPE(object), Py_tp_setattro) != (void *)PyObject_GenericSetAttr || PyTuple_Check(object)) return NULL;
    return polyopt_attribute(slot, object);
}

/* ---- methods ---- */

/* What the class has under a name, as it stands in the first __dict__ along its MRO: a new reference, or NULL. */
static PyObject *class_entry(PyTypeObject *type, PyObject *key)
{
    PyObject *mro = PyObject_GetAttrString((PyObject *)type, "__mro__"), *found = NULL;
    Py_ssize_t n = mro && PyTuple_Check(mro) ? PyTuple_Size(mro) : 0;
    for (Py_ssize_t i = 0; i < n && !found; i++) {
        PyObject *dict = PyObject_GetAttrString(PyTuple_GetItem(mro, i), "__dict__");
        found = dict ? PyObject_GetItem(dict, key) : NULL;
        Py_XDECREF(dict);
        PyErr_Clear();
    }
    Py_XDECREF(mro);
    PyErr_Clear();
    return found;
}

int polyopt_is_plain_class(PyTypeObject *type)
{
    void *generic = PyType_GetSlot(&PyType_Type, Py_tp_getattro);
    PyTypeObject *meta = Py_TYPE((PyObject *)type);
    return (PyType_GetFlags(type) & Py_TPFLAGS_HEAPTYPE) && takes_plainly(type) && PyType_GetSlot(meta, Py_tp_getattro) == generic;
}

static POLYOPT_COLD int learn_method(struct polyopt_attribute *slot, PyTypeObject *type, const struct polyopt_state *state, const char *module,
                                     const char *name, const struct polyopt_global *defaults)
{
    PyObject *entry, *function;
    if (!slot->key && !(slot->key = PyUnicode_InternFromString(slot->name))) {
        PyErr_Clear();
        return 0;
    }
    Py_CLEAR(slot->type);
    Py_CLEAR(slot->function);
    Py_CLEAR(slot->code);
    Py_CLEAR(slot->defaults);
    if (!polyopt_is_plain_class(type) || !(entry = class_entry(type, slot->key))) return 0;
    if (polyopt_kinds.static_method && Py_TYPE(entry) == polyopt_kinds.static_method) function = PyObject_GetAttrString(entry, "__func__");
    else {
        Py_INCREF(entry);
        function = entry;
    }
    Py_DECREF(entry);
    if (defaults && function) slot->defaults = polyopt_defaults(function, defaults, state->globals);
    if (function && polyopt_is_function(function, state->globals, module, name) && (!defaults || slot->defaults)) {
        Py_INCREF((PyObject *)type);
        slot->type = (PyObject *)type;
        slot->function = function;
        slot->code = polyopt_code(function);
        return 1;
    }
    Py_XDECREF(function);
    PyErr_Clear();
    return 0;
}

/* The class still has that function, with that code: no code of the program runs, because it had a function there before. */
static int still(const struct polyopt_attribute *slot, PyTypeObject *type)
{
    PyObject *found, *code;
    int same;
    if (slot->type != (PyObject *)type || !takes_plainly(type)) return 0;
    found = PyObject_GetAttr((PyObject *)type, slot->key);
    if (!found) PyErr_Clear();
    code = found == slot->function ? polyopt_code(found) : NULL;
    same = code && code == slot->code;
    if (same && slot->defaults) {
        PyObject *defaults = polyopt_defaults(found, NULL, NULL);
        same = defaults == slot->defaults;
        Py_XDECREF(defaults);
    }
    Py_XDECREF(found);
    Py_XDECREF(code);
    return same;
}

/* The object gives that function: itself, or bound to the object. */
static int gives(PyObject *object, const struct polyopt_attribute *slot)
{
    static PyObject *function, *self;
    PyObject *value = PyObject_GetAttr(object, slot->key), *inner = NULL, *bound = NULL;
    int same = value == slot->function;
    if (!function) function = PyUnicode_InternFromString("__func__");
    if (!self) self = PyUnicode_InternFromString("__self__");
    if (value && !same && polyopt_kinds.method && Py_TYPE(value) == polyopt_kinds.method && function && self) {
        inner = PyObject_GetAttr(value, function);
        bound = PyObject_GetAttr(value, self);
        same = inner == slot->function && bound == object;
    }
    Py_XDECREF(inner);
    Py_XDECREF(bound);
    Py_XDECREF(value);
    PyErr_Clear();
    return same;
}

int polyopt_method(struct polyopt_attribute *slot, PyObject *object, const struct polyopt_state *state, const char *module, const char *function,
                   const struct polyopt_global *defaults)
{
    PyTypeObject *type = Py_TYPE(object);
    if (POLYOPT_UNLIKELY(!still(slot, type)) && !learn_method(slot, type, state, module, function, defaults)) return POLYOPT_WHY_TYPE;
    return gives(object, slot) ? POLYOPT_WHY_NONE : POLYOPT_WHY_TYPE;
}
