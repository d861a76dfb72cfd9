# SPDX-License-Identifier: Apache-2.0
"""The bytes of a vault, after the document RecordFormat alone: nothing here reads a file.

Pure functions from bytes to values, for the reader, the adversary and the writer of test vaults.
"""

import hashlib
import struct
from dataclasses import dataclass

import nacl.bindings
import nacl.exceptions

MAGIC = b"TKVAULT1"
FORMAT = 1
PAGE_BYTES = 4096
SLOT_BYTES = 128
NO_SLOT = 0xFFFFFFFF
RECORD_OVERHEAD = 64  # header, nonce and tag
BUCKETS = (468, 978, 1998, 4080, 8176, 16368, 32752, 65520)
ATTEMPTS_IN_A_BATCH = 256
EVENTS_KEPT = 100_000

CONNECTION, APPLICATION, ROOT, FLOW, EVENT, BATCH, FENCE = range(1, 8)
API_KEY, WEBHOOK = 8, 9
TYPE_NAMES = {
    CONNECTION: "connection", APPLICATION: "application", ROOT: "root", FLOW: "flow",
    EVENT: "event", BATCH: "batch", FENCE: "fence", API_KEY: "API key", WEBHOOK: "webhook",
}
SLOT_STATES = {1: "live"}
# The most generations by which a crash leaves a slot ahead of ROOT: those of one group of commits.
GENERATIONS_OF_A_GROUP = 256
EVENT_CODES = {
    1: "connect started", 2: "connected", 3: "connect failed", 4: "tokens put",
    5: "refresh delayed", 6: "recovered", 7: "grant lost", 8: "application rejected",
    9: "refresh refused", 10: "reply unread", 11: "attempt in doubt", 12: "token rejected",
    13: "disconnect started", 14: "disconnected", 15: "late answer",
    16: "storage refused", 17: "answer outstanding", 18: "grant replaced",
    19: "application removed", 20: "use failed", 21: "refreshed", 22: "connect denied",
    23: "account changed", 24: "expires soon",
}
CONNECTION_STATES = {1: "configured", 2: "active", 3: "failed", 4: "disconnecting"}

# Argon2id below these is refused: a lowered figure in HEADER must not make guessing cheap.
LEAST_OPERATIONS = 3
LEAST_MEMORY_BYTES = 256 << 20

