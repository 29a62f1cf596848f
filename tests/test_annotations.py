from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from autolabel_core.ledger import Annotation, effective_annotations
from autolabel_core.ledger.annotations import stale_annotations


def event(
    name, document="d", content="now", source="human", action="label", who="me", origin="cli"
):
    return Annotation("c", document, "k", name, content, who, origin, action, source)


def imported(name, action="label"):
    return event(name, action=action, who="metadata", origin="metadata")


WITHDRAWN = event(None, action="withdraw")
NOW = {"d": "now"}


def holding(*events):
    found = effective_annotations(events, NOW).get("d")
    return found and found.label


def test_the_latest_of_one_source_wins():
    assert holding(event("a"), event("b")) == "b"
    assert holding(event("a", source="promoted"), event("b", source="promoted")) == "b"


def test_human_beats_promoted_in_either_order():
    assert holding(event("a"), event("b", source="promoted")) == "a"
    assert holding(event("b", source="promoted"), event("a")) == "a"


def test_a_withdrawal_ends_what_came_before_it_only():
    assert holding(event("a"), WITHDRAWN) is None
    assert holding(event("a"), WITHDRAWN, event("b", source="promoted")) == "b"
    assert holding(event("a", source="promoted"), event("b"), WITHDRAWN) is None


def test_a_withdrawal_ends_the_labels_of_the_same_person_only():
    alice, bob = event("a", who="alice"), event("b", who="bob")
    assert holding(alice, bob, event(None, action="withdraw", who="bob")) == "a"
    assert holding(alice, bob, event(None, action="withdraw", who="alice")) == "b"
    assert holding(alice, event(None, action="withdraw", who="bob")) == "a"
    assert holding(event("c", who="alice"), alice, event(None, action="withdraw", who="bob")) == "a"


def test_a_withdrawal_ends_what_the_object_itself_says():
    assert holding(imported("a"), WITHDRAWN) is None
    assert holding(imported("a"), event("b"), WITHDRAWN) is None
    assert holding(imported("a"), WITHDRAWN, imported("b")) == "b"


def test_what_the_object_says_no_more_ends_no_word_of_a_person():
    assert holding(event("a"), imported("b"), imported(None, action="withdraw")) == "a"
    assert holding(imported("b"), event("a"), imported(None, action="withdraw")) == "a"
    assert holding(imported("b"), imported(None, action="withdraw")) is None


def test_a_promotion_is_beaten_by_the_label_of_anybody_and_returns_when_that_is_withdrawn():
    promoted = event("p", source="promoted", who="alice")
    assert holding(event("b", who="bob"), promoted) == "b"
    assert (
        holding(event("b", who="bob"), promoted, event(None, action="withdraw", who="bob")) == "p"
    )


def test_another_content_is_not_judged():
    assert holding(event("a", content="before")) is None
    assert holding(event("a"), event("b", content="before")) == "a"
    assert holding(event("a"), event(None, content="before", action="withdraw")) == "a"


def test_a_content_that_returns_brings_its_label_back():
    events = [event("a", content="first"), event("b", content="second")]
    assert effective_annotations(events, {"d": "first"})["d"].label == "a"
    assert effective_annotations(events, {"d": "second"})["d"].label == "b"


def test_a_deleted_document_has_no_label():
    assert effective_annotations([event("a")], {}) == {}


def test_stale_is_the_last_label_given_to_a_content_that_is_gone():
    events = [event("a", content="old"), event("x", "other"), event("y", "gone", "old")]
    found = stale_annotations(events, {"d": "now", "other": "now"})
    assert {k: v.label for k, v in found.items()} == {"d": "a", "gone": "y"}
    assert stale_annotations([*events, event("b")], NOW | {"other": "now"}).keys() == {"gone"}


def is_ended(earlier, later):
    by_whom = {e.annotator for e in later if e.action == "withdraw"}
    return earlier.annotator in by_whom or (earlier.origin == "metadata" and bool(by_whom))


def naively(events, contents):
    """Read the promise word by word, over and over."""
    found = {}
    for document in contents:
        judged = [
            e for e in events if (e.document_id, e.content_hash) == (document, contents[document])
        ]
        left = [e for i, e in enumerate(judged) if not is_ended(e, judged[i + 1 :])]
        for source in ("promoted", "human"):
            of_source = [e for e in left if (e.action, e.source) == ("label", source)]
            if of_source:
                found[document] = of_source[-1]
    return found


events = st.builds(
    event,
    st.sampled_from("abc"),
    st.sampled_from(["d", "e"]),
    st.sampled_from(["now", "before"]),
    st.sampled_from(["human", "promoted"]),
    st.sampled_from(["label", "label", "label", "withdraw"]),
    st.sampled_from(["alice", "bob"]),
) | st.builds(imported, st.sampled_from("abc"), st.sampled_from(["label", "withdraw"]))


@given(st.lists(events, max_size=14), st.dictionaries(st.sampled_from(["d", "e"]), st.just("now")))
def test_equals_the_naive_reading(given_events, contents):
    assert effective_annotations(given_events, contents) == naively(given_events, contents)


@given(st.lists(events, max_size=14))
def test_no_document_is_both_holding_and_stale(given_events):
    held, stale = (f(given_events, NOW) for f in (effective_annotations, stale_annotations))
    assert not held.keys() & stale.keys()
    assert all(e.action == "label" for e in [*held.values(), *stale.values()])


@given(st.lists(events, max_size=14))
def test_an_event_of_another_document_changes_nothing(given_events):
    for earlier, later in pairwise([given_events[:n] for n in range(len(given_events) + 1)]):
        if later[-1].document_id != "d":
            before, after = (effective_annotations(e, NOW) for e in (earlier, later))
            assert before == after
