"""A polite client for web sites."""

from autolabel_core.identify.web.polite_client import PoliteClient, agent_name
from autolabel_core.identify.web.request import RefusedError

__all__ = ["PoliteClient", "RefusedError", "agent_name"]
