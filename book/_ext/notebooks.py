"""Turn a page of the book into a notebook that reads and runs as downloaded.

Code cells stay as they are. Markdown keeps its text and formulas; what only MyST understands is said in plain
Markdown: an exercise becomes a bold heading, a solution folds, a ``literalinclude`` becomes the code it shows, a
drawing is attached. What needs the page, such as an interactive figure, leaves a line saying so. A number that the
page takes from its cells is the number of the book's build, where that is known.
"""

import ast
import base64
import re
import textwrap
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path

import nbformat
from myst_nb.core.variables import format_plain_text

FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|:{3,}|~{3,})(?P<info>.*)$")
DIRECTIVE = re.compile(r"^\{(?P<name>[\w:-]+)\}\s*(?P<argument>.*)$")
OPTION = re.compile(r"^:(?P<key>[\w-]+):\s*(?P<value>.*)$")
ROLE = re.compile(r"\{(?P<name>[\w:-]+)\}(?P<ticks>`+)(?P<text>.+?)(?P=ticks)", re.DOTALL)
TARGETED = re.compile(r"^(?P<text>.*?)\s*<(?P<target>[^<>]+)>$", re.DOTALL)
CELL = re.compile(r"^(?P<before> *(?:[*+-] +)?)-(?: +|$)(?P<text>.*)$")
LABELLED_MATH = re.compile(r"\$\$(?P<math>[^$]+)\$\$[ \t]*\((?P<label>[\w:.-]+)\)")
# What the page numbers: a formula with a label, an exercise with or without one.
NUMBERED = re.compile(
    LABELLED_MATH.pattern
    + r"|^ *[`:~]{3,}\{(?P<name>math|exercise|exercise-start)\}.*\n(?P<options>( *:[\w-]+:.*\n)*)",
    re.MULTILINE,
)
LABEL = re.compile(r"^ *:label: *(?P<label>\S+) *$", re.MULTILINE)
EQUATION = re.compile(r"\{eq\}`(?P<label>[^`]+)`")
TO_A_PAGE = re.compile(r"(?<!!)\[(?P<text>[^\]]+)\]\((?!\w+:)[^)\s]*\.md(#[^)\s]*)?\)")
REFERENCES = Path(__file__).parents[1] / "references.bib"
ACCENT = re.compile(r"\{?\\(['\"`^~vc])\{?\\?(\w)\}?\}?")
MARKS = dict(zip("'\"`^~vc", "\u0301\u0308\u0300\u0302\u0303\u030c\u0327", strict=True))
# Pasting a result into the text needs the page; the notebook prints it instead.
GLUE = re.compile(r"^from myst_nb import glue\b.*\n", re.MULTILINE)
PRINTED = """


def glue(name, value, display=True):
    print(f"{name}: {value:.4g}" if isinstance(value, float) else f"{name}: {value}")"""
GLUED = re.compile(r"\{glue:text\}`(?P<name>[^`:]+)(:(?P<form>[^`]*))?`")
WHOSE = "*The numbers in the text are those of the book's build; the cells, when you run them, print yours.*"
NAMED = "(`{}`, printed here)"  # in place of a number that is not known
FOLDED = {"solution", "dropdown", "solution-start"}
HEADED = {"exercise": "Exercise", "exercise-start": "Exercise"}
ON_THE_PAGE = {"interactive": "an interactive figure"}
DROPPED = {"downloads", "raw", "exercise-end", "bibliography", "contents", "tableofcontents"}
MIMES = {".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg"}


def page_as_notebook(
    path: Path, root: Path, glued: Mapping[str, str] | None = None, numbers: Mapping[str, int] | None = None
) -> nbformat.NotebookNode:
    """Return the notebook of a page.

    Parameters
    ----------
    path : Path
        The page.
    root : Path
        What absolute paths in it start from.
    glued : name to value, optional
        What the cells of the page have glued, as Python prints it. A value that is not there leaves its name in the
        text.
    numbers : label to number, optional
        What `label_numbers` returns for the book; without it, the page counts its own formulas and exercises.
    """
    import jupytext

    numbers = label_numbers([path.read_text()]) if numbers is None else numbers
    notebook = jupytext.read(path, fmt="md:myst")
    has_numbers = False
    for number, cell in enumerate(notebook.cells):
        cell.id = f"{path.stem}-{number}"
        if cell.cell_type == "markdown":
            source = with_numbers(cell.source, glued or {})
            has_numbers |= source != cell.source
            cell.source, attachments = plain_markdown(source, path.parent, root, numbers)
            if attachments:
                cell.attachments = attachments
        else:
            cell.metadata.pop("mystnb", None)
            if GLUE.search(cell.source):
                cell.source = GLUE.sub("", cell.source) + PRINTED
    notebook.cells = [cell for cell in notebook.cells if cell.source.strip() and not _only_feeds_a_figure(cell)]
    if has_numbers:
        _say_whose_numbers(notebook)
    notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return notebook


