"""A trained model as a plain `transformers` folder: what `waystation export` writes of weights.

Where `transformers` has a class whose head computes what ours does, the weights are laid into it
and that class is written; elsewhere the backbone is written and the head beside it, as
`head.safetensors`. Which of the two holds is not read from a table of architectures but tried:
both are run on the same inputs, and the written folder is loaded again and run once more. What
does not load whole, or computes something else, is an error and not an export.

Classification goes into classes with a tanh pooler or a dense-tanh-projection head, tagging and
spans into every class with a linear head. Choice has a linear head of ours where the classes have
a tanh pooler before it: there the pooler becomes the identity times 2**-16 (so near to 0 tanh is
the identity in float32, and powers of two scale without rounding), and the linear layer undoes
the factor. Writes no card and knows no studies. Encoder-decoders always keep their head apart.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from waystation import sentences
from waystation.adapters import merge
from waystation.batching import Batch, collate
from waystation.errors import ModelError
from waystation.examples import HeadSpec
from waystation.heads import Row, build
from waystation.heads.pieces import WordPieces, encode_texts, frame, pair_separator, pooled
from waystation.model import quiet

if TYPE_CHECKING:
    from waystation.model import Model

TOLERANCE: Final = 1e-5
"""How far outputs may differ, relative to the largest where that is above 1."""

SCALE: Final = 2.0**-16
"""Of the pooler that changes nothing: x * SCALE stays where tanh rounds to the identity."""

NATIVE: Final = {
    "classification": "AutoModelForSequenceClassification",
    "regression": "AutoModelForSequenceClassification",
    "choice": "AutoModelForMultipleChoice",
    "tagging": "AutoModelForTokenClassification",
    "span": "AutoModelForQuestionAnswering",
}
"""Kind of head -> the class of `transformers` that may compute the same."""

_POOLED: Final = (("{base}.pooler.dense", "classifier"), ("{base}.pooler", "classifier"))
PLACES: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "classification": (("classifier.dense", "classifier.out_proj"), *_POOLED),
    "regression": (("classifier.dense", "classifier.out_proj"), *_POOLED),
    "choice": _POOLED,
    "tagging": (("classifier",), ("score",)),
    "span": (("qa_outputs",),),
}
"""Where such classes keep the linear layers that ours may be laid into."""

LANGUAGE_MODELS: Final = {
    "encoder": "AutoModelForMaskedLM",
    "decoder": "AutoModelForCausalLM",
    "encoder-decoder": "AutoModelForSeq2SeqLM",
}
"""Architecture -> the class of `transformers` that has its output layer."""

PER_TOKEN: Final = ("tagging", "span")
"""Kinds whose head reads every token's state; the others read one per row."""


@dataclass(frozen=True, kw_only=True)
class Plain:
    """What was written, as far as one must know to use it.

    `between` stands before the second of two texts, `space` before a word of a tagged sentence,
    which `before` and `after` enclose; `unknown` stands for a word without pieces.
    """

    loader: str
    """The class of `transformers` that loads it."""
    model_class: str
    architecture: str
    base: str = ""
    """The backbone that an adapter lies over, by the name it was published under."""
    revision: str = ""
    pooler: bool
    """Whether AutoModel would draw a pooler at random unless told not to."""
    between: str
    space: str
    before: tuple[int, ...]
    after: tuple[int, ...]
    unknown: int
    head_file: bool = False
    sentences: bool = False
    """Whether the files of sentence-transformers are there."""
    layers: int = 0
    """How many an encoder's export has."""
    cut: bool = False
    """Whether layers above the one that is used were left out."""
    layer: int | None = None
    """The layer to take of an encoder; None is the last that was written."""
    pooling: str = ""
    stride: int = 0
    """Tokens that the windows of a long context share."""
    question_tokens: int = 0
    """What a longer question is cut to."""


