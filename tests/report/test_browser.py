"""The page in a real browser: quiet, offline, fitting, and in the reader's colours."""

import os
import shutil

import pytest
from report import fixtures

from isthmus.report import style
from isthmus.report.html import render

pytestmark = pytest.mark.browser

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
WIDTHS = (1280, 390)
SCHEMES = ("light", "dark")
PLOTS = ["figure-spectrum", "figure-limits", "figure-reached"]
FILLED = [*PLOTS, "figure-gap"]
LOOK = """(id) => {
  const full = document.getElementById(id)._fullLayout;
  return [full.paper_bgcolor, full.plot_bgcolor, full.font.color];
}"""
DRAWN = """(ids) => ids.every((id) => {
  const plot = document.getElementById(id);
  return plot && plot._fullLayout && plot.querySelector(".main-svg");
})"""
LOOKS = {
    "light": [style.WHITE, style.WHITE, style.TEXT],
    "dark": [style.DARK[style.WHITE], style.DARK[style.WHITE], style.DARK[style.TEXT]],
}


@pytest.fixture(scope="module")
def browser():
    path = shutil.which("chromium")
    if path is None:
        if os.environ.get("ISTHMUS_REQUIRE_BROWSER") == "1":
            pytest.fail("chromium not found, and ISTHMUS_REQUIRE_BROWSER=1")
        pytest.skip("chromium not found")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "index.html"
    long = "a-very-long-file-name-without-a-single-space-in-it-" * 3
    analysis = fixtures.analysis(
        data=fixtures.facts(name=long + "<script>alert(1)</script>")
    )
    path.write_text(render(analysis), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """Pages in which every part is filled: of images, and of plain rows."""
    folder = tmp_path_factory.mktemp("filled")
    plain = fixtures.facts(sample_shape=None)
    analyses = {
        "images": fixtures.everything(),
        "rows": fixtures.everything(data=plain, examples=fixtures.examples(200)),
    }
    for name, analysis in analyses.items():
        (folder / f"{name}.html").write_text(render(analysis), encoding="utf-8")
    return {name: (folder / f"{name}.html").as_uri() for name in analyses}


@pytest.fixture
def visit(browser, address):
    """Open the page; whatever it logs or asks for fails the test at its end."""
    contexts, noise, requests, asked = [], [], [], set()

    def opened(width, scheme, other=None, plots=PLOTS):
        asked.add(other or address)
        context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: noise.append(message.text))
        page.on("pageerror", lambda error: noise.append(str(error)))
        page.on("dialog", lambda dialog: (noise.append("dialog"), dialog.dismiss()))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(other or address)
        page.wait_for_function(DRAWN, arg=plots)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert noise == []
    outside = [url for url in requests if not url.startswith(("data:", "blob:"))]
    assert set(outside) == asked


def wait(page, expression):
    """Wait until an expression is true; a bare string needs eval, which the page bans."""
    page.wait_for_function(f"() => {expression}", timeout=5000)


def overflow(page):
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_page_fits_and_wears_the_scheme(visit, width, scheme):
    page = visit(width, scheme)
    assert overflow(page) <= 0
    for folded in page.query_selector_all("summary"):
        folded.click()
    assert overflow(page) <= 0
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    red, green, blue = (int(LOOKS[scheme][0][k : k + 2], 16) for k in (1, 3, 5))
    assert background == f"rgb({red}, {green}, {blue})"
    for plot in PLOTS:
        assert page.evaluate(LOOK, plot) == LOOKS[scheme]
        box = page.locator(f"#{plot} .main-svg").first.bounding_box()
        assert 0 <= box["x"] <= box["x"] + box["width"] <= width
        assert box["width"] > 0.7 * min(width, 1100)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", ["images", "rows"])
def test_full_page_fits_and_wears_the_scheme(visit, filled, kind, width, scheme):
    plots = FILLED if kind == "images" else [*FILLED, "figure-worst"]
    page = visit(width, scheme, filled[kind], plots)
    assert overflow(page) <= 0
    for plot in plots:
        assert page.evaluate(LOOK, plot) == LOOKS[scheme]
    for picture in page.locator(".pairs img").all():
        box = picture.bounding_box()
        assert 0 <= box["x"] <= box["x"] + box["width"] <= width
        assert box["width"] > 50
    assert page.locator(".pairs li").count() == (12 if kind == "images" else 0)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_pair_stands_side_by_side_with_its_error_below(visit, filled, width):
    page = visit(width, "light", filled["images"], FILLED)
    pair = page.locator(".pairs li").first
    left, right = (pair.locator("img").nth(k).bounding_box() for k in (0, 1))
    words = pair.locator("span").bounding_box()
    assert left["y"] == right["y"]
    assert left["x"] + left["width"] <= right["x"]
    assert words["y"] >= left["y"] + left["height"]


