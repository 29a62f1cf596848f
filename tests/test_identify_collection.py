"""A declared collection behind the server: what a sweep changes is served."""

import pytest
from conftest import sweep_quietly
from support.daemon import Daemon
from support.identify_servers import as_png, ask, on_a_table, server
from support.receivers import wait_for

from autolabel_app.demos.identify.cards import card_names, draw_card
from autolabel_core.tables.reference_set import ReferenceSet

CARDS = """\
feature_extractor: {model: descriptor, field_passthrough: [card, set_code, rarity]}
taxonomy: {field_to_enrich: card, confidence_threshold: 0.5}
references: filenames
automation: {check_every_seconds: 1}
"""
OPEN = ("--min-score", "0.5", "--min-margin", "0")
SOON = 240


@pytest.fixture
def cards(home):
    home.declare("cards", CARDS)
    folder = home.paths.buckets / "cards"
    folder.mkdir(parents=True)
    for number in range(3):
        put(home, number)
    return home


def put(home, number):
    """Drop a card under its name; return that name."""
    name = f"{card_names(number + 1)[number]}.png"
    draw_card(number).save(home.paths.buckets / "cards" / name)
    return name


def named(client, number):
    """Return the file of the reference that a card on a table is taken for."""
    (mask,) = ask(client, as_png(on_a_table(number))).json()["masks"]
    return mask["ref_filename"]


def test_a_sweep_changes_what_is_served(cards):
    sweep_quietly(cards.workspace, "cards")
    with server("cards", *OPEN, option="--collection", **cards.paths.environment) as client:
        (mask,) = ask(client, as_png(on_a_table(1))).json()["masks"]
        assert (mask["name"], mask["rarity"]) == ("Silent Warden's Pact", "UR")
        name = mask["ref_filename"]
        answer = client.get(f"/refs/{name}")
        assert answer.content == (cards.paths.buckets / "cards" / name).read_bytes()
        assert answer.headers["content-type"] == "image/png"
        assert client.get("/refs/..%2fcards.yaml").status_code == 404
        added = put(cards, 3)
        sweep_quietly(cards.workspace, "cards")
        wait_for(lambda: client.get("/health").json()["index_size"] == 4)
        assert named(client, 3) == added
        (cards.paths.buckets / "cards" / name).write_bytes(b"another content")
        assert client.get(f"/refs/{name}").status_code == 404
        assert client.get("/health").json()["thresholds_from"].startswith("given")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--collection", "cards"), "no references yet"),
        (("--collection", "card"), "cards"),
        (("--collection", "cards", "--refs", "x"), "belong to an index"),
        (("--collection", "cards", "--index", "x.npz"), "--index FILE or --collection NAME"),
        ((), "--index FILE or --collection NAME"),
    ],
)
@pytest.mark.usefixtures("cards")
def test_what_cannot_be_served_is_said(run, options, expected):
    status, _, said = run("identify", "serve", "--port", "0", *options)
    assert status != 0 and expected in said and "Traceback" not in said


@pytest.mark.slow
def test_a_file_that_is_dropped_is_named_by_itself(cards):
    """Nobody runs a command: sensors, the daemon and the server do it."""
    workspace = cards.workspace

    def references():
        return {row["key"] for row in ReferenceSet(collection).load().rows}

    collection = workspace.open("cards")
    with Daemon(workspace.paths) as daemon:
        first = daemon.until(lambda: len(references()) == 3, SOON, "three references")
        with server("cards", *OPEN, option="--collection", **cards.paths.environment) as client:
            added = put(cards, 3)
            second = daemon.until(lambda: added in references(), SOON, "a fourth")
            more = daemon.until(
                lambda: client.get("/health").json()["index_size"] == 4, SOON, "it is served"
            )
            assert named(client, 3) == added
    print(f"first references {first:.1f} s, a fourth {second:.1f} s, served {more:.1f} s later")
