"""The polite client against a real server: what it says, keeps, waits for, repeats and refuses."""

import logging
import socket

import pytest
from support.web_pages import Reply, web_site

from autolabel_core.foundation.errors import UnreachableItemError, UnreadableItemError
from autolabel_core.identify.web import PoliteClient, RefusedError, agent_name


@pytest.fixture
def site():
    with web_site() as known:
        yield known


@pytest.fixture
def waits():
    return []


@pytest.fixture
def client(site, waits):
    with PoliteClient(
        0.0, agent=agent_name("me@example.org"), private=[site.url], sleep=waits.append
    ) as known:
        yield known


def test_it_says_who_asks_and_what_it_takes(site, client):
    site.answers["/api"] = Reply({"found": 1})
    assert client.json(f"{site.url}/api", {"q": "a b&c"}, headers={"X-Own": "1"}) == {"found": 1}
    asked = site.asked[0]
    assert asked.params == {"q": "a b&c"} and asked.headers["accept"] == "application/json"
    assert asked.headers["user-agent"].startswith("autolabel") and asked.headers["x-own"] == "1"
    assert asked.headers["user-agent"].endswith("(me@example.org)")


def test_an_address_is_asked_as_it_stands(site, client):
    site.answers["/a"] = Reply("a")
    assert client.text(f"{site.url}/a?sign=a%2Fb/c%3D") == "a"
    assert site.asked[0].query == "sign=a%2Fb/c%3D"


def test_requests_to_one_host_keep_their_distance(site, waits):
    site.answers["/a"] = Reply("a")
    with PoliteClient(500.0, private=[site.url], sleep=waits.append) as client:
        for _ in range(3):
            assert client.text(f"{site.url}/a") == "a"
    assert len(waits) == 2 and all(400 < wait_s <= 500 for wait_s in waits)


@pytest.mark.parametrize(("status", "unsaid_s"), [(429, 30.0), (500, 1.0), (503, 1.0)])
def test_what_may_pass_is_asked_again(site, client, waits, status, unsaid_s):
    replies = iter([Reply("", status, {"Retry-After": "7"}), Reply("", status), Reply("well")])
    site.answers["/a"] = lambda _asked: next(replies)
    assert client.text(f"{site.url}/a") == "well"
    assert waits == [7.0, unsaid_s]


def test_a_host_that_fails_on_is_told_with_a_cure(site, client):
    site.answers["/a"] = Reply("", 503)
    with pytest.raises(UnreachableItemError, match=r"cannot reach 127.* 503 .*HTTPS_PROXY"):
        client.text(f"{site.url}/a")
    assert len(site.asked) == 3


def test_a_long_pause_is_not_waited_for(site, client, waits):
    site.answers["/a"] = Reply("", 429, {"Retry-After": "3600"})
    with pytest.raises(UnreachableItemError, match="asks for a pause of 3600 s"):
        client.text(f"{site.url}/a")
    assert len(site.asked) == 1 and waits == []


def test_nobody_there(waits):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/a"
        with (
            PoliteClient(0.0, private=[url], sleep=waits.append) as client,
            pytest.raises(UnreachableItemError, match=r"cannot reach 127.0.0.1: .*refused"),
        ):
            client.json(url)


def test_a_connection_that_breaks_is_tried_again(site, client):
    replies = iter([Reply(b"half", cut=True), Reply(b"whole")])
    site.answers["/a"] = lambda _asked: next(replies)
    assert client.content(f"{site.url}/a", 10) == b"whole"


def test_a_refusal_is_not_repeated_and_says_what_the_site_said(site, client):
    site.answers["/a"] = Reply({"error": "No card matching your query"}, 400)
    with pytest.raises(RefusedError, match=r"answers 400 .*No card matching") as caught:
        client.json(f"{site.url}/a")
    assert caught.value.status == 400 and len(site.asked) == 1


@pytest.mark.parametrize("address", ["ftp://a/b", "/a", "", "http://", "http://a:b", "file:///etc"])
def test_what_is_no_address(client, address):
    with pytest.raises(UnreadableItemError, match="is no address"):
        client.text(address)


def test_a_page_in_place_of_json(site, client):
    site.answers["/a"] = Reply("<!doctype html><p>Log in")
    with pytest.raises(UnreadableItemError, match="no JSON: it begins with '<!doctype"):
        client.json(f"{site.url}/a")


def test_a_long_answer_is_not_read_to_its_end(site, client):
    site.answers["/a"] = Reply(bytes(50_000_000))
    with pytest.raises(UnreadableItemError, match=r"more than 0\.001 MB"):
        client.content(f"{site.url}/a", 1_000)


def test_redirects_are_followed_so_far(site, client):
    site.answers["/a"] = Reply("", 307, {"Location": "/b"})
    site.answers["/b"] = Reply("b")
    site.answers["/c"] = Reply("", 302, {"Location": "/c"})
    assert client.text(f"{site.url}/a") == "b"
    with pytest.raises(UnreadableItemError, match="more than 5 redirects"):
        client.text(f"{site.url}/c")


