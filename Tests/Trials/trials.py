# SPDX-License-Identifier: Apache-2.0
"""The trials. Each is a vault, a proxy and an application of its own at one of the servers.

A trial says what it expects of each connection in the end: that its grant is alive, or that the
server has ended it. Alive means: one more refresh succeeds, and the server's resource takes the
token that the vault lends.
"""

import signal
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import fault_proxy as faults
from fault_proxy import Fault, Loop, Proxy, late, saying
from servers import Servers, certificate, over, pause, until
from vault import APPLICATION_WRONG, BUSY, DONE, NO_GRANT, UNREACHABLE, Vault

NEVER, STRICT, GRACE = "never", "0", "30"
ROTATIONS = [STRICT, NEVER, GRACE]
SERVERS = ["django-oauth-toolkit", "Authlib"]
WORDS = {
    "400 none": (400, ""),
    "400 invalid_request": (400, {"error": "invalid_request"}),
    "403 unauthorized_client": (403, {"error": "unauthorized_client"}),
}
WAYS = ((True, "serve"), (False, "command"))
DROPPED = (faults.CLOSED, faults.RESET, faults.CUT, faults.SILENT, faults.LOST_BEFORE)
# What versions before did not know of a provider.
NEWER_SETTINGS = {"rotation", "listen_seconds", "grant_lost_answers"}
# A vault that cannot do it within this time does not do it.
RECOVERY_SECONDS = 100


@dataclass
class Trial:
    """One trial, before it runs."""

    name: str
    run: object
    server: str
    rotation: str
    who: tuple = ("anna",)
    settings: dict = field(default_factory=dict)
    burns: bool = False
    lifetime: int | None = None  # what access tokens are said to live, in place of an hour
    proven: bool = True  # whether each connection has been refreshed once before

    @property
    def id(self):
        return f"{self.name}-{self.server}-{self.rotation}".replace(" ", "_").replace(",", "")


@dataclass
class Result:
    """What came of it."""

    trial: Trial
    saw: str = ""
    said: list = field(default_factory=list)
    grants: dict = field(default_factory=dict)  # connection -> what became of its grant
    faults: list = field(default_factory=list)


class Stage:
    """What a trial has to do with."""

    def __init__(self, trial, house):
        self.trial = trial
        self.expected = {who: "alive" for who in trial.who}
        self.faults = []
        self.server = house.servers.find(trial.server, trial.rotation)
        self.client, self.secret = trial.id, "secret-of-" + trial.id
        self.house = house
        more = {"rotation": trial.rotation, "burns": trial.burns}
        self.server.register(self.client, self.secret, **more)
        self.proxy = Proxy(
            house.loop,
            house.certificate,
            self.server.port,
            trial.rotation,
            self.server.token_path,
            trial.settings.get("listen_seconds", 600),
        )
        self.vault = Vault(house.folder / trial.id, house.certificate)
        base = f"https://127.0.0.1:{self.proxy.port}"
        self.definition = {
            "name": "trial",
            "authorization_endpoint": base + self.server.authorize_path,
            "token_endpoint": base + self.server.token_path,
            "revocation_endpoint": base + self.server.revoke_path,
        } | trial.settings
        if trial.rotation == NEVER:
            self.definition["rotation"] = "never"
        elif trial.rotation != STRICT:
            self.definition["reuse_grace_seconds"] = int(trial.rotation)
        if house.before:
            for key in NEWER_SETTINGS & self.definition.keys():
                del self.definition[key]

    def connect(self, who):
        """Takes a user through the flow."""
        self.proxy.connecting = who
        self.vault.connect(
            who, lambda user, url: self.server.authorize(user, url, self.house.certificate)
        )

    def store_secret(self, secret, replace=True):
        """`app add`."""
        self.vault.add_application(self.definition, self.client, secret, replace)

    def set_up(self):
        """An application, and all its connections."""
        self.store_secret(self.secret, replace=False)
        self.proxy.lifetime = self.trial.lifetime
        for who in self.trial.who:
            self.connect(who)
            if self.trial.proven:
                self.vault.command("refresh", who)
        self.proxy.presented.clear()

    def refresh(self, who, **options):
        """`tokenvault refresh`."""
        return self.vault.ask("refresh", who, **options)

    def check(self, holds, otherwise):
        """Notes a fault where something does not hold."""
        if not holds:
            self.faults.append(otherwise)

    def presented(self, who="anna"):
        """How often somebody's refresh tokens were presented."""
        return sum(note.owner == who for note in self.proxy.presented)

    def await_request(self):
        """Waits until the server has answered the first refresh."""
        until(lambda: self.proxy.presented and self.proxy.presented[0].status, "the server answers")
        return self.proxy.presented[0]

    def is_alive(self, who):
        """Whether the vault can still do with the grant what a vault is for."""
        self.proxy.faults.clear()
        self.proxy.always = faults.NONE
        end = time.monotonic() + RECOVERY_SECONDS
        while (said := self.vault.run("refresh", who).ended()).status != DONE:
            if said.status == NO_GRANT or time.monotonic() > end:
                self.vault.said.append(f"refresh {who}, last: {said}")
                return False
            pause(2)
        lent = self.vault.run("token", who).ended()
        return lent.status == DONE and self.server.takes(lent.out.strip())

    def judge(self, who):
        """What became of a grant, against what was expected."""
        had = self.server.has_grant(self.client, who)
        if self.expected[who] == "revoked":
            self.check(not had, f"{who}'s grant lives on at the server")
            return "lives on" if had else "revoked"
        alive = self.is_alive(who)
        has = self.server.has_grant(self.client, who)
        if self.expected[who] == "alive":
            self.check(
                alive, f"{who}'s grant is lost" + ("" if has else ", and ended at the server")
            )
            return "alive" if alive else "lost"
        self.check(not had and not alive, f"{who}'s grant should have been ended by the server")
        self.check(
            self.vault.status(who)["light"] == "red",
            f"{who}'s light is not red: {self.vault.status(who)}",
        )
        self.connect(who)
        self.check(self.is_alive(who), f"{who} connected again, and it does not work")
        return "ended by the server"


