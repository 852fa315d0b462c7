"""Whatever a student does to the cells, the instructor's come back and the student's answers are found."""

from __future__ import annotations

import copy

import pytest

from course_lib.grading.notebooks import Blueprint, grade_id
from course_lib.grading.release import grading_version, student_version
from course_lib.grading.repair import repair

from .tiny_course import NAME, source_notebook

ANSWER = "def scale(xs, factor):\n    return [x * factor for x in xs]"


@pytest.fixture
def blueprint() -> Blueprint:
    return Blueprint.from_notebook(NAME, grading_version(source_notebook()))


@pytest.fixture
def submitted():
    nb = student_version(source_notebook())
    find(nb, "scale").source = ANSWER
    return nb


def find(nb, name):
    return next(cell for cell in nb.cells if grade_id(cell) == name)


def ids(nb):
    return [grade_id(cell) for cell in nb.cells]


def same_as_blueprint(nb, blueprint):
    by_id = {grade_id(cell): cell for cell in nb.cells if grade_id(cell)}
    assert [n for n in ids(nb) if n] == [spec.grade_id for spec in blueprint.cells]
    for spec in blueprint.cells:
        assert dict(by_id[spec.grade_id].metadata["nbgrader"]) == dict(spec.metadata()), spec.grade_id
        if not spec.solution:
            assert by_id[spec.grade_id].source == spec.source, spec.grade_id


def test_an_honest_notebook_is_left_alone_and_gets_its_hidden_tests(submitted, blueprint):
    assert repair(submitted, blueprint) == []
    same_as_blueprint(submitted, blueprint)
    assert find(submitted, "scale").source == ANSWER
    assert "judge(" in find(submitted, "scale-hidden").source


def test_repairing_twice_changes_nothing_more(submitted, blueprint):
    del submitted.cells[3]
    repair(submitted, blueprint)
    once = copy.deepcopy(submitted)
    assert repair(submitted, blueprint) == []
    assert submitted == once


def test_deleted_cells_come_back_in_their_place(submitted, blueprint):
    submitted.cells = [c for c in submitted.cells if grade_id(c) not in ("scale-visible", "running_sum")]
    remarks = repair(submitted, blueprint)
    same_as_blueprint(submitted, blueprint)
    assert any("scale-visible" in r and "put back" in r for r in remarks)
    assert any("running_sum" in r and "not answered" in r for r in remarks)


def test_an_empty_twin_below_the_answer_does_not_undo_it(submitted, blueprint):
    twin = copy.deepcopy(find(submitted, "scale"))
    twin.source = blueprint.by_id["scale"].source
    submitted.cells.insert(ids(submitted).index("scale") + 1, twin)
    remarks = repair(submitted, blueprint)
    same_as_blueprint(submitted, blueprint)
    assert find(submitted, "scale").source == ANSWER
    assert twin.source not in [c.source for c in submitted.cells]
    assert any("2 times" in r for r in remarks)


def test_of_two_answers_the_last_counts(submitted, blueprint):
    twin = copy.deepcopy(find(submitted, "scale"))
    twin.source = ANSWER + "  # better"
    submitted.cells.append(twin)
    repair(submitted, blueprint)
    assert find(submitted, "scale").source == twin.source
    sources = [c.source for c in submitted.cells]
    assert sources.index(ANSWER) < sources.index(twin.source)


def test_an_answer_without_its_id_is_found_by_its_function(submitted, blueprint):
    find(submitted, "scale").metadata.clear()
    remarks = repair(submitted, blueprint)
    same_as_blueprint(submitted, blueprint)
    assert find(submitted, "scale").source == ANSWER
    assert any("lost its id" in r for r in remarks)


def test_an_answer_pasted_below_the_untouched_cell_is_found(submitted, blueprint):
    find(submitted, "scale").source = blueprint.by_id["scale"].source
    pasted = copy.deepcopy(submitted.cells[1])
    pasted.metadata.clear()
    pasted.source = ANSWER
    submitted.cells.append(pasted)
    repair(submitted, blueprint)
    assert find(submitted, "scale").source == ANSWER


def test_retyped_cells_are_code_again(submitted, blueprint):
    cell = find(submitted, "scale")
    cell.cell_type = "markdown"
    del cell["outputs"], cell["execution_count"]
    remarks = repair(submitted, blueprint)
    assert find(submitted, "scale").cell_type == "code"
    assert find(submitted, "scale").outputs == []
    assert any("markdown" in r for r in remarks)


def test_changed_tests_points_and_locks_are_undone(submitted, blueprint):
    test = find(submitted, "scale-visible")
    test.source = "assert True"
    test.metadata["nbgrader"].update(points=1000, solution=True, locked=False)
    remarks = repair(submitted, blueprint)
    same_as_blueprint(submitted, blueprint)
    assert any("had been changed" in r for r in remarks)


def test_reordered_cells_go_back_and_own_cells_stay_behind_their_neighbour(submitted, blueprint):
    own = copy.deepcopy(submitted.cells[1])
    own.metadata.clear()
    own["id"], own.source = "own", "helper = 1"
    submitted.cells.insert(ids(submitted).index("scale"), own)
    cells = submitted.cells
    submitted.cells = cells[-3:] + cells[:-3]
    remarks = repair(submitted, blueprint)
    same_as_blueprint(submitted, blueprint)
    assert ids(submitted).index(None) == ids(submitted).index("scale-task") + 1
    assert any("another order" in r for r in remarks)


def test_nonsense_metadata_and_ids_do_no_harm(submitted, blueprint):
    for i, junk in enumerate([None, 7, {"grade_id": ["x"]}, {"grade_id": "../../etc"}, "imports"]):
        submitted.cells[i].metadata["nbgrader"] = junk
        submitted.cells[i]["id"] = "same"
    repair(submitted, blueprint)
    same_as_blueprint(submitted, blueprint)
    assert len({c["id"] for c in submitted.cells}) == len(submitted.cells)
