# SPDX-License-Identifier: Apache-2.0
"""A user at a browser: logs in, and does what the pages ask for.

    browser.py FOLDER approve|deny < URL, where an application or a device sends the user
    browser.py FOLDER withdraw < URL of the server: ends what was consented to last

FOLDER holds registration.json and ca.pem. Prints one JSON object: the status of the last answer
and the Location that it sends the browser to, which is not followed; null where there is none.
"""

import html.parser
import http.cookiejar
import json
import re
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

SECONDS_MAX = 30
# More than any of these ways is long.
PAGES_MAX = 12


class Form(html.parser.HTMLParser):
    """What a page lets its reader send: the named inputs, and the named buttons apart."""

    def __init__(self, page):
        super().__init__()
        self.fields, self.buttons, self.links = {}, {}, []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        field = dict(attributes)
        name, value = field.get("name"), field.get("value") or ""
        if tag == "a" and field.get("href"):
            self.links.append(field["href"])
        elif tag == "button" or tag == "input" and field.get("type") == "submit":
            self.buttons[name, value] = True
        elif tag == "input" and name:
            self.fields[name] = value


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Leaves it to the browser where to go."""

    def redirect_request(self, *_):
        return None


class Browser:
    """One window and its cookies."""

    def __init__(self, authority):
        self.opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=authority)),
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
            NoRedirect(),
        )
        self.url = None
        self.status = None
        self.location = None
        self.page = ""

    def open(self, url, fields=None):
        """Loads a page, or submits a form as the page that is shown; goes where the server leads
        within itself."""
        for _ in range(PAGES_MAX):
            data = None if fields is None else urllib.parse.urlencode(fields).encode()
            request = urllib.request.Request(url, data)
            if self.url:
                request.add_header("Referer", self.url)
            try:
                answer = self.opener.open(request, timeout=SECONDS_MAX)
            except urllib.error.HTTPError as error:
                answer = error
            with answer:
                self.page = answer.read().decode()
                self.status = answer.status
                self.location = answer.headers.get("Location")
            self.url = url
            if self.location is None:
                return
            url, fields = urllib.parse.urljoin(url, self.location), None
            if urllib.parse.urlsplit(url)[:2] != urllib.parse.urlsplit(self.url)[:2]:
                return
        raise RuntimeError(f"led around in circles, at last to {url}")

    def press(self, button=None, **fields):
        """Fills in the form of the page and sends it to the page's own address. A click on one
        button sends that button and no other."""
        pressed = {} if button is None else {button[0]: button[1]}
        self.open(self.url, Form(self.page).fields | fields | pressed)


def go(browser, registration, url, choice):
    """Through login and what comes behind it."""
    if choice == "withdraw":
        url = urllib.parse.urljoin(url, "/grants/")
    browser.open(url)
    if "password" in Form(browser.page).fields:
        browser.press(username=registration["user"], password=registration["password"])
    if choice == "withdraw":
        links = [link for link in Form(browser.page).links if link.endswith("/delete/")]
        last = max(links, key=lambda link: int(re.search(r"\d+", link)[0]))
        browser.open(urllib.parse.urljoin(browser.url, last))
        browser.press()
        return
    if browser.status == 200 and "user_code" in Form(browser.page).fields:
        if not decisions(browser):
            # A page of its own asks for the code first.
            browser.press()
    buttons = decisions(browser)
    if browser.status == 200 and buttons:
        browser.press(buttons[choice])


def decisions(browser):
    """The buttons of a page that asks for consent. Whoever is not given one to deny with sends the
    form without one."""
    names = {
        ("allow", "Authorize"): "approve",
        ("deny", "Deny"): "deny",
        ("action", "accept"): "approve",
        ("action", "deny"): "deny",
    }
    buttons = {names[button]: button for button in Form(browser.page).buttons if button in names}
    return {"deny": None} | buttons if "approve" in buttons else {}


def main(folder, choice):
    """Goes, and says where it ended."""
    registration = json.loads((folder / "registration.json").read_text())
    browser = Browser(folder / "ca.pem")
    go(browser, registration, sys.stdin.read().strip(), choice)
    json.dump({"status": browser.status, "location": browser.location}, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
