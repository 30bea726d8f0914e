/* polyopt_list.h: lists of numbers as arrays.
 *
 * A list of floats, ints, bools or complex numbers, or a list of such lists of one length (up to three deep), is an argument like an
 * array: before the run the elements that the kernel touches are copied into the call's arena, and after a run that succeeded those that
 * it has changed are put back into the same list objects.  Until then nothing is written, so a run that is given up needs no undo.
 *
 *     why = polyopt_take_list(po_args[0], &po_in[0], POLYOPT_F64, 2, 0);     lengths and types along the first elements: some ns
 *     polyopt_list_of(&lists[0], po_args[0], &po_in[0], POLYOPT_READ | POLYOPT_WRITE, lo, hi, from, to);
 *     if (!polyopt_lists_pay(lists, 1, 0.0, work)) ...;                           the copies would cost more than the original statements
 *     why = polyopt_lists_read(&call, lists, 1);                             every row and every element that is touched
 *     why = polyopt_run(...);
 *     if (!why) why = polyopt_lists_write(&call, lists, 1);
 */
#ifndef POLYOPT_LIST_H
#define POLYOPT_LIST_H

#include "polyopt_entry.h"

#if defined(__GNUC__) || defined(__clang__)
#pragma GCC visibility push(hidden)
#endif

enum { POLYOPT_READ = 1, POLYOPT_WRITE = 2, POLYOPT_TUPLE = 4 };

struct polyopt_list {
    PyObject *object;
    struct polyopt_array *array;
    int32_t flags;
    int64_t lo[POLYOPT_MAXRANK], hi[POLYOPT_MAXRANK];   /* the box whose elements are copied: with POLYOPT_READ */
    int64_t from[POLYOPT_MAXRANK], to[POLYOPT_MAXRANK]; /* the box that the kernel writes: with POLYOPT_WRITE */
    struct polyopt_saved old;                           /* what was in it */
};

/* An exact list (with POLYOPT_TUPLE: tuple) nested so deep; its extents by the lengths of the first elements, the element type by the
 * very first one. 0 or a polyopt_why. */
int polyopt_take_list(PyObject *object, struct polyopt_array *out, int dtype, int rank, int flags);

/* Boxes are clipped to the extents. Without POLYOPT_READ nobody needs what is in the list, without POLYOPT_WRITE nothing is put back. */
void polyopt_list_of(struct polyopt_list *list, PyObject *object, struct polyopt_array *array, int flags, const int64_t *lo, const int64_t *hi,
                     const int64_t *from, const int64_t *to);

/* Whether the original statements would take longer for that much work than the copies take; made: elements of lists that leave. */
int polyopt_lists_pay(const struct polyopt_list *lists, int count, double made, double work);

/* Where data steers the loops, nobody knows the work before. So a run is tried, and told how long its kernel took: if that was too little,
 * so many calls are left to the original statements that the copies of the trial are nothing to them. */
int polyopt_lists_try(struct polyopt_state *state);
int64_t polyopt_lists_now(void); /* nanoseconds: `took` is their difference */
void polyopt_lists_tried(struct polyopt_state *state, const struct polyopt_list *lists, int count, double made, int64_t took);

/* Makes the arrays and copies the boxes. Every row must be an exact list of its axis's length; in a list that is written no two rows may
 * be one object, and nothing may be a nan (which object it is can be seen). 0 or a polyopt_why. */
int polyopt_lists_read(struct polyopt_call *call, struct polyopt_list *lists, int count);

/* Whether two lists have no list of numbers in common; 0 or POLYOPT_WHY_OVERLAP. */
int polyopt_lists_apart(struct polyopt_call *call, const struct polyopt_list *a, const struct polyopt_list *b);

/* Puts changed elements back; 0, or why nothing was written (a nan), or POLYOPT_WHY_EXCEPTION with MemoryError. */
int polyopt_lists_write(struct polyopt_call *call, const struct polyopt_list *lists, int count);

/* An array in the call's arena, for a list that the region makes; 0 or POLYOPT_WHY_MEMORY. */
int polyopt_local_array(struct polyopt_call *call, struct polyopt_array *out, int dtype, int rank, const int64_t *extents);
/* 0, or why an array must not leave as a list: there is a nan in it. */
int polyopt_list_leaves(struct polyopt_call *call, const struct polyopt_array *array);
/* The same for a number that may be the very object that was read from a list. */
int polyopt_number_leaves(struct polyopt_call *call, int dtype, const void *value);
/* A new list (of lists) of Python's numbers, or of NumPy scalars; NULL with MemoryError. floats: NULL, or an array of the same shape that
 * says which elements are floats; the others are integers. */
PyObject *polyopt_box_list(const struct polyopt_array *array, const struct polyopt_array *floats, int numpy);

#if defined(__GNUC__) || defined(__clang__)
#pragma GCC visibility pop
#endif
#endif
