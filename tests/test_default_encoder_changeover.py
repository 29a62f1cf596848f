"""A collection that declared no model changes over to the new default once all vectors are new."""

from __future__ import annotations

import numpy as np
from conftest import sweep_quietly
from PIL import Image
from support.angle_samples import label

from autolabel_core.documents.documents import Documents
from autolabel_core.operations.staleness_plan import plan
from autolabel_core.tables.embeddings import Embeddings
from autolabel_core.tables.reference_set import ReferenceSet

# What the default was before there was a network: the files it made say `descriptor`.
BEFORE = """\
batch_size: 3
feature_extractor: {model: descriptor}
taxonomy: {field_to_enrich: kind, confidence_threshold: 0.2}
"""
NOW = BEFORE.replace("feature_extractor: {model: descriptor}\n", "")
OLD, NEW = "descriptor", "efficientnet_lite0_descriptor"


def picture(folder, key, number, light):
    rough = np.random.default_rng(number).integers(0, 256, (6, 6, 3))
    shown = Image.fromarray(np.clip(rough * light, 0, 255).astype(np.uint8))
    shown.resize((64, 64), Image.Resampling.BICUBIC).save(folder / key)


def labels_of(home):
    records = Documents(home.workspace.open("things")).find([])
    return {record["key"]: (record["label"], record["label_source"]) for record in records}


def space_in_use(home):
    return ReferenceSet(home.workspace.open("things")).feature_uri.rsplit("/", 1)[1]


def test_old_vectors_serve_until_all_new_ones_are_there_then_all_is_relabelled(home):
    home.declare("things", BEFORE)
    folder = home.paths.buckets / "things"
    folder.mkdir(parents=True)
    for number in range(2):
        for frame, light in enumerate((1.0, 0.9, 0.8)):
            picture(folder, f"{number}_{frame}.png", number, light)
    sweep_quietly(home.workspace, "things")
    label(home.workspace, {"0_0.png": "zero", "1_0.png": "one"}, "things")
    sweep_quietly(home.workspace, "things")
    before = labels_of(home)
    assert set(before.values()) == {
        *((name, source) for name in ("zero", "one") for source in ("human", "auto"))
    }
    old_files = {
        path: path.read_bytes()
        for path in (home.paths.warehouse / "things" / "embeddings").rglob("*.arrow")
    }

    home.declare("things", NOW)
    assert labels_of(home) == before
    assert "embeddings" in plan(home.workspace.open("things")).assets
    table = Embeddings(home.workspace.open("things"))
    first, *others = table.batches
    assert others
    table.refresh(first)
    assert space_in_use(home) == OLD
    assert labels_of(home) == before
    assert all(path.read_bytes() == content for path, content in old_files.items())

    sweep_quietly(home.workspace, "things")
    assert space_in_use(home) == NEW
    assert labels_of(home) == before
    assert not plan(home.workspace.open("things")).assets or set(
        plan(home.workspace.open("things")).assets
    ) <= {"reindexed_vectors"}
