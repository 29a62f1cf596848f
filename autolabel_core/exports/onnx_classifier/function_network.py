"""Turns a function of tensors into a torch network, which is what can be exported."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def network_of(function: Callable[..., Any], *parts: torch.nn.Module) -> torch.nn.Module:
    """Return a network that computes a function.

    Args:
        function: of tensors.
        *parts: networks that it calls, so that their weights belong to the result.

    Returns:
        The network, in evaluation mode.
    """
    import torch

    class FunctionNetwork(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.parts = torch.nn.ModuleList(parts)

        def forward(self, *inputs: torch.Tensor) -> Any:
            return function(*inputs)

    return FunctionNetwork().eval()
