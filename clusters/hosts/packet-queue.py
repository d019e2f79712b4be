"""
Packets of a network namespace that wait in user space, for kernels without netem: asks the kernel for what NFQUEUE rules
hand over, and gives each its verdict late, out of order, or with a bit flipped. Ends with its standard input, and then,
as its rules say --queue-bypass, all packets pass again.

Arguments, one for each queue: NUMBER:DELAY_MS:JITTER_MS, with :flip where a bit of each packet is to be flipped.
Messages: linux/netfilter/nfnetlink_queue.h.
"""

import heapq
import os
import random
import select
import socket
import struct
import sys
import time

SUBSYSTEM, PACKET, VERDICT, CONFIG = 3, 0, 1, 2
HEADER, VERDICT_HEADER, PAYLOAD = 1, 2, 10
ACCEPT = 1
NETLINK_NETFILTER = 12
MOST_WAITING = 100_000


class Queue:
    def __init__(self, text):
        number, delay, jitter, *flip = text.split(":")
        self.number = int(number)
        self.delay, self.jitter = float(delay) / 1000, float(jitter) / 1000
        self.flips = flip == ["flip"]

    def due(self, now):
        return now + self.delay + self.jitter * random.uniform(-1, 1)

    def changed(self, packet):
        """The packet with one bit of what follows its IP header flipped, or None."""
        begins = (packet[0] & 15) * 4 if packet else 0
        if not self.flips or len(packet) <= begins:
            return None
        at = random.randrange(begins, len(packet))
        return packet[:at] + bytes([packet[at] ^ (1 << random.randrange(8))]) + packet[at + 1 :]


def attribute(kind, value):
    padding = b"\0" * (-len(value) % 4)
    return struct.pack("=HH", len(value) + 4, kind) + value + padding


def message(kind, queue, attributes, flags=1):
    body = struct.pack("=BBH", 0, 0, socket.htons(queue)) + attributes
    return struct.pack("=IHHII", len(body) + 16, SUBSYSTEM << 8 | kind, flags, 0, 0) + body


def attributes_of(body):
    at = 4
    while at + 4 <= len(body):
        length, kind = struct.unpack_from("=HH", body, at)
        if length < 4:
            return
        yield kind & 0x7FFF, body[at + 4 : at + length]
        at += (length + 3) & ~3


def messages_in(data):
    at = 0
    while at + 16 <= len(data):
        length, kind = struct.unpack_from("=IH", data, at)
        if length < 16:
            return
        yield kind, data[at + 16 : at + length]
        at += (length + 3) & ~3


def bind(link, queues):
    for queue in queues:
        for attributes in (
            attribute(1, struct.pack("=BBH", 1, 0, socket.htons(socket.AF_INET))),
            attribute(2, struct.pack("!IB", 0xFFFF, 2)),
            attribute(3, struct.pack("!I", MOST_WAITING)),
        ):
            link.send(message(CONFIG, queue.number, attributes, flags=5))
            for kind, body in messages_in(link.recv(65536)):
                (error,) = struct.unpack_from("=i", body) if kind == 2 else (0,)
                if error:
                    sys.exit(f"queue {queue.number}: {os.strerror(-error)}")


def receive(link, queues, waiting):
    try:
        data = link.recv(1 << 18)
    except OSError:
        return  # More came than was read in time; the kernel counts it as lost.
    for kind, body in messages_in(data):
        if kind != SUBSYSTEM << 8 | PACKET:
            continue
        queue = queues[socket.ntohs(struct.unpack_from("=H", body, 2)[0])]
        found = dict(attributes_of(body))
        name = found[HEADER][:4]
        changed = queue.changed(found.get(PAYLOAD, b""))
        heapq.heappush(waiting, (queue.due(time.monotonic()), name, queue.number, changed))


def main():
    queues = {queue.number: queue for queue in map(Queue, sys.argv[1:])}
    link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    bind(link, queues.values())
    print("ready", flush=True)
    waiting = []
    while True:
        patience = max(0, waiting[0][0] - time.monotonic()) if waiting else None
        readable, _, _ = select.select([link, 0], [], [], patience)
        if link in readable:
            receive(link, queues, waiting)
        while waiting and waiting[0][0] <= time.monotonic():
            _, name, number, changed = heapq.heappop(waiting)
            payload = attribute(PAYLOAD, changed) if changed else b""
            link.send(message(VERDICT, number, attribute(VERDICT_HEADER, struct.pack("!I", ACCEPT) + name) + payload))
        if 0 in readable and not os.read(0, 4096):
            return


main()
