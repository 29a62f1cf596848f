import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.labelling.box_input import SourceImage
from autolabel_core.labelling.image_names import ImageKeys

KEYS = [
    *("val/0001.png", "a.png", "a.jpg", "day/b.png", "night/b.png", "cam1.png", "c 1.png"),
    *("café.png", "train/x.png", "val/x.png", "photos/y.png", "100%.png", "e%20f.png", "e f.png"),
    *("deep/set/z.png", "noimage", "q.tar.png"),
]


def find(path, **more):
    return ImageKeys(KEYS).find(SourceImage(path, **more))


@pytest.mark.parametrize(
    ("path", "more", "key"),
    [
        ("0001.png", {}, "val/0001.png"),
        ("set/val/0001.png", {}, "val/0001.png"),
        ("/home/me/set/val/0001.png", {}, "val/0001.png"),
        ("C:\\data\\val\\0001.png", {}, "val/0001.png"),
        ("./val/0001.png", {}, "val/0001.png"),
        ("../images/../val/0001.png", {}, "val/0001.png"),
        ("https://host/x/c%201.png?signature=a/b.png", {}, "c 1.png"),
        ("s3://bucket/c 1.png", {}, "c 1.png"),
        ("/data/local-files/?d=photos%2Fy.png", {}, "photos/y.png"),
        ("e%20f.png", {}, "e%20f.png"),
        ("100%.png", {}, "100%.png"),
        (unicodedata.normalize("NFD", "café.png"), {}, "café.png"),
        ("cam1", {"has_suffix": False}, "cam1.png"),
        ("noimage", {}, "noimage"),
        ("q.tar", {"has_suffix": False}, "q.tar.png"),
        ("train/x", {"has_suffix": False, "layout_folders": 1}, "train/x.png"),
        ("train/y", {"has_suffix": False, "layout_folders": 1}, "photos/y.png"),
        ("anything.png", {"key": "a.jpg"}, "a.jpg"),
        ("x.png/z.png", {"layout_folders": 1}, "deep/set/z.png"),
    ],
)
def test_a_path_leads_to_the_key_that_ends_alike(path, more, key):
    found = find(path, **more)
    assert (found.key, found.without_prefix) == (key, False)


@pytest.mark.parametrize(
    ("path", "more", "says"),
    [
        ("train/0001.png", {}, "no image 'train/0001.png'. In another folder there is 'val/0001"),
        ("0001.jpg", {}, "With another suffix there is 'val/0001.png'"),
        ("cam1.0001", {"has_suffix": False}, "no image 'cam1.0001'"),
        ("a", {"has_suffix": False}, "'a' fits 'a.jpg' and 'a.png'; it must fit one"),
        ("b.png", {}, "'b.png' fits 'day/b.png' and 'night/b.png'"),
        ("dusk/b.png", {}, "In another folder there is 'day/b.png' or 'night/b.png'"),
        ("train/0001", {"has_suffix": False, "layout_folders": 1}, "no image 'train/0001'"),
        ("cam2/y.png", {}, "In another folder there is 'photos/y.png'"),
        ("A.PNG", {}, "no image 'A.PNG'. With capitals otherwise there is 'a.png'"),
        ("/set/cam1#2.png", {}, "no image '/set/cam1#2.png'"),
        ("/set/noimage?.png", {}, "no image '/set/noimage"),
        ("a_png.rf.0a1b.jpg", {}, "Roboflow gives images new names"),
        ("", {"key": "gone.png"}, "no image with the key 'gone.png'"),
        ("a.png", {"entry_path": "cam1"}, "lies under the name of 'cam1.png', and says .* 'a.png'"),
        ("//", {}, "Its name is empty"),
    ],
)
def test_what_states_another_folder_or_suffix_is_refused_with_the_names(path, more, says):
    with pytest.raises(AutolabelError, match=says):
        find(path, **more)


@pytest.mark.parametrize(
    "path", ["/data/upload/3/1a2b3c4d-a.png", "1a2b3c4d-a.png", "images\\1a2b3c4d-a.png"]
)
def test_the_prefix_of_an_upload_is_taken_off_and_told(path):
    assert find(path).key == "a.png" and find(path).without_prefix


def test_a_name_that_has_such_a_prefix_itself_keeps_it():
    keys = ImageKeys(["1a2b3c4d-a.png", "a.png"])
    assert keys.find(SourceImage("1a2b3c4d-a.png")).key == "1a2b3c4d-a.png"


NAMES = st.lists(st.sampled_from("ab"), min_size=1, max_size=3).map(lambda p: "/".join(p) + ".png")


@given(st.sets(NAMES, max_size=8), NAMES)
def test_the_key_agrees_with_all_that_is_stated_and_no_other_agrees_on_more(keys, path):
    def shared(key):
        ours, theirs = key.split("/"), path.split("/")
        common = min(len(ours), len(theirs))
        return common if ours[-common:] == theirs[-common:] else 0

    best = max(map(shared, keys), default=0)
    naive = [path] if path in keys else [k for k in keys if best and shared(k) == best]
    if len(naive) == 1:
        assert ImageKeys(keys).find(SourceImage(path)).key == naive[0]
    else:
        with pytest.raises(AutolabelError):
            ImageKeys(keys).find(SourceImage(path))
