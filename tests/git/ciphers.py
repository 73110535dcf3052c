"""The few ciphers that a server of the tests needs to talk to the real ssh: slow, plain, and for nothing else."""

import hashlib
import hmac
import os
import struct
from typing import Final

P: Final = 2**255 - 19
ORDER: Final = 2**252 + 27742317777372353535851937790883648493
_D: Final = -121665 * pow(121666, P - 2, P) % P

Point = tuple[int, int, int, int]


def x25519(scalar: bytes, point: bytes) -> bytes:
    """Multiply on the curve (RFC 7748)."""
    number = int.from_bytes(scalar, "little") & ~7 & ~(1 << 255) | (1 << 254)
    x1 = int.from_bytes(point, "little") & ((1 << 255) - 1)
    x2, z2, x3, z3, swap = 1, 0, x1, 1, 0
    for place in range(254, -1, -1):
        bit = number >> place & 1
        if swap != bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        plus, minus = x2 + z2, x2 - z2
        left, right = (x3 - z3) * plus, (x3 + z3) * minus
        x3, z3 = (left + right) ** 2 % P, x1 * (left - right) ** 2 % P
        square, other = plus * plus % P, minus * minus % P
        rest = square - other
        x2, z2 = square * other % P, rest * (square + 121665 * rest) % P
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


NINE: Final = (9).to_bytes(32, "little")


def _add(p: Point, q: Point) -> Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * _D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times(number: int) -> bytes:
    """Multiply the base point of Ed25519 and return the product as it is written."""
    y = 4 * pow(5, P - 2, P) % P
    x = pow((y * y - 1) * pow(_D * y * y + 1, P - 2, P) % P, (P + 3) // 8, P)
    if (x * x - (y * y - 1) * pow(_D * y * y + 1, P - 2, P)) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    x = P - x if x & 1 else x
    step: Point = (x, y, 1, x * y % P)
    total: Point = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = _add(total, step)
        step, number = _add(step, step), number >> 1
    inverse = pow(total[2], P - 2, P)
    return (total[1] * inverse % P | (total[0] * inverse % P & 1) << 255).to_bytes(32, "little")


class Signer:
    """An Ed25519 key (RFC 8032)."""

    def __init__(self) -> None:
        digest = hashlib.sha512(os.urandom(32)).digest()
        self._scalar = int.from_bytes(digest[:32], "little") & ~7 & ~(1 << 255) | (1 << 254)
        self._prefix = digest[32:]
        self.public = _times(self._scalar)

    def sign(self, text: bytes) -> bytes:
        """Return the signature of a text."""
        nonce = int.from_bytes(hashlib.sha512(self._prefix + text).digest(), "little") % ORDER
        point = _times(nonce)
        told = int.from_bytes(hashlib.sha512(point + self.public + text).digest(), "little") % ORDER
        return point + ((nonce + told * self._scalar) % ORDER).to_bytes(32, "little")


def _turn(x: list[int], a: int, b: int, c: int, d: int) -> None:
    for one, two, three, by in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        x[one] = x[one] + x[two] & 0xFFFFFFFF
        mixed = x[three] ^ x[one]
        x[three] = (mixed << by | mixed >> (32 - by)) & 0xFFFFFFFF


def _chacha(key: bytes, number: int, counter: int, length: int) -> bytes:
    """Return that many bytes of the key stream of ChaCha20, with a nonce and a counter of 64 bits each."""
    stream = b""
    while len(stream) < length:
        start = list(struct.unpack("<4I8I", b"expand 32-byte k" + key))
        start += struct.unpack("<4I", struct.pack("<Q", counter) + struct.pack(">Q", number))
        x = list(start)
        for _ in range(10):
            for a, b, c, d in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)):
                _turn(x, a, b, c, d)
            for a, b, c, d in ((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
                _turn(x, a, b, c, d)
        stream += struct.pack("<16I", *((one + two) & 0xFFFFFFFF for one, two in zip(x, start, strict=True)))
        counter += 1
    return stream[:length]


def _xor(text: bytes, stream: bytes) -> bytes:
    return bytes(one ^ two for one, two in zip(text, stream, strict=True))


def _poly1305(key: bytes, text: bytes) -> bytes:
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for at in range(0, len(text), 16):
        total = (total + int.from_bytes(text[at : at + 16] + b"\1", "little")) * r % (2**130 - 5)
    return ((total + int.from_bytes(key[16:32], "little")) & (2**128 - 1)).to_bytes(16, "little")


class Box:
    """``chacha20-poly1305@openssh.com`` in one direction."""

    def __init__(self, key: bytes) -> None:
        self._main, self._header = key[:32], key[32:]

    def seal(self, number: int, packet: bytes) -> bytes:
        """Return packet ``number`` (length, then the rest) as it goes over the wire."""
        length = _xor(packet[:4], _chacha(self._header, number, 0, 4))
        body = length + _xor(packet[4:], _chacha(self._main, number, 1, len(packet) - 4))
        return body + _poly1305(_chacha(self._main, number, 0, 32), body)

    def length(self, number: int, sealed: bytes) -> int:
        """Return how long the rest of a packet is, from its first four bytes."""
        return int.from_bytes(_xor(sealed, _chacha(self._header, number, 0, 4)), "big")

    def open(self, number: int, body: bytes, tag: bytes) -> bytes:
        """Return a packet without its length; ``body`` has it in front."""
        assert hmac.compare_digest(_poly1305(_chacha(self._main, number, 0, 32), body), tag)
        return _xor(body[4:], _chacha(self._main, number, 1, len(body) - 4))
