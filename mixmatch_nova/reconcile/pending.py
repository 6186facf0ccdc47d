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


"""What could not be told to another cloud is told later.

One thread of each process of Nova repeats it until it is settled; there is
none while nothing is outstanding. What is outstanding is kept in memory, which
is bounded, and on record (see :mod:`mixmatch_nova.reconcile.journal`), from
where nova-conductor adopts what a process had no room for, or did not live to
settle.
"""

import threading
import time
from typing import Any

from oslo_log import log as logging

from mixmatch import exceptions
from mixmatch import federation
from mixmatch import threads
from mixmatch_nova.reconcile import journal
from mixmatch_nova.reconcile import outcome
from mixmatch_nova.reconcile import reconciler
from mixmatch_nova.reconcile import servers
from mixmatch_nova import target

LOG = logging.getLogger(__name__)

#: How many volumes a process cares for at most.
LIMIT = 1000

#: Seconds between two attempts; doubled after each that fails.
_FIRST_PAUSE = 1.0
#: ... at most, while the other cloud does not answer, and while it refuses.
_LONGEST_PAUSE = 30.0
_LONGEST_REFUSED = 600.0


class _Entry:
    """A correction, and when it is due."""

    def __init__(self, wanted: reconciler.Correction) -> None:
        self.correction = wanted
        self.began = self.due = time.monotonic()
        self.pause = _FIRST_PAUSE
        #: changes when there is more to do, maybe while a look is under way
        self.serial = 0
        self.refusal = self.left = ''
        self.records: set[journal.Record] = set()


