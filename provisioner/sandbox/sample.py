"""Where the sample `access/` tree lies that `provision demo` runs and the documentation explains.

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
    packaged = _PACKAGE / "sample_access"
    if packaged.is_dir():
        return packaged
    checkout = _PACKAGE.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / "access").is_dir():
        return checkout / "access"
    raise FileNotFoundError(f"the sample access files are missing: neither {packaged} nor {checkout / 'access'} exists")
