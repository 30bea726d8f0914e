"""The program that is profiled runs as if it ran alone: exit status, output, arguments, modules, threads."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from profiled import Sandbox


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 0),
        ("import sys; sys.exit(7)", 7),
        ("import sys; sys.exit('stopped')", 1),
        ("raise SystemExit", 0),
        ("1 / 0", 1),
        ("import os, signal; os.kill(os.getpid(), signal.SIGINT); import time; time.sleep(5)", -2),
    ],
)
def test_outcome_passes_through(sandbox: Sandbox, body: str, status: int) -> None:
    if status == -2 and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        pytest.skip("interrupts are ignored here, as in a shell's background")
    sandbox.write(work=f"def f(x):\n    return x\n\n\nprint(f(1))\n{body}\n")
    plain = sandbox.python("work.py")
    done = sandbox.run("work.py")
    assert done.status == plain.status == status
    assert done.out == plain.out == "1\n"
    own = [line for line in done.err.splitlines() if not line.startswith("polyopt-profile: ")]
    if status != -2:
        assert own == plain.err.splitlines()
    assert sandbox.functions()["work:f"].calls == 1


def test_script_sees_what_it_would_see(sandbox: Sandbox) -> None:
    text = """
    import json, os, sys
    import pickle


    class Local:
        pass


    def facts():
        pickle.loads(pickle.dumps(Local()))
        main = sys.modules["__main__"]
        return [sys.argv, sys.path[0], __name__, __file__, main.__file__, str(__spec__), __doc__, sorted(vars(main))]


    print(json.dumps(facts()))
    """
    (sandbox.root / "scripts").mkdir()
    sandbox.write(scripts__work=text)
    plain = sandbox.python("scripts/work.py", "--flag", "-m", "--")
    done = sandbox.run("scripts/work.py", "--flag", "-m", "--")
    assert done.out == plain.out
    assert sandbox.functions()["scripts.work:facts"].calls == 1


def test_module_sees_what_it_would_see(sandbox: Sandbox) -> None:
    text = """
    import sys
    from . import helper


    def main():
        print(sys.argv, sys.path[0], __name__, __package__, __spec__.name, helper.f(2))


    main()
    """
    sandbox.write(tool__init="", tool__main=text, tool__helper="def f(x):\n    return x\n")
    plain = sandbox.python("-m", "tool", "a", "-b")
    done = sandbox.run("-m", "tool", "a", "-b")
    assert done.out == plain.out
    assert {"tool.__main__:main", "tool.helper:f"} == sandbox.functions().keys()


def test_failing_tests_still_give_a_profile(sandbox: Sandbox) -> None:
    sandbox.write(
        small="def f(x):\n    return x\n", test_small="import small\n\n\ndef test_f():\n    assert small.f(1) == 2\n"
    )
    done = sandbox.run("-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert done.status == 1
    assert "1 failed" in done.out
    assert sandbox.functions()["small:f"].calls == 1


def test_nothing_called_leaves_the_profile(sandbox: Sandbox) -> None:
    sandbox.profile_path.write_text("as it was")
    sandbox.write(test_small="def test_f():\n    pass\n")
    done = sandbox.run("-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert done.status == 0
    assert "no function of the project was called" in done.err
    assert sandbox.profile_path.read_text() == "as it was"


def test_threads_are_traced_to_their_end(sandbox: Sandbox) -> None:
    sandbox.write(
        work="""
        import atexit, threading, time
        from concurrent.futures import ThreadPoolExecutor


        def f(x):
            return x


        def late(x):
            time.sleep(0.2)
            f(x)


        atexit.register(f, 2.5)
        pool = ThreadPoolExecutor(3)
        list(pool.map(f, range(50)))
        threading.Thread(target=late, args=(7,)).start()
        """
    )
    done = sandbox.run("work.py")
    assert (done.status, done.out) == (0, "")
    assert sandbox.functions()["work:f"].calls == 52
    assert len(sandbox.variants("work:f")) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_children_do_not_write(sandbox: Sandbox) -> None:
    sandbox.write(
        work="""
        import os, sys


        def f(x):
            return x


        f(1)
        child = os.fork()
        if child == 0:
            f(2.0)
            sys.exit(3)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
        """
    )
    done = sandbox.run("work.py")
    assert done.status == 0, done.err
    assert done.err.count("written to") == 1
    assert sandbox.functions()["work:f"].calls == 1


def test_another_profiler_is_said_in_one_line(sandbox: Sandbox) -> None:
    sandbox.write(
        work="""
        import sys


        def f(x):
            return x


        f(1)
        sys.setprofile(lambda *event: None)
        f(2)
        """
    )
    done = sandbox.run("work.py")
    assert done.status == 0
    assert done.err.count("another profiler") == 1
    assert sandbox.functions()["work:f"].calls == 1
    sandbox.profile_path.unlink()
    sandbox.write(
        launch="""
        import sys
        from polyopt_profiler.cli import main

        sys.setprofile(lambda *event: None)
        main(["run", "--", "work.py"])
        """
    )
    done = sandbox.python("launch.py")
    assert done.status == 0
    assert done.err.count("\n") == 1
    assert "another profiler is active" in done.err
    assert not sandbox.profile_path.exists()


def test_coverage_style_tracing_goes_on(sandbox: Sandbox) -> None:
    sandbox.write(
        work="""
        import sys

        lines = []


        def trace(frame, event, arg):
            if frame.f_code.co_name == "f":
                lines.append(event)
            return trace


        def f(x):
            y = x
            return y


        sys.settrace(trace)
        f(1)
        sys.settrace(None)
        print(lines)
        """
    )
    plain = sandbox.python("work.py")
    done = sandbox.run("work.py")
    assert done.out == plain.out
    assert sandbox.functions()["work:f"].calls == 1


def test_objects_that_resist(sandbox: Sandbox) -> None:
    sandbox.write(
        work="""
        class Meta(type):
            def __getattribute__(cls, name):
                if name in ("__mro__", "__module__", "__qualname__", "__dict__"):
                    raise RuntimeError("no " + name)
                return super().__getattribute__(name)


        class Odd(metaclass=Meta):
            def __eq__(self, other):
                raise RuntimeError("not comparable")

            def __len__(self):
                raise RuntimeError("no length")

            def __getattribute__(self, name):
                raise RuntimeError("no attributes")


        def f(x):
            return 1 if type(x) is Odd else x.real


        f(1)
        f(Odd())
        """
    )
    done = sandbox.run("work.py")
    assert done.status == 0, done.err
    assert "could not be looked at" not in done.err
    assert sandbox.functions()["work:f"].calls == 2
    assert {str(variant.arguments["x"]) for variant in sandbox.variants("work:f")} == {
        "OtherProfile(type='__main__.Odd')",
        "ScalarProfile(type='int', range=Range(minimum=1, maximum=1))",
    }


def test_optimised_code_is_switched_off(sandbox: Sandbox) -> None:
    sandbox.write(work="import os\n\n\ndef f():\n    return os.environ['POLYOPT_DISABLE']\n\n\nprint(f())\n")
    assert sandbox.run("work.py").out == "1\n"
    assert sandbox.run("work.py", POLYOPT_DISABLE="0").out == "0\n"


def test_what_belongs_to_the_project(sandbox: Sandbox, tmp_path: Path) -> None:
    function = "def f(x):\n    return x\n"
    sandbox.write(
        src__small__init="",
        src__small__a=function,
        src__small__tests__deep=function,
        tests__util=function,
        env__lib__site_packages__third=function,
        build__lib__copy=function,
        conftest=function,
        top=function,
    )
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "other.py").write_text(function)
    sandbox.write(
        tests__run="""
        import importlib.util, sys
        from pathlib import Path

        root = Path(__file__).parents[1]
        for path in [*sorted(root.rglob("*.py")), root.parent / "outside/other.py"]:
            if path.name not in ("run.py", "__init__.py"):
                spec = importlib.util.spec_from_file_location(".".join(path.relative_to(root.parent).with_suffix("").parts), path)
                module = importlib.util.module_from_spec(spec)
                spec.loader.exec_module(module)
                module.f(1)
        """
    )
    (sandbox.root / "env/lib/site_packages").rename(sandbox.root / "env/lib/site-packages")
    done = sandbox.run("tests/run.py")
    assert done.status == 0, done.err
    assert set(sandbox.functions()) == {"project.src.small.a:f", "project.top:f"}


def test_modules_can_be_chosen(sandbox: Sandbox) -> None:
    function = "def f(x):\n    return x\n"
    sandbox.write(
        p__a=function, p__b=function, q=function, tests__run="import p.a, p.b, q\np.a.f(1); p.b.f(1); q.f(1)\n"
    )
    environment = {"PYTHONPATH": os.pathsep.join([str(sandbox.root), *sys.path])}
    assert sandbox.run("tests/run.py", options=("--modules", "p"), **environment).status == 0
    assert set(sandbox.functions()) == {"p.a:f", "p.b:f"}
    assert sandbox.run("tests/run.py", options=("--modules", "*.b", "q"), **environment).status == 0
    assert set(sandbox.functions()) == {"p.b:f", "q:f"}


def test_an_installed_copy_is_the_project_too(sandbox: Sandbox, tmp_path: Path) -> None:
    """A plain copy in site-packages, found through the distribution's list of files; the source is elsewhere."""
    site = tmp_path / "site-packages"
    function = "def f(x):\n    return x\n\n\ndef g(x):\n    return x\n"
    sandbox.write(src__small__init=function, tests__run="import small, third\nsmall.f(1)\nthird.f(1)\n")
    (site / "small").mkdir(parents=True)
    binding = "_polyopt_bind = lambda *a: None\n_polyopt = _polyopt_bind(__name__, globals())\n"
    rewritten = f"{binding}\ndef f(x):\n    if 0:\n        pass\n    return x\n"
    (site / "small/__init__.py").write_text(rewritten)
    (site / "third.py").write_text(function)
    (site / "small-1.dist-info").mkdir()
    (site / "small-1.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: small\nVersion: 1\n")
    (site / "small-1.dist-info/RECORD").write_text("small/__init__.py,,\nsmall-1.dist-info/METADATA,,\n")
    done = sandbox.run("tests/run.py", PYTHONPATH=os.pathsep.join([str(site), *sys.path]))
    assert done.status == 0, done.err
    assert set(sandbox.functions()) == {"small:f"}
    shown = sandbox.command("show")
    assert "stale" not in shown.out


def test_output_and_root(sandbox: Sandbox) -> None:
    sandbox.write(src__work="def f(x):\n    return x\n\n\nf(1)\n")
    done = sandbox.command("run", "--", "work.py", cwd=sandbox.root / "src")
    assert done.status == 0
    assert sandbox.profile_path.exists()
    done = sandbox.command("run", "--output", "other.json", "--", "src/work.py")
    assert (sandbox.root / "other.json").read_bytes() == sandbox.profile_path.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run"], "name the program to run"),
        (["run", "--"], "name the program to run"),
        (["run", "--", "-m"], "name the module after -m"),
        (["run", "--", "pytest"], "for a module write: polyopt-profile run -- -m pytest"),
        (["run", "--output", "no/where.json", "--", "work.py"], "does not exist"),
        (["show"], "the profile cannot be read"),
        (["merge", "out.json", "missing.json"], "the profile cannot be read"),
        (["annotate", "work.py"], "not JSON"),
    ],
)
def test_mistakes_end_in_a_message(sandbox: Sandbox, arguments: list[str], message: str) -> None:
    sandbox.write(work="print('ran')\n")
    done = sandbox.command(*arguments)
    assert done.status == 2
    assert message in done.err
    assert "Traceback" not in done.err
    assert done.out == ""
