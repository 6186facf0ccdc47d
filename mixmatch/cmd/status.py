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

"""``mixmatch-status``: state of the service providers.

    mixmatch-status --config-file /etc/nova/nova.conf

First it logs in at each service provider, with the credentials of the
service whose configuration it reads. Then it shows the states that the running
processes of this host have recorded. The exit code is 0 if all is well, 1 if a
process has a service provider down, 2 if a login fails now.

The command itself is in mixmatch_nova, which knows the options of Nova's
attachments besides.
"""

from collections.abc import Callable, Sequence
import sys
import time
from typing import Any

from oslo_config import cfg

from mixmatch import exceptions
from mixmatch import federation
from mixmatch import health
from mixmatch import service_provider
from mixmatch import services
from mixmatch import status_file

#: The highest wins.
OK, WARNING, FAILURE = range(3)


#: Returns a warning about the configuration of a service provider, or nothing.
Check = Callable[[service_provider.ServiceProvider], str]


def check(clouds: federation.Federation, name: str,
          check_options: Check) -> tuple[int, str]:
    """Log in at a service provider now.

    :param check_options: for the service whose configuration is read
    :returns: the exit code, and a line for people
    """
    began = time.monotonic()
    try:
        login = clouds.service_login(name)
        there = clouds.service_provider(name)
        newest = there.highest_microversion(services.VOLUME, login)
    except exceptions.MixmatchException as exc:
        return FAILURE, f'{name}: FAILED: {exc}'
    except Exception as exc:  # noqa: BLE001
        # An error of one cloud must not hide the others.
        return FAILURE, f'{name}: FAILED: {type(exc).__name__}: {exc}'
    line = (f'{name}: ok: logged in to project '
            f'{login.get_project_id(None)}, volume API up to '
            f'{newest}, in {time.monotonic() - began:.2f} s')
    warning = check_options(there)
    if warning:
        return WARNING, f'{line}; but {warning}'
    return OK, line


def show(process: dict[str, Any]) -> tuple[int, list[str]]:
    """Format the state that a process has recorded.

    :returns: the exit code, and a line for each service
    """
    code, lines = OK, []
    if process.get('problem'):
        code = WARNING
        lines.append(f'{process["process"]}: {process["problem"]}')
    for name, states in sorted(process['health'].items()):
        for service, state in sorted(states.items()):
            text = f'{process["process"]}: {name} {service}: ' \
                   f'{state["state"]} since {_clock(state["since"])}'
            if state['state'] == health.DOWN:
                code = WARNING
                text += (f': {state["reason"]}; tried again from '
                         f'{_clock(state["retry_at"])} on')
            lines.append(text)
    return code, lines


def _clock(seconds: float) -> str:
    return time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(seconds))


def _read(argv: list[str]) -> cfg.ConfigOpts:
    conf = cfg.ConfigOpts()
    # NOTE: of Nova or Cinder; the directory is below it.
    conf.register_opt(cfg.StrOpt('state_path', default='.'))
    # NOTE: not project "nova", which would patch this process.
    conf(argv, project='mixmatch', prog='mixmatch-status',
         description='Check the logins at service providers, and show '
                     'their state in the processes of this host.',
         default_config_files=cfg.find_config_files('nova'),
         default_config_dirs=[])
    return conf


def main(argv: list[str] | None = None, opts: Sequence[cfg.Opt] = (),
         check_options: Check = lambda _: '') -> int:
    """Run the command.

    :param opts: options of each service provider besides those of the core
    :param check_options: checks them
    :returns: the exit code
    """
    conf = _read(sys.argv[1:] if argv is None else argv)
    clouds = federation.Federation(conf, opts)
    # The check needs new logins, not those that are cached.
    conf.set_override('enabled', False, 'cache')
    if not clouds.names:
        print('No service provider is configured: [mixmatch] '
              'service_providers is empty in '
              + (', '.join(conf.config_file) or 'the configuration'))
        return FAILURE
    worst = OK
    print('Service providers, entered now:')
    answers = clouds.ask(clouds.names, lambda name: check(
        clouds, name, check_options))
    for name in clouds.names:
        code, line = answers.answered.get(name) or (
            FAILURE, f'{name}: FAILED: {answers.missing[name]}')
        worst = max(worst, code)
        print(f'  {line}')
    return max(worst, _show_processes(conf))


def _show_processes(conf: cfg.ConfigOpts) -> int:
    where = status_file.directory(conf)
    if where is None:
        print('Processes write down nothing: status_directory is empty')
        return OK
    worst = OK
    print(f'Processes of this host, by {where}:')
    found = status_file.read(where)
    for process in found:
        code, lines = show(process)
        worst = max(worst, code)
        print('\n'.join(f'  {line}' for line in lines))
    if not found:
        print('  none has seen a service provider fail')
    return worst
