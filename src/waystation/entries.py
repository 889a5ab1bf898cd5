"""The data of a study, each set of examples as one entry of its lock.

An entry says of one set how many examples it has, the digest under which the store keeps them, the
files that it comes from with their sha256, and what is worth saying of it. An entry of the old lock
is taken over where its files, its task's version and its stored examples are as they were: then
nothing is read but the files' bytes.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from waystation import hub, sources
from waystation.errors import UserError
from waystation.examples import GOLD, JSON, Candidate
from waystation.hub_files import Hub
from waystation.lock import DIGESTS, named
from waystation.score.scoring import is_hidden
from waystation.store import Store
from waystation.study import Target, TaskUse
from waystation.task import Task

HELD_OUT_SHARE = 0.05
SHOWN = 12
"""Languages named in a sentence."""
SPLITS_KEPT = 8
"""Splits whose examples stay in memory: stages that share one read it in turn."""
NEARBY = 50
"""Sizes that are tried for one whose hold-out leaves exactly the wanted number."""
POOL_OF_TRIAL = 10
"""Candidates of a trial (--limit) beside the relevant ones, per example."""


@dataclass
class Entries:
    """The entries of one resolving: remembers files it hashed and examples it read last."""

    store: Store
    data: sources.Place
    limit: int | None
    old: Mapping[str, Any]
    """The old lock's entries by name."""
    say: Callable[[str], None] = lambda _: None
    found: dict[str, JSON] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    _hashes: dict[Path, JSON] = field(default_factory=dict)
    _loaded: dict[tuple[str, str, str], tuple[Any, ...]] = field(default_factory=dict)

    def training(self, use: TaskUse, task: Task[Any], dev_examples: int) -> str:
        """Pin one set of training examples and its dev set; gives the entry's name."""
        split = use.split or task.train_split
        count = least(use.examples, self.limit)
        name = f"{named(task, use.own)} {use.language} {split} examples={count} skip={use.skip}"
        name += f" dev={least(dev_examples, self.limit)}"
        dev = task.dev_split if task.dev_split not in (None, *split.split("+")) else None
        pooled = bool(task.pools) and not task.mines
        negatives = pooled and "hard_negatives" in use.options
        name += " pool=all" if negatives else ""

        def splits() -> str:
            """The split, and the dev split where it is another one and there."""
            with_dev = dev is not None and sources.present(task, self.data, use.language, dev)
            return f"{split}+{dev}" if with_dev else split

        def files() -> list[JSON]:
            found = self.files(task, use.language, splits())
            if pooled:
                found += self.files(task, use.language, splits(), pool=True)
            return once(found)

        def make() -> dict[str, JSON]:
            chosen, notes = self.examples(task, use.language, split, use)
            trained, held = chosen[: self.limit], None
            require_gold(task, use.language, split, trained)
            if splits() != split:
                most = least(dev_examples, self.limit)
                held = self.read(task, use.language, cast("str", dev))[:most]
            else:
                trained, held = hold_out(trained, dev_examples)
                notes.append(
                    f"{task.name}: no dev split apart from the training examples; {len(held)} of"
                    f" {len(trained) + len(held)} are held out for it (whole groups)."
                )
            made: dict[str, JSON] = {
                "count": len(trained),
                "digest": self.store.put_data(trained),
                "dev_count": len(held),
                "dev_digest": self.store.put_data(held) if held else None,
                "notes": [*notes, *said_of(task, self.data, use.language, split)],
            }
            if pooled:
                pool = sources.load_pool(task, self.data, (use.language,), splits()).examples
                for part, queries in (("pool_digest", trained), ("dev_pool_digest", held)):
                    require_answers(task, queries, pool)
                    made[part] = self.store.put_data(trial_pool(pool, queries, 0))
            if negatives:
                whole = sources.load_pool(task, self.data, (use.language,), split).examples
                searched = mining_pool(whole, trained, held, self.limit)
                made["pool_digest"] = self.store.put_data(searched)
                made["pool_count"] = len(searched)
            return made

        return self.entry(name, task, files, make)

    def enough(self, use: TaskUse, task: Task[Any], dev_examples: int, wanted: int) -> int:
        """How many examples to ask for so that `wanted` are trained on, hold-outs considered.

        Raises UserError where there are fewer.
        """
        split = use.split or task.train_split
        dev = task.dev_split if task.dev_split not in (None, *split.split("+")) else None
        apart = dev is not None and sources.present(task, self.data, use.language, dev)
        everything = self.read(task, use.language, split)
        ordered = sources.select(task, everything, len(everything), use.skip)[: self.limit]

        def trained(asked: int) -> int:
            return asked if apart else len(hold_out(ordered[:asked], dev_examples)[0])

        if trained(len(ordered)) < wanted:
            raise UserError(
                f"expected {wanted} training examples of {task.name} ({use.language}, {split}),"
                f" as many as that stop trains on, found {trained(len(ordered))}; take another"
                " split, or give both a number of `examples` that both have."
            )
        asked = wanted
        while (lacking := wanted - trained(asked)) > 0:
            asked = min(asked + lacking, len(ordered))
        # Whole groups are held out, so that one example more may mean several to train on.
        near = range(asked, min(asked + NEARBY, len(ordered) + 1))
        return next((n for n in near if trained(n) == wanted), asked)

    def evaluation(self, target: Target, task: Task[Any], language: str, split: str) -> str:
        """Pin one language's examples of a split to evaluate; gives the entry's name.

        Gold may be hidden from a test set, but not from the split that thresholds are chosen on.
        """
        count = least(target.examples, self.limit)
        name = f"{named(task, target.own)} {language} {split} first={count}"

        def make() -> dict[str, JSON]:
            examples = self.read(task, language, split)[:count]
            notes = said_of(task, self.data, language, split)
            if split != task.tune_split and is_hidden(task, examples):
                notes.append(
                    f"{task.name}: the {split} files have no gold in {language}, as benchmarks hide"
                    " it: predicted, as a submission needs, and not scored."
                )
            else:
                require_gold(task, language, split, examples)
            return {
                "count": len(examples),
                "digest": self.store.put_data(examples),
                "notes": cast("JSON", notes),
            }

        return self.entry(name, task, lambda: self.files(task, language, split), make)

    def pools(
        self, target: Target, task: Task[Any], split: str, asked: Sequence[str]
    ) -> dict[str, str]:
        """Pin what the queries of each language search; gives the entries' names by language."""
        if not task.shared_pool:
            return {tag: self._pool(target, task, split, (tag,), (tag,)) for tag in asked}
        there = sources.available(task, self.data, split, pool=True)
        if absent := [tag for tag in task.languages if tag not in there]:
            self.remarks.append(
                f"{target.name}: the candidates are those of {len(there)} of"
                f" {len(task.languages)} languages (absent: {listed(absent)}), so scores are"
                " higher than with the official pool."
            )
        name = self._pool(target, task, split, there or task.languages[:1], asked)
        return dict.fromkeys(asked, name)

    def _pool(
        self,
        target: Target,
        task: Task[Any],
        split: str,
        languages: Sequence[str],
        asked: Sequence[str],
    ) -> str:
        """Pin the candidates of some languages; a trial keeps what the queries asked need."""
        count = least(target.examples, self.limit)
        name = f"{named(task, target.own)} {'+'.join(languages)} {split} pool"
        if self.limit is not None:
            name += f" limit={self.limit}"
            name += f" first={count}" if count != self.limit else ""
            name += f" for {'+'.join(asked)}" if asked != languages else ""

        def files() -> list[JSON]:
            found = [self.files(task, tag, split, pool=True) for tag in languages]
            if self.limit is not None:  # the queries decide which candidates are kept
                found += [self.files(task, tag, split) for tag in asked]
            return once(itertools.chain(*found))

        def make() -> dict[str, JSON]:
            pool: Sequence[Candidate]
            pool = sources.load_pool(task, self.data, languages, split).examples
            if self.limit is not None:
                queries = [e for tag in asked for e in self.read(task, tag, split)[:count]]
                pool = trial_pool(pool, queries, POOL_OF_TRIAL * self.limit)
            return {"count": len(pool), "digest": self.store.put_data(pool), "notes": []}

        return self.entry(name, task, files, make)

    def entry(
        self,
        name: str,
        task: Task[Any],
        files: Callable[[], list[JSON]],
        make: Callable[[], dict[str, JSON]],
    ) -> str:
        """Take the old lock's entry where its files are unchanged, else read; gives its name."""
        if name in self.found:
            return name
        self.found[name] = {}
        old = self.old.get(name)
        try:
            if old is not None and self._unchanged(old, task, files):
                self.found[name] = old
            else:
                said = [word for word in name.split() if not word.endswith(("=None", "=0"))]
                self.say(f"reading {' '.join(said)}")
                own: dict[str, JSON] = {"task": task.name, "version": task.version}
                self.found[name] = make() | own | {"files": files()}
        except UserError as error:
            self.faults.append(str(error))
        return name

    def _unchanged(
        self, old: Mapping[str, Any], task: Task[Any], files: Callable[[], list[JSON]]
    ) -> bool:
        """Whether an entry's version, stored examples and files are as the lock says."""
        digests = [old[name] for name in DIGESTS if old.get(name)]
        if old.get("version") != task.version or not all(map(self.store.has_data, digests)):
            return False
        if task.hub is not None and isinstance(self.data, Hub) and _on_hub(old):
            return True  # a commit does not change
        return files() == old.get("files")

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
        """All examples of a split, read and checked; the last few splits are kept."""
        key = (task.name, language, split)
        if key not in self._loaded:
            self._loaded[key] = sources.load(task, self.data, language, split).examples
            if len(self._loaded) > SPLITS_KEPT:
                del self._loaded[next(iter(self._loaded))]
        return self._loaded[key]

    def files(
        self, task: Task[Any], language: str, split: str, *, pool: bool = False
    ) -> list[JSON]:
        """[path, sha256, bytes] of a split's files, or of its pool's, each once."""
        found: list[JSON] = []
        for part in sources.parts(split):
            for path in sources.find(task, self.data, language, part, pool=pool).files:
                if path not in self._hashes:
                    self._hashes[path] = list(sources.source_file(path, self.data))
                found.append(self._hashes[path])
        return once(found)


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


