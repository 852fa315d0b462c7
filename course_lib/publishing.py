"""Build the book: execute its pages side by side, then let Jupyter Book make the site.

``build(root)`` does what ``jupyter-book build . -W --keep-going -n`` does, with two differences: pages that need
executing run in several kernels at once, and a cell that fails is reported with its page, its line and its error
before Sphinx starts.

Executed pages go to the cache that Jupyter Book reads, at its default place, so nothing runs twice. That cache
knows a page by its code cells alone. What the cells import is watched here: when a module of ``course_lib`` that a
page reaches has changed, the page is forgotten and runs again.

Leaves out what happens inside Sphinx: the downloads, the figures and the notebooks made from pages are in
``book/_ext``. To offer a chapter's notebook and its assignment, the chapter writes one of ::

    ```{downloads} a2-rnn        this page as a notebook, and the assignment
    ```

    ```{downloads}               this page as a notebook
    ```
"""

import ast
import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import yaml

CACHE = "_build/.jupyter_cache"
# Outside course_lib, what decides a page's outputs: the versions of everything installed.
ALWAYS = ("requirements.txt",)
# Left in a site that was built strictly; its time is when the build began, so what is newer is not in it.
BUILT = ".built"
# Not part of what a page shows; changes there must not run the whole book again.
APART = ("cli", "grading", "publishing")


class BuildError(Exception):
    """The book could not be built; the message says which page, which line and why."""


def build(
    root: str | Path,
    *,
    strict: bool = True,
    pages: Iterable[str] | None = None,
    workers: int | None = None,
    report: Callable[[str], None] | None = None,
) -> Path:
    """Execute the pages of the book and make its site.

    Parameters
    ----------
    root : path
        The folder that holds ``_config.yml`` and ``_toc.yml``.
    strict : bool
        Whether a warning, an unresolved reference among them, is an error.
    pages : names, optional
        Only these pages, such as ``"book/recurrent/rnn"``: a draft under ``_build/draft``, in which links to other
        pages lead nowhere and so no warning is an error.
    workers : int, optional
        How many pages run side by side; as many as there are cores when left out.
    report : function of a line, optional
        Where progress goes; stderr when left out.

    Returns
    -------
    Path
        The folder of the site; open its ``index.html``.
    """
    root = Path(root).resolve()
    report = report or (lambda line: print(line, file=sys.stderr, flush=True))
    for needed in ("_config.yml", "_toc.yml"):
        if not (root / needed).is_file():
            raise BuildError(f"found no {needed} in {root}; expected the root of the book. Is this the right folder?")
    names = page_names(root)
    arguments, site = [], root / "_build" / "html"
    if pages is not None:
        pages = [name.removesuffix(".md") for name in pages]
        if unknown := sorted(set(pages) - set(names)):
            raise BuildError(f"found no page {', '.join(unknown)} in _toc.yml; expected some of {', '.join(names)}")
        arguments, site, strict, names = *_draft(root, names[0], pages), False, pages
    started, stamp = time.perf_counter(), site / BUILT
    stamp.unlink(missing_ok=True)
    begun = time.time()
    execute_pages(root, names, workers=workers, report=report)
    report("making the site")
    # The console script may not be on PATH: call its entry point in this very interpreter.
    command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build", str(root), "-q"]
    command += [*arguments, *(["-W", "--keep-going", "-n"] if strict else [])]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root)
    said = [line for line in re.sub(r"\x1b\[[\d;]*m", "", done.stderr).splitlines() if line.strip()]
    if done.returncode:
        told = [line for line in said if "WARNING" in line or "ERROR" in line] or (said + done.stdout.splitlines())[
            -15:
        ]
        raise BuildError("Jupyter Book could not make the site:\n  " + "\n  ".join(told))
    for line in said:
        report(line)
    if strict:
        stamp.touch()
        os.utime(stamp, (begun, begun))
    report(f"the book is in {site.relative_to(root)} after {time.perf_counter() - started:.0f} s")
    return site


