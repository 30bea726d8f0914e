/* polyopt_product.c: numpy.dot of floating-point vectors and matrices, by the loop of numpy.matmul.
 *
 * Both hand the same arrays to the same functions of BLAS: of two vectors to `dot`, of a matrix and a vector to `gemv`, of two matrices to
 * `gemm`, or `syrk` where the one is the other's transpose. NumPy's own numpy.dot (cblasfuncs.c, the same from 1.17 on) differs in this:
 *  - It copies vectors whose steps are not positive, and matrices that are not contiguous in C or Fortran order; so does this function.
 *  - It multiplies by an operand of one element, and a column by a row, in ways of its own: these calls fail, and the original runs.
 * Flags stay raised, for whatever numpy.dot of this version makes of them: the original runs then.
 * Before the loop is used, results of both are compared, bit for bit.
 */
#include "polyopt_internal.h"

#include <string.h>

struct operand { const char *data; int64_t rows, columns, row_step, column_step; };

/* Whether the elements lie side by side, in C or in Fortran order. */
static int is_contiguous(const struct operand *x, int64_t size)
{
    return (x->column_step == size && x->row_step == size * x->columns) || (x->row_step == size && x->column_step == size * x->rows);
}

/* What numpy.dot takes as it is: matrices that are contiguous, vectors with positive steps. */
static int is_taken(const struct operand *x, int64_t size)
{
    if (x->row_step < 0 || x->column_step < 0) return 0;
    if (x->rows > 1 && x->columns > 1) return is_contiguous(x, size);
    return x->rows > 1 ? x->row_step > 0 : x->column_step > 0;
}

struct pair { double re, im; };

/* The elements of `x` one behind the other; a macro, so that each is one load and one store. */
#define COPY(type)                                                                  \
    for (int64_t i = 0; i < rows; i++) {                                            \
        const char *from = data + i * row_step;                                     \
        for (int64_t j = 0; j < columns; j++, from += column_step, to += sizeof(type)) { \
            type element;                                                           \
            memcpy(&element, from, sizeof(type));                                   \
            memcpy(to, &element, sizeof(type));                                     \
        }                                                                           \
    }

static int copied(struct polyopt_ctx *ctx, struct operand *x, int64_t size)
{
    const int64_t extents[2] = {x->rows, x->columns};
    char *copy = polyopt_alloc(ctx, polyopt_bytes(extents, 2, (size_t)size));
    if (!copy) return 0;
    const int64_t rows = x->rows, columns = x->columns, row_step = x->row_step, column_step = x->column_step;
    const char *data = x->data;
    char *to = copy;
    switch (size) { /* of float32, of float64 and complex64, of complex128 */
    case 4: COPY(float) break;
    case 8: COPY(double) break;
    default: COPY(struct pair) break;
    }
    x->data = copy;
    x->row_step = size * x->columns;
    x->column_step = size;
    return 1;
}

int32_t polyopt_dot(struct polyopt_ctx *ctx, int loop, int64_t size, int64_t m, int64_t n, int64_t p, const void *a, int64_t a_m, int64_t a_n,
                    const void *b, int64_t b_n, int64_t b_p, void *c, int64_t c_m, int64_t c_p)
{
    struct operand left = {a, m, n, a_m, a_n}, right = {b, n, p, b_n, b_p};
    const struct polyopt_mark mark = polyopt_mark(ctx);
    if (m <= 0 || p <= 0) return ctx->failed;
    memset(c, 0, (size_t)(m * p * size));
    if (n == 0) return ctx->failed;
    if (n == 1 || m > INT32_MAX - 2 || n > INT32_MAX - 2 || p > INT32_MAX - 2) {
        polyopt_fail(ctx);
        return ctx->failed;
    }
    if ((is_taken(&left, size) || copied(ctx, &left, size)) && (is_taken(&right, size) || copied(ctx, &right, size))) {
        polyopt_matmul(ctx, loop, m, n, p, left.data, left.row_step, left.column_step, right.data, right.row_step, right.column_step, c, c_m, c_p);
    }
    polyopt_release(ctx, mark);
    return ctx->failed;
}

