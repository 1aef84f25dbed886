# SPDX-License-Identifier: ISC
"""browser.py - a headless Chromium that does what people do: opens, reads labels, clicks, fills in, looks.

It can reach nothing but this machine. Whatever the browser complains about (a script's error, a file that cannot be
loaded, a breach of the Content-Security-Policy) fails the test that is running, unless the test said that it expects
just that."""
import base64
import contextlib
import os
import re
import shutil
import tempfile

from selenium import webdriver
from selenium.common import exceptions
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys  # noqa: F401 for tests
from selenium.webdriver.support.ui import Select

from . import base

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--no-proxy-server",
         "--disable-extensions", "--disable-search-engine-choice-screen", "--force-color-profile=srgb", "--hide-scrollbars",
         "--password-store=basic", "--ignore-certificate-errors",
         "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1"]
AXE = os.path.join(base.TOP, "build", "web", "node_modules", "axe-core", "axe.min.js")
DESK, PHONE = (1280, 900), (390, 844)


def _quoted(text):
    """A string of XPath, which knows no escapes."""
    if "'" not in text:
        return "'%s'" % text
    return "concat(%s)" % ", \"'\", ".join("'%s'" % piece for piece in text.split("'"))


def _has_text(text):
    return "[normalize-space(.)=%s]" % _quoted(text)


