"""The tree stays what the README says: rooms of our own, declared dependencies, entrypoints that load."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
ROOMS = ("apps", "config", "connectors", "flows", "receipts", "tasks")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _imported(folder: Path) -> set[str]:
    """Top-level names that the modules below `folder` import."""
    found: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("rooms", [ROOMS, ("tests",)])
def test_every_import_is_a_declared_dependency(rooms: tuple[str, ...]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    declared = list(project["project"]["dependencies"])
    if rooms == ("tests",):
        declared += project["dependency-groups"]["dev"]
    # boto3 is botocore's face, its stubs bring this one; pyhanko[pkcs11] and certomancer-csc-dummy bring the others.
    declared += ["botocore", "mypy-boto3-s3", "python-pkcs11", "certomancer"]
    names = {_normal(re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0]) for requirement in declared}
    providers = importlib.metadata.packages_distributions()
    for module in set().union(*(_imported(ROOT / room) for room in rooms)) - {
        *ROOMS,
        "tests",
        *sys.stdlib_module_names,
    }:
        assert names & {_normal(name) for name in providers.get(module, [module])}, f"{module} is not declared"


def test_no_other_package_brings_a_folder_of_our_names() -> None:
    providers = importlib.metadata.packages_distributions()
    for room in (*ROOMS, "tests"):
        assert set(providers.get(room, [])) <= {"probant"}, f"{room} is also brought by {providers[room]}"


def test_no_flow_module_shadows_a_room() -> None:
    """A path entrypoint would put flows/ first on sys.path."""
    assert not {path.stem for path in (ROOT / "flows").iterdir()} & set(ROOMS)


def test_deployments_name_flows_that_load() -> None:
    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    assert {entry["name"] for entry in deployments} >= {"collect", "ingest", "audit", "reverify"}
    for entry in deployments:
        module, name = entry["entrypoint"].rsplit(".", 1)
        tree = ast.parse((ROOT / f"{module.replace('.', '/')}.py").read_text())
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
