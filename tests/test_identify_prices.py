"""Prices from sites, against recorded shapes on loopback: adapters, refusals, the file."""

import json
import statistics
import string
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.price_pages import LOCH, page
from support.web_pages import Reply, web_site

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.identify.prices.exchange_rates import Rates, RateSource
from autolabel_core.identify.prices.price_file import Prices
from autolabel_core.identify.prices.scrape import scrape, write_prices
from autolabel_core.identify.prices.sites import SITES, Listing, PriceSite
from autolabel_core.identify.web import PoliteClient

OFFLINE = RateSource(url=None)
CARDSETS = [
    {
        "set_name": "Legend of Blue",
        "set_code": "LOB",
        "num_of_cards": 355,
        "tcg_date": "2002-03-08",
    },
    {"set_name": "Legend of Blue (25th)", "set_code": "LOB", "num_of_cards": 126},
    {"set_name": "Metal Raiders", "set_code": "MRD", "num_of_cards": 144},
]


def printed(set_name, set_code, price):
    told = {"set_name": set_name, "set_code": set_code, "set_price": price}
    return {**told, "set_rarity": "Ultra Rare", "set_rarity_code": "(UR)"}


CARDINFO = {
    "Legend of Blue": [
        printed("Legend of Blue", "LOB-EN001", "20.50"),
        printed("Legend of Blue (25th)", "LOB-EN001", "4.25"),
        printed("Other", "SDK-EN001", "1.11"),
    ],
    "Legend of Blue (25th)": [
        printed("Legend of Blue", "LOB-EN001", "20.50"),
        printed("Legend of Blue (25th)", "LOB-EN001", "4.25"),
        printed("Legend of Blue (25th)", "LOB-EN002", "0"),
    ],
}


def cardinfo(asked):
    prints = CARDINFO.get(asked.params["cardset"])
    if prints is None:
        return Reply({"error": "No card matching your query was found in the database."}, 400)
    return Reply({"data": [{"id": 1, "name": "Dragon", "card_sets": prints}, {"id": 2}]})


@pytest.fixture
def site():
    with web_site() as known:
        known.answers |= {"/s/loch": Reply(LOCH), "/s/qcac": Reply(page(("QCAC-JP001", "5 円")))}
        known.answers |= {"/cardsets.php": Reply(CARDSETS), "/cardinfo.php": cardinfo}
        yield known


def asked_of(name, url, codes, **options):
    with PoliteClient(0.0, private=[url], sleep=lambda _s: None, **options) as client:
        return scrape(SITES[name], client, codes, url)


def told(scraped):
    return {c: (p.median, p.min, p.max, p.count) for c, p in scraped.prices.items()}


def test_a_page_of_a_set_is_asked_once_and_read(site):
    codes = ["LOCH-JP001", "LOCH-JP002", "LOCH-JP003", "QCAC-JP001"]
    scraped = asked_of("yuyu-tei", f"{site.url}/s/", codes)
    assert told(scraped) == {
        "LOCH-JP001": (1480, 980, 12800, 3),
        "LOCH-JP002": (30, 30, 30, 1),
        "QCAC-JP001": (5, 5, 5, 1),
    }
    assert site.paths() == ["/s/loch", "/s/qcac"]
    assert scraped.unpriced == ("LOCH-JP003",) and scraped.silent == scraped.unreadable == ()


def test_an_api_is_asked_for_its_sets_and_their_prints(site):
    scraped = asked_of("ygoprodeck", f"{site.url}/", ["LOB-EN001", "LOB-EN002", "MRD-EN001"])
    assert told(scraped) == {"LOB-EN001": (12.38, 4.25, 20.5, 2)}
    assert scraped.unpriced == ("LOB-EN002", "MRD-EN001") and scraped.silent == ("MRD",)
    assert [one.params.get("cardset") for one in site.asked] == [
        *(None, "Legend of Blue", "Legend of Blue (25th)", "Metal Raiders")
    ]


def test_a_set_that_the_site_does_not_know_is_named(site):
    scraped = asked_of("yuyu-tei", f"{site.url}/s/", ["LOCH-JP001", "NONE-JP001"])
    assert scraped.silent == ("NONE",) and scraped.unpriced == ("NONE-JP001",)


def test_a_price_that_cannot_be_read_is_named_and_the_others_stay(site):
    site.answers["/s/loch"] = Reply(page(("LOCH-JP001", "ASK"), ("LOCH-JP002", "1,200 円")))
    scraped = asked_of("yuyu-tei", f"{site.url}/s/", ["LOCH-JP001", "LOCH-JP002"])
    assert told(scraped) == {"LOCH-JP002": (1200, 1200, 1200, 1)}
    assert scraped.unreadable == (Listing("LOCH-JP001", ""),)
    assert scraped.unpriced == ("LOCH-JP001",)


