import json

import numpy as np
import pytest
from test_verification import draw

from autolabel_app.demos.identify import story
from autolabel_app.demos.identify.camera import photograph
from autolabel_app.demos.identify.cards import card_names, draw_card
from autolabel_app.identify.sources import IndexFile
from autolabel_core.identify.build_index import build_index
from autolabel_core.identify.index_encoder import load_encoder, origin_of
from autolabel_core.identify.reference_folder import read_folder
from autolabel_core.matching.reference_index import ReferenceIndex
from autolabel_core.models.evaluation.name_checks import check_names
from autolabel_core.models.projection_head import Head
from autolabel_core.training.heads.train_head import Recipe

PLAIN = ("--model", "descriptor")
"""The quick encoder, where it does not matter which one it is."""
VARIANTS = ((1, "ur.png"), (2, "scr.webp"))


@pytest.fixture
def refs(tmp_path):
    folder = tmp_path / "refs"
    folder.mkdir()
    for number in range(6):
        draw(number).save(folder / f"thing_{number}.png")
    return folder


def test_the_five_commands_of_a_folder(run, refs, tmp_path):
    out, head = tmp_path / "things.npz", tmp_path / "things.pt"
    status, said, _ = run("identify", "index", "--refs", str(refs), "--out", str(out))
    assert status == 0 and "6 references of 6 labels, 6 embedded" in said
    page = tmp_path / "report.html"
    status, said, _ = run("identify", "verify", "--index", str(out), "--html", str(page))
    assert status == 0 and "Median margin" in said and "<img" in page.read_text()
    arguments = ["--refs", str(refs), "--out", str(head), "--epochs", "3", "--views", "6", "--json"]
    status, said, _ = run("identify", "train", *arguments)
    told = json.loads(said)
    assert (status == 0) == told["adopted"] == (tmp_path / "things.safetensors").exists()
    assert not head.exists() and set(told["margins"]) == {f"Thing {i}" for i in range(6)}
    if not told["adopted"]:
        pytest.fail(f"the gate held a head that was expected to help: {told}")
    assert Head.load(head).card["kind"] == "projection_head"
    again = ["--refs", str(refs), "--out", str(out), "--projection", str(head), "--json"]
    status, said, _ = run("identify", "index", *again)
    assert status == 0 and "head-" in json.loads(said)["feature_uri"]
    status, said, _ = run("identify", "verify", "--index", str(out), "--json")
    assert status == 0 and json.loads(said)["top1"]["queries"] == 48


