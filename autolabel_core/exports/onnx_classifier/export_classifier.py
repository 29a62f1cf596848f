"""Puts encoder and rule into one ONNX file, with what they were made from, and checks the file."""

from __future__ import annotations

import importlib.util
import io
import json
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from autolabel_core.exports.onnx_classifier.function_network import network_of
from autolabel_core.exports.onnx_classifier.script import SCRIPT
from autolabel_core.foundation.atomic_files import write_atomically
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.json_types import JsonObject
from autolabel_core.models.extractors import Extractor, embed_checked
from autolabel_core.tables.applied_taxonomy import AppliedTaxonomy
from autolabel_core.tables.workspace import OpenCollection

if TYPE_CHECKING:
    from PIL import Image

    from autolabel_core.exports.onnx_classifier.encoder_network import EncoderNetwork, PictureInput
    from autolabel_core.exports.onnx_classifier.rule_network import RuleNetwork
    from autolabel_core.matching.decision_engine import DecisionEngine

OPSET = 17
METADATA = "autolabel"
OUTPUTS = ("vectors", "label", "confidence", "matched")
PROBE_PICTURES = 6
MOST_OFF = 1e-3
"""Difference of two confidences that sums in another order may have, with room to spare."""
Pictures: TypeAlias = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class ClassifierExport:
    """What was written.

    Attributes:
        model: the ONNX file.
        script: a program beside it that labels pictures.
        labels: how many it knows.
        references: how many they rest on.
        score: name of the score that decides.
    """

    model: Path
    script: Path
    labels: int
    references: int
    score: str


def export_classifier(collection: OpenCollection, out: Path) -> ClassifierExport:
    """Write a collection's encoder and rule as one ONNX file, and a script that uses it.

    Args:
        collection: whose taxonomy decides, by the references as they are now.
        out: the file, ending in `.onnx`; it is replaced. The script takes its name, with `.py`.

    Returns:
        What was written.

    Raises:
        AutolabelError: onnx is not installed, there is nothing to decide by, the encoder cannot be
            exported, or the file would decide otherwise than `classify`.
    """
    if out.suffix != ".onnx":
        raise AutolabelError(f"--out is {out}; expected a name that ends in .onnx")
    if importlib.util.find_spec("onnx") is None:
        raise AutolabelError("onnx is not installed: pip install 'dagster-autolabel[onnx]'")
    taxonomy = _taxonomy_with_references(collection)
    from autolabel_core.exports.onnx_classifier.encoder_network import encoder_network
    from autolabel_core.exports.onnx_classifier.rule_network import rule_network

    encoder, rule = encoder_network(collection.extractor), rule_network(taxonomy.engine)
    content = _with_metadata(_as_onnx(encoder, rule), _about(taxonomy, encoder, rule))
    _check(content, encoder, collection.extractor, taxonomy.engine)
    script = out.with_suffix(".py")
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(out, lambda part: _write(part, content))
    write_atomically(script, lambda part: _write(part, SCRIPT.format(name=out.stem).encode()))
    score = "nearest" if taxonomy.score is None else taxonomy.score.name
    references = len(taxonomy.all_references.rows)
    return ClassifierExport(out, script, len(rule.labels), references, score)


def pictures_of(image: Image.Image, inputs: Mapping[str, PictureInput]) -> dict[str, Pictures]:
    """Return the inputs `(1, side, side, 3)` of an RGB image by name, as the script makes them."""
    from PIL import Image

    found: dict[str, Pictures] = {}
    width, height = image.size
    for name, how in inputs.items():
        share = how["share"]
        across, down = (width, height) if share is None else (min(width, height) * share,) * 2
        left, upper = (width - across) / 2, (height - down) / 2
        small = image.resize(
            (how["side_px"], how["side_px"]),
            Image.Resampling.BICUBIC,
            box=(left, upper, left + across, upper + down),
            reducing_gap=3.0,
        )
        found[name] = np.asarray(small, np.uint8)[None]
    return found


