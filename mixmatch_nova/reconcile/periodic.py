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

"""Work that is done once a minute.

* In nova-conductor, which is where the database is: records whose
  process has ended are adopted, and
  mappings that have never got an attachment are ended.
* In nova-compute: what the one before it was killed in the middle of is ended.
"""

import fcntl
import os
import time
from typing import Any
import weakref

from nova.objects import base
from oslo_log import log as logging

from mixmatch_nova.reconcile import journal
from mixmatch_nova.reconcile import pending
from mixmatch_nova.reconcile import recovery
from mixmatch_nova.reconcile import unfinished

LOG = logging.getLogger(__name__)

#: Seconds between two runs.
PERIOD = 60


class PeriodicTask:
    """The work of a process for those that have ended.

    :param pending: the queue of this process
    :param recovery: of servers on this host
    """

    def __init__(self, pending: pending.Queue,
                 recovery: recovery.Recovery) -> None:
        self._pending = pending
        self._recovery = recovery
        self._next = 0.0
        # NOTE: made before the workers are forked, so it is the same file for
        # all of them. The first to lock it adopts until it ends.
        self._lock = os.memfd_create('mixmatch')
        weakref.finalize(self, os.close, self._lock)

    def run_if_due(self, context: Any, manager: Any) -> None:
        """Do the work once a minute; a failure is logged.

        :param context: of an administrator, without a token
        :param manager: ``nova.manager.Manager`` of the service
        """
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + PERIOD
        try:
            self._run(context, manager)
        except Exception:
            LOG.exception('The periodic work for volumes of other clouds '
                          'failed; it is retried in a minute')

    def _run(self, context: Any, manager: Any) -> None:
        if manager.service_name == 'compute':
            self._recovery.run(context, manager)
        elif (manager.service_name == 'conductor'
                and base.NovaObject.indirection_api is None):
            self._adopt(context)

    def _adopt(self, context: Any) -> None:
        """Do it in one of the workers of a nova-conductor."""
        try:
            fcntl.lockf(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        for each in journal.list_unresolved(context):
            self._pending.adopt(context, each)
        unfinished.end_all(context, self._pending)
