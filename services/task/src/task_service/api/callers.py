"""Who may read and write tasks: whoever has logged in, and tokens with the scope for it."""

from typing import Annotated

from fastapi import Depends

from servicekit.principal import Principal
from servicekit.tokens import Caller

Reader = Annotated[Principal, Depends(Caller("tasks:read"))]
Writer = Annotated[Principal, Depends(Caller("tasks:write"))]
