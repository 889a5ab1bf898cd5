"""The one table of languages: BCP 47 tags inside, every file's own codes at the edges.

Covers the languages of XTREME, XTREME-R and LASER's Tatoeba set and some more. Sources: the IANA
subtag registry (tags, suppressed scripts), ISO 639-3 and ISO 15924, the FLORES-200 README (its
codes) and the file names of LASER's `data/tatoeba/v1` (its codes). Family is the top-level one
that XTREME's Table 5 uses. Standard library only; it is no general language-tag library:
a tag is checked for its primary language, script and region, and nothing else may follow.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from waystation.errors import UserError, suggest


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One row of the table; `tatoeba` is the ISO 639-3 code that Tatoeba's files carry."""

    tag: str
    name: str
    family: str
    script: str
    tatoeba: str
    flores: str | None


# tag name family script ISO-639-3 FLORES ("=" is ISO-639-3_script, "-" none)
_TABLE: Final = """
af Afrikaans Indo-European Latn afr =
am Amharic Afro-Asiatic Ethi amh =
ang Old_English Indo-European Latn ang -
ar Arabic Afro-Asiatic Arab ara arb_Arab
arq Algerian_Arabic Afro-Asiatic Arab arq -
arz Egyptian_Arabic Afro-Asiatic Arab arz =
as Assamese Indo-European Beng asm =
ast Asturian Indo-European Latn ast =
awa Awadhi Indo-European Deva awa =
az Azerbaijani Turkic Latn aze azj_Latn
ba Bashkir Turkic Cyrl bak =
be Belarusian Indo-European Cyrl bel =
ber Berber Afro-Asiatic Latn ber -
bg Bulgarian Indo-European Cyrl bul =
bm Bambara Mande Latn bam =
bn Bengali Indo-European Beng ben =
bo Tibetan Sino-Tibetan Tibt bod =
br Breton Indo-European Latn bre -
bs Bosnian Indo-European Latn bos =
ca Catalan Indo-European Latn cat =
cbk Chavacano Creole Latn cbk -
ceb Cebuano Austronesian Latn ceb =
ch Chamorro Austronesian Latn cha -
cs Czech Indo-European Latn ces =
csb Kashubian Indo-European Latn csb -
cy Welsh Indo-European Latn cym =
da Danish Indo-European Latn dan =
de German Indo-European Latn deu =
dsb Lower_Sorbian Indo-European Latn dsb -
dtp Central_Dusun Austronesian Latn dtp -
ee Ewe Niger-Congo Latn ewe =
el Greek Indo-European Grek ell =
en English Indo-European Latn eng =
eo Esperanto Constructed Latn epo =
es Spanish Indo-European Latn spa =
et Estonian Uralic Latn est =
eu Basque Isolate Latn eus =
fa Persian Indo-European Arab pes =
fi Finnish Uralic Latn fin =
fo Faroese Indo-European Latn fao =
fr French Indo-European Latn fra =
fy Western_Frisian Indo-European Latn fry -
ga Irish Indo-European Latn gle =
gd Scottish_Gaelic Indo-European Latn gla =
gl Galician Indo-European Latn glg =
gn Guarani Tupian Latn grn =
gsw Swiss_German Indo-European Latn gsw -
gu Gujarati Indo-European Gujr guj =
gv Manx Indo-European Latn glv -
ha Hausa Afro-Asiatic Latn hau =
he Hebrew Afro-Asiatic Hebr heb =
hi Hindi Indo-European Deva hin =
hr Croatian Indo-European Latn hrv =
hsb Upper_Sorbian Indo-European Latn hsb -
ht Haitian_Creole Creole Latn hat =
hu Hungarian Uralic Latn hun =
hy Armenian Indo-European Armn hye =
ia Interlingua Constructed Latn ina -
id Indonesian Austronesian Latn ind =
ie Interlingue Constructed Latn ile -
ig Igbo Niger-Congo Latn ibo =
io Ido Constructed Latn ido -
is Icelandic Indo-European Latn isl =
it Italian Indo-European Latn ita =
ja Japanese Japonic Jpan jpn =
jv Javanese Austronesian Latn jav =
ka Georgian Kartvelian Geor kat =
kab Kabyle Afro-Asiatic Latn kab =
kk Kazakh Turkic Cyrl kaz =
km Khmer Austroasiatic Khmr khm =
kn Kannada Dravidian Knda kan =
ko Korean Koreanic Kore kor kor_Hang
ku Kurdish Indo-European Latn kur kmr_Latn
kw Cornish Indo-European Latn cor -
ky Kyrgyz Turkic Cyrl kir =
kzj Coastal_Kadazan Austronesian Latn kzj -
la Latin Indo-European Latn lat -
lb Luxembourgish Indo-European Latn ltz =
lfn Lingua_Franca_Nova Constructed Latn lfn -
lg Ganda Niger-Congo Latn lug =
ln Lingala Niger-Congo Latn lin =
lo Lao Kra-Dai Laoo lao =
lt Lithuanian Indo-European Latn lit =
lv Latvian Indo-European Latn lvs =
max North_Moluccan_Malay Austronesian Latn max -
mg Malagasy Austronesian Latn mlg plt_Latn
mhr Eastern_Mari Uralic Cyrl mhr -
mi Maori Austronesian Latn mri =
mk Macedonian Indo-European Cyrl mkd =
ml Malayalam Dravidian Mlym mal =
mn Mongolian Mongolic Cyrl mon khk_Cyrl
mr Marathi Indo-European Deva mar =
ms Malay Austronesian Latn zsm =
mt Maltese Afro-Asiatic Latn mlt =
my Burmese Sino-Tibetan Mymr mya =
nb Norwegian_Bokmål Indo-European Latn nob =
nds Low_German Indo-European Latn nds -
ne Nepali Indo-European Deva nep npi_Deva
nl Dutch Indo-European Latn nld =
nn Norwegian_Nynorsk Indo-European Latn nno =
nov Novial Constructed Latn nov -
oc Occitan Indo-European Latn oci =
om Oromo Afro-Asiatic Latn orm gaz_Latn
or Odia Indo-European Orya ori ory_Orya
orv Old_East_Slavic Indo-European Cyrl orv -
pa Punjabi Indo-European Guru pan =
pam Kapampangan Austronesian Latn pam -
pl Polish Indo-European Latn pol =
pms Piedmontese Indo-European Latn pms -
ps Pashto Indo-European Arab pus pbt_Arab
pt Portuguese Indo-European Latn por =
qu Quechua Quechuan Latn que quy_Latn
ro Romanian Indo-European Latn ron =
ru Russian Indo-European Cyrl rus =
rw Kinyarwanda Niger-Congo Latn kin =
sa Sanskrit Indo-European Deva san =
sd Sindhi Indo-European Arab snd =
se Northern_Sami Uralic Latn sme -
si Sinhala Indo-European Sinh sin =
sk Slovak Indo-European Latn slk =
sl Slovenian Indo-European Latn slv =
sn Shona Niger-Congo Latn sna =
so Somali Afro-Asiatic Latn som =
sq Albanian Indo-European Latn sqi als_Latn
sr Serbian Indo-European Cyrl srp =
su Sundanese Austronesian Latn sun =
sv Swedish Indo-European Latn swe =
sw Swahili Niger-Congo Latn swh =
swg Swabian Indo-European Latn swg -
ta Tamil Dravidian Taml tam =
te Telugu Dravidian Telu tel =
tg Tajik Indo-European Cyrl tgk =
th Thai Kra-Dai Thai tha =
ti Tigrinya Afro-Asiatic Ethi tir =
tk Turkmen Turkic Latn tuk =
tl Tagalog Austronesian Latn tgl =
tn Tswana Niger-Congo Latn tsn =
tr Turkish Turkic Latn tur =
tt Tatar Turkic Cyrl tat =
tw Twi Niger-Congo Latn twi =
tzl Talossan Constructed Latn tzl -
ug Uyghur Turkic Arab uig =
uk Ukrainian Indo-European Cyrl ukr =
ur Urdu Indo-European Arab urd =
uz Uzbek Turkic Latn uzb uzn_Latn
vi Vietnamese Austroasiatic Latn vie =
war Waray Austronesian Latn war =
wo Wolof Niger-Congo Latn wol =
wuu Wu_Chinese Sino-Tibetan Hans wuu -
xh Xhosa Niger-Congo Latn xho =
yi Yiddish Indo-European Hebr yid ydd_Hebr
yo Yoruba Niger-Congo Latn yor =
yue Cantonese Sino-Tibetan Hant yue =
zh Chinese Sino-Tibetan Hans cmn zho_Hans
zu Zulu Niger-Congo Latn zul =
"""


