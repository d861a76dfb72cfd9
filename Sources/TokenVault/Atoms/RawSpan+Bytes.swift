// SPDX-License-Identifier: Apache-2.0

// Little-endian integers and comparisons over spans; the standard library has no bulk operations on
// them yet. Every access is checked against the span's bounds.
extension RawSpan {
    func byte(at offset: Int) -> UInt8 {
        precondition(offset >= 0 && offset < byteCount)
        return unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }

    func integer<Value: FixedWidthInteger & BitwiseCopyable>(
        at offset: Int, as type: Value.Type = Value.self
    ) -> Value {
        precondition(offset >= 0 && offset <= byteCount - MemoryLayout<Value>.size)
        return Value(littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: type))
    }

    /// Not in constant time: for names and labels, never for secrets.
    func equalsText(_ text: StaticString) -> Bool {
        guard byteCount == text.utf8CodeUnitCount else { return false }
        for index in 0..<byteCount where unsafe byte(at: index) != text.utf8Start[index] {
            return false
        }
        return true
    }

    /// The same with a name that is data.
    func equals(_ text: String) -> Bool {
        let text = text.utf8Span.span
        guard byteCount == text.count else { return false }
        return text.indices.allSatisfy { byte(at: $0) == text[$0] }
    }

    /// The bytes as text, for what is no secret. Nil where they are not UTF-8.
    var publicText: String? {
        let bytes = Span<UInt8>(_bytes: self)
        guard let text = try? UTF8Span(validating: bytes) else { return nil }
        return String(copying: text)
    }
}

extension MutableRawSpan {
    @_lifetime(self: copy self)
    mutating func store<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value, at offset: Int)
    {
        precondition(offset >= 0 && offset <= byteCount - MemoryLayout<Value>.size)
        storeBytes(of: value.littleEndian, toByteOffset: offset, as: Value.self)
    }

    @_lifetime(self: copy self)
    mutating func store(_ source: RawSpan, at offset: Int) {
        precondition(offset >= 0 && source.byteCount <= byteCount - offset)
        unsafe withUnsafeMutableBytes { target in
            unsafe source.withUnsafeBytes { source in
                if let to = target.baseAddress, let from = source.baseAddress {
                    unsafe (to + offset).copyMemory(from: from, byteCount: source.count)
                }
            }
        }
    }
}
