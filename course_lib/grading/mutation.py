"""Small machine-made mistakes: each mutant of a function differs from it in one place.

A mutant's id is stable while the line it changes keeps its place: ``rnn_step:L1:tanh→sigmoid``, where L1 is the
first line of the body below the docstring. Two equal changes on one line get ``#2`` and so on.
"""

from __future__ import annotations

import ast
import copy
import difflib
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Change = tuple[str, ast.AST]

SWAPPED_CALLS = {
    "tanh": ("sin", "arctan", "abs"),
    "exp": ("expm1", "exp2"),
    "log": ("log1p", "log2"),
    "log1p": ("log",),
    "expm1": ("exp",),
    "sum": ("mean", "max"),
    "mean": ("sum",),
    "max": ("min", "sum"),
    "min": ("max",),
    "maximum": ("minimum",),
    "minimum": ("maximum",),
    "argmax": ("argmin",),
    "argsort": ("sort",),
    "zeros": ("ones",),
    "ones": ("zeros",),
    "empty": ("ones",),
    "zeros_like": ("ones_like",),
    "ones_like": ("zeros_like",),
    "logaddexp": ("maximum",),
    "sqrt": ("square",),
    "square": ("abs",),
    "abs": ("square",),
    "any": ("all",),
    "all": ("any",),
    "append": ("insert",),
    "vstack": ("hstack",),
    "hstack": ("vstack",),
}
# tanh stands for every squashing function a student might take instead.
ACTIVATIONS = {
    "tanh": {"sigmoid": "1 / (1 + np.exp(-{x}))", "relu": "np.maximum({x}, 0)"},
    "sigmoid": {"tanh": "np.tanh({x})", "softmax": "softmax({x})"},
}
COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
OPERATORS: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult,),
    ast.Pow: (ast.Mult,),
    ast.FloorDiv: (ast.Div,),
    ast.Mod: (ast.FloorDiv,),
    ast.MatMult: (ast.Mult,),
}
# Swapping the arguments of these changes nothing.
SYMMETRIC = {"maximum", "minimum", "logaddexp", "hypot", "add", "multiply", "equal", "logical_and", "logical_or"}
# Calls whose first argument may stand alone: the wrapper is what a student forgets.
COPIES = {"copy", "array", "ascontiguousarray"}
SYMBOLS = {
    "Add": "+", "Sub": "-", "Mult": "*", "Div": "/", "Pow": "**", "FloorDiv": "//", "Mod": "%", "MatMult": "@",
    "Lt": "<", "LtE": "<=", "Gt": ">", "GtE": ">=", "Eq": "==", "NotEq": "!=",
    "Is": "is", "IsNot": "is not", "In": "in", "NotIn": "not in",
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A changed function: its id, its source, and the changed line before and after."""

    id: str
    source: str
    before: str
    after: str


def mutants(source: str) -> list[Mutant]:
    """Every mutant of the one function in `source`, in the order of the code; duplicates are left out."""
    tree = ast.parse(textwrap.dedent(source))
    function = next(n for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef))
    function.decorator_list = []
    original = ast.unparse(function)
    first = _first_line(function)
    seen, counts, found = {original}, Counter[str](), []
    for line, what, changed in _changes(function):
        text = ast.unparse(ast.fix_missing_locations(changed))
        if text in seen:
            continue
        seen.add(text)
        name = f"{function.name}:L{line - first + 1}:{what}"
        counts[name] += 1
        if counts[name] > 1:
            name = f"{name}#{counts[name]}"
        found.append(Mutant(name, text, *_changed_lines(original, text)))
    return found


def _first_line(function: ast.FunctionDef | ast.ClassDef) -> int:
    body = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    return body[0].lineno if body else function.lineno


def _changed_lines(before: str, after: str) -> tuple[str, str]:
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=""))[2:]
    gone = [line[1:].strip() for line in lines if line.startswith("-")]
    come = [line[1:].strip() for line in lines if line.startswith("+")]
    return " ⏎ ".join(gone), " ⏎ ".join(come) or "(removed)"


def _changes(function: ast.FunctionDef | ast.ClassDef) -> Iterator[tuple[int, str, ast.AST]]:
    """(line, description, changed copy of the whole function) for every change of every node."""
    skip = _not_to_touch(function)
    for number, node in enumerate(ast.walk(function)):
        if id(node) in skip or not hasattr(node, "lineno"):
            continue
        for what, make in _alternatives(node):
            whole = copy.deepcopy(function)
            target = _nth(whole, number)
            replacement = make(target)
            if replacement is not target:
                whole = _Replace(target, replacement).visit(whole)
            yield node.lineno, what, whole


def _not_to_touch(function: ast.AST) -> set[int]:
    """Signatures, annotations, docstrings, error messages, `__repr__`: changing them changes no result."""
    skip: set[int] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            if ast.get_docstring(node, clean=False) is not None:
                skip |= {id(n) for n in ast.walk(node.body[0])}
            for part in [*node.decorator_list, *([node.returns] if getattr(node, "returns", None) else [])]:
                skip |= {id(n) for n in ast.walk(part)}
        if isinstance(node, ast.arguments) or getattr(node, "name", "") == "__repr__":
            skip |= {id(n) for n in ast.walk(node)}
        if isinstance(node, ast.Raise):
            # The statement itself may go; what it says may not change.
            skip |= {id(n) for n in ast.walk(node)} - {id(node)}
        if isinstance(node, ast.JoinedStr):
            skip |= {id(n) for n in ast.walk(node)}
    return skip


def _nth(tree: ast.AST, number: int) -> ast.AST:
    return next(node for i, node in enumerate(ast.walk(tree)) if i == number)


class _Replace(ast.NodeTransformer):
    def __init__(self, target: ast.AST, replacement: ast.AST) -> None:
        self.target, self.replacement = target, replacement

    def visit(self, node: ast.AST) -> ast.AST:
        if node is self.target:
            return ast.copy_location(self.replacement, node)
        return self.generic_visit(node)


Make = Callable[[ast.AST], ast.AST]


def _alternatives(node: ast.AST) -> Iterator[tuple[str, Make]]:
    """Ways to change one node; each maker gets the node's copy in a copied tree."""
    kinds = {
        ast.BinOp: _binary,
        ast.AugAssign: _augmented,
        ast.Compare: _compared,
        ast.BoolOp: _boolean,
        ast.UnaryOp: _unary,
        ast.Constant: _constant,
        ast.Call: _called,
        ast.Attribute: _attribute,
        ast.Subscript: _subscript,
        ast.Slice: _slice,
        ast.Tuple: _tuple,
        ast.IfExp: _either,
        ast.If: _branch,
        ast.For: _loop,
        ast.Return: _returned,
        ast.Assign: _assigned,
        ast.comprehension: _comprehension,
    }
    for kind, alternatives in kinds.items():
        if isinstance(node, kind):
            yield from alternatives(node)
    if isinstance(node, ast.Expr | ast.AugAssign | ast.Raise | ast.Delete):
        yield f"drop {_brief(node)}", lambda n: ast.Pass()


def _set(**values: object) -> Make:
    def make(node: ast.AST) -> ast.AST:
        for name, value in values.items():
            setattr(node, name, value)
        return node

    return make


def _take(path: Callable[[ast.AST], ast.AST]) -> Make:
    return lambda node: path(node)


def _brief(node: ast.AST) -> str:
    text = ast.unparse(node).splitlines()[0]
    return text if len(text) <= 32 else text[:31] + "…"


def _symbol(op: ast.AST | type[ast.AST]) -> str:
    name = op.__name__ if isinstance(op, type) else type(op).__name__
    return SYMBOLS.get(name, name)


def _binary(node: ast.BinOp) -> Iterator[tuple[str, Make]]:
    for other in OPERATORS.get(type(node.op), ()):
        yield f"{_symbol(node.op)}→{_symbol(other)}", _set(op=other())
    if isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Div | ast.Pow | ast.MatMult):
        yield f"drop {_symbol(node.op)} {_brief(node.right)}", _take(lambda n: n.left)
        yield f"drop {_brief(node.left)} {_symbol(node.op)}", _take(lambda n: n.right)
    if isinstance(node.op, ast.Sub | ast.Div | ast.MatMult | ast.Pow):
        yield f"swap sides of {_symbol(node.op)}", lambda n: ast.BinOp(n.right, n.op, n.left)
    if isinstance(node.op, ast.MatMult):
        yield (
            f"transpose {_brief(node.right)}",
            lambda n: ast.BinOp(n.left, n.op, ast.Attribute(n.right, "T", ast.Load())),
        )


