"""The catalogue of shipped data sets: what there is, on what terms, and whether the files are whole.

Leaves out how a file is parsed: that is the business of ``readers.py``.
"""

import difflib
import hashlib
import tomllib
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

from course_lib.data import readers

HERE = Path(__file__).parent
FILES = HERE / "files"

# Files already found whole in this process, so that loading twice hashes once.
_verified: set[Path] = set()


class DataFileError(Exception):
    """A shipped file is missing or is not the one that the catalogue describes."""


@dataclass(frozen=True)
class Entry:
    """One row of the catalogue.

    Attributes
    ----------
    name : str
        What `load` takes; the table's heading in ``catalogue.toml``.
    file, notice : str
        The data and the statement of origin and terms beside it, relative to ``files/``.
    sha256 : str
        Of the file as shipped, in hexadecimal.
    bytes : int
        Size of the file as shipped.
    reader : str
        Function of ``readers.py`` that turns the file's bytes into the loaded object.
    licence, source : str
        The terms, and where the file comes from.
    what, used_for, traps : str
        One sentence on what it is, what the course does with it, and what misleads the careless.
    """

    name: str
    file: str
    sha256: str
    bytes: int
    reader: str
    licence: str
    notice: str
    source: str
    what: str
    used_for: str
    traps: str

    def __str__(self):
        return "\n".join(f"{field.name:>8}: {getattr(self, field.name)}" for field in fields(self))


@cache
def _catalogue():
    rows = tomllib.loads((HERE / "catalogue.toml").read_text(encoding="utf-8"))
    return {name: Entry(name=name, **row) for name, row in sorted(rows.items())}


def names():
    """Names of all shipped data sets, in alphabetical order.

    >>> names()[:3]
    ['austen-rnn', 'first-names', 'pride-prejudice']
    """
    return list(_catalogue())


def describe(name):
    """The catalogue's row for one data set; print it to read it.

    >>> describe("promoters").licence
    'CC BY 4.0'
    >>> describe("promoter")
    Traceback (most recent call last):
    ...
    ValueError: there is no data set 'promoter'. Did you mean 'promoters'?
    """
    try:
        return _catalogue()[name]
    except (KeyError, TypeError):
        near = difflib.get_close_matches(str(name), names(), n=1)
        remedy = f"Did you mean {near[0]!r}?" if near else f"Expected one of: {', '.join(names())}."
        raise ValueError(f"there is no data set {name!r}. {remedy}") from None


def load(name):
    """Load a data set; its file is checked against the catalogue the first time a process asks for it.

    Parameters
    ----------
    name : str
        One of `names()`.

    Returns
    -------
    object
        What the row's reader makes of the file: ``str`` for text, a small dataclass of arrays for a table.
        Every call returns a fresh object, so you may change it.

    Raises
    ------
    ValueError
        When the catalogue has no such name.
    DataFileError
        When the file is missing or damaged.

    Examples
    --------
    >>> load("pride-prejudice")[51:94]
    'It is a truth universally acknowledged, tha'
    >>> load("seattle-weather").date[0]
    np.datetime64('2012-01-01')
    """
    entry = describe(name)
    return getattr(readers, entry.reader)(_content(entry))


def verify():
    """Check every shipped file against its SHA-256, and name all that fail.

    Returns
    -------
    list of str
        Names of the data sets checked; all of them, or the function raises.

    Raises
    ------
    DataFileError
        With one paragraph for each missing or damaged file.
    """
    faults = []
    for entry in _catalogue().values():
        # A file that was whole when it was loaded may have been damaged since.
        _verified.discard(FILES / entry.file)
        try:
            _content(entry)
        except DataFileError as fault:
            faults.append(str(fault))
    if faults:
        raise DataFileError("\n".join(faults))
    return names()


def _content(entry):
    path = FILES / entry.file
    remedy = (
        f"  Restore it: `git checkout -- {'/'.join(path.parts[-5:])}` in a clone, "
        "or install the package again with `pip install --force-reinstall`."
    )
    try:
        content = path.read_bytes()
    except OSError as error:
        found = f"cannot read {path} ({error.strerror})."
        expected = f"expected a file of {entry.bytes} bytes"
        raise DataFileError(f"{entry.name}: {found}\n  {expected}\n{remedy}") from None
    if path not in _verified:
        found = hashlib.sha256(content).hexdigest()
        if found != entry.sha256:
            raise DataFileError(
                f"{entry.name}: {path} is damaged.\n"
                f"  found    SHA-256 {found} ({len(content)} bytes)\n"
                f"  expected SHA-256 {entry.sha256} ({entry.bytes} bytes)\n{remedy}"
            )
        _verified.add(path)
    return content
