"""What each shipped data set holds, counted; and every number that a catalogue row claims."""

import itertools
from collections import Counter, defaultdict

import numpy as np
import pytest

from benchmarks.austen_rnn import tenths
from course_lib import data
from course_lib.recurrent import bits_per_token, log_probabilities
from course_lib.text import EOS, Vocabulary


@pytest.fixture(scope="module")
def weather():
    return data.load("seattle-weather")


@pytest.fixture(scope="module")
def junctions():
    return data.load("splice-junctions")


def test_pride_and_prejudice_is_whole_and_as_printed():
    text = data.load("pride-prejudice")
    assert text.startswith("PRIDE AND PREJUDICE\n\nBy Jane Austen\n")
    assert text.endswith("had been the means of uniting them.")
    assert len(text) == 684_767
    assert text.isascii()
    headings = [line for line in text.splitlines() if line.startswith("Chapter ")]
    assert headings == [f"Chapter {n}" for n in range(1, 62)]


def test_first_names_are_distinct_and_written_with_one_capital():
    names = data.load("first-names").split()
    assert len(names) == len(set(names)) == 5_163
    assert names == sorted(names)
    assert all(name.isalpha() and name.isascii() and name == name.capitalize() for name in names)
    assert {"Mary", "Zulma", "Kristin", "Kristen", "Kristyn"} <= set(names)


def test_the_trained_network_reads_the_novel_as_well_as_its_row_promises():
    params = data.load("austen-rnn")
    shapes = {"W_xe": (71, 64), "W_xh": (64, 512), "W_hh": (512, 512), "b_h": (512,), "W_hy": (512, 71), "b_y": (71,)}
    assert {name: p.shape for name, p in params.items()} == shapes
    assert all(p.dtype == np.float32 for p in params.values())
    train, middle, _ = tenths()
    vocab = Vocabulary([c for s in train for c in s])
    tokens = np.array(vocab.encode([c for s in middle[:60] for c in [*s, EOS]]))
    assert bits_per_token(log_probabilities(params, tokens)) < 1.9


def test_seattle_weather_has_every_day_of_four_years(weather):
    assert len(weather) == 1461
    expected = np.arange("2012-01-01", "2016-01-01", dtype="datetime64[D]")
    np.testing.assert_array_equal(weather.date, expected)


def test_seattle_weather_holds_numbers_that_weather_can_have(weather):
    for name, low, high in (("precipitation", 0, 60), ("temp_min", -8, 19), ("wind", 0, 10)):
        column = getattr(weather, name)
        assert column.shape == (1461,) and column.dtype == float
        assert low <= column.min() and column.max() <= high, name
    assert (weather.temp_min <= weather.temp_max).all()


def test_the_second_day_reads_as_in_the_file(weather):
    row = [weather.precipitation[1], weather.temp_max[1], weather.temp_min[1], weather.wind[1]]
    assert row == [10.9, 10.6, 2.8, 4.5]
    assert weather.weather[1] == "rain"


def test_the_weather_label_contradicts_the_rain_gauge_as_often_as_the_catalogue_says(weather):
    counts = Counter(zip(weather.weather.tolist(), (weather.precipitation > 0).tolist(), strict=True))
    assert counts["rain", False] == 47
    assert (counts["drizzle", False], counts["drizzle", True]) == (53, 1)
    assert (counts["sun", True], counts["fog", True]) == (77, 310)


def test_splice_junctions_are_3000_distinct_sequences_with_one_label_each(junctions):
    assert len(junctions) == 3000
    assert len(set(junctions.sequences.tolist())) == 3000
    assert Counter(junctions.labels.tolist()) == {"n": 1652, "ei": 679, "ie": 669}


def test_splice_junctions_are_60_plain_bases_long(junctions):
    assert {len(sequence) for sequence in junctions.sequences} == {60}
    assert set("".join(junctions.sequences)) == set("ACGT")


def test_a_rule_on_four_bases_finds_89_percent_of_the_junctions(junctions):
    def rule(sequence):
        if sequence[30:32] == "GT":
            return "ei"
        return "ie" if sequence[28:30] == "AG" else "n"

    hits = [rule(s) == label for s, label in zip(junctions.sequences, junctions.labels, strict=True)]
    assert np.mean(hits) == pytest.approx(0.89, abs=0.005)


def test_180_splice_junctions_share_40_bases_with_another(junctions):
    owners = defaultdict(set)
    for row, sequence in enumerate(junctions.sequences):
        for start in range(60 - 40 + 1):
            owners[sequence[start : start + 40]].add(row)
    assert len(set(itertools.chain.from_iterable(rows for rows in owners.values() if len(rows) > 1))) == 180


def test_promoters_are_53_of_each_label_and_sorted_by_it():
    promoters = data.load("promoters")
    assert promoters.labels.tolist() == ["+"] * 53 + ["-"] * 53
    assert {len(sequence) for sequence in promoters.sequences} == {57}
    assert set("".join(promoters.sequences)) == set("ACGT")
    assert len(set(promoters.sequences.tolist())) == 106
