"""Bundles: list, create, promote, describe, delete."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import COURIER, FULL, SHOP, UPLOADER, Mock
from tests.test_access import NOW, binding, freeze, fresh, generated, new_key, stored

DENIED = {"error": "Insufficient permissions to manage bundles", "status": "KO"}
MISSING = {"error": "Bundle not found", "status": "KO"}
NO_CHANNEL = {"error": "Channel not found", "status": "KO"}
OK = {"status": "ok"}


@pytest.fixture(autouse=True)
def _sound(mock: Mock) -> Iterator[None]:
    yield
    assert mock.universe.world.state.check() == []


def create(mock: Mock, version: Any = "2.0.0", key: str = FULL, **more: Any) -> Any:
    """The answer to a new bundle."""
    body = {"app_id": SHOP, "version": version, "external_url": "https://example.com/b.zip", "checksum": "c", **more}
    return mock("POST", "/bundle/", body, key=key)


def versions(mock: Mock, page: int = 0, app: str = SHOP) -> list[str]:
    """The names of a page of bundles."""
    return [bundle["name"] for bundle in mock.get(f"/bundle/?app_id={app}&page={page}")["data"]]


def delete(mock: Mock, version: str | None = None) -> Any:
    """The answer to a deletion."""
    return mock("DELETE", "/bundle/", {"app_id": SHOP} | ({} if version is None else {"version": version}))


def channel(mock: Mock, name: str = "production") -> Any:
    """A channel of the shop."""
    return mock.get(f"/channel/?app_id={SHOP}&channel={name}")


# List -------------------------------------------------------------------------------------------------------


def test_the_list_is_newest_first_without_the_deleted(mock: Mock) -> None:
    """Bundles come newest first under `data`; a deleted one does not come."""
    assert versions(mock) == ["1.3.0-beta.1", "1.2.0", "1.1.0", "1.0.0"]


def test_a_bundle_has_the_documented_members(mock: Mock) -> None:
    """A bundle that lies elsewhere, and one that was uploaded."""
    freeze(mock)
    found = {bundle["name"]: bundle for bundle in mock.get(f"/bundle/?app_id={SHOP}")["data"]}
    assert found["1.2.0"] == {
        "id": 3,
        "app_id": SHOP,
        "name": "1.2.0",
        "bucket_id": None,
        "checksum": "9aa966ccbe50c732eff2e1b21abf37f467f0573df8d715331728b088e492161b",
        "created_at": "2026-01-29T12:00:00Z",
        "updated_at": "2026-01-29T12:00:00Z",
        "deleted": False,
        "external_url": "https://cdn.example.com/shop/1.2.0.zip",
        "minUpdateVersion": None,
        "native_packages": None,
        "owner_org": "0c0ffee0-0000-4000-8000-00000000a001",
        "r2_path": None,
        "session_key": None,
        "storage_provider": "external",
        "user_id": found["1.2.0"]["user_id"],
    }
    uploaded = found["1.0.0"]
    assert (uploaded["storage_provider"], uploaded["external_url"]) == ("r2", None)
    assert uploaded["r2_path"].endswith("/com.example.shop/1.0.0.zip")


def test_pages_neither_lose_nor_repeat(mock: Mock) -> None:
    """Pages of fifty hold each bundle once, newest first; past the last there is nothing."""
    freeze(mock)
    for number in range(115):
        mock.universe.world.clock.advance(1)
        assert create(mock, f"2.0.{number}").status == 200
    pages = [versions(mock, page) for page in range(4)]
    assert [len(page) for page in pages] == [50, 50, 19, 0]
    everything = [name for page in pages for name in page]
    assert everything[:115] == [f"2.0.{number}" for number in reversed(range(115))]
    assert len(set(everything)) == 119


def test_bundles_of_one_moment_keep_their_order(mock: Mock) -> None:
    """Where time stands still, as it may in a test, bundles are listed as they were made, before all older ones."""
    freeze(mock)
    older = versions(mock)
    made = [f"5.0.{number}" for number in range(60)]
    for version in made:
        create(mock, version)
    assert versions(mock) + versions(mock, 1) == made + older


# Create -----------------------------------------------------------------------------------------------------


def test_a_new_bundle_is_listed(mock: Mock) -> None:
    """What was sent is what is listed, with the key's owner as its maker; nothing is fetched."""
    freeze(mock)
    sent = {
        "external_url": "https://example.com/b.zip?x=1",
        "checksum": "60303ae2",
        "session_key": "s:k",
        "key_id": "k",
    }
    reply = create(mock, "2.4.0", **sent)
    assert (reply.status, reply.body) == (200, OK)
    newest = mock.get(f"/bundle/?app_id={SHOP}")["data"][0]
    assert newest == {
        "id": 8,
        "app_id": SHOP,
        "name": "2.4.0",
        "bucket_id": None,
        "checksum": "60303ae2",
        "created_at": "2026-03-15T12:00:00Z",
        "updated_at": "2026-03-15T12:00:00Z",
        "deleted": False,
        "external_url": "https://example.com/b.zip?x=1",
        "minUpdateVersion": None,
        "native_packages": None,
        "owner_org": "0c0ffee0-0000-4000-8000-00000000a001",
        "r2_path": None,
        "session_key": "s:k",
        "storage_provider": "external",
        "user_id": "0c0ffee0-0000-4000-8000-00000000b001",
    }


