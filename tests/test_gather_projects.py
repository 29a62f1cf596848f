"""What is to be gathered, as a person writes it; the ledger of a folder; what the page says."""

import csv
import re
from pathlib import Path

import pytest

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.identify.gather.project import Gathering, Query, read_gathering
from autolabel_core.identify.gather.site_registry import SITES
from autolabel_core.identify.gather.sources_csv import Sources
from autolabel_core.storage.buckets.folder_bucket import FolderBucket
from autolabel_core.storage.buckets.sources_csv import COLUMNS, FILE, PictureSource


@pytest.fixture
def refs(tmp_path):
    folder = tmp_path / "refs"
    folder.mkdir()
    return folder


@pytest.mark.parametrize(
    "text", ["a,b\r\n1,2\r\n", ",".join(COLUMNS) + "\r\nx\r\n", '"\n', "\xff\n"]
)
def test_a_ledger_of_somebody_else_is_left_alone(refs, text):
    (refs / FILE).write_bytes(text.encode("latin-1"))
    with pytest.raises(AutolabelError, match="is not as `gather` writes it"):
        Sources(refs)
    assert (refs / FILE).read_bytes() == text.encode("latin-1")


def test_a_ledger_is_no_object_of_a_bucket_and_another_file_of_its_name_is(refs):
    with Sources(refs) as sources:
        sources.add(PictureSource("a.jpg", "A"))
    (refs / "a.jpg").write_bytes(b"a")
    assert [listed.key for listed in FolderBucket(refs).list()] == ["a.jpg"]
    assert FolderBucket(refs).version(FILE) is None
    (refs / FILE).write_text("title,url\nA paper,https://example.org\n")
    assert {listed.key for listed in FolderBucket(refs).list()} == {"a.jpg", FILE}


def test_a_ledger_holds_whatever_a_site_tells(refs):
    odd = PictureSource(
        "a.jpg", "A", attribution='=HYPERLINK("x")\r\n,"b"', site="s", query="-q", licence="é"
    )
    with Sources(refs) as sources:
        sources.add(odd)
    with Sources(refs) as sources:
        assert sources.rows[0].attribution == '=HYPERLINK("x") ,"b"'
        assert sources.rows[0].query == "-q"
    with (refs / FILE).open(encoding="utf-8", newline="") as handle:
        assert next(csv.DictReader(handle))["attribution"].startswith(" =")


@pytest.mark.parametrize(
    ("yaml", "problem"),
    [
        (
            "{site: scryfal, out: x}",
            r"p.yaml:1: site \(found `scryfal`\).*Did you mean \"scryfall\"",
        ),
        ("{site: scryfall}", "p.yaml:1: out: is required"),
        ("{site: scryfall, out: x, quries: [a]}", "quries.*unknown key. Did you mean `queries`"),
        ("{site: scryfall, out: x, queries: [{label: a}]}", r"queries.0.query: is required"),
        ("{site: scryfall, out: x, max_per_query: 0}", "max_per_query .*expected at least 1"),
        (
            "{site: tmdb, out: x, parameters: {api_key: s3cret}}",
            "parameters.api_key: remove it; keys come from the environment: .*TMDB_API_KEY",
        ),
        ("[]", "expected a mapping such as `{site: ygoprodeck"),
    ],
)
def test_mistakes_in_a_project_name_file_key_and_cure(tmp_path, yaml, problem):
    file = tmp_path / "p.yaml"
    file.write_text(yaml)
    with pytest.raises(AutolabelError, match=problem) as caught:
        read_gathering(file)
    assert "s3cret" not in str(caught.value)


def test_the_words_of_a_project(tmp_path):
    file = tmp_path / "p.yaml"
    file.write_text("{project_name: a, source: tmdb, data_root: pictures, query_file: /n.txt}")
    project = read_gathering(file)
    assert (project.name, project.site) == ("a", "tmdb")
    assert (project.out, project.query_file) == (str(tmp_path / "pictures"), "/n.txt")


@pytest.mark.parametrize(
    ("arguments", "status", "problem"),
    [
        (("--site", "scryfall", "--query", "x"), 2, "Name a --project"),
        (("--project", "x.yaml", "--site", "scryfall"), 2, "Name a --project, or else"),
        (("--site", "scryfall", "--out", "refs"), 1, "There is no query"),
        (("--site", "scryfal", "--out", "refs"), 2, "'scryfal' is not one of"),
        (("--site", "csv", "--out", "refs"), 1, "--urls"),
        (("--site", "scryfall", "--out", "refs", "--query-file", "n.txt"), 1, "no file of queries"),
        (("--project", "absent.yaml"), 1, "absent.yaml: cannot be read"),
    ],
)
def test_mistakes_are_told_in_a_line(run, arguments, status, problem):
    found, _, err = run("identify", "gather", *arguments)
    assert (found, problem in err) == (status, True) and "Traceback" not in err


def test_the_documentation_names_every_site_key_and_column():
    page = (Path(__file__).parent.parent / "docs" / "identify.md").read_text(encoding="utf-8")
    section = page.partition("## Gather\n")[2].partition("\n## ")[0]
    words = {*SITES, *Gathering.model_fields, *Gathering.aliases, *Query.model_fields}
    words |= {site.key_variable for site in SITES.values()} - {""}
    for word in words:
        assert re.search(rf"\b{word}\b", section), word
    for name, site in SITES.items():
        assert re.search(rf"\| `{name}` .*\| {site.delay_s:g}\b[^|]*\|$", section, re.M), name


def test_the_example_in_the_documentation_loads(tmp_path):
    page = (Path(__file__).parent.parent / "docs" / "identify.md").read_text(encoding="utf-8")
    (tmp_path / "cards.yaml").write_text(re.search(r"```yaml\n(site: .*?)```", page, re.S)[1])
    project = read_gathering(tmp_path / "cards.yaml")
    assert [query.label for query in project.asked()] == ["", "The Servant"]
