"""Rates of currencies: each fallback in turn, against a service on loopback and in a server."""

import json
import os
import socket
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.identify_servers import as_png, ask, on_a_table, server, write_all
from support.receivers import wait_for
from support.web_pages import Reply, web_site

from autolabel_core.identify.prices import exchange_rates as module
from autolabel_core.identify.prices.exchange_rates import FRESH_S, PUBLISHED, Rates, RateSource

ANSWER = {
    "result": "success",
    "provider": "https://rates.example",
    "time_last_update_unix": 1795219351,
    "time_last_update_utc": "Sat, 21 Nov 2026 00:02:31 +0000",
    "base_code": "USD",
    "rates": {"USD": 1, "JPY": 160, "EUR": 0.8},
}
IN_FILE = Rates(usd={"JPY": 0.007}, date="2026-11-01", origin="the file of prices")
PATH = "/v6/latest/USD"


@pytest.fixture
def service():
    with web_site() as known:
        known.answers[PATH] = Reply(ANSWER)
        yield known


@pytest.fixture
def source(service, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "WAIT_S", 60.0)
    return RateSource(service.url + PATH, tmp_path / "cache" / "rates.json")


def age(file, seconds):
    moment = time.time() - seconds
    os.utime(file, (moment, moment))


def test_the_service_is_asked_once_a_day(service, source):
    for _ in range(3):
        found = source.rates({"JPY", "USD"}, IN_FILE)
        assert found.usd == {"USD": 1.0, "JPY": 1 / 160} and found.date == "2026-11-21"
        assert found.origin == "127.0.0.1" and found.trouble == ""
        assert found.page == "https://rates.example"
    assert len(service.asked) == 1
    age(source.kept, FRESH_S + 60)
    source.rates({"JPY"})
    assert len(service.asked) == 2


def test_an_old_answer_stands_in_for_a_service_that_is_down(service, source):
    source.rates({"JPY"})
    age(source.kept, 30 * FRESH_S)
    service.answers[PATH] = Reply("gone", 404)
    found = source.rates({"JPY"}, IN_FILE)
    assert found.usd["JPY"] == 1 / 160 and found.origin == "127.0.0.1, an old answer"
    assert "404" in found.trouble and found.date == "2026-11-21"


def test_the_file_comes_next_and_then_what_is_built_in(service, source):
    service.answers[PATH] = Reply("gone", 404)
    found = source.rates({"JPY"}, IN_FILE)
    assert found.usd["JPY"] == 0.007 and found.origin == "the file of prices"
    assert found.date == "2026-11-01" and "404" in found.trouble
    found = source.rates({"JPY"}, Rates())
    assert found.usd["JPY"] == pytest.approx(1.1172 / 175.68) and found.date == "2026-10-30"
    assert "European Central Bank" in found.origin and not source.kept.exists()


def test_rates_of_two_days_are_not_mixed(service, source):
    service.answers[PATH] = Reply("gone", 404)
    found = source.rates({"JPY", "EUR"}, IN_FILE)
    assert found.usd == {"USD": 1.0, **{k: PUBLISHED.usd[k] for k in ("EUR", "JPY")}}
    assert found.date == PUBLISHED.date


WRONG = {
    "an error": {"result": "error", "error-type": "quota-reached"},
    "another base": {**ANSWER, "base_code": "EUR"},
    "text for a number": {**ANSWER, "rates": {"JPY": "160"}},
    "a rate of nothing": {**ANSWER, "rates": {"JPY": 0}},
    "a list": [],
    "no date": {**ANSWER, "time_last_update_utc": "today"},
    "a page": "<p>Log in",
}


@pytest.mark.parametrize("wrong", WRONG)
def test_an_answer_of_another_shape_is_told_and_not_kept(service, source, wrong):
    service.answers[PATH] = Reply(WRONG[wrong])
    found = source.rates({"JPY"}, IN_FILE)
    assert found.usd["JPY"] == 0.007 and "127.0.0.1" in found.trouble
    assert not source.kept.exists()


def test_nobody_is_asked_without_need_or_leave(service, source):
    assert source.rates({"USD"}).usd == source.rates(set()).usd == {"USD": 1.0}
    own = RateSource(source.url, source.kept, {"JPY": 0.01, "EUR": 2.0})
    assert own.rates({"JPY"}, IN_FILE) == Rates(usd={"USD": 1, "JPY": 0.01}, origin="JPY as given")
    offline = RateSource(None, source.kept)
    assert offline.rates({"JPY"}, IN_FILE).usd["JPY"] == 0.007
    assert service.asked == []
    mixed = own.rates({"JPY", "CHF", "EUR"})
    assert mixed.usd["EUR"] == 2.0 and mixed.origin.endswith("EUR, JPY as given")


