"""Asking web sites politely."""

from autolabel_core.fetching.client import PoliteClient, agent_name
from autolabel_core.fetching.question import RefusedError

__all__ = ["PoliteClient", "RefusedError", "agent_name"]