@pytest.mark.parametrize("name", ["1.2.0", "0.9.0"])
def test_names_stay_taken(mock: Mock, name: str) -> None:
    """The name of a bundle is taken, also when the bundle is deleted, and only in its own app."""
    before = stored(mock)
    reply = create(mock, name)
    assert (reply.status, reply.body["error"].split(":")[0]) == (400, "Version already exists")
    assert stored(mock) == before
    body = {"app_id": COURIER, "version": name, "external_url": "https://example.com/b.zip", "checksum": "c"}
    assert mock("POST", "/bundle/", body, key="c0ffee00-0000-4000-8000-000000000004").status == 200


NUMBER = st.integers(0, 10**12).map(str)
LABEL = st.from_regex(r"[0-9A-Za-z-]{1,6}", fullmatch=True)
PRERELEASE = LABEL.filter(lambda label: not (label.isdecimal() and len(label) > 1 and label[0] == "0"))


@st.composite
def semver(draw: st.DrawFn) -> str:
    """A version by Semantic Versioning 2.0.0."""
    text = ".".join(draw(st.tuples(NUMBER, NUMBER, NUMBER)))
    if before := draw(st.lists(PRERELEASE, max_size=3)):
        text += "-" + ".".join(before)
    if build := draw(st.lists(LABEL, max_size=3)):
        text += "+" + ".".join(build)
    return text


@generated(60)
@given(version=semver())
def test_every_semantic_version_is_a_name(version: str) -> None:
    """Whatever the grammar of semver 2.0.0 gives can be the name of a bundle, and is kept as it is."""
    mock = fresh()
    names = versions(mock)
    reply = create(mock, version)
    assert reply.status == (400 if version in (*names, "0.9.0") else 200)
    assert version in versions(mock) or version == "0.9.0"


@pytest.mark.parametrize(
    "version",
    [
        "1",
        "1.2",
        "1.2.3.4",
        "v1.2.3",
        "V1.2.3",
        "01.0.0",
        "1.00.0",
        "1.0.0-01",
        "1.0.0-",
        "1.0.0+",
        "1.0.0+_b",
        "1.0.0-a..b",
    ]
    + [
        "latest",
        "builtin",
        "unknown",
        "^1.0.0",
        "1.x",
        " 1.0.0",
        "1.0.0 ",
        "1.0.0\n",
        "",
        "１.0.0",
        "1.0.0-é",
        None,
        1,
        1.0,
    ]
    + ["1.0.0-" + "a" * 251],
)
def test_nothing_else_is_a_version(mock: Mock, version: Any) -> None:
    """The documented sentence answers whatever is no version."""
    reply = create(mock, version)
    assert (reply.status, reply.body) == (400, {"error": "Invalid version format", "status": "KO"})


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/b.zip",
        "HTTPS://example.com/b.zip",
        "ftp://x/y",
        "//x/y",
        "b.zip",
        "",
        " https://x/y",
        5,
        None,
    ],
)
def test_the_address_is_https(mock: Mock, url: Any) -> None:
    """An address that does not start with `https://` is refused with the documented sentence."""
    reply = create(mock, external_url=url)
    assert (reply.status, reply.body) == (400, {"error": "External URL must use HTTPS protocol", "status": "KO"})


