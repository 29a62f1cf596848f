"""Imports ultralytics quiet and offline; it reads its settings once, so import it only here.

Left to itself it asks the network for updates, fonts and weights, installs packages, and writes
into the user's home.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import ModuleType

from PIL import Image

from autolabel_core.foundation.charts.fonts import font_path

ENVIRONMENT = {
    "YOLO_OFFLINE": "true",
    "YOLO_AUTOINSTALL": "false",
    "YOLO_VERBOSE": "false",
}
FONTS = ("Arial.ttf", "Arial.Unicode.ttf")
"""Files that it would fetch, to write the names of classes on pictures that are never drawn."""
INTEGRATIONS = (
    *("sync", "clearml", "comet", "dvc", "hub", "mlflow", "neptune", "platform", "raytune"),
    *("tensorboard", "wandb", "vscode_msg", "openvino_msg"),
)

FOLDERS = ("datasets_dir", "weights_dir", "runs_dir")


def quiet_ultralytics(home: Path) -> ModuleType:
    """Import ultralytics so that it stays by itself.

    Args:
        home: where its settings lie, such as `AUTOLABEL_HOME/cache`; what a process imported first
            stands until it ends, and `YOLO_CONFIG_DIR` set by a person wins.

    Returns:
        The module.
    """
    for name, value in {**ENVIRONMENT, "YOLO_CONFIG_DIR": str(home)}.items():
        os.environ.setdefault(name, value)
    Path(os.environ["YOLO_CONFIG_DIR"]).mkdir(parents=True, exist_ok=True)
    plain_open = Image.open
    import ultralytics
    from ultralytics.utils import SETTINGS, USER_CONFIG_DIR

    # Its own version asks for a package that is not there when a file is no image.
    Image.open = plain_open
    wanted: dict[str, object] = {name: False for name in INTEGRATIONS if name in SETTINGS}
    wanted |= {name: str(home) for name in FOLDERS}
    if any(SETTINGS[name] != value for name, value in wanted.items()):
        SETTINGS.update(wanted)  # type: ignore[no-untyped-call]
    for name in FONTS:
        if not (USER_CONFIG_DIR / name).exists():
            USER_CONFIG_DIR.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(font_path(), USER_CONFIG_DIR / name)
    return ultralytics
