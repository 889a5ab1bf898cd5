"""A loaded backbone: its states, its layers and its logits, the same way for every architecture.

`load` gives a fresh copy each time; the pristine weights of the last backbone stay mapped in the
process, so that a worker's next step does not read them again. Weights are fp32 and attention is
what `transformers` prefers for the model (SDPA where it exists). Train or eval mode, devices and
autocast are the caller's. Code that lies beside weights is never run.

Legend of shapes: B rows in a batch, T tokens, D hidden size, V vocabulary.
"""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import Tensor, nn

from waystation.backbone import Source, digest
from waystation.errors import ModelError

if TYPE_CHECKING:
    from waystation.adapters import Placed
    from waystation.batching import Batch

_WARM: Final[dict[tuple[str, str], Model]] = {}
"""The last model loaded, never trained: (digest, output) -> model. One entry at most."""


class Model(nn.Module):  # type: ignore[misc]
    """A backbone with the heads that it is being trained under.

    Parameter names are `backbone.*` and `heads.*`; a language model's output layer is
    `lm_head.*` where it does not belong to the backbone itself, so that a backbone has the same
    names with and without it.
    """

    def __init__(self, backbone: Any, tokenizer: Any, architecture: str, lm: Any = None) -> None:
        super().__init__()
        self.backbone = backbone
        self.tokenizer = tokenizer
        self.architecture = architecture
        self.heads = nn.ModuleDict()
        self.adapters: tuple[Placed, ...] = ()
        """What lies on the backbone, in order; adapters.py places and merges them."""
        self.merged: tuple[tuple[Placed, dict[str, Tensor]], ...] = ()
        """What was added to its weights, with its tensors."""
        self._lm = (lm,)  # in a tuple, so that its parameters are not registered twice
        self.missing: tuple[str, ...] = ()
        """Parameters of the output layer that the checkpoint does not ship."""
        self.drawn: tuple[str, ...] = ()
        """Those that were drawn for the present stage, which trains them whatever is frozen."""
        if lm is not None and lm is not backbone:
            self.lm_head = _output_layer(lm, backbone, architecture)
        self.hidden_size = int(backbone.config.hidden_size)
        self.pad_id = int(tokenizer.pad_token_id)
        encoder = backbone.get_encoder() if architecture == "encoder-decoder" else backbone
        self._takes = frozenset(inspect.signature(encoder.forward).parameters)

    @property
    def device(self) -> torch.device:
        """Where its parameters are."""
        return next(self.backbone.parameters()).device

    @property
    def lm(self) -> Any:
        """The `transformers` language model around the backbone (for loss and `generate`)."""
        if self._lm[0] is None:
            raise ModelError(
                "expected a model loaded as a language model (`lm=True`, or `text=True` for one"
                f" that generates), found an {self.architecture} without its output layer."
            )
        return self._lm[0]

    def states(self, batch: Batch) -> Tensor:
        """The last layer's states, [B, T, D]; an encoder-decoder's are its encoder's."""
        states: Tensor = self._run(batch, all_layers=False).last_hidden_state
        return states

    def layers(self, batch: Batch) -> list[Tensor]:
        """The states of every layer, [B, T, D] each; 0 is the embeddings."""
        return list(self._run(batch, all_layers=True).hidden_states)

    def logits(self, batch: Batch, decoder_input_ids: Tensor | None = None) -> Tensor:
        """Next-token scores [B, T, V]; an encoder-decoder's are of `decoder_input_ids`."""
        inputs = self._inputs(batch)
        if self.architecture == "encoder-decoder":
            inputs["decoder_input_ids"] = decoder_input_ids
        logits: Tensor = self.lm(**inputs, use_cache=False).logits
        return logits

    @property
    def untrained(self) -> bool:
        """Whether its output layer is neither the checkpoint's nor trained since."""
        trained = getattr(getattr(self, "changes", None), "names", ())
        return any(name not in trained for name in self.missing)

    def draw_output(self, seed: int) -> None:
        """Fresh weights for what the checkpoint does not ship of the output layer, unless trained.

        As `transformers` draws them; a table that is tied to the input embedding stays so.
        """
        if not self.untrained:
            return
        draws = torch.Generator().manual_seed(seed)
        spread = float(getattr(self.backbone.config, "initializer_range", None) or 0.02)
        parameters = dict(self.named_parameters())
        with torch.no_grad():
            for name in self.missing:
                value = torch.zeros(parameters[name].shape)
                if value.dim() > 1:
                    value.normal_(0.0, spread, generator=draws)
                elif name.endswith("weight"):  # of a normalisation
                    value.fill_(1.0)
                parameters[name].copy_(value)
        self.drawn, self.missing = self.missing, ()

    def scores(self, states: Tensor) -> Tensor:
        """Scores of the vocabulary [N, V] from last-layer states [N, D], token by token.

        The language model itself makes them, given these states in place of its backbone's: every
        architecture's own layers and scales, without scores of tokens that nobody asks for.
        """
        from transformers.modeling_outputs import BaseModelOutputWithPastAndCrossAttentions

        found = BaseModelOutputWithPastAndCrossAttentions(last_hidden_state=states[None])
        nothing = torch.zeros((1, 1), dtype=torch.int64, device=states.device)
        lm, backbone = self.lm, self.backbone
        backbone.forward = lambda *_, **__: found
        try:
            scores: Tensor = lm(input_ids=nothing).logits[0]  # [N, V]
        finally:
            del backbone.forward
        return scores

    def _run(self, batch: Batch, all_layers: bool) -> Any:
        inputs = self._inputs(batch)
        if self.architecture == "decoder":
            inputs["use_cache"] = False
        module = self.backbone
        if self.architecture == "encoder-decoder":
            module = module.get_encoder()
        return module(**inputs, output_hidden_states=all_layers, return_dict=True)

    def _inputs(self, batch: Batch) -> dict[str, Any]:
        mask = batch.attention_mask  # [B, T]
        inputs: dict[str, Any] = {"input_ids": batch.input_ids, "attention_mask": mask}
        kinds = int(getattr(self.backbone.config, "type_vocab_size", 0) or 0)
        if batch.token_type_ids is not None and kinds > 1 and "token_type_ids" in self._takes:
            inputs["token_type_ids"] = batch.token_type_ids
        behind = _padding_index(self.backbone)
        if behind is not None:
            # RoBERTa's family counts tokens that are not padding, which it tells by their ids;
            # the mask says the same and stays right when a trimmed vocabulary renumbers them.
            inputs["position_ids"] = mask.cumsum(-1) * mask + behind  # [B, T]
        elif self.architecture == "decoder" and "position_ids" in self._takes:
            inputs["position_ids"] = (mask.cumsum(-1) - 1).clamp(min=0)  # right for left padding
        return inputs


