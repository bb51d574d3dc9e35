"""Leaf certificates from Consul's authority, requested over gRPC as a sidecar does it.

The HTTP endpoint for them is blocked. consul/agent/base.hcl gives the reason.
"""

import os
import ssl
import tempfile

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tasktracker_cluster.testing.throwaway import ThrowawayCluster

SIGN = "/hashicorp.consul.connectca.ConnectCAService/Sign"
LIMIT_SECONDS = 180  # generous: a machine may be busy


def client_of(cluster: ThrowawayCluster, service: str, token: str) -> ssl.SSLContext:
    """Return a TLS client with a certificate of `service`, signed for the holder of `token`."""
    roots = cluster.consul.call("GET", "/v1/agent/connect/ca/roots")
    key = ec.generate_private_key(ec.SECP256R1())
    name = f"spiffe://{roots['TrustDomain']}/ns/default/dc/dc1/svc/{service}"
    context = ssl.create_default_context(cadata="".join(r["RootCert"] for r in roots["Roots"]))
    context.check_hostname = False  # names are SPIFFE ids: the tests compare them
    with tempfile.NamedTemporaryFile("wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(_sign(cluster, _request(key, name), token) + _pem(key))
        file.flush()
        context.load_cert_chain(file.name)
    return context


def _request(key: ec.EllipticCurvePrivateKey, name: str) -> bytes:
    names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(name)])
    builder = x509.CertificateSigningRequestBuilder(x509.Name([])).add_extension(names, True)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _sign(cluster: ThrowawayCluster, request: bytes, token: str) -> bytes:
    # Request and response have one string each (proto-public/pbconnectca): fields 1 and 2.
    with grpc.insecure_channel(f"unix:{cluster.site.run}/consul-grpc.sock") as channel:
        sign: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(SIGN)
        answer = sign(
            b"\x0a" + _varint(len(request)) + request,
            metadata=(("x-consul-token", token),),
            timeout=LIMIT_SECONDS,
        )
    return answer[answer.index(b"-----BEGIN") :]


def _varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])