def _taxonomy_with_references(collection: OpenCollection) -> AppliedTaxonomy:
    if collection.declaration.taxonomy is None:
        raise AutolabelError(
            f"`{collection.name}` has no `taxonomy` in its YAML: nothing decides labels, so there "
            "is nothing to export."
        )
    from autolabel_core.documents.classifier import require_same_encoder, why_nothing_compares

    taxonomy = AppliedTaxonomy(collection)
    if not taxonomy.all_references.rows:
        raise AutolabelError(why_nothing_compares(collection))
    require_same_encoder(taxonomy.all_references, collection.extractor)
    return taxonomy


def _as_onnx(encoder: EncoderNetwork, rule: RuleNetwork) -> bytes:
    import torch

    def classify(*inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        vectors = encoder.network(*inputs)
        return (vectors, *rule.network(vectors))

    classifier = network_of(classify, encoder.network, rule.network)
    shapes = [(2, how["side_px"], how["side_px"], 3) for how in encoder.inputs.values()]
    examples = tuple(torch.zeros(shape, dtype=torch.uint8) for shape in shapes)
    file, names = io.BytesIO(), [*encoder.inputs]
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            classifier,
            examples,
            file,
            dynamo=False,
            opset_version=OPSET,
            input_names=names,
            output_names=[*OUTPUTS],
            dynamic_axes={name: {0: "batch"} for name in (*names, *OUTPUTS)},
        )
    return file.getvalue()


def _about(taxonomy: AppliedTaxonomy, encoder: EncoderNetwork, rule: RuleNetwork) -> JsonObject:
    references = taxonomy.all_references
    counts = Counter(map(str, references.labels))
    card: JsonObject = {
        "collection": taxonomy.collection.name,
        "feature_uri": taxonomy.feature_uri,
        "encoder": taxonomy.space.description,
        "score": "nearest" if taxonomy.score is None else taxonomy.score.name,
        "similarity_threshold": taxonomy.engine.similarity_threshold,
        "min_score": taxonomy.rule.min_score,
        "references": dict(sorted(counts.items())),
        "references_version": references.version,
    }
    return {
        "labels": list(rule.labels),
        "thresholds": list(rule.thresholds),
        "inputs": {
            name: {"side_px": how["side_px"], "share": how["share"]}
            for name, how in encoder.inputs.items()
        },
        "min_side_px": encoder.min_side_px,
        "card": card,
    }


def _with_metadata(content: bytes, about: JsonObject) -> bytes:
    import onnx

    model = onnx.load_model_from_string(content)
    entry = model.metadata_props.add()
    entry.key, entry.value = METADATA, json.dumps(about, sort_keys=True, ensure_ascii=False)
    return bytes(model.SerializeToString(deterministic=True))


def _check(
    content: bytes, encoder: EncoderNetwork, extractor: Extractor, engine: DecisionEngine
) -> None:
    """Compare what the file says of some pictures with what `classify` says."""
    import onnxruntime
    from PIL import Image

    rng = np.random.default_rng(0)
    rough = rng.integers(0, 256, (PROBE_PICTURES, 9, 13, 3), dtype=np.uint8)
    pictures = [Image.fromarray(one).resize((390, 270)) for one in rough]
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    expected = engine.decide(embed_checked(extractor, pictures))
    for i, picture in enumerate(pictures):
        _, _, confidence, _ = session.run(None, pictures_of(picture, encoder.inputs))
        wanted = float(expected.confidence[i])
        if not np.isclose(float(confidence[0]), wanted, atol=MOST_OFF, equal_nan=True):
            raise AutolabelError(
                f"The exported file is {confidence[0]:.4f} sure where `classify` is {wanted:.4f}; "
                "nothing was written. Install the versions that constraints.txt names, or report it"
            )


def _write(part: Path, content: bytes) -> None:
    part.write_bytes(content)
