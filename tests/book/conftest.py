import os
import sys

import pytest

from tests.book.browsing import ROOT, built_site, find_browser, launched, served

sys.path.insert(0, str(ROOT / "book" / "_ext"))


@pytest.fixture(scope="session")
def site():
    """The whole book, built once with warnings as errors; an error here is a failure of the build."""
    return built_site()


@pytest.fixture(scope="session")
def base(site):
    with served(site) as url:
        yield url


@pytest.fixture(scope="session")
def browser():
    if find_browser() is None:
        says = "found no chromium on PATH; install it (Debian: apt-get install chromium) to check the pages as a reader"
        if os.environ.get("CI") == "true":
            pytest.fail(says)
        pytest.skip(says)
    with launched() as browser:
        yield browser


@pytest.fixture
def tiny_book(tmp_path):
    """Return a function that lays out a book of one page, under the course's own configuration."""

    def lay_out(page):
        (tmp_path / "book").mkdir(exist_ok=True)
        (tmp_path / "_config.yml").write_text((ROOT / "_config.yml").read_text())
        (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: book/page\n")
        for name in ("_ext", "_static", "_extra", "references.bib"):
            if not (tmp_path / "book" / name).exists():
                (tmp_path / "book" / name).symlink_to(ROOT / "book" / name)
        (tmp_path / "book" / "page.md").write_text(page)
        return tmp_path

    return lay_out
