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

"""Compare the block device mappings with attachments at other clouds.

Two looks, some seconds apart, must find the same, so that no request that is
under way is taken for a mistake: it changes one of the two sides first. A
server that is being moved, rebuilt or deleted is not judged at all.

An attachment is ours only if it names a server that this cloud has, or had.
Others in the same project may be the service provider's, or another cloud's.
"""

from collections.abc import Iterator, Sequence
import dataclasses
import time
from typing import Any

from cinderclient import exceptions as cinder_exceptions
from oslo_utils import uuidutils

from mixmatch import federation
from mixmatch_nova import auth
from mixmatch_nova.reconcile import cells
from mixmatch_nova.reconcile import journal
from mixmatch_nova.reconcile import outcome
from mixmatch_nova.reconcile import reconciler
from mixmatch_nova import target

#: An attachment of a server of this cloud that no live mapping has.
ORPHAN = 'orphan'
#: A live mapping whose attachment is not there.
LOST = 'lost'
#: A live mapping that has never got an attachment.
UNFINISHED = 'unfinished'
#: A change that is pending at a service provider.
ON_RECORD = 'on record'
#: A service provider, or a project there, that cannot be judged.
SILENT = 'silent'
#: A possible orphan or lost one, or a request that has not ended.
UNDER_WAY = 'under way'

KINDS = (ORPHAN, LOST, UNFINISHED, ON_RECORD, SILENT, UNDER_WAY)


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something on which home and a service provider do not agree.

    :param kind: one of :data:`KINDS`
    :param target: the service provider, and the project there
    :param reason: why a service provider is not judged
    """

    kind: str
    target: target.Target
    volume_id: str | None = None
    server_id: str | None = None
    attachment_id: str | None = None
    reason: str = ''


class _Snapshot:
    """The content of the databases of all cells, at one moment."""

    def __init__(self, all_cells: Sequence[cells.Cell]) -> None:
        self.bdms = {each for cell in all_cells for each in cell.bdms()}
        self.records = [(cell, each) for cell in all_cells
                        for each in cell.records()]
        self.live = {each.attachment_id: each for each in self.bdms
                     if each.live and each.attachment_id}
        self.unfinished = [each for cell in all_cells
                           for each in cell.unfinished()]
        self.on_record = {each.attachment_id for _, each in self.records}
        self.targets = sorted(
            {each.target for each in self.bdms if each.target.project_id}
            | {each.subject.target for _, each in self.records}, key=str)

    @property
    def named_servers(self) -> set[str | None]:
        """The servers that a mapping or a record names."""
        return ({each.server_id for each in self.bdms}
                | {each.subject.server_id for _, each in self.records})


class Audit:
    """A comparison of this cloud with the others.

    :param clouds: the service providers
    :param all_cells: of this cloud
    """

    def __init__(self, clouds: federation.Federation,
                 all_cells: Sequence[cells.Cell]) -> None:
        self._clouds = clouds
        self._cells = all_cells
        self._snapshot: _Snapshot

    def check(self) -> list[Finding]:
        """Compare; nothing is changed.

        :raises oslo_db.exception.DBError: of one of the cells
        """
        found = self._compare_all()
        if any(each.kind in (ORPHAN, LOST) for each in found):
            _wait()
            found = [self._confirm(each, found)
                     for each in self._compare_all()]
        return sorted(found, key=lambda each: (
            KINDS.index(each.kind), str(each.target),
            each.attachment_id or ''))

    def may_release(self, finding: Finding) -> bool:
        """Return whether the attachment of something found may be deleted."""
        return (finding.kind in (ORPHAN, ON_RECORD)
                and finding.attachment_id is not None
                and finding.attachment_id not in self._snapshot.live)

    def release(self, finding: Finding) -> bool:
        """Delete an attachment, and take it off the record.

        :param finding: of the last :meth:`check`
        :returns: False if it did not exist any more
        :raises Exception: the service provider does not answer, or refuses
        """
        listed = True
        try:
            auth.client_for(self._clouds, finding.target
                                 ).attachments.delete(finding.attachment_id)
        except cinder_exceptions.NotFound:
            listed = False
        for cell, each in self._snapshot.records:
            if (each.attachment_id, each.subject.target) == (
                    finding.attachment_id, finding.target):
                journal.resolve(cell.context, each)
        return listed

    def _confirm(self, finding: Finding, before: list[Finding]) -> Finding:
        if finding.kind in (ORPHAN, LOST) and (
                finding not in before or self._is_busy(finding)):
            return dataclasses.replace(finding, kind=UNDER_WAY)
        return finding

    def _is_busy(self, finding: Finding) -> bool:
        server_id = finding.server_id
        assert server_id
        return any(each.servers.is_busy(server_id)
                   or each.servers.is_detaching(server_id)
                   for each in self._cells)

    def _compare_all(self) -> list[Finding]:
        self._snapshot = _Snapshot(self._cells)
        found = []
        for remote in self._snapshot.targets:
            try:
                found += self._compare_target(remote)
            except Exception as exc:  # noqa: BLE001
                # What is wrong with one cloud must not hide the others.
                found.append(Finding(SILENT, remote,
                                     reason=outcome.reason(exc)))
        noted = dict.fromkeys(
            Finding(ON_RECORD, each.subject.target, each.subject.volume_id,
                    each.subject.server_id, each.attachment_id)
            for _, each in self._snapshot.records)
        return [*found, *noted, *(
            Finding(UNFINISHED, each.target, each.volume_id, each.server_id)
            for each in self._snapshot.unfinished)]

    def _compare_target(self, remote: target.Target) -> list[Finding]:
        client = auth.client_for(self._clouds, remote)
        listed = {each.id: each for each in _attachments(client)}
        return [*self._orphans(remote, listed),
                *self._lost(remote, listed, client)]

    def _orphans(self, remote: target.Target, listed: dict[str, Any]
                 ) -> Iterator[Finding]:
        unknown = [each for each in listed.values()
                   if each.id not in self._snapshot.live
                   and each.id not in self._snapshot.on_record]
        ours = self._servers({each.instance for each in unknown})
        for each in unknown:
            if each.instance in ours:
                yield Finding(ORPHAN, remote, each.volume_id, each.instance,
                              each.id)

    def _servers(self, server_ids: set[str]) -> set[str | None]:
        return self._snapshot.named_servers.union(
            *(each.known_servers(server_ids) for each in self._cells))

    def _lost(self, remote: target.Target, listed: dict[str, Any],
              client: Any) -> Iterator[Finding]:
        for each in self._snapshot.live.values():
            if each.target != remote or each.attachment_id in listed:
                continue
            try:
                # NOTE: a list may leave out what Nova may not see.
                client.attachments.show(each.attachment_id)
            except cinder_exceptions.NotFound:
                yield Finding(LOST, remote, each.volume_id, each.server_id,
                              each.attachment_id)


def _wait() -> None:
    time.sleep(reconciler.CONFIRM)


def _attachments(client: Any) -> Iterator[Any]:
    """All attachments of a project that name a server.

    Cinder gives a thousand at once, and does not say that there are more.
    """
    seen: set[str] = set()
    marker = None
    while True:
        page = client.attachments.list(marker=marker)
        new = [each for each in page if each.id not in seen]
        if not new:
            return
        for each in new:
            seen.add(each.id)
            # NOTE: what another cloud says ends in URLs and on terminals.
            if all(map(uuidutils.is_uuid_like, (
                    each.id, each.volume_id, each.instance))):
                yield each
        marker = new[-1].id
