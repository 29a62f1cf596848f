import numpy as np
import pytest
from PIL import Image

from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.identify.build_index import index_folder
from autolabel_core.identify.index_encoder import encoder_of, load_encoder, origin_of
from autolabel_core.identify.reference_folder import read_folder
from autolabel_core.matching.reference_index import ReferenceIndex

COLOURS = {"red_ball": "red", "LOCH-JP001_red_ball": "#e01010", "blue_box_ur": "blue"}


def unit(rows):
    vectors = np.asarray(rows, np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def make_index(names, vectors):
    origin = origin_of(load_encoder(), "refs")
    n = len(names)
    files = tuple(f"{i}.png" for i in range(n))
    return ReferenceIndex(vectors, tuple(names), files, files, origin, ({},) * n)


@pytest.fixture
def folder(tmp_path):
    refs = tmp_path / "refs"
    refs.mkdir()
    for name, colour in COLOURS.items():
        Image.new("RGB", (60, 80), colour).save(refs / f"{name}.png")
    return refs


def index_of(refs, out, views=0):
    encoder = load_encoder()
    return index_folder(
        read_folder(refs), encoder, origin_of(encoder, refs, None, None, views), out
    )


def test_search_agrees_with_a_naive_one():
    rng = np.random.default_rng(0)
    names = [f"label {i % 7}" for i in range(40)]
    references, queries = unit(rng.normal(size=(40, 12))), unit(rng.normal(size=(300, 12)))
    index = make_index(names, references)
    for query, match in zip(queries, index.search(queries, k=4), strict=True):
        cosines = sorted(((float(query @ r), i) for i, r in enumerate(references)), reverse=True)
        best, row = cosines[0]
        other = next(score for score, i in cosines if names[i] != names[row])
        assert match.label == names[row] and match.row == row
        assert match.score == pytest.approx(best, abs=1e-6)
        assert match.margin == pytest.approx(best - other, abs=1e-6)
        assert len({hit.label for hit in match.top}) == len(match.top) == 4
        assert all(names[hit.row] == hit.label for hit in match.top)


def test_equal_scores_go_to_the_earlier_reference_as_in_a_labels_table():
    index = make_index(["d", "b", "c", "a"], unit([[1, 0], [1, 0], [0, 1], [1, 0]]))
    (match,) = index.search(unit([[1, 0]]), k=2)
    assert [hit.label for hit in match.top] == ["d", "b"] and match.margin == 0.0
    assert index.search(np.zeros((0, 2), np.float32)) == []


def test_variants_of_one_thing_do_not_narrow_the_margin():
    index = make_index(["a", "a", "b"], unit([[1, 0], [0.99, 0.1], [0, 1]]))
    (match,) = index.search(unit([[1, 0.05]]))
    assert match.label == "a" and match.margin > 0.9


def test_one_label_has_no_margin():
    (match,) = make_index(["a"], unit([[1, 0]])).search(unit([[1, 1]]))
    assert match.margin is None and len(match.top) == 1


def test_an_index_comes_back_as_it_was_written(folder, tmp_path):
    out = tmp_path / "cards.npz"
    built = index_of(folder, out)
    assert built.embedded == 3 and built.several == {
        "Red Ball": ["LOCH-JP001_red_ball.png", "red_ball.png"]
    }
    loaded = ReferenceIndex.load(out)
    assert loaded.checksum == built.index.checksum
    assert loaded.names == ("Red Ball", "Blue Box", "Red Ball")
    assert loaded.fields == ({"set_code": "LOCH-JP001"}, {"rarity": "UR"}, {})
    with np.load(out, allow_pickle=False) as arrays:
        assert {"embeddings", "names", "filenames"} <= set(arrays.files)
    before = out.read_bytes()
    out.unlink()
    index_of(folder, out)
    assert out.read_bytes() == before


@pytest.mark.parametrize("views", [0, 3])
def test_only_new_and_changed_pictures_are_embedded(folder, tmp_path, views):
    out = tmp_path / "cards.npz"
    index_of(folder, out, views)
    assert index_of(folder, out, views).embedded == 0
    Image.new("RGB", (60, 80), "green").save(folder / "green_cup.jpg")
    Image.new("RGB", (60, 80), "black").save(folder / "red_ball.png")
    (folder / "blue_box_ur.png").rename(folder / "blue_box_sr.png")
    grown = index_of(folder, out, views)
    assert grown.embedded == 2 and len(grown.index) == 4
    assert "SR" in {fields.get("rarity") for fields in grown.index.fields}
    fresh = index_of(folder, tmp_path / "fresh.npz", views)
    assert fresh.embedded == 4 and fresh.index.checksum == grown.index.checksum
    assert index_of(folder, out, views + 1).embedded == 4


def test_an_encoder_of_another_space_is_refused_by_both_names(folder, tmp_path):
    index = index_of(folder, tmp_path / "cards.npz").index
    assert encoder_of(index).manifest.feature_uri == index.feature_uri
    with pytest.raises(AutolabelError, match=r"@v1/descriptor.*@v2/descriptor"):
        index.require(load_encoder(version="v2").manifest.feature_uri)
    with pytest.raises(AutolabelError, match="1360 dimensions"):
        index.search(unit([[1, 0]]))


def test_a_damaged_index_is_told(folder, tmp_path):
    out = tmp_path / "cards.npz"
    index_of(folder, out)
    whole = out.read_bytes()
    flipped = bytearray(whole)
    flipped[1000] ^= 1
    for number, data in enumerate(
        [b"", b"PK\x03\x04", whole[: len(whole) // 2], b"hello", bytes(flipped)]
    ):
        out.write_bytes(data)
        with pytest.raises(AutolabelError, match=r"no index|damaged"):
            ReferenceIndex.load(out)
        assert number or index_of(folder, out).embedded == 3
    with pytest.raises(NotFoundError, match="identify index --refs"):
        ReferenceIndex.load(tmp_path / "absent.npz")


def test_an_index_of_arrays_alone_or_with_pickles_is_refused(tmp_path):
    out = tmp_path / "old.npz"
    np.savez(out, embeddings=np.zeros((1, 4), np.float32), names=["a"], filenames=["a.png"])
    with pytest.raises(AutolabelError, match="no index"):
        ReferenceIndex.load(out)
    np.savez(out, header=np.array([{"a": 1}], dtype=object), embeddings=np.zeros((1, 4)))
    with pytest.raises(AutolabelError, match="no index"):
        ReferenceIndex.load(out)


def test_folders_without_pictures_are_told(tmp_path):
    with pytest.raises(NotFoundError, match="no folder"):
        read_folder(tmp_path / "absent")
    below = tmp_path / "refs" / "cards"
    below.mkdir(parents=True)
    with pytest.raises(AutolabelError, match="holds no picture"):
        read_folder(tmp_path / "refs")
    (below / "a.png").write_text("hello")
    with pytest.raises(AutolabelError, match=f"some in {below}"):
        read_folder(tmp_path / "refs")
    with pytest.raises(AutolabelError, match='not an image: it begins with the text "hello"'):
        read_folder(below)


def test_what_is_no_picture_is_left_out_and_told(folder, tmp_path):
    (folder / "text.png").write_text("hello")
    (folder / "___.png").write_bytes((folder / "red_ball.png").read_bytes())
    (folder / "notes.txt").write_text("left alone")
    data = (folder / "red_ball.png").read_bytes()
    (folder / "cut_short.png").write_bytes(data[: len(data) // 2])
    (folder / "green_cup.png").write_bytes(data)
    built = index_of(folder, tmp_path / "cards.npz")
    assert set(built.unreadable) == {"text.png", "___.png", "cut_short.png"}
    assert len(built.index) == 4
    assert built.same_picture == (("green_cup.png", "red_ball.png"),)
