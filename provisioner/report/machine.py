"""JSON as it is printed: indented, keys in their own order, pure ASCII, so that no terminal or log can be misled."""

from provisioner.model.canonical import readable_json as json_text

__all__ = ["json_text"]
