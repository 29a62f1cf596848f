"""The warehouse on a real S3 server gives the bytes of the local one."""

from __future__ import annotations

import shutil

import pytest
from conftest import ANGLES, Home

from autolabel_core.documents.documents import Documents
from autolabel_core.foundation.errors import StoreUnavailableError
from autolabel_core.labelling.give_labels import GivenLabel, give_labels
from autolabel_core.operations.sql import run_sql
from autolabel_core.operations.staleness_plan import plan
from autolabel_core.tables.workspace import Workspace

pytestmark = pytest.mark.slow
NAME = "angles"
OBJECTS = {"a": 10, "b": 15, "c": 100, "d": 105, "e": 200}
EXPORTS = "exports: {formats: [csv, jsonl]}\nbatch_size: 2\n"


def story(home: Home, s3, prefix: str, bring_up_to_date) -> Workspace:
    """Label, relabel, overwrite and delete."""
    home.declare(NAME, f"{ANGLES}{EXPORTS}source: {{uri: '{s3.uri}/{prefix}'}}\n")
    s3.put({f"{prefix}/{key}": value for key, value in OBJECTS.items()})
    bring_up_to_date(home.workspace, NAME)
    workspace = home.workspace
    given = [GivenLabel("a", "low", {}, ""), GivenLabel("d", "high", {}, "")]
    give_labels(workspace.open(NAME), given, "t", "cli")
    bring_up_to_date(home.workspace, NAME)
    s3.put({f"{prefix}/b": 101, f"{prefix}/f": 11})
    s3.delete(f"{prefix}/e")
    bring_up_to_date(home.workspace, NAME)
    return home.workspace


@pytest.fixture
def both(tmp_path, toy_extractors, s3, bring_up_to_date):
    """The same story with a local warehouse and with one on S3."""
    (tmp_path / "near").mkdir()
    near, far = Home(tmp_path / "near"), Home(tmp_path / "far")
    far.paths = type(far.paths)(
        far.paths.home, far.paths.collections, far.paths.ledger_url, f"{s3.uri}/ware/house"
    )
    return story(near, s3, "one", bring_up_to_date), story(far, s3, "two", bring_up_to_date)


def test_every_published_file_is_the_same(both, s3):
    """Checksums are notes about files on this disk; S3 keeps sizes of its own."""
    near, far = both
    root = near.paths.warehouse
    files = {
        f"ware/house/{path.relative_to(root).as_posix()}": path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not {".neighbours", ".checksums"} & set(path.parts)
    }
    published = [key for key in s3.all_keys() if key.startswith("ware/house/")]
    published = [key for key in published if ".neighbours" not in key]
    assert sorted(published) == sorted(files)
    # The note of each ledger's last annotation names that ledger's own event.
    for key in [key for key in published if "last_annotations" not in key]:
        stored = s3.client.get_object(Bucket=s3.name, Key=key)["Body"].read()
        assert stored == files[key], key
    assert not far.paths.warehouse.exists()


def test_documents_and_queries_read_it(both):
    near, far = both
    for workspace in (near, far):
        found = Documents(workspace.open(NAME)).find(sort="key")
        assert [(r["key"], r["label"]) for r in found] == [
            ("a", "low"),
            ("b", "high"),
            ("c", "high"),
            ("d", "high"),
            ("f", "low"),
        ]
    sql = f"SELECT label, count(*) FROM {NAME}.documents GROUP BY 1 ORDER BY 1"
    assert run_sql(near, sql) == run_sql(far, sql)


def test_the_copies_and_the_notes_may_be_lost(both, s3, bring_up_to_date):
    _, far = both
    shutil.rmtree(far.paths.cache)
    fresh = Workspace(far.paths)
    assert not set(plan(fresh.open(NAME)).assets) - {"reindexed_vectors"}
    key = f"ware/house/{NAME}/taxonomy_labels/batch_000001.parquet"
    before = s3.client.get_object(Bucket=s3.name, Key=key)["Body"].read()
    s3.put({key: before})
    assert not set(plan(fresh.open(NAME)).assets) - {"reindexed_vectors"}
    s3.put({key: b"damaged"})
    bring_up_to_date(Workspace(far.paths), NAME)
    assert s3.client.get_object(Bucket=s3.name, Key=key)["Body"].read() == before


def test_an_unreachable_warehouse_is_an_error_and_not_empty(both, monkeypatch):
    _, far = both
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(StoreUnavailableError, match="reached"):
        workspace = Workspace(far.paths)
        plan(workspace.open(NAME))
