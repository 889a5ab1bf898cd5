"""Tamil: verb last, case suffixes; a stop doubles after the accusative and the dative.

Verbs stand in the honorific -ஆர், which fits any person; boy and girl take -ஆன் and -ஆள். The stop
that a following native word doubles (புத்தகத்தைக் கொடுத்தார்) is written, except before names, where
usage varies. Answers leave it out.
"""

from __future__ import annotations

from typing import Final

from waystation.pocket.grammar import Grammar, Row, Token, Words, pairs, phrase, table
from waystation.pocket.world import Person

NAMES = pairs("""
maria=மரியா sara=சாரா elena=எலெனா nadia=நாடியா olivia=ஒலிவியா lucia=லூசியா
omar=ஓமர் daniel=டேனியல் viktor=விக்டர் martin=மார்ட்டின் karim=கரீம் thomas=தாமஸ்
laura=லாரா diana=டயானா clara=கிளாரா emma=எம்மா robert=ராபர்ட் samir=சமீர் oscar=ஆஸ்கர் kevin=கெவின்
anna=அன்னா sofia=சோபியா leila=லைலா nina=நீனா julia=ஜூலியா
david=டேவிட் adam=ஆடம் marko=மார்கோ hassan=ஹசன் peter=பீட்டர்
lopez=லோபஸ் rossi=ரோசி novak=நோவாக் weber=வெபர் tanaka=தனாகா santos=சாண்டோஸ் jensen=ஜென்சன்
nasser=நாசர் silva=சில்வா keller=கெல்லர் garcia=கார்சியா moreno=மொரேனோ schmidt=ஷ்மிட் haddad=ஹத்தாத்
conti=கோண்டி larsen=லார்சன் suzuki=சுசுகி
""")
THINGS = table("""
thing         acc
bread         ரொட்டியை
fish          மீனை
rice          அரிசியை
apple         ஆப்பிளை
cheese        பாலாடைக்கட்டியை
soup          சூப்பை
egg           முட்டையை
orange        ஆரஞ்சை
honey         தேனை
cake          கேக்கை
guitar        கிட்டாரை
piano         பியானோவை
violin        வயலினை
drum          மேளத்தை
flute         புல்லாங்குழலை
trumpet       எக்காளத்தை
harp          யாழை
accordion     அக்கார்டியனை
saxophone     சாக்சபோனை
cello         செல்லோவை
shirt         சட்டையை
coat          மேலங்கியை
hat           தொப்பியை
dress         ஆடையை
shoe          காலணியை
belt          பெல்ட்டை
scarf         ஸ்கார்ஃபை
skirt         பாவாடையை
sweater       ஸ்வெட்டரை
suit          கோட்சூட்டை
book          புத்தகத்தை
newspaper     செய்தித்தாளை
letter        கடிதத்தை
magazine      பத்திரிகையை
dictionary    அகராதியை
novel         நாவலை
diary         நாட்குறிப்பை
textbook      பாடநூலை
encyclopedia  கலைக்களஞ்சியத்தை
postcard      அஞ்சலட்டையை
computer      கணினியை
phone         தொலைபேசியை
camera        கேமராவை
printer       அச்சுப்பொறியை
radio         வானொலியை
television    தொலைக்காட்சியை
calculator    கணிப்பானை
scanner       ஸ்கேனரை
keyboard      விசைப்பலகையை
projector     புரொஜெக்டரை
table         மேசையை
chair         நாற்காலியை
bed           கட்டிலை
lamp          விளக்கை
mirror        கண்ணாடியை
carpet        கம்பளத்தை
cupboard      அலமாரியை
sofa          சோபாவை
pillow        தலையணையை
blanket       போர்வையை
""")
ADJECTIVES = table("""
adjective  form
new        புதிய
old        பழைய
big        பெரிய
good       நல்ல
cheap      மலிவான
small      சிறிய
beautiful  அழகான
expensive  விலையுயர்ந்த
white      வெள்ளையான
""")
VERBS = table("""
verb     v                          m                          f
sell     விற்றார்                      விற்றான்                      விற்றாள்
send     அனுப்பினார்                  அனுப்பினான்                  அனுப்பினாள்
lend     இரவல்/NOUN+கொடுத்தார்        இரவல்/NOUN+கொடுத்தான்        இரவல்/NOUN+கொடுத்தாள்
give     கொடுத்தார்                   கொடுத்தான்                   கொடுத்தாள்
buy      விலைக்கு/NOUN+வாங்கினார்     விலைக்கு/NOUN+வாங்கினான்     விலைக்கு/NOUN+வாங்கினாள்
receive  பெற்றுக்கொண்டார்             பெற்றுக்கொண்டான்             பெற்றுக்கொண்டாள்
borrow   இரவல்/NOUN+வாங்கினார்       இரவல்/NOUN+வாங்கினான்       இரவல்/NOUN+வாங்கினாள்
get      பெற்றார்                     பெற்றான்                     பெற்றாள்
find     கண்டுபிடித்தார்               கண்டுபிடித்தான்               கண்டுபிடித்தாள்
choose   தேர்ந்தெடுத்தார்              தேர்ந்தெடுத்தான்              தேர்ந்தெடுத்தாள்
lose     தொலைத்தார்                 தொலைத்தான்                 தொலைத்தாள்
see      பார்த்தார்                    பார்த்தான்                    பார்த்தாள்
""")
PEOPLE = table("""
person       nom               dat                  abl                         agrees
man          அந்த/DET+மனிதர்    அந்த/DET+மனிதருக்கு   அந்த/DET+மனிதரிடமிருந்து     v
woman        அந்தப்/DET+பெண்    அந்தப்/DET+பெண்ணுக்கு  அந்தப்/DET+பெண்ணிடமிருந்து   v
grandfather  தாத்தா             தாத்தாவுக்கு           தாத்தாவிடமிருந்து             v
grandmother  பாட்டி             பாட்டிக்கு             பாட்டியிடமிருந்து             v
king         அரசர்              அரசருக்கு             அரசரிடமிருந்து               v
queen        அரசி               அரசிக்கு              அரசியிடமிருந்து              v
boy          அந்தச்/DET+சிறுவன்  அந்தச்/DET+சிறுவனுக்கு  அந்தச்/DET+சிறுவனிடமிருந்து  m
girl         அந்தச்/DET+சிறுமி   அந்தச்/DET+சிறுமிக்கு  அந்தச்/DET+சிறுமியிடமிருந்து  f
""")
_CITIES = pairs("""
paris=பாரிஸில் rome=ரோமில் berlin=பெர்லினில் moscow=மாஸ்கோவில் cairo=கெய்ரோவில் tokyo=டோக்கியோவில்
capetown=கேப்+டவுனில் hongkong=ஹாங்காங்கில் london=லண்டனில் madrid=மாட்ரிட்டில் athens=ஏதென்ஸில்
vienna=வியன்னாவில் beijing=பெய்ஜிங்கில் istanbul=இஸ்தான்புல்லில் newyork=நியூயார்க்கில் lisbon=லிஸ்பனில்
delhi=டெல்லியில் buenosaires=பியூனஸ்+அயர்ஸில்
""")
PLACES = {
    city: "+".join(f"{word}/PROPN" for word in name.split("+")) for city, name in _CITIES.items()
} | pairs("""
market=சந்தையில் school=பள்ளியில் hotel=விடுதியில் office=அலுவலகத்தில் park=பூங்காவில்
restaurant=உணவகத்தில் library=நூலகத்தில் museum=அருங்காட்சியகத்தில் station=ரயில்+நிலையத்தில்
""")
_DAYS = pairs("""
mon=திங்கட்கிழமை tue=செவ்வாய்க்கிழமை wed=புதன்கிழமை thu=வியாழக்கிழமை fri=வெள்ளிக்கிழமை sat=சனிக்கிழமை
sun=ஞாயிற்றுக்கிழமை
""")
_MONTHS = pairs("""
jan=ஜனவரி feb=பிப்ரவரி mar=மார்ச் apr=ஏப்ரல் may=மே jun=ஜூன் jul=ஜூலை aug=ஆகஸ்ட் sep=செப்டம்பர்
oct=அக்டோபர் nov=நவம்பர் dec=டிசம்பர்
""")
TIMES = (
    {day: f"{word}யன்று" for day, word in _DAYS.items()}
    | {month: f"{word}/PROPN+மாதத்தில்" for month, word in _MONTHS.items()}
    | {"yesterday": "நேற்று/ADV"}
)


