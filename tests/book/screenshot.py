"""Take a picture of a page of the book.

``python -m tests.book.screenshot recurrent/rnn out.png --width 1200 [--dark]``
"""

import argparse
import contextlib
from pathlib import Path

from tests.book.browsing import built_site, launched, opened, served


def screenshot(
    name: str,
    target: Path,
    *,
    width: int = 1200,
    height: int = 900,
    dark: bool = False,
    whole: bool = False,
    site: Path | None = None,
    at: str | None = None,
) -> None:
    """Write a PNG of the page ``book/name``: its first screen, the ``whole`` page, or what ``at`` selects."""
    theme = "dark" if dark else "light"
    with contextlib.ExitStack() as stack:
        base = stack.enter_context(served(site or built_site()))
        browser = stack.enter_context(launched())
        screen = {"theme": theme, "width": width, "height": height}
        page, _, _ = stack.enter_context(opened(browser, base, f"book/{name}", **screen))
        if at:
            page.locator(at).first.screenshot(path=target)
        else:
            page.screenshot(path=target, full_page=whole)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", help="page below book/, such as recurrent/rnn")
    parser.add_argument("target", type=Path)
    parser.add_argument("--width", type=int, default=1200)
    parser.add_argument("--height", type=int, default=900)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--whole", action="store_true", help="the page from top to bottom")
    parser.add_argument("--at", metavar="SELECTOR", help="only the first element that this CSS selector finds")
    parser.add_argument("--site", type=Path, help="an already built site; otherwise the book is brought up to date")
    screenshot(**vars(parser.parse_args()))


if __name__ == "__main__":
    main()