def defining(word):
    """The settings by which that word tells of a lost grant."""
    status, body = WORDS[word]
    error = body["error"] if body else "none"
    return {"grant_lost_answers": [{"status": status, "error": error}]}


# The trials themselves. Each gets a stage that is set up.


def late_answers(stage, fault, serving, times=4):
    """The server has acted at once; its answers are late, and so are those to what is retried."""
    if serving:
        stage.vault.serve()
    stage.proxy.faults = [fault] * times
    said = stage.refresh("anna")
    strict = stage.trial.rotation == STRICT
    if serving:
        if strict:
            stage.check("answer" in said.error.lower(), f"no word of the answer: {said}")
        # By then the vault has retried where it does, more than once.
        pause(stage.proxy.presented[0].at + fault.delay + 25 - time.monotonic())
    elif strict:
        stage.check(said.status == DONE, f"the command did not stay for the answer: {said}")
    else:
        # Somebody who asks again as long as it does not work.
        while said.status != DONE and len(stage.proxy.presented) < 3:
            said = stage.refresh("anna")
    if strict:
        stage.check(stage.presented() == 1, f"presented {stage.presented()} times")


def late_and_asked(stage):
    """Whoever asks while an answer is outstanding is told so, and gets the token that is fresh."""
    stage.vault.serve()
    stage.proxy.faults = [faults.begun(40)]
    for _ in range(3):
        said = stage.refresh("anna")
        stage.check(said.status == BUSY, f"not told that an answer is outstanding: {said}")
    said = stage.vault.ask("token", "anna")
    stage.check(said.status == DONE, f"the token that is fresh is not lent: {said}")
    until(lambda: stage.proxy.presented[0].done, "the answer comes")
    stage.check(stage.presented() == 1, f"presented {stage.presented()} times")


def late_by_itself(stage):
    """The same, of a refresh that is due and that nobody asked for."""
    stage.vault.serve()
    stage.proxy.lifetime = None
    stage.proxy.faults = [late(20)]
    until(lambda: stage.presented(), "refreshed when due", every=1)
    until(lambda: stage.proxy.presented[0].done, "the answer comes", every=1)
    until(
        lambda: stage.vault.status("anna")["refresh_count"] == 2,
        "the late answer is in the vault",
        seconds=60,
        every=2,
    )
    stage.check(stage.presented() == 1, f"presented {stage.presented()} times")


