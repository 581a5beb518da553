"""Events that operators invoke functions with."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cratekeeper.domain.access import Role
from cratekeeper.domain.errors import Invalid


class CreateKey(BaseModel):
    """Make a user, or change the role, and give them a key."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["create_key"]
    user_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@|:-]{0,63}$")]
    role: Role

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> "CreateKey":
        """The checked event. Raises Invalid, naming what is wrong."""
        try:
            return cls.model_validate(event)
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False)
            raise Invalid("; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in found)) from None
