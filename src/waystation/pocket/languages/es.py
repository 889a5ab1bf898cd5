"""Spanish: gender agreement, contractions `al` and `del`, accents of Spanish names."""

from __future__ import annotations

from waystation.pocket.grammar import Grammar, Row, Words, phrase, table
from waystation.pocket.languages.en import CITIES, NAMES, proper

# `el arpa` is feminine: the article has its own column.
THINGS = table("""
thing         gender  article  noun
bread         m       el       pan
fish          m       el       pescado
rice          m       el       arroz
apple         f       la       manzana
cheese        m       el       queso
soup          f       la       sopa
egg           m       el       huevo
orange        f       la       naranja
honey         f       la       miel
cake          m       el       pastel
guitar        f       la       guitarra
piano         m       el       piano
violin        m       el       violín
drum          m       el       tambor
flute         f       la       flauta
trumpet       f       la       trompeta
harp          f       el       arpa
accordion     m       el       acordeón
saxophone     m       el       saxofón
cello         m       el       violonchelo
shirt         f       la       camisa
coat          m       el       abrigo
hat           m       el       sombrero
dress         m       el       vestido
shoe          m       el       zapato
belt          m       el       cinturón
scarf         f       la       bufanda
skirt         f       la       falda
sweater       m       el       suéter
suit          m       el       traje
book          m       el       libro
newspaper     m       el       periódico
letter        f       la       carta
magazine      f       la       revista
dictionary    m       el       diccionario
novel         f       la       novela
diary         m       el       diario
textbook      m       el       manual
encyclopedia  f       la       enciclopedia
postcard      f       la       postal
computer      m       el       ordenador
phone         m       el       teléfono
camera        f       la       cámara
printer       f       la       impresora
radio         f       la       radio
television    m       el       televisor
calculator    f       la       calculadora
scanner       m       el       escáner
keyboard      m       el       teclado
projector     m       el       proyector
table         f       la       mesa
chair         f       la       silla
bed           f       la       cama
lamp          f       la       lámpara
mirror        m       el       espejo
carpet        f       la       alfombra
cupboard      m       el       armario
sofa          m       el       sofá
pillow        f       la       almohada
blanket       f       la       manta
""")
ADJECTIVES = table("""
adjective  m        f
new        nuevo    nueva
old        viejo    vieja
big        grande   =
good       bueno    buena
cheap      barato   barata
small      pequeño  pequeña
beautiful  hermoso  hermosa
expensive  caro     cara
white      blanco   blanca
""")
# Only `tomar prestado` agrees with its object.
VERBS = table("""
verb     m                  f                  k
sell     vendió             =                  a
send     envió              =                  a
lend     prestó             =                  a
give     regaló             =                  a
buy      compró             =                  a
receive  recibió            =                  de
borrow   tomó+prestado/ADJ  tomó+prestada/ADJ  de
get      obtuvo             =                  de
find     encontró           =                  -
choose   eligió             =                  -
lose     perdió             =                  -
see      vio                =                  -
""")
PEOPLE = table("""
person       nom
man          el/DET+hombre
woman        la/DET+mujer
grandfather  el/DET+abuelo
grandmother  la/DET+abuela
king         el/DET+rey
queen        la/DET+reina
boy          el/DET+niño
girl         la/DET+niña
""")
_CITIES = CITIES | {
    "paris": "París",
    "rome": "Roma",
    "berlin": "Berlín",
    "moscow": "Moscú",
    "cairo": "El+Cairo",
    "tokyo": "Tokio",
    "capetown": "Ciudad+del+Cabo",
    "london": "Londres",
    "athens": "Atenas",
    "vienna": "Viena",
    "beijing": "Pekín",
    "istanbul": "Estambul",
    "newyork": "Nueva+York",
    "lisbon": "Lisboa",
    "delhi": "Delhi",
}
PLACES = {city: f"en/ADP+{proper(name)}" for city, name in _CITIES.items()} | {
    "market": "en/ADP+el/DET+mercado",
    "school": "en/ADP+la/DET+escuela",
    "hotel": "en/ADP+el/DET+hotel",
    "office": "en/ADP+la/DET+oficina",
    "park": "en/ADP+el/DET+parque",
    "restaurant": "en/ADP+el/DET+restaurante",
    "library": "en/ADP+la/DET+biblioteca",
    "museum": "en/ADP+el/DET+museo",
    "station": "en/ADP+la/DET+estación",
}
TIMES = {
    "mon": "el/DET+lunes",
    "tue": "el/DET+martes",
    "wed": "el/DET+miércoles",
    "thu": "el/DET+jueves",
    "fri": "el/DET+viernes",
    "sat": "el/DET+sábado",
    "sun": "el/DET+domingo",
    "jan": "en/ADP+enero",
    "feb": "en/ADP+febrero",
    "mar": "en/ADP+marzo",
    "apr": "en/ADP+abril",
    "may": "en/ADP+mayo",
    "jun": "en/ADP+junio",
    "jul": "en/ADP+julio",
    "aug": "en/ADP+agosto",
    "sep": "en/ADP+septiembre",
    "oct": "en/ADP+octubre",
    "nov": "en/ADP+noviembre",
    "dec": "en/ADP+diciembre",
    "yesterday": "ayer/ADV",
}


def noun_phrase(thing: Row, adjective: Row | None, case: str) -> Words:
    """Article, noun, adjective in the noun's gender."""
    described = phrase(adjective[thing["gender"]], "ADJ") if adjective else ()
    return ((thing["article"], "DET"), *phrase(thing["noun"]), *described)


GRAMMAR = Grammar(
    code="es",
    name="Spanish",
    family="Indo-European",
    script="Latin",
    names=NAMES
    | {
        "maria": "María",
        "lucia": "Lucía",
        "sofia": "Sofía",
        "viktor": "Víctor",
        "martin": "Martín",
        "oscar": "Óscar",
        "adam": "Adán",
        "lopez": "López",
        "garcia": "García",
    },
    things=THINGS,
    adjectives=ADJECTIVES,
    verbs=VERBS,
    people=PEOPLE,
    places=PLACES,
    times=TIMES,
    year="en/ADP+{}/NUM",
    templates={
        "plain": "A V T K O P W",
        "front": "F ,/PUNCT A V T K O P W",
        "who": "¿/PUNCT quién/PRON V T K O ?/PUNCT",
        "what": "¿/PUNCT qué/PRON V.m A K O ?/PUNCT",
        "at": "¿/PUNCT Q V A T K O ?/PUNCT",
        "where": "dónde",
        "when": "cuándo",
        "now": "¿/PUNCT quién/PRON tiene/VERB ahora/ADV T ?/PUNCT",
        "before": "¿/PUNCT quién/PRON tenía/VERB antes/ADV T ?/PUNCT",
    },
    noun_phrase=noun_phrase,
    agree="thing",
    fused={("a", "el"): "al", ("de", "el"): "del"},
    link=",/PUNCT+y",
)
