"""Run every benchmark and print one table: ``python -m benchmarks [--threads N] [--json]``."""

import importlib
import json
import os
import platform
from dataclasses import asdict

import click
from rich.console import Console
from rich.table import Table

BENCHMARKS = ["rnn", "char_lm", "scaling", "grading"]


@click.command()
@click.option("--threads", default=1, show_default=True, help="Threads for NumPy and for each peer.")
@click.option("--json", "as_json", is_flag=True, help="Print the rows for a machine to read.")
@click.argument("names", nargs=-1)
def main(threads, as_json, names):
    """Time course_lib beside its peers. NAMES picks benchmarks; all of them when left out."""
    unknown = sorted(set(names) - set(BENCHMARKS))
    if unknown:
        raise click.UsageError(f"no benchmark called {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    # The libraries read these once, when they are first imported.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(threads)
    import torch

    torch.set_num_threads(threads)
    rows = [row for name in names or BENCHMARKS for row in importlib.import_module(f"benchmarks.{name}").rows()]
    if as_json:
        click.echo(json.dumps([asdict(row) | {"reached": row.reached} for row in rows], indent=1))
        return
    table = Table(title=f"{threads} thread(s), {platform.machine()}, medians of interleaved runs")
    for heading in ("what", "size", "ours", "peer", "peer's", "ratio", "reach", ""):
        table.add_column(heading, justify="right" if heading in ("ours", "peer's", "ratio", "reach") else "left")
    for r in rows:
        verdict = "reached" if r.reached else "missed"
        ours, theirs = r.amounts()
        table.add_row(r.what, r.size, ours, r.peer, theirs, f"{r.ratio:.2f}", f"≤ {r.reach:.2f}", verdict)
    # Piped output has no width of its own; the table wants about this much.
    console = Console()
    (console if console.is_terminal else Console(width=130)).print(table)


if __name__ == "__main__":
    main()
