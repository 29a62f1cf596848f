import json

import pytest
from support.angle_samples import NAME, declaration, label

from autolabel_core.documents.documents import Documents
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.labelling.promotion import promote
from autolabel_core.labelling.promotion_candidates import MIN_CONFIDENCE, candidates


@pytest.fixture
def separate(workspace, bring_up_to_date):
    """A checked collection `known` whose references label the collection `angles`."""

    def make(objects, **known):
        ws = workspace(
            {"known": {**declaration(), **known}, NAME: declaration(reference="known")},
            {"known": {"left": 0, "up": 90}, NAME: objects},
        )
        bring_up_to_date(ws, "known")
        label(ws, {"left": "left", "up": "up"}, "known")
        bring_up_to_date(ws, "known")
        bring_up_to_date(ws, NAME)
        return ws

    return make


def chosen(workspace, min_confidence=0.85, exclude=()):
    return candidates(workspace.open(NAME), min_confidence, exclude)


def promote_all(workspace, promotions=None):
    promotions = chosen(workspace) if promotions is None else promotions
    return promote(workspace.open(NAME), promotions, "me")


def records(workspace, name=NAME):
    return {r["key"]: r for r in Documents(workspace.open(name)).find()}


def test_candidates_are_confident_auto_labels_most_confident_first(angles):
    ws = angles({"a": 0, "b": 10, "c": 5, "d": 24, "e": 90}, {"a": "left"})
    assert [p.key for p in chosen(ws, 0.95)] == ["c", "b"]
    assert [p.key for p in chosen(ws, 0.95, exclude=["c"])] == ["b"]
    assert [p.key for p in chosen(ws, -1.0)] == ["c", "b", "d"]


def test_a_margin_and_a_cap_leave_out_the_doubtful_and_the_many(angles):
    objects = {"left": 0, "up": 60, "near": 2, "between": 22, "other": 58, "more": 56}
    ws = angles(objects, {"left": "left", "up": "up"})
    everything = candidates(ws.open(NAME), -1.0)
    assert [p.key for p in everything] == ["near", "other", "more", "between"]
    assert [p.key for p in candidates(ws.open(NAME), -1.0, min_margin=0.25)] == [
        *("near", "other", "more")
    ]
    assert [p.key for p in candidates(ws.open(NAME), -1.0, per_label=1)] == ["near", "other"]


def test_without_another_label_there_is_no_margin_to_rely_on(angles):
    ws = angles({"a": 0, "b": 10}, {"a": "left"})
    assert [p.key for p in candidates(ws.open(NAME), 0.9)] == ["b"]
    assert candidates(ws.open(NAME), 0.9, min_margin=0.25) == []


def test_promoted_in_place_they_become_references(angles, home, bring_up_to_date):
    ws = angles({"a": 0, "b": 20, "c": 40}, {"a": "left"})
    assert promote_all(ws) == 1
    bring_up_to_date(ws, NAME)
    found = records(ws)
    assert (found["b"]["label"], found["b"]["label_source"]) == ("left", "promoted")
    assert (found["c"]["label"], found["c"]["label_source"]) == ("left", "auto")
    assert not (home.paths.buckets / NAME / "promoted").exists()
    event = ws.ledger.annotations(NAME)[-1]
    assert event.provenance["collection"] == NAME
    assert event.provenance["source_document_id"] == found["a"]["document_id"]


def test_promoting_again_changes_nothing(angles, bring_up_to_date):
    ws = angles({"a": 0, "b": 5, "c": 6}, {"a": "left"})
    before = chosen(ws)
    assert promote_all(ws, before) == 2
    assert promote_all(ws, before) == 0
    assert chosen(ws) == []
    bring_up_to_date(ws, NAME)
    assert promote_all(ws, before) == 0
    assert len(ws.ledger.annotations(NAME)) == 3


def test_a_promotion_that_was_withdrawn_can_be_made_again(angles, bring_up_to_date):
    ws = angles({"a": 0, "b": 5}, {"a": "left"})
    promote_all(ws)
    bring_up_to_date(ws, NAME)
    label(ws, {"b": None})
    bring_up_to_date(ws, NAME)
    assert records(ws)["b"]["label_source"] == "auto"
    assert promote_all(ws) == 1


def test_a_person_who_spoke_since_is_not_overruled(angles, bring_up_to_date):
    ws = angles({"a": 0, "b": 5}, {"a": "left"})
    before = chosen(ws)
    label(ws, {"b": "right"})
    assert promote_all(ws, before) == 0


def test_separate_promotions_are_copied_with_their_metadata(separate, home, bring_up_to_date):
    metadata = {"camera_id": "north", "side": "whatever the upload said"}
    ws = separate({"x/a": 5, "x/a.json": json.dumps(metadata), "b": 100, "far": 45})
    label(ws, {"x/a": None})
    bring_up_to_date(ws, NAME)
    assert promote_all(ws) == 2
    folder = home.paths.buckets / "known/promoted" / NAME
    assert (folder / "x/a").read_text() == "5"
    assert json.loads((folder / "x/a.json").read_text()) == {"camera_id": "north"}
    assert not (folder / "b.json").exists()
    bring_up_to_date(ws, "known")
    found = records(ws, "known")["promoted/angles/x/a"]
    assert (found["label"], found["label_source"]) == ("left", "promoted")
    assert chosen(ws) == []


