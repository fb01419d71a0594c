"""The report in a real browser: opened from disk, without a network."""

import os
from pathlib import Path

import pytest

from pipeline.core import paths
from pipeline.report.params import ReportParams
from tests.support import reports
from tests.support.browser import Opened, chromium

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.slow]

CLASSES = ("cat", "dog", "<b>emu</b>")


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    before = Path.cwd()
    folder = tmp_path_factory.mktemp("report")
    os.chdir(folder)
    try:
        reports.make(classes=CLASSES, shape=(6, 5, 3), n=90, wrong=7)
        reports.write_pages()
    finally:
        os.chdir(before)
    return folder / paths.metrics(reports.RUN) / "report.html"


@pytest.fixture(scope="module")
def opened(browser, path):
    return Opened(browser, path)


@pytest.fixture(autouse=True)
def nothing_is_said_or_asked_for(opened):
    yield
    opened.quiet()


def test_every_chart_is_drawn(opened):
    charts = opened.page.locator("[data-chart]")
    names = charts.evaluate_all("all => all.map(one => one.dataset.chart)")
    assert names == [
        "loss", "accuracy", "confusion", "scores", "precision-recall", "calibration",
        "confidences", "counts",
    ]  # fmt: skip
    for name in names:
        box = opened.page.locator(f'[data-chart="{name}"] svg').bounding_box()
        assert box["width"] > 200
        assert box["height"] > 50


def test_curves_are_toggled(opened):
    lines = opened.marks("loss", "line")
    assert lines.count() == 2
    opened.page.locator('#training input[value="train"]').uncheck()
    opened.page.wait_for_function("views.loss.signal('shown').length === 1")
    assert lines.count() == 1
    assert opened.marks("accuracy", "line").count() == 1
    opened.page.locator('#training input[value="train"]').check()
    opened.page.wait_for_function("views.loss.signal('shown').length === 2")
    assert lines.count() == 2


def test_a_curve_is_read_off_under_the_pointer(opened):
    chart = opened.page.locator('[data-chart="loss"] svg')
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    opened.page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 0.4 * box["height"])
    tip = opened.page.locator("#vg-tooltip-element.visible")
    tip.wait_for()
    assert tip.inner_text().split() == ["epoch", "2", "train", "0.5000", "validation", "0.4000"]
    opened.page.mouse.move(0, 0)


def test_a_click_on_a_cell_shows_the_images_behind_it(opened):
    """45 test images, of classes in turn; the first seven are taken for the next class."""
    assert opened.text("#cell").startswith("cat, taken for dog: 3 of 15 test images (20.0%).")
    cells = opened.marks("confusion", "rect")
    cells.nth(1 * 3 + 2).click(force=True)  # dog taken for emu; on the number that stands in it
    opened.page.wait_for_function("document.getElementById('actual').value === '1'")
    assert opened.text("#cell") == (
        "dog, taken for <b>emu</b>: 2 of 15 test images (13.3%). The most certain first."
    )
    tiles = opened.page.locator("#behind > li")
    assert tiles.locator(".id").all_inner_texts() == ["004", "001"]
    assert tiles.first.locator(".predicted").inner_text() == "<b>emu</b>"
    assert tiles.first.locator("img").evaluate("one => one.naturalWidth") == 5
    assert opened.page.evaluate("views.confusion.signal('chosen').predicted") == "<b>emu</b>"


def test_a_cell_is_chosen_by_keyboard_and_by_the_table(opened):
    opened.page.locator("#actual").focus()
    opened.page.keyboard.press("Home")
    opened.page.locator("#predicted").focus()
    opened.page.keyboard.press("Home")
    opened.page.keyboard.press("c")
    assert opened.text("#cell").startswith("cat, recognized: 12 of 15 test images (80.0%).")
    assert opened.page.locator("#behind > li").count() == reports.SMALL.images_per_cell
    button = opened.page.get_by_role("button", name="Show images of cat taken for dog")
    button.focus()
    opened.page.keyboard.press("Enter")
    assert opened.text("#cell").startswith("cat, taken for dog: 3 of 15")


