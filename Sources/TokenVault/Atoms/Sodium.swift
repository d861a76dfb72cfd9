// SPDX-License-Identifier: Apache-2.0

internal import CSodium

/// libsodium, under its own names and the only place that imports it.
///
/// Every function takes spans, so that key and plaintext stay where they are. `ready` must be true
/// before any of them runs: without `sodium_init` the slow portable code runs and nothing
/// complains.
enum Sodium {
    static let keyBytes = 32
    static let nonceBytes = Int(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES)
    static let tagBytes = Int(crypto_aead_xchacha20poly1305_ietf_ABYTES)
    static let hashBytes = 32
    static let saltBytes = Int(crypto_pwhash_SALTBYTES)

    /// Runs `sodium_init` once for the process.
    static let ready: Bool = sodium_init() >= 0

    static func wipe(_ start: UnsafeMutableRawPointer, _ count: Int) {
        unsafe sodium_memzero(start, count)
    }

    static func wipe(_ span: inout MutableRawSpan) {
        unsafe lend(&span) { start, count in unsafe sodium_memzero(start, count) }
    }

    static func fillRandom(_ span: inout MutableRawSpan) {
        unsafe lend(&span) { start, count in unsafe randombytes_buf(start, count) }
    }

    /// Constant-time comparison. False where the lengths differ.
    static func isEqual(_ left: RawSpan, _ right: RawSpan) -> Bool {
        guard left.byteCount == right.byteCount else { return false }
        return unsafe lend(left) { first, count in
            unsafe lend(right) { second, _ in unsafe sodium_memcmp(first, second, count) == 0 }
        }
    }

    static func isZero(_ span: RawSpan) -> Bool {
        unsafe lend(span) { start, count in unsafe sodium_is_zero(start, count) == 1 }
    }

    /// BLAKE2b of `part` under `key`; `output` is 16 to 64 bytes.
    static func hash(
        _ part: RawSpan, key: borrowing Secret, into output: inout MutableRawSpan
    ) {
        hash(part, keyBytes: key.bytes, into: &output)
    }

    /// BLAKE2b of `part` without a key.
    static func hash(_ part: RawSpan, into output: inout MutableRawSpan) {
        hash(part, keyBytes: RawSpan(), into: &output)
    }

    private static func hash(
        _ part: RawSpan, keyBytes: RawSpan, into output: inout MutableRawSpan
    ) {
        unsafe lend(&output) { out, outCount in
            unsafe lend(keyBytes) { key, keyCount in
                unsafe lend(part) { part, partCount in
                    _ = unsafe crypto_generichash(
                        out, outCount, part, UInt64(partCount), key, keyCount)
                }
            }
        }
    }

    /// `crypto_kdf_derive_from_key`: 32 bytes of key by number and an 8-byte context.
    static func derive(
        from key: borrowing Secret, number: UInt64, context: StaticString,
        into output: inout MutableRawSpan
    ) {
        precondition(
            key.count == keyBytes && output.byteCount == keyBytes
                && context.utf8CodeUnitCount == Int(crypto_kdf_CONTEXTBYTES))
        unsafe lend(&output) { out, outCount in
            unsafe lend(key.bytes) { key, _ in
                unsafe context.utf8Start.withMemoryRebound(to: CChar.self, capacity: 8) { name in
                    _ = unsafe crypto_kdf_derive_from_key(out, outCount, number, name, key)
                }
            }
        }
    }

    /// XChaCha20-Poly1305-IETF: `output` gets ciphertext and tag, `plaintext.byteCount + 16` bytes.
    static func seal(
        _ plaintext: RawSpan, associated: RawSpan, nonce: RawSpan,
        key: borrowing Secret, into output: inout MutableRawSpan
    ) {
        precondition(
            output.byteCount == plaintext.byteCount + tagBytes && nonce.byteCount == nonceBytes
                && key.count == keyBytes)
        unsafe lend(&output) { out, _ in
            unsafe lend(plaintext) { plain, plainCount in
                unsafe lend(associated) { associated, associatedCount in
                    unsafe lend(nonce) { nonce, _ in
                        unsafe lend(key.bytes) { key, _ in
                            _ = unsafe crypto_aead_xchacha20poly1305_ietf_encrypt(
                                out, nil, plain, UInt64(plainCount), associated,
                                UInt64(associatedCount), nil, nonce, key)
                        }
                    }
                }
            }
        }
    }

