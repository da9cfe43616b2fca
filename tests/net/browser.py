# SPDX-License-Identifier: GPL-2.0-or-later
"""A headless Chromium on a host of the lab, driven over the WebDriver protocol (W3C)."""

import base64
import http.client
import json
import os
import shutil
import socket
import subprocess
import tempfile

from lab import TOOL, TOP, in_namespace, wait_until

SCREENSHOTS = TOP / ".output" / "screenshots"
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the protocol's own constant


class Driver(http.client.HTTPConnection):
    """HTTP to chromedriver, which listens on the loopback of the client's namespace."""

    def __init__(self, host, port):
        super().__init__("127.0.0.1", port, timeout=60)
        self.namespace = host

    def connect(self):
        in_namespace(self.namespace, super().connect)


def free_port(host):
    """A TCP port of the loopback there that nobody uses."""
    with in_namespace(host, socket.socket) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Browser:
    def __init__(self, lab, role="client", language="en", trusting=False):
        """trusting: of any certificate."""
        for program in ("chromium", "chromedriver"):
            assert shutil.which(program), f"{program} is missing; run tools/install-deps"
        self.host = lab.host(role)
        self.language = language
        self.trusting = trusting
        self.port = free_port(self.host)
        self.home = tempfile.mkdtemp(prefix="sallyport-browser-")
        self.session = None
        # In a PID namespace of its own: when the driver has ended, so has the last of the browser's
        # processes, and nothing is written into its home any more.
        self.process = subprocess.Popen(
            [str(TOOL), "exec", self.host, "unshare", "--pid", "--fork", "--kill-child",
             "--mount-proc", "chromedriver", f"--port={self.port}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": self.home, "TMPDIR": self.home},
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
                {"capabilities": {"alwaysMatch": {
                    "goog:chromeOptions": options,
                    "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
                    "acceptInsecureCerts": self.trusting,
                }}},
            )
            self.session = answer["sessionId"]
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            if self.session:
                self.call("DELETE", f"/session/{self.session}")
            self.call("GET", "/shutdown")
            self.process.wait(10)
        except (OSError, AssertionError, http.client.HTTPException, json.JSONDecodeError,
                subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait(10)
        wait_until(self.remove_home, 20, f"{self.home} to be removed")

    def remove_home(self):
        shutil.rmtree(self.home, ignore_errors=True)
        return not os.path.exists(self.home)

    def ready(self):
        try:
            return self.call("GET", "/status")["ready"]
        except OSError:
            return False

    def call(self, method, path, body=None):
        driver = Driver(self.host, self.port)
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
        """Show pages as on a screen of that size, on a narrow one with points twice as fine."""
        fine = 2 if width < 600 else 1
        metrics = {"width": width, "height": height, "deviceScaleFactor": fine, "mobile": True}
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

    def type(self, selector, text):
        """Type into a field, behind what stands there."""
        self.command("POST", f"/element/{self.find(selector)}/value", {"text": text})

    def value(self, selector):
        return self.command("GET", f"/element/{self.find(selector)}/property/value")

    def devtools(self, command, **parameters):
        """The answer to a command of the DevTools protocol."""
        return self.command(
            "POST", "/goog/cdp/execute", {"cmd": command, "params": parameters}
        )

    def scheme(self, name):
        """"light" or "dark"."""
        feature = {"name": "prefers-color-scheme", "value": name}
        self.devtools("Emulation.setEmulatedMedia", features=[feature])

    def screenshot(self, name):
        """Keep a picture of the whole page below .output/screenshots."""
        taken = self.devtools(
            "Page.captureScreenshot", captureBeyondViewport=True, optimizeForSpeed=True
        )
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        (SCREENSHOTS / f"{name}.png").write_bytes(base64.b64decode(taken["data"]))

    def log(self, kind):
        """What was logged since the last call: "browser" is the console, "performance" the events of
        the DevTools protocol."""
        return self.command("POST", "/se/log", {"type": kind})

    def requested(self):
        """The URLs asked for since the last call."""
        events = [json.loads(entry["message"])["message"] for entry in self.log("performance")]
        return [event["params"]["request"]["url"] for event in events
                if event["method"] == "Network.requestWillBeSent"]

    def accessibility(self):
        """The nodes of the page as a screen reader meets them: dictionaries with role, name,
        description and the properties that are set."""
        found = []
        for node in self.devtools("Accessibility.getFullAXTree")["nodes"]:
            if node["ignored"]:
                continue
            entry = {key: node[key]["value"] for key in ("role", "name", "description")
                     if node.get(key, {}).get("value")}
            entry.update((one["name"], one["value"].get("value")) for one in node["properties"])
            found.append(entry)
        return found
