"""Every adapter against answers in its site's shape, from a real server on loopback."""

import pytest
from support import gather_shapes as shapes
from support.gather_shapes import picture
from support.web_pages import Reply, web_site

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.paths import Paths
from autolabel_core.identify.gather.gather import gather
from autolabel_core.identify.gather.project import Gathering
from autolabel_core.identify.gather.site_registry import SITES

KEYS = {"TMDB_API_KEY": "0123secret", "POKEMONTCG_API_KEY": "poke"}


@pytest.fixture
def site():
    with web_site() as known:
        yield known


@pytest.fixture
def ask(site, tmp_path):
    """Ask a site of the loopback server; gives what was gathered."""

    def call(name, *queries, environ=KEYS, **more):
        if name != "csv":
            getattr(shapes, name)(site)
        paths = Paths.from_environment({"AUTOLABEL_HOME": str(tmp_path / "home")})
        mirror = {"base_url": site.url, "pictures_url": site.url, "delay_s": 0.0}
        told = {"site": name, "queries": queries, "out": str(tmp_path / "refs"), **mirror, **more}
        return gather(Gathering.model_validate(told), paths, environ=environ)

    return call


@pytest.mark.parametrize(
    ("site_name", "query", "limit", "files"),
    [
        ("ygoprodeck", "dark magician", 1, ["dark_magician.jpg"]),
        ("ygoprodeck", "dark magician", 5, ["dark_magician.jpg", "dark_magician~2.jpg"]),
        ("ygoprodeck", "magician", 1, ["dark_magician_girl.jpg"]),
        ("ygoprodeck", "Pharaoh's Servant", 1, ["LOCH-JP001_pharaoh_s_servant_pscr.jpg"]),
        ("scryfall", "Black Lotos", 1, ["black_lotus.jpg"]),
        ("scryfall", "Black Lotos", 3, ["black_lotus.jpg", "black_lotus~2.jpg"]),
        ("scryfall", "delver", 1, ["delver_of_secrets_insectile_aberration.jpg"]),
        ("pokemontcg", "Charizard", 3, ["charizard.jpg"]),
        ("pokemontcg", "harizard", 1, ["dark_charizard.jpg"]),
        ("musicbrainz", "alfa covered", 2, ["alfa_&_beta_-_covered.jpg"]),
        ("tmdb", "Dune", 2, ["dune_(1984).jpg"]),
        ("wikimedia", "Mona Lisa", 1, ["mona_lisa.jpg"]),
        ("wikimedia", "Mona Lisa", 9, ["mona_lisa.jpg", "mona_lisa~2.jpg"]),
        ("yugipedia", "Dark Magician", 2, ["dark_magician_ur.jpg", "dark_magician.jpg"]),
    ],
)
def test_what_a_site_gives(ask, tmp_path, site_name, query, limit, files):
    done = ask(site_name, query, max_per_query=limit)
    assert not done.problems and [row.file for row in done.fetched] == files
    for row in done.fetched:
        assert (tmp_path / "refs" / row.file).read_bytes().startswith(b"\xff\xd8")
        assert row.licence and row.source_page.startswith("http") and row.site == site_name
        assert row.label.lower().replace("'", "_").split()[-1] in row.file.lower().replace("_", " ")


def test_prints_are_told_where_they_are_certain(ask):
    several, single = ask("ygoprodeck", "Dark Magician", "Pharaoh's Servant").fetched
    assert (several.set_code, several.rarity) == ("", "")
    assert (single.set_code, single.rarity) == ("LOCH-JP001", "PScR")


def test_a_set_that_is_asked_for_makes_the_print_certain(ask, site):
    row = ask("ygoprodeck", "Dark Magician", parameters={"cardset": "Legend"}).fetched[0]
    assert row.file == "LOB-EN005_dark_magician_ur.jpg"
    assert site.asked[0].params == {"fname": "Dark Magician", "cardset": "Legend"}


def test_prints_of_other_games_stand_in_the_ledger_and_in_names_that_allow_them(ask):
    names = {"set_code": "[A-Z0-9]+-[0-9]+", "rarities": {"rare": "Rare"}}
    row = ask("scryfall", "Black Lotos", names=names).fetched[0]
    assert row.file == "LEA-1_black_lotus_rare.jpg"
    assert (row.set_code, row.rarity, row.attribution) == ("LEA-1", "rare", "A. Painter; Scryfall")
    assert ask("pokemontcg", "Charizard").fetched[0].set_code == "BS-2"


@pytest.mark.parametrize("site_name", sorted(SITES.keys() - {"csv"}))
def test_nothing_found_is_told_and_is_no_picture(ask, tmp_path, site_name):
    done = ask(site_name, "nothing of the kind")
    assert [row.problem for row in done.problems] == [f"{site_name} knows nothing of that name"]
    assert [path.name for path in (tmp_path / "refs").iterdir()] == ["sources.csv"]


def test_an_ambiguous_name_is_told_in_the_words_of_the_site(ask):
    assert "Too many cards match" in ask("scryfall", "jace").problems[0].problem


