"""The names of the scores: how sure a label is that references give a document."""

from __future__ import annotations

from typing import Literal

ScoreName = Literal["nearest", "vote", "class_mean", "probe"]
"""`nearest`: cosine to the nearest reference. `vote`: the ten nearest vote. `class_mean`: the mean
vector of each label. `probe`: a linear classifier on the vectors."""
DeclaredScore = Literal["nearest", "vote", "class_mean", "probe", "auto"]
"""`auto` takes the score that does best among the references."""
