"""Versions: their order, and how devices spell them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_capgo.device_api.versions import (
    Version,
    at_least,
    keeps_own_channel,
    parse,
    parse_native,
    reads_manifest,
    reads_metadata,
)

_NUMBERS = st.integers(0, 12)
_PARTS = st.lists(st.one_of(_NUMBERS.map(str), st.sampled_from(["alpha", "beta", "rc", "0a", "-"])), max_size=3)


@st.composite
def versions(draw: st.DrawFn) -> Version:
    core = ".".join(str(draw(_NUMBERS)) for _ in range(3))
    prerelease = ".".join(draw(_PARTS))
    version = parse(f"{core}-{prerelease}" if prerelease else core)
    assert version is not None
    return version


def _parsed(text: str) -> Version:
    version = parse(text)
    assert version is not None, text
    return version


def test_the_example_of_the_semver_page_is_in_order() -> None:
    """Precedence grows along the chain that the semver specification gives."""
    chain = "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 1.0.1"
    assert all(_parsed(low) < _parsed(high) for low, high in pairwise(chain.split()))


@given(versions(), versions(), versions())
def test_the_order_is_total_and_transitive(one: Version, two: Version, three: Version) -> None:
    """Of two versions one is lower unless they are equal, and lower than lower is lower."""
    assert (one < two) + (one > two) + (one == two) == 1
    low, middle, high = sorted((one, two, three))
    assert low <= middle <= high
    assert low <= high


@given(versions(), st.sampled_from(["a", "7", "b.2"]))
def test_build_metadata_does_not_count(version: Version, build: str) -> None:
    """Two builds of a version are the same version, and are written as they came."""
    built = _parsed(f"{version}+{build}")
    assert built == version
    assert str(built) == f"{version}+{build}"


@given(versions())
def test_a_version_survives_being_written(version: Version) -> None:
    """What is written is read as the same version, with a leading v and blanks around it too."""
    assert parse(str(version)) == version == parse(f" v{version} ")
    assert parse_native(str(version)) == version or str(version).count(".") < 2


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("1.2.3", "1.2.3"),
        ("2", "2.0.0"),
        ("2.1", "2.1.0"),
        ("v2", "2.0.0"),
        (" 2.0.0", "2.0.0"),
        ("2.0.0 ", "2.0.0"),
        ("builtin", "0.0.0"),
        ("unknown", "0.0.0"),
        ("2.0.0-beta.1+9", "2.0.0-beta.1+9"),
        ("3.0 ", None),
        ("01.2.3", None),
        ("2.0.0.0", None),
        ("two", None),
        ("2.x", None),
        ("2-beta", None),
        (f"{2**53}.0.0", None),
        ("1.0.0-" + "a" * 256, None),
    ],
)
def test_native_versions_are_filled_up(sent: str, stored: str | None) -> None:
    """A native version gets its missing parts at the end, and anything that is then no version is none."""
    version = parse_native(sent)
    assert (None if version is None else str(version)) == stored


@pytest.mark.parametrize(
    ("plugin", "local"),
    [
        ("4.9.9", True), ("5.33.9", False), ("5.34.0", True), ("6.33.0", False), ("6.34.0", True),
        ("7.34.0-beta.1", False), ("7.34.0", True), ("8.0.0", True), ("8.0.0-rc.1", True), ("9.1.0", True),
        ("0.0.0", True), ("", True), (None, True), ("abc", False), ("7.34", False),
    ],
)  # fmt: skip
def test_who_keeps_the_channel(plugin: str | None, local: bool) -> None:
    """Plugins from X.34.0 on keep the channel themselves, and so do majors that were never asked to let go of it."""
    assert keeps_own_channel(plugin) is local


@pytest.mark.parametrize(
    ("plugin", "manifest", "metadata"),
    [
        ("3.0.0", True, True), ("5.9.9", False, False), ("5.10.0", True, False), ("5.35.0", True, True),
        ("6.24.9", False, False), ("6.25.0", True, False), ("7.0.34", False, False), ("7.0.35", True, False),
        ("7.35.0", True, True), ("8.0.0", True, False), ("8.35.0-beta", True, False), ("8.35.0", True, True),
        ("9.0.0", True, True),
    ],
)  # fmt: skip
def test_what_a_plugin_can_read(plugin: str, manifest: bool, metadata: bool) -> None:
    """Each major has its own first version for a feature; other majors have them all."""
    version = _parsed(plugin)
    assert reads_manifest(version) is manifest
    assert reads_metadata(version) is metadata


def test_at_least_counts_over_majors() -> None:
    """A bound without a major of its own is compared as a whole."""
    assert at_least(_parsed("9.0.0"), "6.2.0")
    assert not at_least(_parsed("6.2.0-beta"), "6.2.0")
