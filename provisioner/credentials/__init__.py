"""Secret values while we hold them: for the moments between the system that made them and the store they go to."""

from provisioner.credentials.drawn import draw, id_of
from provisioner.credentials.secret import Secret

__all__ = ["Secret", "draw", "id_of"]
