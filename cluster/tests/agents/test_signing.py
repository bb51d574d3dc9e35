"""agents.signing: a key never travels, and the role alone decides a certificate's names."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from tasktracker_cluster.agents import certificates, signing
from tasktracker_cluster.agents.certificates import CONSUL_CLIENT, Identity
from tasktracker_cluster.errors import UnfitRequestError


def test_the_certificate_is_for_the_key_of_the_request() -> None:
    issuer, made = certificates.make_authority(), signing.request()
    signed = Identity(signing.fulfil(issuer, CONSUL_CLIENT, made.certificate), made.key)
    assert certificates.is_valid(signed, issuer)
    key = serialization.load_pem_private_key(made.key.encode(), password=None)
    assert signed.x509.public_key() == key.public_key()
    assert "PRIVATE" not in made.certificate


def test_names_that_the_request_asks_for_are_ignored() -> None:
    wanted = x509.SubjectAlternativeName([x509.DNSName("server.dc1.consul")])
    key = certificates.make_key()
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .add_extension(wanted, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
        .decode()
    )
    signed = signing.fulfil(certificates.make_authority(), CONSUL_CLIENT, request)
    found = Identity(signed, "").x509.extensions
    names = found.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["client.dc1.consul"]
    assert not found.get_extension_for_class(x509.BasicConstraints).value.ca


@pytest.mark.parametrize("text", ["", "no request", "-----BEGIN CERTIFICATE REQUEST-----"])
def test_what_is_no_request_is_refused(text: str) -> None:
    with pytest.raises(UnfitRequestError):
        signing.fulfil(certificates.make_authority(), CONSUL_CLIENT, text)
