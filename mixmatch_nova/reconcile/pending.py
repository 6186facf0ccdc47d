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

"""A queue of volumes whose state at another cloud is in doubt.

One thread of each process of Nova reconciles them, again until that is
resolved; there is none while the queue is empty. It is kept in memory, which
is bounded, and in the journal (see :mod:`mixmatch_nova.reconcile.journal`),
from where nova-conductor adopts what a process had no room for, or did not
resolve before it ended.
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

#: Number of volumes in a queue, at most.
LIMIT = 1000

#: Seconds between two attempts; doubled after each that fails.
_FIRST_PAUSE = 1.0
#: ... at most, while the other cloud does not answer, and while it refuses.
_LONGEST_PAUSE = 30.0
_LONGEST_REFUSED = 600.0


class _Entry:
    """A reconciler, and when it is due."""

    def __init__(self, wanted: reconciler.Reconciler) -> None:
        self.reconciler = wanted
        self.began = self.due = time.monotonic()
        self.pause = _FIRST_PAUSE
        #: changes when there is more to do, maybe while a look is under way
        self.serial = 0
        self.refusal = self.needs_operator = ''
        self.records: set[journal.Record] = set()


class Queue:
    """The volumes that a process has to reconcile.

    :param clouds: the service providers
    :param lasting: whether this process goes on; a command does not, and
        reports to its user what went wrong
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
            LOG.error('The project of %s is not known: it may have to be '
                      'resolved by hand', subject)
            return False
        cell_servers = servers.Servers(context)
        record = None
        # NOTE: not under the lock, since it may take the time of a call to
        # nova-conductor. Two threads may both add the same; both are resolved.
        if not self._is_recorded(subject, attachment_id):
            record = journal.add(cell_servers.context(), subject,
                                 attachment_id)
        with self._changed:
            if subject not in self._entries:
                self._make_room()
            is_new = self._enter(cell_servers, subject, attachment_id, record)
        if is_new:
            LOG.warning(
                'Pending: %(subject)s, attachment %(attachment)s: '
                '%(reason)s. Nova retries until it is resolved.',
                {'subject': subject, 'attachment': attachment_id,
                 'reason': outcome.reason(exc)})
        return True

    def adopt(self, context: Any, found: journal.Record) -> None:
        """Add a record of the journal, unless the queue has it, or is full.

        :param context: of the cell whose record it is
        """
        with self._changed:
            entry = self._entries.get(found.subject)
            if entry is None and len(self._entries) >= LIMIT:
                return
            if entry and found in entry.records:
                return
            self._enter(servers.Servers(context), found.subject,
                        found.attachment_id, found)
        LOG.info('Adopted from task_log, pending in this process: %s', found)

    def __len__(self) -> int:
        return len(self._entries)

    def _is_recorded(self, subject: target.Subject,
                     attachment_id: str | None) -> bool:
        with self._changed:
            entry = self._entries.get(subject)
            records = entry.records if entry else set()
            # NOTE: a deletion of an attachment looks at the volume, too.
            return bool(records) and attachment_id in (
                None, *(each.attachment_id for each in records))

    def _enter(self, cell_servers: servers.Servers, subject: target.Subject,
               attachment_id: str | None, record: journal.Record | None
               ) -> bool:
        """Make an entry, or renew it.

        :returns: whether there is more to do than before
        """
        entry = self._entries.get(subject)
        if entry is None:
            entry = self._entries[subject] = _Entry(
                reconciler.Reconciler(subject, cell_servers))
        is_new = (entry.serial == 0 or attachment_id not in (
            None, *entry.reconciler.attachments))
        entry.reconciler.restart(attachment_id)
        entry.serial += 1
        if record:
            entry.records.add(record)
        if attachment_id:
            entry.due = time.monotonic()
        self._run()
        self._changed.notify()
        return is_new

    def _make_room(self) -> None:
        if len(self._entries) >= LIMIT:
            oldest = next(iter(self._entries))
            lost = self._entries.pop(oldest)
            LOG.error('Too many volumes are pending; dropped from memory '
                      '%(journal)s: %(subject)s, attachments to delete: '
                      '%(attachments)s', {
                          'journal': 'but kept in task_log' if lost.records
                          else 'and not in task_log',
                          'subject': oldest, 'attachments': ', '.join(
                              sorted(lost.reconciler.attachments)) or 'none'})

    def _run(self) -> None:
        # NOTE: only now, since threads do not survive a fork, and since
        # eventlet has replaced them by now where it does.
        if self._thread is None or not self._thread.is_alive():
            # NOTE: without one, the next that is added tries again, and what
            # is on record is adopted by a process that can.
            self._thread = threads.start(self._work,
                                         name='mixmatch-pending')

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
                    resolved = serial == entry.serial
                    if resolved:
                        self._forget(entry)
                if resolved:
                    for each in entry.records:
                        journal.resolve(entry.reconciler.servers.context(),
                                        each)

    def _look(self, entry: _Entry) -> bool:
        try:
            resolved = entry.reconciler.run_once(self._clouds)
        except Exception as exc:  # noqa: BLE001 - whatever it is, go on
            self._failed(entry, exc)
            return False
        entry.pause, entry.refusal = _FIRST_PAUSE, ''
        entry.due = time.monotonic() + entry.reconciler.pause
        self._log_needs_operator(entry)
        return resolved

    @staticmethod
    def _log_needs_operator(entry: _Entry) -> None:
        subject, reason = (entry.reconciler.subject,
                           entry.reconciler.needs_operator)
        if reason and reason != entry.needs_operator:
            LOG.warning(
                '%(subject)s is %(reason)s. It may be in use at the service '
                'provider, so it is not changed. If it is not in use: '
                'mixmatch-nova reset %(volume)s', {
                    'subject': subject, 'reason': reason,
                    'volume': subject.volume_id})
        entry.needs_operator = reason

    def _forget(self, entry: _Entry) -> None:
        self._entries.pop(entry.reconciler.subject, None)
        LOG.info('Resolved after %(seconds).0f s: %(subject)s: %(done)s',
                 {'seconds': time.monotonic() - entry.began,
                  'subject': entry.reconciler.subject,
                  'done': ', '.join(entry.reconciler.changes)
                  or 'nothing had to be changed'})

    @staticmethod
    def _failed(entry: _Entry, exc: Exception) -> None:
        longest = _LONGEST_PAUSE
        if (not isinstance(exc, exceptions.ConnectionFailure)
                and not _is_broken(exc)):
            longest = _LONGEST_REFUSED
            refusal = outcome.reason(exc).rstrip('.')
            if refusal != entry.refusal:
                entry.refusal = refusal
                LOG.warning('What is pending for %(subject)s cannot be '
                            'resolved: %(reason)s. Nova retries.', {
                                'subject': entry.reconciler.subject,
                                'reason': refusal})
        entry.due = time.monotonic() + entry.pause
        entry.pause = min(entry.pause * 2, longest)


def _is_broken(exc: Exception) -> bool:
    return getattr(exc, 'code', 0) >= 500 and not isinstance(
        exc, exceptions.MixmatchException)
