from typing import get_args

import pytest

from pipeline.core.errors import ParameterError
from pipeline.core.params import Params
from pipeline.extract.kind import Kind, kind_of

KINDS = get_args(Kind)
KNOWN = f"{', '.join(KINDS[:-1])} or {KINDS[-1]}"


@pytest.mark.parametrize("kind", KINDS)
def test_kind(kind):
    assert kind_of(Params({"datasets": {"cats": {"kind": kind}}}), "cats") == kind


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "datasets is missing; the top level has: nothing"),
        ({"datasets": {"dogs": {}}}, "datasets.cats is missing; datasets has: dogs"),
        ({"datasets": {"cats": {"kidn": "idx"}}}, "datasets.cats.kind is missing; .* has: kidn"),
        (
            {"datasets": {"cats": {"kind": "zip"}}},
            f"cats.kind: must be {KNOWN}, got 'zip'",
        ),
        (
            {"datasets": {"cats": {"kind": ["idx"]}}},
            rf"must be {KNOWN}, got \['idx'\]",
        ),
        ({"datasets": {"cats": None}}, "datasets.cats.kind is missing"),
    ],
)
def test_no_such_dataset_or_kind(values, message):
    with pytest.raises(ParameterError, match=f"^params.yaml: .*{message}"):
        kind_of(Params(values), "cats")
