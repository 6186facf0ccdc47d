# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.


"""Circuit breaker that needs more than one failed call to open.

A failed call is a suspicion: it may concern one user, one project or one
connection. It causes one cheap probe. Only if the probe fails as well, calls
are refused until a pause has passed; the next call then causes another probe.
The pause doubles while probes fail.

Some load balancers serve the version document while nothing else works. Then
calls of several projects have to fail without any success; see
:mod:`mixmatch.outage`.
"""

from collections.abc import Callable
import threading
import time
from typing import Any

from oslo_log import log as logging

from mixmatch import deadline
from mixmatch import outage
from mixmatch import threads

LOG = logging.getLogger(__name__)

#: On trial: the probe is answered, but that has said nothing before.
UP, DOWN, TRIAL = 'up', 'down', 'trial'

#: Seconds between two probes of what is only suspected.
SUSPECT_AGAIN = 5
#: Seconds after which a probe that has not ended is given up: its thread is
#: dead, or stands still.
LOST = 60

Probe = Callable[[], bool]


class Health:
    """Circuit breaker of one service, in one process.

    :param label: begins each line of the log
    :param pause: seconds that it is left alone after the first failure
    :param longest: seconds that it is left alone at most
    :param changed: called after each change
    """

    def __init__(self, label: str, pause: float, longest: float,
                 changed: Callable[[], None] = lambda: None) -> None:
        self._label = label
        self._probe: Probe = lambda: True
        self._first, self._longest = pause, longest
        self._changed = changed
        self._lock = threading.Lock()
        self._state = UP
        self._reason = ''
        self._since = time.time()
        self._pause = 0.0
        self._retry_at = 0.0
        self._probing: threading.Event | None = None
        self._probing_until = 0.0
        self._suspicion = ''
        self._suspect_again_at = 0.0
        self._answered_at = 0.0
        self._outage = outage.Outage()
        # Whether it is down although its probes are answered.
        self._probe_lies = False

    def refusal(self, patience: float = deadline.PATIENCE,
                probe: Probe | None = None) -> str | None:
        """Return why not to ask now; None if it may be asked.

        :param patience: seconds to wait for the probe, if one is due
        :param probe: asks what this caller wants to ask; the one of the last
            failure without it
        """
        if self._state != DOWN:
            return None
        with self._lock:
            if self._state != DOWN:
                return None
            if self._is_probing() or time.monotonic() < self._retry_at:
                return self._why()
            answered = self._start_probe(probe or self._probe, again=True)
            if answered is None:
                # NOTE: then the call finds out itself, one in each pause.
                self._retry_at = time.monotonic() + self._pause
                return None
        answered.wait(patience)
        with self._lock:
            return self._why() if self._state == DOWN else None

    def suspect(self, reason: str, probe: Probe) -> bool:
        """Note that something is odd: let a probe find out, in the background.

        :param reason: for the log and for users, if the probe is not
            answered; no text of the peer
        :param probe: asks cheaply; raises or returns False if that is not
            answered
        :returns: whether a probe has found that it is down
        """
        with self._lock:
            if self._state == DOWN:
                return not self._probe_lies
            if (not self._is_probing()
                    and time.monotonic() >= self._suspect_again_at):
                self._suspect_again_at = time.monotonic() + SUSPECT_AGAIN
                self._suspicion = reason
                self._start_probe(probe)
        return False

    def failed(self, reason: str, probe: Probe, whose: str | None = None,
               unreached_since: float | None = None) -> None:
        """Note that a call was not answered.

        :param reason: as of :meth:`suspect`
        :param probe: as of :meth:`suspect`
        :param whose: the project that has asked
        :param unreached_since: since when, on the clock of time.monotonic(),
            it tried in vain to connect, for all the time that this may take:
            as good as a probe, as it carries nothing of a user
        """
        with self._lock:
            if self._state == DOWN:
                return
            self._outage.failed(whose)
            dead = (unreached_since is not None
                    and self._answered_at < unreached_since)
            before = self._state
            everybody = self._outage.lasts(again=before == TRIAL)
            if everybody and not dead:
                reason += f' ({self._outage})'
            if dead or everybody:
                self._probe, self._probe_lies = probe, not dead
                self._close(reason)
        if dead or everybody:
            self._log_down(before, reason)
        else:
            self.suspect(reason, probe)

    def succeeded(self) -> None:
        """Note that a call was answered."""
        self._answered_at = time.monotonic()
        if self._state == UP and not self._outage:
            return
        with self._lock:
            self._outage.ended()
            before, after = self._state, self._open()
        if before != UP:
            self._log_up(after)

    def to_dict(self) -> dict[str, Any]:
        """Return the state: times in seconds since 1970."""
        with self._lock:
            left = self._retry_at - time.monotonic()
            return {'state': DOWN if self._state == DOWN else UP,
                    'since': self._since, 'reason': self._reason,
                    'retry_at': (time.time() + left
                                 if self._state == DOWN else None)}

    def _close(self, reason: str) -> None:
        if self._state == UP:
            self._since = time.time()
        self._state, self._reason = DOWN, reason
        self._pause = min(max(self._first, self._pause * 2), self._longest)
        self._retry_at = time.monotonic() + self._pause

    def _open(self) -> float | None:
        """Let all calls through again.

        :returns: how many seconds none went through; None if they did
        """
        if self._state == UP:
            return None
        after = time.time() - self._since
        self._state, self._pause = UP, 0.0
        self._since, self._reason = time.time(), ''
        return after

    def _why(self) -> str:
        return (f'{self._reason} ({time.time() - self._since:.0f} s ago; it '
                'is tried again in '
                f'{max(0.0, self._retry_at - time.monotonic()):.0f} s)')

    def _is_probing(self) -> bool:
        return (self._probing is not None
                and time.monotonic() < self._probing_until)

    def _start_probe(self, probe: Probe, again: bool = False
                     ) -> threading.Event | None:
        """Start a thread that probes.

        :param again: whether the pause is over
        """
        self._probe = probe
        answered = self._probing = threading.Event()
        self._probing_until = time.monotonic() + LOST
        if threads.start(self._try, probe, answered, again) is None:
            self._probing = None
        return self._probing

    def _try(self, probe: Probe, answered: threading.Event, again: bool
             ) -> None:
        began = time.monotonic()
        alive = False
        try:
            alive = probe()
        except Exception as exc:  # noqa: BLE001
            LOG.debug('%(label)s does not answer a probe: %(reason)s',
                      {'label': self._label, 'reason': exc})
        finally:
            # NOTE: also if the thread is killed, as eventlet can.
            self._learn(alive, began, answered, again)

    def _learn(self, alive: bool, began: float,
               answered: threading.Event, again: bool) -> None:
        after = None
        with self._lock:
            before, suspicion = self._state, self._suspicion
            if self._probing is answered:
                self._probing = None
            # NOTE: a call knows better than a probe.
            knows_better = before != DOWN and self._answered_at > began
            if not alive and not knows_better:
                self._close(self._reason if before == DOWN else suspicion)
                self._probe_lies = False
            elif before == DOWN and self._probe_lies:
                # NOTE: one that began before the pause ends none.
                if again:
                    self._state = TRIAL
                    self._outage.ended()
            elif before == DOWN:
                after = self._open()
        answered.set()
        if self._state == DOWN:
            self._log_down(before, suspicion)
        elif before == DOWN:
            self._log_up(after)
        elif suspicion:
            LOG.info('%(label)s answers a probe, so it is not down, though '
                     'not all calls are answered: %(reason)s',
                     {'label': self._label, 'reason': suspicion})

    def _log_down(self, before: str, reason: str) -> None:
        if before == UP:
            LOG.warning('%(label)s is down: %(reason)s',
                        {'label': self._label, 'reason': reason})
        self._publish()

    def _log_up(self, after: float | None) -> None:
        if after is not None:
            LOG.warning('%(label)s is up again after %(after).0f s',
                        {'label': self._label, 'after': after})
        self._publish()

    def _publish(self) -> None:
        try:
            self._changed()
        except Exception:
            LOG.exception('%s: its state cannot be published', self._label)
