# SPDX-License-Identifier: Apache-2.0
"""The example of the JSON API, with somebody who opens its link in a browser."""

import html
import os
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar, DefaultCookiePolicy

import pytest

from house import TREE


def browse(house, url):
    """What a person does: opens the link, presses CONNECT, consents."""
    # As browsers do, it takes loopback to be as good as https for a cookie that is `Secure`.
    jar = CookieJar(DefaultCookiePolicy(secure_protocols=("http", "https")))
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))

    def press(page, address, **added):
        action = re.search(r'<form[^>]*action="([^"]*)"', page)
        target = urllib.parse.urljoin(address, html.unescape(action[1]) if action else "")
        fields = dict(re.findall(r'<input[^>]*name="([^"]*)"[^>]*value="([^"]*)"', page))
        form = {name: html.unescape(value) for name, value in fields.items()} | added
        request = urllib.request.Request(target, urllib.parse.urlencode(form).encode())
        request.add_header("Sec-Fetch-Site", "same-origin")
        request.add_header("Sec-Fetch-Mode", "navigate")
        request.add_header("Origin", urllib.parse.urljoin(address, "/").rstrip("/"))
        return browser.open(request, timeout=30)

    first = browser.open(url, timeout=30)
    second = press(first.read().decode(), first.url)
    return press(second.read().decode(), second.url, decision="approve", user="ada")


def test_the_example_connects_reads_reports_and_disconnects(house):
    program = TREE / "Examples" / "json_api.py"
    assert len(program.read_text().splitlines()) <= 25
    example = subprocess.Popen(
        [sys.executable, program, "demo"], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "TOKENVAULT_API": house.api,
             "TOKENVAULT_KEY_FILE": str(house.key_file)})
    try:
        url = example.stdout.readline().split()[1]
        browse(house, url)
        rest, _ = example.communicate(timeout=60)
    finally:
        example.kill()
        example.wait()
    assert example.returncode == 0
    assert re.search(r"^a token until \d{4}-", rest, re.M), rest
    assert "it is green" in rest and "revoked: revoked" in rest
    with pytest.raises(urllib.error.HTTPError) as gone:
        house.ask("GET", "/v1/connections/customer-7%2Fanna")
    assert gone.value.code == 404
