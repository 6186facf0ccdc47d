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


"""nova.manager.Manager: what runs once a minute in nova-conductor.

What is on record and nobody settles, since the process that knew of it has
ended, is adopted there: nova-conductor is where the database is.
"""

from collections.abc import Callable
import fcntl
import os
import time
from typing import Any
import weakref

from nova.objects import base
from oslo_log import log as logging

from mixmatch_nova import outstanding
from mixmatch_nova import patch
from mixmatch_nova import record

LOG = logging.getLogger(__name__)

PERIODIC_TASKS = patch.Symbol('nova.manager', 'Manager.periodic_tasks',
                              ('self', 'context', 'raise_on_error'))

#: Seconds between two looks at what is on record.
PERIOD = 60


class Adopter:
    """Adopts what is on record, in one of the workers of a nova-conductor.

    :param owed: what this process still has to tell to other clouds
    """

    def __init__(self, owed: outstanding.Outstanding) -> None:
        self._owed = owed
        self._next = 0.0
        # NOTE: made before the workers are forked, so it is the same file for
        # all of them. Whoever locks it first adopts until it ends.
        self._turn = os.memfd_create('mixmatch')
        weakref.finalize(self, os.close, self._turn)

    def periodic_tasks(self, original: Callable, manager: Any, context: Any,
                       *args: Any, **kwargs: Any) -> Any:
        idle = original(manager, context, *args, **kwargs)
        if (manager.service_name == 'conductor'
                and base.NovaObject.indirection_api is None
                and time.monotonic() >= self._next):
            self._next = time.monotonic() + PERIOD
            try:
                self._adopt(context)
            except Exception:
                LOG.exception('What is on record for other clouds cannot be '
                              'read; it is tried again in a minute')
        return idle

    def _adopt(self, context: Any) -> None:
        try:
            fcntl.lockf(self._turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        for each in record.unsettled(context):
            self._owed.adopt(context, each)


def patches(owed: outstanding.Outstanding) -> list[patch.Patch]:
    return [patch.Patch(PERIODIC_TASKS, Adopter(owed).periodic_tasks)]
