"""Frames and values: what goes in comes out, and nothing malformed does harm."""

from __future__ import annotations

import contextlib
import json
import math
import socket
import struct
import threading
import time
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.grading.trusted.inside import wire


def test_a_counter_stays_a_counter():
    counts = Counter({("a", 1): 2, ("b", 1): 0})
    got = there_and_back([counts])[0]
    assert type(got) is Counter and dict(got) == dict(counts) and got["absent"] == 0


def refuse(value):
    raise wire.Unsendable(type(value).__name__)


def there_and_back(value):
    buffers: list[bytes] = []
    node = json.loads(json.dumps(wire.encode(value, buffers, refuse), allow_nan=False))
    return wire.decode(node, buffers)


def deliver(raw: bytes, **options):
    """What the reader makes of these bytes, after which the sender hangs up."""
    ours, theirs = socket.socketpair()
    with ours:
        sender = threading.Thread(target=lambda: (theirs.sendall(raw), theirs.close()))
        sender.start()
        try:
            return wire.receive(ours, deadline=time.monotonic() + 5, **options)
        finally:
            ours.close()
            sender.join()


def frame(message, sizes=(), data=b"") -> bytes:
    text = message if isinstance(message, bytes) else json.dumps({"m": message, "b": list(sizes)}).encode()
    return struct.pack("!I", len(text)) + text + data


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.complex_numbers(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=4)
    ),
    max_leaves=15,
)


@settings(max_examples=150, deadline=None)
@given(PLAIN)
def test_plain_values_cross_unchanged(value):
    # Lone surrogates are replaced on purpose, so compare what can be written down.
    def tidy(x):
        if isinstance(x, str):
            return wire.clean(x)
        if isinstance(x, (list, tuple)):
            return type(x)(map(tidy, x))
        if isinstance(x, dict):
            return {tidy(k): tidy(v) for k, v in x.items()}
        return x

    assert there_and_back(tidy(value)) == tidy(value)


@pytest.mark.parametrize(
    "dtype",
    ["bool", "int8", "int64", "uint16", "float16", "float32", "float64", ">f8", "complex64", "complex128", "<U7", "S3"],
)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 4), (2, 3, 4)])
def test_arrays_keep_dtype_shape_and_values(dtype, shape, rng):
    array = (rng.normal(size=shape) * 5).astype(dtype)
    back = there_and_back(array)
    assert back.dtype == array.dtype and back.shape == array.shape and np.array_equal(back, array)


def test_numpy_scalars_stay_scalars():
    for value in (np.float64(0.1), np.float32(2), np.int8(-3), np.bool_(True), np.complex64(1j)):
        back = there_and_back(value)
        assert type(back) is type(value) and back == value


def test_what_is_not_finite_crosses_too():
    back = there_and_back([math.inf, -math.inf, math.nan, np.array([np.nan])])
    assert back[:2] == [math.inf, -math.inf] and math.isnan(back[2]) and np.isnan(back[3][0])


def test_transposed_and_read_only_arrays_cross(rng):
    array = rng.normal(size=(3, 4)).T
    array.flags.writeable = False
    back = there_and_back(array)
    assert (back == array).all() and not back.flags.writeable


def test_objects_are_not_sent():
    for value in (object(), np.array([object()]), np.array(["2020-01-01"], dtype="M8[D]"), lambda: 1):
        with pytest.raises(wire.Unsendable):
            there_and_back(value)


def test_subclasses_cross_as_what_they_extend():
    class Shifty(list):
        def __eq__(self, other):
            return True

    class Agreeable(float):
        def __eq__(self, other):
            return True

    back = there_and_back(Shifty([Agreeable(0.5)]))
    assert type(back) is list and type(back[0]) is float and back == [0.5]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_end_the_conversation(raw):
    with pytest.raises((wire.Malformed, wire.Closed)):
        deliver(raw + b"\xff" * 3, caps=wire.Caps(text=1000, data=1000))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**6), 10**6)
    | st.floats(allow_nan=False)
    | st.text(max_size=6)
    | st.sampled_from([*"fiycastluezdrknhbxopm", "<f8", "<U3", "|b1", "|O", "nan"]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=20,
)


@settings(max_examples=600, deadline=None)
@given(JSON, st.lists(st.binary(max_size=24), max_size=3))
def test_no_node_does_more_than_be_refused(node, buffers):
    with contextlib.suppress(wire.Malformed):
        wire.decode(node, buffers)


@pytest.mark.parametrize(
    "node",
    [
        ["a", 0, "<f8", [2], True],  # a size that differs
        ["a", 0, "|O", [1], True],  # objects
        ["a", 0, "<f8", [-1], True],
        ["a", 0, "<f8", [True], True],
        ["a", 0, "<f8", [1] * 40, True],
        ["a", 5, "<f8", [1], True],
        ["a", True, "<f8", [1], True],
        ["a", 0, "V8", [1], True],
        ["a", 0, "<f8", [2**40, 0], True],
        ["s", 0, "f8,f8"],
        ["i", "1" * 5000],
        ["i", "0x10"],
        ["d", [[[], 1]]],  # an unhashable key
        ["d", [[1]]],
        ["e", [["l", []]]],
        ["r", 1, 2, 0],
        ["c", "x", 1],
        ["p", 0],
        ["m", "os", "system"],
        [],
        [["l"]],
        {"a": 1},
    ],
)
def test_each_kind_of_malformed_value_is_refused(node):
    with pytest.raises(wire.Malformed):
        wire.decode(node, [b"12345678"])


def test_nesting_is_capped():
    node: list = []
    for _ in range(200):
        node = ["l", [node]]
    with pytest.raises(wire.Malformed):
        wire.decode(node, [])


def test_forged_booleans_and_text_are_put_right_or_refused():
    assert wire.decode(["a", 0, "|b1", [3], True], [b"\x00\x02\xff"]).tolist() == [False, True, True]
    with pytest.raises(wire.Malformed):
        wire.decode(["a", 0, "<U1", [1], True], [struct.pack("<I", 0x7FFFFFFF)])


def test_lone_surrogates_do_not_get_through():
    wire.decode("\ud800", []).encode()


@pytest.mark.parametrize(
    "raw",
    [
        struct.pack("!I", 1 << 31),
        frame(b"["),
        frame(b"[" * 900),
        frame(b"\xff\xfe"),
        frame(b"NaN"),
        frame(b'{"m": {}, "b": [NaN]}'),
        frame(b'{"m": {}}'),
        frame(b'{"m": [], "b": []}'),
        frame(b'{"m": {}, "b": {}}'),
        frame({}, [-1]),
        frame({}, [True]),
        frame({}, [1 << 40]),
        frame({}, [1] * 5000),
        frame({}, [600, 600]),
    ],
)
def test_each_kind_of_malformed_frame_is_refused(raw):
    with pytest.raises(wire.Malformed):
        deliver(raw, caps=wire.Caps(text=100_000, data=1000, buffers=100))


def test_a_frame_that_stops_halfway_ends_at_the_deadline():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(frame({}, [10], b"12345"))
        began = time.monotonic()
        with pytest.raises(wire.TooLate):
            wire.receive(ours, deadline=began + 0.3)
        assert time.monotonic() - began < 3


def test_a_reader_that_does_not_read_ends_at_the_deadline():
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(wire.TooLate):
        wire.send(ours, {}, [bytes(1 << 24)], deadline=time.monotonic() + 0.3)


def test_the_sender_refuses_what_the_reader_would_refuse():
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(wire.Unsendable):
        wire.send(ours, {}, [bytes(1000)], caps=wire.Caps(data=100))
