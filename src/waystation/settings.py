"""The settings that change a result, apart from those that never do.

`TrainConfig` and `Numerics` enter a step's key; `Resources` never does. They are separate types
so that nobody keeps a list of fields to leave out. Defaults follow Phang et al. 2020 (learning
rate 1e-5, warm-up 10%) with fewer epochs, see the field's notes on jiant's XTREME scripts.
No torch.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

LearningRate = Annotated[float, Field(gt=0, le=1)]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Adapter(_Closed):
    """A small module that is trained in place of the backbone's own weights."""

    kind: Literal["lora", "bottleneck"] = "lora"
    """LoRA (Hu et al. 2021), or a bottleneck after each layer (Pfeiffer et al. 2020)."""
    rank: Annotated[int, Field(ge=1, le=4096)] = 8
    """LoRA's rank, or the width of the bottleneck."""
    alpha: Annotated[float, Field(gt=0)] = 16
    """LoRA's scale is alpha / rank; a bottleneck has none."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    modules: tuple[str, ...] = ()
    """Names of the linear layers that LoRA adapts; () takes those that `peft` names for it."""
    after: Literal["merge", "stack"] = "merge"
    """For the stages that follow: merged into the weights, or kept, frozen, under theirs.

    A bottleneck cannot be merged, so it is stacked.
    """

    @property
    def stacked(self) -> bool:
        """Whether it stays a module of its own in the stages that follow."""
        return self.kind == "bottleneck" or self.after == "stack"


class TrainConfig(_Closed):
    """How one training step runs. Every field enters the step's key."""

    learning_rate: LearningRate = 1e-5
    """Peak learning rate of AdamW (Phang et al. 2020, section 3: 1e-5)."""
    epochs: Annotated[float, Field(gt=0, le=1000)] = 3
    """Passes over the (mixed) training examples; fractions allowed."""
    batch_size: Annotated[int, Field(ge=1, le=65536)] = 32
    """Examples per optimiser step, whatever the accumulation."""
    micro_batch_size: Annotated[int, Field(ge=1, le=65536)] | None = None
    """Examples per forward pass; None takes the whole batch at once. Lower it to save memory."""
    max_tokens: Annotated[int, Field(ge=8, le=65536)] = 256
    """Longest input in tokens, special tokens included."""
    stride: Annotated[int, Field(ge=0, le=65536)] = 128
    """Tokens that neighbouring windows of a long context share (span, tagging)."""
    warmup: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of steps over which the learning rate rises from 0."""
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 0.0
    """AdamW's decoupled decay; biases and normalisation weights are exempt."""
    adam_beta1: Annotated[float, Field(ge=0, lt=1)] = 0.9
    adam_beta2: Annotated[float, Field(ge=0, lt=1)] = 0.999
    adam_epsilon: Annotated[float, Field(gt=0, le=1)] = 1e-8
    clip: Annotated[float, Field(gt=0)] | None = 1.0
    """Largest norm of the gradient; None leaves it alone."""
    dropout: Annotated[float, Field(ge=0, lt=1)] | None = None
    """Dropout in the backbone and heads; None keeps the backbone's own."""
    evaluations: Annotated[int, Field(ge=1, le=1000)] = 1
    """Evaluations on dev (and checkpoints), evenly spread; the last is at the last step."""
    patience: Annotated[int, Field(ge=1)] | None = None
    """Stop after this many evaluations without a better dev score; None never stops early."""
    dev_examples: Annotated[int, Field(ge=1)] = 500
    """Examples of each dev split that evaluations use (jiant's XTREME scripts: the first 500)."""
    selection: Annotated[
        str,
        Field(
            pattern=r"^(source-dev|last|average-[1-9]\d*)$",
            description="one of source-dev, last, average-3 (or another number)",
        ),
    ] = "source-dev"
    """Which numbered checkpoint is handed on; average-3 is the mean of the last three."""
    keep_head: bool = False
    """Start from the previous stage's head where its spec is equal; otherwise heads are fresh."""
    trim_vocabulary: bool = True
    """Train only the embedding rows that occur; equal to training all of them."""
    frozen: Literal["nothing", "embeddings"] | Annotated[int, Field(ge=1)] = "nothing"
    """What is not trained: the input embeddings, or those and this many of the lowest layers.

    An encoder-decoder's encoder layers count first. Output embeddings tied to the input's are
    frozen with them. With an adapter: the layers that get none.
    """
    layer_decay: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Each layer's learning rate is this times that of the layer above; heads have the peak.

    Embeddings are below the lowest layer (Clark et al. 2020, appendix A.1; their code leaves one
    more step between the heads and the top layer).
    """
    adapter: Adapter | None = None
    """Train this alone (and the heads) instead of the backbone's weights."""
    learning_rates: Annotated[tuple[LearningRate, ...], Field(max_length=32)] = ()
    """Peaks to try in place of `learning_rate`; the best on the stage's own dev is handed on."""
    head_seed: Annotated[int, Field(ge=0, le=2**32 - 1)] | None = None
    """Draws fresh heads for every seed alike (weights of several seeds can then be averaged)."""

    def pinned(self) -> dict[str, Any]:
        """What enters a key: all fields, those of later versions only where they are used."""
        used = self.model_dump(mode="json")
        return {n: v for n, v in used.items() if n not in LATER or v != LATER[n]}


LATER: Final = TrainConfig().model_dump(
    mode="json", include={"frozen", "layer_decay", "adapter", "learning_rates", "head_seed"}
)
"""Fields that came after the first stores were written, with their defaults: left out of keys
where they say nothing, so that finished steps stay finished."""


class Numerics(_Closed):
    """Number format and threads; `auto` is resolved to a value in the lock."""

    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """bf16 is autocast with fp32 weights; auto takes it where the hardware has it."""
    threads: Annotated[int, Field(ge=1, le=1024)] | Literal["auto"] = "auto"
    """CPU threads of one step; they change the order of sums, hence the last bits."""


class Resources(_Closed):
    """Where steps run and how many at once. Never enters a key."""

    devices: Literal["auto", "cpu", "cuda"] = "auto"
    jobs: Annotated[int, Field(ge=1, le=1024)] = 1
    """Steps that run at once in the local pool."""
    cpus: Annotated[int, Field(ge=1, le=1024)] | None = None
    """CPU cores that a step reserves in a Ray cluster; None takes as many as it has threads."""
    gpus: Annotated[float, Field(gt=0, le=64)] | None = None
    """GPUs that a step reserves in a Ray cluster, as 0.5; None takes one where there are any."""
    memory_gb: Annotated[float, Field(gt=0, le=1e6)] | None = None
    """Memory that a step reserves in a Ray cluster; None takes the plan's estimate."""
