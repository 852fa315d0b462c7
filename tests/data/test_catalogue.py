"""The catalogue names every shipped file, states its terms, and notices damage."""

import shutil
import subprocess
import sys

import pytest

from course_lib import data
from course_lib.data import catalogue, readers

LARGEST = 3 * 2**20


@pytest.fixture
def copied_files(tmp_path, monkeypatch):
    """A copy of the shipped files that a test may damage; the catalogue reads it instead."""
    folder = tmp_path / "files"
    shutil.copytree(catalogue.FILES, folder)
    monkeypatch.setattr(catalogue, "FILES", folder)
    return folder


def test_every_file_belongs_to_a_row_and_every_row_to_a_file():
    found = sorted(path.relative_to(catalogue.FILES) for path in catalogue.FILES.rglob("*") if path.is_file())
    entries = [data.describe(name) for name in data.names()]
    listed = [entry.file for entry in entries] + [entry.notice for entry in entries]

    assert [path.as_posix() for path in found] == sorted(listed)


@pytest.mark.parametrize("name", data.names())
def test_a_row_states_terms_origin_purpose_and_traps(name):
    entry = data.describe(name)
    for field in ("licence", "source", "what", "used_for", "traps"):
        assert getattr(entry, field).strip(), f"{name}: {field} is empty"
    assert entry.file.startswith(f"{name}/")


@pytest.mark.parametrize("name", data.names())
def test_a_file_is_small_and_of_the_size_its_row_says(name):
    entry = data.describe(name)
    assert (catalogue.FILES / entry.file).stat().st_size == entry.bytes <= LARGEST


@pytest.mark.parametrize("name", data.names())
def test_the_notice_names_the_terms_and_what_was_changed(name):
    entry = data.describe(name)
    notice = (catalogue.FILES / entry.notice).read_text(encoding="utf-8")
    assert entry.licence.lower() in notice.lower()
    assert "Changes:" in notice
    if entry.licence.startswith("CC BY"):
        assert "https://creativecommons.org/licenses/by/4.0/" in notice
        assert entry.source.rsplit("doi:", 1)[1] in notice


@pytest.mark.parametrize("name", data.names())
def test_a_row_names_a_reader_that_exists(name):
    assert callable(getattr(readers, data.describe(name).reader))


def test_the_printed_row_shows_every_field():
    printed = str(data.describe("promoters"))
    for field in ("name", "licence", "sha256", "traps"):
        assert f"{field}: {getattr(data.describe('promoters'), field)}" in printed


def test_verify_passes_on_what_is_shipped():
    assert data.verify() == data.names()


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match=r"no data set 'seattle_wether'. Did you mean 'seattle-weather'\?"):
        data.load("seattle_wether")


@pytest.mark.parametrize("name", ["zzz", 7, []])
def test_a_name_like_no_other_is_answered_with_all_of_them(name):
    with pytest.raises(ValueError, match="Expected one of: austen-rnn, first-names, pride-prejudice, promoters"):
        data.describe(name)


def test_load_refuses_a_file_of_which_one_byte_changed(copied_files):
    entry = data.describe("promoters")
    path = copied_files / entry.file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

    with pytest.raises(data.DataFileError) as raised:
        data.load("promoters")
    message = str(raised.value)
    assert "promoters: " in message and "is damaged" in message
    assert f"expected SHA-256 {entry.sha256} ({entry.bytes} bytes)" in message
    assert "found    SHA-256 " in message
    assert "files/promoters/promoters.tsv.xz` in a clone" in message


def test_load_says_where_a_missing_file_should_be(copied_files):
    path = copied_files / data.describe("promoters").file
    path.unlink()

    with pytest.raises(data.DataFileError) as raised:
        data.load("promoters")
    message = str(raised.value)
    assert f"cannot read {path} (No such file or directory)" in message
    assert "expected a file of 1692 bytes" in message
    assert "Restore it" in message


def test_verify_names_every_file_that_fails(copied_files):
    (copied_files / data.describe("promoters").file).unlink()
    (copied_files / data.describe("seattle-weather").file).write_bytes(b"<html>not found</html>")

    with pytest.raises(data.DataFileError) as raised:
        data.verify()
    message = str(raised.value)
    assert "promoters: cannot read" in message and "seattle-weather: " in message
    assert "pride-prejudice" not in message


def test_verify_looks_again_at_a_file_that_was_whole_when_loaded(copied_files):
    data.load("promoters")
    (copied_files / data.describe("promoters").file).write_bytes(b"")

    with pytest.raises(data.DataFileError, match=r"promoters: .* is damaged"):
        data.verify()


def test_a_file_is_hashed_once_in_a_process(copied_files, monkeypatch):
    hashed = []
    sha256 = catalogue.hashlib.sha256
    monkeypatch.setattr(catalogue.hashlib, "sha256", lambda content: hashed.append(1) or sha256(content))

    data.load("promoters")
    data.load("promoters")

    assert len(hashed) == 1


def test_each_load_returns_an_object_of_its_own():
    changed = data.load("promoters")
    changed.labels[:] = "?"
    assert set(data.load("promoters").labels) == {"+", "-"}


@pytest.mark.parametrize("module", ["course_lib.data", "course_lib.text"])
def test_importing_it_brings_in_no_heavy_library(module):
    heavy = ["torch", "scipy", "matplotlib", "pandas", "gensim", "nbgrader"]
    code = f"import sys, {module}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
