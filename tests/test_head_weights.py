"""A head on a collection's features: trained when asked for, judged, changed over to."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import sweep_quietly
from test_filename_references import draw

from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.models.evaluation.augmentation_cache import ViewCache
from autolabel_core.models.extractors.descriptor import DescriptorExtractor
from autolabel_core.models.registry import HEAD
from autolabel_core.operations.automation import ask_for_training
from autolabel_core.operations.staleness_plan import plan, training_plan, weights_of
from autolabel_core.tables.embeddings import Embeddings
from autolabel_core.tables.reference_set import ReferenceSet
from autolabel_core.tables.taxonomy_labels import TaxonomyLabels
from autolabel_core.tables.workspace import OpenCollection
from autolabel_core.training.heads import weights_table as module
from autolabel_core.training.heads.train_head import Recipe
from autolabel_core.training.heads.training_data import labelled_material
from autolabel_core.training.heads.weights_table import HeadWeights

CARDS = """\
feature_extractor: {model: descriptor, field_passthrough: [card], fine_tune: true}
taxonomy: {field_to_enrich: card, confidence_threshold: 0.2}
references: filenames
"""
SHOTS = """\
feature_extractor: {model: descriptor}
taxonomy: {field_to_enrich: card, reference: cards, confidence_threshold: 0.2}
"""
SMALL = Recipe(epochs=5, steps_per_epoch=30, views=8, hidden=128, out=64)


@pytest.fixture
def cards(home, monkeypatch):
    monkeypatch.setattr(module, "Recipe", lambda: SMALL)
    home.declare("cards", CARDS)
    home.declare("shots", SHOTS)
    for name, first in (("cards", 0), ("shots", 100)):
        folder = home.paths.buckets / name
        folder.mkdir(parents=True)
        for number in range(8):
            draw(first + number).save(folder / f"thing_{number}.png")
    sweep_quietly(home.workspace, "cards")
    sweep_quietly(home.workspace, "shots")
    return home


def train(home):
    workspace = home.workspace
    collection = workspace.open("cards")
    ask_for_training(collection, "ann")
    assert training_plan(collection).assets == ("fine_tuned_weights",)
    HeadWeights(collection).refresh("all")
    assert not training_plan(OpenCollection(home.workspace, collection.declaration))
    return HeadWeights(OpenCollection(home.workspace, collection.declaration))


def uri(home, name):
    workspace = home.workspace
    return workspace.feature_uri(workspace.collection(name))


def test_a_promoted_head_is_a_feature_space_that_everything_changes_over_to(cards, monkeypatch):
    before = uri(cards, "cards")
    report = train(cards).report()
    assert report["decision"] == "promoted" and report["in service"] == "1.0.0"
    assert report["median_margin after"] > report["median_margin before"]
    assert len(report["labels that gain least"]) == 8
    after = uri(cards, "cards")
    assert after != before and after == uri(cards, "shots")
    embedded = []
    whole = DescriptorExtractor.embed
    monkeypatch.setattr(
        DescriptorExtractor, "embed", lambda self, batch: embedded.append(1) or whole(self, batch)
    )
    for name in ("cards", "shots"):
        workspace = cards.workspace
        assert plan(workspace.open(name), uploads_only=True)
        sweep_quietly(workspace, name)
        collection = cards.workspace.open(name)
        assert ReferenceSet(collection).feature_uri == after
        labels = TaxonomyLabels(collection)
        assert not labels.stale()
    assert not embedded, "vectors of the encoder are projected, not made again"


def test_projected_vectors_are_those_of_the_extractor(cards):
    train(cards)
    sweep_quietly(cards.workspace, "cards")
    workspace = cards.workspace
    collection = workspace.open("cards")
    table = Embeddings(collection)
    stored = workspace.warehouse.read_vectors(table.path(table.batches[0]))
    rows = {row["document_id"]: row["key"] for row in table.items.rows(table.batches[0])}
    extractor = workspace.extractor(collection.declaration)
    for document, vector in zip(stored.document_ids, stored.vectors, strict=True):
        number = int(rows[document][6])
        np.testing.assert_allclose(vector, extractor.embed([draw(number)])[0], atol=1e-6)


def test_taking_a_head_out_of_service_goes_back(cards):
    before = uri(cards, "cards")
    train(cards)
    sweep_quietly(cards.workspace, "cards")
    cards.workspace.registry.roll_back("cards", HEAD, "ann", "worse in the shop")
    assert uri(cards, "cards") == before
    sweep_quietly(cards.workspace, "cards")
    workspace = cards.workspace
    assert ReferenceSet(workspace.open("cards")).feature_uri == before


def test_a_head_that_is_worse_than_the_one_in_service_is_held(cards, monkeypatch):
    train(cards)
    weak = Recipe(epochs=1, steps_per_epoch=1, views=6, hidden=2, out=2, learning_rate=1e-9)
    monkeypatch.setattr(module, "Recipe", lambda: weak)
    report = train(cards).report()
    assert (report["version"], report["decision"], report["in service"]) == (
        *("2.0.0", "held"),
        "1.0.0",
    )
    assert "fell" in report["reason"]


def test_a_request_is_trained_for_once_even_where_the_file_is_lost(cards):
    table = train(cards)
    cards.workspace.warehouse.local(table.path()).unlink()
    again = HeadWeights(table.collection)
    assert again.stale()
    again.refresh("all")
    assert len(again.versions) == 1 and not again.stale()


def test_one_label_and_no_declaration_are_told(home):
    home.declare("one", CARDS)
    folder = home.paths.buckets / "one"
    folder.mkdir(parents=True)
    draw(0).save(folder / "a.png")
    sweep_quietly(home.workspace, "one")
    workspace = home.workspace
    with pytest.raises(AutolabelError, match="references of 1"):
        HeadWeights(workspace.open("one")).check()
    home.declare("plain", SHOTS.replace("cards", "self"))
    with pytest.raises(NotFoundError, match="fine_tune: true"):
        weights_of(home.workspace.collection("plain"))


class Text:
    """An item of a collection of texts; its vector is decided by the test."""

    def __init__(self, number):
        self.checksum = f"{number * 2654435761 % 2**32:08x}" + "0" * 56
        self.number = number

    def picture(self, _min_side_px):
        return str(self.number)


class Texts:
    """Three labels whose texts differ in a direction; half of the dimensions are noise."""

    min_side_px = None

    def __init__(self):
        self.manifest = DescriptorExtractor("v1").manifest
        self.manifest = type(self.manifest)("toy", "v1", "toy", "text", 16)

    def embed(self, batch):
        rows = []
        for text in batch:
            rng = np.random.default_rng(int(text))
            row = rng.normal(size=16) * np.repeat([0.3, 2.0], 8)
            row[int(text) % 3] += 2
            rows.append(row / np.linalg.norm(row))
        return np.array(rows, np.float32)


def test_items_kept_apart_judge_where_labels_have_several(tmp_path):
    texts = [Text(number) for number in range(180)]
    labels = [f"label {number % 3}" for number in range(180)]
    extractor = Texts()
    cache = ViewCache(tmp_path, extractor)
    material = labelled_material(texts, labels, extractor, cache, SMALL)
    trained, asked = len(material.labels), len(material.held_out.asked)
    assert trained + asked + len(material.stopping.asked) == 180 and asked >= 20
    grown = labelled_material(
        [*texts, *(Text(n) for n in range(180, 240))],
        [*labels, *(f"label {n % 3}" for n in range(180, 240))],
        *(extractor, cache, SMALL),
    )
    assert set(material.checksums) <= set(grown.checksums)
    with pytest.raises(AutolabelError, match="too few"):
        labelled_material(texts[:30], labels[:30], extractor, cache, SMALL)
