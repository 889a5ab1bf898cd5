"""Resolving: do all the reading a study asks for and pin it in `study.lock`.

The lock holds everything that planning needs and nothing that a machine may change: every stage
spelled out with its settings, every file with its sha256, every set of examples by the digest of
its canonical lines, every backbone by the digest of its files, and concrete numerics. Planning
is then a pure function of the lock. Examples are kept in the store under their digest, so that a
resolved study runs without its data folder.

Resolving again compares: what the lock already pins must still be what is found, or the run
stops and says what changed (`--relock` accepts it). What the study newly asks for is added.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

from waystation import hub, sources
from waystation import task as tasks
from waystation.errors import LockMismatch, StudyFaults, UserError
from waystation.examples import GOLD, JSON, Candidate, HeadSpec, canonical, digest, to_json
from waystation.hub_files import Hub
from waystation.score.scoring import is_hidden
from waystation.settings import Numerics, TrainConfig
from waystation.store import Store, explained, pretty, write_atomically
from waystation.study import Stage, Study, Target, TaskUse
from waystation.study_parts import RETRIEVAL
from waystation.task import Task

FORMAT = 1
PACKAGES = ("torch", "transformers", "tokenizers", "accelerate", "safetensors", "numpy")
HELD_OUT_SHARE = 0.05
SHOWN = 12  # names in a sentence
POOL_OF_TRIAL = 10
"""Candidates of a trial (--limit) beside the relevant ones, per example."""

Lock = dict[str, JSON]


@dataclass
class Resolver:
    """One resolving: remembers files it hashed and examples it read."""

    study: Study
    store: Store
    data: sources.Place
    limit: int | None
    old: Mapping[str, Any]
    say: Callable[[str], None] = lambda _: None
    entries: dict[str, JSON] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    _hashes: dict[Path, list[JSON]] = field(default_factory=dict)
    _loaded: dict[tuple[str, str, str], Any] = field(default_factory=dict)

    @property
    def beside(self) -> Path:
        """The folder that user files and model folders are relative to."""
        return self.study.path.resolve().parent

    def task(self, use: TaskUse | Target) -> Task[Any]:
        """The Task that a use names."""
        return task_of({"task": use.task, "own": own_json(use.own)}, self.beside)

    # -- stages --------------------------------------------------------------------------------

    def stage(self, stage: Stage, target: Target | None = None) -> JSON:
        """A training stage with its members' data pinned."""
        config = self.study.config_for(stage, target)
        members = [self.member(use, config, target) for use in stage.members]
        rates = stage.rates if isinstance(stage.rates, (str, dict)) else stage.rates.model_dump()
        return {
            "members": members,
            "rates": cast("JSON", rates),
            "cap": stage.cap,
            "config": cast("JSON", config.model_dump()),
        }

    def member(self, use: TaskUse, config: TrainConfig, target: Target | None) -> JSON:
        """One task of a stage: its head, its training and its dev examples."""
        task = self.task(use)
        entry = self.training(use, task, config.dev_examples)
        return {
            "task": task.name,
            "ref": {"task": use.task, "own": own_json(use.own)},
            "version": task.version,
            "language": use.language,
            "head": to_json(head_of(task, target, self.study.recipes)),
            "data": entry,
        }

    # -- data ----------------------------------------------------------------------------------

    def training(self, use: TaskUse, task: Task[Any], dev_examples: int) -> str:
        """Pin one set of training examples and its dev set; gives the entry's name."""
        split = use.split or task.train_split
        count = least(use.examples, self.limit)
        name = f"{named(task, use.own)} {use.language} {split} examples={count} skip={use.skip}"
        name += f" dev={least(dev_examples, self.limit)}"
        dev = task.dev_split if task.dev_split not in (None, *split.split("+")) else None

        def make() -> dict[str, JSON]:
            examples, notes = self.examples(task, use.language, split, use)
            files = self.files(task, use.language, split)
            limited = examples[: self.limit]
            _require_gold(task, use.language, split, limited)
            held: tuple[Any, ...]
            if dev is not None and self.present(task, use.language, dev):
                held = self.read(task, use.language, dev)[: least(dev_examples, self.limit)]
                files += [f for f in self.files(task, use.language, dev) if f not in files]
            else:
                limited, held = hold_out(limited, dev_examples)
                notes.append(
                    f"{task.name}: no dev split apart from the training examples; {len(held)} of"
                    f" {len(limited) + len(held)} are held out for it (whole groups)."
                )
            notes += said_of(task, self.data, use.language, split)
            made: dict[str, JSON] = {
                "count": len(limited),
                "digest": self.store.put_data(limited),
                "dev_count": len(held),
                "dev_digest": self.store.put_data(held) if held else None,
                "files": files,
                "notes": cast("JSON", notes),
            }
            if task.pools and not task.mines:
                splits = (
                    f"{split}+{dev}" if dev and self.present(task, use.language, dev) else split
                )
                pool = sources.load_pool(task, self.data, (use.language,), splits).examples
                for part, queries in (("pool_digest", limited), ("dev_pool_digest", held)):
                    made[part] = self.store.put_data(trial_pool(pool, queries, 0))
            return made

        splits = [split] + ([dev] if dev else [])
        return self.entry(name, task, use.language, splits, make)

    def evaluation(self, target: Target, task: Task[Any], language: str, split: str) -> str:
        """Pin one language's examples of a split to evaluate; gives the entry's name."""
        count = least(target.examples, self.limit)
        name = f"{named(task, target.own)} {language} {split} first={count}"

        def make() -> dict[str, JSON]:
            examples = self.read(task, language, split)[:count]
            notes = said_of(task, self.data, language, split)
            if is_hidden(task, examples):
                notes.append(
                    f"{task.name}: the {split} files have no gold in {language}, as benchmarks hide"
                    " it: predicted, as a submission needs, and not scored."
                )
            else:
                _require_gold(task, language, split, examples)
            return {
                "count": len(examples),
                "digest": self.store.put_data(examples),
                "files": self.files(task, language, split),
                "notes": cast("JSON", notes),
            }

        return self.entry(name, task, language, [split], make)

    def pool(self, target: Target, task: Task[Any], language: str, split: str) -> str:
        """Pin the candidates that one language's queries search; gives the entry's name."""
        count = least(target.examples, self.limit)
        shared = task.shared_pool
        languages = sources.available(task, self.data, split) if shared else (language,)
        name = f"{named(task, target.own)} {'+'.join(languages)} {split} pool"
        name += f" limit={self.limit}" if self.limit is not None else ""
        asked = _languages(self, target, task) if shared else (language,)
        if shared and (absent := [tag for tag in task.languages if tag not in languages]):
            self.remarks.append(
                f"{target.name}: the candidates are those of {len(languages)} of"
                f" {len(task.languages)} languages (absent: {', '.join(absent)}), so scores are"
                " higher than with the official pool."
            )

        def make() -> dict[str, JSON]:
            loaded = sources.load_pool(task, self.data, languages, split)
            pool: Sequence[Candidate] = loaded.examples
            if self.limit is not None:
                queries = [e for tag in asked for e in self.read(task, tag, split)[:count]]
                pool = trial_pool(pool, queries, POOL_OF_TRIAL * self.limit)
            return {
                "count": len(pool),
                "digest": self.store.put_data(pool),
                "files": cast("JSON", [list(f) for f in loaded.files]),
                "notes": [],
            }

        return self.entry(name, task, language, [], make)

    def entry(
        self,
        name: str,
        task: Task[Any],
        language: str,
        splits: list[str],
        make: Callable[[], dict[str, JSON]],
    ) -> str:
        """Take the old lock's entry where its files are unchanged, else read and compare."""
        if name in self.entries:
            return name
        old = self.old.get("data", {}).get(name)
        try:
            if old is None or not self.unchanged(old, task, language, splits):
                self.say(f"reading {name}")
                new = make()
                new["task"], new["version"] = task.name, task.version
                self.entries[name] = new
            else:
                self.entries[name] = old
        except UserError as error:
            self.faults.append(str(error))
            self.entries[name] = {}
        return name

    def unchanged(
        self, old: Mapping[str, Any], task: Task[Any], language: str, splits: list[str]
    ) -> bool:
        """Whether an entry's files, version and stored examples are as the lock says."""
        names = ("digest", "dev_digest", "pool_digest", "dev_pool_digest")
        digests = [old.get(name) for name in names]
        if old.get("version") != task.version:
            return False
        if not all(self.store.has_data(d) for d in digests if d):
            return False
        if task.hub is not None and isinstance(self.data, Hub) and _on_hub(old):
            return True  # a commit does not change
        now: list[JSON] = []
        if not splits:
            return False  # a pool: reading it again is cheap beside embedding it
        for split in splits:
            if split == splits[0] or self.present(task, language, split):
                now += [f for f in self.files(task, language, split) if f not in now]
        return now == old.get("files")

    def examples(
        self, task: Task[Any], language: str, split: str, use: TaskUse
    ) -> tuple[tuple[Any, ...], list[str]]:
        """A use's share of a split, with what is worth saying of it."""
        everything = self.read(task, language, split)
        chosen = sources.select(task, everything, use.examples, use.skip)
        notes = []
        if use.examples is not None and len(chosen) < use.examples:
            notes.append(
                f"{task.name}: {use.examples} training examples were asked for,"
                f" {len(chosen)} are there and are used."
            )
        return chosen, notes

    def read(self, task: Task[Any], language: str, split: str) -> tuple[Any, ...]:
        """All examples of a split, read and checked once."""
        key = (task.name, language, split)
        if key not in self._loaded:
            self._loaded[key] = sources.load(task, self.data, language, split).examples
        return cast("tuple[Any, ...]", self._loaded[key])

    def present(self, task: Task[Any], language: str, split: str) -> bool:
        """Whether the files of a split are there."""
        return language in sources.available(task, self.data, split)

    def files(self, task: Task[Any], language: str, split: str) -> list[JSON]:
        """[path, sha256, bytes] of a split's files, paths relative to the data folder."""
        found: list[JSON] = []
        for part in split.split("+"):
            for path in sources.find(task, self.data, language, part).files:
                if path not in self._hashes:
                    self._hashes[path] = list(sources.source_file(path, self.data))
                found.append(cast("JSON", self._hashes[path]))
        return found


