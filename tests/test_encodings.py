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
