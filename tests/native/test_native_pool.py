"""The pool, from outside: coverage, failures, flags, forks, several callers, signals, memory. Each in a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import build_example
import pytest

Script = Callable[..., Any]
HEAD = """
import os, sys, threading, time
import numpy as np
from example import user
from example._polyopt import _native
regions = user._polyopt

def squares(n, grain=1, fail_at=-1, temporaries=1, work=1e9):
    out = np.zeros(n, "i8")
    result = regions.squares(out, grain, fail_at, temporaries, work)
    if result is None:
        assert not out.any()
        return regions.squares.__self__.refusal
    assert np.array_equal(out, np.arange(n) ** 2), (n, grain)
    return None
"""


def body(text: str) -> str:
    return HEAD + "\n".join(line.removeprefix("        ") for line in text.splitlines())


@pytest.mark.parametrize("threads", ["1", "2", "5"])
def test_every_iteration_runs_once(script: Script, threads: str) -> None:
    text = body("""
        for n in [0, 1, 2, 3, 7, 64, 1000, 12345]:
            for grain in [1, 3, 100, 10**6]:
                for work in [0.0, 1e9]:
                    assert squares(n, grain, work=work) is None
        status = _native.status()
        wanted = int(os.environ["POLYOPT_NUM_THREADS"])
        assert status["threads"] == wanted, status
        assert status["running"] == wanted - 1, status
        assert (status["jobs"] > 0) == (wanted > 1), status
    """)
    script(text, POLYOPT_NUM_THREADS=threads)


def test_one_failing_iteration_fails_the_call(script: Script) -> None:
    text = body("""
        for n in [1, 10, 1000]:
            for fail_at in {0, n // 2, n - 1}:
                assert squares(n, fail_at=fail_at) == "kernel: an operation would raise"
        assert squares(1000) is None
    """)
    script(text, POLYOPT_NUM_THREADS="4")


def test_flags_of_all_threads_are_seen(script: Script) -> None:
    text = body("""
        n = 4000
        for fail_at in [0, n // 4 + 5, n // 2 + 5, n - 1]:
            assert regions.flags(np.zeros(n, "i8"), 1, fail_at, 1, 1e9) is None
            assert regions.flags.__self__.refusal == "kernel: floating-point flag"
            with np.errstate(divide="ignore"):
                assert regions.flags(np.zeros(n, "i8"), 1, fail_at, 1, 1e9) == ()
        for _ in range(50):
            assert regions.flags(np.zeros(n, "i8"), 1, -1, 1, 1e9) == ()
    """)
    script(text, POLYOPT_NUM_THREADS="4")


@pytest.mark.parametrize(
    ("environment", "threads"),
    [
        ({"POLYOPT_NUM_THREADS": "3"}, 3),
        ({"OMP_NUM_THREADS": "4,2"}, 4),
        ({"POLYOPT_NUM_THREADS": "2", "OMP_NUM_THREADS": "7"}, 2),
        ({"POLYOPT_NUM_THREADS": "0", "OMP_NUM_THREADS": "7"}, 7),
        ({"POLYOPT_NUM_THREADS": "many", "OMP_NUM_THREADS": "-1"}, None),
    ],
)
def test_thread_count(script: Script, environment: dict[str, str], threads: int | None) -> None:
    text = body(
        "print(_native.status()['threads'], len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count())"
    )
    found, available = map(int, script(text, **environment).stdout.split())
    assert found == threads if threads else 1 <= found <= available


@pytest.mark.skipif(not hasattr(__import__("os"), "sched_setaffinity"), reason="no affinity masks here")
def test_the_affinity_mask_bounds_the_threads(script: Script) -> None:
    text = "import os\nos.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n" + body(
        "assert _native.status()['threads'] == 1"
    )
    script(text)


def test_levels(script: Script) -> None:
    text = body(
        "print(_native.status()['level']); regions.axpy(1.0, np.ones(2), np.ones(2)); print(regions.axpy.__self__.variant)"
    )
    level, variant = script(text, POLYOPT_CPU_LEVEL="v2").stdout.splitlines()
    assert (level, variant) == ("v2", "cpu base, 1 thread")  # the example has no v2 kernels
    assert script(text, POLYOPT_CPU_LEVEL="base").stdout.splitlines() == ["base", "cpu base, 1 thread"]
    assert script(text, POLYOPT_CPU_LEVEL="v9").stdout == script(text).stdout


def test_no_threads_are_left_at_a_fork(script: Script) -> None:
    """Also no DeprecationWarning on 3.12+, which is shown, since os.fork() swallows it where it is an error."""
    text = body("""
        import warnings
        warnings.simplefilter("always")
        def family():
            assert squares(1000) is None
            assert _native.status()["running"] == 3
        family()
        for _ in range(5):
            child = os.fork()
            if child == 0:
                try:
                    assert _native.status()["running"] == 0
                    family()
                    grandchild = os.fork()
                    if grandchild == 0:
                        family()
                        os._exit(0)
                    status = os.waitpid(grandchild, 0)[1]
                    os._exit(status != 0)
                except BaseException as error:
                    print(repr(error), flush=True)
                    os._exit(1)
            assert _native.status()["running"] == 0
            family()
            assert os.waitpid(child, 0)[1] == 0
    """)
    done = script(text, POLYOPT_NUM_THREADS="4")
    assert (done.stdout, done.stderr) == ("", "")


def test_a_fork_while_another_thread_computes(script: Script) -> None:
    text = body("""
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # Python's own other thread
        stop = False
        def busy():
            while not stop:
                assert squares(20000) is None
        thread = threading.Thread(target=busy)
        thread.start()
        for _ in range(20):
            child = os.fork()
            if child == 0:
                ok = squares(1000) is None and _native.status()["running"] == 3
                os._exit(not ok)
            assert os.waitpid(child, 0)[1] == 0
        stop = True
        thread.join()
    """)
    script(text, POLYOPT_NUM_THREADS="4")


def test_several_python_threads_at_once(script: Script) -> None:
    text = body("""
        problems = []
        def work():
            try:
                for k in range(150):
                    assert squares(500 + k, grain=7) is None
                    assert squares(100, fail_at=50) is not None
            except BaseException as error:
                problems.append(error)
        threads = [threading.Thread(target=work) for _ in range(5)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert not problems, problems
    """)
    script(text, POLYOPT_NUM_THREADS="3")


def test_errstate_holds_in_every_python_thread(script: Script) -> None:
    text = body("""
        found = {}
        def work(mode):
            with np.errstate(divide=mode):
                found[mode] = [regions.flags(np.zeros(100, "i8"), 1, 7, 1, 1e9) for _ in range(50)]
        threads = [threading.Thread(target=work, args=(mode,)) for mode in ("ignore", "warn")]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert found == {"ignore": [()] * 50, "warn": [None] * 50}
    """)
    script(text, POLYOPT_NUM_THREADS="2")


def test_keyboard_interrupt_in_a_long_kernel(script: Script) -> None:
    text = body("""
        import signal
        ticks = np.zeros(1, "i8")
        signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs of a shell ignore it
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        start = time.perf_counter()
        try:
            regions.wait(ticks, 10**9)
        except KeyboardInterrupt:
            pass
        else:
            raise AssertionError("not interrupted")
        assert time.perf_counter() - start < 5
        assert ticks[0] > 0
        assert regions.wait(ticks, 10) == ()
    """)
    script(text)


def test_a_signal_handler_that_returns_lets_the_kernel_go_on(script: Script) -> None:
    text = body("""
        import signal
        calls = []
        signal.signal(signal.SIGALRM, lambda *_: calls.append(time.perf_counter()))
        ticks = np.zeros(1, "i8")
        regions.wait(ticks, 20000)
        start = time.perf_counter(); regions.wait(ticks, 20000); each = (time.perf_counter() - start) / 20000
        rounds = int(0.8 / each)
        ticks[0] = 0
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        assert regions.wait(ticks, rounds) == ()
        end = time.perf_counter()
        assert ticks[0] == rounds
        assert len(calls) == 1 and calls[0] < end - 0.05, (calls, end)
    """)
    script(text)


def test_the_gil_is_free_while_a_long_kernel_runs(script: Script) -> None:
    text = body("""
        counted = 0
        done = False
        def count():
            global counted
            while not done:
                counted += 1
                time.sleep(0.001)
        thread = threading.Thread(target=count)
        thread.start()
        ticks = np.zeros(1, "i8")
        before = counted
        regions.wait(ticks, 300000)
        during = counted - before
        done = True
        thread.join()
        assert during > 20, during
    """)
    script(text)


def test_no_memory_for_a_temporary_means_the_original(script: Script) -> None:
    text = body("""
        import resource
        assert squares(4, temporaries=10) is None
        limit = 600 << 20
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        for _ in range(3):
            assert squares(4, temporaries=200 << 20) == "kernel: no memory"
            assert squares(4, temporaries=2**58) == "kernel: no memory"
        assert regions.create(10, (200 << 20,), 0) is None
        assert squares(100, temporaries=1000) is None
    """)
    script(text, POLYOPT_NUM_THREADS="2")


def test_temporaries_larger_than_the_callers_block(script: Script) -> None:
    text = body("""
        for temporaries in [1, 8, 100, 255, 256, 257, 1000, 8192, 100_000, 1_000_000]:
            assert squares(50, temporaries=temporaries) is None
            assert squares(50, temporaries=temporaries, work=0.0) is None
    """)
    script(text, POLYOPT_NUM_THREADS="3")


def test_workers_adopt_the_callers_denormal_mode(script: Script, tmp_path: Path) -> None:
    """With flush-to-zero in the caller a denormal is zero in every thread; afterwards it is not."""
    if build_example.MACHINE != "x86_64":
        pytest.skip("sets MXCSR")
    source = tmp_path / "mode.c"
    source.write_text(
        "#include <xmmintrin.h>\nvoid set_mode(unsigned m) { _mm_setcsr(m); }\nunsigned mode(void) { return _mm_getcsr(); }\n"
    )
    build_example.run(["gcc", "-shared", "-fPIC", "-o", str(tmp_path / "mode.so"), str(source)])
    text = body(f"""
        import ctypes
        mode = ctypes.CDLL({str(tmp_path / "mode.so")!r})
        u = np.full(200002, 3e-310)
        normal = regions.smooth(u)
        assert normal is None  # underflow
        with np.errstate(all="ignore"):
            (normal,) = regions.smooth(u)
            assert (normal > 0).all()
            before = mode.mode()
            mode.set_mode(0x1f80 | 0x8040)
            (flushed,) = regions.smooth(u)
            mode.set_mode(before)
            assert _native.status()["jobs"] >= 2
            assert regions.smooth.__self__.variant.endswith("4 threads"), regions.smooth.__self__.variant
            (again,) = regions.smooth(u)
        zero = flushed.view("u8") == 0
        assert zero.all()
        assert (again > 0).all()
    """)
    script(text.replace("assert normal is None  # underflow", "del normal"), POLYOPT_NUM_THREADS="4")


def test_two_extensions_share_one_pool(script: Script, built: Path) -> None:
    if not (built / "second").exists():
        build_example.build(built, "second")
    text = body("""
        from second import user as other
        from second._polyopt import _native as second
        assert _native.status()["own_pool"] and not second.status()["own_pool"]
        assert squares(1000) is None
        out = np.zeros(1000, "i8")
        assert other._polyopt.squares(out, 1, -1, 1, 1e9) == ()
        assert np.array_equal(out, np.arange(1000) ** 2)
        assert second.status()["jobs"] == _native.status()["jobs"] == 2
        assert second.status()["running"] == _native.status()["running"] == 3
        assert len(os.listdir("/proc/self/task")) <= 4 if os.path.exists("/proc/self/task") else True
        if os.fork() == 0:
            os._exit(0)
        assert os.wait()[1] == 0
    """)
    script(text, POLYOPT_NUM_THREADS="4")


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the check is new in 3.12")
def test_a_fork_with_workers_would_warn(script: Script) -> None:
    """The fork tests above can fail: a Python thread that is alive makes the same fork warn."""
    text = body("""
        import warnings
        warnings.simplefilter("always")
        stop = threading.Event()
        threading.Thread(target=stop.wait).start()
        if os.fork() == 0:
            os._exit(0)
        stop.set()
    """)
    assert "DeprecationWarning" in script(text).stderr