def resolve(
    study: Study,
    store: Store,
    *,
    data: Path | None = None,
    limit: int | None = None,
    relock: bool = False,
    keep: bool = True,
    say: Callable[[str], None] = lambda _: None,
) -> Lock:
    """Read what the study needs, compare with its lock, write the lock, and return it.

    Without `data`, tasks come from the hub, at the commits that the lock names. Without `keep`
    it neither compares nor writes.

    Raises StudyFaults with everything that is missing or wrong, LockMismatch with everything
    that changed.
    """
    path = lock_path(study, limit)
    old = {} if relock else read_lock(path)
    place = Hub(pins=_pins(old), say=say) if data is None else data
    resolver = Resolver(study, store, place, limit, old, say)
    lock: Lock = {
        "format": FORMAT,
        "study": study.name,
        "content": content_of(study),
        "versions": _versions(),
        "numerics": numerics_of(study.numerics, old),
        "backbones": _backbones(resolver),
        "seeds": list(study.seeds),
        "stops": [
            {"name": s.name, "stages": [resolver.stage(stage) for stage in s.stages]}
            for s in study.intermediate
        ],
        "targets": [_target(resolver, t) for t in study.targets],
    }
    lock["data"] = resolver.entries
    lock["remarks"] = cast("JSON", resolver.remarks)
    _check_lengths(resolver, lock)
    if resolver.faults:
        raise StudyFaults(list(dict.fromkeys(resolver.faults)))
    if not keep:
        return lock
    changed = differences(old, lock)
    if changed:
        more = f"; and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
        raise LockMismatch(
            f"{path}: expected what this lock pins, found "
            + "; ".join(changed[:SHOWN])
            + f"{more}. Restore it, or run with --relock to accept the change"
            " (steps that depend on it are computed again)."
        )
    text = pretty(lock)
    if not path.exists() or path.read_text() != text:
        with explained(path.parent):
            write_atomically(path, text)
    return lock


