"""Names clusters without a server: by a label, keywords or the nearest reference, else a number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from autolabel_core.clusters.naming.samples import ClusterName, ClusterSample
from autolabel_core.models.extractors.hashed import STOP_WORDS

KEYWORDS, LABEL_KEYWORDS = 10, 3
MAJORITY = 0.5


def offline_names(
    samples: Sequence[ClusterSample], with_summary: bool = True, with_keywords: bool = True
) -> dict[str, ClusterName]:
    """Return a name for every cluster; nothing makes it fail.

    A label that more than half of the members carry is the name. Else texts are named by their
    keywords, and images by what most of their labelled members are called, by the nearest word of
    the vocabulary, or by the nearest reference (`like …`: the cluster may be something new).

    Args:
        samples: the clusters.
        with_summary: whether the names have summaries.
        with_keywords: whether the names have keywords.

    Returns:
        The names by cluster id. Confidence is the share of members with the label, or of texts
        with one of the naming keywords, or the word's or reference's cosine (at least 0).
    """
    keywords = telling_words(samples)
    names = {sample.cluster_id: _name(sample, keywords[sample.cluster_id]) for sample in samples}
    return {
        sample.cluster_id: ClusterName(
            label,
            _summary(sample, keywords[sample.cluster_id]) if with_summary else "",
            tuple(keywords[sample.cluster_id]) if with_keywords else (),
            round(confidence, 4),
            {},
            source,
        )
        for sample in samples
        for label, confidence, source in (names[sample.cluster_id],)
    }


def _name(sample: ClusterSample, keywords: Sequence[str]) -> tuple[str, float, str]:
    ranked = sorted(sample.labels.items(), key=lambda item: (-item[1], item[0]))
    label, count = ranked[0] if ranked else ("", 0)
    if count > MAJORITY * sample.size:
        return label, count / sample.size, "labels"
    if keywords:
        naming = keywords[:LABEL_KEYWORDS]
        return ", ".join(naming), _share_with(sample.texts, naming), "keywords"
    if count > MAJORITY * sum(sample.labels.values()):
        return label, count / max(sample.size, 1), "labels"
    if sample.word is not None:
        word, cosine = sample.word
        return word, min(max(cosine, 0.0), 1.0), "vocabulary"
    if sample.nearest is not None:
        name, cosine = sample.nearest
        return f"like {name}", min(max(cosine, 0.0), 1.0), "reference"
    return _numbered(sample.cluster_id), 0.0, "number"


def _numbered(cluster_id: str) -> str:
    return f"cluster {cluster_id.removeprefix('cl_').replace('_sub_', '.')}"


def distinct_names(
    names: Mapping[str, ClusterName], sizes: Mapping[str, int], taken: Iterable[str] = ()
) -> dict[str, ClusterName]:
    """Tell clusters apart that would be named the same: all but the largest get their number too.

    Args:
        names: by cluster id.
        sizes: number of members by cluster id.
        taken: labels that other clusters have already.

    Returns:
        The names in the same order; no two labels are the same, whatever their case.
    """
    known = {label.casefold() for label in taken}
    told = dict(names)
    for cluster_id in sorted(names, key=lambda name: (-sizes[name], name)):
        name = names[cluster_id]
        if name.label.casefold() in known:
            name = replace(name, label=f"{name.label} ({_numbered(cluster_id)})")
        told[cluster_id] = name
        known.add(name.label.casefold())
    return told


def _share_with(texts: Sequence[str], words: Sequence[str]) -> float:
    parts = {part for word in words for part in word.split()}
    count = sum(any(part in text.lower() for part in parts) for text in texts)
    return count / max(len(texts), 1)


def _summary(sample: ClusterSample, keywords: Sequence[str]) -> str:
    documents = "1 document" if sample.size == 1 else f"{sample.size:,} documents"
    ranked = sorted(sample.labels.items(), key=lambda item: (-item[1], item[0]))[:LABEL_KEYWORDS]
    labels = ", ".join(f"{label} ({count:,})" for label, count in ranked)
    about = [f"about {', '.join(keywords[:KEYWORDS])}"] if keywords else []
    about += [f"labelled {labels}"] if labels else []
    return "; ".join([documents, *about]) + "."


def telling_words(samples: Sequence[ClusterSample]) -> dict[str, list[str]]:
    """Return the words that tell each cluster's texts from those of the others on its level.

    c-TF-IDF: the frequency of a word within the cluster, times log(1 + A / f), where A is the
    average number of words of a cluster and f the word's count over all.

    Args:
        samples: the clusters; those on one level of the hierarchy are compared.

    Returns:
        At most ten words by cluster id, most telling first; none where there are no texts.

    Source:
        Grootendorst, BERTopic: neural topic modeling with a class-based TF-IDF procedure, 2022.
    """
    words: dict[str, list[str]] = {sample.cluster_id: [] for sample in samples}
    spoken = sorted((s for s in samples if s.texts), key=lambda s: (s.depth, s.cluster_id))
    for _, level in groupby(spoken, key=lambda s: s.depth):
        words |= _level_words({s.cluster_id: " ".join(s.texts) for s in level})
    return words


def _level_words(texts: Mapping[str, str]) -> dict[str, list[str]]:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, CountVectorizer

    unsaid = sorted(ENGLISH_STOP_WORDS | STOP_WORDS)
    counter = CountVectorizer(stop_words=unsaid, token_pattern=r"(?u)\b[^\W\d_][\w'-]+\b")
    try:
        counts = counter.fit_transform(texts.values()).astype(np.float64)
    except ValueError:  # no word is left
        return {}
    words = counter.get_feature_names_out()
    totals = np.asarray(counts.sum(axis=1)).ravel()
    overall = np.asarray(counts.sum(axis=0)).ravel()
    weights = np.log1p(totals.mean() / overall)
    found = {}
    for row, cluster_id in enumerate(texts):
        own = counts.getrow(row)
        scores = own.data / max(totals[row], 1.0) * weights[own.indices]
        best = np.lexsort((own.indices, -scores))[:KEYWORDS]
        found[cluster_id] = [str(words[own.indices[i]]) for i in best]
    return found
