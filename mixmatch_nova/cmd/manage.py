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

"""``mixmatch-nova``: compare this cloud with its service providers.

    mixmatch-nova check
    mixmatch-nova release ATTACHMENT [ATTACHMENT ...]
    mixmatch-nova reset VOLUME

It needs a nova.conf with both of Nova's databases, as nova-manage does.
"""

import argparse
import collections
import dataclasses
import json
import sys
from typing import Any

import nova.conf
from nova import config
from nova import exception
from nova import objects
from oslo_config import cfg
from oslo_db import exception as db_exception
from oslo_log import log as logging

from mixmatch import federation
from mixmatch_nova import auth
from mixmatch_nova import plugin
from mixmatch_nova.reconcile import audit
from mixmatch_nova.reconcile import cells
from mixmatch_nova.reconcile import outcome
from mixmatch_nova.reconcile import reconciler
from mixmatch_nova import target

OK, FINDINGS, FAILURE = range(3)

_PROGRAM = 'mixmatch-nova'

#: A line for each kind of finding.
_TEXTS = {
    audit.ORPHAN:
        'orphan: attachment %(attachment_id)s of volume %(volume_id)s at '
        '%(sp)s: server %(server_id)s of this cloud has no block device '
        'mapping for it; to delete it: mixmatch-nova release '
        '%(attachment_id)s',
    audit.LOST:
        'lost: server %(server_id)s has volume %(volume_id)s by attachment '
        '%(attachment_id)s, which %(sp)s does not have; to go on without it: '
        'openstack server remove volume %(server_id)s %(volume_id)s',
    audit.UNFINISHED:
        'unfinished: server %(server_id)s has a block device mapping of '
        'volume %(volume_id)s at %(sp)s that never got an attachment; '
        'nova-conductor deletes it after some minutes; to do it now: '
        'openstack server remove volume %(server_id)s %(volume_id)s',
    audit.ON_RECORD:
        'on record: volume %(volume_id)s at %(sp)s, server %(server_id)s, '
        'attachment to delete: %(attachment_id)s; Nova retries until '
        'it is resolved',
    audit.SILENT: 'silent: %(sp)s, not checked: %(reason)s',
    audit.UNDER_WAY:
        'under way: volume %(volume_id)s at %(sp)s, server %(server_id)s, '
        'attachment %(attachment_id)s; ask again when that has ended'}


class NotEnabled(Exception):
    """The configuration is not that of a Nova with mixmatch."""


def main(argv: list[str] | None = None) -> int:
    """The command.

    :returns: its exit code: 1 if there is something to do, 2 for errors
    """
    arguments = _parser().parse_args(argv)
    try:
        clouds = _configure(arguments.config_file)
        return arguments.run(arguments, clouds, _cells())
    except (db_exception.DBError, db_exception.CantStartEngineError) as exc:
        return _fail("Nova's database cannot be used: "
                     f'{str(exc).splitlines()[0]}')
    except (NotEnabled, cfg.Error, exception.NovaException, OSError) as exc:
        return _fail(str(exc))


def check(arguments: argparse.Namespace, clouds: federation.Federation,
          home: list[cells.Cell]) -> int:
    """Compare the block device mappings of this cloud with the attachments
    at its service providers. It changes nothing.
    """
    found = audit.Audit(clouds, home).check()
    count = collections.Counter(each.kind for each in found)
    if arguments.json:
        print(json.dumps({
            'findings': [_as_dict(each) for each in found],
            'counts': {kind: count[kind] for kind in audit.KINDS}},
            indent=1))
    else:
        for each in found:
            print(_text(each))
        print(', '.join(_count(kind, count[kind]) for kind in audit.KINDS))
    return FINDINGS if found and set(count) != {audit.UNDER_WAY} else OK


def _count(kind: str, number: int) -> str:
    plural = kind == audit.ORPHAN and number != 1
    return f'{number} {kind}s' if plural else f'{number} {kind}'


def release(arguments: argparse.Namespace, clouds: federation.Federation,
            home: list[cells.Cell]) -> int:
    """Delete attachments at their service providers that the check calls
    orphans, or that are on record. Others are refused.
    """
    comparison = audit.Audit(clouds, home)
    found = comparison.check()
    code = OK
    for attachment_id in dict.fromkeys(arguments.attachments):
        # NOTE: another cloud has chosen the id; two may have the same.
        matches: list[audit.Finding | None] = [
            each for each in found if each.attachment_id == attachment_id]
        for each in matches or [None]:
            code = max(code, _release(attachment_id, each, comparison))
    silent = sorted({each.target.service_provider for each in found
                     if each.kind == audit.SILENT})
    if code and silent:
        print(f'not checked, no answer from: {", ".join(silent)}')
    return code