def write(
    model: Model,
    spec: HeadSpec | None,
    folder: Path,
    max_tokens: int,
    stride: int,
    variant: str = "",
) -> Plain:
    """Write weights, configuration and tokenizer; without a spec the backbone alone.

    `variant` is the layer and pooling of an encoder, `8/mean`; "" is the last layer's mean.
    `model` is on the CPU and used up. Raises ModelError where the result is not what was given.
    """
    whole(model)
    model.eval()
    with quiet(), torch.random.fork_rng(devices=[]), torch.no_grad():
        batch = probe(model, max_tokens)
        if spec is None or spec.kind in ("bitext", "query"):
            plain, wanted = _encoder(model, batch, variant, folder)
        elif spec.kind in ("text", "lm"):
            plain, wanted = _language_model(model, spec, batch, max_tokens, folder)
        else:
            plain, wanted = _headed(model, spec, batch, folder)
        if spec is not None and spec.kind == "span":
            windows: Any = build(spec, model.tokenizer, max_tokens, stride)
            plain = replace(plain, stride=windows.stride, question_tokens=windows.question_tokens)
        write_tokenizer(model, plain, folder)
        if plain.sentences:
            plain = sentences.describe(plain, folder, max_tokens)
        _check(plain, spec, batch, wanted, folder)
    return plain


def whole(model: Model) -> None:
    """Add the low-rank adapters that lie on a model to its weights."""
    for placed in model.adapters:
        if placed.kind == "lora":
            merge(model, placed)
    if model.adapters:
        raise ModelError(
            "expected weights that a class of transformers computes with, found a bottleneck"
            f" adapter on {model.adapters[0].modules[0]}, which no weights can take up; use the"
            " route with `waystation predict`, or train with `adapter: {kind: lora}`."
        )


# -- the three shapes ------------------------------------------------------------------------------


def _headed(model: Model, spec: HeadSpec, batch: Batch, folder: Path) -> tuple[Plain, Tensor]:
    module: Any = model.heads[spec.name]
    linears = [m for m in module if isinstance(m, nn.Linear)]
    wanted = headed_scores(model, spec, batch)
    config = model.backbone.config = _config(model.backbone.config, spec)
    native = _native(model, spec, linears)
    if native is not None and close(kept(_scores(native, spec, batch), spec, batch), wanted):
        native.save_pretrained(folder)
        plain = facts(model, loader=NATIVE[spec.kind], model_class=type(native).__name__)
        return replace(plain, pooler=False), wanted
    if getattr(model.backbone, "pooler", None) is not None:
        model.backbone.pooler = None
    model.backbone.config = config
    model.backbone.save_pretrained(folder)
    write_head(model, spec, folder)
    return replace(facts(model), head_file=True), wanted


def headed_scores(model: Model, spec: HeadSpec, batch: Batch) -> Tensor:
    """What a head says of the rows of a batch, or of their tokens."""
    states = model.states(batch) if spec.kind in PER_TOKEN else pooled(model, batch)
    return kept(model.heads[spec.name](states), spec, batch)


def write_head(model: Model, spec: HeadSpec, folder: Path) -> None:
    """`head.safetensors`: the head's one or two linear layers."""
    module: Any = model.heads[spec.name]
    linears = [m for m in module if isinstance(m, nn.Linear)]
    names = ("dense", "out") if len(linears) == 2 else ("out",)
    tensors = {
        f"{name}.{part}": value.contiguous()
        for name, linear in zip(names, linears, strict=True)
        for part, value in linear.state_dict().items()
    }
    save_file(tensors, folder / "head.safetensors")


