"""Which annotations hold, asked of the database: `annotations` says the same in Python.

Each condition is about one row and the few others of its document, which an index finds, so that
nobody reads a long history to learn the latest word.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, FromClause, Select, and_, exists, literal, not_, or_, select

from autolabel_core.ledger.annotations import IMPORTED
from autolabel_core.ledger.revocations import REINSTATE, REVOCATIONS, REVOKE, REVOKED_EVENT
from autolabel_core.ledger.schema import ANNOTATIONS


def in_force(given: FromClause) -> ColumnElement[bool]:
    """Return whether a row was not revoked, or was reinstated since.

    Args:
        given: the table of annotations, or an alias of it.

    Returns:
        A condition for a query over `given`.
    """
    revocation, reinstatement = ANNOTATIONS.alias(), ANNOTATIONS.alias()
    undone = (
        _about_the_same(reinstatement, given)
        .where(reinstatement.c.action == REINSTATE, _names(reinstatement, given))
        .where(reinstatement.c.id > revocation.c.id)
        .correlate(given, revocation)
    )
    revoked = _about_the_same(revocation, given).where(
        revocation.c.action == REVOKE, _names(revocation, given), not_(exists(undone))
    )
    return not_(exists(revoked))


def _names(revocation: FromClause, given: FromClause) -> ColumnElement[bool]:
    """Whether a revocation or reinstatement is about a row."""
    target: ColumnElement[bool] = revocation.c.provenance[REVOKED_EVENT].as_string()
    return target == given.c.event_id


def stands(given: FromClause) -> ColumnElement[bool]:
    """Return whether a row is somebody's last word about a content, and was not withdrawn.

    Args:
        given: the table of annotations, or an alias of it.

    Returns:
        A condition for a query over `given`.
    """
    later = ANNOTATIONS.alias()
    imported = given.c.origin.in_(IMPORTED)
    same_voice = and_(
        later.c.action == "label",
        later.c.annotator == given.c.annotator,
        later.c.source == given.c.source,
        later.c.origin.in_(IMPORTED) == imported,
    )
    ends = and_(later.c.action == "withdraw", or_(later.c.annotator == given.c.annotator, imported))
    ended = _about_the_same(later, given).where(
        later.c.id > given.c.id, or_(same_voice, ends), in_force(later)
    )
    return and_(given.c.action == "label", in_force(given), not_(exists(ended)))


def holds(given: FromClause) -> ColumnElement[bool]:
    """Return whether a row is what holds about its content: human beats promoted, then the latest.

    Args:
        given: the table of annotations, or an alias of it.

    Returns:
        A condition for a query over `given`.
    """
    other = ANNOTATIONS.alias()
    stronger = or_(
        and_(other.c.source == "human", given.c.source != "human"),
        and_(other.c.source == given.c.source, other.c.id > given.c.id),
    )
    return and_(
        stands(given), not_(exists(_about_the_same(other, given).where(stronger, stands(other))))
    )


def in_use(given: FromClause, collection: str, label: str) -> ColumnElement[bool]:
    """Return whether a row gives a document a label, by the content that was judged last.

    Args:
        given: the table of annotations.
        collection: whose documents.
        label: the label.

    Returns:
        A condition for a query over `given`.
    """
    last = ANNOTATIONS.alias()
    judged_last = (
        select(last.c.content_hash)
        .where(last.c.collection == given.c.collection, last.c.document_id == given.c.document_id)
        .where(last.c.action.not_in(REVOCATIONS), in_force(last))
        .order_by(last.c.id.desc())
        .limit(1)
        .correlate(given)
        .scalar_subquery()
    )
    return and_(
        given.c.collection == collection,
        given.c.label == label,
        given.c.content_hash == judged_last,
        holds(given),
    )


def labels_ever_given(collection: str) -> Select[str]:
    """Return a query for the different labels: one step in the index for each, not each row."""
    columns = ANNOTATIONS.c

    def next_after(label: ColumnElement[str] | None) -> Select[str]:
        query = select(columns.label).where(
            columns.collection == collection, columns.label.is_not(None)
        )
        query = query if label is None else query.where(columns.label > label)
        return query.order_by(columns.label).limit(1)

    first = select(next_after(None).scalar_subquery().label("label")).cte("labels", recursive=True)
    following = next_after(first.c.label).correlate(first).scalar_subquery()
    steps = first.union_all(select(following).where(first.c.label.is_not(None)))
    return select(steps.c.label).where(steps.c.label.is_not(None))


def _about_the_same(other: FromClause, given: FromClause) -> Select[int]:
    """Rows about the same content of the same document."""
    return (
        select(literal(1))
        .where(
            other.c.collection == given.c.collection,
            other.c.document_id == given.c.document_id,
            other.c.content_hash == given.c.content_hash,
        )
        .correlate(given)
    )
