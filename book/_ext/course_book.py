"""What the book adds to Sphinx: downloads, interactive figures, and pages that follow the library they import.

A chapter offers its notebook, and its assignment where it has one, by ::

    ```{downloads} a2-rnn
    ```

The notebook is made from the page at every build, in ``_build/notebooks``, with the numbers that the page shows; the
theme's menu offers the same one. The assignment must have been released to ``assignments/a2-rnn/a2-rnn.ipynb``. A
plain ``{download}`` role to either path works as well.

A chapter shows an interactive figure by ::

    ```{interactive} figures/rnn-unrolled.html
    :name: fig-rnn-unrolled

    The caption states the finding.
    ```

which puts the fragment on the page, numbered like any figure, and loads ``figures.js``, ``rnn-unrolled.js`` and
``rnn-unrolled.css`` from the static folder on this page alone.
"""

import html
import json
import os
import re
from pathlib import Path
from typing import ClassVar

import nbformat
from docutils import nodes
from docutils.parsers.rst import directives
from notebooks import label_numbers, names_for_numbers, page_as_notebook
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from course_lib import publishing

NOTEBOOKS = "_build/notebooks"
PLOT = '<figure class="plot">'  # as course_lib.plotting.show begins
INLINE = {"<em>": nodes.emphasis, "<sub": nodes.subscript, "<sup": nodes.superscript}  # what captions may hold
LOGGER = logging.getLogger(__name__)


class Downloads(SphinxDirective):
    """``{downloads} [assignment]``: links to this page's notebook and to the assignment."""

    optional_arguments = 1

    def run(self):
        paragraph = nodes.paragraph(classes=["downloads"])
        paragraph += nodes.Text("Download ")
        paragraph += self.link(f"/{NOTEBOOKS}/{self.env.docname}.ipynb", "this page as a notebook")
        if self.arguments:
            name = self.arguments[0]
            path = f"assignments/{name}/{name}.ipynb"
            if not (Path(self.env.srcdir) / path).is_file():
                LOGGER.warning(
                    "found no %s, expected the released assignment that this page offers. Run `course release %s`.",
                    path,
                    name,
                    location=self.get_location(),
                )
            else:
                paragraph += nodes.Text(" and ")
                paragraph += self.link(f"/{path}", f"assignment {name}")
        paragraph += nodes.Text(".")
        return [paragraph]

    def link(self, path, text):
        node = addnodes.download_reference(path, "", reftarget=path, refdoc=self.env.docname)
        node += nodes.inline(text, text)
        return node


class Inlined(SphinxDirective):
    """A figure whose drawing stands in the page itself, so that it takes the theme's colours and fonts."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar = {"name": directives.unchanged, "alt": directives.unchanged_required}

    def run(self):
        relative, path = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(relative)
        if not Path(path).is_file():
            LOGGER.warning(
                "found no %s, expected the figure that is shown here", relative, location=self.get_location()
            )
            return []
        drawing = nodes.raw("", self.inline(Path(path)), format="html")
        figure = nodes.figure("", drawing, classes=[self.name])
        if self.content:
            text = " ".join(self.content)
            inline, messages = self.state.inline_text(text, self.lineno)
            figure += nodes.caption(text, "", *inline)
            figure += messages
        self.add_name(figure)
        self.set_source_info(figure)
        return [figure]


class Interactive(Inlined):
    """``{interactive} fragment.html``: a drawing that the reader moves, with its script and style."""

    def inline(self, path):
        self.env.metadata[self.env.docname].setdefault("interactive", []).append(path.stem)
        return path.read_text()


class Drawing(Inlined):
    """``{drawing} picture.svg``: a still drawing in the text's colour; ``:alt:`` says what is drawn."""

    def inline(self, path):
        if not self.options.get("alt"):
            LOGGER.warning("found no :alt: for %s, expected what is drawn", path.name, location=self.get_location())
        label = html.escape(self.options.get("alt", ""), quote=True)
        svg = path.read_text()
        return svg[svg.index("<svg") :].replace("<svg", f'<svg role="img" aria-label="{label}"', 1)


