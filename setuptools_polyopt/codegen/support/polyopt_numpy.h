/* polyopt_numpy.h: what is known of the NumPy that the process has loaded. Internal. */
#ifndef POLYOPT_NUMPY_H
#define POLYOPT_NUMPY_H

#include "polyopt_entry.h"

#if defined(__GNUC__) || defined(__clang__)
#pragma GCC visibility push(hidden)
#endif

struct polyopt_numpy {
    int32_t ready;        /* 1: the rest is filled; -1: NumPy is not as expected */
    int32_t fields;       /* ndarray's public structure was found to be as its header says */
    PyTypeObject *ndarray;
    PyObject *descr[POLYOPT_DTYPES];         /* the dtype objects of native byte order */
    PyTypeObject *scalar[POLYOPT_DTYPES];    /* np.float64, ... */
    int32_t scalar_fields[POLYOPT_DTYPES];   /* the value lies behind the object's head */
    PyObject *true_, *false_;                /* np.True_, np.False_ */
    PyObject *empty, *zeros, *geterr, *ignore, *fortran;
    PyObject *flag_names[4];                 /* keys of geterr's answer, in the order of the POLYOPT_FP_* bits */
};
extern struct polyopt_numpy polyopt_np;
extern const int32_t polyopt_itemsize[POLYOPT_DTYPES];

/* Fills polyopt_np if the process has imported NumPy; true when it is ready. Leaves no exception. */
int polyopt_numpy_load(void);
static inline int polyopt_numpy_ready(void) { return POLYOPT_LIKELY(polyopt_np.ready > 0) || polyopt_numpy_load(); }

/* The public head of NumPy's PyArrayObject (ndarrayobject.h), the same in NumPy 1 and 2. */
struct polyopt_ndarray {
    PyObject_HEAD
    char *data;
    int nd;
    intptr_t *dimensions, *strides;
    PyObject *base, *descr;
    int flags;
};
#define POLYOPT_ND_ALIGNED 0x0100
#define POLYOPT_ND_WRITEABLE 0x0400
#define POLYOPT_ND_WARN_ON_WRITE ((int)(1u << 31))

/* Looks up and checks the inner loops of the extension; true when loop `index` may be called. */
int polyopt_loop_ready(int32_t index);
/* Numbers that nearly every function is defined on; and whether a loop of numpy.matmul gives what that and numpy.dot give. */
void polyopt_fill(char *at, int dtype, int argument, int count);
int polyopt_product_agrees(PyObject *numpy, PyObject *matmul, const struct polyopt_loop *loop, int dtype);
extern struct polyopt_functions polyopt_functions;
extern const struct polyopt_extension *polyopt_current;
extern PyObject *polyopt_signature; /* what answers the facts about NumPy, given to bind */

#if defined(__GNUC__) || defined(__clang__)
#pragma GCC visibility pop
#endif
#endif
