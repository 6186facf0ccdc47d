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

"""Results of the sections: rows of the table, samples for the plot."""

import dataclasses
import json
import pathlib
import textwrap
import time
from typing import Any

from benchmarks import samples

#: How a value of a unit is printed.
FORMATS = {'ratio': '{:.2f}', 'ms': '{:.0f} ms', 's': '{:.2f} s',
           'count': '{:.0f}', 'bytes': '{:.0f} B', 'MiB': '{:.1f} MiB',
           '/s': '{:.2f} /s'}
#: Seconds without a line of progress.
SILENCE = 15
HEADINGS = ('what', 'median', 'quartiles', 'n', 'target', 'verdict')


@dataclasses.dataclass(frozen=True)
class Row:
    """One value that was measured.

    :param section: the number of its section
    :param name: its plain name
    :param label: what it is, for people
    :param value: a median, or a count
    :param spread: the quartiles; None for a count
    :param n: from how many measurements
    :param target: the value is not to be above it; None: for information
    """

    section: int
    name: str
    label: str
    unit: str
    value: float
    spread: tuple[float, float] | None = None
    n: int = 1
    target: float | None = None

    @property
    def met(self) -> bool | None:
        return None if self.target is None else self.value <= self.target

    def cells(self) -> tuple[str, ...]:
        form = FORMATS[self.unit].format
        return (self.label, form(self.value),
                f'{form(self.spread[0])} .. {form(self.spread[1])}'
                if self.spread else '',
                str(self.n),
                '' if self.target is None else f'<= {form(self.target)}',
                {None: '', True: 'met', False: 'MISSED'}[self.met])


class Results:
    """Collects, prints and writes.

    :param about: when, where and of what
    """

    def __init__(self, about: dict[str, Any]) -> None:
        self.about = about
        self.titles: dict[int, str] = {}
        self.rows: list[Row] = []
        self.samples: dict[int, dict[str, samples.Sample]] = {}
        self.units: dict[int, str] = {}
        self.notes: list[tuple[int, str]] = []
        self._section = 0
        self._began = self._said = time.monotonic()

    def begin(self, number: int, title: str) -> None:
        self._section = number
        self.titles[number] = title
        self.say(f'--- {number}. {title}')

    def say(self, text: str) -> None:
        self._said = time.monotonic()
        seconds = self._said - self._began
        print(f'[{seconds:6.1f} s] {text}', flush=True)

    def progress(self, done: int, of: int) -> None:
        if done == of or time.monotonic() > self._said + SILENCE:
            self.say(f'  {done} of {of}')

    def note(self, text: str) -> None:
        """A line below the table, such as what a time is made of."""
        self.notes.append((self._section, text))
        self.say(f'  {text}')

    def draw(self, label: str, values: samples.Sample,
             unit: str = 'ms') -> None:
        """Values for the plot; a section has one unit."""
        self.units[self._section] = unit
        self.samples.setdefault(self._section, {})[label] = values

    def count(self, name: str, label: str, value: float,
              target: float | None = None, unit: str = 'count') -> None:
        """One value without a spread."""
        self._add(Row(self._section, name, label, unit, value,
                      target=target))

    def median(self, name: str, label: str, values: samples.Sample,
               unit: str = 'ms', target: float | None = None) -> None:
        self._add(Row(self._section, name, label, unit,
                      samples.median(values), samples.quartiles(values),
                      len(values), target))

    def ratio(self, name: str, label: str, values: samples.Sample,
              base: samples.Sample, target: float | None = None) -> None:
        """Each value against the one that was measured next to it."""
        pairs = [value / other for value, other in zip(values, base,
                                                       strict=True)]
        self.median(name, label, pairs, 'ratio', target)

    def added(self, name: str, label: str, values: samples.Sample,
              base: samples.Sample, target: float | None = None,
              unit: str = 'ms') -> None:
        """Add a row: the difference of each to the one measured next to it."""
        pairs = [value - other for value, other in zip(values, base,
                                                       strict=True)]
        self.median(name, label, pairs, unit, target)

    def _add(self, row: Row) -> None:
        self.rows.append(row)
        self.say('  ' + '  '.join(filter(None, row.cells())))

    def missed(self) -> list[Row]:
        return [row for row in self.rows if row.met is False]

    def table(self) -> str:
        """All rows, for a terminal and for the documentation."""
        lines = []
        cells = [HEADINGS, *(row.cells() for row in self.rows)]
        width = [max(len(row[at]) for row in cells)
                 for at in range(len(HEADINGS))]

        def line(row: tuple[str, ...]) -> None:
            lines.append('  '.join(
                text.ljust(size) if at == 0 else text.rjust(size)
                for at, (text, size) in enumerate(zip(row, width))).rstrip())
        line(HEADINGS)
        for number, title in self.titles.items():
            lines.append('')
            lines.append(f'{number}. {title}')
            for row in self.rows:
                if row.section == number:
                    line(row.cells())
            for section, text in self.notes:
                if section == number:
                    lines += textwrap.wrap(
                        text, 79, initial_indent='  * ',
                        subsequent_indent='    ', break_on_hyphens=False)
        about = ', '.join(f'{key} {value}'
                          for key, value in self.about.items())
        return '\n'.join([*lines, '', about, ''])

    def write(self, path: pathlib.Path) -> None:
        """Every value under its name; below that what the plot is made of.
        """
        found: dict[str, Any] = {row.name: round(row.value, 4)
                                 for row in self.rows}
        found['about'] = self.about
        found['table'] = [{**dataclasses.asdict(row), 'met': row.met}
                          for row in self.rows]
        found['notes'] = [text for _, text in self.notes]
        found['samples'] = [
            {'section': number, 'title': self.titles[number],
             'unit': self.units[number],
             'of': {label: [round(value, 4) for value in values]
                    for label, values in of.items()}}
            for number, of in self.samples.items()]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found, indent=1) + '\n')
