"""Certificates for a test: an authority of its own, and one that it signs for this machine."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path


def make_certificates(folder: Path, name: str = "test") -> tuple[Path, Path, Path]:
    """Write the files of an authority's certificate, of one for 127.0.0.1 and localhost, and of its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    now = datetime.now(UTC)

    def build(subject: str, issuer: str, key, signer, is_authority: bool):
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=2))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        )
        if is_authority:
            usage = dict.fromkeys(
                ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
                False,
            )
            usage |= {"key_cert_sign": True, "crl_sign": True, "encipher_only": False, "decipher_only": False}
            builder = builder.add_extension(x509.KeyUsage(**usage), critical=True)
        else:
            names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(signer, hashes.SHA256())

    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = build(f"{name} authority", f"{name} authority", authority_key, authority_key, True)
    certificate = build("localhost", f"{name} authority", key, authority_key, False)
    folder.mkdir(parents=True, exist_ok=True)
    paths = tuple(folder / f"{name}-{part}.pem" for part in ("authority", "certificate", "key"))
    paths[0].write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[2].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths
