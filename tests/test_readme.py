"""What the README tells a newcomer to type works, and what it shows is there."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
COMMANDS = [
    line.split("#")[0].strip()
    for block in re.findall(r"```bash\n(.*?)```", README, flags=re.DOTALL)
    for line in block.splitlines()
    if line.strip()
]
# These would run this test again, or take minutes to time things: what they would do is only looked up.
ONLY_LOOKED_UP = {"make test", "make bench"}


def run(command, **environment):
    return subprocess.run(
        command, shell=True, cwd=ROOT, capture_output=True, text=True, env=os.environ | environment, timeout=1200
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_command_of_the_readme_works(command):
    venv = ROOT / ".venv" / "bin" / "course"
    if not venv.exists():
        pytest.skip(f"{venv.relative_to(ROOT)} does not exist: run the tests with `make test`")
    done = run(f"make --dry-run {command.split()[1]}" if command in ONLY_LOOKED_UP else command)
    # The released notebook is not solved, and `course check` says so with exit code 1.
    expected = (0, 1) if " check " in command else (0,)
    assert done.returncode in expected, done.stdout[-2000:] + done.stderr[-2000:]
    assert "Traceback" not in done.stderr


def test_both_commands_of_the_promise_are_there():
    assert {"make course", "make test"} <= set(COMMANDS)


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)]+)\)", README))
def test_link_of_the_readme_leads_somewhere(target):
    assert (ROOT / target).is_file()


def test_readme_fits_a_screen():
    assert len(README.splitlines()) <= 50
