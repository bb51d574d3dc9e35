"""Who may read and write tasks: whoever has logged in, and tokens with the scope for it."""

from typing import Annotated

from fastapi import Depends

from servicekit.tokens import Caller, Principal

Reader = Annotated[Principal, Depends(Caller("tasks:read"))]
Writer = Annotated[Principal, Depends(Caller("tasks:write"))]