# Kinds of fields: text, time, u8, u32, u64, i64, hash, pair, failure. A star marks one that may
# repeat.
CONNECTION_FIELDS = {
    1: ("id", "text"), 2: ("state", "u8"), 3: ("access token", "text"),
    4: ("refresh token", "text"), 5: ("token type", "text"), 6: ("granted scope", "text"),
    7: ("requested scope", "text"), 8: ("access token expiry", "time"),
    9: ("expiry source", "u8"), 10: ("refresh token expiry", "time"),
    11: ("application id", "text"), 12: ("created", "time"), 13: ("connected", "time"),
    14: ("last refreshed", "time"), 15: ("last used with success", "time"),
    16: ("failure", "failure"), 17: ("number of refreshes", "u64"), 21: ("label", "text"),
    22: ("success redirect", "text"), 23: ("failure redirect", "text"),
    24: ("redirect parameter", "pair*"), 25: ("authorization endpoint override", "text"),
    26: ("token endpoint override", "text"), 27: ("revocation endpoint override", "text"),
    28: ("scope override", "text*"), 29: ("unread token reply", "bytes"),
    30: ("start of the request that brought the tokens", "time"),
    31: ("oldest generation with these tokens", "u64"),
    32: ("start of the request that was answered by an unread reply", "time"),
    33: ("refresh token presented despite an unread reply", "u8"),
    36: ("what a refusal may mean", "u8"), 37: ("oldest generation with this failure", "u64"),
    38: ("earlier grants that may live on", "u32"), 39: ("present grant came by a code", "u8"),
    40: ("why the last refresh brought nothing", "failure"),
    41: ("oldest generation with this trouble", "u64"),
    42: ("what the platform said of a use that did not work", "failure"),
    43: ("until when the provider asked to be left alone", "time"),
    44: ("captured value", "pair*"), 45: ("value of a variable", "pair*"),
    46: ("own client id", "text"), 47: ("own client secret", "text"),
    48: ("name of a hidden value", "text*"), 50: ("account", "text"),
    51: ("grant", "u8"), 52: ("subject", "text"), 53: ("user scope override", "text*"),
    54: ("failure redirect carries an error", "u8"),
    57: ("earlier account", "text"),
    59: ("when it was told that the grant comes to its end", "time"),
}
APPLICATION_FIELDS = {
    1: ("id", "text"), 2: ("provider name", "text"), 3: ("authorization endpoint", "text"),
    4: ("token endpoint", "text"), 5: ("revocation endpoint", "text"), 6: ("issuer", "text"),
    7: ("client authentication", "u8"), 8: ("scope separator", "text"), 9: ("PKCE used", "u8"),
    10: ("authorization parameter", "pair*"), 11: ("token parameter", "pair*"),
    12: ("provider's default lifetime", "i64"), 13: ("reuse grace", "i64"),
    14: ("client id", "text"), 15: ("client secret", "text"), 16: ("redirect URI", "text"),
    17: ("scope", "text*"), 18: ("application's default lifetime", "i64"),
    19: ("refresh token's idle time", "i64"), 20: ("connection's lifetime", "i64"),
    21: ("refresh margin", "i64"), 22: ("most refreshes in flight", "u32"),
    23: ("most refreshes in a second", "u32"), 24: ("error of a lost grant", "text*"),
    25: ("access tokens expire", "u8"), 26: ("access token's exchange", "pair"),
    27: ("rotation", "u8"), 28: ("how long an answer is waited for", "i64"),
    29: ("token type sent as a bearer token", "text*"),
    30: ("answer of a lost grant", "pair*"), 31: ("a reconnect revokes", "u8"),
    32: ("every callback has an issuer", "u8"), 33: ("path of an answer's member", "pair*"),
    34: ("unit of lifetimes", "u8"), 35: ("code of a success", "pair*"),
    36: ("answer that passes", "pair*"), 37: ("path of a captured value", "pair*"),
    38: ("second connection", "pair*"), 39: ("path of an error code", "text*"),
    45: ("body of token requests", "u8"), 46: ("refresh endpoint", "text"),
    47: ("parameter of an exchange", "pair*"), 48: ("parameter of a refresh", "pair*"),
    49: ("header of requests", "pair*"),
    50: ("name of a parameter of the authorization request", "pair*"),
    51: ("name of a parameter of token requests", "pair*"),
    52: ("name of a parameter of the callback", "pair*"),
    53: ("a refresh repeats the redirect URI", "u8"), 54: ("nonce parameter", "text"),
    55: ("user scope parameter", "text"), 56: ("scope for a refresh token", "text*"),
    57: ("response type", "text"),
    60: ("variable", "pair*"), 61: ("further host of the API", "text*"),
    62: ("captured parameter", "pair*"),
    65: ("how tokens are revoked", "pair*"), 66: ("what is looked up", "pair*"),
    67: ("how callbacks are signed", "pair*"), 70: ("aud of signed assertions", "text"),
    72: ("client credentials grant type", "text"),
    73: ("client credentials parameter", "pair*"),
    74: ("claim of an assertion", "pair*"),
    75: ("device authorization endpoint", "text"),
    76: ("how device authorization works", "pair*"),
    256: ("oldest generation with these credentials", "u64"), 257: ("what was changed", "u8"),
    258: ("user scope", "text*"), 259: ("value of a variable", "pair*"),
    260: ("private key", "bytes"), 261: ("key id", "text"), 262: ("signing algorithm", "u8"),
    264: ("when the issuer's documents were fetched", "time"),
    265: ("where a document of the issuer's was", "text*"),
    266: ("setting that follows the documents", "text*"),
    267: ("other accounts refused", "u8"),
}
FLOW_FIELDS = {
    1: ("connection id", "text"), 2: ("application id", "text"), 3: ("PKCE code verifier", "text"),
    4: ("browser binding", "hash"), 5: ("started", "time"), 6: ("expires", "time"),
    7: ("requested scope", "text"), 8: ("success redirect", "text"),
    9: ("failure redirect", "text"), 10: ("redirect parameter", "pair*"),
    11: ("value of a variable", "pair*"), 12: ("own client id", "text"),
    13: ("own client secret", "text"), 14: ("name of a hidden value", "text*"),
    15: ("device code", "text"), 16: ("interval of polls", "i64"), 17: ("user code", "text"),
    18: ("verification URI", "text"), 19: ("verification URI with the code", "text"),
    20: ("name of the flow", "text"), 21: ("awaits confirmation", "u8"),
    22: ("query of the callback", "text"), 23: ("scope of a link", "text*"),
    24: ("user scope of a link", "text*"),
}
API_KEY_FIELDS = {
    1: ("id", "text"), 2: ("name", "text"), 3: ("hash of its secret", "hash"),
    4: ("what it may do", "text*"), 5: ("which connections", "text"), 6: ("created", "time"),
    7: ("expires", "time"),
}
WEBHOOK_FIELDS = {
    1: ("id", "text"), 2: ("URL", "text"), 3: ("key", "bytes"), 4: ("key before", "bytes"),
    5: ("until when the key before signs", "time"), 6: ("type of event", "text*"),
    7: ("last event dealt with", "u64"), 8: ("created", "time"), 9: ("last success", "time"),
    10: ("last failure", "time"), 11: ("number of the last failure", "i64"),
    12: ("first attempt of the next event", "time"), 13: ("failed attempts", "u32"),
    14: ("next attempt", "time"), 15: ("why it has stopped", "u8"),
    16: ("events that were gone", "u64"),
}
FIELDS = {
    CONNECTION: CONNECTION_FIELDS, APPLICATION: APPLICATION_FIELDS, FLOW: FLOW_FIELDS,
    API_KEY: API_KEY_FIELDS, WEBHOOK: WEBHOOK_FIELDS,
}
# What lies in `records`, under a data key of its own.
KINDS_WITH_SLOTS = (CONNECTION, APPLICATION, API_KEY, WEBHOOK)
FIELD_BYTES = {"time": 8, "u8": 1, "u32": 4, "u64": 8, "i64": 8, "hash": 32, "failure": 14}