def _draft(root: Path, first: str, pages: list[str]) -> tuple[list[str], Path]:
    """Write the configuration of a build of a few pages; return its arguments and where the site will be."""
    draft = root / "_build" / "draft"
    draft.mkdir(parents=True, exist_ok=True)
    config = yaml.safe_load((root / "_config.yml").read_text())
    config.setdefault("execute", {})["cache"] = str(root / CACHE)
    extensions = config.get("sphinx", {}).get("local_extensions") or {}
    extensions.update({name: str(root / path) for name, path in extensions.items()})
    # The first page is the root that Jupyter Book insists on.
    toc = {"format": "jb-book", "root": first, "chapters": [{"file": name} for name in pages if name != first]}
    (draft / "_config.yml").write_text(yaml.safe_dump(config))
    (draft / "_toc.yml").write_text(yaml.safe_dump(toc))
    arguments = ["--config", draft / "_config.yml", "--toc", draft / "_toc.yml", "--path-output", draft]
    return [str(a) for a in arguments], draft / "_build" / "html"


def page_names(root: Path) -> list[str]:
    """Return the names of the book's pages in reading order, as ``_toc.yml`` writes them."""
    from sphinx_external_toc.parsing import parse_toc_yaml

    site = parse_toc_yaml(root / "_toc.yml")
    return [site.root.docname] + [name for name in _under(site, site.root)]


def _under(site, page):
    for subtree in page.subtrees:
        for item in subtree.items:
            if item in site:
                yield str(item)
                yield from _under(site, site[item])


def read_page(root: Path, name: str):
    """Read a page as the notebook that MyST-NB will execute, or None where a page has no cells to run."""
    from jupyter_book.config import get_final_config
    from myst_nb.core.config import NbParserConfig
    from myst_nb.core.read import create_nb_reader
    from myst_parser.config.main import MdParserConfig

    path = root / f"{name}.md"
    if not path.is_file():
        raise BuildError(f"found no {path.relative_to(root)}, which _toc.yml names. Write it or take its line out.")
    config, _ = get_final_config(
        user_yaml=root / "_config.yml", cli_config={"latex_individualpages": False}, validate=False
    )
    # The cache compares notebooks cell by cell, so cells must be told apart by the very rules Sphinx will use.
    markdown = MdParserConfig(enable_extensions=config["myst_enable_extensions"])
    text = path.read_text()
    reader = create_nb_reader(str(path), markdown, NbParserConfig(), text)
    notebook = reader.read(text) if reader else None
    return notebook if notebook and any(cell.cell_type == "code" for cell in notebook.cells) else None


def page_inputs(root: Path, notebook) -> list[Path]:
    """Return the files that decide a page's outputs: every module of ``course_lib`` its cells reach by imports.

    Data belongs to the module beside it: reaching ``course_lib.data`` means all files under it.
    """
    waiting = [_without_magics(cell.source) for cell in notebook.cells if cell.cell_type == "code"]
    reached: set[Path] = set()
    while waiting:
        for module in _imports(waiting.pop()):
            for path in _files_of(root, module) - reached:
                reached.add(path)
                if path.suffix == ".py":
                    waiting.append(path.read_text())
    return sorted(reached | {root / name for name in ALWAYS if (root / name).is_file()})


def _without_magics(source: str) -> str:
    return "\n".join(line for line in source.splitlines() if not line.lstrip().startswith(("%", "!")))


def _imports(source: str) -> set[str]:
    try:
        tree = ast.parse(source)
    except SyntaxError:  # executing the page says so better than we could
        return set()
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.split(".")[0] == "course_lib"}


def _files_of(root: Path, module: str) -> set[Path]:
    parts = module.split(".")
    if len(parts) > 1 and parts[1] in APART:
        return set()
    found = {root.joinpath(*parts[:n], "__init__.py") for n in range(1, len(parts) + 1)}
    found.add(root.joinpath(*parts).with_suffix(".py"))
    if parts[1:2] == ["data"]:
        found |= {path for path in (root / "course_lib" / "data").rglob("*") if "__pycache__" not in path.parts}
    return {path for path in found if path.is_file()}


