/* polyopt_entry.h: what an entry point may use.
 *
 * An entry point is the C function behind `_polyopt.heat_0(A, B, n)`: it takes the arguments, proves the guard, runs a kernel without
 * the GIL and answers a tuple of the region's outputs, or None (polyopt_refuse) with every argument as it was.  Nothing here leaves a
 * Python exception behind unless it says so.  Compiled with Py_LIMITED_API=0x030B0000 from CPython 3.11 on, with the plain API on 3.10.
 *
 *     static PyObject *enter_axpy_0(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
 *     {
 *         struct polyopt_call call;
 *         struct polyopt_array x, y;
 *         struct axpy_0_args k;
 *         PyObject *result = NULL;
 *         int why;
 *         x.held = y.held = 0;
 *         polyopt_begin(&call, self);
 *         if (nargs != 3) POLYOPT_REFUSE(G_COUNT, POLYOPT_WHY_COUNT);
 *         if (!polyopt_globals_ok(call.state, 0, 2)) POLYOPT_REFUSE(G_GLOBALS, POLYOPT_WHY_GLOBAL);
 *         if ((why = polyopt_take_float(args[0], &k.a))) POLYOPT_REFUSE(G_A, why);
 *         if ((why = polyopt_take_array(args[1], &x, POLYOPT_F64, 1, 0))) POLYOPT_REFUSE(G_X, why);
 *         if ((why = polyopt_take_array(args[2], &y, POLYOPT_F64, 1, POLYOPT_WRITABLE))) POLYOPT_REFUSE(G_Y, why);
 *         ...  sizes, bounds, overlap; fill k; polyopt_save for class undo ...
 *         if ((why = polyopt_run(&call, &axpy_0, &k, arrays, 2, work))) { polyopt_restore(&saved); POLYOPT_REFUSE(G_RUN, why); }
 *         result = polyopt_pack(0);
 *     done:
 *         polyopt_drop(&x); polyopt_drop(&y);
 *         polyopt_end(&call);
 *         return result;
 *     }
 */
#ifndef POLYOPT_ENTRY_H
#define POLYOPT_ENTRY_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "polyopt.h"
#include "polyopt_pool.h"

#if defined(__GNUC__) || defined(__clang__)
#pragma GCC visibility push(hidden)
#endif

/* ---- dtypes ------------------------------------------------------------------------------------------------------------------- */

enum polyopt_dtype {
    POLYOPT_BOOL, POLYOPT_I8, POLYOPT_I16, POLYOPT_I32, POLYOPT_I64, POLYOPT_U8, POLYOPT_U16, POLYOPT_U32, POLYOPT_U64,
    POLYOPT_F32, POLYOPT_F64, POLYOPT_C64, POLYOPT_C128, POLYOPT_DTYPES
};

/* ---- why a guard failed: the second half of a failure's text ---------------------------------------------------------------------- */

enum polyopt_why {
    POLYOPT_WHY_NONE, POLYOPT_WHY_COUNT, POLYOPT_WHY_TYPE, POLYOPT_WHY_DTYPE, POLYOPT_WHY_RANK, POLYOPT_WHY_ALIGNMENT,
    POLYOPT_WHY_READONLY, POLYOPT_WHY_STRIDES, POLYOPT_WHY_SELF_OVERLAP, POLYOPT_WHY_RANGE, POLYOPT_WHY_CONDITION, POLYOPT_WHY_OVERLAP,
    POLYOPT_WHY_LAYOUT, POLYOPT_WHY_EXTENT, POLYOPT_WHY_GLOBAL, POLYOPT_WHY_MEMORY, POLYOPT_WHY_KERNEL, POLYOPT_WHY_FLAGS,
    POLYOPT_WHY_SMALL, POLYOPT_WHY_REST, POLYOPT_WHY_LOOP, POLYOPT_WHY_EXCEPTION, POLYOPT_WHY_NAN, POLYOPT_WHYS
};

/* ---- tables that the generator writes ------------------------------------------------------------------------------------------ */

