"""Labels proposed by their names alone, before anybody has labelled.

By the extractor, where it embeds texts too, or by a vision-language model on a server. A proposal
is no label: it stands where neither a person nor a reference has decided, as `suggested`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import PurePath

import numpy as np
import pyarrow as pa

from autolabel_core.declarations.zero_shot import VisionLanguageModel, ZeroShot
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.foundation.json_types import Report
from autolabel_core.foundation.progress import Progress
from autolabel_core.foundation.statistics import field_distribution
from autolabel_core.ledger.store import utc_now
from autolabel_core.matching.zero_shot import Vectors, name_vectors, nearest_names
from autolabel_core.models.extractors import embed_texts_checked
from autolabel_core.models.language_models.ask_labels import LabelQuestions, NoAnswer
from autolabel_core.models.language_models.label_question import VERSION, LabelAnswer
from autolabel_core.storage.warehouse import VectorTable
from autolabel_core.tables.document_table import DocumentRow, Unreadable, readable_by_content
from autolabel_core.tables.embeddings import Embeddings
from autolabel_core.tables.fingerprints import SuggestionsFingerprint
from autolabel_core.tables.resumable_batch import work_through
from autolabel_core.tables.table import DerivedTable

CHUNK = 64
FORMAT = 1
_FIELDS: list[tuple[str, pa.DataType]] = [
    ("document_id", pa.string()),
    ("content_hash", pa.string()),
    ("label", pa.string()),
    ("score", pa.float32()),
    ("reason", pa.string()),
]
SCHEMA = pa.schema(_FIELDS)
_COSTS: list[tuple[str, pa.DataType]] = [
    *((name, pa.int64()) for name in ("calls", "retries", "cached")),
    *((name, pa.int64()) for name in ("input_tokens", "output_tokens")),
    ("cost_usd", pa.float64()),
]


@dataclass(frozen=True)
class Suggestion:
    """What is proposed for a document.

    Attributes:
        label: of the vocabulary; None where none fits, or nobody answered.
        score: cosine between the document and the name; None where a server chose.
        reason: what the server said, or why there is no proposal; None by an extractor.
    """

    label: str | None
    score: float | None = None
    reason: str | None = None


class Suggestions(DerivedTable):
    """One row for each document that has a vector, ascending by document id."""

    name = "suggestions"
    upstream = ("embeddings",)

    @cached_property
    def embeddings(self) -> Embeddings:
        """The documents with their vectors."""
        return self.sibling(Embeddings)

    @property
    def declared(self) -> ZeroShot:
        """What the taxonomy says of proposals."""
        declared = self.collection.declaration.zero_shot
        if declared is None:
            raise AutolabelError(f"`{self.collection_name}` declares no taxonomy.zero_shot.")
        return declared

    @cached_property
    def vocabulary(self) -> tuple[str, ...]:
        """The labels that are proposed."""
        taxonomy = self.collection.declaration.taxonomy
        return taxonomy.vocabulary if taxonomy else ()

    def path(self, batch: str) -> PurePath:
        """Return the file of a batch."""
        return self.warehouse.path(self.collection_name, self.name, f"{batch}.parquet")

    def fingerprint(self, batch: str) -> str | None:
        """Cover the names, the prompts or the server, and the documents with their vectors."""
        vectors = self.warehouse.fingerprint(self.embeddings.path(batch))
        if vectors is None:
            return None
        return str(SuggestionsFingerprint(self._asked, fingerprint(vectors)))

    @cached_property
    def _asked(self) -> str:
        """What decides an answer beside the document."""
        server = self.declared.vision_language_model
        if server is None:
            space = self.embeddings.extractor.manifest.feature_uri
            settings = self.declared.model_dump(exclude={"vision_language_model"})
            return fingerprint(FORMAT, space, self.vocabulary, settings)
        settings = server.model_dump(include={"custom_prompt", "image_side_px", "max_documents"})
        return fingerprint(FORMAT, VERSION, self.vocabulary, server.model, server.server, settings)

    def build(self, batch: str, fingerprint: str, progress: Progress) -> None:
        """Propose a label for each document that has a vector."""
        vectors = self.warehouse.read_vectors(self.embeddings.path(batch))
        server = self.declared.vision_language_model
        if server is None:
            found, unfinished = self._by_extractor(vectors), False
            progress(len(found), len(found))
        else:
            found, unfinished = self._by_server(server, batch, vectors, progress)
        rows = [
            {"document_id": document, "content_hash": content, **vars(found[content])}
            for document, content, there in zip(
                vectors.document_ids, vectors.content_hashes, vectors.readable, strict=True
            )
            if there and content in found
        ]
        parsed = SuggestionsFingerprint.parse(fingerprint)
        made_from = SuggestionsFingerprint(parsed.asked, parsed.documents, unfinished=unfinished)
        table = pa.Table.from_pylist(rows, schema=SCHEMA)
        self.warehouse.write_table(self.path(batch), table, str(made_from))

    def _by_extractor(self, vectors: VectorTable) -> dict[str, Suggestion]:
        rows = np.flatnonzero(vectors.readable).tolist()
        found = self._nearest(vectors.vectors[rows]) if rows else []
        return {vectors.content_hashes[row]: one for row, one in zip(rows, found, strict=True)}

    def names_of(self, vectors: Vectors) -> list[str | None]:
        """Return the label that the extractor proposes for each vector `(n, d)`; None: no such.

        A server is asked about documents alone.
        """
        if self.declared.vision_language_model is not None:
            return [None] * len(vectors)
        return [suggestion.label for suggestion in self._nearest(vectors)]

    def _nearest(self, vectors: Vectors) -> list[Suggestion]:
        nearest = nearest_names(vectors, self._name_vectors)
        least = self.declared.confidence_threshold
        return [
            Suggestion(self.vocabulary[position] if score >= least else None, score)
            for position, score in zip(
                nearest.position.tolist(), nearest.score.tolist(), strict=True
            )
        ]

    @cached_property
    def _name_vectors(self) -> Vectors:
        """The vectors of the vocabulary, kept: the next batch does not load the text tower."""
        extractor, prompts = self.embeddings.extractor, self.declared.prompts
        made_from = fingerprint(extractor.manifest.feature_uri, self.vocabulary, prompts)
        place = self.path("names").parent / ".names" / f"{made_from}.arrow"
        if self.warehouse.fingerprint(place) == made_from:
            return self.warehouse.read_vectors(place).vectors
        found = name_vectors(
            self.vocabulary, prompts, lambda texts: embed_texts_checked(extractor, texts)
        )
        names = list(self.vocabulary)
        kept = VectorTable(names, names, [None] * len(names), found)
        self.warehouse.remove(place.parent)
        self.warehouse.write_vectors(place, kept, made_from)
        return found

    def _by_server(
        self, server: VisionLanguageModel, batch: str, vectors: VectorTable, progress: Progress
    ) -> tuple[dict[str, Suggestion], bool]:
        """Ask about what has no answer yet; also say whether another look may find more."""
        items, workspace = self.embeddings.items, self.collection.workspace
        questions = LabelQuestions(
            server,
            self.vocabulary,
            workspace.paths.cache / "label_answers",
            datetime.fromisoformat(utc_now()),
            os.environ,
        )

        def ask(chunk: list[tuple[str, DocumentRow]]) -> dict[str, Suggestion | Unreadable]:
            decoded = items.decoded([row for _, row in chunk], server.image_side_px)
            shown = {c: item for (c, _), item in zip(chunk, decoded, strict=True)}
            unread = {c: i for c, i in shown.items() if isinstance(i, Unreadable)}
            readable = {c: i for c, i in shown.items() if not isinstance(i, Unreadable)}
            answers = questions.ask(readable)
            return {**unread, **{c: _suggestion(answer) for c, answer in answers.items()}}

        there = readable_by_content(items.rows(batch))
        embedded = [c for c, ok in zip(vectors.content_hashes, vectors.readable, strict=True) if ok]
        wanted = {c: there[c] for c in dict.fromkeys(embedded) if c in there}
        chosen = dict(list(wanted.items())[: server.max_documents])
        known = {c: s for c, s in self._known(batch).items() if c in chosen}
        worked = work_through(chosen, known, ask, lambda _: None, CHUNK, progress)
        self._keep_costs(batch, questions)
        silent = {c: Suggestion(None, None, why.reason) for c, why in worked.unreadable.items()}
        return {**worked.results, **silent}, worked.unfinished

    def _known(self, batch: str) -> dict[str, Suggestion]:
        """Answers to the same question, by content; what nobody answered is asked again."""
        made_from = SuggestionsFingerprint.of_file(self.warehouse, self.path(batch))
        if made_from is None or made_from.asked != self._asked:
            return {}
        rows = self.warehouse.read_table(self.path(batch)).to_pylist()
        return {
            row["content_hash"]: Suggestion(row["label"], row["score"], row["reason"])
            for row in rows
            if row["label"] is not None or not made_from.unfinished
        }

    def of_documents(self, batch: str) -> Mapping[tuple[str, str], Suggestion]:
        """Return the proposals of a batch by document id and content hash; none before they are."""
        if not self.warehouse.exists(self.path(batch)):
            return {}
        rows = self.warehouse.read_table(self.path(batch)).to_pylist()
        return {
            (r["document_id"], r["content_hash"]): Suggestion(r["label"], r["score"], r["reason"])
            for r in rows
        }

    def _costs_path(self, batch: str) -> PurePath:
        return self.path(batch).parent / ".costs" / f"{batch}.parquet"

    def _keep_costs(self, batch: str, questions: LabelQuestions) -> None:
        """Keep what the last look cost, for the report."""
        usage = questions.usage
        row = {
            **{name: getattr(usage, name) for name in ("calls", "retries")},
            **{name: getattr(usage, name) for name in ("input_tokens", "output_tokens")},
            "cached": questions.cached,
            "cost_usd": usage.cost_usd(questions.settings),
        }
        table = pa.Table.from_pylist([row], schema=pa.schema(_COSTS))
        self.warehouse.write_table(self._costs_path(batch), table, "costs")

    def report(self, batch: str) -> Report:
        """Count proposals by label, and say what they cost and why some are missing."""
        table = self.warehouse.read_table(self.path(batch))
        labels = field_distribution(table["label"].drop_null().to_pylist())
        without = table.filter(table["label"].is_null())["reason"].drop_null().to_pylist()
        reasons = field_distribution(without)
        costs = self._costs_path(batch)
        paid = self.declared.vision_language_model is not None and self.warehouse.exists(costs)
        return {
            "documents": table.num_rows,
            "suggested": table.num_rows - table["label"].null_count,
            "labels": [{"label": k, "documents": n} for k, n in sorted(labels.items(), key=str)],
            "without a suggestion": [
                {"reason": k, "documents": n} for k, n in sorted(reasons.items(), key=str)
            ],
            **(self.warehouse.read_table(costs).to_pylist()[0] if paid else {}),
        }


def _suggestion(answer: LabelAnswer | NoAnswer) -> Suggestion | Unreadable:
    if isinstance(answer, LabelAnswer):
        return Suggestion(answer.label, None, answer.reason)
    return Unreadable(answer.problem, answer.for_now)
