"""Thai: no inflection; a thing has its classifier and นั้น, as in หนังสือเล่มนั้น, "that book".

Words are not separated, and sentences have no stop and no question mark: a space stands between
sentences, between a given name and a family name, around figures, before และ and after a fronted
adverbial.
"""

from __future__ import annotations

from waystation.pocket.grammar import Grammar, Row, Token, Words, pairs, phrase, table

NAMES = pairs("""
maria=มาเรีย sara=ซาร่า elena=เอเลนา nadia=นาเดีย olivia=โอลิเวีย lucia=ลูเซีย
omar=โอมาร์ daniel=แดเนียล viktor=วิกเตอร์ martin=มาร์ติน karim=คาริม thomas=โทมัส
laura=ลอร่า diana=ไดอาน่า clara=คลาร่า emma=เอ็มม่า robert=โรเบิร์ต samir=ซามีร์ oscar=ออสการ์ kevin=เควิน
anna=แอนนา sofia=โซเฟีย leila=ไลลา nina=นีน่า julia=จูเลีย
david=เดวิด adam=อาดัม marko=มาร์โก hassan=ฮัสซัน peter=ปีเตอร์
lopez=โลเปซ rossi=รอสซี novak=โนวัก weber=เวเบอร์ tanaka=ทานากะ santos=ซานโตส jensen=เจนเซน
nasser=นัสเซอร์ silva=ซิลวา keller=เคลเลอร์ garcia=การ์เซีย moreno=โมเรโน schmidt=ชมิดท์ haddad=ฮัดดัด
conti=คอนติ larsen=ลาร์เซน suzuki=ซูซูกิ
""")
THINGS = table("""
thing         noun          clf
bread         ขนมปัง        ก้อน
fish          ปลา           ตัว
rice          ข้าว           ถุง
apple         แอปเปิล        ลูก
cheese        ชีส            ก้อน
soup          ซุป            ถ้วย
egg           ไข่            ฟอง
orange        ส้ม            ลูก
honey         น้ำผึ้ง          ขวด
cake          เค้ก           ก้อน
guitar        กีตาร์          ตัว
piano         เปียโน         หลัง
violin        ไวโอลิน        ตัว
drum          กลอง          ใบ
flute         ขลุ่ย           เลา
trumpet       ทรัมเป็ต        ตัว
harp          ฮาร์ป          ตัว
accordion     แอกคอร์เดียน   ตัว
saxophone     แซกโซโฟน      ตัว
cello         เชลโล          ตัว
shirt         เสื้อเชิ้ต        ตัว
coat          เสื้อโค้ท        ตัว
hat           หมวก          ใบ
dress         ชุดเดรส        ตัว
shoe          รองเท้า        คู่
belt          เข็มขัด         เส้น
scarf         ผ้าพันคอ        ผืน
skirt         กระโปรง       ตัว
sweater       สเวตเตอร์      ตัว
suit          สูท            ชุด
book          หนังสือ         เล่ม
newspaper     หนังสือพิมพ์     ฉบับ
letter        จดหมาย        ฉบับ
magazine      นิตยสาร        เล่ม
dictionary    พจนานุกรม      เล่ม
novel         นวนิยาย        เล่ม
diary         สมุดบันทึก       เล่ม
textbook      หนังสือเรียน     เล่ม
encyclopedia  สารานุกรม      เล่ม
postcard      โปสการ์ด       ใบ
computer      คอมพิวเตอร์    เครื่อง
phone         โทรศัพท์       เครื่อง
camera        กล้องถ่ายรูป    ตัว
printer       เครื่องพิมพ์     เครื่อง
radio         วิทยุ           เครื่อง
television    โทรทัศน์        เครื่อง
calculator    เครื่องคิดเลข    เครื่อง
scanner       สแกนเนอร์      เครื่อง
keyboard      แป้นพิมพ์       อัน
projector     โปรเจกเตอร์    เครื่อง
table         โต๊ะ           ตัว
chair         เก้าอี้          ตัว
bed           เตียง          หลัง
lamp          โคมไฟ         ดวง
mirror        กระจก         บาน
carpet        พรม           ผืน
cupboard      ตู้             ใบ
sofa          โซฟา          ตัว
pillow        หมอน          ใบ
blanket       ผ้าห่ม          ผืน
""")
ADJECTIVES = table("""
adjective  form
new        ใหม่
old        เก่า
big        ใหญ่
good       ดี
cheap      ราคาถูก
small      เล็ก
beautiful  สวย
expensive  ราคาแพง
white      สีขาว
""")
VERBS = table("""
verb     v       rest  k
sell     ขาย     -     ให้
send     ส่ง      -     ให้
lend     ให้ยืม    -     แก่
give     มอบ     -     ให้
buy      ซื้อ      -     จาก
receive  ได้รับ    -     จาก
borrow   ยืม      -     จาก
get      ได้      -     จาก
find     พบ      -     -
choose   เลือก    -     -
lose     ทำ      หาย   -
see      เห็น     -     -
""")
PEOPLE = table("""
person       nom
man          ผู้ชาย+คน+นั้น/DET
woman        ผู้หญิง+คน+นั้น/DET
grandfather  คุณปู่
grandmother  คุณย่า
king         กษัตริย์
queen        ราชินี
boy          เด็กผู้ชาย+คน+นั้น/DET
girl         เด็กผู้หญิง+คน+นั้น/DET
""")
_CITIES = pairs("""
paris=ปารีส rome=โรม berlin=เบอร์ลิน moscow=มอสโก cairo=ไคโร tokyo=โตเกียว capetown=เคปทาวน์
hongkong=ฮ่องกง london=ลอนดอน madrid=มาดริด athens=เอเธนส์ vienna=เวียนนา beijing=ปักกิ่ง
istanbul=อิสตันบูล newyork=นิวยอร์ก lisbon=ลิสบอน delhi=เดลี buenosaires=บัวโนสไอเรส
""")
_SPOTS = pairs("""
market=ตลาด school=โรงเรียน hotel=โรงแรม office=สำนักงาน park=สวนสาธารณะ restaurant=ร้านอาหาร
library=ห้องสมุด museum=พิพิธภัณฑ์ station=สถานีรถไฟ
""")
PLACES = {city: f"ที่/ADP+{name}/PROPN" for city, name in _CITIES.items()} | {
    spot: f"ที่/ADP+{noun}" for spot, noun in _SPOTS.items()
}
_DAYS = pairs("""
mon=วันจันทร์ tue=วันอังคาร wed=วันพุธ thu=วันพฤหัสบดี fri=วันศุกร์ sat=วันเสาร์ sun=วันอาทิตย์
""")
_MONTHS = pairs("""
jan=มกราคม feb=กุมภาพันธ์ mar=มีนาคม apr=เมษายน may=พฤษภาคม jun=มิถุนายน jul=กรกฎาคม
aug=สิงหาคม sep=กันยายน oct=ตุลาคม nov=พฤศจิกายน dec=ธันวาคม
""")
TIMES = (
    {day: f"ใน/ADP+{word}" for day, word in _DAYS.items()}
    | {month: f"ใน/ADP+เดือน+{word}/PROPN" for month, word in _MONTHS.items()}
    | {"yesterday": "เมื่อวานนี้"}
)


