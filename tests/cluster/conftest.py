"""One Ray cluster for all tests: a head and a second raylet, each with one processor and one GPU that is not there, on this machine.

Workers that import CuPy get the stand-in of `tests/gpu`, which writes down what it launches.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster_harness import STORE, Ready
from ray_programs import CALLS, TEXT

GPU = Path(__file__).resolve().parents[1] / "gpu"
sys.path.append(str(GPU))

CUPY = """
import os, sys
sys.path.append({gpu!r})
import standin

def noted(self, *args, launch=standin.Kernel.__call__):
    launch(self, *args)
    with open({log!r}, "a") as log:
        print(os.getpid(), os.environ.get("CUDA_VISIBLE_DEVICES"), self.name, file=log)

standin.Kernel.__call__ = noted
sys.modules["cupy"] = standin.module()
"""


@pytest.fixture(scope="session")
def session_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ready]:
    """The cluster, for all tests."""
    import ray
    from built import build, profile_of
    from ray.cluster_utils import Cluster

    from setuptools_polyopt.config import Settings

    folder = tmp_path_factory.mktemp("ray")
    before = dict(os.environ)
    fake = tmp_path_factory.mktemp("cupy")
    (fake / "cupy.py").write_text(CUPY.format(gpu=str(GPU), log=str(folder / "launches")))
    os.environ["PYTHONPATH"] = os.pathsep.join([str(fake), str(folder), before.get("PYTHONPATH", "")])
    os.environ |= {"POLYOPT_RAY": "auto", "RAY_ENABLE_METRICS_COLLECTION": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
    made = build(folder, "rayprograms", TEXT, profile_of(TEXT, "rayprograms.mod", CALLS), Settings(targets=("cpu", "ray")))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            head = {"num_cpus": 1, "num_gpus": 1, "object_store_memory": STORE, "include_dashboard": False}
            cluster = Cluster(initialize_head=True, head_node_args=head)
            ray.init(address=cluster.address, log_to_driver=False)
        except Exception as error:  # noqa: BLE001 -- Ray's own, whatever the machine lacks: memory, ports, time
            os.environ.clear()
            os.environ.update(before)
            pytest.skip(f"Ray does not start here: {error}")
        sys.path.insert(0, str(folder))
        try:
            yield Ready(cluster, made, folder)
        finally:
            ray.shutdown()
            cluster.shutdown()
            sys.path.remove(str(folder))
            os.environ.clear()
            os.environ.update(before)


@pytest.fixture
def ready(session_cluster: Ready) -> Ready:
    """The cluster, whole."""
    session_cluster.again()
    return session_cluster
