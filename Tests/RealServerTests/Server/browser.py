# SPDX-License-Identifier: Apache-2.0
"""A user at a browser: logs in, and approves or denies what an application asks for.

    browser.py FOLDER approve|deny < authorization-URL

FOLDER holds registration.json and ca.pem. Prints one JSON object: the status of the last answer
and the Location that it sends the browser to, which is not followed; null where there is none.
"""

import html.parser
import http.cookiejar
import json
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

SECONDS_MAX = 30


class Form(html.parser.HTMLParser):
    """The named inputs of a page."""

    def __init__(self, page):
        super().__init__()
        self.fields = {}
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        field = dict(attributes)
        if tag == "input" and field.get("name"):
            self.fields[field["name"]] = field.get("value", "")


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
        """Loads a page, or submits a form as the page that is shown."""
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

    def follow(self):
        """Goes where the last answer points."""
        self.open(urllib.parse.urljoin(self.url, self.location))

    def submit(self, **fields):
        """Fills in the form of the page and sends it to the page's own address."""
        self.open(self.url, Form(self.page).fields | fields)


def main(folder, choice):
    """Goes through login and consent."""
    registration = json.loads((folder / "registration.json").read_text())
    browser = Browser(folder / "ca.pem")
    browser.open(sys.stdin.read().strip())
    if browser.status == 302 and urllib.parse.urlsplit(browser.location).path == "/login/":
        browser.follow()
        browser.submit(username=registration["user"], password=registration["password"])
        browser.follow()
    fields = Form(browser.page).fields
    if browser.status == 200 and "allow" in fields:
        # A click on one button sends that button and not the other.
        del fields["allow"]
        browser.open(browser.url, fields | ({"allow": "Authorize"} if choice == "approve" else {}))
    json.dump({"status": browser.status, "location": browser.location}, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
