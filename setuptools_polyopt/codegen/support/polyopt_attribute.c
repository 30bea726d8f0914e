/* polyopt_attribute.c: see polyopt_attribute.h. */
#include "polyopt_attribute.h"

#include <string.h>

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
            if (name && PyUnicode_CompareWithASCIIString(name, "member_descriptor") == 0) answer = 1;
            else if (PyType_GetSlot(type, Py_tp_descr_get)) answer = -1;
            Py_XDECREF(name);
            Py_DECREF(found);
        }
        Py_DECREF(dict);
    }
    PyErr_Clear();
    return answer;
}

static int harmless(PyObject *key, PyTypeObject *type)
{
    PyObject *mro;
    Py_ssize_t n;
    int answer = 1;
    if (!(PyType_GetFlags(type) & Py_TPFLAGS_HEAPTYPE)) return 0;
    if (PyType_GetSlot(type, Py_tp_getattro) != (void *)PyObject_GenericGetAttr) return 0;
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
    if (POLYOPT_UNLIKELY(slot->type != (PyObject *)type)) {
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
