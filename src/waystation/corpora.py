"""The unlabelled text of a study: lines of one language, from all its sources, as a lock's entry.

Each line counts once, whichever source has it. The texts of one example stay together when a
twentieth is held out to measure the loss on. Sources are a task's texts, the user's files and hub
corpora (`tasks/lines.py`); the hub is asked for a corpus even where tasks come from a folder,
since the study names it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from waystation import sources
from waystation import task as tasks
from waystation.entries import Entries, hold_out, least, once
from waystation.examples import JSON, LineExample
from waystation.hub_files import Hub
from waystation.lock import pins
from waystation.study import TextUse
from waystation.task import Task
from waystation.tasks import lines

ENGLISH = "en"


@dataclass(frozen=True)
class Source:
    """One source of text, and what to read of it for a language."""

    use: TextUse
    task: Task[Any]
    place: sources.Place

    @property
    def name(self) -> str:
        split = self.split if self.use.task or self.use.split else ""
        parts = (self.use.config, self.use.column) if self.use.hub else ()
        return " ".join(part for part in (self.task.name, *parts, split) if part)

    @property
    def split(self) -> str:
        known = self.task.splits
        train = self.task.train_split
        return self.use.split or (train if train in known else known[0])

    def pair(self, language: str) -> str | None:
        """The language to ask the task for, None where it has no text in `language`.

        English is the other side of every pair of a bitext task.
        """
        if language in self.task.languages:
            return language
        if self.task.kind != "bitext" or language != ENGLISH:
            return None
        there = sources.available(self.task, self.place, self.split)
        return (there or self.task.languages)[0]

    def read(self, language: str) -> Iterator[LineExample]:
        """Every text in a language; those of one example are a group."""
        pair = cast("str", self.pair(language))
        for part in sources.parts(self.split):
            found = sources.find(self.task, self.place, pair, part)
            for example in found.layout.read(found.files, pair, part):
                texts = lines.texts(example, self.task.kind, language)
                if pair != language:
                    texts = (example.target.strip(),)
                for number, text in enumerate(texts):
                    id_ = f"{part}/{example.id}/{number}"
                    yield LineExample(id=id_, group=example.group or example.id, text=text)


@dataclass
class Corpora:
    """The text of one study; `entries` are those of its resolving."""

    entries: Entries
    beside: Path

    @cached_property
    def _hub(self) -> Hub:
        place = self.entries.data
        if isinstance(place, Hub):
            return place
        return Hub(pins=pins({"data": self.entries.old}), say=self.entries.say)

    def source(self, use: TextUse, languages: Sequence[str]) -> Source:
        """The task behind a source of text."""
        if use.task:
            return Source(use, tasks.get(use.task, self.beside), self.entries.data)
        if use.files:
            return Source(use, lines.files(use.files, languages, self.beside), None)
        split = use.split or "train"
        corpus = lines.corpus(use.hub, use.config, use.column, split, languages)
        return Source(use, corpus, self._hub)

    def entry(
        self,
        uses: Sequence[TextUse],
        language: str,
        *,
        examples: int | None = None,
        dev_examples: int = 0,
    ) -> str:
        """Pin the lines of one language; gives the entry's name.

        Without `dev_examples` nothing is held out.
        """
        found = [self.source(use, (language,)) for use in uses]
        having = [source for source in found if source.pair(language) is not None]
        lacking = [source for source in found if source not in having]
        count = least(examples, self.entries.limit)
        held = least(dev_examples, self.entries.limit) or 0
        names = " and ".join(source.name for source in found)
        name = f"text {language} of {names} examples={count} dev={held}"
        version = lines.LINES.version + sum(source.task.version for source in having)

        def files() -> list[JSON]:
            return once(file for source in having for file in self._files(source, language))

        def make() -> dict[str, JSON]:
            chosen = sources.select(lines.LINES, self._lines(having, language), examples)
            chosen = chosen[: self.entries.limit]
            notes = [f"text in {language}: none in {other.name}." for other in lacking]
            if examples is not None and len(chosen) < cast("int", count):
                notes.append(
                    f"text in {language}: {examples} lines were asked for, {len(chosen)} different"
                    " ones are there and are used."
                )
            trained, dev = hold_out(chosen, held) if held else (chosen, ())
            return {
                "count": len(trained),
                "digest": self.entries.store.put_data(trained),
                "dev_digest": self.entries.store.put_data(dev) if dev else None,
                "notes": cast("JSON", notes),
            }

        if not having:
            self.entries.faults.append(str(lines.empty(names, language)))
            return name
        return self.entries.entry(name, replace(lines.LINES, version=version), files, make)

    def _files(self, source: Source, language: str) -> list[JSON]:
        pair = cast("str", source.pair(language))
        found: list[JSON] = []
        for part in sources.parts(source.split):
            for path in sources.find(source.task, source.place, pair, part).files:
                found.append(list(sources.source_file(path, source.place)))
        return found

    def _lines(self, having: Sequence[Source], language: str) -> tuple[LineExample, ...]:
        found: dict[str, LineExample] = {}
        for number, source in enumerate(having):
            before = f"{number}/" if len(having) > 1 else ""
            for line in source.read(language):
                own = replace(line, id=f"{before}{line.id}", group=f"{before}{line.group}")
                found.setdefault(line.text, own)
        if not found:
            raise lines.empty(" and ".join(source.name for source in having), language)
        return tuple(found.values())
