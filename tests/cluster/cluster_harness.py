"""The cluster that the tests of this folder share, as they see it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

STORE = 100 * 10**6
"""Bytes of each node's object store: little, so that large arrays do not fit."""


class Ready:
    """The cluster, the built programs, and the wheel's modules that the tests look into. folder: where workers find packages."""

    def __init__(self, cluster: Any, built: Any, folder: Path) -> None:
        self.cluster, self.built, self.plain, self.folder = cluster, built.built, built.plain, folder
        self.second = cluster.add_node(num_cpus=1, num_gpus=1, object_store_memory=STORE)
        self.cluster.wait_for_nodes()
        from rayprograms._polyopt import ray_target, ray_worker

        self.target, self.worker = ray_target, ray_worker

    def again(self) -> None:
        """Both nodes are there, and nothing is held against the cluster."""
        if self.second is None:
            self.second = self.cluster.add_node(num_cpus=1, num_gpus=1, object_store_memory=STORE)
            self.cluster.wait_for_nodes()
        self.target._Memory.resting = self.target._Memory.asked = float("-inf")

    def remove_node(self) -> None:
        """Kill the second raylet and its workers."""
        node, self.second = self.second, None
        self.cluster.remove_node(node, allow_graceful=False)