@pytest.mark.parametrize("member", ["app_id", "version", "external_url", "checksum"])
def test_each_member_is_required(mock: Mock, member: str) -> None:
    """The refusal names the member that is missing."""
    body = {"app_id": SHOP, "version": "2.0.0", "external_url": "https://example.com/b.zip", "checksum": "c"}
    del body[member]
    reply = mock("POST", "/bundle/", body)
    assert (reply.status, reply.body) == (400, {"error": f"{member} is required", "status": "KO"})


def test_uploading_is_a_right(mock: Mock) -> None:
    """An uploader creates bundles in its app; in an app out of reach nobody does."""
    assert create(mock, key=UPLOADER).status == 200
    for app_id in (COURIER, "com.example.nowhere"):
        reply = create(mock, app_id=app_id)
        assert (reply.status, reply.body) == (403, DENIED)


# Promote ----------------------------------------------------------------------------------------------------


def test_promotion(mock: Mock) -> None:
    """A promoted bundle is the channel's; saying it again is fine; the rollout of the channel goes on."""
    rollout = {name: value for name, value in channel(mock, "staging").items() if "ollout" in name}
    for _ in range(2):
        answer = mock.ok("PUT", "/bundle/", {"app_id": SHOP, "version_id": 1, "channel_id": 3})
        assert answer == {"status": "success", "message": "Bundle 1.0.0 set to channel staging"}
        assert channel(mock, "staging")["version"] == {"id": 1, "name": "1.0.0"}
    assert {name: value for name, value in channel(mock, "staging").items() if "ollout" in name} == rollout
    history = [one.version_id for one in mock.universe.world.state.deployments if one.channel_id == 3]
    assert history[-1] == 1
    assert history.count(1) == 1, "only a change is a deployment"


@pytest.mark.parametrize(
    ("version_id", "channel_id", "expected"),
    [
        (999, 1, MISSING),
        (5, 1, MISSING),
        (6, 1, MISSING),
        (3, 999, NO_CHANNEL),
        (3, 4, NO_CHANNEL),
        (999, 999, MISSING),
    ],
)
def test_promotion_of_what_is_not_there(mock: Mock, version_id: int, channel_id: int, expected: Any) -> None:
    """An unknown, deleted or foreign bundle is 404, and so is such a channel; the bundle counts first."""
    before = stored(mock)
    reply = mock("PUT", "/bundle/", {"app_id": SHOP, "version_id": version_id, "channel_id": channel_id})
    assert (reply.status, reply.body) == (404, expected)
    assert stored(mock) == before


@pytest.mark.parametrize("value", ["3", 0, -1, 1.5, None, True, [], 2**53])
@pytest.mark.parametrize("member", ["version_id", "channel_id"])
def test_promotion_takes_numbers(mock: Mock, member: str, value: Any) -> None:
    """Ids are whole numbers from 1 on."""
    body = {"app_id": SHOP, "version_id": 3, "channel_id": 1, member: value}
    assert mock("PUT", "/bundle/", body).status == 400


# Describe ---------------------------------------------------------------------------------------------------


def test_metadata_is_kept(mock: Mock) -> None:
    """Link and comment change one by one, null removes them, and a deleted bundle has them too."""
    bundles = mock.universe.world.state.bundles
    link = "https://example.com/pull/7"
    for version_id in (3, 5):
        body = {"app_id": SHOP, "version_id": version_id}
        assert mock.ok("POST", "/bundle/metadata", {**body, "link": link}) == {"status": "success"}
        mock.ok("POST", "/bundle/metadata", {**body, "comment": "Checked"})
        assert (bundles[version_id].link, bundles[version_id].comment) == (link, "Checked")
        mock.ok("POST", "/bundle/metadata", {**body, "link": None, "comment": None})
        assert (bundles[version_id].link, bundles[version_id].comment) == (None, None)
        mock.ok("POST", "/bundle/metadata", body)


def test_metadata_of_what_is_not_there(mock: Mock) -> None:
    """An unknown bundle and one of another app are 404."""
    for version_id in (999, 6):
        reply = mock("POST", "/bundle/metadata", {"app_id": SHOP, "version_id": version_id, "comment": "x"})
        assert (reply.status, reply.body) == (404, MISSING)


# Delete -----------------------------------------------------------------------------------------------------


