"""Passwords, MFA, SSH keys, certificates, service-specific credentials and the credential report."""

from __future__ import annotations

import json
from typing import Any

import pytest

from provisioner.sandbox.aws import AwsServer
from tests.sandbox.aws.calls import HUB, PASSWORD, SSH_KEY, key_client, refused, report
from tests.sandbox.aws.certificate import self_signed

GIT = "codecommit.amazonaws.com"
CASSANDRA = "cassandra.amazonaws.com"
BEDROCK = "bedrock.amazonaws.com"


@pytest.fixture
def ada(iam: Any) -> str:
    return str(iam.create_user(UserName="ada")["User"]["UserName"])


def enable_mfa(iam: Any, user: str, device: str) -> str:
    serial = str(iam.create_virtual_mfa_device(VirtualMFADeviceName=device)["VirtualMFADevice"]["SerialNumber"])
    iam.enable_mfa_device(
        UserName=user, SerialNumber=serial, AuthenticationCode1="123456", AuthenticationCode2="654321"
    )
    return serial


# Passwords


def test_a_login_profile_is_made_once_changed_and_deleted(iam: Any, ada: str) -> None:
    made = iam.create_login_profile(UserName=ada, Password=PASSWORD, PasswordResetRequired=True)["LoginProfile"]
    assert (made["UserName"], made["PasswordResetRequired"]) == (ada, True)
    with refused("EntityAlreadyExists", 409):
        iam.create_login_profile(UserName=ada, Password=PASSWORD)
    iam.update_login_profile(UserName=ada, PasswordResetRequired=False)
    assert iam.get_login_profile(UserName=ada)["LoginProfile"]["PasswordResetRequired"] is False
    iam.delete_login_profile(UserName=ada)
    for call in (iam.get_login_profile, iam.delete_login_profile, iam.update_login_profile):
        with refused("NoSuchEntity", 404):
            call(UserName=ada)


@pytest.mark.parametrize("password", ["Sh0rt!", "alllowercase", "lower0123456"])
def test_a_weak_password_violates_the_policy(iam: Any, ada: str, password: str) -> None:
    with refused("PasswordPolicyViolation", 400):
        iam.create_login_profile(UserName=ada, Password=password)


# MFA


def test_a_virtual_mfa_device_belongs_to_one_user(server: AwsServer, iam: Any, ada: str) -> None:
    iam.create_user(UserName="bob")
    serial = enable_mfa(iam, ada, "phone")
    codes = {"AuthenticationCode1": "123456", "AuthenticationCode2": "654321"}
    with refused("EntityAlreadyExists", 409):
        iam.enable_mfa_device(UserName="bob", SerialNumber=serial, **codes)
    with refused("NoSuchEntity", 404):
        iam.enable_mfa_device(UserName="bob", SerialNumber=f"arn:aws:iam::{HUB}:mfa/none", **codes)
    assert [d["SerialNumber"] for d in iam.list_mfa_devices(UserName=ada)["MFADevices"]] == [serial]
    (device,) = iam.list_virtual_mfa_devices(AssignmentStatus="Assigned")["VirtualMFADevices"]
    assert (device["SerialNumber"], device["User"]["UserName"]) == (serial, ada)
    iam.deactivate_mfa_device(UserName=ada, SerialNumber=serial)
    with refused("NoSuchEntity", 404):
        iam.deactivate_mfa_device(UserName=ada, SerialNumber=serial)
    assert iam.list_virtual_mfa_devices(AssignmentStatus="Assigned")["VirtualMFADevices"] == []
    iam.delete_virtual_mfa_device(SerialNumber=serial)
    assert iam.list_virtual_mfa_devices()["VirtualMFADevices"] == []


