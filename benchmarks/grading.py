"""Grading a class: `course grade` beside nbgrader's own `nbgrader autograde`, on the same submissions of a2-rnn.

    python -m benchmarks.grading [--quick] [--size N] [--sample N] [--experiment] [--json]

Both grade in a temporary course whose notebook imports torch. A submission is the solution, right answers written
differently, or wrong ones. nbgrader runs with its defaults, tests in the student's kernel; it may be given a sample of
the class, since its cost per submission does not depend on their number. The notebook's closing experiment, a second of
the student's own computing that is the same for both, is left out unless asked for.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import click
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from benchmarks.timing import Row
from course_lib.grading import batch
from course_lib.grading.config import put_tools_on_path
from course_lib.grading.course import Course
from course_lib.grading.notebooks import grade_id, is_answer, read_notebook, write_notebook
from course_lib.grading.release import grading_version
from course_lib.grading.trusted import TrustedEngine

ROOT = Path(__file__).parents[1]
NAME = "a2-rnn"
STOCK = """\
c = get_config()
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "assignments"
c.CourseDirectory.submitted_directory = "_grading/submitted"
c.CourseDirectory.autograded_directory = "_grading/autograded"
c.CourseDirectory.db_url = "sqlite:///_grading/gradebook.db"
"""


# --- the class --------------------------------------------------------------------------------------------------


def source(*, experiment: bool) -> NotebookNode:
    nb = read_notebook(ROOT / "solutions" / NAME / f"{NAME}.ipynb")
    nb.cells = [cell for cell in nb.cells if experiment or not (grade_id(cell) or "").startswith("experiment-")]
    imports = next(cell for cell in nb.cells if grade_id(cell) == "imports")
    imports.source += "\nimport torch"
    nb.metadata["course"] = {"allow": ["numpy", "torch"]}
    return nb


def helpers(module: str) -> str:
    """What the kept answers share; without the answers."""
    kept = [
        node
        for node in ast.parse(module).body
        if not getattr(node, "decorator_list", None) and "tests." not in ast.unparse(node).split("\n")[0]
    ]
    return ast.unparse(ast.Module(kept, []))


def class_of(nb: NotebookNode, size: int) -> list[tuple[str, bool, NotebookNode]]:
    """Name, whether every answer is right, and notebook of each student."""
    from tests.wrong_answers import right_answers, wrong_answers

    text = (ROOT / "tests" / "wrong_answers" / f"{NAME.replace('-', '_')}.py").read_text(encoding="utf-8")
    answers = {
        node.name: ast.unparse(ast.FunctionDef(**(vars(node) | {"decorator_list": []})))
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef)
    }
    right, wrong, shared = right_answers(NAME), wrong_answers(NAME), helpers(text)
    handed_in = grading_version(nb)
    solved = {grade_id(cell): cell.source for cell in nb.cells if is_answer(cell) and cell.cell_type == "code"}
    found = []
    for k in range(size):
        chosen = {}
        if k % 5 == 2:
            chosen = {name: kept[k // 5 % len(kept)] for name, kept in right.items() if kept}
        if k % 5 > 2:
            names = sorted(wrong)
            chosen = {name: wrong[name][k % len(wrong[name])] for name in (names[k % 8], names[(k + 3) % 8])}
        own = handed_in.copy()
        own.cells = [cell.copy() for cell in handed_in.cells]
        for cell in own.cells:
            name = grade_id(cell)
            if name in solved:
                cell.source = solved[name]
            if name in chosen:
                cell.source = f"{answers[chosen[name].name]}\n\n{name} = {chosen[name].name}"
        own.cells.insert(2, new_code_cell(shared))
        found.append((f"student-{k:04}", k % 5 < 3, own))
    return found


def write_class(folder: Path, students: list[tuple[str, bool, NotebookNode]]) -> None:
    for name, _, nb in students:
        write_notebook(nb, folder / name / NAME / f"{NAME}.ipynb")


def make_course(root: Path, nb: NotebookNode) -> Course:
    """Enough of the repository to grade in."""
    write_notebook(nb, root / "solutions" / NAME / f"{NAME}.ipynb")
    for folder in ("tests/hidden", "course_lib"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "tests" / "__init__.py").write_text("")
    shutil.copyfile(ROOT / "nbgrader_config.py", root / "nbgrader_config.py")
    return Course(root, root / "_grading")


# --- the two graders --------------------------------------------------------------------------------------------


def command(root: Path, *words: str) -> float:
    """Seconds that a command takes in the course."""
    put_tools_on_path()
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    environment = os.environ | threads | {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - began
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return seconds


def scores(root: Path) -> dict[str, dict[str, float | None]]:
    """What the gradebook holds for each student's test cells."""
    from nbgrader.api import Gradebook

    found: dict[str, dict[str, float | None]] = {}
    with Gradebook(f"sqlite:///{root}/_grading/gradebook.db") as book:
        for submission in book.assignment_submissions(NAME):
            for notebook in submission.notebooks:
                tests = [g for g in notebook.grades if g.cell.cell_type == "code"]
                found[submission.student.id] = {g.cell.name: g.auto_score for g in tests}
    return found