/* ---- checking ------------------------------------------------------------------------------------------------------------------------------- */

enum { ROWS = 5, SUMMED = 7, COLUMNS = 4 };

static PyObject *filled(int dtype, int rank, int64_t rows, int64_t columns, int argument)
{
    struct polyopt_array out;
    const int64_t extents[2] = {rows, columns};
    PyObject *array;
    out.held = 0;
    array = polyopt_new_array(&out, dtype, rank, extents, 0);
    if (array) polyopt_fill(out.data, dtype, argument, (int)(rank == 1 ? rows : rows * columns));
    polyopt_drop(&out);
    return array;
}

/* Whether two functions of NumPy give the same bytes. */
static int alike(PyObject *matmul, PyObject *dot, PyObject *a, PyObject *b)
{
    PyObject *first = a && b ? PyObject_CallFunctionObjArgs(matmul, a, b, NULL) : NULL;
    PyObject *second = first ? PyObject_CallFunctionObjArgs(dot, a, b, NULL) : NULL;
    PyObject *one = second ? PyObject_CallMethod(first, "tobytes", NULL) : NULL;
    PyObject *other = one ? PyObject_CallMethod(second, "tobytes", NULL) : NULL;
    int same = other && PyObject_RichCompareBool(one, other, Py_EQ) == 1;
    Py_XDECREF(other);
    Py_XDECREF(one);
    Py_XDECREF(second);
    Py_XDECREF(first);
    return same;
}

static int loop_agrees(PyObject *matmul, const struct polyopt_loop *loop, int dtype, PyObject *a, PyObject *b)
{
    const intptr_t size = polyopt_itemsize[dtype], extents[4] = {1, ROWS, SUMMED, COLUMNS};
    const intptr_t steps[9] = {0, 0, 0, SUMMED * size, size, COLUMNS * size, size, COLUMNS * size, size};
    PyObject *expected = PyObject_CallFunctionObjArgs(matmul, a, b, NULL);
    struct polyopt_array left, right, result;
    union { double align; char bytes[ROWS * COLUMNS * 16]; } found;
    char *args[3];
    int same = 0;
    left.held = right.held = result.held = 0;
    if (expected && !polyopt_take_array(a, &left, dtype, 2, 0) && !polyopt_take_array(b, &right, dtype, 2, 0) &&
        !polyopt_take_array(expected, &result, dtype, 2, 0) && polyopt_c_contiguous(&result)) {
        args[0] = left.data, args[1] = right.data, args[2] = found.bytes;
        loop->call(args, extents, steps, loop->data);
        same = memcmp(found.bytes, result.data, (size_t)(ROWS * COLUMNS * size)) == 0;
    }
    polyopt_drop(&left);
    polyopt_drop(&right);
    polyopt_drop(&result);
    Py_XDECREF(expected);
    return same;
}

int polyopt_product_agrees(PyObject *numpy, PyObject *matmul, const struct polyopt_loop *loop, int dtype)
{
    PyObject *dot = PyObject_GetAttrString(numpy, "dot");
    PyObject *a = filled(dtype, 2, ROWS, SUMMED, 0), *b = filled(dtype, 2, SUMMED, COLUMNS, 1);
    PyObject *x = filled(dtype, 1, SUMMED, 0, 2), *y = filled(dtype, 1, SUMMED, 0, 3);
    int same = dot && a && b && x && y && loop_agrees(matmul, loop, dtype, a, b) && alike(matmul, dot, a, b) && alike(matmul, dot, a, x) &&
               alike(matmul, dot, x, b) && alike(matmul, dot, x, y);
    Py_XDECREF(y);
    Py_XDECREF(x);
    Py_XDECREF(b);
    Py_XDECREF(a);
    Py_XDECREF(dot);
    return same;
}
