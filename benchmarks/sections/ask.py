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

"""One question to many service providers at once."""

import contextlib
import time

from benchmarks import cpu
from benchmarks import federations
from benchmarks import holes
from benchmarks import results
from benchmarks import samples
from benchmarks import world as the_world
from sandbox import topology

TITLE = 'asking many service providers for volumes at once'
REPETITIONS = 30
QUICK = 4
#: How often the first question to a dead one is asked.
FIRST, FIRST_QUICK = 5, 2
MANY, SOME = 100, 10
DEAD = 10
LOGINS_AT_ONCE = 8
#: Of the time that the processor makes unavoidable.
TARGET = 2
#: Of the same question without those that are dead.
NOTHING = 1.05

#: What is asked of SOME living ones: how many dead ones of which kinds.
SICK = {'refused': 'one that refuses connections',
        'black_hole': 'one where nothing comes back',
        'hung': 'one that accepts and never answers',
        'ten': 'ten dead ones, of all kinds'}
#: Seconds that the first question may take longer.
BOUND = {'refused': federations.CONNECT_TIMEOUT,
         'black_hole': federations.CONNECT_TIMEOUT,
         'hung': federations.READ_TIMEOUT, 'ten': federations.READ_TIMEOUT}


def run(world: the_world.World, found: results.Results,
        quick: bool) -> None:
    found.note(f'{MANY + DEAD} registrations in the Keystone of '
               f'{topology.HOME} that all lead to the real Keystone and '
               f'Cinder of {topology.PROVIDER}; the dead ones have '
               'connect_timeout '
               f'{federations.CONNECT_TIMEOUT} s, read_timeout '
               f'{federations.READ_TIMEOUT} s')
    with federations.registrations(world, MANY + DEAD) as names:
        who = world.fresh()
        _log_in(found, names, who)
        ask_living(world, found, names[:MANY], federations.Asking(
            federations.clouds(names[:MANY]), who),
            QUICK if quick else REPETITIONS)
        for kind in SICK:
            _sick(found, names, who, kind, quick)


def _log_in(found: results.Results, names: list[str],
            who: the_world.Person) -> None:
    """A login at each; all that follow find them in the shared cache."""
    # NOTE: not as many at a time as by default: a hundred clouds would have
    # a hundred Keystones, here all are one.
    asking = federations.Asking(
        federations.clouds(names, ask_threads=LOGINS_AT_ONCE), who)
    asking.log_in(names[:1])
    first = samples.timed(asking.log_in, names[1:2])
    began = time.monotonic()
    failed = asking.log_in(names[2:])
    found.count('ask_1_login_s', 'one login', first, unit='s')
    found.count('ask_100_logins_s', f'{len(names) - 2} logins, '
                f'{LOGINS_AT_ONCE} at a time', time.monotonic() - began,
                unit='s')
    found.count('ask_100_logins_failed', '  that failed at the first try',
                failed, 0)


def ask_living(world: the_world.World, found: results.Results,
               names: list[str], asking: federations.Asking,
               repetitions: int) -> None:
    """Measure what asking 1, SOME and all of MANY living ones takes."""
    prefix = asking.prefix
    asking.ask_living(names)
    asking.ask_living(names)
    meter = cpu.Meter(world)
    times: dict[int, samples.Sample] = {1: [], SOME: [], MANY: []}
    least: dict[int, samples.Sample] = {1: [], SOME: [], MANY: []}
    spent: list[dict[str, float]] = []

    def measure(kind: str) -> None:
        count = int(kind)
        before = meter.read()
        times[count].append(samples.timed(asking.ask_living, names[:count]))
        used = meter.spent(before, meter.read())
        least[count].append(cpu.unavoidable(used.values()))
        if count == MANY:
            spent.append(used)
    samples.interleaved(map(str, times), repetitions, measure,
                        found.progress)
    for count, values in times.items():
        label = f'asking {count} for {asking.collection}'
        found.median(f'{prefix}_{count}_s', label, values, 's')
        found.draw(label, values, 's')
    found.median(f'{prefix}_{MANY}_unavoidable_s',
                 '  processor time of it, divided by the cores',
                 least[MANY], 's')
    found.draw(f'asking {MANY} for {asking.collection}: processor / cores',
               least[MANY], 's')
    found.ratio(f'{prefix}_{MANY}_ratio', f'asking {MANY} against that',
                times[MANY], least[MANY], TARGET)
    found.ratio(f'{prefix}_{MANY}_to_1_ratio',
                f'asking {MANY} against asking 1', times[MANY], times[1])
    each_of = ', '.join(
        f'{name} {samples.median([each[name] for each in spent]):.2f} s'
        for name in spent[0])
    found.note(f'processor time of asking {MANY} for {asking.collection}: '
               f'{each_of}')


def _sick(found: results.Results, names: list[str], who: the_world.Person,
          kind: str, quick: bool) -> None:
    """SOME living ones, without and with dead ones among them."""
    living, dead = names[:SOME], names[MANY:]
    kinds = list(holes.KINDS) * DEAD if kind == 'ten' else [kind]
    dead = dead[:DEAD if kind == 'ten' else 1]
    first, best = [], []
    with contextlib.ExitStack() as stack:
        ports = {name: stack.enter_context(holes.KINDS[each]())
                 for name, each in zip(dead, kinds)}
        for _ in range(FIRST_QUICK if quick else FIRST):
            # A federation of its own does not know yet who is dead.
            asking = federations.Asking(
                federations.clouds(living + dead, ports), who)
            asking.log_in(living + dead)
            asking.ask_living(living)
            best.append(samples.timed(asking.ask_living, living))
            first.append(samples.timed(_ask, asking, living, dead))
        found.added(f'ask_{kind}_first_added_s',
                    f'{SICK[kind]}: added to the first question', first, best,
                    BOUND[kind], 's')
        found.draw(f'{SICK[kind]}: first', first, 's')
        _next(found, asking, living, dead, kind,
              QUICK if quick else REPETITIONS)


def _next(found: results.Results, asking: federations.Asking,
          living: list[str], dead: list[str], kind: str,
          repetitions: int) -> None:
    times: dict[str, samples.Sample] = {'alive': [], 'with': []}

    def measure(what: str) -> None:
        began = time.monotonic()
        if what == 'alive':
            asking.ask_living(living)
        else:
            _ask(asking, living, dead)
        times[what].append(time.monotonic() - began)
    samples.interleaved(times, repetitions, measure, found.progress)
    found.ratio(f'ask_{kind}_next_ratio',
                f'{SICK[kind]}: the next ones', times['with'], times['alive'],
                NOTHING)
    found.draw(f'{SICK[kind]}: next', times['with'], 's')


def _ask(asking: federations.Asking, living: list[str],
         dead: list[str]) -> None:
    answers = asking.ask(living + dead)
    assert set(answers.answered) == set(living), answers.missing
    assert set(answers.missing) == set(dead)
