"""Swahili: noun classes shape the adjectives; givers' verbs carry an object marker.

Columns c1 to c9 are the adjective's forms for singular nouns of classes 1, 3, 5, 7 and 9.
"""

from __future__ import annotations

from waystation.pocket.grammar import Grammar, Row, Words, pairs, phrase, table
from waystation.pocket.languages.en import CITIES, NAMES, proper

THINGS = table("""
thing         class  noun
bread         c3  mkate
fish          c1  samaki
rice          c3  mchele
apple         c5  tufaha
cheese        c9  jibini
soup          c9  supu
egg           c5  yai
orange        c5  chungwa
honey         c9  asali
cake          c9  keki
guitar        c5  gitaa
piano         c9  piano
violin        c9  fidla
drum          c9  ngoma
flute         c9  filimbi
trumpet       c5  tarumbeta
harp          c7  kinubi
accordion     c9  kodiani
saxophone     c9  saksafoni
cello         c9  selo
shirt         c5  shati
coat          c5  koti
hat           c9  kofia
dress         c5  gauni
shoe          c7  kiatu
belt          c3  mkanda
scarf         c9  skafu
skirt         c9  sketi
sweater       c9  sweta
suit          c9  suti
book          c7  kitabu
newspaper     c5  gazeti
letter        c9  barua
magazine      c5  jarida
dictionary    c9  kamusi
novel         c9  riwaya
diary         c9  shajara
textbook      c7  kitabu+cha/ADP+kiada
encyclopedia  c9  ensaiklopidia
postcard      c9  postikadi
computer      c9  kompyuta
phone         c9  simu
camera        c9  kamera
printer       c9  printa
radio         c9  redio
television    c9  televisheni
calculator    c7  kikokotoo
scanner       c9  skana
keyboard      c9  kibodi
projector     c9  projekta
table         c9  meza
chair         c7  kiti
bed           c7  kitanda
lamp          c9  taa
mirror        c7  kioo
carpet        c5  zulia
cupboard      c5  kabati
sofa          c9  sofa
pillow        c3  mto
blanket       c5  blanketi
""")
ADJECTIVES = table("""
adjective  c1                    c3                    c5                    c7                     c9
new        mpya                  mpya                  jipya                 kipya                  mpya
old        wa/ADP+zamani/NOUN    wa/ADP+zamani/NOUN    la/ADP+zamani/NOUN    cha/ADP+zamani/NOUN    ya/ADP+zamani/NOUN
big        mkubwa                mkubwa                kubwa                 kikubwa                kubwa
good       mzuri                 mzuri                 zuri                  kizuri                 nzuri
cheap      rahisi                rahisi                rahisi                rahisi                 rahisi
small      mdogo                 mdogo                 dogo                  kidogo                 ndogo
beautiful  maridadi              maridadi              maridadi              maridadi               maridadi
expensive  ghali                 ghali                 ghali                 ghali                  ghali
white      mweupe                mweupe                jeupe                 cheupe                 nyeupe
""")  # noqa: E501
VERBS = table("""
verb     v            k
sell     alimuuzia    -
send     alimtumia    -
lend     alimwazima   -
give     alimpa       -
buy      alinunua     kutoka+kwa
receive  alipokea     kutoka+kwa
borrow   aliazima     kutoka+kwa
get      alipewa      na
find     alipata      -
choose   alichagua    -
lose     alipoteza    -
see      aliona       -
""")
PEOPLE = table("""
person       nom
man          mwanamume
woman        mwanamke
grandfather  babu
grandmother  bibi
king         mfalme
queen        malkia
boy          mvulana
girl         msichana
""")
_CITIES = CITIES | {"rome": "Roma", "cairo": "Kairo"}
PLACES = {city: f"mjini/NOUN+{proper(name)}" for city, name in _CITIES.items()} | pairs("""
market=sokoni school=shuleni hotel=hotelini office=ofisini park=bustanini restaurant=mgahawani
library=maktabani museum=katika/ADP+jumba+la/ADP+makumbusho station=kwenye/ADP+stesheni
""")
_DAYS = pairs("""
mon=Jumatatu tue=Jumanne wed=Jumatano thu=Alhamisi fri=Ijumaa sat=Jumamosi sun=Jumapili
""")
_MONTHS = pairs("""
jan=Januari feb=Februari mar=Machi apr=Aprili may=Mei jun=Juni jul=Julai aug=Agosti
sep=Septemba oct=Oktoba nov=Novemba dec=Desemba
""")
TIMES = (
    {day: f"siku+ya/ADP+{word}/PROPN" for day, word in _DAYS.items()}
    | {month: f"mwezi+wa/ADP+{word}/PROPN" for month, word in _MONTHS.items()}
    | {"yesterday": "jana/ADV"}
)


def noun_phrase(thing: Row, adjective: Row | None, case: str) -> Words:
    """Noun, adjective in its class."""
    described = phrase(adjective[thing["class"]], "ADJ") if adjective else ()
    return (*phrase(thing["noun"]), *described)


GRAMMAR = Grammar(
    code="sw",
    name="Swahili",
    family="Niger-Congo",
    script="Latin",
    names=NAMES | {"viktor": "Viktor"},
    things=THINGS,
    adjectives=ADJECTIVES,
    verbs=VERBS,
    people=PEOPLE,
    places=PLACES,
    times=TIMES,
    year="mwaka+wa/ADP+{}/NUM",
    templates={
        "plain": "A V T K O P W",
        "plain.to": "A V O T P W",
        "front": "F ,/PUNCT A V T K O P W",
        "front.to": "F ,/PUNCT A V O T P W",
        "who": "nani/PRON V T K O ?/PUNCT",
        "who.to": "nani/PRON V O T ?/PUNCT",
        "what": "A V nini/PRON K O ?/PUNCT",
        "what.to": "A V O nini/PRON ?/PUNCT",
        "at": "A V T K O Q ?/PUNCT",
        "at.to": "A V O T Q ?/PUNCT",
        "where": "wapi",
        "when": "lini",
        "now": "nani/PRON ana/VERB T sasa/ADV ?/PUNCT",
        "before": "nani/PRON alikuwa/AUX na/ADP T hapo/ADV awali/ADV ?/PUNCT",
    },
    noun_phrase=noun_phrase,
    link=",/PUNCT+na",
)
