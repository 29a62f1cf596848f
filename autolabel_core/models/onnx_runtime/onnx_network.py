"""A network run by ONNX Runtime on the CPU, one thread for each call."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from autolabel_core.foundation.parallel import USABLE_CORES
from autolabel_core.models.onnx_runtime.network import Vectors


class OnnxNetwork:
    """Runs an exported network; rows are the same bytes in any batch and for any threads.

    A call computes in the thread that calls: encoding several batches in several threads is
    faster than one batch with all cores, and leaves the order of sums alone.
    """

    device = "cpu"
    # What lies between the layers of one picture stays in the processor's cache.
    batch_size = 1
    parallel_calls = USABLE_CORES

    def __init__(self, model: bytes) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )
        self._names = [declared.name for declared in self._session.get_inputs()]

    def run(self, *inputs: npt.NDArray[Any]) -> Vectors:
        """Return the vectors `(n, d)` of inputs whose axis 0 is n."""
        (vectors,) = self._session.run(None, dict(zip(self._names, inputs, strict=True)))
        found: Vectors = vectors
        return found
