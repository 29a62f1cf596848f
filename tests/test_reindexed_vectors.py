import shutil

import numpy as np
import pytest
from support.angle_samples import NAME, declaration

from autolabel_core.tables.reindexed_vectors import ReindexedVectors
from autolabel_core.tables.vector_index import open_index


@pytest.fixture
def indexed(angles, home, bring_up_to_date):
    """Sweep with the index; returns the table."""

    def make(objects, **more):
        ws = angles(objects, **more)
        bring_up_to_date(ws, NAME, index=True)
        return table_of(home)

    return make


def table_of(home):
    ws = home.workspace
    return ReindexedVectors(ws.open(NAME))


def held(home):
    """Keys and vectors in the index of the declared feature URI."""
    table = table_of(home)
    index = open_index(home.paths.vector_index).get_collection(table.index_name)
    found = index.get(include=["metadatas", "embeddings"])
    rows = zip(found["metadatas"], found["embeddings"], strict=True)
    return {metadata["key"]: np.asarray(vector) for metadata, vector in rows}


def test_the_index_holds_every_vector(indexed, home):
    table = indexed({"a": 0, "b": 90, "c": b""}, batch_size=2)
    found = held(home)
    assert set(found) == {"a", "b"}
    assert np.allclose([found["a"], found["b"]], [[1, 0], [0, 1]], atol=1e-6)
    assert table.report("batch_000001")["vectors"] == 2


def test_what_changed_is_written_and_what_is_gone_is_deleted(indexed, home, bring_up_to_date):
    indexed({"a": 0, "b": 90})
    (home.paths.buckets / NAME / "a").unlink()
    home.put(NAME, {"b": 180, "c": 0})
    bring_up_to_date(home.workspace, NAME, index=True)
    found = held(home)
    assert set(found) == {"b", "c"}
    assert np.allclose(found["b"], [-1, 0], atol=1e-6)


def test_a_lost_index_is_filled_again_with_every_batch(indexed, home, bring_up_to_date):
    objects = {f"k{i}": i for i in range(6)}
    indexed(objects, batch_size=2)
    assert not table_of(home).stale()
    import chromadb.api.client

    chromadb.api.client.SharedSystemClient.clear_system_cache()
    shutil.rmtree(home.paths.vector_index)
    assert len(table_of(home).stale()) == 3
    bring_up_to_date(home.workspace, NAME, index=True)
    assert set(held(home)) == set(objects)


def test_a_new_feature_version_retires_the_old_index_when_it_is_complete(
    indexed, home, bring_up_to_date
):
    old = indexed({f"k{i}": i for i in range(4)}, batch_size=2)
    declared = declaration()
    declared["feature_extractor"]["version"] = "v2"
    home.declare(NAME, {**declared, "batch_size": 2})
    new = table_of(home)
    new.embeddings.refresh("batch_000001")
    new.refresh("batch_000001")
    names = {c.name for c in open_index(home.paths.vector_index).list_collections()}
    assert names == {old.index_name, new.index_name}
    bring_up_to_date(home.workspace, NAME, index=True)
    names = {c.name for c in open_index(home.paths.vector_index).list_collections()}
    assert names == {new.index_name}
    assert len(held(home)) == 4
