"""What the fuzz has found, each as a minimal program: plain and built must agree on all its inputs, and the region must be there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from built import Built, build, profile_of
from fuzz_oracle import difference, observe

Arguments = Callable[[], list[Any]]


@dataclass(frozen=True)
class Found:
    """A program, ordinary arguments for its profile, and the arguments on which it went wrong. runs: natively, for some of them."""

    source: str
    usual: Arguments
    telling: tuple[Arguments, ...]
    runs: bool = True


def read_only(array: Any) -> Any:
    """The array, which cannot be written any more."""
    array.flags.writeable = False
    return array


COLUMNS: tuple[Callable[[Any], Any], ...] = (lambda a: a[::-1], lambda a: a[::2], lambda a: a)
"""Views of an array of one column."""
FOUND = {
    "row_from_a_column": Found(  # NumPy makes no copy of a single dimension where the strides have one sign
        "def row_from_a_column(A, m):\n    for i in range(m - 2, 0, -1):\n        A[i, :] = A[:, i + 1]\n    for i in range(m):\n"
        "        for j in range(i):\n            A[i, j] += 1.0\n    for i in range(m - 1):\n        A[i + 1:, i] = A[i, i + 1:]\n",
        lambda: [np.arange(36.0).reshape(6, 6), 6],
        (lambda: [np.arange(49.0).reshape(7, 7), 7],),
    ),
    "condition_that_may_overflow": Found(  # came into the guard
        "def condition_that_may_overflow(A, c, m):\n    for i in range(m):\n        A[0, i] += i\n    str(m)\n"
        "    for i in range(1, m):\n        if A[-1, m - 1 - i] <= 0.5:\n            A[:, i] = -1\n"
        "    if 1 <= (c * c):\n        A[...] = -(np.where(A < A, A, A) - A)\n",
        lambda: [np.ones((4, 4)), 2, 4],
        (lambda: [np.ones((4, 4)), 0, 4], lambda: [np.ones((4, 4)), 2**40, 4], lambda: [np.ones((4, 4)), 10**30, 4]),
    ),
    "an_empty_axis_beside_a_subscript_from_data": Found(  # nothing was known to be out of bounds there
        "def an_empty_axis_beside_a_subscript_from_data(A, B, h, n):\n    for i in range(n - 2, 0, -1):\n        A[-1, h] *= B[h, 0, i]\n",
        lambda: [np.ones((4, 4)), np.ones((4, 2, 4)), np.int16(1), 4],
        (lambda: [np.ones((4, 4)), np.ones((4, 0, 4)), np.int16(1), 4],),
    ),
    "a_constant_power": Found(  # isl took its text for a number
        "def a_constant_power(A, n):\n    for i in range(n):\n        if (-2) ** 3 > i and 0.25 != 0.25:\n            A[i] = i\n"
        "        A[i] += 1\n",
        lambda: [np.ones(4), 4],
        (lambda: [np.zeros(3), 3],),
    ),
    "complex_products_run_backwards": Found(  # by the schedule; NumPy's loop has other bits then
        "def complex_products_run_backwards(A, c, n):\n    for i in range(max(c, 0), n):\n"
        "        A[i, i, i] -= ((3.0 / (A[i][i][c] * i)) / np.sum(A[n - 1 - i, i] * A[i, n - 1 - i]))\n"
        "    A[:] = np.exp(((0.5 + A) * (A * A)))\n",
        lambda: [np.full((4, 4, 4), 0.3 + 0.7j, np.complex64), 1, 4],
        (lambda: [(np.linspace(-1, 1, 125) + 1j * np.linspace(0.1, 0.9, 125) ** 2).astype(np.complex64).reshape(5, 5, 5), 1, 5],),
    ),
    "complex_product_of_a_reversed_column": Found(  # NumPy's innermost axis is the first one then
        "def complex_product_of_a_reversed_column(A, s):\n    A[...] = (A * (A + s)) - (A + A)\n",
        lambda: [np.full((4, 4), 0.3 + 0.7j, np.complex64), 0.5],
        tuple(lambda v=v: [v(np.random.default_rng(1).normal(size=(99, 2)).astype(np.float32).view(np.complex64)), 0.5] for v in COLUMNS),
    ),
    "complex_product_with_a_reversed_view": Found(
        "def complex_product_with_a_reversed_view(A):\n    C = A * A + A\n    return C, A[::-1] * A\n",
        lambda: [np.full((4, 4), 0.3 + 0.7j, np.complex64)],
        (lambda: [np.random.default_rng(1).normal(size=(99, 2)).astype(np.float32).view(np.complex64)],),
    ),
    "window_from_the_larger_of_two": Found(  # its bound was as far away as `c` may be, and there was no memory for that
        "def window_from_the_larger_of_two(A, c, n):\n    for i in range(max(c, 0), n):\n        A[i, i, i] -= np.sum(A[n - 1 - i, i])\n",
        lambda: [np.full((5, 5, 5), 1 + 2j, np.complex64), 1, 5],
        (lambda: [np.full((9, 9, 9), 1 + 2j, np.complex64), -3, 9],),
    ),
    **{
        f"itself_{number}": Found(  # the answer shares the array's memory
            f"def itself_{number}(A):\n    B = {text}\n    A[0] = 3\n    A += A * A\n    return B * 1 + 1\n",
            lambda kind=kind: [np.arange(5).astype(kind)],
            (),
        )
        for number, (text, kind) in enumerate(
            (("np.real(A)", float), ("np.real(A)", complex), ("np.imag(A)", complex), ("np.float64(A)", float), ("np.int64(A)", np.int64),
             ("A.conj()", float), ("A.conjugate()", np.int64))
        )
    },
    "order_of_a_large_temporary": Found(  # which becomes the result, with its own memory order
        "def order_of_a_large_temporary(A, B):\n    B += A * A\n    C = (A - B.T) * (B - A)\n    return C\n",
        lambda: [np.ones(5), np.ones((5, 5))],
        (lambda: [np.ones(200), np.ones((200, 200))],),
    ),
    "remainder_of_a_negative_constant": Found(  # isl divides by positive numbers only
        "def remainder_of_a_negative_constant(A, n):\n    for i in range(n):\n        if -1 < (i % -2):\n            A[i] += 1\n"
        "        A[i] *= A[i] + n\n",
        lambda: [np.arange(6.0), 6],
        (lambda: [np.arange(9.0), 9],),
    ),
    "flags_of_a_complex_test": Found(
        "def flags_of_a_complex_test(A, B, n):\n    for i in range(n):\n        if A[i] / B[i] != 2 and i == n:\n            A[i] = 1\n"
        "        A[i] = A[i] + 1\n",
        lambda: [np.ones(4, complex), np.ones(4, complex), 4],
        (lambda: [np.ones(4, complex), np.zeros(4, complex), 4],),
    ),
    "layout_of_a_reduction": Found(  # of integers, in any order: the result still lies in memory as the operand does
        "def layout_of_a_reduction(A, B):\n    B += B * 2\n    return np.prod(A, axis=2)\n",
        lambda: [np.ones((2, 3, 4), np.int64), np.ones(4)],
        (lambda: [np.asfortranarray(np.arange(24).reshape(2, 3, 4)), np.ones(4)],),
    ),
    "part_of_a_row_behind_a_maximum": Found(  # a temporary whose extent named the iterator
        "def part_of_a_row_behind_a_maximum(A, n):\n    for i in range(n):\n        for k in range(max(i - 1, 0), n):\n"
        "            A[i, k + 1:] = A[i - 1, k + 1:] * 2\n    for i in range(n):\n        A[i, 0] = i\n",
        lambda: [np.ones((4, 4)), 4],
        (lambda: [np.arange(25.0).reshape(5, 5), 5],),
    ),
    "flags_of_what_false_decides": Found(
        "def flags_of_what_false_decides(A, B, s):\n    A[...] = np.logical_and(s < 0.0, (s / B) >= 2.0)\n    A |= (B > s) & (s < 0.0)\n",
        lambda: [np.ones(4, bool), np.ones(4), 1.0],
        (lambda: [np.ones(4, bool), np.zeros(4), 1.0],),
    ),
    "flags_of_what_a_constant_decides": Found(
        "def flags_of_what_a_constant_decides(A, n):\n    for i in range(n):\n        A[...] = np.logical_and(8 < -1, np.sqrt(-1) >= 2.0)\n"
        "        A[i] = i > 1\n",
        lambda: [np.ones(4, bool), 4],
        (lambda: [np.ones(4, bool), 2],),
        runs=False,
    ),
    "torn_temporary": Found(  # isl took the statement after the test out of the loop in which the test's answer lives
        "def torn_temporary(A, B, s, n, m):\n    for i in range(2):\n        for j in range(0, min(i + 2, n)):\n"
        "            if A[j][1][1][i]:\n                pass\n            elif i < j:\n                B[j, 0] *= 1.5\n"
        "            else:\n                B[i, :] *= np.exp(B[j]) * s\n",
        lambda: [np.zeros((5, 5, 5, 5), bool), np.full((5, 5), 0.25 - 0.5j), 2.0, 5, 5],
        (lambda: [np.ones((5, 5, 5, 5), bool), np.full((5, 5), 0.25 - 0.5j), 2.0, 5, 5],),
    ),
    "flags_of_what_is_asked_for_nan": Found(  # both answers give the same, so gcc left the quotient out
        "def flags_of_what_is_asked_for_nan(A):\n    A |= np.where(np.isnan(2.0 / A), A, A) + 1\n",
        lambda: [np.arange(1, 5)],
        (lambda: [np.arange(5)],),
    ),
    "flow_that_isl_crashes_on": Found(  # isl's own data flow analysis took the build down
        "def flow_that_isl_crashes_on(A, n, m):\n    for i in range(0, n - 1, 2):\n        for j in range(m):\n"
        "            A[i, :] = A[:, n - 1 - i] + 1.0\n            for k in range(2, n - 1):\n                A[k + 1, i + 2] = 0.5\n"
        "            if A[i + 1, i] != 2:\n                A[i + 1, i] = j\n            elif A[i, i] >= 0.5:\n"
        "                A[n - 1 - i, i] += A[i, 0]\n",
        lambda: [np.ones((6, 6)), 6, 3],
        (lambda: [np.arange(49.0).reshape(7, 7), 7, 2],),
    ),
    "assignment_of_itself": Found(  # needs no statement, but a writable array
        "def assignment_of_itself(A, B):\n    q = B.mean()\n    A[...] = A\n    C = B * 2 + q\n    return C\n",
        lambda: [np.ones(4), np.ones(4)],
        (lambda: [read_only(np.ones(4)), np.ones(4)],),
    ),
    "flags_of_a_choice_between_equals": Found(
        "def flags_of_a_choice_between_equals(A):\n    A[...] = np.where(~(A**0.5 < 2.0) ^ (A > 1.0), A, A) + 1.0\n",
        lambda: [np.ones(4)],
        (lambda: [np.full(4, -1.0)],),
    ),
    "test_without_consequence": Found(  # its subscripts and its flags count
        "def test_without_consequence(A, B, n):\n    for i in range(n):\n        A[i] = i\n        if B[i] / A[i] > 1.0:\n"
        "            if B[i + 1] > 0.5:\n                pass\n",
        lambda: [np.zeros(4), np.ones(5), 4],
        (lambda: [np.zeros(4), np.ones(4), 4], lambda: [np.zeros(4), np.zeros(5), 4]),
        runs=False,
    ),
    "flags_of_a_test_that_another_decides": Found(  # `i == n - 1` never holds: gcc left the quotient out
        "def flags_of_a_test_that_another_decides(B, s, n):\n    for i in range(n - 1):\n"
        "        if i * s <= s / B[i, 1] and i == n - 1:\n            B[i, 0] = 1\n        else:\n            B[i, 0] = 2\n",
        lambda: [np.ones((4, 4)), 2.0, 4],
        (lambda: [np.zeros((4, 4)), 2.0, 4],),
    ),
    "one_complex_product_in_place": Found(  # NumPy takes it for a reduction, which does not fuse
        "def one_complex_product_in_place(A, B):\n    A *= B + A\n",
        lambda: [np.full(4, 1.3 + 2.7j), np.full(4, 0.1 - 0.7j)],
        tuple(lambda k=k: [np.full(1, 1.3 + k * 2.7j), np.full(1, 0.1 * k - 0.7j)] for k in range(1, 20)),
    ),
    "where_evaluates_both": Found(  # a quotient was folded into the branch of a conditional expression
        "def where_evaluates_both(A, B):\n    A[...] = np.where(A > 0, A, A // B) + B\n",
        lambda: [np.array([-4, 5, 6]), np.array([2, 1, 3])],
        (lambda: [np.array([-4, 5, 6]), np.array([2, 0, 3])],),
    ),
    "nothing_ever_runs": Found(  # a kernel without instances
        "def nothing_ever_runs(n):\n    t = 0.0\n    for i in range(2, n - 1):\n        if -1 >= (2 - 1):\n"
        "            t = 1.5 - np.arctan2(i, 0.25)\n    return t\n",
        lambda: [5],
        (lambda: [0],),
    ),
    "size_of_single_precision_scalars": Found(  # had no form in C
        "def size_of_single_precision_scalars(A, n):\n    for i in range(n):\n        A[i] *= 2.0 - abs(A[i])\n"
        "        A[i] += A[i] * abs(A[i])\n",
        lambda: [np.full(4, 1.7 - 0.3j, np.complex64), 4],
        (
            lambda: [(np.linspace(-2, 90, 40) + 1j * np.linspace(-1, 1, 40) ** 3).astype(np.complex64), 40],
            lambda: [np.array([3e38 + 3e38j, 1e-45, complex(np.inf, np.nan)], np.complex64), 3],
        ),
    ),
    "power_of_single_precision_scalars": Found(  # had no form in C
        "def power_of_single_precision_scalars(A, n):\n    for i in range(n):\n        A[i] = A[i] ** -1 + A[i] ** 2.5\n",
        lambda: [np.full(4, 1.7, np.float32), 4],
        (lambda: [np.linspace(-2, 90, 40, dtype=np.float32), 40], lambda: [np.full(3, 1e30, np.float32), 3]),
    ),
    "empty_loop_under_a_test": Found(  # what the loop assigned was dead: a test with nothing but an empty loop inside went on for ever
        "def empty_loop_under_a_test(A, B, n):\n    B += A\n    if A[0] > 1.0:\n        B[0] = 2.0\n    elif A[1] == A[0] // A[2]:\n"
        "        t = 0.0\n        for i in range(n):\n            if i == 2:\n                t = i\n",
        lambda: [np.ones(4), np.ones(4), 4],
        (lambda: [np.array([1.0, 2, 0]), np.ones(3), 3], lambda: [np.array([2.0, 2, 0]), np.ones(3), 0]),
    ),
    "end_that_moves_with_its_loop": Found(  # isl's bound of a skewed loop named the loop's own variable
        "def end_that_moves_with_its_loop(A, B, n, m):\n    for i in range(m):\n        for j in range(n - 2, 0, -2):\n"
        "            B[i, j] += A[n - 1 - j, n - 1 - j] * A[j - 1, -1]\n            for k in range(i, m):\n                A[j, j] += 1\n"
        "            A[n - 1 - j][j] *= 2\n",
        lambda: [np.ones((6, 6)), np.ones((5, 6)), 6, 5],
        (lambda: [np.arange(81.0).reshape(9, 9), np.ones((5, 9)), 9, 5],),
    ),
    **{
        f"complex_squares_{number}": Found(  # NumPy's loop never passed its check: it has other bits where both operands have gaps
            f"def complex_squares_{number}(A, B):\n    B[...] = A * 2\n    {text}\n    return B + A\n",
            lambda: [np.full((4, 4), 1.3 - 0.7j), np.zeros((4, 4), complex)],
            tuple(
                lambda shape=shape: [np.random.default_rng(2).normal(size=(*shape, 2)).view(complex)[..., 0], np.zeros(shape, complex)]
                for shape in ((9, 1), (1, 9), (9, 9), (50, 70), (0, 3))
            ),
        )
        for number, text in enumerate(
            ("B = np.square(A)", "B[...] = np.square(A)", "np.square(B, out=B)", "B **= 2", "B += A * np.square(A[0])")
        )
    },
    "flags_of_what_a_range_decides": Found(  # a quotient of what has no sign has none: gcc left it out
        "def flags_of_what_a_range_decides(A, C, x):\n    A[0] = np.signbit(0.5 / C)\n    A[1] = abs(x / C) < 0\n"
        "    q = 0.5 / C[0]\n    for i in range(len(C)):\n        A[2, i] = i > 2 and (C[i] / x) ** 2 < 0.0\n        A[3, i] = q < 0.0\n",
        lambda: [np.ones((4, 4), bool), np.ones(4, bool), 2.0],
        (lambda: [np.ones((4, 4), bool), np.zeros(4, bool), 2.0], lambda: [np.ones((4, 4), bool), np.ones(4, bool), 0.0]),
    ),
    "steered_loop_that_runs_down": Found(  # the verifier wanted positive steps there too
        "def steered_loop_that_runs_down(A, n):\n    for i in range(n - 2, 0, -2):\n        if A[i - 1] < 1.0:\n            break\n"
        "        A[i + 1] = 3.0\n",
        lambda: [np.ones(6), 6],
        (lambda: [np.array([1.0, -2.0, 3.0, 4.0, 5.0, 6.0, 7.0]), 7],),
    ),
    "sign_of_what_is_never_negative": Found(
        "def sign_of_what_is_never_negative(A):\n    return np.sign(A) * 2 + A\n",
        lambda: [np.arange(4, dtype=np.uint8)],
        (lambda: [np.array([0, 255, 3], np.uint8)],),
    ),
    "failure_in_a_loop_to_data": Found(  # went on to the end of the loop, for ever
        "def failure_in_a_loop_to_data(A, k):\n    s = 0.0\n    for i in range(len(k)):\n        for j in range(k[i]):\n"
        "            s += A[i, j]\n    return s\n",
        lambda: [np.ones((4, 4)), np.arange(4)],
        (lambda: [np.ones((4, 4)), np.full(4, 2**40)], lambda: [np.ones((4, 70_000)), np.full(4, 70_000)]),
    ),
    "flags_before_minimum": Found(  # NumPy's minimum clears the flags that the division has raised
        "def flags_before_minimum(A, n):\n    for i in range(n):\n        A[i] = A[i] / i\n    return A.min()\n",
        lambda: [np.ones(4), 4],
        (lambda: [np.ones(4), 4], lambda: [np.zeros(4), 4]),
        runs=False,
    ),
    "flags_of_overwritten_elements": Found(  # gcc drops a store that another one overwrites, and the division with it
        "def flags_of_overwritten_elements(A, s):\n    A += A / s\n    A[:] = 0.5\n",
        lambda: [np.ones(4), 2.0],
        (lambda: [np.ones(4), 0.0], lambda: [np.ones(4), 1e-320]),
    ),
    "flags_of_a_store_that_stays": Found(  # ... and computes only the last of the values that a loop stores into one element
        "def flags_of_a_store_that_stays(A, n):\n    for i in range(n):\n        A[0] = A[1] / (i - 2)\n",
        lambda: [np.ones(4), 2],
        (lambda: [np.ones(4), 5],),
    ),
    "flags_of_sums_that_nobody_reads": Found(  # an array that only its own updates read is dead, in the rows that are left over too
        "def flags_of_sums_that_nobody_reads(A, s, n):\n    q = np.sum(A / np.maximum(s, A), axis=0)\n    t = 0\n"
        "    for i in range(n):\n        t = t + i\n    return t\n",
        lambda: [np.ones((3, 4)), 0.5, 5],
        (lambda: [np.zeros((3, 4)), 0.0, 5], lambda: [np.eye(7), 0.0, 5]),
    ),
    "scalar_converted_for_an_empty_array": Found(  # NumPy converts a scalar operand before it looks at the array
        "def scalar_converted_for_an_empty_array(A, s):\n    return (A - s) * A\n",
        lambda: [np.ones(4, np.float32), 2.0],
        (lambda: [np.ones(0, np.float32), 1e300], lambda: [np.ones(3, np.float32), 1e300]),
    ),
    "integer_converted_for_an_empty_array": Found(
        "def integer_converted_for_an_empty_array(A, k):\n    return (A - k) * A\n",
        lambda: [np.ones(4, np.int32), 2],
        (lambda: [np.ones(0, np.int32), 2**40], lambda: [np.ones(3, np.int32), 2**40]),
    ),
    "the_conjugate_of_truth_values": Found(  # the method answers the array itself, the function an array of int8
        "def the_conjugate_of_truth_values(A, B):\n    C = A.conj()\n    D = ~C\n    k = 0\n    for i in range(A.shape[0]):\n"
        "        if A[i].conj() & B[i]:\n            k += 1\n    return D, np.conj(A) + np.conj(B), k\n",
        lambda: [np.array([True, False, True]), np.array([True, True, False])],
        (lambda: [np.array([False]), np.array([True])],),
    ),
    "a_list_of_a_negative_length": Found(
        "def a_list_of_a_negative_length(A, n):\n    A[1:-1] = A[2:] * 2.0\n    q = np.argmin(A)\n"
        "    return q, [A[n - 1 - i] for i in range(n)], [[A[i] for i in range(n)] for j in range(2)]\n",
        lambda: [np.arange(6.0), 4],
        (lambda: [np.arange(6.0), -4], lambda: [np.arange(6.0), 0]),
    ),
    "a_row_without_elements_that_is_not_there": Found(  # the subscript was looked at with each element only
        "def a_row_without_elements_that_is_not_there(C, n):\n    w = 0\n    while w < n:\n        w += 1\n"
        "        C[w, :] = 2 + C[w - 1]\n    return w\n",
        lambda: [np.ones((5, 3)), 4],
        (lambda: [np.ones((1, 0)), 3], lambda: [np.ones((2, 0)), 1], lambda: [np.ones((2, 0)), 3], lambda: [np.ones((2, 3)), 3]),
    ),
    "what_stands_behind_a_continue_in_an_elif": Found(  # it was left out behind the first branch
        "def what_stands_behind_a_continue_in_an_elif(A, n):\n    for i in range(A.shape[0]):\n        if i == n:\n"
        "            A[0] = A[1]\n        elif i > 2:\n            continue\n        A[i] = 7.0\n    return A\n",
        lambda: [np.arange(6.0), 4],
        (lambda: [np.arange(6.0), 1], lambda: [np.arange(9.0), 20]),
    ),
    "rows_of_a_loop_that_is_left": Found(  # eight of them ran side by side, whatever the first one decided
        "def rows_of_a_loop_that_is_left(B, n):\n    for i in range(n):\n        for j in range(n):\n            B[i] *= 0.5 + j\n"
        "        if i != 2:\n            break\n    return B\n",
        lambda: [np.ones(20), 20],
        (lambda: [np.ones(9), 9], lambda: [np.ones(30), 17]),
    ),
    "a_search_that_changes_nothing": Found(  # its subscripts were not looked at
        "def a_search_that_changes_nothing(A, B, n):\n    for i in range(n):\n        for j in range(n - 1, -1, -1):\n"
        "            if B[0, 1] != B[j, j]:\n                break\n        A[i] = i\n    return A\n",
        lambda: [np.zeros(4), np.ones((4, 4)), 4],
        (lambda: [np.zeros(4), np.ones((1, 1)), 1], lambda: [np.zeros(4), np.eye(3), 4], lambda: [np.zeros(4), np.ones((0, 0)), 0]),
    ),
    "flags_of_products": Found(  # numpy.dot looks for them, which was not known
        "def flags_of_products(A, x):\n    return np.dot(A, A), np.dot(x, x), A @ A, np.linalg.norm(A)\n",
        lambda: [np.eye(4), np.ones(4)],
        (
            lambda: [np.full((4, 4), 1e300), np.ones(4)],
            lambda: [np.eye(4), np.full(9, 1e300)],
            lambda: [np.diag([np.inf, 0.0, 1.0]), np.ones(4)],
        ),
    ),
    "rows_without_elements_that_are_not_there": Found(
        "def rows_without_elements_that_are_not_there(C, at, k):\n    D = C[at] * 2.0\n    C[at, k] = 0.5\n    return D\n",
        lambda: [np.ones((5, 3)), np.array([1, 4]), 2],
        (lambda: [np.ones((1, 0)), np.array([5]), 0], lambda: [np.ones((2, 3)), np.array([], np.int64), 7]),
    ),
}


@pytest.fixture(scope="module")
def found_module(tmp_path_factory: pytest.TempPathFactory) -> Built:
    text = "import math\nimport numpy as np\n\n\n" + "\n\n".join(found.source for found in FOUND.values())
    calls = {name: [found.usual()] for name, found in FOUND.items()}
    return build(tmp_path_factory.mktemp("found"), "found", text, profile_of(text, "found.mod", calls))


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_stays_mended(found_module: Built, name: str) -> None:
    regions = [region for module in found_module.compiled.report.modules for region in module.regions if region.function == name]
    assert regions, "nothing of it is optimised any more"
    states = [getattr(found_module.built._polyopt, region.name).__self__ for region in regions]
    refusals = []
    for telling in (FOUND[name].usual, *FOUND[name].telling):
        plain, built = observe(getattr(found_module.plain, name), telling()), observe(getattr(found_module.built, name), telling())
        refusals += [state.refusal for state in states]
        assert difference(plain, built) is None
    assert None in refusals or not FOUND[name].runs, refusals


def test_a_window_has_the_size_of_a_tile_or_none(found_module: Built) -> None:
    name = "window_from_the_larger_of_two"
    getattr(found_module.built, name)(*FOUND[name].usual())
    assert getattr(found_module.built._polyopt, f"{name}_0").__self__.refusal is None