def listed(text: str) -> tuple[str, ...]:
    """The words of a literal list, `listed("de fr sw")`."""
    return tuple(text.split())


def _rows() -> dict[str, Language]:
    table: dict[str, Language] = {}
    for line in _TABLE.split("\n")[1:-1]:
        tag, name, family, script, tatoeba, flores = line.split(" ")
        code = {"=": f"{tatoeba}_{script}", "-": None}.get(flores, flores)
        name = name.replace("_", " ")
        table[tag] = Language(
            tag=tag, name=name, family=family, script=script, tatoeba=tatoeba, flores=code
        )
    return table


LANGUAGES: Final[Mapping[str, Language]] = _rows()

# The languages of the two benchmarks, in the order of the official `evaluate.py`'s panx lists.
XTREME: Final = listed(
    "ar he vi id jv ms tl eu ml ta te af nl en de el bn hi mr ur fa fr it pt es bg ru ja ka ko th"
    " sw yo my zh kk tr et fi hu"
)
XTREME_R: Final = (*XTREME, *listed("qu pl uk az lt pa gu ro ht wo"))

# The 23 natural languages of HumanEval-XL, whose files carry this table's English names.
HUMANEVAL_XL: Final = listed("en zh pt es fr nl ru de af it tr id ar vi bg fa ms hu et fi he el tl")

