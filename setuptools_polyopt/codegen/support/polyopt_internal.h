/* polyopt_internal.h: shared by the Python side of the support code. */
#ifndef POLYOPT_INTERNAL_H
#define POLYOPT_INTERNAL_H

#include "polyopt_numpy.h"

#if defined(__GNUC__) || defined(__clang__)
#pragma GCC visibility push(hidden)
#endif

struct polyopt_kinds { PyTypeObject *function, *state; };
extern struct polyopt_kinds polyopt_kinds;

/* The text of a state's last refusal, or None: a new reference. */
PyObject *polyopt_refusal_text(const struct polyopt_state *state);

/* The level of the kernels in use: looked up once, when the extension is loaded. */
extern int32_t polyopt_level;
extern const char *const polyopt_level_names[POLYOPT_LEVELS];

#if defined(__GNUC__) || defined(__clang__)
#pragma GCC visibility pop
#endif
#endif
