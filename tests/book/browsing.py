"""A built book, a server for it on this machine alone, and a browser: shared by the tests and the screenshots."""

import contextlib
import fcntl
import functools
import http.server
import os
import shutil
import threading
from pathlib import Path

import pytest

from course_lib import publishing

ROOT = Path(__file__).parents[2]
INPUTS = ("_config.yml", "_toc.yml", "requirements.txt", "book", "course_lib", "assignments")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
THEMES = ("light", "dark")


def built_site() -> Path:
    """Return the site, building it unless a strict build newer than all that goes into it is there."""
    (ROOT / "_build").mkdir(exist_ok=True)
    with (ROOT / "_build" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test processes, one build
        stamp = ROOT / "_build" / "html" / publishing.BUILT
        if not stamp.is_file() or stamp.stat().st_mtime < newest_input():
            publishing.build(ROOT)
    return ROOT / "_build" / "html"


def newest_input() -> float:
    found = [ROOT / name for name in INPUTS]
    found += [p for top in found if top.is_dir() for p in top.rglob("*") if "__pycache__" not in p.parts]
    return max(path.stat().st_mtime for path in found if path.is_file())


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextlib.contextmanager
def served(folder: Path):
    """Serve a folder on the loopback address; yield its URL, ending in a slash."""
    handler = functools.partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def find_browser() -> str | None:
    return next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )


@contextlib.contextmanager
def launched():
    """Yield a headless browser."""
    from playwright.sync_api import sync_playwright

    # What the browser says of its own start is not the page's business.
    os.environ.setdefault("DBUS_SESSION_BUS_ADDRESS", "disabled:")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_browser(), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def opened(browser, base, name, *, theme="light", width=1200, height=900, scripts=True, reduced_motion=True):
    """Open a page and yield it with two lists: addresses asked for outside the site, and errors on the console."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        java_script_enabled=scripts,
        color_scheme=theme,
        reduced_motion="reduce" if reduced_motion else "no-preference",
    )
    outside, errors = [], []

    def guard(route):
        url = route.request.url
        if url.startswith((base, "data:", "blob:")):
            route.continue_()
        else:
            outside.append(url)
            route.abort()

    context.route("**/*", guard)
    context.add_init_script(f"localStorage.setItem('mode', '{theme}'); localStorage.setItem('theme', '{theme}');")
    page = context.new_page()
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("response", lambda answer: errors.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    try:
        page.goto(f"{base}{name}.html", wait_until="load")
        if scripts:
            page.evaluate("async () => { if (window.MathJax) await MathJax.startup.promise; }")
        yield page, outside, errors
    finally:
        context.close()


def in_both_themes(name):
    """Return a fixture: the page, opened in the light and in the dark; its console must be empty at the end."""

    @pytest.fixture(params=THEMES)
    def page(request, base, browser):
        with opened(browser, base, name, theme=request.param) as (page, _, errors):
            yield page
            assert not errors

    return page
