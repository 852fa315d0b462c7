"""Put a damaged submission right: places, kinds and metadata of cells come from the blueprint.

Students copy, split, delete, retype, duplicate and reorder cells. What is theirs is the text of their answers;
everything else is the instructor's and is restored.
"""

from __future__ import annotations

from collections import defaultdict

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from .notebooks import KERNELSPEC, Blueprint, BlueprintCell, defined_names, grade_id


def repair(nb: NotebookNode, blueprint: Blueprint) -> list[str]:
    """Repair `nb` in place; the remarks say what was damaged, in words for the student."""
    remarks: list[str] = []
    copies: dict[str, list[NotebookNode]] = defaultdict(list)
    for cell in nb.cells:
        name = grade_id(cell)
        if name in blueprint.by_id:
            copies[name].append(cell)
    _claim_by_function(nb, blueprint, copies, remarks)

    kept: dict[int, BlueprintCell] = {}
    dropped: set[int] = set()
    for name, cells in copies.items():
        spec = blueprint.by_id[name]
        keep = _choose(cells, spec)
        kept[id(keep)] = spec
        if len(cells) > 1:
            remarks.append(f'"{name}" was there {len(cells)} times; {_kept_which(spec)} counts')
        # A second copy of a locked cell, or an empty one of an answer, would run after the real one and undo it.
        dropped |= {id(c) for c in cells if c is not keep and (_is_fixed(spec) or c.source == spec.source)}
        dropped |= {id(c) for c in cells if c is not keep and c.source == keep.source}

    followers: dict[str | None, list[NotebookNode]] = defaultdict(list)
    place: dict[str, NotebookNode] = {}
    last: str | None = None
    for cell in nb.cells:
        if id(cell) in kept:
            last = kept[id(cell)].grade_id
            place[last] = cell
        elif id(cell) not in dropped:
            cell.metadata.pop("nbgrader", None)
            followers[last].append(cell)

    order = [name for cell in nb.cells if id(cell) in kept for name in [kept[id(cell)].grade_id]]
    if order != [spec.grade_id for spec in blueprint.cells if spec.grade_id in place]:
        remarks.append("the cells stood in another order; they were put back")
    nb.cells = list(followers[None])
    for spec in blueprint.cells:
        if spec.grade_id not in place:
            place[spec.grade_id] = _fresh(spec)
            remarks.append(_missing(spec))
        nb.cells.append(_restore(place[spec.grade_id], spec, remarks))
        nb.cells.extend(followers[spec.grade_id])
    for cell in nb.cells:
        if cell.cell_type == "code":
            # What it shows is worked out anew, and what was handed in may be of any form.
            cell.outputs, cell.execution_count = [], None
    _unique_ids(nb)
    nb.metadata["kernelspec"] = NotebookNode(KERNELSPEC)
    return remarks


def _claim_by_function(
    nb: NotebookNode, blueprint: Blueprint, copies: dict[str, list[NotebookNode]], remarks: list[str]
) -> None:
    """An answer that lost its id is recognised by the function it defines."""
    for spec in blueprint.cells:
        if not spec.is_answer or any(c.source != spec.source for c in copies.get(spec.grade_id, [])):
            continue
        anonymous = [c for c in nb.cells if grade_id(c) not in blueprint.by_id and c.cell_type == "code"]
        found = [c for c in anonymous if spec.grade_id in defined_names(c.source)]
        if found:
            if spec.grade_id not in copies:
                remarks.append(f'the answer cell "{spec.grade_id}" had lost its id; it was found by its function')
            copies[spec.grade_id].append(found[-1])


def _is_fixed(spec: BlueprintCell) -> bool:
    return not spec.solution


def _choose(cells: list[NotebookNode], spec: BlueprintCell) -> NotebookNode:
    """The last copy the student worked on; of a fixed cell any will do, its text is restored anyway."""
    answered = [cell for cell in cells if cell.source.strip() != spec.source.strip()]
    return answered[-1] if answered and not _is_fixed(spec) else cells[0]


def _kept_which(spec: BlueprintCell) -> str:
    return "the original" if _is_fixed(spec) else "the last one you worked on"


def _missing(spec: BlueprintCell) -> str:
    if spec.is_answer or spec.is_written:
        return f'the answer cell "{spec.grade_id}" was missing; it counts as not answered'
    return f'"{spec.grade_id}" was missing; it was put back'


def _fresh(spec: BlueprintCell) -> NotebookNode:
    return new_code_cell(spec.source) if spec.cell_type == "code" else new_markdown_cell(spec.source)


def _restore(cell: NotebookNode, spec: BlueprintCell, remarks: list[str]) -> NotebookNode:
    if cell.cell_type != spec.cell_type:
        remarks.append(f'"{spec.grade_id}" had been made a {cell.cell_type} cell; it is {spec.cell_type} again')
        cell.cell_type = spec.cell_type
        cell.pop("attachments", None)
        if spec.cell_type != "code":
            cell.pop("outputs", None)
            cell.pop("execution_count", None)
    if _is_fixed(spec):
        if cell.source.strip() != spec.source.strip() and spec.is_test and not spec.is_hidden:
            remarks.append(f'the test cell "{spec.grade_id}" had been changed; the original was run')
        cell.source = spec.source
    cell.metadata = NotebookNode(nbgrader=spec.metadata())
    return cell


def _unique_ids(nb: NotebookNode) -> None:
    """nbformat refuses two cells with one id, and students' copies bring plenty."""
    nb.nbformat, nb.nbformat_minor = 4, 5
    taken: set[str] = set()
    for number, cell in enumerate(nb.cells):
        wanted = cell.get("id")
        if not isinstance(wanted, str) or not wanted.isascii() or wanted in taken or not 1 <= len(wanted) <= 64:
            wanted = f"repaired-{number:04d}"
        cell["id"] = wanted
        taken.add(wanted)
