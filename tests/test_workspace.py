"""What a workspace opens once."""

from __future__ import annotations

from support.angle_samples import NAME, declaration

from autolabel_core.models import extractors


def test_an_extractor_is_loaded_once_for_each_feature_space(workspace, monkeypatch):
    other = declaration()
    other["feature_extractor"] = other["feature_extractor"] | {"version": "v2"}
    ws = workspace({NAME: declaration(), "same": declaration(), "other": other})
    loaded = []
    real = extractors.load_extractor
    monkeypatch.setattr(extractors, "load_extractor", lambda *how: loaded.append(how) or real(*how))
    first = ws.extractor(ws.collection(NAME))
    assert ws.extractor(ws.collection(NAME)) is first
    assert ws.extractor(ws.collection("same")) is first, "weights serve both"
    assert ws.extractor(ws.collection("other")).manifest.version == "v2"
    assert len(loaded) == 2


def test_a_fresh_workspace_loads_anew(workspace, home):
    ws = workspace({NAME: declaration()})
    fresh = home.workspace
    assert fresh.extractor(fresh.collection(NAME)) is not ws.extractor(ws.collection(NAME))
