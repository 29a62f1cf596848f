"""Files of other tools and a bucket to annotate from them, for the tests of the readers."""

import pytest

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.labelling.give_boxes import give_boxes
from autolabel_core.labelling.import_formats import read_given
from autolabel_core.tables.boxes.current_annotations import listed, standing
from support.box_samples import picture

NAME = "boxes"
DECLARED = {
    "feature_extractor": {"feature_extractor_name": "colour_extractor"},
    "detection": {"detector_name": "block_detector"},
}


@pytest.fixture
def bucket(workspace):
    """Gives a collection with images of 100 × 80 px under the keys."""

    def make(*keys):
        images = {key: picture(number) for number, key in enumerate(keys)}
        return workspace({NAME: DECLARED}, {NAME: images})

    return make


@pytest.fixture
def folder(tmp_path):
    """Gives a folder with the files."""

    def make(files):
        for name, content in files.items():
            path = tmp_path / "in" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            data = content if isinstance(content, bytes) else content.encode()
            path.write_bytes(data)
        return tmp_path / "in"

    return make


def give(ws, path, **more):
    skip = more.pop("skip_invalid", False)
    parsed, fmt = read_given(path, **more)
    return give_boxes(ws.open(NAME), parsed, "ann", fmt, skip_invalid=skip)


def recorded(ws):
    """What is in force: `key: class` for each box, `key` alone for a reviewed image."""
    rows = listed(standing(ws.open(NAME)))
    return sorted(
        r["image_key"] if r["label"] == "reviewed" else f"{r['image_key']}: {r['true_class']}"
        for r in rows
    )


def refused(ws, path, says, **more):
    with pytest.raises(AutolabelError, match=says) as error:
        give(ws, path, **more)
    assert recorded(ws) == []
    return str(error.value)
