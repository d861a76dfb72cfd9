// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

@testable import TokenVault

/// A clock that, when it is first read, leaves the process no room for the stacks of more than one
/// thread. On that thread its next reading takes a while.
///
/// What is short is address space, by the kernel's own limit: nothing stands in for a call of the
/// system. `end` gives it back.
final class RoomForOneThread: TimeSource {
    /// So large that what else is allocated meanwhile makes no difference.
    private static let stackBytes = 256 << 20
    private static let slowMicroseconds: UInt32 = 500_000

    private struct State: ~Copyable {
        var isShort = false
        var hasRested = false
        var reader: pthread_t?
        var limit = rlimit()
    }

    private let state = Mutex(State())
    private let clock = SystemTime()

    func now() -> UnixTime {
        let rests = state.withLock { state in
            guard let reader = state.reader else {
                state.reader = pthread_self()
                state.limit = Self.shorten()
                state.isShort = true
                return false
            }
            defer { if pthread_equal(reader, pthread_self()) == 0 { state.hasRested = true } }
            return pthread_equal(reader, pthread_self()) == 0 && !state.hasRested
        }
        if rests { usleep(Self.slowMicroseconds) }
        return clock.now()
    }

    /// - Returns: the limit as it was.
    private static func shorten() -> rlimit {
        var before = rlimit()
        unsafe getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &before)
        setStack(stackBytes)
        let used = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))
            .flatMap { Int($0.prefix { $0 != " " }) }
        var limit = before
        limit.rlim_cur = rlim_t((used ?? 0) * 4096 + stackBytes * 3 / 2)
        unsafe setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
        return before
    }

    /// glibc's `pthread_setattr_default_np`, which Swift's Glibc leaves out.
    private static var setDefault: Setter? {
        let found = unsafe dlsym(nil, "pthread_setattr_default_np")
        return unsafe found.map { unsafe unsafeBitCast($0, to: Setter.self) }
    }

    private typealias Setter = @convention(c) (UnsafePointer<pthread_attr_t>) -> Int32

    /// How large the stacks of new threads are.
    private static func setStack(_ byteCount: Int) {
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        unsafe pthread_attr_setstacksize(&attributes, byteCount)
        _ = unsafe setDefault?(&attributes)
        unsafe pthread_attr_destroy(&attributes)
    }

    func end() {
        state.withLock { state in
            guard state.isShort else { return }
            state.isShort = false
            unsafe setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &state.limit)
            Self.setStack(8 << 20)
        }
    }
}
