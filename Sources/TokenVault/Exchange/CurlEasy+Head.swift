// SPDX-License-Identifier: Apache-2.0

internal import CMemoryHygiene

// Requests that are no POST of a form: another method, or no body.
extension CurlEasy {
    /// Tells the handle what is sent next. True where that is no POST of a form: then `endHead`
    /// takes it back.
    func prepare(_ request: TransportRequest) -> Bool {
        setBodyByteCount(request.bodyByteCount)
        guard let head = request.head else { return false }
        // A DELETE has a body where it has one; a GET has none.
        let isPost = head.method == .post || head.body != .none
        let verb: String? =
            switch head.method {
            case .post, .get: nil
            case .delete: "DELETE"
            }
        unsafe tv_request_begin(handle, isPost, verb)
        return true
    }

    /// Names the addresses of hosts, in a list that must outlive the handle's use.
    func resolve(_ hosts: HeaderList) { unsafe tv_resolve(handle, hosts.first) }

    /// Back to a POST of a form.
    func endHead() { unsafe tv_request_end(handle) }
}
