import unicodedata
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolabel_core.declarations.file_name_labels import (
    MAX_STEM_BYTES,
    Card,
    is_picture,
    read_name,
    several_files,
    write_name,
)
from autolabel_core.declarations.file_name_rules import RARITIES, FileNames
from autolabel_core.foundation.errors import UnreadableItemError


@pytest.mark.parametrize(
    ("filename", "name", "set_code", "rarity"),
    [
        ("dark_magician.jpg", "Dark Magician", None, None),
        ("LOCH-JP001_dark_magician.jpg", "Dark Magician", "LOCH-JP001", None),
        ("25TH-EN042_dark_magician_pscr.webp", "Dark Magician", "25TH-EN042", "PScR"),
        ("pharaoh_s_servant.png", "Pharaoh's Servant", None, None),
        ("PHARAOH_S_SERVANT_UTR.PNG", "Pharaoh's Servant", None, "UtR"),
        ("pharaoh's_servant.jpg", "Pharaoh's Servant", None, None),
        ("don_t_stop_me_now.jpeg", "Don't Stop Me Now", None, None),
        ("you_ll_never_walk_alone.jpg", "You'll Never Walk Alone", None, None),
        ("blue-eyes_white_dragon.jpg", "Blue-Eyes White Dragon", None, None),
        ("m3_bolt_10mm.jpg", "M3 Bolt 10mm", None, None),
        ("hex_nut_m_6.jpg", "Hex Nut M 6", None, None),
        ("plan_b_t.jpg", "Plan B T", None, None),
        ("R2-D2.jpg", "R2-D2", None, None),
        ("McDonald_farm.jpg", "McDonald Farm", None, None),
        ("sub/folder/café__noir.jpg", "Café Noir", None, None),
        ("s.jpg", "S", None, None),
        ("7_s.jpg", "7 S", None, None),
        ("ur.jpg", "Ur", None, None),
        ("T-34_tank.jpg", "T-34 Tank", None, None),
        ("LOCH-JP001_.jpg", "LOCH-JP001", None, None),
        ("LOCH-JP001_ur.jpg", "Ur", "LOCH-JP001", None),
        ("LOCH-JP001_dark_magician_ur~2.jpg", "Dark Magician", "LOCH-JP001", "UR"),
        ("dark_magician~12.jpg", "Dark Magician", None, None),
        ("~2.jpg", "~2", None, None),
    ],
)
def test_a_name_says_label_set_code_and_rarity(filename, name, set_code, rarity):
    card = read_name(filename)
    assert (card.name, card.set_code, card.rarity) == (name, set_code, rarity)
    assert card.fields == {
        k: v for k, v in (("set_code", set_code), ("rarity", rarity)) if v is not None
    }


@pytest.mark.parametrize(("suffix", "shown"), RARITIES.items())
def test_the_nine_rarities_are_a_field_of_their_own(suffix, shown):
    card = read_name(f"dark_magician_{suffix}.jpg")
    assert (card.name, card.rarity) == ("Dark Magician", shown)


def test_rarities_and_set_codes_may_be_ones_own():
    rules = FileNames(rarities={"holo": "Holographic", "ur": ""}, set_code=r"\d{4}")
    assert read_name("1973_the_dark_side_holo.jpg", rules).fields == {
        "set_code": "1973",
        "rarity": "Holographic",
    }
    assert read_name("city_of_ur.jpg", rules).name == "City Of Ur"
    assert read_name("city_of_gmr.jpg", rules).rarity == "GMR"


@pytest.mark.parametrize("filename", ["___.jpg", " .png", f"{'x' * 300}.jpg"])
def test_a_name_without_a_label_is_told(filename):
    with pytest.raises(UnreadableItemError, match="says no label"):
        read_name(filename)


@pytest.mark.parametrize(
    ("filename", "is_one"),
    [("a.jpg", True), ("a.JPEG", True), ("a.webp", True), ("a.gif", False), ("a", False)],
)
def test_four_kinds_of_pictures_are_references(filename, is_one):
    assert is_picture(filename) == is_one


