"""Saying, promising and bringing files in a real browser, with scripts and without."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from aseanpm.models import Comment, Document
from tests import make
from tests.browser.conftest import COLOURS

pytestmark = pytest.mark.django_db

PAGE = "/projects/P-3QS4A/"


@pytest.fixture(params=[True, False], ids=["scripts", "no scripts"])
def scripts(request):
    return request.param


def test_somebody_is_called_by_keyboard_alone_and_finds_it(sit, scripts):
    page = sit(PAGE, scripts=scripts)
    linh = sit("/", "Linh Tran", scripts)
    words = f"@Linh Tran, where is the report? {scripts}"

    page.get_by_text("Add a comment").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type(words)
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Add the comment")
    page.keyboard.press("Enter")

    expect(page.locator(".talk-comments")).to_contain_text(words)
    linh.goto("/queue/?kind=mention")
    linh.get_by_text(words).locator("..").get_by_role("link", name="Go there").click()
    number = Comment.objects.get(text=words).history.earliest().sequence
    expect(linh).to_have_url(f"{linh.url.partition('#')[0]}#comment-{number}")
    expect(linh.locator(f"#comment-{number}")).to_contain_text("Edith Tan")


def test_a_wrong_comment_keeps_what_was_typed(sit, scripts):
    page = sit(PAGE, scripts=scripts)

    page.get_by_text("Add a comment").click()
    page.get_by_label("Comment", exact=True).fill("Ask @Nobody about it")
    page.get_by_role("button", name="Add the comment").click()

    expect(page.locator(":focus")).to_contain_text("There is 1 problem")
    box = page.get_by_label("Comment", exact=True)
    expect(box).to_have_value("Ask @Nobody about it")
    box.fill("Ask somebody about it")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".talk-comments")).to_contain_text("Ask somebody about it")


@pytest.mark.parametrize("address", [PAGE, "/lines/IAI-IV-07/", "/meetings/IAI-TF-68/"])
def test_a_comment_begun_is_not_left_without_a_question(sit, address):
    page = sit(address)
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.get_by_text("Add a comment").click()
    page.get_by_label("Comment", exact=True).fill("Half a thought")

    page.get_by_role("link", name="Home", exact=True).first.click()

    expect(page.get_by_label("Comment", exact=True)).to_have_value("Half a thought")
    assert asked == ["beforeunload"]


def test_adding_a_comment_asks_about_an_action_point_begun_beside_it(sit):
    page = sit(PAGE)
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.get_by_text("Add an action point").click()
    page.get_by_label("What is to be done").fill("Half a promise")
    page.get_by_text("Add a comment").click()
    page.get_by_label("Comment", exact=True).fill("A whole thought")

    page.get_by_role("button", name="Add the comment").click()

    expect(page.get_by_label("What is to be done")).to_have_value("Half a promise")
    assert asked == ["beforeunload"]


def test_a_promise_is_made_kept_and_taken_back(sit, scripts):
    page = sit("/meetings/IAI-TF-68/", scripts=scripts)
    promise = f"Send the report {scripts}"

    page.get_by_text("Add an action point").click()
    page.get_by_label("What is to be done").fill(promise)
    page.get_by_label("By whom").select_option(label="Edith Tan")
    page.get_by_label("By when").fill("2022-12-01")
    page.get_by_role("button", name="Add the action point").click()
    point = page.locator(".talk-points li", has_text=promise)
    expect(point).to_contain_text("overdue since 1 December 2022")
    point.get_by_role("button", name="Done").click()
    expect(point).to_contain_text("done on")
    page.get_by_role("button", name="Undo").click()

    expect(point).to_contain_text("overdue since 1 December 2022")
    page.goto("/queue/?kind=action")
    expect(page.get_by_text(promise)).to_be_visible()


def test_files_are_brought_and_a_wrong_one_is_told_at_once(sit, scripts):
    page = sit(PAGE, scripts=scripts)
    good = {"name": "Báo cáo.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"}
    bad = {"name": "b.pdf", "mimeType": "application/pdf", "buffer": b"MZ\x90\x00"}

    page.get_by_text("Add documents").click()
    page.get_by_label("Files").set_input_files([good, bad])
    page.get_by_role("button", name="Upload").click()
    expect(page.locator(":focus")).to_contain_text("does not hold what its name says")
    assert not Document.objects.filter(file_name="b.pdf").exists()
    page.get_by_label("Files").set_input_files([good])
    page.get_by_label("Title").fill(f"The report {scripts}")
    page.get_by_role("button", name="Upload").click()

    link = page.get_by_role("link", name=f"The report {scripts}", exact=True)
    expect(link).to_be_visible()
    expect(page.get_by_text("Uploaded: Báo cáo.pdf")).to_be_visible()
    with page.expect_download() as download:
        link.click()
    assert download.value.suggested_filename == "Báo cáo.pdf"
    assert download.value.path().read_bytes() == b"%PDF-1.7"


def test_an_upload_shows_how_far_it_is_and_can_be_stopped(sit):
    page = sit(PAGE)
    network = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1}
    network.send(
        "Network.emulateNetworkConditions", slow | {"uploadThroughput": 100_000}
    )

    page.get_by_text("Add documents").click()
    file = {"name": "slow.pdf", "mimeType": "application/pdf"}
    page.get_by_label("Files").set_input_files(
        [file | {"buffer": b"%PDF-" + b"x" * 2_000_000}]
    )
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("progressbar", name="Uploaded")).to_be_visible()
    page.get_by_role("button", name="Stop").click()

    expect(page.get_by_text("Stopped. Nothing is saved.")).to_be_visible()
    expect(page.get_by_role("button", name="Upload")).to_be_enabled()
    assert not Document.objects.filter(file_name="slow.pdf").exists()


def test_two_that_look_like_one_are_told_apart(sit, scripts):
    for _ in range(2):
        make.project(title=f"Two batches {scripts}", plan=False, status="concept")
    page = sit("/queue/?kind=duplicate", scripts=scripts)

    item = page.locator(".waits li", has_text=f"Two batches {scripts}")
    item.get_by_role("link", name="Compare").click()
    page.get_by_label("They are two projects").check()
    page.get_by_label("Reason").fill("Two batches of one course")
    page.get_by_role("button", name="Save").click()

    expect(page).to_have_url(f"{page.url.partition('/queue')[0]}/queue/?kind=duplicate")
    expect(item).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(item).to_have_count(1)


@pytest.mark.parametrize("colours", COLOURS)
@pytest.mark.parametrize(
    "path",
    ["/queue/", "/queue/?illustrative=on&kind=print", PAGE, f"{PAGE}documents/new/"],
)
def test_everybody_can_read_and_use_it(sit, path, colours):
    size = {"width": 360, "height": 800}
    page = sit(path, color_scheme=colours, viewport=size)
    page.evaluate("document.querySelectorAll('details').forEach((d) => d.open = true)")

    assert page.evaluate("document.documentElement.scrollWidth") == 360
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
    found = Axe().run(page, options=rules).response["violations"]
    assert [one["id"] for one in found] == []