def ours(root: Path, workers: int = 2) -> float:
    return command(root, "course_lib.cli", "grade", NAME, "--workers", str(workers), "--fresh")


def stock(root: Path) -> float:
    return command(root, "nbgrader", "autograde", NAME, "--force")


def stock_course(root: Path, nb: NotebookNode) -> None:
    make_course(root, nb)
    (root / "nbgrader_config.py").write_text(STOCK)
    (root / "_grading").mkdir()
    command(root, "nbgrader", "generate_assignment", NAME)


# --- the rows ---------------------------------------------------------------------------------------------------


def beside_stock(folder: Path, *, size: int, sample: int, experiment: bool, rounds: int, say) -> list[Row]:
    """Submissions per minute and time to the first result, commands against commands, taking turns."""
    nb = source(experiment=experiment)
    students = class_of(nb, size)
    with_what = f"{NAME} with torch" + (" and its experiment" if experiment else "")
    make_course(folder / "ours", nb)
    write_class(folder / "ours/_grading/submitted", students)
    stock_course(folder / "stock", nb)
    chosen = students if sample >= size else [students[k * size // sample + k % 5] for k in range(sample)]
    write_class(folder / "stock/_grading/submitted", chosen)
    make_course(folder / "one", nb)
    write_class(folder / "one/_grading/submitted", students[:1])
    stock_course(folder / "stock-one", nb)
    write_class(folder / "stock-one/_grading/submitted", students[:1])
    times: dict[str, list[float]] = {"ours": [], "stock": [], "one": [], "stock one": []}
    for _ in range(rounds):
        times["ours"].append(ours(folder / "ours") / size)
        times["stock"].append(stock(folder / "stock") / len(chosen))
        times["one"].append(ours(folder / "one"))
        times["stock one"].append(stock(folder / "stock-one"))
        say({name: round(seconds[-1], 3) for name, seconds in times.items()})
    middle = {name: statistics.median(seconds) for name, seconds in times.items()}
    mine, theirs = scores(folder / "ours"), scores(folder / "stock")
    honest = [name for name, right, _ in chosen if right]
    same = sum(mine[name] == theirs[name] for name in honest)
    rest = [name for name, right, _ in chosen if not right]
    alike = sum(mine[name] == theirs[name] for name in rest)
    say(f"same scores on {same} of {len(honest)} right submissions and on {alike} of {len(rest)} with wrong answers")
    for name in [*honest, *rest]:
        if differing := {k: (v, theirs[name].get(k)) for k, v in mine[name].items() if theirs[name].get(k) != v}:
            say(f"  {name} (ours, stock): {differing}")
    of = f"{size}" if sample >= size else f"{size}; peer {len(chosen)}"
    ratio = statistics.median(a / b for a, b in zip(times["ours"], times["stock"], strict=True))
    say(f"per minute: {60 / middle['ours']:.0f} ours, {60 / middle['stock']:.1f} stock; {1 / ratio:.1f} times")
    return [
        Row(f"a submission, {with_what}", of, middle["ours"], "nbgrader", middle["stock"], ratio, 1 / 15),
        Row(
            f"first result, {with_what}",
            "1",
            middle["one"],
            "nbgrader",
            middle["stock one"],
            middle["one"] / middle["stock one"],
            1.0,
        ),
        Row(
            "right submissions scored otherwise", f"{len(honest)}", float(len(honest) - same), "nbgrader", 0.0,
            float(len(honest) - same), 0.0,
        ),
    ]  # fmt: skip


APART = """
import os, sys, time
from pathlib import Path
os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:int(sys.argv[3])]))
from course_lib.grading import batch
from course_lib.grading.course import Course
root, submissions, workers = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
for _ in range(2):  # the first starts what the second finds warm
    began = time.perf_counter()
    batch.grade(Course(root, root / "_grading"), "a2-rnn", folder=submissions, workers=workers, fresh=True)
print(time.perf_counter() - began)
"""


def apart(folder: Path, size: int, workers: int) -> float:
    """Seconds per submission in a process, and children, that have as many cores as workers.

    One worker left alone uses more than one core: its results are written, and its processes buried, beside it.
    """
    environment = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    words = [sys.executable, "-c", APART, folder / "warm", folder / f"class-{size}", str(workers)]
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1]) / size


LOOP = "x = 0\nfor i in range(12_000_000): x += i * i"


