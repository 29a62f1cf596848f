from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.label_names import (
    ancestors,
    check_label,
    inconsistent_names,
    normalise_path,
    parts,
    roll_up,
    taxonomy_version,
)
from autolabel_core.foundation.suggestions import did_you_mean


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("  Red Running Shoes\n", "Red Running Shoes"),
        ("e\u0301", "\u00e9"),
        ("x" * 200, "x" * 200),
        ("👩\u200d🔧", "👩\u200d🔧"),
    ],
)
def test_a_good_label_is_kept_clean(text, label):
    assert check_label(text) == label


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "only whitespace"),
        (" \t ", "use null"),
        ("a\nb", "U\\+000A"),
        ("a\x00b", "U\\+0000"),
        ("a\u202eb", "U\\+202E"),
        ("a\u200bb", "U\\+200B"),
        ("x" * 201, "at most 200 characters, found 201"),
    ],
)
def test_a_bad_label_is_refused_with_a_cure(text, message):
    with pytest.raises(AutolabelError, match=message):
        check_label(text)


@given(st.text(max_size=220))
def test_checking_a_label_twice_changes_nothing(text):
    try:
        label = check_label(text)
    except AutolabelError:
        return
    assert check_label(label) == label


ALIKE = [
    ("red running shoes", "Red Running Shoes", "case"),
    ("red shoe", "Red Shoes", "plural"),
    ("red_shoes", "Red Shoes", "punctuation or spaces"),
    ("Red-Shoes!", "Red Shoes", "punctuation or spaces"),
    ("redshoes", "Red Shoes", "punctuation or spaces"),
    ("Basketbal Shoes", "Basketball Shoes", "spelling"),
    ("Baksetball Shoes", "Basketball Shoes", "spelling"),
    ("shoes>running", "Shoes > Running", "punctuation or spaces"),
    ("Shoes > Runing > Red", "Shoes > Running > Red", "spelling"),
    ("straße", "STRASSE", "case"),
]
DIFFERENT = [
    ("cat", "car"),
    ("cats", "bats"),
    ("class 1", "class 2"),
    ("shelf_10", "shelf_11"),
    ("1.5 l", "15 l"),
    ("C++", "C"),
    ("👍", "👎"),
    ("bus", "bu"),
    ("Shoes > Running > Red", "Shoes > Running > Bed"),
    ("male shoes", "female shoes"),
    ("Shoes", "Shoes > Running"),
    ("कि", "का"),
    ("invoice", "contract with a very long name"),
]


@pytest.mark.parametrize(("new", "existing", "reason"), ALIKE)
def test_another_spelling_is_noticed(new, existing, reason):
    (warning,) = inconsistent_names([new], {existing: 14, "Something Else": 90})
    assert (warning.existing, warning.used, warning.reason) == (existing, 14, reason)
    assert f'did you mean "{existing}", used 14 times?' in str(warning)


@pytest.mark.parametrize(("new", "existing"), DIFFERENT)
def test_another_class_is_left_alone(new, existing):
    assert inconsistent_names([new], {existing: 3}) == []


def test_a_label_in_use_is_never_warned_about():
    assert inconsistent_names(["red shoes"], {"red shoes": 1, "Red Shoes": 14}) == []


def test_the_most_used_spelling_is_proposed():
    (warning,) = inconsistent_names(["RED SHOE"], {"red shoes": 2, "Red Shoes": 14})
    assert warning.existing == "Red Shoes"


def test_two_spellings_within_one_upload_are_noticed_once():
    (warning,) = inconsistent_names(["Cat food", "cat food", "cat food"], {})
    assert (warning.new, warning.existing) == ("cat food", "Cat food")
    assert "used once" in str(warning)


@given(
    st.lists(st.text(max_size=8), max_size=8),
    st.dictionaries(st.text(max_size=8), st.integers(1, 9)),
)
def test_a_warning_never_names_the_label_itself(new, existing):
    warnings = inconsistent_names(new, existing)
    assert all(warning.new != warning.existing for warning in warnings)
    assert len({warning.new for warning in warnings}) == len(warnings)


def naive_distance(a, b):
    if not a or not b:
        return len(a) + len(b)
    ways = [
        naive_distance(a[1:], b) + 1,
        naive_distance(a, b[1:]) + 1,
        naive_distance(a[1:], b[1:]) + (a[0] != b[0]),
    ]
    if len(a) > 1 and len(b) > 1 and a[0] == b[1] and a[1] == b[0]:
        ways.append(naive_distance(a[2:], b[2:]) + 1)
    return min(ways)


@given(st.text("abc", max_size=5), st.text("abc", max_size=5))
def test_the_distance_is_the_shortest_way(a, b):
    from autolabel_core.foundation.name_slips import _edit_distance

    assert _edit_distance(a, b) == naive_distance(a, b)


@pytest.mark.parametrize(
    ("label", "levels"),
    [
        ("Shoes > Running > Red", ("Shoes", "Running", "Red")),
        ("Shoes>Running", ("Shoes", "Running")),
        (" Shoes ", ("Shoes",)),
        ("> 30 degrees", ("> 30 degrees",)),
        ("a > > b", ("a > > b",)),
    ],
)
def test_a_path_has_levels(label, levels):
    assert parts(label) == levels
    assert parts(normalise_path(label)) == levels


def test_ancestors_come_nearest_first():
    assert ancestors("A>B > C") == ["A > B", "A"]
    assert ancestors("A") == []


def test_counts_are_rolled_up_to_every_ancestor():
    counts = {"Shoes > Running > Red": 2, "Shoes>Running": 3, "Shoes": 1, "Hats": 4}
    assert list(roll_up(counts).items()) == [
        ("Hats", 4),
        ("Shoes", 6),
        ("Shoes > Running", 5),
        ("Shoes > Running > Red", 2),
    ]


@given(st.dictionaries(st.text("ab >", max_size=6), st.integers(1, 5), max_size=6))
def test_the_roots_hold_everything(counts):
    rolled = roll_up(counts)
    assert sum(n for label, n in rolled.items() if len(parts(label)) == 1) == sum(counts.values())


def test_the_version_follows_the_set_of_labels_alone():
    version = taxonomy_version(["b", "a", "a"])
    assert version == taxonomy_version(["a", "b"])
    assert version != taxonomy_version(["a", "b", "c"])
    assert taxonomy_version(["a, b"]) != taxonomy_version(["a", "b"])
    assert len(version) == 12


def test_a_near_miss_is_hinted_at():
    assert did_you_mean("Parquett", ["csv", "parquet"]) == ' Did you mean "parquet"?'
    assert did_you_mean("zzz", ["csv"]) == ""
    assert did_you_mean("x", []) == ""
