"""The image descriptor as a torch network: the same numbers as `describe`, in another language."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from autolabel_core.models.extractors import descriptor as numpy_descriptor

if TYPE_CHECKING:
    import torch


def descriptor_network() -> Callable[[torch.Tensor], torch.Tensor]:
    """Return a function of pictures `(n, 32, 32, 3)`, bytes, to descriptors `(n, d)`.

    Every step is one that ONNX has. `describe` says what each is for.

    Returns:
        The function; rows have unit length.
    """
    import torch

    d = numpy_descriptor
    shape_pool, shape_window = torch.from_numpy(d.SHAPE_POOL), torch.from_numpy(d.SHAPE_WINDOW)
    edge_pool, layout_pool = torch.from_numpy(d.EDGE_POOL), torch.from_numpy(d.LAYOUT_POOL)
    colour_pool, luma = torch.from_numpy(d.COLOUR_POOL), torch.from_numpy(d.LUMA)

    def describe(small: torch.Tensor) -> torch.Tensor:
        rgb = small.to(torch.float32) / 255
        red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
        planes = ((red + green + blue) / 3, red - green, (red + green - 2 * blue) / 2)
        shape = _gradients(rgb @ luma, shape_pool, d.SHAPE_BINS, d.SHAPE_CENTRING) * shape_window
        edges = [_gradients(planes[k], edge_pool, d.EDGE_BINS, d.EDGE_CENTRING) for k in (1, 2)]
        layout = [layout_pool @ planes[k] @ layout_pool.T for k in (1, 2)]
        blocks = [
            _scaled(shape),
            _scaled(torch.stack(edges, dim=1), d.EDGE_FADE) * d.EDGE_WEIGHT,
            _scaled(torch.stack(layout, dim=1), d.LAYOUT_FADE) * d.LAYOUT_WEIGHT,
            _scaled(_colours(planes, colour_pool)) * d.COLOUR_WEIGHT,
        ]
        return _scaled(torch.cat(blocks, dim=1))

    return describe


def _gradients(plane: torch.Tensor, pool: torch.Tensor, bins: int, centring: float) -> torch.Tensor:
    import torch

    padded = torch.nn.functional.pad(plane[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    gx = padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]
    gy = padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]
    strength = torch.sqrt(gx * gx + gy * gy) / 2
    # ONNX has no angle of two numbers; it is made of an arcus tangent, which wants no 0 / 0.
    angle = torch.atan2(gy, torch.where(strength == 0, torch.ones_like(gx), gx))
    position = angle * (bins / (2 * math.pi)) + bins
    lower = torch.floor(position)
    share = (position - lower)[..., None]
    first = torch.remainder(lower, bins)[..., None]
    second = torch.remainder(lower + 1, bins)[..., None]
    numbers = torch.arange(bins, dtype=torch.float32)
    parts = (1 - share) * (first == numbers) + share * (second == numbers)
    return _centred(_pooled(strength[..., None] * parts, pool), centring)


def _colours(planes: tuple[torch.Tensor, ...], pool: torch.Tensor) -> torch.Tensor:
    import torch

    d = numpy_descriptor
    halves = [torch.nn.functional.avg_pool2d(plane[:, None], 2)[:, 0] for plane in planes]
    chroma = [(half + d.CHROMA_RANGE) / (2 * d.CHROMA_RANGE) for half in halves[1:]]
    light, red_green, yellow_blue = (
        _soft_bins(plane, bins)
        for plane, bins in zip((halves[0], *chroma), d.COLOUR_BINS, strict=True)
    )
    tint = (red_green[..., :, None] * yellow_blue[..., None, :]).flatten(3)
    joint = (light[..., :, None] * tint[..., None, :]).flatten(3)
    return _centred(_pooled(joint, pool), 1.0)


def _soft_bins(values: torch.Tensor, bins: int) -> torch.Tensor:
    import torch

    position = values.clamp(0, 1) * (bins - 1)
    distance = (position[..., None] - torch.arange(bins, dtype=torch.float32)).abs()
    return torch.relu(1 - distance)


def _pooled(maps: torch.Tensor, pool: torch.Tensor) -> torch.Tensor:
    """Sum histograms `(n, side, side, bins)` into cells `(n, cells, cells, bins)`."""
    n, side, _, bins = maps.shape
    rows = (pool @ maps.reshape(n, side, side * bins)).reshape(n, len(pool), side, bins)
    return pool @ rows


def _centred(histograms: torch.Tensor, share: float) -> torch.Tensor:
    roots = histograms.sqrt()
    return roots - share * roots.mean(dim=(1, 2, 3), keepdim=True)


def _scaled(block: torch.Tensor, fade: float = 0.0) -> torch.Tensor:
    flat = block.flatten(1)
    return flat / (flat.norm(dim=1, keepdim=True) + fade).clamp_min(1e-12)
