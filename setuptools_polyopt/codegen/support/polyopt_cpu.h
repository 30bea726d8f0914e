/* polyopt_cpu.h: internal. */
#ifndef POLYOPT_CPU_H
#define POLYOPT_CPU_H

#include "polyopt.h"

#if defined(__GNUC__) || defined(__clang__)
#pragma GCC visibility push(hidden)
#endif

/* POLYOPT_NUM_THREADS, else OMP_NUM_THREADS, else the processors of the affinity mask and the cgroup's quota; at least 1. */
int32_t polyopt_default_threads(void);

#if defined(__GNUC__) || defined(__clang__)
#pragma GCC visibility pop
#endif
#endif