def load(source: Source, *, text: bool = False, lm: bool = False) -> Model:
    """A fresh, untrained copy of a backbone, on the CPU, in fp32.

    `text` loads a language model's output layer too, which has to be there; `lm` loads a masked or
    causal one, and leaves it to be drawn (`draw_output`) where the checkpoint has none.

    Raises ModelError where the files are no longer those that `source` was made of, do not fit
    each other, or cannot do what is asked.
    """
    if text and source.architecture == "encoder":
        raise ModelError(
            f"expected a model that generates text, found the encoder '{source.name}'; text"
            " tasks need a decoder or encoder-decoder."
        )
    if lm and source.architecture == "encoder-decoder":
        raise ModelError(
            f"expected an encoder or a decoder for language modelling, found '{source.name}', an"
            " encoder-decoder, whose objective (span corruption) is not built; leave `mlm` out of"
            " its study."
        )
    found = digest(source.path)
    if found != source.digest:
        raise ModelError(
            f"expected the files of '{source.name}' in {source.path} with digest"
            f" {source.digest[:12]}, found {found[:12]}: they have changed since they were"
            " located; restore them, or run again with --relock."
        )
    output = "lm" if lm else "text" if text else ""
    key = (source.digest, output)
    if key not in _WARM:
        _WARM.clear()
        _WARM[key] = _read(source, output)
    pristine = _WARM[key]
    # The tokenizer is read-only for us and slow to copy.
    return copy.deepcopy(pristine, {id(pristine.tokenizer): pristine.tokenizer})


def ships_output(source: Source) -> bool:
    """Whether the checkpoint has a language model's whole output layer; reads it to find out."""
    return not load(source, lm=True).missing


@contextmanager
def recomputing(model: Model, wanted: bool) -> Iterator[None]:
    """Keep no activations inside layers, but compute them again for the gradient: equal bytes.

    A third more time, a quarter of the activations' memory: `benchmarks/span_memory.py`.
    """
    if not wanted or not getattr(model.backbone, "supports_gradient_checkpointing", False):
        yield
        return
    model.backbone.activation_checkpointing_enable({"use_reentrant": False})
    try:
        yield
    finally:
        model.backbone.activation_checkpointing_disable()


def set_dropout(model: nn.Module, p: float) -> None:
    """Sets every dropout of a model, attention's included, which some layers keep as numbers."""
    names = ("dropout", "attention_dropout", "activation_dropout", "dropout_p", "dropout_rate")
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = p
        for name in names:
            if isinstance(vars(module).get(name), float):
                setattr(module, name, p)


_LANGUAGE_MODELS: Final = {
    "encoder": "AutoModelForMaskedLM",
    "decoder": "AutoModelForCausalLM",
    "encoder-decoder": "AutoModelForSeq2SeqLM",
}


def _output_layer(lm: Any, backbone: Any, architecture: str) -> nn.Module:
    """Every part of a language model outside of its backbone: transform, table and bias."""
    if architecture == "encoder-decoder":
        output: nn.Module = lm.get_output_embeddings()
        return output
    parts = _outside(lm, backbone)
    return next(iter(parts.values())) if len(parts) == 1 else nn.ModuleDict(parts)