def noun_phrase(thing: Row, adjective: Row | None, case: str) -> Words:
    """Noun, adjective, classifier, that."""
    described = phrase(adjective["form"], "ADJ") if adjective else ()
    return (*phrase(thing["noun"]), *described, *phrase(thing["clf"]), ("นั้น", "DET"))


def parted(before: Token, after: Token) -> bool:
    """Whether a space stands between two words."""
    name = before.tag == after.tag == "PROPN" and before.role == after.role
    fronted = before.role in ("place", "time") and after.role == "agent"
    return name or fronted or after.tag == "CCONJ" or "NUM" in (before.tag, after.tag)


GRAMMAR = Grammar(
    code="th",
    name="Thai",
    family="Kra-Dai",
    script="Thai",
    names=NAMES,
    things=THINGS,
    adjectives=ADJECTIVES,
    verbs=VERBS,
    people=PEOPLE,
    places=PLACES,
    times=TIMES,
    year="ใน/ADP+ปี+{}/NUM",
    templates={
        "plain": "A V T V.rest K O P W",
        "front": "F A V T V.rest K O P W",
        "who": "ใคร/PRON V T V.rest K O",
        "what": "A V อะไร/PRON V.rest K O",
        "at": "A V T V.rest K O Q",
        "where": "ที่ไหน",
        "when": "เมื่อไร",
        "now": "ตอนนี้/NOUN T อยู่/VERB กับ/ADP ใคร/PRON",
        "before": "ก่อนหน้านี้/NOUN T อยู่/VERB กับ/ADP ใคร/PRON",
    },
    noun_phrase=noun_phrase,
    link="และ",
    stop="-",
    spaced=False,
    parted=parted,
)
