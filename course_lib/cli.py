"""The ``course`` command: one verb for each thing a course needs. Verbs parse and print; the work is done elsewhere.

Results go to stdout, talk to stderr. Exit 0: done; 1: something could not be done; 2: misused.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from course_lib.grading.course import Course, find_course
from course_lib.grading.errors import CourseError, Misuse, SourceFault

if TYPE_CHECKING:
    from course_lib.grading.gradebook import Row

talk = Console(stderr=True, highlight=False)


def results() -> Console:
    """Tables as wide as they need to be when nobody looks at them on a terminal."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 200)


class Verbs(click.Group):
    """Turns errors into messages, and a misspelt verb into a hint."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except CourseError as error:
            if ctx.params.get("debug"):
                raise
            whose = "error in the course's source" if isinstance(error, SourceFault) else "error"
            talk.print(f"[bold red]{whose}:[/] {escape(str(error))}", soft_wrap=True)
            ctx.exit(error.exit_code)
        except (click.exceptions.Exit, click.ClickException, click.Abort):
            raise
        except KeyboardInterrupt:
            talk.print("[bold red]stopped.[/] What was recorded so far is kept; run the same command to go on.")
            ctx.exit(1)
        except Exception as error:
            if ctx.params.get("debug"):
                raise
            talk.print(
                f"[bold red]error:[/] unexpected {type(error).__name__}: {escape(str(error))}\n"
                "This is a fault of the command, not of what you typed. Details: course --debug ...",
                soft_wrap=True,
            )
            ctx.exit(1)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            if near:
                error.message += f" Did you mean  course {near[0]}?"
            raise

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which a course is made and taught."""
        return list(self.commands)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--root", type=click.Path(file_okay=False), help="The course's folder, if it is not the current one.")
@click.option("--debug", is_flag=True, help="Show a traceback when something fails.")
@click.version_option(package_name="course-lib", prog_name="course")
@click.pass_context
def main(ctx: click.Context, root: str | None, debug: bool) -> None:
    """Build the book, release assignments, grade them and tell students how they did.

    ASSIGNMENT is the name of a folder under solutions/, such as a2-rnn; its beginning is enough (a2).

    \b
    Try it on a made-up class of twelve:
      course grade a2-rnn --sample
    A term with real students:
      course release a2-rnn        the notebook for students, in assignments/a2-rnn/
      course grade a2-rnn          all of _grading/submitted/STUDENT/a2-rnn/
      course feedback a2-rnn       a page for each student
      course export --format csv   the marks
    A student, before handing in:
      course check a2-rnn.ipynb
    """
    ctx.obj = root


def _course(ctx: click.Context) -> Course:
    return find_course(ctx.obj)


@main.command()
@click.argument("pages", nargs=-1)
@click.option("--lenient", is_flag=True, help="Let warnings pass, as while writing a page.")
@click.pass_context
def build(ctx: click.Context, pages: tuple[str, ...], lenient: bool) -> None:
    """Build the book (all of it, or only PAGES).

    Every page is executed, and a warning is an error. The result is in _build/html/.

    \b
    Examples:
      course build
      course build book/recurrent/rnn.md --lenient
    """
    course = _course(ctx)
    from course_lib import publishing

    publishing.build(course.root, strict=not lenient, pages=list(pages) or None)