def test_a_service_that_is_slow_is_not_waited_for_and_its_answer_serves_the_next(
    service, source, monkeypatch
):
    monkeypatch.setattr(module, "WAIT_S", 0.2)
    goes_on = threading.Event()

    def slowly(_asked):
        goes_on.wait(60)
        return Reply(ANSWER)

    service.answers[PATH] = slowly
    found = source.rates({"JPY"}, IN_FILE)
    assert found.usd["JPY"] == 0.007 and "did not answer" in found.trouble
    goes_on.set()
    wait_for(source.kept.exists)
    assert source.rates({"JPY"}, IN_FILE).usd["JPY"] == 1 / 160


@pytest.mark.parametrize("broken", [b"", b"{", b"[]", b'{"url": 1}', b"\xff"])
def test_a_broken_copy_is_as_none(service, source, broken):
    source.kept.parent.mkdir(parents=True)
    source.kept.write_bytes(broken)
    assert source.rates({"JPY"}).date == "2026-11-21"


def test_a_copy_of_another_service_is_as_none(service, source, tmp_path):
    source.rates({"JPY"})
    other = RateSource(f"{service.url}/other", source.kept)
    assert "404" in other.rates({"JPY"}).trouble


currencies = st.sets(st.sampled_from(["USD", "JPY", "EUR", "CHF", "ABC", "XYZ"]))
some_rates = st.dictionaries(
    st.sampled_from(["JPY", "EUR", "ABC", "XYZ"]), st.floats(1e-6, 1e3), max_size=4
)


@given(currencies, some_rates, some_rates)
def test_what_is_wanted_is_there_as_far_as_anybody_knows(wanted, given_rates, in_file):
    source = RateSource(None, None, given_rates)
    found = source.rates(wanted, Rates(usd=in_file))
    assert set(found.usd) <= wanted | {"USD"} and found.usd["USD"] == 1.0
    open_ = wanted - given_rates.keys() - {"USD"}
    known = max(len(open_ & in_file.keys()), len(open_ & PUBLISHED.usd.keys()))
    assert len(found.usd.keys() & open_) == known
    for name in wanted & given_rates.keys() - {"USD"}:
        assert found.usd[name] == given_rates[name]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_all(tmp_path_factory.mktemp("rates"))


def priced(client):
    (mask,) = ask(client, as_png(on_a_table(1))).json()["masks"]
    return mask["price"]


def test_a_server_tells_prices_in_dollars_by_the_rate_of_the_day(folder, service, tmp_path):
    options = ("--prices", str(folder / "prices.json"), "--fx-url", service.url + PATH)
    low = ("--min-score", "0.6", "--min-margin", "0.02")
    with server(folder / "cards.npz", *options, *low, AUTOLABEL_HOME=str(tmp_path)) as client:
        price = priced(client)
        assert (price["median"], price["currency"], price["usd_median"]) == (100, "JPY", 0.62)
        health, top = client.get("/health").json(), client.get("/api/top-prices").json()
        for told in (health, top):
            assert told["rates_date"] == "2026-11-21" and told["rates_from"] == "127.0.0.1"
            assert told["usd_rates"]["JPY"] == 1 / 160
        content = json.loads((folder / "prices.json").read_text())
        content["prices"]["DEMO-EN001"]["median"] = 3200
        (folder / "prices.json").write_text(json.dumps(content))
        wait_for(lambda: priced(client)["usd_median"] == 20.0)
    assert len(service.asked) == 1


def test_a_server_starts_where_nobody_answers(folder, tmp_path):
    prices = {"currency": "JPY", "prices": {"DEMO-EN001": {"median": 100}}}
    (tmp_path / "prices.json").write_text(json.dumps(prices))
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/v6"
        options = ("--prices", str(tmp_path / "prices.json"), "--fx-url", url)
        with server(folder / "cards.npz", *options, AUTOLABEL_HOME=str(tmp_path)) as client:
            health = client.get("/health").json()
            assert health["rates_date"] == PUBLISHED.date
            assert "127.0.0.1" in health["rates_trouble"]
