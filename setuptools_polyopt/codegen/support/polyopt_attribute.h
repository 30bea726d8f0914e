/* polyopt_attribute.h: values that a region reads as attributes of an argument, `self.n`.
 *
 * Reading one must have no side effect, since the original reads it at another time or not at all.  So the object's class must take
 * its attributes the ordinary way and have no descriptor of that name (a slot's own descriptor is fine).  That is looked up once per
 * class and remembered. */
#ifndef POLYOPT_ATTRIBUTE_H
#define POLYOPT_ATTRIBUTE_H

#include "polyopt_entry.h"

struct polyopt_attribute {
    const char *name;
    PyObject *key;  /* interned at the first use */
    PyObject *type; /* the class that was found harmless (a reference is kept) */
    PyObject *function, *code, *defaults; /* of a method: what the class has under that name */
};

/* The attribute's value, a new reference; NULL without an exception where it is missing or reading it could run Python code. */
PyObject *polyopt_attribute(struct polyopt_attribute *slot, PyObject *object);
/* The same, if setting the attribute runs no code of the program either. */
PyObject *polyopt_settable(struct polyopt_attribute *slot, PyObject *object);

/* A method that a region holds, `self.smooth`: 0 if the object's class takes its attributes the ordinary way and finds under that name
 * what the `def` of `function` ("Grid.smooth") in `module` made, a plain or a static method, and the object has no attribute that hides it.
 * defaults: what items of its `__defaults__` have to be, ended by one without a name; NULL: none matters. No code of the program runs. Else
 * a polyopt_why. */
int polyopt_method(struct polyopt_attribute *slot, PyObject *object, const struct polyopt_state *state, const char *module, const char *function,
                   const struct polyopt_global *defaults);

#endif
