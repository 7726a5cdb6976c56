# SPDX-License-Identifier: MIT OR Apache-2.0
"""A headless Chromium, driven through its driver (W3C WebDriver) with the standard library alone."""
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from served import until

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
SKIP = 77


def needed():
    """Ends the test, loudly, where there is no browser."""
    missing = [name for name in ("chromium", "chromedriver") if not shutil.which(name)]
    if missing:
        print(f"Skipped: {' and '.join(missing)} not installed: no browser has seen the page. "
              "`scripts/setup.sh --page` installs them.")
        sys.exit(SKIP)


class Browser:
    """One window."""

    def __init__(self, width=1280, height=900, dark=False):
        self.profile = tempfile.mkdtemp(prefix="tj-chromium-")
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL, text=True)
        for line in self.driver.stdout:
            if "started successfully on port" in line:
                self.base = f"http://127.0.0.1:{int(line.split('port')[1].strip(' .' + chr(10)))}"
                break
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     f"--user-data-dir={self.profile}", f"--window-size={width},{height}",
                     "--hide-scrollbars", "--force-prefers-reduced-motion"]
        if dark:
            arguments.append("--force-dark-mode")
        wanted = {"browserName": "chrome", "goog:loggingPrefs": {"browser": "ALL"},
                  "goog:chromeOptions": {"args": arguments}}
        self.base += "/session"
        made = self.call("POST", "", {"capabilities": {"alwaysMatch": wanted}})
        self.base += "/" + made["sessionId"]
        self.devtools("Emulation.setDeviceMetricsOverride",
                      {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.call("DELETE", "")
        except OSError:
            pass
        self.driver.terminate()
        self.driver.communicate()
        shutil.rmtree(self.profile, ignore_errors=True)

    def call(self, method, path, body=None):
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as failed:
            raise AssertionError(json.load(failed)["value"]["message"]) from None

    def open(self, url):
        self.call("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def devtools(self, command, parameters):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def find(self, selector):
        return self.call("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def text(self, selector):
        return self.run("return document.querySelector(arguments[0]).textContent", selector)

    def click(self, selector):
        self.call("POST", f"/element/{self.find(selector)}/click", {})

    def write(self, selector, text):
        self.call("POST", f"/element/{self.find(selector)}/value", {"text": text})

    def keys(self, keys):
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def drag(self, selector, first, last):
        """From one part of an element's width to another."""
        box = self.run("const b = document.querySelector(arguments[0]).getBoundingClientRect();"
                       "return [b.left, b.top, b.width, b.height]", selector)
        moves = [{"type": "pointerMove", "duration": 50, "x": int(box[0] + box[2] * part), "y": int(box[1] + box[3] / 2)}
                 for part in (first, (first + last) / 2, last)]
        actions = [moves[0], {"type": "pointerDown", "button": 0}, *moves[1:], {"type": "pointerUp", "button": 0}]
        self.call("POST", "/actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": actions}]})

    def waits(self, script, *arguments):
        """Until a script gives something true."""
        try:
            return until(lambda: self.run(script, *arguments))
        except AssertionError as failed:
            says = self.run("return [document.body.innerText.slice(0, 1500), JSON.stringify(refreshing), "
                            "document.body.dataset.shown, document.hidden, events?.readyState, "
                            "...performance.getEntriesByType('resource').slice(-8).map((e) => "
                            "`${e.name} ${e.startTime} ${e.duration} ${e.responseStatus}`)]")
            raise AssertionError(f"waited in vain: {script} {arguments}; the page: {says}") from failed

    def shown(self, view):
        """Until a view has been filled."""
        self.waits("return (document.body.dataset.shown || '').startsWith(arguments[0])"
                   " && document.querySelector('#pulse').textContent !== 'connecting'", view)

    def complaints(self):
        """What the browser has to say: errors of scripts, and what the policy refused."""
        return [entry["message"] for entry in self.call("POST", "/se/log", {"type": "browser"})
                if entry["level"] == "SEVERE"]

    def screenshot(self, file):
        Path(file).write_bytes(base64.b64decode(self.call("GET", "/screenshot")))


def pictures():
    """Where screenshots go, when they are wanted."""
    return os.environ.get("TJ_SCREENSHOTS")
