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


def test_an_exercise_gets_a_bold_heading(plain):
    assert plain("```{exercise} Count\n:label: ex\nHow many?\n```") == "**Exercise: Count.**\n\nHow many?"


def test_an_admonition_is_quoted_under_its_title(plain):
    assert plain(":::{admonition} Your prediction\n:class: tip\nWhen?\n:::") == "> **Your prediction.**\n>\n> When?"


def test_a_labelled_formula_is_tagged(plain):
    assert plain("$$\nh = 1\n$$ (one)") == "$$\nh = 1 \\tag{one}\n$$"


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
    text, attached = plain_markdown("```{drawing} loop.svg\n:alt: A loop.\n\nIt loops.\n```", tmp_path, tmp_path)
    assert text == "![A loop.](attachment:loop.svg)\n\n*It loops.*"
    assert attached == {"loop.svg": {"image/svg+xml": "PHN2Zy8+"}}