def require_gold(task: Task[Any], language: str, split: str, examples: Sequence[Any]) -> None:
    without = next((e.id for e in examples if getattr(e, GOLD[task.kind]) is None), None)
    if without is not None:
        raise UserError(
            f"expected gold in task {task.name}, {language}, split {split}, found none for example"
            f" '{without}' (benchmarks hide test labels); choose a split with labels."
        )


def require_answers(task: Task[Any], queries: Sequence[Any], pool: Sequence[Candidate]) -> None:
    """UserError where a query to train on has no candidate that answers it."""
    known = {candidate.id for candidate in pool}
    for query in queries:
        if not set(query.relevant or ()) & known:
            raise UserError(
                f"expected every training query of task {task.name} to have a relevant candidate in"
                f" the pool, found none for '{query.id}'; correct the files or the task's `pools`."
            )


def trial_pool(
    pool: Sequence[Candidate], queries: Sequence[Any], most: int
) -> tuple[Candidate, ...]:
    """What a trial searches: what is relevant to its queries, and the first `most` others."""
    wanted = {name for query in queries for name in query.relevant or ()}
    others = [c.id for c in pool if c.id not in wanted][:most]
    kept = wanted.union(others)
    return tuple(c for c in pool if c.id in kept)


def mining_pool(
    pool: Sequence[Candidate], trained: Sequence[Any], held: Sequence[Any], limit: int | None
) -> tuple[Candidate, ...]:
    """What hard negatives are mined in: the split's pool without what only dev queries look for."""
    wanted = {name for query in trained for name in query.relevant or ()}
    aside = {name for query in held for name in query.relevant or ()} - wanted
    kept = tuple(c for c in pool if c.id not in aside)
    return kept if limit is None else trial_pool(kept, trained, POOL_OF_TRIAL * limit)


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


def least(*counts: int | None) -> int | None:
    """The smallest of the counts that are given."""
    given = [c for c in counts if c is not None]
    return min(given) if given else None


def listed(languages: Sequence[str]) -> str:
    """The first dozen of some languages, and how many more."""
    more = f" and {len(languages) - SHOWN} more" if len(languages) > SHOWN else ""
    return ", ".join(languages[:SHOWN]) + more


def once(files: Iterable[JSON]) -> list[JSON]:
    """Files in the order in which they first come."""
    found: list[JSON] = []
    for file in files:
        found += [file] if file not in found else []
    return found
