"""What a Ray cluster gains and costs: ``python benchmarks/ray_cluster.py`` (needs ray, a C compiler and about 4 GB of memory).

Two raylets of one processor each are started on this machine, so at least two processors should be idle.

* Speed: compute-bound regions of the sample project, on one raylet, then on two.
* Bytes: regions whose arrays are 500 MB; what goes from the driver's node to the other one is read off the loopback device, over which the
  two raylets talk, and compared with the size of the arrays.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from benchmarks.building import build_copy  # noqa: E402
from benchmarks.equality import difference  # noqa: E402
from setuptools_polyopt.config import Settings  # noqa: E402

SAMPLE = ROOT / "sample_project" / "src" / "radarlab"
STORE = 2 * 10**9


@contextmanager
def cluster(folder: Path) -> Iterator[Any]:
    """A head node of one processor whose workers find the packages in ``folder``; the process is its driver."""
    os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    import ray
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": STORE, "include_dashboard": False})
    try:
        ray.init(address=made.address, log_to_driver=False)
        yield made
    finally:
        ray.shutdown()
        made.shutdown()


def build(folder: Path) -> None:
    """The sample's kernels with Ray variants, below ``folder``."""
    build_copy(SAMPLE, ["kernels"], ROOT / "sample_project" / "polyopt-profile.json", folder, Settings(targets=("cpu", "ray")))


def timed(function: Callable[[], Any], rounds: int) -> tuple[float, Any]:
    """The median of some runs, and the last result."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        result = function()
        times.append(time.perf_counter() - start)
    return statistics.median(times), result


def loopback() -> int:
    """Bytes that the loopback device has sent."""
    for line in Path("/proc/net/dev").read_text(encoding="ascii").splitlines():
        name, _, numbers = line.partition(":")
        if name.strip() == "lo":
            return int(numbers.split()[8])
    raise RuntimeError("there is no loopback device to measure")


def regions(kernels: Any, scale: float) -> dict[str, Callable[[], Any]]:
    """Calls that take some seconds on one processor: much work on little data, and on 70 MB of it with as much to bring back."""
    rng = np.random.default_rng(1)
    echo, replica, rates = rng.standard_normal(20_000), rng.standard_normal(20_000), np.linspace(0.0, 0.5, int(180 * scale))
    data = rng.random((3000, int(4500 * scale**0.5)))
    return {
        "covariance (3000 observations, 4500 variables)": lambda: kernels.covariance(data),
        "ambiguity (180 rates, 2400 delays, 20000 samples)": lambda: kernels.ambiguity(echo, replica, rates, 2400),
    }


def speed(made: Any, kernels: Any, scale: float, rounds: int, brief: bool) -> None:
    """The same regions on one raylet and on two."""
    kernels.covariance(np.random.default_rng(1).random((64, 64)))  # the worker starts
    calls = regions(kernels, scale)
    if brief:
        calls = dict(list(calls.items())[:1])
    one = {name: timed(call, rounds) for name, call in calls.items()}
    made.add_node(num_cpus=1, object_store_memory=STORE)
    made.wait_for_nodes()
    time.sleep(6)  # until the driver asks for the number of processors again
    for _ in range(3):  # the other node's worker starts
        kernels.covariance(np.random.default_rng(1).random((640, 640)))
        time.sleep(1)
    for name, call in calls.items():
        two, result = timed(call, rounds)
        same = difference(one[name][1], result) or "same bits"
        print(f"{name}: one raylet {one[name][0]:.2f} s, two {two:.2f} s: {one[name][0] / two:.2f} times faster; {same}")


def shipped(kernels: Any, megabytes: int) -> None:
    """How much of a large region's arrays goes over the wire."""
    rows = 500
    columns = megabytes * 10**6 // 8 // rows
    echoes = np.random.default_rng(2).random((rows, columns))
    size = max(1, int((megabytes * 10**6 / 16) ** 0.5))
    a, b = echoes.reshape(-1)[: size * 64].reshape(size, 64), echoes.reshape(-1)[: 64 * size].reshape(64, size)
    total = np.zeros(columns)
    calls = {
        "integrate": (lambda: kernels.integrate(total, echoes, 0.5), echoes.nbytes + total.nbytes, total.nbytes),
        "matmul": (lambda: kernels.matmul(a, b), a.nbytes + b.nbytes, size * size * 8),
    }
    for name, (call, read, written) in calls.items():
        before = loopback()
        start = time.perf_counter()
        call()
        taken = time.perf_counter() - start
        sent = loopback() - before
        most = read + written
        print(
            f"{name}: arrays of {most / 1e6:.0f} MB ({read / 1e6:.0f} read, {written / 1e6:.0f} written): {sent / 1e6:.0f} MB "
            f"over the wire, {sent / most:.2f} of them (each byte once: at most 1), in {taken:.1f} s"
        )


def main() -> None:
    """Both measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="work of the regions")
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--built", type=Path, help="a folder that has the built package, if it need not be built")
    parser.add_argument("--brief", action="store_true", help="only the speed of one region")
    options = parser.parse_args()
    os.environ["POLYOPT_RAY"] = "auto"
    with tempfile.TemporaryDirectory(prefix="polyopt-ray-") as scratch:
        folder = options.built or Path(scratch)
        if options.built is None:
            build(folder)
        sys.path.insert(0, str(folder))
        with cluster(folder) as made:
            from radarlab import kernels

            speed(made, kernels, options.scale, options.rounds, options.brief)
            if not options.brief:
                shipped(kernels, options.megabytes)


if __name__ == "__main__":
    main()
