"""What a network that ONNX Runtime can take over says of itself, and what runs it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

Vectors: TypeAlias = npt.NDArray[np.float32]
Arrays: TypeAlias = tuple[npt.NDArray[Any], ...]
"""Inputs of a network; axis 0 of each is the batch."""
EXPORT_FORMAT = 1
"""Counts changes in how networks are exported; files of another number are made anew."""


@dataclass(frozen=True)
class NetworkSource:
    """A torch network that ONNX Runtime can take over; making one imports nothing heavy.

    Attributes:
        name: for people and file names; letters, digits, `.`, `_` and `-`.
        weights: digest of the weights and of all else that shapes the network.
        load: returns the network on the CPU, in evaluation mode; it maps the inputs to vectors
            `(n, d)`, which need not be of unit length.
        probe: returns inputs of 2 to 16 rows on which export and torch are compared; they should
            look like real ones.
        inputs: name of each input and the axes, besides the batch, whose length may differ from
            call to call: `{"token_ids": (1,)}`.
        packages: distributions whose versions shape the network, besides torch.
    """

    name: str
    weights: str
    load: Callable[[], torch.nn.Module]
    probe: Callable[[], Arrays]
    inputs: Mapping[str, tuple[int, ...]] = field(default_factory=lambda: {"pixels": ()})
    packages: tuple[str, ...] = ()

    @cached_property
    def versions(self) -> dict[str, str]:
        """Versions of all that makes the exported file, by distribution."""
        return {name: version(name) for name in ("torch", "onnxruntime", *self.packages)}

    @cached_property
    def key(self) -> str:
        """Sixteen hexadecimal digits that change with weights, versions and inputs."""
        inputs = [(name, list(axes)) for name, axes in self.inputs.items()]
        made_from = [EXPORT_FORMAT, self.name, self.weights, inputs, sorted(self.versions.items())]
        return hashlib.sha256(json.dumps(made_from).encode()).hexdigest()[:16]


class Network(Protocol):
    """A loaded network, which may be called from several threads.

    `device` is `cpu`, or the torch device that it runs on. `batch_size` is the number of pictures
    in one call that is fast there, `parallel_calls` the number of calls at the same time.
    """

    device: str
    batch_size: int
    parallel_calls: int

    def run(self, *inputs: npt.NDArray[Any]) -> Vectors:
        """Return the vectors `(n, d)` of inputs whose axis 0 is n."""
