import { expect, it } from 'vitest';
import { holdContest, type Look, type RankedSeries } from '../../src/pipeline/run/contest.ts';
import { rivalsOf } from '../../src/pipeline/run/rivals.ts';
import type { SegmentedClass } from '../../src/pipeline/selection/rules.ts';

const series = (
  uid: string,
  certainty: 'yes' | 'possible',
  more: Partial<RankedSeries> = {},
): RankedSeries => ({
  seriesInstanceUid: uid,
  description: uid,
  class: 'CT_ABDOMEN',
  certainty,
  rank: 1,
  chosen: certainty === 'yes',
  reason: '',
  ...more,
});
const at = (bottom: number, top: number) => ({ place: { frameOfReference: '1', bottom, top } });

/** What each series shows; the quick pass and the proper one see the same. */
async function contest(ranked: RankedSeries[], shows: Record<string, Look['appearance']>, looks = 2) {
  const done: string[] = [];
  const look = (one: RankedSeries): Look => ({
    appearance: shows[one.seriesInstanceUid] ?? 'plausible',
    volumeMl: 80,
  });
  const kept = new Map<string, Look>();
  const hold = () =>
    holdContest({
      ranked,
      looks,
      segment: async (one) => {
        done.push(`proper ${one.seriesInstanceUid}`);
        return look(one);
      },
      quickly: async (one) => {
        done.push(`quick ${one.seriesInstanceUid}`);
        return look(one);
      },
      recall: async (one) => kept.get(one.seriesInstanceUid),
      remember: async (one, seen) => void kept.set(one.seriesInstanceUid, seen),
    });
  const { winner, tried } = await hold();
  const first = done.splice(0);
  await hold();
  return {
    winner: winner?.series.seriesInstanceUid,
    tried: tried.map((one) => `${one.series.seriesInstanceUid} ${one.appearance}`),
    done: first,
    again: done,
  };
}

it('what is odd in the certain one gives way to what is beyond doubt in another part of the body', async () => {
  const ranked = [
    series('low', 'yes', at(0, 200)),
    series('same', 'yes', at(5, 195)),
    series('high', 'yes', at(200, 400)),
    series('higher', 'possible', at(400, 600)),
  ];
  expect(await contest(ranked, { low: 'small', high: 'small' })).toMatchObject({
    winner: 'higher',
    tried: ['low small', 'high small'],
    done: ['proper low', 'quick high', 'quick higher', 'proper higher'],
    again: ['proper higher'],
  });
  expect(await contest(ranked, { low: 'small', high: 'small', higher: 'unsure' })).toMatchObject({
    winner: 'low',
    tried: ['high small', 'higher unsure'],
    again: ['proper low'],
  });
});

it('what is certain and holds an organ costs one pass, however small that is', async () => {
  const ranked = [series('a', 'yes'), series('b', 'yes'), series('c', 'possible')];
  expect(await contest(ranked, { a: 'small' })).toMatchObject({ winner: 'a', tried: [], done: ['proper a'] });
});

it('where nothing is found, or only something at the border, the next that is borne out is taken', async () => {
  const ranked = [series('a', 'yes'), series('b', 'yes'), series('c', 'possible')];
  const shows = { a: 'nothing', b: 'border' } as const;
  expect(await contest(ranked, shows)).toEqual({
    winner: 'c',
    tried: ['a nothing', 'b border'],
    done: ['proper a', 'quick b', 'quick c', 'proper c'],
    again: ['proper c'],
  });
});

it('where none is borne out, the certain one stands with what was tried', async () => {
  const shows = { a: 'border', b: 'nothing', c: 'small' } as const;
  const ranked = [series('a', 'yes'), series('b', 'yes'), series('c', 'possible')];
  expect(await contest(ranked, shows)).toMatchObject({ winner: 'a', tried: ['b nothing', 'c small'] });
});

it('of what is only possible, the first with one plausible pancreas is taken, and none where there is none', async () => {
  const ranked = [series('a', 'possible'), series('b', 'possible'), series('c', 'possible')];
  expect(await contest(ranked, { a: 'parts' })).toMatchObject({
    winner: 'b',
    done: ['quick a', 'quick b', 'proper b'],
  });
  const shows = { a: 'large', b: 'unsure' } as const;
  const none = await contest(ranked, shows);
  expect(none).toMatchObject({
    winner: undefined,
    tried: ['a large', 'b unsure'],
    done: ['quick a', 'quick b'],
  });
});

it('pixels alone may veto what is possible, which costs no look, and may spare it the quick pass', async () => {
  const ranked = ['a', 'b', 'c', 'd'].map((uid) => series(uid, 'possible'));
  const shows = { a: 'elsewhere', b: 'elsewhere', c: 'nothing' } as const;
  expect(await contest(ranked, shows)).toMatchObject({
    winner: 'd',
    tried: ['a elsewhere', 'b elsewhere', 'c nothing'],
  });
  // Shown to be the station, but no organ is found in it.
  expect(await contest([series('a', 'possible')], { a: 'abdomen' })).toMatchObject({
    winner: undefined,
    done: ['quick a', 'proper a'],
  });
});

it('what lies elsewhere in the body is tried before what covers the same', async () => {
  const ranked = [
    series('a', 'yes', at(-400, -200)),
    series('b', 'yes', at(-400, -200)),
    series('c', 'yes', at(-390, -190)),
    series('d', 'yes', at(-200, 0)),
  ];
  expect((await contest(ranked, { a: 'nothing' }, 1)).done).toEqual(['proper a', 'quick d', 'proper d']);
});

it('a study of possible series has two quick passes, shared among its classes', () => {
  const ofClass = (name: SegmentedClass, certainty: 'yes' | 'possible') =>
    [1, 2, 3].map((rank) => series(`${name} ${rank}`, certainty, { class: name, rank }));
  const looks = (...decisions: RankedSeries[]) =>
    rivalsOf(decisions, { has: () => true }, 2).map((one) => one.looks);
  expect(looks(...ofClass('CT_ABDOMEN', 'possible'))).toEqual([2]);
  expect(looks(...ofClass('T1W', 'possible'), ...ofClass('T2W', 'possible'))).toEqual([1, 1]);
  expect(looks(...ofClass('T1W', 'yes'), ...ofClass('T2W', 'possible'))).toEqual([1, 2]);
  expect(rivalsOf(ofClass('T1W', 'possible'), { has: () => true }, 0)[0]?.looks).toBe(0);
});