def watch_dress(app, config):
    """Let Sphinx notice a change of what is no page: it would say that nothing is out of date."""
    book = Path(app.srcdir) / "book"
    config.course_extension = publishing.fingerprint(book, sorted((book / "_ext").glob("*.py")))
    dress = [path for folder in ("_static", "_extra") for path in (book / folder).rglob("*") if path.is_file()]
    # Every page links into the list of references by numbers that shift with its entries.
    config.course_dress = publishing.fingerprint(book, sorted([*dress, book / "references.bib"]))


def prepare(app):
    """Before anything is read: write the pages' notebooks, and forget outputs that the library has outgrown.

    A page may be read only if the notebook that it offers is there; `give_numbers` makes the one with this build's
    numbers. Here they are those of the last build: a page that is not read again still has them.
    """
    os.environ.setdefault("COURSE_BOOK", "1")  # course_lib.plotting draws for both themes
    # Small matrices gain nothing from threads, and on a busy machine threads wait for one another.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    root = Path(app.srcdir)
    # A draft has some of the pages, and no numbers of the others, whose notebooks it must leave alone.
    names = [name for name in publishing.page_names(root) if name in app.config.external_site_map]
    pages = {name: nb for name in names if (nb := publishing.read_page(root, name))}
    publishing.forget_stale(root, pages)
    app.course_pages = set(pages)
    texts = [root / f"{name}.md" for name in publishing.page_names(root)]
    app.course_numbers = label_numbers(path.read_text() for path in texts if path.is_file())
    for name in pages:
        write_notebook(app, name)


def write_notebook(app: Sphinx, name: str) -> nbformat.NotebookNode:
    """Make the notebook of a page, with the values that MyST-NB found in its outputs when it last read it."""
    root = Path(app.srcdir)
    target = root / NOTEBOOKS / f"{name}.ipynb"
    notebook = page_as_notebook(root / f"{name}.md", root, glued_values(app, name), app.course_numbers)
    text = nbformat.writes(notebook) + "\n"
    # Sphinx reads a page again when a file it offers is newer: leave an equal one alone.
    if not target.is_file() or target.read_text() != text:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return notebook


def glued_values(app: Sphinx, name: str) -> dict[str, str]:
    """Return what the cells of a page have glued, by name, as Python prints it; nothing before the page was read."""
    # MyST-NB's own function for this remembers what it has read, and a page is asked for before and after it runs.
    record = Path(app.env.mystnb_config.output_folder) / f"{name}.glue.json"
    found = json.loads(record.read_text()) if record.is_file() else {}
    return {key: output["data"]["text/plain"] for key, output in found.items() if "text/plain" in output["data"]}


def give_numbers(app: Sphinx, doctree: nodes.document) -> None:
    """When a page has been read, and so executed: write its notebook with the numbers that the page shows.

    Sphinx notes the time of reading after this, so the notebook is not newer than the page.
    """
    name = app.env.docname
    if name not in app.course_pages:
        return
    for missing in names_for_numbers(write_notebook(app, name)):
        LOGGER.warning(
            "found no number for %s, and so the page's notebook has this name in its text; expected a cell to glue it",
            missing,
            location=name,
        )


def watch_library(app, doctree):
    """Read a page again when a module that its cells import has changed."""
    name = app.env.docname
    if name in app.course_pages:
        root = Path(app.srcdir)
        for path in publishing.page_inputs(root, publishing.read_page(root, name)):
            app.env.note_dependency(path.relative_to(root).as_posix())


def _inline(text):
    """The nodes of a caption written in HTML: Sphinx numbers no figure whose caption it cannot read."""
    found = []
    for part in re.findall(r"<em>.*?</em>|<su[bp]>.*?</su[bp]>|[^<]+|<", text, flags=re.DOTALL):
        kind, words = INLINE.get(part[:4], nodes.Text), html.unescape(re.sub(r"</?(em|su[bp])>", "", part))
        found.append(nodes.Text(words) if kind is nodes.Text else kind(words, words))
    return found


