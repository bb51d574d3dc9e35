"""Field types for request bodies and parameters."""

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

# For the document. No pattern can exclude lone surrogates, which only escapes can produce.
_NO_NUL = Field(json_schema_extra={"pattern": r"^[^\x00]*$"})


def _clean(text: str) -> str:
    """Refuse NUL, which PostgreSQL cannot store, and lone surrogates, which UTF-8 cannot encode."""
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise PydanticCustomError("text_characters", "Text must not contain NUL or lone surrogates")
    return text


CleanText = Annotated[str, _NO_NUL, AfterValidator(_clean)]

# The largest integer of PostgreSQL. A larger id would be an error of the database.
MAXIMUM_ID = 2**31 - 1
Id32 = Annotated[int, Field(ge=1, le=MAXIMUM_ID)]