def late_at_the_limit(stage):
    """One request may be in flight, and it is listened to: nothing else leaves."""
    stage.vault.serve()
    stage.proxy.faults = [late(40)]
    stage.refresh("anna")
    said = stage.refresh("bert")
    stage.check(said.status == UNREACHABLE, f"not told that the provider is unreachable: {said}")
    stage.check(not stage.presented("bert"), "sent beyond the limit")
    until(lambda: stage.proxy.presented[0].done, "the answer comes")


def late_and_replaced(stage):
    """The application is put again, with another secret, while an answer is outstanding."""
    stage.vault.serve()
    stage.proxy.faults = [late(20)]
    asking = stage.vault.run("refresh", "anna")
    stage.await_request()
    stage.server.change_secret(stage.client, "another-secret")
    stage.store_secret("another-secret")
    stage.vault.noted(["refresh", "anna"], asking.ended())
    until(lambda: stage.proxy.presented[0].done, "the answer comes")
    stage.check(stage.presented() == 1, f"presented {stage.presented()} times")


def late_and_connected_again(stage):
    """The user connects again while an answer is outstanding: what it brings is dropped."""
    stage.vault.serve()
    stage.proxy.faults = [late(20)]
    asking = stage.vault.run("refresh", "anna")
    stage.await_request()
    stage.connect("anna")
    newest = stage.proxy.latest["anna"]
    stage.vault.noted(["refresh", "anna"], asking.ended())
    until(lambda: stage.proxy.presented[0].done, "the answer comes")
    pause(2)
    stage.check(stage.refresh("anna").status == DONE, "the new grant cannot be refreshed")
    stage.check(
        stage.proxy.presented[-1].number == newest, "the late answer replaced the new grant"
    )


def late_and_disconnected(stage):
    """What an answer brings after a disconnect is revoked."""
    stage.vault.serve()
    stage.proxy.faults = [late(20)]
    asking = stage.vault.run("refresh", "anna")
    stage.await_request()
    receipt = stage.vault.ask("disconnect", "anna", "--yes").out
    stage.check("listen" in receipt, f"the receipt does not say that an answer may come: {receipt}")
    stage.vault.noted(["refresh", "anna"], asking.ended())
    stage.expected["anna"] = "revoked"
    until(lambda: stage.proxy.presented[0].done, "the answer comes")
    until(
        lambda: not stage.server.has_grant(stage.client, "anna"),
        "the late tokens are revoked",
        seconds=60,
    )


def frozen(stage, serving, closed=False):
    """The process stands still from 0.4 s after its request on; the answer lies in the socket."""
    gate = threading.Event()
    name = "answered and closed while frozen" if closed else "answered while frozen"
    stage.proxy.faults = [
        Fault(name, gate=gate, end="answered and closed" if closed else "answered")
    ]
    asking = None
    if serving:
        frozen = stage.vault.serve()
        asking = stage.vault.run("refresh", "anna")
    else:
        frozen = stage.vault.run("refresh", "anna")
    stage.await_request()
    pause(0.4)
    frozen.freeze()
    gate.set()
    pause(16)
    frozen.thaw()
    said = stage.vault.noted(["refresh", "anna"], (asking or frozen).ended())
    if stage.trial.rotation == STRICT:
        stage.check(said.status == DONE, f"the answer that lay there was not read: {said}")
    stage.check(stage.presented() == 1, "presented again although the answer lay there")


def dropped(stage, fault, serving):
    """The answer never arrives. At a strict server nobody can know whether it had acted: the same
    token is presented again, and where the server takes that for theft it ends the grant."""
    if serving:
        stage.vault.serve()
    stage.proxy.faults = [fault]
    stage.refresh("anna")
    if not serving:
        stage.refresh("anna")
    until(
        lambda: stage.presented() > 1 and all(note.done for note in stage.proxy.presented),
        "presented again",
    )
    if stage.trial.rotation == STRICT and fault.reaches:
        stage.expected["anna"] = "ended"
        until(
            lambda: stage.vault.status("anna").get("reason") == "grantLost",
            "told as a lost grant",
            seconds=60,
            every=2,
        )
        asked = stage.presented()
        stage.check(stage.refresh("anna").status == NO_GRANT, "a lost grant was not told as such")
        stage.check(stage.presented() == asked, "presented again after the grant had been lost")
        stage.check(asked == 2, f"presented {asked} times instead of twice")


