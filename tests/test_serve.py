"""The HTTP API: reading documents, labelling them, and what it refuses."""

import io

import pytest
from PIL import Image
from support.angle_samples import NAME, declaration

from autolabel_core import Project
from autolabel_core.ledger import Ledger

COLOURS = {
    "feature_extractor": {"feature_extractor_name": "colour_extractor"},
    "taxonomy": {"field_to_enrich": "colour", "confidence_threshold": 0.9},
}
ANGLES = {"a": 0, "b": 5, "c": 90, "d": "no number"}


@pytest.fixture
def client(workspace, bring_up_to_date):
    from fastapi.testclient import TestClient

    from autolabel_app.serve.application import create_app

    opened = workspace(
        {NAME: declaration(), "colours": COLOURS},
        {NAME: ANGLES, "colours": {"red.png": (255, 0, 0), "blue.png": (0, 0, 255)}},
    )
    bring_up_to_date(opened, NAME)
    bring_up_to_date(opened, "colours")
    with TestClient(create_app(Project(opened)), base_url="http://localhost") as opened_client:
        opened_client.workspace = opened
        yield opened_client


def listed(client, **parameters):
    answer = client.get(f"/v1/collections/{NAME}/documents", params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids(client):
    return {one["key"]: one["document_id"] for one in listed(client)["results"]}


def test_collections_say_what_they_hold(client):
    answer = client.get("/v1/collections").json()
    assert [one["collection_id"] for one in answer["results"]] == [NAME, "colours"]
    assert answer["results"][0]["document_count"] == 4
    one = client.get(f"/v1/collections/{NAME}").json()
    assert (one["label_field"], one["labels"]) == ("side", [])
    assert one["declaration"]["taxonomy"]["confidence_threshold"] == 0.9
    status = client.get(f"/v1/collections/{NAME}/status").json()
    assert (status["objects"], status["quarantined"]) == (4, 1)
    assert any(not advice["passed"] for advice in status["advice"])


def test_a_collection_with_a_wrong_declaration_is_told_and_stops_no_other(client):
    folder = client.workspace.paths.collections
    wrong = (
        ("taxonmy: {}", "taxonmy"),
        ("feature_extractor: {feature_extractor_name: nowhere}", "nowhere"),
    )
    for text, said in wrong:
        (folder / "wrong.yaml").write_text(f"{text}\n")
        answer = client.get("/v1/collections").json()
        assert [one["collection_id"] for one in answer["results"]] == [NAME, "colours"]
        assert said in answer["problems"][0]
        assert client.get("/v1/collections/wrong").status_code in (404, 409)
    (folder / "wrong.yaml").unlink()
    assert client.get("/v1/collections").json()["problems"] == []


def test_a_label_is_in_the_ledger_at_once_and_reaches_the_others_by_the_next_sweep(
    client, bring_up_to_date
):
    known = ids(client)
    answer = client.patch(
        f"/v1/collections/{NAME}/documents/{known['a']}",
        json={"metadata": {"side": "right"}},
        headers={"X-Annotator": "ann"},
    )
    assert answer.json()["labelled"] == 1
    (event,) = Ledger(client.workspace.paths.ledger_url).annotations(NAME)
    assert (event.key, event.label, event.annotator, event.origin) == ("a", "right", "ann", "api")
    bring_up_to_date(client.workspace, NAME)
    found = listed(client, filter="label:eq:right", sort_by="key")["results"]
    assert [(one["key"], one["label_source"]) for one in found] == [("a", "human"), ("b", "auto")]
    assert found[1]["metadata"] == {"side": "right"}
    full = client.get(f"/v1/collections/{NAME}/documents/{known['b']}").json()
    assert full["explanation"]["because"]["key"] == "a"
    assert full["taxonomy_match"]["source_document_id"] == known["a"]


def test_labels_are_recorded_all_or_none(client):
    known = ids(client)
    labels = [{"document_id": known["a"], "label": "right"}, {"document_id": "no", "label": "up"}]
    answer = client.post(f"/v1/collections/{NAME}/labels", json={"labels": labels})
    assert answer.status_code == 404
    assert "Nothing was recorded" in answer.json()["detail"]
    assert Ledger(client.workspace.paths.ledger_url).annotations(NAME) == []
    labels[1]["document_id"] = known["c"]
    answer = client.post(f"/v1/collections/{NAME}/labels", json={"labels": labels})
    assert answer.json()["labelled"] == 2
    labels = [{"document_id": known["a"], "label": None}]
    answer = client.post(f"/v1/collections/{NAME}/labels", json={"labels": labels})
    assert answer.json()["withdrawn"] == 1


def test_pages_follow_each_other_and_filters_have_the_form_of_a_retriever(client):
    first = listed(client, limit=3, sort_by="-key")
    cursor = first["pagination"]["next_cursor"]
    rest = listed(client, limit=3, sort_by="-key", cursor=cursor)
    assert [one["key"] for one in first["results"] + rest["results"]] == ["d", "c", "b", "a"]
    assert rest["pagination"] == {"total": 4, "next_cursor": None}
    other = client.get(f"/v1/collections/{NAME}/documents", params={"cursor": cursor})
    assert (other.status_code, "another" in other.text or "same" in other.text) == (422, True)
    filters = '{"must": [{"key": "side", "match": {"operator": "eq", "value": null}}]}'
    assert listed(client, filters=filters)["pagination"]["total"] == 4
    counts = client.get(f"/v1/collections/{NAME}/analytics/field-distribution").json()
    assert counts == {
        "field": "side",
        "values": [{"value": None, "count": 4}],
        "further_values": 0,
    }


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/v1/collections/angle/documents", 404, "angles"),
        (f"/v1/collections/{NAME}/documents?filter=lable:eq:x", 404, "label"),
        (f"/v1/collections/{NAME}/documents?filters=%7B", 422, "no JSON"),
        (f"/v1/collections/{NAME}/documents?filters={'[' * 3000}", 422, "filters"),
        (f"/v1/collections/{NAME}/documents?limit=0", 422, "limit"),
        (f"/v1/collections/{NAME}/documents?filter=confidence:lt:abc", 422, "confidence"),
        (f"/v1/collections/{NAME}/documents?cursor=!!", 422, "cursor"),
        (f"/v1/collections/{NAME}/documents/doc_x", 404, "doc_x"),
        (f"/v1/collections/{NAME}/documents/doc_x/thumbnail", 404, "doc_x"),
        ("/v1/nothing", 404, "Not Found"),
    ],
)
def test_what_cannot_be_met_is_a_problem_with_its_cure(client, path, status, said):
    answer = client.get(path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert said in answer.json()["detail"]


def test_wrong_changes_name_what_was_expected(client):
    document = ids(client)["a"]
    path = f"/v1/collections/{NAME}/documents/{document}"
    for body, said in (
        ({"metadata": {"colour": "red"}}, "side"),
        ({"metadata": {"side": 3}}, "string"),
        ({"metadata": {}}, "metadata"),
        ({"label": "x"}, "label"),
        ({"metadata": {"side": "  "}}, "whitespace"),
    ):
        answer = client.patch(path, json=body)
        assert answer.status_code == 422, answer.text
        assert said in answer.json()["detail"]
    assert client.patch(path, content=b"\xff{").status_code == 422
    assert Ledger(client.workspace.paths.ledger_url).annotations(NAME) == []


def test_pictures_are_small_and_kept_by_their_content(client):
    answer = client.get("/v1/collections/colours/documents", params={"sort_by": "key"})
    blue, red = answer.json()["results"]
    path = f"/v1/collections/colours/documents/{red['document_id']}/thumbnail"
    answer = client.get(path, params={"side": "96", "content": red["content_hash"]})
    assert answer.headers["content-type"] == "image/webp"
    assert "immutable" in answer.headers["cache-control"]
    picture = Image.open(io.BytesIO(answer.content)).convert("RGB")
    assert picture.size == (96, 96), "a tiny picture grows by a whole factor"
    assert all(abs(a - b) < 12 for a, b in zip(picture.getpixel((5, 5)), (255, 0, 0), strict=True))
    other = client.get(path, params={"content": blue["content_hash"]})
    assert "immutable" not in other.headers["cache-control"], "the hash was of another document"
    content = client.get(f"/v1/collections/colours/documents/{red['document_id']}/content")
    assert content.headers["content-type"] == "image/png"
    assert "sandbox" in content.headers["content-security-policy"]


def test_texts_are_given_as_texts_and_what_is_quarantined_says_why(client):
    known = ids(client)
    text = client.get(f"/v1/collections/{NAME}/documents/{known['b']}/content")
    assert (text.text, text.headers["content-type"]) == ("5", "text/plain; charset=utf-8")
    assert client.get(f"/v1/collections/{NAME}/documents/{known['b']}/thumbnail").status_code == 404


def test_pages_of_other_origins_may_not_write(client):
    known = ids(client)
    path = f"/v1/collections/{NAME}/documents/{known['a']}"
    body = {"metadata": {"side": "right"}}
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        assert client.patch(path, json=body, headers=headers).status_code == 403
    assert client.patch(path, json=body, headers={"Host": "evil.example"}).status_code == 421
    assert Ledger(client.workspace.paths.ledger_url).annotations(NAME) == []
    own = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert client.patch(path, json=body, headers=own).status_code == 200


def test_pages_may_load_nothing_from_elsewhere(client):
    page = client.get("/desk/")
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert client.get("/", follow_redirects=False).headers["location"] == "/desk/"


def test_the_server_answers_this_machine_alone():
    from click.testing import CliRunner

    from autolabel_app.cli import root

    result = CliRunner().invoke(root, ["serve", "--host", "0.0.0.0"])
    assert result.exit_code == 1
    assert "ssh -L" in result.output


def test_verdicts_certify_a_threshold_by_http(workspace, bring_up_to_date):
    from fastapi.testclient import TestClient
    from support.angle_samples import label

    from autolabel_app.serve.application import create_app

    objects = {f"{n:03d}": n // 2 % 40 + 90 * (n % 2) for n in range(160)}
    target = {"target_precision": 0.8, "delta": 0.2}
    opened = workspace({NAME: declaration(confidence_threshold=target)}, {NAME: objects})
    bring_up_to_date(opened, NAME)
    label(opened, {f"{n:03d}": "up" if n % 2 else "right" for n in range(0, 20)})
    bring_up_to_date(opened, NAME)
    path = f"/v1/collections/{NAME}"
    with TestClient(create_app(Project(opened)), base_url="http://localhost") as client:
        (before,) = client.get(f"{path}/certification").json()["certificates"]
        assert before["state"] == "not drawn"
        for _ in range(20):
            answer = client.post(f"{path}/certification/draws", json={"limit": 10}).json()
            if answer["certificates"][0]["state"] == "certified":
                break
            verdicts = [
                {
                    "key": one["key"],
                    "label": one["label"],
                    "verdict": "right"
                    if one["label"] == ("up" if int(one["key"]) % 2 else "right")
                    else "wrong",
                }
                for one in answer["results"]
            ]
            answer = client.post(f"{path}/audits", json={"verdicts": verdicts})
            assert answer.json().get("recorded") == len(verdicts), answer.text
        (after,) = client.get(f"{path}/certification").json()["certificates"]
        assert (after["state"], after["wrong"]) == ("certified", 0)
        refused = client.post(
            f"{path}/audits",
            json={"verdicts": [{"key": "150", "label": "none such", "verdict": "right"}]},
        )
        assert refused.status_code == 422
        assert client.post(f"{path}/certification/corrections", json={}).json() == {"labelled": 0}
    bring_up_to_date(opened, NAME)
    records = Project(opened).collection(NAME).records()
    auto = [record for record in records if record["label_source"] == "auto"]
    assert len(auto) == after["documents"]
