"""Finnish: objects in -n, outer local cases for giving and taking, inner ones for cities."""

from __future__ import annotations

from waystation.pocket.grammar import Grammar, Row, Words, pairs, phrase, table
from waystation.pocket.languages.en import NAMES
from waystation.pocket.world import Person

THINGS = table("""
thing         nom             acc
bread         leipä           leivän
fish          kala            kalan
rice          riisi           riisin
apple         omena           omenan
cheese        juusto          juuston
soup          keitto          keiton
egg           muna            munan
orange        appelsiini      appelsiinin
honey         hunaja          hunajan
cake          kakku           kakun
guitar        kitara          kitaran
piano         piano           pianon
violin        viulu           viulun
drum          rumpu           rummun
flute         huilu           huilun
trumpet       trumpetti       trumpetin
harp          harppu          harpun
accordion     harmonikka      harmonikan
saxophone     saksofoni       saksofonin
cello         sello           sellon
shirt         paita           paidan
coat          takki           takin
hat           hattu           hatun
dress         mekko           mekon
shoe          kenkä           kengän
belt          vyö             vyön
scarf         huivi           huivin
skirt         hame            hameen
sweater       villapaita      villapaidan
suit          puku            puvun
book          kirja           kirjan
newspaper     sanomalehti     sanomalehden
letter        kirje           kirjeen
magazine      aikakauslehti   aikakauslehden
dictionary    sanakirja       sanakirjan
novel         romaani         romaanin
diary         päiväkirja      päiväkirjan
textbook      oppikirja       oppikirjan
encyclopedia  tietosanakirja  tietosanakirjan
postcard      postikortti     postikortin
computer      tietokone       tietokoneen
phone         puhelin         puhelimen
camera        kamera          kameran
printer       tulostin        tulostimen
radio         radio           radion
television    televisio       television
calculator    laskin          laskimen
scanner       skanneri        skannerin
keyboard      näppäimistö     näppäimistön
projector     projektori      projektorin
table         pöytä           pöydän
chair         tuoli           tuolin
bed           sänky           sängyn
lamp          lamppu          lampun
mirror        peili           peilin
carpet        matto           maton
cupboard      kaappi          kaapin
sofa          sohva           sohvan
pillow        tyyny           tyynyn
blanket       peitto          peiton
""")
ADJECTIVES = table("""
adjective  nom        acc
new        uusi       uuden
old        vanha      vanhan
big        suuri      suuren
good       hyvä       hyvän
cheap      halpa      halvan
small      pieni      pienen
beautiful  kaunis     kauniin
expensive  kallis     kalliin
white      valkoinen  valkoisen
""")
VERBS = table("""
verb     v           k
sell     myi         -
send     lähetti     -
lend     lainasi     -
give     antoi       -
buy      osti        -
receive  vastaanotti -
borrow   lainasi     -
get      sai         -
find     löysi       -
choose   valitsi     -
lose     kadotti     -
see      näki        -
""")
PEOPLE = table("""
person       nom         all           abl
man          mies        miehelle      mieheltä
woman        nainen      naiselle      naiselta
grandfather  isoisä      isoisälle     isoisältä
grandmother  isoäiti     isoäidille    isoäidiltä
king         kuningas    kuninkaalle   kuninkaalta
queen        kuningatar  kuningattarelle  kuningattarelta
boy          poika       pojalle       pojalta
girl         tyttö       tytölle       tytöltä
""")
_CITIES = pairs("""
paris=Pariisissa rome=Roomassa berlin=Berliinissä moscow=Moskovassa cairo=Kairossa tokyo=Tokiossa
capetown=Kapkaupungissa hongkong=Hongkongissa london=Lontoossa madrid=Madridissa athens=Ateenassa
vienna=Wienissä beijing=Pekingissä istanbul=Istanbulissa newyork=New+Yorkissa lisbon=Lissabonissa
delhi=Delhissä buenosaires=Buenos+Airesissa
""")
PLACES = {
    city: "+".join(f"{word}/PROPN" for word in name.split("+")) for city, name in _CITIES.items()
} | pairs("""
market=torilla school=koulussa hotel=hotellissa office=toimistossa park=puistossa
restaurant=ravintolassa library=kirjastossa museum=museossa station=asemalla
""")
TIMES = pairs("""
mon=maanantaina tue=tiistaina wed=keskiviikkona thu=torstaina fri=perjantaina sat=lauantaina
sun=sunnuntaina jan=tammikuussa feb=helmikuussa mar=maaliskuussa apr=huhtikuussa may=toukokuussa
jun=kesäkuussa jul=heinäkuussa aug=elokuussa sep=syyskuussa oct=lokakuussa nov=marraskuussa
dec=joulukuussa yesterday=eilen/ADV
""")


def noun_phrase(thing: Row, adjective: Row | None, case: str) -> Words:
    """Adjective and noun in the same case."""
    return (*(phrase(adjective[case], "ADJ") if adjective else ()), *phrase(thing[case]))


def suffixed(name: str, case: str) -> str:
    """A name in the allative or ablative: -i- after a consonant, a vowel by harmony."""
    stem = name if name[-1] in "aeiouyäö" else name + "i"
    back = any(letter in "aou" for letter in name.lower())
    return stem + ("lle" if case == "all" else "lta" if back else "ltä")


def inflect(words: tuple[str, ...], person: Person, case: str) -> tuple[str, ...]:
    """The last word of a name takes the suffix."""
    return words if case == "nom" else (*words[:-1], suffixed(words[-1], case))


GRAMMAR = Grammar(
    code="fi",
    name="Finnish",
    family="Uralic",
    script="Latin",
    names=NAMES | {"viktor": "Viktor"},
    things=THINGS,
    adjectives=ADJECTIVES,
    verbs=VERBS,
    people=PEOPLE,
    places=PLACES,
    times=TIMES,
    year="vuonna+{}/NUM",
    templates={
        "plain": "A V T O P W",
        "front": "F A V T O P W",
        "who": "kuka/PRON V T O ?/PUNCT",
        "what": "mitä/PRON A V O ?/PUNCT",
        "at": "Q A V T O ?/PUNCT",
        "where": "missä",
        "when": "milloin",
        "now": "kenellä/PRON T.nom on/AUX nyt/ADV ?/PUNCT",
        "before": "kenellä/PRON T.nom oli/AUX aiemmin/ADV ?/PUNCT",
    },
    noun_phrase=noun_phrase,
    inflect=inflect,
    cases={"to": "all", "from": "abl"},
    link=",/PUNCT+ja",
)
