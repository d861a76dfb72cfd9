// SPDX-License-Identifier: Apache-2.0

// A request that was sent: what is left of it here, and how long its answer is awaited. No time-out
// of curl's runs from then on: curl looks at its clock before it reads.
extension CurlTransfer {
    /// Room in curl's buffer for all that a request has beside its form and its credentials.
    private static let headBytesMax = Provider.endpointBytesMax + 1024

    /// All of a request is handed over at once, so that no copy of its rest waits in curl.
    func setWriteBuffer(for byteCount: Int) {
        let isLong = Self.headBytesMax + byteCount > CurlTransport.writeBytes
        let wanted = isLong ? CurlTransport.writeBytesMax : CurlTransport.writeBytes
        if wanted == writeBufferBytes { return }
        easy.setWriteBuffer(byteCount: wanted)
        writeBufferBytes = wanted
    }

    /// Wipes what was sent once its last byte is on its way: ours, and curl's copy with it. False
    /// where some is still to go.
    func wipeIfSent() -> Bool {
        guard let request else { return true }
        // Of one without a body nobody knows when all of it has left, until its answer comes.
        guard request.bodyByteCount > 0 else { return true }
        guard easy.sentBodyByteCount >= request.bodyByteCount else { return false }
        takeBack()
        request.wipe()
        return true
    }

    /// Takes back what curl was lent, and wipes its copy of it, where that was not done before.
    func takeBack() {
        guard !hasLeft else { return }
        easy.unload()
        hasLeft = true
        easy.setWriteBuffer(byteCount: CurlTransport.writeBytes)
        writeBufferBytes = CurlTransport.writeBytes
    }

    /// Its deadline is over. True where it is listened to further; then it is told so, once.
    func listensOn(now: Int64) -> Bool {
        // One that is whole but for its framing is not waited for any longer.
        guard let request, request.isListenedTo, stage.isSent, !isWholeSuccess else { return false }
        let end = sent + Int64(request.listenMilliseconds)
        guard end > now else { return false }
        deadline = end
        if isOverdue { return true }
        isOverdue = true
        request.tellOverdue()
        return true
    }
}

extension CurlTransfer.Stage {
    /// Whether a byte of the request may have left, and the answer is read as it comes.
    var isSent: Bool { if case .sent = self { true } else { false } }
}
