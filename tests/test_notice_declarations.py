"""`webhooks:` and `alerts:` in YAML: every form of them loads, and what is wrong names its cure."""

import pytest
import yaml

from autolabel_core.declarations import load_collections
from autolabel_core.declarations.alert import parse_trigger
from autolabel_core.foundation.errors import DeclarationError

UNLABELLED = """\
retrievers:
  - retriever_name: unlabelled
    stages:
      - {stage_id: attribute_filter, parameters: {field: label, operator: exists, value: false}}
  - retriever_name: of_kind
    stages:
      - stage_id: attribute_filter
        parameters: {field: label, operator: eq, value: "{{INPUT.kind}}"}
"""


def load(folder, text):
    (folder / "c.yaml").write_text(UNLABELLED + text, encoding="utf-8")
    return load_collections(folder)["c"]


def test_every_form_of_a_webhook_means_the_same(tmp_path):
    forms = [
        "{webhook_name: w, events: [object.created], url: 'https://example.com/hook'}",
        "{name: w, event_types: [object.created], channels: [{channel: webhook, "
        "configs: {url: 'https://example.com/hook', method: POST}}]}",
        "{name: w, events: [object.created], channels: [{channel_type: webhook, "
        "config: {url: 'https://example.com/hook'}}]}",
        "{name: w, events: [object.created], configs: {url: 'https://example.com/hook'}}",
    ]
    found = [load(tmp_path, f"webhooks: [{form}]").webhooks for form in forms]
    assert all(one == found[0] for one in found)
    assert found[0][0].channels[0].timeout_seconds == 10.0


def test_what_stands_in_the_webhook_holds_for_its_channels(tmp_path):
    text = (
        "webhooks: [{name: w, secret_env: KEY, channels: "
        "[{url: 'https://a.example/'}, {url: 'https://b.example/', secret_env: OTHER}]}]"
    )
    channels = load(tmp_path, text).webhooks[0].channels
    assert [c.secret_env for c in channels] == ["KEY", "OTHER"]


def test_event_types_may_be_left_out_or_be_of_a_kind(tmp_path):
    hooks = "{name: a, url: 'https://a.example/'}, {name: b, url_env: U, events: [object.*]}"
    text = f"webhooks: [{hooks}]"
    every, objects = load(tmp_path, text).webhooks
    assert len(every.events) == 13
    assert objects.events == ("object.created", "object.updated", "object.deleted")


def test_every_form_of_an_alert_means_the_same(tmp_path):
    forms = [
        "{name: a, retriever: unlabelled, channels: [{channel: slack, url_env: SLACK}]}",
        "{name: a, source: retriever, retriever_id: ret_unlabelled, trigger_on: results, "
        "notification_config: {channels: [{channel_type: slack, config: {url_env: SLACK}}]}}",
    ]
    found = [load(tmp_path, f"alerts: [{form}]").alerts for form in forms]
    assert found[0] == found[1]
    assert found[0][0].cool_down_minutes == 60


@pytest.mark.parametrize(
    ("text", "operator", "limit"),
    [
        ("results", ">=", 1),
        ("count >= 5", ">=", 5),
        ("count > 5", ">", 5),
        ("count rises by 10", "rises by", 10),
        ("< 0.6", "<", 0.6),
        ("<60%", "<", 0.6),
    ],
)
def test_triggers_are_read(text, operator, limit):
    trigger = parse_trigger(text)
    assert (trigger.operator, trigger.limit) == (operator, limit)


@pytest.mark.parametrize(
    "text", ["", "result", "count", "count >= -1", "0.6", "< x", "count rises"]
)
def test_what_is_no_trigger_is_none(text):
    assert parse_trigger(text) is None


HOOK = "webhooks: [{name: w, url: 'https://e.example/', %s}]"
ALERT = "alerts: [{name: a, %s}]"
WRONG = [
    (HOOK % "events: [object.create]", 'Did you mean "object.created"'),
    (HOOK % "secret: whsec_x", "Did you mean `secret_env`"),
    (HOOK % "secret_env: whsec_abc+/=", "the secret itself never stands"),
    (HOOK % "timeout_seconds: 60", "at most 15"),
    (HOOK % "allow_private: 'yes'", "true or false"),
    (HOOK % "headers: {Authorization: Bearer x}", "headers_env"),
    (HOOK % "headers: {Webhook-Id: x}", "no header of yours"),
    (HOOK % 'headers: {X-A: "a\\r\\nX-B: b"}', "line break"),
    ("webhooks: [{name: w, url: 'ftp://e.example/'}]", "https://host"),
    ("webhooks: [{name: w, url: 'https://u:p@e.example/'}]", "holds a password"),
    ("webhooks: [{name: w, url: 'https://e.example:x/'}]", "is no URL"),
    ("webhooks: [{name: w}]", "channels: is required"),
    ("webhooks: [{name: w, channels: [{method: POST}]}]", "one of `url` and `url_env`"),
    ("webhooks: [{name: w/x, url: 'https://e.example/'}]", "use 1 to 60 letters"),
    ("webhooks: [{name: w, url_env: A}, {name: W, url_env: B}]", "stands here twice"),
    (
        "webhooks: [{name: w, channel: slack, url: 'https://hooks.slack.com/services/T/B/x'}]",
        "is a secret",
    ),
    ("webhooks: [{name: w, channel: email, url: 'mailtos://u:p@e.example'}]", "holds a password"),
    (ALERT % "retriever: unlabeled", "Did you mean `unlabelled`"),
    (ALERT % "retriever: of_kind", "needs kind"),
    (ALERT % "description: x", "name the retriever"),
    (ALERT % "retriever: unlabelled, trigger_on: often", "count rises by 10"),
    (ALERT % "retriever: unlabelled, trigger_on: '< 0.5'", "a retriever is counted"),
    (ALERT % "metric: coverage", "is compared"),
    (ALERT % "metric: covrage, trigger_on: '< 0.5'", "Did you mean `coverage`"),
    (ALERT % "metric: coverage, trigger_on: 'count >= 1'", "is compared"),
    (ALERT % "metric: confidence_drift, trigger_on: '> 0.5'", "p-value"),
    (ALERT % "metric: run_failures, group_by: metadata.x", "no group"),
    (ALERT % "metric: coverage, trigger_on: '< 0.5', group_by: camera", "`metadata.camera`"),
    (ALERT % "metric: coverage, trigger_on: '< 0.5', window_hours: 3.0", "run_failures"),
    (ALERT % "retriever: unlabelled, cool_down_minutes: -1", "at least 0"),
    ("alerts: [{name: a, retriever: unlabelled}, {name: a, retriever: unlabelled}]", "twice"),
    (ALERT % "retriever: unlabelled, notification_config: {chanels: []}", "expected {channels"),
]


@pytest.mark.parametrize(("text", "cure"), WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_refused_with_line_and_cure(tmp_path, text, cure):
    yaml.safe_load(text)
    with pytest.raises(DeclarationError) as caught:
        load(tmp_path, text)
    assert cure in str(caught.value)
    assert "c.yaml:9: " in str(caught.value)
    assert "whsec_" not in str(caught.value) and "u:p" not in str(caught.value)
