// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore

/// Carries out a request and spoils its reply as the fault says; without a fault, answers it.
struct FaultyReply {
    private static let hugeBytes = 1024 * 1024

    private let fault: ProviderSimulator.Fault?
    private let channel: any Channel
    private let request: PlayedRequest?

    /// `request` is the one that is answered, where a provider is played.
    init(
        _ fault: ProviderSimulator.Fault?, channel: any Channel, request: PlayedRequest? = nil
    ) {
        (self.fault, self.channel, self.request) = (fault, channel, request)
    }

    /// The response, `carryOut` having been called or not as ``ProviderSimulator/Fault`` says.
    func response(carryOut: () -> Reply) async throws -> Response {
        guard let fault else { return carryOut().response }
        switch fault {
        case .status(let code, let retryAfter):
            var reply = Reply.empty(.init(code: code))
            if let retryAfter { reply.headers[.retryAfter] = retryAfter }
            return reply.response
        case .htmlPage:
            var reply = Reply(status: .ok, body: ByteBuffer(string: Page.portal))
            reply.headers[.contentType] = "text/html; charset=utf-8"
            return reply.response
        case .notJSON:
            var reply = Reply.json("")
            reply.body.writeBytes([0xff, 0xfe, 0x00, 0x80, 0x7b, 0xc0, 0x22])
            return reply.response
        case .redirect(let location):
            return Reply.redirect(to: location, status: .found).response
        case .answer(let name):
            guard let request, let answer = request.provider.answer(named: name) else {
                return Reply.empty(.notImplemented).response
            }
            return request.reply(answer).response
        case .delayBefore(let wait):
            try await Task.sleep(for: wait)
            return carryOut().response
        case .delayAfter(let wait):
            let reply = carryOut()
            try await Task.sleep(for: wait)
            return reply.response
        case .oneByteASecond:
            return FaultyReply.dripping(carryOut())
        case .closedWithoutReply:
            _ = carryOut()
            try await channel.close()
            throw ChannelError.eof
        case .hugeBody, .truncatedJSON, .duplicateAccessToken:
            return FaultyReply.spoiled(carryOut(), fault).response
        }
    }

    private static func spoiled(_ reply: Reply, _ fault: ProviderSimulator.Fault) -> Reply {
        var reply = reply
        let length = reply.body.readableBytes
        switch fault {
        case .hugeBody:
            reply.body.writeRepeatingByte(UInt8(ascii: " "), count: max(0, hugeBytes - length))
        case .truncatedJSON:
            reply.body = reply.body.getSlice(at: 0, length: length / 2) ?? reply.body
        case .duplicateAccessToken where reply.status == .ok && length > 0:
            var body = ByteBuffer(string: "{\"access_token\":\"duplicate\",")
            body.writeBytes(reply.body.readableBytesView.dropFirst())
            reply.body = body
        default: break
        }
        return reply
    }

    private static func dripping(_ reply: Reply) -> Response {
        let bytes = reply.body
        let body = ResponseBody(contentLength: bytes.readableBytes) { writer in
            for byte in bytes.readableBytesView {
                try await writer.write(ByteBuffer(bytes: [byte]))
                try await Task.sleep(for: .seconds(1))
            }
            try await writer.finish(nil)
        }
        return Response(status: reply.status, headers: reply.headers, body: body)
    }
}