def test_files_that_end_in_one_label_are_told():
    names = ["dark_magician.jpg", "LOCH-JP001_dark_magician.png", "kuriboh.png"]
    assert several_files(map(read_name, names)) == {
        "Dark Magician": ["LOCH-JP001_dark_magician.png", "dark_magician.jpg"]
    }


@given(st.lists(st.from_regex(r"[a-z]{2,8}", fullmatch=True), min_size=1, max_size=5))
def test_reading_a_label_as_a_name_again_changes_nothing(words):
    label = read_name("_".join(words) + ".jpg").name
    assert read_name(label.replace(" ", "_") + ".jpg").name == label


@pytest.mark.parametrize(
    ("name", "set_code", "rarity", "filename"),
    [
        ("Dark Magician", None, None, "dark_magician.jpg"),
        ("Pharaoh's Servant", "LOCH-JP001", "PScR", "LOCH-JP001_pharaoh_s_servant_pscr.jpg"),
        ("Pharaoh’s Servant", None, "(UR)", "pharaoh_s_servant_ur.jpg"),
        ("R2-D2 Unit", None, None, "r2-d2_unit.jpg"),
        ("LOCH-JP001 Unit", None, None, "_LOCH-JP001_Unit.jpg"),
        ("...And Justice", None, None, "_...And_Justice.jpg"),
        ("AC/DC", None, None, "ac_dc.jpg"),
        ("ABBA GOLD", None, None, "abba_gold.jpg"),
        ("McDonald's", None, None, "McDonald_s.jpg"),
        ("Rock 'n' Roll", None, None, "rock_'n'_roll.jpg"),
        ("What's up?", None, None, "what_s_up.jpg"),
        ("Plan ~2", None, None, "plan_2.jpg"),
        ("Black Lotus", "LEA-232", "mythic", "black_lotus.jpg"),
        ("Black Lotus", "4/102_A", None, "black_lotus.jpg"),
    ],
)
def test_a_file_is_named_so_that_it_is_read(name, set_code, rarity, filename):
    assert write_name(Card(name, "", set_code, rarity), ".jpg").filename == filename


@pytest.mark.parametrize("name", ["City of Ur", "", "/ /", "x" * 201, "遊" * 90, "a\u200bb"])
def test_what_no_name_would_be_read_as_is_refused(name):
    with pytest.raises(UnreadableItemError):
        write_name(Card(name, ""), ".jpg")


WORDS = st.text(min_size=1, max_size=12)
CODES = st.none() | st.sampled_from(["LOCH-JP001", "LEA-232", "a/b", "_", "T-34", "X-Y1_Z-Z2"])


@given(
    st.lists(WORDS | st.sampled_from(["s", "ur", "T-34", "R2-D2", ".", "~2", "l'eau"]), max_size=5),
    CODES,
    st.none() | st.sampled_from([*RARITIES.values(), "Rare Holo", "(C)"]) | WORDS,
    st.integers(1, 30),
)
def test_names_that_are_written_are_read_back(words, code, rarity, number):
    try:
        card = write_name(Card(" ".join(words), "", code, rarity), ".png", number=number)
    except UnreadableItemError:
        return
    assert read_name(card.filename) == card and is_picture(card.filename)
    assert card.filename == PurePosixPath(card.filename).name
    assert not card.filename.startswith(".") and len(card.filename.encode()) <= MAX_STEM_BYTES + 8
    assert card.set_code in (None, code)
    letters = [squeezed(text) for text in (" ".join(words), card.name)]
    assert letters[0] == letters[1]
    if number > 1:
        first = write_name(Card(" ".join(words), "", code, rarity), ".png")
        assert first.filename != card.filename and first.name == card.name


def squeezed(text):
    """Letters and digits alone, without case."""
    plain = unicodedata.normalize("NFC", text).casefold()
    return "".join(c for c in unicodedata.normalize("NFC", plain) if c.isalnum())