def _language_model(
    model: Model, spec: HeadSpec, batch: Batch, max_tokens: int, folder: Path
) -> tuple[Plain, Tensor]:
    lm = model.lm
    if model.untrained:
        raise ModelError(
            "expected an output layer that the backbone ships or that `mlm` trained, found one"
            f" that the checkpoint of this {model.backbone.config.model_type} lacks; take --form"
            " encoder, or give a stage `mlm`."
        )
    if spec.kind == "text":
        head: Any = build(spec, model.tokenizer, max_tokens, 0)
        lm.generation_config = head.generation(model)
    lm.config = _config(lm.config, None)
    wanted = language_scores(model, batch)
    lm.save_pretrained(folder)
    loader = LANGUAGE_MODELS[model.architecture]
    return replace(facts(model, loader, type(lm).__name__), pooler=False), wanted


def language_scores(model: Model, batch: Batch) -> Tensor:
    """A language model's scores of the vocabulary at every token [N, V]."""
    if model.architecture == "encoder":
        return model.scores(model.states(batch)[batch.attention_mask == 1])
    return model.logits(batch, batch.input_ids)[batch.attention_mask == 1]


def _encoder(model: Model, batch: Batch, variant: str, folder: Path) -> tuple[Plain, Tensor]:
    states = model.layers(batch)
    last = len(states) - 1
    layer, pooling = chosen(variant, last)
    wanted = states[layer]
    whole = layer == last or _cut(model, layer, batch, wanted)
    model.backbone.config = _config(model.backbone.config, None)
    model.backbone.save_pretrained(folder)
    plain = replace(
        facts(model),
        layers=int(model.backbone.config.num_hidden_layers),
        layer=None if whole else layer,
        cut=whole and layer != last,
        pooling=pooling,
        # Their pooling cannot leave out a decoder's first token.
        sentences=whole and model.architecture == "encoder",
    )
    return plain, wanted[batch.attention_mask == 1]


def chosen(variant: str, last: int) -> tuple[int, str]:
    """The layer and pooling of a variant; "" is the last layer's mean."""
    layer = int(variant.partition("/")[0]) if variant else last
    if layer > last:
        raise ModelError(
            f"expected a layer from 0 to {last} (0 is the embedding layer), which is what this"
            f" backbone has, found {layer}; correct --variant."
        )
    return layer, variant.partition("/")[2] or "mean"


def _cut(model: Model, layer: int, batch: Batch, wanted: Tensor) -> bool:
    """Leave out the layers above one, where the rest then ends with that layer's states."""
    backbone = model.backbone
    number = int(backbone.config.num_hidden_layers)
    stacks = [
        (parent, name, child)
        for parent in backbone.modules()
        for name, child in parent.named_children()
        if isinstance(child, nn.ModuleList) and len(child) == number
    ]
    if model.architecture != "encoder" or len(stacks) != 1:
        return False
    parent, name, whole = stacks[0]
    setattr(parent, name, whole[:layer])
    backbone.config.num_hidden_layers = layer
    if close(model.states(batch), wanted):
        return True
    setattr(parent, name, whole)
    backbone.config.num_hidden_layers = number
    return False


def facts(model: Model, loader: str = "AutoModel", model_class: str = "") -> Plain:
    before, after = frame(model.tokenizer)
    takes = inspect.signature(type(model.backbone).__init__).parameters
    words = WordPieces(model.tokenizer)
    return Plain(
        loader=loader,
        model_class=model_class or type(model.backbone).__name__,
        architecture=model.architecture,
        pooler="add_pooling_layer" in takes,
        between=pair_separator(model.tokenizer),
        space=words.space,
        before=tuple(before),
        after=tuple(after),
        unknown=words.unknown(),
    )


def _config(config: Any, spec: HeadSpec | None) -> Any:
    """A configuration that names the labels and says nothing of this machine."""
    config = copy.deepcopy(config)
    config.name_or_path = ""
    if spec is None:
        return config
    labels = {"regression": ("value",), "span": ("start", "end"), "choice": ("score",)}
    names = labels.get(spec.kind, spec.labels)
    config.id2label = dict(enumerate(names))
    config.label2id = {name: i for i, name in enumerate(names)}
    problems = {"classification": "single_label_classification", "regression": "regression"}
    config.problem_type = problems.get(spec.kind)
    return config


