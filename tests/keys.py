"""The key that tests, and the processes they start, keep secrets with."""

from hundi.kernel.sealing import keyring_from, new_key

KEY = new_key(bytes)  # 256 bits, all of them zero
KEYRING = keyring_from(KEY)
