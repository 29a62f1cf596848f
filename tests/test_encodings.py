"""The encoding of real sentences is found; what was guessed is said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolabel_core.foundation.media.encodings import decode_bytes

SENTENCES = {
    "gb18030": (
        "今天天气很好,我们去公园散步。",
        "发票号码:一二三四,总金额为人民币三千元整。",
        "合同",
        "本合同由甲乙双方签订,自签字之日起生效。",
    ),
    "cp932": (
        "今日は天気がいいので、公園を散歩しました。",
        "請求書番号と合計金額をご確認ください。",
        "契約書",
        "東京都の人口は約千四百万人です。",
        "カタカナのテキスト",
    ),
    "euc_jp": ("今日は天気がいいので、公園を散歩しました。",),
    "iso2022_jp": ("請求書番号と合計金額をご確認ください。",),
    "cp1251": (
        "Сегодня хорошая погода, мы гуляли в парке.",
        "Счёт на оплату номер двести, сумма три тысячи рублей.",
        "Договор",
        "Привет, мир",
        "Съешь же ещё этих мягких французских булок",
    ),
    "koi8_r": ("Договор аренды нежилого помещения",),
    "cp1252": (
        "Der Vertrag über die Lieferung von Möbeln wurde geändert.",
        "Café crème, déjà vu, naïve façade.",
        "El niño comió jamón mañana por la mañana.",
        "“Smart quotes” — and a dash…",
        "Größe: 42",
        "Rechnung Nr. 12, fällig am 3. März, Gebühr 5 €",
        "naïve",
        "São Paulo é a maior cidade do Brasil.",
    ),
    "cp1250": ("Příliš žluťoučký kůň úpěl ďábelské ódy.", "Zażółć gęślą jaźń w dzisiejszym dniu."),
    "cp949": ("오늘은 날씨가 좋아서 공원을 산책했습니다.", "계약서와 영수증을 확인해 주십시오."),
    "big5": ("今天天氣很好,我們去公園散步。", "請在收到貨物後三十天內付款。"),
    "cp1255": ("שלום לכולם, זהו מסמך קצר בעברית על מזג האוויר.",),
    "iso8859_8": ("הסכם שכירות בלתי מוגנת בין הצדדים",),
    "cp862": ("שלום לכולם זהו מסמך קצר",),
    "cp1256": ("هذا مستند قصير باللغة العربية عن الطقس اليوم", "مرحبا"),
    "iso8859_6": ("هذا مستند قصير باللغة العربية عن الطقس اليوم",),
    "cp874": ("นี่คือเอกสารสั้นภาษาไทยเกี่ยวกับอากาศวันนี้", "ราคารวมทั้งหมด"),
    "iso8859_5": ("Это короткий документ о погоде на русском языке",),
    "cp866": ("Это короткий документ о погоде на русском языке",),
    "koi8_u": ("Це короткий документ про погоду українською мовою її",),
    "cp1254": ("Bu hava durumu hakkında kısa bir belgedir, güneşli ve ılık",),
    "cp1257": ("Šis ir īss dokuments par laikapstākļiem latviešu valodā",),
    "iso8859_2": ("Zażółć gęślą jaźń, krótki dokument o pogodzie",),
    "cp852": ("Zażółć gęślą jaźń, krótki dokument o pogodzie",),
    "cp850": ("Größe für Straße und Übung",),
    "mac_roman": ("Größe für Straße und Übung",),
    "cp1253": ("Ο καιρός είναι καλός σήμερα και πήγαμε στο πάρκο.",),
    "utf-16": ("Hello, this is an invoice.", "Сегодня хорошая погода.", "今天天气很好。"),
    "utf-16-le": ("Hello, this is an invoice.", "Сегодня хорошая погода.", "今天天气很好。"),
    "utf-16-be": ("Hello, this is an invoice.", "Сегодня хорошая погода.", "今天天气很好。"),
}
CASES = [(encoding, text) for encoding, texts in SENTENCES.items() for text in texts]


@pytest.mark.parametrize(("encoding", "text"), CASES)
def test_sentences_of_many_languages_are_read(encoding, text):
    found = decode_bytes(text.encode(encoding))
    assert found.text == text
    assert found.found_by in ("detected", "mark")


@pytest.mark.parametrize(("encoding", "text"), CASES)
def test_valid_utf_8_is_never_taken_for_anything_else(encoding, text):
    assert decode_bytes(text.encode(), declared=encoding).text == text


def test_what_is_declared_counts_where_the_bytes_are_not_utf_8():
    hebrew = "היום מזג האוויר יפה"
    found = decode_bytes(hebrew.encode("cp1255"), declared="windows-1255")
    assert (found.text, found.found_by) == (hebrew, "declared")
    assert decode_bytes("Größe".encode("cp1252"), declared="no-such-code").text == "Größe"


def test_utf_8_that_is_cut_inside_a_character_is_still_utf_8():
    found = decode_bytes("今天天气很好".encode()[:-1])
    assert found.text == "今天天气很\ufffd"
    assert found.encoding == "utf-8"


@pytest.mark.parametrize(
    "text",
    [
        *("£5", "You have won £1000! Claim £5 now, or £20 later", "10 € or £8", "± 5 %", "½ cup"),
        *("¥500", "it’s", "“quoted”", "§ 5", "© 2020 Acme, 20 °C"),
    ],
)
def test_signs_in_an_english_text_are_no_foreign_letters(text):
    assert decode_bytes(text.encode("cp1252")).text == text


def test_a_guess_is_called_a_guess():
    assert decode_bytes(bytes(range(128, 256))).found_by == "assumed"


def test_one_foreign_word_in_a_long_english_text_is_enough():
    text = "A long report about trade. " * 5_000 + "Signed by Jürgen Müller in Köln."
    assert decode_bytes(text.encode("cp1252")).text == text


@given(st.binary(max_size=300))
def test_any_bytes_have_a_reading(data):
    try:
        found = decode_bytes(data)
    except ValueError as error:
        assert "byte-order mark" in str(error)
        return
    assert found.found_by in ("utf-8", "mark", "detected", "assumed")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        pytest.param("שלום", "cp1255", id="four letters that are Russian ones as well"),
        pytest.param(
            "Hello World this is text", "cp500", id="EBCDIC, which is not among the known"
        ),
    ],
)
def test_a_reading_that_hardly_leads_or_is_unlikely_is_called_a_guess(text, encoding):
    assert decode_bytes(text.encode(encoding)).found_by == "assumed"


@pytest.mark.parametrize(
    ("declared", "encoding", "text"),
    [
        ("iso-8859-8-i", "iso8859_8", "שלום עולם"),
        ("windows-874", "cp874", "สวัสดี"),
        ("ks_c_5601-1987", "cp949", "안녕하세요 똠방각하"),
        ("gb2312", "gb18030", "朱镕基説"),
        ("Shift_JIS", "cp932", "①髙島屋"),
        ("iso-8859-1", "cp1252", "“5 €”"),
        ("utf-7", "utf-7", "Grün"),
        ("iso-2022-kr", "iso2022_kr", "안녕하세요"),
        ("hz-gb-2312", "hz", "你好世界"),
        ("macintosh", "mac_roman", "Größe"),
    ],
)
def test_names_that_messages_use_mean_the_set_that_holds_the_text(declared, encoding, text):
    found = decode_bytes(text.encode(encoding), declared)
    assert (found.text, found.found_by) == (text, "declared")


@pytest.mark.parametrize(
    "declared", ["rot13", "hex", "punycode", "x-unknown", "", "zip", "a\0b", "ü"]
)
def test_what_is_no_encoding_of_texts_is_not_used(declared):
    assert decode_bytes(b"hello world 68", declared).text == "hello world 68"
    assert decode_bytes(b"caf\xe9 68", declared).text == "café 68"
