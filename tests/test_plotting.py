"""Figures look alike, in both themes, to everyone."""

import base64
import re

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_lib import plotting
from course_lib.plotting import COLORS, THEMES, line, render, show, use_style


def draw(ax):
    ax.plot([0, 1], [0, 1], **line("rnn"))
    ax.set(xlabel="step")
    ax.legend()


def luminance(colour):
    rgb = np.array(mpl.colors.to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", COLORS)
def test_every_colour_stands_out_from_both_grounds(name, theme):
    low, high = sorted([luminance(COLORS[name]), luminance(THEMES[theme][0])])
    assert (high + 0.05) / (low + 0.05) >= 3, f"WCAG asks a contrast of 3 for lines: {name} on {theme}"


def test_no_two_lines_differ_by_colour_alone():
    second_cues = [(line(name)["linestyle"], line(name)["marker"]) for name in COLORS]
    assert len(set(second_cues)) == len(COLORS)


def test_what_the_caller_says_wins_over_the_house():
    assert line("rnn", color="red", label="mine") == line("rnn") | {"color": "red", "label": "mine"}


def test_the_style_ends_with_its_context():
    before = dict(mpl.rcParams)
    with use_style("dark"):
        assert mpl.rcParams["text.color"] == THEMES["dark"][1]
    assert dict(mpl.rcParams) == before


def test_an_unknown_theme_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="expected one of light, dark"), use_style("sepia"):
        pass


def test_the_same_figure_is_the_same_bytes():
    assert render(draw) == render(draw)
    assert render(draw, "dark") != render(draw, "light")


def test_no_figure_is_left_open_even_when_drawing_fails():
    with pytest.raises(ZeroDivisionError):
        render(lambda ax: 1 / 0)
    render(draw)
    assert plt.get_fignums() == []


def test_rows_and_columns_reach_the_drawing_function():
    shapes = []
    render(lambda axes: shapes.append(axes.shape), rows=2, cols=3, sharey=True)
    assert shapes == [(2, 3)]


def shown(monkeypatch, in_book, **arguments):
    said = []
    monkeypatch.setattr("IPython.display.display", said.append)
    monkeypatch.delenv("COURSE_BOOK", raising=False)
    if in_book:
        monkeypatch.setenv("COURSE_BOOK", "1")
    show(draw, **arguments)
    return said[0].data


def test_the_book_gets_a_picture_for_each_theme(monkeypatch):
    said = shown(monkeypatch, True, alt="a line", caption="It <em>rises</em>.")
    pictures = re.findall(r'class="only-(\w+)" alt="a line"[^>]*base64,([^"]+)"', said)
    assert [theme for theme, _ in pictures] == ["light", "dark"]
    assert [base64.b64decode(data) for _, data in pictures] == [render(draw, theme) for theme in THEMES]
    assert "<figcaption>It <em>rises</em>.</figcaption>" in said


def test_a_downloaded_notebook_gets_one_picture(monkeypatch):
    assert shown(monkeypatch, False, alt="a line").count("<img") == 1


def test_an_alt_text_is_demanded_and_its_quotes_do_no_harm(monkeypatch):
    with pytest.raises(ValueError, match="alt text"):
        shown(monkeypatch, True, alt=" ")
    assert 'alt="the &quot;end&quot;"' in shown(monkeypatch, False, alt='the "end"')


def test_pictures_of_many_points_can_be_png():
    assert render(draw, fmt="png").startswith(b"\x89PNG")
    assert plotting.render(draw).lstrip().startswith(b"<?xml")
