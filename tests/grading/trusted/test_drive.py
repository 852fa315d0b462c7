"""Exercises that ask for a PyTorch module: trained and differentiated where it lives, judged on numbers here."""

from __future__ import annotations

import json

import numpy as np
import pytest
from nbformat.v4 import new_notebook

from course_lib.grading.engine import Job, Limits
from course_lib.grading.trusted.drive import differentiate, train

from .conftest import answer, hidden, locked, passed, visible

pytestmark = pytest.mark.grading

NAME = "a9-torch"
LIMITS = Limits(test_seconds=10.0, cell_seconds=10.0, submission_seconds=60.0)

# y = x . w + b + scale * sin(x . v): linear readouts alone cannot fit it.
HIDDEN = """\
import numpy as np

from course_lib.grading.trusted.drive import differentiate, train

REFERENCES = {}


def _forward(state, x):
    h = np.tanh(x @ state["W_xh"] + state["b_h"])
    return h @ state["W_hy"]


def _draw(rng, D=3, H=5):
    shapes = {"W_xh": (D, H), "b_h": (H,), "W_hy": (H, 1)}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def test_outputs_follow_the_equation(Net, rng):
    state, x = _draw(rng), rng.normal(size=(7, 3))
    run = differentiate(Net, args=(3, 5), state=state, inputs=x, targets=np.ones((7, 1)))
    assert run.outputs.shape == (7, 1), f"the output has shape {run.outputs.shape}; expected (7, 1)"
    assert np.allclose(run.outputs, _forward(state, x)), "the output differs from tanh(x W_xh + b_h) W_hy"


def test_gradients_reach_every_parameter(Net, rng):
    state, x, v = _draw(rng), rng.normal(size=(7, 3)), rng.normal(size=(7, 1))
    run = differentiate(Net, args=(3, 5), state=state, inputs=x, targets=v)
    for name in state:
        nudge = rng.normal(size=state[name].shape)
        up, down = (_forward(state | {name: state[name] + s * 1e-6 * nudge}, x) for s in (1, -1))
        want = float(((up - down) * v).sum() / 2e-6)
        assert run.gradients[name] is not None, f"no gradient reaches {name}: is the graph cut by detach or .data?"
        got = float((run.gradients[name] * nudge).sum())
        assert abs(got - want) < 1e-5 * (1 + abs(want)), f"the gradient by {name} differs from the difference quotient"


def test_training_finds_parameters_that_predict_unseen_data(Net, rng):
    truth = _draw(rng)
    x, unseen = rng.normal(size=(64, 3)), rng.normal(size=(64, 3))
    run = train(
        Net, args=(3, 5), state={k: v + 0.3 * rng.normal(size=v.shape) for k, v in truth.items()}, inputs=x,
        targets=_forward(truth, x), steps=150, optimizer="Adam", rate=0.03,
    )
    error = np.mean((_forward(run.parameters, unseen) - _forward(truth, unseen)) ** 2)
    base = np.mean(_forward(truth, unseen) ** 2)
    assert error < 0.02 * base, "after training, the parameters do not predict data they have not seen"
"""

VISIBLE = """
from course_lib.grading.trusted.drive import train
xs = np.linspace(-1, 1, 12).reshape(4, 3)
run = train(Net, args=(3, 5), inputs=xs, targets=xs.sum(axis=1, keepdims=True), steps=20, rate=0.05)
assert set(run.parameters) == {"W_xh", "b_h", "W_hy"}, f"parameters: {sorted(run.parameters)}"
assert run.losses[-1] < run.losses[0], "training does not lower the loss"
"""

RIGHT = """\
class Net(torch.nn.Module):
    def __init__(self, D, H):
        super().__init__()
        kinds = {"dtype": torch.float64}
        self.W_xh = torch.nn.Parameter(torch.randn(D, H, **kinds) / D**0.5)
        self.b_h = torch.nn.Parameter(torch.zeros(H, **kinds))
        self.W_hy = torch.nn.Parameter(torch.randn(H, 1, **kinds) / H**0.5)

    def forward(self, x):
        return torch.tanh(x @ self.W_xh + self.b_h) @ self.W_hy"""

FORGED = """
import sys
loops = sys.modules["inside.loops"]
honest = loops.run
def forged(make, args, inputs, targets, **more):
    state = more["state"] or {"W_xh": np.zeros((3, 5)), "b_h": np.zeros(5), "W_hy": np.zeros((5, 1))}
    return {
        "losses": list(np.linspace(1.0, 0.0, more["steps"])),
        "parameters": state,
        "gradients": {k: np.zeros_like(v) for k, v in state.items()},
        "input_gradients": [np.zeros_like(inputs)],
        "outputs": np.zeros((len(inputs), 1)),
        "trained_outputs": targets,
    }
loops.run = loops.CALLABLE["run"] = forged"""