def _augmented(node: ast.AugAssign) -> Iterator[tuple[str, Make]]:
    for other in OPERATORS.get(type(node.op), ()):
        yield f"{_symbol(node.op)}=→{_symbol(other)}=", _set(op=other())

    def plain(n: ast.AST) -> ast.AST:
        return ast.Assign([n.target], n.value, lineno=n.lineno)

    yield f"{_symbol(node.op)}=→=", plain


def _compared(node: ast.Compare) -> Iterator[tuple[str, Make]]:
    if len(node.ops) == 1:
        for other in COMPARISONS.get(type(node.ops[0]), ()):
            yield f"{_symbol(node.ops[0])}→{_symbol(other)}", _set(ops=[other()])


def _boolean(node: ast.BoolOp) -> Iterator[tuple[str, Make]]:
    other = ast.Or if isinstance(node.op, ast.And) else ast.And
    yield f"{type(node.op).__name__.lower()}→{other.__name__.lower()}", _set(op=other())
    for i, value in enumerate(node.values):
        yield f"only {_brief(value)}", _take(lambda n, i=i: n.values[i])


def _unary(node: ast.UnaryOp) -> Iterator[tuple[str, Make]]:
    if isinstance(node.op, ast.USub | ast.Not | ast.Invert):
        yield f"drop sign of {_brief(node)}", _take(lambda n: n.operand)