def drained(stage):
    """SIGTERM while an answer is outstanding: it is waited for, and is there at the next start."""
    serving = stage.vault.serve()
    stage.proxy.faults = [late(20)]
    asking = stage.vault.run("refresh", "anna")
    stage.await_request()
    said = stage.vault.stop_serving(signal.SIGTERM)
    stage.vault.noted(["serve", "SIGTERM"], said)
    stage.vault.noted(["refresh", "anna"], asking.ended())
    stage.check(said.status == DONE, f"serve ended with {said}")
    stage.check(serving.process.poll() is not None, "serve did not end")
    stage.vault.serve()
    stage.check(
        stage.vault.status("anna")["refresh_count"] == 2, "the late answer is not in the vault"
    )


def killed(stage):
    """kill -9 while an answer is outstanding, and another process at once. Where the server is
    strict it leaves the connection alone while the server may be at work, and then asks again;
    where there is a grace, it has to ask again within that."""
    stage.vault.serve()
    stage.proxy.faults = [late(20)]
    asking = stage.vault.run("refresh", "anna")
    first = stage.await_request()
    stage.vault.stop_serving(signal.SIGKILL)
    asking.ended()
    first.gone = time.monotonic()
    stage.vault.serve()
    until(
        lambda: stage.presented() > 1 and all(note.done for note in stage.proxy.presented),
        "presented again",
    )
    if stage.trial.rotation == STRICT:
        waited = stage.proxy.presented[1].at - first.at
        stage.check(waited > 44, f"presented again after {waited:.0f} s")
        stage.expected["anna"] = "ended"


def wrong_secret(stage, corrected, serving=True, told=None):
    """The secret is wrong for a while: stored wrong and corrected; or expired at the server, and
    then stored anew, or renewed there."""
    if serving:
        stage.vault.serve()
    if told:
        stage.proxy.always = saying(*WORDS[told], only=401)
    if corrected == "stored":
        stage.store_secret("a-wrong-secret")
    else:
        stage.server.change_secret(stage.client, "another-secret")
    said = [stage.refresh(who) for who in stage.trial.who * 2]
    stage.check(all(one.status not in (DONE, NO_GRANT) for one in said), "told as a lost grant")
    if not told:
        stage.check(APPLICATION_WRONG in {one.status for one in said}, "not told as a wrong secret")
    if corrected == "renewed":
        stage.server.change_secret(stage.client, stage.secret)
        stage.proxy.always = faults.NONE
    elif corrected == "replaced":
        stage.store_secret("another-secret")
    else:
        stage.store_secret(stage.secret)
    stage.check(
        all(stage.server.has_grant(stage.client, who) for who in stage.trial.who),
        "the server ended a grant",
    )


def burnt(stage, change, asking):
    """The server ends the grant of whoever comes with a wrong secret, and says 400 and no more."""
    if asking != "commands":
        stage.vault.serve()
    if change:
        stage.store_secret("a-wrong-secret")
    else:
        stage.server.change_secret(stage.client, "another-secret")
    if asking == "at once":
        running = [(who, stage.vault.run("refresh", who)) for who in stage.trial.who]
        for who, command in running:
            stage.vault.noted(["refresh", who], command.ended())
    elif asking != "nobody":
        for who in stage.trial.who * 2:
            stage.refresh(who)
    else:
        until(lambda: stage.proxy.presented, "somebody is refreshed when due", every=1)
        pause(20)
    # Time for whatever the vault does by itself.
    pause(20)
    ended = [w for w in stage.trial.who if not stage.server.has_grant(stage.client, w)]
    stage.check(len(ended) <= 2, f"{len(ended)} of {len(stage.trial.who)} burnt: {ended}")
    stage.proxy.lifetime = None
    stage.store_secret(stage.secret if change else "another-secret")
    for who in ended:
        stage.expected[who] = "ended"


def withdrawn_and_put_again(stage):
    """The same application is put again, as some do at each start: that is no change."""
    stage.store_secret(stage.secret)
    withdrawn_alone(stage)


