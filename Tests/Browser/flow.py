# SPDX-License-Identifier: Apache-2.0
"""Walks through the flow in headless Chromium and prints what it saw, as one line of JSON.

usage: flow.py SITE SCREENSHOTS LINK...

SITE is the front's address, SCREENSHOTS a directory, and each LINK is opened in a browser of its
own: the first is approved and its callback tried in a second browser, the second is denied, any
further one is approved.
"""

import json
import sys

from playwright.sync_api import sync_playwright

SITE, SCREENSHOTS, LINKS = sys.argv[1], sys.argv[2], sys.argv[3:]
COOKIE = "__Host-tokenvault-flow"
NARROW = {"width": 390, "height": 700}
WIDE = {"width": 1100, "height": 720}


def walk(browser, link, decision, complaints):
    """Opens a link, decides at the provider, and tells where that ended."""
    context = browser.new_context(viewport=WIDE)
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    callbacks = []
    page.on(
        "request",
        lambda request: "/callback/" in request.url and callbacks.append(request.url))
    page.goto(link)
    page.get_by_role("button", name="Connect").click()
    page.get_by_role("button", name=decision).click()
    page.wait_for_url(lambda url: "/completed" in url or "/failed/" in url)
    cookies = [cookie for cookie in context.cookies(page.url) if cookie["name"] == COOKIE]
    return context, page, callbacks, {
        "url": page.url,
        "title": page.title(),
        "heading": page.get_by_role("heading").inner_text(),
        "cookie": {name: cookies[0][name] for name in ("secure", "httpOnly", "sameSite", "path")}
        if cookies else None,
        "card": page.locator("main").evaluate("(card) => getComputedStyle(card).borderRadius"),
    }


def pictures(browser):
    """Every kind of page, in light and dark, wide and narrow."""
    for scheme in ("light", "dark"):
        for size, viewport in (("wide", WIDE), ("narrow", NARROW)):
            context = browser.new_context(viewport=viewport, color_scheme=scheme)
            page = context.new_page()
            for name in ("completed", "failed/callbackRejected", "failed/applicationMisconfigured"):
                page.goto(f"{SITE}/{name}")
                page.screenshot(path=f"{SCREENSHOTS}/{name.split('/')[-1]}-{scheme}-{size}.png")
            page.goto(LINKS[0])
            page.screenshot(path=f"{SCREENSHOTS}/connect-{scheme}-{size}.png")
            context.close()


with sync_playwright() as playwright:
    browser = playwright.chromium.launch(
        executable_path="/usr/bin/chromium", args=["--no-sandbox"])
    seen = {"complaints": []}
    seen["approved"], seen["others"] = None, []
    # Looking at a link uses nothing up.
    pictures(browser)
    for number, link in enumerate(LINKS):
        decision = "Deny" if number == 1 else "Approve"
        context, page, callbacks, result = walk(browser, link, decision, seen["complaints"])
        if number == 0:
            seen["approved"] = result
            # Somebody else, with the callback's whole URL in hand.
            stranger = browser.new_context().new_page()
            stranger.goto(callbacks[0])
            seen["stranger"] = stranger.url
            # And the same browser once more.
            page.goto(callbacks[0])
            seen["replayed"] = page.url
        elif number == 1:
            seen["denied"] = result
        else:
            seen["others"].append(result)
        context.close()
    browser.close()
print(json.dumps(seen))
