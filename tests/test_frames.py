"""Frames of videos are documents: found, labelled, explained, exported, and kept when renamed."""

from __future__ import annotations

import io
import json

import pytest
from PIL import Image
from support.video_samples import video
from test_paper_collections import swept

from autolabel_core.documents.documents import Documents
from autolabel_core.documents.explain import explain
from autolabel_core.documents.quality import quality
from autolabel_core.exports.export_collection import export_collection
from autolabel_core.foundation.errors import AutolabelError, DeclarationError, UnreadableItemError
from autolabel_core.foundation.ids import document_id, frame_key, object_of, video_of
from autolabel_core.labelling.give_labels import GivenLabel, give_labels
from autolabel_core.tables.frames import FrameReader
from autolabel_core.tables.raw_objects import RawObjects

RED, GREEN, BLUE = (200, 30, 30), (30, 200, 30), (30, 30, 200)
CAMERAS = """\
feature_extractor: {feature_extractor_name: colour_extractor, field_passthrough: [camera_id]}
frames: {every_seconds: 1, file_name: '^(?P<camera_id>[a-z]+)_(?P<timestamp>[0-9T]+)'}
taxonomy: {field_to_enrich: colour, confidence_threshold: 0.9}
"""
LOBBY = "lobby_20260503T143000.mp4"
BATCH = "batch_000001"