class Browser:
    def __init__(self, folder=None):
        self.folder = folder or tempfile.mkdtemp(prefix="stoa-browser-")
        self.downloads = os.path.join(self.folder, "downloads")
        os.makedirs(self.downloads, exist_ok=True)
        options = Options()
        for flag in FLAGS + ["--user-data-dir=" + os.path.join(self.folder, "profile")]:
            options.add_argument(flag)
        options.binary_location = shutil.which("chromium") or "/usr/bin/chromium"
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        options.set_capability("unhandledPromptBehavior", "ignore")
        options.add_experimental_option("prefs", {
            "download.default_directory": self.downloads, "credentials_enable_service": False,
            "profile.password_manager_leak_detection": False})
        # whoever runs this may have no home
        env = dict(os.environ, HOME=self.folder, XDG_CONFIG_HOME=self.folder, XDG_CACHE_HOME=self.folder)
        driver = shutil.which("chromedriver") or "/usr/bin/chromedriver"
        self.driver = webdriver.Chrome(service=Service(driver, env=env), options=options)
        self.driver.set_page_load_timeout(base.WAIT)
        self.driver.set_script_timeout(base.WAIT)
        self.complaints, self.expected = [], []
        self.look()

    def close(self):
        self.driver.quit()
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- what the browser says --
    def listen(self):
        """Takes over what was complained about since the last time."""
        self.complaints += [e for e in self.driver.get_log("browser") if e["level"] in ("SEVERE", "WARNING")]

    def check(self):
        """Fails on any complaint that was not expected."""
        self.listen()
        left = [e["message"] for e in self.complaints if not any(re.search(p, e["message"]) for p in self.expected)]
        self.complaints = []
        assert not left, "the browser complains:\n" + "\n".join(left)

    @contextlib.contextmanager
    def expects(self, pattern):
        """Within it complaints that fit the expression are meant to be, and there must be one."""
        self.check()
        yield
        base.wait_for(lambda: self.listen() or [e for e in self.complaints if re.search(pattern, e["message"])],
                      "a complaint like " + pattern)
        self.complaints = [e for e in self.complaints if not re.search(pattern, e["message"])]
        self.check()

    def reset(self):
        """As new: no cookies, a desk's size, a light room, scripts run."""
        self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
        self.driver.get("about:blank")
        self.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
        self.driver.execute_cdp_cmd("Network.clearBrowserCache", {})
        self.look()
        self.driver.get_log("browser")
        self.complaints, self.expected = [], []

    # -- how it is looked at --
    def look(self, size=DESK, dark=False):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size[0] < 600})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
                         {"name": "prefers-reduced-motion", "value": "reduce"}]})

    @contextlib.contextmanager
    def without_script(self):
        self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        yield
        self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})

    def screenshot(self, path, size=DESK, dark=False):
        """The whole page as a PNG; the browser then looks as before: desk, light."""
        self.look(size, dark)
        most = self.js("return document.documentElement.scrollHeight")
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {
            "format": "png", "captureBeyondViewport": True,
            "clip": {"x": 0, "y": 0, "width": size[0], "height": max(most, size[1]), "scale": 1}})
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))
        self.look()

    def four_looks(self, folder, name):
        """NAME-{desk,phone}-{light,dark}.png"""
        for size, shape in ((DESK, "desk"), (PHONE, "phone")):
            for dark in (False, True):
                self.screenshot(os.path.join(folder, "%s-%s-%s.png" % (name, shape, "dark" if dark else "light")), size, dark)

    def fits(self, size=PHONE):
        """Nothing is wider than the window: only what scrolls in its own box may be."""
        self.look(size)
        wide = self.js("return document.documentElement.scrollWidth")
        self.look()
        assert wide <= size[0], "the page is %d pixels wide on a screen of %d" % (wide, size[0])

    # -- going somewhere --
    def open(self, url):
        self.driver.get(url)
        self.listen()

    @property
    def url(self):
        return self.driver.current_url

    @property
    def title(self):
        return self.driver.title

    @contextlib.contextmanager
    def goes(self):
        """What is done within it leads to another page; afterwards that page is there."""
        old = self.driver.find_element(By.TAG_NAME, "html")
        yield

        def gone():
            try:
                old.is_enabled()
                return False
            except (exceptions.StaleElementReferenceException, exceptions.NoSuchElementException):
                return True
            except exceptions.WebDriverException as error:  # between two documents
                return "does not belong to the document" in str(error) or "detached" in str(error)

        base.wait_for(gone, "another page than " + self.url)
        base.wait_for(lambda: self.js("return document.readyState") == "complete", "the whole page")
        self.listen()

    # -- finding things as people do --
    def js(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def css(self, selector):
        """The first that fits, or None."""
        found = self.driver.find_elements(By.CSS_SELECTOR, selector)
        return found[0] if found else None

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector="body"):
        """What can be read there; waits until there is such an element."""
        return self.wait(lambda: self.css(selector), "element " + selector).text

    def wait(self, condition, what="the page to change"):
        def safely():
            try:
                return condition()
            except (exceptions.StaleElementReferenceException, exceptions.NoSuchElementException):
                return None
        return base.wait_for(safely, lambda: "%s\n%s: %s" % (what, self.url, self.js("return document.body.innerText")[:2000]))

    def wait_text(self, text, selector="body"):
        return self.wait(lambda: any(text in e.text for e in self.all(selector)), "text %r in %s" % (text, selector))

    def _first(self, paths, what):
        def look():
            for path in paths:
                shown = [e for e in self.driver.find_elements(By.XPATH, path) if e.is_displayed()]
                if shown:
                    return shown[0]
            return None
        return self.wait(look, what)

    def link(self, text):
        return self._first(["//a" + _has_text(text), "//a[contains(normalize-space(.), %s)]" % _quoted(text)], "link %r" % text)

    def button(self, text):
        return self._first(["//button" + _has_text(text), "//input[@type='submit'][@value=%s]" % _quoted(text),
                            "//summary" + _has_text(text)], "button %r" % text)

    def click(self, text):
        """A button, else a link."""
        self._first(["//button" + _has_text(text), "//summary" + _has_text(text), "//a" + _has_text(text),
                     "//label" + _has_text(text), "//a[contains(normalize-space(.), %s)]" % _quoted(text)], "something to click: %r" % text).click()

    def go(self, text):
        """Clicks what leads to another page."""
        with self.goes():
            self.click(text)

    def field(self, label):
        """The control with that label; what a label says besides (hints, "may be empty") does not count."""
        def look():
            for element in self.driver.find_elements(By.XPATH, "//label[starts-with(normalize-space(.), %s)]" % _quoted(label)):
                words = self.js("return [...arguments[0].childNodes].filter(n => n.nodeType === 3 || !n.matches("
                                "'.optional, .hint, input, select, textarea')).map(n => n.textContent).join('').trim()", element)
                if words != label and element.text.strip() != label:
                    continue
                control = self.js("return arguments[0].control", element)
                if control is not None:
                    return control
            return None
        return self.wait(look, "a field labelled %r" % label)

    def fill(self, label, value):
        """Text into a text field; True or False for a checkbox; the text, or a list of them, of options; a path of a file."""
        control = self.field(label)
        kind = (control.get_attribute("type") or "").lower()
        if control.tag_name == "select":
            chosen = Select(control)
            if chosen.is_multiple:
                chosen.deselect_all()
            for one in [value] if isinstance(value, str) else value:
                chosen.select_by_visible_text(one)
        elif kind in ("checkbox", "radio"):
            if control.is_selected() != bool(value):
                control.click()
        elif kind == "file":
            control.send_keys(value)
        else:
            control.clear()
            control.send_keys(value)

    def has(self, text):
        return text in self.text()

    def focused(self):
        return self.driver.switch_to.active_element

    def downloaded(self, name):
        """The content of a file that was downloaded whole."""
        path = os.path.join(self.downloads, name)
        base.wait_for(lambda: os.path.exists(path) and not os.path.exists(path + ".crdownload"), "download of " + name)
        with open(path, "rb") as file:
            return file.read()

    def cookies(self):
        return {c["name"]: c for c in self.driver.execute_cdp_cmd("Network.getAllCookies", {})["cookies"]}

    # -- for those who do not see it --
    def axe(self, looks=((DESK, False), (PHONE, True))):
        """No serious or critical fault, on a desk in the light and on a phone in the dark."""
        if not os.path.exists(AXE):
            raise base.Failed("axe-core is missing: run ./dev check behave once")
        with open(AXE) as file:
            source = file.read()
        for size, dark in looks:
            self.look(size, dark)
            self.js(source + ";0")
            found = self.driver.execute_async_script(
                "const done = arguments[arguments.length - 1];"
                "axe.run(document, {resultTypes: ['violations']}).then(r => done({faults: r.violations}), e => done({error: String(e)}))")
            assert "error" not in found, found
            bad = ["%s (%s): %s\n    %s" % (f["id"], f["impact"], f["help"], "\n    ".join(
                n["html"][:300] + "\n      " + (n["failureSummary"] or "").replace("\n", "\n      ") for n in f["nodes"][:5]))
                for f in found["faults"] if f["impact"] in ("serious", "critical")]
            assert not bad, "axe finds at %s, %s:\n%s" % (size, "dark" if dark else "light", "\n".join(bad))
        self.look()

    def inspect(self, axe=True):
        """What holds for each page: nothing too wide, no fault that axe finds, no complaint, nothing foreign, a title, one h1."""
        self.fits()
        self.fits((320, 700))
        assert len(self.all("h1")) == 1, "%d h1 on %s" % (len(self.all("h1")), self.url)
        assert self.title.strip(), "no title"
        self.check_assets()
        if axe:
            self.axe()
        self.check()

    def check_assets(self):
        """R30: whatever the page loads is ours, and what is kept for ever has its digest in its name."""
        origin = self.js("return location.origin")
        named = self.js("return [...document.querySelectorAll('script, link[rel~=stylesheet], link[rel~=icon], img, iframe, object, "
                        "embed, source, video, audio, use')].map(e => e.src || e.href || e.data).filter(a => a)")
        loaded = self.js("return performance.getEntriesByType('resource').map(e => e.name)")
        inline = self.js("return document.querySelectorAll('script:not([src]), style, [style]').length")
        handlers = self.js("return [...document.querySelectorAll('*')].flatMap(e => [...e.attributes]).filter("
                           "a => a.name.startsWith('on')).map(a => a.name)")
        for address in named + loaded:
            assert address.startswith(origin + "/"), "%s on %s" % (address, self.url)
        for address in named:
            assert re.search(r"[.-][0-9a-f]{16,}\.[a-z]+$", address), "%s has no digest in its name" % address
        assert not inline and not handlers, "inline: %s %s" % (inline, handlers)
