"""What a cell's source tells before it runs: the names it needs, and whether it only gives names."""

from __future__ import annotations

import ast
import re
import symtable

from ..parsing import parse

UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
BY_TEXT = {"eval", "exec", "globals", "locals", "vars", "getattr", "get_ipython", "__import__", "sys", "gc", "inspect"}


def free_names(source: str) -> set[str]:
    """Names that a cell uses without defining them, at any depth."""
    table = symtable.symtable(source, "<cell>", "exec")
    # Order matters at the top: a name used in the cell and defined only later would be missed, and is not ours then.
    defined = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}
    free: set[str] = set()
    waiting = [table]
    while waiting:
        block = waiting.pop()
        waiting += block.get_children()
        for symbol in block.get_symbols():
            if symbol.is_referenced() and (symbol.is_global() or block is table) and symbol.get_name() not in defined:
                free.add(symbol.get_name())
    return free


def only_defines(source: str, before: list[str]) -> bool:
    """Whether a cell does nothing but give names that no source `before` speaks of to functions and constants.

    Whatever was there before such a cell behaves after it as it did before, so its tests may meet it later, and one
    snapshot serves several tests. A cell of any other kind costs a snapshot, never a wrong verdict.
    """
    try:
        body = parse(source).body
    except UNREADABLE:
        return False
    names: set[str] = set()
    for statement in body:
        match statement:
            case ast.FunctionDef(decorator_list=[]) if all(map(_inert, _evaluated(statement))):
                names.add(statement.name)
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if _inert(value):
                names.add(name)
            case ast.Expr(value=ast.Constant(value=str())):
                pass
            case _:
                return False
    return not any(names & _spoken_of(text) for text in before)


def _evaluated(function: ast.FunctionDef) -> list[ast.expr]:
    """What Python works out when it meets a definition: defaults and annotations."""
    args = function.args
    named = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
    parts = [*args.defaults, *args.kw_defaults, function.returns, *(a.annotation for a in named if a)]
    return [part for part in parts if part is not None]


def _inert(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant | ast.Name) or (
        isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant)
    )


def _spoken_of(source: str) -> set[str]:
    """Every name that a cell gives or uses; with eval and its like, every word."""
    try:
        nodes = list(ast.walk(parse(source)))
    except UNREADABLE:
        return set(re.findall(r"\w+", source))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    names |= {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
    names |= {(node.asname or node.name).split(".")[0] for node in nodes if isinstance(node, ast.alias)}
    names |= {name for node in nodes if isinstance(node, ast.Global) for name in node.names}
    return names | set(re.findall(r"\w+", source)) if names & BY_TEXT else names
