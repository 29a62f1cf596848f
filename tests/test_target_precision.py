"""The declaration of a target precision, and which labels are certified together."""

import pytest
from support.angle_samples import NAME, declaration

from autolabel_core.foundation.errors import DeclarationError
from autolabel_core.labelling.certification import OWN_CERTIFICATE, label_groups

TARGET = {"target_precision": 0.9, "delta": 0.2}


def test_rare_labels_share_a_group_and_none_is_left_out():
    labels = ["a"] * OWN_CERTIFICATE + ["b"] * (OWN_CERTIFICATE - 1) + ["c"]
    assert label_groups(labels) == [["a"], ["b", "c"]]
    assert label_groups(["a"] * OWN_CERTIFICATE) == [["a"]]
    assert label_groups(["x"]) == [["x"]]


@pytest.mark.parametrize(
    ("threshold", "problem"),
    [
        ({"target_precision": 95}, r"target_precision \(found `95`\): expected at most 0.999"),
        ({"target_precison": 0.95}, "Did you mean `target_precision`"),
        ({"target_precision": 0.9, "delta": 0}, r"delta \(found `0`\): expected at least 0.001"),
        (3, r"confidence_threshold \(found `3`\): expected at most 1.0"),
        ("0.9", "without quotes"),
    ],
)
def test_a_target_that_makes_no_sense_is_refused_by_its_key(home, threshold, problem):
    home.declare(NAME, declaration(confidence_threshold=threshold))
    with pytest.raises(DeclarationError, match=problem):
        home.workspace.open(NAME)


def test_numbers_for_single_labels_are_refused_beside_a_target(home):
    taxonomy = {"confidence_threshold": TARGET, "label_thresholds": {"left": 0.5}}
    home.declare(NAME, declaration(**taxonomy))
    with pytest.raises(DeclarationError, match="label_thresholds: cannot stand beside"):
        home.workspace.open(NAME)


def test_a_target_is_met_by_the_best_score_unless_one_is_declared(home):
    home.declare(NAME, declaration(confidence_threshold=TARGET))
    assert home.workspace.collection(NAME).taxonomy.score == "auto"
    home.declare(NAME, declaration(confidence_threshold=TARGET, score="vote"))
    assert home.workspace.collection(NAME).taxonomy.score == "vote"
    home.declare(NAME, declaration(confidence_threshold=0.5))
    assert home.workspace.collection(NAME).taxonomy.score == "nearest"
