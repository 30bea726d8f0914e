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
};

/* The attribute's value, a new reference; NULL without an exception where it is missing or reading it could run Python code. */
PyObject *polyopt_attribute(struct polyopt_attribute *slot, PyObject *object);

#endif
