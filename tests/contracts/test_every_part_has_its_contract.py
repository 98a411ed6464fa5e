"""A part that no contract test makes fails here: every store, record-id source and strategy keeps its contract."""

from __future__ import annotations

import ast

import pytest

from sfs_core import KINDS, load_plugins
from tests.source_tree import modules

CONTRACTS = {
    "sfs_stores": "StoreContract",
    "sfs_record_id_sources": "RecordIdSourceContract",
    "sfs_clear_strategies": "ClearStrategyContract",
    "sfs_migrate_strategies": "MigrateStrategyContract",
}
PARTS = [(hook, part) for hook in CONTRACTS for part in load_plugins({}).parts(hook).values()]


def contract_tests() -> list[ast.ClassDef]:
    """Return every test class that takes over a contract."""
    return [
        node
        for module in modules("tests")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef) and _bases(node) & set(CONTRACTS.values())
    ]


def _bases(node: ast.ClassDef) -> set[str]:
    return {base.id for base in node.bases if isinstance(base, ast.Name)}


def test_every_kind_of_part_has_a_contract():
    assert CONTRACTS.keys() | {"sfs_commands"} == KINDS.keys()


@pytest.mark.parametrize(("hook", "part"), PARTS, ids=lambda value: getattr(value, "__name__", value))
def test_every_part_is_made_by_a_test_of_its_contract(hook: str, part: type):
    made = {
        name.id
        for test in contract_tests()
        if CONTRACTS[hook] in _bases(test)
        for name in ast.walk(test)
        if isinstance(name, ast.Name)
    }

    assert part.__name__ in made
