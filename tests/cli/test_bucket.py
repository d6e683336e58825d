"""A journal in a bucket, from the command line."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.conftest import COMMON, Repository
from tests.rigs.s3 import BUCKET, S3Server


@pytest.fixture
def bucket(repository: Repository) -> Iterator[S3Server]:
    with S3Server() as server:
        for name, value in server.environment.items():
            repository.env.setenv(name, value)
        repository.write(
            "access/common.yaml", COMMON.replace("5f1c0a2b}", f"5f1c0a2b, journal: 's3://{BUCKET}/journal'}}")
        )
        repository.commit()
        yield server


def test_a_journal_in_a_bucket_serves_like_a_folder(repository: Repository, bucket: S3Server) -> None:
    repository.env.setenv("CI", "true")  # where a folder beside the files would be refused
    ran = repository.run("apply")
    assert ran.status == 0, ran.err
    assert repository.people() == {"ada", "grace"}
    assert not (repository.root / ".provision").exists()
    repository.leave("ada")
    repository.commit()
    ran = repository.run("apply")
    assert ran.status == 0, ran.err
    assert repository.members("developers") == {"grace"}
    assert f"s3://{BUCKET}/journal/" in repository.run("status").out


def test_without_its_bucket_nothing_is_changed(repository: Repository, bucket: S3Server) -> None:
    bucket.faults["PUT"] = ["denied"] * 10
    ran = repository.run("apply")
    assert ran.status == 1 and "error[journal-not-writable]" in ran.err and "s3:PutObject" in ran.err
    assert repository.people() == set()
    bucket.faults["GET"] = ["denied"] * 10
    assert "error[journal-unreadable]" in repository.run("plan").err
