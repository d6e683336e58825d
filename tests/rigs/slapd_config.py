"""The `cn=config` and base tree of the throwaway slapd, as LDIF.

Holds text only; starting and stopping is `slapd.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

Limit = int | str
"""A slapd limit: a number of entries, or `unlimited` (slapd.conf(5), `limits`)."""


@dataclass(frozen=True)
class Options:
    """How the server is set up. The defaults are a common site: paging needed past 500 entries, lockout in force."""

    suffix: str = "dc=example,dc=test"
    size_soft: Limit = 500  # what a search without paging gets where the client asked for no limit
    size_hard: Limit = 500  # the most a client may ask for without paging
    size_prtotal: Limit = "unlimited"  # the most entries over all pages of one paged search
    size_pr: Limit | None = None  # the largest page; None leaves it to size_hard
    ppolicy: bool = True  # password policy overlay (pwdAccountLockedTime, pwdEndTime)
    pwd_lockout: bool = True  # FALSE: locks are stored but do not bite
    memberof: bool = True
    refint: bool = True
    lpk: bool = False  # openssh-lpk schema: sshPublicKey
    unique: Sequence[str] = ("uidNumber",)  # attributes that are unique under ou=people
    access: Sequence[str] = ()  # further olcAccess rules, placed before our own


LPK_SCHEMA = """\
dn: cn=openssh-lpk,cn=schema,cn=config
objectClass: olcSchemaConfig
cn: openssh-lpk
olcAttributeTypes: ( 1.3.6.1.4.1.24552.500.1.1.1.13 NAME 'sshPublicKey'
  DESC 'OpenSSH public key' EQUALITY octetStringMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 )
olcObjectClasses: ( 1.3.6.1.4.1.24552.500.1.1.2.0 NAME 'ldapPublicKey'
  DESC 'account with OpenSSH public keys' SUP top AUXILIARY
  MAY ( sshPublicKey $ uid ) )
"""

_MODULES = ("back_mdb", "memberof", "refint", "unique", "sssvlv")
_SCHEMAS = ("core", "cosine", "nis", "inetorgperson")


def config_ldif(
    options: Options, folder: Path, *, modules: Path, schemas: Path, password: str, tls: tuple[Path, Path, Path]
) -> str:
    """All of `cn=config`; `tls` is CA certificate, server certificate, key."""
    ca_file, certificate, key = tls
    service = f"uid=svc,ou=people,{options.suffix}"
    reader = f"uid=reader,ou=people,{options.suffix}"
    limits = f"size.soft={options.size_soft} size.hard={options.size_hard} size.prtotal={options.size_prtotal}"
    if options.size_pr is not None:
        limits += f" size.pr={options.size_pr}"
    access = [
        *options.access,
        f'to attrs=userPassword by dn.exact="{service}" write by anonymous auth by self write by * none',
        f'to * by dn.exact="{service}" write by users read by * none',
    ]
    parts = [
        f"""\
dn: cn=config
objectClass: olcGlobal
cn: config
olcPidFile: {folder}/slapd.pid
olcTLSCACertificateFile: {ca_file}
olcTLSCertificateFile: {certificate}
olcTLSCertificateKeyFile: {key}
olcThreads: 4
""",
        f"dn: cn=module{{0}},cn=config\nobjectClass: olcModuleList\ncn: module{{0}}\nolcModulePath: {modules}\n"
        + "".join(f"olcModuleLoad: {m}\n" for m in _modules(options)),
        "dn: cn=schema,cn=config\nobjectClass: olcSchemaConfig\ncn: schema\n",
        "".join(f"include: file://{schemas}/{s}.ldif\n\n" for s in _SCHEMAS).rstrip("\n") + "\n",
        *([LPK_SCHEMA] if options.lpk else []),
        """\
dn: olcDatabase={-1}frontend,cn=config
objectClass: olcDatabaseConfig
objectClass: olcFrontendConfig
olcDatabase: {-1}frontend
olcSizeLimit: 500
""",
        f"""\
