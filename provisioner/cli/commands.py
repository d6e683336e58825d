"""The commands there are, and the page that `provision --help` shows. Imports nothing, so that the page is quick.

A command is a file of its own in this folder (`-` becomes `_`) with a function of the same name, and a line here.
"""

SECTIONS = {
    "To begin with": {
        "init": "write a starter `access/` and the CI workflows",
        "demo": "the whole story on embedded servers, from plan to receipt",
        "sandbox": "the same servers left running, for a second terminal",
    },
    "The access files": {
        "validate": "check the files alone, offline; all problems in one run",
        "schema": "print JSON Schema for editors",
        "grant": "give somebody a role for a while, in the files",
        "offboard": "take somebody out of the files; or cut them off at once",
        "pull": "let the files follow a directory that people come from",
        "adopt": "write access files from a live system; changes nothing there",
    },
    "Review": {
        "approvals": "whose approval each change of access needs",
        "codeowners": "the owners of access files as a CODEOWNERS file has them",
        "check-pipeline": "check CI configuration against the access files, offline",
    },
    "Live systems": {
        "plan": "show what would change, and why; changes nothing",
        "apply": "make it so: a saved plan as it is, or plan and apply",
        "expire": "end what has lapsed, finish what is outstanding; gives nothing",
        "rotate": "make credentials of services anew, and deliver them",
        "drift": "what differs from the files, and what nobody declares",
        "status": "what is outstanding, and when each target was last in order",
    },
    "In a pipeline": {
        "gate": "may whoever started this run do this? if not, it is stopped",
        "run": "a command with the rights of whoever started this run",
    },
    "Questions": {
        "explain": "why somebody has access, to the file line",
        "who": "who holds a thing, by the files and live",
        "receipt": "what is gone and what is left of somebody, read live",
        "journal": "the record: what was done and by whom, and proof of it",
    },
}
"""By section of the help page: each command and what it does, in a line."""

ABOUT = "Access as version-controlled files: who may do what, where, and until when."


def names() -> list[str]:
    """All commands, in the order of the help page."""
    return [name for section in SECTIONS.values() for name in section]


def page() -> str:
    """What `provision --help` prints."""
    column = max(len(name) for name in [*names(), "--version"]) + 2
    told = ["Usage: provision COMMAND [OPTIONS]", "", ABOUT]
    for title, section in SECTIONS.items():
        told += ["", f"{title}:", *(f"  {name.ljust(column)}{line}" for name, line in section.items())]
    told += ["", "Options:", f"  {'--help'.ljust(column)}this page, or after a command its options"]
    told += [f"  {'--version'.ljust(column)}the version", ""]
    return "\n".join(told)
