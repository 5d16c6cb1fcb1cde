"""Real certificates for tests, made by openssl."""

import subprocess

NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def openssl(folder, *words):
    return subprocess.run(["openssl", *map(str, words)], cwd=folder, check=True, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def self_signed(key, certificate, name="x", days=30):
    """A key and a certificate signed by itself; with `days` below zero it is over."""
    openssl(key.parent, "req", "-x509", *NEW_KEY, "-days", 1, "-subj", f"/CN={name}", "-keyout", key,
            "-out", certificate)
    # Only this one takes days that are over.
    certificate.write_bytes(openssl(key.parent, "x509", "-in", certificate, "-signkey", key, "-days", days))


def chain(folder, names):
    """Root, intermediate and leaf for these names (`IP:127.0.0.1`): root.pem, chain.pem and leaf.key."""
    (folder / "ca.ext").write_text("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n")
    (folder / "leaf.ext").write_text(f"subjectAltName={names}\n")
    issuer = None
    for name, extensions in (("root", "ca.ext"), ("middle", "ca.ext"), ("leaf", "leaf.ext")):
        openssl(folder, "req", "-new", *NEW_KEY, "-keyout", f"{name}.key", "-subj", f"/CN={name}", "-out", f"{name}.csr")
        signer = (("-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key", "-CAcreateserial") if issuer
                  else ("-signkey", f"{name}.key"))
        openssl(folder, "x509", "-req", "-in", f"{name}.csr", *signer, "-days", 30, "-extfile", extensions,
                "-out", f"{name}.pem")
        issuer = name
    (folder / "chain.pem").write_text((folder / "leaf.pem").read_text() + (folder / "middle.pem").read_text())
