"""English. Weekdays and months are proper nouns, as in UD English EWT."""

from __future__ import annotations

from waystation.pocket.grammar import Grammar, Row, Words, pairs, phrase, table

# Also the base of the other languages in Latin script, which override what they spell otherwise.
_NAMES = """
    maria sara elena nadia olivia lucia omar daniel viktor martin karim thomas
    laura diana clara emma robert samir oscar kevin
    anna sofia leila nina julia david adam marko hassan peter
    lopez rossi novak weber tanaka santos jensen nasser silva keller
    garcia moreno schmidt haddad conti larsen suzuki
"""
NAMES = {name: name.capitalize() for name in _NAMES.split()} | {"viktor": "Victor"}

_PLAIN_THINGS = """
    bread fish rice apple cheese soup egg orange honey cake
    guitar piano violin drum flute trumpet harp accordion saxophone cello
    shirt coat hat dress shoe belt scarf skirt sweater suit
    book newspaper letter magazine dictionary novel diary textbook encyclopedia postcard
    computer phone camera printer radio television calculator scanner keyboard projector
    table chair bed lamp mirror carpet cupboard sofa pillow blanket
"""
THINGS = {word: {"acc": word} for word in _PLAIN_THINGS.split()}
_ADJECTIVES = "new old big good cheap small beautiful expensive white"
ADJECTIVES = {word: {"acc": word} for word in _ADJECTIVES.split()}
VERBS = table("""
verb     v         base     k
sell     sold      sell     to
send     sent      send     to
lend     lent      lend     to
give     gave      give     to
buy      bought    buy      from
receive  received  receive  from
borrow   borrowed  borrow   from
get      got       get      from
find     found     find     -
choose   chose     choose   -
lose     lost      lose     -
see      saw       see      -
""")
_PEOPLE = "man woman grandfather grandmother king queen boy girl"
PEOPLE = {word: {"nom": f"the/DET+{word}"} for word in _PEOPLE.split()}
CITIES = {
    "paris": "Paris",
    "rome": "Rome",
    "berlin": "Berlin",
    "moscow": "Moscow",
    "cairo": "Cairo",
    "tokyo": "Tokyo",
    "capetown": "Cape+Town",
    "hongkong": "Hong+Kong",
    "london": "London",
    "madrid": "Madrid",
    "athens": "Athens",
    "vienna": "Vienna",
    "beijing": "Beijing",
    "istanbul": "Istanbul",
    "newyork": "New+York",
    "lisbon": "Lisbon",
    "delhi": "Delhi",
    "buenosaires": "Buenos+Aires",
}
_SPOTS = "market school hotel office park restaurant library museum station"


def proper(city: str) -> str:
    """Every word of a city's name tagged as a proper noun."""
    return "+".join(f"{word}/PROPN" for word in city.split("+"))


PLACES = {city: f"in/ADP+{proper(name)}" for city, name in CITIES.items()} | {
    spot: f"{'in' if spot == 'park' else 'at'}/ADP+the/DET+{spot}" for spot in _SPOTS.split()
}
_DAYS = pairs("""
mon=Monday tue=Tuesday wed=Wednesday thu=Thursday fri=Friday sat=Saturday sun=Sunday
""")
_MONTHS = pairs("""
jan=January feb=February mar=March apr=April may=May jun=June
jul=July aug=August sep=September oct=October nov=November dec=December
""")
TIMES = (
    {day: f"on/ADP+{word}/PROPN" for day, word in _DAYS.items()}
    | {month: f"in/ADP+{word}/PROPN" for month, word in _MONTHS.items()}
    | {"yesterday": "yesterday/NOUN"}
)


def noun_phrase(thing: Row, adjective: Row | None, case: str) -> Words:
    """the + adjective + noun."""
    described = phrase(adjective["acc"], "ADJ") if adjective else ()
    return (("the", "DET"), *described, *phrase(thing["acc"]))


GRAMMAR = Grammar(
    code="en",
    name="English",
    family="Indo-European",
    script="Latin",
    names=NAMES,
    things=THINGS,
    adjectives=ADJECTIVES,
    verbs=VERBS,
    people=PEOPLE,
    places=PLACES,
    times=TIMES,
    year="in/ADP+{}/NUM",
    templates={
        "plain": "A V T K O P W",
        "front": "F ,/PUNCT A V T K O P W",
        "who": "who/PRON V T K O ?/PUNCT",
        "what": "what/PRON did/AUX A V.base K O ?/PUNCT",
        "at": "Q did/AUX A V.base T K O ?/PUNCT",
        "where": "where",
        "when": "when",
        "now": "who/PRON has/VERB T now/ADV ?/PUNCT",
        "before": "who/PRON had/VERB T before/ADV ?/PUNCT",
    },
    noun_phrase=noun_phrase,
    link=",/PUNCT+and",
)