def test_deletion_is_soft(mock: Mock) -> None:
    """A deleted bundle leaves the list, its row stays, its name stays taken, and it is gone for all else."""
    freeze(mock)
    reply = delete(mock, "1.0.0")
    assert (reply.status, reply.body) == (200, OK)
    assert "1.0.0" not in versions(mock)
    row = mock.universe.world.state.bundles[1]
    assert (row.deleted, row.deleted_at) == (True, NOW)
    assert create(mock, "1.0.0").status == 400
    assert mock("PUT", "/bundle/", {"app_id": SHOP, "version_id": 1, "channel_id": 1}).body == MISSING
    again = delete(mock, "1.0.0")
    assert (again.status, again.body) == (404, MISSING)


def test_deletion_frees_storage(mock: Mock) -> None:
    """The bytes of a deleted bundle are no longer stored."""
    path = f"/statistics/app/{SHOP}?from=2024-01-01&to=2024-01-02"
    assert mock.get(path)[0]["storage"] >= 0
    stored = sum(bundle.size for bundle in mock.universe.world.state.bundles if bundle.app_id == SHOP)
    assert stored == 2_411_724
    delete(mock, "1.0.0")
    assert mock.get(path)[0]["storage"] == 0


@pytest.mark.parametrize("version", ["1.1.0", "1.2.0", "1.3.0-beta.1"])
def test_a_bundle_in_use_stays(mock: Mock, version: str) -> None:
    """A bundle that a channel serves, or rolls out, is not deleted."""
    before = stored(mock)
    reply = delete(mock, version)
    assert (reply.status, reply.body) == (400, {"error": "Cannot delete a bundle linked to a channel", "status": "KO"})
    assert stored(mock) == before


def test_deleting_all_keeps_those_in_use(mock: Mock) -> None:
    """Without a version every bundle goes that no channel uses; when none is left to go that is fine too."""
    create(mock, "5.0.0")
    for _ in range(2):
        reply = delete(mock)
        assert (reply.status, reply.body) == (200, OK)
        assert versions(mock) == ["1.3.0-beta.1", "1.2.0", "1.1.0"]


def test_a_bundle_is_free_when_its_channels_are(mock: Mock) -> None:
    """What a channel no longer uses can be deleted."""
    assert delete(mock, "1.3.0-beta.1").status == 400
    mock.ok("DELETE", "/channel/", {"app_id": SHOP, "channel": "beta"})
    assert delete(mock, "1.3.0-beta.1").status == 200


def test_deletion_by_query(mock: Mock) -> None:
    """A DELETE without a body says in its query what the body would say."""
    assert mock.ok("DELETE", f"/bundle/?app_id={SHOP}&version=1.0.0") == OK
    assert versions(mock) == ["1.3.0-beta.1", "1.2.0", "1.1.0"]


def test_deletion_of_what_is_not_there(mock: Mock) -> None:
    """An unknown version is 404, an app out of reach 403."""
    for version in ("7.7.7", "0.9.0", "2.0.0", "latest"):
        reply = delete(mock, version)
        assert (reply.status, reply.body) == (404, MISSING)
    for app_id in (COURIER, "com.example.nowhere"):
        reply = mock("DELETE", "/bundle/", {"app_id": app_id, "version": "2.0.0"})
        assert (reply.status, reply.body) == (403, DENIED)


# Preview keys -----------------------------------------------------------------------------------------------


def test_a_preview_key_touches_its_own_bundles_only(mock: Mock) -> None:
    """A preview key uploads, puts its bundle on a channel of its own, and edits no other bundle."""
    key = new_key(mock, binding("app_preview"))
    assert create(mock, "9.0.0-pr.1", key=key).status == 200
    mine = {"app_id": SHOP, "version_id": 8}
    assert mock("POST", "/bundle/metadata", {**mine, "comment": "mine"}, key=key).status == 200
    assert mock("POST", "/bundle/metadata", {"app_id": SHOP, "version_id": 3, "comment": "x"}, key=key).status == 400
    assert (
        mock("POST", "/channel/", {"app_id": SHOP, "channel": "pr-1", "version": "9.0.0-pr.1"}, key=key).status == 200
    )
    assert mock("PUT", "/bundle/", {**mine, "channel_id": 1}, key=key).status == 403
    assert mock("PUT", "/bundle/", {**mine, "channel_id": 6}, key=key).status == 200
    assert mock("PUT", "/bundle/", {"app_id": SHOP, "version_id": 3, "channel_id": 6}, key=key).status == 400
    body = {"app_id": SHOP, "channel": "pr-1", "delete_bundle": True}
    assert mock("DELETE", "/channel/", body, key=key).status == 200
    assert "9.0.0-pr.1" not in versions(mock)
