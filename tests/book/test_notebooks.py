"""MyST said in plain Markdown, piece by piece."""

import pytest

ROLES = {
    "see {py:func}`~course_lib.recurrent.rnn.rnn_step`": "see `rnn_step`",
    "see {doc}`the notation <notation>`": "see the notation",
    "by {cite:t}`elman1990`": "by Elman (1990)",
    "see {cite:p}`bengio1994,pascanu2013`": "see (Bengio et al., 1994; Pascanu et al., 2013)",
    "{cite:t}`kneser1995`": "Kneser and Ney (1995)",
    "{cite:t}`shalev2017`": "Shalev-Shwartz et al. (2017)",
    "as in [its chapter](../recurrent/rnn.md#loss)": "as in its chapter",
    "[a page elsewhere](https://example.org/notes.md)": "[a page elsewhere](https://example.org/notes.md)",
    "from {eq}`rnn-step`": "from (rnn-step)",
    "{glue:text}`share:.0%` of it": "(`share`, printed here) of it",
    "with {numref}`fig-loop` above": "with the figure above",
    "{numref}`Fig. %s <fig-loop>` loops: {numref}`tab-a`. {numref}`fig-a`": "The figure loops: the table. The figure",
    "{math}`h_t`": "$h_t$",
    "`{not}` a role, nor is $\\{a\\}$": "`{not}` a role, nor is $\\{a\\}$",
}


@pytest.fixture
def plain(tmp_path):
    from notebooks import plain_markdown

    return lambda text: plain_markdown(text, tmp_path, tmp_path)[0]


@pytest.mark.parametrize("myst", ROLES)
def test_a_role_becomes_the_text_it_shows(myst, plain):
    assert plain(myst) == ROLES[myst]


def test_a_solution_folds_and_keeps_the_code_within(plain):
    said = plain("````{solution} ex\n:class: dropdown\nSo:\n```python\nprint(1)\n```\n````")
    assert said == "<details>\n<summary>Solution</summary>\n\nSo:\n```python\nprint(1)\n```\n\n</details>"


def test_a_notebook_prints_what_the_page_glues(tmp_path):
    from notebooks import page_as_notebook

    head = "---\njupytext:\n  text_representation: {extension: .md, format_name: myst}\n---\n"
    page = tmp_path / "page.md"
    page.write_text(head + '```{code-cell} ipython3\nfrom myst_nb import glue  # why\n\nglue("share", 0.25)\n```\n')
    (cell,) = page_as_notebook(page, tmp_path).cells
    assert "myst_nb" not in cell.source and "def glue(" in cell.source


NUMBERS = {
    "{glue:text}`ratio:,.0f` times": "3,051 times",
    "a share of {glue:text}`share:.0%`.": "a share of 25%.",
    "as it is: {glue:text}`share`": "as it is: 0.25",
    "from {glue:text}`least`, a string": "from 2·10⁻⁵, a string",
    "a value of {glue:text}`nowhere:.1f`": "a value of {glue:text}`nowhere:.1f`",
    "{glue:text}`least:.1f`, no number": "{glue:text}`least:.1f`, no number",
}


@pytest.mark.parametrize("myst", NUMBERS)
def test_a_glued_value_is_shown_as_the_page_formats_it(myst):
    from notebooks import with_numbers

    glued = {"ratio": "3051.2", "share": "0.25", "least": "'2·10⁻⁵'"}
    assert with_numbers(myst, glued) == NUMBERS[myst]


@pytest.fixture
def notebook_of(tmp_path):
    """Return a function that makes the notebook of a page with this body and these glued values."""
    from notebooks import page_as_notebook

    head = "---\njupytext:\n  text_representation: {extension: .md, format_name: myst}\n---\n"

    def make(body, glued=None, numbers=None):
        page = tmp_path / "page.md"
        page.write_text(head + body)
        return page_as_notebook(page, tmp_path, glued, numbers)

    return make


def test_a_notebook_with_numbers_says_once_whose_they_are(notebook_of):
    body = (
        "(page)=\n# A page\n\nA {glue:text}`share:.0%`.\n\n```{code-cell} ipython3\n1\n```\n\n{glue:text}`share:.1f`\n"
    )
    first, _, last = notebook_of(body, {"share": "0.25"}).cells
    title, said, text = first.source.split("\n\n")
    assert (title, text, last.source) == ("# A page", "A 25%.", "0.2")
    assert "book's build" in said and "yours" in said


@pytest.mark.parametrize("glued", [None, {"other": "1"}])
def test_a_notebook_without_numbers_says_nothing_of_them(notebook_of, glued):
    (cell,) = notebook_of("# A page\n\nA {glue:text}`share:.0%`.\n", glued).cells
    assert cell.source == "# A page\n\nA (`share`, printed here)."


def test_a_number_that_is_printed_instead_is_named(notebook_of):
    from notebooks import names_for_numbers

    notebook = notebook_of("{glue:text}`known:.1f`, {glue:text}`b-1:d` and {glue:text}`a`.\n", {"known": "1"})
    assert names_for_numbers(notebook) == ["a", "b-1"]