/* What a name of the user's module must stand for. Checked on every call by identity; a new object is verified again. */
enum polyopt_global_kind {
    POLYOPT_GLOBAL_MODULE,    /* global `name` is the module `module`                        import numpy as np     */
    POLYOPT_GLOBAL_ATTRIBUTE, /* attribute `name` of the module `module` is its own          np.sqrt; np.linalg     */
    POLYOPT_GLOBAL_OBJECT,    /* global `name` is the attribute `attribute` of `module`      from math import sqrt  */
    POLYOPT_GLOBAL_BUILTIN,   /* `name` is not a global, and is the original in builtins     range, len             */
    POLYOPT_GLOBAL_FUNCTION,  /* global `name` is the function that the `def` statement of `attribute` (its qualified name) in `module`
                                 (NULL: the user's) makes: of the very code in the module's code, in the module's names, no closure */
    POLYOPT_GLOBAL_INT,       /* global `name` is exactly the int `integer` ... */
    POLYOPT_GLOBAL_FLOAT,     /* ... the float `real`, same bits ... */
    POLYOPT_GLOBAL_BOOL,      /* ... the bool `integer` ... */
    POLYOPT_GLOBAL_STR,       /* ... the str `attribute` ... */
    POLYOPT_GLOBAL_COMPLEX,   /* ... the complex of `real` and of the double with the bits of `integer` ... */
    POLYOPT_GLOBAL_NONE,      /* ... None */
    POLYOPT_GLOBAL_CLASS,     /* global `name` is the class `attribute` of `module`, by their names, with nothing in the way of making objects
                                 and of setting their attributes (integer: a polyopt_class_kind) */
    POLYOPT_GLOBAL_ANY        /* global `name` is there: an input of the region (polyopt_global_value) */
};
/* PLAIN: what __init__ is, is another guard's matter. DATA: a dataclass, TUPLE: a typing.NamedTuple, made by the library from the fields
 * that stand behind the class in `attribute`: "State x y". */
enum polyopt_class_kind { POLYOPT_CLASS_PLAIN, POLYOPT_CLASS_DATA, POLYOPT_CLASS_TUPLE };
/* home: the module among whose names `name` is looked up (NULL: the user's). place: k + 1 where not global `name` is meant, but item k of
 * its `__defaults__`. */
struct polyopt_global {
    int32_t kind;
    const char *name, *module, *attribute;
    int64_t integer;
    double real;
    const char *home;
    int32_t place;
    const char *member; /* the name stands for a class, and this one of its attributes is meant; NULL: the object itself is */
};

/* A NumPy inner loop by the ufunc's name and its types in NumPy's short notation: {"exp", "f8->f8", 1}, {"square", "c16->c16", 0}.
 * strided: whether kernels run it on operands with gaps between their elements. */
struct polyopt_loop_spec { const char *ufunc, *types; int strided; };

typedef PyObject *(*polyopt_entry)(PyObject *self, PyObject *const *args, Py_ssize_t nargs);

struct polyopt_region {
    const char *name;          /* attribute of the object that bind returns: "heat_0" */
    polyopt_entry entry;
    const char *const *guards; /* text of each guard number, for POLYOPT_TRACE; NULL ends it */
};
/* A kernel: what entry points run, and what `_native.run` and the hook of `_native.offload` call by its symbol. */
typedef int32_t (*polyopt_kernel)(const void *args, struct polyopt_ctx *ctx);
struct polyopt_kernel_spec {
    const char *symbol;
    const polyopt_kernel *levels; /* by POLYOPT_LEVEL_*, NULL where not built */
    size_t size;                  /* of its struct of arguments */
    const int32_t *loops;         /* indexes of NumPy's inner loops that it needs, -1 ends it; NULL for none. One missing: it never runs. */
    uint32_t flags;               /* POLYOPT_FP_* bits which matter */
};
struct polyopt_module {
    const char *name; /* "pkg.mod" */
    const struct polyopt_region *regions;
    int32_t nregions;
    const struct polyopt_global *globals;
    int32_t nglobals;
};
struct polyopt_extension {
    const char *name; /* "pkg._polyopt._native" */
    const struct polyopt_module *modules;
    int32_t nmodules;
    const struct polyopt_loop_spec *loops;
    int32_t nloops;
    const struct polyopt_kernel_spec *const *kernels; /* all that can be run by name */
    int32_t nkernels;
    const char *facts; /* what `facts.signature()` of the wheel's runtime answered at build time; NULL: not compared */
};

/* PyMODINIT_FUNC PyInit__native(void) { return polyopt_extension_init(&extension); } */
PyObject *polyopt_extension_init(const struct polyopt_extension *extension);

/* ---- a region's state: `self` of its function ------------------------------------------------------------------------------------ */

/* expected: the object that was verified last (NULL and key set: none yet), `__defaults__` where those are meant; code: of a function.
 * around: the names of the module that must not hide a builtin; member: the attribute of a class that is meant. */
struct polyopt_slot { PyObject *dict, *key, *expected, *code, *around, *member; };

/* A module of the extension as the user's module knows it: its names and its code, the same ones as long as the process lives. */
struct polyopt_home { PyObject *dict, *code; };

struct polyopt_globals {
    const struct polyopt_module *module;
    PyObject *dict, *builtins; /* the user module's, the interpreter's */
    struct polyopt_slot *slots;
    struct polyopt_home *homes; /* one a module of the extension; dict NULL: not asked for yet */
};