dn: olcDatabase={{0}}config,cn=config
objectClass: olcDatabaseConfig
olcDatabase: {{0}}config
olcRootDN: cn=admin,cn=config
olcRootPW: {password}
""",
        # olcDbNoSync: durable against a crash of slapd, not of the machine; a throwaway needs no more.
        f"""\
dn: olcDatabase={{1}}mdb,cn=config
objectClass: olcDatabaseConfig
objectClass: olcMdbConfig
olcDatabase: {{1}}mdb
olcSuffix: {options.suffix}
olcRootDN: cn=admin,{options.suffix}
olcRootPW: {password}
olcDbDirectory: {folder}/db
olcDbMaxSize: 1073741824
olcDbNoSync: TRUE
olcDbIndex: objectClass eq
olcDbIndex: uid,cn,mail,sn eq,sub
olcDbIndex: member,uniqueMember,memberOf,memberUid,uidNumber,gidNumber eq
olcDbIndex: entryUUID,entryCSN eq
olcLimits: dn.exact="{service}" {limits}
olcLimits: dn.exact="{reader}" {limits}
"""
        + "".join(f"olcAccess: {rule}\n" for rule in access),
    ]
    return "\n".join(parts + _overlays(options))


def _modules(options: Options) -> tuple[str, ...]:
    # The ppolicy module brings its attribute types with it, so a server without it does not know them.
    return (*_MODULES, "ppolicy") if options.ppolicy else _MODULES


def _overlays(options: Options) -> list[str]:
    database = "olcDatabase={1}mdb,cn=config"
    parts = []
    if options.memberof:
        parts.append(f"""\
dn: olcOverlay=memberof,{database}
objectClass: olcOverlayConfig
objectClass: olcMemberOf
olcOverlay: memberof
olcMemberOfRefInt: TRUE
olcMemberOfGroupOC: groupOfNames
""")
    if options.refint:
        # Without olcRefintNothing the last member that leaves stays behind as a dangling name.
        parts.append(f"""\
dn: olcOverlay=refint,{database}
objectClass: olcOverlayConfig
objectClass: olcRefintConfig
olcOverlay: refint
olcRefintAttribute: member
olcRefintAttribute: uniqueMember
olcRefintAttribute: manager
olcRefintNothing: cn=admin,{options.suffix}
""")
    if options.ppolicy:
        parts.append(f"""\
dn: olcOverlay=ppolicy,{database}
objectClass: olcOverlayConfig
objectClass: olcPPolicyConfig
olcOverlay: ppolicy
olcPPolicyDefault: cn=default,ou=policies,{options.suffix}
olcPPolicyHashCleartext: TRUE
""")
    if options.unique:
        uris = "".join(f"olcUniqueURI: ldap:///ou=people,{options.suffix}?{a}?sub\n" for a in options.unique)
        parts.append(f"""\
dn: olcOverlay=unique,{database}
objectClass: olcOverlayConfig
objectClass: olcUniqueConfig
olcOverlay: unique
{uris}""")
    return parts


def base_ldif(options: Options, *, password: str) -> str:
    """The tree an empty server starts with: units, the password policy, and the accounts `svc` and `reader`."""
    suffix = options.suffix
    parts = [
        f"dn: {suffix}\nobjectClass: dcObject\nobjectClass: organization\ndc: {suffix.split(',')[0][3:]}\no: Example\n",
        *(
            f"dn: ou={unit},{suffix}\nobjectClass: organizationalUnit\nou: {unit}\n"
            for unit in ("people", "groups", "policies")
        ),
        *(
            f"dn: uid={uid},ou=people,{suffix}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {uid}\nsn: {uid}\n"
            f"userPassword: {password}\n"
            for uid in ("svc", "reader")
        ),
    ]
    if options.ppolicy:
        parts.append(f"""\
dn: cn=default,ou=policies,{suffix}
objectClass: device
objectClass: pwdPolicy
cn: default
pwdAttribute: userPassword
pwdLockout: {"TRUE" if options.pwd_lockout else "FALSE"}
pwdMaxFailure: 5
pwdLockoutDuration: 0
pwdMinLength: 8
pwdCheckQuality: 1
""")
    return "\n".join(parts)
