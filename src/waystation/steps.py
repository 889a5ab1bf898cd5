"""What each kind of step does: read inputs from the store, call floor 3, write outputs.

`run_unit` is what a pool submits: the steps that share a model, one after the other, in one
process, the model kept warm between them. Results never travel through the pool; they lie in
the store, and only how each step ended comes back. A step that fails is recorded and the rest of
the unit goes on without its descendants; damage and a broken store end the unit.
"""

from __future__ import annotations

import functools
import json
import os
import platform
import resource
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

from waystation import __version__, mlm, select
from waystation.errors import LockMismatch, StepFailed, StoreError, WaystationError
from waystation.examples import JSON, KINDS, Candidate, HeadSpec, canonical, from_json, to_json
from waystation.lock import PACKAGES, task_of
from waystation.plan import ALGORITHMS, Step
from waystation.settings import Numerics, TrainConfig
from waystation.store import Damaged, Store
from waystation.translations import examples_of, work


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Something to show: how far a step is, in `unit`s (steps, examples)."""

    key: str
    done: int
    total: int
    unit: str
    seconds_left: float | None = None
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """How one step ended: `done`, `cached`, `failed`, `skipped` or `damaged`."""

    key: str
    state: str
    seconds: float = 0.0
    message: str = ""
    damaged: str = ""


Emit = Callable[["Progress | Finished"], None]

# The model that the last predict step used, so that the languages of one model share its loading,
# and the pool that its queries searched, with its embeddings.
_warm: dict[str, Any] = {}
_warm_pool: dict[str, Any] = {}
# Seconds that earlier runs took up to the state from which a training went on, by key.
_earlier: dict[str, float] = {}


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a unit runs: none of it enters a key."""

    root: Path
    """The store's folder."""
    beside: Path
    """The study's folder, which user code and model folders are relative to."""
    device: str = "auto"


def run_unit(place: Place, steps: Sequence[Step], emit: Emit) -> list[Finished]:
    """Run a unit's steps in order. Raises StoreError where the store itself is broken."""
    store = Store(place.root)
    ended: dict[str, Finished] = {}
    for step in steps:
        failed = [i for i in step.inputs if i in ended and ended[i].state in ("failed", "skipped")]
        if failed:
            ended[step.key] = Finished(
                key=step.key, state="skipped", message=f"needs {failed[0]}, which failed"
            )
        else:
            ended[step.key] = _run_step(store, place, step, emit)
        emit(ended[step.key])
        if ended[step.key].state == "damaged":
            break
    _warm.clear()
    _warm_pool.clear()
    return list(ended.values())


def _run_step(store: Store, place: Place, step: Step, emit: Emit) -> Finished:
    started = time.monotonic()

    def waiting() -> None:
        text = "another run holds this step; waiting for it"
        emit(Progress(key=step.key, done=0, total=0, unit="", text=text))

    try:
        with store.lock(step.key, waiting):
            if store.state(step.key) == "done":
                return Finished(key=step.key, state="cached")
            begun = datetime.now(UTC).isoformat(timespec="seconds")
            description: JSON = {
                "kind": step.kind,
                "algorithm": ALGORITHMS[step.kind],
                "spec": dict(step.spec),
            }
            store.publish(
                step.key,
                description,
                lambda folder: WORK[step.kind](store, place, step, folder, emit),
                lambda: _run_info(
                    step, begun, time.monotonic() - started + _earlier.pop(step.key, 0.0)
                ),
            )
    except Damaged as error:
        return Finished(key=step.key, state="damaged", message=str(error), damaged=error.key)
    except StoreError:
        raise
    except Exception as error:
        if "No space left on device" in str(error):
            raise StoreError(
                f"expected room in the store {store.root}, found a full disk; free space"
                " (`waystation gc STUDY` says what could go) and run again: nothing is lost."
            ) from error
        return _failed(store, step, error, time.monotonic() - started)
    return Finished(key=step.key, state="done", seconds=time.monotonic() - started)


def _failed(store: Store, step: Step, error: Exception, seconds: float) -> Finished:
    sentence = str(error) if isinstance(error, WaystationError) else _unexpected(error)
    path = store.record_failure(
        step.key,
        {
            "key": step.key,
            "label": step.label,
            "message": sentence,
            "trace": traceback.format_exc(),
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "host": platform.node(),
        },
    )
    return Finished(
        key=step.key, state="failed", seconds=seconds, message=f"{sentence} (trace: {path})"
    )


_version = functools.cache(version)  # each reading parses a file of metadata