def with_numbers(text: str, glued: Mapping[str, str]) -> str:
    """Put the glued values into MyST as the page shows them; leave a role whose value is missing or of another kind."""

    def number(role: re.Match) -> str:
        try:
            return format_plain_text(glued[role["name"]], role["form"] or "s")
        except (KeyError, TypeError, ValueError):
            return role[0]

    return GLUED.sub(number, text)


def label_numbers(pages: Iterable[str]) -> dict[str, int]:
    """Return the numbers that formulas and exercises have in the book, by label, from its pages in reading order.

    Formulas count from 1 on every page, exercises through the book.
    """
    numbers: dict[str, int] = {}
    exercises = 0
    for page in pages:
        formulas = 0
        for found in NUMBERED.finditer(page):
            label = found if found["label"] else LABEL.search(found["options"])
            if found["name"] in HEADED:
                exercises += 1
            elif label:
                formulas += 1
            if label:
                numbers[label["label"]] = exercises if found["name"] in HEADED else formulas
    return numbers


def _with_labels_as_numbers(text: str, numbers: Mapping[str, int]) -> str:
    """Put numbers where MyST has the labels of formulas and exercises; leave a label that has no number."""
    text = LABELLED_MATH.sub(
        lambda m: f"$${m['math'].rstrip()} \\tag{{{numbers.get(m['label'], m['label'])}}}\n$$", text
    )
    text = EQUATION.sub(lambda m: f"({numbers.get(m['label'], m['label'])})", text)
    return LABEL.sub(lambda m: f":number: {numbers[m['label']]}" if m["label"] in numbers else m[0], text)


