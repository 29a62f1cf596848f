"""The export that Hugging Face `datasets` reads: `load_dataset(folder)` gives a `train` split."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import yaml

from autolabel_core.exports.export_report import ReadObject, Written, counts_of
from autolabel_core.exports.image_folder import INDEX_COLUMNS, read_each, write_files
from autolabel_core.exports.tables import json_line, rows_of, texts_of

_IMAGES, _TEXTS = "data/train", "data/train.jsonl"
_BODY = """# Labelled documents

{documents} documents in {classes} classes. `label_source` says where each label came from: `human`
and `promoted` labels were given or confirmed by a person; `auto` labels were taken over from the
nearest labelled reference, whose similarity is in `confidence`.
"""


def write_huggingface(documents: pa.Table, folder: Path, read: ReadObject | None) -> Written:
    """Images in `data/train` with `metadata.csv`, texts in `data/train.jsonl`, a dataset card."""
    is_text = [kind.startswith("text/") for kind in texts_of(documents, "media_type")]
    texts = documents.filter(pa.array(is_text, pa.bool_()))
    images = documents.filter(pa.array([not text for text in is_text], pa.bool_()))
    (folder / "data").mkdir()
    parts = {}
    if images.num_rows or not texts.num_rows:
        (folder / _IMAGES).mkdir()
        parts["image"] = write_files(images, folder / _IMAGES, "metadata.csv", read)
    if texts.num_rows:
        parts["text"] = _write_texts(texts, folder / _TEXTS, read)
    card = _card({kind: part.documents for kind, part in parts.items()})
    (folder / "README.md").write_text(card, encoding="utf-8", newline="\n")
    return Written(
        pa.concat_tables([part.documents for part in parts.values()]),
        tuple(failure for part in parts.values() for failure in part.unreadable),
    )


def _card(parts: dict[str, pa.Table]) -> str:
    """Front matter that tells `datasets` where the files are and people what they hold."""
    written = pa.concat_tables(list(parts.values()))
    counts = counts_of(texts_of(written, "label"))
    paths = {"image": f"{_IMAGES}/**", "text": _TEXTS}
    front = {
        "task_categories": [f"{kind}-classification" for kind in parts],
        "configs": [
            {
                "config_name": "default" if len(parts) == 1 else f"{kind}s",
                "data_files": [{"split": "train", "path": paths[kind]}],
            }
            for kind in parts
        ],
        "class_names": sorted(counts),
        "class_counts": counts,
        "label_sources": counts_of(texts_of(written, "label_source")),
    }
    matter = yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=1000)
    return f"---\n{matter}---\n\n" + _BODY.format(documents=written.num_rows, classes=len(counts))


def _write_texts(documents: pa.Table, path: Path, read: ReadObject | None) -> Written:
    unreadable: list[tuple[str, str]] = []
    went_in = []
    with path.open("w", encoding="utf-8", newline="\n") as lines:
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
