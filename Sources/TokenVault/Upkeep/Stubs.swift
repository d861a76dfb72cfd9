// SPDX-License-Identifier: Apache-2.0
extension Governor.Limits { init() { self.init(concurrentMax: 8, perSecondMax: 100) }
        init(_ p: Provider) { self.init(concurrentMax: 128, perSecondMax: 100_000) } }
extension RefreshPolicy {
    static let refusedMilliseconds: Int64 = 60_000
    struct Limits { init() {}; init(_ p: Provider) {} }
    struct Lifetime { var issued: UnixTime; var expiry: UnixTime?
      init(_ r: borrowing ConnectionRecord) { issued = r.issued; expiry = r.accessTokenExpiry } }
    static func due(_ l: Lifetime, _ m: Limits, random: UInt64) -> UnixTime { due(issued: l.issued, expiry: l.expiry, random: random) }
    static func death(_ l: Lifetime, _ m: Limits) -> UnixTime { l.expiry ?? l.issued.adding(milliseconds: 3_600_000) }
}

extension Governor.Outcome { var isTrouble: Bool { switch self { case .busy, .failed: true; case .answered, .unsent: false } } }
