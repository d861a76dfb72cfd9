// SPDX-License-Identifier: Apache-2.0

// Connections that come from another system, with their tokens and all that is known of them.
extension Vault {
    /// Takes over a connection with all that it has, and returns once it is durable. From then on
    /// it is refreshed as any other.
    ///
    /// One that is there already and has tokens stays as it is: what is given may be older, and to
    /// present a refresh token that was replaced since would end its grant at most providers. So to
    /// run an import again does no harm.
    ///
    /// - Parameter connection: its tokens are wiped afterwards. What its `settings` leave out stays
    ///   as it is.
    /// - Parameter replacing: takes over what is given all the same, whatever is there.
    /// - Throws: `applicationNotFound`, `invalidArgument` where a text or a token breaks the limits
    ///   of `PortableConnection`, or settings are not what the provider's definition takes;
    ///   `limitExceeded`, `disconnecting`, `storeFull`, `storageFailed`.
    @discardableResult
    public func importConnection(
        _ connection: consuming PortableConnection, replacing: Bool = false
    ) async throws(VaultError) -> ImportOutcome {
        try checkProcess()
        try await verified()
        let id = connection.id
        do throws(VaultError) {
            do throws(LineFault) {
                try connection.check()
            } catch {
                throw VaultError(.invalidArgument, .vault, number: error.limit)
            }
            let supplied = try self.supplied(connection, ImportedApplications())
            let now = time.now()
            let commit = self.commit(supplied, replacing: replacing, now)
            MemoryHygiene.scrub()
            let committed = try await durable(commit) { [self] committed in
                end(supplied, committed, now)
            }
            guard committed.fate?.isThere ?? false else {
                throw VaultError(.disconnecting, .vault)
            }
            return supplied.outcome
        } catch {
            throw error.concerning(id)
        }
    }

    /// What became of one line.
    package enum LineResult: Sendable {
        case done(ImportOutcome)
        case faulty(LineFault)
        case failed(VaultError)
    }

    /// Imports whole lines, one after the other, in as few transactions as possible; a line that is
    /// wrong changes nothing, and hinders no other. Empty lines have no result.
    ///
    /// - Parameter skips: which lines are left out, from 0 on.
    /// - Returns: what became of each, by its place.
    package func importLines(
        _ lines: borrowing Secret, replacing: Bool, skipping skips: Set<Int>
    ) async throws(VaultError) -> [(line: Int, result: LineResult)] {
        try checkProcess()
        try await verified()
        let tally = ImportTally()
        let now = time.now()
        let applications = ImportedApplications()
        var (number, start) = (0, 0)
        while start < lines.count {
            let end = PortableConnection.lineEnd(lines.bytes, from: start)
            let line = lines.bytes.extracting(start..<end)
            let isEmpty = JSONText.spaceEnd(line, from: 0) == line.byteCount
            if !isEmpty, !skips.contains(number) {
                submit(line, number, replacing, applications, now, tally)
            }
            (number, start) = (number + 1, end + 1)
        }
        MemoryHygiene.scrub()
        return await tally.results()
    }

    private func submit(
        _ line: RawSpan, _ number: Int, _ replacing: Bool, _ applications: ImportedApplications,
        _ now: UnixTime, _ tally: ImportTally
    ) {
        let supplied: SuppliedConnection
        do {
            supplied = try self.supplied(PortableConnection.read(line), applications)
        } catch let fault as LineFault {
            return tally.add(number, .faulty(fault))
        } catch let error as VaultError {
            return tally.add(number, .failed(error))
        } catch {
            return tally.add(number, .faulty(LineFault(nil, .notAnObject)))
        }
        let commit = self.commit(supplied, replacing: replacing, now)
        tally.begin()
        commit.completion = { [self] result in
            switch result {
            case .success(let committed):
                end(supplied, committed, now)
                tally.end(
                    number,
                    committed.fate?.isThere ?? false
                        ? .done(supplied.outcome)
                        : .failed(VaultError(.disconnecting, .vault, connection: supplied.id)))
            case .failure(let error):
                supplied.wipe()
                tally.end(number, .failed(error.concerning(supplied.id)))
            }
        }
        committer.submit(commit)
    }

    /// Checks it against its application.
    private func supplied(
        _ connection: consuming PortableConnection, _ applications: ImportedApplications
    ) throws(VaultError) -> SuppliedConnection {
        let id = connection.id
        guard let applicationID = connection.application else {
            return SuppliedConnection(connection, nil)
        }
        do throws(VaultError) {
            let known = try applications.application(applicationID, store)
            var own: OwnSettings?
            if !connection.isPlain || !connection.saysAllSettings || known.hasVariables {
                own = try self.own(
                    connection.settings, store.key(.connection, id.text), known.application)
            }
            return SuppliedConnection(connection, own)
        } catch {
            throw error.concerning(id)
        }
    }

    private func commit(
        _ supplied: SuppliedConnection, replacing: Bool, _ now: UnixTime
    ) -> Commit {
        let key = store.key(.connection, supplied.id.text)
        let revision = Revision(
            addedBytesMax: supplied.byteCount
                + (24 + (supplied.own?.fieldCount ?? 0)) * (Fields.headBytes + 8),
            new: { () throws(VaultError) in try ConnectionRecord(id: supplied.id, now: now) }
        ) { [refresher] (record, version) throws(VaultError) in
            if try supplied.leaves(record, replacing: replacing) { return .leave }
            try supplied.adopt(into: &record, now: now)
            return .replan(refresher.plan(record))
        }
        let commit = Commit()
        commit.add(.revise(key, revision))
        commit.add(.event(EventEntry(time: now, key: key, kind: .tokensPut)))
        return commit
    }

    /// On the writer's thread, in the order of commits.
    private func end(_ supplied: SuppliedConnection, _ committed: Committed, _ now: UnixTime) {
        supplied.wipe()
        guard committed.fate == .changed else { return }
        refresher.schedule(committed.handle, committed.plan)
        refresher.supersede(store.key(.connection, supplied.id.text), committed.handle)
        refresher.noteRoom()
        feed.publish(
            VaultEvent(time: now, kind: .tokensPut, number: 0, connection: supplied.id))
    }
}

/// The applications of the connections that are imported together, each read once.
private final class ImportedApplications {
    private var known: [ApplicationID: ImportedApplication] = [:]

    func application(
        _ id: ApplicationID, _ store: any Reading
    ) throws(VaultError) -> ImportedApplication {
        if let found = known[id] { return found }
        let found = ImportedApplication(try store.application(id))
        known[id] = found
        return found
    }
}

private final class ImportedApplication {
    let application: Application

    init(_ application: consuming Application) { self.application = application }

    var hasVariables: Bool { !application.provider.variables.isEmpty }
}