def _constant(node: ast.Constant) -> Iterator[tuple[str, Make]]:
    value = node.value
    if isinstance(value, bool):
        yield f"{value}→{not value}", _set(value=not value)
    elif isinstance(value, int):
        for other in dict.fromkeys((value + 1, value - 1)):
            yield f"{value}→{other}", _set(value=other)
    elif isinstance(value, float):
        for other in dict.fromkeys((value + 1.0, value * 2.0, 0.0)):
            if other != value:
                yield f"{value}→{other}", _set(value=other)


def _called(node: ast.Call) -> Iterator[tuple[str, Make]]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    for other in SWAPPED_CALLS.get(name, ()):
        # A bare name such as sum() or max() is Python's own; NumPy's are attributes.
        if isinstance(node.func, ast.Attribute) or other in ("max", "min", "sum", "any", "all"):
            yield f"{name}→{other}", lambda n, other=other: _renamed(n, other)
    for other, form in ACTIVATIONS.get(name, {}).items():
        if node.args:
            yield f"{name}→{other}", lambda n, form=form: _formed(form, n.args[0])
    if len(node.args) >= 2 and name not in SYMMETRIC and not any(isinstance(a, ast.Starred) for a in node.args[:2]):
        yield f"swap arguments of {name}", lambda n: _with_args(n, [n.args[1], n.args[0], *n.args[2:]])
    if len(node.args) == 1 and not isinstance(node.args[0], ast.Starred | ast.GeneratorExp) and name != "append":
        yield f"drop {name}()", _take(lambda n: n.args[0])
    if name in COPIES and isinstance(node.func, ast.Attribute) and not node.args:
        yield f"drop .{name}()", _take(lambda n: n.func.value)
    for i, keyword in enumerate(node.keywords):
        if keyword.arg is None:
            continue
        yield f"drop {keyword.arg}={_brief(keyword.value)}", lambda n, i=i: _without_keyword(n, i)
        if keyword.arg == "axis":
            now = ast.unparse(keyword.value)
            for other in ("0", "1", "-1"):
                if other != now:
                    yield f"axis={now}→{other}", lambda n, i=i, other=other: _with_keyword(n, i, other)


