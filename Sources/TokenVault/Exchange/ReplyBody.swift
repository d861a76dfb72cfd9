// SPDX-License-Identifier: Apache-2.0

/// The body of an answer as it arrives, piece by piece.
///
/// It is kept as it comes while it fits into its block. One that outgrows every block that is free
/// is reduced in place to the members that `ReplyMember` lists and those on the provider's paths,
/// and from then on the others are passed over as they come: however long an `id_token` is, it
/// costs no memory. What is left is one JSON object again. Of a member that there is no room for,
/// only the name is left, with a value that says that it was there: the tokens beside it must not
/// be lost for it.
struct ReplyBody: ~Copyable {
    /// What became of a piece.
    enum Intake {
        case taken
        /// There is no room for it, and no block is free that has some: the same piece again later.
        case later
        /// Longer than an answer may be.
        case enough
    }

    /// What comes next of an object that is being reduced.
    enum Place {
        /// Nothing is being reduced: all lies there as it came.
        case untouched
        /// A page or a form: all lies there as it came, and there is nothing to reduce.
        case page
        /// A member, or the end. `isFirst` where no comma comes before it.
        case member(isFirst: Bool)
        /// The rest of a name that is too long to be one of ours.
        case longName(JSONSkip)
        /// The colon behind such a name, or the value behind the colon.
        case colon, value
        /// The rest of a value that nobody reads.
        case rest(JSONSkip)
        /// Nothing: the object is whole.
        case end
        /// Nothing: it is no object after all, or nobody reads it.
        case broken
    }

    var secret: Secret
    var place = Place.untouched
    /// How the provider's answers differ; nil where they do not.
    let rules: ReplyRules?
    /// The nodes of the objects inside the answer that what comes next is in, outermost first.
    var containers: [Int] = []
    /// How many bytes at the beginning are settled: the brace, and members with commas between.
    var settled = 0
    /// How many bytes have arrived.
    private var arrived = 0
    /// How many bytes of the next piece were taken before there was no room for the others.
    private var taken = 0

    /// The longest body, in bytes: larger answers of a token endpoint were not seen.
    static let byteCountMax = 262_144
    /// The longest that is not reduced, and the longest that can be left, in bytes: the arena's
    /// largest block.
    static let blockBytesMax = SecretArena.secretBytesMax

    /// One that begins in an empty block.
    ///
    /// - Parameter head: whether nothing of it may be passed over, or all of it is.
    init(
        in block: consuming Secret, _ rules: ReplyRules? = nil,
        _ head: TransportRequest.Head? = nil
    ) {
        secret = block
        self.rules = rules
        if head?.keepsAll ?? false { place = .page }
        if head?.ignoresBody ?? false { place = .broken }
    }

    /// The body, or what is left of it; nil where nothing is.
    consuming func take() -> Secret? {
        if isReducing {
            settle()
            secret.shorten(to: settled)
        }
        if secret.count == 0 { return nil }
        return secret
    }

    /// Whether it is a whole object by now, however the answer goes on.
    mutating func isWholeObject() -> Bool {
        settle()
        return JSONScanner.isWholeObject(secret.bytes)
    }

    /// How many bytes there are, where all that arrived is there.
    var wholeByteCount: Int? { isReducing ? nil : secret.count }

    var isReducing: Bool {
        switch place {
        case .untouched, .page: false
        default: true
        }
    }

    /// Takes a piece.
    mutating func take(_ piece: RawSpan) -> Intake {
        var offset = min(taken, piece.byteCount)
        taken -= offset
        while offset < piece.byteCount {
            guard arrived + piece.byteCount - offset <= Self.byteCountMax else { return .enough }
            let end: Int
            switch place {
            case .end, .broken: end = piece.byteCount
            case .longName(let skip): end = pass(piece, from: offset, skip, isName: true)
            case .rest(let skip): end = pass(piece, from: offset, skip, isName: false)
            default:
                end = append(piece, from: offset)
                if end > offset { break }
                switch makeRoom() {
                case .taken: continue
                case .later:
                    taken = offset
                    return .later
                case .enough: return .enough
                }
            }
            arrived += end - offset
            offset = end
        }
        return .taken
    }

    /// Appends what there is room for; where what was not appended begins.
    private mutating func append(_ piece: RawSpan, from offset: Int) -> Int {
        let end = min(piece.byteCount, offset + secret.capacity - secret.count)
        _ = secret.append(piece.extracting(offset..<end))
        return end
    }

    private mutating func makeRoom() -> Intake {
        settle()
        // Not a few bytes at a time: what is not settled is looked at again each time.
        if secret.capacity - secret.count >= secret.capacity / 4 || grow() { return .taken }
        if case .untouched = place {
            begin()
            settle()
        }
        if secret.count < secret.capacity { return .taken }
        if secret.capacity < Self.blockBytesMax { return .later }
        return passOverlong() ? .taken : .enough
    }

    /// Moves into a block of the next size. False where none is free.
    mutating func grow() -> Bool {
        guard secret.capacity < Self.blockBytesMax,
            var larger = Secret(roomFor: secret.capacity + 1)
        else { return false }
        _ = larger.append(secret.bytes)
        secret = larger
        return true
    }
}
