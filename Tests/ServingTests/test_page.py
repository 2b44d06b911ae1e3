"""The page that `rwsan serve` has at /, in headless Chromium, with the real server, a small model and a picture.

Skipped, with the reason, where Chromium, its driver or selenium are missing: scripts/setup --server-tests brings them.
"""

import shutil
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from served import FIXTURES, Served  # noqa: E402

try:
    from selenium import webdriver
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait
except ImportError:
    webdriver = None

PICTURE = FIXTURES / "hub" / "pictures" / "a_landscape.png"

missing = [
    what
    for what, is_there in [
        ("selenium", webdriver), ("chromium", shutil.which("chromium")), ("chromedriver", shutil.which("chromedriver")),
    ]
    if not is_there
]


def browser(width=1200, height=1000):
    options = webdriver.ChromeOptions()
    for argument in ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", f"--window-size={width},{height}"]:
        options.add_argument(argument)
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))


@unittest.skipIf(missing, f"missing: {', '.join(missing)}")
class PageTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Served().__enter__()
        cls.addClassCleanup(cls.server.__exit__, None, None, None)
        cls.browser = browser()

    @classmethod
    def tearDownClass(cls):
        cls.browser.quit()

    def setUp(self):
        self.browser.get_log("browser")  # what an earlier test has left there is gone then
        self.browser.get(self.server.address + "/")

    def at(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def texts(self, selector):
        """The texts at one moment, however soon the page puts others in their place."""
        return self.browser.execute_script(
            "return [...document.querySelectorAll(arguments[0])].map((one) => one.innerText)", selector)

    def wait(self, condition, seconds=60):
        return WebDriverWait(self.browser, seconds, 0.1).until(lambda _: condition())

    def ask(self, question="what colour is the cat?", picture=PICTURE):
        self.at("#question").send_keys(question)
        if picture:
            self.at("#file").send_keys(str(picture))
        else:
            self.at("#ask").click()

    def answered(self):
        self.wait(lambda: self.at("#result").is_displayed() and not self.at("#status").text)
        return self.at("#answer").text

    def problem(self):
        self.wait(lambda: self.at("#problem").is_displayed())
        return self.at("#problem").text

    def test_a_picture_and_a_question_give_answers_and_where_the_model_looked(self):
        self.ask()
        answer = self.answered()
        self.assertTrue(answer)
        self.assertEqual(len(self.all("#answers li")), 5)
        self.assertEqual(self.at("#answers li span").text, answer)
        self.assertGreater(len(self.all("#regions rect")), 3)
        self.assertEqual(self.texts("#words span")[:3], ["what", "colour", "is"])
        picture, regions = self.at("#picture").rect, self.at("#regions").rect
        self.assertAlmostEqual(picture["width"], regions["width"], delta=1)
        self.assertAlmostEqual(picture["x"], regions["x"], delta=1)

    def test_a_region_is_named_where_the_keyboard_reaches_it(self):
        self.ask()
        self.answered()
        self.browser.execute_script("arguments[0].focus()", self.at("#top-regions button"))
        self.wait(lambda: self.at("#region-name").is_displayed())
        self.assertTrue(self.at("#region-name").text.startswith(self.at("#top-regions button").text))
        self.assertEqual(len(self.all("#regions rect.on")), 1)

    def test_the_other_explanation_comes_without_the_picture_being_sent_again(self):
        self.ask()
        self.answered()
        before = self.texts("#top-regions li")
        self.browser.execute_script(
            "window.sent = []; const plain = fetch; window.fetch = (url, options) => {"
            " sent.push([...(options?.body?.keys() ?? [])]); return plain(url, options); }")
        self.at("input[value=occlusion]").click()
        self.wait(lambda: self.texts("#top-regions li") != before)
        self.answered()
        sent = self.browser.execute_script("return sent")
        self.assertEqual(len(sent), 1)
        self.assertIn("pictureId", sent[0])
        self.assertNotIn("picture", sent[0])

    def test_a_link_brings_a_question_back_with_its_picture(self):
        self.ask("how many dogs?")
        answer = self.answered()
        link = self.at("#link").get_attribute("href")
        self.browser.get("about:blank")
        self.browser.get(link)
        self.assertEqual(self.answered(), answer)
        self.assertEqual(self.at("#question").get_attribute("value"), "how many dogs?")
        self.assertIn("The picture", self.at("#picture").get_attribute("aria-label"))

    def test_a_sample_is_asked_about_by_keyboard_alone(self):
        sample = self.at("[data-sample]")
        self.browser.execute_script("arguments[0].focus()", sample)
        sample.send_keys(Keys.ENTER)
        self.wait(lambda: self.browser.switch_to.active_element.get_attribute("id") == "question")
        self.browser.switch_to.active_element.send_keys("what shape is this?", Keys.ENTER)
        self.assertTrue(self.answered())

    def test_without_a_picture_or_a_question_the_page_says_what_is_missing(self):
        self.ask(picture=None)
        self.assertIn("Choose a picture first", self.problem())
        self.browser.get(self.server.address + "/")
        self.at("#file").send_keys(str(PICTURE))
        self.at("#ask").click()
        self.assertIn("Type a question first", self.problem())

    def test_what_is_no_picture_is_told_and_the_next_picture_is_answered(self):
        with tempfile.TemporaryDirectory() as folder:
            other = Path(folder) / "notes.png"
            other.write_text("no picture")
            self.ask(picture=other)
            self.assertIn("The picture cannot be read", self.problem())
        self.at("#file").send_keys(str(PICTURE))
        self.assertTrue(self.answered())
        self.assertFalse(self.at("#problem").is_displayed())

    def test_a_server_that_was_stopped_meanwhile_is_told(self):
        with Served() as server:
            self.browser.get(server.address + "/")
            self.ask()
            self.answered()
        self.at("#ask").click()
        self.assertIn("The server does not answer", self.problem())

    def test_everything_that_takes_input_has_a_name(self):
        unnamed = self.browser.execute_script(
            "return [...document.querySelectorAll('input, button, select, textarea')]"
            ".filter((one) => !(one.labels?.length || one.textContent.trim() || one.ariaLabel)).map((one) => one.outerHTML)")
        self.assertEqual(unnamed, [])

    def test_text_has_contrast_in_light_and_dark(self):
        for scheme in ["light", "dark"]:
            self.browser.execute_cdp_cmd(
                "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
            for text, ground in [
                ("ink", "paper"), ("ink", "field"), ("quiet", "paper"), ("problem", "paper"), ("accent", "paper"),
                ("on-accent", "accent"),
            ]:
                with self.subTest(scheme=scheme, text=text, ground=ground):
                    self.assertGreaterEqual(self.contrast(text, ground), 4.5)
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})

    def contrast(self, first, second):
        """The contrast of two of the page's colours, by WCAG 2.2."""
        def luminance(name):
            color = self.browser.execute_script(
                "return getComputedStyle(document.documentElement).getPropertyValue(arguments[0])", f"--{name}")
            parts = [int(color.strip()[i:i + 2], 16) / 255 for i in (1, 3, 5)]
            linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
            return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        low, high = sorted([luminance(first), luminance(second)])
        return (high + 0.05) / (low + 0.05)

    def test_a_telephone_shows_it_without_scrolling_sideways(self):
        self.browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True})
        try:
            self.ask()
            self.answered()
            self.assertLessEqual(self.browser.execute_script("return document.documentElement.scrollWidth"), 360)
        finally:
            self.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    def test_nothing_is_fetched_from_elsewhere(self):
        self.ask()
        self.answered()
        addresses = self.browser.execute_script(
            "return performance.getEntriesByType('resource').map((one) => one.name)")
        elsewhere = [one for one in addresses if not one.startswith((self.server.address, "data:", "blob:"))]
        self.assertEqual(elsewhere, [])
        self.assertEqual(self.browser.get_log("browser"), [])


if __name__ == "__main__":
    unittest.main()
