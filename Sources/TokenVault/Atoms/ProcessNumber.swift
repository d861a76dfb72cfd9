// SPDX-License-Identifier: Apache-2.0

internal import CMemoryHygiene

/// Tells a process from the children that it makes by fork. What a child inherits of a vault is of
/// no use there: the arena is not mapped, the threads are not there, and the locks on files are the
/// parent's.
enum ProcessNumber {
    /// Changes with each fork, and costs a read of memory.
    @inline(__always)
    static var current: UInt32 { tv_process() }

    /// In children the open file of this descriptor does not live on.
    static func leave(descriptor: Int32) { tv_leave_descriptor(descriptor) }
    /// Before it is closed.
    static func keep(descriptor: Int32) { tv_keep_descriptor(descriptor) }
}
