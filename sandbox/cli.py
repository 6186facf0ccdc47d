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

"""The command line: complete OpenStack clouds on this machine."""

import argparse
import os
import pathlib
import sys

from sandbox import state
from sandbox import verbs

HELP = """\
Complete OpenStack clouds on this machine.

  demo                         up, then a server of one cloud uses a volume
                               of the other
  up                           start what is not running
  status                       what runs, and whether it does its work
  openstack CLOUD ...          the openstack command with its credentials
  logs CLOUD SERVICE [-f]      the log of a process
  start|stop|restart CLOUD SERVICE ...
  down [--purge]               end everything; --purge deletes its data
  add|remove CLOUD nova        a small Nova for a cloud that has none, until
                               it is removed, or all ends
  isolated COMMAND ...         clouds in a network of their own, beside
                               others, while the command runs
"""


def _options(default: object) -> argparse.ArgumentParser:
    """Options that may stand before and after the verb."""
    parser = argparse.ArgumentParser(add_help=False,
                                     argument_default=default)
    parser.add_argument(
        '--release', choices=state.RELEASES,
        help='of OpenStack (default: as before, else %s)' % state.RELEASES[0])
    parser.add_argument(
        '--compute', choices=state.COMPUTES,
        help='real guests and Ceph volumes, or fake drivers (default: as '
             'before, else libvirt)')
    parser.add_argument(
        '--plain', action='store_true',
        help="home's services without mixmatch; MIXMATCH_SANDBOX_PLAIN=1 "
             'does the same')
    parser.add_argument(
        '--patient', action=argparse.BooleanOptionalAction,
        help='home waits for other clouds as long as mixmatch does by '
             'default, on a machine that does more than this (default: as '
             'before, else not)')
    parser.add_argument(
        '--state', type=pathlib.Path, metavar='DIR',
        help='the state folder (default: $MIXMATCH_SANDBOX or '
             f'{state.REPOSITORY}/.sandbox)')
    return parser


def parser() -> argparse.ArgumentParser:
    """All verbs with their options."""
    top = argparse.ArgumentParser(
        prog='sandbox/run', parents=[_options(None)], description=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    top.set_defaults(plain=False)
    subparsers = top.add_subparsers(dest='verb', required=True,
                                    metavar='VERB')
    again = _options(argparse.SUPPRESS)

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return subparsers.add_parser(name, help=text, parents=[again])

    add('demo', 'up, then show the main job of mixmatch')
    add('up', 'start what is not running')
    add('isolated', 'up, run a command, down; in a network of their own'
        ).add_argument('arguments', nargs=argparse.REMAINDER,
                       metavar='COMMAND ...')
    add('status', 'show each process; 1 if something is not healthy')
    add('down', 'end everything that was started').add_argument(
        '--purge', action='store_true', help='delete its data, too')
    command = add('openstack', 'run the openstack command')
    command.add_argument('cloud')
    command.add_argument('arguments', nargs=argparse.REMAINDER,
                         metavar='[--as USER] [--project PROJECT] ...')
    logs = add('logs', 'show the log of a process')
    logs.add_argument('cloud')
    logs.add_argument('service')
    logs.add_argument('-f', '--follow', action='store_true')
    for name, text in (('start', 'start processes'),
                       ('stop', 'end processes'),
                       ('restart', 'end and start processes')):
        some = add(name, f'{text}, at the same time')
        some.add_argument('cloud')
        some.add_argument('services', nargs='+', metavar='service')
    for name, text in (('add', 'bring up, with its entries in the catalog'),
                       ('remove', 'end, and take out of the catalog')):
        more = add(name, f'{text}, what a cloud does not have by itself')
        more.add_argument('cloud')
        more.add_argument('component', choices=('nova',))
    return top


def _mode(arguments: argparse.Namespace,
          last: state.Mode | None) -> state.Mode:
    """Return the mode asked for, else the last one, else the default."""
    before = last or state.Mode()
    plain = arguments.plain or bool(
        os.environ.get('MIXMATCH_SANDBOX_PLAIN'))
    patient = (before.patient if arguments.patient is None
               else arguments.patient)
    if arguments.verb not in ('up', 'demo', 'isolated'):
        plain = before.plain
    return state.Mode(arguments.release or before.release,
                      arguments.compute or before.compute, plain, patient,
                      before.with_nova)


def main(argv: list[str] | None = None) -> int:
    """Do one verb."""
    arguments = parser().parse_args(argv)
    root = (arguments.state or state.default_root()).absolute()
    try:
        last = state.last_mode(root)
        site = state.Site(root, _mode(arguments, last))
        return getattr(verbs, arguments.verb)(site, arguments)
    except state.Error as error:
        print(f'sandbox: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 141