struct polyopt_state {
    PyObject_HEAD
    const struct polyopt_region *region;
    struct polyopt_globals *globals;
    PyObject *owner;      /* keeps globals alive */
    PyMethodDef method;
    int32_t guard, why, global; /* of the last refusal; guard -1: the last call ran */
    int32_t level, threads;     /* of the last run */
    int32_t unpaid;             /* calls for which lists are not copied on trial (polyopt_lists_try) */
    int32_t strikes, rest;      /* runs given up in a row; calls for which the region is left to the original */
    int64_t nanoseconds;        /* in kernels whose results were kept, since polyopt_timing was set */
};

/* Records the guard and answers None. */
PyObject *polyopt_refuse(struct polyopt_state *state, int guard, int why);
/* The end of an entry point that no variant took: like polyopt_refuse, unless an argument is of the type that `_native.foreign` named. */
PyObject *polyopt_miss(struct polyopt_state *state, PyObject *const *args, Py_ssize_t nargs, int guard, int why);
#define POLYOPT_REFUSE(guard, why_) do { result = polyopt_refuse(call.state, (guard), (why_)); goto done; } while (0)

/* True for some calls after several runs in a row had to be given up (their data make the original warn or raise), so that such data
 * do not cost every call twice. */
static inline int polyopt_resting(struct polyopt_state *state) { return POLYOPT_UNLIKELY(state->rest > 0) && state->rest-- > 0; }

/* All of the module's globals [first, first + count) stand for what they stood for at build time. A few ns each. */
int polyopt_globals_ok(struct polyopt_state *state, int first, int count);

/* What the global of a row of kind ANY was when polyopt_globals_ok was asked: a new reference. */
static inline PyObject *polyopt_global_value(const struct polyopt_state *state, int row)
{
    PyObject *value = state->globals->slots[row].expected;
    Py_INCREF(value);
    return value;
}

/* ---- arguments ------------------------------------------------------------------------------------------------------------------- */

enum { POLYOPT_WRITABLE = 1, POLYOPT_ZEROED = 2, POLYOPT_FORTRAN = 4 };

struct polyopt_array {
    void *data;                      /* element [0, ..., 0] */
    int64_t extent[POLYOPT_MAXRANK];
    int64_t stride[POLYOPT_MAXRANK]; /* in elements; may be negative, or 0 */
    int32_t rank, dtype;
    int64_t itemsize;
    int32_t held;                    /* set to 0 before use: view must be released */
    Py_buffer view;
};

/* An exact numpy.ndarray of this dtype (native byte order) and rank, aligned, strides whole multiples of the item; with
 * POLYOPT_WRITABLE also writable and with no two elements at one address. Answers 0 or a polyopt_why. */
int polyopt_take_array(PyObject *object, struct polyopt_array *out, int dtype, int rank, int flags);
void polyopt_drop_view(struct polyopt_array *array);
static inline void polyopt_drop(struct polyopt_array *array) { if (array->held) polyopt_drop_view(array); }

/* Exact Python scalars; 0 or a polyopt_why. Bounds are inclusive. */
int polyopt_take_int(PyObject *object, int64_t *out, int64_t lo, int64_t hi);
int polyopt_take_float(PyObject *object, double *out);
int polyopt_take_bool(PyObject *object, uint8_t *out);
int polyopt_take_complex(PyObject *object, polyopt_c128 *out);
/* A NumPy scalar of exactly this dtype (np.float64, np.bool_, ...): its bytes are copied to out. */
int polyopt_take_scalar(PyObject *object, int dtype, void *out);

/* ---- conditions on arrays ----------------------------------------------------------------------------------------------------------- */

enum { POLYOPT_DISJOINT = 0, POLYOPT_SAME = 1, POLYOPT_OVERLAP = 2 };
/* Whether two arrays share bytes; SAME: same address, dtype, extents and strides. OVERLAP may be a false alarm, DISJOINT never is. */
int polyopt_overlap(const struct polyopt_array *a, const struct polyopt_array *b);
int polyopt_unit_stride(const struct polyopt_array *a, int axis);     /* stride 1, or an extent of at most 1 */
int polyopt_c_order(const struct polyopt_array *a);                   /* strides positive and not increasing */
int polyopt_c_contiguous(const struct polyopt_array *a);
int polyopt_f_contiguous(const struct polyopt_array *a);
int polyopt_c_contiguous_from(const struct polyopt_array *a, int axis); /* its axes from `axis` on are contiguous */
/* Axes that may be taken as one, if the rows are short: extents of longer rows of the same elements, and their strides; or 0. Also 0 for
 * work that may be done elsewhere, by whom the arrays are cut along their own axes. */
int polyopt_merge(int64_t *extents, int64_t *steps, int rank, double work);

/* ---- results -------------------------------------------------------------------------------------------------------------------------- */

