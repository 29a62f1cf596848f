"""The index of references: one `.npz` file, and the search in it.

Arrays `embeddings`, `names`, `filenames`, then `checksums`, `fields` (JSON, one text each) and a
`header` (JSON). No pickles: reading one runs nothing. A checksum over all of it finds damage.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from autolabel_core.foundation.atomic_files import write_atomically
from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.foundation.json_types import Scalar
from autolabel_core.matching.decision import Rule
from autolabel_core.matching.decision_engine import DecisionEngine, Match, Vectors
from autolabel_core.matching.scores.fitted import FittedScore

FORMAT = 1
QUERIES_AT_ONCE = 256
ARRAYS = ("embeddings", "names", "filenames", "checksums", "fields", "header")
# What numpy's and zip's readers raise on damaged files.
_DAMAGE = (zipfile.BadZipFile, zlib.error, ValueError, KeyError, TypeError, EOFError, OSError)
LOOK_ALIKE = 0.9
"""Cosine from which two pictures of one label are taken for the same look."""
ANYTHING = Rule(threshold=-1.0)


@dataclass(frozen=True)
class IndexOrigin:
    """What an index was made with; an index opens its own encoder from it.

    Attributes:
        feature_uri: the space of the embeddings; only vectors of the same one are searched.
        model: the image extractor's model, such as `descriptor`.
        version: the image extractor's version.
        projection: file of the projection head; empty without one.
        reference_views: augmented views whose mean stands for a picture; 0 is the picture itself.
        refs: the folder of the pictures.
    """

    feature_uri: str
    model: str = "descriptor"
    version: str = "v1"
    projection: str = ""
    reference_views: int = 0
    refs: str = ""


@dataclass(frozen=True)
class ReferenceIndex:
    """Embedded references, n of them, and the search among them.

    Attributes:
        embeddings: (n, d) float32, rows of unit length.
        names: (n,) labels; several references may share one.
        filenames: (n,) the pictures' names.
        checksums: (n,) SHA-256 of the pictures' content.
        origin: what they were embedded with.
        fields: (n,) what the name says beside the label: `set_code`, `rarity`.
    """

    embeddings: Vectors
    names: tuple[str, ...]
    filenames: tuple[str, ...]
    checksums: tuple[str, ...]
    origin: IndexOrigin
    fields: tuple[Mapping[str, Scalar], ...]

    def __len__(self) -> int:
        return len(self.names)

    @property
    def feature_uri(self) -> str:
        """The space of the embeddings."""
        return self.origin.feature_uri

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The distinct labels, in order: columns of `label_scores`."""
        return tuple(sorted(set(self.names)))

    @cached_property
    def codes(self) -> npt.NDArray[np.int64]:
        """(n,) position of each reference's label in `labels`."""
        place = {label: code for code, label in enumerate(self.labels)}
        return np.array([place[name] for name in self.names], dtype=np.int64)

    @cached_property
    def checksum(self) -> str:
        """SHA-256 of all that the index holds; another content has another."""
        parts = [self.names, self.filenames, self.checksums, self.fields, asdict(self.origin)]
        text = json.dumps(parts, sort_keys=True, default=list)
        return hashlib.sha256(text.encode() + self.embeddings.tobytes()).hexdigest()

    def require(self, feature_uri: str) -> None:
        """Refuse an encoder of another space, naming both.

        Args:
            feature_uri: of the encoder that queries are to be embedded with.

        Raises:
            AutolabelError: the index holds vectors of another encoder, version or head.
        """
        if feature_uri != self.feature_uri:
            raise AutolabelError(
                f"The index holds vectors of {self.feature_uri}, the encoder gives {feature_uri}; "
                "vectors of two spaces are never compared. Index the folder again with this "
                "encoder, or name the index's own `--model` and `--projection`."
            )

    def engine(self, rule: Rule, score: FittedScore | None = None) -> DecisionEngine:
        """Return what decides by these references under a rule, by a score fitted to them."""
        return DecisionEngine(self.embeddings, np.array(self.names, dtype=object), rule, score)

    def search(self, vectors: Vectors, k: int = 3) -> list[Match]:
        """Find the nearest labels of each query, however far they are.

        Args:
            vectors: (q, d) float32 rows of unit length, of the index's feature URI.
            k: labels to tell of each query, at least 1.

        Returns:
            One match for each query; equal scores go to the earlier reference.
        """
        self.check_dimension(vectors)
        return self.engine(ANYTHING).match(vectors, k)

    def check_dimension(self, vectors: Vectors) -> None:
        """Refuse vectors of another dimension.

        Args:
            vectors: (q, d) queries.

        Raises:
            AutolabelError: d is not that of the index.
        """
        if vectors.ndim != 2 or vectors.shape[1] != self.embeddings.shape[1]:
            raise AutolabelError(
                f"The index holds vectors of {self.embeddings.shape[1]} dimensions, the queries "
                f"have shape {vectors.shape}. Embed them with {self.feature_uri}."
            )

    def label_scores(self, vectors: Vectors) -> Vectors:
        """Score every label by its best reference.

        Args:
            vectors: (q, d) float32 rows of unit length.

        Returns:
            Cosines `(q, labels)`, columns as in `labels`.
        """
        self.check_dimension(vectors)
        _, starts = self._by_label
        scores = np.empty((len(vectors), len(self.labels)), np.float32)
        for start in range(0, len(vectors), QUERIES_AT_ONCE):
            part = slice(start, start + QUERIES_AT_ONCE)
            products = vectors[part] @ self._sorted.T
            if len(self.labels) < len(self):
                products = np.maximum.reduceat(products, starts[:-1], axis=1)
            scores[part] = products
        return np.clip(scores, -1.0, 1.0)

    @cached_property
    def _by_label(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Rows in the order of their labels, and where each label's begin; the end is the last."""
        order = np.argsort(self.codes, kind="stable")
        return order, np.searchsorted(self.codes[order], np.arange(len(self.labels) + 1))

    @cached_property
    def _sorted(self) -> Vectors:
        return np.ascontiguousarray(self.embeddings[self._by_label[0]])

    @cached_property
    def _rows_by_name(self) -> dict[str, list[int]]:
        rows: dict[str, list[int]] = {}
        for row, name in enumerate(self.names):
            rows.setdefault(name, []).append(row)
        return rows

    def look_alikes(self, row: int) -> list[int]:
        """Return other variants of a reference's label that its picture cannot be told from.

        Args:
            row: of the reference.

        Returns:
            Rows, ascending, of the same label but with other fields, whose cosine to it is at least
            `LOOK_ALIKE`.
        """
        others = [r for r in self._rows_by_name[self.names[row]] if r != row]
        others = [r for r in others if self.fields[r] != self.fields[row]]
        cosines = (self.embeddings[others] @ self.embeddings[row]).tolist() if others else []
        return [r for r, cosine in zip(others, cosines, strict=True) if cosine >= LOOK_ALIKE]

    def save(self, path: Path) -> None:
        """Write the file in one step; the same index gives the same bytes.

        Args:
            path: ending in `.npz`.
        """
        header = {"format": FORMAT, "checksum": self.checksum, **asdict(self.origin)}

        def write(part: Path) -> None:
            with part.open("wb") as out:
                np.savez(
                    out,
                    embeddings=self.embeddings,
                    names=np.array(self.names, dtype=np.str_),
                    filenames=np.array(self.filenames, dtype=np.str_),
                    checksums=np.array(self.checksums, dtype=np.str_),
                    fields=np.array([json.dumps(f, sort_keys=True) for f in self.fields]),
                    header=np.array(json.dumps(header, sort_keys=True)),
                )

        write_atomically(path, write)

    @classmethod
    def load(cls, path: Path) -> ReferenceIndex:
        """Read an index.

        Args:
            path: of the `.npz` file.

        Returns:
            The index, its checksum compared.

        Raises:
            NotFoundError: there is no such file.
            AutolabelError: the file is no index, is damaged, or was written by another version.
        """
        if not path.is_file():
            raise NotFoundError(
                f"There is no index {path}. Make it: `autolabel identify index --refs FOLDER "
                f"--out {path}`."
            )
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in ARRAYS}
            header = json.loads(str(arrays["header"]))
            return cls._checked(path, arrays, header)
        except AutolabelError:
            raise
        except _DAMAGE as error:
            raise AutolabelError(
                f"{path} is no index, or a damaged one ({type(error).__name__}: {error}). "
                "Make it again: `autolabel identify index`."
            ) from error

    @classmethod
    def _checked(
        cls, path: Path, arrays: Mapping[str, npt.NDArray[np.generic]], header: dict[str, Any]
    ) -> ReferenceIndex:
        written, checksum = header.pop("format"), header.pop("checksum")
        if written != FORMAT:
            raise AutolabelError(
                f"{path} has the format {written}, this version of autolabel reads {FORMAT}. Make "
                "it again: `autolabel identify index`."
            )
        names, filenames, checksums, fields = (
            tuple(arrays[name].tolist()) for name in ("names", "filenames", "checksums", "fields")
        )
        field_rows = tuple(json.loads(text) for text in fields)
        origin = IndexOrigin(**header)
        index = cls(
            np.asarray(arrays["embeddings"], np.float32),
            names,
            filenames,
            checksums,
            origin,
            field_rows,
        )
        if index.checksum != checksum:
            raise ValueError("its checksum does not fit its content")
        return index
