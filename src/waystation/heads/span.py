"""Span extraction: where in the context the answer begins and ends, or that there is none.

Follows the XTREME scripts (`third_party/run_squad.py`, from transformers): question first, cut to
64 tokens; a long context in windows that share `stride` tokens; a window without the answer
points to position 0; at prediction the 20 best starts and ends of every window, answers of at
most 30 tokens, best over all windows. Two departures: a training example whose answer lies in no
window is dropped (there it trains towards position 0), and a window is not preferred for giving
a token more context. With the option unanswerable=yes position 0 competes at prediction too.

With the option windows=official windows, gold positions and answer texts are those of the
scripts, departures included, see `heads/official.py`; `stride` is then their --doc_stride, the
pieces from one window's start to the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from waystation.errors import UserError
from waystation.examples import HeadSpec, SpanExample, SpanPrediction
from waystation.heads import Row, official
from waystation.heads.pieces import (
    CHUNK,
    Cuts,
    WordPieces,
    as_ids,
    pair_frame,
    pair_separator,
)

if TYPE_CHECKING:
    from torch import Tensor

    from waystation.batching import Batch
    from waystation.model import Model

QUESTION_TOKENS: Final = 64  # run_squad.py, --max_query_length
N_BEST: Final = 20  # run_squad.py, --n_best_size
ANSWER_TOKENS: Final = 30  # run_squad.py, --max_answer_length


def build(spec: HeadSpec, tokenizer: Any, max_tokens: int, stride: int) -> Span | OfficialSpan:
    """The head of a spec of kind span."""
    if spec.option("windows", "shared") == "official":
        return OfficialSpan(spec, tokenizer, max_tokens, stride)
    return Span(spec, tokenizer, max_tokens, stride)


class Span:
    """See the module's docstring."""

    def __init__(self, spec: HeadSpec, tokenizer: Any, max_tokens: int, stride: int) -> None:
        self.spec, self.tokenizer, self.max_tokens = spec, tokenizer, max_tokens
        self.cuts: Cuts = Cuts()
        self.unanswerable = spec.option("unanswerable", "no") == "yes"
        room = max_tokens - tokenizer.num_special_tokens_to_add(pair=True)
        self.question_tokens = max(1, min(QUESTION_TOKENS, room // 2))
        self.stride = min(stride, (room - self.question_tokens) // 2)
        self.between = pair_separator(tokenizer)

    def module(self, hidden_size: int, dropout: float) -> nn.Module:
        return nn.Sequential(nn.Dropout(dropout), nn.Linear(hidden_size, 2))

    def encode(self, examples: Sequence[SpanExample], training: bool) -> list[list[Row]]:
        found: list[list[Row]] = []
        for start in range(0, len(examples), CHUNK):
            part = examples[start : start + CHUNK]
            encoded = self.tokenizer(
                self._questions(part),
                [self.between + e.context for e in part],
                truncation="only_second",
                max_length=self.max_tokens,
                stride=self.stride,
                return_overflowing_tokens=True,
                return_offsets_mapping=True,
            )
            rows: list[list[Row]] = [[] for _ in part]
            for window, owner in enumerate(encoded["overflow_to_sample_mapping"]):
                row = self._row(encoded, window, start + owner, len(rows[owner]))
                shared = self.stride if rows[owner] else 0
                self.cuts["tokens"] += len(row.meta[1]) - shared
                rows[owner].append(row)
            if training:
                rows = [self._golds(e, r) for e, r in zip(part, rows, strict=True)]
                lost = [bool(e.answers) and not r for e, r in zip(part, rows, strict=True)]
                self.cuts["answers_lost"] += sum(lost)
            found += rows
        return found

    def _questions(self, examples: Sequence[SpanExample]) -> list[str]:
        """Questions cut to `question_tokens`."""
        texts = [e.question.strip() for e in examples]
        encoded = self.tokenizer(
            texts, add_special_tokens=False, verbose=False, return_offsets_mapping=True
        )
        self._count([len(ids) for ids in encoded["input_ids"]])
        return [
            text[: offsets[self.question_tokens - 1][1]]
            if len(offsets) > self.question_tokens
            else text
            for text, offsets in zip(texts, encoded["offset_mapping"], strict=True)
        ]

    def _count(self, questions: Sequence[int]) -> None:
        """Add questions of so many tokens to what was cut; contexts are added by window."""
        cut = [length - self.question_tokens for length in questions]
        cut = [count for count in cut if count > 0]
        self.cuts["inputs"] += len(questions)
        self.cuts["tokens"] += sum(questions)
        self.cuts["inputs_cut"] += len(cut)
        self.cuts["questions_cut"] += len(cut)
        self.cuts["tokens_cut"] += sum(cut)

    def _row(self, encoded: Any, window: int, example: int, part: int) -> Row:
        """One window; `meta` is (first context token, starts, ends), characters of the context."""
        sequence = encoded.sequence_ids(window)
        first = sequence.index(1) if 1 in sequence else len(sequence)
        count = sequence.count(1)
        offsets = np.array(encoded["offset_mapping"][window], dtype=np.int64).reshape(-1, 2)
        offsets = np.maximum(offsets[first : first + count] - len(self.between), 0)
        segments = None
        if "token_type_ids" in encoded and any(encoded["token_type_ids"][window]):
            segments = as_ids(encoded["token_type_ids"][window])
        return Row(
            example=example,
            part=part,
            tokens=as_ids(encoded["input_ids"][window]),
            segments=segments,
            meta=(first, offsets[:, 0], offsets[:, 1]),
        )

    def _golds(self, example: SpanExample, rows: list[Row]) -> list[Row]:
        """The rows with their gold, none where the answer is in no window."""
        if example.answers is None:
            raise UserError(
                f"expected an answer to train on, found none in example '{example.id}';"
                " train on a split whose gold is published."
            )
        if not example.answers:
            places: list[tuple[int, int] | None] = [(0, 0) if self.unanswerable else None]
            places *= len(rows)
        else:
            answer = example.answers[0]
            start = answer.start + len(answer.text) - len(answer.text.lstrip())
            stop = answer.start + len(answer.text.rstrip())
            places = [_tokens_of(start, stop, *row.meta) for row in rows]
        if all(place is None for place in places):
            return []
        return [
            Row(
                example=row.example,
                part=row.part,
                tokens=row.tokens,
                segments=row.segments,
                gold=place or (0, 0),
                meta=row.meta,
            )
            for row, place in zip(rows, places, strict=True)
        ]

    def loss(self, model: Model, batch: Batch) -> tuple[Tensor, float]:
        logits = self._logits(model, batch)
        golds = torch.tensor([row.gold for row in batch.rows], device=logits.device)  # [B, 2]
        losses = [F.cross_entropy(logits[:, :, i], golds[:, i], reduction="sum") for i in (0, 1)]
        return (losses[0] + losses[1]) / 2, float(len(batch.rows))

    def _logits(self, model: Model, batch: Batch) -> Tensor:
        logits = model.heads[self.spec.name](model.states(batch)).float()  # [B, T, 2]
        return logits.masked_fill(batch.attention_mask[:, :, None] == 0, -torch.inf)

    def outputs(self, model: Model, batch: Batch) -> list[Any]:
        logits = self._logits(model, batch).cpu().numpy()
        found = []
        for i, row in enumerate(batch.rows):
            first, starts, _ = row.meta
            inside = logits[i, first : first + len(starts)]  # [context tokens, 2]
            null = float(logits[i, 0, 0] + logits[i, 0, 1])
            found.append((null, best_spans(inside[:, 0], inside[:, 1])))
        return found

    def decode(
        self,
        examples: Sequence[SpanExample],
        outputs: Sequence[Sequence[tuple[Row, Any]]],
    ) -> list[SpanPrediction]:
        return [self._decode(e, o) for e, o in zip(examples, outputs, strict=True)]

    def _decode(self, example: SpanExample, kept: Sequence[tuple[Row, Any]]) -> SpanPrediction:
        """The best of all windows; the null score is the lowest of any window, as in SQuAD 2."""
        text, score = "", -np.inf
        for row, (_, spans) in kept:
            _, starts, ends = row.meta
            for value, first, last in spans:
                words = example.context[starts[first] : ends[last]].strip()
                if words and value > score:
                    text, score = words, value
        null = min(null for _, (null, _) in kept)
        if self.unanswerable:
            text, score = (text, score - null) if score > null else ("", score - null)
        return SpanPrediction(
            id=example.id, text=text, score=round(float(score), 6) if np.isfinite(score) else 0.0
        )


class OfficialSpan(Span):
    """With the option windows=official, see the module's docstring."""

    def __init__(self, spec: HeadSpec, tokenizer: Any, max_tokens: int, stride: int) -> None:
        super().__init__(spec, tokenizer, max_tokens, stride)
        self.advance = stride
        self.words = WordPieces(tokenizer)
        self.frame = pair_frame(tokenizer)

    def encode(self, examples: Sequence[SpanExample], training: bool) -> list[list[Row]]:
        found: list[list[Row]] = []
        for start in range(0, len(examples), CHUNK):
            part = examples[start : start + CHUNK]
            contexts = [official.split_words(example.context) for example in part]
            self.words.learn(word for words in contexts for word in words)
            questions = self._ids([example.question for example in part])
            self._count([len(ids) for ids in questions])
            for words, question in zip(contexts, questions, strict=True):
                index = len(found)
                rows = self._rows(index, question[: self.question_tokens], words)
                found.append(self._trained(examples[index], words, rows) if training else rows)
        return found

    def _ids(self, texts: list[str]) -> list[list[int]]:
        encoded = self.tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
        return [list(ids) for ids in encoded]

    def _pieces(self, words: list[str]) -> list[list[int]]:
        """Of each word; none where it is nothing but a space that does not split words."""
        return [self.words.known[word] if word.strip() else [] for word in words]

    def _rows(self, example: int, question: list[int], words: list[str]) -> list[Row]:
        """The windows; `meta` is (place of the first context piece, window, word of each)."""
        (before, outer), (between, inner), (after, last), (_, one), (_, two) = self.frame
        place = len(before) + len(question) + len(between)
        room = max(1, self.max_tokens - place - len(after))
        by_word = self._pieces(words)
        pieces = [piece for own in by_word for piece in own]
        counts = [len(own) for own in by_word]
        owners = np.repeat(np.arange(len(words)), counts)
        self.cuts["tokens"] += len(pieces)
        rows = []
        for part, window in enumerate(official.windows(len(pieces), room, self.advance or room)):
            own = pieces[window.first : window.first + window.count]
            segments = outer + one * len(question) + inner + two * len(own) + last
            rows.append(
                Row(
                    example=example,
                    part=part,
                    tokens=as_ids(before + question + between + own + after),
                    segments=as_ids(segments) if any(segments) else None,
                    meta=(place, window, owners[window.first : window.first + window.count]),
                )
            )
        return rows

    def _trained(self, example: SpanExample, words: list[str], rows: list[Row]) -> list[Row]:
        """The rows with their gold: position 0 in a window that does not hold all of it."""
        gold = None
        if example.answers:
            gold = self._gold(example, words)
            if gold is None:  # the scripts skip an answer that its own words do not hold
                self.cuts["answers_lost"] += 1
                return []
        elif example.answers is None or not self.unanswerable:
            return self._golds(example, rows)  # refused, or left out
        golds = []
        for row in rows:
            place, window, _ = row.meta
            inside = gold is not None and (
                window.first <= gold[0] and gold[1] < window.first + window.count
            )
            offset = place - window.first
            golds.append((gold[0] + offset, gold[1] + offset) if gold and inside else (0, 0))
        self.cuts["answers_lost"] += gold is not None and not any(map(any, golds))
        return [replace(row, gold=pair) for row, pair in zip(rows, golds, strict=True)]

    def _gold(self, example: SpanExample, words: list[str]) -> tuple[int, int] | None:
        """The first and the last piece of the first answer, in the whole context."""
        assert example.answers
        answer = example.answers[0]
        word = official.word_of_character(example.context)
        first = max(0, word[answer.start])
        last = max(0, word[min(answer.start + len(answer.text), len(word)) - 1])
        if " ".join(answer.text.split()) not in " ".join(words[first : last + 1]):
            return None
        pieces = self._pieces(words)
        start = sum(map(len, pieces[:first]))
        end = start + sum(map(len, pieces[first : last + 1])) - 1
        whole = [piece for own in pieces for piece in own]
        return official.gold_pieces(whole, start, end, self._ids([answer.text])[0])

    def outputs(self, model: Model, batch: Batch) -> list[Any]:
        logits = self._logits(model, batch).cpu().numpy()
        return [self.spans(row, logits[i]) for i, row in enumerate(batch.rows)]

    def spans(self, row: Row, logits: NDArray[np.float32]) -> tuple[float, Any]:
        """(null score, candidates) of one row of logits, [T, 2]."""
        place, window, _ = row.meta
        null = float(logits[0, 0]) + float(logits[0, 1])
        found = official.candidates(logits, place, window.most_context, N_BEST, ANSWER_TOKENS)
        return null, found

    def _decode(self, example: SpanExample, kept: Sequence[tuple[Row, Any]]) -> SpanPrediction:
        """The best of all windows, the first met of equals; nothing where there is none."""
        best, score = None, -np.inf
        for row, (_, spans) in kept:
            for start, end, first, last in spans:
                if start + end > score:
                    best, score = (row, first, last), start + end
        if best is None:
            return SpanPrediction(id=example.id, text="", score=0.0)
        row, first, last = best
        place, _, owners = row.meta
        words = official.split_words(example.context)[owners[first] : owners[last] + 1]
        pieces = row.tokens[place + first : place + last + 1].tolist()
        said = official.joined(self.tokenizer, self.tokenizer.convert_ids_to_tokens(pieces))
        text = official.final_text(said, " ".join(words))
        if self.unanswerable:
            score -= min(null for _, (null, _) in kept)
            text = text if score >= 0 else ""
        return SpanPrediction(id=example.id, text=text, score=round(float(score), 6))


def _tokens_of(
    start: int, stop: int, first: int, starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[int, int] | None:
    """Positions in the row of the first and last token of an answer, None if it is cut."""
    if stop <= start or len(starts) == 0 or start < starts[0] or stop > ends[-1]:
        return None
    begin = int(np.argmax(ends > start))
    end = len(starts) - 1 - int(np.argmax(starts[::-1] < stop))
    return (first + begin, first + end) if begin <= end else None


def best_spans(
    starts: NDArray[np.float32],
    ends: NDArray[np.float32],
    n_best: int = N_BEST,
    longest: int = ANSWER_TOKENS,
) -> list[tuple[float, int, int]]:
    """The best (score, first token, last token), best first; ties go to the earliest."""
    firsts = np.argsort(-starts, kind="stable")[:n_best]
    lasts = np.argsort(-ends, kind="stable")[:n_best]
    spans = [
        (float(starts[i] + ends[j]), int(i), int(j))
        for i in firsts
        for j in lasts
        if 0 <= j - i < longest
    ]
    return sorted(spans, key=lambda span: (-span[0], span[1], span[2]))[:n_best]