@pytest.mark.parametrize("site_name", sorted(SITES.keys() - {"csv"}))
def test_an_answer_of_another_shape_is_told_as_that(ask, site, monkeypatch, site_name):
    monkeypatch.setattr(shapes, site_name, lambda site: None)
    paths = ("/cardinfo.php", "/cards/named", "/cards", "/release-group", "/search/movie")
    for path in (*paths, "/api.php"):
        site.answers[path] = Reply({"query": {"pages": [{"new": 1}]}})
    assert "a shape that is not known" in ask(site_name, "x").problems[0].problem


def test_a_value_of_another_kind_is_told_as_that(ask, site):
    card = shapes.yugioh_card(site, "Dark Magician", 1)
    card["card_images"][0]["image_url"] = None
    site.answers["/cardinfo.php"] = Reply({"data": [card]})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shapes, "ygoprodeck", lambda site: None)
        problem = ask("ygoprodeck", "Dark Magician").problems[0].problem
    assert "a shape that is not known" in problem and "valid string" in problem


def test_a_wiki_s_own_error_is_told(ask):
    assert "The search is down." in ask("wikimedia", "broken").problems[0].problem


def test_licence_and_author_are_those_of_the_picture(ask):
    row = ask("wikimedia", "Mona Lisa").fetched[0]
    assert (row.licence, row.attribution) == ("CC BY-SA 4.0", "D. Painter !")
    bare = ask("yugipedia", "Dark Magician").fetched[0]
    assert bare.licence == SITES["yugipedia"].licence and bare.rarity == "UR"


@pytest.mark.parametrize("key", ["0123secret", "eyJtoken"])
def test_a_key_is_sent_to_its_site_alone_and_kept_nowhere(ask, site, tmp_path, key, caplog):
    caplog.set_level("DEBUG", "httpx")
    done = ask("tmdb", "Dune", environ={"TMDB_API_KEY": key})
    said = [f"{asked.query}{asked.headers.get('authorization')}" for asked in site.asked]
    assert [key in one for one in said] == [True, False]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) >= 3 and not any(key.encode() in path.read_bytes() for path in files)
    assert key not in f"{done} {caplog.text}"


def test_a_wrong_key_is_told_without_the_key(ask):
    problem = ask("tmdb", "Dune", environ={"TMDB_API_KEY": "wrong"}).problems[0].problem
    assert "401" in problem and "Invalid API key" in problem and "wrong" not in problem


def test_a_missing_key_is_asked_for(ask):
    with pytest.raises(AutolabelError, match="set the environment variable TMDB_API_KEY"):
        ask("tmdb", "Dune", environ={})


def test_the_etiquette_of_the_sites(ask, site):
    ask("pokemontcg", 'Chari"zard', contact="me@example.org")
    asked = site.asked[0]
    assert asked.params["q"] == 'name:"Chari zard"' and asked.headers["x-api-key"] == "poke"
    assert "(me@example.org)" in asked.headers["user-agent"]
    assert SITES["musicbrainz"].delay_s >= 1 and SITES["scryfall"].delay_s >= 0.5


def listed(tmp_path, text):
    file = tmp_path / "urls.csv"
    file.write_text(text, encoding="utf-8-sig")
    return str(file)


def test_a_list_of_addresses(ask, site, tmp_path):
    shapes.serve_pictures(site, 1, 2, 3)
    rows = [f"Hex nut,{site.url}/pictures/{n}.jpg,CC0" for n in (1, 2)]
    text = "\n".join(("Name, url ,licence", *rows, f"Bolt,{site.url}/pictures/3.jpg,", ",,"))
    done = ask("csv", urls=listed(tmp_path, text))
    assert [row.file for row in done.fetched] == ["hex_nut.jpg", "hex_nut~2.jpg", "bolt.jpg"]
    assert [row.licence for row in done.fetched] == ["CC0", "CC0", "not told"]


def test_a_ledger_is_a_list_of_addresses(ask, site, tmp_path):
    first = ask("ygoprodeck", "Pharaoh's Servant", "nothing")
    ledger = (tmp_path / "refs" / "sources.csv").rename(tmp_path / "sources.csv")
    again = ask("csv", urls=str(ledger), out=str(tmp_path / "copy"))
    assert not again.problems
    for row, copy in zip(first.fetched, again.fetched, strict=True):
        assert (row.file, row.sha256, row.licence) == (copy.file, copy.sha256, copy.licence)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a,b\n1,2\n", "expected the columns `name` and `url`, found a, b"),
        ("", "found none"),
        ("name,url\nBolt,\n", r"urls.csv:2: expected a name and an address"),
        ('name,url\n"Bolt,x', "is no CSV file"),
        (None, "There is no list of addresses"),
    ],
)
def test_mistakes_in_a_list_of_addresses(ask, tmp_path, text, problem):
    file = str(tmp_path / "absent.csv") if text is None else listed(tmp_path, text)
    with pytest.raises(AutolabelError, match=problem):
        ask("csv", urls=file)


def test_other_formats_become_png(ask, site, tmp_path):
    site.answers["/a"] = Reply(picture(1, "GIF"))
    done = ask("csv", urls=listed(tmp_path, f"name,url\nNut,{site.url}/a\n"))
    content = (tmp_path / "refs" / "nut.png").read_bytes()
    assert done.fetched[0].file == "nut.png" and content.startswith(b"\x89PNG")
