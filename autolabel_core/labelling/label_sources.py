"""Reads labels of many documents: from files of other tools, or from the folders in the keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from autolabel_core.documents.current_content import ExistingDocuments
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.label_names import is_missing_value
from autolabel_core.labelling.box_input import SourceImage
from autolabel_core.labelling.give_labels import GivenLabel, labelled_keys_of, listed_problems
from autolabel_core.labelling.image_names import ImageKeys, split_of
from autolabel_core.labelling.label_input import ImageLabel
from autolabel_core.ledger.arrivals import DELETED
from autolabel_core.tables.workspace import OpenCollection

MAX_FOLDERS_SHOWN = 5
MIN_CLASSES = 2
MAX_CLASSES_SHARE = 0.5
"""Folders look like classes where there are at most so many for each document."""


def labels_for_keys(collection: OpenCollection, labels: Sequence[ImageLabel]) -> list[GivenLabel]:
    """Return the labels of a file by the keys that its images lead to.

    Args:
        collection: opened with its stores.
        labels: as the file gives them.

    Returns:
        One for each document.

    Raises:
        AutolabelError: an image leads to no key or to several, two lead to one key, or one has two
            different labels; the message lists them with their names.
    """
    keys = ImageKeys(ExistingDocuments(collection).listed_keys())
    problems: list[str] = []
    sources: dict[str, SourceImage] = {}
    given: dict[str, str] = {}
    for label in labels:
        try:
            key = keys.find(label.image).key
        except AutolabelError as error:
            problems.append(f"{label.image.entry}: {error}".removeprefix(": "))
            continue
        source = sources.setdefault(key, label.image)
        if source != label.image:
            problems.append(f"{source} and {label.image} lead to the one key {key!r}")
        elif given.setdefault(key, label.label) != label.label:
            problems.append(f"{source} is {given[key]!r} and {label.label!r}; a document has one")
    if problems:
        listed = listed_problems(list(dict.fromkeys(problems)))
        raise AutolabelError(f"{listed}\nNothing was recorded.")
    return [GivenLabel(key, label, where=str(sources[key])) for key, label in given.items()]


def labels_from_folders(collection: OpenCollection) -> tuple[list[GivenLabel], list[str]]:
    """Return the folder of each key as its label; documents that a person labelled keep theirs.

    Args:
        collection: opened with its stores.

    Returns:
        The labels, and a line for what has none.

    Raises:
        AutolabelError: no key lies in a folder, or folders lie in folders.
    """
    by_key = {key: class_folders(key) for key in ExistingDocuments(collection).listed_keys()}
    deeper = [key for key, folders in by_key.items() if len(folders) > 1]
    if deeper:
        raise AutolabelError(
            f"{deeper[0]!r} lies in folders within folders, so which names its class is not plain "
            f"({len(deeper)} keys). Label them with `--csv`."
        )
    labels = {key: folders[0] for key, folders in by_key.items() if folders}
    if not labels:
        raise AutolabelError(f"No key of `{collection.name}` lies in a folder.")
    unnamed = sorted(item for item in labels.items() if is_missing_value(item[1]))
    labels = {key: label for key, label in labels.items() if not is_missing_value(label)}
    labelled = labelled_keys_of(collection)
    kept = sorted(key for key in labels if key in labelled)
    loose = sorted(key for key, folders in by_key.items() if not folders)
    notes = [f"{key!r} has no label: it lies in no folder." for key in loose]
    notes += [f"{key!r} has no label: no class is called {name!r}." for key, name in unnamed]
    if kept:
        notes.append(f"{len(kept)} documents that have a label of a person already keep it.")
    return [GivenLabel(key, label) for key, label in labels.items() if key not in labelled], notes


def folder_hint(collection: OpenCollection) -> str | None:
    """Return that labels may be taken from the folders of keys; None where nothing says so.

    Args:
        collection: opened with its stores.

    Returns:
        A line for a collection without any label, whose folders look like classes.
    """
    name = collection.name
    if collection.declaration.detection is not None or collection.ledger.annotations(name):
        return None
    objects = collection.ledger.objects(name).values()
    folders = folders_like_classes(a.key for a in objects if a.event != DELETED)
    if not folders:
        return None
    shown = ", ".join(list(folders)[:MAX_FOLDERS_SHOWN])
    more = ", …" if len(folders) > MAX_FOLDERS_SHOWN else ""
    return (
        f"{name}: no labels yet, and the keys lie in {len(folders)} folders ({shown}{more}). If "
        f"these are the classes: `autolabel label {name} --from-folders`."
    )


def class_folders(key: str) -> list[str]:
    """Return the folders of a key that may name its class: all but those of a split."""
    return [part for part in PurePosixPath(key).parts[:-1] if split_of(part) is None]


def folders_like_classes(keys: Iterable[str]) -> dict[str, int]:
    """Return how many keys lie in each folder, where the folders look like classes; else nothing.

    Args:
        keys: of a collection.

    Returns:
        The count by folder, most frequent first; empty where keys lie loose, folders lie in
        folders, or there is only one folder or nearly one for each key.
    """
    folders = [class_folders(key) for key in keys]
    if not folders or any(len(of_key) != 1 for of_key in folders):
        return {}
    counts = Counter(of_key[0] for of_key in folders)
    is_plausible = MIN_CLASSES <= len(counts) <= MAX_CLASSES_SHARE * len(folders)
    return dict(counts.most_common()) if is_plausible else {}
