# SPDX-License-Identifier: GPL-2.0-or-later
"""`sallyport metrics`: OpenMetrics as its specification has it, with the numbers that are true."""

import json
import os
import re
import signal
import socket

from prometheus_client import parser as plain_parser
from prometheus_client.openmetrics import parser

import openmetrics
from lab import CLIENT_MAC, GATEWAY, INTERNET, PORTAL_PORT, TOP, Answer, pids, wait_until


def scrape(lab):
    """The families, read by two readers that agree."""
    text = lab.ctl("metrics", check=True).stdout
    families = openmetrics.read(text)
    theirs = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in parser.text_string_to_metric_families(text)
        for sample in family.samples
    }
    ours = {
        (family.name + suffix, labels): value
        for family in families.values()
        for (suffix, labels), value in family.samples.items()
    }
    assert ours == theirs
    return families


def test_verdicts_are_those_of_stats(lab):
    for _ in range(3):
        assert lab.status(4) == 511
    families, stats = scrape(lab), lab.json("stats")
    assert stats
    for entry in stats:
        labels = {"reason": entry["name"], "verdict": entry["verdict"]}
        # ARP and the like go on meanwhile.
        assert families["sallyport_verdict_packets"].value(**labels) <= entry["packets"]
        assert families["sallyport_verdict_bytes"].value(**labels) <= entry["bytes"]
    captured = families["sallyport_verdict_packets"].value(reason="CAPTURED", verdict="pass")
    # Ends of connections may follow.
    assert 3 <= captured <= lab.reasons()["captured"]


def test_other_forms_say_the_same(lab):
    families = scrape(lab)
    objects = lab.json("metrics")
    names = {family.name + suffix for family in families.values() for suffix, _ in family.samples}
    assert {one["metric"] for one in objects} == names
    build = next(one for one in objects if one["metric"] == "sallyport_build_info")
    assert build["value"] == 1 and json.dumps(build["labels"])
    assert [("sallyport_build", "_info")] == [
        (family.name, suffix) for family in families.values() for suffix, labels in family.samples
        if dict(labels) == build["labels"]]
    text = lab.ctl("metrics", "--prometheus", check=True).stdout
    plain = {sample.name for family in plain_parser.text_string_to_metric_families(text)
             for sample in family.samples}
    assert plain == names
    assert "# EOF" not in text and "# UNIT" not in text
    assert "# TYPE sallyport_verdict_bytes_total counter\n" in text


def test_sessions_by_method(lab):
    lab.allow()
    families = scrape(lab)
    assert families["sallyport_sessions"].value(state="authorized", method="operator") == 1
    assert families["sallyport_sessions"].sum() == 1
    assert families["sallyport_map_entries"].value(map="clients") == 1
    lab.ctl("client", "block", CLIENT_MAC, check=True)
    families = scrape(lab)
    assert families["sallyport_blocked_clients"].value() == 1
    assert families["sallyport_sessions"].sum() == 0
    assert families["sallyport_map_capacity"].value(map="clients") == lab.json("status")[0]["max_clients"]


def test_bypass_and_interfaces(lab):
    families = scrape(lab)
    assert families["sallyport_bypass"].value() == 0
    assert families["sallyport_interface_attached"].value(interface="lan0") == 1
    attachment = lab.json("status")[0]["interfaces"][0]
    labels = {key: attachment[key] for key in ("interface", "role", "mode", "tc_hook", "forward")}
    assert families["sallyport_interface"].value(**labels) == 1
    lab.ctl("bypass", "on", check=True)
    try:
        assert scrape(lab)["sallyport_bypass"].value() == 1
    finally:
        lab.ctl("bypass", "off", check=True)


# --- what the daemon and its processes count ---

def answers(families, status):
    return families["sallyport_responder_answers"].samples.get(
        ("_total", frozenset({("status", str(status))})), 0)


def delta(before, after, family, **labels):
    return after[family].sum(**labels) - (before[family].sum(**labels) if family in before else 0)


