"""The layers of a backbone: in which one a parameter lies, counted from the input.

Embeddings have number 0 and the layers follow; an encoder-decoder's encoder comes first, then its
decoder. What lies above the layers (a last normalisation, an output layer of its own) has the
highest number. Layers that share their weights (ALBERT) count once. Knows paths in a
`transformers` model, nothing of training.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from torch import nn

from waystation.errors import ModelError

if TYPE_CHECKING:
    from waystation.backbone import Source

_LISTS: Final = ("layer", "layers", "h", "block", "albert_layer_groups")
"""What `transformers` calls the list of a stack's layers."""


class Layers:
    """The stacks of layers of one backbone; paths are relative to it."""

    def __init__(self, backbone: Any) -> None:
        self.stacks: list[tuple[str, int]] = []
        """Path and number of layers of each stack, the encoder's first."""
        embeddings = []
        for path, module in backbone.named_modules():
            inside = any(path.startswith(f"{stack}.") for stack, _ in self.stacks)
            if isinstance(module, nn.ModuleList) and path.rpartition(".")[2] in _LISTS:
                if not inside:
                    self.stacks.append((path, len(module)))
            elif isinstance(module, nn.Embedding) and not inside:
                embeddings.append(f"{path}.")
        self._embeddings = tuple(embeddings)
        self.count = sum(count for _, count in self.stacks)

    def check(self, frozen: int) -> None:
        """Raises ModelError where there are fewer layers than are to be frozen."""
        if frozen > self.count:
            raise ModelError(
                f"expected `frozen` of at most {self.count}, the number of its layers, found"
                f" {frozen}; lower it."
            )

    def paths(self) -> list[str]:
        """The layers themselves, the lowest first."""
        return [f"{stack}.{i}" for stack, count in self.stacks for i in range(count)]

    def number(self, path: str) -> int:
        """0 for embeddings, 1 to `count` for layers, `count` + 1 for what lies above them."""
        before = 0
        for stack, count in self.stacks:
            if path.startswith(f"{stack}."):
                return before + 1 + int(path[len(stack) + 1 :].partition(".")[0])
            before += count
        return 0 if self._embeds(path) else self.count + 1

    def below_heads(self, path: str) -> int:
        """Steps down from the heads: 1 for the top layer, the most for embeddings.

        Each stack is counted from its own top, since a decoder's layers all read the encoder's.
        """
        for stack, count in self.stacks:
            if path.startswith(f"{stack}."):
                return count - int(path[len(stack) + 1 :].partition(".")[0])
        longest = max((count for _, count in self.stacks), default=0)
        return longest + 1 if self._embeds(path) else 0

    def _embeds(self, path: str) -> bool:
        """Tables outside the stacks, and what belongs to them, such as their normalisation."""
        return path.startswith(self._embeddings) or "embed" in path


def skeleton(source: Source) -> Any:
    """A backbone's modules without their weights, which takes no memory and little time."""
    import torch
    import transformers

    from waystation.model import quiet

    with quiet(), torch.device("meta"), torch.random.fork_rng(devices=[]):
        config = transformers.AutoConfig.from_pretrained(
            source.path, local_files_only=True, trust_remote_code=False
        )
        return transformers.AutoModel.from_config(config, trust_remote_code=False)
