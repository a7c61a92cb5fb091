import { expect, it } from 'vitest';
import type { ReviewedVolume } from '../../src/store/records/find-studies.ts';
import type { Identity } from '../../src/store/records/same-person.ts';
import { type PatientVolumes, patientTrends } from '../../src/store/records/trends.ts';
import { measuredVolume } from '../support/measured-volume.ts';

const SETTINGS = { correctedCounts: true, repeatabilityPercent: { CT: 7, T2W: null } };

const volume = (date: string, other: Partial<ReviewedVolume> = {}): ReviewedVolume => ({
  ...measuredVolume('key', date),
  correction: null,
  withdrawn: null,
  review: null,
  ...other,
});

const identity = (birthDateKey: string | undefined, sex: string | undefined): Identity => ({
  birthDateKey,
  sex,
  nameKeys: undefined,
});

/** All of one person, unless it is said otherwise. */
function patient(
  volumes: readonly ReviewedVolume[],
  identities: ReadonlyMap<string, Identity> = new Map(
    volumes.map(({ studyInstanceUid }) => [studyInstanceUid, identity('x', 'F')]),
  ),
): PatientVolumes {
  return { volumes, identities, isIdentified: true };
}

it('a trend joins volumes of one kind of images and one model alone', () => {
  const other = { name: 'demo-ct', version: '2', sha256: 'b'.repeat(64), mode: 'exact' } as const;
  const { trends } = patientTrends(
    patient([
      volume('20240101', { volumeMl: 80 }),
      volume('20240601', { class: 'T2W', volumeMl: 75 }),
      volume('20240801', { model: other, volumeMl: 74 }),
      volume('20250101', { volumeMl: 70 }),
    ]),
    SETTINGS,
  );
  expect(trends.map(({ class: images, points }) => [images, ...points.map(({ ml }) => ml)])).toEqual([
    ['CT', 80, 70],
    ['T2W', 75],
    ['CT', 74],
  ]);
});

it('the change is in ml, in percent and per year, and judged by the stated repeatability', () => {
  const [trend] = patientTrends(
    patient([
      volume('20240101', { volumeMl: 80 }),
      volume('20240201', { volumeMl: 78 }),
      volume('20260101', { volumeMl: 60 }),
    ]),
    SETTINGS,
  ).trends;
  const [, near, far] = trend?.points ?? [];
  expect(near?.sinceFirst).toEqual({
    ml: -2,
    percent: -2.5,
    percentPerYear: undefined, // a month apart
    mlPerYear: undefined,
    exceedsRepeatability: false,
  });
  expect(far?.sinceFirst?.percent).toBe(-25);
  expect(far?.sinceFirst?.percentPerYear).toBeCloseTo(-12.5, 1);
  expect(far?.sinceFirst?.exceedsRepeatability).toBe(true);
  expect(far?.sincePrevious?.ml).toBe(-18);
});

it('what is withdrawn, rejected, empty or without a date is shown apart, and compared with nothing', () => {
  const rejected = { decision: 'rejected', reason: '', reviewer: 'a', reviewedAt: new Date(0) } as const;
  const [trend] = patientTrends(
    patient([
      volume('20240101', { volumeMl: 80 }),
      volume('20240201', { withdrawn: { reason: '113001', note: '1', at: '' } }),
      volume('20240301', { review: rejected }),
      volume('20240401', { seg: null, volumeMl: 0 }),
      volume(''),
      volume('20250101', { volumeMl: 72 }),
    ]),
    SETTINGS,
  ).trends;
  expect(trend?.points.map(({ apart }) => apart)).toEqual([
    undefined,
    'withdrawn',
    'rejected',
    'nothing found',
    'no date',
    undefined,
  ]);
  expect(trend?.points.at(-1)?.sincePrevious?.percent).toBe(-10);
});

it("a reader's correction counts where the site wants it so", () => {
  const correction = {
    volumeMl: 60,
    voxelCount: 1,
    seg: { seriesInstanceUid: '1', sopInstanceUid: '1' },
    report: { seriesInstanceUid: '1', sopInstanceUid: '1' },
    supersedes: '1',
    contentDateTime: '',
  };
  const of = (correctedCounts: boolean) =>
    patientTrends(patient([volume('20240101', { correction })]), { ...SETTINGS, correctedCounts }).trends[0]
      ?.points[0];
  expect(of(true)).toMatchObject({ ml: 60, corrected: true });
  expect(of(false)).toMatchObject({ ml: 71.25, corrected: false });
});

