"""Indonesian: no inflection; attribute and `itu` follow the noun."""

from __future__ import annotations

from waystation.pocket.grammar import Grammar, Row, Words, pairs, phrase, table
from waystation.pocket.languages.en import CITIES, NAMES, proper

THINGS = {
    thing: {"acc": noun}
    for thing, noun in pairs("""
    bread=roti fish=ikan rice=beras apple=apel cheese=keju soup=sup egg=telur orange=jeruk
    honey=madu cake=kue
    guitar=gitar piano=piano violin=biola drum=gendang flute=seruling trumpet=trompet harp=harpa
    accordion=akordeon saxophone=saksofon cello=selo
    shirt=kemeja coat=mantel hat=topi dress=gaun shoe=sepatu belt=sabuk scarf=syal skirt=rok
    sweater=sweter suit=jas
    book=buku newspaper=koran letter=surat magazine=majalah dictionary=kamus novel=novel
    diary=buku+harian textbook=buku+pelajaran encyclopedia=ensiklopedia postcard=kartu+pos
    computer=komputer phone=telepon camera=kamera printer=pencetak radio=radio television=televisi
    calculator=kalkulator scanner=pemindai keyboard=papan+ketik projector=proyektor
    table=meja chair=kursi bed=ranjang lamp=lampu mirror=cermin carpet=karpet cupboard=lemari
    sofa=sofa pillow=bantal blanket=selimut
    """).items()
}
ADJECTIVES = table("""
adjective  form
new        baru
old        lama
big        besar
good       bagus
cheap      murah
small      kecil
beautiful  indah
expensive  mahal
white      putih
""")
VERBS = table("""
verb     v             k
sell     menjual       kepada
send     mengirim      kepada
lend     meminjamkan   kepada
give     memberikan    kepada
buy      membeli       dari
receive  menerima      dari
borrow   meminjam      dari
get      mendapatkan   dari
find     menemukan     -
choose   memilih       -
lose     kehilangan    -
see      melihat       -
""")
PEOPLE = table("""
person       nom
man          pria+itu/DET
woman        wanita+itu/DET
grandfather  kakek+itu/DET
grandmother  nenek+itu/DET
king         raja+itu/DET
queen        ratu+itu/DET
boy          anak+laki-laki+itu/DET
girl         anak+perempuan+itu/DET
""")
_CITIES = CITIES | {
    "rome": "Roma",
    "moscow": "Moskow",
    "cairo": "Kairo",
    "athens": "Athena",
    "vienna": "Wina",
}
PLACES = {city: f"di/ADP+{proper(name)}" for city, name in _CITIES.items()} | pairs("""
market=di/ADP+pasar school=di/ADP+sekolah hotel=di/ADP+hotel office=di/ADP+kantor
park=di/ADP+taman restaurant=di/ADP+restoran library=di/ADP+perpustakaan
museum=di/ADP+museum station=di/ADP+stasiun
""")
_DAYS = pairs("mon=Senin tue=Selasa wed=Rabu thu=Kamis fri=Jumat sat=Sabtu sun=Minggu")
_MONTHS = pairs("""
jan=Januari feb=Februari mar=Maret apr=April may=Mei jun=Juni jul=Juli aug=Agustus
sep=September oct=Oktober nov=November dec=Desember
""")
TIMES = (
    {day: f"pada/ADP+hari+{word}/PROPN" for day, word in _DAYS.items()}
    | {month: f"pada/ADP+bulan+{word}/PROPN" for month, word in _MONTHS.items()}
    | {"yesterday": "kemarin/ADV"}
)


def noun_phrase(thing: Row, adjective: Row | None, case: str) -> Words:
    """Noun, attribute, that."""
    described = phrase(adjective["form"], "ADJ") if adjective else ()
    return (*phrase(thing["acc"]), *described, ("itu", "DET"))


GRAMMAR = Grammar(
    code="id",
    name="Indonesian",
    family="Austronesian",
    script="Latin",
    names=NAMES | {"viktor": "Viktor"},
    things=THINGS,
    adjectives=ADJECTIVES,
    verbs=VERBS,
    people=PEOPLE,
    places=PLACES,
    times=TIMES,
    year="pada/ADP+tahun+{}/NUM",
    templates={
        "plain": "A V T K O P W",
        "front": "F ,/PUNCT A V T K O P W",
        "who": "siapa/PRON yang/PRON V T K O ?/PUNCT",
        "what": "A V apa/PRON K O ?/PUNCT",
        "at": "Q A V T K O ?/PUNCT",
        "where": "di/ADP+mana/PRON",
        "when": "kapan",
        "now": "siapa/PRON yang/PRON memegang/VERB T sekarang/ADV ?/PUNCT",
        "before": "siapa/PRON yang/PRON memegang/VERB T sebelumnya/ADV ?/PUNCT",
    },
    noun_phrase=noun_phrase,
    link=",/PUNCT+dan",
)
