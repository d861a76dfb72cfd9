// SPDX-License-Identifier: Apache-2.0

extension Vault {
    /// What the parameters of a callback are called: as the provider of its application has it;
    /// where the caller does not say which that is, of its flow's.
    ///
    /// - Throws: `callbackRejected` where the query cannot be read; `tooManySecrets`.
    func callbackNames(
        _ query: RawSpan, _ application: ApplicationID?
    ) throws(VaultError) -> Provider.ParameterNames {
        if let application { return try callbackNames(application) }
        guard let state = try Callback.state(of: query),
            let fields = try store.openFlow(store.flowKey(state: state.bytes))
        else { return [:] }
        return try callbackNames(FlowRecord.decode(fields).application)
    }

    private func callbackNames(
        _ application: ApplicationID
    ) throws(VaultError) -> Provider.ParameterNames {
        do throws(VaultError) {
            return try store.application(application).provider.callbackParameterNames
        } catch {
            // What becomes of its flow is said when the flow is looked at.
            guard error.code == .applicationNotFound else { throw error }
            return [:]
        }
    }
}
