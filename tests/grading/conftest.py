"""The tiny course, made once and copied for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from course_lib.grading.course import Course

from . import tiny_course


@pytest.fixture(scope="session")
def _tiny_template(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("tiny") / "course"
    tiny_course.make_course(root)
    return root


@pytest.fixture
def course(_tiny_template, tmp_path) -> Course:
    """A fresh copy of the tiny course."""
    root = tmp_path / "course"
    shutil.copytree(_tiny_template, root)
    return Course(root, root / "_grading")