it('no line joins studies that are not proven to be of one person, and each says why', () => {
  const volumes = ['20230101', '20240101', '20250101', '20260101', '20260201'].map((date) => volume(date));
  const [a = '', b = '', c = '', d = '', e = ''] = volumes.map(({ studyInstanceUid }) => studyInstanceUid);
  const identities = new Map([
    [a, identity('x', 'F')],
    [b, identity(undefined, undefined)],
    [c, identity('x', 'M')],
    [d, identity('y', 'F')],
    [e, identity('x', 'F')],
  ]);
  const { trends, people, notCompared } = patientTrends(patient(volumes, identities), SETTINGS);
  expect(people).toEqual([[a, e], [b], [c], [d]]);
  expect(trends.map(({ points }) => points.length)).toEqual([2, 1, 1, 1]);
  expect(notCompared.map(({ reason }) => reason)).toEqual([
    'contradiction',
    'ambiguous',
    'contradiction',
    'contradiction',
    'contradiction',
  ]);
});

it('a study whose PatientID names nobody says so', () => {
  const one = volume('20240101');
  const { notCompared } = patientTrends({ ...patient([one]), isIdentified: false }, SETTINGS);
  expect(notCompared).toEqual([{ studyInstanceUid: one.studyInstanceUid, reason: 'no id' }]);
});

it('a line is replaced where the model in use has measured all of its studies, of the same images', () => {
  const newer = { name: 'demo-ct', version: '2', sha256: 'b'.repeat(64), mode: 'exact' } as const;
  const again = (date: string) => volume(date, { model: newer, historyAlone: true });
  const replaced = (...volumes: ReviewedVolume[]) =>
    patientTrends(patient(volumes), SETTINGS, new Set([newer.sha256])).trends.map((trend) => trend.replaced);
  const [first, second] = [volume('20240101'), volume('20250101')];
  expect(replaced(first, second)).toEqual([undefined]);
  expect(replaced(first, second, again('20250101'))).toEqual([undefined, undefined]);
  expect(replaced(first, second, again('20240101'), again('20250101'))).toEqual([true, undefined]);
  const ofOtherImages = volume('20240101', { model: newer, class: 'T2W' });
  expect(replaced(first, ofOtherImages)).toEqual([undefined, undefined]);
  const inAnotherMode = volume('20240101', { model: { ...newer, mode: 'quick' } });
  expect(replaced(first, inAnotherMode)).toEqual([undefined, undefined]);
  const { trends } = patientTrends(patient([first, again('20240101')]), SETTINGS);
  expect(trends.map((trend) => trend.replaced)).toEqual([undefined, undefined]);
});

it('a line is not replaced by one that does not lead to all that it led to', () => {
  const newer = { name: 'demo-ct', version: '2', sha256: 'b'.repeat(64), mode: 'exact' } as const;
  const rejected = { decision: 'rejected', reason: '', reviewer: 'a', reviewedAt: new Date(0) } as const;
  const withdrawn = { reason: '113001', note: '1', at: '' };
  const [first, second] = [volume('20240101'), volume('20250101')];
  const of = (before: ReviewedVolume, other: Partial<ReviewedVolume> = {}) => {
    const again = [
      volume('20240101', { model: newer }),
      volume('20250101', { model: newer, historyAlone: true, ...other }),
    ];
    const { trends } = patientTrends(patient([first, before, ...again]), SETTINGS, new Set([newer.sha256]));
    return trends.find(({ model }) => model.name === 'demo-ct' && model.version === '1.0.0')?.replaced;
  };
  expect(of(second)).toBe(true);
  expect(of(second, { seg: null, volumeMl: 0 })).toBeUndefined();
  expect(of(second, { review: rejected })).toBeUndefined();
  // It led there no more itself.
  expect(of({ ...second, review: rejected }, { seg: null, volumeMl: 0 })).toBe(true);
  expect(of({ ...second, withdrawn })).toBe(true);
});
