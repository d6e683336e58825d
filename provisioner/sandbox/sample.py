"""Where the sample `access/` tree lies that `provision demo` runs and the documentation explains, and the worked
examples that `provision sandbox --example` serves.

Finds it, and refuses to copy or change it: whoever wants to edit works on a copy of their own.
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def sample_tree() -> Path:
    """The folder of the sample access files.

    A wheel carries them inside the package (`force-include` in pyproject.toml); a checkout, and an editable
    install of one, has them at its top level. The wheel's copy wins, so that an installed package never reads
    whatever `access` folder happens to lie beside it in site-packages.

    Raises `FileNotFoundError` where the package was installed without them.
    """
    return _found("sample_access", "access")


def example_tree(name: str) -> Path:
    """The folder of a worked example: access files, and the pipelines that they are for. As `sample_tree`."""
    return _found(f"examples/{name}", f"docs/examples/{name}")


def _found(packaged: str, checked_out: str) -> Path:
    in_package, checkout = _PACKAGE / packaged, _PACKAGE.parent
    if in_package.is_dir():
        return in_package
    if (checkout / "pyproject.toml").is_file() and (checkout / checked_out).is_dir():
        return checkout / checked_out
    raise FileNotFoundError(f"the sample files are missing: neither {in_package} nor {checkout / checked_out} exists")
