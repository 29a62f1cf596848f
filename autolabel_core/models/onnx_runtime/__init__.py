"""Encoders run by ONNX Runtime on a CPU, and by torch on a GPU; the networks are torch's.

A network is exported once into the cache of this machine and checked against torch. From then on
it is loaded without importing torch, and a row is the same bytes whatever batch it is in.
"""

from autolabel_core.models.onnx_runtime.load_network import load_network
from autolabel_core.models.onnx_runtime.network import Arrays, Network, NetworkSource, Vectors
from autolabel_core.models.onnx_runtime.parallel_batches import encode_batches

__all__ = [
    "Arrays",
    "Network",
    "NetworkSource",
    "Vectors",
    "encode_batches",
    "load_network",
]
