import pytest
from conftest import sweep_quietly
from PIL import Image
from test_verification import draw

from autolabel_core.declarations import load_collections
from autolabel_core.foundation.errors import DeclarationError
from autolabel_core.foundation.ids import content_hash
from autolabel_core.ledger import Annotation
from autolabel_core.models.evaluation.augmentation import (
    AugmentationSplit,
    augmentations,
    view_side_px,
)
from autolabel_core.operations.advice import findings
from autolabel_core.operations.registration import register
from autolabel_core.operations.staleness_plan import plan
from autolabel_core.operations.status import collection_status
from autolabel_core.tables.reference_set import ReferenceSet
from autolabel_core.tables.taxonomy_labels import TaxonomyLabels

CARDS = """\
feature_extractor: {model: descriptor, field_passthrough: [card, set_code, rarity]}
taxonomy: {field_to_enrich: card, confidence_threshold: 0.5}
references: filenames
"""
SHOTS = """\
feature_extractor: {model: descriptor, field_passthrough: [card]}
taxonomy: {field_to_enrich: card, reference: cards, confidence_threshold: 0.5,
  enrichment_fields: [{source: rarity, target: rarity}]}
"""
NAMES = ("LOCH-JP001_dark_magician_ur.png", "kuriboh.png", "pharaoh_s_servant.png")


@pytest.fixture
def cards(home):
    home.declare("cards", CARDS)
    home.declare("shots", SHOTS)
    folder = home.paths.buckets / "cards"
    folder.mkdir(parents=True)
    for number, name in enumerate(NAMES):
        draw(number).save(folder / name)
    (home.paths.buckets / "shots").mkdir()
    return home


def references(home):
    workspace = home.workspace
    return ReferenceSet(workspace.open("cards")).load()


def labelled(home, name="cards"):
    workspace = home.workspace
    table = TaxonomyLabels(workspace.open(name))
    rows = [
        r for b in table.batches for r in workspace.warehouse.read_table(table.path(b)).to_pylist()
    ]
    return {row["key"]: row for row in rows}


def test_file_names_are_labels_of_people_with_their_fields(cards):
    sweep_quietly(cards.workspace, "cards")
    rows = {row["key"]: row for row in references(cards).rows}
    assert {k: r["label"] for k, r in rows.items()} == dict(
        zip(NAMES, ("Dark Magician", "Kuriboh", "Pharaoh's Servant"), strict=True)
    )
    assert rows[NAMES[0]]["fields"] == {"set_code": "LOCH-JP001", "rarity": "UR"}
    assert {row["label_source"] for row in rows.values()} == {"human"}
    assert {e.origin for e in cards.workspace.ledger.annotations("cards")} == {"filename"}
    assert labelled(cards)[NAMES[0]]["rarity"] == "UR"


def test_each_content_is_imported_once_and_a_correction_stands(cards):
    sweep_quietly(cards.workspace, "cards")
    before = len(cards.workspace.ledger.annotations("cards"))
    (cards.paths.warehouse / "cards").rename(cards.paths.home / "gone")
    sweep_quietly(cards.workspace, "cards")
    assert len(cards.workspace.ledger.annotations("cards")) == before
    row = next(r for r in references(cards).rows if r["key"] == "kuriboh.png")
    said = Annotation(
        "cards", row["document_id"], "kuriboh.png", "Furball", row["content_hash"], "a", "cli"
    )
    cards.workspace.ledger.append_annotations([said])
    sweep_quietly(cards.workspace, "cards")
    assert labelled(cards)["kuriboh.png"]["label"] == "Furball"


def test_new_rules_for_names_are_imported(cards):
    draw(7).save(cards.paths.buckets / "cards" / "winged_kuriboh_holo.png")
    sweep_quietly(cards.workspace, "cards")
    assert labelled(cards)["winged_kuriboh_holo.png"]["label"] == "Winged Kuriboh Holo"
    cards.declare("cards", CARDS.replace("filenames", "{rarities: {holo: Holographic}}"))
    sweep_quietly(cards.workspace, "cards")
    row = labelled(cards)["winged_kuriboh_holo.png"]
    assert (row["label"], row["rarity"]) == ("Winged Kuriboh", "Holographic")


