import math

import numpy as np
import pytest

from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.identify.index_encoder import load_encoder
from autolabel_core.models.evaluation.held_out_set import HeldOutSet
from autolabel_core.models.projection_head import Head, ProjectedExtractor
from autolabel_core.training.heads.supcon import (
    batches,
    head_module,
    project,
    supcon_loss,
    weights_of,
)
from autolabel_core.training.heads.train_head import HeadTrainingData, Recipe, train_head

torch = pytest.importorskip("torch")
RECIPE = Recipe(
    epochs=6, steps_per_epoch=20, classes=6, views=6, hidden=32, out=16, learning_rate=3e-3
)


def naive_supcon(z, labels, temperature):
    losses = []
    for i in range(len(z)):
        others = [a for a in range(len(z)) if a != i]
        partners = [p for p in others if labels[p] == labels[i]]
        total = sum(math.exp(float(z[i] @ z[a]) / temperature) for a in others)
        if partners:
            logs = [math.log(math.exp(float(z[i] @ z[p]) / temperature) / total) for p in partners]
            losses.append(-sum(logs) / len(partners))
    return sum(losses) / len(losses)


def unit(values):
    values = np.asarray(values, np.float32)
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


def material(labels=12, dim=24, noise=0.8, seed=0):
    """Labels are directions; half of the dimensions are noise that a head can learn to drop."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(labels, 1, dim))
    centres[..., dim // 2 :] = 0

    def views(count):
        away = rng.normal(size=(labels, count, dim)) * 0.2
        away[..., dim // 2 :] *= 5 * noise
        return unit(centres + away)

    names = [f"label {i}" for i in range(labels)]
    references = views(1)
    return HeadTrainingData(
        load_encoder().manifest.feature_uri,
        names,
        names,
        views(6),
        HeldOutSet(names, references, views(4)),
        HeldOutSet(names, references, views(8)),
    )


@pytest.mark.parametrize("seed", range(5))
def test_the_loss_agrees_with_a_naive_one(seed):
    rng = np.random.default_rng(seed)
    z, labels = unit(rng.normal(size=(14, 8))), rng.integers(0, 5, 14)
    labels[0] = 99
    found = supcon_loss(torch.from_numpy(z), torch.from_numpy(labels), 0.1)
    assert float(found) == pytest.approx(naive_supcon(z, labels, 0.1), rel=1e-4)


def test_numpy_and_torch_project_alike():
    module = head_module(20, 32, 16, seed=3)
    vectors = unit(np.random.default_rng(0).normal(size=(9, 20)))
    by_torch = project(module, torch.from_numpy(vectors)).detach().numpy()
    np.testing.assert_allclose(Head(weights_of(module)).project(vectors), by_torch, atol=1e-6)


def test_batches_hold_so_many_views_of_distinct_labels():
    members = [np.arange(5) + 5 * i for i in range(30)] + [np.array([150])]
    for rows, labels in batches(members, 16, 4, 20, np.random.default_rng(0)):
        assert len(rows) == 64 and len(set(labels.tolist())) == 16
        assert all(row in members[label] for row, label in zip(rows, labels, strict=True))
        for label in set(labels.tolist()) - {30}:
            assert len(set(rows[labels == label].tolist())) == 4


def test_training_widens_margins_and_is_repeatable():
    trained = train_head(material(), RECIPE, device="cpu")
    assert trained.adopted and not trained.fell
    assert trained.after["top1"] >= trained.before["top1"]
    assert trained.after["median_margin"] > trained.before["median_margin"] + 0.1
    assert set(trained.margins) == set(material().labels)
    assert train_head(material(), RECIPE, device="cpu").head.digest == trained.head.digest
    other = Recipe(**{**RECIPE.__dict__, "seed": 1})
    assert train_head(material(), other, device="cpu").head.digest != trained.head.digest


def test_the_best_epoch_is_kept_and_training_stops_early():
    noise = material(noise=40.0)
    long = Recipe(epochs=40, steps_per_epoch=5, hidden=64, out=16, learning_rate=0.05, patience=3)
    trained = train_head(noise, long, device="cpu")
    assert trained.epochs < 40 and trained.epochs == trained.best_epoch + 3


def test_a_head_that_is_worse_is_not_adopted():
    sharp = material(noise=0.0)
    still = Recipe(epochs=1, steps_per_epoch=1, hidden=2, out=2, learning_rate=1e-9)
    trained = train_head(sharp, still, device="cpu")
    assert not trained.adopted and "median_margin" in trained.fell
    assert trained.head.card["held_out"]["adopted"] is False


def test_a_training_that_was_cut_short_goes_on_to_the_same_head(tmp_path):
    class CutError(Exception):
        pass

    def cut(done, _total):
        if done == 2:
            raise CutError

    state = tmp_path / "head.resume"
    with pytest.raises(CutError):
        train_head(material(), RECIPE, state, "cpu", cut)
    assert state.exists()
    seen = []
    resumed = train_head(material(), RECIPE, state, "cpu", lambda done, _: seen.append(done))
    assert seen == [3, 4, 5, 6] and not state.exists()
    assert resumed.head.digest == train_head(material(), RECIPE, device="cpu").head.digest


def test_the_state_of_another_training_or_a_damaged_one_is_no_beginning(tmp_path):
    state = tmp_path / "head.resume"
    whole = train_head(material(), RECIPE, device="cpu").head.digest
    for data in (b"", b"hello"):
        state.write_bytes(data)
        assert train_head(material(), RECIPE, state, "cpu").head.digest == whole


def test_one_label_cannot_be_told_from_others():
    with pytest.raises(AutolabelError, match="only"):
        train_head(material(labels=1), RECIPE, device="cpu")


def test_a_head_comes_back_as_it_was_written(tmp_path):
    head = train_head(material(), RECIPE, device="cpu").head
    head.save(tmp_path / "head.safetensors")
    loaded = Head.load(tmp_path / "head.pt")
    assert loaded.digest == head.digest and loaded.card == head.card
    before = (tmp_path / "head.safetensors").read_bytes()
    loaded.save(tmp_path / "head.safetensors")
    assert (tmp_path / "head.safetensors").read_bytes() == before


def test_what_is_no_head_is_told(tmp_path):
    file = tmp_path / "head.safetensors"
    with pytest.raises(NotFoundError, match="identify train"):
        Head.load(file)
    for data in (b"", b"hello" * 10):
        file.write_bytes(data)
        with pytest.raises(AutolabelError, match="holds no projection head"):
            Head.load(file)


def test_a_head_is_a_feature_space_of_its_own_over_its_encoder_alone():
    head = Head(weights_of(head_module(1360, 8, 4, 0)), {"feature_uri": "autolabel://a@v1/b"})
    with pytest.raises(AutolabelError, match=r"autolabel://a@v1/b.*image_extractor@v1/descriptor"):
        ProjectedExtractor(load_encoder(), head)
    fitting = Head(head.weights, {"feature_uri": load_encoder().manifest.feature_uri})
    manifest = ProjectedExtractor(load_encoder(), fitting).manifest
    assert manifest.feature_uri.endswith(f"/descriptor_head-{head.digest}")
    assert manifest.embedding_dim == 4