def test_the_matrix_has_counts_and_rates(opened):
    texts = opened.page.locator('[data-chart="confusion"] .mark-text.role-mark text')
    assert texts.all_text_contents() == ["12", "3", "0", "0", "13", "2", "2", "0", "13"]
    opened.page.locator('#confusion input[value="recall"]').check()
    opened.page.wait_for_function("views.confusion.signal('measure') === 'recall'")
    assert texts.all_text_contents()[:3] == ["80%", "20%", "0%"]
    opened.page.locator('#confusion input[value="precision"]').check()
    opened.page.wait_for_function("views.confusion.signal('measure') === 'precision'")
    assert texts.all_text_contents()[:3] == ["86%", "19%", "0%"]


def test_bars_and_table_sort(opened):
    labels = opened.page.locator('[data-chart="scores"] .role-axis-label text')
    select = opened.page.locator('[data-signal="order"]')

    def order():
        """From the top down; the order in the document is another."""
        placed = labels.evaluate_all(
            "all => all.map(one => [one.getBoundingClientRect().top, one.textContent])"
        )
        return [text for _, text in sorted(placed) if "%" not in text]

    assert order() == list(CLASSES)
    select.select_option("alphabet")
    opened.page.wait_for_function("views.scores.signal('order') === 'alphabet'")
    assert order() == ["<b>emu</b>", "cat", "dog"]
    select.select_option("f1")
    opened.page.wait_for_function("views.scores.signal('order') === 'f1'")
    assert order() == ["cat", "dog", "<b>emu</b>"]
    names = opened.page.locator("#classes tbody th")
    button = opened.page.locator("#classes").get_by_role("button", name="Class")
    button.click()
    assert names.all_inner_texts() == ["<b>emu</b>", "cat", "dog"]
    button.press("Enter")
    assert names.all_inner_texts() == ["dog", "cat", "<b>emu</b>"]
    header = opened.page.locator("#classes thead th").nth(1)
    assert header.get_attribute("aria-sort") == "descending"


def test_the_slider_chooses_whose_values_the_matrix_has(opened):
    """Image ``row`` has the value ``row`` everywhere; the first 45 rows are for the test."""
    values = opened.page.locator("#matrix-values td")
    assert opened.text("#matrix-name") == "cat (045)"
    assert set(values.all_inner_texts()) - {""} == {"45"}
    slider = opened.page.locator("#matrix-image")
    slider.focus()
    opened.page.keyboard.press("ArrowRight")
    assert opened.text("#matrix-name") == "dog (046)"
    assert slider.get_attribute("aria-valuetext") == "dog (046)"
    assert set(values.all_inner_texts()) - {""} == {"46"}
    assert values.last.evaluate("cell => cell.style.backgroundColor") == "rgb(46, 46, 46)"
    assert values.count() == 6 * 5 + 1  # and the corner
    opened.page.locator('input[name="channel"][value="2"]').check()
    assert set(values.all_inner_texts()) - {""} == {"46"}


def test_the_slider_chooses_what_the_first_layer_sees(opened):
    responses = opened.page.locator(".response")
    assert responses.count() == 4
    before = responses.evaluate_all("all => all.map(one => one.src)")
    opened.page.locator("#filter-image").focus()
    opened.page.keyboard.press("End")
    assert opened.text("#filter-name") == "<b>emu</b> (047)"
    after = responses.evaluate_all("all => all.map(one => one.src)")
    assert before != after
    assert set(responses.evaluate_all("all => all.map(one => one.naturalWidth)")) == {5}


def test_names_are_text_everywhere(opened):
    assert opened.page.locator("b").count() == 0


