"""What STYLE asks of every chapter, as far as a program can see it in the Markdown.

Whether the question is a good one, a reader must say; that there is one, this says.
"""

import re

FENCE = re.compile(
    r"^(?P<fence>`{3,}|:{3,})(?P<info>[^\n]*)\n(?P<body>.*?)^(?P=fence)[ \t]*$", re.MULTILINE | re.DOTALL
)
WORDS = (1500, 2500)
EXERCISES = (3, 6)
LINES_OF_A_CELL = 30
COLUMNS_OF_A_CELL = 88  # what the page shows without scrolling sideways, at the size that custom.css sets


def faults(text: str) -> list[str]:
    """Return what a chapter lacks, one sentence each, with what was found."""
    _, header, text = text.split("---\n", 2) if text.startswith("---\n") else ("", "", text)
    blocks = [(m["info"].strip(), m["body"], m.start()) for m in FENCE.finditer(text)]
    cells = [_Cell(body) for info, body, _ in blocks if info.startswith("{code-cell}")]
    prose = FENCE.sub("", text)
    return [
        fault
        for rule in (_header, _question, _imports, _cells, _code, _experiment, _exercises, _pictures, _close, _length)
        for fault in rule(header=header, text=text, blocks=blocks, cells=cells, prose=prose)
    ]


class _Cell:
    def __init__(self, body):
        options, lines = [], body.splitlines()
        while lines and re.match(r"^(:[\w-]+:|---|[\w-]+:)", lines[0]):
            options.append(lines.pop(0))
        self.folded = bool(re.search(r"(hide|remove)-(input|cell)", " ".join(options)))
        self.code = "\n".join(lines).strip()


def _header(header, **_):
    if "format_name: myst" not in header or "kernelspec" not in header:
        yield "found no jupytext and kernelspec header, expected them: without, no cell is executed"


def _question(prose, text, **_):
    titles = re.findall(r"^# .+", prose, re.MULTILINE)
    if len(titles) != 1:
        yield f"found {len(titles)} titles, expected one line that starts with a single #"
    opening = re.split(r"^## ", text, flags=re.MULTILINE)[0]
    if "?" not in FENCE.sub("", opening):
        yield "found no question mark before the first section, expected the chapter's question"
    ran = [_Cell(m["body"]) for m in FENCE.finditer(opening) if m["info"].startswith("{code-cell}")]
    if all(cell.folded for cell in ran):
        yield "found no open cell before the first section, expected something that runs and fails"


def _imports(cells, **_):
    if not cells or not cells[0].folded or "import " not in cells[0].code:
        yield "the first cell is not a folded one with the imports; give it `:tags: [hide-input]`"


def _cells(cells, **_):
    for cell in cells:
        if not cell.folded and (n := len(cell.code.splitlines())) > LINES_OF_A_CELL:
            start = cell.code.splitlines()[0]
            yield f"the cell that starts with {start!r} has {n} lines, expected at most {LINES_OF_A_CELL}, or a fold"
        for line in [] if cell.folded else cell.code.splitlines():
            if (n := len(line)) > COLUMNS_OF_A_CELL:
                start = line.strip()[:40]
                yield f"the line {start!r}... has {n} columns, expected at most {COLUMNS_OF_A_CELL}, or a fold"


def _code(cells, text, **_):
    if "course_lib" not in "".join(cell.code for cell in cells):
        yield "no cell imports course_lib; a chapter derives a piece once and then shows that it equals the library's"
    if not re.search(r"^\s*assert |allclose|array_equal", "\n".join(cell.code for cell in cells), re.MULTILINE):
        yield "no cell asserts anything; show that the derived code equals the library's, or PyTorch's"


def _experiment(prose, text, cells, **_):
    if not re.search(r"\bpredict", text, re.IGNORECASE):
        yield "found no prediction asked for, expected one before the experiment runs"
    if "seed" not in "".join(cell.code for cell in cells):
        yield "found no seeds in the cells, expected an experiment over more than one"
    if not re.search(r"does(n't| \*?not\*?) show", text):
        yield "found no limit, expected a sentence on what the result does not show"


def _exercises(blocks, text, **_):
    labels = [_option(body, "label") for info, body, _ in blocks if info.startswith(("{exercise}", "{exercise-start}"))]
    low, high = EXERCISES
    if not low <= len(labels) <= high:
        yield f"found {len(labels)} exercises, expected {low} to {high}"
    if None in labels:
        yield "an exercise has no :label:, so that no solution can name it"
    solutions = {
        info.split("}", 1)[1].strip(): body
        for info, body, _ in blocks
        if info.startswith(("{solution}", "{solution-start}"))
    }
    for label in filter(None, labels):
        if label not in solutions:
            yield f"exercise {label} has no solution"
        elif "dropdown" not in (_option(solutions[label], "class") or ""):
            yield f"the solution of {label} is not folded; give it `:class: dropdown`"


def _pictures(blocks, **_):
    pictures = [block for block in blocks if re.match(r"\{(figure|drawing|interactive|image)\}", block[0])]
    if not pictures:
        yield "found no picture, expected one diagram that carries the idea"
    for info, body, _ in pictures:
        if not info.startswith("{interactive}") and not _option(body, "alt"):
            yield f"{info} has no :alt: text"
        if not info.startswith("{image}") and not re.sub(r"^(:.*|\s*)$", "", body, flags=re.MULTILINE).strip():
            yield f"{info} has no caption, expected one that states the finding"


def _close(prose, blocks, **_):
    after = re.split(r"^(?:#+ |\*\*)Three things to remember\.?(?:\*\*)?", prose, flags=re.MULTILINE)
    if len(after) != 2:
        yield "found no 'Three things to remember', expected it as the closing section"
        return
    things = re.findall(r"^(?:\d\.|[-*]) ", after[1].split("\n#")[0], re.MULTILINE)
    if len(things) != 3:
        yield f"found {len(things)} things to remember, expected three"
    if not re.search(r"(?:^#+ |\*\*)Where (it|this|the method) (breaks|fails)", after[1], re.MULTILINE):
        yield "found no 'Where it breaks' after the things to remember"
    sources = re.search(r"(?:^#+ |\*\*)Sources(.*)", after[1], re.MULTILINE | re.DOTALL)
    if not sources or "{cite" not in sources[1]:
        yield "found no 'Sources' with citations at the end"
    if not any(info.startswith("{downloads}") for info, _, _ in blocks):
        yield "found no {downloads} block, expected the page's notebook and its assignment"


def _length(prose, **_):
    prose = re.sub(r"\$\$.*?\$\$", " ", prose, flags=re.DOTALL)
    prose = re.sub(r"\$[^$]*\$|\{[^}]*\}`[^`]*`", "word", prose)  # read like one
    n = len(re.findall(r"\b[\w'’-]+\b", prose))
    if not WORDS[0] <= n <= WORDS[1]:
        yield f"found {n} words outside displayed formulas, cells and exercises, expected {WORDS[0]} to {WORDS[1]}"


def _option(body, key):
    found = re.search(rf"^:{key}:\s*(.+)$", body, re.MULTILINE)
    return found[1].strip() if found else None