def test_pages_come_in_their_encoding(site, client):
    kind = {"Content-Type": "text/html; charset=shift_jis"}
    site.answers["/a"] = Reply("遊戯王".encode("shift_jis"), headers=kind)
    assert client.text(f"{site.url}/a") == "遊戯王"


def test_answers_are_kept_for_a_while_and_failures_are_not(site, tmp_path):
    replies = iter([Reply("no", 404), Reply("<p>", 200), Reply([1]), Reply([2])])
    site.answers["/a"] = lambda _asked: next(replies)
    url = f"{site.url}/a"
    with PoliteClient(0.0, private=[site.url], cache=tmp_path) as client:
        for problem in (RefusedError, UnreadableItemError):
            with pytest.raises(problem):
                client.json(url, {"q": "x"})
        assert client.json(url, {"q": "x"}) == client.json(url, {"q": "x"}) == [1]
    with PoliteClient(0.0, private=[site.url], cache=tmp_path) as client:
        assert client.json(url, {"q": "x"}) == [1]
    with PoliteClient(0.0, private=[site.url], cache=tmp_path, max_age_s=0.0) as client:
        assert client.json(url, {"q": "x"}) == [2]


def test_secrets_are_sent_and_neither_shown_kept_nor_logged(site, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    secrets, headers = {"api_key": "s3cret"}, {"Authorization": "Bearer t0ken"}
    site.answers["/a"] = Reply([1])
    site.answers["/b"] = lambda asked: Reply(f"bad {asked.params['api_key']} Bearer t0ken", 401)
    with PoliteClient(0.0, private=[site.url], cache=tmp_path) as client:
        assert client.json(f"{site.url}/a", headers=headers, secrets=secrets) == [1]
        with pytest.raises(RefusedError, match="bad … …") as caught:
            client.json(f"{site.url}/b", headers=headers, secrets=secrets)
    assert [asked.params for asked in site.asked] == [secrets, secrets]
    kept = "".join(file.name + file.read_text() for file in tmp_path.iterdir())
    for secret in ("s3cret", "t0ken"):
        assert secret not in f"{caught.value} {kept} {caplog.text}"


def test_robots_are_obeyed_once_asked(site, waits):
    rules = "User-agent: autolabel\nDisallow: /private\nCrawl-delay: 90\n"
    site.answers |= {"/robots.txt": Reply(rules), "/a": Reply("a"), "/private/b": Reply("b")}
    site.answers["/c"] = Reply("", 302, {"Location": "/private/b"})
    with PoliteClient(0.0, private=[site.url], respect_robots=True, sleep=waits.append) as client:
        assert client.text(f"{site.url}/a") == "a"
        for path in ("/private/b", "/c"):
            with pytest.raises(UnreadableItemError, match="leave /private/b alone"):
                client.text(site.url + path)
    assert site.paths() == ["/robots.txt", "/a", "/c"] and all(60 < s <= 90 for s in waits)


@pytest.mark.parametrize(("status", "allowed"), [(404, True), (403, True), (503, False)])
def test_no_rules_allow_and_unknown_rules_forbid(site, waits, status, allowed):
    site.answers |= {"/robots.txt": Reply("", status), "/a": Reply("a")}
    with PoliteClient(0.0, private=[site.url], respect_robots=True, sleep=waits.append) as client:
        if allowed:
            assert client.text(f"{site.url}/a") == "a"
        else:
            with pytest.raises(UnreachableItemError, match="cannot reach"):
                client.text(f"{site.url}/a")
            assert "/a" not in site.paths()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0x7f.1"])
def test_a_private_address_is_refused_and_nothing_is_asked(site, waits, host):
    site.answers["/a"] = Reply("a")
    url = site.url.replace("127.0.0.1", host) + "/a"
    with (
        PoliteClient(0.0, sleep=waits.append) as client,
        pytest.raises(
            UnreadableItemError, match=r"no public address; no request was made.*--allow"
        ),
    ):
        client.text(url)
    assert not site.asked and not waits


def test_a_redirect_into_the_private_network_is_refused(site, waits):
    with web_site() as inner:
        inner.answers["/secret"] = Reply("secret")
        site.answers["/a"] = Reply("", 302, {"Location": f"{inner.url}/secret"})
        with (
            PoliteClient(0.0, private=[site.url], sleep=waits.append) as client,
            pytest.raises(UnreadableItemError, match="no public address"),
        ):
            client.text(f"{site.url}/a")
        assert not inner.asked and len(site.asked) == 1


def test_a_proxy_of_the_environment_is_used(site, monkeypatch):
    monkeypatch.setenv("http_proxy", site.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    site.answers["/a"] = Reply("by way of the proxy")
    with PoliteClient(0.0) as client:
        assert client.text("http://shop.example/a") == "by way of the proxy"
        with pytest.raises(UnreadableItemError, match="no public address"):
            client.text(f"{site.url}/a")