/* A new numpy.ndarray, C order unless POLYOPT_FORTRAN; its description in out. NULL without exception when there is none to be had. */
PyObject *polyopt_new_array(struct polyopt_array *out, int dtype, int rank, const int64_t *extents, int flags);
/* New references, or NULL with MemoryError. */
enum { POLYOPT_TAG_NUMPY, POLYOPT_TAG_BOOL, POLYOPT_TAG_INT, POLYOPT_TAG_FLOAT, POLYOPT_TAG_COMPLEX };
PyObject *polyopt_box_int(int64_t value);
PyObject *polyopt_box_float(double value);
PyObject *polyopt_box_bool(int value);
PyObject *polyopt_box_complex(polyopt_c128 value);
PyObject *polyopt_box_scalar(int dtype, const void *value); /* np.float64(...), np.True_, ... */
PyObject *polyopt_box_tagged(int dtype, const void *value, int32_t tag);
/* A tuple of n objects; steals them all (NULL ones too: then the answer is NULL). polyopt_pack(0) is (). */
PyObject *polyopt_pack(int n, ...);

/* ---- running --------------------------------------------------------------------------------------------------------------------------- */

struct polyopt_fenv { uint32_t control; };

struct polyopt_call {
    struct polyopt_state *state;
    struct polyopt_ctx ctx;
    struct polyopt_arena arena;
    struct polyopt_block block;
    volatile int32_t cancel;
    int32_t raised;      /* the poll left an exception */
    int32_t polled;      /* signals were looked for at least once */
    PyThreadState *thread;
    int64_t started;
    uint32_t fpflags;    /* POLYOPT_FP_* of the last run, all threads */
    struct polyopt_saved *logged; /* arrays whose stores are logged (polyopt_log_begin), nlogged of them */
    int32_t nlogged;
    struct polyopt_notes *notes;  /* the log's memory, NULL for none */
    int64_t noted;                /* notes that count once the log is not written any more */
    char *copies;                 /* what the arrays held then: memory of malloc */
    union { char bytes[2048]; double aligned; } stack;
};

void polyopt_begin(struct polyopt_call *call, PyObject *self);
void polyopt_end(struct polyopt_call *call);

/* Units of work of slow operations, by their place in the runtime's `costs.NAMES`; `_native.tune` sets them. */
#define POLYOPT_COSTS 256
extern double polyopt_cost[POLYOPT_COSTS];

/* Runs the kernel of the machine's level, or has it run elsewhere (polyopt_offload.c). arrays: the objects behind the struct's data
 * fields, in their order; narrays is -1 where they are no NumPy arrays, so that it can only run here. work: estimated units
 * (docs/runtime.md), which decide the threads and whether the GIL is released. Answers 0; POLYOPT_WHY_KERNEL (an operation
 * failed) / _MEMORY / _FLAGS (a flag that matters and that np.errstate does not ignore): the caller restores and refuses;
 * POLYOPT_WHY_EXCEPTION: an exception is set (KeyboardInterrupt): the caller restores, answers NULL. */
int polyopt_run(struct polyopt_call *call, const struct polyopt_kernel_spec *spec, const void *args, PyObject *const *arrays, int narrays,
                double work);
#define POLYOPT_FP_ALL (POLYOPT_FP_INVALID | POLYOPT_FP_DIVIDE | POLYOPT_FP_OVERFLOW | POLYOPT_FP_UNDERFLOW)

/* Those of the flags that this thread's np.errstate does not ignore (needs the GIL; about a microsecond). */
uint32_t polyopt_flags_matter(uint32_t flags);

/* A copy of the elements lo[k] <= index[k] < hi[k] of an array, in the call's arena; 0 or POLYOPT_WHY_MEMORY. */
struct polyopt_saved {
    const struct polyopt_array *array;
    int64_t lo[POLYOPT_MAXRANK], hi[POLYOPT_MAXRANK];
    char *data;
};
int polyopt_save(struct polyopt_call *call, struct polyopt_saved *saved, const struct polyopt_array *array, const int64_t *lo, const int64_t *hi);
void polyopt_restore(const struct polyopt_saved *saved);

/* Instead of copies, where the kernel stores to few elements of large boxes maybe: what it overwrites is noted. `array`, `lo`, `hi` of each
 * box are set by polyopt_log_of; the box's number is the kernel's number of the array. work: units that the run certainly takes, for which
 * copies may be cheap. 0 or POLYOPT_WHY_MEMORY. */
void polyopt_log_of(struct polyopt_saved *logged, const struct polyopt_array *array, const int64_t *lo, const int64_t *hi);
int polyopt_log_begin(struct polyopt_call *call, struct polyopt_saved *logged, int count, double work);
/* Everything as it was when the log began. */
void polyopt_log_undo(struct polyopt_call *call);
void polyopt_log_end(struct polyopt_call *call);

#if defined(__GNUC__) || defined(__clang__)
#pragma GCC visibility pop
#endif
#endif