@main.command()
@click.argument("assignment", required=False)
@click.option("--check", is_flag=True, help="Change nothing; fail if a committed release is not up to date.")
@click.option("--tidy", is_flag=True, help="First drop outputs and odd cell ids from the sources.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def release(ctx: click.Context, assignment: str | None, check: bool, tidy: bool, as_json: bool) -> None:
    """Make the students' notebooks in assignments/ from solutions/.

    Solutions and hidden tests are taken out by nbgrader's own steps. Before that the source is held against the
    authoring rules. The same source always gives the same bytes.

    \b
    Examples:
      course release               all assignments
      course release a2-rnn
      course release --check       is what is committed still what the sources give?
    """
    course = _course(ctx)
    from course_lib.grading import authoring, gradebook
    from course_lib.grading import release as releasing

    names = course.chosen(assignment)
    if tidy:
        for name in names:
            if authoring.tidy_source(course.source(name)):
                talk.print(f"tidied {course.show(course.source(name))}")
    if not check:
        made = {name: course.show(releasing.write_release(course, name)) for name in names}
        for name in names:
            with gradebook.logs_to_file(course, f"release-{name}"):
                source = authoring.check_source(course, name)
                gradebook.register(course, name, releasing.grading_version(source))
        _print(made, as_json, lambda: [click.echo(path) for path in made.values()])
        return
    found = {name: releasing.check_release(course, name) for name in names}
    _print(
        {name: [dataclasses.asdict(d) for d in differences] for name, differences in found.items()},
        as_json,
        lambda: [click.echo(str(d)) for differences in found.values() for d in differences],
    )
    stale = [name for name, differences in found.items() if differences]
    if stale:
        raise CourseError(f"out of date: {', '.join(stale)}. Run: course release {stale[0] if len(stale) == 1 else ''}")
    talk.print(f"up to date: {', '.join(names)}")


@main.command()
@click.argument("notebook", type=click.Path(path_type=Path))
@click.option("--assignment", help="Which assignment it is, if the file's name does not say.")
@click.option("--timeout", type=click.FloatRange(min=0.1), help="Seconds each test may take.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def check(ctx: click.Context, notebook: Path, assignment: str | None, timeout: float | None, as_json: bool) -> None:
    """Run the visible tests of your NOTEBOOK before you hand it in.

    It runs from top to bottom in a fresh kernel, as it will when it is graded, and is not changed. Exit status 0
    means that every visible test passes; the hidden tests ask the same of other inputs.

    \b
    Example:
      course check assignments/a2-rnn/a2-rnn.ipynb
    """
    course = _course(ctx)
    from course_lib.grading import check as checking

    with _waiting(f"running {notebook.name}"):
        report = checking.check(course, notebook, assignment, _limits(timeout))
    _print(dataclasses.asdict(report) | {"ready": report.ready}, as_json, lambda: _show_check(report))
    if not report.ready:
        ctx.exit(1)


@main.command()
@click.argument("assignment", required=False)
@click.option("--submissions", type=click.Path(path_type=Path, file_okay=False), help="Instead of _grading/submitted.")
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True, help="Submissions run at a time.")
@click.option("--scheduler", metavar="ADDRESS", help="Run them on the Dask cluster of this scheduler instead.")
@click.option("--student", "students", multiple=True, help="Only this student; may be given several times.")
@click.option("--timeout", type=click.FloatRange(min=0.1), help="Seconds each test may take (default 10).")
@click.option("--due", help='The deadline, kept for later runs: "2026-10-05 23:59 UTC".')
@click.option("--term", help="Names the term, from which hidden inputs are drawn; kept for later runs.")
@click.option("--fresh", is_flag=True, help="Execute all, also what was judged before.")
@click.option("--db", metavar="URL", help="The gradebook's database, if not what nbgrader_config.py names.")
@click.option("--sample", is_flag=True, help="Make a class of twelve, grade it, write its feedback.")
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
@click.pass_context
def grade(
    ctx: click.Context,
    assignment: str | None,
    submissions: Path | None,
    workers: int,
    scheduler: str | None,
    students: tuple[str, ...],
    timeout: float | None,
    due: str | None,
    term: str | None,
    fresh: bool,
    db: str | None,
    sample: bool,
    as_json: bool,
) -> None:
    """Grade all submissions of an ASSIGNMENT into nbgrader's gradebook.

    Submissions lie in _grading/submitted/STUDENT/ASSIGNMENT/ASSIGNMENT.ipynb, with a timestamp.txt beside them where
    lateness counts. Marks and comments given by hand are kept. Grading again gives the same scores, and executes
    only what is new. A run that was stopped, by whatever, is completed by the same command.

    Student code runs in the strongest sandbox that this machine has, and is judged outside it; which one is printed
    first. `course doctor` says more.

    \b
    Examples:
      course grade a2-rnn --sample                try it on a made-up class
      course grade a2-rnn --workers 4
      course grade a2-rnn --student ada --json
      course grade a2-rnn --scheduler tcp://scheduler:8786
    """
    course = _course(ctx)
    name = _one(course, assignment)
    if not scheduler:
        _warm(course, name)
    from course_lib.grading import batch, database, engines, feedback, gradebook
    from course_lib.grading import sample as samples

    made: list[samples.SampleStudent] = []
    if sample:
        if submissions or due or db:
            raise Misuse(
                "--sample brings its own submissions, deadline and gradebook; leave out --submissions, --due and --db."
            )
        course, made = samples.write_sample(course, name)
    if scheduler and ctx.get_parameter_source("workers") is click.core.ParameterSource.COMMANDLINE:
        raise Misuse("--workers is about this machine; with --scheduler, the cluster decides. Leave one of them out.")
    if db:
        database.choose(db)
    if due:
        gradebook.set_due(course, name, _date(due))
    runner = engines.engine()
    talk.print(f"[yellow]note:[/] {runner.promise}", soft_wrap=True)
    with _progress(f"grading {name}") as (set_total, advance):
        report = batch.grade(
            course,
            name,
            students=list(students) or None,
            folder=submissions.resolve() if submissions else None,
            workers=workers,
            limits=_limits(timeout),
            engine=runner,
            term=term,
            fresh=fresh,
            scheduler=scheduler,
            on_start=set_total,
            on_done=lambda student: advance(),
        )
    rows = report.rows
    if sample:
        with gradebook.logs_to_file(course, f"feedback-{name}"):
            samples.mark_sample(course, name, made)
            feedback.write_feedback(course, name)
            rows = gradebook.rows(course, name)
    stories = {student.name: student.story for student in made}
    _print([_row_dict(row) for row in rows], as_json, lambda: _show_rows(rows, stories))
    kept = len(report.graded) - report.executed
    talk.print(f"executed   {report.executed}" + (f", and {kept} judged before" if kept else ""))
    talk.print(f"gradebook  {database.shown(course)}")
    talk.print(f"log        {course.show(report.log)}")
    if sample:
        talk.print(f"feedback   {course.show(course.feedback)}/STUDENT/{name}/{name}.html")
    else:
        talk.print(f"next       course feedback {name}")
    ungraded = [row.student for row in rows if row.status == "ungraded" and row.student in report.graded]
    if ungraded:
        raise CourseError(f"{len(ungraded)} could not be graded: {', '.join(ungraded)}. The reasons are given above.")


@main.command()
@click.argument("assignment", required=False)
@click.option("--sample", is_flag=True, help="For the made-up class.")
@click.option("--json", "as_json", is_flag=True, help="Print the pages' paths as JSON.")
@click.pass_context
def feedback(ctx: click.Context, assignment: str | None, sample: bool, as_json: bool) -> None:
    """Write one page per student: scores, what went wrong, your comments, their work.

    Pages lie in _grading/feedback/STUDENT/ASSIGNMENT/, where nbgrader's release_feedback finds them. Each is one
    file that needs no network. Hidden tests are not shown.

    \b
    Example:
      course feedback a2-rnn
    """
    course = _course(ctx)
    from course_lib.grading import feedback as pages
    from course_lib.grading import gradebook

    name = _one(course, assignment)
    course = course.for_sample() if sample else course
    with gradebook.logs_to_file(course, f"feedback-{name}"), _progress(f"feedback {name}") as (_, advance):
        paths = [course.show(path) for path in pages.write_feedback(course, name, lambda student: advance())]
    _print(paths, as_json, lambda: [click.echo(path) for path in paths])


@main.command()
@click.argument("assignment", required=False)
@click.option("--format", "form", type=click.Choice(["csv", "json"]), default="csv", show_default=True)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="A file, instead of stdout.")
@click.option("--sample", is_flag=True, help="For the made-up class.")
@click.pass_context
def export(ctx: click.Context, assignment: str | None, form: str, output: Path | None, sample: bool) -> None:
    """Print the marks of an ASSIGNMENT, or of all that were graded.

    One line per student and assignment. An empty score means "not graded"; nothing handed in counts 0.

    \b
    Examples:
      course export --format csv --output marks.csv
      course export a2-rnn --format json
    """
    course = _course(ctx)
    from course_lib.grading import export as exporting

    names = course.chosen(assignment)
    target = course.for_sample() if sample else course
    text = exporting.marks(target, names, form, must_exist=assignment is not None)
    if output:
        output.write_text(text, encoding="utf-8")
        talk.print(f"wrote {output}")
    else:
        click.echo(text, nl=False)


