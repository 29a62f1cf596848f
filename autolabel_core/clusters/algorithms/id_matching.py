"""Matches clusters of a new run to those of the last, so that ids persist; lists the changes."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Members = Mapping[str, Collection[str]]
Kind = Literal["birth", "death", "split", "merge", "kept"]
TOP, SUB = "cl_", "_sub_"
LEAST_OVERLAP = 0.25
"""Two clusters may be one when they share so much of the smaller; a stray document is no heritage.
A split or merge needs as much of the cluster that went."""


@dataclass(frozen=True)
class IdentityChange:
    """What became of one cluster.

    Attributes:
        kind: each current cluster is `kept` or a `birth`, each previous one that is not kept a
            `death`; `split` and `merge` are told besides.
        cluster_id: the cluster.
        others: of a split, the current clusters that its members are in; of a merge, the previous
            clusters that came together in it.
        shared: documents in common with its former self, or with the others.
        jaccard: of a kept cluster: shared members over all members of both, from 0 to 1; else 0.
    """

    kind: Kind
    cluster_id: str
    others: tuple[str, ...] = ()
    shared: int = 0
    jaccard: float = 0.0


@dataclass(frozen=True)
class Identities:
    """The names of the current clusters, by local id, and all changes in a fixed order."""

    ids: dict[str, str]
    changes: tuple[IdentityChange, ...]


def match_identities(previous: Members, current: Members, used: Collection[str]) -> Identities:
    """Match the clusters of a run with those of the last, by the documents that they share.

    The pairs that share most documents in sum keep their id, level by level: sub-clusters are
    matched within their parent, so that an id tells where it hangs. An id that was used once is
    never given to another cluster.

    Args:
        previous: members by cluster id, such as `cl_4` and `cl_4_sub_0`.
        current: members by local id, of the same form.
        used: every id that was ever given.

    Returns:
        The ids and the changes.

    Source: M. Spiliopoulou et al., MONIC, 2006, for the kinds of change; the assignment is of
        maximum weight.
    """
    taken = {*used, *previous}
    sets = {name: frozenset(members) for name, members in current.items()}
    before = {name: frozenset(members) for name, members in previous.items()}
    below, old_below = _by_parent(sets), _by_parent(before)
    ids: dict[str, str] = {}
    changes: list[IdentityChange] = []
    parents = [""]
    for parent in parents:  # grows while it is walked
        above = ids.get(parent, "")
        old, local_ids = old_below.get(above, []), below.get(parent, [])
        matched = _level(old, local_ids, before, sets)
        unused = _unused(above, taken)
        for local_id in local_ids:
            ids[local_id] = matched.get(local_id) or next(unused)
        parents += local_ids
        changes += _changes(old, local_ids, matched, ids, before, sets)
    kept = {change.cluster_id for change in changes if change.kind in ("kept", "death")}
    # What hung below a cluster that is gone goes with it.
    changes += [IdentityChange("death", name) for name in _ordered(before) if name not in kept]
    return Identities(ids, tuple(changes))


def _level(
    old: Sequence[str],
    new: Sequence[str],
    before: Mapping[str, frozenset[str]],
    now: Mapping[str, frozenset[str]],
) -> dict[str, str]:
    """Return, for the new clusters that are an old one, which."""
    from scipy.optimize import linear_sum_assignment

    shared = _shared(old, new, before, now)
    small = np.minimum.outer([len(before[i]) for i in old], [len(now[i]) for i in new])
    weight = np.where(shared >= LEAST_OVERLAP * small, shared, 0)
    rows, columns = linear_sum_assignment(weight, maximize=True)
    return {
        new[column]: old[row]
        for row, column in zip(rows, columns, strict=True)
        if weight[row, column]
    }


def _shared(
    old: Sequence[str],
    new: Sequence[str],
    before: Mapping[str, frozenset[str]],
    now: Mapping[str, frozenset[str]],
) -> NDArray[np.int64]:
    """Count the documents in common, (old, new)."""
    place = {document: column for column, name in enumerate(new) for document in now[name]}
    shared = np.zeros((len(old), len(new)), np.int64)
    for row, name in enumerate(old):
        columns = [place[document] for document in before[name] if document in place]
        shared[row] = np.bincount(np.array(columns, np.int64), minlength=len(new))
    return shared


def _changes(
    old: Sequence[str],
    new: Sequence[str],
    matched: Mapping[str, str],
    ids: Mapping[str, str],
    before: Mapping[str, frozenset[str]],
    now: Mapping[str, frozenset[str]],
) -> list[IdentityChange]:
    shared = _shared(old, new, before, now)
    changes = []
    for column, local_id in enumerate(new):
        if local_id in matched:
            count = int(shared[old.index(matched[local_id]), column])
            union = len(before[matched[local_id]]) + len(now[local_id]) - count
            changes.append(IdentityChange("kept", ids[local_id], (), count, count / union))
        else:
            changes.append(IdentityChange("birth", ids[local_id]))
    changes += [IdentityChange("death", name) for name in old if name not in matched.values()]
    sizes = np.array([[len(before[name])] for name in old]).reshape(len(old), 1)
    heirs = shared >= np.maximum(LEAST_OVERLAP * sizes, 1)
    for row, name in enumerate(old):
        others = tuple(ids[new[column]] for column in np.flatnonzero(heirs[row]).tolist())
        if len(others) > 1:
            changes.append(
                IdentityChange("split", name, others, int(shared[row][heirs[row]].sum()))
            )
    # An old cluster is merged where most of it went.
    mostly = heirs & (shared >= 0.5 * sizes)
    for column, local_id in enumerate(new):
        others = tuple(old[row] for row in np.flatnonzero(mostly[:, column]).tolist())
        if len(others) > 1:
            count = int(shared[mostly[:, column], column].sum())
            changes.append(IdentityChange("merge", ids[local_id], others, count))
    return changes


def _by_parent(names: Iterable[str]) -> dict[str, list[str]]:
    """Return the clusters below each, in the order of their numbers; at the top below ""."""
    siblings: dict[str, list[str]] = {}
    for name in _ordered(names):
        siblings.setdefault(name.rpartition(SUB)[0], []).append(name)
    return siblings


def _ordered(names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: [int(number) for number in re.findall(r"\d+", name)])


def _unused(parent: str, taken: Iterable[str]) -> Iterator[str]:
    """Yield the ids below a parent that no cluster ever had, ascending."""
    stem = f"{parent}{SUB}" if parent else TOP
    numbered = [re.match(re.escape(stem) + r"(\d+)", name) for name in taken]
    first = max((int(found[1]) for found in numbered if found), default=-1) + 1
    return (f"{stem}{number}" for number in itertools.count(first))
