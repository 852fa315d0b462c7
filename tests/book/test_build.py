"""The book builds as a whole with warnings as errors, and what is wrong on a page stops the build."""

import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from course_lib import publishing
from tests.book.browsing import ROOT

pytestmark = pytest.mark.book

HEADER = """---
jupytext:
  text_representation: {extension: .md, format_name: myst}
kernelspec: {name: python3, display_name: Python 3, language: python}
---

# A page

"""
PAGES = publishing.page_names(ROOT)


def cell(code):
    return f"```{{code-cell}} ipython3\n{code}\n```\n"


def test_the_whole_book_builds_with_warnings_as_errors(site):
    for name in PAGES:
        assert (site / f"{name}.html").is_file(), f"{name} is in _toc.yml and not in the site"


def test_a_failing_cell_stops_the_build_and_is_named_with_its_line_and_error(tiny_book):
    root = tiny_book(HEADER + cell("fine = 1") + "\nText.\n\n" + cell("nothing = 0\n1 / nothing"))
    with pytest.raises(publishing.BuildError) as failure:
        publishing.build(root)
    assert "book/page.md, the cell at line 16 raised ZeroDivisionError: division by zero" in str(failure.value)
    assert "1 / nothing" in str(failure.value)


def test_a_failing_cell_stops_plain_jupyter_book_too(tiny_book):
    root = tiny_book(HEADER + cell("1 / 0"))
    command = "from jupyter_book.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", command, "build", str(root)], capture_output=True, text=True)
    assert done.returncode != 0, "jupyter-book built a page whose cell raises"


WARNINGS = {
    "a link to nowhere": "See [this](nowhere.md).",
    "an unknown function": "See {py:func}`course_lib.functional.no_such`.",
    "an unknown citation": "See {cite:p}`nobody1900`.",
    "an unreleased assignment": "```{downloads} a99-nothing\n```",
    "a cell that warns": cell("import warnings\nwarnings.warn('watch out')"),
}


@pytest.mark.parametrize("fault", WARNINGS)
def test_a_warning_stops_the_build_every_time(fault, tiny_book):
    root = tiny_book(HEADER + WARNINGS[fault] + "\n")
    with pytest.raises(publishing.BuildError):
        publishing.build(root)
    # Sphinx keeps pages that it has read: a second build must not pass because it reads nothing again.
    with pytest.raises(publishing.BuildError) as again:
        publishing.build(root)
    assert "page.md" in str(again.value)


def test_a_missing_assignment_is_answered_with_the_command_that_makes_it(tiny_book):
    with pytest.raises(publishing.BuildError, match="Run `course release a99-nothing`"):
        publishing.build(tiny_book(HEADER + WARNINGS["an unreleased assignment"] + "\n"))


def test_a_page_runs_once_not_again_inside_sphinx(tiny_book):
    root = tiny_book(HEADER + cell("with open('runs', 'a') as file:\n    _ = file.write('x')"))
    publishing.build(root)
    publishing.build(root)
    assert (root / "book" / "runs").read_text() == "x"


def test_a_line_that_the_kernel_sends_in_two_pieces_is_one_line_on_the_page(tiny_book):
    code = "import sys, time\nprint('one', end='')\nsys.stdout.flush()\ntime.sleep(0.5)\nprint(' line')"
    site = publishing.build(tiny_book(HEADER + cell(code)))
    assert re.search(r"one line\s*</pre>", (site / "book/page.html").read_text())


def test_a_page_runs_again_when_a_module_it_reaches_changes_and_only_then(tiny_book):
    root = tiny_book(HEADER + cell("from course_lib.recurrent import rnn_step\nfrom course_lib import functional"))
    for name in ("__init__", "functional", "optim", "recurrent/__init__", "recurrent/rnn", "cli"):
        path = root / "course_lib" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("from course_lib.recurrent import rnn\n" if name == "recurrent/__init__" else "")

    def executed():
        said = []
        publishing.execute_pages(root, ["book/page"], report=said.append)
        return "1 to execute" in said[0]

    assert executed()
    assert not executed(), "the page was executed although nothing had changed"
    for name, reached in {"recurrent/rnn": True, "functional": True, "optim": False, "cli": False}.items():
        (root / "course_lib" / f"{name}.py").write_text("changed = True\n")
        assert executed() == reached, f"after a change of {name}"


def test_a_change_of_style_reaches_the_site_though_no_page_changed(tiny_book):
    root = tiny_book(HEADER + "Text.\n")
    static = root / "book" / "_static"
    static.unlink()
    static.mkdir()
    for text in ("p { color: red; }", "p { color: blue; }"):
        (static / "custom.css").write_text(text)
        publishing.build(root)
        assert (root / "_build/html/_static/custom.css").read_text() == text


