"""A real browser in the size of a phone, driven over the Chrome DevTools Protocol."""

from __future__ import annotations

import base64
import contextlib
import json
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.parts import need


class Page:
    """A page in a browser.

    Args:
        connection: To the page's DevTools.
    """

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._number = 0

    def open(self, url: str) -> None:
        """Go to `url` and wait until it is there with its scripts."""
        self.call("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'")

    def evaluate(self, script: str) -> Any:
        """The value of a script's last expression."""
        return self.call("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def wait_for(self, condition: str) -> None:
        """Wait until the script says true."""
        deadline = time.monotonic() + 60
        while self.evaluate(condition) is not True:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{condition}: {self.evaluate('document.body.innerText')}")
            time.sleep(0.1)

    def choose(self, selector: str, file: Path) -> None:
        """Choose a file in a file input, as its user would."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", files=[str(file)], nodeId=node)

    def screenshot(self, file: Path) -> None:
        """A picture of what is to be seen."""
        file.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def call(self, method: str, **params: object) -> dict[str, Any]:
        """One DevTools command and its result."""
        self._number += 1
        self._connection.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while True:
            answer = json.loads(self._connection.recv(timeout=60))
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]


@contextlib.contextmanager
def phone(profile: Path, port: int, *, script: bool = True) -> Iterator[Page]:
    """A phone's browser with nothing in it; `script` off as some users have it."""
    command = [
        need("chromium"),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--window-size=390,844",
        f"--user-data-dir={profile}",
        f"--remote-debugging-port={port}",
        "about:blank",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            pages = _when_there(f"http://127.0.0.1:{port}/json/list")
            address = next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page")
            with connect(address, max_size=None) as connection:
                page = Page(connection)
                metrics = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
                page.call("Emulation.setDeviceMetricsOverride", **metrics)
                page.call("Emulation.setScriptExecutionDisabled", value=not script)
                yield page
        finally:
            process.terminate()


def _when_there(url: str, fetch: Callable[..., Any] = urllib.request.urlopen) -> Any:
    deadline = time.monotonic() + 60
    while True:
        try:
            with fetch(url, timeout=5) as answer:
                pages = json.load(answer)
                if pages:
                    return pages
        except OSError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.1)
