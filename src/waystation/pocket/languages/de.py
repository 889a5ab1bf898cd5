"""German: verb second, nominative, accusative and dative articles, weak adjectives."""

from __future__ import annotations

from waystation.pocket.grammar import Grammar, Row, Words, pairs, phrase, table
from waystation.pocket.languages.en import CITIES, NAMES, proper

# Nouns look the same in nominative and accusative; the article shows gender and case.
THINGS = table("""
thing         g  noun
bread         n  Brot
fish          m  Fisch
rice          m  Reis
apple         m  Apfel
cheese        m  Käse
soup          f  Suppe
egg           n  Ei
orange        f  Orange
honey         m  Honig
cake          m  Kuchen
guitar        f  Gitarre
piano         n  Klavier
violin        f  Geige
drum          f  Trommel
flute         f  Flöte
trumpet       f  Trompete
harp          f  Harfe
accordion     n  Akkordeon
saxophone     n  Saxophon
cello         n  Cello
shirt         n  Hemd
coat          m  Mantel
hat           m  Hut
dress         n  Kleid
shoe          m  Schuh
belt          m  Gürtel
scarf         m  Schal
skirt         m  Rock
sweater       m  Pullover
suit          m  Anzug
book          n  Buch
newspaper     f  Zeitung
letter        m  Brief
magazine      f  Zeitschrift
dictionary    n  Wörterbuch
novel         m  Roman
diary         n  Tagebuch
textbook      n  Lehrbuch
encyclopedia  f  Enzyklopädie
postcard      f  Postkarte
computer      m  Computer
phone         n  Telefon
camera        f  Kamera
printer       m  Drucker
radio         n  Radio
television    m  Fernseher
calculator    m  Taschenrechner
scanner       m  Scanner
keyboard      f  Tastatur
projector     m  Projektor
table         m  Tisch
chair         m  Stuhl
bed           n  Bett
lamp          f  Lampe
mirror        m  Spiegel
carpet        m  Teppich
cupboard      m  Schrank
sofa          n  Sofa
pillow        n  Kissen
blanket       f  Decke
""")
ADJECTIVES = table("""
adjective  stem
new        neu
old        alt
big        groß
good       gut
cheap      billig
small      klein
beautiful  schön
expensive  teur
white      weiß
""")
VERBS = table("""
verb     v               k
sell     verkaufte       an
send     schickte        an
lend     verlieh         an
give     verschenkte     an
buy      kaufte          von
receive  erhielt         von
borrow   lieh+sich/PRON  von
get      bekam           von
find     fand            -
choose   wählte          -
lose     verlor          -
see      sah             -
""")
# an + accusative, von + dative.
PEOPLE = table("""
person       nom                   acc                   dat
man          der/DET+Mann          den/DET+Mann          dem/DET+Mann
woman        die/DET+Frau          die/DET+Frau          der/DET+Frau
grandfather  der/DET+Großvater     den/DET+Großvater     dem/DET+Großvater
grandmother  die/DET+Großmutter    die/DET+Großmutter    der/DET+Großmutter
king         der/DET+König         den/DET+König         dem/DET+König
queen        die/DET+Königin       die/DET+Königin       der/DET+Königin
boy          der/DET+Junge         den/DET+Jungen        dem/DET+Jungen
girl         das/DET+Mädchen       das/DET+Mädchen       dem/DET+Mädchen
""")
_CITIES = CITIES | {
    "rome": "Rom",
    "moscow": "Moskau",
    "cairo": "Kairo",
    "tokyo": "Tokio",
    "capetown": "Kapstadt",
    "hongkong": "Hongkong",
    "athens": "Athen",
    "vienna": "Wien",
    "beijing": "Peking",
    "lisbon": "Lissabon",
}
PLACES = {city: f"in/ADP+{proper(name)}" for city, name in _CITIES.items()} | {
    "market": "auf/ADP+dem/DET+Markt",
    "school": "in/ADP+der/DET+Schule",
    "hotel": "im/ADP+Hotel",
    "office": "im/ADP+Büro",
    "park": "im/ADP+Park",
    "restaurant": "im/ADP+Restaurant",
    "library": "in/ADP+der/DET+Bibliothek",
    "museum": "im/ADP+Museum",
    "station": "am/ADP+Bahnhof",
}
_DAYS = pairs("""
mon=Montag tue=Dienstag wed=Mittwoch thu=Donnerstag fri=Freitag sat=Samstag sun=Sonntag
""")
_MONTHS = pairs("""
jan=Januar feb=Februar mar=März apr=April may=Mai jun=Juni
jul=Juli aug=August sep=September oct=Oktober nov=November dec=Dezember
""")
TIMES = (
    {day: f"am/ADP+{word}" for day, word in _DAYS.items()}
    | {month: f"im/ADP+{word}" for month, word in _MONTHS.items()}
    | {"yesterday": "gestern/ADV"}
)
_ARTICLES = {
    "acc": {"m": "den", "f": "die", "n": "das"},
    "nom": {"m": "der", "f": "die", "n": "das"},
}


def noun_phrase(thing: Row, adjective: Row | None, case: str) -> Words:
    """Definite article, weak adjective (-en only in the masculine accusative), noun."""
    article = (_ARTICLES[case][thing["g"]], "DET")
    if adjective is None:
        return (article, *phrase(thing["noun"]))
    ending = "en" if case == "acc" and thing["g"] == "m" else "e"
    return (article, (adjective["stem"] + ending, "ADJ"), *phrase(thing["noun"]))


GRAMMAR = Grammar(
    code="de",
    name="German",
    family="Indo-European",
    script="Latin",
    names=NAMES | {"viktor": "Viktor"},
    things=THINGS,
    adjectives=ADJECTIVES,
    verbs=VERBS,
    people=PEOPLE,
    places=PLACES,
    times=TIMES,
    year="im/ADP+Jahr+{}/NUM",
    templates={
        "plain": "A V W P T K O",
        "front": "F V A W P T K O",
        "who": "wer/PRON V T K O ?/PUNCT",
        "what": "was/PRON V A K O ?/PUNCT",
        "at": "Q V A T K O ?/PUNCT",
        "where": "wo",
        "when": "wann",
        "now": "wer/PRON hat/VERB jetzt/ADV T ?/PUNCT",
        "before": "wer/PRON hatte/VERB vorher/ADV T ?/PUNCT",
    },
    noun_phrase=noun_phrase,
    cases={"to": "acc", "from": "dat"},
    fused={("von", "dem"): "vom"},
    link=",/PUNCT+und",
)