class Damage(Exception):
    """Bytes that are not what the document says. `kind` is stable; the text is for people."""

    def __init__(self, kind, text):
        super().__init__(text)
        self.kind = kind


class CannotOpen(Exception):
    """Not damage: the key, the format or the files are not those of a vault we can open."""


# Keys and primitives.


def keyed_hash(key, message):
    return hashlib.blake2b(message, digest_size=32, key=key).digest()


def plain_hash(message):
    return hashlib.blake2b(message, digest_size=32).digest()


def derive(key, number, context):
    return hashlib.blake2b(
        b"", digest_size=32, key=key, salt=struct.pack("<QQ", number, 0),
        person=context + bytes(8)).digest()


def seal(key, nonce, plaintext, associated):
    return nacl.bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(
        plaintext, associated, nonce, key)


def unseal(key, nonce, ciphertext, associated):
    """The plaintext, or None where the tag does not hold."""
    try:
        return nacl.bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(
            ciphertext, associated, nonce, key)
    except nacl.exceptions.CryptoError:
        return None


def root_key_of_passphrase(passphrase, operations, memory_bytes, salt):
    if operations < LEAST_OPERATIONS or memory_bytes < LEAST_MEMORY_BYTES:
        raise CannotOpen(
            f"Argon2id with {operations} operations and {memory_bytes} bytes is refused: "
            f"at least {LEAST_OPERATIONS} and {LEAST_MEMORY_BYTES}")
    return nacl.bindings.crypto_pwhash_alg(
        32, passphrase, salt, operations, memory_bytes,
        nacl.bindings.crypto_pwhash_ALG_ARGON2ID13)


@dataclass(frozen=True)
class TermKeys:
    """The five keys of a term and what is derived from them."""

    number: int
    vault: bytes
    blinding: bytes
    store_mac: bytes
    event: bytes
    flow: bytes

    @property
    def slot(self):
        return derive(self.vault, 1, b"tkv1slot")

    def sealing(self, kind):
        """The key of a record without a slot."""
        return {
            ROOT: lambda: derive(self.store_mac, 1, b"tkv1root"),
            EVENT: lambda: derive(self.event, 1, b"tkv1evnt"),
            BATCH: lambda: derive(self.event, 2, b"tkv1wave"),
            FENCE: lambda: derive(self.event, 2, b"tkv1wave"),
        }[kind]()

    def record_key(self, kind, identifier):
        return keyed_hash(self.blinding, bytes([kind]) + identifier)

    def flow_key(self, state):
        return keyed_hash(derive(self.flow, 2, b"tkv1flid"), state)

    def mac_element(self, record_key, generation, tag):
        return keyed_hash(self.store_mac, record_key + struct.pack("<Q", generation) + tag)


def flow_sealing(data_key):
    """The key of a connection's pending authorizations."""
    return derive(data_key, 1, b"tkv1flow")