def number_plots(app, doctree):
    """Make figures of what `course_lib.plotting.show` displayed, so that Sphinx numbers them as it does drawings."""
    bundles = [node for node in doctree.findall(nodes.container) if node.get("nb_element") == "mime_bundle"]
    for bundle in bundles:
        shown = next((raw.astext() for raw in bundle.findall(nodes.raw) if raw.astext().startswith(PLOT)), None)
        if shown is None or "<figcaption>" not in shown:
            continue
        frame, _, caption = shown.removeprefix(PLOT).partition("<figcaption>")
        figure = nodes.figure("", nodes.raw("", frame, format="html"), classes=["plot"])
        figure += nodes.caption("", "", *_inline(caption.removesuffix("</figcaption></figure>")))
        # Sphinx numbers only what has an id.
        doctree.set_id(figure, suggested_prefix="plot-")
        figure.source, figure.line = bundle.source, bundle.line
        bundle.replace_self(figure)


def dress_page(app, pagename, templatename, context, doctree):
    """Load a page's interactive figures, and offer its notebook in the theme's download menu."""
    stems = app.env.metadata.get(pagename, {}).get("interactive", [])
    if stems:
        app.add_js_file("figures.js", loading_method="defer")  # before the figures, which use it
    for stem in stems:
        app.add_js_file(f"{stem}.js", loading_method="defer")
        app.add_css_file(f"{stem}.css")
    for found, instead in NO_LIST.items():
        context["body"] = context.get("body", "").replace(found, instead)
    if pagename in app.course_pages:
        context["ipynb_source"] = f"{pagename}.ipynb"


def finish(app, exception):
    """Put the notebooks where the theme's download menu looks; do not let a second run hide a warning."""
    for name in app.course_pages if exception is None and app.builder.format == "html" else ():
        target = Path(app.outdir) / "_sources" / f"{name}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text((Path(app.srcdir) / NOTEBOOKS / f"{name}.ipynb").read_text())
    # Sphinx keeps what it has read, warnings and all: unless it reads again, the next build would be silent.
    if exception is not None or app._warncount:
        (Path(app.doctreedir) / "environment.pickle").unlink(missing_ok=True)


# What the theme leaves undone. Its script hides `div.bd-sidebar-secondary` without asking whether the page has one;
# its folding lists have no name; what scrolls sideways (a wide formula or table) cannot be reached by keyboard.
REPAIRS = """document.addEventListener("DOMContentLoaded", () => {
  if (!document.querySelector("div.bd-sidebar-secondary")) {
    const stand_in = document.createElement("div");
    stand_in.className = "bd-sidebar-secondary";
    stand_in.hidden = true;
    document.body.append(stand_in);
  }
  document.querySelectorAll(".bd-sidebar-primary summary").forEach((summary) => {
    const link = summary.parentElement.previousElementSibling;
    summary.setAttribute("aria-label", "Pages under " + link.textContent.trim());
  });
  const formulas = "mjx-container[display], mjx-container.wide";
  const scrolled = formulas + ", .highlight pre, .frame, .pst-scrollable-table-container";
  const reach = () => {
    document.querySelectorAll("mjx-container:not([display])").forEach((formula) => {
      const room = formula.closest("p, li, td, dd, div").clientWidth;
      formula.classList.toggle("wide", formula.firstElementChild.getBoundingClientRect().width > room);
    });
    document.querySelectorAll(scrolled).forEach((box) =>
      box.scrollWidth > box.clientWidth ? box.setAttribute("tabindex", "0") : box.removeAttribute("tabindex"));
  };
  reach();
  addEventListener("resize", reach);
  window.MathJax?.startup?.promise?.then(reach);
});"""
# A list whose entries are no list items confuses screen readers more than none.
NO_LIST = {' role="list" class="citation-list"': ' class="citation-list"', ' role="doc-biblioentry"': ""}


def setup(app):
    app.course_pages = set()
    app.course_numbers = {}
    app.add_config_value("comments_config", {}, "html")  # Jupyter Book sets it for sphinx_comments, left out
    app.add_config_value("course_extension", "", "env")  # another value: read everything again
    app.add_config_value("course_dress", "", "html")  # another value: write everything again
    app.add_directive("downloads", Downloads)
    app.add_directive("interactive", Interactive)
    app.add_directive("drawing", Drawing)
    app.add_js_file(None, body=REPAIRS)
    app.connect("config-inited", watch_dress)
    app.connect("builder-inited", prepare)
    app.connect("doctree-read", watch_library)
    app.connect("doctree-read", give_numbers)
    app.connect("doctree-read", number_plots)
    app.connect("html-page-context", dress_page)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
