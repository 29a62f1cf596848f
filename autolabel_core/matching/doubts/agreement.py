"""Agreement of people about labels, beyond what chance would give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence


def cohen_kappa(first: Sequence[str], second: Sequence[str]) -> float | None:
    """Return how far two people agree beyond chance.

    Args:
        first: (n,) labels by one person.
        second: (n,) labels of the same items by another.

    Returns:
        From -1 to 1; 1 is everywhere, 0 what chance would give. None where there is no item, or
        where both give one label throughout, so that chance alone would agree.

    Source: J. Cohen (1960), A coefficient of agreement for nominal scales, Educational and
        Psychological Measurement 20.
    """
    count = len(first)
    if not count:
        return None
    observed = sum(a == b for a, b in zip(first, second, strict=True)) / count
    by_first, by_second = Counter(first), Counter(second)
    expected = sum(by_first[label] * by_second[label] for label in by_first) / count**2
    return None if expected == 1 else (observed - expected) / (1 - expected)


def krippendorff_alpha(items: Sequence[Mapping[str, str]]) -> float | None:
    """Return how far any number of people agree beyond chance; not everybody need label everything.

    Args:
        items: of each item the label by person; those with one label say nothing.

    Returns:
        At most 1, which is everywhere; 0 is what chance would give, below it they agree less.
        None where no item has two labels, or all have the same one.

    Source: K. Krippendorff (2011), Computing Krippendorff's alpha-reliability, for nominal data.
    """
    paired = [list(item.values()) for item in items if len(item) > 1]
    total = sum(map(len, paired))
    counts = Counter(label for labels in paired for label in labels)
    differing = sum(
        (len(labels) ** 2 - sum(n * n for n in Counter(labels).values())) / (len(labels) - 1)
        for labels in paired
    )
    expected = total**2 - sum(n * n for n in counts.values())
    return None if not expected else 1 - (total - 1) * differing / expected
