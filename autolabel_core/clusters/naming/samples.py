"""Samples of a cluster for naming: representative documents, texts, labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

CORE_SHARE = 0.5
"""Share of the members, nearest the centroid, among which representatives are spread."""


@dataclass(frozen=True)
class SampleBlob:
    """A file of a document.

    Attributes:
        address: `file://`, `s3://`, `https://`, or None where it has none.
        read: its bytes; raises `UnreadableItemError`.
        type: `image` or `text` where known.
        property: the property that it belongs to.
    """

    address: str | None
    read: Callable[[], bytes]
    type: str | None = None
    property: str | None = None


@dataclass(frozen=True)
class SampleDocument:
    """One representative document.

    Attributes:
        payload: its fields, ready for JSON.
        source_blobs: the files of its object.
        document_blobs: what its vector was made from, such as the crop of a box.
        content_hash: changes whenever the files do.
    """

    payload: Mapping[str, object]
    source_blobs: tuple[SampleBlob, ...] = ()
    document_blobs: tuple[SampleBlob, ...] = ()
    content_hash: str = ""


@dataclass(frozen=True)
class ClusterSample:
    """What a cluster is named from.

    Attributes:
        cluster_id: `cl_3`, or `cl_3_sub_1` below it.
        size: number of members.
        documents: representative members, the most central first.
        texts: texts of members, for keywords; empty where the members are images.
        labels: number of members by label, of those that have one.
        nearest: label of the reference nearest to the centroid, and its cosine; None without one.
        word: the word of the vocabulary nearest to the centroid, and its cosine; None without one.
    """

    cluster_id: str
    size: int
    documents: Sequence[SampleDocument] = ()
    texts: Sequence[str] = ()
    labels: Mapping[str, int] = field(default_factory=dict)
    nearest: tuple[str, float] | None = None
    word: tuple[str, float] | None = None

    @property
    def depth(self) -> int:
        """How far below the top of the hierarchy, 0 at the top."""
        return self.cluster_id.count("_sub_")


@dataclass(frozen=True)
class ClusterName:
    """The name of a cluster.

    Attributes:
        label: short name, a label that a person could give.
        summary: a sentence or two; empty where none is wanted.
        keywords: most telling first.
        confidence: from 0 (a guess) to 1 (sure); what it is made of depends on `source`.
        extra: the further keys of the declared response shape.
        source: `llm`, `labels` (of members), `keywords`, `vocabulary` (the nearest word),
            `reference` (the nearest), `number`.
    """

    label: str
    summary: str = ""
    keywords: tuple[str, ...] = ()
    confidence: float = 0.0
    extra: Mapping[str, object] = field(default_factory=dict)
    source: str = "llm"


def representatives(
    vectors: npt.NDArray[np.float32], centroid: npt.NDArray[np.float32], count: int
) -> list[int]:
    """Return rows that stand for a cluster: the most central one, then ones far from each other.

    Only the half of the members nearest the centroid is asked, so that no outlier speaks for all.

    Args:
        vectors: `(n, d)` members, rows of unit length.
        centroid: `(d,)` of unit length.
        count: how many at most.

    Returns:
        Distinct rows; the smaller row wins a tie.

    Source:
        Gonzalez, Clustering to minimize the maximum intercluster distance, 1985 (farthest first).
    """
    n = len(vectors)
    central = np.argsort(-(vectors @ centroid), kind="stable")
    core = central[: max(min(count, n), int(np.ceil(n * CORE_SHARE)))]
    chosen = [0]
    nearest_cosine = vectors[core] @ vectors[core[0]]
    while len(chosen) < min(count, len(core)):
        nearest_cosine[chosen] = np.inf
        chosen.append(int(np.argmin(nearest_cosine)))
        np.maximum(nearest_cosine, vectors[core] @ vectors[core[chosen[-1]]], out=nearest_cosine)
    return [int(core[row]) for row in chosen]