def seconds_of(*colours: tuple[int, int, int]) -> bytes:
    return video(25 * len(colours), lambda number: colours[number // 25])


@pytest.fixture(scope="module")
def lobby() -> bytes:
    return seconds_of(RED, GREEN, BLUE)


@pytest.fixture
def cameras(workspace, lobby):
    objects = {LOBBY: lobby, "still.png": RED}
    return workspace({"cameras": CAMERAS}, {"cameras": objects})


def frame(second: int, key: str = LOBBY) -> str:
    return frame_key(key, 1000 * second)


def label(ws, **labels: str) -> None:
    given = [GivenLabel(frame(int(second[1:])), name) for second, name in labels.items()]
    give_labels(ws.open("cameras"), given, "me", "cli")


def test_each_frame_is_a_document_with_its_time_and_its_video(cameras):
    rows = swept(cameras, "cameras")
    assert [*rows] == [LOBBY, frame(0), frame(1), frame(2), "still.png"]
    one = rows[frame(1)]
    assert (one["kind"], one["frame"], one["seconds"]) == ("frame", 25, 1.0)
    assert one["video_key"] == LOBBY
    assert one["video_id"] == document_id("cameras", LOBBY) == object_of(one["document_id"])
    assert one["camera_id"] == "lobby"
    assert rows[LOBBY]["kind"] == "video"
    assert rows["still.png"]["kind"] == "image"
    stored = {r["key"]: r for r in RawObjects(cameras.open("cameras")).objects_of(BATCH)}
    assert json.loads(stored[frame(2)]["metadata"])["timestamp"] == "2026-05-03T14:30:02"
    assert json.loads(stored[LOBBY]["metadata"])["frames"] == 3


def test_labels_of_frames_label_frames_and_images(cameras):
    swept(cameras, "cameras")
    label(cameras, s0="red", s1="green", s2="blue")
    rows = swept(cameras, "cameras")
    assert rows["still.png"]["label"] == "red"
    assert rows[frame(1)]["label_source"] == "human"
    because = explain(cameras.open("cameras"), "still.png")["because"]
    assert because["key"] == frame(0)
    assert because["annotations"][0]["label"] == "red"


def test_a_label_for_a_video_or_a_time_without_a_frame_is_refused(cameras):
    swept(cameras, "cameras")
    for key, hint in ((LOBBY, "its frames take labels"), (f"{LOBBY}#t=1.100", "nearest is")):
        with pytest.raises(AutolabelError, match=hint):
            give_labels(cameras.open("cameras"), [GivenLabel(key, "red")], "me", "cli")


def test_labels_stay_when_the_rate_changes(cameras, home):
    swept(cameras, "cameras")
    label(cameras, s1="green")
    home.declare("cameras", CAMERAS.replace("every_seconds: 1", "every_seconds: 0.5"))
    rows = swept(home.workspace, "cameras")
    assert sum(row["kind"] == "frame" for row in rows.values()) == 6
    assert rows[frame(1)]["label"] == "green"


def test_labels_move_with_a_video_that_is_renamed(cameras, home):
    swept(cameras, "cameras")
    label(cameras, s1="green")
    folder = home.paths.buckets / "cameras"
    (folder / LOBBY).rename(folder / "hall_20260503T143000.mp4")
    rows = swept(home.workspace, "cameras")
    assert rows[frame(1, "hall_20260503T143000.mp4")]["label"] == "green"
    assert LOBBY not in rows


def test_a_video_that_changes_has_new_frames_and_its_labels_are_stale(cameras, home):
    swept(cameras, "cameras")
    label(cameras, s1="green")
    home.put("cameras", {LOBBY: seconds_of(BLUE, BLUE)})
    rows = swept(home.workspace, "cameras")
    assert [key for key in rows if key.startswith(LOBBY)] == [LOBBY, frame(0), frame(1)]
    assert rows[frame(1)]["label"] is None
    assert RawObjects(home.workspace.open("cameras")).stale_annotations() == 1


def test_the_picture_of_a_frame_can_be_fetched_and_exported(cameras, tmp_path):
    swept(cameras, "cameras")
    label(cameras, s2="blue")
    swept(cameras, "cameras")
    table = RawObjects(cameras.open("cameras"))
    content = {r["key"]: r["content_hash"] for r in table.objects_of(BATCH)}[frame(2)]
    picture = Image.open(io.BytesIO(table.content(frame(2), content)))
    assert picture.size == (160, 120)
    assert picture.getpixel((80, 60))[2] > 150
    assert table.reader()(frame(2)) == table.content(frame(2), content)
    with pytest.raises(UnreadableItemError, match="changed"):
        table.content(frame(2), "another")
    export_collection(cameras.open("cameras"), "image_folder", tmp_path / "out")
    assert (tmp_path / "out" / "blue" / f"{frame(2)}.png").is_file()


def test_figures_count_objects_once_and_frames_as_what_takes_labels(cameras):
    swept(cameras, "cameras")
    label(cameras, s0="red")
    swept(cameras, "cameras")
    (row,) = quality(cameras.open("cameras"))
    assert (row["arrived"], row["human"], row["labels_given"]) == (2, 1, 1)
    report = RawObjects(cameras.open("cameras")).report(BATCH)
    assert (report["objects"], report["frames"]) == (2, 3)


def test_unchanged_videos_are_not_read_again(cameras, home, monkeypatch):
    swept(cameras, "cameras")
    monkeypatch.setattr(FrameReader, "_places", lambda self, content, info: [])
    home.put("cameras", {"new.png": GREEN})
    rows = swept(home.workspace, "cameras")
    assert frame(2) in rows
    assert rows["new.png"]["reason"] is None


def test_frames_of_texts_are_refused(workspace):
    ws = workspace({"cameras": CAMERAS.replace("colour_extractor", "angle_extractor")})
    with pytest.raises(AutolabelError, match="frames"):
        RawObjects(ws.open("cameras")).decoded([], None).__next__()


def test_what_cannot_be_read_stands_in_the_quarantine(workspace, lobby):
    declared = CAMERAS.replace("every_seconds: 1", "every_seconds: 1, max_frames: 2")
    objects = {"long.mp4": lobby, "cut.mp4": lobby[:900], "no.mp4": "no video"}
    ws = workspace({"cameras": declared}, {"cameras": objects})
    rows = swept(ws, "cameras")
    assert "frames.max_frames: 2" in rows["long.mp4"]["reason"]
    assert "cut short" in rows["cut.mp4"]["reason"]
    assert "not an image" in rows["no.mp4"]["reason"]
    with Documents(ws.open("cameras")).connect() as connection:
        (count,) = connection.execute("SELECT count(reason) FROM documents").fetchone()
    assert count == 3


def test_the_start_of_a_video_comes_from_sidecar_name_or_container(workspace):
    created = video(2, created="2026-01-02T03:04:05Z")
    objects = {
        "side_20260503T143000.mp4": video(2),
        "side_20260503T143000.mp4.json": json.dumps({"timestamp": "2020-01-01T00:00:00Z"}),
        "name_20260503T143000.mp4": video(3),
        "container.mp4": created,
    }
    ws = workspace({"cameras": CAMERAS}, {"cameras": objects})
    swept(ws, "cameras")
    rows = {r["key"]: r for r in RawObjects(ws.open("cameras")).objects_of(BATCH)}
    starts = {k: json.loads(r["metadata"])["timestamp"] for k, r in rows.items() if "#t" in k}
    assert starts[frame(0, "side_20260503T143000.mp4")] == "2020-01-01T00:00:00+00:00"
    assert starts[frame(0, "name_20260503T143000.mp4")] == "2026-05-03T14:30:00"
    assert starts[frame(0, "container.mp4")] == "2026-01-02T03:04:05+00:00"


@pytest.mark.parametrize(
    ("frames", "problem"),
    [
        ("{every_seconds: 0}", "every_seconds"),
        ("{scene_change: 2.0}", "scene_change"),
        ("{file_name: '('}", "regular expression"),
        ("{file_name: '(?P<place>x)'}", "camera_id"),
        ("{timestamp_format: '%Y'}", "needs `file_name`"),
        ("{rate: 1}", "unknown key"),
    ],
)
def test_a_wrong_declaration_is_refused(workspace, frames, problem):
    ws = workspace({"cameras": f"frames: {frames}\n"})
    with pytest.raises(DeclarationError, match=problem):
        ws.collection("cameras")


def test_ids_and_keys_of_frames():
    key = frame_key("a/clip.mp4", 61_040)
    assert key == "a/clip.mp4#t=61.040"
    assert video_of(key) == "a/clip.mp4"
    assert video_of("a#b.png") is None
    assert document_id("c", key) == f"{document_id('c', 'a/clip.mp4')}_frame_000061040"
    assert object_of(f"{document_id('c', 'a.png')}_det_3") == document_id("c", "a.png")
