# SPDX-License-Identifier: Apache-2.0
"""The vault's files: keys, modes, damage, owners. The command is `token` unless writing matters."""

import os
import shutil
import signal

CASES = []
PAGE = 4096
DATABASE = "v/db/data.mdb"


def case(title, connected=True):
    """Lists a function as a case of this group; it finds a connection in the vault."""

    def listed(function):
        def play(desk):
            if connected:
                desk.ready()
            function(desk)

        CASES.append((title, play))
        return function

    return listed


def token(desk, **start):
    """The command at which the failure is met."""
    desk.fail("token", "anna", **start)


@case("the key is another vault's")
def wrong_key(desk):
    desk.write("v.key", os.urandom(32))
    token(desk)


@case("the key has 33 bytes")
def long_key(desk):
    desk.write("v.key", os.urandom(32) + b"\n")
    token(desk)


@case("the key is the same byte throughout")
def weak_key(desk):
    desk.write("v.key", b"k" * 32)
    token(desk)


@case("the key file is not there")
def no_key(desk):
    os.unlink(desk.path("v.key"))
    token(desk)


@case("the key file can be read by others (0644)")
def open_key(desk):
    os.chmod(desk.path("v.key"), 0o644)
    token(desk)


@case("the key file is another user's")
def foreign_key(desk):
    os.chown(desk.path("v.key"), 65534, -1)
    token(desk)


@case("the key file is a link to one that others can read")
def linked_key(desk):
    os.rename(desk.path("v.key"), desk.path("real.key"))
    os.chmod(desk.path("real.key"), 0o644)
    os.symlink("real.key", desk.path("v.key"))
    token(desk)


@case("no key is given")
def no_key_option(desk):
    desk.key = []
    token(desk)


@case("a passphrase for a vault that was made with a key file")
def passphrase(desk):
    desk.key = ["--passphrase-fd", "0"]
    token(desk, text="correct horse\n")
    desk.log_of = desk.status_of = []


@case("no vault is there", connected=False)
def no_vault(desk):
    desk.write("v.key", os.urandom(32))
    token(desk)


@case("the vault is a folder with something else in it", connected=False)
def other_folder(desk):
    desk.write("v.key", os.urandom(32))
    os.mkdir(desk.path("v"), 0o700)
    desk.write("v/notes.txt", "mine")
    token(desk)


@case("init where a vault is")
def init_twice(desk):
    desk.fail("init", options=False)


@case("init in a folder that is not there", connected=False)
def no_parent(desk):
    desk.fail("init", "--generate-key", "--vault", "missing/v", options=False)
    desk.log_of = desk.status_of = []


@case("the vault's directory is a symbolic link")
def linked_directory(desk):
    os.rename(desk.path("v"), desk.path("w"))
    os.symlink("w", desk.path("v"))
    token(desk)


@case("init --generate-key where the key file is", connected=False)
def key_twice(desk):
    desk.write("v.key", os.urandom(32))
    desk.fail("init", "--generate-key", options=False)
    desk.log_of = desk.status_of = []


@case("the vault's directory can be read by others (0755)")
def open_directory(desk):
    os.chmod(desk.path("v"), 0o755)
    token(desk)


@case("data.mdb can be read by others (0644)")
def open_database(desk):
    os.chmod(desk.path(DATABASE), 0o644)
    token(desk)


@case("data.mdb is another user's")
def foreign_database(desk):
    os.chown(desk.path(DATABASE), 65534, -1)
    token(desk)


@case("data.mdb is not there")
def no_database(desk):
    os.unlink(desk.path(DATABASE))
    token(desk)


@case("LOCK is not there")
def no_lock(desk):
    os.unlink(desk.path("v/LOCK"))
    token(desk)


@case("HEADER is damaged")
def damaged_header(desk):
    desk.write("v/HEADER", os.urandom(2 * PAGE))
    token(desk)


@case("HEADER is not there")
def no_header(desk):
    os.unlink(desk.path("v/HEADER"))
    token(desk)


@case("SLOTS is not there")
def no_slots(desk):
    os.unlink(desk.path("v/SLOTS"))
    token(desk)