def _unexpected(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _run_info(step: Step, begun: str, seconds: float) -> JSON:
    return {
        "label": step.label,
        "begun": begun,
        "seconds": round(seconds, 3),
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "host": platform.node(),
        "processor": platform.processor() or platform.machine(),
        "process": os.getpid(),
        "versions": {p: _version(p) for p in PACKAGES},
    }


# -- one function per kind -----------------------------------------------------------------------


def _train(store: Store, place: Place, step: Step, folder: Path, emit: Emit) -> None:
    from waystation.mixture import Member, Mixture
    from waystation.partial import Partial
    from waystation.train import Output, TrainProgress, finetune

    spec = cast("Any", step.spec)
    members = []
    for member, ref in zip(spec["members"], step.context["refs"], strict=True):
        task = task_of(ref, place.beside)
        _same_version(task.version, member["version"], task.name)
        members.append(
            Member(
                name=member["task"],
                task=task,
                language=member["language"],
                head=cast("HeadSpec", from_json(HeadSpec, member["head"])),
                examples=examples_of(store, member["data"], task.example),
                dev=examples_of(store, member["dev"], task.example) if member["dev"] else (),
                pool=cast("Any", store.data(member["pool"], Candidate) if "pool" in member else ()),
                dev_pool=cast(
                    "Any", store.data(member["dev_pool"], Candidate) if "pool" in member else ()
                ),
            )
        )

    def progress(p: TrainProgress) -> None:
        emit(
            Progress(
                key=step.key,
                done=p.step,
                total=p.steps,
                unit="steps",
                seconds_left=p.seconds_left,
                text=f"loss {p.loss:.3f}, {p.tokens_per_s:.0f} tokens/s",
            )
        )

    config = TrainConfig.model_validate(spec["config"])
    model = load_model(store, place, step, spec["parent"], keep_heads=config.keep_head)
    text = mlm.mixed(spec.get("mlm"), store)
    mixture = Mixture(members=tuple(members), rates=spec["rates"], cap=spec["cap"], **text)
    numerics = Numerics.model_validate(spec["numerics"])
    partial = Partial(
        store.partial(step.key),
        _fits(step, model),
        lambda text: emit(Progress(key=step.key, done=0, total=0, unit="", text=text)),
    )
    output = Output(folder=folder, progress=progress, partial=partial)
    finetune(model, mixture, config, numerics, int(spec["seed"]), output)
    _earlier[step.key] = partial.seconds


def _fits(step: Step, model: Any) -> dict[str, str]:
    """What decides the bytes of a training: a partial state of another is not continued."""
    import torch

    from waystation.memory import processor

    device = model.device.type
    return {
        "step": step.key,
        "waystation": __version__,
        **{p: _version(p) for p in PACKAGES},
        "processor": processor(),
        "device": torch.cuda.get_device_name(model.device) if device == "cuda" else device,
    }


def _select(store: Store, place: Place, step: Step, folder: Path, emit: Emit) -> None:
    select.write_choice(store, step, folder)


def _average(store: Store, place: Place, step: Step, folder: Path, emit: Emit) -> None:
    def raw() -> Any:
        from waystation.vocabulary import full_table

        return full_table(load_model(store, place, step, None, keep_heads=False)).detach().cpu()

    select.write_average(store, step, folder, raw)


def _predict(store: Store, place: Place, step: Step, folder: Path, emit: Emit) -> None:
    parent = cast("Any", step.spec["model"])
    done = select.twin(store, step)
    if done is not None:
        for name in ("lengths.json", "predictions.jsonl"):
            (folder / name).write_bytes(store.read(done, name))
    elif "checkpoints" in step.spec:
        for name, place_of in select.checkpoints(store, parent[0]).items():
            (folder / name).mkdir()
            _predict_with(store, place, step, place_of, folder / name, emit)
    else:
        _predict_with(store, place, step, parent, folder, emit)


def _predict_with(
    store: Store,
    place: Place,
    step: Step,
    parent: Sequence[str] | Path | None,
    folder: Path,
    emit: Emit,
) -> None:
    """Predict with one checkpoint and write what came of it into `folder`."""
    from waystation.predict import predict

    spec = cast("Any", step.spec)
    head = cast("HeadSpec", from_json(HeadSpec, spec["head"]))
    examples = store.data(spec["data"], KINDS[head.kind][0])
    named = str(parent) if isinstance(parent, Path) else parent
    warm = canonical([spec["backbone"], cast("JSON", named), "lm" in _kinds(spec)])
    if warm not in _warm:
        _warm.clear()
        _warm_pool.clear()
        _warm[warm] = load_model(store, place, step, parent, keep_heads=True)

    def progress(done: int, total: int) -> None:
        emit(Progress(key=step.key, done=done, total=total, unit="examples"))

    lengths: dict[str, int] = {}
    predictions = predict(
        _warm[warm],
        head,
        examples,
        Numerics.model_validate(spec["numerics"]),
        max_tokens=spec["max_tokens"],
        stride=spec["stride"],
        language=spec["language"],
        pool=_pool(store, spec.get("pool"), canonical([warm, spec["head"], spec["max_tokens"]])),
        lengths=lengths,
        progress=progress,
    )
    (folder / "lengths.json").write_text(canonical(cast("JSON", lengths)) + "\n")
    groups = {e.id: e.group for e in cast("Any", examples)}
    with (folder / "predictions.jsonl").open("w", encoding="utf-8") as file:
        for prediction in predictions:
            line = to_json(prediction) | {"group": groups[prediction.id]}
            file.write(canonical(line) + "\n")


def _pool(store: Store, name: str | None, model: str) -> Any:
    """The candidates of a digest, kept for the next language that searches the same ones."""
    from waystation.predict import Pool

    if name is None:
        return None
    key = f"{name} {model}"
    if key not in _warm_pool:
        _warm_pool.clear()
        _warm_pool[key] = Pool(tuple(cast("Any", store.data(name, Candidate))))
    return _warm_pool[key]


def _score(store: Store, place: Place, step: Step, folder: Path, emit: Emit) -> None:
    from waystation.score.scoring import is_hidden, score, unscored

    spec = cast("Any", step.spec)
    task = task_of(step.context["ref"], place.beside)
    _same_version(task.version, spec["version"], task.name)
    examples = store.data(spec["data"], task.example)
    if "checkpoints" in spec:
        every = {}
        outputs = [n.split("/") for n in store.outputs(spec["predict"])]
        for name in (n for n, *file in outputs if file == ["predictions.jsonl"]):
            predictions = read_predictions(store, spec["predict"], task.kind, f"{name}/")
            found = cast("Any", score(task, predictions, cast("Any", examples), spec["language"]))
            every[name] = found["variants"][""]
        body = canonical(found | {"variants": every})
        (folder / "score.json").write_text(body + "\n", encoding="utf-8")
        return
    predictions = read_predictions(store, spec["predict"], task.kind)
    tuning = None
    if "tuning" in spec:
        predict, data = spec["tuning"]
        tuned = read_predictions(store, predict, task.kind)
        tuning = (tuned, cast("Any", store.data(data, task.example)))
    work = unscored if is_hidden(task, examples) else score
    result = work(task, predictions, cast("Any", examples), spec["language"], tuning)
    (folder / "score.json").write_text(canonical(result) + "\n", encoding="utf-8")


def read_predictions(store: Store, key: str, kind: str, under: str = "") -> list[Any]:
    """A predict step's predictions, hashed while reading; `under` is a folder of its outputs."""
    found = []
    for line in store.read(key, f"{under}predictions.jsonl").decode().split("\n"):
        if line:
            found.append(from_json(KINDS[kind][1], json.loads(line)))
    return found


def _translate(store: Store, place: Place, step: Step, folder: Path, emit: Emit) -> None:
    from waystation import backbone

    digest = cast("str", step.spec["translator"])
    if digest not in _warm:
        _warm.clear()
        source = _pinned(step, place, digest, "translation model")
        _warm[digest] = backbone.load(source, text=True).to(_device(place))

    def progress(done: int, total: int, rate: str) -> None:
        emit(Progress(key=step.key, done=done, total=total, unit="sentences", text=rate))

    work(store, step, _warm[digest], folder, progress)


WORK: dict[str, Callable[[Store, Place, Step, Path, Emit], None]] = {
    "translate": _translate,
    "train": _train,
    "select": _select,
    "average": _average,
    "predict": _predict,
    "score": _score,
}


def load_model(
    store: Store,
    place: Place,
    step: Step,
    parent: Sequence[str] | Path | None,
    *,
    keep_heads: bool,
) -> Any:
    """The backbone as the parent stage left it, on its device; fresh where there is no parent.

    `parent` is (run, select step), or the folder of a checkpoint.
    """
    import transformers.modeling_utils  # noqa: F401  (whatever it imports is there from now on)

    from waystation import backbone
    from waystation.checkpoint import load_checkpoint
    from waystation.memory import give_back_memory, keep_memory

    keep_memory()
    give_back_memory()
    spec: Mapping[str, Any] = step.spec
    source = _pinned(step, place, spec["backbone"], "backbone")
    kinds = _kinds(spec)
    model = backbone.load(source, text="text" in kinds, lm="lm" in kinds)
    if parent is not None:
        folder = select.held(store, parent)
        load_checkpoint(model, folder, heads=keep_heads)
    return model.to(_device(place))


def _pinned(step: Step, place: Place, digest: str, what: str) -> Any:
    """The files of a step's model, which must be those that the lock pins."""
    from waystation import backbone

    source = backbone.locate(step.context["pinned"], place.beside)
    if source.digest != digest:
        raise LockMismatch(
            f"expected {what} {source.name} with digest {digest[:12]} as the lock pins it, found"
            f" {source.digest[:12]} in {source.path}; restore it or run with --relock."
        )
    return source


def _device(place: Place) -> str:
    import torch

    if place.device != "auto":
        return place.device
    return "cuda" if torch.cuda.is_available() else "cpu"


def _kinds(spec: Mapping[str, Any]) -> list[str]:
    """The kinds of the heads that a step trains or predicts with."""
    heads = [m["head"] for m in spec.get("members", [])]
    heads += [spec[name]["head"] for name in ("mlm",) if name in spec]
    heads += [spec["head"]] if "head" in spec else []
    return [head["kind"] for head in heads]


def _same_version(found: int, expected: int, name: str) -> None:
    if found != expected:
        raise StepFailed(
            f"expected version {expected} of task {name} as planned, found {found};"
            " run the study again, which plans anew."
        )
