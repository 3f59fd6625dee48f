"""The list of faults is whole, and each test that it names is there."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.faults.catalogue import FAULTS, Fault

ROOT = Path(__file__).parents[2]


def test_the_list_is_whole():
    assert list(FAULTS) == list(range(1, 48))


@pytest.mark.parametrize("fault", FAULTS.values(), ids=lambda fault: fault.words)
def test_each_fault_has_its_test_or_a_reason_why_not(fault: Fault):
    assert bool(fault.test) != bool(fault.why)
    if fault.test:
        path, _, name = fault.test.partition("::")
        functions = {
            node.name
            for node in ast.walk(ast.parse((ROOT / path).read_text()))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        assert name in functions or not name