def _outside(lm: Any, backbone: Any) -> dict[str, nn.Module]:
    children = [(name, part) for name, part in lm.named_children() if part is not backbone]
    return {name: part for name, part in children if any(True for _ in part.parameters())}


def _missing(model: Model, lm: Any, report: Any) -> tuple[str, ...]:
    """The names in `Model` of what the checkpoint lacks of the output layer, tied rows aside."""
    own = {id(p) for p in model.backbone.parameters()}
    lacking = {
        id(p)
        for name, p in lm.named_parameters(remove_duplicate=False)
        if name in report["missing_keys"] and id(p) not in own
    }
    return tuple(name for name, p in model.named_parameters() if id(p) in lacking)


def _read(source: Source, output: str) -> Model:
    import transformers

    text = bool(output)
    loader = getattr(transformers, _LANGUAGE_MODELS[source.architecture] if text else "AutoModel")
    try:
        # Absent poolers are drawn at random before they are removed: keep our caller's stream.
        with quiet(), torch.random.fork_rng(devices=[]):
            tokenizer = transformers.AutoTokenizer.from_pretrained(
                source.path, local_files_only=True, trust_remote_code=False
            )
            lm, report = loader.from_pretrained(
                source.path,
                local_files_only=True,
                trust_remote_code=False,
                weights_only=True,
                dtype=torch.float32,
                output_loading_info=True,
            )
    except (OSError, ValueError, RuntimeError, ImportError, KeyError, TypeError) as error:
        raise _unreadable(source, error) from error
    except (pickle.UnpicklingError, EOFError) as error:
        raise _unreadable(source, error) from error
    backbone = lm.base_model if text else lm
    if getattr(backbone, "pooler", None) is not None:
        backbone.pooler = None  # heads read states; not every checkpoint has one
    _check_whole(source, report, lm.base_model_prefix if output == "lm" else None)
    _check_tokenizer(source, tokenizer, backbone)
    lm.eval()
    model = Model(backbone, tokenizer, source.architecture, lm if text else None)
    model.missing = _missing(model, lm, report) if output == "lm" else ()
    return model


def _unreadable(source: Source, error: Exception) -> ModelError:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return ModelError(
        f"expected to read the model '{source.name}' from {source.path}, found"
        f" '{type(error).__name__}: {reason}'; fetch or save the model again."
    )


def _check_whole(source: Source, report: Any, inside: str | None) -> None:
    """Weights that a checkpoint lacks would be random numbers; all of them, or those `inside`."""
    wrong = sorted(k for k in report["missing_keys"] if "pooler." not in k)
    if inside is not None:
        wrong = [key for key in wrong if key.startswith(f"{inside}.")]
    wrong += sorted(str(key) for key in report["mismatched_keys"])
    if wrong:
        raise ModelError(
            f"expected the weights in {source.path} to be those of its config.json, found"
            f" {len(wrong)} missing or of another shape ({wrong[0]} first); the files belong to"
            " different models, so fetch or save the model again."
        )


def _check_tokenizer(source: Source, tokenizer: Any, backbone: Any) -> None:
    """Another model's tokenizer shows in its size or in all of its special tokens."""
    rows = backbone.get_input_embeddings().num_embeddings
    if len(tokenizer) > rows:
        raise ModelError(
            f"expected the tokenizer in {source.path} to have at most {rows} tokens, as the model"
            f" '{source.name}' has embeddings, found {len(tokenizer)}: it is another model's;"
            " save the model's own tokenizer there."
        )
    config = backbone.config
    pairs = [
        (getattr(config, "pad_token_id", None), tokenizer.pad_token_id),
        (getattr(config, "bos_token_id", None), tokenizer.bos_token_id or tokenizer.cls_token_id),
        (getattr(config, "eos_token_id", None), tokenizer.eos_token_id or tokenizer.sep_token_id),
    ]
    known = [(a, b) for a, b in pairs if isinstance(a, int) and isinstance(b, int)]
    if len(known) > 1 and all(a != b for a, b in known):
        raise ModelError(
            f"expected the tokenizer in {source.path} to use the special tokens of the model"
            f" '{source.name}' ({', '.join(str(a) for a, _ in known)}), found"
            f" {', '.join(str(b) for _, b in known)}: it is another model's; save the model's own"
            " tokenizer there."
        )
    tokenizer.padding_side = "right"
    if tokenizer.pad_token_id is None and source.architecture == "decoder":
        tokenizer.pad_token = tokenizer.eos_token  # masked, and never a target
    if tokenizer.pad_token_id is None:
        raise ModelError(
            f"expected the tokenizer in {source.path} to have a padding token, found none; set"
            " its pad_token and save it again."
        )


def _padding_index(backbone: Any) -> int | None:
    """The padding index behind which positions start, None where they start from 0."""
    positions = getattr(getattr(backbone, "embeddings", None), "position_embeddings", None)
    index = getattr(positions, "padding_idx", None)
    return None if index is None else int(index)


@contextmanager
def quiet() -> Iterator[None]:
    """Silences transformers' bars and reports: what they say is checked here."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
