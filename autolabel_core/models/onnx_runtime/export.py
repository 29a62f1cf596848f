"""Exports a torch network as ONNX, and compares what both say of the same inputs."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from autolabel_core.models.onnx_runtime.network import NetworkSource, Vectors
from autolabel_core.models.onnx_runtime.onnx_network import OnnxNetwork

if TYPE_CHECKING:
    import torch

OPSET = 17
MIN_COSINE = 0.9999


class ExportFailedError(Exception):
    """A network cannot be exported, or the export gives other vectors; the message says which."""


def export(source: NetworkSource) -> bytes:
    """Return a network as an ONNX file that gives torch's vectors.

    Args:
        source: the network; it is loaded on the CPU.

    Returns:
        The file's content.

    Raises:
        ExportFailedError: torch cannot export it, ONNX Runtime cannot run it, or a row of the
            probe has a cosine below 0.9999 with torch's.
    """
    import torch

    network = source.load().eval()
    inputs = source.probe()
    tensors = tuple(map(torch.from_numpy, inputs))
    with torch.inference_mode():
        expected: Vectors = network(*tensors).float().numpy()
    try:
        model = _as_onnx(source, network, tensors)
        exported = OnnxNetwork(model).run(*inputs)
    except Exception as error:
        # Exporter and runtime have dozens of error types; for each of them torch goes on.
        reason = str(error).strip() or type(error).__name__
        raise ExportFailedError(f"it cannot be exported: {reason.splitlines()[0]}") from error
    cosine = least_cosine(expected, exported)
    if not cosine >= MIN_COSINE:
        raise ExportFailedError(
            f"ONNX Runtime gives other vectors: least cosine {cosine:.5f}, expected {MIN_COSINE}"
        )
    return model


def least_cosine(expected: Vectors, actual: Vectors) -> float:
    """Return the smallest cosine between rows `(n, d)` of the same place; −1 for other shapes."""
    if expected.shape != actual.shape or not np.isfinite(actual).all():
        return -1.0
    products = np.einsum("nd,nd->n", expected, actual, dtype=np.float64)
    lengths = np.linalg.norm(expected, axis=1) * np.linalg.norm(actual, axis=1)
    return float((products / np.maximum(lengths, 1e-12)).min())


@contextlib.contextmanager
def _without_fused_attention() -> Iterator[None]:
    """Let attention be traced as the operators that it consists of; ONNX has none for the whole."""
    import torch

    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def _as_onnx(
    source: NetworkSource, network: torch.nn.Module, tensors: tuple[torch.Tensor, ...]
) -> bytes:
    import torch

    axes = {
        name: {axis: f"{name}_{axis}" if axis else "batch" for axis in (0, *more)}
        for name, more in source.inputs.items()
    }
    file = io.BytesIO()
    # The exporter through torch.export would need onnxscript, and splits weights from the file.
    with torch.inference_mode(), warnings.catch_warnings(), _without_fused_attention():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            tensors,
            file,
            dynamo=False,
            opset_version=OPSET,
            input_names=[*source.inputs],
            output_names=["vectors"],
            dynamic_axes={**axes, "vectors": {0: "batch"}},
        )
    return file.getvalue()
