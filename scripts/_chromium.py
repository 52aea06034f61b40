"""One page in a headless Chromium, driven over chromedriver's HTTP."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Optional, Type

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--window-size=1000,800",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def missing() -> Optional[str]:
    """What is not installed, or ``None``."""
    for names in (("chromium", "chromium-browser", "google-chrome"), ("chromedriver",)):
        if not any(shutil.which(name) for name in names):
            return names[0]
    return None


class Page:
    """A browser of its own, with one page; ends with the block."""

    def __init__(self, profile: Path) -> None:
        names = ("chromium", "chromium-browser", "google-chrome")
        self._binary = next(found for found in map(shutil.which, names) if found)
        self._profile = profile

    def __enter__(self) -> Page:
        self._driver = subprocess.Popen(
            ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self._driver.stdout is not None
        for line in self._driver.stdout:
            if b"started successfully on port" in line:
                port = int(line.split()[-1].strip(b"."))
                break
        else:
            raise OSError("chromedriver did not start")
        self._base = f"http://127.0.0.1:{port}/session"
        options = {"binary": self._binary, "args": [*FLAGS, f"--user-data-dir={self._profile}"]}
        wanted = {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}}
        self._base += "/" + self._ask("POST", "", wanted)["sessionId"]
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        try:
            self._ask("DELETE", "")
        finally:
            self._driver.terminate()
            self._driver.wait(20)

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        data = json.dumps({} if body is None else body).encode() if method == "POST" else None
        request = urllib.request.Request(self._base + path, data=data, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=120) as answer:
            return json.load(answer)["value"]

    def go(self, url: str) -> None:
        """Open ``url``."""
        self._ask("POST", "/url", {"url": url})

    def run(self, script: str) -> Any:
        """What the script's body returns."""
        return self._ask("POST", "/execute/sync", {"script": script, "args": []})

    def wait(self, script: str, seconds: float) -> Any:
        """What the script returns as soon as it is true; TimeoutError after ``seconds``."""
        end = time.monotonic() + seconds
        while True:
            found = self.run(script)
            if found:
                return found
            if time.monotonic() > end:
                raise TimeoutError(f"after {seconds:g} s still not: {script}")
            time.sleep(0.1)

    def picture(self, path: Path) -> None:
        """The page as it looks, PNG."""
        path.write_bytes(base64.b64decode(self._ask("GET", "/screenshot")))