@pytest.mark.parametrize("width", [1200, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_a_reader_out(opened, scheme, width):
    opened.page.emulate_media(color_scheme=scheme)
    opened.page.set_viewport_size({"width": width, "height": 800})
    opened.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert opened.faults() == []
    assert opened.page.evaluate("document.documentElement.scrollWidth") == width
    paper = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 27)"}[scheme]


@pytest.fixture(scope="module")
def phone(browser, tmp_path_factory):
    """The report of ten classes on a phone, opened at a link to one of its sections."""
    before = Path.cwd()
    folder = tmp_path_factory.mktemp("phone")
    os.chdir(folder)
    try:
        reports.make(classes=tuple(f"class {n}" for n in range(10)), shape=(28, 28, 1), n=400)
        reports.write(ReportParams(dpi=50))
    finally:
        os.chdir(before)
    path = folder / paths.metrics(reports.RUN) / "report.html"
    return Opened(browser, path, viewport={"width": 390, "height": 800})


def test_on_a_phone_the_page_is_short_and_its_sections_unfold(phone):
    assert phone.page.evaluate("document.documentElement.scrollHeight") <= 8000
    assert phone.page.evaluate("document.documentElement.scrollWidth") == 390
    assert phone.faults() == []
    scores = phone.page.locator('[data-chart="scores"]')
    assert not scores.is_visible()
    phone.page.locator('nav a[href="#classes"]').click()
    scores.wait_for()
    phone.page.wait_for_function(
        "document.querySelector('[data-chart=\"scores\"] svg').getBoundingClientRect().width > 250"
    )
    phone.page.locator("#network summary").click()
    assert "multiplications" in phone.text("#network")
    phone.quiet()


def test_on_a_phone_a_buttons_column_is_in_view_beside_long_names(phone):
    button = phone.page.locator("td.action button").first
    phone.page.evaluate(
        "document.querySelectorAll('td.action').forEach(cell => "
        "cell.parentElement.firstElementChild.append(' abcdefghijklmnopqrstuvwxyz'))"
    )
    button.scroll_into_view_if_needed()
    table = phone.page.locator('[aria-label="Most frequent confusions"]')
    table.evaluate("element => { element.scrollLeft = 0; }")
    assert table.evaluate("element => element.scrollWidth > element.clientWidth")
    place = button.bounding_box()
    assert place["x"] + place["width"] <= 390


def test_a_class_is_chosen_whose_precision_and_recall_are_marked(opened):
    lines = opened.marks("precision-recall", "line")
    assert lines.count() == len(CLASSES) + 1
    select = opened.page.locator('[data-charts="precision-recall"]')
    select.select_option("cat")
    opened.page.wait_for_function("views['precision-recall'].signal('chosen') === 'cat'")
    before = lines.last.get_attribute("d")
    select.select_option("<b>emu</b>")
    opened.page.wait_for_function("views['precision-recall'].signal('chosen') === '<b>emu</b>'")
    assert lines.last.get_attribute("d") != before


def test_it_prints_in_ink_without_controls(opened):
    opened.page.emulate_media(media="print", color_scheme="dark")
    paper = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == "rgb(255, 255, 255)"
    assert not opened.page.locator(".controls").first.is_visible()
    assert len(opened.page.pdf()) > 10_000
    opened.page.emulate_media(media="screen")


def test_without_javascript_tables_and_galleries_are_there(browser, path):
    context = browser.new_context(offline=True, java_script_enabled=False)
    page = context.new_page()
    page.goto(path.as_uri())
    assert "The charts need JavaScript" in page.locator("noscript").text_content()
    assert page.locator("#mistakes .gallery img").first.is_visible()
    assert page.locator("#classes tbody tr").count() == len(CLASSES)
    context.close()


@pytest.mark.slow
def test_classes_that_javascript_has_a_meaning_for_are_drawn_as_any_other(
    browser, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    odd = ("__proto__", "constructor", "toString", "</script><script>alert(1)</script>", "[a].b")
    reports.make(classes=odd, shape=(6, 5, 3), n=90, wrong=7)
    reports.write()
    page = Opened(browser, tmp_path / paths.metrics(reports.RUN) / "report.html")
    for chart in ("confusion", "scores", "counts"):
        labels = page.page.locator(f'[data-chart="{chart}"] svg .mark-text text')
        shown = {label.strip() for label in labels.all_text_contents()}
        assert {"__proto__", "constructor", "toString"} <= shown
    page.quiet()
