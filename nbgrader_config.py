"""nbgrader's settings for this course; `nbgrader` commands work from this folder. See course_lib/grading/config.py."""

import os

from course_lib.grading.config import configure

c = get_config()  # noqa: F821  # nbgrader defines it before reading this file
configure(c, os.path.dirname(os.path.abspath(__file__)))
