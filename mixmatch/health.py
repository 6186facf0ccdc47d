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

"""Whether something answers, so that nobody waits twice for what does not.

A circuit breaker: after a failure nobody asks until a pause has passed; the
next caller lets one cheap probe ask; if that is answered, calls go through
again. The pause doubles until a call has succeeded. A probe also tells apart
what is slow from what is dead.
"""

from collections.abc import Callable
import threading
import time
from typing import Any

from oslo_log import log as logging

LOG = logging.getLogger(__name__)

UP, DOWN, TRIAL = 'up', 'down', 'trial'

#: Seconds that a caller waits for the probe that he has caused.
PATIENCE = 0.25
#: Seconds between two probes of what is only suspected.
SUSPECT_AGAIN = 5


class Health:
    """What a process knows of one thing that it needs.

    :param label: begins each line of the log
    :param pause: seconds that it is left alone after the first failure
    :param longest: seconds that it is left alone at most
    :param changed: called after each change
    """

    def __init__(self, label: str, pause: float, longest: float,
                 changed: Callable[[], None] = lambda: None) -> None:
        self._label = label
        self._probe: Callable[[], bool] = lambda: True
        self._first, self._longest = pause, longest
        self._changed = changed
        self._lock = threading.Lock()
        self._state = UP
        self._reason = ''
        self._since = time.time()
        self._pause = 0.0
        self._retry_at = 0.0
        self._probing: threading.Event | None = None
        self._suspicion = ''
        self._suspect_again_at = 0.0
        self._answered_at = 0.0

    def refusal(self, patience: float = PATIENCE) -> str | None:
        """Why not to ask now; None if it may be asked.

        :param patience: seconds to wait for the probe, if one is due
        """
        if self._state != DOWN:
            return None
        with self._lock:
            if self._probing or time.monotonic() < self._retry_at:
                return self._why()
            answered = self._start_probe()
        answered.wait(patience)
        with self._lock:
            return self._why() if self._state == DOWN else None

    def suspect(self, reason: str, probe: Callable[[], bool]) -> bool:
        """Note that something is odd: let a probe find out, in the background.

        :param reason: as of :meth:`failed`, which follows if the probe fails
        :param probe: as of :meth:`failed`
        :returns: whether it is known to be down
        """
        with self._lock:
            if self._state == DOWN:
                return True
            if (not self._probing
                    and time.monotonic() >= self._suspect_again_at):
                self._suspect_again_at = time.monotonic() + SUSPECT_AGAIN
                self._probe, self._suspicion = probe, reason
                self._start_probe()
        return False

    def _start_probe(self) -> threading.Event:
        answered = self._probing = threading.Event()
        threading.Thread(target=self._try, args=(answered,),
                         daemon=True).start()
        return answered

    def failed(self, reason: str, probe: Callable[[], bool]) -> None:
        """Note that a call was not answered.

        :param reason: for the log and for users; no text of a stranger
        :param probe: asks again, cheaply; raises or returns False if that is
            not answered
        """
        with self._lock:
            before = self._state
            if before == DOWN:
                return
            self._probe = probe
            self._close(reason)
        if before == UP:
            LOG.warning('%(label)s is down: %(reason)s',
                        {'label': self._label, 'reason': reason})
        self._changed()

    def succeeded(self) -> None:
        """Note that a call was answered."""
        self._answered_at = time.monotonic()
        if self._state == UP:
            return
        with self._lock:
            if self._state == UP:
                return
            after = time.time() - self._since
            self._state, self._pause = UP, 0.0
            self._since, self._reason = time.time(), ''
        LOG.warning('%(label)s is up again after %(after).0f s',
                    {'label': self._label, 'after': after})
        self._changed()

    def to_dict(self) -> dict[str, Any]:
        """The state for those who look: times in seconds since 1970."""
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

    def _why(self) -> str:
        return (f'{self._reason} ({time.time() - self._since:.0f} s ago; it '
                'is tried again in '
                f'{max(0.0, self._retry_at - time.monotonic()):.0f} s)')

    def _try(self, answered: threading.Event) -> None:
        began = time.monotonic()
        try:
            alive = self._probe()
        except Exception as exc:  # noqa: BLE001
            LOG.debug('%(label)s does not answer a probe: %(reason)s',
                      {'label': self._label, 'reason': exc})
            alive = False
        with self._lock:
            self._probing = None
            before = self._state
            # NOTE: a call knows better than a probe.
            alive = alive or (before == UP and self._answered_at > began)
            if not alive:
                self._close(self._reason if before == DOWN
                            else self._suspicion)
            elif before == DOWN:
                self._state = TRIAL
        answered.set()
        if not alive and before == UP:
            LOG.warning('%(label)s is down: %(reason)s',
                        {'label': self._label, 'reason': self._suspicion})
        if self._state != before:
            self._changed()