# HEADER.


@dataclass(frozen=True)
class HeaderPage:
    raw: bytes
    format: int
    least_reader: int
    number: int
    vault_id: bytes
    derivation: int
    operations: int
    memory_bytes: int
    salt: bytes
    commitment: bytes
    current_term: int
    term_count: int


def parse_header_page(raw):
    """What a page says, once its unkeyed sum holds. Raises Damage or CannotOpen."""
    if len(raw) != PAGE_BYTES:
        raise Damage("header.damaged", f"has {len(raw)} bytes instead of {PAGE_BYTES}")
    if plain_hash(raw[:4064]) != raw[4064:]:
        raise Damage("header.damaged", "its sum does not hold")
    if raw[:8] != MAGIC:
        raise CannotOpen("not a vault: HEADER does not start with TKVAULT1")
    form, least = struct.unpack_from("<HH", raw, 8)
    if least > FORMAT:
        raise CannotOpen(f"format {form} wants a reader that knows {least}; this one knows 1")
    number, = struct.unpack_from("<Q", raw, 16)
    derivation = raw[40]
    operations, memory_bytes = struct.unpack_from("<QQ", raw, 48)
    current, count = struct.unpack_from("<II", raw, 112)
    return HeaderPage(
        raw, form, least, number, raw[24:40], derivation, operations, memory_bytes, raw[64:80],
        raw[80:112], current, count)


def wrap_key(root_key):
    return derive(root_key, 1, b"tkv1wrap")


def commitment(root_key):
    return derive(root_key, 2, b"tkv1comt")


def header_mac_holds(page, root_key):
    return keyed_hash(wrap_key(root_key), page.raw[:4032]) == page.raw[4032:4064]


def term_associated(vault_id, number):
    return b"tkv1term" + vault_id + struct.pack("<I", number)


def unwrap_term(raw, vault_id, root_key):
    """The keys of one term of 256 bytes, or None where the root key does not open it."""
    number, = struct.unpack_from("<I", raw, 0)
    keys = unseal(wrap_key(root_key), raw[8:32], raw[32:208], term_associated(vault_id, number))
    return keys and TermKeys(number, *(keys[i:i + 32] for i in range(0, 160, 32)))


def terms_of_page(page, root_key):
    """The keys of each term, by number. Raises Damage."""
    if page.term_count not in (1, 2):
        raise Damage("header.malformed", f"holds {page.term_count} terms instead of 1 or 2")
    terms = {}
    for i in range(page.term_count):
        term = unwrap_term(page.raw[120 + 256 * i:376 + 256 * i], page.vault_id, root_key)
        if term is None:
            raise Damage("header.altered", f"term {i + 1} of {page.term_count} does not open")
        terms[term.number] = term
    if page.current_term not in terms:
        raise Damage("header.malformed", f"does not hold its current term {page.current_term}")
    return terms


# SLOTS.


@dataclass(frozen=True)
class Slot:
    version: int
    algorithm: int
    state: int
    term: int
    generation: int
    record_key: bytes
    raw: bytes


def parse_slot(raw):
    version, algorithm, state, _, term, generation = struct.unpack_from("<BBBBIQ", raw)
    return Slot(version, algorithm, state, term, generation, raw[16:48], raw)


def slot_associated(vault_id, number, raw):
    return b"tkv1slot" + vault_id + struct.pack("<I", number) + raw[:48]


def open_slot(raw, number, vault_id, slot_key):
    """The data key, or None."""
    return unseal(slot_key, raw[48:72], raw[72:120], slot_associated(vault_id, number, raw))


# Records.


@dataclass(frozen=True)
class Record:
    version: int
    algorithm: int
    type: int
    term: int
    slot: int
    generation: int
    raw: bytes

    @property
    def tag(self):
        return self.raw[-16:]


def parse_record(raw):
    if len(raw) < RECORD_OVERHEAD:
        raise Damage("record.malformed", f"has {len(raw)} bytes, fewer than a header and a tag")
    version, algorithm, kind, _, term, slot, _, generation = struct.unpack_from("<BBBBIIIQ", raw)
    return Record(version, algorithm, kind, term, slot, generation, raw)


def record_associated(vault_id, lmdb_key, raw):
    return b"tkv1recd" + vault_id + lmdb_key + raw[:24]


def open_record(raw, lmdb_key, vault_id, key):
    """The plaintext with its padding, or None."""
    return unseal(key, raw[24:48], raw[48:], record_associated(vault_id, lmdb_key, raw))


