/* What the kernels and the entry points of the hand-written example share: the arguments of each kernel. */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include "polyopt.h"

struct axpy_args { double a; const double *x; double *y; int64_t n, sx, sy; };
struct smooth_args { const double *u; double *out; int64_t n, su; };
struct exponential_args { const double *x; double *out; int64_t n; };
struct squares_args { int64_t *out; int64_t n, grain, fail_at, temporaries; };
struct wait_args { int64_t *ticks; int64_t rounds; };

enum { LOOP_exp, LOOP_add, LOOP_multiply_c, LOOP_absurd, LOOPS };

#endif
