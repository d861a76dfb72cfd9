// SPDX-License-Identifier: Apache-2.0

/// A place in the vault's log of events, behind one of them. It can be kept as text, and holds for
/// as long as the log has what comes next, through restarts too.
public struct EventCursor: Sendable, Hashable {
    /// The number of the event that it is behind; 0 for the beginning.
    let number: UInt64
    /// That event's time, by which it is told apart from another one of the same number: of a copy
    /// of the vault that went another way.
    let milliseconds: Int64

    /// Before the first event that there ever was.
    static let beginning = Self(number: 0, milliseconds: 0)

    init(number: UInt64, milliseconds: Int64) {
        self.number = number
        self.milliseconds = milliseconds
    }

    /// Reads what `description` writes.
    ///
    /// - Throws: `invalidArgument` for anything else.
    public init(_ text: String) throws(VaultError) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let number = UInt64(parts[0]), number < .max,
            let milliseconds = Int64(parts[1]), milliseconds >= 0
        else { throw VaultError(.invalidArgument, .vault) }
        self.init(number: number, milliseconds: milliseconds)
        guard description == text else { throw VaultError(.invalidArgument, .vault) }
    }
}

extension EventCursor: CustomStringConvertible {
    /// Digits, a hyphen, digits: at most 40 bytes.
    public var description: String { "\(number)-\(milliseconds)" }
}

/// An event as the vault's log keeps it.
public struct LoggedEvent: Sendable, Hashable {
    /// The place behind it.
    public let cursor: EventCursor
    /// What happened. Its `connection` is there for as long as the connection is.
    public let event: VaultEvent
    /// What the log knows of the connection or application: `ConnectionStatus.reference`.
    public let reference: String
    /// The application that it is about, for as long as that is there; nil where it is about a
    /// connection.
    public let application: ApplicationID?
}

/// Some events of the log, in the order in which they became durable.
public struct EventPage: Sendable {
    /// The events, the oldest first.
    public let events: [LoggedEvent]
    /// Where to go on.
    public let cursor: EventCursor
    /// Whether there were more at that moment.
    public let hasMore: Bool
}
