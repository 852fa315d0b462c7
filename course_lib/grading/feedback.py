"""One page per student: the score, what each exercise earned and why, the instructor's words, the student's work.

A page is one self-contained file. It is made from the gradebook and the judged notebook; no test cell's source is
ever put into it, hidden or visible, only the messages with which tests fail.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import jinja2
import mistune
from markupsafe import Markup
from nbformat import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from . import gradebook, late, release
from .course import Course
from .errors import CourseError
from .notebooks import Blueprint, grade_id, is_answer, is_test, read_notebook
from .parsing import parse

TEMPLATES = Path(__file__).parent / "templates"
LIGHT, DARK = "default", "github-dark"
MAX_OUTPUT = 8000
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass
class Part:
    """The visible or the hidden tests of an exercise."""

    points: float | None
    maximum: float
    passed: bool


@dataclass
class ExerciseView:
    name: str
    visible: Part | None
    hidden: Part | None
    points: float | None
    maximum: float
    messages: list[tuple[str, str]] = field(default_factory=list)

    @property
    def state(self) -> str:
        if self.points is None:
            return "open"
        return "full" if self.points >= self.maximum else ("part" if self.points > 0 else "none")


@dataclass
class WrittenView:
    name: str
    points: float | None
    maximum: float
    answer: Markup
    comment: str | None
    unanswered: bool


@dataclass
class CellView:
    """A code cell of the student's: code and outputs, both safe to put into a page."""

    title: str
    code: Markup
    outputs: list[Markup]


def write_feedback(
    course: Course, assignment: str, on_page: Callable[[str], None] = lambda student: None
) -> list[Path]:
    """A page for every enrolled student, also for those who handed in nothing."""
    gradebook.refresh_penalties(course, assignment)
    blueprint = release.blueprint(course, assignment)
    rows = gradebook.rows(course, assignment)
    if not rows:
        raise CourseError(f"nobody is enrolled and nothing was graded. Run: course grade {assignment}")
    pages = []
    for row in rows:
        path = course.feedback / row.student / assignment / f"{assignment}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(course, row, blueprint), encoding="utf-8")
        pages.append(path)
        on_page(row.student)
    return pages


def page(course: Course, row: gradebook.Row, blueprint: Blueprint) -> str:
    """The page of one student as text."""
    path = gradebook.autograded_path(course, row.assignment, row.student)
    nb = read_notebook(path) if path.is_file() else None
    comments = gradebook.comments(course, row.assignment, row.student)
    exercises = _exercises(row, blueprint, nb)
    return _template().render(
        title=_title(blueprint),
        row=row,
        share=0 if row.score is None or not row.maximum else max(0.0, min(1.0, row.score / row.maximum)),
        exercises=exercises,
        complete=sum(e.state == "full" for e in exercises),
        written=_written(row, blueprint, nb, comments),
        cells=_cells(nb, blueprint) if nb else [],
        late=_late(row),
        code_css=Markup(_code_css()),
    )


@lru_cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["points"] = _points
    return environment.get_template("feedback.html.j2")


def _points(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}".rstrip("0").rstrip(".")


def _title(blueprint: Blueprint) -> str:
    for cell in blueprint.cells:
        found = re.search(r"^#\s+(.+)$", cell.source, flags=re.MULTILINE) if cell.cell_type == "markdown" else None
        if found:
            return found[1].strip()
    return blueprint.assignment


def _exercises(row: gradebook.Row, blueprint: Blueprint, nb: NotebookNode | None) -> list[ExerciseView]:
    tests = nb.metadata.get("course", {}).get("tests", {}) if nb else {}
    views = []
    for name, exercise in blueprint.exercises.items():
        total = row.exercises.get(name)
        view = ExerciseView(name, None, None, total.points if total else None, exercise.points)
        for hidden in (False, True):
            cells = [t for t in exercise.tests if t.is_hidden is hidden]
            if not cells:
                continue
            verdicts = [tests.get(t.grade_id) for t in cells]
            passed = [bool(v) and v["verdict"] == "passed" for v in verdicts]
            maximum = sum(t.points or 0.0 for t in cells)
            earned = sum((t.points or 0.0) for t, ok in zip(cells, passed, strict=True) if ok)
            part = Part(earned if tests else None, maximum, all(passed))
            setattr(view, "hidden" if hidden else "visible", part)
            label = "hidden tests" if hidden else "visible tests"
            view.messages += [(label, v["message"]) for v, ok in zip(verdicts, passed, strict=True) if v and not ok]
        # The same slip usually fails both kinds; it is said once.
        view.messages = list({message: (label, message) for label, message in reversed(view.messages)}.values())[::-1]
        if any("not run, since" in m for _, m in view.messages) and len(view.messages) > 1:
            view.messages = [(label, m) for label, m in view.messages if "not run, since" not in m]
        views.append(view)
    return views