def test_a_site_that_refuses_programs_is_told_with_what_to_do(site):
    site.answers["/s/loch"] = Reply("Forbidden", 403)
    with pytest.raises(AutolabelError, match=r"answers 403.*--contact"):
        asked_of("yuyu-tei", f"{site.url}/s/", ["LOCH-JP001"])


CHANGED = {
    "no offers": "<html><body><p>Maintenance",
    "another class": LOCH.replace("card-product", "item"),
    "another currency": LOCH.replace("円", "JPY"),
    "nothing": "",
    "binary": "\0\1<div <<< class='card-product'",
}


@pytest.mark.parametrize("changed", CHANGED)
def test_a_page_that_changed_is_an_error_with_a_cure(site, changed):
    site.answers["/s/loch"] = Reply(CHANGED[changed])
    with pytest.raises(AutolabelError, match=r"asked for LOCH .*Nothing was written.*adapter"):
        asked_of("yuyu-tei", f"{site.url}/s/", ["LOCH-JP001"])


WRONG = {
    "an object": ({"error": "down"}, "the answer"),
    "no code": ([{"set_name": "x"}], "0.set_code"),
    "a number for a name": ([{"set_name": 1, "set_code": "LOB"}], "0.set_name"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_an_api_that_changed_is_told_by_its_key(site, wrong):
    body, key = WRONG[wrong]
    site.answers["/cardsets.php"] = Reply(body)
    with pytest.raises(AutolabelError, match=rf"as it used to: `{key}`.*adapter"):
        asked_of("ygoprodeck", f"{site.url}/", ["LOB-EN001"])


def test_prices_of_a_wrong_type_are_told(site):
    prints = [{**printed("Metal Raiders", "MRD-EN001", "1.00"), "set_price": {"usd": 1}}]
    site.answers["/cardinfo.php"] = Reply({"data": [{"card_sets": prints}]})
    with pytest.raises(AutolabelError, match=r"data\.0\.card_sets\.0\.set_price"):
        asked_of("ygoprodeck", f"{site.url}/", ["MRD-EN001"])


def test_a_code_is_known_in_any_case_and_kept_as_the_reference_has_it(site):
    site.answers["/s/sv1"] = Reply(page(("SV1-012", "50 円"), ("sv1-013", "60 円")))
    scraped = asked_of("yuyu-tei", f"{site.url}/s/", ["sv1-012"])
    assert list(scraped.prices) == ["SV1-013", "sv1-012"] and scraped.unpriced == ()


amounts = st.lists(st.integers(1, 10_000_000), min_size=1, max_size=8)
codes = st.from_regex(r"SET-[A-Z]{2}[0-9]{3}", fullmatch=True)


@given(st.dictionaries(codes, amounts, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_whatever_order_offers_have_prices_are_the_same(offers, random):
    listings = [Listing(code, f"{one:,} 円") for code, said in offers.items() for one in said]
    random.shuffle(listings)
    asking = PriceSite("", "JPY", True, lambda _client, _url: lambda _prefix: listings)
    scraped = scrape(asking, None, offers)
    expected = {c: (statistics.median(a), min(a), max(a), len(a)) for c, a in offers.items()}
    assert told(scraped) == expected and list(scraped.prices) == sorted(offers)


def read(text):
    client = type("Pages", (), {"text": lambda _self, _at: text})()
    listings = SITES["yuyu-tei"].opened(client, "")("SET")
    return listings


@given(st.lists(st.tuples(codes, st.integers(0, 10**7)), max_size=8))
def test_a_page_is_read_offer_by_offer(offers):
    written = [(code, f"{amount:,} 円") for code, amount in offers]
    assert [(one.set_code, one.price) for one in read(page(*written))] == written


@given(st.text(string.printable, max_size=200))
def test_no_page_breaks_the_reader(text):
    listings = read(page(("SET-JP001", "10 円"), advert=text))
    assert all(isinstance(one, Listing) for one in listings)


def test_the_file_is_what_the_server_loads(tmp_path, site):
    scraped = asked_of("yuyu-tei", f"{site.url}/s/", ["LOCH-JP001"])
    rates = Rates(usd={"USD": 1.0, "JPY": 0.0065}, date="2026-11-20", origin="rates.example")
    when = datetime(2026, 11, 21, 15, 4, 5, tzinfo=UTC)
    path = tmp_path / "prices.json"
    written = write_prices(path, scraped, "yuyu-tei", "JPY", rates, when)
    prices = Prices.load(path, OFFLINE)
    assert prices.file == written and written.scraped_at == "2026-11-21T15:04:05+00:00"
    price = prices.of("LOCH-JP001")
    assert (price["median"], price["currency"], price["usd_median"]) == (1480, "JPY", 9.62)
    assert prices.rates.date == "2026-11-20" and "rates.example" in prices.rates.origin
    assert json.loads(path.read_text())["prices"]["LOCH-JP001"]["count"] == 3
