"""The Hugging Face `datasets` format: `load_dataset(folder)` gives splits assigned by hash."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from autolabel_core.exports.export_report import ReadObject, Written, counts_of
from autolabel_core.exports.image_folder import (
    INDEX_COLUMNS,
    read_each,
    refuse_nothing_readable,
)
from autolabel_core.exports.tables import json_line, rows_of, texts_of
from autolabel_core.foundation.json_types import Json, JsonObject

SUFFIXES = {"image": ".parquet", "text": ".jsonl"}
ROWS_AT_ONCE = 200
SPLITS = {"train": 0.8, "validation": 0.9, "test": 1.0}
"""The upper end of each split's share of the hashes: 80 %, 10 % and 10 % of the contents."""

_FEATURES = {
    "label_source": "string",
    "confidence": "float64",
    "key": "string",
    "document_id": "string",
}
_BODY = """# Labelled documents

{documents} documents in {classes} classes. `label_source` says where each label came from: `human`
and `promoted` labels were given or confirmed by a person; `auto` labels were taken over from the
nearest labelled reference, whose similarity is in `confidence`. Splits follow a hash of the
content, so that copies of one content are in one split.
"""


def write_huggingface(documents: pa.Table, folder: Path, read: ReadObject | None) -> Written:
    """Images in `data/<split>.parquet`, texts in `data/<split>.jsonl`, and a dataset's card."""
    classes = sorted(set(texts_of(documents, "label")))
    is_text = [kind.startswith("text/") for kind in texts_of(documents, "media_type")]
    splits = [split_of_content(content) for content in texts_of(documents, "content_hash")]
    (folder / "data").mkdir()
    parts: dict[str, dict[str, Written]] = {}
    for kind, suffix in SUFFIXES.items():
        for split in SPLITS:
            rows = zip(is_text, splits, strict=True)
            mask = [(text, name) == (kind == "text", split) for text, name in rows]
            of_split = documents.filter(pa.array(mask, pa.bool_()))
            if of_split.num_rows:
                write = _write_texts if kind == "text" else _write_images
                file = folder / "data" / f"{split}{suffix}"
                parts.setdefault(kind, {})[split] = write(of_split, file, classes, read)
    written = [part for of_kind in parts.values() for part in of_kind.values()]
    tables = [part.documents for part in written] or [documents.slice(0, 0)]
    card = _card(parts, pa.concat_tables(tables), classes)
    (folder / "README.md").write_text(card, encoding="utf-8", newline="\n")
    unreadable = tuple(failure for part in written for failure in part.unreadable)
    return refuse_nothing_readable(Written(pa.concat_tables(tables), unreadable))


def split_of_content(content_hash: str) -> str:
    """Return the split of a content: the same one in every export, whatever else is in it."""
    share = int(hashlib.sha256(content_hash.encode()).hexdigest()[:8], 16) / 16**8
    return next(split for split, upper in SPLITS.items() if share < upper)


def _card(parts: dict[str, dict[str, Written]], written: pa.Table, classes: list[str]) -> str:
    """Front matter that tells `datasets` where the files are and people what they hold."""
    counts = counts_of(texts_of(written, "label"))
    names = {kind: "default" if len(parts) == 1 else f"{kind}s" for kind in parts}
    infos = [_info(kind, names[kind], classes) for kind in parts]
    front = {
        "task_categories": [f"{kind}-classification" for kind in parts],
        "configs": [
            {"config_name": names[kind], "data_files": _data_files(kind, splits)}
            for kind, splits in parts.items()
        ],
        "dataset_info": infos[0] if len(infos) == 1 else infos,
        "class_names": classes,
        "class_counts": counts,
        "label_sources": counts_of(texts_of(written, "label_source")),
    }
    matter = yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=1000)
    return f"---\n{matter}---\n\n" + _BODY.format(documents=written.num_rows, classes=len(classes))


def _data_files(kind: str, splits: dict[str, Written]) -> list[dict[str, str]]:
    return [
        {"split": split, "path": f"data/{split}{SUFFIXES[kind]}"}
        for split, part in splits.items()
        if part.documents.num_rows
    ]


def _info(kind: str, name: str, classes: list[str]) -> JsonObject:
    numbered = {str(number): label for number, label in enumerate(classes)}
    features: list[Json] = [
        {"name": kind, "dtype": "image" if kind == "image" else "string"},
        {"name": "label", "dtype": {"class_label": {"names": numbered}}},
        *({"name": column, "dtype": dtype} for column, dtype in _FEATURES.items()),
    ]
    return {"config_name": name, "features": features}


def _write_images(
    documents: pa.Table, file: Path, classes: list[str], read: ReadObject | None
) -> Written:
    unreadable: list[tuple[str, str]] = []
    went_in: list[bool] = []
    schema = _image_schema(classes)
    rows: list[dict[str, object]] = []
    with pq.ParquetWriter(file, schema, compression="none") as writer:
        found = read_each(documents, read)
        for row, (key, content) in zip(rows_of(documents), found, strict=True):
            went_in.append(isinstance(content, bytes))
            if isinstance(content, str):
                unreadable.append((key, content))
                continue
            image = {"bytes": content, "path": PurePosixPath(key).name}
            label = classes.index(str(row["label"] or ""))
            rows.append({"image": image, "label": label} | {name: row[name] for name in _FEATURES})
            if len(rows) == ROWS_AT_ONCE:
                writer.write_table(pa.Table.from_pylist(rows, schema))
                rows = []
        writer.write_table(pa.Table.from_pylist(rows, schema))
    return Written(documents.filter(pa.array(went_in, pa.bool_())), tuple(unreadable))


def _image_schema(classes: list[str]) -> pa.Schema:
    """Columns of the images, with what `datasets` reads from a schema: the names of the classes."""
    features: dict[str, Json] = {
        "image": {"_type": "Image"},
        "label": {"names": classes, "_type": "ClassLabel"},
        **{name: {"dtype": dtype, "_type": "Value"} for name, dtype in _FEATURES.items()},
    }
    image = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])
    fields = [pa.field("image", image), pa.field("label", pa.int64())]
    for name, dtype in _FEATURES.items():
        fields.append(pa.field(name, pa.float64() if dtype == "float64" else pa.string()))
    return pa.schema(fields, {"huggingface": json.dumps({"info": {"features": features}})})


def _write_texts(
    documents: pa.Table, file: Path, classes: list[str], read: ReadObject | None
) -> Written:
    unreadable: list[tuple[str, str]] = []
    went_in = []
    with file.open("w", encoding="utf-8", newline="\n") as lines:
        found = read_each(documents, read)
        for row, (key, content) in zip(rows_of(documents), found, strict=True):
            text = _decoded(content) if isinstance(content, bytes) else None
            went_in.append(text is not None)
            if text is None:
                reason = content if isinstance(content, str) else f"{key} is not text in UTF-8."
                unreadable.append((key, reason))
            else:
                lines.write(json_line({"text": text} | {name: row[name] for name in INDEX_COLUMNS}))
    return Written(documents.filter(pa.array(went_in, pa.bool_())), tuple(unreadable))


def _decoded(data: bytes) -> str | None:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
