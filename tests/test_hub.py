"""Reading from the hub: pinning, layouts, drift, failures, resuming, offline, secrets.

The clients are `huggingface_hub` and `datasets` themselves, against a hub on the loopback.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from datasets import ClassLabel, Features, Value
from huggingface_hub import constants

from hub_rows import PUBLISHED, TEXT
from hub_server import CONVERTED, FakeHub, Fault, Repository, card, connect, parquet, serving
from waystation import hub, hub_files, sources
from waystation.errors import DataError, UserError
from waystation.hub_files import Hub
from waystation.task import get

SNLI = PUBLISHED["snli", "en", "dev"]
REPOSITORY = "stanfordnlp/snli"
XNLI = PUBLISHED["xnli", "de", "test"]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with serving() as running:
        connect(monkeypatch, tmp_path, running.endpoint)
        yield running


@pytest.fixture
def snli(fake: FakeHub) -> FakeHub:
    fake.put(REPOSITORY, {"plain_text": {"validation": SNLI.rows}}, SNLI.features)
    return fake


def load(place: Hub | None = None, *where: str) -> Any:
    name, language, split = where or ("snli", "en", "dev")
    return sources.load(get(name), place or Hub(), language, split)


def refused(place: Hub | None = None, *where: str) -> str:
    with pytest.raises(UserError) as caught:
        load(place, *where)
    text = str(caught.value)
    assert "\n" not in text
    assert "pass --data DIR" in text or "official files" in text
    return text


# -- pinning -------------------------------------------------------------------------------------


def test_a_pinned_commit_is_read_after_the_branch_moved(snli: FakeHub) -> None:
    first = load()
    pins = hub.pinned(file.path for file in first.files)
    old = snli.repositories[REPOSITORY].branches["main"]
    assert pins == {REPOSITORY: [old]}
    rows = [{**row, "premise": "Other."} for row in SNLI.rows]
    new = snli.put(REPOSITORY, {"plain_text": {"validation": rows}}, SNLI.features)
    assert new != old
    snli.asked.clear()
    assert load(Hub(pins=pins)) == first
    assert not snli.of(REPOSITORY), "a cached commit needs no network"
    moved = load()
    assert moved.examples[0].text == "Other."
    assert hub.pinned(file.path for file in moved.files) == {REPOSITORY: [new]}


def test_a_pinned_commit_that_is_gone(snli: FakeHub) -> None:
    text = refused(Hub(pins={REPOSITORY: ["d" * 40]}))
    assert f"expected revision {'d' * 40} of the dataset {REPOSITORY}" in text
    assert "--relock" in text


def test_paths_say_repository_and_commit() -> None:
    path = Path(f"/c/hub/datasets--owner--na-me/snapshots/{'a' * 40}/de/test.parquet")
    shown = f"hf://datasets/owner/na-me@{'a' * 40}/de/test.parquet"
    assert hub.shown(path) == shown
    assert hub.shown(Path("data/xnli/test-de.tsv")) is None
    assert hub.pinned([shown, "xnli/test-de.tsv"]) == {"owner/na-me": ["a" * 40]}


def test_only_the_files_of_a_split_are_fetched(fake: FakeHub) -> None:
    tables = {"de": {"test": XNLI.rows, "train": XNLI.rows}, "fr": {"test": XNLI.rows}}
    fake.put("facebook/xnli", tables, XNLI.features)
    load(None, "xnli", "de", "test")
    fetched = {path for method, path, _ in fake.of(".parquet") if method == "GET"}
    assert [path.rpartition("/")[2] for path in fetched] == ["test-00000-of-00001.parquet"]


def test_shards_are_joined_in_order(fake: FakeHub) -> None:
    files = {
        f"plain_text/validation-0000{place}-of-00002.parquet": parquet(rows, SNLI.features)
        for place, rows in enumerate((SNLI.rows[:1], SNLI.rows[1:]))
    }
    configs = card({"plain_text": {"validation": "plain_text/validation-*"}})
    fake.repositories[REPOSITORY] = repository = Repository()
    repository.commit({"README.md": configs, **files})
    found = load()
    assert [example.id for example in found.examples] == ["1", "3"]
    assert len(found.files) == 2


def test_the_hubs_conversion_is_read_where_a_repository_has_a_script(fake: FakeHub) -> None:
    sha = fake.put(
        REPOSITORY, {"plain_text": {"validation": SNLI.rows}}, SNLI.features, converted=True
    )
    assert fake.repositories[REPOSITORY].branches[CONVERTED] == sha
    assert hub.pinned(file.path for file in load().files) == {REPOSITORY: [sha]}


# -- what is there and what is not ---------------------------------------------------------------


def test_a_repository_that_is_missing(fake: FakeHub) -> None:
    text = refused()
    assert f"expected the dataset {REPOSITORY} on the hub, found no such repository" in text
    assert "hf auth login" in text


def test_a_gated_repository(snli: FakeHub) -> None:
    snli.repositories[REPOSITORY].gated = True
    text = refused()
    assert "found it gated; accept its terms at https://huggingface.co/datasets/" in text
    assert "hf auth login" in text


def test_a_configuration_that_is_missing(snli: FakeHub) -> None:
    snli.put(REPOSITORY, {"plain_txt": {"validation": SNLI.rows}}, SNLI.features)
    text = refused()
    assert "configuration 'plain_text', split 'validation'" in text
    assert "Did you mean 'plain_txt'?" in text


def test_a_split_that_is_missing(snli: FakeHub) -> None:
    text = refused(None, "snli", "en", "train")
    assert "found the configuration without that split among validation at main" in text


def test_a_script_without_a_conversion(fake: FakeHub) -> None:
    fake.repositories[REPOSITORY] = repository = Repository()
    repository.commit({"README.md": b"# A dataset\n", "snli.py": b"script"})
    assert "found configurations (none)" in refused()


def test_a_language_that_the_hub_does_not_have(fake: FakeHub) -> None:
    text = refused(None, "udpos", "wo", "test")
    assert "expected language 'wo' and split 'test' on the hub" in text
    assert not sources.present(get("udpos"), Hub(), "th", "train")
    assert sources.present(get("udpos"), Hub(), "th", "test")
    assert not fake.asked, "what the schema knows needs no question"


def test_with_a_data_folder_nothing_comes_from_the_hub(snli: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        sources.load(get("snli"), tmp_path, "en", "dev")
    assert "under" in str(caught.value)
    assert not snli.asked


# -- drift ---------------------------------------------------------------------------------------


def drifted(fake: FakeHub, features: Features) -> str:
    rows = [{name: row.get(name) for name in features} for row in SNLI.rows]
    if features.get("label") == TEXT:
        rows = [{**row, "label": str(row["label"])} for row in rows]
    fake.put(REPOSITORY, {"plain_text": {"validation": rows}}, features)
    with pytest.raises(DataError) as caught:
        load()
    text = str(caught.value)
    assert text.startswith(f"hf://datasets/{REPOSITORY}@")
    assert "has changed since its schema was written down" in text
    return text


def test_labels_in_another_order_are_drift(fake: FakeHub) -> None:
    other = ClassLabel(names=["contradiction", "neutral", "entailment"])
    text = drifted(fake, Features({**SNLI.features, "label": other}))
    assert "to be labels entailment, neutral, contradiction, found labels contradiction" in text


@pytest.mark.parametrize(("type_", "found"), [(Value("int64"), "integer"), (TEXT, "text")])
def test_labels_of_another_type_are_drift(fake: FakeHub, type_: Any, found: str) -> None:
    text = drifted(fake, Features({**SNLI.features, "label": type_}))
    assert f"found {found}; labels would be wrong" in text


def test_a_column_of_another_name_is_drift(fake: FakeHub) -> None:
    features = Features({"premises": TEXT, "hypothesis": TEXT, "label": SNLI.features["label"]})
    text = drifted(fake, features)
    assert "expected the column 'premise' (text), found premises, hypothesis, label." in text
    assert "Did you mean 'premises'?" in text


def test_wider_numbers_and_more_columns_are_no_drift(fake: FakeHub) -> None:
    data = PUBLISHED["xcopa", "et", "dev"]
    features = Features({**data.features, "label": Value("int64"), "more": TEXT})
    rows = [{**row, "more": "x"} for row in data.rows]
    fake.put(data.repository, {"et": {"validation": rows}}, features)
    assert load(None, "xcopa", "et", "dev").examples[0].label == 0


def test_a_file_that_is_no_parquet(fake: FakeHub) -> None:
    fake.repositories[REPOSITORY] = repository = Repository()
    repository.commit({"plain_text/validation/0000.parquet": b"PAR1 cut off"})
    with pytest.raises(DataError) as caught:
        load()
    assert "expected readable parquet files" in str(caught.value)


def test_no_datasets_library(snli: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    text = refused()
    assert "expected the Python package `datasets`" in text


# -- failures that pass, and those that do not ---------------------------------------------------


@pytest.mark.parametrize("part", ["/revision/main", "/tree/", "README.md", ".parquet"])
def test_a_hub_that_is_down_for_a_while_is_asked_again(snli: FakeHub, part: str) -> None:
    times = 1 if part == "/tree/" else 2  # huggingface_hub waits by itself before a listing
    snli.faults.append(Fault(part, times, status=503, method="GET"))
    assert len(load().examples) == 2
    assert snli.faults[0].times == 0


def test_a_hub_that_stays_down(snli: FakeHub) -> None:
    snli.faults.append(Fault("/revision/main", times=99, status=500))
    text = refused()
    assert "the hub cannot be reached" in text
    assert snli.faults[0].times == 99 - 5, "five tries"


def test_a_hub_that_nobody_answers_for(snli: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert "the hub cannot be reached" in refused()


def test_waits_double(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(hub_files.time, "sleep", waited.append)
    monkeypatch.setattr(hub_files, "_passing", lambda _: True)

    def fails() -> None:
        raise ValueError("down")

    with pytest.raises(ValueError, match="down"):
        hub_files.patiently(fails)
    assert waited == [1.0, 2.0, 4.0, 8.0]


def long_rows(fake: FakeHub, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """900 rows, about 15 kB, and a client that writes what it has of them every 500 bytes."""
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 500)
    rows = [
        {"premise": f"Premise {number}.", "hypothesis": f"{number * 7919}", "label": 1}
        for number in range(900)
    ]
    fake.put(REPOSITORY, {"plain_text": {"validation": rows}}, SNLI.features)
    return rows


def ranges_of(fake: FakeHub) -> list[str | None]:
    return [h.get("range") for method, _, h in fake.of(".parquet") if method == "GET"]


def test_a_cut_connection_is_resumed_where_it_broke(
    fake: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = long_rows(fake, monkeypatch)
    fake.faults.append(Fault(".parquet", times=1, after_bytes=2000))
    assert [example.text for example in load().examples] == [row["premise"] for row in rows]
    assert ranges_of(fake) == [None, "bytes=2000-"]


def test_a_later_run_keeps_the_files_that_a_failed_one_finished(
    fake: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within a file, `huggingface_hub` resumes in the same process only (its #4228)."""
    test_shards_are_joined_in_order(fake)
    pins = {REPOSITORY: [fake.repositories[REPOSITORY].branches["main"]]}
    for file in Path(constants.HF_HUB_CACHE).rglob("validation-00001-*"):
        file.resolve().unlink()
        file.unlink()
    fake.faults.append(Fault("00001-of-", times=99, status=503, method="GET"))
    assert "status 503 after 5 tries; try again (finished files are kept)" in refused(Hub(pins))
    fake.faults.clear()
    fake.asked.clear()
    load(Hub(pins))
    fetched = {path.rpartition("/")[2] for _, path, _ in fake.of(".parquet")}
    assert fetched == {"validation-00001-of-00002.parquet"}


