"""One look for every figure of the book, in its light and its dark theme.

A figure is a function that draws on axes. :func:`show` calls it once for each theme, so that the page can switch::

    from course_lib.plotting import line, show

    def draw(ax):
        ax.plot(steps, rnn_loss, **line("rnn"))
        ax.plot(steps, chance, **line("baseline", label="chance"))
        ax.set(xlabel="step", ylabel="loss (nats)")
        ax.legend()

    show(
        draw,
        alt="Loss against training step: the RNN's line falls below the flat line of chance.",
        caption="The RNN leaves chance behind after 200 steps.",
    )

The function must not draw random numbers, or the two pictures would differ; compute first, draw after. Outside the
book, in a downloaded notebook, :func:`show` makes one picture, the light one.

A colour means one thing throughout the book, and never alone: each comes with its own dash and marker, see
:data:`COLORS` and :func:`line`. All of them keep a contrast of 3 to 1 against both backgrounds.

Leaves out everything that Matplotlib does well: there are no wrappers around its plots.
"""

import base64
import html
import io
import os
from contextlib import contextmanager

import matplotlib as mpl
import matplotlib.pyplot as plt

#: What each colour stands for.
COLORS = {
    "rnn": "#0072b2",  # blue
    "dense": "#d55e00",  # vermilion
    "gru": "#00946b",  # green
    "lstm": "#b0569b",  # purple
    "attention": "#a07010",  # ochre
    "baseline": "#7b7b7b",  # grey: chance, a count, last value carried on
    "train": "#5d7fa3",  # slate
    "test": "#cf3d5c",  # crimson
}

_DASHES = {
    "rnn": ("-", "o"),
    "dense": ("--", "s"),
    "gru": ("-.", "^"),
    "lstm": ((0, (6, 1.5)), "D"),
    "attention": ((0, (3, 1, 1, 1, 1, 1)), "P"),
    "baseline": (":", ""),
    "train": ((0, (4, 2)), ""),
    "test": ("-", ""),
}

#: Background and ink of the two themes.
THEMES = {"light": ("#ffffff", "#22272e"), "dark": ("#121212", "#d6dade")}

_STYLE = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.prop_cycle": mpl.cycler(color=list(COLORS.values())[:6]),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "font.size": 10.5,
    "figure.constrained_layout.use": True,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "lines.linewidth": 2.0,
    "lines.markersize": 5,
    # Text as outlines looks the same on every machine; a fixed salt makes the same figure the same bytes.
    "svg.fonttype": "path",
    "svg.hashsalt": "course",
}


def line(name, **more):
    """Return the colour, dash, marker and label of what ``name`` stands for, ready for ``ax.plot``.

    Parameters
    ----------
    name : str
        A key of :data:`COLORS`.
    **more
        Whatever else ``ax.plot`` takes; it wins over the house style.

    Returns
    -------
    dict

    Examples
    --------
    >>> line("rnn", label="trained")
    {'color': '#0072b2', 'linestyle': '-', 'marker': 'o', 'markevery': 0.12, 'label': 'trained'}
    >>> line("lsmt")
    Traceback (most recent call last):
    ...
    ValueError: found no colour for 'lsmt', expected one of rnn, dense, gru, lstm, attention, baseline, train, test
    """
    if name not in COLORS:
        raise ValueError(f"found no colour for {name!r}, expected one of {', '.join(COLORS)}")
    dash, marker = _DASHES[name]
    style = {"color": COLORS[name], "linestyle": dash, "marker": marker, "markevery": 0.12, "label": name}
    return style | more


@contextmanager
def use_style(theme="light"):
    """Draw in the house style while the context lasts, on a transparent ground.

    Parameters
    ----------
    theme : "light" or "dark"
    """
    if theme not in THEMES:
        raise ValueError(f"found theme {theme!r}, expected one of {', '.join(THEMES)}")
    ground, ink = THEMES[theme]
    inked = ("text.color", "axes.labelcolor", "axes.edgecolor", "axes.titlecolor", "xtick.color", "ytick.color")
    colours = dict.fromkeys(inked, ink) | {"grid.color": ink}
    # Transparent, so that the page shows through; drawings that need the ground's colour find it here.
    grounds = {"figure.facecolor": "none", "axes.facecolor": "none", "savefig.facecolor": "none"}
    with mpl.rc_context(_STYLE | colours | grounds | {"patch.edgecolor": ground}):
        yield


def render(draw, theme="light", *, size=(7.2, 3.4), rows=1, cols=1, fmt="svg", **subplots):
    """Draw a figure in one theme and return the bytes of its file.

    Parameters
    ----------
    draw : function of axes
        Given what ``plt.subplots(rows, cols)`` gives: one axes, or an array of them.
    theme : "light" or "dark"
    size : (float, float)
        Width and height in inches.
    rows, cols : int
    fmt : "svg" or "png"
        ``"png"`` for images and for more than some thousand points.
    **subplots
        Passed on to ``plt.subplots``, such as ``sharey=True``.

    Returns
    -------
    bytes
    """
    with use_style(theme):
        figure, axes = plt.subplots(rows, cols, figsize=size, **subplots)
        try:
            draw(axes)
            file = io.BytesIO()
            # Without a date the same figure is the same bytes.
            metadata = {"Date": None} if fmt == "svg" else {}
            figure.savefig(file, format=fmt, dpi=200, metadata=metadata)
        finally:
            plt.close(figure)
    return file.getvalue()


def show(draw, *, alt, caption=None, size=(7.2, 3.4), rows=1, cols=1, fmt="svg", **subplots):
    """Show a figure: for both themes in the book, once elsewhere.

    Parameters
    ----------
    draw, size, rows, cols, fmt, **subplots
        As :func:`render` takes them.
    alt : str
        What is drawn, for those who do not see it.
    caption : str, optional
        The finding, in a sentence; HTML such as ``<em>`` is allowed.
    """
    from IPython.display import HTML, display

    if not alt.strip():
        raise ValueError("found an empty alt text, expected a sentence that says what is drawn")
    themes = ("light", "dark") if os.environ.get("COURSE_BOOK") else ("light",)
    pictures = [render(draw, theme, size=size, rows=rows, cols=cols, fmt=fmt, **subplots) for theme in themes]
    mime = {"svg": "image/svg+xml", "png": "image/png"}[fmt]
    images = [
        f'<img class="only-{theme}" alt="{html.escape(alt)}" width="{round(size[0] * 96)}"'
        f' src="data:{mime};base64,{base64.b64encode(picture).decode()}">'
        for theme, picture in zip(themes, pictures, strict=True)
    ]
    under = f"<figcaption>{caption}</figcaption>" if caption else ""
    # The theme hides a caption that stands beside a hidden image, so the images get a box of their own.
    display(HTML(f'<figure class="plot"><div class="frame">{"".join(images)}</div>{under}</figure>'))
