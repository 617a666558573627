"""Types of input files → JSON Schema, for editors."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from mastic.lint.cases import Case
from mastic.model.cloud import Cloud
from mastic.model.customise import Customisation
from mastic.model.service import Service

FILES: dict[str, type[BaseModel]] = {"cloud": Cloud, "service": Service, "case": Case, "images": Customisation}
"""What a schema is for → the type that checks it: `cloud.yml`, `service.yml`, `cases/*.yml`, `images/images.yml`."""


def json_schema(name: str) -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of one kind of input file."""
    schema = FILES[name].model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
