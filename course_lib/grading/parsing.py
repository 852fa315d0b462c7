"""Parse Python, one thread at a time.

Before 3.11.5 Python counts the depth of the tree that it builds for all threads together, so that two that parse at
once make each other fail with "SystemError: AST constructor recursion depth mismatch".
"""

from __future__ import annotations

import ast
import threading

_ONE_AT_A_TIME = threading.Lock()


def parse(source: str, file: str = "<unknown>") -> ast.Module:
    with _ONE_AT_A_TIME:
        return ast.parse(source, file)