def test_reference_is_dark_on_light_and_light_on_dark(visit):
    line = "document.getElementById('figure-limits')._fullData[0].line.color"
    page = visit(1280, "light")
    assert page.evaluate(line) == style.BLACK
    page.emulate_media(color_scheme="dark")
    wait(page, f"{line} === '{style.DARK[style.BLACK]}'")


@pytest.mark.parametrize(("first", "then"), [SCHEMES, SCHEMES[::-1]])
def test_plots_follow_a_switch_of_scheme(visit, first, then):
    page = visit(1280, first)
    page.emulate_media(color_scheme=then)
    wait(page, f"({LOOK})('{PLOTS[-1]}')[0] === '{LOOKS[then][0]}'")
    assert [page.evaluate(LOOK, plot) for plot in PLOTS] == [LOOKS[then]] * 3


@pytest.mark.parametrize("width", WIDTHS)
def test_every_link_of_the_verdict_arrives(visit, width):
    page = visit(width, "light")
    links = page.locator("#verdict a")
    assert links.count() == 4
    for k in range(links.count()):
        target = links.nth(k).get_attribute("href")
        links.nth(k).click()
        assert page.evaluate("location.hash") == target
        page.wait_for_timeout(100)
        heading = page.locator(f"{target} h2").bounding_box()
        bar = page.locator("nav").bounding_box()
        assert bar["y"] + bar["height"] <= heading["y"] < 800


def visible(page, index):
    return page.evaluate(
        "(k) => document.getElementById('figure-limits')._fullData[k].visible", index
    )


@pytest.mark.parametrize("width", WIDTHS)
def test_legend_hides_a_series_and_a_new_scheme_keeps_it_hidden(visit, width):
    page = visit(width, "light")
    toggle = page.locator("#figure-limits .legendtoggle").first
    toggle.scroll_into_view_if_needed()
    assert visible(page, 0) is True
    toggle.click()
    wait(
        page,
        "document.getElementById('figure-limits')._fullData[0].visible === 'legendonly'",
    )
    page.emulate_media(color_scheme="dark")
    wait(page, f"({LOOK})('figure-limits')[0] === '{LOOKS['dark'][0]}'")
    assert visible(page, 0) == "legendonly"


@pytest.mark.parametrize("plot", ["figure-limits", "figure-reached"])
def test_legend_stands_below_a_narrow_plot_and_above_a_wide_one(visit, plot):
    for width in WIDTHS:
        page = visit(width, "light")
        legend = page.locator(f"#{plot} .legend").bounding_box()
        area = page.locator(f"#{plot} .nsewdrag").first.bounding_box()
        title = page.locator(f"#{plot} .xtitle").bounding_box()
        frame = page.locator(f"#{plot}").bounding_box()
        if width < 600:
            assert legend["y"] >= title["y"] + title["height"]
            assert legend["x"] + legend["width"] <= frame["x"] + frame["width"]
            assert legend["y"] + legend["height"] <= frame["y"] + frame["height"] + 1
        else:
            assert legend["y"] + legend["height"] <= area["y"] + 1


def test_mode_bar_is_hidden_on_a_narrow_page_only(visit):
    for width, shown in ((390, 0), (1280, len(PLOTS))):
        page = visit(width, "light")
        page.locator("#figure-limits").hover()
        assert page.locator(".modebar-btn").count() >= shown
        assert (page.locator(".modebar-btn").count() > 0) == bool(shown)


def test_a_window_made_narrow_gets_the_narrow_plot(visit):
    page = visit(1280, "light")
    page.set_viewport_size({"width": 390, "height": 800})
    wait(page, "!document.querySelector('.modebar-btn')")
    wait(page, "document.documentElement.scrollWidth <= innerWidth")


def test_paper_is_light_and_unfolded(visit):
    page = visit(1280, "dark")
    page.emulate_media(media="print", color_scheme="dark")
    wait(page, f"({LOOK})('figure-limits')[0] === '{style.WHITE}'")
    assert len(page.pdf(format="A4")) > 50_000
    assert page.locator("details:not([open])").count() == 0