def log_in(lab, path="/accept"):
    """A login as a browser without TLS does it."""
    page = lab.curl(GATEWAY[4], port=PORTAL_PORT).body
    token = re.search(r'name="c" value="([^"]+)"', page)[1]
    return lab.curl(GATEWAY[4], "-d", f"c={token}", path=path, port=PORTAL_PORT)


def test_answers_are_those_that_were_given(lab):
    before = scrape(lab)
    for _ in range(5):
        assert lab.status(4) == 511
    for _ in range(2):
        assert lab.curl(INTERNET[4], path="/generate_204").status == 302
    assert lab.curl(INTERNET[4], "-H", "Host: <b>").status == 400
    after = scrape(lab)
    assert answers(after, 511) - answers(before, 511) == 5
    assert answers(after, 302) - answers(before, 302) == 2
    assert answers(after, 400) - answers(before, 400) == 1
    assert delta(before, after, "sallyport_responder_probes") == 2
    assert delta(before, after, "sallyport_responder_probes",
                 probe="Android, Chromium and many others") == 2
    histogram = "sallyport_responder_answer_seconds"
    assert after[histogram].value("_count") - before[histogram].value("_count") == 8


def test_logins_are_those_that_were_tried(lab):
    before = scrape(lab)
    assert log_in(lab).status == 303
    assert lab.status(4) == 200
    # Not enabled here.
    assert log_in(lab, "/voucher").status in (400, 403, 200, 401)
    after = scrape(lab)
    assert delta(before, after, "sallyport_logins", method="click", result="done") == 1
    assert delta(before, after, "sallyport_logins", method="click") == 1
    assert delta(before, after, "sallyport_logins", result="done") == 1
    for histogram in ("sallyport_portal_login_seconds", "sallyport_grant_seconds"):
        assert after[histogram].value("_count") - before[histogram].value("_count") >= 1, histogram
        assert after[histogram].value("_sum") > before[histogram].value("_sum"), histogram
    assert after["sallyport_sessions"].value(state="authorized", method="click") == 1
    assert delta(before, after, "sallyport_ledger_commits") >= 1
    requests = after["sallyport_portal_requests"]
    assert requests.value(status="303") >= 1


def test_a_count_never_goes_back(lab):
    """Neither when a process is killed, nor when it is told to begin again."""
    for _ in range(3):
        assert lab.status(4) == 511
    before = scrape(lab)
    serving = len(pids(lab, "sallyport-respo"))
    killed = pids(lab, "sallyport-respo")
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: len(set(pids(lab, "sallyport-respo")) - set(killed)) == serving, 10,
               "the responders to be back")
    wait_until(lambda: lab.status(4) == 511, 10, "a responder")
    after = scrape(lab)
    assert answers(after, 511) > answers(before, 511) >= 3
    assert delta(before, after, "sallyport_child_restarts", role="responder") == len(killed)
    for name, family in before.items():
        if family.kind in ("counter", "histogram"):
            for key, value in family.samples.items():
                assert after[name].samples[key] >= value, (name, key)


# --- over HTTP ---

def ask(lab, *options, path="/metrics"):
    socket = f"/run/{lab.name}/metrics.sock"
    result = lab.run("gw", "curl", "-si", "--max-time", "10", "--unix-socket", socket, *options,
                     f"http://gateway{path}")
    return Answer(result.stdout)


def test_http(lab):
    answer = ask(lab)
    assert answer.status == 200
    assert answer.headers["content-type"] == (
        "application/openmetrics-text; version=1.0.0; charset=utf-8")
    assert "sallyport_verdict_packets" in openmetrics.read(answer.body)
    plain = ask(lab, "-H", "Accept: text/plain;version=0.0.4;q=1,*/*;q=0.1")
    assert plain.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "# EOF" not in plain.body and "sallyport_bypass 0\n" in plain.body
    assert ask(lab, "-H", "Accept: application/openmetrics-text;version=1.0.0,text/plain").headers[
        "content-type"].startswith("application/openmetrics-text")
    head = ask(lab, "-I")
    assert head.status == 200 and not head.body
    assert ask(lab, path="/").status == 404
    post = ask(lab, "-d", "x")
    assert (post.status, post.headers["allow"]) == (405, "GET, HEAD")
    assert ask(lab, "-H", f"X: {'x' * 40000}").status in (413, 431)