def test_numbers_reach_captions_and_solutions(notebook_of):
    number = "about {glue:text}`share:.0%`"
    body = f"```{{interactive}} a.html\n:name: a\n\nIt is {number}.\n```\n\n````{{solution}} ex\nSo {number}.\n````\n"
    (cell,) = notebook_of(body, {"share": "0.25"}).cells
    assert "It is about 25%." in cell.source and "So about 25%." in cell.source


DATA_OF_A_FIGURE = """display(HTML(f'<script type="application/json" id="a">{data}</script>'))"""


@pytest.mark.parametrize(
    ("tag", "code", "stays"),
    [
        ("remove-input", DATA_OF_A_FIGURE, False),
        ("hide-input", DATA_OF_A_FIGURE, True),
        ("remove-input", "show(figure)", True),
    ],
)
def test_a_cell_that_only_feeds_a_figure_of_the_page_is_left_out(notebook_of, tag, code, stays):
    cells = notebook_of(f"# A page\n\n```{{code-cell}} ipython3\n:tags: [{tag}]\n\n{code}\n```\n").cells
    assert (code in [cell.source for cell in cells]) == stays


def test_an_exercise_gets_a_bold_heading(plain):
    assert plain("```{exercise} Count\n:label: ex\nHow many?\n```") == "**Exercise 1: Count.**\n\nHow many?"
    assert plain("```{exercise}\nHow many?\n```") == "**Exercise.**\n\nHow many?"


def test_an_admonition_is_quoted_under_its_title(plain):
    assert plain(":::{admonition} Your prediction\n:class: tip\nWhen?\n:::") == "> **Your prediction.**\n>\n> When?"


TABLE = """:::{list-table} What *goes* in.
:header-rows: 1
:name: tab-in

* - Family
  - Example
* - size, $|x| \\le \\|W\\|$
  - `a|b` or a|b,
    and so on

    - nested
* -
   - {eq}`one`
* - short
:::
After."""


def test_a_list_table_becomes_a_pipe_table_that_its_cells_cannot_break(plain):
    assert plain(TABLE) == (
        "**What *goes* in.**\n\n"
        "| Family | Example |\n"
        "| --- | --- |\n"
        "| size, $\\vert x\\vert \\le \\Vert W\\Vert$ | `a\\|b` or a\\|b, and so on - nested |\n"
        "|  | (one) |\n"
        "| short |  |\n"
        "\nAfter."
    )


def test_a_list_table_without_a_header_gets_an_empty_one(plain):
    said = plain("```{list-table}\n* - a\n  - b\n* - c\n  - d\n```")
    assert said == "|  |  |\n| --- | --- |\n| a | b |\n| c | d |"


def test_a_labelled_formula_is_tagged_with_its_number(plain):
    assert plain("$$\nh = 1\n$$ (one)") == "$$\nh = 1 \\tag{1}\n$$"
    assert plain("```{math}\n:label: one\nh = 1\n```") == "$$\nh = 1\n\\tag{1}\n$$"


def test_formulas_count_from_one_on_every_page_and_exercises_through_the_book():
    from notebooks import label_numbers

    first = "$$\na\n$$ (a)\n\n$$\nno label\n$$\n\n```{exercise}\n:label: ex-a\n```\n\n$$b$$ (b)\n"
    second = "```{math}\n:label: c\nc\n```\n```{exercise}\n```\n~~~{exercise} Count\n:class: x\n:label: ex-b\n~~~\n"
    assert label_numbers([first, second]) == {"a": 1, "ex-a": 1, "b": 2, "c": 1, "ex-b": 3}


def test_a_notebook_refers_by_number_across_cells_and_pages(notebook_of):
    body = "By {eq}`b` and {eq}`far`.\n\n+++\n\n$$\na\n$$ (a)\n\n+++\n\n````{solution} ex\n$$b$$ (b)\n````\n"
    before, one, two = notebook_of(body, numbers={"a": 1, "b": 2, "far": 7}).cells
    assert before.source == "By (2) and (7)."
    assert "\\tag{1}" in one.source and "\\tag{2}" in two.source


def test_a_notebook_of_one_page_alone_counts_in_it(notebook_of):
    first, last = notebook_of("By {eq}`a`.\n\n+++\n\n$$\na\n$$ (a)\n").cells
    assert first.source == "By (1)." and "\\tag{1}" in last.source


def test_plain_code_is_left_alone(plain):
    text = "```python\nx = {'a': `1`}  # (not)= a target\n```"
    assert plain(text) == text


def test_included_code_is_shown_from_its_start_to_its_end(tmp_path, plain):
    (tmp_path / "module.py").write_text("def other():\n    pass\n\n\ndef f(x):\n    'doc'\n    y = x\n    return y\n")
    assert plain("```{literalinclude} module.py\n:pyobject: f\n:start-at: y =\n:dedent: 4\n```") == (
        "```python\ny = x\nreturn y\n```"
    )


def test_a_drawing_travels_with_the_notebook(tmp_path):
    from notebooks import plain_markdown

    (tmp_path / "loop.svg").write_text("<svg/>")
    text, attached = plain_markdown("```{drawing} loop.svg\n:alt: A loop.\n\n*It* loops.\n```", tmp_path, tmp_path)
    assert text == "![A loop.](attachment:loop.svg)\n\n**Figure.** *It* loops."
    assert attached == {"loop.svg": {"image/svg+xml": "PHN2Zy8+"}}