@pytest.fixture
def mixed(refs):
    """A folder with a damaged picture, a file of another kind, and pictures in a sub-folder."""
    whole = (refs / "thing_0.png").read_bytes()
    (refs / "broken.png").write_bytes(whole[: len(whole) // 2])
    (refs / "text.jpg").write_bytes(b"hello")
    (refs / "thing.gif").write_bytes(b"GIF89a")
    (refs / ".hidden").write_text("nothing")
    (refs / "more").mkdir()
    draw(9).save(refs / "more" / "thing_9.png")
    return refs


def test_what_is_left_out_is_named_once_and_in_words(run, mixed, tmp_path):
    out = str(tmp_path / "things.npz")
    status, said, _ = run("identify", "index", "--refs", str(mixed), "--out", out, *PLAIN)
    left_out = [line for line in said.splitlines() if line.startswith("Left out: ")]
    assert status == 0 and len(left_out) == 4 and str(mixed) not in "".join(left_out)
    assert left_out[0].startswith("Left out: broken.png: damaged or truncated image")
    assert left_out[2].startswith('Left out: text.jpg: not an image: it begins with the text "hell')
    assert left_out[1] == "Left out: more: is a folder with 1 pictures: --recursive takes them"
    assert left_out[3] == "Left out: thing.gif: is no .jpeg, .jpg, .png, .webp"
    _, said, _ = run("identify", "index", "--refs", str(mixed), "--out", out, "--recursive", *PLAIN)
    assert "7 references of 7 labels" in said and "more" not in said
    assert "more/thing_9.png" in ReferenceIndex.load(tmp_path / "things.npz").filenames
    picture = IndexFile(tmp_path / "things.npz").load(None).picture
    assert picture("more/thing_9.png") == (mixed / "more" / "thing_9.png").read_bytes()


def test_a_damaged_picture_does_not_stop_a_training(run, mixed, tmp_path):
    arguments = ["--refs", str(mixed), "--out", str(tmp_path / "h.pt"), "--epochs", "1"]
    _, said, _ = run("identify", "train", *arguments, "--views", "4", "--json", *PLAIN)
    told = json.loads(said)
    assert set(told["left_out"]) == {"broken.png", "text.jpg", "more", "thing.gif"}
    assert len(told["margins"]) == 6


def test_names_that_contradict_their_pictures_are_named(run, refs, tmp_path):
    for number in range(6):
        draw(number).rotate(2).save(refs / f"AB-C{number}_thing_{(number + 1) % 6}.png")
    out = tmp_path / "things.npz"
    run("identify", "index", "--refs", str(refs), "--out", str(out), *PLAIN)
    status, said, _ = run("identify", "verify", "--index", str(out))
    assert status == 1 and "names that can be checked contradict their pictures" in said
    assert "AB-C0_thing_1.png" in said and "train a head" not in said
    _, said, _ = run("identify", "verify", "--index", str(out), "--json")
    told = json.loads(said)
    assert told["names_checked"] == 12 and len(told["suspects"]) == 12
    assert {"label", "looks_like", "own_cosine"} < set(told["suspects"][0])


def test_what_verify_cannot_check_is_said(run, refs, tmp_path):
    draw(7).save(refs / "LOB-001_blue_dragon.png")
    out = tmp_path / "things.npz"
    run("identify", "index", "--refs", str(refs), "--out", str(out), *PLAIN)
    status, said, _ = run("identify", "verify", "--index", str(out))
    assert status == 0 and "Names cannot be checked with one picture each" in said
    assert "`LOB-001 Blue Dragon`" in said and "--names" in said
    names = tmp_path / "names.yaml"
    names.write_text("set_code: '[A-Z0-9]+-[A-Z]*[0-9]+'\n")
    index = ["--refs", str(refs), "--out", str(out), "--names", str(names)]
    run("identify", "index", *index, *PLAIN)
    _, said, _ = run("identify", "verify", "--index", str(out))
    assert "set code" not in said


def test_a_rarity_of_variants_that_look_alike_is_a_guess(refs, tmp_path):
    draw(7).save(refs / "LOCH-EN001_dragon_ur.png")
    draw(7).save(refs / "LOCH-EN002_dragon_scr.webp", lossless=True)
    draw(8).save(refs / "LOCH-EN003_knight_ur.png")
    draw(9).save(refs / "LOCH-EN004_knight_scr.png")
    encoder = load_encoder()
    index = build_index(read_folder(refs), encoder, origin_of(encoder, refs)).index
    alike = {index.filenames[row]: index.look_alikes(row) for row in range(len(index))}
    pair = [index.filenames.index(f"LOCH-EN00{i}_dragon_{r}") for i, r in VARIANTS]
    assert alike.pop("LOCH-EN001_dragon_ur.png") == pair[1:]
    assert alike.pop("LOCH-EN002_dragon_scr.webp") == pair[:1]
    assert not any(alike.values())
    (remark,) = [r for r in check_names(index).remarks if "look alike" in r]
    assert remark.startswith("1 labels have variants that look alike, such as `Dragon`")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("index", "--refs", "absent", "--out", "x.npz"), "There is no folder absent"),
        (("verify", "--index", "absent.npz"), "There is no index absent.npz"),
        (("index", "--refs", "{refs}", "--out", "x.npz", "--projection", "y.pt"), "y.safetensors"),
        (("index", "--refs", "{refs}", "--out", "x.npz", "--model", "clop"), "does not know"),
        (("index", "--refs", "{refs}", "--out", "x.npz", "--names", "{names}"), "rarity"),
    ],
)
def test_mistakes_are_told_in_a_line(run, refs, tmp_path, arguments, problem):
    names = tmp_path / "names.yaml"
    names.write_text("rarity: {a: A}\n")
    filled = [a.format(refs=refs, names=names) for a in arguments]
    status, _, err = run("identify", *filled)
    assert status == 1 and problem in err and "Traceback" not in err


def test_a_rate_that_is_missed_is_an_exit_status(run, refs, tmp_path):
    for number in range(1, 4):
        draw(0).resize((90 + number, 120)).save(refs / f"copy_{number}.png")
    out = str(tmp_path / "things.npz")
    assert run("identify", "index", "--refs", str(refs), "--out", out, *PLAIN)[0] == 0
    assert run("identify", "verify", "--index", out)[0] == 0
    assert run("identify", "verify", "--index", out, "--min-top1", "0.99")[0] == 1


def test_one_picture_makes_an_index_and_no_verification(run, tmp_path):
    refs = tmp_path / "refs"
    refs.mkdir()
    draw(0).save(refs / "only.png")
    out = str(tmp_path / "one.npz")
    assert run("identify", "index", "--refs", str(refs), "--out", out, *PLAIN)[0] == 0
    for command in (
        ("verify", "--index", out),
        ("train", "--refs", str(refs), "--out", str(tmp_path / "h.pt")),
    ):
        status, _, err = run("identify", *command)
        assert status == 1 and "Only" in err


def test_cards_differ_by_number_and_shots_by_seed():
    cards = {draw_card(number, flat).tobytes() for number in range(20) for flat in (False, True)}
    assert len(cards) == 40 and draw_card(3).tobytes() == draw_card(3).tobytes()
    shots = [photograph(draw_card(0), np.random.default_rng(seed)) for seed in (0, 1, 1)]
    assert shots[0].tobytes() != shots[1].tobytes() == shots[2].tobytes()
    assert len(set(card_names(225))) == 225


@pytest.mark.slow
def test_the_demo_tells_its_story(tmp_path):
    small = story.Setting(12, 6, 1, Recipe(epochs=3, steps_per_epoch=20, views=6))
    told = []
    report = story.run_identify_demo(tmp_path / "demo", told.append, small)
    assert json.loads((tmp_path / "demo" / "report.json").read_text()) == report
    assert {"classes", "top1_before", "top1_after", "margin_before", "margin_after"} < set(report)
    assert {"unknown_auroc", "seconds", "one_palette"} < set(report)
    assert report["margin_after"] > report["margin_before"]
    assert "<img" in (tmp_path / "demo" / "verify.html").read_text() and len(told) == 9
    story.run_identify_demo(tmp_path / "demo", told.append, small)
