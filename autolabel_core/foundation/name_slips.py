"""Finds names that differ by typing errors, without comparing each pair."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations

MAX_INDEXED_LETTERS = 40
"""Words up to this length are found by what is left when letters are deleted; longer ones, of
which there are few, are compared one by one."""

Shape = tuple[int, ...]
Words = tuple[str, ...]


def near(a: str, b: str) -> bool:
    """Return whether two words differ by a slip: one in a word of 5 letters, two in one of 9.

    Digits are no slip: `model 1` is not `model 2`.
    """
    if a == b:
        return True
    allowed = _allowed(min(len(a), len(b)))
    if abs(len(a) - len(b)) > allowed or _digits(a) != _digits(b):
        return False
    return _edit_distance(a, b) <= allowed


class SlipIndex:
    """Names by their words, in which those are found that agree word by word but for slips."""

    def __init__(self) -> None:
        self._near: dict[str, set[str]] = {}
        self._by_rest: dict[str, list[str]] = {}
        self._long: list[str] = []
        self._holders: dict[tuple[Shape, int, str], list[tuple[str, Words]]] = {}
        self._wordless: dict[Shape, list[str]] = {}

    def add(self, name: str, shape: Shape, words: Words) -> None:
        """Add a name.

        Args:
            name: the name, once.
            shape: how many words each of its levels has; names of other shapes are never near.
            words: the words of all levels, in order.
        """
        if not words:
            self._wordless.setdefault(shape, []).append(name)
        for place, word in enumerate(words):
            self._near_words(word)
            self._holders.setdefault((shape, place, word), []).append((name, words))

    def near_names(self, shape: Shape, words: Words) -> Iterator[str]:
        """Yield the names of that shape whose words are near, one to one.

        Args:
            shape: how many words each level has.
            words: the words of all levels, in order.

        Yields:
            str: A name that was added.
        """
        if not words:
            yield from self._wordless.get(shape, ())
            return
        near_words = [self._near_words(word) for word in words]
        places = range(len(words))
        rarest = min(places, key=lambda place: self._count(shape, place, near_words[place]))
        for word in near_words[rarest]:
            for name, others in self._holders.get((shape, rarest, word), ()):
                if all(others[place] in near_words[place] for place in places):
                    yield name

    def _count(self, shape: Shape, place: int, words: set[str]) -> int:
        return sum(len(self._holders.get((shape, place, word), ())) for word in words)

    def _near_words(self, word: str) -> set[str]:
        """Return the known words near to a word, itself among them; the word is known then."""
        if word in self._near:
            return self._near[word]
        others = set(self._long)
        rests = _rests(word) if len(word) <= MAX_INDEXED_LETTERS else ()
        if len(word) > MAX_INDEXED_LETTERS:
            others |= set(self._near)
            self._long.append(word)
        for rest in rests:
            holders = self._by_rest.setdefault(rest, [])
            others.update(holders)
            holders.append(word)
        found = {other for other in others if near(word, other)}
        for other in found:
            self._near[other].add(word)
        self._near[word] = {word, *found}
        return self._near[word]


def _rests(word: str) -> set[str]:
    """Return what is left of a word when as many letters are deleted as slips are allowed.

    Two words that are within so many slips have one of these in common.
    """
    slips, places = _allowed(len(word)), range(len(word))
    rests = {word}
    if slips > 0:
        rests |= {word[:i] + word[i + 1 :] for i in places}
    if slips > 1:
        rests |= {word[:i] + word[i + 1 : j] + word[j + 1 :] for i, j in combinations(places, 2)}
    return rests


def _allowed(letters: int) -> int:
    return 0 if letters < 5 else 1 if letters < 9 else 2


def _digits(word: str) -> list[str]:
    return re.findall(r"\d+", word)


def _edit_distance(a: str, b: str) -> int:
    """The fewest insertions, deletions, substitutions and swaps of neighbours from a to b."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        older, before, row = before, row, [i]
        for j, other in enumerate(b, 1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                best = min(best, older[j - 2] + 1)
            row.append(best)
    return row[-1]
