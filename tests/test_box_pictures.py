"""Boxes on pictures: where they are, in the colour of their class, names that do not crowd."""

from __future__ import annotations

from PIL import Image, ImageColor

from autolabel_core.foundation.charts.box_overlay import Box, colour_of, with_boxes


def pixel(picture, x, y):
    return picture.getpixel((x, y))


def test_a_box_is_drawn_where_it_is_at_the_new_size():
    drawn = with_boxes(
        Image.new("RGB", (400, 200), "white"), [Box((100, 100, 200, 180), "car", 0.9)], 200
    )
    colour = ImageColor.getrgb(colour_of("car"))
    assert drawn.size == (200, 100)
    assert pixel(drawn, 50, 70) == pixel(drawn, 99, 70) == pixel(drawn, 70, 89) == colour
    assert pixel(drawn, 75, 70) == pixel(drawn, 45, 70) == (255, 255, 255)


def test_the_surest_keeps_its_name_where_boxes_crowd():
    white = Image.new("RGB", (300, 300), "white")
    sure, unsure = Box((50, 50, 200, 200), "car", 0.9), Box((52, 52, 200, 200), "tree", 0.3)
    other = ImageColor.getrgb(colour_of("tree"))
    assert colour_of("car") != colour_of("tree")
    for boxes in ([sure, unsure], [unsure, sure]):
        drawn = with_boxes(white, boxes, 300)
        assert pixel(drawn, 51, 36) == ImageColor.getrgb(colour_of("car"))
        assert pixel(drawn, 150, 45) == (255, 255, 255)
    assert pixel(with_boxes(white, [unsure], 300), 53, 38) == other


def test_the_same_boxes_give_the_same_picture():
    picture = Image.new("RGB", (90, 60), "white")
    boxes = [Box((0, 0, 30, 30), "a", 0.5), Box((10, 5, 80, 55), "b", 0.5)]
    assert with_boxes(picture, boxes, 90).tobytes() == with_boxes(picture, boxes, 90).tobytes()
