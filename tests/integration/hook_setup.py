"""Hooks of a stand's cluster: two live secrets, a URL token, and a loop that nothing but a poke wakes."""

import base64

SECRET = "whsec_" + base64.b64encode(b"a secret of these tests, 32 byte").decode()
OLD_SECRET = "whsec_" + base64.b64encode(b"the one before it, 32 bytes long").decode()

URL_TOKEN = "a-token-of-these-tests-0123456789"


def configure(stand, text, name="test.toml"):
    (stand.state / "conf.d").mkdir(exist_ok=True)
    (stand.state / "conf.d" / name).write_text(text)


def secret_file(stand, name, text):
    path = stand.state / name
    path.write_text(text)
    path.chmod(0o600)
    return path


def with_hooks(stand, idle="1h"):
    """Hooks of the cluster `local`, and a loop that nothing but a poke wakes."""
    files = [secret_file(stand, "hook-1", SECRET), secret_file(stand, "hook-2", OLD_SECRET)]
    token = secret_file(stand, "url-token", URL_TOKEN)
    names = ", ".join(f'"{path}"' for path in files)
    configure(stand, f'[loop]\nidle_interval = "{idle}"\n'
                     f'[cluster.local.hooks]\nsecret_files = [{names}]\nurl_token_file = "{token}"\n')
