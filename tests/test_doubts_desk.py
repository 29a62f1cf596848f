"""The page of doubtful labels in a real browser."""

from support.live_pages import IN_CHROMIUM, chromium
from test_desk import BLUES, COLOURS, REDS, keep, page_of, serving, wait_for

from autolabel_core.labelling.give_labels import GivenLabel, give_labels
from autolabel_core.ledger import Ledger

pytestmark = IN_CHROMIUM
WRONG = {"red_03.png": "blue", "blue_05.png": "red", "red_09.png": "blue"}


def test_a_person_sees_the_evidence_and_decides_by_keys(home, bring_up_to_date):
    home.declare("colours", COLOURS)
    home.put("colours", {**REDS, **BLUES})
    bring_up_to_date(home.workspace, "colours")
    labels = {key: key.split("_")[0] for key in (*REDS, *BLUES)} | WRONG
    given = [GivenLabel(key, label) for key, label in labels.items()]
    give_labels(home.workspace.open("colours"), given, "ann", "cli")
    bring_up_to_date(home.workspace, "colours")
    ledger = Ledger(home.paths.ledger_url)
    with serving(home) as desk, chromium() as browser:
        address = desk.removesuffix("/desk/")
        with page_of(browser, address) as tab:
            tab.click("nav >> text=Doubts")
            tab.wait_for_selector(".evidence .contradicts img")
            first = tab.text_content(".key")
            assert first in WRONG
            assert tab.locator(".evidence figure").count() == 5
            keep(tab, "doubts")
            tab.keyboard.press("Enter")
            wait_for(lambda: len(ledger.doubt_decisions("colours")) == 1)
            (changed,) = ledger.doubt_decisions("colours")
            assert (changed.key, changed.decision) == (first, "change")
            assert changed.new_label == first.split("_")[0]
            wait_for(lambda: tab.text_content(".key") != first)
            tab.keyboard.press("s")
            wait_for(lambda: tab.text_content(".key") in set(WRONG) - {first})
            tab.keyboard.press("k")
            wait_for(lambda: len(ledger.doubt_decisions("colours")) == 2)
            assert ledger.doubt_decisions("colours")[1].decision == "keep"
