"""How to load an export, as the code that its card shows: `transformers` and nothing of ours.

One function per kind of head, written so that it gives what `waystation predict` gives: same
truncation, separators, windows and, where the study predicted in bf16, the same autocast. The
tests execute these snippets where waystation cannot be imported. A tagged sentence and a prompt
are taken one at a time, without the splitting of sentences that are too long.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from waystation.examples import HeadSpec

if TYPE_CHECKING:
    from waystation.plain import Plain


@dataclass(frozen=True, kw_only=True)
class Use:
    """What a snippet must know: the files written, the head, lengths and number format."""

    plain: Plain
    head: HeadSpec | None
    max_tokens: int
    bf16: bool
    sentences: bool = False
    """Whether sentence-transformers is to load it."""


def snippet(use: Use) -> str:
    """Python code that loads the folder it lies in and shows one prediction."""
    if use.sentences:
        return _sentences(use)
    kind = use.head.kind if use.head and use.head.kind != "query" else "bitext"
    return "\n".join([*_loading(use, kind), "", "", *SNIPPETS[kind](use)]) + "\n"


def _loading(use: Use, kind: str) -> list[str]:
    plain = use.plain
    lines = ["import torch"]
    if plain.head_file:
        lines.append("from safetensors.torch import load_file")
        lines.append("from torch.nn.functional import linear")
    names = sorted((plain.loader, "AutoTokenizer"))
    if plain.base and use.head is not None and use.head.kind == "text":
        names.append("GenerationConfig")
    pooler = ", add_pooling_layer=False" if plain.pooler else ""
    if plain.base:
        lines.insert(1, "from peft import PeftModel")
    lines += [
        f"from transformers import {', '.join(names)}",
        "",
        'folder = "."  # where this file lies',
        "tokenizer = AutoTokenizer.from_pretrained(folder)",
    ]
    if plain.base:
        lines += _over_base(use, pooler)
    else:
        load = f"{plain.loader}.from_pretrained(folder, dtype=torch.float32{pooler})"
        lines.append(f"model = {load}.eval()")
    if plain.head_file:
        lines.append('head = load_file(f"{folder}/head.safetensors")')
    return lines


def _over_base(use: Use, pooler: str) -> list[str]:
    """The lines that lay an adapter over its backbone; labels are the head's, not its own."""
    plain = use.plain
    revision = f', revision="{plain.revision}"' if plain.revision else ""
    lines = [
        f'base = "{plain.base}"',
        f"model = {plain.loader}.from_pretrained(base, dtype=torch.float32{revision}{pooler})",
        "model = PeftModel.from_pretrained(model, folder).eval()",
    ]
    if use.head is not None and use.head.kind == "text":
        own = "model.generation_config = GenerationConfig.from_pretrained(folder)"
        lines.insert(2, own)
    if use.head is not None and use.head.labels:
        lines.append(f"model.config.id2label = dict(enumerate({list(use.head.labels)}))")
    return lines


def _sentences(use: Use) -> str:
    lines = [
        "from sentence_transformers import SentenceTransformer",
        "",
        'model = SentenceTransformer(".")  # where this file lies',
        'vectors = model.encode(["The river rises.", "Der Fluss steigt."])',
        "print(float(model.similarity(vectors[0], vectors[1])))",
    ]
    return "\n".join(lines) + "\n"


def _without_gradients(use: Use) -> str:
    precision = ', torch.autocast("cpu", torch.bfloat16)' if use.bf16 else ""
    return f"    with torch.inference_mode(){precision}:"


def _second(use: Use, name: str) -> str:
    """The expression of a second text, with what stands before it."""
    return f'"{_between(use)}" + {name}' if use.plain.between else name


def _seconds(use: Use, name: str) -> str:
    """The same for a list of them."""
    return f'["{_between(use)}" + text for text in {name}]' if use.plain.between else name


def _between(use: Use) -> str:
    return use.plain.between.replace("\n", "\\n")


def _states(use: Use, rows: str = "**rows") -> str:
    model = "model.get_encoder()" if use.plain.architecture == "encoder-decoder" else "model"
    return f"{model}({rows}).last_hidden_state"


def _pooled(use: Use) -> list[str]:
    """One state per row, from the written head's own layers to its scores."""
    lines = [f"        states = {_states(use)}"]
    if use.plain.architecture == "encoder":
        lines.append("        states = states[:, 0]  # the first token sees all others")
    else:
        lines.append('        last = rows["attention_mask"].sum(dim=1) - 1')
        lines.append("        states = states[range(len(last)), last]  # the last token")
    return lines