    /// The same where the plaintext lies: `message` ends with 16 bytes of room for the tag.
    static func seal(
        inPlace message: inout MutableRawSpan, associated: RawSpan, nonce: RawSpan,
        key: borrowing Secret
    ) {
        precondition(
            message.byteCount >= tagBytes && nonce.byteCount == nonceBytes && key.count == keyBytes)
        unsafe lend(&message) { message, count in
            unsafe lend(associated) { associated, associatedCount in
                unsafe lend(nonce) { nonce, _ in
                    unsafe lend(key.bytes) { key, _ in
                        _ = unsafe crypto_aead_xchacha20poly1305_ietf_encrypt(
                            message, nil, message, UInt64(count - tagBytes), associated,
                            UInt64(associatedCount), nil, nonce, key)
                    }
                }
            }
        }
    }

    /// The inverse of `seal`. False, with `output` zeroed by libsodium, where the tag does not
    /// match.
    static func open(
        _ sealed: RawSpan, associated: RawSpan, nonce: RawSpan,
        key: borrowing Secret, into output: inout MutableRawSpan
    ) -> Bool {
        guard sealed.byteCount >= tagBytes, output.byteCount == sealed.byteCount - tagBytes,
            nonce.byteCount == nonceBytes, key.count == keyBytes
        else { return false }
        return unsafe lend(&output) { out, _ in
            unsafe lend(sealed) { sealed, sealedCount in
                unsafe lend(associated) { associated, associatedCount in
                    unsafe lend(nonce) { nonce, _ in
                        unsafe lend(key.bytes) { key, _ in
                            unsafe crypto_aead_xchacha20poly1305_ietf_decrypt(
                                out, nil, nil, sealed, UInt64(sealedCount), associated,
                                UInt64(associatedCount), nonce, key) == 0
                        }
                    }
                }
            }
        }
    }

    /// SHA-256, which PKCE's S256 and nothing else here asks for.
    static func sha256(_ part: RawSpan, into output: inout MutableRawSpan) {
        precondition(output.byteCount == Int(crypto_hash_sha256_BYTES))
        unsafe lend(&output) { out, _ in
            unsafe lend(part) { part, count in
                _ = unsafe crypto_hash_sha256(out, part, UInt64(count))
            }
        }
    }

    static let sha256Bytes = Int(crypto_auth_hmacsha256_BYTES)

    /// HMAC-SHA-256 (RFC 2104), under a key of any length.
    static func hmacSHA256(_ part: RawSpan, key: RawSpan, into output: inout MutableRawSpan) {
        precondition(output.byteCount == sha256Bytes)
        var state = crypto_auth_hmacsha256_state()
        unsafe lend(key) { key, count in
            _ = unsafe crypto_auth_hmacsha256_init(&state, key, count)
        }
        unsafe lend(part) { part, count in
            _ = unsafe crypto_auth_hmacsha256_update(&state, part, UInt64(count))
        }
        unsafe lend(&output) { out, _ in
            _ = unsafe crypto_auth_hmacsha256_final(&state, out)
        }
        // It holds what the key became.
        unsafe withUnsafeMutableBytes(of: &state) { bytes in
            if let start = bytes.baseAddress { unsafe wipe(start, bytes.count) }
        }
    }

    /// Argon2id, version 1.3 (RFC 9106). False where memory runs out.
    static func argon2id(
        passphrase: RawSpan, salt: RawSpan, operations: UInt64, memoryBytes: Int,
        into output: inout MutableRawSpan
    ) -> Bool {
        guard salt.byteCount == saltBytes else { return false }
        return unsafe lend(&output) { out, outCount in
            unsafe lend(passphrase) { passphrase, count in
                unsafe lend(salt) { salt, _ in
                    unsafe passphrase.withMemoryRebound(to: CChar.self, capacity: count) { text in
                        unsafe crypto_pwhash(
                            out, UInt64(outCount), text, UInt64(count), salt, operations,
                            memoryBytes, crypto_pwhash_ALG_ARGON2ID13) == 0
                    }
                }
            }
        }
    }