@main.command()
@click.argument("assignment", required=False)
@click.option("--exercise", "exercises", multiple=True, help="Only this exercise; may be given several times.")
@click.option("--seeds", type=click.IntRange(min=1), default=3, show_default=True, help="Rejected for each of so many.")
@click.option("--survivors/--no-survivors", default=True, help="List mutants that the tests accept.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
@click.pass_context
def mutants(
    ctx: click.Context,
    assignment: str | None,
    exercises: tuple[str, ...],
    seeds: int,
    survivors: bool,
    as_json: bool,
) -> None:
    """Measure how many wrong answers the hidden tests reject.

    Named wrong answers are those we keep in tests/wrong_answers/. Mutants are made by machine from the reference,
    each with one small mistake. Exit status 0 needs: every named one rejected with the phrase it should hear, 95 % of
    the mutants that are mistakes, every survivor explained, no right answer rejected.

    \b
    Example:
      course mutants a2-rnn --exercise rnn_step
    """
    course = _course(ctx)
    from course_lib.grading import mutants as measuring

    names, everything = course.chosen(assignment), {}
    for name in names:
        with _progress(f"mutants {name}") as (_, advance):
            everything[name] = measuring.measure(
                course,
                name,
                exercises=list(exercises) or None,
                seeds=tuple(range(1, seeds + 1)),
                on_answer=lambda answer, advance=advance: advance(),
            )
    _print(
        {name: [tally.as_dict() for tally in tallies] for name, tallies in everything.items()},
        as_json,
        lambda: [_show_tallies(name, tallies, survivors) for name, tallies in everything.items()],
    )
    weak = [name for name, tallies in everything.items() if not measuring.good_enough(tallies)]
    if weak:
        raise CourseError(f"the hidden tests of {', '.join(weak)} are not good enough; see what is listed above.")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Say which walls this machine can put around student code, and what it cannot promise.

    Walls are tried, not looked up: each kind starts a sandbox and shuts one process in. Grading uses the first that
    works. Exit status 1 means that files would not be protected.

    \b
    Example:
      course doctor
    """
    from course_lib.grading import trusted

    findings = [{"wall": name, "works": works, "says": says} for name, works, says in trusted.describe()]
    in_force = next((f["wall"] for f in findings if f["works"] and f["wall"] != "seccomp"), None)

    def show() -> None:
        out = results()
        for finding in findings:
            mark = "[green]✓[/]" if finding["works"] else "[red]✗[/]"
            chosen = "  [bold]in force[/]" if finding["wall"] == in_force else ""
            out.print(f"{mark} [bold]{finding['wall']}[/]{chosen}", soft_wrap=True)
            out.print(f"  {finding['says']}", soft_wrap=True)

    _print({"in_force": in_force, "walls": findings}, as_json, show)
    if in_force not in ("bubblewrap", "landlock"):
        raise CourseError(
            "nothing here keeps student code from your files. On Debian or Ubuntu: apt-get install bubblewrap; "
            "elsewhere grade only work that you trust, or use another machine."
        )


@main.command()
@click.argument("assignment", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print who did what as JSON.")
@click.pass_context
def sample(ctx: click.Context, assignment: str | None, as_json: bool) -> None:
    """Make a class of twelve that does what real classes do.

    Its submissions lie in _grading/sample/, apart from your students'. To grade it in the same go:
    course grade ASSIGNMENT --sample

    \b
    Example:
      course sample a2-rnn
    """
    course = _course(ctx)
    from course_lib.grading import gradebook
    from course_lib.grading import sample as samples

    name = _one(course, assignment)
    with gradebook.logs_to_file(course.for_sample(), f"sample-{name}"):
        target, students = samples.write_sample(course, name)

    def show() -> None:
        table = _table(f"{name}: a made-up class", "student", "what they hand in")
        for student in students:
            table.add_row(student.name, student.story)
        results().print(table)

    _print({s.name: s.story for s in students}, as_json, show)
    talk.print(f"submissions  {target.show(target.submitted)}/STUDENT/{name}/")


# --- helpers: reading arguments ---------------------------------------------------------------------------------


def _one(course: Course, assignment: str | None) -> str:
    if assignment:
        return course.find(assignment)
    names = course.chosen(None)
    if len(names) > 1:
        raise Misuse(f"which assignment? There is: {', '.join(names)}.")
    return names[0]


def _warm(course: Course, assignment: str) -> None:
    """Let the engine's processes load, torch and all, on another core while nbgrader loads here."""
    # jsonschema would spend a second on a grammar of international web addresses, which no notebook's schema asks for.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    from course_lib.grading import engines

    warm = getattr(engines.engine(), "warm", None)
    if warm is not None:
        warm(course.root, assignment)


def _limits(timeout: float | None) -> Any:
    from course_lib.grading.engine import Limits

    return Limits(test_seconds=timeout) if timeout else Limits()


def _date(text: str) -> datetime:
    from course_lib.grading.submissions import parse_date

    try:
        return parse_date(text)
    except ValueError as error:
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
        raise Misuse(f'--due "{text}" is no date. Write it like "{now}".') from error


# --- helpers: printing ------------------------------------------------------------------------------------------


def _print(data: Any, as_json: bool, show: Callable[[], Any]) -> None:
    if as_json:
        click.echo(json.dumps(data, indent=1, ensure_ascii=False, default=str))
    else:
        show()


@contextmanager
def _progress(what: str) -> Iterator[tuple[Callable[[int], None], Callable[[], None]]]:
    """A bar on stderr; `set_total` and `advance` move it."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=talk, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda total: bar.update(task, total=total), lambda: bar.advance(task)


@contextmanager
def _waiting(what: str) -> Iterator[None]:
    with talk.status(what):
        yield


def _table(title: str, *columns: str) -> Table:
    return Table(*columns, title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1))


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}".rstrip("0").rstrip(".")


def _row_dict(row: Row) -> dict[str, Any]:
    return dataclasses.asdict(row)


def _show_rows(rows: list[Row], stories: dict[str, str]) -> None:
    """One line per student; exercises are numbered, since their names are long."""
    first = next((row for row in rows if row.exercises), None)
    names = list(first.exercises) if first else []
    written = list(first.written) if first else []
    table = _table(rows[0].assignment if rows else "nobody")
    table.add_column("student")
    for head in (*map(str, range(1, len(names) + 1)), *["written" for _ in written], "late", "score"):
        table.add_column(head, justify="right")
    table.add_column("status")
    colours = {"graded": "green", "to mark": "cyan", "ungraded": "bold red", "missing": "yellow"}
    for row in rows:
        cells = [escape(row.student)]
        cells += [_number(row.exercises[n].points) if n in row.exercises else "–" for n in names]
        cells += [_number(row.written[n].points) if n in row.written else "–" for n in written]
        cells += [f"−{_number(row.late_penalty)}" if row.late_penalty else "", _number(row.score)]
        table.add_row(*cells, f"[{colours[row.status]}]{row.status}[/]")
    console = results()
    console.print(table)
    if first:
        legend = [f"{i} {name} ({_number(first.exercises[name].maximum)})" for i, name in enumerate(names, start=1)]
        legend += [f"written {name} ({_number(first.written[name].maximum)})" for name in written]
        console.print("  ".join(legend) + "\n", style="dim")
    wide = max((len(row.student) for row in rows), default=0)
    for row in rows:
        said = [stories[row.student]] if row.student in stories else []
        said += row.remarks if row.status != "missing" or not said else []
        for number, line in enumerate(said):
            name = row.student if number == 0 else ""
            console.print(f"[bold]{escape(name):<{wide}}[/]  {escape(line)}")


def _show_check(report: Any) -> None:
    table = _table(report.assignment)
    table.add_column("exercise")
    table.add_column("state")
    table.add_column("what the tests say", overflow="fold")
    looks = {
        "ready": "[green]✓ visible tests pass[/]",
        "written": "[green]✓ written, marked by hand[/]",
        "not started": "[yellow]– not started[/]",
        "fails": "[red]✗ fails[/]",
    }
    for line in report.lines:
        table.add_row(escape(line.name), looks[line.state], escape(line.message))
    console = results()
    console.print(table)
    for warning in report.warnings:
        console.print(f"[yellow]![/] {escape(warning)}")
    if report.ready:
        console.print("Everything visible passes. Hand it in.")
    else:
        left = sum(not line.done for line in report.lines)
        console.print(f"{left} of {len(report.lines)} still to do.")


def _show_tallies(name: str, tallies: list[Any], survivors: bool) -> None:
    table = _table(f"{name}: what the hidden tests reject")
    table.add_column("exercise")
    for head in ("named wrong", "mutants", "equivalent", "rate", "right accepted"):
        table.add_column(head, justify="right")
    for t in tallies:
        table.add_row(
            t.exercise,
            f"{t.named_killed}/{t.named}",
            f"{t.mutants_killed}/{t.mutants}",
            str(t.equivalent),
            f"{100 * t.rate:.1f} %",
            f"{t.right_accepted}/{t.right}",
        )
    console = results()
    console.print(table)
    for t in tallies:
        for complaint in t.complaints:
            console.print(f"[red]✗[/] {escape(f'{t.exercise}: {complaint}')}")
        for s in t.survivors if survivors else []:
            how = f"[dim]equivalent: {escape(s.why)}[/]" if s.why else "[red]survives, not explained[/]"
            console.print(f"{escape(s.id)}  {how}")
            if not s.why:
                console.print(f"    - {escape(s.before)}\n    + {escape(s.after)}", style="dim")


if __name__ == "__main__":
    main()