def _written(
    row: gradebook.Row, blueprint: Blueprint, nb: NotebookNode | None, comments: dict[str, str]
) -> list[WrittenView]:
    views = []
    for spec in blueprint.written:
        cell = next((c for c in nb.cells if grade_id(c) == spec.grade_id), None) if nb else None
        text = cell.source if cell is not None else ""
        unanswered = not text.strip() or text.strip() == spec.source.strip()
        score = row.written.get(spec.grade_id)
        views.append(
            WrittenView(
                "" if spec.grade_id.startswith("written") else re.sub("[-_]", " ", spec.grade_id),
                score.points if score else None,
                spec.points or 0.0,
                # Escaped: what a student writes must not run in the page of the one who reads it.
                Markup("" if unanswered else mistune.create_markdown(escape=True, plugins=["table"])(text)),
                comments.get(spec.grade_id),
                unanswered,
            )
        )
    return views


def _cells(nb: NotebookNode, blueprint: Blueprint) -> list[CellView]:
    """The student's own code, and what the closing cells showed; test cells are left out whole."""
    views = []
    for cell in nb.cells:
        if cell.cell_type != "code" or is_test(cell) or not cell.source.strip():
            continue
        name = grade_id(cell)
        given = name in blueprint.by_id and not is_answer(cell)
        if given and not cell.outputs:
            continue
        title = name if is_answer(cell) else (f"{name}, given" if given else "a cell you added")
        source = _without_given_docstring(cell.source, blueprint.by_id[name].source) if is_answer(cell) else cell.source
        code = Markup(highlight(source, PythonLexer(), HtmlFormatter(nowrap=True)))
        views.append(CellView(str(title), code, [o for o in map(_output, cell.outputs) if o]))
    return views


def _without_given_docstring(source: str, stub: str) -> str:
    """The student knows the instructor's docstring; a page without it is half as long."""
    try:
        docstring = parse(stub).body[0].body[0]  # type: ignore[attr-defined]
        text = ast.get_source_segment(stub, docstring)
    except (SyntaxError, AttributeError, IndexError):
        return source
    if not text or text.count("\n") < 2:
        return source
    return source.replace(text, '"""…"""', 1)


def _output(output: NotebookNode) -> Markup:
    """Text and pictures only; HTML from a notebook could run scripts."""
    kind = output.output_type
    if kind == "stream":
        return _text(output.text, "stderr" if output.name == "stderr" else "stdout")
    if kind == "error":
        lines = output.get("traceback") or [f"{output.ename}: {output.evalue}"]
        return _text("\n".join(lines), "error")
    data = output.get("data", {})
    for mime in ("image/png", "image/jpeg"):
        if mime in data:
            encoded = re.sub(r"[^A-Za-z0-9+/=]", "", str(data[mime]))
            return Markup('<img alt="a figure your code drew" src="data:{};base64,{}">').format(mime, Markup(encoded))
    return _text(str(data.get("text/plain", "")), "result")


def _text(text: str, kind: str) -> Markup:
    text = ANSI.sub("", str(text)).rstrip()
    if len(text) > MAX_OUTPUT:
        text = text[:MAX_OUTPUT] + "\n... cut here ..."
    return Markup('<pre class="output {}">{}</pre>').format(kind, text) if text else Markup("")


def _late(row: gradebook.Row) -> dict[str, str] | None:
    if row.seconds_late <= 0:
        return None
    days, rest = divmod(int(row.seconds_late), 86400)
    hours, minutes = rest // 3600, rest % 3600 // 60
    parts = [(days, "day"), (hours, "hour"), (minutes, "minute")]
    said = [f"{n} {word}{'s' if n != 1 else ''}" for n, word in parts if n][:2]
    return {"by": " and ".join(said) or "less than a minute", "policy": late.POLICY}


def _code_css() -> str:
    light = HtmlFormatter(style=LIGHT).get_style_defs(".code")
    dark = HtmlFormatter(style=DARK).get_style_defs(".code")
    keep = [re.sub(r"background: #[0-9a-fA-F]+;?", "", css) for css in (light, dark)]
    return f"{keep[0]}\n@media (prefers-color-scheme: dark) {{\n{keep[1]}\n}}"
