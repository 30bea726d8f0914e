/* polyopt_raise.c: see polyopt_raise.h. */
#include "polyopt_raise.h"

/* NumPy 2 keeps errstate in a context variable: while its value is the same object, so is the answer. */
static PyObject *get_errstate, *filters_holder, *filters_key, *seen;
static int seen_answer, prepared;

static int ask_numpy(void)
{
    static const char *const names[] = {"divide", "over", "under", "invalid"};
    PyObject *numpy = PyImport_ImportModule("numpy"), *state = NULL;
    int answer = 0;
    if (numpy) state = PyObject_CallMethod(numpy, "geterr", NULL);
    for (int k = 0; k < 4 && !answer; k++) {
        PyObject *how = state ? PyDict_GetItemString(state, names[k]) : NULL;
        answer = !how || (PyUnicode_CompareWithASCIIString(how, "ignore") && PyUnicode_CompareWithASCIIString(how, "warn"));
    }
    Py_XDECREF(state);
    Py_XDECREF(numpy);
    PyErr_Clear();
    return answer;
}

static int errstate_raises(void)
{
    PyObject *now = get_errstate ? PyObject_CallNoArgs(get_errstate) : NULL;
    int answer;
    if (now && now == seen) {
        Py_DECREF(now);
        return seen_answer;
    }
    PyErr_Clear();
    answer = ask_numpy();
    if (now) {
        Py_XDECREF(seen);
        seen = now;
        seen_answer = answer;
    }
    return answer;
}

static int filters_raise(void)
{
    PyObject *filters = filters_holder ? PyObject_GetAttr(filters_holder, filters_key) : NULL;
    int answer = !filters || !PyList_Check(filters);
    Py_ssize_t n = answer ? 0 : PyList_Size(filters);
    for (Py_ssize_t i = 0; i < n && !answer; i++) {
        PyObject *entry = PyList_GetItem(filters, i), *action = entry && PyTuple_Check(entry) ? PyTuple_GetItem(entry, 0) : NULL;
        if (!action || !PyUnicode_Check(action)) answer = 1;
        else if (PyUnicode_GetLength(action) == 5) answer = PyUnicode_CompareWithASCIIString(action, "error") == 0;
    }
    Py_XDECREF(filters);
    PyErr_Clear();
    return answer;
}

static void prepare(void)
{
    PyObject *umath = PyImport_ImportModule("numpy._core.umath"), *variable = NULL;
    PyErr_Clear();
    if (umath) variable = PyObject_GetAttrString(umath, "_extobj_contextvar");
    if (variable) get_errstate = PyObject_GetAttrString(variable, "get");
    PyErr_Clear();
    filters_key = PyUnicode_InternFromString("filters");
    if (filters_key) filters_holder = PyImport_ImportModule("warnings");
    PyErr_Clear();
    Py_XDECREF(variable);
    Py_XDECREF(umath);
    prepared = 1;
}

int polyopt_flags_raise(void)
{
    if (POLYOPT_UNLIKELY(!prepared)) prepare();
    return errstate_raises() || filters_raise();
}