def names_for_numbers(notebook: nbformat.NotebookNode) -> list[str]:
    """Return the names that stand in the text of a page's notebook because their values were not known."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return sorted(set(re.findall(re.escape(NAMED).replace(r"\{\}", "([^`]+)"), text)))


def _say_whose_numbers(notebook: nbformat.NotebookNode) -> None:
    """Say it under the title, with which a page begins."""
    first = next(cell for cell in notebook.cells if cell.cell_type == "markdown")
    title, text = re.fullmatch(r"(# [^\n]*)?(.*)", first.source, re.DOTALL).groups()
    first.source = "\n\n".join(part for part in (title, WHOSE, text.strip("\n")) if part)


def _only_feeds_a_figure(cell: nbformat.NotebookNode) -> bool:
    """Say whether a cell does no more than leave data for an interactive figure, which only the page has.

    The page hides what such a cell says: what the reader may see, or a later cell needs, stands in other cells.
    """
    hidden = "remove-input" in cell.metadata.get("tags", [])
    return cell.cell_type == "code" and hidden and "application/json" in cell.source


def plain_markdown(text: str, folder: Path, root: Path, numbers: Mapping[str, int] | None = None) -> tuple[str, dict]:
    """Say MyST in plain Markdown; return it with the pictures it shows, as a notebook attaches them.

    The numbers are those of `label_numbers`; without them, the text counts its own formulas and exercises.
    """
    attachments: dict = {}
    text = _with_labels_as_numbers(text, label_numbers([text]) if numbers is None else numbers)
    return _roles(_directives(text.splitlines(), folder, root, attachments)).strip("\n"), attachments


def _directives(lines: list[str], folder: Path, root: Path, attachments: dict) -> str:
    out, at = [], 0
    while at < len(lines):
        line = lines[at]
        opening = FENCE.match(line)
        if not opening:
            # A target for links, a comment, a break between cells: signs for Sphinx alone.
            if not re.match(r"^(\([\w:.-]+\)=|%.*|\+\+\+.*)$", line):
                out.append(line)
            at += 1
            continue
        end = _closing(lines, at, opening)
        body, directive = lines[at + 1 : end], DIRECTIVE.match(opening["info"].strip())
        if directive:
            out += _directive(directive["name"], directive["argument"], body, folder, root, attachments)
        elif opening["fence"].startswith(":"):
            out += _directives(body, folder, root, attachments).splitlines()
        else:
            out += lines[at : end + 1]
        at = end + 1
    return "\n".join(out)


def _closing(lines: list[str], at: int, opening: re.Match) -> int:
    """Return the line that closes the fence opened at ``at``: as long at least, and bare."""
    fence = opening["fence"]
    for n in range(at + 1, len(lines)):
        bare = lines[n].strip()
        if len(bare) >= len(fence) and set(bare) == {fence[0]}:
            return n
    return len(lines) - 1


def _directive(name: str, argument: str, body: list[str], folder: Path, root: Path, attachments: dict) -> list[str]:
    options, body = _options(body)
    inner = _directives(body, folder, root, attachments).strip("\n")
    if name in DROPPED:
        return []
    if name in ON_THE_PAGE:
        return [f"*(Here the page has {ON_THE_PAGE[name]}.)* {inner}".rstrip()]
    if name in FOLDED:
        title = "Solution" if name.startswith("solution") else argument or "More"
        # `solution-start` folds nothing: its end stands in another cell.
        if name == "solution-start":
            return ["**Solution.**", ""]
        return ["<details>", f"<summary>{title}</summary>", "", inner, "", "</details>"]
    if name in HEADED:
        number = f" {options['number']}" if "number" in options else ""
        return [f"**{HEADED[name]}{number}{': ' + argument if argument else ''}.**", "", *([inner] if inner else [])]
    if name == "solution-end":
        return []
    if name == "literalinclude":
        return ["```python", _included(argument, options, folder, root), "```"]
    if name in {"math", "math:numref"}:
        number = options.get("number")
        return ["$$", inner or argument, *([f"\\tag{{{number}}}"] if number else []), "$$"]
    if name in {"figure", "image", "drawing"}:
        picture = _picture(argument, options, folder, root, attachments)
        return [picture, "", *([f"**Figure.** {inner}"] if inner and picture else [inner])]
    if name in {"code-block", "code"}:
        return [f"```{argument}", "\n".join(body), "```"]
    if name == "list-table":
        table = _pipe_table(_cells(inner.splitlines()), has_header=options.get("header-rows", "0") != "0")
        return [*([f"**{argument}**"] if argument else []), "", *table, ""]
    if name in {"table", "tab-set", "tab-item", "grid", "margin", "sidebar"}:
        return [*([f"**{argument}**", ""] if argument else []), inner]
    # A note, a theorem, a prediction to make: quoted, under its title.
    title = argument or name.split(":")[-1].replace("-", " ").capitalize()
    return [f"> **{title}.**", ">", *(f"> {line}".rstrip() for line in inner.splitlines())]


def _cells(lines: list[str]) -> list[list[str]]:
    """Return the rows of a list of lists; a cell of several lines is joined by spaces."""
    rows: list[list[str]] = []
    column = 0
    for line in lines:
        found = CELL.match(line)
        if found and found["before"].strip():
            column = len(found["before"])
            rows.append([found["text"]])
        # A dash two columns further in begins a list within the cell.
        elif found and rows and len(found["before"]) < column + 2:
            rows[-1].append(found["text"])
        elif rows and line.strip():
            rows[-1][-1] += " " + line.strip()
    return [[cell.strip() for cell in row] for row in rows]


def _pipe_table(rows: list[list[str]], has_header: bool) -> list[str]:
    """Write rows as a table in Markdown, which must have a header and as many cells in every row."""
    width = max((len(row) for row in rows), default=0)
    header, *rest = rows if has_header and rows else [[], *rows]
    filled = [[_in_a_cell(cell) for cell in row] + [""] * (width - len(row)) for row in (header, *rest)]
    filled.insert(1, ["---"] * width)
    return [f"| {' | '.join(row)} |" for row in filled]


def _in_a_cell(text: str) -> str:
    r"""Escape the bars in a cell. A formula names them: Jupyter takes it out of the table first, and ``\|`` doubles."""
    parts = re.split(r"(?<!\\)(\$[^$]*\$)", text)
    # A space only where a letter follows: for some readers of Markdown a dollar after a space ends no formula.
    parts[1::2] = [re.sub(r"(\\?)\|(?=([A-Za-z])?)", _named_bar, part) for part in parts[1::2]]
    parts[::2] = [re.sub(r"(?<!\\)\|", r"\|", part) for part in parts[::2]]
    return "".join(parts)


def _named_bar(bar: re.Match) -> str:
    return (r"\Vert" if bar[1] else r"\vert") + (" " if bar[2] else "")


def _options(body: list[str]) -> tuple[dict, list[str]]:
    options, at = {}, 0
    if body and body[0].strip() == "---":
        at = next((n for n in range(1, len(body)) if body[n].strip() == "---"), 0) + 1
        pairs = (line.partition(":") for line in body[1 : at - 1])
        return {key.strip(): value.strip() for key, _, value in pairs}, body[at:]
    while at < len(body) and (found := OPTION.match(body[at].strip())):
        options[found["key"]] = found["value"]
        at += 1
    return options, body[at:]


def _resolve(path: str, folder: Path, root: Path) -> Path:
    return root / path[1:] if path.startswith("/") else folder / path


def _included(path: str, options: dict, folder: Path, root: Path) -> str:
    """Return the lines that Sphinx's ``literalinclude`` would show."""
    source = _resolve(path, folder, root).read_text()
    lines = source.splitlines()
    if wanted := options.get("pyobject"):
        body = ast.parse(source).body
        for part in wanted.split("."):
            node = next(node for node in body if getattr(node, "name", None) == part)
            body = getattr(node, "body", [])
        first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
        lines = lines[first - 1 : node.end_lineno]
    for option, offset in (("start-at", 0), ("start-after", 1)):
        if option in options:
            lines = lines[_first(lines, options[option]) + offset :]
    for option, offset in (("end-at", 1), ("end-before", 0)):
        if option in options:
            lines = lines[: _first(lines, options[option]) + offset]
    return textwrap.dedent("\n".join(lines)).strip("\n")


