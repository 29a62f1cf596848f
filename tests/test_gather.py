"""Gathering from a real server on loopback: what is kept, refused, resumed, and told."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys

import pytest
from support import gather_shapes as shapes
from support.gather_shapes import picture
from support.receivers import wait_for
from support.web_pages import Reply, web_site

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.identify.gather.gather import _alone, gather
from autolabel_core.identify.gather.project import Gathering
from autolabel_core.identify.reference_folder import read_folder
from autolabel_core.identify.web import polite_client as fetching
from autolabel_core.storage.buckets.sources_csv import COLUMNS, FILE


@pytest.fixture
def site():
    with web_site() as known:
        yield known


@pytest.fixture
def refs(tmp_path):
    return tmp_path / "refs"


@pytest.fixture
def project(site, refs, tmp_path):
    """Write a project over the loopback server; gives its path."""

    def write(*queries, **more):
        told = {
            "site": "ygoprodeck",
            "queries": list(queries),
            "out": "refs",
            "base_url": site.url,
            "delay_s": 0,
            **more,
        }
        file = tmp_path / "project.yaml"
        file.write_text(json.dumps(told))
        return file

    return write


def cards(site, *names):
    """Let the site know cards of these names, each with a picture of its own number, from 1."""
    known = {name.lower(): n for n, name in enumerate(names, 1)}
    shapes.serve_pictures(site, *known.values())

    def answer(asked):
        number = known.get(asked.params["fname"].lower())
        if number is None:
            return Reply({"error": "No card matching your query was found."}, 400)
        return Reply({"data": [shapes.yugioh_card(site, names[number - 1], number)]})

    site.answers["/cardinfo.php"] = answer


def rows(refs):
    with (refs / FILE).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def contents(refs):
    return {path.name: path.read_bytes() for path in sorted(refs.iterdir())}


def test_the_way_from_gathering_to_verifying(run, site, project, refs, tmp_path):
    names = [f"Card {n}" for n in "ABC"]
    cards(site, *names)
    file = str(project(*names))
    status, said, _ = run("identify", "gather", "--project", file, "--max-per-query", "1")
    assert status == 0 and "3 pictures fetched, 0 there already, 0 failed" in said
    out = tmp_path / "cards.npz"
    status, said, _ = run("identify", "index", "--refs", str(refs), "--out", str(out), "--json")
    told = json.loads(said)
    assert status == 0 and told["references"] == 3 and told["unreadable"] == {}
    status, said, _ = run("identify", "verify", "--index", str(out), "--json")
    assert status == 0
    asked, before = len(site.asked), contents(refs)
    status, said, _ = run("identify", "gather", "--project", file, "--json")
    told = json.loads(said)
    assert (status, told["present"], told["fetched"], told["problems"]) == (0, 3, [], [])
    assert len(site.asked) == asked and contents(refs) == before


def test_the_ledger_says_where_a_picture_is_from(run, site, project, refs):
    cards(site, "Dark Magician")
    assert run("identify", "gather", "--project", str(project("Dark Magician")))[0] == 0
    row = rows(refs)[0]
    assert tuple(row) == COLUMNS
    assert row["file"] == "dark_magician.jpg" and row["label"] == "Dark Magician"
    assert row["picture_url"] == f"{site.url}/pictures/1.jpg"
    assert row["source_page"] == "https://ygoprodeck.com/card/1" and "Konami" in row["licence"]
    assert len(row["sha256"]) == 64 and row["fetched_at"].endswith("+00:00")
    assert [ref.checksum for ref in read_folder(refs).references] == [row["sha256"]]


def test_options_do_without_a_project(run, site, refs, tmp_path, monkeypatch):
    shapes.serve_pictures(site, 1, 2)
    urls = tmp_path / "urls.csv"
    urls.write_text(
        "".join(("name,url\n", *(f"N{n},{site.url}/pictures/{n}.jpg\n" for n in (1, 2))))
    )
    queries = tmp_path / "names.txt"
    queries.write_text("# wanted\n\nN2\n")
    arguments = ("identify", "gather", "--site", "csv", "--urls", str(urls), "--out", str(refs))
    arguments += ("--allow", site.url)
    status, said, _ = run(*arguments, "--query-file", str(queries), "--dry-run")
    assert status == 0 and "1 would be fetched" in said and "N2" in said and not refs.exists()
    status, said, _ = run(*arguments, "--query", "N1", "--contact", "me@example.org")
    assert status == 0 and site.asked[-1].headers["user-agent"].endswith("(me@example.org)")
    assert [row["file"] for row in rows(refs)] == ["n1.jpg"]
    assert run(*arguments, "--dry-run", "--json")[0] == 0


def test_only_what_is_missing_is_fetched(run, site, project, refs):
    cards(site, "Alpha", "Beta")
    file = str(project("Alpha", "Beta", "Gamma"))
    assert run("identify", "gather", "--project", file)[0] == 1
    (refs / "alpha.jpg").unlink()
    site.asked.clear()
    cards(site, "Alpha", "Beta", "Gamma")
    status, said, _ = run("identify", "gather", "--project", file)
    assert status == 0 and "2 pictures fetched, 1 there already" in said
    fetched = [path for path in site.paths() if path.startswith("/pictures")]
    assert fetched == ["/pictures/1.jpg", "/pictures/3.jpg"]
    assert [row["file"] for row in rows(refs)] == ["alpha.jpg", "beta.jpg", "gamma.jpg"]


def test_one_picture_of_two_queries_is_fetched_once(run, site, project, refs):
    shapes.ygoprodeck(site)
    file = str(project("Dark Magician", "dark magician"))
    for asked in (2, 0):
        site.asked.clear()
        assert run("identify", "gather", "--project", file)[0] == 0
        assert len(site.asked) in (asked, asked + 1)
    assert [row["file"] for row in rows(refs)] == ["dark_magician.jpg"] * 2


def test_a_label_may_be_one_s_own(run, site, project, refs):
    cards(site, "Alpha")
    file = str(project({"query": "Alpha", "label": "The First"}))
    assert run("identify", "gather", "--project", file)[0] == 0
    assert rows(refs)[0]["file"] == "the_first.jpg"


def test_a_file_that_is_there_is_never_overwritten(run, site, project, refs):
    cards(site, "Alpha", "Beta")
    refs.mkdir()
    (refs / "alpha.jpg").write_bytes(picture(9))
    (refs / "beta.jpg").write_bytes(picture(2))
    assert run("identify", "gather", "--project", str(project("Alpha", "Beta")))[0] == 0
    assert (refs / "alpha.jpg").read_bytes() == picture(9)
    assert [row["file"] for row in rows(refs)] == ["alpha~2.jpg", "beta.jpg"]
    assert {ref.card.name for ref in read_folder(refs).references} == {"Alpha", "Beta"}


BAD = {
    "a page": (
        Reply("<!doctype html><title>Moved", headers={"Content-Type": "image/jpeg"}),
        "not an",
    ),
    "truncated": (Reply(picture(1)[:-200]), "truncated"),
    "too large": (Reply(picture(1) + bytes(200_000)), "more than 0.1 MB"),
    "nothing": (Reply(b""), "0 bytes"),
    "404": (Reply("gone", 404), "answers 404"),
    "500": (Reply("", 500), "cannot reach 127.0.0.1: it answers 500"),
    "429": (Reply("", 429, {"Retry-After": "999"}), "asks for a pause of 999 s"),
    "cut": (Reply(picture(1), cut=True), "cannot reach"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_picture_is_refused_recorded_and_tried_again(
    run, site, project, refs, monkeypatch, case
):
    monkeypatch.setattr(fetching, "FIRST_BACKOFF_S", 0.01)
    reply, problem = BAD[case]
    cards(site, "Alpha", "Beta")
    site.answers["/pictures/1.jpg"] = reply
    file = str(project("Alpha", "Beta", max_picture_mb=0.1))
    status, said, err = run("identify", "gather", "--project", file)
    assert status == 1 and "1 pictures fetched" in said and problem in err
    assert set(contents(refs)) == {"beta.jpg", FILE}
    failed = rows(refs)[1]
    assert problem in failed["problem"] and failed["picture_url"].endswith("/1.jpg")
    shapes.serve_pictures(site, 1)
    assert run("identify", "gather", "--project", file)[0] == 0
    assert [row["problem"] for row in rows(refs)] == ["", ""]


def test_a_site_that_cannot_be_reached_is_told_and_left_in_peace(run, project, refs, monkeypatch):
    monkeypatch.setattr(fetching, "FIRST_BACKOFF_S", 0.01)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        file = project(*"abcde", base_url=url)
        status, _, err = run("identify", "gather", "--project", str(file))
    assert status == 1 and err.count("cannot reach 127.0.0.1: ") == 5
    assert err.count("not asked, since before it") == 2 and "HTTPS_PROXY" in err
    assert [row["query"] for row in rows(refs)] == list("abcde")


def test_pictures_that_cannot_be_reached_are_told_and_left_in_peace(
    run, site, project, refs, monkeypatch
):
    monkeypatch.setattr(fetching, "FIRST_BACKOFF_S", 0.01)
    names = [f"Card {n}" for n in "ABCDE"]
    cards(site, *names)
    for number in range(1, 6):
        site.answers[f"/pictures/{number}.jpg"] = Reply("", 503)
    status, _, err = run("identify", "gather", "--project", str(project(*names)))
    assert status == 1 and err.count("not asked, since before it") == 2
    assert sum(path.startswith("/pictures") for path in site.paths()) == 9


def test_what_a_site_says_does_not_steer_the_terminal(run, site, project):
    site.answers["/cardinfo.php"] = Reply("\x1b[2Jgone", 418)
    _, _, err = run("identify", "gather", "--project", str(project("Alpha")))
    assert "gone" in err and "\x1b" not in err


SLOW = """
import sys
from autolabel_app.cli import main
sys.argv = ["autolabel", "identify", "gather", "--project", sys.argv[1]]
main()
"""


@pytest.mark.parametrize("killed_at", ["/pictures/3.jpg", "/cardinfo.php"])
def test_a_run_that_is_killed_leaves_nothing_half_and_is_gone_on_with(
    run, home, site, project, refs, killed_at
):
    names = [f"Card {n}" for n in "ABCDE"]
    cards(site, *names)
    file = str(project(*names))
    answers, victim = site.answers.copy(), []

    def kill(asked):
        site.answers.update(answers)
        wait_for(lambda: bool(victim))
        victim[0].send_signal(signal.SIGKILL)
        return Reply("", 500)

    site.answers[killed_at] = kill
    environment = {**os.environ, **home.paths.environment}
    with subprocess.Popen((sys.executable, "-c", SLOW, file), env=environment) as process:
        victim.append(process)
        assert process.wait() == -signal.SIGKILL
    left = set(contents(refs))
    assert not [name for name in left if name.startswith(".")]
    before = [row["file"] for row in rows(refs)]
    assert set(before) == left - {FILE}
    site.asked.clear()
    assert run("identify", "gather", "--project", file)[0] == 0
    fetched = [path for path in site.paths() if path.startswith("/pictures")]
    assert len(fetched) == 5 - len(before)
    assert [row["file"] for row in rows(refs)] == [f"card_{n}.jpg" for n in "abcde"]


def test_what_a_kill_may_leave_is_taken_up(run, site, project, refs):
    """A picture without its row, a row cut short, a file half written."""
    cards(site, "Alpha", "Beta")
    file = str(project("Alpha", "Beta"))
    assert run("identify", "gather", "--project", file)[0] == 0
    whole = contents(refs)
    lines = (refs / FILE).read_bytes().splitlines(keepends=True)
    (refs / FILE).write_bytes(b"".join(lines[:2]) + lines[2][:40])
    (refs / ".gamma.jpg.autolabel.part").write_bytes(b"half")
    assert run("identify", "gather", "--project", file)[0] == 0
    again = contents(refs)
    assert again.keys() == whole.keys() and again["beta.jpg"] == whole["beta.jpg"]
    assert [row["file"] for row in rows(refs)] == ["alpha.jpg", "beta.jpg"]


def test_one_process_at_a_time(home, refs):
    refs.mkdir()
    wanted = Gathering(site="scryfall", queries=["x"], out=str(refs), base_url="http://127.0.0.1:9")
    with (
        _alone(refs, home.paths),
        pytest.raises(AutolabelError, match="Another process gathers"),
    ):
        gather(wanted, home.paths)
