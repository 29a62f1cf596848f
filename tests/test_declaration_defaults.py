"""Defaults of declarations that are models: made without a schema, equal to what a reader makes."""

from __future__ import annotations

import pytest

from autolabel_core.declarations.model import Declaration


def models(base: type[Declaration] = Declaration) -> list[type[Declaration]]:
    return [m for sub in base.__subclasses__() for m in (sub, *models(sub))]


def constructed_defaults() -> set[type[Declaration]]:
    """The models that are a field's default as `model_construct` makes it."""
    factories = [f.default_factory for m in models() for f in m.model_fields.values()]
    made_by = (getattr(factory, "__func__", None) for factory in factories)
    plain = Declaration.model_construct.__func__
    return {f.__self__ for f, maker in zip(factories, made_by, strict=True) if maker is plain}


@pytest.mark.parametrize("model", sorted(constructed_defaults(), key=lambda model: model.__name__))
def test_a_default_that_is_not_validated_is_what_an_empty_mapping_means(model):
    assert model.model_construct() == model()
    assert model.model_construct().model_fields_set == set()
