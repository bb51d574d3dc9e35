"""Types of the fields of requests, with their bounds."""

import unicodedata
from functools import partial
from typing import Annotated

from pydantic import AfterValidator, Field

from servicekit.fields import CleanText
from user_service.domain import emails

Email = Annotated[
    CleanText,
    Field(max_length=254, json_schema_extra={"format": "email"}, examples=["john@example.com"]),
    AfterValidator(emails.normalize),
]
# Not behind a validator: OpenAPI would not show the pattern.
Username = Annotated[
    str,
    Field(min_length=3, max_length=100, pattern=r"^[A-Za-z0-9._-]+$", examples=["johndoe"]),
]
FullName = Annotated[CleanText, Field(min_length=1, max_length=255, examples=["John Doe"])]
# Keyboards compose the same character in different ways. Nothing else is changed or cut off.
Password = Annotated[CleanText, AfterValidator(partial(unicodedata.normalize, "NFC"))]
NewPassword = Annotated[
    Password,
    Field(min_length=8, max_length=128, json_schema_extra={"format": "password"}),
]
# What a login claims. It has bounds, but a wrong one is a 401, not a 422.
GivenLogin = Annotated[CleanText, Field(min_length=1, max_length=254, examples=["johndoe"])]
GivenPassword = Annotated[
    Password,
    Field(min_length=1, max_length=128, json_schema_extra={"format": "password"}),
]
GivenRefreshToken = Annotated[str, Field(min_length=1, max_length=128)]