def test_a_renamed_user_keeps_the_mfa_device(iam: Any, ada: str) -> None:
    serial = enable_mfa(iam, ada, "phone")
    iam.update_user(UserName=ada, NewUserName="ada-byron")
    (device,) = iam.list_virtual_mfa_devices()["VirtualMFADevices"]
    assert device["User"]["UserName"] == "ada-byron"
    assert [d["SerialNumber"] for d in iam.list_mfa_devices(UserName="ada-byron")["MFADevices"]] == [serial]


# SSH keys and certificates


def test_ssh_keys_are_uploaded_listed_deactivated_and_deleted(server: AwsServer, iam: Any, ada: str) -> None:
    made = iam.upload_ssh_public_key(UserName=ada, SSHPublicKeyBody=SSH_KEY)["SSHPublicKey"]
    iam.update_ssh_public_key(UserName=ada, SSHPublicKeyId=made["SSHPublicKeyId"], Status="Inactive")
    (listed,) = iam.list_ssh_public_keys(UserName=ada)["SSHPublicKeys"]
    assert (listed["SSHPublicKeyId"], listed["Status"], listed["UserName"]) == (made["SSHPublicKeyId"], "Inactive", ada)
    with refused("DuplicateSSHPublicKey", 400):
        iam.upload_ssh_public_key(UserName=ada, SSHPublicKeyBody=SSH_KEY)
    with refused("InvalidPublicKey", 400):
        iam.upload_ssh_public_key(UserName=ada, SSHPublicKeyBody="hello")
    iam.delete_ssh_public_key(UserName=ada, SSHPublicKeyId=made["SSHPublicKeyId"])
    with refused("NoSuchEntity", 404):
        iam.delete_ssh_public_key(UserName=ada, SSHPublicKeyId=made["SSHPublicKeyId"])


def test_a_sixth_ssh_key_is_over_the_limit(iam: Any, ada: str) -> None:
    for number in range(5):
        iam.upload_ssh_public_key(UserName=ada, SSHPublicKeyBody=f"{SSH_KEY}{number}")
    with refused("LimitExceeded", 409):
        iam.upload_ssh_public_key(UserName=ada, SSHPublicKeyBody=f"{SSH_KEY}5")


def test_signing_certificates_are_uploaded_listed_deactivated_and_deleted(iam: Any, ada: str) -> None:
    made = iam.upload_signing_certificate(UserName=ada, CertificateBody=self_signed())["Certificate"]["CertificateId"]
    iam.update_signing_certificate(UserName=ada, CertificateId=made, Status="Inactive")
    (listed,) = iam.list_signing_certificates(UserName=ada)["Certificates"]
    assert (listed["CertificateId"], listed["Status"], listed["UserName"]) == (made, "Inactive", ada)
    iam.upload_signing_certificate(UserName=ada, CertificateBody=self_signed())
    with refused("LimitExceeded", 409):
        iam.upload_signing_certificate(UserName=ada, CertificateBody=self_signed())
    with refused("MalformedCertificate", 400):
        iam.upload_signing_certificate(UserName=ada, CertificateBody="hello")
    iam.delete_signing_certificate(UserName=ada, CertificateId=made)
    with refused("NoSuchEntity", 404):
        iam.delete_signing_certificate(UserName=ada, CertificateId=made)


# Service-specific credentials


def test_the_password_of_a_service_credential_is_shown_once(iam: Any, ada: str) -> None:
    made = iam.create_service_specific_credential(UserName=ada, ServiceName=GIT)["ServiceSpecificCredential"]
    assert made["ServiceUserName"] == f"ada-at-{HUB}"
    assert len(made["ServicePassword"]) > 30
    (listed,) = iam.list_service_specific_credentials(UserName=ada)["ServiceSpecificCredentials"]
    assert "ServicePassword" not in listed
    assert {key: listed[key] for key in listed} == {key: made[key] for key in made if key != "ServicePassword"}


