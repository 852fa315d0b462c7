"""Readers: each takes the bytes of a shipped file and returns what a learner wants to hold.

A reader knows one file format, not a file's name, so several data sets may share it. It uses the
standard library and NumPy only. The catalogue has already checked the bytes, so a reader may trust them.
"""

import csv
import io
import lzma
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class DailyWeather:
    """One value a day in every array; T days without a gap.

    Attributes
    ----------
    date : (T,) array of datetime64[D]
    precipitation : (T,) array
        Millimetres.
    temp_max, temp_min : (T,) arrays
        Degrees Celsius.
    wind : (T,) array
        Metres a second.
    weather : (T,) array of str
        drizzle, fog, rain, snow or sun.
    """

    date: np.ndarray
    precipitation: np.ndarray
    temp_max: np.ndarray
    temp_min: np.ndarray
    wind: np.ndarray
    weather: np.ndarray

    def __len__(self):
        return len(self.date)


@dataclass(frozen=True)
class LabelledSequences:
    """Sequences of letters with a label each; B of them, all of the same length T.

    Attributes
    ----------
    sequences : (B,) array of str
        Each T letters long.
    labels : (B,) array of str
    """

    sequences: np.ndarray
    labels: np.ndarray

    def __len__(self):
        return len(self.labels)


def plain_text(content):
    r"""Text compressed with xz, in UTF-8 -> str, line breaks as they stand.

    >>> plain_text(lzma.compress(b"It is a truth\nuniversally"))
    'It is a truth\nuniversally'
    """
    return lzma.decompress(content).decode("utf-8")


def daily_weather(content):
    r"""CSV compressed with xz, one day a line -> DailyWeather.

    >>> text = b"date,precipitation,temp_max,temp_min,wind,weather\n2012/01/02,10.9,10.6,2.8,4.5,rain\n"
    >>> day = daily_weather(lzma.compress(text))
    >>> day.date, day.precipitation, day.weather
    (array(['2012-01-02'], dtype='datetime64[D]'), array([10.9]), array(['rain'], dtype='<U4'))
    """
    header, *rows = csv.reader(plain_text(content).splitlines())
    columns = dict(zip(header, zip(*rows, strict=True), strict=True))
    dates = [day.replace("/", "-") for day in columns.pop("date")]
    weather = columns.pop("weather")
    return DailyWeather(
        date=np.array(dates, dtype="datetime64[D]"),
        weather=np.array(weather),
        **{name: np.array(column, dtype=float) for name, column in columns.items()},
    )


def labelled_sequences(content):
    r"""Lines of label, tab, sequence, compressed with xz -> LabelledSequences.

    >>> table = labelled_sequences(lzma.compress(b"ei\tCAGGTA\nn\tTTACGA\n"))
    >>> table.labels, table.sequences
    (array(['ei', 'n'], dtype='<U2'), array(['CAGGTA', 'TTACGA'], dtype='<U6'))
    """
    labels, sequences = zip(*(line.split("\t") for line in plain_text(content).splitlines()), strict=True)
    return LabelledSequences(sequences=np.array(sequences), labels=np.array(labels))


def arrays(content):
    """NumPy's .npz -> dict of arrays, half precision made single.

    >>> file = io.BytesIO()
    >>> np.savez(file, W_hh=np.eye(2, dtype=np.float16))
    >>> arrays(file.getvalue())
    {'W_hh': array([[1., 0.],
           [0., 1.]], dtype=float32)}
    """
    with np.load(io.BytesIO(content), allow_pickle=False) as found:
        return {
            name: found[name].astype(np.float32) if found[name].dtype == np.float16 else found[name]
            for name in found.files
        }