def test_the_last_seen_commit_serves_while_the_hub_is_down(snli: FakeHub) -> None:
    first = load()
    snli.faults.append(Fault("/api/datasets", times=99, status=503))
    said: list[str] = []
    assert load(Hub(say=said.append)) == first
    assert "the hub cannot be reached; stanfordnlp/snli is read as it was last seen" in said[0]


# -- offline -------------------------------------------------------------------------------------


def test_offline_the_cache_serves(snli: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    snli.asked.clear()
    assert load() == first
    assert not snli.asked


def test_offline_without_a_cache(snli: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    text = refused()
    assert "HF_HUB_OFFLINE is set" in text
    assert f"hf download --repo-type dataset {REPOSITORY}" in text


def test_offline_the_sentence_names_the_branch_that_is_missing(
    fake: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import snapshot_download

    tables = {"plain_text": {"validation": SNLI.rows}}
    fake.put(REPOSITORY, tables, SNLI.features, converted=True)
    snapshot_download(REPOSITORY, repo_type="dataset")  # main, where there is a script alone
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    command = f"hf download --repo-type dataset {REPOSITORY} --revision refs/convert/parquet"
    assert command in refused()


def test_offline_half_a_split_is_no_split(
    fake: FakeHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    test_shards_are_joined_in_order(fake)
    (shard,) = (tmp_path / "hub").rglob("validation-00001-of-00002.parquet")
    shard.unlink()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "found it incomplete or absent" in refused()


def test_a_copy_that_the_hubs_own_command_fetched_serves_offline(
    snli: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import snapshot_download

    snapshot_download(REPOSITORY, repo_type="dataset")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert len(load().examples) == 2


# -- secrets, and what is not imported -----------------------------------------------------------


def test_a_token_is_sent_and_shown_nowhere(
    snli: FakeHub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "hf_" + "secret" * 6
    monkeypatch.setenv("HF_TOKEN", secret)
    caplog.set_level(logging.DEBUG)
    found = load()
    assert any(secret in h.get("authorization", "") for _, _, h in snli.asked)
    snli.repositories[REPOSITORY].gated = True
    snli.put("nyu-mll/glue", {"rte": {"test": []}}, PUBLISHED["rte", "en", "dev"].features)
    texts = [refused(Hub(), "mnli", "en", "train"), refused(Hub(), "rte", "en", "dev")]
    assert secret not in "".join([*texts, *(file.path for file in found.files), caplog.text])


def test_the_catalogue_imports_no_hub_client() -> None:
    code = (
        "import sys\nfrom waystation import catalogue\ncatalogue.show_tasks(None, json=True)\n"
        "print([m for m in ('datasets', 'huggingface_hub', 'pyarrow') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"
    facts = json.loads("\n".join(ran.stdout.splitlines()[:-1]))
    unverified = {f["name"] for f in facts if f["hub"] and not f["hub"]["verified"]}
    assert "xnli" in unverified
    # Candidates come from files; so do MultiCheckList's suites, CCGbank and parallel text.
    files = {f["name"] for f in facts if f["candidates"]} | {"multichecklist", "ccg"}
    files |= {"multi30k", "flores200", "small_parallel_enja"}
    pocket = {f["name"] for f in facts if f["name"].startswith("pocket-")}
    assert {f["name"] for f in facts if f["hub"] is None} == pocket | files
