import { expect, it } from 'vitest';
import { monthsBetween } from '../../src/arrivals/watch/backfill.ts';

it('a whole archive is asked for month by month, the latest first, and for no day twice', () => {
  expect(monthsBetween('20191215', '20200203')).toEqual([
    { from: '20200201', until: '20200203' },
    { from: '20200101', until: '20200131' },
    { from: '20191215', until: '20191231' },
  ]);
  expect(monthsBetween('20200203', '20200203')).toEqual([{ from: '20200203', until: '20200203' }]);
  expect(monthsBetween('20200203', '20200202')).toEqual([]);
  expect(monthsBetween('20200203', '20191231')).toEqual([]);
});

it('every day between the two is of one of the months', () => {
  const months = monthsBetween('20180228', '20210331');
  expect(months).toHaveLength(38);
  expect(months.filter(({ from, until }) => from > until)).toEqual([]);
  // The day before the first of a month is the last of the month before, whatever its number.
  const inner = months.slice(0, -1).map(({ from }, at) => [from.slice(6), months[at + 1]?.until.slice(6)]);
  expect(new Set(inner.map(String))).toEqual(new Set(['01,31']));
});