def withdrawn(stage, told=None, expired=False):
    """The user takes the consent back. The server says so, in its words or in others."""
    if expired:
        stage.proxy.lifetime = 20
        stage.refresh("anna")
    stage.proxy.lifetime = None
    stage.vault.serve()
    stage.server.withdraw(stage.client, "anna")
    stage.expected["anna"] = "ended"
    if told:
        stage.proxy.always = saying(*WORDS[told], only=400)
    if expired:
        pause(25)
    first = stage.refresh("anna")
    stage.check(first.status != DONE, f"a withdrawn grant was refreshed: {first}")
    # The other connection works and so vouches for the application.
    stage.check(stage.refresh("bert").status == DONE, "the other connection suffers")
    until(
        lambda: stage.refresh("anna").status == NO_GRANT,
        "a lost grant is told as one",
        seconds=40,
        every=4,
    )
    asked = stage.presented("anna")
    for _ in range(3):
        stage.refresh("anna")
    pause(10)
    stage.check(stage.presented("anna") <= asked + 1, "a lost grant is asked for again and again")


def withdrawn_alone(stage):
    """The same of the only connection that there is."""
    stage.vault.serve()
    stage.server.withdraw(stage.client, "anna")
    stage.expected["anna"] = "ended"
    said = stage.refresh("anna")
    stage.check(said.status == NO_GRANT, f"invalid_grant is not told as a lost grant: {said}")


def mistaken(stage, told):
    """For a while the server says of all grants what it says of dead ones, and ends none."""
    stage.vault.serve()
    stage.proxy.always = saying(*WORDS[told], reaches=False)
    for who in stage.trial.who * 2:
        said = stage.refresh(who)
        stage.check(said.status != NO_GRANT, f"told as lost: {said}")
    stage.proxy.always = faults.NONE


def all_trials():
    """Every trial, at both servers, and with each rotation where that makes a difference."""
    trials = []
    for seconds in (20, 40):
        for serving, way in WAYS:
            # A grace that is over before anybody gives up.
            run = partial(late_answers, fault=late(seconds), serving=serving)
            trials.append(Trial(f"{seconds} s late, {way}", run, "Authlib", "10"))
    for server in SERVERS:
        for rotation in ROTATIONS:
            trials += trials_of_answers(server, rotation)
        trials += trials_of_secrets(server) + trials_of_dead_grants(server)
    return trials + trials_of_burnt_grants()


def trials_of_answers(server, rotation):
    """Answers that are late, lie in a socket, or never come."""
    trials = []

    def add(name, run, **more):
        trials.append(Trial(name, run, server, rotation, **more))

    for serving, way in WAYS:
        for seconds in (20, 40):
            add(
                f"{seconds} s late, {way}",
                partial(late_answers, fault=late(seconds), serving=serving),
            )
        add(f"frozen, {way}", partial(frozen, serving=serving))
        if rotation == STRICT:
            add(f"frozen and closed, {way}", partial(frozen, serving=serving, closed=True))
        for fault in DROPPED:
            settings = {"listen_seconds": 20} if fault is faults.SILENT else {}
            # A process that follows another asks again the earlier the shorter tokens live.
            lifetime = None if serving else 100
            run = partial(dropped, fault=fault, serving=serving)
            add(f"{fault.name}, {way}", run, settings=settings, lifetime=lifetime)
    add("late once", partial(late_answers, fault=late(20), serving=True, times=1))
    add("killed", killed, lifetime=100)
    if rotation == STRICT:
        add("SIGTERM while an answer is late", drained)
        for serving, way in WAYS:
            run = partial(late_answers, serving=serving, fault=faults.begun(20))
            add(f"body 20 s late, {way}", run)
        add("late, asked meanwhile", late_and_asked)
        add("late, refreshed by itself", late_by_itself, lifetime=40)
        limit = {"concurrent_refreshes_max": 1}
        add("late, at the limit", late_at_the_limit, who=("anna", "bert"), settings=limit)
        add("late, application put again", late_and_replaced)
        add("late, connected again", late_and_connected_again)
        add("late, disconnected", late_and_disconnected)
    return trials


def words_at(server):
    """It is the proxy that says them, so that one server gets them all and the other the first."""
    return WORDS if server == SERVERS[0] else ["400 none"]