# -- native heads ----------------------------------------------------------------------------------


def _native(model: Model, spec: HeadSpec, linears: Sequence[nn.Linear]) -> Any:
    """The `transformers` model around our backbone that may compute our head, None without one."""
    auto, config = getattr(transformers, NATIVE[spec.kind]), model.backbone.config
    if type(config) not in auto._model_mapping:
        return None
    with torch.device("meta"):  # nothing of it is used but its shape
        native = auto.from_config(config)
    base, prefix = native.base_model, native.base_model_prefix
    if type(base) is not type(model.backbone):
        return None
    layers: Sequence[nn.Linear] = linears
    if spec.kind == "choice":
        layers = _through_tanh(linears[0])
    for places in PLACES[spec.kind]:
        found = [_linear(native, place.format(base=prefix)) for place in places]
        if all(f is not None and _alike(f, own) for f, own in zip(found, layers, strict=True)):
            for place, own in zip(places, layers, strict=True):
                parent, _, name = place.format(base=prefix).rpartition(".")
                setattr(native.get_submodule(parent), name, own)
            if spec.kind not in PER_TOKEN and getattr(base, "pooler", None) is not None:
                model.backbone.pooler = base.pooler
            setattr(native, prefix, model.backbone)
            native.eval()
            if not any(parameter.is_meta for parameter in native.parameters()):
                return native
    return None


def _linear(native: Any, place: str) -> nn.Linear | None:
    try:
        found = native.get_submodule(place)
    except AttributeError:
        return None
    return found if isinstance(found, nn.Linear) else None


def _alike(one: nn.Linear | None, other: nn.Linear) -> bool:
    return (
        one is not None
        and one.weight.shape == other.weight.shape
        and (one.bias is None) == (other.bias is None)
    )


def _through_tanh(out: nn.Linear) -> tuple[nn.Linear, nn.Linear]:
    """Two layers with tanh between that compute what one does (see the module's docstring)."""
    size = out.in_features
    dense, scaled = nn.Linear(size, size), nn.Linear(size, out.out_features)
    dense.weight.copy_(torch.eye(size) * SCALE)
    dense.bias.zero_()
    scaled.weight.copy_(out.weight / SCALE)
    scaled.bias.copy_(out.bias)
    return dense, scaled


# -- trying it -------------------------------------------------------------------------------------


def probe(model: Model, max_tokens: int) -> Batch:
    """Texts and pairs of different lengths, so that padding and segments are tried too."""
    texts: list[tuple[str, str | None]] = [
        ("A short text.", None),
        ("Who lives in the house by the river?", "Nobody has lived there for a long time."),
        ("Two.", "Three words here."),
    ]
    encoded = encode_texts(model.tokenizer, texts, max_tokens)
    rows = [
        Row(example=i, part=0, tokens=tokens, segments=segments)
        for i, (tokens, segments) in enumerate(encoded)
    ]
    return collate(rows, model.pad_id, max_tokens)


def _inputs(model: Any, batch: Batch) -> dict[str, Tensor]:
    """What the written tokenizer will give: segments only to those who tell them apart."""
    inputs = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}
    if batch.token_type_ids is not None and _tells_segments(model):
        inputs["token_type_ids"] = batch.token_type_ids
    return inputs


def _tells_segments(model: Any) -> bool:
    takes = "token_type_ids" in inspect.signature(type(model).forward).parameters
    return takes and int(getattr(model.config, "type_vocab_size", 0) or 0) > 1


def _scores(native: Any, spec: HeadSpec, batch: Batch) -> Tensor:
    inputs = _inputs(native, batch)
    if spec.kind == "choice":  # all rows as the options of one example
        logits: Tensor = native(**{k: v[None] for k, v in inputs.items()}).logits
        return logits[0][:, None]  # [B, 1]
    out = native(**inputs)
    if spec.kind == "span":
        return torch.stack([out.start_logits, out.end_logits], dim=-1)  # [B, T, 2]
    logits = out.logits
    return logits