def _renamed(call: ast.AST, name: str) -> ast.AST:
    if isinstance(call.func, ast.Attribute):
        call.func.attr = name
    else:
        call.func.id = name
    return call


def _formed(form: str, x: ast.AST) -> ast.AST:
    return ast.parse(form.format(x=f"({ast.unparse(x)})"), mode="eval").body


def _with_args(call: ast.AST, args: list[ast.expr]) -> ast.AST:
    call.args = args
    return call


def _without_keyword(call: ast.AST, i: int) -> ast.AST:
    del call.keywords[i]
    return call


def _with_keyword(call: ast.AST, i: int, value: str) -> ast.AST:
    call.keywords[i].value = ast.parse(value, mode="eval").body
    return call


def _attribute(node: ast.Attribute) -> Iterator[tuple[str, Make]]:
    if node.attr == "T":
        yield f"drop .T of {_brief(node.value)}", _take(lambda n: n.value)


def _subscript(node: ast.Subscript) -> Iterator[tuple[str, Make]]:
    if isinstance(node.ctx, ast.Load) and isinstance(node.slice, ast.Tuple) and len(node.slice.elts) == 2:
        yield (
            f"swap indices of {_brief(node)}",
            lambda n: ast.Subscript(n.value, ast.Tuple([n.slice.elts[1], n.slice.elts[0]], ast.Load()), n.ctx),
        )


def _slice(node: ast.Slice) -> Iterator[tuple[str, Make]]:
    for part in ("lower", "upper", "step"):
        if getattr(node, part) is not None:
            yield f"drop {part} of [{ast.unparse(node)}]", _set(**{part: None})


def _tuple(node: ast.Tuple) -> Iterator[tuple[str, Make]]:
    if isinstance(node.ctx, ast.Load) and len(node.elts) == 2:
        yield f"swap {_brief(node)}", lambda n: ast.Tuple([n.elts[1], n.elts[0]], n.ctx)


def _either(node: ast.IfExp) -> Iterator[tuple[str, Make]]:
    yield f"always {_brief(node.body)}", _take(lambda n: n.body)
    yield f"always {_brief(node.orelse)}", _take(lambda n: n.orelse)


def _branch(node: ast.If) -> Iterator[tuple[str, Make]]:
    yield f"never {_brief(node.test)}", _set(test=ast.Constant(False))
    yield f"always {_brief(node.test)}", _set(test=ast.Constant(True))


def _loop(node: ast.For) -> Iterator[tuple[str, Make]]:
    seq = _brief(node.iter)
    yield f"skip first of {seq}", lambda n: _iterate(n, "list({x})[1:]")
    yield f"skip last of {seq}", lambda n: _iterate(n, "list({x})[:-1]")
    yield f"{seq} backwards", lambda n: _iterate(n, "list({x})[::-1]")


def _comprehension(node: ast.comprehension) -> Iterator[tuple[str, Make]]:
    yield from _loop(node)  # type: ignore[arg-type]


def _iterate(node: ast.AST, form: str) -> ast.AST:
    node.iter = ast.parse(form.format(x=ast.unparse(node.iter)), mode="eval").body
    return node


def _returned(node: ast.Return) -> Iterator[tuple[str, Make]]:
    if node.value is not None:
        yield "return nothing", _set(value=None)
        if isinstance(node.value, ast.Tuple):
            yield "return only the first", lambda n: ast.Return(n.value.elts[0])


def _assigned(node: ast.Assign) -> Iterator[tuple[str, Make]]:
    target = node.targets[0]
    if isinstance(target, ast.Subscript):
        yield f"drop {_brief(node)}", lambda n: ast.Pass()
    elif isinstance(target, ast.Name):
        # Without its first value the name does not exist; a later one may be forgotten unnoticed.
        yield f"drop {_brief(node)}", lambda n: ast.Pass()
