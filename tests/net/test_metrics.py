# SPDX-License-Identifier: GPL-2.0-or-later
"""`sallyport metrics`: OpenMetrics as its specification has it, with the numbers that are true."""

import json

from prometheus_client import parser as plain_parser
from prometheus_client.openmetrics import parser

import openmetrics
from lab import CLIENT_MAC


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
    assert captured == lab.reasons()["captured"] > 0


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
