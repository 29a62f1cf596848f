"""open_clip: a small checkpoint through the real code; missing weights are errors with a cure."""

from __future__ import annotations

import json
import re
import socket

import numpy as np
import pytest
from PIL import Image

from autolabel_core.foundation.errors import AutolabelError, MissingWeightsError, NotFoundError
from autolabel_core.models import hub_timeout as hub
from autolabel_core.models.extractors import embed_checked, load_extractor
from autolabel_core.models.weights import content_digest, feature_name

TINY = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "head_width": 32, "patch_size": 16},
    "text_cfg": {"context_length": 8, "vocab_size": 64, "width": 32, "heads": 1, "layers": 1},
}


def load(model, **parameters):
    return load_extractor("image_extractor", "v1", f"open_clip:{model}", parameters)


def images(count):
    rng = np.random.default_rng(0)
    return [
        Image.fromarray(rng.integers(0, 256, (48, 70, 3), dtype=np.uint8)) for _ in range(count)
    ]


def save_tiny(folder, seed):
    import open_clip
    import torch

    config = folder / "autolabel-tiny.json"
    config.write_text(json.dumps(TINY), "utf-8")
    open_clip.add_model_config(config)
    torch.manual_seed(seed)
    model = open_clip.create_model("autolabel-tiny")
    torch.save(model.state_dict(), folder / "tiny weights.pt")
    return model


@pytest.mark.slow
def test_a_checkpoint_is_loaded_and_embeds(tmp_path, monkeypatch):
    import open_clip
    import torch

    model = save_tiny(tmp_path, seed=1).eval()
    extractor = load(f"autolabel-tiny/{tmp_path}/tiny weights.pt", device="cpu", batch_size=2)
    name = extractor.manifest.feature_name
    assert re.fullmatch(r"open_clip_autolabel-tiny_tiny-weights_[0-9a-f]{8}", name)
    assert (extractor.manifest.embedding_dim, extractor.min_side_px) == (24, 32)
    batch = images(5)
    vectors = embed_checked(extractor, batch)
    preprocess = open_clip.image_transform(32, is_train=False)
    with torch.no_grad():
        pixels = torch.stack([preprocess(image) for image in batch])
        expected = model.encode_image(pixels, normalize=True).numpy()
    assert vectors == pytest.approx(expected, abs=1e-5)
    assert np.array_equal(vectors, np.concatenate([extractor.embed([image]) for image in batch]))
    assert np.array_equal(vectors[::-1], extractor.embed(batch[::-1]))
    _, own, _ = extractor.loaded()
    ours = extractor._tower()._preprocess
    assert torch.equal(ours(batch[0]), own(batch[0]))
    assert embed_checked(extractor, []).shape == (0, 24)

    monkeypatch.chdir(tmp_path)
    relative = load("autolabel-tiny/tiny weights.pt")
    assert relative.manifest.feature_name == name
    assert embed_checked(relative, batch) == pytest.approx(expected, abs=1e-2)
    save_tiny(tmp_path, seed=2)
    other = load("autolabel-tiny/tiny weights.pt", device="cpu")
    assert other.manifest.feature_uri != relative.manifest.feature_uri

    (tmp_path / "text.pt").write_text("no checkpoint", "utf-8")
    with pytest.raises(MissingWeightsError, match=r"text\.pt.*cannot be loaded.*Give a checkpoint"):
        load(f"autolabel-tiny/{tmp_path}/text.pt", device="cpu").embed(batch)
    cut = (tmp_path / "tiny weights.pt").read_bytes()[:5000]
    for kind in ("pt", "safetensors"):
        (tmp_path / f"cut.{kind}").write_bytes(cut)
        with pytest.raises(MissingWeightsError, match="cannot be loaded"):
            load(f"autolabel-tiny/cut.{kind}", device="cpu").embed(batch)
    with pytest.raises(MissingWeightsError, match="Give a checkpoint of ViT-S-32"):
        load(f"ViT-S-32/{tmp_path}/tiny weights.pt", device="cpu").embed(batch)
    with pytest.raises(AutolabelError, match="`device` is `nonsense`, expected cuda"):
        load("autolabel-tiny/tiny weights.pt", device="nonsense").embed(batch)
    if not torch.cuda.is_available():
        with pytest.raises(AutolabelError, match="this machine lacks; it has: "):
            load("autolabel-tiny/tiny weights.pt", device="cuda").embed(batch)