@case("data.mdb is cut behind its fourth page")
def cut_database(desk):
    os.truncate(desk.path(DATABASE), 4 * PAGE)
    token(desk)


@case("data.mdb is empty")
def empty_database(desk):
    os.truncate(desk.path(DATABASE), 0)
    token(desk)


@case("data.mdb holds something else")
def other_database(desk):
    desk.write(DATABASE, os.urandom(8 * PAGE))
    token(desk)


def spoil(desk):
    """Changes eight bytes at the end of each of the database's pages that hold long records."""
    with open(desk.path(DATABASE), "r+b") as file:
        data = file.read()
        for start in range(2 * PAGE, len(data), PAGE):
            flags, upper = (int.from_bytes(data[start + at :][:2], "little") for at in (10, 14))
            if flags & 2 and upper < PAGE - 300:
                file.seek(start + PAGE - 60)
                file.write(bytes(255 - byte for byte in data[start + PAGE - 60 :][:8]))


@case("a record is damaged")
def damaged(desk):
    spoil(desk)
    token(desk)


@case("a record is damaged: serve")
def damaged_serve(desk):
    spoil(desk)
    desk.fail("serve")


@case("a record is damaged: audit")
def damaged_audit(desk):
    spoil(desk)
    desk.fail("audit")


@case("a record is damaged: serve --read-unverified")
def damaged_unverified(desk):
    spoil(desk)
    child = desk.serve("--read-unverified")
    child.terminate()
    desk.failure = desk.end(child, ["serve", "--read-unverified"])
    desk.serving = None


@case("SLOTS is not there: audit")
def no_slots_audit(desk):
    os.unlink(desk.path("v/SLOTS"))
    desk.fail("audit")


@case("SLOTS is twice as long: audit")
def long_slots_audit(desk):
    with open(desk.path("v/SLOTS"), "r+b") as file:
        slots = file.read()
        file.write(slots)
    desk.fail("audit")


@case("HEADER is a symbolic link: audit")
def linked_header_audit(desk):
    os.rename(desk.path("v/HEADER"), desk.path("header"))
    os.symlink("../header", desk.path("v/HEADER"))
    desk.fail("audit")


@case("the way to the vault's directory is a loop of links", connected=False)
def looped_directory(desk):
    desk.vault()
    os.rename(desk.path("v"), desk.path("w"))
    os.symlink("v", desk.path("v"))
    desk.log_of = desk.status_of = []
    desk.fail("list", "--vault", "v/v")


@case("the vault's directory can be read by others (0755): audit")
def open_directory_audit(desk):
    os.chmod(desk.path("v"), 0o755)
    desk.fail("audit")


@case("data.mdb is cut to three pages: audit --salvage")
def lost_database(desk):
    os.truncate(desk.path(DATABASE), 3 * PAGE)
    desk.fail("audit", "--salvage", "w")


@case("audit --salvage to a path inside the vault")
def salvage_inside(desk):
    desk.fail("audit", "--salvage", "v/w")
    desk.log_of = desk.status_of = []


@case("audit while serve runs")
def served_audit(desk):
    desk.serve()
    desk.fail("audit", key=True)


@case("an old data.mdb was put back")
def old_database(desk):
    shutil.copy(desk.path(DATABASE), desk.path("old.mdb"))
    desk.must("disconnect", "anna", "--yes")
    shutil.copy(desk.path("old.mdb"), desk.path(DATABASE))
    token(desk)


@case("another command owns the vault (connect waits for its callback)")
def owned(desk):
    owner = desk.start("connect", "bert", "--app", "crm")
    desk.state(owner)
    token(desk)
    # What happened and how it is can be asked only when the other has ended.
    owner.kill()
    owner.wait()


@case("serve stands still (SIGSTOP)")
def stopped(desk):
    serve = desk.serve()
    serve.send_signal(signal.SIGSTOP)
    token(desk)
    desk.log_of = desk.status_of = []


@case("serve is killed (-9), and a command without key follows")
def killed(desk):
    child = desk.serve()
    child.kill()
    child.wait()
    token(desk, key=False)
    desk.serving = None


@case("serve is started a second time")
def second_serve(desk):
    desk.serve()
    desk.fail("serve", key=True)