GLUED = cell("from myst_nb import glue\nglue('ratio', 3051.2, display=False)")
OFFERED = "```{downloads}\n```\n\n"


def downloaded(site, name):
    """The text of every notebook that the site offers of a page: by the theme's menu, by the page's own link."""
    paths = [site / "_sources" / f"{name}.ipynb", *site.glob(f"_downloads/*/{Path(name).name}.ipynb")]
    notebooks = [nbformat.read(path, as_version=4) for path in paths]
    return ["\n".join(c.source for c in nb.cells if c.cell_type == "markdown") for nb in notebooks]


def test_a_downloaded_notebook_has_the_numbers_of_its_page(tiny_book):
    text = "Some {glue:text}`ratio:,.0f` times the time.\n\n"
    root = tiny_book(HEADER + OFFERED + text + GLUED)
    site = publishing.build(root)
    offered = downloaded(site, "book/page")
    assert len(offered) == 2
    assert all("Some 3,051 times the time." in found for found in offered)

    # Sphinx would read a page again for a notebook that is newer than the page.
    read = [path.stat().st_mtime_ns for path in (root / "_build").rglob("*.doctree")]
    publishing.build(root)
    assert [path.stat().st_mtime_ns for path in (root / "_build").rglob("*.doctree")] == read
    assert downloaded(site, "book/page") == offered

    tiny_book(HEADER + OFFERED + text + GLUED.replace("3051.2", "9.7"))
    offered = downloaded(publishing.build(root), "book/page")
    assert all("Some 10 times the time." in found for found in offered)


def test_a_number_that_no_cell_gave_is_named_in_the_notebook_and_in_a_warning(tiny_book):
    root = tiny_book(HEADER + OFFERED + "Some {glue:text}`nothing:.1f` times.\n\n" + GLUED)
    said = []
    offered = downloaded(publishing.build(root, strict=False, report=said.append), "book/page")
    assert all("Some (`nothing`, printed here) times." in found for found in offered)
    with pytest.raises(publishing.BuildError, match="found no number for nothing, and so the page's notebook"):
        publishing.build(root)


def test_a_page_that_is_not_in_the_contents_is_refused_by_name():
    with pytest.raises(publishing.BuildError, match="found no page book/nowhere"):
        publishing.build(ROOT, pages=["book/nowhere"])


def test_a_folder_without_a_book_is_refused(tmp_path):
    with pytest.raises(publishing.BuildError, match=r"found no _config\.yml"):
        publishing.build(tmp_path)


def notebooks():
    return [name for name in PAGES if publishing.read_page(ROOT, name)]


@pytest.mark.parametrize("name", notebooks())
def test_the_notebook_of_a_page_runs_as_downloaded(name, site, tmp_path):
    notebook = nbformat.read(ROOT / "_build" / "notebooks" / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    # Away from the book, as on a reader's desk.
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()


@pytest.mark.parametrize("name", notebooks())
def test_the_notebook_of_a_page_holds_no_myst(name, site):
    notebook = json.loads((ROOT / "_build" / "notebooks" / f"{name}.ipynb").read_text())
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            text = "".join(cell["source"])
            for sign in ("```{", ":::{", "}`", ")=\n"):
                assert sign not in text, f"{sign!r} is left in:\n{text}"


@pytest.mark.parametrize("name", notebooks())
def test_the_notebooks_that_a_page_offers_show_numbers_and_no_names_for_them(name, site):
    offered = downloaded(site, name)
    assert offered and not any("printed here" in text for text in offered)
    glues = "{glue:" in (ROOT / f"{name}.md").read_text()
    assert [text.count("those of the book's build") for text in offered] == [int(glues)] * len(offered)


@pytest.mark.parametrize("name", notebooks())
def test_the_notebooks_that_a_page_offers_count_formulas_and_exercises_as_the_page_does(name, site):
    page = (site / f"{name}.html").read_text()
    formulas = re.findall(r'<span class="eqno">\((\d+)\)', page)
    exercises = re.findall(r'<span class="caption-number">Exercise (\d+) ', page)
    for text in downloaded(site, name):
        assert re.findall(r"\\tag\{(.*?)\}", text) == formulas
        assert re.findall(r"\*\*Exercise\b ?(\d*)", text) == exercises


def test_every_page_in_the_book_folder_is_in_the_contents():
    written = {path.relative_to(ROOT).with_suffix("").as_posix() for path in (ROOT / "book").rglob("*.md")}
    assert written == set(PAGES), "a page that is not in _toc.yml is never built"
    assert Path(ROOT / "book" / "references.bib").is_file()