def noun_phrase(thing: Row, adjective: Row | None, case: str) -> Words:
    """Adjective, noun in case; the accusative marks the object as definite."""
    return (*(phrase(adjective["form"], "ADJ") if adjective else ()), *phrase(thing[case]))


_VIRAMA: Final = "்"


def suffixed(name: str, case: str) -> str:
    """A name in the dative or ablative: a glide after a vowel, a stop doubled before -u, -i."""
    if name[-1] == _VIRAMA:
        stem = name + name[-2] if name[-2] in "கசடதப" else name[:-1]
        return stem + ("ுக்கு" if case == "dat" else "ிடமிருந்து")
    if name[-1] in "ிீை":
        return name + ("க்கு" if case == "dat" else "யிடமிருந்து")
    return name + ("வுக்கு" if case == "dat" else "விடமிருந்து")


def inflect(words: tuple[str, ...], person: Person, case: str) -> tuple[str, ...]:
    """The last word of a name takes the suffix."""
    return words if case == "nom" else (*words[:-1], suffixed(words[-1], case))


_STOPS: Final = "கசதப"


def liaison(word: Token, after: Token) -> str:
    """The stop that an accusative or a dative takes over from the word that follows."""
    marked = word.form.endswith("க்கு") or word.form[-1] == "ை"
    return after.form[0] + _VIRAMA if marked and _native_stop(after) else ""


def _native_stop(token: Token) -> bool:
    return token.form[0] in _STOPS and token.tag != "PROPN"


def ending(token: Token) -> int:
    """Letters of the stop that a word has taken over."""
    doubled = token.form[-1] == _VIRAMA and token.form[-2] in _STOPS and token.form[-3] in "ைு"
    return 2 if doubled else 0


GRAMMAR = Grammar(
    code="ta",
    name="Tamil",
    family="Dravidian",
    script="Tamil",
    names=NAMES,
    things=THINGS,
    adjectives=ADJECTIVES,
    verbs=VERBS,
    people=PEOPLE,
    places=PLACES,
    times=TIMES,
    year="{}ஆம்/ADJ+ஆண்டில்",
    templates={
        "plain": "A W P T O V",
        "front": "F A W P T O V",
        "who": "யார்/PRON T O V.v ?/PUNCT",
        "what": "A O எதை/PRON V ?/PUNCT",
        "at": "A T O Q V ?/PUNCT",
        "where": "எங்கே",
        "when": "எப்போது",
        "now": "இப்போது/ADV T யார்/PRON வைத்திருக்கிறார்/VERB ?/PUNCT",
        "before": "முன்பு/ADV T யார்/PRON வைத்திருந்தார்/VERB ?/PUNCT",
    },
    noun_phrase=noun_phrase,
    inflect=inflect,
    agree="noun",
    liaison=liaison,
    ending=ending,
    link=",/PUNCT+மேலும்",
)
