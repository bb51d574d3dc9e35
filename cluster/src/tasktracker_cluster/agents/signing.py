"""Requests for certificates: the key of a machine never leaves it."""

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tasktracker_cluster.agents.certificates import (
    Identity,
    Role,
    make_key,
    private_pem,
    sign,
)
from tasktracker_cluster.errors import UnfitRequestError


def request() -> Identity:
    """Make a key, and a request for a certificate of it in the place of the certificate."""
    key = make_key()
    made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    pem = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    return Identity(pem.decode(), private_pem(key))


def fulfil(issuer: Identity, role: Role, request: str) -> str:
    """Sign the key of a request for a role. Only the role decides the names in the certificate.

    Raises UnfitRequestError when it is no request, or not signed with its own key.
    """
    try:
        found = x509.load_pem_x509_csr(request.encode())
        public_key = found.public_key()
        is_signed = found.is_signature_valid
    except ValueError as error:
        raise UnfitRequestError("This is no request for a certificate.") from error
    if not is_signed or not isinstance(public_key, ec.EllipticCurvePublicKey):
        raise UnfitRequestError("The request for a certificate is not signed with its own key.")
    return sign(issuer, role, public_key)
