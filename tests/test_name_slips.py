import re
import time
from itertools import chain

from hypothesis import given, settings
from hypothesis import strategies as st

from autolabel_core.foundation.label_names import (
    _folded,
    _singular,
    _words,
    inconsistent_names,
    parts,
)
from autolabel_core.foundation.name_slips import MAX_INDEXED_LETTERS, _edit_distance


def naive_warnings(new, existing):
    """Each new label beside each label before it: what the index must give as well."""
    known, warnings = dict(existing), []
    for name in new:
        if name not in known:
            same = [other for other in known if _folded(other) == _folded(name)]
            others = same or [other for other in known if differs_by_a_slip(name, other)]
            if others:
                best = min(others, key=lambda other: (-known[other], other))
                warnings.append((name, best, known[best]))
        known[name] = known.get(name, 0) + 1
    return warnings


def differs_by_a_slip(name, other):
    if abs(len(name) - len(other)) > max(len(name), len(other)) // 2:
        return False
    ours, theirs = ([_words(level) for level in parts(label)] for label in (name, other))
    if [len(words) for words in ours] != [len(words) for words in theirs]:
        return False
    pairs = zip(chain.from_iterable(ours), chain.from_iterable(theirs), strict=True)
    return all(near(_singular(a), _singular(b)) for a, b in pairs)


def near(a, b):
    if a == b:
        return True
    shorter = min(len(a), len(b))
    allowed = 0 if shorter < 5 else 1 if shorter < 9 else 2
    if abs(len(a) - len(b)) > allowed or re.findall(r"\d+", a) != re.findall(r"\d+", b):
        return False
    return _edit_distance(a, b) <= allowed


WORDS = st.one_of(
    st.text("ab1s", min_size=3, max_size=11),
    st.integers(MAX_INDEXED_LETTERS - 1, MAX_INDEXED_LETTERS + 2).map(lambda n: "a" * n),
    st.sampled_from(["!", "?", ".."]),
)
LABELS = st.lists(WORDS, min_size=1, max_size=3).flatmap(
    lambda words: st.sampled_from([" ", " > ", "-"]).map(lambda between: between.join(words))
)


@settings(deadline=None, max_examples=300)
@given(st.lists(LABELS, max_size=14), st.dictionaries(LABELS, st.integers(1, 3), max_size=8))
def test_the_index_finds_what_comparing_each_with_each_finds(new, existing):
    warnings = inconsistent_names(new, existing)
    assert [(w.new, w.existing, w.used) for w in warnings] == naive_warnings(new, existing)


def test_five_thousand_labels_of_similar_words_take_under_a_second():
    words = [f"{a}{b}{c}elow" for a in "bdfgklmn" for b in "aeiou" for c in "rstvwz"]
    labels = [f"{words[i % 240]} {words[i * 7 % 239]} {i % 97}".title() for i in range(5000)]
    started = time.process_time()
    inconsistent_names(labels, {})
    assert time.process_time() - started < 1
