"""What holds the project together: the floors as they are when run, the wheel, and the README's commands."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import estui
from estui.config import Settings, themes_dir

ROOT = Path(__file__).parent.parent
PACKAGE = Path(estui.__file__).parent
FLOORS = (
    "record config client plan muting core query session text events fields message paths sources "
    "sources.scenario cli cli.cat cli.stat cli.plan cli.plan.coverage cli.plan.explain cli.plan.export "
    "cli.plan.check cli.plan.diff cli.plan.import_ cli.plan.judge cli.plan.lint cli.plan.list cli.plan.suggest "
    "cli.doctor cli.screen lab.chart lab.coverage lab.export lab.keep lab.lints lab.macmonitor tables"
).split()
"""What a headless command may import: everything but the screen."""


def imported(code: str) -> set[str]:
    """The top-level packages that are imported once a fresh Python has run this."""
    code += "\nimport sys; print(*{name.partition('.')[0] for name in sys.modules})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    return set(result.stdout.split())


def test_nothing_below_the_screen_imports_textual() -> None:
    lines = [f"import estui.{floor}" for floor in FLOORS]
    assert not imported("\n".join(lines)) & {"textual", "rich"}


def test_every_module_below_the_screen_is_asked() -> None:
    """A new module joins the list above, or is imported by one that is on it."""
    code = "\n".join(f"import estui.{floor}" for floor in FLOORS)
    code += "\nimport sys; print(*(name for name in sys.modules if name.startswith('estui')))"
    asked = set(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, check=True, text=True
        ).stdout.split()
    )
    modules = {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        for path in PACKAGE.rglob("*.py")
    }
    below = {name for name in modules if not name.startswith("estui.tui") and name != "estui.__main__"}
    assert below <= asked


@pytest.mark.parametrize(
    "words",
    [["--version"], ["--help"], ["cat", "FILE"], ["stat", "FILE"], ["plan", "list"], ["doctor"], ["FILE"]],
)
def test_headless_commands_do_not_import_textual(words: list[str], tmp_path: Path) -> None:
    file = tmp_path / "one.jsonl"
    file.write_bytes(b'{"event":{"fork":{}}}\n')
    words = [str(file) if word == "FILE" else word for word in words]
    code = f"import io, sys\nout, sys.stdout = sys.stdout, io.StringIO()\nfrom estui.cli import main\nmain({words})\n"
    assert not imported(code + "sys.stdout = out") & {"textual", "rich"}


def test_help_reads_none_of_the_engine() -> None:
    code = "import io, sys\nout, sys.stdout = sys.stdout, io.StringIO()\nfrom estui.cli import main\nmain(['--help'])\n"
    assert not imported(code + "sys.stdout = out") & {"orjson", "_cffi_backend", "platformdirs"}


def test_the_version_is_told_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "version" in project["dynamic"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", estui.__version__)
    assert f"## {estui.__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_themes_and_plans_are_files_of_the_package() -> None:
    assert list(themes_dir().glob("*.toml"))
    assert list((PACKAGE / "plans").glob("*.toml"))
    assert list((PACKAGE / "expectations").glob("*.toml"))
    assert (PACKAGE / "lab" / "coverage.toml").is_file()


def test_the_readme_has_the_command_that_ci_runs() -> None:
    commands = re.findall(r"^python3 -m venv .*$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert len(commands) == 2
    assert commands[1] in (ROOT / ".ci" / "run").read_text()


def test_the_readme_names_every_setting() -> None:
    readme = (ROOT / "README.md").read_text()
    assert all(f"`{name}`" in readme for name in Settings.__dataclass_fields__)
