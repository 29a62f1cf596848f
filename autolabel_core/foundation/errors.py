"""The errors of the domain; the command line and the web pages show them to people."""

from __future__ import annotations


class AutolabelError(ValueError):
    """Something a person can cure: the message says what was expected and found, and the cure."""


class DeclarationError(AutolabelError):
    """A collection's YAML is wrong; the message names file, key, value and cure.

    Args:
        message: the whole of it.
        collection: name of the collection that cannot be used; None where no single one is meant.
    """

    def __init__(self, message: str, collection: str | None = None) -> None:
        super().__init__(message)
        self.collection = collection


class UnreadableItemError(AutolabelError):
    """One object cannot be read; it is quarantined with this message as the reason."""


class NothingToEmbedError(UnreadableItemError):
    """An item holds nothing of what an extractor embeds, such as no face; no fault of anybody."""


class ItemTooLargeError(UnreadableItemError):
    """One object is larger than what is read; a smaller copy of it can be."""


class UnreachableItemError(UnreadableItemError):
    """One object cannot be read for now; quarantined, and tried again by the next sweep."""


class StoreUnavailableError(AutolabelError):
    """A store does not answer for now; nothing is taken for unreadable or deleted because of it."""


class MissingWeightsError(AutolabelError):
    """A model's weights are not on this machine; the message says how to bring them."""


class NotFoundError(AutolabelError):
    """A collection, document or retriever of that name does not exist; near ones are suggested."""
