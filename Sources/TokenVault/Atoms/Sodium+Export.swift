// SPDX-License-Identifier: Apache-2.0

// What an export is sealed with: a stream of chunks (`crypto_secretstream_xchacha20poly1305`), and
// a box that only one recipient opens (`crypto_box_seal`: X25519).
extension Sodium {
    static let streamHeaderBytes = Raw.headerBytes
    /// By how much a chunk is longer than its plaintext.
    static let chunkTagBytes = Raw.chunkBytes
    static let streamStateBytes = Raw.stateBytes
    /// By how much a box is longer than its plaintext.
    static let boxBytes = Raw.boxBytes

    static func makeKeyPair(publicKey: inout MutableRawSpan, privateKey: inout MutableRawSpan) {
        precondition(publicKey.byteCount == keyBytes && privateKey.byteCount == keyBytes)
        unsafe lend(&publicKey) { open, _ in
            unsafe lend(&privateKey) { secret, _ in unsafe Raw.makeKeyPair(open, secret) }
        }
    }

    /// The public key of a private one. False where it is none.
    static func publicKey(
        of privateKey: borrowing Secret, into output: inout MutableRawSpan
    ) -> Bool {
        precondition(output.byteCount == keyBytes && privateKey.count == keyBytes)
        return unsafe lend(&output) { out, _ in
            unsafe lend(privateKey.bytes) { key, _ in unsafe Raw.publicKey(out, key) }
        }
    }

    /// False where the public key is none.
    static func sealBox(
        _ plaintext: RawSpan, to publicKey: RawSpan, into output: inout MutableRawSpan
    ) -> Bool {
        precondition(
            publicKey.byteCount == keyBytes && output.byteCount == plaintext.byteCount + boxBytes)
        return unsafe lend(&output) { out, _ in
            unsafe lend(plaintext) { plain, count in
                unsafe lend(publicKey) { key, _ in unsafe Raw.sealBox(out, plain, count, key) }
            }
        }
    }

    /// False where it does not open.
    static func openBox(
        _ sealed: RawSpan, publicKey: RawSpan, privateKey: borrowing Secret,
        into output: inout MutableRawSpan
    ) -> Bool {
        precondition(
            publicKey.byteCount == keyBytes && privateKey.count == keyBytes
                && sealed.byteCount == output.byteCount + boxBytes)
        return unsafe lend(&output) { out, _ in
            unsafe lend(sealed) { sealed, count in
                unsafe lend(publicKey) { open, _ in
                    unsafe lend(privateKey.bytes) { secret, _ in
                        unsafe Raw.openBox(out, sealed, count, open, secret)
                    }
                }
            }
        }
    }

    /// Begins a stream that is written; its header is made here.
    static func beginWriting(
        _ state: inout Secret, key: borrowing Secret, header: inout MutableRawSpan
    ) {
        precondition(key.count == keyBytes && header.byteCount == streamHeaderBytes)
        unsafe withStream(&state) { state in
            unsafe lend(&header) { header, _ in
                unsafe lend(key.bytes) { key, _ in unsafe Raw.beginWriting(state, header, key) }
            }
        }
    }

    /// Begins one that is read.
    static func beginReading(_ state: inout Secret, key: borrowing Secret, header: RawSpan) {
        precondition(key.count == keyBytes && header.byteCount == streamHeaderBytes)
        unsafe withStream(&state) { state in
            unsafe lend(header) { header, _ in
                unsafe lend(key.bytes) { key, _ in unsafe Raw.beginReading(state, header, key) }
            }
        }
    }

    /// Seals the next chunk, which may be the last one.
    static func sealChunk(
        _ state: inout Secret, _ plaintext: RawSpan, associated: RawSpan, isLast: Bool,
        into output: inout MutableRawSpan
    ) {
        precondition(output.byteCount == plaintext.byteCount + chunkTagBytes)
        unsafe withStream(&state) { state in
            unsafe lend(&output) { out, _ in
                unsafe lend(plaintext) { plain, count in
                    unsafe lend(associated) { associated, associatedCount in
                        unsafe Raw.push(
                            state, out, plain, count, associated, associatedCount,
                            isLast ? Raw.last : 0)
                    }
                }
            }
        }
    }

    /// Opens the next chunk, and says whether it is the last one; nil where it does not open.
    static func openChunk(
        _ state: inout Secret, _ sealed: RawSpan, associated: RawSpan,
        into output: inout MutableRawSpan
    ) -> Bool? {
        precondition(sealed.byteCount == output.byteCount + chunkTagBytes)
        var tag: UInt8 = 0
        let isOpen = unsafe withStream(&state) { state in
            unsafe lend(&output) { out, _ in
                unsafe lend(sealed) { sealed, count in
                    unsafe lend(associated) { associated, associatedCount in
                        unsafe Raw.pull(
                            state, out, &tag, sealed, count, associated, associatedCount)
                    }
                }
            }
        }
        return isOpen ? tag == Raw.last : nil
    }

    private static func withStream<Result>(
        _ state: inout Secret, _ body: (Raw.Stream) -> Result
    ) -> Result {
        precondition(state.count == streamStateBytes)
        var span = state.mutableBytes
        return unsafe lend(&span) { start, _ in
            unsafe start.withMemoryRebound(to: Raw.StreamState.self, capacity: 1) {
                unsafe body($0)
            }
        }
    }
}