def test_a_third_service_credential_of_one_service_is_over_the_limit(iam: Any, ada: str) -> None:
    names = [
        iam.create_service_specific_credential(UserName=ada, ServiceName=GIT)["ServiceSpecificCredential"][
            "ServiceUserName"
        ]
        for _ in range(2)
    ]
    assert len(set(names)) == 2
    iam.create_service_specific_credential(UserName=ada, ServiceName=CASSANDRA)
    with refused("LimitExceeded", 409):
        iam.create_service_specific_credential(UserName=ada, ServiceName=GIT)


def test_a_service_credential_is_deactivated_reset_and_deleted(server: AwsServer, iam: Any, ada: str) -> None:
    made = iam.create_service_specific_credential(UserName=ada, ServiceName=GIT)["ServiceSpecificCredential"]
    name = {"UserName": ada, "ServiceSpecificCredentialId": made["ServiceSpecificCredentialId"]}
    iam.update_service_specific_credential(**name, Status="Inactive")
    assert server.truth()["users"][ada]["services"] == {made["ServiceSpecificCredentialId"]: "Inactive"}
    again = iam.reset_service_specific_credential(**name)["ServiceSpecificCredential"]
    assert again["ServicePassword"] != made["ServicePassword"]
    with refused("ValidationError", 400):
        iam.update_service_specific_credential(**name, Status="Expired")
    iam.delete_service_specific_credential(**name)
    assert iam.list_service_specific_credentials(UserName=ada)["ServiceSpecificCredentials"] == []
    for call in (iam.delete_service_specific_credential, iam.reset_service_specific_credential):
        with refused("NoSuchEntity", 404):
            call(**name)


def test_service_credentials_of_all_users_are_listed_by_service_in_pages(iam: Any, ada: str) -> None:
    for user in ("bob", "cyd"):
        iam.create_user(UserName=user)
    for user, service in ((ada, GIT), (ada, CASSANDRA), ("bob", GIT), ("cyd", GIT)):
        iam.create_service_specific_credential(UserName=user, ServiceName=service)
    found: list[str] = []
    marker: dict[str, str] = {}
    while True:
        page = iam.list_service_specific_credentials(AllUsers=True, ServiceName=GIT, MaxItems=2, **marker)
        found += [one["UserName"] for one in page["ServiceSpecificCredentials"]]
        if not page["IsTruncated"]:
            break
        marker = {"Marker": page["Marker"]}
    assert sorted(found) == ["ada", "bob", "cyd"]
    with refused("ValidationError", 400):
        iam.list_service_specific_credentials(AllUsers=True, UserName=ada, ServiceName=GIT)


def test_api_keys_may_expire_and_have_a_secret_in_place_of_a_password(iam: Any, ada: str) -> None:
    made = iam.create_service_specific_credential(UserName=ada, ServiceName=BEDROCK, CredentialAgeDays=30)
    key = made["ServiceSpecificCredential"]
    assert (key["ExpirationDate"] - key["CreateDate"]).days == 30
    assert key["ServiceCredentialSecret"]
    assert not {"ServicePassword", "ServiceUserName"} & set(key)
    (listed,) = iam.list_service_specific_credentials(UserName=ada)["ServiceSpecificCredentials"]
    assert "ServiceCredentialSecret" not in listed
    with refused("ValidationError", 400):
        iam.create_service_specific_credential(UserName=ada, ServiceName=GIT, CredentialAgeDays=30)


def test_an_unknown_service_or_user_has_no_credentials(iam: Any, ada: str) -> None:
    with refused("NotSupportedService", 404):
        iam.create_service_specific_credential(UserName=ada, ServiceName="s3.amazonaws.com")
    with refused("NotSupportedService", 404):
        iam.list_service_specific_credentials(UserName=ada, ServiceName="s3.amazonaws.com")
    with refused("NoSuchEntity", 404):
        iam.list_service_specific_credentials(UserName="nobody")


# Credential report