def _first(lines: list[str], text: str) -> int:
    return next(n for n, line in enumerate(lines) if text in line)


def _picture(path: str, options: dict, folder: Path, root: Path, attachments: dict) -> str:
    if "only-dark" in options.get("class", ""):  # its light twin is shown
        return ""
    file = _resolve(path, folder, root)
    attachments[file.name] = {MIMES[file.suffix]: base64.b64encode(file.read_bytes()).decode()}
    return f"![{options.get('alt', '')}](attachment:{file.name})"


def _roles(text: str) -> str:
    # A downloaded notebook has no other page beside it.
    return TO_A_PAGE.sub(lambda m: m["text"], ROLE.sub(_role, text))


def _role(found: re.Match) -> str:
    name, text = found["name"], found["text"]
    shown = TARGETED.match(text)
    if name == "math":
        return f"${text}$"
    if name.startswith("cite"):
        return _cited(text, in_brackets=not name.endswith(":t"))
    if name == "numref":
        # Only the page knows which of its cells drew a figure, and so the numbers of figures.
        the = "The" if re.search(r"(^|[.?!]\s+|\n\n)$", found.string[: found.start()]) else "the"
        return f"{the} {'table' if (shown['target'] if shown else text).startswith('tab-') else 'figure'}"
    if name.startswith("glue"):
        return NAMED.format(text.split(":")[0])
    if name.startswith("py:") or name in {"func", "class", "mod", "meth"}:
        return f"`{text.lstrip('~').rsplit('.', 1)[-1] if text.startswith('~') else text}`"
    if shown:
        return shown["text"]
    return f"`{text}`" if name in {"code", "kbd", "file"} else text.replace("-", " ")


def _cited(keys: str, in_brackets: bool) -> str:
    """Read the year off the key of each reference, and the authors off the list of references."""
    named = []
    for key in map(str.strip, keys.split(",")):
        work = re.fullmatch(r"(\w+?)(\d{4}\w?)", key)
        named.append((_authors(key) or work[1].capitalize(), work[2]) if work else (key, ""))
    if in_brackets:
        return f"({'; '.join(f'{author}, {year}' for author, year in named)})"
    return ", ".join(f"{author} ({year})" for author, year in named)


def _authors(key: str) -> str:
    """One or two authors by their last names, of more the first "et al."; nothing for a key that is not in the list."""
    entry = re.search(rf"^@\w+\{{{key},.*?^\}}", REFERENCES.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    found = entry and re.search(r"^\s*author\s*=\s*\{(.*)\},?\s*$", entry[0], re.MULTILINE)
    if not found:
        return ""
    names = [
        ACCENT.sub(lambda m: unicodedata.normalize("NFC", m[2] + MARKS[m[1]]), name.split(",")[0]).strip("{}")
        for name in found[1].split(" and ")
    ]
    return " and ".join(names) if len(names) < 3 else f"{names[0]} et al."
