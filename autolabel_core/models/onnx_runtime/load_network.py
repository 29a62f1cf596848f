"""Loads a network onto the fastest device: ONNX Runtime on a CPU, torch on a GPU."""

from __future__ import annotations

from autolabel_core.foundation.paths import model_cache
from autolabel_core.models.onnx_runtime.export_cache import exported
from autolabel_core.models.onnx_runtime.network import Network, NetworkSource
from autolabel_core.models.onnx_runtime.onnx_network import OnnxNetwork
from autolabel_core.models.onnx_runtime.torch_network import TorchNetwork
from autolabel_core.models.weights import fastest_device


def load_network(source: NetworkSource, device: str | None = None) -> Network:
    """Return a network, ready to run.

    Args:
        source: the network; on a CPU it is exported into the cache of this machine at its first
            use, and loaded from there without torch later on.
        device: a torch device; None takes the fastest that this machine has.

    Returns:
        The network on ONNX Runtime, or on torch: on a GPU, and where the export fails. No such
        device, and no space for the cache, are an `AutolabelError` that says so.
    """
    wanted = fastest_device(device)
    if not wanted.startswith("cpu"):
        return TorchNetwork(source, wanted)
    model = exported(source, model_cache())
    return TorchNetwork(source, "cpu") if model is None else OnnxNetwork(model)
