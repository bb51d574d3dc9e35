"""Which passwords are refused, after NIST SP 800-63B: what an attacker tries first.

There are no rules of composition. Length is a matter of the body's schema, 8 to 128 characters.
"""

from zxcvbn.frequency_lists import FREQUENCY_LISTS  # type: ignore[import-untyped] # it has no types

from user_service.domain.errors import PasswordRefusedError

_COMMON = frozenset[str](FREQUENCY_LISTS["passwords"])


def check(password: str, *, username: str, email: str, field: str = "password") -> None:
    """Raises PasswordRefusedError for a common password and for one's own name."""
    folded = password.casefold()
    if folded in _COMMON:
        raise PasswordRefusedError(field, "This is one of the most common passwords.")
    mailbox, _, _ = email.partition("@")
    if folded in {name.casefold() for name in (username, email, mailbox)}:
        raise PasswordRefusedError(field, "This is your own username or email address.")
