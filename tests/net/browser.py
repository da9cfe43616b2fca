# SPDX-License-Identifier: GPL-2.0-or-later
"""A headless Chromium on a host of the lab, driven over the WebDriver protocol (W3C)."""

import http.client
import json
import shutil
import subprocess
import tempfile

from lab import TOOL, in_namespace, wait_until

PORT = 9515
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the protocol's own constant


class Driver(http.client.HTTPConnection):
    """HTTP to chromedriver, which listens on the loopback of the client's namespace."""

    def __init__(self, host):
        super().__init__("127.0.0.1", PORT, timeout=60)
        self.namespace = host

    def connect(self):
        in_namespace(self.namespace, super().connect)


class Browser:
    def __init__(self, lab, role="client", language="en"):
        for program in ("chromium", "chromedriver"):
            assert shutil.which(program), f"{program} is missing; run tools/install-deps"
        self.host = lab.host(role)
        self.language = language
        self.home = tempfile.mkdtemp(prefix="sallyport-browser-")
        self.session = None
        self.process = subprocess.Popen(
            [str(TOOL), "exec", self.host, "chromedriver", f"--port={PORT}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": self.home},
        )

    def __enter__(self):
        try:
            wait_until(self.ready, 20, "chromedriver")
            options = {
                "binary": shutil.which("chromium"),
                # Without this the distribution's start page is loaded first: over HTTPS, which a
                # captive client cannot, and the driver waits for it.
                "prefs": {
                    "session": {"restore_on_startup": 4, "startup_urls": ["about:blank"]}
                },
                "args": [
                    "--headless=new",
                    "--no-sandbox",  # it runs as root
                    "--disable-gpu",
                    "--disable-dev-shm-usage",
                    "--disable-background-networking",
                    "--no-first-run",
                    f"--user-data-dir={self.home}/profile",
                    f"--accept-lang={self.language}",
                ],
            }
            answer = self.call(
                "POST", "/session",
                {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}},
            )
            self.session = answer["sessionId"]
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.session:
            self.call("DELETE", f"/session/{self.session}")
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self.home, ignore_errors=True)

    def ready(self):
        try:
            return self.call("GET", "/status")["ready"]
        except OSError:
            return False

    def call(self, method, path, body=None):
        driver = Driver(self.host)
        try:
            driver.request(method, path, None if body is None else json.dumps(body))
            answer = json.loads(driver.getresponse().read())["value"]
        finally:
            driver.close()
        assert not (isinstance(answer, dict) and "error" in answer), answer
        return answer

    def command(self, method, path, body=None):
        return self.call(method, f"/session/{self.session}{path}", body)

    def phone(self, width, height):
        """Show pages as on a screen of that size."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 2, "mobile": True}
        self.command(
            "POST", "/goog/cdp/execute",
            {"cmd": "Emulation.setDeviceMetricsOverride", "params": metrics},
        )

    def go(self, url):
        self.command("POST", "/url", {"url": url})

    def url(self):
        return self.command("GET", "/url")

    def script(self, text, *arguments):
        """The value of an asynchronous function's body; it may await."""
        wrapped = (
            "const done = arguments[arguments.length - 1];"
            f"(async (...given) => {{ {text} }})(...Array.from(arguments).slice(0, -1))"
            ".then(done, error => done('error: ' + error));"
        )
        return self.command(
            "POST", "/execute/async", {"script": wrapped, "args": list(arguments)}
        )

    def find(self, selector):
        found = self.command("POST", "/element", {"using": "css selector", "value": selector})
        return found[ELEMENT]

    def text(self, selector="body"):
        return self.command("GET", f"/element/{self.find(selector)}/text")

    def click(self, selector):
        self.command("POST", f"/element/{self.find(selector)}/click", {})
