// SPDX-License-Identifier: Apache-2.0

/// The queues of connections that are not where their application is, are there as another client,
/// or by another grant: what is found out at one host, of one client, or by one grant type, says
/// nothing of another.
struct OwnQueues {
    /// The most of them. Connections beyond share the queue of their application: its limits count
    /// for all of these together.
    static let countMax = 8192

    /// What they are told apart by.
    struct Name: Hashable {
        let application: ApplicationID
        let endpoint: String
        /// Where that is not the application's.
        let clientID: String?
        var grant = GrantType.authorizationCode
    }

    private var numbers: [Name: Int] = [:]
    private var numbersByApplication: [ApplicationID: [Int]] = [:]

    var isFull: Bool { numbers.count >= Self.countMax }

    subscript(name: Name) -> Int? { numbers[name] }

    subscript(application: ApplicationID) -> [Int] { numbersByApplication[application] ?? [] }

    mutating func add(_ name: Name, _ queue: Int) {
        numbers[name] = queue
        numbersByApplication[name.application, default: []].append(queue)
    }
}

extension UpkeepState {
    /// The queues of all connections of an application.
    func allQueues(_ application: ApplicationID) -> [Int] {
        queue(application).map { [$0] + ownQueues[application] } ?? []
    }

    /// The queue of a connection with values or a client of its own, or of a grant that is asked
    /// for anew; that of its application where they come to the same.
    ///
    /// - Parameter main: its application's queue.
    mutating func setQueue(
        _ application: ApplicationID, values: [String: String], clientID: String?,
        grant: GrantType = .authorizationCode, main: Int
    ) -> Int {
        let url = queues[main].template.url(values, grant)
        let isShared = clientID == nil && (values.isEmpty || isAt(url, main))
        if isShared, !grant.asksAnew, isAt(url, main) { return main }
        let name = OwnQueues.Name(
            application: application, endpoint: url, clientID: clientID, grant: grant)
        if let known = ownQueues[name] { return known }
        // The last is for applications; and each has one for each of its grants.
        guard isShared && grant.asksAnew || !ownQueues.isFull, queues.count < Self.queuesMax - 1
        else {
            return isShared || !grant.asksAnew
                ? main
                : setQueue(application, values: [:], clientID: nil, grant: grant, main: main)
        }
        let queue = addQueue(
            application, endpoint: url, queues[main].endpointLimits,
            queues[main].limits.of(grant))
        queues[queue].grant = grant
        queues[queue].isOfOwnClient = clientID != nil
        queues[queue].changed = queues[main].changed
        queues[queue].isProvisional = queues[main].isProvisional
        if let change = queues[main].suspicion.change { queues[queue].suspicion.change(change) }
        ownQueues.add(name, queue)
        return queue
    }

    /// Takes over what the record of their application says now.
    mutating func setOwnQueues(
        _ application: ApplicationID, _ limits: Governor.Limits, _ policy: RefreshPolicy.Limits
    ) {
        for queue in ownQueues[application] {
            setLimits(queue, limits, policy.of(queues[queue].grant))
            limit(queues[queue].endpoint)
        }
    }
}
