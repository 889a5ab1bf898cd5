"""Every built-in task reads every official file that is here, in the released numbers.

Counts come from the releases' papers and from the index beside the data (lines of headers and
unlabelled pairs taken off).
"""

from __future__ import annotations

import pytest

from official import ABSENT, DATA
from waystation import sources
from waystation.task import CATALOGUE, get

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not DATA.is_dir(), reason=ABSENT),
]

# task -> split -> examples of every language there is
SIZES = {
    "anli": {"dev": 2198, "dev-r1": 1000, "dev-r3": 1198},
    "snli": {"dev": 9842, "test": 9824},
    "sick": {"train": 4500, "dev": 500, "test": 4927},
    "rte": {"train": 2490, "dev": 277},
    "mrpc": {"train": 3667, "dev": 408, "test": 1725},
    "sts-b": {"train": 5749, "dev": 1500},
    "xnli": {"dev": 2490, "test": 5010},
    "pawsx": {"dev": 2000},
    "commonsenseqa": {"train": 9741, "dev": 1221, "test": 1140},
    "socialiqa": {"train": 33410, "dev": 1954},
    "cosmosqa": {"dev": 2985},
    "copa": {"train": 400, "dev": 100, "test": 500},
    "xcopa": {"dev": 100, "test": 500},
    "udpos": {"train": 21253, "dev": 3974},
    "panx": {"train": 20000},
    "wnut17": {"train": 3394, "dev": 1009, "test": 1287},
    "squad-v1": {"dev": 499, "xquad-articles": 700, "train": 7589},
    "xquad": {"test": 1190},
    "tydiqa": {"train": 3696},
}


def load(name, language, split):
    return sources.load(get(name), DATA, language, split).examples


@pytest.mark.parametrize("name", [name for name in CATALOGUE if not name.startswith("pocket")])
def test_everything_reads_in_released_numbers(name):
    task = get(name)
    for split in task.splits:
        languages = sources.available(task, DATA, split)
        assert languages or split not in SIZES.get(name, {})
        for language in languages:
            examples = load(name, language, split)
            assert all(isinstance(e, task.example) for e in examples)
            if split in SIZES.get(name, {}):
                assert len(examples) == SIZES[name][split], (language, split)


def test_tatoeba_and_tydiqa():
    tatoeba = sources.available(get("tatoeba"), DATA, "test")
    assert len(tatoeba) == 41
    sizes = {language: len(load("tatoeba", language, "test")) for language in tatoeba}
    assert (sizes["sw"], sizes["jv"], sizes["de"], max(sizes.values())) == (390, 205, 1000, 1000)
    dev = {l_: len(load("tydiqa", l_, "dev")) for l_ in ("ar", "en", "id", "ru")}
    assert dev == {"ar": 921, "en": 440, "id": 565, "ru": 812}


def test_tatoeba_keeps_the_lines_together():
    first = load("tatoeba", "de", "test")[0]
    sides = ("tatoeba.deu-eng.deu", "tatoeba.deu-eng.eng")
    texts = [(DATA / "tatoeba" / side).read_text(encoding="utf-8").split("\n")[0] for side in sides]
    assert [first.source, first.target] == texts


def test_xnli_is_parallel_and_its_triples_share_a_premise():
    english, german = load("xnli", "en", "test"), load("xnli", "de", "test")
    assert [e.label for e in english] == [e.label for e in german]
    assert [(e.id, e.group) for e in english] == [(e.id, e.group) for e in german]
    premises = {}
    for example in english:
        assert premises.setdefault(example.group, example.text) == example.text
    assert len(premises) == 1670
    assert {label: sum(e.label == label for e in english) for label in get("xnli").labels} == {
        "entailment": 1670,
        "neutral": 1670,
        "contradiction": 1670,
    }


def test_treebanks():
    english, german = load("udpos", "en", "test"), load("udpos", "de", "test")
    assert [e.group for e in english] == [e.group for e in german]
    assert english[0].words[:4] == ("“", "While", "much", "of")
    assert english[0].tags[:4] == ("PUNCT", "SCONJ", "ADJ", "ADP")
    assert load("udpos", "et", "test")[0].group is None
    assert len(load("udpos", "et", "test")) == 913


def test_xquad_groups_are_paragraphs_in_every_language():
    english, hindi = load("xquad", "en", "test"), load("xquad", "hi", "test")
    assert [(e.id, e.group) for e in english] == [(e.id, e.group) for e in hindi]
    assert len({e.group for e in english}) == 240
    assert len({(e.group, e.context) for e in english}) == 240


def test_squad_sample_keeps_xquad_and_dev_out_of_training():
    xquad = {e.context for e in load("xquad", "en", "test")}
    train, dev = load("squad-v1", "en", "train"), load("squad-v1", "en", "dev")
    kept_out = load("squad-v1", "en", "xquad-articles")
    assert not xquad & {e.context for e in (*train, *dev)}
    assert len(xquad & {e.context for e in kept_out}) == 15
    assert not {e.context for e in train} & {e.context for e in dev}
    assert len(train) + len(dev) + len(kept_out) == 4639 + sum(
        e.id.startswith("mrqa-") for e in train
    )


def test_pawsx_quotes_are_those_of_the_release():
    quoted = [e for e in load("pawsx", "fr", "dev") if '"' in e.text + e.pair]
    assert len(quoted) > 100
    assert not any(e.text.startswith('"') and e.text.endswith('"""') for e in quoted)
    assert load("pawsx", "fr", "dev")[8].text.startswith("Le compté de Hudson")


def test_copa_test_has_no_gold_but_xcopa_has():
    assert {e.label for e in load("copa", "en", "test")} == {None}
    assert {e.label for e in load("copa", "en", "train")} == {0, 1}
    assert {e.label for e in load("xcopa", "vi", "test")} == {0, 1}
    assert load("xcopa", "vi", "test")[0].context.endswith(". What was the cause?")


def test_selecting_held_out_snli_pairs():
    pairs = load("snli", "en", "dev+test")
    task = get("snli")
    held = sources.select(task, pairs, 1500)
    rest = sources.select(task, pairs, None, 1500)
    assert len(pairs) == 19666
    assert not {e.id for e in held} & {e.id for e in rest}
    assert len(held) + len(rest) == len(pairs)
