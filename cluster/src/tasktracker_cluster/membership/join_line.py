"""The line that lets one machine join: where to, whom to trust, and a secret that works once."""

import hashlib
import hmac
import re
from dataclasses import dataclass

from tasktracker_cluster.errors import BadJoinLineError

_WORD = "tasktracker"
_FORM = re.compile(
    rf"{_WORD}:([0-9.]+):([0-9]+):([0-9a-f]{{64}}):([\w-]{{43}}):([0-9a-f]{{8}})", re.ASCII
)


@dataclass(frozen=True, repr=False)
class JoinLine:
    """The address and port of the first machine, the SHA-256 of its certificate, and the secret."""

    address: str
    port: int
    fingerprint: str
    secret: str

    @classmethod
    def parse(cls, text: str) -> "JoinLine":
        """Read a line. Raises BadJoinLineError when it is incomplete or altered."""
        found = _FORM.fullmatch(text.strip())
        if found:
            line = cls(found[1], int(found[2]), found[3], found[4])
            if hmac.compare_digest(line.text, text.strip()):
                return line
        raise BadJoinLineError(
            "The join line is incomplete or altered.",
            "Copy the whole line that `./just invite` printed on the first machine.",
        )

    @property
    def text(self) -> str:
        """The line. Its last part is a check sum."""
        line = f"{_WORD}:{self.address}:{self.port}:{self.fingerprint}:{self.secret}"
        return f"{line}:{hashlib.sha256(line.encode()).hexdigest()[:8]}"