@pytest.mark.slow
def test_a_known_tag_without_a_hub_is_an_error_with_a_cure(monkeypatch, tmp_path):
    from huggingface_hub import constants

    monkeypatch.setattr(hub, "is_reachable", lambda endpoint: False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    before = constants.HF_HUB_OFFLINE
    extractor = load("ViT-B-32/laion2b_s34b_b79k", device="cpu")
    assert extractor.manifest.feature_name == "open_clip_ViT-B-32_laion2b_s34b_b79k"
    cure = r"cannot be loaded: .*On a machine with access .*open_clip:ViT-B-32//path/to/weights"
    with pytest.raises(MissingWeightsError, match=cure):
        extractor.embed(images(1))
    assert before == constants.HF_HUB_OFFLINE
    with pytest.raises(MissingWeightsError, match=r"Did you mean `laion2b_s34b_b79k`\?"):
        load("ViT-B-32/laion2b_s34b_b79", device="cpu").embed(images(1))


@pytest.mark.slow
def test_tags_bring_their_own_normalisation():
    from autolabel_core.models.extractors.open_clip import _pretrained_config

    assert _pretrained_config("ViT-B-32", "openai")["quick_gelu"] is True
    assert _pretrained_config("ViT-B-16-SigLIP", "/a/file.pt")["mean"] == (0.5, 0.5, 0.5)
    assert _pretrained_config("no-such-model", "/a/file.pt") == {}


def test_a_manifest_loads_no_weights_and_knows_the_dimension():
    assert load("ViT-B-32/laion2b_s34b_b79k").manifest.embedding_dim == 512
    assert load("ViT-L-14-336/openai").min_side_px == 336


@pytest.mark.slow
def test_an_unknown_model_suggests_near_ones():
    with pytest.raises(NotFoundError, match="Did you mean ViT-B-32"):
        load("ViT-B-31/openai")
    with pytest.raises(NotFoundError, match="list_models"):
        load("zzz/openai")


@pytest.mark.parametrize("spec", ["ViT-B-32", "ViT-B-32/", "/tag"])
def test_a_spec_without_model_or_weights_is_refused(spec):
    with pytest.raises(AutolabelError, match="lacks model or weights"):
        load(spec)


@pytest.mark.parametrize("path", ["/no/such/file.pt", "no/such/file", "missing.safetensors"])
def test_a_missing_checkpoint_is_named(path):
    with pytest.raises(MissingWeightsError, match="there is no file `/"):
        load(f"ViT-B-32/{path}")


def test_a_wrong_batch_size_is_refused():
    with pytest.raises(AutolabelError, match="`batch_size` is 0, expected at least 1"):
        load("ViT-B-32/openai", batch_size=0)


@pytest.mark.parametrize(
    ("endpoint", "proxies"),
    [("http://127.0.0.1:1", {}), ("https://hub.invalid", {"https": "127.0.0.1:1"})],
)
def test_a_hub_or_proxy_that_refuses_does_not_answer(monkeypatch, endpoint, proxies):
    monkeypatch.setattr(hub.urllib.request, "getproxies", lambda: proxies)
    assert not hub.is_reachable(endpoint)


def test_a_hub_that_listens_answers():
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert hub.is_reachable(f"http://127.0.0.1:{server.getsockname()[1]}")


def test_names_of_features_hold_safe_characters_only():
    assert feature_name("open_clip", "a/b:c d", "ä") == "open_clip_a-b-c-d_"


def test_digests_follow_the_content(tmp_path):
    file = tmp_path / "weights"
    file.write_bytes(b"abc")
    assert content_digest([file]) == "ba7816bf"
    file.write_bytes(b"other content")
    assert content_digest([file]) != "ba7816bf"