def kept(scores: Tensor, spec: HeadSpec, batch: Batch) -> Tensor:
    return scores[batch.attention_mask == 1] if spec.kind in PER_TOKEN else scores


def close(found: Tensor, wanted: Tensor) -> bool:
    room = TOLERANCE * max(1.0, float(wanted.abs().max()))
    return found.shape == wanted.shape and float((found - wanted).abs().max()) <= room


def _check(plain: Plain, spec: HeadSpec | None, batch: Batch, wanted: Tensor, folder: Path) -> None:
    """Load the folder as its card says and run it on the same inputs."""
    pooler = {"add_pooling_layer": False} if plain.pooler else {}
    loaded, report = getattr(transformers, plain.loader).from_pretrained(
        folder, local_files_only=True, dtype=torch.float32, output_loading_info=True, **pooler
    )
    wrong = sorted(str(k) for kind in sorted(report) for k in report[kind])
    found = again(loaded.eval(), plain, spec, batch, folder)
    if wrong or not close(found, wanted):
        what = f"{wrong[0]} is not as saved" if wrong else "other outputs"
        raise ModelError(
            f"expected {plain.loader} to load from {folder} what was written there, found that"
            f" {what}; this architecture cannot be exported with this version of transformers"
            f" ({transformers.__version__})."
        )


def again(loaded: Any, plain: Plain, spec: HeadSpec | None, batch: Batch, folder: Path) -> Tensor:
    inputs, there = _inputs(loaded, batch), batch.attention_mask == 1
    if plain.loader in NATIVE.values():
        assert spec is not None
        return kept(_scores(loaded, spec, batch), spec, batch)
    if plain.loader != "AutoModel":
        if plain.architecture == "encoder-decoder":
            inputs["decoder_input_ids"] = batch.input_ids
        logits: Tensor = loaded(**inputs).logits
        return logits[there]
    if plain.architecture == "encoder-decoder":
        loaded = loaded.get_encoder()
    out = loaded(**inputs, output_hidden_states=True)
    if not plain.head_file or spec is None:
        states: Tensor = (
            out.last_hidden_state if plain.layer is None else out.hidden_states[plain.layer]
        )
        return states[there]
    states = out.last_hidden_state  # [B, T, D]
    if spec.kind not in PER_TOKEN:
        last = batch.attention_mask.sum(dim=1) - 1
        first = plain.architecture == "encoder"
        states = states[:, 0] if first else states[range(len(last)), last]  # [B, D]
    head = load_file(folder / "head.safetensors")
    if "dense.weight" in head:
        states = torch.tanh(F.linear(states, head["dense.weight"], head["dense.bias"]))
    return kept(F.linear(states, head["out.weight"], head["out.bias"]), spec, batch)


# -- what lies beside the weights ------------------------------------------------------------------


def write_tokenizer(model: Model, plain: Plain, folder: Path) -> None:
    """The backbone's own, read anew (ours remembers how it was last called), for this model."""
    inputs = ["input_ids", "attention_mask"]
    # Only where the backbone's own gave them: windows of a pair carry segments of their own.
    if "token_type_ids" in model.tokenizer.model_input_names and _tells_segments(model.backbone):
        inputs.append("token_type_ids")
    language_model = plain.loader in ("AutoModelForCausalLM", "AutoModelForSeq2SeqLM")
    tokenizer = transformers.AutoTokenizer.from_pretrained(
        model.tokenizer.name_or_path,
        local_files_only=True,
        model_input_names=inputs,
        padding_side="left" if language_model else "right",
    )
    if tokenizer.pad_token is None:
        tokenizer.pad_token = model.tokenizer.pad_token
    tokenizer.name_or_path = ""
    for name in ("is_local", "local_files_only"):  # how it was read, not what it is
        tokenizer.init_kwargs.pop(name, None)
    tokenizer.save_pretrained(folder)
