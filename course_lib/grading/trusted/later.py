"""Imports that wait until somebody asks: a locked cell imports torch for the student; the tests may never use it."""

from __future__ import annotations

import ast
import importlib
import sys
import types
from typing import Any

from ..parsing import parse
from .inside import wire
from .plan import LATER


class Later(types.ModuleType):
    """Stands for a module, and imports it at the first attribute."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return getattr(importlib.import_module(self.__name__), name)

    def __dir__(self) -> list[str]:
        return dir(importlib.import_module(self.__name__))


def run_imports(source: str, file: str, namespace: dict[str, Any]) -> None:
    """Execute a cell in `namespace`, but for ``import torch`` and its like, which are put off if not done already.

    Only whole statements at the top of the cell, and only where the name that they bind stands for the module itself.
    """
    tree = parse(source, file)
    kept: list[ast.stmt] = []
    for statement in tree.body:
        if isinstance(statement, ast.Import) and all(_can_wait(alias) for alias in statement.names):
            for alias in statement.names:
                namespace[alias.asname or alias.name] = Later(alias.name)
                if alias.name == "torch":
                    # A tensor of the student's must still arrive as a tensor.
                    wire.tensor_library = lambda: importlib.import_module("torch")
        else:
            kept.append(statement)
    exec(compile(ast.Module(kept, []), file, "exec"), namespace)


def _can_wait(alias: ast.alias) -> bool:
    slow = alias.name.split(".")[0] in LATER and alias.name.split(".")[0] not in sys.modules
    return slow and (alias.asname is not None or "." not in alias.name)