def fingerprint(root: Path, paths: Iterable[Path]) -> str:
    """Return a digest of the files' names below ``root`` and of what they hold."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.relative_to(root)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def forget_stale(root: Path, notebooks: dict) -> None:
    """Drop from the cache every page whose imported modules have changed since it was executed.

    Parameters
    ----------
    root : Path
    notebooks : dict
        Page name to what :func:`read_page` returned.
    """
    from jupyter_cache import get_cache

    cache = get_cache(str(root / CACHE))
    record = root / CACHE / "inputs.json"
    known = json.loads(record.read_text()) if record.is_file() else {}
    for name, notebook in notebooks.items():
        inputs = fingerprint(root, page_inputs(root, notebook))
        if known.get(name) != inputs:
            known[name] = inputs
            _drop(cache, notebook)
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps(known, indent=1, sort_keys=True))


def _drop(cache, notebook) -> None:
    with contextlib.suppress(KeyError):
        cache.remove_cache(cache.match_cache_notebook(notebook).pk)


def execute_pages(root: Path, names: Iterable[str], *, workers: int | None = None, report=print) -> None:
    """Execute the pages that the cache does not hold, several at once, and store them there."""
    from jupyter_cache import get_cache

    notebooks = {name: notebook for name in names if (notebook := read_page(root, name))}
    forget_stale(root, notebooks)
    cache = get_cache(str(root / CACHE))
    waiting = {name: notebook for name, notebook in notebooks.items() if not _holds(cache, notebook)}
    report(f"{len(notebooks)} pages with code, {len(waiting)} to execute")
    if not waiting:
        return
    workers = max(1, min(workers or os.cpu_count() or 1, len(waiting)))
    timeout = (yaml.safe_load((root / "_config.yml").read_text()).get("execute") or {}).get("timeout", 30)
    failures = []
    # The pages' matrices are small: threads that share them wait for one another, on a busy machine for minutes.
    with (
        _environment(COURSE_BOOK="1", OMP_NUM_THREADS="1"),
        ThreadPoolExecutor(workers) as pool,
    ):
        running = {pool.submit(_execute, root / f"{name}.md", nb, timeout): name for name, nb in waiting.items()}
        for job in as_completed(running):
            name, result = running[job], job.result()
            if result.err is None:
                _store(cache, root / f"{name}.md", result)
                report(f"  {name}: {result.time:.1f} s")
            else:
                failures.append(_failure(name, result))
                report(f"  {name}: failed after {result.time:.1f} s")
    if failures:
        raise BuildError("\n\n".join(failures))


class _environment:
    """Set environment variables for the kernels started meanwhile, unless the caller has set them."""

    def __init__(self, **variables: str):
        self.added = {name: value for name, value in variables.items() if name not in os.environ}

    def __enter__(self):
        os.environ.update(self.added)

    def __exit__(self, *_):
        for name in self.added:
            os.environ.pop(name, None)


def _holds(cache, notebook) -> bool:
    try:
        cache.match_cache_notebook(notebook)
    except KeyError:
        return False
    return True


def _execute(path: Path, notebook, timeout: int):
    from jupyter_cache.executors.utils import single_nb_execution

    # A kernel notes on stderr that it talks over loopback without encryption; that is no news here.
    quiet = ["--IPKernelApp.log_level=ERROR"]
    # A print reaches us in as many pieces as the kernel had flushed: joined here as they are, they read as printed.
    # MyST-NB, which would join them later, ends a line after each.
    return single_nb_execution(
        notebook,
        cwd=str(path.parent),
        timeout=timeout,
        allow_errors=False,
        extra_arguments=quiet,
        coalesce_streams=True,
    )


def _store(cache, path: Path, result) -> None:
    from jupyter_cache.base import CacheBundleIn

    data = {"execution_seconds": result.time}
    cache.cache_notebook_bundle(CacheBundleIn(result.nb, str(path), data=data), check_validity=False, overwrite=True)


def _failure(name: str, result) -> str:
    """Say which cell of which page failed, and how, with the cell as the page has it."""
    lines = result.nb.metadata.get("source_map") or [None] * len(result.nb.cells)
    for cell, line in zip(result.nb.cells, lines, strict=False):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                where = f"{name}.md" + (f", the cell at line {line + 1}" if line is not None else "")
                code = "\n".join("    " + text for text in cell.source.splitlines())
                return f"{where} raised {output.ename}: {output.evalue}\n{code}"
    return f"{name}.md: {result.err}"