# Other codes that files and users write for a tag of the table.
_OTHER_CODES: Final[Mapping[str, str]] = {
    "arb": "ar", "azj": "az", "ekk": "et", "fas": "fa", "fil": "tl", "hbs": "sr", "in": "id",
    "iw": "he", "jp": "ja", "jw": "jv", "khk": "mn", "kmr": "ku", "lav": "lv", "msa": "ms",
    "no": "nb", "nor": "nb", "npi": "ne", "ory": "or", "plt": "mg", "quy": "qu", "swa": "sw",
    "chi": "zh", "dut": "nl", "fre": "fr", "ger": "de", "gre": "el", "per": "fa", "rum": "ro",
    "uzn": "uz", "ydd": "yi", "zho": "zh", "als": "sq", "pbt": "ps", "gaz": "om",
    "Mandarin": "zh", "Farsi": "fa", "Norwegian": "nb", "Filipino": "tl", "Castilian": "es",
    "zh-cn": "zh-Hans", "zh-tw": "zh-Hant",
}  # fmt: skip
_BY_TATOEBA: Final = {row.tatoeba: tag for tag, row in LANGUAGES.items()}
_BY_FLORES: Final = {row.flores: tag for tag, row in LANGUAGES.items() if row.flores}
_BY_NAME: Final = {row.name: tag for tag, row in LANGUAGES.items()}
_HINTS: Final = {
    key.lower(): tag
    for codes in (_BY_NAME, _BY_TATOEBA, _BY_FLORES, _OTHER_CODES)
    for key, tag in codes.items()
}
# Scripts without spaces between words.
_UNSPACED: Final = listed("Hans Hant Hani Jpan Thai Laoo Khmr Mymr Tibt")
# Branches of Germanic (Glottolog: west2793, nort3160).
_WEST_GERMANIC: Final = listed("ang en af de fy gsw lb nds nl swg yi")
_NORTH_GERMANIC: Final = listed("da fo is nb nn sv")
_SHAPE: Final = re.compile(r"([a-z]{2,3})(-[A-Z][a-z]{3})?(-(?:[A-Z]{2}|[0-9]{3}))?")
_PRIVATE: Final = re.compile(r"x(-[a-z0-9]{1,8})+")


