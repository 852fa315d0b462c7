"""The settings behind the root's nbgrader_config.py: where things lie, and our steps in nbgrader's pipelines."""

from __future__ import annotations

import os
import sys
from typing import Any

from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbgrader import preprocessors as ng

from .late import LatePenalty
from .preprocessors import CourseExecute, RepairNotebook
from .release import AFTER_SAVING, BEFORE_SAVING


def put_tools_on_path() -> None:
    """nbgrader calls `alembic` by name, which lies beside the Python that runs."""
    beside = os.path.dirname(sys.executable)
    if beside not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = beside + os.pathsep + os.environ.get("PATH", "")


def configure(c: Any, root: str) -> None:
    """Fill nbgrader's configuration object for the course at `root`."""
    put_tools_on_path()
    grading = os.environ.get("COURSE_GRADING", "_grading")
    os.makedirs(os.path.join(root, grading), exist_ok=True)
    c.CourseDirectory.root = root
    c.CourseDirectory.course_id = ""
    c.CourseDirectory.source_directory = "solutions"
    c.CourseDirectory.release_directory = "assignments"
    c.CourseDirectory.submitted_directory = f"{grading}/submitted"
    c.CourseDirectory.autograded_directory = f"{grading}/autograded"
    c.CourseDirectory.feedback_directory = f"{grading}/feedback"
    c.CourseDirectory.db_url = f"sqlite:///{os.path.join(root, grading, 'gradebook.db')}"

    c.GenerateAssignment.preprocessors = [*BEFORE_SAVING, ng.SaveCells, *AFTER_SAVING]
    c.Autograde.sanitize_preprocessors = [
        RepairNotebook,
        ng.ClearOutput,
        ng.DeduplicateIds,
        ng.OverwriteKernelspec,
        ng.OverwriteCells,
        ng.CheckCellMetadata,
    ]
    c.Autograde.autograde_preprocessors = [
        CourseExecute,
        ng.SaveAutoGrades,
        ng.AssignLatePenalties,
        ng.CheckCellMetadata,
    ]
    # nbgrader's own feedback prints test cells whole; hidden ones must be emptied first.
    c.GenerateFeedback.preprocessors = [ng.ClearHiddenTests, ng.GetGrades, CSSHTMLHeaderPreprocessor]
    c.AssignLatePenalties.plugin_class = LatePenalty