def cores_alone() -> float:
    """How much faster two programs that share nothing are than the same two in turn: what the machine can give."""

    def seconds(count: int) -> float:
        began = time.perf_counter()
        for program in [subprocess.Popen([sys.executable, "-c", LOOP]) for _ in range(count)]:
            program.wait()
        return time.perf_counter() - began

    return statistics.median(2 * seconds(1) / seconds(2) for _ in range(3))


def by_workers_and_size(folder: Path, *, size: int, sizes: list[int], rounds: int, say) -> list[Row]:
    """One warm engine: two workers beside one, and the cost of a submission as the class grows."""
    nb = source(experiment=False)
    course = make_course(folder / "warm", nb)
    engine = TrustedEngine()
    students = class_of(nb, 60)

    def graded(count: int, workers: int) -> float:
        where = folder / f"class-{count}"
        if not where.is_dir():
            some = [(f"student-{k:04}", right, own) for k in range(count) for _, right, own in [students[k % 60]]]
            write_class(where, some)
        began = time.perf_counter()
        batch.grade(course, NAME, folder=where, workers=workers, engine=engine, fresh=True)
        return (time.perf_counter() - began) / count

    graded(4, 2)
    # Said and not held to the reach: on two cores the one worker has the second core's help, as `apart` explains.
    for _ in range(rounds):
        both, alone = graded(size, 2), graded(size, 1)
        say(f"{size} submissions: {alone:.3f} s each with one worker and all cores, {both:.3f} s with two")
    found = []
    if len(os.sched_getaffinity(0)) > 1:
        most = cores_alone()
        say(f"two programs that share nothing run {most:.2f} times as fast on two cores as on one")
        pairs = []
        for _ in range(rounds):
            pairs.append((apart(folder, size, 2), apart(folder, size, 1)))
            say(f"{size}: {pairs[-1][1]:.3f} s each with one worker on one core, {pairs[-1][0]:.3f} s with two on two")
        both, alone = (statistics.median(times) for times in zip(*pairs, strict=True))
        ratio = statistics.median(a / b for a, b in pairs)
        what = "two workers beside one, a core each"
        found.append(Row(what, str(size), both, "one worker", alone, ratio, 1 / 1.8))
    costs = {}
    for count in sizes:
        costs[count] = statistics.median(graded(count, 2) for _ in range(1 if count > 60 else rounds))
        say(f"{count} submissions: {costs[count]:.3f} s each")
    first = costs[sizes[0]]
    for count in sizes[1:]:
        what = "a submission as the class grows"
        found.append(Row(what, str(count), costs[count], f"class of {sizes[0]}", first, costs[count] / first, 1.1))
    engine.close()
    return found


def rows(
    *,
    size: int = 60,
    sample: int = 12,
    rounds: int = 1,
    experiment: bool = False,
    sizes: tuple[int, ...] = (10, 60),
    say=lambda text: print(text, file=sys.stderr),
) -> list[Row]:
    found = []
    with tempfile.TemporaryDirectory(prefix="course-benchmark-") as name:
        folder = Path(name)
        os.chmod(folder, 0o755)
        say(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        found += beside_stock(folder, size=size, sample=sample, experiment=experiment, rounds=rounds, say=say)
        if sizes:
            found += by_workers_and_size(folder, size=size, sizes=list(sizes), rounds=rounds, say=say)
        say(f"load after: {os.getloadavg()[0]:.1f}")
    return found


@click.command()
@click.option("--size", default=60, show_default=True, help="Submissions in the class.")
@click.option("--sample", default=12, show_default=True, help="How many of them nbgrader is given.")
@click.option("--rounds", default=3, show_default=True, help="How often each is timed; medians are shown.")
@click.option("--experiment", is_flag=True, help="Keep the notebook's closing experiment.")
@click.option("--quick", is_flag=True, help="One round, a sample of 4, no growing class.")
@click.option("--grow", is_flag=True, help="Classes of 300 and 1000 as well.")
@click.option("--json", "as_json", is_flag=True, help="Print the rows for a machine to read.")
def main(size, sample, rounds, experiment, quick, grow, as_json):
    """Time `course grade` beside `nbgrader autograde`."""
    if quick:
        sample, rounds = 4, 1
    sizes = () if quick or experiment else (10, 60, 300, 1000) if grow else (10, 60)
    found = rows(size=size, sample=sample, rounds=rounds, experiment=experiment, sizes=sizes)
    if as_json:
        click.echo(json.dumps([asdict(row) | {"reached": row.reached} for row in found], indent=1))
        return
    for row in found:
        verdict = "reached" if row.reached else "missed"
        click.echo(
            f"{row.what:48} {row.size:14} {row.ours:7.3f} s   {row.peer:12} {row.theirs:7.3f} s   "
            f"ratio {row.ratio:.3f} (reach {row.reach:.3f}) {verdict}"
        )


if __name__ == "__main__":
    main()