    static let argon2idModerateOperations = UInt64(crypto_pwhash_OPSLIMIT_MODERATE)
    static let argon2idModerateMemoryBytes = Int(crypto_pwhash_MEMLIMIT_MODERATE)

    // As libsodium takes them; `Sodium+Export` gives them spans.
    @safe enum Raw {
        typealias Bytes = UnsafePointer<UInt8>
        typealias Output = UnsafeMutablePointer<UInt8>
        typealias StreamState = crypto_secretstream_xchacha20poly1305_state
        typealias Stream = UnsafeMutablePointer<StreamState>

        static let headerBytes = crypto_secretstream_xchacha20poly1305_headerbytes()
        static let chunkBytes = crypto_secretstream_xchacha20poly1305_abytes()
        static let stateBytes = crypto_secretstream_xchacha20poly1305_statebytes()
        static let boxBytes = crypto_box_sealbytes()
        static let last = crypto_secretstream_xchacha20poly1305_tag_final()

        static func makeKeyPair(_ open: Output, _ secret: Output) {
            _ = unsafe crypto_box_keypair(open, secret)
        }
        static func publicKey(_ open: Output, _ secret: Bytes) -> Bool {
            unsafe crypto_scalarmult_base(open, secret) == 0
        }
        static func sealBox(_ out: Output, _ plain: Bytes, _ count: Int, _ key: Bytes) -> Bool {
            unsafe crypto_box_seal(out, plain, UInt64(count), key) == 0
        }
        static func openBox(
            _ out: Output, _ sealed: Bytes, _ count: Int, _ open: Bytes, _ secret: Bytes
        ) -> Bool {
            unsafe crypto_box_seal_open(out, sealed, UInt64(count), open, secret) == 0
        }
        static func beginWriting(_ stream: Stream, _ header: Output, _ key: Bytes) {
            _ = unsafe crypto_secretstream_xchacha20poly1305_init_push(stream, header, key)
        }
        static func beginReading(_ stream: Stream, _ header: Bytes, _ key: Bytes) {
            _ = unsafe crypto_secretstream_xchacha20poly1305_init_pull(stream, header, key)
        }
        static func push(
            _ stream: Stream, _ out: Output, _ plain: Bytes, _ count: Int, _ associated: Bytes,
            _ associatedCount: Int, _ tag: UInt8
        ) {
            _ = unsafe crypto_secretstream_xchacha20poly1305_push(
                stream, out, nil, plain, UInt64(count), associated, UInt64(associatedCount), tag)
        }
        static func pull(
            _ stream: Stream, _ out: Output, _ tag: Output, _ sealed: Bytes, _ count: Int,
            _ associated: Bytes, _ associatedCount: Int
        ) -> Bool {
            unsafe crypto_secretstream_xchacha20poly1305_pull(
                stream, out, nil, tag, sealed, UInt64(count), associated, UInt64(associatedCount))
                == 0
        }
    }

    // libsodium asks for pointers that are never null, also to no bytes at all.
    static func lend<Result>(
        _ span: RawSpan, _ body: (UnsafePointer<UInt8>, Int) -> Result
    ) -> Result {
        unsafe span.withUnsafeBytes { buffer in
            let start = unsafe buffer.baseAddress ?? UnsafeRawPointer(nothing)
            return unsafe body(start.assumingMemoryBound(to: UInt8.self), buffer.count)
        }
    }

    static func lend<Result>(
        _ span: inout MutableRawSpan, _ body: (UnsafeMutablePointer<UInt8>, Int) -> Result
    ) -> Result {
        unsafe span.withUnsafeMutableBytes { buffer in
            let start = unsafe buffer.baseAddress ?? UnsafeMutableRawPointer(nothing)
            return unsafe body(start.assumingMemoryBound(to: UInt8.self), buffer.count)
        }
    }

    nonisolated(unsafe) private static let nothing = UnsafeMutablePointer<UInt8>.allocate(
        capacity: 1)
}