def unpad(padded):
    end = len(padded) - 1
    while end >= 0 and padded[end] == 0:
        end -= 1
    if end < 0 or padded[end] != 0x80:
        raise Damage("record.padding", "its plaintext does not end in 0x80 and zeros")
    return padded[:end]


def parse_fields(plaintext):
    """The list of (tag, value). Raises Damage where tags descend or a length runs over the end."""
    fields, at, last = [], 0, 0
    while at < len(plaintext):
        if at + 6 > len(plaintext):
            raise Damage("record.fields", "ends inside a field's tag and length")
        tag, length = struct.unpack_from("<HI", plaintext, at)
        if tag < last:
            raise Damage("record.fields", f"has field {tag} behind field {last}")
        if at + 6 + length > len(plaintext):
            raise Damage("record.fields", f"field {tag} runs over the end")
        fields.append((tag, plaintext[at + 6:at + 6 + length]))
        at += 6 + length
        last = tag
    return fields


def check_fields(kind, fields):
    """Raises Damage where a known field has the wrong length, repeats or is no text."""
    seen = set()
    for tag, value in fields:
        name, form = FIELDS[kind].get(tag, (f"field {tag}", "bytes*"))
        if tag in seen and not form.endswith("*"):
            raise Damage("record.fields", f"{name} occurs twice")
        seen.add(tag)
        form = form.rstrip("*")
        if form in FIELD_BYTES and len(value) != FIELD_BYTES[form]:
            raise Damage("record.fields", f"{name} has {len(value)} bytes")
        if form == "pair":
            parse_pair(value)
        if form == "text":
            try:
                value.decode()
            except UnicodeDecodeError:
                raise Damage("record.fields", f"{name} is not UTF-8") from None


def parse_pair(value):
    if len(value) < 2 or 2 + struct.unpack_from("<H", value)[0] > len(value):
        raise Damage("record.fields", "a pair's name runs over its end")
    end = 2 + struct.unpack_from("<H", value)[0]
    return value[2:end], value[end:]


def field_value(kind, tag, value):
    """A field as JSON can hold it."""
    form = FIELDS[kind].get(tag, ("", "bytes"))[1].rstrip("*")
    if form == "text":
        return value.decode()
    if form == "pair":
        return [part.decode(errors="replace") for part in parse_pair(value)]
    if form in ("time", "i64"):
        return struct.unpack("<q", value)[0]
    if form == "failure":
        code, status, time = struct.unpack("<Hiq", value)
        return {"code": code, "status": status, "time": time}
    if form in ("u8", "u32", "u64"):
        return int.from_bytes(value, "little")
    return value.hex()


# The records of fixed layout.


@dataclass(frozen=True)
class RootRecord:
    count: int
    generation: int
    next_event: int
    next_batch: int
    store_mac: bytes


def parse_root(plaintext):
    if len(plaintext) != 64:
        raise Damage("root.malformed", f"has {len(plaintext)} bytes instead of 64")
    return RootRecord(*struct.unpack("<QQQQ32s", plaintext))


def parse_event(plaintext):
    if len(plaintext) != 56:
        raise Damage("event.malformed", f"has {len(plaintext)} bytes instead of 56")
    time, key, code, number = struct.unpack("<q32sH6xq", plaintext)
    return {"time": time, "record": key.hex() if any(key) else None, "code": code,
            "event": EVENT_CODES.get(code), "number": number}


def parse_batch(plaintext):
    if len(plaintext) < 8 or (len(plaintext) - 8) % 40:
        raise Damage("batch.malformed", f"has {len(plaintext)} bytes")
    if len(plaintext) > 8 + 40 * ATTEMPTS_IN_A_BATCH:
        raise Damage("batch.malformed", f"has more than {ATTEMPTS_IN_A_BATCH} attempts")
    attempts = [
        {"record": plaintext[i:i + 32].hex(),
         "generation": struct.unpack_from("<Q", plaintext, i + 32)[0]}
        for i in range(8, len(plaintext), 40)]
    return {"time": struct.unpack_from("<q", plaintext)[0], "attempts": attempts}


def parse_fence(plaintext):
    if len(plaintext) != 16:
        raise Damage("fence.malformed", f"has {len(plaintext)} bytes instead of 16")
    slot, generation = struct.unpack("<I4xQ", plaintext)
    return {"slot": slot, "generation": generation}