OUT: Final = 'linear(states, head["out.weight"], head["out.bias"])'
DENSE: Final = 'torch.tanh(linear(states, head["dense.weight"], head["dense.bias"]))'


def _tokenized(use: Use, first: str, second: str | None) -> list[str]:
    texts = first if second is None else f"{first}, {second}"
    return [
        f'    rows = tokenizer({texts}, truncation="longest_first", max_length={use.max_tokens},',
        '                     padding=True, return_tensors="pt")',
    ]


def _classification(use: Use) -> list[str]:
    lines = [
        "def scores(texts, pairs=None):",
        '    """Scores float32[texts, labels] of texts, or of pairs of texts."""',
        f"    texts = [texts] if pairs is None else [texts, {_seconds(use, 'pairs')}]",
        *_tokenized(use, "*texts", None),
        _without_gradients(use),
    ]
    if use.plain.head_file:
        lines += [*_pooled(use), f"        states = {DENSE}", f"        return {OUT}.float()"]
    else:
        lines.append("        return model(**rows).logits.float()")
    lines += ["", "", 'found = scores(["It rains."], ["The sky is blue."])']
    if use.head is not None and use.head.kind == "regression":
        return [*lines, "print(found[:, 0].tolist())"]
    return [*lines, "print([model.config.id2label[int(i)] for i in found.argmax(dim=-1)])"]


def _choice(use: Use) -> list[str]:
    lines = [
        "def scores(context, options):",
        '    """One score per option; the highest is the choice."""',
        *_tokenized(use, "[context] * len(options)", _seconds(use, "options")),
        _without_gradients(use),
    ]
    if use.plain.head_file:
        lines += [*_pooled(use), f"        return {OUT}.float()[:, 0]"]
    else:
        lines.append("        one = {name: rows[name][None] for name in rows}  # one example")
        lines.append("        return model(**one).logits[0].float()")
    call = 'scores("The glass fell. What happened?", ["It broke.", "It rained."])'
    return [*lines, "", "", f"print(int({call}.argmax()))"]


def _tagging(use: Use) -> list[str]:
    plain = use.plain
    space = f'"{plain.space}" + word' if plain.space else "word"
    place = "0"
    nonempty = use.head is not None and use.head.option("first_piece", "first") == "non-empty"
    lines = [
        "def scores(words):",
        f'    """Scores float32[words, labels]; for up to {use.max_tokens} word pieces."""',
        f"    ids, places = {list(plain.before)}, []",
        f"    texts = [{space} for word in words]",
        '    for piece in tokenizer(texts, add_special_tokens=False)["input_ids"]:',
        f"        piece = piece or [{plain.unknown}]",
    ]
    if nonempty:
        lines += [
            "        names = tokenizer.convert_ids_to_tokens(piece)",
            '        full = [i for i, name in enumerate(names) if name.strip("▁ĠĊ ")]',
        ]
        place = "(full or [0])[0]"
    lines += [
        f"        places.append(len(ids) + {place})",
        "        ids += piece",
        f"    ids = torch.tensor([ids + {list(plain.after)}])",
        _without_gradients(use),
    ]
    if plain.head_file:
        lines += [f"        states = {_states(use, 'ids')}", f"        found = {OUT}"]
    else:
        lines.append("        found = model(ids).logits")
    lines.append("    return found[0, places].float()")
    call = 'scores(["The", "river", "rises", "."])'
    return [
        *(*lines, "", "", f"found = {call}"),
        "print([model.config.id2label[int(i)] for i in found.argmax(dim=-1)])",
    ]


