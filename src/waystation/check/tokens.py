"""How a study's own tokenizers cut its texts: tokens per word, unknown pieces, what is too long.

Only the tokenizer is loaded, from a packaged model's cache, a folder or the hub's cache; nothing
is downloaded here. At most SAMPLE examples a language are encoded, chosen by hash of their ids.
Words are counted at spaces, so languages that write none have characters per token only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from waystation import packaged, sources
from waystation.check.findings import Finding, Severity, TokenRow, share
from waystation.errors import ModelError
from waystation.languages import writes_spaces
from waystation.task import Task

SAMPLE: Final = 2000
WINDOWED: Final = ("span", "tagging")  # what is too long is cut into windows, not cut off
UNKNOWN: Final = 0.01
FINER: Final = 2.5


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Examples of one language that a study encodes, with the `max_tokens` they are given."""

    task: Task[Any]
    name: str
    language: str
    split: str
    examples: tuple[Any, ...]
    max_tokens: int
    trained: bool


def check(
    backbone: str, beside: Path, asked: Sequence[Asked], study: str
) -> tuple[list[TokenRow], list[Finding]]:
    """Numbers and findings of one backbone's tokenizer."""
    try:
        tokenizer = _tokenizer(backbone, beside)
    except ModelError as error:
        skipped = Finding(
            code="no-tokenizer", severity="note", task=study, count=1,
            message=f"{error} Lengths and unknown pieces were not looked at.",
        )  # fmt: skip
        return [], [skipped]
    rows = [_row(backbone, tokenizer, one) for one in asked if one.examples]
    findings = [f for row, one in zip(rows, asked, strict=True) for f in _findings(row, one)]
    return rows, findings + list(_finer(rows, asked))


def _tokenizer(name: str, beside: Path) -> Any:
    """The tokenizer of a backbone that is on this machine; ModelError in one sentence if not."""
    folder = _folder(name, beside)
    if folder is None:
        get = f"`waystation models get {name}` fetches it" if name in packaged.PACKAGED else ""
        raise ModelError(
            f"expected the backbone {name} on this machine, found it in no cache or folder"
            f"{'; ' if get else ''}{get or '; a run will fetch it'}."
        )
    import transformers  # with torch: a study is checked, which needs both anyway

    transformers.logging.set_verbosity_error()
    try:
        return transformers.AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, RuntimeError, ImportError, KeyError, TypeError) as error:
        raise ModelError(
            f"expected a tokenizer that `transformers` reads in {folder}, found:"
            f" {str(error).splitlines()[0][:200]}."
        ) from error


def _folder(name: str, beside: Path) -> Path | None:
    if name in packaged.PACKAGED:
        return packaged.folder_of(name) if packaged.is_here(name) else None
    for folder in (beside / Path(name).expanduser(), Path(name).expanduser()):
        if folder.is_dir():
            return folder
    from huggingface_hub import try_to_load_from_cache

    repository, _, revision = name.partition("@")
    if "/" not in repository:
        return None
    cached = try_to_load_from_cache(repository, "config.json", revision=revision or None)
    return Path(cached).parent if isinstance(cached, str) else None


def _row(backbone: str, tokenizer: Any, asked: Asked) -> TokenRow:
    some = asked.examples
    if len(some) > SAMPLE:
        some = sources.select(asked.task, some, SAMPLE)
    pairs = [pair for example in some for pair in _inputs(example)]
    owners = [i for i, example in enumerate(some) for _ in _inputs(example)]
    texts = [text for pair in pairs for text in pair if text is not None]
    encoded = _lengths(tokenizer, texts)
    lengths = iter(encoded)
    added = {p: tokenizer.num_special_tokens_to_add(pair=p) for p in (False, True)}
    long: set[int] = set()
    for owner, pair in zip(owners, pairs, strict=True):
        total = sum(next(lengths)[0] for text in pair if text is not None)
        if total + added[pair[1] is not None] > asked.max_tokens:
            long.add(owner)
    tokens = sum(count for count, _ in encoded)
    words = sum(len(text.split()) for text in texts)
    spaced = writes_spaces(asked.language)
    return TokenRow(
        backbone=backbone,
        task=asked.name,
        language=asked.language,
        split=asked.split,
        examples=len(some),
        max_tokens=asked.max_tokens,
        too_long=len(long),
        tokens_per_word=round(tokens / max(words, 1), 2) if spaced else None,
        characters_per_token=round(sum(map(len, texts)) / max(tokens, 1), 2),
        unknown_share=round(sum(unknown for _, unknown in encoded) / max(tokens, 1), 4),
    )


