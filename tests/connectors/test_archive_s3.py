"""What only Object Lock can do, and what only a bucket can suffer: markers, foreign versions, servers that lie."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from connectors.archive import S3Archive, S3Options, open_archive
from connectors.ports import Locked, Missing, NotEnforced, Taken
from connectors.s3 import checksum, open_client
from tests.contract.archives import CONTENT, KEY, OTHER, Bench, Lying, RealClock, refused, sha256

if TYPE_CHECKING:
    from tests.servers.s3 import S3Server

pytest_plugins = ["tests.servers.s3"]


@pytest.fixture(scope="module")
def client(s3_server: S3Server) -> Any:
    return s3_server.client()


@pytest.fixture
def prefix() -> str:
    return secrets.token_hex(6)


@pytest.fixture
def bench(client: Any, bucket: str, prefix: str) -> Bench:
    clock = RealClock()
    return Bench(S3Archive(client, bucket, prefix, clock=clock), clock)


def lying(client: Any, bucket: str, prefix: str, *drops: str, deaf: tuple[str, ...] = ()) -> Bench:
    clock = RealClock()
    return Bench(S3Archive(Lying(client, *drops, deaf=deaf), bucket, prefix, clock=clock), clock)


@pytest.mark.parametrize("who", ["user", "root"])
def test_the_server_itself_keeps_the_lock(
    s3_server: S3Server, bucket: str, prefix: str, bench: Bench, who: str
) -> None:
    stored = bench.put(KEY)
    client = s3_server.client(root=who == "root")
    version = {"Bucket": bucket, "Key": f"{prefix}/{KEY}", "VersionId": stored.version_id}
    bypass = {"BypassGovernanceRetention": True}
    sooner = {"Mode": "COMPLIANCE", "RetainUntilDate": bench.after(minutes=1)}
    weaker = {"Mode": "GOVERNANCE", "RetainUntilDate": bench.after(hours=2)}
    for more in ({}, bypass):
        assert refused(lambda more=more: client.delete_object(**version, **more))
        assert refused(lambda more=more: client.put_object_retention(**version, Retention=sooner, **more))
        assert refused(lambda more=more: client.put_object_retention(**version, Retention=weaker, **more))
    objects = [{"Key": version["Key"], "VersionId": stored.version_id}]
    batch = client.delete_objects(Bucket=bucket, Delete={"Objects": objects}, **bypass)
    assert [error["Code"] for error in batch["Errors"]]
    off = {"Status": "Suspended"}
    assert refused(lambda: client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=off))
    assert bench.archive.head(KEY) == stored
    assert bench.archive.get(KEY, stored.version_id) == CONTENT


def test_a_delete_marker_hides_nothing_from_us(client: Any, bucket: str, prefix: str, bench: Bench) -> None:
    stored = bench.archive.hold(KEY, bench.put(KEY).version_id, on=True)
    free = bench.put("default/ab/free.pdf")
    client.delete_object(Bucket=bucket, Key=f"{prefix}/{KEY}")
    assert bench.archive.head(KEY) == bench.archive.head(KEY, stored.version_id) == stored
    assert bench.archive.get(KEY, stored.version_id) == CONTENT
    assert list(bench.archive.versions("default")) == [free, stored]
    assert list(bench.archive.markers("")) == list(bench.archive.markers("default/ab")) == [KEY]
    assert list(bench.archive.markers("default/a")) == []
    with pytest.raises(Locked):
        bench.archive.delete(KEY, stored.version_id)
    later = bench.after(hours=2)
    assert bench.archive.extend(KEY, stored.version_id, later).retain_until == later


def test_a_put_above_a_delete_marker_makes_no_second_version(client: Any, bucket: str, prefix: str) -> None:
    # Amazon lets If-None-Match through when a marker hides the object; dropping the header shows the same here.
    bench = lying(client, bucket, prefix, "IfNoneMatch")
    until = bench.after(hours=1)
    stored = bench.put(KEY, CONTENT, until)
    client.delete_object(Bucket=bucket, Key=f"{prefix}/{KEY}")
    assert bench.put(KEY, CONTENT, until) == stored
    with pytest.raises(Taken):
        bench.put(KEY, OTHER)
    assert list(bench.archive.versions("")) == [stored]


def test_a_marker_is_a_version_of_nothing(client: Any, bucket: str, prefix: str, bench: Bench) -> None:
    bench.put(KEY)
    marker = client.delete_object(Bucket=bucket, Key=f"{prefix}/{KEY}")["VersionId"]
    with pytest.raises(Missing):
        bench.archive.head(KEY, marker)
    with pytest.raises(Missing):
        bench.archive.get(KEY, marker)


def test_the_oldest_version_counts_when_others_write_above_it(
    client: Any, bucket: str, prefix: str, bench: Bench
) -> None:
    until = bench.after(hours=1)
    stored = bench.put(KEY, CONTENT, until)
    client.put_object(Bucket=bucket, Key=f"{prefix}/{KEY}", Body=OTHER)
    client.put_object(Bucket=bucket, Key=f"{prefix}/{KEY}x", Body=OTHER)
    assert bench.archive.head(KEY) == bench.put(KEY, CONTENT, until) == stored
    found = list(bench.archive.versions("default"))
    assert [version.key for version in found] == [KEY, KEY, f"{KEY}x"]
    assert found[1] == stored
    assert (found[0].mode, found[0].retain_until) == (None, None)


def test_listing_goes_on_over_many_pages(client: Any, bucket: str, prefix: str, bench: Bench) -> None:
    stored = [bench.put(f"k/{number}.pdf") for number in range(3)]
    for _ in range(5):
        client.put_object(Bucket=bucket, Key=f"{prefix}/k/1.pdf", Body=OTHER)
    client.delete_object(Bucket=bucket, Key=f"{prefix}/k/1.pdf")

    def small(params: dict[str, Any], **_: object) -> None:
        params["MaxKeys"] = 2

    client.meta.events.register("provide-client-params.s3.ListObjectVersions", small)
    try:
        assert bench.archive.head("k/1.pdf") == stored[1]
        assert len(list(bench.archive.versions("k"))) == 8
        assert list(bench.archive.markers("k")) == ["k/1.pdf"]
    finally:
        client.meta.events.unregister("provide-client-params.s3.ListObjectVersions", small)


@pytest.mark.parametrize("versioning", [True, False])
def test_a_bucket_without_object_lock_is_not_used(s3_server: S3Server, versioning: bool) -> None:
    bucket = s3_server.bucket(lock=False, versioning=versioning)
    clock = RealClock()
    bench = Bench(S3Archive(s3_server.client(), bucket, clock=clock), clock)
    with pytest.raises(NotEnforced):
        bench.archive.check()
    for _ in range(2):  # versitygw refuses the lock, yet keeps the object: trying again must not find it good
        with pytest.raises(NotEnforced):
            bench.put(KEY)


def test_a_bucket_that_keeps_no_versions_is_not_used(s3_server: S3Server) -> None:
    bucket = s3_server.bucket(lock=False, versioning=False)
    bench = lying(s3_server.client(), bucket, "p", "ObjectLockMode", "ObjectLockRetainUntilDate")
    with pytest.raises(NotEnforced, match="versions"):
        bench.put(KEY)


def test_a_server_that_drops_the_lock_is_found_out(client: Any, bucket: str, prefix: str) -> None:
    lock = ("ObjectLockMode", "ObjectLockRetainUntilDate")
    bench = lying(client, bucket, prefix, *lock, deaf=("put_object_retention",))
    for _ in range(2):  # trying again does not make it true
        with pytest.raises(NotEnforced):
            bench.put(KEY)
        with pytest.raises(NotEnforced):
            bench.archive.check()


def test_a_lock_that_got_lost_is_put_on_by_the_next_try(client: Any, bucket: str, prefix: str, bench: Bench) -> None:
    crashed = lying(client, bucket, prefix, "ObjectLockMode", "ObjectLockRetainUntilDate")
    with pytest.raises(NotEnforced):
        crashed.put(KEY)
    until = bench.after(hours=1)
    stored = bench.put(KEY, until=until)
    assert (stored.mode, stored.retain_until) == ("COMPLIANCE", until)
    assert list(bench.archive.versions("")) == [stored]


def test_a_server_that_keeps_another_date_is_found_out(client: Any, bucket: str, prefix: str) -> None:
    bench = lying(client, bucket, prefix)
    honest = bench.archive._client  # type: ignore[attr-defined]
    put = honest.put_object
    day = timedelta(days=1)
    honest.put_object = lambda **asked: put(
        **{**asked, "ObjectLockRetainUntilDate": asked["ObjectLockRetainUntilDate"] + day}
    )
    with pytest.raises(NotEnforced, match="until"):
        bench.put(KEY)


def test_a_server_that_drops_the_storage_class_is_found_out(client: Any, bucket: str, prefix: str) -> None:
    clock = RealClock()
    bench = Bench(S3Archive(client, bucket, prefix, "GLACIER_IR", clock=clock), clock)
    for _ in range(2):
        with pytest.raises(NotEnforced, match="storage class"):
            bench.put(KEY)
        with pytest.raises(NotEnforced, match="storage class"):
            bench.archive.check()


def test_a_server_that_drops_holds_and_extensions_is_found_out(client: Any, bucket: str, prefix: str) -> None:
    bench = lying(client, bucket, prefix, deaf=("put_object_legal_hold", "put_object_retention"))
    stored = bench.put(KEY)
    with pytest.raises(NotEnforced):
        bench.archive.hold(KEY, stored.version_id, on=True)
    with pytest.raises(NotEnforced):
        bench.archive.extend(KEY, stored.version_id, bench.after(hours=2))


@pytest.mark.parametrize("deaf", ["put_object_retention", "delete_object"])
def test_the_canary_notices_any_request_that_is_accepted(client: Any, bucket: str, prefix: str, deaf: str) -> None:
    with pytest.raises(NotEnforced, match="accepted"):
        lying(client, bucket, prefix, deaf=(deaf,)).archive.check()


def test_governance_is_no_lock(client: Any, bucket: str, prefix: str, bench: Bench) -> None:
    until = bench.after(hours=1)
    client.put_object(
        Bucket=bucket,
        Key=f"{prefix}/{KEY}",
        Body=CONTENT,
        ChecksumAlgorithm="SHA256",
        ChecksumSHA256=checksum(CONTENT),
        ObjectLockMode="GOVERNANCE",
        ObjectLockRetainUntilDate=until,
    )
    assert bench.archive.head(KEY).mode == "GOVERNANCE"
    with pytest.raises(NotEnforced):
        bench.put(KEY, until=until)


def test_an_object_without_our_digest_is_not_ours(client: Any, bucket: str, prefix: str, bench: Bench) -> None:
    client.put_object(Bucket=bucket, Key=f"{prefix}/{KEY}", Body=CONTENT, ChecksumAlgorithm="CRC32")
    assert bench.archive.head(KEY).sha256 == ""
    with pytest.raises(Taken):
        bench.put(KEY)


def test_a_lack_of_permission_is_a_fault_and_not_a_lock(s3_server: S3Server) -> None:
    bucket = s3_server.bucket()
    clock = RealClock()
    bench = Bench(S3Archive(s3_server.client(), bucket, clock=clock), clock)
    until = bench.after(seconds=1)
    stored = bench.put(KEY, until=until)
    bench.archive.check()
    s3_server.allow(bucket, "s3:*", deny=("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObjectRetention"))
    with pytest.raises(ClientError):
        bench.archive.extend(KEY, stored.version_id, bench.after(hours=1))
    bench.archive.check()
    bench.clock.wait_until(until)
    with pytest.raises(ClientError):
        bench.archive.delete(KEY, stored.version_id)


def test_a_lost_bucket_is_a_fault_and_not_an_empty_archive(client: Any) -> None:
    clock = RealClock()
    archive = S3Archive(client, "no-such-bucket", clock=clock)
    for attempt in (
        lambda: archive.head(KEY),
        lambda: archive.head(KEY, "v"),
        lambda: archive.get(KEY, "v"),
        lambda: archive.delete(KEY, "v"),
        lambda: list(archive.versions("")),
        archive.check,
    ):
        with pytest.raises(ClientError):
            attempt()


def test_opens_by_url_with_the_credentials_of_the_environment(
    s3_server: S3Server, bucket: str, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3_server.user[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3_server.user[1])
    options = S3Options(endpoint=s3_server.endpoint)
    archive = open_archive(f"s3://{bucket}/{prefix}", s3=options, clock=lambda: datetime.now(UTC))
    archive.check()
    stored = archive.put(KEY, CONTENT, sha256=sha256(CONTENT), retain_until=datetime.now(UTC) + timedelta(minutes=10))
    assert archive.get(KEY, stored.version_id) == CONTENT
    assert open_client(options.endpoint, options.region) is open_client(options.endpoint, options.region)