def test_metadata_goes_before_the_name(cards):
    (cards.paths.buckets / "cards" / "kuriboh.png.json").write_text('{"card": "Said So"}')
    sweep_quietly(cards.workspace, "cards")
    assert labelled(cards)["kuriboh.png"]["label"] == "Said So"


def test_a_name_that_says_nothing_is_quarantined(cards):
    draw(8).save(cards.paths.buckets / "cards" / "___.png")
    sweep_quietly(cards.workspace, "cards")
    assert "says no label" in labelled(cards)["___.png"]["reason"]
    assert len(references(cards).rows) == 3


def test_uploads_alone_make_new_references(cards):
    sweep_quietly(cards.workspace, "cards")
    draw(9).save(cards.paths.buckets / "cards" / "mirror_force.png")
    workspace = cards.workspace
    collection = workspace.open("cards")
    register(collection)
    asked = plan(collection, uploads_only=True)
    assert "reference_set" in asked.assets
    sweep_quietly(workspace, "cards")
    assert "Mirror Force" in set(references(cards).labels)


def test_shots_take_label_and_rarity_from_the_cards(cards):
    shot = draw(0).resize((100, 130)).rotate(3, fillcolor="white")
    shot.save(cards.paths.buckets / "shots" / "shot.jpg")
    sweep_quietly(cards.workspace, "cards")
    sweep_quietly(cards.workspace, "shots")
    row = labelled(cards, "shots")["shot.jpg"]
    assert (row["label"], row["rarity"], row["label_source"]) == ("Dark Magician", "UR", "auto")


@pytest.mark.slow
def test_references_may_be_the_mean_of_views(cards):
    import numpy as np

    sweep_quietly(cards.workspace, "cards")
    plain = references(cards)
    cards.declare("cards", f"{CARDS}reference_views: 3\n")
    sweep_quietly(cards.workspace, "cards")
    mean = references(cards)
    assert mean.reference_views == 3 and not set(mean.keys) & set(plain.keys)
    extractor = cards.workspace.extractor(cards.workspace.collection("cards"))
    for row, vector in zip(mean.rows, mean.vectors, strict=True):
        file = cards.paths.buckets / "cards" / row["key"]
        picture = Image.open(file).convert("RGB")
        checksum, side_px = content_hash(file.read_bytes()), view_side_px(extractor)
        drawn = augmentations(picture, checksum, AugmentationSplit.REFERENCE, range(3), side_px)
        expected = extractor.embed(drawn).mean(axis=0)
        np.testing.assert_allclose(vector, expected / np.linalg.norm(expected), atol=1e-6)
    assert labelled(cards)["kuriboh.png"]["label"] == "Kuriboh"


def test_references_that_look_alike_are_a_finding(cards):
    folder = cards.paths.buckets / "cards"
    workspace = cards.workspace
    sweep_quietly(workspace, "cards")
    found = distinguishability(cards)
    assert found.passed and found.asset == "reference_set"
    for number, name in enumerate(NAMES):
        draw(0).resize((90 + number, 120)).save(folder / name)
    sweep_quietly(cards.workspace, "cards")
    found = distinguishability(cards)
    assert not found.passed and "train a head" in found.text
    workspace = cards.workspace
    table = ReferenceSet(workspace.open("cards"))
    assert table.report()["confusable"]
    assert table.pictures()["most confusable"].startswith(b"\x89PNG")


def distinguishability(home):
    workspace = home.workspace
    status = collection_status(workspace.open("cards"))
    by_name = {finding.name: finding for finding in findings(status)}
    assert by_name["references_per_label"].passed
    return by_name["references_distinguishable"]


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("references: names", "references"),
        ("references: {rarity: {a: A}}", "rarity"),
        ("references: {set_code: '('}", "no regular expression"),
        ("reference_views: -1", "reference_views"),
    ],
)
def test_what_names_cannot_mean_is_refused(home, said, problem):
    home.declare("cards", f"{said}\n")
    with pytest.raises(DeclarationError, match=problem):
        load_collections(home.paths.collections)
