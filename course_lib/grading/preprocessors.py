"""The grader as plugs for nbgrader's own commands: `nbgrader autograde` gives the verdicts of `course grade`."""

from __future__ import annotations

import os
from pathlib import Path

from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Float, Integer

from .engine import Job, Limits, apply
from .engines import engine as default_engine
from .errors import MachineFault
from .gradebook import blueprint_from_gradebook
from .notebooks import settle
from .repair import repair


class RepairNotebook(NbGraderPreprocessor):
    """First of the sanitising steps: put the submission's cells right from the gradebook."""

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        where = resources["nbgrader"]
        with Gradebook(where["db_url"]) as gradebook:
            blueprint = blueprint_from_gradebook(gradebook, where["assignment"])
        remarks = repair(settle(nb), blueprint)
        nb.metadata["course"] = {"remarks": remarks}
        for remark in remarks:
            self.log.warning("%s: %s", where["student"], remark)
        return nb, resources


class CourseExecute(NbGraderPreprocessor):
    """In the place of nbgrader's Execute: run and judge by the course's engine."""

    test_seconds = Float(Limits.test_seconds, help="Seconds a test cell may run").tag(config=True)
    cell_seconds = Float(Limits.cell_seconds, help="Seconds any other cell may run").tag(config=True)
    submission_seconds = Float(Limits.submission_seconds, help="Seconds a submission may run").tag(config=True)
    output_bytes = Integer(Limits.output_bytes, help="Bytes of output kept per cell").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        where = resources["nbgrader"]
        limits = Limits(self.test_seconds, self.cell_seconds, self.submission_seconds, self.output_bytes)
        engine = default_engine()
        self.log.warning(engine.promise)
        repairs = list(nb.metadata.get("course", {}).get("remarks", []))
        # nbgrader stands in the course's root while it converts.
        root = Path(os.getcwd())
        result = engine.run(Job.make(where["assignment"], where["student"], nb, root, limits, None))
        if result.fault:
            raise MachineFault(result.fault)
        result.remarks = repairs + result.remarks
        return apply(result, nb), resources
