"""The result of a full run: clusters as a tree, and the deepest cluster of each row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NOISE = -1


@dataclass(frozen=True)
class Node:
    """One cluster.

    Attributes:
        local_id: names it within the run: `cl_0`, and `cl_0_sub_1` for what is below it.
        parent: local id of the cluster above, None at the top.
        children: local ids of the clusters below.
        level: 0 at the top.
        members: its rows, ascending, those of the clusters below included.
    """

    local_id: str
    parent: str | None
    children: tuple[str, ...]
    level: int
    members: NDArray[np.int64]


@dataclass(frozen=True)
class Clustering:
    """A run over n rows.

    Attributes:
        leaf: (n,) index into `nodes` of the deepest cluster of each row, -1 is noise.
        nodes: clusters, each after its parent.
        reduced: (n, r) the vectors that were grouped; nan for rows outside the sample.
        chosen: what the run was done with, and why there is no cluster where there is none.
    """

    leaf: NDArray[np.int32]
    nodes: tuple[Node, ...]
    reduced: NDArray[np.float32]
    chosen: dict[str, object]

    @property
    def depth(self) -> int:
        """How many levels there are; 0 without clusters."""
        return max((node.level + 1 for node in self.nodes), default=0)

    def at_level(self, level: int) -> NDArray[np.int32]:
        """Return for each row the index of its cluster at a level, or the deepest above it.

        Args:
            level: 0 is the top.

        Returns:
            (n,) indices into `nodes`, -1 is noise.
        """
        cluster_of_row = np.full(len(self.leaf), NOISE, np.int32)
        for index, node in enumerate(self.nodes):
            if node.level <= level:
                cluster_of_row[node.members] = index
        return cluster_of_row


@dataclass(frozen=True)
class Draft:
    """A cluster before its members are counted: where it hangs, and which rows found it.

    Attributes:
        local_id: its name.
        parent: index of the cluster above among the drafts, -1 at the top.
        level: 0 at the top.
        rows: the rows that were grouped into it, ascending.
    """

    local_id: str
    parent: int
    level: int
    rows: NDArray[np.int64]


def deepest(drafts: list[Draft], count: int) -> NDArray[np.int32]:
    """Return the deepest draft of each of `count` rows, -1 where there is none."""
    leaf = np.full(count, NOISE, np.int32)
    for index, draft in enumerate(drafts):
        leaf[draft.rows] = index
    return leaf


def grown(drafts: list[Draft], leaf: NDArray[np.int32]) -> tuple[Node, ...]:
    """Return the tree whose members are those that `leaf` puts into a cluster or below it.

    Args:
        drafts: clusters, each after its parent.
        leaf: (n,) index of the deepest one of each row, -1 is noise.

    Returns:
        The nodes in the same order.
    """
    below: list[list[int]] = [[index] for index in range(len(drafts))]
    children: list[list[str]] = [[] for _ in drafts]
    for index in range(len(drafts) - 1, -1, -1):
        parent = drafts[index].parent
        if parent >= 0:
            below[parent] += below[index]
            children[parent].insert(0, drafts[index].local_id)
    nodes = [
        Node(
            draft.local_id,
            drafts[draft.parent].local_id if draft.parent >= 0 else None,
            tuple(children[index]),
            draft.level,
            np.flatnonzero(np.isin(leaf, below[index])),
        )
        for index, draft in enumerate(drafts)
    ]
    return tuple(nodes)
