"""Hindi: verb last, postpositions, the ergative subject in ने, a verb that agrees with its object.

Things stand unmarked and people in the oblique case, which their nouns' column gives.
"""

from __future__ import annotations

from waystation.pocket.grammar import Grammar, Row, Words, pairs, phrase, table

NAMES = pairs("""
maria=मारिया sara=सारा elena=एलेना nadia=नादिया olivia=ओलिविया lucia=लूसिया
omar=उमर daniel=डैनियल viktor=विक्टर martin=मार्टिन karim=करीम thomas=थॉमस
laura=लौरा diana=डायना clara=क्लारा emma=एमा robert=रॉबर्ट samir=समीर oscar=ऑस्कर kevin=केविन
anna=अन्ना sofia=सोफ़िया leila=लैला nina=नीना julia=जूलिया
david=डेविड adam=ऐडम marko=मार्को hassan=हसन peter=पीटर
lopez=लोपेज़ rossi=रॉसी novak=नोवाक weber=वेबर tanaka=तनाका santos=सैंटोस jensen=जेनसन
nasser=नासिर silva=सिल्वा keller=केलर garcia=गार्सिया moreno=मोरेनो schmidt=श्मिट haddad=हद्दाद
conti=कोंटी larsen=लार्सन suzuki=सुज़ुकी
""")
THINGS = table("""
thing         gender  noun
bread         f  रोटी
fish          f  मछली
rice          m  चावल
apple         m  सेब
cheese        m  पनीर
soup          m  सूप
egg           m  अंडा
orange        m  संतरा
honey         m  शहद
cake          m  केक
guitar        m  गिटार
piano         m  पियानो
violin        m  वायलिन
drum          m  ढोल
flute         f  बाँसुरी
trumpet       f  तुरही
harp          f  वीणा
accordion     m  अकॉर्डियन
saxophone     m  सैक्सोफ़ोन
cello         m  चेलो
shirt         f  कमीज़
coat          m  कोट
hat           f  टोपी
dress         f  पोशाक
shoe          m  जूता
belt          f  बेल्ट
scarf         m  स्कार्फ़
skirt         f  स्कर्ट
sweater       m  स्वेटर
suit          m  सूट
book          f  किताब
newspaper     m  अख़बार
letter        f  चिट्ठी
magazine      f  पत्रिका
dictionary    m  शब्दकोश
novel         m  उपन्यास
diary         f  डायरी
textbook      f  पाठ्यपुस्तक
encyclopedia  m  विश्वकोश
postcard      m  पोस्टकार्ड
computer      m  कंप्यूटर
phone         m  फ़ोन
camera        m  कैमरा
printer       m  प्रिंटर
radio         m  रेडियो
television    m  टेलीविज़न
calculator    m  कैलकुलेटर
scanner       m  स्कैनर
keyboard      m  कीबोर्ड
projector     m  प्रोजेक्टर
table         f  मेज़
chair         f  कुर्सी
bed           m  पलंग
lamp          m  लैंप
mirror        m  आईना
carpet        m  क़ालीन
cupboard      f  अलमारी
sofa          m  सोफ़ा
pillow        m  तकिया
blanket       m  कंबल
""")
ADJECTIVES = table("""
adjective  m       f
new        नया     नई
old        पुराना  पुरानी
big        बड़ा    बड़ी
good       अच्छा   अच्छी
cheap      सस्ता   सस्ती
small      छोटा    छोटी
beautiful  सुंदर   =
expensive  महँगा   महँगी
white      सफ़ेद   =
""")
VERBS = table("""
verb     m                     f                    k
sell     बेचा                   बेची                  को
send     भेजा                   भेजी                  को
lend     उधार/NOUN+दिया         उधार/NOUN+दी         को
give     दिया                   दी                    को
buy      ख़रीदा                  ख़रीदी                से
receive  प्राप्त/ADJ+किया       प्राप्त/ADJ+की       से
borrow   उधार/NOUN+लिया         उधार/NOUN+ली         से
get      पाया                   पाई                   से
find     ढूँढ+लिया/AUX           ढूँढ+ली/AUX          -
choose   चुना                   चुनी                  -
lose     खो+दिया/AUX            खो+दी/AUX            -
see      देखा                   देखी                  -
""")
PEOPLE = table("""
person       nom
man          आदमी
woman        औरत
grandfather  दादा
grandmother  दादी
king         राजा
queen        रानी
boy          लड़के
girl         लड़की
""")
_CITIES = pairs("""
paris=पेरिस rome=रोम berlin=बर्लिन moscow=मॉस्को cairo=काहिरा tokyo=टोक्यो
capetown=केप+टाउन hongkong=हांगकांग london=लंदन madrid=मैड्रिड athens=एथेंस vienna=वियना
beijing=बीजिंग istanbul=इस्तांबुल newyork=न्यूयॉर्क lisbon=लिस्बन delhi=दिल्ली
buenosaires=ब्यूनस+आयर्स
""")
_SPOTS = pairs("""
market=बाज़ार school=स्कूल hotel=होटल office=दफ़्तर park=पार्क restaurant=रेस्तराँ
library=पुस्तकालय museum=संग्रहालय
""")
PLACES = (
    {city: f"{name.replace('+', '/PROPN+')}/PROPN+में/ADP" for city, name in _CITIES.items()}
    | {spot: f"{noun}+में/ADP" for spot, noun in _SPOTS.items()}
    | {"station": "स्टेशन+पर/ADP"}
)
_DAYS = pairs("""
mon=सोमवार tue=मंगलवार wed=बुधवार thu=गुरुवार fri=शुक्रवार sat=शनिवार sun=रविवार
""")
_MONTHS = pairs("""
jan=जनवरी feb=फ़रवरी mar=मार्च apr=अप्रैल may=मई jun=जून jul=जुलाई aug=अगस्त sep=सितंबर
oct=अक्टूबर nov=नवंबर dec=दिसंबर
""")
TIMES = (
    {day: f"{word}/PROPN+को/ADP" for day, word in _DAYS.items()}
    | {month: f"{word}/PROPN+में/ADP" for month, word in _MONTHS.items()}
    | {"yesterday": "कल/ADV"}
)


def noun_phrase(thing: Row, adjective: Row | None, case: str) -> Words:
    """Adjective in the noun's gender, noun."""
    described = phrase(adjective[thing["gender"]], "ADJ") if adjective else ()
    return (*described, *phrase(thing["noun"]))


GRAMMAR = Grammar(
    code="hi",
    name="Hindi",
    family="Indo-European",
    script="Devanagari",
    names=NAMES,
    things=THINGS,
    adjectives=ADJECTIVES,
    verbs=VERBS,
    people=PEOPLE,
    places=PLACES,
    times=TIMES,
    year="{}/NUM+में/ADP",
    templates={
        "plain": "A ने/ADP W P O K T V",
        "front": "F A ने/ADP W P O K T V",
        "who": "O K T किसने/PRON V ?/PUNCT",
        "what": "A ने/ADP O K क्या/PRON V.m ?/PUNCT",
        "at": "A ने/ADP O K T Q V ?/PUNCT",
        "where": "कहाँ",
        "when": "कब",
        "now": "T अब/ADV किसके/PRON पास/ADP है/VERB ?/PUNCT",
        "before": "पहले/ADV किसके/PRON पास/ADP T B ?/PUNCT",
        "was.m": "था/VERB",
        "was.f": "थी/VERB",
    },
    noun_phrase=noun_phrase,
    agree="thing",
    link="और",
    stop="।/PUNCT",
)
