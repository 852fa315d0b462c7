"""The grader: from an instructor's notebook to marks and feedback, on top of nbgrader.

It is walled off: nothing here imports the rest of course_lib, and only :mod:`course_lib.cli` imports this.

Reading order
-------------
course         where things lie: solutions, assignments, submissions, gradebook
errors         the three kinds of failure: the student's (a score), the instructor's, the machine's
notebooks      reading and writing notebooks; which cell is what; the blueprint of an assignment
authoring      the rules a source notebook must obey
release        source -> student version, by nbgrader's own preprocessors
repair         a submission's damaged cells, put right from the blueprint
submissions    finding and reading what students handed in
kernel         one Jupyter kernel with wall-clock and output limits
engine         a submission -> a verdict per test cell; the seam where another engine can be put
gradebook      nbgrader's own database: recording, and reading back as rows
batch          a whole class, several submissions at a time, one writer
check          what a student runs before handing in
feedback       one page per student
sample         a made-up class
mutation, mutants   how good the hidden tests are
preprocessors, config, late   the same, as plugs for plain nbgrader commands
"""
