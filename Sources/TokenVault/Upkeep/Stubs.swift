// SPDX-License-Identifier: Apache-2.0
struct Governor {
    struct Limits: Hashable, Sendable { var concurrentMax: Int = 8; var perSecondMax: Int = 100
        init() {}
        init(_ p: Provider) { concurrentMax = 128; perSecondMax = 100_000 } }
    enum Admission: Equatable { case now; case at(UnixTime); case whenOneEnds }
    enum Outcome { case answered, busy(retryAfterSeconds: Int64?), failed, unsent }
    var limits: Limits
    var inFlight = 0
    var allowance: Int { limits.concurrentMax }
    init(_ l: Limits) { limits = l }
    func admission(_ now: UnixTime) -> Admission { inFlight < limits.concurrentMax ? .now : .whenOneEnds }
    mutating func begin(_ now: UnixTime) { inFlight += 1 }
    mutating func end(_ o: Outcome, _ now: UnixTime, random: UInt64) { inFlight -= 1 }
}
extension RefreshPolicy {
    static let refusedMilliseconds: Int64 = 60_000
    struct Limits { init() {}; init(_ p: Provider) {} }
    struct Lifetime { var issued: UnixTime; var expiry: UnixTime?
      init(_ r: borrowing ConnectionRecord) { issued = r.issued; expiry = r.accessTokenExpiry } }
    static func due(_ l: Lifetime, _ m: Limits, random: UInt64) -> UnixTime { due(issued: l.issued, expiry: l.expiry, random: random) }
    static func death(_ l: Lifetime, _ m: Limits) -> UnixTime { l.expiry ?? l.issued.adding(milliseconds: 3_600_000) }
}

extension Governor.Outcome { var isTrouble: Bool { switch self { case .busy, .failed: true; case .answered, .unsent: false } } }
