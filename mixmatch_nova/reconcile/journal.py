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

"""A journal of pending changes at other clouds, which outlives a process.

Each record is a row of Nova's own table ``task_log``, for which Nova has the
object ``TaskLog`` in all releases:

* It is in the database of the cell, like the mappings; nova-compute, which
  has no database, reaches it through nova-conductor like them.
* It outlives the server and its mappings: ``nova-manage db
  archive_deleted_rows`` leaves the table alone, unless ``--task-log`` is
  said; with ``--before`` as well it leaves alone what is not settled.
* Nova reads only the rows of its own task there, ``instance_usage_audit``.

A row is made once and ended once: its name has a random part. So a process
that resolves one record cannot end what another process added meanwhile.
"""

import dataclasses
import datetime
from typing import Any
from urllib import parse

from nova import exception
from nova import objects
from oslo_log import log as logging
from oslo_utils import uuidutils

from mixmatch_nova import target

LOG = logging.getLogger(__name__)

TASK = 'mixmatch-outstanding'

#: Nova asks for the rows of one period: all of ours are in this one.
_PERIOD = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
#: The state of a row that is not ended, in Nova's words.
_RUNNING = 'RUNNING'


@dataclasses.dataclass(frozen=True)
class Record:
    """A pending change.

    :param subject: the volume and the server
    :param attachment_id: an attachment that is to be deleted; None if the
        volume only has to be looked at
    :param key: tells it from others of the same
    """

    subject: target.Subject
    attachment_id: str | None
    key: str = dataclasses.field(
        default_factory=lambda: uuidutils.generate_uuid(dashed=False))

    def __str__(self) -> str:
        return f'{self.subject}, attachment {self.attachment_id}'

    @property
    def host(self) -> str:
        """Return what the row has in place of the name of a host."""
        # NOTE: another cloud has chosen some of these.
        return '/'.join(parse.quote(each or '', safe='') for each in (
            self.subject.volume_id, self.subject.server_id,
            self.attachment_id, self.key))

    @classmethod
    def parse(cls, host: str, message: str) -> 'Record':
        """The record that a row holds.

        :raises ValueError: it holds something else
        """
        volume_id, server_id, attachment_id, key = (
            parse.unquote(each) or None for each in host.split('/'))
        remote = target.Target.parse(message)
        if not (key and remote.service_provider and remote.project_id):
            raise ValueError(host)
        return cls(target.Subject(remote, volume_id, server_id),
                   attachment_id, key)


def add(context: Any, subject: target.Subject,
        attachment_id: str | None) -> Record | None:
    """Add a record.

    :param context: ``nova.context.RequestContext`` of the server's cell
    :returns: None if that failed, which the log says
    """
    record = Record(subject, attachment_id)
    try:
        _row(context, record).begin_task()
    except Exception as exc:  # noqa: BLE001 - the operation goes on
        LOG.warning('Cannot be written to task_log (%(reason)s): %(record)s, '
                    'project %(project)s. Only the memory of this process '
                    'has it; if it ends first, resolve it by hand, see '
                    'mixmatch-nova check and reset.',
                    {'reason': type(exc).__name__, 'record': record,
                     'project': subject.target.project_id})
        return None
    return record


def resolve(context: Any, record: Record) -> None:
    """End the row of a record; once more does no harm.

    :param context: see :func:`add`
    """
    try:
        _row(context, record).end_task()
    except exception.TaskNotRunning:
        LOG.debug('No longer in task_log: %s', record)
    except Exception as exc:  # noqa: BLE001 - it is looked at once more
        LOG.warning('Resolved, but still in task_log (%(reason)s): %(record)s',
                    {'reason': type(exc).__name__, 'record': record})


def list_unresolved(context: Any) -> list[Record]:
    """Return the records that are not resolved.

    :param context: of a cell
    """
    found = []
    for row in objects.TaskLogList.get_all(context, TASK, _PERIOD, _PERIOD,
                                           state=_RUNNING):
        try:
            found.append(Record.parse(row.host, row.message))
        except ValueError:
            LOG.warning('Row %(id)s of task_log cannot be read: %(host)s',
                        {'id': row.id, 'host': row.host})
    return found


def _row(context: Any, record: Record) -> Any:
    return objects.TaskLog(
        context, task_name=TASK, host=record.host, period_beginning=_PERIOD,
        period_ending=_PERIOD, message=str(record.subject.target),
        task_items=1, errors=0)
