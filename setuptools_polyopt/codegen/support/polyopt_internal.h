/* polyopt_internal.h: shared by the Python side of the support code. */
#ifndef POLYOPT_INTERNAL_H
#define POLYOPT_INTERNAL_H

#include "polyopt_numpy.h"

#if defined(__GNUC__) || defined(__clang__)
#pragma GCC visibility push(hidden)
#endif

struct polyopt_kinds { PyTypeObject *function, *method, *static_method, *state; };
extern struct polyopt_kinds polyopt_kinds;

/* The modules of the extension that were bound last, one a module; dict NULL: not bound. */
extern struct polyopt_home *polyopt_bound;
/* The number of a module in the extension's table, -1 if it is not there. */
int polyopt_module_number(const char *name);

/* Whether an object is the function that the `def` of `name` ("f", "K.f") in a module (NULL: the user's) makes. */
int polyopt_is_function(PyObject *object, const struct polyopt_globals *globals, const char *module, const char *name);
/* A class whose objects give their attributes plainly. */
int polyopt_is_plain_class(PyTypeObject *type);
/* A function's code: a new reference, or NULL. */
PyObject *polyopt_code(PyObject *function);
/* A function's `__defaults__`: a new reference, NULL if there are none or they are not as expected (NULL: anything goes). */
PyObject *polyopt_defaults(PyObject *function, const struct polyopt_global *expected, const struct polyopt_globals *globals);

/* The text of a state's last refusal, or None: a new reference. */
PyObject *polyopt_refusal_text(const struct polyopt_state *state);

/* The level of the kernels in use: looked up once, when the extension is loaded. */
extern int32_t polyopt_level;
extern const char *const polyopt_level_names[POLYOPT_LEVELS];

/* ---- running (polyopt_run.c) ---- */

/* The context of a call, without a region's state. */
void polyopt_begin_context(struct polyopt_call *call);
/* The kernel of the machine's level, and that level; NULL where it cannot run. */
polyopt_kernel polyopt_kernel_of(const struct polyopt_kernel_spec *spec, int32_t *level);
/* Without the GIL, with signals looked for; answers the status, and the flags in the call. */
int32_t polyopt_run_released(struct polyopt_call *call, polyopt_kernel kernel, const void *args, int32_t threads);
/* Counts a run that was given up; answers why. */
int polyopt_given_up(struct polyopt_state *state, int why);

/* ---- undo (polyopt_undo.c) ---- */

/* Notes go where nobody reads them. */
void polyopt_log_idle(struct polyopt_ctx *ctx);
/* A copy of all that is logged, and no notes from here on: the run may write it in other ways. 0 or POLYOPT_WHY_MEMORY. */
int polyopt_log_copy(struct polyopt_call *call);

/* ---- elsewhere (polyopt_offload.c) ---- */

enum { POLYOPT_NOT_OFFLOADED = -1 };
/* From this much work on the hook is asked. */
extern double polyopt_offload_work;
extern int32_t polyopt_timing; /* whether the time that kernels take is kept, for POLYOPT_TRACE */
/* Asks the hook: a status as of a kernel, with call->fpflags or call->raised set, or POLYOPT_NOT_OFFLOADED. */
int32_t polyopt_offload(struct polyopt_call *call, const struct polyopt_kernel_spec *spec, const void *args, PyObject *const *arrays,
                        int narrays, double work);
extern PyMethodDef polyopt_offload_methods[];

#if defined(__GNUC__) || defined(__clang__)
#pragma GCC visibility pop
#endif
#endif