def _pins(old: Mapping[str, Any]) -> dict[str, list[str]]:
    """The commits of hub repositories that a lock names."""
    return hub.pinned(f[0] for entry in old.get("data", {}).values() for f in entry["files"])


def _on_hub(entry: Mapping[str, Any]) -> bool:
    """Whether all of an entry's files are pinned to commits of the hub."""
    return bool(entry["files"]) and all(hub.pinned([f[0]]) for f in entry["files"])


def said_of(task: Task[Any], place: sources.Place, language: str, split: str) -> list[str]:
    """What to say of files of another release, or of a schema not compared with the live hub."""
    if task.hub is not None and isinstance(place, Hub):
        if task.hub.verified:
            return []
        return [
            f"{task.name}: read from {task.hub.card} by a schema that agrees with what was found,"
            " but was written from public documentation and not compared with the official files."
        ]
    found = [sources.find(task, place, language, part).layout for part in sources.parts(split)]
    notes = dict.fromkeys(layout.note for layout in found if layout.note)
    return [f"{task.name} ({language}): {note}" for note in notes]


def _versions() -> dict[str, JSON]:
    found: dict[str, JSON] = {p: version(p) for p in PACKAGES}
    return found | {"python": platform.python_version()}


def _backbones(resolver: Resolver) -> dict[str, JSON]:
    from waystation import backbone

    found: dict[str, JSON] = {}
    for name in resolver.study.backbones:
        try:
            source = backbone.locate(name, resolver.beside)
        except UserError as error:
            resolver.faults.append(str(error))
            continue
        found[name] = {
            "origin": source.origin,
            "revision": source.revision,
            "digest": source.digest,
            "architecture": source.architecture,
            "size_bytes": source.size_bytes,
            "max_tokens": source.max_tokens,
            "licence": source.licence,
            "notes": list(source.notes),
        }
    return found


