"""Print the table: attack, points from nbgrader as it comes, points from the trusted engine.

    python -m tests.attacks [--tier bubblewrap|landlock|limits] [--json] [ATTACK]...

nbgrader and the weaker tiers run in a container of bubblewrap's (`container`); without one they are refused.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from course_lib.grading.trusted import TrustedEngine
from course_lib.grading.trusted.sandbox import TIERS, trial

from . import container, stock
from .corpus import TABLE, Attack
from .fort import HONEST_PART, fort
from .run import Outcome, grade_all

TIER_SECONDS = 420.0
Row = dict[str, Any]
Heard = Callable[[], None]


def row_of(outcome: Outcome) -> Row:
    result = outcome.result
    return {"attack": outcome.attack.name, "points": outcome.points, "learnt": outcome.learnt, "fault": result.fault}


def on_the_engine(attacks: list[Attack], tier: str, heard: Heard) -> dict[str, Row]:
    """Here for bubblewrap, which is what is to be shown to hold; in a container for what may not."""
    if tier != "bubblewrap":
        return _in_a_container(attacks, tier, heard)
    with tempfile.TemporaryDirectory() as folder, fort(Path(folder, "fort")) as root:
        engine = TrustedEngine(_tier(tier))
        try:
            found = grade_all(attacks, engine, root, done=lambda _: heard())
        finally:
            engine.close()
    return {o.attack.name: row_of(o) for o in found}


def _in_a_container(attacks: list[Attack], tier: str, heard: Heard) -> dict[str, Row]:
    arguments = ["-m", "tests.attacks", "--inside", "--tier", tier, *(a.name for a in attacks)]
    text = container.run(arguments, seconds=TIER_SECONDS, heard=lambda _: heard())
    rows = [json.loads(line) for line in text.splitlines()]
    lost = {a.name: {"attack": a.name, "points": None, "learnt": [], "fault": "the grader was ended"} for a in attacks}
    return lost | {row["attack"]: row for row in rows}


def _tier(name: str) -> Any:
    kind = next(k for k in TIERS if k.name == name)
    if why := trial(kind):
        raise click.ClickException(f"the tier {name} does not work here: {why}")
    return kind()


def inside(attacks: list[Attack], tier: str) -> None:
    """In the container: each outcome as a line."""
    with container.quiet_but_for_answers() as answer, fort(Path("/tmp/fort")) as root:
        engine = TrustedEngine(_tier(tier))
        grade_all(attacks, engine, root, done=lambda o: answer(json.dumps(row_of(o))))
        engine.close()


def on_stock(attacks: list[Attack], heard: Heard) -> dict[str, stock.Stock]:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        course = stock.template(Path(folder, "course"))

        def one(k: int) -> stock.Stock:
            found = stock.autograde(attacks[k], course, k)
            heard()
            return found

        with ThreadPoolExecutor(2) as pool:
            found = list(pool.map(one, range(len(attacks))))
    return {a.name: s for a, s in zip(attacks, found, strict=True)}


def together(attacks: list[Attack], tier: str, with_stock: bool) -> list[Row]:
    columns = (TextColumn("{task.description:22}"), BarColumn(30), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        first = progress.add_task(f"trusted, {tier}", total=len(attacks))
        second = progress.add_task("stock nbgrader", total=len(attacks)) if with_stock else None
        ours = on_the_engine(attacks, tier, lambda: progress.advance(first))
        theirs = on_stock(attacks, lambda: progress.advance(second)) if second is not None else {}
    rows = []
    for a in attacks:
        row = ours[a.name] | {"tries": a.tries, "deserves": a.deserves}
        if a.name in theirs:
            row["stock"] = vars(theirs[a.name])
        row["held"] = not row["fault"] and not row["learnt"] and row["points"] == a.deserves
        rows.append(row)
    return rows


def stock_held(row: Row) -> bool:
    return row["stock"]["points"] == row["deserves"] and not row["stock"]["learnt"]


def summary(rows: list[Row], tier: str) -> Row:
    attacks = [r for r in rows if r["attack"] != "honest"]
    out: Row = {
        "tier": tier,
        "attacks": len(attacks),
        "here": {"held": sum(r["held"] for r in attacks), "not held": [r["attack"] for r in attacks if not r["held"]]},
    }
    tried = [r for r in attacks if "stock" in r]
    if tried:
        scores = [(r["stock"]["points"], r["deserves"]) for r in tried]
        out["stock"] = {
            "held": sum(map(stock_held, tried)),
            "undeserved points": sum(p is not None and p > d for p, d in scores),
            "deserved points lost": sum(p is not None and p < d for p, d in scores),
            "no score at all": sum(p is None for p, _ in scores),
            "learnt a secret": sum(bool(r["stock"]["learnt"]) for r in tried),
        }
    return out


def show(rows: list[Row], total: Row) -> None:
    def number(points: float | None) -> str:
        return "none" if points is None else f"{points:g}"

    table = Table(title=f"Points of 10; the honest part of an attack is worth {HONEST_PART:g}")
    for heading in ("attack", "tries to", "deserves", "stock", "here", "learnt on stock", "learnt here"):
        table.add_column(heading, justify="right" if heading in ("deserves", "stock", "here") else "left")
    for r in rows:
        theirs = r.get("stock")
        told = [number(theirs["points"]), ", ".join(theirs["learnt"])] if theirs else ["", ""]
        mark = "" if r["held"] else " (!)"
        here = number(r["points"]) + mark
        table.add_row(
            r["attack"], r["tries"], number(r["deserves"]), told[0], here, told[1], r["fault"] or ", ".join(r["learnt"])
        )
    console = Console()
    (console if console.is_terminal else Console(width=150)).print(table)
    here = total["here"]
    click.echo(f"\nOf {total['attacks']} attacks the trusted engine ({total['tier']}) held off {here['held']}.")
    if here["not held"]:
        click.echo(f"Not held: {', '.join(here['not held'])}.")
    if theirs := total.get("stock"):
        click.echo(
            f"nbgrader as it comes held off {theirs['held']}: {theirs['undeserved points']} gained points, "
            f"{theirs['deserved points lost']} lost honest ones, {theirs['no score at all']} were left without a "
            f"score, {theirs['learnt a secret']} learnt a secret."
        )


@click.command()
@click.option("--tier", type=click.Choice([k.name for k in TIERS]), default="bubblewrap", show_default=True)
@click.option("--stock/--no-stock", default=True, show_default=True, help="Whether nbgrader is tried too.")
@click.option("--json", "as_json", is_flag=True, help="Print rows and summary for a machine to read.")
@click.option("--inside", "within", is_flag=True, hidden=True)
@click.argument("names", nargs=-1)
def main(tier: str, stock: bool, as_json: bool, within: bool, names: tuple[str, ...]) -> None:
    """Try the attacks NAMES (all of them when left out) on nbgrader and on the trusted engine."""
    unknown = sorted(set(names) - {a.name for a in TABLE})
    if unknown:
        raise click.UsageError(f"no attack called {', '.join(unknown)}")
    attacks = [a for a in TABLE if not names or a.name in names]
    if within:
        inside(attacks, tier)
        return
    if (stock or tier != "bubblewrap") and (why := container.why_not()):
        raise click.ClickException(
            f"attacks on nbgrader and on weaker tiers run only in a container, and none can be had: {why}. "
            "Nothing was run; --no-stock tries the bubblewrap tier alone."
        )
    rows = together(attacks, tier, stock)
    total = summary(rows, tier)
    if as_json:
        click.echo(json.dumps({"rows": rows, "summary": total}, indent=1))
    else:
        show(rows, total)
    sys.exit(0 if all(r["held"] for r in rows) else 1)


if __name__ == "__main__":
    main()
