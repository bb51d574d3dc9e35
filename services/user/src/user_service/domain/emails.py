"""One spelling for every email address."""

from email_validator import validate_email


def normalize(address: str) -> str:
    """Return `address` in Unicode NFC with its domain in lower case, at most 254 characters.

    Only the syntax is checked, without DNS, and .test is allowed. Raises ValueError
    (email_validator.EmailNotValidError).
    """
    return validate_email(address, check_deliverability=False, test_environment=True).normalized