def test_there_is_no_report_before_one_was_generated(iam: Any) -> None:
    with refused("ReportNotPresent", 410):
        iam.get_credential_report()
    assert iam.generate_credential_report()["State"] == "STARTED"
    with refused("ReportInProgress", 404):
        iam.get_credential_report()
    assert iam.generate_credential_report()["State"] == "COMPLETE"
    assert iam.get_credential_report()["ReportFormat"] == "text/csv"


def test_a_report_may_take_several_polls(server: AwsServer, iam: Any) -> None:
    server.report_polls = 3
    states = [iam.generate_credential_report()["State"] for _ in range(5)]
    assert states == ["STARTED", "INPROGRESS", "INPROGRESS", "COMPLETE", "COMPLETE"]


def test_the_report_has_the_columns_of_aws_and_the_root_account_first(iam: Any, ada: str) -> None:
    report(iam)
    lines = iam.get_credential_report()["Content"].decode().splitlines()
    assert lines[0] == (
        "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,"
        "mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,"
        "access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,"
        "access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,"
        "cert_1_last_rotated,cert_2_active,cert_2_last_rotated"
    )
    assert lines[1].startswith(f"<root_account>,arn:aws:iam::{HUB}:root,")
    assert [line.count(",") for line in lines] == [21] * 3
    assert len(lines) == 3


def test_the_report_of_a_user_without_credentials(iam: Any, ada: str) -> None:
    row = report(iam)[ada]
    flags = ("password_enabled", "mfa_active", "access_key_1_active", "access_key_2_active", "cert_1_active")
    assert [row[flag] for flag in flags] == ["false"] * 5
    assert (row["password_last_used"], row["access_key_1_last_rotated"]) == ("N/A", "N/A")


def test_the_report_shows_what_a_user_holds(server: AwsServer, iam: Any, ada: str) -> None:
    iam.create_login_profile(UserName=ada, Password=PASSWORD)
    enable_mfa(iam, ada, "phone")
    iam.upload_signing_certificate(UserName=ada, CertificateBody=self_signed())
    key_client(server, ada, "sts").get_caller_identity()
    second = iam.create_access_key(UserName=ada)["AccessKey"]["AccessKeyId"]
    iam.update_access_key(UserName=ada, AccessKeyId=second, Status="Inactive")
    row = report(iam)[ada]
    assert (row["password_enabled"], row["password_last_used"]) == ("true", "no_information")
    assert (row["mfa_active"], row["cert_1_active"], row["cert_2_active"]) == ("true", "true", "false")
    assert (row["access_key_1_active"], row["access_key_1_last_used_service"]) == ("true", "sts")
    assert (row["access_key_2_active"], row["access_key_2_last_used_date"]) == ("false", "N/A")
    assert row["access_key_2_last_rotated"].endswith("+00:00")


def test_a_report_is_made_anew_after_a_write(iam: Any, ada: str) -> None:
    assert report(iam)[ada]["access_key_1_active"] == "false"
    iam.create_access_key(UserName=ada)
    assert report(iam)[ada]["access_key_1_active"] == "true"


def test_a_stale_report_still_shows_what_was(server: AwsServer, iam: Any, ada: str) -> None:
    report(iam)
    server.stale_report = True
    iam.create_access_key(UserName=ada)
    assert iam.generate_credential_report()["State"] == "COMPLETE"
    assert report(iam)[ada]["access_key_1_active"] == "false"
    server.stale_report = False
    assert report(iam)[ada]["access_key_1_active"] == "true"


def test_no_secret_is_in_report_or_truth(server: AwsServer, iam: Any, ada: str) -> None:
    iam.create_login_profile(UserName=ada, Password=PASSWORD)
    key = iam.create_access_key(UserName=ada)["AccessKey"]["SecretAccessKey"]
    service = iam.create_service_specific_credential(UserName=ada, ServiceName=GIT)["ServiceSpecificCredential"]
    shown = json.dumps(report(iam)) + json.dumps(server.truth())
    assert not [secret for secret in (PASSWORD, key, service["ServicePassword"]) if secret in shown]