def check_tag(text: str) -> str:
    """The tag itself where it is one, else UserError with the tag that was probably meant.

    A tag is a language of the table with, at will, a script and a region (`zh-Hant`, `pt-BR`),
    or a private one (`x-klingon`) for a language that the table lacks.
    """
    shape = _SHAPE.fullmatch(text)
    if (shape and shape[1] in LANGUAGES) or _PRIVATE.fullmatch(text):
        return text
    raise UserError(
        f"expected a BCP 47 language tag such as 'de', 'sw' or 'zh-Hant', found '{text}'."
        f"{_meant(text)} A language that the table lacks is written 'x-NAME'."
    )


def _meant(text: str) -> str:
    plain = text.strip().lower()
    tag = _HINTS.get(plain) or _HINTS.get(plain.replace("-", "_"))
    if tag is None:
        first, *rest = re.split(r"[-_]", text.strip())
        first = _HINTS.get(first.lower(), first.lower())
        parts = [p.title() if len(p) == 4 else p.upper() for p in rest]
        candidate = "-".join([first, *parts])
        shape = _SHAPE.fullmatch(candidate)
        tag = candidate if shape and first in LANGUAGES else None
    if tag is None:
        near = suggest(text.strip().title(), _BY_NAME) if len(plain) > 3 else ""
        name = near.split("'")[1] if near else None
        tag = _BY_NAME[name] if name else None
    if tag is None:
        return suggest(plain, LANGUAGES) if len(plain) > 2 else ""
    shown = language(tag).name
    return f" Did you mean '{tag}' ({shown})?"


def language(tag: str) -> Language:
    """The table's row of a tag, found by its primary language; UserError where there is none."""
    check_tag(tag)
    primary = tag.split("-")[0]
    if primary not in LANGUAGES:
        raise UserError(
            f"expected a language of the table, found the private tag '{tag}', of which no"
            " name, script or file code is known; use a tag of the table here."
        )
    return LANGUAGES[primary]


def name_of(tag: str) -> str:
    """The English name of a tag: `German`, `Chinese (Hant)`; a private tag is its own name."""
    primary, *rest = tag.split("-")
    if primary not in LANGUAGES:
        return tag
    return LANGUAGES[primary].name + (f" ({'-'.join(rest)})" if rest else "")


def script_of(tag: str) -> str:
    """The script of a tag, or else the language's own (ISO 15924); "" if unknown."""
    primary, *rest = tag.split("-")
    own = LANGUAGES[primary].script if primary in LANGUAGES else ""
    return next((part for part in rest if part.istitle() and len(part) == 4), own)


def writes_spaces(tag: str) -> bool:
    """Whether words are written apart, so that counting them at spaces means something.

    Unknown languages are taken to do so.
    """
    return script_of(tag) not in _UNSPACED


def distance_to_english(tag: str) -> int | None:
    """How far a language is from English, 0 to 5, by family tree and script; None if unknown.

    0 is English; 1 another West Germanic language, 2 another Germanic one, 3 another Indo-European
    one, 4 any other (creoles, constructed languages and isolates too); 1 more where the script is
    not Latin. An order of groups, not a scale: it knows nothing of loans, word order or typology.
    The branches are those of Glottolog. A pair such as `de-en` counts as its first language.
    """
    primary = tag.partition("-")[0]
    row = LANGUAGES.get(primary)
    if row is None:
        return None
    if primary == "en":
        steps = 0
    elif primary in _WEST_GERMANIC:
        steps = 1
    elif primary in _NORTH_GERMANIC:
        steps = 2
    else:
        steps = 3 if row.family == "Indo-European" else 4
    return steps + (script_of(tag) != "Latn")


def from_tatoeba(code: str) -> str:
    """The tag of a Tatoeba (ISO 639-3) code."""
    return _lookup(code, _BY_TATOEBA, "a Tatoeba language code")


def from_flores(code: str) -> str:
    """The tag of a FLORES-200 code such as `swh_Latn`."""
    return _lookup(code, _BY_FLORES, "a FLORES-200 language code")


def from_humaneval_xl(name: str) -> str:
    """The tag of a HumanEval-XL file name such as `Chinese`."""
    names = {LANGUAGES[tag].name: tag for tag in HUMANEVAL_XL}
    return _lookup(name, names, "a HumanEval-XL language name")


def _lookup(code: str, table: Mapping[str, str], what: str) -> str:
    if code not in table:
        raise UserError(f"expected {what}, found '{code}'.{suggest(code, table)}")
    return table[code]
