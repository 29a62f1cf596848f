"""A network run by torch: on a GPU in half precision, on a CPU where ONNX Runtime cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from autolabel_core.models.onnx_runtime.network import NetworkSource, Vectors

if TYPE_CHECKING:
    import torch

BATCH_SIZE_GPU, BATCH_SIZE_CPU = 64, 16
OUT_OF_MEMORY = "out of memory"


class TorchNetwork:
    """A row may differ by about 1e-6 with its batch, by about 1e-3 on a GPU."""

    def __init__(self, source: NetworkSource, device: str) -> None:
        import torch

        self.device = device
        is_cuda = device.startswith("cuda")
        self.batch_size = BATCH_SIZE_CPU if device == "cpu" else BATCH_SIZE_GPU
        # On a CPU torch itself takes all cores; for a GPU one call prepares while another computes.
        self.parallel_calls = 1 if device == "cpu" else 2
        self._dtype = torch.float16 if is_cuda else torch.float32
        network = source.load().eval().to(device=device, dtype=self._dtype)
        self._network = network.to(memory_format=torch.channels_last) if is_cuda else network

    def run(self, *inputs: npt.NDArray[Any]) -> Vectors:
        """Return the vectors; a batch too large for the device's memory is halved."""
        import torch

        try:
            with torch.inference_mode():
                vectors: Vectors = self._network(*map(self._tensor, inputs)).float().cpu().numpy()
                return vectors
        except RuntimeError as error:
            count = len(inputs[0])
            if OUT_OF_MEMORY not in str(error).lower() or count < 2:
                raise
        halves = np.split(np.arange(count), [count // 2])
        return np.concatenate([self.run(*(part[half] for part in inputs)) for half in halves])

    def _tensor(self, values: npt.NDArray[Any]) -> torch.Tensor:
        import torch

        tensor = torch.from_numpy(np.ascontiguousarray(values)).to(self.device)
        if not tensor.is_floating_point():
            return tensor
        tensor = tensor.to(self._dtype)
        is_picture = tensor.ndim == 4 and self.device.startswith("cuda")
        return tensor.contiguous(memory_format=torch.channels_last) if is_picture else tensor
