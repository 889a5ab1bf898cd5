"""The translate step: examples of a task in another language, by a translation model.

Texts are translated sentence by sentence, equal sentences once, in batches sorted by length;
greedy or by beams, never sampled. Answers in contexts move with their sentence, see moving.py; an
example is dropped where nothing of its gold is left, or where a text came out empty or without an
end, and every drop is counted under its reason. Labels, values, ids and groups are kept. Kinds
that sentences cannot carry over are refused where a study is read. Quality is not judged here.

Legend of shapes: B sentences in a batch, T tokens.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import torch

from waystation.batching import TOKENS, by_token_budget
from waystation.errors import StepFailed
from waystation.examples import JSON
from waystation.languages import writes_spaces
from waystation.moving import Moving
from waystation.predict import memory_advice
from waystation.settings import Numerics
from waystation.translator import TOKENS as WRITTEN_FIRST
from waystation.translator import spoken_by

if TYPE_CHECKING:
    from waystation.model import Model

MARKS: Final = 8
"""Tokens kept free in every sentence for marks around an answer."""
LONGER: Final = 2
"""A translation may have this many times the tokens of the longest sentence of its batch ..."""
MORE: Final = 32
"""... and these; what has not ended by then is a loop."""
WAYS: Final = ("markers", "exact", "loose", "overlap", "lost")
"""How answers were found again, strictest first."""


@dataclass(frozen=True, kw_only=True)
class Direction:
    """From which language to which, and how it is searched. Every field enters the step's key."""

    source: str
    target: str
    beams: int
    max_tokens: int


@dataclass(frozen=True, kw_only=True)
class Translation:
    """The examples that are left, in order, and the counts that tell what became of all."""

    examples: list[Any]
    counts: dict[str, JSON]


def translate(
    model: Model,
    examples: Sequence[Any],
    direction: Direction,
    numerics: Numerics,
    progress: Callable[[int, int, str], None] | None = None,
) -> Translation:
    """The examples in the direction's target language.

    `progress(done, total, rate)` counts distinct sentences. Raises ModelError where the model lacks
    a language, StepFailed where nothing is left.
    """
    speaker = Speaker(model, direction, numerics, progress, len(examples))
    spaced = writes_spaces(direction.target)
    moved = [Moving(e, speaker.known, speaker.fits, spaced) for e in examples]
    speaker.run(text for one in moved for text in one.first())
    speaker.run(text for one in moved for text in one.second())
    lost: Counter[str] = Counter()
    answers: Counter[str] = Counter()
    kept = []
    for one in moved:
        made, why = one.rebuilt()
        answers += one.ways
        lost[why] += made is None
        kept += [made] if made is not None else []
    counts: dict[str, JSON] = {
        "examples": len(examples),
        "kept": len(kept),
        "lost": {why: count for why, count in sorted(lost.items()) if count},
        "answers": {way: answers[way] for way in WAYS if answers[way]},
        "sentences": len(speaker.known),
        "unfinished": sum(t is None for t in speaker.known.values()),
    }
    if not kept:
        raise StepFailed(
            f"expected translated examples, found none left of {len(examples)}"
            f" ({', '.join(f'{n} {why}' for why, n in lost.items()) or 'none were given'});"
            " raise `max_tokens` or take a better translation model."
        )
    return Translation(examples=kept, counts=counts)


# ---------------------------------------------------------------------------- sentences


