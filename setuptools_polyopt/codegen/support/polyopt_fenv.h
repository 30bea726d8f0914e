/* polyopt_fenv.h: the floating-point environment, cheaply: control (rounding, denormals) and exception flags. Internal.
 *
 * On x86-64 the C library's feclearexcept costs tens of nanoseconds because it rewrites the x87 environment; MXCSR alone does not.
 * The x87 flags are read too: glibc's feraiseexcept(FE_OVERFLOW), which NumPy's integer loops use, sets them there.
 */
#ifndef POLYOPT_FENV_H
#define POLYOPT_FENV_H

#include "polyopt.h"

#if (defined(__x86_64__) || defined(_M_X64)) && (defined(__GNUC__) || defined(__clang__))
#include <xmmintrin.h>

static inline uint32_t polyopt_fp_x87(void)
{
    uint16_t status;
    __asm__ __volatile__("fnstsw %0" : "=a"(status));
    return status & 0x3fu;
}

/* The control bits, without flags: what a worker has to adopt. */
static inline uint64_t polyopt_fp_control(void) { return _mm_getcsr() & ~0x3fu; }

/* Sets control and clears all flags. */
static inline void polyopt_fp_adopt(uint64_t control)
{
    _mm_setcsr((uint32_t)control);
    if (polyopt_fp_x87()) __asm__ __volatile__("fnclex");
}

/* Clears the flags; the answer goes to polyopt_fp_leave. */
static inline uint64_t polyopt_fp_enter(void)
{
    uint32_t saved = _mm_getcsr();
    if (saved & 0x1fu) _mm_setcsr(saved & ~0x3fu); /* inexact alone is left: writing costs more than reading */
    if (polyopt_fp_x87()) __asm__ __volatile__("fnclex");
    return saved;
}

static inline uint32_t polyopt_fp_flags(void)
{
    uint32_t raw = _mm_getcsr() | polyopt_fp_x87();
    return (raw & 1u) | (raw & 4u) >> 1 | (raw & 8u) >> 1 | (raw & 16u) >> 1;
}

/* What is raised (inexact and denormal aside), cleared; and raising it again. */
static inline uint32_t polyopt_fp_set_aside(void)
{
    uint32_t now = _mm_getcsr(), x87 = polyopt_fp_x87();
    if (now & 0x1du) _mm_setcsr(now & ~0x3fu);
    if (x87) __asm__ __volatile__("fnclex");
    return (now | x87) & 0x1du;
}
static inline void polyopt_fp_raise_again(uint32_t raised)
{
    uint32_t now = _mm_getcsr();
    if (raised & ~now) _mm_setcsr(now | raised);
}

static inline void polyopt_fp_leave(uint64_t saved)
{
    if ((_mm_getcsr() ^ (uint32_t)saved) & ~0x20u) _mm_setcsr((uint32_t)saved);
    if (polyopt_fp_x87()) __asm__ __volatile__("fnclex");
}

#else
#include <fenv.h>

#if defined(__aarch64__) && (defined(__GNUC__) || defined(__clang__))
static inline uint64_t polyopt_fp_control(void)
{
    uint64_t control;
    __asm__ __volatile__("mrs %0, fpcr" : "=r"(control));
    return control;
}
static inline void polyopt_fp_set_control(uint64_t control) { __asm__ __volatile__("msr fpcr, %0" : : "r"(control)); }
#else
static inline uint64_t polyopt_fp_control(void) { return (uint64_t)fegetround(); }
static inline void polyopt_fp_set_control(uint64_t control) { fesetround((int)control); }
#endif

static inline void polyopt_fp_adopt(uint64_t control)
{
    polyopt_fp_set_control(control);
    feclearexcept(FE_ALL_EXCEPT);
}
static inline uint64_t polyopt_fp_enter(void)
{
    uint64_t saved = (uint64_t)fetestexcept(FE_ALL_EXCEPT);
    feclearexcept(FE_ALL_EXCEPT);
    return saved;
}
static inline uint32_t polyopt_fp_flags(void)
{
    int raw = fetestexcept(FE_ALL_EXCEPT);
    return (raw & FE_INVALID ? POLYOPT_FP_INVALID : 0u) | (raw & FE_DIVBYZERO ? POLYOPT_FP_DIVIDE : 0u) |
           (raw & FE_OVERFLOW ? POLYOPT_FP_OVERFLOW : 0u) | (raw & FE_UNDERFLOW ? POLYOPT_FP_UNDERFLOW : 0u);
}
static inline uint32_t polyopt_fp_set_aside(void)
{
    int raised = fetestexcept(FE_ALL_EXCEPT & ~FE_INEXACT);
    if (raised) feclearexcept(FE_ALL_EXCEPT);
    return (uint32_t)raised;
}
static inline void polyopt_fp_raise_again(uint32_t raised)
{
    int lost = (int)raised & ~fetestexcept(FE_ALL_EXCEPT);
    if (lost) feraiseexcept(lost);
}
static inline void polyopt_fp_leave(uint64_t saved)
{
    feclearexcept(FE_ALL_EXCEPT);
    if (saved) feraiseexcept((int)saved);
}
#endif

#endif