def _check_lengths(resolver: Resolver, lock: Mapping[str, Any]) -> None:
    """No stage may ask for longer inputs than a backbone has positions."""
    stages = [s for stop in lock["stops"] for s in stop["stages"]]
    longest = [s["config"]["max_tokens"] for s in stages]
    longest += [target["max_tokens"] for target in lock["targets"]]
    for name, source in lock["backbones"].items():
        most = source["max_tokens"]
        if most is not None and max(longest) > most:
            resolver.faults.append(
                f"{resolver.study.path}: expected max_tokens of at most {most}, the positions of"
                f" backbone {name}, found {max(longest)}; lower max_tokens."
            )


def _target(resolver: Resolver, target: Target) -> JSON:
    task = resolver.task(target)
    stages = target.stages
    if target.fine_tuned and stages is None:
        own = TaskUse(task=target.task, own=target.own, language=task.source_language)
        uses = [TaskUse(task=t) for t in task.train] or [own]
        stages = tuple(Stage(members=(use,)) for use in uses)
    head = head_of(task, target, resolver.study.recipes)
    pinned = [resolver.stage(s, target) for s in stages or ()] if target.fine_tuned else []
    if pinned:
        trained = [m["head"] for m in cast("Any", pinned[-1])["members"]]
        if to_json(head) not in trained and task.kind not in RETRIEVAL:
            resolver.faults.append(
                f"{resolver.study.path}: targets.{target.name}: expected its last fine-tuning"
                f" stage to train a {head.kind} head with labels {list(head.labels)}, found"
                f" {[(h['kind'], h['labels']) for h in trained]}; fine-tune on a task of the same"
                " kind and labels."
            )
    config = resolver.study.config_for(
        (stages or (Stage(members=(TaskUse(task=target.task, own=target.own),)),))[-1], target
    )
    source = stages[-1].members[0].language if stages else task.source_language
    pinned_target: dict[str, JSON] = {
        "name": target.name,
        "task": task.name,
        "ref": {"task": target.task, "own": own_json(target.own)},
        "version": task.version,
        "head": to_json(head),
        "fine_tuned": target.fine_tuned,
        "source_language": source,
        "stages": pinned,
        "max_tokens": config.max_tokens,
        "stride": config.stride,
    }
    return pinned_target | _evaluated(resolver, target, task)