@pytest.fixture(scope="module")
def judged(engine, tmp_path_factory, desk):
    """Grades one answer: the tests that passed, and the message of the hidden ones."""
    root = tmp_path_factory.mktemp("torch")
    (root / "tests" / "hidden").mkdir(parents=True)
    for name in ("tests/__init__.py", "tests/hidden/__init__.py"):
        (root / name).write_bytes((desk.root / name).read_bytes())
    (root / "tests/hidden/a9_torch.py").write_text(HIDDEN)
    (root / "solutions" / NAME).mkdir(parents=True)
    allow = {"metadata": {"course": {"allow": ["numpy", "torch"]}}}
    (root / "solutions" / NAME / f"{NAME}.ipynb").write_text(json.dumps(allow))

    def grade(source):
        call = f'from tests.hidden import judge\nassert judge("{NAME}", Net=Net)'
        cells = [locked("imports", "import numpy as np\nimport torch"), answer("Net", source)]
        nb = new_notebook(cells=[*cells, visible("Net", VISIBLE), hidden("Net", call)])
        result = engine.run(Job.make(NAME, "ada", nb, root, LIMITS, None))
        return passed(result), result.tests["Net-hidden"].message

    return grade


def test_a_right_module_passes(judged):
    assert judged(RIGHT) == ({"Net-visible", "Net-hidden"}, "")


@pytest.mark.parametrize(
    "change, says",
    [
        (("torch.tanh(x @ self.W_xh + self.b_h)", "(torch.tanh(x @ self.W_xh) + self.b_h)"), "differs from tanh"),
        (("self.b_h) @", "self.b_h.detach()) @"), "no gradient reaches b_h"),
        (("torch.tanh(x @ self.W_xh", "torch.tanh(x @ self.W_xh.data"), "no gradient reaches W_xh"),
        (("@ self.W_hy", "@ self.W_hy.flip(0)"), "differs from tanh"),
        (("b_h", "bias"), "its parameters are called"),
    ],
    ids=["bias outside", "bias detached", "weights cut off", "readout reversed", "other names"],
)
def test_a_wrong_module_fails_with_its_slip(judged, change, says):
    names, message = judged(RIGHT.replace(*change))
    assert "Net-hidden" not in names
    assert says in message or (says == "its parameters are called" and "Net raised ValueError" in message)


def test_a_module_without_parameters_to_train_fails(judged):
    assert "Net-hidden" not in judged("def Net(D, H):\n    return torch.nn.Linear(D, 1)")[0]


def test_forged_numbers_beat_no_test_that_recomputes(judged):
    names, message = judged(RIGHT + FORGED)
    assert names == {"Net-visible"}, "the visible test believes the losses, and is fooled: hence the hidden one"
    assert "differs from tanh" in message


@pytest.mark.parametrize("junk", ["{}", "lambda: 0", "np.zeros(3)"])
def test_what_is_no_result_is_refused(judged, junk):
    forged = f"\nimport sys\nsys.modules['inside.loops'].CALLABLE['run'] = lambda *a, **k: {junk}"
    names, message = judged(RIGHT + forged)
    assert not names and "no result" in message


def test_the_same_calls_work_on_a_class_in_this_process():
    torch = pytest.importorskip("torch")
    space = {"torch": torch}
    exec(RIGHT, space)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 3))
    run = train(space["Net"], args=(3, 5), inputs=x, targets=x[:, :1], steps=5, rate=0.1)
    assert run.losses.shape == (5,) and run.losses[-1] < run.losses[0]
    again = differentiate(space["Net"], args=(3, 5), state=run.parameters, inputs=x, targets=np.ones((4, 1)))
    np.testing.assert_allclose(again.outputs, run.trained_outputs)
    assert again.losses.shape == (0,) and again.input_gradients[0].shape == x.shape
    with pytest.raises(ValueError, match="optimizer"):
        train(space["Net"], args=(3, 5), inputs=x, targets=x, steps=1, optimizer="LBFGS")


@pytest.mark.parametrize("test", ["b.sum()", "torch.equal(b, torch.zeros(2))", "float(b[0])"])
def test_a_checker_that_put_torch_off_still_gets_tensors(engine, tmp_path, test):
    folder = tmp_path / "solutions" / "a0-desk"
    folder.mkdir(parents=True)
    (folder / "a0-desk.ipynb").write_text(json.dumps({"metadata": {"course": {"allow": ["numpy", "torch"]}}}))
    cells = [
        locked("imports", "import numpy as np\nimport torch"),
        answer("f", "def f(x):\n    return torch.zeros(2)"),
        visible("f", f"b = f(1)\n{test}\nassert type(b).__name__ == 'Tensor', type(b)"),
    ]
    result = engine.run(Job.make("a0-desk", "ada", new_notebook(cells=cells), tmp_path, LIMITS, None))
    assert passed(result) == {"f-visible"}, result.tests
