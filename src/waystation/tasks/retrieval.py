"""Sentence retrieval: Tatoeba, as LASER published it.

Source sentences are in the language, targets in English; a file's English sentences are the
candidate pool. XTREME's processed copy (`de-en.de`, `de-en.en`) sorts the English side and with
it loses which sentence belongs to which, so it is not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from waystation import readers
from waystation.examples import BitextExample, digest
from waystation.languages import LANGUAGES, listed
from waystation.metrics.retrieval import ACCURACY
from waystation.task import Task
from waystation.tasks import hub_words, layouts, under

_XTREME_R: Final = listed(
    "ar he vi id jv tl eu ml ta te af nl de el bn hi mr ur fa fr it pt es bg ru ja ka ko th sw zh"
    " kk tr et fi hu az lt pl uk ro"
)
# The other languages of LASER's data/tatoeba/v1.
_MORE: Final = listed(
    "am ang arq arz ast awa be ber br bs ca cbk ceb ch cs csb cy da dsb dtp eo fo fy ga gd gl gsw"
    " hr hsb hy ia ie io is kab km ku kw kzj la lfn lv max mhr mk mn ms nb nds nn nov oc orv pam"
    " pms sk sl sq sr sv swg tk tt tzl ug uz war wuu xh yi yue"
)


def _bitext(files: Sequence[Path], _: str, split: str) -> Iterator[BitextExample]:
    """Line-aligned sides; pairs with the same English sentence are one group in any language."""
    for line, (source, target) in readers.parallel(files):
        readers.filled(source, "a sentence", files[0], line)
        readers.filled(target, "a sentence", files[1], line)
        yield BitextExample(id=str(line), group=digest(target)[:12], source=source, target=target)


TATOEBA: Final = Task(
    name="tatoeba",
    version=1,
    summary="Find the English translation of a sentence among up to 1,000.",
    example=BitextExample,
    layouts=layouts(
        _bitext,
        *under(
            ("tatoeba", "LASER-main/data/tatoeba/v1", "LASER/data/tatoeba/v1", "tatoeba/v1"),
            {"test": ("tatoeba.{l}-eng.{l}", "tatoeba.{l}-eng.eng")},
        ),
        code=lambda tag: LANGUAGES[tag].tatoeba,
    ),
    hub=hub_words.TATOEBA,
    languages=(*_XTREME_R, *_MORE),
    splits=("test",),
    metrics=(ACCURACY,),
    licence="CC BY 2.0 FR (text); LASER repository: BSD",
    citation="Artetxe and Schwenk 2019, Massively Multilingual Sentence Embeddings, TACL",
    source="https://github.com/facebookresearch/LASER/tree/main/data/tatoeba/v1",
    notes=(
        "Chance is one in the size of the pool. Sentences and pools differ between languages.",
        "Layer and pooling decide the score by tens of points: sweep and report them.",
    ),
)