def test_http_outlives_its_process(lab):
    """Killed, or asked by many at once: the next one is answered."""
    first = pids(lab, "sallyport-metri")
    os.kill(first[0], signal.SIGKILL)
    wait_until(lambda: pids(lab, "sallyport-metri") not in ([], first), 10, "another process")
    assert ask(lab).status == 200
    path = f"/run/{lab.name}/metrics.sock"
    idle = []
    for _ in range(100):
        one = socket.socket(socket.AF_UNIX)
        one.connect(path)
        one.send(b"GET /met")
        idle.append(one)
    for one in idle:
        one.close()
    assert ask(lab).status == 200
    assert len(pids(lab, "sallyport-metri")) == 1


# --- what Grafana and Prometheus are given ---

def test_dashboard_and_alerts_name_what_there_is(lab):
    text = ask(lab, "-H", "Accept: text/plain").body
    there = {sample.name for family in plain_parser.text_string_to_metric_families(text)
             for sample in family.samples}
    there |= {name.removesuffix("_count") + "_bucket" for name in there if name.endswith("_count")}
    # Only with RADIUS, or when the first of its kind was counted.
    there |= {"sallyport_radius_requests_total", "sallyport_radius_round_trip_seconds_bucket",
              "sallyport_radius_accounting_queue", "sallyport_radius_accounting_given_up_total",
              "sallyport_radius_changes_total", "sallyport_portal_requests_total",
              "sallyport_responder_answers_total"}
    folder = TOP / "tools/grafana"
    dashboard = json.loads((folder / "sallyport.json").read_text(encoding="utf-8"))
    expressions = [target["expr"] for panel in dashboard["panels"]
                   for target in panel.get("targets", [])]
    assert len(expressions) > 20 and all(panel.get("description") for panel in dashboard["panels"]
                                         if panel["type"] != "row")
    alerts = (folder / "alerts.yml").read_text(encoding="utf-8")
    for source in (*expressions, alerts):
        for name in re.findall(r"\bsallyport_\w+", source):
            assert name in there, name
    named = set(re.findall(r"\bsallyport_\w+", " ".join(expressions)))
    shown = {re.sub(r"_(total|info|bucket|count|sum)$", "", name) for name in named}
    families = {name for name, family in scrape(lab).items()}
    assert families - shown <= {"sallyport_exposition_seconds"}, "not in the dashboard"


# --- the configuration ---

def check(lab, tmp_path, listen):
    path = tmp_path / "metrics.conf"
    path.write_text(f"[gateway]\nclient = lan0\n[portal]\nplain_port = 8080\n[metrics]\nlisten = {listen}\n")
    return lab.ctl("config", "check", "-c", str(path))


def test_where_to_listen(hosts, tmp_path):
    for good in ("none", "unix", "unix:/run/m.sock", "127.0.0.1", "127.0.0.1:9487", "[::1]:9100"):
        result = check(hosts, tmp_path, good)
        assert (result.returncode, result.stderr) == (0, ""), good
    for bad in ("9487", "unix:", "unix:m.sock", "unixm", "lan0", "127.0.0.1:0", "127.0.0.1:70000",
                f"unix:/{'x' * 108}", ""):
        result = check(hosts, tmp_path, bad)
        assert result.returncode == 2 and "metrics.conf:6:" in result.stderr, (bad, result.stderr)
    result = check(hosts, tmp_path, "10.85.0.1:9487")
    assert result.returncode == 0 and "warning: [metrics] listen: everybody" in result.stderr
