"""The cascade and published systems behind one protocol, and what their answers depend on."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from importlib import import_module

import pytest

from lookalike.config import FindConfig, InsideConfig, SystemConfig, ViewConfig
from lookalike.methods import method_of
from lookalike.methods.cascade import LIMITS
from lookalike.model.limits import version_of

DECIDING = ("containment", "decisions", "descriptors", "index", "matching", "verification")
PUBLISHED = SystemConfig(views=(ViewConfig("pdq", max_distance=31),), threads=3)


def test_every_limit_of_the_deciding_rooms_is_in_the_digest() -> None:
    """A number that changes never meets an answer, a verdict or a report of before."""
    found = [
        record
        for room in DECIDING
        for record in vars(import_module(f"lookalike.{room}.limits")).values()
        if is_dataclass(record) and not isinstance(record, type)
    ]
    assert len(found) > 12
    assert {type(record) for record in found} == {type(record) for record in LIMITS}


@pytest.mark.parametrize("record", LIMITS, ids=lambda record: type(record).__name__)
def test_any_number_changes_the_digest(record: object) -> None:
    """Every field counts."""
    assert is_dataclass(record) and not isinstance(record, type)
    others = [one for one in LIMITS if one is not record]
    before = version_of("cascade", *LIMITS)
    assert len(fields(record)) > 0
    for field in fields(record):
        changed = replace(record, **{field.name: (getattr(record, field.name), "changed")})
        assert version_of("cascade", changed, *others) != before, field.name


def test_the_cascade_ranks_and_judges_by_its_own_settings() -> None:
    """With an embedding, or by hashes in eight turns where the effort uses none."""
    config = FindConfig(threads=3)
    method = method_of(config)
    assert method.judging is config and method.ranking.threads == 3
    assert method.ranking.views[0].descriptor == config.embedding.model
    assert method.ranking.views[0].max_distance == config.embedding.max_distance
    fast = method_of(FindConfig(effort="fast")).ranking
    assert fast.views[0].descriptor == "pdq" and fast.turns == 8
    assert method.limits and method.versions.keys() == {"confidence"}
    assert method.regions == "" and method.descriptors() == ()
    assert method_of(replace(config, inside=InsideConfig(wanted=True))).regions == "whole"


def test_a_published_system_ranks_itself_and_is_judged_by_defaults() -> None:
    """It verifies nothing, so hits are judged by the cascade."""
    method = method_of(PUBLISHED)
    assert method.ranking is PUBLISHED and method.judging == FindConfig(threads=3)
    assert (method.limits, method.versions, method.regions) == ("", {}, "")
    assert [one.spec.name for one in method.descriptors()] == ["pdq upright"]
    assert PUBLISHED.kinds == () and not PUBLISHED.verifies and FindConfig().verifies
