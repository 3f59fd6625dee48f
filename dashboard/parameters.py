"""What several endpoints take, bounded."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Form, Path, Query

Name = Annotated[str, Path(max_length=200)]
WordQuery = Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")]
PathId = Annotated[str, Path(max_length=100, pattern=r"^[^\x00]*$")]
Short = Annotated[str, Form(max_length=200, pattern=r"^[^\x00]*$")]
Password = Annotated[str, Form(max_length=300)]
Format = Annotated[Literal["json", "csv", "xlsx"] | None, Query(description="Instead of the header Accept.")]