def test_a_promotion_cut_off_between_copy_and_ledger_is_completed(separate, home, monkeypatch):
    ws = separate({"a": 5, "b": 100})
    real = ws.ledger.append_annotations
    monkeypatch.setattr(ws.ledger, "append_annotations", lambda events: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        promote_all(ws)
    assert ws.ledger.annotations("known")[2:] == []
    copy = home.paths.buckets / "known/promoted/angles/a"
    made = copy.stat().st_mtime_ns
    monkeypatch.setattr(ws.ledger, "append_annotations", real)
    assert promote_all(ws) == 2
    assert copy.stat().st_mtime_ns == made


def test_a_promotion_never_overwrites(separate, home):
    ws = separate({"a": 5})
    home.put("known", {"promoted/angles/a": "something else"})
    with pytest.raises(AutolabelError, match="never overwrite"):
        promote_all(ws)
    assert (home.paths.buckets / "known/promoted/angles/a").read_text() == "something else"


@pytest.mark.parametrize("content", [7, None])
def test_what_changed_since_the_sweep_is_not_promoted(angles, home, content):
    ws = angles({"a": 0, "b": 5}, {"a": "left"})
    if content is None:
        (home.paths.buckets / NAME / "b").unlink()
    else:
        home.put(NAME, {"b": content})
    with pytest.raises(AutolabelError, match=r"'b' .*Sweep, then promote again"):
        promote_all(ws)
    assert len(ws.ledger.annotations(NAME)) == 1


def test_references_under_a_key_prefix_keep_it(home, bring_up_to_date):
    source = {"buckets": [{"bucket_name": "known", "key_prefix": "base/"}]}
    ws = _prefixed(home, source, bring_up_to_date)
    assert [p.key for p in chosen(ws)] == ["base/promoted/angles/a"]
    assert promote_all(ws) == 1
    assert (home.paths.buckets / "known/promoted/angles/a").exists()
    bring_up_to_date(ws, "known")
    assert records(ws, "known")["base/promoted/angles/a"]["label_source"] == "promoted"


def _prefixed(home, source, bring_up_to_date):
    home.declare("known", {**declaration(), "source": source})
    home.declare(NAME, declaration(reference="known"))
    home.put("known", {"left": 0})
    home.put(NAME, {"a": 5})
    ws = home.workspace
    bring_up_to_date(ws, "known")
    label(ws, {"base/left": "left"}, "known")
    bring_up_to_date(ws, "known")
    bring_up_to_date(ws, NAME)
    return ws


def test_a_manifest_takes_no_copies(home, tmp_path, bring_up_to_date):
    manifest = tmp_path / "known.jsonl"
    line = {"key": "left", "metadata": {"side": "left"}}
    line["blobs"] = [{"property": "text", "type": "text", "data": {"text": "0"}}]
    manifest.write_text(json.dumps(line) + "\n")
    home.declare("known", {**declaration(), "source": {"uri": str(manifest)}})
    home.declare(NAME, declaration(reference="known"))
    home.put(NAME, {"a": 5})
    ws = home.workspace
    bring_up_to_date(ws, "known")
    bring_up_to_date(ws, NAME)
    assert records(ws)["a"]["label"] == "left"
    with pytest.raises(AutolabelError, match="is a manifest"):
        promote_all(ws)
    assert manifest.read_text() == json.dumps(line) + "\n"


def test_without_a_taxonomy_there_is_nothing_to_promote(workspace):
    ws = workspace({NAME: {"feature_extractor": declaration()["feature_extractor"]}})
    with pytest.raises(AutolabelError, match="no `taxonomy`"):
        chosen(ws)


def test_the_seeds_confidence_is_the_default():
    assert MIN_CONFIDENCE == 0.85


def test_a_promoted_document_is_not_matched_by_its_own_copy(separate, bring_up_to_date, run):
    ws = separate({"a": 20, "b": 50, "c": 22})
    before = records(ws)
    assert before["a"]["taxonomy_match"]["confidence"] == pytest.approx(0.9397, abs=1e-3)
    assert promote_all(ws, [p for p in chosen(ws) if p.key.endswith("/a")]) == 1
    for name in ("known", NAME):
        bring_up_to_date(ws, name)
    found = records(ws)
    assert (found["a"]["label"], found["a"]["label_source"]) == ("left", "promoted")
    assert found["a"]["taxonomy_match"]["confidence"] == before["a"]["taxonomy_match"]["confidence"]
    assert found["a"]["taxonomy_match"]["matched"] is False
    assert found["c"]["label_source"] == "auto", "the copy serves the others"
    assert found["c"]["taxonomy_match"]["confidence"] > 0.999
    numbers = json.loads(run("status", NAME, "--json")[1])
    assert (numbers["promoted"], numbers["auto"], numbers["coverage"]) == (1, 1, 0.5)
    traced = json.loads(run("explain", NAME, "a", "--json")[1])
    assert traced["because"]["key"] == f"promoted/{NAME}/a"
    assert traced["because"]["because"]["key"] == "left"


def test_a_copy_of_another_content_says_nothing(separate, home, bring_up_to_date):
    ws = separate({"a": 20})
    promote_all(ws)
    home.put(NAME, {"a": 21})
    for name in ("known", NAME):
        bring_up_to_date(ws, name)
    found = records(ws)["a"]
    assert (found["label"], found["label_source"]) == ("left", "auto")
    assert found["taxonomy_match"]["confidence"] > 0.999


def test_a_person_who_corrects_the_copy_corrects_the_document(separate, bring_up_to_date):
    ws = separate({"a": 20})
    promote_all(ws)
    bring_up_to_date(ws, "known")
    label(ws, {f"promoted/{NAME}/a": "up"}, "known")
    for name in ("known", NAME):
        bring_up_to_date(ws, name)
    found = records(ws)["a"]
    assert (found["label"], found["label_source"]) == ("up", "human")
