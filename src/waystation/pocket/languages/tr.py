"""Turkish: verb last, case suffixes by vowel harmony, after an apostrophe on names."""

from __future__ import annotations

from waystation.pocket.grammar import Grammar, Row, Words, pairs, phrase, table
from waystation.pocket.languages.en import NAMES
from waystation.pocket.world import Person

THINGS = table("""
thing         nom                      acc
bread         ekmek                    ekmeği
fish          balık                    balığı
rice          pirinç                   pirinci
apple         elma                     elmayı
cheese        peynir                   peyniri
soup          çorba                    çorbayı
egg           yumurta                  yumurtayı
orange        portakal                 portakalı
honey         bal                      balı
cake          kek                      keki
guitar        gitar                    gitarı
piano         piyano                   piyanoyu
violin        keman                    kemanı
drum          davul                    davulu
flute         flüt                     flütü
trumpet       trompet                  trompeti
harp          arp                      arpı
accordion     akordeon                 akordeonu
saxophone     saksafon                 saksafonu
cello         çello                    çelloyu
shirt         gömlek                   gömleği
coat          palto                    paltoyu
hat           şapka                    şapkayı
dress         elbise                   elbiseyi
shoe          ayakkabı                 ayakkabıyı
belt          kemer                    kemeri
scarf         atkı                     atkıyı
skirt         etek                     eteği
sweater       kazak                    kazağı
suit          takım+elbise             takım+elbiseyi
book          kitap                    kitabı
newspaper     gazete                   gazeteyi
letter        mektup                   mektubu
magazine      dergi                    dergiyi
dictionary    sözlük                   sözlüğü
novel         roman                    romanı
diary         günlük                   günlüğü
textbook      ders+kitabı              ders+kitabını
encyclopedia  ansiklopedi              ansiklopediyi
postcard      kartpostal               kartpostalı
computer      bilgisayar               bilgisayarı
phone         telefon                  telefonu
camera        kamera                   kamerayı
printer       yazıcı                   yazıcıyı
radio         radyo                    radyoyu
television    televizyon               televizyonu
calculator    hesap+makinesi           hesap+makinesini
scanner       tarayıcı                 tarayıcıyı
keyboard      klavye                   klavyeyi
projector     projektör                projektörü
table         masa                     masayı
chair         sandalye                 sandalyeyi
bed           yatak                    yatağı
lamp          lamba                    lambayı
mirror        ayna                     aynayı
carpet        halı                     halıyı
cupboard      dolap                    dolabı
sofa          kanepe                   kanepeyi
pillow        yastık                   yastığı
blanket       battaniye                battaniyeyi
""")
ADJECTIVES = table("""
adjective  form
new        yeni
old        eski
big        büyük
good       iyi
cheap      ucuz
small      küçük
beautiful  güzel
expensive  pahalı
white      beyaz
""")
VERBS = table("""
verb     v                 k
sell     sattı             -
send     gönderdi          -
lend     ödünç/NOUN+verdi  -
give     verdi             -
buy      satın/NOUN+aldı   -
receive  teslim/NOUN+aldı  -
borrow   ödünç/NOUN+aldı   -
get      aldı              -
find     buldu             -
choose   seçti             -
lose     kaybetti          -
see      gördü             -
""")
PEOPLE = table("""
person       nom         dat         abl
man          adam        adama       adamdan
woman        kadın       kadına      kadından
grandfather  dede        dedeye      dededen
grandmother  büyükanne   büyükanneye  büyükanneden
king         kral        krala       kraldan
queen        kraliçe     kraliçeye   kraliçeden
boy          oğlan       oğlana      oğlandan
girl         kız         kıza        kızdan
""")
_CITIES = pairs("""
paris=Paris'te rome=Roma'da berlin=Berlin'de moscow=Moskova'da cairo=Kahire'de tokyo=Tokyo'da
capetown=Cape+Town'da hongkong=Hong+Kong'da london=Londra'da madrid=Madrid'de athens=Atina'da
vienna=Viyana'da beijing=Pekin'de istanbul=İstanbul'da newyork=New+York'ta lisbon=Lizbon'da
delhi=Delhi'de buenosaires=Buenos+Aires'te
""")
PLACES = {
    city: "+".join(f"{word}/PROPN" for word in name.split("+")) for city, name in _CITIES.items()
} | pairs("""
market=pazarda school=okulda hotel=otelde office=ofiste park=parkta restaurant=restoranda
library=kütüphanede museum=müzede station=istasyonda
""")
_DAYS = pairs("mon=pazartesi tue=salı wed=çarşamba thu=perşembe fri=cuma sat=cumartesi sun=pazar")
_MONTHS = pairs("""
jan=ocak feb=şubat mar=mart apr=nisan may=mayıs jun=haziran jul=temmuz aug=ağustos sep=eylül
oct=ekim nov=kasım dec=aralık
""")
TIMES = (
    {day: f"{word}+günü" for day, word in _DAYS.items()}
    | {month: f"{word}+ayında" for month, word in _MONTHS.items()}
    | {"yesterday": "dün/ADV"}
)


def noun_phrase(thing: Row, adjective: Row | None, case: str) -> Words:
    """Adjective, noun in case; the accusative marks the object as definite."""
    return (*(phrase(adjective["form"], "ADJ") if adjective else ()), *phrase(thing[case]))


def suffixed(name: str, case: str) -> str:
    """A name in the dative or ablative."""
    last = next(letter for letter in reversed(name.lower()) if letter in "aeıioöuü")
    vowel = "a" if last in "aıou" else "e"
    if case == "dat":
        return f"{name}'{'y' if name[-1] in 'aeıioöuü' else ''}{vowel}"
    return f"{name}'{'t' if name[-1] in 'fstkçşhp' else 'd'}{vowel}n"


def inflect(words: tuple[str, ...], person: Person, case: str) -> tuple[str, ...]:
    """The last word of a name takes the suffix."""
    return words if case == "nom" else (*words[:-1], suffixed(words[-1], case))


GRAMMAR = Grammar(
    code="tr",
    name="Turkish",
    family="Turkic",
    script="Latin",
    # Adam would be the noun adam, man.
    names=NAMES
    | {"viktor": "Viktor", "hassan": "Hasan", "leila": "Leyla", "karim": "Kerim", "adam": "Adem"},
    things=THINGS,
    adjectives=ADJECTIVES,
    verbs=VERBS,
    people=PEOPLE,
    places=PLACES,
    times=TIMES,
    year="{}/NUM+yılında",
    templates={
        "plain": "A W P T O V",
        "front": "F A W P T O V",
        "who": "T O kim/PRON V ?/PUNCT",
        "what": "A O ne/PRON V ?/PUNCT",
        "at": "A T O Q V ?/PUNCT",
        "where": "nerede",
        "when": "ne/DET+zaman/NOUN",
        "now": "T.nom şimdi/ADV kimde/PRON ?/PUNCT",
        "before": "T.nom daha/ADV önce/ADV kimdeydi/PRON ?/PUNCT",
    },
    noun_phrase=noun_phrase,
    inflect=inflect,
    link="ve",
    upper=lambda letter: "İ" if letter == "i" else letter.upper(),
)