def _evaluated(resolver: Resolver, target: Target, task: Task[Any]) -> dict[str, JSON]:
    """Language -> entry of what is evaluated, of its pool, and of what thresholds are chosen on.

    A task that mines pairs has one entry more for each of the first two: its tune split, which
    may be what is evaluated; then the threshold is chosen on the very same pairs, an oracle.
    """
    split = target.split or task.test_split
    languages = _languages(resolver, target, task)
    parts: dict[str, JSON] = {
        "evaluate": {tag: resolver.evaluation(target, task, tag, split) for tag in languages}
    }
    if task.pools:
        parts["pools"] = {tag: resolver.pool(target, task, tag, split) for tag in languages}
    tuned = task.tune_split
    if tuned is not None and tuned != split:
        parts["tuning"] = {
            tag: [
                resolver.evaluation(target, task, tag, tuned),
                resolver.pool(target, task, tag, tuned),
            ]
            for tag in languages
        }
    return parts


def _require_gold(task: Task[Any], language: str, split: str, examples: Sequence[Any]) -> None:
    without = next((e.id for e in examples if getattr(e, GOLD[task.kind]) is None), None)
    if without is not None:
        raise UserError(
            f"expected gold in task {task.name}, {language}, split {split}, found none for example"
            f" '{without}' (benchmarks hide test labels); choose a split with labels."
        )


def _languages(resolver: Resolver, target: Target, task: Task[Any]) -> tuple[str, ...]:
    """The target's languages; where it names none, all of the task's whose files are there."""
    if target.languages is not None:
        return target.languages
    split = target.split or task.test_split
    there = sources.available(task, resolver.data, split)
    if not there:  # let reading say what is missing
        return task.languages[:1]
    absent = [tag for tag in task.languages if tag not in there]
    if absent:
        more = f" and {len(absent) - SHOWN} more" if len(absent) > SHOWN else ""
        count = "one language" if len(there) == 1 else f"{len(there)} languages"
        resolver.remarks.append(
            f"{target.name}: evaluated in the {count} whose {split} files are there; absent:"
            f" {', '.join(absent[:SHOWN])}{more}."
        )
    return there


def head_of(task: Task[Any], target: Target | None, recipes: str = "study") -> HeadSpec:
    """A task's head under a target's options; retrieval heads carry layers and poolings."""
    options = dict(task.options)
    if recipes == "official" and task.kind in ("tagging", "span"):
        options["windows"] = "official"
    options |= target.options if target is not None else {}
    if task.kind in RETRIEVAL and target is not None:
        layers = target.layers
        options["layers"] = layers if isinstance(layers, str) else ",".join(map(str, layers))
        options["pooling"] = ",".join(target.pooling)
        if target.scoring:
            options["scoring"] = ",".join(target.scoring)
        if target.neighbours is not None:
            options["neighbours"] = str(target.neighbours)
    return HeadSpec(kind=task.kind, labels=task.labels, options=tuple(sorted(options.items())))


def task_of(ref: Mapping[str, Any], beside: Path) -> Task[Any]:
    """The Task of a lock's reference: a name, or own data."""
    if ref.get("own") is not None:
        from waystation.tasks import own

        return own.task_of(own.OwnData.model_validate(ref["own"]), beside)
    return tasks.get(ref["task"], beside)


def named(task: Task[Any], own: Any) -> str:
    """A task's name in data entries; own data of one name may differ in its columns."""
    return task.name if own is None else f"{task.name}#{digest(own_json(own))[:6]}"


def own_json(own: Any) -> JSON:
    """OwnData as plain JSON, None where there is none."""
    return None if own is None else cast("JSON", own.model_dump(mode="json"))


def trial_pool(
    pool: Sequence[Candidate], queries: Sequence[Any], most: int
) -> tuple[Candidate, ...]:
    """What a trial searches: what is relevant to its queries, and the first `most` others."""
    wanted = {name for query in queries for name in query.relevant or ()}
    others = [c.id for c in pool if c.id not in wanted][:most]
    kept = wanted.union(others)
    return tuple(c for c in pool if c.id in kept)


