# SPDX-License-Identifier: Apache-2.0
"""Opens an export with nothing but its key and the article ImportAndExport.

    export_reader.py FILE --private-key-file FILE
    export_reader.py FILE --passphrase-file FILE

Prints one JSON object: how it ended, and the lines. Exit status: 0 whole, 1 damaged, 2 another key.
"""

import argparse
import hashlib
import json
import struct
import sys

import nacl.bindings as sodium
import nacl.exceptions

HEADER_BYTES = 256
CHUNK_TAG_BYTES = 17
LINES_BYTES_MAX = 65_001
# What a connection has its tokens by, where that has no refresh token.
GRANTS_WITHOUT_REFRESH_TOKEN = {"client_credentials", "jwt_bearer"}
OPERATIONS, MEMORY_BYTES = 3, 256 << 20


class Damage(Exception):
    """The file is not what was written."""


class OtherKey(Exception):
    """It was sealed with another key."""


def stream_key(header, passphrase, private_key):
    kind = header[10]
    if kind == 1:
        if passphrase is None:
            raise OtherKey("it takes a passphrase")
        operations, memory = struct.unpack_from("<QQ", header, 16)
        if (operations, memory) != (OPERATIONS, MEMORY_BYTES):
            raise Damage("other limits of Argon2id")
        return sodium.crypto_pwhash_alg(
            32, passphrase, header[32:48], operations, memory,
            sodium.crypto_pwhash_ALG_ARGON2ID13)
    if kind != 2:
        raise Damage("an unknown kind")
    if private_key is None:
        raise OtherKey("it takes a private key")
    public_key = sodium.crypto_scalarmult_base(private_key)
    if public_key != header[48:80]:
        raise OtherKey("it was sealed to another public key")
    try:
        return sodium.crypto_box_seal_open(header[80:160], public_key, private_key)
    except nacl.exceptions.CryptoError as error:
        raise Damage("the box does not open") from error


def lines(data, passphrase, private_key):
    header = data[:HEADER_BYTES]
    if header[:8] != b"TKEXPORT" or len(header) < HEADER_BYTES:
        raise Damage("no header")
    if hashlib.blake2b(header[:224], digest_size=32).digest() != header[224:]:
        raise Damage("the header was changed")
    if struct.unpack_from("<H", header, 8) != (1,):
        raise Damage("an unknown version")
    key = stream_key(header, passphrase, private_key)
    if hashlib.blake2b(header[:192], digest_size=32, key=key).digest() != header[192:224]:
        raise OtherKey("the commitment is of another key")
    state = sodium.crypto_secretstream_xchacha20poly1305_state()
    sodium.crypto_secretstream_xchacha20poly1305_init_pull(state, header[160:184], key)
    offset = HEADER_BYTES
    text = b""
    while True:
        head = data[offset : offset + 4]
        if len(head) < 4:
            raise Damage("cut short")
        (count,) = struct.unpack("<I", head)
        if not CHUNK_TAG_BYTES <= count <= LINES_BYTES_MAX + CHUNK_TAG_BYTES:
            raise Damage("a length out of range")
        chunk = data[offset + 4 : offset + 4 + count]
        if len(chunk) < count:
            raise Damage("cut short")
        try:
            piece, tag = sodium.crypto_secretstream_xchacha20poly1305_pull(state, chunk, head)
        except (RuntimeError, nacl.exceptions.CryptoError) as error:
            raise Damage("a chunk does not open") from error
        text += piece
        offset += 4 + count
        if tag == sodium.crypto_secretstream_xchacha20poly1305_TAG_FINAL:
            break
    if offset != len(data):
        raise Damage("something follows the end")
    found = [json.loads(line) for line in text.decode().split("\n") if line]
    for line in found:
        grant = line.setdefault("grant", "authorization_code")
        if grant in GRANTS_WITHOUT_REFRESH_TOKEN and "refresh_token" in line:
            raise Damage("a refresh token of a grant that has none")
    return found


def secret(path):
    if path is None:
        return None
    with open(path, "rb") as file:
        return file.read().rstrip(b"\r\n")


def main():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("file")
    parser.add_argument("--private-key-file")
    parser.add_argument("--passphrase-file")
    options = parser.parse_args()
    private_key = secret(options.private_key_file)
    with open(options.file, "rb") as file:
        data = file.read()
    try:
        found = lines(
            data, secret(options.passphrase_file),
            None if private_key is None else bytes.fromhex(private_key.decode()))
    except Damage as damage:
        print(json.dumps({"end": "damaged", "why": str(damage), "lines": []}))
        return 1
    except OtherKey as other:
        print(json.dumps({"end": "other key", "why": str(other), "lines": []}))
        return 2
    print(json.dumps({"end": "whole", "why": "", "lines": found}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