def _lengths(tokenizer: Any, texts: Sequence[str]) -> list[tuple[int, int]]:
    """(tokens, unknown ones) of each text, without special tokens."""
    unknown = tokenizer.unk_token_id
    found: list[tuple[int, int]] = []
    known: dict[str, tuple[int, int]] = {}
    for start in range(0, len(texts), SAMPLE):
        new = [t for t in dict.fromkeys(texts[start : start + SAMPLE]) if t not in known]
        encoded = (
            tokenizer(new, add_special_tokens=False, verbose=False)["input_ids"] if new else []
        )
        for text, ids in zip(new, encoded, strict=True):
            known[text] = (len(ids), 0 if unknown is None else list(ids).count(unknown))
        found += [known[text] for text in texts[start : start + SAMPLE]]
    return found


def _inputs(example: Any) -> list[tuple[str, str | None]]:
    """The texts and pairs of texts that a head encodes of an example."""
    if hasattr(example, "options"):
        return [(example.context, option) for option in example.options]
    if hasattr(example, "question"):
        return [(example.question, example.context)]
    if hasattr(example, "words"):
        return [(" ".join(example.words), None)]
    if hasattr(example, "source"):
        return [(example.source, None), (example.target, None)]
    if hasattr(example, "text"):
        return [(example.text, example.pair)]
    return [(str(getattr(example, "prompt", "") or getattr(example, "query", "")), None)]


def _findings(row: TokenRow, asked: Asked) -> Iterator[Finding]:
    def finding(code: str, severity: Severity, count: int, message: str) -> Finding:
        return Finding(
            code=code, severity=severity, task=row.task, language=row.language, split=row.split,
            count=count, message=message,
        )  # fmt: skip

    if row.too_long and asked.task.kind not in WINDOWED:
        severity: Severity = "warning" if row.too_long * 20 >= row.examples else "note"
        message = (
            f"{share(row.too_long, row.examples)} {'training' if asked.trained else 'evaluated'}"
            f" examples have more than max_tokens {row.max_tokens} with {row.backbone} and lose"
            " their ends: raise max_tokens if that share is yours to lower"
        )
        yield finding("truncated", severity, row.too_long, message)
    if row.unknown_share >= UNKNOWN:
        message = (
            f"{100 * row.unknown_share:.1f}% of the tokens are unknown to {row.backbone}, which"
            " cannot learn from them: choose a backbone that knows this script"
        )
        yield finding("unknown-tokens", "warning", row.examples, message)


def _finer(rows: Sequence[TokenRow], asked: Sequence[Asked]) -> Iterator[Finding]:
    """Languages that need many more tokens a character than the source language of their task."""
    usual = {
        row.task: row.characters_per_token
        for row, one in zip(rows, asked, strict=True)
        if row.language == one.task.source_language
    }
    said = set()
    for row in rows:
        source = usual.get(row.task)
        if row.tokens_per_word is None or source is None or (row.task, row.language) in said:
            continue
        if row.characters_per_token * FINER <= source:
            said.add((row.task, row.language))
            message = (
                f"{row.backbone} cuts it into tokens of {row.characters_per_token:.1f} characters,"
                f" the source language into tokens of {source:.1f}: expect it to be known badly,"
                " and give it more max_tokens"
            )
            yield Finding(
                code="many-tokens", severity="note", task=row.task, language=row.language,
                split=row.split, count=row.examples, message=message,
            )  # fmt: skip
