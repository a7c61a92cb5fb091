import { expect, it } from 'vitest';
import type { VolumeRecord } from '../../src/store/records/volume-record.ts';
import { volumesAsCsv } from '../../src/store/records/volumes-csv.ts';

const VOLUME: VolumeRecord = {
  patientKey: 'abc',
  studyInstanceUid: '1.2.3',
  studyDate: '20240102',
  studyTime: '101500',
  seriesInstanceUid: '1.2.3.1',
  part: 'arterial, "early"',
  class: 'CT',
  model: { name: '=SUM(A1)', version: '1.0.0', sha256: 'ab', mode: 'exact' },
  volumeMl: 70.5,
  voxelCount: 28_200,
  intervalMl: { low: 66, high: 75.125 },
  flags: ['thick-slices', 'lossy-source'],
  seg: null,
  report: { seriesInstanceUid: '1.2.3.2', sopInstanceUid: '1.2.3.2.1' },
  supersedes: null,
  contentDateTime: '2026-03-04T05:06:07.089Z',
  correction: null,
  withdrawn: { reason: '113001', note: '1.2.3.4', at: '2026-03-05T00:00:00.000Z' },
};

it('CSV has a line of names, quotes what needs it, and gives a spreadsheet no formula', () => {
  const [names, values, ...more] = volumesAsCsv([VOLUME]).split('\r\n');
  expect(names).toMatch(
    /^patient,studyDate,.*,withdrawn,review,reviewReason,person,notCompared,historyOnly$/,
  );
  expect(values).toBe(
    'abc,20240102,101500,1.2.3,1.2.3.1,"arterial, ""early""",CT,70.5,66,75.125,28200,' +
      'thick-slices lossy-source,' +
      "'=SUM(A1),1.0.0,ab,exact,1.2.3.2.1,,2026-03-04T05:06:07.089Z,,113001,,,,,",
  );
  expect(more).toEqual(['']);
});

it('what is in the history alone says so, and names no report', () => {
  const [names = '', values = ''] = volumesAsCsv([{ ...VOLUME, historyAlone: true }]).split('\r\n');
  const column = (name: string) =>
    values.split(',').at(names.split(',').indexOf(name) - names.split(',').length);
  expect([column('historyOnly'), column('report')]).toEqual(['yes', '']);
  expect(values).not.toContain(VOLUME.report.sopInstanceUid);
});
