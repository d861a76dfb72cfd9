// SPDX-License-Identifier: Apache-2.0

/// Where the browser goes when a flow of a connection ends. It is kept sealed with the connection,
/// so that connecting again needs none of it again. Which URLs may be named at all is for the front
/// to say: `CallbackFront.Configuration` has the lists.
public struct Redirects: Hashable, Sendable {
    /// Where a completed flow goes: an absolute URL, `https` but on loopback, without query and
    /// fragment. Nil stands for the front's own page.
    public var success: String?
    /// Where a failed one goes; the same form.
    public var failure: String?
    /// The query of both.
    public var parameters: RedirectParameters?
    /// Whether a failure has, beside the parameters, `error` with a code that says why.
    public var failureCarriesError: Bool

    /// The longest URL, in bytes.
    public static let urlBytesMax = Provider.endpointBytesMax

    /// Redirects; without any the front shows its own pages.
    public init(
        success: String? = nil, failure: String? = nil, parameters: RedirectParameters? = nil,
        failureCarriesError: Bool = false
    ) {
        self.success = success
        self.failure = failure
        self.parameters = parameters
        self.failureCarriesError = failureCarriesError
    }

    /// By how many bytes they make a record longer at most, heads left out.
    var byteCount: Int {
        (success?.utf8.count ?? 0) + (failure?.utf8.count ?? 0)
            + (parameters?.all.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 2 } ?? 0)
    }

    /// How many fields they take.
    var fieldCount: Int { 3 + (parameters?.all.count ?? 0) }
}
