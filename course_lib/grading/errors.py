"""Three kinds of failure: student's mistakes become scores; the other two are exceptions, told apart here."""

from __future__ import annotations


class CourseError(Exception):
    """Something could not be done. The message says what was found, what was expected, and the remedy."""

    exit_code = 1


class Misuse(CourseError):
    """The command was called with arguments that make no sense."""

    exit_code = 2


class SourceFault(CourseError):
    """The instructor's source is wrong: nothing can be released or graded until it is put right."""


class MachineFault(CourseError):
    """The machine or the grader failed: no score may be given; trying again may help."""
