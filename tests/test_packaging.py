"""The package as users get it: wheel and sdist, clean imports, and the environment's script."""

from __future__ import annotations

import os
import pkgutil
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import waystation

ROOT = Path(__file__).parents[1]
HEAVY_ON_PURPOSE = {
    # models and work: these are floors 2b and 3, which compute with torch
    *("adapters", "backbone", "batching", "checkpoint", "heads", "layers", "lorafolder", "model"),
    *("search", "vocabulary", "average", "embed", "encoded", "mining", "mixture", "negatives"),
    *("parameters", "partial", "plain", "predict", "train", "translate", "__main__"),
}


def test_the_light_floors_never_load_torch() -> None:
    names = [m.name for m in pkgutil.iter_modules(waystation.__path__)]
    light = [f"waystation.{name}" for name in names if name not in HEAVY_ON_PURPOSE]
    code = (
        "import importlib, sys\n"
        f"for name in {light}:\n"
        "    importlib.import_module(name)\n"
        "    if 'torch' in sys.modules or 'transformers' in sys.modules:\n"
        "        sys.exit(name)\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.stderr == ""
    assert found.returncode == 0


def test_versions_agree() -> None:
    citation = (ROOT / "CITATION.cff").read_text()
    assert f"version: {waystation.__version__}\n" in citation
    assert f"({waystation.__version__})" in (ROOT / "CHANGELOG.md").read_text()
    script = (ROOT / "scripts" / "environment.sh").read_text()
    torch = re.search(r'TORCH="torch==([\d.]+)"', script)
    assert torch is not None
    assert torch[1] == "2.13.0"


def test_every_dependency_is_pinned_with_hashes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = {"requirements.txt": project["project"]["dependencies"]}
    wanted["requirements-dev.txt"] = project["dependency-groups"]["dev"]
    for name, dependencies in wanted.items():
        text = (ROOT / name).read_text()
        pinned = re.findall(r"^([\w.-]+)==\S+(?: ;.*?)? \\\n    --hash=sha256:", text, re.MULTILINE)
        assert len(pinned) == len(re.findall(r"^[\w.-]+==", text, re.MULTILINE))
        for dependency in dependencies:
            package = re.split(r"[<>=]", dependency)[0].lower().replace("_", "-").replace(".", "-")
            assert package in pinned or package == "torch", f"{package} is not in {name}"
        assert not re.search(r"^(torch|nvidia-|triton|--)", text, re.MULTILINE)


def environment_script(tmp_path: Path, python: str, folder: str = "venv") -> tuple[int, str]:
    """Status and standard error of the script with an interpreter of ours in front."""
    fake = tmp_path / "python3"
    fake.write_text(f"#!/bin/sh\n{python}\n")
    fake.chmod(0o755)
    found = subprocess.run(
        [str(ROOT / "scripts" / "environment.sh"), str(tmp_path / folder)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHON": str(fake)},
    )
    assert not (tmp_path / "venv").exists()
    return found.returncode, found.stderr.replace(f"{tmp_path}/", "")


def test_an_old_python_is_named(tmp_path: Path) -> None:
    old = 'case "$1" in --version) echo "Python 3.9.2";; *) exit 1;; esac'
    assert environment_script(tmp_path, old) == (
        2,
        "Expected Python 3.11 or newer as 'python3', found Python 3.9.2; install it, or name one:"
        " make PYTHON=/path/to/python3.12 ...\n",
    )


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_a_missing_part_of_python_is_named(tmp_path: Path, module: str) -> None:
    python = f'case "$2" in "import {module}") exit 1;; *print*) echo 3.12;; *) exit 0;; esac'
    assert environment_script(tmp_path, python) == (
        2,
        f"Expected Python's '{module}' module, found python3 3.12 without it; on Debian and"
        " Ubuntu: apt-get install python3.12-venv\n",
    )


def test_a_venv_without_pip_is_named(tmp_path: Path) -> None:
    python = tmp_path / "old" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    assert environment_script(tmp_path, "exit 0", "old") == (
        2,
        "Expected pip in old, found none; delete that folder and run again.\n",
    )


@pytest.mark.slow
def test_wheel_and_sdist_run_from_a_clean_environment(tmp_path: Path) -> None:
    """Built from a copy of what git tracks, installed without the dependencies' own installs."""
    source = tmp_path / "source"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            target = source / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(tmp_path / "dist")]
    subprocess.run([*build, str(source)], check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    (sdist,) = (tmp_path / "dist").glob("*.tar.gz")

    package = {
        path.relative_to(source / "src").as_posix()
        for path in (source / "src").rglob("*")
        if path.is_file() and "egg-info" not in path.as_posix()
    }
    packed = set(zipfile.ZipFile(wheel).namelist())
    assert package <= packed, "files of the package that the wheel lacks"
    assert not any(name.startswith("tests") for name in packed)
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"LICENSE", "pyproject.toml", "src/waystation/cli.py"} <= names

    for artifact in (wheel, sdist):
        _runs(artifact, tmp_path / artifact.name.replace(".", "-"))


def _runs(artifact: Path, folder: Path) -> None:
    """Install into a fresh environment that borrows only our installed dependencies; run it."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    site = next((folder / "lib").glob("python*/site-packages"))
    installed = Path(pytest.__file__).parents[1]
    # A plain path file would run our own editable install's; a path entry alone does not.
    (site / "borrowed.pth").write_text(f"import sys; sys.path.append({str(installed)!r})\n")
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    install = ["install", "-q", "--no-deps", "--no-build-isolation", str(artifact)]
    subprocess.run([*pip, *install], check=True, capture_output=True)
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}

    def run(*arguments: str) -> str:
        found = subprocess.run(
            [str(folder / "bin" / "waystation"), *arguments],
            capture_output=True,
            text=True,
            cwd=folder,
            env=environment,
        )
        assert found.returncode == 0, found.stderr
        return found.stdout

    assert "Commands:" in run("--help")
    assert run("--version") == f"waystation {waystation.__version__}\n"
    where = "import waystation; print(waystation.__file__)"
    found = subprocess.run(
        [str(python), "-c", where], capture_output=True, text=True, cwd=folder, env=environment
    )
    assert found.stdout.startswith(str(folder))
    assert "pocket-pos" in run("tasks")