def hold_out(examples: tuple[Any, ...], most: int) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """(rest, held out): whole groups in the order of their hash, about 5%, at most `most`."""
    wanted = min(most, max(1, round(HELD_OUT_SHARE * len(examples))))
    groups: dict[str, int] = {}
    for example in examples:
        name = example.group or example.id
        groups[name] = groups.get(name, 0) + 1
    taken: set[str] = set()
    count = 0
    for name in sorted(groups, key=lambda g: hashlib.sha256(g.encode()).digest()):
        if count >= wanted or len(taken) + 1 >= len(groups):
            break
        taken.add(name)
        count += groups[name]
    held = tuple(e for e in examples if (e.group or e.id) in taken)
    return tuple(e for e in examples if (e.group or e.id) not in taken), held


def numerics_of(numerics: Numerics, old: Mapping[str, Any]) -> JSON:
    """Concrete numerics; what was `auto` keeps the lock's value."""
    pinned = old.get("numerics") or {}
    precision, threads = numerics.precision, numerics.threads
    if precision == "auto":
        precision = pinned.get("precision") or ("bf16" if _bf16() else "fp32")
    if threads == "auto":
        threads = pinned.get("threads") or len(os.sched_getaffinity(0))
    return {"precision": precision, "threads": threads}


def _bf16() -> bool:
    from waystation.backbone import hardware_has_bf16

    return hardware_has_bf16()


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What an old lock pins and a new one has otherwise, one phrase each."""
    found = []
    for name, entry in old.get("backbones", {}).items():
        now = new["backbones"].get(name)
        if now is not None and now["digest"] != entry["digest"]:
            found.append(
                f"backbone {name}: other files ({entry['digest'][:12]} -> {now['digest'][:12]})"
            )
    for name, entry in old.get("data", {}).items():
        now = new["data"].get(name)
        if now is None or now == entry:
            continue
        files = {f[0]: f[1] for f in now["files"]}
        changed = [f[0] for f in entry["files"] if files.get(f[0]) != f[1]]
        if now["version"] != entry["version"]:
            found.append(f"data {name}: task version {entry['version']} -> {now['version']}")
        elif now["digest"] != entry["digest"] or now.get("dev_digest") != entry.get("dev_digest"):
            found.append(
                f"data {name}: {entry['count']} -> {now['count']} examples, other content"
                + (f" ({', '.join(changed)} changed)" if changed else "")
            )
        elif changed:
            found.append(f"data {name}: {', '.join(changed)} changed, examples the same")
    return found


def content_of(study: Study) -> str:
    """sha256 of what a study asks for: all but where it lies and where it runs."""
    kept = study.model_dump(mode="json", exclude={"path", "resources"}, exclude_defaults=True)
    return digest(cast("JSON", kept))


def locked(study: Study, limit: int | None) -> Lock | None:
    """The study's lock where it still is this study's: enough to report without any data."""
    lock = read_lock(lock_path(study, limit))
    return lock if lock.get("content") == content_of(study) else None


def lock_path(study: Study, limit: int | None) -> Path:
    """`which-stop.lock` beside `which-stop.yaml`; trials with a limit keep their own."""
    suffix = ".lock" if limit is None else f".limit-{limit}.lock"
    return study.path.with_suffix(suffix)


def read_lock(path: Path) -> dict[str, Any]:
    """A study's lock, {} where there is none. Raises UserError for one that cannot be read."""
    try:
        lock = json.loads(path.read_text())
        if lock["format"] == FORMAT:
            return cast("dict[str, Any]", lock)
        found = f"format {lock['format']!r}"
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError):
        found = "something else"
    raise UserError(
        f"{path}: expected a study's lock of format {FORMAT}, found {found};"
        " restore it, or run with --relock to write a new one."
    )


def least(*counts: int | None) -> int | None:
    """The smallest of the counts that are given."""
    given = [c for c in counts if c is not None]
    return min(given) if given else None


def digest_of_lock(lock: Lock) -> str:
    """sha256 of the lock's canonical JSON."""
    return hashlib.sha256(canonical(lock).encode()).hexdigest()