def _release(attachment_id: str, finding: audit.Finding | None,
             comparison: audit.Audit) -> int:
    if finding is None or not comparison.may_release(finding):
        why = ('neither an orphan nor on record' if finding is None else
               'under way' if finding.kind == audit.UNDER_WAY else
               f'server {finding.server_id} has a block device mapping for '
               'it; detach the volume')
        print(f'not released: {attachment_id}: {why}')
        return FINDINGS
    name = finding.target.service_provider
    try:
        there = comparison.release(finding)
    except Exception as exc:  # noqa: BLE001 - the others are released
        print(f'not released: {attachment_id} at {name}: '
              f'{outcome.reason(exc)}')
        return FAILURE
    print(f'released: {attachment_id} at {name}, volume {finding.volume_id}'
          + ('' if there else ', where it did not exist any more'))
    return OK


def reset(arguments: argparse.Namespace, clouds: federation.Federation,
          home: list[cells.Cell]) -> int:
    """Make a volume of another cloud usable again whose operation will not
    end: a detach is rolled back, a volume without
    any attachment is made available. Make sure that no server of the other
    cloud is using it. It must be one that this cloud has used.
    """
    volume_id = arguments.volume
    places = sorted({each.target for cell in home for each in cell.bdms()
                     if each.volume_id == volume_id and each.target.project_id}
                    | {each.subject.target for cell in home
                       for each in cell.records()
                       if each.subject.volume_id == volume_id}, key=str)
    if not places:
        print(f'not reset: {volume_id}: no block device mapping and no record '
              'of this cloud names it')
        return FINDINGS
    code = OK
    for remote in places:
        code = max(code, _reset(clouds, remote, volume_id))
    return code


def _reset(clouds: federation.Federation, remote: target.Target,
           volume_id: str) -> int:
    name = remote.service_provider
    try:
        done = reconciler.reset(auth.client_for(clouds, remote),
                                volume_id)
    except Exception as exc:  # noqa: BLE001 - the others are reset
        print(f'not reset: {volume_id} at {name}: {outcome.reason(exc)}')
        return FAILURE
    print(f'{volume_id} at {name}: {done}' if done else
          f'not reset: {volume_id} at {name}: it is not in the middle of '
          'anything')
    return OK if done else FINDINGS


def extended(arguments: argparse.Namespace, _clouds: federation.Federation,
             home: list[cells.Cell]) -> int:
    """Have the servers that use a volume of another cloud see that it has
    grown there. That cloud's Cinder can tell only the Nova of its own.
    """
    notified = [(server_id, host) for cell in home
                for server_id, host in cell.notify_extended(arguments.volume)]
    for server_id, host in notified:
        print(f'{host} has been told to look at the size of volume '
              f'{arguments.volume} in server {server_id}')
    if not notified:
        print(f'no server of this cloud that runs uses volume '
              f'{arguments.volume} of another cloud')
    return OK if notified else FINDINGS


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_PROGRAM, description='Looks after volumes of other clouds '
        'that servers of this cloud use.')
    parser.add_argument('--config-file', action='append', metavar='FILE',
                        help="Nova's configuration, with its databases")
    commands = parser.add_subparsers(required=True, metavar='COMMAND')

    def command(name: str, run: Any) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=run.__doc__,
                                   description=run.__doc__)
        made.set_defaults(run=run)
        return made
    command('check', check).add_argument('--json', action='store_true')
    command('release', release).add_argument(
        'attachments', nargs='+', metavar='ATTACHMENT',
        help='its id, as the check says it')
    command('reset', reset).add_argument(
        'volume', metavar='VOLUME', help='its id')
    command('extended', extended).add_argument(
        'volume', metavar='VOLUME', help='its id')
    return parser


def _configure(files: list[str] | None) -> federation.Federation:
    """Read nova.conf, which loads the plugin.

    :raises NotEnabled: it does not
    """
    try:
        config.parse_args([_PROGRAM], default_config_files=files)
    except SystemExit as exc:
        raise NotEnabled(str(exc)) from exc
    known = nova.conf.CONF
    loaded = plugin.loaded()
    if loaded is None:
        raise NotEnabled(
            'mixmatch is not enabled in '
            + (', '.join(known.config_file) or 'any nova.conf')
            + ': config_source = mixmatch is missing in [DEFAULT], or '
            'driver = mixmatch in [mixmatch]')
    # This wants to know what is now, and lives for a moment.
    known.set_override('status_directory', '', 'mixmatch')
    # NOTE: what is found goes to the standard output, nothing else.
    known.set_override('use_stderr', True)
    logging.setup(known, 'nova')
    objects.register_all()
    return loaded.clouds


def _cells() -> list[cells.Cell]:
    found = cells.list_cells()
    if not found:
        raise NotEnabled('this Nova has no cells; see nova-manage cell_v2')
    return found


def _fail(text: str) -> int:
    print(f'{_PROGRAM}: {text}', file=sys.stderr)
    return FAILURE


def _text(finding: audit.Finding) -> str:
    remote = finding.target
    return _TEXTS[finding.kind] % {
        **dataclasses.asdict(finding),
        'attachment_id': finding.attachment_id or 'none',
        'sp': f'{remote.service_provider} (project {remote.project_id})'}


def _as_dict(finding: audit.Finding) -> dict[str, Any]:
    # NOTE: scripts read "where".
    return {'where' if name == 'target' else name: value
            for name, value in dataclasses.asdict(finding).items()}


if __name__ == '__main__':
    sys.exit(main())