def _span(use: Use) -> list[str]:
    context, skip = _second(use, "context"), len(use.plain.between)
    most = use.plain.question_tokens
    lines = [
        "def answer(question, context):",
        '    """(text, score) of the best span of at most 30 tokens over all windows."""',
        "    question = question.strip()",
        "    pieces = tokenizer(question, add_special_tokens=False, return_offsets_mapping=True)",
        f'    cut = pieces["offset_mapping"][{most - 1} : {most + 1}]',
        f"    question = question[: cut[0][1]] if len(cut) == 2 else question  # {most} tokens",
        f'    rows = tokenizer(question, {context}, truncation="only_second",',
        f"                     max_length={use.max_tokens}, stride={use.plain.stride},",
        "                     return_overflowing_tokens=True, return_offsets_mapping=True,",
        '                     padding=True, return_tensors="pt")',
        '    offsets, _ = rows.pop("offset_mapping"), rows.pop("overflow_to_sample_mapping")',
        f"    offsets = (offsets - {skip}).clamp(min=0).tolist()"
        if skip
        else "    offsets = offsets.tolist()",
        _without_gradients(use),
    ]
    if use.plain.head_file:
        lines += [f"        states = {_states(use)}", f"        begins, ends = {OUT}.unbind(-1)"]
    else:
        lines += [
            "        found = model(**rows)",
            "        begins, ends = found.start_logits, found.end_logits",
        ]
    lines += [
        '    text, score, null = "", float("-inf"), float("inf")',
        "    for window, (begin, end) in enumerate(zip(begins.float(), ends.float())):",
        "        inside = [i for i, part in enumerate(rows.sequence_ids(window)) if part == 1]",
        "        null = min(null, float(begin[0] + end[0]))",
        "        for i in begin[inside].topk(min(20, len(inside))).indices.tolist():",
        "            for j in end[inside].topk(min(20, len(inside))).indices.tolist():",
        "                first, last = inside[i], inside[j]",
        "                value = float(begin[first] + end[last])",
        "                words = context[offsets[window][first][0] : offsets[window][last][1]]",
        "                if 0 <= j - i < 30 and words.strip() and value > score:",
        "                    text, score = words.strip(), value",
    ]
    if use.head is not None and use.head.option("unanswerable", "no") == "yes":
        lines.append('    return (text, score - null) if score > null else ("", score - null)')
    else:
        lines.append("    return text, score")
    call = 'answer("Who built the mill?", "The mill by the river was built by Anna.")'
    return [*lines, "", "", f"print({call})"]


def _embedding(use: Use) -> list[str]:
    plain = use.plain
    lines = [
        "def embed(texts):",
        '    """Embeddings float32[texts, size]; compare them by their cosine."""',
        *_tokenized(use, "texts", None),
        _without_gradients(use),
    ]
    if plain.layer is None:
        lines.append(f"        states = {_states(use)}.float()")
    else:
        states = _states(use, "**rows, output_hidden_states=True")
        states = states.replace("last_hidden_state", f"hidden_states[{plain.layer}]")
        lines.append(f"        states = {states}.float()")
    if plain.pooling == "cls":
        lines.append("    return states[:, 0]")
    else:
        lines.append('    mask = rows["attention_mask"][:, :, None].float()')
        if plain.architecture == "decoder":
            lines.append("    mask[:, 0] = mask.sum(dim=1) == 1  # the first token sees no other")
        lines.append("    return (states * mask).sum(dim=1) / mask.sum(dim=1)")
    return [
        *lines,
        *("", "", 'one, other = embed(["The river rises.", "Der Fluss steigt."])'),
        "print(float(torch.cosine_similarity(one, other, dim=0)))",
    ]


def _text(use: Use) -> list[str]:
    written = use.head is not None and use.head.kind == "text"  # with our generation settings
    ends = [
        "    ends = model.generation_config.eos_token_id",
        "    found = [token for token in found.tolist() if token not in ends]",
    ]
    ends = ends if written else []
    short = "" if ends else ", max_new_tokens=40, do_sample=False"
    begins = "[0]" if use.plain.architecture == "encoder-decoder" else "[0, ids.shape[1] :]"
    return [
        "def generate(prompt):",
        '    """What the model writes after a prompt, greedily, up to an end token."""',
        '    ids = tokenizer(prompt, return_tensors="pt")["input_ids"]',
        f"    ids = ids[:, -{use.max_tokens} :]  # of a long prompt the end",
        _without_gradients(use),
        f"        found = model.generate(ids, attention_mask=torch.ones_like(ids){short}){begins}",
        *ends,
        "    return tokenizer.decode(found, skip_special_tokens=True)",
        *("", "", 'print(generate("The river"))'),
    ]


def _language(use: Use) -> list[str]:
    if use.plain.architecture != "encoder":
        return _text(use)
    mask = "tokenizer.mask_token_id"
    return [
        "def fill(text):",
        '    """For each mask token of a text the five pieces that fit best."""',
        *_tokenized(use, "text", None),
        _without_gradients(use),
        f'        found = model(**rows).logits[0][rows["input_ids"][0] == {mask}]',
        "    best = found.float().topk(5).indices.tolist()",
        "    return [tokenizer.convert_ids_to_tokens(row) for row in best]",
        *("", "", 'print(fill(f"The {tokenizer.mask_token} rises."))'),
    ]


SNIPPETS: Final[dict[str, Callable[[Use], list[str]]]] = {
    "classification": _classification,
    "regression": _classification,
    "choice": _choice,
    "tagging": _tagging,
    "span": _span,
    "bitext": _embedding,
    "text": _text,
    "lm": _language,
}
