"""Photographs that packages bring with them, one for each name."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from autolabel_core.foundation.errors import NotFoundError

INSTALL = "pip install 'dagster-autolabel[demo]'"
PACKAGES = {
    "skimage": (
        *("data/astronaut.png", "data/brick.png", "data/camera.png", "data/cell.png"),
        *("data/chelsea.png", "data/clock_motion.png", "data/coffee.png", "data/coins.png"),
        *("data/grass.png", "data/gravel.png", "data/hubble_deep_field.jpg", "data/ihc.png"),
        *("data/moon.png", "data/page.png", "data/retina.jpg", "data/rocket.jpg"),
        *("data/motorcycle_left.png", "data/text.png"),
    ),
    "sklearn": ("datasets/images/china.jpg", "datasets/images/flower.jpg"),
    "ultralytics": ("assets/bus.jpg", "assets/zidane.jpg"),
}
NAMES = {
    "camera": "cameraman",
    "chelsea": "cat",
    "clock_motion": "clock",
    "hubble_deep_field": "galaxies",
    "ihc": "tissue",
    "motorcycle_left": "motorcycle",
    "china": "temple",
    "zidane": "two men",
}
"""What a photograph shows, where its file is called otherwise."""


def shipped_photographs() -> dict[str, Path]:
    """Find the photographs of the installed packages.

    Returns:
        Files by what they show, in the order of their names.

    Raises:
        NotFoundError: a package with photographs is not installed.
    """
    found: dict[str, Path] = {}
    for package, files in PACKAGES.items():
        spec = importlib.util.find_spec(package)
        folders = list((spec.submodule_search_locations if spec else None) or ())
        if not folders:
            raise NotFoundError(f"The photographs come with {package}, which is missing: {INSTALL}")
        for file in files:
            path = Path(folders[0]) / file
            if path.is_file():
                found[NAMES.get(path.stem, path.stem)] = path
    return dict(sorted(found.items()))
