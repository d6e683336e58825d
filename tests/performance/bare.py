"""The references: the least that any program must do with the same files and the same systems.

Run as a script of its own by `python -m tests.performance`, so that it loads nothing else. It keeps no positions, looks
at no second file, compares nothing, and gives up at the first surprise.
"""

import sys


def read_ldap(url: str, bind_dn: str, password: str, searches: list[tuple[str, str, list[str]]]) -> int:
    """Every entry of each search (base, filter, attributes), in pages of 1,000, as ldap3 gives them."""
    import ldap3

    count = 0
    connection = ldap3.Connection(ldap3.Server(url, get_info=ldap3.NONE), bind_dn, password, auto_bind=True)
    connection.raise_exceptions = True
    for base, filter_, attributes in searches:
        cookie = None
        while True:
            connection.search(base, filter_, attributes=attributes, paged_size=1000, paged_cookie=cookie)
            count += sum(e["type"] == "searchResEntry" for e in connection.response or ())
            cookie = connection.result["controls"]["1.2.840.113556.1.4.319"]["value"]["cookie"]
            if not cookie:
                break
    connection.unbind()
    return count


def read_aws() -> int:
    """GetAccountAuthorizationDetails in pages of 1,000."""
    import botocore.session

    client = botocore.session.get_session().create_client("iam")
    pages = client.get_paginator("get_account_authorization_details").paginate(
        Filter=["User", "Group", "Role", "LocalManagedPolicy"], PaginationConfig={"PageSize": 1000}
    )
    return sum(len(page["UserDetailList"]) for page in pages)


def main() -> None:
    import json
    import os

    wanted = json.loads(sys.argv[1])
    e = os.environ
    count = read_ldap(e["LDAP_URL"], e["LDAP_BIND_DN"], e["LDAP_PASSWORD"], wanted["searches"])
    if count < wanted["entries"]:
        raise SystemExit(f"the directory gave {count} entries of {wanted['entries']}")
    count = read_aws()
    if count < wanted["users"]:
        raise SystemExit(f"AWS gave {count} users of {wanted['users']}")


if __name__ == "__main__":
    main()