def trials_of_secrets(server):
    """Wrong client secrets, told in the server's own words or in others."""
    trials = []

    def add(name, settings=None, **more):
        run = partial(wrong_secret, **more)
        trials.append(Trial(name, run, server, STRICT, ("anna", "bert"), settings or {}))

    for corrected in ("stored", "replaced", "renewed"):
        add(f"secret {corrected}", corrected=corrected)
    add("secret stored, command", corrected="stored", serving=False)
    for word in words_at(server):
        for corrected in ("stored", "renewed"):
            name = f"secret {corrected}, told {word}"
            add(name, corrected=corrected, told=word)
            add(f"{name}, defined", corrected=corrected, told=word, settings=defining(word))
    return trials


def trials_of_dead_grants(server):
    """Grants that the user withdrew, and such as are only said to be dead."""
    trials = []

    def add(name, run, who=("anna", "bert"), **more):
        trials.append(Trial(name, run, server, STRICT, who, **more))

    add("withdrawn", withdrawn)
    add("withdrawn, never refreshed", withdrawn_alone, who=("anna",), proven=False)
    add("withdrawn, application put again", withdrawn_and_put_again, who=("anna",))
    for word in words_at(server):
        told, settings = f"told {word}", defining(word)
        add(f"withdrawn, {told}, defined", partial(withdrawn, told=word), settings=settings)
        add(f"withdrawn and expired, {told}", partial(withdrawn, told=word, expired=True))
        add(f"mistaken, {told}", partial(mistaken, told=word))
        add(f"mistaken, {told}, defined", partial(mistaken, told=word), settings=settings)
    return trials


def trials_of_burnt_grants():
    """A server that ends the grant of whoever comes with a wrong secret."""
    who = ("anna", "bert", "carl", "dora")
    trials = []
    for defined, settings in (("", {}), (", defined", defining("400 none"))):
        for name, change, asking in (
            ("stored wrong, asked at once", True, "at once"),
            ("stored wrong, asked in turn", True, "in turn"),
            ("stored wrong, commands", True, "commands"),
            ("stored wrong, nobody asks", True, "nobody"),
            ("expired, asked in turn", False, "in turn"),
            ("expired, commands", False, "commands"),
        ):
            run = partial(burnt, change=change, asking=asking)
            trial = Trial(f"burnt, {name}{defined}", run, "Authlib", STRICT, who, settings)
            trial.burns, trial.lifetime = True, 40 if asking == "nobody" else None
            trials.append(trial)
    return trials


class House:
    """The servers, and the trials that run there all at once: mostly they wait."""

    def __init__(self, folder, before=False):
        self.folder, self.before = folder, before
        self.servers = Servers(folder, ROTATIONS)
        # Nothing is timed before a trial is set up, so that nothing has to be set up fast.
        self.setting_up = threading.Semaphore(4)
        self.loop = self.certificate = self.pool = None
        self.stages = set()

    def __enter__(self):
        over.clear()
        self.certificate = certificate(self.folder)
        self.loop = Loop()
        try:
            self.servers.__enter__()
        except BaseException:
            self.loop.stop()
            raise
        self.pool = ThreadPoolExecutor(200)
        return self

    def __exit__(self, *_):
        # Whatever still runs here was interrupted.
        over.set()
        for stage in list(self.stages):
            stage.vault.close()
        self.pool.shutdown(cancel_futures=True)
        self.servers.__exit__()
        self.loop.stop()

    def start(self, trial):
        """Starts a trial; the result comes with the future."""
        return self.pool.submit(self.run, trial)

    def run(self, trial):
        """A trial from beginning to end. Whatever goes wrong is a fault in the result."""
        result = Result(trial)
        stage = None
        try:
            with self.setting_up:
                stage = Stage(trial, self)
                self.stages.add(stage)
                stage.set_up()
            try:
                trial.run(stage)
            except AssertionError as error:
                stage.check(False, str(error))
            # Those that live first: of the others something may be believed only then.
            for who in sorted(trial.who, key=lambda who: stage.expected[who] != "alive"):
                result.grants[who] = stage.judge(who)
        except Exception:
            result.faults.append(traceback.format_exc())
        finally:
            if stage:
                self.stages.discard(stage)
                stage.vault.close()
                stage.proxy.stop()
                result.saw, result.said = stage.proxy.saw(), stage.vault.said
                result.faults += stage.faults + stage.proxy.violations
        return result
