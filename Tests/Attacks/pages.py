# SPDX-License-Identifier: Apache-2.0
"""LMDB's pages by hand: what no call of LMDB's would ever write, and a hostile hand does.

Only what an attack needs: where the newest meta page is, where the leaf pages and nodes of a named
database are, and their fields. Layout after LMDB 0.9 (`mdb.c`), 64 bits, little-endian.
"""

import struct

PAGE = 4096
HEAD = 16                     # of a page
MAGIC = 0xBEEFC0DE
BRANCH, LEAF, OVERFLOW, META = 1, 2, 4, 8
BIG, SUB = 1, 2               # flags of a node: an overflow page, a named database

# Offsets within a meta page.
META_VERSION, META_MAPSIZE, META_FREE, META_MAIN = 20, 32, 40, 88
META_LAST_PAGE, META_TRANSACTION = 136, 144
META_PAGE_SIZE = META_FREE    # md_pad of the free list's database
# Offsets within the 48 bytes that describe a database.
DB_PAD, DB_FLAGS, DB_DEPTH, DB_BRANCHES, DB_LEAVES, DB_OVERFLOWS, DB_ENTRIES, DB_ROOT = (
    0, 4, 6, 8, 16, 24, 32, 40)

REVERSE_KEY, DUPLICATES, INTEGER_KEY, DUPLICATES_FIXED = 0x02, 0x04, 0x08, 0x10
NO_PAGE = (1 << 64) - 1


class Pages:
    """A data.mdb in memory, to be altered in place."""

    def __init__(self, raw):
        self.raw = bytearray(raw)

    def u16(self, at):
        return struct.unpack_from("<H", self.raw, at)[0]

    def u64(self, at):
        return struct.unpack_from("<Q", self.raw, at)[0]

    def put(self, form, at, *values):
        struct.pack_into("<" + form, self.raw, at, *values)

    # Meta pages.

    def transaction(self, meta):
        return self.u64(meta * PAGE + META_TRANSACTION)

    @property
    def newest(self):
        return 0 if self.transaction(0) > self.transaction(1) else 1

    @property
    def meta(self):
        """Where the newest meta page begins."""
        return self.newest * PAGE

    # Pages and nodes.

    def nodes(self, page):
        """The offset of each node of a branch or leaf page, in the order of the page."""
        base = page * PAGE
        count = (self.u16(base + 12) - HEAD) // 2
        return [base + self.u16(base + HEAD + 2 * i) for i in range(count)]

    def key_size(self, node):
        return self.u16(node + 6)

    def key(self, node):
        return bytes(self.raw[node + 8:node + 8 + self.key_size(node)])

    def value_at(self, node):
        return node + 8 + self.key_size(node)

    def is_leaf(self, page):
        return bool(self.u16(page * PAGE + 10) & LEAF)

    def child(self, node):
        low, high, flags = struct.unpack_from("<HHH", self.raw, node)
        return low | high << 16 | flags << 32

    def tree(self, root):
        """Every branch and leaf page below a root, from left to right."""
        if root == NO_PAGE:
            return []
        if self.is_leaf(root):
            return [root]
        return [root, *(page for node in self.nodes(root) for page in self.tree(self.child(node)))]

    def leaves(self, root):
        return [page for page in self.tree(root) if self.is_leaf(page)]

    def find(self, root, key):
        """The leaf page and the node of a key."""
        for page in self.leaves(root):
            for node in self.nodes(page):
                if self.key(node) == key:
                    return page, node
        raise KeyError(key)

    # Databases.

    def database(self, name):
        """Where the 48 bytes that describe a named database begin."""
        _, node = self.find(self.u64(self.meta + META_MAIN + DB_ROOT), name.encode())
        return self.value_at(node)

    def root(self, name):
        return self.u64(self.database(name) + DB_ROOT)

    def free_lists(self):
        """Where each list of free pages begins: its length, then so many page numbers."""
        out = []
        for page in self.leaves(self.u64(self.meta + META_FREE + DB_ROOT)):
            for node in self.nodes(page):
                value = self.value_at(node)
                if self.u16(node + 4) & BIG:
                    value = self.u64(value) * PAGE + HEAD
                out.append(value)
        return out