@dataclass
class Speaker:
    """A translation model with a direction; remembers what it translated (None: no end found)."""

    model: Model
    direction: Direction
    numerics: Numerics
    progress: Callable[[int, int, str], None] | None = None
    examples: int = 0
    known: dict[str, str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        config = self.model.lm.config
        tokenizer = self.model.tokenizer
        self._spoken = spoken_by(tokenizer, config.to_dict(), str(config.name_or_path))
        self._codes = self._spoken.pair(self.direction.source, self.direction.target)
        self._prefix = self._spoken.before(*self._codes)
        if self._spoken.form in WRITTEN_FIRST and hasattr(tokenizer, "src_lang"):
            tokenizer.src_lang = self._codes[0]
        self._sizes: dict[str, bool] = {}

    def fits(self, text: str) -> bool:
        """Whether a sentence leaves room for marks; short ones are not counted."""
        room = self.direction.max_tokens - MARKS
        if len(text.encode()) + len(self._prefix.encode()) + 2 <= room:
            return True
        if text not in self._sizes:
            self._sizes[text] = len(self._tokens([text])[0]) <= room
        return self._sizes[text]

    def run(self, texts: Iterable[str]) -> None:
        """Translate what is not known yet."""
        new = list(dict.fromkeys(t for t in texts if t not in self.known))
        if not new:
            return
        torch.set_num_threads(int(self.numerics.threads))
        self.model.eval()
        tokens = self._tokens(new)
        begun, shown, done = time.monotonic(), time.monotonic(), 0
        budget = TOKENS // self.direction.beams
        for batch in by_token_budget([len(t) for t in tokens], budget):
            with memory_advice("translating", f"to {self.direction.target}"):
                made = self._generated([tokens[i] for i in batch])
            self.known |= {new[i]: text for i, text in zip(batch, made, strict=True)}
            done += len(batch)
            now = time.monotonic()
            if self.progress is not None and (now - shown > 0.2 or done == len(new)):
                shown = now
                rate = done / max(now - begun, 1e-9) * self.examples / len(new)
                self.progress(done, len(new), f"{rate:.1f} examples/s")

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """The model's input for each text; longer ones are cut, and then have no translation."""
        tokenizer = self.model.tokenizer
        found: list[list[int]] = tokenizer([self._prefix + text for text in texts])["input_ids"]
        if self._spoken.form in WRITTEN_FIRST and not hasattr(tokenizer, "src_lang"):
            # A bare tokenizer with NLLB's tokens: their place is NLLB's, before the text.
            own = tokenizer.convert_tokens_to_ids(self._spoken.token(self._codes[0]))
            found = [[own, *tokens] for tokens in found]
        return found

    def _generated(self, tokens: Sequence[Sequence[int]]) -> list[str | None]:
        most = self.direction.max_tokens
        length = max(map(len, tokens))
        pad = self.model.pad_id
        rows = [[*t[:most], *[pad] * (length - len(t))][: min(length, most)] for t in tokens]
        device = self.model.device
        inputs = torch.tensor(rows, device=device)  # [B, T]
        mask = torch.tensor(
            [[int(i < len(t)) for i in range(inputs.shape[1])] for t in tokens], device=device
        )  # [B, T]
        lm, limit = self.model.lm, min(most, LONGER * length + MORE)
        positions = getattr(lm.config, "max_position_embeddings", None)
        settings = self._begin() | {"max_new_tokens": min(limit, (positions or limit + 2) - 2)}
        with (
            torch.inference_mode(),
            torch.autocast(device.type, torch.bfloat16, enabled=self.numerics.precision == "bf16"),
        ):
            outputs = lm.generate(
                input_ids=inputs,
                attention_mask=mask,
                num_beams=self.direction.beams,
                do_sample=False,
                max_length=None,
                forced_eos_token_id=None,  # Marian's and mBART's: it would end what has no end
                **settings,
            )
        texts = self.model.tokenizer.batch_decode(outputs, skip_special_tokens=True)
        ends = lm.generation_config.eos_token_id
        ends = set(ends) if isinstance(ends, list) else {ends}
        whole = [bool(ends & set(row[1:])) for row in outputs.tolist()]
        return [
            " ".join(text.split()) if ended and len(own) <= most else None
            for text, ended, own in zip(texts, whole, tokens, strict=True)
        ]

    def _begin(self) -> dict[str, int]:
        """What the decoder begins with."""
        token = self._spoken.token(self._codes[1])
        if token is None:
            return {}
        own = int(self.model.tokenizer.convert_tokens_to_ids(token))
        # mBART before mBART-50 has the target language in place of a first token.
        old = type(self.model.tokenizer).__name__.removesuffix("Fast") == "MBartTokenizer"
        return {"decoder_start_token_id" if old else "forced_bos_token_id": own}
