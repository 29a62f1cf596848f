"""Clusters with bucket and warehouse on a real S3 server: byte for byte those of local ones."""

from __future__ import annotations

import pytest
from conftest import Home, sweep_quietly
from support.angle_samples import NAME
from support.grouped_angles import ask, clusters_by_key, declared, definition, groups, one_defined

from autolabel_core.clusters.map_export import write_map
from autolabel_core.clusters.promotion import confirm_promotion, propose_promotion
from autolabel_core.clusters.table import Clusters
from autolabel_core.documents.documents import Documents

pytestmark = pytest.mark.slow
ROOT = "ware/house"


def grouped_on(home, s3, prefix):
    """Sweep, group, upload, assign, promote, and label the rest."""
    clusters = definition(enrich=["cluster_id", "label"])
    home.declare(NAME, {**declared(clusters), "source": {"uri": f"{s3.uri}/{prefix}"}})
    up = {f"{prefix}/{key}": value for key, value in groups(0, 90, size=12).items()}
    s3.put(up)
    sweep_quietly(home.workspace, NAME)
    ask(home.workspace)
    sweep_quietly(home.workspace, NAME)
    s3.put({f"{prefix}/late": 88})
    sweep_quietly(home.workspace, NAME)
    ws = home.workspace
    found = propose_promotion(ws.open(NAME), clusters_by_key(ws)["late"], "up", core=3)
    assert confirm_promotion(ws, found, "me") == 3
    sweep_quietly(home.workspace, NAME)
    return home.workspace


@pytest.fixture
def both(tmp_path, toy_extractors, s3):
    """The same walk with a local warehouse and with one on S3."""
    (tmp_path / "near").mkdir()
    near, far = Home(tmp_path / "near"), Home(tmp_path / "far")
    far.paths = type(far.paths)(
        far.paths.home, far.paths.collections, far.paths.ledger_url, f"{s3.uri}/{ROOT}"
    )
    return grouped_on(near, s3, "one"), grouped_on(far, s3, "two")


def test_the_walk_is_the_same_on_s3(both, s3, tmp_path):
    near, far = both
    for ws in both:
        found = Documents(ws.open(NAME)).find()
        labels = {row["key"]: row["label"] for row in found}
        assert {key for key, label in labels.items() if label == "up"} == {
            key for key in labels if key.startswith("090") or key == "late"
        }
        clusters = clusters_by_key(ws)
        assert clusters["late"] == clusters["090-0"] != clusters["000-0"]
        assert set(Clusters(ws.open(NAME)).pictures()) >= {"map"}
        told = write_map(one_defined(ws), tmp_path / "map.html", lambda *_: None)
        assert (told["documents"], told["clusters"], told["noise"]) == (25, 2, 0)
    folder = near.paths.warehouse / NAME / "clusters"
    files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}
    lead = f"{ROOT}/{NAME}/clusters/"
    published = [key.removeprefix(lead) for key in s3.all_keys() if key.startswith(lead)]
    assert sorted(published) == sorted(files)
    for key in published:
        stored = s3.client.get_object(Bucket=s3.name, Key=lead + key)["Body"].read()
        assert stored == files[key], key
    assert not far.paths.warehouse.exists()