class Outstanding:
    """What a process still has to tell to other clouds.

    :param clouds: the service providers
    :param lasting: whether this process goes on; a command does not, and who
        runs it is told what went wrong
    """

    def __init__(self, clouds: federation.Federation,
                 lasting: bool = True) -> None:
        self._clouds = clouds
        self._lasting = lasting
        self._entries: dict[target.Subject, _Entry] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, context: Any, subject: target.Subject,
            exc: BaseException, attachment_id: str | None = None) -> bool:
        """Have a volume looked at until it is as home believes.

        :param context: of the request that was not answered
        :param subject: the volume, and the server
        :param exc: what happened
        :param attachment_id: an attachment that is to be deleted
        :returns: False if that cannot be done
        """
        if not self._lasting:
            return False
        if subject.target.project_id is None:
            LOG.error('Nobody has told the project of %s: it may have to be '
                      'settled by hand', subject)
            return False
        at_home = servers.Home(context)
        noted = None
        # NOTE: not under the lock, since it may take the time of a call to
        # nova-conductor. Two threads may both note the same; both are settled.
        if not self._is_on_record(subject, attachment_id):
            noted = journal.note(at_home.context(), subject, attachment_id)
        with self._changed:
            if subject not in self._entries:
                self._make_room()
            news = self._enter(at_home, subject, attachment_id, noted)
        if news:
            LOG.warning(
                'Outstanding: %(subject)s, attachment %(attachment)s: '
                '%(reason)s. It is told again until it is settled.',
                {'subject': subject, 'attachment': attachment_id,
                 'reason': outcome.reason(exc)})
        return True

    def adopt(self, context: Any, found: journal.Record) -> None:
        """Settle what is on record, unless that is under way or full.

        :param context: of the cell whose record it is
        """
        with self._changed:
            entry = self._entries.get(found.subject)
            if entry is None and len(self._entries) >= LIMIT:
                return
            if entry and found in entry.records:
                return
            self._enter(servers.Home(context), found.subject,
                        found.attachment_id, found)
        LOG.info('On record, and now outstanding here: %s', found)

    def __len__(self) -> int:
        return len(self._entries)

    def _is_on_record(self, subject: target.Subject,
                      attachment_id: str | None) -> bool:
        with self._changed:
            entry = self._entries.get(subject)
            records = entry.records if entry else set()
            # NOTE: whoever deletes an attachment looks at the volume, too.
            return bool(records) and attachment_id in (
                None, *(each.attachment_id for each in records))

    def _enter(self, at_home: servers.Home, subject: target.Subject,
               attachment_id: str | None, noted: journal.Record | None
               ) -> bool:
        """Make an entry, or renew it.

        :returns: whether there is more to do than before
        """
        entry = self._entries.get(subject)
        if entry is None:
            entry = self._entries[subject] = _Entry(
                reconciler.Correction(subject, at_home))
        news = (entry.serial == 0 or attachment_id not in (
            None, *entry.correction.attachments))
        entry.correction.renew(attachment_id)
        entry.serial += 1
        if noted:
            entry.records.add(noted)
        if attachment_id:
            entry.due = time.monotonic()
        self._run()
        self._changed.notify()
        return news

    def _make_room(self) -> None:
        if len(self._entries) >= LIMIT:
            oldest = next(iter(self._entries))
            lost = self._entries.pop(oldest)
            LOG.error('Too much is outstanding; forgotten%(record)s: '
                      '%(subject)s, attachments to delete: %(attachments)s',
                      {'record': ' here, but on record' * bool(lost.records),
                       'subject': oldest, 'attachments': ', '.join(
                          sorted(lost.correction.attachments)) or 'none'})

    def _run(self) -> None:
        # NOTE: only now, since threads do not survive a fork, and since
        # eventlet has replaced them by now where it does.
        if self._thread is None or not self._thread.is_alive():
            # NOTE: without one, the next that is added tries again, and what
            # is on record is adopted by a process that can.
            self._thread = threads.start(self._work,
                                         name='mixmatch-outstanding')

    def _work(self) -> None:
        while True:
            with self._changed:
                if not self._entries:
                    self._thread = None
                    return
                entry = min(self._entries.values(), key=lambda each: each.due)
                left = entry.due - time.monotonic()
                if left > 0:
                    self._changed.wait(left)
                    continue
                serial = entry.serial
            if self._look(entry):
                with self._changed:
                    settled = serial == entry.serial
                    if settled:
                        self._forget(entry)
                if settled:
                    for each in entry.records:
                        journal.settle(entry.correction.home.context(), each)

    def _look(self, entry: _Entry) -> bool:
        try:
            settled = entry.correction.look(self._clouds)
        except Exception as exc:  # noqa: BLE001 - whatever it is, go on
            self._failed(entry, exc)
            return False
        entry.pause, entry.refusal = _FIRST_PAUSE, ''
        entry.due = time.monotonic() + entry.correction.pause
        self._say_left(entry)
        return settled

    @staticmethod
    def _say_left(entry: _Entry) -> None:
        left, entry.left = entry.left, entry.correction.left
        if entry.left and entry.left != left:
            LOG.warning(
                '%(subject)s is %(left)s. Somebody at the service provider '
                'may be using it, so it is left as it is. If nobody does: '
                'mixmatch-nova reset %(volume)s', {
                    'subject': entry.correction.subject, 'left': entry.left,
                    'volume': entry.correction.subject.volume_id})

    def _forget(self, entry: _Entry) -> None:
        self._entries.pop(entry.correction.subject, None)
        LOG.info('Settled after %(seconds).0f s: %(subject)s: %(done)s',
                 {'seconds': time.monotonic() - entry.began,
                  'subject': entry.correction.subject,
                  'done': ', '.join(entry.correction.done)
                  or 'nothing had to be changed'})

    @staticmethod
    def _failed(entry: _Entry, exc: Exception) -> None:
        longest = _LONGEST_PAUSE
        if (not isinstance(exc, exceptions.ConnectionFailure)
                and not _is_broken(exc)):
            longest = _LONGEST_REFUSED
            refusal = outcome.reason(exc)
            if refusal != entry.refusal:
                entry.refusal = refusal
                LOG.warning('%(subject)s cannot be settled: %(reason)s. It '
                            'is tried again.', {
                                'subject': entry.correction.subject,
                                'reason': refusal})
        entry.due = time.monotonic() + entry.pause
        entry.pause = min(entry.pause * 2, longest)


def _is_broken(exc: Exception) -> bool:
    return getattr(exc, 'code', 0) >= 500 and not isinstance(
        exc, exceptions.MixmatchException)
