"""Every chapter has the parts that STYLE asks for; and the checker that says so misses none of them."""

import pytest

from course_lib import publishing
from tests.book.browsing import ROOT
from tests.book.chapter_rules import faults

APART = ("book/intro", "book/notation", "book/references", "book/reference/", "book/instructors/")
CHAPTERS = [name for name in publishing.page_names(ROOT) if not name.startswith(APART)]


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_has_all_its_parts(name):
    found = faults((ROOT / f"{name}.md").read_text())
    assert not found, f"book page {name}:\n  " + "\n  ".join(found)


EXERCISE = """```{{exercise}}
:label: ex-{0}
What if?
```

```{{solution}} ex-{0}
:class: dropdown
Then.
```

"""
GOOD = (
    """---
jupytext:
  text_representation: {extension: .md, format_name: myst}
kernelspec: {name: python3}
---

# A title

Why does it fail?

```{code-cell} ipython3
:tags: [hide-input]

import course_lib
```

```{code-cell} ipython3
seeds = range(3)
assert seeds
```

## Picture

```{figure} one.svg
:alt: A loop.

The finding.
```

## Experiment

Write down your prediction. """
    + "word " * 1600
    + """

What this does not show: everything.

## Exercises

"""
    + "".join(EXERCISE.format(n) for n in "abc")
    + """## Three things to remember

1. One.
2. Two.
3. Three.

**Where it breaks.** Here.

**Sources.** {cite:t}`elman1990`.

```{downloads} a2-rnn
```
"""
)
SPOILT = {
    "no question": ("Why does it fail?", "It fails.", "question mark"),
    "no header": ("format_name: myst", "format_name: other", "header"),
    "nothing that fails": (
        "```{code-cell} ipython3\nseeds",
        "## Go on\n\n```{code-cell} ipython3\nseeds",
        "before the first section",
    ),
    "imports in the open": (":tags: [hide-input]\n", "", "first cell"),
    "a long cell": ("seeds = range(3)\n", "seeds = range(3)\n" * 30, "has 31 lines"),
    "a wide line": ("assert seeds", "assert seeds" + "  # why" * 20, "columns"),
    "nothing shown equal": ("assert seeds", "seeds", "asserts"),
    "one seed": ("seeds", "starts", "seeds"),
    "no prediction": ("your prediction", "your name", "prediction"),
    "no limit": ("does not show", "shows", "limit"),
    "two exercises": (EXERCISE.format("a"), "", "2 exercises"),
    "no solution": ("```{solution} ex-b\n:class: dropdown\nThen.\n```\n", "", "ex-b has no solution"),
    "an open solution": ("{solution} ex-b\n:class: dropdown\n", "{solution} ex-b\n", "not folded"),
    "no label": (":label: ex-c\n", "", "no :label:"),
    "no alt text": (":alt: A loop.\n", "", "no :alt:"),
    "no caption": ("The finding.\n", "", "no caption"),
    "no picture": ("{figure} one.svg", "{note}", "no picture"),
    "two things": ("3. Three.\n", "", "found 2 things"),
    "no breaking point": ("Where it breaks", "Elsewhere", "Where it breaks"),
    "no sources": ("{cite:t}`elman1990`", "a book", "Sources"),
    "no downloads": ("{downloads}", "{note}", "downloads"),
    "too short": ("word " * 1600, "word " * 900, "words"),
    "too long": ("word " * 1600, "word " * 2900, "words"),
}


def test_the_checker_is_content_with_a_complete_chapter():
    assert faults(GOOD) == []


@pytest.mark.parametrize("name", SPOILT)
def test_the_checker_names_what_is_missing(name):
    part, instead, says = SPOILT[name]
    assert part in GOOD
    found = faults(GOOD.replace(part, instead))
    assert any(says in fault for fault in found), found
